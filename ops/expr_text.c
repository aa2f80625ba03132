/** Texts cut and measured, in UTF-8 characters. They run once per dictionary code (expr_map.c). */
#include <string.h>
#include "expr_private.h"

size_t pc_text_step(pc_span text)
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
        at += pc_text_step((pc_span){text.data + at, text.bytes - at});
        n++;
    }
    *found = n;
    return at;
}

int64_t pc_text_characters(pc_span text)
{
    int64_t count;
    (void)bytes_of(text, INT64_MAX, &count);
    return count;
}

pc_span pc_text_part(pc_span text, int64_t from, int64_t count)
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
    out->text = end <= from ? (pc_span){"", 0} : pc_text_part(arg[0].text, from - 1, end - from);
    return PC_OK;
}

size_t pc_text_find(pc_span text, pc_span wanted)
{
    for (size_t at = 0; at + wanted.bytes <= text.bytes; at++) {
        if (memcmp(text.data + at, wanted.data, wanted.bytes) == 0) return at;
    }
    return SIZE_MAX;
}

// The n-th part between separators; from the end when n is below 0.
static pc_status split_part(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_span by = arg[1].text;
    int64_t wanted = arg[2].integer;
    pc_span text = arg[0].text;
    out->text = (pc_span){"", 0};
    if (wanted == 0) return pc_eval_fail(e, x, "a part number of 0");
    if (text.bytes == 0 || by.bytes == 0) {
        if (wanted == 1 || wanted == -1) out->text = text;
        return PC_OK;
    }
    int64_t parts = 1;
    for (size_t at; wanted < 0 && (at = pc_text_find(text, by)) != SIZE_MAX; parts++) {
        text = (pc_span){text.data + at + by.bytes, text.bytes - at - by.bytes};
    }
    text = arg[0].text;
    if (wanted < 0) wanted += parts + 1;
    for (int64_t part = 1; wanted > 0; part++) {
        const size_t at = pc_text_find(text, by);
        if (part == wanted) out->text = (pc_span){text.data, at == SIZE_MAX ? text.bytes : at};
        if (part == wanted || at == SIZE_MAX) break;
        text = (pc_span){text.data + at + by.bytes, text.bytes - at - by.bytes};
    }
    return PC_OK;
}

pc_status pc_cell_part_of_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_SUBSTRING) return substring(e, x, arg, out);
    if (id == PC_FN_SPLIT_PART) return split_part(e, x, arg, out);
    const int64_t wanted = arg[1].integer;
    const int64_t length = pc_text_characters(arg[0].text);
    int64_t kept = wanted < length ? wanted : length;
    if (wanted < 0) kept = wanted > -length ? length + wanted : 0;
    out->text = pc_text_part(arg[0].text, id == PC_FN_LEFT ? 0 : length - kept, kept);
    return PC_OK;
}

static bool holds_character(pc_span set, pc_span character)
{
    for (size_t at = 0; at < set.bytes;) {
        const pc_span rest = {set.data + at, set.bytes - at};
        const size_t bytes = pc_text_step(rest);
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
    return at + pc_text_step((pc_span){text.data + at, text.bytes - at}) == text.bytes
               ? at
               : text.bytes - 1;
}

pc_status pc_cell_trim(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const pc_function_id id = pc_function_which(x->function);
    pc_span text = arg[0].text;
    while (id != PC_FN_TRIM_RIGHT && text.bytes > 0) {
        const size_t bytes = pc_text_step(text);
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

static int64_t code_point(pc_span text)
{
    if (text.bytes == 0) return 0;
    const unsigned char *at = (const unsigned char *)text.data;
    const size_t bytes = pc_text_step(text);
    if (bytes == 1) return at[0];
    int64_t code = at[0] & (0xff >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        code = code << 6 | (at[i] & 0x3f);
    }
    return code;
}

pc_status pc_cell_measured_text(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    (void)e;
    const pc_span text = arg[0].text;
    switch (pc_function_which(x->function)) {
        case PC_FN_LENGTH:
            out->integer = pc_text_characters(text);
            break;
        case PC_FN_STARTS_WITH:
            out->integer = text.bytes >= arg[1].text.bytes &&
                           memcmp(text.data, arg[1].text.data, arg[1].text.bytes) == 0;
            break;
        case PC_FN_OCTET_LENGTH:
            out->integer = (int64_t)text.bytes;
            break;
        case PC_FN_ASCII:
            out->integer = code_point(text);
            break;
        default: { // POSITION
            const size_t at = pc_text_find(text, arg[1].text);
            out->integer = at == SIZE_MAX ? 0 : pc_text_characters((pc_span){text.data, at}) + 1;
            break;
        }
    }
    return PC_OK;
}
