/** @file groups.h
 *  Rows to groups: rows with equal keys (nulls equal) get the same number. Private to ops/.
 */
#ifndef PC_OPS_GROUPS_H
#define PC_OPS_GROUPS_H
#include "coder.h"

typedef struct pc_groups {
    int key_count;
    pc_coder *coder; ///< [key_count] numbers of each key's values
    pc_pairs *pairs; ///< [key_count] (group by the keys before, number of this key) to group
    uint32_t count;  ///< groups so far
} pc_groups;

/** Groups by `field[key_count]`. Local. Close what was opened, even when it failed. */
pc_status pc_groups_open(pc_groups *groups, const pc_field *field, int key_count, pc_arena *arena,
                         pc_error *err) PC_MUST_CHECK;
void pc_groups_close(pc_groups *groups);
/** [row_count] groups of rows whose keys are `key[key_count]`; row_count <= PC_BATCH_ROWS. Without
 *  keys all rows are of group 0. */
pc_status pc_groups_number(pc_groups *groups, const pc_column *key, int row_count, uint32_t *group,
                           pc_error *err) PC_MUST_CHECK;
/** The same key by key, for one whose numbers are known otherwise: begin with `groups` of 0 and
 *  `*group_count` 1 (of no rows 0), then join the numbers of each key in turn, then end. */
pc_status pc_groups_join(pc_groups *groups, int key, const uint32_t *number, int row_count,
                         uint32_t *group, uint32_t *group_count, pc_error *err) PC_MUST_CHECK;
void pc_groups_end(pc_groups *groups, uint32_t group_count);
/** The values of key `key` for `group[count]`, in `arena`. */
pc_status pc_groups_column(const pc_groups *groups, int key, const uint32_t *group, int count,
                           pc_arena *arena, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** [count] numbers of groups from `first` on. */
void pc_groups_run(uint32_t first, int count, uint32_t *group);
/** Groups by parts of the hash of their keys, `part` [groups->count]. In `arena`. */
pc_status pc_groups_parts(const pc_groups *groups, int part_count, pc_arena *arena, uint16_t **part,
                          pc_error *err) PC_MUST_CHECK;
/** Forgets dictionaries that are about to go. */
void pc_groups_forget(pc_groups *groups);

#endif
