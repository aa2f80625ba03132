/** @file parcours/function.h
 *  The scalar functions and operators that expressions are made of, and how nodes are made. What
 *  binds SQL (engine/sql) and what evaluates it (ops/expr*.c) meet here.
 */
#ifndef PC_FUNCTION_H
#define PC_FUNCTION_H
#include "parcours/expr.h"

/** What a call does. `n` args unless said. Arguments are of one type where two values meet: the
 *  binder casts. Null arguments give null unless said. */
typedef enum pc_function_id {
    PC_FN_AND, ///< n booleans, three-valued
    PC_FN_OR,  ///< n booleans, three-valued
    PC_FN_NOT,
    PC_FN_IS_NULL,      ///< never null
    PC_FN_IS_NOT_NULL,  ///< never null
    PC_FN_IS_TRUE,      ///< never null
    PC_FN_IS_FALSE,     ///< never null
    PC_FN_IS_NOT_TRUE,  ///< never null
    PC_FN_IS_NOT_FALSE, ///< never null
    PC_FN_EQUAL,
    PC_FN_NOT_EQUAL,
    PC_FN_LESS,
    PC_FN_LESS_EQUAL,
    PC_FN_GREATER,
    PC_FN_GREATER_EQUAL,
    PC_FN_DISTINCT,     ///< IS DISTINCT FROM: never null
    PC_FN_NOT_DISTINCT, ///< never null
    PC_FN_IN,           ///< 1 argument; extra: pc_in_list
    PC_FN_LIKE,         ///< 1 argument; extra: pc_like
    PC_FN_LIKE_TEXT,    ///< (text, pattern); extra: pc_like whose pattern is not used
    PC_FN_REGEX,        ///< 1 argument; extra: pc_regex
    PC_FN_IN_CODES,     ///< 1 argument; extra: pc_code_test
    PC_FN_CASE,         ///< condition, value, condition, value ..., else
    PC_FN_COALESCE,     ///< n
    PC_FN_GREATEST,     ///< n; nulls are passed over
    PC_FN_LEAST,        ///< n; nulls are passed over
    PC_FN_ADD,          ///< int, decimal of one scale, float; date + int
    PC_FN_SUBTRACT,     ///< the same; date - int; date - date (int)
    PC_FN_MULTIPLY,     ///< int, float; decimals: scales add up
    PC_FN_DIVIDE,       ///< int (cut towards 0), float
    PC_FN_MODULO,       ///< int, decimals of one scale; sign of the first
    PC_FN_NEGATE,
    PC_FN_ABS,
    PC_FN_SIGN,         ///< int of an int or decimal; float of a float
    PC_FN_ROUND,        ///< decimal to the result's scale, half away from zero; float half to even
    PC_FN_FLOOR,        ///< decimal to scale 0; float
    PC_FN_CEIL,         ///< decimal to scale 0; float
    PC_FN_TRUNC,        ///< decimal to the result's scale, towards 0; float
    PC_FN_POWER,        ///< (float, float)
    PC_FN_SQRT,         ///< float
    PC_FN_CBRT,         ///< float
    PC_FN_EXP,          ///< float
    PC_FN_LN,           ///< float
    PC_FN_LOG10,        ///< float
    PC_FN_BAND,         ///< (int, int): "40-49"
    PC_FN_WIDTH_BUCKET, ///< (x, low, high, int): x, low and high of one type and scale
    PC_FN_CAST,         ///< to the node's type and scale
    PC_FN_FIT, ///< the integer or decimal itself; extra: pc_limits, beyond which it is an error
    PC_FN_DATE_PART,   ///< 1 date; extra: pc_date_part
    PC_FN_DATE_TRUNC,  ///< 1 date; extra: pc_date_part
    PC_FN_AGE_PART,    ///< (date, date); extra: pc_date_part YEAR, MONTH or DAY of age(a, b)
    PC_FN_ADD_MONTHS,  ///< (date, int)
    PC_FN_MAKE_DATE,   ///< (year, month, day)
    PC_FN_AGE_ON,      ///< (birth, day): completed years
    PC_FN_TO_CHAR,     ///< (date, format)
    PC_FN_OVERLAPS,    ///< (start, end, start, end): SQL's rule for halves that are null
    PC_FN_CONCAT,      ///< n texts; nulls are passed over
    PC_FN_JOIN,        ///< a || b
    PC_FN_SUBSTRING,   ///< (text, from[, count]) in characters
    PC_FN_LEFT,        ///< (text, n)
    PC_FN_RIGHT,       ///< (text, n)
    PC_FN_LENGTH,      ///< characters
    PC_FN_LOWER,       ///< ASCII letters
    PC_FN_UPPER,       ///< ASCII letters
    PC_FN_TRIM_BOTH,   ///< (text, characters)
    PC_FN_TRIM_LEFT,   ///< (text, characters)
    PC_FN_TRIM_RIGHT,  ///< (text, characters)
    PC_FN_REPLACE,     ///< (text, from, to)
    PC_FN_POSITION,    ///< (text, part): character from 1, 0: not there
    PC_FN_STARTS_WITH, ///< (text, prefix)
    PC_FN_PAD_LEFT,    ///< (text, length, fill)
    PC_FN_PAD_RIGHT,   ///< (text, length, fill)
    PC_FN_CONCAT_WITH, ///< (separator, n texts); null texts are passed over
    PC_FN_INITCAP,     ///< ASCII letters
    PC_FN_REVERSE,
    PC_FN_REPEAT,       ///< (text, n)
    PC_FN_SPLIT_PART,   ///< (text, separator, n); n < 0 counts from the end
    PC_FN_TRANSLATE,    ///< (text, from, to)
    PC_FN_OVERLAY,      ///< (text, part, from, count)
    PC_FN_OCTET_LENGTH, ///< bytes
    PC_FN_ASCII,        ///< code point of the first character, 0 of ''
    PC_FN_CHR,          ///< the character of a code point
    PC_FN_COUNT
} pc_function_id;

/** Values of an IN list, without nulls. Integers ascending, or texts ascending by bytes. */
typedef struct pc_in_list {
    int64_t count;
    const int64_t *integer; ///< [count] or NULL
    const pc_span *text;    ///< [count] or NULL
    const double *real;     ///< [count] or NULL
    bool has_null;          ///< the list held a null: no match is null
    bool negate;            ///< NOT IN
} pc_in_list;

typedef enum pc_like_kind { PC_LIKE_ANY, PC_LIKE_EXACT, PC_LIKE_PREFIX } pc_like_kind;

/** A LIKE pattern. */
typedef struct pc_like {
    pc_span pattern;   ///< as written
    pc_like_kind kind; ///< EXACT: no wildcard; PREFIX: '%' only at the end
    pc_span fixed;     ///< of EXACT and PREFIX: the text before the wildcard, unescaped
    char escape;       ///< '\0': none
    bool ignore_case;  ///< ILIKE (ASCII letters)
    bool negate;       ///< NOT LIKE
} pc_like;

/** A regular expression, compiled. Opaque. */
typedef struct pc_regex pc_regex;

/** What a whole number or scaled decimal must lie between. */
typedef struct pc_limits {
    int64_t low, high;
    const char *name; ///< of the type, for the error
} pc_limits;

/** What in_codes asks. */
typedef struct pc_code_test {
    const pc_code_set *set;
    int system;       ///< of the argument
    const char *name; ///< of the set, for explain
} pc_code_test;

typedef enum pc_date_part {
    PC_PART_YEAR,
    PC_PART_QUARTER,
    PC_PART_MONTH,
    PC_PART_WEEK, ///< ISO
    PC_PART_DAY,
    PC_PART_DAY_OF_YEAR,
    PC_PART_DAY_OF_WEEK,     ///< Sunday 0
    PC_PART_ISO_DAY_OF_WEEK, ///< Monday 1 .. Sunday 7
    PC_PART_ISO_YEAR,
    PC_PART_DECADE,
    PC_PART_CENTURY,
    PC_PART_MILLENNIUM,
    PC_PART_EPOCH,  ///< seconds since 1970-01-01
    PC_PART_JULIAN, ///< Julian day
    PC_PART_COUNT
} pc_date_part;
/** "year", "quarter" ..., as in extract(). */
const char *pc_date_part_name(pc_date_part part);

const pc_function *pc_function_of(pc_function_id id);
/** As it is written: "=", "substr". */
const char *pc_function_name(pc_function_id id);
pc_function_id pc_function_which(const pc_function *function);

/** A column of the batch. Owned by `arena`, as all nodes. Local. @return PC_NO_MEMORY */
pc_status pc_expr_column(int column, const pc_field *field, int position, pc_arena *arena,
                         const pc_expr **out, pc_error *err) PC_MUST_CHECK;
pc_status pc_expr_constant(const pc_value *value, int position, pc_arena *arena,
                           const pc_expr **out, pc_error *err) PC_MUST_CHECK;

/** What a call is made of. */
typedef struct pc_call {
    pc_function_id id;
    pc_type type;
    uint8_t scale;
    int position;
    int arg_count;
    const pc_expr *const *arg; ///< copied
    const void *extra;         ///< owned by the arena
} pc_call;
/** A call; computed at once when every argument is a constant and it does not fail. */
pc_status pc_expr_call(const pc_call *call, pc_arena *arena, const pc_expr **out,
                       pc_error *err) PC_MUST_CHECK;
/** Compiles a LIKE pattern. @return PC_BAD_JOB: it ends with its escape character */
pc_status pc_like_make(pc_span pattern, char escape, bool ignore_case, bool negate, pc_arena *arena,
                       const pc_like **out, pc_error *err) PC_MUST_CHECK;

/** Compiles a regular expression of PostgreSQL (docs/sql.md, Patterns). `position` of the pattern
 * in it stands in the errors.
 *  @return PC_BAD_JOB: not a regular expression; PC_UNSUPPORTED: one that would match otherwise
 * than in PostgreSQL, named */
pc_status pc_regex_make(pc_span pattern, bool ignore_case, bool negate, pc_arena *arena,
                        const pc_regex **out, pc_error *err) PC_MUST_CHECK;
/** The same from the pattern of SIMILAR TO, which must match the whole text. */
pc_status pc_similar_make(pc_span pattern, char escape, bool negate, pc_arena *arena,
                          const pc_regex **out, pc_error *err) PC_MUST_CHECK;

/** The same tree: kinds, columns, functions, constants, extras. */
bool pc_expr_equal(const pc_expr *a, const pc_expr *b);
/** CODE, TEXT or ID. */
bool pc_type_is_text(pc_type type);
/** The whole numbers that a set holds of a flat system, ascending, when its codes are written as
 *  numbers; `*out` NULL: the set cannot be listed so. */
pc_status pc_code_set_integers(const pc_code_set *set, int system, pc_arena *arena,
                               const int64_t **out, int64_t *count, pc_error *err) PC_MUST_CHECK;

#endif
