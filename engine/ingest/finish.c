/** What makes a store visible: counts, the delivery's hash, and, last, the manifest. */
#include <string.h>
#include "ingest_job.h"

static const char *const count_name[COUNT_STATUS] = {"rows_read", "rows_stored", "rows_rejected",
                                                     "rows_orphan", "key_conflict"};

static pc_status add_table(const ingest_job *job, int t, bool *is_first, pc_buffer *out,
                           pc_error *err)
{
    const int64_t *count = job->table[t].count;
    if (!job->table[t].is_delivered && t != job->model->person_table) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, "%s\n", *is_first ? "" : ","));
    *is_first = false;
    PC_TRY(pc_json_write_text(out, pc_span_of(job->model->table[t].name), err));
    PC_TRY(pc_buffer_print(out, err, ":{"));
    for (int i = 0; i < COUNT_STATUS; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", i == 0 ? "" : ",", count_name[i],
                               (long long)count[i]));
    }
    const char *mark = ",\"patient_status\":{";
    for (int i = COUNT_STATUS; i < COUNT_REASON; i++) {
        if (count[i] == 0) continue;
        const pc_slot_kind kind = (pc_slot_kind)STATUS_KINDS[i - COUNT_STATUS];
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", mark, pc_slot_kind_name(kind),
                               (long long)count[i]));
        mark = ",";
    }
    if (strcmp(mark, ",") == 0) PC_TRY(pc_buffer_print(out, err, "}"));
    mark = ",\"rejects\":{";
    for (int i = COUNT_REASON; i < COUNT_END; i++) {
        if (count[i] == 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", mark,
                               pc_reject_name((pc_reject)(i - COUNT_REASON)), (long long)count[i]));
        mark = ",";
    }
    if (strcmp(mark, ",") == 0) PC_TRY(pc_buffer_print(out, err, "}"));
    return pc_buffer_print(out, err, "}");
}

static pc_status make_tables_json(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    bool is_first = true;
    PC_TRY(pc_buffer_print(out, err, "{"));
    for (int t = 0; t < job->model->table_count; t++) {
        PC_TRY(add_table(job, t, &is_first, out, err));
    }
    return pc_buffer_print(out, err, "\n}");
}

// ---- the delivery -----------------------------------------------------------------------------

static pc_digest digest_of_file(const ingest_job *job, int file)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    for (int64_t u = job->first_unit[file]; u < job->first_unit[file + 1]; u++) {
        pc_digest_add(&state, &job->unit_digest[u], sizeof job->unit_digest[u]);
    }
    return pc_digest_end(&state);
}

static pc_status add_names(const char *key, const char *const *name, pc_buffer *out, pc_error *err)
{
    if (name == NULL || *name == NULL) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, ",\"%s\":[", key));
    for (int i = 0; name[i] != NULL; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s", i == 0 ? "" : ","));
        PC_TRY(pc_json_write_text(out, pc_span_of(name[i]), err));
    }
    return pc_buffer_print(out, err, "]");
}

static pc_status make_deliveries_json(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    char text[PC_DIGEST_TEXT_BYTES];
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_buffer files = {.budget = job->budget};
    pc_status status = PC_OK;
    for (int f = 0; status == PC_OK && f < job->file_count; f++) {
        const pc_csv_file *file = &job->file[f];
        const pc_digest digest = digest_of_file(job, f);
        pc_digest_add(&state, file->name, strlen(file->name) + 1);
        pc_digest_add(&state, &digest, sizeof digest);
        pc_digest_format(&digest, text);
        status = pc_buffer_print(&files, err, "%s\n{\"name\":", f == 0 ? "" : ",");
        if (status == PC_OK) status = pc_json_write_text(&files, pc_span_of(file->name), err);
        if (status == PC_OK) {
            status =
                pc_buffer_print(&files, err, ",\"table\":\"%s\",\"bytes\":%lld,\"hash\":\"%s\"",
                                job->model->table[file->table].name, (long long)file->bytes, text);
        }
        if (status == PC_OK) status = add_names("unknown_columns", file->unknown, &files, err);
        if (status == PC_OK) status = pc_buffer_print(&files, err, "}");
    }
    const pc_digest delivery = pc_digest_end(&state);
    pc_digest_format(&delivery, text);
    if (status == PC_OK) {
        status = pc_buffer_print(out, err, "[{\"number\":0,\"hash\":\"%s\",", text);
    }
    pc_digest_format(&job->plan_digest, text);
    if (status == PC_OK) status = pc_buffer_print(out, err, "\"plan\":\"%s\",\"files\":[", text);
    if (status == PC_OK) status = pc_buffer_append(out, files.data, files.bytes, err);
    if (status == PC_OK) status = pc_buffer_print(out, err, "]}]");
    pc_buffer_release(&files);
    return status;
}

/** Each unit was read by one rank: the digests of the others are zero, so sums collect them. */
static void collect_digests(ingest_job *job)
{
    enum { UNITS_AT_ONCE = 4096, WORDS = PC_DIGEST_BYTES / 8 };
    const int64_t units = job->first_unit[job->file_count];
    for (int64_t at = 0; at < units; at += UNITS_AT_ONCE) {
        const int64_t left = units - at;
        const int count = (int)(left < UNITS_AT_ONCE ? left : UNITS_AT_ONCE);
        int64_t *word = (int64_t *)(void *)(job->unit_digest + at);
        pc_comm_sum_int64(job->comm, word, count * WORDS);
    }
}

// ---- the store --------------------------------------------------------------------------------

static pc_status finish_store(ingest_job *job, const pc_buffer *parts, pc_error *err)
{
    pc_buffer tables = {.budget = job->budget}, deliveries = {.budget = job->budget};
    const size_t table_count = (size_t)job->model->table_count;
    pc_reference_rows *reference = pc_arena_array(&job->arena, table_count, sizeof *reference, err);
    pc_dict *dict = pc_arena_array(&job->arena, (size_t)job->model->dict_count, sizeof *dict, err);
    if (reference == NULL || dict == NULL) return PC_NO_MEMORY;
    int reference_count = 0;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->column[t] == NULL) continue;
        reference[reference_count++] =
            (pc_reference_rows){t, job->reference_rows[t], job->column[t]};
    }
    for (int d = 0; d < job->model->dict_count; d++)
        dict[d] = *job->dict[d];
    pc_status status = make_tables_json(job, &tables, err);
    if (status == PC_OK) status = make_deliveries_json(job, &deliveries, err);
    const pc_manifest manifest = {.model = job->model,
                                  .shard_count = job->shard_count,
                                  .deliveries_json = {deliveries.data, deliveries.bytes},
                                  .tables_json = {tables.data, tables.bytes}};
    if (status == PC_OK) {
        const pc_store_contents contents = {.manifest = &manifest,
                                            .dict = dict,
                                            .generation_count = 1,
                                            .reference = reference,
                                            .reference_count = reference_count,
                                            .part = (const pc_part_info *)(const void *)parts->data,
                                            .part_count =
                                                (int64_t)(parts->bytes / sizeof(pc_part_info))};
        status = pc_store_write(job->options->store, &contents, job->budget, err);
    }
    pc_buffer_release(&tables);
    pc_buffer_release(&deliveries);
    return status;
}

static void log_tables(const ingest_job *job)
{
    for (int t = 0; t < job->model->table_count; t++) {
        const int64_t *count = job->table[t].count;
        // Reference tables are many and small: only what went wrong in them is told.
        const bool is_reference = job->model->table[t].path == PC_PATH_NONE;
        if (count[COUNT_READ] == 0 || (is_reference && count[COUNT_REJECTED] == 0)) continue;
        pc_log_line(job->log, PC_INFO, "ingest_table",
                    "table=%s rows_read=%lld rows_stored=%lld rows_rejected=%lld rows_orphan=%lld "
                    "unresolved=%lld ambiguous=%lld dummy=%lld",
                    job->model->table[t].name, (long long)count[COUNT_READ],
                    (long long)count[COUNT_STORED], (long long)count[COUNT_REJECTED],
                    (long long)count[COUNT_ORPHAN], (long long)count[COUNT_STATUS + 1],
                    (long long)count[COUNT_STATUS + 2], (long long)count[COUNT_STATUS + 3]);
    }
}

pc_status ingest_finish(ingest_job *job, pc_error *err)
{
    for (int t = 0; t < job->model->table_count; t++) {
        pc_comm_sum_int64(job->comm, job->table[t].count, COUNT_END);
    }
    collect_digests(job);
    pc_buffer parts = {.budget = job->budget};
    pc_status status =
        pc_comm_gather(job->comm, (pc_span){job->part.data, job->part.bytes}, &parts, NULL, err);
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        const int64_t *count = job->table[t].count;
        if (count[COUNT_READ] != count[COUNT_STORED] + count[COUNT_REJECTED]) {
            status = PC_FAIL(err, PC_BAD_INPUT,
                             "table %s: %lld rows read are not %lld stored and %lld rejected",
                             job->model->table[t].name, (long long)count[COUNT_READ],
                             (long long)count[COUNT_STORED], (long long)count[COUNT_REJECTED]);
        }
    }
    if (status == PC_OK && job->rank == 0) {
        status = finish_store(job, &parts, err);
        if (status == PC_OK) log_tables(job);
    }
    pc_buffer_release(&parts);
    return pc_comm_agree(job->comm, status, err);
}
