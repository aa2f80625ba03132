/** FROM and WHERE: tables, subqueries, and the conditions between them. */
#include <string.h>
#include <strings.h>
#include "plan_private.h"

static pc_status add_conjunct(pc_sql_planner *p, const pc_sql_conjunct *made)
{
    if (p->conjunct_count == PC_SQL_CONJUNCTS) {
        return pc_bind_fail(&p->binder, made->location, PC_UNSUPPORTED,
                            "a query has at most %d conditions joined by AND", PC_SQL_CONJUNCTS);
    }
    p->conjunct[p->conjunct_count++] = *made;
    return PC_OK;
}

pc_status pc_sql_add_bound(pc_sql_planner *p, const pc_expr *x, int owner)
{
    if (x->kind == PC_EXPR_CALL && pc_function_which(x->function) == PC_FN_AND) {
        for (int i = 0; i < x->arg_count; i++) {
            PC_TRY(pc_sql_add_bound(p, x->arg[i], owner));
        }
        return PC_OK;
    }
    const pc_sql_conjunct made = {.bound = x, .owner = owner, .location = -1};
    return add_conjunct(p, &made);
}

pc_status pc_sql_add_test(pc_sql_planner *p, const pc_expr *x, int owner)
{
    const pc_sql_conjunct made = {.bound = x, .owner = owner, .location = -1};
    return add_conjunct(p, &made);
}

// The place of a column node; source -1: it is none, or not known here.
static pc_status resolve_node(pc_sql_planner *p, const cJSON *node, pc_sql_place *out)
{
    *out = (pc_sql_place){-1, 0};
    if (!pc_node_is(node, "ColumnRef")) return PC_OK;
    const cJSON *fields = pc_node_get(pc_node_body(node), "fields");
    const int count = cJSON_GetArraySize(fields);
    const char *name = pc_node_string(cJSON_GetArrayItem(fields, count - 1));
    if (name == NULL || count > 2) return PC_OK;
    const char *qualifier = count == 2 ? pc_node_string(cJSON_GetArrayItem(fields, 0)) : NULL;
    const int location = pc_node_location(node);
    const pc_status status = pc_sql_resolve(p, qualifier, name, out, p->err);
    if (status == PC_OK) return PC_OK;
    *out = (pc_sql_place){-1, 0};
    if (p->outer != NULL) return PC_OK; // perhaps of the query around: binding tells
    pc_error_prefix(p->err, "%s: character %d", p->binder.text->what,
                    pc_sql_position(p->binder.text, location));
    return status;
}

// Splits a condition at its ANDs; equalities of two columns are known by their places.
static pc_status add_condition(pc_sql_planner *p, const cJSON *node, int owner)
{
    const cJSON *body = pc_node_body(node);
    const char *op = pc_node_is(node, "BoolExpr") ? pc_node_text(body, "boolop") : NULL;
    if (op != NULL && strcmp(op, "AND_EXPR") == 0) {
        const cJSON *part;
        cJSON_ArrayForEach(part, pc_node_get(body, "args"))
        {
            PC_TRY(add_condition(p, part, owner));
        }
        return PC_OK;
    }
    pc_sql_conjunct made = {.node = node, .owner = owner, .location = pc_node_location(node)};
    const char *kind = pc_node_is(node, "A_Expr") ? pc_node_text(body, "kind") : "";
    if (strcmp(kind, "AEXPR_OP") == 0 &&
        strcmp(pc_node_name(pc_node_get(body, "name")), "=") == 0) {
        PC_TRY(resolve_node(p, pc_node_get(body, "lexpr"), &made.left));
        PC_TRY(resolve_node(p, pc_node_get(body, "rexpr"), &made.right));
        made.is_equality = made.left.source >= 0 && made.right.source >= 0 &&
                           made.left.source != made.right.source;
    }
    return add_conjunct(p, &made);
}

static pc_status add_source(pc_sql_planner *p, const pc_sql_source *made)
{
    if (p->source_count == PC_SQL_SOURCES) {
        return pc_bind_fail(&p->binder, made->location, PC_UNSUPPORTED,
                            "a query joins at most %d tables", PC_SQL_SOURCES);
    }
    for (int i = 0; i < p->source_count && made->alias != NULL; i++) {
        if (p->source[i].alias == NULL || strcasecmp(p->source[i].alias, made->alias) != 0) {
            continue;
        }
        return pc_bind_fail(&p->binder, made->location, PC_BAD_JOB,
                            "the table name %s is used twice: give one an alias", made->alias);
    }
    pc_sql_source *s = &p->source[p->source_count++];
    *s = *made;
    s->scan = -1;
    s->relation = -1;
    return PC_OK;
}

pc_status pc_sql_add_subquery(pc_sql_planner *p, const pc_sql_relation *relation, const char *alias,
                              int location, pc_join join, int *out)
{
    pc_sql_relation *kept = pc_arena_take(p->arena, sizeof *kept, p->err);
    const char **name =
        pc_arena_array(p->arena, (size_t)relation->visible_count + 1, sizeof *name, p->err);
    if (kept == NULL || name == NULL) return PC_NO_MEMORY;
    *kept = *relation;
    for (int i = 0; i < relation->visible_count; i++) {
        name[i] = relation->plan->schema.field[i].name;
    }
    const pc_sql_source made = {.alias = alias,
                                .table = -1,
                                .relation_of = kept,
                                .column_name = name,
                                .location = location,
                                .join = join};
    *out = p->source_count;
    return add_source(p, &made);
}

// t(a, b): other names for the first columns.
static pc_status rename_columns(pc_sql_planner *p, int source, const cJSON *alias)
{
    const cJSON *names = pc_node_get(alias, "colnames");
    pc_sql_source *s = &p->source[source];
    const int count = cJSON_GetArraySize(names);
    if (count == 0) return PC_OK;
    if (s->relation_of == NULL || count > s->relation_of->visible_count) {
        return pc_bind_fail(
            &p->binder, s->location, s->relation_of == NULL ? PC_UNSUPPORTED : PC_BAD_JOB,
            s->relation_of == NULL ? "%s: new names for the columns of a table are not offered"
                                   : "%s: there are more names than columns",
            s->alias);
    }
    for (int i = 0; i < count; i++) {
        const char *name = pc_node_string(cJSON_GetArrayItem(names, i));
        s->column_name[i] = pc_arena_text(p->arena, name, strlen(name), p->err);
        if (s->column_name[i] == NULL) return PC_NO_MEMORY;
    }
    return PC_OK;
}

static const pc_sql_relation *find_with(const pc_sql_planner *p, const char *name)
{
    for (const pc_sql_with *w = p->with; w != NULL; w = w->before) {
        if (strcmp(w->name, name) == 0) return w->relation;
    }
    return NULL;
}

static pc_status unknown_table(pc_sql_planner *p, const char *name, int location)
{
    const pc_model *model = p->catalog->model;
    const char *known[256];
    size_t count = 0;
    for (const pc_sql_with *w = p->with; w != NULL && count < 64; w = w->before) {
        known[count++] = w->name;
    }
    for (int i = 0; i < model->table_count && count < 256; i++) {
        known[count++] = model->table[i].name;
    }
    const char *nearest = pc_nearest_name(name, known, count);
    return pc_bind_unknown(&p->binder, location, PC_BAD_JOB, nearest, "unknown table %s", name);
}

static pc_status add_table(pc_sql_planner *p, const cJSON *body, int location, pc_join join)
{
    const char *name = pc_node_text(body, "relname");
    const cJSON *alias_node = pc_node_get(body, "alias");
    const char *alias = pc_node_text(alias_node, "aliasname");
    if (alias == NULL) alias = name;
    const char *written = pc_sql_range_name(body, p->arena, p->err);
    if (written == NULL) return PC_NO_MEMORY;
    const pc_sql_relation *with = find_with(p, written);
    int source = p->source_count;
    if (with != NULL) {
        PC_TRY(pc_sql_add_subquery(p, with, alias, location, join, &source));
        return rename_columns(p, source, alias_node);
    }
    const int table = pc_model_find_table(p->catalog->model, pc_span_of(written));
    if (table < 0) return unknown_table(p, written, location);
    const pc_sql_source made = {.alias = alias, .table = table, .location = location, .join = join};
    PC_TRY(add_source(p, &made));
    return rename_columns(p, source, alias_node);
}

static pc_status add_range(pc_sql_planner *p, const cJSON *node, pc_join join)
{
    const cJSON *body = pc_node_body(node);
    const int location = pc_node_location(node);
    if (pc_node_is(node, "RangeVar")) return add_table(p, body, location, join);
    if (pc_node_is(node, "RangeSubselect")) {
        const int source = p->source_count;
        PC_TRY(pc_sql_add_range_subquery(p, body, join, location));
        return rename_columns(p, source, pc_node_get(body, "alias"));
    }
    if (pc_node_is(node, "RangeFunction")) {
        const int source = p->source_count;
        PC_TRY(pc_sql_add_net(p, body, location));
        return rename_columns(p, source, pc_node_get(body, "alias"));
    }
    return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "this in FROM is not offered");
}

/** Sources first .. end - 1: one side of a join. */
typedef struct side {
    int first, end;
} side;

static pc_status find_on_side(pc_sql_planner *p, side of, const char *name, pc_sql_place *out)
{
    const int first = p->first_source, count = p->source_count;
    p->first_source = of.first;
    p->source_count = of.end;
    const pc_status status = pc_sql_resolve(p, NULL, name, out, p->err);
    p->first_source = first;
    p->source_count = count;
    return status;
}

static pc_status missing_name(pc_sql_planner *p, const char *name, int location)
{
    enum { NAMES_COMPARED = 2048 };
    const char **known = pc_arena_array(p->arena, NAMES_COMPARED, sizeof *known, p->err);
    if (known == NULL) return PC_NO_MEMORY;
    int count = p->scope.names(&p->scope, known, NAMES_COMPARED);
    if (count > NAMES_COMPARED) count = NAMES_COMPARED;
    const char *nearest = pc_nearest_name(name, known, (size_t)count);
    // A column that is in one of them only is no help.
    if (nearest != NULL && pc_span_equal_nocase(pc_span_of(nearest), pc_span_of(name))) {
        nearest = NULL;
    }
    return pc_bind_unknown(&p->binder, location, PC_BAD_JOB, nearest,
                           "USING (%s): the column is not in both tables", name);
}

static pc_status join_by_name(pc_sql_planner *p, side left, side right, const char *name, int owner,
                              int location)
{
    pc_sql_place before;
    pc_sql_place here = {-1, 0};
    pc_status status = find_on_side(p, left, name, &before);
    if (status == PC_OK) status = find_on_side(p, right, name, &here);
    if (status != PC_OK) {
        return pc_bind_fail(&p->binder, location, status, "USING: %s", p->err->text);
    }
    if (before.source < 0 || here.source < 0) {
        return missing_name(p, name, location);
    }
    const pc_sql_conjunct made = {
        .owner = owner, .is_equality = true, .left = before, .right = here, .location = location};
    PC_TRY(add_conjunct(p, &made));
    p->using_name[p->using_count++] = name;
    return PC_OK;
}

static pc_status add_join(pc_sql_planner *p, const cJSON *node);

static pc_status add_from_item(pc_sql_planner *p, const cJSON *node)
{
    return pc_node_is(node, "JoinExpr") ? add_join(p, node) : add_range(p, node, PC_JOIN_INNER);
}

// The source whose rows may be missing, or -1; a join that is not offered is refused.
static pc_status find_owner(pc_sql_planner *p, const char *type, side left, side right,
                            int location, int *owner)
{
    *owner = -1;
    if (strcmp(type, "JOIN_INNER") == 0) return PC_OK;
    const bool is_left = strcmp(type, "JOIN_LEFT") == 0;
    if (!is_left && strcmp(type, "JOIN_RIGHT") != 0) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "%s JOIN is not offered",
                            type + strlen("JOIN_"));
    }
    const side optional = is_left ? right : left;
    if (optional.end - optional.first != 1) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "the optional side of a %s JOIN is one table or subquery: put the join "
                            "of several in a subquery",
                            type + strlen("JOIN_"));
    }
    *owner = optional.first;
    p->source[*owner].join = PC_JOIN_LEFT;
    for (int i = 0; i < p->conjunct_count; i++) { // what a LATERAL subquery is joined by
        pc_sql_conjunct *c = &p->conjunct[i];
        if (c->bound != NULL && c->owner < 0 && c->lateral == *owner + 1) c->owner = *owner;
    }
    return PC_OK;
}

// Joins nest as deep as there are tables.
static pc_status add_join(pc_sql_planner *p, const cJSON *node)
{
    const cJSON *body = pc_node_body(node);
    const cJSON *right_node = pc_node_get(body, "rarg");
    const int location = pc_node_location(right_node);
    if (pc_node_bool(body, "isNatural")) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED, "NATURAL JOIN is not offered");
    }
    if (pc_node_get(body, "alias") != NULL) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "an alias of a whole join is not offered");
    }
    side left = {.first = p->source_count};
    PC_TRY(add_from_item(p, pc_node_get(body, "larg")));
    side right = {.first = left.end = p->source_count};
    PC_TRY(add_from_item(p, right_node));
    right.end = p->source_count;
    int owner;
    PC_TRY(find_owner(p, pc_node_text(body, "jointype"), left, right, location, &owner));
    const cJSON *names = pc_node_get(body, "usingClause");
    const cJSON *name;
    cJSON_ArrayForEach(name, names)
    {
        PC_TRY(join_by_name(p, left, right, pc_node_string(name), owner, location));
    }
    const cJSON *quals = pc_node_get(body, "quals");
    return quals == NULL ? PC_OK : add_condition(p, quals, owner);
}

static pc_sql_people more_of(pc_sql_people a, pc_sql_people b)
{
    return a > b ? a : b;
}

// Whose the rows of FROM are: of one patient each when some source's are, else of groups.
static void find_people(pc_sql_planner *p)
{
    p->people = PC_SQL_NOBODY;
    bool has_one = false;
    for (int i = 0; i < p->source_count; i++) {
        const pc_sql_source *s = &p->source[i];
        pc_sql_people people = s->relation_of != NULL ? s->relation_of->people : PC_SQL_NOBODY;
        if (s->table >= 0 && pc_sql_is_patient_table(p, i)) people = PC_SQL_ONE;
        if (people == PC_SQL_ONE && s->join != PC_JOIN_MARK) has_one = true;
        // The slots of guests are not those of the rows.
        const bool is_guest =
            people == PC_SQL_ONE && s->join != PC_JOIN_MARK && pc_sql_is_guest(p, i);
        p->people = more_of(p->people, is_guest ? PC_SQL_LOOSE : people);
        if (people != PC_SQL_NOBODY) p->job->traits.reads_patients = true;
    }
    if (p->people == PC_SQL_GROUPS && has_one) p->people = PC_SQL_ONE;
}

pc_status pc_sql_plan_from(pc_sql_planner *p, const cJSON *select)
{
    const cJSON *from = pc_node_get(select, "fromClause");
    p->conjunct = pc_arena_array(p->arena, PC_SQL_CONJUNCTS, sizeof *p->conjunct, p->err);
    p->outer_condition =
        pc_arena_array(p->arena, PC_SQL_CONJUNCTS, sizeof *p->outer_condition, p->err);
    if (p->conjunct == NULL || p->outer_condition == NULL) return PC_NO_MEMORY;
    const cJSON *item;
    cJSON_ArrayForEach(item, from)
    {
        PC_TRY(add_from_item(p, item));
    }
    const cJSON *where = pc_node_get(select, "whereClause");
    if (where != NULL) PC_TRY(add_condition(p, where, -1));
    PC_TRY(pc_sql_link(p));
    PC_TRY(pc_sql_bind_rest(p));
    find_people(p);
    return PC_OK;
}
