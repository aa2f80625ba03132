// Statistics of a study: counted block by block, merged over ranks.
#include "parcours/function.h"
#include "results.h"
#include <string.h>

/** Keys that a verb adds behind `by`. */
static int extra_keys(pc_statistic_kind kind, pc_record_column out[3])
{
    const pc_record_column number = {.name = "", .type = PC_INT, .system = -1};
    const pc_record_column text = {.name = "", .type = PC_TEXT, .system = -1};
    for (int i = 0; i < 3; i++)
        out[i] = number;
    switch (kind) {
        case PC_STAT_SURVIVAL: // day, why
        case PC_STAT_OVERLAP:  // the two timelines
            return 2;
        case PC_STAT_SUMMARY: // which measure, its number, its text
            out[2] = text;
            return 3;
        default:
            return 0;
    }
}

static pc_status find_nodes(pc_results *results, pc_ref *const *ref, int count,
                            const pc_node ***out, pc_error *err)
{
    *out = pc_arena_array(&results->eval->run_arena, (size_t)count + 1, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++)
        (*out)[i] = pc_node_of(results->nodes, ref[i]->def);
    return PC_OK;
}

/** The tallies' keys: groups have `by` and the verb's own, all records together only the latter. */
static void open_tallies(pc_results *results, pc_statistic_state *state, int extra, int which)
{
    const int by_count = state->statistic->by_count;
    pc_words *words = &results->eval->words;
    pc_tally *groups = &state->tally[which], *all = &state->tally[which + 1];
    // Keys of classes are numbers, as those behind `by` of the verbs that have classes.
    pc_tally_open(groups, state->key, by_count + extra, words, results->budget);
    pc_tally_open(all, state->key + by_count, extra, words, results->budget);
    groups->extra_count = all->extra_count = extra;
}

static pc_status open_statistic(pc_results *results, const pc_statistic *statistic,
                                pc_statistic_state *state, pc_error *err)
{
    pc_arena *arena = &results->eval->run_arena;
    const pc_ref *subject = pc_statistic_subject(statistic);
    const pc_ref *other = statistic->kind == PC_STAT_COUNT ? statistic->in : statistic->timeline;
    state->statistic = statistic;
    state->subject = subject == NULL ? NULL : pc_node_of(results->nodes, subject->def);
    state->other = other == NULL ? NULL : pc_node_of(results->nodes, other->def);
    PC_TRY(find_nodes(results, statistic->of, statistic->of_count, &state->of, err));
    PC_TRY(find_nodes(results, statistic->split, statistic->split_count, &state->split, err));
    state->key = pc_arena_array(arena, (size_t)statistic->by_count + 3, sizeof *state->key, err);
    if (state->key == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < statistic->by_count; i++) {
        const pc_expr *expr = statistic->bound[i].expr;
        state->key[i] = (pc_record_column){
            .name = statistic->by[i].text, .type = expr->type, .scale = expr->scale, .system = -1};
    }
    state->extra_count = extra_keys(statistic->kind, state->key + statistic->by_count);
    open_tallies(results, state, state->extra_count, PC_GROUPS);
    open_tallies(results, state, 2, PC_CLASSES);
    pc_tally_counts *counts = NULL;
    return state->extra_count > 0 ? PC_OK
                                  : pc_tally_find(&state->tally[PC_ALL], NULL, &counts, err);
}

static pc_status open_cohort(pc_results *results, const pc_node *node,
                             pc_cohort_rows_of_rank *cohort, pc_error *err)
{
    const pc_record_schema *schema = &node->def->typed->out;
    cohort->node = node;
    cohort->rows.budget = cohort->pieces.budget = results->budget;
    pc_arena *arena = &results->eval->run_arena;
    const size_t most = (size_t)schema->count;
    cohort->attribute = pc_arena_array(arena, most, sizeof *cohort->attribute, err);
    cohort->type = pc_arena_array(arena, most, sizeof *cohort->type, err);
    if (cohort->attribute == NULL || cohort->type == NULL) return PC_NO_MEMORY;
    for (int i = PC_CODE_COLUMN; i < schema->count; i++) {
        const pc_type type = schema->column[i].type;
        if (i == PC_STAY_COLUMN || type == PC_NONE) continue;
        cohort->has_texts = cohort->has_texts || pc_type_is_text(type);
        cohort->row_bytes += type == PC_BOOL ? 1 : sizeof(int64_t);
        cohort->type[cohort->attribute_count] = type;
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
        for (int k = 0; k < PC_TALLIES; k++)
            pc_tally_close(&results->statistic[i].tally[k]);
    }
    for (int i = 0; i < results->cohort_count; i++) {
        pc_buffer_release(&results->cohort[i].rows);
        pc_buffer_release(&results->cohort[i].pieces);
    }
    *results = (pc_results){0};
}

static pc_status add_statistic(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    switch (state->statistic->kind) {
        case PC_STAT_COUNT:
        case PC_STAT_PREVALENCE:
            return pc_count_add(results, state, err);
        case PC_STAT_INCIDENCE:
            return pc_incidence_add(results, state, err);
        case PC_STAT_SURVIVAL:
            return pc_survival_add(results, state, err);
        case PC_STAT_SUMMARY:
            return pc_summary_add(results, state, err);
        case PC_STAT_OVERLAP:
            return pc_overlap_add(results, state, err);
        default:
            return PC_OK; // an attrition is counted with its cohort
    }
}

pc_status pc_results_add(pc_results *results, int shard, pc_error *err)
{
    for (int i = 0; i < results->statistic_count; i++) {
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
        for (int k = 0; k < PC_TALLIES; k++) {
            PC_TRY(pc_tally_pack(&results->statistic[i].tally[k], out, err));
        }
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
        for (int k = 0; k < PC_TALLIES; k++) {
            PC_TRY(pc_tally_merge(&results->statistic[i].tally[k], other, &at, err));
        }
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
