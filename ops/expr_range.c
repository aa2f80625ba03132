/** What a predicate says about the stored integers of one column: for zone maps. */
#include "expr_private.h"

typedef struct range {
    bool known; ///< false: says nothing
    int64_t low, high;
} range;

static range all_of(void)
{
    return (range){.known = false, .low = INT64_MIN, .high = INT64_MAX};
}

static range both_of(range a, range b)
{
    if (!a.known) return b;
    if (!b.known) return a;
    return (range){true, a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

static range either_of(range a, range b)
{
    if (!a.known || !b.known) return all_of();
    if (a.low > a.high) return b;
    if (b.low > b.high) return a;
    return (range){true, a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}

static range from_code_range(const pc_code_range *c)
{
    if (!c->outside) return (range){true, c->low, c->high};
    if (c->low == INT64_MIN && c->high < INT64_MAX) return (range){true, c->high + 1, INT64_MAX};
    if (c->high == INT64_MAX && c->low > INT64_MIN) return (range){true, INT64_MIN, c->low - 1};
    return all_of();
}

// Texts of an IN list or a code set, as the span of their codes in a sorted dictionary.
static range of_codes(const pc_expr *x, const pc_dict *dict)
{
    if (dict == NULL || !dict->sorted) return all_of();
    range r = {true, 1, 0};
    if (pc_function_which(x->function) == PC_FN_IN_CODES) {
        const pc_code_test *test = x->extra;
        pc_code_set_span(test->set, test->system, dict, &r.low, &r.high);
        return r;
    }
    const pc_in_list *list = x->extra;
    for (int64_t i = 0; i < list->count; i++) {
        const uint32_t code = pc_dict_find(dict, list->text[i]);
        if (code != PC_DICT_NONE) r = either_of(r, (range){true, code, code});
    }
    return r;
}

static range of_list(const pc_expr *x, const pc_dict *dict)
{
    if (pc_function_which(x->function) == PC_FN_IN_CODES) {
        return pc_type_is_text(x->arg[0]->type) ? of_codes(x, dict) : all_of();
    }
    const pc_in_list *list = x->extra;
    if (list->negate || list->real != NULL) return all_of();
    if (list->text != NULL) return of_codes(x, dict);
    if (list->count == 0) return (range){true, 1, 0};
    return (range){true, list->integer[0], list->integer[list->count - 1]};
}

// year(d) = 2019: the days of 2019.
static range of_year(const pc_expr *x, int column)
{
    const pc_expr *part = x->arg[0];
    if (part->kind != PC_EXPR_CALL || pc_function_which(part->function) != PC_FN_DATE_PART ||
        *(const pc_date_part *)part->extra != PC_PART_YEAR ||
        part->arg[0]->kind != PC_EXPR_COLUMN || part->arg[0]->column != column ||
        x->arg[1]->kind != PC_EXPR_CONSTANT || x->arg[1]->constant.is_null) {
        return all_of();
    }
    const int64_t year = x->arg[1]->constant.integer;
    if (year < 1 || year > 9999) return all_of();
    const int64_t first = pc_day_of((int)year, 1, 1);
    const int64_t last = pc_day_of((int)year, 12, 31);
    switch (pc_function_which(x->function)) {
        case PC_FN_EQUAL:
            return (range){true, first, last};
        case PC_FN_LESS:
            return (range){true, INT64_MIN, first - 1};
        case PC_FN_LESS_EQUAL:
            return (range){true, INT64_MIN, last};
        case PC_FN_GREATER:
            return (range){true, last + 1, INT64_MAX};
        case PC_FN_GREATER_EQUAL:
            return (range){true, first, INT64_MAX};
        default:
            return all_of();
    }
}

static bool is_column(const pc_expr *x, int column)
{
    return x->kind == PC_EXPR_COLUMN && x->column == column;
}

static range range_of(const pc_expr *x, const pc_dict *dict, int column)
{
    if (is_column(x, column) && x->type == PC_BOOL) return (range){true, 1, 1};
    if (x->kind != PC_EXPR_CALL) return all_of();
    const pc_function_id id = pc_function_which(x->function);
    range r = all_of();
    if (id == PC_FN_AND) {
        for (int i = 0; i < x->arg_count; i++) {
            r = both_of(r, range_of(x->arg[i], dict, column));
        }
        return r;
    }
    if (id == PC_FN_OR) {
        r = range_of(x->arg[0], dict, column);
        for (int i = 1; i < x->arg_count; i++) {
            r = either_of(r, range_of(x->arg[i], dict, column));
        }
        return r;
    }
    if (x->arg_count == 2 && x->type == PC_BOOL && !is_column(x->arg[0], column)) {
        return of_year(x, column);
    }
    if (x->arg_count == 0 || !is_column(x->arg[0], column)) return all_of();
    if (id == PC_FN_NOT && x->arg[0]->type == PC_BOOL) return (range){true, 0, 0};
    if (id == PC_FN_IS_TRUE) return (range){true, 1, 1};
    if (id == PC_FN_IS_FALSE) return (range){true, 0, 0};
    if (id == PC_FN_IN || id == PC_FN_IN_CODES) return of_list(x, dict);
    pc_code_range code;
    return pc_range_of(x, dict, &code) ? from_code_range(&code) : all_of();
}

bool pc_expr_range(const pc_expr *expr, const pc_batch *like, int column, int64_t *low,
                   int64_t *high)
{
    const pc_type type = like->column[column].type;
    if (type == PC_FLOAT || type == PC_ID) return false;
    const range r = range_of(expr, like->column[column].dict, column);
    *low = r.low;
    *high = r.high;
    return r.known;
}
