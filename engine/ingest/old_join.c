/** A shard's slots in the store beside those that the delivery brings rows for. Which of them stay
 *  as they are and go on in a new part, and which are written again, is decided here, slot by slot,
 *  without another rank. */
#include "old.h"
#include <stdlib.h>
#include <string.h>
#include "route.h"

enum { JOIN_BLOCK_ROWS = 16384 };

pc_status old_join_open(old_join *join, ingest_job *job, pc_error *err)
{
    const size_t tables = (size_t)job->model->table_count;
    *join = (old_join){.job = job, .taken.budget = job->budget, .is_continued.budget = job->budget};
    join->asked = pc_arena_array(&job->arena, tables, sizeof(bool), err);
    join->nothing = pc_arena_array(&job->arena, tables, sizeof(bool), err);
    join->rows = pc_arena_array(&job->arena, tables, sizeof *join->rows, err);
    size_t references = 1;
    for (size_t t = 0; t < tables; t++)
        references += (size_t)job->model->table[t].reference_count;
    join->look = pc_arena_array(&job->arena, references, sizeof *join->look, err);
    if (join->asked == NULL || join->nothing == NULL || join->rows == NULL || join->look == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t t = 0; t < tables; t++) {
        join->asked[t] = ingest_is_patient_table(&job->model->table[t]);
        join->rows[t].budget = job->budget;
    }
    return PC_OK;
}

static int compare_values(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/** The changed values of a column of the reference table, in order. */
static pc_status add_look(old_join *join, int table, const pc_model_reference *by, pc_error *err)
{
    ingest_job *job = join->job;
    const pc_buffer *changes = &job->old->changes[by->table];
    const old_change *change = (const old_change *)(const void *)changes->data;
    const size_t all = changes->bytes / sizeof *change;
    old_look look = {.table = table, .column = by->column};
    look.value = pc_arena_array(&job->arena, all + 1, sizeof *look.value, err);
    if (look.value == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < all; i++) {
        if (change[i].column == by->their_column) look.value[look.count++] = change[i].value;
    }
    if (look.count > 0) qsort(look.value, look.count, sizeof *look.value, compare_values);
    if (look.count > 0) join->look[join->look_count++] = look;
    return PC_OK;
}

pc_status old_join_look(old_join *join, int reference, pc_error *err)
{
    const ingest_job *job = join->job;
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_model_table *table = &job->model->table[t];
        for (int r = 0; r < table->reference_count; r++) {
            const pc_model_reference *by = &table->reference[r];
            if (by->table != reference) continue;
            // Values that are no numbers are not noted.
            if (!pc_type_is_integer(table->column[by->column].type)) job->old->rewrites_all = true;
            PC_TRY(add_look(join, t, by, err));
        }
    }
    return PC_OK;
}

static void close_readers(old_join *join)
{
    pc_reader_close(join->reader);
    pc_reader_close(join->names);
    join->reader = NULL;
    join->names = NULL;
}

void old_join_close(old_join *join)
{
    if (join->job == NULL) return;
    close_readers(join);
    pc_buffer_release(&join->tags);
    for (int t = 0; join->rows != NULL && t < join->job->model->table_count; t++)
        pc_buffer_release(&join->rows[t]);
    pc_buffer_release(&join->taken);
    pc_buffer_release(&join->is_continued);
}

pc_status old_join_begin(old_join *join, int64_t shard, bool has_rows, pc_error *err)
{
    ingest_job *job = join->job;
    int64_t from, to;
    join->shard = shard;
    join->block = NULL;
    join->slot = 0;
    join->name_block = NULL;
    join->name_slot = 0;
    join->taken.bytes = 0;
    pc_store_shard_parts(job->old->store, (int)shard, &from, &to);
    join->rewrites_all = old_rewrites_shard(job, (uint32_t)shard, has_rows);
    const bool looks = join->rewrites_all || join->look_count > 0;
    if (from == to || (!has_rows && !looks)) return PC_OK;
    const pc_read_request request = {.table = join->asked, .block_rows = JOIN_BLOCK_ROWS};
    const pc_read_request names = {.table = join->nothing};
    PC_TRY(pc_reader_open(job->old->store, (int)shard, &request, job->budget, &join->reader, err));
    return pc_reader_open(job->old->store, (int)shard, &names, job->budget, &join->names, err);
}

// ---- names of slots ---------------------------------------------------------------------------

static int compare_tags(const void *a, const void *b)
{
    return memcmp(a, b, PC_TAG_BYTES);
}

/** The tags of a bucket's rows, each once, in order. */
static pc_status collect_tags(old_join *join, const pc_bucket *bucket, pc_error *err)
{
    join->tags.bytes = 0;
    for (int t = 0; t < join->job->model->table_count; t++) {
        const pc_bucket_table *table = &bucket->table[t];
        const unsigned char *row = table->row, *last = NULL;
        for (int64_t i = 0; i < table->row_count; i++, row += table->layout->row_bytes) {
            if (last != NULL && compare_tags(last, row + PC_ROW_TAG) == 0) continue;
            last = row + PC_ROW_TAG;
            PC_TRY(pc_buffer_append(&join->tags, last, PC_TAG_BYTES, err));
        }
    }
    const size_t count = join->tags.bytes / PC_TAG_BYTES;
    if (count == 0) return PC_OK;
    qsort(join->tags.data, count, PC_TAG_BYTES, compare_tags);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        char *tag = join->tags.data + i * PC_TAG_BYTES;
        if (compare_tags(tag, join->tags.data + (kept - 1) * PC_TAG_BYTES) == 0) continue;
        memmove(join->tags.data + kept++ * PC_TAG_BYTES, tag, PC_TAG_BYTES);
    }
    join->tags.bytes = kept * PC_TAG_BYTES;
    return PC_OK;
}

/** The store's next slot key, hidden ones left out; NULL: the shard has no more. */
static pc_status peek_name(old_join *join, const pc_slot_key **key, pc_error *err)
{
    *key = NULL;
    if (join->names == NULL) return PC_OK;
    if (join->name_block == NULL || join->name_slot == join->name_block->slot_count) {
        PC_TRY(pc_reader_next(join->names, &join->name_block, err));
        join->name_slot = 0;
        if (join->name_block->slot_count == 0) {
            pc_reader_close(join->names);
            join->names = NULL;
            return PC_OK;
        }
    }
    *key = &join->name_block->slot_key[join->name_slot];
    return PC_OK;
}

pc_status old_join_names(old_join *join, const pc_bucket *bucket, int64_t number,
                         pc_buffer *entries, pc_error *err)
{
    if (join->names == NULL) return PC_OK;
    PC_TRY(collect_tags(join, bucket, err));
    const unsigned char *tag = (const unsigned char *)join->tags.data;
    const size_t count = join->tags.bytes / PC_TAG_BYTES;
    for (size_t at = 0;; join->name_slot++) {
        const pc_slot_key *key;
        PC_TRY(peek_name(join, &key, err));
        if (key == NULL || route_bucket_of_hash(join->job, pc_slot_hash(key)) > number) {
            return PC_OK;
        }
        pc_slot_entry entry = {.key = *key};
        pc_slot_tag(key, entry.tag);
        // Both stand in order of the hash, which is the tag's first half.
        while (at < count && memcmp(tag + at * PC_TAG_BYTES, entry.tag, 8) < 0)
            at++;
        bool is_here = false;
        for (size_t i = at; i < count && !is_here; i++) {
            if (memcmp(tag + i * PC_TAG_BYTES, entry.tag, 8) != 0) break;
            is_here = compare_tags(tag + i * PC_TAG_BYTES, entry.tag) == 0;
        }
        if (is_here) PC_TRY(pc_buffer_append(entries, &entry, sizeof entry, err));
    }
}

/** The store's next slot that is not moved; NULL: the shard has no more. */
static pc_status peek(old_join *join, const pc_slot_key **key, pc_error *err)
{
    *key = NULL;
    while (join->reader != NULL) {
        if (join->block == NULL || join->slot == join->block->slot_count) {
            PC_TRY(pc_reader_next(join->reader, &join->block, err));
            join->slot = 0;
            if (join->block->slot_count == 0) {
                pc_reader_close(join->reader);
                join->reader = NULL;
                return PC_OK;
            }
        }
        pc_slot_entry entry = {.key = join->block->slot_key[join->slot]};
        pc_slot_tag(&entry.key, entry.tag);
        if (!old_is_moved(join->job, &entry)) {
            *key = &join->block->slot_key[join->slot];
            return PC_OK;
        }
        join->slot++;
    }
    return PC_OK;
}

// ---- may a slot go on in a new part? -----------------------------------------------------------

/** Whether PERSON speaks of the rows of this table. */
static bool tells_person(const pc_model *model, int table)
{
    if (table == model->person.death_table) return true;
    for (int i = 0; i < model->person.identity_count; i++) {
        if (model->person.identity[i] == table) return true;
    }
    return false;
}

/** The day of a new row as a reader shows it; nulls come last. */
static int64_t day_of(const unsigned char *row)
{
    uint32_t raw;
    memcpy(&raw, row + PC_ROW_DATE, sizeof raw);
    raw = __builtin_bswap32(raw);
    return raw == UINT32_MAX ? INT64_MAX : (int32_t)(raw ^ (UINT32_C(1) << 31));
}

/** Whether new rows of a table and rows of the store have a day in common: their order would be
 *  that of their content then, which a merge by days does not know. */
static pc_status shares_day(old_join *join, const pc_bucket_table *fresh, int64_t at, int64_t end,
                            int table, bool *out, pc_error *err)
{
    const pc_block_table *t = &join->block->table[table];
    const int event_date = join->job->model->table[table].event_date;
    int64_t row = t->offset[join->slot];
    const int64_t rows_end = t->offset[join->slot + 1];
    const pc_column *days = NULL;
    *out = false;
    if (event_date >= 0) PC_TRY(pc_block_column(join->block, table, event_date, &days, err));
    while (row < rows_end && at < end) {
        const bool is_null = days == NULL || days->data == NULL || pc_column_is_null(days, row);
        const int64_t old_day = is_null ? INT64_MAX : pc_column_int(days, row);
        const int64_t new_day = day_of(fresh->sorted[at]);
        if (old_day == new_day) {
            *out = true;
            return PC_OK;
        }
        if (old_day < new_day) {
            row++;
        } else {
            at++;
        }
    }
    return PC_OK;
}

/** Whether the slot has rows of the store that name a parent by `key` but are where they are
 * without it. */
static bool has_linked_rows(const old_join *join, int key)
{
    const pc_model *model = join->job->model;
    for (int t = 0; t < model->table_count; t++) {
        const int64_t *offset = join->block->table[t].offset;
        if (model->table[t].parent_key != key || model->table[t].path == PC_PATH_KEY) continue;
        if (offset != NULL && offset[join->slot] < offset[join->slot + 1]) return true;
    }
    return false;
}

static pc_status table_must_join(old_join *join, const pc_bucket *bucket, int slot, int table,
                                 old_rewrite *out, pc_error *err)
{
    const pc_model_table *about = &join->job->model->table[table];
    const pc_bucket_table *fresh = &bucket->table[table];
    const int64_t from = fresh->offset[slot], to = fresh->offset[slot + 1];
    *out = REWRITE_NOT;
    if (from == to) return PC_OK;
    // PERSON speaks of all identity rows.
    if (tells_person(join->job->model, table)) {
        *out = REWRITE_PERSON;
        return PC_OK;
    }
    // A parent that is not among the new rows stands in the store, or nowhere.
    bool is_parted = false;
    for (int64_t i = from; !is_parted && fresh->parent != NULL && i < to; i++) {
        is_parted =
            fresh->parent[i] < 0 && pc_row_parent_key(fresh->layout, fresh->sorted[i]) != NULL;
    }
    // Rows of the store that find their patient by themselves may have waited for this parent.
    if (is_parted || (about->own_key >= 0 && has_linked_rows(join, about->own_key))) {
        *out = REWRITE_PARENT;
        return PC_OK;
    }
    const int64_t *offset = join->block->table[table].offset;
    if (offset[join->slot] == offset[join->slot + 1]) return PC_OK;
    // Rows with one primary key are counted together, whatever their days.
    if (about->primary_count > 0 && about->own_key < 0 && about->path != PC_PATH_KEY) {
        *out = REWRITE_PRIMARY;
        return PC_OK;
    }
    bool is_shared = false;
    PC_TRY(shares_day(join, fresh, from, to, table, &is_shared, err));
    if (is_shared) *out = REWRITE_DAY;
    return PC_OK;
}

/** Whether the slot, of which the store has rows, must be written again. */
static pc_status must_join(old_join *join, const pc_bucket *bucket, int slot, old_rewrite *out,
                           pc_error *err)
{
    for (int t = 0; *out == REWRITE_NOT && t < join->job->model->table_count; t++) {
        if (!ingest_is_patient_table(&join->job->model->table[t])) continue;
        PC_TRY(table_must_join(join, bucket, slot, t, out, err));
    }
    return PC_OK;
}

/** Whether a row of the slot may look at another row of a reference table now. */
static pc_status looks_elsewhere(old_join *join, old_rewrite *out, pc_error *err)
{
    *out = REWRITE_NOT;
    for (int l = 0; l < join->look_count; l++) {
        const old_look *look = &join->look[l];
        const int64_t *offset = join->block->table[look->table].offset;
        if (offset == NULL || offset[join->slot] == offset[join->slot + 1]) continue;
        const pc_column *column = NULL;
        PC_TRY(pc_block_column(join->block, look->table, look->column, &column, err));
        if (column->data == NULL) continue;
        for (int64_t row = offset[join->slot]; row < offset[join->slot + 1]; row++) {
            if (pc_column_is_null(column, row)) continue;
            const int64_t value = pc_column_int(column, row);
            if (bsearch(&value, look->value, look->count, sizeof value, compare_values) == NULL) {
                continue;
            }
            *out = REWRITE_REFERENCE;
            return PC_OK;
        }
    }
    return PC_OK;
}

// ---- a bucket ---------------------------------------------------------------------------------

static int compare_slots(const pc_slot_key *a, const pc_slot_key *b)
{
    const uint64_t hash_a = pc_slot_hash(a), hash_b = pc_slot_hash(b);
    if (hash_a != hash_b) return hash_a < hash_b ? -1 : 1;
    return memcmp(a->byte, b->byte, sizeof a->byte);
}

static pc_status take_slot(old_join *join, const pc_slot_key *key, old_rewrite why, pc_error *err)
{
    ingest_old *old = join->job->old;
    old->rewritten_slots[why]++;
    for (int t = 0; t < join->job->model->table_count; t++) {
        const int64_t *offset = join->block->table[t].offset;
        if (offset != NULL) {
            old->rewritten_rows[why] += offset[join->slot + 1] - offset[join->slot];
        }
    }
    pc_slot_entry entry = {.key = *key};
    pc_slot_tag(key, entry.tag);
    PC_TRY(old_slot_take(join->job, join->block, join->slot, join->rows, err));
    return pc_buffer_append(&join->taken, &entry, sizeof entry, err);
}

pc_status old_join_bucket(old_join *join, pc_bucket *bucket, int64_t number, pc_error *err)
{
    const ingest_job *job = join->job;
    join->taken_before = (int64_t)(join->taken.bytes / sizeof(pc_slot_entry));
    for (int t = 0; t < job->model->table_count; t++)
        join->rows[t].bytes = 0;
    const size_t slots = (size_t)bucket->slot_count;
    PC_TRY(pc_buffer_reserve(&join->is_continued, slots + 1, err));
    bool *is_continued = (bool *)(void *)join->is_continued.data;
    memset(is_continued, 0, slots + 1);
    bucket->is_continued = is_continued;
    for (int at = 0;; join->slot++) {
        const pc_slot_key *key;
        PC_TRY(peek(join, &key, err));
        if (key == NULL || route_bucket_of_hash(job, pc_slot_hash(key)) > number) return PC_OK;
        while (at < bucket->slot_count && compare_slots(&bucket->slot_key[at], key) < 0)
            at++;
        const bool is_here =
            at < bucket->slot_count && compare_slots(&bucket->slot_key[at], key) == 0;
        old_rewrite why = REWRITE_SHARD;
        if (!join->rewrites_all) PC_TRY(looks_elsewhere(join, &why, err));
        if (is_here && why == REWRITE_NOT) PC_TRY(must_join(join, bucket, at, &why, err));
        if (why != REWRITE_NOT) {
            PC_TRY(take_slot(join, key, why, err));
        } else if (is_here) {
            is_continued[at] = true;
        }
    }
}

pc_status old_join_continue(old_join *join, pc_bucket *bucket, const pc_slot_key *key,
                            size_t key_count, pc_error *err)
{
    const size_t slots = (size_t)bucket->slot_count;
    PC_TRY(pc_buffer_reserve(&join->is_continued, slots + 1, err));
    bool *is_continued = (bool *)(void *)join->is_continued.data;
    memset(is_continued, 0, slots + 1);
    bucket->is_continued = is_continued;
    size_t at = 0;
    for (size_t slot = 0; slot < slots && at < key_count; slot++) {
        is_continued[slot] = memcmp(&bucket->slot_key[slot], &key[at], sizeof *key) == 0;
        at += is_continued[slot];
    }
    return PC_OK;
}

// ---- the end of a shard -----------------------------------------------------------------------

pc_status old_join_end(old_join *join, pc_error *err)
{
    ingest_job *job = join->job;
    int64_t moved_count;
    close_readers(join);
    const pc_slot_entry *moved = old_moved_of_shard(job, join->shard, &moved_count);
    const pc_slot_entry *taken = (const pc_slot_entry *)(const void *)join->taken.data;
    const int64_t taken_count = (int64_t)(join->taken.bytes / sizeof *taken);
    const int64_t count = moved_count + taken_count;
    pc_buffer keys = {.budget = job->budget};
    PC_TRY(pc_buffer_reserve(&keys, (size_t)count * sizeof(pc_slot_key) + 1, err));
    pc_slot_key *key = (pc_slot_key *)(void *)keys.data;
    for (int64_t m = 0, t = 0; m < moved_count || t < taken_count;) {
        const bool is_moved =
            t == taken_count || (m < moved_count && old_compare_entries(&moved[m], &taken[t]) < 0);
        key[m + t] = is_moved ? moved[m].key : taken[t].key;
        if (is_moved) {
            m++;
        } else {
            t++;
        }
    }
    const pc_status status = pc_store_find_slots(job->old->store, (int)join->shard, key, count,
                                                 job->budget, &job->old->hidden, err);
    pc_buffer_release(&keys);
    return status;
}
