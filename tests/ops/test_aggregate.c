/** aggregate against a twin that scans all rows again for every group. */
#include "op_case.h"
#include "ops/aggregate.h"

__extension__ typedef __float128 wide_float;

enum { KEYS = 9, MOST_AGGREGATES = 24 };

static op_case the_case;
static lines got, wanted;

typedef struct plan_case {
    pc_arena arena;
    const pc_expr *column[CASE_COLUMNS];
    const pc_expr *key[KEYS];
    int key_column[KEYS];
    pc_field field[KEYS + MOST_AGGREGATES];
    pc_aggregate aggregate[MOST_AGGREGATES];
    int aggregate_count;
    pc_plan node;
} plan_case;

static void add(plan_case *p, pc_aggregate_function function, int column, bool filtered)
{
    pc_field field = {.name = "a", .type = PC_INT};
    const bool extreme = function == PC_MIN || function == PC_MAX;
    if (extreme || function == PC_SUM) field = case_field[column];
    if (function == PC_AVG) field.type = PC_FLOAT;
    p->aggregate[p->aggregate_count++] =
        (pc_aggregate){.function = function,
                       .arg = column < 0 ? NULL : p->column[column],
                       .filter = filtered ? p->column[C_BOOL] : NULL,
                       .field = field};
}

// Every function over every type that it takes.
static void make_plan(plan_case *p, const int *key, int key_count)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < CASE_COLUMNS; i++) {
        CU_ASSERT_EQUAL_FATAL(pc_expr_column(i, &case_field[i], -1, &p->arena, &p->column[i], NULL),
                              PC_OK);
    }
    add(p, PC_COUNT_ROWS, -1, false);
    add(p, PC_COUNT_ROWS, -1, true);
    add(p, PC_COUNT, C_CODE, false);
    add(p, PC_COUNT_PATIENTS, -1, false);
    add(p, PC_COUNT_PATIENTS, -1, true);
    add(p, PC_COUNT_PATIENTS, C_MONEY, true);
    add(p, PC_COUNT_DISTINCT, C_CODE, false);
    add(p, PC_COUNT_DISTINCT, C_WIDE, true);
    add(p, PC_COUNT_DISTINCT, C_CODE, true); // not the pairs of the one without a filter
    add(p, PC_COUNT_DISTINCT, C_CODE, false);
    add(p, PC_COUNT_DISTINCT, C_LONG_ID, false);
    add(p, PC_COUNT_DISTINCT, C_FLOAT, false);
    add(p, PC_SUM, C_SMALL, false);
    add(p, PC_SUM, C_WIDE, true);
    add(p, PC_SUM, C_MONEY, false);
    add(p, PC_SUM, C_FLOAT, false);
    add(p, PC_AVG, C_MONEY, false);
    add(p, PC_AVG, C_FLOAT, true);
    add(p, PC_MIN, C_DATE, false);
    add(p, PC_MAX, C_WIDE, true);
    add(p, PC_MIN, C_CODE, false);
    add(p, PC_MAX, C_LONG_ID, false);
    add(p, PC_MAX, C_FLOAT, false);
    for (int i = 0; i < key_count; i++) {
        p->key[i] = p->column[key[i]];
        p->key_column[i] = key[i];
        p->field[i] = case_field[key[i]];
    }
    for (int i = 0; i < p->aggregate_count; i++) {
        p->field[key_count + i] = p->aggregate[i].field;
    }
    p->node =
        (pc_plan){.kind = PC_PLAN_AGGREGATE,
                  .schema = {.field_count = key_count + p->aggregate_count, .field = p->field}};
    p->node.of.aggregate.key_count = key_count;
    p->node.of.aggregate.key = p->key;
    p->node.of.aggregate.aggregate_count = p->aggregate_count;
    p->node.of.aggregate.aggregate = p->aggregate;
}

static int column_of(const plan_case *p, const pc_aggregate *a)
{
    for (int i = 0; i < CASE_COLUMNS; i++) {
        if (a->arg == p->column[i]) return i;
    }
    return -1;
}

static int compare_cells(const cell *a, const cell *b, pc_type type)
{
    if (type == PC_FLOAT) return (a->real > b->real) - (a->real < b->real);
    if (type == PC_CODE || type == PC_ID) return strcmp(a->text, b->text);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

// The rows of a group that an aggregate takes.
static int taken_rows(const plan_case *p, const pc_aggregate *a, const int *row, int count,
                      int *out)
{
    const int column = column_of(p, a);
    int taken = 0;
    for (int i = 0; i < count; i++) {
        const cell *cells = the_case.row[row[i]];
        if (a->filter != NULL && (cells[C_BOOL].is_null || cells[C_BOOL].integer == 0)) continue;
        if (column >= 0 && cells[column].is_null) continue;
        out[taken++] = row[i];
    }
    return taken;
}

static int distinct_count(const int *row, int count, int column, bool slots)
{
    int distinct = 0;
    for (int i = 0; i < count; i++) {
        bool seen = false;
        for (int k = 0; k < i && !seen; k++) {
            seen = slots
                       ? the_case.slot[row[i]] == the_case.slot[row[k]]
                       : compare_cells(&the_case.row[row[i]][column], &the_case.row[row[k]][column],
                                       case_field[column].type) == 0;
        }
        distinct += !seen;
    }
    return distinct;
}

static void twin_sum(const pc_aggregate *a, const int *row, int count, int column, cell *out)
{
    const bool is_float = case_field[column].type == PC_FLOAT;
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        const cell *c = &the_case.row[row[i]][column];
        sum += is_float ? (int64_t)(c->real * 16) : c->integer;
    }
    out->is_null = count == 0;
    out->integer = sum;
    out->real = (double)sum / 16;
    if (a->function == PC_SUM || count == 0) return;
    if (is_float) out->real = out->real / count;
    if (!is_float) out->real = (double)((wide_float)sum / ((wide_float)count * 100));
}

static void twin_value(const plan_case *p, const pc_aggregate *a, const int *rows, int row_count,
                       char *line)
{
    int row[CASE_MOST_ROWS];
    const int column = column_of(p, a);
    const int count = taken_rows(p, a, rows, row_count, row);
    cell result = {.integer = count};
    switch (a->function) {
        case PC_COUNT_DISTINCT:
            result.integer = distinct_count(row, count, column, false);
            break;
        case PC_COUNT_PATIENTS:
            result.integer = distinct_count(row, count, column, true);
            break;
        case PC_SUM:
        case PC_AVG:
            twin_sum(a, row, count, column, &result);
            break;
        case PC_MIN:
        case PC_MAX:
            result.is_null = count == 0;
            for (int i = 0; i < count; i++) {
                const cell *c = &the_case.row[row[i]][column];
                const int order = compare_cells(c, &result, case_field[column].type);
                if (i == 0 || (a->function == PC_MIN ? order < 0 : order > 0)) result = *c;
            }
            break;
        default:
            break;
    }
    add_cell(line, &result, a->field.type);
}

static void twin_lines(const plan_case *p, lines *out)
{
    static char key[CASE_MOST_ROWS][CASE_ROW_BYTES];
    static bool done[CASE_MOST_ROWS];
    const int key_count = p->node.of.aggregate.key_count;
    out->count = 0;
    for (int row = 0; row < the_case.row_count; row++) {
        key[row][0] = '\0';
        done[row] = false;
        for (int i = 0; i < key_count; i++) {
            add_cell(key[row], &the_case.row[row][p->key_column[i]],
                     case_field[p->key_column[i]].type);
        }
    }
    for (int row = 0; row < the_case.row_count || (row == 0 && key_count == 0); row++) {
        if (done[row] && the_case.row_count > 0) continue;
        int member[CASE_MOST_ROWS];
        int count = 0;
        for (int other = row; other < the_case.row_count; other++) {
            if (done[other] || strcmp(key[row], key[other]) != 0) continue;
            done[other] = true;
            member[count++] = other;
        }
        char *line = out->line[out->count++];
        (void)snprintf(line, CASE_ROW_BYTES, "%s", the_case.row_count > 0 ? key[row] : "");
        for (int i = 0; i < p->aggregate_count; i++) {
            twin_value(p, &p->aggregate[i], member, count, line);
        }
    }
    sort_lines(out);
}

// The first rows have no null and pass every filter: counts that start out the same.
static void make_alike(uint64_t *random, int alike)
{
    for (int row = 0; row < alike; row++) {
        for (int column = 0; column < CASE_COLUMNS; column++) {
            cell *c = &the_case.row[row][column];
            while (c->is_null)
                random_cell(random, column, c);
        }
        the_case.row[row][C_BOOL].integer = 1;
    }
}

static int compare_alike(uint64_t seed, int row_count, int rank_count, const int *key,
                         int key_count, int alike)
{
    uint64_t random = seed;
    random_case(&random, row_count, rank_count, &the_case);
    make_alike(&random, alike);
    static plan_case p;
    make_plan(&p, key, key_count);
    pc_budget budget = {0};
    rank_ops ranks;
    pc_error err = {0};
    pc_status status = run_ranks(&random, &the_case, &p.node, rank_count, &budget, &ranks, &err);
    if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, &err);
    if (status != PC_OK) printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL(status, PC_OK);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    sort_lines(&got);
    twin_lines(&p, &wanted);
    const int wrong = differing_lines(&got, &wanted);
    if (wrong != 0) printf("  seed %llu, %d keys\n", (unsigned long long)seed, key_count);
    pc_arena_reset(&p.arena);
    return wrong;
}

static int compare_with_twin(uint64_t seed, int row_count, int rank_count, const int *key,
                             int key_count)
{
    return compare_alike(seed, row_count, rank_count, key, key_count, 0);
}

static void test_counts_part(void)
{
    static const int key[] = {C_CODE, C_SMALL};
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        const int alike = (int)(seed % 4) * 200; // of 600: none, some, all
        wrong += compare_alike(seed, 600, 1 + (int)seed % 3, key, (int)seed % 3, alike);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_groups(void)
{
    static const int key[][KEYS] = {{C_CODE},
                                    {C_SMALL, C_CODE},
                                    {C_BOOL, C_LONG_ID, C_SMALL},
                                    {C_FLOAT},
                                    {C_SHORT_ID, C_DATE},
                                    {C_WIDE},
                                    {C_MONEY, C_WIDE, C_DATE, C_CODE, C_FLOAT}};
    static const int key_count[] = {1, 2, 3, 1, 2, 1, 5};
    int wrong = 0;
    for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
        for (int ranks = 1; ranks <= 3; ranks++) {
            const uint64_t seed = 1000 * i + (uint64_t)ranks;
            wrong += compare_with_twin(seed, 300 + 150 * ranks, ranks, key[i], key_count[i]);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_many_rows(void)
{
    static const int key[] = {C_SMALL};
    CU_ASSERT_EQUAL(compare_with_twin(7, 3000, 2, key, 1), 0);
}

static void test_without_keys(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        wrong += compare_with_twin(seed, (int)seed * 100, 1 + (int)seed % 3, NULL, 0);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_no_rows(void)
{
    static const int key[] = {C_CODE};
    CU_ASSERT_EQUAL(compare_with_twin(1, 0, 2, NULL, 0), 0);
    CU_ASSERT_EQUAL(got.count, 1); // PostgreSQL: one row, counts 0, the others null
    CU_ASSERT_EQUAL(compare_with_twin(1, 0, 2, key, 1), 0);
    CU_ASSERT_EQUAL(got.count, 0);
}

// Rows whose sum of "wide" is beyond 64 bits.
static void test_sum_overflows(void)
{
    memset(&the_case, 0, sizeof the_case);
    the_case.row_count = 3;
    for (int row = 0; row < 3; row++) {
        the_case.row[row][C_WIDE].integer = INT64_MAX;
    }
    static plan_case p;
    make_plan(&p, NULL, 0);
    p.aggregate[0] = (pc_aggregate){
        .function = PC_SUM, .arg = p.column[C_WIDE], .field = {.name = "total", .type = PC_INT}};
    p.node.of.aggregate.aggregate_count = 1;
    p.field[0] = p.aggregate[0].field;
    p.node.schema.field_count = 1;
    pc_budget budget = {0};
    rank_ops ranks;
    pc_error err = {0};
    uint64_t random = 1;
    CU_ASSERT_EQUAL(run_ranks(&random, &the_case, &p.node, 1, &budget, &ranks, &err), PC_OK);
    CU_ASSERT_EQUAL(finish_lines(&ranks.op[0], &got, &err), PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'total'"));
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    pc_arena_reset(&p.arena);
}

static void test_any_request_may_be_refused(void)
{
    static const int key[] = {C_CODE, C_WIDE};
    static plan_case p;
    uint64_t random = 5;
    random_case(&random, 120, 2, &the_case);
    make_plan(&p, key, 2);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 1024; status != PC_OK && limit < (size_t)16 << 20;
         limit += limit / 50 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        rank_ops ranks;
        pc_error err = {0};
        uint64_t again = 5;
        status = run_ranks(&again, &the_case, &p.node, 2, &budget, &ranks, &err);
        if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        refused += status == PC_NO_MEMORY;
        close_ranks(&ranks);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 20);
    pc_arena_reset(&p.arena);
}

static void test_hostile_state(void)
{
    static const int key[] = {C_CODE, C_FLOAT};
    static plan_case p;
    make_plan(&p, key, 2);
    hostile_states(&the_case, &p.node, &got);
    pc_arena_reset(&p.arena);
}

static void test_mean_is_rounded_once(void)
{
    uint64_t random = 3;
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        const int64_t sum = (int64_t)(pc_test_random(&random) >> pc_test_below(&random, 64));
        const int64_t count = 1 + (int64_t)(pc_test_random(&random) >> (32 + i % 30));
        const int scale = pc_test_below(&random, 4);
        const int64_t unit[] = {1, 10, 100, 1000};
        const double twin =
            (double)((wide_float)sum / ((wide_float)count * (wide_float)unit[scale]));
        wrong += pc_mean(sum, count, scale) != twin;
        wrong += pc_mean(-(pc_int128)sum, count, scale) != -twin;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_mean(1, 3, 0), 1.0 / 3.0);
    CU_ASSERT_EQUAL(pc_mean((pc_int128)INT64_MAX * 4, 4, 0), 9223372036854775808.0);
}

PC_TEST_MAIN("aggregate", {"groups are those of the twin", test_groups},
             {"counts that begin the same part later", test_counts_part},
             {"more rows than a batch", test_many_rows}, {"no keys", test_without_keys},
             {"no rows", test_no_rows}, {"a sum beyond 64 bits is named", test_sum_overflows},
             {"any request may be refused", test_any_request_may_be_refused},
             {"a damaged state is refused", test_hostile_state},
             {"a mean is rounded once", test_mean_is_rounded_once});
