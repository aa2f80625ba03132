/** A number in rank 0's memory that any rank draws from by one-sided calls, so that rank 0 need not
 *  answer: on one node through shared memory. Alone, a plain number. */
#include <assert.h>
#include "comm_internal.h"

// Beyond any number of shards, and 2^14 ranks may each add it once within an int64.
static const int64_t POISON = (int64_t)1 << 48;

struct pc_counter {
    pc_arena self; // holds this struct
    MPI_Win window;
    int64_t *here; // rank 0's number, in the window
    int64_t alone; // the number of one rank alone
    bool shared;   // there is a window
    bool poisoned; // by this rank
};

pc_status pc_counter_open(pc_comm *comm, pc_counter **out, pc_error *err)
{
    pc_arena self = {0};
    pc_counter *counter = pc_arena_take(&self, sizeof *counter, err);
    const pc_status status = pc_comm_agree(comm, counter == NULL ? PC_NO_MEMORY : PC_OK, err);
    if (status != PC_OK) {
        pc_arena_reset(&self);
        return status;
    }
    counter->self = self;
    counter->window = MPI_WIN_NULL;
    counter->shared = comm->size > 1;
    if (counter->shared) {
        const MPI_Aint bytes = comm->rank == 0 ? (MPI_Aint)sizeof *counter->here : 0;
        pc_comm_must(MPI_Win_allocate(bytes, (int)sizeof *counter->here, MPI_INFO_NULL, comm->mpi,
                                      (void *)&counter->here, &counter->window),
                     "making the shard counter");
        pc_comm_must(MPI_Win_set_errhandler(counter->window, MPI_ERRORS_RETURN),
                     "setting the handler");
        pc_comm_must(MPI_Win_lock_all(MPI_MODE_NOCHECK, counter->window), "locking the counter");
        if (comm->rank == 0) *counter->here = 0;
        pc_comm_must(MPI_Win_sync(counter->window), "starting the counter");
        pc_comm_barrier(comm); // nobody draws before it is zero
    }
    *out = counter;
    return PC_OK;
}

static int64_t add(pc_counter *counter, int64_t value)
{
    int64_t before = counter->alone;
    if (!counter->shared) {
        counter->alone += value;
        return before;
    }
    pc_comm_must(MPI_Fetch_and_op(&value, &before, MPI_INT64_T, 0, 0, MPI_SUM, counter->window),
                 "drawing from the counter");
    pc_comm_must(MPI_Win_flush(0, counter->window), "drawing from the counter");
    return before;
}

int64_t pc_counter_next(pc_counter *counter)
{
    if (counter->poisoned) return INT64_MAX;
    const int64_t number = add(counter, 1);
    assert(number >= 0);
    return number >= POISON ? INT64_MAX : number;
}

void pc_counter_poison(pc_counter *counter)
{
    if (counter->poisoned) return;
    counter->poisoned = true;
    (void)add(counter, POISON);
}

void pc_counter_close(pc_comm *comm, pc_counter *counter)
{
    if (counter == NULL) return;
    if (counter->shared) {
        pc_comm_must(MPI_Win_unlock_all(counter->window), "unlocking the counter");
        pc_comm_barrier(comm);
        pc_comm_must(MPI_Win_free(&counter->window), "freeing the counter");
    }
    pc_arena self = counter->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}
