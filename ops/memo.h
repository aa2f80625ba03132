/** @file memo.h
 *  Numbers of what is computed from one column, remembered by that column's value: years of days,
 *  classes of codes, the groups of keys that are all of one day or code. Private to ops/.
 */
#ifndef PC_OPS_MEMO_H
#define PC_OPS_MEMO_H
#include "parcours/expr.h"

typedef struct pc_memo {
    int column;        ///< the only one that the key is computed from; -1: nothing is remembered
    int misses;        ///< batches with a value outside of the window, beyond those that were found
    bool has_base;     ///< `base` is chosen
    int64_t base;      ///< first value of the window; of codes 0
    pc_dict_mark dict; ///< of codes: whose
    pc_buffer number;  ///< uint32 [window] number + 1 by value - base; 0: not yet
} pc_memo;

/** Begins to remember numbers by the values of a column; -1: nothing is remembered. Local. */
void pc_memo_open(pc_memo *memo, int column, pc_budget *budget);
/** The one column that `key[count]` are computed from and that tells them without fail, or -1. */
int pc_memo_column(const pc_expr *const *key, int count);
/** Gives everything back. Accepts a memo of zeros. */
void pc_memo_close(pc_memo *memo);
/** [row_count] numbers of a batch's rows; false: some value is not known yet, or null. */
bool pc_memo_find(pc_memo *memo, const pc_batch *batch, uint32_t *number);
/** Remembers numbers of a batch, which was not found. Local. */
pc_status pc_memo_learn(pc_memo *memo, const pc_batch *batch, const uint32_t *number,
                        pc_error *err) PC_MUST_CHECK;

#endif
