/** @file aggregate.h
 *  What aggregate.c, accumulate.c and aggregate_pack.c share. Private to ops/.
 */
#ifndef PC_OPS_AGGREGATE_H
#define PC_OPS_AGGREGATE_H
#include "groups.h"
#include "memo.h"
#include "parcours/exact_sum.h"
#include "parcours/op.h"

/** How an aggregate is kept. */
typedef enum pc_keep {
    PC_KEEP_COUNT,         ///< count: rows, or rows whose argument is not null
    PC_KEEP_PATIENTS,      ///< count and the last slot that was counted
    PC_KEEP_DISTINCT,      ///< the pairs (group, value)
    PC_KEEP_SUM,           ///< count and sum, of integers and decimals, in 128 bits
    PC_KEEP_EXACT,         ///< count and sum, of floats, without rounding
    PC_KEEP_SQUARES,       ///< count, sum and sum of squares, of integers and decimals, in full
    PC_KEEP_EXACT_SQUARES, ///< the same of floats
    PC_KEEP_BAG,           ///< pairs (group, value) and how often each occurs
    PC_KEEP_REGISTERS,     ///< pairs (group, register) and the largest rank of each: HyperLogLog
    PC_KEEP_INTEGER,       ///< count and the least or largest integer
    PC_KEEP_VALUE          ///< the number of the least or largest value (text, id, float), 0: none
} pc_keep;

/** Sum and sum of squares, exact: 2^63 squares of 126 bits fit. */
typedef struct pc_squares {
    pc_int128 sum;
    uint64_t square[3]; ///< the least significant first
} pc_squares;
void pc_squares_add(pc_squares *s, int64_t value);
/** Adds a value, or takes one away that was added. */
void pc_squares_move(pc_squares *s, int64_t value, bool enters);
/** False: beyond 192 bits. */
bool pc_squares_merge(pc_squares *s, const pc_squares *other);
/** Variance of `count` values times 10^scale, rounded once; `count` > 0, of a sample > 1. */
double pc_squares_variance(const pc_squares *s, int64_t count, int scale, bool is_sample);

/** The same of floats. */
typedef struct pc_exact_squares {
    pc_exact_sum sum, square;
} pc_exact_squares;
void pc_exact_squares_add(pc_exact_squares *s, double value);
/** Adds a value, or takes one away that was added; its square only if wanted. */
void pc_exact_squares_move(pc_exact_squares *s, double value, bool enters, bool with_square);
double pc_exact_squares_variance(const pc_exact_squares *s, int64_t count, bool is_sample);

/** The state of one aggregate for all groups. */
typedef struct pc_accumulator pc_accumulator;
/** The pairs of a bag in order, made once for all aggregates that read them so (bag.c). */
typedef struct pc_bag_order {
    pc_arena arena;
    const struct pc_bag_item *item; ///< [pairs] by group and value, in `arena`; NULL: not made
    pc_column value;                ///< [pairs]
    bool is_descending;
    bool counts_once; ///< each pair is one row, however often it occurs
} pc_bag_order;

struct pc_accumulator {
    const pc_aggregate *aggregate;
    const pc_accumulator *same; ///< whose counts these are so far, or NULL (share.c)
    pc_accumulator *bag;        ///< whose pairs these are, all the time, or NULL (share.c)
    const pc_accumulator *rows; ///< `count` is by how many its counts exceed these, or NULL
    pc_keep keep;
    pc_field arg;       ///< type of the argument
    pc_buffer count;    ///< int64 [groups]
    pc_buffer value;    ///< [groups] pc_int128, pc_exact_sum, int64 or uint32, by `keep`
    pc_buffer slot;     ///< int64 [groups] the last slot that was counted, plus 1; 0: none
    uint32_t room;      ///< groups that the buffers have room for, of zeros or what was added
    pc_coder coder;     ///< of VALUE and of what is kept in pairs
    pc_pairs pairs;     ///< of DISTINCT, BAG, REGISTERS
    pc_buffer amount;   ///< int64 [pairs] of BAG and REGISTERS
    pc_bag_order order; ///< while the aggregates of these pairs are settled
    pc_arena results;   ///< of what is kept in pairs, once settled
    pc_column result;   ///< [groups], in `results`; no data: not settled, or a count
};

/** True where the state is pairs: DISTINCT, BAG, REGISTERS. */
bool pc_keeps_pairs(pc_keep keep);

/** The state of the operator. */
typedef struct pc_aggregation {
    const pc_plan *node;
    pc_expr_state *exprs; ///< owned
    pc_groups groups;
    int accumulator_count;
    pc_accumulator *accumulator;      ///< [accumulator_count]
    pc_memo *memo;                    ///< [keys] numbers of computed ones
    pc_memo groups_of;                ///< groups, where all keys are of one column
    pc_column *key;                   ///< [keys] of the batch that is pushed
    uint32_t next;                    ///< first group that finish has not written
    int run_count;                    ///< keys told by the slot: runs of rows of one; else 0
    int run_first[PC_BATCH_ROWS + 1]; ///< of the batch, and behind the last one its rows
    uint32_t group[PC_BATCH_ROWS];
    uint32_t some_group[PC_BATCH_ROWS]; ///< of rows that pass an aggregate's filter
    int some_row[PC_BATCH_ROWS];
} pc_aggregation;

/** Rows of a batch as an accumulator sees them. */
typedef struct pc_arguments {
    const pc_column *value; ///< NULL: none
    const int64_t *slot;    ///< NULL: rows have no slot
    const uint32_t *group;  ///< [row_count]
    int row_count;
} pc_arguments;

pc_status pc_accumulator_open(pc_accumulator *a, const pc_aggregate *aggregate, pc_budget *budget,
                              pc_error *err) PC_MUST_CHECK;
void pc_accumulator_close(pc_accumulator *a);
/** Finds the accumulators that count as others do (share.c). */
void pc_aggregation_share(pc_aggregation *s);
/** Before a batch is added: those that it would tell apart get counts of their own. */
pc_status pc_aggregation_same(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                              pc_error *err) PC_MUST_CHECK;
/** All get counts of their own: before the state is read or merged into. */
pc_status pc_aggregation_part(pc_aggregation *s, pc_error *err) PC_MUST_CHECK;
void pc_accumulator_part(pc_accumulator *a);
/** Room for `group_count` groups; new ones start empty. */
pc_status pc_accumulator_grow(pc_accumulator *a, uint32_t group_count, pc_error *err) PC_MUST_CHECK;
/** Adds the rows of a batch to a count, patients and a sum that take all of them, in one loop;
 *  `done` [accumulator_count] tells which (together.c). */
pc_status pc_aggregation_together(pc_aggregation *s, const pc_batch *batch, pc_arena *scratch,
                                  bool *done, pc_error *err) PC_MUST_CHECK;
/** Adds rows. There is room for their groups. */
pc_status pc_accumulator_add(pc_accumulator *a, const pc_arguments *rows, bool one_group,
                             pc_error *err) PC_MUST_CHECK;
/** The results of `group[count]` as a column in `arena`; once settled, the groups follow each
 *  other. */
pc_status pc_accumulator_column(const pc_accumulator *a, const uint32_t *group, int count,
                                pc_arena *arena, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** What is kept in pairs: makes the results of all groups, so that the columns can be written. */
pc_status pc_accumulator_settle(pc_accumulator *a, uint32_t group_count,
                                pc_error *err) PC_MUST_CHECK;
enum {
    PC_REGISTERS = 4096,  // of a HyperLogLog sketch
    PC_REGISTER_MOST = 53 // the largest rank: 52 zeros and one more
};
/** Entries of bag.c: rows into pairs; other pairs into them; the results of all groups. */
pc_status pc_bag_add(pc_accumulator *a, const pc_arguments *rows, pc_error *err) PC_MUST_CHECK;
pc_status pc_bag_merge(pc_accumulator *a, const uint32_t *group, const uint32_t *number,
                       const int64_t *amount, int count, pc_error *err) PC_MUST_CHECK;
/** Keeps buckets or registers in place of values. */
bool pc_bag_is_sketch(const pc_accumulator *a);
pc_status pc_bag_settle(pc_accumulator *a, uint32_t group_count, pc_error *err) PC_MUST_CHECK;
/** Gives back the order of the pairs, once all aggregates are settled. */
void pc_bag_forget(pc_accumulator *a);
/** Opens the coder; of sketches the values become whole numbers. */
pc_status pc_bag_open(pc_accumulator *a, pc_budget *budget, pc_error *err) PC_MUST_CHECK;

/** A sum as 64 bits. @return PC_BAD_INPUT: it does not fit */
pc_status pc_narrow_sum(const pc_accumulator *a, pc_int128 sum, int64_t *out,
                        pc_error *err) PC_MUST_CHECK;
/** Takes the better of the present value of a group and value number `number`. */
void pc_accumulator_offer(pc_accumulator *a, uint32_t group, uint32_t number);

/** Operator entries of aggregate_pack.c. */
pc_status pc_aggregation_pack_parts(pc_op *op, const pc_op_parts *parts, pc_error *err);
pc_status pc_aggregation_pack(pc_op *op, pc_buffer *out, pc_error *err);
pc_status pc_aggregation_merge(pc_op *op, pc_span state, pc_error *err);
/** Empties the state. */
pc_status pc_aggregation_clear(pc_op *op, pc_error *err);

/** The double nearest to (bits + something below 1, if sticky) x 2^exponent; bits >= 2^62. */
__extension__ typedef unsigned __int128 pc_uint128;
double pc_round_once(pc_uint128 bits, bool sticky, int exponent);
/** value / (count x 10^scale) as the nearest double, ties to even: rounded once. `count` > 0. */
double pc_mean(pc_int128 value, int64_t count, int scale);

#endif
