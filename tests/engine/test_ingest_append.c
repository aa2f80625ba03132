/** Whole ingests on one rank with as little memory as they can be given: a store is made, gains a
 *  delivery that moves, continues and rewrites slots, has a file replaced, and is compacted. With
 *  too little memory each step says so and leaves what was there. tests/jobs/test_append.sh
 * compares the rows. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/ingest.h"
#include "parcours/store.h"
#include "test_main.h"

enum { PATH_BYTES = 256, TEXT_BYTES = 65536, MOST_TRIES = 80 };

static const char MODEL[] =
    "{\"model\":\"register\",\"version\":\"1\",\"delimiter\":\";\","
    "\"keys\":{\"visit\":{\"table\":\"VISIT\",\"episode\":true}},"
    "\"person\":{\"identity\":[\"PEOPLE\"],\"sex\":\"SEX\",\"female\":\"2\",\"male\":\"1\","
    "\"birth_year\":\"YEAR\",\"birth_month\":\"MONTH\",\"death_date\":\"DEATH\",\"copy\":[]},"
    "\"tables\":{"
    "\"PEOPLE\":{\"files\":[\"people_*.csv\"],\"patient\":{\"path\":\"identity\","
    "\"pseudonym\":\"WHO\",\"rank\":\"TWIN\",\"person\":\"PERSON_ID\"},\"columns\":["
    "\"WHO id(4) patient core\",\"TWIN int(2) core\",\"PERSON_ID id(4) patient core\","
    "\"SEX code core\",\"YEAR int(4) core\",\"MONTH int(2) core\",\"DEATH date core\"]},"
    "\"VISIT\":{\"files\":[\"visit_*.csv\"],\"patient\":{\"path\":\"pair\",\"pseudonym\":\"WHO\","
    "\"rank\":\"TWIN\"},\"primary\":[\"VISIT_NUMBER\"],\"dates\":[\"DAY\"],\"columns\":["
    "\"VISIT_NUMBER id(6) core\",\"WHO id(4) patient core\",\"TWIN int(2) core\","
    "\"DAY date core\",\"CAUSE code core\"]},"
    "\"ACT\":{\"files\":[\"act_*.csv\"],\"patient\":{\"path\":\"key\",\"parent\":\"visit\"},"
    "\"columns\":[\"VISIT_NUMBER id(6) core\",\"ACT_CODE code core\"]},"
    "\"LETTER\":{\"files\":[\"letter_*.csv\"],\"patient\":{\"path\":\"same\",\"tables\":[\"VISIT\"]"
    ","
    "\"columns\":[\"VISIT_NUMBER\"]},\"columns\":[\"VISIT_NUMBER id(6) core\",\"SENT date core\"]}"
    "}}";

static const char PEOPLE[] = "WHO;TWIN;PERSON_ID;SEX;YEAR;MONTH;DEATH\n";
static const char VISIT[] = "VISIT_NUMBER;WHO;TWIN;DAY;CAUSE\n";
static const char ACT[] = "VISIT_NUMBER;ACT_CODE\n";
static const char LETTER[] = "VISIT_NUMBER;SENT\n";

static void root(char out[PATH_BYTES], const char *name)
{
    CU_ASSERT(snprintf(out, PATH_BYTES, "/tmp/parcours_test_append_%d%s", (int)getpid(), name) > 0);
}

static void write_file(const char *name, const char *head, const char *rows)
{
    char path[PATH_BYTES];
    root(path, name);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(head, file) >= 0 && fputs(rows, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void make_folder(const char *name)
{
    char path[PATH_BYTES];
    root(path, name);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
}

/** What the steps bring: `first` leaves w3 unknown, visit 5 away from its act and its letter. */
static void write_deliveries(void)
{
    static const char *const folder[] = {"", "/first", "/second", "/third"};
    for (size_t i = 0; i < sizeof folder / sizeof folder[0]; i++)
        make_folder(folder[i]);
    write_file("/model.json", MODEL, "");
    write_file("/first/people_1.csv", PEOPLE, "w1;1;p1;1;1950;4;\nw2;1;p2;2;1960;5;\n");
    write_file("/first/visit_1.csv", VISIT,
               "1;w1;1;2019-01-01;a\n2;w2;1;2019-01-02;b\n3;w3;1;2019-01-03;c\n");
    write_file("/first/act_1.csv", ACT, "1;x\n2;y\n3;x\n5;z\n");
    write_file("/first/letter_1.csv", LETTER, "1;2019-02-01\n5;2019-02-02\n");
    // w3 becomes known: moved. Visit 4 comes later: continued. Visit 5 is awaited: moved.
    write_file("/second/people_2.csv", PEOPLE, "w3;1;p1;1;1950;4;\n");
    write_file("/second/visit_2.csv", VISIT,
               "4;w2;1;2019-03-01;d\n5;w2;1;2019-01-02;b\n1;w1;1;2019-01-01;a\n");
    write_file("/second/act_2.csv", ACT, "4;x\n1;w\n");
    write_file("/second/letter_2.csv", LETTER, "2;2019-02-03\n");
    // The first visits again: visit 2 is no more, so that its act and letter are nobody's.
    write_file("/third/visit_1.csv", VISIT, "1;w1;1;2019-01-01;a\n3;w3;1;2019-01-04;c\n");
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        (void)unlink(path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char inside[2 * PATH_BYTES];
        if (snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name) < (int)sizeof inside) {
            remove_tree(inside);
        }
    }
    (void)closedir(folder);
    (void)rmdir(path);
}

static size_t read_manifest(char out[TEXT_BYTES])
{
    char path[PATH_BYTES];
    root(path, "/store/store.json");
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    const size_t bytes = fread(out, 1, TEXT_BYTES, file);
    CU_ASSERT(bytes > 0 && bytes < TEXT_BYTES);
    CU_ASSERT_EQUAL(fclose(file), 0);
    return bytes;
}

static pc_comm *open_comm(void)
{
    int argc = 0;
    char *words[] = {NULL};
    char **argv = words;
    static pc_comm *comm; // MPI can be started once in a process
    if (comm == NULL) comm = pc_comm_open(&argc, &argv);
    return comm;
}

/** The step with more and more memory, until it is done. */
static void with_little_memory(pc_ingest_options options, const char *delivery)
{
    char store[PATH_BYTES], in[PATH_BYTES], model[PATH_BYTES];
    static char before[TEXT_BYTES], after[TEXT_BYTES];
    root(store, "/store");
    root(in, delivery == NULL ? "" : delivery);
    root(model, "/model.json");
    options.store = store;
    options.in = delivery == NULL ? NULL : in;
    options.model = options.append || options.replace || options.compact ? NULL : model;
    options.shards = options.model == NULL ? 0 : 2;
    options.max_rejects = -1;
    options.share = ".";
    const pc_log log = {.quiet = true};
    const size_t bytes = read_manifest(before);
    pc_status status = PC_NO_MEMORY;
    int tries = 0;
    for (size_t limit = 1 << 14; status == PC_NO_MEMORY && tries < MOST_TRIES; tries++) {
        pc_budget budget = {.limit_bytes = limit};
        options.budget = &budget;
        pc_error err = {0};
        status = pc_ingest_run(open_comm(), &options, &log, &err);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        if (status != PC_OK && status != PC_NO_MEMORY) printf("%zu: %s\n", limit, err.text);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        CU_ASSERT(budget.peak_bytes <= limit);
        if (status != PC_OK) {
            CU_ASSERT_EQUAL(read_manifest(after), bytes);
            CU_ASSERT_EQUAL(memcmp(before, after, bytes), 0);
        }
        limit += limit;
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(tries > 5); // refused at many places
    printf("%d tries ", tries);
}

/** Rows of a table in the store, as it is now. */
static int64_t rows_of(const char *table)
{
    char path[PATH_BYTES];
    root(path, "/store");
    pc_budget budget = {0};
    pc_store *store = NULL;
    pc_error err = {0};
    CU_ASSERT_EQUAL(pc_store_open(path, &budget, &store, &err), PC_OK);
    if (store == NULL) return -1;
    const int at = pc_model_find_table(pc_store_model(store), pc_span_of(table));
    const int64_t rows = at < 0 ? -1 : pc_store_table_rows(store, at);
    pc_store_close(store);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
    return rows;
}

static void check_rows(int64_t people, int64_t persons, int64_t visits, int64_t acts)
{
    CU_ASSERT_EQUAL(rows_of("PEOPLE"), people);
    CU_ASSERT_EQUAL(rows_of("PERSON"), persons);
    CU_ASSERT_EQUAL(rows_of("VISIT"), visits);
    CU_ASSERT_EQUAL(rows_of("ACT"), acts);
}

static void test_life_of_a_store(void)
{
    char path[PATH_BYTES];
    root(path, "");
    write_deliveries();
    with_little_memory((pc_ingest_options){0}, "/first");
    check_rows(2, 3, 3, 4); // persons: w1, w2 and the unresolved w3
    with_little_memory((pc_ingest_options){.append = true}, "/second");
    check_rows(3, 2, 5, 6); // w3 is p1; visit 1 came twice
    with_little_memory((pc_ingest_options){.replace = true}, "/third");
    check_rows(3, 2, 4, 6); // visit 2 went
    with_little_memory((pc_ingest_options){.compact = true}, NULL);
    check_rows(3, 2, 4, 6);
    remove_tree(path);
}

PC_TEST_MAIN("ingest: a store that changes, with little memory",
             {"made, added to, replaced, compacted", test_life_of_a_store});
