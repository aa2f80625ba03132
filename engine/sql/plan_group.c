/** Aggregates, and expressions over what a group makes. */
#include <string.h>
#include "plan_private.h"
#include "sql_aggregate.h"

// True, and whose, when the argument is the column `patient`: it is counted by slot, not read.
static bool is_patient_column(pc_sql_planner *p, const cJSON *node, pc_sql_place *out)
{
    if (!pc_node_is(node, "ColumnRef")) return false;
    const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
    const int count = cJSON_GetArraySize(fields);
    const char *name = pc_node_string(cJSON_GetArrayItem(fields, count - 1));
    const char *qualifier = count == 2 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
    if (name == NULL || count > 2) return false;
    if (pc_sql_resolve(p, qualifier, name, out, NULL) != PC_OK) return false;
    return pc_sql_patient_key(p, *out).source >= 0;
}

static bool same_or_both_missing(const pc_expr *a, const pc_expr *b)
{
    if (a == NULL || b == NULL) return a == b;
    return pc_expr_equal(a, b);
}

pc_status pc_sql_add_aggregate(pc_sql_planner *p, const pc_aggregate *made, const pc_expr **out)
{
    int at = 0;
    for (; at < p->aggregate_count; at++) {
        const pc_aggregate *a = &p->aggregate[at];
        const bool same = a->function == made->function && a->is_distinct == made->is_distinct &&
                          a->is_descending == made->is_descending &&
                          memcmp(&a->fraction, &made->fraction, sizeof a->fraction) == 0 &&
                          pc_span_equal(a->separator, made->separator);
        if (same && same_or_both_missing(a->arg, made->arg) &&
            same_or_both_missing(a->filter, made->filter)) {
            break;
        }
    }
    if (at == PC_SQL_OUTPUTS) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "a query has at most %d aggregates",
                            PC_SQL_OUTPUTS);
    }
    if (at == p->aggregate_count) p->aggregate[p->aggregate_count++] = *made;
    return pc_expr_column(PC_SQL_AGGREGATE + at, &p->aggregate[at].field, 0, p->arena, out, p->err);
}

// x AND y, either may be missing.
static pc_status both_of(pc_sql_planner *p, const pc_expr *x, const pc_expr *y, const pc_expr **out)
{
    const pc_expr *both[2] = {x, y};
    *out = x == NULL ? y : x;
    if (x == NULL || y == NULL || pc_expr_equal(x, y)) return PC_OK;
    return pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, out);
}

// Patients among the rows: by slot where the rows are of their slots, else by their numbers.
static pc_status count_patient_column(pc_sql_planner *p, pc_aggregate *a, pc_sql_place place,
                                      bool distinct)
{
    const pc_expr *known;
    a->field.type = PC_INT;
    if (distinct && (p->people != PC_SQL_ONE || pc_sql_is_guest(p, place.source))) {
        a->function = PC_COUNT_DISTINCT;
        return pc_sql_column(p, pc_sql_patient_key(p, place), 0, &a->arg);
    }
    if (place.column == PC_SCAN_PATIENT) {
        place.column = PC_SCAN_IS_PATIENT;
        PC_TRY(pc_sql_column(p, place, 0, &known));
    } else {
        const pc_expr *number;
        PC_TRY(pc_sql_column(p, pc_sql_patient_key(p, place), 0, &number));
        PC_TRY(
            pc_make_call(&p->binder, PC_FN_IS_NOT_NULL, PC_BOOL, 0, 0, &number, 1, NULL, &known));
    }
    a->function = distinct ? PC_COUNT_PATIENTS : PC_COUNT_ROWS;
    return both_of(p, known, a->filter, &a->filter);
}

static pc_status sum_of(pc_sql_planner *p, pc_aggregate *a, bool is_sum, int location)
{
    const pc_type type = a->arg->type;
    if (type != PC_INT && type != PC_DECIMAL && type != PC_FLOAT) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "%s of type %s does not exist",
                            is_sum ? "sum" : "avg", pc_type_name(type));
    }
    a->function = is_sum ? PC_SUM : PC_AVG;
    a->field.type = is_sum ? type : PC_FLOAT;
    a->field.scale = is_sum ? a->arg->scale : 0;
    return PC_OK;
}

static pc_status extreme_of(pc_sql_planner *p, pc_aggregate *a, bool is_min, int location)
{
    if (a->arg->type == PC_KEY || a->arg->type == PC_BOOL) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "%s of type %s does not exist",
                            is_min ? "min" : "max", pc_type_name(a->arg->type));
    }
    a->function = is_min ? PC_MIN : PC_MAX;
    a->field.type = a->arg->type;
    a->field.scale = a->arg->scale;
    a->field.width = a->arg->width;
    return PC_OK;
}

static pc_status refuse_forms(pc_binder *b, const cJSON *call, const char *name, int location)
{
    if (pc_node_get(call, "agg_order") != NULL || pc_node_bool(call, "agg_within_group")) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "%s: ORDER BY inside is not offered",
                            name);
    }
    if (cJSON_GetArraySize(pc_node_get(call, "args")) != 1) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "%s takes one argument", name);
    }
    return PC_OK;
}

static pc_status bind_arguments(pc_sql_planner *p, const cJSON *call, const char *name,
                                int location, pc_aggregate *a)
{
    pc_binder *b = &p->binder;
    const cJSON *filter = pc_node_get(call, "agg_filter");
    const bool distinct = pc_node_bool(call, "agg_distinct");
    const bool is_count = strcmp(name, "count") == 0;
    if (filter != NULL) PC_TRY(pc_bind_bool(b, filter, &a->filter));
    if (pc_is_statistic(name)) return pc_bind_statistic(b, call, name, a);
    if (pc_node_bool(call, "agg_star")) {
        if (!is_count) return pc_bind_fail(b, location, PC_BAD_JOB, "%s(*) does not exist", name);
        a->function = PC_COUNT_ROWS;
        a->field.type = PC_INT;
        return PC_OK;
    }
    PC_TRY(refuse_forms(b, call, name, location));
    const cJSON *arg = cJSON_GetArrayItem(pc_node_get(call, "args"), 0);
    pc_sql_place place;
    if (is_count && is_patient_column(p, arg, &place)) {
        return count_patient_column(p, a, place, distinct);
    }
    PC_TRY(pc_bind_typed(b, arg, &a->arg));
    if (is_count) {
        a->function = distinct ? PC_COUNT_DISTINCT : PC_COUNT;
        a->field.type = PC_INT;
        return PC_OK;
    }
    const bool is_min = strcmp(name, "min") == 0;
    if (is_min || strcmp(name, "max") == 0) return extreme_of(p, a, is_min, location);
    a->is_distinct = distinct;
    return sum_of(p, a, strcmp(name, "sum") == 0, location);
}

pc_status pc_sql_bind_aggregate(pc_binder *b, const cJSON *call, const char *name,
                                const pc_expr **out)
{
    static const char *const plain[] = {"count", "sum", "avg", "min", "max"};
    pc_sql_planner *p = b->context;
    const int location = pc_node_int(call, "location");
    bool offered = pc_is_statistic(name);
    for (size_t i = 0; i < 5; i++) {
        offered = offered || strcmp(plain[i], name) == 0;
    }
    if (!offered) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "the aggregate %s is not offered", name);
    }
    if (p->in_aggregate) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "%s stands inside another aggregate", name);
    }
    const char *copy = pc_arena_text(p->arena, name, strlen(name), p->err);
    if (copy == NULL) return PC_NO_MEMORY;
    pc_aggregate made = {.field = {.name = copy}, .separator = {"", 0}};
    p->in_aggregate = true;
    const pc_status status = bind_arguments(p, call, name, location, &made);
    p->in_aggregate = false;
    if (status != PC_OK) return status;
    return pc_sql_add_aggregate(p, &made, out);
}

bool pc_sql_has_aggregate(const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN) {
        return x->column >= PC_SQL_AGGREGATE && x->column < PC_SQL_SET;
    }
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        if (pc_sql_has_aggregate(x->arg[i])) return true;
    }
    return false;
}

static pc_status column_of_group(pc_sql_planner *p, const pc_expr *x, int column,
                                 const pc_expr **out)
{
    const pc_field field = {NULL, x->type, x->scale, x->width};
    return pc_expr_column(column, &field, x->position, p->arena, out, p->err);
}

pc_status pc_sql_after_group(pc_sql_planner *p, const pc_expr *x, const pc_expr **out)
{
    for (int i = 0; i < p->key_count; i++) {
        if (pc_expr_equal(x, p->key[i])) return column_of_group(p, x, i, out);
    }
    if (x->kind == PC_EXPR_COLUMN && x->column > PC_SQL_SET && x->column < PC_SQL_OUTER) {
        const pc_expr *grouping;
        PC_TRY(pc_sql_grouping(p, x->column - PC_SQL_SET - 1, &grouping));
        return pc_sql_after_group(p, grouping, out);
    }
    if (x->kind == PC_EXPR_COLUMN && x->column == PC_SQL_SET) {
        return column_of_group(p, x, p->key_count, out);
    }
    if (pc_sql_has_aggregate(x) && x->kind == PC_EXPR_COLUMN) {
        const int first = p->key_count + (p->set_count > 0);
        return column_of_group(p, x, first + x->column - PC_SQL_AGGREGATE, out);
    }
    if (x->kind == PC_EXPR_COLUMN) {
        return PC_FAIL(p->err, PC_BAD_JOB,
                       "%s: character %d: the column %s must stand in GROUP BY or in an aggregate",
                       p->binder.text->what, x->position,
                       x->column < p->column_count ? p->field[x->column].name
                                                   : "of the query around");
    }
    *out = x;
    if (x->kind != PC_EXPR_CALL) return PC_OK;
    pc_expr *copy = pc_arena_take(p->arena, sizeof *copy, p->err);
    const pc_expr **arg = pc_arena_array(p->arena, (size_t)x->arg_count + 1, sizeof *arg, p->err);
    if (copy == NULL || arg == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < x->arg_count; i++) {
        PC_TRY(pc_sql_after_group(p, x->arg[i], &arg[i]));
    }
    *copy = *x;
    copy->arg = arg;
    *out = copy;
    return PC_OK;
}

static pc_status count_patients(pc_sql_planner *p, const pc_expr *filter, const pc_expr **out)
{
    const pc_aggregate made = {.function = PC_COUNT_PATIENTS,
                               .filter = filter,
                               .field = {.name = "patients", .type = PC_INT},
                               .separator = {"", 0}};
    return pc_sql_add_aggregate(p, &made, out);
}

// Behind a percentile stand the patients on its smaller side: of the quarter of 100 patients, 25.
static pc_status patients_beyond(pc_sql_planner *p, const pc_aggregate *a, const pc_expr *some,
                                 const pc_expr **out)
{
    enum { PARTS = 1000000 };
    const double fraction = a->fraction < 0.5 ? a->fraction : 1 - a->fraction;
    const pc_expr *arg[5] = {some, NULL, NULL, NULL, NULL};
    const pc_value null = {.type = PC_INT, .is_null = true};
    pc_binder *b = &p->binder;
    // CASE WHEN some = 0 THEN NULL ELSE GREATEST(1, some * part / PARTS) END
    PC_TRY(pc_make_int(b, (int64_t)(fraction * PARTS + 0.5), &arg[1]));
    PC_TRY(pc_make_call(b, PC_FN_MULTIPLY, PC_INT, 0, 0, arg, 2, NULL, &arg[0]));
    PC_TRY(pc_make_int(b, PARTS, &arg[1]));
    PC_TRY(pc_make_call(b, PC_FN_DIVIDE, PC_INT, 0, 0, arg, 2, NULL, &arg[1]));
    PC_TRY(pc_make_int(b, 1, &arg[0]));
    PC_TRY(pc_make_call(b, PC_FN_GREATEST, PC_INT, 0, 0, arg, 2, NULL, &arg[2]));
    PC_TRY(pc_make_int(b, 0, &arg[1]));
    PC_TRY(pc_make_compare(b, PC_FN_EQUAL, some, arg[1], 0, -1, &arg[0]));
    PC_TRY(pc_expr_constant(&null, 0, p->arena, &arg[1], p->err));
    return pc_make_call(b, PC_FN_CASE, PC_INT, 0, 0, arg, 3, NULL, out);
}

// NULLIF(x, 0): an empty cell hides nobody.
static pc_status not_zero(pc_sql_planner *p, const pc_expr *x, const pc_expr **out)
{
    const pc_expr *zero;
    const pc_expr *choice[3] = {NULL, NULL, x};
    const pc_value null = {.type = PC_INT, .is_null = true};
    PC_TRY(pc_make_int(&p->binder, 0, &zero));
    PC_TRY(pc_make_compare(&p->binder, PC_FN_EQUAL, x, zero, 0, -1, &choice[0]));
    PC_TRY(pc_expr_constant(&null, 0, p->arena, &choice[1], p->err));
    return pc_make_call(&p->binder, PC_FN_CASE, PC_INT, 0, 0, choice, 3, NULL, out);
}

// COALESCE(least, 0).
static pc_status or_zero(pc_sql_planner *p, const pc_expr *least, const pc_expr **out)
{
    const pc_expr *both[2] = {least, NULL};
    PC_TRY(pc_make_int(&p->binder, 0, &both[1]));
    return pc_make_call(&p->binder, PC_FN_COALESCE, PC_INT, 0, 0, both, 2, NULL, out);
}

static pc_status least_of(pc_sql_planner *p, const pc_expr *const *arg, int count,
                          const pc_expr **out)
{
    *out = arg[0];
    if (count == 1) return PC_OK;
    return pc_make_call(&p->binder, PC_FN_LEAST, PC_INT, 0, 0, arg, count, NULL, out);
}

pc_status pc_sql_patients_of_rows(pc_sql_planner *p, const pc_expr **out)
{
    const pc_expr *arg[PC_SQL_SOURCES + PC_SQL_SCALARS];
    const pc_expr *least;
    int count = 0;
    *out = NULL;
    for (int i = 0; i < p->source_count; i++) {
        const pc_sql_relation *r = p->source[i].relation_of;
        const pc_expr *patients;
        if (r == NULL || r->patients < 0 || p->source[i].join == PC_JOIN_MARK) continue;
        PC_TRY(pc_sql_raw_column(p, (pc_sql_place){i, r->patients}, 0, &patients));
        PC_TRY(not_zero(p, patients, &arg[count++]));
    }
    if (count > 0 && p->is_grouped) {
        // A group's cells are hidden when any of its rows has hidden ones.
        pc_aggregate made = {.function = PC_MIN,
                             .field = {.name = "patients", .type = PC_INT},
                             .separator = {"", 0}};
        PC_TRY(least_of(p, arg, count, &made.arg));
        PC_TRY(pc_sql_add_aggregate(p, &made, &arg[0]));
        count = 1;
    }
    for (int i = 0; i < p->value_count; i++) {
        PC_TRY(not_zero(p, p->value_patients[i], &arg[count++]));
    }
    if (count == 0) return PC_OK;
    PC_TRY(least_of(p, arg, count, &least));
    return or_zero(p, least, out);
}

// A cell stands for the patients of the rows that made it: those that pass its FILTER and whose
// argument is not null; a stay or claim of nobody counts as one, since it is somebody's. A row of
// the result is as safe as its smallest cell that is not empty.
pc_status pc_sql_patients(pc_sql_planner *p, const pc_expr **out)
{
    const int count = p->aggregate_count;
    const pc_expr **arg =
        pc_arena_array(p->arena, (size_t)(count + p->value_count) + 1, sizeof *arg, p->err);
    if (arg == NULL) return PC_NO_MEMORY;
    PC_TRY(count_patients(p, NULL, &arg[0]));
    int arg_count = 1;
    for (int i = 0; i < p->value_count; i++) {
        PC_TRY(not_zero(p, p->value_patients[i], &arg[arg_count++]));
    }
    for (int i = 0; i < count; i++) {
        const pc_aggregate *a = &p->aggregate[i];
        if (a->arg == NULL && a->filter == NULL) continue;
        const pc_expr *filter = NULL;
        if (a->arg != NULL) {
            PC_TRY(pc_make_call(&p->binder, PC_FN_IS_NOT_NULL, PC_BOOL, 0, 0, &a->arg, 1, NULL,
                                &filter));
        }
        PC_TRY(both_of(p, a->filter, filter, &filter));
        const pc_expr *some;
        PC_TRY(count_patients(p, filter, &some));
        if (pc_is_percentile(a)) {
            PC_TRY(patients_beyond(p, a, some, &arg[arg_count++]));
            continue;
        }
        if (some->column == arg[0]->column) continue;
        PC_TRY(not_zero(p, some, &arg[arg_count++]));
    }
    return least_of(p, arg, arg_count, out);
}
