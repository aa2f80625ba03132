/** The text of records, read again for the rejects file. They are asked for in ascending order, so
 * each file is gone through once, whether it is compressed or not. */
#include <string.h>
#include "csv_private.h"

enum {
    RECORD_TEXT_BYTES = 64 * 1024,    // of a rejected record that are shown
    RECORD_WINDOW_BYTES = 1024 * 1024 // read at once
};

struct pc_csv_records {
    pc_arena arena; // the struct itself lies in it
    csv_source source;
    const pc_csv_file *file; // that `source` reads; NULL: not open
    pc_buffer window;
    int64_t offset; // of the window's first byte in the file
    bool has_ended; // the file ends with the window
};

pc_status pc_csv_records_open(pc_budget *budget, pc_csv_records **out, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    *out = NULL;
    pc_csv_records *r = pc_arena_take(&arena, sizeof *r, err);
    if (r == NULL) return PC_NO_MEMORY;
    r->arena = arena;
    r->window.budget = budget;
    *out = r;
    return PC_OK;
}

static void close_file(pc_csv_records *r)
{
    if (r->file != NULL) csv_source_close(&r->source);
    r->file = NULL;
    r->window.bytes = 0;
    r->has_ended = false;
}

void pc_csv_records_close(pc_csv_records *r)
{
    if (r == NULL) return;
    close_file(r);
    pc_buffer_release(&r->window);
    pc_arena arena = r->arena;
    pc_arena_reset(&arena);
}

// From then on the window begins at or before `offset`.
static pc_status open_file(pc_csv_records *r, const pc_csv_file *file, int64_t offset,
                           pc_error *err)
{
    close_file(r);
    r->file = file;
    r->offset = csv_is_compressed(file->path) ? 0 : offset;
    PC_TRY(csv_source_open(&r->source, file->path, file->name, r->offset, r->window.budget, err));
    return pc_buffer_reserve(&r->window, RECORD_WINDOW_BYTES, err);
}

// Fills the window as far as the file goes.
static pc_status fill(pc_csv_records *r, pc_error *err)
{
    while (!r->has_ended && r->window.bytes < RECORD_WINDOW_BYTES) {
        size_t got = 0;
        PC_TRY(csv_source_read(&r->source, r->window.data + r->window.bytes,
                               RECORD_WINDOW_BYTES - r->window.bytes, &got, err));
        r->window.bytes += got;
        r->has_ended = got == 0;
    }
    return PC_OK;
}

// Moves the window until it holds a record's text from `offset` on.
static pc_status move_to(pc_csv_records *r, int64_t offset, pc_error *err)
{
    for (;;) {
        const int64_t before = offset - r->offset, room = (int64_t)r->window.bytes;
        const bool holds_text = before + RECORD_TEXT_BYTES <= room || r->has_ended;
        if (before < room && holds_text) return PC_OK;
        if (r->has_ended) {
            return PC_FAIL(err, PC_BAD_INPUT, "file '%s': became shorter while it was read",
                           r->file->name);
        }
        const int64_t dropped = before < room ? before : room;
        if (dropped > 0) {
            memmove(r->window.data, r->window.data + dropped, (size_t)(room - dropped));
        }
        r->window.bytes -= (size_t)dropped;
        r->offset += dropped;
        if (r->window.bytes == 0 && !csv_is_compressed(r->file->path)) {
            r->source.offset = r->offset = offset;
        }
        PC_TRY(fill(r, err));
    }
}

pc_status pc_csv_records_read(pc_csv_records *r, const pc_csv_file *file, int64_t offset,
                              pc_buffer *out, pc_error *err)
{
    if (r->file != file || offset < r->offset) PC_TRY(open_file(r, file, offset, err));
    PC_TRY(move_to(r, offset, err));
    const char *text = r->window.data + (offset - r->offset);
    const int64_t left = r->offset + (int64_t)r->window.bytes - offset;
    const size_t most = left < RECORD_TEXT_BYTES ? (size_t)left : RECORD_TEXT_BYTES;
    const bool is_last = r->has_ended && (int64_t)most == left;
    size_t bytes = most;
    const csv_end end = csv_find_end(text, most, is_last, file->delimiter, file->multiline, &bytes);
    if (end == CSV_END_UNKNOWN) bytes = most;
    if (bytes > 0 && text[bytes - 1] == '\r') bytes--;
    return pc_buffer_append(out, text, bytes, err);
}
