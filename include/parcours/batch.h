/** @file parcours/batch.h
 *  The one currency between operators: some rows, held column by column.
 */
#ifndef PC_BATCH_H
#define PC_BATCH_H
#include "parcours/arena.h"
#include "parcours/column.h"

enum { PC_BATCH_ROWS = 2048 }; // 16 KiB per int64 column: many columns fit in L2

/** One column of a schema. */
typedef struct pc_field {
    const char *name; ///< as shown in a header
    pc_type type;
    uint8_t scale; ///< of PC_DECIMAL
    uint8_t width; ///< of PC_ID: its bytes; else 0 (the width may differ from batch to batch)
} pc_field;

typedef struct pc_schema {
    int field_count;
    const pc_field *field; ///< [field_count], borrowed
} pc_schema;

/** The schema with which batches of `schema` are packed: ids get their greatest width where it is
 *  not known. In `arena`. Local. */
pc_status pc_schema_packed(const pc_schema *schema, pc_arena *arena, pc_schema *out,
                           pc_error *err) PC_MUST_CHECK;
/** Index of the field of that name without regard to case, or -1. */
int pc_schema_find(const pc_schema *schema, const char *name);

/** Some rows. All columns have `row_count` rows. */
typedef struct pc_batch {
    int column_count;
    int row_count;     ///< 0 .. PC_BATCH_ROWS
    pc_column *column; ///< [column_count], owned by the arena the batch was made in
    int64_t *slot;     ///< [row_count] number of the row's slot, not descending within a shard; a
                       ///< slot number is unique within the run on this rank. NULL: rows have no
                       ///< slot (reference tables, results of aggregation)
} pc_batch;

/** Tests every invariant: counts, types, widths, dictionary indices in range. For debug builds and
 *  tests: PC_BAD_INPUT names the column and what is wrong. */
pc_status pc_batch_check(const pc_batch *batch, const pc_schema *schema,
                         pc_error *err) PC_MUST_CHECK;

/** Keeps rows `row[0 .. row_count - 1]`, strictly ascending, in new arrays of `arena`.
 *  Local. Cost: row_count x column_count moves. */
pc_status pc_batch_keep(pc_batch *batch, const int *row, int row_count, pc_arena *arena,
                        pc_error *err) PC_MUST_CHECK;

/** Values of a column at `row[count]`, in any order and as often as wanted, in new arrays of
 * `arena`. Local. */
pc_status pc_column_pick(const pc_column *from, const int *row, int count, pc_arena *arena,
                         pc_column *out, pc_error *err) PC_MUST_CHECK;

/** Packs a batch into bytes that another rank can unpack: of dictionaries only the texts in use.
 *  Appends to `out`. Local. */
pc_status pc_batch_pack(const pc_batch *batch, const pc_schema *schema, pc_buffer *out,
                        pc_error *err) PC_MUST_CHECK;
/** Reads one packed batch at `*at` of `in`, moves `*at` behind it. Columns and dictionaries are
 *  owned by `arena`. Every byte is checked: PC_BAD_INPUT when cut short or wrong. */
pc_status pc_batch_unpack(pc_span in, size_t *at, const pc_schema *schema, pc_arena *arena,
                          pc_batch *out, pc_error *err) PC_MUST_CHECK;

#endif
