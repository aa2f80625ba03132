/** The care of a year outside stays: how many lines a person has (by age and sex, with a heavy
 * tail), of which families, on which days. Shares of families: distributions/key_figures of the
 * bundle. */
#include "care.h"

enum {
    LINES_SCALE = 660, // per 1000 of the published lines: what a delivery of 40 to 43 lines needs
    ALD_SCALE = 1900,  // per 1000, people with an ALD
    OTHER_SCALE = 790, // ... without
    SUNDAY = 6,
    SUNDAY_PPM = 940000, // visits on a Sunday that move to the Monday
    SESSION_DAYS_A_YEAR = 150
};

// A day of the year by season, inside [from, to]; SYNTH_NO_DAY: none in some tries.
static int32_t pick_day(synth_random *random, int year, const int64_t season[12], int32_t from,
                        int32_t to)
{
    for (int attempt = 0; attempt < 4; attempt++) {
        int32_t day = synth_day_by_season(random, year, season);
        if ((day + 3) % 7 == SUNDAY && synth_chance(random, SUNDAY_PPM)) day++; // day 0: a Thursday
        if (day >= from && day <= to) return day;
    }
    return SYNTH_NO_DAY;
}

static int64_t specialist(const synth_person *p, synth_random *random)
{
    return (p->place + 1) * 100000 + 20000 + synth_between(random, 1, 400);
}

// Opens a visit on a day of the season. False: none.
static bool open_visit(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                       visit *v)
{
    const int32_t day = pick_day(random, year, synth->world.season_visits, from, to);
    return day != SYNTH_NO_DAY && synth_visit_open(synth, random, day, v);
}

static pc_status acute_drugs(pc_synth *synth, synth_random *random, int year, int32_t from,
                             int32_t to, int wanted, pc_error *err)
{
    const int age = synth_age(&synth->person, year);
    const uint16_t *draw = synth->world.drug_draw[age < 15 ? 0 : age < 60 ? 1 : 2];
    for (int lines = 0; lines < wanted;) {
        uint16_t drug[6];
        const int count = synth_between(random, 1, 6);
        for (int k = 0; k < count; k++)
            drug[k] = draw[synth_below(random, SYNTH_DRAWS)];
        const int32_t day = pick_day(random, year, synth->world.season_drugs, from, to);
        const int before = lines;
        const int boxes = synth_chance(random, 250000) ? 2 : 1;
        if (day != SYNTH_NO_DAY) {
            PC_TRY(synth_pharmacy(synth, random, day, drug, count, boxes, &lines, err));
        }
        if (lines == before) lines += 2; // not arrived, or no day: that share is lost
    }
    return PC_OK;
}

static pc_status consultations(pc_synth *synth, synth_random *random, int year, int32_t from,
                               int32_t to, int wanted, pc_error *err)
{
    static const int16_t special[] = {3, 5, 7, 8, 11, 12, 13, 14, 15, 32, 33, 42};
    const synth_person *p = &synth->person;
    for (int k = 0; k < wanted; k++) {
        visit v;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        const uint32_t draw = synth_below(random, 100);
        const bool general = draw < 68;
        const int nature = draw < 55   ? 1110
                           : draw < 62 ? 1111
                           : draw < 65 ? 1192
                           : draw < 68 ? 1211
                                       : 1112;
        claim line = synth_claim(p, nature, 1, general ? 2500 : 4200, 70);
        line.prescribed = v.day;
        if (!general) {
            line.executor = specialist(p, random);
            line.speciality = special[synth_below(random, sizeof special / sizeof special[0])];
        }
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
        if (synth_chance(random, 480000)) { // a surcharge of the same act
            claim more = line;
            more.surcharge = 2;
            more.cents = 500;
            more.complement_code = 22;
            more.nature = 1127;
            PC_TRY(synth_claim_emit(synth, random, &v, &more, err));
        }
        if (synth_chance(random, 200000)) { // flat charge: negative, paid by the patient
            claim flat = line;
            flat.nature = flat.complement = 1952;
            flat.complement_code = 16;
            flat.cents = -100;
            flat.dpn_asked = synth_chance(random, 30000) ? 71 : 0; // T22
            PC_TRY(synth_claim_emit(synth, random, &v, &flat, err));
        }
    }
    return PC_OK;
}

// Nurses and physiotherapists come in series: a statement of some days.
static pc_status series(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                        int wanted, pc_error *err)
{
    for (int done = 0; done < wanted;) {
        visit v;
        const bool nurse = synth_chance(random, 600000);
        const int length = synth_between(random, 3, 12);
        done += length;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        claim line = synth_claim(&synth->person, nurse ? 3111 : 3122, 1, nurse ? 945 : 1613, 60);
        line.profession = nurse ? 24 : 26;
        line.speciality = 0;
        line.executor = (synth->person.place + 1) * 100000 + 60000 + synth_between(random, 1, 300);
        line.prescribed = v.day - synth_between(random, 1, 10);
        const int32_t last = v.day + 3 > to ? v.day : v.day + 3;
        for (int k = 0; k < length; k++) {
            PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
            if (v.day < last && synth_chance(random, 400000)) v.day++;
            if (v.day > v.treated) v.day = v.treated;
        }
    }
    return PC_OK;
}

static pc_status laboratory(pc_synth *synth, synth_random *random, int year, int32_t from,
                            int32_t to, int wanted, pc_error *err)
{
    const synth_world *world = &synth->world;
    for (int k = 0; k < wanted; k += 2) {
        visit v;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        claim line = synth_claim(&synth->person, 3211, 1, 1400, 60);
        line.profession = 30;
        line.speciality = 0;
        line.executor = (synth->person.place + 1) * 100000 + 70000 + synth_between(random, 1, 40);
        line.prescribed = v.day - synth_between(random, 0, 20);
        line.child_kind = CHILD_TEST;
        line.child_count = synth_between(random, 1, 7) * 2 / 3 + 1; // 3.1 on average
        if (line.child_count > CLAIM_CHILDREN) line.child_count = CLAIM_CHILDREN;
        for (int j = 0; j < line.child_count; j++) {
            line.child[j].test = world->test[world->test_draw[synth_below(random, SYNTH_DRAWS)]];
            line.child[j].quantity = 1;
        }
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
        claim sample = synth_claim(&synth->person, 3223, 1, 397, 60);
        sample.executor = line.executor;
        sample.profession = 30;
        sample.speciality = 0;
        sample.prescribed = line.prescribed;
        PC_TRY(synth_claim_emit(synth, random, &v, &sample, err));
    }
    return PC_OK;
}

static pc_status acts(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                      int wanted, pc_error *err)
{
    static const int nature[] = {1351, 1352, 1324, 1321};
    const synth_world *world = &synth->world;
    const synth_person *p = &synth->person;
    for (int k = 0; k < wanted; k++) {
        visit v;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        claim line = synth_claim(p, nature[synth_below(random, 4)], 1, 4500, 70);
        line.executor = specialist(p, random);
        line.speciality = synth_chance(random, 500000) ? 6 : 3;
        line.prescribed = v.day;
        line.child_kind = CHILD_ACT;
        line.child_count = synth_chance(random, 250000) ? 2 : 1;
        for (int j = 0; j < line.child_count; j++) {
            line.child[j].act = world->town_act[world->act_draw[synth_below(random, SYNTH_DRAWS)]];
            const uint32_t of = p->ill_count == 0 ? 0 : synth_below(random, (uint32_t)p->ill_count);
            const synth_list *own = &world->disease[p->ill[of].disease].town_ccam;
            if (p->ill_count > 0 && own->count > 0 && synth_chance(random, 300000)) {
                line.child[j].act = own->code[synth_below(random, (uint32_t)own->count)];
            }
        }
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
    }
    return PC_OK;
}

// Devices, transport, sick pay: lines without a child here.
static pc_status others(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                        int wanted, pc_error *err)
{
    static const int nature[] = {3515, 3513, 3512, 3531, 4213, 4214, 6111, 1451, 1451};
    const int age = synth_age(&synth->person, year);
    for (int k = 0; k < wanted; k++) {
        visit v;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        int chosen = nature[synth_below(random, sizeof nature / sizeof nature[0])];
        if (chosen == 6111 && (age < 18 || age > 65)) chosen = 3515;
        claim line = synth_claim(&synth->person, chosen, 1, 3000, 60);
        line.executor = (synth->person.place + 1) * 100000 + 80000 + synth_between(random, 1, 200);
        line.speciality = 0;
        line.profession = chosen == 4214 ? 56 : chosen == 4213 ? 55 : chosen == 1451 ? 53 : 60;
        line.insurance = chosen == 6111 && synth_chance(random, 150000) ? 40 : 10;
        line.prescribed = v.day - synth_between(random, 0, 5);
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
    }
    return PC_OK;
}

// Care in hospitals and clinics that DCIR sees: with a row in ER_ETE_F. Public ones for
// information.
static pc_status hospital(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                          int wanted, pc_error *err)
{
    for (int k = 0; k < wanted; k++) {
        visit v;
        if (!open_visit(synth, random, year, from, to, &v)) continue;
        const uint32_t draw = synth_below(random, 100);
        const int nature = draw < 50 ? 1112 : draw < 70 ? 2217 : draw < 90 ? 1110 : 2111;
        claim line = synth_claim(&synth->person, nature, 1, nature == 2111 ? 120000 : 3000, 80);
        line.with_hospital = true;
        line.prescribed = v.day;
        line.executor = 0;
        line.ghs = nature == 2111 ? synth_between(random, 22, 9600) : 0;
        const uint32_t kind = synth_below(random, 100);
        line.activity = kind < 35 ? 1 : kind < 70 ? 0 : kind < 98 ? 2 : SYNTH_NULL;
        if (synth_chance(random, 420000)) line.dpn = synth_chance(random, 900000) ? 71 : 72;
        if (line.dpn == 0 && synth_chance(random, 30000)) line.dpn_asked = 71;
        PC_TRY(synth_claim_emit(synth, random, &v, &line, err));
    }
    return PC_OK;
}

// Three sessions a week with a taxi both ways: the heaviest users there are.
static pc_status dialysis(pc_synth *synth, synth_random *random, int32_t from, int32_t to,
                          pc_error *err)
{
    int32_t day = from + synth_between(random, 0, 6);
    for (int k = 0; k < SESSION_DAYS_A_YEAR && day <= to; k++) {
        visit v;
        if (synth_visit_open(synth, random, day, &v)) {
            claim session = synth_claim(&synth->person, 2121, 1, 27400, 100);
            session.with_hospital = true;
            session.activity = 2;
            session.prescribed = day;
            PC_TRY(synth_claim_emit(synth, random, &v, &session, err));
            claim ride = synth_claim(&synth->person, 4214, 1, 3800, 100);
            ride.profession = 56;
            ride.prescribed = day;
            PC_TRY(synth_claim_emit(synth, random, &v, &ride, err));
            PC_TRY(synth_claim_emit(synth, random, &v, &ride, err));
        }
        day += k % 3 == 2 ? 3 : 2;
    }
    return PC_OK;
}

// T32: care up to a month after death, in messy deliveries.
static pc_status after_death(pc_synth *synth, synth_random *random, int year, pc_error *err)
{
    const synth_person *p = &synth->person;
    if (!p->death_known || !synth_mess(synth, 300000)) return PC_OK;
    int death_year, month, day;
    pc_day_split(p->death_day, &death_year, &month, &day);
    visit v;
    const int32_t later = p->death_day + synth_between(random, 1, 30);
    if (death_year != year || !synth_visit_open(synth, random, later, &v)) return PC_OK;
    v.stranger = false;
    claim line = synth_claim(p, 3515, 1, 3000, 60);
    line.prescribed = v.day;
    return synth_claim_emit(synth, random, &v, &line, err);
}

static bool has_dialysis(const pc_synth *synth, int32_t to)
{
    for (int k = 0; k < synth->person.ill_count; k++) {
        const synth_ill *ill = &synth->person.ill[k];
        if (ill->disease == synth->world.dialysis && ill->since < to) return true;
    }
    return false;
}

pc_status synth_care_year(pc_synth *synth, int year, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int32_t birthday =
        p->birth_day > pc_day_of(year, 1, 1) ? p->birth_day : pc_day_of(year, 1, 1);
    const int32_t end =
        p->death_day < pc_day_of(year, 12, 31) ? p->death_day : pc_day_of(year, 12, 31);
    if (end - birthday < 7) return PC_OK;
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index,
                       (uint32_t)SYNTH_YEAR + (uint32_t)(year - synth->options.first_year) * 2);
    const int age = synth_age(p, year);
    int64_t mean = synth->world.lines[p->sex][age < SYNTH_AGES ? age : SYNTH_AGES - 1] * 1024;
    mean = mean * LINES_SCALE / 1000 * (p->has_ald ? ALD_SCALE : OTHER_SCALE) / 1000;
    mean = mean * p->frailty / 1024 * (end - birthday + 1) / 365;
    int chronic = 0;
    PC_TRY(synth_chronic_year(synth, &random, birthday, end, &chronic, err));
    const int lines = synth_count(&random, mean);
    const int drugs = synth_count(&random, mean * 33 / 100) - chronic;
    // of the lines; consultations bring surcharges and flat charges, drugs their own lines
    const int64_t share[] = {8, 14, 9, 4, 6, 5};
    int count[6];
    for (int k = 0; k < 6; k++)
        count[k] = synth_count(&random, (int64_t)lines * 1024 * share[k] / 100);
    PC_TRY(acute_drugs(synth, &random, year, birthday, end, drugs, err));
    PC_TRY(consultations(synth, &random, year, birthday, end, count[0], err));
    PC_TRY(series(synth, &random, year, birthday, end, count[1], err));
    PC_TRY(laboratory(synth, &random, year, birthday, end, count[2], err));
    PC_TRY(acts(synth, &random, year, birthday, end, count[3], err));
    PC_TRY(others(synth, &random, year, birthday, end, count[4], err));
    PC_TRY(hospital(synth, &random, year, birthday, end, count[5], err));
    PC_TRY(after_death(synth, &random, year, err));
    return has_dialysis(synth, end) ? dialysis(synth, &random, birthday, end, err) : PC_OK;
}
