/** Any text as an SQL expression over a few columns: it is bound and evaluated, or refused. */
#include <string.h>
#include "fuzz.h"
#include "parcours/bind.h"

enum { ROWS = 3, FIELDS = 6 };

static const pc_field field[FIELDS] = {{"i", PC_INT, 0, 0},   {"amount", PC_DECIMAL, 2, 0},
                                       {"d", PC_DATE, 0, 0},  {"atc", PC_CODE, 0, 0},
                                       {"ok", PC_BOOL, 0, 0}, {"id", PC_ID, 0, 8}};
static const uint64_t valid[1] = {3};
static const int64_t i_data[ROWS] = {INT64_MAX, -7, 0};
static const int32_t amount_data[ROWS] = {1250, -5, 0};
static const int32_t d_data[ROWS] = {18262, -1, 0};
static const uint8_t atc_data[ROWS] = {0, 1, 0};
static const uint8_t ok_data[ROWS] = {1, 0, 1};
static const char id_data[ROWS][8] = {"A1", "ABCDEFGH", ""};
static const uint64_t offsets[] = {0, 7, 10};

static void evaluate(const pc_expr *expr, pc_budget *budget, pc_arena *arena)
{
    static const pc_dict codes = {
        .count = 2, .sorted = true, .offset = offsets, .bytes = "A10BA02B01"};
    pc_column column[FIELDS] = {
        {PC_INT, 0, 8, i_data, valid, NULL},   {PC_DECIMAL, 2, 4, amount_data, valid, NULL},
        {PC_DATE, 0, 4, d_data, valid, NULL},  {PC_CODE, 0, 1, atc_data, valid, &codes},
        {PC_BOOL, 0, 1, ok_data, valid, NULL}, {PC_ID, 0, 8, id_data, valid, NULL}};
    const pc_batch batch = {.column_count = FIELDS, .row_count = ROWS, .column = column};
    pc_arena scratch = {.budget = budget};
    pc_expr_state *state = NULL;
    pc_column result;
    pc_error err = {0};
    if (pc_expr_state_new(arena, budget, &state, &err) == PC_OK) {
        const pc_status status = pc_expr_eval(expr, &batch, state, &scratch, &result, &err);
        fuzz_check(status == PC_OK || err.text[0] != '\0', "a failure has a sentence");
        pc_expr_state_free(state);
    }
    pc_arena_reset(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    enum { MOST_BYTES = 2000 };
    char text[MOST_BYTES + 1];
    if (bytes > MOST_BYTES || memchr(data, 0, bytes) != NULL) return 0;
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    pc_budget budget = {.limit_bytes = 64 << 20};
    pc_arena arena = {.budget = &budget};
    const pc_schema schema = {FIELDS, field};
    pc_error err = {0};
    const pc_expr *expr = NULL;
    pc_scope *scope = pc_schema_scope(&schema, NULL, &arena, &err);
    fuzz_check(scope != NULL, "a scope");
    const pc_status status = pc_bind_expr(scope, text, "fuzzed", PC_NONE, &arena, &expr, &err);
    fuzz_check(status == PC_OK || err.text[0] != '\0', "a refusal has a sentence");
    if (status == PC_OK) evaluate(expr, &budget, &arena);
    pc_arena_reset(&arena);
    fuzz_check(budget.used_bytes == 0, "all memory is given back");
    return 0;
}
