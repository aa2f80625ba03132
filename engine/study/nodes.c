// From definitions to nodes: order, predicates pushed down, columns that nobody needs left out.
#include "node.h"
#include <string.h>

pc_node *pc_node_of(const pc_nodes *nodes, const pc_def *def)
{
    for (int i = 0; i < nodes->count; i++) {
        if (nodes->node[i]->def == def && nodes->node[i]->filter_count == 0) return nodes->node[i];
    }
    return NULL;
}

static bool same_filters(const pc_node *node, const pc_filter *filter, int count)
{
    if (node->filter_count != count) return false;
    for (int i = 0; i < count; i++) {
        if (node->filter[i].by != filter[i].by || node->filter[i].is_codes != filter[i].is_codes) {
            return false;
        }
    }
    return true;
}

/** Does a column of the finished record of `def` have the same value in each record that a group or
 *  a measure made it from, so that filtering by it before or after is the same. */
static bool passes_through(const pc_def *def, int column)
{
    const pc_typed *typed = def->typed;
    if (column < 0) return true; // a column that this timeline lacks: null in all its records
    if (column == typed->family || column == typed->records) return false;
    for (int i = 0; i < def->measure_count; i++) {
        if (strcmp(typed->out.column[column].name, def->measure[i]->name) == 0) return false;
    }
    if (!def->is_grouped) return true;
    for (int i = 0; i < def->group.count; i++) {
        if (typed->group[i] == column) return true;
    }
    return false;
}

/** Can `filter` be evaluated inside `into`, over what its records are made from. */
static bool can_push(const pc_study *study, const pc_filter *filter, const pc_def *into)
{
    // A timeline with codes of its own is small: it is shared rather than made twice.
    if (into->kind != PC_DEF_EVENT || into->apart >= 0 || into->pick != PC_PICK_ALL ||
        into->codes_count > 0) {
        return false;
    }
    if (filter->is_codes) return passes_through(into, PC_CODE_COLUMN);
    const pc_record_schema *in = &filter->by->typed->in;
    const pc_record_sql *where = &filter->by->typed->where;
    const int count = pc_record_scope_count(in, &study->model->table[study->model->person_table]);
    for (int i = 0; i < count; i++) {
        if (!where->used[i]) continue;
        if (i >= in->count) return false; // age and person mean the finished record's first day
        if (!passes_through(into, pc_record_find(&into->typed->out, in->column[i].name))) {
            return false;
        }
    }
    return true;
}

/** Can `filter`, pushed into `def`, go on into what `def` is made from. */
static bool goes_on(const pc_filter *filter, const pc_def *def)
{
    const pc_typed *typed = def->typed;
    if (filter->is_codes) return typed->from_in[PC_CODE_COLUMN] >= 0;
    const pc_record_schema *in = &filter->by->typed->in;
    for (int i = 0; i < in->count; i++) {
        if (!filter->by->typed->where.used[i]) continue;
        const int column = pc_record_find(&typed->out, in->column[i].name);
        if (column >= 0 && typed->from_in[column] < 0) return false;
        if ((column == PC_START && def->start.text != NULL) ||
            (column == PC_END &&
             (def->end.text != NULL || def->end_is_open || def->start.text != NULL))) {
            return false;
        }
    }
    return true;
}

static pc_status make_node(pc_nodes *nodes, const pc_def *def, const pc_filter *filter, int count,
                           pc_node **out, pc_error *err);

/** Binds a filter over the records of the node that evaluates it. */
static pc_status add_here(pc_nodes *nodes, pc_node *node, const pc_filter *filter, pc_error *err)
{
    pc_node_filter *here = &node->here[node->here_count++];
    here->filter = *filter;
    if (filter->is_codes) return PC_OK;
    const pc_record_schema *out = &node->def->typed->out, *in = &filter->by->typed->in;
    pc_record_schema *all = pc_arena_take(nodes->arena, sizeof *all, err);
    if (all == NULL) return PC_NO_MEMORY;
    all->column =
        pc_arena_array(nodes->arena, (size_t)(out->count + in->count), sizeof *all->column, err);
    if (all->column == NULL) return PC_NO_MEMORY;
    memcpy(all->column, out->column, (size_t)out->count * sizeof *all->column);
    all->count = out->count;
    // Names that other members of the filter's list have: null here.
    for (int i = PC_ATTRIBUTE; i < in->count; i++) {
        if (pc_record_find(out, in->column[i].name) >= 0) continue;
        all->column[all->count] = in->column[i];
        all->column[all->count++].type = PC_NONE;
    }
    pc_record_scope scope;
    pc_record_scope_open(&scope, nodes->study, filter->by->doc, all, nodes->arena);
    return pc_record_bind(&scope, &filter->by->where, PC_BOOL, &here->sql, err);
}

/** Pushes what can be pushed into the inputs; the rest is evaluated here. */
static pc_status make_inputs(pc_nodes *nodes, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    pc_filter all[PC_NODE_FILTER_MAX + 2];
    bool everywhere[PC_NODE_FILTER_MAX + 2];
    int count = 0;
    const bool is_event = def->kind == PC_DEF_EVENT;
    const int own_where = is_event && def->where.text != NULL ? count : -1;
    if (own_where >= 0) all[count++] = (pc_filter){def, false};
    const bool has_codes = is_event && def->codes_count > 0 && def->code.text == NULL;
    const int own_codes = has_codes ? count : -1;
    if (own_codes >= 0) all[count++] = (pc_filter){def, true};
    const int own = count;
    for (int i = 0; i < node->filter_count; i++)
        all[count++] = node->filter[i];
    for (int i = 0; i < count; i++)
        everywhere[i] = i < own || goes_on(&all[i], def);
    node->input = pc_arena_array(nodes->arena, (size_t)def->from_count, sizeof *node->input, err);
    node->here = pc_arena_array(nodes->arena, (size_t)count + 1, sizeof *node->here, err);
    if (node->input == NULL || node->here == NULL) return PC_NO_MEMORY;
    for (int k = 0; k < def->from_count; k++) {
        const pc_def *from = def->from[k]->def;
        pc_filter pushed[PC_NODE_FILTER_MAX];
        int pushed_count = 0;
        for (int i = 0; i < count; i++) {
            const bool may_go = i < own || goes_on(&all[i], def);
            if (may_go && pushed_count < PC_NODE_FILTER_MAX &&
                can_push(nodes->study, &all[i], from)) {
                pushed[pushed_count++] = all[i];
            } else {
                everywhere[i] = false;
            }
        }
        PC_TRY(make_node(nodes, from, pushed, pushed_count, &node->input[k], err));
        node->input_count++;
    }
    node->where_is_pushed = own_where >= 0 && everywhere[own_where];
    node->codes_are_pushed = own_codes >= 0 && everywhere[own_codes];
    for (int i = own; i < count; i++) {
        if (!everywhere[i]) PC_TRY(add_here(nodes, node, &all[i], err));
    }
    return PC_OK;
}

static pc_status make_looked_at(pc_nodes *nodes, pc_condition *const *condition, int count,
                                const pc_def *anchor, pc_error *err)
{
    pc_node *node = NULL;
    for (int i = 0; i < count; i++) {
        const pc_condition *c = condition[i];
        if (c->timeline != NULL) {
            PC_TRY(make_node(nodes, c->timeline->def, NULL, 0, &node, err));
        }
        if (c->during != NULL && c->during->def != anchor) {
            PC_TRY(make_node(nodes, c->during->def, NULL, 0, &node, err));
        }
        PC_TRY(make_looked_at(nodes, c->child, c->child_count, anchor, err));
    }
    return PC_OK;
}

static pc_status append_node(pc_nodes *nodes, pc_node *node, pc_error *err)
{
    if (nodes->count == nodes->capacity) {
        const int capacity = nodes->capacity == 0 ? 32 : 2 * nodes->capacity;
        pc_node **list = pc_arena_array(nodes->arena, (size_t)capacity, sizeof *list, err);
        if (list == NULL) return PC_NO_MEMORY;
        if (nodes->count > 0) memcpy(list, nodes->node, (size_t)nodes->count * sizeof *list);
        nodes->node = list;
        nodes->capacity = capacity;
    }
    node->number = nodes->count;
    nodes->node[nodes->count++] = node;
    return PC_OK;
}

/** The steps of a cohort's flow, in the order in which eval_given.c takes them. */
static pc_status make_steps(pc_nodes *nodes, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    static const char *const pick_title[] = {"", "first of each patient", "last of each patient"};
    node->step =
        pc_arena_array(nodes->arena, (size_t)def->require_count + 4, sizeof *node->step, err);
    if (node->step == NULL) return PC_NO_MEMORY;
    node->step[node->step_count++].title = "entry";
    if (def->entry_dates.is_given) node->step[node->step_count++].title = "within the dates";
    if (def->entry_pick != PC_PICK_ALL) {
        node->step[node->step_count++].title = pick_title[def->entry_pick];
    }
    for (int i = 0; i < def->require_count; i++) {
        const pc_condition *c = def->require[i];
        node->step[node->step_count++].title = c->title != NULL ? c->title : c->path;
    }
    if (def->pick != PC_PICK_ALL) node->step[node->step_count++].title = pick_title[def->pick];
    return PC_OK;
}

static pc_status make_node(pc_nodes *nodes, const pc_def *def, const pc_filter *filter, int count,
                           pc_node **out, pc_error *err)
{
    for (int i = 0; i < nodes->count; i++) {
        if (nodes->node[i]->def == def && same_filters(nodes->node[i], filter, count)) {
            *out = nodes->node[i];
            return PC_OK;
        }
    }
    pc_node *node = pc_arena_take(nodes->arena, sizeof *node, err);
    if (node == NULL) return PC_NO_MEMORY;
    node->def = def;
    node->stay_at = -1;
    node->filter_count = count;
    if (count > 0) memcpy(node->filter, filter, (size_t)count * sizeof *filter);
    node->needed =
        pc_arena_array(nodes->arena, (size_t)def->typed->out.count, sizeof *node->needed, err);
    node->needed_later = pc_arena_array(nodes->arena, (size_t)def->typed->out.count,
                                        sizeof *node->needed_later, err);
    if (node->needed == NULL || node->needed_later == NULL) return PC_NO_MEMORY;
    node->needed[PC_START] = true;
    if (def->from_count > 0) PC_TRY(make_inputs(nodes, node, err));
    if (def->kind == PC_DEF_COHORT) PC_TRY(make_steps(nodes, node, err));
    PC_TRY(make_looked_at(nodes, def->measure, def->measure_count, def, err));
    PC_TRY(make_looked_at(nodes, def->require, def->require_count, def, err));
    node->word_state =
        pc_arena_array(nodes->arena, (size_t)node->here_count + 1, sizeof *node->word_state, err);
    if (node->word_state == NULL) return PC_NO_MEMORY;
    for (int i = 0; i <= node->here_count; i++)
        node->word_state[i].budget = nodes->arena->budget;
    *out = node;
    return append_node(nodes, node, err);
}

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
    // Which of two equal days is first is decided by all columns.
    if (c->verb == PC_VERB_FIRST || c->verb == PC_VERB_LAST) {
        if (bound->take >= 0) need_all(there);
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

/** Marks in the inputs what a node takes from them. */
static void need_of_inputs(pc_node *node)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    const pc_record_schema *in = &typed->in;
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

static void need_for_statistics(pc_nodes *nodes)
{
    const pc_study *study = nodes->study;
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *s = &study->statistic[i];
        const pc_ref *subject = s->kind == PC_STAT_PREVALENCE ? s->in : s->timeline;
        pc_node *node = pc_node_of(nodes, subject->def);
        for (int k = 0; k < s->by_count; k++)
            need_sql(node, &s->bound[k]);
        if (s->total_column >= 0) node->needed[s->total_column] = true;
        if (s->kind == PC_STAT_PREVALENCE) {
            pc_node_of(nodes, s->timeline->def)->needed[PC_END] = true;
        }
        if (s->in != NULL) pc_node_of(nodes, s->in->def)->needed[PC_END] = true;
    }
}

static pc_status make_all(pc_nodes *nodes, pc_error *err)
{
    const pc_study *study = nodes->study;
    pc_node *node = NULL;
    for (const pc_def *def = study->doc[0]->defs; def != NULL; def = def->next) {
        if (def->kind != PC_DEF_COHORT) continue;
        PC_TRY(make_node(nodes, def, NULL, 0, &node, err));
    }
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *s = &study->statistic[i];
        PC_TRY(make_node(nodes, s->timeline->def, NULL, 0, &node, err));
        if (s->in != NULL) PC_TRY(make_node(nodes, s->in->def, NULL, 0, &node, err));
    }
    return PC_OK;
}

/** Nodes that are only merged into timelines of several, or grouped, are put in order there. */
static void find_order(pc_nodes *nodes)
{
    for (int i = 0; i < nodes->count; i++) {
        const pc_node *node = nodes->node[i];
        nodes->node[i]->has_order = node->has_order || node->def->kind != PC_DEF_EVENT ||
                                    node->filter_count == 0 || node->def->apart >= 0 ||
                                    node->def->pick != PC_PICK_ALL || node->def->table < 0;
    }
    for (int i = 0; i < nodes->count; i++) {
        const pc_node *user = nodes->node[i];
        for (int k = 0; user->input_count == 1 && k < user->input_count; k++) {
            user->input[k]->has_order = true;
        }
    }
}

pc_status pc_nodes_open(pc_nodes *nodes, pc_loader *loader, const pc_catalog *catalog,
                        pc_budget *budget, pc_error *err)
{
    *nodes = (pc_nodes){.study = loader->study,
                        .catalog = catalog,
                        .arena = loader->study->arena,
                        .loader = loader};
    const pc_model *model = catalog->model;
    PC_TRY(make_all(nodes, err));
    nodes->tables = pc_arena_array(nodes->arena, (size_t)model->table_count, sizeof(bool), err);
    if (nodes->tables == NULL) return PC_NO_MEMORY;
    nodes->tables[model->person_table] = true;
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
    for (int i = nodes->count - 1; i >= 0; i--)
        find_needed(nodes, nodes->node[i]);
    find_order(nodes);
    for (int i = 0; i < nodes->count; i++) {
        if (nodes->node[i]->def->table < 0) continue;
        PC_TRY(pc_node_open_table(nodes, nodes->node[i], budget, err));
        if (nodes->node[i]->scan != NULL) pc_scan_tables(nodes->node[i]->scan, nodes->tables);
    }
    return PC_OK;
}

void pc_nodes_close(pc_nodes *nodes)
{
    for (int i = 0; i < nodes->count; i++) {
        pc_node *node = nodes->node[i];
        pc_scan_close(node->scan);
        node->scan = NULL;
        for (int k = 0; node->word_state != NULL && k <= node->here_count; k++) {
            pc_buffer_release(&node->word_state[k]);
        }
    }
}
