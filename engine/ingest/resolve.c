/** Every row to its slot: identity tables first, then tables by themselves, then children by their
 *  parents' keys. Each row is sent to the rank of its shard as soon as it has its tag. */
#include <string.h>
#include "parcours/hash.h"
#include "resolver.h"

enum { MOST_PASSES = 4096 };

/** Bytes of the widest pseudonym or person key of the model. */
static int widest(const ingest_job *job)
{
    int most = 1;
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_model_table *table = &job->model->table[t];
        const int column[2] = {table->pseudonym, table->person};
        for (int i = 0; i < 2; i++) {
            const int width = column[i] < 0 ? 0 : table->column[column[i]].width;
            if (width > most) most = width;
        }
    }
    return most;
}

pc_status resolver_open(resolver *r, ingest_job *job, pc_error *err)
{
    *r = (resolver){.job = job, .rows.budget = job->budget, .want.budget = job->budget};
    for (int i = 0; i < MAP_COUNT; i++) {
        r->ask[i].budget = job->budget;
        r->tag[i].budget = job->budget;
        r->found[i].budget = job->budget;
    }
    if (widest(job) > MOST_ID_BYTES || job->model->person.latest_count > MOST_LATEST ||
        job->model->person.identity_count < 1) {
        return PC_FAIL(err, PC_BAD_JOB,
                       "model '%s': expected pseudonyms and person keys of at most %d bytes, an "
                       "identity table, and at most %d columns in 'latest'",
                       job->model->name, MOST_ID_BYTES, MOST_LATEST);
    }
    return PC_OK;
}

void resolver_release(resolver *r)
{
    identity_close(r);
    keymap_release(&r->same);
    pc_buffer_release(&r->rows);
    pc_buffer_release(&r->want);
    for (int i = 0; i < MAP_COUNT; i++) {
        pc_buffer_release(&r->ask[i]);
        pc_buffer_release(&r->tag[i]);
        pc_buffer_release(&r->found[i]);
    }
}

/** Reads the store's rows of a table until a batch is full. Local. */
static pc_status load_store_rows(resolver *r, row_rounds *rounds, size_t aim, pc_error *err)
{
    const int t = rounds->table;
    while (r->rows.bytes < aim || r->rows.bytes == 0) {
        pc_block *block;
        PC_TRY(old_scan_next(rounds->store, &block, err));
        if (block->slot_count == 0) break;
        PC_TRY(old_rows_append(r->job, block, t, 0, block->table[t].row_count, &r->rows, err));
    }
    return PC_OK;
}

/** Reads replaced rows of a table until a batch is full. Local. */
static pc_status load_gone_rows(resolver *r, row_rounds *rounds, size_t aim, pc_error *err)
{
    pc_spool *gone = r->job->table[rounds->table].gone;
    while (gone != NULL && rounds->block < pc_spool_block_count(gone)) {
        PC_TRY(pc_spool_read(gone, rounds->block++, &r->rows, err));
        if (r->rows.bytes + PC_SPOOL_BLOCK_BYTES > aim) break;
    }
    return PC_OK;
}

/** Reads blocks of this rank's spools until a batch is full. Local. */
static pc_status load_rows(resolver *r, row_rounds *rounds, pc_error *err)
{
    ingest_table *table = &r->job->table[rounds->table];
    r->rows.bytes = 0;
    PC_TRY(ingest_check_stop(err));
    size_t aim = pc_budget_left(r->job->budget) / 16;
    if (aim > BATCH_BYTES) aim = BATCH_BYTES;
    if (rounds->store != NULL) return load_store_rows(r, rounds, aim, err);
    if (rounds->of_gone) return load_gone_rows(r, rounds, aim, err);
    while (table->rows != NULL && rounds->block < pc_spool_block_count(table->rows)) {
        const size_t before = r->rows.bytes;
        PC_TRY(pc_spool_read(table->rows, rounds->block++, &r->rows, err));
        // While the block is in cache.
        ingest_renumber(r->job, table->layout, (unsigned char *)r->rows.data + before,
                        (int64_t)(r->rows.bytes - before) / table->layout->row_bytes);
        if (r->rows.bytes + PC_SPOOL_BLOCK_BYTES > aim) return PC_OK;
    }
    // Rows of the store have the numbers of the new dictionaries already.
    while (table->moved != NULL && rounds->moved_block < pc_spool_block_count(table->moved)) {
        PC_TRY(pc_spool_read(table->moved, rounds->moved_block++, &r->rows, err));
        if (r->rows.bytes + PC_SPOOL_BLOCK_BYTES > aim) return PC_OK;
    }
    return PC_OK;
}

pc_status resolver_next(resolver *r, row_rounds *rounds, int64_t *row_count, bool *is_done,
                        pc_error *err)
{
    const pc_status status = pc_comm_agree(r->job->comm, load_rows(r, rounds, err), err);
    if (status != PC_OK) return status;
    *row_count = (int64_t)r->rows.bytes / r->job->table[rounds->table].layout->row_bytes;
    int64_t most = *row_count;
    pc_comm_max_int64(r->job->comm, &most, 1);
    *is_done = most == 0;
    return PC_OK;
}

// ---- parents' keys ----------------------------------------------------------------------------

key_print print_of(const unsigned char *key, int key_bytes)
{
    key_print print;
    pc_hash128(key, (size_t)key_bytes, print.byte);
    return print;
}

int pass_of(const key_passes *passes, const key_print *print)
{
    // Other bits than those that choose the owner and the place.
    uint32_t bits;
    memcpy(&bits, print->byte + 12, sizeof bits);
    return passes->count == 1 ? 0 : (int)(bits % (uint32_t)passes->count);
}

/** A key of this pass into r->ask[0]. Local. */
static pc_status collect_key(resolver *r, const key_passes *passes, const unsigned char *key,
                             int key_bytes, const unsigned char *tag, pc_error *err)
{
    tagged_print tagged = {.print = print_of(key, key_bytes)};
    if (pass_of(passes, &tagged.print) != passes->at) return PC_OK;
    memcpy(tagged.tag, tag, PC_TAG_BYTES);
    return pc_buffer_append(&r->ask[0], &tagged, sizeof tagged, err);
}

static pc_status put_collected(resolver *r, key_passes *passes, pc_status status, pc_error *err)
{
    const tagged_print *tagged = (const tagged_print *)(const void *)r->ask[0].data;
    const int64_t count = (int64_t)(r->ask[0].bytes / sizeof *tagged);
    const unsigned char *key = count == 0 ? NULL : tagged->print.byte;
    const unsigned char *tag = count == 0 ? NULL : tagged->tag;
    return keymap_put(&passes->map, status, key, tag, sizeof *tagged, count, err);
}

pc_status put_keys(resolver *r, key_passes *passes, int table, int64_t row_count, pc_error *err)
{
    const pc_row_layout *layout = r->job->table[table].layout;
    const unsigned char *row = (const unsigned char *)r->rows.data;
    pc_status status = PC_OK;
    r->ask[0].bytes = 0;
    for (int64_t i = 0; status == PC_OK && i < row_count; i++, row += layout->row_bytes) {
        status =
            collect_key(r, passes, row + PC_ROW_FIELDS, layout->key_bytes, row + PC_ROW_TAG, err);
    }
    return put_collected(r, passes, status, err);
}

/** Tagged rows that stand side by side: noted for those who ask for them, and sent. Local. */
static pc_status send_rows(resolver *r, route *out, const unsigned char *row, int64_t row_count,
                           pc_error *err)
{
    const size_t row_bytes = (size_t)r->job->table[out->table].layout->row_bytes;
    for (int64_t i = 0; r->is_asked[out->table] && i < row_count; i++) {
        PC_TRY(same_note(r, out->table, row + (size_t)i * row_bytes, err));
    }
    return route_rows(out, row, row_count, err);
}

/** Rows of a table that needs no parent: tagged, sent, their keys kept. */
static pc_status resolve_roots(resolver *r, int table, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    route out;
    row_rounds rounds = {.table = table};
    pc_status status = pc_comm_agree(job->comm, route_begin(&out, job, table, err), err);
    if (r->identity.parts != NULL) parts_rewind(r->identity.parts);
    while (status == PC_OK) {
        int64_t row_count = 0;
        bool is_done = false;
        status = resolver_next(r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = tag_roots(r, table, row_count, &out, err);
        if (status != PC_OK) break;
        status = send_rows(r, &out, (const unsigned char *)r->rows.data, row_count, err);
        status = route_flush(&out, status, err);
        if (status != PC_OK || passes == NULL) continue;
        if (passes->parts == NULL) {
            status = put_keys(r, passes, table, row_count, err);
        } else {
            status = parts_keep_keys(passes->parts, table, row_count, err);
            status = pc_comm_agree(job->comm, status, err);
        }
    }
    if (r->identity.parts != NULL) parts_rewind(r->identity.parts);
    return route_end(&out, status, err);
}

// ---- children ---------------------------------------------------------------------------------

/** The parents' keys of the rows; r->want gets the rows' numbers. Local. */
static pc_status ask_parents(resolver *r, int table, int64_t row_count, route *out, pc_error *err)
{
    const pc_row_layout *layout = r->job->table[table].layout;
    unsigned char *row = (unsigned char *)r->rows.data;
    pc_buffer *number = &r->want;
    number->bytes = 0;
    r->ask[0].bytes = 0;
    for (int64_t i = 0; i < row_count; i++, row += layout->row_bytes) {
        const unsigned char *key = pc_row_parent_key(layout, row);
        if (key == NULL) {
            pc_slot_entry entry;
            slot_of_nobody(r->job, table, row, PC_SLOT_ORPHAN, &entry);
            memcpy(row + PC_ROW_TAG, entry.tag, PC_TAG_BYTES);
            PC_TRY(route_slot(out, &entry, err));
            PC_TRY(route_rows(out, row, 1, err));
            continue;
        }
        const key_print print = print_of(key, layout->parent_bytes);
        PC_TRY(pc_buffer_append(&r->ask[0], &print, sizeof print, err));
        PC_TRY(pc_buffer_append(number, &i, sizeof i, err));
    }
    const size_t count = number->bytes / sizeof(int64_t);
    PC_TRY(pc_buffer_reserve(&r->tag[0], count * PC_TAG_BYTES + 1, err));
    return pc_buffer_reserve(&r->found[0], count + 1, err);
}

static pc_status take_parents(resolver *r, int table, route *out, pc_error *err)
{
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    unsigned char *rows = (unsigned char *)r->rows.data;
    const int64_t *number = (const int64_t *)(const void *)r->want.data;
    const int64_t count = (int64_t)(r->want.bytes / sizeof *number);
    const bool *found = (const bool *)(const void *)r->found[0].data;
    int64_t from = 0; // rows of the numbers from .. i stand side by side
    for (int64_t i = 0; i < count; i++) {
        unsigned char *row = rows + (size_t)number[i] * row_bytes;
        if (found[i]) {
            memcpy(row + PC_ROW_TAG, r->tag[0].data + i * PC_TAG_BYTES, PC_TAG_BYTES);
        } else {
            pc_slot_entry entry;
            slot_of_nobody(r->job, table, row, PC_SLOT_ORPHAN, &entry);
            memcpy(row + PC_ROW_TAG, entry.tag, PC_TAG_BYTES);
            PC_TRY(route_slot(out, &entry, err));
        }
        if (i + 1 < count && number[i + 1] == number[i] + 1) continue;
        PC_TRY(send_rows(r, out, rows + (size_t)number[from] * row_bytes, i + 1 - from, err));
        from = i + 1;
    }
    return PC_OK;
}

/** @param child  number of the table among the children of the key */
static pc_status resolve_children(resolver *r, int child, int table, key_passes *passes,
                                  pc_error *err)
{
    ingest_job *job = r->job;
    route out;
    row_rounds rounds = {.table = table};
    pc_status status = pc_comm_agree(job->comm, route_begin(&out, job, table, err), err);
    while (status == PC_OK) {
        int64_t row_count = 0;
        bool is_done = false;
        status = resolver_next(r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = ask_parents(r, table, row_count, &out, err);
        const int64_t count = (int64_t)(r->ask[0].bytes / sizeof(key_print));
        if (passes->parts == NULL) {
            status =
                keymap_get(&passes->map, status, (const unsigned char *)r->ask[0].data, count,
                           (unsigned char *)r->tag[0].data, (bool *)(void *)r->found[0].data, err);
        } else if (status == PC_OK) {
            status = parts_take(passes->parts, child, count, err);
        }
        if (status == PC_OK) status = take_parents(r, table, &out, err);
        status = route_flush(&out, status, err);
    }
    return route_end(&out, status, err);
}

// ---- the order of tables ----------------------------------------------------------------------

int choose_passes(ingest_job *job, int64_t key_count)
{
    const int64_t cost = keymap_entry_cost(sizeof(key_print));
    const size_t left = pc_budget_left(job->budget);
    const size_t reserve = job->bucket_pool == NULL // not yet open: rows that move are looked for
                               ? 0
                               : pc_spool_pool_room(job->bucket_pool) + job->bucket_open_bytes;
    size_t room = left > reserve ? (left - reserve) / 2 : 0;
    if (room < LEAST_KEYMAP_BYTES) room = LEAST_KEYMAP_BYTES;
    int64_t share = room > INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)room;
    pc_comm_min_int64(job->comm, &share, 1);
    const int64_t passes = key_count / job->ranks * cost / share + 1;
    return passes > MOST_PASSES ? MOST_PASSES : (int)passes;
}

static void drop_rows(ingest_job *job, int table)
{
    if (job->table[table].rows != NULL) pc_spool_drop(job->table[table].rows);
    if (job->table[table].moved != NULL) pc_spool_drop(job->table[table].moved);
}

/** The next table after `table` that is delivered and finds its patients by the key; -1: none. */
static int next_child(const ingest_job *job, int key, int table)
{
    for (int t = table + 1; t < job->model->table_count; t++) {
        const pc_model_table *child = &job->model->table[t];
        const bool by_key = child->parent_key == key && child->path == PC_PATH_KEY;
        if (by_key && job->table[t].all_rows > 0) return t;
    }
    return -1;
}

static bool has_children(const ingest_job *job, int key)
{
    return next_child(job, key, -1) >= 0;
}

/** Keys of the store that passes must have room for, over all ranks. */
static pc_status count_old_keys(ingest_job *job, int key, int64_t *count, pc_error *err)
{
    *count = 0;
    if (job->old == NULL || !has_children(job, key)) return PC_OK;
    old_keys keys;
    pc_status status =
        pc_comm_agree(job->comm, old_keys_open(&keys, job, job->model->key[key].table, err), err);
    for (bool is_done = false; status == PC_OK && !is_done; *count += keys.count) {
        status = old_keys_next(&keys, &is_done, err);
    }
    old_keys_close(&keys);
    if (status == PC_OK) pc_comm_sum_int64(job->comm, count, 1);
    return status;
}

/** Keys of a pass that stay where they are in the store: children may name them. */
static pc_status put_old_keys(resolver *r, int table, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    const int key_bytes = job->table[table].layout->key_bytes;
    const size_t stride = (size_t)key_bytes + PC_TAG_BYTES;
    old_keys keys;
    pc_status status = pc_comm_agree(job->comm, old_keys_open(&keys, job, table, err), err);
    while (status == PC_OK) {
        bool is_done = false;
        status = old_keys_next(&keys, &is_done, err);
        if (status != PC_OK || is_done) break;
        const unsigned char *record = (const unsigned char *)keys.keys.data;
        r->ask[0].bytes = 0;
        for (int64_t i = 0; status == PC_OK && i < keys.count; i++, record += stride) {
            status = collect_key(r, passes, record, key_bytes, record + key_bytes, err);
        }
        status = put_collected(r, passes, status, err);
    }
    old_keys_close(&keys);
    return status;
}

pc_status open_print_map(ingest_job *job, int64_t key_count, keymap *map, pc_error *err)
{
    pc_status status =
        keymap_init(map, job->comm, sizeof(key_print), &job->arena, job->budget, err);
    const int64_t count = key_count / job->ranks;
    if (status == PC_OK) status = keymap_expect(map, count + count / 64, err);
    return pc_comm_agree(job->comm, status, err);
}

/** Conflicts of the delivery's keys are counted; those of the store's are already, and movers.c
 *  took out those with a twin in the delivery. */
static pc_status end_map(resolver *r, int key, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    const int parent = job->model->key[key].table;
    job->table[parent].count[COUNT_CONFLICT] += passes->map.conflict_count;
    if (job->old == NULL || !has_children(job, key)) return PC_OK;
    return put_old_keys(r, parent, passes, err);
}

/** Parents, then children, with a map of all keys. */
static pc_status resolve_at_once(resolver *r, int key, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    const int parent = job->model->key[key].table;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    pc_status status = open_print_map(job, job->table[parent].all_rows, &passes->map, err);
    if (status == PC_OK) status = resolve_roots(r, parent, passes, err);
    drop_rows(job, parent);
    if (status == PC_OK) status = end_map(r, key, passes, err);
    int child = 0;
    for (int t = -1; status == PC_OK && (t = next_child(job, key, t)) >= 0; child++) {
        status = resolve_children(r, child, t, passes, err);
        drop_rows(job, t);
    }
    keymap_release(&passes->map);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

/** The keys of one part, and the answers to what was asked of it. */
static pc_status resolve_part(resolver *r, int key, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    const pc_arena_mark mark = pc_arena_now(&job->arena); // per part and rank: it would add up
    pc_status status = pc_comm_agree(job->comm, ingest_check_stop(err), err);
    if (status == PC_OK) {
        const int64_t count = parts_key_count(passes->parts, passes->at);
        status = open_print_map(job, count, &passes->map, err);
    }
    if (status == PC_OK) status = parts_put(passes->parts, passes->at, &passes->map, err);
    if (status == PC_OK) status = end_map(r, key, passes, err);
    int child = 0;
    for (int t = -1; status == PC_OK && (t = next_child(job, key, t)) >= 0; child++) {
        status = parts_answer(passes->parts, child, passes->at, &passes->map, err);
    }
    keymap_release(&passes->map);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

/** The same when a map of all keys does not fit. */
static pc_status resolve_in_parts(resolver *r, int key, key_passes *passes, pc_error *err)
{
    ingest_job *job = r->job;
    const int parent = job->model->key[key].table;
    int children = 0;
    for (int t = -1; (t = next_child(job, key, t)) >= 0;)
        children++;
    const pc_arena_mark mark = pc_arena_now(&job->arena);
    pc_status status = parts_open(r, passes, children, &passes->parts, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = resolve_roots(r, parent, passes, err);
    drop_rows(job, parent);
    int child = 0;
    for (int t = -1; status == PC_OK && (t = next_child(job, key, t)) >= 0; child++)
        status = parts_ask(passes->parts, child, t, parts_ask_parents, err);
    for (; status == PC_OK && passes->at < passes->count; passes->at++)
        status = resolve_part(r, key, passes, err);
    child = 0;
    for (int t = -1; status == PC_OK && (t = next_child(job, key, t)) >= 0; child++) {
        parts_rewind(passes->parts);
        status = resolve_children(r, child, t, passes, err);
        drop_rows(job, t);
    }
    parts_close(passes->parts);
    pc_arena_rewind(&job->arena, mark);
    return status;
}

pc_status resolver_make_room(ingest_job *job, pc_error *err)
{
    pc_status status = pc_spool_pool_evict(job->read_pool, err);
    if (status == PC_OK && job->bucket_pool != NULL) {
        status = pc_spool_pool_evict(job->bucket_pool, err);
    }
    return pc_comm_agree(job->comm, status, err);
}

static pc_status resolve_key(resolver *r, int key, pc_error *err)
{
    const int parent = r->job->model->key[key].table;
    int64_t old_count = 0;
    const pc_status status = count_old_keys(r->job, key, &old_count, err);
    if (status != PC_OK) return status;
    const int64_t key_count = r->job->table[parent].all_rows + old_count;
    key_passes passes = {.count = choose_passes(r->job, key_count)};
    if (passes.count > 1) {
        PC_TRY(resolver_make_room(r->job, err));
        passes.count = choose_passes(r->job, key_count);
    }
    if (passes.count == 1) return resolve_at_once(r, key, &passes, err);
    pc_log_line(r->job->log, PC_INFO, "keys_in_parts", "table=%s parts=%d left_bytes=%zu",
                r->job->model->table[parent].name, passes.count,
                pc_budget_left(r->job->budget)); // more memory would be faster
    return resolve_in_parts(r, key, &passes, err);
}

/** Tables that ask others whose rows hold the same values: the others are done. */
static pc_status resolve_same(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    pc_status status = PC_OK;
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        const pc_model_table *table = &job->model->table[t];
        if (table->path != PC_PATH_SAME) continue;
        if (job->table[t].all_rows > 0) status = same_build(r, t, err);
        if (status == PC_OK && table->own_key >= 0) {
            status = resolve_key(r, table->own_key, err);
        } else if (status == PC_OK && job->table[t].all_rows > 0) {
            status = resolve_roots(r, t, NULL, err);
            drop_rows(job, t);
        }
        keymap_release(&r->same);
    }
    return status;
}

static pc_status resolve_tables(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    pc_status status = PC_OK;
    for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
        const pc_model_table *table = &job->model->table[t];
        if (!ingest_is_patient_table(table) || table->path == PC_PATH_KEY ||
            table->path == PC_PATH_SAME || table->own_key >= 0) {
            continue;
        }
        if (job->table[t].all_rows == 0) continue;
        status = resolve_roots(r, t, NULL, err);
        drop_rows(job, t);
    }
    for (int k = 0; status == PC_OK && k < job->model->key_count; k++) {
        if (job->model->table[job->model->key[k].table].path == PC_PATH_SAME) continue;
        status = resolve_key(r, k, err);
    }
    return status == PC_OK ? resolve_same(r, err) : status;
}

/** Packs what buckets still hold open. Local. */
static pc_status seal_buckets(ingest_job *job, pc_error *err)
{
    const int64_t count = job->bucket_count * (job->model->table_count + 1);
    for (int64_t i = 0; i < count; i++) {
        if (job->bucket_rows[i] != NULL) PC_TRY(pc_spool_seal(job->bucket_rows[i], err));
    }
    return PC_OK;
}

pc_status ingest_resolve(ingest_job *job, pc_error *err)
{
    resolver r;
    pc_status status = resolver_open(&r, job, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = identity_build(&r, err);
    if (status == PC_OK) ingest_phase_end(job, "identity");
    if (status == PC_OK && job->old != NULL) {
        status = movers_take(&r, err);
        ingest_phase_end(job, "move");
    }
    if (status == PC_OK) status = identity_answer(&r, err);
    if (status == PC_OK) status = route_open_buckets(job, err);
    if (status == PC_OK) status = same_open(&r, err);
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK) status = resolve_tables(&r, err);
    resolver_release(&r);
    if (status == PC_OK) status = seal_buckets(job, err);
    job->spilled_bytes += pc_spool_pool_spilled(job->read_pool);
    job->profile.packed_bytes += pc_spool_pool_packed(job->read_pool);
    pc_spool_pool_close(job->read_pool);
    job->read_pool = NULL;
    return pc_comm_agree(job->comm, status, err);
}
