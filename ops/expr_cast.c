/** Casts between types. Exact, or a named error. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "expr_private.h"

static pc_status scaled_to_scaled(pc_eval *e, const pc_expr *x, int64_t value, pc_cell *out)
{
    const int from = x->arg[0]->scale;
    if (from > x->scale) {
        out->integer = pc_round_scaled(value, pc_power_of_ten(from - x->scale));
        return PC_OK;
    }
    if (__builtin_mul_overflow(value, pc_power_of_ten(x->scale - from), &out->integer)) {
        return pc_eval_fail(e, x, "a result beyond 64 bits");
    }
    return PC_OK;
}

// A number of SQL in a text: digits with a point, an exponent, signs.
static bool looks_like_number(pc_span text)
{
    size_t at = 0;
    int digits = 0;
    if (at < text.bytes && (text.data[at] == '-' || text.data[at] == '+')) at++;
    for (bool point = false; at < text.bytes; at++) {
        const char c = text.data[at];
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            digits++;
        } else {
            break;
        }
    }
    if (digits == 0) return false;
    if (at == text.bytes) return true;
    if (text.data[at] != 'e' && text.data[at] != 'E') return false;
    at++;
    if (at < text.bytes && (text.data[at] == '-' || text.data[at] == '+')) at++;
    const size_t first = at;
    while (at < text.bytes && text.data[at] >= '0' && text.data[at] <= '9') {
        at++;
    }
    return at > first && at == text.bytes;
}

enum {
    NUMBER_BYTES = 400, // the longest text that is read as a number
    MOST_DIGITS = 37    // that 128 bits hold
};

static bool read_real(pc_span text, double *out)
{
    static const struct {
        const char *name;
        double value;
    } named[] = {{"nan", NAN},        {"infinity", INFINITY},
                 {"inf", INFINITY},   {"-infinity", -INFINITY},
                 {"-inf", -INFINITY}, {"+infinity", INFINITY}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        *out = named[i].value;
        if (pc_span_equal_nocase(text, pc_span_of(named[i].name))) return true;
    }
    char copy[NUMBER_BYTES + 1];
    if (text.bytes > NUMBER_BYTES || !looks_like_number(text)) return false;
    memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = '\0';
    *out = strtod(copy, NULL);
    return isfinite(*out);
}

// Digits, point and exponent as an integer times 10^-scale, rounded half away from zero.
static bool read_scaled(pc_span text, int scale, int64_t *out)
{
    if (text.bytes > NUMBER_BYTES || !looks_like_number(text)) return false;
    const bool negative = text.data[0] == '-';
    int64_t exponent = 0;
    pc_int128 value = 0;
    int kept = 0;   // digits in `value`, without zeros in front
    int behind = 0; // digits of `value` behind the point
    bool point = false;
    for (size_t at = 0; at < text.bytes; at++) {
        const char c = text.data[at];
        if (c == 'e' || c == 'E') {
            const pc_span rest = {text.data + at + 1, text.bytes - at - 1};
            if (!pc_int_parse(rest, &exponent) || exponent > 1000 || exponent < -1000) return false;
            break;
        }
        if (c == '.') point = true;
        if (c < '0' || c > '9') continue;
        if (kept == MOST_DIGITS) { // far more than what fits: those behind decide nothing
            behind -= !point;
            continue;
        }
        value = value * 10 + (c - '0');
        kept += value != 0;
        behind += point;
    }
    int shift = scale + (int)exponent - behind;
    for (; shift > 0 && value != 0; shift--) {
        value *= 10;
        if (value > (pc_int128)INT64_MAX * 10) return false;
    }
    int last = 0;
    for (; shift < 0 && (value != 0 || last != 0); shift++) {
        last = (int)(value % 10);
        value /= 10;
    }
    value += last >= 5;
    if (negative) value = -value;
    if (value > INT64_MAX || value < INT64_MIN) return false;
    *out = (int64_t)value;
    return true;
}

// true and false as PostgreSQL reads them: their beginnings too, as far as they are one of both.
static bool read_bool(pc_span text, int64_t *out)
{
    static const struct {
        const char *word;
        size_t least;
        bool value;
    } known[] = {{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                 {"on", 2, true},   {"off", 2, false},   {"1", 1, true},   {"0", 1, false}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const size_t bytes = strlen(known[i].word);
        if (text.bytes < known[i].least || text.bytes > bytes) continue;
        if (!pc_span_equal_nocase(text, (pc_span){known[i].word, text.bytes})) continue;
        *out = known[i].value;
        return true;
    }
    return false;
}

// YYYY-MM-DD or YYYYMMDD.
static bool read_day(pc_span text, int64_t *out)
{
    int32_t day = 0;
    char dashed[11];
    bool good = pc_day_parse(text, &day);
    if (!good && text.bytes == 8) {
        (void)snprintf(dashed, sizeof dashed, "%.4s-%.2s-%.2s", text.data, text.data + 4,
                       text.data + 6);
        good = pc_day_parse(pc_span_of(dashed), &day);
    }
    *out = day;
    return good;
}

// Without what isspace() takes for blank.
static pc_span trim_space(pc_span text)
{
    static const char blank[] = " \t\n\r\f\v";
    while (text.bytes > 0 && memchr(blank, text.data[0], 6) != NULL) {
        text = (pc_span){text.data + 1, text.bytes - 1};
    }
    while (text.bytes > 0 && memchr(blank, text.data[text.bytes - 1], 6) != NULL) {
        text.bytes--;
    }
    return text;
}

static pc_status text_to(pc_eval *e, const pc_expr *x, pc_span text, pc_cell *out)
{
    const pc_span trimmed = trim_space(text);
    bool good = false;
    switch (x->type) {
        case PC_INT:
            good = pc_int_parse(trimmed, &out->integer);
            break;
        case PC_DECIMAL:
            good = read_scaled(trimmed, x->scale, &out->integer);
            break;
        case PC_DATE:
            good = read_day(trimmed, &out->integer);
            break;
        case PC_FLOAT:
            good = read_real(trimmed, &out->real);
            break;
        case PC_BOOL:
            good = read_bool(trimmed, &out->integer);
            break;
        default:
            out->text = text;
            return PC_OK;
    }
    return good ? PC_OK : pc_eval_fail(e, x, "a text that is not a value of that type");
}

static pc_status to_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    pc_buffer *text = &e->state->text;
    text->bytes = 0;
    PC_TRY(pc_buffer_reserve(text, 64, e->err));
    const pc_expr *from = x->arg[0];
    int bytes = 0;
    if (from->type == PC_BOOL) bytes = snprintf(text->data, 64, arg->integer ? "true" : "false");
    if (from->type == PC_INT || from->type == PC_DECIMAL) {
        bytes = pc_decimal_format(arg->integer, from->scale, text->data);
    }
    if (from->type == PC_FLOAT) bytes = pc_float_format(arg->real, text->data);
    if (from->type == PC_DATE) bytes = pc_day_format((int32_t)arg->integer, text->data);
    out->text = (pc_span){text->data, (size_t)bytes};
    return PC_OK;
}

pc_status pc_cell_cast(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_type from = x->arg[0]->type;
    if (pc_type_is_text(from)) return text_to(e, x, arg[0].text, out);
    if (pc_type_is_text(x->type)) return to_text(e, x, arg, out);
    if (from == PC_FLOAT && x->type == PC_INT) return pc_real_to_scaled(e, x, arg->real, rint, out);
    if (from == PC_FLOAT && x->type == PC_DECIMAL) {
        return pc_real_to_scaled(e, x, arg->real, round, out);
    }
    if (x->type == PC_BOOL) {
        out->integer = arg->integer != 0;
        return PC_OK;
    }
    if (x->type == PC_FLOAT && from != PC_FLOAT) {
        out->real = (double)arg->integer / (double)pc_power_of_ten(x->arg[0]->scale);
        return PC_OK;
    }
    if (x->type == PC_INT || x->type == PC_DECIMAL) {
        return scaled_to_scaled(e, x, arg->integer, out);
    }
    *out = arg[0];
    return PC_OK;
}

// Integers to double, the cast that sums and shares make often, without going cell by cell.
pc_status pc_eval_cast(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_type from = x->arg[0]->type;
    const bool is_fast = x->type == PC_FLOAT && (from == PC_INT || from == PC_DECIMAL);
    if (!is_fast) return pc_eval_cells(e, x, out);
    pc_vector v;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant) return pc_eval_cells(e, x, out);
    const int64_t *value;
    PC_TRY(pc_vector_int64(e, &v, &value));
    double *to = pc_eval_array(e, sizeof *to);
    if (to == NULL) return PC_NO_MEMORY;
    const double divisor = (double)pc_power_of_ten(x->arg[0]->scale);
    for (int i = 0; i < e->batch->row_count; i++) {
        to[i] = (double)value[i] / divisor;
    }
    *out =
        (pc_vector){.column = {.type = PC_FLOAT, .width = 8, .data = to, .valid = v.column.valid}};
    return PC_OK;
}

pc_status pc_cell_fit(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_limits *limits = x->extra;
    out->integer = arg[0].integer;
    if (out->integer >= limits->low && out->integer <= limits->high) return PC_OK;
    char what[64];
    (void)snprintf(what, sizeof what, "a value beyond the range of %s", limits->name);
    return pc_eval_fail(e, x, what);
}
