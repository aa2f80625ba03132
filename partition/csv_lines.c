/** Lines of records of which only the offset is known: duplicates, found long after reading. */
#include <string.h>
#include "csv_private.h"

enum { LINES_WINDOW_BYTES = 1024 * 1024 };

static int64_t count_feeds(const char *data, size_t bytes)
{
    int64_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += data[i] == '\n';
    return count;
}

/** Records rejected[0 .. count - 1] are of one file, in order of offset. */
static pc_status find_in_file(const pc_csv_file *file, pc_rejected *rejected, int64_t count,
                              pc_buffer *window, pc_error *err)
{
    csv_source source;
    pc_status status = csv_source_open(&source, file->path, file->name, 0, window->budget, err);
    int64_t line = 1, offset = 0; // of the first byte of the window
    int64_t next = 0;
    while (status == PC_OK && next < count) {
        size_t got = 0;
        status = csv_source_read(&source, window->data, LINES_WINDOW_BYTES, &got, err);
        if (status != PC_OK) break;
        if (got == 0) {
            status = PC_FAIL(err, PC_BAD_INPUT, "file '%s': became shorter while it was read",
                             file->name);
            break;
        }
        size_t at = 0; // of the window, counted so far
        for (; next < count; next++) {
            const int64_t wanted = pc_source_offset(rejected[next].source);
            if (wanted >= offset + (int64_t)got) break;
            const size_t to = (size_t)(wanted - offset);
            line += count_feeds(window->data + at, to - at);
            at = to;
            if (rejected[next].line == 0) rejected[next].line = line;
        }
        line += count_feeds(window->data + at, got - at);
        offset += (int64_t)got;
    }
    csv_source_close(&source);
    return status;
}

pc_status pc_csv_find_lines(const pc_csv_file *file, pc_rejected *rejected, int64_t count,
                            pc_budget *budget, pc_error *err)
{
    pc_buffer window = {.budget = budget};
    pc_status status = pc_buffer_reserve(&window, LINES_WINDOW_BYTES, err);
    for (int64_t from = 0; status == PC_OK && from < count;) {
        const int index = pc_source_file(rejected[from].source);
        int64_t to = from;
        bool is_wanted = false;
        for (; to < count && pc_source_file(rejected[to].source) == index; to++) {
            is_wanted = is_wanted || rejected[to].line == 0;
        }
        if (is_wanted)
            status = find_in_file(&file[index], rejected + from, to - from, &window, err);
        from = to;
    }
    pc_buffer_release(&window);
    return status;
}
