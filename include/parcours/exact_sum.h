/** @file parcours/exact_sum.h
 *  A sum of doubles that is exact and so does not depend on order: a wide fixed-point accumulator.
 */
#ifndef PC_EXACT_SUM_H
#define PC_EXACT_SUM_H
#include <stdint.h>

/** 2,176 bits cover every double with room for 2^63 additions. All-zero is the empty sum. */
typedef struct pc_exact_sum {
    int64_t limb[68]; ///< signed digits of 32 bits, carries left in place
    int64_t pending;  ///< additions since carries were last moved
    int64_t nan_count, positive_infinity_count, negative_infinity_count;
} pc_exact_sum;

void pc_exact_sum_add(pc_exact_sum *sum, double value);
void pc_exact_sum_merge(pc_exact_sum *sum, const pc_exact_sum *other);
/** The exact sum rounded once, to nearest even. */
double pc_exact_sum_round(const pc_exact_sum *sum);

#endif
