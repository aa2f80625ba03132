/** Expressions of one dictionary column: evaluated once per code that occurs, looked up per row.
 *  Nothing is evaluated for a code that no row holds, so nothing fails that PostgreSQL lets pass.
 */
#include <assert.h>
#include <string.h>
#include "expr_private.h"
#include "parcours/hash.h"

enum { NOT_YET = 0, KNOWN = 1, KNOWN_NULL = 2 };

static size_t value_bytes(const pc_expr *x)
{
    if (x->type == PC_BOOL) return 1;
    return pc_type_is_text(x->type) || x->type == PC_NONE ? sizeof(uint32_t) : 8;
}

// A short dictionary may be another one at the same address: its content tells.
static uint64_t fingerprint(const pc_dict *dict, uint32_t texts)
{
    if (texts > PC_EXPR_CHECKED_TEXTS) return 0;
    const uint64_t a = pc_hash64(dict->offset, ((size_t)texts + 1) * sizeof *dict->offset);
    const size_t bytes = (size_t)(dict->offset[texts] - dict->offset[0]);
    return a ^ (bytes == 0 ? 0 : pc_hash64(dict->bytes + dict->offset[0], bytes) * 31);
}

// Makes the cache one of `dict`, with room for all of its texts and for null.
static pc_status prepare(pc_eval *e, const pc_expr *x, pc_expr_node *node, const pc_dict *dict)
{
    const uint32_t texts = dict->count;
    const bool same = node->dict == dict && node->texts <= texts &&
                      node->fingerprint == fingerprint(dict, node->texts);
    if (same && node->texts == texts && node->known.bytes > 0) return PC_OK;
    const size_t cell = value_bytes(x);
    PC_TRY(pc_buffer_reserve(&node->known, (size_t)texts + 1, e->err));
    PC_TRY(pc_buffer_reserve(&node->value, ((size_t)texts + 1) * cell, e->err));
    if (!same) {
        node->texts = 0;
        node->known_count = 0;
        node->null_is_known = false;
        node->has_null_result = false;
    }
    memset(node->known.data + node->texts, NOT_YET, (size_t)texts + 1 - node->texts);
    memset(node->value.data + node->texts * cell, 0, ((size_t)texts + 1 - node->texts) * cell);
    node->known.bytes = (size_t)texts + 1;
    node->value.bytes = ((size_t)texts + 1) * cell;
    node->null_is_known = false;
    node->dict = dict;
    node->texts = texts;
    node->fingerprint = fingerprint(dict, texts);
    return PC_OK;
}

// Evaluates the tree for some codes (a code equal to the number of texts: null).
static pc_status learn(pc_eval *e, const pc_expr *x, pc_expr_node *node, const uint32_t *code,
                       int count)
{
    const pc_arena_mark mark = pc_arena_now(e->scratch);
    const size_t columns = (size_t)e->batch->column_count;
    pc_column *column = pc_arena_array(e->scratch, columns, sizeof *column, e->err);
    uint64_t *valid = pc_arena_array(e->scratch, (size_t)count / 64 + 1, sizeof *valid, e->err);
    uint32_t *data = pc_arena_array(e->scratch, (size_t)count + 8, sizeof *data, e->err);
    if (column == NULL || valid == NULL || data == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (code[i] == node->texts) continue;
        data[i] = code[i];
        valid[i >> 6] |= 1ULL << (i & 63);
    }
    column[node->text_column] = e->batch->column[node->text_column];
    column[node->text_column].data = data;
    column[node->text_column].width = sizeof *data;
    column[node->text_column].valid = valid;
    const pc_batch codes = {.column_count = (int)columns, .row_count = count, .column = column};
    pc_eval inner = {
        .batch = &codes, .state = e->state, .scratch = e->scratch, .plain = true, .err = e->err};
    pc_vector v;
    PC_TRY(pc_eval_node(&inner, x, &v));
    const bool is_text = pc_type_is_text(x->type) || x->type == PC_NONE;
    if (is_text && node->words == NULL) {
        PC_TRY(pc_dict_builder_new(e->state->budget, &node->words, e->err));
    }
    for (int i = 0; i < count; i++) {
        const pc_cell cell = pc_vector_cell(&v, i);
        char *to = node->value.data + code[i] * value_bytes(x);
        uint32_t word = 0;
        if (is_text && !cell.is_null) {
            PC_TRY(pc_dict_builder_add(node->words, cell.text, &word, e->err));
        }
        if (is_text) memcpy(to, &word, sizeof word);
        if (x->type == PC_BOOL) *to = cell.integer != 0;
        if (!is_text && x->type == PC_FLOAT) memcpy(to, &cell.real, sizeof cell.real);
        if (!is_text && x->type != PC_BOOL && x->type != PC_FLOAT) {
            memcpy(to, &cell.integer, sizeof cell.integer);
        }
        node->known.data[code[i]] = cell.is_null ? KNOWN_NULL : KNOWN;
        node->has_null_result = node->has_null_result || cell.is_null;
        if (code[i] == node->texts) {
            node->null_is_known = true;
        } else {
            node->known_count++;
        }
    }
    pc_arena_rewind(e->scratch, mark);
    return PC_OK;
}

enum { PENDING = 255 };

static pc_status learn_codes(pc_eval *e, const pc_expr *x, pc_expr_node *node, const pc_column *c,
                             const uint32_t *code)
{
    uint32_t wanted[PC_BATCH_ROWS];
    int count = 0;
    uint8_t *known = (uint8_t *)node->known.data;
    const int row_count = e->batch->row_count;
    bool has_null = false;
    pc_status status = PC_OK;
    for (int row = 0; row <= row_count && status == PC_OK; row++) {
        const bool full = row == row_count || count == PC_BATCH_ROWS - 1;
        if (full && count > 0) {
            status = learn(e, x, node, wanted, count);
            if (status != PC_OK) {
                for (int i = 0; i < count; i++) {
                    if (known[wanted[i]] == PENDING) known[wanted[i]] = NOT_YET;
                }
                break;
            }
            count = 0;
        }
        if (row == row_count) break;
        const bool valid = pc_is_valid(c->valid, row);
        const uint32_t at = valid ? code[row] : node->texts;
        has_null = has_null || !valid;
        if (known[at] != NOT_YET) continue;
        known[at] = PENDING;
        wanted[count++] = at;
    }
    return status;
}

static pc_status codes_of(pc_eval *e, const pc_column *c, const uint32_t **out)
{
    if (c->width == 4) {
        *out = c->data;
        return PC_OK;
    }
    uint32_t *code = pc_eval_array(e, sizeof *code);
    if (code == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < e->batch->row_count; i++) {
        code[i] = c->width == 1 ? ((const uint8_t *)c->data)[i] : ((const uint16_t *)c->data)[i];
    }
    *out = code;
    return PC_OK;
}

static void look_up(const pc_expr_node *node, const uint32_t *code, int count, size_t cell_bytes,
                    void *to)
{
    if (cell_bytes == 1) {
        const uint8_t *value = (const uint8_t *)node->value.data;
        for (int i = 0; i < count; i++) {
            ((uint8_t *)to)[i] = value[code[i]];
        }
    } else if (cell_bytes == 4) {
        const uint32_t *value = (const uint32_t *)(const void *)node->value.data;
        for (int i = 0; i < count; i++) {
            ((uint32_t *)to)[i] = value[code[i]];
        }
    } else {
        const int64_t *value = (const int64_t *)(const void *)node->value.data;
        for (int i = 0; i < count; i++) {
            ((int64_t *)to)[i] = value[code[i]];
        }
    }
}

pc_status pc_eval_by_code(pc_eval *e, const pc_expr *x, pc_expr_node *node, pc_vector *out)
{
    const pc_column *c = &e->batch->column[node->text_column];
    const int count = e->batch->row_count;
    PC_TRY(prepare(e, x, node, c->dict));
    const uint32_t *code;
    PC_TRY(codes_of(e, c, &code));
    if (node->known_count < node->texts || (c->valid != NULL && !node->null_is_known)) {
        PC_TRY(learn_codes(e, x, node, c, code));
    }
    // With nulls among the rows, each null row asks at the place of null.
    if (c->valid != NULL) {
        uint32_t *place = pc_eval_array(e, sizeof *place);
        if (place == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < count; i++) {
            place[i] = pc_is_valid(c->valid, i) ? code[i] : node->texts;
        }
        code = place;
    }
    const size_t cell_bytes = value_bytes(x);
    void *data = pc_eval_array(e, cell_bytes);
    uint64_t *valid = node->has_null_result ? pc_eval_bits(e) : NULL;
    if (data == NULL || (node->has_null_result && valid == NULL)) return PC_NO_MEMORY;
    look_up(node, code, count, cell_bytes, data);
    for (int i = 0; valid != NULL && i < count; i++) {
        valid[i >> 6] |= (uint64_t)(node->known.data[code[i]] == KNOWN) << (i & 63);
    }
    const bool is_text = pc_type_is_text(x->type) || x->type == PC_NONE;
    *out = (pc_vector){.column = {.type = x->type,
                                  .scale = x->scale,
                                  .data = data,
                                  .valid = valid,
                                  .width = (uint8_t)cell_bytes}};
    if (is_text) {
        out->column.type = x->type == PC_TEXT ? PC_TEXT : PC_CODE;
        out->column.dict = node->words == NULL ? c->dict : pc_dict_builder_view(node->words);
    }
    return PC_OK;
}
