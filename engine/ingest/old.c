/** The store that is added to: opened on every rank, its deliveries, its counts. */
#include "old.h"
#include <stdlib.h>
#include <string.h>
#include "route.h"

enum { MOST_PARTS = 8 }; // of a shard: beyond it they are written as one

// ---- deliveries -------------------------------------------------------------------------------

static const char *text_of(const pc_json *object, const char *key)
{
    const pc_json *value = pc_json_get(object, key);
    return value == NULL ? NULL : pc_json_text(value);
}

static const char *copy_text(const pc_json *object, const char *key, pc_arena *arena, pc_error *err)
{
    const char *text = text_of(object, key);
    if (text == NULL) text = "";
    return pc_arena_text(arena, text, strlen(text), err);
}

static int64_t number_of(const pc_json *object, const char *key, int64_t otherwise)
{
    int64_t value;
    const pc_json *number = pc_json_get(object, key);
    return number != NULL && pc_json_int(number, &value) ? value : otherwise;
}

static pc_status read_file(ingest_job *job, const pc_json *from, int delivery, old_file *out,
                           pc_error *err)
{
    const char *table = text_of(from, "table");
    *out = (old_file){.name = copy_text(from, "name", &job->arena, err),
                      .hash = copy_text(from, "hash", &job->arena, err),
                      .delivery = delivery,
                      .bytes = number_of(from, "bytes", 0),
                      .rows_read = number_of(from, "rows_read", 0),
                      .replaced_by = (int)number_of(from, "replaced_by", -1)};
    if (out->name == NULL || out->hash == NULL) return PC_NO_MEMORY;
    out->table = table == NULL ? -1 : pc_model_find_table(job->model, pc_span_of(table));
    if (out->table < 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "store '%s': its manifest names a file of no table",
                       job->options->store);
    }
    const pc_json *rejects = pc_json_get(from, "rejects");
    for (int i = 0; rejects != NULL && i < PC_REJECT_COUNT; i++) {
        out->reject[i] = number_of(rejects, pc_reject_name((pc_reject)i), 0);
    }
    const pc_json *unknown = pc_json_get(from, "unknown_columns");
    if (unknown == NULL) return PC_OK;
    out->unknown =
        pc_arena_array(&job->arena, (size_t)pc_json_count(unknown) + 1, sizeof *out->unknown, err);
    if (out->unknown == NULL) return PC_NO_MEMORY;
    int count = 0;
    for (const pc_json *v = pc_json_first(unknown); v != NULL; v = pc_json_next(v)) {
        const char *name = pc_json_text(v) == NULL ? "" : pc_json_text(v);
        out->unknown[count] = pc_arena_text(&job->arena, name, strlen(name), err);
        if (out->unknown[count++] == NULL) return PC_NO_MEMORY;
    }
    return PC_OK;
}

static pc_status read_deliveries(ingest_job *job, pc_error *err)
{
    ingest_old *old = job->old;
    const pc_json *deliveries = pc_json_get(pc_store_manifest(old->store), "deliveries");
    if (deliveries == NULL) {
        return PC_FAIL(err, PC_BAD_INPUT, "store '%s': its manifest names no delivery",
                       job->options->store);
    }
    size_t file_count = 0;
    for (const pc_json *d = pc_json_first(deliveries); d != NULL; d = pc_json_next(d)) {
        const pc_json *files = pc_json_get(d, "files");
        file_count += files == NULL ? 0 : (size_t)pc_json_count(files);
    }
    const size_t delivery_count = (size_t)pc_json_count(deliveries);
    old->delivery = pc_arena_array(&job->arena, delivery_count + 1, sizeof *old->delivery, err);
    old->file = pc_arena_array(&job->arena, file_count + 1, sizeof *old->file, err);
    old->is_replaced = pc_arena_array(&job->arena, file_count + 1, sizeof(bool), err);
    if (old->delivery == NULL || old->file == NULL || old->is_replaced == NULL) {
        return PC_NO_MEMORY;
    }
    for (const pc_json *d = pc_json_first(deliveries); d != NULL; d = pc_json_next(d)) {
        old_delivery *to = &old->delivery[old->delivery_count];
        to->hash = copy_text(d, "hash", &job->arena, err);
        to->plan = copy_text(d, "plan", &job->arena, err);
        if (to->hash == NULL || to->plan == NULL) return PC_NO_MEMORY;
        const pc_json *files = pc_json_get(d, "files");
        for (const pc_json *f = files == NULL ? NULL : pc_json_first(files); f != NULL;
             f = pc_json_next(f)) {
            PC_TRY(read_file(job, f, old->delivery_count, &old->file[old->file_count++], err));
        }
        old->delivery_count++;
    }
    return PC_OK;
}

// ---- opening ----------------------------------------------------------------------------------

/** Columns that some part of this rank's shards has values of; united by the caller. */
static pc_status find_columns(ingest_job *job, pc_error *err)
{
    ingest_old *old = job->old;
    const size_t tables = (size_t)job->model->table_count;
    pc_column_size **size = pc_arena_array(&job->arena, tables, sizeof *size, err);
    old->present = pc_arena_array(&job->arena, tables, sizeof *old->present, err);
    if (size == NULL || old->present == NULL) return PC_NO_MEMORY;
    for (size_t t = 0; t < tables; t++) {
        const size_t columns = (size_t)job->model->table[t].column_count + 1;
        size[t] = pc_arena_array(&job->arena, columns, sizeof *size[t], err);
        old->present[t] = pc_arena_array(&job->arena, columns, sizeof(bool), err);
        if (size[t] == NULL || old->present[t] == NULL) return PC_NO_MEMORY;
    }
    const int64_t end = route_first_shard(job, job->rank + 1);
    for (int64_t shard = route_first_shard(job, job->rank); shard < end; shard++) {
        PC_TRY(pc_store_sizes(old->store, (int)shard, job->budget, size, err));
    }
    for (size_t t = 0; t < tables; t++) {
        const pc_column *reference = NULL;
        int64_t rows = 0;
        if (!ingest_is_patient_table(&job->model->table[t])) {
            PC_TRY(pc_store_reference(old->store, (int)t, &reference, &rows, err));
        }
        for (int c = 0; c < job->model->table[t].column_count; c++) {
            old->present[t][c] =
                size[t][c].chunks > 0 || (reference != NULL && reference[c].data != NULL);
        }
    }
    return PC_OK;
}

static pc_status share_columns(ingest_job *job, pc_error *err)
{
    pc_status status = pc_comm_agree(job->comm, find_columns(job, err), err);
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        for (int c = 0; c < job->model->table[t].column_count; c++) {
            int64_t is_present = job->old->present[t][c];
            pc_comm_max_int64(job->comm, &is_present, 1);
            job->old->present[t][c] = is_present > 0;
        }
    }
    return status;
}

/** The store's own model, with the extensions that --model adds. */
static pc_status choose_model(ingest_job *job, pc_error *err)
{
    pc_store *store = job->old->store;
    job->model = pc_store_model(store);
    if (job->options->model == NULL) return PC_OK;
    PC_TRY(pc_model_extend(pc_store_model(store), job->options->model, job->options->share,
                           &job->arena, &job->model, err));
    return job->model == pc_store_model(store) ? PC_OK : pc_store_extend(store, job->model, err);
}

static pc_status open_store(ingest_job *job, pc_error *err)
{
    ingest_old *old = job->old = pc_arena_take(&job->arena, sizeof *old, err);
    if (old == NULL) return PC_NO_MEMORY;
    old->affected.budget = job->budget;
    old->moved.budget = job->budget;
    old->hidden.budget = job->budget;
    old->compacts = job->options->compact;
    PC_TRY(pc_store_open(job->options->store, job->budget, &old->store, err));
    PC_TRY(pc_store_read_references(old->store, err));
    PC_TRY(choose_model(job, err));
    job->shard_count = (uint32_t)pc_store_shard_count(old->store);
    if (job->options->shards != 0 && job->options->shards != (int64_t)job->shard_count) {
        return PC_FAIL(err, PC_BAD_JOB, "--shards %lld: the store has %u",
                       (long long)job->options->shards, job->shard_count);
    }
    const size_t keys = (size_t)job->model->key_count + 1;
    old->low = pc_arena_array(&job->arena, keys, sizeof *old->low, err);
    old->high = pc_arena_array(&job->arena, keys, sizeof *old->high, err);
    old->changed = pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof(bool), err);
    old->changes =
        pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof *old->changes, err);
    if (old->low == NULL || old->high == NULL || old->changed == NULL || old->changes == NULL) {
        return PC_NO_MEMORY;
    }
    for (int t = 0; t < job->model->table_count; t++)
        old->changes[t].budget = job->budget;
    memset(old->low, 0xff, keys * sizeof *old->low);
    PC_TRY(read_deliveries(job, err));
    job->file_base = old->file_count;
    return PC_OK;
}

pc_status old_open(ingest_job *job, pc_error *err)
{
    pc_status status = job->rank == 0 ? ingest_place_lock(job, err) : PC_OK;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = pc_comm_agree(job->comm, open_store(job, err), err);
    if (status == PC_OK) {
        const pc_span document = job->model->document;
        status = ingest_compare(job, pc_digest_of(document.data, document.bytes), err);
    }
    return status == PC_OK ? share_columns(job, err) : status;
}

void old_close(ingest_job *job)
{
    if (job->old == NULL) return;
    pc_buffer_release(&job->old->affected);
    pc_buffer_release(&job->old->moved);
    pc_buffer_release(&job->old->hidden);
    for (int t = 0; job->old->changes != NULL && t < job->model->table_count; t++)
        pc_buffer_release(&job->old->changes[t]);
    pc_store_close(job->old->store);
    job->old->store = NULL;
}

// ---- what is replaced, what is sent again -----------------------------------------------------

pc_status old_mark_replaced(ingest_job *job, pc_error *err)
{
    ingest_old *old = job->old;
    if (job->file_base + job->file_count > MOST_FILES) {
        return PC_FAIL(err, PC_BAD_INPUT, "store '%s': more than %d files over all deliveries",
                       job->options->store, MOST_FILES);
    }
    for (int i = 0; job->options->replace && i < job->file_count; i++) {
        const int table = job->file[i].table;
        const bool is_reference = !ingest_is_patient_table(&job->model->table[table]);
        for (int f = 0; f < old->file_count; f++) {
            if (old->file[f].replaced_by >= 0 || old->file[f].table != table) continue;
            if (!is_reference && strcmp(old->file[f].name, job->file[i].name) != 0) continue;
            old->is_replaced[f] = true;
            old->replaces = true;
        }
    }
    return PC_OK;
}

pc_status old_check_resent(const ingest_job *job, pc_error *err)
{
    char hash[PC_DIGEST_TEXT_BYTES];
    const ingest_old *old = job->old;
    for (int i = 0; i < job->file_count; i++) {
        const pc_digest digest = ingest_file_digest(job, i);
        pc_digest_format(&digest, hash);
        for (int f = 0; f < old->file_count; f++) {
            // A file without rows is the same as any other without.
            if (old->is_replaced[f] || old->file[f].replaced_by >= 0 ||
                old->file[f].rows_read == 0 || strcmp(old->file[f].hash, hash) != 0) {
                continue;
            }
            return PC_FAIL(err, PC_BAD_JOB,
                           "file '%s' is in the store already: '%s' of delivery %d has the same "
                           "content%s",
                           job->file[i].name, old->file[f].name, old->file[f].delivery,
                           job->options->replace ? "" : ". --replace loads it again");
        }
    }
    return PC_OK;
}

// ---- counts -----------------------------------------------------------------------------------

static const char *const count_name[COUNT_STATUS] = {"rows_read", "rows_stored", "rows_rejected",
                                                     "rows_orphan", "key_conflict"};

static void add_table(int64_t *count, const pc_json *from)
{
    for (int i = 0; i < COUNT_STATUS; i++)
        count[i] += number_of(from, count_name[i], 0);
    const pc_json *status = pc_json_get(from, "patient_status");
    for (int i = 0; status != NULL && i < COUNT_REASON - COUNT_STATUS; i++) {
        const char *name = pc_slot_kind_name((pc_slot_kind)STATUS_KINDS[i]);
        count[COUNT_STATUS + i] += number_of(status, name, 0);
    }
    const pc_json *rejects = pc_json_get(from, "rejects");
    for (int i = 0; rejects != NULL && i < PC_REJECT_COUNT; i++) {
        count[COUNT_REASON + i] += number_of(rejects, pc_reject_name((pc_reject)i), 0);
    }
}

void old_add_counts(ingest_job *job)
{
    const ingest_old *old = job->old;
    const pc_json *tables = pc_json_get(pc_store_manifest(old->store), "tables");
    for (int t = 0; tables != NULL && t < job->model->table_count; t++) {
        const pc_json *from = pc_json_get(tables, job->model->table[t].name);
        if (from == NULL) continue;
        job->table[t].is_delivered = true;
        add_table(job->table[t].count, from);
    }
    for (int f = 0; f < old->file_count; f++) {
        if (!old->is_replaced[f]) continue;
        int64_t *count = job->table[old->file[f].table].count;
        count[COUNT_READ] -= old->file[f].rows_read;
        for (int i = 0; i < PC_REJECT_COUNT; i++) {
            count[COUNT_REJECTED] -= old->file[f].reject[i];
            count[COUNT_REASON + i] -= old->file[f].reject[i];
        }
    }
}

// ---- shards -----------------------------------------------------------------------------------

bool old_rewrites_shard(const ingest_job *job, uint32_t shard, bool has_rows)
{
    const ingest_old *old = job->old;
    pc_store_contents newest = {0};
    int64_t from, to, count, hidden;
    pc_store_shard_parts(old->store, (int)shard, &from, &to);
    if (from == to) return false;
    if (old->rewrites_all) return true;
    if (!old->compacts) return has_rows && to - from >= MOST_PARTS;
    const pc_part_info *part = pc_store_parts(old->store, &count);
    (void)pc_store_hidden(old->store, from, &hidden);
    pc_store_generations(old->store, &newest);
    return to - from > 1 || hidden > 0 || part[from].generation + 1 < newest.generation_count;
}

bool old_needs_compaction(const ingest_job *job)
{
    for (uint32_t shard = 0; shard < job->shard_count; shard++) {
        if (old_rewrites_shard(job, shard, false)) return true;
    }
    return false;
}
