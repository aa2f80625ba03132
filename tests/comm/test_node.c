/** Memory of a node: what its first rank writes is what all its ranks read, on one node and on
 * several (ranks in pairs), and ranks alone get none. */
#include <stdio.h>
#include <stdlib.h>
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

// What launchers say, and whether all ranks are on one node then. NULL: the variable is not set.
typedef struct launch {
    const char *ranks, *ranks_here, *pmix_rank, *step_nodes;
    bool is_one_node;
} launch;

static const char *const launch_name[] = {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE",
                                          "PMIX_RANK", "SLURM_STEP_NUM_NODES"};
enum { LAUNCH_NAMES = sizeof launch_name / sizeof launch_name[0] };

static void set_or_unset(const char *name, const char *value)
{
    CU_ASSERT_EQUAL(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

static void test_is_on_one_node(void)
{
    static const launch cases[] = {
        {NULL, NULL, NULL, NULL, true}, // nothing launched it
        {NULL, NULL, NULL, "2", true},  // by hand within a job of Slurm
        {"4", "4", "0", NULL, true},    // mpirun on one node
        {"4", "2", "0", NULL, false},   // on two
        {"4", "2", "0", "1", false},    // mpirun within a step of one node: it knows better
        {"40", "4", "0", NULL, false},  // a number that begins like the other
        {"4", NULL, "0", "1", false},   // a launcher that does not tell how many are here
        {NULL, NULL, "0", "1", true},   // srun with PMIx
        {NULL, NULL, "3", "2", false},  // on two nodes
        {NULL, NULL, "3", "12", false}, //
        {NULL, NULL, "3", NULL, false}, // a launcher that says nothing
    };
    char kept[LAUNCH_NAMES][32];
    bool was_set[LAUNCH_NAMES];
    for (int i = 0; i < LAUNCH_NAMES; i++) {
        const char *value = getenv(launch_name[i]);
        was_set[i] = value != NULL;
        snprintf(kept[i], sizeof kept[i], "%s", value == NULL ? "" : value);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_or_unset(launch_name[0], cases[i].ranks);
        set_or_unset(launch_name[1], cases[i].ranks_here);
        set_or_unset(launch_name[2], cases[i].pmix_rank);
        set_or_unset(launch_name[3], cases[i].step_nodes);
        CU_ASSERT_EQUAL(pc_comm_is_on_one_node(), cases[i].is_one_node);
    }
    for (int i = 0; i < LAUNCH_NAMES; i++)
        set_or_unset(launch_name[i], was_set[i] ? kept[i] : NULL);
}

PC_COMM_TEST_MAIN("node", {"one copy a node", test_one_copy_a_node},
                  {"nothing to share", test_nothing_to_share},
                  {"several nodes", test_several_nodes}, {"alone", test_alone},
                  {"what launchers say", test_is_on_one_node});
