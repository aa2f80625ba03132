/** @file parcours/plan.h
 *  The one logical plan: a chain (later a tree) of nodes over scans. SQL and studies make it, the
 *  stage loop runs it, explain prints it.
 */
#ifndef PC_PLAN_H
#define PC_PLAN_H
#include "parcours/scan.h"

typedef enum pc_plan_kind {
    PC_PLAN_SCAN,      ///< rows of the shards (or of a reference table)
    PC_PLAN_FILTER,    ///< rows for which a predicate is true
    PC_PLAN_PROJECT,   ///< computed columns
    PC_PLAN_AGGREGATE, ///< one row a group
    PC_PLAN_HIDE,      ///< aggregates of few patients become null
    PC_PLAN_DISTINCT,  ///< each row once
    PC_PLAN_SORT,      ///< in order, at most `limit` rows after `offset`
    PC_PLAN_KIND_COUNT
} pc_plan_kind;

typedef enum pc_aggregate_function {
    PC_COUNT_ROWS,     ///< count(*)
    PC_COUNT,          ///< count(x)
    PC_COUNT_DISTINCT, ///< count(DISTINCT x)
    PC_COUNT_PATIENTS, ///< count(DISTINCT patient): slots among the rows; with `arg` those where it
                       ///< is not null
    PC_SUM,
    PC_AVG,
    PC_MIN,
    PC_MAX
} pc_aggregate_function;

typedef struct pc_aggregate {
    pc_aggregate_function function;
    const pc_expr *arg;    ///< over the input; NULL for COUNT_ROWS and COUNT_PATIENTS
    const pc_expr *filter; ///< FILTER (WHERE ...), or NULL
    pc_field field;        ///< of its result
} pc_aggregate;

typedef struct pc_sort_key {
    int column; ///< of the input
    bool descending;
    bool nulls_first;
} pc_sort_key;

typedef struct pc_plan pc_plan;
struct pc_plan {
    pc_plan_kind kind;
    const pc_plan *input; ///< NULL for a scan
    pc_schema schema;     ///< of its output
    union {
        struct {
            const pc_scan_plan *plan;
            int reference; ///< a reference table in place of shards (model table), or -1
        } scan;
        struct {
            const pc_expr *predicate;
        } filter;
        struct {
            int expr_count;
            const pc_expr *const *expr; ///< [expr_count] over the input
        } project;
        struct {
            int key_count;
            const pc_expr *const *key; ///< over the input; first columns of the output
            int aggregate_count;
            const pc_aggregate *aggregate; ///< the columns after them
        } aggregate;
        struct {
            int first;               ///< of the input: this column and those after it are hidden
            const pc_expr *patients; ///< over the input, never null; the column after all others
            int64_t most;            ///< where 1 to `most` patients stand behind a row
        } hide;
        struct {
            int key_count;
            const pc_sort_key *key; ///< then all columns ascending, nulls last
            int64_t limit;          ///< -1: none
            int64_t offset;
        } sort;
    } of;
};

/** What disclosure control must know of a plan, found when it is made. */
typedef struct pc_plan_traits {
    bool reads_patients;     ///< some patient table is scanned
    bool returns_rows;       ///< rows of patients leave without aggregation
    bool returns_extremes;   ///< a min or max over patients' rows leaves
    bool returns_identifier; ///< a column of class patient, direct_id or professional_id, or a free
                             ///< text, leaves or is grouped by
    bool chooses_patients;   ///< a condition compares a column of class patient or direct_id with a
                             ///< constant: the answer would be about somebody chosen
    const char *why;         ///< the name that made one of them true, or NULL
} pc_plan_traits;

/** A whole query. */
typedef struct pc_query {
    const pc_plan *root;
    const bool *is_cell; ///< [root schema] true: an aggregate (suppressed when small); false: a
                         ///< group's own value
    int visible_count;   ///< columns of the root that are shown: the first ones
    int patients_column; ///< hidden column of the root: patients behind a row; -1: not of patients,
                         ///< or rows of patients
    pc_plan_traits traits;
} pc_query;

/** SQL text to a query. Owned by `arena`. Local.
 *  @param protect  cells of fewer than PC_MIN_PATIENTS patients are null for all that is asked of
 *                  them, and rows with such cells come last where cells decide the order
 *  @return PC_BAD_JOB or PC_UNSUPPORTED with position and name */
pc_status pc_sql_plan(const char *sql, const pc_catalog *catalog, bool protect, pc_arena *arena,
                      const pc_query **out, pc_error *err) PC_MUST_CHECK;
/** The plan as indented text, for explain. */
pc_status pc_plan_print(const pc_plan *plan, const pc_catalog *catalog, pc_buffer *out,
                        pc_error *err) PC_MUST_CHECK;

#endif
