/** Deliveries of drugs: the regular ones of a person's diseases, and those planted around the rule
 * of diabetes (three dates in a year, or two with a large package). */
#include "care.h"

enum {
    SKIP_PPM = 80000, // a delivery that is missed
    OTHER_DOCTOR_PPM = 120000,
    MOST_DRUGS = SYNTH_ILL_DRUGS * SYNTH_MOST_ILLS,
    PH7 = 3313,   // pharmacy at 65 %
    PH1 = 3311,   // ... at 100 %
    PH4 = 3312,   // ... at 30 %
    NOT_PAID = 40 // days after onset without a delivery
};

static bool is_antidiabetic(const synth_world *world, int32_t drug)
{
    const char *atc = world->drug[drug].atc;
    return atc[0] == 'A' && atc[1] == '1' && atc[2] == '0';
}

static void add_drug(const synth_world *world, claim *line, uint16_t drug, int boxes)
{
    const int k = line->child_count++;
    line->child_kind = CHILD_DRUG;
    line->child[k].drug = drug;
    line->child[k].quantity = boxes;
    line->quantity += boxes;
    line->cents += (int64_t)world->drug[drug].cents * boxes;
    line->evidence |= is_antidiabetic(world, drug);
}

// A pharmacy line as it usually is; the caller adds drugs.
static claim pharmacy_line(const pc_synth *synth, synth_random *random, int32_t day)
{
    const synth_person *p = &synth->person;
    static const int nature[] = {PH7, PH7, PH7, PH7, PH7, PH1, PH4, PH4};
    claim line = synth_claim(p, nature[synth_below(random, 8)], 0, 0, 65);
    if (line.nature == PH1) line.rate = 100;
    line.executor = (p->place + 1) * 100000 + 50000 + p->doctor % 97;
    line.speciality = 0;
    line.profession = 50;
    line.prescribed = day - synth_between(random, 0, 6);
    if (synth_chance(random, OTHER_DOCTOR_PPM)) {
        line.prescriber = (p->place + 1) * 100000 + 20000 + synth_between(random, 1, 400);
        line.asker_speciality = 3;
    }
    return line;
}

pc_status synth_pharmacy(pc_synth *synth, synth_random *random, int32_t day, const uint16_t *drug,
                         int count, int boxes, int *lines, pc_error *err)
{
    visit v;
    if (count == 0 || !synth_visit_open(synth, random, day, &v)) return PC_OK;
    for (int k = 0; k < count; k++) {
        if (is_antidiabetic(&synth->world, drug[k])) v.stranger = false;
    }
    for (int k = 0; k < count;) {
        claim line = pharmacy_line(synth, random, day);
        const uint32_t draw = synth_below(random, 100);
        int together = draw < 68 ? 1 : draw < 95 ? 2 : 3; // 1.37 drugs a line
        for (; together > 0 && k < count; together--) {
            add_drug(&synth->world, &line, drug[k++], boxes);
        }
        (*lines)++;
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
    }
    return PC_OK;
}

// All diseases whose drugs are taken monthly share their days: one visit brings several drugs.
static pc_status monthly(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                         int *lines, pc_error *err)
{
    const synth_person *p = &synth->person;
    for (int32_t day = from + synth_between(random, 0, 29); day <= to;
         day += synth_between(random, 27, 33)) {
        uint16_t drug[MOST_DRUGS];
        int count = 0;
        for (int k = 0; k < p->ill_count; k++) {
            const synth_ill *ill = &p->ill[k];
            const int every = synth->world.disease[ill->disease].every_days;
            if (every != 30 || ill->large || day < ill->since + NOT_PAID) continue;
            for (int j = 0; j < ill->drug_count; j++) {
                if (!synth_chance(random, SKIP_PPM)) drug[count++] = ill->drug[j];
            }
        }
        PC_TRY(synth_pharmacy(synth, random, day, drug, count, 1, lines, err));
    }
    return PC_OK;
}

static pc_status own_rhythm(pc_synth *synth, synth_random *random, const synth_ill *ill,
                            int32_t from, int32_t to, int *lines, pc_error *err)
{
    const int every = ill->large ? 90 : synth->world.disease[ill->disease].every_days;
    if (from < ill->since + NOT_PAID) from = ill->since + NOT_PAID;
    for (int32_t day = from + synth_between(random, 0, every - 1); day <= to;
         day += every + synth_between(random, -4, 6)) {
        if (synth_chance(random, SKIP_PPM)) continue;
        PC_TRY(synth_pharmacy(synth, random, day, ill->drug, ill->drug_count, 1, lines, err));
    }
    return PC_OK;
}

// One delivery of a near miss. `filter` 1 to 5: a cleaning rule takes the line out. `cancel`: +1
// and -1, 2: under another prescriber, so that the first group stays.
static pc_status near_delivery(pc_synth *synth, synth_random *random, int32_t day, uint16_t drug,
                               int filter, int cancel, pc_error *err)
{
    visit v;
    if (!synth_visit_open(synth, random, day, &v)) return PC_OK;
    v.stranger = false;
    claim line = pharmacy_line(synth, random, day);
    add_drug(&synth->world, &line, drug, 1);
    if (filter == 1) line.dpn = 71;
    if (filter == 2) line.dpn_asked = 72;
    if (filter == 3) {
        line.with_hospital = true;
        line.activity = 1;
    }
    if (filter == 4) line.surcharge = 2;
    if (filter == 5) line.base_nature = 0;
    PC_TRY(synth_claim_write(synth, &v, &line, 1, err));
    if (cancel == 0) return PC_OK;
    visit later;
    if (!synth_visit_later(synth, random, &v, &later)) return PC_OK;
    if (cancel == 2) line.prescriber++;
    synth_count_defect(synth, 19);
    return synth_claim_write(synth, &later, &line, -1, err);
}

// Three days well apart inside [from, to].
static void three_days(synth_random *random, int32_t from, int32_t to, int32_t day[3])
{
    const int32_t third = (to - from) / 3;
    for (int k = 0; k < 3; k++)
        day[k] = from + k * third + synth_between(random, 0, third / 2);
}

static pc_status near_two_years(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                                uint16_t drug, pc_error *err)
{
    int year, month, day;
    pc_day_split(from, &year, &month, &day);
    const bool even = year % 2 == 0; // two dates late in even years, one early in odd ones
    if (!even) return near_delivery(synth, random, from + 10, drug, 0, 0, err);
    PC_TRY(near_delivery(synth, random, to - 50, drug, 0, 0, err));
    return near_delivery(synth, random, to - 20, drug, 0, 0, err);
}

static pc_status near_year(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                           pc_error *err)
{
    const synth_world *world = &synth->world;
    const synth_near near = synth->person.near;
    if (to - from < 300) return PC_OK;
    int32_t day[3];
    three_days(random, from, to, day);
    const uint16_t small = synth_pick_drug(random, world, world->metformin, false);
    const uint16_t large = synth_pick_drug(random, world, world->metformin, true);
    const uint16_t other = synth_pick_drug(random, world, world->benfluorex, false);
    const int filter = near == NEAR_FILTERED ? synth_between(random, 1, 5) : 0;
    switch (near) {
        case NEAR_TWO_DATES:
            PC_TRY(near_delivery(synth, random, day[0], small, 0, 0, err));
            return near_delivery(synth, random, day[1], small, 0, 0, err);
        case NEAR_TWO_LARGE:
        case NEAR_LARGE_CANCELLED:
            PC_TRY(near_delivery(synth, random, day[0], small, 0, 0, err));
            PC_TRY(near_delivery(synth, random, day[1], small, 0, 0, err));
            return near_delivery(synth, random, near == NEAR_TWO_LARGE ? day[1] : day[2], large, 0,
                                 near == NEAR_LARGE_CANCELLED, err);
        case NEAR_ONE_DAY:
            for (int k = 0; k < 3; k++) {
                PC_TRY(near_delivery(synth, random, day[1], small, 0, 0, err));
            }
            return PC_OK;
        case NEAR_TWO_YEARS:
            return near_two_years(synth, random, from, to, small, err);
        case NEAR_BENFLUOREX:
            for (int k = 0; k < 3; k++) {
                PC_TRY(near_delivery(synth, random, day[k], other, 0, 0, err));
            }
            return PC_OK;
        case NEAR_FILTERED:
        case NEAR_CANCELLED:
        case NEAR_OTHER_CANCEL:
            PC_TRY(near_delivery(synth, random, day[0], small, 0, 0, err));
            PC_TRY(near_delivery(synth, random, day[1], small, 0, 0, err));
            return near_delivery(synth, random, day[2], small, filter,
                                 near == NEAR_CANCELLED      ? 1
                                 : near == NEAR_OTHER_CANCEL ? 2
                                                             : 0,
                                 err);
        default:
            return PC_OK;
    }
}

pc_status synth_chronic_year(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                             int *lines, pc_error *err)
{
    const synth_person *p = &synth->person;
    PC_TRY(monthly(synth, random, from, to, lines, err));
    for (int k = 0; k < p->ill_count; k++) {
        const synth_ill *ill = &p->ill[k];
        const int every = synth->world.disease[ill->disease].every_days;
        if (ill->drug_count == 0 || (every == 30 && !ill->large)) continue;
        PC_TRY(own_rhythm(synth, random, ill, from, to, lines, err));
    }
    return near_year(synth, random, from, to, err);
}
