/** The generator of synthetic deliveries: numbers, layouts, patients, distributions, refusals. The
 *  truth itself is judged again by tests/jobs/synth_truth.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "partition/synth/detail.h"
#include "test_main.h"

enum { MOST_SEGMENTS = SYNTH_MOST_SEGMENTS };

typedef struct bench { // a generator with buffers for all segments
    pc_budget budget;
    pc_arena arena;
    pc_synth *synth;
    pc_buffer segment[MOST_SEGMENTS];
    pc_synth_truth truth;
} bench;

static pc_synth_options options_of(pc_budget *budget)
{
    return (pc_synth_options){.patients = 100000,
                              .first_year = 2019,
                              .last_year = 2020,
                              .seed = 11,
                              .out_dir = "unused",
                              .share_dir = PC_TEST_SHARE,
                              .budget = budget};
}

static pc_status bench_open(bench *b, const pc_synth_options *options, pc_error *err)
{
    b->arena = (pc_arena){.budget = &b->budget};
    b->synth = NULL;
    memset(&b->truth, 0, sizeof b->truth);
    for (int k = 0; k < MOST_SEGMENTS; k++)
        b->segment[k] = (pc_buffer){.budget = &b->budget};
    return pc_synth_open(options, &b->arena, &b->synth, err);
}

static void bench_close(bench *b)
{
    for (int k = 0; k < MOST_SEGMENTS; k++)
        pc_buffer_release(&b->segment[k]);
    pc_synth_close(b->synth);
    pc_arena_reset(&b->arena);
    CU_ASSERT_EQUAL(b->budget.used_bytes, 0);
}

static bench *shared_bench(void)
{
    static bench b; // large: not on the stack
    b.budget = (pc_budget){.limit_bytes = 0};
    return &b;
}

static void test_philox_gives_its_published_numbers(void)
{
    synth_random random;
    synth_random_start(&random, 0, 0, 0);
    CU_ASSERT_EQUAL(synth_random_next(&random), 0x6627e8d5u);
    CU_ASSERT_EQUAL(synth_random_next(&random), 0xe169c58du);
    CU_ASSERT_EQUAL(synth_random_next(&random), 0xbc57ac4cu);
    CU_ASSERT_EQUAL(synth_random_next(&random), 0x9b00dbd8u);
    // and for key and counter of all ones
    random = (synth_random){.key = {~0u, ~0u}, .counter = {~0u, ~0u, ~0u, ~0u}, .used = 4};
    CU_ASSERT_EQUAL(synth_random_next(&random), 0x408f276du);
    CU_ASSERT_EQUAL(synth_random_next(&random), 0x41c83b0eu);
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static void test_statement_numbers_never_meet(void)
{
    static uint32_t number[50000];
    enum { COUNT = sizeof number / sizeof number[0] };
    for (uint32_t k = 0; k < COUNT; k++) {
        number[k] = synth_shuffle9(k < COUNT / 2 ? k : 999999999 - k, 7);
        CU_ASSERT(number[k] < 1000000000);
    }
    qsort(number, COUNT, sizeof number[0], compare_numbers);
    int twice = 0;
    for (int k = 1; k < COUNT; k++)
        twice += number[k] == number[k - 1];
    CU_ASSERT_EQUAL(twice, 0);
}

static void test_counts_have_their_mean(void)
{
    const int64_t mean[] = {100, 1024, 5000, 40000, 300000};
    synth_random random;
    synth_random_start(&random, 5, 1, 2);
    for (size_t k = 0; k < sizeof mean / sizeof mean[0]; k++) {
        int64_t sum = 0;
        for (int j = 0; j < 4000; j++)
            sum += synth_count(&random, mean[k]);
        const double ratio = (double)sum / 4000.0 * 1024.0 / (double)mean[k];
        CU_ASSERT(ratio > 0.93 && ratio < 1.07);
    }
}

// A patient's bytes do not depend on who was made before.
static void test_a_patient_is_the_same_whenever_it_is_made(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    pc_synth_options options = options_of(&b->budget);
    options.messy = true;
    CU_ASSERT_EQUAL_FATAL(bench_open(b, &options, &err), PC_OK);
    const int segments = pc_synth_segment_count(b->synth);
    pc_buffer once = {.budget = &b->budget}, again = {.budget = &b->budget};
    const int64_t order[] = {42, 7, 43, 42, 99999, 8, 7};
    int64_t first_diabetes = -1;
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
        for (int j = 0; j < segments; j++)
            b->segment[j].bytes = 0;
        const int64_t before = b->truth.diabetes[0];
        CU_ASSERT_EQUAL(pc_synth_make(b->synth, order[k], b->segment, &b->truth, &err), PC_OK);
        if (order[k] != 42) continue;
        pc_buffer *into = first_diabetes < 0 ? &once : &again;
        first_diabetes = first_diabetes < 0 ? b->truth.diabetes[0] - before : first_diabetes;
        CU_ASSERT_EQUAL(b->truth.diabetes[0] - before, first_diabetes);
        for (int j = 0; j < segments; j++) {
            CU_ASSERT_EQUAL(pc_buffer_append(into, b->segment[j].data, b->segment[j].bytes, &err),
                            PC_OK);
        }
    }
    CU_ASSERT(once.bytes > 1000);
    CU_ASSERT_EQUAL_FATAL(once.bytes, again.bytes);
    CU_ASSERT_EQUAL(memcmp(once.data, again.data, once.bytes), 0);
    pc_buffer_release(&once);
    pc_buffer_release(&again);
    bench_close(b);
}

static int count_bytes(const pc_buffer *buffer, char wanted)
{
    int count = 0;
    for (size_t k = 0; k < buffer->bytes; k++)
        count += buffer->data[k] == wanted;
    return count;
}

// Every row has as many cells as its header; the volume is that of the published totals.
static void test_rows_fit_their_header_and_the_totals(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    pc_synth_options options = options_of(&b->budget);
    enum { PATIENTS = 700 };
    int64_t lines[SYNTH_TABLES] = {0};
    CU_ASSERT_EQUAL_FATAL(bench_open(b, &options, &err), PC_OK);
    for (int64_t patient = 0; patient < PATIENTS; patient++) {
        CU_ASSERT_EQUAL(pc_synth_make(b->synth, patient * 37, b->segment, &b->truth, &err), PC_OK);
    }
    int64_t rows = 0;
    for (int k = 0; k < pc_synth_segment_count(b->synth); k++) {
        const int file = pc_synth_segment_file(b->synth, k);
        const pc_span header = pc_synth_file_header(b->synth, file);
        const pc_buffer head = {.data = (char *)header.data, .bytes = header.bytes};
        const int row_count = count_bytes(&b->segment[k], '\n');
        CU_ASSERT_EQUAL(count_bytes(&b->segment[k], ';'), row_count * count_bytes(&head, ';'));
        lines[b->synth->file[file].table] += row_count;
        rows += row_count;
    }
    CU_ASSERT_EQUAL(rows, b->truth.rows);
    const double person_years = 2.0 * PATIENTS;
    const double claims = (double)lines[SYNTH_PRS] / person_years;
    const double drugs = (double)lines[SYNTH_PHA] / person_years;
    printf(" (%.1f claims, %.1f drug lines a person and year) ", claims, drugs);
    CU_ASSERT(claims > 36.0 && claims < 47.0); // published totals, as scaled in docs/synth.md
    CU_ASSERT(drugs > 17.0 && drugs < 25.0);
    CU_ASSERT(lines[SYNTH_MCO_B] == lines[SYNTH_MCO_C] &&
              lines[SYNTH_MCO_UM] >= lines[SYNTH_MCO_B]);
    CU_ASSERT(lines[SYNTH_BEN] >= PATIENTS);
    bench_close(b);
}

// With all columns every table of the SNDS has rows, whose cells are as many as its header's.
static void test_all_tables_have_rows(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    pc_synth_options options = options_of(&b->budget);
    enum { PATIENTS = 300, MOST_RARE = 12 };
    options.all_columns = true;
    options.last_year = 2022;
    CU_ASSERT_EQUAL_FATAL(bench_open(b, &options, &err), PC_OK);
    int64_t lines[SYNTH_ALL_TABLES] = {0};
    for (int64_t patient = 0; patient < PATIENTS; patient++) {
        CU_ASSERT_EQUAL(pc_synth_make(b->synth, patient * 41, b->segment, &b->truth, &err), PC_OK);
    }
    for (int k = 0; k < pc_synth_segment_count(b->synth); k++) {
        const int file = pc_synth_segment_file(b->synth, k);
        const pc_span header = pc_synth_file_header(b->synth, file);
        const pc_buffer head = {.data = (char *)header.data, .bytes = header.bytes};
        const int row_count = count_bytes(&b->segment[k], '\n');
        // the cause of death that holds a delimiter is quoted
        const bool quoted = b->synth->file[file].table == (int)SYNTH_TABLES + DETAIL_ECD;
        const int extra = quoted ? count_bytes(&b->segment[k], '"') / 2 : 0;
        CU_ASSERT_EQUAL(count_bytes(&b->segment[k], ';') - extra,
                        row_count * count_bytes(&head, ';'));
        lines[b->synth->file[file].table] += row_count;
    }
    int empty = 0; // tables whose rows are rare
    for (int table = 0; table < SYNTH_ALL_TABLES; table++) {
        const int detail = table - (int)SYNTH_TABLES;
        if (table == SYNTH_DRUG || (detail >= 0 && synth_due_of(detail) == DUE_REFERENCE)) continue;
        empty += lines[table] == 0;
    }
    CU_ASSERT(empty <= MOST_RARE);
    const int per_stay[][2] = {{DETAIL_SSR_C, DETAIL_SSR_S},
                               {DETAIL_HAD_C, DETAIL_HAD_S},
                               {DETAIL_RIP_C, DETAIL_RIP_S},
                               {DETAIL_MCO_CSTC, DETAIL_MCO_FASTC}};
    for (size_t k = 0; k < sizeof per_stay / sizeof per_stay[0]; k++) {
        const int64_t stays = lines[(int)SYNTH_TABLES + per_stay[k][0]];
        CU_ASSERT(stays > 0);
        CU_ASSERT_EQUAL(stays, lines[(int)SYNTH_TABLES + per_stay[k][1]]);
    }
    CU_ASSERT_EQUAL(lines[(int)SYNTH_TABLES + DETAIL_MCO_VALO], lines[SYNTH_MCO_C]);
    CU_ASSERT_EQUAL(lines[(int)SYNTH_TABLES + DETAIL_IBA], PATIENTS);
    bench_close(b);
}

static void test_numbers_in_base_36(void)
{
    char text[16];
    synth_base36(0, 5, text);
    CU_ASSERT_STRING_EQUAL(text, "00000");
    synth_base36(35, 3, text);
    CU_ASSERT_STRING_EQUAL(text, "00Z");
    synth_base36(UINT64_C(36) * 36 * 36 - 1, 3, text);
    CU_ASSERT_STRING_EQUAL(text, "ZZZ");
}

static bool header_has(const pc_synth *synth, const char *file, const char *column)
{
    for (int k = 0; k < pc_synth_file_count(synth); k++) {
        if (strcmp(pc_synth_file_name(synth, k), file) != 0) continue;
        return strstr(pc_synth_file_header(synth, k).data, column) != NULL;
    }
    return false;
}

static void test_columns_are_those_of_the_year(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    pc_synth_options options = options_of(&b->budget);
    options.first_year = 2008;
    options.last_year = 2024;
    options.all_columns = true;
    CU_ASSERT_EQUAL_FATAL(bench_open(b, &options, &err), PC_OK);
    CU_ASSERT(header_has(b->synth, "T_MCO08B.CSV", "COD_IGS"));
    CU_ASSERT(!header_has(b->synth, "T_MCO19B.CSV", "COD_IGS"));
    CU_ASSERT(!header_has(b->synth, "T_MCO08C.CSV", "EXE_SOI_DTD")); // since 2009
    CU_ASSERT(header_has(b->synth, "T_MCO24C.CSV", "EXE_SOI_DTD")); // after the catalogue: lives on
    CU_ASSERT(header_has(b->synth, "T_MCO20B.CSV", "TOP_MAIS_NAI")); // "2016 2020-2023"
    CU_ASSERT(!header_has(b->synth, "T_MCO18B.CSV", "TOP_MAIS_NAI"));
    CU_ASSERT(
        header_has(b->synth, "ER_PRS_F_2025.CSV", "PRS_FAC_TOP")); // care of 2024, paid in 2025
    bench_close(b);
}

static void test_packages_have_their_check_digit(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    const pc_synth_options options = options_of(&b->budget);
    CU_ASSERT_EQUAL_FATAL(bench_open(b, &options, &err), PC_OK);
    for (int k = 0; k < b->synth->world.drug_count; k++) {
        char text[24];
        const synth_drug *drug = &b->synth->world.drug[k];
        snprintf(text, sizeof text, "%lld", (long long)drug->cip13);
        int sum = 0;
        for (int digit = 0; digit < 13; digit++)
            sum += (text[digit] - '0') * (digit % 2 == 0 ? 1 : 3);
        CU_ASSERT_EQUAL(sum % 10, 0);
        CU_ASSERT_EQUAL(strncmp(text, "34009", 5), 0);
    }
    bench_close(b);
}

static void test_wrong_options_are_refused(void)
{
    bench *b = shared_bench();
    pc_error err = {0};
    pc_synth_options options = options_of(&b->budget);
    options.patients = 0;
    CU_ASSERT_EQUAL(bench_open(b, &options, &err), PC_BAD_JOB);
    options.patients = 10;
    options.first_year = 2021;
    CU_ASSERT_EQUAL(bench_open(b, &options, &err), PC_BAD_JOB);
    options = options_of(&b->budget);
    options.share_dir = "/nonexistent";
    CU_ASSERT_EQUAL(bench_open(b, &options, &err), PC_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent"));
    bench_close(b);
}

static void copy_file(const char *name, const char *to, size_t most)
{
    static char data[1 << 20];
    char path[512];
    snprintf(path, sizeof path, "%s/synth/data/%s", PC_TEST_SHARE, name);
    FILE *from = fopen(path, "rb");
    snprintf(path, sizeof path, "%s/synth/data/%s", to, name);
    FILE *into = fopen(path, "wb");
    if (from != NULL && into != NULL) {
        const size_t bytes = fread(data, 1, most < sizeof data ? most : sizeof data, from);
        CU_ASSERT_EQUAL(fwrite(data, 1, bytes, into), bytes);
    }
    if (from != NULL) fclose(from);
    if (into != NULL) fclose(into);
}

// A data file cut anywhere is a sentence (or, cut at a line's end, a smaller world), never a crash.
static void test_damaged_data_files_are_refused(void)
{
    static const char *const file[] = {
        "columns.csv", "drugs.csv",   "diseases.csv",      "motives.csv",
        "numbers.csv", "details.csv", "nomenclatures.csv", "nomenclatures_all.csv"};
    enum { FILES = sizeof file / sizeof file[0] };
    char dir[] = "pc_synth_XXXXXX", path[512];
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/synth", dir);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/synth/data", dir);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    bench *b = shared_bench();
    pc_synth_options options = options_of(&b->budget);
    options.share_dir = dir;
    options.all_columns = true;
    int refused = 0;
    for (int damaged = 0; damaged < FILES; damaged++) {
        for (size_t keep = 3; keep < 200; keep = keep * 3 + 5) {
            for (int k = 0; k < FILES; k++)
                copy_file(file[k], dir, k == damaged ? keep : SIZE_MAX);
            pc_error err = {0};
            const pc_status status = bench_open(b, &options, &err);
            CU_ASSERT(status == PC_BAD_INPUT || status == PC_OK);
            refused += status == PC_BAD_INPUT && err.text[0] != '\0';
            bench_close(b);
        }
    }
    CU_ASSERT(refused > FILES * 2);
    for (int k = 0; k < FILES; k++) {
        snprintf(path, sizeof path, "%s/synth/data/%s", dir, file[k]);
        CU_ASSERT_EQUAL(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s/synth/data", dir);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    snprintf(path, sizeof path, "%s/synth", dir);
    CU_ASSERT_EQUAL(rmdir(path), 0);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

// Every request for memory is refused once: nothing crashes, nothing stays taken.
static void test_any_request_may_be_refused(void)
{
    bench *b = shared_bench();
    pc_status status = PC_NO_MEMORY;
    pc_error err = {0};
    size_t limit = 1024;
    for (; status != PC_OK && limit < 64 << 20; limit += limit / 8 + 16384) {
        b->budget = (pc_budget){.limit_bytes = limit};
        pc_synth_options options = options_of(&b->budget);
        options.all_columns = true;
        status = bench_open(b, &options, &err);
        for (int64_t patient = 0; patient < 12 && status == PC_OK; patient++) {
            status = pc_synth_make(b->synth, patient, b->segment, &b->truth, &err);
        }
        for (int k = 0; status == PC_OK && k < pc_synth_reference_count(b->synth); k++) {
            pc_buffer text = {.budget = &b->budget};
            status = pc_synth_reference(b->synth, k, &text, &b->truth, &err);
            pc_buffer_release(&text);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        bench_close(b);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_truth_is_written_as_agreed(void)
{
    pc_budget budget = {.limit_bytes = 0};
    pc_synth_options options = options_of(&budget);
    options.patients = 5;
    pc_synth_truth truth = {.diabetes = {3, 4}};
    truth.defect[1] = 2;
    truth.defect[59] = 7;
    pc_buffer out = {.budget = &budget};
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_synth_truth_write(&options, &truth, &out, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(out.data,
                           "{\"patients\":5,\"cohorts\":{\"diabete\":{\"2019\":3,\"2020\":4}},"
                           "\"defects\":{\"T01\":2,\"T59\":7}}\n");
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("synth",
             {"philox gives its published numbers", test_philox_gives_its_published_numbers},
             {"statement numbers never meet", test_statement_numbers_never_meet},
             {"counts have their mean", test_counts_have_their_mean},
             {"a patient is the same whenever it is made",
              test_a_patient_is_the_same_whenever_it_is_made},
             {"rows fit their header and the totals", test_rows_fit_their_header_and_the_totals},
             {"all tables have rows", test_all_tables_have_rows},
             {"numbers in base 36", test_numbers_in_base_36},
             {"columns are those of the year", test_columns_are_those_of_the_year},
             {"packages have their check digit", test_packages_have_their_check_digit},
             {"wrong options are refused", test_wrong_options_are_refused},
             {"damaged data files are refused", test_damaged_data_files_are_refused},
             {"any request for memory may be refused", test_any_request_may_be_refused},
             {"the truth is written as agreed", test_truth_is_written_as_agreed});
