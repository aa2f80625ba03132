// The table of each statistic, as the release gate takes it.
#include <stdio.h>
#include <string.h>
#include "parcours/stats.h"
#include "results.h"

/** A table being filled column by column. */
typedef struct sheet {
    pc_arena *arena;
    int column_count, capacity;
    int64_t row_count;
    pc_field *field;
    bool *is_cell;
    pc_column *column;
    const int64_t **patients;
} sheet;

static pc_status open_sheet(sheet *s, pc_arena *arena, int capacity, int64_t row_count,
                            pc_error *err)
{
    const size_t count = (size_t)capacity;
    *s = (sheet){.arena = arena, .capacity = capacity, .row_count = row_count};
    s->field = pc_arena_array(arena, count, sizeof *s->field, err);
    s->is_cell = pc_arena_array(arena, count, sizeof *s->is_cell, err);
    s->column = pc_arena_array(arena, count, sizeof *s->column, err);
    s->patients = pc_arena_array(arena, count, sizeof *s->patients, err);
    const bool is_good =
        s->field != NULL && s->is_cell != NULL && s->column != NULL && s->patients != NULL;
    return is_good ? PC_OK : PC_NO_MEMORY;
}

/** A column of 8-byte values, null where PC_NULL (floats: where the bits are those of PC_NULL).
 *  `patients` NULL: the column is not suppressed. */
static pc_status add_numbers(sheet *s, const char *name, pc_type type, uint8_t scale,
                             const int64_t *value, const int64_t *patients, pc_error *err)
{
    uint64_t *valid =
        pc_arena_array(s->arena, (size_t)(s->row_count + 63) / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < s->row_count; row++) {
        valid[row >> 6] |= (uint64_t)(value[row] != PC_NULL) << (row & 63);
    }
    const int at = s->column_count++;
    s->field[at] = (pc_field){.name = name, .type = type, .scale = scale};
    s->is_cell[at] = patients != NULL;
    s->patients[at] = patients;
    s->column[at] =
        (pc_column){.type = type, .scale = scale, .width = 8, .data = value, .valid = valid};
    return PC_OK;
}

/** A column of texts out of a builder; PC_DICT_NONE: null. */
static pc_status add_texts(sheet *s, const char *name, const uint32_t *text, const pc_dict *dict,
                           pc_error *err)
{
    uint64_t *valid =
        pc_arena_array(s->arena, (size_t)(s->row_count + 63) / 64 + 1, sizeof *valid, err);
    uint32_t *index = pc_arena_array(s->arena, (size_t)s->row_count, sizeof *index, err);
    if (valid == NULL || index == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < s->row_count; row++) {
        valid[row >> 6] |= (uint64_t)(text[row] != PC_DICT_NONE) << (row & 63);
        index[row] = text[row] == PC_DICT_NONE ? 0 : text[row];
    }
    const int at = s->column_count++;
    s->field[at] = (pc_field){.name = name, .type = PC_TEXT};
    s->column[at] =
        (pc_column){.type = PC_TEXT, .width = 4, .data = index, .valid = valid, .dict = dict};
    return PC_OK;
}

static void close_sheet(const sheet *s, pc_result *out)
{
    *out = (pc_result){.schema = {.field_count = s->column_count, .field = s->field},
                       .is_cell = s->is_cell,
                       .row_count = s->row_count,
                       .column = s->column,
                       .cell_patients = s->patients};
}

/** The text of a group's value, as a number of the words; PC_DICT_NONE: null. */
static pc_status value_text(const pc_record_column *key, int64_t value, pc_words *words,
                            uint32_t *out, pc_error *err)
{
    char room[64];
    int bytes = 0;
    *out = PC_DICT_NONE;
    if (value == PC_NULL) return PC_OK;
    switch (key->type) {
        case PC_CODE:
        case PC_TEXT:
        case PC_ID:
            *out = (uint32_t)value;
            return PC_OK;
        case PC_BOOL:
            bytes = snprintf(room, sizeof room, "%s", value != 0 ? "true" : "false");
            break;
        case PC_DATE:
            if (value == PC_OPEN) return PC_OK;
            bytes = pc_day_format((int32_t)value, room);
            break;
        case PC_DECIMAL:
            bytes = pc_decimal_format(value, key->scale, room);
            break;
        case PC_FLOAT: {
            double real = 0;
            memcpy(&real, &value, sizeof real);
            bytes = pc_float_format(real, room);
            break;
        }
        default:
            bytes = snprintf(room, sizeof room, "%lld", (long long)value);
            break;
    }
    int64_t word = 0;
    PC_TRY(pc_words_add(words, (pc_span){room, (size_t)bytes}, &word, err));
    *out = (uint32_t)word;
    return PC_OK;
}

/** The `by` columns: values of groups, and `all` in the last row. */
static pc_status add_groups(sheet *s, const pc_results *results, const pc_statistic_state *state,
                            const int64_t *order, pc_error *err)
{
    const pc_tally *groups = &state->groups;
    pc_words *words = &results->eval->words;
    int64_t all = 0;
    PC_TRY(pc_words_add(words, pc_span_of("all"), &all, err));
    const int64_t *keys = (const int64_t *)(const void *)groups->keys.data;
    for (int k = 0; k < groups->key_count; k++) {
        uint32_t *text = pc_arena_array(s->arena, (size_t)s->row_count, sizeof *text, err);
        if (text == NULL) return PC_NO_MEMORY;
        for (int64_t row = 0; row < groups->count; row++) {
            const int64_t value = keys[order[row] * groups->key_count + k];
            PC_TRY(value_text(&state->key[k], value, words, &text[row], err));
        }
        text[groups->count] = (uint32_t)all;
        PC_TRY(add_texts(s, state->statistic->by[k].text, text, words->dict, err));
    }
    return PC_OK;
}

static pc_status copy_counts(const pc_statistic_state *state, pc_arena *arena,
                             pc_tally_counts **out, int64_t **order, int64_t *row_count,
                             pc_error *err)
{
    const pc_tally *groups = &state->groups;
    // Without `by` there is one row, the total.
    const int64_t count = groups->key_count == 0 ? 0 : groups->count;
    *row_count = count + 1;
    PC_TRY(pc_tally_order(groups, arena, order, err));
    pc_tally_counts *counts = pc_arena_array(arena, (size_t)count + 1, sizeof *counts, err);
    if (counts == NULL) return PC_NO_MEMORY;
    const pc_tally_counts *group = (const pc_tally_counts *)(const void *)groups->counts.data;
    for (int64_t row = 0; row < count; row++)
        counts[row] = group[(*order)[row]];
    counts[count] = *(const pc_tally_counts *)(const void *)state->all.counts.data;
    *out = counts;
    return PC_OK;
}

static pc_status count_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err)
{
    const pc_statistic *statistic = state->statistic;
    pc_tally_counts *counts = NULL;
    int64_t *order = NULL, row_count = 0;
    PC_TRY(copy_counts(state, arena, &counts, &order, &row_count, err));
    sheet s;
    PC_TRY(open_sheet(&s, arena, statistic->by_count + 3, row_count, err));
    if (statistic->by_count > 0) PC_TRY(add_groups(&s, results, state, order, err));
    int64_t *number[3];
    for (int i = 0; i < 3; i++) {
        number[i] = pc_arena_array(arena, (size_t)row_count, sizeof **number, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < row_count; row++) {
        number[0][row] = counts[row].records;
        number[1][row] = counts[row].patients;
        number[2][row] = (int64_t)counts[row].total;
        if (counts[row].total > INT64_MAX || counts[row].total <= INT64_MIN) {
            return PC_FAIL(err, PC_BAD_INPUT, "%s: a total is beyond 64 bits", statistic->path);
        }
    }
    PC_TRY(add_numbers(&s, "records", PC_INT, 0, number[0], number[1], err));
    PC_TRY(add_numbers(&s, "patients", PC_INT, 0, number[1], number[1], err));
    if (statistic->total_column >= 0) {
        const pc_record_column *total =
            &state->subject->def->typed->out.column[statistic->total_column];
        PC_TRY(add_numbers(&s, "total", total->type == PC_DECIMAL ? PC_DECIMAL : PC_INT,
                           total->scale, number[2], number[1], err));
    }
    close_sheet(&s, out);
    return PC_OK;
}

static int64_t real_bits(double value)
{
    int64_t bits = PC_NULL;
    if (value == value) {
        value += 0.0; // the bits of -0 are those of null
        memcpy(&bits, &value, sizeof bits);
    }
    return bits;
}

static pc_status prevalence_result(const pc_results *results, const pc_statistic_state *state,
                                   pc_arena *arena, pc_result *out, pc_error *err)
{
    enum { PATIENTS, POPULATION, SHARE, LOWER, UPPER, BEHIND, COLUMNS };
    const pc_statistic *statistic = state->statistic;
    pc_tally_counts *counts = NULL;
    int64_t *order = NULL, row_count = 0;
    PC_TRY(copy_counts(state, arena, &counts, &order, &row_count, err));
    sheet s;
    PC_TRY(open_sheet(&s, arena, statistic->by_count + 5, row_count, err));
    if (statistic->by_count > 0) PC_TRY(add_groups(&s, results, state, order, err));
    int64_t *number[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_arena_array(arena, (size_t)row_count, sizeof **number, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < row_count; row++) {
        const int64_t hits = counts[row].patients, count = counts[row].population;
        const pc_interval interval =
            statistic->is_exact ? pc_exact_interval(hits, count) : pc_wilson_interval(hits, count);
        number[PATIENTS][row] = hits;
        number[POPULATION][row] = count;
        number[SHARE][row] = count == 0 ? PC_NULL : real_bits((double)hits / (double)count);
        number[LOWER][row] = real_bits(interval.low);
        number[UPPER][row] = real_bits(interval.high);
        // A share and its interval tell the population too.
        number[BEHIND][row] = count < PC_MIN_PATIENTS ? count : hits;
    }
    static const char *const name[] = {"patients", "population", "share", "lower", "upper"};
    static const int behind[] = {PATIENTS, POPULATION, BEHIND, BEHIND, BEHIND};
    for (int i = 0; i < 5; i++) {
        PC_TRY(add_numbers(&s, name[i], i < SHARE ? PC_INT : PC_FLOAT, 0, number[i],
                           number[behind[i]], err));
    }
    close_sheet(&s, out);
    return PC_OK;
}

static pc_status attrition_result(const pc_results *results, const pc_statistic_state *state,
                                  pc_arena *arena, pc_result *out, pc_error *err)
{
    enum { STEP, RECORDS, PATIENTS, RECORDS_LOST, PATIENTS_LOST, TOUCHED, COLUMNS };
    const pc_node *node = state->subject;
    const int64_t row_count = node->step_count;
    pc_words *words = &results->eval->words;
    sheet s;
    PC_TRY(open_sheet(&s, arena, 6, row_count, err));
    int64_t *number[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_arena_array(arena, (size_t)row_count, sizeof **number, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    uint32_t *title = pc_arena_array(arena, (size_t)row_count, sizeof *title, err);
    if (title == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < row_count; row++) {
        const pc_flow_step *step = &node->step[row], *before = step - (row > 0);
        int64_t word = 0;
        PC_TRY(pc_words_add(words, pc_span_of(step->title), &word, err));
        title[row] = (uint32_t)word;
        number[STEP][row] = row;
        number[RECORDS][row] = step->records;
        number[PATIENTS][row] = step->patients;
        number[RECORDS_LOST][row] = row == 0 ? PC_NULL : before->records - step->records;
        number[PATIENTS_LOST][row] = row == 0 ? PC_NULL : before->patients - step->patients;
        number[TOUCHED][row] = step->touched;
    }
    PC_TRY(add_numbers(&s, "step", PC_INT, 0, number[STEP], NULL, err));
    PC_TRY(add_texts(&s, "title", title, words->dict, err));
    static const char *const name[] = {"records", "patients", "records_lost", "patients_lost"};
    static const int behind[] = {PATIENTS, PATIENTS, TOUCHED, PATIENTS_LOST};
    for (int i = 0; i < 4; i++) {
        PC_TRY(add_numbers(&s, name[i], PC_INT, 0, number[RECORDS + i], number[behind[i]], err));
    }
    close_sheet(&s, out);
    return PC_OK;
}

pc_status pc_statistic_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err)
{
    switch (state->statistic->kind) {
        case PC_STAT_COUNT:
            return count_result(results, state, arena, out, err);
        case PC_STAT_PREVALENCE:
            return prevalence_result(results, state, arena, out, err);
        default:
            return attrition_result(results, state, arena, out, err);
    }
}
