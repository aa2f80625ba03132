/** @file parcours/expr.h
 *  Expressions over the columns of a batch: typed trees, evaluated a batch at a time, with
 *  PostgreSQL's meaning (three-valued logic, exact integers and decimals or a named error).
 */
#ifndef PC_EXPR_H
#define PC_EXPR_H
#include "parcours/batch.h"

/** A constant. */
typedef struct pc_value {
    pc_type type; ///< PC_NONE: an untyped null
    bool is_null;
    uint8_t scale;
    int64_t integer; ///< BOOL, INT, DECIMAL, DATE
    double real;     ///< FLOAT
    pc_span text;    ///< CODE, TEXT, ID
} pc_value;

typedef struct pc_expr pc_expr;
typedef struct pc_function pc_function; ///< a scalar function or operator for given argument types

typedef enum pc_expr_kind {
    PC_EXPR_COLUMN,
    PC_EXPR_CONSTANT,
    PC_EXPR_CALL,
    PC_EXPR_LATER ///< a constant that is not known yet: a subquery's value. It is one when rows
                  ///< come
} pc_expr_kind;

/** A node. Owned by the arena of whoever built it; constant after that. */
struct pc_expr {
    pc_expr_kind kind;
    pc_type type;                ///< of its value
    uint8_t scale;               ///< of PC_DECIMAL
    uint8_t width;               ///< of PC_ID
    int position;                ///< character in the SQL text from 1, for errors; 0: none
    int column;                  ///< COLUMN: index in the batch
    pc_value constant;           ///< CONSTANT
    const pc_function *function; ///< CALL
    int arg_count;
    const pc_expr *const *arg;
    const void *extra; ///< CALL: what the function was given at binding (a code set, an IN list);
                       ///< COLUMN of PC_KEY: which key it is
};

/** What evaluation needs besides the tree: caches per dictionary, new texts. One per thread of
 *  execution; reused from batch to batch. Results are kept per distinct code of a dictionary, so a
 *  dictionary of more than PC_EXPR_CHECKED_TEXTS texts must keep its texts at its address for the
 *  life of the state (more may be added); smaller ones are compared by content at each batch. */
enum { PC_EXPR_CHECKED_TEXTS = 4096 };
typedef struct pc_expr_state pc_expr_state;
pc_status pc_expr_state_new(pc_arena *arena, pc_budget *budget, pc_expr_state **out,
                            pc_error *err) PC_MUST_CHECK;
/** Promises that every dictionary of the batches keeps its address and its texts for the life of
 * the state (more may be added): then small ones are not compared either. */
void pc_expr_state_trust_dicts(pc_expr_state *state);
void pc_expr_state_free(pc_expr_state *state);

/** Values of `expr` for every row. `out` points into `scratch`, into the batch, or (texts) into
 *  dictionaries of `state`. Integers come in 8 bytes unless passed through from the batch. Local.
 *  @return PC_BAD_INPUT for division by zero, overflow, a bad cast: with the position, no value */
pc_status pc_expr_eval(const pc_expr *expr, const pc_batch *batch, pc_expr_state *state,
                       pc_arena *scratch, pc_column *out, pc_error *err) PC_MUST_CHECK;
/** Rows for which the boolean `expr` is true: `row` [batch->row_count] gets `*row_count` indices.
 */
pc_status pc_expr_filter(const pc_expr *expr, const pc_batch *batch, pc_expr_state *state,
                         pc_arena *scratch, int *row, int *row_count, pc_error *err) PC_MUST_CHECK;
/** True when an evaluation can end in an error of a row: division by zero, overflow, a cast. */
bool pc_expr_can_fail(const pc_expr *expr);
/** The one column that an expression reads; -1: none, or more than one. */
int pc_expr_only_column(const pc_expr *expr);
/** Marks the batch columns that an expression reads: `used[column] = true`. */
void pc_expr_columns(const pc_expr *expr, bool *used);
/** Writes the expression as text, for explain. */
pc_status pc_expr_print(const pc_expr *expr, const pc_schema *schema, pc_buffer *out,
                        pc_error *err) PC_MUST_CHECK;
/** If `expr` can only be true when `low <= column <= high` (stored integers, dictionary codes
 *  included): true and the range. For zone maps. */
bool pc_expr_range(const pc_expr *expr, const pc_batch *like, int column, int64_t *low,
                   int64_t *high);

/** A set of codes of one or several systems, as `in_codes` and `codes` ask. Opaque. */
typedef struct pc_code_set pc_code_set;

/** One line of a set: "E11", "=E11", "C00-C97" of a system (docs/study.md, codes). */
typedef struct pc_code_pattern {
    int system; ///< of the model
    bool is_prefix_system;
    bool is_except;    ///< taken away after all others
    bool exact;        ///< written with '='
    bool is_mapped;    ///< of a tree, written with '~': also what maps to it
    pc_span low, high; ///< high empty: one code; else the range of beginnings
} pc_code_pattern;

pc_status pc_code_set_make(const pc_code_pattern *pattern, int pattern_count, pc_arena *arena,
                           pc_code_set **out, pc_error *err) PC_MUST_CHECK;
/** Is a code of `system` in the set. Compared after trimming. */
bool pc_code_set_has(const pc_code_set *set, int system, pc_span code);
/** The set as a bitmap over a dictionary ([ (count+63)/64 ] words, in `arena`). */
pc_status pc_code_set_bitmap(const pc_code_set *set, int system, const pc_dict *dict,
                             pc_arena *arena, uint64_t **bitmap, pc_error *err) PC_MUST_CHECK;
/** Codes of a sorted dictionary outside of `*low` to `*high` are not in the set (low > high: none
 *  is). Cost: a search a pattern. Local. */
void pc_code_set_span(const pc_code_set *set, int system, const pc_dict *dict, int64_t *low,
                      int64_t *high);

#endif
