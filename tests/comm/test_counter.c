/** The shard counter gives each number once, and stops all when it is poisoned. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"

enum { NUMBERS = 500 };

static void test_each_number_once(void)
{
    pc_counter *counter = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
    int64_t drawn[NUMBERS] = {0};
    int64_t previous = -1;
    for (int64_t number = pc_counter_next(counter); number < NUMBERS;
         number = pc_counter_next(counter)) {
        CU_ASSERT(number > previous);
        drawn[number]++;
        previous = number;
    }
    pc_counter_close(pc_test_comm, counter);
    pc_comm_sum_int64(pc_test_comm, drawn, NUMBERS);
    int wrong = 0;
    for (int i = 0; i < NUMBERS; i++) {
        wrong += drawn[i] != 1;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_counter_close(pc_test_comm, NULL);
}

static void nap(void)
{
    const struct timespec ten_ms = {.tv_nsec = 10000000};
    (void)nanosleep(&ten_ms, NULL);
}

// Others draw while rank 0, whose memory holds the number, is in no call of MPI: rank 1 leaves a
// file when it has drawn, and rank 0 waits for that file alone.
static void test_rank_0_need_not_answer(void)
{
    pc_counter *counter = NULL;
    pc_error err = {0};
    char path[64] = "";
    (void)snprintf(path, sizeof path, "/tmp/parcours_test_counter_%ld", (long)getpid());
    pc_comm_broadcast(pc_test_comm, path, sizeof path);
    CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
    const int rank = pc_comm_rank(pc_test_comm);
    for (int i = 0; rank > 0 && i < 50; i++) {
        CU_ASSERT(pc_counter_next(counter) < INT64_MAX);
    }
    if (rank == 1) {
        FILE *file = fopen(path, "w");
        CU_ASSERT_PTR_NOT_NULL(file);
        if (file != NULL) CU_ASSERT_EQUAL(fclose(file), 0);
    }
    if (rank == 0 && pc_comm_size(pc_test_comm) > 1) {
        int naps = 0;
        while (access(path, F_OK) != 0 && naps < 2000) {
            nap();
            naps++;
        }
        CU_ASSERT(naps < 2000); // 20 s
        CU_ASSERT_EQUAL(remove(path), 0);
    }
    pc_counter_close(pc_test_comm, counter);
}

static void test_poison_stops_all(void)
{
    for (int culprit = 0; culprit < pc_comm_size(pc_test_comm); culprit++) {
        pc_counter *counter = NULL;
        pc_error err = {0};
        CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
        if (pc_comm_rank(pc_test_comm) == culprit) {
            CU_ASSERT(pc_counter_next(counter) < INT64_MAX);
            pc_counter_poison(counter);
            pc_counter_poison(counter);
        }
        int64_t drawn = 0;
        while (pc_counter_next(counter) != INT64_MAX) {
            drawn++;
        }
        CU_ASSERT(drawn >= 0);
        CU_ASSERT_EQUAL(pc_counter_next(counter), INT64_MAX);
        pc_counter_close(pc_test_comm, counter);
    }
}

static void test_all_poison(void)
{
    pc_counter *counter = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
    pc_counter_poison(counter);
    CU_ASSERT_EQUAL(pc_counter_next(counter), INT64_MAX);
    pc_counter_close(pc_test_comm, counter);
}

// The same with ranks that seem to lie on several nodes: rank 0 answers.
static void test_across_nodes(void)
{
    const int node_size = pc_test_comm->node_size;
    pc_test_comm->node_size = 0;
    test_each_number_once();
    test_poison_stops_all();
    test_all_poison();
    pc_counter *counter = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_counter_open(pc_test_comm, &counter, &err), PC_OK);
    // Rank 0 works and serves; the others are done long before it.
    for (int i = 0; pc_comm_rank(pc_test_comm) == 0 && i < 20; i++) {
        nap();
        pc_counter_serve(counter);
    }
    for (int i = 0; pc_comm_rank(pc_test_comm) != 0 && i < 5; i++) {
        CU_ASSERT(pc_counter_next(counter) < INT64_MAX);
    }
    pc_counter_close(pc_test_comm, counter);
    pc_test_comm->node_size = node_size;
}

PC_COMM_TEST_MAIN("counter", {"each number once", test_each_number_once},
                  {"rank 0 need not answer", test_rank_0_need_not_answer},
                  {"poison stops all", test_poison_stops_all}, {"all poison", test_all_poison},
                  {"across nodes", test_across_nodes});
