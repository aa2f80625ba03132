/** A bucket of random rows against an obvious twin: slots, order, duplicates, links, dates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/bucket.h"
#include "test_main.h"
#include "test_random.h"

static const char MODEL[] =
    "{\"model\":\"bucket\",\"version\":\"1\",\"keys\":{\"visit\":{\"table\":\"VISIT\"}},"
    "\"person\":{\"identity\":[\"PEOPLE\",\"ARCHIVE\"],\"sex\":\"SEX\",\"female\":\"2\","
    "\"male\":\"1\",\"birth_year\":\"YEAR\",\"birth_month\":\"MONTH\",\"death_date\":\"DEATH\","
    "\"latest\":[\"SEEN\"],\"copy\":[\"REGION\"]},"
    "\"tables\":{"
    "\"PEOPLE\":{\"files\":[\"people.csv\"],\"patient\":{\"path\":\"identity\","
    "\"pseudonym\":\"PSEUDO\",\"rank\":\"RANK\",\"person\":\"ID\"},\"primary\":[\"PSEUDO\","
    "\"RANK\"],"
    "\"columns\":[\"PSEUDO id(8) patient\",\"RANK int(2)\",\"ID id(8) patient\",\"SEX int(1)\","
    "\"YEAR int(4)\",\"MONTH int(2)\",\"DEATH date\",\"SEEN date\",\"REGION code\"]},"
    "\"ARCHIVE\":{\"files\":[\"archive.csv\"],\"patient\":{\"path\":\"identity\","
    "\"pseudonym\":\"PSEUDO\",\"rank\":\"RANK\",\"person\":\"ID\"},\"primary\":[\"PSEUDO\","
    "\"RANK\"],"
    "\"columns\":[\"PSEUDO id(8) patient\",\"RANK int(2)\",\"ID id(8) patient\",\"SEX int(1)\","
    "\"YEAR int(4)\",\"MONTH int(2)\",\"DEATH date\",\"SEEN date\",\"REGION code\"]},"
    "\"VISIT\":{\"files\":[\"visit.csv\"],\"patient\":{\"path\":\"pair\",\"pseudonym\":\"PSEUDO\","
    "\"rank\":\"RANK\"},\"primary\":[\"NUMBER\"],\"dates\":[\"FROM_DAY\",\"TO_DAY\"],"
    "\"columns\":[\"PSEUDO id(8) patient\",\"RANK int(2)\",\"NUMBER int(6)\",\"FROM_DAY date\","
    "\"TO_DAY date\",\"COST decimal(14,2)\",\"RATE float\"]},"
    "\"ACT\":{\"files\":[\"act.csv\"],\"patient\":{\"path\":\"key\",\"parent\":\"visit\"},"
    "\"primary\":[\"NUMBER\",\"ORD\"],"
    "\"columns\":[\"NUMBER int(6)\",\"ORD int(3)\",\"QTY int(4)\"]}}}";

enum { SLOTS = 40, MOST_ROWS = 1200, ROW_ROOM = 96, NO_DATE = INT32_MAX };

typedef struct bucket_case {
    pc_budget budget;
    pc_arena arena;
    const pc_model *model;
    const pc_row_layout *layout[16];
    pc_dict region, sex;
    const pc_dict *dict[16];
    pc_bucket_table table[16];
    unsigned char *row[16]; // of each table, before they are arranged
    pc_bucket bucket;
    pc_buffer rejected[16];
    pc_slot_entry entry[3 * SLOTS];
    int people, archive, visit, act;
} bucket_case;

static const uint64_t region_offset[] = {0, 1, 2, 3};
static const uint64_t sex_offset[] = {0, 1, 2};

static void case_begin(bucket_case *c)
{
    memset(c, 0, sizeof *c);
    c->arena.budget = &c->budget;
    pc_error err = {0};
    if (pc_model_parse(pc_span_of(MODEL), "bucket", &c->arena, &c->model, &err) != PC_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    for (int t = 0; t < c->model->table_count; t++) {
        c->rejected[t].budget = &c->budget;
        if (t == c->model->person_table) continue;
        if (pc_row_layout_make(c->model, t, &c->arena, &c->layout[t], &err) != PC_OK) exit(1);
        c->table[t].layout = c->layout[t];
    }
    c->region = (pc_dict){.count = 3, .sorted = true, .offset = region_offset, .bytes = "abc"};
    c->sex = (pc_dict){.count = 2, .sorted = true, .offset = sex_offset, .bytes = "FM"};
    for (int d = 0; d < c->model->dict_count; d++) {
        c->dict[d] = strcmp(c->model->dict_name[d], "REGION") == 0 ? &c->region : &c->sex;
    }
    c->people = pc_model_find_table(c->model, pc_span_of("PEOPLE"));
    c->archive = pc_model_find_table(c->model, pc_span_of("ARCHIVE"));
    c->visit = pc_model_find_table(c->model, pc_span_of("VISIT"));
    c->act = pc_model_find_table(c->model, pc_span_of("ACT"));
    c->bucket = (pc_bucket){.model = c->model, .table = c->table};
}

static void case_end(bucket_case *c)
{
    for (int t = 0; t < c->model->table_count; t++)
        pc_buffer_release(&c->rejected[t]);
    pc_arena_reset(&c->arena);
    CU_ASSERT_EQUAL(c->budget.used_bytes, 0);
}

static const pc_row_field *field_of(const bucket_case *c, int table, const char *name)
{
    const int column = pc_model_find_column(&c->model->table[table], pc_span_of(name));
    return &c->layout[table]->field[c->layout[table]->field_of_column[column]];
}

static void set(const bucket_case *c, int table, unsigned char *row, const char *name, int64_t to)
{
    const pc_row_field *field = field_of(c, table, name);
    if (to == INT64_MIN) {
        pc_row_set_null(field, row);
    } else {
        pc_row_set_int(field, row, to);
    }
}

static int64_t get(const bucket_case *c, int table, const unsigned char *row, const char *name)
{
    const pc_row_field *field = field_of(c, table, name);
    return pc_row_is_null(field, row) ? INT64_MIN : pc_row_int(field, row);
}

static unsigned char *add_row(bucket_case *c, int table, int slot)
{
    pc_bucket_table *t = &c->table[table];
    if (t->row == NULL) {
        t->row = c->row[table] = pc_arena_array(&c->arena, MOST_ROWS, ROW_ROOM, NULL);
    }
    unsigned char *row = c->row[table] + t->row_count * t->layout->row_bytes;
    for (int i = 0; i < t->layout->field_count; i++)
        pc_row_set_null(&t->layout->field[i], row);
    memcpy(row + PC_ROW_TAG, c->entry[slot].tag, PC_TAG_BYTES);
    const uint64_t source = __builtin_bswap64((uint64_t)(table * 100000 + t->row_count));
    memcpy(row, &source, 8);
    t->row_count++;
    return row;
}

static void make_slots(bucket_case *c)
{
    static const char kinds[] = "PPPPUADO";
    for (int i = 0; i < SLOTS; i++) {
        pc_slot_entry *entry = &c->entry[i];
        memset(entry, 0, sizeof *entry);
        (void)snprintf(entry->key.byte, PC_SLOT_KEY_BYTES, "%cslot%d", kinds[i % 8], i);
        pc_slot_tag(&entry->key, entry->tag);
        c->entry[SLOTS + i] = c->entry[2 * SLOTS + i] = *entry;
    }
}

/** Visits with few distinct values, so that there are duplicates and key conflicts, and acts of
 *  them; some acts name a visit of another slot, hence are orphans. */
static void fill_random(bucket_case *c, uint64_t *random)
{
    make_slots(c);
    for (int i = 0; i < 500; i++) {
        const int slot = pc_test_below(random, SLOTS / 2);
        unsigned char *row = add_row(c, c->visit, slot);
        const int number = pc_test_below(random, 8);
        set(c, c->visit, row, "NUMBER", slot * 8 + number);
        set(c, c->visit, row, "FROM_DAY",
            pc_test_below(random, 5) == 0 ? INT64_MIN : 17000 + pc_test_below(random, 3));
        set(c, c->visit, row, "TO_DAY", 17100 + number);
        set(c, c->visit, row, "COST", pc_test_below(random, 2) - 1);
        pc_row_set_float(field_of(c, c->visit, "RATE"), row, -1.5 + pc_test_below(random, 3));
    }
    for (int i = 0; i < 900; i++) {
        const int slot = pc_test_below(random, SLOTS / 2);
        unsigned char *row = add_row(c, c->act, slot);
        set(c, c->act, row, "NUMBER", slot * 8 + pc_test_below(random, 9));
        set(c, c->act, row, "ORD", pc_test_below(random, 3));
        set(c, c->act, row, "QTY", pc_test_below(random, 3));
    }
}

// ---- the twin ---------------------------------------------------------------------------------

static int slot_number(const bucket_case *c, const unsigned char *row)
{
    for (int i = 0; i < c->bucket.slot_count; i++) {
        unsigned char tag[PC_TAG_BYTES];
        pc_slot_tag(&c->bucket.slot_key[i], tag);
        if (memcmp(tag, row + PC_ROW_TAG, PC_TAG_BYTES) == 0) return i;
    }
    return -1;
}

/** Value by value, nulls last, as DESIGN says: slot, date, key, other columns. */
static int twin_compare(const bucket_case *c, int table, const unsigned char *a,
                        const unsigned char *b)
{
    const int slot_a = slot_number(c, a), slot_b = slot_number(c, b);
    if (slot_a != slot_b) return slot_a < slot_b ? -1 : 1;
    const pc_row_field date = {.type = PC_DATE, .bytes = 4, .offset = PC_ROW_DATE, .dict = -1};
    for (int i = -1; i < c->layout[table]->field_count; i++) {
        const pc_row_field *field = i < 0 ? &date : &c->layout[table]->field[i];
        const bool null_a = pc_row_is_null(field, a), null_b = pc_row_is_null(field, b);
        if (null_a || null_b) {
            if (null_a != null_b) return null_a ? 1 : -1;
            continue;
        }
        if (field->type == PC_FLOAT) {
            const double x = pc_row_float(field, a), y = pc_row_float(field, b);
            if (x < y || x > y) return x < y ? -1 : 1;
        } else if (field->type != PC_ID) {
            const int64_t x = pc_row_int(field, a), y = pc_row_int(field, b);
            if (x != y) return x < y ? -1 : 1;
        }
    }
    return 0;
}

/** The sorted rows of a table must be strictly ascending, and every row must be one of them or
 *  equal to one of them. */
static int check_rows(const bucket_case *c, int table)
{
    const pc_bucket_table *t = &c->table[table];
    int wrong = 0;
    int64_t duplicates = (int64_t)(c->rejected[table].bytes / sizeof(pc_rejected));
    wrong += t->kept_count + duplicates != t->row_count;
    for (int64_t i = 1; i < t->kept_count; i++) {
        wrong += twin_compare(c, table, t->sorted[i - 1], t->sorted[i]) >= 0;
    }
    for (int64_t i = 0; i < t->row_count; i++) {
        unsigned char row[ROW_ROOM]; // as it came, but dated as what is kept of it
        memcpy(row, t->row + i * t->layout->row_bytes, (size_t)t->layout->row_bytes);
        bool is_there = false;
        for (int64_t k = 0; !is_there && k < t->kept_count; k++) {
            memcpy(row + PC_ROW_DATE, t->sorted[k] + PC_ROW_DATE, 4);
            is_there = twin_compare(c, table, row, t->sorted[k]) == 0;
            // Of equal rows the one that was read first is kept.
            if (is_there) wrong += memcmp(row, t->sorted[k], 8) < 0;
        }
        wrong += !is_there;
    }
    for (int s = 0; s < c->bucket.slot_count; s++) {
        for (int64_t i = t->offset[s]; i < t->offset[s + 1]; i++) {
            wrong += slot_number(c, t->sorted[i]) != s;
        }
    }
    return wrong;
}

static int check_links(const bucket_case *c)
{
    const pc_bucket_table *visits = &c->table[c->visit], *acts = &c->table[c->act];
    int wrong = 0, orphans = 0;
    int64_t conflicts = 0;
    for (int64_t i = 0; i < acts->kept_count; i++) {
        int32_t first = -1;
        const int slot = slot_number(c, acts->sorted[i]);
        for (int64_t v = visits->offset[slot]; v < visits->offset[slot + 1]; v++) {
            const bool same = get(c, c->visit, visits->sorted[v], "NUMBER") ==
                              get(c, c->act, acts->sorted[i], "NUMBER");
            if (same && first < 0) first = (int32_t)v;
        }
        wrong += acts->parent[i] != first;
        orphans += first < 0;
    }
    for (int64_t v = 0; v < visits->kept_count; v++) {
        bool has_earlier = false;
        for (int64_t u = 0; u < v; u++) {
            has_earlier = has_earlier || get(c, c->visit, visits->sorted[u], "NUMBER") ==
                                             get(c, c->visit, visits->sorted[v], "NUMBER");
        }
        conflicts += has_earlier;
    }
    wrong += conflicts != visits->key_conflict;
    return wrong + (orphans == 0); // the cases have some
}

static int column_of(const bucket_case *c, int table, const char *name)
{
    return pc_model_find_column(&c->model->table[table], pc_span_of(name));
}

/** Blocks of all sizes hold the rows that were sorted, and children the dates of their parents. */
static int check_blocks(bucket_case *c, const pc_person_plan *person, int64_t row_limit)
{
    int wrong = 0;
    int64_t visit_at = 0, act_at = 0;
    for (int from = 0; from < c->bucket.slot_count;) {
        const int to = pc_bucket_run(&c->bucket, from, row_limit);
        pc_arena arena = {.budget = &c->budget};
        pc_block block;
        CU_ASSERT_EQUAL(
            pc_bucket_block(&c->bucket, from, to, from, person, c->dict, &arena, &block, NULL),
            PC_OK);
        const pc_block_table *visits = &block.table[c->visit], *acts = &block.table[c->act];
        const pc_column *day = &visits->column[column_of(c, c->visit, "event_date")];
        const pc_column *end = &visits->column[column_of(c, c->visit, "event_end")];
        const pc_column *rate = &visits->column[column_of(c, c->visit, "RATE")];
        const pc_column *act_day = &acts->column[column_of(c, c->act, "event_date")];
        const pc_column *act_end = &acts->column[column_of(c, c->act, "event_end")];
        const pc_column *number = &acts->column[column_of(c, c->act, "NUMBER")];
        for (int64_t i = 0; i < visits->row_count; i++, visit_at++) {
            const unsigned char *row = c->table[c->visit].sorted[visit_at];
            const int64_t wanted = get(c, c->visit, row, "FROM_DAY");
            const bool is_null = day->data == NULL || pc_column_is_null(day, i);
            wrong += is_null ? wanted != INT64_MIN : wanted != pc_column_int(day, i);
            wrong += pc_column_int(end, i) != get(c, c->visit, row, "TO_DAY");
            const double value = pc_row_float(field_of(c, c->visit, "RATE"), row);
            wrong += memcmp((const double *)rate->data + i, &value, sizeof value) != 0;
        }
        for (int64_t i = 0; i < acts->row_count; i++, act_at++) {
            const int32_t parent = acts->parent[i];
            // of linked rows too: rules read it, the part leaves it out
            const int64_t wanted = get(c, c->act, c->table[c->act].sorted[act_at], "NUMBER");
            wrong += number->data == NULL || pc_column_int(number, i) != wanted;
            if (parent < 0) {
                wrong += act_day->data != NULL && !pc_column_is_null(act_day, i);
                continue;
            }
            const bool day_is_null = day->data == NULL || pc_column_is_null(day, parent);
            wrong += day_is_null != (act_day->data == NULL || pc_column_is_null(act_day, i));
            if (!day_is_null) wrong += pc_column_int(day, parent) != pc_column_int(act_day, i);
            wrong += pc_column_int(end, parent) != pc_column_int(act_end, i);
        }
        pc_arena_reset(&arena);
        from = to;
    }
    return wrong + (visit_at != c->table[c->visit].kept_count) +
           (act_at != c->table[c->act].kept_count);
}

static void test_random_buckets(void)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        bucket_case c;
        case_begin(&c);
        uint64_t random = seed;
        fill_random(&c, &random);
        const pc_person_plan *person = NULL;
        CU_ASSERT_EQUAL(pc_person_plan_make(c.model, c.layout, c.dict, &c.arena, &person, NULL),
                        PC_OK);
        CU_ASSERT_EQUAL(
            pc_bucket_arrange(&c.bucket, c.entry, 3 * SLOTS, &c.arena, c.rejected, NULL), PC_OK);
        CU_ASSERT_EQUAL(c.bucket.slot_count, SLOTS);
        const int wrong = check_rows(&c, c.visit) + check_rows(&c, c.act) + check_links(&c) +
                          check_blocks(&c, person, 1) + check_blocks(&c, person, 100) +
                          check_blocks(&c, person, 1 << 20);
        if (wrong > 0) (void)fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        CU_ASSERT_EQUAL(wrong, 0);
        case_end(&c);
    }
}

// ---- PERSON -----------------------------------------------------------------------------------

static unsigned char *add_person(bucket_case *c, int table, int slot, int64_t seen, int64_t death)
{
    unsigned char *row = add_row(c, table, slot);
    set(c, table, row, "SEEN", seen);
    set(c, table, row, "DEATH", death);
    return row;
}

static int64_t person_value(const bucket_case *c, const pc_block *block, const char *name,
                            int64_t row)
{
    const int person = c->model->person_table;
    const pc_column *column =
        &block->table[person]
             .column[pc_model_find_column(&c->model->table[person], pc_span_of(name))];
    if (column->data == NULL || pc_column_is_null(column, row)) return INT64_MIN;
    return pc_column_int(column, row);
}

static void test_person(void)
{
    bucket_case c;
    case_begin(&c);
    make_slots(&c);
    // The newest row speaks, though the archive stands behind; the earliest death counts.
    unsigned char *row = add_person(&c, c.people, 0, 17000, 18000);
    set(&c, c.people, row, "SEX", 1);
    set(&c, c.people, row, "YEAR", 1950);
    row = add_person(&c, c.archive, 0, 17500, 17900);
    set(&c, c.archive, row, "SEX", 2);
    set(&c, c.archive, row, "YEAR", 1951);
    set(&c, c.archive, row, "MONTH", 12);
    set(&c, c.archive, row, "REGION", 2);
    // A row without a date is the oldest; a month out of range leaves the date of birth empty.
    row = add_person(&c, c.people, 1, INT64_MIN, INT64_MIN);
    set(&c, c.people, row, "SEX", 2);
    row = add_person(&c, c.people, 1, 16000, INT64_MIN);
    set(&c, c.people, row, "SEX", 9);
    set(&c, c.people, row, "YEAR", 1960);
    set(&c, c.people, row, "MONTH", 13);
    const pc_person_plan *person = NULL;
    pc_block block;
    CU_ASSERT_EQUAL(pc_person_plan_make(c.model, c.layout, c.dict, &c.arena, &person, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_bucket_arrange(&c.bucket, c.entry, SLOTS, &c.arena, c.rejected, NULL),
                    PC_OK);
    CU_ASSERT_EQUAL(pc_bucket_block(&c.bucket, 0, SLOTS, 0, person, c.dict, &c.arena, &block, NULL),
                    PC_OK);
    int patients = 0;
    for (int i = 0; i < SLOTS; i++) {
        const pc_slot_key *key = &block.slot_key[i];
        const int64_t row_number = block.table[c.model->person_table].offset[i];
        if (!pc_slot_is_patient((pc_slot_kind)key->byte[0])) continue;
        patients++;
        CU_ASSERT_EQUAL(person_value(&c, &block, "resolved", row_number), key->byte[0] == 'P');
        if (strcmp(key->byte, "Pslot0") == 0) {
            CU_ASSERT_EQUAL(person_value(&c, &block, "sex", row_number), 0); // F
            CU_ASSERT_EQUAL(person_value(&c, &block, "birth_year", row_number), 1951);
            CU_ASSERT_EQUAL(person_value(&c, &block, "birth_date", row_number),
                            pc_day_of(1951, 12, 1));
            CU_ASSERT_EQUAL(person_value(&c, &block, "death_date", row_number), 17900);
            CU_ASSERT_EQUAL(person_value(&c, &block, "REGION", row_number), 2);
        }
        if (strcmp(key->byte, "Pslot1") == 0) {
            CU_ASSERT_EQUAL(person_value(&c, &block, "sex", row_number), INT64_MIN);
            CU_ASSERT_EQUAL(person_value(&c, &block, "birth_year", row_number), 1960);
            CU_ASSERT_EQUAL(person_value(&c, &block, "birth_date", row_number), INT64_MIN);
            CU_ASSERT_EQUAL(person_value(&c, &block, "death_date", row_number), INT64_MIN);
        }
    }
    CU_ASSERT_EQUAL(block.table[c.model->person_table].row_count, patients);
    case_end(&c);
}

static void test_one_tag_of_two_slots(void)
{
    bucket_case c;
    pc_error err = {0};
    case_begin(&c);
    make_slots(&c);
    memcpy(c.entry[1].tag, c.entry[0].tag, PC_TAG_BYTES);
    CU_ASSERT_EQUAL(pc_bucket_arrange(&c.bucket, c.entry, 2, &c.arena, c.rejected, &err),
                    PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "tag"));
    case_end(&c);
}

static void test_any_request_may_be_refused(void)
{
    bucket_case c;
    case_begin(&c);
    uint64_t random = 9;
    fill_random(&c, &random);
    const size_t held = c.budget.used_bytes;
    pc_status status = PC_NO_MEMORY;
    for (size_t more = 64; status != PC_OK && more < 8 << 20; more += 2048 + more / 8) {
        c.budget.limit_bytes = held + more;
        pc_arena arena = {.budget = &c.budget};
        const pc_person_plan *person = NULL;
        pc_block block;
        status = pc_person_plan_make(c.model, c.layout, c.dict, &arena, &person, NULL);
        if (status == PC_OK) {
            status = pc_bucket_arrange(&c.bucket, c.entry, SLOTS, &arena, c.rejected, NULL);
        }
        if (status == PC_OK) {
            status = pc_bucket_block(&c.bucket, 0, SLOTS, 0, person, c.dict, &arena, &block, NULL);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        for (int t = 0; t < c.model->table_count; t++)
            pc_buffer_release(&c.rejected[t]);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(c.budget.used_bytes, held);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    case_end(&c);
}

PC_TEST_MAIN("bucket", {"random buckets against a twin", test_random_buckets},
             {"PERSON from the newest row", test_person},
             {"one tag of two slots is refused", test_one_tag_of_two_slots},
             {"any request for memory may be refused", test_any_request_may_be_refused});
