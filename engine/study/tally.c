// Exact counts by group.
#include "tally.h"
#include <string.h>

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

void pc_tally_open(pc_tally *tally, const pc_record_column *key, int key_count, pc_words *words,
                   pc_budget *budget)
{
    *tally = (pc_tally){.key_count = key_count,
                        .key = key,
                        .words = words,
                        .keys = {.budget = budget},
                        .counts = {.budget = budget},
                        .places = {.budget = budget}};
}

void pc_tally_close(pc_tally *tally)
{
    pc_buffer_release(&tally->keys);
    pc_buffer_release(&tally->counts);
    pc_buffer_release(&tally->places);
    tally->count = 0;
}

const int64_t *pc_tally_key(const pc_tally *tally, int64_t index)
{
    return (const int64_t *)(const void *)tally->keys.data + index * tally->key_count;
}

pc_tally_counts *pc_tally_counts_at(const pc_tally *tally, int64_t index)
{
    return (pc_tally_counts *)(void *)tally->counts.data + index;
}

// Keys are a few small numbers: mixing them costs less than a call.
static uint64_t hash_key(const pc_tally *tally, const int64_t *key)
{
    uint64_t hash = 0;
    for (int i = 0; i < tally->key_count; i++) {
        hash = (hash ^ (uint64_t)key[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    return hash;
}

static bool same_key(const pc_tally *tally, int64_t index, const int64_t *key)
{
    const int64_t *other = pc_tally_key(tally, index);
    for (int i = 0; i < tally->key_count; i++) {
        if (other[i] != key[i]) return false;
    }
    return true;
}

/** Twice as many places, at most half of them taken. */
static pc_status grow_places(pc_tally *tally, pc_error *err)
{
    const size_t old = tally->places.bytes / sizeof(int64_t);
    const size_t count = old == 0 ? 64 : 2 * old;
    PC_TRY(pc_buffer_reserve(&tally->places, count * sizeof(int64_t), err));
    tally->places.bytes = count * sizeof(int64_t);
    memset(tally->places.data, 0, tally->places.bytes);
    int64_t *place = (int64_t *)(void *)tally->places.data;
    for (int64_t i = 0; i < tally->count; i++) {
        size_t at = (size_t)hash_key(tally, pc_tally_key(tally, i)) & (count - 1);
        while (place[at] != 0)
            at = (at + 1) & (count - 1);
        place[at] = i + 1;
    }
    return PC_OK;
}

/** A group that is not there yet, at its free place. */
static pc_status add_group(pc_tally *tally, const int64_t *key, int64_t *place, pc_error *err)
{
    const pc_tally_counts none = {.last_patient = -1, .last_member = -1};
    PC_TRY(pc_buffer_append(&tally->counts, &none, sizeof none, err));
    PC_TRY(pc_buffer_reserve(&tally->keys, 8, err));
    const pc_status status =
        pc_buffer_append(&tally->keys, key, (size_t)tally->key_count * sizeof *key, err);
    if (status != PC_OK) {
        tally->counts.bytes -= sizeof none;
        return status;
    }
    *place = ++tally->count;
    return PC_OK;
}

/** The group of a key, from 0. */
static pc_status find_group(pc_tally *tally, const int64_t *key, int64_t *out, pc_error *err)
{
    if ((size_t)tally->count * 2 >= tally->places.bytes / sizeof(int64_t)) {
        PC_TRY(grow_places(tally, err));
    }
    const size_t mask = tally->places.bytes / sizeof(int64_t) - 1;
    int64_t *place = (int64_t *)(void *)tally->places.data;
    size_t at = (size_t)hash_key(tally, key) & mask;
    while (place[at] != 0 && !same_key(tally, place[at] - 1, key))
        at = (at + 1) & mask;
    if (place[at] == 0) PC_TRY(add_group(tally, key, &place[at], err));
    *out = place[at] - 1;
    return PC_OK;
}

pc_status pc_tally_find(pc_tally *tally, const int64_t *key, pc_tally_counts **out, pc_error *err)
{
    int64_t group = 0; // without keys there is but one
    if (tally->key_count > 0 || tally->count == 0) PC_TRY(find_group(tally, key, &group, err));
    *out = pc_tally_counts_at(tally, group);
    return PC_OK;
}

pc_status pc_tally_find_rows(pc_tally *tally, int64_t *const *column, const bool *wanted, int count,
                             int64_t *group, pc_error *err)
{
    // Most rows of a batch fall into few groups: where each was found last is remembered.
    enum { REMEMBERED = 256 };
    int64_t found[REMEMBERED], key[PC_TALLY_KEYS_MAX];
    memset(found, 0xff, sizeof found);
    for (int row = 0; row < count; row++) {
        if (!wanted[row]) continue;
        for (int k = 0; k < tally->key_count; k++)
            key[k] = column[k][row];
        int64_t *near = &found[(hash_key(tally, key) >> 24) % REMEMBERED];
        if (*near < 0 || !same_key(tally, *near, key)) PC_TRY(find_group(tally, key, near, err));
        group[row] = *near;
    }
    return PC_OK;
}

// Packed: number of groups; for each its keys (a tag, then 8 bytes or length and text) and counts.
enum { TAG_NULL = 0, TAG_NUMBER = 1, TAG_TEXT = 2 };

static pc_status pack_key(const pc_tally *tally, int column, int64_t value, pc_buffer *out,
                          pc_error *err)
{
    unsigned char tag = value == PC_NULL                   ? TAG_NULL
                        : is_text(tally->key[column].type) ? TAG_TEXT
                                                           : TAG_NUMBER;
    PC_TRY(pc_buffer_append(out, &tag, 1, err));
    if (tag == TAG_NULL) return PC_OK;
    if (tag == TAG_NUMBER) return pc_buffer_append(out, &value, sizeof value, err);
    const pc_span text = pc_dict_text(tally->words->dict, (uint32_t)value);
    const int64_t bytes = (int64_t)text.bytes;
    PC_TRY(pc_buffer_append(out, &bytes, sizeof bytes, err));
    return pc_buffer_append(out, text.data, text.bytes, err);
}

pc_status pc_tally_pack(const pc_tally *tally, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_append(out, &tally->count, sizeof tally->count, err));
    for (int64_t i = 0; i < tally->count; i++) {
        for (int k = 0; k < tally->key_count; k++) {
            PC_TRY(pack_key(tally, k, pc_tally_key(tally, i)[k], out, err));
        }
        PC_TRY(pc_buffer_append(out, pc_tally_counts_at(tally, i), sizeof(pc_tally_counts), err));
    }
    return PC_OK;
}

/** Copies `bytes` from `in`. False: it is cut short. */
static bool take(pc_span in, size_t *at, void *out, size_t bytes)
{
    if (in.bytes - *at < bytes) return false;
    memcpy(out, in.data + *at, bytes);
    *at += bytes;
    return true;
}

static pc_status unpack_key(pc_tally *tally, pc_span in, size_t *at, int64_t *out, pc_error *err)
{
    static const char cut_short[] = "a packed tally is cut short";
    unsigned char tag = 0;
    if (!take(in, at, &tag, 1)) return PC_FAIL(err, PC_BAD_INPUT, cut_short);
    *out = PC_NULL;
    if (tag == TAG_NULL) return PC_OK;
    int64_t value = 0;
    if (!take(in, at, &value, sizeof value)) return PC_FAIL(err, PC_BAD_INPUT, cut_short);
    if (tag == TAG_NUMBER) {
        *out = value;
        return PC_OK;
    }
    if (value < 0 || in.bytes - *at < (size_t)value) {
        return PC_FAIL(err, PC_BAD_INPUT, cut_short);
    }
    PC_TRY(pc_words_add(tally->words, (pc_span){in.data + *at, (size_t)value}, out, err));
    *at += (size_t)value;
    return PC_OK;
}

pc_status pc_tally_merge(pc_tally *tally, pc_span in, size_t *at, pc_error *err)
{

    int64_t count = 0, key[PC_TALLY_KEYS_MAX];
    if (!take(in, at, &count, sizeof count) || tally->key_count > PC_TALLY_KEYS_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "a packed tally is cut short");
    }
    for (int64_t i = 0; i < count; i++) {
        for (int k = 0; k < tally->key_count; k++) {
            PC_TRY(unpack_key(tally, in, at, &key[k], err));
        }
        pc_tally_counts other, *mine = NULL;
        if (!take(in, at, &other, sizeof other)) {
            return PC_FAIL(err, PC_BAD_INPUT, "a packed tally is cut short");
        }
        PC_TRY(pc_tally_find(tally, key, &mine, err));
        mine->records += other.records;
        mine->patients += other.patients;
        mine->population += other.population;
        mine->total += other.total;
    }
    return PC_OK;
}

// Texts of groups stand as a reader expects them: the band 5-9 before 10-14.
static int compare_keys(const pc_tally *tally, int i, int64_t a, int64_t b)
{
    const pc_type type = tally->key[i].type;
    if (a == PC_NULL || b == PC_NULL || (type != PC_CODE && type != PC_TEXT)) {
        return pc_record_compare(&tally->key[i], tally->words, a, b);
    }
    return pc_span_compare_natural(pc_dict_text(tally->words->dict, (uint32_t)a),
                                   pc_dict_text(tally->words->dict, (uint32_t)b));
}

static int compare_groups(const pc_tally *tally, int64_t a, int64_t b)
{
    for (int i = 0; i < tally->key_count; i++) {
        const int order =
            compare_keys(tally, i, pc_tally_key(tally, a)[i], pc_tally_key(tally, b)[i]);
        if (order != 0) return order;
    }
    return 0;
}

pc_status pc_tally_order(const pc_tally *tally, pc_arena *arena, int64_t **out, pc_error *err)
{
    const size_t count = (size_t)tally->count;
    int64_t *order = pc_arena_array(arena, count, sizeof *order, err);
    int64_t *other = pc_arena_array(arena, count, sizeof *other, err);
    if (order == NULL || other == NULL) return PC_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        order[i] = (int64_t)i;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t left = 0; left < count; left += 2 * width) {
            const size_t middle = left + width < count ? left + width : count;
            const size_t right = left + 2 * width < count ? left + 2 * width : count;
            size_t a = left, b = middle;
            for (size_t at = left; at < right; at++) {
                const bool takes_a =
                    b == right || (a < middle && compare_groups(tally, order[a], order[b]) <= 0);
                other[at] = takes_a ? order[a++] : order[b++];
            }
        }
        int64_t *swap = order;
        order = other;
        other = swap;
    }
    *out = order;
    return PC_OK;
}
