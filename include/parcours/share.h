/** @file parcours/share.h
 *  What the ranks of a node hold once.
 */
#ifndef PC_SHARE_H
#define PC_SHARE_H
#include "parcours/comm.h"
#include "parcours/store.h"

/** Collective. The dictionaries of the store at `path`, read by the first rank of each node and
 * seen by all of it, and room for its reference tables, for pc_store_open_with. It does not fail:
 * where they cannot be shared or read, `memory` is NULL, and whoever then opens the store says what
 * is wrong with it. Valid until the next call or pc_comm_close. */
pc_store_shared pc_share_store(pc_comm *comm, const char *path, pc_budget *budget);

#endif
