/** @file comm_internal.h
 *  What the files of engine/comm/ share. Nobody else includes it but their tests.
 */
#ifndef PC_COMM_INTERNAL_H
#define PC_COMM_INTERNAL_H
#include <mpi.h>
#include "parcours/comm.h"

/** MPI counts are ints, and large ones run into faults of Open MPI 4.1: no message is larger. */
enum { PC_COMM_ROUND_BYTES = 64 << 20 };
/** What a leader holds of its node in one exchange, four times over: with all, one round. */
enum { PC_COMM_LEADER_BYTES = PC_COMM_ROUND_BYTES / 4 };
/** Below so many bytes a message costs by its latency: 2 us of a network of 1 GB/s a rank, twice.
 */
enum { PC_COMM_SMALL_BYTES = 4096 };

/** How exchanges reach other nodes. */
typedef enum pc_comm_way {
    PC_COMM_AS_PAYS, ///< through leaders where messages are small
    PC_COMM_DIRECT,  ///< every rank to every rank
    PC_COMM_LEADERS, ///< through leaders wherever they have room
} pc_comm_way;

/** Which ranks are where. Nodes are numbered by their first ranks. */
typedef struct pc_comm_nodes {
    pc_arena arena; // holds the arrays
    int count;      // 1 of a rank alone, which has no arrays
    int mine;
    int most_ranks; // of the largest node
    int *of_rank;   // [ranks]
    int *rank;      // [ranks] those of the first node, then those of the second; each ascending
    int *start;     // [count + 1] into `rank`
} pc_comm_nodes;

struct pc_comm {
    pc_arena self; // holds this struct
    MPI_Comm mpi;
    int rank;
    int size;
    int node_size;
    MPI_Comm node;       // the ranks of this node; tests make it smaller
    MPI_Win node_memory; // MPI_WIN_NULL: none yet
    pc_comm_nodes nodes;
    pc_comm_way way;
    size_t round_bytes; // PC_COMM_ROUND_BYTES; tests make it small
    pc_comm_counts counts;
};

/** Prints what failed and ends all ranks unless `code` is MPI_SUCCESS. Local. */
void pc_comm_must(int code, const char *what);

/** Is `rank` on another node? Local. */
static inline bool pc_comm_is_far(const pc_comm *comm, int rank)
{
    return comm->nodes.count > 1 && comm->nodes.of_rank[rank] != comm->nodes.mine;
}

/** Notes a message of `bytes` to rank `to`. Local. */
static inline void pc_comm_count(pc_comm *comm, size_t bytes, int to)
{
    comm->counts.messages++;
    comm->counts.far_messages += pc_comm_is_far(comm, to);
    comm->counts.bytes += (int64_t)bytes;
}

// Whether the launcher's variables say that all ranks of this job are on one node: nothing launched
// us, mpirun counts as many ranks here as in all, or srun's step has one node. Local; the same on
// each rank.
bool pc_comm_is_on_one_node(void);

// node.c
/** Finds the ranks of this node and of the others, anew. Collective.
 *  @param ranks_per_node  0: as the machine is; otherwise the ranks of a node are taken for several
 *                         nodes of so many */
void pc_comm_find_nodes(pc_comm *comm, int ranks_per_node);
/** Ends what pc_comm_find_nodes found. Collective over the node. */
void pc_comm_forget_nodes(pc_comm *comm);

// exchange.c
/** Sends `out` to rank `to` while `in` arrives from rank `from`, in rounds. Local to the three. */
void pc_comm_exchange_pair(pc_comm *comm, pc_span out, int to, pc_buffer in, int from);

// leaders.c
/** Sends what is for other nodes through the first ranks of nodes, if that pays and they have room.
 *  Collective.
 *  @param in_place  [ranks] where what comes from a rank belongs
 *  @return false: nothing was sent */
bool pc_comm_by_leaders(pc_comm *comm, const pc_span *out, const pc_buffer *in_place,
                        pc_budget *budget);

/** Frees the memory of the node. Collective over the node. */
void pc_comm_free_node_memory(pc_comm *comm);

/** Bytes of the next message of `bytes` that are still to go: at most one round. Local. */
int pc_comm_piece(const pc_comm *comm, size_t bytes);

#endif
