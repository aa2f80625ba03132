/** Units of CSV files to rows: a window slides over the bytes, its index says where fields end. */
#include <assert.h>
#include <string.h>
#include "csv_private.h"
#include "row_bytes.h"

struct pc_csv_reader {
    const pc_model *model;
    pc_dict_builder *const *dict; // [model->dict_count] borrowed
    pc_budget *budget;
    pc_arena arena;    // the plan of the current unit
    pc_buffer window;  // [CSV_WINDOW_BYTES + CSV_PADDING] or more
    pc_buffer index;   // positions in the window
    pc_buffer rows;    // rows that the sink has not seen
    pc_buffer fields;  // pc_span of the current record, then of the one before
    pc_buffer halved;  // text of quoted fields
    pc_buffer scratch; // text of Latin-1 fields
    pc_buffer self;    // this struct's own memory
};

/** A unit while it is read. */
typedef struct csv_unit {
    pc_csv_reader *reader;
    const pc_csv_file *file;
    csv_source source;
    csv_plan plan;
    pc_csv_sink sink;
    void *context;
    pc_buffer *rejected;
    pc_csv_counts *counts;
    int64_t end;     // records that begin here or later belong to the next unit
    int64_t base;    // offset in the file of the window's first byte
    size_t at;       // where the next record begins in the window
    size_t index_at; // first position of the index that is >= at
    size_t index_count;
    int64_t line;      // of the next record
    int64_t row_count; // in reader->rows
    int64_t row_room;
    pc_span *field;    // of the current record
    csv_before before; // the good record before it, unless the window has moved since
    bool is_last;      // the window reaches the end of the file
    bool skip;         // up to the next line feed nothing is read
    bool skip_is_line;
} csv_unit;

static pc_status flush(csv_unit *u, pc_error *err)
{
    const int64_t count = u->row_count;
    u->row_count = 0;
    if (count == 0) return PC_OK;
    return u->sink(u->context, (const unsigned char *)u->reader->rows.data, count, err);
}

static pc_status reject(csv_unit *u, size_t at, pc_reject reason, int column, pc_error *err)
{
    const pc_rejected rejected = {.source = pc_row_source(u->file->index, u->base + (int64_t)at),
                                  .line = u->line,
                                  .column = column,
                                  .reason = (int32_t)reason};
    u->counts->rows_read++;
    u->counts->rows_rejected++;
    return pc_buffer_append(u->rejected, &rejected, sizeof rejected, err);
}

// The record becomes the one before: its fields stay, those of the one before are overwritten.
static void remember(csv_unit *u, const unsigned char *row)
{
    pc_span *const field = (pc_span *)(void *)u->reader->fields.data;
    const bool is_first = u->field == field;
    u->before = (csv_before){u->field, row};
    u->field = is_first ? field + u->file->column_count : field;
}

// Fields of a record that begins at `at` of the window become a row, or a reject.
static pc_status take_record(csv_unit *u, size_t at, const pc_span *field, pc_error *err)
{
    pc_reject reason = PC_REJECT_COUNT;
    int column = -1;
    unsigned char *row = (unsigned char *)u->reader->rows.data + u->row_count * u->plan.row_bytes;
    PC_TRY(
        csv_plan_row(&u->plan, field, u->before, &u->reader->scratch, row, &reason, &column, err));
    if (reason != PC_REJECT_COUNT) return reject(u, at, reason, column, err);
    put64(row + PC_ROW_SOURCE, pc_row_source(u->file->index, u->base + (int64_t)at));
    remember(u, row);
    u->counts->rows_read++;
    u->row_count++;
    return u->row_count == u->row_room ? flush(u, err) : PC_OK;
}

static bool is_blank(const char *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != ' ' && data[i] != '\t' && data[i] != '\r') return false;
    }
    return true;
}

// The model column of the first field with a control byte; -2: no field has one.
static int control_column(const csv_unit *u, const pc_span *field, int count)
{
    const bool multiline = u->file->multiline;
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; k < field[i].bytes; k++) {
            const unsigned char c = (unsigned char)field[i].data[k];
            const bool line_end = multiline && (c == '\n' || c == '\r');
            if (c < 32 && c != '\t' && !line_end) return u->file->column[i];
        }
    }
    return -2;
}

static int64_t count_lines(const char *data, size_t bytes)
{
    int64_t lines = 0;
    for (size_t i = 0; i < bytes; i++)
        lines += data[i] == '\n';
    return lines;
}

// A record with quotes, control bytes or the wrong number of fields.
static pc_status take_odd_record(csv_unit *u, size_t at, size_t bytes, csv_end end, pc_error *err)
{
    const char *record = u->reader->window.data + at;
    const int room = u->file->column_count;
    pc_span *field = u->field;
    if (bytes > 0 && end != CSV_END_QUOTE && record[bytes - 1] == '\r') bytes--;
    if (is_blank(record, bytes)) return PC_OK;
    const bool at_file_end = u->is_last && at + bytes >= u->reader->window.bytes;
    if (end == CSV_END_QUOTE) {
        return reject(u, at, at_file_end ? PC_REJECT_TRUNCATED : PC_REJECT_QUOTE, -1, err);
    }
    u->reader->halved.bytes = 0;
    PC_TRY(pc_buffer_reserve(&u->reader->halved, bytes + CSV_PADDING, err));
    const int count =
        csv_split(record, bytes, u->file->delimiter, u->reader->halved.data, field, room);
    if (count < 0) return reject(u, at, PC_REJECT_QUOTE, -1, err);
    if (count != room) {
        const bool cut = end == CSV_END_FILE && count < room;
        return reject(u, at, cut ? PC_REJECT_TRUNCATED : PC_REJECT_COLUMNS, -1, err);
    }
    const int control = control_column(u, field, room);
    if (control != -2) return reject(u, at, PC_REJECT_ENCODING, control, err);
    PC_TRY(take_record(u, at, field, err));
    u->before.field = NULL; // its text may stand in `halved`
    return PC_OK;
}

// The usual record: as many delimiters as the header has, nothing else of note, a line feed.
// False: it is not such a record. *next: where the one behind it begins.
static bool split_plain(const csv_unit *u, pc_span *field, size_t *next, size_t *index_used)
{
    const int count = u->file->column_count;
    const uint32_t *index = (const uint32_t *)(const void *)u->reader->index.data + u->index_at;
    const char *data = u->reader->window.data;
    const char delimiter = u->file->delimiter;
    if (u->index_count - u->index_at < (size_t)count) return false;
    size_t begin = u->at;
    for (int i = 0; i < count - 1; i++) {
        const size_t end = index[i];
        if (data[end] != delimiter) return false;
        field[i] = (pc_span){data + begin, end - begin};
        begin = end + 1;
    }
    const size_t end = index[count - 1];
    if (count == 1 && (unsigned char)data[begin] <= ' ') return false; // perhaps a blank line
    field[count - 1] = (pc_span){data + begin, end - begin};
    *index_used = (size_t)count;
    *next = end + 1;
    if (data[end] == '\n') return true;
    if (data[end] != '\r' || u->index_count - u->index_at < (size_t)count + 1) return false;
    *index_used = (size_t)count + 1;
    *next = end + 2;
    return data[end + 1] == '\n' && index[count] == end + 1;
}

static void move_to(csv_unit *u, size_t next)
{
    const uint32_t *index = (const uint32_t *)(const void *)u->reader->index.data;
    while (u->index_at < u->index_count && index[u->index_at] < next)
        u->index_at++;
    u->at = next;
}

// A record that is longer than any may be: its rest is skipped.
static pc_status take_endless_record(csv_unit *u, pc_error *err)
{
    const char *record = u->reader->window.data + u->at;
    const size_t bytes = u->reader->window.bytes - u->at;
    const char *line_end = memchr(record, '\n', bytes);
    if (line_end != NULL) { // only inside quotes
        PC_TRY(reject(u, u->at, PC_REJECT_QUOTE, -1, err));
        u->line++;
        move_to(u, u->at + (size_t)(line_end - record) + 1);
        return PC_OK;
    }
    PC_TRY(reject(u, u->at, PC_REJECT_COLUMNS, -1, err));
    u->skip = true;
    u->skip_is_line = true;
    return PC_OK;
}

// Reads one record. *more: the window must be filled first.
static pc_status next_record(csv_unit *u, bool *more, pc_error *err)
{
    size_t next = 0;
    size_t used = 0;
    if (split_plain(u, u->field, &next, &used)) {
        PC_TRY(take_record(u, u->at, u->field, err));
        u->at = next;
        u->index_at += used;
        u->line++;
        return PC_OK;
    }
    const char *record = u->reader->window.data + u->at;
    const size_t left = u->reader->window.bytes - u->at;
    size_t bytes = 0;
    const bool multiline = u->file->multiline;
    const csv_end end =
        csv_find_end(record, left, u->is_last, u->file->delimiter, multiline, &bytes);
    if (end == CSV_END_UNKNOWN) {
        if (left > CSV_RECORD_BYTES) return take_endless_record(u, err);
        *more = true;
        return PC_OK;
    }
    PC_TRY(take_odd_record(u, u->at, bytes, end, err));
    u->line += 1 + count_lines(record, bytes);
    move_to(u, u->at + bytes + (bytes < left ? 1 : 0));
    return PC_OK;
}

// Keeps what is unread, reads more behind it, makes the index anew.
static pc_status fill(csv_unit *u, pc_error *err)
{
    pc_csv_reader *r = u->reader;
    const size_t kept = r->window.bytes - u->at;
    const size_t room = kept + CSV_WINDOW_BYTES > 2 * kept ? kept + CSV_WINDOW_BYTES : 2 * kept;
    PC_TRY(pc_buffer_reserve(&r->window, room + CSV_PADDING, err));
    memmove(r->window.data, r->window.data + u->at, kept);
    u->base += (int64_t)u->at;
    u->at = 0;
    u->before.field = NULL;
    r->window.bytes = kept;
    // A unit of a plain file reads little beyond its end: what its last record needs.
    const int64_t tail = u->source.offset + CSV_TAIL_BYTES;
    const int64_t limit = u->end > tail ? u->end : tail;
    while (r->window.bytes < room && !u->is_last && u->source.offset < limit) {
        size_t most = room - r->window.bytes;
        if (!u->file->is_stream && (int64_t)most > limit - u->source.offset) {
            most = (size_t)(limit - u->source.offset);
        }
        size_t got = 0;
        PC_TRY(csv_source_read(&u->source, r->window.data + r->window.bytes, most, &got, err));
        r->window.bytes += got;
        u->is_last = got == 0;
    }
    memset(r->window.data + r->window.bytes, 0, CSV_PADDING);
    PC_TRY(pc_buffer_reserve(&r->index, r->window.bytes * sizeof(uint32_t) + 4, err));
    u->index_count = csv_index(r->window.data, r->window.bytes, u->file->delimiter,
                               (uint32_t *)(void *)r->index.data);
    u->index_at = 0;
    return PC_OK;
}

static void skip_line(csv_unit *u)
{
    const char *from = u->reader->window.data + u->at;
    const size_t left = u->reader->window.bytes - u->at;
    const char *line_end = memchr(from, '\n', left);
    if (line_end == NULL && !u->is_last) {
        u->at += left;
        return;
    }
    move_to(u, line_end == NULL ? u->at + left : u->at + (size_t)(line_end - from) + 1);
    u->line += u->skip_is_line;
    u->skip = false;
}

static pc_status read_records(csv_unit *u, pc_error *err)
{
    PC_TRY(fill(u, err));
    for (;;) {
        bool more = false;
        if (u->skip) {
            skip_line(u);
            more = u->skip;
        } else {
            if (u->base + (int64_t)u->at >= u->end) return PC_OK;
            if (u->at == u->reader->window.bytes && u->is_last) return PC_OK;
            PC_TRY(next_record(u, &more, err));
        }
        if (more) PC_TRY(fill(u, err));
    }
}

static pc_status begin_unit(csv_unit *u, int64_t unit, pc_fingerprint_state *digest, pc_error *err)
{
    pc_csv_reader *r = u->reader;
    const pc_csv_file *file = u->file;
    const int64_t unit_bytes = file->unit_bytes > 0 ? file->unit_bytes : PC_CSV_UNIT_BYTES;
    const int64_t begin = file->header_bytes + unit * unit_bytes;
    int64_t first = begin;
    u->end = file->is_stream ? INT64_MAX : begin + unit_bytes;
    if (unit > 0) {
        first = begin - 1; // to see whether a record begins with the unit
        u->skip = true;
    } else {
        u->line = 2;
    }
    if (file->is_stream) {
        first = 0;
        u->skip = true;
        u->line = 1;
        u->skip_is_line = true;
    }
    u->base = first;
    PC_TRY(csv_source_open(&u->source, file->path, file->name, first, r->budget, err));
    u->source.digest = digest;
    u->source.hash_from = unit == 0 ? 0 : begin;
    u->source.hash_to = unit + 1 == file->unit_count ? INT64_MAX : u->end;
    return PC_OK;
}

// The header is part of the first unit's digest, though its records are read from behind it.
static pc_status hash_header(csv_unit *u, pc_error *err)
{
    const int64_t first = u->source.offset;
    size_t got = 0;
    if (u->source.hash_from != 0 || first == 0) return PC_OK;
    PC_TRY(pc_buffer_reserve(&u->reader->window, (size_t)first, err));
    u->source.offset = 0;
    u->source.hash_to = first;
    while (u->source.offset < first) {
        PC_TRY(csv_source_read(&u->source, u->reader->window.data,
                               (size_t)(first - u->source.offset), &got, err));
        if (got == 0) break;
    }
    u->source.offset = first;
    u->source.hash_from = first;
    u->source.hash_to = u->file->unit_count == 1 ? INT64_MAX : u->end;
    return PC_OK;
}

// Where the unit's bytes on disk end.
static int64_t unit_end(const csv_unit *u, int64_t unit)
{
    return unit + 1 == u->file->unit_count ? u->file->bytes : u->end;
}

static pc_status read_unit(csv_unit *u, int64_t unit, const pc_row_layout *layout,
                           pc_fingerprint_state *digest, pc_error *err)
{
    pc_csv_reader *r = u->reader;
    PC_TRY(csv_plan_make(r->model, u->file, layout, r->dict, &r->arena, &u->plan, err));
    u->row_room = CSV_BATCH_BYTES / layout->row_bytes + 1;
    PC_TRY(pc_buffer_reserve(&r->rows, (size_t)u->row_room * (size_t)layout->row_bytes, err));
    PC_TRY(pc_buffer_reserve(&r->fields, 2 * (size_t)u->file->column_count * sizeof(pc_span), err));
    u->field = (pc_span *)(void *)r->fields.data;
    PC_TRY(begin_unit(u, unit, digest, err));
    PC_TRY(hash_header(u, err));
    r->window.bytes = 0;
    PC_TRY(read_records(u, err));
    PC_TRY(flush(u, err));
    u->counts->lines = u->line - 1;
    u->counts->bytes = unit_end(u, unit) - u->source.hash_from;
    if (unit == 0) u->counts->bytes = unit_end(u, unit);
    return PC_OK;
}

pc_status pc_csv_reader_open(const pc_model *model, pc_dict_builder *const *dict, pc_budget *budget,
                             pc_csv_reader **out, pc_error *err)
{
    pc_buffer self = {.budget = budget};
    PC_TRY(pc_buffer_reserve(&self, sizeof(pc_csv_reader), err));
    pc_csv_reader *r = (pc_csv_reader *)(void *)self.data;
    *r = (pc_csv_reader){.model = model, .dict = dict, .budget = budget, .self = self};
    r->arena.budget = budget;
    r->window.budget = r->index.budget = r->rows.budget = budget;
    r->fields.budget = r->halved.budget = r->scratch.budget = budget;
    *out = r;
    return PC_OK;
}

pc_status pc_csv_read_unit(pc_csv_reader *reader, const pc_csv_file *file, int64_t unit,
                           const pc_row_layout *layout, pc_csv_sink sink, void *context,
                           pc_buffer *rejected, pc_csv_counts *counts, pc_digest *digest,
                           pc_error *err)
{
    assert(unit >= 0 && unit < file->unit_count && layout->table == file->table);
    pc_fingerprint_state state;
    pc_fingerprint_begin(&state);
    *counts = (pc_csv_counts){0};
    csv_unit u = {.reader = reader,
                  .file = file,
                  .source = {.fd = -1},
                  .sink = sink,
                  .context = context,
                  .rejected = rejected,
                  .counts = counts,
                  .line = 1};
    const pc_status status = read_unit(&u, unit, layout, &state, err);
    csv_source_close(&u.source);
    pc_arena_reset(&reader->arena);
    *digest = pc_fingerprint_end(&state);
    return status;
}

void pc_csv_reader_close(pc_csv_reader *reader)
{
    if (reader == NULL) return;
    pc_arena_reset(&reader->arena);
    pc_buffer_release(&reader->window);
    pc_buffer_release(&reader->index);
    pc_buffer_release(&reader->rows);
    pc_buffer_release(&reader->fields);
    pc_buffer_release(&reader->halved);
    pc_buffer_release(&reader->scratch);
    pc_buffer self = reader->self;
    pc_buffer_release(&self);
}
