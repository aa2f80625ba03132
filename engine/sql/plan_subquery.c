/** Subqueries: of FROM, and in expressions. EXISTS, IN, ANY and ALL become joins that mark rows; a
 *  SELECT used as a value becomes a constant that is computed first, or, when it names the query
 *  around, an optional join with a group for each row's key. */
#include <string.h>
#include "plan_private.h"

bool pc_sql_names_outer(const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN) return x->column >= PC_SQL_OUTER;
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        if (pc_sql_names_outer(x->arg[i])) return true;
    }
    return false;
}

static bool names_own(const pc_expr *x)
{
    if (x->kind == PC_EXPR_COLUMN) return x->column < PC_SQL_OUTER;
    for (int i = 0; x->kind == PC_EXPR_CALL && i < x->arg_count; i++) {
        if (names_own(x->arg[i])) return true;
    }
    return false;
}

// The hidden output that holds an expression; a key of the group, where there are groups.
static pc_status output_of(pc_sql_planner *p, const pc_expr *x, int *at)
{
    for (int i = 0; i < p->output_count; i++) {
        if (!pc_expr_equal(p->output[i], x)) continue;
        *at = i;
        return PC_OK;
    }
    if (p->is_grouped) PC_TRY(pc_sql_add_key(p, x, -1));
    return pc_sql_add_output(p, x, "?key?", at);
}

static pc_sql_place place_of(const pc_sql_planner *p, const pc_expr *x)
{
    const pc_sql_place none = {-1, 0};
    if (x->kind != PC_EXPR_COLUMN || x->column >= p->column_count) return none;
    return p->column[x->column];
}

// Patients are compared by their numbers.
static pc_status use_numbers(pc_sql_planner *p, const pc_expr **inner, const pc_expr **outer)
{
    if ((*outer)->kind != PC_EXPR_COLUMN || (*inner)->kind != PC_EXPR_COLUMN) return PC_OK;
    pc_expr there = **outer;
    there.column -= PC_SQL_OUTER;
    const pc_sql_place ours = pc_sql_patient_key(p, place_of(p, *inner));
    const pc_sql_place theirs = pc_sql_patient_key(p->outer, place_of(p->outer, &there));
    if (ours.source < 0 || theirs.source < 0) return PC_OK;
    const pc_expr *number;
    PC_TRY(pc_sql_column(p, ours, 0, inner));
    PC_TRY(pc_sql_column(p->outer, theirs, 0, &number));
    pc_expr *made = pc_arena_take(p->arena, sizeof *made, p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *number;
    made->column += PC_SQL_OUTER;
    *outer = made;
    return PC_OK;
}

/** The relation that is being correlated. */
typedef struct correlation {
    pc_sql_planner *p;
    pc_sql_relation *relation;
    const pc_expr **outer;
    int *key;
} correlation;

// inner = outer: a key. False: the condition is another one.
static pc_status take_equality(correlation *c, const pc_expr *x, bool *taken)
{
    *taken = false;
    if (x->kind != PC_EXPR_CALL || pc_function_which(x->function) != PC_FN_EQUAL) return PC_OK;
    for (int turn = 0; turn < 2; turn++) {
        const pc_expr *inner = x->arg[turn];
        const pc_expr *outer = x->arg[1 - turn];
        if (pc_sql_names_outer(inner) || !names_own(inner)) continue;
        if (!pc_sql_names_outer(outer) || names_own(outer)) continue;
        PC_TRY(use_numbers(c->p, &inner, &outer));
        const int at = c->relation->key_count++;
        c->outer[at] = outer;
        *taken = true;
        return output_of(c->p, inner, &c->key[at]);
    }
    return PC_OK;
}

static pc_status own_to_output(void *context, const pc_expr *x, const pc_expr **out)
{
    pc_sql_planner *p = context;
    if (x->column >= PC_SQL_OUTER) {
        *out = x;
        return PC_OK;
    }
    int at;
    PC_TRY(output_of(p, x, &at));
    pc_expr *made = pc_arena_take(p->arena, sizeof *made, p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column = at;
    *out = made;
    return PC_OK;
}

static pc_status take_other(correlation *c, const pc_expr *x)
{
    pc_sql_planner *p = c->p;
    if (p->is_grouped) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED,
                            "a subquery with groups names the query around it in equalities only");
    }
    PC_TRY(pc_sql_rewrite(p->job, x, own_to_output, p, &x));
    const pc_expr *both[2] = {c->relation->on, x};
    if (c->relation->on != NULL) {
        PC_TRY(pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &x));
    }
    c->relation->on = x;
    return PC_OK;
}

// What an aggregate is of no rows.
static pc_status aggregate_of_none(void *context, const pc_expr *x, const pc_expr **out)
{
    pc_sql_planner *p = context;
    *out = x;
    pc_value value = {.type = x->type, .scale = x->scale, .is_null = true};
    if (pc_sql_has_aggregate(x)) {
        const pc_aggregate_function f = p->aggregate[x->column - PC_SQL_AGGREGATE].function;
        value.is_null = !(f == PC_COUNT || f == PC_COUNT_ROWS || f == PC_COUNT_DISTINCT ||
                          f == PC_COUNT_PATIENTS || f == PC_APPROX_DISTINCT);
    }
    return pc_expr_constant(&value, x->position, p->arena, out, p->err);
}

// Aggregates without GROUP BY give a row even of none: what it holds then.
static pc_status find_missing(pc_sql_planner *p, pc_sql_relation *out)
{
    const pc_expr **missing = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *missing, p->err);
    if (missing == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->visible_count; i++) {
        PC_TRY(pc_sql_rewrite(p->job, p->output[i], aggregate_of_none, p, &missing[i]));
    }
    out->missing = missing;
    return PC_OK;
}

pc_status pc_sql_correlate(pc_sql_planner *p, pc_sql_relation *out)
{
    if (p->outer_count == 0) return PC_OK;
    const bool is_one_row = p->is_grouped && p->key_count == 0;
    const size_t room = (size_t)p->outer_count + 1;
    correlation c = {.p = p, .relation = out};
    c.outer = pc_arena_array(p->arena, room, sizeof *c.outer, p->err);
    c.key = pc_arena_array(p->arena, room, sizeof *c.key, p->err);
    if (c.outer == NULL || c.key == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < p->outer_count; i++) {
        bool taken;
        PC_TRY(take_equality(&c, p->outer_condition[i], &taken));
        if (!taken) PC_TRY(take_other(&c, p->outer_condition[i]));
    }
    out->outer = c.outer;
    out->key = c.key;
    out->is_one_row = is_one_row;
    out->is_person = !p->is_grouped && p->source_count == 1 && out->key_count > 0 &&
                     p->source[0].table == p->catalog->model->person_table &&
                     p->output[out->key[0]]->type == PC_KEY;
    if (is_one_row && out->key_count == 0) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED,
                            "a subquery with aggregates names the query around it in equalities "
                            "only");
    }
    return is_one_row ? find_missing(p, out) : PC_OK;
}

static pc_status strip_outer(pc_sql_planner *p, const pc_expr *x, const pc_expr **out)
{
    pc_expr *made = pc_arena_take(p->arena, sizeof *made, p->err);
    if (made == NULL) return PC_NO_MEMORY;
    *made = *x;
    made->column -= PC_SQL_OUTER;
    *out = made;
    return PC_OK;
}

/** A source whose conditions are being bound. */
typedef struct adding {
    pc_sql_planner *p;
    int source;
} adding;

static pc_status to_planner(void *context, const pc_expr *x, const pc_expr **out)
{
    const adding *a = context;
    if (x->column >= PC_SQL_OUTER) return strip_outer(a->p, x, out);
    return pc_sql_raw_column(a->p, (pc_sql_place){a->source, x->column}, x->position, out);
}

// The conditions that a correlated subquery is joined by.
static pc_status add_correlation(pc_sql_planner *p, int source, int owner)
{
    const pc_sql_relation *r = p->source[source].relation_of;
    adding a = {p, source};
    for (int i = 0; i < r->key_count; i++) {
        const pc_expr *both[2];
        const pc_expr *x;
        PC_TRY(pc_sql_rewrite(p->job, r->outer[i], to_planner, &a, &both[0]));
        PC_TRY(pc_sql_raw_column(p, (pc_sql_place){source, r->key[i]}, 0, &both[1]));
        PC_TRY(pc_make_call(&p->binder, PC_FN_EQUAL, PC_BOOL, 0, 0, both, 2, NULL, &x));
        PC_TRY(pc_sql_add_bound(p, x, owner));
    }
    if (r->on == NULL) return PC_OK;
    const pc_expr *x;
    PC_TRY(pc_sql_rewrite(p->job, r->on, to_planner, &a, &x));
    return pc_sql_add_bound(p, x, owner);
}

static bool is_correlated(const pc_sql_relation *r)
{
    return r->key_count > 0 || r->on != NULL;
}

pc_status pc_sql_add_range_subquery(pc_sql_planner *p, const cJSON *body, pc_join join,
                                    int location)
{
    const bool is_lateral = pc_node_bool(body, "lateral");
    const char *alias = pc_node_text(pc_node_get(body, "alias"), "aliasname");
    const cJSON *select = pc_node_body(pc_node_get(body, "subquery"));
    pc_sql_relation relation = {.patients = -1};
    int source;
    if (alias == NULL) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "a subquery in FROM needs an alias");
    }
    PC_TRY(pc_sql_plan_query(p->job, select, is_lateral ? p : NULL, p->with, &relation));
    if (relation.missing != NULL) join = PC_JOIN_LEFT; // a row even where it finds none
    PC_TRY(pc_sql_add_subquery(p, &relation, alias, location, join, &source));
    const int first = p->conjunct_count;
    PC_TRY(add_correlation(p, source, join == PC_JOIN_INNER ? -1 : source));
    for (int i = first; i < p->conjunct_count; i++) {
        p->conjunct[i].lateral = source + 1;
    }
    return PC_OK;
}

static pc_status refuse_kind(pc_binder *b, const cJSON *body, const char *what)
{
    return pc_bind_fail(b, pc_node_int(body, "location"), PC_UNSUPPORTED, "%s is not offered",
                        what);
}

static pc_status plan_inner(pc_sql_planner *p, const cJSON *body, bool is_exists,
                            pc_sql_relation *out)
{
    *out = (pc_sql_relation){.patients = -1};
    const cJSON *select = pc_node_body(pc_node_get(body, "subselect"));
    const bool before = p->job->is_exists;
    p->job->is_exists = is_exists;
    const pc_status status = pc_sql_plan_query(p->job, select, p, p->with, out);
    p->job->is_exists = before;
    return status;
}

// Rows of patients that every rank would see, or whose value would be told: never protected.
static void note_rows(pc_sql_planner *p, const pc_sql_relation *r)
{
    if (r->people == PC_SQL_NOBODY || r->people == PC_SQL_GROUPS) return;
    p->job->traits.returns_rows = true;
}

// A value that is computed before the query runs. Owned by the job.
static pc_status add_scalar(pc_sql_planner *p, const pc_sql_relation *r, int first_inner,
                            int position, const pc_expr **out)
{
    pc_sql_job *job = p->job;
    if (job->scalar_count == PC_SQL_SCALARS) {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED,
                            "a query has at most %d subqueries used as values", PC_SQL_SCALARS);
    }
    const pc_field *field = &r->plan->schema.field[0];
    pc_expr *value = pc_arena_take(p->arena, sizeof *value, p->err);
    pc_expr *patients = pc_arena_take(p->arena, sizeof *patients, p->err);
    if (value == NULL || patients == NULL) return PC_NO_MEMORY;
    *value = (pc_expr){.kind = PC_EXPR_LATER,
                       .type = field->type,
                       .scale = field->scale,
                       .width = field->width,
                       .position = position,
                       .column = job->scalar_count};
    *patients = (pc_expr){.kind = PC_EXPR_LATER, .type = PC_INT, .column = job->scalar_count};
    job->scalar[job->scalar_count++] = (pc_scalar){.plan = r->plan,
                                                   .value = value,
                                                   .first_inner = first_inner,
                                                   .patients = r->patients >= 0 ? patients : NULL,
                                                   .patients_column = r->patients};
    if (r->patients >= 0) p->value_patients[p->value_count++] = patients;
    *out = value;
    return PC_OK;
}

static pc_status one_column(pc_sql_planner *p, const pc_sql_relation *r, int location)
{
    if (r->visible_count == 1) return PC_OK;
    return pc_bind_fail(&p->binder, location, PC_BAD_JOB, "a subquery here selects one column");
}

// (SELECT ...) as a value.
static pc_status bind_value(pc_sql_planner *p, const cJSON *body, const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const int first_inner = p->job->scalar_count;
    pc_sql_relation r;
    PC_TRY(plan_inner(p, body, false, &r));
    PC_TRY(one_column(p, &r, location));
    if (!is_correlated(&r)) {
        note_rows(p, &r);
        return add_scalar(p, &r, first_inner, pc_sql_position(p->binder.text, location), out);
    }
    if (!r.is_one_row && !r.is_person) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "a subquery that names the query around it is a value when it is an "
                            "aggregate; else it could give several rows");
    }
    int source;
    PC_TRY(pc_sql_add_subquery(p, &r, NULL, location, PC_JOIN_LEFT, &source));
    PC_TRY(add_correlation(p, source, source));
    return pc_sql_column(p, (pc_sql_place){source, 0}, pc_sql_position(p->binder.text, location),
                         out);
}

// count(*) over a relation, as a value: how many rows it has.
static pc_status count_rows(pc_sql_planner *p, const pc_sql_relation *r, const pc_expr *arg,
                            int first_inner, const pc_expr **out)
{
    pc_aggregate *count = pc_arena_take(p->arena, sizeof *count, p->err);
    pc_field *field = pc_arena_take(p->arena, sizeof *field, p->err);
    if (count == NULL || field == NULL) return PC_NO_MEMORY;
    *field = (pc_field){.name = "count", .type = PC_INT};
    *count = (pc_aggregate){.function = arg == NULL ? PC_COUNT_ROWS : PC_COUNT,
                            .arg = arg,
                            .field = *field,
                            .separator = {"", 0}};
    const pc_plan made = {.kind = PC_PLAN_AGGREGATE,
                          .schema = {1, field},
                          .of.aggregate = {.aggregate_count = 1, .aggregate = count}};
    pc_sql_relation counted = {.plan = r->plan, .visible_count = 1, .patients = -1};
    PC_TRY(pc_sql_add_node(p->job, &made, &counted.plan));
    return add_scalar(p, &counted, first_inner, 0, out);
}

static pc_status is_positive(pc_sql_planner *p, const pc_expr *x, const pc_expr **out)
{
    const pc_expr *zero;
    PC_TRY(pc_make_int(&p->binder, 0, &zero));
    return pc_make_compare(&p->binder, PC_FN_GREATER, x, zero, 0, -1, out);
}

static pc_status bind_exists(pc_sql_planner *p, const cJSON *body, const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const int first_inner = p->job->scalar_count;
    pc_sql_relation r;
    int source;
    PC_TRY(plan_inner(p, body, true, &r));
    if (!is_correlated(&r)) {
        note_rows(p, &r);
        const pc_expr *count;
        PC_TRY(count_rows(p, &r, NULL, first_inner, &count));
        return is_positive(p, count, out);
    }
    PC_TRY(pc_sql_add_subquery(p, &r, NULL, location, PC_JOIN_MARK, &source));
    PC_TRY(add_correlation(p, source, source));
    return pc_sql_raw_column(p, (pc_sql_place){source, PC_SQL_MARKED},
                             pc_sql_position(p->binder.text, location), out);
}

/** x op ANY (SELECT ...), or IN. */
typedef struct test {
    const pc_expr *x;
    const char *op;
    int source, location;
    bool is_patient; ///< patients compared by their numbers, within slots
    const pc_expr *number;
} test;

static pc_status bind_test(pc_sql_planner *p, test *t, const pc_expr **out)
{
    const pc_sql_place column = {t->source, 0};
    const pc_sql_place ours = pc_sql_patient_key(p, place_of(p, t->x));
    const pc_sql_place theirs = pc_sql_patient_key(p, column);
    const pc_expr *both[2];
    if (strcmp(t->op, "=") == 0 && ours.source >= 0 && theirs.source >= 0) {
        t->is_patient = true;
        PC_TRY(pc_sql_column(p, ours, 0, &both[0]));
        PC_TRY(pc_sql_raw_column(p, theirs, 0, &both[1]));
        t->number = both[0];
        return pc_make_call(&p->binder, PC_FN_EQUAL, PC_BOOL, 0, 0, both, 2, NULL, out);
    }
    PC_TRY(pc_sql_raw_column(p, column, 0, &both[1]));
    return pc_make_binary(&p->binder, t->op, t->x, both[1], t->location, out);
}

// (a, b) IN (SELECT c, d ...): both comparisons; each may be unknown.
static pc_status bind_row_test(pc_sql_planner *p, const cJSON *row, test *t, const pc_expr **out)
{
    const cJSON *args = pc_node_get(pc_node_body(row), "args");
    const int count = cJSON_GetArraySize(args);
    const pc_expr **part = pc_arena_array(p->arena, (size_t)count + 1, sizeof *part, p->err);
    if (part == NULL) return PC_NO_MEMORY;
    if (count != p->source[t->source].relation_of->visible_count || strcmp(t->op, "=") != 0) {
        return pc_bind_fail(&p->binder, t->location, PC_BAD_JOB,
                            "a row is compared with IN or = ANY of a subquery of as many columns");
    }
    for (int i = 0; i < count; i++) {
        const pc_expr *column;
        const pc_sql_place place = {t->source, i};
        PC_TRY(pc_bind_node(&p->binder, cJSON_GetArrayItem(args, i), &part[i]));
        const pc_sql_place ours = pc_sql_patient_key(p, place_of(p, part[i]));
        const pc_sql_place theirs = pc_sql_patient_key(p, place);
        if (ours.source >= 0 && theirs.source >= 0) {
            const pc_expr *both[2];
            PC_TRY(pc_sql_column(p, ours, 0, &both[0]));
            PC_TRY(pc_sql_raw_column(p, theirs, 0, &both[1]));
            PC_TRY(pc_make_call(&p->binder, PC_FN_EQUAL, PC_BOOL, 0, 0, both, 2, NULL, &part[i]));
            continue;
        }
        PC_TRY(pc_sql_raw_column(p, place, 0, &column));
        PC_TRY(pc_make_binary(&p->binder, "=", part[i], column, t->location, &part[i]));
    }
    if (count == 1) {
        *out = part[0];
        return PC_OK;
    }
    return pc_make_call(&p->binder, PC_FN_AND, PC_BOOL, 0, 0, part, count, NULL, out);
}

// The rows of one slot do not tell whether some other slot has a null: that is counted before. Then
// no match is null when there is a null, or when the row's own is null and there is any row.
static pc_status add_unknown(pc_sql_planner *p, const test *t, const pc_sql_relation *r,
                             int first_inner, const pc_expr *marked, const pc_expr **out)
{
    const int number = r->info[0].patient_key;
    const pc_expr *key;
    const pc_expr *rows;
    const pc_expr *known;
    const pc_expr *choice[5] = {marked};
    const pc_expr *either[2];
    const pc_expr *both[2];
    pc_binder *b = &p->binder;
    PC_TRY(pc_expr_column(number, &r->plan->schema.field[number], 0, p->arena, &key, p->err));
    PC_TRY(count_rows(p, r, NULL, first_inner, &rows));
    PC_TRY(count_rows(p, r, key, first_inner, &known));
    PC_TRY(pc_make_compare(b, PC_FN_GREATER, rows, known, 0, -1, &either[0]));
    PC_TRY(pc_make_call(b, PC_FN_IS_NULL, PC_BOOL, 0, 0, &t->number, 1, NULL, &both[0]));
    PC_TRY(is_positive(p, rows, &both[1]));
    PC_TRY(pc_make_call(b, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &either[1]));
    const pc_value yes = {.type = PC_BOOL, .integer = 1};
    const pc_value no = {.type = PC_BOOL};
    const pc_value null = {.type = PC_BOOL, .is_null = true};
    PC_TRY(pc_expr_constant(&yes, 0, p->arena, &choice[1], p->err));
    PC_TRY(pc_make_call(b, PC_FN_OR, PC_BOOL, 0, 0, either, 2, NULL, &choice[2]));
    PC_TRY(pc_expr_constant(&null, 0, p->arena, &choice[3], p->err));
    PC_TRY(pc_expr_constant(&no, 0, p->arena, &choice[4], p->err));
    return pc_make_call(b, PC_FN_CASE, PC_BOOL, 0, 0, choice, 5, NULL, out);
}

// The condition itself is the test: there null is as good as false.
static bool is_whole_condition(const pc_sql_planner *p, const cJSON *body)
{
    for (int i = 0; i < p->conjunct_count; i++) {
        if (p->conjunct[i].node != NULL && pc_node_body(p->conjunct[i].node) == body) return true;
    }
    return false;
}

static pc_status bind_any(pc_sql_planner *p, const cJSON *body, const char *op, bool may_be_null,
                          const pc_expr **out)
{
    test t = {.op = op, .location = pc_node_int(body, "location")};
    const int first_inner = p->job->scalar_count;
    const cJSON *testexpr = pc_node_get(body, "testexpr");
    const bool is_row = pc_node_is(testexpr, "RowExpr");
    pc_sql_relation r;
    if (!is_row) PC_TRY(pc_bind_typed(&p->binder, testexpr, &t.x));
    PC_TRY(plan_inner(p, body, false, &r));
    if (!is_row) PC_TRY(one_column(p, &r, t.location));
    PC_TRY(pc_sql_add_subquery(p, &r, NULL, t.location, PC_JOIN_MARK, &t.source));
    const pc_expr *condition;
    PC_TRY(is_row ? bind_row_test(p, testexpr, &t, &condition) : bind_test(p, &t, &condition));
    p->source[t.source].null_aware = may_be_null && !t.is_patient;
    pc_sql_note_chosen(p, condition);
    if (p->source[t.source].null_aware) {
        PC_TRY(pc_sql_add_test(p, condition, t.source));
    } else {
        PC_TRY(pc_sql_add_bound(p, condition, t.source));
    }
    PC_TRY(add_correlation(p, t.source, t.source));
    PC_TRY(pc_sql_raw_column(p, (pc_sql_place){t.source, PC_SQL_MARKED},
                             pc_sql_position(p->binder.text, t.location), out));
    if (!may_be_null || !t.is_patient || is_correlated(&r)) return PC_OK;
    return add_unknown(p, &t, &r, first_inner, *out, out);
}

// x op ALL (...) is NOT (x opposite ANY (...)).
static const char *opposite(const char *op)
{
    static const char *const pair[][2] = {{"=", "<>"}, {"<", ">="}, {">", "<="}};
    for (int i = 0; i < 3; i++) {
        if (strcmp(op, pair[i][0]) == 0) return pair[i][1];
        if (strcmp(op, pair[i][1]) == 0) return pair[i][0];
    }
    return NULL;
}

// IN of a reference table alone is read when it is bound: a list of codes.
static bool is_plain_list(const pc_sql_planner *p, const cJSON *body)
{
    const cJSON *select = pc_node_body(pc_node_get(body, "subselect"));
    const cJSON *from = pc_node_get(select, "fromClause");
    const cJSON *range = cJSON_GetArrayItem(from, 0);
    if (cJSON_GetArraySize(from) != 1 || !pc_node_is(range, "RangeVar")) return false;
    if (pc_node_get(body, "operName") != NULL ||
        pc_node_is(pc_node_get(body, "testexpr"), "RowExpr")) {
        return false;
    }
    const char *name = pc_node_text(pc_node_body(range), "relname");
    for (const pc_sql_with *w = p->with; w != NULL; w = w->before) {
        if (strcmp(w->name, name) == 0) return false;
    }
    const int table = pc_model_find_table(p->catalog->model, pc_span_of(name));
    if (table < 0 || p->catalog->model->table[table].path != PC_PATH_NONE) return false;
    static const char *const plain[] = {"targetList",  "fromClause", "whereClause",
                                        "limitOption", "op",         NULL};
    for (const cJSON *clause = select->child; clause != NULL; clause = clause->next) {
        int i = 0;
        while (plain[i] != NULL && strcmp(plain[i], clause->string) != 0) {
            i++;
        }
        if (plain[i] == NULL) return false;
    }
    return true;
}

pc_status pc_sql_bind_subquery(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    pc_sql_planner *p = b->context;
    const char *kind = pc_node_text(body, "subLinkType");
    const char *op = pc_node_name(pc_node_get(body, "operName"));
    if (strcmp(kind, "EXISTS_SUBLINK") == 0) return bind_exists(p, body, out);
    if (strcmp(kind, "EXPR_SUBLINK") == 0) return bind_value(p, body, out);
    if (strcmp(kind, "ANY_SUBLINK") == 0) {
        if (is_plain_list(p, body)) {
            pc_error ignored = {0};
            pc_error *err = b->err;
            b->err = &ignored;
            const pc_status status = pc_bind_in_select(b, body, out);
            b->err = err;
            if (status == PC_OK || status == PC_NO_MEMORY) return status;
        }
        return bind_any(p, body, op == NULL ? "=" : op, !is_whole_condition(p, body), out);
    }
    if (strcmp(kind, "ALL_SUBLINK") == 0) {
        if (op == NULL || opposite(op) == NULL) return refuse_kind(b, body, "this ALL");
        const pc_expr *any;
        PC_TRY(bind_any(p, body, opposite(op), true, &any));
        return pc_make_call(b, PC_FN_NOT, PC_BOOL, 0, 0, &any, 1, NULL, out);
    }
    return refuse_kind(b, body, strcmp(kind, "ARRAY_SUBLINK") == 0 ? "ARRAY (SELECT ...)" : kind);
}
