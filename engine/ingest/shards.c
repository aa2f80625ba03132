/** Buckets to parts: arranged, cut into blocks, derived, written. Each rank writes its own shards;
 *  nothing here is said to other ranks before the end, except that one has failed. */
#include <string.h>
#include "old.h"
#include "parcours/derive.h"
#include "report.h"
#include "route.h"

enum {
    ASK_SECONDS = 5,  // a network may answer only when rank 0 asks too: not at each shard
    LARGE_SHARE = 8,  // a bucket larger than one part in so many of the memory left may not fit
    BUCKET_COPIES = 5 // of a slot's rows: as they came, sorted, as columns, derived and encoded
};

/** Of a bucket that takes much of the memory: what to say when it is too much. */
typedef struct bucket_size {
    size_t bytes, used_before; // of its rows; of all else
    size_t large_bytes;        // so many may not fit
    int64_t row_count;
    unsigned char tag[PC_TAG_BYTES]; // of the slot with more than half of the rows, if one has
    int64_t slot_rows;               // of that slot
} bucket_size;

typedef struct shard_state {
    ingest_job *job;
    bucket_size size;
    const pc_person_plan *person;
    pc_derive *derive;
    old_join join;        // with the store that is added to
    checkpoint mark;      // before the shard being written
    pc_part_writer *part; // of the shard being written; NULL: no slot yet
    uint32_t part_number, delivery, generation;
    int64_t slot_count; // of the shard so far
    pc_bucket bucket;
    pc_buffer *rows;       // [table_count + 1] of the bucket; last: slot entries
    pc_buffer *rejected;   // [table_count] duplicates of the bucket
    pc_buffer names;       // pc_slot_key of the bucket's slots that go on
    pc_arena bucket_arena; // lives as long as a bucket
    pc_arena block_arena;  // lives as long as a block
} shard_state;

static pc_status open_state(shard_state *s, ingest_job *job, pc_error *err)
{
    const size_t tables = (size_t)job->model->table_count;
    *s = (shard_state){.job = job,
                       .bucket.model = job->model,
                       .bucket.first_file = job->file_base,
                       .names.budget = job->budget,
                       .bucket_arena.budget = job->budget,
                       .block_arena.budget = job->budget};
    s->rows = pc_arena_array(&job->arena, tables + 1, sizeof *s->rows, err);
    s->rejected = pc_arena_array(&job->arena, tables, sizeof *s->rejected, err);
    s->bucket.table = pc_arena_array(&job->arena, tables, sizeof *s->bucket.table, err);
    const pc_row_layout **layout = pc_arena_array(&job->arena, tables, sizeof(void *), err);
    if (s->rows == NULL || s->rejected == NULL || s->bucket.table == NULL || layout == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t t = 0; t < tables; t++) {
        s->rows[t].budget = job->budget;
        s->rejected[t].budget = job->budget;
        layout[t] = job->table[t].layout;
    }
    s->rows[tables].budget = job->budget;
    PC_TRY(report_open(job, err));
    PC_TRY(checkpoint_report(job, err));
    if (job->old != NULL) {
        pc_store_contents newest = {0};
        pc_store_generations(job->old->store, &newest);
        s->generation = newest.generation_count - 1;
        s->delivery = (uint32_t)job->old->delivery_count - (job->old->compacts ? 1 : 0);
        PC_TRY(old_join_open(&s->join, job, err));
    }
    PC_TRY(pc_person_plan_make(job->model, layout, job->dict, &job->arena, &s->person, err));
    PC_TRY(pc_derive_open(job->model, job->dict, job->column, job->reference_rows, &job->arena,
                          &s->derive, err));
    for (int t = 0; job->old != NULL && t < job->model->table_count; t++) {
        if (!job->old->changed[t] || !pc_derive_reads(s->derive, t)) continue;
        PC_TRY(old_join_look(&s->join, t, err));
    }
    return PC_OK;
}

static void close_state(shard_state *s)
{
    const int tables = s->job->model->table_count;
    for (int t = 0; s->rows != NULL && t <= tables; t++)
        pc_buffer_release(&s->rows[t]);
    for (int t = 0; s->rejected != NULL && t < tables; t++)
        pc_buffer_release(&s->rejected[t]);
    old_join_close(&s->join);
    pc_buffer_release(&s->names);
    pc_part_free(s->part);
    pc_derive_close(s->derive);
    pc_arena_reset(&s->block_arena);
    pc_arena_reset(&s->bucket_arena);
}

// ---- a bucket that may not fit ----------------------------------------------------------------

/** The tags of the rows of a table: each row of the slot votes for it, every other one against it
 *  (Boyer and Moore, 1981), or `counts` those of the slot. */
static pc_status vote(shard_state *s, pc_spool *spool, int table, bool counts, int64_t *votes,
                      pc_error *err)
{
    const size_t width = (size_t)s->job->table[table].layout->row_bytes;
    pc_buffer *rows = &s->rows[table];
    for (int b = 0; b < pc_spool_block_count(spool); b++) {
        rows->bytes = 0;
        PC_TRY(pc_spool_read(spool, b, rows, err));
        for (size_t at = PC_ROW_TAG; at < rows->bytes; at += width) {
            const bool is_it = memcmp(s->size.tag, rows->data + at, PC_TAG_BYTES) == 0;
            if (counts || is_it || *votes > 0) {
                *votes += is_it ? 1 : counts ? 0 : -1;
                continue;
            }
            memcpy(s->size.tag, rows->data + at, PC_TAG_BYTES);
            *votes = 1;
        }
    }
    return PC_OK;
}

/** How large a bucket is; of one that takes much of the memory also, which slot makes it so. */
static pc_status measure_bucket(shard_state *s, pc_spool *const *spool, pc_error *err)
{
    const ingest_job *job = s->job;
    s->size = (bucket_size){.used_before = job->budget->used_bytes,
                            .large_bytes = pc_budget_left(job->budget) / LARGE_SHARE};
    for (int t = 0; t < job->model->table_count; t++) {
        if (spool[t] == NULL) continue;
        const int64_t rows = pc_spool_row_count(spool[t]);
        s->size.row_count += rows;
        s->size.bytes += (size_t)rows * (size_t)job->table[t].layout->row_bytes;
    }
    if (s->size.bytes < s->size.large_bytes) return PC_OK;
    int64_t votes[2] = {0};
    for (int counts = 0; counts < 2; counts++) {
        for (int t = 0; t < job->model->table_count; t++) {
            if (spool[t] == NULL) continue;
            PC_TRY(vote(s, spool[t], t, counts == 1, &votes[counts], err));
        }
    }
    s->size.slot_rows = 2 * votes[1] > s->size.row_count ? votes[1] : 0;
    return PC_OK;
}

/** Puts in front of a refusal of memory what the memory was for, and how much would do. */
static pc_status explain(const shard_state *s, uint32_t shard, pc_status status, pc_error *err)
{
    size_t bytes = 0; // with those of the store
    for (int t = 0; t < s->job->model->table_count; t++)
        bytes += s->rows[t].bytes;
    if (bytes < s->size.bytes) bytes = s->size.bytes;
    if (status != PC_NO_MEMORY || bytes < s->size.large_bytes) return status;
    const size_t wanted = ((s->size.used_before + BUCKET_COPIES * bytes) >> 20) + 1;
    if (s->size.slot_rows == 0) {
        pc_error_prefix(err,
                        "shard %u: %lld rows (%zu MiB) are sorted together, --memory %zuM would do",
                        shard, (long long)s->size.row_count, bytes >> 20, wanted);
    } else {
        pc_error_prefix(err,
                        "shard %u: one patient (or one claim or stay of nobody) has %lld rows, "
                        "which are sorted together (%zu MiB); --memory %zuM would do, more ranks "
                        "would not help",
                        shard, (long long)s->size.slot_rows, bytes >> 20, wanted);
    }
    return status;
}

static pc_status load_bucket(shard_state *s, int64_t bucket, pc_error *err)
{
    const ingest_job *job = s->job;
    const int tables = job->model->table_count;
    pc_spool **spool = &job->bucket_rows[(bucket - job->first_bucket) * (tables + 1)];
    PC_TRY(measure_bucket(s, spool, err));
    for (int t = 0; t <= tables; t++) {
        s->rows[t].bytes = 0;
        if (t < tables) s->bucket.table[t] = (pc_bucket_table){.layout = job->table[t].layout};
        if (spool[t] == NULL) continue;
        const size_t width =
            t < tables ? (size_t)job->table[t].layout->row_bytes : sizeof(pc_slot_entry);
        const size_t bytes = (size_t)pc_spool_row_count(spool[t]) * width;
        PC_TRY(pc_buffer_reserve(&s->rows[t], bytes, err));
        for (int b = 0; b < pc_spool_block_count(spool[t]); b++) {
            PC_TRY(pc_spool_read(spool[t], b, &s->rows[t], err));
        }
        pc_spool_drop(spool[t]);
        if (t == tables) continue;
        s->bucket.table[t].row = (const unsigned char *)s->rows[t].data;
        s->bucket.table[t].row_count = (int64_t)(bytes / width);
    }
    return PC_OK;
}

// ---- counts -----------------------------------------------------------------------------------

static int status_index(const pc_slot_key *key)
{
    const char *at = strchr(STATUS_KINDS, key->byte[0]);
    return (int)(at - STATUS_KINDS);
}

static void count_table(const shard_state *s, int table)
{
    const pc_bucket_table *t = &s->bucket.table[table];
    int64_t *count = s->job->table[table].count;
    count[COUNT_STORED] += t->kept_count;
    count[COUNT_REJECTED] += t->row_count - t->kept_count;
    const pc_rejected *rejected = (const pc_rejected *)(const void *)s->rejected[table].data;
    for (size_t i = 0; i < s->rejected[table].bytes / sizeof *rejected; i++)
        count[COUNT_REASON + rejected[i].reason]++;
    count[COUNT_CONFLICT] += t->key_conflict;
    const bool by_key = s->job->model->table[table].path == PC_PATH_KEY;
    for (int64_t i = 0; by_key && t->parent != NULL && i < t->kept_count; i++) {
        count[COUNT_ORPHAN] += t->parent[i] < 0;
    }
    for (int slot = 0; t->kept_count > 0 && slot < s->bucket.slot_count; slot++) {
        count[COUNT_STATUS + status_index(&s->bucket.slot_key[slot])] +=
            t->offset[slot + 1] - t->offset[slot];
    }
}

static void count_person(const shard_state *s)
{
    int64_t *count = s->job->table[s->job->model->person_table].count;
    for (int slot = 0; slot < s->bucket.slot_count; slot++) {
        const pc_slot_key *key = &s->bucket.slot_key[slot];
        const bool has_row = s->bucket.is_continued != NULL && s->bucket.is_continued[slot];
        if (!pc_slot_is_patient((pc_slot_kind)key->byte[0]) || has_row) continue;
        count[COUNT_READ]++;
        count[COUNT_STORED]++;
        count[COUNT_STATUS + status_index(key)]++;
    }
}

static pc_status count_bucket(shard_state *s, pc_error *err)
{
    for (int t = 0; t < s->job->model->table_count; t++) {
        if (!ingest_is_patient_table(&s->job->model->table[t])) continue;
        count_table(s, t);
        PC_TRY(pc_buffer_append(&s->job->table[t].rejected, s->rejected[t].data,
                                s->rejected[t].bytes, err));
        s->rejected[t].bytes = 0;
    }
    count_person(s);
    return PC_OK;
}

// ---- writing ----------------------------------------------------------------------------------

/** Rows of the largest table in a block: fewer when memory is short. The part's bytes do not depend
 *  on where blocks end. */
static int64_t rows_of_block(const ingest_job *job)
{
    int widest = 64;
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_row_layout *layout = job->table[t].layout;
        if (layout != NULL && layout->row_bytes > widest) widest = layout->row_bytes;
    }
    // A block holds a row's fields as columns, its derived columns, and what computes them.
    const int64_t fitting = (int64_t)(pc_budget_left(job->budget) / 8 / (2 * (size_t)widest));
    if (fitting > BLOCK_ROWS) return BLOCK_ROWS;
    return fitting < LEAST_BLOCK_ROWS ? LEAST_BLOCK_ROWS : fitting;
}

static pc_status write_blocks(shard_state *s, uint32_t shard, pc_error *err)
{
    ingest_job *job = s->job;
    for (int from = 0; from < s->bucket.slot_count;) {
        const int to = pc_bucket_run(&s->bucket, from, rows_of_block(job));
        const int64_t first = (int64_t)((uint64_t)shard << 32) + s->slot_count;
        pc_block block;
        PC_TRY(pc_bucket_block(&s->bucket, from, to, first, s->person, job->dict, &s->block_arena,
                               &block, err));
        PC_TRY(pc_derive_block(s->derive, &block, err));
        report_add(job, &block);
        if (s->part == NULL) {
            PC_TRY(pc_part_begin(job->options->store, job->model, shard, s->part_number,
                                 s->delivery, s->generation, job->budget, &s->part, err));
        }
        PC_TRY(pc_part_add(s->part, &block, err));
        pc_arena_reset(&s->block_arena);
        s->slot_count += to - from;
        from = to;
    }
    return PC_OK;
}

static pc_status arrange(shard_state *s, pc_error *err)
{
    pc_buffer *entries = &s->rows[s->job->model->table_count];
    return pc_bucket_arrange(&s->bucket, (pc_slot_entry *)(void *)entries->data,
                             (int64_t)(entries->bytes / sizeof(pc_slot_entry)), &s->bucket_arena,
                             s->rejected, err);
}

/** Rows of the store's slots that are written again join those of the bucket, which is arranged
 *  anew then. */
static pc_status join_old(shard_state *s, int64_t bucket, pc_error *err)
{
    const ingest_job *job = s->job;
    old_join *join = &s->join;
    const int tables = job->model->table_count;
    if (job->old == NULL) return PC_OK;
    PC_TRY(old_join_bucket(join, &s->bucket, bucket, err));
    const size_t before = (size_t)join->taken_before * sizeof(pc_slot_entry);
    if (join->taken.bytes == before) return PC_OK;
    PC_TRY(pc_buffer_append(&s->rows[tables], join->taken.data + before, join->taken.bytes - before,
                            err));
    for (int t = 0; t < tables; t++) {
        if (job->table[t].layout == NULL) continue;
        PC_TRY(pc_buffer_append(&s->rows[t], join->rows[t].data, join->rows[t].bytes, err));
        s->rejected[t].bytes = 0;
        s->bucket.table[t] = (pc_bucket_table){.layout = job->table[t].layout,
                                               .row = (unsigned char *)s->rows[t].data,
                                               .row_count = (int64_t)s->rows[t].bytes /
                                                            job->table[t].layout->row_bytes};
    }
    // The bucket's slots get other numbers: those that go on are known by their keys.
    pc_buffer *names = &s->names;
    names->bytes = 0;
    for (int slot = 0; slot < s->bucket.slot_count; slot++) {
        if (!s->bucket.is_continued[slot]) continue;
        PC_TRY(pc_buffer_append(names, &s->bucket.slot_key[slot], sizeof(pc_slot_key), err));
    }
    pc_arena_reset(&s->bucket_arena);
    PC_TRY(arrange(s, err));
    return old_join_continue(join, &s->bucket, (const pc_slot_key *)(const void *)names->data,
                             names->bytes / sizeof(pc_slot_key), err);
}

static pc_status write_bucket(shard_state *s, int64_t bucket, uint32_t shard, pc_error *err)
{
    PC_TRY(load_bucket(s, bucket, err));
    if (s->job->old != NULL) {
        pc_buffer *entries = &s->rows[s->job->model->table_count];
        PC_TRY(old_join_names(&s->join, &s->bucket, bucket, entries, err));
    }
    PC_TRY(arrange(s, err));
    PC_TRY(join_old(s, bucket, err));
    PC_TRY(count_bucket(s, err));
    PC_TRY(write_blocks(s, shard, err));
    pc_arena_reset(&s->bucket_arena);
    return PC_OK;
}

/** Buckets first .. end - 1 have rows. */
static bool has_rows(const ingest_job *job, int64_t first, int64_t end)
{
    const int64_t spools = job->model->table_count + 1;
    for (int64_t i = (first - job->first_bucket) * spools; i < (end - job->first_bucket) * spools;
         i++) {
        if (job->bucket_rows[i] != NULL) return true;
    }
    return false;
}

/** The number of the shard's next part. */
static uint32_t next_number(const ingest_job *job, uint32_t shard)
{
    int64_t from, to, count;
    if (job->old == NULL) return 0;
    const pc_part_info *part = pc_store_parts(job->old->store, &count);
    pc_store_shard_parts(job->old->store, (int)shard, &from, &to);
    return from == to ? 0 : part[to - 1].number + 1;
}

static pc_status write_shard(shard_state *s, uint32_t shard, pc_error *err)
{
    ingest_job *job = s->job;
    const int finer = job->bucket_bits - __builtin_ctz(job->shard_count);
    if (job->is_written[shard] != 0) return PC_OK;
    PC_TRY(checkpoint_begin(job, &s->mark, err));
    s->slot_count = 0;
    s->part_number = next_number(job, shard);
    const int64_t first = (int64_t)shard << finer, end = first + (INT64_C(1) << finer);
    if (job->old != NULL) {
        PC_TRY(old_join_begin(&s->join, shard, has_rows(job, first, end), err));
    }
    for (int64_t bucket = first; bucket < end; bucket++) {
        PC_TRY(ingest_check_stop(err));
        const pc_status status = write_bucket(s, bucket, shard, err);
        if (status != PC_OK) return explain(s, shard, status, err);
    }
    if (job->old != NULL) PC_TRY(old_join_end(&s->join, err));
    if (s->part == NULL) return checkpoint_end(job, &s->mark, shard, NULL, err); // no slot
    pc_part_info info = {0};
    PC_TRY(pc_part_end(s->part, &info, err));
    pc_part_free(s->part);
    s->part = NULL;
    PC_TRY(pc_buffer_append(&job->part, &info, sizeof info, err));
    return checkpoint_end(job, &s->mark, shard, &info, err);
}

/** Stops early when another rank has failed: what is written would be removed. Local. */
static pc_status write_own(shard_state *s, pc_counter *counter, pc_error *err)
{
    const ingest_job *job = s->job;
    const int64_t from = route_first_shard(job, job->rank);
    const int64_t to = route_first_shard(job, job->rank + 1);
    pc_progress progress;
    pc_progress_begin(&progress, job->log, "writing", "shards", to - from);
    pc_status status = PC_OK;
    double asked_s = pc_clock_s();
    for (int64_t shard = from; status == PC_OK && shard < to; shard++) {
        if (pc_clock_s() - asked_s > ASK_SECONDS) {
            if (pc_counter_next(counter) == INT64_MAX) break;
            asked_s = pc_clock_s();
        }
        pc_counter_serve(counter);
        status = write_shard(s, (uint32_t)shard, err);
        pc_progress_set(&progress, shard - from + 1);
    }
    if (status != PC_OK) pc_counter_poison(counter);
    pc_progress_end(&progress);
    return status;
}

pc_status ingest_write_shards(ingest_job *job, pc_error *err)
{
    shard_state s;
    pc_counter *counter = NULL;
    pc_status status = open_state(&s, job, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = pc_counter_open(job->comm, &counter, err);
    if (status == PC_OK) status = write_own(&s, counter, err);
    close_state(&s);
    job->spilled_bytes += pc_spool_pool_spilled(job->bucket_pool);
    job->profile.packed_bytes += pc_spool_pool_packed(job->bucket_pool);
    pc_spool_pool_close(job->bucket_pool);
    job->bucket_pool = NULL;
    pc_counter_close(job->comm, counter);
    status = pc_comm_agree(job->comm, status, err);
    return status;
}
