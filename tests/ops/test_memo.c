/** Computed keys, whose numbers are remembered by the value that they are computed from, and the
 *  aggregates that are added together: against loops over the same rows. */
#include "op_case.h"
#include "parcours/text.h"
#include "ops/memo.h"

enum { DAY, CODE, PAID, COLUMNS, MOST_YEARS = 400, ROUNDS = 40, SECOND = 13 };

static const pc_field in_field[COLUMNS] = {{.name = "day", .type = PC_DATE},
                                           {.name = "code", .type = PC_CODE},
                                           {.name = "paid", .type = PC_INT}};

/** What the loops count: by year (0: the first) and by length of the code, or month. */
typedef struct twin {
    int64_t count[MOST_YEARS][SECOND], patients[MOST_YEARS][SECOND], last[MOST_YEARS][SECOND];
    int64_t sum[MOST_YEARS][SECOND];
} twin;

static twin the_twin;
static const int FIRST_YEAR = 1850;

typedef struct plan_case {
    pc_arena arena;
    const pc_expr *key[2];
    pc_field field[5];
    pc_aggregate aggregate[3];
    pc_plan node;
} plan_case;

static const pc_expr *call(plan_case *p, pc_function_id id, pc_type type, int column,
                           const void *extra)
{
    const pc_expr *arg, *x;
    CU_ASSERT_EQUAL_FATAL(pc_expr_column(column, &in_field[column], 1, &p->arena, &arg, NULL),
                          PC_OK);
    const pc_call made = {
        .id = id, .type = type, .position = 1, .arg = &arg, .arg_count = 1, .extra = extra};
    CU_ASSERT_EQUAL_FATAL(pc_expr_call(&made, &p->arena, &x, NULL), PC_OK);
    return x;
}

static void make_plan(plan_case *p, bool by_month)
{
    static const pc_date_part year = PC_PART_YEAR, month = PC_PART_MONTH;
    const pc_expr *paid;
    p->key[0] = call(p, PC_FN_DATE_PART, PC_INT, DAY, &year);
    p->key[1] = by_month ? call(p, PC_FN_DATE_PART, PC_INT, DAY, &month)
                         : call(p, PC_FN_LENGTH, PC_INT, CODE, NULL);
    CU_ASSERT_EQUAL_FATAL(pc_expr_column(PAID, &in_field[PAID], 1, &p->arena, &paid, NULL), PC_OK);
    p->aggregate[0] = (pc_aggregate){.function = PC_COUNT_ROWS};
    p->aggregate[1] = (pc_aggregate){.function = PC_COUNT_PATIENTS};
    p->aggregate[2] = (pc_aggregate){.function = PC_SUM, .arg = paid};
    for (int i = 0; i < 5; i++)
        p->field[i] = (pc_field){.name = "x", .type = PC_INT};
    for (int i = 0; i < 3; i++)
        p->aggregate[i].field = p->field[i];
    p->node = (pc_plan){.kind = PC_PLAN_AGGREGATE, .schema = {.field_count = 5, .field = p->field}};
    p->node.of.aggregate.key_count = 2;
    p->node.of.aggregate.key = p->key;
    p->node.of.aggregate.aggregate_count = 3;
    p->node.of.aggregate.aggregate = p->aggregate;
}

// Values of a width, of 4 bytes or more where 2 may not hold them.
static pc_column make_ints(pc_arena *arena, pc_type type, const int64_t *value, int count,
                           int width)
{
    char *data = pc_arena_array(arena, (size_t)count + 1, (size_t)width, NULL);
    for (int i = 0; i < count; i++)
        put_integer(data, i, width, value[i]);
    return (pc_column){.type = type, .width = (uint8_t)width, .data = data};
}

static int64_t random_day(uint64_t *random, int round, bool is_near)
{
    if (is_near) return 17000 + pc_test_below(random, 800); // few groups
    // Near each other, then beyond the window too, then anywhere.
    const int most = round % 3 == 0 ? 1000 : round % 3 == 1 ? 9000 : 100000;
    return pc_test_below(random, most) - (round % 3 == 2 ? 40000 : 0);
}

static void add_to_twin(int64_t day, size_t length, bool by_month, int64_t slot, int64_t paid)
{
    int year, month, day_of_month;
    pc_day_split((int32_t)day, &year, &month, &day_of_month);
    const int at = year - FIRST_YEAR;
    if (by_month) length = (size_t)month;
    CU_ASSERT_FATAL(at >= 0 && at < MOST_YEARS);
    the_twin.count[at][length]++;
    the_twin.patients[at][length] += the_twin.last[at][length] != slot + 1;
    the_twin.last[at][length] = slot + 1;
    the_twin.sum[at][length] += paid;
}

// One batch: some with nulls in the days, which are then rows of no year.
static pc_status push_batch(uint64_t *random, int round, int seed, pc_op *op,
                            const pc_dict *const *dict, int64_t *slot)
{
    pc_arena arena = {0};
    const int count = 1 + pc_test_below(random, PC_BATCH_ROWS);
    int64_t day[PC_BATCH_ROWS], code[PC_BATCH_ROWS], paid[PC_BATCH_ROWS], slots[PC_BATCH_ROWS];
    const pc_dict *texts = dict[pc_test_below(random, 2)];
    for (int i = 0; i < count; i++) {
        *slot += pc_test_below(random, 5) == 0;
        slots[i] = *slot;
        day[i] = random_day(random, round, seed % 3 == 0);
        code[i] = pc_test_below(random, CASE_TEXTS);
        paid[i] = pc_test_below(random, 200) - 100;
        add_to_twin(day[i], pc_dict_text(texts, (uint32_t)code[i]).bytes, seed % 2 == 0, *slot,
                    paid[i]);
    }
    pc_column column[COLUMNS] = {make_ints(&arena, PC_DATE, day, count, seed % 3 == 0 ? 2 : 4),
                                 make_ints(&arena, PC_CODE, code, count, 1 << round % 3),
                                 make_ints(&arena, PC_INT, paid, count, 1 << round % 4)};
    column[CODE].dict = texts;
    pc_batch batch = {.column_count = COLUMNS, .row_count = count, .column = column, .slot = slots};
    const pc_status status = op->type->push(op, &batch, &arena, NULL);
    pc_arena_reset(&arena);
    return status;
}

static int differing_groups(pc_op *op)
{
    int wrong = 0;
    for (bool more = true; more;) {
        pc_arena arena = {0};
        pc_batch out;
        CU_ASSERT_EQUAL_FATAL(op->type->finish(op, &out, &arena, NULL), PC_OK);
        more = out.row_count > 0;
        for (int row = 0; row < out.row_count; row++) {
            int64_t *const of[3] = {
                &the_twin.count[pc_column_int(&out.column[0], row) - FIRST_YEAR]
                               [pc_column_int(&out.column[1], row)],
                &the_twin.patients[pc_column_int(&out.column[0], row) - FIRST_YEAR]
                                  [pc_column_int(&out.column[1], row)],
                &the_twin.sum[pc_column_int(&out.column[0], row) - FIRST_YEAR]
                             [pc_column_int(&out.column[1], row)]};
            for (int i = 0; i < 3; i++) {
                wrong += *of[i] != pc_column_int(&out.column[2 + i], row);
                *of[i] = 0;
            }
        }
        pc_arena_reset(&arena);
    }
    for (int year = 0; year < MOST_YEARS; year++) {
        for (int length = 0; length < SECOND; length++)
            wrong += the_twin.count[year][length] != 0; // a group that did not come
    }
    return wrong;
}

static int run_seed(uint64_t seed)
{
    pc_budget budget = {0};
    plan_case p = {.arena = {.budget = &budget}};
    pc_arena texts = {0};
    const pc_dict *const dict[2] = {case_dict(0, &texts), case_dict(3, &texts)};
    const pc_schema in = {.field_count = COLUMNS, .field = in_field};
    pc_op op = {0};
    uint64_t random = seed;
    int64_t slot = 0;
    make_plan(&p, seed % 2 == 0);
    memset(&the_twin, 0, sizeof the_twin);
    CU_ASSERT_EQUAL_FATAL(pc_op_open(&p.node, &in, &p.arena, &op, NULL), PC_OK);
    for (int round = 0; round < ROUNDS; round++)
        CU_ASSERT_EQUAL_FATAL(push_batch(&random, round, (int)seed, &op, dict, &slot), PC_OK);
    const int wrong = differing_groups(&op);
    if (wrong != 0) printf("  seed %llu\n", (unsigned long long)seed);
    pc_op_close(&op);
    pc_arena_reset(&p.arena);
    pc_arena_reset(&texts);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    return wrong;
}

static void test_computed_keys(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 8; seed++)
        wrong += run_seed(seed);
    CU_ASSERT_EQUAL(wrong, 0);
}

// What is remembered is found without computing, until values lie elsewhere too often.
static void test_what_is_kept(void)
{
    pc_budget budget = {0};
    plan_case p = {.arena = {.budget = &budget}};
    pc_memo memo;
    uint32_t number[4] = {0}, learned[4] = {1, 2, 3, 0};
    int64_t day[4] = {17000, 17001, 18000, 17500};
    make_plan(&p, false);
    CU_ASSERT_EQUAL(pc_memo_column(p.key, 2), -1);
    CU_ASSERT_EQUAL(pc_memo_column(p.key, 1), DAY);
    pc_memo_open(&memo, DAY, &budget);
    pc_column column[COLUMNS] = {make_ints(&p.arena, PC_DATE, day, 4, 4)};
    pc_batch batch = {.column_count = COLUMNS, .row_count = 4, .column = column};
    CU_ASSERT_FALSE(pc_memo_find(&memo, &batch, number));
    budget.limit_bytes = budget.used_bytes + 100;
    CU_ASSERT_EQUAL(pc_memo_learn(&memo, &batch, learned, NULL), PC_NO_MEMORY);
    budget.limit_bytes = 0;
    CU_ASSERT_FALSE(pc_memo_find(&memo, &batch, number));
    CU_ASSERT_EQUAL(pc_memo_learn(&memo, &batch, learned, NULL), PC_OK);
    CU_ASSERT_TRUE(pc_memo_find(&memo, &batch, number));
    CU_ASSERT_EQUAL(memcmp(number, learned, sizeof number), 0);
    day[2] = 17002; // not seen
    column[DAY] = make_ints(&p.arena, PC_DATE, day, 4, 8);
    CU_ASSERT_FALSE(pc_memo_find(&memo, &batch, number));
    column[DAY] = make_ints(&p.arena, PC_DATE, day, 4, 4);
    for (int i = 0; i < 1000; i++)
        CU_ASSERT_FALSE(pc_memo_find(&memo, &batch, number));
    CU_ASSERT_EQUAL(memo.column, DAY); // it may be learned
    day[2] = 60000;
    column[DAY] = make_ints(&p.arena, PC_DATE, day, 4, 4);
    for (int i = 0; i < 1000 && memo.column >= 0; i++)
        CU_ASSERT_FALSE(pc_memo_find(&memo, &batch, number));
    CU_ASSERT_EQUAL(memo.column, -1);
    pc_memo_close(&memo);
    pc_arena_reset(&p.arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("memo", {"computed keys", test_computed_keys}, {"what is kept", test_what_is_kept});
