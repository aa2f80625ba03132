/** Choosing controls: known hashes, ties by patient, memory refused. Whole sets:
 * tests/jobs/match_twin.py. */
#include "engine/study/match.h"
#include <stdio.h>
#include <string.h>
#include "parcours/hash.h"
#include "test_main.h"

static void put(pc_buffer *items, bool is_case, const char *name, int first, int last, int64_t near)
{
    pc_match_item item = {.first = first, .last = last, .is_case = is_case, .on_bytes = 1};
    item.key.byte[0] = 'P';
    strncpy(item.key.byte + 1, name, PC_SLOT_TEXT_BYTES);
    const char on[8] = {'F'};
    if (pc_buffer_append(items, &item, sizeof item, NULL) != PC_OK ||
        pc_buffer_append(items, &near, sizeof near, NULL) != PC_OK ||
        pc_buffer_append(items, on, sizeof on, NULL) != PC_OK) {
        CU_FAIL("memory");
    }
}

static int64_t one_apart[] = {1};

/** Cases A and B on days 10 and 5; candidates at risk from day 0 on, one of them twice. */
static void fill(pc_buffer *items)
{
    put(items, true, "A", 10, 10, 1950);
    put(items, true, "B", 5, 5, 1950);
    put(items, false, "A", 0, 20, 1950);
    put(items, false, "near", 0, 7, 1951);
    put(items, false, "near", 5, 20, 1951);
    put(items, false, "far", 0, 20, 1952);
    put(items, false, "gone", 0, 4, 1950);
    put(items, false, "null", 0, 20, PC_NULL);
}

static void test_hashes_are_those_of_blake2(void)
{
    // hashlib.blake2b(b"abc", digest_size=8), and of nothing
    CU_ASSERT_EQUAL(pc_blake2b_64("abc", 3), UINT64_C(0xd8bb14d833d59559));
    CU_ASSERT_EQUAL(pc_blake2b_64("", 0), UINT64_C(0xe4a6a0577479b2b4));
}

static void test_who_may_be_a_control(void)
{
    pc_budget budget = {0};
    pc_buffer items = {.budget = &budget}, sets = {.budget = &budget},
              members = {.budget = &budget};
    pc_match match = {.near_count = 1, .apart = one_apart, .ratio = 5, .reuse = true};
    fill(&items);
    CU_ASSERT_EQUAL(pc_match_sets(&match, &items, &sets, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_match_number((pc_span){sets.data, sets.bytes}, &members, NULL), PC_OK);
    // B chose A and near, A only near: each once, though near has two records that day.
    const pc_match_member *member = (const pc_match_member *)(const void *)members.data;
    static const struct {
        const char *name;
        int day, is_case;
        int64_t set_id;
    } expected[] = {
        {"A", 5, 0, 1}, {"A", 10, 1, 2}, {"B", 5, 1, 1}, {"near", 5, 0, 1}, {"near", 10, 0, 2}};
    CU_ASSERT_EQUAL(members.bytes, sizeof expected / sizeof expected[0] * sizeof *member);
    for (size_t i = 0; i < members.bytes / sizeof *member; i++) {
        CU_ASSERT_STRING_EQUAL(member[i].key.byte + 1, expected[i].name);
        CU_ASSERT(member[i].day == expected[i].day && member[i].is_case == expected[i].is_case &&
                  member[i].set_id == expected[i].set_id);
    }
    // Once: B is first, and near serves it alone.
    match.reuse = false;
    sets.bytes = 0;
    CU_ASSERT_EQUAL(pc_match_sets(&match, &items, &sets, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_match_number((pc_span){sets.data, sets.bytes}, &members, NULL), PC_OK);
    CU_ASSERT_EQUAL(members.bytes, 4 * sizeof *member);
    pc_buffer_release(&items);
    pc_buffer_release(&sets);
    pc_buffer_release(&members);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    pc_buffer items = {0};
    fill(&items);
    const pc_match match = {.near_count = 1, .apart = one_apart, .ratio = 5};
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 16; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        pc_buffer sets = {.budget = &budget}, members = {.budget = &budget};
        status = pc_match_sets(&match, &items, &sets, NULL);
        if (status == PC_OK) {
            status = pc_match_number((pc_span){sets.data, sets.bytes}, &members, NULL);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&sets);
        pc_buffer_release(&members);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    pc_buffer_release(&items);
}

PC_TEST_MAIN("match", {"hashes are those of BLAKE2", test_hashes_are_those_of_blake2},
             {"who may be a control", test_who_may_be_a_control},
             {"any request may be refused", test_any_request_may_be_refused});
