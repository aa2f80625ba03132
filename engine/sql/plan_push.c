/** Conditions go down: a filter moves below what it need not wait for, through subqueries, names of
 *  WITH and both sides of set operations, until a scan takes it and zone maps can use it. Only what
 *  cannot fail moves: a condition is then asked of rows that another one would have kept from it.
 */
#include "plan_private.h"

static pc_status push_into(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                           const pc_plan **out);

/** The lowest and highest column of an expression; none: highest -1. As deep as it is. */
typedef struct span_of_columns {
    int low, high;
} span_of_columns;

static void find_span(const pc_expr *x, span_of_columns *it)
{
    if (x->kind == PC_EXPR_COLUMN) {
        if (it->high < 0 || x->column < it->low) it->low = x->column;
        if (x->column > it->high) it->high = x->column;
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        find_span(x->arg[i], it);
    }
}

/** What stands for each column below a node. */
typedef struct below {
    pc_sql_job *job;
    const pc_expr *const *expr; ///< [columns]; NULL: columns move by `shift`
    int shift;
    bool is_same; ///< false: some type is another below
} below;

static pc_status replace_column(void *context, const pc_expr *x, const pc_expr **out)
{
    below *b = context;
    if (b->expr != NULL) {
        *out = b->expr[x->column];
        b->is_same = b->is_same && (*out)->type == x->type && (*out)->scale == x->scale;
        return PC_OK;
    }
    pc_expr *made = pc_arena_take(b->job->arena, sizeof *made, b->job->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column += b->shift;
    *out = made;
    return PC_OK;
}

static pc_status copy_node(pc_sql_job *job, const pc_plan *plan, pc_plan **out)
{
    *out = pc_arena_take(job->arena, sizeof **out, job->err);
    if (*out == NULL) return PC_NO_MEMORY;
    **out = *plan;
    return PC_OK;
}

// As push_into, but what cannot go further stays there as a filter.
static pc_status push_or_stay(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                              const pc_plan **out)
{
    PC_TRY(push_into(job, plan, x, out));
    if (*out != NULL) return PC_OK;
    *out = plan;
    const pc_plan made = {.kind = PC_PLAN_FILTER, .of.filter = {x}};
    return pc_sql_add_node(job, &made, out);
}

// Below a node whose columns are these expressions of its input.
static pc_status push_below(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                            const pc_expr *const *expr, const pc_plan **out)
{
    below b = {.job = job, .expr = expr, .is_same = true};
    const pc_expr *moved;
    pc_plan *made;
    PC_TRY(pc_sql_rewrite(job, x, replace_column, &b, &moved));
    span_of_columns of = {.high = -1};
    find_span(moved, &of);
    if (!b.is_same || of.high < 0 || pc_expr_can_fail(moved)) return PC_OK;
    PC_TRY(copy_node(job, plan, &made));
    PC_TRY(push_or_stay(job, plan->input, moved, &made->input));
    *out = made;
    return PC_OK;
}

// Below a node that keeps its input's columns where they are.
static pc_status push_through(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                              const pc_plan **out)
{
    pc_plan *made;
    const pc_plan *input;
    PC_TRY(push_into(job, plan->input, x, &input));
    if (input == NULL) return PC_OK;
    PC_TRY(copy_node(job, plan, &made));
    made->input = input;
    *out = made;
    return PC_OK;
}

static pc_status push_into_scan(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                                const pc_plan **out)
{
    const pc_scan_plan *before = plan->of.scan.plan;
    pc_scan_plan *scan = pc_arena_take(job->arena, sizeof *scan, job->err);
    pc_plan *made;
    if (scan == NULL) return PC_NO_MEMORY;
    *scan = *before;
    scan->filter = pc_arena_array(job->arena, (size_t)before->filter_count + 1,
                                  sizeof *scan->filter, job->err);
    if (scan->filter == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < before->filter_count; i++) {
        scan->filter[i] = before->filter[i];
    }
    scan->filter[scan->filter_count++] = x;
    PC_TRY(copy_node(job, plan, &made));
    made->of.scan.plan = scan;
    *out = made;
    return PC_OK;
}

// To the side that has all its columns; the optional side of a LEFT JOIN must wait.
static pc_status push_into_join(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                                const pc_plan **out)
{
    const int left = plan->input->schema.field_count;
    span_of_columns of = {.high = -1};
    find_span(x, &of);
    if (of.high < left) return push_through(job, plan, x, out);
    if (of.low < left || plan->of.join.join != PC_JOIN_INNER) return PC_OK;
    below b = {.job = job, .shift = -left};
    const pc_expr *moved;
    const pc_plan *build;
    pc_plan *made;
    PC_TRY(pc_sql_rewrite(job, x, replace_column, &b, &moved));
    PC_TRY(push_into(job, plan->of.join.build, moved, &build));
    if (build == NULL) return PC_OK;
    PC_TRY(copy_node(job, plan, &made));
    made->of.join.build = build;
    *out = made;
    return PC_OK;
}

static pc_status push_into_union(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                                 const pc_plan **out)
{
    const int count = plan->of.all.more_count;
    const pc_plan **more = pc_arena_array(job->arena, (size_t)count + 1, sizeof *more, job->err);
    pc_plan *made;
    if (more == NULL) return PC_NO_MEMORY;
    PC_TRY(copy_node(job, plan, &made));
    PC_TRY(push_or_stay(job, plan->input, x, &made->input));
    for (int i = 0; i < count; i++) {
        PC_TRY(push_or_stay(job, plan->of.all.more[i], x, &more[i]));
    }
    made->of.all.more = more;
    *out = made;
    return PC_OK;
}

// Only keys are known below an aggregation, and only where every group has them.
static pc_status push_below_groups(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                                   const pc_plan **out)
{
    span_of_columns of = {.high = -1};
    find_span(x, &of);
    const bool has_sets = plan->input->kind == PC_PLAN_EXPAND || plan->of.aggregate.has_empty_set;
    if (has_sets || of.high < 0 || of.high >= plan->of.aggregate.key_count) return PC_OK;
    return push_below(job, plan, x, plan->of.aggregate.key, out);
}

// A window sees all rows of its partition: a condition on the partition takes all of them or none.
static bool is_of_partition(const pc_plan *plan, const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN) {
        for (int i = 0; i < plan->of.window.partition_count; i++) {
            if (plan->of.window.partition[i] == x->column) return true;
        }
        return false;
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        if (!is_of_partition(plan, x->arg[i])) return false;
    }
    return true;
}

// The plan with the condition in it; NULL: it cannot take it. As deep as the plan.
static pc_status push_into(pc_sql_job *job, const pc_plan *plan, const pc_expr *x,
                           const pc_plan **out)
{
    span_of_columns of = {.high = -1};
    *out = NULL;
    find_span(x, &of);
    switch (plan->kind) {
        case PC_PLAN_SCAN:
            return push_into_scan(job, plan, x, out);
        case PC_PLAN_PROJECT:
            return push_below(job, plan, x, plan->of.project.expr, out);
        case PC_PLAN_AGGREGATE:
            return push_below_groups(job, plan, x, out);
        case PC_PLAN_HIDE:
            return of.high < plan->of.hide.first ? push_through(job, plan, x, out) : PC_OK;
        case PC_PLAN_WINDOW:
            return is_of_partition(plan, x) ? push_through(job, plan, x, out) : PC_OK;
        case PC_PLAN_JOIN:
            return push_into_join(job, plan, x, out);
        case PC_PLAN_UNION:
            return push_into_union(job, plan, x, out);
        case PC_PLAN_FILTER:
        case PC_PLAN_DISTINCT:
        case PC_PLAN_REPEAT:
            return push_through(job, plan, x, out);
        default: // what is limited, numbered or has gone to other ranks stays as it was asked for
            return PC_OK;
    }
}

// The conditions of a filter one by one; what is left of them stays.
static pc_status push_filter(pc_sql_job *job, const pc_expr *x, const pc_plan **plan)
{
    if (x->kind == PC_EXPR_CALL && pc_function_which(x->function) == PC_FN_AND &&
        !pc_expr_can_fail(x)) {
        for (int i = 0; i < x->arg_count; i++) {
            PC_TRY(push_filter(job, x->arg[i], plan));
        }
        return PC_OK;
    }
    span_of_columns of = {.high = -1};
    find_span(x, &of);
    if (of.high >= 0 && !pc_expr_can_fail(x)) return push_or_stay(job, *plan, x, plan);
    const pc_plan made = {.kind = PC_PLAN_FILTER, .of.filter = {x}};
    return pc_sql_add_node(job, &made, plan);
}

static pc_status push_all(pc_sql_pushed *pushed, const pc_plan *plan, const pc_plan **out);

// Inputs first. What others share is made once: it is known by its place.
static pc_status push_inputs(pc_sql_pushed *pushed, pc_plan *made)
{
    if (made->input != NULL) PC_TRY(push_all(pushed, made->input, &made->input));
    if (made->kind == PC_PLAN_JOIN) {
        PC_TRY(push_all(pushed, made->of.join.build, &made->of.join.build));
    }
    if (made->kind != PC_PLAN_UNION) return PC_OK;
    const int count = made->of.all.more_count;
    const pc_plan **more =
        pc_arena_array(pushed->job->arena, (size_t)count + 1, sizeof *more, pushed->job->err);
    if (more == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        PC_TRY(push_all(pushed, made->of.all.more[i], &more[i]));
    }
    made->of.all.more = more;
    return PC_OK;
}

// As deep as the plan.
static pc_status push_all(pc_sql_pushed *pushed, const pc_plan *plan, const pc_plan **out)
{
    const bool is_shared = plan->kind == PC_PLAN_SHARE || plan->kind == PC_PLAN_EXCHANGE;
    for (int i = 0; i < pushed->count && is_shared; i++) {
        if (pushed->before[i] == plan) {
            *out = pushed->after[i];
            return PC_OK;
        }
    }
    pc_plan *made;
    PC_TRY(copy_node(pushed->job, plan, &made));
    PC_TRY(push_inputs(pushed, made));
    *out = made;
    if (is_shared && pushed->count < PC_SQL_SHARED) {
        pushed->before[pushed->count] = plan;
        pushed->after[pushed->count++] = made;
    }
    if (plan->kind != PC_PLAN_FILTER) return PC_OK;
    *out = made->input;
    return push_filter(pushed->job, made->of.filter.predicate, out);
}

pc_status pc_sql_push(pc_sql_pushed *pushed, const pc_plan **plan)
{
    return push_all(pushed, *plan, plan);
}
