/** Large messages between ranks: gather, exchange, reduction of states. Each message is at most one
 *  round; the receiver knows how much is to come, so that pieces land where they belong and need no
 *  room beside the result. */
#include <assert.h>
#include <string.h>
#include "comm_internal.h"

enum { TAG_GATHER = 1, TAG_EXCHANGE, TAG_HEAD, TAG_ANSWER, TAG_STATE };

static void send_all(pc_comm *comm, const char *data, size_t bytes, int to, int tag)
{
    while (bytes > 0) {
        const int piece = pc_comm_piece(comm, bytes);
        pc_comm_must(MPI_Send(data, piece, MPI_BYTE, to, tag, comm->mpi), "sending to a rank");
        pc_comm_count(comm, (size_t)piece, to);
        data += piece;
        bytes -= (size_t)piece;
    }
}

static void receive_all(pc_comm *comm, char *data, size_t bytes, int from, int tag)
{
    while (bytes > 0) {
        const int piece = pc_comm_piece(comm, bytes);
        pc_comm_must(MPI_Recv(data, piece, MPI_BYTE, from, tag, comm->mpi, MPI_STATUS_IGNORE),
                     "receiving from a rank");
        data += piece;
        bytes -= (size_t)piece;
    }
}

// Makes `buffer` hold the sum of `bytes_of_rank`, contents undefined. Collective; agrees.
static pc_status make_room(pc_comm *comm, const int64_t *bytes_of_rank, pc_buffer *buffer,
                           pc_error *err)
{
    size_t total = 0;
    for (int rank = 0; bytes_of_rank != NULL && rank < comm->size; rank++) {
        total += (size_t)bytes_of_rank[rank];
    }
    buffer->bytes = 0; // so that nothing is copied when it grows
    pc_status status = pc_buffer_reserve(buffer, total, err);
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) buffer->bytes = total;
    return status;
}

pc_status pc_comm_gather(pc_comm *comm, pc_span mine, pc_buffer *all, int64_t *bytes_of_rank,
                         pc_error *err)
{
    pc_arena scratch = {.budget = all->budget};
    int64_t *bytes = NULL;
    pc_status status = PC_OK;
    if (comm->rank == 0) {
        bytes = pc_arena_array(&scratch, (size_t)comm->size, sizeof *bytes, err);
        if (bytes == NULL) status = PC_NO_MEMORY;
    }
    status = pc_comm_agree(comm, status, err);
    if (status != PC_OK) goto done;
    const int64_t mine_bytes = (int64_t)mine.bytes;
    comm->counts.collectives++;
    pc_comm_must(MPI_Gather(&mine_bytes, 1, MPI_INT64_T, bytes, 1, MPI_INT64_T, 0, comm->mpi),
                 "gathering sizes");
    status = make_room(comm, bytes, all, err);
    if (status != PC_OK) goto done;
    if (comm->rank != 0) {
        send_all(comm, mine.data, mine.bytes, 0, TAG_GATHER);
        goto done;
    }
    char *at = all->data;
    if (mine.bytes > 0) memcpy(at, mine.data, mine.bytes);
    for (int rank = 1; rank < comm->size; rank++) {
        at += bytes[rank - 1];
        receive_all(comm, at, (size_t)bytes[rank], rank, TAG_GATHER);
    }
    if (bytes_of_rank != NULL) memcpy(bytes_of_rank, bytes, (size_t)comm->size * sizeof *bytes);
done:
    pc_arena_reset(&scratch);
    return status;
}

void pc_comm_exchange_pair(pc_comm *comm, pc_span out, int to, pc_buffer in, int from)
{
    while (out.bytes > 0 || in.bytes > 0) {
        MPI_Request request[2];
        int count = 0;
        const int in_piece = pc_comm_piece(comm, in.bytes);
        const int out_piece = pc_comm_piece(comm, out.bytes);
        if (in_piece > 0) {
            pc_comm_must(MPI_Irecv(in.data, in_piece, MPI_BYTE, from, TAG_EXCHANGE, comm->mpi,
                                   &request[count++]),
                         "receiving in an exchange");
            in.data += in_piece;
            in.bytes -= (size_t)in_piece;
        }
        if (out_piece > 0) {
            pc_comm_must(MPI_Isend(out.data, out_piece, MPI_BYTE, to, TAG_EXCHANGE, comm->mpi,
                                   &request[count++]),
                         "sending in an exchange");
            pc_comm_count(comm, (size_t)out_piece, to);
            out.data += out_piece;
            out.bytes -= (size_t)out_piece;
        }
        pc_comm_must(MPI_Waitall(count, request, MPI_STATUSES_IGNORE), "waiting in an exchange");
    }
}

// Rank r of `count` talks to r + step and r - step, for each step: a rank in an earlier step than
// its partners finds them waiting for it, so there is no deadlock.
static void exchange_among(pc_comm *comm, const int *ranks, int count, const pc_span *out,
                           const pc_buffer *in_place)
{
    int mine = 0;
    while (ranks[mine] != comm->rank)
        mine++;
    for (int step = 1; step < count; step++) {
        const int to = ranks[(mine + step) % count];
        const int from = ranks[(mine - step + count) % count];
        pc_comm_exchange_pair(comm, out[to], to, in_place[from], from);
    }
}

static void exchange_pieces(pc_comm *comm, const pc_span *out, const pc_buffer *in_place,
                            pc_budget *budget)
{
    const pc_span mine = out[comm->rank];
    comm->counts.kept_bytes += (int64_t)mine.bytes;
    if (mine.bytes > 0) memcpy(in_place[comm->rank].data, mine.data, mine.bytes);
    if (comm->size == 1) return;
    const pc_comm_nodes *n = &comm->nodes;
    if (pc_comm_by_leaders(comm, out, in_place, budget)) {
        const int *here = n->rank + n->start[n->mine];
        exchange_among(comm, here, comm->node_size, out, in_place);
    } else {
        exchange_among(comm, n->rank, comm->size, out, in_place);
    }
}

pc_status pc_comm_exchange(pc_comm *comm, const pc_span *out, pc_buffer *in, int64_t *in_bytes,
                           pc_error *err)
{
    const int size = comm->size;
    pc_arena scratch = {.budget = in->budget};
    int64_t *out_bytes = pc_arena_array(&scratch, (size_t)size, sizeof *out_bytes, err);
    pc_buffer *in_place = pc_arena_array(&scratch, (size_t)size, sizeof *in_place, err);
    const bool refused = out_bytes == NULL || in_place == NULL;
    pc_status status = pc_comm_agree(comm, refused ? PC_NO_MEMORY : PC_OK, err);
    if (status != PC_OK) goto done;
    for (int rank = 0; rank < size; rank++) {
        out_bytes[rank] = (int64_t)out[rank].bytes;
    }
    comm->counts.collectives++;
    pc_comm_must(MPI_Alltoall(out_bytes, 1, MPI_INT64_T, in_bytes, 1, MPI_INT64_T, comm->mpi),
                 "exchanging sizes");
    status = make_room(comm, in_bytes, in, err);
    if (status != PC_OK) goto done;
    char *at = in->data;
    for (int rank = 0; rank < size; rank++) {
        const size_t bytes = (size_t)in_bytes[rank];
        in_place[rank] = (pc_buffer){.data = bytes == 0 ? NULL : at, .bytes = bytes};
        if (bytes > 0) at += bytes;
    }
    exchange_pieces(comm, out, in_place, in->budget);
done:
    pc_arena_reset(&scratch);
    return status;
}

// Tells `to` how much is to come (-1: this rank failed), and sends it if `to` has room.
static void send_state(pc_comm *comm, pc_status status, const pc_buffer *state, int to)
{
    const int64_t bytes = status == PC_OK ? (int64_t)state->bytes : -1;
    int64_t wanted = 0;
    pc_comm_must(MPI_Send(&bytes, 1, MPI_INT64_T, to, TAG_HEAD, comm->mpi), "sending a size");
    pc_comm_count(comm, sizeof bytes, to);
    if (bytes < 0) return;
    pc_comm_must(MPI_Recv(&wanted, 1, MPI_INT64_T, to, TAG_ANSWER, comm->mpi, MPI_STATUS_IGNORE),
                 "receiving an answer");
    if (wanted != 0) send_all(comm, state->data, state->bytes, to, TAG_STATE);
}

// Receives a state unless this rank or `from` has failed. `*came`: `state` holds it.
static pc_status receive_state(pc_comm *comm, pc_status status, pc_buffer *state, int from,
                               bool *came, pc_error *err)
{
    int64_t bytes = -1;
    *came = false;
    pc_comm_must(MPI_Recv(&bytes, 1, MPI_INT64_T, from, TAG_HEAD, comm->mpi, MPI_STATUS_IGNORE),
                 "receiving a size");
    if (bytes < 0) return status;
    state->bytes = 0;
    if (status == PC_OK) status = pc_buffer_reserve(state, (size_t)bytes, err);
    *came = status == PC_OK;
    const int64_t wanted = *came ? 1 : 0;
    pc_comm_must(MPI_Send(&wanted, 1, MPI_INT64_T, from, TAG_ANSWER, comm->mpi),
                 "sending an answer");
    pc_comm_count(comm, sizeof wanted, from);
    if (!*came) return status;
    state->bytes = (size_t)bytes;
    receive_all(comm, state->data, state->bytes, from, TAG_STATE);
    return PC_OK;
}

pc_status pc_comm_reduce(pc_comm *comm, void *context, pc_pack pack, pc_merge merge,
                         pc_budget *budget, pc_error *err)
{
    assert(err != NULL);
    pc_buffer state = {.budget = budget};
    pc_status status = PC_OK;
    for (int64_t step = 1; step < comm->size; step *= 2) {
        if ((comm->rank & step) != 0) {
            state.bytes = 0;
            if (status == PC_OK) status = pack(context, &state, err);
            send_state(comm, status, &state, comm->rank - (int)step);
            break;
        }
        if (comm->rank + step >= comm->size) continue;
        bool came;
        status = receive_state(comm, status, &state, comm->rank + (int)step, &came, err);
        if (came) status = merge(context, (pc_span){state.data, state.bytes}, err);
    }
    pc_buffer_release(&state);
    return pc_comm_agree(comm, status, err);
}
