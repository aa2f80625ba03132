/** Dictionaries against a list that is searched from its start. */
#include <stdio.h>
#include <string.h>
#include "parcours/dict.h"
#include "test_main.h"
#include "test_random.h"

enum { TEXTS = 3000 };

// Many are equal, some are empty, some are prefixes of others.
static pc_span random_text(uint64_t *random, char out[16])
{
    const int bytes = pc_test_below(random, 5);
    for (int i = 0; i < bytes; i++) {
        out[i] = (char)('A' + pc_test_below(random, 7));
    }
    if (bytes > 3) out[0] = (char)0xc3;
    return (pc_span){out, (size_t)bytes};
}

static uint32_t slow_find(const pc_dict *dict, pc_span text)
{
    for (uint32_t i = 0; i < dict->count; i++) {
        if (pc_span_equal(pc_dict_text(dict, i), text)) return i;
    }
    return PC_DICT_NONE;
}

static void fill(pc_dict_builder *builder, uint64_t seed)
{
    const pc_dict *view = pc_dict_builder_view(builder);
    int wrong = 0;
    for (int i = 0; i < TEXTS; i++) {
        char text[16];
        const pc_span span = random_text(&seed, text);
        const uint32_t count = view->count;
        const uint32_t expected = slow_find(view, span);
        uint32_t index = PC_DICT_NONE;
        CU_ASSERT_EQUAL(pc_dict_builder_add(builder, span, &index, NULL), PC_OK);
        wrong += index != (expected == PC_DICT_NONE ? count : expected);
        wrong += !pc_span_equal(pc_dict_text(view, index), span);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void check_sorted(const pc_dict *sorted, uint64_t seed)
{
    int wrong = 0;
    for (uint32_t i = 1; i < sorted->count; i++) {
        wrong += pc_span_compare(pc_dict_text(sorted, i - 1), pc_dict_text(sorted, i)) >= 0;
    }
    for (int i = 0; i < 500; i++) {
        char bytes[16];
        const pc_span text = random_text(&seed, bytes);
        wrong += pc_dict_find(sorted, text) != slow_find(sorted, text);
        uint32_t from;
        uint32_t to;
        pc_dict_prefix(sorted, text, &from, &to);
        wrong += from != pc_dict_lower(sorted, text);
        for (uint32_t j = 0; j < sorted->count; j++) {
            const pc_span each = pc_dict_text(sorted, j);
            const bool begins = each.bytes >= text.bytes &&
                                (text.bytes == 0 || memcmp(each.data, text.data, text.bytes) == 0);
            wrong += begins != (j >= from && j < to);
            wrong += (pc_span_compare(each, text) < 0) != (j < from);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_random_texts(void)
{
    printf(" seed 51 ");
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_dict_builder *builder = NULL;
    CU_ASSERT_EQUAL(pc_dict_builder_new(&budget, &builder, NULL), PC_OK);
    fill(builder, 51);
    pc_dict sorted;
    uint32_t *map = NULL;
    CU_ASSERT_EQUAL(pc_dict_builder_sort(builder, &arena, &sorted, &map, NULL), PC_OK);
    const pc_dict *view = pc_dict_builder_view(builder);
    CU_ASSERT_EQUAL(view->count, sorted.count);
    for (uint32_t i = 0; i < view->count; i++) {
        CU_ASSERT(pc_span_equal(pc_dict_text(view, i), pc_dict_text(&sorted, map[i])));
    }
    check_sorted(&sorted, 52);
    pc_dict_builder_free(builder);
    pc_dict_builder_free(NULL);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_nothing_in_it(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_dict_builder *builder = NULL;
    CU_ASSERT_EQUAL(pc_dict_builder_new(&budget, &builder, NULL), PC_OK);
    pc_dict sorted;
    uint32_t *map = NULL;
    CU_ASSERT_EQUAL(pc_dict_builder_sort(builder, &arena, &sorted, &map, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_dict_find(&sorted, pc_span_of("")), PC_DICT_NONE);
    uint32_t from = 1;
    uint32_t to = 1;
    pc_dict_prefix(&sorted, pc_span_of(""), &from, &to);
    CU_ASSERT(from == 0 && to == 0);
    pc_dict_builder_free(builder);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static pc_status build(pc_budget *budget)
{
    pc_arena arena = {.budget = budget};
    pc_dict_builder *builder = NULL;
    pc_status status = pc_dict_builder_new(budget, &builder, NULL);
    const uint32_t text_count = status == PC_OK ? 300 : 0;
    for (uint32_t i = 0; i < text_count && status == PC_OK; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%u", i);
        uint32_t index = 0;
        status = pc_dict_builder_add(builder, pc_span_of(text), &index, NULL);
        const pc_dict *view = pc_dict_builder_view(builder);
        CU_ASSERT_EQUAL(view->count, i + (status == PC_OK)); // refused: as it was before
        if (i > 0) CU_ASSERT(pc_span_equal(pc_dict_text(view, 0), pc_span_of("0")));
    }
    pc_dict sorted;
    uint32_t *map = NULL;
    if (status == PC_OK) status = pc_dict_builder_sort(builder, &arena, &sorted, &map, NULL);
    if (builder != NULL) pc_dict_builder_free(builder);
    pc_arena_reset(&arena);
    return status;
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        status = build(&budget);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("dict", {"random texts", test_random_texts}, {"nothing in it", test_nothing_in_it},
             {"any request may be refused", test_any_request_may_be_refused});
