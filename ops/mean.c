/** The mean of exact sums, rounded once: long division until more bits are known than a double
 *  holds. */
#include <assert.h>
#include <math.h>
#include "aggregate.h"

double pc_round_once(pc_uint128 bits, bool sticky, int exponent)
{
    while (bits >> 64 != 0) {
        sticky = sticky || (bits & 1) != 0;
        bits >>= 1;
        exponent++;
    }
    // At least 9 bits are beyond the double's 53: the last one can carry "and something more".
    const uint64_t word = (uint64_t)bits | sticky;
    return ldexp((double)word, exponent);
}

double pc_mean(pc_int128 value, int64_t count, int scale)
{
    assert(count > 0);
    const bool negative = value < 0;
    pc_uint128 rest = negative ? -(pc_uint128)value : (pc_uint128)value;
    if (rest == 0) return 0;
    pc_uint128 divisor = (pc_uint128)count; // below 2^63; with 10^18 below 2^123
    for (int i = 0; i < scale; i++) {
        divisor *= 10;
    }
    pc_uint128 quotient = rest / divisor;
    rest %= divisor;
    int exponent = 0;
    while (quotient < (pc_uint128)1 << 62 && exponent > -1000) {
        rest <<= 1;
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        exponent--;
    }
    const double magnitude = pc_round_once(quotient, rest != 0, exponent);
    return negative ? -magnitude : magnitude;
}
