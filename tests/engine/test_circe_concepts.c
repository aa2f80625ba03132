/** Concept sets: read with their errors, expanded like a slow twin, found by concept. */
#include "engine/circe/concepts.h"
#include <stdio.h>
#include <string.h>
#include "test_main.h"
#include "test_random.h"

enum { SEED = 6, CONCEPTS = 40, PAIRS = 200, RELATIONS = 60, MOST_ITEMS = 8, MOST_TEXT = 4096 };

/** A vocabulary in arrays. */
typedef struct small_vocabulary {
    int64_t concept[CONCEPTS], ancestor[PAIRS], descendant[PAIRS], from[RELATIONS], to[RELATIONS];
    uint8_t invalid[CONCEPTS], kind[RELATIONS], ended[RELATIONS];
    uint64_t has_invalid[2], has_ended[2];
    int concept_count, pair_count, relation_count;
} small_vocabulary;

static const uint64_t dict_offset[] = {0, 1, 2, 9, 20};
static const pc_dict dict = {
    .count = 4, .sorted = false, .offset = dict_offset, .bytes = "DUMaps toMapped from"};

static circe_vocabulary view(const small_vocabulary *v)
{
    const pc_column number = {.type = PC_INT, .width = 8};
    const pc_column code = {.type = PC_CODE, .width = 1, .dict = &dict};
    circe_vocabulary out = {.concept_count = v->concept_count,
                            .pair_count = v->pair_count,
                            .relation_count = v->relation_count,
                            .concept = number,
                            .ancestor = number,
                            .descendant = number,
                            .from = number,
                            .to = number,
                            .invalid = code,
                            .kind = code,
                            .ended = code};
    out.concept.data = v->concept;
    out.ancestor.data = v->ancestor;
    out.descendant.data = v->descendant;
    out.from.data = v->from;
    out.to.data = v->to;
    out.invalid.data = v->invalid;
    out.invalid.valid = v->has_invalid;
    out.kind.data = v->kind;
    out.ended.data = v->ended;
    out.ended.valid = v->has_ended;
    return out;
}

/** Concepts 10, 12, 14 ...; ancestors are always smaller than descendants, some concepts are
 *  invalid, some ids of pairs and relations are of no concept. */
static void make_vocabulary(uint64_t *random, small_vocabulary *v)
{
    memset(v, 0, sizeof *v);
    for (int64_t id = 10; v->concept_count < CONCEPTS; id += 1 + pc_test_below(random, 3)) {
        const int i = v->concept_count++;
        v->concept[i] = id;
        if (pc_test_below(random, 4) == 0) v->has_invalid[i / 64] |= UINT64_C(1) << (i % 64);
    }
    for (int64_t a = 9; a < 90 && v->pair_count < PAIRS; a++) {
        for (int64_t d = a; d < 95 && v->pair_count < PAIRS; d++) {
            if (d != a && pc_test_below(random, 20) != 0) continue;
            v->ancestor[v->pair_count] = a;
            v->descendant[v->pair_count++] = d;
        }
    }
    for (int i = 0; i < RELATIONS; i++) {
        v->from[i] = 9 + pc_test_below(random, 90);
        v->to[i] = 9 + pc_test_below(random, 90);
        v->kind[i] = (uint8_t)(pc_test_below(random, 3) == 0 ? 3 : 2);
        if (pc_test_below(random, 4) == 0) v->has_ended[i / 64] |= UINT64_C(1) << (i % 64);
    }
    v->relation_count = RELATIONS;
}

static int row_of(const small_vocabulary *v, int64_t concept)
{
    for (int i = 0; i < v->concept_count; i++) {
        if (v->concept[i] == concept) return i;
    }
    return -1;
}

/** The twin's rule for one item: is `wanted` the listed concept or a valid descendant of it? */
static bool slow_base(const small_vocabulary *v, const circe_item *item, int64_t wanted)
{
    const int row = row_of(v, wanted);
    if (row < 0) return false;
    if (item->concept == wanted) return true;
    if (!item->descendants || (v->has_invalid[row / 64] >> (row % 64) & 1) != 0) return false;
    for (int i = 0; i < v->pair_count; i++) {
        if (v->ancestor[i] == item->concept && v->descendant[i] == wanted) return true;
    }
    return false;
}

static bool slow_item(const small_vocabulary *v, const circe_item *item, int64_t wanted)
{
    bool is_in = slow_base(v, item, wanted);
    for (int i = 0; item->mapped && i < v->relation_count; i++) {
        const bool is_good = v->kind[i] == 2 && (v->has_ended[i / 64] >> (i % 64) & 1) == 0;
        is_in = is_in || (is_good && v->from[i] == wanted && slow_base(v, item, v->to[i]));
    }
    return is_in;
}

static bool slow_set(const small_vocabulary *v, const circe_item *item, int count, int64_t wanted)
{
    bool plus = false, minus = false;
    for (int i = 0; i < count; i++) {
        const bool is_in = slow_item(v, &item[i], wanted);
        plus = plus || (is_in && !item[i].is_excluded);
        minus = minus || (is_in && item[i].is_excluded);
    }
    return plus && !minus;
}

static void print_sets(uint64_t *random, char *text, int sets)
{
    static const char *const bool_name[] = {"false", "true"};
    int at = snprintf(text, MOST_TEXT, "[");
    for (int s = 0; s < sets; s++) {
        at += snprintf(text + at, (size_t)(MOST_TEXT - at),
                       "%s{\"id\": %d, \"name\": \"x\", \"expression\": {\"items\": [",
                       s > 0 ? "," : "", 7 * ((s + 3) % sets));
        const int items = pc_test_below(random, 4);
        for (int i = 0; i < items; i++) {
            at += snprintf(text + at, (size_t)(MOST_TEXT - at),
                           "%s{\"concept\": {\"CONCEPT_ID\": %d, \"CONCEPT_NAME\": \"n\"}, "
                           "\"isExcluded\": %s, \"includeDescendants\": %s, \"includeMapped\": %s}",
                           i > 0 ? "," : "", 9 + pc_test_below(random, 60),
                           bool_name[pc_test_below(random, 3) == 0],
                           bool_name[pc_test_below(random, 2)],
                           bool_name[pc_test_below(random, 3) == 0]);
        }
        at += snprintf(text + at, (size_t)(MOST_TEXT - at), "]}}");
    }
    (void)snprintf(text + at, (size_t)(MOST_TEXT - at), "]");
}

static int compare_with_twin(const small_vocabulary *v, const circe_concepts *concepts)
{
    int wrong = 0;
    for (int64_t concept = 0; concept < 110; concept ++) {
        int sets_count, next = 0;
        const int32_t *sets = circe_sets_with(concepts, concept, &sets_count);
        for (int s = 0; s < circe_concepts_count(concepts); s++) {
            int count;
            const circe_item *item = circe_items_of(concepts, s, &count);
            const bool wanted = slow_set(v, item, count, concept);
            wrong += circe_set_has(concepts, s, concept) != wanted;
            const bool listed = next < sets_count && sets[next] == s;
            wrong += listed != wanted;
            next += listed;
        }
        wrong += next != sets_count;
    }
    return wrong;
}

static void test_twin(void)
{
    pc_budget budget = {0};
    uint64_t random = SEED;
    int wrong = 0, sizes = 0;
    printf("seed %d ", SEED);
    for (int round = 0; round < 300; round++) {
        pc_arena arena = {.budget = &budget};
        small_vocabulary v;
        char text[MOST_TEXT];
        circe_concepts *concepts = NULL;
        circe_sets sets[2];
        make_vocabulary(&random, &v);
        const circe_vocabulary vocabulary = view(&v);
        CU_ASSERT_EQUAL_FATAL(circe_concepts_new(&arena, &concepts, NULL), PC_OK);
        for (int d = 0; d < 2; d++) {
            pc_json *json = NULL;
            print_sets(&random, text, 4);
            CU_ASSERT_EQUAL_FATAL(pc_json_parse(pc_span_of(text), "sets", &json, NULL), PC_OK);
            CU_ASSERT_EQUAL(circe_concepts_read(concepts, json, "d", &sets[d], NULL), PC_OK);
            pc_json_free(json);
        }
        CU_ASSERT_EQUAL_FATAL(circe_concepts_expand(concepts, &vocabulary, NULL), PC_OK);
        wrong += compare_with_twin(&v, concepts);
        for (int s = 0; s < circe_concepts_count(concepts); s++) {
            int64_t count;
            const int64_t *of = circe_concepts_of(concepts, s, &count);
            for (int64_t i = 1; i < count; i++)
                wrong += of[i - 1] >= of[i];
            sizes += (int)count;
        }
        wrong +=
            circe_sets_find(&sets[0], 7) != sets[0].set[1] || circe_sets_find(&sets[0], 8) >= 0;
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(sizes > 2000);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_equal_sets_are_one(void)
{
    static const char text[] =
        "[{\"id\": 4, \"expression\": {\"items\": ["
        "{\"concept\": {\"CONCEPT_ID\": 10}}, {\"concept\": {\"CONCEPT_ID\": 12}}]}},"
        "{\"id\": 2, \"expression\": {\"items\": [{\"concept\": {\"CONCEPT_ID\": 12}, \"more\": 1},"
        "{\"concept\": {\"CONCEPT_ID\": 10}, \"isExcluded\": null},"
        "{\"concept\": {\"CONCEPT_ID\": 12}}]}}, {\"id\": 0, \"expression\": {\"items\": []}}]";
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    circe_concepts *concepts = NULL;
    circe_sets sets;
    pc_json *json = NULL;
    CU_ASSERT_EQUAL_FATAL(circe_concepts_new(&arena, &concepts, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_json_parse(pc_span_of(text), "sets", &json, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(circe_concepts_read(concepts, json, "7.json", &sets, NULL), PC_OK);
    CU_ASSERT_EQUAL(circe_concepts_count(concepts), 2);
    CU_ASSERT_EQUAL(circe_sets_find(&sets, 4), circe_sets_find(&sets, 2));
    CU_ASSERT_EQUAL(sets.place[0], 2);
    CU_ASSERT_STRING_EQUAL(circe_set_place(concepts, 0), "'7.json': ConceptSets[0]");
    CU_ASSERT_EQUAL(circe_concepts_read(concepts, NULL, "8.json", &sets, NULL), PC_OK);
    CU_ASSERT_EQUAL(sets.count, 0);
    pc_json_free(json);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

typedef struct wrong_sets {
    const char *text, *sentence;
} wrong_sets;

#define SET(id, items) "{\"id\": " id ", \"expression\": {\"items\": [" items "]}}"
#define ITEM(id)       "{\"concept\": {\"CONCEPT_ID\": " id "}"

static const wrong_sets WRONG[] = {
    {"{}", "'7.json': ConceptSets: expected a list"},
    {"[3]", "ConceptSets[0]: expected an object"},
    {"[{}]", "ConceptSets[0].id: expected a whole number"},
    {"[{\"id\": 1}]", "ConceptSets[0].expression: expected an object"},
    {"[{\"id\": 1, \"expression\": {}}]", "ConceptSets[0].expression.items: expected a list"},
    {"[" SET("1", "4") "]", "items[0]: expected an object"},
    {"[" SET("1", "{}") "]", "items[0].concept: expected an object"},
    {"[" SET("1", ITEM("1.5") "}") "]", "items[0].concept.CONCEPT_ID: expected a whole number"},
    {"[" SET("1", ITEM("10") "}," ITEM("10") ", \"isExcluded\": 1}") "]",
     "items[1].isExcluded: expected true or false"},
    {"[" SET("1", "") "," SET("2", "") "," SET("1", "") "]",
     "'7.json': ConceptSets[2].id: 1 is the id of ConceptSets[0] too"},
};

static void test_wrong_sets(void)
{
    pc_budget budget = {0};
    int wrong = 0;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        pc_arena arena = {.budget = &budget};
        circe_concepts *concepts = NULL;
        circe_sets sets;
        pc_json *json = NULL;
        pc_error err = {0};
        CU_ASSERT_EQUAL_FATAL(circe_concepts_new(&arena, &concepts, NULL), PC_OK);
        CU_ASSERT_EQUAL_FATAL(pc_json_parse(pc_span_of(WRONG[i].text), "sets", &json, NULL), PC_OK);
        const pc_status status = circe_concepts_read(concepts, json, "7.json", &sets, &err);
        if (status != PC_BAD_JOB || strstr(err.text, WRONG[i].sentence) == NULL) {
            (void)fprintf(stderr, "\n%s: %s\n", WRONG[i].sentence, err.text);
            wrong++;
        }
        pc_json_free(json);
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static pc_status expand_text(const char *text, const small_vocabulary *v, pc_budget *budget,
                             pc_error *err)
{
    pc_arena arena = {.budget = budget};
    circe_concepts *concepts = NULL;
    circe_sets sets;
    pc_json *json = NULL;
    const circe_vocabulary vocabulary = view(v);
    pc_status status = circe_concepts_new(&arena, &concepts, err);
    CU_ASSERT_EQUAL_FATAL(pc_json_parse(pc_span_of(text), "sets", &json, NULL), PC_OK);
    if (status == PC_OK) status = circe_concepts_read(concepts, json, "7.json", &sets, err);
    if (status == PC_OK) status = circe_concepts_expand(concepts, &vocabulary, err);
    pc_json_free(json);
    pc_arena_reset(&arena);
    return status;
}

static void test_vocabularies_that_lack_something(void)
{
    static const char deep[] = "[" SET("1", ITEM("10") ", \"includeDescendants\": true}") "]";
    static const char mapped[] = "[" SET("1", ITEM("10") ", \"includeMapped\": true}") "]";
    pc_budget budget = {0};
    pc_error err = {0};
    small_vocabulary v = {.concept = {10, 11}, .concept_count = 2};
    CU_ASSERT_EQUAL(expand_text(deep, &v, &budget, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'7.json': ConceptSets[0]: the store has no rows of "
                                            "CONCEPT_ANCESTOR"));
    CU_ASSERT_EQUAL(expand_text(mapped, &v, &budget, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no rows of CONCEPT_RELATIONSHIP"));
    v.ancestor[0] = 10, v.descendant[0] = 11, v.ancestor[1] = 11, v.descendant[1] = 10;
    v.pair_count = 2;
    CU_ASSERT_EQUAL(expand_text(deep, &v, &budget, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cycle: concepts 10 and 11"));
    v.concept_count = 0;
    CU_ASSERT_EQUAL(expand_text(deep, &v, &budget, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no rows of CONCEPT,"));
    CU_ASSERT_EQUAL(expand_text("[" SET("1", "") "]", &v, &budget, &err), PC_OK);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_a_million_concepts(void)
{
    enum { MANY = CIRCE_MOST_CONCEPTS + 1 };
    static const char text[] = "[" SET("3", ITEM("1") ", \"includeDescendants\": true}") "]";
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    int64_t *id = pc_arena_array(&arena, MANY, sizeof *id, NULL);
    int64_t *root = pc_arena_array(&arena, MANY, sizeof *root, NULL);
    CU_ASSERT_FATAL(id != NULL && root != NULL);
    for (int i = 0; i < MANY; i++) {
        id[i] = i + 1;
        root[i] = 1;
    }
    for (int extra = 0; extra < 2; extra++) { // one below the bound, then at it
        const int count = CIRCE_MOST_CONCEPTS - 1 + extra;
        const pc_column ids = {.type = PC_INT, .width = 8, .data = id};
        const pc_column roots = {.type = PC_INT, .width = 8, .data = root};
        const circe_vocabulary vocabulary = {.concept_count = count,
                                             .concept = ids,
                                             .pair_count = count,
                                             .ancestor = roots,
                                             .descendant = ids};
        circe_concepts *concepts = NULL;
        circe_sets sets;
        pc_json *json = NULL;
        pc_error err = {0};
        const pc_arena_mark mark = pc_arena_now(&arena);
        CU_ASSERT_EQUAL_FATAL(circe_concepts_new(&arena, &concepts, NULL), PC_OK);
        CU_ASSERT_EQUAL_FATAL(pc_json_parse(pc_span_of(text), "sets", &json, NULL), PC_OK);
        CU_ASSERT_EQUAL_FATAL(circe_concepts_read(concepts, json, "7.json", &sets, NULL), PC_OK);
        const pc_status status = circe_concepts_expand(concepts, &vocabulary, &err);
        CU_ASSERT_EQUAL(status, extra == 0 ? PC_OK : PC_BAD_JOB);
        if (extra == 1) {
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ConceptSets[0]: expands to 1000000 concepts"));
        }
        pc_json_free(json);
        pc_arena_rewind(&arena, mark);
    }
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    static const char text[] =
        "[" SET("1", ITEM("20") ", \"includeDescendants\": true, \"includeMapped\": true}," ITEM(
                         "12") ", \"isExcluded\": true}") "," SET("2", "") "]";
    uint64_t random = SEED;
    small_vocabulary v;
    make_vocabulary(&random, &v);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 20; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        status = expand_text(text, &v, &budget, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("circe_concepts", {"expansion equals a slow twin", test_twin},
             {"equal sets are expanded once", test_equal_sets_are_one},
             {"sets of another form are refused", test_wrong_sets},
             {"what a vocabulary lacks is named", test_vocabularies_that_lack_something},
             {"a million concepts", test_a_million_concepts},
             {"each refusal of memory", test_any_request_may_be_refused});
