/** The table of functions, and how nodes are made, compared and printed. */
#include <assert.h>
#include <string.h>
#include "expr_private.h"

// clang-format off
static const pc_function functions[PC_FN_COUNT] = {
    //                      name                form             fails  nulls  vector               cell
    [PC_FN_AND]           = {"AND",             PC_PRINT_INFIX,  false, false, pc_eval_and,         NULL},
    [PC_FN_OR]            = {"OR",              PC_PRINT_INFIX,  false, false, pc_eval_and,         NULL},
    [PC_FN_NOT]           = {"NOT",             PC_PRINT_CALL,   false, false, pc_eval_not,         NULL},
    [PC_FN_IS_NULL]       = {"IS NULL",         PC_PRINT_BEHIND, false, false, pc_eval_null_test,   NULL},
    [PC_FN_IS_NOT_NULL]   = {"IS NOT NULL",     PC_PRINT_BEHIND, false, false, pc_eval_null_test,   NULL},
    [PC_FN_IS_TRUE]       = {"IS TRUE",         PC_PRINT_BEHIND, false, false, pc_eval_truth_test,  NULL},
    [PC_FN_IS_FALSE]      = {"IS FALSE",        PC_PRINT_BEHIND, false, false, pc_eval_truth_test,  NULL},
    [PC_FN_IS_NOT_TRUE]   = {"IS NOT TRUE",     PC_PRINT_BEHIND, false, false, pc_eval_truth_test,  NULL},
    [PC_FN_IS_NOT_FALSE]  = {"IS NOT FALSE",    PC_PRINT_BEHIND, false, false, pc_eval_truth_test,  NULL},
    [PC_FN_EQUAL]         = {"=",               PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_NOT_EQUAL]     = {"<>",              PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_LESS]          = {"<",               PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_LESS_EQUAL]    = {"<=",              PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_GREATER]       = {">",               PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_GREATER_EQUAL] = {">=",              PC_PRINT_INFIX,  false, false, pc_eval_compare,     NULL},
    [PC_FN_DISTINCT]      = {"IS DISTINCT FROM", PC_PRINT_INFIX, false, true,  NULL, pc_cell_distinct},
    [PC_FN_NOT_DISTINCT]  = {"IS NOT DISTINCT FROM", PC_PRINT_INFIX, false, true, NULL, pc_cell_distinct},
    [PC_FN_IN]            = {"IN",              PC_PRINT_BEHIND, false, false, pc_eval_in,          NULL},
    [PC_FN_LIKE]          = {"LIKE",            PC_PRINT_BEHIND, false, false, pc_eval_like, pc_cell_like},
    [PC_FN_LIKE_TEXT]     = {"LIKE",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_like_text},
    [PC_FN_REGEX]         = {"~",               PC_PRINT_BEHIND, true,  false, NULL, pc_cell_regex},
    [PC_FN_IN_CODES]      = {"in_codes",        PC_PRINT_CALL,   false, false, NULL, pc_cell_in_codes},
    [PC_FN_CASE]          = {"CASE",            PC_PRINT_CALL,   false, false, pc_eval_case,        NULL},
    [PC_FN_COALESCE]      = {"COALESCE",        PC_PRINT_CALL,   false, false, pc_eval_coalesce,    NULL},
    [PC_FN_GREATEST]      = {"GREATEST",        PC_PRINT_CALL,   false, true,  NULL, pc_cell_extreme},
    [PC_FN_LEAST]         = {"LEAST",           PC_PRINT_CALL,   false, true,  NULL, pc_cell_extreme},
    [PC_FN_ADD]           = {"+",               PC_PRINT_INFIX,  true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_SUBTRACT]      = {"-",               PC_PRINT_INFIX,  true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_MULTIPLY]      = {"*",               PC_PRINT_INFIX,  true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_DIVIDE]        = {"/",               PC_PRINT_INFIX,  true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_MODULO]        = {"%",               PC_PRINT_INFIX,  true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_NEGATE]        = {"-",               PC_PRINT_CALL,   true,  false, pc_eval_arithmetic,  NULL},
    [PC_FN_ABS]           = {"abs",             PC_PRINT_CALL,   true,  false, NULL, pc_cell_number},
    [PC_FN_SIGN]          = {"sign",            PC_PRINT_CALL,   false, false, NULL, pc_cell_number},
    [PC_FN_ROUND]         = {"round",           PC_PRINT_CALL,   true,  false, NULL, pc_cell_number},
    [PC_FN_FLOOR]         = {"floor",           PC_PRINT_CALL,   true,  false, NULL, pc_cell_number},
    [PC_FN_CEIL]          = {"ceil",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_number},
    [PC_FN_BAND]          = {"band",            PC_PRINT_CALL,   true,  false, pc_eval_band, pc_cell_band},
    [PC_FN_TRUNC]         = {"trunc",           PC_PRINT_CALL,   true,  false, NULL, pc_cell_number},
    [PC_FN_POWER]         = {"power",           PC_PRINT_CALL,   true,  false, NULL, pc_cell_real},
    [PC_FN_SQRT]          = {"sqrt",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_real},
    [PC_FN_CBRT]          = {"cbrt",            PC_PRINT_CALL,   false, false, NULL, pc_cell_real},
    [PC_FN_EXP]           = {"exp",             PC_PRINT_CALL,   true,  false, NULL, pc_cell_real},
    [PC_FN_LN]            = {"ln",              PC_PRINT_CALL,   true,  false, NULL, pc_cell_real},
    [PC_FN_LOG10]         = {"log",             PC_PRINT_CALL,   true,  false, NULL, pc_cell_real},
    [PC_FN_WIDTH_BUCKET]  = {"width_bucket",    PC_PRINT_CALL,   true,  false, NULL, pc_cell_width_bucket},
    [PC_FN_FIT]           = {"CAST",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_fit},
    [PC_FN_CAST]          = {"CAST",            PC_PRINT_CALL,   true,  false, pc_eval_cast, pc_cell_cast},
    [PC_FN_DATE_PART]     = {"extract",         PC_PRINT_CALL,   false, false, pc_eval_date_part,   NULL},
    [PC_FN_DATE_TRUNC]    = {"date_trunc",      PC_PRINT_CALL,   true,  false, pc_eval_date_part,   NULL},
    [PC_FN_AGE_PART]      = {"extract",         PC_PRINT_CALL,   false, false, NULL, pc_cell_date},
    [PC_FN_TO_CHAR]       = {"to_char",         PC_PRINT_CALL,   true,  false, NULL, pc_cell_to_char},
    [PC_FN_OVERLAPS]      = {"overlaps",        PC_PRINT_CALL,   false, true,  NULL, pc_cell_overlaps},
    [PC_FN_ADD_MONTHS]    = {"add_months",      PC_PRINT_CALL,   true,  false, NULL, pc_cell_date},
    [PC_FN_MAKE_DATE]     = {"make_date",       PC_PRINT_CALL,   true,  false, NULL, pc_cell_date},
    [PC_FN_AGE_ON]        = {"age_on",          PC_PRINT_CALL,   false, false, NULL, pc_cell_date},
    [PC_FN_CONCAT]        = {"concat",          PC_PRINT_CALL,   false, true,  NULL, pc_cell_made_text},
    [PC_FN_JOIN]          = {"||",              PC_PRINT_INFIX,  false, false, NULL, pc_cell_made_text},
    [PC_FN_SUBSTRING]     = {"substr",          PC_PRINT_CALL,   true,  false, NULL, pc_cell_part_of_text},
    [PC_FN_LEFT]          = {"left",            PC_PRINT_CALL,   false, false, NULL, pc_cell_part_of_text},
    [PC_FN_RIGHT]         = {"right",           PC_PRINT_CALL,   false, false, NULL, pc_cell_part_of_text},
    [PC_FN_LENGTH]        = {"length",          PC_PRINT_CALL,   false, false, NULL, pc_cell_measured_text},
    [PC_FN_LOWER]         = {"lower",           PC_PRINT_CALL,   false, false, NULL, pc_cell_made_text},
    [PC_FN_UPPER]         = {"upper",           PC_PRINT_CALL,   false, false, NULL, pc_cell_made_text},
    [PC_FN_TRIM_BOTH]     = {"btrim",           PC_PRINT_CALL,   false, false, NULL, pc_cell_trim},
    [PC_FN_TRIM_LEFT]     = {"ltrim",           PC_PRINT_CALL,   false, false, NULL, pc_cell_trim},
    [PC_FN_TRIM_RIGHT]    = {"rtrim",           PC_PRINT_CALL,   false, false, NULL, pc_cell_trim},
    [PC_FN_REPLACE]       = {"replace",         PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
    [PC_FN_POSITION]      = {"strpos",          PC_PRINT_CALL,   false, false, NULL, pc_cell_measured_text},
    [PC_FN_STARTS_WITH]   = {"starts_with",     PC_PRINT_CALL,   false, false, NULL, pc_cell_measured_text},
    [PC_FN_CONCAT_WITH]   = {"concat_ws",       PC_PRINT_CALL,   false, true,  NULL, pc_cell_made_text},
    [PC_FN_INITCAP]       = {"initcap",         PC_PRINT_CALL,   false, false, NULL, pc_cell_made_text},
    [PC_FN_REVERSE]       = {"reverse",         PC_PRINT_CALL,   false, false, NULL, pc_cell_made_text},
    [PC_FN_REPEAT]        = {"repeat",          PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
    [PC_FN_SPLIT_PART]    = {"split_part",      PC_PRINT_CALL,   true,  false, NULL, pc_cell_part_of_text},
    [PC_FN_TRANSLATE]     = {"translate",       PC_PRINT_CALL,   false, false, NULL, pc_cell_made_text},
    [PC_FN_OVERLAY]       = {"overlay",         PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
    [PC_FN_CHR]           = {"chr",             PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
    [PC_FN_OCTET_LENGTH]  = {"octet_length",    PC_PRINT_CALL,   false, false, NULL, pc_cell_measured_text},
    [PC_FN_ASCII]         = {"ascii",           PC_PRINT_CALL,   false, false, NULL, pc_cell_measured_text},
    [PC_FN_PAD_LEFT]      = {"lpad",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
    [PC_FN_PAD_RIGHT]     = {"rpad",            PC_PRINT_CALL,   true,  false, NULL, pc_cell_made_text},
};
// clang-format on

const pc_function *pc_function_of(pc_function_id id)
{
    assert((int)id >= 0 && id < PC_FN_COUNT);
    return &functions[id];
}

const char *pc_function_name(pc_function_id id)
{
    return pc_function_of(id)->name;
}

pc_function_id pc_function_which(const pc_function *function)
{
    return (pc_function_id)(function - functions);
}

pc_status pc_expr_column(int column, const pc_field *field, int position, pc_arena *arena,
                         const pc_expr **out, pc_error *err)
{
    pc_expr *x = pc_arena_take(arena, sizeof *x, err);
    if (x == NULL) return PC_NO_MEMORY;
    *x = (pc_expr){.kind = PC_EXPR_COLUMN,
                   .type = field->type,
                   .scale = field->scale,
                   .width = field->width,
                   .position = position,
                   .column = column};
    *out = x;
    return PC_OK;
}

pc_status pc_expr_constant(const pc_value *value, int position, pc_arena *arena,
                           const pc_expr **out, pc_error *err)
{
    pc_expr *x = pc_arena_take(arena, sizeof *x, err);
    if (x == NULL) return PC_NO_MEMORY;
    *x = (pc_expr){.kind = PC_EXPR_CONSTANT,
                   .type = value->type,
                   .scale = value->scale,
                   .position = position,
                   .constant = *value};
    const char *text = pc_arena_text(arena, value->text.data == NULL ? "" : value->text.data,
                                     value->text.bytes, err);
    if (text == NULL) return PC_NO_MEMORY;
    x->constant.text.data = text;
    *out = x;
    return PC_OK;
}

// Evaluates a call of constants once. A failure stays for run time: a CASE may never come there.
static pc_status fold(pc_expr *x, pc_arena *arena, const pc_expr **out)
{
    pc_arena scratch = {.budget = arena->budget};
    pc_expr_state *state = NULL;
    const pc_batch one = {.row_count = 1};
    pc_column column;
    pc_status status = pc_expr_state_new(&scratch, arena->budget, &state, NULL);
    if (status == PC_OK) status = pc_expr_eval(x, &one, state, &scratch, &column, NULL);
    if (status == PC_OK) {
        pc_value value = {.type = x->type, .scale = x->scale};
        value.is_null = pc_column_is_null(&column, 0);
        value.text = (pc_span){"", 0};
        if (!value.is_null && x->type == PC_FLOAT) value.real = *(const double *)column.data;
        if (!value.is_null && pc_type_is_text(x->type)) value.text = pc_column_span(&column, 0);
        if (!value.is_null && x->type != PC_FLOAT && !pc_type_is_text(x->type)) {
            value.integer = pc_column_int(&column, 0);
        }
        status = pc_expr_constant(&value, x->position, arena, out, NULL);
    }
    pc_expr_state_free(state);
    pc_arena_reset(&scratch);
    return status;
}

pc_status pc_expr_call(const pc_call *call, pc_arena *arena, const pc_expr **out, pc_error *err)
{
    pc_expr *x = pc_arena_take(arena, sizeof *x, err);
    const pc_expr **arg = pc_arena_array(arena, (size_t)call->arg_count, sizeof *arg, err);
    if (x == NULL || arg == NULL) return PC_NO_MEMORY;
    bool all_constant = true;
    for (int i = 0; i < call->arg_count; i++) {
        arg[i] = call->arg[i];
        all_constant = all_constant && arg[i]->kind == PC_EXPR_CONSTANT;
    }
    *x = (pc_expr){.kind = PC_EXPR_CALL,
                   .type = call->type,
                   .scale = call->scale,
                   .position = call->position,
                   .function = pc_function_of(call->id),
                   .arg_count = call->arg_count,
                   .arg = arg,
                   .extra = call->extra};
    *out = x;
    if (!all_constant || call->type == PC_NONE) return PC_OK;
    return fold(x, arena, out) == PC_NO_MEMORY ? PC_FAIL(err, PC_NO_MEMORY, "out of memory")
                                               : PC_OK;
}

pc_status pc_like_make(pc_span pattern, char escape, bool ignore_case, bool negate, pc_arena *arena,
                       const pc_like **out, pc_error *err)
{
    pc_like *like = pc_arena_take(arena, sizeof *like, err);
    char *text = pc_arena_text(arena, pattern.data, pattern.bytes, err);
    char *fixed = pc_arena_take(arena, pattern.bytes + 1, err);
    if (like == NULL || text == NULL || fixed == NULL) return PC_NO_MEMORY;
    *like = (pc_like){.pattern = {text, pattern.bytes},
                      .escape = escape,
                      .ignore_case = ignore_case,
                      .negate = negate,
                      .kind = PC_LIKE_EXACT};
    size_t used = 0;
    for (size_t i = 0; i < pattern.bytes; i++) {
        char c = text[i];
        const bool escaped = escape != '\0' && c == escape;
        if (escaped && i + 1 == pattern.bytes) {
            return PC_FAIL(err, PC_BAD_JOB,
                           "a LIKE pattern must not end with its escape character");
        }
        if (escaped) c = text[++i];
        if (!escaped && c == '%' && i + 1 == pattern.bytes && like->kind == PC_LIKE_EXACT) {
            like->kind = PC_LIKE_PREFIX;
            break;
        }
        if (!escaped && (c == '%' || c == '_')) {
            like->kind = PC_LIKE_ANY;
        }
        fixed[used++] = c;
    }
    like->fixed = (pc_span){fixed, used};
    *out = like;
    return PC_OK;
}

static bool same_extra(const pc_expr *a, const pc_expr *b)
{
    if (a->extra == b->extra) return true;
    if (a->extra == NULL || b->extra == NULL) return false;
    switch (pc_function_which(a->function)) {
        case PC_FN_DATE_PART:
        case PC_FN_DATE_TRUNC:
        case PC_FN_AGE_PART:
            return *(const pc_date_part *)a->extra == *(const pc_date_part *)b->extra;
        case PC_FN_REGEX:
            return pc_regex_equal(a->extra, b->extra);
        case PC_FN_FIT: {
            const pc_limits *x = a->extra;
            const pc_limits *y = b->extra;
            return x->low == y->low && x->high == y->high;
        }
        case PC_FN_LIKE_TEXT:
        case PC_FN_LIKE: {
            const pc_like *x = a->extra;
            const pc_like *y = b->extra;
            return pc_span_equal(x->pattern, y->pattern) && x->escape == y->escape &&
                   x->ignore_case == y->ignore_case && x->negate == y->negate;
        }
        case PC_FN_IN_CODES: {
            const pc_code_test *x = a->extra;
            const pc_code_test *y = b->extra;
            return x->set == y->set && x->system == y->system;
        }
        default: {
            const pc_in_list *x = a->extra;
            const pc_in_list *y = b->extra;
            bool same = x->count == y->count && x->has_null == y->has_null &&
                        x->negate == y->negate && (x->text == NULL) == (y->text == NULL) &&
                        (x->integer == NULL) == (y->integer == NULL);
            for (int64_t i = 0; same && i < x->count; i++) {
                if (x->text != NULL) same = pc_span_equal(x->text[i], y->text[i]);
                if (x->integer != NULL) same = x->integer[i] == y->integer[i];
                if (x->real != NULL) same = memcmp(&x->real[i], &y->real[i], 8) == 0;
            }
            return same;
        }
    }
}

// As deep as the expression.
// -1: none so far; -2: more than one.
static int note_column(const pc_expr *expr, int found)
{
    if (expr->kind == PC_EXPR_COLUMN) {
        return found == -1 || found == expr->column ? expr->column : -2;
    }
    for (int i = 0; expr->kind == PC_EXPR_CALL && i < expr->arg_count; i++) {
        found = note_column(expr->arg[i], found);
    }
    return found;
}

int pc_expr_only_column(const pc_expr *expr)
{
    const int found = note_column(expr, -1);
    return found < 0 ? -1 : found;
}

bool pc_expr_can_fail(const pc_expr *expr)
{
    if (expr->kind != PC_EXPR_CALL) return false;
    if (expr->function->can_fail) return true;
    for (int i = 0; i < expr->arg_count; i++) {
        if (pc_expr_can_fail(expr->arg[i])) return true;
    }
    return false;
}

static bool same_constant(const pc_value *a, const pc_value *b)
{
    if (a->is_null || b->is_null) return a->is_null && b->is_null;
    return a->integer == b->integer && memcmp(&a->real, &b->real, sizeof a->real) == 0 &&
           pc_span_equal(a->text, b->text);
}

bool pc_expr_equal(const pc_expr *a, const pc_expr *b)
{
    if (a == b) return true;
    if (a->kind != b->kind || a->type != b->type || a->scale != b->scale) return false;
    if (a->kind == PC_EXPR_LATER) return a == b;
    if (a->kind == PC_EXPR_COLUMN) return a->column == b->column;
    if (a->kind == PC_EXPR_CONSTANT) return same_constant(&a->constant, &b->constant);
    if (a->function != b->function || a->arg_count != b->arg_count || !same_extra(a, b)) {
        return false;
    }
    for (int i = 0; i < a->arg_count; i++) {
        if (!pc_expr_equal(a->arg[i], b->arg[i])) return false;
    }
    return true;
}
