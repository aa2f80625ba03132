/** @file scan_private.h
 *  Between the files of a scan. A scan is a row of stages: the first walks the driving table, each
 *  further one multiplies (or tests) rows by those of another table. A stage makes at most
 *  PC_BATCH_ROWS rows from those of the stage before and is asked again when they are used up.
 */
#ifndef PC_SCAN_PRIVATE_H
#define PC_SCAN_PRIVATE_H
#include "parcours/function.h"
#include "parcours/scan.h"

enum { PC_SCAN_RELATIONS = 64 };

/** Rows of a reference table by one of its columns. */
typedef struct pc_lookup {
    int64_t count;
    const int64_t *value; ///< [count] ascending; NULL: texts
    const pc_span *text;  ///< [count] ascending; NULL: integers
    const int32_t *row;   ///< [count] rows of the reference table
    int64_t low;          ///< of a dense table
    int64_t dense_count;  ///< 0: not dense
    const int32_t *dense; ///< [dense_count + 1] first place of value low + i
    bool is_unique;
    const int32_t *row_of_code;  ///< the row found, or -1, by code of the column that is looked up;
                                 ///< NULL: not codes, or more than one row
    const int32_t *row_of_value; ///< [dense_count] the same by value - low
} pc_lookup;

/** Rows being worked on: for each relation that is attached, a row of its table. */
typedef struct pc_rows {
    int count;
    bool is_slice;     ///< of the driving table alone: rows first .. first + count - 1
    int64_t first;     ///< a multiple of 64
    int32_t **row;     ///< [relation_count][PC_BATCH_ROWS] -1: none
    int32_t *slot;     ///< [PC_BATCH_ROWS] within the block
    bool *is_attached; ///< [relation_count]
    pc_column *column; ///< [plan columns] gathered so far
    bool *is_gathered; ///< [plan columns]
} pc_rows;

typedef enum pc_step_kind { PC_STEP_ATTACH, PC_STEP_FILTER } pc_step_kind;
typedef struct pc_step {
    pc_step_kind kind;
    int relation;          ///< ATTACH
    const pc_expr *filter; ///< FILTER
} pc_step;

typedef struct pc_stage {
    int relation; ///< that drives or multiplies
    int step_count;
    pc_step *step;
    pc_rows rows; ///< what it made
    // Where it stands in the rows of the stage before (or in the driving table).
    // The first filter of the driving table runs before its rows are handed out: what it leaves.
    const pc_expr *first; ///< NULL: there is none
    bool first_sees_rows; ///< it reads more than columns of the table: rows and slots are needed
    int32_t *pending;     ///< [2 * PC_BATCH_ROWS] rows that pass, ascending
    int pending_count;
    int64_t at;        ///< input row (driving table: row)
    int64_t candidate; ///< of the input row: how many were looked at
    bool matched;      ///< the input row found one
    int slot;          ///< driving table: slot of row `at`
} pc_stage;

struct pc_scan {
    pc_arena self; ///< holds all but the scratch
    const pc_catalog *catalog;
    const pc_scan_plan *plan;
    pc_expr_state *state;
    pc_arena scratch; ///< of one batch
    pc_budget *budget;
    pc_lookup *lookup; ///< [relation_count]
    int32_t **by_code; ///< [relation_count] REFERENCE: code of `from` to code of theirs, or NULL
    int zone_count;
    pc_zone *zone;
    int stage_count;
    pc_stage *stage;
    pc_block *block;
    const int32_t **link;  ///< [relation_count] of the block: parent or companion rows
    int32_t **child_first; ///< [relation_count] CHILDREN: first child of each parent row [rows + 1]
    int32_t **child_row;   ///< [relation_count] CHILDREN: children by parent
    pc_arena block_arena;
    const void *nothing; ///< zeros for a batch of wide ids that nobody reads; NULL: not yet
    bool is_done;
    int64_t rows_in, rows_out;
};

/** Builds the look-up of REFERENCE relation `relation`. */
pc_status pc_scan_make_lookup(pc_scan *scan, int relation, pc_error *err) PC_MUST_CHECK;
/** Places of the look-up that are equal to a value: from .. to - 1. */
void pc_lookup_find(const pc_lookup *lookup, int64_t value, int64_t *from, int64_t *to);
void pc_lookup_find_text(const pc_lookup *lookup, pc_span text, int64_t *from, int64_t *to);

/** Splits relations and filters into stages and steps. */
pc_status pc_scan_make_stages(pc_scan *scan, pc_error *err) PC_MUST_CHECK;
/** True if the relation can find more than one row, or only tests. */
bool pc_scan_multiplies(const pc_scan *scan, int relation);

/** Gathers the columns that an expression (or everything, NULL) reads, for the rows. */
pc_status pc_scan_gather(pc_scan *scan, pc_rows *rows, const pc_expr *expr,
                         pc_error *err) PC_MUST_CHECK;
/** One column of one relation at rows of it (-1: null). */
pc_status pc_scan_take(pc_scan *scan, pc_rows *rows, int relation, int column, pc_column *out,
                       pc_error *err) PC_MUST_CHECK;
/** Keeps some rows; gathered columns are forgotten. */
void pc_rows_keep(const pc_scan *scan, pc_rows *rows, const int *row, int row_count);
/** Forgets gathered columns. */
void pc_rows_changed(const pc_scan *scan, pc_rows *rows);

/** Attaches a relation that finds at most one row. */
pc_status pc_scan_attach(pc_scan *scan, pc_rows *rows, int relation, pc_error *err) PC_MUST_CHECK;
/** Makes the next rows of a multiplying stage from those of `in`, from where it stands; there may
 *  be none although `in` is not used up. */
pc_status pc_scan_multiply(pc_scan *scan, pc_stage *stage, pc_rows *in,
                           pc_error *err) PC_MUST_CHECK;
/** Prepares parents' and children's links of the block when they are first asked for. */
pc_status pc_scan_link(pc_scan *scan, int relation, pc_error *err) PC_MUST_CHECK;

static inline const pc_model_table *pc_scan_table(const pc_scan *scan, int relation)
{
    return &scan->catalog->model->table[scan->plan->relation[relation].table];
}

static inline bool pc_scan_is_reference(const pc_scan *scan, int relation)
{
    return pc_scan_table(scan, relation)->path == PC_PATH_NONE;
}

#endif
