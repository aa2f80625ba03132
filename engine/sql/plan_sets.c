/** GROUPING SETS, ROLLUP and CUBE: the sets of keys that they mean (PostgreSQL, 7.2.4). */
#include <string.h>
#include "plan_private.h"

typedef pc_status (*bind_item)(pc_sql_planner *p, const cJSON *node, const pc_expr **out);

/** Sets of keys: bits of a word. */
typedef struct sets {
    int count;
    uint64_t set[PC_SQL_SETS];
} sets;

bool pc_sql_has_sets(const cJSON *list)
{
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        if (pc_node_is(node, "GroupingSet")) return true;
    }
    return false;
}

static pc_status too_many(pc_sql_planner *p, const cJSON *node)
{
    return pc_bind_fail(&p->binder, pc_node_location(node), PC_UNSUPPORTED,
                        "a query has at most %d grouping sets, of at most %d keys", PC_SQL_SETS,
                        PC_SQL_SETS);
}

// The keys of an item, as bits: one, or those of a list in brackets.
static pc_status read_keys(pc_sql_planner *p, const cJSON *node, bind_item bind, uint64_t *out)
{
    *out = 0;
    if (pc_node_is(node, "RowExpr")) {
        const cJSON *part;
        cJSON_ArrayForEach(part, pc_node_get(pc_node_body(node), "args"))
        {
            uint64_t one;
            PC_TRY(read_keys(p, part, bind, &one));
            *out |= one;
        }
        return PC_OK;
    }
    const pc_expr *x;
    PC_TRY(bind(p, node, &x));
    PC_TRY(pc_sql_add_key(p, x, pc_node_location(node)));
    int at = 0;
    while (!pc_expr_equal(p->key[at], x)) {
        at++;
    }
    if (at >= PC_SQL_SETS) return too_many(p, node);
    *out = UINT64_C(1) << at;
    return PC_OK;
}

static pc_status add_set(pc_sql_planner *p, const cJSON *node, sets *out, uint64_t set)
{
    if (out->count == PC_SQL_SETS) return too_many(p, node);
    out->set[out->count++] = set;
    return PC_OK;
}

// ROLLUP (a, b): (a, b), (a), (). CUBE (a, b): every choice of its items.
static pc_status add_rollup(pc_sql_planner *p, const cJSON *node, const sets *item, bool is_cube,
                            sets *out)
{
    if (is_cube && item->count > 6) return too_many(p, node);
    const int count = is_cube ? 1 << item->count : item->count + 1;
    for (int i = 0; i < count; i++) {
        uint64_t set = 0;
        for (int k = 0; k < item->count; k++) {
            const bool is_in =
                is_cube ? (i >> (item->count - 1 - k) & 1) == 0 : k + i < item->count;
            if (is_in) set |= item->set[k];
        }
        PC_TRY(add_set(p, node, out, set));
    }
    return PC_OK;
}

// The sets of an item of GROUP BY. Sets of sets are as deep as they are written.
static pc_status read_item(pc_sql_planner *p, const cJSON *node, bind_item bind, sets *out)
{
    const cJSON *body = pc_node_body(node);
    uint64_t one;
    if (!pc_node_is(node, "GroupingSet")) {
        PC_TRY(read_keys(p, node, bind, &one));
        return add_set(p, node, out, one);
    }
    const char *kind = pc_node_text(body, "kind");
    if (strcmp(kind, "GROUPING_SET_EMPTY") == 0) return add_set(p, node, out, 0);
    const cJSON *part;
    if (strcmp(kind, "GROUPING_SET_SETS") == 0) {
        cJSON_ArrayForEach(part, pc_node_get(body, "content"))
        {
            PC_TRY(read_item(p, part, bind, out));
        }
        return PC_OK;
    }
    sets item = {0};
    cJSON_ArrayForEach(part, pc_node_get(body, "content"))
    {
        PC_TRY(read_keys(p, part, bind, &one));
        PC_TRY(add_set(p, part, &item, one));
    }
    return add_rollup(p, node, &item, strcmp(kind, "GROUPING_SET_CUBE") == 0, out);
}

// Items multiply: each set of one with each of the next.
pc_status pc_sql_bind_sets(pc_sql_planner *p, const cJSON *list, bind_item bind)
{
    sets all = {.count = 1};
    const cJSON *node;
    cJSON_ArrayForEach(node, list)
    {
        sets item = {0}, product = {0};
        PC_TRY(read_item(p, node, bind, &item));
        for (int i = 0; i < all.count; i++) {
            for (int k = 0; k < item.count; k++) {
                PC_TRY(add_set(p, node, &product, all.set[i] | item.set[k]));
            }
        }
        all = product;
    }
    p->set = pc_arena_array(p->arena, PC_SQL_SETS, sizeof *p->set, p->err);
    if (p->set == NULL) return PC_NO_MEMORY;
    memcpy(p->set, all.set, sizeof all.set);
    p->set_count = all.count;
    return PC_OK;
}

// GROUPING(a, b) is bound before the sets are known: a column that stands for it, until they are.
pc_status pc_sql_bind_grouping(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    pc_sql_planner *p = b->context;
    const int location = pc_node_int(body, "location");
    static const pc_field field = {.name = "grouping", .type = PC_INT};
    const int arg_count = cJSON_GetArraySize(pc_node_get(body, "args"));
    if (arg_count > 31 || p->grouping_count == PC_SQL_SETS) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "GROUPING takes at most 31 arguments, and stands at most %d times",
                            PC_SQL_SETS);
    }
    const int at = p->grouping_count++;
    p->grouping[at] = body;
    return pc_expr_column(PC_SQL_SET + 1 + at, &field, pc_sql_position(b->text, location), b->arena,
                          out, b->err);
}

// Bits of the arguments that set `set` leaves out, the last argument lowest.
static pc_status bits_left_out(pc_sql_planner *p, const cJSON *body, int set, int64_t *out)
{
    const cJSON *node;
    *out = 0;
    cJSON_ArrayForEach(node, pc_node_get(body, "args"))
    {
        const pc_expr *x;
        PC_TRY(pc_bind_typed(&p->binder, node, &x));
        int at = 0;
        while (at < p->key_count && !pc_expr_equal(p->key[at], x)) {
            at++;
        }
        if (at == p->key_count) {
            return pc_bind_fail(&p->binder, pc_node_location(node), PC_BAD_JOB,
                                "the arguments of GROUPING must stand in GROUP BY");
        }
        const bool is_kept = p->set_count == 0 || (p->set[set] >> at & 1) != 0;
        *out = *out * 2 + (is_kept ? 0 : 1);
    }
    return PC_OK;
}

pc_status pc_sql_grouping(pc_sql_planner *p, int at, const pc_expr **out)
{
    const int count = p->set_count == 0 ? 1 : p->set_count;
    const pc_expr **arg = pc_arena_array(p->arena, 2 * (size_t)count, sizeof *arg, p->err);
    static const pc_field field = {.name = "set", .type = PC_INT};
    if (arg == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) { // CASE WHEN set = 0 THEN ... ELSE that of the last set
        int64_t value;
        const pc_expr *both[2];
        PC_TRY(bits_left_out(p, p->grouping[at], i, &value));
        if (i == count - 1) {
            PC_TRY(pc_make_int(&p->binder, value, &arg[2 * i]));
            continue;
        }
        PC_TRY(pc_expr_column(PC_SQL_SET, &field, 0, p->arena, &both[0], p->err));
        PC_TRY(pc_make_int(&p->binder, i, &both[1]));
        PC_TRY(pc_make_call(&p->binder, PC_FN_EQUAL, PC_BOOL, 0, 0, both, 2, NULL, &arg[2 * i]));
        PC_TRY(pc_make_int(&p->binder, value, &arg[2 * i + 1]));
    }
    *out = arg[0];
    if (count == 1) return PC_OK;
    return pc_make_call(&p->binder, PC_FN_CASE, PC_INT, 0, 0, arg, 2 * count - 1, NULL, out);
}
