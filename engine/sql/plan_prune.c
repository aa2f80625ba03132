/** Columns that nobody asks for are not computed, and not read: from the result down, what a node
 *  needs of its input. Places of columns stay; what is not needed comes as null. */
#include <string.h>
#include "plan_private.h"

static pc_status prune(pc_sql_job *job, pc_plan *plan, const bool *needed);

static bool *new_flags(pc_sql_job *job, const pc_plan *plan, bool value)
{
    const int count = plan->schema.field_count;
    bool *flag = pc_arena_array(job->arena, (size_t)count + 1, sizeof *flag, job->err);
    for (int i = 0; flag != NULL && i < count; i++) {
        flag[i] = value;
    }
    return flag;
}

// Keys tell slots, and a constant has no form of an identifier: these stay.
static bool may_go(const pc_expr *x)
{
    return x->type != PC_KEY && x->type != PC_ID && !pc_expr_can_fail(x);
}

// A null in place of an expression.
static pc_status make_null(pc_sql_job *job, const pc_expr *x, const pc_expr **out)
{
    const pc_value null = {.type = x->type, .scale = x->scale, .is_null = true};
    PC_TRY(pc_expr_constant(&null, 0, job->arena, out, job->err));
    ((pc_expr *)*out)->width = x->width;
    return PC_OK;
}

static pc_status prune_project(pc_sql_job *job, pc_plan *plan, const bool *needed, bool *below)
{
    const int count = plan->of.project.expr_count;
    const pc_expr **expr = pc_arena_array(job->arena, (size_t)count + 1, sizeof *expr, job->err);
    if (expr == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        expr[i] = plan->of.project.expr[i];
        if (!needed[i] && may_go(expr[i])) PC_TRY(make_null(job, expr[i], &expr[i]));
        // An identifier is passed on as it comes, which is as nulls when nobody asks for it.
        const bool is_passed = expr[i]->kind == PC_EXPR_COLUMN && expr[i]->type == PC_ID;
        if (needed[i] || !is_passed) pc_expr_columns(expr[i], below);
    }
    plan->of.project.expr = expr;
    return PC_OK;
}

// What a key is of the driving table of the scan below: PC_SCAN_PATIENT, its key, or 0.
static int patient_column(const pc_plan *plan, const pc_expr *key)
{
    if (!plan->by_slot || plan->input->kind != PC_PLAN_SCAN) return 0;
    if (key->kind != PC_EXPR_COLUMN) return 0;
    const pc_scan_column *c = &plan->input->of.scan.plan->column[key->column];
    const bool is_patient = c->column == PC_SCAN_PATIENT || c->column == PC_SCAN_PATIENT_KEY;
    return is_patient && c->relation == 0 ? c->column : 0;
}

// Of the patient and the patient's key the second tells all: the text is read for who asks for it.
static void prune_keys(pc_plan *plan, const bool *needed, bool *below)
{
    const int keys = plan->of.aggregate.key_count;
    bool has_key = false, of_slot = keys > 0;
    for (int i = 0; i < keys; i++) {
        const int column = patient_column(plan, plan->of.aggregate.key[i]);
        has_key = has_key || column == PC_SCAN_PATIENT_KEY;
        of_slot = of_slot && column != 0;
    }
    for (int i = 0; i < keys; i++) {
        const pc_expr *key = plan->of.aggregate.key[i];
        const bool is_told = has_key && patient_column(plan, key) == PC_SCAN_PATIENT;
        if (needed[i] || !is_told) pc_expr_columns(key, below);
    }
    plan->of.aggregate.of_slot = of_slot;
}

// Keys make the groups; an aggregate that nobody asks for is one of nulls.
static pc_status prune_aggregate(pc_sql_job *job, pc_plan *plan, const bool *needed, bool *below)
{
    const int keys = plan->of.aggregate.key_count;
    const int count = plan->of.aggregate.aggregate_count;
    pc_aggregate *made = pc_arena_array(job->arena, (size_t)count + 1, sizeof *made, job->err);
    if (made == NULL) return PC_NO_MEMORY;
    prune_keys(plan, needed, below);
    for (int i = 0; i < count; i++) {
        made[i] = plan->of.aggregate.aggregate[i];
        const pc_expr *arg = made[i].arg;
        // A sum may be too large, which is an error.
        const bool goes = !needed[keys + i] && made[i].function != PC_SUM;
        if (goes && arg != NULL && may_go(arg)) PC_TRY(make_null(job, arg, &made[i].arg));
        if (made[i].arg != NULL) pc_expr_columns(made[i].arg, below);
        if (made[i].filter != NULL) pc_expr_columns(made[i].filter, below);
    }
    plan->of.aggregate.aggregate = made;
    return PC_OK;
}

static pc_status prune_scan(pc_sql_job *job, pc_plan *plan, const bool *needed)
{
    pc_scan_plan *scan = pc_arena_take(job->arena, sizeof *scan, job->err);
    if (scan == NULL) return PC_NO_MEMORY;
    *scan = *plan->of.scan.plan;
    bool *is_read =
        pc_arena_array(job->arena, (size_t)scan->column_count + 1, sizeof *is_read, job->err);
    if (is_read == NULL) return PC_NO_MEMORY;
    memcpy(is_read, needed, (size_t)scan->column_count * sizeof *is_read);
    scan->is_read = is_read;
    plan->of.scan.plan = scan;
    return PC_OK;
}

static pc_status prune_join(pc_sql_job *job, pc_plan *plan, const bool *needed, bool *below)
{
    const int left = plan->input->schema.field_count;
    const int right = plan->of.join.build->schema.field_count;
    bool *both = pc_arena_array(job->arena, (size_t)(left + right) + 1, sizeof *both, job->err);
    bool *build = new_flags(job, plan->of.join.build, false);
    if (both == NULL || build == NULL) return PC_NO_MEMORY;
    const int count = plan->schema.field_count; // of a MARK: the last one is its own
    const bool has_right =
        plan->of.join.join == PC_JOIN_INNER || plan->of.join.join == PC_JOIN_LEFT;
    memcpy(both, needed, (size_t)(has_right ? count : left) * sizeof *both);
    if (plan->of.join.on != NULL) pc_expr_columns(plan->of.join.on, both);
    for (int i = 0; i < plan->of.join.key_count; i++) {
        both[plan->of.join.key[i]] = true;
        both[left + plan->of.join.build_key[i]] = true;
    }
    memcpy(below, both, (size_t)left * sizeof *both);
    memcpy(build, both + left, (size_t)right * sizeof *both);
    return prune(job, (pc_plan *)plan->of.join.build, build);
}

// What a node needs of its input. As deep as the plan, whose nodes are the planner's own by now.
static pc_status prune(pc_sql_job *job, pc_plan *plan, const bool *needed)
{
    if (plan->kind == PC_PLAN_SCAN) return prune_scan(job, plan, needed);
    if (plan->input == NULL) return PC_OK;
    const int same = plan->input->schema.field_count;
    const bool keeps_places =
        plan->kind == PC_PLAN_FILTER || plan->kind == PC_PLAN_HIDE || plan->kind == PC_PLAN_UNION;
    const bool needs_all = !keeps_places && plan->kind != PC_PLAN_PROJECT &&
                           plan->kind != PC_PLAN_AGGREGATE && plan->kind != PC_PLAN_JOIN;
    bool *below = new_flags(job, plan->input, needs_all);
    if (below == NULL) return PC_NO_MEMORY;
    if (keeps_places) memcpy(below, needed, (size_t)same * sizeof *below);
    if (plan->kind == PC_PLAN_FILTER) pc_expr_columns(plan->of.filter.predicate, below);
    if (plan->kind == PC_PLAN_HIDE) pc_expr_columns(plan->of.hide.patients, below);
    if (plan->kind == PC_PLAN_PROJECT) PC_TRY(prune_project(job, plan, needed, below));
    if (plan->kind == PC_PLAN_AGGREGATE) PC_TRY(prune_aggregate(job, plan, needed, below));
    if (plan->kind == PC_PLAN_JOIN) PC_TRY(prune_join(job, plan, needed, below));
    const int more = plan->kind == PC_PLAN_UNION ? plan->of.all.more_count : 0;
    for (int i = 0; i < more; i++) {
        PC_TRY(prune(job, (pc_plan *)plan->of.all.more[i], below));
    }
    return prune(job, (pc_plan *)plan->input, below);
}

pc_status pc_sql_prune(pc_sql_job *job, const pc_plan *plan)
{
    const bool *all = new_flags(job, plan, true);
    return all == NULL ? PC_NO_MEMORY : prune(job, (pc_plan *)plan, all);
}
