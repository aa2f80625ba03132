// Tables of statistics, column by column.
#include <stdio.h>
#include <string.h>
#include "sheet.h"

pc_status pc_sheet_open(pc_sheet *s, pc_arena *arena, int capacity, int64_t row_count,
                        pc_error *err)
{
    const size_t count = (size_t)capacity;
    *s = (pc_sheet){.arena = arena, .capacity = capacity, .row_count = row_count};
    s->field = pc_arena_array(arena, count, sizeof *s->field, err);
    s->is_cell = pc_arena_array(arena, count, sizeof *s->is_cell, err);
    s->column = pc_arena_array(arena, count, sizeof *s->column, err);
    s->patients = pc_arena_array(arena, count, sizeof *s->patients, err);
    const bool is_good =
        s->field != NULL && s->is_cell != NULL && s->column != NULL && s->patients != NULL;
    return is_good ? PC_OK : PC_NO_MEMORY;
}

int64_t *pc_sheet_numbers(pc_sheet *s, pc_error *err)
{
    return pc_arena_array(s->arena, (size_t)s->row_count + 1, sizeof(int64_t), err);
}

pc_status pc_sheet_add(pc_sheet *s, const char *name, pc_type type, uint8_t scale,
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

pc_status pc_sheet_add_texts(pc_sheet *s, const char *name, const uint32_t *text,
                             const pc_dict *dict, pc_error *err)
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

void pc_sheet_close(const pc_sheet *s, pc_result *out)
{
    *out = (pc_result){.schema = {.field_count = s->column_count, .field = s->field},
                       .is_cell = s->is_cell,
                       .row_count = s->row_count,
                       .column = s->column,
                       .cell_patients = s->patients};
}

pc_status pc_value_word(const pc_record_column *key, int64_t value, pc_words *words, uint32_t *out,
                        pc_error *err)
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

pc_status pc_sheet_add_by(pc_sheet *s, const pc_results *results, const pc_statistic_state *state,
                          const pc_group *const *group, pc_error *err)
{
    pc_words *words = &results->eval->words;
    int64_t all = 0;
    PC_TRY(pc_words_add(words, pc_span_of("all"), &all, err));
    for (int k = 0; k < state->statistic->by_count; k++) {
        uint32_t *text = pc_arena_array(s->arena, (size_t)s->row_count, sizeof *text, err);
        if (text == NULL) return PC_NO_MEMORY;
        for (int64_t row = 0; row < s->row_count; row++) {
            text[row] = (uint32_t)all;
            if (group[row]->by == NULL) continue;
            PC_TRY(pc_value_word(&state->key[k], group[row]->by[k], words, &text[row], err));
        }
        PC_TRY(pc_sheet_add_texts(s, state->statistic->by[k].text, text, words->dict, err));
    }
    return PC_OK;
}

int64_t pc_real_bits(double value)
{
    int64_t bits = PC_NULL;
    if (value == value) {
        value += 0.0; // the bits of -0 are those of null
        memcpy(&bits, &value, sizeof bits);
    }
    return bits;
}

pc_status pc_sheet_open_groups(pc_sheet *s, const pc_results *results,
                               const pc_statistic_state *state, int columns, pc_arena *arena,
                               pc_group **group, pc_error *err)
{
    int64_t count = 0;
    PC_TRY(pc_statistic_groups(state, false, arena, group, &count, err));
    PC_TRY(pc_sheet_open(s, arena, state->statistic->by_count + columns, count, err));
    const pc_group **row = pc_arena_array(arena, (size_t)count, sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < count; i++)
        row[i] = &(*group)[i];
    return pc_sheet_add_by(s, results, state, row, err);
}
