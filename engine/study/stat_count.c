// `count` and `prevalence`.
#include "sheet.h"

bool pc_records_touch(const pc_records *there, int32_t slot, int64_t start, int64_t end)
{
    const int64_t *first = there->column[PC_START], *last = there->column[PC_END];
    for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
        if (first[row] > end) return false;
        if (last[row] >= start) return true;
    }
    return false;
}

/** Is a record of the subject counted: of a cohort all; of others those that start in the study's
 *  dates, or during a record of `in`. */
static bool is_counted(const pc_statistic_state *state, const pc_study *study, int32_t slot,
                       int64_t start)
{
    if (state->statistic->kind == PC_STAT_PREVALENCE) return true;
    if (state->other != NULL) {
        return pc_records_touch(&state->other->records, slot, start, start);
    }
    const pc_pair *dates = &study->dates;
    if (state->subject->def->kind == PC_DEF_COHORT || !dates->is_given) return true;
    return (!dates->has_low || start >= dates->low) && (!dates->has_high || start <= dates->high);
}

static pc_status count_rows(pc_results *results, pc_statistic_state *state,
                            const pc_statistic_rows *rows, const void *context, pc_error *err)
{
    (void)context;
    const pc_statistic *statistic = state->statistic;
    const pc_records *records = rows->records;
    const int32_t *slot = records->slot + rows->from;
    const int64_t *start = records->column[PC_START] + rows->from;
    const bool is_prevalence = statistic->kind == PC_STAT_PREVALENCE;
    const int64_t *end = is_prevalence ? records->column[PC_END] + rows->from : NULL;
    const int64_t *total =
        statistic->total_column < 0 ? NULL : records->column[statistic->total_column];
    bool counted[PC_BATCH_ROWS];
    int64_t group[PC_BATCH_ROWS];
    for (int i = 0; i < rows->count; i++)
        counted[i] = is_counted(state, results->study, slot[i], start[i]);
    PC_TRY(
        pc_tally_find_rows(&state->tally[PC_GROUPS], rows->by, counted, rows->count, group, err));
    pc_tally_counts *all = NULL;
    PC_TRY(pc_tally_find(&state->tally[PC_ALL], NULL, &all, err));
    for (int i = 0; i < rows->count; i++) {
        if (!counted[i]) continue;
        const bool has_event =
            !is_prevalence || pc_records_touch(&state->other->records, slot[i], start[i], end[i]);
        const int64_t value = total == NULL ? PC_NULL : total[rows->from + i];
        const int64_t add = value == PC_NULL ? 0 : value;
        const int64_t member = results->slot_base + slot[i];
        pc_tally_count(pc_tally_counts_at(&state->tally[PC_GROUPS], group[i]), member, 1, has_event,
                       add);
        pc_tally_count(all, member, 1, has_event, add);
        if (statistic->population == NULL) continue;
        int64_t by[PC_STUDY_BY_MAX];
        for (int k = 0; k < statistic->by_count; k++)
            by[k] = rows->by[k][i];
        PC_TRY(pc_statistic_class(results, state, slot[i],
                                  pc_timeline_year(results->eval, start[i]), by, 1, has_event, 0,
                                  err));
    }
    return PC_OK;
}

pc_status pc_count_add(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    return pc_statistic_batches(results, state, &state->subject->records, count_rows, NULL, err);
}

pc_status pc_count_result(const pc_results *results, const pc_statistic_state *state,
                          pc_arena *arena, pc_result *out, pc_error *err)
{
    const pc_statistic *statistic = state->statistic;
    pc_sheet s;
    pc_group *group = NULL;
    PC_TRY(pc_sheet_open_groups(&s, results, state, 3, arena, &group, err));
    int64_t *number[3];
    for (int i = 0; i < 3; i++) {
        number[i] = pc_sheet_numbers(&s, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < s.row_count; row++) {
        const pc_tally_counts *counts = pc_group_counts(&group[row], 0);
        number[0][row] = counts->records;
        number[1][row] = counts->patients;
        number[2][row] = (int64_t)counts->total;
        if (counts->total > INT64_MAX || counts->total <= INT64_MIN) {
            return PC_FAIL(err, PC_BAD_INPUT, "%s: a total is beyond 64 bits", statistic->path);
        }
    }
    PC_TRY(pc_sheet_add(&s, "records", PC_INT, 0, number[0], number[1], err));
    PC_TRY(pc_sheet_add(&s, "patients", PC_INT, 0, number[1], number[1], err));
    if (statistic->total_column >= 0) {
        const pc_record_column *total =
            &state->subject->def->typed->out.column[statistic->total_column];
        PC_TRY(pc_sheet_add(&s, "total", total->type == PC_DECIMAL ? PC_DECIMAL : PC_INT,
                            total->scale, number[2], number[1], err));
    }
    pc_sheet_close(&s, out);
    return PC_OK;
}

enum {
    PATIENTS,
    POPULATION,
    SHARE,
    LOWER,
    UPPER,
    STANDARD,
    STANDARD_LOWER,
    STANDARD_UPPER,
    BEHIND,
    COLUMNS
};

static void fill_prevalence(const pc_statistic *statistic, const pc_tally_counts *counts,
                            int64_t row, int64_t *const *number)
{
    const int64_t hits = counts->patients, count = counts->population;
    const pc_interval interval =
        statistic->is_exact ? pc_exact_interval(hits, count) : pc_wilson_interval(hits, count);
    number[PATIENTS][row] = hits;
    number[POPULATION][row] = count;
    number[SHARE][row] = count == 0 ? PC_NULL : pc_real_bits((double)hits / (double)count);
    number[LOWER][row] = pc_real_bits(interval.low);
    number[UPPER][row] = pc_real_bits(interval.high);
    // A share and its interval tell the population too.
    number[BEHIND][row] = count < PC_MIN_PATIENTS ? count : hits;
}

pc_status pc_prevalence_result(const pc_results *results, const pc_statistic_state *state,
                               pc_arena *arena, pc_result *out, pc_error *err)
{
    static const char *const name[] = {
        "patients",           "population",        "share", "lower", "upper", "standardised",
        "standardised_lower", "standardised_upper"};
    const pc_statistic *statistic = state->statistic;
    pc_sheet s;
    pc_group *group = NULL, *classes = NULL;
    int64_t class_groups = 0;
    PC_TRY(pc_sheet_open_groups(&s, results, state, BEHIND, arena, &group, err));
    PC_TRY(pc_statistic_groups(state, true, arena, &classes, &class_groups, err));
    int64_t *number[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_sheet_numbers(&s, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < s.row_count; row++) {
        fill_prevalence(statistic, pc_group_counts(&group[row], 0), row, number);
        pc_standardised rate;
        const bool has_rate =
            pc_statistic_standardise(classes, class_groups, &group[row], statistic, false, &rate);
        number[STANDARD][row] = has_rate ? pc_real_bits(rate.rate) : PC_NULL;
        number[STANDARD_LOWER][row] = has_rate ? pc_real_bits(rate.interval.low) : PC_NULL;
        number[STANDARD_UPPER][row] = has_rate ? pc_real_bits(rate.interval.high) : PC_NULL;
    }
    for (int i = 0; i < (statistic->population != NULL ? BEHIND : STANDARD); i++) {
        const int behind = i < SHARE ? i : BEHIND;
        PC_TRY(pc_sheet_add(&s, name[i], i < SHARE ? PC_INT : PC_FLOAT, 0, number[i],
                            number[behind], err));
    }
    pc_sheet_close(&s, out);
    return PC_OK;
}
