/** Batches: invariants, keeping rows, packing both ways, and bytes that are not a batch. */
#include <stdio.h>
#include <string.h>
#include "parcours/batch.h"
#include "test_main.h"
#include "test_random.h"

enum { FIELDS = 9 };
static const pc_field FIELD[FIELDS] = {
    {"flag", PC_BOOL, 0, 0}, {"n", PC_INT, 0, 0},    {"euros", PC_DECIMAL, 2, 0},
    {"x", PC_FLOAT, 0, 0},   {"day", PC_DATE, 0, 0}, {"code", PC_CODE, 0, 0},
    {"note", PC_TEXT, 0, 0}, {"id", PC_ID, 0, 17},   {"claim", PC_KEY, 0, 0}};
static const pc_schema SCHEMA = {FIELDS, FIELD};

static uint8_t random_width(uint64_t *random, const pc_field *field)
{
    if (field->type == PC_ID) return field->width;
    if (field->type == PC_BOOL) return 1;
    if (field->type == PC_FLOAT || field->type == PC_KEY) return 8;
    const int most = field->type == PC_CODE || field->type == PC_TEXT ? 3 : 4;
    return (uint8_t)(1 << pc_test_below(random, most));
}

static const pc_dict *random_dict(uint64_t *random, pc_arena *arena)
{
    pc_dict_builder *builder = NULL;
    pc_dict *dict = pc_arena_take(arena, sizeof *dict, NULL);
    CU_ASSERT_EQUAL(pc_dict_builder_new(NULL, &builder, NULL), PC_OK);
    for (int i = 1 + pc_test_below(random, 200); i > 0; i--) {
        char text[24];
        (void)snprintf(text, sizeof text, "%d", pc_test_below(random, 100000));
        uint32_t index;
        CU_ASSERT_EQUAL(pc_dict_builder_add(builder, pc_span_of(text), &index, NULL), PC_OK);
    }
    CU_ASSERT_EQUAL(pc_dict_builder_sort(builder, arena, dict, NULL, NULL), PC_OK);
    pc_dict_builder_free(builder);
    return dict;
}

static void random_values(uint64_t *random, pc_column *c, int row_count, unsigned char *data)
{
    for (int row = 0; row < row_count; row++) {
        uint64_t bits = pc_test_random(random);
        if (c->type == PC_BOOL) bits &= 1;
        if (c->dict != NULL) bits %= c->dict->count;
        for (int at = 0; at < c->width; at++) {
            data[row * c->width + at] = (unsigned char)(bits >> at % 8 * 8);
        }
    }
}

static pc_batch random_batch(uint64_t *random, pc_arena *arena, int row_count)
{
    pc_batch batch = {.column_count = FIELDS, .row_count = row_count};
    batch.column = pc_arena_array(arena, FIELDS, sizeof(pc_column), NULL);
    for (int i = 0; i < FIELDS; i++) {
        pc_column *c = &batch.column[i];
        *c = (pc_column){.type = FIELD[i].type, .scale = FIELD[i].scale};
        c->width = random_width(random, &FIELD[i]);
        if (c->type == PC_CODE || c->type == PC_TEXT) c->dict = random_dict(random, arena);
        unsigned char *data = pc_arena_array(arena, (size_t)row_count, c->width, NULL);
        random_values(random, c, row_count, data);
        c->data = data;
        uint64_t *valid = pc_arena_array(arena, (size_t)row_count / 64 + 1, 8, NULL);
        for (int word = 0; word <= row_count / 64; word++) {
            valid[word] = pc_test_random(random) | pc_test_random(random);
        }
        if (pc_test_below(random, 3) > 0) c->valid = valid;
    }
    if (pc_test_below(random, 2) > 0) {
        batch.slot = pc_arena_array(arena, (size_t)row_count, sizeof *batch.slot, NULL);
        for (int row = 0; row < row_count; row++) {
            batch.slot[row] = row / 3;
        }
    }
    return batch;
}

// The twin: cell by cell, texts as texts.
static bool same_cell(const pc_column *a, int row_a, const pc_column *b, int row_b)
{
    if (pc_column_is_null(a, row_a) || pc_column_is_null(b, row_b)) {
        return pc_column_is_null(a, row_a) && pc_column_is_null(b, row_b);
    }
    if (a->type == PC_CODE || a->type == PC_TEXT || a->type == PC_ID) {
        return pc_span_equal(pc_column_span(a, row_a), pc_column_span(b, row_b));
    }
    return a->width == b->width && memcmp((const char *)a->data + row_a * a->width,
                                          (const char *)b->data + row_b * b->width, a->width) == 0;
}

static int different_cells(const pc_batch *a, const int *row_a, const pc_batch *b)
{
    int wrong = (a->slot == NULL) != (b->slot == NULL);
    for (int row = 0; row < b->row_count; row++) {
        const int from = row_a == NULL ? row : row_a[row];
        for (int i = 0; i < FIELDS; i++) {
            wrong += !same_cell(&a->column[i], from, &b->column[i], row);
        }
        if (b->slot != NULL) wrong += a->slot[from] != b->slot[row];
    }
    return wrong;
}

static void test_keep(void)
{
    printf(" seed 71 ");
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    uint64_t random = 71;
    for (int round = 0; round < 60; round++) {
        const int row_count = pc_test_below(&random, round % 5 == 0 ? PC_BATCH_ROWS + 1 : 200);
        const pc_batch batch = random_batch(&random, &arena, row_count);
        int row[PC_BATCH_ROWS];
        int kept = 0;
        const int share = pc_test_below(&random, 5);
        for (int i = 0; i < row_count; i++) {
            if (pc_test_below(&random, 4) < share) row[kept++] = i;
        }
        pc_batch some = batch;
        CU_ASSERT_EQUAL(pc_batch_keep(&some, row, kept, &arena, NULL), PC_OK);
        CU_ASSERT_EQUAL(some.row_count, kept);
        CU_ASSERT_EQUAL(pc_batch_check(&some, &SCHEMA, NULL), PC_OK);
        CU_ASSERT_EQUAL(different_cells(&batch, row, &some), 0);
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_pack_and_unpack(void)
{
    printf(" seed 72 ");
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_buffer packed = {.budget = &budget};
    pc_buffer again = {.budget = &budget};
    uint64_t random = 72;
    for (int round = 0; round < 60; round++) {
        const int row_count = pc_test_below(&random, round % 5 == 0 ? PC_BATCH_ROWS + 1 : 200);
        const pc_batch batch = random_batch(&random, &arena, row_count);
        packed.bytes = 0;
        again.bytes = 0;
        pc_batch twice[2];
        size_t at = 0;
        for (int i = 0; i < 2; i++) {
            CU_ASSERT_EQUAL(pc_batch_pack(&batch, &SCHEMA, &packed, NULL), PC_OK);
        }
        for (int i = 0; i < 2; i++) {
            CU_ASSERT_EQUAL(pc_batch_unpack((pc_span){packed.data, packed.bytes}, &at, &SCHEMA,
                                            &arena, &twice[i], NULL),
                            PC_OK);
            CU_ASSERT_EQUAL(twice[i].row_count, row_count);
            CU_ASSERT_EQUAL(different_cells(&batch, NULL, &twice[i]), 0);
        }
        CU_ASSERT_EQUAL(at, packed.bytes);
        // What was unpacked packs to the same bytes.
        CU_ASSERT_EQUAL(pc_batch_pack(&twice[1], &SCHEMA, &again, NULL), PC_OK);
        CU_ASSERT_EQUAL(again.bytes * 2, packed.bytes);
        CU_ASSERT(memcmp(again.data, packed.data, again.bytes) == 0);
        pc_arena_reset(&arena);
    }
    pc_buffer_release(&packed);
    pc_buffer_release(&again);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Cut anywhere: refused. Any byte changed: refused, or a batch that keeps every invariant.
static void test_hostile_bytes(void)
{
    printf(" seed 73 ");
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_arena made = {.budget = &budget};
    pc_buffer packed = {.budget = &budget};
    uint64_t random = 73;
    const pc_batch batch = random_batch(&random, &made, 21);
    CU_ASSERT_EQUAL(pc_batch_pack(&batch, &SCHEMA, &packed, NULL), PC_OK);
    pc_batch out;
    int wrong = 0;
    for (size_t cut = 0; cut < packed.bytes; cut++) {
        char *copy = pc_arena_take(&arena, cut, NULL);
        memcpy(copy, packed.data, cut);
        size_t at = 0;
        wrong +=
            pc_batch_unpack((pc_span){copy, cut}, &at, &SCHEMA, &arena, &out, NULL) != PC_BAD_INPUT;
        wrong += at != 0;
        pc_arena_reset(&arena);
    }
    for (int round = 0; round < 8000; round++) {
        const size_t place = (size_t)pc_test_below(&random, (int)packed.bytes);
        const char old = packed.data[place];
        packed.data[place] = (char)pc_test_random(&random);
        size_t at = 0;
        const pc_status status =
            pc_batch_unpack((pc_span){packed.data, packed.bytes}, &at, &SCHEMA, &arena, &out, NULL);
        packed.data[place] = old;
        wrong += status != PC_OK && status != PC_BAD_INPUT;
        if (status == PC_OK) wrong += pc_batch_check(&out, &SCHEMA, NULL) != PC_OK;
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_buffer_release(&packed);
    pc_arena_reset(&made);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static pc_status whole_life(const pc_batch *batch, pc_budget *budget)
{
    static const int row[3] = {1, 5, 20};
    pc_arena arena = {.budget = budget};
    pc_buffer packed = {.budget = budget};
    pc_batch some = *batch;
    pc_batch out;
    size_t at = 0;
    pc_status status = pc_batch_keep(&some, row, 3, &arena, NULL);
    CU_ASSERT_EQUAL(some.row_count, status == PC_OK ? 3 : batch->row_count);
    if (status == PC_OK) status = pc_batch_pack(&some, &SCHEMA, &packed, NULL);
    if (status == PC_OK) {
        status =
            pc_batch_unpack((pc_span){packed.data, packed.bytes}, &at, &SCHEMA, &arena, &out, NULL);
    } else {
        CU_ASSERT_EQUAL(packed.bytes, 0);
    }
    pc_buffer_release(&packed);
    pc_arena_reset(&arena);
    return status;
}

static void test_any_request_may_be_refused(void)
{
    pc_arena made = {0};
    uint64_t random = 74;
    const pc_batch batch = random_batch(&random, &made, 21);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        status = whole_life(&batch, &budget);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    pc_arena_reset(&made);
}

static void test_broken_invariants_are_found(void)
{
    pc_arena made = {0};
    uint64_t random = 75;
    pc_error err = {0};
    for (int kind = 0; kind < 6; kind++) {
        pc_batch batch = random_batch(&random, &made, 100);
        CU_ASSERT_EQUAL(pc_batch_check(&batch, &SCHEMA, &err), PC_OK);
        const uint8_t two[100] = {2};
        if (kind == 0) batch.row_count = PC_BATCH_ROWS + 1;
        if (kind == 1) batch.column[1].width = 3;
        if (kind == 2) batch.column[2].scale = 3;
        if (kind == 3) batch.column[5].dict = NULL;
        if (kind == 4) batch.column[0] = (pc_column){.type = PC_BOOL, .width = 1, .data = two};
        if (kind == 5) batch.column[6].type = PC_CODE;
        CU_ASSERT_EQUAL(pc_batch_check(&batch, &SCHEMA, &err), PC_BAD_INPUT);
        pc_arena_reset(&made);
    }
    CU_ASSERT(strstr(err.text, "'note': expected type text, not code") != NULL);
    CU_ASSERT_EQUAL(pc_schema_find(&SCHEMA, "EUROS"), 2);
    CU_ASSERT_EQUAL(pc_schema_find(&SCHEMA, "euro"), -1);
}

PC_TEST_MAIN("batch", {"keep", test_keep}, {"pack and unpack", test_pack_and_unpack},
             {"hostile bytes", test_hostile_bytes},
             {"any request may be refused", test_any_request_may_be_refused},
             {"broken invariants are found", test_broken_invariants_are_found});
