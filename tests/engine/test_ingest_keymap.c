/** The distributed hash table of ingest on one rank, against a list; tests/jobs/test_ingest.sh runs
 *  it on several. */
#include <string.h>
#include "engine/ingest/keymap.h"
#include "test_main.h"
#include "test_random.h"

enum { KEYS = 700, KEY_BYTES = 9, ROUNDS = 20, PER_ROUND = 200 };

static pc_comm *open_comm(void)
{
    int argc = 0;
    char *words[] = {NULL};
    char **argv = words;
    static pc_comm *comm; // MPI can be started once in a process
    if (comm == NULL) comm = pc_comm_open(&argc, &argv);
    return comm;
}

static void key_of(int number, unsigned char *key)
{
    memset(key, 0, KEY_BYTES);
    memcpy(key, &number, sizeof number);
    key[KEY_BYTES - 1] = (unsigned char)(number % 3);
}

static void test_against_list(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    keymap map;
    unsigned char smallest[KEYS][PC_TAG_BYTES] = {{0}};
    bool is_there[KEYS] = {false}, has_several[KEYS] = {false};
    uint64_t random = 3;
    CU_ASSERT_EQUAL(keymap_init(&map, open_comm(), KEY_BYTES, &arena, &budget, NULL), PC_OK);
    pc_error err = {0};
    int wrong = 0, several = 0;
    for (int round = 0; round < ROUNDS; round++) {
        unsigned char record[PER_ROUND][KEY_BYTES + PC_TAG_BYTES];
        for (int i = 0; i < PER_ROUND; i++) {
            const int number = pc_test_below(&random, KEYS - 100); // the last are never put
            unsigned char *tag = record[i] + KEY_BYTES;
            key_of(number, record[i]);
            memset(tag, 0, PC_TAG_BYTES);
            tag[0] = (unsigned char)pc_test_below(&random, 3);
            if (is_there[number] && memcmp(smallest[number], tag, PC_TAG_BYTES) != 0) {
                has_several[number] = true;
            }
            if (!is_there[number] || memcmp(tag, smallest[number], PC_TAG_BYTES) < 0) {
                memcpy(smallest[number], tag, PC_TAG_BYTES);
            }
            is_there[number] = true;
        }
        CU_ASSERT_EQUAL(keymap_put(&map, PC_OK, record[0], record[0] + KEY_BYTES, sizeof record[0],
                                   PER_ROUND, &err),
                        PC_OK);
        unsigned char key[PER_ROUND][KEY_BYTES], tag[PER_ROUND][PC_TAG_BYTES];
        int number[PER_ROUND];
        bool found[PER_ROUND];
        for (int i = 0; i < PER_ROUND; i++) {
            number[i] = i > 0 && i % 3 == 0 ? number[i - 1] : pc_test_below(&random, KEYS);
            key_of(number[i], key[i]);
        }
        CU_ASSERT_EQUAL(keymap_get(&map, PC_OK, key[0], PER_ROUND, tag[0], found, &err), PC_OK);
        for (int i = 0; i < PER_ROUND; i++) {
            wrong += found[i] != is_there[number[i]];
            if (found[i]) wrong += memcmp(tag[i], smallest[number[i]], PC_TAG_BYTES) != 0;
        }
    }
    for (int i = 0; i < KEYS; i++)
        several += has_several[i];
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(map.conflict_count, several);
    // A failure of this rank comes back, whatever was to be done.
    (void)PC_FAIL(&err, PC_IO, "the disk is gone");
    CU_ASSERT_EQUAL(keymap_put(&map, PC_IO, NULL, NULL, 1, 0, &err), PC_IO);
    keymap_release(&map);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 512 + limit / 8) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        keymap map;
        pc_error err = {0};
        unsigned char key[300][KEY_BYTES], tag[300][PC_TAG_BYTES] = {{0}};
        bool found[300];
        for (int i = 0; i < 300; i++)
            key_of(i, key[i]);
        status = keymap_init(&map, open_comm(), KEY_BYTES, &arena, &budget, &err);
        for (int i = 0; status == PC_OK && i < 300; i++) {
            status = keymap_put(&map, PC_OK, key[i], tag[i], 1, 1, &err);
        }
        if (status == PC_OK) status = keymap_get(&map, PC_OK, key[0], 300, tag[0], found, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        keymap_release(&map);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("ingest keymap", {"random keys against a list", test_against_list},
             {"any request for memory may be refused", test_any_request_may_be_refused});
