/** A sum of doubles without rounding until the end: a fixed-point number wide enough for every
 *  double, in digits of 32 bits that may wait for their carries.
 *  Source: U. Kulisch, "Computer Arithmetic and Validity" (the long accumulator); carries as in
 *  R. Neal, "Fast Exact Summation Using Small and Large Superaccumulators" (2015). */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "parcours/exact_sum.h"

enum {
    LIMBS = 68,
    LIMB_BITS = 32,
    LEAST_EXPONENT = -1074, // bit 0 of limb 0 stands for 2^-1074
    MANTISSA_BITS = 53,
    MOST_PENDING = 1 << 30 // additions of less than 2^32 each that an int64 digit holds
};

// Brings all digits but the last into 0 .. 2^32 - 1. The last keeps the sign.
static void carry(pc_exact_sum *sum)
{
    int64_t carried = 0;
    for (int i = 0; i < LIMBS - 1; i++) {
        const int64_t value = sum->limb[i] + carried;
        const int64_t digit = (int64_t)((uint64_t)value & UINT32_MAX);
        carried = (value - digit) / ((int64_t)1 << LIMB_BITS); // exact: no remainder
        sum->limb[i] = digit;
    }
    sum->limb[LIMBS - 1] += carried;
    sum->pending = 1;
}

void pc_exact_sum_add(pc_exact_sum *sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const bool negative = bits >> 63 != 0;
    const int exponent = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (exponent == 0x7ff) {
        if (mantissa != 0) {
            sum->nan_count++;
        } else if (negative) {
            sum->negative_infinity_count++;
        } else {
            sum->positive_infinity_count++;
        }
        return;
    }
    if (exponent != 0) mantissa |= (uint64_t)1 << 52;
    const int at = exponent == 0 ? 0 : exponent - 1; // the mantissa's last bit is bit `at`
    const int shift = at % LIMB_BITS;
    const uint64_t low = (mantissa & UINT32_MAX) << shift;
    const uint64_t high = (mantissa >> LIMB_BITS) << shift; // below 2^53: no bit is lost
    const int64_t digit[3] = {(int64_t)(low & UINT32_MAX),
                              (int64_t)((low >> LIMB_BITS) + (high & UINT32_MAX)),
                              (int64_t)(high >> LIMB_BITS)};
    if (sum->pending >= MOST_PENDING) carry(sum);
    int64_t *limb = sum->limb + at / LIMB_BITS;
    for (int i = 0; i < 3; i++) {
        limb[i] += negative ? -digit[i] : digit[i];
    }
    sum->pending++;
}

void pc_exact_sum_merge(pc_exact_sum *sum, const pc_exact_sum *other)
{
    pc_exact_sum tidy = *other;
    if (sum->pending + tidy.pending > MOST_PENDING) {
        carry(sum);
        carry(&tidy);
    }
    for (int i = 0; i < LIMBS; i++) {
        sum->limb[i] += tidy.limb[i];
    }
    sum->pending += tidy.pending;
    sum->nan_count += tidy.nan_count;
    sum->positive_infinity_count += tidy.positive_infinity_count;
    sum->negative_infinity_count += tidy.negative_infinity_count;
}

static unsigned bit_at(const pc_exact_sum *sum, int bit)
{
    return (unsigned)(sum->limb[bit / LIMB_BITS] >> bit % LIMB_BITS) & 1;
}

// Highest bit that is set, of a non-negative number with tidy digits; -1: the number is zero.
static int highest_bit(const pc_exact_sum *sum)
{
    for (int limb = LIMBS - 1; limb >= 0; limb--) {
        const uint64_t digit = (uint64_t)sum->limb[limb];
        for (int bit = 63; digit != 0 && bit >= 0; bit--) {
            if (digit >> bit != 0) return limb * LIMB_BITS + bit;
        }
    }
    return -1;
}

static bool any_bit_below(const pc_exact_sum *sum, int bit)
{
    for (int limb = 0; limb < bit / LIMB_BITS; limb++) {
        if (sum->limb[limb] != 0) return true;
    }
    const uint64_t mask = ((uint64_t)1 << bit % LIMB_BITS) - 1;
    return ((uint64_t)sum->limb[bit / LIMB_BITS] & mask) != 0;
}

// Rounds a non-negative number with tidy digits to the nearest double, ties to even.
static double round_magnitude(const pc_exact_sum *sum)
{
    const int top = highest_bit(sum);
    if (top >= LIMBS * LIMB_BITS) return HUGE_VAL; // far beyond the largest double
    const int last = top < MANTISSA_BITS ? 0 : top - MANTISSA_BITS + 1;
    uint64_t mantissa = 0;
    for (int bit = top; bit >= last; bit--) {
        mantissa = mantissa << 1 | bit_at(sum, bit);
    }
    if (last > 0 && bit_at(sum, last - 1) != 0) {
        const bool above_half = any_bit_below(sum, last - 1);
        if (above_half || (mantissa & 1) != 0) mantissa++;
    }
    return ldexp((double)mantissa, last + LEAST_EXPONENT);
}

double pc_exact_sum_round(const pc_exact_sum *sum)
{
    const bool up = sum->positive_infinity_count > 0;
    const bool down = sum->negative_infinity_count > 0;
    if (sum->nan_count > 0 || (up && down)) return (double)NAN;
    if (up || down) return up ? HUGE_VAL : -HUGE_VAL;
    pc_exact_sum tidy = *sum;
    carry(&tidy);
    if (tidy.limb[LIMBS - 1] >= 0) return round_magnitude(&tidy);
    for (int i = 0; i < LIMBS; i++) {
        tidy.limb[i] = -tidy.limb[i];
    }
    carry(&tidy);
    return -round_magnitude(&tidy);
}
