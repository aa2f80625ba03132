/** How a column is encoded: packed, shuffled or whole, by what it holds and how often it is read.
 */
#include <stdio.h>
#include <unistd.h>
#include "partition/store/chunk.h"
#include "partition/store/part_writer.h"
#include "tests/test_main.h"
#include "tests/test_random.h"

enum { ROWS = 50000 };

// The encoding of a column of ROWS numbers.
static int encoding_of(const int32_t *value, bool is_often, pc_budget *budget)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/parcours_test_growing_%d.h5", (int)getpid());
    pc_arena arena = {.budget = budget};
    pc_spill spill = {
        .fd = -1,
        .path = path,
        .open_limit = SIZE_MAX,
        .codec = {.budget = budget, .scratch = {.budget = budget}, .scratch2 = {.budget = budget}},
        .stored = {.budget = budget}};
    pc_growing grow;
    pc_error err = {0};
    pc_data_entry data = {0};
    const pc_earlier earlier = {0};
    bool is_shared = false;
    pc_growing_begin(&grow, 0, 0, PC_INT, 0, budget);
    grow.is_often = is_often;
    const pc_column column = {.type = PC_INT, .width = 4, .data = value};
    CU_ASSERT_EQUAL(pc_growing_add(&grow, &spill, &column, 0, ROWS, NULL, &err), PC_OK);
    const hid_t file = pc_h5_create(path);
    CU_ASSERT_EQUAL(
        pc_growing_end(&grow, &spill, file, "/x", &earlier, &arena, &data, &is_shared, &err),
        PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT(!spill.codec.is_hasty);
    CU_ASSERT(pc_h5_close(file));
    unlink(path);
    const int encoding = data.form.encoding;
    pc_growing_release(&grow);
    pc_codec_release(&spill.codec);
    pc_buffer_release(&spill.stored);
    pc_arena_reset(&arena);
    return encoding;
}

typedef enum what { NOISE, LONG_RUNS, FEW_NUMBERS, SLOW_STEPS } what;

static void fill(what kind, int32_t *value)
{
    uint64_t seed = 7;
    int32_t known[40];
    for (int i = 0; i < 40; i++)
        known[i] = (int32_t)pc_test_below(&seed, 1 << 29);
    for (int row = 0; row < ROWS; row++) {
        if (kind == NOISE) value[row] = (int32_t)pc_test_below(&seed, 1 << 20);
        if (kind == LONG_RUNS) value[row] = row / 500 * 1237;
        if (kind == FEW_NUMBERS) value[row] = known[pc_test_below(&seed, 40)];
        if (kind == SLOW_STEPS) value[row] = row / 5000 * 256 + (int32_t)pc_test_below(&seed, 200);
    }
}

static void test_choice(void)
{
    static const struct {
        what kind;
        int encoding, often;
    } row[] = {{NOISE, PC_ENCODING_PACKED, PC_ENCODING_PACKED},
               {LONG_RUNS, PC_ENCODING_WHOLE, PC_ENCODING_WHOLE},
               {FEW_NUMBERS, PC_ENCODING_WHOLE, PC_ENCODING_PACKED},
               {SLOW_STEPS, PC_ENCODING_ZSTD, PC_ENCODING_PACKED}};
    static int32_t value[ROWS];
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        pc_budget budget = {0};
        fill(row[i].kind, value);
        CU_ASSERT_EQUAL(encoding_of(value, false, &budget), row[i].encoding);
        CU_ASSERT_EQUAL(encoding_of(value, true, &budget), row[i].often);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
}

PC_TEST_MAIN("growing", {"encodings are chosen by what they save and cost", test_choice});
