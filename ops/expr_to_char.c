/** to_char(date, format): the patterns of PostgreSQL for days, in English, as it does without a
 *  locale. Patterns of the time of day give midnight's. */
#include <string.h>
#include "expr_private.h"

/** How a pattern is written out. */
typedef enum pattern_kind {
    NUMBER, // digits
    MONTH_NAME,
    DAY_NAME,
    ROMAN,
    WEEK_OF_MONTH,
    MIDNIGHT, // a constant
    HALF_DAY
} pattern_kind;

typedef struct pattern {
    const char *text; // longest first among those with one beginning
    pattern_kind kind;
    pc_date_part part;
    int digits;     // of NUMBER: zeros in front up to so many, or the last so many of a year
    bool is_cut;    // the last digits of a year
    int letters;    // of a name: 0 all, padded to nine
    const char *is; // of MIDNIGHT
} pattern;

// clang-format off
static const pattern patterns[] = {
    {"Y,YYY", NUMBER, PC_PART_YEAR, -1, false, 0, NULL},
    {"IYYY", NUMBER, PC_PART_ISO_YEAR, 4, false, 0, NULL},
    {"IYY", NUMBER, PC_PART_ISO_YEAR, 3, true, 0, NULL},
    {"IY", NUMBER, PC_PART_ISO_YEAR, 2, true, 0, NULL},
    {"IDDD", NUMBER, PC_PART_COUNT, 3, false, 0, NULL}, // day of the ISO year
    {"ID", NUMBER, PC_PART_ISO_DAY_OF_WEEK, 1, false, 0, NULL},
    {"IW", NUMBER, PC_PART_WEEK, 2, false, 0, NULL},
    {"I", NUMBER, PC_PART_ISO_YEAR, 1, true, 0, NULL},
    {"YYYY", NUMBER, PC_PART_YEAR, 4, false, 0, NULL},
    {"YYY", NUMBER, PC_PART_YEAR, 3, true, 0, NULL},
    {"YY", NUMBER, PC_PART_YEAR, 2, true, 0, NULL},
    {"Y", NUMBER, PC_PART_YEAR, 1, true, 0, NULL},
    {"CC", NUMBER, PC_PART_CENTURY, 2, false, 0, NULL},
    {"Q", NUMBER, PC_PART_QUARTER, 1, false, 0, NULL},
    {"MONTH", MONTH_NAME, PC_PART_MONTH, 0, false, 0, NULL},
    {"MON", MONTH_NAME, PC_PART_MONTH, 0, false, 3, NULL},
    {"MM", NUMBER, PC_PART_MONTH, 2, false, 0, NULL},
    {"MI", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "00"},
    {"MS", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "000"},
    {"DAY", DAY_NAME, PC_PART_DAY_OF_WEEK, 0, false, 0, NULL},
    {"DDD", NUMBER, PC_PART_DAY_OF_YEAR, 3, false, 0, NULL},
    {"DD", NUMBER, PC_PART_DAY, 2, false, 0, NULL},
    {"DY", DAY_NAME, PC_PART_DAY_OF_WEEK, 0, false, 3, NULL},
    {"D", NUMBER, PC_PART_DAY_OF_WEEK, 1, false, 0, NULL},
    {"WW", NUMBER, PC_PART_DAY_OF_YEAR, 2, false, 0, NULL},
    {"W", WEEK_OF_MONTH, PC_PART_DAY, 1, false, 0, NULL},
    {"J", NUMBER, PC_PART_JULIAN, 1, false, 0, NULL},
    {"RM", ROMAN, PC_PART_MONTH, 4, false, 0, NULL},
    {"HH24", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "00"},
    {"HH12", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "12"},
    {"HH", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "12"},
    {"SSSS", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "0"},
    {"SS", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "00"},
    {"US", MIDNIGHT, PC_PART_COUNT, 0, false, 0, "000000"},
    {"AM", HALF_DAY, PC_PART_COUNT, 0, false, 0, "AM"},
    {"PM", HALF_DAY, PC_PART_COUNT, 0, false, 0, "AM"},
};
// clang-format on

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const roman[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                    "VII", "VIII", "IX",  "X",  "XI", "XII"};

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

// Written large or small as a whole; a name also with its first letter large.
static bool is_written(const pattern *p, pc_span format)
{
    const size_t bytes = strlen(p->text);
    if (bytes > format.bytes) return false;
    const bool is_name = p->kind == MONTH_NAME || p->kind == DAY_NAME;
    const bool small = is_small(format.data[0]);
    const bool rest_small = small || (is_name && is_small(format.data[1]));
    for (size_t i = 0; i < bytes; i++) {
        const char c = p->text[i];
        const bool is_letter = c >= 'A' && c <= 'Z';
        const bool lower = i == 0 ? small : rest_small;
        if (format.data[i] != (lower && is_letter ? (char)(c + 32) : c)) return false;
    }
    return true;
}

static const pattern *find(pc_span format)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        if (is_written(&patterns[i], format)) return &patterns[i];
    }
    return NULL;
}

// MONTH, Month or month, as the first two letters of the pattern are written.
static pc_status write_name(pc_eval *e, const pattern *p, const char *name, const char *as,
                            bool fill, pc_buffer *to)
{
    const bool small = is_small(as[0]);
    const bool large = !small && !is_small(as[1]);
    const int bytes = p->letters > 0 ? p->letters : (int)strlen(name);
    for (int i = 0; i < bytes; i++) {
        char c = name[i];
        if (large && is_small(c)) c = (char)(c - 32);
        if (small && i == 0) c = (char)(c | 32);
        PC_TRY(pc_buffer_append(to, &c, 1, e->err));
    }
    const int wide = p->letters > 0 || !fill ? 0 : 9 - bytes;
    return pc_buffer_print(to, e->err, "%*s", wide > 0 ? wide : 0, "");
}

static int64_t number_of(const pattern *p, int32_t day)
{
    if (p->part == PC_PART_COUNT) { // IDDD
        return (pc_date_part_of(PC_PART_WEEK, day) - 1) * 7 +
               pc_date_part_of(PC_PART_ISO_DAY_OF_WEEK, day);
    }
    const int64_t value = pc_date_part_of(p->part, day);
    if (p->text[0] == 'W') return (value - 1) / 7 + 1;    // WW
    if (p->part == PC_PART_DAY_OF_WEEK) return value + 1; // Sunday is 1
    return value;
}

static pc_status write_number(pc_eval *e, const pattern *p, int32_t day, bool fill, pc_buffer *to)
{
    long long value = (long long)number_of(p, day);
    int digits = p->digits;
    if (digits < 0) {
        return pc_buffer_print(to, e->err, "%lld,%03lld", value / 1000, value % 1000);
    }
    static const long long power[] = {1, 10, 100, 1000};
    if (p->is_cut) value %= power[digits];
    return pc_buffer_print(to, e->err, "%0*lld", fill ? digits : 1, value);
}

// st, nd, rd, th: of the number that was written last.
static pc_status write_ordinal(pc_eval *e, bool large, pc_buffer *to)
{
    const char last = to->data[to->bytes - 1];
    const bool teen = to->bytes > 1 && to->data[to->bytes - 2] == '1';
    const char *small = teen || last > '3' || last == '0' ? "th"
                        : last == '1'                     ? "st"
                        : last == '2'                     ? "nd"
                                                          : "rd";
    const char *big = teen || last > '3' || last == '0' ? "TH"
                      : last == '1'                     ? "ST"
                      : last == '2'                     ? "ND"
                                                        : "RD";
    return pc_buffer_append(to, large ? big : small, 2, e->err);
}

static pc_status write_pattern(pc_eval *e, const pattern *p, const char *as, int32_t day, bool fill,
                               pc_buffer *to)
{
    const int64_t value = p->part == PC_PART_COUNT ? 0 : pc_date_part_of(p->part, day);
    switch (p->kind) {
        case NUMBER:
            return write_number(e, p, day, fill, to);
        case MONTH_NAME:
            return write_name(e, p, months[value - 1], as, fill, to);
        case DAY_NAME:
            return write_name(e, p, days[value], as, fill, to);
        case WEEK_OF_MONTH:
            return pc_buffer_print(to, e->err, "%d", (int)(value - 1) / 7 + 1);
        case ROMAN: {
            const size_t from = to->bytes;
            PC_TRY(pc_buffer_print(to, e->err, "%-*s", fill ? 4 : 0, roman[value - 1]));
            for (size_t i = from; is_small(as[0]) && i < to->bytes; i++) {
                to->data[i] = (char)(to->data[i] | 32);
            }
            return PC_OK;
        }
        case HALF_DAY:
            return pc_buffer_print(to, e->err, is_small(as[0]) ? "am" : "AM");
        case MIDNIGHT:
            break;
    }
    return pc_buffer_print(to, e->err, "%s", fill || p->is[0] == '1' ? p->is : "0");
}

// "text" in quotes, \" outside of them, other characters as they are.
static pc_status write_plain(pc_eval *e, pc_span *format, pc_buffer *to)
{
    size_t at = 0;
    if (format->data[0] == '"') {
        for (at = 1; at < format->bytes && format->data[at] != '"'; at++) {
            if (format->data[at] == '\\' && at + 1 < format->bytes) at++;
            PC_TRY(pc_buffer_append(to, &format->data[at], 1, e->err));
        }
        at += at < format->bytes;
    } else {
        if (format->data[0] == '\\' && format->bytes > 1 && format->data[1] == '"') at = 1;
        PC_TRY(pc_buffer_append(to, &format->data[at], 1, e->err));
        at++;
    }
    *format = (pc_span){format->data + at, format->bytes - at};
    return PC_OK;
}

pc_status pc_cell_to_char(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)x;
    pc_buffer *to = &e->state->text;
    pc_span format = arg[1].text;
    to->bytes = 0;
    out->is_null = format.bytes == 0; // as PostgreSQL
    while (format.bytes > 0) {
        const bool modified =
            format.bytes > 2 && pc_span_equal_nocase((pc_span){format.data, 2}, pc_span_of("FM"));
        const pc_span rest = {format.data + (modified ? 2 : 0), format.bytes - (modified ? 2 : 0)};
        const pattern *p = find(rest);
        if (p == NULL && modified) {
            format = rest; // FM alone says nothing
            continue;
        }
        if (p == NULL) {
            PC_TRY(write_plain(e, &format, to));
            continue;
        }
        PC_TRY(write_pattern(e, p, rest.data, (int32_t)arg[0].integer, !modified, to));
        const size_t bytes = strlen(p->text);
        format = (pc_span){rest.data + bytes, rest.bytes - bytes};
        const bool ordinal = p->kind == NUMBER && format.bytes >= 2 &&
                             pc_span_equal_nocase((pc_span){format.data, 2}, pc_span_of("TH"));
        if (!ordinal) continue;
        PC_TRY(write_ordinal(e, !is_small(format.data[0]), to));
        format = (pc_span){format.data + 2, format.bytes - 2};
    }
    out->text = (pc_span){to->bytes == 0 ? "" : to->data, to->bytes};
    return PC_OK;
}
