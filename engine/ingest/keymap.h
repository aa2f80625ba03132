/** @file keymap.h
 *  A hash table over all ranks: a key of fixed bytes to a 16-byte tag. A key lives on the rank that
 *  its hash names. Keys are compared in full. Private.
 */
#ifndef PC_KEYMAP_H
#define PC_KEYMAP_H
#include "parcours/row.h"
#include "scatter.h"

typedef struct keymap {
    int key_bytes;
    int entry_bytes; // key, tag, flag
    pc_buffer entry; // [entry_count] of this rank
    int64_t entry_count;
    pc_buffer place; // uint64: 32 bits of hash, entry + 1
    uint64_t place_mask;
    bool several_is_none;   // a key that comes with several tags gets the tag of all zeros
    int64_t conflict_count; // keys that came with several tags (of this rank)
    scatter put, ask, answer;
    // Of one call of keymap_get: each distinct key once.
    pc_buffer unique; // uint64 places of a small table: row + 1
    pc_buffer first;  // int32 [count] index of the row's key among the distinct ones
    pc_buffer sent;   // sent_key [distinct]
    pc_buffer value;  // [distinct] tag, found
} keymap;

/** Local. An empty map; structs are owned by `arena`. */
pc_status keymap_init(keymap *map, pc_comm *comm, int key_bytes, pc_arena *arena, pc_budget *budget,
                      pc_error *err) PC_MUST_CHECK;
/** Local. Room for about `count` keys on this rank, so that the map need not grow. */
pc_status keymap_expect(keymap *map, int64_t count, pc_error *err) PC_MUST_CHECK;
/** Local. Accepts a zeroed map. */
void keymap_release(keymap *map);
/** Bytes of memory that an entry of such a key takes, about. Local. */
int64_t keymap_entry_cost(int key_bytes);

/** Collective. Adds keys; of a key that comes with several tags the smallest stays (or none).
 *  @param status  what this rank already knows of: it goes into the agreement
 *  @param key     [count] keys, `stride` bytes apart; @param tag  the same */
pc_status keymap_put(keymap *map, pc_status status, const unsigned char *key,
                     const unsigned char *tag, size_t stride, int64_t count,
                     pc_error *err) PC_MUST_CHECK;
/** Collective. The tags of keys.
 *  @param key    [count] x key_bytes
 *  @param tag    [count] x PC_TAG_BYTES, filled where found
 *  @param found  [count] */
pc_status keymap_get(keymap *map, pc_status status, const unsigned char *key, int64_t count,
                     unsigned char *tag, bool *found, pc_error *err) PC_MUST_CHECK;

#endif
