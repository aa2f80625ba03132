/** Concept sets expanded with a vocabulary, and the index from a concept to its sets. */
#include <stdlib.h>
#include <string.h>
#include "concepts_inside.h"

/** A relation 'Maps to' to a concept that a set asks for. */
typedef struct mapping {
    int64_t to, from;
} mapping;

typedef struct expansion {
    circe_concepts *concepts;
    const circe_vocabulary *vocabulary;
    pc_buffer plus, minus, wanted; // int64_t
    pc_buffer mappings;            // mapping, sorted
    pc_buffer result;              // int64_t
} expansion;

static int compare_int64(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_mappings(const void *a, const void *b)
{
    const mapping *x = a, *y = b;
    if (x->to != y->to) return x->to < y->to ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

static void sort_unique(pc_buffer *values)
{
    int64_t *value = (int64_t *)(void *)values->data;
    const size_t count = values->bytes / sizeof *value;
    size_t kept = 0;
    if (count > 0) qsort(value, count, sizeof *value, compare_int64);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || value[kept - 1] != value[i]) value[kept++] = value[i];
    }
    values->bytes = kept * sizeof *value;
}

static pc_status missing(const concept_set *set, const char *table, const char *why, pc_error *err)
{
    return PC_FAIL(err, PC_BAD_JOB,
                   "%s: the store has no rows of %s, %s: load the vocabulary with the CDM",
                   set->place, table, why);
}

static pc_status check_tables(const expansion *x, const concept_set *set, pc_error *err)
{
    const circe_vocabulary *v = x->vocabulary;
    if (set->item_count > 0 && v->concept_count == 0) {
        return missing(set, "CONCEPT", "which tells the concepts that exist", err);
    }
    for (int i = 0; i < set->item_count; i++) {
        if (set->item[i].descendants && v->pair_count == 0) {
            return missing(set, "CONCEPT_ANCESTOR", "and includes descendants", err);
        }
        if (set->item[i].mapped && v->relation_count == 0) {
            return missing(set, "CONCEPT_RELATIONSHIP", "and includes mapped concepts", err);
        }
    }
    return PC_OK;
}

/** The concept itself and, if it asks for them, its valid descendants. */
static pc_status add_item(const expansion *x, const concept_set *set, const circe_item *item,
                          pc_buffer *out, pc_error *err)
{
    const circe_vocabulary *v = x->vocabulary;
    int64_t hint = 0, back = 0, first, end;
    if (circe_concept_known(v, item->concept, &hint) != CIRCE_UNKNOWN) {
        PC_TRY(pc_buffer_append(out, &item->concept, sizeof item->concept, err));
    }
    if (!item->descendants) return PC_OK;
    circe_descendants(v, item->concept, &first, &end);
    hint = 0;
    for (int64_t row = first; row < end; row++) {
        if (circe_is_null(&v->descendant, row)) break; // nulls are last
        const int64_t descendant = pc_column_int(&v->descendant, row);
        if (descendant != item->concept &&
            circe_is_descendant(v, descendant, item->concept, &back)) {
            return PC_FAIL(err, PC_BAD_JOB,
                           "%s: CONCEPT_ANCESTOR has a cycle: concepts %lld and %lld are "
                           "descendants of each other",
                           set->place, (long long)item->concept, (long long)descendant);
        }
        if (circe_concept_known(v, descendant, &hint) != CIRCE_VALID) continue;
        PC_TRY(pc_buffer_append(out, &descendant, sizeof descendant, err));
    }
    return PC_OK;
}

// ---- what maps to a concept --------------------------------------------------------------------

static pc_status collect_wanted(expansion *x, pc_error *err)
{
    for (int s = 0; s < x->concepts->set_count; s++) {
        const concept_set *set = &x->concepts->set[s];
        PC_TRY(check_tables(x, set, err));
        for (int i = 0; i < set->item_count; i++) {
            if (set->item[i].mapped) PC_TRY(add_item(x, set, &set->item[i], &x->wanted, err));
        }
    }
    sort_unique(&x->wanted);
    return PC_OK;
}

/** Which code of the column relationship_id is 'Maps to'. */
static int64_t maps_to(const pc_column *kind)
{
    for (uint32_t i = 0; kind->dict != NULL && i < kind->dict->count; i++) {
        if (pc_span_equal(pc_dict_text(kind->dict, i), pc_span_of("Maps to"))) return i;
    }
    return -1;
}

static bool is_valid_map(const circe_vocabulary *v, int64_t kind, int64_t row)
{
    return !circe_is_null(&v->kind, row) && pc_column_int(&v->kind, row) == kind &&
           circe_is_null(&v->ended, row);
}

/** One scan of the relations: those that end at a wanted concept. */
static pc_status find_mappings(expansion *x, pc_error *err)
{
    const circe_vocabulary *v = x->vocabulary;
    const int64_t *wanted = (const int64_t *)(const void *)x->wanted.data;
    const size_t count = x->wanted.bytes / sizeof *wanted;
    const int64_t kind = maps_to(&v->kind);
    if (count == 0 || (kind < 0 && !v->maps_only)) return PC_OK;
    for (int64_t row = 0; row < v->relation_count; row++) {
        if (!v->maps_only && !is_valid_map(v, kind, row)) continue;
        if (circe_is_null(&v->to, row)) continue;
        const mapping m = {pc_column_int(&v->to, row), pc_column_int(&v->from, row)};
        if (bsearch(&m.to, wanted, count, sizeof *wanted, compare_int64) == NULL) continue;
        PC_TRY(pc_buffer_append(&x->mappings, &m, sizeof m, err));
    }
    mapping *found = (mapping *)(void *)x->mappings.data;
    const size_t found_count = x->mappings.bytes / sizeof *found;
    if (found_count > 0) qsort(found, found_count, sizeof *found, compare_mappings);
    return PC_OK;
}

/** What maps to the concepts at `from` .. the end of `out`, behind them. */
static pc_status add_mapped(const expansion *x, size_t from, pc_buffer *out, pc_error *err)
{
    const mapping *m = (const mapping *)(const void *)x->mappings.data;
    const size_t count = x->mappings.bytes / sizeof *m;
    const size_t end = out->bytes;
    for (size_t at = from; at < end; at += sizeof(int64_t)) {
        int64_t to;
        memcpy(&to, out->data + at, sizeof to);
        size_t low = 0, high = count;
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (m[middle].to < to) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        for (; low < count && m[low].to == to; low++) {
            PC_TRY(pc_buffer_append(out, &m[low].from, sizeof m[low].from, err));
        }
    }
    return PC_OK;
}

// ---- one set ------------------------------------------------------------------------------------

static pc_status expand_set(expansion *x, const concept_set *set, pc_error *err)
{
    x->plus.bytes = x->minus.bytes = 0;
    for (int i = 0; i < set->item_count; i++) {
        const circe_item *item = &set->item[i];
        pc_buffer *out = item->is_excluded ? &x->minus : &x->plus;
        const size_t from = out->bytes;
        PC_TRY(add_item(x, set, item, out, err));
        if (item->mapped) PC_TRY(add_mapped(x, from, out, err));
    }
    sort_unique(&x->plus);
    sort_unique(&x->minus);
    const int64_t *plus = (const int64_t *)(const void *)x->plus.data;
    const int64_t *minus = (const int64_t *)(const void *)x->minus.data;
    const size_t plus_count = x->plus.bytes / sizeof *plus;
    const size_t minus_count = x->minus.bytes / sizeof *minus;
    size_t count = 0;
    for (size_t i = 0, k = 0; i < plus_count; i++) {
        while (k < minus_count && minus[k] < plus[i])
            k++;
        if (k < minus_count && minus[k] == plus[i]) continue;
        PC_TRY(pc_buffer_append(&x->result, &plus[i], sizeof plus[i], err));
        count++;
    }
    if (count < CIRCE_MOST_CONCEPTS) return PC_OK;
    return PC_FAIL(err, PC_BAD_JOB,
                   "%s: expands to %zu concepts: expected fewer than %d; a concept near the root "
                   "of the vocabulary with its descendants is a usual reason",
                   set->place, count, CIRCE_MOST_CONCEPTS);
}

static pc_status expand_all(expansion *x, pc_buffer *first, pc_error *err)
{
    int64_t at = 0;
    PC_TRY(collect_wanted(x, err));
    PC_TRY(find_mappings(x, err));
    PC_TRY(pc_buffer_append(first, &at, sizeof at, err));
    for (int s = 0; s < x->concepts->set_count; s++) {
        PC_TRY(expand_set(x, &x->concepts->set[s], err));
        at = (int64_t)(x->result.bytes / sizeof(int64_t));
        PC_TRY(pc_buffer_append(first, &at, sizeof at, err));
    }
    return PC_OK;
}

// ---- from a concept to its sets -----------------------------------------------------------------

static uint64_t spread(int64_t concept)
{
    uint64_t hash = (uint64_t) concept * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 32);
}

/** The place of a concept, or the free one where it would stand. */
static uint64_t find_key(const circe_concepts *c, int64_t concept)
{
    uint64_t at = spread(concept) & c->mask;
    while (c->key_end[at] != 0 && c->key[at] != concept)
        at = (at + 1) & c->mask;
    return at;
}

static pc_status make_index(circe_concepts *c, pc_error *err)
{
    const int64_t total = c->first[c->set_count];
    if (total >= INT32_MAX) {
        return PC_FAIL(err, PC_BAD_JOB, "the concept sets have %lld concepts: expected fewer",
                       (long long)total);
    }
    c->mask = 15;
    while (c->mask < 2 * (uint64_t)total)
        c->mask = 2 * c->mask + 1;
    const size_t room = (size_t)c->mask + 1;
    c->key = pc_arena_array(c->arena, room, sizeof *c->key, err);
    c->key_first = pc_arena_array(c->arena, room, sizeof *c->key_first, err);
    c->key_end = pc_arena_array(c->arena, room, sizeof *c->key_end, err);
    c->sets = pc_arena_array(c->arena, (size_t)total + 1, sizeof *c->sets, err);
    if (c->key == NULL || c->key_first == NULL || c->key_end == NULL || c->sets == NULL) {
        return PC_NO_MEMORY;
    }
    for (int64_t i = 0; i < total; i++) { // key_end counts first
        const uint64_t at = find_key(c, c->concept[i]);
        c->key[at] = c->concept[i];
        c->key_end[at]++;
    }
    uint32_t next = 0;
    for (size_t at = 0; at < room; at++) {
        const uint32_t count = c->key_end[at];
        c->key_first[at] = next;
        next += count;
        if (count > 0) c->key_end[at] = c->key_first[at] + 1; // one more than is filled: in use
    }
    for (int s = 0; s < c->set_count; s++) {
        for (int64_t i = c->first[s]; i < c->first[s + 1]; i++) {
            c->sets[c->key_end[find_key(c, c->concept[i])]++ - 1] = s;
        }
    }
    for (size_t at = 0; at < room; at++)
        c->key_end[at] -= c->key_end[at] > 0;
    return PC_OK;
}

/** Takes what expansion made into the arena. */
static pc_status take_result(circe_concepts *c, const pc_buffer *first, const pc_buffer *result,
                             pc_error *err)
{
    int64_t *begin = pc_arena_raw(c->arena, first->bytes + 1, err);
    int64_t *concept = pc_arena_raw(c->arena, result->bytes + 1, err);
    if (begin == NULL || concept == NULL) return PC_NO_MEMORY;
    memcpy(begin, first->data, first->bytes);
    if (result->bytes > 0) memcpy(concept, result->data, result->bytes);
    c->first = begin;
    c->concept = concept;
    return make_index(c, err);
}

static pc_status expand_into(circe_concepts *concepts, const circe_vocabulary *vocabulary,
                             pc_buffer *first, pc_buffer *result, pc_error *err)
{
    pc_budget *budget = concepts->arena->budget;
    expansion x = {.concepts = concepts,
                   .vocabulary = vocabulary,
                   .plus.budget = budget,
                   .minus.budget = budget,
                   .wanted.budget = budget,
                   .mappings.budget = budget,
                   .result.budget = budget};
    const pc_status status = expand_all(&x, first, err);
    pc_buffer_release(&x.plus);
    pc_buffer_release(&x.minus);
    pc_buffer_release(&x.wanted);
    pc_buffer_release(&x.mappings);
    *result = x.result;
    return status;
}

pc_status circe_concepts_expand(circe_concepts *concepts, const circe_vocabulary *vocabulary,
                                pc_error *err)
{
    pc_buffer first = {.budget = concepts->arena->budget}, result = {0};
    pc_status status = expand_into(concepts, vocabulary, &first, &result, err);
    if (status == PC_OK) status = take_result(concepts, &first, &result, err);
    pc_buffer_release(&first);
    pc_buffer_release(&result);
    return status;
}

pc_status circe_concepts_share(circe_concepts *concepts, pc_comm *comm,
                               const circe_vocabulary *vocabulary, pc_error *err)
{
    pc_buffer first = {.budget = concepts->arena->budget};
    pc_buffer result = {.budget = concepts->arena->budget};
    pc_status status = PC_OK;
    if (pc_comm_rank(comm) == 0) {
        status = expand_into(concepts, vocabulary, &first, &result, err);
    }
    status = pc_comm_agree(comm, status, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &first, err);
    if (status == PC_OK) status = pc_comm_broadcast_buffer(comm, &result, err);
    if (status == PC_OK) status = take_result(concepts, &first, &result, err);
    pc_buffer_release(&first);
    pc_buffer_release(&result);
    return pc_comm_agree(comm, status, err);
}

const int64_t *circe_concepts_of(const circe_concepts *concepts, int set, int64_t *count)
{
    *count = concepts->first[set + 1] - concepts->first[set];
    return concepts->concept + concepts->first[set];
}

const int32_t *circe_sets_with(const circe_concepts *concepts, int64_t concept, int *count)
{
    const uint64_t at = find_key(concepts, concept);
    *count = (int)(concepts->key_end[at] - concepts->key_first[at]);
    if (concepts->key_end[at] == 0) *count = 0;
    return concepts->sets + concepts->key_first[at];
}

bool circe_set_has(const circe_concepts *concepts, int set, int64_t concept)
{
    int64_t count;
    const int64_t *of = circe_concepts_of(concepts, set, &count);
    return bsearch(&concept, of, (size_t)count, sizeof *of, compare_int64) != NULL;
}
