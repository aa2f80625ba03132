/** What an interrupted ingest need not do again: a file STORE/.done/<4 hex> for each shard that is
 *  written, with all that the end of the ingest must know of it. Reading and resolving are
 * repeated, since a row's shard is not known before; rows of finished shards are then dropped on
 * their way. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "old.h"
#include "parcours/cli.h"
#include "parcours/release.h"
#include "report.h"
#include "route.h"

enum { PATH_BYTES = 4096, MOST_RECORD_BYTES = 1 << 30 };
static const char MAGIC[8] = {'P', 'A', 'R', 'C', 'D', 'O', 'N', 'E'};

/** The head of a record. Behind it: counts [tables x COUNT_END], hidden slots, and for each table
 *  the rejected rows that were found while the shard was written; what it added to the report. */
typedef struct record_head {
    char magic[8];
    pc_digest content; // of the delivery, the store that it is added to, and the program
    uint32_t shard;
    uint32_t has_part;
    pc_part_info part;
    int64_t hidden_bytes;
    int64_t table_count;
} record_head;

static void path_of(const ingest_job *job, uint32_t shard, char out[PATH_BYTES])
{
    snprintf(out, PATH_BYTES, "%s/.done/%04x", job->options->store, shard);
}

static pc_digest digest_content(const ingest_job *job)
{
    pc_digest_state state;
    pc_digest_begin(&state);
    const char *version = pc_engine_version();
    pc_digest_add(&state, version, strlen(version) + 1);
    pc_digest_add(&state, &job->plan_digest, sizeof job->plan_digest);
    const int64_t units = job->first_unit[job->file_count];
    pc_digest_add(&state, job->unit_digest, (size_t)units * sizeof *job->unit_digest);
    if (job->old != NULL) {
        const uint32_t edition = pc_store_edition(job->old->store);
        const char *id = pc_store_id(job->old->store);
        pc_digest_add(&state, id, strlen(id));
        pc_digest_add(&state, &edition, sizeof edition);
    }
    return pc_digest_end(&state);
}

/** A counter of the delivery report, and what a shard added to it. */
typedef struct counter_change {
    int64_t counter, change;
} counter_change;

// ---- writing ----------------------------------------------------------------------------------

pc_status checkpoint_begin(ingest_job *job, checkpoint *mark, pc_error *err)
{
    const size_t tables = (size_t)job->model->table_count;
    if (mark->count == NULL) {
        mark->count = pc_arena_array(&job->arena, tables * COUNT_END, sizeof *mark->count, err);
        mark->rejected_bytes = pc_arena_array(&job->arena, tables, sizeof(size_t), err);
        mark->report_count = report_counters(job, NULL, NULL);
        const size_t counters = (size_t)mark->report_count + 1;
        mark->report = pc_arena_array(&job->arena, counters, sizeof *mark->report, err);
        mark->report_now = pc_arena_array(&job->arena, counters, sizeof *mark->report, err);
        if (mark->count == NULL || mark->rejected_bytes == NULL || mark->report == NULL ||
            mark->report_now == NULL) {
            return PC_NO_MEMORY;
        }
    }
    (void)report_counters(job, mark->report, NULL);
    for (size_t t = 0; t < tables; t++) {
        memcpy(mark->count + t * COUNT_END, job->table[t].count, sizeof job->table[t].count);
        mark->rejected_bytes[t] = job->table[t].rejected.bytes;
    }
    mark->hidden_bytes = job->old == NULL ? 0 : job->old->hidden.bytes;
    return PC_OK;
}

static pc_status print_record(ingest_job *job, const checkpoint *mark, const record_head *head,
                              pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, head, sizeof *head, err));
    for (int t = 0; t < job->model->table_count; t++) {
        int64_t change[COUNT_END];
        for (int i = 0; i < COUNT_END; i++)
            change[i] = job->table[t].count[i] - mark->count[t * COUNT_END + i];
        PC_TRY(pc_buffer_append(out, change, sizeof change, err));
    }
    if (head->hidden_bytes > 0) {
        PC_TRY(pc_buffer_append(out, job->old->hidden.data + mark->hidden_bytes,
                                (size_t)head->hidden_bytes, err));
    }
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_buffer *rejected = &job->table[t].rejected;
        const int64_t bytes = (int64_t)(rejected->bytes - mark->rejected_bytes[t]);
        PC_TRY(pc_buffer_append(out, &bytes, sizeof bytes, err));
        PC_TRY(pc_buffer_append(out, rejected->data + mark->rejected_bytes[t], (size_t)bytes, err));
    }
    (void)report_counters(job, mark->report_now, NULL);
    for (int64_t i = 0; i < mark->report_count; i++) {
        const counter_change change = {i, mark->report_now[i] - mark->report[i]};
        if (change.change != 0) PC_TRY(pc_buffer_append(out, &change, sizeof change, err));
    }
    const pc_digest digest = pc_digest_of(out->data, out->bytes);
    return pc_buffer_append(out, &digest, sizeof digest, err);
}

pc_status checkpoint_end(ingest_job *job, const checkpoint *mark, uint32_t shard,
                         const pc_part_info *part, pc_error *err)
{
    char path[PATH_BYTES];
    record_head head = {.content = job->content_digest,
                        .shard = shard,
                        .has_part = part != NULL,
                        .table_count = job->model->table_count};
    memcpy(head.magic, MAGIC, sizeof MAGIC);
    if (part != NULL) head.part = *part;
    if (job->old != NULL) {
        head.hidden_bytes = (int64_t)(job->old->hidden.bytes - mark->hidden_bytes);
    }
    pc_buffer out = {.budget = job->budget};
    pc_status status = print_record(job, mark, &head, &out, err);
    path_of(job, shard, path);
    if (status == PC_OK) {
        status = pc_file_write(path, (pc_span){out.data, out.bytes}, 0600, err);
    }
    pc_buffer_release(&out);
    return status;
}

// ---- reading ----------------------------------------------------------------------------------

/** Takes bytes of a record; false: it is too short. */
static bool take(pc_span *from, void *out, size_t bytes)
{
    if (from->bytes < bytes) return false;
    if (bytes > 0) memcpy(out, from->data, bytes);
    *from = (pc_span){from->data + bytes, from->bytes - bytes};
    return true;
}

/** Whether the record is of this ingest and its part is there. Anything else is as if there were
 *  none: the shard is written again. */
static bool is_valid(const ingest_job *job, uint32_t shard, pc_span record)
{
    record_head head;
    pc_digest found;
    if (record.bytes < sizeof head + sizeof found) return false;
    const pc_digest digest = pc_digest_of(record.data, record.bytes - sizeof digest);
    memcpy(&found, record.data + record.bytes - sizeof found, sizeof found);
    memcpy(&head, record.data, sizeof head);
    if (memcmp(&found, &digest, sizeof found) != 0 ||
        memcmp(head.magic, MAGIC, sizeof MAGIC) != 0 || head.shard != shard ||
        memcmp(&head.content, &job->content_digest, sizeof head.content) != 0 ||
        head.table_count != job->model->table_count) {
        return false;
    }
    return head.has_part == 0 ||
           pc_part_look(job->options->store, job->model, &head.part, job->budget, NULL) == PC_OK;
}

static pc_status apply(ingest_job *job, pc_span record, pc_error *err)
{
    record_head head;
    pc_status status = take(&record, &head, sizeof head) ? PC_OK : PC_BAD_INPUT;
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        int64_t change[COUNT_END] = {0};
        if (!take(&record, change, sizeof change)) status = PC_BAD_INPUT;
        for (int i = 0; i < COUNT_END; i++)
            job->table[t].count[i] += change[i];
    }
    if (status == PC_OK && head.has_part != 0) {
        PC_TRY(pc_buffer_append(&job->part, &head.part, sizeof head.part, err));
    }
    if (status == PC_OK && head.hidden_bytes > 0) {
        PC_TRY(pc_buffer_append(&job->old->hidden, record.data, (size_t)head.hidden_bytes, err));
        record.data += head.hidden_bytes;
        record.bytes -= (size_t)head.hidden_bytes;
    }
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        int64_t bytes = 0;
        if (!take(&record, &bytes, sizeof bytes)) return PC_BAD_INPUT;
        PC_TRY(pc_buffer_append(&job->table[t].rejected, record.data, (size_t)bytes, err));
        record.data += bytes;
        record.bytes -= (size_t)bytes;
    }
    if (status != PC_OK) return status;
    // The rest, before the digest, is for the report, which is opened later.
    return pc_buffer_append(&job->written_report, record.data, record.bytes - sizeof(pc_digest),
                            err);
}

pc_status checkpoint_report(ingest_job *job, pc_error *err)
{
    const counter_change *change = (const counter_change *)(const void *)job->written_report.data;
    const size_t changes = job->written_report.bytes / sizeof *change;
    if (changes == 0) return PC_OK;
    const int64_t count = report_counters(job, NULL, NULL);
    pc_buffer all = {.budget = job->budget};
    PC_TRY(pc_buffer_reserve(&all, (size_t)count * sizeof(int64_t) + 1, err));
    int64_t *counter = (int64_t *)(void *)all.data;
    (void)report_counters(job, counter, NULL);
    for (size_t i = 0; i < changes; i++) {
        if (change[i].counter < count) counter[change[i].counter] += change[i].change;
    }
    (void)report_counters(job, NULL, counter);
    pc_buffer_release(&all);
    pc_buffer_release(&job->written_report);
    return PC_OK;
}

static pc_status read_record(const char *path, pc_buffer *out, pc_error *err)
{
    struct stat info;
    out->bytes = 0;
    if (stat(path, &info) != 0 || info.st_size > MOST_RECORD_BYTES) return PC_OK;
    PC_TRY(pc_buffer_reserve(out, (size_t)info.st_size + 1, err));
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_OK;
    out->bytes = fread(out->data, 1, (size_t)info.st_size, file);
    fclose(file);
    return PC_OK;
}

/** Local: the records of this rank's shards. */
static pc_status load_records(ingest_job *job, int64_t *is_written, pc_error *err)
{
    char path[PATH_BYTES];
    pc_buffer record = {.budget = job->budget};
    pc_status status = PC_OK;
    const int64_t end = route_first_shard(job, job->rank + 1);
    for (int64_t s = route_first_shard(job, job->rank); status == PC_OK && s < end; s++) {
        path_of(job, (uint32_t)s, path);
        status = read_record(path, &record, err);
        const pc_span span = {record.data, record.bytes};
        if (status != PC_OK || !is_valid(job, (uint32_t)s, span)) continue;
        is_written[s] = 1;
        status = apply(job, span, err);
        if (status == PC_BAD_INPUT) {
            (void)PC_FAIL(err, status, "'%s' is damaged: remove it, then resume", path);
        }
    }
    pc_buffer_release(&record);
    return status;
}

static pc_status open_folder(const ingest_job *job, pc_error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/.done", job->options->store);
    struct stat info;
    if (mkdir(path, 0700) == 0 || (stat(path, &info) == 0 && S_ISDIR(info.st_mode))) return PC_OK;
    return PC_FAIL(err, PC_IO, "cannot make the folder '%s'", path);
}

pc_status checkpoint_open(ingest_job *job, pc_error *err)
{
    enum { SHARDS_AT_ONCE = 4096 };
    job->content_digest = digest_content(job);
    const int64_t shards = job->shard_count;
    job->is_written = pc_arena_array(&job->arena, (size_t)shards, sizeof *job->is_written, err);
    pc_status status = job->is_written == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK && job->rank == 0) status = open_folder(job, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = load_records(job, job->is_written, err);
    status = pc_comm_agree(job->comm, status, err);
    int64_t written = 0;
    for (int64_t at = 0; status == PC_OK && at < shards; at += SHARDS_AT_ONCE) {
        const int64_t left = shards - at;
        pc_comm_sum_int64(job->comm, job->is_written + at,
                          (int)(left < SHARDS_AT_ONCE ? left : SHARDS_AT_ONCE));
    }
    for (int64_t s = 0; status == PC_OK && s < shards; s++)
        written += job->is_written[s];
    if (written > 0) {
        pc_log_line(job->log, PC_INFO, "ingest_resumes", "shards_written=%lld of=%lld",
                    (long long)written, (long long)shards);
    }
    return status;
}
