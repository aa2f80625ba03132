/** Dictionaries: sorted ones that are searched, and one that grows by hashing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/dict.h"
#include "parcours/hash.h"

uint32_t pc_dict_lower(const pc_dict *dict, pc_span text)
{
    assert(dict->sorted);
    uint32_t from = 0;
    uint32_t to = dict->count;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        if (pc_span_compare(pc_dict_text(dict, middle), text) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

uint32_t pc_dict_find(const pc_dict *dict, pc_span text)
{
    const uint32_t index = pc_dict_lower(dict, text);
    const bool found = index < dict->count && pc_span_equal(pc_dict_text(dict, index), text);
    return found ? index : PC_DICT_NONE;
}

void pc_dict_prefix(const pc_dict *dict, pc_span prefix, uint32_t *from, uint32_t *to)
{
    *from = pc_dict_lower(dict, prefix);
    uint32_t low = *from;
    uint32_t high = dict->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        pc_span text = pc_dict_text(dict, middle);
        if (text.bytes > prefix.bytes) text.bytes = prefix.bytes;
        if (pc_span_compare(text, prefix) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *to = low;
}

enum { FIRST_CELLS = 64 }; // a power of two

struct pc_dict_builder {
    pc_arena self;    // holds this struct
    pc_dict view;     // follows the buffers
    pc_buffer offset; // uint64_t [count + 1]
    pc_buffer bytes;
    pc_buffer cell; // uint64_t [a power of two]: upper half of a hash << 32 | index + 1; 0: empty
    uint64_t mask;
};

static pc_status grow_cells(pc_dict_builder *b, uint64_t cell_count, pc_error *err)
{
    pc_buffer next = {.budget = b->cell.budget};
    PC_TRY(pc_buffer_reserve(&next, cell_count * sizeof(uint64_t), err));
    next.bytes = cell_count * sizeof(uint64_t);
    memset(next.data, 0, next.bytes);
    uint64_t *to = (uint64_t *)(void *)next.data;
    const uint64_t *from = (const uint64_t *)(const void *)b->cell.data;
    const uint64_t mask = cell_count - 1;
    for (uint64_t i = 0; from != NULL && i <= b->mask; i++) {
        if (from[i] == 0) continue;
        uint64_t at = (from[i] >> 32) & mask;
        while (to[at] != 0) {
            at = (at + 1) & mask;
        }
        to[at] = from[i];
    }
    pc_buffer_release(&b->cell);
    b->cell = next;
    b->mask = mask;
    return PC_OK;
}

static void refresh_view(pc_dict_builder *b)
{
    b->view.offset = (const uint64_t *)(const void *)b->offset.data;
    b->view.bytes = b->bytes.data == NULL ? "" : b->bytes.data;
}

pc_status pc_dict_builder_new(pc_budget *budget, pc_dict_builder **out, pc_error *err)
{
    pc_arena self = {.budget = budget};
    pc_dict_builder *b = pc_arena_take(&self, sizeof *b, err);
    if (b == NULL) return PC_NO_MEMORY;
    b->self = self;
    b->offset.budget = budget;
    b->bytes.budget = budget;
    b->cell.budget = budget;
    const uint64_t zero = 0;
    pc_status status = pc_buffer_append(&b->offset, &zero, sizeof zero, err);
    if (status == PC_OK) status = grow_cells(b, FIRST_CELLS, err);
    if (status != PC_OK) {
        pc_dict_builder_free(b);
        return status;
    }
    refresh_view(b);
    *out = b;
    return PC_OK;
}

void pc_dict_builder_free(pc_dict_builder *builder)
{
    if (builder == NULL) return;
    pc_buffer_release(&builder->offset);
    pc_buffer_release(&builder->bytes);
    pc_buffer_release(&builder->cell);
    pc_arena self = builder->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}

pc_status pc_dict_builder_add(pc_dict_builder *builder, pc_span text, uint32_t *index,
                              pc_error *err)
{
    pc_dict_builder *b = builder;
    const uint64_t tag = pc_hash64(text.data, text.bytes) >> 32;
    uint64_t *cell = (uint64_t *)(void *)b->cell.data;
    uint64_t at = tag & b->mask;
    for (; cell[at] != 0; at = (at + 1) & b->mask) {
        if (cell[at] >> 32 != tag) continue;
        const uint32_t found = (uint32_t)cell[at] - 1;
        if (!pc_span_equal(pc_dict_text(&b->view, found), text)) continue;
        *index = found;
        return PC_OK;
    }
    if (b->view.count >= PC_DICT_NONE - 1) {
        return PC_FAIL(err, PC_BAD_INPUT, "a dictionary holds at most 4294967294 texts");
    }
    // All room first: a refusal leaves the builder as it was. At most 2 of 3 cells are used.
    if ((uint64_t)(b->view.count + 1) * 3 > (b->mask + 1) * 2) {
        PC_TRY(grow_cells(b, (b->mask + 1) * 2, err));
        cell = (uint64_t *)(void *)b->cell.data;
        at = tag & b->mask;
        while (cell[at] != 0) {
            at = (at + 1) & b->mask;
        }
    }
    PC_TRY(pc_buffer_reserve(&b->offset, b->offset.bytes + sizeof(uint64_t), err));
    refresh_view(b);
    PC_TRY(pc_buffer_append(&b->bytes, text.data, text.bytes, err));
    const uint64_t end = b->bytes.bytes;
    PC_TRY(pc_buffer_append(&b->offset, &end, sizeof end, err));
    refresh_view(b);
    *index = b->view.count++;
    cell[at] = tag << 32 | (uint64_t)b->view.count;
    return PC_OK;
}

const pc_dict *pc_dict_builder_view(const pc_dict_builder *builder)
{
    return &builder->view;
}

typedef struct sort_item {
    pc_span text;
    uint32_t index;
} sort_item;

static int compare_items(const void *a, const void *b)
{
    return pc_span_compare(((const sort_item *)a)->text, ((const sort_item *)b)->text);
}

pc_status pc_dict_builder_sort(const pc_dict_builder *builder, pc_arena *arena, pc_dict *out,
                               uint32_t **old_to_new, pc_error *err)
{
    const pc_dict *view = &builder->view;
    const uint32_t count = view->count;
    pc_arena scratch = {.budget = arena->budget};
    pc_status status = PC_NO_MEMORY;
    sort_item *item = pc_arena_array(&scratch, count, sizeof *item, err);
    uint64_t *offset = pc_arena_array(arena, (size_t)count + 1, sizeof *offset, err);
    if (item == NULL || offset == NULL) goto done;
    char *bytes = pc_arena_take(arena, builder->bytes.bytes, err);
    uint32_t *map = NULL;
    if (old_to_new != NULL) map = pc_arena_array(arena, count, sizeof *map, err);
    if (bytes == NULL || (old_to_new != NULL && map == NULL)) goto done;
    for (uint32_t i = 0; i < count; i++) {
        item[i] = (sort_item){pc_dict_text(view, i), i};
    }
    qsort(item, count, sizeof *item, compare_items);
    for (uint32_t i = 0; i < count; i++) {
        if (item[i].text.bytes > 0)
            memcpy(bytes + offset[i], item[i].text.data, item[i].text.bytes);
        offset[i + 1] = offset[i] + item[i].text.bytes;
        if (map != NULL) map[item[i].index] = i;
    }
    *out = (pc_dict){.count = count, .sorted = true, .offset = offset, .bytes = bytes};
    if (old_to_new != NULL) *old_to_new = map;
    status = PC_OK;
done:
    pc_arena_reset(&scratch);
    return status;
}
