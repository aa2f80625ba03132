/** @file match.h
 *  Sets of cases and controls: the only part of a study that crosses patients. A pass over the
 * store collects cases and candidates, which meet on the rank of their `on` values; the sets go
 * back to all ranks, where the next pass finds them patient by patient.
 */
#ifndef PC_MATCH_H
#define PC_MATCH_H
#include "eval.h"
#include "parcours/comm.h"
#include "parcours/slot.h"

/** A case or candidate as it travels: this head, then near_count int64, then `on_bytes` bytes of
 * the `on` values, padded to 8. */
typedef struct pc_match_item {
    pc_slot_key key;
    int32_t first, last; ///< days; of a case both are its day
    int32_t is_case;
    int32_t on_bytes; ///< -1: one of the values is null, which equals nothing
    int32_t patient;  ///< scratch of the matching
    int32_t unused;
} pc_match_item;

/** A set as it travels: this head, then `count` slot keys of controls. */
typedef struct pc_match_set {
    pc_slot_key key;
    int32_t day, count;
} pc_match_set;

/** One patient of one set. */
typedef struct pc_match_member {
    pc_slot_key key;
    int32_t day, is_case;
    int64_t set_id; ///< from 1, in order of days, then of cases by their bytes
} pc_match_member;

/** Appends the cases and candidates of the block to `items`. Local. */
pc_status pc_match_collect(pc_block_eval *eval, pc_node *node, pc_buffer *items,
                           pc_error *err) PC_MUST_CHECK;
/** The sets of cases and candidates, all of those that share values of `on`. Local; reorders
 * nothing but `patient` in `items`.
 *  @param sets  pc_match_set, appended */
pc_status pc_match_sets(const pc_match *match, pc_buffer *items, pc_buffer *sets,
                        pc_error *err) PC_MUST_CHECK;
/** Numbers sets, in any order, and lists their members by patient. Local.
 *  @param members  pc_match_member, replaced */
pc_status pc_match_number(pc_span sets, pc_buffer *members, pc_error *err) PC_MUST_CHECK;
/** The records of a node of sets: members of the block's patients. Local. */
pc_status pc_timeline_match(pc_block_eval *eval, pc_node *node, pc_error *err) PC_MUST_CHECK;

/** Collective. `node->match_items` of all ranks become `node->match_members` on each, the same for
 *  any number of ranks. */
pc_status pc_match_run(pc_comm *comm, pc_node *node, pc_budget *budget,
                       pc_error *err) PC_MUST_CHECK;

#endif
