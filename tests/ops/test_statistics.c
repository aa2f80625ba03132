/** Variances, percentiles, modes, sums of distinct values and sketches, against a twin that sorts
 * the rows of each group. */
#include <math.h>
#include "op_case.h"
#include "ops/aggregate.h"

__extension__ typedef __float128 wide_float;

enum { MOST_AGGREGATES = 24 };

static op_case the_case;
static lines got, wanted;

typedef struct plan_case {
    pc_arena arena;
    const pc_expr *column[CASE_COLUMNS];
    const pc_expr *key[1];
    pc_field field[1 + MOST_AGGREGATES];
    pc_aggregate aggregate[MOST_AGGREGATES];
    int of[MOST_AGGREGATES]; // column of the argument
    int count;
    pc_plan node;
} plan_case;

static pc_aggregate *add(plan_case *p, pc_aggregate_function function, int column)
{
    const bool value = function == PC_PERCENTILE_DISC || function == PC_MODE || function == PC_SUM;
    pc_field field = {.name = "a", .type = PC_FLOAT};
    if (value) field = case_field[column];
    if (function == PC_APPROX_DISTINCT) field.type = PC_INT;
    p->of[p->count] = column;
    p->aggregate[p->count] =
        (pc_aggregate){.function = function, .arg = p->column[column], .field = field};
    return &p->aggregate[p->count++];
}

static void add_ordered(plan_case *p, pc_aggregate_function function, int column, double fraction,
                        bool descending)
{
    pc_aggregate *a = add(p, function, column);
    a->fraction = fraction;
    a->is_descending = descending;
}

static void make_columns(plan_case *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < CASE_COLUMNS; i++) {
        CU_ASSERT_EQUAL_FATAL(pc_expr_column(i, &case_field[i], -1, &p->arena, &p->column[i], NULL),
                              PC_OK);
    }
}

static void make_node(plan_case *p, int key)
{
    const int keys = key < 0 ? 0 : 1;
    if (keys == 1) {
        p->key[0] = p->column[key];
        p->field[0] = case_field[key];
    }
    for (int i = 0; i < p->count; i++) {
        p->field[keys + i] = p->aggregate[i].field;
    }
    p->node = (pc_plan){.kind = PC_PLAN_AGGREGATE,
                        .schema = {.field_count = keys + p->count, .field = p->field}};
    p->node.of.aggregate.key_count = keys;
    p->node.of.aggregate.key = p->key;
    p->node.of.aggregate.aggregate_count = p->count;
    p->node.of.aggregate.aggregate = p->aggregate;
}

static void make_plan(plan_case *p, int key)
{
    static const pc_aggregate_function variance[] = {PC_VAR_POP, PC_VAR_SAMP, PC_STDDEV_POP,
                                                     PC_STDDEV_SAMP};
    make_columns(p);
    for (int i = 0; i < 4; i++) {
        add(p, variance[i], i % 2 == 0 ? C_MONEY : C_SMALL);
        add(p, variance[i], C_FLOAT);
    }
    add(p, PC_VAR_SAMP, C_SMALL)->is_distinct = true;
    add(p, PC_SUM, C_SMALL)->is_distinct = true;
    add(p, PC_AVG, C_MONEY)->is_distinct = true;
    add(p, PC_AVG, C_FLOAT)->is_distinct = true;
    add_ordered(p, PC_PERCENTILE_CONT, C_MONEY, 0.25, false);
    add_ordered(p, PC_PERCENTILE_CONT, C_FLOAT, 0.9, true);
    add_ordered(p, PC_PERCENTILE_DISC, C_DATE, 0.5, false);
    add_ordered(p, PC_PERCENTILE_DISC, C_CODE, 0.7, true);
    add_ordered(p, PC_PERCENTILE_DISC, C_WIDE, 0, false);
    add_ordered(p, PC_PERCENTILE_DISC, C_LONG_ID, 1, false);
    add_ordered(p, PC_PERCENTILE_DISC, C_SHORT_ID, 0.4, false);
    add_ordered(p, PC_MODE, C_CODE, 0, false);
    add_ordered(p, PC_MODE, C_SMALL, 0, true);
    make_node(p, key);
}

static int compare_of(const cell *a, const cell *b, pc_type type)
{
    if (type == PC_FLOAT) return (a->real > b->real) - (a->real < b->real);
    if (type == PC_CODE || type == PC_ID) return strcmp(a->text, b->text);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

// The values that an aggregate takes of some rows, in its order.
static int sorted_values(const plan_case *p, int at, const int *row, int count, cell *out)
{
    const pc_type type = case_field[p->of[at]].type;
    const int sign = p->aggregate[at].is_descending ? -1 : 1;
    int n = 0;
    for (int i = 0; i < count; i++) {
        const cell c = the_case.row[row[i]][p->of[at]];
        if (c.is_null) continue;
        int place = n++;
        while (place > 0 && compare_of(&out[place - 1], &c, type) * sign > 0) {
            out[place] = out[place - 1];
            place--;
        }
        out[place] = c;
    }
    int kept = 0;
    for (int i = 0; p->aggregate[at].is_distinct && i < n; i++) {
        if (kept == 0 || compare_of(&out[kept - 1], &out[i], type) != 0) out[kept++] = out[i];
    }
    return p->aggregate[at].is_distinct ? kept : n;
}

static double real_of(const cell *c, int column)
{
    if (case_field[column].type == PC_FLOAT) return c->real;
    return case_field[column].scale == 2 ? (double)c->integer / 100 : (double)c->integer;
}

static double twin_variance(const cell *value, int n, int column, bool is_sample)
{
    const bool is_float = case_field[column].type == PC_FLOAT;
    wide_float sum = 0;
    wide_float square = 0;
    for (int i = 0; i < n; i++) {
        const wide_float x = is_float ? (wide_float)value[i].real : (wide_float)value[i].integer;
        sum += x;
        square += x * x;
    }
    const int below = is_sample ? n - 1 : n;
    const wide_float above = square * n - sum * sum;
    if (is_float) return (double)above / n / below;
    const int unit = case_field[column].scale == 2 ? 10000 : 1;
    return (double)(above / ((wide_float)n * below * unit));
}

static void twin_mode(const cell *value, int n, pc_type type, cell *out)
{
    int best = 0;
    for (int i = 0; i < n;) {
        int end = i;
        while (end < n && compare_of(&value[end], &value[i], type) == 0) {
            end++;
        }
        if (end - i > best) *out = value[i];
        if (end - i > best) best = end - i;
        i = end;
    }
}

static void twin_sum(const cell *value, int n, int column, bool is_mean, cell *out)
{
    wide_float sum = 0;
    for (int i = 0; i < n; i++) {
        sum += case_field[column].type == PC_FLOAT ? (wide_float)value[i].real
                                                   : (wide_float)value[i].integer;
    }
    out->integer = (int64_t)sum;
    if (!is_mean) return;
    const int unit = case_field[column].scale == 2 ? 100 : 1;
    out->real = case_field[column].type == PC_FLOAT ? (double)sum / n
                                                    : (double)(sum / ((wide_float)n * unit));
}

static void twin_value(const plan_case *p, int at, const int *row, int count, char *line)
{
    static cell value[CASE_MOST_ROWS];
    const pc_aggregate *a = &p->aggregate[at];
    const int column = p->of[at];
    const int n = sorted_values(p, at, row, count, value);
    const bool is_sample = a->function == PC_VAR_SAMP || a->function == PC_STDDEV_SAMP;
    cell out = {.is_null = n < (is_sample ? 2 : 1)};
    if (!out.is_null) {
        switch (a->function) {
            case PC_PERCENTILE_DISC: {
                const int rank = (int)ceil(a->fraction * n);
                out = value[rank < 1 ? 0 : rank - 1];
                break;
            }
            case PC_PERCENTILE_CONT: {
                const double place = a->fraction * (n - 1);
                const int low = (int)floor(place);
                const double from = real_of(&value[low], column);
                const double to = real_of(&value[(int)ceil(place)], column);
                out.real = from + (place - low) * (to - from);
                break;
            }
            case PC_MODE:
                twin_mode(value, n, case_field[column].type, &out);
                break;
            case PC_SUM:
            case PC_AVG:
                twin_sum(value, n, column, a->function == PC_AVG, &out);
                break;
            default:
                out.real = twin_variance(value, n, column, is_sample);
                if (a->function == PC_STDDEV_POP || a->function == PC_STDDEV_SAMP) {
                    out.real = sqrt(out.real);
                }
        }
    }
    add_cell(line, &out, a->field.type);
}

static void twin_lines(const plan_case *p, int key, lines *out)
{
    static bool done[CASE_MOST_ROWS];
    memset(done, 0, sizeof done);
    out->count = 0;
    for (int row = 0; row < the_case.row_count; row++) {
        if (done[row]) continue;
        int member[CASE_MOST_ROWS];
        int count = 0;
        const cell *first = key < 0 ? NULL : &the_case.row[row][key];
        for (int other = row; other < the_case.row_count; other++) {
            const cell *c = key < 0 ? NULL : &the_case.row[other][key];
            const bool same =
                key < 0 || (c->is_null == first->is_null &&
                            (c->is_null || compare_of(c, first, case_field[key].type) == 0));
            if (!same || done[other]) continue;
            done[other] = true;
            member[count++] = other;
        }
        char *line = out->line[out->count++];
        line[0] = '\0';
        if (key >= 0) add_cell(line, first, case_field[key].type);
        for (int i = 0; i < p->count; i++) {
            twin_value(p, i, member, count, line);
        }
    }
    sort_lines(out);
}

static int compare_with_twin(uint64_t seed, int row_count, int rank_count, int key)
{
    uint64_t random = seed;
    static plan_case p;
    pc_budget budget = {0};
    rank_ops ranks;
    pc_error err = {0};
    random_case(&random, row_count, rank_count, &the_case);
    make_plan(&p, key);
    pc_status status = run_ranks(&random, &the_case, &p.node, rank_count, &budget, &ranks, &err);
    if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, &err);
    if (status != PC_OK) printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL(status, PC_OK);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    sort_lines(&got);
    twin_lines(&p, key, &wanted);
    const int wrong = differing_lines(&got, &wanted);
    if (wrong != 0) printf("  seed %llu, key %d\n", (unsigned long long)seed, key);
    pc_arena_reset(&p.arena);
    return wrong;
}

static void test_groups(void)
{
    static const int key[] = {-1, C_CODE, C_SMALL, C_BOOL, C_LONG_ID};
    int wrong = 0;
    for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
        for (int ranks = 1; ranks <= 3; ranks++) {
            wrong += compare_with_twin(77 * i + (uint64_t)ranks, 40 + 130 * ranks, ranks, key[i]);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// Values so large that their squares need 126 bits, and differences that doubles do not see.
static void test_variance_is_exact(void)
{
    pc_squares large = {.sum = 0};
    pc_squares_add(&large, INT64_MAX);
    pc_squares_add(&large, INT64_MIN);
    const wide_float half = (wide_float)INT64_MAX + (wide_float)0.5;
    CU_ASSERT_EQUAL(pc_squares_variance(&large, 2, 0, false), (double)(half * half));
    pc_squares near = {.sum = 0};
    pc_exact_squares reals = {.sum = {.pending = 0}};
    for (int i = 0; i < 1000; i++) {
        pc_squares_add(&near, INT64_MAX - (i & 1));
        pc_exact_squares_add(&reals, 9007199254740991.0 - (i & 1));
    }
    CU_ASSERT_EQUAL(pc_squares_variance(&near, 1000, 0, false), 0.25);
    CU_ASSERT_EQUAL(pc_exact_squares_variance(&reals, 1000, false), 0.25);
    pc_squares same = {.sum = 0};
    pc_squares_add(&same, 12345);
    pc_squares_add(&same, 12345);
    CU_ASSERT_EQUAL(pc_squares_variance(&same, 2, 2, true), 0);
    CU_ASSERT(pc_squares_merge(&same, &near));
    uint64_t random = 11;
    int wrong = 0;
    for (int i = 0; i < 2000; i++) {
        pc_squares s = {.sum = 0};
        wide_float sum = 0;
        wide_float square = 0;
        const int n = 2 + pc_test_below(&random, 5);
        for (int k = 0; k < n; k++) {
            const int64_t x = (int64_t)(pc_test_random(&random) >> 16) - ((int64_t)1 << 46);
            pc_squares_add(&s, x);
            sum += (wide_float)x;
            square += (wide_float)x * (wide_float)x;
        }
        const double twin = (double)((square * n - sum * sum) / ((wide_float)n * (n - 1) * 100));
        wrong += pc_squares_variance(&s, n, 1, true) != twin;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// The registers of three ranks are those of one, and the estimate is near.
static void test_sketches(void)
{
    double first[2] = {0, 0};
    for (int rank_count = 1; rank_count <= 3; rank_count++) {
        uint64_t random = 21;
        static plan_case p;
        pc_budget budget = {0};
        rank_ops ranks;
        random_case(&random, 4000, rank_count, &the_case);
        for (int row = 0; row < the_case.row_count; row++) {
            the_case.row[row][C_WIDE] = (cell){.integer = 1000003 * (int64_t)(row % 3500) + 17};
        }
        make_columns(&p);
        add(&p, PC_APPROX_DISTINCT, C_WIDE);
        add_ordered(&p, PC_APPROX_PERCENTILE, C_WIDE, 0.5, false);
        add_ordered(&p, PC_PERCENTILE_DISC, C_WIDE, 0.5, false);
        make_node(&p, -1);
        CU_ASSERT_EQUAL(run_ranks(&random, &the_case, &p.node, rank_count, &budget, &ranks, NULL),
                        PC_OK);
        pc_batch out;
        pc_arena arena = {0};
        CU_ASSERT_EQUAL(ranks.op[0].type->finish(&ranks.op[0], &out, &arena, NULL), PC_OK);
        const double distinct = (double)pc_column_int(&out.column[0], 0);
        const double near = ((const double *)out.column[1].data)[0];
        const double exact = (double)pc_column_int(&out.column[2], 0);
        CU_ASSERT(fabs(distinct - 3500) < 3500 * 0.05);
        CU_ASSERT(fabs(near - exact) <= exact / 256);
        if (rank_count == 1) first[0] = distinct;
        if (rank_count == 1) first[1] = near;
        CU_ASSERT_EQUAL(distinct, first[0]);
        CU_ASSERT_EQUAL(near, first[1]);
        pc_arena_reset(&arena);
        close_ranks(&ranks);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        pc_arena_reset(&p.arena);
    }
}

static void test_any_request_may_be_refused(void)
{
    static plan_case p;
    uint64_t random = 5;
    random_case(&random, 120, 2, &the_case);
    make_plan(&p, C_CODE);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 1024; status != PC_OK && limit < (size_t)16 << 20;
         limit += limit / 50 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        rank_ops ranks;
        uint64_t again = 5;
        status = run_ranks(&again, &the_case, &p.node, 2, &budget, &ranks, NULL);
        if (status == PC_OK) status = finish_lines(&ranks.op[0], &got, NULL);
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
    static plan_case p;
    make_plan(&p, C_CODE);
    add(&p, PC_APPROX_DISTINCT, C_WIDE);
    make_node(&p, C_CODE);
    hostile_states(&the_case, &p.node, &got);
    pc_arena_reset(&p.arena);
}

PC_TEST_MAIN("statistics", {"groups are those of the twin", test_groups},
             {"a variance is exact until it is rounded", test_variance_is_exact},
             {"sketches are near, and the same on any ranks", test_sketches},
             {"any request may be refused", test_any_request_may_be_refused},
             {"a damaged state is refused", test_hostile_state});
