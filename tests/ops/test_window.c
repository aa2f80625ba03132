/** window against a twin that looks at all rows again for every row. */
#include <math.h>
#include "op_case.h"

enum { CALLS = 8, COLUMNS = CASE_COLUMNS + CALLS };

static op_case the_case;
static lines got, wanted;

typedef struct plan_case {
    pc_arena arena;
    const pc_expr *column[CASE_COLUMNS];
    int partition[2];
    pc_sort_key order[2];
    pc_window_call call[CALLS];
    int arg[CALLS]; // column of the argument
    pc_field field[COLUMNS];
    pc_plan scan, node;
} plan_case;

static const pc_window_function functions[] = {
    PC_WINDOW_ROW_NUMBER,  PC_WINDOW_RANK,       PC_WINDOW_DENSE_RANK, PC_WINDOW_PERCENT_RANK,
    PC_WINDOW_CUME_DIST,   PC_WINDOW_NTILE,      PC_WINDOW_LAG,        PC_WINDOW_LEAD,
    PC_WINDOW_FIRST_VALUE, PC_WINDOW_LAST_VALUE, PC_WINDOW_NTH_VALUE,  PC_WINDOW_AGGREGATE,
    PC_WINDOW_AGGREGATE,   PC_WINDOW_AGGREGATE};
static const pc_aggregate_function sums[] = {PC_COUNT_ROWS, PC_COUNT, PC_SUM,     PC_AVG,
                                             PC_MIN,        PC_MAX,   PC_VAR_POP, PC_STDDEV_SAMP};

// RANGE with an offset takes one order key, as in PostgreSQL.
static pc_frame random_frame(uint64_t *random, int order_count)
{
    pc_frame f = {.mode = (pc_frame_mode)pc_test_below(random, 3)};
    f.start = (pc_frame_end)pc_test_below(random, 3);
    f.end = (pc_frame_end)pc_test_below(random, 3);
    if (f.mode == PC_FRAME_RANGE && order_count != 1) {
        f.start = PC_END_UNBOUNDED;
        f.end = PC_END_CURRENT;
    }
    const int unit = f.mode == PC_FRAME_RANGE ? 1000 : 1;
    f.start_offset = (int64_t)unit * (pc_test_below(random, 7) - 4);
    f.end_offset = f.start_offset + (int64_t)unit * pc_test_below(random, 5);
    return f;
}

static void add_call(plan_case *p, uint64_t *random, int at, int order_count)
{
    static const int args[] = {C_SMALL, C_CODE, C_MONEY, C_FLOAT, C_DATE, C_LONG_ID};
    static const int numbers[] = {C_SMALL, C_MONEY, C_FLOAT};
    pc_window_call *c = &p->call[at];
    c->function = functions[pc_test_below(random, sizeof functions / sizeof functions[0])];
    c->frame = random_frame(random, order_count);
    c->field = (pc_field){.name = "w", .type = PC_INT};
    const bool is_real =
        c->function == PC_WINDOW_PERCENT_RANK || c->function == PC_WINDOW_CUME_DIST;
    if (is_real) c->field.type = PC_FLOAT;
    p->arg[at] = args[pc_test_below(random, 6)];
    if (c->function == PC_WINDOW_AGGREGATE) {
        pc_aggregate *a = &c->aggregate;
        a->function = sums[pc_test_below(random, 8)];
        const bool any = a->function <= PC_COUNT || a->function == PC_MIN || a->function == PC_MAX;
        if (!any) p->arg[at] = numbers[pc_test_below(random, 3)];
        if (a->function != PC_COUNT_ROWS) a->arg = p->column[p->arg[at]];
        if (a->function == PC_COUNT_ROWS) p->arg[at] = -1;
        if (pc_test_below(random, 3) == 0) a->filter = p->column[C_BOOL];
        if (a->function == PC_SUM || a->function == PC_MIN || a->function == PC_MAX) {
            c->field = case_field[p->arg[at]];
        }
        if (a->function == PC_AVG || a->function >= PC_VAR_POP) c->field.type = PC_FLOAT;
        a->field = c->field;
        return;
    }
    if (c->function < PC_WINDOW_NTILE) return;
    const pc_value small = {.type = PC_INT, .integer = 1 + pc_test_below(random, 4)};
    const bool counted = c->function == PC_WINDOW_NTILE || c->function == PC_WINDOW_NTH_VALUE ||
                         pc_test_below(random, 2) == 0;
    const bool is_look = c->function == PC_WINDOW_LAG || c->function == PC_WINDOW_LEAD;
    if (counted && is_look && pc_test_below(random, 2) == 0) {
        c->second = p->column[C_SMALL]; // -2 .. 3, or null
    } else if (counted) {
        CU_ASSERT_EQUAL(pc_expr_constant(&small, 0, &p->arena, &c->second, NULL), PC_OK);
    }
    if (c->function == PC_WINDOW_NTILE) return;
    c->arg = p->column[p->arg[at]];
    c->field = case_field[p->arg[at]];
    if (is_look && p->arg[at] != C_LONG_ID && pc_test_below(random, 2) == 0) {
        c->missing = p->column[p->arg[at]];
    }
}

static void make_plan(plan_case *p, uint64_t *random)
{
    static const int keys[] = {C_SMALL, C_CODE, C_BOOL, C_LONG_ID};
    static const int orders[] = {C_DATE, C_WIDE, C_MONEY, C_FLOAT};
    memset(p, 0, sizeof *p);
    for (int i = 0; i < CASE_COLUMNS; i++) {
        p->field[i] = case_field[i];
        CU_ASSERT_EQUAL_FATAL(pc_expr_column(i, &case_field[i], 0, &p->arena, &p->column[i], NULL),
                              PC_OK);
    }
    const int partitions = pc_test_below(random, 3);
    const int order_count = pc_test_below(random, 3);
    for (int i = 0; i < 2; i++) {
        p->partition[i] = keys[pc_test_below(random, 4)];
        p->order[i] = (pc_sort_key){orders[pc_test_below(random, 4)], pc_test_below(random, 2) == 0,
                                    pc_test_below(random, 2) == 0};
    }
    if (order_count == 2 && pc_test_below(random, 2) == 0) p->order[0].column = C_SMALL;
    p->scan.schema = case_schema;
    p->node = (pc_plan){.kind = PC_PLAN_WINDOW, .input = &p->scan, .schema = {COLUMNS, p->field}};
    p->node.of.window.partition_count = partitions;
    p->node.of.window.partition = p->partition;
    p->node.of.window.order_count = order_count;
    p->node.of.window.order = p->order;
    p->node.of.window.call_count = CALLS;
    p->node.of.window.call = p->call;
    for (int i = 0; i < CALLS; i++) {
        add_call(p, random, i, order_count);
        p->field[CASE_COLUMNS + i] = p->call[i].field;
    }
}

// ---- the twin ----

static int compare_of(const cell *a, const cell *b, pc_type type)
{
    if (type == PC_FLOAT) return (a->real > b->real) - (a->real < b->real);
    if (type == PC_CODE || type == PC_ID) return strcmp(a->text, b->text);
    return (a->integer > b->integer) - (a->integer < b->integer);
}

static int compare_by(const pc_sort_key *key, int a, int b)
{
    const cell *x = &the_case.row[a][key->column];
    const cell *y = &the_case.row[b][key->column];
    if (x->is_null || y->is_null) {
        if (x->is_null && y->is_null) return 0;
        return x->is_null == key->nulls_first ? -1 : 1;
    }
    const int order = compare_of(x, y, case_field[key->column].type);
    return key->descending ? -order : order;
}

static int compare_keys(const plan_case *p, int a, int b)
{
    int order = 0;
    for (int i = 0; order == 0 && i < p->node.of.window.order_count; i++) {
        order = compare_by(&p->order[i], a, b);
    }
    return order;
}

static bool same_partition(const plan_case *p, int a, int b)
{
    for (int i = 0; i < p->node.of.window.partition_count; i++) {
        const pc_sort_key key = {.column = p->partition[i]};
        if (compare_by(&key, a, b) != 0) return false;
    }
    return true;
}

// The rows of a row's partition in order; `*at` is its place.
static int partition_of(const plan_case *p, int row, int *out, int *at)
{
    int count = 0;
    for (int other = 0; other < the_case.row_count; other++) {
        if (!same_partition(p, row, other)) continue;
        int place = count++;
        while (place > 0) {
            int order = compare_keys(p, out[place - 1], other);
            for (int i = 0; order == 0 && i < CASE_COLUMNS; i++) {
                const pc_sort_key key = {.column = i};
                order = compare_by(&key, out[place - 1], other);
            }
            if (order <= 0) break;
            out[place] = out[place - 1];
            place--;
        }
        out[place] = other;
    }
    *at = 0;
    while (out[*at] != row) {
        (*at)++;
    }
    return count;
}

// Number of different keys among the rows before and with a place: its group of peers.
static int group_of(const plan_case *p, const int *row, int at)
{
    int group = 0;
    for (int i = 1; i <= at; i++) {
        group += compare_keys(p, row[i - 1], row[i]) != 0;
    }
    return group;
}

static double key_of(const plan_case *p, int row)
{
    const cell *c = &the_case.row[row][p->order[0].column];
    return case_field[p->order[0].column].type == PC_FLOAT ? c->real : (double)c->integer;
}

static bool key_is_null(const plan_case *p, int row)
{
    return the_case.row[row][p->order[0].column].is_null;
}

// The first place of a RANGE with an offset, or (`is_end`) the place behind its last one. Nulls are
// near nulls only; where no key is far enough, the keys end there.
static int range_place(const plan_case *p, const int *row, int count, int at, int64_t offset,
                       bool is_end)
{
    const int sign = p->order[0].descending ? -1 : 1;
    const bool is_null = key_is_null(p, row[at]);
    int before = 0; // rows before the place
    for (int i = 0; i < count; i++) {
        bool is_before;
        if (is_null || key_is_null(p, row[i])) {
            const int order = compare_by(&p->order[0], row[i], row[at]);
            is_before = order < 0 || (is_end && order == 0);
        } else {
            const double distance = (key_of(p, row[i]) - key_of(p, row[at])) * sign;
            is_before = distance < (double)offset || (is_end && distance == (double)offset);
        }
        before += is_before;
    }
    return before;
}

static void twin_frame(const plan_case *p, const int *row, int count, int at, const pc_frame *f,
                       int64_t *begin, int64_t *end)
{
    const int group = group_of(p, row, at);
    const int64_t from = f->start == PC_END_CURRENT ? 0 : f->start_offset;
    const int64_t to = f->end == PC_END_CURRENT ? 0 : f->end_offset;
    *begin = at + from;
    *end = at + to + 1;
    const bool by_value = f->mode == PC_FRAME_RANGE;
    if (f->mode != PC_FRAME_ROWS) {
        *begin = 0;
        *end = 0;
        for (int i = 0; i < count; i++) {
            *begin += group_of(p, row, i) < group + (by_value ? 0 : from);
            *end += group_of(p, row, i) <= group + (by_value ? 0 : to);
        }
    }
    if (by_value && f->start == PC_END_OFFSET) *begin = range_place(p, row, count, at, from, false);
    if (by_value && f->end == PC_END_OFFSET) *end = range_place(p, row, count, at, to, true);
    if (f->start == PC_END_UNBOUNDED) *begin = 0;
    if (f->end == PC_END_UNBOUNDED) *end = count;
}

static void twin_aggregate(const pc_aggregate *a, int column, const int *row, int count, cell *out)
{
    double sum = 0;
    double square = 0;
    int n = 0;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < count; i++) {
        const cell *flag = &the_case.row[row[i]][C_BOOL];
        if (a->filter != NULL && (flag->is_null || flag->integer == 0)) continue;
        if (column < 0) {
            n++;
            continue;
        }
        const cell *c = &the_case.row[row[i]][column];
        if (c->is_null) continue;
        const pc_type type = case_field[column].type;
        const double x = type == PC_FLOAT ? c->real : (double)c->integer;
        sum += x; // exact: hundredths and sixteenths of few bits
        square += x * x;
        const int order = n == 0 ? -1 : compare_of(c, out, type);
        if (a->function == PC_MIN && order < 0) *out = *c;
        if (a->function == PC_MAX && (n == 0 || order > 0)) *out = *c;
        n++;
    }
    const bool is_float = column >= 0 && case_field[column].type == PC_FLOAT;
    const double unit = column >= 0 && case_field[column].scale == 2 ? 100 : 1;
    switch (a->function) {
        case PC_COUNT_ROWS:
        case PC_COUNT:
            out->integer = n;
            return;
        case PC_SUM:
            out->integer = (int64_t)sum;
            out->real = sum;
            break;
        case PC_AVG:
            out->real = is_float ? sum / n : sum / (n * unit);
            break;
        case PC_VAR_POP:
            out->real = (square * n - sum * sum) / ((double)n * n * unit * unit);
            break;
        case PC_STDDEV_SAMP:
            out->real = sqrt((square * n - sum * sum) / ((double)n * (n - 1) * unit * unit));
            break;
        default:
            break;
    }
    if (a->function == PC_STDDEV_SAMP ? n < 2 : n == 0) *out = (cell){.is_null = true};
}

static void twin_ntile(int n, int count, int at, cell *out)
{
    int row = 0;
    for (int bucket = 1; bucket <= n; bucket++) {
        const int size = count / n + (bucket <= count % n ? 1 : 0);
        if (at >= row && at < row + size) out->integer = bucket;
        row += size;
    }
}

static void twin_value(const plan_case *p, int call, int row, char *line)
{
    static int rows[CASE_MOST_ROWS];
    static int frame[CASE_MOST_ROWS];
    const pc_window_call *c = &p->call[call];
    int at;
    const int count = partition_of(p, row, rows, &at);
    int in = 0;
    int64_t begin;
    int64_t end;
    twin_frame(p, rows, count, at, &c->frame, &begin, &end);
    for (int i = 0; i < count; i++) {
        if (i >= begin && i < end) frame[in++] = rows[i];
    }
    int first = at;
    while (first > 0 && compare_keys(p, rows[first - 1], rows[at]) == 0) {
        first--;
    }
    int last = at;
    while (last + 1 < count && compare_keys(p, rows[last + 1], rows[at]) == 0) {
        last++;
    }
    int64_t n = 1;
    bool no_second = false;
    if (c->second != NULL && c->second->kind == PC_EXPR_CONSTANT) n = c->second->constant.integer;
    if (c->second == p->column[C_SMALL] && c->second != NULL) {
        n = the_case.row[row][C_SMALL].integer;
        no_second = the_case.row[row][C_SMALL].is_null;
    }
    cell out = {.is_null = false};
    const cell null = {.is_null = true};
    switch (c->function) {
        case PC_WINDOW_ROW_NUMBER:
            out.integer = at + 1;
            break;
        case PC_WINDOW_RANK:
            out.integer = first + 1;
            break;
        case PC_WINDOW_DENSE_RANK:
            out.integer = group_of(p, rows, at) + 1;
            break;
        case PC_WINDOW_PERCENT_RANK:
            out.real = count == 1 ? 0 : (double)first / (count - 1);
            break;
        case PC_WINDOW_CUME_DIST:
            out.real = (double)(last + 1) / count;
            break;
        case PC_WINDOW_NTILE:
            twin_ntile((int)n, count, at, &out);
            break;
        case PC_WINDOW_LAG:
        case PC_WINDOW_LEAD: {
            const int64_t place = c->function == PC_WINDOW_LAG ? at - n : at + n;
            const bool there = !no_second && place >= 0 && place < count;
            out = there ? the_case.row[rows[place]][p->arg[call]] : null;
            if (!there && !no_second && c->missing != NULL) out = the_case.row[row][p->arg[call]];
            break;
        }
        case PC_WINDOW_FIRST_VALUE:
            out = in > 0 ? the_case.row[frame[0]][p->arg[call]] : null;
            break;
        case PC_WINDOW_LAST_VALUE:
            out = in > 0 ? the_case.row[frame[in - 1]][p->arg[call]] : null;
            break;
        case PC_WINDOW_NTH_VALUE:
            out = in >= n ? the_case.row[frame[n - 1]][p->arg[call]] : null;
            break;
        case PC_WINDOW_AGGREGATE:
            twin_aggregate(&c->aggregate, p->arg[call], frame, in, &out);
    }
    if (out.is_null) out = null;
    // Sums of squares of the twin are doubles: compare nine digits.
    if (c->field.type == PC_FLOAT && !out.is_null) out.real = (double)(float)out.real;
    add_cell(line, &out, c->field.type);
}

static void twin_lines(const plan_case *p, lines *out)
{
    out->count = 0;
    for (int row = 0; row < the_case.row_count; row++) {
        char *line = out->line[out->count++];
        line[0] = '\0';
        for (int i = 0; i < CASE_COLUMNS; i++) {
            add_cell(line, &the_case.row[row][i], case_field[i].type);
        }
        for (int i = 0; i < CALLS; i++) {
            twin_value(p, i, row, line);
        }
    }
    sort_lines(out);
}

// Floats of results with few digits, as the twin has them.
static pc_status finish_shortened(const plan_case *p, pc_op *op, lines *out, pc_error *err)
{
    pc_arena arena = {0};
    pc_status status = PC_OK;
    out->count = 0;
    for (;;) {
        pc_batch batch;
        status = op->type->finish(op, &batch, &arena, err);
        if (status != PC_OK || batch.row_count == 0) break;
        status = pc_batch_check(&batch, &op->out, err);
        if (status != PC_OK) break;
        for (int i = 0; i < CALLS; i++) {
            pc_column *c = &batch.column[CASE_COLUMNS + i];
            if (p->call[i].field.type != PC_FLOAT) continue;
            double *copy = pc_arena_array(&arena, (size_t)batch.row_count, sizeof *copy, NULL);
            for (int row = 0; row < batch.row_count; row++) {
                if (pc_column_is_null(c, row)) continue;
                copy[row] = (double)(float)((const double *)c->data)[row];
            }
            c->data = copy;
        }
        for (int row = 0; row < batch.row_count; row++) {
            char *line = out->line[out->count++];
            line[0] = '\0';
            for (int i = 0; i < batch.column_count; i++) {
                add_value(line, &batch.column[i], row);
            }
        }
    }
    pc_arena_reset(&arena);
    return status;
}

static int compare_with_twin(uint64_t seed, int row_count, int rank_count)
{
    uint64_t random = seed;
    static plan_case p;
    pc_budget budget = {0};
    rank_ops ranks;
    pc_error err = {0};
    random_case(&random, row_count, rank_count, &the_case);
    for (int row = 0; row < row_count; row++) {
        // Few different keys, so that there are peers.
        the_case.row[row][C_DATE].integer = 18000 + the_case.row[row][C_DATE].integer % 7 * 700;
        the_case.row[row][C_MONEY].integer = the_case.row[row][C_MONEY].integer % 40 * 100;
    }
    make_plan(&p, &random);
    pc_status status = run_ranks(&random, &the_case, &p.node, rank_count, &budget, &ranks, &err);
    if (status == PC_OK) status = finish_shortened(&p, &ranks.op[0], &got, &err);
    if (status != PC_OK) printf("\n  %s\n", err.text);
    CU_ASSERT_EQUAL(status, PC_OK);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    sort_lines(&got);
    twin_lines(&p, &wanted);
    const int wrong = differing_lines(&got, &wanted);
    if (wrong != 0) printf("  seed %llu\n", (unsigned long long)seed);
    pc_arena_reset(&p.arena);
    return wrong;
}

static void test_twin(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 90 && wrong == 0; seed++) {
        wrong += compare_with_twin(seed, 5 + (int)(seed % 9) * 8, 1 + (int)(seed % 3));
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_any_request_may_be_refused(void)
{
    static plan_case p;
    uint64_t random = 5;
    random_case(&random, 100, 2, &the_case);
    make_plan(&p, &random);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 1024; status != PC_OK && limit < (size_t)16 << 20;
         limit += limit / 50 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        rank_ops ranks;
        uint64_t again = 5;
        status = run_ranks(&again, &the_case, &p.node, 2, &budget, &ranks, NULL);
        if (status == PC_OK) status = finish_shortened(&p, &ranks.op[0], &got, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        refused += status == PC_NO_MEMORY;
        close_ranks(&ranks);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 20);
    pc_arena_reset(&p.arena);
}

// Block by block: what was before is forgotten.
static void test_clear(void)
{
    static plan_case p;
    uint64_t random = 8;
    pc_budget budget = {0};
    rank_ops ranks;
    random_case(&random, 40, 1, &the_case);
    make_plan(&p, &random);
    CU_ASSERT_EQUAL(run_ranks(&random, &the_case, &p.node, 1, &budget, &ranks, NULL), PC_OK);
    CU_ASSERT_EQUAL(finish_shortened(&p, &ranks.op[0], &got, NULL), PC_OK);
    CU_ASSERT_EQUAL(got.count, 40);
    CU_ASSERT_EQUAL(ranks.op[0].type->clear(&ranks.op[0], NULL), PC_OK);
    CU_ASSERT_EQUAL(finish_shortened(&p, &ranks.op[0], &got, NULL), PC_OK);
    CU_ASSERT_EQUAL(got.count, 0);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    pc_arena_reset(&p.arena);
}

PC_TEST_MAIN("window", {"functions and frames are those of the twin", test_twin},
             {"any request may be refused", test_any_request_may_be_refused},
             {"a block is forgotten", test_clear});
