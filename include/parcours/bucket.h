/** @file parcours/bucket.h
 *  A bucket: all rows of a run of slots, as they came from all ranks. Here they are grouped by
 *  slot, sorted, freed of duplicates, linked to their parents and turned into blocks. Local; pure.
 */
#ifndef PC_BUCKET_H
#define PC_BUCKET_H
#include "parcours/block.h"
#include "parcours/csv.h"

/** The key of a row's parent, as the parent's row holds it from PC_ROW_FIELDS: a pointer into the
 *  row; NULL when a column of it is null, so that there is no parent. Local. */
const unsigned char *pc_row_parent_key(const pc_row_layout *layout, const unsigned char *row);

/** Where the key of a slot travels: beside the rows, once or more often. */
typedef struct pc_slot_entry {
    unsigned char tag[PC_TAG_BYTES];
    pc_slot_key key;
} pc_slot_entry;

/** The tag of a slot key, for PC_ROW_TAG: its hash, then a second one. Rows of equal tags belong
 *  to one slot; two keys with one tag are found and refused by pc_bucket_arrange. */
void pc_slot_tag(const pc_slot_key *key, unsigned char tag[PC_TAG_BYTES]);

/** Rows of one table in a bucket. */
typedef struct pc_bucket_table {
    const pc_row_layout *layout; ///< NULL: the table was not delivered
    const unsigned char *row;    ///< [row_count] x row_bytes
    int64_t row_count;
    // Filled by pc_bucket_arrange:
    int64_t kept_count;           ///< rows that are stored
    const unsigned char **sorted; ///< [kept_count] copies of rows, dated, in the stored order
    int64_t *offset;              ///< [slot_count + 1] first row of each slot in `sorted`
    int32_t *parent;      ///< [kept_count] place in the parent's `sorted`, -1: none; or NULL
    uint32_t *key_hash;   ///< [kept_count] of the keys of a table without parent; or NULL
    int64_t key_conflict; ///< rows of a primary key that another row of the slot has too
} pc_bucket_table;

typedef struct pc_bucket {
    const pc_model *model;
    pc_bucket_table *table; ///< [model->table_count]
    int slot_count;
    const pc_slot_key *slot_key; ///< [slot_count] in the order of the store
    const bool *is_continued;    ///< [slot_count] slots that an earlier part has too, with their
                                 ///< row of PERSON; NULL: none
    int first_file;              ///< rows of earlier files are rows of the store
} pc_bucket;

/** Arranges a bucket whose tables hold rows with tags. Duplicates, and rows that the
 *  model's rules on periods and persons do not let in, are appended to `rejected[table]`.
 *  @param entry  [entry_count] keys of all tags of the rows, in any order, repeated or not; sorted
 *                in place
 *  @param arena  owns the result
 *  @return PC_OK, PC_NO_MEMORY, PC_BAD_INPUT (two slots with one tag)
 *  Cost: a hash look-up, a copy and about log2(rows of its slot) comparisons a row */
pc_status pc_bucket_arrange(pc_bucket *bucket, pc_slot_entry *entry, int64_t entry_count,
                            pc_arena *arena, pc_buffer *rejected, pc_error *err) PC_MUST_CHECK;

/** How PERSON is derived from the identity tables. */
typedef struct pc_person_plan pc_person_plan;

/** @param layout  [model->table_count], NULL: not delivered
 *  @param dict    [model->dict_count] sorted dictionaries; borrowed
 *  @return PC_BAD_JOB: the model's person rules do not fit its columns */
pc_status pc_person_plan_make(const pc_model *model, const pc_row_layout *const *layout,
                              const pc_dict *const *dict, pc_arena *arena,
                              const pc_person_plan **out, pc_error *err) PC_MUST_CHECK;

/** The end of the run of slots from `from` whose largest table has at most `row_limit` rows; one
 *  slot at least. */
int pc_bucket_run(const pc_bucket *bucket, int from, int64_t row_limit);
/** A block of the slots `from` .. `to` - 1 with every column of origin CSV, FILE, EVENT and
 *  PERSON; those of rules have type PC_NONE. Rows with a parent have their key columns too, which
 *  rules read and the part leaves out. Everything is owned by `arena`. */
pc_status pc_bucket_block(const pc_bucket *bucket, int from, int to, int64_t first_slot,
                          const pc_person_plan *person, const pc_dict *const *dict, pc_arena *arena,
                          pc_block *out, pc_error *err) PC_MUST_CHECK;

/** Columns of all rows of a layout that have no slots: reference tables.
 *  @param row     [row_count] rows in the order to store
 *  @param column  [model columns] filled */
pc_status pc_rows_to_columns(const pc_model *model, const pc_row_layout *layout,
                             const unsigned char *const *row, int64_t row_count,
                             const pc_dict *const *dict, pc_arena *arena, pc_column *column,
                             pc_error *err) PC_MUST_CHECK;
/** Sorts rows of one table without slots by their content, equal ones by source, and drops all
 *  but the first of equal rows where the table has a primary key (appended to `rejected`).
 *  @param sorted  [row_count] filled @param kept_count  how many of them */
pc_status pc_rows_sort(const pc_model *model, const pc_row_layout *layout, const unsigned char *row,
                       int64_t row_count, const unsigned char **sorted, int64_t *kept_count,
                       int64_t *key_conflict, pc_arena *arena, pc_buffer *rejected,
                       pc_error *err) PC_MUST_CHECK;

#endif
