/** Derived columns: the shipped model's rules bind; a small model's rules compute. */
#include <stdio.h>
#include <string.h>
#include "parcours/derive.h"
#include "test_main.h"

static pc_dict empty_dict = {.sorted = true};

static void test_shipped_rules(void)
{
    static const uint64_t none[1] = {0};
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_error err = {0};
    const pc_model *model;
    CU_ASSERT_EQUAL_FATAL(pc_model_read("snds", PC_TEST_SHARE, &arena, &model, &err), PC_OK);
    empty_dict.offset = none;
    empty_dict.bytes = "";
    const pc_dict **dict =
        pc_arena_array(&arena, (size_t)model->dict_count + 1, sizeof *dict, &err);
    const pc_column **reference =
        pc_arena_array(&arena, (size_t)model->table_count, sizeof *reference, &err);
    int64_t *count = pc_arena_array(&arena, (size_t)model->table_count, sizeof *count, &err);
    for (int i = 0; i < model->dict_count; i++) {
        dict[i] = &empty_dict;
    }
    pc_derive *derive = NULL;
    const pc_status status = pc_derive_open(model, dict, reference, count, &arena, &derive, &err);
    if (status != PC_OK) (void)fprintf(stderr, "\n  %s\n", err.text);
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(model->rule_count > 10);
    pc_derive_close(derive);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

/** DRUG rows with a reference: atc = COALESCE(new, old), large = grd = 'L', valid. */
enum { PERSON, DRUG, DRUGS };
static const pc_model_column drug_columns[] = {
    {.name = "cip", .type = PC_CODE, .dict = 0, .system = -1, .parent_column = -1},
    {.name = "boxes", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1},
    {.name = "atc",
     .type = PC_CODE,
     .dict = 1,
     .system = -1,
     .parent_column = -1,
     .origin = PC_FROM_RULE,
     .sql = "COALESCE(new_atc, old_atc)"},
    {.name = "valid",
     .type = PC_BOOL,
     .dict = -1,
     .system = -1,
     .parent_column = -1,
     .origin = PC_FROM_RULE,
     .sql = "boxes > 0 AND COALESCE(atc LIKE 'A%', false)"},
    {.name = "class",
     .type = PC_CODE,
     .dict = 2,
     .system = -1,
     .parent_column = -1,
     .origin = PC_FROM_RULE,
     .sql = "left(atc, 1) || CASE WHEN boxes > 1 THEN '+' ELSE '' END"},
    {.name = "cip7", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}};
static const pc_model_column reference_columns[] = {
    {.name = "code", .type = PC_CODE, .dict = 0, .system = -1, .parent_column = -1},
    {.name = "new_atc", .type = PC_CODE, .dict = 1, .system = -1, .parent_column = -1},
    {.name = "old_atc", .type = PC_CODE, .dict = 1, .system = -1, .parent_column = -1},
    {.name = "code7", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}};
// By the code, else by the older one.
static const pc_model_reference to_drugs[] = {{DRUGS, 0, 0}, {DRUGS, 5, 3}};
static const pc_model_table tables[] = {[PERSON] = {.name = "PERSON",
                                                    .path = PC_PATH_PERSON,
                                                    .own_key = -1,
                                                    .parent_key = -1,
                                                    .event_date = -1,
                                                    .event_end = -1},
                                        [DRUG] = {.name = "DRUG",
                                                  .path = PC_PATH_PAIR,
                                                  .own_key = -1,
                                                  .parent_key = -1,
                                                  .event_date = -1,
                                                  .event_end = -1,
                                                  .column_count = 6,
                                                  .column = drug_columns,
                                                  .reference_count = 2,
                                                  .reference = to_drugs},
                                        [DRUGS] = {.name = "DRUGS",
                                                   .path = PC_PATH_NONE,
                                                   .own_key = -1,
                                                   .parent_key = -1,
                                                   .event_date = -1,
                                                   .event_end = -1,
                                                   .column_count = 4,
                                                   .column = reference_columns}};
static const pc_model_rule rules[] = {{DRUG, 2}, {DRUG, 3}, {DRUG, 4}};
static const pc_model small_model = {
    .table_count = 3, .table = tables, .rule_count = 3, .rule = rules, .person_table = PERSON};

enum { ROWS = 5000 };

static pc_status derive_small(pc_budget *budget, bool lacks_text, pc_error *err, char *digest)
{
    static const uint64_t cip_at[] = {0, 1, 2, 3, 4};
    static const uint64_t atc_at[] = {0, 3, 6, 9};
    static const uint64_t class_at[] = {0, 1, 3, 4, 6};
    const pc_dict cips = {.count = 4, .sorted = true, .offset = cip_at, .bytes = "1234"};
    const pc_dict atcs = {.count = 3, .sorted = true, .offset = atc_at, .bytes = "A10A11B01"};
    const pc_dict classes = {
        .count = lacks_text ? 3U : 4U, .sorted = true, .offset = class_at, .bytes = "AA+BB+"};
    const pc_dict *dict[] = {&cips, &atcs, &classes};
    // Two rows for code 2: the first one counts. Code 4 is not there.
    static const uint8_t code[] = {0, 1, 1, 2};
    static const uint8_t new_atc[] = {0, 0, 2, 0};
    static const uint8_t old_atc[] = {2, 1, 2, 2};
    static const uint64_t new_valid[] = {5};
    static const uint8_t code7[] = {70, 71, 72, 72}; // of 72 too the first one counts
    const pc_column reference[] = {{PC_CODE, 0, 1, code, NULL, &cips},
                                   {PC_CODE, 0, 1, new_atc, new_valid, &atcs},
                                   {PC_CODE, 0, 1, old_atc, NULL, &atcs},
                                   {PC_INT, 0, 1, code7, NULL, NULL}};
    const pc_column *references[] = {NULL, NULL, reference};
    const int64_t counts[] = {0, 0, 4};
    static uint8_t cip[ROWS];
    static int8_t boxes[ROWS];
    static int8_t cip7[ROWS]; // of every eighth row another drug's, of the fourth before it none's
    for (int i = 0; i < ROWS; i++) {
        cip[i] = (uint8_t)(i % 4);
        boxes[i] = (int8_t)(i % 3);
        cip7[i] = (int8_t)(i % 8 == 3 ? 72 : i % 8 == 7 ? 1 : 70);
    }
    const pc_slot_key key = {{'P', 'x'}};
    const int64_t offset[] = {0, ROWS};
    pc_column column[6] = {{PC_CODE, 0, 1, cip, NULL, &cips},
                           {PC_INT, 0, 1, boxes, NULL, NULL},
                           [5] = {PC_INT, 0, 1, cip7, NULL, NULL}};
    pc_block_table table[3] = {{0}, {.row_count = ROWS, .offset = offset, .column = column}, {0}};
    pc_arena arena = {.budget = budget};
    pc_block block = {
        .model = &small_model, .slot_count = 1, .slot_key = &key, .table = table, .arena = &arena};
    pc_derive *derive = NULL;
    pc_status status = pc_derive_open(&small_model, dict, references, counts, &arena, &derive, err);
    if (status == PC_OK) status = pc_derive_block(derive, &block, err);
    for (int i = 0; status == PC_OK && i < 12; i++) {
        const pc_span atc = pc_column_span(&column[2], i + 4092);
        const pc_span class_text = pc_column_span(&column[4], i + 4092);
        digest += sprintf(digest, "%.*s,%d,%.*s ", (int)atc.bytes, atc.data,
                          (int)pc_column_int(&column[3], i + 4092), (int)class_text.bytes,
                          class_text.data);
    }
    pc_derive_close(derive);
    pc_arena_reset(&arena);
    return status;
}

static void test_rules_compute(void)
{
    pc_budget budget = {0};
    pc_error err = {0};
    char found[1000];
    CU_ASSERT_EQUAL(derive_small(&budget, false, &err, found), PC_OK);
    CU_ASSERT_STRING_EQUAL(found, "A10,0,A A11,1,A B01,0,B+ ,0, A10,1,A A11,1,A+ B0"
                                  "1,0,B B01,0,B A10,1,A+ A11,0,A B01,0,B ,0, ");
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_text_not_in_dictionary(void)
{
    pc_budget budget = {0};
    pc_error err = {0};
    char found[1000];
    CU_ASSERT_EQUAL(derive_small(&budget, true, &err, found), PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "DRUG.class"));
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    char found[1000];
    for (size_t limit = 1; status != PC_OK && limit < 1 << 24; limit += limit / 4 + 1024) {
        pc_budget budget = {.limit_bytes = limit};
        status = derive_small(&budget, false, NULL, found);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("derive", {"shipped rules bind", test_shipped_rules},
             {"rules compute", test_rules_compute},
             {"a text that the dictionary lacks", test_text_not_in_dictionary},
             {"any request may be refused", test_any_request_may_be_refused});
