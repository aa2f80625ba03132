/** Models: the worked example of docs/model.md, what is wrong with a model, and the shipped SNDS.
 */
#include "parcours/model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parcours/csv.h"
#include "parcours/dict.h"
#include "test_main.h"

static pc_status read_text(const char *path, pc_buffer *out)
{
    char piece[4096];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PC_IO;
    size_t got = 1;
    pc_status status = PC_OK;
    while (got > 0 && status == PC_OK) {
        got = fread(piece, 1, sizeof piece, file);
        status = pc_buffer_append(out, piece, got, NULL);
    }
    (void)fclose(file);
    return status;
}

// The text of the next ``` block of a page, of that kind; moves *at behind it.
static pc_span next_block(const char **at, const char *kind)
{
    char begin[16];
    (void)snprintf(begin, sizeof begin, "```%s\n", kind);
    const char *from = strstr(*at, begin);
    if (from == NULL) return (pc_span){"", 0};
    from += strlen(begin);
    *at = strstr(from, "```\n");
    return (pc_span){from, (size_t)(*at - from)};
}

static pc_buffer example_page(pc_budget *budget)
{
    pc_buffer page = {.budget = budget};
    char path[1024];
    const int root = (int)(strlen(PC_TEST_DATA) - strlen("/tests/data"));
    (void)snprintf(path, sizeof path, "%.*s/docs/model.md", root, PC_TEST_DATA);
    CU_ASSERT_EQUAL_FATAL(read_text(path, &page), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_buffer_append(&page, "", 1, NULL), PC_OK);
    return page;
}

static void test_example(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    const pc_model *m = NULL;
    pc_error err = {0};
    pc_buffer page = example_page(&budget);
    const char *at = page.data;
    const pc_status status = pc_model_parse(next_block(&at, "json"), "register", &arena, &m, &err);
    CU_ASSERT_EQUAL_FATAL(status, PC_OK);
    CU_ASSERT_STRING_EQUAL(m->name, "register");
    CU_ASSERT_STRING_EQUAL(m->table[0].delimiters, ",");
    CU_ASSERT_EQUAL(m->table_count, 4);
    const pc_model_table *t = &m->table[pc_model_find_table(m, pc_span_of("visit"))];
    CU_ASSERT_EQUAL(t->path, PC_PATH_PAIR);
    CU_ASSERT_EQUAL(t->event_date, 0);
    CU_ASSERT_EQUAL(t->event_end, 1);
    CU_ASSERT_EQUAL(t->file_year, 2);
    CU_ASSERT_STRING_EQUAL(t->column[t->own_date].name, "FIRST_DAY");
    CU_ASSERT_STRING_EQUAL(t->column[t->own_end].name, "LAST_DAY");
    CU_ASSERT(t->check_period);
    CU_ASSERT_EQUAL(t->own_key, 0);
    CU_ASSERT_EQUAL(t->primary_count, 2);
    CU_ASSERT_EQUAL(t->primary[1], t->file_year);
    CU_ASSERT_EQUAL(t->dummy_count, 1);
    CU_ASSERT_STRING_EQUAL(t->dummy[0].value[0], "XXXXXXXX");
    CU_ASSERT_EQUAL(t->net.by_count, 2);
    CU_ASSERT_STRING_EQUAL(t->net.quantity, "COST");
    const pc_model_table *letter = &m->table[pc_model_find_table(m, pc_span_of("letter"))];
    CU_ASSERT_EQUAL(letter->path, PC_PATH_SAME);
    CU_ASSERT_EQUAL(letter->same.table_count, 1);
    CU_ASSERT_EQUAL(letter->same.their[0], pc_model_find_column(t, pc_span_of("visit_number")));
    CU_ASSERT_EQUAL(m->population_count, 1);
    CU_ASSERT_EQUAL(m->population[0].class_count, 3);
    const pc_model_column *c = &t->column[pc_model_find_column(t, pc_span_of("diagnosis"))];
    CU_ASSERT_EQUAL(c->type, PC_CODE);
    CU_ASSERT_STRING_EQUAL(m->dict_name[c->dict], "ICD10");
    CU_ASSERT_EQUAL(m->system[c->system].kind, PC_SYSTEM_PREFIX);
    CU_ASSERT_EQUAL(c->class_of, PC_CLASS_SENSITIVE);
    CU_ASSERT_STRING_EQUAL(c->label, "Main diagnosis");
    c = &t->column[pc_model_find_column(t, pc_span_of("COST"))];
    CU_ASSERT_EQUAL(c->scale, 2);
    CU_ASSERT_EQUAL(c->digits, 18);
    CU_ASSERT_STRING_EQUAL(c->unit, "euros");
    CU_ASSERT_EQUAL(m->rule_count, 1);
    c = &t->column[m->rule[0].column];
    CU_ASSERT_STRING_EQUAL(c->name, "paid");
    CU_ASSERT_STRING_EQUAL(c->sql, "COALESCE(COST > 0, FALSE)");
    const pc_model_table *person = &m->table[m->person_table];
    CU_ASSERT_STRING_EQUAL(person->name, "PERSON");
    CU_ASSERT_EQUAL(person->event_date, -1);
    CU_ASSERT(pc_model_find_column(person, pc_span_of("REGION")) > 0);
    pc_arena_reset(&arena);
    pc_buffer_release(&page);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static pc_status count_rows(void *context, const unsigned char *row, int64_t row_count,
                            pc_error *err)
{
    (void)row;
    (void)err;
    *(int64_t *)context += row_count;
    return PC_OK;
}

static int64_t stored_rows(const pc_model *m, const char *name, pc_span text, pc_budget *budget,
                           pc_buffer *rejected)
{
    char folder[] = "/tmp/pc_model_XXXXXX";
    char path[64];
    pc_arena arena = {.budget = budget};
    pc_csv_file file;
    const pc_row_layout *layout = NULL;
    pc_dict_builder *dict[16];
    pc_csv_reader *reader = NULL;
    pc_csv_counts counts;
    pc_digest digest;
    int64_t rows = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    CU_ASSERT_EQUAL(fwrite(text.data, 1, text.bytes, out), text.bytes);
    (void)fclose(out);
    for (int i = 0; i < m->dict_count; i++) {
        CU_ASSERT_EQUAL(pc_dict_builder_new(budget, &dict[i], NULL), PC_OK);
    }
    CU_ASSERT_EQUAL_FATAL(pc_csv_open(m, path, name, 0, &arena, &file, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_row_layout_make(m, file.table, &arena, &layout, NULL), PC_OK);
    CU_ASSERT_EQUAL_FATAL(pc_csv_reader_open(m, dict, budget, &reader, NULL), PC_OK);
    CU_ASSERT_EQUAL(pc_csv_read_unit(reader, &file, 0, layout, count_rows, &rows, rejected, &counts,
                                     &digest, NULL),
                    PC_OK);
    pc_csv_reader_close(reader);
    for (int i = 0; i < m->dict_count; i++)
        pc_dict_builder_free(dict[i]);
    pc_arena_reset(&arena);
    (void)unlink(path);
    (void)rmdir(folder);
    return rows;
}

static void test_example_files(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    const pc_model *m = NULL;
    pc_buffer rejected = {.budget = &budget};
    pc_buffer page = example_page(&budget);
    const char *at = page.data;
    CU_ASSERT_EQUAL_FATAL(pc_model_parse(next_block(&at, "json"), "register", &arena, &m, NULL),
                          PC_OK);
    CU_ASSERT_EQUAL(stored_rows(m, "people.csv", next_block(&at, "csv"), &budget, &rejected), 2);
    CU_ASSERT_EQUAL(rejected.bytes, 0);
    CU_ASSERT_EQUAL(stored_rows(m, "visits_2019.csv", next_block(&at, "csv"), &budget, &rejected),
                    2);
    CU_ASSERT_EQUAL_FATAL(rejected.bytes, sizeof(pc_rejected));
    const pc_rejected *r = (const pc_rejected *)(const void *)rejected.data;
    CU_ASSERT_EQUAL(r->reason, PC_REJECT_PERIOD);
    CU_ASSERT_EQUAL(r->line, 3);
    pc_buffer_release(&rejected);
    pc_buffer_release(&page);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

typedef struct wrong_model {
    const char *find, *put; // in the example
    const char *sentence;   // part of what is said
} wrong_model;

static const wrong_model WRONG[] = {
    {"\"delimiter\": \",\"", "\"delimiter\": \"#\"", "delimiter: expected one of"},
    {"\"delimiter\": \",\"", "\"delimiter\": \"\"", "delimiter: expected one of"},
    {"\"delimiter\": \",\"", "\"delimiter\": \",#\"", "delimiter: expected one of"},
    {"\"death_date\": \"DEATH\"", "\"death_date\": \"VISIT.COST\"",
     "person.death_date: expected a column of type date of a patient table"},
    {"\"death_date\": \"DEATH\"", "\"death_date\": \"VISITS.COST\"",
     "person.death_date: no table 'VISITS', did you mean 'VISIT'?"},
    {"\"delimiter\"", "\"delimeter\"", "unknown key 'delimeter', did you mean 'delimiter'?"},
    {"\"version\": \"1\", ", "", "$.version: missing: expected a text"},
    {"\"prefix\"", "\"prefixes\"", "systems.ICD10: expected \"flat\", \"prefix\" or \"tree\""},
    {"\"table\": \"VISIT\"", "\"table\": \"VISITS\"",
     "keys.visit: no table 'VISITS', did you mean 'VISIT'?"},
    {"\"sex\": \"SEX\"", "\"sex\": \"SEXE\"", "person.sex: no column of PEOPLE called 'SEXE'"},
    {"\"identity\": [\"PEOPLE\"]", "\"identity\": []", "person.identity: expected at least one"},
    {"\"identity\": [\"PEOPLE\"]", "\"identity\": \"PEOPLE\"",
     "person.identity: expected a list of texts, found"},
    {"people.csv", "in/people.csv", "tables.PEOPLE.files: expected file names without a folder"},
    {"visits_{yyyy}", "visits_{year}", "tables.VISIT.files: expected {yyyy} or {yy}"},
    {"visits_{yyyy}", "visits", "tables.VISIT.files: a table with a file_year needs"},
    {"RANK int(2)", "RANK integer(2)", "tables.PEOPLE.columns[1]: expected a type"},
    {"RANK int(2)", "RANK int", "tables.PEOPLE.columns[1]: expected a type"},
    {"RANK int(2)", "RANK int(19)", "columns[1]: 'int(19)': digits are 1 to 18"},
    {"decimal(11,2)", "decimal(11)", "tables.VISIT.columns[6]: expected a type"},
    {"id(8)", "id(65)", "bytes of an id 1 to 64"},
    {"RANK int(2)", "1RANK int(2)", "columns[1]: expected a name"},
    {"SEX code quasi", "SEX code quazi", "columns[3]: expected core, often, a class"},
    {"system=ICD10", "system=ICD1", "no code system 'ICD1', did you mean 'ICD10'?"},
    {"DEATH date", "DEATH date system=ICD10", "a code system needs type code, text, int or id"},
    {"DEATH date", "DEATH date dict=SEX", "a dictionary needs type code or text"},
    {"REGION code", "rank code", "column 'rank' is in PEOPLE twice"},
    {"REGION code", "patient code", "'patient' is a name of the engine's own"},
    {"\"path\": \"pair\"", "\"path\": \"pear\"", "patient: expected path identity, pair"},
    {"\"rank\": \"RANK\", \"dummies\"", "\"dummies\"", "tables.VISIT.patient.rank: missing"},
    {"\"dummies\": {\"PSEUDONYM\"", "\"dummies\": {\"PSEUDONIM\"", "did you mean 'PSEUDONYM'?"},
    {"[\"FIRST_DAY\", \"LAST_DAY\"]", "[\"FIRST_DAY\"]", "period: expected two dates"},
    {"\"period\": true", "\"disjoint\": true", "disjoint: expected a patient table with a primary"},
    {"\"period\": true", "\"needs_person\": true", "needs_person: expected a patient table"},
    {"[\"FIRST_DAY\", \"LAST_DAY\"]", "[\"COST\", \"LAST_DAY\"]",
     "dates: expected columns of type"},
    {"[\"VISIT_NUMBER\", \"file_year\"]", "[\"paid\"]", "primary: expected columns of the files"},
    {"\"primary\": [\"VISIT_NUMBER\", \"file_year\"],", "", "tables.VISIT.primary: missing"},
    {"[\"VISIT\", \"paid", "[\"VISITE\", \"paid", "derived[0]: no table 'VISITE', did you mean"},
    {"\"COALESCE(COST > 0, FALSE)\"", "\"\"", "derived[0]: expected an SQL expression"},
    {", \"COALESCE(COST > 0, FALSE)\"", "", "derived[0]: expected [tables,"},
    {"\"derived\"", "derived", "register"},
    {"\"tables\": [\"VISIT\"]", "\"tables\": [\"LETTER\"]", "LETTER does not find its patients by"},
    {"\"tables\": [\"VISIT\"], ", "", "tables.LETTER.patient.tables: missing"},
    {"\"VISIT_NUMBER id(6) core\",\n        \"SENT", "\"VISIT_NUMBER id(7) core\",\n        \"SENT",
     "column VISIT_NUMBER is of another type than in VISIT"},
    {"\"by\": [\"event_date\", \"DIAGNOSIS\"]", "\"by\": [\"event_dat\", \"DIAGNOSIS\"]",
     "tables.VISIT.net: 'event_dat' is no column of VISIT, its parent or a companion"},
    {"\"quantity\": \"COST\"", "\"amount\": \"COST\"", "net: unknown key 'amount'"},
    {"[15, 64, 65]", "[16, 64, 65]", "classes: expected classes without gaps from age 0"},
    {"[65, null, 9]", "[65, 90, 9]", "expected null as the last age"},
    {"[0, 14, 26]", "[0, 14]", "expected [first age, last age or null, weight]"},
    {"[0, 14, 26]", "[0, 14, -1]", "a weight from 0"},
    {"\"classes\": [[", "\"female\": [[", "expected \"classes\", or \"female\" and \"male\""},
};

static void test_wrong_models(void)
{
    pc_budget budget = {0};
    pc_buffer page = example_page(&budget);
    const char *at = page.data;
    const pc_span right = next_block(&at, "json");
    int wrong = 0;
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        pc_arena arena = {.budget = &budget};
        pc_buffer text = {.budget = &budget};
        const pc_model *m = NULL;
        pc_error err = {0};
        const char *from = strstr(right.data, WRONG[i].find);
        CU_ASSERT_PTR_NOT_NULL_FATAL(from);
        const char *behind = from + strlen(WRONG[i].find);
        CU_ASSERT_EQUAL(pc_buffer_print(&text, NULL, "%.*s%s%.*s", (int)(from - right.data),
                                        right.data, WRONG[i].put,
                                        (int)(right.data + right.bytes - behind), behind),
                        PC_OK);
        const pc_status status =
            pc_model_parse((pc_span){text.data, text.bytes}, "register", &arena, &m, &err);
        if (status != PC_BAD_JOB || strstr(err.text, WRONG[i].sentence) == NULL) {
            (void)fprintf(stderr, "\n%s: %s\n", WRONG[i].sentence, err.text);
            wrong++;
        }
        pc_buffer_release(&text);
        pc_arena_reset(&arena);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    pc_buffer_release(&page);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static const pc_model_table *table_of(const pc_model *m, const char *name)
{
    const int table = pc_model_find_table(m, pc_span_of(name));
    CU_ASSERT_FATAL(table >= 0);
    return &m->table[table];
}

static void check_snds(const pc_model *m)
{
    const pc_model_table *prs = table_of(m, "ER_PRS_F");
    const pc_model_table *pha = table_of(m, "ER_PHA_F");
    const int cip = pc_model_find_column(pha, pc_span_of("PHA_PRS_C13"));
    CU_ASSERT_EQUAL(prs->primary_count, 9);
    CU_ASSERT_EQUAL(pha->parent_key, pc_model_find_key(m, pc_span_of("claim")));
    for (int i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(pha->column[pha->primary[i]].parent_column, prs->primary[i]);
    }
    CU_ASSERT_EQUAL(pha->own_date, -1);
    CU_ASSERT(table_of(m, "ER_ETE_F")->companion);
    CU_ASSERT_EQUAL(pha->column[cip].type, PC_INT);
    CU_ASSERT_STRING_EQUAL(m->system[pha->column[cip].system].name, "CIP13");
    CU_ASSERT_STRING_EQUAL(pha->column[cip].null_mark[0], "0");
    CU_ASSERT_EQUAL(pha->reference[0].table, pc_model_find_table(m, pc_span_of("IR_PHA_R")));
    const pc_model_table *stay = table_of(m, "T_MCOaaC");
    CU_ASSERT_EQUAL(stay->path, PC_PATH_PSEUDONYM);
    CU_ASSERT_STRING_EQUAL(stay->column[stay->rank].name, "RNG_NAI");
    CU_ASSERT_EQUAL(stay->dummy[0].value_count, 5);
    CU_ASSERT_EQUAL(stay->primary[2], stay->file_year);
    const pc_model_table *death = table_of(m, "KI_CCI_R");
    CU_ASSERT_EQUAL(death->path, PC_PATH_DIRECT);
    CU_ASSERT_EQUAL(death->person_flag_value, 1);
    CU_ASSERT_STRING_EQUAL(death->column[death->nobody_key].name, "DCD_IDT_ENC");
    CU_ASSERT_EQUAL(m->person.identity_count, 2);
}

// What holds for each table of any model.
static int broken_tables(const pc_model *m)
{
    int broken = 0;
    for (int i = 0; i < m->table_count; i++) {
        const pc_model_table *t = &m->table[i];
        const bool patient = t->path != PC_PATH_NONE && t->path != PC_PATH_PERSON;
        broken += patient != (t->event_date == 0 && t->event_end == 1);
        broken += (t->path == PC_PATH_KEY) != (t->parent_key >= 0);
        for (int c = 0; c < t->column_count; c++) {
            const pc_model_column *column = &t->column[c];
            const bool has_dict = column->type == PC_CODE || column->type == PC_TEXT;
            broken += has_dict != (column->dict >= 0 && column->dict < m->dict_count);
            broken += (column->origin == PC_FROM_RULE) != (column->sql != NULL);
            broken += pc_model_find_column(t, pc_span_of(column->name)) != c;
        }
    }
    return broken;
}

static void test_snds(void)
{
    pc_budget budget = {0};
    pc_arena arena = {.budget = &budget};
    const pc_model *m = NULL;
    pc_error err = {0};
    int year = 0;
    CU_ASSERT_EQUAL_FATAL(pc_model_read("snds", PC_TEST_SHARE, &arena, &m, &err), PC_OK);
    CU_ASSERT(m->document.bytes < 350 * 1024);
    check_snds(m);
    CU_ASSERT_EQUAL(broken_tables(m), 0);
    static const struct {
        const char *file, *table;
        int year;
    } name[] = {{"ER_PRS_F_2019.CSV", "ER_PRS_F", 2019},
                {"er_prs_f_2019_05.csv.gz", "ER_PRS_F", 2019},
                {"ER_PRS_F.CSV", "ER_PRS_F", 0},
                {"T_MCO19B.CSV", "T_MCOaaB", 2019},
                {"T_MCO19CSTC.csv.zst", "T_MCOaaCSTC", 2019},
                {"T_MCO98C.CSV", "T_MCOaaC", 1998},
                {"IR_BEN_R_ARC.CSV", "IR_BEN_R_ARC", 0}};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        const int table = pc_model_match_file(m, name[i].file, &year);
        CU_ASSERT_FATAL(table >= 0);
        CU_ASSERT_STRING_EQUAL(m->table[table].name, name[i].table);
        CU_ASSERT_EQUAL(year, name[i].year);
    }
    CU_ASSERT_EQUAL(pc_model_match_file(m, "ER_PRS_F_19.CSV", &year), -1);
    CU_ASSERT_EQUAL(pc_model_match_file(m, "truth.json", &year), -1);
    CU_ASSERT_EQUAL(pc_model_match_file(m, "", &year), -1);
    CU_ASSERT_EQUAL(pc_model_read("nowhere", PC_TEST_SHARE, &arena, &m, &err), PC_BAD_JOB);
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Every request for memory is refused once: nothing crashes, nothing stays taken.
static void test_any_request_may_be_refused(void)
{
    pc_budget budget = {0};
    pc_buffer page = example_page(&budget);
    const char *at = page.data;
    const pc_span text = next_block(&at, "json");
    const size_t before = budget.used_bytes;
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t room = 1; status == PC_NO_MEMORY; room += 64) {
        pc_arena arena = {.budget = &budget};
        const pc_model *m = NULL;
        budget.limit_bytes = before + room;
        status = pc_model_parse(text, "register", &arena, &m, NULL);
        refused += status == PC_NO_MEMORY;
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, before);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 10);
    pc_buffer_release(&page);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("model", {"the example of docs/model.md", test_example},
             {"the files of the example", test_example_files},
             {"what is wrong is said with its path", test_wrong_models}, {"the SNDS", test_snds},
             {"each refusal of memory", test_any_request_may_be_refused});
