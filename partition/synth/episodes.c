/** Hospital care beyond MCO stays: rehabilitation (SSR), hospital at home (HAD), psychiatry (RIP,
 * with and without a stay), and outpatient visits to public hospitals. How often follows from age
 * and diseases; a stay is a row of each table that is due, its weeks or sequences rows of others.
 */
#include <stdio.h>
#include <string.h>
#include "detail.h"

enum {
    STAYS_A_YEAR = 4, // most, of a kind
    WEEK_DAYS = 7,
    PART_DAYS = 15, // of a stay at home
    SEQUENCE_DAYS = 30,
    MOST_WEEKS = 26,
    VISITS_A_YEAR = 1024, // most: their numbers are told apart by it
    SSR_SERIAL = 2000,    // where the hospitals' numbers begin
    HAD_SERIAL = 3000,
    RIP_SERIAL = 4000,
    MCO_SERIAL = 1000,
    SERIAL_STEP = 11,
    MCO_HOSPITALS = 6,
    HAD_NUMBERS = 36 * 36 * 36 * 36 * 36,
    SSR_VISIT_PPM = 15000 // of visits: to a rehabilitation hospital
};

// A disease that the person had before a day and whose code begins with one of the letters.
static const char *code_of(const pc_synth *synth, const char *const *prefix, int count, int32_t day)
{
    const synth_person *p = &synth->person;
    for (int k = 0; k < p->ill_count; k++) {
        const synth_ill *ill = &p->ill[k];
        const char *code = synth->world.disease[ill->disease].icd.code[ill->variant];
        for (int j = 0; j < count && ill->since < day; j++) {
            if (strncmp(code, prefix[j], strlen(prefix[j])) == 0) return code;
        }
    }
    return NULL;
}

// How many of something that happens `per_1000` times a year, in the days that the person lived.
static int draw_count(pc_synth *synth, int per_1000, int32_t from, int32_t to)
{
    const int64_t mean = (int64_t)per_1000 * 1024 / 1000 * (to - from + 1) / 365;
    const int count = synth_count(&synth->extra, mean);
    return count < STAYS_A_YEAR ? count : STAYS_A_YEAR;
}

static pc_status write_weeks(pc_synth *synth, const synth_episode *stay, int year_index,
                             pc_error *err)
{
    int week = 1;
    for (int32_t day = stay->from; day <= stay->to; day += WEEK_DAYS, week++) {
        const int32_t end = day + WEEK_DAYS - 1;
        int year, month, day_of_month;
        pc_day_split(day, &year, &month, &day_of_month);
        if (year != stay->year) synth_count_defect(synth, 39); // a week of the year before
        VALUE_OF(synth, WEEK).number = week;
        VALUE_OF(synth, FROM).number = day;
        VALUE_OF(synth, TO).number = end < stay->to ? end : stay->to;
        PC_TRY(synth_detail_due(synth, DUE_SSR_WEEK, year_index, err));
    }
    return PC_OK;
}

static pc_status write_ssr(pc_synth *synth, const synth_episode *stay, pc_error *err)
{
    const int year_index = stay->year - synth->options.first_year;
    synth_detail_episode(synth, stay);
    PC_TRY(synth_detail_due(synth, DUE_SSR_STAY, year_index, err));
    return write_weeks(synth, stay, year_index, err);
}

static pc_status rehabilitation(pc_synth *synth, int year, int32_t from, int32_t to, pc_error *err)
{
    static const char *const cause[] = {"I6", "G20", "G35", "I50", "J44", "F1", "M1", "C"};
    const int age = synth_age(&synth->person, year);
    const char *code = code_of(synth, cause, 8, to);
    int per_1000 = age < 40 ? 2 : age < 65 ? 8 : age < 75 ? 20 : age < 85 ? 45 : 80;
    if (code != NULL) per_1000 *= 3;
    const int count = draw_count(synth, per_1000, from, to);
    for (int k = 0; k < count; k++) {
        char number[16];
        synth_base36((uint64_t)synth->person.index * (4 * STAYS_A_YEAR) + (uint64_t)k, 7, number);
        synth_detail_hospital(synth, SSR_SERIAL + SERIAL_STEP * synth_between(&synth->extra, 0, 1));
        synth_episode stay = {.from = synth_between(&synth->extra, from, to),
                              .year = year,
                              .number = number,
                              .main = code == NULL ? "M545" : code,
                              .related = code == NULL ? NULL : "Z966",
                              .group = synth_chance(&synth->extra, 10000) ? "9000Z0" : "0841B1",
                              .entry = 8,
                              .exit = 8};
        stay.to = stay.from + synth_between(&synth->extra, 10, 60);
        if (stay.to > synth->person.death_day) stay.to = synth->person.death_day;
        // a stay over the new year is in both files, whole in the second
        const int32_t end = stay.to, last = pc_day_of(year, 12, 31);
        if (stay.to > last) stay.to = last;
        PC_TRY(write_ssr(synth, &stay, err));
        if (end <= last || year == synth->options.last_year) continue;
        stay.to = end;
        stay.year = year + 1;
        synth_base36((uint64_t)synth->person.index * (4 * STAYS_A_YEAR) + 2 * STAYS_A_YEAR +
                         (uint64_t)k,
                     7, number);
        PC_TRY(write_ssr(synth, &stay, err));
    }
    return PC_OK;
}

// The parts of a stay, `days` long each.
static pc_status write_parts(pc_synth *synth, const synth_episode *stay, synth_due due, int days,
                             pc_error *err)
{
    int part = 1;
    for (int32_t day = stay->from; day <= stay->to; day += days, part++) {
        const int32_t end = day + days - 1;
        // T40: in two years the files lack the main diagnosis
        const bool bare = due == DUE_HAD_PART && (stay->year == 2012 || stay->year == 2013);
        if (bare) synth_count_defect(synth, 40);
        VALUE_OF(synth, SEQUENCE).number = part;
        VALUE_OF(synth, FIRST).number = part == 1;
        VALUE_OF(synth, LAST).number = end >= stay->to;
        VALUE_OF(synth, FROM).number = day;
        VALUE_OF(synth, TO).number = end < stay->to ? end : stay->to;
        PC_TRY(synth_detail_due(synth, due, stay->year - synth->options.first_year, err));
    }
    return PC_OK;
}

static pc_status at_home(pc_synth *synth, int year, int32_t from, int32_t to, pc_error *err)
{
    static const char *const cancer[] = {"C"};
    const int age = synth_age(&synth->person, year);
    const char *code = code_of(synth, cancer, 1, to);
    const int count = draw_count(synth,
                                 code != NULL ? 45
                                 : age < 60   ? 2
                                 : age < 80   ? 5
                                              : 14,
                                 from, to);
    for (int k = 0; k < count && k < 2; k++) {
        char number[16];
        const int64_t serial = synth->person.index * 2 + k;
        synth_base36((uint64_t)(serial % HAD_NUMBERS), 5, number);
        synth_detail_hospital(synth, HAD_SERIAL + SERIAL_STEP * (int)(serial / HAD_NUMBERS));
        synth_episode stay = {.from = synth_between(&synth->extra, from, to),
                              .year = year,
                              .number = number,
                              .main = code == NULL ? "L89" : code,
                              .group = "1602",
                              .entry = 8,
                              .exit = 8};
        stay.to = stay.from + synth_between(&synth->extra, 4, 45);
        if (stay.to > to) stay.to = to;
        synth_detail_episode(synth, &stay);
        PC_TRY(synth_detail_due(synth, DUE_HAD_STAY, year - synth->options.first_year, err));
        PC_TRY(write_parts(synth, &stay, DUE_HAD_PART, PART_DAYS, err));
    }
    return PC_OK;
}

// The hospital's own number of the person.
static void set_local_number(pc_synth *synth)
{
    synth_random random;
    synth_random_start(&random, synth->options.seed, synth->person.index, SYNTH_LOCAL);
    synth_letters(&random, synth->text.ipp, 16);
    VALUE_OF(synth, IPP).text = synth->text.ipp;
    VALUE_OF(synth, STAY).text = synth->text.stay;
    synth_detail_hospital(synth, RIP_SERIAL + SERIAL_STEP * (int)synth_below(&random, 2));
}

static pc_status psychiatric_acts(pc_synth *synth, int year, int32_t from, int32_t to, int mean,
                                  const char *code, pc_error *err)
{
    const int count = synth_count(&synth->extra, (int64_t)mean * 1024 / 1000);
    for (int k = 0; k < count && k < VISITS_A_YEAR; k++) {
        char number[16];
        synth_base36((uint64_t)synth->person.index * VISITS_A_YEAR + (uint64_t)k, 8, number);
        synth_base36((uint64_t)k, 5, synth->text.stay);
        const int32_t day = synth_between(&synth->extra, from, to);
        const synth_episode act = {.from = day,
                                   .to = day,
                                   .year = year,
                                   .number = number,
                                   .main = code,
                                   .entry = 8,
                                   .exit = 8};
        synth_detail_episode(synth, &act);
        PC_TRY(synth_detail_due(synth, DUE_RIP_ACT, year - synth->options.first_year, err));
    }
    return PC_OK;
}

static pc_status psychiatry(pc_synth *synth, int year, int32_t from, int32_t to, pc_error *err)
{
    static const char *const psychosis[] = {"F2"}, *const other[] = {"F3", "F1", "F0"};
    const char *code = code_of(synth, psychosis, 1, to);
    int stays = 260, acts = 9000;
    if (code == NULL) {
        code = code_of(synth, other, 3, to);
        stays = code == NULL ? 2 : 60;
        acts = code == NULL ? 90 : 1500;
    }
    if (code == NULL) code = "F432";
    set_local_number(synth);
    const int count = draw_count(synth, stays, from, to);
    for (int k = 0; k < count; k++) {
        char number[16];
        synth_base36((uint64_t)synth->person.index * (2 * STAYS_A_YEAR) + (uint64_t)k, 6, number);
        synth_base36((uint64_t)k + 1, 5, synth->text.stay);
        synth_episode stay = {.from = synth_between(&synth->extra, from, to),
                              .year = year,
                              .number = number,
                              .main = code,
                              .entry = 8,
                              .exit = 8};
        stay.to = stay.from + synth_between(&synth->extra, 3, 80);
        if (stay.to > to) stay.to = to;
        synth_detail_episode(synth, &stay);
        PC_TRY(synth_detail_due(synth, DUE_RIP_STAY, year - synth->options.first_year, err));
        PC_TRY(write_parts(synth, &stay, DUE_RIP_PART, SEQUENCE_DAYS, err));
    }
    return psychiatric_acts(synth, year, from, to, acts, code, err);
}

pc_status synth_episode_year(pc_synth *synth, int year, pc_error *err)
{
    const synth_person *p = &synth->person;
    const int32_t first = pc_day_of(year, 1, 1), last = pc_day_of(year, 12, 31);
    const int32_t from = p->birth_day > first ? p->birth_day : first;
    const int32_t to = p->death_day < last ? p->death_day : last;
    synth->visit_count = 0; // of the next year
    if (from > to) return PC_OK;
    PC_TRY(rehabilitation(synth, year, from, to, err));
    PC_TRY(at_home(synth, year, from, to, err));
    return psychiatry(synth, year, from, to, err);
}

pc_status synth_visit_write(pc_synth *synth, int32_t day, pc_error *err)
{
    int year, month, day_of_month;
    pc_day_split(day, &year, &month, &day_of_month);
    if (year > synth->options.last_year || synth->visit_count == VISITS_A_YEAR) return PC_OK;
    char number[16];
    synth_base36((uint64_t)synth->person.index * VISITS_A_YEAR + (uint64_t)synth->visit_count++, 8,
                 number);
    const bool ssr = synth_chance(&synth->extra, SSR_VISIT_PPM);
    const int which = synth_between(&synth->extra, 0, ssr ? 1 : MCO_HOSPITALS - 1);
    synth_detail_hospital(synth, (ssr ? SSR_SERIAL : MCO_SERIAL) + SERIAL_STEP * which);
    const synth_episode care = {.from = day,
                                .to = day,
                                .year = year,
                                .number = number,
                                .main = "Z099",
                                .entry = 8,
                                .exit = 8};
    synth_detail_episode(synth, &care);
    return synth_detail_due(synth, ssr ? DUE_SSR_VISIT : DUE_MCO_VISIT,
                            year - synth->options.first_year, err);
}

pc_status synth_stay_write(pc_synth *synth, const synth_episode *stay, const char *hospital,
                           bool is_private, pc_error *err)
{
    const int year_index = stay->year - synth->options.first_year;
    const bool termination = strncmp(stay->group, "14Z08", 5) == 0;
    snprintf(synth->text.hospital, sizeof synth->text.hospital, "%s", hospital);
    snprintf(synth->text.hospital8, sizeof synth->text.hospital8, "%.8s", hospital);
    VALUE_OF(synth, HOSPITAL).text = synth->text.hospital;
    VALUE_OF(synth, HOSPITAL8).text = synth->text.hospital8;
    synth_detail_episode(synth, stay);
    PC_TRY(synth_detail_due(synth, DUE_MCO_STAY, year_index, err));
    if (termination) PC_TRY(synth_detail_emit(synth, DETAIL_MCO_IVG, year_index, 0, err));
    return synth_detail_due(synth, is_private ? DUE_MCO_PRIVATE : DUE_MCO_PUBLIC, year_index, err);
}
