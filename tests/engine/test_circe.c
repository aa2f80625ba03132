// Reading definitions, what they are compiled to, and the pieces that the twelve steps stand on.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine/circe/cohort.h"
#include "engine/circe/read.h"
#include "test_main.h"
#include "test_random.h"

static const char *const whole =
    "{\"ConceptSets\": [{\"id\": 7, \"name\": \"x\", \"expression\": {\"items\": [{\"concept\": "
    "{\"CONCEPT_ID\": 5}, \"includeDescendants\": true}]}}], \"PrimaryCriteria\": {"
    "\"CriteriaList\": [{\"ConditionOccurrence\": {\"CodesetId\": 7, \"First\": true, \"Age\": "
    "{\"Op\": \"gt\", \"Value\": 17.9}}}, {\"ConditionOccurrence\": {\"CodesetId\": 7}}, "
    "{\"DrugExposure\": {\"CodesetId\": 8, \"Quantity\": {\"Op\": \"bt\", \"Value\": 0.00005, "
    "\"Extent\": \"2.5\"}, \"StopReason\": {\"Op\": \"!contains\", \"Text\": \"a_b\"}}}], "
    "\"ObservationWindow\": {\"PriorDays\": \"365\", \"PostDays\": 0}, "
    "\"PrimaryCriteriaLimit\": {\"Type\": \"ALL\"}}, \"QualifiedLimit\": {\"Type\": \"last\"}, "
    "\"InclusionRules\": [{\"name\": \"r\", \"expression\": {\"Type\": \"all\", \"CriteriaList\": "
    "[{\"Criteria\": {\"ConditionOccurrence\": {\"CodesetId\": 7}}, \"StartWindow\": {\"Start\": "
    "{\"Coeff\": -1}, \"End\": {\"Days\": 1, \"Coeff\": -1}}, \"Occurrence\": {\"Type\": 0, "
    "\"Count\": 0}}], \"DemographicCriteriaList\": [], \"Groups\": [{\"Type\": \"AT_MOST\", "
    "\"Count\": 1, \"CriteriaList\": [{\"Criteria\": {\"Death\": {\"CorrelatedCriteria\": "
    "{\"CriteriaList\": [], \"DemographicCriteriaList\": [], \"Groups\": []}}}, \"StartWindow\": "
    "{\"Start\": {\"Coeff\": -1}, \"End\": {\"Coeff\": 1}}, \"Occurrence\": {\"Type\": 2, "
    "\"Count\": 1, \"IsDistinct\": true, \"CountColumn\": \"START_DATE\"}}]}]}}], "
    "\"EndStrategy\": {\"CustomEra\": {\"DrugCodesetId\": 7, \"GapDays\": 30}}, "
    "\"CensorWindow\": {\"StartDate\": \"2010-1-5\", \"EndDate\": \"\"}, \"Unknown\": [1]}";

/** Reads a text as the definition 12. */
static pc_status read_text(const char *text, size_t bytes, pc_arena *arena,
                           pc_circe_definition *out, circe_concepts **concepts, pc_error *err)
{
    char folder[] = "/tmp/parcours_circe_XXXXXX", path[64];
    const pc_circe_options options = {0};
    CU_ASSERT_FATAL(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/12.json", folder);
    FILE *file = fopen(path, "wb");
    CU_ASSERT_FATAL(file != NULL);
    CU_ASSERT_EQUAL(fwrite(text, 1, bytes, file), bytes);
    (void)fclose(file);
    pc_status status = circe_concepts_new(arena, concepts, err);
    if (status == PC_OK) status = pc_circe_read(path, 3, &options, *concepts, arena, out, err);
    (void)unlink(path);
    (void)rmdir(folder);
    return status;
}

static void test_read(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_error err = {0};
    circe_concepts *concepts = NULL;
    pc_circe_definition d;
    CU_ASSERT_EQUAL(read_text(whole, strlen(whole), &arena, &d, &concepts, &err), PC_OK);
    CU_ASSERT_EQUAL(d.id, 12);
    CU_ASSERT_EQUAL(d.primary_count, 3);
    CU_ASSERT_EQUAL(d.primary_limit, PC_CIRCE_KEEP_ALL);
    CU_ASSERT_EQUAL(d.qualified_limit, PC_CIRCE_KEEP_LAST);
    CU_ASSERT_EQUAL(d.expression_limit, PC_CIRCE_KEEP_FIRST);
    CU_ASSERT_EQUAL(d.prior_days, 365);
    CU_ASSERT_FALSE(d.has_additional);
    const pc_circe_leaf *first = d.primary[0].leaf, *drug = d.primary[2].leaf;
    CU_ASSERT(first->is_first && first->set >= 0 && first->filter[0].low == 17);
    CU_ASSERT_EQUAL(drug->set, PC_CIRCE_EMPTY_SET);
    CU_ASSERT_EQUAL(drug->filter_count, 2);
    CU_ASSERT_STRING_EQUAL(drug->filter[0].text, "%a_b%"); // in the order of the type's attributes
    CU_ASSERT_EQUAL(drug->filter[0].op, PC_CIRCE_NOT_LIKE);
    CU_ASSERT(drug->filter[1].low == 0.0001 && drug->filter[1].high == 2.5);
    const pc_circe_correlated *c = &d.rule[0].group->correlated[0];
    CU_ASSERT(c->start_window.start.is_open && c->start_window.start.at_period_start);
    CU_ASSERT_EQUAL(c->start_window.end.days, -1);
    CU_ASSERT_EQUAL(d.rule[0].group->group[0].type, PC_CIRCE_GROUP_AT_MOST);
    CU_ASSERT_EQUAL(d.rule[0].group->group[0].correlated[0].count_of, PC_CIRCE_COUNT_START);
    CU_ASSERT_EQUAL(d.window_start, pc_day_of(2010, 1, 5));
    CU_ASSERT_EQUAL(d.window_end, PC_CIRCE_NO_DAY);
    CU_ASSERT(d.exit == PC_CIRCE_EXIT_ERA && d.era_gap == 30 && d.era_supply == -1);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

/** Any piece of it, and any byte changed: a sentence that names the file, never a crash. */
static void test_hostile(void)
{
    pc_budget budget = {0};
    uint64_t random = 11;
    printf("(seed %d) ", 11);
    int told = 0, read = 0;
    const size_t bytes = strlen(whole);
    char text[4096];
    for (int i = 0; i < 1500; i++) {
        size_t count = bytes;
        memcpy(text, whole, bytes);
        if (i < 300) count = pc_test_random(&random) % bytes;
        for (int k = 0; i >= 300 && k < 1 + i % 3; k++) {
            static const char change[] = "0129-\"{}[],:nulx. \\";
            text[pc_test_random(&random) % bytes] = change[pc_test_random(&random) % 18];
        }
        pc_arena arena = {.budget = &budget};
        pc_error err = {0};
        circe_concepts *concepts = NULL;
        pc_circe_definition d;
        const pc_status status = read_text(text, count, &arena, &d, &concepts, &err);
        read += status == PC_OK;
        told += status != PC_OK && strstr(err.text, "12.json") != NULL;
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(read + told, 1500);
    CU_ASSERT(read > 20 && told > 700);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

/** Equal criteria are one leaf, wherever they stand; every request for memory is refused once. */
static void test_compile(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 4096; status == PC_NO_MEMORY && limit < 4 << 20; limit += 2048) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        pc_error err = {0};
        circe_concepts *concepts = NULL;
        pc_circe_definition d;
        pc_circe_program program = {0};
        status = read_text(whole, strlen(whole), &arena, &d, &concepts, &err);
        if (status == PC_OK) status = pc_circe_compile(&d, 1, concepts, &arena, &program, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        if (status == PC_OK) {
            // First conditions, conditions (twice), drugs, deaths, and the exposures of the exit.
            CU_ASSERT_EQUAL(program.leaf_count, 6);
            CU_ASSERT_EQUAL(d.primary[1].leaf_index,
                            d.rule[0].group->correlated[0].criterion.leaf_index);
            CU_ASSERT_NOT_EQUAL(d.primary[0].leaf_index, d.primary[1].leaf_index);
            CU_ASSERT_EQUAL(program.nested_total, 1);
            CU_ASSERT_EQUAL(program.rule_total, 1);
            CU_ASSERT_EQUAL(program.domain[PC_CIRCE_DEATH].any_count, 1);
        }
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_round(void)
{
    CU_ASSERT(pc_circe_round(7.5) == 7.5 && pc_circe_round(-3) == -3 && pc_circe_round(0) == 0);
    CU_ASSERT(pc_circe_round(0.00005) == 0.0001 && pc_circe_round(-0.00005) == -0.0001);
    CU_ASSERT(pc_circe_round(0.000049) == 0 && pc_circe_round(1.00005) == 1.0001);
    CU_ASSERT(pc_circe_round(2.34567) == 2.3457 && pc_circe_round(9.99996) == 10);
    CU_ASSERT(pc_circe_round(1e15) == 1e15 && pc_circe_round(123456.78994) == 123456.7899);
    CU_ASSERT(pc_circe_round(1e-9) == 0);
}

/** LIKE by all ways to match, slowly. */
static bool like_slowly(const char *text, const char *pattern)
{
    if (*pattern == '\0') return *text == '\0';
    if (*pattern == '%') {
        for (;; text++) {
            if (like_slowly(text, pattern + 1)) return true;
            if (*text == '\0') return false;
        }
    }
    return *text != '\0' && (*pattern == '_' || *pattern == *text) &&
           like_slowly(text + 1, pattern + 1);
}

static void test_like(void)
{
    uint64_t random = 5;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        char text[8] = "", pattern[8] = "";
        const int n = (int)(pc_test_random(&random) % 7), m = (int)(pc_test_random(&random) % 6);
        for (int k = 0; k < n; k++)
            text[k] = "ab"[pc_test_random(&random) % 2];
        for (int k = 0; k < m; k++)
            pattern[k] = "ab%_"[pc_test_random(&random) % 4];
        wrong += pc_circe_like(pc_span_of(text), pattern) != like_slowly(text, pattern);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT(pc_circe_like(pc_span_of("\xc3\xa9t\xc3\xa9"), "_t_")); // characters, not bytes
}

/** Joins any two spans that touch, until none do. */
static int merge_slowly(pc_circe_period *span, int count, int pad)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < count; k++) {
            if (i == k || span[i].start > span[k].end + pad || span[k].start > span[i].end + pad) {
                continue;
            }
            if (span[k].start < span[i].start) span[i].start = span[k].start;
            if (span[k].end > span[i].end) span[i].end = span[k].end;
            span[k] = span[--count];
            i = k = -1; // from the beginning
            break;
        }
    }
    return count;
}

static void test_merge(void)
{
    enum { MOST = 6 };
    uint64_t random = 3;
    int wrong = 0;
    for (int i = 0; i < 5000; i++) {
        pc_circe_period span[MOST], slow[MOST];
        const int count = pc_test_below(&random, MOST + 1), pad = pc_test_below(&random, 4);
        for (int k = 0; k < count; k++) {
            const int32_t start = pc_test_below(&random, 40);
            span[k] = (pc_circe_period){start, start + pc_test_below(&random, 9)};
        }
        memcpy(slow, span, (size_t)count * sizeof *slow);
        const int left = merge_slowly(slow, count, pad);
        wrong += pc_circe_merge(span, count, pad) != left;
        for (int k = 0; k < left; k++) { // the slow ones are in no order
            bool is_there = false;
            for (int other = 0; other < left; other++) {
                is_there = is_there ||
                           (slow[k].start == span[other].start && slow[k].end == span[other].end);
            }
            wrong += !is_there;
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/** Counts of masks add up, whatever came first. */
static void test_counts(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    const pc_circe_program program = {.definition_count = 2, .rule_total = 3};
    pc_circe_counts a, b;
    CU_ASSERT_EQUAL(pc_circe_counts_open(&a, &program, &arena, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_circe_counts_open(&b, &program, &arena, NULL), PC_OK);
    for (uint64_t i = 0; i < 3000; i++) {
        pc_circe_mask *mask = NULL;
        CU_ASSERT_EQUAL(
            pc_circe_counts_mask(i % 2 == 0 ? &a : &b, (int)(i % 3 != 0), i % 700, &mask, NULL),
            PC_OK);
        mask->events++;
    }
    a.of_definition[PC_CIRCE_ENTRIES] = 4;
    b.of_definition[PC_CIRCE_ENTRIES] = 5;
    pc_buffer packed = {.budget = &budget};
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_circe_counts_pack(&b, &packed, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_circe_counts_merge(&a, (pc_span){packed.data, packed.bytes - 1}, &err),
                    PC_BAD_INPUT);
    CU_ASSERT_EQUAL(pc_circe_counts_merge(&a, (pc_span){packed.data, packed.bytes}, &err), PC_OK);
    int64_t events = 0;
    for (int64_t i = 0; i < a.mask_capacity; i++)
        events += a.mask[i].events;
    CU_ASSERT_EQUAL(events, 3000);
    CU_ASSERT_EQUAL(a.of_definition[PC_CIRCE_ENTRIES], 9);
    CU_ASSERT_PTR_NULL(pc_circe_counts_find(&a, 0, 9999));
    CU_ASSERT_PTR_NOT_NULL(pc_circe_counts_find(&a, 1, 5));
    pc_buffer_release(&packed);
    pc_circe_counts_close(&a);
    pc_circe_counts_close(&b);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("circe", {"a definition is read as Circe reads it", test_read},
             {"hostile files are sentences", test_hostile},
             {"equal criteria are one; memory may be refused", test_compile},
             {"four decimals, halves away from zero", test_round},
             {"LIKE beside all ways to match", test_like},
             {"merging beside joining any two", test_merge},
             {"counts of masks add up", test_counts});
