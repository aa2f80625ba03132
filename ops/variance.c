/** Variances from exact sums: (n x sum of squares - square of the sum) / (n x n or n x (n - 1)),
 * made of whole numbers and rounded once. No rounding error grows with the number of rows or
 * depends on their order, as it does in running formulas. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include "aggregate.h"

enum { LIMBS = 8, QUOTIENT_BITS = 68 };

/** A whole number >= 0 of 512 bits, the least significant limb first. */
typedef struct wide {
    uint64_t limb[LIMBS];
} wide;

static wide times(const wide *a, uint64_t b)
{
    wide product = {{0}};
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        const pc_uint128 step = (pc_uint128)a->limb[i] * b + carry;
        product.limb[i] = (uint64_t)step;
        carry = (uint64_t)(step >> 64);
    }
    return product;
}

static void add(wide *a, const wide *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        const pc_uint128 step = (pc_uint128)a->limb[i] + b->limb[i] + carry;
        a->limb[i] = (uint64_t)step;
        carry = (uint64_t)(step >> 64);
    }
}

// a >= b
static void subtract(wide *a, const wide *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        const pc_uint128 step = (pc_uint128)a->limb[i] - b->limb[i] - borrow;
        a->limb[i] = (uint64_t)step;
        borrow = (uint64_t)(step >> 64) & 1;
    }
}

static bool is_less(const wide *a, const wide *b)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i];
    }
    return false;
}

static int bit_length(const wide *a)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (a->limb[i] != 0) return 64 * i + 64 - __builtin_clzll(a->limb[i]);
    }
    return 0;
}

static wide shifted_left(const wide *a, int bits)
{
    wide out = {{0}};
    const int limbs = bits / 64;
    const int rest = bits % 64;
    for (int i = LIMBS - 1; i >= limbs; i--) {
        out.limb[i] = a->limb[i - limbs] << rest;
        if (rest > 0 && i > limbs) out.limb[i] |= a->limb[i - limbs - 1] >> (64 - rest);
    }
    return out;
}

static void halve(wide *a)
{
    for (int i = 0; i < LIMBS; i++) {
        const uint64_t above = i + 1 < LIMBS ? a->limb[i + 1] << 63 : 0;
        a->limb[i] = a->limb[i] >> 1 | above;
    }
}

// a / b as the nearest double. Both have less than 2^257.
static double divide(wide a, wide b)
{
    if (bit_length(&a) == 0) return 0;
    // Shifted so that the quotient has 66 or 67 bits.
    const int shift = QUOTIENT_BITS - 1 - (bit_length(&a) - bit_length(&b));
    if (shift > 0) a = shifted_left(&a, shift);
    if (shift < 0) b = shifted_left(&b, -shift);
    pc_uint128 quotient = 0;
    wide part = shifted_left(&b, QUOTIENT_BITS);
    for (int i = 0; i <= QUOTIENT_BITS; i++) {
        quotient <<= 1;
        if (!is_less(&a, &part)) {
            subtract(&a, &part);
            quotient |= 1;
        }
        halve(&part);
    }
    return pc_round_once(quotient, bit_length(&a) != 0, -shift);
}

void pc_squares_move(pc_squares *s, int64_t value, bool enters)
{
    const pc_int128 wide_value = value;
    const pc_uint128 product = (pc_uint128)(wide_value * wide_value);
    // Taking away is adding the complement of 192 bits.
    const uint64_t flip = enters ? 0 : UINT64_MAX;
    pc_uint128 step = (pc_uint128)s->square[0] + ((uint64_t)product ^ flip) + (flip & 1);
    s->square[0] = (uint64_t)step;
    step = (step >> 64) + s->square[1] + ((uint64_t)(product >> 64) ^ flip);
    s->square[1] = (uint64_t)step;
    s->square[2] += (uint64_t)(step >> 64) + flip;
    s->sum += enters ? wide_value : -wide_value;
}

void pc_squares_add(pc_squares *s, int64_t value)
{
    pc_squares_move(s, value, true);
}

bool pc_squares_merge(pc_squares *s, const pc_squares *other)
{
    uint64_t carry = 0;
    for (int i = 0; i < 3; i++) {
        const pc_uint128 step = (pc_uint128)s->square[i] + other->square[i] + carry;
        s->square[i] = (uint64_t)step;
        carry = (uint64_t)(step >> 64);
    }
    return !__builtin_add_overflow(s->sum, other->sum, &s->sum) && carry == 0;
}

double pc_squares_variance(const pc_squares *s, int64_t count, int scale, bool is_sample)
{
    assert(count > (is_sample ? 1 : 0));
    const pc_uint128 magnitude = s->sum < 0 ? -(pc_uint128)s->sum : (pc_uint128)s->sum;
    const wide sum = {{(uint64_t)magnitude, (uint64_t)(magnitude >> 64)}};
    const wide square = {{s->square[0], s->square[1], s->square[2]}};
    wide above = times(&square, (uint64_t)count);
    wide product = times(&sum, sum.limb[1]);
    product = shifted_left(&product, 64);
    const wide low = times(&sum, sum.limb[0]);
    add(&product, &low);
    if (is_less(&above, &product)) return 0; // of a damaged state only: it is never below 0
    subtract(&above, &product);
    wide below = {{(uint64_t)count}};
    below = times(&below, (uint64_t)(is_sample ? count - 1 : count));
    for (int i = 0; i < 2 * scale; i++) {
        below = times(&below, 10);
    }
    return divide(above, below);
}

// a x b as a double and what it lacks (Veltkamp, Dekker): exact unless it over- or underflows.
static double product_of(double a, double b, double *rest)
{
    const double splitter = 134217729; // 2^27 + 1
    const double product = a * b;
    const double a_wide = a * splitter;
    const double b_wide = b * splitter;
    const double a_high = a_wide - (a_wide - a);
    const double b_high = b_wide - (b_wide - b);
    const double a_low = a - a_high;
    const double b_low = b - b_high;
    *rest = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low;
    if (!isfinite(*rest)) *rest = 0;
    return product;
}

static void add_product(pc_exact_sum *sum, double a, double b)
{
    double rest;
    const double product = product_of(a, b, &rest);
    pc_exact_sum_add(sum, product);
    if (rest != 0) pc_exact_sum_add(sum, rest);
}

void pc_exact_squares_add(pc_exact_squares *s, double value)
{
    pc_exact_sum_add(&s->sum, value);
    add_product(&s->square, value, value);
}

static void move_value(pc_exact_sum *sum, double value, bool enters)
{
    if (isfinite(value)) {
        pc_exact_sum_add(sum, enters ? value : -value);
    } else if (isnan(value)) {
        sum->nan_count += enters ? 1 : -1;
    } else if (value > 0) {
        sum->positive_infinity_count += enters ? 1 : -1;
    } else {
        sum->negative_infinity_count += enters ? 1 : -1;
    }
}

void pc_exact_squares_move(pc_exact_squares *s, double value, bool enters, bool with_square)
{
    double rest;
    move_value(&s->sum, value, enters);
    if (!with_square) return;
    const double product = product_of(value, value, &rest);
    move_value(&s->square, product, enters);
    if (rest != 0) move_value(&s->square, rest, enters);
}

// The sum in three doubles, the largest first: 159 bits of it.
static void split_sum(const pc_exact_sum *sum, double part[3])
{
    pc_exact_sum left = *sum;
    for (int i = 0; i < 3; i++) {
        part[i] = pc_exact_sum_round(&left);
        pc_exact_sum_add(&left, -part[i]);
    }
}

double pc_exact_squares_variance(const pc_exact_squares *s, int64_t count, bool is_sample)
{
    assert(count > (is_sample ? 1 : 0));
    double sum[3];
    double square[3];
    split_sum(&s->sum, sum);
    split_sum(&s->square, square);
    if (!isfinite(sum[0]) || !isfinite(square[0])) return (double)NAN;
    pc_exact_sum above = {.pending = 0};
    const double n = (double)count;
    for (int i = 0; i < 3; i++) {
        add_product(&above, n, square[i]);
        for (int j = 0; j < 3; j++) {
            add_product(&above, -sum[i], sum[j]);
        }
    }
    const double difference = pc_exact_sum_round(&above);
    return difference <= 0 ? 0 : difference / n / (is_sample ? n - 1 : n);
}
