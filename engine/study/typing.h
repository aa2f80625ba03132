/** @file typing.h
 *  The columns of every timeline and the bound SQL of every definition: what `check` needs of a
 *  model, and what nodes are made from.
 */
#ifndef PC_TYPING_H
#define PC_TYPING_H
#include "record.h"
#include "study_read.h"

/** The bound parts of a condition or measure; columns are of the schemas of anchor and timeline. */
typedef struct pc_bound {
    pc_record_sql sql;                     ///< of `where` and `take`, over the anchor
    int *same_here, *same_there;           ///< [same.count]
    int *different_here, *different_there; ///< [different.count]
    int distinct;                          ///< column of the timeline, or -1
    int take;                              ///< column of the timeline, or -1: days
    int result;                            ///< column of the anchor that a measure fills, or -1
    pc_type type;                          ///< of the result
    uint8_t scale;                         ///< of the result
} pc_bound;

/** A timeline whose columns are known. */
typedef struct pc_typed {
    pc_record_schema in;  ///< of what `from` gives; no columns for tables and given timelines
    pc_record_schema out; ///< of the finished records
    int *from_in;         ///< [out.count] column of `in` that is taken over, or -1
    pc_record_sql where;  ///< over `in`; these five for timelines only
    pc_record_sql code, value, start, end;
    pc_record_sql *keep;  ///< [keep_count]
    int *keep_column;     ///< [keep_count] columns of `out`
    pc_record_sql having; ///< over `out`
    int *group;           ///< [group.count] columns of `out`
    int *per;             ///< [per.count]
    int family, records;  ///< columns of `out`, or -1
    pc_record_sql supply; ///< of an exposure, over `in`
    int *per_in;          ///< [per.count] of an exposure: columns of `in`
    int supplied;         ///< of an exposure: column of `out`
    int exit_reason;      ///< of a cohort: column of `out`, or -1
    int role, set_id;     ///< of sets: columns of `out`
} pc_typed;

/** A study with a catalogue to bind its SQL. */
typedef struct pc_typing {
    pc_loader loader;
    const pc_catalog *catalog;
} pc_typing;

/** Types every timeline of the study file and all that it reaches, then the statistics. Problems
 *  are noted. */
pc_status pc_study_type(pc_typing *typing, pc_error *err) PC_MUST_CHECK;

// Parts that typing_span.c and typing_statistic.c share.
/** Finds the columns of a timeline and of all that it is made from, unless it was done. */
pc_status pc_type_def(pc_typing *typing, pc_def *def) PC_MUST_CHECK;
/** The highest class of what SQL over records reads. */
pc_class pc_type_class(const pc_study *study, const pc_record_schema *schema,
                       const pc_record_sql *sql);
/** Plans the text of a statistic `sql`. */
pc_status pc_type_query(pc_typing *typing, pc_statistic *statistic) PC_MUST_CHECK;
pc_status pc_type_export(pc_typing *typing, pc_export *one) PC_MUST_CHECK;
/** The columns of sets, and what cases and controls are compared by. */
pc_status pc_type_match(pc_loader *loader, pc_def *def) PC_MUST_CHECK;
pc_status pc_type_statistic(pc_typing *typing, pc_statistic *statistic) PC_MUST_CHECK;
pc_status pc_type_columns(pc_loader *loader, const pc_record_schema *schema, const pc_names *names,
                          const char *path, const char *key, int **out) PC_MUST_CHECK;
pc_status pc_type_sql(pc_loader *loader, const pc_doc *doc, const pc_record_schema *schema,
                      const pc_sql_text *text, pc_type wanted, pc_record_sql *out) PC_MUST_CHECK;
bool pc_record_is_text(pc_type type);
bool pc_record_is_number(pc_type type);
/** Adds an attribute without type at its place by name, unless it is there. */
void pc_type_add_name(pc_record_schema *schema, const char *name);
/** The columns of an exposure's eras. `typed->in` is there and `typed->out` has its names. */
pc_status pc_type_exposure(pc_loader *loader, pc_def *def) PC_MUST_CHECK;

/** SQL of an event on a table: names of the row scope, code sets of the document. With `record` not
 *  NULL the names are those of the record that the event makes, as expressions of the row. */
typedef struct pc_table_scope {
    pc_scope scope;
    pc_scope *row;
    const pc_doc *doc;
    const pc_record_schema *record;
    const pc_expr *const *column; ///< [record->count] NULL: null
    pc_arena *arena;
} pc_table_scope;
void pc_table_scope_open(pc_table_scope *scope, pc_row_scope *row, const pc_doc *doc,
                         pc_arena *arena);
/** The set of that name as seen from a document, or NULL. */
const pc_code_set *pc_code_set_find(const pc_doc *doc, const char *name);
/** Binds; what is wrong with the SQL is a problem and `*out` NULL. */
pc_status pc_bind_or_tell(pc_loader *loader, pc_scope *scope, const pc_sql_text *text,
                          pc_type wanted, const pc_expr **out);

/** The parts of an event on a table, as expressions of its rows. */
typedef struct pc_table_parts {
    const pc_expr *where; ///< NULL: not given
    const pc_expr *code, *value, *start, *end;
    const pc_expr **keep; ///< [keep_count]
    int code_system;
    pc_class class_of[3]; ///< of code, value, stay
    pc_class *keep_class; ///< [keep_count]
} pc_table_parts;
/** Binds the parts of `def`; those of a column of `out` that `needed` (NULL: all) does not name are
 *  left out. */
pc_status pc_table_bind(pc_loader *loader, const pc_def *def, pc_row_scope *row, const bool *needed,
                        pc_table_parts *out);

#endif
