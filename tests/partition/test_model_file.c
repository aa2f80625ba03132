/** The model of a store with extensions that it lacks: by name or path, again, changed, wrong. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "parcours/model.h"
#include "test_main.h"

enum { PATH_BYTES = 128, NAMES_BYTES = 512 };

static const char BASE[] =
    "{\"model\":\"base\",\"version\":\"1\",\"systems\":{\"ATC\":\"prefix\"},"
    "\"person\":{\"identity\":[\"I\"],\"sex\":\"S\",\"female\":\"2\",\"male\":\"1\","
    "\"birth_year\":\"Y\",\"birth_month\":\"M\",\"death_date\":\"D\",\"latest\":[\"D\"],"
    "\"copy\":[]},\"tables\":{\"I\":{\"files\":[\"I.CSV\"],\"patient\":{\"path\":\"identity\","
    "\"pseudonym\":\"P\",\"rank\":\"R\",\"person\":\"T\"},\"columns\":[\"P id(4)\",\"R int(2)\","
    "\"T id(4)\",\"S int(2)\",\"Y code\",\"M int(2)\",\"D date\"]}},\"derived\":[]}\n";

#define EXTENSION(name, table, column)                                                             \
    "{\"model\":\"" name "\",\"version\":\"1\",\"extends\":\"base\",\"tables\":{\"" table          \
    "\":{\"files\":[\"" table ".CSV\"],\"patient\":{\"path\":\"direct\",\"person\":\"T\","         \
    "\"nobody\":\"N\"},\"columns\":[\"T id(4)\",\"N id(4)\",\"" column "\"]}}}\n"

static void file_path(const char *name, char out[PATH_BYTES])
{
    (void)snprintf(out, PATH_BYTES, "/tmp/parcours_test_model_%d_%s.json", (int)getpid(), name);
}

static void write_text(const char *name, const char *text)
{
    char path[PATH_BYTES];
    file_path(name, path);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void write_all(void)
{
    write_text("base", BASE);
    write_text("a", EXTENSION("a", "A", "X code"));
    write_text("b", EXTENSION("b", "B", "X code system=ATC"));
    write_text("a_changed", EXTENSION("a", "A", "X int(3)"));
    write_text("base_changed", EXTENSION("base", "C", "X code") " ");
    write_text("clash", EXTENSION("c", "A", "X code"));
    write_text("broken", "{\"model\":");
    write_text("list", "[]");
}

static void remove_all(void)
{
    static const char *const name[] = {"base",         "a",     "b",      "a_changed",
                                       "base_changed", "clash", "broken", "list"};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        char path[PATH_BYTES];
        file_path(name[i], path);
        (void)unlink(path);
    }
}

// "base+a": the paths of those files.
static const char *paths(const char *names, char out[NAMES_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    while (*names != '\0') {
        char name[32], path[PATH_BYTES];
        const size_t bytes = strcspn(names, "+");
        (void)snprintf(name, sizeof name, "%.*s", (int)bytes, names);
        file_path(name, path);
        used +=
            (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", used == 0 ? "" : "+", path);
        names += bytes;
        names += *names == '+';
    }
    return out;
}

static pc_status extend(const char *store, const char *names, pc_arena *arena, const pc_model **own,
                        const pc_model **out, pc_error *err)
{
    char list[NAMES_BYTES];
    PC_TRY(pc_model_read(paths(store, list), "", arena, own, err));
    return pc_model_extend(*own, paths(names, list), "", arena, out, err);
}

static void test_extended(void)
{
    static const struct {
        const char *store, *names, *name;
        int more_tables;
    } row[] = {{"base", "base", "base", 0},         {"base", "a", "base+a", 1},
               {"base", "base+a", "base+a", 1},     {"base", "a+b", "base+a+b", 2},
               {"base+a", "a", "base+a", 0},        {"base+a", "b", "base+a+b", 1},
               {"base+a", "base", "base+a", 0},     {"base+a", "base+a+b", "base+a+b", 1},
               {"base+a", "base+b", "base+a+b", 1}, {"base+a+b", "b+a", "base+a+b", 0}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        pc_budget budget = {0};
        pc_arena arena = {.budget = &budget};
        pc_error err = {0};
        const pc_model *own = NULL, *model = NULL, *whole = NULL;
        char list[NAMES_BYTES];
        CU_ASSERT_EQUAL(extend(row[i].store, row[i].names, &arena, &own, &model, &err), PC_OK);
        CU_ASSERT_STRING_EQUAL(err.text, "");
        if (model != NULL && own != NULL) {
            CU_ASSERT_STRING_EQUAL(model->name, row[i].name);
            CU_ASSERT_EQUAL(model->table_count - own->table_count, row[i].more_tables);
            CU_ASSERT_EQUAL(model == own, row[i].more_tables == 0);
            // What one list of all of them gives.
            CU_ASSERT_EQUAL(pc_model_read(paths(row[i].name, list), "", &arena, &whole, &err),
                            PC_OK);
            CU_ASSERT(whole != NULL && pc_span_equal(whole->document, model->document));
        }
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
}

static void test_refused(void)
{
    static const struct {
        const char *store, *names, *sentence;
    } row[] = {{"base+a", "a_changed", "another text of model 'a'"},
               {"base", "base_changed", "another text of model 'base'"},
               {"base+a", "clash", "is there twice"},
               {"a", "b", "given behind its base"},
               {"base", "broken", "_broken.json': line 1, column 10"},
               {"base", "list", "_list.json'"},
               {"base", "nowhere", "there is no file"}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        pc_budget budget = {0};
        pc_arena arena = {.budget = &budget};
        pc_error err = {0};
        const pc_model *own = NULL, *model = NULL;
        CU_ASSERT_EQUAL(extend(row[i].store, row[i].names, &arena, &own, &model, &err), PC_BAD_JOB);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, row[i].sentence));
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 64; status != PC_OK && limit < 1 << 20; limit += 1 + limit / 16) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        const pc_model *own = NULL, *model = NULL;
        status = extend("base+a", "b", &arena, &own, &model, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

static void test_all(void)
{
    write_all();
    test_extended();
    test_refused();
    test_any_request_may_be_refused();
    remove_all();
}

PC_TEST_MAIN("model_file", {"a store's model is extended", test_all});
