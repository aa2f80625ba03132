/** Intervals of shares, and tallies that merge. */
#include "parcours/stats.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "engine/study/tally.h"
#include "test_main.h"
#include "test_random.h"

static void expect_near(double value, double expected)
{
    const bool is_near = fabs(value - expected) <= 1e-7 * (1e-4 + fabs(expected));
    CU_ASSERT(is_near);
    if (!is_near) printf("\n%.12g, expected %.12g\n", value, expected);
}

/** Wilson's bounds are the shares at which the score test just rejects. */
static void test_wilson_bounds_solve_their_equation(void)
{
    static const int64_t cases[][2] = {{5, 50}, {81, 263}, {1, 3}, {4000000, 66000000}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const double n = (double)cases[c][1], share = (double)cases[c][0] / n;
        const pc_interval i = pc_wilson_interval(cases[c][0], cases[c][1]);
        const double bound[] = {i.low, i.high};
        for (int k = 0; k < 2; k++) {
            const double score = (share - bound[k]) / sqrt(bound[k] * (1 - bound[k]) / n);
            expect_near(fabs(score), 1.959963984540054);
            CU_ASSERT(k == 0 ? bound[k] < share : bound[k] > share);
        }
    }
    expect_near(pc_wilson_interval(5, 50).low, 0.0434757649319);
    CU_ASSERT_EQUAL(pc_wilson_interval(0, 20).low, 0);
    CU_ASSERT_EQUAL(pc_wilson_interval(20, 20).high, 1);
    CU_ASSERT(isnan(pc_wilson_interval(0, 0).low));
}

static void test_exact_is_that_of_r(void)
{
    // binom.test(5, 50), binom.test(1, 10), binom.test(0, 10)
    pc_interval i = pc_exact_interval(5, 50);
    expect_near(i.low, 0.0332750936);
    expect_near(i.high, 0.2181353565);
    i = pc_exact_interval(1, 10);
    expect_near(i.low, 0.0025285785);
    expect_near(i.high, 0.4450161050);
    i = pc_exact_interval(0, 10);
    CU_ASSERT_EQUAL(i.low, 0);
    expect_near(i.high, 0.3084971078);
    CU_ASSERT(isnan(pc_exact_interval(0, 0).high));
}

/** log of the binomial probability of k of n. */
static double log_binomial(double k, double n, double p)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p);
}

/** At an exact bound, what was seen and what is more extreme has probability 2.5 %: summed term by
 *  term. */
static void test_exact_bounds_hold_by_summing(void)
{
    const uint64_t seed = 99;
    uint64_t random = seed;
    printf("seed %llu ", (unsigned long long)seed);
    for (int round = 0; round < 300; round++) {
        const int n = 1 + pc_test_below(&random, round < 200 ? 60 : 4000);
        const int k = pc_test_below(&random, n + 1);
        const pc_interval i = pc_exact_interval(k, n);
        double above = 0, below = 0;
        for (int x = k; x <= n && k > 0; x++)
            above += exp(log_binomial(x, n, i.low));
        for (int x = 0; x <= k && k < n; x++)
            below += exp(log_binomial(x, n, i.high));
        if (k > 0) CU_ASSERT(fabs(above - 0.025) < 1e-9);
        if (k < n) CU_ASSERT(fabs(below - 0.025) < 1e-9);
        CU_ASSERT(i.low <= (double)k / n && (double)k / n <= i.high);
    }
}

/** National counts: close to Wilson's, and in order. */
static void test_large_counts_are_no_trouble(void)
{
    static const int64_t cases[][2] = {{4000000, 66000000},
                                       {11, 66000000},
                                       {65999999, 66000000},
                                       {190, 23871},
                                       {33000000, 66000000}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const pc_interval exact = pc_exact_interval(cases[c][0], cases[c][1]);
        const pc_interval wilson = pc_wilson_interval(cases[c][0], cases[c][1]);
        const double share = (double)cases[c][0] / (double)cases[c][1];
        CU_ASSERT(exact.low < share && share < exact.high);
        CU_ASSERT(fabs(exact.low - wilson.low) <= 0.6 * (wilson.high - wilson.low));
        CU_ASSERT(fabs(exact.high - wilson.high) <= 0.6 * (wilson.high - wilson.low));
    }
}

enum { KEYS = 2, VALUES = 5 };

static const char *const text_of[VALUES] = {"b", "", "a", "ccc", "\xc3\xa9"};

typedef struct tallies {
    pc_budget budget;
    pc_arena arena;
    pc_words words;
    pc_tally tally;
} tallies;

static const pc_record_column key_columns[KEYS] = {{.name = "x", .type = PC_TEXT, .system = -1},
                                                   {.name = "y", .type = PC_INT, .system = -1}};

static pc_status open_tallies(tallies *t, pc_error *err)
{
    t->arena = (pc_arena){.budget = &t->budget};
    pc_tally_open(&t->tally, key_columns, KEYS, &t->words, &t->budget);
    return pc_words_open(&t->words, &t->arena, err);
}

static void close_tallies(tallies *t)
{
    pc_tally_close(&t->tally);
    pc_words_close(&t->words);
    pc_arena_reset(&t->arena);
    CU_ASSERT_EQUAL(t->budget.used_bytes, 0);
}

static pc_status count_one(tallies *t, int text, int number, int64_t slot, pc_error *err)
{
    int64_t key[KEYS] = {PC_NULL, number == 0 ? PC_NULL : number};
    if (text < VALUES) PC_TRY(pc_words_add(&t->words, pc_span_of(text_of[text]), &key[0], err));
    pc_tally_counts *counts = NULL;
    PC_TRY(pc_tally_find(&t->tally, key, &counts, err));
    counts->records++;
    counts->total += INT64_MAX / 2;
    counts->patients += counts->last_patient != slot;
    counts->last_patient = slot;
    return PC_OK;
}

static void pack_sorted(tallies *t, pc_buffer *out)
{
    int64_t *order = NULL;
    CU_ASSERT_EQUAL(pc_tally_order(&t->tally, &t->arena, &order, NULL), PC_OK);
    const int64_t *keys = (const int64_t *)(const void *)t->tally.keys.data;
    const pc_tally_counts *counts = (const pc_tally_counts *)(const void *)t->tally.counts.data;
    for (int64_t i = 0; i < t->tally.count; i++) {
        const int64_t *key = keys + order[i] * KEYS;
        const pc_span text = key[0] == PC_NULL ? pc_span_of("(null)")
                                               : pc_dict_text(t->words.dict, (uint32_t)key[0]);
        char total[48];
        pc_decimal_format(counts[order[i]].total, 0, total);
        CU_ASSERT_EQUAL(pc_buffer_print(out, NULL, "%.*s %lld: %lld %lld %s\n", (int)text.bytes,
                                        text.data, (long long)key[1],
                                        (long long)counts[order[i]].records,
                                        (long long)counts[order[i]].patients, total),
                        PC_OK);
    }
}

/** However the rows are dealt out to ranks, the merged tally is the same. */
static void test_tallies_merge_in_any_way(void)
{
    pc_budget budget = {0};
    pc_buffer expected = {.budget = &budget};
    for (int ranks = 1; ranks <= 4; ranks++) {
        tallies t[4] = {0};
        uint64_t random = 4;
        for (int r = 0; r < ranks; r++)
            CU_ASSERT_EQUAL(open_tallies(&t[r], NULL), PC_OK);
        for (int slot = 0; slot < 300; slot++) {
            for (int row = pc_test_below(&random, 4); row >= 0; row--) {
                const int text = pc_test_below(&random, VALUES + 1);
                const int number = pc_test_below(&random, 12);
                CU_ASSERT_EQUAL(count_one(&t[slot * 7 % ranks], text, number, slot, NULL), PC_OK);
            }
        }
        pc_buffer packed = {.budget = &budget}, text = {.budget = &budget};
        for (int r = ranks - 1; r > 0; r--) {
            size_t at = 0;
            packed.bytes = 0;
            CU_ASSERT_EQUAL(pc_tally_pack(&t[r].tally, &packed, NULL), PC_OK);
            const pc_span span = {packed.data, packed.bytes};
            CU_ASSERT_EQUAL(pc_tally_merge(&t[r - 1].tally, span, &at, NULL), PC_OK);
            CU_ASSERT_EQUAL(at, packed.bytes);
            at = 0;
            const pc_span cut = {packed.data, packed.bytes - 1};
            tallies other = {0};
            CU_ASSERT_EQUAL(open_tallies(&other, NULL), PC_OK);
            CU_ASSERT_EQUAL(pc_tally_merge(&other.tally, cut, &at, NULL), PC_BAD_INPUT);
            close_tallies(&other);
        }
        pack_sorted(&t[0], ranks == 1 ? &expected : &text);
        if (ranks > 1) {
            CU_ASSERT_EQUAL(text.bytes, expected.bytes);
            CU_ASSERT_EQUAL(memcmp(text.data, expected.data, expected.bytes), 0);
        }
        pc_buffer_release(&packed);
        pc_buffer_release(&text);
        for (int r = 0; r < ranks; r++)
            close_tallies(&t[r]);
    }
    // By bytes, the empty text first, nulls last.
    CU_ASSERT_EQUAL(strncmp(expected.data, " 1: ", 4), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(expected.data, "\xc3\xa9 11"));
    pc_buffer_release(&expected);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

/** Rows found together fall into the groups that they fall into one by one; a row that is not
 * wanted makes none. */
static void test_rows_find_their_groups(void)
{
    enum { ROWS = 700, VALUES_OF_KEY = 500 };
    tallies t = {0};
    CU_ASSERT_EQUAL_FATAL(open_tallies(&t, NULL), PC_OK);
    int64_t column[KEYS][ROWS], group[ROWS];
    int64_t *const by[KEYS] = {column[0], column[1]};
    bool wanted[ROWS];
    uint64_t random = 9;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < ROWS; i++) {
            column[0][i] = PC_NULL;
            column[1][i] = pc_test_below(&random, round % 2 == 0 ? 3 : VALUES_OF_KEY);
            wanted[i] = pc_test_below(&random, 3) > 0;
            group[i] = -1;
        }
        const int64_t before = t.tally.count;
        CU_ASSERT_EQUAL(pc_tally_find_rows(&t.tally, by, wanted, ROWS, group, NULL), PC_OK);
        const int64_t after = t.tally.count;
        for (int i = 0; i < ROWS; i++) {
            pc_tally_counts *counts = NULL;
            const int64_t key[KEYS] = {column[0][i], column[1][i]};
            CU_ASSERT_EQUAL(group[i] == -1, !wanted[i]);
            if (!wanted[i]) continue;
            CU_ASSERT_EQUAL(pc_tally_find(&t.tally, key, &counts, NULL), PC_OK);
            CU_ASSERT_PTR_EQUAL(counts, pc_tally_counts_at(&t.tally, group[i]));
        }
        CU_ASSERT(before <= after && after == t.tally.count);
    }
    close_tallies(&t);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 22; limit += 1024) {
        tallies t = {.budget = {.limit_bytes = limit}};
        status = open_tallies(&t, NULL);
        for (int i = 0; i < 400 && status == PC_OK; i++) {
            status = count_one(&t, i % VALUES, i / VALUES, i, NULL);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        close_tallies(&t);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("statistics",
             {"Wilson's bounds solve their equation", test_wilson_bounds_solve_their_equation},
             {"the exact interval is that of R", test_exact_is_that_of_r},
             {"exact bounds hold by summing", test_exact_bounds_hold_by_summing},
             {"large counts are no trouble", test_large_counts_are_no_trouble},
             {"tallies merge in any way", test_tallies_merge_in_any_way},
             {"rows find their groups", test_rows_find_their_groups},
             {"any request for memory may be refused", test_any_request_may_be_refused});
