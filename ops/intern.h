/** @file intern.h
 *  Distinct 64-bit words, and distinct pairs of numbers, get numbers in order of arrival: what
 *  grouping rests on. A batch at a time. Private to ops/.
 */
#ifndef PC_OPS_INTERN_H
#define PC_OPS_INTERN_H
#include "parcours/batch.h"

/** A hash table from words to 0, 1, 2 ... Start with `{.budget = b}`. */
typedef struct pc_intern {
    pc_budget *budget; ///< borrowed
    pc_buffer word;    ///< uint64 [count] in order of arrival
    pc_buffer cell;    ///< uint32 [mask + 1] number + 1, 0: free; at most half are used
    uint64_t mask;
    uint32_t count;
} pc_intern;

enum { PC_INTERN_MAX = INT32_MAX }; // distinct words: numbers stay below any mark

/** Room for `more` new words, so that the adding after it cannot fail. Local.
 *  @return PC_NO_MEMORY, or PC_BAD_INPUT beyond PC_INTERN_MAX */
pc_status pc_intern_reserve(pc_intern *intern, int more, pc_error *err) PC_MUST_CHECK;
/** The number of a word, a new one when it is not there. There must be room. */
uint32_t pc_intern_add(pc_intern *intern, uint64_t word);
/** [count] numbers of [count] words. There must be room for `count`. */
void pc_intern_add_all(pc_intern *intern, const uint64_t *word, int count, uint32_t *number);
uint64_t pc_intern_word(const pc_intern *intern, uint32_t number);
void pc_intern_release(pc_intern *intern);

/** Pairs (left, right) to numbers: a plain table while it is small, else the hash table. Start with
 *  `{.intern = {.budget = b}, .direct = {.budget = b}}`. */
typedef struct pc_pairs {
    pc_intern intern; ///< words left << 32 | right
    pc_buffer direct; ///< uint32 [left_room << shift] number or PC_PAIR_NONE
    uint32_t left_room;
    int shift;
    bool hashed; ///< the plain table became too large, for good
} pc_pairs;

#define PC_PAIR_NONE UINT32_MAX // an enumerator would not fit an int

/** [row_count] numbers of pairs, row_count <= PC_BATCH_ROWS.
 *  @param left   [row_count] each < left_count
 *  @param right  [row_count] each < right_count
 *  @param out    [row_count] may be `left`
 *  @return as pc_intern_reserve */
pc_status pc_pairs_number(pc_pairs *pairs, const uint32_t *left, uint32_t left_count,
                          const uint32_t *right, uint32_t right_count, int row_count, uint32_t *out,
                          pc_error *err) PC_MUST_CHECK;
void pc_pairs_release(pc_pairs *pairs);

#endif
