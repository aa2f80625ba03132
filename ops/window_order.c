/** The order of a window's rows, its partitions, peers and frames. */
#include <string.h>
#include "window.h"

static int compare_floats(double a, double b)
{
    if (a != a || b != b) return (a != a) - (b != b); // nan is the largest
    return (a > b) - (a < b);
}

int pc_window_compare(const pc_column *c, int64_t a, int64_t b)
{
    switch (c->type) {
        case PC_FLOAT:
            return compare_floats(((const double *)c->data)[a], ((const double *)c->data)[b]);
        case PC_ID:
            return memcmp((const char *)c->data + a * c->width,
                          (const char *)c->data + b * c->width, c->width);
        case PC_CODE:
        case PC_TEXT: {
            const uint32_t x = ((const uint32_t *)c->data)[a];
            const uint32_t y = ((const uint32_t *)c->data)[b];
            if (x == y) return 0;
            if (c->dict->sorted) return x < y ? -1 : 1;
            return pc_span_compare(pc_dict_text(c->dict, x), pc_dict_text(c->dict, y));
        }
        default: {
            const int64_t x = pc_column_int(c, a);
            const int64_t y = pc_column_int(c, b);
            return (x > y) - (x < y);
        }
    }
}

static int compare_key(const pc_window_rows *rows, const pc_sort_key *key, int64_t a, int64_t b)
{
    const pc_column *c = &rows->column[key->column];
    const bool null_a = pc_column_is_null(c, a);
    const bool null_b = pc_column_is_null(c, b);
    if (null_a || null_b) {
        if (null_a && null_b) return 0;
        return null_a == key->nulls_first ? -1 : 1;
    }
    const int order = pc_window_compare(c, a, b);
    return key->descending ? -order : order;
}

static bool same_partition(const pc_plan *node, const pc_window_rows *rows, int64_t a, int64_t b)
{
    for (int i = 0; i < node->of.window.partition_count; i++) {
        const pc_sort_key key = {.column = node->of.window.partition[i]};
        if (compare_key(rows, &key, a, b) != 0) return false;
    }
    return true;
}

static bool are_peers(const pc_plan *node, const pc_window_rows *rows, int64_t a, int64_t b)
{
    for (int i = 0; i < node->of.window.order_count; i++) {
        if (compare_key(rows, &node->of.window.order[i], a, b) != 0) return false;
    }
    return true;
}

// By partition, by the window's order, then by all columns: rows that are still equal cannot be
// told apart, so numbers do not depend on the order of arrival.
static int compare_rows(const pc_plan *node, const pc_window_rows *rows, int64_t a, int64_t b)
{
    int order = 0;
    for (int i = 0; order == 0 && i < node->of.window.partition_count; i++) {
        const pc_sort_key key = {.column = node->of.window.partition[i]};
        order = compare_key(rows, &key, a, b);
    }
    for (int i = 0; order == 0 && i < node->of.window.order_count; i++) {
        order = compare_key(rows, &node->of.window.order[i], a, b);
    }
    for (int i = 0; order == 0 && i < node->input->schema.field_count; i++) {
        const pc_sort_key key = {.column = i};
        order = compare_key(rows, &key, a, b);
    }
    return order;
}

enum { SHORT_RUN = 16 }; // rows that are put in order one by one

static void insert_run(const pc_plan *node, const pc_window_rows *rows, uint32_t *index,
                       int64_t begin, int64_t end)
{
    for (int64_t i = begin + 1; i < end; i++) {
        const uint32_t row = index[i];
        int64_t at = i;
        while (at > begin && compare_rows(node, rows, index[at - 1], row) > 0) {
            index[at] = index[at - 1];
            at--;
        }
        index[at] = row;
    }
}

// Two neighbouring runs that are in order become one; nothing moves when they are one already.
static void merge_two(const pc_plan *node, const pc_window_rows *rows, uint32_t *index,
                      int64_t begin, int64_t middle, int64_t end, uint32_t *other)
{
    if (compare_rows(node, rows, index[middle - 1], index[middle]) <= 0) return;
    int64_t left = begin;
    int64_t right = middle;
    for (int64_t at = begin; at < end; at++) {
        const bool take_left =
            left < middle &&
            (right >= end || compare_rows(node, rows, index[left], index[right]) <= 0);
        other[at] = take_left ? index[left++] : index[right++];
    }
    memcpy(index + begin, other + begin, (size_t)(end - begin) * sizeof *index);
}

static void sort_places(const pc_plan *node, const pc_window_rows *rows, int64_t begin, int64_t end,
                        uint32_t *other)
{
    for (int64_t at = begin; at < end; at += SHORT_RUN) {
        insert_run(node, rows, rows->index, at, at + SHORT_RUN < end ? at + SHORT_RUN : end);
    }
    for (int64_t run = SHORT_RUN; run < end - begin; run *= 2) {
        for (int64_t at = begin; at + run < end; at += 2 * run) {
            const int64_t last = at + 2 * run < end ? at + 2 * run : end;
            merge_two(node, rows, rows->index, at, at + run, last, other);
        }
    }
}

static void find_peers(const pc_plan *node, pc_window_rows *rows)
{
    for (int64_t begin = 0; begin < rows->row_count;) {
        const uint32_t first = rows->index[begin];
        int64_t end = begin + 1;
        while (end < rows->row_count && same_partition(node, rows, first, rows->index[end]) &&
               are_peers(node, rows, first, rows->index[end])) {
            end++;
        }
        for (int64_t at = begin; at < end; at++) {
            rows->peers_begin[at] = begin;
            rows->peers_end[at] = end;
        }
        begin = end;
    }
}

pc_status pc_window_sort(const pc_plan *node, pc_window_rows *rows, pc_arena *arena, pc_error *err)
{
    const size_t count = (size_t)rows->row_count + 1;
    if (rows->row_count > UINT32_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "more than %u rows of a window on one rank", UINT32_MAX);
    }
    rows->index = pc_arena_array(arena, count, sizeof *rows->index, err);
    uint32_t *other = pc_arena_array(arena, count, sizeof *other, err);
    rows->peers_begin = pc_arena_array(arena, count, sizeof *rows->peers_begin, err);
    rows->peers_end = pc_arena_array(arena, count, sizeof *rows->peers_end, err);
    if (rows->index == NULL || other == NULL || rows->peers_begin == NULL ||
        rows->peers_end == NULL) {
        return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < rows->row_count; row++) {
        rows->index[row] = (uint32_t)row;
    }
    // Within a slot each: rows of a slot stand together, and partitions lie within slots.
    const int64_t *slot = rows->slot;
    for (int64_t begin = 0; begin < rows->row_count;) {
        int64_t end = slot == NULL ? rows->row_count : begin + 1;
        while (slot != NULL && end < rows->row_count && slot[end] == slot[begin]) {
            end++;
        }
        sort_places(node, rows, begin, end, other);
        begin = end;
    }
    find_peers(node, rows);
    return PC_OK;
}

pc_window_part pc_window_part_at(const pc_plan *node, const pc_window_rows *rows, int64_t begin)
{
    int64_t end = rows->peers_end[begin];
    while (end < rows->row_count &&
           same_partition(node, rows, rows->index[begin], rows->index[end])) {
        end = rows->peers_end[end];
    }
    pc_window_part part = {begin, end, begin, end};
    if (node->of.window.order_count == 0) return part;
    const pc_column *c = &rows->column[node->of.window.order[0].column];
    while (part.known_begin < end && pc_column_is_null(c, rows->index[part.known_begin])) {
        part.known_begin++;
    }
    while (part.known_end > part.known_begin &&
           pc_column_is_null(c, rows->index[part.known_end - 1])) {
        part.known_end--;
    }
    return part;
}

// The n-th group of peers before (n < 0) or behind that of a place: its first place, or an end of
// the partition when there are not so many.
static int64_t step_groups(const pc_window_rows *rows, const pc_window_part *part, int64_t at,
                           int64_t n)
{
    int64_t place = rows->peers_begin[at];
    for (; n < 0 && place > part->begin; n++) {
        place = rows->peers_begin[place - 1];
    }
    for (; n > 0 && place < part->end; n--) {
        place = rows->peers_end[place];
    }
    return n < 0 ? part->begin - 1 : place;
}

// Is the first order key of a row before value + offset, in the window's direction? `past`: or
// equal to it.
static bool is_before(const pc_column *c, int64_t row, int64_t of, int64_t offset, bool descending,
                      bool past)
{
    int order;
    if (c->type == PC_FLOAT) {
        const double *value = c->data;
        order =
            compare_floats(value[row], value[of] + (descending ? -(double)offset : (double)offset));
    } else {
        const pc_int128 bound =
            (pc_int128)pc_column_int(c, of) + (descending ? -(pc_int128)offset : offset);
        const pc_int128 value = pc_column_int(c, row);
        order = (value > bound) - (value < bound);
    }
    if (descending) order = -order;
    return past ? order <= 0 : order < 0;
}

// RANGE with an offset: the first place whose key is not before this one's plus the offset.
static int64_t search_range(const pc_plan *node, const pc_window_rows *rows,
                            const pc_window_part *part, int64_t at, int64_t offset, bool past)
{
    const pc_sort_key *key = &node->of.window.order[0];
    const pc_column *c = &rows->column[key->column];
    if (pc_column_is_null(c, rows->index[at])) {
        return past ? rows->peers_end[at] : rows->peers_begin[at]; // nulls are near nulls only
    }
    int64_t from = part->known_begin;
    int64_t to = part->known_end;
    while (from < to) {
        const int64_t middle = from + (to - from) / 2;
        if (is_before(c, rows->index[middle], rows->index[at], offset, key->descending, past)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

// at + offset, kept within one place around the partition: offsets may be huge.
static int64_t step_rows(const pc_window_part *part, int64_t at, int64_t offset)
{
    int64_t place;
    if (__builtin_add_overflow(at, offset, &place)) place = offset < 0 ? INT64_MIN : INT64_MAX;
    if (place < part->begin - 1) return part->begin - 1;
    return place > part->end ? part->end : place;
}

static int64_t begin_of(const pc_plan *node, const pc_window_rows *rows, const pc_window_part *part,
                        const pc_frame *frame, int64_t at)
{
    if (frame->start == PC_END_UNBOUNDED) return part->begin;
    if (frame->start == PC_END_CURRENT) {
        return frame->mode == PC_FRAME_ROWS ? at : rows->peers_begin[at];
    }
    if (frame->mode == PC_FRAME_ROWS) return step_rows(part, at, frame->start_offset);
    if (frame->mode == PC_FRAME_GROUPS) return step_groups(rows, part, at, frame->start_offset);
    return search_range(node, rows, part, at, frame->start_offset, false);
}

static int64_t end_of(const pc_plan *node, const pc_window_rows *rows, const pc_window_part *part,
                      const pc_frame *frame, int64_t at)
{
    if (frame->end == PC_END_UNBOUNDED) return part->end;
    if (frame->end == PC_END_CURRENT) {
        return frame->mode == PC_FRAME_ROWS ? at + 1 : rows->peers_end[at];
    }
    if (frame->mode == PC_FRAME_ROWS) return step_rows(part, at, frame->end_offset) + 1;
    if (frame->mode == PC_FRAME_GROUPS) {
        const int64_t place = step_groups(rows, part, at, frame->end_offset);
        if (place < part->begin) return part->begin;
        return place < part->end ? rows->peers_end[place] : part->end;
    }
    return search_range(node, rows, part, at, frame->end_offset, true);
}

void pc_window_frame(const pc_plan *node, const pc_window_rows *rows, const pc_window_part *part,
                     const pc_frame *frame, int64_t at, int64_t *begin, int64_t *end)
{
    *begin = begin_of(node, rows, part, frame, at);
    *end = end_of(node, rows, part, frame, at);
    if (*begin < part->begin) *begin = part->begin;
    if (*end > part->end) *end = part->end;
    if (*end < *begin) *end = *begin;
}
