/** @file parcours/bind.h
 *  SQL text to typed expressions: names are resolved in a scope. Parsed by libpg_query, so that the
 *  syntax is PostgreSQL's own.
 */
#ifndef PC_BIND_H
#define PC_BIND_H
#include "parcours/scan.h"

/** What names mean. Functions get the names as written (PostgreSQL folds unquoted ones to lower
 *  case; match without regard to case). */
typedef struct pc_scope pc_scope;
struct pc_scope {
    void *context;
    /** The expression of [qualifier.]name, or `*out` NULL: not known here. An ambiguous name is an
     *  error. `qualifier` NULL: none. */
    pc_status (*column)(pc_scope *scope, const char *qualifier, const char *name, int position,
                        const pc_expr **out, pc_error *err);
    /** Names for "nearest known name": fills up to `capacity`, returns how many there are. */
    int (*names)(pc_scope *scope, const char **name, int capacity);
    /** A code set for in_codes(x, 'set'); NULL pointer: the scope has none. */
    const pc_code_set *(*codes)(pc_scope *scope, const char *name);
    /** The code system of an expression's column, or -1. NULL pointer: systems are not known. */
    int (*system)(pc_scope *scope, const pc_expr *column);
    const pc_catalog *catalog; ///< for `x IN (SELECT c FROM reference_table WHERE ...)`, or NULL
};

/** One scalar expression from SQL text: no aggregate, window or subquery (but the IN above).
 *  Functions beside PostgreSQL's: in_codes(x, 'set'), band(x, n), age_on(d) (needs birth_date in
 *  scope), year(d), month(d), week(d).
 *  @param what    what errors call the text ("events.a.where")
 *  @param wanted  type that it must have or be cast to without loss (PC_BOOL for predicates);
 *                 PC_NONE: any
 *  @return PC_BAD_JOB (syntax, unknown name with the nearest, type) or PC_UNSUPPORTED, each with
 *          `what`, position (character, from 1) and the name */
pc_status pc_bind_expr(pc_scope *scope, const char *sql, const char *what, pc_type wanted,
                       pc_arena *arena, const pc_expr **out, pc_error *err) PC_MUST_CHECK;

/** The scope of a row of a model table as rules and events see it: its own columns, those of rows
 *  it points to (parent, companion, references, the parent's references: the nearest wins, a draw
 *  is an error), then the person's, with `age` and `age_in_year` at event_date. It collects the
 *  relations and columns that were used into a scan plan. */
typedef struct pc_row_scope pc_row_scope;
pc_status pc_row_scope_open(const pc_catalog *catalog, int table, pc_arena *arena,
                            pc_row_scope **out, pc_error *err) PC_MUST_CHECK;
pc_scope *pc_row_scope_scope(pc_row_scope *scope);
/** Hides a column of the table itself (a rule does not see the column it computes); -1: none. */
void pc_row_scope_hide(pc_row_scope *scope, int column);
/** Adds a column by its place (PC_SCAN_...) and returns its index in the batch. */
pc_status pc_row_scope_add(pc_row_scope *scope, int relation, int column, int *out,
                           pc_error *err) PC_MUST_CHECK;
/** The relation of the episode's parent row (the table's own_key or parent_key), or -1: for `stay`.
 */
pc_status pc_row_scope_episode(pc_row_scope *scope, int *relation, int *column,
                               pc_error *err) PC_MUST_CHECK;
/** Adds a conjunct. */
pc_status pc_row_scope_filter(pc_row_scope *scope, const pc_expr *filter,
                              pc_error *err) PC_MUST_CHECK;
/** The plan so far; later additions show in it. */
pc_scan_plan *pc_row_scope_plan(pc_row_scope *scope);

/** The scope of some named columns (records of a timeline, results of an aggregation): column i of
 *  the batch is field i. */
pc_scope *pc_schema_scope(const pc_schema *schema, const pc_catalog *catalog, pc_arena *arena,
                          pc_error *err);

#endif
