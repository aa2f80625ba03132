/** @file scatter.h
 *  Records of fixed width on their way to other ranks. Private to engine/ingest/.
 */
#ifndef PC_SCATTER_H
#define PC_SCATTER_H
#include "parcours/comm.h"

typedef struct scatter {
    pc_comm *comm;
    int rank, ranks;
    size_t record_bytes;
    pc_buffer *to;     // [ranks] records for each rank
    pc_buffer in;      // what came
    int64_t *in_bytes; // [ranks] from each rank
    pc_span *span;     // [ranks]
} scatter;

/** Local. Structs are owned by `arena`, records by `budget` until scatter_release. */
pc_status scatter_init(scatter *s, pc_comm *comm, size_t record_bytes, pc_arena *arena,
                       pc_budget *budget, pc_error *err) PC_MUST_CHECK;
void scatter_release(scatter *s);
/** Local. Room for one more record to `rank`; NULL: no memory. */
static inline unsigned char *scatter_add(scatter *s, int rank, pc_error *err)
{
    pc_buffer *to = &s->to[rank];
    if (pc_buffer_reserve(to, to->bytes + s->record_bytes, err) != PC_OK) return NULL;
    unsigned char *record = (unsigned char *)to->data + to->bytes;
    to->bytes += s->record_bytes;
    return record;
}
/** Collective. Sends everything; `in` holds what came, in order of sending ranks; the records of
 *  this rank to itself stay in `to[rank]` and are not copied. Empties the others. */
pc_status scatter_send(scatter *s, pc_error *err) PC_MUST_CHECK;
/** Local. Empties what was kept of the last round. */
void scatter_clear(scatter *s);

#endif
