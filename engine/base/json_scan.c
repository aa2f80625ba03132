/** A strict reader of JSON's grammar that builds nothing. cJSON, which builds the values, accepts
 *  more than JSON (01, raw control characters, 1e999) and does not say what it expected. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "json_scan.h"

enum { NUMBER_BYTES = 63 }; // cJSON reads no more of a number

typedef struct scanner {
    pc_span text;
    const char *name;
    size_t at;
    int depth;
    char closing[PC_JSON_MAX_DEPTH]; // '}' or ']' of each open container
    pc_buffer *key_offset;
    pc_error *err;
} scanner;

pc_status pc_json_fail_at(pc_span text, const char *name, size_t offset, const char *what,
                          pc_error *err)
{
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset && i < text.bytes; i++) {
        const unsigned char c = (unsigned char)text.data[i];
        if (c == '\n') {
            line++;
            column = 1;
        } else if ((c & 0xc0) != 0x80) {
            column++;
        }
    }
    return PC_FAIL(err, PC_BAD_JOB, "%s: line %zu, column %zu: %s", name, line, column, what);
}

static pc_status fail(const scanner *s, const char *what)
{
    return pc_json_fail_at(s->text, s->name, s->at, what, s->err);
}

// The byte at hand, or NUL at the end (a NUL in the text fits nowhere either).
static char peek(const scanner *s)
{
    return s->at < s->text.bytes ? s->text.data[s->at] : '\0';
}

static void skip_space(scanner *s)
{
    while (s->at < s->text.bytes && strchr(" \t\r\n", s->text.data[s->at]) != NULL &&
           s->text.data[s->at] != '\0') {
        s->at++;
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Reads the four digits after \u. -1: they are not there.
static int read_unit(scanner *s)
{
    int unit = 0;
    for (int i = 0; i < 4; i++) {
        const int value = hex_value(peek(s));
        if (value < 0) return -1;
        unit = unit * 16 + value;
        s->at++;
    }
    return unit;
}

// Stands behind a backslash.
static pc_status scan_escape(scanner *s)
{
    const char c = peek(s);
    if (c != '\0' && strchr("\"\\/bfnrt", c) != NULL) {
        s->at++;
        return PC_OK;
    }
    if (c != 'u') return fail(s, "expected one of \" \\ / b f n r t u after a backslash");
    s->at++;
    const int unit = read_unit(s);
    if (unit < 0) return fail(s, "expected four hexadecimal digits after \\u");
    if (unit == 0) return fail(s, "a text cannot hold the character \\u0000");
    if (unit >= 0xdc00 && unit <= 0xdfff) return fail(s, "half of a pair of \\u escapes");
    if (unit < 0xd800 || unit > 0xdbff) return PC_OK;
    if (peek(s) != '\\') return fail(s, "expected the second half of a pair of \\u escapes");
    s->at++;
    if (peek(s) != 'u') return fail(s, "expected the second half of a pair of \\u escapes");
    s->at++;
    const int second = read_unit(s);
    if (second < 0xdc00 || second > 0xdfff) {
        return fail(s, "expected the second half of a pair of \\u escapes");
    }
    return PC_OK;
}

static pc_status scan_text(scanner *s)
{
    const size_t start = s->at;
    s->at++;
    while (s->at < s->text.bytes) {
        const char c = s->text.data[s->at];
        if (c == '"') {
            s->at++;
            return PC_OK;
        }
        if (c == '\\') {
            s->at++;
            PC_TRY(scan_escape(s));
            continue;
        }
        if ((unsigned char)c < 0x20) {
            return fail(s, "a line feed, tab or other control character inside a text: write it "
                           "as an escape such as \\n");
        }
        const size_t bytes =
            pc_utf8_character((pc_span){s->text.data + s->at, s->text.bytes - s->at});
        if (bytes == 0) return fail(s, "this is not UTF-8: save the file as UTF-8");
        s->at += bytes;
    }
    s->at = start;
    return fail(s, "this text is not closed: expected '\"' before the end");
}

static size_t skip_digits(scanner *s)
{
    const size_t start = s->at;
    while (peek(s) >= '0' && peek(s) <= '9') {
        s->at++;
    }
    return s->at - start;
}

static pc_status scan_number(scanner *s)
{
    const size_t start = s->at;
    if (peek(s) == '-') s->at++;
    const bool zero_first = peek(s) == '0';
    const size_t digits = skip_digits(s);
    if (digits == 0) return fail(s, "expected a digit");
    if (zero_first && digits > 1) return fail(s, "a number does not begin with 0");
    if (peek(s) == '.') {
        s->at++;
        if (skip_digits(s) == 0) return fail(s, "expected a digit after the decimal point");
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') s->at++;
        if (skip_digits(s) == 0) return fail(s, "expected a digit in the exponent");
    }
    char number[NUMBER_BYTES + 1] = "";
    const size_t bytes = s->at - start;
    s->at = start;
    if (bytes > NUMBER_BYTES) return fail(s, "a number has at most 63 characters");
    memcpy(number, s->text.data + start, bytes);
    if (!isfinite(strtod(number, NULL))) return fail(s, "this number is too large");
    s->at = start + bytes;
    return PC_OK;
}

static bool scan_word(scanner *s, const char *word)
{
    const size_t bytes = strlen(word);
    if (s->text.bytes - s->at < bytes || memcmp(s->text.data + s->at, word, bytes) != 0) {
        return false;
    }
    s->at += bytes;
    return true;
}

static pc_status scan_scalar(scanner *s)
{
    const char c = peek(s);
    if (c == '"') return scan_text(s);
    if (c == '-' || (c >= '0' && c <= '9')) return scan_number(s);
    if (scan_word(s, "true") || scan_word(s, "false") || scan_word(s, "null")) return PC_OK;
    if (s->at >= s->text.bytes) return fail(s, "expected a value, the file ends here");
    return fail(s, "expected a value: a text in quotes, a number, true, false, null, { or [");
}

// A key and its colon; the value is next.
static pc_status scan_key(scanner *s)
{
    skip_space(s);
    if (peek(s) != '"') return fail(s, "expected a key in double quotes");
    PC_TRY(pc_buffer_append(s->key_offset, &s->at, sizeof s->at, s->err));
    PC_TRY(scan_text(s));
    skip_space(s);
    if (peek(s) != ':') return fail(s, "expected ':' after the key");
    s->at++;
    return PC_OK;
}

// Opens a container. `*empty`: it is closed already.
static pc_status scan_open(scanner *s, bool *empty)
{
    if (s->depth == PC_JSON_MAX_DEPTH) return fail(s, "nested more than 64 levels deep");
    const char closing = peek(s) == '{' ? '}' : ']';
    s->closing[s->depth++] = closing;
    s->at++;
    skip_space(s);
    *empty = peek(s) == closing;
    if (*empty) {
        s->at++;
        s->depth--;
        return PC_OK;
    }
    return closing == '}' ? scan_key(s) : PC_OK;
}

// After a value: closes containers until another value is due, or the outermost is closed.
static pc_status scan_after(scanner *s)
{
    while (s->depth > 0) {
        const char closing = s->closing[s->depth - 1];
        skip_space(s);
        if (peek(s) == ',') {
            s->at++;
            return closing == '}' ? scan_key(s) : PC_OK;
        }
        if (peek(s) != closing) {
            return fail(s, closing == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        s->at++;
        s->depth--;
    }
    return PC_OK;
}

pc_status pc_json_scan(pc_span text, const char *name, pc_buffer *key_offset, pc_error *err)
{
    scanner s = {.text = text, .name = name, .key_offset = key_offset, .err = err};
    if (text.bytes >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) s.at = 3; // a BOM
    do {
        skip_space(&s);
        if (peek(&s) == '{' || peek(&s) == '[') {
            bool empty;
            PC_TRY(scan_open(&s, &empty));
            if (!empty) continue;
        } else {
            PC_TRY(scan_scalar(&s));
        }
        PC_TRY(scan_after(&s));
    } while (s.depth > 0);
    skip_space(&s);
    if (s.at < text.bytes) return fail(&s, "expected nothing more after the value");
    return PC_OK;
}
