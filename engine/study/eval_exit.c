// How records of a cohort end: the earliest of several days, with its reason.
#include <string.h>
#include "eval.h"

/** The day of one exit for each record: PC_NULL when it does not happen, PC_OPEN: never ends. */
static pc_status find_days(pc_block_eval *eval, const pc_node *node, const pc_exit *leave,
                           const uint8_t *active, int64_t *day, pc_error *err)
{
    const pc_records *records = &node->records;
    if (leave->look != NULL) {
        PC_TRY(pc_timeline_look(eval, leave->look, records, node->def, active, day, err));
    } else if (records->count > 0) {
        memcpy(day, records->column[leave->from_end ? PC_END : PC_START],
               (size_t)records->count * sizeof *day);
    }
    for (int64_t row = 0; row < records->count; row++) {
        if (day[row] == PC_NULL || day[row] == PC_OPEN) continue;
        if (leave->months != 0) {
            day[row] = pc_day_add_months((int32_t)day[row], (int)leave->months);
        }
        day[row] += leave->plus;
    }
    return PC_OK;
}

pc_status pc_timeline_exit(pc_block_eval *eval, pc_node *node, uint8_t *keep, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_pair *study = &eval->nodes->study->dates;
    pc_records *records = &node->records;
    const size_t count = (size_t)records->count;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    int64_t *day = pc_arena_array(&eval->scratch, count, sizeof *day, err);
    int64_t *earliest = pc_arena_array(&eval->scratch, count, sizeof *earliest, err);
    int64_t *reason = pc_arena_array(&eval->scratch, count, sizeof *reason, err);
    if (day == NULL || earliest == NULL || reason == NULL) return PC_NO_MEMORY;
    for (size_t row = 0; row < count; row++) {
        keep[row] = 1;
        earliest[row] = PC_OPEN;
        reason[row] = PC_NULL;
    }
    for (int i = 0; i < def->exit_count; i++) {
        const pc_exit *leave = &def->exit[i];
        int64_t word = 0;
        PC_TRY(pc_words_add(&eval->words, pc_span_of(leave->reason), &word, err));
        PC_TRY(find_days(eval, node, leave, keep, day, err));
        for (size_t row = 0; row < count; row++) {
            // A record without end cannot be counted from.
            if (day[row] == PC_OPEN && leave->look == NULL) keep[row] = 0;
            if (day[row] == PC_NULL || day[row] >= earliest[row]) continue;
            earliest[row] = day[row];
            reason[row] = word;
        }
    }
    int64_t study_end = 0;
    PC_TRY(pc_words_add(&eval->words, pc_span_of("study_end"), &study_end, err));
    for (size_t row = 0; row < count; row++) {
        if (study->is_given && study->has_high && study->high < earliest[row]) {
            earliest[row] = study->high;
            reason[row] = study_end;
        }
        if (earliest[row] < records->column[PC_START][row]) keep[row] = 0;
    }
    const int column = def->typed->exit_reason;
    if (count > 0) memcpy(records->column[PC_END], earliest, count * sizeof *earliest);
    if (count > 0 && node->needed[column]) {
        memcpy(records->column[column], reason, count * sizeof *reason);
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

void pc_timeline_join(pc_node *node, uint8_t *keep)
{
    const pc_def *def = node->def;
    pc_records *records = &node->records;
    const int64_t *start = records->column[PC_START];
    int64_t *end = records->column[PC_END];
    int64_t *reason = def->typed->exit_reason < 0 ? NULL : records->column[def->typed->exit_reason];
    int64_t run = -1; // the record that its run is gathered in
    for (int64_t row = 0; row < records->count; row++) {
        keep[row] = 1;
        const bool is_same = run >= 0 && records->slot[run] == records->slot[row];
        if (is_same && (end[run] == PC_OPEN || def->gap == PC_GAP_ALL ||
                        start[row] <= end[run] + def->gap + 1)) {
            keep[row] = 0;
            if (end[row] <= end[run]) continue;
            end[run] = end[row];
            if (reason != NULL) reason[run] = reason[row];
        } else {
            run = row;
        }
    }
}
