/** States in parts: what the parts give together is what one state gives. */
#include "op_case.h"

enum { MOST_PARTS = 9, RANKS = 3 };

static op_case the_case;
static lines got, wanted;
static pc_plan node;

/** The pieces of each part, from all ranks. */
typedef struct pieces {
    pc_arena arena; // not on the budget: it is the operator that is refused memory
    int count;
    int part[CASE_MOST_ROWS];
    pc_span piece[CASE_MOST_ROWS];
} pieces;
static pieces kept;

static pc_status keep_piece(void *context, int part, pc_span piece, pc_error *err)
{
    (void)err;
    pieces *p = context;
    if (p->count == CASE_MOST_ROWS) abort();
    char *copy = pc_arena_take(&p->arena, piece.bytes + 1, NULL);
    memcpy(copy, piece.data, piece.bytes);
    p->part[p->count] = part;
    p->piece[p->count++] = (pc_span){copy, piece.bytes};
    return PC_OK;
}

// The rows between parts: of the samples of all ranks, as the engine takes them.
static pc_status find_bounds(rank_ops *r, int part_count, pc_buffer *out, pc_error *err)
{
    pc_buffer samples = {.budget = NULL};
    pc_arena arena = {0};
    pc_op op;
    pc_status status = pc_op_open(&node, &case_schema, &arena, &op, err);
    for (int i = 0; i < r->count && status == PC_OK; i++) {
        status = r->op[i].type->sample(&r->op[i], 20, false, &samples, err);
    }
    if (status == PC_OK) {
        status = op.type->merge(&op, (pc_span){samples.data, samples.bytes}, err);
    }
    if (status == PC_OK) status = op.type->sample(&op, part_count - 1, true, out, err);
    pc_op_close(&op);
    pc_arena_reset(&arena);
    pc_buffer_release(&samples);
    return status;
}

static pc_status write_parts(rank_ops *r, int part_count, pc_error *err)
{
    pc_buffer bounds = {.budget = NULL};
    pc_status status = PC_OK;
    kept.count = 0;
    if (r->op[0].type->sample != NULL) status = find_bounds(r, part_count, &bounds, err);
    const pc_op_parts parts = {.count = part_count,
                               .bounds = {bounds.data, bounds.bytes},
                               .context = &kept,
                               .write = keep_piece};
    for (int i = 0; i < r->count && status == PC_OK; i++) {
        status = r->op[i].type->pack_parts(&r->op[i], &parts, err);
    }
    pc_buffer_release(&bounds);
    return status;
}

// Each part by itself through rank 0's operator, which is empty by now.
static pc_status read_parts(pc_op *op, int part_count, lines *out, pc_error *err)
{
    static lines one;
    out->count = 0;
    for (int part = 0; part < part_count; part++) {
        int merged = 0;
        for (int i = 0; i < kept.count; i++) {
            if (kept.part[i] != part) continue;
            PC_TRY(op->type->merge(op, kept.piece[i], err));
            merged++;
        }
        if (merged == 0) continue;
        PC_TRY(finish_lines(op, &one, err));
        PC_TRY(op->type->clear(op, err));
        for (int i = 0; i < one.count; i++) {
            memcpy(out->line[out->count++], one.line[i], CASE_ROW_BYTES);
        }
    }
    return PC_OK;
}

static pc_status open_ranks(uint64_t *random, int ranks, pc_budget *budget, rank_ops *r,
                            pc_error *err)
{
    *r = (rank_ops){.count = ranks};
    for (int i = 0; i < ranks; i++) {
        r->arena[i].budget = budget;
        PC_TRY(pc_op_open(&node, &case_schema, &r->arena[i], &r->op[i], err));
        const pc_dict *dict = case_dict(i, &r->dicts);
        PC_TRY(push_case(random, &the_case, ranks == 1 ? -1 : i, &r->op[i], dict, err));
    }
    return PC_OK;
}

static pc_status run_parts(uint64_t seed, int ranks, int part_count, pc_budget *budget)
{
    uint64_t random = seed;
    rank_ops r;
    pc_error err = {0};
    pc_status status = open_ranks(&random, ranks, budget, &r, &err);
    if (status == PC_OK) status = write_parts(&r, part_count, &err);
    if (status == PC_OK) status = read_parts(&r.op[0], part_count, &got, &err);
    close_ranks(&r);
    pc_arena_reset(&kept.arena);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    if (status != PC_OK && status != PC_NO_MEMORY) printf("\n  %s\n", err.text);
    return status;
}

static void compare_parts(bool in_order)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        uint64_t random = seed;
        const int ranks = 1 + (int)(seed % RANKS);
        random_case(&random, pc_test_below(&random, seed % 4 == 0 ? 2500 : 300), ranks, &the_case);
        pc_budget budget = {0};
        rank_ops r;
        CU_ASSERT_EQUAL(run_ranks(&random, &the_case, &node, ranks, &budget, &r, NULL), PC_OK);
        CU_ASSERT_EQUAL(finish_lines(&r.op[0], &wanted, NULL), PC_OK);
        close_ranks(&r);
        const int parts = 1 + pc_test_below(&random, MOST_PARTS);
        CU_ASSERT_EQUAL(run_parts(seed, ranks, parts, &budget), PC_OK);
        if (!in_order) {
            sort_lines(&got);
            sort_lines(&wanted);
        }
        const int wrong = differing_lines(&got, &wanted);
        CU_ASSERT_EQUAL(wrong, 0);
        if (wrong > 0) printf("  seed %d, %d parts\n", (int)seed, parts);
    }
}

static void refuse_requests(void)
{
    uint64_t random = 3;
    random_case(&random, 120, 2, &the_case);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 4096; status != PC_OK && limit < (size_t)64 << 20; limit += limit / 8) {
        pc_budget budget = {.limit_bytes = limit};
        status = run_parts(3, 2, 4, &budget);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_sort(void)
{
    static const pc_sort_key key[] = {{C_CODE, true, false}, {C_FLOAT, false, true}};
    node = (pc_plan){.kind = PC_PLAN_SORT, .schema = case_schema};
    node.of.sort.key_count = 2;
    node.of.sort.key = key;
    node.of.sort.limit = -1;
    compare_parts(true);
    refuse_requests();
}

static void test_distinct(void)
{
    node = (pc_plan){.kind = PC_PLAN_DISTINCT, .schema = case_schema};
    compare_parts(false);
    refuse_requests();
}

static const pc_expr *column_of(int column, pc_arena *arena)
{
    const pc_expr *x;
    CU_ASSERT_EQUAL(pc_expr_column(column, &case_field[column], 0, arena, &x, NULL), PC_OK);
    return x;
}

// Every way in which an aggregate is kept, over two keys.
static void test_aggregate(void)
{
    static const struct {
        pc_aggregate_function function;
        int column;
        pc_type type;
    } kind[] = {{PC_COUNT_ROWS, -1, PC_INT},         {PC_COUNT_PATIENTS, -1, PC_INT},
                {PC_COUNT_DISTINCT, C_WIDE, PC_INT}, {PC_SUM, C_MONEY, PC_DECIMAL},
                {PC_SUM, C_FLOAT, PC_FLOAT},         {PC_STDDEV_POP, C_SMALL, PC_FLOAT},
                {PC_VAR_SAMP, C_FLOAT, PC_FLOAT},    {PC_MIN, C_WIDE, PC_INT},
                {PC_MAX, C_CODE, PC_CODE},           {PC_PERCENTILE_DISC, C_MONEY, PC_DECIMAL},
                {PC_MODE, C_LONG_ID, PC_ID},         {PC_APPROX_DISTINCT, C_WIDE, PC_INT}};
    enum { KINDS = sizeof kind / sizeof kind[0] };
    pc_arena arena = {0};
    pc_aggregate aggregate[KINDS];
    pc_field field[2 + KINDS] = {case_field[C_CODE], case_field[C_SHORT_ID]};
    for (int i = 0; i < KINDS; i++) {
        const pc_field *of = kind[i].column < 0 ? &case_field[0] : &case_field[kind[i].column];
        field[2 + i] = (pc_field){"x", kind[i].type, 0, 0};
        if (kind[i].type == PC_DECIMAL) field[2 + i].scale = of->scale;
        if (kind[i].type == PC_ID) field[2 + i].width = of->width;
        aggregate[i] = (pc_aggregate){.function = kind[i].function,
                                      .field = field[2 + i],
                                      .fraction = 0.4,
                                      .separator = {"", 0}};
        if (kind[i].column >= 0) aggregate[i].arg = column_of(kind[i].column, &arena);
    }
    const pc_expr *key[] = {column_of(C_CODE, &arena), column_of(C_SHORT_ID, &arena)};
    node = (pc_plan){.kind = PC_PLAN_AGGREGATE, .schema = {2 + KINDS, field}};
    node.of.aggregate.key_count = 2;
    node.of.aggregate.key = key;
    node.of.aggregate.aggregate_count = KINDS;
    node.of.aggregate.aggregate = aggregate;
    compare_parts(false);
    refuse_requests();
    pc_arena_reset(&arena);
}

// The rows of a split's pieces; their keys as lines, with the part in front.
static void unpack_pieces(lines *rows, lines *keys)
{
    rows->count = keys->count = 0;
    for (int i = 0; i < kept.count; i++) {
        pc_arena arena = {0};
        pc_batch batch;
        size_t at = 0;
        CU_ASSERT_EQUAL(pc_batch_unpack(kept.piece[i], &at, &case_schema, &arena, &batch, NULL),
                        PC_OK);
        CU_ASSERT_EQUAL(at, kept.piece[i].bytes);
        for (int row = 0; row < batch.row_count; row++) {
            char *line = rows->line[rows->count++];
            line[0] = '\0';
            for (int k = 0; k < CASE_COLUMNS; k++) {
                add_value(line, &batch.column[k], row);
            }
            char *key = keys->line[keys->count++];
            key[0] = '\0';
            add_value(key, &batch.column[C_CODE], row);
            add_value(key, &batch.column[C_SMALL], row);
            const size_t used = strlen(key);
            (void)snprintf(key + used, CASE_ROW_BYTES - used, " %d", kept.part[i]);
        }
        pc_arena_reset(&arena);
    }
}

// Every row is there, and equal keys are in one part, whichever rank had them.
static void test_split(void)
{
    static const int key[] = {C_CODE, C_SMALL};
    static lines keys;
    node = (pc_plan){.kind = PC_PLAN_SPLIT, .schema = case_schema};
    node.of.split.key_count = 2;
    node.of.split.key = key;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t random = seed;
        const int ranks = 1 + (int)(seed % RANKS);
        random_case(&random, pc_test_below(&random, 600), ranks, &the_case);
        pc_budget budget = {0};
        rank_ops r;
        CU_ASSERT_EQUAL(open_ranks(&random, ranks, &budget, &r, NULL), PC_OK);
        CU_ASSERT_EQUAL(write_parts(&r, 5, NULL), PC_OK);
        close_ranks(&r);
        unpack_pieces(&got, &keys);
        pc_arena_reset(&kept.arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        wanted.count = 0;
        for (int i = 0; i < the_case.row_count; i++) {
            char *line = wanted.line[wanted.count++];
            line[0] = '\0';
            for (int k = 0; k < CASE_COLUMNS; k++) {
                add_cell(line, &the_case.row[i][k], case_field[k].type);
            }
        }
        sort_lines(&got);
        sort_lines(&wanted);
        CU_ASSERT_EQUAL(differing_lines(&got, &wanted), 0);
        sort_lines(&keys);
        for (int i = 1; i < keys.count; i++) {
            const char *before = strrchr(keys.line[i - 1], ' ');
            const char *here = strrchr(keys.line[i], ' ');
            const size_t bytes = (size_t)(here - keys.line[i]);
            const bool same = (size_t)(before - keys.line[i - 1]) == bytes &&
                              memcmp(keys.line[i - 1], keys.line[i], bytes) == 0;
            if (same) CU_ASSERT_STRING_EQUAL(before, here);
        }
    }
}

PC_TEST_MAIN("parts", {"ranges of sorted rows", test_sort}, {"distinct rows", test_distinct},
             {"groups, of every kind of aggregate", test_aggregate},
             {"rows by their keys", test_split});
