/** Days: parts of a date, months, ages. */
#include "expr_private.h"

enum {
    FIRST_DAY = -719162, // 0001-01-01
    LAST_DAY = 2932896,  // 9999-12-31
    SECONDS_A_DAY = 86400,
    JULIAN_DAY_0 = 2440588, // of 1970-01-01
    DAYS_KEPT = 4096        // 11 years: a table of 32 KiB
};

static const int64_t NOT_KEPT = INT64_MIN; // no result is that

const char *pc_date_part_name(pc_date_part part)
{
    static const char *const name[PC_PART_COUNT] = {
        "year",   "quarter", "month",  "week",    "day",        "doy",   "dow",
        "isodow", "isoyear", "decade", "century", "millennium", "epoch", "julian"};
    return name[part];
}

static int monday_of(int32_t day)
{
    // Day 0 was a Thursday.
    const int from_monday = (int)((((int64_t)day + 3) % 7 + 7) % 7);
    return day - from_monday;
}

static int iso_year(int32_t day)
{
    int year;
    int month;
    int day_of_month;
    pc_day_split(monday_of(day) + 3, &year, &month, &day_of_month);
    return year;
}

int64_t pc_date_part_of(pc_date_part part, int32_t day)
{
    int year;
    int month;
    int day_of_month;
    switch (part) {
        case PC_PART_WEEK:
            return pc_day_iso_week(day);
        case PC_PART_DAY_OF_WEEK:
            return (day - monday_of(day) + 1) % 7;
        case PC_PART_ISO_DAY_OF_WEEK:
            return day - monday_of(day) + 1;
        case PC_PART_ISO_YEAR:
            return iso_year(day);
        case PC_PART_EPOCH:
            return (int64_t)day * SECONDS_A_DAY;
        case PC_PART_JULIAN:
            return (int64_t)day + JULIAN_DAY_0;
        default:
            break;
    }
    pc_day_split(day, &year, &month, &day_of_month);
    switch (part) {
        case PC_PART_QUARTER:
            return (month - 1) / 3 + 1;
        case PC_PART_MONTH:
            return month;
        case PC_PART_DAY:
            return day_of_month;
        case PC_PART_DAY_OF_YEAR:
            return day - pc_day_of(year, 1, 1) + 1;
        case PC_PART_DECADE:
            return year / 10;
        case PC_PART_CENTURY:
            return (year + 99) / 100;
        case PC_PART_MILLENNIUM:
            return (year + 999) / 1000;
        default:
            return year;
    }
}

static int32_t truncate_to(pc_date_part part, int32_t day)
{
    int year;
    int month;
    int day_of_month;
    if (part == PC_PART_WEEK) return monday_of(day);
    if (part == PC_PART_DAY) return day;
    pc_day_split(day, &year, &month, &day_of_month);
    if (part == PC_PART_MONTH) return pc_day_of(year, month, 1);
    if (part == PC_PART_QUARTER) return pc_day_of(year, (month - 1) / 3 * 3 + 1, 1);
    if (part == PC_PART_DECADE && year < 10) return FIRST_DAY - 366; // year 0: refused behind this
    if (part == PC_PART_DECADE) return pc_day_of(year / 10 * 10, 1, 1);
    if (part == PC_PART_CENTURY) return pc_day_of((year - 1) / 100 * 100 + 1, 1, 1);
    if (part == PC_PART_MILLENNIUM) return pc_day_of((year - 1) / 1000 * 1000 + 1, 1, 1);
    return pc_day_of(year, 1, 1);
}

static int64_t part_or_start(bool is_part, pc_date_part part, int64_t day)
{
    return is_part ? pc_date_part_of(part, (int32_t)day) : truncate_to(part, (int32_t)day);
}

// Results are kept for the days around the first one seen: data repeat few days.
static pc_status open_days(pc_eval *e, const pc_expr *x, int64_t first, pc_expr_node **out)
{
    PC_TRY(pc_state_node(e->state, x, out, e->err));
    pc_expr_node *node = *out;
    if (node->day.bytes > 0) return PC_OK;
    const size_t bytes = DAYS_KEPT * sizeof(int64_t);
    PC_TRY(pc_buffer_reserve(&node->day, bytes, e->err));
    node->day.bytes = bytes;
    node->first_day = first - DAYS_KEPT / 2;
    int64_t *kept = (int64_t *)(void *)node->day.data;
    for (int i = 0; i < DAYS_KEPT; i++)
        kept[i] = NOT_KEPT;
    return PC_OK;
}

pc_status pc_eval_date_part(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    const pc_date_part part = *(const pc_date_part *)x->extra;
    const bool is_part = pc_function_which(x->function) == PC_FN_DATE_PART;
    pc_vector v;
    PC_TRY(pc_eval_node(e, x->arg[0], &v));
    if (v.is_constant && v.constant->is_null) {
        pc_vector_null(x, out);
        return PC_OK;
    }
    const int64_t *day;
    PC_TRY(pc_vector_int64(e, &v, &day));
    int64_t *to = pc_eval_array(e, sizeof *to);
    if (to == NULL) return PC_NO_MEMORY;
    const uint64_t *valid = v.is_constant ? NULL : v.column.valid;
    int first = 0;
    while (first < e->batch->row_count && !pc_is_valid(valid, first))
        first++;
    pc_expr_node *node = NULL;
    if (first < e->batch->row_count) PC_TRY(open_days(e, x, day[first], &node));
    for (int i = first; i < e->batch->row_count; i++) {
        if (!pc_is_valid(valid, i)) continue;
        const uint64_t at = (uint64_t)day[i] - (uint64_t)node->first_day;
        if (at >= DAYS_KEPT) {
            to[i] = part_or_start(is_part, part, day[i]);
            continue;
        }
        int64_t *kept = (int64_t *)(void *)node->day.data + at;
        if (*kept == NOT_KEPT) *kept = part_or_start(is_part, part, day[i]);
        to[i] = *kept;
    }
    for (int i = 0; !is_part && part == PC_PART_DECADE && i < e->batch->row_count; i++) {
        if (to[i] < FIRST_DAY && pc_is_valid(valid, i)) {
            return pc_eval_fail(e, x, "a date beyond the years 1 to 9999");
        }
    }
    *out = (pc_vector){.column = {.type = x->type, .width = 8, .data = to, .valid = valid}};
    return PC_OK;
}

static int days_of_month(int year, int month)
{
    const int32_t next = month == 12 ? pc_day_of(year + 1, 1, 1) : pc_day_of(year, month + 1, 1);
    return next - pc_day_of(year, month, 1);
}

// Years, months and days from `b` to `a`, as PostgreSQL's age(a, b): days are borrowed from the
// month of the earlier date; of a negative age every part is negative.
static int64_t age_part(pc_date_part part, int32_t a, int32_t b)
{
    const int sign = a < b ? -1 : 1;
    int early[3];
    int late[3];
    pc_day_split(a < b ? a : b, &early[0], &early[1], &early[2]);
    pc_day_split(a < b ? b : a, &late[0], &late[1], &late[2]);
    int months = (late[0] - early[0]) * 12 + late[1] - early[1];
    int days = late[2] - early[2];
    if (days < 0) {
        months--;
        days += days_of_month(early[0], early[1]);
    }
    if (part == PC_PART_DAY) return (int64_t)sign * days;
    return (int64_t)sign * (part == PC_PART_YEAR ? months / 12 : months % 12);
}

// The periods overlap: SQL's rule, in which a period may be written backwards and a half that is
// null is not known.
pc_status pc_cell_overlaps(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    (void)x;
    pc_cell p[2][2] = {{arg[0], arg[1]}, {arg[2], arg[3]}};
    for (int i = 0; i < 2; i++) {
        const bool backwards =
            p[i][0].is_null || (!p[i][1].is_null && p[i][0].integer > p[i][1].integer);
        if (!backwards) continue;
        const pc_cell swap = p[i][0];
        p[i][0] = p[i][1];
        p[i][1] = swap;
    }
    out->is_null = p[0][0].is_null || p[1][0].is_null;
    if (out->is_null) return PC_OK;
    if (p[0][0].integer == p[1][0].integer) {
        out->is_null = p[0][1].is_null || p[1][1].is_null;
        out->integer = 1;
        return PC_OK;
    }
    // The one that begins later must begin before the other ends.
    const int later = p[0][0].integer > p[1][0].integer ? 0 : 1;
    const pc_cell *end = &p[1 - later][1];
    out->integer = !end->is_null && p[later][0].integer < end->integer;
    out->is_null = end->is_null || (out->integer == 0 && p[later][1].is_null);
    return PC_OK;
}

pc_status pc_cell_date(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    switch (pc_function_which(x->function)) {
        case PC_FN_AGE_ON:
            out->integer = pc_age_on((int32_t)arg[0].integer, (int32_t)arg[1].integer);
            return PC_OK;
        case PC_FN_AGE_PART:
            out->integer = age_part(*(const pc_date_part *)x->extra, (int32_t)arg[0].integer,
                                    (int32_t)arg[1].integer);
            return PC_OK;
        case PC_FN_MAKE_DATE: {
            const int64_t y = arg[0].integer;
            const int64_t m = arg[1].integer;
            const int64_t d = arg[2].integer;
            if (y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > 31 ||
                !pc_date_is_valid((int)y, (int)m, (int)d)) {
                return pc_eval_fail(e, x, "a date that does not exist");
            }
            out->integer = pc_day_of((int)y, (int)m, (int)d);
            return PC_OK;
        }
        default:
            break;
    }
    const int64_t months = arg[1].integer;
    int32_t day = 0;
    const bool near = months > -240000 && months < 240000; // twice the years that dates have
    if (near) day = pc_day_add_months((int32_t)arg[0].integer, (int)months);
    if (!near || day < FIRST_DAY || day > LAST_DAY) {
        return pc_eval_fail(e, x, "a date beyond the years 1 to 9999");
    }
    out->integer = day;
    return PC_OK;
}
