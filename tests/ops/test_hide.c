/** hide against a twin: which cells are null behind it, whatever their type and width. */
#include "op_case.h"

enum { MOST = 10, FIRST = C_WIDE };

static op_case the_case;

// Patients are C_SMALL, never null: none, few, just enough.
static void make_case(uint64_t *random, int row_count)
{
    random_case(random, row_count, 1, &the_case);
    for (int row = 0; row < row_count; row++) {
        the_case.row[row][C_SMALL] = (cell){.integer = pc_test_below(random, 2 * MOST)};
    }
}

typedef struct hiding {
    pc_plan node;
    pc_field field[CASE_COLUMNS + 1];
    pc_op op;
} hiding;

static pc_status open_hiding(hiding *h, pc_arena *arena)
{
    *h = (hiding){.node = {.kind = PC_PLAN_HIDE, .of.hide = {.first = FIRST, .most = MOST}}};
    memcpy(h->field, case_field, sizeof case_field);
    h->field[CASE_COLUMNS] = (pc_field){.name = "patients", .type = PC_INT};
    h->node.schema = (pc_schema){.field_count = CASE_COLUMNS + 1, .field = h->field};
    pc_status status =
        pc_expr_column(C_SMALL, &case_field[C_SMALL], -1, arena, &h->node.of.hide.patients, NULL);
    if (status == PC_OK) status = pc_op_open(&h->node, &case_schema, arena, &h->op, NULL);
    return status;
}

// Pushes rows `from` .. `from + count - 1` as one batch, which then is as hide left it.
static pc_status push_batch(hiding *h, uint64_t *random, int from, int count, pc_arena *rows,
                            pc_arena *scratch, pc_batch *batch)
{
    int row[PC_BATCH_ROWS];
    pc_column *column = pc_arena_array(rows, CASE_COLUMNS, sizeof *column, NULL);
    const pc_dict *dict = case_dict(0, rows);
    for (int i = 0; i < count; i++) {
        row[i] = from + i;
    }
    for (int i = 0; i < CASE_COLUMNS; i++) {
        fill_column(random, &the_case, row, count, i, dict, rows, &column[i]);
    }
    *batch = (pc_batch){.column_count = CASE_COLUMNS, .row_count = count, .column = column};
    return h->op.type->push(&h->op, batch, scratch, NULL);
}

static int wrong_rows(const pc_batch *batch, int from)
{
    int wrong = 0;
    for (int i = 0; i < batch->row_count; i++) {
        const cell *c = the_case.row[from + i];
        const int64_t patients = c[C_SMALL].integer;
        const bool is_few = patients >= 1 && patients <= MOST;
        char a[CASE_ROW_BYTES] = "";
        char b[CASE_ROW_BYTES] = "";
        for (int k = 0; k < CASE_COLUMNS; k++) {
            const cell null = {.is_null = true};
            add_cell(a, is_few && k >= FIRST ? &null : &c[k], case_field[k].type);
            add_value(b, &batch->column[k], i);
        }
        add_cell(a, &c[C_SMALL], PC_INT);
        add_value(b, &batch->column[CASE_COLUMNS], i);
        if (strcmp(a, b) != 0 && wrong++ == 0) printf("\n  found: %s\n  twin:  %s\n", b, a);
    }
    return wrong;
}

static void test_twin(void)
{
    int wrong = 0;
    pc_budget budget = {0};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        uint64_t random = seed;
        make_case(&random, 600);
        pc_arena arena = {.budget = &budget};
        pc_arena scratch = {.budget = &budget};
        hiding h;
        CU_ASSERT_EQUAL_FATAL(open_hiding(&h, &arena), PC_OK);
        int wrong_here = 0;
        for (int from = 0; from < the_case.row_count;) {
            const int left = the_case.row_count - from;
            int count = 1 + pc_test_below(&random, 200);
            if (count > left) count = left;
            pc_batch batch;
            CU_ASSERT_EQUAL_FATAL(push_batch(&h, &random, from, count, &scratch, &scratch, &batch),
                                  PC_OK);
            CU_ASSERT_EQUAL(pc_batch_check(&batch, &h.op.out, NULL), PC_OK);
            wrong_here += wrong_rows(&batch, from);
            pc_arena_reset(&scratch);
            from += count;
        }
        if (wrong_here != 0) printf("  seed %llu\n", (unsigned long long)seed);
        wrong += wrong_here;
        pc_op_close(&h.op);
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    uint64_t random = 9;
    make_case(&random, PC_BATCH_ROWS);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 1; status != PC_OK && limit < (size_t)1 << 24; limit += limit / 20 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        pc_arena scratch = {.budget = &budget};
        pc_arena rows = {0}; // not on the budget: it is the operator that is refused memory
        hiding h;
        pc_batch batch;
        status = open_hiding(&h, &arena);
        if (status == PC_OK) {
            status = push_batch(&h, &random, 0, PC_BATCH_ROWS, &rows, &scratch, &batch);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        refused += status == PC_NO_MEMORY;
        pc_op_close(&h.op);
        pc_arena_reset(&rows);
        pc_arena_reset(&scratch);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 1);
}

PC_TEST_MAIN("hide", {"cells of few patients are null", test_twin},
             {"any request may be refused", test_any_request_may_be_refused});
