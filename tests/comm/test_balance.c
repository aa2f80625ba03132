/** What the loop over shards promises of its end: shards drawn one by one, the largest first, keep
 * all ranks at work until nearly the end, however unequal shards or ranks are. Work is sleep, so
 * that the load of the machine lengthens it but does not make it unequal; what counts is how long
 * each rank was at work, beside the mean: the ideal split, whatever the speeds, ends on all ranks
 * at the same time. */
#include <stdio.h>
#include <time.h>
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"

enum { SHARDS = 120, UNIT_US = 2500, MOST_PERCENT = 115 };

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// A shard block by block: rank 0 answers draws of others in between.
static void work_on(pc_counter *counter, int units, int slowness)
{
    const struct timespec unit = {.tv_nsec = (long)UNIT_US * 1000 * slowness};
    for (int i = 0; i < units; i++) {
        (void)nanosleep(&unit, NULL);
        pc_counter_serve(counter);
    }
}

/** The rank that worked longest, in percent of the mean.
 *  @param largest   units of shard 0, which is drawn first; the others have one
 *  @param slowness  of the last rank: 2: half speed */
static int64_t worst_percent(int largest, int slowness)
{
    pc_counter *counter = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
    const int ranks = pc_comm_size(pc_test_comm);
    const int mine = pc_comm_rank(pc_test_comm) == ranks - 1 ? slowness : 1;
    const int64_t began = now_us();
    int64_t last = began;
    for (int64_t shard = pc_counter_next(counter); shard < SHARDS;
         shard = pc_counter_next(counter)) {
        work_on(counter, shard == 0 ? largest : 1, mine);
        last = now_us();
    }
    pc_counter_close(pc_test_comm, counter);
    int64_t most = last - began, sum = most;
    pc_comm_max_int64(pc_test_comm, &most, 1);
    pc_comm_sum_int64(pc_test_comm, &sum, 1);
    return most * 100 * ranks / (sum > 0 ? sum : 1);
}

static void check(const char *what, int largest, int slowness)
{
    const int node_size = pc_test_comm->node_size;
    for (int kind = 0; kind < 2; kind++) {
        pc_test_comm->node_size = kind == 0 ? node_size : 0; // 0: as if on several nodes
        const int64_t percent = worst_percent(largest, slowness);
        if (pc_comm_rank(pc_test_comm) == 0 && percent > MOST_PERCENT) {
            printf("%s, %s: the last rank ends at %lld %% of the ideal\n", what,
                   kind == 0 ? "one node" : "several nodes", (long long)percent);
        }
        CU_ASSERT(percent <= MOST_PERCENT);
    }
    pc_test_comm->node_size = node_size;
}

static void test_one_shard_twenty_times_the_others(void)
{
    check("a shard of 20", 20, 1);
}

static void test_one_rank_at_half_speed(void)
{
    check("half speed", 1, 2);
}

PC_COMM_TEST_MAIN("balance",
                  {"one shard twenty times the others", test_one_shard_twenty_times_the_others},
                  {"one rank at half speed", test_one_rank_at_half_speed});
