/** @file sql_private.h
 *  Between the files of the SQL front end: the parse tree of libpg_query (JSON, read by cJSON), and
 *  the binder that turns its nodes into typed expressions.
 */
#ifndef PC_SQL_PRIVATE_H
#define PC_SQL_PRIVATE_H
#include <cjson/cJSON.h>
#include "parcours/bind.h"
#include "parcours/function.h"

enum { PC_SQL_NESTED = 400 }; // levels of an expression: what a stack holds with all its checks

enum {
    PC_SQL_LONG_LIST = 1000, // values of an IN list that the parser does not see
    PC_SQL_LISTS = 16        // of them in a text
};
/** A long list of IN: texts in quotes, or numbers. */
typedef struct pc_sql_list {
    pc_span text;  ///< between its brackets, as given by the user
    int64_t count; ///< values
    int location;  ///< of what stands for it, in the text that the parser sees
} pc_sql_list;

/** A parsed text. */
typedef struct pc_sql_text {
    int list_count;
    pc_sql_list list[PC_SQL_LISTS]; ///< [list_count] in order
    const char *text;               ///< as given by the user
    int prefix_bytes;               ///< put in front of it for the parser
    const char *what;               ///< what errors call it
    cJSON *tree;                    ///< owned; freed by pc_sql_text_free
    const cJSON *select;            ///< the one SelectStmt
} pc_sql_text;

/** Parses one SELECT statement, or with `is_expression` one expression.
 *  @return PC_BAD_JOB: syntax, with the character; PC_UNSUPPORTED: another statement */
pc_status pc_sql_text_parse(const char *text, const char *what, bool is_expression,
                            pc_sql_text *out, pc_error *err) PC_MUST_CHECK;
void pc_sql_text_free(pc_sql_text *text);
// Long lists.
/** Appends a text without its long lists to `cut`, which holds the prefix, and notes them. */
pc_status pc_sql_cut_lists(pc_span text, pc_sql_text *out, pc_buffer *cut,
                           pc_error *err) PC_MUST_CHECK;
/** The list that one item of an IN stands for, or NULL. */
const pc_sql_list *pc_sql_find_list(const pc_sql_text *text, const cJSON *items);
/** The next value of a list as it is written, and whether a comma follows; false: none. */
bool pc_sql_next_item(pc_span text, size_t *at, pc_span *item, bool *more);
/** Byte of the user's text of a location of the parse tree. */
int pc_sql_byte(const pc_sql_text *text, int location);
/** Character (from 1) of a byte location of the parse tree; 0: not known. */
int pc_sql_position(const pc_sql_text *text, int location);

/** A binder: one scope, one text. */
typedef struct pc_binder pc_binder;
struct pc_binder {
    pc_scope *scope;
    const pc_sql_text *text;
    pc_arena *arena;
    pc_error *err;
    /** What an aggregate call becomes; NULL: aggregates are refused. */
    pc_status (*aggregate)(pc_binder *b, const cJSON *call, const char *name, const pc_expr **out);
    /** What a call with OVER becomes; NULL: refused. */
    pc_status (*window)(pc_binder *b, const cJSON *call, const char *name, const pc_expr **out);
    /** What EXISTS, IN (SELECT ...) and a SELECT in brackets become; NULL: only IN of a reference
     *  table is offered. */
    pc_status (*subquery)(pc_binder *b, const cJSON *body, const pc_expr **out);
    /** What GROUPING(...) becomes; NULL: refused. */
    pc_status (*grouping)(pc_binder *b, const cJSON *body, const pc_expr **out);
    void *context; ///< of these
    int depth;     ///< of the expression that is being bound
    const cJSON
        *select; ///< the query: where a refusal stands that has no place of its own, or NULL
};

/** "what: character n: sentence". `location` < 0: the first character of the query that the binder
 *  is of; without one no character. */
pc_status pc_bind_fail(pc_binder *b, int location, pc_status status, const char *format, ...)
    PC_PRINTF(4, 5) PC_MUST_CHECK;
/** The same of a name that is not known. @param nearest  that it may be meant for, or NULL */
pc_status pc_bind_unknown(pc_binder *b, int location, pc_status status, const char *nearest,
                          const char *format, ...) PC_PRINTF(5, 6) PC_MUST_CHECK;
/** Binds a node of the parse tree. The result may be an untyped literal (pc_is_literal). */
pc_status pc_bind_node(pc_binder *b, const cJSON *node, const pc_expr **out) PC_MUST_CHECK;
/** The same with a type: untyped literals become text. */
pc_status pc_bind_typed(pc_binder *b, const cJSON *node, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_bool(pc_binder *b, const cJSON *node, const pc_expr **out) PC_MUST_CHECK;

// Parse tree.
/** The one member of a node: its kind is `->string`. */
const cJSON *pc_node_body(const cJSON *node);
bool pc_node_is(const cJSON *node, const char *kind);
const cJSON *pc_node_get(const cJSON *body, const char *key);
/** A text member, or NULL. */
const char *pc_node_text(const cJSON *body, const char *key);
/** A number member, 0 when absent (the parser leaves zeros out). */
int pc_node_int(const cJSON *body, const char *key);
bool pc_node_bool(const cJSON *body, const char *key);
/** The first location in a subtree (of itself first). */
int pc_node_location(const cJSON *node);
/** The least location below a node, or -1. As deep as the tree. */
int pc_node_leftmost(const cJSON *node);
/** The text of a {"String":{"sval":...}} node, or NULL. */
const char *pc_node_string(const cJSON *node);
/** The last part of a list of names ("pg_catalog", "substring"), or NULL. */
const char *pc_node_name(const cJSON *list);

// Types.
/** A literal in quotes, whose type the other side decides. */
bool pc_is_literal(const pc_expr *x);
/** NULL without a type. */
bool pc_is_bare_null(const pc_expr *x);
/** The type that all can be brought to as PostgreSQL does. PC_BAD_JOB: there is none. */
pc_status pc_common_type(pc_binder *b, const pc_expr *const *x, int count, int location,
                         const char *where, pc_type *type, uint8_t *scale) PC_MUST_CHECK;
/** Brings a value to a type (implicitly): literals are read, numbers widened. */
pc_status pc_bring_to(pc_binder *b, const pc_expr *x, pc_type type, uint8_t scale,
                      const pc_expr **out) PC_MUST_CHECK;
/** CAST(x AS type). */
pc_status pc_cast_to(pc_binder *b, const pc_expr *x, pc_type type, uint8_t scale, int position,
                     const pc_expr **out) PC_MUST_CHECK;
/** A whole or decimal number of at most 18 digits. */
bool pc_read_number(pc_span text, pc_value *out);
/** A number or quoted text as written. */
pc_status pc_bind_literal(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_cast(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
/** True if the node is INTERVAL '...'. */
bool pc_is_interval(const cJSON *node);
/** Months and days of an interval literal. */
pc_status pc_read_interval(pc_binder *b, const cJSON *node, int *months, int *days) PC_MUST_CHECK;
/** One-line calls. */
pc_status pc_make_call(pc_binder *b, pc_function_id id, pc_type type, uint8_t scale, int position,
                       const pc_expr *const *arg, int arg_count, const void *extra,
                       const pc_expr **out) PC_MUST_CHECK;
pc_status pc_make_int(pc_binder *b, int64_t value, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_make_compare(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                          int position, int location, const pc_expr **out) PC_MUST_CHECK;

// Operators, functions, lists.
pc_status pc_bind_operator(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_function(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_in_list(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_in_select(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
/** x IN (items), or NOT IN. */
pc_status pc_bind_in_items(pc_binder *b, const cJSON *left, const cJSON *items, bool negate,
                           int location, const pc_expr **out) PC_MUST_CHECK;
/** x op ANY (ARRAY[...]), or ALL. */
pc_status pc_bind_any(pc_binder *b, const cJSON *body, bool is_all,
                      const pc_expr **out) PC_MUST_CHECK;
/** (a, b) compared with (c, d). */
pc_status pc_bind_rows(pc_binder *b, pc_function_id id, const cJSON *left, const cJSON *right,
                       int location, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_rows_in(pc_binder *b, const cJSON *row, const cJSON *items, bool negate,
                          int location, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_row_null_test(pc_binder *b, const cJSON *row, bool is_null,
                                const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_like(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_bind_similar(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
/** ~~ ~~* ~ ~* (each also with !) and ^@. */
bool pc_is_pattern_operator(const char *name);
pc_status pc_make_match(pc_binder *b, const char *name, const pc_expr *x, const pc_expr *pattern,
                        int location, const pc_expr **out) PC_MUST_CHECK;
/** Any binary operator over bound values. */
pc_status pc_make_binary(pc_binder *b, const char *name, const pc_expr *x, const pc_expr *y,
                         int location, const pc_expr **out) PC_MUST_CHECK;
pc_status pc_make_distinct(pc_binder *b, pc_function_id id, const pc_expr *x, const pc_expr *y,
                           int location, const pc_expr **out) PC_MUST_CHECK;
/** An IN list of constants of one type over `x`. */
pc_status pc_make_in(pc_binder *b, const pc_expr *x, const pc_value *value, int64_t count,
                     bool negate, int position, const pc_expr **out) PC_MUST_CHECK;
/** count, sum, avg, min, max ...: a name that is an aggregate of PostgreSQL. */
bool pc_is_aggregate_name(const char *name);
/** The function of the dialect whose name is nearest, or NULL. */
const char *pc_nearest_function(const char *name);
/** Refuses clauses of a SELECT other than those named; names the first one found. */
pc_status pc_refuse_clauses(pc_binder *b, const cJSON *select,
                            const char *const *allowed) PC_MUST_CHECK;

#endif
