/** The text of one record, read again for the rejects file. */
#include <string.h>
#include "csv_private.h"

enum { RECORD_TEXT_BYTES = 64 * 1024 }; // of a rejected record that are shown

static pc_status skip_bytes(csv_source *source, char *room, size_t room_bytes, int64_t bytes,
                            pc_error *err)
{
    while (bytes > 0) {
        const size_t most = bytes < (int64_t)room_bytes ? (size_t)bytes : room_bytes;
        size_t got = 0;
        PC_TRY(csv_source_read(source, room, most, &got, err));
        if (got == 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "file '%s': became shorter while it was read",
                           source->name);
        }
        bytes -= (int64_t)got;
    }
    return PC_OK;
}

static pc_status read_text(csv_source *source, int64_t skip, pc_buffer *text, bool *is_last,
                           pc_error *err)
{
    size_t got = 1;
    PC_TRY(pc_buffer_reserve(text, RECORD_TEXT_BYTES, err));
    PC_TRY(skip_bytes(source, text->data, RECORD_TEXT_BYTES, skip, err));
    while (got > 0 && text->bytes < RECORD_TEXT_BYTES) {
        PC_TRY(csv_source_read(source, text->data + text->bytes, RECORD_TEXT_BYTES - text->bytes,
                               &got, err));
        text->bytes += got;
    }
    *is_last = got == 0;
    return PC_OK;
}

pc_status pc_csv_record(const pc_csv_file *file, int64_t offset, pc_buffer *out, pc_error *err)
{
    csv_source source;
    pc_buffer text = {.budget = out->budget};
    bool is_last = false;
    const bool compressed = csv_is_compressed(file->path);
    pc_status status =
        csv_source_open(&source, file->path, file->name, compressed ? 0 : offset, out->budget, err);
    if (status == PC_OK) {
        status = read_text(&source, compressed ? offset : 0, &text, &is_last, err);
    }
    if (status == PC_OK) {
        size_t bytes = text.bytes;
        const csv_end end =
            csv_find_end(text.data, text.bytes, is_last, file->delimiter, file->multiline, &bytes);
        if (end == CSV_END_UNKNOWN) bytes = text.bytes;
        if (bytes > 0 && text.data[bytes - 1] == '\r') bytes--;
        status = pc_buffer_append(out, text.data, bytes, err);
    }
    csv_source_close(&source);
    pc_buffer_release(&text);
    return status;
}
