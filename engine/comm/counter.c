/** A number that any rank draws from. On one node it lies in shared memory and rank 0 need not
 *  answer. Across nodes rank 0 answers messages, at its own draws and whenever it serves: one-sided
 *  calls over a network need the target to enter MPI just as well, and Open MPI's choice of a
 *  component for them fails on some fabrics. Alone, a plain number. */
#include <assert.h>
#include "comm_internal.h"

// Beyond any number of shards, and 2^14 ranks may each add it once within an int64.
static const int64_t POISON = (int64_t)1 << 48;

typedef enum counter_kind { ALONE, SHARED, SERVED } counter_kind;
/** What others ask of rank 0. */
typedef enum wish { DRAW, STOP, LEAVE } wish;
enum { TAG_WISH = 7001, TAG_NUMBER = 7002 };

struct pc_counter {
    pc_arena self; // holds this struct
    counter_kind kind;
    MPI_Comm mpi; // borrowed
    int rank, size;
    MPI_Win window;      // SHARED
    int64_t number;      // ALONE; SERVED on rank 0
    int32_t wish;        // SERVED on rank 0: what is being received,
    MPI_Request request; // by this, unless all others have left
    int left;            // how many others have left
    bool poisoned;       // by this rank
};

static void open_shared(pc_comm *comm, pc_counter *counter)
{
    int64_t *here = NULL;
    const MPI_Aint bytes = comm->rank == 0 ? (MPI_Aint)sizeof *here : 0;
    pc_comm_must(MPI_Win_allocate_shared(bytes, (int)sizeof *here, MPI_INFO_NULL, comm->mpi,
                                         (void *)&here, &counter->window),
                 "making the shard counter");
    pc_comm_must(MPI_Win_set_errhandler(counter->window, MPI_ERRORS_RETURN), "setting the handler");
    pc_comm_must(MPI_Win_lock_all(MPI_MODE_NOCHECK, counter->window), "locking the counter");
    if (comm->rank == 0) *here = 0;
    pc_comm_must(MPI_Win_sync(counter->window), "starting the counter");
    pc_comm_barrier(comm); // nobody draws before it is zero
}

static void listen(pc_counter *counter)
{
    counter->request = MPI_REQUEST_NULL;
    if (counter->left == counter->size - 1) return;
    pc_comm_must(MPI_Irecv(&counter->wish, 1, MPI_INT32_T, MPI_ANY_SOURCE, TAG_WISH, counter->mpi,
                           &counter->request),
                 "listening for draws");
}

pc_status pc_counter_open(pc_comm *comm, pc_counter **out, pc_error *err)
{
    pc_arena self = {0};
    pc_counter *counter = pc_arena_take(&self, sizeof *counter, err);
    const pc_status status = pc_comm_agree(comm, counter == NULL ? PC_NO_MEMORY : PC_OK, err);
    if (status != PC_OK) {
        pc_arena_reset(&self);
        return status;
    }
    *counter = (pc_counter){.self = self,
                            .kind = comm->size == 1                 ? ALONE
                                    : comm->node_size == comm->size ? SHARED
                                                                    : SERVED,
                            .mpi = comm->mpi,
                            .rank = comm->rank,
                            .size = comm->size,
                            .window = MPI_WIN_NULL,
                            .request = MPI_REQUEST_NULL};
    if (counter->kind == SHARED) open_shared(comm, counter);
    if (counter->kind == SERVED && counter->rank == 0) listen(counter);
    *out = counter;
    return PC_OK;
}

static int64_t add_here(pc_counter *counter, int64_t value)
{
    const int64_t before = counter->number;
    counter->number += value;
    return before;
}

static void grant(pc_counter *counter, int to)
{
    int64_t number = 0;
    switch (counter->wish) {
        case DRAW:
            number = add_here(counter, 1);
            pc_comm_must(MPI_Send(&number, 1, MPI_INT64_T, to, TAG_NUMBER, counter->mpi),
                         "giving a number");
            break;
        case STOP:
            (void)add_here(counter, POISON);
            break;
        default:
            counter->left++;
            break;
    }
    listen(counter);
}

void pc_counter_serve(pc_counter *counter)
{
    if (counter->kind != SERVED || counter->rank != 0) return;
    for (int has_come = 1; has_come != 0 && counter->request != MPI_REQUEST_NULL;) {
        MPI_Status from;
        pc_comm_must(MPI_Test(&counter->request, &has_come, &from), "looking for draws");
        if (has_come != 0) grant(counter, from.MPI_SOURCE);
    }
}

static void ask(const pc_counter *counter, wish what)
{
    const int32_t message = (int32_t)what;
    pc_comm_must(MPI_Send(&message, 1, MPI_INT32_T, 0, TAG_WISH, counter->mpi),
                 "asking for a number");
}

static int64_t add_shared(pc_counter *counter, int64_t value)
{
    int64_t before = 0;
    pc_comm_must(MPI_Fetch_and_op(&value, &before, MPI_INT64_T, 0, 0, MPI_SUM, counter->window),
                 "drawing from the counter");
    pc_comm_must(MPI_Win_flush(0, counter->window), "drawing from the counter");
    return before;
}

static int64_t draw(pc_counter *counter)
{
    if (counter->kind == SHARED) return add_shared(counter, 1);
    pc_counter_serve(counter);
    if (counter->kind == ALONE || counter->rank == 0) return add_here(counter, 1);
    int64_t number = 0;
    ask(counter, DRAW);
    pc_comm_must(MPI_Recv(&number, 1, MPI_INT64_T, 0, TAG_NUMBER, counter->mpi, MPI_STATUS_IGNORE),
                 "waiting for a number");
    return number;
}

int64_t pc_counter_next(pc_counter *counter)
{
    if (counter->poisoned) return INT64_MAX;
    const int64_t number = draw(counter);
    assert(number >= 0);
    return number >= POISON ? INT64_MAX : number;
}

void pc_counter_poison(pc_counter *counter)
{
    if (counter->poisoned) return;
    counter->poisoned = true;
    if (counter->kind == SHARED) {
        (void)add_shared(counter, POISON);
    } else if (counter->kind == ALONE || counter->rank == 0) {
        (void)add_here(counter, POISON);
    } else {
        ask(counter, STOP);
    }
}

void pc_counter_close(pc_comm *comm, pc_counter *counter)
{
    if (counter == NULL) return;
    if (counter->kind == SHARED) {
        pc_comm_must(MPI_Win_unlock_all(counter->window), "unlocking the counter");
        pc_comm_barrier(comm);
        pc_comm_must(MPI_Win_free(&counter->window), "freeing the counter");
    }
    if (counter->kind == SERVED && counter->rank != 0) ask(counter, LEAVE);
    while (counter->request != MPI_REQUEST_NULL) {
        MPI_Status from;
        pc_comm_must(MPI_Wait(&counter->request, &from), "waiting for the last draws");
        grant(counter, from.MPI_SOURCE);
    }
    pc_arena self = counter->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}
