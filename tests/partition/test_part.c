/** Parts and stores: what is written is read again, whatever the blocks, on any request. */
#include "partition/store/h5.h"
#include "partition/store/part_file.h"
#include "tests/partition/store_case.h"

static const char DELIVERIES[] = "[{\"name\":\"a\",\"hash\":\"00\"}]";
static const char TABLES[] = "{}";

static pc_status finish(const char *folder, const pc_model *model, const pc_dict *dict,
                        const pc_part_info *part, int part_count, uint32_t shards,
                        pc_budget *budget, pc_error *err)
{
    const pc_manifest manifest = {.model = model,
                                  .shard_count = shards,
                                  .deliveries_json = {DELIVERIES, sizeof DELIVERIES - 1},
                                  .tables_json = {TABLES, sizeof TABLES - 1}};
    const pc_store_contents contents = {.manifest = &manifest,
                                        .dict = dict,
                                        .generation_count = 1,
                                        .part = part,
                                        .part_count = part_count};
    return pc_store_write(folder, &contents, budget, err);
}

static void test_round_trip(void)
{
    pc_arena arena = {0};
    pc_budget budget = {0};
    pc_error err = {0};
    char folder[128];
    uint64_t seed = 42;
    printf("seed 42 ");
    case_folder(folder);
    const pc_model *model = case_model(&arena);
    const pc_dict *dict = case_dicts(model, &arena, CASE_TEXTS, 1);
    pc_block block[2];
    pc_part_info info[2];
    for (uint32_t shard = 0; shard < 2; shard++) {
        block[shard] = case_block(model, dict, 100, shard, 2, 6, &arena, &seed);
        CU_ASSERT_EQUAL(
            case_write(folder, &block[shard], shard, 0, 37, &budget, &info[shard], &err), PC_OK);
    }
    CU_ASSERT_EQUAL(finish(folder, model, dict, info, 2, 2, &budget, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    bool asked[16];
    for (int64_t block_rows = 1; block_rows < 3000; block_rows = block_rows * 7 + 3) {
        for (int shard = 0; shard < 2; shard++) {
            memset(asked, true, sizeof asked);
            CU_ASSERT_EQUAL(case_read(folder, shard, &block[shard], block_rows, asked, &budget), 0);
            for (int t = 0; t < model->table_count; t++)
                asked[t] = pc_test_below(&seed, 2) == 0;
            CU_ASSERT_EQUAL(case_read(folder, shard, &block[shard], block_rows, asked, &budget), 0);
        }
    }
    case_remove(folder);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Datasets of days and links of tables that are read often, and row counts, that are not packed.
static int count_unpacked(const char *folder, const pc_model *model, const pc_part_info *info)
{
    pc_arena arena = {0};
    pc_error err = {0};
    pc_part_file part = {.fd = -1};
    char path[PC_PATH_BYTES];
    int found = 0, wrong = 0;
    CU_ASSERT_EQUAL(pc_part_path(folder, 0, 0, path, &err), PC_OK);
    CU_ASSERT_EQUAL(pc_part_file_open(path, model, info, &arena, &part, &err), PC_OK);
    for (int i = 0; i < part.directory.data_count; i++) {
        const pc_data_entry *data = &part.directory.data[i];
        if (data->table < 0) continue;
        const pc_model_table *table = &model->table[data->table];
        const bool is_day = data->column >= 0 &&
                            (data->column == table->event_date || data->column == table->event_end);
        const bool is_of_table = table->often && (is_day || data->column == PC_DATA_PARENT);
        if (!is_of_table && data->column != PC_DATA_SLOT_ROWS) continue;
        found++;
        wrong += data->form.encoding != PC_ENCODING_PACKED;
    }
    CU_ASSERT(found > 5);
    pc_part_file_close(&part);
    pc_arena_reset(&arena);
    return wrong;
}

// More rows than a chunk: pieces are spilled, and the bytes do not depend on the blocks.
static void test_large_part(void)
{
    pc_arena arena = {0};
    pc_budget budget = {0};
    pc_error err = {0};
    char folder[128];
    uint64_t seed = 43;
    printf("seed 43 ");
    case_folder(folder);
    const pc_model *model = case_model(&arena);
    const pc_dict *dict = case_dicts(model, &arena, CASE_TEXTS, 1);
    pc_block block = case_block(model, dict, 30, 0, 1, 5000, &arena, &seed);
    pc_part_info info, again;
    CU_ASSERT_EQUAL(case_write(folder, &block, 0, 0, 30, &budget, &again, &err), PC_OK);
    CU_ASSERT_EQUAL(case_write(folder, &block, 0, 0, 4, &budget, &info, &err), PC_OK);
    CU_ASSERT_EQUAL(memcmp(&info, &again, sizeof info), 0);
    CU_ASSERT_EQUAL(count_unpacked(folder, model, &info), 0);
    CU_ASSERT_EQUAL(finish(folder, model, dict, &info, 1, 1, &budget, &err), PC_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    bool asked[16];
    memset(asked, true, sizeof asked);
    CU_ASSERT_EQUAL(case_read(folder, 0, &block, 0, asked, &budget), 0);
    CU_ASSERT_EQUAL(case_read(folder, 0, &block, 40000, asked, &budget), 0);
    case_remove(folder);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// What h5py must find: values that are not null, and their sum modulo 2^64 (of ids: bytes).
static void expected_sum(const pc_block *block, int t, int c, int64_t *count, uint64_t *sum)
{
    const pc_column *column = &block->table[t].column[c];
    const bool is_key =
        block->table[t].parent != NULL && block->model->table[t].column[c].parent_column >= 0;
    *count = 0;
    *sum = 0;
    for (int64_t row = 0; column->data != NULL && row < block->table[t].row_count; row++) {
        if (pc_column_is_null(column, row)) continue;
        if (is_key && block->table[t].parent[row] >= 0) continue;
        ++*count;
        if (column->type == PC_ID) {
            *sum += pc_column_span(column, row).bytes;
        } else {
            *sum += (uint64_t)pc_column_int(column, row);
        }
    }
}

// Copies the example of docs/store.md, its only Python, to a file.
static bool write_example(const char *path)
{
    char line[256];
    bool is_inside = false, is_found = false;
    FILE *page = fopen(PC_TEST_DATA "/../../docs/store.md", "r");
    FILE *script = fopen(path, "w");
    while (page != NULL && script != NULL && fgets(line, sizeof line, page) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            is_inside = strncmp(line, "```python", 9) == 0;
            is_found = is_found || is_inside;
        } else if (is_inside) {
            fputs(line, script);
        }
    }
    if (page != NULL) fclose(page);
    if (script != NULL) fclose(script);
    return is_found;
}

// Reads lines "table column count sum"; returns how many datasets are wrong.
static int compare_sums(FILE *lines, const pc_block *block, int *found)
{
    char table[64], name[64];
    long long count;
    unsigned long long sum;
    int wrong = 0;
    while (fscanf(lines, "%63s %63s %lld %llu", table, name, &count, &sum) == 4) {
        const int t = pc_model_find_table(block->model, pc_span_of(table));
        if (t < 0) continue;
        const int c = pc_model_find_column(&block->model->table[t], pc_span_of(name));
        if (c < 0) continue;
        int64_t expected_count;
        uint64_t expected;
        expected_sum(block, t, c, &expected_count, &expected);
        ++*found;
        wrong += count != expected_count || sum != expected;
    }
    return wrong;
}

// Other tools read our parts: the packed columns alone, the others with our plugin.
static void test_foreign_readers(void)
{
    if (system("python3 -c 'import h5py' 2>/dev/null || /usr/bin/python3 -c 'import h5py' "
               "2>/dev/null") != 0) {
        printf("h5py is absent: skipped ");
        return;
    }
    pc_arena arena = {0};
    char folder[128], command[1024];
    uint64_t seed = 44;
    printf("seed 44 ");
    case_folder(folder);
    const pc_model *model = case_model(&arena);
    const pc_dict *dict = case_dicts(model, &arena, CASE_TEXTS, 1);
    pc_block block = case_block(model, dict, 80, 0, 1, 30, &arena, &seed);
    pc_part_info info;
    CU_ASSERT_EQUAL(case_write(folder, &block, 0, 0, 30, NULL, &info, NULL), PC_OK);
    snprintf(command, sizeof command, "%s/read.py", folder);
    CU_ASSERT(write_example(command));
    snprintf(command, sizeof command,
             "HDF5_PLUGIN_PATH=../plugin; export HDF5_PLUGIN_PATH; unset LD_PRELOAD; "
             "P=python3; $P -c 'import h5py' 2>/dev/null || P=/usr/bin/python3; "
             "$P %s/read.py %s/shards/00/0000/part-000000.h5 > %s/sums 2>&1",
             folder, folder, folder);
    CU_ASSERT_EQUAL(system(command), 0);
    snprintf(command, sizeof command, "%s/sums", folder);
    FILE *lines = fopen(command, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
    int found = 0;
    CU_ASSERT_EQUAL(compare_sums(lines, &block, &found), 0);
    CU_ASSERT(found > 20);
    fclose(lines);
    case_remove(folder);
    pc_arena_reset(&arena);
}

// A column with the values of an earlier one is another name of its dataset.
static void test_repeated_column(void)
{
    pc_arena arena = {0};
    char folder[128], path[256];
    uint64_t seed = 46;
    case_folder(folder);
    const pc_model *model = case_model(&arena);
    const pc_dict *dict = case_dicts(model, &arena, CASE_TEXTS, 1);
    pc_block block = case_block(model, dict, 20, 0, 1, 10, &arena, &seed);
    pc_part_info info;
    CU_ASSERT_EQUAL(case_write(folder, &block, 0, 0, 30, NULL, &info, NULL), PC_OK);
    snprintf(path, sizeof path, "%s/shards/00/0000/part-000000.h5", folder);
    const hid_t file = pc_h5_open(path);
    H5O_info_t first, second, other;
    CU_ASSERT(H5Oget_info_by_name(file, "/CLAIM/D1", &first, H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Oget_info_by_name(file, "/CLAIM/D2", &second, H5P_DEFAULT) >= 0);
    CU_ASSERT(H5Oget_info_by_name(file, "/CLAIM/event_date", &other, H5P_DEFAULT) >= 0);
    CU_ASSERT_EQUAL(first.addr, second.addr);
    CU_ASSERT_NOT_EQUAL(first.addr, other.addr);
    (void)pc_h5_close(file);
    case_remove(folder);
    pc_arena_reset(&arena);
}

// Chunks whose range a zone misses are known without reading.
static void test_zones(void)
{
    pc_arena arena = {0};
    pc_budget budget = {0};
    char folder[128];
    uint64_t seed = 45;
    case_folder(folder);
    const pc_model *model = case_model(&arena);
    const pc_dict *dict = case_dicts(model, &arena, CASE_TEXTS, 1);
    pc_block block = case_block(model, dict, 10, 0, 1, 10, &arena, &seed), *read;
    pc_part_info info;
    pc_store *store = NULL;
    pc_reader *reader = NULL;
    CU_ASSERT_EQUAL(case_write(folder, &block, 0, 0, 30, &budget, &info, NULL), PC_OK);
    CU_ASSERT_EQUAL(finish(folder, model, dict, &info, 1, 1, &budget, NULL), PC_OK);
    const int t = pc_model_find_table(model, pc_span_of("CLAIM"));
    const pc_model_table *table = &model->table[t];
    bool asked[16] = {false};
    asked[t] = true;
    const pc_read_request request = {.table = asked};
    CU_ASSERT_EQUAL_FATAL(pc_store_open(folder, &budget, &store, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_reader_open(store, 0, &request, &budget, &reader, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_reader_next(reader, &read, NULL), PC_OK);
    const pc_zone zone[] = {
        {t, pc_model_find_column(table, pc_span_of("SAME")), 7, 7},
        {t, pc_model_find_column(table, pc_span_of("SAME")), 8, 100},
        {t, pc_model_find_column(table, pc_span_of("EMPTY")), INT64_MIN, INT64_MAX},
        {t, pc_model_find_column(table, pc_span_of("WEIGHT")), 0, 0},
        {t, pc_model_find_column(table, pc_span_of("event_date")), 0, 16999},
        {t, pc_model_find_column(table, pc_span_of("event_date")), 0, 99999}};
    const bool is_empty[] = {false, true, true, false, true, false};
    for (size_t i = 0; i < sizeof zone / sizeof zone[0]; i++) {
        CU_ASSERT_EQUAL(pc_reader_zone_is_empty(reader, &zone[i]), is_empty[i]);
    }
    const pc_column *same;
    const int64_t chunks_read = pc_reader_counts(reader)->chunks_read;
    CU_ASSERT_EQUAL(pc_block_column(read, t, zone[0].column, &same, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_column_int(same, 3), 7);
    CU_ASSERT_PTR_NULL(same->valid);
    CU_ASSERT_EQUAL(pc_reader_counts(reader)->chunks_read, chunks_read); // the directory says it
    pc_reader_close(reader);
    pc_store_close(store);
    case_remove(folder);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("part", {"what is written is read again", test_round_trip},
             {"parts larger than a chunk", test_large_part},
             {"h5py reads parts", test_foreign_readers},
             {"a repeated column is stored once", test_repeated_column}, {"zones", test_zones});
