/** Memory of a node: what its first rank writes is what all its ranks read, on one node and on
 * several (ranks in pairs), and ranks alone get none. */
#include "comm/comm_main.h"
#include "engine/comm/comm_internal.h"

enum { VALUES = 100000 };

typedef struct numbers {
    int64_t seed;
    int calls;
} numbers;

static void fill(void *context, void *memory)
{
    numbers *n = context;
    int64_t *value = memory;
    n->calls++;
    for (int64_t i = 0; i < VALUES; i++)
        value[i] = n->seed * i;
}

// Every rank of the node sees the numbers of the node's first rank.
static void share(int64_t seed)
{
    int first = pc_comm_rank(pc_test_comm);
    pc_comm_must(MPI_Bcast(&first, 1, MPI_INT, 0, pc_test_comm->node), "telling the first rank");
    const bool is_first = pc_comm_is_node_first(pc_test_comm);
    numbers mine = {.seed = seed + pc_comm_rank(pc_test_comm)};
    size_t bytes = 1;
    const int64_t *value = pc_comm_node_share(pc_test_comm, is_first ? VALUES * sizeof *value : 0,
                                              fill, &mine, &bytes);
    if (pc_comm_node_size(pc_test_comm) == 1) {
        CU_ASSERT_PTR_NULL(value);
        CU_ASSERT_EQUAL(bytes, 0);
        return;
    }
    CU_ASSERT_EQUAL(mine.calls, is_first ? 1 : 0);
    CU_ASSERT_EQUAL(bytes, VALUES * sizeof *value);
    CU_ASSERT_PTR_NOT_NULL(value);
    int wrong = 0;
    for (int64_t i = 0; value != NULL && i < VALUES; i++)
        wrong += value[i] != (seed + first) * i;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_one_copy_a_node(void)
{
    share(7);
    share(11); // the first is given back
}

static void test_nothing_to_share(void)
{
    numbers none = {0};
    size_t bytes = 1;
    CU_ASSERT_PTR_NULL(pc_comm_node_share(pc_test_comm, 0, fill, &none, &bytes));
    CU_ASSERT_EQUAL(bytes, 0);
    CU_ASSERT_EQUAL(none.calls, 0);
}

static void test_several_nodes(void)
{
    pc_comm_find_nodes(pc_test_comm, 2);
    share(13);
    pc_comm_find_nodes(pc_test_comm, 0);
}

static void test_alone(void)
{
    pc_budget budget = {.limit_bytes = 1 << 20};
    pc_error err = {0};
    pc_comm *alone = pc_comm_alone(&budget, &err);
    CU_ASSERT_PTR_NOT_NULL(alone);
    if (alone == NULL) return;
    numbers none = {0};
    size_t bytes = 1;
    CU_ASSERT(pc_comm_is_node_first(alone));
    CU_ASSERT_PTR_NULL(pc_comm_node_share(alone, 8, fill, &none, &bytes));
    pc_comm_alone_close(alone);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_COMM_TEST_MAIN("node", {"one copy a node", test_one_copy_a_node},
                  {"nothing to share", test_nothing_to_share},
                  {"several nodes", test_several_nodes}, {"alone", test_alone});
