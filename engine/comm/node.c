/** What the ranks of a node share: one piece of memory, which its first rank fills and all read. */
#include "comm_internal.h"

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
