/** The deliveries of a store, as its manifest lists them: number, hash, plan, files. */
#include <string.h>
#include "old.h"

pc_digest ingest_file_digest(const ingest_job *job, int file)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    for (int64_t u = job->first_unit[file]; u < job->first_unit[file + 1]; u++) {
        pc_digest_add(&state, &job->unit_digest[u], sizeof job->unit_digest[u]);
    }
    return pc_digest_end(&state);
}

static pc_status print_names(const char *key, const char *const *name, pc_buffer *out,
                             pc_error *err)
{
    if (name == NULL || *name == NULL) return PC_OK;
    PC_TRY(pc_buffer_print(out, err, ",\"%s\":[", key));
    for (int i = 0; name[i] != NULL; i++) {
        PC_TRY(pc_buffer_print(out, err, "%s", i == 0 ? "" : ","));
        PC_TRY(pc_json_write_text(out, pc_span_of(name[i]), err));
    }
    return pc_buffer_print(out, err, "]");
}

static pc_status print_rejects(const int64_t *reject, pc_buffer *out, pc_error *err)
{
    const char *mark = ",\"rejects\":{";
    for (int i = 0; i < PC_REJECT_COUNT; i++) {
        if (reject[i] == 0) continue;
        PC_TRY(pc_buffer_print(out, err, "%s\"%s\":%lld", mark, pc_reject_name((pc_reject)i),
                               (long long)reject[i]));
        mark = ",";
    }
    return strcmp(mark, ",") == 0 ? pc_buffer_print(out, err, "}") : PC_OK;
}

static pc_status print_file(const ingest_job *job, const old_file *file, bool is_first,
                            pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "%s\n{\"name\":", is_first ? "" : ","));
    PC_TRY(pc_json_write_text(out, pc_span_of(file->name), err));
    PC_TRY(pc_buffer_print(out, err,
                           ",\"table\":\"%s\",\"bytes\":%lld,\"hash\":\"%s\",\"rows_read\":%lld",
                           job->model->table[file->table].name, (long long)file->bytes, file->hash,
                           (long long)file->rows_read));
    PC_TRY(print_rejects(file->reject, out, err));
    PC_TRY(print_names("unknown_columns", (const char *const *)file->unknown, out, err));
    if (file->replaced_by >= 0) {
        PC_TRY(pc_buffer_print(out, err, ",\"replaced_by\":%d", file->replaced_by));
    }
    return pc_buffer_print(out, err, "}");
}

static pc_status print_head(int number, const char *hash, const char *plan, pc_buffer *out,
                            pc_error *err)
{
    return pc_buffer_print(out, err, "%s{\"number\":%d,\"hash\":\"%s\",\"plan\":\"%s\",\"files\":[",
                           number == 0 ? "" : ",\n", number, hash, plan);
}

static pc_status print_old(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    const ingest_old *old = job->old;
    for (int d = 0, f = 0; d < old->delivery_count; d++) {
        PC_TRY(print_head(d, old->delivery[d].hash, old->delivery[d].plan, out, err));
        for (bool is_first = true; f < old->file_count && old->file[f].delivery == d; f++) {
            old_file file = old->file[f];
            if (old->is_replaced[f]) file.replaced_by = old->delivery_count;
            PC_TRY(print_file(job, &file, is_first, out, err));
            is_first = false;
        }
        PC_TRY(pc_buffer_print(out, err, "]}"));
    }
    return PC_OK;
}

static pc_status print_new(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    char hash[PC_DIGEST_TEXT_BYTES], plan[PC_DIGEST_TEXT_BYTES];
    pc_digest_state state;
    pc_digest_begin(&state);
    for (int f = 0; f < job->file_count; f++) {
        const pc_digest digest = ingest_file_digest(job, f);
        pc_digest_add(&state, job->file[f].name, strlen(job->file[f].name) + 1);
        pc_digest_add(&state, &digest, sizeof digest);
    }
    const pc_digest delivery = pc_digest_end(&state);
    pc_digest_format(&delivery, hash);
    pc_digest_format(&job->plan_digest, plan);
    PC_TRY(print_head(job->old == NULL ? 0 : job->old->delivery_count, hash, plan, out, err));
    for (int f = 0; f < job->file_count; f++) {
        const pc_csv_file *from = &job->file[f];
        const pc_digest digest = ingest_file_digest(job, f);
        pc_digest_format(&digest, hash);
        old_file file = {.name = from->name,
                         .hash = hash,
                         .table = from->table,
                         .bytes = from->bytes,
                         .rows_read = job->file_count_of[f].rows_read,
                         .unknown = (const char **)(uintptr_t)from->unknown,
                         .replaced_by = -1};
        memcpy(file.reject, job->file_count_of[f].reject, sizeof file.reject);
        PC_TRY(print_file(job, &file, f == 0, out, err));
    }
    return pc_buffer_print(out, err, "]}");
}

pc_status ingest_print_deliveries(const ingest_job *job, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_print(out, err, "["));
    if (job->old != NULL) PC_TRY(print_old(job, out, err));
    if (job->old == NULL || !job->old->compacts) PC_TRY(print_new(job, out, err));
    return pc_buffer_print(out, err, "]");
}
