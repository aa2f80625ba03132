/** parcours query: SQL over a store, behind disclosure control. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cli_journal.h"
#include "parcours/exec.h"
#include "parcours/share.h"

enum { MOST_SQL_BYTES = 256 * 1024 * 1024, READ_BYTES = 64 * 1024 };

static const pc_option option[] = {
    {"file", "FILE", "reads the SQL from a file (as the operand: - is standard input)", false},
    {"format", "FORMAT", "table, csv or json (table; csv with --out)", false},
    {"out", "FILE", "writes the result there", false},
    {"unprotected", NULL, "without disclosure control, for people entitled to it; journalled",
     false},
};

static pc_status read_stream(FILE *file, const char *name, pc_buffer *out, pc_error *err)
{
    for (size_t bytes = 1; bytes > 0;) {
        PC_TRY(pc_buffer_reserve(out, out->bytes + READ_BYTES, err));
        bytes = fread(out->data + out->bytes, 1, READ_BYTES, file);
        out->bytes += bytes;
        if (out->bytes > MOST_SQL_BYTES) {
            return PC_FAIL(err, PC_BAD_JOB, "%s: an SQL text has at most %d bytes", name,
                           (int)MOST_SQL_BYTES);
        }
    }
    if (ferror(file)) {
        return PC_FAIL(err, PC_IO, "%s: cannot be read: %s", name, strerror(errno));
    }
    return PC_OK;
}

// The SQL text, with a NUL at its end. Rank 0 reads it: standard input is there only.
static pc_status read_sql(const pc_cli *cli, pc_buffer *out, pc_error *err)
{
    const char *path = pc_cli_value(cli, "file");
    const char *operand = cli->operand_count > 1 ? cli->operand[1] : NULL;
    if ((path == NULL) == (operand == NULL)) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "one SQL text is needed: as the operand, as - for standard "
                       "input, or with --file");
    }
    if (path != NULL) {
        FILE *file = fopen(path, "r");
        if (file == NULL) {
            return PC_FAIL(err, PC_IO, "'%s': cannot be opened: %s", path, strerror(errno));
        }
        const pc_status status = read_stream(file, path, out, err);
        (void)fclose(file); // only read
        PC_TRY(status);
    } else if (strcmp(operand, "-") == 0) {
        PC_TRY(read_stream(stdin, "standard input", out, err));
    } else {
        PC_TRY(pc_buffer_append(out, operand, strlen(operand), err));
    }
    if (out->bytes > 0 && memchr(out->data, '\0', out->bytes) != NULL) {
        return PC_FAIL(err, PC_BAD_JOB, "the SQL text holds a NUL byte");
    }
    return pc_buffer_append(out, "", 1, err);
}

static pc_status read_format(const pc_cli *cli, pc_format *out, pc_error *err)
{
    static const char *const name[] = {"csv", "table", "json"};
    int format = pc_cli_value(cli, "out") == NULL ? PC_FORMAT_TABLE : PC_FORMAT_CSV;
    PC_TRY(pc_cli_choice(cli, "format", name, 3, &format, err));
    *out = (pc_format)format;
    return PC_OK;
}

// What may not leave whatever the numbers are. Cells are looked at when they are written.
static pc_status check_traits(const pc_query *query, pc_error *err)
{
    const pc_plan_traits *t = &query->traits;
    const char *name = t->why == NULL ? "" : t->why;
    const char *hint = "--unprotected exists for people entitled to it";
    if (t->returns_rows) {
        return PC_FAIL(err, PC_REFUSED,
                       "refused: this query returns rows of patients%s%s%s; count or sum them with "
                       "GROUP BY (%s)",
                       name[0] == '\0' ? "" : " ('", name, name[0] == '\0' ? "" : "')", hint);
    }
    if (t->returns_identifier) {
        return PC_FAIL(err, PC_REFUSED,
                       "refused: '%s' identifies persons, professionals or holds free text, and "
                       "never leaves (%s)",
                       name, hint);
    }
    if (t->chooses_patients) {
        return PC_FAIL(err, PC_REFUSED,
                       "refused: a condition on '%s' chooses persons by their identifier; "
                       "patient_status tells persons from dummy and unresolved pseudonyms (%s)",
                       name, hint);
    }
    if (t->returns_extremes) {
        return PC_FAIL(err, PC_REFUSED,
                       "refused: '%s' is a minimum or maximum, the value of one patient (%s)", name,
                       hint);
    }
    if (t->reads_patients && query->patients_column < 0) {
        return PC_FAIL(err, PC_REFUSED,
                       "refused: the number of patients behind each row is not known (%s)", hint);
    }
    return PC_OK;
}

// What one query holds while it runs.
typedef struct query_work {
    pc_cli *cli;
    const char *sql;
    pc_format format;
    bool unprotected;
    const char *scratch;
    pc_store *store;
    const pc_catalog *catalog;
    const pc_query *query;
    pc_result result;
    pc_store_shared shared; // of the store, on this node
    pc_gate_counts gate;
    pc_buffer text; // the result as it is written
    char digest[PC_DIGEST_TEXT_BYTES];
    // A result that is written in pieces.
    bool has_rows; // some row was written
    pc_file_writer file;
    pc_digest_state hash;
} query_work;

static pc_status plan_query(query_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    w->scratch = pc_cli_scratch(cli, cli->operand[0], err);
    if (w->scratch == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_store_open_with(cli->operand[0], &w->shared, &cli->budget, &w->store, err));
    PC_TRY(pc_catalog_of_store(w->store, &cli->arena, &w->catalog, err));
    PC_TRY(pc_sql_plan(w->sql, w->catalog, !w->unprotected, &cli->arena, &w->query, err));
    return w->unprotected ? PC_OK : check_traits(w->query, err);
}

static pc_status write_result(query_work *w, pc_error *err)
{
    const pc_cli *cli = w->cli;
    PC_TRY(pc_result_write(&w->result, w->format, !w->unprotected, &w->text, &w->gate, err));
    const pc_span text = {w->text.data, w->text.bytes};
    const pc_digest digest = pc_digest_of(text.data, text.bytes);
    pc_digest_format(&digest, w->digest);
    const char *path = pc_cli_value(cli, "out");
    if (path == NULL) return pc_cli_write(cli, text, err);
    return pc_file_write(path, text, w->unprotected ? 0600 : 0644, err);
}

static pc_status format_piece(void *context, const pc_result *rows, pc_buffer *text, pc_error *err)
{
    query_work *w = context;
    if (w->format == PC_FORMAT_TABLE) {
        return PC_FAIL(err, PC_NO_MEMORY,
                       "the result has more rows than fit in --memory as a table: write it with "
                       "--format csv, or ask for fewer with LIMIT");
    }
    return pc_result_write_piece(rows, w->format, !w->unprotected, text, &w->gate, err);
}

static pc_status write_text(query_work *w, pc_span text, pc_error *err)
{
    pc_digest_add(&w->hash, text.data, text.bytes);
    return w->file.file >= 0 ? pc_file_add(&w->file, text, err) : pc_cli_write(w->cli, text, err);
}

static pc_status begin_pieces(query_work *w, pc_error *err)
{
    const char *path = pc_cli_value(w->cli, "out");
    w->has_rows = true;
    pc_digest_begin(&w->hash);
    if (path != NULL) PC_TRY(pc_file_begin(path, w->unprotected ? 0600 : 0644, &w->file, err));
    const pc_result result = {.schema = {w->query->visible_count, w->query->root->schema.field}};
    PC_TRY(pc_result_write_head(&result, w->format, &w->text, err));
    return write_text(w, (pc_span){w->text.data, w->text.bytes}, err);
}

static pc_status write_piece(void *context, pc_span text, pc_error *err)
{
    query_work *w = context;
    if (text.bytes == 0) return PC_OK;
    if (!w->has_rows) {
        PC_TRY(begin_pieces(w, err));
        const size_t comma = w->format == PC_FORMAT_JSON ? 1 : 0; // in front of the first row
        text = (pc_span){text.data + comma, text.bytes - comma};
    }
    return write_text(w, text, err);
}

static pc_status end_pieces(query_work *w, pc_error *err)
{
    if (!w->has_rows) PC_TRY(begin_pieces(w, err));
    w->text.bytes = 0;
    PC_TRY(pc_result_write_tail(w->format, &w->text, err));
    PC_TRY(write_text(w, (pc_span){w->text.data, w->text.bytes}, err));
    const pc_digest digest = pc_digest_end(&w->hash);
    pc_digest_format(&digest, w->digest);
    return w->file.file >= 0 ? pc_file_end(&w->file, true, err) : PC_OK;
}

// Rows were counted where they were written.
static void sum_gate(query_work *w)
{
    int64_t count[2] = {w->gate.rows, w->gate.suppressed_rows};
    pc_comm_sum_int64(w->cli->comm, count, 2);
    w->gate = (pc_gate_counts){count[0], count[1]};
}

static long long told(const query_work *w, int64_t value, int64_t step)
{
    return (long long)(w->unprotected ? value : pc_told(value, step));
}

static void log_profile(const query_work *w, const pc_query_profile *p)
{
    const pc_read_counts *read = &p->counts.read;
    pc_log_line(&w->cli->log, PC_INFO, "query",
                "rows=%lld suppressed=%lld rows_scanned=%lld bytes_read=%lld chunks_read=%lld "
                "chunks_skipped=%lld aside_bytes=%lld open_ms=%.1f scan_ms=%.1f reduce_ms=%.1f "
                "finish_ms=%.1f",
                (long long)w->gate.rows, (long long)w->gate.suppressed_rows,
                told(w, p->rows_scanned, PC_TOLD_SCANNED), told(w, read->bytes_read, PC_TOLD_BYTES),
                told(w, read->chunks_read, PC_TOLD_CHUNKS),
                told(w, read->chunks_skipped, PC_TOLD_CHUNKS), (long long)p->aside_bytes,
                p->open_s * 1e3, p->scan_s * 1e3, p->reduce_s * 1e3, p->finish_s * 1e3);
}

static pc_status execute(query_work *w, pc_error *err)
{
    pc_cli *cli = w->cli;
    w->shared = pc_share_store(cli->comm, cli->operand[0], &cli->budget);
    pc_status status = pc_comm_agree(cli->comm, plan_query(w, err), err);
    if (status != PC_OK) return status;
    const pc_query_output output = {.context = w, .format = format_piece, .write = write_piece};
    const pc_query_run run = {.store = w->store,
                              .catalog = w->catalog,
                              .query = w->query,
                              .budget = &cli->budget,
                              .log = &cli->log,
                              .scratch = w->scratch,
                              .output = &output};
    pc_query_profile profile;
    status = pc_query_execute(cli->comm, &run, &cli->arena, &w->result, &profile, err);
    if (status != PC_OK) return status;
    if (profile.in_pieces) sum_gate(w);
    if (pc_comm_rank(cli->comm) == 0) {
        status = profile.in_pieces ? end_pieces(w, err) : write_result(w, err);
    }
    status = pc_comm_agree(cli->comm, status, err);
    if (status == PC_OK) log_profile(w, &profile);
    return status;
}

static pc_status run_audited(query_work *w, const char *sql_digest, pc_error *err)
{
    pc_cli *cli = w->cli;
    pc_audit audit = {
        .record = {.store = cli->operand[0], .subject = w->sql, .subject_digest = sql_digest}};
    pc_status status = pc_audit_begin(cli, &audit, err);
    if (status != PC_OK) return status;
    w->text.budget = &cli->budget;
    status = execute(w, err);
    const char *path = pc_cli_value(cli, "out");
    audit.record.output = path == NULL ? "standard output" : path;
    audit.record.output_digest = status == PC_OK ? w->digest : NULL;
    status = pc_audit_end(cli, &audit, status, err);
    pc_file_abandon(&w->file);
    pc_buffer_release(&w->text);
    pc_store_close(w->store);
    return status;
}

static pc_status run(pc_cli *cli, pc_error *err)
{
    query_work w = {.cli = cli, .unprotected = pc_cli_has(cli, "unprotected"), .file.file = -1};
    pc_buffer sql = {.budget = &cli->budget};
    pc_status status = read_format(cli, &w.format, err);
    if (status == PC_OK && pc_comm_rank(cli->comm) == 0) status = read_sql(cli, &sql, err);
    status = pc_comm_agree(cli->comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(cli->comm, &sql, err);
    if (status == PC_OK) {
        const pc_digest digest = pc_digest_of(sql.data, sql.bytes - 1);
        char sql_digest[PC_DIGEST_TEXT_BYTES];
        pc_digest_format(&digest, sql_digest);
        w.sql = sql.data;
        status = run_audited(&w, sql_digest, err);
    }
    pc_buffer_release(&sql);
    return status;
}

const pc_command pc_command_query = {
    .name = "query",
    .summary = "runs an SQL query on a store",
    .operands = "STORE \"SELECT ...\"|-|--file FILE",
    .detail =
        "PostgreSQL's syntax and meaning. Cells that stand for 1 to 10 patients are written s;\n"
        "rows of patients, identifiers, minima and maxima are refused (exit code 3). What is\n"
        "not supported is refused by name and position, never answered differently.\n",
    .least_operands = 1,
    .most_operands = 2,
    .option = option,
    .option_count = sizeof option / sizeof option[0],
    .run = run};
