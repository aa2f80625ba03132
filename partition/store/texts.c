/** The dictionaries of an open store as one run of bytes without pointers, so that the ranks of a
 * node may share one copy, each at an address of its own; behind them the area of the reference
 * tables, which are read when they are asked for (references_shared.c):
 *
 *      head | texts of each dictionary | of each older generation | where texts begin | maps |
 * bytes | references
 */
#include <assert.h>
#include <string.h>
#include "inside.h"

typedef struct texts_head {
    pc_digest dictionaries, references; // of their files
    uint64_t dict_count, generation_count;
    uint64_t text_count, old_count; // of all dictionaries; of all older generations
    uint64_t byte_count;
} texts_head;

/** Where things stand behind the head. */
typedef struct texts_layout {
    uint64_t *count;  // [dict_count]
    uint32_t *old;    // [generation_count * dict_count], of the newest: 0
    uint64_t *offset; // [text_count + 1]
    uint32_t *map;    // [old_count]
    char *bytes;      // [byte_count]
} texts_layout;

/** The same as bytes from the beginning. */
typedef struct texts_places {
    size_t count, old, offset, map, bytes, end;
} texts_places;

static size_t whole_words(size_t bytes)
{
    return (bytes + 7) / 8 * 8;
}

static texts_places places_of(const texts_head *head)
{
    texts_places at = {.count = whole_words(sizeof *head)};
    at.old = at.count + head->dict_count * sizeof(uint64_t);
    at.offset = at.old + whole_words(head->dict_count * head->generation_count * sizeof(uint32_t));
    at.map = at.offset + (head->text_count + 1) * sizeof(uint64_t);
    at.bytes = at.map + whole_words(head->old_count * sizeof(uint32_t));
    at.end = at.bytes + head->byte_count;
    return at;
}

static texts_layout lay_out(const texts_head *head, char *memory)
{
    const texts_places at = places_of(head);
    return (texts_layout){.count = (uint64_t *)(void *)(memory + at.count),
                          .old = (uint32_t *)(void *)(memory + at.old),
                          .offset = (uint64_t *)(void *)(memory + at.offset),
                          .map = (uint32_t *)(void *)(memory + at.map),
                          .bytes = memory + at.bytes};
}

static texts_head head_of(const pc_store *store)
{
    const size_t dicts = (size_t)store->model->dict_count;
    texts_head head = {.dictionaries = store->dictionaries_digest,
                       .references = store->references_digest,
                       .dict_count = dicts,
                       .generation_count = store->generation_count};
    for (size_t d = 0; d < dicts; d++) {
        const pc_dict *dict = &store->dict[d];
        head.text_count += dict->count;
        head.byte_count += dict->offset[dict->count] - dict->offset[0];
    }
    for (size_t i = 0; i < dicts * (store->generation_count - 1); i++)
        head.old_count += store->old_count[i];
    return head;
}

// Where the area of the reference tables begins.
static size_t references_at(const texts_head *head)
{
    return (places_of(head).end + PC_SHARED_ALIGN - 1) / PC_SHARED_ALIGN * PC_SHARED_ALIGN;
}

size_t pc_store_shared_size(const pc_store *store, bool has_references)
{
    const texts_head head = head_of(store);
    return references_at(&head) + (has_references ? pc_references_shared_bytes(store) : 0);
}

void pc_store_shared_pack(const pc_store *store, bool has_references, void *memory)
{
    const texts_head head = head_of(store);
    const texts_layout at = lay_out(&head, memory);
    memcpy(memory, &head, sizeof head);
    uint64_t text = 0;
    uint64_t bytes = 0;
    for (size_t d = 0; d < head.dict_count; d++) {
        const pc_dict *dict = &store->dict[d];
        const uint64_t first = dict->offset[0];
        at.count[d] = dict->count;
        for (uint32_t i = 0; i < dict->count; i++)
            at.offset[text++] = bytes + dict->offset[i] - first;
        const size_t size = (size_t)(dict->offset[dict->count] - first);
        if (size > 0) memcpy(at.bytes + bytes, dict->bytes + first, size);
        bytes += size;
    }
    at.offset[text] = bytes;
    uint64_t map = 0;
    memset(at.old, 0, head.dict_count * head.generation_count * sizeof *at.old);
    for (size_t i = 0; i < head.dict_count * (head.generation_count - 1); i++) {
        at.old[i] = store->old_count[i];
        if (at.old[i] > 0) {
            memcpy(at.map + map, store->old_to_new[i], at.old[i] * sizeof *at.map);
        }
        map += at.old[i];
    }
    if (has_references) {
        pc_references_shared_begin(store, (char *)memory + references_at(&head));
    }
}

pc_status pc_dictionaries_attach(pc_store *store, const pc_store_shared *shared, bool *is_done,
                                 pc_error *err)
{
    texts_head head;
    *is_done = false;
    if (shared == NULL || shared->memory == NULL) return PC_OK;
    memcpy(&head, shared->memory, sizeof head);
    // The store was changed since they were packed: then it is read like any other.
    if (memcmp(&head.dictionaries, &store->dictionaries_digest, sizeof head.dictionaries) != 0 ||
        memcmp(&head.references, &store->references_digest, sizeof head.references) != 0 ||
        head.dict_count != (uint64_t)store->model->dict_count ||
        head.generation_count != store->generation_count) {
        return PC_OK;
    }
    const size_t area = references_at(&head);
    const size_t share = area / (size_t)shared->readers;
    PC_TRY(pc_budget_take(store->budget, share, err));
    store->shared = (pc_store_seen){.readers = shared->readers, .counted_bytes = share};
    if (area < shared->bytes) {
        store->shared.at = (char *)shared->memory + area;
        store->shared.bytes = shared->bytes - area;
    }
    PC_TRY(pc_dictionaries_room(store, err));
    const texts_layout at = lay_out(&head, shared->memory);
    assert(area <= shared->bytes);
    uint64_t text = 0;
    for (size_t d = 0; d < head.dict_count; d++) {
        store->dict[d] = (pc_dict){.count = (uint32_t)at.count[d],
                                   .sorted = true,
                                   .offset = at.offset + text,
                                   .bytes = at.bytes};
        text += at.count[d];
    }
    uint64_t map = 0;
    for (size_t i = 0; i < head.dict_count * (head.generation_count - 1); i++) {
        store->old_to_new[i] = at.map + map;
        store->old_count[i] = at.old[i];
        map += at.old[i];
    }
    *is_done = true;
    return PC_OK;
}
