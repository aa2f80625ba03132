/** @file op_case.h
 *  Random rows for tests of operators: cells of every type, batches of them in random widths and
 *  dictionaries, and rows as text, so that a result can be compared with a slow twin's.
 */
#ifndef PC_TEST_OP_CASE_H
#define PC_TEST_OP_CASE_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/function.h"
#include "parcours/op.h"
#include "test_main.h"
#include "test_random.h"

enum {
    CASE_COLUMNS = 9,
    CASE_MOST_ROWS = 4096,
    CASE_TEXTS = 7,
    CASE_ROW_BYTES = 512,
    CASE_ID_SHORT = 4,
    CASE_ID_LONG = 12
};
enum { C_SMALL, C_CODE, C_WIDE, C_MONEY, C_FLOAT, C_SHORT_ID, C_LONG_ID, C_DATE, C_BOOL };

typedef struct cell {
    bool is_null;
    int64_t integer;
    double real;
    char text[16];
} cell;

typedef struct op_case {
    int row_count;
    cell row[CASE_MOST_ROWS][CASE_COLUMNS];
    int64_t slot[CASE_MOST_ROWS];
    int rank[CASE_MOST_ROWS]; // rows of a slot are of one rank
} op_case;

static const pc_field case_field[CASE_COLUMNS] = {
    {.name = "small", .type = PC_INT},
    {.name = "code", .type = PC_CODE},
    {.name = "wide", .type = PC_INT},
    {.name = "money", .type = PC_DECIMAL, .scale = 2},
    {.name = "real", .type = PC_FLOAT},
    {.name = "short_id", .type = PC_ID, .width = CASE_ID_SHORT},
    {.name = "long_id", .type = PC_ID, .width = CASE_ID_LONG},
    {.name = "day", .type = PC_DATE},
    {.name = "flag", .type = PC_BOOL}};
static const pc_schema case_schema = {.field_count = CASE_COLUMNS, .field = case_field};

// Not in order of bytes, and one is empty.
static const char *const case_text[CASE_TEXTS] = {"M", "F", "", "zz", "a,b", "Aa", "A"};

static inline void random_cell(uint64_t *random, int column, cell *out)
{
    memset(out, 0, sizeof *out);
    out->is_null = pc_test_below(random, 8) == 0;
    if (out->is_null) return;
    switch (column) {
        case C_SMALL:
            out->integer = pc_test_below(random, 6) - 2;
            break;
        case C_CODE:
            (void)snprintf(out->text, sizeof out->text, "%s",
                           case_text[pc_test_below(random, CASE_TEXTS)]);
            break;
        case C_WIDE:
            out->integer = pc_test_below(random, 3) == 0
                               ? (int64_t)(pc_test_random(random) >> 22) - ((int64_t)1 << 41)
                               : pc_test_below(random, 20000) - 10000;
            break;
        case C_MONEY:
            out->integer = pc_test_below(random, 100000) - 30000;
            break;
        case C_FLOAT: // sixteenths: their sums are exact, and a twin can make them
            out->real = (double)(pc_test_below(random, 2000) - 1000) / 16;
            if (pc_test_below(random, 20) == 0) out->real = -0.0;
            break;
        case C_SHORT_ID:
            (void)snprintf(out->text, sizeof out->text, "%c%d", 'A' + pc_test_below(random, 3),
                           pc_test_below(random, 100));
            break;
        case C_LONG_ID:
            (void)snprintf(out->text, sizeof out->text, "N%08d", pc_test_below(random, 40));
            break;
        case C_DATE:
            out->integer = 18000 + pc_test_below(random, 30000);
            break;
        default:
            out->integer = pc_test_below(random, 2);
    }
}

static inline void random_case(uint64_t *random, int row_count, int rank_count, op_case *out)
{
    memset(out, 0, sizeof *out);
    out->row_count = row_count;
    int64_t slot = pc_test_below(random, 3);
    int rank = 0;
    for (int row = 0; row < row_count; row++) {
        if (pc_test_below(random, 3) == 0) {
            slot += 1 + pc_test_below(random, 3);
            rank = pc_test_below(random, rank_count);
        }
        out->slot[row] = slot;
        out->rank[row] = rank;
        for (int column = 0; column < CASE_COLUMNS; column++) {
            random_cell(random, column, &out->row[row][column]);
        }
    }
}

static inline void put_integer(char *data, int row, int width, int64_t value)
{
    memcpy(data + (ptrdiff_t)row * width, &value, (size_t)width); // little-endian
}

// A width that holds every value of the column's rows, at random.
static inline int random_width(uint64_t *random, const op_case *c, const int *row, int count,
                               int column)
{
    int least = 1;
    for (int i = 0; i < count; i++) {
        const int64_t value = c->row[row[i]][column].integer;
        while (least < 8 && (value < -((int64_t)1 << (8 * least - 1)) ||
                             value >= (int64_t)1 << (8 * least - 1))) {
            least *= 2;
        }
    }
    int width = least;
    while (width < 8 && pc_test_below(random, 2) == 0) {
        width *= 2;
    }
    return width;
}

static inline uint32_t dict_index(const pc_dict *dict, const char *text)
{
    for (uint32_t i = 0; i < dict->count; i++) {
        if (pc_span_equal(pc_dict_text(dict, i), pc_span_of(text))) return i;
    }
    abort();
}

// Fills a column with the cells of some rows.
static inline void fill_column(uint64_t *random, const op_case *c, const int *row, int count,
                               int column, const pc_dict *dict, pc_arena *arena, pc_column *out)
{
    const pc_type type = case_field[column].type;
    *out = (pc_column){.type = type, .scale = case_field[column].scale};
    int width = random_width(random, c, row, count, column);
    if (type == PC_FLOAT) width = 8;
    if (type == PC_BOOL) width = 1;
    if (type == PC_CODE) width = 1 << pc_test_below(random, 3);
    if (type == PC_ID) width = case_field[column].width;
    out->width = (uint8_t)width;
    out->dict = type == PC_CODE ? dict : NULL;
    char *data = pc_arena_array(arena, (size_t)count + 1, (size_t)width, NULL);
    uint64_t *valid = pc_arena_array(arena, (size_t)count / 64 + 1, sizeof *valid, NULL);
    bool has_null = false;
    for (int i = 0; i < count; i++) {
        const cell *from = &c->row[row[i]][column];
        has_null = has_null || from->is_null;
        if (from->is_null) continue;
        valid[i >> 6] |= UINT64_C(1) << (i & 63);
        if (type == PC_FLOAT) {
            memcpy(data + (ptrdiff_t)i * 8, &from->real, 8);
        } else if (type == PC_ID) {
            memcpy(data + (ptrdiff_t)i * width, from->text, strlen(from->text));
        } else if (type == PC_CODE) {
            put_integer(data, i, width, dict_index(dict, from->text));
        } else {
            put_integer(data, i, width, from->integer);
        }
    }
    out->data = data;
    out->valid = has_null ? valid : NULL;
}

// A dictionary of all texts, rotated: each rank has another.
static inline const pc_dict *case_dict(int rotate, pc_arena *arena)
{
    pc_dict *dict = pc_arena_take(arena, sizeof *dict, NULL);
    uint64_t *offset = pc_arena_array(arena, CASE_TEXTS + 1, sizeof *offset, NULL);
    char *bytes = pc_arena_take(arena, 64, NULL);
    for (int i = 0; i < CASE_TEXTS; i++) {
        const char *text = case_text[(i + rotate) % CASE_TEXTS];
        memcpy(bytes + offset[i], text, strlen(text));
        offset[i + 1] = offset[i] + strlen(text);
    }
    *dict = (pc_dict){.count = CASE_TEXTS, .offset = offset, .bytes = bytes};
    return dict;
}

// Pushes the rows of a rank (-1: all) through an operator in batches of random size.
static inline pc_status push_case(uint64_t *random, const op_case *c, int rank, pc_op *op,
                                  const pc_dict *dict, pc_error *err)
{
    pc_arena arena = {0}; // not on the budget: it is the operator that is refused memory
    pc_status status = PC_OK;
    for (int at = 0; at < c->row_count && status == PC_OK;) {
        int row[PC_BATCH_ROWS];
        int count = 0;
        const int wanted = 1 + pc_test_below(random, PC_BATCH_ROWS);
        for (; at < c->row_count && count < wanted; at++) {
            if (rank < 0 || c->rank[at] == rank) row[count++] = at;
        }
        pc_column column[CASE_COLUMNS];
        int64_t slot[PC_BATCH_ROWS];
        for (int i = 0; i < CASE_COLUMNS; i++) {
            fill_column(random, c, row, count, i, dict, &arena, &column[i]);
        }
        for (int i = 0; i < count; i++) {
            slot[i] = c->slot[row[i]];
        }
        pc_batch batch = {
            .column_count = CASE_COLUMNS, .row_count = count, .column = column, .slot = slot};
        if (pc_batch_check(&batch, &case_schema, err) != PC_OK) abort();
        if (count > 0) status = op->type->push(op, &batch, &arena, err);
        pc_arena_reset(&arena);
    }
    return status;
}

// Rows as text, one a line.
typedef struct lines {
    int count;
    char line[CASE_MOST_ROWS][CASE_ROW_BYTES];
} lines;

static inline void add_text(char *line, const char *text)
{
    const size_t used = strlen(line);
    (void)snprintf(line + used, CASE_ROW_BYTES - used, "%s|", text);
}

static inline void add_value(char *line, const pc_column *c, int row)
{
    char text[64] = "null";
    if (!pc_column_is_null(c, row)) {
        if (c->type == PC_FLOAT) {
            (void)snprintf(text, sizeof text, "%.17g", ((const double *)c->data)[row] + 0.0);
        } else if (c->type == PC_CODE || c->type == PC_TEXT || c->type == PC_ID) {
            const pc_span span = pc_column_span(c, row);
            (void)snprintf(text, sizeof text, "'%.*s'", (int)span.bytes, span.data);
        } else {
            (void)snprintf(text, sizeof text, "%lld", (long long)pc_column_int(c, row));
        }
    }
    add_text(line, text);
}

static inline void add_cell(char *line, const cell *c, pc_type type)
{
    char text[64] = "null";
    if (!c->is_null) {
        if (type == PC_FLOAT) {
            (void)snprintf(text, sizeof text, "%.17g", c->real + 0.0);
        } else if (type == PC_CODE || type == PC_ID) {
            (void)snprintf(text, sizeof text, "'%s'", c->text);
        } else {
            (void)snprintf(text, sizeof text, "%lld", (long long)c->integer);
        }
    }
    add_text(line, text);
}

// Empties an operator into lines, in its order.
static inline pc_status finish_lines(pc_op *op, lines *out, pc_error *err)
{
    out->count = 0;
    pc_arena arena = {0};
    for (;;) {
        pc_batch batch;
        pc_status status = op->type->finish(op, &batch, &arena, err);
        if (status == PC_OK) status = pc_batch_check(&batch, &op->out, err);
        if (status != PC_OK || batch.row_count == 0) {
            pc_arena_reset(&arena);
            return status;
        }
        for (int row = 0; row < batch.row_count; row++) {
            char *line = out->line[out->count++];
            line[0] = '\0';
            for (int i = 0; i < batch.column_count; i++) {
                add_value(line, &batch.column[i], row);
            }
        }
        pc_arena_reset(&arena);
    }
}

static inline int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static inline void sort_lines(lines *l)
{
    qsort(l->line, (size_t)l->count, CASE_ROW_BYTES, compare_lines);
}

// How many lines differ; the first that does is printed.
static inline int differing_lines(const lines *a, const lines *b)
{
    int wrong = abs(a->count - b->count);
    for (int i = 0; i < a->count && i < b->count; i++) {
        if (strcmp(a->line[i], b->line[i]) == 0) continue;
        if (wrong++ == 0) printf("\n  line %d: %s\n  twin:   %s\n", i, a->line[i], b->line[i]);
    }
    return wrong;
}

// Opens one operator a rank, pushes each rank's rows, and brings the states to the first one
// through bytes. The operators' arenas are reset by close_ranks.
typedef struct rank_ops {
    int count;
    pc_arena arena[4];
    pc_op op[4];
    pc_arena dicts;
} rank_ops;

static inline pc_status run_ranks(uint64_t *random, const op_case *c, const pc_plan *node,
                                  int rank_count, pc_budget *budget, rank_ops *r, pc_error *err)
{
    *r = (rank_ops){.count = rank_count};
    pc_status status = PC_OK;
    for (int i = 0; i < rank_count && status == PC_OK; i++) {
        r->arena[i].budget = budget;
        status = pc_op_open(node, &case_schema, &r->arena[i], &r->op[i], err);
        if (status != PC_OK) break;
        const pc_dict *dict = case_dict(i, &r->dicts);
        status = push_case(random, c, rank_count == 1 ? -1 : i, &r->op[i], dict, err);
    }
    for (int i = rank_count - 1; i > 0 && status == PC_OK; i--) {
        pc_buffer state = {.budget = budget};
        status = r->op[i].type->pack(&r->op[i], &state, err);
        const pc_span bytes = {state.data, state.bytes};
        if (status == PC_OK) status = r->op[i - 1].type->merge(&r->op[i - 1], bytes, err);
        pc_buffer_release(&state);
    }
    return status;
}

static inline void close_ranks(rank_ops *r)
{
    for (int i = 0; i < r->count; i++) {
        pc_op_close(&r->op[i]);
        pc_arena_reset(&r->arena[i]);
    }
    pc_arena_reset(&r->dicts);
}

/** A state from another rank that was cut short is refused; one that was changed too, or it is
 *  another state. Random rows, put into `c`, make it; `got` takes results that nobody looks at. */
static inline void hostile_states(op_case *c, const pc_plan *node, lines *got)
{
    uint64_t random = 9;
    random_case(&random, 60, 1, c);
    pc_budget budget = {.limit_bytes = (size_t)64 << 20};
    rank_ops ranks;
    CU_ASSERT_EQUAL(run_ranks(&random, c, node, 1, &budget, &ranks, NULL), PC_OK);
    pc_buffer state = {.budget = &budget};
    CU_ASSERT_EQUAL(ranks.op[0].type->pack(&ranks.op[0], &state, NULL), PC_OK);
    int accepted_cuts = 0;
    for (int i = 0; i < 400; i++) {
        const size_t cut = (size_t)pc_test_random(&random) % state.bytes;
        pc_arena arena = {.budget = &budget};
        pc_op op;
        CU_ASSERT_EQUAL(pc_op_open(node, &case_schema, &arena, &op, NULL), PC_OK);
        if (i % 2 == 0) {
            accepted_cuts += op.type->merge(&op, (pc_span){state.data, cut}, NULL) == PC_OK;
        } else {
            const char kept = state.data[cut];
            state.data[cut] = (char)(kept ^ (1 << pc_test_below(&random, 8)));
            if (op.type->merge(&op, (pc_span){state.data, state.bytes}, NULL) == PC_OK) {
                (void)finish_lines(&op, got, NULL);
            }
            state.data[cut] = kept;
        }
        pc_op_close(&op);
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(accepted_cuts, 0);
    pc_buffer_release(&state);
    close_ranks(&ranks);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

#endif
