/** A hash table over all ranks. Rounds: keys go to their owners, tags come back. */
#include "keymap.h"
#include <string.h>
#include "parcours/hash.h"

enum {
    LEAST_PLACES = 1024,
    AHEAD = 32 // keys whose places are fetched before the first of them is looked at
};

typedef struct sent_key {
    int64_t row;   // the first row that asks for it
    uint64_t hash; // of its place
    int rank;      // where it lives
} sent_key;

pc_status keymap_init(keymap *map, pc_comm *comm, int key_bytes, pc_arena *arena, pc_budget *budget,
                      pc_error *err)
{
    *map = (keymap){.key_bytes = key_bytes,
                    .entry_bytes = key_bytes + PC_TAG_BYTES + 1,
                    .entry.budget = budget,
                    .place.budget = budget,
                    .unique.budget = budget,
                    .first.budget = budget,
                    .sent.budget = budget,
                    .value.budget = budget};
    const size_t key = (size_t)key_bytes;
    PC_TRY(scatter_init(&map->put, comm, key + PC_TAG_BYTES, arena, budget, err));
    PC_TRY(scatter_init(&map->ask, comm, key, arena, budget, err));
    return scatter_init(&map->answer, comm, PC_TAG_BYTES + 1, arena, budget, err);
}

void keymap_release(keymap *map)
{
    pc_buffer_release(&map->entry);
    pc_buffer_release(&map->place);
    pc_buffer_release(&map->unique);
    pc_buffer_release(&map->first);
    pc_buffer_release(&map->sent);
    pc_buffer_release(&map->value);
    scatter_release(&map->put);
    scatter_release(&map->ask);
    scatter_release(&map->answer);
}

int64_t keymap_entry_cost(int key_bytes)
{
    const int64_t entry = key_bytes + PC_TAG_BYTES + 1;
    return entry + entry / 2 + 4 * (int64_t)sizeof(uint64_t); // grown by halves, half-full places
}

/** @param hash  place_hash of the key */
static int owner_of(const keymap *map, uint64_t hash)
{
    return (int)(((hash >> 32) * (uint64_t)map->put.ranks) >> 32);
}

static unsigned char *entry_at(const keymap *map, int64_t entry)
{
    return (unsigned char *)map->entry.data + entry * map->entry_bytes;
}

/** The place of a key: its own, or the free one where it belongs. */
static uint64_t *find_place(const keymap *map, const unsigned char *key, uint64_t hash)
{
    uint64_t *place = (uint64_t *)(void *)map->place.data;
    uint64_t at = hash & map->place_mask;
    for (;; at = (at + 1) & map->place_mask) {
        if (place[at] == 0) return &place[at];
        if (place[at] >> 32 != hash >> 32) continue;
        const int64_t entry = (int64_t)(uint32_t)place[at] - 1;
        if (memcmp(entry_at(map, entry), key, (size_t)map->key_bytes) == 0) return &place[at];
    }
}

static uint64_t place_hash(const keymap *map, const unsigned char *key)
{
    return pc_hash64(key, (size_t)map->key_bytes);
}

/** The hashes of up to AHEAD keys; their places are on their way to the cache. */
static int hash_ahead(const keymap *map, const unsigned char *key, size_t stride, int64_t left,
                      uint64_t hash[AHEAD])
{
    const uint64_t *place = (const uint64_t *)(const void *)map->place.data;
    const int count = left < AHEAD ? (int)left : AHEAD;
    for (int i = 0; i < count; i++, key += stride) {
        hash[i] = place_hash(map, key);
        if (place != NULL) __builtin_prefetch(&place[hash[i] & map->place_mask], 1);
    }
    return count;
}

/** @param wanted  places, a power of two */
static pc_status make_places(keymap *map, uint64_t wanted, pc_error *err)
{
    if (wanted > UINT32_MAX) {
        return PC_FAIL(err, PC_NO_MEMORY, "a rank holds more than 2^31 keys: use more ranks");
    }
    pc_buffer_release(&map->place); // rebuilt from the entries: old and new need not coexist
    map->place_mask = 0;
    PC_TRY(pc_buffer_reserve(&map->place, wanted * sizeof(uint64_t), err));
    memset(map->place.data, 0, wanted * sizeof(uint64_t));
    map->place_mask = wanted - 1;
    for (int64_t i = 0; i < map->entry_count; i++) {
        const uint64_t hash = place_hash(map, entry_at(map, i));
        *find_place(map, entry_at(map, i), hash) = (hash >> 32 << 32) | (uint64_t)(i + 1);
    }
    return PC_OK;
}

pc_status keymap_expect(keymap *map, int64_t count, pc_error *err)
{
    uint64_t wanted = LEAST_PLACES;
    while (wanted < 2 * (uint64_t)count + 2)
        wanted *= 2;
    const size_t bytes = (size_t)count * (size_t)map->entry_bytes;
    PC_TRY(pc_buffer_reserve(&map->entry, bytes, err));
    return make_places(map, wanted, err);
}

static pc_status put_one(keymap *map, const unsigned char *key, uint64_t hash,
                         const unsigned char *tag, pc_error *err)
{
    if (2 * (uint64_t)(map->entry_count + 1) > map->place_mask) {
        const uint64_t now = map->place_mask + 1;
        PC_TRY(make_places(map, map->place_mask == 0 ? LEAST_PLACES : 2 * now, err));
    }
    uint64_t *place = find_place(map, key, hash);
    if (*place == 0) {
        const size_t bytes = map->entry.bytes + (size_t)map->entry_bytes;
        PC_TRY(pc_buffer_reserve(&map->entry, bytes, err));
        unsigned char *entry = entry_at(map, map->entry_count);
        memcpy(entry, key, (size_t)map->key_bytes);
        memcpy(entry + map->key_bytes, tag, PC_TAG_BYTES);
        entry[map->entry_bytes - 1] = 0;
        map->entry.bytes = bytes;
        *place = (hash >> 32 << 32) | (uint64_t)++map->entry_count;
        return PC_OK;
    }
    unsigned char *entry = entry_at(map, (int64_t)(uint32_t)*place - 1);
    const int order = memcmp(tag, entry + map->key_bytes, PC_TAG_BYTES);
    if (order == 0) return PC_OK;
    if (order < 0) memcpy(entry + map->key_bytes, tag, PC_TAG_BYTES);
    if (map->several_is_none) memset(entry + map->key_bytes, 0, PC_TAG_BYTES);
    map->conflict_count += entry[map->entry_bytes - 1] == 0;
    entry[map->entry_bytes - 1] = 1;
    return PC_OK;
}

static pc_status put_all(keymap *map, const pc_buffer *records, pc_error *err)
{
    const size_t width = map->put.record_bytes;
    const unsigned char *record = (const unsigned char *)records->data;
    int64_t left = (int64_t)(records->bytes / width);
    while (left > 0) {
        uint64_t hash[AHEAD];
        const int count = hash_ahead(map, record, width, left, hash);
        for (int i = 0; i < count; i++, record += width) {
            PC_TRY(put_one(map, record, hash[i], record + map->key_bytes, err));
        }
        left -= count;
    }
    return PC_OK;
}

/** Own keys into the map, the others' on their way. Local. */
static pc_status put_or_send(keymap *map, const unsigned char *key, const unsigned char *tag,
                             size_t stride, int64_t left, pc_error *err)
{
    scatter *put = &map->put;
    while (left > 0) {
        uint64_t hash[AHEAD];
        const int count = hash_ahead(map, key, stride, left, hash);
        for (int i = 0; i < count; i++, key += stride, tag += stride) {
            const int owner = owner_of(map, hash[i]);
            if (owner == put->rank) {
                PC_TRY(put_one(map, key, hash[i], tag, err));
                continue;
            }
            unsigned char *record = scatter_add(put, owner, err);
            if (record == NULL) return PC_NO_MEMORY;
            memcpy(record, key, (size_t)map->key_bytes);
            memcpy(record + map->key_bytes, tag, PC_TAG_BYTES);
        }
        left -= count;
    }
    return PC_OK;
}

pc_status keymap_put(keymap *map, pc_status status, const unsigned char *key,
                     const unsigned char *tag, size_t stride, int64_t count, pc_error *err)
{
    scatter *put = &map->put;
    if (status == PC_OK) status = put_or_send(map, key, tag, stride, count, err);
    status = pc_comm_agree(put->comm, status, err);
    if (status == PC_OK) status = scatter_send(put, err);
    if (status == PC_OK) status = put_all(map, &put->in, err);
    return pc_comm_agree(put->comm, status, err);
}

// ---- asking -----------------------------------------------------------------------------------

static void answer_one(const keymap *map, const unsigned char *key, uint64_t hash,
                       unsigned char *answer)
{
    const uint64_t *place = map->entry_count == 0 ? NULL : find_place(map, key, hash);
    answer[PC_TAG_BYTES] = place != NULL && *place != 0;
    if (answer[PC_TAG_BYTES] == 0) return;
    memcpy(answer, entry_at(map, (int64_t)(uint32_t)*place - 1) + map->key_bytes, PC_TAG_BYTES);
}

/** Each distinct key once: neighbours first, since rows of a person stand together. */
static pc_status find_distinct(keymap *map, const unsigned char *key, int64_t count, pc_error *err)
{
    const size_t width = (size_t)map->key_bytes;
    uint64_t mask = LEAST_PLACES - 1;
    while (mask < 2 * (uint64_t)count)
        mask = 2 * mask + 1;
    PC_TRY(pc_buffer_reserve(&map->unique, (mask + 1) * sizeof(uint64_t), err));
    PC_TRY(pc_buffer_reserve(&map->first, (size_t)count * sizeof(int32_t), err));
    memset(map->unique.data, 0, (mask + 1) * sizeof(uint64_t));
    map->sent.bytes = 0;
    uint64_t *place = (uint64_t *)(void *)map->unique.data;
    int32_t *first = (int32_t *)(void *)map->first.data;
    int32_t distinct = 0;
    for (int64_t i = 0; i < count; i++, key += width) {
        if (i > 0 && memcmp(key, key - width, width) == 0) {
            first[i] = first[i - 1];
            continue;
        }
        const uint64_t hash = place_hash(map, key);
        uint64_t at = hash & mask;
        const unsigned char *base = key - (size_t)i * width;
        const sent_key *sent = (const sent_key *)(const void *)map->sent.data;
        while (place[at] != 0 &&
               memcmp(base + (size_t)sent[place[at] - 1].row * width, key, width) != 0) {
            at = (at + 1) & mask;
        }
        if (place[at] == 0) {
            const sent_key asked = {.row = i, .rank = owner_of(map, hash), .hash = hash};
            if (asked.rank == map->ask.rank && map->entry_count > 0) {
                __builtin_prefetch((uint64_t *)(void *)map->place.data + (hash & map->place_mask));
            }
            PC_TRY(pc_buffer_append(&map->sent, &asked, sizeof asked, err));
            place[at] = (uint64_t)++distinct;
        }
        first[i] = (int32_t)(place[at] - 1);
    }
    return PC_OK;
}

/** Asks the own rank at once; puts the others' keys into `ask`. */
static pc_status ask_all(keymap *map, const unsigned char *key, pc_error *err)
{
    const size_t width = PC_TAG_BYTES + 1;
    const size_t distinct = map->sent.bytes / sizeof(sent_key);
    PC_TRY(pc_buffer_reserve(&map->value, distinct * width, err));
    const sent_key *sent = (const sent_key *)(const void *)map->sent.data;
    for (size_t i = 0; i < distinct; i++) {
        const unsigned char *wanted = key + (size_t)sent[i].row * (size_t)map->key_bytes;
        if (sent[i].rank == map->ask.rank) {
            answer_one(map, wanted, sent[i].hash, (unsigned char *)map->value.data + i * width);
            continue;
        }
        unsigned char *record = scatter_add(&map->ask, sent[i].rank, err);
        if (record == NULL) return PC_NO_MEMORY;
        memcpy(record, wanted, (size_t)map->key_bytes);
    }
    return PC_OK;
}

static pc_status answer_all(keymap *map, pc_error *err)
{
    const unsigned char *key = (const unsigned char *)map->ask.in.data;
    for (int r = 0; map->ask.ranks > 1 && r < map->ask.ranks; r++) {
        const size_t width = (size_t)map->key_bytes;
        for (int64_t left = map->ask.in_bytes[r] / map->key_bytes; left > 0;) {
            uint64_t hash[AHEAD];
            const int count = hash_ahead(map, key, width, left, hash);
            for (int i = 0; i < count; i++, key += width) {
                unsigned char *record = scatter_add(&map->answer, r, err);
                if (record == NULL) return PC_NO_MEMORY;
                answer_one(map, key, hash[i], record);
            }
            left -= count;
        }
    }
    return PC_OK;
}

/** Answers of a rank stand in the order in which it was asked. */
static void collect_answers(keymap *map)
{
    const size_t width = PC_TAG_BYTES + 1;
    scatter *answer = &map->answer;
    const sent_key *sent = (const sent_key *)(const void *)map->sent.data;
    const size_t distinct = map->sent.bytes / sizeof *sent;
    const char *from = answer->in.data;
    for (int r = 0; r < answer->ranks; r++) {
        answer->span[r].data = from; // the next answer of that rank
        if (from != NULL) from += answer->in_bytes[r];
    }
    for (size_t i = 0; i < distinct; i++) {
        const int r = sent[i].rank;
        if (r == answer->rank) continue;
        memcpy(map->value.data + i * width, answer->span[r].data, width);
        answer->span[r].data += width;
    }
}

pc_status keymap_get(keymap *map, pc_status status, const unsigned char *key, int64_t count,
                     unsigned char *tag, bool *found, pc_error *err)
{
    if (status == PC_OK) status = find_distinct(map, key, count, err);
    if (status == PC_OK) status = ask_all(map, key, err);
    status = pc_comm_agree(map->ask.comm, status, err);
    if (status == PC_OK && map->ask.ranks > 1) {
        status = scatter_send(&map->ask, err);
        if (status == PC_OK) status = answer_all(map, err);
        status = pc_comm_agree(map->ask.comm, status, err);
        if (status == PC_OK) status = scatter_send(&map->answer, err);
        if (status == PC_OK) collect_answers(map);
        status = pc_comm_agree(map->ask.comm, status, err);
    }
    scatter_clear(&map->ask);
    scatter_clear(&map->answer);
    if (status != PC_OK) return status;
    const int32_t *first = (const int32_t *)(const void *)map->first.data;
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *value =
            (const unsigned char *)map->value.data + (size_t)first[i] * (PC_TAG_BYTES + 1);
        found[i] = value[PC_TAG_BYTES] != 0;
        if (found[i]) memcpy(tag + i * PC_TAG_BYTES, value, PC_TAG_BYTES);
    }
    return PC_OK;
}
