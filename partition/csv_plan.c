/** How the fields of a file become the fields of a row. */
#include <assert.h>
#include <string.h>
#include "csv_private.h"
#include "row_bytes.h"

bool csv_is_key_column(const pc_model_table *table, int column)
{
    // A row that finds its patient by itself may lack a parent.
    if (table->column[column].parent_column >= 0) return table->path == PC_PATH_KEY;
    if (table->own_key < 0) return false;
    for (int i = 0; i < table->primary_count; i++) {
        if (table->primary[i] == column) return true;
    }
    return false;
}

static csv_parser parser_of(const pc_row_field *field)
{
    switch (field->type) {
        case PC_BOOL:
            return CSV_BOOL;
        case PC_INT:
            return field->bytes == 4 ? CSV_INT4 : CSV_INT8;
        case PC_DECIMAL:
            return field->bytes == 4 ? CSV_DECIMAL4 : CSV_DECIMAL8;
        case PC_FLOAT:
            return CSV_FLOAT;
        case PC_DATE:
            return CSV_DATE;
        case PC_ID:
            return CSV_ID;
        default:
            return CSV_CODE;
    }
}

// Null marks of numbers and dates are compared by value, so that "0", "00" and "0.0" are one.
static pc_status read_null_marks(const pc_model_column *from, csv_column *to, pc_arena *arena,
                                 pc_error *err)
{
    if (to->parser == CSV_CODE || to->parser == CSV_ID || to->parser == CSV_FLOAT ||
        to->parser == CSV_BOOL) {
        to->null_count = from->null_count;
        to->null_mark = from->null_mark;
        return PC_OK;
    }
    int64_t *value = pc_arena_array(arena, (size_t)from->null_count, sizeof *value, err);
    if (value == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < from->null_count; i++) {
        char padded[2 * CSV_PADDING] = {0}; // words of it are read
        const size_t bytes = strlen(from->null_mark[i]);
        if (bytes <= CSV_PADDING) memcpy(padded, from->null_mark[i], bytes);
        const pc_span text = {padded, bytes <= CSV_PADDING ? bytes : 0};
        int32_t day = 0;
        bool good;
        if (to->parser == CSV_DATE) {
            good = text.bytes > 0 && csv_parse_date(text, to->date_format, &day);
            value[to->null_count] = day;
        } else {
            good = text.bytes > 0 && csv_parse_decimal(text, to->digits, to->scale,
                                                       &value[to->null_count]) == CSV_GOOD;
        }
        if (!good) {
            return PC_FAIL(err, PC_BAD_JOB, "model: column %s: the null mark '%s' is not a %s",
                           from->name, from->null_mark[i], pc_type_name(from->type));
        }
        to->null_count++;
    }
    to->null_value = value;
    return PC_OK;
}

static pc_status make_column(const pc_model_table *table, const pc_row_layout *layout, int column,
                             pc_dict_builder *const *dict, pc_arena *arena, csv_column *out,
                             pc_error *err)
{
    const pc_row_field *field = &layout->field[layout->field_of_column[column]];
    const pc_model_column *from = &table->column[column];
    *out = (csv_column){.parser = parser_of(field),
                        .bytes = field->bytes,
                        .digits = from->digits,
                        .scale = from->scale,
                        .offset = field->offset,
                        .is_required = csv_is_key_column(table, column),
                        .column = column,
                        .date_format = from->date_format};
    if (out->parser == CSV_CODE) {
        out->dict = dict[field->dict];
        out->cache = pc_arena_array(arena, CSV_CACHE_ENTRIES, sizeof *out->cache, err);
        if (out->cache == NULL) return PC_NO_MEMORY;
    }
    if (from->null_count == 0) return PC_OK;
    out->has_null_marks = true;
    return read_null_marks(from, out, arena, err);
}

static pc_status make_blank(const pc_csv_file *file, const pc_model_table *table,
                            const pc_row_layout *layout, pc_arena *arena, csv_plan *out,
                            pc_error *err)
{
    unsigned char *blank = pc_arena_take(arena, (size_t)layout->row_bytes, err);
    if (blank == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < layout->field_count; i++)
        pc_row_set_null(&layout->field[i], blank);
    const int year = table->file_year < 0 ? -1 : layout->field_of_column[table->file_year];
    if (year >= 0 && file->year != 0) pc_row_set_int(&layout->field[year], blank, file->year);
    out->blank = blank;
    out->row_bytes = layout->row_bytes;
    return PC_OK;
}

static bool has_column(const pc_csv_file *file, int column)
{
    for (int i = 0; i < file->column_count; i++) {
        if (file->column[i] == column) return true;
    }
    return false;
}

pc_status csv_plan_make(const pc_model *model, const pc_csv_file *file, const pc_row_layout *layout,
                        pc_dict_builder *const *dict, pc_arena *arena, csv_plan *out, pc_error *err)
{
    const pc_model_table *table = &model->table[file->table];
    const size_t count = (size_t)file->column_count;
    *out = (csv_plan){.model = model, .layout = layout, .null_text = model->null_text};
    out->column = pc_arena_array(arena, count, sizeof *out->column, err);
    int *required = pc_arena_array(arena, (size_t)layout->field_count, sizeof *required, err);
    if (out->column == NULL || required == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < file->column_count; i++) {
        const int at = file->column[i];
        if (at < 0 || layout->field_of_column[at] < 0) continue; // not stored
        csv_column *column = &out->column[out->column_count++];
        PC_TRY(make_column(table, layout, at, dict, arena, column, err));
        column->field = i;
    }
    out->required = required;
    PC_TRY(make_blank(file, table, layout, arena, out, err));
    for (int i = 0; i < layout->field_count; i++) {
        if (!csv_is_key_column(table, layout->field[i].column)) continue;
        required[out->required_count++] = i;
        if (pc_row_is_null(&layout->field[i], out->blank) &&
            !has_column(file, layout->field[i].column))
            out->lacks_required = true;
    }
    if (table->check_period && table->own_date >= 0 && table->own_end >= 0) {
        const int start = layout->field_of_column[table->own_date];
        const int end = layout->field_of_column[table->own_end];
        if (start >= 0 && end >= 0) {
            out->start = &layout->field[start];
            out->end = &layout->field[end];
        }
    }
    return PC_OK;
}

static bool is_null_value(const csv_column *c, int64_t value)
{
    for (int i = 0; i < c->null_count; i++) {
        if (c->null_value[i] == value) return true;
    }
    return false;
}

static bool is_null_text(const csv_column *c, pc_span text)
{
    for (int i = 0; i < c->null_count; i++) {
        if (pc_span_equal(text, pc_span_of(c->null_mark[i]))) return true;
    }
    return false;
}

// The field as UTF-8: itself, or a copy in `scratch` made from Latin-1.
static pc_status as_utf8(pc_span text, pc_buffer *scratch, pc_span *out, pc_error *err)
{
    *out = text;
    if (csv_is_ascii(text) || csv_is_utf8(text)) return PC_OK;
    PC_TRY(pc_buffer_reserve(scratch, 2 * text.bytes, err));
    *out = (pc_span){scratch->data, csv_latin1_to_utf8(text, scratch->data)};
    return PC_OK;
}

static uint64_t load_word(const char *text, size_t bytes)
{
    uint64_t word;
    memcpy(&word, text, sizeof word); // CSV_PADDING bytes behind every field may be read
    return bytes >= 8 ? word : word & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static pc_status put_code_slowly(const csv_column *c, pc_span text, pc_buffer *scratch,
                                 uint32_t *index, pc_error *err)
{
    pc_span utf8;
    PC_TRY(as_utf8(text, scratch, &utf8, err));
    return pc_dict_builder_add(c->dict, utf8, index, err);
}

// Most codes were just seen: a small table by column answers without the dictionary.
static inline pc_status put_code(csv_column *c, pc_span text, pc_buffer *scratch, unsigned char *at,
                                 pc_error *err)
{
    uint32_t index = 0;
    if (text.bytes > 16) {
        PC_TRY(put_code_slowly(c, text, scratch, &index, err));
        put32(at, index);
        return PC_OK;
    }
    const uint64_t low = load_word(text.data, text.bytes);
    const uint64_t high = text.bytes > 8 ? load_word(text.data + 8, text.bytes - 8) : 0;
    const uint64_t mixed = (low ^ (high * UINT64_C(0x9e3779b97f4a7c15))) + text.bytes;
    const uint64_t hash = mixed * UINT64_C(0xff51afd7ed558ccd);
    csv_cached *entry = &c->cache[hash >> (64 - CSV_CACHE_BITS)];
    if (entry->bytes != text.bytes || entry->low != low || entry->high != high) {
        PC_TRY(put_code_slowly(c, text, scratch, &index, err));
        *entry = (csv_cached){low, high, (uint32_t)text.bytes, index};
    }
    put32(at, entry->index);
    return PC_OK;
}

static pc_status put_id(const csv_column *c, pc_span text, pc_buffer *scratch, unsigned char *at,
                        pc_reject *reason, pc_error *err)
{
    pc_span utf8;
    PC_TRY(as_utf8(text, scratch, &utf8, err));
    if (utf8.bytes > c->bytes) {
        *reason = PC_REJECT_LENGTH;
        return PC_OK;
    }
    memset(at, 0, c->bytes);
    memcpy(at, utf8.data, utf8.bytes);
    return PC_OK;
}

static pc_reject reason_of(csv_parsed parsed)
{
    if (parsed == CSV_GOOD) return PC_REJECT_COUNT;
    return parsed == CSV_RANGE ? PC_REJECT_RANGE : PC_REJECT_NUMBER;
}

static pc_reject put_number(const csv_column *c, pc_span text, unsigned char *at)
{
    int64_t value = 0;
    const bool is_int = c->parser == CSV_INT4 || c->parser == CSV_INT8;
    const csv_parsed parsed = is_int ? csv_parse_int(text, c->digits, &value)
                                     : csv_parse_decimal(text, c->digits, c->scale, &value);
    if (parsed != CSV_GOOD) return reason_of(parsed);
    if (c->has_null_marks && is_null_value(c, value)) return PC_REJECT_COUNT;
    if (c->bytes == 4) {
        put_int32(at, (int32_t)value);
    } else {
        put_int64(at, value);
    }
    return PC_REJECT_COUNT;
}

static pc_reject put_date(const csv_column *c, pc_span text, unsigned char *at)
{
    int32_t day = 0;
    if (!csv_parse_date(text, c->date_format, &day)) return PC_REJECT_DATE;
    if (!c->has_null_marks || !is_null_value(c, day)) put_int32(at, day);
    return PC_REJECT_COUNT;
}

static pc_reject put_rare(const csv_column *c, const pc_row_field *field, pc_span text,
                          unsigned char *row)
{
    if (c->parser == CSV_FLOAT) {
        double value = 0.0;
        if (!csv_parse_float(text, &value)) return PC_REJECT_NUMBER;
        pc_row_set_float(field, row, value + 0.0); // -0 becomes 0
        return PC_REJECT_COUNT;
    }
    int64_t value = 0;
    if (!csv_parse_bool(text, &value)) return PC_REJECT_NUMBER;
    pc_row_set_int(field, row, value);
    return PC_REJECT_COUNT;
}

static inline pc_span trim(pc_span text)
{
    while (text.bytes > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 &&
           (text.data[text.bytes - 1] == ' ' || text.data[text.bytes - 1] == '\t')) {
        text.bytes--;
    }
    return text;
}

static bool is_null_word(pc_span text)
{
    return (text.bytes == 4 && memcmp(text.data, "NULL", 4) == 0) ||
           (text.bytes == 2 && memcmp(text.data, "NA", 2) == 0);
}

static pc_reject check_row(const csv_plan *plan, const unsigned char *row, int *column)
{
    for (int i = 0; i < plan->required_count; i++) {
        const pc_row_field *field = &plan->layout->field[plan->required[i]];
        if (!pc_row_is_null(field, row)) continue;
        *column = field->column;
        return PC_REJECT_KEY;
    }
    if (plan->start != NULL && !pc_row_is_null(plan->start, row) &&
        !pc_row_is_null(plan->end, row) &&
        pc_row_int(plan->end, row) < pc_row_int(plan->start, row)) {
        *column = plan->end->column;
        return PC_REJECT_PERIOD;
    }
    return PC_REJECT_COUNT;
}

// Compares words, since texts are short and stand in readable memory.
static inline bool same_text(pc_span a, pc_span b)
{
    if (a.bytes != b.bytes) return false;
    for (; a.bytes > 8; a.data += 8, b.data += 8, a.bytes -= 8) {
        if (load_word(a.data, 8) != load_word(b.data, 8)) return false;
    }
    return load_word(a.data, a.bytes) == load_word(b.data, a.bytes);
}

// The value of a field that is not empty.
static inline pc_status put_field(const csv_plan *plan, csv_column *c, pc_span text,
                                  pc_buffer *scratch, unsigned char *row, pc_reject *bad,
                                  pc_error *err)
{
    unsigned char *at = row + c->offset;
    switch (c->parser) {
        case CSV_INT4:
        case CSV_INT8:
        case CSV_DECIMAL4:
        case CSV_DECIMAL8:
            *bad = put_number(c, text, at);
            return PC_OK;
        case CSV_DATE:
            *bad = put_date(c, text, at);
            return PC_OK;
        case CSV_CODE:
            if (c->has_null_marks && is_null_text(c, text)) return PC_OK;
            return put_code(c, text, scratch, at, err);
        case CSV_ID:
            if (c->has_null_marks && is_null_text(c, text)) return PC_OK;
            return put_id(c, text, scratch, at, bad, err);
        default:
            if (c->has_null_marks && is_null_text(c, text)) return PC_OK;
            *bad = put_rare(c, &plan->layout->field[plan->layout->field_of_column[c->column]], text,
                            row);
            return PC_OK;
    }
}

pc_status csv_plan_row(csv_plan *plan, const pc_span *field, csv_before before, pc_buffer *scratch,
                       unsigned char *row, pc_reject *reason, int *column, pc_error *err)
{
    const bool has_before = before.field != NULL;
    bool is_checked = !has_before || plan->lacks_required || plan->start != NULL;
    *reason = PC_REJECT_COUNT;
    memcpy(row, has_before ? before.row : plan->blank, (size_t)plan->row_bytes);
    for (int i = 0; i < plan->column_count; i++) {
        csv_column *c = &plan->column[i];
        const pc_span raw = field[c->field];
        if (has_before) {
            if (same_text(raw, before.field[c->field])) continue;
            memcpy(row + c->offset, plan->blank + c->offset, c->bytes);
            is_checked = is_checked || c->is_required;
        }
        const pc_span text = trim(raw);
        if (text.bytes == 0 || (plan->null_text && is_null_word(text))) continue;
        PC_TRY(put_field(plan, c, text, scratch, row, reason, err));
        if (*reason == PC_REJECT_COUNT) continue;
        *column = c->column;
        return PC_OK;
    }
    if (is_checked) *reason = check_row(plan, row, column);
    return PC_OK;
}
