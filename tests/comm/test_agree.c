/** Agreement, reductions, broadcast: on 1, 2 and 4 ranks, with each rank failing in turn. */
#include <stdio.h>
#include <string.h>
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"

static void test_each_rank_fails_in_turn(void)
{
    const int size = pc_comm_size(pc_test_comm);
    const int rank = pc_comm_rank(pc_test_comm);
    for (int first = 0; first < size; first++) {
        for (int second = 0; second < size; second++) {
            pc_error err = {0};
            pc_status status = PC_OK;
            if (rank == first) status = PC_FAIL(&err, PC_BAD_INPUT, "rank %d speaks", rank);
            if (rank == second) status = PC_FAIL(&err, PC_IO, "rank %d speaks", rank);
            const int speaker = first < second ? first : second;
            char text[64];
            (void)snprintf(text, sizeof text, "rank %d speaks", speaker);
            const pc_status expected = speaker == second ? PC_IO : PC_BAD_INPUT;
            CU_ASSERT_EQUAL(pc_comm_agree(pc_test_comm, status, &err), expected);
            CU_ASSERT_EQUAL(err.status, expected);
            CU_ASSERT_STRING_EQUAL(err.text, text);
        }
    }
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_comm_agree(pc_test_comm, PC_OK, &err), PC_OK);
    CU_ASSERT_EQUAL(err.text[0], '\0');
}

static void test_small_reductions(void)
{
    const int64_t size = pc_comm_size(pc_test_comm);
    const int64_t rank = pc_comm_rank(pc_test_comm);
    int64_t sum[3] = {1, rank, -rank};
    pc_comm_sum_int64(pc_test_comm, sum, 3);
    CU_ASSERT_EQUAL(sum[0], size);
    CU_ASSERT_EQUAL(sum[1], size * (size - 1) / 2);
    CU_ASSERT_EQUAL(sum[2], -size * (size - 1) / 2);
    int64_t most[2] = {rank, -rank};
    pc_comm_max_int64(pc_test_comm, most, 2);
    CU_ASSERT(most[0] == size - 1 && most[1] == 0);
    int64_t least[2] = {rank, INT64_MIN + rank};
    pc_comm_min_int64(pc_test_comm, least, 2);
    CU_ASSERT(least[0] == 0 && least[1] == INT64_MIN);
    int64_t before = -1;
    pc_comm_scan_int64(pc_test_comm, rank + 10, &before);
    CU_ASSERT_EQUAL(before, rank * 10 + rank * (rank - 1) / 2);
    CU_ASSERT_EQUAL(pc_comm_node_size(pc_test_comm), size); // these tests run on one node
    pc_comm_barrier(pc_test_comm);
}

static void test_broadcast_in_small_rounds(void)
{
    pc_budget budget = {0};
    for (size_t bytes = 0; bytes < 3000; bytes = bytes * 3 + 1) {
        for (size_t round = 1; round < 5000; round *= 7) {
            pc_test_comm->round_bytes = round;
            pc_buffer buffer = {.budget = &budget};
            pc_error err = {0};
            const bool sender = pc_comm_rank(pc_test_comm) == 0;
            const size_t filled = sender ? bytes : 17;
            CU_ASSERT_EQUAL(pc_buffer_reserve(&buffer, filled, &err), PC_OK);
            for (size_t i = 0; i < filled; i++) {
                buffer.data[i] = sender ? (char)(i * 31) : 'x';
            }
            buffer.bytes = filled;
            CU_ASSERT_EQUAL(pc_comm_broadcast_buffer(pc_test_comm, &buffer, &err), PC_OK);
            CU_ASSERT_EQUAL(buffer.bytes, bytes);
            int wrong = 0;
            for (size_t i = 0; i < buffer.bytes; i++) {
                wrong += buffer.data[i] != (char)(i * 31);
            }
            CU_ASSERT_EQUAL(wrong, 0);
            pc_buffer_release(&buffer);
        }
    }
    pc_test_comm->round_bytes = PC_COMM_ROUND_BYTES;
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_no_memory_for_a_broadcast(void)
{
    const int rank = pc_comm_rank(pc_test_comm);
    const bool last = rank == pc_comm_size(pc_test_comm) - 1;
    pc_budget budget = {.limit_bytes = last && rank > 0 ? 64 : 0};
    pc_buffer buffer = {.budget = &budget};
    pc_error err = {0};
    if (rank == 0) CU_ASSERT_EQUAL(pc_buffer_reserve(&buffer, 5000, &err), PC_OK);
    if (rank == 0) memset(buffer.data, 1, 5000);
    if (rank == 0) buffer.bytes = 5000;
    const pc_status expected = pc_comm_size(pc_test_comm) > 1 ? PC_NO_MEMORY : PC_OK;
    CU_ASSERT_EQUAL(pc_comm_broadcast_buffer(pc_test_comm, &buffer, &err), expected);
    pc_buffer_release(&buffer);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_COMM_TEST_MAIN("agree", {"each rank fails in turn", test_each_rank_fails_in_turn},
                  {"small reductions", test_small_reductions},
                  {"broadcast in small rounds", test_broadcast_in_small_rounds},
                  {"no memory for a broadcast", test_no_memory_for_a_broadcast});
