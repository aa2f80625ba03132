/** Rows to buckets: by the top bits of their tag, over the ranks that own the shards. */
#include "route.h"
#include <string.h>
#include "old.h"

static int log2_of(int64_t power)
{
    return 63 - __builtin_clzll((unsigned long long)power);
}

int64_t route_first_shard(const ingest_job *job, int rank)
{
    const int64_t shards = job->shard_count;
    return (rank * shards + job->ranks - 1) / job->ranks;
}

int64_t route_bucket(const ingest_job *job, const unsigned char *tag)
{
    uint64_t hash;
    memcpy(&hash, tag, sizeof hash);
    return route_bucket_of_hash(job, __builtin_bswap64(hash));
}

int64_t route_bucket_of_hash(const ingest_job *job, uint64_t hash)
{
    return job->bucket_bits == 0 ? 0 : (int64_t)(hash >> (64 - job->bucket_bits));
}

int route_owner(const ingest_job *job, int64_t shard)
{
    return (int)(shard * job->ranks / job->shard_count);
}

static int64_t shard_of_bucket(const ingest_job *job, int64_t bucket)
{
    return bucket >> (job->bucket_bits - log2_of(job->shard_count));
}

static int owner_of_bucket(const ingest_job *job, int64_t bucket)
{
    return route_owner(job, shard_of_bucket(job, bucket));
}

pc_status route_open_buckets(ingest_job *job, pc_error *err)
{
    int64_t bytes = 0;
    for (int t = 0; t < job->model->table_count; t++) {
        if (job->table[t].layout == NULL) continue;
        // Slots that are written again bring their rows of the store into their bucket.
        const bool is_old = job->old != NULL && ingest_is_patient_table(&job->model->table[t]);
        const int64_t old_rows = is_old ? pc_store_table_rows(job->old->store, t) : 0;
        bytes += (job->table[t].all_rows + old_rows) * job->table[t].layout->row_bytes;
    }
    // A bucket is in memory as rows, as what sorts them, and a block of it as columns.
    const size_t left = pc_budget_left(job->budget);
    int64_t aim = left / 12 < BUCKET_BYTES ? (int64_t)(left / 12) : BUCKET_BYTES;
    if (aim < 1) aim = 1;
    const int shard_bits = log2_of(job->shard_count);
    job->bucket_bits = shard_bits;
    while (job->bucket_bits < 40 && (bytes >> job->bucket_bits) > aim)
        job->bucket_bits++;
    const int finer = job->bucket_bits - shard_bits;
    job->first_bucket = route_first_shard(job, job->rank) << finer;
    job->bucket_count = (route_first_shard(job, job->rank + 1) << finer) - job->first_bucket;
    const size_t spools = 2 * (size_t)job->bucket_count; // of one table, and of the slots' keys
    size_t block = left / 8 / (spools == 0 ? 1 : spools);
    if (block > PC_SPOOL_BLOCK_BYTES) block = PC_SPOOL_BLOCK_BYTES;
    if (block < LEAST_SPOOL_BLOCK_BYTES) block = LEAST_SPOOL_BLOCK_BYTES;
    job->bucket_block_bytes = block;
    job->bucket_open_bytes = spools * block;
    job->bucket_rows = pc_arena_array(
        &job->arena, (size_t)job->bucket_count * ((size_t)job->model->table_count + 1),
        sizeof(void *), err);
    if (job->bucket_rows == NULL) return PC_NO_MEMORY;
    return pc_spool_pool_open(job->scratch, left / 4, job->budget, &job->bucket_pool, err);
}

pc_status route_begin(route *r, ingest_job *job, int table, pc_error *err)
{
    *r = (route){.job = job, .table = table};
    PC_TRY(scatter_init(&r->rows, job->comm, (size_t)job->table[table].layout->row_bytes,
                        &job->arena, job->budget, err));
    return scatter_init(&r->slots, job->comm, sizeof(pc_slot_entry), &job->arena, job->budget, err);
}

pc_status route_end(route *r, pc_status status, pc_error *err)
{
    const ingest_job *job = r->job;
    const int64_t tables = job->model->table_count + 1;
    scatter_release(&r->rows);
    scatter_release(&r->slots);
    for (int64_t b = 0; status == PC_OK && b < job->bucket_count; b++) {
        pc_spool *spool = job->bucket_rows[b * tables + r->table];
        if (spool != NULL) status = pc_spool_seal(spool, err);
    }
    return pc_comm_agree(job->comm, status, err);
}

/** Records of one bucket of this rank. */
static pc_status keep_in_bucket(ingest_job *job, int64_t bucket, int table, int record_bytes,
                                const unsigned char *record, int64_t count, pc_error *err)
{
    const int64_t tables = job->model->table_count + 1;
    pc_spool **spool = &job->bucket_rows[(bucket - job->first_bucket) * tables + table];
    if (*spool == NULL) {
        PC_TRY(pc_spool_open(job->bucket_pool, record_bytes, job->bucket_block_bytes, spool, err));
    }
    return pc_spool_append(*spool, record, count, err);
}

/** Records of one tag. */
static pc_status add_records(ingest_job *job, scatter *to, int table, const unsigned char *tag,
                             const unsigned char *record, int64_t count, pc_error *err)
{
    const int64_t bucket = route_bucket(job, tag);
    const int owner = owner_of_bucket(job, bucket);
    if (job->is_written[shard_of_bucket(job, bucket)] != 0) return PC_OK; // before an interruption
    if (owner == job->rank) {
        pc_comm_count_kept(job->comm, (size_t)count * to->record_bytes);
        return keep_in_bucket(job, bucket, table, (int)to->record_bytes, record, count, err);
    }
    return pc_buffer_append(&to->to[owner], record, (size_t)count * to->record_bytes, err);
}

/** How many records from the first on have its tag. */
static int64_t alike(const unsigned char *tag, size_t record_bytes, int64_t count)
{
    int64_t same = 1;
    while (same < count && memcmp(tag, tag + (size_t)same * record_bytes, PC_TAG_BYTES) == 0) {
        same++;
    }
    return same;
}

pc_status route_rows(route *r, const unsigned char *row, int64_t row_count, pc_error *err)
{
    const size_t row_bytes = r->rows.record_bytes;
    while (row_count > 0) {
        const unsigned char *tag = row + PC_ROW_TAG;
        const int64_t same = alike(tag, row_bytes, row_count);
        PC_TRY(add_records(r->job, &r->rows, r->table, tag, row, same, err));
        row += (size_t)same * row_bytes;
        row_count -= same;
    }
    return PC_OK;
}

pc_status route_slot(route *r, const pc_slot_entry *entry, pc_error *err)
{
    if (memcmp(&r->last, entry, sizeof *entry) == 0) return PC_OK;
    r->last = *entry;
    return add_records(r->job, &r->slots, r->job->model->table_count, entry->tag,
                       (const unsigned char *)entry, 1, err);
}

static pc_status keep_all(ingest_job *job, const scatter *from, int table, size_t tag_at,
                          pc_error *err)
{
    const size_t width = from->record_bytes;
    const unsigned char *record = (const unsigned char *)from->in.data;
    for (int64_t left = (int64_t)(from->in.bytes / width); left > 0;) {
        const unsigned char *tag = record + tag_at;
        const int64_t same = alike(tag, width, left);
        PC_TRY(keep_in_bucket(job, route_bucket(job, tag), table, (int)width, record, same, err));
        record += (size_t)same * width;
        left -= same;
    }
    return PC_OK;
}

pc_status route_flush(route *r, pc_status status, pc_error *err)
{
    ingest_job *job = r->job;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = scatter_send(&r->rows, err);
    if (status == PC_OK) status = scatter_send(&r->slots, err);
    if (status != PC_OK) return status;
    status = keep_all(job, &r->rows, r->table, PC_ROW_TAG, err);
    if (status == PC_OK) status = keep_all(job, &r->slots, job->model->table_count, 0, err);
    return pc_comm_agree(job->comm, status, err);
}
