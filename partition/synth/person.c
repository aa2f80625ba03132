/** Who a person is: birth, sex, place, pseudonyms, death; and the rows of IR_BEN_R, IR_BEN_R_ARC,
 *  IR_IMB_R and KI_CCI_R. Everything follows from (seed, patient): no person asks another, except
 *  twins, who share the identity of the even one of the two. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    PSEUDONYM = 17,   // letters of a pseudonym
    TWIN_PPM = 16000, // of pairs of patients; kept if they are young enough
    TWIN_AGE = 20,    // twins share a number while on a parent's insurance
    CHILD_AGE = 18,
    TWO_NUMBERS_PPM = 5000, // adults; with children 0.83 % of persons
    TWO_NUMBERS_CHILD_PPM = 20000,
    SAME_NUMBER_PPM = 1800,  // one pseudonym with two ranks for one person
    NO_ANO_PPM = 15000,      // BEN_NIR_ANO empty
    PROVISIONAL_PPM = 15000, // BEN_CDI_NIR 03 or 04
    OLD_PAIR_PPM = 40000,    // an older pair, only in the archive
    ARCHIVED_PPM = 5000,     // messy: the only pair is in the archive
    EARLY_DEATH_PPM = 1500,  // messy: a death is recorded years before the care (T32)
    SHARED_ANO_PPM = 4000,   // messy: a pair of somebody else under the person's pseudonym (T08)
    DEATH_UNKNOWN_PPM = 50000,
    MATCHED_DEATH_PPM = 850000
};

int synth_age(const synth_person *person, int year)
{
    return year - person->birth_year;
}

// A day of a month drawn by season.
int32_t synth_day_by_season(synth_random *random, int year, const int64_t season[12])
{
    int64_t total = 0;
    for (int month = 0; month < 12; month++)
        total += season[month];
    int64_t at = synth_below(random, (uint32_t)total);
    int month = 0;
    while (month < 11 && at >= season[month])
        at -= season[month++];
    return pc_day_of(year, month + 1, synth_between(random, 1, 28));
}

static void make_death(pc_synth *synth, synth_person *p, synth_random *random)
{
    p->death_day = SYNTH_NO_DAY;
    for (int year = synth->options.first_year; year <= synth->options.last_year; year++) {
        const int age = synth_age(p, year);
        if (age < 0) continue;
        const int64_t ppm = synth->world.death_ppm[p->sex][age < SYNTH_AGES ? age : SYNTH_AGES - 1];
        if (!synth_chance(random, (uint32_t)ppm)) continue;
        const int32_t day = synth_day_by_season(random, year, synth->world.season_deaths);
        p->death_day = day > p->birth_day ? day : p->birth_day + 1;
        break;
    }
    p->death_known = p->death_day != SYNTH_NO_DAY && !synth_chance(random, DEATH_UNKNOWN_PPM);
}

static void make_scheme(synth_person *p, synth_random *random)
{
    static const struct {
        uint32_t upto; // of 100
        int16_t scheme, emitter, regime;
        const char *office;
    } kind[] = {{87, 1, 0, 1, "01C"},
                {93, 2, 2, 20, "02A"},
                {98, 3, 3, 1, "03A"},
                {99, 4, 4, 676, "04C"},
                {100, 8, 8, 97, "08C"}};
    static const int16_t general[] = {1, 2, 4, 5, 6, 8, 10, 11, 13, 16, 17, 18, 19, 21, 22, 23, 25};
    const uint32_t draw = synth_below(random, 100);
    int k = 0;
    while (draw >= kind[k].upto)
        k++;
    p->scheme = kind[k].scheme;
    p->emitter = kind[k].emitter;
    if (p->scheme == 1) p->emitter = general[p->place % (int)(sizeof general / sizeof general[0])];
    p->regime = kind[k].regime;
    snprintf(p->office, sizeof p->office, "%s%s%03d", kind[k].office, synth_place_code(p->place),
             100 + p->place % 7);
}

// The part that twins share. The pseudonym is drawn first: a case-swapped double (T10) redraws it.
static void make_identity(pc_synth *synth, int64_t patient)
{
    synth_person *p = &synth->person;
    const synth_world *world = &synth->world;
    synth_random random;
    synth_random_start(&random, synth->options.seed, patient, SYNTH_IDENTITY);
    synth_letters(&random, p->psa[0], PSEUDONYM);
    synth_letters(&random, p->psa[1], PSEUDONYM);
    synth_letters(&random, p->insured, PSEUDONYM);
    p->sex = synth_chance(&random, world->women_per_million) ? 0 : 1;
    const int age = world->age_draw[p->sex][synth_below(&random, SYNTH_DRAWS)];
    p->birth_year = synth->options.last_year - age;
    p->birth_month = synth_between(&random, 1, 12);
    p->birth_day = pc_day_of(p->birth_year, p->birth_month, synth_between(&random, 1, 28));
    p->place = (int16_t)world->place_draw[synth_below(&random, SYNTH_DRAWS)];
    p->town = synth_between(&random, 1, 350);
    p->doctor = (p->place + 1) * 100000 + 10000 + synth_between(&random, 1, 900);
    make_scheme(p, &random);
    p->poor = synth_chance(&random, 80000);
}

static void make_pairs(pc_synth *synth, synth_person *p, synth_random *random)
{
    const int age = synth_age(p, synth->options.last_year);
    const bool child = age < CHILD_AGE;
    const int32_t first = pc_day_of(synth->options.first_year, 1, 1);
    const int32_t last = pc_day_of(synth->options.last_year, 12, 31);
    p->pair_count = 1;
    p->alternates = false;
    p->second_from = SYNTH_NO_DAY;
    p->rank[0] = (int8_t)(p->twin ? 1 + p->index % 2 : 1);
    p->rank[1] = 1;
    if (synth_chance(random, child ? TWO_NUMBERS_CHILD_PPM : TWO_NUMBERS_PPM) && !p->twin) {
        p->pair_count = 2;
        p->alternates = child;
        p->second_from = synth_between(random, first, last);
    } else if (synth_chance(random, SAME_NUMBER_PPM) && !p->twin) {
        p->pair_count = 2;
        p->second_from = synth_between(random, first, last);
        memcpy(p->psa[1], p->psa[0], sizeof p->psa[1]);
        p->rank[1] = synth_chance(random, 500000) ? 2 : 0; // 0: a former opener of rights (T09)
    }
}

static void make_names(pc_synth *synth, synth_person *p)
{
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index, SYNTH_NAME);
    synth_letters(&random, p->ano, PSEUDONYM);
    synth_letters(&random, p->lost_psa, PSEUDONYM);
    make_pairs(synth, p, &random);
    if (p->pair_count == 1 && synth_chance(&random, NO_ANO_PPM)) p->ano[0] = '\0';
    if (p->ano[0] != '\0') {
        memcpy(p->idt, p->ano, sizeof p->idt);
    } else {
        memcpy(p->idt, p->psa[0], PSEUDONYM);
        p->idt[PSEUDONYM] = (char)('0' + p->rank[0]);
        p->idt[PSEUDONYM + 1] = '\0';
    }
    p->provisional = "00";
    if (synth_chance(&random, PROVISIONAL_PPM)) {
        p->provisional = synth_chance(&random, 500000) ? "03" : "04";
    }
    p->frailty = (int32_t)synth->world.frailty[synth_below(&random, 256)];
    make_death(synth, p, &random);
}

// T10: the pseudonym of the even neighbour with the case of its letters changed.
static void swap_case(char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        *text = (char)(isupper(c) ? tolower(c) : toupper(c));
    }
}

void synth_person_make(pc_synth *synth, int64_t patient)
{
    synth_person *p = &synth->person;
    synth_random random;
    synth_random_start(&random, synth->options.seed, patient / 2, SYNTH_TWINS);
    const bool may_be_twin =
        synth_chance(&random, TWIN_PPM) && (patient ^ 1) < synth->options.patients;
    p->index = patient;
    p->twin = false;
    if (may_be_twin) {
        make_identity(synth, patient & ~INT64_C(1));
        p->twin = synth_age(p, synth->options.last_year) <= TWIN_AGE;
    }
    if (!p->twin) make_identity(synth, patient);
    synth_random_start(&synth->mess, synth->options.seed, patient, SYNTH_MESS);
    p->archived = synth_mess(synth, ARCHIVED_PPM);
    if (patient % 2 == 1 && !p->twin && synth_mess(synth, 4000)) {
        synth_random_start(&random, synth->options.seed, patient - 1, SYNTH_IDENTITY);
        synth_letters(&random, p->psa[0], PSEUDONYM);
        swap_case(p->psa[0]);
        synth_count_defect(synth, 10);
    }
    make_names(synth, p);
    if (p->pair_count == 2) p->archived = false;
    p->recorded_death = p->death_known ? p->death_day : SYNTH_NO_DAY;
    const int age = synth_age(p, synth->options.last_year);
    if (p->death_day == SYNTH_NO_DAY && age > CHILD_AGE && synth_mess(synth, EARLY_DEATH_PPM)) {
        p->recorded_death = pc_day_of(synth->options.first_year - 5, 6, 15);
    }
    p->shares_ano = p->pair_count == 1 && !p->twin && !p->archived && p->ano[0] != '\0' &&
                    synth_mess(synth, SHARED_ANO_PPM);
}

int synth_pair_on(const synth_person *person, int32_t day, synth_random *random)
{
    if (person->pair_count < 2) return 0;
    if (person->alternates) return synth_chance(random, 500000) ? 1 : 0;
    return day >= person->second_from ? 1 : 0;
}

static void fill_beneficiary(pc_synth *synth, synth_cell *cell, int pair)
{
    const synth_person *p = &synth->person;
    const int32_t nothing = pc_day_of(1600, 1, 1);
    const int32_t last = pc_day_of(synth->options.last_year, 12, 1);
    cell[BEN_BEN_NIR_PSA].text = p->psa[pair];
    cell[BEN_BEN_RNG_GEM].number = p->rank[pair];
    cell[BEN_BEN_NIR_ANO].text = p->ano[0] == '\0' ? NULL : p->ano;
    cell[BEN_BEN_IDT_ANO].text = p->idt;
    cell[BEN_ASS_NIR_ANO].text =
        synth_age(p, synth->options.last_year) < CHILD_AGE ? p->insured : p->ano;
    cell[BEN_BEN_IDT_TOP].number = p->ano[0] == '\0' ? 0 : 1;
    cell[BEN_BEN_CDI_NIR].text = p->provisional;
    cell[BEN_BEN_NAI_ANN].number = p->birth_year;
    cell[BEN_BEN_NAI_MOI].number = p->birth_month;
    cell[BEN_BEN_SEX_COD].number = p->sex == 0 ? 2 : 1;
    const bool dead = p->recorded_death != SYNTH_NO_DAY;
    cell[BEN_BEN_DCD_DTE].number = dead ? p->recorded_death : nothing;
    cell[BEN_BEN_DCD_AME].number = dead ? p->recorded_death : nothing;
    cell[BEN_ORG_AFF_BEN].text = p->office;
    cell[BEN_BEN_RES_DPT].text = synth_place_code(p->place);
    cell[BEN_BEN_RES_COM].number = p->town;
    cell[BEN_BEN_TOP_CNS].number = 1;
    // the second pair is the later one, so that "latest" is never a draw
    cell[BEN_MAX_TRT_DTD].number = last - 40 + 20 * pair + (int32_t)(p->index % 15);
    cell[BEN_BEN_DTE_INS].number =
        pc_day_of(synth->options.first_year - 3, 1, 15) + (int32_t)(p->index % 900);
    cell[BEN_BEN_DTE_MAJ].number = last - 60 + (int32_t)(p->index % 50);
}

// T08: an older pair of another sex and age has got the person's pseudonym too.
static pc_status emit_wrong_pair(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    synth_row *row = &synth->row[SYNTH_BEN];
    synth_letters(&synth->mess, synth->spare, PSEUDONYM);
    fill_beneficiary(synth, row->cell, 0);
    row->cell[BEN_BEN_NIR_PSA].text = synth->spare;
    row->cell[BEN_BEN_RNG_GEM].number = 1;
    row->cell[BEN_BEN_SEX_COD].number = p->sex == 0 ? 1 : 2;
    row->cell[BEN_BEN_NAI_ANN].number = p->birth_year + (p->birth_year < 1960 ? 20 : -20);
    row->cell[BEN_MAX_TRT_DTD].number = pc_day_of(2014, 3, 1);
    row->cell[BEN_BEN_DTE_INS].number = pc_day_of(2007, 6, 1);
    row->cell[BEN_BEN_DTE_MAJ].number = pc_day_of(2014, 9, 1);
    synth_count_defect(synth, 1);
    synth_count_defect(synth, 8);
    return synth_emit(synth, SYNTH_BEN, 0, 0, err);
}

static pc_status emit_pairs(pc_synth *synth, pc_error *err)
{
    const synth_person *p = &synth->person;
    const synth_table table = p->archived ? SYNTH_ARC : SYNTH_BEN;
    synth_row *row = &synth->row[table];
    for (int pair = 0; pair < p->pair_count; pair++) {
        fill_beneficiary(synth, row->cell, pair);
        if (p->recorded_death == SYNTH_NO_DAY && synth_mess(synth, 2000)) {
            synth_odd(row, BEN_BEN_DCD_AME, "000101");
            synth_count_defect(synth, 29);
        }
        PC_TRY(synth_emit(synth, table, 0, 0, err));
    }
    if (p->archived) synth_count_defect(synth, 4);
    if (p->ano[0] == '\0') synth_count_defect(synth, 3);
    if (p->shares_ano) PC_TRY(emit_wrong_pair(synth, err));
    if (p->pair_count == 2) {
        synth_count_defect(synth, strcmp(p->psa[0], p->psa[1]) == 0 ? 9 : 1);
    }
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index, SYNTH_NAME);
    random.counter[0] = 1000; // a part of the stream that nothing else reads
    if (p->archived || p->ano[0] == '\0' || !synth_chance(&random, OLD_PAIR_PPM)) return PC_OK;
    row = &synth->row[SYNTH_ARC];
    synth_letters(&random, synth->spare, PSEUDONYM);
    fill_beneficiary(synth, row->cell, 0);
    row->cell[BEN_BEN_NIR_PSA].text = synth->spare;
    row->cell[BEN_BEN_RNG_GEM].number = 1;
    row->cell[BEN_MAX_TRT_DTD].number = pc_day_of(2012, 6, 1);
    row->cell[BEN_BEN_DTE_INS].number = pc_day_of(2006, 6, 1);
    row->cell[BEN_BEN_DTE_MAJ].number = pc_day_of(2012, 9, 1);
    return synth_emit(synth, SYNTH_ARC, 0, 0, err);
}

// What a row of IR_IMB_R is a case of.
static void count_ald(pc_synth *synth, const synth_ald *ald)
{
    const bool open = ald->to == pc_day_of(1600, 1, 1);
    const bool bad = !open && ald->to < ald->from;
    if (open) synth_count_defect(synth, 27);
    if (bad || ald->to > pc_day_of(2099, 1, 1)) synth_count_defect(synth, 28);
    if (ald->number == 15 && ald->icd[0] == 'A') synth_count_defect(synth, 51);
    if (ald->kind == 11) synth_count_defect(synth, 52);
}

static pc_status emit_alds(pc_synth *synth, pc_error *err)
{
    synth_person *p = &synth->person;
    synth_row *row = &synth->row[SYNTH_IMB];
    for (int k = 0; k < p->ald_count; k++) {
        const synth_ald *ald = &p->ald[k];
        const int pair = p->pair_count == 2 && !p->alternates && ald->from >= p->second_from;
        row->cell[IMB_BEN_NIR_PSA].text = p->psa[pair];
        row->cell[IMB_BEN_RNG_GEM].number = p->rank[pair];
        row->cell[IMB_IMB_ALD_DTD].number = ald->from;
        row->cell[IMB_IMB_ALD_DTF].number = ald->to;
        row->cell[IMB_IMB_ALD_NUM].number = ald->number;
        row->cell[IMB_IMB_ETM_NAT].number = ald->kind;
        row->cell[IMB_INS_DTE].number = ald->inserted;
        row->cell[IMB_MED_MTF_COD].text = ald->icd;
        row->cell[IMB_MED_NCL_IDT].text = "CIM10";
        row->cell[IMB_UPD_DTE].number = ald->inserted + 30;
        count_ald(synth, ald);
        PC_TRY(synth_emit(synth, SYNTH_IMB, 0, 0, err));
        if (!synth_mess(synth, 20000)) continue;
        count_ald(synth, ald);
        row->cell[IMB_INS_DTE].number = ald->inserted + 200; // T50: inserted again
        row->cell[IMB_UPD_DTE].number = SYNTH_NULL;
        synth_count_defect(synth, 50);
        PC_TRY(synth_emit(synth, SYNTH_IMB, 0, 0, err));
    }
    return PC_OK;
}

static pc_status emit_death(pc_synth *synth, pc_error *err)
{
    static const char *const cause[] = {"C349", "I219", "I500", "J189", "G309", "I639", "C509",
                                        "R99",  "I10",  "C189", "F03",  "K703", "E149", "C61"};
    const synth_person *p = &synth->person;
    if (p->death_day == SYNTH_NO_DAY) return PC_OK;
    synth_random random;
    synth_random_start(&random, synth->options.seed, p->index, SYNTH_NAME);
    random.counter[0] = 2000;
    const bool matched = synth_chance(&random, MATCHED_DEATH_PPM);
    for (int k = 0; k < 8; k++) {
        snprintf(synth->spare + 8 * k, 9, "%08x", synth_random_next(&random));
    }
    synth_row *row = &synth->row[SYNTH_CCI];
    int year, month, day;
    pc_day_split(p->death_day, &year, &month, &day);
    row->cell[CCI_DCD_IDT_ENC].text = synth->spare;
    row->cell[CCI_BEN_IDT_ANO].text = matched ? p->idt : NULL;
    row->cell[CCI_BEN_NIR_ANO].text = matched && p->ano[0] != '\0' ? p->ano : NULL;
    row->cell[CCI_DCD_IDT_TOP].number = matched ? 1 : 0;
    row->cell[CCI_FLX_PER_ANN].number = year;
    row->cell[CCI_DCD_DPT_COD].text = synth_place_code(p->place);
    row->cell[CCI_BEN_RES_DPT].text = synth_place_code(p->place);
    row->cell[CCI_BEN_DCD_DTE].number = p->death_day;
    row->cell[CCI_BEN_DCD_AME].number = p->death_day;
    row->cell[CCI_DCD_LIE_COD].number = synth_between(&random, 1, 6);
    row->cell[CCI_BEN_NAI_ANN].number = p->birth_year;
    row->cell[CCI_BEN_NAI_MOI].number = p->birth_month;
    row->cell[CCI_BEN_SEX_COD].number = p->sex == 0 ? 2 : 1;
    row->cell[CCI_DCD_CIM_COD].text =
        cause[synth_below(&random, (uint32_t)(sizeof cause / sizeof cause[0]))];
    PC_TRY(synth_emit(synth, SYNTH_CCI, 0, 0, err));
    return synth->options.all_columns ? synth_causes_write(synth, err) : PC_OK;
}

pc_status synth_person_emit(pc_synth *synth, pc_error *err)
{
    PC_TRY(emit_pairs(synth, err));
    PC_TRY(emit_alds(synth, err));
    return emit_death(synth, err);
}
