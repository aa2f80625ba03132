/** The capacity model against the same sums by hand; constants to a file and back. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "engine/capacity/capacity.h"
#include "test_main.h"

static pc_calibration make_constants(void)
{
    pc_calibration c = {.ranks = 2,
                        .delivery_bytes = 1000,
                        .store_bytes = 100,
                        .moved_bytes = 500,
                        .packed_bytes = 200,
                        .part_bytes = 10,
                        .shared_bytes = 1e6,
                        .agree_s = 1e-3,
                        .message_s = 1e-4,
                        .exchange_bytes_s = 1e8,
                        .open_s = 1e-3,
                        .sync_s = 1e-2,
                        .read_bytes_s = 1e9,
                        .write_bytes_s = 5e8,
                        .phase_count = 4,
                        .study_count = 1};
    c.phase[0] = (pc_cost){.name = "read", .fixed_s = 1, .byte_s = 1e-8};
    c.phase[1] = (pc_cost){.name = "dictionaries", .fixed_s = 0.5};
    c.phase[2] = (pc_cost){.name = "resolve", .byte_s = 2e-9};
    c.phase[3] = (pc_cost){.name = "write", .part_s = 0.1, .byte_s = 1e-8};
    c.study[0] = (pc_study_cost){.scan = {.name = "s", .part_s = 0.01, .byte_s = 1e-9},
                                 .read_share = 0.25,
                                 .open_s = 0.2,
                                 .write_s = 0.1,
                                 .person_s = 1e-6};
    return c;
}

#define NEAR(a, b) CU_ASSERT_DOUBLE_EQUAL(a, b, 1e-9 * ((b) + 1))

static void test_one_rank(void)
{
    const pc_calibration c = make_constants();
    const pc_forecast_request r = {
        .people = 1e6, .years = 2, .nodes = 1, .cores = 1, .memory_bytes = 1e12, .study = "s"};
    pc_forecast f;
    CU_ASSERT_EQUAL_FATAL(pc_forecast_make(&c, &r, &f, NULL), PC_OK);
    NEAR(f.delivery_bytes, 2e9);
    NEAR(f.shards, 16); // the least
    NEAR(f.store_bytes, 2e8 + 16 * 10);
    NEAR(f.spilled_bytes, 0);
    NEAR(pc_forecast_seconds(&f.row[0]), 1 + 20 + 2); // fixed, work, storage
    NEAR(pc_forecast_seconds(&f.row[3]), 1.6 + 20 + 16 * 1e-2 + f.store_bytes / 5e8);
    for (int i = 0; i < f.row_count; i++)
        NEAR(f.row[i].network_s, 0);
    NEAR(f.row[f.row_count - 1].serial_s, 0.1 + 1); // a person's row is written by one rank
    CU_ASSERT_STRING_EQUAL(pc_forecast_most(&f.row[0]), "processor");
    CU_ASSERT_STRING_EQUAL(pc_forecast_most(&f.row[f.row_count - 1]), "one rank");
}

// A part of half the columns is worth half a part, in bytes and in seconds.
static void test_small_parts(void)
{
    pc_calibration c = make_constants();
    c.part_half = 2e6 / 16;
    const pc_forecast_request r = {
        .people = 1e6, .years = 2, .nodes = 1, .cores = 2, .memory_bytes = 1e12, .study = "s"};
    pc_forecast f;
    NEAR(pc_capacity_full_parts(16, 2e6, c.part_half), 8);
    NEAR(pc_capacity_full_parts(16, 2e12, c.part_half), 16 / (1 + 1e-6));
    CU_ASSERT_EQUAL_FATAL(pc_forecast_make(&c, &r, &f, NULL), PC_OK);
    NEAR(f.store_bytes, 2e8 + 8 * 10);
    NEAR(f.row[3].processor_s, 4 * 0.1 + 10);                          // of 8 on this rank, worth 4
    NEAR(f.row[5].processor_s, 4 * 0.01 + (1 + 0.5 / 8) * 1e8 * 1e-9); // and half a part's wait
}

static void test_many_ranks(void)
{
    const pc_calibration c = make_constants();
    pc_forecast_request r = {.people = 1e8,
                             .years = 10,
                             .nodes = 16,
                             .cores = 4,
                             .memory_bytes = 1e6,
                             .read_bytes_s = 1e10,
                             .write_bytes_s = 1e10,
                             .node_bytes_s = 4e9};
    pc_forecast f;
    CU_ASSERT_EQUAL_FATAL(pc_forecast_make(&c, &r, &f, NULL), PC_OK);
    NEAR(f.ranks, 64);
    NEAR(f.shards, 2048); // 1e12 bytes / 512 MiB, up to a power of two
    NEAR(f.spilled_bytes, 2e11);
    NEAR(f.row[0].storage_s, 100 + 10); // and half of what is put aside
    NEAR(f.row[0].latency_s, 6e-3);     // a tree of 64
    // 5e11 bytes over 64 ranks of 1e9 bytes a second each; 117 rounds of 63 messages.
    NEAR(f.row[2].network_s, 5e11 / 64 * 63 / 64 / 1e9);
    NEAR(f.row[2].latency_s, 6e-3 + 117 * 63 * 1e-4);
    CU_ASSERT_EQUAL(f.ingest_count, f.row_count); // no study was asked for
    const double before = pc_forecast_seconds(&f.row[2]);
    r.people *= 2;
    CU_ASSERT_EQUAL(pc_forecast_make(&c, &r, &f, NULL), PC_OK);
    CU_ASSERT(pc_forecast_seconds(&f.row[2]) > 1.9 * before);
}

static void test_refusals(void)
{
    pc_calibration c = make_constants();
    pc_forecast_request r = {.people = 10, .years = 1, .nodes = 2, .cores = 1, .study = "other"};
    pc_forecast f;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_forecast_make(&c, &r, &f, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'other'"));
    r.study = NULL;
    c.exchange_bytes_s = 0;
    CU_ASSERT_EQUAL(pc_forecast_make(&c, &r, &f, &err), PC_BAD_JOB);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--net-gbs"));
    r.node_bytes_s = 1e9;
    CU_ASSERT_EQUAL(pc_forecast_make(&c, &r, &f, &err), PC_OK);
}

static void write_text(const char *path, const char *text, size_t bytes)
{
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(text, 1, bytes, file), bytes);
    (void)fclose(file);
}

static void test_file_and_back(void)
{
    char path[64];
    (void)snprintf(path, sizeof path, "calibration-%ld.json", (long)getpid());
    pc_calibration c = make_constants();
    c.part_half = 40;
    pc_calibration back;
    pc_budget budget = {0};
    pc_buffer text = {.budget = &budget};
    pc_error err = {0};
    CU_ASSERT_EQUAL_FATAL(pc_calibration_print(&c, &text, &err), PC_OK);
    write_text(path, text.data, text.bytes);
    CU_ASSERT_EQUAL(pc_calibration_read(path, &back, &err), PC_OK);
    CU_ASSERT_EQUAL(memcmp(&c, &back, sizeof c), 0);
    // Each number may be missing or wrong: a sentence, nothing else.
    for (size_t at = 0; at < text.bytes; at++) {
        if (text.data[at] != ':') continue;
        const char kept = text.data[at - 2];
        text.data[at - 2] = '?';
        write_text(path, text.data, text.bytes);
        CU_ASSERT_EQUAL(pc_calibration_read(path, &back, &err), PC_BAD_JOB);
        text.data[at - 2] = kept;
    }
    pc_buffer_release(&text);
    (void)unlink(path);
    CU_ASSERT_EQUAL(pc_calibration_read(path, &back, &err), PC_IO);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_printing(void)
{
    const pc_calibration c = make_constants();
    const pc_forecast_request r = {
        .people = 1e6, .years = 2, .nodes = 1, .cores = 1, .memory_bytes = 1e12, .study = "s"};
    pc_forecast f;
    CU_ASSERT_EQUAL_FATAL(pc_forecast_make(&c, &r, &f, NULL), PC_OK);
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 0; status != PC_OK && limit < 1 << 16; limit += 256) {
        pc_budget budget = {.limit_bytes = limit + 1};
        pc_buffer text = {.budget = &budget};
        status = pc_forecast_print(&f, false, &text, NULL);
        if (status == PC_OK) status = pc_forecast_print(&f, true, &text, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_buffer_release(&text);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("capacity", {"one rank", test_one_rank}, {"many ranks", test_many_ranks},
             {"small parts", test_small_parts}, {"refusals", test_refusals},
             {"file and back", test_file_and_back}, {"printing", test_printing});
