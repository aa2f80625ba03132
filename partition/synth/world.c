/** Reads the data files: drugs, diseases, reasons for stays, nomenclatures, numbers. They come with
 *  the program, but are checked like anything read: a damaged file is a sentence, not a crash. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth.h"

enum {
    PATH_BYTES = 4096,
    MOST_FILE_BYTES = 8 << 20, // data files are a few hundred kB
    LINE_BYTES = 4096,
    DRUG_CELLS = 5,
    DISEASE_CELLS = 14,
    MOTIVE_CELLS = 10,
    MOST_NUMBERS = 256
};

pc_status synth_file_read(const char *share_dir, const char *name, pc_arena *arena, char **text,
                          size_t *bytes, pc_error *err)
{
    char path[PATH_BYTES];
    const int path_bytes = snprintf(path, sizeof path, "%s/synth/data/%s", share_dir, name);
    if (path_bytes < 0 || path_bytes >= PATH_BYTES) {
        return PC_FAIL(err, PC_BAD_JOB, "share folder: its path is longer than %d bytes",
                       PATH_BYTES);
    }
    pc_status status = PC_OK;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return PC_FAIL(err, PC_IO, "synth: cannot open data file '%s': %s", path, strerror(errno));
    }
    long size = -1;
    if (fseek(file, 0, SEEK_END) == 0) size = ftell(file);
    if (size < 0 || size > MOST_FILE_BYTES || fseek(file, 0, SEEK_SET) != 0) {
        status = PC_FAIL(err, PC_BAD_INPUT, "synth: data file '%s' is too large or no file", path);
        goto done;
    }
    *text = pc_arena_take(arena, (size_t)size + 1, err);
    if (*text == NULL) {
        status = PC_NO_MEMORY;
        goto done;
    }
    *bytes = fread(*text, 1, (size_t)size, file);
    if (*bytes != (size_t)size || memchr(*text, '\0', *bytes) != NULL) {
        status = PC_FAIL(err, PC_BAD_INPUT, "synth: data file '%s' cannot be read as text", path);
    }
done:
    fclose(file);
    return status;
}

int synth_cut(char *line, char **cell, int most)
{
    int count = 0;
    for (char *at = line;; at++) {
        if (count == most) return -1;
        cell[count++] = at;
        at += strcspn(at, ";");
        if (*at == '\0') return count;
        *at = '\0';
    }
}

// The next line of `*at`, NUL-terminated in place; NULL at the end.
static char *next_line(char **at)
{
    char *line = *at;
    if (*line == '\0') return NULL;
    char *end = line + strcspn(line, "\n");
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return line;
}

static int line_count(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

// "A B C" to a list, in place.
static void cut_list(char *text, synth_list *list)
{
    list->count = 0;
    for (char *at = text; *at != '\0' && list->count < SYNTH_LIST;) {
        list->code[list->count++] = at;
        at += strcspn(at, " ");
        if (*at == ' ') *at++ = '\0';
    }
}

static int64_t cip13_of(uint32_t cip7)
{
    const int64_t twelve = INT64_C(340090000000) + cip7;
    int sum = 0;
    int64_t rest = twelve;
    for (int place = 0; place < 12; place++, rest /= 10) {
        sum += (int)(rest % 10) * (place % 2 == 0 ? 3 : 1); // EAN-13: weights 1 and 3 from the left
    }
    return twelve * 10 + (10 - sum % 10) % 10;
}

static pc_status read_drugs(char *text, pc_arena *arena, synth_world *world, pc_error *err)
{
    const int lines = line_count(text);
    world->drug = pc_arena_array(arena, (size_t)lines, sizeof *world->drug, err);
    if (world->drug == NULL) return PC_NO_MEMORY;
    char *at = text;
    char *line = next_line(&at); // the header
    while ((line = next_line(&at)) != NULL) {
        char *cell[DRUG_CELLS];
        const bool cut = synth_cut(line, cell, DRUG_CELLS) == DRUG_CELLS;
        if (!cut || strlen(cell[0]) != 7 || strlen(cell[1]) != 7 ||
            world->drug_count >= UINT16_MAX) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "drugs.csv, line %d: expected cip7;atc;large;cents;weight",
                           world->drug_count + 2);
        }
        synth_drug *drug = &world->drug[world->drug_count++];
        drug->cip7 = (uint32_t)strtoul(cell[0], NULL, 10);
        drug->cip13 = cip13_of(drug->cip7);
        memcpy(drug->atc, cell[1], 8);
        drug->large = cell[2][0] == '1';
        drug->cents = (int32_t)strtol(cell[3], NULL, 10);
        drug->weight = (uint32_t)strtoul(cell[4], NULL, 10);
    }
    return PC_OK;
}

static bool read_bands(const char *text, int32_t *band)
{
    for (int k = 0; k < SYNTH_BANDS; k++) {
        char *end = NULL;
        band[k] = (int32_t)strtol(text, &end, 10);
        if (end == text || band[k] < 0 || band[k] > 10000) return false;
        text = end;
    }
    return *text == '\0';
}

static pc_status find_class(const synth_world *world, const char *atc, synth_class *out,
                            pc_error *err)
{
    *out = (synth_class){0};
    for (int k = 0; k < world->drug_count; k++) {
        if (strcmp(world->drug[k].atc, atc) != 0) continue;
        if (out->count == 0) out->first = (uint16_t)k;
        if (out->first + out->count != k) {
            return PC_FAIL(err, PC_BAD_INPUT, "drugs.csv: packages of %s do not stand together",
                           atc);
        }
        out->count++;
        out->small = (int16_t)(out->small + !world->drug[k].large);
    }
    if (out->count == 0) return PC_FAIL(err, PC_BAD_INPUT, "drugs.csv: no package of %s", atc);
    return PC_OK;
}

static pc_status read_diseases(char *text, synth_world *world, pc_error *err)
{
    char *at = text;
    char *line = next_line(&at);
    while ((line = next_line(&at)) != NULL) {
        char *cell[DISEASE_CELLS];
        if (world->disease_count == SYNTH_MOST_DISEASES) {
            return PC_FAIL(err, PC_BAD_INPUT, "diseases.csv: more than %d diseases",
                           SYNTH_MOST_DISEASES);
        }
        synth_disease *d = &world->disease[world->disease_count];
        if (synth_cut(line, cell, DISEASE_CELLS) != DISEASE_CELLS ||
            !read_bands(cell[1], d->per_10000[0]) || !read_bands(cell[2], d->per_10000[1])) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "diseases.csv, line %d: expected %d cells, of which "
                           "two of %d shares per 10,000",
                           world->disease_count + 2, DISEASE_CELLS, SYNTH_BANDS);
        }
        d->id = cell[0];
        cut_list(cell[3], &d->icd);
        d->ald = atoi(cell[4]);
        d->ald_percent = atoi(cell[5]);
        cut_list(cell[6], &d->atc);
        d->drugs = atoi(cell[7]);
        d->every_days = atoi(cell[8]);
        d->stays_per_1000 = atoi(cell[9]);
        d->ghm = cell[10];
        cut_list(cell[11], &d->town_ccam);
        cut_list(cell[12], &d->stay_ccam);
        cut_list(cell[13], &d->nabm);
        if (d->icd.count == 0 || d->every_days < 7 || d->drugs > SYNTH_ILL_DRUGS) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "diseases.csv, line %d: expected a diagnosis, at most %d "
                           "drugs and at least 7 days between deliveries",
                           world->disease_count + 2, SYNTH_ILL_DRUGS);
        }
        for (int k = 0; k < d->atc.count; k++) {
            PC_TRY(find_class(world, d->atc.code[k], &d->class[k], err));
        }
        if (strcmp(d->id, "diabetes") == 0) world->diabetes = world->disease_count;
        if (strcmp(d->id, "dialysis") == 0) world->dialysis = world->disease_count;
        world->disease_count++;
    }
    if (world->diabetes < 0 || world->dialysis < 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "diseases.csv: 'diabetes' and 'dialysis' are expected");
    }
    PC_TRY(find_class(world, "A10BA02", &world->metformin, err));
    return find_class(world, "A10BX06", &world->benfluorex, err);
}

static pc_status read_motives(char *text, synth_world *world, pc_error *err)
{
    char *at = text;
    char *line = next_line(&at);
    while ((line = next_line(&at)) != NULL) {
        char *cell[MOTIVE_CELLS];
        if (world->motive_count == SYNTH_MOST_MOTIVES ||
            synth_cut(line, cell, MOTIVE_CELLS) != MOTIVE_CELLS) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "motives.csv, line %d: expected %d cells, and at most "
                           "%d lines",
                           world->motive_count + 2, MOTIVE_CELLS, SYNTH_MOST_MOTIVES);
        }
        world->motive[world->motive_count++] =
            (synth_motive){.icd = cell[0],
                           .ghm = cell[1],
                           .women = atoi(cell[2]),
                           .men = atoi(cell[3]),
                           .age_from = atoi(cell[4]),
                           .age_to = atoi(cell[5]),
                           .weight = atoi(cell[6]),
                           .nights = atoi(cell[7]),
                           .ccam = cell[8][0] == '\0' ? NULL : cell[8],
                           .related = cell[9][0] == '\0' ? NULL : cell[9]};
    }
    return PC_OK;
}

static pc_status read_nomenclatures(char *text, synth_world *world, pc_error *err)
{
    synth_nomenclature *list = NULL;
    for (char *line = text; *line != '\0';) {
        const size_t bytes = strcspn(line, "\n");
        if (line[0] == '@') {
            if (world->nomenclature_count == SYNTH_MOST_NOMENCLATURES || line[bytes] == '\0') {
                return PC_FAIL(err, PC_BAD_INPUT, "nomenclatures.csv: more than %d lists",
                               SYNTH_MOST_NOMENCLATURES);
            }
            list = &world->nomenclature[world->nomenclature_count++];
            line[bytes] = '\0';
            char *name_end = line + strcspn(line, ";");
            if (*name_end == '\0') {
                return PC_FAIL(err, PC_BAD_INPUT, "nomenclatures.csv: a list without columns");
            }
            *name_end = '\0';
            *list = (synth_nomenclature){
                .name = line + 1, .header = name_end + 1, .rows = line + bytes + 1};
        } else if (list != NULL) {
            list->row_bytes += bytes + 1;
            list->row_count++;
        }
        line += bytes + 1;
    }
    return PC_OK;
}

static pc_status find_numbers(const char *text, const char *name, int64_t *value, int count,
                              pc_error *err)
{
    const size_t name_bytes = strlen(name);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strncmp(line, name, name_bytes) != 0 || line[name_bytes] != ';') continue;
        const char *at = line + name_bytes;
        int found = 0;
        while (*at == ';' && found < count) {
            char *end = NULL;
            value[found++] = strtoll(at + 1, &end, 10);
            if (end == at + 1) break;
            at = end;
        }
        if (found == count && *at == '\n') return PC_OK;
        break;
    }
    return PC_FAIL(err, PC_BAD_INPUT, "numbers.csv: expected %d numbers named '%s'", count, name);
}

// Cuts the draws into shares proportional to `weight`: draw[k] = the index that owns share k.
static void make_draw(const int64_t *weight, int count, uint16_t *draw)
{
    int64_t total = 0, passed = 0;
    for (int k = 0; k < count; k++)
        total += weight[k];
    if (total == 0) total = 1;
    int owner = 0;
    for (int share = 0; share < SYNTH_DRAWS; share++) {
        // the share's middle, in units of weight x 2 x draws
        const int64_t middle = (2 * (int64_t)share + 1) * total;
        while (owner < count - 1 && (passed + weight[owner]) * 2 * SYNTH_DRAWS <= middle) {
            passed += weight[owner++];
        }
        draw[share] = (uint16_t)owner;
    }
}

static pc_status read_numbers(const char *text, synth_world *world, pc_error *err)
{
    int64_t people[2][SYNTH_AGES];
    PC_TRY(find_numbers(text, "population_women", people[0], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "population_men", people[1], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "death_women_ppm", world->death_ppm[0], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "death_men_ppm", world->death_ppm[1], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "lines_women", world->lines[0], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "lines_men", world->lines[1], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "stays_women", world->stays[0], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "stays_men", world->stays[1], SYNTH_AGES, err));
    PC_TRY(find_numbers(text, "season_deaths", world->season_deaths, 12, err));
    PC_TRY(find_numbers(text, "season_consultations", world->season_visits, 12, err));
    PC_TRY(find_numbers(text, "season_drug_lines", world->season_drugs, 12, err));
    PC_TRY(find_numbers(text, "season_mco_stays", world->season_stays, 12, err));
    PC_TRY(find_numbers(text, "delay", world->delay, 28, err));
    PC_TRY(find_numbers(text, "frailty", world->frailty, 256, err));
    PC_TRY(find_numbers(text, "duplicate_finess", &world->duplicate_finess[0][0], 47 * 4, err));
    int64_t total[2] = {0, 0};
    for (int age = 0; age < SYNTH_AGES; age++) {
        total[0] += people[0][age];
        total[1] += people[1][age];
    }
    world->women_per_million = (uint32_t)(total[0] * 1000000 / (total[0] + total[1]));
    make_draw(people[0], SYNTH_AGES, world->age_draw[0]);
    make_draw(people[1], SYNTH_AGES, world->age_draw[1]);
    return PC_OK;
}

// Drugs that people without a special disease are given; antidiabetics come from the rule's plan.
static pc_status make_drug_draws(synth_world *world, pc_arena *arena, pc_error *err)
{
    static const char *const not_for_children[] = {"C0",  "C1",  "B01", "N04", "G03",  "G04",
                                                   "M04", "M05", "L0",  "N07", "S01E", "H05"};
    static const char *const special[] = {"A10", "L0", "J05", "N07BC", "G03HA", "N04", "N06D"};
    const pc_arena_mark mark = pc_arena_now(arena);
    int64_t *weight = pc_arena_array(arena, (size_t)world->drug_count, sizeof *weight, err);
    if (weight == NULL) return PC_NO_MEMORY;
    for (int group = 0; group < 3; group++) {
        for (int k = 0; k < world->drug_count; k++) {
            const char *atc = world->drug[k].atc;
            weight[k] = world->drug[k].weight;
            for (size_t j = 0; j < sizeof special / sizeof special[0]; j++) {
                if (strncmp(atc, special[j], strlen(special[j])) == 0) weight[k] = 0;
            }
            for (size_t j = 0; j < sizeof not_for_children / sizeof not_for_children[0]; j++) {
                const bool hit =
                    strncmp(atc, not_for_children[j], strlen(not_for_children[j])) == 0;
                if (hit && group == 0) weight[k] = 0;
                if (hit && group == 1) weight[k] /= 3;
            }
        }
        make_draw(weight, world->drug_count, world->drug_draw[group]);
    }
    pc_arena_rewind(arena, mark);
    return PC_OK;
}

static const synth_nomenclature *find_list(const synth_world *world, const char *name)
{
    for (int k = 0; k < world->nomenclature_count; k++) {
        if (strcmp(world->nomenclature[k].name, name) == 0) return &world->nomenclature[k];
    }
    return NULL;
}

// Every `step`th code of a list that `keep` likes, copied.
static pc_status pick_codes(const synth_world *world, const char *name, int step,
                            bool (*keep)(const char *), pc_arena *arena, const char ***out,
                            int32_t *count, pc_error *err)
{
    const synth_nomenclature *list = find_list(world, name);
    if (list == NULL) return PC_FAIL(err, PC_BAD_INPUT, "nomenclatures.csv: no list %s", name);
    *out = pc_arena_array(arena, (size_t)list->row_count + 1, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    *count = 0;
    const char *at = list->rows;
    for (int row = 0; row < list->row_count; row++) {
        const size_t bytes = strcspn(at, ";");
        if (row % step == 0 && bytes < 16) {
            char *code = pc_arena_text(arena, at, bytes, err);
            if (code == NULL) return PC_NO_MEMORY;
            if (keep(code)) (*out)[(*count)++] = code;
        }
        at += strcspn(at, "\n") + 1;
    }
    if (*count == 0) return PC_FAIL(err, PC_BAD_INPUT, "nomenclatures.csv: %s is empty", name);
    return PC_OK;
}

static bool is_town_act(const char *code)
{
    return strlen(code) == 7 && code[3] != 'A'; // A: open surgery
}

static bool is_plain_diagnosis(const char *code)
{
    return strlen(code) >= 4 && code[0] < 'O' && !synth_is_diabetes(code) &&
           !synth_is_complication(code);
}

static bool is_any(const char *code)
{
    return code[0] != '\0';
}

// Shares that fall as 1 / rank: a few codes make most of the lines.
static void make_falling_draw(int count, uint16_t *draw)
{
    int64_t weight[SYNTH_DRAWS];
    if (count > SYNTH_DRAWS) count = SYNTH_DRAWS;
    for (int k = 0; k < count; k++)
        weight[k] = 1000000 / (k + 1);
    make_draw(weight, count, draw);
}

static pc_status make_code_draws(synth_world *world, pc_arena *arena, pc_error *err)
{
    const char **test = NULL;
    PC_TRY(pick_codes(world, "IR_CCAM_V63", 3, is_town_act, arena, &world->town_act,
                      &world->town_act_count, err));
    PC_TRY(pick_codes(world, "IR_CIM_V", 7, is_plain_diagnosis, arena, &world->diagnosis,
                      &world->diagnosis_count, err));
    PC_TRY(pick_codes(world, "IR_BIO_R", 2, is_any, arena, &test, &world->test_count, err));
    world->test = pc_arena_array(arena, (size_t)world->test_count, sizeof *world->test, err);
    if (world->test == NULL) return PC_NO_MEMORY;
    for (int k = 0; k < world->test_count; k++)
        world->test[k] = atoi(test[k]);
    make_falling_draw(world->town_act_count, world->act_draw);
    make_falling_draw(world->test_count, world->test_draw);
    int64_t people[SYNTH_PLACES];
    for (int k = 0; k < SYNTH_PLACES; k++)
        people[k] = synth_place_weight(k);
    make_draw(people, SYNTH_PLACES, world->place_draw);
    return PC_OK;
}

// What only deliveries with all columns need: further nomenclatures, and the lists of codes from
// which details.csv draws.
static pc_status read_further(const char *share_dir, pc_arena *arena, synth_world *world,
                              pc_error *err)
{
    static const char *const wanted[] = {"IR_LPP_V", "IR_UCD_V", "CSARR", "IR_BIO_R", "IR_NAT_V"};
    char *text = NULL;
    size_t bytes = 0;
    PC_TRY(synth_file_read(share_dir, "nomenclatures_all.csv", arena, &text, &bytes, err));
    PC_TRY(read_nomenclatures(text, world, err));
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        synth_codes *list = &world->code_list[world->code_list_count++];
        list->name = wanted[k];
        PC_TRY(pick_codes(world, wanted[k], 1, is_any, arena, &list->code, &list->count, err));
    }
    world->device = &world->code_list[0];
    world->hospital_drug = &world->code_list[1];
    return PC_OK;
}

pc_status synth_world_read(const char *share_dir, bool all_columns, pc_arena *arena,
                           synth_world *world, pc_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    world->diabetes = world->dialysis = -1;
    PC_TRY(synth_file_read(share_dir, "drugs.csv", arena, &text, &bytes, err));
    PC_TRY(read_drugs(text, arena, world, err));
    PC_TRY(synth_file_read(share_dir, "diseases.csv", arena, &text, &bytes, err));
    PC_TRY(read_diseases(text, world, err));
    PC_TRY(synth_file_read(share_dir, "motives.csv", arena, &text, &bytes, err));
    PC_TRY(read_motives(text, world, err));
    PC_TRY(synth_file_read(share_dir, "nomenclatures.csv", arena, &text, &bytes, err));
    PC_TRY(read_nomenclatures(text, world, err));
    PC_TRY(synth_file_read(share_dir, "numbers.csv", arena, &text, &bytes, err));
    PC_TRY(read_numbers(text, world, err));
    PC_TRY(make_drug_draws(world, arena, err));
    PC_TRY(make_code_draws(world, arena, err));
    if (all_columns) PC_TRY(read_further(share_dir, arena, world, err));
    world->first_day_text = pc_day_of(1985, 1, 1);
    world->no_day = pc_day_of(1600, 1, 1);
    for (size_t k = 0; k < sizeof world->day_text / sizeof world->day_text[0]; k++) {
        char day[16];
        pc_day_format(world->first_day_text + (int32_t)k, day);
        memcpy(world->day_text[k], day, 11);
    }
    return PC_OK;
}
