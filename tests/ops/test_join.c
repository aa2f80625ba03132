/** join against nested loops over random rows; grouping sets and repeat; tables of rows. */
#include <stdio.h>
#include <string.h>
#include "parcours/function.h"
#include "parcours/op.h"
#include "parcours/table.h"
#include "test_main.h"
#include "test_random.h"

enum { MOST_ROWS = 3000, MOST_PAIRS = 200000, COLUMNS = 3 };
enum { K, T, N }; // a key, a text, the row's own number

typedef struct side {
    int count;
    int64_t key[MOST_ROWS];
    uint8_t text[MOST_ROWS]; // 0 to 2
    bool key_null[MOST_ROWS], text_null[MOST_ROWS];
} side;

static const pc_field FIELD[2 * COLUMNS] = {
    {.name = "k", .type = PC_INT}, {.name = "t", .type = PC_CODE}, {.name = "n", .type = PC_INT},
    {.name = "k", .type = PC_INT}, {.name = "t", .type = PC_CODE}, {.name = "n", .type = PC_INT}};
static const pc_schema ONE = {COLUMNS, FIELD};
static const pc_field MARKED[COLUMNS + 1] = {{.name = "k", .type = PC_INT},
                                             {.name = "t", .type = PC_CODE},
                                             {.name = "n", .type = PC_INT},
                                             {.name = "found", .type = PC_BOOL}};
static side left, right;
static int64_t got[MOST_PAIRS][2], wanted[MOST_PAIRS][2]; // numbers of both rows; -1: none
static int got_count, wanted_count;

static void random_side(uint64_t *random, int count, side *out)
{
    out->count = count;
    for (int i = 0; i < count; i++) {
        out->key[i] = pc_test_below(random, 1 + count / 8) - 3;
        out->text[i] = (uint8_t)pc_test_below(random, 3);
        out->key_null[i] = pc_test_below(random, 9) == 0;
        out->text_null[i] = pc_test_below(random, 9) == 0;
    }
}

// Rows first .. of a side as a batch; the dictionary is another one on each side.
static pc_batch make_batch(const side *s, int first, bool turned, pc_arena *arena)
{
    static const uint64_t offset[] = {0, 1, 2, 4};
    static const pc_dict dict[2] = {{.count = 3, .offset = offset, .bytes = "abcc"},
                                    {.count = 3, .offset = offset, .bytes = "bacc"}};
    const int count = s->count - first < 700 ? s->count - first : 700;
    int64_t *key = pc_arena_array(arena, 701, sizeof *key, NULL);
    uint8_t *text = pc_arena_array(arena, 701, 1, NULL);
    int32_t *number = pc_arena_array(arena, 701, sizeof *number, NULL);
    int64_t *slot = pc_arena_array(arena, 701, sizeof *slot, NULL);
    uint64_t *valid = pc_arena_array(arena, 2 * 16, sizeof *valid, NULL);
    for (int i = 0; i < count; i++) {
        key[i] = s->key[first + i];
        text[i] = turned && s->text[first + i] < 2 ? 1 - s->text[first + i] : s->text[first + i];
        number[i] = first + i;
        slot[i] = (first + i) / 5;
        valid[i >> 6] |= (uint64_t)!s->key_null[first + i] << (i & 63);
        valid[16 + (i >> 6)] |= (uint64_t)!s->text_null[first + i] << (i & 63);
    }
    pc_batch batch = {.column_count = COLUMNS, .row_count = count, .slot = slot};
    batch.column = pc_arena_array(arena, COLUMNS, sizeof *batch.column, NULL);
    batch.column[K] = (pc_column){.type = PC_INT, .width = 8, .data = key, .valid = valid};
    batch.column[T] = (pc_column){
        .type = PC_CODE, .width = 1, .data = text, .valid = valid + 16, .dict = &dict[turned]};
    batch.column[N] = (pc_column){.type = PC_INT, .width = 4, .data = number};
    return batch;
}

static void keep_rows(const pc_batch *out, pc_join kind)
{
    for (int i = 0; i < out->row_count && got_count < MOST_PAIRS; i++) {
        int64_t *pair = got[got_count++];
        pair[0] = pc_column_int(&out->column[N], i);
        pair[1] = 0;
        if (kind == PC_JOIN_INNER || kind == PC_JOIN_LEFT) {
            const pc_column *n = &out->column[COLUMNS + N];
            pair[1] = pc_column_is_null(n, i) ? -1 : pc_column_int(n, i);
        } else if (kind == PC_JOIN_MARK) {
            const pc_column *c = &out->column[COLUMNS];
            pair[1] = pc_column_is_null(c, i) ? 2 : pc_column_int(c, i);
        }
        if (out->slot[i] != pair[0] / 5) pair[0] = -100; // its slot went astray
    }
}

static pc_status run_join(const pc_plan *node, pc_budget *budget)
{
    pc_arena arena = {.budget = budget}, scratch = {.budget = budget}, rows = {0};
    pc_op op = {0};
    got_count = 0;
    pc_status status = pc_op_open(node, &ONE, &arena, &op, NULL);
    for (int at = 0; status == PC_OK && at < right.count; at += 700) {
        const pc_batch batch = make_batch(&right, at, true, &rows);
        status = op.type->build(&op, &batch, NULL);
    }
    for (int at = 0; status == PC_OK && at < left.count; at += 700) {
        pc_batch batch = make_batch(&left, at, false, &rows);
        status = op.type->push(&op, &batch, &scratch, NULL);
        for (bool more = true; more && status == PC_OK;) {
            pc_batch out;
            status = op.type->more(&op, &out, &scratch, NULL);
            more = status == PC_OK && out.row_count > 0;
            if (more) keep_rows(&out, node->of.join.join);
        }
    }
    pc_op_close(&op);
    pc_arena_reset(&scratch);
    pc_arena_reset(&arena);
    pc_arena_reset(&rows);
    CU_ASSERT_EQUAL(budget->used_bytes, 0);
    return status;
}

// 1 equal, 0 not, 2 unknown.
static int compare(int i, int k, bool by_key, bool by_text, bool on)
{
    if ((by_key && (left.key_null[i] || right.key_null[k])) ||
        (by_text && (left.text_null[i] || right.text_null[k]))) {
        return 0;
    }
    if (by_key && left.key[i] != right.key[k]) return 0;
    if (by_text && left.text[i] != right.text[k]) return 0;
    return !on || i < k ? 1 : 0;
}

static void twin_join(pc_join kind, bool by_key, bool by_text, bool on, bool null_aware)
{
    wanted_count = 0;
    for (int i = 0; i < left.count; i++) {
        bool found = false, unknown = false;
        for (int k = 0; k < right.count; k++) {
            unknown = unknown || (null_aware && (left.key_null[i] || right.key_null[k]));
            if (compare(i, k, by_key, by_text, on) != 1) continue;
            found = true;
            if (kind == PC_JOIN_INNER || kind == PC_JOIN_LEFT) {
                memcpy(wanted[wanted_count++], (int64_t[]){i, k}, sizeof wanted[0]);
            }
        }
        const int64_t mark = found ? 1 : unknown ? 2 : 0;
        if (kind == PC_JOIN_LEFT && !found) {
            memcpy(wanted[wanted_count++], (int64_t[]){i, -1}, sizeof wanted[0]);
        } else if (kind == PC_JOIN_MARK) {
            memcpy(wanted[wanted_count++], (int64_t[]){i, mark}, sizeof wanted[0]);
        } else if ((kind == PC_JOIN_SEMI && found) || (kind == PC_JOIN_ANTI && !found)) {
            memcpy(wanted[wanted_count++], (int64_t[]){i, 0}, sizeof wanted[0]);
        }
    }
}

typedef struct join_case {
    pc_plan build, node;
    int key[2], build_key[2];
    pc_arena arena;
} join_case;

static void make_join(join_case *c, pc_join kind, bool by_key, bool by_text, bool on)
{
    memset(c, 0, sizeof *c);
    c->build = (pc_plan){.kind = PC_PLAN_VALUES, .schema = ONE};
    c->node = (pc_plan){.kind = PC_PLAN_JOIN, .schema = {2 * COLUMNS, FIELD}};
    if (kind == PC_JOIN_SEMI || kind == PC_JOIN_ANTI) c->node.schema = ONE;
    if (kind == PC_JOIN_MARK) c->node.schema = (pc_schema){COLUMNS + 1, MARKED};
    int count = 0;
    if (by_key) c->key[count] = c->build_key[count] = K, count++;
    if (by_text) c->key[count] = c->build_key[count] = T, count++;
    c->node.of.join.join = kind;
    c->node.of.join.build = &c->build;
    c->node.of.join.key_count = count;
    c->node.of.join.key = c->key;
    c->node.of.join.build_key = c->build_key;
    if (!on) return;
    const pc_expr *arg[2];
    CU_ASSERT_EQUAL(pc_expr_column(N, &FIELD[N], 0, &c->arena, &arg[0], NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_expr_column(COLUMNS + N, &FIELD[N], 0, &c->arena, &arg[1], NULL), PC_OK);
    const pc_call less = {.id = PC_FN_LESS, .type = PC_BOOL, .arg_count = 2, .arg = arg};
    CU_ASSERT_EQUAL(pc_expr_call(&less, &c->arena, &c->node.of.join.on, NULL), PC_OK);
}

static int differences(void)
{
    if (got_count != wanted_count) return 1;
    return memcmp(got, wanted, (size_t)got_count * sizeof got[0]) != 0;
}

static void test_joins(void)
{
    int wrong = 0;
    for (uint64_t seed = 1; seed <= 120; seed++) {
        uint64_t random = seed;
        const pc_join kind = (pc_join)(seed % 5);
        const bool by_key = pc_test_below(&random, 4) > 0, by_text = pc_test_below(&random, 2) == 0;
        const bool on = pc_test_below(&random, 2) == 0;
        const bool null_aware = kind == PC_JOIN_MARK && by_key && !by_text && !on;
        random_side(&random, pc_test_below(&random, 150), &left);
        random_side(&random, pc_test_below(&random, 150), &right);
        join_case c;
        make_join(&c, kind, by_key, by_text, on);
        c.node.of.join.null_aware = null_aware;
        twin_join(kind, by_key, by_text, on, null_aware);
        pc_budget budget = {0};
        CU_ASSERT_EQUAL(run_join(&c.node, &budget), PC_OK);
        if (differences() != 0) printf("  seed %llu\n", (unsigned long long)seed);
        wrong += differences();
        pc_arena_reset(&c.arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

// More pairs of a row, and more rows, than a batch holds.
static void test_large(void)
{
    uint64_t random = 7;
    random_side(&random, MOST_ROWS, &left);
    random_side(&random, MOST_ROWS, &right);
    join_case c;
    make_join(&c, PC_JOIN_LEFT, true, false, true);
    twin_join(PC_JOIN_LEFT, true, false, true, false);
    pc_budget budget = {0};
    CU_ASSERT_EQUAL(run_join(&c.node, &budget), PC_OK);
    CU_ASSERT_EQUAL(differences(), 0);
    pc_arena_reset(&c.arena);
    random_side(&random, 20, &left);
    make_join(&c, PC_JOIN_INNER, false, false, false);
    twin_join(PC_JOIN_INNER, false, false, false, false);
    CU_ASSERT_EQUAL(run_join(&c.node, &budget), PC_OK);
    CU_ASSERT_EQUAL(got_count, 20 * MOST_ROWS);
    CU_ASSERT_EQUAL(differences(), 0);
}

static void test_any_request_may_be_refused(void)
{
    uint64_t random = 3;
    random_side(&random, 900, &left);
    random_side(&random, 900, &right);
    join_case c;
    make_join(&c, PC_JOIN_MARK, true, true, true);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 512; status != PC_OK && limit < (size_t)8 << 20; limit += limit / 30 + 64) {
        pc_budget budget = {.limit_bytes = limit};
        status = run_join(&c.node, &budget);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        refused += status == PC_NO_MEMORY;
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 10);
    pc_arena_reset(&c.arena);
}

// Rows as often as their key says; and each row once a set, keys that are left out null.
static void test_repeat_and_expand(void)
{
    uint64_t random = 5;
    random_side(&random, 600, &left);
    pc_arena arena = {0}, rows = {0};
    const pc_plan repeat = {.kind = PC_PLAN_REPEAT, .schema = ONE, .of.repeat = {K}};
    const uint64_t kept[3] = {1, 0, 1};
    const pc_plan expand = {
        .kind = PC_PLAN_EXPAND, .schema = {COLUMNS + 1, MARKED}, .of.expand = {1, 3, kept}};
    pc_op op;
    pc_batch out, batch = make_batch(&left, 0, false, &rows);
    CU_ASSERT_EQUAL(pc_op_open(&repeat, &ONE, &arena, &op, NULL), PC_OK);
    CU_ASSERT_EQUAL(op.type->push(&op, &batch, &arena, NULL), PC_OK);
    int64_t times[MOST_ROWS] = {0};
    do {
        CU_ASSERT_EQUAL(op.type->more(&op, &out, &arena, NULL), PC_OK);
        for (int i = 0; i < out.row_count; i++) {
            times[pc_column_int(&out.column[N], i)]++;
        }
    } while (out.row_count > 0);
    int wrong = 0;
    for (int i = 0; i < left.count; i++) {
        wrong += times[i] != (left.key_null[i] || left.key[i] < 0 ? 0 : left.key[i]);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(pc_op_open(&expand, &ONE, &arena, &op, NULL), PC_OK);
    CU_ASSERT_EQUAL(op.type->push(&op, &batch, &arena, NULL), PC_OK);
    for (int set = 0; set < 3; set++) {
        CU_ASSERT_EQUAL(op.type->more(&op, &out, &arena, NULL), PC_OK);
        CU_ASSERT_EQUAL(out.row_count, left.count);
        for (int i = 0; i < out.row_count; i++) {
            wrong += pc_column_is_null(&out.column[K], i) != (set == 1 || left.key_null[i]);
            wrong += pc_column_int(&out.column[COLUMNS], i) != set;
        }
    }
    CU_ASSERT_EQUAL(op.type->more(&op, &out, &arena, NULL), PC_OK);
    CU_ASSERT_EQUAL(out.row_count, 0);
    CU_ASSERT_EQUAL(wrong, 0);
    pc_arena_reset(&arena);
    pc_arena_reset(&rows);
}

// Rows in a table, packed and unpacked, put in the order of slots.
static void test_tables(void)
{
    uint64_t random = 9;
    random_side(&random, 2000, &left);
    pc_budget budget = {0};
    pc_arena rows = {0}, arena = {.budget = &budget};
    pc_buffer packed = {.budget = &budget};
    pc_table *a = NULL;
    pc_table *b = NULL;
    CU_ASSERT_EQUAL(pc_table_new(&ONE, PC_TABLE_BORROWS, &budget, &a, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_table_new(&ONE, PC_TABLE_COPIES, &budget, &b, NULL), PC_OK);
    for (int at = 1400; at >= 0; at -= 700) { // slots descend, dictionaries change
        const pc_batch batch = make_batch(&left, at, at == 700, &rows);
        CU_ASSERT_EQUAL(pc_table_add(a, &batch, NULL), PC_OK);
    }
    CU_ASSERT_EQUAL(pc_table_sort_slots(a, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_table_pack(a, &packed, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_table_unpack(b, (pc_span){packed.data, packed.bytes}, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_table_unpack(b, (pc_span){packed.data, packed.bytes - 1}, NULL),
                    PC_BAD_INPUT);
    int wrong = 0;
    pc_column text, number;
    CU_ASSERT_EQUAL(pc_table_copy(b, T, &arena, &text, NULL), PC_OK);
    pc_table_view(b, N, &number);
    for (int i = 0; i < left.count; i++) {
        static const char *const spelt[] = {"a", "b", "cc"};
        const pc_span found = pc_column_span(&text, i);
        wrong += pc_column_int(&number, i) != i || pc_table_slots(b)[i] != i / 5;
        wrong += pc_column_is_null(&text, i) != left.text_null[i];
        if (!left.text_null[i]) wrong += !pc_span_equal(found, pc_span_of(spelt[left.text[i]]));
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_table_free(a);
    pc_table_free(b);
    pc_buffer_release(&packed);
    pc_arena_reset(&arena);
    pc_arena_reset(&rows);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("join", {"nested loops find the same", test_joins},
             {"more than a batch holds", test_large},
             {"any request may be refused", test_any_request_may_be_refused},
             {"repeat and grouping sets", test_repeat_and_expand}, {"tables of rows", test_tables});
