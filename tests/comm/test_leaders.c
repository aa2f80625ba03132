/** Exchanges through leaders: ranks of one node taken for nodes of two, of three and of one (none
 *  then), with random pieces, against what every rank can tell; messages to other nodes counted;
 *  where a leader has no room the direct way is taken. */
#include <string.h>
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"
#include "test_random.h"

enum { MOST_RANKS = 16, MOST_BYTES = 3000 };

static size_t piece_bytes(uint64_t seed, int from, int to)
{
    uint64_t random = seed * 1000 + (uint64_t)from * 64 + (uint64_t)to;
    return pc_test_below(&random, 3) == 0 ? 0 : (size_t)pc_test_below(&random, MOST_BYTES);
}

static char piece_byte(int from, int to, size_t at)
{
    return (char)(from * 37 + to * 11 + (int)(at * 7));
}

static pc_status exchange(uint64_t seed, pc_budget *budget, pc_comm_counts *counted)
{
    const int size = pc_comm_size(pc_test_comm), mine = pc_comm_rank(pc_test_comm);
    pc_arena arena = {0};
    pc_span out[MOST_RANKS];
    int64_t in_bytes[MOST_RANKS];
    pc_buffer in = {.budget = budget};
    pc_error err = {0};
    for (int to = 0; to < size; to++) {
        const size_t bytes = piece_bytes(seed, mine, to);
        char *piece = pc_arena_take(&arena, bytes + 1, NULL);
        for (size_t at = 0; piece != NULL && at < bytes; at++)
            piece[at] = piece_byte(mine, to, at);
        out[to] = (pc_span){piece, bytes};
    }
    const pc_comm_counts before = pc_comm_counted(pc_test_comm);
    const pc_status status = pc_comm_exchange(pc_test_comm, out, &in, in_bytes, &err);
    *counted = pc_comm_counted(pc_test_comm);
    counted->far_messages -= before.far_messages;
    size_t at = 0;
    int wrong = 0;
    for (int from = 0; status == PC_OK && from < size; from++) {
        const size_t bytes = piece_bytes(seed, from, mine);
        wrong += (size_t)in_bytes[from] != bytes;
        for (size_t i = 0; i < bytes; i++)
            wrong += in.data[at + i] != piece_byte(from, mine, i);
        at += bytes;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_buffer_release(&in);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    return status;
}

static int64_t far_messages(uint64_t seed, pc_comm_way way)
{
    pc_budget budget = {0};
    pc_comm_counts counted;
    pc_test_comm->way = way;
    CU_ASSERT_EQUAL(exchange(seed, &budget, &counted), PC_OK);
    int64_t all = counted.far_messages;
    pc_comm_sum_int64(pc_test_comm, &all, 1);
    pc_test_comm->way = PC_COMM_AS_PAYS;
    return all;
}

static void test_same_bytes(void)
{
    static const size_t round[] = {1, 100, PC_COMM_ROUND_BYTES};
    for (int per_node = 1; per_node <= 3; per_node++) {
        pc_comm_find_nodes(pc_test_comm, per_node);
        for (uint64_t seed = 0; seed < 12; seed++) {
            pc_test_comm->round_bytes = round[seed % 3];
            (void)far_messages(seed, PC_COMM_LEADERS);
            (void)far_messages(seed, PC_COMM_AS_PAYS);
            (void)far_messages(seed, PC_COMM_DIRECT);
        }
    }
    pc_test_comm->round_bytes = PC_COMM_ROUND_BYTES;
    pc_comm_find_nodes(pc_test_comm, 0);
}

static void test_nodes_are_numbered_by_their_first_ranks(void)
{
    const int size = pc_comm_size(pc_test_comm);
    pc_comm_find_nodes(pc_test_comm, 2);
    const pc_comm_nodes *n = &pc_test_comm->nodes;
    CU_ASSERT_EQUAL(n->count, (size + 1) / 2);
    CU_ASSERT_EQUAL(n->mine, pc_comm_rank(pc_test_comm) / 2);
    CU_ASSERT_EQUAL(n->most_ranks, size > 1 ? 2 : 1);
    for (int rank = 0; rank < size; rank++) {
        CU_ASSERT_EQUAL(n->rank[rank], rank);
        CU_ASSERT_EQUAL(n->of_rank[rank], rank / 2);
    }
    pc_comm_find_nodes(pc_test_comm, 0);
    CU_ASSERT_EQUAL(n->count, 1);
    CU_ASSERT_EQUAL(pc_comm_node_size(pc_test_comm), size);
}

// Four ranks as two nodes: every rank to the two of the other node, or one leader to the other.
static void test_leaders_send_less(void)
{
    enum { WITHOUT_EMPTY = 3 };
    if (pc_comm_size(pc_test_comm) != 4) return;
    pc_comm_find_nodes(pc_test_comm, 2);
    int64_t pairs = 0;
    for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++)
            pairs += from / 2 != to / 2 && piece_bytes(WITHOUT_EMPTY, from, to) > 0;
    }
    CU_ASSERT(pairs > 2);
    CU_ASSERT_EQUAL(far_messages(WITHOUT_EMPTY, PC_COMM_DIRECT), pairs);
    CU_ASSERT_EQUAL(far_messages(WITHOUT_EMPTY, PC_COMM_LEADERS), 2);
    CU_ASSERT_EQUAL(far_messages(WITHOUT_EMPTY, PC_COMM_AS_PAYS), 2); // under 4 KiB a piece
    pc_comm_find_nodes(pc_test_comm, 0);
    CU_ASSERT_EQUAL(far_messages(WITHOUT_EMPTY, PC_COMM_LEADERS), 0); // one node
}

// One leader has little: no worse than without leaders, on all ranks alike.
static void test_a_poor_leader(void)
{
    pc_comm_find_nodes(pc_test_comm, 2);
    pc_test_comm->way = PC_COMM_LEADERS;
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 512) {
        pc_budget budget = {.limit_bytes = pc_comm_rank(pc_test_comm) == 0 ? limit : 0};
        pc_comm_counts counted;
        status = exchange(3, &budget, &counted);
        int64_t same[2] = {status, -(int64_t)status};
        pc_comm_max_int64(pc_test_comm, same, 2);
        CU_ASSERT(same[0] == (int64_t)status && same[1] == -(int64_t)status);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    pc_test_comm->way = PC_COMM_AS_PAYS;
    pc_comm_find_nodes(pc_test_comm, 0);
}

PC_COMM_TEST_MAIN("leaders", {"same bytes", test_same_bytes},
                  {"nodes are numbered", test_nodes_are_numbered_by_their_first_ranks},
                  {"leaders send less", test_leaders_send_less},
                  {"a poor leader", test_a_poor_leader});
