/** Rejected rows: their share of a table, and the files that hold them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "old.h"

enum {
    PATH_BYTES = 4096,
    FLUSH_BYTES = 1024 * 1024,
    ROUND_REJECTS = 256 * 1024 // 10 MiB of all ranks at once
};

pc_status ingest_check_rejects(ingest_job *job, pc_error *err)
{
    if (job->options->max_rejects < 0) return PC_OK;
    for (int t = 0; t < job->model->table_count; t++) {
        int64_t sum[2] = {job->table[t].count[COUNT_READ], job->table[t].count[COUNT_REJECTED]};
        pc_comm_sum_int64(job->comm, sum, 2);
        if (sum[0] <= 0 || 100.0 * (double)sum[1] <= job->options->max_rejects * (double)sum[0]) {
            continue;
        }
        int worst = 0;
        int64_t reason[PC_REJECT_COUNT];
        memcpy(reason, job->table[t].count + COUNT_REASON, sizeof reason);
        pc_comm_sum_int64(job->comm, reason, PC_REJECT_COUNT);
        for (int i = 1; i < PC_REJECT_COUNT; i++) {
            if (reason[i] > reason[worst]) worst = i;
        }
        return PC_FAIL(err, PC_TOO_MANY_REJECTS,
                       "table %s: %lld of %lld rows are rejected, most for '%s'; --max-rejects "
                       "allows %g percent",
                       job->model->table[t].name, (long long)sum[1], (long long)sum[0],
                       pc_reject_name((pc_reject)worst), job->options->max_rejects);
    }
    return PC_OK;
}

// ---- lines ------------------------------------------------------------------------------------

static int compare_rejected(const void *a, const void *b)
{
    const pc_rejected *x = a, *y = b;
    return x->source < y->source ? -1 : x->source > y->source;
}

/** The number of a record's line in its file; units count from their own first line.
 *  @param rejected  [count] sorted by source */
static void number_lines(const ingest_job *job, pc_rejected *rejected, size_t count)
{
    int64_t at = 0, lines = 0; // units over all files that `lines` counts, from the file's first
    int last_file = -1;
    for (size_t i = 0; i < count; i++) {
        const int index = pc_source_file(rejected[i].source);
        const pc_csv_file *file = &job->file[index];
        if (index != last_file) {
            last_file = index;
            at = job->first_unit[index];
            lines = 0;
        }
        const int64_t offset = pc_source_offset(rejected[i].source) - file->header_bytes;
        int64_t unit = file->is_stream || offset < 0 ? 0 : offset / file->unit_bytes;
        if (unit >= file->unit_count) unit = file->unit_count - 1;
        for (; at < job->first_unit[index] + unit; at++)
            lines += job->unit_lines[at];
        // A line of 0 is found from the offset later.
        if (rejected[i].line > 0) rejected[i].line += lines;
    }
}

// ---- one file ---------------------------------------------------------------------------------

/** A field of RFC 4180: always quoted where it holds a mark of the format. */
static pc_status add_quoted(pc_buffer *out, pc_span text, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, "\"", 1, err));
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.data[i] == '"') PC_TRY(pc_buffer_append(out, "\"", 1, err));
        PC_TRY(pc_buffer_append(out, text.data + i, 1, err));
    }
    return pc_buffer_append(out, "\"", 1, err);
}

static pc_status add_reject(const ingest_job *job, int table, const pc_rejected *r,
                            pc_csv_records *records, pc_buffer *out, pc_buffer *record,
                            pc_error *err)
{
    const pc_csv_file *file = &job->file[pc_source_file(r->source)];
    const int64_t offset = pc_source_offset(r->source);
    const char *column = r->column < 0 ? "" : job->model->table[table].column[r->column].name;
    PC_TRY(add_quoted(out, pc_span_of(file->name), err));
    PC_TRY(pc_buffer_print(out, err, ",%lld,%lld,%s,%s,", (long long)r->line, (long long)offset,
                           column, pc_reject_name((pc_reject)r->reason)));
    record->bytes = 0;
    PC_TRY(pc_csv_records_read(records, file, offset, record, err));
    PC_TRY(add_quoted(out, (pc_span){record->data, record->bytes}, err));
    return pc_buffer_append(out, "\r\n", 2, err);
}

static pc_status write_all(int file, const char *path, pc_buffer *out, pc_error *err)
{
    for (size_t done = 0; done < out->bytes;) {
        const ssize_t wrote = write(file, out->data + done, out->bytes - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return PC_FAIL(err, PC_IO, "cannot write '%s': %s", path, strerror(errno));
        done += (size_t)wrote;
    }
    out->bytes = 0;
    return PC_OK;
}

/** The number of this delivery in its store. */
static int delivery_of(const ingest_job *job)
{
    return job->old == NULL ? 0 : job->old->delivery_count;
}

/** The rejects file of a table, while its rounds are written. */
typedef struct reject_file {
    int fd; // -1: not open
    char path[PATH_BYTES];
    pc_csv_records *records;
    pc_buffer out, record;
} reject_file;

static pc_status open_rejects(const ingest_job *job, int table, reject_file *f, pc_error *err)
{
    *f = (reject_file){.fd = -1, .out.budget = job->budget, .record.budget = job->budget};
    snprintf(f->path, sizeof f->path, "%s/rejects/%04d/%s.csv", job->options->store,
             delivery_of(job), job->model->table[table].name);
    PC_TRY(pc_csv_records_open(job->budget, &f->records, err));
    f->fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (f->fd < 0) return PC_FAIL(err, PC_IO, "cannot write '%s': %s", f->path, strerror(errno));
    return pc_buffer_print(&f->out, err, "file,line,offset,column,reason,record\r\n");
}

/** The rejects of a round, in any order. */
static pc_status add_round(const ingest_job *job, int table, reject_file *f, pc_buffer *in,
                           pc_error *err)
{
    pc_rejected *rejected = (pc_rejected *)(void *)in->data;
    const size_t count = in->bytes / sizeof *rejected;
    for (size_t i = 0; i < count; i++) { // files of this delivery, from here on
        const int file = pc_source_file(rejected[i].source) - job->file_base;
        rejected[i].source = pc_row_source(file, pc_source_offset(rejected[i].source));
    }
    if (count > 0) qsort(rejected, count, sizeof *rejected, compare_rejected);
    number_lines(job, rejected, count);
    PC_TRY(pc_csv_find_lines(job->file, rejected, (int64_t)count, job->budget, err));
    for (size_t i = 0; i < count; i++) {
        PC_TRY(add_reject(job, table, &rejected[i], f->records, &f->out, &f->record, err));
        if (f->out.bytes > FLUSH_BYTES) PC_TRY(write_all(f->fd, f->path, &f->out, err));
    }
    return write_all(f->fd, f->path, &f->out, err);
}

static pc_status close_rejects(reject_file *f, pc_status status, pc_error *err)
{
    if (f->fd >= 0 && status == PC_OK && fsync(f->fd) != 0) {
        status = PC_FAIL(err, PC_IO, "cannot write '%s': %s", f->path, strerror(errno));
    }
    if (f->fd >= 0 && close(f->fd) != 0 && status == PC_OK) {
        status = PC_FAIL(err, PC_IO, "cannot write '%s': %s", f->path, strerror(errno));
    }
    pc_csv_records_close(f->records);
    pc_buffer_release(&f->out);
    pc_buffer_release(&f->record);
    return status;
}

// ---- all tables -------------------------------------------------------------------------------

static pc_status make_folders(const ingest_job *job, pc_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "/%04d", delivery_of(job));
    for (int depth = 0; depth < 2; depth++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/rejects%s", job->options->store, depth == 0 ? "" : name);
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return PC_FAIL(err, PC_IO, "cannot make the folder '%s': %s", path, strerror(errno));
        }
    }
    return PC_OK;
}

/** Of this rank's rejects, in order of source: those of the next round, so that every rank sends at
 *  most `most` and no rank has an earlier one left. Collective. */
static size_t next_round(const ingest_job *job, const pc_rejected *mine, size_t left, size_t most,
                         bool *is_last)
{
    // The least of the sources that ranks stop at, as signed numbers of the same order.
    const uint64_t top = UINT64_C(1) << 63;
    int64_t least = left > most ? (int64_t)(mine[most - 1].source ^ top) : INT64_MAX;
    pc_comm_min_int64(job->comm, &least, 1);
    *is_last = least == INT64_MAX;
    if (*is_last) return left;
    const uint64_t end = (uint64_t)least ^ top;
    size_t count = 0;
    while (count < left && mine[count].source <= end)
        count++;
    return count;
}

/** One table: its rejects from all ranks, in rounds, to the rank that writes its file. */
static pc_status write_table(ingest_job *job, int table, pc_span *span, int64_t *in_bytes,
                             pc_error *err)
{
    const int writer = table % job->ranks;
    pc_rejected *mine = (pc_rejected *)(void *)job->table[table].rejected.data;
    size_t left = job->table[table].rejected.bytes / sizeof *mine;
    if (left > 0) qsort(mine, left, sizeof *mine, compare_rejected);
    reject_file file = {.fd = -1};
    pc_buffer in = {.budget = job->budget};
    const size_t most = ROUND_REJECTS / (size_t)job->ranks + 1;
    pc_status status = job->rank == writer ? open_rejects(job, table, &file, err) : PC_OK;
    status = pc_comm_agree(job->comm, status, err);
    for (bool is_last = false; status == PC_OK && !is_last;) {
        const size_t count = next_round(job, mine, left, most, &is_last);
        for (int r = 0; r < job->ranks; r++)
            span[r] = (pc_span){0};
        span[writer] = (pc_span){(const char *)mine, count * sizeof *mine};
        in.bytes = 0;
        status = pc_comm_exchange(job->comm, span, &in, in_bytes, err);
        if (status == PC_OK && job->rank == writer) status = add_round(job, table, &file, &in, err);
        status = pc_comm_agree(job->comm, status, err);
        mine += count;
        left -= count;
    }
    pc_buffer_release(&in);
    if (job->rank == writer) status = close_rejects(&file, status, err);
    return pc_comm_agree(job->comm, status, err);
}

pc_status ingest_write_rejects(ingest_job *job, pc_error *err)
{
    const size_t ranks = (size_t)job->ranks;
    pc_span *span = pc_arena_array(&job->arena, ranks, sizeof *span, err);
    int64_t *in_bytes = pc_arena_array(&job->arena, ranks, sizeof *in_bytes, err);
    pc_status status = span == NULL || in_bytes == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && job->rank == 0) status = make_folders(job, err);
    status = pc_comm_agree(job->comm, status, err);
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        int64_t bytes = (int64_t)job->table[t].rejected.bytes;
        pc_comm_sum_int64(job->comm, &bytes, 1);
        if (bytes > 0) status = write_table(job, t, span, in_bytes, err);
    }
    return status;
}
