/** Records read again by their offsets: plain and compressed files, forwards and back, at the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include "csv_case.h"
#include "test_random.h"

enum { RECORDS = 40000, SEED = 11 }; // some 2.5 MB: windows move

typedef struct lines {
    pc_buffer text;
    size_t from[RECORDS], bytes[RECORDS]; // of each record, without its line end
} lines;

// Records of 2 to 130 bytes, the last without a line end.
static void make_lines(lines *out, pc_budget *budget)
{
    uint64_t random = SEED;
    printf("seed %d ", SEED);
    out->text = (pc_buffer){.budget = budget};
    CU_ASSERT_EQUAL(pc_buffer_print(&out->text, NULL, "PSEUDO;RANK;NUM;FROM_DAY;TO_DAY\n"), PC_OK);
    for (int i = 0; i < RECORDS; i++) {
        char filler[128];
        const int wide = (int)pc_test_below(&random, sizeof filler);
        memset(filler, 'x', sizeof filler);
        out->from[i] = out->text.bytes;
        CU_ASSERT_EQUAL(pc_buffer_print(&out->text, NULL, "%d;%.*s", i % 10, wide, filler), PC_OK);
        out->bytes[i] = out->text.bytes - out->from[i];
        if (i + 1 < RECORDS) {
            CU_ASSERT_EQUAL(pc_buffer_print(&out->text, NULL, i % 3 == 0 ? "\r\n" : "\n"), PC_OK);
        }
    }
}

static bool is_same(const lines *all, int i, pc_csv_records *records, const pc_csv_file *file)
{
    pc_buffer text = {.budget = all->text.budget};
    const pc_status status = pc_csv_records_read(records, file, (int64_t)all->from[i], &text, NULL);
    const pc_span want = {all->text.data + all->from[i], all->bytes[i]};
    const bool same = status == PC_OK && pc_span_equal((pc_span){text.data, text.bytes}, want);
    pc_buffer_release(&text);
    return same;
}

static void check_file(csv_case *c, const lines *all, const char *name, const char *bytes,
                       size_t count)
{
    pc_csv_file file;
    uint64_t random = SEED;
    pc_csv_records *records = NULL;
    const char *path = case_file(c, name, bytes, count);
    CU_ASSERT_EQUAL_FATAL(pc_csv_open(c->model, path, name, 0, &c->arena, &file, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_csv_records_open(&c->budget, &records, NULL), PC_OK);
    int wrong = 0;
    for (int i = 0; i < RECORDS; i += 1 + (int)pc_test_below(&random, 60))
        wrong += !is_same(all, i, records, &file);
    wrong += !is_same(all, RECORDS - 1, records, &file);
    for (int i = RECORDS - 1; i > 0; i /= 3) // back: it begins again
        wrong += !is_same(all, i, records, &file);
    wrong += !is_same(all, 0, records, &file);
    wrong += !is_same(all, RECORDS - 1, records, &file);
    CU_ASSERT_EQUAL(wrong, 0);
    pc_buffer text = {.budget = &c->budget};
    const int64_t beyond = (int64_t)all->text.bytes + 10;
    CU_ASSERT_EQUAL(pc_csv_records_read(records, &file, beyond, &text, &c->err), PC_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(c->err.text, "became shorter"));
    pc_buffer_release(&text);
    pc_csv_records_close(records);
    (void)unlink(path);
}

static void test_offsets(void)
{
    static lines all;
    csv_case c;
    case_begin(&c);
    make_lines(&all, &c.budget);
    check_file(&c, &all, "stay_2019.csv", all.text.data, all.text.bytes);
    const size_t room = ZSTD_compressBound(all.text.bytes);
    char *packed = pc_arena_take(&c.arena, room, NULL);
    const size_t bytes = ZSTD_compress(packed, room, all.text.data, all.text.bytes, 1);
    check_file(&c, &all, "stay_2019.csv.zst", packed, bytes);
    pc_buffer_release(&all.text);
    case_end(&c);
}

// A budget that is too small is a status, and nothing stays taken.
static void test_any_request_may_be_refused(void)
{
    csv_case c;
    pc_csv_file file;
    case_begin(&c);
    const char text[] = "PSEUDO;RANK;NUM;FROM_DAY;TO_DAY\nP;1;a\n";
    const char *path = case_file(&c, "stay_2019.csv", text, sizeof text - 1);
    CU_ASSERT_EQUAL_FATAL(pc_csv_open(c.model, path, "stay", 0, &c.arena, &file, NULL), PC_OK);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 4 << 20; limit += 1 + limit / 3) {
        pc_budget budget = {.limit_bytes = limit};
        pc_csv_records *records = NULL;
        pc_buffer out = {.budget = &budget};
        status = pc_csv_records_open(&budget, &records, NULL);
        if (status == PC_OK) status = pc_csv_records_read(records, &file, 32, &out, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_csv_records_close(records);
        pc_buffer_release(&out);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    (void)unlink(path);
    case_end(&c);
}

PC_TEST_MAIN("csv_record", {"records by their offsets", test_offsets},
             {"any request for memory may be refused", test_any_request_may_be_refused});
