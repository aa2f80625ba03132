/** sort, distinct, filter and project against twins. */
#include "op_case.h"

static op_case the_case;
static lines got, wanted;
static pc_plan node;
static const pc_sort_key *twin_key;
static int twin_key_count;

static int compare_cells(const cell *a, const cell *b, int column)
{
    const pc_type type = case_field[column].type;
    if (type == PC_FLOAT) return (a->real > b->real) - (a->real < b->real);
    if (type == PC_CODE || type == PC_ID) return strcmp(a->text, b->text);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static int compare_by(const cell *a, const cell *b, const pc_sort_key *key)
{
    const cell *x = &a[key->column];
    const cell *y = &b[key->column];
    if (x->is_null && y->is_null) return 0;
    if (x->is_null) return key->nulls_first ? -1 : 1;
    if (y->is_null) return key->nulls_first ? 1 : -1;
    const int order = compare_cells(x, y, key->column);
    return key->descending ? -order : order;
}

static int compare_twin_rows(const void *a, const void *b)
{
    for (int i = 0; i < twin_key_count; i++) {
        const int order = compare_by(a, b, &twin_key[i]);
        if (order != 0) return order;
    }
    for (int i = 0; i < CASE_COLUMNS; i++) {
        const int order = compare_by(a, b, &(pc_sort_key){.column = i});
        if (order != 0) return order;
    }
    return 0;
}

static void row_line(const cell *row, char *line)
{
    line[0] = '\0';
    for (int i = 0; i < CASE_COLUMNS; i++) {
        add_cell(line, &row[i], case_field[i].type);
    }
}

static void twin_sort(int64_t limit, int64_t offset)
{
    static cell row[CASE_MOST_ROWS][CASE_COLUMNS];
    memcpy(row, the_case.row, sizeof row);
    qsort(row, (size_t)the_case.row_count, sizeof row[0], compare_twin_rows);
    wanted.count = 0;
    for (int i = 0; i < the_case.row_count; i++) {
        if (i < offset || (limit >= 0 && i >= offset + limit)) continue;
        row_line(row[i], wanted.line[wanted.count++]);
    }
}

static int run_node(uint64_t *random, int rank_count, bool in_order)
{
    pc_budget budget = {0};
    rank_ops ranks;
    pc_error err = {0};
    pc_status status = run_ranks(random, &the_case, &node, rank_count, &budget, &ranks, &err);
    if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, &err);
    if (status != PC_OK) printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL(status, PC_OK);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    if (!in_order) sort_lines(&got);
    return differing_lines(&got, &wanted);
}

static int compare_sort(uint64_t seed, int row_count)
{
    uint64_t random = seed;
    const int rank_count = 1 + (int)(seed % 3);
    random_case(&random, row_count, rank_count, &the_case);
    pc_sort_key key[3];
    const int key_count = pc_test_below(&random, 4);
    for (int i = 0; i < key_count; i++) {
        key[i] = (pc_sort_key){.column = pc_test_below(&random, CASE_COLUMNS),
                               .descending = pc_test_below(&random, 2) == 0,
                               .nulls_first = pc_test_below(&random, 2) == 0};
    }
    twin_key = key;
    twin_key_count = key_count;
    node = (pc_plan){.kind = PC_PLAN_SORT, .schema = case_schema};
    node.of.sort.key_count = key_count;
    node.of.sort.key = key;
    node.of.sort.limit = pc_test_below(&random, 3) == 0 ? -1 : pc_test_below(&random, 60);
    node.of.sort.offset = pc_test_below(&random, 2) == 0 ? 0 : pc_test_below(&random, 80);
    twin_sort(node.of.sort.limit, node.of.sort.offset);
    const int wrong = run_node(&random, rank_count, true);
    if (wrong != 0) printf("  seed %llu\n", (unsigned long long)seed);
    return wrong;
}

static void test_sort(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        wrong += compare_sort(seed, (int)(seed * 7 % 400));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(compare_sort(61, 4000), 0);
}

// More rows than are kept at once: the sorter cuts several times and drops late rows.
static void test_few_of_many(void)
{
    uint64_t random = 11;
    random_case(&random, CASE_MOST_ROWS, 1, &the_case);
    static const pc_sort_key key[] = {{.column = C_MONEY, .descending = true}};
    twin_key = key;
    twin_key_count = 1;
    node = (pc_plan){.kind = PC_PLAN_SORT, .schema = case_schema};
    node.of.sort.key_count = 1;
    node.of.sort.key = key;
    node.of.sort.limit = 12;
    twin_sort(6 * 12, 0); // every row comes six times
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_arena dicts = {0};
    pc_op op;
    CU_ASSERT_EQUAL(pc_op_open(&node, &case_schema, &arena, &op, NULL), PC_OK);
    const pc_dict *dict = case_dict(0, &dicts);
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(push_case(&random, &the_case, -1, &op, dict, NULL), PC_OK);
    }
    CU_ASSERT_EQUAL(finish_lines(&op, &got, NULL), PC_OK);
    CU_ASSERT_EQUAL(got.count, 12);
    CU_ASSERT_STRING_EQUAL(got.line[5], wanted.line[0]);
    CU_ASSERT_STRING_EQUAL(got.line[6], wanted.line[1]);
    CU_ASSERT_STRING_EQUAL(got.line[11], wanted.line[1]);
    pc_op_close(&op);
    pc_arena_reset(&arena);
    pc_arena_reset(&dicts);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_distinct(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        uint64_t random = seed;
        const int ranks = 1 + (int)(seed % 3);
        random_case(&random, 200, ranks, &the_case);
        for (int row = 100; row < 200; row++) { // again, on another rank perhaps
            memcpy(the_case.row[row], the_case.row[row - 100], sizeof the_case.row[row]);
        }
        twin_key_count = 0;
        twin_sort(-1, 0);
        int distinct = 0;
        for (int i = 0; i < wanted.count; i++) {
            if (distinct > 0 && strcmp(wanted.line[distinct - 1], wanted.line[i]) == 0) continue;
            if (distinct != i) memcpy(wanted.line[distinct], wanted.line[i], CASE_ROW_BYTES);
            distinct++;
        }
        wanted.count = distinct;
        sort_lines(&wanted);
        node = (pc_plan){.kind = PC_PLAN_DISTINCT, .schema = case_schema};
        wrong += run_node(&random, ranks, false);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_refused_memory(pc_plan_kind kind)
{
    uint64_t random = 3;
    random_case(&random, 150, 2, &the_case);
    node = (pc_plan){.kind = kind, .schema = case_schema};
    node.of.sort.limit = kind == PC_PLAN_SORT ? 20 : 0;
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 512; status != PC_OK && limit < (size_t)8 << 20; limit += limit / 40 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        rank_ops ranks;
        uint64_t again = 3;
        status = run_ranks(&again, &the_case, &node, 2, &budget, &ranks, NULL);
        if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        close_ranks(&ranks);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_any_request_may_be_refused(void)
{
    test_refused_memory(PC_PLAN_SORT);
    test_refused_memory(PC_PLAN_DISTINCT);
}

static void test_hostile_state(pc_plan_kind kind)
{
    uint64_t random = 4;
    random_case(&random, 50, 1, &the_case);
    node = (pc_plan){.kind = kind, .schema = case_schema};
    node.of.sort.limit = kind == PC_PLAN_SORT ? -1 : 0;
    pc_budget budget = {.limit_bytes = (size_t)64 << 20};
    rank_ops ranks;
    CU_ASSERT_EQUAL(run_ranks(&random, &the_case, &node, 1, &budget, &ranks, NULL), PC_OK);
    pc_buffer state = {.budget = &budget};
    CU_ASSERT_EQUAL(ranks.op[0].type->pack(&ranks.op[0], &state, NULL), PC_OK);
    for (int i = 0; i < 200; i++) {
        const size_t at = 1 + (size_t)pc_test_random(&random) % (state.bytes - 1);
        const char kept = state.data[at];
        state.data[at] = (char)(kept ^ (1 << pc_test_below(&random, 8)));
        const pc_span bytes = {state.data, i % 2 == 0 ? at : state.bytes};
        pc_arena arena = {.budget = &budget};
        pc_op op;
        CU_ASSERT_EQUAL(pc_op_open(&node, &case_schema, &arena, &op, NULL), PC_OK);
        const pc_status status = op.type->merge(&op, bytes, NULL);
        if (status == PC_OK) (void)finish_lines(&op, &got, NULL);
        CU_ASSERT(status == PC_OK || i % 2 == 1 || status == PC_BAD_INPUT);
        pc_op_close(&op);
        pc_arena_reset(&arena);
        state.data[at] = kept;
    }
    pc_buffer_release(&state);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_damaged_states(void)
{
    test_hostile_state(PC_PLAN_SORT);
    test_hostile_state(PC_PLAN_DISTINCT);
}

// Filter by "flag", then only "money" and "code": rows, order and slots stay.
static void test_filter_and_project(void)
{
    uint64_t random = 8;
    random_case(&random, 1500, 1, &the_case);
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    pc_arena scratch = {0};
    const pc_expr *flag;
    const pc_expr *column[2];
    CU_ASSERT_EQUAL(pc_expr_column(C_BOOL, &case_field[C_BOOL], -1, &arena, &flag, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_expr_column(C_MONEY, &case_field[C_MONEY], -1, &arena, &column[0], NULL),
                    PC_OK);
    CU_ASSERT_EQUAL(pc_expr_column(C_CODE, &case_field[C_CODE], -1, &arena, &column[1], NULL),
                    PC_OK);
    pc_plan filter = {.kind = PC_PLAN_FILTER, .schema = case_schema};
    filter.of.filter.predicate = flag;
    const pc_field field[] = {case_field[C_MONEY], case_field[C_CODE]};
    pc_plan project = {.kind = PC_PLAN_PROJECT, .schema = {.field_count = 2, .field = field}};
    project.of.project.expr_count = 2;
    project.of.project.expr = column;
    pc_op op[2];
    CU_ASSERT_EQUAL(pc_op_open(&filter, &case_schema, &arena, &op[0], NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_op_open(&project, &op[0].out, &arena, &op[1], NULL), PC_OK);
    int row[PC_BATCH_ROWS];
    pc_column all[CASE_COLUMNS];
    for (int i = 0; i < the_case.row_count; i++) {
        row[i] = i;
    }
    const pc_dict *dict = case_dict(0, &scratch);
    for (int i = 0; i < CASE_COLUMNS; i++) {
        fill_column(&random, &the_case, row, the_case.row_count, i, dict, &scratch, &all[i]);
    }
    pc_batch batch = {.column_count = CASE_COLUMNS,
                      .row_count = the_case.row_count,
                      .column = all,
                      .slot = the_case.slot};
    CU_ASSERT_EQUAL(op[0].type->push(&op[0], &batch, &scratch, NULL), PC_OK);
    CU_ASSERT_EQUAL(op[1].type->push(&op[1], &batch, &scratch, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_batch_check(&batch, &op[1].out, NULL), PC_OK);
    int kept = 0;
    int wrong = 0;
    for (int i = 0; i < the_case.row_count; i++) {
        const cell *c = the_case.row[i];
        if (c[C_BOOL].is_null || c[C_BOOL].integer == 0) continue;
        char a[CASE_ROW_BYTES] = "";
        char b[CASE_ROW_BYTES] = "";
        add_cell(a, &c[C_MONEY], PC_DECIMAL);
        add_cell(a, &c[C_CODE], PC_CODE);
        add_value(b, &batch.column[0], kept);
        add_value(b, &batch.column[1], kept);
        wrong += strcmp(a, b) != 0 || batch.slot[kept] != the_case.slot[i];
        kept++;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(batch.row_count, kept);
    pc_op_close(&op[0]);
    pc_op_close(&op[1]);
    pc_arena_reset(&scratch);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("sort", {"rows are in the twin's order", test_sort},
             {"few of many rows", test_few_of_many}, {"distinct rows", test_distinct},
             {"any request may be refused", test_any_request_may_be_refused},
             {"a damaged state is refused", test_damaged_states},
             {"filter and project", test_filter_and_project});
