/** Memory is zeroed, aligned, counted and given back; a refusal leaves everything as it was. */
#include <string.h>
#include "parcours/arena.h"
#include "test_main.h"
#include "test_random.h"

static void test_budget(void)
{
    pc_budget budget = {.limit_bytes = 100};
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_budget_take(&budget, 60, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_budget_left(&budget), 40);
    CU_ASSERT_EQUAL(pc_budget_take(&budget, 41, &err), PC_NO_MEMORY);
    CU_ASSERT(strstr(err.text, "41 bytes wanted, 60 in use of the 100") != NULL);
    CU_ASSERT_EQUAL(pc_budget_take(&budget, SIZE_MAX, NULL), PC_NO_MEMORY);
    CU_ASSERT_EQUAL(pc_budget_take(&budget, 40, &err), PC_OK);
    pc_budget_give(&budget, 100);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    CU_ASSERT_EQUAL(budget.peak_bytes, 100);
    CU_ASSERT_EQUAL(pc_budget_left(NULL), SIZE_MAX);
}

static void test_pieces_are_zeroed_and_aligned(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    uint64_t random = 11;
    for (int round = 0; round < 3; round++) {
        const pc_arena_mark mark = pc_arena_now(&arena);
        for (int i = 0; i < 200; i++) {
            const size_t bytes = (size_t)pc_test_below(&random, i % 50 == 0 ? 500000 : 2000);
            char *piece = pc_arena_take(&arena, bytes, NULL);
            CU_ASSERT_EQUAL((uintptr_t)piece % 64, 0);
            size_t dirty = 0;
            for (size_t at = 0; at < bytes; at++) {
                dirty += piece[at] != 0;
            }
            CU_ASSERT_EQUAL(dirty, 0);
            memset(piece, 0xa5, bytes); // what comes next in its place must be zeroed again
        }
        if (round < 2) pc_arena_rewind(&arena, mark);
    }
    CU_ASSERT(budget.used_bytes > 0);
    pc_arena_reset(&arena);
    pc_arena_reset(NULL);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_emptied_arena_keeps_one_piece(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_arena_empty(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    const char *first = NULL;
    for (int round = 0; round < 4; round++) {
        char *raw = pc_arena_raw(&arena, 100000, NULL);
        CU_ASSERT_EQUAL((uintptr_t)raw % 64, 0);
        memset(raw, 0xa5, 100000);
        if (round == 1) first = raw;
        if (round > 1) CU_ASSERT_PTR_EQUAL(raw, first);
        const size_t used = budget.used_bytes;
        pc_arena_empty(&arena);
        CU_ASSERT(budget.used_bytes > 0 && budget.used_bytes <= used);
    }
    const char *clean = pc_arena_take(&arena, 100000, NULL); // in the place of the dirty piece
    CU_ASSERT_PTR_EQUAL(clean, first);
    CU_ASSERT(clean[0] == 0 && memcmp(clean, clean + 1, 99999) == 0);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_rewind_keeps_what_was_before(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    char *kept = pc_arena_text(&arena, "kept text", 4, NULL);
    const pc_arena_mark mark = pc_arena_now(&arena);
    const size_t used = budget.used_bytes;
    CU_ASSERT_PTR_NOT_NULL(pc_arena_take(&arena, 1000000, NULL));
    pc_arena_rewind(&arena, mark);
    CU_ASSERT_EQUAL(budget.used_bytes, used);
    CU_ASSERT_STRING_EQUAL(kept, "kept");
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_refusals(void)
{
    pc_budget budget = {.limit_bytes = 1000};
    pc_arena arena = {.budget = &budget};
    pc_error err = {0};
    CU_ASSERT_PTR_NOT_NULL(pc_arena_take(&arena, 800, &err)); // a block no larger than allowed
    CU_ASSERT_PTR_NULL(pc_arena_take(&arena, 200, &err));
    CU_ASSERT_EQUAL(err.status, PC_NO_MEMORY);
    CU_ASSERT_PTR_NULL(pc_arena_take(&arena, SIZE_MAX, &err));
    CU_ASSERT_PTR_NULL(pc_arena_take(&arena, SIZE_MAX - 100, &err));
    CU_ASSERT_PTR_NULL(pc_arena_array(&arena, SIZE_MAX / 4, 8, &err));
    CU_ASSERT_PTR_NULL(pc_arena_text(&arena, "", SIZE_MAX, &err));
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_buffer(void)
{
    pc_budget budget = {.limit_bytes = 4096};
    pc_buffer buffer = {.budget = &budget};
    pc_error err = {0};
    char expected[2000];
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (char)('a' + i % 26);
        CU_ASSERT_EQUAL(pc_buffer_append(&buffer, &expected[i], 1, &err), PC_OK);
    }
    CU_ASSERT(buffer.bytes == sizeof expected && memcmp(buffer.data, expected, 2000) == 0);
    CU_ASSERT_EQUAL((uintptr_t)buffer.data % 64, 0);
    CU_ASSERT_EQUAL(pc_buffer_reserve(&buffer, 4000, &err), PC_NO_MEMORY);
    CU_ASSERT_EQUAL(pc_buffer_append(&buffer, "x", SIZE_MAX, &err), PC_NO_MEMORY);
    CU_ASSERT_EQUAL(pc_buffer_reserve(&buffer, SIZE_MAX, &err), PC_NO_MEMORY);
    CU_ASSERT(buffer.bytes == sizeof expected && memcmp(buffer.data, expected, 2000) == 0);
    pc_buffer_release(&buffer);
    CU_ASSERT_PTR_NULL(buffer.data);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(pc_buffer_print(&buffer, &err, "%d,", i), PC_OK);
    }
    CU_ASSERT_EQUAL(buffer.bytes, 290);
    CU_ASSERT_STRING_EQUAL(buffer.data + 284, "98,99,");
    pc_buffer_release(&buffer);
    pc_buffer_release(NULL);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    budget.limit_bytes = 1;
    CU_ASSERT_EQUAL(pc_buffer_print(&buffer, &err, "text"), PC_NO_MEMORY);
    CU_ASSERT_EQUAL(buffer.bytes, 0);
}

/** Near its limit a buffer still grows in steps: not with a copy for each piece. */
static void test_buffer_with_little_left(void)
{
    pc_budget budget = {.limit_bytes = 1 << 20};
    pc_buffer buffer = {.budget = &budget};
    int moves = 0;
    const char *before = NULL;
    while (pc_buffer_append(&buffer, "sixteen bytes...", 16, NULL) == PC_OK) {
        moves += buffer.data != before;
        before = buffer.data;
    }
    CU_ASSERT(moves < 100); // thousands when it grows by what is asked for
    CU_ASSERT(buffer.bytes > (1 << 20) * 2 / 5);
    CU_ASSERT(budget.peak_bytes <= budget.limit_bytes);
    pc_buffer_release(&buffer);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("arena", {"the budget", test_budget},
             {"pieces are zeroed and aligned", test_pieces_are_zeroed_and_aligned},
             {"an emptied arena keeps one piece", test_emptied_arena_keeps_one_piece},
             {"rewinding keeps what was before", test_rewind_keeps_what_was_before},
             {"refusals", test_refusals}, {"buffers", test_buffer},
             {"a buffer with little left", test_buffer_with_little_left});
