/** A bucket arranged: rows by slot, parents sorted, children linked and sorted, duplicates out. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "bucket_screen.h"
#include "bucket_sort.h"

void pc_slot_tag(const pc_slot_key *key, unsigned char tag[PC_TAG_BYTES])
{
    // The second hash is one of other bytes: the key behind a byte that no kind of slot has.
    unsigned char again[1 + PC_SLOT_KEY_BYTES];
    again[0] = 0xff;
    memcpy(again + 1, key->byte, PC_SLOT_KEY_BYTES);
    const uint64_t first = __builtin_bswap64(pc_slot_hash(key));
    const uint64_t second = __builtin_bswap64(pc_hash64(again, sizeof again));
    memcpy(tag, &first, 8);
    memcpy(tag + 8, &second, 8);
}

const unsigned char *pc_row_parent_key(const pc_row_layout *layout, const unsigned char *row)
{
    const int end = PC_ROW_FIELDS + layout->parent_bytes;
    for (int i = 0; i < layout->field_count && layout->field[i].offset < end; i++) {
        if (pc_row_is_null(&layout->field[i], row)) return NULL;
    }
    return row + PC_ROW_FIELDS;
}

// ---- slots ------------------------------------------------------------------------------------

/** Finds the slot of a tag: open addressing on its second half (the first is alike in a bucket). */
typedef struct slot_table {
    const pc_slot_entry *entry; // [slot_count] in the order of the store
    uint32_t *place;            // [mask + 1] slot + 1, 0: free
    uint64_t mask;
} slot_table;

static int compare_entries(const void *a, const void *b)
{
    const pc_slot_entry *x = a, *y = b;
    const int order = memcmp(x->tag, y->tag, 8);
    return order != 0 ? order : memcmp(x->key.byte, y->key.byte, PC_SLOT_KEY_BYTES);
}

static uint32_t *slot_place(const slot_table *slots, const unsigned char *tag)
{
    uint64_t at = get64(tag + 8) & slots->mask;
    while (slots->place[at] != 0 &&
           memcmp(slots->entry[slots->place[at] - 1].tag, tag, PC_TAG_BYTES) != 0) {
        at = (at + 1) & slots->mask;
    }
    return &slots->place[at];
}

static pc_status make_slots(pc_bucket *bucket, pc_slot_entry *entry, int64_t entry_count,
                            pc_arena *arena, slot_table *slots, pc_slot_key **key_out,
                            pc_error *err)
{
    if (entry_count > 0) qsort(entry, (size_t)entry_count, sizeof *entry, compare_entries);
    int64_t count = 0;
    for (int64_t i = 0; i < entry_count; i++) {
        if (count == 0 || compare_entries(&entry[count - 1], &entry[i]) != 0) {
            entry[count++] = entry[i];
        }
    }
    if (count >= INT32_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "a bucket of %lld slots is too large: use more shards",
                       (long long)count);
    }
    *slots = (slot_table){.entry = entry, .mask = 15};
    while (slots->mask < 2 * (uint64_t)count)
        slots->mask = 2 * slots->mask + 1;
    slots->place = pc_arena_array(arena, (size_t)slots->mask + 1, sizeof *slots->place, err);
    pc_slot_key *key = pc_arena_array(arena, (size_t)count, sizeof *key, err);
    if (slots->place == NULL || key == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < count; i++) {
        uint32_t *place = slot_place(slots, entry[i].tag);
        if (*place != 0) return PC_FAIL(err, PC_BAD_INPUT, "two slots have the same 128-bit tag");
        *place = (uint32_t)i + 1;
        key[i] = entry[i].key;
    }
    bucket->slot_count = (int)count;
    bucket->slot_key = *key_out = key;
    return PC_OK;
}

// ---- parents' keys of one slot ----------------------------------------------------------------

/** Parents of one slot by their key. */
typedef struct key_table {
    const pc_bucket_table *table;
    size_t key_bytes;
    int32_t *place; // [mask + 1] position in table->sorted, -1: free
    uint64_t mask;
    uint64_t capacity; // entries of `place`
} key_table;

static pc_status key_table_make(const pc_bucket *bucket, const pc_bucket_table *table,
                                pc_arena *arena, key_table *out, pc_error *err)
{
    int64_t most = 0;
    for (int i = 0; i < bucket->slot_count; i++) {
        const int64_t count = table->offset[i + 1] - table->offset[i];
        if (count > most) most = count;
    }
    *out = (key_table){.table = table, .key_bytes = (size_t)table->layout->key_bytes};
    out->capacity = 16;
    while (out->capacity < 2 * (uint64_t)most)
        out->capacity *= 2;
    out->place = pc_arena_array(arena, (size_t)out->capacity, sizeof *out->place, err);
    return out->place == NULL ? PC_NO_MEMORY : PC_OK;
}

static uint32_t hash_of_key(const unsigned char *key, size_t bytes)
{
    return (uint32_t)pc_hash64(key, bytes);
}

static int32_t *key_place(const key_table *keys, const unsigned char *key, uint32_t hash)
{
    const pc_bucket_table *table = keys->table;
    for (uint64_t at = hash & keys->mask;; at = (at + 1) & keys->mask) {
        const int32_t there = keys->place[at];
        if (there < 0) return &keys->place[at];
        if (table->key_hash[there] != hash) continue;
        if (memcmp(table->sorted[there] + PC_ROW_FIELDS, key, keys->key_bytes) == 0) {
            return &keys->place[at];
        }
    }
}

/** Fills the table with the rows of a slot; of rows with one key the first stays.
 *  @return how many rows have the key of an earlier one */
static int64_t key_table_fill(key_table *keys, int slot)
{
    const int64_t from = keys->table->offset[slot], to = keys->table->offset[slot + 1];
    keys->mask = 15;
    while (keys->mask < 2 * (uint64_t)(to - from))
        keys->mask = 2 * keys->mask + 1;
    if (keys->mask >= keys->capacity) keys->mask = keys->capacity - 1;
    memset(keys->place, 0xff, (size_t)(keys->mask + 1) * sizeof *keys->place);
    int64_t conflict_count = 0;
    for (int64_t i = from; i < to; i++) {
        int32_t *place =
            key_place(keys, keys->table->sorted[i] + PC_ROW_FIELDS, keys->table->key_hash[i]);
        if (*place < 0) {
            *place = (int32_t)i;
        } else {
            conflict_count++;
        }
    }
    return conflict_count;
}

// ---- one table --------------------------------------------------------------------------------

typedef struct table_job {
    pc_bucket *bucket;
    pc_bucket_table *table;
    bool is_child;
    const pc_bucket_table *parent; // NULL: a root, or no parent row is in the bucket
    int own_date;                  // offset of the date in the row, -1: the parent's
    int64_t most;                  // rows of the largest slot
    pc_sort_rule rule;
    pc_screen screen;
    key_table keys;         // of the parent
    unsigned char *grouped; // the rows, those of a slot side by side
    pc_sort_item *item;     // [most rows of a slot]
    pc_sort_item *spare;    // the same
} table_job;

/** The slot of each row; counts them in offset[slot + 1]. Neighbours often are of one slot. */
static pc_status find_slots(table_job *job, const slot_table *slots, uint32_t *slot_of,
                            pc_error *err)
{
    pc_bucket_table *table = job->table;
    const int row_bytes = table->layout->row_bytes;
    uint32_t place = 0;
    for (int64_t i = 0; i < table->row_count; i++) {
        const unsigned char *tag = table->row + i * row_bytes + PC_ROW_TAG;
        if (i == 0 || memcmp(tag, tag - row_bytes, PC_TAG_BYTES) != 0) {
            place = *slot_place(slots, tag);
            if (place == 0) return PC_FAIL(err, PC_BAD_INPUT, "a row's tag has no slot key");
        }
        slot_of[i] = place - 1;
        table->offset[place]++;
    }
    return PC_OK;
}

/** Copies the rows by slot: offset[slot] .. offset[slot + 1] - 1 of `grouped`. What follows looks
 *  at the rows of one slot again and again, so they should share lines of cache. */
static pc_status group_rows(table_job *job, const slot_table *slots, pc_arena *arena, pc_error *err)
{
    pc_bucket_table *table = job->table;
    const int64_t row_count = table->row_count;
    const size_t row_bytes = (size_t)table->layout->row_bytes;
    const int slot_count = job->bucket->slot_count;
    const pc_arena_mark mark = pc_arena_now(arena);
    uint32_t *slot_of = pc_arena_raw(arena, (size_t)row_count * sizeof *slot_of, err);
    int64_t *next = pc_arena_array(arena, (size_t)slot_count + 1, sizeof *next, err);
    if (slot_of == NULL || next == NULL) return PC_NO_MEMORY;
    PC_TRY(find_slots(job, slots, slot_of, err));
    for (int i = 0; i < slot_count; i++) {
        if (table->offset[i + 1] > job->most) job->most = table->offset[i + 1];
        table->offset[i + 1] += table->offset[i];
        next[i] = table->offset[i];
    }
    for (int64_t i = 0; i < row_count; i++) {
        memcpy(job->grouped + (size_t)next[slot_of[i]]++ * row_bytes,
               table->row + (size_t)i * row_bytes, row_bytes);
    }
    pc_arena_rewind(arena, mark);
    return PC_OK;
}

static pc_status make_items(table_job *job, pc_arena *arena, pc_error *err)
{
    job->item = pc_arena_array(arena, (size_t)job->most, sizeof *job->item, err);
    job->spare = pc_arena_array(arena, (size_t)job->most, sizeof *job->spare, err);
    return job->item == NULL || job->spare == NULL ? PC_NO_MEMORY : PC_OK;
}

/** Gives each row of a slot its parent and its date. */
static void date_rows(table_job *job, unsigned char *row, int64_t count)
{
    const pc_row_layout *layout = job->table->layout;
    for (int64_t i = 0; i < count; i++, row += layout->row_bytes) {
        pc_sort_item *item = &job->item[i];
        const unsigned char *key = job->parent == NULL ? NULL : pc_row_parent_key(layout, row);
        *item = (pc_sort_item){.row = row, .parent = -1};
        if (key != NULL) {
            item->parent =
                *key_place(&job->keys, key, hash_of_key(key, (size_t)layout->parent_bytes));
        }
        if (job->own_date >= 0) {
            memcpy(row + PC_ROW_DATE, row + job->own_date, 4);
        } else if (item->parent >= 0) {
            memcpy(row + PC_ROW_DATE, job->parent->sorted[item->parent] + PC_ROW_DATE, 4);
        } else {
            memset(row + PC_ROW_DATE, 0xff, 4);
        }
        item->prefix = get64(row + PC_ROW_DATE);
    }
}

static int64_t adjacent_conflicts(const pc_sort_rule *rule, const pc_sort_item *item, int64_t count)
{
    int64_t conflict_count = 0;
    for (int64_t i = 1; i < count; i++) {
        conflict_count += memcmp(item[i].row + PC_ROW_FIELDS, item[i - 1].row + PC_ROW_FIELDS,
                                 (size_t)rule->key_bytes) == 0;
    }
    return conflict_count;
}

/** What a slot's sorted rows leave in the table. */
static void keep_rows(table_job *job, int64_t kept, int64_t count)
{
    pc_bucket_table *table = job->table;
    for (int64_t i = 0; i < count; i++, kept++) {
        table->sorted[kept] = job->item[i].row;
        if (table->parent != NULL) table->parent[kept] = job->item[i].parent;
        if (table->key_hash == NULL) continue;
        table->key_hash[kept] =
            hash_of_key(job->item[i].row + PC_ROW_FIELDS, (size_t)table->layout->key_bytes);
    }
}

static pc_status sort_slots(table_job *job, pc_buffer *rejected, pc_error *err)
{
    pc_bucket_table *table = job->table;
    int64_t kept = 0;
    for (int slot = 0; slot < job->bucket->slot_count; slot++) {
        const int64_t from = table->offset[slot];
        int64_t count = table->offset[slot + 1] - from;
        table->offset[slot] = kept;
        if (count == 0) continue;
        if (job->parent != NULL) (void)key_table_fill(&job->keys, slot);
        date_rows(job, job->grouped + from * table->layout->row_bytes, count);
        pc_sort_items(&job->rule, job->item, count, job->spare);
        PC_TRY(pc_sort_unique(&job->rule, job->item, &count, rejected, err));
        if (!pc_screen_is_open(&job->screen)) {
            const pc_slot_kind kind = (pc_slot_kind)job->bucket->slot_key[slot].byte[0];
            PC_TRY(pc_screen_rows(&job->screen, kind, job->item, &count, rejected, err));
        }
        // A child's twins in key have one parent or none, hence one date: they stand side by side.
        if (job->is_child && job->rule.key_bytes > 0) {
            table->key_conflict += adjacent_conflicts(&job->rule, job->item, count);
        }
        keep_rows(job, kept, count);
        kept += count;
    }
    table->offset[job->bucket->slot_count] = kept;
    table->kept_count = kept;
    return PC_OK;
}

static pc_status count_root_conflicts(table_job *job, pc_arena *arena, pc_error *err)
{
    if (job->is_child || job->rule.key_bytes == 0) return PC_OK;
    key_table keys;
    PC_TRY(key_table_make(job->bucket, job->table, arena, &keys, err));
    for (int slot = 0; slot < job->bucket->slot_count; slot++) {
        if (job->table->offset[slot + 1] - job->table->offset[slot] > 1) {
            job->table->key_conflict += key_table_fill(&keys, slot);
        }
    }
    return PC_OK;
}

/** The table whose rows are parents of those of `table`, or -1. */
static int parent_of(const pc_model *model, int table)
{
    const int key = model->table[table].parent_key;
    return key < 0 ? -1 : model->key[key].table;
}

static pc_status arrange_table(pc_bucket *bucket, int index, const slot_table *slots,
                               pc_arena *arena, pc_buffer *rejected, pc_error *err)
{
    pc_bucket_table *table = &bucket->table[index];
    const pc_model_table *model_table = &bucket->model->table[index];
    if (table->row_count >= INT32_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "%s: a bucket of %lld rows is too large: use more shards",
                       model_table->name, (long long)table->row_count);
    }
    table->offset =
        pc_arena_array(arena, (size_t)bucket->slot_count + 1, sizeof *table->offset, err);
    table->sorted = pc_arena_array(arena, (size_t)table->row_count, sizeof *table->sorted, err);
    if (table->offset == NULL || table->sorted == NULL) return PC_NO_MEMORY;
    if (model_table->parent_key >= 0) {
        table->parent = pc_arena_array(arena, (size_t)table->row_count, sizeof *table->parent, err);
        if (table->parent == NULL) return PC_NO_MEMORY;
    }
    if (table->row_count == 0) return PC_OK;
    const size_t row_count = (size_t)table->row_count;
    table_job job = {.bucket = bucket,
                     .table = table,
                     .is_child = model_table->path == PC_PATH_KEY,
                     .own_date = -1};
    job.grouped = pc_arena_raw(arena, row_count * (size_t)table->layout->row_bytes, err);
    if (job.grouped == NULL) return PC_NO_MEMORY;
    if (!job.is_child && table->layout->key_bytes > 0) {
        table->key_hash = pc_arena_raw(arena, row_count * sizeof *table->key_hash, err);
        if (table->key_hash == NULL) return PC_NO_MEMORY;
    }
    job.rule = pc_sort_rule_of(bucket->model, table->layout);
    job.screen = pc_screen_of(bucket->model, table->layout, bucket->first_file);
    if (model_table->own_date >= 0) {
        const int field = table->layout->field_of_column[model_table->own_date];
        if (field >= 0) job.own_date = table->layout->field[field].offset;
    }
    const pc_arena_mark mark = pc_arena_now(arena);
    pc_status status = group_rows(&job, slots, arena, err);
    if (status == PC_OK) status = make_items(&job, arena, err);
    const int parent = parent_of(bucket->model, index);
    if (status == PC_OK && parent >= 0 && bucket->table[parent].row_count > 0) {
        job.parent = &bucket->table[parent];
        status = key_table_make(bucket, job.parent, arena, &job.keys, err);
    }
    if (status == PC_OK) status = sort_slots(&job, rejected, err);
    if (status == PC_OK) status = count_root_conflicts(&job, arena, err);
    pc_arena_rewind(arena, mark);
    return status;
}

static bool has_rows(const pc_bucket *bucket, int slot)
{
    for (int t = 0; t < bucket->model->table_count; t++) {
        const int64_t *offset = bucket->table[t].offset;
        if (offset != NULL && offset[slot] < offset[slot + 1]) return true;
    }
    return false;
}

/** Takes out slots whose rows were all rejected: nobody is known by them. */
static void drop_empty_slots(pc_bucket *bucket, pc_slot_key *key)
{
    int kept = 0;
    for (int slot = 0; slot < bucket->slot_count; slot++) {
        if (!has_rows(bucket, slot)) continue;
        key[kept++] = key[slot];
        for (int t = 0; t < bucket->model->table_count; t++) {
            int64_t *offset = bucket->table[t].offset;
            if (offset != NULL) offset[kept] = offset[slot + 1];
        }
    }
    bucket->slot_count = kept;
}

static bool has_screens(const pc_model *model)
{
    for (int t = 0; t < model->table_count; t++) {
        if (model->table[t].needs_person || model->table[t].disjoint) return true;
    }
    return false;
}

pc_status pc_bucket_arrange(pc_bucket *bucket, pc_slot_entry *entry, int64_t entry_count,
                            pc_arena *arena, pc_buffer *rejected, pc_error *err)
{
    slot_table slots = {0};
    pc_slot_key *key = NULL;
    PC_TRY(make_slots(bucket, entry, entry_count, arena, &slots, &key, err));
    // Parents first: a parent is never itself a child.
    for (int is_child = 0; is_child < 2; is_child++) {
        for (int t = 0; t < bucket->model->table_count; t++) {
            const pc_model_table *table = &bucket->model->table[t];
            if (table->path == PC_PATH_NONE || table->path == PC_PATH_PERSON) continue;
            if ((table->parent_key >= 0) != (is_child == 1)) continue;
            PC_TRY(arrange_table(bucket, t, &slots, arena, &rejected[t], err));
        }
    }
    if (has_screens(bucket->model)) drop_empty_slots(bucket, key);
    return PC_OK;
}
