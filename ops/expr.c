/** Evaluation of expressions: the walk over the tree, rows of a batch, the state between batches.
 */
#include <assert.h>
#include <string.h>
#include "expr_private.h"
#include "parcours/hash.h"
#include "parcours/kernel.h"

enum { FIRST_NODES = 64 }; // a power of two

pc_status pc_expr_state_new(pc_arena *arena, pc_budget *budget, pc_expr_state **out, pc_error *err)
{
    pc_expr_state *state = pc_arena_take(arena, sizeof *state, err);
    if (state == NULL) return PC_NO_MEMORY;
    state->arena = arena;
    state->budget = budget;
    state->table.budget = budget;
    state->text.budget = budget;
    *out = state;
    return PC_OK;
}

void pc_expr_state_trust_dicts(pc_expr_state *state)
{
    state->has_stable_dicts = true;
}

void pc_expr_state_free(pc_expr_state *state)
{
    if (state == NULL) return;
    pc_expr_node **node = (pc_expr_node **)(void *)state->table.data;
    const size_t room = state->table.bytes / sizeof *node;
    for (size_t i = 0; i < room; i++) {
        if (node[i] == NULL) continue;
        pc_buffer_release(&node[i]->known);
        pc_buffer_release(&node[i]->value);
        pc_buffer_release(&node[i]->day);
        pc_dict_builder_free(node[i]->words);
    }
    pc_buffer_release(&state->table);
    pc_buffer_release(&state->text);
    state->count = 0;
}

// Reads which columns the tree has and whether it can fail.
static void look_through(const pc_expr *x, pc_expr_node *node, bool *has_other)
{
    if (x->kind == PC_EXPR_COLUMN) {
        const bool is_code = x->type == PC_CODE || x->type == PC_TEXT;
        if (!is_code || (node->text_column >= 0 && node->text_column != x->column)) {
            *has_other = true;
        }
        node->text_column = x->column;
        return;
    }
    if (x->kind != PC_EXPR_CALL) return;
    node->can_fail = node->can_fail || x->function->can_fail;
    for (int i = 0; i < x->arg_count; i++) {
        look_through(x->arg[i], node, has_other);
    }
}

static pc_expr_node **find_cell(pc_buffer *table, const pc_expr *x)
{
    pc_expr_node **node = (pc_expr_node **)(void *)table->data;
    const size_t mask = table->bytes / sizeof(pc_expr_node *) - 1;
    size_t at = pc_hash64(&x, sizeof x) & mask;
    while (node[at] != NULL && node[at]->expr != x) {
        at = (at + 1) & mask;
    }
    return &node[at];
}

static pc_status grow_table(pc_expr_state *state, pc_error *err)
{
    const size_t cell = sizeof(pc_expr_node *);
    const size_t room = state->table.bytes / cell;
    if (room > 0 && (state->count + 1) * 2 <= room) return PC_OK;
    const size_t bytes = (room == 0 ? (size_t)FIRST_NODES : room * 2) * cell;
    pc_buffer next = {.budget = state->budget};
    PC_TRY(pc_buffer_reserve(&next, bytes, err));
    memset(next.data, 0, bytes);
    next.bytes = bytes;
    pc_expr_node **node = (pc_expr_node **)(void *)state->table.data;
    for (size_t i = 0; i < room; i++) {
        if (node[i] != NULL) *find_cell(&next, node[i]->expr) = node[i];
    }
    pc_buffer_release(&state->table);
    state->table = next;
    return PC_OK;
}

pc_status pc_state_node(pc_expr_state *state, const pc_expr *x, pc_expr_node **out, pc_error *err)
{
    PC_TRY(grow_table(state, err));
    pc_expr_node **cell = find_cell(&state->table, x);
    if (*cell == NULL) {
        pc_expr_node *node = pc_arena_take(state->arena, sizeof *node, err);
        if (node == NULL) return PC_NO_MEMORY;
        bool has_other = false;
        *node = (pc_expr_node){.expr = x, .text_column = -1};
        node->known.budget = state->budget;
        node->value.budget = state->budget;
        node->day.budget = state->budget;
        look_through(x, node, &has_other);
        if (has_other) node->text_column = -1;
        *cell = node;
        state->count++;
    }
    *out = *cell;
    return PC_OK;
}

pc_status pc_eval_fail(pc_eval *e, const pc_expr *x, const char *what)
{
    if (x->position > 0) {
        return PC_FAIL(e->err, PC_BAD_INPUT, "%s in '%s' at character %d of the SQL text", what,
                       x->function->name, x->position);
    }
    return PC_FAIL(e->err, PC_BAD_INPUT, "%s in '%s'", what, x->function->name);
}

void pc_vector_null(const pc_expr *x, pc_vector *out)
{
    static const pc_value null = {.type = PC_NONE, .is_null = true};
    (void)x;
    *out = (pc_vector){.is_constant = true, .constant = &null};
}

pc_status pc_eval_node(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    if (x->kind == PC_EXPR_CONSTANT) {
        *out = (pc_vector){.is_constant = true, .constant = &x->constant};
        return PC_OK;
    }
    if (x->kind == PC_EXPR_COLUMN) {
        assert(x->column >= 0 && x->column < e->batch->column_count);
        *out = (pc_vector){.column = e->batch->column[x->column]};
        if (out->column.data == NULL) pc_vector_null(x, out);
        return PC_OK;
    }
    pc_code_range range;
    const bool is_simple = x->arg_count > 0 && x->arg[0]->kind == PC_EXPR_COLUMN;
    const pc_column *first = is_simple ? &e->batch->column[x->arg[0]->column] : NULL;
    const bool is_range = is_simple && pc_range_of(x, first->dict, &range);
    const bool is_null_test =
        x->function->vector == pc_eval_null_test && x->arg[0]->kind == PC_EXPR_COLUMN;
    if (!e->plain && !is_range && !is_null_test) {
        pc_expr_node *node;
        PC_TRY(pc_state_node(e->state, x, &node, e->err));
        if (node->text_column >= 0 && e->batch->column[node->text_column].data != NULL) {
            return pc_eval_by_code(e, x, node, out);
        }
    }
    if (x->function->vector != NULL) return x->function->vector(e, x, out);
    return pc_eval_cells(e, x, out);
}

// The columns that a tree reads, taken at some rows.
static pc_status gather(pc_eval *e, const pc_column *from, const int *row, int count,
                        pc_column *out)
{
    *out = *from;
    if (from->data == NULL) return PC_OK;
    char *data = pc_arena_array(e->scratch, (size_t)count + 1, from->width, e->err);
    if (data == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        memcpy(data + (size_t)i * from->width,
               (const char *)from->data + (size_t)row[i] * from->width, from->width);
    }
    out->data = data;
    if (from->valid == NULL) return PC_OK;
    uint64_t *valid = pc_arena_array(e->scratch, (size_t)count / 64 + 1, sizeof *valid, e->err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (pc_is_valid(from->valid, row[i])) valid[i >> 6] |= 1ULL << (i & 63);
    }
    out->valid = valid;
    return PC_OK;
}

pc_status pc_eval_rows(pc_eval *e, const pc_expr *x, const int *row, int row_count, pc_vector *out)
{
    if (row_count == e->batch->row_count || x->kind == PC_EXPR_CONSTANT) {
        return pc_eval_node(e, x, out);
    }
    const size_t columns = (size_t)e->batch->column_count;
    bool *used = pc_arena_array(e->scratch, columns + 1, sizeof *used, e->err);
    pc_column *column = pc_arena_array(e->scratch, columns + 1, sizeof *column, e->err);
    pc_batch *part = pc_arena_take(e->scratch, sizeof *part, e->err);
    if (used == NULL || column == NULL || part == NULL) return PC_NO_MEMORY;
    pc_expr_columns(x, used);
    for (size_t i = 0; i < columns; i++) {
        column[i] = e->batch->column[i];
        if (used[i]) PC_TRY(gather(e, &e->batch->column[i], row, row_count, &column[i]));
    }
    *part = (pc_batch){.column_count = (int)columns, .row_count = row_count, .column = column};
    pc_eval inner = *e;
    inner.batch = part;
    return pc_eval_node(&inner, x, out);
}

static pc_status spread_constant(pc_eval *e, const pc_expr *x, pc_vector *v)
{
    pc_filler filler;
    PC_TRY(pc_filler_begin(e, x, &filler));
    const pc_cell cell = pc_vector_cell(v, 0);
    for (int row = 0; row < e->batch->row_count; row++) {
        PC_TRY(pc_filler_put(e, &filler, row, &cell));
    }
    pc_filler_end(e, &filler, x, v);
    return PC_OK;
}

pc_status pc_expr_eval(const pc_expr *expr, const pc_batch *batch, pc_expr_state *state,
                       pc_arena *scratch, pc_column *out, pc_error *err)
{
    pc_eval e = {.batch = batch, .state = state, .scratch = scratch, .err = err};
    pc_vector v;
    PC_TRY(pc_eval_node(&e, expr, &v));
    if (v.is_constant) PC_TRY(spread_constant(&e, expr, &v));
    *out = v.column;
    return PC_OK;
}

// Places of the bits of a byte, the lowest first: row `mask` of a table, made by arithmetic.
#define BIT(mask, at) (((mask) >> (at)) & 1)
#define BELOW_4(mask, n)                                                                           \
    ((BIT(mask, 0) * ((n) > 0)) + (BIT(mask, 1) * ((n) > 1)) + (BIT(mask, 2) * ((n) > 2)) +        \
     (BIT(mask, 3) * ((n) > 3)))
#define BELOW(mask, n)          (BELOW_4(mask, n) + BELOW_4((mask) >> 4, (n)-4))
#define IS_AT(mask, bit, place) (BIT(mask, bit) && BELOW(mask, bit) == (place) ? (bit) : 0)
#define PLACE(mask, place)                                                                         \
    (IS_AT(mask, 1, place) + IS_AT(mask, 2, place) + IS_AT(mask, 3, place) +                       \
     IS_AT(mask, 4, place) + IS_AT(mask, 5, place) + IS_AT(mask, 6, place) +                       \
     IS_AT(mask, 7, place))
#define PLACES(m)                                                                                  \
    {                                                                                              \
        PLACE(m, 0), PLACE(m, 1), PLACE(m, 2), PLACE(m, 3), PLACE(m, 4), PLACE(m, 5), PLACE(m, 6), \
            PLACE(m, 7)                                                                            \
    }
#define PLACES_4(m)  PLACES(m), PLACES((m) + 1), PLACES((m) + 2), PLACES((m) + 3)
#define PLACES_16(m) PLACES_4(m), PLACES_4((m) + 4), PLACES_4((m) + 8), PLACES_4((m) + 12)
#define PLACES_64(m) PLACES_16(m), PLACES_16((m) + 16), PLACES_16((m) + 32), PLACES_16((m) + 48)

static const uint8_t place_of_bits[256][8] = {PLACES_64(0), PLACES_64(64), PLACES_64(128),
                                              PLACES_64(192)};

// Which of eight bytes of 0 or 1 are 1, as bits.
static inline unsigned bits_of_bytes(const uint8_t *value)
{
    uint64_t eight;
    memcpy(&eight, value, sizeof eight);
    return (unsigned)((eight * UINT64_C(0x0102040810204080)) >> 56);
}

PC_KERNEL static bool are_all_true(const uint8_t *value, int row_count)
{
    uint8_t all = 1;
    for (int i = 0; i < row_count; i++)
        all &= value[i];
    return all != 0;
}

// Eight rows at a time, without a branch but for eight that all fail. What is written ahead of
// `count` lies within the rows that were looked at.
PC_KERNEL static int pick_eights(const uint8_t *value, const uint64_t *valid, int row_count,
                                 int *row)
{
    int count = 0;
    for (int i = 0; i + 8 <= row_count; i += 8) {
        unsigned mask = bits_of_bytes(value + i);
        if (valid != NULL) mask &= (unsigned)(valid[i >> 6] >> (i & 63)) & 255;
        if (mask == 0) continue;
        const uint8_t *place = place_of_bits[mask];
        for (int j = 0; j < 8; j++)
            row[count + j] = i + place[j];
        count += __builtin_popcount(mask);
    }
    return count;
}

static int pick_true(const uint8_t *value, const uint64_t *valid, int row_count, int *row)
{
    if (valid == NULL && are_all_true(value, row_count)) {
        for (int i = 0; i < row_count; i++)
            row[i] = i;
        return row_count;
    }
    int count = pick_eights(value, valid, row_count, row);
    for (int i = row_count / 8 * 8; i < row_count; i++) {
        if (value[i] != 0 && pc_is_valid(valid, i)) row[count++] = i;
    }
    return count;
}

pc_status pc_expr_filter(const pc_expr *expr, const pc_batch *batch, pc_expr_state *state,
                         pc_arena *scratch, int *row, int *row_count, pc_error *err)
{
    assert(expr->type == PC_BOOL);
    pc_eval e = {.batch = batch, .state = state, .scratch = scratch, .truth_of = expr, .err = err};
    pc_vector v;
    PC_TRY(pc_eval_node(&e, expr, &v));
    if (!v.is_constant) {
        *row_count = pick_true(v.column.data, v.column.valid, batch->row_count, row);
        return PC_OK;
    }
    const bool all = !v.constant->is_null && v.constant->integer != 0;
    *row_count = all ? batch->row_count : 0;
    for (int i = 0; i < *row_count; i++) {
        row[i] = i;
    }
    return PC_OK;
}

void pc_expr_columns(const pc_expr *expr, bool *used)
{
    if (expr->kind == PC_EXPR_COLUMN) used[expr->column] = true;
    for (int i = 0; expr->kind == PC_EXPR_CALL && i < expr->arg_count; i++) {
        pc_expr_columns(expr->arg[i], used);
    }
}
