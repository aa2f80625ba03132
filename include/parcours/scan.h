/** @file parcours/scan.h
 *  Rows of a block, as batches: a driving table, rows of other tables attached to each of its rows,
 *  predicates pushed down, columns gathered late. SQL, studies and derived columns all scan so.
 */
#ifndef PC_SCAN_H
#define PC_SCAN_H
#include "parcours/block.h"
#include "parcours/expr.h"
#include "parcours/store.h"

/** How the rows of a relation are found from the row they are attached to. */
typedef enum pc_attach {
    PC_ATTACH_DRIVE,     ///< relation 0: every row of the table
    PC_ATTACH_PERSON,    ///< the PERSON row of the slot: at most one
    PC_ATTACH_PARENT,    ///< the parent row: at most one
    PC_ATTACH_COMPANION, ///< the companion's row of a parent row: at most one
    PC_ATTACH_REFERENCE, ///< the row of a reference table with an equal value: at most one when it
                         ///< is unique there, else all
    PC_ATTACH_PATIENT,   ///< every row of a table in the same slot
    PC_ATTACH_CHILDREN   ///< every row of a table whose parent is the same row (or, between two
                         ///< children of one key, the same parent)
} pc_attach;

/** What becomes of a row that finds none, or some. MARK (joins of a plan, not of a scan): every row
 *  stays, and a column says whether it found one. */
typedef enum pc_join {
    PC_JOIN_INNER,
    PC_JOIN_LEFT,
    PC_JOIN_SEMI,
    PC_JOIN_ANTI,
    PC_JOIN_MARK
} pc_join;

typedef struct pc_scan_relation {
    pc_attach attach;
    pc_join join;
    int table;        ///< of the model
    int from;         ///< relation that it is attached to; -1 for the driving one
    int column;       ///< REFERENCE: column of `from`'s table
    int their_column; ///< REFERENCE: column of `table`
    bool first_only;  ///< REFERENCE: of several equal rows only the first one
    int instead_of;   ///< REFERENCE, first_only: a relation of the same table that is asked before;
                      ///< where it found a row that row counts. 0: none
    const pc_expr *on; ///< further condition over the scan's columns, or NULL
} pc_scan_relation;

/** A column of the batches: of a relation, or a computed one. */
typedef struct pc_scan_column {
    int relation;
    int column; ///< of the model table; or one of the values below
} pc_scan_column;
enum {
    PC_SCAN_PATIENT = -1,    ///< PC_ID of PC_SLOT_TEXT_BYTES: the slot key's text; null for nobody
                             ///< and where the relation has no row
    PC_SCAN_STATUS = -2,     ///< PC_CODE: patient_status
    PC_SCAN_KEY = -3,        ///< PC_KEY of the relation's row as parent: equal for equal parents,
                             ///< different for the parents of different keys
    PC_SCAN_PARENT_KEY = -4, ///< PC_KEY of its parent; null without one
    PC_SCAN_SLOT = -5,       ///< PC_KEY: number of the slot (never null)
    PC_SCAN_IS_PATIENT = -6, ///< PC_BOOL: the slot is a patient and the relation has a row
    PC_SCAN_PATIENT_KEY = -7 ///< PC_KEY: the patient as a number: equal for the rows of one; null
                             ///< where PC_SCAN_PATIENT is
};
enum {
    PC_SCAN_KEY_BITS = 4, ///< of a PC_KEY: which key (all ones: the patient)
    PC_SCAN_ROW_BITS = 24 ///< of a PC_KEY: row of its slot
};
/** The slot that a PC_KEY value of a scan lies in. */
static inline int64_t pc_scan_key_slot(int64_t key)
{
    return (int64_t)((uint64_t)key >> (PC_SCAN_KEY_BITS + PC_SCAN_ROW_BITS));
}

typedef struct pc_scan_plan {
    int relation_count;
    pc_scan_relation *relation; ///< [relation_count]
    int column_count;
    pc_scan_column *column; ///< [column_count]
    pc_field *field;        ///< [column_count] their names and types
    bool *is_read; ///< [column_count] columns that are read of the batches; the others come as
                   ///< nulls, filters see them all the same. NULL: all are read
    int filter_count;
    const pc_expr **filter; ///< [filter_count] conjuncts over the columns
} pc_scan_plan;

/** Marks the columns that the scan reads: `is_read`, of filters, of further conditions. */
void pc_scan_plan_used(const pc_scan_plan *plan, bool *used);

typedef struct pc_scan pc_scan;

/** What a scan resolves names and codes with: a store, or the store being made by an ingest. */
typedef struct pc_catalog {
    const pc_model *model;
    const pc_dict *const *dict;        ///< [model->dict_count]
    const pc_column *const *reference; ///< [model->table_count] columns, NULL: no rows
    const int64_t *reference_count;    ///< [model->table_count]
    const int64_t *row_count; ///< [model->table_count] of tables of patients; NULL: not known
    pc_store *store; ///< that reads the columns of `reference` on demand; NULL: they are there
} pc_catalog;
/** The catalogue of an open store; owned by `arena`. */
pc_status pc_catalog_of_store(pc_store *store, pc_arena *arena, const pc_catalog **out,
                              pc_error *err) PC_MUST_CHECK;
/** A reference table's columns, read the first time that they are asked for. */
pc_status pc_catalog_reference(const pc_catalog *catalog, int table, const pc_column **column,
                               int64_t *row_count, pc_error *err) PC_MUST_CHECK;

/** Prepares a scan; look-up tables of references are made here, once. Local. */
pc_status pc_scan_open(const pc_catalog *catalog, const pc_scan_plan *plan, pc_budget *budget,
                       pc_scan **out, pc_error *err) PC_MUST_CHECK;
void pc_scan_close(pc_scan *scan);
/** Marks the tables that the reader must give: `needed` [model->table_count]. */
void pc_scan_tables(const pc_scan *scan, bool *needed);
/** Begins a block. With `reader` not NULL its chunk directory is asked whether the block can be
 *  skipped. When relation 0 is a reference table `block` is NULL: its rows are those of the
 *  catalogue, read once a call, and batches have no slots. */
pc_status pc_scan_begin(pc_scan *scan, pc_block *block, const pc_reader *reader,
                        pc_error *err) PC_MUST_CHECK;
/** True when the zone maps told pc_scan_begin that no row of the block can pass. */
bool pc_scan_skips(const pc_scan *scan);
/** The next batch (row_count 0: the block is done), valid until the next call. `batch->slot` is
 * set. Rows come in the stored order of the driving table. */
pc_status pc_scan_next(pc_scan *scan, pc_batch *batch, pc_error *err) PC_MUST_CHECK;
/** Rows that came in and went out so far, for explain --analyze. */
void pc_scan_counts(const pc_scan *scan, int64_t *rows_in, int64_t *rows_out);

#endif
