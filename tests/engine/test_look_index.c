/** Order in the records of one patient against a twin that goes record by record, day by day. */
#include <stdio.h>
#include "engine/study/look_index.h"
#include "test_main.h"
#include "test_random.h"

enum { COUNT = 90, DAYS = 200, ROUNDS = 60, LOOKS = 60, FIRST = 7 };

/** One patient behind FIRST rows of another: days, and two columns to be keys. */
typedef struct sample {
    int64_t column[4][FIRST + COUNT];
    int64_t *columns[4];
    uint32_t offset[3];
    pc_records records;
} sample;

static void make_sample(sample *s, uint64_t *random)
{
    int64_t day = pc_test_below(random, 20) - 10;
    for (int row = FIRST; row < FIRST + COUNT; row++) {
        day += pc_test_below(random, 4);
        s->column[0][row] = day;
        s->column[1][row] =
            pc_test_below(random, 60) == 0 ? PC_OPEN : day + pc_test_below(random, 9);
        s->column[2][row] = pc_test_below(random, 5) == 0 ? PC_NULL : pc_test_below(random, 3);
        s->column[3][row] = pc_test_below(random, 2);
    }
    for (int c = 0; c < 4; c++)
        s->columns[c] = s->column[c];
    s->offset[0] = 0;
    s->offset[1] = FIRST;
    s->offset[2] = FIRST + COUNT;
    s->records = (pc_records){
        .column_count = 4, .count = FIRST + COUNT, .column = s->columns, .offset = s->offset};
}

static bool is_like(const sample *s, int row, int key_count, const int64_t *value)
{
    return (key_count < 1 || s->column[2][row] == value[0]) &&
           (key_count < 2 || s->column[3][row] == value[1]);
}

/** What the index says of the rows that are like `value`, and of days from `low` to `high`. */
static void compare_look(const sample *s, const pc_look_index *index, int key_count,
                         const int64_t *value, int64_t low, int64_t high)
{
    static const int key[] = {2, 3};
    int64_t from = 0, end = 0, like = 0, days = 0, different = 0, before = PC_NULL;
    pc_look_index_group(index, key, key_count, value, &from, &end);
    int first = -1; // of those that end on `low` or later
    for (int row = FIRST; row < FIRST + COUNT; row++) {
        if (!is_like(s, row, key_count, value)) continue;
        if (first < 0 && s->column[1][row] >= low) first = (int)like;
        like++;
        different += s->column[0][row] != before;
        before = s->column[0][row];
    }
    for (int64_t day = low; day <= high; day++) {
        bool is_covered = false;
        for (int row = FIRST; row < FIRST + COUNT && !is_covered; row++)
            is_covered = is_like(s, row, key_count, value) && s->column[0][row] <= day &&
                         s->column[1][row] >= day;
        days += is_covered;
    }
    CU_ASSERT_EQUAL(end - from, like);
    CU_ASSERT_EQUAL(pc_look_index_ends(index, from, end, low) - from, first < 0 ? like : first);
    CU_ASSERT_EQUAL(pc_look_index_days(index, from, end, low, high), days);
    if (like > 0) CU_ASSERT_EQUAL(index->different_days[end - 1], different);
}

static void test_beside_a_twin(void)
{
    static const int key[] = {2, 3};
    uint64_t random = 11;
    printf("seed 11 ");
    for (int round = 0; round < ROUNDS; round++) {
        sample s;
        make_sample(&s, &random);
        pc_budget budget = {0};
        pc_arena arena = {.budget = &budget};
        pc_look_index index;
        const int key_count = round % 3;
        CU_ASSERT_EQUAL(pc_look_index_open(&index, &s.records, 2, key_count > 0, &arena, NULL),
                        PC_OK);
        pc_look_index_build(&index, &s.records, FIRST, FIRST + COUNT, key, key_count);
        for (int look = 0; look < LOOKS; look++) {
            const int64_t value[] = {pc_test_below(&random, 4) - 1, pc_test_below(&random, 2)};
            const int64_t low = pc_test_below(&random, DAYS) - 20;
            compare_look(&s, &index, key_count, value, low, low + pc_test_below(&random, 60));
        }
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
}

static void test_few_records_need_none(void)
{
    sample s;
    uint64_t random = 1;
    make_sample(&s, &random);
    s.offset[2] = FIRST + PC_LOOK_FEW;
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_look_index index;
    CU_ASSERT_EQUAL(pc_look_index_open(&index, &s.records, 2, true, &arena, NULL), PC_OK);
    CU_ASSERT_PTR_NULL(index.column);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    sample s;
    uint64_t random = 2;
    make_sample(&s, &random);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 1 << 20; limit += 512) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        pc_look_index index;
        status = pc_look_index_open(&index, &s.records, 2, true, &arena, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("look_index", {"beside a twin", test_beside_a_twin},
             {"few records need none", test_few_records_need_none},
             {"any request may be refused", test_any_request_may_be_refused});
