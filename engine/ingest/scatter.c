/** Records of fixed width on their way to other ranks. */
#include "scatter.h"

pc_status scatter_init(scatter *s, pc_comm *comm, size_t record_bytes, pc_arena *arena,
                       pc_budget *budget, pc_error *err)
{
    const int ranks = pc_comm_size(comm);
    *s = (scatter){.comm = comm,
                   .rank = pc_comm_rank(comm),
                   .ranks = ranks,
                   .record_bytes = record_bytes,
                   .in.budget = budget};
    s->to = pc_arena_array(arena, (size_t)ranks, sizeof *s->to, err);
    s->in_bytes = pc_arena_array(arena, (size_t)ranks, sizeof *s->in_bytes, err);
    s->span = pc_arena_array(arena, (size_t)ranks, sizeof *s->span, err);
    if (s->to == NULL || s->in_bytes == NULL || s->span == NULL) {
        s->ranks = 0;
        return PC_NO_MEMORY;
    }
    for (int r = 0; r < ranks; r++)
        s->to[r].budget = budget;
    return PC_OK;
}

void scatter_release(scatter *s)
{
    for (int r = 0; s->to != NULL && r < s->ranks; r++)
        pc_buffer_release(&s->to[r]);
    pc_buffer_release(&s->in);
}

pc_status scatter_send(scatter *s, pc_error *err)
{
    s->in.bytes = 0;
    pc_comm_count_kept(s->comm, s->to[s->rank].bytes);
    if (s->ranks == 1) return PC_OK;
    for (int r = 0; r < s->ranks; r++) {
        const bool is_mine = r == s->rank;
        s->span[r] = is_mine ? (pc_span){0} : (pc_span){s->to[r].data, s->to[r].bytes};
    }
    const pc_status status = pc_comm_exchange(s->comm, s->span, &s->in, s->in_bytes, err);
    for (int r = 0; r < s->ranks; r++) {
        if (r != s->rank) s->to[r].bytes = 0;
    }
    return status;
}

void scatter_clear(scatter *s)
{
    for (int r = 0; r < s->ranks; r++)
        s->to[r].bytes = 0;
    s->in.bytes = 0;
}
