/** Children find the slots of their parents, and claims their persons, when the keys do not fit in
 *  memory. Keys and questions are put aside by other bits of their hash; one part after the other
 * is looked up; the answers are taken in the order of the rows. Every row is read twice and every
 * key once, whatever the number of parts. */
#include <string.h>
#include "resolver.h"

enum { LEAST_BLOCK_BYTES = 4096, MOST_BLOCK_BYTES = 65536, ANSWER_BYTES = PC_TAG_BYTES + 1 };

/** The answers of one part, read from the first to the last. */
typedef struct part_reader {
    pc_buffer block;
    int next;  // block of the spool
    size_t at; // in `block`
} part_reader;

struct key_parts {
    resolver *r;
    const key_passes *passes;
    size_t block_bytes;
    pc_spool **keys;     // [count] of tagged prints; NULL: none yet
    pc_spool **asked;    // [children x count] of prints
    pc_spool **answer;   // [children x count] of tags, each with 1 behind it where it was found
    part_reader *reader; // [count] of the child whose answers are taken
    bool has_last;
    key_print last; // that was asked, or whose answer was taken: neighbours often ask the same
    unsigned char last_answer[ANSWER_BYTES];
};

pc_status parts_open(resolver *r, const key_passes *passes, int child_count, key_parts **out,
                     pc_error *err)
{
    const size_t count = (size_t)passes->count, children = (size_t)child_count;
    pc_arena *arena = &r->job->arena;
    key_parts *parts = pc_arena_take(arena, sizeof *parts, err);
    if (parts == NULL) return PC_NO_MEMORY;
    *out = parts;
    parts->r = r;
    parts->passes = passes;
    parts->keys = pc_arena_array(arena, count, sizeof(void *), err);
    parts->asked = pc_arena_array(arena, count * children, sizeof(void *), err);
    parts->answer = pc_arena_array(arena, count * children, sizeof(void *), err);
    parts->reader = pc_arena_array(arena, count, sizeof *parts->reader, err);
    if (parts->keys == NULL || parts->asked == NULL || parts->answer == NULL ||
        parts->reader == NULL) {
        return PC_NO_MEMORY;
    }
    size_t block = pc_budget_left(r->job->budget) / 16 / count;
    if (block < LEAST_BLOCK_BYTES) block = LEAST_BLOCK_BYTES;
    parts->block_bytes = block > MOST_BLOCK_BYTES ? MOST_BLOCK_BYTES : block;
    for (size_t p = 0; p < count; p++)
        parts->reader[p].block.budget = r->job->budget;
    return PC_OK;
}

void parts_close(key_parts *parts)
{
    for (int p = 0; parts != NULL && parts->reader != NULL && p < parts->passes->count; p++)
        pc_buffer_release(&parts->reader[p].block);
}

static pc_status put_aside(key_parts *parts, pc_spool **spool, const void *record, int bytes,
                           pc_error *err)
{
    if (*spool == NULL) {
        PC_TRY(pc_spool_open(parts->r->job->read_pool, bytes, parts->block_bytes, spool, err));
    }
    return pc_spool_append(*spool, record, 1, err);
}

static pc_status seal(pc_spool **spool, int count, pc_error *err)
{
    for (int i = 0; i < count; i++) {
        if (spool[i] != NULL) PC_TRY(pc_spool_seal(spool[i], err));
    }
    return PC_OK;
}

pc_status parts_keep_key(key_parts *parts, const tagged_print *key, pc_error *err)
{
    const int part = pass_of(parts->passes, &key->print);
    return put_aside(parts, &parts->keys[part], key, sizeof *key, err);
}

pc_status parts_keep_keys(key_parts *parts, int table, int64_t row_count, pc_error *err)
{
    const pc_row_layout *layout = parts->r->job->table[table].layout;
    const unsigned char *row = (const unsigned char *)parts->r->rows.data;
    for (int64_t i = 0; i < row_count; i++, row += layout->row_bytes) {
        tagged_print tagged = {.print = print_of(row + PC_ROW_FIELDS, layout->key_bytes)};
        memcpy(tagged.tag, row + PC_ROW_TAG, PC_TAG_BYTES);
        PC_TRY(parts_keep_key(parts, &tagged, err));
    }
    return PC_OK;
}

pc_status parts_ask_parents(resolver *r, int table, int64_t row_count, pc_error *err)
{
    const pc_row_layout *layout = r->job->table[table].layout;
    const unsigned char *row = (const unsigned char *)r->rows.data;
    for (int64_t i = 0; i < row_count; i++, row += layout->row_bytes) {
        const unsigned char *key = pc_row_parent_key(layout, row);
        if (key == NULL) continue;
        const key_print print = print_of(key, layout->parent_bytes);
        PC_TRY(pc_buffer_append(&r->ask[ASK_PRINT], &print, sizeof print, err));
    }
    return PC_OK;
}

/** Whether it is what was asked just before; where rounds end does not matter. */
static bool asks_again(key_parts *parts, const key_print *print)
{
    if (parts->has_last && memcmp(&parts->last, print, sizeof *print) == 0) return true;
    parts->has_last = true;
    parts->last = *print;
    return false;
}

static pc_status ask_prints(key_parts *parts, pc_spool **asked, pc_error *err)
{
    const pc_buffer *ask = &parts->r->ask[ASK_PRINT];
    const key_print *print = (const key_print *)(const void *)ask->data;
    for (size_t i = 0; i < ask->bytes / sizeof *print; i++) {
        if (asks_again(parts, &print[i])) continue;
        pc_spool **spool = &asked[pass_of(parts->passes, &print[i])];
        PC_TRY(put_aside(parts, spool, &print[i], sizeof print[i], err));
    }
    return PC_OK;
}

pc_status parts_ask(key_parts *parts, int child, int table, parts_question question, pc_error *err)
{
    resolver *r = parts->r;
    pc_spool **asked = parts->asked + (ptrdiff_t)child * parts->passes->count;
    row_rounds rounds = {.table = table};
    parts->has_last = false;
    for (;;) {
        int64_t row_count = 0;
        bool is_done = false;
        pc_status status = resolver_next(r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK) return status;
        r->ask[ASK_PRINT].bytes = 0;
        status =
            is_done ? seal(asked, parts->passes->count, err) : question(r, table, row_count, err);
        if (status == PC_OK && !is_done) status = ask_prints(parts, asked, err);
        status = pc_comm_agree(r->job->comm, status, err);
        if (status != PC_OK || is_done) return status;
    }
}

/** Blocks of the longest of all ranks' spools. Collective. */
static int64_t most_blocks(const key_parts *parts, const pc_spool *spool)
{
    int64_t blocks = spool == NULL ? 0 : pc_spool_block_count(spool);
    pc_comm_max_int64(parts->r->job->comm, &blocks, 1);
    return blocks;
}

static pc_status read_block(pc_spool *spool, int64_t block, pc_buffer *out, pc_error *err)
{
    out->bytes = 0;
    if (spool == NULL || block >= pc_spool_block_count(spool)) return PC_OK;
    return pc_spool_read(spool, (int)block, out, err);
}

int64_t parts_key_count(const key_parts *parts, int part)
{
    int64_t count = parts->keys[part] == NULL ? 0 : pc_spool_row_count(parts->keys[part]);
    pc_comm_sum_int64(parts->r->job->comm, &count, 1);
    return count;
}

pc_status parts_put(key_parts *parts, int part, keymap *map, pc_error *err)
{
    resolver *r = parts->r;
    pc_spool *keys = parts->keys[part];
    pc_status status = keys == NULL ? PC_OK : pc_spool_seal(keys, err);
    status = pc_comm_agree(r->job->comm, status, err);
    if (status != PC_OK) return status;
    const int64_t blocks = most_blocks(parts, keys);
    for (int64_t b = 0; status == PC_OK && b < blocks; b++) {
        status = read_block(keys, b, &r->rows, err);
        const tagged_print *tagged = (const tagged_print *)(const void *)r->rows.data;
        const int64_t count = (int64_t)(r->rows.bytes / sizeof *tagged);
        status = keymap_put(map, status, count == 0 ? NULL : tagged->print.byte,
                            count == 0 ? NULL : tagged->tag, sizeof *tagged, count, err);
    }
    if (keys != NULL) pc_spool_drop(keys);
    return status;
}

static pc_status keep_answers(key_parts *parts, pc_spool **answer, int64_t count, pc_error *err)
{
    const resolver *r = parts->r;
    const bool *found = (const bool *)(const void *)r->found[0].data;
    for (int64_t i = 0; i < count; i++) {
        unsigned char record[ANSWER_BYTES] = {0};
        record[PC_TAG_BYTES] = found[i];
        if (found[i]) memcpy(record, r->tag[0].data + i * PC_TAG_BYTES, PC_TAG_BYTES);
        PC_TRY(put_aside(parts, answer, record, ANSWER_BYTES, err));
    }
    return PC_OK;
}

pc_status parts_answer(key_parts *parts, int child, int part, keymap *map, pc_error *err)
{
    resolver *r = parts->r;
    const ptrdiff_t at = (ptrdiff_t)child * parts->passes->count + part;
    pc_spool *asked = parts->asked[at];
    pc_status status = PC_OK;
    const int64_t blocks = most_blocks(parts, asked);
    for (int64_t b = 0; status == PC_OK && b < blocks; b++) {
        status = read_block(asked, b, &r->rows, err);
        const int64_t count = (int64_t)(r->rows.bytes / sizeof(key_print));
        if (status == PC_OK) {
            status = pc_buffer_reserve(&r->tag[0], (size_t)count * PC_TAG_BYTES + 1, err);
        }
        if (status == PC_OK) status = pc_buffer_reserve(&r->found[0], (size_t)count + 1, err);
        status = keymap_get(map, status, (const unsigned char *)r->rows.data, count,
                            (unsigned char *)r->tag[0].data, (bool *)(void *)r->found[0].data, err);
        if (status == PC_OK) status = keep_answers(parts, &parts->answer[at], count, err);
    }
    if (asked != NULL) pc_spool_drop(asked);
    if (status == PC_OK) status = seal(&parts->answer[at], 1, err);
    return pc_comm_agree(r->job->comm, status, err);
}

void parts_rewind(key_parts *parts)
{
    parts->has_last = false;
    for (int p = 0; p < parts->passes->count; p++) {
        parts->reader[p].next = 0;
        parts->reader[p].at = 0;
        pc_buffer_release(&parts->reader[p].block);
    }
}

/** The next answer of the part. */
static pc_status read_answer(key_parts *parts, int child, int part, pc_error *err)
{
    part_reader *reader = &parts->reader[part];
    if (reader->at == reader->block.bytes) {
        pc_spool *answer = parts->answer[(ptrdiff_t)child * parts->passes->count + part];
        PC_TRY(read_block(answer, reader->next++, &reader->block, err));
        reader->at = 0;
    }
    memcpy(parts->last_answer, reader->block.data + reader->at, ANSWER_BYTES);
    reader->at += ANSWER_BYTES;
    return PC_OK;
}

pc_status parts_take(key_parts *parts, int child, int64_t count, pc_error *err)
{
    resolver *r = parts->r;
    const key_print *print = (const key_print *)(const void *)r->ask[0].data;
    bool *found = (bool *)(void *)r->found[0].data;
    for (int64_t i = 0; i < count; i++) {
        if (!asks_again(parts, &print[i])) {
            PC_TRY(read_answer(parts, child, pass_of(parts->passes, &print[i]), err));
        }
        found[i] = parts->last_answer[PC_TAG_BYTES] != 0;
        memcpy(r->tag[0].data + i * PC_TAG_BYTES, parts->last_answer, PC_TAG_BYTES);
    }
    return PC_OK;
}
