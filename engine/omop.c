/** parcours omop: each table of the list is a query; its rows become lines of a CSV file. Rows come
 *  in the order of the query's result, so row numbers do not depend on ranks. */
#include "omop.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

/** A table that is being written. */
typedef struct omop_table {
    pc_omop_table from;
    const pc_omop_mapping *mapping;
    pc_file_writer file;
    pc_buffer line;
    int64_t row_count, unmapped; // unmapped: rows without a concept
    int64_t person, persons;     // the last row's, and how many there were
    int64_t row_of_person;
} omop_table;

typedef struct omop_work {
    pc_comm *comm;
    const pc_omop_options *options;
    const pc_log *log;
    pc_arena arena;
    pc_store *store;
    const pc_catalog *catalog;
    pc_json *list;
    pc_omop_mapping mapping;
} omop_work;

// ---- cells --------------------------------------------------------------------------------------

/** A text as RFC 4180 has it; line ends become blanks, so that a row is a line. */
static pc_status put_text(pc_buffer *out, pc_span text, pc_error *err)
{
    bool quotes = false;
    for (size_t i = 0; i < text.bytes; i++)
        quotes = quotes || strchr(",\"\r\n", text.data[i]) != NULL;
    if (!quotes) return pc_buffer_append(out, text.data, text.bytes, err);
    PC_TRY(pc_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text.bytes; i++) {
        const char c = text.data[i];
        const bool is_end = c == '\r' || c == '\n';
        PC_TRY(pc_buffer_append(out, is_end ? " " : &c, 1, err));
        if (c == '"') PC_TRY(pc_buffer_append(out, &c, 1, err));
    }
    return pc_buffer_append(out, "\"", 1, err);
}

/** The columns of the query in a row, behind commas. */
static pc_status put_row(const omop_table *t, const pc_result *rows, int64_t row, bool has_before,
                         pc_buffer *out, pc_error *err)
{
    char digits[PC_OMOP_CELL_BYTES];
    for (int c = 0; c < rows->schema.field_count; c++) {
        const pc_column *column = &rows->column[c];
        if (c > 0 || has_before) PC_TRY(pc_buffer_append(out, ",", 1, err));
        if (column->data == NULL || pc_column_is_null(column, row)) continue;
        const pc_span text = pc_omop_cell(column, row, digits);
        PC_TRY(t->from.is_number[c]
                   ? pc_buffer_print(out, err, "%lld", (long long)pc_omop_number(text))
                   : put_text(out, text, err));
    }
    return pc_buffer_append(out, "\n", 1, err);
}

static pc_status format_rows(void *context, const pc_result *rows, pc_buffer *out, pc_error *err)
{
    const omop_table *t = context;
    static const pc_omop_map nothing = {.target = 0};
    char digits[PC_OMOP_CELL_BYTES];
    for (int64_t row = 0; row < rows->row_count; row++) {
        if (t->from.code_column < 0) {
            PC_TRY(put_row(t, rows, row, false, out, err));
            continue;
        }
        const pc_column *codes = &rows->column[t->from.code_column];
        int64_t count = 0;
        const pc_omop_map *map = &nothing;
        if (codes->data != NULL && !pc_column_is_null(codes, row)) {
            const pc_span code = pc_omop_cell(codes, row, digits);
            map = pc_omop_mapping_find(t->mapping, pc_span_of(t->from.vocabulary), code, &count);
        }
        if (count == 0) map = &nothing;
        for (int64_t m = 0; m < (count == 0 ? 1 : count); m++) {
            PC_TRY(pc_buffer_print(out, err, "%lld,%lld", (long long)map[m].target,
                                   (long long)map[m].source_concept));
            PC_TRY(put_row(t, rows, row, true, out, err));
        }
    }
    return PC_OK;
}

/** The person of a line: its first column, or the one behind the two concepts of a code. */
static int64_t person_of(const omop_table *t, pc_span line)
{
    int64_t person = 0;
    const char *from = line.data, *const end = line.data + line.bytes;
    for (int commas = t->from.code_column >= 0 ? 2 : 0; commas > 0 && from < end; from++)
        commas -= *from == ',';
    for (; from < end && *from >= '0' && *from <= '9'; from++)
        person = person * 10 + (*from - '0');
    return person;
}

/** Rank 0: the id of the next line; rows of one person follow each other. */
static pc_status put_id(omop_table *t, pc_span line, pc_error *err)
{
    const int64_t person = person_of(t, line);
    if (t->persons == 0 || person != t->person) {
        t->person = person;
        t->persons++;
        t->row_of_person = 0;
    }
    if (t->persons >= PC_OMOP_MOST_PERSONS) {
        return PC_FAIL(err, PC_BAD_INPUT, "%s: more than %d persons", t->from.name,
                       (int)PC_OMOP_MOST_PERSONS - 1);
    }
    const int64_t id = pc_omop_row_id(++t->row_of_person, t->from.place, t->persons);
    return pc_buffer_print(&t->line, err, "%lld,", (long long)id);
}

/** Rank 0: numbers the lines where the table has an id of its own. */
static pc_status write_rows(void *context, pc_span text, pc_error *err)
{
    omop_table *t = context;
    t->line.bytes = 0;
    for (size_t from = 0; from < text.bytes;) {
        const char *end = memchr(text.data + from, '\n', text.bytes - from);
        const size_t bytes = (end != NULL ? (size_t)(end - text.data) + 1 : text.bytes) - from;
        t->row_count++;
        t->unmapped += t->from.code_column >= 0 && text.data[from] == '0';
        if (t->from.id != NULL) PC_TRY(put_id(t, (pc_span){text.data + from, bytes}, err));
        PC_TRY(pc_buffer_append(&t->line, text.data + from, bytes, err));
        from += bytes;
    }
    return pc_file_add(&t->file, (pc_span){t->line.data, t->line.bytes}, err);
}

// ---- one table ----------------------------------------------------------------------------------

static pc_status path_of(const omop_work *w, const char *table, char *path, pc_error *err)
{
    const int bytes = snprintf(path, PATH_BYTES, "%s/%s.csv", w->options->out, table);
    if (bytes >= 0 && bytes < PATH_BYTES) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB, "the path of the folder is too long");
}

static pc_status begin_file(const omop_work *w, omop_table *t, pc_error *err)
{
    char path[PATH_BYTES];
    PC_TRY(path_of(w, t->from.name, path, err));
    PC_TRY(pc_file_begin(path, 0600, &t->file, err));
    const char *before[] = {t->from.id, t->from.code_column >= 0 ? t->from.concept : NULL,
                            t->from.code_column >= 0 ? t->from.source_concept : NULL};
    for (int i = 0; i < 3; i++) {
        if (before[i] != NULL) PC_TRY(pc_buffer_print(&t->line, err, "%s,", before[i]));
    }
    for (int c = 0; c < t->from.schema.field_count; c++) {
        PC_TRY(
            pc_buffer_print(&t->line, err, "%s%s", c > 0 ? "," : "", t->from.schema.field[c].name));
    }
    PC_TRY(pc_buffer_append(&t->line, "\n", 1, err));
    return pc_file_add(&t->file, (pc_span){t->line.data, t->line.bytes}, err);
}

/** Rank 0: a result that was small enough to stay whole. */
static pc_status write_whole(omop_table *t, const pc_result *result, pc_budget *budget,
                             pc_error *err)
{
    pc_buffer text = {.budget = budget};
    pc_status status = format_rows(t, result, &text, err);
    if (status == PC_OK) status = write_rows(t, (pc_span){text.data, text.bytes}, err);
    pc_buffer_release(&text);
    return status;
}

/** Binds the query and, on rank 0, begins the file. Local. */
static pc_status prepare(omop_work *w, int place, omop_table *t, pc_error *err)
{
    PC_TRY(pc_omop_table_plan(w->list, place, w->options->tables, w->store, w->catalog, &w->arena,
                              &t->from, err));
    return pc_comm_rank(w->comm) == 0 ? begin_file(w, t, err) : PC_OK;
}

/** A person_id is a hash: two persons with one would become one person. Collective. */
static pc_status check_persons(const omop_work *w, const omop_table *t, pc_error *err)
{
    char path[PATH_BYTES];
    if (strcmp(t->from.name, "person") != 0) return PC_OK;
    PC_TRY(path_of(w, t->from.name, path, err)); // the same on all ranks
    const pc_status status =
        pc_omop_check_ids(w->comm, path, t->row_count, w->options->budget, err);
    if (status == PC_BAD_INPUT) {
        pc_error_prefix(err, "table person: two rows have one person_id, of two persons or of one");
    }
    return status;
}

static pc_status write_table(omop_work *w, int place, pc_error *err)
{
    pc_budget *budget = w->options->budget;
    omop_table t = {.mapping = &w->mapping, .file.file = -1, .line.budget = budget};
    const pc_arena_mark mark = pc_arena_now(&w->arena);
    pc_status status = pc_comm_agree(w->comm, prepare(w, place, &t, err), err);
    if (status == PC_OK) {
        const pc_query_output output = {.context = &t, .format = format_rows, .write = write_rows};
        const pc_query_run run = {.store = w->store,
                                  .catalog = w->catalog,
                                  .query = t.from.query,
                                  .budget = budget,
                                  .log = w->log,
                                  .scratch = w->options->scratch,
                                  .output = &output};
        pc_query_profile profile;
        pc_result result = {.row_count = 0};
        status = pc_query_execute(w->comm, &run, &w->arena, &result, &profile, err);
        if (status == PC_OK && pc_comm_rank(w->comm) == 0) {
            if (!profile.in_pieces) status = write_whole(&t, &result, budget, err);
            if (status == PC_OK) status = pc_file_end(&t.file, true, err);
        }
        status = pc_comm_agree(w->comm, status, err);
        if (status == PC_OK) status = check_persons(w, &t, err);
    }
    if (status == PC_OK) {
        pc_log_line(w->log, PC_INFO, "omop", "table=%s rows=%lld unmapped=%lld", t.from.name,
                    (long long)t.row_count, (long long)t.unmapped);
    }
    pc_file_abandon(&t.file);
    pc_buffer_release(&t.line);
    pc_arena_rewind(&w->arena, mark);
    return status;
}

// ---- all of them --------------------------------------------------------------------------------

static pc_status open_work(omop_work *w, pc_error *err)
{
    const pc_omop_options *o = w->options;
    PC_TRY(pc_store_open(o->store, o->budget, &w->store, err));
    PC_TRY(pc_catalog_of_store(w->store, &w->arena, &w->catalog, err));
    PC_TRY(pc_omop_list_read(o->tables, &w->list, err));
    if (pc_comm_rank(w->comm) != 0 || mkdir(o->out, 0700) == 0 || errno == EEXIST) return PC_OK;
    return PC_FAIL(err, PC_IO, "cannot make the folder '%s': %s", o->out, strerror(errno));
}

/** Rank 0: takes away the files of the tables up to a place. */
static void remove_files(const omop_work *w, int place)
{
    const pc_json *table = pc_json_first(pc_json_get(w->list, "tables"));
    for (int i = 0; i <= place && table != NULL; i++, table = pc_json_next(table)) {
        const pc_json *of =
            pc_json_kind_of(table) == PC_JSON_OBJECT ? pc_json_get(table, "table") : NULL;
        const char *name = of == NULL ? NULL : pc_json_text(of);
        char path[PATH_BYTES];
        pc_error err = {0};
        if (name == NULL || strchr(name, '/') != NULL) continue;
        if (path_of(w, name, path, &err) == PC_OK) (void)unlink(path);
    }
}

pc_status pc_omop_write(pc_comm *comm, const pc_omop_options *options, const pc_log *log,
                        pc_error *err)
{
    omop_work w = {.comm = comm, .options = options, .log = log, .arena.budget = options->budget};
    pc_buffer text = {.budget = options->budget};
    pc_status status = PC_OK;
    if (options->mapping != NULL && pc_comm_rank(comm) == 0) {
        status = pc_omop_mapping_text(options->mapping, &text, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &text, err);
    if (status == PC_OK) status = open_work(&w, err);
    if (status == PC_OK && options->mapping != NULL) {
        status = pc_omop_mapping_read((pc_span){text.data, text.bytes}, options->mapping, &w.arena,
                                      &w.mapping, err);
    }
    status = pc_comm_agree(comm, status, err);
    const int tables = status == PC_OK ? pc_json_count(pc_json_get(w.list, "tables")) : 0;
    for (int place = 0; status == PC_OK && place < tables; place++) {
        status = write_table(&w, place, err);
        if (status != PC_OK && pc_comm_rank(comm) == 0) remove_files(&w, place);
    }
    pc_json_free(w.list);
    pc_store_close(w.store);
    pc_buffer_release(&text);
    pc_arena_reset(&w.arena);
    return status;
}
