/** Rows put aside come back, from memory or from the scratch file, block by block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/spool.h"
#include "test_main.h"
#include "test_random.h"

enum { ROWS = 20000 };

/** A row that says which one it is, with long runs as real rows have. */
static void make_row(int64_t number, int row_bytes, unsigned char *out)
{
    for (int i = 0; i < row_bytes; i++) {
        out[i] = (unsigned char)(i < 8 ? number >> (8 * (i % 4)) : i * (int)(number % 3));
    }
}

static void test_transpose(void)
{
    uint64_t random = 1;
    int wrong = 0;
    for (int round = 0; round < 60; round++) {
        const size_t rows = (size_t)pc_test_below(&random, 70);
        const size_t columns = (size_t)pc_test_below(&random, 70);
        unsigned char in[70 * 70], out[70 * 70], back[70 * 70];
        for (size_t i = 0; i < rows * columns; i++)
            in[i] = (unsigned char)pc_test_random(&random);
        pc_transpose_bytes(in, rows, columns, out);
        pc_transpose_bytes(out, columns, rows, back);
        for (size_t r = 0; r < rows; r++) {
            for (size_t c = 0; c < columns; c++) {
                wrong += out[c * rows + r] != in[r * columns + c];
            }
        }
        wrong += memcmp(in, back, rows * columns) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

/** Appends ROWS rows in random pieces; reads them in two passes, the second backwards. */
typedef enum eviction { NEVER, HALF_WAY, AT_THE_END } eviction;
static void round_trip(size_t memory_bytes, int row_bytes, size_t block_bytes, eviction evicted,
                       bool must_spill)
{
    pc_budget budget = {0};
    pc_spool_pool *pool = NULL;
    pc_spool *spool = NULL;
    pc_error err = {0};
    uint64_t random = 7;
    CU_ASSERT_EQUAL(pc_spool_pool_open("/tmp", memory_bytes, &budget, &pool, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_spool_open(pool, row_bytes, block_bytes, &spool, &err), PC_OK);
    unsigned char row[64 * 64], wanted[64];
    for (int64_t at = 0; at < ROWS;) {
        int64_t count = 1 + pc_test_below(&random, 64);
        if (count > ROWS - at) count = ROWS - at;
        for (int64_t i = 0; i < count; i++)
            make_row(at + i, row_bytes, row + i * row_bytes);
        CU_ASSERT_EQUAL(pc_spool_append(spool, row, count, &err), PC_OK);
        at += count;
        if (evicted == HALF_WAY && at > ROWS / 2) {
            CU_ASSERT_EQUAL(pc_spool_pool_evict(pool, &err), PC_OK);
        }
    }
    CU_ASSERT_EQUAL(pc_spool_seal(spool, &err), PC_OK);
    if (evicted == AT_THE_END) {
        const size_t before = budget.used_bytes, kept = memory_bytes - pc_spool_pool_room(pool);
        CU_ASSERT_EQUAL(pc_spool_pool_evict(pool, &err), PC_OK);
        CU_ASSERT(budget.used_bytes + kept <= before);
    }
    if (evicted != NEVER) CU_ASSERT_EQUAL(pc_spool_pool_room(pool), 0);
    CU_ASSERT_EQUAL(pc_spool_row_count(spool), ROWS);
    CU_ASSERT_EQUAL(pc_spool_pool_spilled(pool) > 0, must_spill);
    pc_buffer rows = {.budget = &budget};
    int64_t next = 0;
    int wrong = 0;
    for (int b = 0; b < pc_spool_block_count(spool); b++) {
        rows.bytes = 0;
        CU_ASSERT_EQUAL(pc_spool_read(spool, b, &rows, &err), PC_OK);
        for (size_t at = 0; at < rows.bytes; at += (size_t)row_bytes, next++) {
            make_row(next, row_bytes, wanted);
            wrong += memcmp(rows.data + at, wanted, (size_t)row_bytes) != 0;
        }
    }
    CU_ASSERT_EQUAL(next, ROWS);
    for (int b = pc_spool_block_count(spool) - 1; b >= 0; b--) {
        CU_ASSERT_EQUAL(pc_spool_read(spool, b, &rows, &err), PC_OK);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_buffer_release(&rows);
    pc_spool_drop(spool);
    CU_ASSERT_EQUAL(pc_spool_row_count(spool), 0);
    pc_spool_pool_close(pool);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_memory(void)
{
    round_trip(64 << 20, 44, PC_SPOOL_BLOCK_BYTES, NEVER, false);
    round_trip(64 << 20, 28, 1000, NEVER, false);
    round_trip(64 << 20, 60, 7, NEVER, false); // a block holds a row at least
}

static void test_spill(void)
{
    round_trip(0, 44, 16384, NEVER, true);
    round_trip(2000, 28, 4096, NEVER, true); // some in memory, the rest on disk
}

static void test_evict(void)
{
    round_trip(64 << 20, 44, PC_SPOOL_BLOCK_BYTES, AT_THE_END, true);
    round_trip(64 << 20, 28, 1000, HALF_WAY, true);
    round_trip(100000, 28, 1000, HALF_WAY, true);
    round_trip(0, 44, 16384, AT_THE_END, true);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    unsigned char row[100 * 32] = {0};
    for (size_t limit = 0; status != PC_OK && limit < 8 << 20; limit += 4096 + limit / 8) {
        pc_budget budget = {.limit_bytes = limit};
        if (limit == 0) budget.limit_bytes = 1;
        pc_spool_pool *pool = NULL;
        pc_spool *spool = NULL;
        pc_buffer out = {.budget = &budget};
        status = pc_spool_pool_open("/tmp", 1 << 20, &budget, &pool, NULL);
        if (status == PC_OK) status = pc_spool_open(pool, 32, 1600, &spool, NULL);
        if (status == PC_OK) status = pc_spool_append(spool, row, 100, NULL);
        if (status == PC_OK) status = pc_spool_seal(spool, NULL);
        if (status == PC_OK) status = pc_spool_read(spool, 0, &out, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&out);
        pc_spool_pool_close(pool);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_no_folder(void)
{
    pc_budget budget = {0};
    pc_spool_pool *pool = NULL;
    pc_spool *spool = NULL;
    pc_error err = {0};
    unsigned char row[32] = {0};
    CU_ASSERT_EQUAL(pc_spool_pool_open("/tmp/pc-no-such-folder", 0, &budget, &pool, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_spool_open(pool, 32, 64, &spool, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_spool_append(spool, row, 1, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_spool_seal(spool, &err), PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/tmp/pc-no-such-folder"));
    pc_spool_pool_close(pool);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("spool", {"transposed bytes, against a plain loop", test_transpose},
             {"rows come back from memory", test_memory},
             {"rows come back from the scratch file", test_spill},
             {"memory is given up for the scratch file", test_evict},
             {"any request for memory may be refused", test_any_request_may_be_refused},
             {"a scratch folder that is not there", test_no_folder});
