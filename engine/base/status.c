/** Statuses and the one sentence that a person reads. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "parcours/status.h"
#include "parcours/text.h"

// Copies what fits, whole characters only. Names of files can hold any byte: what is not UTF-8 or
// would break the line becomes '?', so that logs and journals stay readable.
static void copy_clean(char *out, size_t out_bytes, const char *text, size_t text_bytes)
{
    size_t used = 0;
    size_t at = 0;
    while (at < text_bytes) {
        const unsigned char first = (unsigned char)text[at];
        size_t bytes = pc_utf8_character((pc_span){text + at, text_bytes - at});
        const bool bad = bytes == 0 || first < 0x20 || first == 0x7f;
        if (bytes == 0) bytes = 1;
        if (used + (bad ? 1 : bytes) >= out_bytes) break;
        if (bad) {
            out[used++] = first == '\n' || first == '\r' || first == '\t' ? ' ' : '?';
        } else {
            memcpy(out + used, text + at, bytes);
            used += bytes;
        }
        at += bytes;
    }
    out[used] = '\0';
}

// Formats into `out`; returns the bytes that are there. A character that the end of `out` cut in
// two is left out.
static size_t format_text(char *out, size_t out_bytes, const char *format, va_list arguments)
{
    const int wanted = vsnprintf(out, out_bytes, format, arguments);
    if (wanted < 0) return 0;
    if ((size_t)wanted < out_bytes) return (size_t)wanted;
    size_t bytes = out_bytes - 1;
    size_t start = bytes;
    while (start > 0 && bytes - start < 4 && ((unsigned char)out[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    if (start > 0 && (unsigned char)out[start - 1] >= 0xc0) {
        start--;
        if (pc_utf8_character((pc_span){out + start, bytes - start}) == 0) bytes = start;
    }
    return bytes;
}

pc_status pc_fail(pc_error *err, pc_status status, const char *format, ...)
{
    if (err == NULL) return status;
    char text[PC_ERROR_BYTES]; // apart from err->text, which may be an argument
    va_list arguments;
    va_start(arguments, format);
    const size_t bytes = format_text(text, sizeof text, format, arguments);
    va_end(arguments);
    err->status = status;
    copy_clean(err->text, sizeof err->text, text, bytes);
    return status;
}

void pc_error_prefix(pc_error *err, const char *format, ...)
{
    if (err == NULL) return;
    char text[2 * PC_ERROR_BYTES];
    va_list arguments;
    va_start(arguments, format);
    size_t bytes = format_text(text, PC_ERROR_BYTES, format, arguments);
    va_end(arguments);
    const size_t old_bytes = strnlen(err->text, sizeof err->text - 1);
    memcpy(text + bytes, ": ", 2);
    bytes += 2;
    const size_t room = sizeof text - bytes;
    const size_t moved = old_bytes < room ? old_bytes : room;
    memcpy(text + bytes, err->text, moved);
    copy_clean(err->text, sizeof err->text, text, bytes + moved);
}

int pc_exit_code(pc_status status)
{
    switch (status) {
        case PC_OK:
            return 0;
        case PC_BAD_JOB:
        case PC_UNSUPPORTED:
            return 2;
        case PC_REFUSED:
            return 3;
        case PC_TOO_MANY_REJECTS:
            return 4;
        case PC_STOPPED:
            return 75;
        case PC_BAD_INPUT:
        case PC_NO_MEMORY:
        case PC_IO:
            break;
    }
    return 1;
}
