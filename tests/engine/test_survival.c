/** Intervals of counts and rates, survival and cumulative incidence: against R 4.2 (qgamma, qchisq
 * and survival 3.5), and against sums that are worked out one by one. */
#include <math.h>
#include <stdio.h>
#include "parcours/stats.h"
#include "test_main.h"
#include "test_random.h"

static void expect_near(double value, double expected)
{
    const bool is_near = fabs(value - expected) <= 1e-10 * fabs(expected) + 1e-13;
    CU_ASSERT(is_near);
    if (!is_near) printf("\n%.15g, expected %.15g\n", value, expected);
}

static void test_poisson_is_that_of_r(void)
{
    static const struct {
        int64_t count;
        double low, high;
    } cases[] = {{0, 0, 3.68887945411394},
                 {1, 0.0253178079842899, 5.5716433909389},
                 {5, 1.62348639011842, 11.6683320793227},
                 {100, 81.3639912509231, 121.626793792426},
                 {100000, 99381.1526637447, 100621.744739744},
                 {10000000, 9993802.99688427, 10006199.8977315}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const pc_interval interval = pc_poisson_interval(cases[i].count);
        expect_near(interval.low, cases[i].low);
        expect_near(interval.high, cases[i].high);
    }
}

static void test_standardised_rates(void)
{
    const double weight[] = {.3 / 1000, .5 / 500, .2 / 80}, count[] = {4, 7, 3};
    double sum = 0, variance = 0;
    for (int i = 0; i < 3; i++) {
        sum += weight[i] * count[i];
        variance += weight[i] * weight[i] * count[i];
    }
    pc_interval interval = pc_gamma_interval(sum, variance, .2 / 80);
    expect_near(interval.low, 0.00733871097389315);
    expect_near(interval.high, 0.0309276158056214);
    CU_ASSERT(isnan(pc_gamma_interval(0, 0, 0).low));
    // One class alone is its own rate, with Garwood's interval.
    const pc_standard_count one = {.weight = 7000, .events = 5, .population = 1000};
    pc_standardised rate;
    pc_standardise(&one, 1, &rate);
    expect_near(rate.rate, 0.005);
    expect_near(rate.interval.low, 1.62348639011842 / 1000);
    expect_near(rate.interval.high, 11.6683320793227 / 1000);
}

// 16 people: days and why they left (1 event, 2 competing, 0 censored).
static const int days[] = {5, 6, 6, 2, 4, 4, 9, 12, 12, 15, 20, 22, 22, 30, 31, 33};
static const int why[] = {1, 0, 1, 2, 1, 2, 0, 1, 1, 2, 0, 1, 0, 2, 1, 0};

/** Counts by time; competing ones as censored unless asked for. */
static int count_by_time(bool with_competing, pc_survival_count *out)
{
    int count = 0;
    for (int day = 0; day < 40; day++) {
        pc_survival_count here = {.day = day};
        for (int i = 0; i < 16; i++) {
            if (days[i] != day) continue;
            here.events += why[i] == 1;
            here.competing += why[i] == 2 && with_competing;
            here.censored += why[i] == 0 || (why[i] == 2 && !with_competing);
        }
        if (here.events + here.competing + here.censored > 0) out[count++] = here;
    }
    return count;
}

static void test_survival_is_that_of_r(void)
{
    // survfit(Surv(t, s == 1) ~ 1, conf.type = "log-log")
    static const struct {
        int day, at_risk;
        double survival, low, high;
    } cases[] = {{6, 12, 0.789743589743590, 0.479128088154, 0.927070270037},
                 {12, 9, 0.614245014245014, 0.300249965121, 0.820847693307},
                 {22, 5, 0.491396011396011, 0.182039725703, 0.743537602772},
                 {31, 2, 0.245698005698006, 0.015895134914, 0.621448013599}};
    pc_survival_count at[40];
    const int count = count_by_time(false, at);
    pc_survival known;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pc_survival_at(at, count, cases[i].day, &known);
        CU_ASSERT_EQUAL(known.at_risk, cases[i].at_risk);
        expect_near(known.survival, cases[i].survival);
        expect_near(known.incidence, 1 - cases[i].survival);
        CU_ASSERT_DOUBLE_EQUAL(known.survival_interval.low, cases[i].low, 1e-11);
        CU_ASSERT_DOUBLE_EQUAL(known.survival_interval.high, cases[i].high, 1e-11);
    }
    pc_survival_at(at, count, 3, &known);
    CU_ASSERT(known.survival == 1 && isnan(known.survival_interval.low));
}

static void test_cumulative_incidence_is_that_of_r(void)
{
    // survfit(Surv(t, factor(s)) ~ 1): incidence and its standard error, squared.
    static const struct {
        int day;
        double incidence, variance;
    } cases[] = {{6, 0.1875, 0.009521484375},
                 {12, 0.340277777777778, 0.015680927962},
                 {22, 0.431944444444444, 0.018643826625},
                 {31, 0.554166666666667, 0.022050676762}};
    pc_survival_count at[40];
    const int count = count_by_time(true, at);
    pc_survival known;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pc_survival_at(at, count, cases[i].day, &known);
        expect_near(known.incidence, cases[i].incidence);
        const double f = cases[i].incidence;
        const double width = 1.959963984540054 * sqrt(cases[i].variance) / (f * log(f));
        CU_ASSERT_DOUBLE_EQUAL(known.incidence_interval.high, pow(f, exp(width)), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(known.incidence_interval.low, pow(f, exp(-width)), 1e-9);
    }
    expect_near(known.survival, 0.122222222222222);
    CU_ASSERT_DOUBLE_EQUAL(known.survival_interval.low, 0.00789611845362, 1e-11);
}

/** Nobody is censored: incidences are shares, and their variance is the binomial one. */
static void test_without_censoring_all_is_counting(void)
{
    uint64_t random = 61;
    printf("seed 61 ");
    for (int round = 0; round < 200; round++) {
        pc_survival_count at[20] = {{0}};
        int64_t total = 0, events = 0, competing = 0;
        for (int i = 0; i < 20; i++) {
            at[i] = (pc_survival_count){.day = 3 * i,
                                        .events = pc_test_below(&random, 4),
                                        .competing = pc_test_below(&random, 4)};
            total += at[i].events + at[i].competing;
        }
        const int day = pc_test_below(&random, 57);
        for (int i = 0; i < 20 && 3 * i <= day; i++) {
            events += at[i].events;
            competing += at[i].competing;
        }
        pc_survival known;
        pc_survival_at(at, 20, day, &known);
        const double n = (double)total, f = (double)events / n;
        CU_ASSERT_DOUBLE_EQUAL(known.incidence, f, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(known.survival, 1 - (double)(events + competing) / n, 1e-12);
        if (events == 0 || events == total) continue;
        const double width = 1.959963984540054 * sqrt(f * (1 - f) / n) / (f * log(f));
        CU_ASSERT_DOUBLE_EQUAL(known.incidence_interval.low, pow(f, exp(-width)), 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(known.incidence_interval.high, pow(f, exp(width)), 1e-9);
    }
}

PC_TEST_MAIN("survival", {"Poisson's interval is that of R", test_poisson_is_that_of_r},
             {"standardised rates", test_standardised_rates},
             {"survival is that of R", test_survival_is_that_of_r},
             {"cumulative incidence is that of R", test_cumulative_incidence_is_that_of_r},
             {"without censoring all is counting", test_without_censoring_all_is_counting});
