// The table of each statistic, as the release gate takes it.
#include "sheet.h"

static pc_status attrition_result(const pc_results *results, const pc_statistic_state *state,
                                  pc_arena *arena, pc_result *out, pc_error *err)
{
    enum { STEP, RECORDS, PATIENTS, RECORDS_LOST, PATIENTS_LOST, TOUCHED, COLUMNS };
    const pc_node *node = state->subject;
    const int64_t row_count = node->step_count;
    pc_words *words = &results->eval->words;
    pc_sheet s;
    PC_TRY(pc_sheet_open(&s, arena, 6, row_count, err));
    int64_t *number[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_sheet_numbers(&s, err);
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
    PC_TRY(pc_sheet_add(&s, "step", PC_INT, 0, number[STEP], NULL, err));
    PC_TRY(pc_sheet_add_texts(&s, "title", title, words->dict, err));
    static const char *const name[] = {"records", "patients", "records_lost", "patients_lost"};
    static const int behind[] = {PATIENTS, PATIENTS, TOUCHED, PATIENTS_LOST};
    for (int i = 0; i < 4; i++) {
        PC_TRY(pc_sheet_add(&s, name[i], PC_INT, 0, number[RECORDS + i], number[behind[i]], err));
    }
    pc_sheet_close(&s, out);
    return PC_OK;
}

pc_status pc_statistic_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err)
{
    switch (state->statistic->kind) {
        case PC_STAT_COUNT:
            return pc_count_result(results, state, arena, out, err);
        case PC_STAT_PREVALENCE:
            return pc_prevalence_result(results, state, arena, out, err);
        case PC_STAT_INCIDENCE:
            return pc_incidence_result(results, state, arena, out, err);
        case PC_STAT_SURVIVAL:
            return pc_survival_result(results, state, arena, out, err);
        case PC_STAT_SUMMARY:
            return pc_summary_result(results, state, arena, out, err);
        case PC_STAT_OVERLAP:
            return pc_overlap_result(results, state, arena, out, err);
        default:
            return attrition_result(results, state, arena, out, err);
    }
}
