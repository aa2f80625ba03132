// Statistics of a study: counted block by block, merged over ranks.
#include "results.h"
#include <string.h>

static pc_status open_statistic(pc_results *results, const pc_statistic *statistic,
                                pc_statistic_state *state, pc_error *err)
{
    pc_arena *arena = &results->eval->run_arena;
    const bool is_prevalence = statistic->kind == PC_STAT_PREVALENCE;
    const pc_ref *subject = is_prevalence ? statistic->in : statistic->timeline;
    const pc_ref *other = is_prevalence ? statistic->timeline : statistic->in;
    state->statistic = statistic;
    state->subject = pc_node_of(results->nodes, subject->def);
    state->other = other == NULL ? NULL : pc_node_of(results->nodes, other->def);
    state->key = pc_arena_array(arena, (size_t)statistic->by_count + 1, sizeof *state->key, err);
    if (state->key == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < statistic->by_count; i++) {
        const pc_expr *expr = statistic->bound[i].expr;
        state->key[i] = (pc_record_column){
            .name = statistic->by[i].text, .type = expr->type, .scale = expr->scale, .system = -1};
    }
    pc_tally_open(&state->groups, state->key, statistic->by_count, &results->eval->words,
                  results->budget);
    pc_tally_open(&state->all, state->key, 0, &results->eval->words, results->budget);
    pc_tally_counts *counts = NULL;
    return pc_tally_find(&state->all, NULL, &counts, err);
}

static pc_status open_cohort(pc_results *results, const pc_node *node,
                             pc_cohort_rows_of_rank *cohort, pc_error *err)
{
    const pc_record_schema *schema = &node->def->typed->out;
    cohort->node = node;
    cohort->rows.budget = cohort->pieces.budget = results->budget;
    cohort->attribute = pc_arena_array(&results->eval->run_arena, (size_t)schema->count,
                                       sizeof *cohort->attribute, err);
    if (cohort->attribute == NULL) return PC_NO_MEMORY;
    for (int i = PC_CODE_COLUMN; i < schema->count; i++) {
        if (i == PC_STAY_COLUMN || schema->column[i].type == PC_NONE) continue;
        cohort->attribute[cohort->attribute_count++] = i;
    }
    return PC_OK;
}

pc_status pc_results_open(pc_results *results, pc_block_eval *eval, pc_error *err)
{
    const pc_study *study = eval->nodes->study;
    *results =
        (pc_results){.study = study, .nodes = eval->nodes, .eval = eval, .budget = eval->budget};
    results->statistic = pc_arena_array(&eval->run_arena, (size_t)study->statistic_count + 1,
                                        sizeof *results->statistic, err);
    results->cohort = pc_arena_array(&eval->run_arena, (size_t)eval->nodes->count + 1,
                                     sizeof *results->cohort, err);
    if (results->statistic == NULL || results->cohort == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < study->statistic_count; i++) {
        results->statistic_count++;
        PC_TRY(open_statistic(results, &study->statistic[i], &results->statistic[i], err));
    }
    for (int i = 0; i < eval->nodes->count; i++) {
        const pc_node *node = eval->nodes->node[i];
        if (node->def->kind != PC_DEF_COHORT || node->def->doc != study->doc[0]) continue;
        PC_TRY(open_cohort(results, node, &results->cohort[results->cohort_count++], err));
    }
    return PC_OK;
}

void pc_results_close(pc_results *results)
{
    for (int i = 0; i < results->statistic_count; i++) {
        pc_tally_close(&results->statistic[i].groups);
        pc_tally_close(&results->statistic[i].all);
    }
    for (int i = 0; i < results->cohort_count; i++) {
        pc_buffer_release(&results->cohort[i].rows);
        pc_buffer_release(&results->cohort[i].pieces);
    }
    *results = (pc_results){0};
}

/** Does a record of `there` in that slot hold a day of [start, end]. */
static bool touches(const pc_records *there, int32_t slot, int64_t start, int64_t end)
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
static bool is_counted(const pc_statistic_state *state, const pc_study *study, int64_t row)
{
    const pc_records *records = &state->subject->records;
    const int64_t start = records->column[PC_START][row];
    if (state->statistic->kind == PC_STAT_PREVALENCE) return true;
    if (state->other != NULL) {
        return touches(&state->other->records, records->slot[row], start, start);
    }
    const pc_pair *dates = &study->dates;
    if (state->subject->def->kind == PC_DEF_COHORT || !dates->is_given) return true;
    return (!dates->has_low || start >= dates->low) && (!dates->has_high || start <= dates->high);
}

static void add_to(pc_tally_counts *counts, const pc_statistic_state *state, int64_t slot,
                   int64_t row, bool has_event)
{
    const pc_records *records = &state->subject->records;
    counts->records++;
    if (counts->last_member != slot) {
        counts->last_member = slot;
        counts->population++;
    }
    if (has_event && counts->last_patient != slot) {
        counts->last_patient = slot;
        counts->patients++;
    }
    const int total = state->statistic->total_column;
    if (total >= 0 && records->column[total] != NULL && records->column[total][row] != PC_NULL) {
        counts->total += records->column[total][row];
    }
}

/** Counts records `from .. from + count - 1` of the subject; `key` holds their groups. */
static pc_status count_batch(pc_results *results, pc_statistic_state *state, const pc_records *key,
                             int64_t from, int count, pc_error *err)
{
    const pc_records *records = &state->subject->records;
    const bool is_prevalence = state->statistic->kind == PC_STAT_PREVALENCE;
    pc_tally_counts *all = NULL;
    PC_TRY(pc_tally_find(&state->all, NULL, &all, err));
    for (int i = 0; i < count; i++) {
        const int64_t row = from + i;
        if (!is_counted(state, results->study, row)) continue;
        const int64_t slot = results->slot_base + records->slot[row];
        const bool has_event =
            !is_prevalence || touches(&state->other->records, records->slot[row],
                                      records->column[PC_START][row], records->column[PC_END][row]);
        int64_t group[PC_STUDY_BY_MAX];
        for (int k = 0; k < key->column_count; k++)
            group[k] = key->column[k][i];
        pc_tally_counts *counts = NULL;
        PC_TRY(pc_tally_find(&state->groups, group, &counts, err));
        add_to(counts, state, slot, row, has_event);
        add_to(all, state, slot, row, has_event);
    }
    return PC_OK;
}

static pc_status add_statistic(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    static const bool needed[PC_STUDY_BY_MAX] = {true, true, true, true, true, true, true, true,
                                                 true, true, true, true, true, true, true, true};
    const pc_statistic *statistic = state->statistic;
    const pc_record_schema *schema = &state->subject->def->typed->out;
    const pc_records *records = &state->subject->records;
    pc_block_eval *eval = results->eval;
    for (int64_t from = 0; from < records->count; from += PC_BATCH_ROWS) {
        const int64_t left = records->count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_records key;
        PC_TRY(pc_records_open(&key, statistic->by_count, needed, &eval->scratch, err));
        PC_TRY(pc_records_reserve(&key, count, &eval->scratch, err));
        for (int k = 0; k < statistic->by_count; k++) {
            pc_column value;
            PC_TRY(pc_timeline_sql(eval, records, schema, &statistic->bound[k], from, count, &value,
                                   err));
            PC_TRY(pc_records_fill(&key, k, 0, &value, count, &eval->words, err));
        }
        PC_TRY(count_batch(results, state, &key, from, count, err));
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

pc_status pc_results_add(pc_results *results, int shard, pc_error *err)
{
    for (int i = 0; i < results->statistic_count; i++) {
        if (results->statistic[i].statistic->kind == PC_STAT_ATTRITION) continue;
        PC_TRY(add_statistic(results, &results->statistic[i], err));
    }
    for (int i = 0; i < results->cohort_count; i++) {
        PC_TRY(pc_cohort_rows_add(results, &results->cohort[i], shard, err));
    }
    results->slot_base += results->eval->slot_count;
    return PC_OK;
}

pc_status pc_results_pack(void *context, pc_buffer *out, pc_error *err)
{
    const pc_results *results = context;
    for (int i = 0; i < results->statistic_count; i++) {
        PC_TRY(pc_tally_pack(&results->statistic[i].groups, out, err));
        PC_TRY(pc_tally_pack(&results->statistic[i].all, out, err));
    }
    for (int i = 0; i < results->nodes->count; i++) {
        const pc_node *node = results->nodes->node[i];
        const int64_t left_out[] = {node->rows_without_day, node->rows_backwards,
                                    node->rows_without_supply};
        PC_TRY(pc_buffer_append(out, left_out, sizeof left_out, err));
        for (int k = 0; k < node->step_count; k++) {
            const pc_flow_step *step = &node->step[k];
            const int64_t counts[] = {step->records, step->patients, step->touched};
            PC_TRY(pc_buffer_append(out, counts, sizeof counts, err));
        }
    }
    return PC_OK;
}

static pc_status take_counts(pc_span in, size_t *at, int64_t *out, size_t count, pc_error *err)
{
    if (in.bytes - *at < count * sizeof *out) {
        return PC_FAIL(err, PC_BAD_INPUT, "a packed study state is cut short");
    }
    memcpy(out, in.data + *at, count * sizeof *out);
    *at += count * sizeof *out;
    return PC_OK;
}

pc_status pc_results_merge(void *context, pc_span other, pc_error *err)
{
    pc_results *results = context;
    size_t at = 0;
    for (int i = 0; i < results->statistic_count; i++) {
        PC_TRY(pc_tally_merge(&results->statistic[i].groups, other, &at, err));
        PC_TRY(pc_tally_merge(&results->statistic[i].all, other, &at, err));
    }
    for (int i = 0; i < results->nodes->count; i++) {
        pc_node *node = results->nodes->node[i];
        int64_t left_out[3];
        PC_TRY(take_counts(other, &at, left_out, 3, err));
        node->rows_without_day += left_out[0];
        node->rows_backwards += left_out[1];
        node->rows_without_supply += left_out[2];
        for (int k = 0; k < node->step_count; k++) {
            int64_t counts[3];
            PC_TRY(take_counts(other, &at, counts, 3, err));
            node->step[k].records += counts[0];
            node->step[k].patients += counts[1];
            node->step[k].touched += counts[2];
        }
    }
    return PC_OK;
}
