/** @file keys.h
 *  Keys of rows: a hash that does not depend on widths, dictionaries or ranks, and equality between
 *  rows of different batches. Private to ops/.
 */
#ifndef PC_OPS_KEYS_H
#define PC_OPS_KEYS_H
#include "parcours/batch.h"

/** Hashes of the texts of the dictionary that a key column had last. */
typedef struct pc_key_texts {
    pc_dict_mark dict;
    pc_buffer hash; ///< uint64 [known texts]
} pc_key_texts;

typedef struct pc_keys {
    int count;
    const int *column;   ///< [count] of the batches; borrowed
    pc_key_texts *texts; ///< [count]
} pc_keys;

/** Close what was opened, even when it failed. Local. */
pc_status pc_keys_open(pc_keys *keys, const int *column, int count, pc_arena *arena,
                       pc_error *err) PC_MUST_CHECK;
void pc_keys_close(pc_keys *keys);
/** Forgets dictionaries that are about to go. */
void pc_keys_forget(pc_keys *keys);
/** [row_count] hashes, and whether one of the keys is null. Equal keys hash equally: integers by
 *  value, texts and ids by bytes, -0 as 0, every nan as one. */
pc_status pc_keys_hash(pc_keys *keys, const pc_batch *batch, uint64_t *hash, bool *is_null,
                       pc_error *err) PC_MUST_CHECK;
/** The part, of `count`, of rows whose keys have this hash. */
int pc_part_of_hash(uint64_t hash, int count);
/** True when the keys of two rows are equal. None is null; types fit. */
bool pc_keys_equal(const pc_keys *a, const pc_column *a_column, int64_t a_row, const pc_keys *b,
                   const pc_column *b_column, int64_t b_row);

#endif
