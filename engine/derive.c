/** Derived columns: the model's SQL rules over the blocks of an ingest. */
#include "parcours/derive.h"
#include <stdio.h>
#include <string.h>
#include "parcours/bind.h"
#include "parcours/function.h"

/** One rule. */
typedef struct rule {
    int table, column;
    pc_row_scope *scope;
    const pc_expr *expr;
    pc_scan *scan;
    pc_expr_state *state;
    const pc_dict *from; ///< dictionary of results that `map` is of
    pc_buffer map;       ///< uint32_t: code of a result to code of the store, PC_DICT_NONE: not yet
} rule;

struct pc_derive {
    pc_catalog catalog;
    pc_arena *arena;
    pc_arena scratch;
    int rule_count;
    rule *rule; ///< [rule_count] in the model's order
};

static const pc_model_column *column_of(const pc_derive *derive, const rule *r)
{
    return &derive->catalog.model->table[r->table].column[r->column];
}

static pc_status compile(pc_derive *derive, rule *r, pc_error *err)
{
    const pc_model_table *t = &derive->catalog.model->table[r->table];
    const pc_model_column *c = column_of(derive, r);
    char what[256];
    (void)snprintf(what, sizeof what, "model '%s': %s.%s", derive->catalog.model->name, t->name,
                   c->name);
    PC_TRY(pc_row_scope_open(&derive->catalog, r->table, derive->arena, &r->scope, err));
    pc_row_scope_hide(r->scope, r->column);
    pc_scope *scope = pc_row_scope_scope(r->scope);
    PC_TRY(pc_bind_expr(scope, c->sql, what, c->type, derive->arena, &r->expr, err));
    if (c->type == PC_DECIMAL && r->expr->scale != c->scale) {
        const pc_call cast = {.id = PC_FN_CAST,
                              .type = PC_DECIMAL,
                              .scale = c->scale,
                              .arg = &r->expr,
                              .arg_count = 1};
        PC_TRY(pc_expr_call(&cast, derive->arena, &r->expr, err));
    }
    pc_budget *budget = derive->arena->budget;
    r->map.budget = budget;
    PC_TRY(pc_expr_state_new(derive->arena, budget, &r->state, err));
    return pc_scan_open(&derive->catalog, pc_row_scope_plan(r->scope), budget, &r->scan, err);
}

pc_status pc_derive_open(const pc_model *model, const pc_dict *const *dict,
                         const pc_column *const *reference, const int64_t *reference_count,
                         pc_arena *arena, pc_derive **out, pc_error *err)
{
    pc_derive *derive = pc_arena_take(arena, sizeof *derive, err);
    if (derive == NULL) return PC_NO_MEMORY;
    derive->catalog = (pc_catalog){
        .model = model, .dict = dict, .reference = reference, .reference_count = reference_count};
    derive->arena = arena;
    derive->scratch.budget = arena->budget;
    derive->rule = pc_arena_array(arena, (size_t)model->rule_count + 1, sizeof *derive->rule, err);
    pc_status status = derive->rule == NULL ? PC_NO_MEMORY : PC_OK;
    for (int i = 0; i < model->rule_count && status == PC_OK; i++) {
        derive->rule_count = i + 1;
        derive->rule[i] = (rule){.table = model->rule[i].table, .column = model->rule[i].column};
        status = compile(derive, &derive->rule[i], err);
    }
    if (status != PC_OK) {
        pc_derive_close(derive);
        return status;
    }
    *out = derive;
    return PC_OK;
}

void pc_derive_close(pc_derive *derive)
{
    if (derive == NULL) return;
    for (int i = 0; i < derive->rule_count; i++) {
        pc_scan_close(derive->rule[i].scan);
        pc_expr_state_free(derive->rule[i].state);
        pc_buffer_release(&derive->rule[i].map);
    }
    derive->rule_count = 0;
    pc_arena_reset(&derive->scratch);
}

static uint8_t stored_width(pc_type type)
{
    switch (type) {
        case PC_BOOL:
            return 1;
        case PC_DATE:
        case PC_CODE:
        case PC_TEXT:
            return 4;
        default:
            return 8;
    }
}

// The map of result codes, with room for every text of the dictionary.
static pc_status prepare_map(rule *r, const pc_dict *dict, pc_error *err)
{
    const size_t bytes = (size_t)dict->count * sizeof(uint32_t);
    if (r->from != dict) r->map.bytes = 0;
    r->from = dict;
    if (r->map.bytes >= bytes) return PC_OK;
    PC_TRY(pc_buffer_reserve(&r->map, bytes, err));
    memset(r->map.data + r->map.bytes, 255, bytes - r->map.bytes);
    r->map.bytes = bytes;
    return PC_OK;
}

static pc_status store_codes(const pc_derive *derive, rule *r, const pc_column *result, int count,
                             uint32_t *to, pc_error *err)
{
    const pc_model_column *c = column_of(derive, r);
    const pc_dict *dict = derive->catalog.dict[c->dict];
    const bool same = result->dict == dict;
    if (!same) PC_TRY(prepare_map(r, result->dict, err));
    uint32_t *map = (uint32_t *)(void *)r->map.data;
    for (int i = 0; i < count; i++) {
        if (pc_column_is_null(result, i)) continue;
        const uint32_t code = (uint32_t)pc_column_int(result, i);
        if (!same && map[code] == PC_DICT_NONE) {
            map[code] = pc_dict_find(dict, pc_dict_text(result->dict, code));
            if (map[code] == PC_DICT_NONE) {
                return PC_FAIL(err, PC_BAD_INPUT,
                               "model '%s': %s.%s: the rule makes a text that its dictionary lacks",
                               derive->catalog.model->name,
                               derive->catalog.model->table[r->table].name, c->name);
            }
        }
        to[i] = same ? code : map[code];
    }
    return PC_OK;
}

static pc_status store_values(const pc_derive *derive, rule *r, const pc_column *result, int count,
                              char *to, pc_error *err)
{
    const pc_type type = column_of(derive, r)->type;
    if (type == PC_CODE || type == PC_TEXT) {
        return store_codes(derive, r, result, count, (uint32_t *)(void *)to, err);
    }
    if (type == PC_FLOAT || type == PC_ID) {
        memcpy(to, result->data, (size_t)count * result->width);
        return PC_OK;
    }
    for (int i = 0; i < count; i++) {
        const int64_t value = pc_column_is_null(result, i) ? 0 : pc_column_int(result, i);
        if (type == PC_BOOL) ((uint8_t *)to)[i] = (uint8_t)value;
        if (type == PC_DATE) ((int32_t *)(void *)to)[i] = (int32_t)value;
        if (type == PC_INT || type == PC_DECIMAL) ((int64_t *)(void *)to)[i] = value;
    }
    return PC_OK;
}

// Joins the validity of a batch that begins at row `at` into the column's.
static int64_t store_validity(const pc_column *result, int count, int64_t at, uint64_t *valid)
{
    int64_t known = 0;
    for (int i = 0; i < count; i++) {
        if (pc_column_is_null(result, i)) continue;
        valid[(at + i) >> 6] |= 1ULL << ((at + i) & 63);
        known++;
    }
    return known;
}

static pc_status derive_column(pc_derive *derive, rule *r, pc_block *block, pc_error *err)
{
    pc_block_table *t = &block->table[r->table];
    const pc_model_column *c = column_of(derive, r);
    const uint8_t width = stored_width(c->type);
    char *data = pc_arena_array(block->arena, (size_t)t->row_count + 8, width, err);
    uint64_t *valid = pc_arena_array(block->arena, (size_t)t->row_count / 64 + 1, 8, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_scan_begin(r->scan, block, NULL, err));
    int64_t at = 0;
    int64_t known = 0;
    pc_batch batch;
    for (;;) {
        PC_TRY(pc_scan_next(r->scan, &batch, err));
        if (batch.row_count == 0) break;
        pc_column result;
        pc_arena_reset(&derive->scratch);
        PC_TRY(pc_expr_eval(r->expr, &batch, r->state, &derive->scratch, &result, err));
        PC_TRY(store_values(derive, r, &result, batch.row_count, data + at * width, err));
        known += store_validity(&result, batch.row_count, at, valid);
        at += batch.row_count;
    }
    t->column[r->column] = (pc_column){.type = c->type,
                                       .scale = c->scale,
                                       .width = width,
                                       .data = known == 0 ? NULL : data,
                                       .valid = known == t->row_count ? NULL : valid,
                                       .dict = c->dict < 0 ? NULL : derive->catalog.dict[c->dict]};
    return PC_OK;
}

pc_status pc_derive_block(pc_derive *derive, pc_block *block, pc_error *err)
{
    for (int i = 0; i < derive->rule_count; i++) {
        rule *r = &derive->rule[i];
        if (block->table[r->table].offset == NULL) continue;
        const pc_status status = derive_column(derive, r, block, err);
        if (status == PC_OK) continue;
        if (status == PC_BAD_INPUT) {
            pc_error_prefix(err, "model '%s': %s.%s", derive->catalog.model->name,
                            derive->catalog.model->table[r->table].name,
                            column_of(derive, r)->name);
        }
        return status;
    }
    return PC_OK;
}

bool pc_derive_reads(const pc_derive *derive, int table)
{
    for (int i = 0; i < derive->rule_count; i++) {
        const pc_scan_plan *plan = pc_row_scope_plan(derive->rule[i].scope);
        for (int r = 1; r < plan->relation_count; r++) {
            if (plan->relation[r].table == table) return true;
        }
    }
    return false;
}
