/** A plan as indented text, for explain: the last node first. */
#include <assert.h>
#include "plan_private.h"

static pc_status print_exprs(const pc_expr *const *x, int count, const pc_schema *in,
                             pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < count; i++) {
        if (i > 0) PC_TRY(pc_buffer_print(out, err, ", "));
        PC_TRY(pc_expr_print(x[i], in, out, err));
    }
    return PC_OK;
}

static pc_status print_aggregate(const pc_aggregate *a, const pc_schema *in, pc_buffer *out,
                                 pc_error *err)
{
    // clang-format off
    static const char *const name[] = {
        [PC_COUNT_ROWS] = "count(*)", [PC_COUNT] = "count", [PC_COUNT_DISTINCT] = "count(DISTINCT)",
        [PC_COUNT_PATIENTS] = "count(DISTINCT patient)", [PC_SUM] = "sum", [PC_AVG] = "avg",
        [PC_MIN] = "min", [PC_MAX] = "max", [PC_VAR_POP] = "var_pop", [PC_VAR_SAMP] = "var_samp",
        [PC_STDDEV_POP] = "stddev_pop", [PC_STDDEV_SAMP] = "stddev_samp",
        [PC_PERCENTILE_CONT] = "percentile_cont", [PC_PERCENTILE_DISC] = "percentile_disc",
        [PC_MODE] = "mode", [PC_STRING_AGG] = "string_agg",
        [PC_APPROX_DISTINCT] = "approx_count_distinct",
        [PC_APPROX_PERCENTILE] = "approx_percentile"};
    // clang-format on
    PC_TRY(
        pc_buffer_print(out, err, "%s%s", name[a->function], a->is_distinct ? "(DISTINCT)" : ""));
    if (a->fraction > 0) PC_TRY(pc_buffer_print(out, err, "(%g)", a->fraction));
    if (a->arg != NULL) {
        PC_TRY(pc_buffer_print(out, err, " of "));
        PC_TRY(pc_expr_print(a->arg, in, out, err));
    }
    if (a->filter != NULL) {
        PC_TRY(pc_buffer_print(out, err, " where "));
        PC_TRY(pc_expr_print(a->filter, in, out, err));
    }
    return PC_OK;
}

static pc_status print_sort(const pc_plan *plan, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "sort by "));
    for (int i = 0; i < plan->of.sort.key_count; i++) {
        const pc_sort_key *key = &plan->of.sort.key[i];
        PC_TRY(pc_buffer_print(out, err, "%s%s%s, ", plan->schema.field[key->column].name,
                               key->descending ? " DESC" : "",
                               key->nulls_first ? " NULLS FIRST" : ""));
    }
    PC_TRY(pc_buffer_print(out, err, "all columns"));
    if (plan->of.sort.limit >= 0) {
        PC_TRY(pc_buffer_print(out, err, ", limit %lld", (long long)plan->of.sort.limit));
    }
    if (plan->of.sort.offset > 0) {
        PC_TRY(pc_buffer_print(out, err, ", offset %lld", (long long)plan->of.sort.offset));
    }
    return PC_OK;
}

static const char *attach_name(pc_attach attach)
{
    switch (attach) {
        case PC_ATTACH_DRIVE:
            return "every row";
        case PC_ATTACH_PERSON:
            return "its person";
        case PC_ATTACH_PARENT:
            return "its parent row, by link";
        case PC_ATTACH_COMPANION:
            return "its companion row, by link";
        case PC_ATTACH_REFERENCE:
            return "look-up by code";
        case PC_ATTACH_PATIENT:
            return "rows of the same patient, by slot";
        case PC_ATTACH_CHILDREN:
            return "rows of the same parent, by link";
    }
    return "";
}

static pc_status print_scan(const pc_scan_plan *scan, const pc_catalog *catalog, int indent,
                            pc_buffer *out, pc_error *err)
{
    static const char *const join[] = {"inner", "left", "semi", "anti"};
    const pc_schema schema = {scan->column_count, scan->field};
    bool used[PC_SQL_SOURCES * PC_SQL_OUTPUTS];
    assert(scan->column_count <= PC_SQL_SOURCES * PC_SQL_OUTPUTS);
    pc_scan_plan_used(scan, used);
    PC_TRY(pc_buffer_print(out, err, "scan\n"));
    for (int r = 0; r < scan->relation_count; r++) {
        const pc_scan_relation *it = &scan->relation[r];
        PC_TRY(pc_buffer_print(out, err, "%*s%s: %s%s%s; columns:", indent + 2, "",
                               catalog->model->table[it->table].name, attach_name(it->attach),
                               r == 0 ? "" : ", ", r == 0 ? "" : join[it->join]));
        for (int c = 0; c < scan->column_count; c++) {
            if (scan->column[c].relation != r || !used[c]) continue;
            PC_TRY(pc_buffer_print(out, err, " %s", scan->field[c].name));
        }
        if (it->on != NULL) {
            PC_TRY(pc_buffer_print(out, err, "; on "));
            PC_TRY(pc_expr_print(it->on, &schema, out, err));
        }
        PC_TRY(pc_buffer_print(out, err, "\n"));
    }
    for (int f = 0; f < scan->filter_count; f++) {
        PC_TRY(pc_buffer_print(out, err, "%*sfilter ", indent + 2, ""));
        PC_TRY(pc_expr_print(scan->filter[f], &schema, out, err));
        PC_TRY(pc_buffer_print(out, err, "\n"));
    }
    return PC_OK;
}

static pc_status print_join(const pc_plan *plan, pc_buffer *out, pc_error *err)
{
    static const char *const name[] = {"inner", "left", "semi", "anti", "mark"};
    const pc_schema *in = &plan->input->schema;
    const pc_schema *build = &plan->of.join.build->schema;
    PC_TRY(pc_buffer_print(out, err, "join (%s%s%s)", name[plan->of.join.join],
                           plan->of.join.within_slot   ? ", within slots"
                           : plan->of.join.within_part ? ", within parts"
                                                       : "",
                           plan->of.join.null_aware ? ", nulls make it unknown" : ""));
    for (int i = 0; i < plan->of.join.key_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s%s = %s", i == 0 ? " by " : ", ",
                               in->field[plan->of.join.key[i]].name,
                               build->field[plan->of.join.build_key[i]].name));
    }
    if (plan->of.join.on == NULL) return PC_OK;
    pc_arena arena = {0};
    const int count = in->field_count + build->field_count;
    pc_field *both = pc_arena_array(&arena, (size_t)count + 1, sizeof *both, err);
    pc_status status = both == NULL ? PC_NO_MEMORY : pc_buffer_print(out, err, " on ");
    for (int i = 0; i < count && status == PC_OK; i++) {
        both[i] = i < in->field_count ? in->field[i] : build->field[i - in->field_count];
    }
    const pc_schema schema = {count, both};
    if (status == PC_OK) status = pc_expr_print(plan->of.join.on, &schema, out, err);
    pc_arena_reset(&arena);
    return status;
}

static pc_status print_window(const pc_plan *plan, const pc_schema *in, pc_buffer *out,
                              pc_error *err)
{
    static const char *const name[] = {"row_number",  "rank",       "dense_rank", "percent_rank",
                                       "cume_dist",   "ntile",      "lag",        "lead",
                                       "first_value", "last_value", "nth_value"};
    PC_TRY(pc_buffer_print(out, err, "window%s by", plan->by_slot ? " within slots" : ""));
    for (int i = 0; i < plan->of.window.partition_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s %s", i == 0 ? "" : ",",
                               in->field[plan->of.window.partition[i]].name));
    }
    for (int i = 0; i < plan->of.window.order_count; i++) {
        const pc_sort_key *key = &plan->of.window.order[i];
        PC_TRY(pc_buffer_print(out, err, "%s %s%s", i == 0 ? " order by" : ",",
                               in->field[key->column].name, key->descending ? " DESC" : ""));
    }
    for (int i = 0; i < plan->of.window.call_count; i++) {
        const pc_window_call *call = &plan->of.window.call[i];
        PC_TRY(pc_buffer_print(out, err, i == 0 ? ": " : ", "));
        if (call->function == PC_WINDOW_AGGREGATE) {
            PC_TRY(print_aggregate(&call->aggregate, in, out, err));
            continue;
        }
        PC_TRY(pc_buffer_print(out, err, "%s", name[call->function]));
        if (call->arg == NULL) continue;
        PC_TRY(pc_buffer_print(out, err, " of "));
        PC_TRY(pc_expr_print(call->arg, in, out, err));
    }
    return PC_OK;
}

static pc_status print_node(const pc_plan *plan, pc_buffer *out, pc_error *err)
{
    const pc_schema *in = plan->input == NULL ? NULL : &plan->input->schema;
    const char *within = plan->by_slot ? " within slots" : "";
    switch (plan->kind) {
        case PC_PLAN_FILTER:
            PC_TRY(pc_buffer_print(out, err, "filter "));
            return pc_expr_print(plan->of.filter.predicate, in, out, err);
        case PC_PLAN_PROJECT:
            PC_TRY(pc_buffer_print(out, err, "project "));
            return print_exprs(plan->of.project.expr, plan->of.project.expr_count, in, out, err);
        case PC_PLAN_AGGREGATE:
            PC_TRY(pc_buffer_print(out, err, "aggregate%s by ", within));
            PC_TRY(print_exprs(plan->of.aggregate.key, plan->of.aggregate.key_count, in, out, err));
            for (int i = 0; i < plan->of.aggregate.aggregate_count; i++) {
                PC_TRY(pc_buffer_print(out, err, i == 0 ? ": " : ", "));
                PC_TRY(print_aggregate(&plan->of.aggregate.aggregate[i], in, out, err));
            }
            return PC_OK;
        case PC_PLAN_HIDE:
            PC_TRY(pc_buffer_print(out, err, "hide aggregates of 1 to %lld patients: ",
                                   (long long)plan->of.hide.most));
            return pc_expr_print(plan->of.hide.patients, in, out, err);
        case PC_PLAN_WINDOW:
            return print_window(plan, in, out, err);
        case PC_PLAN_SORT:
            if (plan->of.sort.first_of > 0) {
                PC_TRY(pc_buffer_print(out, err, "first row%s of each %d keys, ", within,
                                       plan->of.sort.first_of));
            }
            return print_sort(plan, out, err);
        case PC_PLAN_JOIN:
            return print_join(plan, out, err);
        case PC_PLAN_UNION:
            return pc_buffer_print(out, err, "union");
        case PC_PLAN_EXPAND:
            return pc_buffer_print(out, err, "grouping sets: %d", plan->of.expand.set_count);
        case PC_PLAN_REPEAT:
            return pc_buffer_print(out, err, "repeat by %s",
                                   in->field[plan->of.repeat.column].name);
        case PC_PLAN_VALUES:
            return pc_buffer_print(out, err, "%d rows of values", plan->of.values.row_count);
        case PC_PLAN_ROWS:
            return pc_buffer_print(out, err, "rows that come with each block");
        case PC_PLAN_SHARE:
            return pc_buffer_print(out, err, "rows to every rank");
        case PC_PLAN_EXCHANGE:
            return pc_buffer_print(out, err, "rows to the rank of their part");
        case PC_PLAN_SPLIT:
            for (int i = 0; i < plan->of.split.key_count; i++) {
                PC_TRY(pc_buffer_print(out, err, "%s%s", i == 0 ? "parts by " : ", ",
                                       in->field[plan->of.split.key[i]].name));
            }
            return PC_OK;
        default:
            return pc_buffer_print(out, err, "distinct%s", within);
    }
}

// A node, then its inputs, further in. As deep as the plan.
static pc_status print_tree(const pc_plan *plan, const pc_catalog *catalog, int indent,
                            pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "%*s", indent, ""));
    if (plan->kind == PC_PLAN_SCAN) {
        return print_scan(plan->of.scan.plan, catalog, indent, out, err);
    }
    PC_TRY(print_node(plan, out, err));
    PC_TRY(pc_buffer_print(out, err, "\n"));
    const pc_plan *input[PC_MAX_PLAN_INPUTS];
    int count = pc_plan_inputs(plan, input);
    if (plan->kind == PC_PLAN_SHARE || plan->kind == PC_PLAN_EXCHANGE) {
        input[0] = plan->input;
        count = 1;
    }
    for (int i = 0; i < count; i++) {
        PC_TRY(print_tree(input[i], catalog, indent + 2, out, err));
    }
    return PC_OK;
}

pc_status pc_plan_print(const pc_plan *plan, const pc_catalog *catalog, pc_buffer *out,
                        pc_error *err)
{
    return print_tree(plan, catalog, 0, out, err);
}
