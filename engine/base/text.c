/** Spans, numbers in text form, names that a person may have meant. The program never calls
 *  setlocale, so printf writes numbers as in the C locale. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "parcours/text.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

pc_span pc_span_of(const char *text)
{
    return (pc_span){text, strlen(text)};
}

bool pc_span_equal(pc_span a, pc_span b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

int pc_span_compare(pc_span a, pc_span b)
{
    const size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    const int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) return order;
    return (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// The run of digits at `*at`, without leading zeros; `*at` moves behind it.
static pc_span digits_at(pc_span text, size_t *at)
{
    while (*at < text.bytes && text.data[*at] == '0') {
        (*at)++;
    }
    const size_t from = *at;
    while (*at < text.bytes && is_digit(text.data[*at])) {
        (*at)++;
    }
    return (pc_span){text.data + from, *at - from};
}

int pc_span_compare_natural(pc_span a, pc_span b)
{
    size_t i = 0, j = 0;
    while (i < a.bytes && j < b.bytes) {
        if (is_digit(a.data[i]) && is_digit(b.data[j])) {
            const pc_span x = digits_at(a, &i), y = digits_at(b, &j);
            if (x.bytes != y.bytes) return x.bytes < y.bytes ? -1 : 1;
            const int order = pc_span_compare(x, y);
            if (order != 0) return order;
        } else {
            if (a.data[i] != b.data[j]) {
                return (unsigned char)a.data[i] < (unsigned char)b.data[j] ? -1 : 1;
            }
            i++;
            j++;
        }
    }
    if ((i < a.bytes) != (j < b.bytes)) return i < a.bytes ? 1 : -1;
    return pc_span_compare(a, b);
}

bool pc_span_equal_nocase(pc_span a, pc_span b)
{
    if (a.bytes != b.bytes) return false;
    for (size_t i = 0; i < a.bytes; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

pc_span pc_span_trim(pc_span text)
{
    while (text.bytes > 0 && is_blank(text.data[0])) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 && is_blank(text.data[text.bytes - 1])) {
        text.bytes--;
    }
    return text;
}

size_t pc_utf8_character(pc_span text)
{
    if (text.bytes == 0) return 0;
    const unsigned char *c = (const unsigned char *)text.data;
    if (c[0] < 0x80) return 1;
    const size_t bytes = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || bytes > text.bytes) return 0;
    for (size_t i = 1; i < bytes; i++) {
        if ((c[i] & 0xc0) != 0x80) return 0;
    }
    // Longer forms than needed, halves of surrogate pairs, and what is beyond U+10FFFF.
    if (c[0] == 0xe0 && c[1] < 0xa0) return 0;
    if (c[0] == 0xed && c[1] > 0x9f) return 0;
    if (c[0] == 0xf0 && c[1] < 0x90) return 0;
    if (c[0] == 0xf4 && c[1] > 0x8f) return 0;
    return bytes;
}

size_t pc_utf8_prefix(pc_span text)
{
    size_t at = 0;
    while (at < text.bytes) {
        const size_t bytes = pc_utf8_character((pc_span){text.data + at, text.bytes - at});
        if (bytes == 0) break;
        at += bytes;
    }
    return at;
}

bool pc_int_parse(pc_span text, int64_t *value)
{
    return pc_decimal_parse(text, 0, '\0', value);
}

// Appends a digit to a magnitude of at most 2^63. False: beyond that.
static bool push_digit(uint64_t *magnitude, unsigned digit)
{
    const uint64_t most = (uint64_t)INT64_MAX + 1;
    if (*magnitude > (most - digit) / 10) return false;
    *magnitude = *magnitude * 10 + digit;
    return true;
}

bool pc_decimal_parse(pc_span text, int scale, char mark, int64_t *value)
{
    if (text.bytes == 0) return false;
    const char *at = text.data;
    const char *end = text.data + text.bytes;
    const bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    uint64_t magnitude = 0;
    const char *first = at;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (!push_digit(&magnitude, (unsigned)(*at - '0'))) return false;
    }
    if (at == first) return false;
    int decimals = 0;
    if (at < end && mark != '\0' && *at == mark) {
        at++;
        if (at == end) return false;
        for (; at < end && *at >= '0' && *at <= '9'; at++) {
            if (decimals == scale) {
                if (*at != '0') return false;
                continue;
            }
            if (!push_digit(&magnitude, (unsigned)(*at - '0'))) return false;
            decimals++;
        }
    }
    if (at != end) return false;
    for (; decimals < scale; decimals++) {
        if (!push_digit(&magnitude, 0)) return false;
    }
    if (magnitude > (uint64_t)INT64_MAX && !negative) return false;
    // 0 - 2^63 in unsigned arithmetic is the bit pattern of INT64_MIN.
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

int pc_decimal_format(pc_int128 value, int scale, char *out)
{
    __extension__ typedef unsigned __int128 magnitude_type;
    magnitude_type magnitude = value < 0 ? -(magnitude_type)value : (magnitude_type)value;
    char reversed[48];
    int count = 0;
    do {
        if (count == scale && scale > 0) reversed[count++] = '.';
        reversed[count++] = (char)('0' + (int)(magnitude % 10));
        magnitude /= 10;
    } while (magnitude != 0 || (scale > 0 && count < scale + 2));
    int bytes = 0;
    if (value < 0) out[bytes++] = '-';
    while (count > 0) {
        out[bytes++] = reversed[--count];
    }
    out[bytes] = '\0';
    return bytes;
}

int pc_float_format(double value, char *out)
{
    if (isnan(value)) return snprintf(out, 32, "nan");
    if (value == 0) return snprintf(out, 32, "0"); // -0 too: no reader wants to tell them apart
    return snprintf(out, 32, "%.12g", value);
}

bool pc_size_parse(const char *text, size_t *bytes)
{
    enum { DECIMALS = 9 };
    static const char unit[] = "kmgt";
    pc_span number = pc_span_of(text);
    int power = 0;
    if (number.bytes > 0) {
        const char *found = memchr(unit, lower(number.data[number.bytes - 1]), sizeof unit - 1);
        if (found != NULL) {
            power = (int)(found - unit) + 1;
            number.bytes--;
        }
    }
    int64_t scaled;
    if (number.bytes == 0 || number.data[0] < '0' || number.data[0] > '9') return false;
    if (!pc_decimal_parse(number, power == 0 ? 0 : DECIMALS, power == 0 ? '\0' : '.', &scaled)) {
        return false;
    }
    pc_int128 size = scaled;
    for (int i = 0; i < power; i++) {
        size *= 1024;
    }
    for (int i = 0; i < (power == 0 ? 0 : DECIMALS); i++) {
        size /= 10;
    }
    if (size > (pc_int128)INT64_MAX) return false;
    *bytes = (size_t)size;
    return true;
}

enum { NAME_BYTES = 64 }; // longer names are not compared

// Damerau-Levenshtein distance of two names (each swap once), without regard to case.
// Both have at most NAME_BYTES bytes.
static size_t edit_distance(pc_span a, pc_span b)
{
    size_t row[3][NAME_BYTES + 1]; // of the two rows before and this one
    for (size_t j = 0; j <= b.bytes; j++) {
        row[0][j] = j;
    }
    for (size_t i = 1; i <= a.bytes; i++) {
        const size_t *above = row[(i - 1) % 3];
        const size_t *two_above = row[(i + 1) % 3];
        size_t *now = row[i % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.bytes; j++) {
            const char x = lower(a.data[i - 1]);
            const char y = lower(b.data[j - 1]);
            size_t best = above[j - 1] + (x == y ? 0 : 1);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && x == lower(b.data[j - 2]) && y == lower(a.data[i - 2]) &&
                two_above[j - 2] + 1 < best) {
                best = two_above[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[a.bytes % 3][b.bytes];
}

const char *pc_nearest_name(const char *wanted, const char *const *name, size_t count)
{
    const pc_span a = pc_span_of(wanted);
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    for (size_t i = 0; i < count && a.bytes <= NAME_BYTES; i++) {
        const pc_span b = pc_span_of(name[i]);
        if (b.bytes > NAME_BYTES) continue;
        const size_t longer = a.bytes > b.bytes ? a.bytes : b.bytes;
        const size_t distance = edit_distance(a, b);
        if (distance * 3 <= longer && distance < nearest_distance) {
            nearest = name[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
