/** @file comm_internal.h
 *  What the files of engine/comm/ share. Nobody else includes it but their tests.
 */
#ifndef PC_COMM_INTERNAL_H
#define PC_COMM_INTERNAL_H
#include <mpi.h>
#include "parcours/comm.h"

/** MPI counts are ints, and large ones run into faults of Open MPI 4.1: no message is larger. */
enum { PC_COMM_ROUND_BYTES = 64 << 20 };

struct pc_comm {
    pc_arena self; // holds this struct
    MPI_Comm mpi;
    int rank;
    int size;
    int node_size;
    MPI_Comm node;       // the ranks of this node; tests make it smaller
    MPI_Win node_memory; // MPI_WIN_NULL: none yet
    size_t round_bytes;  // PC_COMM_ROUND_BYTES; tests make it small
    pc_comm_counts counts;
};

/** Prints what failed and ends all ranks unless `code` is MPI_SUCCESS. Local. */
void pc_comm_must(int code, const char *what);

/** Notes a message of `bytes` to another rank. Local. */
static inline void pc_comm_count(pc_comm *comm, size_t bytes)
{
    comm->counts.messages++;
    comm->counts.bytes += (int64_t)bytes;
}

/** Frees the memory of the node. Collective over the node. */
void pc_comm_free_node_memory(pc_comm *comm);

/** Bytes of the next message of `bytes` that are still to go: at most one round. Local. */
int pc_comm_piece(const pc_comm *comm, size_t bytes);

#endif
