/** Hospital stays (PMSI, MCO): tables B, C, D, A and UM of the year of exit. Diagnoses come from
 * the person's diseases or from the list of common reasons; the cleaning rules M1 to M5 have cases
 * at their natural rates. */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    SESSIONS_A_YEAR = 150,     // of a person in dialysis
    BAD_RETURN_PPM = 14000,    // M4: a return code that is not 0
    DUMMY_PPM = 8000,          // a dummy pseudonym (T06)
    GROUPING_ERROR_PPM = 1000, // M2: GRG_GHM 90 (T35)
    SERVICE_PPM = 1000,        // M3: SEJ_TYP B (T36)
    AUTOMATIC_PPM = 500,       // M5
    SEVERAL_UNITS_PPM = 80000,
    NO_ASSOCIATED_PPM = 400000,
    MORE_ASSOCIATED_PPM = 790000,
    OWN_DISEASE_PPM = 450000, // of stays of a person with diseases
    NUMBER_STEP = 200,        // RSA_NUM: stays of a patient in a year have numbers apart
    MOST_STAY_CODES = 24,
    FEW_STAYS = 190,        // of a person in a year, below NUMBER_STEP
    FIRST_DATES = 2009,     // EXE_SOI_DTF exists from then on
    FIRST_COHERENCE = 2013, // COH_NAI_RET, COH_SEX_RET
    FIRST_AUTOMATIC = 2015  // TYP_GEN_RSA
};

typedef struct stay {
    int32_t from, to;
    const char *main, *related, *ghm, *unit_main, *unit_related; // unit: second RUM, NULL: one RUM
    const char *associated[MOST_STAY_CODES];
    int associated_count;
    const char *act[MOST_STAY_CODES];
    int act_count;
    int sessions;                                      // 0: a stay
    bool bad_return, dummy, service, automatic, dirty; // rules M4, M3, M5; `dirty`: may be damaged
    bool new_born;
    bool leaves, arrives, borrowed; // T38: goes to another hospital, comes from one; T36: SEJ_TYP A
} stay;

static void add_code(const char **code, int *count, const char *text)
{
    if (text == NULL || *count == MOST_STAY_CODES) return;
    for (int k = 0; k < *count; k++) {
        if (strcmp(code[k], text) == 0) return;
    }
    code[(*count)++] = text;
}

// Diabetes is written as an associated diagnosis of most stays of a diabetic.
static void add_associated(pc_synth *synth, synth_random *random, int32_t day, stay *s)
{
    const synth_world *world = &synth->world;
    const synth_person *p = &synth->person;
    for (int k = 0; k < p->ill_count; k++) {
        const synth_ill *ill = &p->ill[k];
        if (ill->since > day || !synth_chance(random, 350000)) continue;
        add_code(s->associated, &s->associated_count,
                 world->disease[ill->disease].icd.code[ill->variant]);
    }
    if (synth_chance(random, NO_ASSOCIATED_PPM)) return;
    do {
        const uint32_t at = synth_below(random, (uint32_t)world->diagnosis_count);
        add_code(s->associated, &s->associated_count, world->diagnosis[at]);
    } while (synth_chance(random, MORE_ASSOCIATED_PPM) && s->associated_count < MOST_STAY_CODES);
}

static void add_acts(pc_synth *synth, synth_random *random, stay *s)
{
    const synth_world *world = &synth->world;
    const int count = synth_between(random, 0, 6);
    for (int k = 0; k < count; k++) {
        add_code(s->act, &s->act_count,
                 world->town_act[world->act_draw[synth_below(random, SYNTH_DRAWS)]]);
    }
}

static void add_rules(synth_random *random, int year, stay *s)
{
    s->bad_return = synth_chance(random, BAD_RETURN_PPM);
    s->dummy = synth_chance(random, DUMMY_PPM);
    s->service = synth_chance(random, SERVICE_PPM);
    s->automatic = synth_chance(random, AUTOMATIC_PPM) && year >= FIRST_AUTOMATIC;
    if (synth_chance(random, GROUPING_ERROR_PPM)) s->ghm = "90Z00Z";
}

// A reason by age and sex, by weight.
static const synth_motive *pick_motive(const pc_synth *synth, synth_random *random, int age)
{
    const synth_world *world = &synth->world;
    const int sex = synth->person.sex;
    int64_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        int64_t draw = total == 0 ? 0 : synth_below(random, (uint32_t)total);
        total = 0;
        for (int k = 0; k < world->motive_count; k++) {
            const synth_motive *motive = &world->motive[k];
            if (age < motive->age_from || age > motive->age_to) continue;
            const int64_t weight =
                (int64_t)motive->weight * (sex == 0 ? motive->women : motive->men);
            total += weight;
            draw -= weight;
            if (pass == 1 && draw < 0) return motive;
        }
    }
    return &world->motive[0];
}

static const char *level_of(const char *ghm, synth_random *random, char *out)
{
    // five characters leave the level of severity open: 1 to 4
    const size_t bytes = strlen(ghm);
    if (bytes >= 6) return ghm;
    memcpy(out, ghm, bytes);
    out[bytes] = (char)('1' + synth_below(random, 4));
    out[bytes + 1] = '\0';
    return out;
}

static void fill_stay(synth_row *row, const char *hospital, const char *number)
{
    row->cell[B_ETA_NUM].text = hospital;
    row->cell[B_RSA_NUM].text = number;
}

static void fill_b(pc_synth *synth, synth_random *random, const stay *s, int year)
{
    const synth_person *p = &synth->person;
    synth_cell *cell = synth->row[SYNTH_MCO_B].cell;
    const int days = s->from - p->birth_day;
    const int age = pc_age_on(p->birth_day, s->from);
    int exit_year, month, day;
    pc_day_split(s->to, &exit_year, &month, &day);
    cell[B_AGE_ANN].number = age < 1 ? SYNTH_NULL : age;
    cell[B_AGE_GES].number = s->new_born ? synth_between(random, 36, 41) : SYNTH_NULL;
    cell[B_AGE_JOU].number = age < 1 ? (days < 0 ? 0 : days) : SYNTH_NULL;
    cell[B_BDI_COD].text = synth_place_code(p->place) + 1;
    cell[B_BDI_DEP].text = synth_place_finess(p->place);
    cell[B_COD_SEX].number = p->sex == 0 ? 2 : 1;
    cell[B_DGN_PAL].text = s->main;
    cell[B_DGN_REL].text = s->related;
    cell[B_ENT_MOD].number = s->service ? 0 : s->new_born ? 8 : synth_chance(random, 40000) ? 7 : 8;
    if (s->arrives) cell[B_ENT_MOD].number = 7;
    cell[B_ENT_PRV].text = synth_chance(random, 300000) ? "5" : NULL;
    cell[B_GHS_NUM].number = synth_between(random, 22, 9600);
    cell[B_GRG_GHM].text = s->ghm;
    cell[B_GRG_RET].text = "000";
    cell[B_NBR_ACT].number = s->act_count;
    cell[B_NBR_DGN].number = s->associated_count;
    cell[B_NBR_RUM].number = s->unit_main == NULL ? 1 : 2;
    cell[B_NBR_SEA].number = s->sessions;
    cell[B_POI_NAI].number = s->new_born ? synth_between(random, 2300, 4200) : SYNTH_NULL;
    cell[B_RSS_NUM].text = "1";
    cell[B_SEJ_NBJ].number = s->sessions > 1 ? SYNTH_NULL : s->to - s->from;
    cell[B_SEJ_TYP].text = s->service ? "B" : s->borrowed ? "A" : NULL;
    cell[B_SOR_ANN].number = year;
    cell[B_SOR_DES].text = NULL;
    cell[B_SOR_MOD].number = s->to == p->death_day ? 9 : s->service ? 0 : s->leaves ? 7 : 8;
    cell[B_SOR_MOI].number = month;
    cell[B_TYP_GEN_RSA].number = s->automatic ? 1 : 0;
}

static void fill_c(pc_synth *synth, synth_random *random, const stay *s, int year)
{
    static const char *const dummy[] = {"xxxxxxxxxxxxxxxxx", "XXXXXXXXXXXXXXXXD",
                                        "XXXXXXXXXXXXXXXXS", "XXXXXXXXXXXXXXXXE"};
    const synth_person *p = &synth->person;
    synth_cell *cell = synth->row[SYNTH_MCO_C].cell;
    int exit_year, month, day;
    pc_day_split(s->to, &exit_year, &month, &day);
    const int pair = synth_pair_on(p, s->from, random);
    cell[C_NIR_ANO_17].text = s->dummy ? dummy[synth_below(random, 4)] : p->psa[pair];
    cell[C_ENT_DAT].number = s->from;
    cell[C_EXE_SOI_AMD].number = s->from;
    cell[C_EXE_SOI_AMF].number = s->to;
    cell[C_EXE_SOI_DTD].number = s->from;
    cell[C_EXE_SOI_DTF].number = s->to;
    // the two checks of coherence came later
    const int codes = year < FIRST_COHERENCE ? 7 : 9;
    const int bad = s->bad_return ? synth_between(random, 0, codes - 1) : -1;
    for (int field = C_NIR_RET; field <= C_COH_SEX_RET; field++) {
        cell[field].number = field - C_NIR_RET == bad ? 4 : 0;
    }
    const bool rank_known =
        !s->dummy && !p->twin && p->pair_count == 1 && !synth_chance(random, 300000);
    cell[C_RNG_BEN].text = rank_known ? "1" : NULL;
    cell[C_RNG_NAI].number = rank_known ? 1 : SYNTH_NULL;
    cell[C_SEJ_NUM].number = synth_between(random, 1, 99999);
    cell[C_SOR_ANN].number = year;
    cell[C_SOR_DAT].number = s->to;
    cell[C_SOR_MOI].number = month;
}

static pc_status emit_details(pc_synth *synth, synth_random *random, const stay *s, int year,
                              const char *hospital, const char *number, pc_error *err)
{
    synth_row *row = &synth->row[SYNTH_MCO_D];
    fill_stay(row, hospital, number);
    for (int k = 0; k < s->associated_count; k++) {
        row->cell[D_ASS_DGN].text = s->associated[k];
        row->cell[D_RSS_NUM].text = "1";
        if (s->dirty && synth_mess(synth, 5000)) { // T42: blanks, a plus sign
            char odd[16];
            snprintf(odd, sizeof odd, "%s%s", s->associated[k],
                     strlen(s->associated[k]) < 5 ? " " : "+");
            synth_odd(row, D_ASS_DGN, odd);
            synth_count_defect(synth, 42);
        }
        PC_TRY(synth_emit(synth, SYNTH_MCO_D, year, 0, err));
    }
    row = &synth->row[SYNTH_MCO_A];
    fill_stay(row, hospital, number);
    for (int k = 0; k < s->act_count; k++) {
        row->cell[A_ACV_ACT].number = 1;
        row->cell[A_CDC_ACT].text = s->act[k];
        row->cell[A_ENT_DAT_DEL].number = synth_between(random, 0, s->to - s->from);
        row->cell[A_NBR_EXE_ACT].number = 1;
        row->cell[A_PHA_ACT].number = 0;
        row->cell[A_RSS_NUM].text = "1";
        PC_TRY(synth_emit(synth, SYNTH_MCO_A, year, 0, err));
    }
    row = &synth->row[SYNTH_MCO_UM];
    fill_stay(row, hospital, number);
    for (int unit = 0; unit < (s->unit_main == NULL ? 1 : 2); unit++) {
        row->cell[UM_AUT_TYP1_UM].text = unit == 0 ? NULL : "02B";
        row->cell[UM_AUT_TYP2_UM].text = NULL;
        row->cell[UM_DGN_PAL].text = unit == 0 ? s->main : s->unit_main;
        row->cell[UM_DGN_REL].text = unit == 0 ? s->related : s->unit_related;
        row->cell[UM_PAR_DUR_SEJ].number = unit == 0 ? s->to - s->from : 1;
        row->cell[UM_RSS_NUM].text = unit == 0 ? "1" : "2";
        row->cell[UM_UM_ORD_NUM].number = unit + 1;
        row->cell[UM_UM_TYP].text = "C";
        PC_TRY(synth_emit(synth, SYNTH_MCO_UM, year, 0, err));
    }
    return PC_OK;
}

// What the stay says of diabetes, by the year of exit.
static void judge_stay(pc_synth *synth, const stay *s, int year)
{
    const bool valid = !s->bad_return && !s->dummy && !s->service && !s->automatic &&
                       strncmp(s->ghm, "90", 2) != 0;
    // a twin's stay cannot be told from the other's; a stay without dates is in no year
    if (!valid || synth->person.twin || year + synth->options.first_year < FIRST_DATES) return;
    const char *main_code[] = {s->main, s->related};
    bool found = false, complication = false, any = false;
    for (int k = 0; k < 2; k++) {
        if (main_code[k] == NULL) continue;
        found |= synth_is_diabetes(main_code[k]);
        complication |= synth_is_complication(main_code[k]);
    }
    for (int k = 0; k < s->associated_count; k++)
        any |= synth_is_diabetes(s->associated[k]);
    if (s->unit_main != NULL) any |= synth_is_diabetes(s->unit_main);
    if (s->unit_related != NULL) any |= synth_is_diabetes(s->unit_related);
    if (found || (complication && any)) synth->evidence.stay[year] = true;
}

// What a row of B and C is a case of.
static void count_stay(pc_synth *synth, const stay *s, int year, int serial, bool second)
{
    const bool first_day = s->from <= synth->person.birth_day;
    if (synth->person.twin && !s->dummy) synth_count_defect(synth, 2);
    if (s->dummy) synth_count_defect(synth, 6);
    if (strcmp(s->ghm, "90Z00Z") == 0) synth_count_defect(synth, 35);
    if (s->service) synth_count_defect(synth, 36);
    if (s->sessions == 13) synth_count_defect(synth, 37);
    if (s->leaves) synth_count_defect(synth, 38);
    if (first_day) synth_count_defect(synth, 41);
    // T16: the same hospital and number a year later is another stay
    uint32_t key = 2166136261u;
    for (const char *at = synth->hospital; *at != '\0'; at++)
        key = (key ^ (unsigned char)*at) * 16777619u;
    key = (key ^ (unsigned char)synth->stay_number[0]) * 16777619u;
    const int index = year - synth->options.first_year;
    if (serial >= SYNTH_MOST_SESSIONS) return;
    synth->stay_key[index % 2][serial][second] = key;
    const uint32_t *before = synth->stay_key[1 - index % 2][serial];
    if (before[0] == key || before[1] == key) synth_count_defect(synth, 16);
}

// T31, T33: dates that cannot be read as they are. Never on stays that speak of diabetes.
static void damage_c(pc_synth *synth, const stay *s, bool letter)
{
    synth_row *row = &synth->row[SYNTH_MCO_C];
    int year, month, day;
    pc_day_split(s->from, &year, &month, &day);
    if (day < 10 && synth_mess(synth, 20000)) {
        char text[16];
        snprintf(text, sizeof text, "%d%02d%04d", day, month, year);
        synth_odd(row, C_ENT_DAT, text);
        synth_count_defect(synth, 31);
    } else if (s->to > s->from && !letter && !s->leaves && !s->dummy && !synth->person.twin &&
               synth_mess(synth, 6000)) {
        row->cell[C_EXE_SOI_DTF].number = s->from - 1;
        synth_count_defect(synth, 33);
    }
}

static bool speaks_of_diabetes(const stay *s)
{
    const char *code[] = {s->main, s->related, s->unit_main, s->unit_related};
    for (int k = 0; k < 4; k++) {
        if (code[k] != NULL && (synth_is_diabetes(code[k]) || synth_is_complication(code[k])))
            return true;
    }
    for (int k = 0; k < s->associated_count; k++) {
        if (synth_is_diabetes(s->associated[k])) return true;
    }
    return false;
}

// A row's place: hospital, number among the person's stays of the year, and how it is written.
typedef struct stay_place {
    const char *hospital;
    int serial;
    bool letter; // T17: the number begins with one
    bool second; // the stay has been written at another hospital
} stay_place;

// Writes one stay under a hospital.
static pc_status emit_at(pc_synth *synth, synth_random *random, stay *s, int year,
                         const stay_place *at, pc_error *err)
{
    char *number = synth->stay_number;
    const int64_t id = synth->person.index * NUMBER_STEP + at->serial;
    static const char first[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    snprintf(number, sizeof synth->stay_number, "%c%09lld", first[id / 1000000000],
             (long long)(id % 1000000000));
    if (at->letter) {
        if (number[0] <= '9') number[0] = (char)('Q' + (number[0] - '0'));
        synth_count_defect(synth, 17);
    }
    const char *hospital = synth->hospital;
    snprintf(synth->hospital, sizeof synth->hospital, "%s", at->hospital);
    const int index = year - synth->options.first_year;
    count_stay(synth, s, year, at->serial, at->second);
    fill_stay(&synth->row[SYNTH_MCO_B], hospital, number);
    fill_stay(&synth->row[SYNTH_MCO_C], hospital, number);
    fill_b(synth, random, s, year);
    fill_c(synth, random, s, year);
    if (s->dirty) damage_c(synth, s, at->letter);
    PC_TRY(synth_emit(synth, SYNTH_MCO_B, index, 0, err));
    PC_TRY(synth_emit(synth, SYNTH_MCO_C, index, 0, err));
    PC_TRY(emit_details(synth, random, s, index, hospital, number, err));
    if (!synth->options.all_columns) return PC_OK;
    const synth_episode episode = {.from = s->from,
                                   .to = s->to,
                                   .year = year,
                                   .number = number,
                                   .main = s->main,
                                   .related = s->related,
                                   .group = s->ghm,
                                   .entry = 8,
                                   .exit = 8};
    // two of the six hospitals of a department are clinics
    const bool is_private = (hospital[7] - '0') % 3 == 2;
    return synth_stay_write(synth, &episode, hospital, is_private, err);
}

static void hospital_name(const pc_synth *synth, int which, char out[16])
{
    snprintf(out, 16, "%s%07d", synth_place_finess(synth->person.place), 1000 + 11 * which);
}

// T34: public hospitals of the list of those that are sent twice. From 2018 on they are no longer
// excluded; before that their stays come under the legal number too.
static pc_status emit_twice(pc_synth *synth, synth_random *random, stay *s, int year, int serial,
                            const int64_t sent[4], pc_error *err)
{
    char legal[16], hospital[16];
    snprintf(legal, sizeof legal, "%09lld", (long long)sent[1]);
    snprintf(hospital, sizeof hospital, "%09lld", (long long)sent[0]);
    synth_count_defect(synth, 34);
    if (year >= sent[2] && year <= sent[3]) {
        const stay_place place = {.hospital = legal, .serial = serial, .second = true};
        PC_TRY(emit_at(synth, random, s, year, &place, err));
    }
    const stay_place place = {.hospital = hospital, .serial = serial};
    return emit_at(synth, random, s, year, &place, err);
}

// What another hospital has of it: the stay for which a service was lent (T36), or the rest of a
// stay after a transfer (T38).
static pc_status emit_other(pc_synth *synth, synth_random *random, const stay *s, int year,
                            int serial, int which, pc_error *err)
{
    char hospital[16];
    stay other = *s;
    hospital_name(synth, (which + 1) % 6, hospital);
    other.borrowed = s->service;
    other.arrives = s->leaves;
    other.service = other.leaves = false;
    if (s->leaves) {
        other.from = s->to;
        other.to = s->to + 2;
        if (other.to > pc_day_of(year, 12, 31)) other.to = pc_day_of(year, 12, 31);
    }
    const stay_place place = {.hospital = hospital, .serial = serial, .second = true};
    return emit_at(synth, random, &other, year, &place, err);
}

// The person's hospital: mostly the first of the department.
static pc_status emit_stay(pc_synth *synth, synth_random *random, stay *s, int year, int serial,
                           pc_error *err)
{
    const synth_person *p = &synth->person;
    int32_t which = synth_chance(random, 700000) ? 0 : synth_between(random, 1, 5);
    char hospital[16];
    hospital_name(synth, which, hospital);
    s->dirty = synth->options.messy && !speaks_of_diabetes(s);
    const uint32_t place = synth_below(random, 47);
    judge_stay(synth, s, year - synth->options.first_year);
    if (s->dirty && synth_mess(synth, 6000)) {
        return emit_twice(synth, random, s, year, serial, synth->world.duplicate_finess[place],
                          err);
    }
    const bool letter = s->dirty && synth_mess(synth, 6000);
    const bool may_leave = s->dirty && !s->service && s->to > s->from && p->death_day > s->to + 2;
    s->leaves = may_leave && synth_mess(synth, 16000);
    const stay_place at = {.hospital = hospital, .serial = serial, .letter = letter};
    PC_TRY(emit_at(synth, random, s, year, &at, err));
    if (!s->leaves && !(s->service && s->dirty)) return PC_OK;
    return emit_other(synth, random, s, year, serial, which, err);
}

static int32_t stay_day(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to)
{
    const int32_t day = synth_day_by_season(random, year, synth->world.season_stays);
    return day < from || day > to ? synth_between(random, from, to) : day;
}

static void limit_to(const synth_person *p, int year, stay *s)
{
    const int32_t last = pc_day_of(year, 12, 31);
    if (s->to > p->death_day) s->to = p->death_day;
    if (s->to > last) s->to = last; // the file of a year holds the exits of that year
    if (s->to < s->from) s->to = s->from;
}

static pc_status common_stay(pc_synth *synth, synth_random *random, int year, int32_t from,
                             int32_t to, int serial, pc_error *err)
{
    const synth_world *world = &synth->world;
    const synth_person *p = &synth->person;
    stay s = {.from = stay_day(synth, random, year, from, to)};
    char ghm[8];
    const uint32_t of = p->ill_count == 0 ? 0 : synth_below(random, (uint32_t)p->ill_count);
    const synth_ill *ill = p->ill_count == 0 ? NULL : &p->ill[of];
    const synth_disease *d = ill == NULL ? NULL : &world->disease[ill->disease];
    int nights;
    if (d != NULL && d->stays_per_1000 >= 20 && ill->since < s.from &&
        synth_chance(random, OWN_DISEASE_PPM)) {
        s.main = d->icd.code[ill->variant];
        s.ghm = level_of(d->ghm, random, ghm);
        nights = synth_between(random, 0, 11);
        if (d->stay_ccam.count > 0) add_code(s.act, &s.act_count, d->stay_ccam.code[0]);
    } else {
        const synth_motive *m = pick_motive(synth, random, pc_age_on(p->birth_day, s.from));
        s.main = m->icd;
        s.related = m->related;
        s.ghm = level_of(m->ghm, random, ghm);
        nights = m->nights == 0 ? 0 : m->nights + synth_between(random, 0, m->nights);
        add_code(s.act, &s.act_count, m->ccam);
        s.new_born = strcmp(m->icd, "Z380") == 0;
        if (s.new_born) s.from = p->birth_day;
    }
    s.to = s.from + nights;
    limit_to(p, year, &s);
    add_associated(synth, random, s.from, &s);
    add_acts(synth, random, &s);
    if (synth_chance(random, SEVERAL_UNITS_PPM)) {
        s.unit_main = world->diagnosis[synth_below(random, (uint32_t)world->diagnosis_count)];
    }
    add_rules(random, year, &s);
    return emit_stay(synth, random, &s, year, serial, err);
}

// Stays of near misses: a pair, an associated diagnosis only, a main diagnosis that a rule removes.
static pc_status near_stay(pc_synth *synth, synth_random *random, int year, int32_t from,
                           int32_t to, int serial, pc_error *err)
{
    static const char *const complication[] = {"G632", "H360", "N083", "I792", "L97", "G590"};
    const synth_near near = synth->person.near;
    stay s = {.from = stay_day(synth, random, year, from, to), .ghm = "10M021", .main = "I10"};
    s.to = s.from + 2;
    limit_to(&synth->person, year, &s);
    if (near == NEAR_PAIR_STAY) {
        s.main = complication[synth_below(random, 6)];
        const uint32_t where = synth_below(random, 4);
        if (where == 0) add_code(s.associated, &s.associated_count, "E112");
        if (where == 1) s.unit_main = "E119";
        if (where == 2) {
            s.unit_main = "I10";
            s.unit_related = "E114";
        }
    }
    if (near == NEAR_ASSOCIATED) add_code(s.associated, &s.associated_count, "E119");
    if (near == NEAR_BAD_STAY) {
        s.main = "E119";
        const uint32_t rule = synth_below(random, 5);
        if (rule == 0) s.ghm = "90Z00Z";
        s.service = rule == 1;
        s.bad_return = rule == 2;
        s.automatic = rule == 3 && year >= FIRST_AUTOMATIC;
        s.dummy = rule == 4 || (rule == 3 && year < FIRST_AUTOMATIC);
    }
    return emit_stay(synth, random, &s, year, serial, err);
}

static pc_status sessions(pc_synth *synth, synth_random *random, int year, int32_t from, int32_t to,
                          int *serial, pc_error *err)
{
    const synth_world *world = &synth->world;
    for (int k = 0; k < synth->person.ill_count; k++) {
        const synth_ill *ill = &synth->person.ill[k];
        const synth_disease *d = &world->disease[ill->disease];
        const bool cancer = d->icd.code[0][0] == 'C';
        int count = ill->disease == world->dialysis ? SESSIONS_A_YEAR : 0;
        if (cancer && synth_chance(random, 200000)) count = synth_between(random, 3, 16);
        int32_t day = (ill->since > from ? ill->since : from) + synth_between(random, 0, 6);
        for (int j = 0; j < count && day <= to && *serial < FEW_STAYS; j++) {
            stay s = {.from = day, .to = day, .sessions = 1, .main = cancer ? "Z511" : "Z491"};
            s.ghm = cancer ? "28Z07Z" : "28Z04Z";
            s.related = cancer ? d->icd.code[ill->variant] : "N185";
            if (!cancer && synth_chance(random, 4000)) s.sessions = 13; // a month in one record
            add_rules(random, year, &s);
            PC_TRY(emit_stay(synth, random, &s, year, (*serial)++, err));
            day += cancer ? 21 : 2 + (j % 3 == 2);
        }
    }
    return PC_OK;
}

pc_status synth_stay_year(pc_synth *synth, int year, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int32_t first = pc_day_of(year, 1, 1), last = pc_day_of(year, 12, 31);
    const int32_t from = p->birth_day > first ? p->birth_day : first;
    const int32_t to = p->death_day < last ? p->death_day : last;
    const int index = year - synth->options.first_year;
    memset(synth->stay_key[index % 2], 0, sizeof synth->stay_key[0]);
    if (from > to) return PC_OK;
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index,
                       (uint32_t)SYNTH_YEAR + (uint32_t)index * 2 + 1);
    const int age = synth_age(p, year);
    int64_t mean =
        synth->world.stays[p->sex][age < SYNTH_AGES ? age : SYNTH_AGES - 1] * 1024 / 1000;
    mean = mean * (512 + p->frailty / 2) / 1024 * (age == 0 ? 365 : to - from + 1) / 365;
    for (int k = 0; k < p->ill_count; k++) {
        mean += (int64_t)synth->world.disease[p->ill[k].disease].stays_per_1000 * 1024 / 4000;
    }
    int serial = 0;
    const int count = synth_count(&random, mean);
    for (; serial < count && serial < FEW_STAYS / 2; serial++) {
        PC_TRY(common_stay(synth, &random, year, from, to, serial, err));
    }
    if (p->near == NEAR_PAIR_STAY || p->near == NEAR_ASSOCIATED || p->near == NEAR_BAD_STAY) {
        PC_TRY(near_stay(synth, &random, year, from, to, serial++, err));
    }
    return sessions(synth, &random, year, from, to, &serial, err);
}
