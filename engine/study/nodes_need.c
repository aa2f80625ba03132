// Which columns of each node somebody reads.
#include "node.h"
#include <string.h>

/** Marks the record columns that SQL over the records of `node` reads. */
static void need_sql(pc_node *node, const pc_record_sql *sql)
{
    for (int i = 0; sql->expr != NULL && i < node->def->typed->out.count; i++) {
        node->needed[i] = node->needed[i] || sql->used[i];
    }
}

static void need_all(pc_node *node)
{
    for (int i = 0; i < node->def->typed->out.count; i++)
        node->needed[i] = true;
}

static void need_for_condition(pc_nodes *nodes, pc_node *node, const pc_condition *c)
{
    const pc_bound *bound = c->bound;
    for (int i = 0; i < c->child_count; i++)
        need_for_condition(nodes, node, c->child[i]);
    need_sql(node, &bound->sql);
    if (c->during != NULL) {
        pc_node *during = c->during->def == node->def ? node : pc_node_of(nodes, c->during->def);
        during->needed[PC_END] = true;
    }
    if (c->timeline == NULL) return;
    pc_node *there = pc_node_of(nodes, c->timeline->def);
    for (int i = 0; i < c->same.count; i++) {
        node->needed[bound->same_here[i]] = true;
        there->needed[bound->same_there[i]] = true;
    }
    for (int i = 0; i < c->different.count; i++) {
        node->needed[bound->different_here[i]] = true;
        there->needed[bound->different_there[i]] = true;
    }
    if (bound->distinct >= 0) there->needed[bound->distinct] = true;
    if (bound->take >= 0) there->needed[bound->take] = true;
    if (c->verb == PC_VERB_SUM) there->needed[PC_VALUE_COLUMN] = true;
    // Which of two equal days is first is decided by all columns: those behind the days.
    if ((c->verb == PC_VERB_FIRST || c->verb == PC_VERB_LAST) && bound->take > PC_END) {
        need_all(there);
    }
    if (c->verb == PC_VERB_DAYS_OF || c->verb == PC_VERB_SHARE_OF ||
        c->verb == PC_VERB_COVERED_BY) {
        there->needed[PC_END] = true;
    }
    for (int i = 0; i < c->window_count; i++) {
        if (c->window[i].part != PC_PART_START) there->needed[PC_END] = true;
        if (c->window[i].from_end) node->needed[PC_END] = true;
    }
}

/** Marks in the inputs what eras and runs of days are made from. */
static void need_of_spans(pc_node *node)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    if (node->clip != NULL) node->clip->needed[PC_END] = true;
    for (int k = 0; k < node->input_count; k++) {
        pc_node *input = node->input[k];
        const pc_record_schema *from = &input->def->typed->out;
        if (def->supply.text == NULL) input->needed[PC_END] = true;
        // Which delivery comes first decides what a limited carry moves.
        if (def->carry > 0 && def->carry != PC_CARRY_ALL) need_all(input);
        for (int i = 0; i < typed->in.count; i++) {
            bool is_used = typed->supply.expr != NULL && typed->supply.used[i];
            for (int p = 0; def->kind == PC_DEF_EXPOSURE && p < def->per.count; p++) {
                is_used = is_used || typed->per_in[p] == i;
            }
            const int column = is_used ? pc_record_find(from, typed->in.column[i].name) : -1;
            if (column >= 0) input->needed[column] = true;
        }
    }
}

/** Marks in the inputs what a node takes from them. */
static void need_of_inputs(pc_node *node)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    const pc_record_schema *in = &typed->in;
    if (def->kind != PC_DEF_EVENT && def->kind != PC_DEF_COHORT) {
        need_of_spans(node);
        return;
    }
    for (int k = 0; k < node->input_count; k++) {
        pc_node *input = node->input[k];
        const pc_record_schema *from = &input->def->typed->out;
        for (int i = 0; i < typed->out.count; i++) {
            if (!node->needed[i] || typed->from_in[i] < 0) continue;
            const int column = pc_record_find(from, typed->out.column[i].name);
            if (column >= 0) input->needed[column] = true;
        }
        const pc_record_sql *sql[] = {&typed->where, &typed->code, &typed->value, &typed->start,
                                      &typed->end};
        for (int s = 0; s < 5 + def->keep_count; s++) {
            const pc_record_sql *one = s < 5 ? sql[s] : &typed->keep[s - 5];
            if (one->expr == NULL || (s == 0 && node->where_is_pushed)) continue;
            if (s == 1 && !node->needed[PC_CODE_COLUMN]) continue;
            if (s == 2 && !node->needed[PC_VALUE_COLUMN]) continue;
            if (s >= 5 && !node->needed[typed->keep_column[s - 5]]) continue;
            for (int i = 0; i < in->count; i++) {
                const int column = one->used[i] ? pc_record_find(from, in->column[i].name) : -1;
                if (column >= 0) input->needed[column] = true;
            }
        }
    }
}

/** What a node needs of its own records, then of others. Users come first: from the last node. */
static void find_needed(pc_nodes *nodes, pc_node *node)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    if (def->apart >= 0 || def->pick != PC_PICK_ALL || def->entry_pick != PC_PICK_ALL) {
        need_all(node);
    }
    // The attributes of the first of several joined records: which is first.
    if (def->kind == PC_DEF_COHORT && def->gap != PC_GAP_NONE) need_all(node);
    for (int i = 0; i < def->exit_count; i++) {
        if (def->exit[i].look != NULL) need_for_condition(nodes, node, def->exit[i].look);
    }
    for (int i = 0; i < def->require_count; i++) {
        need_for_condition(nodes, node, def->require[i]);
    }
    for (int i = def->measure_count - 1; i >= 0; i--) {
        need_for_condition(nodes, node, def->measure[i]);
    }
    memcpy(node->needed_later, node->needed, (size_t)typed->out.count * sizeof *node->needed);
    need_sql(node, &typed->having);
    for (int i = 0; def->is_grouped && i < def->group.count; i++) {
        node->needed[typed->group[i]] = true;
    }
    for (int i = 0; i < node->here_count; i++) {
        if (node->here[i].filter.is_codes) {
            node->needed[PC_CODE_COLUMN] = true;
        } else {
            need_sql(node, &node->here[i].sql);
        }
    }
    const bool filters_codes = def->codes_count > 0 && !node->codes_are_pushed && def->table < 0;
    const bool finds_family = typed->family >= 0 && node->needed[typed->family];
    if (filters_codes || finds_family) node->needed[PC_CODE_COLUMN] = true;
    if (def->kind == PC_DEF_COHORT) node->needed[PC_END] = true;
    if (def->start.text != NULL && node->needed[PC_END]) node->needed[PC_START] = true;
    need_of_inputs(node);
}

static void need_ends(pc_nodes *nodes, pc_ref *const *ref, int count)
{
    for (int i = 0; i < count; i++)
        pc_node_of(nodes, ref[i]->def)->needed[PC_END] = true;
}

/** A query may ask for any column of its timelines. */
static void need_for_sql(pc_nodes *nodes, const pc_statistic *statistic)
{
    for (int i = 0; i < statistic->of_count; i++) {
        pc_node *node = pc_node_of(nodes, statistic->of[i]->def);
        const pc_record_schema *schema = &node->def->typed->out;
        for (int k = 0; k < schema->count; k++) {
            const bool is_shown = k != PC_STAY_COLUMN && schema->column[k].type != PC_NONE;
            node->needed[k] = node->needed[k] || is_shown;
        }
    }
}

static void need_for_statistics(pc_nodes *nodes)
{
    const pc_study *study = nodes->study;
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *s = &study->statistic[i];
        if (s->kind == PC_STAT_SQL) need_for_sql(nodes, s);
        const pc_ref *subject = pc_statistic_subject(s);
        pc_node *node = subject == NULL ? NULL : pc_node_of(nodes, subject->def);
        for (int k = 0; k < s->by_count; k++)
            need_sql(node, &s->bound[k]);
        if (s->total_column >= 0) node->needed[s->total_column] = true;
        for (int k = 0; k < s->measures.count; k++)
            node->needed[s->measure_column[k]] = true;
        const bool needs_end = s->kind == PC_STAT_PREVALENCE || s->kind == PC_STAT_INCIDENCE;
        if (needs_end) pc_node_of(nodes, s->timeline->def)->needed[PC_END] = true;
        need_ends(nodes, s->of, s->of_count);
        need_ends(nodes, s->split, s->split_count);
        if (s->in != NULL) pc_node_of(nodes, s->in->def)->needed[PC_END] = true;
    }
}

static void need_for_exports(pc_nodes *nodes)
{
    const pc_study *study = nodes->study;
    for (int i = 0; i < study->export_count; i++) {
        const pc_export *one = &study->exports[i];
        pc_node *node = pc_node_of(nodes, one->timeline->def);
        node->needed[PC_END] = true;
        for (int k = 0; k < one->column_count; k++)
            node->needed[one->column[k]] = true;
        need_ends(nodes, one->split, one->split_count);
        need_ends(nodes, one->outcome, one->outcome_count);
        need_ends(nodes, one->feature, one->feature_count);
        for (int k = 0; k < one->feature_count; k++) {
            pc_node *feature = pc_node_of(nodes, one->feature[k]->def);
            if (one->per_column[k] >= 0) feature->needed[one->per_column[k]] = true;
        }
    }
}

void pc_nodes_need(pc_nodes *nodes)
{
    // What a cohort's file holds: all but the number of the stay.
    for (int i = 0; i < nodes->count; i++) {
        pc_node *node = nodes->node[i];
        if (node->def->kind != PC_DEF_COHORT || node->def->doc != nodes->study->doc[0]) continue;
        for (int k = 0; k < node->def->typed->out.count; k++) {
            const bool is_kept =
                k != PC_STAY_COLUMN && node->def->typed->out.column[k].type != PC_NONE;
            node->needed[k] = node->needed[k] || is_kept;
        }
    }
    need_for_statistics(nodes);
    need_for_exports(nodes);
    for (int i = nodes->count - 1; i >= 0; i--)
        find_needed(nodes, nodes->node[i]);
}
