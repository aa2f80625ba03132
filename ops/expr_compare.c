/** Comparisons, IN, LIKE. A comparison of a column with constants is a range of stored integers
 *  (of codes, in a sorted dictionary): one pass over the narrow values. */
#include <assert.h>
#include <string.h>
#include "expr_private.h"
#include "parcours/kernel.h"

#define RANGE_KERNEL(name, type)                                                                   \
    PC_KERNEL static void range_##name(const type *value, int count, type low, type span,          \
                                       uint8_t flip, uint8_t *to)                                  \
    {                                                                                              \
        for (int i = 0; i < count; i++) {                                                          \
            to[i] = (uint8_t)(((type)(value[i] - low) <= span) ^ flip);                            \
        }                                                                                          \
    }
RANGE_KERNEL(u8, uint8_t)
RANGE_KERNEL(u16, uint16_t)
RANGE_KERNEL(u32, uint32_t)
RANGE_KERNEL(u64, uint64_t)

// Cuts a range to what the width can hold. False: nothing is left.
static bool clamp_range(const pc_column *c, int64_t *low, int64_t *high)
{
    int64_t least = INT64_MIN;
    int64_t most = INT64_MAX;
    if (c->width < 8) {
        const int bits = c->width * 8;
        const bool is_unsigned = pc_type_is_unsigned(c->type);
        least = is_unsigned ? 0 : -((int64_t)1 << (bits - 1));
        most = is_unsigned ? ((int64_t)1 << bits) - 1 : ((int64_t)1 << (bits - 1)) - 1;
    }
    if (*low < least) *low = least;
    if (*high > most) *high = most;
    return *low <= *high;
}

static void range_mask(const pc_column *c, int count, const pc_code_range *range, uint8_t *to)
{
    int64_t low = range->low;
    int64_t high = range->high;
    const uint8_t flip = range->outside;
    if (!clamp_range(c, &low, &high)) {
        memset(to, flip, (size_t)count);
        return;
    }
    const uint64_t from = (uint64_t)low;
    const uint64_t span = (uint64_t)high - from;
    switch (c->width) {
        case 1:
            range_u8(c->data, count, (uint8_t)from, (uint8_t)span, flip, to);
            break;
        case 2:
            range_u16(c->data, count, (uint16_t)from, (uint16_t)span, flip, to);
            break;
        case 4:
            range_u32(c->data, count, (uint32_t)from, (uint32_t)span, flip, to);
            break;
        default:
            range_u64(c->data, count, from, span, flip, to);
            break;
    }
}

// The constants of a comparison as a range of integers.
static bool range_of_order(pc_function_id id, int64_t least, int64_t most, pc_code_range *out)
{
    // least .. most: what is equal to the constant (empty when it is between two codes).
    *out = (pc_code_range){.low = INT64_MIN, .high = INT64_MAX};
    switch (id) {
        case PC_FN_NOT_EQUAL:
            out->outside = true;
            out->low = least;
            out->high = most;
            return true;
        case PC_FN_EQUAL:
            out->low = least;
            out->high = most;
            return true;
        case PC_FN_LESS:
            out->outside = true;
            out->low = least;
            return true;
        case PC_FN_LESS_EQUAL:
            out->high = most;
            return true;
        case PC_FN_GREATER:
            out->outside = true;
            out->high = most;
            return true;
        case PC_FN_GREATER_EQUAL:
            out->low = least;
            return true;
        default:
            return false;
    }
}

static bool range_of_text(const pc_expr *x, const pc_dict *dict, pc_function_id id,
                          pc_code_range *out)
{
    if (dict == NULL || !dict->sorted) return false;
    if (id == PC_FN_LIKE) {
        const pc_like *like = x->extra;
        if (like->kind == PC_LIKE_ANY || like->ignore_case) return false;
        uint32_t from = pc_dict_lower(dict, like->fixed);
        uint32_t to = from;
        if (like->kind == PC_LIKE_PREFIX) {
            pc_dict_prefix(dict, like->fixed, &from, &to);
        } else if (from < dict->count && pc_span_equal(pc_dict_text(dict, from), like->fixed)) {
            to = from + 1;
        }
        *out = (pc_code_range){from, (int64_t)to - 1, like->negate};
        return true;
    }
    if (x->arg_count != 2 || x->arg[1]->kind != PC_EXPR_CONSTANT) return false;
    const pc_span text = x->arg[1]->constant.text;
    const uint32_t at = pc_dict_lower(dict, text);
    const bool found = at < dict->count && pc_span_equal(pc_dict_text(dict, at), text);
    return range_of_order(id, at, found ? (int64_t)at : (int64_t)at - 1, out);
}

bool pc_range_of(const pc_expr *x, const pc_dict *dict, pc_code_range *out)
{
    if (x->kind != PC_EXPR_CALL || x->arg_count == 0 || x->arg[0]->kind != PC_EXPR_COLUMN) {
        return false;
    }
    const pc_function_id id = pc_function_which(x->function);
    const bool is_order = id >= PC_FN_EQUAL && id <= PC_FN_GREATER_EQUAL;
    if (!is_order && id != PC_FN_LIKE) return false;
    const pc_type type = x->arg[0]->type;
    if (is_order && (x->arg[1]->kind != PC_EXPR_CONSTANT || x->arg[1]->constant.is_null)) {
        return false;
    }
    if (pc_type_is_text(type)) return range_of_text(x, dict, id, out);
    if (!is_order || type == PC_FLOAT) return false;
    const int64_t value = x->arg[1]->constant.integer;
    return range_of_order(id, value, value, out);
}

int pc_cell_compare(pc_type type, const pc_cell *a, const pc_cell *b)
{
    if (pc_type_is_text(type)) return pc_span_compare(a->text, b->text);
    if (type != PC_FLOAT) return (a->integer > b->integer) - (a->integer < b->integer);
    // NaN is equal to itself and above all, as in PostgreSQL.
    const int a_nan = a->real != a->real;
    const int b_nan = b->real != b->real;
    if (a_nan != 0 || b_nan != 0) return a_nan - b_nan;
    return (a->real > b->real) - (a->real < b->real);
}

static uint8_t holds(pc_function_id id, int order)
{
    switch (id) {
        case PC_FN_EQUAL:
            return order == 0;
        case PC_FN_NOT_EQUAL:
            return order != 0;
        case PC_FN_LESS:
            return order < 0;
        case PC_FN_LESS_EQUAL:
            return order <= 0;
        case PC_FN_GREATER:
            return order > 0;
        default:
            return order >= 0;
    }
}

static void compare_int64(pc_function_id id, const int64_t *a, const int64_t *b, int count,
                          uint8_t *to)
{
    const bool swap = id == PC_FN_GREATER || id == PC_FN_LESS_EQUAL;
    const int64_t *x = swap ? b : a;
    const int64_t *y = swap ? a : b;
    const uint8_t flip =
        id == PC_FN_NOT_EQUAL || id == PC_FN_GREATER_EQUAL || id == PC_FN_LESS_EQUAL;
    if (id == PC_FN_EQUAL || id == PC_FN_NOT_EQUAL) {
        for (int i = 0; i < count; i++) {
            to[i] = (uint8_t)((a[i] == b[i]) ^ flip);
        }
        return;
    }
    for (int i = 0; i < count; i++) {
        to[i] = (uint8_t)((x[i] < y[i]) ^ flip);
    }
}

static bool compares_by_code(pc_function_id id, const pc_vector *a, const pc_vector *b)
{
    if (a->is_constant || b->is_constant || a->column.dict == NULL) return false;
    if (a->column.dict != b->column.dict) return false;
    return a->column.dict->sorted || id == PC_FN_EQUAL || id == PC_FN_NOT_EQUAL;
}

pc_status pc_eval_compare(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_function_id id = pc_function_which(x->function);
    const int count = e->batch->row_count;
    pc_vector a;
    pc_vector b;
    pc_code_range range;
    PC_TRY(pc_eval_node(e, x->arg[0], &a));
    PC_TRY(pc_eval_node(e, x->arg[1], &b));
    uint8_t *to = pc_eval_array(e, 1);
    const uint64_t *valid;
    if (to == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_vector_both(e, &a, &b, &valid));
    const pc_type type = x->arg[0]->type;
    if (!a.is_constant && pc_range_of(x, a.column.dict, &range)) {
        range_mask(&a.column, count, &range, to);
    } else if ((!pc_type_is_text(type) && type != PC_FLOAT && type != PC_NONE) ||
               compares_by_code(id, &a, &b)) {
        const int64_t *m;
        const int64_t *n;
        PC_TRY(pc_vector_int64(e, &a, &m));
        PC_TRY(pc_vector_int64(e, &b, &n));
        compare_int64(id, m, n, count, to);
    } else {
        for (int i = 0; i < count; i++) {
            if (!pc_is_valid(valid, i)) continue;
            const pc_cell m = pc_vector_cell(&a, i);
            const pc_cell n = pc_vector_cell(&b, i);
            to[i] = holds(id, pc_cell_compare(type, &m, &n));
        }
    }
    *out = (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = to, .valid = valid}};
    return PC_OK;
}

pc_status pc_cell_distinct(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    bool same = arg[0].is_null && arg[1].is_null;
    if (!arg[0].is_null && !arg[1].is_null) {
        same = pc_cell_compare(x->arg[0]->type, &arg[0], &arg[1]) == 0;
    }
    out->integer = same == (pc_function_which(x->function) == PC_FN_NOT_DISTINCT);
    return PC_OK;
}

static bool list_has(const pc_in_list *list, const pc_cell *cell)
{
    int64_t from = 0;
    int64_t to = list->count;
    while (from < to) {
        const int64_t middle = from + (to - from) / 2;
        int order;
        if (list->text != NULL) {
            order = pc_span_compare(list->text[middle], cell->text);
        } else if (list->real != NULL) {
            const pc_cell it = {.real = list->real[middle]};
            order = pc_cell_compare(PC_FLOAT, &it, cell);
        } else {
            order =
                (list->integer[middle] > cell->integer) - (list->integer[middle] < cell->integer);
        }
        if (order == 0) return true;
        if (order < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return false;
}

enum { TABLE_SPAN = 2048 }; // integers of a list close together: a table instead of a search

static bool fill_table(const pc_in_list *list, uint8_t *table, int64_t *low, uint64_t *span)
{
    if (list->integer == NULL || list->count == 0) return false;
    *low = list->integer[0];
    *span = (uint64_t)list->integer[list->count - 1] - (uint64_t)*low;
    if (*span >= TABLE_SPAN) return false;
    memset(table, 0, *span + 1);
    for (int64_t i = 0; i < list->count; i++) {
        table[list->integer[i] - *low] = 1;
    }
    return true;
}

static pc_status find_in_list(pc_eval *e, const pc_in_list *list, const pc_vector *v, uint8_t *to)
{
    const int count = e->batch->row_count;
    uint8_t table[TABLE_SPAN];
    int64_t low;
    uint64_t span;
    if (fill_table(list, table, &low, &span)) {
        const int64_t *value;
        PC_TRY(pc_vector_int64(e, v, &value));
        for (int i = 0; i < count; i++) {
            const uint64_t at = (uint64_t)value[i] - (uint64_t)low;
            to[i] = at <= span ? table[at] : 0;
        }
        return PC_OK;
    }
    for (int i = 0; i < count; i++) {
        const pc_cell cell = pc_vector_cell(v, i);
        to[i] = !cell.is_null && list_has(list, &cell);
    }
    return PC_OK;
}

pc_status pc_eval_in(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_in_list *list = x->extra;
    const int count = e->batch->row_count;
    pc_vector v;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant && v.constant->is_null) {
        pc_vector_null(x, out);
        return PC_OK;
    }
    uint8_t *to = pc_eval_array(e, 1);
    if (to == NULL) return PC_NO_MEMORY;
    PC_TRY(find_in_list(e, list, &v, to));
    const uint64_t *valid = v.is_constant ? NULL : v.column.valid;
    if (list->has_null) {
        // What is not found may be the null of the list: neither in it nor not.
        uint64_t *found = pc_eval_bits(e);
        if (found == NULL) return PC_NO_MEMORY;
        for (int i = 0; i < count; i++) {
            found[i >> 6] |= (uint64_t)(to[i] & pc_is_valid(valid, i)) << (i & 63);
        }
        valid = found;
    }
    for (int i = 0; list->negate && i < count; i++) {
        to[i] ^= 1;
    }
    *out = (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = to, .valid = valid}};
    return PC_OK;
}

static char fold(char c, bool ignore_case)
{
    return ignore_case && c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

// One pattern character against the text at `t`: bytes of text that it takes, 0: does not match.
static size_t match_one(const pc_like *like, pc_span pattern, pc_span text, size_t *pattern_bytes)
{
    if (text.bytes == 0) return 0;
    const char first = pattern.data[0];
    if (first == '_') {
        *pattern_bytes = 1;
        const size_t bytes = pc_utf8_character(text);
        return bytes == 0 ? 1 : bytes;
    }
    const bool escaped = like->escape != '\0' && first == like->escape;
    *pattern_bytes = escaped ? 2 : 1;
    const char wanted = escaped ? pattern.data[1] : first;
    return fold(wanted, like->ignore_case) == fold(text.data[0], like->ignore_case) ? 1 : 0;
}

static pc_span behind(pc_span text, size_t bytes)
{
    return (pc_span){text.data + bytes, text.bytes - bytes};
}

// The usual walk with one place to go back to: the last '%'.
static bool like_matches(const pc_like *like, pc_span text)
{
    pc_span pattern = like->pattern;
    pc_span star_pattern = {NULL, 0};
    pc_span star_text = text;
    for (;;) {
        size_t pattern_bytes = 0;
        size_t bytes = 0;
        if (pattern.bytes > 0 && pattern.data[0] == '%' && like->escape != '%') {
            star_pattern = pattern = behind(pattern, 1);
            star_text = text;
            continue;
        }
        if (pattern.bytes == 0 && text.bytes == 0) return true;
        if (pattern.bytes > 0) bytes = match_one(like, pattern, text, &pattern_bytes);
        if (bytes > 0) {
            pattern = behind(pattern, pattern_bytes);
            text = behind(text, bytes);
            continue;
        }
        if (star_pattern.data == NULL || star_text.bytes == 0) return false;
        size_t step = pc_utf8_character(star_text);
        if (step == 0) step = 1;
        star_text = text = behind(star_text, step);
        pattern = star_pattern;
    }
}

pc_status pc_cell_like(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const pc_like *like = x->extra;
    out->integer = like_matches(like, arg[0].text) != like->negate;
    return PC_OK;
}

// A pattern of the row's own.
pc_status pc_cell_like_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_like *form = x->extra;
    pc_like like = *form;
    like.pattern = arg[1].text;
    size_t at = 0;
    while (like.escape != '\0' && at < like.pattern.bytes) {
        const bool escaped = like.pattern.data[at] == like.escape;
        if (escaped && at + 1 == like.pattern.bytes) {
            return pc_eval_fail(e, x, "a pattern that ends with its escape character");
        }
        at += escaped ? 2 : 1;
    }
    out->integer = like_matches(&like, arg[0].text) != like.negate;
    return PC_OK;
}

pc_status pc_eval_like(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    pc_vector v;
    pc_code_range range;
    if (x->arg[0]->kind != PC_EXPR_COLUMN) return pc_eval_cells(e, x, out);
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant || !pc_range_of(x, v.column.dict, &range)) return pc_eval_cells(e, x, out);
    uint8_t *to = pc_eval_array(e, 1);
    if (to == NULL) return PC_NO_MEMORY;
    range_mask(&v.column, e->batch->row_count, &range, to);
    *out =
        (pc_vector){.column = {.type = PC_BOOL, .width = 1, .data = to, .valid = v.column.valid}};
    return PC_OK;
}

pc_status pc_cell_extreme(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const int sign = pc_function_which(x->function) == PC_FN_GREATEST ? 1 : -1;
    *out = (pc_cell){.is_null = true};
    for (int i = 0; i < x->arg_count; i++) {
        if (arg[i].is_null) continue;
        if (out->is_null || pc_cell_compare(x->type, &arg[i], out) * sign > 0) *out = arg[i];
    }
    return PC_OK;
}
