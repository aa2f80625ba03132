// Cases and candidates of a block, their way over the ranks, and back into records.
#include <string.h>
#include "match.h"
#include "parcours/hash.h"

/** The values of `on` and `near` of some records, in record columns. */
typedef struct compared {
    const pc_match *match;
    pc_records values; ///< one column an expression
} compared;

static pc_status compare_by(pc_block_eval *eval, const pc_match *match, const pc_records *records,
                            int64_t from, int count, compared *out, pc_error *err)
{
    const pc_record_schema nobody = {0};
    const int columns = match->on_count + match->near_count;
    *out = (compared){.match = match};
    bool *needed = pc_arena_array(&eval->scratch, (size_t)columns + 1, sizeof *needed, err);
    if (needed == NULL) return PC_NO_MEMORY;
    memset(needed, 1, (size_t)columns);
    PC_TRY(pc_records_open(&out->values, columns, needed, &eval->scratch, err));
    PC_TRY(pc_records_reserve(&out->values, count, &eval->scratch, err));
    for (int i = 0; i < columns; i++) {
        pc_column value;
        PC_TRY(pc_timeline_sql(eval, records, &nobody, &match->bound[i], from, count, &value, err));
        PC_TRY(pc_records_fill(&out->values, i, 0, &value, count, &eval->words, err));
    }
    return PC_OK;
}

/** Appends the `on` values of a row, each with its length; `*is_null` when one is null. */
static pc_status put_on(const pc_block_eval *eval, const compared *c, int row, pc_buffer *out,
                        bool *is_null, pc_error *err)
{
    *is_null = false;
    for (int i = 0; i < c->match->on_count; i++) {
        const int64_t value = c->values.column[i][row];
        const pc_type type = c->match->bound[i].expr->type;
        *is_null = *is_null || value == PC_NULL;
        pc_span text = {(const char *)&value, sizeof value};
        if (value != PC_NULL && (type == PC_CODE || type == PC_TEXT || type == PC_ID)) {
            text = pc_dict_text(eval->words.dict, (uint32_t)value);
        }
        const uint32_t bytes = (uint32_t)text.bytes;
        PC_TRY(pc_buffer_append(out, &bytes, sizeof bytes, err));
        PC_TRY(pc_buffer_append(out, text.data, text.bytes, err));
    }
    return PC_OK;
}

static pc_status put_item(const pc_block_eval *eval, const compared *c, const pc_records *records,
                          int64_t record, int row, bool is_case, pc_buffer *items, pc_error *err)
{
    const int64_t end = records->column[PC_END][record];
    pc_match_item item = {.key = eval->block->slot_key[records->slot[record]],
                          .first = (int32_t)records->column[PC_START][record],
                          .is_case = is_case};
    item.last = is_case ? item.first : end == PC_OPEN ? INT32_MAX : (int32_t)end;
    const size_t head = items->bytes;
    PC_TRY(pc_buffer_append(items, &item, sizeof item, err));
    for (int i = 0; i < c->match->near_count; i++) {
        const int64_t value = c->values.column[c->match->on_count + i][row];
        PC_TRY(pc_buffer_append(items, &value, sizeof value, err));
    }
    const size_t on = items->bytes;
    bool is_null = false;
    PC_TRY(put_on(eval, c, row, items, &is_null, err));
    if (is_null) items->bytes = on;
    item.on_bytes = is_null ? -1 : (int32_t)(items->bytes - on);
    static const char padding[8] = {0};
    PC_TRY(pc_buffer_append(items, padding, (8 - items->bytes % 8) % 8, err));
    memcpy(items->data + head, &item, sizeof item);
    return PC_OK;
}

pc_status pc_match_collect(pc_block_eval *eval, pc_node *node, pc_buffer *items, pc_error *err)
{
    for (int side = 0; side < 2; side++) {
        const pc_records *records = &node->input[side]->records;
        for (int64_t from = 0; from < records->count; from += PC_BATCH_ROWS) {
            const int64_t left = records->count - from;
            const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
            const pc_arena_mark mark = pc_arena_now(&eval->scratch);
            compared c;
            PC_TRY(compare_by(eval, node->def->match, records, from, count, &c, err));
            for (int row = 0; row < count; row++) {
                PC_TRY(put_item(eval, &c, records, from + row, row, side == 0, items, err));
            }
            pc_arena_rewind(&eval->scratch, mark);
        }
    }
    return PC_OK;
}

static int compare_key(const pc_match_member *member, const pc_slot_key *key)
{
    return memcmp(member->key.byte, key->byte, PC_SLOT_KEY_BYTES);
}

/** The first member of that patient, or where it would stand. */
static int64_t find_member(const pc_match_member *member, int64_t count, const pc_slot_key *key)
{
    int64_t from = 0, end = count;
    while (from < end) {
        const int64_t middle = from + (end - from) / 2;
        if (compare_key(&member[middle], key) < 0) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

pc_status pc_timeline_match(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_typed *typed = node->def->typed;
    const pc_match_member *member = (const pc_match_member *)(const void *)node->match_members.data;
    const int64_t count = (int64_t)(node->match_members.bytes / sizeof *member);
    pc_records *out = &node->records;
    int64_t role[2];
    PC_TRY(pc_words_add(&eval->words, pc_span_of("control"), &role[0], err));
    PC_TRY(pc_words_add(&eval->words, pc_span_of("case"), &role[1], err));
    PC_TRY(pc_records_open(out, typed->out.count, node->needed, &eval->arena, err));
    for (int32_t slot = 0; slot < eval->slot_count && count > 0; slot++) {
        const pc_slot_key *key = &eval->block->slot_key[slot];
        for (int64_t at = find_member(member, count, key);
             at < count && compare_key(&member[at], key) == 0; at++) {
            PC_TRY(pc_timeline_add(eval, node, slot, member[at].day, member[at].day, err));
            const int64_t row = out->count - 1;
            if (node->needed[typed->role]) {
                out->column[typed->role][row] = role[member[at].is_case];
            }
            if (node->needed[typed->set_id]) out->column[typed->set_id][row] = member[at].set_id;
        }
    }
    return pc_records_sort(out, out->column_count, &typed->out, &eval->words, &eval->scratch, err);
}

/** Bytes of an item in the buffer that begins there. */
static size_t bytes_of(const pc_match_item *item, const pc_match *match)
{
    const size_t on = item->on_bytes < 0 ? 0 : (size_t)item->on_bytes;
    return sizeof *item + (size_t)match->near_count * sizeof(int64_t) + (on + 7) / 8 * 8;
}

/** The rank where those of the same `on` values meet. */
static int rank_of(const pc_match_item *item, const pc_match *match, int ranks)
{
    const char *on = (const char *)(item + 1) + (size_t)match->near_count * sizeof(int64_t);
    const uint64_t hash = item->on_bytes < 0 ? pc_hash64(&item->key, sizeof item->key)
                                             : pc_hash64(on, (size_t)item->on_bytes);
    return (int)(hash % (uint64_t)ranks);
}

/** Puts the items of this rank behind each other by the ranks that they go to. Local. */
static pc_status sort_by_rank(const pc_buffer *items, const pc_match *match, int ranks,
                              pc_buffer *sorted, size_t *begin, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(sorted, items->bytes, err));
    for (int rank = 0; rank < ranks; rank++) {
        begin[rank] = sorted->bytes;
        for (size_t at = 0; at < items->bytes;) {
            const pc_match_item *item = (const pc_match_item *)(const void *)(items->data + at);
            const size_t bytes = bytes_of(item, match);
            if (rank_of(item, match, ranks) == rank) {
                PC_TRY(pc_buffer_append(sorted, item, bytes, err));
            }
            at += bytes;
        }
    }
    begin[ranks] = sorted->bytes;
    return PC_OK;
}

/** Each rank gets all items of its `on` values. Collective. */
static pc_status meet(pc_comm *comm, const pc_node *node, pc_arena *arena, pc_buffer *met,
                      pc_error *err)
{
    const int ranks = pc_comm_size(comm);
    pc_buffer sorted = {.budget = met->budget};
    pc_span *out = pc_arena_array(arena, (size_t)ranks, sizeof *out, err);
    size_t *begin = pc_arena_array(arena, (size_t)ranks + 1, sizeof *begin, err);
    int64_t *in_bytes = pc_arena_array(arena, (size_t)ranks, sizeof *in_bytes, err);
    pc_status status = out == NULL || begin == NULL || in_bytes == NULL ? PC_NO_MEMORY : PC_OK;
    if (status == PC_OK) {
        status = sort_by_rank(&node->match_items, node->def->match, ranks, &sorted, begin, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) {
        for (int rank = 0; rank < ranks; rank++) {
            out[rank] = (pc_span){sorted.data == NULL ? "" : sorted.data + begin[rank],
                                  begin[rank + 1] - begin[rank]};
        }
        status = pc_comm_exchange(comm, out, met, in_bytes, err);
    }
    pc_buffer_release(&sorted);
    return status;
}

pc_status pc_match_run(pc_comm *comm, pc_node *node, pc_budget *budget, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    pc_buffer met = {.budget = budget}, sets = {.budget = budget}, all = {.budget = budget};
    node->match_members.budget = budget;
    pc_status status = meet(comm, node, &arena, &met, err);
    pc_buffer_release(&node->match_items);
    if (status == PC_OK) {
        status = pc_match_sets(node->def->match, &met, &sets, err);
        status = pc_comm_agree(comm, status, err);
    }
    pc_buffer_release(&met);
    if (status == PC_OK) {
        const pc_span mine = {sets.data == NULL ? "" : sets.data, sets.bytes};
        status = pc_comm_gather(comm, mine, &all, NULL, err);
    }
    if (status == PC_OK) {
        if (pc_comm_rank(comm) == 0) {
            status = pc_match_number((pc_span){all.data, all.bytes}, &node->match_members, err);
        }
        status = pc_comm_agree(comm, status, err);
    }
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &node->match_members, err);
    pc_buffer_release(&sets);
    pc_buffer_release(&all);
    pc_arena_reset(&arena);
    return status;
}
