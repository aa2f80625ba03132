/** @file exec_aside.h
 *  A state too large for memory, or for one rank, in parts: bytes put aside by part, each part then
 *  brought together on the rank that owns it. Private to engine/exec_*.c.
 */
#ifndef PC_ENGINE_EXEC_ASIDE_H
#define PC_ENGINE_EXEC_ASIDE_H
#include "parcours/comm.h"
#include "parcours/spool.h"

/** How parts are kept. */
typedef struct pc_aside_plan {
    const char *scratch; ///< folder, made when it is needed
    bool *made_scratch;  ///< becomes true when it was made
    int count;           ///< of parts, the same on every rank
    size_t state_bytes;  ///< states of this size are put aside; 0: a share of what is left
    pc_budget *budget;
} pc_aside_plan;

typedef struct pc_aside pc_aside;

/** How many parts a query of so many ranks makes. */
int pc_aside_count(int ranks);
/** The rank that owns a part. */
int pc_aside_owner(int part, int ranks);

/** Empty parts. Memory first, then a nameless file in the scratch folder. Local.
 *  @return PC_NO_MEMORY, PC_IO with the folder's name */
pc_status pc_aside_open(const pc_aside_plan *plan, pc_aside **out, pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_aside_close(pc_aside *parts);
/** Adds a piece to a part. Local. */
pc_status pc_aside_add(pc_aside *parts, int part, pc_span piece, pc_error *err) PC_MUST_CHECK;
/** Bytes that were added to all parts. */
int64_t pc_aside_bytes(const pc_aside *parts);
bool pc_aside_is_empty(const pc_aside *parts, int part);
/** Gives every piece of a part to `take`, in no particular order. Local. */
pc_status pc_aside_read(pc_aside *parts, int part,
                        pc_status (*take)(void *context, pc_span piece, pc_error *err),
                        void *context, pc_error *err) PC_MUST_CHECK;
/** Collective. Each piece goes to the rank that owns its part, in rounds of bounded size.
 *  `*parts` then holds the parts of this rank. */
pc_status pc_aside_exchange(pc_comm *comm, pc_aside **parts, pc_error *err) PC_MUST_CHECK;

#endif
