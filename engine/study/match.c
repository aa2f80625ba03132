// Choosing controls: by hash, not by a random stream, so that nothing depends on order.
#include "match.h"
#include <stdio.h>
#include <string.h>
#include "parcours/hash.h"

enum { TEXT_BYTES = 160 }; // seed, two keys, a day, bars

static const int64_t *near_of(const pc_match_item *item)
{
    return (const int64_t *)(const void *)(item + 1);
}

static pc_span on_of(const pc_match_item *item, int near_count)
{
    return (pc_span){(const char *)(near_of(item) + near_count), (size_t)item->on_bytes};
}

static size_t item_bytes(const pc_match_item *item, int near_count)
{
    const size_t on = item->on_bytes < 0 ? 0 : (size_t)item->on_bytes;
    return sizeof *item + (size_t)near_count * sizeof(int64_t) + (on + 7) / 8 * 8;
}

/** The text of a key, as stored: without its kind. */
static pc_span key_text(const pc_slot_key *key)
{
    const char *end = memchr(key->byte + 1, '\0', PC_SLOT_TEXT_BYTES);
    return (pc_span){key->byte + 1,
                     end == NULL ? PC_SLOT_TEXT_BYTES : (size_t)(end - key->byte) - 1};
}

/** BLAKE2b-64 of "seed|case|day" or, with a candidate, "seed|case|day|candidate". */
static uint64_t hash_of(const pc_match *match, const pc_match_item *one,
                        const pc_match_item *candidate)
{
    char text[TEXT_BYTES], day[16];
    pc_day_format(one->first, day);
    const pc_span mine = key_text(&one->key);
    int bytes = snprintf(text, sizeof text, "%lld|%.*s|%s", (long long)match->seed, (int)mine.bytes,
                         mine.data, day);
    if (candidate != NULL) {
        const pc_span other = key_text(&candidate->key);
        bytes += snprintf(text + bytes, sizeof text - (size_t)bytes, "|%.*s", (int)other.bytes,
                          other.data);
    }
    return pc_blake2b_64(text, (size_t)bytes);
}

/** Items being put in order. */
typedef struct sorting {
    const pc_match *match;
    pc_match_item **item, **other;
} sorting;

static int compare_keys(const pc_slot_key *a, const pc_slot_key *b)
{
    return memcmp(a->byte, b->byte, PC_SLOT_KEY_BYTES);
}

/** By `on` values (nulls first, each for itself), cases before candidates, then keys and days. */
static int by_group(const sorting *s, const pc_match_item *a, const pc_match_item *b)
{
    const int near_count = s->match->near_count;
    if ((a->on_bytes < 0) != (b->on_bytes < 0)) return a->on_bytes < 0 ? -1 : 1;
    const int order =
        a->on_bytes < 0 ? 0 : pc_span_compare(on_of(a, near_count), on_of(b, near_count));
    if (order != 0) return order;
    if (a->is_case != b->is_case) return a->is_case ? -1 : 1;
    const int keys = compare_keys(&a->key, &b->key);
    if (keys != 0) return keys;
    return a->first != b->first ? (a->first < b->first ? -1 : 1)
                                : (a->last > b->last) - (a->last < b->last);
}

/** Candidates by the first value that they must be near in. */
static int by_near(const sorting *s, const pc_match_item *a, const pc_match_item *b)
{
    if (s->match->near_count == 0 || near_of(a)[0] == near_of(b)[0]) return 0;
    return near_of(a)[0] < near_of(b)[0] ? -1 : 1;
}

/** Cases in the order in which they choose. */
static int by_turn(const sorting *s, const pc_match_item *a, const pc_match_item *b)
{
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    const uint64_t x = hash_of(s->match, a, NULL), y = hash_of(s->match, b, NULL);
    if (x != y) return x < y ? -1 : 1;
    return compare_keys(&a->key, &b->key);
}

/** Stable. */
static void sort_items(const sorting *s, int64_t from, int64_t end,
                       int (*compare)(const sorting *, const pc_match_item *,
                                      const pc_match_item *))
{
    for (int64_t width = 1; width < end - from; width *= 2) {
        for (int64_t left = from; left < end; left += 2 * width) {
            const int64_t middle = left + width < end ? left + width : end;
            const int64_t right = left + 2 * width < end ? left + 2 * width : end;
            int64_t a = left, b = middle;
            for (int64_t at = left; at < right; at++) {
                const bool takes_a =
                    b == right || (a < middle && compare(s, s->item[a], s->item[b]) <= 0);
                s->other[at] = takes_a ? s->item[a++] : s->item[b++];
            }
        }
        memcpy(s->item + from, s->other + from, (size_t)(end - from) * sizeof *s->item);
    }
}

/** A candidate that may be taken. */
typedef struct choice {
    uint64_t hash;
    const pc_match_item *item;
} choice;

static bool is_before(const choice *a, const choice *b)
{
    return a->hash != b->hash ? a->hash < b->hash : compare_keys(&a->item->key, &b->item->key) < 0;
}

/** Is the candidate another patient at risk on the case's day, and near it. */
static bool fits(const pc_match *match, const pc_match_item *one, const pc_match_item *candidate)
{
    if (candidate->first > one->first || candidate->last < one->first) return false;
    for (int i = 0; i < match->near_count; i++) {
        const int64_t here = near_of(one)[i], there = near_of(candidate)[i];
        if (here == PC_NULL || there == PC_NULL) return false;
        if (there < here - match->apart[i] || there > here + match->apart[i]) return false;
    }
    return compare_keys(&one->key, &candidate->key) != 0;
}

/** Puts a candidate among the best `count` of `limit`; one patient once. */
static int64_t keep_best(choice *best, int64_t count, int64_t limit, choice one)
{
    int64_t at = count;
    while (at > 0 && is_before(&one, &best[at - 1]))
        at--;
    if (at > 0 && compare_keys(&best[at - 1].item->key, &one.item->key) == 0) return count;
    if (at == limit) return count;
    if (count < limit) count++;
    memmove(&best[at + 1], &best[at], (size_t)(count - 1 - at) * sizeof *best);
    best[at] = one;
    return count;
}

/** Those that share values of `on`: candidates `from .. end - 1` by their first near value. */
typedef struct stratum {
    const sorting *s;
    int64_t from, end;
    bool *is_used; ///< [patients] of candidates; NULL: they may serve again
    choice *best;  ///< [ratio]
} stratum;

/** The first candidate whose first near value is at least `low`. */
static int64_t first_near(const stratum *g, int64_t low)
{
    int64_t from = g->from, end = g->end;
    while (from < end) {
        const int64_t middle = from + (end - from) / 2;
        if (near_of(g->s->item[middle])[0] < low) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

static int64_t choose(const stratum *g, const pc_match_item *one)
{
    const pc_match *match = g->s->match;
    const bool is_sorted = match->near_count > 0;
    if (is_sorted && near_of(one)[0] == PC_NULL) return 0;
    const int64_t high = is_sorted ? near_of(one)[0] + match->apart[0] : 0;
    int64_t count = 0;
    int64_t at = is_sorted ? first_near(g, near_of(one)[0] - match->apart[0]) : g->from;
    for (; at < g->end; at++) {
        const pc_match_item *candidate = g->s->item[at];
        if (is_sorted && near_of(candidate)[0] > high) break;
        if (g->is_used != NULL && g->is_used[candidate->patient]) continue;
        if (!fits(match, one, candidate)) continue;
        const choice next = {hash_of(match, one, candidate), candidate};
        count = keep_best(g->best, count, match->ratio, next);
    }
    return count;
}

static pc_status add_set(const stratum *g, const pc_match_item *one, int64_t count, pc_buffer *sets,
                         pc_error *err)
{
    const pc_match_set set = {.key = one->key, .day = one->first, .count = (int32_t)count};
    PC_TRY(pc_buffer_append(sets, &set, sizeof set, err));
    for (int64_t i = 0; i < count; i++) {
        const pc_match_item *control = g->best[i].item;
        if (g->is_used != NULL) g->is_used[control->patient] = true;
        PC_TRY(pc_buffer_append(sets, &control->key, sizeof control->key, err));
    }
    return PC_OK;
}

/** Items `from .. end - 1` share their `on` values; cases stand first. */
static pc_status match_group(const sorting *s, int64_t from, int64_t end, bool *is_used,
                             choice *best, pc_buffer *sets, pc_error *err)
{
    int64_t candidates = from;
    while (candidates < end && s->item[candidates]->is_case)
        candidates++;
    int32_t patients = 0;
    for (int64_t i = candidates; i < end; i++) {
        const bool is_same =
            i > candidates && compare_keys(&s->item[i]->key, &s->item[i - 1]->key) == 0;
        s->item[i]->patient = is_same ? patients - 1 : patients++;
    }
    if (is_used != NULL) memset(is_used, 0, (size_t)patients * sizeof *is_used);
    // Those without a first near value can be near nothing: they stand below all others.
    if (s->match->near_count > 0) sort_items(s, candidates, end, by_near);
    if (is_used != NULL) sort_items(s, from, candidates, by_turn);
    const stratum g = {s, candidates, end, is_used, best};
    for (int64_t i = from; i < candidates; i++) {
        const pc_match_item *one = s->item[i];
        const int64_t count = one->on_bytes < 0 ? 0 : choose(&g, one);
        PC_TRY(add_set(&g, one, count, sets, err));
    }
    return PC_OK;
}

static bool same_group(const sorting *s, const pc_match_item *a, const pc_match_item *b)
{
    if (a->on_bytes < 0 || b->on_bytes < 0) return a->on_bytes == b->on_bytes;
    return pc_span_equal(on_of(a, s->match->near_count), on_of(b, s->match->near_count));
}

static pc_status match_all(const pc_match *match, pc_buffer *items, pc_arena *arena,
                           pc_buffer *sets, pc_error *err)
{
    int64_t count = 0;
    for (size_t at = 0; at < items->bytes; count++)
        at += item_bytes((pc_match_item *)(void *)(items->data + at), match->near_count);
    const size_t room = (size_t)count + 1;
    sorting s = {.match = match,
                 .item = pc_arena_array(arena, room, sizeof *s.item, err),
                 .other = pc_arena_array(arena, room, sizeof *s.other, err)};
    bool *is_used = pc_arena_array(arena, room, sizeof *is_used, err);
    choice *best = pc_arena_array(arena, (size_t)match->ratio + 1, sizeof *best, err);
    if (s.item == NULL || s.other == NULL || is_used == NULL || best == NULL) return PC_NO_MEMORY;
    int64_t index = 0;
    for (size_t at = 0; at < items->bytes;) {
        s.item[index] = (pc_match_item *)(void *)(items->data + at);
        at += item_bytes(s.item[index++], match->near_count);
    }
    sort_items(&s, 0, count, by_group);
    for (int64_t first = 0; first < count;) {
        int64_t next = first + 1;
        while (next < count && same_group(&s, s.item[first], s.item[next]))
            next++;
        PC_TRY(match_group(&s, first, next, match->reuse ? NULL : is_used, best, sets, err));
        first = next;
    }
    return PC_OK;
}

pc_status pc_match_sets(const pc_match *match, pc_buffer *items, pc_buffer *sets, pc_error *err)
{
    pc_arena arena = {.budget = sets->budget};
    const pc_status status = match_all(match, items, &arena, sets, err);
    pc_arena_reset(&arena);
    return status;
}

/** Order of sets: by day, then by the case's key. */
static int compare_sets(const pc_match_set *a, const pc_match_set *b)
{
    if (a->day != b->day) return a->day < b->day ? -1 : 1;
    return compare_keys(&a->key, &b->key);
}

/** Order of members: by patient, then by set; the case before its controls. */
static int compare_members(const pc_match_member *a, const pc_match_member *b)
{
    const int keys = compare_keys(&a->key, &b->key);
    if (keys != 0) return keys;
    if (a->set_id != b->set_id) return a->set_id < b->set_id ? -1 : 1;
    return b->is_case - a->is_case;
}

static void sort_members(pc_match_member *member, pc_match_member *other, int64_t count)
{
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t left = 0; left < count; left += 2 * width) {
            const int64_t middle = left + width < count ? left + width : count;
            const int64_t right = left + 2 * width < count ? left + 2 * width : count;
            int64_t a = left, b = middle;
            for (int64_t at = left; at < right; at++) {
                const bool takes_a =
                    b == right || (a < middle && compare_members(&member[a], &member[b]) <= 0);
                other[at] = takes_a ? member[a++] : member[b++];
            }
        }
        memcpy(member, other, (size_t)count * sizeof *member);
    }
}

static void sort_sets(const pc_match_set **set, const pc_match_set **other, int64_t count)
{
    for (int64_t width = 1; width < count; width *= 2) {
        for (int64_t left = 0; left < count; left += 2 * width) {
            const int64_t middle = left + width < count ? left + width : count;
            const int64_t right = left + 2 * width < count ? left + 2 * width : count;
            int64_t a = left, b = middle;
            for (int64_t at = left; at < right; at++) {
                const bool takes_a =
                    b == right || (a < middle && compare_sets(set[a], set[b]) <= 0);
                other[at] = takes_a ? set[a++] : set[b++];
            }
        }
        memcpy(set, other, (size_t)count * sizeof *set);
    }
}

static pc_status number_all(pc_span sets, pc_arena *arena, pc_buffer *members, pc_error *err)
{
    int64_t set_count = 0, member_count = 0;
    for (size_t at = 0; at < sets.bytes; set_count++) {
        const pc_match_set *set = (const pc_match_set *)(const void *)(sets.data + at);
        at += sizeof *set + (size_t)set->count * sizeof(pc_slot_key);
        member_count += 1 + set->count;
    }
    const pc_match_set **set = pc_arena_array(arena, (size_t)set_count + 1, sizeof *set, err);
    const pc_match_set **other = pc_arena_array(arena, (size_t)set_count + 1, sizeof *other, err);
    pc_match_member *spare = pc_arena_array(arena, (size_t)member_count + 1, sizeof *spare, err);
    if (set == NULL || other == NULL || spare == NULL) return PC_NO_MEMORY;
    int64_t index = 0;
    for (size_t at = 0; at < sets.bytes;) {
        set[index] = (const pc_match_set *)(const void *)(sets.data + at);
        at += sizeof **set + (size_t)set[index++]->count * sizeof(pc_slot_key);
    }
    sort_sets(set, other, set_count);
    members->bytes = 0;
    PC_TRY(pc_buffer_reserve(members, (size_t)member_count * sizeof *spare, err));
    pc_match_member *out = (pc_match_member *)(void *)members->data;
    int64_t made = 0;
    for (int64_t i = 0; i < set_count; i++) {
        const pc_slot_key *control = (const pc_slot_key *)(const void *)(set[i] + 1);
        out[made++] = (pc_match_member){set[i]->key, set[i]->day, 1, i + 1};
        for (int32_t k = 0; k < set[i]->count; k++)
            out[made++] = (pc_match_member){control[k], set[i]->day, 0, i + 1};
    }
    members->bytes = (size_t)member_count * sizeof *spare;
    if (member_count > 0) sort_members(out, spare, member_count);
    return PC_OK;
}

pc_status pc_match_number(pc_span sets, pc_buffer *members, pc_error *err)
{
    pc_arena arena = {.budget = members->budget};
    const pc_status status = number_all(sets, &arena, members, err);
    pc_arena_reset(&arena);
    return status;
}
