/** Any bytes as a file of a small model. The first byte says which table's and how many bytes a
 * unit has: rows and counts do not depend on the size of units, and each record is stored or
 * rejected. */
#include "fuzz.h"
#include "partition/csv_case.h"

static char *copy_of(const pc_buffer *rows)
{
    char *copy = malloc(rows->bytes + 1);
    if (copy == NULL) exit(1);
    memcpy(copy, rows->bytes == 0 ? "" : rows->data, rows->bytes);
    copy[rows->bytes] = '\0';
    return copy;
}

static int64_t count_lines(const pc_buffer *rows)
{
    int64_t count = 0;
    for (size_t i = 0; i < rows->bytes; i++)
        count += rows->data[i] == '\n';
    return count;
}

static void read_twice(csv_case *c, pc_csv_file *file, int64_t unit_bytes)
{
    if (case_read(c, file, 0) != PC_OK) return;
    const size_t rejects = c->rejected.bytes / sizeof(pc_rejected);
    const pc_csv_counts whole = c->counts;
    char *rows = copy_of(&c->rows);
    const size_t row_bytes = c->rows.bytes;
    fuzz_check(whole.rows_rejected == (int64_t)rejects, "rejected rows are kept");
    // Texts may hold line feeds: only their number at least is known.
    fuzz_check(count_lines(&c->rows) >= whole.rows_read - whole.rows_rejected, "rows are given");
    fuzz_check(case_read(c, file, unit_bytes) == PC_OK, "small units are read too");
    fuzz_check(c->counts.rows_read == whole.rows_read, "rows do not depend on units");
    fuzz_check(c->counts.rows_rejected == whole.rows_rejected, "rejects do not depend on units");
    fuzz_check(c->rows.bytes == row_bytes &&
                   memcmp(c->rows.data == NULL ? "" : c->rows.data, rows, row_bytes) == 0,
               "values do not depend on units");
    free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const name[] = {"stay_2019.csv", "people.csv", "label.csv", "one.csv"};
    csv_case c;
    pc_csv_file file;
    if (bytes < 1) return 0;
    const char *of = name[data[0] % 4];
    case_begin(&c);
    const char *path = case_file(&c, of, data + 1, bytes - 1);
    if (pc_csv_open(c.model, path, of, 0, &c.arena, &file, &c.err) == PC_OK) {
        read_twice(&c, &file, 1 + data[0] / 4);
    }
    (void)unlink(path);
    for (int i = 0; i < c.model->dict_count; i++)
        pc_dict_builder_free(c.dict[i]);
    pc_buffer_release(&c.rows);
    pc_buffer_release(&c.rejected);
    pc_arena_reset(&c.arena);
    fuzz_check(c.budget.used_bytes == 0, "all memory is given back");
    (void)rmdir(c.folder);
    return 0;
}
