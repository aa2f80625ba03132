/** net('TABLE' [, DATE]) in FROM: a table of signed lines, netted of reversals. It is the query
 * that the model's netting key means, written as SQL and planned like any subquery: one row a
 * patient and key, with the summed quantity, where that is more than 0; with a date, of the lines
 * that had come by then. Source: traps T18 to T20 of the SNDS (docs/sql.md). */
#include <stdio.h>
#include <string.h>
#include "plan_private.h"

/** The call. */
typedef struct net_call {
    const pc_model_table *table;
    const char *alias;
    bool has_date;
    int32_t until;
} net_call;

static pc_status unknown_table(pc_sql_planner *p, pc_span name, int location)
{
    const pc_model *model = p->catalog->model;
    const char *known[256];
    size_t count = 0;
    for (int i = 0; i < model->table_count && count < 256; i++) {
        if (model->table[i].net.by_count > 0) known[count++] = model->table[i].name;
    }
    const char *text = pc_arena_text(p->arena, name.data, name.bytes, p->err);
    if (text == NULL) return PC_NO_MEMORY;
    return pc_bind_unknown(&p->binder, location, PC_BAD_JOB, pc_nearest_name(text, known, count),
                           "net: %s is not a table", text);
}

static pc_status read_table(pc_sql_planner *p, const cJSON *node, int location, net_call *out)
{
    const pc_expr *x;
    PC_TRY(pc_bind_typed(&p->binder, node, &x));
    if (x->kind != PC_EXPR_CONSTANT || x->constant.is_null || !pc_type_is_text(x->type)) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "net takes the name of a table in quotes");
    }
    const pc_model *model = p->catalog->model;
    const int table = pc_model_find_table(model, x->constant.text);
    if (table >= 0 && model->table[table].net.by_count > 0) {
        out->table = &model->table[table];
        return PC_OK;
    }
    if (table >= 0) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            "net: %s has no netting key in the model", model->table[table].name);
    }
    return unknown_table(p, x->constant.text, location);
}

static pc_status read_date(pc_sql_planner *p, const cJSON *node, int location, net_call *out)
{
    const pc_expr *x;
    if (node == NULL) return PC_OK;
    PC_TRY(pc_bind_node(&p->binder, node, &x));
    if (x->type == PC_NONE) PC_TRY(pc_bring_to(&p->binder, x, PC_DATE, 0, &x));
    const bool is_date = x->kind == PC_EXPR_CONSTANT && x->type == PC_DATE && !x->constant.is_null;
    if (!is_date || out->table->flow < 0) {
        return pc_bind_fail(&p->binder, location, PC_BAD_JOB,
                            is_date ? "net: the model does not say when lines of %s came"
                                    : "net: expected a date behind %s",
                            out->table->name);
    }
    out->has_date = true;
    out->until = (int32_t)x->constant.integer;
    return PC_OK;
}

// The column is the line's own ("r"), or its parent's ("c").
static char owner_of(const net_call *call, const char *column)
{
    return pc_model_find_column(call->table, pc_span_of(column)) >= 0 ? 'r' : 'c';
}

static pc_status write_query(const pc_model *model, const net_call *call, pc_buffer *out,
                             pc_error *err)
{
    const pc_model_table *t = call->table;
    const pc_model_net *net = &t->net;
    bool needs_parent = owner_of(call, net->quantity) == 'c';
    PC_TRY(pc_buffer_print(out, err, "SELECT r.patient"));
    for (int i = 0; i < net->by_count; i++) {
        const char owner = owner_of(call, net->by[i]);
        needs_parent = needs_parent || owner == 'c';
        PC_TRY(pc_buffer_print(out, err, ", %c.%s", owner, net->by[i]));
    }
    const char owner = owner_of(call, net->quantity);
    PC_TRY(pc_buffer_print(out, err, ", sum(%c.%s) AS %s FROM %s r", owner, net->quantity,
                           net->quantity, t->name));
    if (needs_parent && t->parent_key >= 0) {
        const pc_model_key *key = &model->key[t->parent_key];
        PC_TRY(pc_buffer_print(out, err, " LEFT JOIN %s c ON r.%s = c.%s",
                               model->table[key->table].name, key->name, key->name));
    }
    if (call->has_date) {
        char day[16];
        (void)pc_day_format(call->until, day);
        PC_TRY(pc_buffer_print(out, err, " WHERE r.%s <= DATE '%s'", t->column[t->flow].name, day));
    }
    PC_TRY(pc_buffer_print(out, err, " GROUP BY 1"));
    for (int i = 0; i < net->by_count; i++) {
        PC_TRY(pc_buffer_print(out, err, ", %d", i + 2));
    }
    return pc_buffer_print(out, err, " HAVING sum(%c.%s) > 0", owner, net->quantity);
}

static pc_status plan_written(pc_sql_planner *p, const char *sql, pc_sql_relation *out)
{
    pc_sql_job *job = p->job;
    const pc_sql_text *outer = job->text;
    pc_sql_text text;
    PC_TRY(pc_sql_text_parse(sql, "net", false, &text, p->err));
    job->text = &text;
    const pc_status status = pc_sql_plan_query(job, text.select, NULL, NULL, out);
    job->text = outer;
    pc_sql_text_free(&text);
    return status;
}

pc_status pc_sql_add_net(pc_sql_planner *p, const cJSON *body, int location)
{
    const cJSON *functions = pc_node_get(body, "functions");
    const cJSON *list = pc_node_get(pc_node_body(cJSON_GetArrayItem(functions, 0)), "items");
    const cJSON *function = cJSON_GetArrayItem(list, 0);
    const cJSON *call_node = pc_node_body(function);
    const cJSON *args = pc_node_get(call_node, "args");
    const char *name =
        pc_node_is(function, "FuncCall") ? pc_node_name(pc_node_get(call_node, "funcname")) : NULL;
    const int count = cJSON_GetArraySize(args);
    if (name == NULL || strcmp(name, "net") != 0 || count < 1 || count > 2) {
        return pc_bind_fail(&p->binder, location, PC_UNSUPPORTED,
                            "of functions in FROM only net('TABLE'[, DATE '...']) is offered");
    }
    net_call call = {.alias = pc_node_text(pc_node_get(body, "alias"), "aliasname")};
    PC_TRY(read_table(p, cJSON_GetArrayItem(args, 0), location, &call));
    PC_TRY(read_date(p, cJSON_GetArrayItem(args, 1), location, &call));
    pc_buffer sql = {.budget = p->arena->budget};
    pc_sql_relation relation = {.patients = -1};
    pc_status status = write_query(p->catalog->model, &call, &sql, p->err);
    if (status == PC_OK) status = plan_written(p, sql.data, &relation);
    pc_buffer_release(&sql);
    if (status != PC_OK) return status;
    int source;
    return pc_sql_add_subquery(p, &relation, call.alias == NULL ? "net" : call.alias, location,
                               PC_JOIN_INNER, &source);
}
