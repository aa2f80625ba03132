/** @file expr_private.h
 *  Between the files of expression evaluation. See ops/README.md.
 */
#ifndef PC_EXPR_PRIVATE_H
#define PC_EXPR_PRIVATE_H
#include "parcours/function.h"

typedef struct pc_expr_node pc_expr_node;

/** One evaluation over one batch. */
typedef struct pc_eval {
    const pc_batch *batch;
    pc_expr_state *state;
    pc_arena *scratch;
    const pc_expr *truth_of; ///< whose nulls may be given as false, or NULL
    bool plain; ///< true: row by row, no look-up per dictionary code (the rows are codes already)
    pc_error *err;
} pc_eval;

/** Values of a node: a column of the batch's rows, or one constant for all of them. */
typedef struct pc_vector {
    bool is_constant;
    pc_column column;         ///< when not constant
    const pc_value *constant; ///< when constant
} pc_vector;

/** One value on its way through a function that works row by row. */
typedef struct pc_cell {
    bool is_null;
    int64_t integer;
    double real;
    pc_span text;
} pc_cell;

typedef pc_status (*pc_vector_function)(pc_eval *e, const pc_expr *x, pc_vector *out);
typedef pc_status (*pc_cell_function)(pc_eval *e, const pc_expr *x, const pc_cell *arg,
                                      pc_cell *out);

/** How a call is written by pc_expr_print. */
typedef enum pc_print_form { PC_PRINT_CALL, PC_PRINT_INFIX, PC_PRINT_BEHIND } pc_print_form;

struct pc_function {
    const char *name;
    pc_print_form form;
    bool can_fail;   ///< an evaluation can end in an error (or any cast to that)
    bool sees_nulls; ///< of `cell`: called for null arguments too
    pc_vector_function vector;
    pc_cell_function cell; ///< when `vector` is NULL, or what `vector` falls back on
};

/** A node's cache in the state: results per code of the dictionary of its one text column. */
struct pc_expr_node {
    const pc_expr *expr;
    bool can_fail;
    int text_column;      ///< the only column it reads, of type CODE or TEXT; else -1
    pc_dict_mark dict;    ///< that the cache is of
    uint32_t texts;       ///< of `dict` when it was last looked at
    uint64_t fingerprint; ///< of those texts
    uint32_t known_count;
    int64_t rows; ///< that were searched for unknown codes
    bool null_is_known;
    bool has_null_result;
    int range_count;           ///< of a set of codes: it is these ranges of codes; 0: not so few
    uint32_t low[2], width[2]; ///< [range_count] first code, and how many follow it
    pc_buffer known;        ///< uint8_t [texts + 1]: 0 not yet, 1 value, 2 null; the last: of null
    pc_buffer value;        ///< [texts + 1] uint8_t of BOOL, uint32_t of texts, else 8 bytes
    pc_dict_builder *words; ///< texts that the node made
    pc_buffer day;          ///< int64 results by day, from `first_day` on (expr_date.c)
    int64_t first_day;
};

struct pc_expr_state {
    pc_arena *arena;
    pc_budget *budget;
    pc_buffer table; ///< pc_expr_node * [a power of two], open addressing by the tree's address
    size_t count;
    bool has_stable_dicts; ///< a dictionary is known by its address
    pc_buffer text;        ///< a text being made
};

pc_status pc_eval_node(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_state_node(pc_expr_state *state, const pc_expr *x, pc_expr_node **out,
                        pc_error *err) PC_MUST_CHECK;
/** Evaluates by looking each dictionary code up in the node's cache. */
pc_status pc_eval_by_code(pc_eval *e, const pc_expr *x, pc_expr_node *node,
                          pc_vector *out) PC_MUST_CHECK;
/** Evaluates `x->function->cell` for each row. */
pc_status pc_eval_cells(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
/** Runs a node over some rows of the batch only. */
pc_status pc_eval_rows(pc_eval *e, const pc_expr *x, const int *row, int row_count,
                       pc_vector *out) PC_MUST_CHECK;

// Reading vectors.
bool pc_vector_is_null(const pc_vector *v, int row);
pc_cell pc_vector_cell(const pc_vector *v, int row);
pc_status pc_vector_int64(pc_eval *e, const pc_vector *v, const int64_t **out) PC_MUST_CHECK;
pc_status pc_vector_double(pc_eval *e, const pc_vector *v, const double **out) PC_MUST_CHECK;
/** Rows where both are not null: NULL when all are. */
pc_status pc_vector_both(pc_eval *e, const pc_vector *a, const pc_vector *b,
                         const uint64_t **out) PC_MUST_CHECK;

// Making vectors.
void pc_vector_null(const pc_expr *x, pc_vector *out);
void *pc_eval_array(pc_eval *e, size_t element_bytes);
uint64_t *pc_eval_bits(pc_eval *e);
/** An output column being filled row by row. */
typedef struct pc_filler {
    pc_expr_node *node; ///< of text results
    pc_type type;
    uint8_t *bits8;
    int64_t *bits64;
    double *real;
    uint32_t *word;
    uint64_t *valid;
} pc_filler;
pc_status pc_filler_begin(pc_eval *e, const pc_expr *x, pc_filler *out) PC_MUST_CHECK;
pc_status pc_filler_put(pc_eval *e, pc_filler *f, int row, const pc_cell *cell) PC_MUST_CHECK;
/** The values of a vector [count] at as many rows, which ascend. */
pc_status pc_filler_scatter(pc_eval *e, pc_filler *f, const int *row, int count,
                            const pc_vector *v) PC_MUST_CHECK;
void pc_filler_end(pc_eval *e, const pc_filler *f, const pc_expr *x, pc_vector *out);

// Numbers (expr_round.c).
int64_t pc_power_of_ten(int n);
/** To fewer digits, half away from zero. */
int64_t pc_round_scaled(int64_t value, int64_t divisor);
/** A double as the node's integer or decimal, made whole by `how`. */
pc_status pc_real_to_scaled(pc_eval *e, const pc_expr *x, double value, double (*how)(double),
                            pc_cell *out) PC_MUST_CHECK;

// Texts, in characters (expr_text.c).
/** Bytes of the first character, 1 where it is none; `text` is not empty. */
size_t pc_text_step(pc_span text);
int64_t pc_text_characters(pc_span text);
/** `count` characters behind the first `from`. */
pc_span pc_text_part(pc_span text, int64_t from, int64_t count);
/** Where `wanted` begins, in bytes, or SIZE_MAX. */
size_t pc_text_find(pc_span text, pc_span wanted);

// Regular expressions, for printing and comparing (expr_regex.c).
pc_span pc_regex_pattern(const pc_regex *regex);
const char *pc_regex_operator(const pc_regex *regex);
bool pc_regex_equal(const pc_regex *a, const pc_regex *b);

/** A failure at run time: the sentence with the position in the SQL text. */
pc_status pc_eval_fail(pc_eval *e, const pc_expr *x, const char *what) PC_MUST_CHECK;

/** The stored integers for which a comparison of a column with constants is true: low to high, or
 *  all but those. False: not of that form. */
typedef struct pc_code_range {
    int64_t low, high;
    bool outside; ///< true: what lies outside of low .. high
} pc_code_range;
bool pc_range_of(const pc_expr *x, const pc_dict *dict, pc_code_range *out);

// Kernels by file: expr_logic.c, expr_compare.c, expr_number.c, expr_date.c, expr_text.c.
pc_status pc_eval_and(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_not(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_null_test(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_truth_test(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_case(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_coalesce(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_compare(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_like(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_in(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_arithmetic(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_band(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_cast(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
pc_status pc_eval_date_part(pc_eval *e, const pc_expr *x, pc_vector *out) PC_MUST_CHECK;
int pc_cell_compare(pc_type type, const pc_cell *a, const pc_cell *b);
int64_t pc_date_part_of(pc_date_part part, int32_t day);

pc_status pc_cell_distinct(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_like(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_like_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_regex(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_in_codes(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_extreme(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_number(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_real(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_width_bucket(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_fit(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_band(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_cast(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_date(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_to_char(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_overlaps(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_part_of_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_trim(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_made_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);
pc_status pc_cell_measured_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out);

#endif
