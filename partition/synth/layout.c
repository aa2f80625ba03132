/** Layouts: which cells a file's rows have, and how a row becomes bytes. Runs of cells that never
 *  change are one step, so that the hundred columns that nobody computes cost one copy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "synth.h"

typedef struct field_name {
    const char *name;
    uint8_t kind, width;
} field_name;

#define FIELD(name, kind, width) {#name, SYNTH_##kind, width},
static const field_name prs_field[] = {SYNTH_PRS_FIELDS(FIELD)};
static const field_name pha_field[] = {SYNTH_PHA_FIELDS(FIELD)};
static const field_name cam_field[] = {SYNTH_CAM_FIELDS(FIELD)};
static const field_name bio_field[] = {SYNTH_BIO_FIELDS(FIELD)};
static const field_name ete_field[] = {SYNTH_ETE_FIELDS(FIELD)};
static const field_name ben_field[] = {SYNTH_BEN_FIELDS(FIELD)};
static const field_name imb_field[] = {SYNTH_IMB_FIELDS(FIELD)};
static const field_name b_field[] = {SYNTH_MCO_B_FIELDS(FIELD)};
static const field_name c_field[] = {SYNTH_MCO_C_FIELDS(FIELD)};
static const field_name d_field[] = {SYNTH_MCO_D_FIELDS(FIELD)};
static const field_name a_field[] = {SYNTH_MCO_A_FIELDS(FIELD)};
static const field_name um_field[] = {SYNTH_MCO_UM_FIELDS(FIELD)};
static const field_name cci_field[] = {SYNTH_CCI_FIELDS(FIELD)};
static const field_name drug_field[] = {SYNTH_DRUG_FIELDS(FIELD)};

_Static_assert((int)PRS_FIELD_COUNT <= (int)SYNTH_MOST_FIELDS,
               "a row has room for the widest table");

static const struct {
    const char *schema; // name in columns.csv
    const field_name *field;
    int field_count;
} table_of[SYNTH_TABLES] = {
    [SYNTH_BEN] = {"IR_BEN_R", ben_field, BEN_FIELD_COUNT},
    [SYNTH_ARC] = {"IR_BEN_R", ben_field, BEN_FIELD_COUNT},
    [SYNTH_IMB] = {"IR_IMB_R", imb_field, IMB_FIELD_COUNT},
    [SYNTH_PRS] = {"ER_PRS_F", prs_field, PRS_FIELD_COUNT},
    [SYNTH_PHA] = {"ER_PHA_F", pha_field, PHA_FIELD_COUNT},
    [SYNTH_CAM] = {"ER_CAM_F", cam_field, CAM_FIELD_COUNT},
    [SYNTH_BIO] = {"ER_BIO_F", bio_field, BIO_FIELD_COUNT},
    [SYNTH_ETE] = {"ER_ETE_F", ete_field, ETE_FIELD_COUNT},
    [SYNTH_MCO_B] = {"T_MCOaaB", b_field, B_FIELD_COUNT},
    [SYNTH_MCO_C] = {"T_MCOaaC", c_field, C_FIELD_COUNT},
    [SYNTH_MCO_D] = {"T_MCOaaD", d_field, D_FIELD_COUNT},
    [SYNTH_MCO_A] = {"T_MCOaaA", a_field, A_FIELD_COUNT},
    [SYNTH_MCO_UM] = {"T_MCOaaUM", um_field, UM_FIELD_COUNT},
    [SYNTH_CCI] = {"KI_CCI_R", cci_field, CCI_FIELD_COUNT},
    [SYNTH_DRUG] = {"IR_PHA_R", drug_field, DRUG_FIELD_COUNT},
};

enum {
    COLUMN_CELLS = 7,      // of columns.csv
    LONGEST_NUMBER = 32,   // bytes of a formatted number or date
    LONGEST_TEXT = 72,     // bytes of a text cell: DCD_IDT_ENC has 64
    LINE_BYTES = 512,      // of a line of columns.csv
    CATALOGUE_YEAR = 2021, // columns alive in it are taken to live on
    MOST_STEPS = 320,      // a cell and its semicolon, for the widest table
    LAYOUT_BYTES = 16384   // constants and header of one layout
};

const char *synth_table_name(synth_table table)
{
    return table_of[table].schema;
}

// "2006-2024", "2016 2020-2023", "2008", "2006+", "current", "" or a remark: the column exists.
static bool column_lives(const char *years, int year)
{
    if (year == 0 || years[0] < '0' || years[0] > '9') return true;
    const char *at = years;
    while (*at != '\0') {
        char *end = NULL;
        const long first = strtol(at, &end, 10);
        long last = first;
        if (*end == '-') last = strtol(end + 1, &end, 10);
        if (*end == '+' || last >= CATALOGUE_YEAR) last = PC_SYNTH_LAST_YEAR + 1;
        if (year >= first && year <= last) return true;
        at = *end == '\0' ? end : end + 1;
    }
    return false;
}

typedef struct maker {
    synth_step step[MOST_STEPS];
    int step_count;
    char constants[LAYOUT_BYTES], header[LAYOUT_BYTES];
    size_t constant_bytes, header_bytes, row_bytes;
} maker;

static synth_step *add_step(maker *m, synth_kind kind, int field, int width)
{
    synth_step *step = &m->step[m->step_count++];
    *step = (synth_step){.kind = (uint8_t)kind,
                         .field = (uint16_t)field,
                         .width = (uint8_t)width,
                         .from = (uint32_t)m->constant_bytes};
    return step;
}

static void add_constant(maker *m, const char *text, size_t bytes)
{
    synth_step *step = m->step_count > 0 ? &m->step[m->step_count - 1] : NULL;
    if (step == NULL || step->kind != SYNTH_LITERAL) step = add_step(m, SYNTH_LITERAL, 0, 0);
    memcpy(m->constants + m->constant_bytes, text, bytes);
    m->constant_bytes += bytes;
    m->row_bytes += bytes;
    step->bytes += (uint32_t)bytes;
}

// Choices stand behind each other as (length byte, bytes).
static void add_choices(maker *m, const char *text)
{
    synth_step *step = add_step(m, SYNTH_CHOICE, 0, 0);
    for (;;) {
        const size_t bytes = strcspn(text, "|");
        m->constants[m->constant_bytes++] = (char)bytes;
        memcpy(m->constants + m->constant_bytes, text, bytes);
        m->constant_bytes += bytes;
        m->row_bytes += bytes;
        step->bytes += (uint32_t)bytes + 1;
        step->width++;
        if (text[bytes] == '\0') return;
        text += bytes + 1;
    }
}

static void add_column(maker *m, synth_table table, const char *name, const char *fill)
{
    if (m->header_bytes > 0) m->header[m->header_bytes++] = ';';
    memcpy(m->header + m->header_bytes, name, strlen(name));
    m->header_bytes += strlen(name);
    if (m->step_count > 0) add_constant(m, ";", 1);
    for (int field = 0; field < table_of[table].field_count; field++) {
        const field_name *known = &table_of[table].field[field];
        if (strcmp(known->name, name) != 0) continue;
        add_step(m, known->kind, field, known->width);
        m->row_bytes += known->kind == SYNTH_TEXT ? LONGEST_TEXT : LONGEST_NUMBER;
        return;
    }
    if (fill[0] == '=') add_constant(m, fill + 1, strlen(fill + 1));
    if (fill[0] == '?') add_choices(m, fill + 1);
}

static pc_status copy_layout(const maker *m, pc_arena *arena, synth_layout *out, pc_error *err)
{
    synth_step *step = pc_arena_array(arena, (size_t)m->step_count, sizeof *step, err);
    char *constants =
        step == NULL ? NULL : pc_arena_text(arena, m->constants, m->constant_bytes, err);
    char *header = constants == NULL ? NULL : pc_arena_text(arena, m->header, m->header_bytes, err);
    if (header == NULL) return PC_NO_MEMORY;
    memcpy(step, m->step, (size_t)m->step_count * sizeof *step);
    *out = (synth_layout){.step = step,
                          .step_count = m->step_count,
                          .constants = constants,
                          .row_bytes = m->row_bytes,
                          .header = {header, m->header_bytes}};
    return PC_OK;
}

pc_status synth_layout_make(const char *columns, synth_table table, int year, bool all_columns,
                            pc_arena *arena, synth_layout *out, pc_error *err)
{
    maker m = {.step_count = 0};
    for (const char *at = columns; *at != '\0';) {
        char line[LINE_BYTES];
        char *cell[COLUMN_CELLS];
        const size_t bytes = strcspn(at, "\n");
        if (bytes >= sizeof line || m.header_bytes + LINE_BYTES > LAYOUT_BYTES ||
            m.constant_bytes + LINE_BYTES > LAYOUT_BYTES || m.step_count + 3 > MOST_STEPS) {
            return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: a line or a table is too long");
        }
        memcpy(line, at, bytes);
        line[bytes] = '\0';
        at += bytes + (at[bytes] == '\n');
        if (synth_cut(line, cell, COLUMN_CELLS) != COLUMN_CELLS) {
            return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: expected %d cells a line",
                           COLUMN_CELLS);
        }
        if (strcmp(cell[0], table_of[table].schema) != 0 || !column_lives(cell[4], year)) continue;
        if (all_columns || strcmp(cell[5], "1") == 0) add_column(&m, table, cell[1], cell[6]);
    }
    if (m.header_bytes == 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: no column of table %s in %d",
                       table_of[table].schema, year);
    }
    add_constant(&m, "\n", 1);
    m.header[m.header_bytes++] = '\n';
    return copy_layout(&m, arena, out, err);
}

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
    memcpy(out, text + 8, 2);
    memcpy(out + 2, text + 5, 2);
    memcpy(out + 4, text, 4);
    return out + 8;
}

static char *put_choice(const synth_layout *layout, const synth_step *step, uint32_t pick,
                        char *out)
{
    const char *at = layout->constants + step->from;
    for (uint32_t k = pick % step->width; k > 0; k--)
        at += 1 + *at;
    memcpy(out, at + 1, (size_t)*at);
    return out + *at;
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
        } else if (step->kind == SYNTH_CHOICE) {
            salt = salt * 0x9E3779B1u + 0x85EBCA6Bu;
            at = put_choice(layout, step, salt >> 16, at);
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
