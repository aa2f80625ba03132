/** Sets of codes: patterns by system, asked text by text or as a bitmap over a dictionary. */
#include <stdlib.h>
#include <string.h>
#include "expr_private.h"

struct pc_code_set {
    int pattern_count;
    pc_code_pattern *pattern; ///< [pattern_count] copies: first those that are one code, sorted
    int single_count;         ///< so many are one code and no exception: found by search
};

/** Whether a pattern adds one code and no more. */
static bool is_single(const pc_code_pattern *p)
{
    return !p->is_except && p->high.bytes == 0 && (p->exact || !p->is_prefix_system);
}

static int compare_single(const pc_code_pattern *p, int system, pc_span code)
{
    if (p->system != system) return p->system < system ? -1 : 1;
    return pc_span_compare(p->low, code);
}

static int compare_patterns(const void *a, const void *b)
{
    const pc_code_pattern *x = a, *y = b;
    if (is_single(x) != is_single(y)) return is_single(x) ? -1 : 1;
    return compare_single(x, y->system, y->low);
}

pc_status pc_code_set_make(const pc_code_pattern *pattern, int pattern_count, pc_arena *arena,
                           pc_code_set **out, pc_error *err)
{
    pc_code_set *set = pc_arena_take(arena, sizeof *set, err);
    if (set == NULL) return PC_NO_MEMORY;
    set->pattern = pc_arena_array(arena, (size_t)pattern_count, sizeof *set->pattern, err);
    if (set->pattern == NULL) return PC_NO_MEMORY;
    set->pattern_count = pattern_count;
    for (int i = 0; i < pattern_count; i++) {
        pc_code_pattern *p = &set->pattern[i];
        *p = pattern[i];
        char *low = pc_arena_text(arena, p->low.bytes == 0 ? "" : p->low.data, p->low.bytes, err);
        char *high =
            pc_arena_text(arena, p->high.bytes == 0 ? "" : p->high.data, p->high.bytes, err);
        if (low == NULL || high == NULL) return PC_NO_MEMORY;
        p->low.data = low;
        p->high.data = high;
    }
    if (pattern_count > 0) {
        qsort(set->pattern, (size_t)pattern_count, sizeof *set->pattern, compare_patterns);
    }
    while (set->single_count < pattern_count && is_single(&set->pattern[set->single_count]))
        set->single_count++;
    *out = set;
    return PC_OK;
}

static bool has_single(const pc_code_set *set, int system, pc_span code)
{
    int low = 0, high = set->single_count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const int order = compare_single(&set->pattern[middle], system, code);
        if (order == 0) return true;
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static bool matches(const pc_code_pattern *p, pc_span code)
{
    if (p->high.bytes > 0) {
        if (code.bytes < p->low.bytes) return false;
        const pc_span beginning = {code.data, p->low.bytes};
        return pc_span_compare(beginning, p->low) >= 0 && pc_span_compare(beginning, p->high) <= 0;
    }
    if (p->exact || !p->is_prefix_system) return pc_span_equal(code, p->low);
    return code.bytes >= p->low.bytes && memcmp(code.data, p->low.data, p->low.bytes) == 0;
}

static bool is_in(const pc_code_set *set, int system, pc_span trimmed)
{
    bool in = has_single(set, system, trimmed);
    for (int i = set->single_count; i < set->pattern_count; i++) {
        const pc_code_pattern *p = &set->pattern[i];
        if (p->system != system || (in && !p->is_except) || !matches(p, trimmed)) continue;
        if (p->is_except) return false;
        in = true;
    }
    return in;
}

bool pc_code_set_has(const pc_code_set *set, int system, pc_span code)
{
    return is_in(set, system, pc_span_trim(code));
}

static void mark_if_in(const pc_code_set *set, int system, const pc_dict *dict, uint32_t from,
                       uint32_t to, uint64_t *bitmap)
{
    for (uint32_t i = from; i < to; i++) {
        if ((bitmap[i >> 6] >> (i & 63) & 1) != 0) continue;
        if (pc_code_set_has(set, system, pc_dict_text(dict, i))) bitmap[i >> 6] |= 1ULL << (i & 63);
    }
}

// What can match a pattern stands together in a sorted dictionary; texts that begin with a blank
// stand apart. Piece `i` of pattern_count + 2; empty where there is nothing.
static void piece_of(const pc_code_set *set, int system, const pc_dict *dict, int i, uint32_t *from,
                     uint32_t *to)
{
    *from = *to = 0;
    if (i >= set->pattern_count) {
        pc_dict_prefix(dict, pc_span_of(i == set->pattern_count ? " " : "\t"), from, to);
        return;
    }
    const pc_code_pattern *p = &set->pattern[i];
    if (p->system != system || p->is_except) return;
    pc_dict_prefix(dict, p->low, from, to);
    uint32_t last;
    if (p->high.bytes > 0) pc_dict_prefix(dict, p->high, &last, to);
}

void pc_code_set_span(const pc_code_set *set, int system, const pc_dict *dict, int64_t *low,
                      int64_t *high)
{
    *low = INT64_MAX;
    *high = INT64_MIN;
    for (int i = 0; i < set->pattern_count + 2; i++) {
        uint32_t from, to;
        piece_of(set, system, dict, i, &from, &to);
        if (from >= to) continue;
        if (from < *low) *low = from;
        if ((int64_t)to - 1 > *high) *high = (int64_t)to - 1;
    }
}

pc_status pc_code_set_bitmap(const pc_code_set *set, int system, const pc_dict *dict,
                             pc_arena *arena, uint64_t **bitmap, pc_error *err)
{
    uint64_t *bits = pc_arena_array(arena, (size_t)dict->count / 64 + 1, sizeof *bits, err);
    if (bits == NULL) return PC_NO_MEMORY;
    *bitmap = bits;
    if (!dict->sorted) mark_if_in(set, system, dict, 0, dict->count, bits);
    for (int i = 0; dict->sorted && i < set->pattern_count + 2; i++) {
        uint32_t from, to;
        piece_of(set, system, dict, i, &from, &to);
        mark_if_in(set, system, dict, from, to, bits);
    }
    return PC_OK;
}

pc_status pc_cell_in_codes(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_code_test *test = x->extra;
    char digits[48];
    pc_span code = arg[0].text;
    (void)e;
    if (!pc_type_is_text(x->arg[0]->type)) {
        code = (pc_span){digits, (size_t)pc_decimal_format(arg[0].integer, 0, digits)};
    }
    out->integer = pc_code_set_has(test->set, test->system, code);
    return PC_OK;
}

static int compare_integers(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

pc_status pc_code_set_integers(const pc_code_set *set, int system, pc_arena *arena,
                               const int64_t **out, int64_t *count, pc_error *err)
{
    int64_t *value = pc_arena_array(arena, (size_t)set->pattern_count + 1, sizeof *value, err);
    if (value == NULL) return PC_NO_MEMORY;
    *out = NULL;
    *count = 0;
    int64_t n = 0;
    for (int i = 0; i < set->pattern_count; i++) {
        const pc_code_pattern *p = &set->pattern[i];
        if (p->system != system || p->is_except) continue;
        char digits[48];
        int64_t number;
        if (p->high.bytes > 0 || (p->is_prefix_system && !p->exact)) return PC_OK;
        if (!pc_int_parse(p->low, &number)) continue; // no number is written so: matches nothing
        // The number is compared as it is written: '071' is not 71.
        const pc_span written = {digits, (size_t)pc_decimal_format(number, 0, digits)};
        if (pc_code_set_has(set, system, written)) value[n++] = number;
    }
    qsort(value, (size_t)n, sizeof *value, compare_integers);
    *out = value;
    *count = n;
    return PC_OK;
}
