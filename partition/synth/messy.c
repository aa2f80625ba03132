/** Defects planted in messy deliveries (T07, T09, T10, T15, T30, T44, T56 to T59; others stand
 * where their rows are made): one damaged cell, a repeated or a missing row, a person with too
 * many. Lines that speak for diabetes are never touched, so that the truth does not depend on how a
 *  defect is read. */
#include <stdio.h>
#include <string.h>
#include "care.h"

enum {
    CLAIM_PPM = 2000, // claims with a planted defect
    DRUG_PPM = 1000,  // drug lines
    HEAVY_ONE_IN = 100000,
    HEAVY_INDEX = 77, // which of them
    HEAVY_LEAST = 2000,
    HEAVY_MOST = 30000,
    SECONDS_A_DAY = 86400
};

bool synth_mess(pc_synth *synth, uint32_t per_million)
{
    return synth->options.messy && synth_chance(&synth->mess, per_million);
}

void synth_odd(synth_row *row, int field, const char *text)
{
    row->odd.field = field;
    snprintf(row->odd.text, sizeof row->odd.text, "%s", text);
}

// T30: the day in another form.
static void odd_date(pc_synth *synth, synth_row *row)
{
    static const char *const name[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                       "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    const int32_t on = (int32_t)row->cell[PRS_EXE_SOI_DTD].number;
    int year, month, day;
    char text[32];
    pc_day_split(on, &year, &month, &day);
    switch (synth_below(&synth->mess, 4)) {
        case 0:
            snprintf(text, sizeof text, "%02d/%02d/%04d", day, month, year);
            break;
        case 1:
            snprintf(text, sizeof text, "%02d%s%04d", day, name[month - 1], year);
            break;
        case 2:
            snprintf(text, sizeof text, "%02d%s%04d:00:00:00", day, name[month - 1], year);
            break;
        default: // seconds since 1960, as SAS writes them
            snprintf(text, sizeof text, "%lld",
                     (long long)(on - pc_day_of(1960, 1, 1)) * SECONDS_A_DAY);
            break;
    }
    synth_odd(row, PRS_EXE_SOI_DTD, text);
    synth_count_defect(synth, 30);
}

// T57: a decimal comma.
static void odd_amount(pc_synth *synth, synth_row *row)
{
    char text[32];
    const long long cents = row->cell[PRS_PRS_PAI_MNT].number;
    const long long size = cents < 0 ? -cents : cents;
    snprintf(text, sizeof text, "%s%lld,%02lld", cents < 0 ? "-" : "", size / 100, size % 100);
    synth_odd(row, PRS_PRS_PAI_MNT, text);
    synth_count_defect(synth, 57);
}

damage synth_mess_claim(pc_synth *synth, synth_row *row, const claim *line)
{
    if (!synth_chance(&synth->mess, CLAIM_PPM)) return DAMAGE_NONE;
    static const char *const blank[] = {" ", "NULL", "NA"};
    char text[32];
    switch (synth_below(&synth->mess, 8)) {
        case 0:
            odd_date(synth, row);
            return DAMAGE_NONE;
        case 1:
            odd_amount(synth, row);
            return DAMAGE_NONE;
        case 2: // a text that may mean nothing
            synth_odd(row, PRS_BEN_RES_DPT, blank[synth_below(&synth->mess, 3)]);
            synth_count_defect(synth, 56);
            return DAMAGE_NONE;
        case 3: // T10: blanks behind the pseudonym
            snprintf(text, sizeof text, "%s  ", row->cell[PRS_BEN_NIR_PSA].text);
            synth_odd(row, PRS_BEN_NIR_PSA, text);
            synth_count_defect(synth, 10);
            return DAMAGE_NONE;
        case 4: // T07: an anonymous line, by its number or by its scheme
            if (line->child_kind != CHILD_NONE) return DAMAGE_NONE;
            if (synth_chance(&synth->mess, 500000)) {
                synth_odd(row, PRS_BEN_CDI_NIR, "06");
            } else {
                synth_odd(row, PRS_RGM_COD, "888");
            }
            synth_count_defect(synth, 7);
            return DAMAGE_NOBODY;
        case 5: // T15: its children come without it
            if (line->child_kind == CHILD_NONE) return DAMAGE_NONE;
            synth_count_defect(synth, 15);
            return DAMAGE_LOST;
        case 6: // T09: no rank
            synth_odd(row, PRS_BEN_RNG_GEM, "");
            synth_count_defect(synth, 9);
            return DAMAGE_RANKLESS;
        default: // T59: the same row again
            synth_count_defect(synth, 59);
            return DAMAGE_TWICE;
    }
}

void synth_mess_drug(pc_synth *synth, synth_row *row)
{
    if (!synth_mess(synth, DRUG_PPM)) return;
    const int64_t code = row->cell[PHA_PHA_PRS_C13].number;
    if (code == SYNTH_NULL || code == 0) return;
    char text[32];
    if (synth_chance(&synth->mess, 500000)) {
        snprintf(text, sizeof text, "%lld.0", (long long)code);
    } else {
        snprintf(text, sizeof text, "%lld.%05lldE+12", (long long)(code / 1000000000000),
                 (long long)(code / 10000000 % 100000));
    }
    synth_odd(row, PHA_PHA_PRS_C13, text);
    synth_count_defect(synth, 44);
}

pc_status synth_heavy_user(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int year = synth->options.last_year;
    const int32_t from = pc_day_of(year, 1, 1);
    const bool chosen = p->index % HEAVY_ONE_IN == HEAVY_INDEX && synth->options.messy;
    if (!chosen || p->birth_day > from || p->death_day != SYNTH_NO_DAY) return PC_OK;
    // small deliveries: few enough that they stay small
    const int64_t wanted = HEAVY_LEAST + 5 * synth->options.patients;
    const int lines = wanted < HEAVY_MOST ? (int)wanted : HEAVY_MOST;
    synth_count_defect(synth, 58);
    for (int done = 0; done < lines;) {
        visit v;
        const int32_t day = from + synth_between(&synth->mess, 0, 270);
        if (!synth_visit_open(synth, &synth->mess, day, &v)) continue;
        for (int k = 0; k < VISIT_LINES / 2 && done < lines; k++, done++) {
            claim line = synth_claim(p, 1451, 1, 800 + 10 * done, 60);
            line.profession = 53;
            line.prescribed = day;
            PC_TRY(synth_claim_emit(synth, &synth->mess, &v, &line, err));
        }
    }
    return PC_OK;
}
