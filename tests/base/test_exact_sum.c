/** Exact sums against a slow twin: the sum as one integer of 2,200 bits, added byte
 *  by byte and rounded bit by bit, and against cases with known answers. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "parcours/exact_sum.h"
#include "test_main.h"
#include "test_random.h"

static double sum_of(const double *value, size_t count)
{
    pc_exact_sum sum = {0};
    for (size_t i = 0; i < count; i++) {
        pc_exact_sum_add(&sum, value[i]);
    }
    return pc_exact_sum_round(&sum);
}

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

#define CHECK_SUM(expected, ...)                                                                   \
    do {                                                                                           \
        const double value[] = {__VA_ARGS__};                                                      \
        CU_ASSERT(same_bits(sum_of(value, sizeof value / sizeof value[0]), (expected)));           \
    } while (0)

static void test_known_answers(void)
{
    CU_ASSERT(same_bits(sum_of(NULL, 0), 0.0));
    CHECK_SUM(0.0, -0.0, -0.0);
    CHECK_SUM(1.0, 1e308, 1.0, -1e308);
    CHECK_SUM(DBL_TRUE_MIN, 1e300, DBL_TRUE_MIN, -1e300);
    CHECK_SUM(-DBL_TRUE_MIN, -1e300, -DBL_TRUE_MIN, 1e300);
    CHECK_SUM(DBL_MIN, DBL_MIN - DBL_TRUE_MIN, DBL_TRUE_MIN);
    CHECK_SUM(DBL_MAX, DBL_MAX, DBL_MAX, -DBL_MAX); // beyond the range on the way
    CHECK_SUM(HUGE_VAL, DBL_MAX, DBL_MAX);
    CHECK_SUM(-HUGE_VAL, -DBL_MAX, -DBL_MAX);
    CHECK_SUM(HUGE_VAL, HUGE_VAL, 1.0);
    CHECK_SUM(-HUGE_VAL, -HUGE_VAL, DBL_MAX);
    CU_ASSERT(isnan(sum_of((const double[]){HUGE_VAL, -HUGE_VAL}, 2)));
    CU_ASSERT(isnan(sum_of((const double[]){1.0, (double)NAN}, 2)));
}

static void test_halfway_cases(void)
{
    const double one = 1.0;
    const double next = 1.0 + DBL_EPSILON;
    const double half = DBL_EPSILON / 2;
    CHECK_SUM(one, one, half);                 // a tie: to even
    CHECK_SUM(next + DBL_EPSILON, next, half); // a tie: to even, upwards
    CHECK_SUM(next, one, half, DBL_TRUE_MIN);  // just above
    CHECK_SUM(one, one, half, -DBL_TRUE_MIN);  // just below
    CHECK_SUM(-next, -one, -half, -DBL_TRUE_MIN);
    CHECK_SUM(-one, -one, -half, DBL_TRUE_MIN);
    CHECK_SUM(0x1p53, 0x1.fffffffffffffp52, 0.5); // the carry reaches a new power of two
    const double step = 0x1p970;                  // half of the last bit of DBL_MAX
    CHECK_SUM(HUGE_VAL, DBL_MAX, step);
    CHECK_SUM(DBL_MAX, DBL_MAX, step, -DBL_TRUE_MIN);
}

// The twin: a two's complement integer of 275 bytes in units of 2^-1074, added byte by byte, and
// rounded by comparing bits one by one.
enum { TWIN_BYTES = 275, TWIN_BITS = TWIN_BYTES * 8 };
typedef struct twin {
    unsigned char byte[TWIN_BYTES];
} twin;

static void twin_add(twin *t, double value)
{
    int exponent;
    const double fraction = frexp(fabs(value), &exponent); // value = fraction x 2^exponent
    uint64_t mantissa = (uint64_t)ldexp(fraction, 53);
    int at = exponent - 53 + 1074;
    for (; at < 0; at++) {
        mantissa >>= 1; // of a subnormal: the bits that go are 0
    }
    unsigned char term[TWIN_BYTES] = {0};
    for (int bit = 0; bit < 53; bit++) {
        if ((mantissa >> bit & 1) != 0) {
            const int place = at + bit;
            term[place / 8] = (unsigned char)(term[place / 8] | 1U << place % 8);
        }
    }
    unsigned carry = value < 0;
    for (int i = 0; i < TWIN_BYTES; i++) {
        carry += t->byte[i] + (value < 0 ? 255U - term[i] : term[i]);
        t->byte[i] = (unsigned char)carry;
        carry >>= 8;
    }
}

static bool twin_bit(const twin *t, int bit)
{
    return (t->byte[bit / 8] >> bit % 8 & 1) != 0;
}

static double twin_round(twin t)
{
    const bool negative = twin_bit(&t, TWIN_BITS - 1);
    unsigned carry = 1;
    for (int i = 0; negative && i < TWIN_BYTES; i++) {
        carry += 255U - t.byte[i];
        t.byte[i] = (unsigned char)carry;
        carry >>= 8;
    }
    int top = TWIN_BITS - 1;
    while (top >= 0 && !twin_bit(&t, top)) {
        top--;
    }
    const int last = top > 52 ? top - 52 : 0;
    double result = 0;
    for (int bit = top; bit >= last; bit--) {
        result = 2 * result + (twin_bit(&t, bit) ? 1 : 0);
    }
    bool sticky = false;
    for (int bit = 0; bit < last - 1; bit++) {
        sticky = sticky || twin_bit(&t, bit);
    }
    if (last > 0 && twin_bit(&t, last - 1) && (sticky || twin_bit(&t, last))) result += 1;
    result = ldexp(result, last - 1074);
    return negative ? -result : result;
}

// Kinds of terms: all sizes; a few exponents, so that much cancels; subnormals; negated copies.
static double random_term(uint64_t *random, const double *earlier, int count)
{
    const uint64_t bits = pc_test_random(random);
    const double fraction = (double)(int64_t)bits * 0x1p-63;
    switch (pc_test_below(random, 4)) {
        case 0:
            return ldexp(fraction, pc_test_below(random, 2040) - 1040);
        case 1:
            return ldexp(fraction, pc_test_below(random, 60));
        case 2:
            return ldexp(fraction, -1022 - pc_test_below(random, 50));
        default:
            return count == 0 ? 1.0 : -earlier[pc_test_below(random, count)];
    }
}

static void test_random_sums(void)
{
    printf(" seed 61 ");
    uint64_t random = 61;
    int wrong = 0;
    for (int round = 0; round < 1500; round++) {
        enum { MOST = 24 };
        double value[MOST];
        const int count = 1 + pc_test_below(&random, MOST);
        twin slow = {{0}};
        pc_exact_sum forward = {0};
        pc_exact_sum parts[3] = {{{0}, 0, 0, 0, 0}};
        for (int i = 0; i < count; i++) {
            value[i] = random_term(&random, value, i);
            twin_add(&slow, value[i]);
            pc_exact_sum_add(&forward, value[i]);
            pc_exact_sum_add(&parts[pc_test_below(&random, 3)], value[i]);
        }
        const double expected = twin_round(slow);
        pc_exact_sum_merge(&parts[2], &parts[0]);
        pc_exact_sum_merge(&parts[2], &parts[1]);
        wrong += !same_bits(pc_exact_sum_round(&forward) + 0.0, expected + 0.0);
        wrong += !same_bits(pc_exact_sum_round(&parts[2]) + 0.0, expected + 0.0);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// Digits that wait for their carries do not overflow: doubling 40 times passes the limit of 2^30.
static void test_many_additions(void)
{
    pc_exact_sum sum = {0};
    pc_exact_sum_add(&sum, -0x1.fffffffffffffp0);
    for (int i = 0; i < 40; i++) {
        const pc_exact_sum copy = sum;
        pc_exact_sum_merge(&sum, &copy);
    }
    CU_ASSERT(same_bits(pc_exact_sum_round(&sum), -0x1.fffffffffffffp40));
    sum.pending = 1 << 30; // the next addition moves the carries
    pc_exact_sum_add(&sum, 0x1.fffffffffffffp40);
    CU_ASSERT(same_bits(pc_exact_sum_round(&sum), 0.0));
}

PC_TEST_MAIN("exact_sum", {"known answers", test_known_answers},
             {"halfway cases", test_halfway_cases}, {"random sums", test_random_sums},
             {"many additions", test_many_additions});
