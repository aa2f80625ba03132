/** Random expressions over random batches, against a twin that goes row by row. */
#include <stdio.h>
#include <string.h>
#include "parcours/function.h"
#include "test_main.h"
#include "test_random.h"

enum { INT8, INT32, INT64, DATE, FLAG, SORTED, UNSORTED, ID, COLUMNS, ROWS = 700, DEPTH = 4 };

static const pc_field fields[COLUMNS] = {{"small", PC_INT, 0, 0}, {"mid", PC_INT, 0, 0},
                                         {"big", PC_INT, 0, 0},   {"day", PC_DATE, 0, 0},
                                         {"flag", PC_BOOL, 0, 0}, {"sorted", PC_CODE, 0, 0},
                                         {"free", PC_TEXT, 0, 0}, {"id", PC_ID, 0, 4}};

/** A value of the twin. */
typedef struct plain {
    bool is_null, failed;
    int64_t number;
    pc_span text;
} plain;

typedef struct fixture {
    pc_budget budget;
    pc_arena arena;
    uint64_t seed;
    pc_dict dict[2];
    pc_batch batch;
    pc_expr_state *state;
} fixture;

static const char *const words[] = {"", "A", "A1", "A10", "A10B", "B", "B2", "\xc3\xa9t\xc3\xa9"};
enum { WORDS = 8 };

static void *take(fixture *f, size_t count, size_t bytes)
{
    void *memory = pc_arena_array(&f->arena, count + 8, bytes, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
    return memory;
}

static void fill_dict(fixture *f, pc_dict *dict, bool sorted)
{
    uint64_t *offset = take(f, WORDS + 1, sizeof *offset);
    char *bytes = take(f, 64, 1);
    const int turn = sorted ? 0 : 3;
    for (int i = 0; i < WORDS; i++) {
        const char *word = words[(i + turn) % WORDS];
        memcpy(bytes + offset[i], word, strlen(word));
        offset[i + 1] = offset[i] + strlen(word);
    }
    *dict = (pc_dict){.count = WORDS, .sorted = sorted, .offset = offset, .bytes = bytes};
}

static uint8_t width_of(int column)
{
    static const uint8_t width[COLUMNS] = {1, 4, 8, 4, 1, 1, 2, 4};
    return width[column];
}

static void fill_column(fixture *f, int column)
{
    pc_column *c = &f->batch.column[column];
    const uint8_t width = width_of(column);
    char *data = take(f, ROWS, width);
    uint64_t *valid = take(f, ROWS / 64 + 1, sizeof *valid);
    for (int i = 0; i < ROWS; i++) {
        int64_t value = pc_test_below(&f->seed, 9) - 3;
        if (column == DATE) value = 18000 + pc_test_below(&f->seed, 900);
        if (column == FLAG) value = pc_test_below(&f->seed, 2);
        if (column == SORTED || column == UNSORTED) value = pc_test_below(&f->seed, WORDS);
        if (column == INT64 && pc_test_below(&f->seed, 50) == 0) value = INT64_MAX - 1;
        if (column == ID) {
            const char *word = words[pc_test_below(&f->seed, 5)];
            memcpy(data + 4 * i, word, strlen(word));
        } else {
            memcpy(data + i * width, &value, width); // little-endian, as every machine we run on
        }
        if (pc_test_below(&f->seed, 6) > 0) valid[i / 64] |= 1ULL << (i % 64);
    }
    *c = (pc_column){fields[column].type,
                     0,
                     width,
                     data,
                     pc_test_below(&f->seed, 4) == 0 ? NULL : valid,
                     column == SORTED     ? &f->dict[0]
                     : column == UNSORTED ? &f->dict[1]
                                          : NULL};
}

static void set_up(fixture *f, uint64_t seed)
{
    *f = (fixture){.seed = seed};
    f->arena.budget = &f->budget;
    fill_dict(f, &f->dict[0], true);
    fill_dict(f, &f->dict[1], false);
    f->batch = (pc_batch){
        .column_count = COLUMNS, .row_count = ROWS, .column = take(f, COLUMNS, sizeof(pc_column))};
    for (int c = 0; c < COLUMNS; c++) {
        fill_column(f, c);
    }
    CU_ASSERT_EQUAL_FATAL(pc_expr_state_new(&f->arena, &f->budget, &f->state, NULL), PC_OK);
}

static void tear_down(fixture *f)
{
    pc_expr_state_free(f->state);
    pc_arena_reset(&f->arena);
    CU_ASSERT_EQUAL(f->budget.used_bytes, 0);
}

static const pc_expr *column(fixture *f, int at)
{
    const pc_expr *x;
    CU_ASSERT_EQUAL_FATAL(pc_expr_column(at, &fields[at], 1, &f->arena, &x, NULL), PC_OK);
    return x;
}

static const pc_expr *constant(fixture *f, pc_type type)
{
    pc_value value = {.type = type, .is_null = pc_test_below(&f->seed, 8) == 0};
    value.integer = pc_test_below(&f->seed, 9) - 3;
    if (type == PC_DATE) value.integer = 18000 + pc_test_below(&f->seed, 900);
    if (type == PC_BOOL) value.integer = pc_test_below(&f->seed, 2);
    value.text = pc_span_of(words[pc_test_below(&f->seed, WORDS)]);
    const pc_expr *x;
    CU_ASSERT_EQUAL_FATAL(pc_expr_constant(&value, 1, &f->arena, &x, NULL), PC_OK);
    return x;
}

static const pc_expr *make(fixture *f, pc_function_id id, pc_type type, const pc_expr **arg,
                           int count, const void *extra)
{
    const pc_call call = {
        .id = id, .type = type, .position = 1, .arg = arg, .arg_count = count, .extra = extra};
    const pc_expr *x;
    CU_ASSERT_EQUAL_FATAL(pc_expr_call(&call, &f->arena, &x, NULL), PC_OK);
    return x;
}

static const pc_expr *random_expr(fixture *f, pc_type type, int depth);

static const pc_expr *random_list(fixture *f, int depth)
{
    const bool text = pc_test_below(&f->seed, 2) == 0;
    pc_in_list *list = take(f, 1, sizeof *list);
    *list = (pc_in_list){.count = 3,
                         .has_null = pc_test_below(&f->seed, 4) == 0,
                         .negate = pc_test_below(&f->seed, 2) == 0};
    if (text) {
        pc_span *it = take(f, 3, sizeof *it);
        it[0] = pc_span_of(words[1]);
        it[1] = pc_span_of(words[3]);
        it[2] = pc_span_of("X");
        list->text = it;
    } else {
        int64_t *it = take(f, 3, sizeof *it);
        it[0] = -1;
        it[1] = 2;
        it[2] = pc_test_below(&f->seed, 2) == 0 ? 3 : 1000000;
        list->integer = it;
    }
    const pc_expr *arg = random_expr(f, text ? PC_CODE : PC_INT, depth - 1);
    return make(f, PC_FN_IN, PC_BOOL, &arg, 1, list);
}

static const pc_expr *random_like(fixture *f, int depth)
{
    static const char *const pattern[] = {"A%", "A1_", "%1%", "", "A10", "_", "%\xc3\xa9", "B%2"};
    const pc_like *like;
    CU_ASSERT_EQUAL(pc_like_make(pc_span_of(pattern[pc_test_below(&f->seed, 8)]), '\\',
                                 pc_test_below(&f->seed, 4) == 0, pc_test_below(&f->seed, 2) == 0,
                                 &f->arena, &like, NULL),
                    PC_OK);
    const pc_expr *arg = random_expr(f, PC_CODE, depth - 1);
    return make(f, PC_FN_LIKE, PC_BOOL, &arg, 1, like);
}

static const pc_expr *random_bool(fixture *f, int depth)
{
    const pc_expr *arg[3];
    const int kind = pc_test_below(&f->seed, 8);
    if (kind == 0) return random_list(f, depth);
    if (kind == 1) return random_like(f, depth);
    if (kind < 4) {
        const pc_function_id id = kind == 2 ? PC_FN_AND : PC_FN_OR;
        for (int i = 0; i < 3; i++) {
            arg[i] = random_expr(f, PC_BOOL, depth - 1);
        }
        return make(f, id, PC_BOOL, arg, 2 + pc_test_below(&f->seed, 2), NULL);
    }
    if (kind == 4) {
        arg[0] = random_expr(f, PC_BOOL, depth - 1);
        const pc_function_id id = (pc_function_id)(PC_FN_NOT + pc_test_below(&f->seed, 7));
        return make(f, id, PC_BOOL, arg, 1, NULL);
    }
    static const pc_type types[] = {PC_INT, PC_DATE, PC_CODE, PC_BOOL};
    const pc_type type = types[pc_test_below(&f->seed, 4)];
    arg[0] = random_expr(f, type, depth - 1);
    arg[1] = random_expr(f, type, depth - 1);
    const pc_function_id id = (pc_function_id)(PC_FN_EQUAL + pc_test_below(&f->seed, 8));
    return make(f, id, PC_BOOL, arg, 2, NULL);
}

static const pc_expr *random_choice(fixture *f, pc_type type, int depth)
{
    static const pc_function_id ids[] = {PC_FN_CASE, PC_FN_COALESCE, PC_FN_GREATEST, PC_FN_LEAST};
    const pc_function_id id = ids[pc_test_below(&f->seed, 4)];
    const pc_expr *arg[5];
    for (int i = 0; i < 5; i++) {
        const bool is_condition = id == PC_FN_CASE && i % 2 == 0 && i < 4;
        arg[i] = random_expr(f, is_condition ? PC_BOOL : type, depth - 1);
    }
    return make(f, id, type, arg, id == PC_FN_CASE ? 5 : 3, NULL);
}

static const pc_expr *random_expr(fixture *f, pc_type type, int depth)
{
    const int kind = pc_test_below(&f->seed, 10);
    const pc_expr *arg[2];
    if (depth <= 0 || kind < 2) {
        if (kind % 3 == 0) return constant(f, type);
        if (type == PC_INT) return column(f, INT8 + pc_test_below(&f->seed, 3));
        if (type == PC_DATE) return column(f, DATE);
        if (type == PC_BOOL) return column(f, FLAG);
        return column(f, SORTED + pc_test_below(&f->seed, 3));
    }
    if (kind < 4) return random_choice(f, type, depth);
    if (type == PC_BOOL) return random_bool(f, depth);
    if (type == PC_INT && kind < 6) {
        arg[0] = random_expr(f, PC_CODE, depth - 1);
        return make(f, PC_FN_LENGTH, PC_INT, arg, 1, NULL);
    }
    arg[1] = random_expr(f, PC_INT, depth - 1);
    if (type == PC_INT) {
        static const pc_function_id ids[] = {PC_FN_ADD, PC_FN_SUBTRACT, PC_FN_MULTIPLY,
                                             PC_FN_DIVIDE, PC_FN_MODULO};
        arg[0] = random_expr(f, PC_INT, depth - 1);
        return make(f, ids[pc_test_below(&f->seed, 5)], PC_INT, arg, 2, NULL);
    }
    if (type == PC_DATE) {
        arg[0] = random_expr(f, PC_DATE, depth - 1);
        return make(f, PC_FN_ADD, PC_DATE, arg, 2, NULL);
    }
    arg[0] = random_expr(f, PC_CODE, depth - 1);
    return make(f, kind < 7 ? PC_FN_LEFT : PC_FN_RIGHT, PC_CODE, arg, 2, NULL);
}

static plain twin(fixture *f, const pc_expr *x, int row);

static plain null_value(void)
{
    return (plain){.is_null = true, .text = {"", 0}};
}

static int order_of(pc_type type, const plain *a, const plain *b)
{
    if (pc_type_is_text(type)) return pc_span_compare(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

static plain twin_logic(fixture *f, const pc_expr *x, int row, bool is_and)
{
    bool has_null = false;
    for (int i = 0; i < x->arg_count; i++) {
        const plain v = twin(f, x->arg[i], row);
        if (v.failed) return v;
        if (v.is_null) has_null = true;
        if (!v.is_null && (v.number != 0) != is_and) return (plain){.number = !is_and};
    }
    return has_null ? null_value() : (plain){.number = is_and};
}

static plain twin_case(fixture *f, const pc_expr *x, int row)
{
    for (int i = 0; i + 1 < x->arg_count; i += 2) {
        const plain v = twin(f, x->arg[i], row);
        if (v.failed) return v;
        if (!v.is_null && v.number != 0) return twin(f, x->arg[i + 1], row);
    }
    return twin(f, x->arg[x->arg_count - 1], row);
}

static plain twin_choice(fixture *f, const pc_expr *x, int row, pc_function_id id)
{
    plain best = null_value();
    for (int i = 0; i < x->arg_count; i++) {
        const plain v = twin(f, x->arg[i], row);
        if (v.failed) return v;
        if (v.is_null) continue;
        if (id == PC_FN_COALESCE) return v;
        const int order = best.is_null ? 0 : order_of(x->type, &v, &best);
        if (best.is_null || (id == PC_FN_GREATEST ? order > 0 : order < 0)) best = v;
    }
    return best;
}

// LIKE by recursion over the pattern, character by character.
static bool matches(const char *pattern, size_t left, pc_span text, bool fold)
{
    if (left == 0) return text.bytes == 0;
    if (*pattern == '%') {
        for (size_t skip = 0; skip <= text.bytes; skip++) {
            const pc_span rest = {text.data + skip, text.bytes - skip};
            if (matches(pattern + 1, left - 1, rest, fold)) return true;
        }
        return false;
    }
    if (text.bytes == 0) return false;
    size_t bytes = 1;
    if (*pattern == '_') bytes = pc_utf8_character(text);
    const char c = *text.data;
    const bool folded = fold && c >= 'A' && c <= 'Z' && *pattern == c + 32;
    const bool folded_back = fold && c >= 'a' && c <= 'z' && *pattern == c - 32;
    if (*pattern != '_' && *pattern != c && !folded && !folded_back) return false;
    return matches(pattern + 1, left - 1, (pc_span){text.data + bytes, text.bytes - bytes}, fold);
}

static plain twin_list(const pc_expr *x, const plain *v)
{
    const pc_in_list *list = x->extra;
    bool found = false;
    for (int64_t i = 0; i < list->count; i++) {
        if (list->text != NULL && pc_span_equal(list->text[i], v->text)) found = true;
        if (list->integer != NULL && list->integer[i] == v->number) found = true;
    }
    if (!found && list->has_null) return null_value();
    return (plain){.number = found != list->negate};
}

static int64_t length_of(pc_span text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return count;
}

// Cuts to `count` characters from the left or the right.
static plain cut(pc_span text, int64_t count, bool left)
{
    const int64_t length = length_of(text);
    if (count < 0) count = length + count;
    if (count < 0) count = 0;
    while (length_of(text) > count) {
        if (left) {
            text.bytes--;
            while (text.bytes > 0 && ((unsigned char)text.data[text.bytes] & 0xc0) == 0x80) {
                text.bytes--;
            }
        } else {
            const size_t bytes = pc_utf8_character(text);
            text = (pc_span){text.data + bytes, text.bytes - bytes};
        }
    }
    return (plain){.text = text};
}

static plain twin_strict(const pc_expr *x, const plain *v)
{
    const pc_function_id id = pc_function_which(x->function);
    plain r = {.text = {"", 0}};
    const int order = x->arg_count == 2 ? order_of(x->arg[0]->type, &v[0], &v[1]) : 0;
    switch (id) {
        case PC_FN_EQUAL:
            r.number = order == 0;
            break;
        case PC_FN_NOT_EQUAL:
            r.number = order != 0;
            break;
        case PC_FN_LESS:
            r.number = order < 0;
            break;
        case PC_FN_LESS_EQUAL:
            r.number = order <= 0;
            break;
        case PC_FN_GREATER:
            r.number = order > 0;
            break;
        case PC_FN_GREATER_EQUAL:
            r.number = order >= 0;
            break;
        case PC_FN_NOT:
            r.number = v[0].number == 0;
            break;
        case PC_FN_ADD:
            r.failed = __builtin_add_overflow(v[0].number, v[1].number, &r.number);
            break;
        case PC_FN_SUBTRACT:
            r.failed = __builtin_sub_overflow(v[0].number, v[1].number, &r.number);
            break;
        case PC_FN_MULTIPLY:
            r.failed = __builtin_mul_overflow(v[0].number, v[1].number, &r.number);
            break;
        case PC_FN_DIVIDE:
            r.failed = v[1].number == 0;
            if (!r.failed) r.number = v[0].number / v[1].number;
            break;
        case PC_FN_MODULO:
            r.failed = v[1].number == 0;
            if (!r.failed) r.number = v[0].number % v[1].number;
            break;
        case PC_FN_LENGTH:
            r.number = length_of(v[0].text);
            break;
        case PC_FN_LIKE: {
            const pc_like *like = x->extra;
            r.number = matches(like->pattern.data, like->pattern.bytes, v[0].text,
                               like->ignore_case) != like->negate;
            break;
        }
        case PC_FN_IN:
            return twin_list(x, &v[0]);
        case PC_FN_LEFT:
            return cut(v[0].text, v[1].number, true);
        case PC_FN_RIGHT:
            return cut(v[0].text, v[1].number, false);
        default:
            CU_FAIL("a function that the twin does not know");
    }
    if (x->type == PC_DATE && (r.number < -719162 || r.number > 2932896)) r.failed = true;
    return r;
}

static plain twin_call(fixture *f, const pc_expr *x, int row)
{
    const pc_function_id id = pc_function_which(x->function);
    if (id == PC_FN_AND || id == PC_FN_OR) return twin_logic(f, x, row, id == PC_FN_AND);
    if (id == PC_FN_CASE) return twin_case(f, x, row);
    if (id == PC_FN_COALESCE || id == PC_FN_GREATEST || id == PC_FN_LEAST) {
        return twin_choice(f, x, row, id);
    }
    plain v[2] = {null_value(), null_value()};
    bool has_null = false;
    for (int i = 0; i < x->arg_count; i++) {
        v[i] = twin(f, x->arg[i], row);
        if (v[i].failed) return v[i];
        has_null = has_null || v[i].is_null;
    }
    const bool is_true = !v[0].is_null && v[0].number != 0;
    const bool is_false = !v[0].is_null && v[0].number == 0;
    switch (id) {
        case PC_FN_IS_NULL:
            return (plain){.number = v[0].is_null};
        case PC_FN_IS_NOT_NULL:
            return (plain){.number = !v[0].is_null};
        case PC_FN_IS_TRUE:
            return (plain){.number = is_true};
        case PC_FN_IS_FALSE:
            return (plain){.number = is_false};
        case PC_FN_IS_NOT_TRUE:
            return (plain){.number = !is_true};
        case PC_FN_IS_NOT_FALSE:
            return (plain){.number = !is_false};
        case PC_FN_DISTINCT:
        case PC_FN_NOT_DISTINCT: {
            const bool same = v[0].is_null || v[1].is_null
                                  ? v[0].is_null && v[1].is_null
                                  : order_of(x->arg[0]->type, &v[0], &v[1]) == 0;
            return (plain){.number = same == (id == PC_FN_NOT_DISTINCT)};
        }
        default:
            return has_null ? null_value() : twin_strict(x, v);
    }
}

static plain twin(fixture *f, const pc_expr *x, int row)
{
    if (x->kind == PC_EXPR_CALL) return twin_call(f, x, row);
    if (x->kind == PC_EXPR_CONSTANT) {
        return (plain){.is_null = x->constant.is_null,
                       .number = x->constant.integer,
                       .text = x->constant.text};
    }
    const pc_column *c = &f->batch.column[x->column];
    if (pc_column_is_null(c, row)) return null_value();
    if (pc_type_is_text(c->type)) return (plain){.text = pc_column_span(c, row)};
    return (plain){.number = pc_column_int(c, row)};
}

static bool same_value(const pc_expr *x, const pc_column *c, int row, const plain *expected)
{
    if (pc_column_is_null(c, row) != expected->is_null) return false;
    if (expected->is_null) return true;
    if (pc_type_is_text(x->type)) return pc_span_equal(pc_column_span(c, row), expected->text);
    return pc_column_int(c, row) == expected->number;
}

static void report(const fixture *f, const pc_expr *x, uint64_t seed, int row)
{
    pc_schema schema = {COLUMNS, fields};
    pc_buffer text = {.budget = NULL};
    (void)f;
    if (pc_expr_print(x, &schema, &text, NULL) == PC_OK) {
        (void)fprintf(stderr, "\n  seed %llu row %d: %s\n", (unsigned long long)seed, row,
                      text.data);
    }
    pc_buffer_release(&text);
}

// Values, the filter, and the ranges for zone maps.
static void check_expr(fixture *f, const pc_expr *x, uint64_t seed)
{
    pc_arena scratch = {.budget = &f->budget};
    pc_column out;
    plain *expected = take(f, ROWS, sizeof *expected);
    bool fails = false;
    for (int row = 0; row < ROWS; row++) {
        expected[row] = twin(f, x, row);
        fails = fails || expected[row].failed;
    }
    const pc_status status = pc_expr_eval(x, &f->batch, f->state, &scratch, &out, NULL);
    CU_ASSERT_EQUAL(status, fails ? PC_BAD_INPUT : PC_OK);
    if (status != (fails ? PC_BAD_INPUT : PC_OK)) report(f, x, seed, -1);
    for (int row = 0; status == PC_OK && row < ROWS; row++) {
        if (same_value(x, &out, row, &expected[row])) continue;
        report(f, x, seed, row);
        CU_FAIL("a value differs from the twin's");
        break;
    }
    if (status == PC_OK && x->type == PC_BOOL) {
        int row[ROWS];
        int count;
        CU_ASSERT_EQUAL(pc_expr_filter(x, &f->batch, f->state, &scratch, row, &count, NULL), PC_OK);
        int at = 0;
        for (int i = 0; i < ROWS; i++) {
            const bool is_true = !expected[i].is_null && expected[i].number != 0;
            if (is_true) CU_ASSERT(at < count && row[at] == i);
            at += is_true;
            for (int c = 0; is_true && c < ID; c++) {
                int64_t low;
                int64_t high;
                if (!pc_expr_range(x, &f->batch, c, &low, &high)) continue;
                const pc_column *it = &f->batch.column[c];
                CU_ASSERT(!pc_column_is_null(it, i));
                CU_ASSERT(pc_column_int(it, i) >= low && pc_column_int(it, i) <= high);
            }
        }
        CU_ASSERT_EQUAL(at, count);
    }
    pc_arena_reset(&scratch);
}

static void test_random_expressions(void)
{
    static const pc_type types[] = {PC_BOOL, PC_INT, PC_CODE, PC_DATE, PC_BOOL};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        fixture f;
        set_up(&f, seed * 7919);
        const pc_expr *x = random_expr(&f, types[seed % 5], DEPTH);
        check_expr(&f, x, seed);
        check_expr(&f, x, seed); // from what the state has learnt
        tear_down(&f);
    }
}

// Another short dictionary at the same address is seen as another.
static void test_dictionary_changes(void)
{
    fixture f;
    set_up(&f, 5);
    const pc_expr *arg[2] = {column(&f, UNSORTED), NULL};
    const pc_value one = {.type = PC_INT, .integer = 1};
    CU_ASSERT_EQUAL(pc_expr_constant(&one, 1, &f.arena, &arg[1], NULL), PC_OK);
    const pc_expr *x = make(&f, PC_FN_LEFT, PC_CODE, arg, 2, NULL);
    check_expr(&f, x, 5);
    char *bytes = (char *)f.dict[1].bytes;
    for (uint64_t i = 0; i < f.dict[1].offset[WORDS]; i++) {
        if (bytes[i] == 'A') bytes[i] = 'Z';
    }
    check_expr(&f, x, 5);
    tear_down(&f);
}

// Many rows of few codes, so that all codes are evaluated at once when another one comes.
static void test_rare_codes(void)
{
    fixture f;
    set_up(&f, 11);
    pc_column *c = &f.batch.column[SORTED];
    uint8_t *code = take(&f, ROWS, 1);
    *c = (pc_column){.type = PC_CODE, .width = 1, .data = code, .dict = &f.dict[0]};
    const pc_like *like;
    CU_ASSERT_EQUAL_FATAL(
        pc_like_make(pc_span_of("%1%"), '\\', false, false, &f.arena, &like, NULL), PC_OK);
    const pc_expr *arg = column(&f, SORTED);
    const pc_expr *x = make(&f, PC_FN_LIKE, PC_BOOL, &arg, 1, like);
    uint64_t *valid = take(&f, ROWS / 64 + 1, sizeof *valid);
    for (int round = 0; round < 4; round++) {
        int row[ROWS], count = 0, expected = 0;
        pc_arena scratch = {.budget = &f.budget};
        for (int i = 0; i < ROWS; i++) {
            code[i] = (uint8_t)(round < 2 ? 2 : pc_test_below(&f.seed, WORDS));
            if (round == 3 && i % 5 > 0) valid[i / 64] |= 1ULL << (i % 64);
        }
        c->valid = round == 3 ? valid : NULL;
        CU_ASSERT_EQUAL(pc_expr_filter(x, &f.batch, f.state, &scratch, row, &count, NULL), PC_OK);
        for (int i = 0; i < ROWS; i++) {
            const bool wanted = (round < 3 || i % 5 > 0) && code[i] >= 2 && code[i] <= 4;
            if (!wanted) continue;
            CU_ASSERT(expected < count && row[expected] == i);
            expected++;
        }
        CU_ASSERT_EQUAL(count, expected);
        pc_arena_reset(&scratch);
    }
    tear_down(&f);
}

static bool has(const pc_code_set *set, int system, const char *code)
{
    return pc_code_set_has(set, system, pc_span_of(code));
}

static void test_code_sets(void)
{
    const pc_code_pattern pattern[] = {
        {.system = 0, .is_prefix_system = true, .low = pc_span_of("A10")},
        {.system = 0, .is_prefix_system = true, .is_except = true, .low = pc_span_of("A10BX06")},
        {.system = 0,
         .is_prefix_system = true,
         .low = pc_span_of("C00"),
         .high = pc_span_of("C07")},
        {.system = 0, .is_prefix_system = true, .exact = true, .low = pc_span_of("B2")},
        {.system = 1, .low = pc_span_of("1111")},
        {.system = 1, .low = pc_span_of("0071")}};
    fixture f;
    set_up(&f, 1);
    pc_code_set *set;
    CU_ASSERT_EQUAL(pc_code_set_make(pattern, 6, &f.arena, &set, NULL), PC_OK);
    CU_ASSERT(has(set, 0, "A10") && has(set, 0, " A10BA02 ") && !has(set, 0, "A1"));
    CU_ASSERT(!has(set, 0, "A10BX06") && !has(set, 0, "A10BX06X") && has(set, 0, "A10BX0"));
    CU_ASSERT(has(set, 0, "C0712") && !has(set, 0, "C08") && !has(set, 0, "C0"));
    CU_ASSERT(has(set, 0, "B2") && !has(set, 0, "B21") && !has(set, 1, "A10"));
    CU_ASSERT(has(set, 1, "1111") && !has(set, 1, "11111") && !has(set, 0, "1111"));
    const int64_t *number;
    int64_t count;
    CU_ASSERT_EQUAL(pc_code_set_integers(set, 1, &f.arena, &number, &count, NULL), PC_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(number[0], 1111);
    for (int d = 0; d < 2; d++) {
        uint64_t *bits;
        CU_ASSERT_EQUAL(pc_code_set_bitmap(set, 0, &f.dict[d], &f.arena, &bits, NULL), PC_OK);
        for (uint32_t i = 0; i < WORDS; i++) {
            CU_ASSERT_EQUAL((bits[0] >> i) & 1,
                            pc_code_set_has(set, 0, pc_dict_text(&f.dict[d], i)));
        }
    }
    tear_down(&f);
}

/** Sets that are no, one, two or more ranges of a sorted dictionary, in codes of each width, with
 *  and without nulls: as asked text by text. */
static void test_sets_as_ranges(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        fixture f;
        set_up(&f, seed * 104729);
        pc_code_pattern pattern[4];
        const int patterns = pc_test_below(&f.seed, 5);
        for (int i = 0; i < patterns; i++) {
            pattern[i] = (pc_code_pattern){.is_prefix_system = true,
                                           .exact = pc_test_below(&f.seed, 2) == 0,
                                           .is_except = i > 0 && pc_test_below(&f.seed, 3) == 0,
                                           .low = pc_span_of(words[pc_test_below(&f.seed, WORDS)])};
        }
        pc_code_set *set;
        CU_ASSERT_EQUAL_FATAL(pc_code_set_make(pattern, patterns, &f.arena, &set, NULL), PC_OK);
        const pc_code_test test = {.set = set};
        const pc_expr *arg = column(&f, SORTED);
        const pc_expr *x = make(&f, PC_FN_IN_CODES, PC_BOOL, &arg, 1, &test);
        pc_column *c = &f.batch.column[SORTED];
        char *data = take(&f, ROWS, 4);
        const uint64_t *valid = c->valid;
        for (int round = 0; round < 6; round++) {
            c->width = (uint8_t)(1 << round / 2);
            c->valid = round % 2 == 0 ? NULL : valid;
            c->data = data;
            for (int i = 0; i < ROWS; i++) {
                const uint32_t code = (uint32_t)pc_test_below(&f.seed, WORDS);
                memcpy(data + i * c->width, &code, c->width);
            }
            pc_arena scratch = {.budget = &f.budget};
            pc_column out;
            CU_ASSERT_EQUAL(pc_expr_eval(x, &f.batch, f.state, &scratch, &out, NULL), PC_OK);
            for (int i = 0; i < ROWS; i++) {
                CU_ASSERT_EQUAL(pc_column_is_null(&out, i), pc_column_is_null(c, i));
                if (pc_column_is_null(c, i)) continue;
                const pc_span code = pc_dict_text(c->dict, (uint32_t)pc_column_int(c, i));
                CU_ASSERT_EQUAL(pc_column_int(&out, i), pc_code_set_has(set, 0, code));
            }
            pc_arena_reset(&scratch);
        }
        tear_down(&f);
    }
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 24; limit += limit / 4 + 512) {
        fixture f;
        set_up(&f, 77);
        const pc_expr *x = random_expr(&f, PC_CODE, DEPTH);
        pc_arena scratch = {.budget = &f.budget};
        pc_column out;
        f.budget.limit_bytes = f.budget.used_bytes + limit;
        status = pc_expr_eval(x, &f.batch, f.state, &scratch, &out, NULL);
        CU_ASSERT(status != PC_IO && status != PC_BAD_JOB);
        if (status == PC_BAD_INPUT) status = PC_OK; // a division by zero: it got that far
        pc_arena_reset(&scratch);
        tear_down(&f);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("expr", {"random expressions", test_random_expressions},
             {"a dictionary changes", test_dictionary_changes}, {"rare codes", test_rare_codes},
             {"code sets", test_code_sets}, {"sets as ranges", test_sets_as_ranges},
             {"any request may be refused", test_any_request_may_be_refused});
