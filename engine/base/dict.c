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

enum { FIRST_CELLS = 64, HEAD_BYTES = 8 }; // FIRST_CELLS: a power of two

/** A place of the hash table. Codes are short: most are compared here, in one line of cache. */
typedef struct dict_cell {
    char head[HEAD_BYTES]; // of the text, padded with NUL
    uint32_t hash;         // 24 bits of it; the lowest byte: of the text's length, 255: more
    uint32_t next;         // index + 1; 0: empty
} dict_cell;

struct pc_dict_builder {
    pc_arena self;    // holds this struct
    pc_dict view;     // follows the buffers
    pc_buffer offset; // uint64_t [count + 1]
    pc_buffer bytes;
    pc_buffer cell; // dict_cell [mask + 1]
    uint64_t mask;
};

static dict_cell cell_of(pc_span text)
{
    const uint32_t hash = (uint32_t)(pc_hash64(text.data, text.bytes) >> 32);
    const uint32_t bytes = text.bytes < 255 ? (uint32_t)text.bytes : 255;
    dict_cell cell = {.hash = (hash & ~UINT32_C(255)) | bytes};
    if (bytes > 0) memcpy(cell.head, text.data, bytes < HEAD_BYTES ? bytes : HEAD_BYTES);
    return cell;
}

// Where a text belongs: by what its cell holds, so that the table grows without the texts.
static uint64_t first_place(const dict_cell *cell, uint64_t mask)
{
    uint64_t head;
    memcpy(&head, cell->head, sizeof head);
    const uint64_t mixed = (head ^ (uint64_t)cell->hash << 24) * UINT64_C(0x9e3779b97f4a7c15);
    return (mixed ^ mixed >> 32) & mask;
}

static pc_status grow_cells(pc_dict_builder *b, uint64_t cell_count, pc_error *err)
{
    pc_buffer next = {.budget = b->cell.budget};
    PC_TRY(pc_buffer_reserve(&next, cell_count * sizeof(dict_cell), err));
    next.bytes = cell_count * sizeof(dict_cell);
    memset(next.data, 0, next.bytes);
    dict_cell *to = (dict_cell *)(void *)next.data;
    const dict_cell *from = (const dict_cell *)(const void *)b->cell.data;
    const uint64_t mask = cell_count - 1;
    for (uint64_t i = 0; from != NULL && i <= b->mask; i++) {
        if (from[i].next == 0) continue;
        uint64_t at = first_place(&from[i], mask);
        while (to[at].next != 0) {
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
    b->view.serial = pc_budget_serial(budget);
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

// The cell of a text, or the free one where it belongs.
static dict_cell *find_cell(const pc_dict_builder *b, pc_span text, const dict_cell *wanted)
{
    dict_cell *cell = (dict_cell *)(void *)b->cell.data;
    for (uint64_t at = first_place(wanted, b->mask);; at = (at + 1) & b->mask) {
        if (cell[at].next == 0) return &cell[at];
        if (cell[at].hash != wanted->hash) continue;
        if (memcmp(cell[at].head, wanted->head, HEAD_BYTES) != 0) continue;
        if (text.bytes <= HEAD_BYTES) return &cell[at];
        const pc_span known = pc_dict_text(&b->view, cell[at].next - 1);
        if (pc_span_equal(known, text)) return &cell[at];
    }
}

pc_status pc_dict_builder_add(pc_dict_builder *builder, pc_span text, uint32_t *index,
                              pc_error *err)
{
    pc_dict_builder *b = builder;
    const dict_cell wanted = cell_of(text);
    dict_cell *cell = find_cell(b, text, &wanted);
    if (cell->next != 0) {
        *index = cell->next - 1;
        return PC_OK;
    }
    if (b->view.count >= PC_DICT_NONE - 1) {
        return PC_FAIL(err, PC_BAD_INPUT, "a dictionary holds at most 4294967294 texts");
    }
    // All room first: a refusal leaves the builder as it was. At most 2 of 3 cells are used.
    if ((uint64_t)(b->view.count + 1) * 3 > (b->mask + 1) * 2) {
        PC_TRY(grow_cells(b, (b->mask + 1) * 2, err));
        cell = find_cell(b, text, &wanted);
    }
    PC_TRY(pc_buffer_reserve(&b->offset, b->offset.bytes + sizeof(uint64_t), err));
    refresh_view(b);
    PC_TRY(pc_buffer_append(&b->bytes, text.data, text.bytes, err));
    const uint64_t end = b->bytes.bytes;
    PC_TRY(pc_buffer_append(&b->offset, &end, sizeof end, err));
    refresh_view(b);
    *index = b->view.count++;
    *cell = wanted;
    cell->next = b->view.count;
    return PC_OK;
}

const pc_dict *pc_dict_builder_view(const pc_dict_builder *builder)
{
    return &builder->view;
}

size_t pc_dict_builder_bytes(const pc_dict_builder *builder)
{
    return builder->offset.capacity_bytes + builder->bytes.capacity_bytes +
           builder->cell.capacity_bytes;
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
    *out = (pc_dict){.count = count,
                     .sorted = true,
                     .offset = offset,
                     .bytes = bytes,
                     .serial = pc_budget_serial(arena->budget)};
    if (old_to_new != NULL) *old_to_new = map;
    status = PC_OK;
done:
    pc_arena_reset(&scratch);
    return status;
}
