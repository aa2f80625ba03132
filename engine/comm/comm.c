/** Start and end of MPI, agreement, small reductions, broadcast. */
#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "comm_internal.h"

enum { MOST_VALUES = 1 << 20 }; // values of one reduction: 8 MiB

void pc_comm_must(int code, const char *what)
{
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = "";
    int bytes = 0;
    (void)MPI_Error_string(code, text, &bytes);
    fprintf(stderr, "parcours: MPI failed: %s: %s\n", what, text);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
    abort(); // MPI_Abort does not return
}

int pc_comm_piece(const pc_comm *comm, size_t bytes)
{
    return (int)(bytes < comm->round_bytes ? bytes : comm->round_bytes);
}

static void refuse_setting(const char *name, const char *expected)
{
    fprintf(stderr, "parcours: the variable %s of the environment must be %s\n", name, expected);
    (void)MPI_Abort(MPI_COMM_WORLD, 2);
    abort();
}

// Ranks that are to be taken for a node, to try what several nodes do on one. 0: not set.
static int ranks_per_node(void)
{
    const char *text = getenv("PARCOURS_NODE_RANKS");
    if (text == NULL) return 0;
    char *end = NULL;
    const long ranks = strtol(text, &end, 10);
    if (end == text || *end != '\0' || ranks < 1 || ranks > INT_MAX) {
        refuse_setting("PARCOURS_NODE_RANKS", "a number of ranks above 0");
    }
    return (int)ranks;
}

static pc_comm_way exchange_way(void)
{
    const char *text = getenv("PARCOURS_EXCHANGE");
    if (text == NULL) return PC_COMM_AS_PAYS;
    if (strcmp(text, "direct") == 0) return PC_COMM_DIRECT;
    if (strcmp(text, "leaders") != 0) {
        refuse_setting("PARCOURS_EXCHANGE", "'direct' or 'leaders', or be unset");
    }
    return PC_COMM_LEADERS;
}

bool pc_comm_is_on_one_node(void)
{
    const char *all = getenv("OMPI_COMM_WORLD_SIZE");
    const char *here = getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
    if (all != NULL) return here != NULL && strcmp(all, here) == 0;
    const char *nodes = getenv("SLURM_STEP_NUM_NODES");
    if (getenv("PMIX_RANK") != NULL) return nodes != NULL && strcmp(nodes, "1") == 0;
    return true;
}

pc_comm *pc_comm_open(int *argc, char ***argv)
{
    // Alone, Open MPI would start a daemon in case ranks are spawned later; we never spawn. Under a
    // launcher this has no effect, and what the site has set stays.
    (void)setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    // Ranks of one node talk through its memory; looking for network adapters that no message will
    // take costs each start 0.2 s.
    if (pc_comm_is_on_one_node()) (void)setenv("OMPI_MCA_pml", "ob1", 0);
    int threads = 0;
    pc_comm_must(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &threads), "starting MPI");
    pc_arena self = {0};
    pc_error err = {0};
    pc_comm *comm = pc_arena_take(&self, sizeof *comm, &err);
    if (comm == NULL) {
        fprintf(stderr, "parcours: %s\n", err.text);
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
        abort();
    }
    comm->self = self;
    comm->round_bytes = PC_COMM_ROUND_BYTES;
    comm->node_memory = MPI_WIN_NULL;
    pc_comm_must(MPI_Comm_dup(MPI_COMM_WORLD, &comm->mpi), "copying the communicator");
    pc_comm_must(MPI_Comm_set_errhandler(comm->mpi, MPI_ERRORS_RETURN), "setting the handler");
    pc_comm_must(MPI_Comm_rank(comm->mpi, &comm->rank), "asking for the rank");
    pc_comm_must(MPI_Comm_size(comm->mpi, &comm->size), "asking for the ranks");
    comm->node = MPI_COMM_NULL;
    comm->way = exchange_way();
    pc_comm_find_nodes(comm, ranks_per_node());
    return comm;
}

void pc_comm_close(pc_comm *comm)
{
    if (comm == NULL) return;
    pc_comm_forget_nodes(comm);
    pc_comm_must(MPI_Comm_free(&comm->mpi), "freeing the communicator");
    pc_arena self = comm->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
    pc_comm_must(MPI_Finalize(), "ending MPI");
}

pc_comm *pc_comm_alone(pc_budget *budget, pc_error *err)
{
    pc_arena self = {.budget = budget};
    pc_comm *alone = pc_arena_take(&self, sizeof *alone, err);
    if (alone == NULL) return NULL;
    *alone = (pc_comm){.self = self,
                       .size = 1,
                       .node_size = 1,
                       .node = MPI_COMM_NULL,
                       .node_memory = MPI_WIN_NULL,
                       .nodes = {.count = 1, .most_ranks = 1},
                       .round_bytes = PC_COMM_ROUND_BYTES};
    pc_comm_must(MPI_Comm_dup(MPI_COMM_SELF, &alone->mpi), "copying the communicator of one rank");
    pc_comm_must(MPI_Comm_set_errhandler(alone->mpi, MPI_ERRORS_RETURN), "setting the handler");
    return alone;
}

void pc_comm_alone_close(pc_comm *alone)
{
    if (alone == NULL) return;
    pc_comm_must(MPI_Comm_free(&alone->mpi), "freeing a communicator");
    pc_arena self = alone->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}

pc_comm_counts pc_comm_counted(const pc_comm *comm)
{
    return comm->counts;
}

void pc_comm_count_kept(pc_comm *comm, size_t bytes)
{
    comm->counts.kept_bytes += (int64_t)bytes;
}

int pc_comm_rank(const pc_comm *comm)
{
    return comm->rank;
}

int pc_comm_size(const pc_comm *comm)
{
    return comm->size;
}

int pc_comm_node_size(const pc_comm *comm)
{
    return comm->node_size;
}

pc_status pc_comm_agree(pc_comm *comm, pc_status status, pc_error *err)
{
    assert(err != NULL);
    comm->counts.collectives++;
    const int mine = status == PC_OK ? comm->size : comm->rank;
    int speaker = comm->size;
    pc_comm_must(MPI_Allreduce(&mine, &speaker, 1, MPI_INT, MPI_MIN, comm->mpi),
                 "agreeing on the status");
    if (speaker == comm->size) return PC_OK;
    if (speaker == comm->rank) {
        err->status = status;
        err->text[PC_ERROR_BYTES - 1] = '\0';
    }
    // All ranks run one binary: the struct has one layout.
    pc_comm_must(MPI_Bcast(err, (int)sizeof *err, MPI_BYTE, speaker, comm->mpi),
                 "telling the failure");
    return err->status;
}

static void reduce_int64(pc_comm *comm, int64_t *value, int count, MPI_Op op, const char *what)
{
    for (int at = 0; at < count; at += MOST_VALUES) {
        const int piece = count - at < MOST_VALUES ? count - at : MOST_VALUES;
        comm->counts.collectives++;
        pc_comm_must(MPI_Allreduce(MPI_IN_PLACE, value + at, piece, MPI_INT64_T, op, comm->mpi),
                     what);
    }
}

void pc_comm_sum_int64(pc_comm *comm, int64_t *value, int count)
{
    reduce_int64(comm, value, count, MPI_SUM, "summing over ranks");
}

void pc_comm_max_int64(pc_comm *comm, int64_t *value, int count)
{
    reduce_int64(comm, value, count, MPI_MAX, "taking the maximum over ranks");
}

void pc_comm_min_int64(pc_comm *comm, int64_t *value, int count)
{
    reduce_int64(comm, value, count, MPI_MIN, "taking the minimum over ranks");
}

void pc_comm_scan_int64(pc_comm *comm, int64_t value, int64_t *before)
{
    int64_t sum = 0;
    comm->counts.collectives++;
    pc_comm_must(MPI_Exscan(&value, &sum, 1, MPI_INT64_T, MPI_SUM, comm->mpi),
                 "summing over lower ranks");
    *before = comm->rank == 0 ? 0 : sum; // MPI leaves rank 0's undefined
}

void pc_comm_barrier(pc_comm *comm)
{
    comm->counts.collectives++;
    pc_comm_must(MPI_Barrier(comm->mpi), "waiting for all ranks");
}

void pc_comm_broadcast(pc_comm *comm, void *data, size_t bytes)
{
    char *at = data;
    while (bytes > 0) {
        const int piece = pc_comm_piece(comm, bytes);
        comm->counts.collectives++;
        pc_comm_must(MPI_Bcast(at, piece, MPI_BYTE, 0, comm->mpi), "sending to all ranks");
        at += piece;
        bytes -= (size_t)piece;
    }
}

pc_status pc_comm_broadcast_buffer(pc_comm *comm, pc_buffer *buffer, pc_error *err)
{
    int64_t bytes = (int64_t)buffer->bytes;
    pc_comm_broadcast(comm, &bytes, sizeof bytes);
    pc_status status = PC_OK;
    if (comm->rank != 0) {
        buffer->bytes = 0; // so that nothing is copied when it grows
        status = pc_buffer_reserve(buffer, (size_t)bytes, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK) return status;
    buffer->bytes = (size_t)bytes;
    pc_comm_broadcast(comm, buffer->data, buffer->bytes);
    return PC_OK;
}
