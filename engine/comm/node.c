/** Which ranks are on which node, and what those of a node share: one piece of memory, which its
 *  first rank fills and all read. */
#include <stdio.h>
#include <stdlib.h>
#include "comm_internal.h"

static int *take_ints(pc_comm *comm, int count)
{
    pc_error err = {0};
    int *numbers = pc_arena_array(&comm->nodes.arena, (size_t)count, sizeof *numbers, &err);
    if (numbers == NULL) {
        fprintf(stderr, "parcours: %s\n", err.text);
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
        abort();
    }
    return numbers;
}

// Ranks of a node keep their order: its first one has the lowest number.
static void split_by_node(pc_comm *comm, int ranks_per_node)
{
    MPI_Comm node = MPI_COMM_NULL;
    pc_comm_must(MPI_Comm_split_type(comm->mpi, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
                 "splitting ranks by node");
    if (ranks_per_node > 0) {
        MPI_Comm whole = node;
        int rank = 0;
        pc_comm_must(MPI_Comm_rank(whole, &rank), "asking for the rank of a node");
        pc_comm_must(MPI_Comm_split(whole, rank / ranks_per_node, 0, &node), "splitting a node");
        pc_comm_must(MPI_Comm_free(&whole), "freeing the communicator of a node");
    }
    pc_comm_must(MPI_Comm_set_errhandler(node, MPI_ERRORS_RETURN), "setting the handler");
    pc_comm_must(MPI_Comm_size(node, &comm->node_size), "counting the ranks of a node");
    comm->node = node;
}

void pc_comm_find_nodes(pc_comm *comm, int ranks_per_node)
{
    pc_comm_forget_nodes(comm);
    split_by_node(comm, ranks_per_node);
    pc_comm_nodes *n = &comm->nodes;
    n->of_rank = take_ints(comm, comm->size);
    n->rank = take_ints(comm, comm->size);
    n->start = take_ints(comm, comm->size + 1);
    int first = comm->rank;
    pc_comm_must(MPI_Bcast(&first, 1, MPI_INT, 0, comm->node), "telling the first rank of a node");
    pc_comm_must(MPI_Allgather(&first, 1, MPI_INT, n->of_rank, 1, MPI_INT, comm->mpi),
                 "telling who is where");
    // From first ranks to numbers of nodes: a first rank stands before the others of its node.
    for (int rank = 0; rank < comm->size; rank++) {
        const bool is_first = n->of_rank[rank] == rank;
        n->of_rank[rank] = is_first ? n->count++ : n->of_rank[n->of_rank[rank]];
        n->start[n->of_rank[rank] + 1]++;
    }
    for (int node = 0; node < n->count; node++) {
        if (n->start[node + 1] > n->most_ranks) n->most_ranks = n->start[node + 1];
        n->start[node + 1] += n->start[node];
    }
    int *next = take_ints(comm, n->count);
    for (int rank = 0; rank < comm->size; rank++) {
        const int node = n->of_rank[rank];
        n->rank[n->start[node] + next[node]++] = rank;
    }
    n->mine = n->of_rank[comm->rank];
}

void pc_comm_forget_nodes(pc_comm *comm)
{
    pc_comm_free_node_memory(comm);
    if (comm->node != MPI_COMM_NULL) {
        pc_comm_must(MPI_Comm_free(&comm->node), "freeing the communicator of a node");
    }
    pc_arena_reset(&comm->nodes.arena);
    comm->nodes = (pc_comm_nodes){0};
}

bool pc_comm_is_node_first(const pc_comm *comm)
{
    int rank = 0;
    if (comm->node != MPI_COMM_NULL) {
        pc_comm_must(MPI_Comm_rank(comm->node, &rank), "asking for the rank of a node");
    }
    return rank == 0;
}

void pc_comm_free_node_memory(pc_comm *comm)
{
    if (comm->node_memory == MPI_WIN_NULL) return;
    pc_comm_must(MPI_Win_unlock_all(comm->node_memory), "unlocking the memory of a node");
    pc_comm_must(MPI_Win_free(&comm->node_memory), "freeing the memory of a node");
}

// On all ranks of the node or on none: a system may refuse one of them only.
static bool all_have(pc_comm *comm, bool has)
{
    int all = has ? 1 : 0;
    pc_comm_must(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, comm->node),
                 "agreeing on the memory of a node");
    return all == 1;
}

void *pc_comm_node_share(pc_comm *comm, size_t bytes, pc_fill fill, void *context,
                         size_t *shared_bytes)
{
    *shared_bytes = 0;
    if (comm->node == MPI_COMM_NULL || comm->node_size < 2) return NULL;
    const bool first = pc_comm_is_node_first(comm);
    comm->counts.collectives++;
    int64_t size = first ? (int64_t)bytes : 0;
    pc_comm_must(MPI_Bcast(&size, 1, MPI_INT64_T, 0, comm->node), "telling a size to a node");
    if (size == 0) return NULL;
    pc_comm_free_node_memory(comm);
    void *memory = NULL;
    comm->counts.collectives++;
    const int code = MPI_Win_allocate_shared(first ? (MPI_Aint)size : 0, 1, MPI_INFO_NULL,
                                             comm->node, (void *)&memory, &comm->node_memory);
    if (code != MPI_SUCCESS) comm->node_memory = MPI_WIN_NULL;
    if (!all_have(comm, code == MPI_SUCCESS)) return NULL;
    MPI_Aint there = 0;
    int unit = 1;
    pc_comm_must(MPI_Win_shared_query(comm->node_memory, 0, &there, &unit, (void *)&memory),
                 "finding the memory of a node");
    pc_comm_must(MPI_Win_lock_all(MPI_MODE_NOCHECK, comm->node_memory), "locking it");
    if (first) fill(context, memory);
    pc_comm_must(MPI_Win_sync(comm->node_memory), "filling the memory of a node");
    comm->counts.collectives++;
    pc_comm_must(MPI_Barrier(comm->node), "waiting for the memory of a node");
    pc_comm_must(MPI_Win_sync(comm->node_memory), "filling the memory of a node");
    *shared_bytes = (size_t)size;
    return memory;
}
