// `overlap`: patients of each timeline and of each pair.
#include "sheet.h"

/** Has the patient a record of the timeline: in the study's dates, or on a day of the cohort. */
static bool has_one(const pc_results *results, const pc_statistic_state *state, int which,
                    int32_t slot)
{
    const pc_records *records = &state->of[which]->records;
    const pc_pair *dates = &results->study->dates;
    const int64_t from = records->offset[slot], end = records->offset[slot + 1];
    if (state->subject == NULL) {
        const bool has_dates = dates->is_given && state->of[which]->def->kind != PC_DEF_COHORT;
        for (int64_t row = from; row < end; row++) {
            const int64_t start = records->column[PC_START][row];
            if (!has_dates || ((!dates->has_low || start >= dates->low) &&
                               (!dates->has_high || start <= dates->high))) {
                return true;
            }
        }
        return false;
    }
    const pc_records *cohort = &state->subject->records;
    for (int64_t row = cohort->offset[slot]; row < cohort->offset[slot + 1]; row++) {
        if (pc_records_touch(records, slot, cohort->column[PC_START][row],
                             cohort->column[PC_END][row])) {
            return true;
        }
    }
    return false;
}

pc_status pc_overlap_add(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    const int count = state->statistic->of_count;
    pc_block_eval *eval = results->eval;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    bool *has = pc_arena_array(&eval->scratch, (size_t)count, sizeof *has, err);
    if (has == NULL) return PC_NO_MEMORY;
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        if (!eval->is_person[slot]) continue;
        for (int i = 0; i < count; i++)
            has[i] = has_one(results, state, i, slot);
        for (int i = 0; i < count; i++) {
            for (int k = i; has[i] && k < count; k++) {
                if (!has[k]) continue;
                const int64_t pair[] = {i, k};
                pc_tally_counts *counts = NULL;
                PC_TRY(pc_tally_find(&state->tally[PC_ALL], pair, &counts, err));
                pc_tally_count(counts, results->slot_base + slot, 1, true, 0);
            }
        }
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

pc_status pc_overlap_result(const pc_results *results, const pc_statistic_state *state,
                            pc_arena *arena, pc_result *out, pc_error *err)
{
    const int count = state->statistic->of_count;
    pc_words *words = &results->eval->words;
    pc_group *group = NULL;
    int64_t groups = 0, row = 0, at = 0;
    PC_TRY(pc_statistic_groups(state, false, arena, &group, &groups, err));
    pc_sheet s;
    PC_TRY(pc_sheet_open(&s, arena, 3, (int64_t)count * (count + 1) / 2, err));
    uint32_t *text[2];
    for (int i = 0; i < 2; i++) {
        text[i] = pc_arena_array(arena, (size_t)s.row_count, sizeof **text, err);
        if (text[i] == NULL) return PC_NO_MEMORY;
    }
    int64_t *patients = pc_sheet_numbers(&s, err);
    if (patients == NULL) return PC_NO_MEMORY;
    // Pairs that were counted stand in this order too; nobody has the others.
    for (int i = 0; i < count; i++) {
        for (int k = i; k < count; k++, row++) {
            const int which[] = {i, k};
            for (int c = 0; c < 2; c++) {
                int64_t word = 0;
                PC_TRY(pc_words_add(words, pc_span_of(state->statistic->of[which[c]]->name), &word,
                                    err));
                text[c][row] = (uint32_t)word;
            }
            const int64_t *pair = at < group->count ? pc_group_extra(group, at) : NULL;
            if (pair == NULL || pair[0] != i || pair[1] != k) continue;
            patients[row] = pc_group_counts(group, at++)->patients;
        }
    }
    PC_TRY(pc_sheet_add_texts(&s, "timeline", text[0], words->dict, err));
    PC_TRY(pc_sheet_add_texts(&s, "other", text[1], words->dict, err));
    PC_TRY(pc_sheet_add(&s, "patients", PC_INT, 0, patients, patients, err));
    pc_sheet_close(&s, out);
    return PC_OK;
}
