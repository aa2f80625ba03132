/** Keys of slots: their kinds, their texts, and what does not change them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/ingest/resolver.h"
#include "test_main.h"

static const char MODEL[] =
    "{\"model\":\"slots\",\"version\":\"1\",\"keys\":{\"visit\":{\"table\":\"VISIT\"}},"
    "\"person\":{\"identity\":[\"PEOPLE\"],\"sex\":\"SEX\",\"female\":\"2\",\"male\":\"1\","
    "\"birth_year\":\"YEAR\",\"birth_month\":\"MONTH\",\"death_date\":\"DEATH\"},"
    "\"tables\":{"
    "\"PEOPLE\":{\"files\":[\"people.csv\"],\"patient\":{\"path\":\"identity\","
    "\"pseudonym\":\"PSEUDO\",\"rank\":\"RANK\",\"person\":\"ID\"},"
    "\"columns\":[\"PSEUDO id(17) patient\",\"RANK int(2)\",\"ID id(18) patient\",\"SEX int(1)\","
    "\"YEAR int(4)\",\"MONTH int(2)\",\"DEATH date\"]},"
    "\"VISIT\":{\"files\":[\"visit.csv\"],\"patient\":{\"path\":\"pair\",\"pseudonym\":\"PSEUDO\","
    "\"rank\":\"RANK\",\"dummies\":{\"PSEUDO\":[\"XXXX\"],\"KIND\":[\"01\",\"99\"]}},"
    "\"primary\":[\"PLACE\",\"NUMBER\"],"
    "\"columns\":[\"PSEUDO id(17) patient\",\"RANK int(2)\",\"PLACE code\",\"NUMBER int(6)\","
    "\"KIND code\"]},"
    "\"ACT\":{\"files\":[\"act.csv\"],\"patient\":{\"path\":\"key\",\"parent\":\"visit\"},"
    "\"columns\":[\"WHAT code\",\"PLACE code\",\"NUMBER int(6)\"]}}}";

typedef struct slots_case {
    pc_budget budget;
    ingest_job job;
    ingest_table table[8];
    pc_dict dict[8];
    const pc_dict *dict_at[8];
    unsigned char visit[128], act[128];
    int visit_table, act_table;
} slots_case;

/** A job with dictionaries in which `place_index` is the index of the text "paris". */
static void case_begin(slots_case *c, uint32_t place_index)
{
    static const uint64_t first[] = {0, 5, 7, 9};  // paris 01 99
    static const uint64_t second[] = {0, 2, 4, 9}; // 01 99 paris
    memset(c, 0, sizeof *c);
    c->job.budget = c->job.arena.budget = &c->budget;
    c->job.table = c->table;
    c->job.dict = c->dict_at;
    pc_error err = {0};
    if (pc_model_parse(pc_span_of(MODEL), "slots", &c->job.arena, &c->job.model, &err) != PC_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    for (int d = 0; d < c->job.model->dict_count; d++) {
        const bool is_first = place_index == 0;
        c->dict[d] = (pc_dict){.count = 3,
                               .sorted = true,
                               .offset = is_first ? first : second,
                               .bytes = is_first ? "paris0199" : "0199paris"};
        c->dict_at[d] = &c->dict[d];
    }
    c->visit_table = pc_model_find_table(c->job.model, pc_span_of("VISIT"));
    c->act_table = pc_model_find_table(c->job.model, pc_span_of("ACT"));
    for (int t = 0; t < c->job.model->table_count; t++) {
        if (t == c->job.model->person_table) continue;
        if (pc_row_layout_make(c->job.model, t, &c->job.arena, &c->table[t].layout, &err) !=
            PC_OK) {
            exit(1);
        }
    }
}

static void case_end(slots_case *c)
{
    pc_arena_reset(&c->job.arena);
    CU_ASSERT_EQUAL(c->budget.used_bytes, 0);
}

static const pc_row_field *field_of(const slots_case *c, int table, const char *name)
{
    const pc_row_layout *layout = c->table[table].layout;
    const int column = pc_model_find_column(&c->job.model->table[table], pc_span_of(name));
    return &layout->field[layout->field_of_column[column]];
}

static void make_rows(slots_case *c, uint32_t place, int64_t rank)
{
    memset(c->visit, 0xff, sizeof c->visit);
    memset(c->act, 0xff, sizeof c->act);
    pc_row_set_id(field_of(c, c->visit_table, "PSEUDO"), c->visit, pc_span_of("aBc"));
    if (rank >= 0) pc_row_set_int(field_of(c, c->visit_table, "RANK"), c->visit, rank);
    pc_row_set_int(field_of(c, c->visit_table, "PLACE"), c->visit, place);
    pc_row_set_int(field_of(c, c->visit_table, "NUMBER"), c->visit, 7);
    pc_row_set_int(field_of(c, c->act_table, "PLACE"), c->act, place);
    pc_row_set_int(field_of(c, c->act_table, "NUMBER"), c->act, 7);
}

static void test_texts(void)
{
    pc_slot_entry entry, other;
    slots_case c;
    slot_of_person((const unsigned char *)"Person1\0\0\0", 10, &entry);
    CU_ASSERT_STRING_EQUAL(entry.key.byte, "PPerson1");
    slot_entry_make('U', pc_span_of("a text of more than twenty-three bytes"), &entry);
    CU_ASSERT_EQUAL(strlen(entry.key.byte), 23);
    slot_entry_make('U', pc_span_of("a text of more than twenty-three bytez"), &other);
    CU_ASSERT_NOT_EQUAL(memcmp(&entry, &other, sizeof entry), 0);
    case_begin(&c, 0);
    make_rows(&c, 0, 2);
    slot_of_pair(&c.job, c.visit_table, c.visit, &entry);
    CU_ASSERT_STRING_EQUAL(entry.key.byte, "UaBc/2");
    make_rows(&c, 0, 0);
    slot_of_pair(&c.job, c.visit_table, c.visit, &entry);
    CU_ASSERT_STRING_EQUAL(entry.key.byte, "UaBc/0");
    make_rows(&c, 0, -1);
    slot_of_pair(&c.job, c.visit_table, c.visit, &entry);
    CU_ASSERT_STRING_EQUAL(entry.key.byte, "UaBc/");
    case_end(&c);
}

/** A visit and its act name one slot, whatever number the dictionary gives to the place. */
static void test_nobody(void)
{
    slots_case c;
    pc_slot_entry entry[4];
    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t place = i == 0 ? 0 : 2;
        case_begin(&c, place);
        make_rows(&c, place, 1);
        slot_of_nobody(&c.job, c.visit_table, c.visit, PC_SLOT_ORPHAN, &entry[2 * i]);
        slot_of_nobody(&c.job, c.act_table, c.act, PC_SLOT_ORPHAN, &entry[2 * i + 1]);
        CU_ASSERT_EQUAL(memcmp(&entry[0], &entry[2 * i], sizeof entry[0]), 0);
        CU_ASSERT_EQUAL(memcmp(&entry[0], &entry[2 * i + 1], sizeof entry[0]), 0);
        // b2sum -l 256 of "visit\0paris\0" "7\0", 22 digits: another place's slots must not move.
        CU_ASSERT_STRING_EQUAL(entry[0].key.byte, "O91e587e2f92f3bb7be65bf");
        pc_row_set_int(field_of(&c, c.act_table, "NUMBER"), c.act, 8);
        slot_of_nobody(&c.job, c.act_table, c.act, PC_SLOT_ORPHAN, &entry[1]);
        CU_ASSERT_NOT_EQUAL(memcmp(&entry[0], &entry[1], sizeof entry[0]), 0);
        case_end(&c);
    }
}

static void test_dummies(void)
{
    slots_case c;
    case_begin(&c, 0);
    make_rows(&c, 0, 1);
    CU_ASSERT_FALSE(slot_is_dummy(&c.job, c.visit_table, c.visit));
    pc_row_set_int(field_of(&c, c.visit_table, "KIND"), c.visit, 2); // "99"
    CU_ASSERT_TRUE(slot_is_dummy(&c.job, c.visit_table, c.visit));
    pc_row_set_int(field_of(&c, c.visit_table, "KIND"), c.visit, 0); // "paris"
    CU_ASSERT_FALSE(slot_is_dummy(&c.job, c.visit_table, c.visit));
    pc_row_set_id(field_of(&c, c.visit_table, "PSEUDO"), c.visit, pc_span_of("XXXX"));
    CU_ASSERT_TRUE(slot_is_dummy(&c.job, c.visit_table, c.visit));
    pc_row_set_id(field_of(&c, c.visit_table, "PSEUDO"), c.visit, pc_span_of("xxxx"));
    CU_ASSERT_FALSE(slot_is_dummy(&c.job, c.visit_table, c.visit)); // case sensitive
    case_end(&c);
}

PC_TEST_MAIN("ingest slots", {"texts of keys", test_texts},
             {"a visit and its act have one nobody slot", test_nobody},
             {"values that stand for no person", test_dummies});
