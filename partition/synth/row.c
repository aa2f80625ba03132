/** How a row becomes bytes: the steps of its layout, one after the other. */
#include <string.h>
#include "synth.h"

static char *put_number(uint64_t value, char *out)
{
    if (value < 10) {
        *out = (char)('0' + value);
        return out + 1;
    }
    char digits[24];
    int at = 24;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    memcpy(out, digits + at, (size_t)(24 - at));
    return out + (24 - at);
}

static char *put_signed(int64_t value, char *out)
{
    if (value < 0) {
        *out++ = '-';
        return put_number((uint64_t)-value, out);
    }
    return put_number((uint64_t)value, out);
}

static char *put_padded(uint64_t value, int width, char *out)
{
    for (int at = width - 1; at >= 0; at--) {
        out[at] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

static char *put_decimal(int64_t value, uint64_t unit, int decimals, char *out)
{
    uint64_t size = (uint64_t)value;
    if (value < 0) {
        *out++ = '-';
        size = (uint64_t)-value;
    }
    out = put_number(size / unit, out);
    *out++ = '.';
    return put_padded(size % unit, decimals, out);
}

void synth_day_write(const synth_world *world, int32_t day, char *out)
{
    // the SNDS's mark for "no date" is in every row
    if (day == world->no_day) {
        memcpy(out, "1600-01-01", 10);
        return;
    }
    const int32_t place = day - world->first_day_text;
    if (place >= 0 && place < (int32_t)(sizeof world->day_text / sizeof world->day_text[0])) {
        memcpy(out, world->day_text[place], 10);
        return;
    }
    char text[16];
    pc_day_format(day, text);
    memcpy(out, text, 10);
}

static char *put_day(const synth_world *world, const synth_step *step, int64_t day, char *out)
{
    char text[12];
    if (step->kind == SYNTH_DAY) {
        synth_day_write(world, (int32_t)day, out);
        return out + 10;
    }
    synth_day_write(world, (int32_t)day, text);
    if (step->kind == SYNTH_MONTH) {
        memcpy(out, text, 4);
        memcpy(out + 4, text + 5, 2);
        return out + 6;
    }
    if (step->kind == SYNTH_YYYY || step->kind == SYNTH_YYYYMMDD) {
        memcpy(out, text, 4);
        out += 4;
        if (step->kind == SYNTH_YYYY) return out;
    }
    if (step->kind == SYNTH_DDMMYYYY) {
        memcpy(out, text + 8, 2);
        out += 2;
    }
    memcpy(out, text + 5, 2);
    out += 2;
    if (step->kind == SYNTH_MM) return out;
    if (step->kind == SYNTH_YYYYMMDD) {
        memcpy(out, text + 8, 2);
        return out + 2;
    }
    memcpy(out, text, 4);
    return out + 4;
}

static char *put_choice(const synth_layout *layout, const synth_step *step, uint32_t pick,
                        char *out)
{
    const char *from = layout->constants + step->from;
    const uint32_t count = step->width;
    const uint32_t chosen = (count & (count - 1)) == 0 ? pick & (count - 1) : pick % count;
    const char *at = from + from[chosen];
    const size_t bytes = (size_t)*at;
    *out = at[1]; // most have one byte or none
    if (bytes > 1) memcpy(out, at + 1, bytes);
    return out + bytes;
}

static char *put_value(const synth_world *world, const synth_step *step, synth_cell cell, char *out)
{
    if (step->kind == SYNTH_TEXT) {
        if (cell.text == NULL) return out;
        const size_t bytes = strlen(cell.text);
        memcpy(out, cell.text, bytes);
        return out + bytes;
    }
    if (cell.number == SYNTH_NULL) return out;
    switch ((synth_kind)step->kind) {
        case SYNTH_INT:
            return put_signed(cell.number, out);
        case SYNTH_PADDED:
            return put_padded((uint64_t)cell.number, step->width, out);
        case SYNTH_DECIMAL2:
            return put_decimal(cell.number, 100, 2, out);
        case SYNTH_DECIMAL5:
            return put_decimal(cell.number, 100000, 5, out);
        default:
            return put_day(world, step, cell.number, out);
    }
}

// A number at random between bounds.
static char *put_range(const synth_step *step, uint32_t pick, char *out)
{
    static const uint64_t unit[] = {1, 10, 100, 1000, 10000, 100000};
    const uint64_t value = step->from + ((uint64_t)pick * step->bytes >> 16);
    if (step->width > 0) return put_padded(value, step->width, out);
    if (step->field > 0) return put_decimal((int64_t)value, unit[step->field], step->field, out);
    return put_number(value, out);
}

static char *put_code(const synth_world *world, const synth_step *step, uint32_t pick, char *out)
{
    const synth_codes *list = &world->code_list[step->field];
    const char *code = list->code[(uint64_t)pick * (uint32_t)list->count >> 16];
    const size_t bytes = strlen(code);
    memcpy(out, code, bytes);
    return out + bytes;
}

// Cells that nobody computed: one of some texts, a number, a code; or a disease that the person
// has.
static char *put_fill(const synth_world *world, const synth_layout *layout, const synth_step *step,
                      const synth_row *row, uint32_t pick, char *out)
{
    switch ((synth_kind)step->kind) {
        case SYNTH_CHOICE:
            return put_choice(layout, step, pick, out);
        case SYNTH_RANGE:
            return put_range(step, pick, out);
        case SYNTH_CODE:
            return put_code(world, step, pick, out);
        default: {
            const uint64_t wanted = (uint64_t)step->bytes << 32 | step->from;
            *out = (row->diseases & wanted) != 0 ? '1' : '0';
            return out + 1;
        }
    }
}

pc_status synth_row_write(const synth_world *world, const synth_layout *layout,
                          const synth_row *row, pc_buffer *out, pc_error *err)
{
    const size_t most = out->bytes + layout->row_bytes + sizeof row->odd.text;
    if (most > out->capacity_bytes) PC_TRY(pc_buffer_reserve(out, most, err));
    char *at = out->data + out->bytes;
    uint32_t salt = row->salt;
    for (int k = 0; k < layout->step_count; k++) {
        const synth_step *step = &layout->step[k];
        if (step->kind == SYNTH_LITERAL) {
            // most are one semicolon: no call for those
            *at = layout->constants[step->from];
            if (step->bytes > 1) memcpy(at, layout->constants + step->from, step->bytes);
            at += step->bytes;
        } else if (step->kind >= SYNTH_CHOICE) {
            salt = salt * 0x9E3779B1u + 0x85EBCA6Bu;
            at = put_fill(world, layout, step, row, salt >> 16, at);
        } else if (row->odd.field == step->field) {
            const size_t bytes = strlen(row->odd.text);
            memcpy(at, row->odd.text, bytes);
            at += bytes;
        } else {
            at = put_value(world, step, row->cell[step->field], at);
        }
    }
    out->bytes = (size_t)(at - out->data);
    return PC_OK;
}
