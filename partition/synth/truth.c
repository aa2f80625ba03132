/** The rule `diabete` of the national disease mapping, judged on the rows just made: deliveries on
 *  three dates of a year, or two with a large package, this year or the year before; an ALD; a stay
 *  this year or the year before. docs/synth.md says it in full. */
#include <stdlib.h>
#include <string.h>
#include "synth.h"

pc_status synth_truth_delivery(pc_synth *synth, const synth_delivery *delivery, pc_error *err)
{
    if (strcmp(synth->world.drug[delivery->drug].atc, "A10BX06") == 0) return PC_OK;
    return pc_buffer_append(&synth->evidence.delivery, delivery, sizeof *delivery, err);
}

// By day, then by what makes a group.
static int compare_deliveries(const void *left, const void *right)
{
    const synth_delivery *a = left, *b = right;
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    if (a->drug != b->drug) return a->drug < b->drug ? -1 : 1;
    if (a->prescriber != b->prescriber) return a->prescriber < b->prescriber ? -1 : 1;
    return 0;
}

static void judge_treated(pc_synth *synth, bool treated[PC_SYNTH_MAX_YEARS])
{
    int dates[PC_SYNTH_MAX_YEARS] = {0};
    int32_t last_day[PC_SYNTH_MAX_YEARS] = {0};
    int lines[PC_SYNTH_MAX_YEARS] = {0}; // deliveries, not cancellations
    bool large[PC_SYNTH_MAX_YEARS] = {false};
    synth_delivery *d = (synth_delivery *)(void *)synth->evidence.delivery.data;
    const size_t count = synth->evidence.delivery.bytes / sizeof *d;
    if (count == 0) return;
    qsort(d, count, sizeof *d, compare_deliveries);
    for (size_t k = 0; k < count;) {
        const synth_delivery *group = &d[k];
        int64_t quantity = 0;
        int year, month, day;
        pc_day_split(group->day, &year, &month, &day);
        year -= synth->options.first_year;
        for (; k < count && compare_deliveries(group, &d[k]) == 0; k++) {
            quantity += d[k].quantity;
            lines[year] += d[k].quantity > 0;
        }
        if (quantity <= 0) continue;
        if (dates[year] == 0 || last_day[year] != group->day) dates[year]++;
        last_day[year] = group->day;
        large[year] |= synth->world.drug[group->drug].large;
    }
    for (int year = 0; year < PC_SYNTH_MAX_YEARS; year++) {
        treated[year] = dates[year] >= 3 || (dates[year] >= 2 && large[year]);
        if (dates[year] == 2 && large[year]) synth_count_defect(synth, 45);
        if (dates[year] == 1 && lines[year] >= 3) synth_count_defect(synth, 46);
        const bool before = year > 0 && !treated[year - 1] && !treated[year];
        if (before && dates[year - 1] > 0 && dates[year] > 0 &&
            dates[year - 1] + dates[year] == 3) {
            synth_count_defect(synth, 47);
        }
    }
}

static void judge_alds(pc_synth *synth)
{
    const synth_person *p = &synth->person;
    const int32_t open = pc_day_of(1600, 1, 1);
    for (int k = 0; k < p->ald_count; k++) {
        const synth_ald *ald = &p->ald[k];
        if (!synth_is_diabetes(ald->icd)) continue;
        if (ald->kind != 41 && ald->kind != 43 && ald->kind != 45) continue;
        if (ald->to != open && ald->to < ald->from) continue; // ends before it starts: no record
        for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
            const bool begun = ald->from <= pc_day_of(year, 12, 31);
            const bool going = ald->to == open || ald->to >= pc_day_of(year, 1, 1);
            if (begun && going) synth->evidence.ald[year - synth->options.first_year] = true;
        }
    }
}

void synth_truth_judge(pc_synth *synth, bool diabetic[PC_SYNTH_MAX_YEARS])
{
    bool treated[PC_SYNTH_MAX_YEARS] = {false};
    const synth_evidence *e = &synth->evidence;
    judge_treated(synth, treated);
    judge_alds(synth);
    const int years = synth->options.last_year - synth->options.first_year + 1;
    for (int year = 0; year < years; year++) {
        bool is = treated[year] || e->ald[year] || e->stay[year];
        if (year > 0) is = is || treated[year - 1] || e->stay[year - 1];
        diabetic[year] = is;
        if (is) synth->truth->diabetes[year]++;
    }
}

pc_status pc_synth_truth_write(const pc_synth_options *options, const pc_synth_truth *truth,
                               pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "{\"patients\":%lld,\"cohorts\":{\"diabete\":{",
                           (long long)options->patients));
    for (int year = options->first_year; year <= options->last_year; year++) {
        PC_TRY(pc_buffer_print(out, err, "%s\"%d\":%lld", year == options->first_year ? "" : ",",
                               year, (long long)truth->diabetes[year - options->first_year]));
    }
    PC_TRY(pc_buffer_print(out, err, "}},\"defects\":{"));
    const char *comma = "";
    for (int number = 1; number <= PC_SYNTH_DEFECTS; number++) {
        if (truth->defect[number] == 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s\"T%02d\":%lld", comma, number,
                               (long long)truth->defect[number]));
        comma = ",";
    }
    return pc_buffer_print(out, err, "}}\n");
}
