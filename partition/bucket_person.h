/** @file bucket_person.h
 *  Rows of PERSON from the identity rows of a slot. Private to partition/.
 */
#ifndef PC_BUCKET_PERSON_H
#define PC_BUCKET_PERSON_H
#include "parcours/bucket.h"

/** Fills PERSON of a block of the slots `from` .. `to` - 1: one row a patient. */
pc_status pc_person_fill(const pc_person_plan *plan, const pc_bucket *bucket, int from, int to,
                         pc_arena *arena, pc_block_table *out, pc_error *err) PC_MUST_CHECK;

#endif
