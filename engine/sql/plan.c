/** SQL text to a query: WITH, SELECTs and set operations, and the whole. */
#include <string.h>
#include "plan_private.h"

pc_status pc_sql_add_node(pc_sql_job *job, const pc_plan *made, const pc_plan **root)
{
    pc_plan *node = pc_arena_take(job->arena, sizeof *node, job->err);
    if (node == NULL) return PC_NO_MEMORY;
    *node = *made;
    const bool is_leaf =
        made->kind == PC_PLAN_SCAN || made->kind == PC_PLAN_VALUES || made->kind == PC_PLAN_ROWS;
    if (!is_leaf) {
        const pc_spread in = (*root)->spread;
        const bool puts_together = made->kind == PC_PLAN_AGGREGATE ||
                                   made->kind == PC_PLAN_DISTINCT || made->kind == PC_PLAN_SORT ||
                                   made->kind == PC_PLAN_WINDOW;
        node->input = *root;
        node->spread = made->kind == PC_PLAN_SHARE       ? PC_SPREAD_WHOLE
                       : made->kind == PC_PLAN_EXCHANGE  ? PC_SPREAD_PARTS
                       : puts_together && !made->by_slot ? PC_SPREAD_ROOT
                                                         : in;
        if (node->schema.field == NULL) node->schema = (*root)->schema;
    }
    *root = node;
    return PC_OK;
}

pc_status pc_sql_share(pc_sql_job *job, const pc_plan **plan)
{
    const pc_plan made = {.kind = PC_PLAN_SHARE};
    return pc_sql_add_node(job, &made, plan);
}

pc_status pc_sql_exchange(pc_sql_job *job, const int *key, int key_count, const pc_plan **plan)
{
    const pc_plan split = {.kind = PC_PLAN_SPLIT, .of.split = {key_count, key}};
    const pc_plan exchange = {.kind = PC_PLAN_EXCHANGE};
    PC_TRY(pc_sql_add_node(job, &split, plan));
    return pc_sql_add_node(job, &exchange, plan);
}

pc_status pc_sql_open_planner(pc_sql_planner *p, pc_sql_job *job, pc_sql_planner *outer,
                              const pc_sql_with *with)
{
    *p = (pc_sql_planner){.job = job,
                          .catalog = job->catalog,
                          .arena = job->arena,
                          .err = job->err,
                          .outer = outer,
                          .with = with,
                          .is_exists = job->is_exists};
    job->is_exists = false; // of its own subqueries it is not asked
    p->aggregate = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->aggregate, p->err);
    p->key = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->key, p->err);
    p->output = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->output, p->err);
    p->output_field = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->output_field, p->err);
    p->is_cell = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->is_cell, p->err);
    if (p->aggregate == NULL || p->key == NULL || p->output == NULL || p->output_field == NULL ||
        p->is_cell == NULL) {
        return PC_NO_MEMORY;
    }
    pc_sql_open_scope(p);
    p->binder = (pc_binder){.scope = &p->scope,
                            .text = job->text,
                            .arena = job->arena,
                            .err = job->err,
                            .subquery = pc_sql_bind_subquery,
                            .grouping = pc_sql_bind_grouping,
                            .context = p};
    return PC_OK;
}

static pc_status plan_core(pc_sql_job *job, const cJSON *select, pc_sql_planner *outer,
                           const pc_sql_with *with, pc_sql_relation *out)
{
    static const char *const allowed[] = {"withClause",     "fromClause",    "whereClause",
                                          "groupClause",    "groupDistinct", "havingClause",
                                          "sortClause",     "limitCount",    "limitOffset",
                                          "distinctClause", "windowClause",  NULL};
    pc_sql_planner *p = pc_arena_take(job->arena, sizeof *p, job->err);
    if (p == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_sql_open_planner(p, job, outer, with));
    p->binder.select = select;
    PC_TRY(pc_refuse_clauses(&p->binder, select, allowed));
    const char *option = pc_node_text(select, "limitOption");
    if (option != NULL && option[sizeof "LIMIT_OPTION_" - 1] == 'W') {
        return pc_bind_fail(&p->binder, pc_node_location(pc_node_get(select, "limitCount")),
                            PC_UNSUPPORTED, "FETCH FIRST WITH TIES is not offered");
    }
    PC_TRY(pc_sql_plan_from(p, select));
    return pc_sql_plan_select(p, select, out);
}

// Other names for the first columns of a relation, as a projection of them all.
static pc_status rename_columns(pc_sql_job *job, pc_sql_relation *relation, const cJSON *names,
                                int location)
{
    const int count = cJSON_GetArraySize(names);
    if (count == 0) return PC_OK;
    if (count > relation->visible_count) {
        pc_binder b = {.text = job->text, .arena = job->arena, .err = job->err};
        return pc_bind_fail(&b, location, PC_BAD_JOB, "there are more names than columns");
    }
    const pc_schema *in = &relation->plan->schema;
    pc_field *field =
        pc_arena_array(job->arena, (size_t)in->field_count + 1, sizeof *field, job->err);
    const pc_expr **expr =
        pc_arena_array(job->arena, (size_t)in->field_count + 1, sizeof *expr, job->err);
    if (field == NULL || expr == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < in->field_count; i++) {
        field[i] = in->field[i];
        PC_TRY(pc_expr_column(i, &in->field[i], 0, job->arena, &expr[i], job->err));
        if (i >= count) continue;
        const char *name = pc_node_string(cJSON_GetArrayItem(names, i));
        field[i].name = pc_arena_text(job->arena, name, strlen(name), job->err);
        if (field[i].name == NULL) return PC_NO_MEMORY;
    }
    const pc_plan made = {.kind = PC_PLAN_PROJECT,
                          .schema = {in->field_count, field},
                          .of.project = {in->field_count, expr}};
    return pc_sql_add_node(job, &made, &relation->plan);
}

// The names of WITH, each known to those behind it.
static pc_status plan_with(pc_sql_job *job, const cJSON *clause, const pc_sql_with **with)
{
    pc_binder b = {.text = job->text, .arena = job->arena, .err = job->err};
    if (pc_node_bool(clause, "recursive")) {
        return pc_bind_fail(&b, pc_node_int(clause, "location"), PC_UNSUPPORTED,
                            "WITH RECURSIVE is not offered");
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, pc_node_get(clause, "ctes"))
    {
        const cJSON *body = pc_node_body(item);
        const cJSON *query = pc_node_get(body, "ctequery");
        const cJSON *names = pc_node_get(body, "aliascolnames");
        pc_sql_with *made = pc_arena_take(job->arena, sizeof *made, job->err);
        pc_sql_relation *relation = pc_arena_take(job->arena, sizeof *relation, job->err);
        if (made == NULL || relation == NULL) return PC_NO_MEMORY;
        if (!pc_node_is(query, "SelectStmt")) {
            return pc_bind_fail(&b, pc_node_int(body, "location"), PC_UNSUPPORTED,
                                "WITH holds SELECTs only");
        }
        const char *name = pc_node_text(body, "ctename");
        *relation = (pc_sql_relation){.patients = -1};
        PC_TRY(pc_sql_plan_query(job, pc_node_body(query), NULL, *with, relation));
        PC_TRY(rename_columns(job, relation, names, pc_node_int(body, "location")));
        *made = (pc_sql_with){.relation = relation, .before = *with};
        made->name = pc_arena_text(job->arena, name, strlen(name), job->err);
        if (made->name == NULL) return PC_NO_MEMORY;
        *with = made;
    }
    return PC_OK;
}

pc_status pc_sql_plan_query(pc_sql_job *job, const cJSON *select, pc_sql_planner *outer,
                            const pc_sql_with *with, pc_sql_relation *out)
{
    if (job->depth == PC_SQL_DEPTH) {
        return PC_FAIL(job->err, PC_UNSUPPORTED,
                       "%s: subqueries are nested more than %d levels deep", job->text->what,
                       PC_SQL_DEPTH - 1);
    }
    job->depth++;
    const cJSON *clause = pc_node_get(select, "withClause");
    pc_status status = PC_OK;
    if (clause != NULL) {
        job->depth++; // a name of WITH is a subquery
        const bool is_exists = job->is_exists;
        job->is_exists = false;
        status = plan_with(job, clause, &with);
        job->is_exists = is_exists;
        job->depth--;
    }
    const char *op = pc_node_text(select, "op");
    if (status != PC_OK) {
        // said already
    } else if (op != NULL && strcmp(op, "SETOP_NONE") != 0) {
        job->is_exists = false;
        status = pc_sql_plan_union(job, select, with, out);
    } else if (pc_node_get(select, "valuesLists") != NULL) {
        job->is_exists = false;
        status = pc_sql_plan_values(job, select, with, out);
    } else {
        status = plan_core(job, select, outer, with, out);
    }
    job->depth--;
    return status;
}

// Conditions to the scans, and no columns that nobody asks for: of the query, and of its subqueries
// that are values.
static pc_status slim(pc_sql_job *job, const pc_plan **root)
{
    pc_sql_pushed *pushed = pc_arena_take(job->arena, sizeof *pushed, job->err);
    if (pushed == NULL) return PC_NO_MEMORY;
    pushed->job = job;
    for (int i = 0; i < job->scalar_count; i++) {
        PC_TRY(pc_sql_push(pushed, &job->scalar[i].plan));
        PC_TRY(pc_sql_prune(job, job->scalar[i].plan));
    }
    PC_TRY(pc_sql_push(pushed, root));
    return pc_sql_prune(job, *root);
}

static pc_status plan_text(pc_sql_job *job, const pc_sql_with *with, const pc_query **out)
{
    pc_query *query = pc_arena_take(job->arena, sizeof *query, job->err);
    job->scalar = pc_arena_array(job->arena, PC_SQL_SCALARS, sizeof *job->scalar, job->err);
    if (query == NULL || job->scalar == NULL) return PC_NO_MEMORY;
    pc_sql_relation whole = {.patients = -1};
    PC_TRY(pc_sql_plan_query(job, job->text->select, NULL, with, &whole));
    for (int i = 0; i < whole.visible_count; i++) {
        if (whole.plan->schema.field[i].type != PC_KEY) continue;
        return PC_FAIL(job->err, PC_BAD_JOB,
                       "%s: a model key can be joined and counted, but not selected",
                       job->text->what);
    }
    PC_TRY(slim(job, &whole.plan));
    *query = (pc_query){.root = whole.plan,
                        .scalar_count = job->scalar_count,
                        .scalar = job->scalar,
                        .is_cell = whole.is_cell,
                        .visible_count = whole.visible_count,
                        .patients_column = whole.patients,
                        .traits = job->traits};
    *out = query;
    return PC_OK;
}

pc_status pc_sql_plan_with(const char *sql, const pc_catalog *catalog, const pc_row_source *source,
                           int source_count, bool protect, pc_arena *arena, const pc_query **out,
                           pc_error *err)
{
    pc_sql_text text;
    PC_TRY(pc_sql_text_parse(sql, "query", false, &text, err));
    pc_sql_job job = {
        .catalog = catalog, .protect = protect, .text = &text, .arena = arena, .err = err};
    const pc_sql_with *with = NULL;
    pc_status status = pc_sql_name_sources(&job, source, source_count, &with);
    if (status == PC_OK) status = plan_text(&job, with, out);
    pc_sql_text_free(&text);
    return status;
}

pc_status pc_sql_plan(const char *sql, const pc_catalog *catalog, bool protect, pc_arena *arena,
                      const pc_query **out, pc_error *err)
{
    return pc_sql_plan_with(sql, catalog, NULL, 0, protect, arena, out, err);
}
