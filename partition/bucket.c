/** A bucket arranged: rows by slot, parents sorted, children linked and sorted, duplicates out. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
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
                            pc_arena *arena, slot_table *slots, pc_error *err)
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
    bucket->slot_key = key;
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

static int32_t *key_place(const key_table *keys, const unsigned char *key)
{
    uint64_t at = pc_hash64(key, keys->key_bytes) & keys->mask;
    while (keys->place[at] >= 0 && memcmp(keys->table->sorted[keys->place[at]] + PC_ROW_FIELDS, key,
                                          keys->key_bytes) != 0) {
        at = (at + 1) & keys->mask;
    }
    return &keys->place[at];
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
        int32_t *place = key_place(keys, keys->table->sorted[i] + PC_ROW_FIELDS);
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
    const pc_bucket_table *parent; // NULL: a root
    int own_date;                  // offset of the date in the row, -1: the parent's
    pc_sort_rule rule;
    key_table keys;      // of the parent
    pc_sort_item *item;  // [row_count] grouped by slot
    pc_sort_item *spare; // [most rows of a slot]
} table_job;

/** Groups the rows by slot: offset[slot] .. offset[slot + 1] - 1 of `item`. */
static pc_status group_rows(table_job *job, const slot_table *slots, pc_arena *arena, pc_error *err)
{
    pc_bucket_table *table = job->table;
    const int64_t row_count = table->row_count;
    const int row_bytes = table->layout->row_bytes;
    uint32_t *slot_of = pc_arena_array(arena, (size_t)row_count, sizeof *slot_of, err);
    int64_t *next = pc_arena_array(arena, (size_t)job->bucket->slot_count + 1, sizeof *next, err);
    job->item = pc_arena_array(arena, (size_t)row_count, sizeof *job->item, err);
    if (slot_of == NULL || next == NULL || job->item == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < row_count; i++) {
        const uint32_t place = *slot_place(slots, table->row + i * row_bytes + PC_ROW_TAG);
        if (place == 0) return PC_FAIL(err, PC_BAD_INPUT, "a row's tag has no slot key");
        slot_of[i] = place - 1;
        table->offset[place]++;
    }
    int64_t most = 0;
    for (int i = 0; i < job->bucket->slot_count; i++) {
        if (table->offset[i + 1] > most) most = table->offset[i + 1];
        table->offset[i + 1] += table->offset[i];
        next[i] = table->offset[i];
    }
    for (int64_t i = 0; i < row_count; i++) {
        job->item[next[slot_of[i]]++] = (pc_sort_item){.row = table->row + i * row_bytes};
    }
    job->spare = pc_arena_array(arena, (size_t)most, sizeof *job->spare, err);
    return job->spare == NULL ? PC_NO_MEMORY : PC_OK;
}

/** Gives each row of a slot its parent and its date. */
static void date_rows(table_job *job, pc_sort_item *item, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        unsigned char *row = job->table->row + (item[i].row - job->table->row);
        const unsigned char *key =
            job->parent == NULL ? NULL : pc_row_parent_key(job->table->layout, row);
        item[i].parent = key == NULL ? -1 : *key_place(&job->keys, key);
        if (job->own_date >= 0) {
            memcpy(row + PC_ROW_DATE, row + job->own_date, 4);
        } else if (item[i].parent >= 0) {
            memcpy(row + PC_ROW_DATE, job->parent->sorted[item[i].parent] + PC_ROW_DATE, 4);
        } else {
            memset(row + PC_ROW_DATE, 0xff, 4);
        }
        item[i].prefix = get64(row + PC_ROW_DATE);
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

static pc_status sort_slots(table_job *job, pc_buffer *rejected, pc_error *err)
{
    pc_bucket_table *table = job->table;
    int64_t kept = 0;
    for (int slot = 0; slot < job->bucket->slot_count; slot++) {
        const int64_t from = table->offset[slot];
        pc_sort_item *item = job->item + from;
        int64_t count = table->offset[slot + 1] - from;
        table->offset[slot] = kept;
        if (count == 0) continue;
        if (job->parent != NULL) (void)key_table_fill(&job->keys, slot);
        date_rows(job, item, count);
        pc_sort_items(&job->rule, item, count, job->spare);
        PC_TRY(pc_sort_unique(&job->rule, item, &count, rejected, err));
        // A child's twins in key have one parent, hence one date: they stand side by side.
        if (job->parent != NULL && job->rule.key_bytes > 0) {
            table->key_conflict += adjacent_conflicts(&job->rule, item, count);
        }
        for (int64_t i = 0; i < count; i++, kept++) {
            table->sorted[kept] = item[i].row;
            if (table->parent != NULL) table->parent[kept] = item[i].parent;
        }
    }
    table->offset[job->bucket->slot_count] = kept;
    table->kept_count = kept;
    return PC_OK;
}

static pc_status count_root_conflicts(table_job *job, pc_arena *arena, pc_error *err)
{
    if (job->parent != NULL || job->rule.key_bytes == 0) return PC_OK;
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
    table_job job = {.bucket = bucket, .table = table, .own_date = -1};
    job.rule = pc_sort_rule_of(bucket->model, table->layout);
    if (model_table->own_date >= 0) {
        const int field = table->layout->field_of_column[model_table->own_date];
        if (field >= 0) job.own_date = table->layout->field[field].offset;
    }
    const pc_arena_mark mark = pc_arena_now(arena);
    pc_status status = group_rows(&job, slots, arena, err);
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

pc_status pc_bucket_arrange(pc_bucket *bucket, pc_slot_entry *entry, int64_t entry_count,
                            pc_arena *arena, pc_buffer *rejected, pc_error *err)
{
    slot_table slots = {0};
    PC_TRY(make_slots(bucket, entry, entry_count, arena, &slots, err));
    // Parents first: a parent is never itself a child.
    for (int is_child = 0; is_child < 2; is_child++) {
        for (int t = 0; t < bucket->model->table_count; t++) {
            const pc_model_table *table = &bucket->model->table[t];
            if (table->path == PC_PATH_NONE || table->path == PC_PATH_PERSON) continue;
            if ((table->parent_key >= 0) != (is_child == 1)) continue;
            PC_TRY(arrange_table(bucket, t, &slots, arena, &rejected[t], err));
        }
    }
    return PC_OK;
}
