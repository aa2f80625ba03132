/** @file parcours/derive.h
 *  Derived columns of a model: its SQL rules, computed over a block at ingest.
 */
#ifndef PC_DERIVE_H
#define PC_DERIVE_H
#include "parcours/block.h"

typedef struct pc_derive pc_derive;

/** Compiles every rule of the model. Close it before the arena is reset: the scans inside hold
 *  memory of the arena's budget. Local.
 *  @param dict             [model->dict_count] sorted dictionaries of the store being made
 *  @param reference        [model->table_count] columns of reference tables, NULL where absent
 *  @param reference_count  [model->table_count] their rows
 *  @return PC_BAD_JOB: the rule's table, column and position */
pc_status pc_derive_open(const pc_model *model, const pc_dict *const *dict,
                         const pc_column *const *reference, const int64_t *reference_count,
                         pc_arena *arena, pc_derive **out, pc_error *err) PC_MUST_CHECK;
/** Computes the derived columns of every patient table of the block, in the model's order, into
 *  `block->table[].column[]` (memory of block->arena). A text that is not in its dictionary is
 *  PC_BAD_INPUT. Local. */
pc_status pc_derive_block(pc_derive *derive, pc_block *block, pc_error *err) PC_MUST_CHECK;
/** Whether a rule looks at a row of the table (the model's index), besides its own. Local. */
bool pc_derive_reads(const pc_derive *derive, int table);
/** Gives back what the rules hold outside of the arena. Accepts NULL. */
void pc_derive_close(pc_derive *derive);

#endif
