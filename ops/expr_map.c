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
    const bool is_stable = e->state->has_stable_dicts;
    const bool same = pc_dict_is_marked(node->dict, dict) && node->texts <= texts &&
                      (is_stable || node->fingerprint == fingerprint(dict, node->texts));
    if (same && node->texts == texts && node->known.bytes > 0) return PC_OK;
    const size_t cell = value_bytes(x);
    PC_TRY(pc_buffer_reserve(&node->known, (size_t)texts + 1, e->err));
    PC_TRY(pc_buffer_reserve(&node->value, ((size_t)texts + 1) * cell, e->err));
    if (!same) {
        node->texts = 0;
        node->known_count = 0;
        node->range_count = 0;
        node->null_is_known = false;
        node->has_null_result = false;
    }
    memset(node->known.data + node->texts, NOT_YET, (size_t)texts + 1 - node->texts);
    memset(node->value.data + node->texts * cell, 0, ((size_t)texts + 1 - node->texts) * cell);
    node->known.bytes = (size_t)texts + 1;
    node->value.bytes = ((size_t)texts + 1) * cell;
    node->null_is_known = false;
    node->rows = 0;
    node->dict = pc_dict_mark_of(dict);
    node->texts = texts;
    if (!is_stable) node->fingerprint = fingerprint(dict, texts);
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
        if (x->type == PC_BOOL) *to = !cell.is_null && cell.integer != 0;
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

enum { PENDING = 255, ROWS_PER_TEXT = 8 };

static pc_status learn_some(pc_eval *e, const pc_expr *x, pc_expr_node *node, const uint32_t *code,
                            int count)
{
    const pc_status status = count == 0 ? PC_OK : learn(e, x, node, code, count);
    uint8_t *known = (uint8_t *)node->known.data;
    for (int i = 0; status != PC_OK && i < count; i++) {
        if (known[code[i]] == PENDING) known[code[i]] = NOT_YET;
    }
    return status;
}

// Evaluates the tree for the codes of these rows that are not known yet.
static pc_status learn_rows(pc_eval *e, const pc_expr *x, pc_expr_node *node, const uint32_t *code)
{
    uint32_t wanted[PC_BATCH_ROWS];
    int count = 0;
    uint8_t *known = (uint8_t *)node->known.data;
    for (int row = 0; row < e->batch->row_count; row++) {
        if (known[code[row]] != NOT_YET) continue;
        known[code[row]] = PENDING;
        wanted[count++] = code[row];
        if (count < PC_BATCH_ROWS) continue;
        PC_TRY(learn_some(e, x, node, wanted, count));
        count = 0;
    }
    return learn_some(e, x, node, wanted, count);
}

// Evaluates the tree for every code, of rows or not: of a tree that cannot fail nobody can tell.
static pc_status learn_all(pc_eval *e, const pc_expr *x, pc_expr_node *node, bool with_null)
{
    uint32_t wanted[PC_BATCH_ROWS];
    const uint8_t *known = (const uint8_t *)node->known.data;
    const uint32_t end = with_null ? node->texts + 1 : node->texts;
    for (uint32_t code = 0; code < end;) {
        int count = 0;
        for (; code < end && count < PC_BATCH_ROWS; code++) {
            if (known[code] == NOT_YET) wanted[count++] = code;
        }
        if (count > 0) PC_TRY(learn(e, x, node, wanted, count));
    }
    return PC_OK;
}

// A set of codes that begin alike is a range of a sorted dictionary, or two around an exception:
// comparing bounds takes a fraction of looking each row up.
static void find_ranges(pc_expr_node *node, const uint64_t *in)
{
    bool was_in = false;
    node->range_count = 0;
    for (uint32_t code = 0; code < node->texts; code++) {
        const bool is_in = (in[code >> 6] >> (code & 63) & 1) != 0;
        if (is_in && !was_in) {
            if (node->range_count == 2) {
                node->range_count = 0;
                return;
            }
            node->low[node->range_count++] = code;
        }
        if (is_in) node->width[node->range_count - 1] = code - node->low[node->range_count - 1];
        was_in = is_in;
    }
}

// A set of codes over a column itself: of a sorted dictionary only what begins as its patterns do
// is looked at.
static pc_status learn_set(pc_eval *e, pc_expr_node *node, const pc_code_test *test)
{
    const pc_arena_mark mark = pc_arena_now(e->scratch);
    uint64_t *in = NULL;
    PC_TRY(pc_code_set_bitmap(test->set, test->system, node->dict.dict, e->scratch, &in, e->err));
    for (uint32_t code = 0; code < node->texts; code++)
        node->value.data[code] = (char)(in[code >> 6] >> (code & 63) & 1);
    find_ranges(node, in);
    memset(node->known.data, KNOWN, node->texts);
    node->known.data[node->texts] = KNOWN_NULL;
    node->null_is_known = true;
    node->has_null_result = true;
    node->known_count = node->texts;
    pc_arena_rewind(e->scratch, mark);
    return PC_OK;
}

// Learns what the rows need. Looking for unknown codes in every batch costs as much as looking the
// known ones up: where rows are many times the texts, all texts are evaluated, once.
static pc_status learn_codes(pc_eval *e, const pc_expr *x, pc_expr_node *node, bool has_nulls,
                             const uint32_t *code)
{
    if (node->known_count == node->texts && (!has_nulls || node->null_is_known)) return PC_OK;
    const bool is_set = x->kind == PC_EXPR_CALL && x->function->cell == pc_cell_in_codes;
    if (is_set && x->arg[0]->kind == PC_EXPR_COLUMN && node->dict.dict->sorted) {
        return learn_set(e, node, x->extra);
    }
    const bool is_text = pc_type_is_text(x->type) || x->type == PC_NONE;
    if (node->rows / ROWS_PER_TEXT >= node->texts && !node->can_fail && !is_text) {
        return learn_all(e, x, node, has_nulls);
    }
    node->rows += e->batch->row_count;
    return learn_rows(e, x, node, code);
}

#define WIDEN(type)                                                                                \
    do {                                                                                           \
        const type *from = c->data;                                                                \
        for (int i = 0; i < count; i++)                                                            \
            to[i] = from[i];                                                                       \
    } while (0)

// Codes of the rows in 32 bits, with that of null where there is none.
static pc_status places_of(pc_eval *e, const pc_column *c, uint32_t null, const uint32_t **out)
{
    const int count = e->batch->row_count;
    if (c->width == 4 && c->valid == NULL) {
        *out = c->data;
        return PC_OK;
    }
    uint32_t *to = pc_arena_raw(e->scratch, ((size_t)count + 8) * sizeof *to, e->err);
    if (to == NULL) return PC_NO_MEMORY;
    if (c->width == 1) WIDEN(uint8_t);
    if (c->width == 2) WIDEN(uint16_t);
    if (c->width == 4) WIDEN(uint32_t);
    for (int first = 0; c->valid != NULL && first < count; first += 64) {
        const int end = count - first < 64 ? count : first + 64;
        uint64_t missing = ~c->valid[first / 64];
        for (int i = first; missing != 0 && i < end; i++, missing >>= 1) {
            if ((missing & 1) != 0) to[i] = null;
        }
    }
    *out = to;
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

#define WITHIN(type)                                                                               \
    do {                                                                                           \
        const type *code = c->data;                                                                \
        for (int i = 0; i < count; i++) {                                                          \
            to[i] = (uint8_t)((code[i] - low <= width) | (code[i] - low2 <= width2));              \
        }                                                                                          \
    } while (0)

// Which rows are within the node's ranges; null is not.
static void mark_within(const pc_expr_node *node, const pc_column *c, int count, uint8_t *to)
{
    const int last = node->range_count - 1;
    const uint32_t low = node->low[0], width = node->width[0];
    const uint32_t low2 = node->low[last], width2 = node->width[last];
    if (c->width == 1) WITHIN(uint8_t);
    if (c->width == 2) WITHIN(uint16_t);
    if (c->width == 4) WITHIN(uint32_t);
    for (int i = 0; c->valid != NULL && i < count; i++)
        to[i] &= (uint8_t)(c->valid[i >> 6] >> (i & 63) & 1);
}

// Truth of a set that is a few ranges of codes. Null, where it matters, is where the column's is.
static pc_status eval_ranges(pc_eval *e, const pc_expr *x, const pc_expr_node *node,
                             const pc_column *c, pc_vector *out)
{
    const int count = e->batch->row_count;
    uint8_t *to = pc_arena_raw(e->scratch, (size_t)count + 8, e->err);
    if (to == NULL) return PC_NO_MEMORY;
    mark_within(node, c, count, to);
    *out = (pc_vector){
        .column = {
            .type = x->type, .data = to, .valid = e->truth_of == x ? NULL : c->valid, .width = 1}};
    return PC_OK;
}

pc_status pc_eval_by_code(pc_eval *e, const pc_expr *x, pc_expr_node *node, pc_vector *out)
{
    const pc_column *c = &e->batch->column[node->text_column];
    const int count = e->batch->row_count;
    PC_TRY(prepare(e, x, node, c->dict));
    if (node->range_count > 0 && node->known_count == node->texts) {
        return eval_ranges(e, x, node, c, out);
    }
    // With nulls among the rows, each null row asks at the place of null.
    const uint32_t *code;
    PC_TRY(places_of(e, c, node->texts, &code));
    PC_TRY(learn_codes(e, x, node, c->valid != NULL, code));
    const size_t cell_bytes = value_bytes(x);
    // Of what is only asked for its truth null is false, as which it is kept.
    const bool has_nulls = node->has_null_result && e->truth_of != x;
    void *data = pc_arena_raw(e->scratch, ((size_t)count + 8) * cell_bytes, e->err);
    uint64_t *valid = has_nulls ? pc_eval_bits(e) : NULL;
    if (data == NULL || (has_nulls && valid == NULL)) return PC_NO_MEMORY;
    look_up(node, code, count, cell_bytes, data);
    const char *known = node->known.data;
    for (int i = 0; valid != NULL && i < count; i++) {
        valid[i >> 6] |= (uint64_t)(known[code[i]] == KNOWN) << (i & 63);
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
