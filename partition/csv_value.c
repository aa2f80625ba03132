/** Numbers and dates as the delivery writes them. Exact: nothing goes through a float but floats.
 */
#include <stdlib.h>
#include <string.h>
#include "csv_private.h"

enum {
    SAS_EPOCH = -3653,    // 1960-01-01 in days since 1970-01-01
    SAS_LEAST_DIGITS = 9, // shorter numbers could be meant as yyyymmdd: refused, not guessed
    SAS_MOST_DIGITS = 12, // up to year 9999
    DAY_SECONDS = 86400,
    FLOAT_TEXT_BYTES = 64
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

// ---- eight digits at once ---------------------------------------------------------------------
// Nearly all values of a delivery are a few digits in one form. These read them as words; whatever
// is not of that form goes the general way below, which says what is wrong with it.

static uint64_t load8(const char *text)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++) // one load for the compiler
        word |= (uint64_t)(unsigned char)text[i] << (8 * i);
    return word;
}

// Up to eight characters, the first in the lowest byte, moved up behind zeros ('0').
static uint64_t right_align(uint64_t word, size_t count)
{
    const int shift = (int)(64 - 8 * count);
    return count == 8 ? word : (word << shift) | (UINT64_C(0x3030303030303030) >> (8 * count));
}

static bool are_digits(uint64_t word)
{
    const uint64_t high = word & UINT64_C(0xf0f0f0f0f0f0f0f0);
    const uint64_t carried = (word + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0);
    return (high | carried >> 4) == UINT64_C(0x3333333333333333);
}

// The number that eight digits are: pairs, then fours, then all.
static int64_t number_of(uint64_t word)
{
    word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (int64_t)((word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32);
}

// One to eight digits, the first in the lowest byte.
static bool short_number(uint64_t word, size_t count, int64_t *value)
{
    const uint64_t aligned = right_align(word, count);
    if (!are_digits(aligned)) return false;
    *value = number_of(aligned);
    return true;
}

// Digits, a point, and as many digits as the column has behind it: eight characters at most.
static bool short_decimal(pc_span text, int scale, int64_t *value)
{
    const size_t places = (size_t)scale;
    if (text.bytes > 8 || text.bytes < places + 2) return false;
    const size_t whole = text.bytes - places - 1;
    if (text.data[whole] != '.') return false;
    const uint64_t word = load8(text.data);
    const uint64_t mask = (UINT64_C(1) << (8 * whole)) - 1; // whole < 8
    const uint64_t digits = (word & mask) | (word >> 8 & ~mask);
    return short_number(digits, text.bytes - 1, value);
}

// ---- any form ---------------------------------------------------------------------------------

// Digits at *at as a number, leading zeros not counted in *significant. False: over 18 digits.
static bool read_digits(const char **at, const char *end, int64_t *value, int *significant,
                        int *digits)
{
    const char *begin = *at;
    const char *c = begin;
    int64_t v = *value;
    int most = *significant;
    for (; c < end && is_digit(*c); c++) {
        if (v != 0 || *c != '0') most++;
        if (most > 18) return false;
        v = 10 * v + (*c - '0');
    }
    *digits += (int)(c - begin);
    *significant = most;
    *value = v;
    *at = c;
    return true;
}

static bool all_zeros(const char *at, const char *end)
{
    while (at < end && *at == '0')
        at++;
    return at == end;
}

// A number of any form; `text` is not empty.
static csv_parsed parse_number(pc_span text, int digits, int scale, int64_t *value)
{
    const char *at = text.data;
    const char *end = at + text.bytes;
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    int64_t v = 0;
    int significant = 0;
    int seen = 0;
    if (!read_digits(&at, end, &v, &significant, &seen)) {
        while (at < end && is_digit(*at))
            at++;
        return at == end || *at == '.' || *at == ',' ? CSV_RANGE : CSV_BAD;
    }
    int places = 0;
    if (at < end && (*at == '.' || *at == ',')) {
        const char *last = ++at;
        while (last < end && last - at < scale && is_digit(*last))
            last++;
        const char *from = at;
        if (!read_digits(&at, last, &v, &significant, &seen)) return CSV_RANGE;
        places = (int)(at - from);
        if (places == scale && !all_zeros(at, end)) return CSV_BAD;
        if (places == scale) {
            seen += (int)(end - at);
            at = end;
        }
    }
    if (at != end || seen == 0) return CSV_BAD;
    for (; places < scale; places++) {
        if (v != 0) significant++;
        if (significant > 18) return CSV_RANGE;
        v *= 10;
    }
    *value = negative ? -v : v;
    return significant <= digits ? CSV_GOOD : CSV_RANGE;
}

csv_parsed csv_parse_decimal(pc_span text, int digits, int scale, int64_t *value)
{
    if (digits >= 8 && scale > 0 && short_decimal(text, scale, value)) return CSV_GOOD;
    return parse_number(text, digits, scale, value);
}

csv_parsed csv_parse_int(pc_span text, int digits, int64_t *value)
{
    const bool is_short = text.bytes <= 8 && text.bytes <= (size_t)digits;
    if (is_short && short_number(load8(text.data), text.bytes, value)) return CSV_GOOD;
    return parse_number(text, digits, 0, value);
}

bool csv_parse_float(pc_span text, double *value)
{
    char copy[FLOAT_TEXT_BYTES];
    int digits = 0;
    if (text.bytes >= sizeof copy) return false;
    for (size_t i = 0; i < text.bytes; i++) {
        const char c = text.data[i];
        if (!is_digit(c) && strchr("+-.,eE", c) == NULL) return false; // no "inf", "nan", "0x"
        digits += is_digit(c);
        copy[i] = (char)(c == ',' ? '.' : c);
    }
    copy[text.bytes] = '\0';
    char *end = copy;
    *value = strtod(copy, &end);
    return digits > 0 && *end == '\0' && *value - *value == 0.0; // not infinite
}

bool csv_parse_bool(pc_span text, int64_t *value)
{
    static const char *const no[] = {"0", "false", "f"};
    static const char *const yes[] = {"1", "true", "t"};
    for (size_t i = 0; i < 3; i++) {
        if (pc_span_equal_nocase(text, pc_span_of(no[i]))) {
            *value = 0;
            return true;
        }
        if (pc_span_equal_nocase(text, pc_span_of(yes[i]))) {
            *value = 1;
            return true;
        }
    }
    return false;
}

static bool make_day(int year, int month, int day, int32_t *out)
{
    static const int days_before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    if (day > month_days[month - 1] + (leap && month == 2)) return false;
    const int past = year - 1;
    *out = 365 * past + past / 4 - past / 100 + past / 400 + days_before[month - 1] +
           (leap && month > 2) + day - 1 - 719162;
    return true;
}

static int two(const char *c)
{
    return 10 * (c[0] - '0') + (c[1] - '0');
}

static bool digits_at(const char *c, int count)
{
    bool all = true;
    for (int i = 0; i < count; i++)
        all = all && is_digit(c[i]);
    return all;
}

// Nothing, or :hh:mm:ss, " hh:mm:ss", "Thh:mm:ss", with or without a fraction.
static bool is_time(pc_span rest)
{
    if (rest.bytes == 0) return true;
    const char *c = rest.data;
    if (rest.bytes < 9 || strchr(": T", c[0]) == NULL) return false;
    if (!digits_at(c + 1, 2) || c[3] != ':' || !digits_at(c + 4, 2) || c[6] != ':' ||
        !digits_at(c + 7, 2)) {
        return false;
    }
    if (two(c + 1) > 23 || two(c + 4) > 59 || two(c + 7) > 59) return false;
    if (rest.bytes == 9) return true;
    return c[9] == '.' && rest.bytes > 10 && digits_at(c + 10, (int)rest.bytes - 10);
}

static int month_of(const char *c)
{
    static const char name[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    char upper[3];
    for (int i = 0; i < 3; i++)
        upper[i] = (char)(c[i] >= 'a' && c[i] <= 'z' ? c[i] - 32 : c[i]);
    for (int month = 1; month <= 12; month++) {
        if (memcmp(name + (size_t)(3 * (month - 1)), upper, 3) == 0) return month;
    }
    return 0;
}

// Seconds since 1960-01-01, as SAS writes a date and time.
static bool sas_seconds(pc_span text, int32_t *day)
{
    int64_t seconds = 0;
    if (csv_parse_decimal(text, SAS_MOST_DIGITS, 0, &seconds) != CSV_GOOD) return false;
    int digits = 0;
    for (int64_t rest = seconds; rest != 0; rest /= 10)
        digits++;
    if (digits < SAS_LEAST_DIGITS) return false;
    int64_t days = seconds / DAY_SECONDS;
    if (seconds % DAY_SECONDS < 0) days--;
    days += SAS_EPOCH;
    if (days < -719162 || days > 2932896) return false; // years 1 to 9999
    *day = (int32_t)days;
    return true;
}

// yyyy-mm-dd and no more.
static bool iso_date(pc_span text, int32_t *day)
{
    if (text.bytes != 10 || text.data[4] != '-' || text.data[7] != '-') return false;
    const uint64_t first = load8(text.data), last = load8(text.data + 2);
    const uint64_t digits = (first & UINT64_C(0x00000000ffffffff)) |
                            (first >> 8 & UINT64_C(0x0000ffff00000000)) |
                            (last & UINT64_C(0xffff000000000000));
    if (!are_digits(digits)) return false;
    const int number = (int)number_of(digits);
    return make_day(number / 10000, number / 100 % 100, number % 100, day);
}

static bool any_date(pc_span text, int32_t *day)
{
    const char *c = text.data;
    const size_t bytes = text.bytes;
    if (bytes >= 10 && c[4] == '-' && c[7] == '-' && digits_at(c, 4) && digits_at(c + 5, 2) &&
        digits_at(c + 8, 2)) {
        return is_time((pc_span){c + 10, bytes - 10}) &&
               make_day(100 * two(c) + two(c + 2), two(c + 5), two(c + 8), day);
    }
    if (bytes >= 10 && c[2] == '/' && c[5] == '/' && digits_at(c, 2) && digits_at(c + 3, 2) &&
        digits_at(c + 6, 4)) {
        return is_time((pc_span){c + 10, bytes - 10}) &&
               make_day(100 * two(c + 6) + two(c + 8), two(c + 3), two(c), day);
    }
    if (bytes >= 9 && digits_at(c, 2) && month_of(c + 2) > 0 && digits_at(c + 5, 4)) {
        return is_time((pc_span){c + 9, bytes - 9}) &&
               make_day(100 * two(c + 5) + two(c + 7), month_of(c + 2), two(c), day);
    }
    return false;
}

bool csv_parse_date(pc_span text, pc_date_format format, int32_t *day)
{
    if (format == PC_DATE_DDMMYYYY && (text.bytes == 7 || text.bytes == 8) &&
        digits_at(text.data, (int)text.bytes)) {
        char all[8] = {'0'}; // the leading zero that a spreadsheet took away
        memcpy(all + 8 - text.bytes, text.data, text.bytes);
        return make_day(100 * two(all + 4) + two(all + 6), two(all + 2), two(all), day);
    }
    if (format == PC_DATE_YYYYMMDD && text.bytes == 8 && digits_at(text.data, 8)) {
        const char *c = text.data;
        return make_day(100 * two(c) + two(c + 2), two(c + 4), two(c + 6), day);
    }
    if (iso_date(text, day) || any_date(text, day)) return true;
    return format == PC_DATE_ANY && sas_seconds(text, day);
}
