/** @file sql_call.h
 *  A function call being bound, between bind_function.c and the files of families of functions.
 */
#ifndef PC_SQL_CALL_H
#define PC_SQL_CALL_H
#include "sql_private.h"

enum { PC_SQL_ARGUMENTS = 64 }; // of one call

typedef struct pc_sql_call {
    pc_binder *b;
    const char *name;
    const cJSON *body;
    int location;
    int position;
    int count;
    const pc_expr *arg[PC_SQL_ARGUMENTS]; ///< untyped literals included
} pc_sql_call;

/** "name: expected ...". */
pc_status pc_call_wrong(const pc_sql_call *c, const char *expected) PC_MUST_CHECK;
/** The call of a function with the arguments as they are now. */
pc_status pc_call_make(const pc_sql_call *c, pc_function_id id, pc_type type, uint8_t scale,
                       const void *extra, const pc_expr **out) PC_MUST_CHECK;
/** Argument i as a kind: t text, i int, d date, f float (numbers are widened). */
pc_status pc_call_bring(pc_sql_call *c, int i, char kind) PC_MUST_CHECK;
/** Appends a constant argument. */
pc_status pc_call_append(pc_sql_call *c, const pc_value *value) PC_MUST_CHECK;
/** The type of a text made of the arguments: free text stays free text. */
pc_type pc_call_text(const pc_sql_call *c);

/** Families: `*found` says whether the name is one of theirs. */
/** Parts of dates: before the arguments are bound. */
pc_status pc_bind_date_part(pc_sql_call *c, bool *found, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_date_function(pc_sql_call *c, bool *found, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_number_function(pc_sql_call *c, bool *found, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_regexp_like(pc_sql_call *c, const pc_expr **out) PC_MUST_CHECK;

#endif
