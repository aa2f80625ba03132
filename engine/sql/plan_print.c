/** A plan as indented text, for explain: the last node first. */
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
    PC_TRY(pc_buffer_print(out, err, "scan\n"));
    for (int r = 0; r < scan->relation_count; r++) {
        const pc_scan_relation *it = &scan->relation[r];
        PC_TRY(pc_buffer_print(out, err, "%*s%s: %s%s%s; columns:", indent + 2, "",
                               catalog->model->table[it->table].name, attach_name(it->attach),
                               r == 0 ? "" : ", ", r == 0 ? "" : join[it->join]));
        for (int c = 0; c < scan->column_count; c++) {
            if (scan->column[c].relation != r) continue;
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

static pc_status print_node(const pc_plan *plan, pc_buffer *out, pc_error *err)
{
    const pc_schema *in = &plan->input->schema;
    switch (plan->kind) {
        case PC_PLAN_FILTER:
            PC_TRY(pc_buffer_print(out, err, "filter "));
            return pc_expr_print(plan->of.filter.predicate, in, out, err);
        case PC_PLAN_PROJECT:
            PC_TRY(pc_buffer_print(out, err, "project "));
            return print_exprs(plan->of.project.expr, plan->of.project.expr_count, in, out, err);
        case PC_PLAN_AGGREGATE:
            PC_TRY(pc_buffer_print(out, err, "aggregate by "));
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
        case PC_PLAN_SORT:
            return print_sort(plan, out, err);
        default:
            return pc_buffer_print(out, err, "distinct");
    }
}

pc_status pc_plan_print(const pc_plan *plan, const pc_catalog *catalog, pc_buffer *out,
                        pc_error *err)
{
    int indent = 0;
    for (; plan->kind != PC_PLAN_SCAN; plan = plan->input, indent += 2) {
        PC_TRY(pc_buffer_print(out, err, "%*s", indent, ""));
        PC_TRY(print_node(plan, out, err));
        PC_TRY(pc_buffer_print(out, err, "\n"));
    }
    PC_TRY(pc_buffer_print(out, err, "%*s", indent, ""));
    return print_scan(plan->of.scan.plan, catalog, indent, out, err);
}
