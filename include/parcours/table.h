/** @file parcours/table.h
 *  Rows kept in memory, column by column: what a join looks into, what ranks share, what a result
 *  is read from. Integers take 8 bytes a value, codes 4.
 */
#ifndef PC_TABLE_H
#define PC_TABLE_H
#include "parcours/batch.h"

typedef struct pc_table pc_table;

/** How a table treats the dictionaries of what is added. */
typedef enum pc_table_texts {
    PC_TABLE_BORROWS, ///< they outlive the rows (until pc_table_clear): codes are kept as they are
    PC_TABLE_COPIES   ///< texts are copied
} pc_table_texts;

/** An empty table. Local. @param schema  copied, names borrowed */
pc_status pc_table_new(const pc_schema *schema, pc_table_texts texts, pc_budget *budget,
                       pc_table **out, pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_table_free(pc_table *table);
/** Forgets the rows, keeps the room. */
void pc_table_clear(pc_table *table);
/** Adds all rows of a batch of the schema. Slots are kept when the first batch has them. Local.
 *  @return PC_NO_MEMORY, PC_BAD_INPUT: a column is not of the type that was planned */
pc_status pc_table_add(pc_table *table, const pc_batch *batch, pc_error *err) PC_MUST_CHECK;
int64_t pc_table_rows(const pc_table *table);
/** Slots of the rows, or NULL. Valid until the next change. */
const int64_t *pc_table_slots(const pc_table *table);
/** All values of a column as they lie there. Valid until the next change. */
void pc_table_view(const pc_table *table, int column, pc_column *out);
/** Rows `first` .. of at most PC_BATCH_ROWS as a batch over the table; `first` a multiple of 64. */
pc_status pc_table_slice(const pc_table *table, int64_t first, pc_arena *arena, pc_batch *out,
                         pc_error *err) PC_MUST_CHECK;
/** Values of a column at `row[count]` (-1: null), in `arena`. Dictionaries stay the table's. */
pc_status pc_table_take(const pc_table *table, int column, const int64_t *row, int count,
                        pc_arena *arena, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** A column copied to `arena` with a sorted dictionary of its own: it outlives the table. */
pc_status pc_table_copy(const pc_table *table, int column, pc_arena *arena, pc_column *out,
                        pc_error *err) PC_MUST_CHECK;
/** Puts rows in the order of their slots; rows of one slot stay in their order. */
pc_status pc_table_sort_slots(pc_table *table, pc_error *err) PC_MUST_CHECK;
/** All rows as packed batches, appended to `out`. */
pc_status pc_table_pack(const pc_table *table, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Adds packed batches; every byte is checked. The table copies texts from now on. */
pc_status pc_table_unpack(pc_table *table, pc_span in, pc_error *err) PC_MUST_CHECK;

#endif
