/** @file parcours/comm.h
 *  All that ranks say to each other. MPI is called in engine/comm/ and nowhere else.
 *
 *  A function is collective if and only if it takes a `pc_comm *`: every rank calls it, in the same
 *  order. With one rank and no launcher everything works without a daemon. MPI's own failures
 *  print and abort.
 */
#ifndef PC_COMM_H
#define PC_COMM_H
#include <stdbool.h>
#include <stdint.h>
#include "parcours/arena.h"
#include "parcours/text.h"

typedef struct pc_comm pc_comm;

/** Starts MPI. First call of main; no memory budget yet. Prints and aborts when MPI fails. */
pc_comm *pc_comm_open(int *argc, char ***argv);
/** Ends MPI. Accepts NULL. */
void pc_comm_close(pc_comm *comm);
/** This rank, 0 .. pc_comm_size - 1, and how many there are. Local. */
int pc_comm_rank(const pc_comm *comm);
int pc_comm_size(const pc_comm *comm);
/** Ranks on this rank's node. Local (found once at open). */
int pc_comm_node_size(const pc_comm *comm);

/** Is this the first rank of its node? It reads for the others what all of them need. Local. */
bool pc_comm_is_node_first(const pc_comm *comm);
/** Writes what is shared. Local. */
typedef void (*pc_fill)(void *context, void *memory);
/** Collective over the ranks of each node. What the first of them gives, in memory that all of them
 * see: one copy a node, until the next call or pc_comm_close. NULL: not shared (one rank, nothing
 * given, or the system has no room); then each rank makes its own.
 *  @param bytes         of the first rank of the node, which alone calls `fill`; others: 0
 *  @param shared_bytes  its size, on all of them */
void *pc_comm_node_share(pc_comm *comm, size_t bytes, pc_fill fill, void *context,
                         size_t *shared_bytes) PC_MUST_CHECK;

/** What this rank has said so far. A collective call of MPI counts once, whatever it sends inside.
 */
typedef struct pc_comm_counts {
    int64_t collectives;  ///< calls that all ranks join
    int64_t messages;     ///< sent to one other rank, at most a round each
    int64_t far_messages; ///< of them, to a rank of another node
    int64_t bytes;        ///< in these messages
    int64_t kept_bytes;   ///< of exchanges: what stayed on this rank
} pc_comm_counts;
/** Local. Since pc_comm_open, or pc_comm_alone. */
pc_comm_counts pc_comm_counted(const pc_comm *comm);

/** Local. Notes what would have been sent, had this rank not been its owner. */
void pc_comm_count_kept(pc_comm *comm, size_t bytes);

/** This rank by itself, to run on it what is collective, beside others that do the same. Local.
 *  NULL: refused. `budget` is borrowed. */
pc_comm *pc_comm_alone(pc_budget *budget, pc_error *err);
/** Ends what `pc_comm_alone` gave; MPI goes on. Accepts NULL. */
void pc_comm_alone_close(pc_comm *alone);

/** Collective. Every rank leaves with the status and sentence of the lowest failing rank.
 *  @param err  not NULL. On ranks that did not fail it is overwritten. */
pc_status pc_comm_agree(pc_comm *comm, pc_status status, pc_error *err);

/** Collective. Sums, maxima, minima over ranks, in place, the same on every rank. [count] */
void pc_comm_sum_int64(pc_comm *comm, int64_t *value, int count);
void pc_comm_max_int64(pc_comm *comm, int64_t *value, int count);
void pc_comm_min_int64(pc_comm *comm, int64_t *value, int count);
/** Collective. `before` becomes the sum of `value` over lower ranks. */
void pc_comm_scan_int64(pc_comm *comm, int64_t value, int64_t *before);
void pc_comm_barrier(pc_comm *comm);
/** Collective. [bytes] from rank 0 to all; any size. */
void pc_comm_broadcast(pc_comm *comm, void *data, size_t bytes);
/** Collective. Rank 0's buffer to all; on others `buffer` is filled (its contents are replaced). */
pc_status pc_comm_broadcast_buffer(pc_comm *comm, pc_buffer *buffer, pc_error *err) PC_MUST_CHECK;
/** Collective. Each rank's bytes to rank 0, in order of ranks: `all` there holds them behind each
 *  other and `bytes_of_rank` ([ranks], may be NULL) their sizes. Any size: sent in rounds. */
pc_status pc_comm_gather(pc_comm *comm, pc_span mine, pc_buffer *all, int64_t *bytes_of_rank,
                         pc_error *err) PC_MUST_CHECK;

/** Collective. One message to each rank: piece r of `out` goes to rank r. Pieces may be of any
 * size: it works in rounds of bounded size (memory beyond the result: one round). Where nodes are
 * several and pieces small, the first rank of a node passes on what goes to other nodes.
 *  @param out       [ranks] pieces, borrowed
 *  @param in        filled with what came, in order of sending ranks
 *  @param in_bytes  [ranks] how much came from each rank */
pc_status pc_comm_exchange(pc_comm *comm, const pc_span *out, pc_buffer *in, int64_t *in_bytes,
                           pc_error *err) PC_MUST_CHECK;

/** Merges a partial state given as bytes: `into` += `other`. Local. */
typedef pc_status (*pc_merge)(void *context, pc_span other, pc_error *err);
/** Packs the state of this rank into `out`. Local. */
typedef pc_status (*pc_pack)(void *context, pc_buffer *out, pc_error *err);

/** Collective. Reduces states over a binomial tree to rank 0: whoever is done packs and sends,
 *  whoever receives merges. Agrees before it leaves. Cost: log2(ranks) messages a rank. */
pc_status pc_comm_reduce(pc_comm *comm, void *context, pc_pack pack, pc_merge merge,
                         pc_budget *budget, pc_error *err) PC_MUST_CHECK;

/** A number that ranks draw from, one after the other: which shard comes next. */
typedef struct pc_counter pc_counter;
/** Collective. A counter from 0. No other collective call until it is closed: rank 0 may have to
 *  answer. */
pc_status pc_counter_open(pc_comm *comm, pc_counter **out, pc_error *err) PC_MUST_CHECK;
/** The next number, each given once over all ranks; after `pc_counter_poison`: INT64_MAX. Not
 *  collective: any rank at any time between open and close. Cost: a microsecond on one node; across
 *  nodes until rank 0 serves. */
int64_t pc_counter_next(pc_counter *counter);
/** Lets rank 0 answer draws of other nodes. To be called every few milliseconds of work; costs next
 *  to nothing, and nothing on other ranks. */
void pc_counter_serve(pc_counter *counter);
/** Stops the others at their next draw. Not collective. */
void pc_counter_poison(pc_counter *counter);
/** Collective. Accepts NULL. */
void pc_counter_close(pc_comm *comm, pc_counter *counter);

#endif
