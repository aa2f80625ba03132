/** @file parcours/text.h
 *  Pieces of text, numbers and days in text form. No locale anywhere.
 */
#ifndef PC_TEXT_H
#define PC_TEXT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "parcours/arena.h"

__extension__ typedef __int128 pc_int128; ///< exact sums

/** A borrowed piece of bytes, not NUL-terminated. */
typedef struct pc_span {
    const char *data;
    size_t bytes;
} pc_span;

/** A span over a C string (borrowed). */
pc_span pc_span_of(const char *text);
bool pc_span_equal(pc_span a, pc_span b);
/** Order by bytes, as collation C. <0, 0, >0. */
int pc_span_compare(pc_span a, pc_span b);
/** Order for readers: runs of digits compare as numbers ("5-9" before "10-14"), the rest by bytes;
 * texts that are equal so far, by bytes. <0, 0 (equal bytes), >0. */
int pc_span_compare_natural(pc_span a, pc_span b);
/** Equal without regard to ASCII case. */
bool pc_span_equal_nocase(pc_span a, pc_span b);
/** Without blanks and tabs at both ends. */
pc_span pc_span_trim(pc_span text);

/** Bytes of the UTF-8 character that begins `text`, 1 to 4; 0: none, or `text` is empty. */
size_t pc_utf8_character(pc_span text);
/** Bytes at the start of `text` that are UTF-8; all of them when it equals `text.bytes`. */
size_t pc_utf8_prefix(pc_span text);

/** Days since 1970-01-01 of a proleptic Gregorian date; the date must be valid. */
int32_t pc_day_of(int year, int month, int day);
/** The date of a day. */
void pc_day_split(int32_t day, int *year, int *month, int *day_of_month);
bool pc_date_is_valid(int year, int month, int day);
/** Adds months as PostgreSQL does: same day of the month, or its last one. */
int32_t pc_day_add_months(int32_t day, int months);
/** ISO week number, 1 to 53. */
int pc_day_iso_week(int32_t day);
/** Completed years from `birth` to `day` (29 February counts as 28 in other years). */
int pc_age_on(int32_t birth, int32_t day);
/** Reads exactly YYYY-MM-DD (years 1 to 9999). False: not such a date. */
bool pc_day_parse(pc_span text, int32_t *day);
/** Writes YYYY-MM-DD and NUL; `out` has at least 16 bytes. Returns the bytes without NUL. */
int pc_day_format(int32_t day, char *out);

/** Reads [+-]digits, all of the text. False: not an integer, or beyond int64. */
bool pc_int_parse(pc_span text, int64_t *value);
/** Reads [+-]digits[.digits] scaled by 10^scale, exactly; more decimals than `scale` must be zeros.
 *  False: not such a number, or beyond int64. `mark` is the decimal mark ('.' or ','). */
bool pc_decimal_parse(pc_span text, int scale, char mark, int64_t *value);
/** Writes a scaled integer at its scale ("-12.50") and NUL; `out` has at least 48 bytes. */
int pc_decimal_format(pc_int128 value, int scale, char *out);
/** Writes a double with 12 significant digits ("%.12g"; -0 as 0, "nan", "inf") and NUL. [32] */
int pc_float_format(double value, char *out);
/** Reads "256M", "4G", "1024", "1.5G": bytes; K, M, G, T of either case are powers of 1024. False:
 *  not a size, or beyond 2^63. */
bool pc_size_parse(const char *text, size_t *bytes);

/** The name of `name[0 .. count-1]` nearest to `wanted` by edits (Damerau-Levenshtein, case-blind),
 *  or NULL when none is near: the edits are more than a third of the longer name. Of equally near
 *  ones the first. Names beyond 64 bytes are not compared. Borrowed from `name`. */
const char *pc_nearest_name(const char *wanted, const char *const *name, size_t count);

#endif
