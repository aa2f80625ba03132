/** Functions that write a new text. They run once per dictionary code (expr_map.c). */
#include <string.h>
#include "expr_private.h"

enum { MOST_BYTES = 1 << 20 }; // of a text that is made: a bound for hostile lengths

static pc_status put(pc_eval *e, pc_buffer *to, pc_span text)
{
    return pc_buffer_append(to, text.data, text.bytes, e->err);
}

static pc_span behind(pc_span text, size_t bytes)
{
    return (pc_span){text.data + bytes, text.bytes - bytes};
}

static pc_status replace(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    pc_span text = arg[0].text;
    const pc_span from = arg[1].text;
    while (from.bytes > 0) {
        const size_t at = pc_text_find(text, from);
        if (at == SIZE_MAX) break;
        if (to->bytes > MOST_BYTES) return pc_eval_fail(e, x, "a text beyond 1048576 bytes");
        PC_TRY(put(e, to, (pc_span){text.data, at}));
        PC_TRY(put(e, to, arg[2].text));
        text = behind(text, at + from.bytes);
    }
    return put(e, to, text);
}

static pc_status pad(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const bool is_left = pc_function_which(x->function) == PC_FN_PAD_LEFT;
    const int64_t wanted = arg[1].integer < 0 ? 0 : arg[1].integer;
    if (wanted > MOST_BYTES) return pc_eval_fail(e, x, "a length beyond 1048576");
    const pc_span text = pc_text_part(arg[0].text, 0, wanted);
    const pc_span fill = arg[2].text;
    const int64_t missing = wanted - pc_text_characters(text);
    if (!is_left) PC_TRY(put(e, to, text));
    size_t at = 0;
    for (int64_t i = 0; i < missing && fill.bytes > 0; i++) {
        const pc_span rest = behind(fill, at);
        const size_t bytes = pc_text_step(rest);
        PC_TRY(put(e, to, (pc_span){rest.data, bytes}));
        at = at + bytes == fill.bytes ? 0 : at + bytes;
    }
    return is_left ? put(e, to, text) : PC_OK;
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static bool is_alphanumeric(char c)
{
    const char lower = to_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

// LOWER, UPPER, INITCAP: ASCII letters.
static pc_status fold_case(pc_eval *e, pc_function_id id, pc_span text, pc_buffer *to)
{
    PC_TRY(put(e, to, text));
    bool in_word = false;
    for (size_t i = 0; i < to->bytes; i++) {
        const char c = to->data[i];
        const bool raise = id == PC_FN_UPPER || (id == PC_FN_INITCAP && !in_word);
        to->data[i] = raise ? to_upper(c) : to_lower(c);
        in_word = is_alphanumeric(c);
    }
    return PC_OK;
}

static pc_status repeat(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const int64_t bytes = (int64_t)arg[0].text.bytes;
    if (bytes == 0) return PC_OK;
    if (arg[1].integer > MOST_BYTES / bytes) {
        return pc_eval_fail(e, x, "a text beyond 1048576 bytes");
    }
    for (int64_t i = 0; i < arg[1].integer; i++) {
        PC_TRY(put(e, to, arg[0].text));
    }
    return PC_OK;
}

static pc_status reverse(pc_eval *e, pc_span text, pc_buffer *to)
{
    PC_TRY(pc_buffer_reserve(to, text.bytes + 1, e->err));
    to->bytes = text.bytes;
    for (size_t at = 0; at < text.bytes;) {
        const size_t bytes = pc_text_step(behind(text, at));
        memcpy(to->data + text.bytes - at - bytes, text.data + at, bytes);
        at += bytes;
    }
    return PC_OK;
}

// Each character of `from` becomes the one at its place in `to`, or nothing.
static pc_status translate(pc_eval *e, const pc_cell *arg, pc_buffer *to)
{
    for (pc_span text = arg[0].text; text.bytes > 0;) {
        const pc_span character = {text.data, pc_text_step(text)};
        pc_span from = arg[1].text;
        pc_span by = arg[2].text;
        pc_span written = character;
        while (from.bytes > 0) {
            const pc_span it = {from.data, pc_text_step(from)};
            const size_t by_bytes = by.bytes == 0 ? 0 : pc_text_step(by);
            if (pc_span_equal(it, character)) {
                written = (pc_span){by.data, by_bytes};
                break;
            }
            from = behind(from, it.bytes);
            by = behind(by, by_bytes);
        }
        if (written.bytes > 0) PC_TRY(put(e, to, written));
        text = behind(text, character.bytes);
    }
    return PC_OK;
}

static pc_status overlay(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const int64_t from = arg[2].integer;
    const int64_t count = x->arg_count > 3 ? arg[3].integer : pc_text_characters(arg[1].text);
    int64_t end;
    if (from <= 0) return pc_eval_fail(e, x, "a place before the first character");
    if (__builtin_add_overflow(from, count, &end)) return pc_eval_fail(e, x, "a length too large");
    if (end < 1) end = 1;
    PC_TRY(put(e, to, pc_text_part(arg[0].text, 0, from - 1)));
    PC_TRY(put(e, to, arg[1].text));
    return put(e, to, pc_text_part(arg[0].text, end - 1, INT64_MAX));
}

static pc_status character_of(pc_eval *e, const pc_expr *x, int64_t code, pc_buffer *to)
{
    if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return pc_eval_fail(e, x, "a number that is no character");
    }
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned char mark[4] = {0, 0xc0, 0xe0, 0xf0};
    char bytes[4];
    bytes[0] = (char)(mark[more] | (unsigned char)(code >> (6 * more)));
    for (int i = 1; i <= more; i++) {
        bytes[i] = (char)(0x80 | ((code >> (6 * (more - i))) & 0x3f));
    }
    return pc_buffer_append(to, bytes, (size_t)more + 1, e->err);
}

// CONCAT, JOIN, CONCAT_WITH: nulls are passed over.
static pc_status concatenate(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const bool with = pc_function_which(x->function) == PC_FN_CONCAT_WITH;
    bool is_first = true;
    for (int i = with ? 1 : 0; i < x->arg_count; i++) {
        if (arg[i].is_null) continue;
        if (with && !is_first) PC_TRY(put(e, to, arg[0].text));
        PC_TRY(put(e, to, arg[i].text));
        is_first = false;
    }
    return PC_OK;
}

static pc_status write(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const pc_function_id id = pc_function_which(x->function);
    switch (id) {
        case PC_FN_LOWER:
        case PC_FN_UPPER:
        case PC_FN_INITCAP:
            return fold_case(e, id, arg[0].text, to);
        case PC_FN_REPLACE:
            return replace(e, x, arg, to);
        case PC_FN_PAD_LEFT:
        case PC_FN_PAD_RIGHT:
            return pad(e, x, arg, to);
        case PC_FN_REPEAT:
            return repeat(e, x, arg, to);
        case PC_FN_REVERSE:
            return reverse(e, arg[0].text, to);
        case PC_FN_TRANSLATE:
            return translate(e, arg, to);
        case PC_FN_OVERLAY:
            return overlay(e, x, arg, to);
        case PC_FN_CHR:
            return character_of(e, x, arg[0].integer, to);
        default:
            return concatenate(e, x, arg, to);
    }
}

pc_status pc_cell_made_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    pc_buffer *to = &e->state->text;
    to->bytes = 0;
    if (pc_function_which(x->function) == PC_FN_CONCAT_WITH && arg[0].is_null) {
        out->is_null = true;
        return PC_OK;
    }
    PC_TRY(write(e, x, arg, to));
    out->text = (pc_span){to->bytes == 0 ? "" : to->data, to->bytes};
    return PC_OK;
}
