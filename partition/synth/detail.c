/** The tables beyond the core: when they are due, how their files are named, and the values that
 *  their columns show. One row serves them all: data/details.csv says which value a column shows.
 */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    BAD_RETURN_PPM = 14000, // a return code that is not 0
    DUMMY_PPM = 8000,       // a dummy pseudonym (T06)
    RANK_KNOWN_PPM = 700000,
    RETURN_CODES = V_ENT_DAT_RET - V_NIR_RET + 1,
    KNOWN_DRUG_PPM = 800000 // the others have a code that no package has
};

#define TABLE(name, schema, due, per_1000) {schema, DUE_##due, per_1000},
static const struct {
    const char *schema;
    synth_due due;
    int per_1000;
} detail_of[SYNTH_DETAILS] = {SYNTH_DETAIL_TABLES(TABLE)};

synth_due synth_due_of(int detail)
{
    return detail_of[detail].due;
}

bool synth_is_yearly(int table)
{
    const char *schema = synth_schema(table);
    return strncmp(schema, "ER_", 3) == 0 || strncmp(schema, "T_", 2) == 0 ||
           strncmp(schema, "CT_", 3) == 0;
}

void synth_file_name(int table, int year, char *out, size_t bytes)
{
    const char *schema = synth_schema(table);
    if (strncmp(schema, "ER_", 3) == 0) {
        snprintf(out, bytes, "%.16s_%04d.CSV", schema, year);
    } else if (strncmp(schema, "CT_", 3) == 0) {
        snprintf(out, bytes, "CT_IND_%04d_G11.CSV", year);
    } else { // T_MCOaaMED: two digits in place of aa
        snprintf(out, bytes, "%.5s%02d%.14s.CSV", schema, year % 100, schema + 7);
    }
}

void synth_base36(uint64_t value, int width, char *out)
{
    static const char digit[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    out[width] = '\0';
    for (int at = width - 1; at >= 0; at--) {
        out[at] = digit[value % 36];
        value /= 36;
    }
}

void synth_detail_pair(pc_synth *synth, int pair)
{
    VALUE_OF(synth, PSA).text = synth->person.psa[pair];
    VALUE_OF(synth, RANK).number = synth->person.rank[pair];
}

void synth_detail_person(pc_synth *synth)
{
    const synth_person *p = &synth->person;
    const int32_t nothing = pc_day_of(1600, 1, 1);
    const int32_t last = pc_day_of(synth->options.last_year, 12, 1);
    synth_random_start(&synth->extra, synth->options.seed, p->index, SYNTH_EXTRA);
    synth_detail_pair(synth, 0);
    VALUE_OF(synth, ANO).text = p->ano[0] == '\0' ? NULL : p->ano;
    VALUE_OF(synth, IDT).text = p->idt;
    VALUE_OF(synth, INSURED).text = p->insured;
    VALUE_OF(synth, IDT_TOP).number = p->ano[0] == '\0' ? 0 : 1;
    VALUE_OF(synth, CDI).text = p->provisional;
    VALUE_OF(synth, BIRTH_YEAR).number = p->birth_year;
    VALUE_OF(synth, BIRTH_MONTH).number = p->birth_month;
    VALUE_OF(synth, SEX).number = p->sex == 0 ? 2 : 1;
    VALUE_OF(synth, DEATH).number = p->death_known ? p->death_day : nothing;
    VALUE_OF(synth, DPT).text = synth_place_code(p->place);
    VALUE_OF(synth, DPT2).text = synth_place_code(p->place) + 1;
    VALUE_OF(synth, FINESS2).text = synth_place_finess(p->place);
    VALUE_OF(synth, COM).number = p->town;
    VALUE_OF(synth, ORG_CLE_NUM).text = p->office;
    VALUE_OF(synth, MAX_TRT).number = last - 40 + (int32_t)(p->index % 15);
    VALUE_OF(synth, INSERTED).number =
        pc_day_of(synth->options.first_year - 3, 1, 15) + (int32_t)(p->index % 900);
    VALUE_OF(synth, UPDATED).number = last - 60 + (int32_t)(p->index % 50);
    VALUE_OF(synth, POOR).number = p->poor;
    VALUE_OF(synth, DOCTOR).number = p->doctor;
    VALUE_OF(synth, SPECIALITY).number = 1;
    VALUE_OF(synth, WEEK).number = VALUE_OF(synth, SEQUENCE).number = 1;
    VALUE_OF(synth, SUBSEQUENCE).number = VALUE_OF(synth, LINE).number = 1;
    VALUE_OF(synth, FIRST).number = VALUE_OF(synth, LAST).number = 1;
}

void synth_detail_hospital(pc_synth *synth, int serial)
{
    synth_detail_text *text = &synth->text;
    snprintf(text->hospital, sizeof text->hospital, "%s%07d",
             synth_place_finess(synth->person.place), serial);
    snprintf(text->hospital8, sizeof text->hospital8, "%.8s", text->hospital);
    VALUE_OF(synth, HOSPITAL).text = text->hospital;
    VALUE_OF(synth, HOSPITAL8).text = text->hospital8;
}

// The pseudonym, at times a dummy; the return codes of its checks; the rank, when it is known.
static void set_identity(pc_synth *synth, int32_t day)
{
    static const char *const dummy[] = {"xxxxxxxxxxxxxxxxx", "XXXXXXXXXXXXXXXXD",
                                        "XXXXXXXXXXXXXXXXS", "XXXXXXXXXXXXXXXXE"};
    const synth_person *p = &synth->person;
    synth_random *random = &synth->extra;
    const bool is_dummy = synth_chance(random, DUMMY_PPM);
    const int pair = synth_pair_on(p, day, random);
    VALUE_OF(synth, NIR).text = is_dummy ? dummy[synth_below(random, 4)] : p->psa[pair];
    const int bad =
        synth_chance(random, BAD_RETURN_PPM) ? synth_between(random, 0, RETURN_CODES - 1) : -1;
    for (int k = 0; k < RETURN_CODES; k++)
        synth->detail.cell[V_NIR_RET + k].number = k == bad ? 4 : 0;
    const bool known =
        !is_dummy && !p->twin && p->pair_count == 1 && synth_chance(random, RANK_KNOWN_PPM);
    VALUE_OF(synth, RNG_NAI).number = known ? 1 : SYNTH_NULL;
    VALUE_OF(synth, RNG_BEN).text = known ? "1" : NULL;
    VALUE_OF(synth, SEJ_NUM).number = synth_between(random, 1, 99999);
    VALUE_OF(synth, ENTRY).number = 8;
}

void synth_detail_episode(pc_synth *synth, const synth_episode *episode)
{
    const synth_person *p = &synth->person;
    const int age = pc_age_on(p->birth_day, episode->from);
    const int32_t days = episode->from - p->birth_day;
    set_identity(synth, episode->from);
    VALUE_OF(synth, NUMBER).text = episode->number;
    VALUE_OF(synth, FROM).number = VALUE_OF(synth, DAY).number = episode->from;
    VALUE_OF(synth, TO).number = episode->to;
    VALUE_OF(synth, NIGHTS).number = episode->to - episode->from;
    VALUE_OF(synth, FILE_YEAR).number = episode->year;
    VALUE_OF(synth, AGE).number = age < 1 ? SYNTH_NULL : age;
    VALUE_OF(synth, AGE_DAYS).number = age < 1 ? (days < 0 ? 0 : days) : SYNTH_NULL;
    VALUE_OF(synth, ENTRY).number = episode->entry;
    VALUE_OF(synth, EXIT).number = episode->to == p->death_day ? 9 : episode->exit;
    VALUE_OF(synth, MAIN).text = episode->main;
    VALUE_OF(synth, RELATED).text = episode->related;
    VALUE_OF(synth, GROUP).text = episode->group;
}

// A hospital drug: mostly one of the referential's packages, by its code of 13 digits.
static void set_drug(pc_synth *synth)
{
    const synth_world *world = &synth->world;
    synth_detail_text *text = &synth->text;
    const uint32_t draw = synth_below(&synth->extra, SYNTH_DRAWS);
    const synth_drug *drug = &world->drug[world->drug_draw[2][draw]];
    const int64_t code = synth_ucd_of(drug);
    snprintf(text->drug, sizeof text->drug, "%lld", (long long)code);
    snprintf(text->drug7, sizeof text->drug7, "%07lld", (long long)(code / 10 % 10000000));
    if (!synth_chance(&synth->extra, KNOWN_DRUG_PPM)) {
        const synth_codes *list = world->hospital_drug;
        const char *other = list->code[synth_below(&synth->extra, (uint32_t)list->count)];
        snprintf(text->drug, sizeof text->drug, "34008%.7s0", other);
        snprintf(text->drug7, sizeof text->drug7, "%.7s", other);
    }
    VALUE_OF(synth, DRUG).text = text->drug;
    VALUE_OF(synth, DRUG7).text = text->drug7;
}

void synth_detail_line(pc_synth *synth, int order)
{
    const synth_world *world = &synth->world;
    synth_random *random = &synth->extra;
    const int32_t from = (int32_t)VALUE_OF(synth, FROM).number;
    const int32_t to = (int32_t)VALUE_OF(synth, TO).number;
    const int32_t day = synth_between(random, from, to);
    const int cents = synth_between(random, 500, 60000);
    VALUE_OF(synth, DAY).number = day;
    VALUE_OF(synth, DELAY).number = day - from;
    VALUE_OF(synth, ORDER).number = order;
    VALUE_OF(synth, QUANTITY).number = synth_between(random, 1, 3);
    VALUE_OF(synth, CENTS).number = cents;
    VALUE_OF(synth, PART).number = cents * 8 / 10;
    VALUE_OF(synth, ACT).text = world->town_act[world->act_draw[synth_below(random, SYNTH_DRAWS)]];
    VALUE_OF(synth, DEVICE).text =
        world->device->code[synth_below(random, (uint32_t)world->device->count)];
    VALUE_OF(synth, ASSOCIATED).text =
        world->diagnosis[synth_below(random, (uint32_t)world->diagnosis_count)];
    set_drug(synth);
}

// The first row of an episode has its own first day.
static pc_status write_rows(pc_synth *synth, int table, int count, int year_index, pc_error *err)
{
    const int64_t from = VALUE_OF(synth, FROM).number;
    for (int k = 0; k < count; k++) {
        synth_detail_line(synth, k + 1);
        if (detail_of[table].per_1000 == 1000) VALUE_OF(synth, DAY).number = from;
        PC_TRY(synth_detail_emit(synth, (synth_detail_table)table, year_index, 0, err));
    }
    return PC_OK;
}

// The table that the others need as their parent: none are written in years that lack it.
static int parent_of(synth_due due)
{
    switch (due) {
        case DUE_MCO_VISIT:
            return DETAIL_MCO_CSTC;
        case DUE_SSR_VISIT:
            return DETAIL_SSR_CSTC;
        case DUE_SSR_STAY:
        case DUE_SSR_WEEK:
            return DETAIL_SSR_C;
        case DUE_HAD_STAY:
        case DUE_HAD_PART:
            return DETAIL_HAD_C;
        case DUE_RIP_STAY:
        case DUE_RIP_PART:
            return DETAIL_RIP_C;
        default:
            return -1;
    }
}

pc_status synth_detail_due(pc_synth *synth, synth_due due, int year_index, pc_error *err)
{
    const int parent = parent_of(due);
    if (parent >= 0 && synth->file_of[SYNTH_TABLES + parent][year_index] < 0) return PC_OK;
    for (int table = 0; table < SYNTH_DETAILS; table++) {
        if (detail_of[table].due != due) continue;
        const int per_1000 = detail_of[table].per_1000;
        const int count = per_1000 <= 1000
                              ? synth_chance(&synth->extra, (uint32_t)per_1000 * 1000)
                              : synth_count(&synth->extra, (int64_t)per_1000 * 1024 / 1000);
        PC_TRY(write_rows(synth, table, count, year_index, err));
    }
    return PC_OK;
}
