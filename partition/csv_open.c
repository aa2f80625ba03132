/** A file of the delivery: its table, its header, what it lacks. */
#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include "csv_private.h"

enum {
    HEAD_BYTES = 64 * 1024, // looked at to tell text from binary; a header is shorter
    CONTROL_SHARE = 10      // more than one control byte in so many: not text
};

const char *pc_reject_name(pc_reject reason)
{
    static const char *const name[] = {"columns", "quote",   "encoding", "date",      "number",
                                       "range",   "length",  "key",      "truncated", "duplicate",
                                       "period",  "overlap", "person"};
    static_assert(sizeof name / sizeof name[0] == PC_REJECT_COUNT, "a name for each reason");
    return name[reason];
}

static pc_status read_head(const char *path, const char *name, pc_buffer *head, bool *is_whole,
                           pc_error *err)
{
    csv_source source;
    pc_status status = csv_source_open(&source, path, name, 0, head->budget, err);
    size_t got = 1;
    if (status == PC_OK) status = pc_buffer_reserve(head, HEAD_BYTES + CSV_PADDING, err);
    while (status == PC_OK && got > 0 && head->bytes < HEAD_BYTES) {
        status =
            csv_source_read(&source, head->data + head->bytes, HEAD_BYTES - head->bytes, &got, err);
        if (status == PC_OK) head->bytes += got;
    }
    *is_whole = got == 0;
    csv_source_close(&source);
    return status;
}

static bool is_text(const pc_buffer *head)
{
    size_t controls = 0;
    for (size_t i = 0; i < head->bytes; i++) {
        const unsigned char c = (unsigned char)head->data[i];
        if (c == 0) return false;
        controls += c < 32 && c != '\n' && c != '\r' && c != '\t';
    }
    return controls * CONTROL_SHARE <= head->bytes;
}

static pc_span trim_name(pc_span text)
{
    text = pc_span_trim(text);
    if (text.bytes >= 2 && text.data[0] == '"' && text.data[text.bytes - 1] == '"') {
        text = pc_span_trim((pc_span){text.data + 1, text.bytes - 2});
    }
    return text;
}

// The header line without BOM and line end. *next: offset of the first record.
static pc_status find_header(const char *name, const pc_buffer *head, bool is_whole, pc_span *line,
                             int64_t *next, pc_error *err)
{
    const bool has_bom = head->bytes >= 3 && memcmp(head->data, "\xef\xbb\xbf", 3) == 0;
    const size_t begin = has_bom ? 3 : 0;
    if (head->bytes <= begin) {
        return PC_FAIL(err, PC_BAD_INPUT, "file '%s': is empty: expected a header line", name);
    }
    if (!is_text(head)) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "file '%s': is not text: expected CSV in UTF-8 or Latin-1", name);
    }
    const char *data = head->data + begin;
    const char *end = memchr(data, '\n', head->bytes - begin);
    if (end == NULL && !is_whole) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "file '%s': line 1 is longer than %d bytes: expected a "
                       "header line",
                       name, HEAD_BYTES);
    }
    size_t bytes = end != NULL ? (size_t)(end - data) : head->bytes - begin;
    *next = (int64_t)(begin + bytes + (end != NULL ? 1 : 0));
    if (bytes > 0 && data[bytes - 1] == '\r') bytes--;
    *line = (pc_span){data, bytes};
    if (pc_span_trim(*line).bytes > 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "file '%s': line 1 is blank: expected a header line", name);
}

static int csv_column_of(const pc_model_table *table, pc_span name)
{
    const int column = pc_model_find_column(table, name);
    return column >= 0 && table->column[column].origin == PC_FROM_CSV ? column : -1;
}

// The first of the model's delimiters that the header has; names hold none of them.
static char delimiter_of(const pc_model_table *table, pc_span line)
{
    const char *found = table->delimiters;
    while (*found != '\0' && memchr(line.data, *found, line.bytes) == NULL)
        found++;
    return *found != '\0' ? *found : table->delimiters[0];
}

static pc_status match_names(const pc_model_table *table, pc_span line, char delimiter,
                             pc_arena *arena, pc_csv_file *out, pc_error *err)
{
    int count = 1;
    for (size_t i = 0; i < line.bytes; i++)
        count += line.data[i] == delimiter;
    int *column = pc_arena_array(arena, (size_t)count, sizeof *column, err);
    const char **unknown = pc_arena_array(arena, (size_t)count + 1, sizeof *unknown, err);
    if (column == NULL || unknown == NULL) return PC_NO_MEMORY;
    int unknown_count = 0;
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        const char *from = line.data + at;
        const char *end = memchr(from, delimiter, line.bytes - at);
        const size_t bytes = end != NULL ? (size_t)(end - from) : line.bytes - at;
        const pc_span name = trim_name((pc_span){from, bytes});
        at += bytes + 1;
        column[i] = csv_column_of(table, name);
        if (column[i] < 0 && name.bytes > 0) {
            unknown[unknown_count] = pc_arena_text(arena, name.data, name.bytes, err);
            if (unknown[unknown_count++] == NULL) return PC_NO_MEMORY;
        }
        for (int k = 0; k < i && column[i] >= 0; k++) {
            if (column[k] != column[i]) continue;
            return PC_FAIL(err, PC_BAD_INPUT, "file '%s': line 1: column %s is there twice",
                           out->name, table->column[column[i]].name);
        }
    }
    out->column = column;
    out->column_count = count;
    out->unknown = unknown;
    return PC_OK;
}

static bool is_required(const pc_model_table *table, int column)
{
    if (csv_is_key_column(table, column) || column == table->pseudonym) return true;
    if (column == table->person) return !table->person_may_lack;
    if (column == table->nobody_key) return true;
    const bool pair = table->path == PC_PATH_PAIR || table->path == PC_PATH_IDENTITY;
    return pair && column == table->rank;
}

static bool has_column(const pc_csv_file *file, int column)
{
    for (int i = 0; i < file->column_count; i++) {
        if (file->column[i] == column) return true;
    }
    return false;
}

static pc_status find_missing(const pc_model *model, pc_csv_file *file, pc_arena *arena,
                              pc_error *err)
{
    const pc_model_table *table = &model->table[file->table];
    const char **missing =
        pc_arena_array(arena, (size_t)table->column_count + 1, sizeof *missing, err);
    if (missing == NULL) return PC_NO_MEMORY;
    int known = 0;
    int count = 0;
    for (int i = 0; i < file->column_count; i++)
        known += file->column[i] >= 0;
    if (known == 0) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "file '%s': line 1 holds no column of table %s: expected names separated by "
                       "'%c'",
                       file->name, table->name, file->delimiter);
    }
    for (int c = 0; c < table->column_count; c++) {
        if (table->column[c].origin != PC_FROM_CSV || has_column(file, c)) continue;
        if (is_required(table, c)) {
            return PC_FAIL(err, PC_BAD_INPUT,
                           "file '%s': line 1: column %s is missing: table %s cannot be read "
                           "without it",
                           file->name, table->column[c].name, table->name);
        }
        missing[count++] = table->column[c].name;
    }
    file->missing = missing;
    return PC_OK;
}

static pc_status open_header(const pc_model *model, const pc_buffer *head, bool is_whole,
                             pc_arena *arena, pc_csv_file *out, pc_error *err)
{
    pc_span line;
    const pc_model_table *table = &model->table[out->table];
    PC_TRY(find_header(out->name, head, is_whole, &line, &out->header_bytes, err));
    out->delimiter = delimiter_of(table, line);
    PC_TRY(match_names(table, line, out->delimiter, arena, out, err));
    return find_missing(model, out, arena, err);
}

pc_status pc_csv_open(const pc_model *model, const char *path, const char *name, int index,
                      pc_arena *arena, pc_csv_file *out, pc_error *err)
{
    struct stat info;
    const char *slash = strrchr(path, '/');
    *out = (pc_csv_file){.index = index, .unit_bytes = PC_CSV_UNIT_BYTES};
    out->path = pc_arena_text(arena, path, strlen(path), err);
    out->name = pc_arena_text(arena, name, strlen(name), err);
    if (out->path == NULL || out->name == NULL) return PC_NO_MEMORY;
    out->table = pc_model_match_file(model, slash != NULL ? slash + 1 : path, &out->year);
    if (out->table < 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "file '%s': no table of model %s has files of this name",
                       name, model->name);
    }
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return PC_FAIL(err, PC_IO, "file '%s': is not a file that can be read", name);
    }
    out->bytes = (int64_t)info.st_size;
    out->multiline = model->table[out->table].multiline;
    out->is_stream = csv_is_compressed(path) || out->multiline;
    pc_buffer head = {.budget = arena->budget};
    bool is_whole = false;
    pc_status status = read_head(path, out->name, &head, &is_whole, err);
    if (status == PC_OK) status = open_header(model, &head, is_whole, arena, out, err);
    pc_buffer_release(&head);
    const int64_t rest = out->bytes - out->header_bytes;
    out->unit_count =
        out->is_stream || rest <= 0 ? 1 : (rest + out->unit_bytes - 1) / out->unit_bytes;
    return status;
}
