/** Slots of the store whose rows may belong elsewhere now: their rows are taken out and resolved
 *  again with the delivery's.
 *
 *  - unresolved pairs and persons that the new identity rows know, persons whose pairs changed
 * hands (identity.c lists both in old->affected), ambiguous rows when a pseudonym has one person
 * left;
 *  - orphans whose parent comes now;
 *  - slots with rows of files that are replaced;
 *  - slots with a parent row whose key comes again, or with a row of path SAME whose values a row
 *    that it asks has now, until there is no other.
 *
 *  Taking a slot out that could have stayed is no error: resolved again, its rows come back. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "resolver.h"

enum { MOVE_BLOCK_ROWS = 16384, MOST_LOOSE = 1 << 20 };

typedef struct movers {
    resolver *r;
    ingest_job *job;
    pc_buffer found;         // pc_slot_entry, of any shard, not sent yet
    pc_buffer fresh;         // pc_slot_entry of this rank's shards, not taken out yet
    pc_buffer *rows;         // [table_count] of a slot
    int64_t *conflict_count; // [key_count] of the moved rows' keys in the store, on this rank
} movers;

// ---- slots that are found ---------------------------------------------------------------------

/** Found slots to the ranks of their shards, new ones into `fresh`, in order. Collective. */
static pc_status send_found(movers *m, pc_status status, int64_t *fresh_count, pc_error *err)
{
    ingest_job *job = m->job;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    scatter out = {0};
    if (status == PC_OK) {
        status =
            scatter_init(&out, job->comm, sizeof(pc_slot_entry), &job->arena, job->budget, err);
    }
    const pc_slot_entry *found = (const pc_slot_entry *)(const void *)m->found.data;
    for (size_t i = 0; status == PC_OK && i < m->found.bytes / sizeof *found; i++) {
        const uint32_t shard = pc_slot_shard(pc_slot_hash(&found[i].key), job->shard_count);
        unsigned char *copy = scatter_add(&out, route_owner(job, shard), err);
        if (copy == NULL) {
            status = PC_NO_MEMORY;
        } else {
            memcpy(copy, &found[i], sizeof *found);
        }
    }
    m->found.bytes = 0;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = scatter_send(&out, err);
    pc_buffer *fresh = &m->fresh;
    fresh->bytes = 0;
    if (status == PC_OK) {
        const pc_buffer *own = &out.to[out.rank];
        status = pc_buffer_append(fresh, own->data, own->bytes, err);
        if (status == PC_OK) status = pc_buffer_append(fresh, out.in.data, out.in.bytes, err);
    }
    scatter_release(&out);
    pc_arena_rewind(&job->arena, mark);
    pc_slot_entry *entry = (pc_slot_entry *)(void *)fresh->data;
    size_t count = status == PC_OK ? fresh->bytes / sizeof *entry : 0, kept = 0;
    if (count > 0) qsort(entry, count, sizeof *entry, old_compare_entries);
    for (size_t i = 0; i < count; i++) {
        const bool is_twin = kept > 0 && old_compare_entries(&entry[kept - 1], &entry[i]) == 0;
        if (!is_twin && !old_is_moved(job, &entry[i])) entry[kept++] = entry[i];
    }
    fresh->bytes = kept * sizeof *entry;
    *fresh_count = (int64_t)kept;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) pc_comm_sum_int64(job->comm, fresh_count, 1);
    return status;
}

static pc_status add_found(movers *m, const pc_slot_key *key, pc_error *err)
{
    pc_slot_entry entry = {.key = *key};
    pc_slot_tag(key, entry.tag);
    return pc_buffer_append(&m->found, &entry, sizeof entry, err);
}

static bool slot_has_gone_row(const ingest_job *job, const uint16_t *file, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        if (file[i] < job->old->file_count && job->old->is_replaced[file[i]]) return true;
    }
    return false;
}

/** Slots with rows of replaced files. Local. */
static pc_status find_replaced(movers *m, pc_error *err)
{
    ingest_job *job = m->job;
    old_scan scan = {0};
    if (!job->old->replaces) return PC_OK;
    pc_status status = old_scan_open(&scan, job, -1, MOVE_BLOCK_ROWS, err);
    for (pc_block *block = NULL; status == PC_OK;) {
        status = old_scan_next(&scan, &block, err);
        if (status != PC_OK || block->slot_count == 0) break;
        for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
            const pc_block_table *table = &block->table[t];
            const uint16_t *file = NULL;
            if (table->offset == NULL || table->row_count == 0) continue;
            status = pc_block_file(block, t, &file, err);
            for (int s = 0; status == PC_OK && file != NULL && s < block->slot_count; s++) {
                if (slot_has_gone_row(job, file, table->offset[s], table->offset[s + 1])) {
                    status = add_found(m, &block->slot_key[s], err);
                }
            }
        }
    }
    old_scan_close(&scan);
    return status;
}

// ---- slots that the delivery may empty ---------------------------------------------------------

/** The tags of the store's slots of pairs and orphans, over all ranks. */
static pc_status put_loose(movers *m, keymap *loose, int64_t *loose_count, pc_error *err)
{
    ingest_job *job = m->job;
    old_scan scan = {0};
    pc_buffer tags = {.budget = job->budget};
    pc_status status = old_scan_open(&scan, job, -2, 0, err);
    status = pc_comm_agree(job->comm, status, err);
    *loose_count = 0;
    // Of the rows that left a row of path SAME ambiguous some may be replaced.
    const bool moves_ambiguous = job->old->moves_ambiguous || job->old->replaces;
    for (int64_t more = 1; status == PC_OK && more > 0;) {
        pc_block *block = &scan.none;
        tags.bytes = 0;
        status = old_scan_next(&scan, &block, err);
        for (int s = 0; status == PC_OK && s < block->slot_count; s++) {
            const char kind = block->slot_key[s].byte[0];
            unsigned char tag[PC_TAG_BYTES];
            if (kind == PC_SLOT_AMBIGUOUS && moves_ambiguous) {
                status = add_found(m, &block->slot_key[s], err);
            }
            if (kind != PC_SLOT_UNRESOLVED && kind != PC_SLOT_ORPHAN) continue;
            pc_slot_tag(&block->slot_key[s], tag);
            if (status == PC_OK) status = pc_buffer_append(&tags, tag, sizeof tag, err);
            ++*loose_count;
        }
        more = block->slot_count;
        const unsigned char *tag = (const unsigned char *)tags.data;
        status = keymap_put(loose, status, tag, tag, PC_TAG_BYTES,
                            (int64_t)(tags.bytes / PC_TAG_BYTES), err);
        pc_comm_max_int64(job->comm, &more, 1);
    }
    if (status == PC_OK) pc_comm_sum_int64(job->comm, loose_count, 1);
    old_scan_close(&scan);
    pc_buffer_release(&tags);
    return status;
}

/** Which of these entries the store has. Persons are taken as they are: there are few. Collective.
 */
static pc_status ask_loose(movers *m, keymap *loose, pc_status status, const pc_slot_entry *entry,
                           int64_t count, pc_error *err)
{
    resolver *r = m->r;
    r->ask[0].bytes = 0;
    for (int64_t i = 0; status == PC_OK && i < count; i++) {
        status = pc_buffer_append(&r->ask[0], entry[i].tag, PC_TAG_BYTES, err);
    }
    if (status == PC_OK) {
        status = pc_buffer_reserve(&r->tag[0], (size_t)count * PC_TAG_BYTES + 1, err);
    }
    if (status == PC_OK) status = pc_buffer_reserve(&r->found[0], (size_t)count + 1, err);
    status = keymap_get(loose, status, (const unsigned char *)r->ask[0].data, count,
                        (unsigned char *)r->tag[0].data, (bool *)(void *)r->found[0].data, err);
    const bool *found = (const bool *)(const void *)r->found[0].data;
    for (int64_t i = 0; status == PC_OK && i < count; i++) {
        if (!found[i] && entry[i].key.byte[0] != PC_SLOT_RESOLVED) continue;
        status = pc_buffer_append(&m->found, &entry[i], sizeof entry[i], err);
    }
    return pc_comm_agree(m->job->comm, status, err);
}

/** The slots that identity.c listed. */
static pc_status ask_affected(movers *m, keymap *loose, pc_error *err)
{
    const pc_buffer *affected = &m->job->old->affected;
    const int64_t all = (int64_t)(affected->bytes / sizeof(pc_slot_entry));
    int64_t rounds = (all + MOST_LOOSE - 1) / MOST_LOOSE;
    pc_comm_max_int64(m->job->comm, &rounds, 1);
    pc_status status = PC_OK;
    for (int64_t round = 0; status == PC_OK && round < rounds; round++) {
        const int64_t from = round * MOST_LOOSE < all ? round * MOST_LOOSE : all;
        const int64_t count = all - from < MOST_LOOSE ? all - from : MOST_LOOSE;
        const pc_slot_entry *entry = (const pc_slot_entry *)(const void *)affected->data;
        status = ask_loose(m, loose, PC_OK, entry == NULL ? NULL : entry + from, count, err);
    }
    return status;
}

/** The orphans' slots that new parent rows of a key would empty. */
static pc_status ask_orphans(movers *m, keymap *loose, int table, pc_error *err)
{
    ingest_job *job = m->job;
    row_rounds rounds = {.table = table};
    pc_buffer entries = {.budget = job->budget};
    pc_status status = PC_OK;
    for (;;) {
        int64_t row_count = 0;
        bool is_done = false;
        status = resolver_next(m->r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) break;
        const unsigned char *row = (const unsigned char *)m->r->rows.data;
        entries.bytes = 0;
        for (int64_t i = 0; status == PC_OK && i < row_count; i++) {
            pc_slot_entry entry;
            slot_of_nobody(job, table, row, PC_SLOT_ORPHAN, &entry);
            status = pc_buffer_append(&entries, &entry, sizeof entry, err);
            row += job->table[table].layout->row_bytes;
        }
        status = ask_loose(m, loose, status, (const pc_slot_entry *)(const void *)entries.data,
                           (int64_t)(entries.bytes / sizeof(pc_slot_entry)), err);
        if (status != PC_OK) break;
    }
    pc_buffer_release(&entries);
    return status;
}

static pc_status find_loose(movers *m, pc_error *err)
{
    ingest_job *job = m->job;
    keymap loose;
    int64_t loose_count = 0;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    pc_status status = keymap_init(&loose, job->comm, PC_TAG_BYTES, &job->arena, job->budget, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = put_loose(m, &loose, &loose_count, err);
    if (status == PC_OK) status = ask_affected(m, &loose, err);
    for (int k = 0; status == PC_OK && loose_count > 0 && k < job->model->key_count; k++) {
        const int table = job->model->key[k].table;
        if (job->table[table].all_rows > 0) status = ask_orphans(m, &loose, table, err);
    }
    keymap_release(&loose);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

// ---- rows that are taken out ------------------------------------------------------------------

static pc_status keep_moved(movers *m, pc_error *err)
{
    ingest_job *job = m->job;
    for (int t = 0; t < job->model->table_count; t++) {
        if (m->rows[t].bytes == 0) continue;
        ingest_table *table = &job->table[t];
        const int row_bytes = table->layout->row_bytes;
        const unsigned char *row = (const unsigned char *)m->rows[t].data;
        const int64_t count = (int64_t)m->rows[t].bytes / row_bytes;
        if (table->moved == NULL) {
            PC_TRY(
                pc_spool_open(job->read_pool, row_bytes, PC_SPOOL_BLOCK_BYTES, &table->moved, err));
        }
        PC_TRY(pc_spool_append(table->moved, row, count, err));
        old_note_keys(job, t, row, count);
        m->rows[t].bytes = 0;
    }
    return PC_OK;
}

static pc_status take_block(movers *m, pc_block *block, const pc_slot_entry *fresh, int64_t count,
                            int64_t *at, pc_error *err)
{
    for (int s = 0; s < block->slot_count; s++) {
        pc_slot_entry entry = {.key = block->slot_key[s]};
        pc_slot_tag(&entry.key, entry.tag);
        while (*at < count && old_compare_entries(&fresh[*at], &entry) < 0)
            ++*at;
        if (*at == count) break;
        if (old_compare_entries(&fresh[*at], &entry) != 0) continue;
        PC_TRY(old_slot_take(m->job, block, s, m->rows, err));
        PC_TRY(keep_moved(m, err));
        PC_TRY(pc_buffer_append(&m->job->old->moved, &entry, sizeof entry, err));
    }
    return PC_OK;
}

/** Takes the rows of `fresh` slots out of the store: they are moved slots from now on. Local. */
static pc_status take_fresh(movers *m, pc_error *err)
{
    ingest_job *job = m->job;
    const pc_slot_entry *fresh = (const pc_slot_entry *)(const void *)m->fresh.data;
    const int64_t count = (int64_t)(m->fresh.bytes / sizeof *fresh);
    int64_t at = 0;
    old_scan scan = {0};
    PC_TRY(old_scan_open(&scan, job, -1, MOVE_BLOCK_ROWS, err));
    pc_status status = PC_OK;
    while (status == PC_OK && at < count) {
        const uint32_t shard = pc_slot_shard(pc_slot_hash(&fresh[at].key), job->shard_count);
        if (scan.reader == NULL) scan.shard = shard; // those without a moved slot are passed over
        pc_block *block = NULL;
        status = old_scan_next(&scan, &block, err);
        if (status != PC_OK || block->slot_count == 0) break;
        status = take_block(m, block, fresh, count, &at, err);
        if (at < count &&
            pc_slot_shard(pc_slot_hash(&fresh[at].key), job->shard_count) != scan.shard) {
            old_scan_close(&scan);
        }
    }
    old_scan_close(&scan);
    pc_buffer *moved = &job->old->moved;
    if (moved->bytes > 0) {
        qsort(moved->data, moved->bytes / sizeof(pc_slot_entry), sizeof(pc_slot_entry),
              old_compare_entries);
    }
    return status;
}

// ---- keys that come again ---------------------------------------------------------------------

/** Slots of the store with a parent row of one of the keys in the map. */
static pc_status find_again(movers *m, int table, const key_passes *passes, keymap *map,
                            pc_error *err)
{
    ingest_job *job = m->job;
    resolver *r = m->r;
    const int key_bytes = job->table[table].layout->key_bytes;
    const size_t stride = (size_t)key_bytes + PC_TAG_BYTES;
    old_keys keys;
    pc_slot_entry last = {0}; // neighbours are often of one slot
    pc_status status = pc_comm_agree(job->comm, old_keys_open(&keys, job, table, err), err);
    while (status == PC_OK) {
        bool is_done = false;
        status = old_keys_next(&keys, &is_done, err);
        if (status != PC_OK || is_done) break;
        const pc_slot_entry *entry = (const pc_slot_entry *)(const void *)keys.entries.data;
        r->ask[0].bytes = 0;
        r->want.bytes = 0;
        for (int64_t i = 0; status == PC_OK && i < keys.count; i++) {
            const unsigned char *key = (const unsigned char *)keys.keys.data + (size_t)i * stride;
            const key_print print = print_of(key, key_bytes);
            if (pass_of(passes, &print) != passes->at) continue;
            status = pc_buffer_append(&r->ask[0], &print, sizeof print, err);
            if (status == PC_OK) status = pc_buffer_append(&r->want, &i, sizeof i, err);
        }
        const int64_t *number = (const int64_t *)(const void *)r->want.data;
        const size_t count = r->want.bytes / sizeof *number;
        if (status == PC_OK) status = pc_buffer_reserve(&r->tag[0], count * PC_TAG_BYTES + 1, err);
        if (status == PC_OK) status = pc_buffer_reserve(&r->found[0], count + 1, err);
        status = keymap_get(map, status, (const unsigned char *)r->ask[0].data, (int64_t)count,
                            (unsigned char *)r->tag[0].data, (bool *)(void *)r->found[0].data, err);
        const bool *found = (const bool *)(const void *)r->found[0].data;
        for (size_t i = 0; status == PC_OK && i < count; i++) {
            const pc_slot_entry *slot = &entry[number[i]];
            if (!found[i] || memcmp(&last, slot, sizeof last) == 0) continue;
            status = pc_buffer_append(&m->found, slot, sizeof *slot, err);
            last = *slot;
        }
        status = pc_comm_agree(job->comm, status, err);
    }
    old_keys_close(&keys);
    return status;
}

/** Keys of the parent rows of a pass that `rounds` reads. */
static pc_status put_pass(movers *m, row_rounds rounds, key_passes *passes, pc_error *err)
{
    for (;;) {
        int64_t row_count = 0;
        bool is_done = false;
        pc_status status = resolver_next(m->r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) return status;
        status = put_keys(m->r, passes, rounds.table, row_count, err);
        if (status != PC_OK) return status;
    }
}

/** The keys of all parent rows that are resolved now, in passes, against those of the store. */
static pc_status find_key_again(movers *m, int k, pc_error *err)
{
    ingest_job *job = m->job;
    const int table = job->model->key[k].table;
    const int key_bytes = sizeof(key_print);
    key_passes passes = {.count = choose_passes(job, job->table[table].all_rows)};
    pc_status status = PC_OK;
    m->conflict_count[k] = 0;
    for (; status == PC_OK && passes.at < passes.count; passes.at++) {
        const pc_arena_mark mark = pc_arena_now(&job->arena);
        status = keymap_init(&passes.map, job->comm, key_bytes, &job->arena, job->budget, err);
        status = pc_comm_agree(job->comm, status, err);
        // The store's rows first, with their old tags: how often did their keys conflict until now?
        const row_rounds moved = {.table = table, .block = INT_MAX};
        const row_rounds gone = {.table = table, .of_gone = true};
        const row_rounds fresh = {.table = table, .moved_block = INT_MAX};
        if (status == PC_OK) status = put_pass(m, moved, &passes, err);
        if (status == PC_OK) status = put_pass(m, gone, &passes, err);
        m->conflict_count[k] += passes.map.conflict_count;
        if (status == PC_OK) status = put_pass(m, fresh, &passes, err);
        if (status == PC_OK) status = find_again(m, table, &passes, &passes.map, err);
        keymap_release(&passes.map);
        pc_arena_rewind(&job->arena, mark);
    }
    return status;
}

/** Slots of the store with a row of path SAME that asks rows which are resolved now. */
static pc_status find_same_again(movers *m, int table, keymap *map, pc_error *err)
{
    ingest_job *job = m->job;
    const pc_model_same *same = &job->model->table[table].same;
    old_keys keys;
    pc_status status = old_values_open(&keys, job, table, same->column, same->column_count, err);
    status = pc_comm_agree(job->comm, status, err);
    while (status == PC_OK) {
        bool is_done = false;
        status = old_keys_next(&keys, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = same_ask_store(m->r, map, &keys, err);
        const bool *found = (const bool *)(const void *)m->r->found[0].data;
        const pc_slot_entry *entry = (const pc_slot_entry *)(const void *)keys.entries.data;
        for (int64_t i = 0; status == PC_OK && i < keys.count; i++) {
            if (found[i]) status = pc_buffer_append(&m->found, &entry[i], sizeof *entry, err);
        }
        status = pc_comm_agree(job->comm, status, err);
    }
    old_keys_close(&keys);
    return status;
}

static pc_status find_same(movers *m, int table, pc_error *err)
{
    ingest_job *job = m->job;
    const pc_model_same *same = &job->model->table[table].same;
    const int bytes = same_bytes(job, table);
    if (bytes == 0 || pc_store_table_rows(job->old->store, table) == 0) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    keymap map;
    pc_status status = keymap_init(&map, job->comm, bytes, &job->arena, job->budget, err);
    status = pc_comm_agree(job->comm, status, err);
    for (int i = 0; status == PC_OK && i < same->table_count; i++) {
        if (job->table[same->table[i]].all_rows > 0 && same_asked_bytes(job, table, i) == bytes) {
            status = same_put_rows(m->r, &map, table, i, err);
        }
    }
    if (status == PC_OK) status = find_same_again(m, table, &map, err);
    keymap_release(&map);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

/** Rows of the moved slots are sealed, counted, and read like those of the delivery. */
static pc_status count_moved(ingest_job *job, pc_error *err)
{
    pc_status status = PC_OK;
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        ingest_table *table = &job->table[t];
        if (table->moved != NULL) status = pc_spool_seal(table->moved, err);
        if (table->gone != NULL && status == PC_OK) status = pc_spool_seal(table->gone, err);
    }
    status = pc_comm_agree(job->comm, status, err);
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        ingest_table *table = &job->table[t];
        int64_t rows = table->rows == NULL ? 0 : pc_spool_row_count(table->rows);
        if (table->moved != NULL) rows += pc_spool_row_count(table->moved);
        pc_comm_sum_int64(job->comm, &rows, 1);
        table->all_rows = rows;
    }
    return status;
}

static pc_status find_all(movers *m, pc_error *err)
{
    ingest_job *job = m->job;
    int64_t fresh_count = 0;
    pc_status status = find_loose(m, err);
    if (status == PC_OK) status = find_replaced(m, err);
    status = send_found(m, status, &fresh_count, err);
    for (bool again = true; status == PC_OK && again;) {
        status = take_fresh(m, err);
        status = pc_comm_agree(job->comm, status, err);
        if (status == PC_OK) status = count_moved(job, err);
        if (status != PC_OK) break;
        old_share_keys(job);
        for (int k = 0; status == PC_OK && k < job->model->key_count; k++) {
            const int table = job->model->key[k].table;
            int64_t rows = job->table[table].gone == NULL ? 0 : 1;
            pc_comm_max_int64(job->comm, &rows, 1);
            if (rows + job->table[table].all_rows > 0) status = find_key_again(m, k, err);
        }
        for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
            if (job->model->table[t].path == PC_PATH_SAME) status = find_same(m, t, err);
        }
        status = send_found(m, status, &fresh_count, err);
        again = fresh_count > 0;
    }
    return status;
}

pc_status movers_take(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    movers m = {
        .r = r,
        .job = job,
        .found.budget = job->budget,
        .fresh.budget = job->budget,
        .rows = pc_arena_array(&job->arena, (size_t)job->model->table_count, sizeof *m.rows, err),
        .conflict_count = pc_arena_array(&job->arena, (size_t)job->model->key_count,
                                         sizeof *m.conflict_count, err)};
    pc_status status = m.rows == NULL || m.conflict_count == NULL ? PC_NO_MEMORY : PC_OK;
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++)
        m.rows[t].budget = job->budget;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = find_all(&m, err);
    for (int k = 0; status == PC_OK && k < job->model->key_count; k++) {
        job->table[job->model->key[k].table].count[COUNT_CONFLICT] -= m.conflict_count[k];
    }
    for (int t = 0; m.rows != NULL && t < job->model->table_count; t++)
        pc_buffer_release(&m.rows[t]);
    pc_buffer_release(&m.found);
    pc_buffer_release(&m.fresh);
    pc_buffer_release(&job->old->affected);
    return status;
}
