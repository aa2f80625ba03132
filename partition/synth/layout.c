/** Layouts: which cells a file's rows have and how each is written (row.c does it). Runs of cells
 *  that never change are one step, so that the hundred columns that nobody computes cost one copy.
 */
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

#define VALUE(name, kind) {#name, VALUE_##kind, 0},
enum {
    VALUE_NUMBER = SYNTH_INT,
    VALUE_DAY = SYNTH_DAY,
    VALUE_TEXT = SYNTH_TEXT,
    VALUE_MONEY = SYNTH_DECIMAL2
};
static const field_name value_field[] = {SYNTH_VALUES(VALUE)};

_Static_assert((int)SYNTH_VALUE_COUNT <= (int)SYNTH_MOST_FIELDS, "a row has room for all values");

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

#define SCHEMA(name, schema, due, per_1000) schema,
static const char *const detail_schema[] = {SYNTH_DETAIL_TABLES(SCHEMA)};

enum {
    COLUMN_CELLS = 7,       // of columns.csv and details.csv
    MOST_COLUMNS = 330,     // of a table
    LONGEST_NUMBER = 32,    // bytes of a formatted number or date
    LONGEST_TEXT = 72,      // bytes of a text cell: DCD_IDT_ENC has 64
    LINE_BYTES = 512,       // of a line of these files
    MOST_CHOICE_BYTES = 60, // of all choices of a column: where each begins fits in a byte
    CATALOGUE_YEAR = 2021,  // columns alive in it are taken to live on
    MOST_STEPS = 700,       // a cell and its semicolon, for the widest table
    LAYOUT_BYTES = 16384    // constants and header of one layout
};

const char *synth_schema(int table)
{
    return table < SYNTH_TABLES ? table_of[table].schema : detail_schema[table - SYNTH_TABLES];
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

// Choices stand as (length byte, bytes), after a byte for each that says where it begins.
static void add_choices(maker *m, const char *text)
{
    synth_step *step = add_step(m, SYNTH_CHOICE, 0, 0);
    step->width = 1;
    for (const char *at = text; *at != '\0'; at++)
        step->width = (uint8_t)(step->width + (*at == '|'));
    char *from = m->constants + m->constant_bytes;
    char *to = from + step->width;
    for (int k = 0; k < step->width; k++) {
        const size_t bytes = strcspn(text, "|");
        from[k] = (char)(to - from);
        *to = (char)bytes;
        memcpy(to + 1, text, bytes);
        to += bytes + 1;
        m->row_bytes += bytes;
        text += bytes + 1;
    }
    m->constant_bytes += (size_t)(to - from);
}

static void add_field(maker *m, const field_name *known, int field, int kind, int width)
{
    add_step(m, (synth_kind)kind, field, width);
    m->row_bytes += known->kind == SYNTH_TEXT ? LONGEST_TEXT : LONGEST_NUMBER;
}

static const field_name *find_field(const field_name *field, int count, const char *name)
{
    for (int k = 0; k < count; k++) {
        if (strcmp(field[k].name, name) == 0) return &field[k];
    }
    return NULL;
}

// How a value is written: as the fill says, else as the column's type asks.
static bool add_value(maker *m, char *name, const char *type)
{
    static const struct {
        const char *form;
        uint8_t kind;
    } form_of[] = {
        {"mm", SYNTH_MM},        {"yyyy", SYNTH_YYYY},         {"mmyyyy", SYNTH_MMYYYY},
        {"yyyymm", SYNTH_MONTH}, {"ddmmyyyy", SYNTH_DDMMYYYY}, {"yyyymmdd", SYNTH_YYYYMMDD}};
    char *form = strchr(name, '/');
    if (form != NULL) *form++ = '\0';
    const field_name *known = find_field(value_field, SYNTH_VALUE_COUNT, name);
    if (known == NULL) return false;
    int kind = known->kind, width = 0;
    if (kind == SYNTH_DECIMAL2 && strcmp(type, "int") == 0) kind = SYNTH_INT;
    if (kind == SYNTH_INT && form != NULL) {
        kind = SYNTH_PADDED;
        width = atoi(form);
    }
    for (size_t k = 0; kind == SYNTH_DAY && k < sizeof form_of / sizeof form_of[0]; k++) {
        if (strcmp(form_of[k].form, form == NULL ? type : form) == 0) kind = form_of[k].kind;
    }
    add_field(m, known, (int)(known - value_field), kind, width);
    return true;
}

// "low..high", "/n" behind it: n digits, ".d": d decimals.
static bool add_range(maker *m, const char *text)
{
    char *end = NULL;
    const long low = strtol(text, &end, 10);
    if (strncmp(end, "..", 2) != 0) return false;
    const long high = strtol(end + 2, &end, 10);
    if (low < 0 || high < low) return false;
    synth_step *step =
        add_step(m, SYNTH_RANGE, *end == '.' ? atoi(end + 1) : 0, *end == '/' ? atoi(end + 1) : 0);
    step->from = (uint32_t)low;
    step->bytes = (uint32_t)(high - low) + 1;
    m->row_bytes += LONGEST_NUMBER;
    return true;
}

static bool add_code(maker *m, const synth_world *world, const char *list)
{
    for (int k = 0; k < world->code_list_count; k++) {
        if (strcmp(world->code_list[k].name, list) != 0) continue;
        add_step(m, SYNTH_CODE, k, 0);
        m->row_bytes += LONGEST_NUMBER;
        return true;
    }
    return false;
}

// 1 for people who have one of the diseases "id|id": a mask of 64 diseases.
static bool add_diseases(maker *m, const synth_world *world, const char *text)
{
    uint64_t mask = 0;
    for (;;) {
        const size_t bytes = strcspn(text, "|");
        int found = -1;
        for (int k = 0; k < world->disease_count; k++) {
            if (strncmp(world->disease[k].id, text, bytes) == 0 &&
                world->disease[k].id[bytes] == '\0')
                found = k;
        }
        if (found < 0) return false;
        mask |= UINT64_C(1) << found;
        if (text[bytes] == '\0') break;
        text += bytes + 1;
    }
    synth_step *step = add_step(m, SYNTH_HAS, 0, 0);
    step->from = (uint32_t)mask;
    step->bytes = (uint32_t)(mask >> 32);
    m->row_bytes += 1;
    return true;
}

static bool add_fill(maker *m, const synth_world *world, char *fill, const char *type)
{
    switch (fill[0]) {
        case '\0':
            return true;
        case '=':
            add_constant(m, fill + 1, strlen(fill + 1));
            return true;
        case '?':
            if (strlen(fill) > MOST_CHOICE_BYTES) return false;
            add_choices(m, fill + 1);
            return true;
        case '$':
            return add_value(m, fill + 1, type);
        case '#':
            return add_range(m, fill + 1);
        case '@':
            return add_code(m, world, fill + 1);
        case '!':
            return add_diseases(m, world, fill + 1);
        default:
            return false;
    }
}

static void add_name(maker *m, const char *name)
{
    if (m->header_bytes > 0) {
        m->header[m->header_bytes++] = ';';
        add_constant(m, ";", 1);
    }
    memcpy(m->header + m->header_bytes, name, strlen(name));
    m->header_bytes += strlen(name);
}

static bool add_column(maker *m, const synth_world *world, int table, char **cell)
{
    add_name(m, cell[1]);
    if (table < SYNTH_TABLES) {
        const field_name *field = table_of[table].field;
        const field_name *known = find_field(field, table_of[table].field_count, cell[1]);
        if (known != NULL) {
            add_field(m, known, (int)(known - field), known->kind, known->width);
            return true;
        }
    }
    return add_fill(m, world, cell[6], cell[2]);
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

// The lines of a table, which stand together.
static int find_lines(const char *text, const char *schema, const char **line)
{
    const size_t bytes = strlen(schema);
    int count = 0;
    for (const char *at = text; at != NULL && *at != '\0'; at = strchr(at, '\n')) {
        at += *at == '\n';
        const bool mine = strncmp(at, schema, bytes) == 0 && at[bytes] == ';';
        if (mine && count < MOST_COLUMNS) line[count++] = at;
        if (!mine && count > 0) break;
    }
    return count;
}

static pc_status cut_line(const char *at, char line[LINE_BYTES], char **cell, pc_error *err)
{
    const size_t bytes = strcspn(at, "\n");
    if (bytes >= LINE_BYTES)
        return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: a line or a table is too long");
    memcpy(line, at, bytes);
    line[bytes] = '\0';
    if (synth_cut(line, cell, COLUMN_CELLS) != COLUMN_CELLS) {
        return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: expected %d cells a line", COLUMN_CELLS);
    }
    return PC_OK;
}

pc_status synth_table_lives(const synth_columns *columns, int table, int year, bool *out,
                            pc_error *err)
{
    const char *first[MOST_COLUMNS];
    char line[LINE_BYTES];
    char *cell[COLUMN_CELLS];
    const char *text = table < SYNTH_TABLES ? columns->core : columns->details;
    *out = false;
    if (find_lines(text, synth_schema(table), first) == 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: no column of table %s",
                       synth_schema(table));
    }
    PC_TRY(cut_line(first[0], line, cell, err));
    *out = column_lives(cell[4], year);
    return PC_OK;
}

pc_status synth_layout_make(const synth_columns *columns, const synth_world *world, int table,
                            int year, bool backwards, pc_arena *arena, synth_layout *out,
                            pc_error *err)
{
    maker m = {.step_count = 0};
    const char *first[MOST_COLUMNS];
    const char *text = table < SYNTH_TABLES ? columns->core : columns->details;
    const int lines = find_lines(text, synth_schema(table), first);
    for (int k = 0; k < lines; k++) {
        char line[LINE_BYTES];
        char *cell[COLUMN_CELLS];
        if (m.header_bytes + LINE_BYTES > LAYOUT_BYTES ||
            m.constant_bytes + LINE_BYTES > LAYOUT_BYTES || m.step_count + 3 > MOST_STEPS) {
            return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: a line or a table is too long");
        }
        PC_TRY(cut_line(first[backwards ? lines - 1 - k : k], line, cell, err));
        if (!column_lives(cell[4], year)) continue;
        if (!columns->all && strcmp(cell[5], "1") != 0) continue;
        if (!add_column(&m, world, table, cell)) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "columns.csv: column %s of table %s: its fill is not understood",
                           cell[1], synth_schema(table));
        }
    }
    if (m.header_bytes == 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "columns.csv: no column of table %s in %d",
                       synth_schema(table), year);
    }
    if (backwards) { // and a column that no catalogue knows
        add_name(&m, "NEW_COLUMN");
        add_constant(&m, "1", 1);
    }
    add_constant(&m, "\n", 1);
    m.header[m.header_bytes++] = '\n';
    return copy_layout(&m, arena, out, err);
}
