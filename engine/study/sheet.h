/** @file sheet.h
 *  A table of a statistic, filled column by column, as the release gate takes it.
 */
#ifndef PC_SHEET_H
#define PC_SHEET_H
#include "results.h"

/** Columns of `row_count` values. Memory of `arena`. */
typedef struct pc_sheet {
    pc_arena *arena;
    int column_count, capacity;
    int64_t row_count;
    pc_field *field;
    bool *is_cell;
    pc_column *column;
    const int64_t **patients;
} pc_sheet;

pc_status pc_sheet_open(pc_sheet *sheet, pc_arena *arena, int capacity, int64_t row_count,
                        pc_error *err) PC_MUST_CHECK;
/** [row_count] zeros; NULL: no memory. */
int64_t *pc_sheet_numbers(pc_sheet *sheet, pc_error *err);
/** A column of 8-byte values, null where PC_NULL (floats: bits, by pc_real_bits).
 *  @param patients  [row_count] behind each value; NULL: the column is not suppressed */
pc_status pc_sheet_add(pc_sheet *sheet, const char *name, pc_type type, uint8_t scale,
                       const int64_t *value, const int64_t *patients, pc_error *err) PC_MUST_CHECK;
/** A column of texts of `dict`; PC_DICT_NONE: null. */
pc_status pc_sheet_add_texts(pc_sheet *sheet, const char *name, const uint32_t *text,
                             const pc_dict *dict, pc_error *err) PC_MUST_CHECK;
/** The `by` columns of rows that belong to `group[0 .. row_count - 1]`; all records together are
 *  `all`. */
pc_status pc_sheet_add_by(pc_sheet *sheet, const pc_results *results,
                          const pc_statistic_state *state, const pc_group *const *group,
                          pc_error *err) PC_MUST_CHECK;
/** A sheet with one row a group, `by` filled in, with room for `columns` more. */
pc_status pc_sheet_open_groups(pc_sheet *sheet, const pc_results *results,
                               const pc_statistic_state *state, int columns, pc_arena *arena,
                               pc_group **group, pc_error *err) PC_MUST_CHECK;
void pc_sheet_close(const pc_sheet *sheet, pc_result *out);

/** The text of a value, as a number of the words; PC_DICT_NONE: null. */
pc_status pc_value_word(const pc_record_column *column, int64_t value, pc_words *words,
                        uint32_t *out, pc_error *err) PC_MUST_CHECK;
/** The bits of a double, PC_NULL for NaN. */
int64_t pc_real_bits(double value);

// The table of each verb, as pc_statistic_result.
pc_status pc_count_result(const pc_results *results, const pc_statistic_state *state,
                          pc_arena *arena, pc_result *out, pc_error *err);
pc_status pc_prevalence_result(const pc_results *results, const pc_statistic_state *state,
                               pc_arena *arena, pc_result *out, pc_error *err);
pc_status pc_incidence_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err);
pc_status pc_survival_result(const pc_results *results, const pc_statistic_state *state,
                             pc_arena *arena, pc_result *out, pc_error *err);
pc_status pc_summary_result(const pc_results *results, const pc_statistic_state *state,
                            pc_arena *arena, pc_result *out, pc_error *err);
pc_status pc_overlap_result(const pc_results *results, const pc_statistic_state *state,
                            pc_arena *arena, pc_result *out, pc_error *err);

#endif
