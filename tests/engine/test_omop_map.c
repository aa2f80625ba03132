/** The mapping of codes to concepts: what is read, what is found, what is refused. */
#include "engine/omop.h"
#include <string.h>
#include "test_main.h"

static const char text[] =
    "\"source_code\",source_concept_id,SOURCE_VOCABULARY_ID,source_code_description,"
    "target_concept_id,invalid_reason\r\n"
    "E112,45,CIM10,\"Diabetes, type 2\",201826,\r\n"
    "E112,45,CIM10,again,7,\r\n"
    "E112,45,CIM10,old,8,D\r\n"
    "\r\n"
    "E112,,ATC,,9,\r\n"
    "\"A,1\",1,CIM10,,10,";

static void test_mapping(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 20; limit += 64) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        pc_omop_mapping mapping;
        int64_t count = 0;
        status = pc_omop_mapping_read(pc_span_of(text), "m", &arena, &mapping, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        if (status == PC_OK) {
            CU_ASSERT_EQUAL(mapping.count, 4);
            const pc_omop_map *m =
                pc_omop_mapping_find(&mapping, pc_span_of("CIM10"), pc_span_of("E112"), &count);
            CU_ASSERT_EQUAL_FATAL(count, 2);
            CU_ASSERT_EQUAL(m[0].target, 7);
            CU_ASSERT_EQUAL(m[1].target, 201826);
            CU_ASSERT_EQUAL(m[1].source_concept, 45);
            m = pc_omop_mapping_find(&mapping, pc_span_of("ATC"), pc_span_of("E112"), &count);
            CU_ASSERT(count == 1 && m[0].target == 9 && m[0].source_concept == 0);
            (void)pc_omop_mapping_find(&mapping, pc_span_of("CIM10"), pc_span_of("A,1"), &count);
            CU_ASSERT_EQUAL(count, 1);
            (void)pc_omop_mapping_find(&mapping, pc_span_of("CIM10"), pc_span_of("E11"), &count);
            CU_ASSERT_EQUAL(count, 0);
            (void)pc_omop_mapping_find(&mapping, pc_span_of("ZZ"), pc_span_of("E112"), &count);
            CU_ASSERT_EQUAL(count, 0);
        }
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_wrong_mappings(void)
{
    static const char *const wrong[][2] = {
        {"", "mapping 'm': is empty"},
        {"source_code\tsource_vocabulary_id\n", "line 1: column target_concept_id is missing"},
        {"source_code\tsource_vocabulary_id\ttarget_concept_id\nA\tB\tx\n", "line 2: expected a"},
        {"source_code\tsource_vocabulary_id\ttarget_concept_id\n\n\tB\t1\n", "line 3: expected a"}};
    pc_budget budget = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        pc_arena arena = {.budget = &budget};
        pc_omop_mapping mapping;
        pc_error err = {0};
        CU_ASSERT_EQUAL(pc_omop_mapping_read(pc_span_of(wrong[i][0]), "m", &arena, &mapping, &err),
                        PC_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wrong[i][1]));
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("omop_map", {"codes and their concepts, each refusal of memory", test_mapping},
             {"what is no mapping is refused", test_wrong_mappings});
