/** @file csv_case.h
 *  What the tests of the CSV reader share: a small model, files in a folder of their own, and rows
 *  as text. Included by one test program at a time.
 */
#ifndef PC_TEST_CSV_CASE_H
#define PC_TEST_CSV_CASE_H
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/csv.h"
#include "parcours/dict.h"
#include "test_main.h"

static const char CASE_MODEL[] =
    "{\"model\": \"case\", \"version\": \"1\", \"delimiter\": \";\","
    "\"systems\": {\"CIM10\": \"prefix\"}, \"keys\": {\"stay\": {\"table\": \"STAY\"}},"
    "\"person\": {\"identity\": [\"PEOPLE\"], \"sex\": \"SEX\", \"female\": \"2\", \"male\": \"1\","
    "  \"birth_year\": \"YEAR\", \"birth_month\": \"MONTH\", \"death_date\": \"DEATH\"},"
    "\"tables\": {"
    " \"PEOPLE\": {\"files\": [\"people*.csv\"], \"patient\": {\"path\": \"identity\","
    "   \"pseudonym\": \"PSEUDO\", \"rank\": \"RANK\", \"person\": \"ID\"},"
    "  \"columns\": [\"PSEUDO id(8) patient\", \"RANK int(2)\", \"ID id(8)\", \"SEX int(1)\","
    "   \"YEAR code\", \"MONTH int(2)\", \"DEATH date null=1600-01-01\"]},"
    " \"STAY\": {\"files\": [\"stay_{yyyy}*.csv\"], \"file_year\": true,"
    "  \"patient\": {\"path\": \"pair\", \"pseudonym\": \"PSEUDO\", \"rank\": \"RANK\"},"
    "  \"primary\": [\"NUM\", \"file_year\"], \"dates\": [\"FROM_DAY\", \"TO_DAY\"],"
    "  \"period\": true,"
    "  \"columns\": [\"PSEUDO id(8) patient\", \"RANK int(2)\", \"NUM id(6)\","
    "   \"FROM_DAY date null=1600-01-01\", \"TO_DAY date null=1600-01-01,2099-12-31\","
    "   \"DIAG code system=CIM10 null=NONE\", \"NOTE text\", \"SMALL int(4)\","
    "   \"CIP int(14) null=0\", \"COST decimal(9,2)\", \"PRICE decimal(14,5)\", \"RATE float\","
    "   \"FLAG bool\", \"BORN date(ddmmyyyy)\"]},"
    " \"LABEL\": {\"files\": [\"label*.csv\"], \"multiline\": true, \"primary\": [\"CODE\"],"
    "  \"columns\": [\"CODE code\", \"TEXT text\"]},"
    " \"ONE\": {\"files\": [\"one*.csv\"], \"columns\": [\"WORD code\"]}}}";

static const char STAY_HEADER[] =
    "PSEUDO;RANK;NUM;FROM_DAY;TO_DAY;DIAG;NOTE;SMALL;CIP;COST;PRICE;RATE;FLAG;BORN";

/** A model, its dictionaries, a folder for files, and what reading a file gave. */
typedef struct csv_case {
    pc_budget budget;
    pc_arena arena;
    const pc_model *model;
    pc_dict_builder **dict;
    char folder[32];
    pc_buffer rows;     ///< each row as text, one a line
    pc_buffer rejected; ///< pc_rejected
    pc_csv_counts counts;
    const pc_row_layout *layout; ///< of the file being read
    pc_error err;
} csv_case;

static inline void case_begin(csv_case *c)
{
    *c = (csv_case){.folder = "/tmp/pc_csv_XXXXXX"};
    c->arena.budget = &c->budget;
    c->rows.budget = c->rejected.budget = &c->budget;
    if (mkdtemp(c->folder) == NULL) exit(1);
    if (pc_model_parse(pc_span_of(CASE_MODEL), "case", &c->arena, &c->model, &c->err) != PC_OK) {
        (void)fprintf(stderr, "%s\n", c->err.text);
        exit(1);
    }
    const size_t count = (size_t)c->model->dict_count;
    c->dict = pc_arena_array(&c->arena, count, sizeof(pc_dict_builder *), NULL);
    for (size_t i = 0; i < count; i++) {
        if (pc_dict_builder_new(&c->budget, &c->dict[i], &c->err) != PC_OK) exit(1);
    }
}

static inline void case_end(csv_case *c)
{
    for (int i = 0; i < c->model->dict_count; i++)
        pc_dict_builder_free(c->dict[i]);
    pc_buffer_release(&c->rows);
    pc_buffer_release(&c->rejected);
    pc_arena_reset(&c->arena);
    CU_ASSERT_EQUAL(c->budget.used_bytes, 0);
    (void)rmdir(c->folder);
}

/** Writes a file of the folder; its path is valid until the next call. */
static inline const char *case_file(const csv_case *c, const char *name, const void *bytes,
                                    size_t count)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", c->folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) exit(1);
    return path;
}

static inline pc_status show_field(const csv_case *c, const pc_row_field *field,
                                   const unsigned char *row, pc_buffer *out)
{
    const pc_model_column *column = &c->model->table[c->layout->table].column[field->column];
    char text[64];
    pc_span span = {"~", 1};
    if (!pc_row_is_null(field, row)) {
        span.data = text;
        switch (field->type) {
            case PC_ID:
                span = pc_row_id(field, row);
                break;
            case PC_FLOAT:
                span.bytes = (size_t)pc_float_format(pc_row_float(field, row), text);
                break;
            case PC_DATE:
                span.bytes = (size_t)pc_day_format((int32_t)pc_row_int(field, row), text);
                break;
            case PC_DECIMAL:
                span.bytes = (size_t)pc_decimal_format(pc_row_int(field, row), column->scale, text);
                break;
            case PC_CODE:
            case PC_TEXT:
                span = pc_dict_text(pc_dict_builder_view(c->dict[field->dict]),
                                    (uint32_t)pc_row_int(field, row));
                break;
            default:
                span.bytes =
                    (size_t)snprintf(text, sizeof text, "%" PRId64, pc_row_int(field, row));
        }
    }
    PC_TRY(pc_buffer_append(out, span.data, span.bytes, NULL));
    return pc_buffer_append(out, "|", 1, NULL);
}

/** A sink that writes each row as text, columns in the model's order. */
static inline pc_status case_sink(void *context, const unsigned char *row, int64_t row_count,
                                  pc_error *err)
{
    csv_case *c = context;
    const pc_model_table *table = &c->model->table[c->layout->table];
    for (int64_t r = 0; r < row_count; r++, row += c->layout->row_bytes) {
        for (int i = 0; i < table->column_count; i++) {
            const int field = c->layout->field_of_column[i];
            if (field < 0) continue;
            PC_TRY(show_field(c, &c->layout->field[field], row, &c->rows));
        }
        PC_TRY(pc_buffer_append(&c->rows, "\n", 1, err));
    }
    return PC_OK;
}

/** Reads all units of an opened file, of `unit_bytes` each (0: as opened). */
static inline pc_status case_read(csv_case *c, pc_csv_file *file, int64_t unit_bytes)
{
    pc_csv_reader *reader = NULL;
    int64_t lines = 0;
    c->rows.bytes = c->rejected.bytes = 0;
    c->counts = (pc_csv_counts){0};
    if (unit_bytes > 0 && !file->is_stream) {
        const int64_t rest = file->bytes - file->header_bytes;
        file->unit_bytes = unit_bytes;
        file->unit_count = rest <= 0 ? 1 : (rest + unit_bytes - 1) / unit_bytes;
    }
    PC_TRY(pc_row_layout_make(c->model, file->table, &c->arena, &c->layout, &c->err));
    pc_status status = pc_csv_reader_open(c->model, c->dict, &c->budget, &reader, &c->err);
    for (int64_t unit = 0; unit < file->unit_count && status == PC_OK; unit++) {
        pc_csv_counts counts;
        pc_digest digest;
        const size_t before = c->rejected.bytes;
        status = pc_csv_read_unit(reader, file, unit, c->layout, case_sink, c, &c->rejected,
                                  &counts, &digest, &c->err);
        if (status != PC_OK) break;
        for (size_t at = before; at < c->rejected.bytes; at += sizeof(pc_rejected)) {
            ((pc_rejected *)(void *)(c->rejected.data + at))->line += lines;
        }
        lines += counts.lines;
        c->counts.rows_read += counts.rows_read;
        c->counts.rows_rejected += counts.rows_rejected;
        c->counts.bytes += counts.bytes;
        c->counts.lines = lines;
    }
    pc_csv_reader_close(reader);
    return status;
}

/** Writes, opens and reads a file of a table in one go. */
static inline pc_status case_text(csv_case *c, const char *name, const char *text, size_t bytes)
{
    pc_csv_file file;
    const char *path = case_file(c, name, text, bytes);
    pc_status status = pc_csv_open(c->model, path, name, 7, &c->arena, &file, &c->err);
    if (status == PC_OK) status = case_read(c, &file, 0);
    (void)unlink(path);
    return status;
}

/** The rows as a C string. */
static inline const char *case_rows(csv_case *c)
{
    if (pc_buffer_append(&c->rows, "", 1, NULL) != PC_OK) exit(1);
    c->rows.bytes--;
    return c->rows.data;
}

static inline const pc_rejected *case_reject(const csv_case *c, int index)
{
    return (const pc_rejected *)(const void *)c->rejected.data + index;
}

#endif
