/** Which diseases a person has, since when, with which drugs and ALDs; and whether the person is
 *  planted as a near miss of the rule of diabetes. */
#include <string.h>
#include "synth.h"

enum {
    NEAR_PPM = 20000, // adults from NEAR_AGE on who are near misses
    NEAR_AGE = 30,
    OLD_ONSET_YEARS = 12, // diseases began up to so many years before the period
    NEW_PERCENT = 12,     // began inside it
    LARGE_PERCENT = 25,   // patients who get packages for three months
    TREATED_PERCENT = 90,
    FAR_END_PERMILLE = 105, // ALD rows that end in 2099
    OPEN_END_PERMILLE = 80, // ... on 1600-01-01
    LONG_ALD_DAYS = 3650
};

static int band_of_age(int age)
{
    static const int upper[SYNTH_BANDS] = {14, 34, 44, 54, 64, 74, 84, 200};
    int band = 0;
    while (band < SYNTH_BANDS - 1 && age > upper[band])
        band++;
    return band;
}

bool synth_is_diabetes(const char *icd)
{
    return icd[0] == 'E' && icd[1] == '1' && icd[2] >= '0' && icd[2] <= '4';
}

bool synth_is_complication(const char *icd)
{
    static const char *const code[] = {"G590", "G632", "G730", "G990", "H280", "H360",
                                       "I792", "L97",  "M142", "M146", "N083"};
    for (size_t k = 0; k < sizeof code / sizeof code[0]; k++) {
        if (strncmp(icd, code[k], strlen(code[k])) == 0) return true;
    }
    return false;
}

uint16_t synth_pick_drug(synth_random *random, const synth_world *world, synth_class class,
                         bool large)
{
    uint32_t wanted = synth_below(random, 64);
    const int count = large ? class.count - class.small : class.small;
    if (count == 0) return (uint16_t)(class.first + (int)wanted % class.count);
    wanted %= (uint32_t)count;
    for (int k = class.first; k < class.first + class.count; k++) {
        if (world->drug[k].large == large && wanted-- == 0) return (uint16_t)k;
    }
    return class.first;
}

static void add_ald(synth_person *p, const char *icd, int number, int kind, int32_t from,
                    int32_t to)
{
    if (p->ald_count == SYNTH_MOST_ALDS) return;
    p->ald[p->ald_count++] = (synth_ald){.icd = icd,
                                         .number = (int16_t)number,
                                         .kind = (int16_t)kind,
                                         .from = from,
                                         .to = to,
                                         .inserted = from + 20 + from % 40};
}

static int32_t ald_end(synth_random *random, int32_t from)
{
    const uint32_t draw = synth_below(random, 1000);
    if (draw < FAR_END_PERMILLE) return pc_day_of(2099, 12, 31);
    if (draw < FAR_END_PERMILLE + OPEN_END_PERMILLE) return pc_day_of(1600, 1, 1);
    return from + LONG_ALD_DAYS;
}

static void add_ill(pc_synth *synth, synth_random *random, int disease)
{
    synth_person *p = &synth->person;
    const synth_world *world = &synth->world;
    const synth_disease *d = &world->disease[disease];
    synth_ill *ill = &p->ill[p->ill_count++];
    const int32_t first = pc_day_of(synth->options.first_year, 1, 1);
    const int32_t last = pc_day_of(synth->options.last_year, 12, 31);
    const bool is_new = synth_below(random, 100) < NEW_PERCENT;
    *ill = (synth_ill){.disease = (int16_t)disease};
    ill->since = is_new ? synth_between(random, first, last)
                        : first - synth_between(random, 1, 365 * OLD_ONSET_YEARS);
    if (ill->since < p->birth_day) ill->since = p->birth_day;
    ill->variant = (int16_t)synth_below(random, (uint32_t)d->icd.count);
    ill->large = synth_below(random, 100) < LARGE_PERCENT && d->every_days == 30;
    if (d->atc.count > 0 && synth_below(random, 100) < TREATED_PERCENT) {
        ill->drug_count = (int8_t)synth_between(random, 1, d->drugs < 1 ? 1 : d->drugs);
    }
    for (int k = 0; k < ill->drug_count; k++) {
        // the first classes of a list are the common ones
        uint32_t at = synth_below(random, (uint32_t)d->atc.count);
        const uint32_t other = synth_below(random, (uint32_t)d->atc.count);
        if (other < at) at = other;
        ill->drug[k] = synth_pick_drug(random, world, d->class[at], ill -> large);
    }
    if (d->ald == 0 || (int)synth_below(random, 100) >= d->ald_percent) return;
    const int32_t from = ill->since + synth_between(random, 0, 300);
    if (from > last) return;
    p->has_ald = true;
    const uint32_t kind = synth_below(random, 100);
    add_ald(p, d->icd.code[ill->variant], d->ald,
            kind < 94   ? 41
            : kind < 98 ? 43
                        : 45,
            from, ald_end(random, from));
}

// T52, and NEAR_ALD_ONLY: one row that ended before the period, is open, or ends far away.
static void plant_near_ald(pc_synth *synth, synth_random *random)
{
    synth_person *p = &synth->person;
    const int32_t first = pc_day_of(synth->options.first_year, 1, 1);
    if (p->near == NEAR_WORK_ACCIDENT) {
        add_ald(p, "E119", 0, 11, first - 100, first + 2000);
    }
    if (p->near != NEAR_ALD_ONLY) return;
    const int32_t end[] = {first - 1, pc_day_of(1600, 1, 1), pc_day_of(2099, 12, 31), first + 100};
    add_ald(p, "E119", 8, 41, first - 2000, end[synth_below(random, 4)]);
}

void synth_health_make(pc_synth *synth)
{
    synth_person *p = &synth->person;
    const synth_world *world = &synth->world;
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index, SYNTH_HEALTH);
    p->ill_count = 0;
    p->ald_count = 0;
    p->has_ald = false;
    p->near = NEAR_NONE;
    const int age = synth_age(p, synth->options.last_year);
    const int band = band_of_age(age);
    bool diabetic = false;
    for (int k = 0; k < world->disease_count; k++) {
        const uint32_t share = (uint32_t)world->disease[k].per_10000[p->sex][band];
        const bool has = synth_below(&random, 10000) < share;
        if (!has || p->ill_count == SYNTH_MOST_ILLS || (k == world->diabetes && p->twin)) continue;
        diabetic |= k == world->diabetes;
        add_ill(synth, &random, k);
    }
    if (age >= NEAR_AGE && !diabetic && !p->twin && synth_chance(&random, NEAR_PPM)) {
        p->near = (synth_near)synth_between(&random, NEAR_NONE + 1, NEAR_KINDS - 1);
        plant_near_ald(synth, &random);
    }
    if (p->ald_count > 0 && synth_mess(synth, 10000)) { // T28: starts after its end
        const int32_t from = pc_day_of(synth->options.first_year, 5, 1);
        add_ald(p, "I10", 12, 41, from, from - 100);
    }
    if (p->ald_count > 0 &&
        synth_mess(synth, 20000)) { // T51: the number 15 was leprosy before 2004
        add_ald(p, "A309", 15, 41, pc_day_of(1998, 3, 1), pc_day_of(2008, 2, 28));
    }
}
