/** Text functions, counted in UTF-8 characters. They run once per dictionary code (expr_map.c). */
#include <string.h>
#include "expr_private.h"

static size_t step_bytes(pc_span text)
{
    const size_t bytes = pc_utf8_character(text);
    return bytes == 0 ? 1 : bytes;
}

// Bytes of the first `count` characters; `*found` how many there are of them.
static size_t bytes_of(pc_span text, int64_t count, int64_t *found)
{
    size_t at = 0;
    int64_t n = 0;
    while (n < count && at < text.bytes) {
        at += step_bytes((pc_span){text.data + at, text.bytes - at});
        n++;
    }
    *found = n;
    return at;
}

static int64_t characters(pc_span text)
{
    int64_t count;
    (void)bytes_of(text, INT64_MAX, &count);
    return count;
}

static pc_span part(pc_span text, int64_t from, int64_t count)
{
    int64_t found;
    const size_t start = bytes_of(text, from, &found);
    const pc_span rest = {text.data + start, text.bytes - start};
    return (pc_span){rest.data, bytes_of(rest, count, &found)};
}

// from counts from 1; characters before the first are counted but not there.
static pc_status substring(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    int64_t from = arg[1].integer;
    int64_t end = INT64_MAX;
    if (x->arg_count > 2) {
        if (arg[2].integer < 0) return pc_eval_fail(e, x, "a negative length");
        if (__builtin_add_overflow(from, arg[2].integer, &end)) end = INT64_MAX;
    }
    if (from < 1) from = 1;
    out->text = end <= from ? (pc_span){"", 0} : part(arg[0].text, from - 1, end - from);
    return PC_OK;
}

pc_status pc_cell_part_of_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_SUBSTRING) return substring(e, x, arg, out);
    const int64_t wanted = arg[1].integer;
    const int64_t length = characters(arg[0].text);
    int64_t kept = wanted < length ? wanted : length;
    if (wanted < 0) kept = wanted > -length ? length + wanted : 0;
    out->text = part(arg[0].text, id == PC_FN_LEFT ? 0 : length - kept, kept);
    return PC_OK;
}

static bool holds_character(pc_span set, pc_span character)
{
    for (size_t at = 0; at < set.bytes;) {
        const pc_span rest = {set.data + at, set.bytes - at};
        const size_t bytes = step_bytes(rest);
        if (pc_span_equal((pc_span){rest.data, bytes}, character)) return true;
        at += bytes;
    }
    return false;
}

// Start of the last character.
static size_t last_character(pc_span text)
{
    size_t at = text.bytes - 1;
    while (at > 0 && text.bytes - at < 4 && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
        at--;
    }
    return at + step_bytes((pc_span){text.data + at, text.bytes - at}) == text.bytes
               ? at
               : text.bytes - 1;
}

pc_status pc_cell_trim(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const pc_function_id id = pc_function_which(x->function);
    pc_span text = arg[0].text;
    while (id != PC_FN_TRIM_RIGHT && text.bytes > 0) {
        const size_t bytes = step_bytes(text);
        if (!holds_character(arg[1].text, (pc_span){text.data, bytes})) break;
        text = (pc_span){text.data + bytes, text.bytes - bytes};
    }
    while (id != PC_FN_TRIM_LEFT && text.bytes > 0) {
        const size_t at = last_character(text);
        if (!holds_character(arg[1].text, (pc_span){text.data + at, text.bytes - at})) break;
        text.bytes = at;
    }
    out->text = text;
    return PC_OK;
}

static size_t find(pc_span text, pc_span wanted)
{
    for (size_t at = 0; at + wanted.bytes <= text.bytes; at++) {
        if (memcmp(text.data + at, wanted.data, wanted.bytes) == 0) return at;
    }
    return SIZE_MAX;
}

static pc_status replace(pc_eval *e, const pc_cell *arg, pc_buffer *to)
{
    pc_span text = arg[0].text;
    const pc_span from = arg[1].text;
    while (from.bytes > 0) {
        const size_t at = find(text, from);
        if (at == SIZE_MAX) break;
        PC_TRY(pc_buffer_append(to, text.data, at, e->err));
        PC_TRY(pc_buffer_append(to, arg[2].text.data, arg[2].text.bytes, e->err));
        text = (pc_span){text.data + at + from.bytes, text.bytes - at - from.bytes};
    }
    return pc_buffer_append(to, text.data, text.bytes, e->err);
}

enum { PAD_CHARACTERS = 1 << 20 }; // a bound for hostile lengths

static pc_status pad(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_buffer *to)
{
    const bool is_left = pc_function_which(x->function) == PC_FN_PAD_LEFT;
    const int64_t wanted = arg[1].integer < 0 ? 0 : arg[1].integer;
    if (wanted > PAD_CHARACTERS) return pc_eval_fail(e, x, "a length beyond 1048576");
    const pc_span text = part(arg[0].text, 0, wanted);
    const pc_span fill = arg[2].text;
    const int64_t missing = wanted - characters(text);
    if (!is_left) PC_TRY(pc_buffer_append(to, text.data, text.bytes, e->err));
    size_t at = 0;
    for (int64_t i = 0; i < missing && fill.bytes > 0; i++) {
        const pc_span rest = {fill.data + at, fill.bytes - at};
        const size_t bytes = step_bytes(rest);
        PC_TRY(pc_buffer_append(to, rest.data, bytes, e->err));
        at = at + bytes == fill.bytes ? 0 : at + bytes;
    }
    if (is_left) PC_TRY(pc_buffer_append(to, text.data, text.bytes, e->err));
    return PC_OK;
}

static pc_status fold_case(pc_eval *e, pc_span text, char from, char to_first, pc_buffer *to)
{
    PC_TRY(pc_buffer_append(to, text.data, text.bytes, e->err));
    for (size_t i = 0; i < to->bytes; i++) {
        const char c = to->data[i];
        if (c >= from && c < from + 26) to->data[i] = (char)(c - from + to_first);
    }
    return PC_OK;
}

pc_status pc_cell_made_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    pc_buffer *to = &e->state->text;
    to->bytes = 0;
    switch (pc_function_which(x->function)) {
        case PC_FN_LOWER:
            PC_TRY(fold_case(e, arg[0].text, 'A', 'a', to));
            break;
        case PC_FN_UPPER:
            PC_TRY(fold_case(e, arg[0].text, 'a', 'A', to));
            break;
        case PC_FN_REPLACE:
            PC_TRY(replace(e, arg, to));
            break;
        case PC_FN_PAD_LEFT:
        case PC_FN_PAD_RIGHT:
            PC_TRY(pad(e, x, arg, to));
            break;
        default: // CONCAT, JOIN
            for (int i = 0; i < x->arg_count; i++) {
                if (arg[i].is_null) continue;
                PC_TRY(pc_buffer_append(to, arg[i].text.data, arg[i].text.bytes, e->err));
            }
            break;
    }
    out->text = (pc_span){to->bytes == 0 ? "" : to->data, to->bytes};
    return PC_OK;
}

pc_status pc_cell_measured_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const pc_span text = arg[0].text;
    switch (pc_function_which(x->function)) {
        case PC_FN_LENGTH:
            out->integer = characters(text);
            break;
        case PC_FN_STARTS_WITH:
            out->integer = text.bytes >= arg[1].text.bytes &&
                           memcmp(text.data, arg[1].text.data, arg[1].text.bytes) == 0;
            break;
        default: { // POSITION
            const size_t at = find(text, arg[1].text);
            out->integer = at == SIZE_MAX ? 0 : characters((pc_span){text.data, at}) + 1;
            break;
        }
    }
    return PC_OK;
}
