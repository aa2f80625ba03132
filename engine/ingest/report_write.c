/** The delivery report, written: sums of all ranks as JSON, and as a page made from it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "../report.h"
#include "old.h"
#include "parcours/release.h"
#include "report.h"

enum { PATH_BYTES = 4096 };

// A count behind which there may be few persons is told when it is large, or zero.
static pc_status print_count(pc_buffer *out, int64_t count, pc_error *err)
{
    if (count == 0 || count > REPORT_SMALL) {
        return pc_buffer_print(out, err, "%lld", (long long)count);
    }
    return pc_buffer_print(out, err, "\"%s\"", REPORT_FEW);
}

static pc_status print_key(pc_buffer *out, const char *name, bool *is_first, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "%s", *is_first ? "" : ","));
    *is_first = false;
    PC_TRY(pc_json_write_text(out, pc_span_of(name), err));
    return pc_buffer_print(out, err, ":");
}

// ---- files of a table -------------------------------------------------------------------------

static bool is_named(const char *const *list, const char *name)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, name) == 0) return true;
    }
    return false;
}

/** Names in the lists of the table's files, each once, with how many files have it in their list.
 */
static pc_status print_names(const ingest_job *job, int table, bool unknown, pc_buffer *out,
                             pc_error *err)
{
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, ",\n\"columns_%s\":{", unknown ? "unknown" : "missing"));
    for (int f = 0; f < job->file_count; f++) {
        const pc_csv_file *file = &job->file[f];
        const char *const *list = unknown ? file->unknown : file->missing;
        for (; file->table == table && list != NULL && *list != NULL; list++) {
            int64_t count = 0;
            bool is_old = false;
            for (int other = 0; other < job->file_count; other++) {
                const pc_csv_file *of = &job->file[other];
                if (of->table != table || !is_named(unknown ? of->unknown : of->missing, *list)) {
                    continue;
                }
                is_old = is_old || other < f;
                count++;
            }
            if (is_old) continue;
            PC_TRY(print_key(out, *list, &is_first, err));
            PC_TRY(pc_buffer_print(out, err, "%lld", (long long)count));
        }
    }
    return pc_buffer_print(out, err, "}");
}

static bool is_in_no_file(const ingest_job *job, int table, const char *column)
{
    for (int f = 0; f < job->file_count; f++) {
        if (job->file[f].table == table && !is_named(job->file[f].missing, column)) return false;
    }
    return true;
}

static pc_status print_files(const ingest_job *job, int table, pc_buffer *out, pc_error *err)
{
    int64_t bytes = 0;
    const char *mark = "";
    PC_TRY(pc_buffer_print(out, err, "\"files\":["));
    for (int f = 0; f < job->file_count; f++) {
        if (job->file[f].table != table) continue;
        bytes += job->file[f].bytes;
        PC_TRY(pc_buffer_print(out, err, "%s", mark));
        PC_TRY(pc_json_write_text(out, pc_span_of(job->file[f].name), err));
        mark = ",";
    }
    return pc_buffer_print(out, err, "],\"bytes\":%lld", (long long)bytes);
}

// ---- counts of a table ------------------------------------------------------------------------

static pc_status print_rows(const ingest_job *job, int table, pc_buffer *out, pc_error *err)
{
    const int64_t *count = job->table[table].count;
    const report_table *r = &job->report->table[table];
    PC_TRY(pc_buffer_print(out, err,
                           ",\"rows_read\":%lld,\"rows_stored\":%lld,\"rows_rejected\":%lld,"
                           "\"rows_orphan\":%lld,\"key_conflict\":%lld,\n\"rejects\":{",
                           (long long)count[COUNT_READ], (long long)r->rows,
                           (long long)count[COUNT_REJECTED], (long long)r->orphans,
                           (long long)count[COUNT_CONFLICT]));
    bool is_first = true;
    for (int i = COUNT_REASON; i < COUNT_END; i++) {
        if (count[i] == 0) continue;
        PC_TRY(print_key(out, pc_reject_name((pc_reject)(i - COUNT_REASON)), &is_first, err));
        PC_TRY(pc_buffer_print(out, err, "%lld", (long long)count[i]));
    }
    PC_TRY(pc_buffer_print(out, err, "},\n\"patient_status\":{"));
    is_first = true;
    for (int i = 0; i < STATUS_COUNT; i++) {
        if (r->status[i] == 0) continue;
        PC_TRY(print_key(out, pc_slot_kind_name((pc_slot_kind)STATUS_KINDS[i]), &is_first, err));
        PC_TRY(pc_buffer_print(out, err, "%lld", (long long)r->status[i]));
    }
    return pc_buffer_print(out, err, "}");
}

static pc_status print_columns(const ingest_job *job, int table, pc_buffer *out, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    const report_table *r = &job->report->table[table];
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, ",\n\"nulls\":{"));
    for (int c = 0; c < t->column_count; c++) {
        const pc_model_column *column = &t->column[c];
        if (column->origin != PC_FROM_CSV || column->parent_column >= 0) continue;
        if (is_in_no_file(job, table, column->name)) continue;
        PC_TRY(print_key(out, column->name, &is_first, err));
        PC_TRY(pc_buffer_print(out, err, "%lld", (long long)r->column[c].null_count));
    }
    PC_TRY(pc_buffer_print(out, err, "},\n\"outside_nomenclature\":{"));
    is_first = true;
    for (int c = 0; c < t->column_count; c++) {
        if (r->column[c].list == NULL || is_in_no_file(job, table, t->column[c].name)) continue;
        PC_TRY(print_key(out, t->column[c].name, &is_first, err));
        PC_TRY(print_count(out, r->column[c].outside, err));
    }
    PC_TRY(pc_buffer_print(out, err, "},\n\"rules\":{"));
    is_first = true;
    for (int c = 0; c < t->column_count; c++) {
        if (t->column[c].origin != PC_FROM_RULE || strncmp(t->column[c].name, "rule_", 5) != 0) {
            continue;
        }
        PC_TRY(print_key(out, t->column[c].name, &is_first, err));
        PC_TRY(print_count(out, r->column[c].refused, err));
    }
    return pc_buffer_print(out, err, "}");
}

static pc_status print_months(const char *name, const int64_t *month, pc_buffer *out, pc_error *err)
{
    if (month == NULL) return PC_OK;
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, ",\n\"%s\":{", name));
    for (int i = 0; i < REPORT_MONTHS; i++) {
        char text[16];
        // What lies before the first month comes first.
        const int at = i == 0 ? REPORT_BEFORE : i == REPORT_AFTER ? REPORT_AFTER : i - 1;
        if (month[at] == 0) continue;
        if (at < REPORT_BEFORE) {
            (void)snprintf(text, sizeof text, "%04d-%02d", REPORT_FIRST_YEAR + at / 12,
                           at % 12 + 1);
        } else {
            (void)snprintf(text, sizeof text, at == REPORT_BEFORE ? "before" : "after");
        }
        PC_TRY(print_key(out, text, &is_first, err));
        PC_TRY(print_count(out, month[at], err));
    }
    return pc_buffer_print(out, err, "}");
}

static pc_status print_table(const ingest_job *job, int table, pc_buffer *out, pc_error *err)
{
    const report_table *r = &job->report->table[table];
    PC_TRY(pc_buffer_print(out, err, "{"));
    PC_TRY(print_files(job, table, out, err));
    PC_TRY(print_rows(job, table, out, err));
    PC_TRY(print_names(job, table, true, out, err));
    PC_TRY(print_names(job, table, false, out, err));
    PC_TRY(print_columns(job, table, out, err));
    PC_TRY(print_months("flow_months", r->flow, out, err));
    PC_TRY(print_months("care_months", r->care, out, err));
    return pc_buffer_print(out, err, "}");
}

static pc_status print_report(const ingest_job *job, int delivery, pc_buffer *out, pc_error *err)
{
    int64_t bytes = 0;
    for (int f = 0; f < job->file_count; f++)
        bytes += job->file[f].bytes;
    PC_TRY(pc_buffer_print(out, err, "{\"format\":1,\"delivery\":%d,\"model\":", delivery));
    PC_TRY(pc_json_write_text(out, pc_span_of(job->model->name), err));
    PC_TRY(pc_buffer_print(out, err, ",\"model_version\":"));
    PC_TRY(pc_json_write_text(out, pc_span_of(job->model->version), err));
    PC_TRY(pc_buffer_print(out, err,
                           ",\"files\":%d,\"bytes\":%lld,\"ignored_files\":%d,\n\"tables\":{",
                           job->file_count, (long long)bytes, job->ignored_count));
    bool is_first = true;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->report->table[t].column == NULL) continue;
        PC_TRY(pc_buffer_print(out, err, "%s", is_first ? "\n" : ""));
        if (!is_first) PC_TRY(pc_buffer_print(out, err, ",\n"));
        PC_TRY(pc_json_write_text(out, pc_span_of(job->model->table[t].name), err));
        PC_TRY(pc_buffer_print(out, err, ":"));
        is_first = false;
        PC_TRY(print_table(job, t, out, err));
    }
    return pc_buffer_print(out, err, "\n}}\n");
}

// ---- sums and files ---------------------------------------------------------------------------

// Every rank has the reference tables whole: rank 0 counts them, in no block.
static void count_reference(const ingest_job *job, int table)
{
    report_table *r = &job->report->table[table];
    const int columns = job->model->table[table].column_count;
    const int64_t rows = job->reference_rows[table];
    r->rows = job->table[table].count[COUNT_STORED]; // of several deliveries: what this one added
    for (int c = 0; c < columns; c++) {
        const pc_column *column = &job->column[table][c];
        for (int64_t i = 0; i < rows; i++) {
            r->column[c].null_count += column->data == NULL || pc_column_is_null(column, i);
        }
        r->column[c].list = NULL; // a nomenclature is not compared with another
    }
}

// One sum a table: each costs a round of messages. `sum` has room for every counter of it.
static void sum_table(const ingest_job *job, int table, int64_t *sum)
{
    report_table *r = &job->report->table[table];
    const int columns = job->model->table[table].column_count;
    int count = 0;
    sum[count++] = r->rows;
    sum[count++] = r->orphans;
    for (int i = 0; i < STATUS_COUNT; i++)
        sum[count++] = r->status[i];
    for (int c = 0; c < columns; c++) {
        sum[count++] = r->column[c].null_count;
        sum[count++] = r->column[c].outside;
        sum[count++] = r->column[c].refused;
    }
    pc_comm_sum_int64(job->comm, sum, count);
    r->rows = *sum++;
    r->orphans = *sum++;
    for (int i = 0; i < STATUS_COUNT; i++)
        r->status[i] = *sum++;
    for (int c = 0; c < columns; c++) {
        r->column[c].null_count = *sum++;
        r->column[c].outside = *sum++;
        r->column[c].refused = *sum++;
    }
    if (r->care != NULL) pc_comm_sum_int64(job->comm, r->care, REPORT_MONTHS);
    if (r->flow != NULL) pc_comm_sum_int64(job->comm, r->flow, REPORT_MONTHS);
}

static pc_status write_files(const ingest_job *job, int delivery, pc_error *err)
{
    char path[PATH_BYTES];
    pc_buffer text = {.budget = job->budget};
    pc_buffer page = {.budget = job->budget};
    pc_json *json = NULL;
    pc_status status = PC_OK;
    (void)snprintf(path, sizeof path, "%s/reports", job->options->store);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return PC_FAIL(err, PC_IO, "cannot make the folder '%s': %s", path, strerror(errno));
    }
    status = print_report(job, delivery, &text, err);
    const pc_span written = {text.data, text.bytes};
    if (status == PC_OK) status = pc_json_parse(written, "the delivery report", &json, err);
    if (status == PC_OK) status = pc_report_page(json, &page, err);
    (void)snprintf(path, sizeof path, "%s/reports/%04d.json", job->options->store, delivery);
    if (status == PC_OK) status = pc_file_write(path, written, 0600, err);
    (void)snprintf(path, sizeof path, "%s/reports/%04d.html", job->options->store, delivery);
    if (status == PC_OK) status = pc_file_write(path, (pc_span){page.data, page.bytes}, 0600, err);
    pc_json_free(json);
    pc_buffer_release(&page);
    pc_buffer_release(&text);
    return status;
}

pc_status report_write(ingest_job *job, pc_error *err)
{
    const int delivery = job->old == NULL ? 0 : job->old->delivery_count;
    int columns = 0;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->model->table[t].column_count > columns) {
            columns = job->model->table[t].column_count;
        }
    }
    const size_t room = (size_t)columns * 3 + STATUS_COUNT + 2;
    int64_t *sum = pc_arena_array(&job->arena, room, sizeof *sum, err);
    PC_TRY(pc_comm_agree(job->comm, sum == NULL ? PC_NO_MEMORY : PC_OK, err));
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->report->table[t].column == NULL) continue;
        if (job->model->table[t].path == PC_PATH_NONE) {
            count_reference(job, t);
        } else {
            sum_table(job, t, sum);
        }
    }
    const pc_status status = job->rank == 0 ? write_files(job, delivery, err) : PC_OK;
    return pc_comm_agree(job->comm, status, err);
}
