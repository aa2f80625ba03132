/** The shipped SNDS model against the facts in tests/data/snds: tables, columns, keys, the path to
 *  the patient, cleaning rules, return codes, invalid identifiers, hospitals sent twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/model.h"
#include "test_main.h"

enum { FIELDS = 8, LINE_BYTES = 1024, WORDS = 16 };

static pc_budget budget;
static pc_arena arena = {.budget = &budget};
static const pc_model *snds;

/** A line of a file of facts: its fields between semicolons. */
typedef struct facts {
    FILE *file;
    char line[LINE_BYTES];
    char *field[FIELDS];
    int wrong; // lines that the model contradicts
} facts;

static bool next_line(facts *f)
{
    if (fgets(f->line, sizeof f->line, f->file) == NULL) {
        (void)fclose(f->file);
        return false;
    }
    f->line[strcspn(f->line, "\n")] = '\0';
    char *at = f->line;
    for (int i = 0; i < FIELDS; i++) {
        f->field[i] = at;
        at += strcspn(at, ";");
        if (*at == ';') *at++ = '\0';
    }
    return true;
}

static facts open_facts(const char *name)
{
    char path[1024];
    facts f = {0};
    (void)snprintf(path, sizeof path, "%s/snds/%s.csv", PC_TEST_DATA, name);
    f.file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f.file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(f.line, sizeof f.line, f.file)); // the header
    return f;
}

static void expect(facts *f, bool holds, const char *what)
{
    if (holds) return;
    (void)fprintf(stderr, "\n  %s: %s %s %s", what, f->field[0], f->field[1], f->field[2]);
    f->wrong++;
}

static const pc_model_table *table_of(const char *name)
{
    const int table = pc_model_find_table(snds, pc_span_of(name));
    return table < 0 ? NULL : &snds->table[table];
}

static const pc_model_column *column_of(const pc_model_table *t, const char *name)
{
    const int column = t == NULL ? -1 : pc_model_find_column(t, pc_span_of(name));
    return column < 0 ? NULL : &t->column[column];
}

/** Words of a text, cut in place. */
static int split(char *text, char *word[WORDS])
{
    int count = 0;
    for (char *at = strtok(text, " "); at != NULL && count < WORDS; at = strtok(NULL, " ")) {
        word[count++] = at;
    }
    return count;
}

static void open_model(void)
{
    pc_error err = {0};
    CU_ASSERT_EQUAL_FATAL(pc_model_read("snds", PC_TEST_SHARE, &arena, &snds, &err), PC_OK);
}

// ---- columns ----------------------------------------------------------------------------------

static bool type_fits(const facts *f, const pc_model_column *c)
{
    const char *type = f->field[2];
    const int length = atoi(f->field[3]);
    const int decimals = (int)strlen(f->field[4]) > 2 ? 2 : atoi(f->field[4]);
    const bool is_money = c->type == PC_DECIMAL && c->scale == 2;
    const int most = length > 18 ? 18 : length; // digits that a number can have
    if (strcmp(type, "char") == 0) {
        if (c->type == PC_ID) return c->width >= length;
        return c->type == PC_CODE || c->type == PC_TEXT ||
               (c->type == PC_INT && c->digits >= length) || is_money;
    }
    if (strcmp(type, "int") == 0) return is_money || (c->type == PC_INT && c->digits >= most);
    if (strcmp(type, "decimal") == 0) {
        return (c->type == PC_INT && decimals == 0) ||
               (c->type == PC_DECIMAL && c->scale >= decimals);
    }
    if (strcmp(type, "datetime") == 0) return c->type == PC_DATE;
    if (strcmp(type, "ddmmyyyy") == 0) {
        return c->type == PC_DATE && c->date_format == PC_DATE_DDMMYYYY;
    }
    // Months; the catalogue also calls amounts and marks so whose names end in _AM.
    return c->type == PC_CODE || c->type == PC_INT || is_money;
}

static bool has_null_mark(const pc_model_column *c, const char *mark)
{
    for (int i = 0; i < c->null_count; i++) {
        if (strcmp(c->null_mark[i], mark) == 0) return true;
    }
    return false;
}

static void test_columns(void)
{
    facts f = open_facts("columns");
    int count = 0;
    while (next_line(&f)) {
        const pc_model_column *c = column_of(table_of(f.field[0]), f.field[1]);
        count++;
        expect(&f, c != NULL, "the model lacks");
        if (c == NULL) continue;
        expect(&f, type_fits(&f, c), "of another type");
        const bool is_day = strcmp(f.field[2], "datetime") == 0;
        expect(&f, !is_day || has_null_mark(c, "1600-01-01"), "1600-01-01 is no null");
        // The disease mapping's marks are diseases: more than the plain that the catalogue says.
        const bool is_class = strcmp(pc_class_name(c->class_of), f.field[5]) == 0;
        expect(&f, is_class || strcmp(f.field[0], "CT_IND_AAAA_GN") == 0, "of another class");
    }
    CU_ASSERT_EQUAL(f.wrong, 0);
    CU_ASSERT_EQUAL(count, 3631);
}

// ---- tables and their keys --------------------------------------------------------------------

static bool is_primary(const pc_model_table *t, const char *name)
{
    for (int i = 0; i < t->primary_count; i++) {
        if (strcmp(t->column[t->primary[i]].name, name) == 0) return true;
    }
    return false;
}

// "KEY9 PHA_ORD_NUM": those columns, and the year of the file in PMSI; "+ row", "none": no key.
static void check_primary(facts *f, const pc_model_table *t)
{
    char *word[WORDS];
    char *note = strchr(f->field[1], '(');
    if (note != NULL) *note = '\0';
    const bool repeats =
        strstr(f->field[1], "+ row") != NULL || strstr(f->field[1], "none") != NULL;
    const int count = split(f->field[1], word);
    int expected = strncmp(f->field[0], "T_", 2) == 0;
    bool is_known = true; // the catalogue lists each column of the key
    for (int i = 0; i < count && !repeats; i++) {
        const bool nine = strcmp(word[i], "KEY9") == 0;
        expected += nine ? 9 : 1;
        if (nine) continue;
        is_known = is_known && column_of(t, word[i]) != NULL;
        if (is_known) expect(f, is_primary(t, word[i]), "no key column");
    }
    if (repeats || !is_known) expected = 0;
    if (strcmp(f->field[0], "CT_IND_AAAA_GN") == 0) expected = 2;
    expect(f, t->primary_count == expected, "a key of other columns");
}

static void test_tables(void)
{
    facts f = open_facts("tables");
    int count = 0;
    while (next_line(&f)) {
        const pc_model_table *t = table_of(f.field[0]);
        count++;
        expect(&f, t != NULL, "the model lacks");
        if (t == NULL) continue;
        check_primary(&f, t);
        char *note = strstr(f.field[2], " (");
        if (note != NULL) *note = '\0';
        char *copy = strstr(f.field[2], "{nn}");
        if (copy != NULL) (void)snprintf(copy, 8, "*.CSV");
        bool has_pattern = false;
        for (int i = 0; i < t->pattern_count; i++) {
            has_pattern = has_pattern || strcmp(t->pattern[i], f.field[2]) == 0;
        }
        expect(&f, has_pattern, "another file name");
    }
    CU_ASSERT_EQUAL(f.wrong, 0);
    CU_ASSERT_EQUAL(count, 106);
}

// The child's way to that parent, by those columns.
static bool leads_to(const pc_model_table *child, const pc_model_table *parent, char *const *word,
                     int count)
{
    const char *first = word[0];
    const pc_model_column *c = column_of(child, first);
    if (c == NULL) return false;
    const int column = (int)(c - child->column);
    if (child->parent_key >= 0 && &snds->table[snds->key[child->parent_key].table] == parent) {
        for (int i = 0; i < count; i++) {
            c = column_of(child, word[i]);
            if (c == NULL || c->parent_column < 0 || !is_primary(parent, word[i])) return false;
        }
        return true;
    }
    if (parent->path == PC_PATH_IDENTITY)
        return child->pseudonym == column || child->person == column;
    if (child->path == PC_PATH_IDENTITY) return child->person == column; // the person's own table
    if (parent->path == PC_PATH_DIRECT) return child->person == column;
    // A statement asks its claims, which stand below it; acts ask the stays of the same number.
    const pc_model_table *asking = parent->path == PC_PATH_SAME ? parent : child;
    for (int i = 0; i < asking->same.table_count; i++) {
        const pc_model_table *asked = &snds->table[asking->same.table[i]];
        if (asked == (asking == parent ? child : parent)) return asking->same.column_count == count;
    }
    for (int i = 0; i < child->reference_count; i++) {
        const pc_model_reference *r = &child->reference[i];
        if (r->column == column && &snds->table[r->table] == parent) return true;
    }
    return false;
}

static void test_keys(void)
{
    // A professional is found in two roles by two columns: studies join by the one they mean.
    static const char *const by_query = "PFS_EXE_NUM PFS_PRE_NUM";
    facts f = open_facts("keys");
    int count = 0;
    while (next_line(&f)) {
        const pc_model_table *child = table_of(f.field[0]);
        const pc_model_table *parent = table_of(f.field[2]);
        char *word[WORDS];
        char *year = strstr(f.field[1], " + year aa");
        if (year != NULL) *year = '\0';
        count++;
        expect(&f, child != NULL && parent != NULL, "the model lacks a table of");
        if (child == NULL || parent == NULL || strstr(by_query, f.field[1]) != NULL) continue;
        const int words = split(f.field[1], word);
        expect(&f, leads_to(child, parent, word, words), "no way");
        expect(&f, year == NULL || is_primary(parent, "file_year"), "a key without the year");
    }
    CU_ASSERT_EQUAL(f.wrong, 0);
    CU_ASSERT(count > 90);
}

// ---- rules ------------------------------------------------------------------------------------

/** Rules that need a study's dates, or its way of summing: docs say how a study follows them. */
static const char *const of_study[] = {"D5", "D6", "D9", "B3", "A2", "A3", "M7"};

static int tables_with_rule(const char *id, char column[16])
{
    int found = 0;
    (void)snprintf(column, 16, "rule_%.3s", id);
    for (int t = 0; t < snds->table_count; t++) {
        const pc_model_column *c = column_of(&snds->table[t], column);
        found += c != NULL && c->type == PC_BOOL && c->origin == PC_FROM_RULE;
    }
    return found;
}

static void test_rules(void)
{
    facts f = open_facts("filters");
    int count = 0;
    int of_study_count = 0;
    while (next_line(&f)) {
        char column[16];
        bool by_study = false;
        for (size_t i = 0; i < sizeof of_study / sizeof of_study[0]; i++) {
            by_study = by_study || strcmp(of_study[i], f.field[0]) == 0;
        }
        const int tables = tables_with_rule(f.field[0], column);
        expect(&f, by_study == (tables == 0), "no rule column");
        char *word[WORDS];
        const int words = split(f.field[1], word);
        const bool of_parent = strstr(f.field[0], "D3") != NULL;
        expect(&f,
               by_study || of_parent || words != 1 || column_of(table_of(word[0]), column) != NULL,
               "not a column of its table");
        count++;
        of_study_count += by_study;
    }
    CU_ASSERT_EQUAL(f.wrong, 0);
    CU_ASSERT_EQUAL(count, 31);
    CU_ASSERT_EQUAL(of_study_count, 7);
    CU_ASSERT(table_of("ER_PRS_F")->net.by_count > 0);                   // D6
    CU_ASSERT_PTR_NOT_NULL(column_of(table_of("T_MCOaaB"), "sessions")); // M7
}

static void test_return_codes(void)
{
    facts f = open_facts("return_codes");
    while (next_line(&f)) {
        const pc_model_column *rule = column_of(table_of(f.field[0]), "return_codes_good");
        expect(&f, rule != NULL, "no return codes");
        char *word[WORDS];
        const int words = split(f.field[1], word);
        for (int i = 0; rule != NULL && i < words; i++) {
            char test[128];
            (void)snprintf(test, sizeof test, "COALESCE(%s = '%s', TRUE)", word[i], f.field[2]);
            expect(&f, strstr(rule->sql, test) != NULL, "a return code is not looked at");
        }
    }
    CU_ASSERT_EQUAL(f.wrong, 0);
}

static void test_duplicate_hospitals(void)
{
    facts f = open_facts("finess_duplicates_mco");
    const pc_model_column *rule = column_of(table_of("T_MCOaaB"), "duplicate_hospital");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rule);
    int count = 0;
    while (next_line(&f)) {
        char number[32];
        char years[64];
        (void)snprintf(number, sizeof number, "'%s'", f.field[2]);
        (void)snprintf(years, sizeof years, "BETWEEN %s AND %s", f.field[3], f.field[4]);
        expect(&f, strstr(rule->sql, number) != NULL, "a hospital is not there");
        expect(&f, strstr(rule->sql, years) != NULL, "other years");
        count++;
    }
    int numbers = 0;
    for (const char *at = rule->sql; (at = strchr(at, '\'')) != NULL; at++)
        numbers++;
    CU_ASSERT_EQUAL(f.wrong, 0);
    CU_ASSERT_EQUAL(numbers, 2 * count);
    CU_ASSERT_EQUAL(count, 47);
}

// ---- identifiers ------------------------------------------------------------------------------

static bool is_dummy(const pc_model_table *t, const char *column, const char *value)
{
    for (int d = 0; d < t->dummy_count; d++) {
        if (strcmp(t->column[t->dummy[d].column].name, column) != 0) continue;
        for (int v = 0; v < t->dummy[d].value_count; v++) {
            if (strcmp(t->dummy[d].value[v], value) == 0) return true;
        }
    }
    return false;
}

static void check_identifier(facts *f)
{
    const char *column = f->field[0];
    const char *value = f->field[1];
    const pc_model_table *claim = table_of("ER_PRS_F");
    if (strcmp(column, "NIR_ANO_17") == 0) {
        for (int t = 0; t < snds->table_count; t++) {
            const pc_model_table *of = &snds->table[t];
            if (of->pseudonym < 0 || strcmp(of->column[of->pseudonym].name, column) != 0) continue;
            expect(f, is_dummy(of, column, value), "no dummy");
        }
    } else if (strcmp(column, "BEN_CDI_NIR") == 0) {
        // 99 and NN: the kind of number is unknown, not the person.
        const bool is_unknown = strcmp(value, "99") == 0 || strcmp(value, "NN") == 0;
        expect(f, is_unknown != is_dummy(claim, column, value), "no dummy");
    } else if (strncmp(column, "RGM_COD", 7) == 0) {
        expect(f, is_dummy(claim, "RGM_COD", "888"), "no dummy");
    } else if (value[0] != '\0' && strncmp(column, "BEN_SEX", 7) != 0 &&
               strncmp(column, "BEN_AMA", 7) != 0 && strncmp(column, "NIR_ANO_MAM", 11) != 0) {
        const bool is_drug = strncmp(column, "PHA_", 4) == 0;
        const pc_model_column *c =
            column_of(is_drug ? table_of("ER_PHA_F") : table_of("IR_BEN_R"), column);
        expect(f, c != NULL && has_null_mark(c, value), "no null");
    }
}

static void test_identifiers(void)
{
    facts f = open_facts("invalid_identifiers");
    while (next_line(&f))
        check_identifier(&f);
    CU_ASSERT_EQUAL(f.wrong, 0);
}

static void test_population(void)
{
    const int at = pc_model_find_population(snds, pc_span_of("esp2013"));
    CU_ASSERT_FATAL(at >= 0);
    const pc_model_population *p = &snds->population[at];
    int64_t sum = 0;
    for (int i = 0; i < p->class_count; i++)
        sum += p->classes[i].weight;
    CU_ASSERT_EQUAL(p->class_count, 21);
    CU_ASSERT_EQUAL(sum, 100000);
    CU_ASSERT_EQUAL(p->classes[20].low, 95);
}

static void close_model(void)
{
    pc_arena_reset(&arena);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

PC_TEST_MAIN("model_snds", {"the model is read", open_model}, {"columns", test_columns},
             {"tables and their primary keys", test_tables}, {"ways between tables", test_keys},
             {"cleaning rules", test_rules}, {"return codes", test_return_codes},
             {"hospitals sent twice", test_duplicate_hospitals},
             {"invalid identifiers", test_identifiers}, {"standard population", test_population},
             {"the model is given back", close_model});
