/** The flow of a query through its operators, without a store and without ranks. */
#include "engine/exec_private.h"
#include "ops/op_case.h"

static op_case the_case;
static lines got, wanted;
static pc_flow flow;
static pc_flow_node counted[PC_MAX_PLAN_NODES]; // what the last run did
static int counted_nodes;

enum { LEAST_COUNT = 20, LIMIT = 5 };

// SELECT code, count(*), sum(money) FROM rows GROUP BY code HAVING count(*) > LEAST_COUNT
// ORDER BY count(*) DESC LIMIT 5
typedef struct chain {
    pc_arena arena;
    pc_plan scan, aggregate, filter, sort;
    const pc_expr *key[1];
    pc_aggregate sums[2];
    pc_field field[3];
    pc_sort_key order;
} chain;

static void make_chain(chain *c)
{
    memset(c, 0, sizeof *c);
    const pc_expr *money;
    const pc_expr *bound[2];
    const pc_expr *having;
    CU_ASSERT_EQUAL(pc_expr_column(C_CODE, &case_field[C_CODE], -1, &c->arena, &c->key[0], NULL),
                    PC_OK);
    CU_ASSERT_EQUAL(pc_expr_column(C_MONEY, &case_field[C_MONEY], -1, &c->arena, &money, NULL),
                    PC_OK);
    c->field[0] = case_field[C_CODE];
    c->field[1] = (pc_field){.name = "n", .type = PC_INT};
    c->field[2] = (pc_field){.name = "total", .type = PC_DECIMAL, .scale = 2};
    c->sums[0] = (pc_aggregate){.function = PC_COUNT_ROWS, .field = c->field[1]};
    c->sums[1] = (pc_aggregate){.function = PC_SUM, .arg = money, .field = c->field[2]};
    const pc_schema schema = {.field_count = 3, .field = c->field};
    c->scan = (pc_plan){.kind = PC_PLAN_SCAN, .schema = case_schema};
    c->aggregate = (pc_plan){.kind = PC_PLAN_AGGREGATE, .input = &c->scan, .schema = schema};
    c->aggregate.of.aggregate.key_count = 1;
    c->aggregate.of.aggregate.key = c->key;
    c->aggregate.of.aggregate.aggregate_count = 2;
    c->aggregate.of.aggregate.aggregate = c->sums;
    const pc_value least = {.type = PC_INT, .integer = LEAST_COUNT};
    CU_ASSERT_EQUAL(pc_expr_column(1, &c->field[1], -1, &c->arena, &bound[0], NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_expr_constant(&least, -1, &c->arena, &bound[1], NULL), PC_OK);
    const pc_call greater = {
        .id = PC_FN_GREATER, .type = PC_BOOL, .position = -1, .arg_count = 2, .arg = bound};
    CU_ASSERT_EQUAL(pc_expr_call(&greater, &c->arena, &having, NULL), PC_OK);
    c->filter = (pc_plan){.kind = PC_PLAN_FILTER, .input = &c->aggregate, .schema = schema};
    c->filter.of.filter.predicate = having;
    c->order = (pc_sort_key){.column = 1, .descending = true, .nulls_first = true};
    c->sort = (pc_plan){.kind = PC_PLAN_SORT, .input = &c->filter, .schema = schema};
    c->sort.of.sort.key_count = 1;
    c->sort.of.sort.key = &c->order;
    c->sort.of.sort.limit = LIMIT;
}

// Pushes all rows in batches as a scan would.
static pc_status push_rows(pc_flow *f, uint64_t *random, pc_error *err)
{
    pc_arena arena = {0};
    const pc_dict *dict = case_dict(0, &arena);
    pc_status status = PC_OK;
    for (int at = 0; at < the_case.row_count && status == PC_OK;) {
        const int left = the_case.row_count - at;
        int count = 1 + pc_test_below(random, PC_BATCH_ROWS);
        if (count > left) count = left;
        int row[PC_BATCH_ROWS];
        pc_column column[CASE_COLUMNS];
        for (int i = 0; i < count; i++) {
            row[i] = at + i;
        }
        for (int i = 0; i < CASE_COLUMNS; i++) {
            fill_column(random, &the_case, row, count, i, dict, &arena, &column[i]);
        }
        pc_batch batch = {.column_count = CASE_COLUMNS,
                          .row_count = count,
                          .column = column,
                          .slot = the_case.slot + at};
        status = pc_flow_emit(f, f->count - 1, &batch, err);
        at += count;
    }
    // Operators that are finished still know the dictionary by its texts only.
    pc_arena_reset(&arena);
    return status;
}

// What rank 0 does once it has the states.
static pc_status finish_flow(pc_flow *f)
{
    pc_status status = PC_OK;
    for (int at = f->reduce_at; at >= 0 && status == PC_OK; at = pc_flow_behind(f, at)) {
        status = pc_flow_drain(f, at, NULL);
    }
    return status;
}

// Runs a plan; its rows become lines. Everything on the budget is given back.
static pc_status run_plan(const pc_plan *root, uint64_t seed, pc_budget *budget)
{
    uint64_t random = seed;
    static const pc_flow_source no_store = {0};
    memset(&flow, 0, sizeof flow);
    pc_plan sort = {.kind = PC_PLAN_SORT, .input = root, .schema = root->schema};
    sort.of.sort.limit = -1;
    if (pc_flow_needs_sort(root)) root = &sort;
    pc_arena arena = {.budget = budget};
    pc_status status = pc_flow_open(&flow, root, &no_store, budget, NULL);
    if (status == PC_OK) status = push_rows(&flow, &random, NULL);
    if (status == PC_OK) status = finish_flow(&flow);
    got.count = 0;
    for (int i = 0; status == PC_OK && i < root->schema.field_count; i++) {
        pc_column column;
        status = pc_table_copy(flow.result, i, &arena, &column, NULL);
        got.count = (int)pc_table_rows(flow.result);
        for (int row = 0; status == PC_OK && row < got.count; row++) {
            if (i == 0) got.line[row][0] = '\0';
            add_value(got.line[row], &column, row);
        }
    }
    const pc_flow closed = flow; // its counts stay
    pc_flow_close(&flow);
    memcpy(counted, closed.node, sizeof counted);
    counted_nodes = closed.count;
    pc_arena_reset(&arena);
    return status;
}

typedef struct twin_group {
    cell code;
    int64_t count, sum;
    bool has_sum;
} twin_group;

static int compare_groups(const void *a, const void *b)
{
    const twin_group *x = a;
    const twin_group *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    if (x->code.is_null != y->code.is_null) return x->code.is_null ? 1 : -1;
    return strcmp(x->code.text, y->code.text);
}

static void twin_lines(void)
{
    twin_group group[CASE_TEXTS + 1] = {0};
    int count = 0;
    for (int row = 0; row < the_case.row_count; row++) {
        const cell *c = the_case.row[row];
        int at = 0;
        while (at < count && (group[at].code.is_null != c[C_CODE].is_null ||
                              strcmp(group[at].code.text, c[C_CODE].text) != 0)) {
            at++;
        }
        if (at == count) group[count++].code = c[C_CODE];
        group[at].count++;
        group[at].sum += c[C_MONEY].integer;
        group[at].has_sum = group[at].has_sum || !c[C_MONEY].is_null;
    }
    qsort(group, (size_t)count, sizeof group[0], compare_groups);
    wanted.count = 0;
    for (int i = 0; i < count && wanted.count < LIMIT; i++) {
        if (group[i].count <= LEAST_COUNT) continue;
        char *line = wanted.line[wanted.count++];
        line[0] = '\0';
        add_cell(line, &group[i].code, PC_CODE);
        add_cell(line, &(cell){.integer = group[i].count}, PC_INT);
        add_cell(line, &(cell){.integer = group[i].sum, .is_null = !group[i].has_sum}, PC_INT);
    }
}

static void test_chain(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        random_case(&random, (int)seed * 190, 1, &the_case);
        chain c;
        make_chain(&c);
        pc_budget budget = {0};
        CU_ASSERT_EQUAL(run_plan(&c.sort, seed, &budget), PC_OK);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        CU_ASSERT_EQUAL(counted_nodes, 4);
        CU_ASSERT_EQUAL(counted[2].rows_in, the_case.row_count);
        CU_ASSERT_EQUAL(counted[1].rows_in, counted[2].rows_out);
        CU_ASSERT_EQUAL(counted[0].rows_out, got.count);
        twin_lines();
        wrong += differing_lines(&got, &wanted);
        pc_arena_reset(&c.arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// A plan without state gets a step that puts its rows in order: ranks must meet somewhere.
static void test_rows_are_put_in_order(void)
{
    uint64_t random = 5;
    random_case(&random, 700, 1, &the_case);
    const pc_plan scan = {.kind = PC_PLAN_SCAN, .schema = case_schema};
    pc_budget budget = {0};
    CU_ASSERT_EQUAL(run_plan(&scan, 1, &budget), PC_OK);
    CU_ASSERT_EQUAL(got.count, 700);
    CU_ASSERT_EQUAL(counted_nodes, 2);
    static lines first;
    memcpy(&first, &got, sizeof first);
    for (int row = 0; row < 350; row++) { // the same rows in the opposite order
        cell other[CASE_COLUMNS];
        memcpy(other, the_case.row[row], sizeof other);
        memcpy(the_case.row[row], the_case.row[699 - row], sizeof other);
        memcpy(the_case.row[699 - row], other, sizeof other);
    }
    CU_ASSERT_EQUAL(run_plan(&scan, 2, &budget), PC_OK);
    CU_ASSERT_EQUAL(differing_lines(&got, &first), 0);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    uint64_t random = 6;
    random_case(&random, 300, 1, &the_case);
    chain c;
    make_chain(&c);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 1024; status != PC_OK && limit < (size_t)8 << 20;
         limit += limit / 40 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        status = run_plan(&c.sort, 1, &budget);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        refused += status == PC_NO_MEMORY;
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 10);
    pc_arena_reset(&c.arena);
}

static void test_too_long_a_plan(void)
{
    static pc_plan node[PC_MAX_PLAN_NODES + 1];
    for (int i = 0; i <= PC_MAX_PLAN_NODES; i++) {
        node[i] = (pc_plan){.kind = i == 0 ? PC_PLAN_SCAN : PC_PLAN_DISTINCT,
                            .input = i == 0 ? NULL : &node[i - 1],
                            .schema = case_schema};
    }
    pc_budget budget = {0};
    CU_ASSERT_EQUAL(run_plan(&node[PC_MAX_PLAN_NODES], 1, &budget), PC_UNSUPPORTED);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("exec", {"a chain of four steps", test_chain},
             {"rows are put in order", test_rows_are_put_in_order},
             {"any request may be refused", test_any_request_may_be_refused},
             {"too long a plan", test_too_long_a_plan});
