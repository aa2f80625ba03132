/** Numbers of computed keys by the value that they are computed from: one load in place of
 *  computing the key and looking up its number. Values lie in a window around the first one seen,
 *  which days of 22 years and most codes do; a column whose values do not is soon left alone. */
#include "memo.h"
#include <string.h>
#include "parcours/kernel.h"

enum {
    WINDOW = 8192, // values: 32 KiB, which stays in the first cache
    MOST_MISSES = 64,
    MOST_BASE = 1 << 30 // so that differences of 32 bits mean what they say
};

void pc_memo_open(pc_memo *memo, int column, pc_budget *budget)
{
    *memo = (pc_memo){.column = column, .number = {.budget = budget}};
}

int pc_memo_column(const pc_expr *const *key, int count)
{
    int found = -1;
    for (int i = 0; i < count; i++) {
        const int column = pc_expr_can_fail(key[i]) ? -1 : pc_expr_only_column(key[i]);
        if (column < 0 || (found >= 0 && column != found)) return -1;
        found = column;
    }
    return found;
}

void pc_memo_close(pc_memo *memo)
{
    pc_buffer_release(&memo->number);
    memo->column = -1;
}

typedef enum found { FOUND, NEW, OUTSIDE } found; // all; one has no number yet; one never will

#define FIND(name, type)                                                                           \
    PC_KERNEL static found name(const uint32_t *known, const type *value, uint32_t base,           \
                                int row_count, uint32_t *number)                                   \
    {                                                                                              \
        uint32_t outside = 0, unknown = 0;                                                         \
        for (int row = 0; row < row_count; row++) {                                                \
            const uint32_t at = (uint32_t)value[row] - base;                                       \
            outside |= at >= WINDOW;                                                               \
            number[row] = known[at % WINDOW] - 1;                                                  \
            unknown |= number[row] == UINT32_MAX;                                                  \
        }                                                                                          \
        return outside != 0 ? OUTSIDE : unknown != 0 ? NEW : FOUND;                                \
    }
FIND(find_u1, uint8_t)
FIND(find_u2, uint16_t)
FIND(find_4, uint32_t)
FIND(find_i1, int8_t)
FIND(find_i2, int16_t)

static found find(const pc_memo *memo, const pc_column *c, int row_count, uint32_t *number)
{
    const uint32_t *known = (const uint32_t *)(const void *)memo->number.data;
    const uint32_t base = (uint32_t)memo->base;
    const bool is_unsigned = pc_type_is_unsigned(c->type);
    if (c->width == 4) return find_4(known, c->data, base, row_count, number);
    if (c->width == 2 && is_unsigned) return find_u2(known, c->data, base, row_count, number);
    if (c->width == 2) return find_i2(known, c->data, base, row_count, number);
    if (is_unsigned) return find_u1(known, c->data, base, row_count, number);
    return find_i1(known, c->data, base, row_count, number);
}

// A column whose values may be remembered.
static bool is_simple(const pc_column *c)
{
    return c->data != NULL && c->valid == NULL && pc_type_is_integer(c->type) && c->width <= 4;
}

bool pc_memo_find(pc_memo *memo, const pc_batch *batch, uint32_t *number)
{
    if (memo->column < 0 || !memo->has_base || batch->row_count == 0) return false;
    const pc_column *c = &batch->column[memo->column];
    if (!is_simple(c) || (c->dict != NULL && !pc_dict_is_marked(memo->dict, c->dict))) return false;
    const found how = find(memo, c, batch->row_count, number);
    if (how == OUTSIDE && ++memo->misses > MOST_MISSES) pc_memo_close(memo);
    if (how == FOUND && memo->misses > 0) memo->misses--;
    return how == FOUND;
}

// The window begins anew: with the first value, or the dictionary.
static pc_status begin(pc_memo *memo, const pc_column *c, pc_error *err)
{
    const size_t bytes = WINDOW * sizeof(uint32_t);
    const int64_t first = pc_column_int(c, 0);
    if (first > MOST_BASE || first < -MOST_BASE) {
        pc_memo_close(memo);
        return PC_OK;
    }
    PC_TRY(pc_buffer_reserve(&memo->number, bytes, err));
    memset(memo->number.data, 0, bytes);
    memo->number.bytes = bytes;
    memo->base = c->dict != NULL ? 0 : first - WINDOW / 2;
    memo->dict = c->dict != NULL ? pc_dict_mark_of(c->dict) : (pc_dict_mark){0};
    memo->has_base = true;
    return PC_OK;
}

pc_status pc_memo_learn(pc_memo *memo, const pc_batch *batch, const uint32_t *number, pc_error *err)
{
    if (memo->column < 0 || batch->row_count == 0) return PC_OK;
    const pc_column *c = &batch->column[memo->column];
    if (!is_simple(c)) return PC_OK;
    const bool is_other = c->dict != NULL && !pc_dict_is_marked(memo->dict, c->dict);
    if (!memo->has_base || is_other) PC_TRY(begin(memo, c, err));
    uint32_t *known = (uint32_t *)(void *)memo->number.data;
    for (int row = 0; memo->column >= 0 && row < batch->row_count; row++) {
        const uint64_t at = (uint64_t)pc_column_int(c, row) - (uint64_t)memo->base;
        if (at < WINDOW) known[at] = number[row] + 1;
    }
    return PC_OK;
}
