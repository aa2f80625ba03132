/** SQL text to a query: the whole of the planner. */
#include "plan_private.h"

static pc_status open_planner(pc_sql_planner *p)
{
    p->plan = pc_arena_take(p->arena, sizeof *p->plan, p->err);
    p->aggregate = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->aggregate, p->err);
    p->key = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->key, p->err);
    p->output = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->output, p->err);
    p->field = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->field, p->err);
    p->is_cell = pc_arena_array(p->arena, PC_SQL_OUTPUTS, sizeof *p->is_cell, p->err);
    if (p->plan == NULL || p->aggregate == NULL || p->key == NULL || p->output == NULL ||
        p->field == NULL || p->is_cell == NULL) {
        return PC_NO_MEMORY;
    }
    pc_sql_open_scope(p);
    p->binder.scope = &p->scope;
    return PC_OK;
}

static pc_status plan_text(pc_sql_planner *p, const pc_query **out)
{
    static const char *const allowed[] = {"fromClause",   "whereClause",    "groupClause",
                                          "havingClause", "sortClause",     "limitCount",
                                          "limitOffset",  "distinctClause", NULL};
    const cJSON *select = p->binder.text->select;
    PC_TRY(pc_refuse_clauses(&p->binder, select, allowed));
    const char *option = pc_node_text(select, "limitOption");
    if (option != NULL && option[sizeof "LIMIT_OPTION_" - 1] == 'W') {
        return pc_bind_fail(&p->binder, -1, PC_UNSUPPORTED, "FETCH FIRST WITH TIES is not offered");
    }
    PC_TRY(open_planner(p));
    PC_TRY(pc_sql_plan_from(p, select));
    pc_plan *scan = pc_arena_take(p->arena, sizeof *scan, p->err);
    pc_query *query = pc_arena_take(p->arena, sizeof *query, p->err);
    if (scan == NULL || query == NULL) return PC_NO_MEMORY;
    *scan =
        (pc_plan){.kind = PC_PLAN_SCAN,
                  .of.scan = {p->plan, p->traits.reads_patients ? -1 : p->plan->relation[0].table}};
    PC_TRY(pc_sql_plan_select(p, select, scan, query));
    *out = query;
    return PC_OK;
}

pc_status pc_sql_plan(const char *sql, const pc_catalog *catalog, bool protect, pc_arena *arena,
                      const pc_query **out, pc_error *err)
{
    pc_sql_text text;
    PC_TRY(pc_sql_text_parse(sql, "query", false, &text, err));
    pc_sql_planner *p = pc_arena_take(arena, sizeof *p, err);
    pc_status status = PC_NO_MEMORY;
    if (p != NULL) {
        *p = (pc_sql_planner){.catalog = catalog, .protect = protect, .arena = arena, .err = err};
        p->binder = (pc_binder){.text = &text, .arena = arena, .err = err};
        status = plan_text(p, out);
    }
    pc_sql_text_free(&text);
    return status;
}
