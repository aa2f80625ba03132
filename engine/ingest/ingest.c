/** `parcours ingest`: the phases in order. docs/ingest.md tells the whole story. */
#include "parcours/ingest.h"
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "old.h"
#include "parcours/signals.h"
#include "route.h"

static int64_t resident_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * 1024 : 0;
}

void ingest_phase_end(ingest_job *job, const char *name)
{
    const double now = pc_clock_s(), cpu_s = pc_cpu_s();
    const int64_t sent = pc_comm_counted(job->comm).bytes;
    pc_ingest_profile *profile = &job->profile;
    if (profile->phase_count < PC_INGEST_PHASES) {
        const int at = profile->phase_count++;
        profile->phase[at].name = name;
        profile->phase[at].seconds = now - job->phase_started_s;
        profile->phase[at].cpu_s = cpu_s - job->phase_started_cpu_s;
        profile->phase[at].sent_bytes = sent - job->sent_before;
        profile->phase[at].resident_bytes = resident_bytes();
    }
    job->phase_started_s = now;
    job->phase_started_cpu_s = cpu_s;
    job->sent_before = sent;
}

pc_status ingest_check_stop(pc_error *err)
{
    if (!pc_stop_requested()) return PC_OK;
    return PC_FAIL(err, PC_STOPPED, "stopped by a signal: run the same command with --resume");
}

static pc_status run_phases(ingest_job *job, pc_error *err)
{
    PC_TRY(ingest_read(job, err));
    ingest_phase_end(job, "read");
    PC_TRY(ingest_check_rejects(job, err));
    PC_TRY(ingest_dictionaries(job, err));
    PC_TRY(checkpoint_open(job, err));
    ingest_phase_end(job, "dictionaries");
    PC_TRY(ingest_resolve(job, err));
    ingest_phase_end(job, "resolve");
    PC_TRY(ingest_write_shards(job, err));
    ingest_phase_end(job, "write");
    PC_TRY(ingest_check_rejects(job, err));
    PC_TRY(ingest_write_rejects(job, err));
    PC_TRY(ingest_finish(job, err));
    ingest_phase_end(job, "finish");
    return PC_OK;
}

/** Dictionaries and references stay; every row comes from the store. */
static pc_status prepare_compaction(ingest_job *job, pc_error *err)
{
    const size_t dicts = (size_t)job->model->dict_count, tables = (size_t)job->model->table_count;
    job->dict = pc_arena_array(&job->arena, dicts + 1, sizeof(void *), err);
    job->column = pc_arena_array(&job->arena, tables, sizeof(void *), err);
    job->reference_rows = pc_arena_array(&job->arena, tables, sizeof *job->reference_rows, err);
    if (job->dict == NULL || job->column == NULL || job->reference_rows == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t d = 0; d < dicts; d++)
        job->dict[d] = pc_store_dict(job->old->store, (int)d);
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->model->table[t].path != PC_PATH_NONE) continue;
        int64_t rows;
        const pc_column *column;
        PC_TRY(pc_store_reference(job->old->store, t, &column, &rows, err));
        if (rows > 0) job->column[t] = column;
        job->reference_rows[t] = rows;
    }
    return route_open_buckets(job, err);
}

static pc_status run_compaction(ingest_job *job, pc_error *err)
{
    PC_TRY(pc_comm_agree(job->comm, prepare_compaction(job, err), err));
    PC_TRY(checkpoint_open(job, err));
    PC_TRY(ingest_write_shards(job, err));
    ingest_phase_end(job, "write");
    PC_TRY(ingest_finish(job, err));
    ingest_phase_end(job, "finish");
    return PC_OK;
}

static void warn_of_files(const ingest_job *job)
{
    for (int i = 0; i < job->ignored_count; i++) {
        pc_log_line(job->log, PC_WARNING, "file_ignored", "file=%s", job->ignored[i]);
    }
    int short_files = 0;
    for (int i = 0; i < job->file_count; i++) {
        const pc_csv_file *file = &job->file[i];
        for (const char *const *name = file->unknown; name != NULL && *name != NULL; name++) {
            pc_log_line(job->log, PC_WARNING, "column_unknown", "file=%s column=%s", file->name,
                        *name);
        }
        int missing_count = 0;
        for (const char *const *name = file->missing; name != NULL && *name != NULL; name++) {
            missing_count++;
        }
        if (missing_count > 0) {
            pc_log_line(job->log, PC_DEBUG, "columns_missing", "file=%s count=%d first=%s",
                        file->name, missing_count, file->missing[0]);
            short_files++;
        }
    }
    if (short_files > 0) {
        pc_log_line(job->log, PC_INFO, "columns_missing",
                    "files=%d of=%d (columns of the model that a file lacks are null)", short_files,
                    job->file_count);
    }
}

/** How much of the store was written again beside the new rows, and why. Collective. */
static void log_rewritten(const ingest_job *job)
{
    static const char *const name[REWRITE_COUNT] = {NULL,     "shard",   "reference", "person",
                                                    "parent", "primary", "same_day"};
    int64_t count[2 * REWRITE_COUNT + 1];
    memcpy(count, job->old->rewritten_slots, sizeof job->old->rewritten_slots);
    memcpy(count + REWRITE_COUNT, job->old->rewritten_rows, sizeof job->old->rewritten_rows);
    count[2 * REWRITE_COUNT] = (int64_t)(job->old->moved.bytes / sizeof(pc_slot_entry));
    pc_comm_sum_int64(job->comm, count, 2 * REWRITE_COUNT + 1);
    for (int why = REWRITE_NOT + 1; why < REWRITE_COUNT; why++) {
        if (count[why] == 0) continue;
        pc_log_line(job->log, PC_INFO, "ingest_rewritten", "why=%s slots=%lld rows=%lld", name[why],
                    (long long)count[why], (long long)count[REWRITE_COUNT + why]);
    }
    pc_log_line(job->log, PC_INFO, "ingest_moved", "slots=%lld",
                (long long)count[2 * REWRITE_COUNT]);
}

/** What it took, of the rank that took most. Collective. */
static void log_phases(const ingest_job *job)
{
    const pc_ingest_profile *profile = &job->profile;
    for (int i = 0; i < profile->phase_count; i++) {
        int64_t most[2] = {profile->phase[i].sent_bytes, profile->phase[i].resident_bytes};
        pc_comm_max_int64(job->comm, most, 2);
        pc_log_line(job->log, PC_INFO, "ingest_phase",
                    "phase=%s seconds=%.2f sent_mib=%lld resident_mib=%lld", profile->phase[i].name,
                    profile->phase[i].seconds, (long long)(most[0] >> 20),
                    (long long)(most[1] >> 20));
    }
    int64_t fields = job->fields_read;
    pc_comm_sum_int64(job->comm, &fields, 1);
    pc_log_line(job->log, PC_INFO, "ingest_fields", "fields=%lld", (long long)fields);
    int64_t most[3] = {(int64_t)job->budget->peak_bytes, pc_comm_counted(job->comm).bytes,
                       resident_bytes()};
    int64_t sum[2] = {job->spilled_bytes, most[1]};
    pc_comm_max_int64(job->comm, most, 3);
    pc_comm_sum_int64(job->comm, sum, 2);
    pc_log_line(job->log, PC_INFO, "ingest_memory",
                "peak_mib=%lld limit_mib=%zu resident_mib=%lld spilled_mib=%lld",
                (long long)(most[0] >> 20), job->budget->limit_bytes >> 20,
                (long long)(most[2] >> 20), (long long)(sum[0] >> 20));
    pc_log_line(job->log, PC_INFO, "ingest_sent", "ranks=%d most_mib=%lld all_mib=%lld", job->ranks,
                (long long)(most[1] >> 20), (long long)(sum[1] >> 20));
}

static void release(ingest_job *job)
{
    pc_spool_pool_close(job->read_pool);
    pc_spool_pool_close(job->bucket_pool);
    const int tables = job->model == NULL ? 0 : job->model->table_count;
    for (int t = 0; t < tables; t++) {
        if (job->table != NULL) pc_buffer_release(&job->table[t].rejected);
        if (job->reference != NULL) pc_buffer_release(&job->reference[t]);
    }
    for (int d = 0; job->builder != NULL && d < job->model->dict_count; d++) {
        pc_dict_builder_free(job->builder[d]);
    }
    pc_buffer_release(&job->part);
    pc_buffer_release(&job->written_report);
    old_close(job);
    pc_arena_reset(&job->arena);
}

pc_status pc_ingest_run(pc_comm *comm, const pc_ingest_options *options, const pc_log *log,
                        pc_error *err)
{
    umask(077); // what is written here holds patients
    pc_stop_listen();
    pc_memory_suit(options->budget);
    ingest_job job = {.comm = comm,
                      .rank = pc_comm_rank(comm),
                      .ranks = pc_comm_size(comm),
                      .options = options,
                      .log = log,
                      .budget = options->budget,
                      .arena.budget = options->budget,
                      .lock_file = -1,
                      .part.budget = options->budget,
                      .written_report.budget = options->budget,
                      .phase_started_s = pc_clock_s(),
                      .phase_started_cpu_s = pc_cpu_s()};
    bool is_done = false;
    const bool adds = options->append || options->replace || options->compact;
    pc_status status = adds ? old_open(&job, err) : PC_OK;
    if (status == PC_OK) status = ingest_plan(&job, err);
    if (status == PC_OK) status = ingest_place_open(&job, &is_done, err);
    if (status == PC_OK && !is_done) {
        if (job.rank == 0) warn_of_files(&job);
        ingest_phase_end(&job, "plan");
        status = options->compact ? run_compaction(&job, err) : run_phases(&job, err);
    }
    ingest_place_close(&job, status);
    if (status == PC_OK && is_done) {
        pc_log_line(log, PC_INFO, "ingest_complete", "store=%s nothing_to_do=true", options->store);
    } else if (status == PC_OK) {
        log_phases(&job);
        if (job.old != NULL && !job.old->compacts) log_rewritten(&job);
        job.profile.spilled_bytes = job.spilled_bytes;
        if (options->profile != NULL) *options->profile = job.profile;
    }
    release(&job);
    return status;
}
