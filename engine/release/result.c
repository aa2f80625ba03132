/** A result as text: CSV, JSON or a table for the eye. Small cells are suppressed here, and nowhere
 *  else is a result written. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "parcours/json.h"
#include "parcours/release.h"

enum { MOST_COLUMNS = 1664 }; // PostgreSQL's limit of result columns

static const pc_span SUPPRESSED = {"s", 1};

typedef struct writer {
    const pc_result *result;
    bool protect;
    pc_buffer *out;
} writer;

static bool is_small(const pc_result *result, int column, int64_t row)
{
    const int64_t *const *cells = result->cell_patients;
    const int64_t *patients =
        cells != NULL && cells[column] != NULL ? cells[column] : result->patients;
    return patients != NULL && patients[row] > 0 && patients[row] < PC_MIN_PATIENTS;
}

static bool is_suppressed(const writer *w, int column, int64_t row)
{
    return w->protect && w->result->is_cell[column] && is_small(w->result, column, row);
}

// The text of a value that is not null. Short ones are written to `room`.
static pc_span cell_text(const pc_column *c, int64_t row, char room[PC_CELL_TEXT_BYTES])
{
    int bytes = 0;
    switch (c->type) {
        case PC_BOOL:
            return pc_column_int(c, row) != 0 ? pc_span_of("true") : pc_span_of("false");
        case PC_INT:
        case PC_KEY:
            bytes = snprintf(room, PC_CELL_TEXT_BYTES, "%lld", (long long)pc_column_int(c, row));
            break;
        case PC_DECIMAL:
            bytes = pc_decimal_format(pc_column_int(c, row), c->scale, room);
            break;
        case PC_FLOAT:
            bytes = pc_float_format(((const double *)c->data)[row], room);
            break;
        case PC_DATE:
            bytes = pc_day_format((int32_t)pc_column_int(c, row), room);
            break;
        case PC_CODE:
        case PC_TEXT:
        case PC_ID:
            return pc_column_span(c, row);
        case PC_NONE:
            break;
    }
    assert(bytes >= 0 && bytes < PC_CELL_TEXT_BYTES);
    return (pc_span){room, (size_t)bytes};
}

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

static pc_status append(pc_buffer *out, pc_span text, pc_error *err)
{
    return pc_buffer_append(out, text.data, text.bytes, err);
}

// RFC 4180 quotes where they are needed; the empty text is quoted to tell it from null.
static pc_status write_csv_text(pc_buffer *out, pc_span text, pc_error *err)
{
    bool plain = text.bytes > 0;
    for (size_t i = 0; plain && i < text.bytes; i++) {
        plain = strchr(",\"\r\n", text.data[i]) == NULL || text.data[i] == '\0';
    }
    if (plain) return append(out, text, err);
    PC_TRY(pc_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') PC_TRY(pc_buffer_append(out, "\"", 1, err));
        PC_TRY(pc_buffer_append(out, &text.data[i], 1, err));
    }
    return pc_buffer_append(out, "\"", 1, err);
}

static pc_status write_csv_cell(const writer *w, int column, int64_t row, pc_error *err)
{
    const pc_column *c = &w->result->column[column];
    if (is_suppressed(w, column, row)) return append(w->out, SUPPRESSED, err);
    if (pc_column_is_null(c, row)) return PC_OK;
    char room[PC_CELL_TEXT_BYTES];
    const pc_span text = cell_text(c, row, room);
    return is_text(c->type) ? write_csv_text(w->out, text, err) : append(w->out, text, err);
}

static pc_status write_csv_head(const pc_schema *schema, pc_buffer *out, pc_error *err)
{
    for (int i = 0; i < schema->field_count; i++) {
        if (i > 0) PC_TRY(pc_buffer_append(out, ",", 1, err));
        PC_TRY(write_csv_text(out, pc_span_of(schema->field[i].name), err));
    }
    return pc_buffer_append(out, "\n", 1, err);
}

static pc_status write_csv_rows(const writer *w, pc_error *err)
{
    for (int64_t row = 0; row < w->result->row_count; row++) {
        for (int i = 0; i < w->result->schema.field_count; i++) {
            if (i > 0) PC_TRY(pc_buffer_append(w->out, ",", 1, err));
            PC_TRY(write_csv_cell(w, i, row, err));
        }
        PC_TRY(pc_buffer_append(w->out, "\n", 1, err));
    }
    return PC_OK;
}

static pc_status write_json_cell(const writer *w, int column, int64_t row, pc_error *err)
{
    const pc_column *c = &w->result->column[column];
    if (is_suppressed(w, column, row)) return pc_json_write_text(w->out, SUPPRESSED, err);
    if (pc_column_is_null(c, row)) return pc_buffer_append(w->out, "null", 4, err);
    char room[PC_CELL_TEXT_BYTES];
    const pc_span text = cell_text(c, row, room);
    // JSON has no literal for nan and the infinities: their names as text.
    const bool no_literal = c->type == PC_FLOAT && text.data[text.bytes - 1] > '9';
    if (is_text(c->type) || c->type == PC_DATE || no_literal) {
        return pc_json_write_text(w->out, text, err);
    }
    return append(w->out, text, err);
}

static pc_status write_json_head(const pc_schema *schema, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "{\"columns\":["));
    for (int i = 0; i < schema->field_count; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s{\"name\":", i > 0 ? "," : ""));
        PC_TRY(pc_json_write_text(out, pc_span_of(schema->field[i].name), err));
        PC_TRY(pc_buffer_print(out, err, ",\"type\":\"%s\"}", pc_type_name(schema->field[i].type)));
    }
    return pc_buffer_print(out, err, "],\"rows\":[");
}

static pc_status write_json_rows(const writer *w, bool begins, pc_error *err)
{
    for (int64_t row = 0; row < w->result->row_count; row++) {
        PC_TRY(pc_buffer_print(w->out, err, row > 0 || !begins ? ",\n[" : "\n["));
        for (int i = 0; i < w->result->schema.field_count; i++) {
            if (i > 0) PC_TRY(pc_buffer_append(w->out, ",", 1, err));
            PC_TRY(write_json_cell(w, i, row, err));
        }
        PC_TRY(pc_buffer_append(w->out, "]", 1, err));
    }
    return PC_OK;
}

pc_span pc_result_text(const pc_result *result, bool protect, int column, int64_t row,
                       char room[PC_CELL_TEXT_BYTES])
{
    const writer w = {.result = result, .protect = protect};
    const pc_column *c = &result->column[column];
    if (is_suppressed(&w, column, row)) return SUPPRESSED;
    if (pc_column_is_null(c, row)) return (pc_span){"", 0};
    return cell_text(c, row, room);
}

bool pc_result_number(const pc_result *result, bool protect, int column, int64_t row, double *out)
{
    const writer w = {.result = result, .protect = protect};
    const pc_column *c = &result->column[column];
    if (is_suppressed(&w, column, row) || pc_column_is_null(c, row)) return false;
    if (c->type == PC_FLOAT) {
        *out = ((const double *)c->data)[row];
    } else if (c->type == PC_INT || c->type == PC_DECIMAL) {
        *out = (double)pc_column_int(c, row);
        for (int i = 0; c->type == PC_DECIMAL && i < c->scale; i++)
            *out /= 10;
    } else {
        return false;
    }
    return isfinite(*out);
}

static pc_span table_text(const writer *w, int column, int64_t row, char room[PC_CELL_TEXT_BYTES])
{
    return pc_result_text(w->result, w->protect, column, row, room);
}

// Characters, so that accents do not shift a column.
static int text_width(pc_span text)
{
    int width = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        width += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return width;
}

// Line breaks and tabs inside a text would break the table: they are shown as blanks.
static pc_status write_padded(pc_buffer *out, pc_span text, int width, bool right, pc_error *err)
{
    const int pad = width - text_width(text);
    if (right) PC_TRY(pc_buffer_print(out, err, "%*s", pad, ""));
    const size_t start = out->bytes;
    PC_TRY(append(out, text, err));
    for (size_t i = start; i < out->bytes; i++) {
        if ((unsigned char)out->data[i] < ' ') out->data[i] = ' ';
    }
    return right ? PC_OK : pc_buffer_print(out, err, "%*s", pad, "");
}

static void measure(const writer *w, int *width)
{
    const pc_schema *schema = &w->result->schema;
    for (int i = 0; i < schema->field_count; i++) {
        width[i] = text_width(pc_span_of(schema->field[i].name));
        for (int64_t row = 0; row < w->result->row_count; row++) {
            char room[PC_CELL_TEXT_BYTES];
            const int cell = text_width(table_text(w, i, row, room));
            if (cell > width[i]) width[i] = cell;
        }
    }
}

static pc_status write_rule(const writer *w, const int *width, pc_error *err)
{
    for (int i = 0; i < w->result->schema.field_count; i++) {
        if (i > 0) PC_TRY(pc_buffer_append(w->out, "+", 1, err));
        for (int k = 0; k < width[i] + 2; k++) {
            PC_TRY(pc_buffer_append(w->out, "-", 1, err));
        }
    }
    return pc_buffer_append(w->out, "\n", 1, err);
}

// Ends a line without the blanks that its last cell was padded with.
static pc_status end_line(pc_buffer *out, pc_error *err)
{
    while (out->bytes > 0 && out->data[out->bytes - 1] == ' ') {
        out->bytes--;
    }
    return pc_buffer_append(out, "\n", 1, err);
}

static pc_status write_table(const writer *w, const pc_gate_counts *counts, pc_error *err)
{
    const pc_schema *schema = &w->result->schema;
    int width[MOST_COLUMNS];
    if (schema->field_count > MOST_COLUMNS) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a result has at most %d columns", (int)MOST_COLUMNS);
    }
    measure(w, width);
    for (int i = 0; i < schema->field_count; i++) {
        PC_TRY(pc_buffer_print(w->out, err, i > 0 ? " | " : " "));
        PC_TRY(write_padded(w->out, pc_span_of(schema->field[i].name), width[i], false, err));
    }
    PC_TRY(end_line(w->out, err));
    PC_TRY(write_rule(w, width, err));
    for (int64_t row = 0; row < w->result->row_count; row++) {
        for (int i = 0; i < schema->field_count; i++) {
            char room[PC_CELL_TEXT_BYTES];
            const pc_type type = schema->field[i].type;
            const bool right = type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
            PC_TRY(pc_buffer_print(w->out, err, i > 0 ? " | " : " "));
            PC_TRY(write_padded(w->out, table_text(w, i, row, room), width[i], right, err));
        }
        PC_TRY(end_line(w->out, err));
    }
    PC_TRY(pc_buffer_print(w->out, err, "(%lld row%s", (long long)counts->rows,
                           counts->rows == 1 ? "" : "s"));
    if (counts->suppressed_rows > 0) {
        PC_TRY(pc_buffer_print(w->out, err, ", %lld with cells of fewer than %d patients: s",
                               (long long)counts->suppressed_rows, (int)PC_MIN_PATIENTS));
    }
    return pc_buffer_print(w->out, err, ")\n");
}

static pc_gate_counts count_rows(const pc_result *result, bool protect)
{
    pc_gate_counts counts = {.rows = result->row_count};
    bool has_cell = false;
    for (int i = 0; i < result->schema.field_count; i++) {
        has_cell = has_cell || result->is_cell[i];
    }
    for (int64_t row = 0; protect && has_cell && row < result->row_count; row++) {
        bool is_suppressed_row = false;
        for (int i = 0; i < result->schema.field_count; i++) {
            is_suppressed_row =
                is_suppressed_row || (result->is_cell[i] && is_small(result, i, row));
        }
        counts.suppressed_rows += is_suppressed_row;
    }
    return counts;
}

pc_status pc_result_write_head(const pc_result *result, pc_format format, pc_buffer *out,
                               pc_error *err)
{
    if (result->schema.field_count > MOST_COLUMNS) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a result has at most %d columns", (int)MOST_COLUMNS);
    }
    return format == PC_FORMAT_JSON ? write_json_head(&result->schema, out, err)
                                    : write_csv_head(&result->schema, out, err);
}

pc_status pc_result_write_tail(pc_format format, pc_buffer *out, pc_error *err)
{
    return format == PC_FORMAT_JSON ? pc_buffer_print(out, err, "\n]}\n") : PC_OK;
}

pc_status pc_result_write_piece(const pc_result *result, pc_format format, bool protect,
                                pc_buffer *out, pc_gate_counts *counts, pc_error *err)
{
    assert(format != PC_FORMAT_TABLE);
    const writer w = {.result = result, .protect = protect, .out = out};
    const pc_gate_counts gate = count_rows(result, protect);
    counts->rows += gate.rows;
    counts->suppressed_rows += gate.suppressed_rows;
    return format == PC_FORMAT_JSON ? write_json_rows(&w, false, err) : write_csv_rows(&w, err);
}

pc_status pc_result_write(const pc_result *result, pc_format format, bool protect, pc_buffer *out,
                          pc_gate_counts *counts, pc_error *err)
{
    const writer w = {.result = result, .protect = protect, .out = out};
    const pc_gate_counts gate = count_rows(result, protect);
    if (counts != NULL) *counts = gate;
    if (format == PC_FORMAT_TABLE) return write_table(&w, &gate, err);
    PC_TRY(pc_result_write_head(result, format, out, err));
    PC_TRY(format == PC_FORMAT_JSON ? write_json_rows(&w, true, err) : write_csv_rows(&w, err));
    return pc_result_write_tail(format, out, err);
}
