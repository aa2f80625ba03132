/** Runs of days, coverage and combined values, each against a twin that goes day by day. */
#include <stdio.h>
#include <string.h>
#include "engine/study/spans.h"
#include "test_main.h"
#include "test_random.h"

enum { DAYS = 120, MOST = 9, ROUNDS = 3000, VALUES = 5 };

/** Random runs; a few are without end. Days beyond DAYS are not looked at. */
static int64_t random_days(uint64_t *random, pc_days *out, int most)
{
    const int64_t count = pc_test_below(random, most + 1);
    for (int64_t i = 0; i < count; i++) {
        out[i].first = pc_test_below(random, DAYS);
        out[i].last =
            pc_test_below(random, 12) == 0 ? PC_OPEN : out[i].first + pc_test_below(random, 25);
    }
    pc_days_sort(out, count);
    return count;
}

static void mark(const pc_days *days, int64_t count, bool *seen)
{
    memset(seen, 0, DAYS * sizeof *seen);
    for (int64_t i = 0; i < count; i++) {
        for (int64_t day = days[i].first; day <= days[i].last && day < DAYS; day++)
            seen[day] = true;
    }
}

/** Are these runs the marked days: in order, none empty, each as long as can be. */
static bool are_runs_of(const pc_days *days, int64_t count, const bool *seen)
{
    bool found[DAYS];
    mark(days, count, found);
    bool is_good = memcmp(found, seen, sizeof found) == 0;
    for (int64_t i = 0; i < count; i++) {
        is_good = is_good && days[i].first <= days[i].last;
        if (i > 0) is_good = is_good && days[i - 1].last + 1 < days[i].first;
    }
    return is_good;
}

static void test_days_in_both_and_without(void)
{
    uint64_t random = 41;
    printf("seed 41 ");
    int64_t wrong = 0, pieces = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pc_days a[MOST], b[MOST], out[2 * MOST];
        bool in_a[DAYS], in_b[DAYS], both[DAYS], without[DAYS];
        int64_t a_count = random_days(&random, a, MOST), b_count = random_days(&random, b, MOST);
        mark(a, a_count, in_a);
        mark(b, b_count, in_b);
        for (int day = 0; day < DAYS; day++) {
            both[day] = in_a[day] && in_b[day];
            without[day] = in_a[day] && !in_b[day];
        }
        a_count = pc_days_join(a, a_count, 0, NULL);
        b_count = pc_days_join(b, b_count, 0, NULL);
        wrong += !are_runs_of(a, a_count, in_a);
        int64_t count = pc_days_both(a, a_count, b, b_count, out);
        wrong += !are_runs_of(out, count, both);
        pieces += count;
        count = pc_days_without(a, a_count, b, b_count, out);
        wrong += !are_runs_of(out, count, without);
        pieces += count;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(pieces > ROUNDS);
}

/** Empty days between two runs, counted one by one; -1: they share a day. */
static int64_t empty_days(const pc_days *a, const pc_days *b)
{
    if (a->last >= b->first) return -1;
    int64_t count = 0;
    for (int64_t day = a->last + 1; day < b->first; day++)
        count++;
    return count;
}

static void test_joined_runs(void)
{
    uint64_t random = 43;
    printf("seed 43 ");
    int64_t wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pc_days days[MOST], before[MOST];
        int64_t run_of[MOST], twin[MOST] = {0};
        const int64_t count = random_days(&random, days, MOST);
        const int64_t gap =
            pc_test_below(&random, 9) == 0 ? PC_GAP_ALL : pc_test_below(&random, 20) - 1;
        memcpy(before, days, sizeof days);
        // The twin: a record goes with any earlier one of its run that is near enough.
        int64_t runs = 0;
        for (int64_t i = 0; i < count; i++) {
            bool is_near = false;
            for (int64_t k = 0; k < i; k++) {
                is_near =
                    is_near || (twin[k] == runs - 1 && empty_days(&before[k], &before[i]) <= gap);
            }
            twin[i] = is_near ? runs - 1 : runs++;
        }
        wrong += pc_days_join(days, count, gap, run_of) != runs;
        wrong += count > 0 && memcmp(run_of, twin, (size_t)count * sizeof *twin) != 0;
        for (int64_t run = 0; run < runs; run++) {
            int64_t first = PC_OPEN, last = 0;
            for (int64_t i = 0; i < count; i++) {
                if (twin[i] == run && before[i].first < first) first = before[i].first;
                if (twin[i] == run && before[i].last > last) last = before[i].last;
            }
            wrong += days[run].first != first || days[run].last != last;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/** The twin of coverage: the stock is eaten day by day. Only for carry 0 and all. */
static void test_coverage(void)
{
    uint64_t random = 47;
    printf("seed 47 ");
    int64_t wrong = 0, moved = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pc_days days[MOST];
        int64_t supply[MOST], start[MOST];
        bool is_covered[DAYS] = {false}, seen[DAYS];
        const bool carries = pc_test_below(&random, 2) == 0;
        const int64_t count = random_days(&random, days, MOST);
        int64_t stock = 0, next = 0;
        for (int64_t i = 0; i < count; i++) {
            start[i] = days[i].first;
            supply[i] = 1 + pc_test_below(&random, 20);
        }
        for (int64_t day = 0; day < DAYS; day++) {
            for (; next < count && start[next] == day; next++) {
                if (carries) {
                    stock += supply[next];
                } else if (supply[next] > stock) {
                    stock = supply[next]; // what overlaps is lost
                }
            }
            is_covered[day] = stock > 0;
            stock -= stock > 0;
        }
        pc_days_cover(days, supply, count, carries ? PC_CARRY_ALL : 0);
        mark(days, count, seen);
        wrong += memcmp(seen, is_covered, sizeof seen) != 0;
        for (int64_t i = 0; i < count; i++) {
            wrong += days[i].last - days[i].first + 1 != supply[i];
            moved += days[i].first != start[i];
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(moved > ROUNDS / 2);
}

static void test_limited_carry(void)
{
    // 30 days on day 0 and on day 20, ten left over: 4 of them are carried.
    pc_days days[3] = {{.first = 0}, {.first = 20}, {.first = 100}};
    const int64_t supply[3] = {30, 30, PC_OPEN};
    pc_days_cover(days, supply, 3, 4);
    CU_ASSERT(days[0].first == 0 && days[0].last == 29);
    CU_ASSERT(days[1].first == 24 && days[1].last == 53);
    CU_ASSERT(days[2].first == 100 && days[2].last == PC_OPEN);
}

// Patient 76 of AdhereR's example data; its vignette gives CMA1 1.4 and CMA7 0.6904109589 for the
// 365 days from day 182 after the first delivery (Dima and Dediu, PLOS ONE 2017, AdhereR-overview).
static void test_known_adherence(void)
{
    static const struct {
        int year, month, day, lasts;
    } given[] = {{2035, 12, 13, 30}, {2036, 1, 18, 30}, {2036, 1, 23, 60},  {2036, 4, 25, 60},
                 {2036, 8, 8, 60},   {2036, 10, 3, 60}, {2036, 11, 29, 60}, {2036, 12, 21, 30},
                 {2037, 1, 5, 30},   {2037, 7, 13, 30}, {2037, 10, 11, 30}};
    enum { COUNT = sizeof given / sizeof given[0] };
    pc_days days[COUNT];
    int64_t supply[COUNT], supplied = 0, covered = 0;
    for (int i = 0; i < COUNT; i++) {
        days[i].first = pc_day_of(given[i].year, given[i].month, given[i].day);
        supply[i] = given[i].lasts;
    }
    const int64_t first = days[0].first + 182, last = first + 364;
    const int64_t opens = days[4].first, closes = days[8].first; // deliveries of the window
    for (int i = 4; i < 8; i++)
        supplied += supply[i];
    CU_ASSERT_DOUBLE_EQUAL((double)supplied / (double)(closes - opens), 1.4, 1e-12);
    pc_days_cover(days, supply, COUNT, PC_CARRY_ALL);
    for (int64_t day = first; day <= last; day++) {
        bool is_covered = false;
        for (int i = 0; i < COUNT; i++)
            is_covered = is_covered || (days[i].first <= day && day <= days[i].last);
        covered += is_covered;
    }
    CU_ASSERT_DOUBLE_EQUAL((double)covered / 365, 0.6904109589, 1e-10);
}

/** Does a set of values (bits) hold on a day, by the definition. */
static bool twin_holds(const pc_era *era, int64_t count, unsigned set, int64_t day,
                       int64_t shortest)
{
    int64_t first = 0, last = PC_OPEN;
    int values = 0;
    for (int value = 0; value < VALUES; value++) {
        if ((set >> value & 1) == 0) continue;
        values++;
        bool runs = false;
        for (int64_t i = 0; i < count; i++) {
            if (era[i].value != value || era[i].days.first > day || era[i].days.last < day)
                continue;
            runs = true;
            if (era[i].days.first > first) first = era[i].days.first;
            if (era[i].days.last < last) last = era[i].days.last;
        }
        if (!runs) return false;
    }
    return values == 1 || last == PC_OPEN || last - first + 1 >= shortest;
}

static int bits(unsigned set)
{
    int count = 0;
    for (; set != 0; set >>= 1)
        count += (int)(set & 1);
    return count;
}

static void test_combined_values(void)
{
    uint64_t random = 53;
    printf("seed 53 ");
    pc_budget budget = {0};
    pc_buffer held = {.budget = &budget};
    int64_t wrong = 0, larger = 0;
    for (int round = 0; round < ROUNDS / 4; round++) {
        pc_era era[VALUES * 4];
        int64_t count = 0;
        for (int value = 0; value < VALUES; value++) {
            pc_days days[4];
            const int64_t runs = pc_days_join(days, random_days(&random, days, 4), 0, NULL);
            for (int64_t i = 0; i < runs; i++)
                era[count++] = (pc_era){value, days[i]};
        }
        const int most = 2 + pc_test_below(&random, 3);
        const int64_t shortest = 1 + pc_test_below(&random, 12);
        CU_ASSERT_EQUAL(pc_eras_combine(era, count, most, shortest, &held, NULL), PC_OK);
        const pc_held *set = (const pc_held *)(const void *)held.data;
        const int64_t sets = (int64_t)(held.bytes / sizeof *set);
        bool found[1 << VALUES][DAYS] = {{false}};
        for (int64_t i = 0; i < sets; i++) {
            unsigned values = 0;
            for (int k = 0; k < set[i].count; k++)
                values |= 1U << set[i].value[k];
            larger += set[i].count > 1;
            for (int64_t day = set[i].days.first; day <= set[i].days.last && day < DAYS; day++)
                found[values][day] = true;
            // Days of one set that go on are one record.
            wrong += i > 0 && memcmp(set[i].value, set[i - 1].value, sizeof set->value) == 0 &&
                     set[i].count == set[i - 1].count &&
                     set[i].days.first <= set[i - 1].days.last + 1;
        }
        for (unsigned values = 1; values < 1U << VALUES; values++) {
            for (int64_t day = 0; day < DAYS && bits(values) <= most; day++) {
                bool is_held = twin_holds(era, count, values, day, shortest);
                for (unsigned other = 1; other < 1U << VALUES; other++) {
                    const bool contains = other != values && (other & values) == values;
                    if (!contains || bits(other) > most) continue;
                    is_held = is_held && !twin_holds(era, count, other, day, shortest);
                }
                wrong += is_held != found[values][day];
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(larger > ROUNDS / 4);
    pc_buffer_release(&held);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_too_many_values_and_no_memory(void)
{
    pc_era era[PC_HELD_AT_ONCE + 1];
    for (int i = 0; i <= PC_HELD_AT_ONCE; i++)
        era[i] = (pc_era){i, {0, 9}};
    pc_error err = {0};
    pc_buffer none = {0};
    CU_ASSERT_EQUAL(pc_eras_combine(era, PC_HELD_AT_ONCE + 1, 2, 1, &none, &err), PC_BAD_INPUT);
    pc_buffer_release(&none);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 1 << 16; limit += 64) {
        pc_budget budget = {.limit_bytes = limit == 0 ? 1 : limit};
        pc_buffer held = {.budget = &budget};
        status = pc_eras_combine(era, 4, 2, 1, &held, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&held);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("spans", {"days in both and without", test_days_in_both_and_without},
             {"joined runs", test_joined_runs}, {"coverage", test_coverage},
             {"limited carry", test_limited_carry}, {"known adherence", test_known_adherence},
             {"combined values", test_combined_values},
             {"too many values and no memory", test_too_many_values_and_no_memory});
