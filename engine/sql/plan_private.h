/** @file plan_private.h
 *  Between the files of the planner: a SELECT of one level to a chain of plan nodes.
 *  plan_from.c reads the tables and finds how they are joined; plan_scope.c gives names their
 *  meaning; plan_group.c and plan_select.c make aggregates, outputs and order; plan.c is the whole.
 */
#ifndef PC_PLAN_PRIVATE_H
#define PC_PLAN_PRIVATE_H
#include "parcours/plan.h"
#include "sql_private.h"

enum {
    PC_SQL_SOURCES = 16,    // tables of one query
    PC_SQL_CONJUNCTS = 256, // conditions joined by AND
    PC_SQL_OUTPUTS = 1024,  // columns of a result, hidden ones included
    PC_SQL_AGGREGATE =
        1 << 20 // column numbers from here on mean aggregates, until the group is made
};

/** A table of FROM. */
typedef struct pc_sql_source {
    const char *alias; ///< or the table's name
    int table;
    int location;
    bool is_left; ///< LEFT JOIN: its rows may be missing
    int relation; ///< of the scan plan; -1: not attached yet
} pc_sql_source;

/** A column of a source: of the model (>= 0) or PC_SCAN_... */
typedef struct pc_sql_place {
    int source;
    int column;
} pc_sql_place;

/** A condition of WHERE, ON or USING. */
typedef struct pc_sql_conjunct {
    const cJSON *node; ///< NULL: of USING
    int owner;         ///< source of the LEFT JOIN that it belongs to; -1: none
    bool is_equality;  ///< of two columns: left and right
    pc_sql_place left, right;
    bool is_used; ///< the join itself stands for it
    int location;
} pc_sql_conjunct;

typedef struct pc_sql_planner {
    pc_binder binder;
    pc_scope scope;
    const pc_catalog *catalog;
    bool protect; ///< small cells are hidden from what is behind the aggregation
    pc_arena *arena;
    pc_error *err;
    int source_count;
    pc_sql_source source[PC_SQL_SOURCES];
    int conjunct_count;
    pc_sql_conjunct *conjunct; ///< [PC_SQL_CONJUNCTS]
    int using_count;
    const char *using_name[PC_SQL_CONJUNCTS]; ///< columns that USING made one
    pc_scan_plan *plan;
    int column_room, filter_room;
    pc_plan_traits traits;
    // Aggregates.
    bool is_grouped;   ///< GROUP BY, HAVING, DISTINCT or an aggregate somewhere
    bool in_aggregate; ///< an argument is being bound
    int aggregate_count;
    pc_aggregate *aggregate; ///< [PC_SQL_OUTPUTS]
    int key_count;
    const pc_expr **key; ///< [PC_SQL_OUTPUTS]
    // Outputs: the visible ones, then those that ORDER BY and the gate need.
    int output_count;
    const pc_expr **output; ///< [PC_SQL_OUTPUTS] over the scan (before grouping)
    pc_field *field;        ///< [PC_SQL_OUTPUTS]
    bool *is_cell;          ///< [PC_SQL_OUTPUTS]
    int visible_count;
} pc_sql_planner;

/** Reads FROM and WHERE, chooses the driving table, makes the scan plan. */
pc_status pc_sql_plan_from(pc_sql_planner *p, const cJSON *select) PC_MUST_CHECK;
/** Finds a name: `out->source` -1: not known. */
pc_status pc_sql_resolve(pc_sql_planner *p, const char *qualifier, const char *name,
                         pc_sql_place *out, pc_error *err) PC_MUST_CHECK;
void pc_sql_open_scope(pc_sql_planner *p);
/** The scan's column for a place, as an expression. */
pc_status pc_sql_column(pc_sql_planner *p, pc_sql_place place, int position,
                        const pc_expr **out) PC_MUST_CHECK;
pc_status pc_sql_add_filter(pc_sql_planner *p, const pc_expr *filter) PC_MUST_CHECK;
/** True when an expression reads a column that says who somebody is; notes it in the traits. */
void pc_sql_note_identifiers(pc_sql_planner *p, const pc_expr *x);
/** Notes in the traits that a condition chooses patients by an identifier (patient = '...'). */
void pc_sql_note_chosen(pc_sql_planner *p, const pc_expr *x);
const pc_model_table *pc_sql_table(const pc_sql_planner *p, int source);
bool pc_sql_is_patient_table(const pc_sql_planner *p, int source);

/** What an aggregate call becomes while outputs are bound. Of pc_binder. */
pc_status pc_sql_bind_aggregate(pc_binder *b, const cJSON *call, const char *name,
                                const pc_expr **out) PC_MUST_CHECK;
/** An aggregate's column, made new when there is no equal one. */
pc_status pc_sql_add_aggregate(pc_sql_planner *p, const pc_aggregate *made,
                               const pc_expr **out) PC_MUST_CHECK;
/** An expression over the scan as one over keys and aggregates. */
pc_status pc_sql_after_group(pc_sql_planner *p, const pc_expr *x,
                             const pc_expr **out) PC_MUST_CHECK;
bool pc_sql_has_aggregate(const pc_expr *x);
/** Outputs, GROUP BY, HAVING, ORDER BY, LIMIT: the nodes above the scan. */
pc_status pc_sql_plan_select(pc_sql_planner *p, const cJSON *select, const pc_plan *scan,
                             pc_query *out) PC_MUST_CHECK;
/** The patients behind a group's cells, as a hidden aggregate expression. */
pc_status pc_sql_patients(pc_sql_planner *p, const pc_expr **out) PC_MUST_CHECK;

#endif
