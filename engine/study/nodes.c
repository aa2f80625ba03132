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
        pc_arena_array(nodes->arena, (size_t)def->require_count + 6, sizeof *node->step, err);
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
    if (def->exit_count > 0) node->step[node->step_count++].title = "exit not before the entry";
    if (def->gap != PC_GAP_NONE) node->step[node->step_count++].title = "joined";
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
    if (def->clip != NULL) PC_TRY(make_node(nodes, def->clip->def, NULL, 0, &node->clip, err));
    for (int i = 0; i < def->exit_count; i++) {
        const int looks = def->exit[i].look == NULL ? 0 : 1;
        PC_TRY(make_looked_at(nodes, &def->exit[i].look, looks, def, err));
    }
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

static pc_status make_refs(pc_nodes *nodes, pc_ref *const *ref, int count, pc_error *err)
{
    pc_node *node = NULL;
    for (int i = 0; i < count; i++) {
        PC_TRY(make_node(nodes, ref[i]->def, NULL, 0, &node, err));
    }
    return PC_OK;
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
        if (s->timeline != NULL) {
            PC_TRY(make_node(nodes, s->timeline->def, NULL, 0, &node, err));
        }
        PC_TRY(make_refs(nodes, s->of, s->of_count, err));
        PC_TRY(make_refs(nodes, s->split, s->split_count, err));
        if (s->in != NULL) PC_TRY(make_node(nodes, s->in->def, NULL, 0, &node, err));
    }
    for (int i = 0; i < study->export_count; i++) {
        const pc_export *one = &study->exports[i];
        PC_TRY(make_node(nodes, one->timeline->def, NULL, 0, &node, err));
        PC_TRY(make_refs(nodes, one->split, one->split_count, err));
        PC_TRY(make_refs(nodes, one->outcome, one->outcome_count, err));
        PC_TRY(make_refs(nodes, one->feature, one->feature_count, err));
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
    pc_nodes_phase(nodes);
    pc_nodes_need(nodes);
    find_order(nodes);
    for (int i = 0; i < nodes->count; i++) {
        const int observed = model->person.observation_table;
        if (nodes->node[i]->def->kind == PC_DEF_OBSERVATION && observed >= 0) {
            nodes->tables[observed] = true;
        }
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
        pc_buffer_release(&node->match_items);
        pc_buffer_release(&node->match_members);
        for (int k = 0; node->word_state != NULL && k <= node->here_count; k++) {
            pc_buffer_release(&node->word_state[k]);
        }
    }
}
