/** Figures of released tables: what they show is what the cells say, a suppressed cell is a gap. */
#include <stdio.h>
#include <string.h>
#include "../../engine/study/figure.h"
#include "test_main.h"

enum { MOST_ROWS = 80, TEXT_BYTES = 8 };

/** A table made of literals: keys and numbers, patients behind each row. */
typedef struct table {
    pc_field field[6];
    pc_column column[6];
    bool is_cell[6];
    pc_dict dict;
    uint64_t offset[MOST_ROWS + 1];
    char bytes[MOST_ROWS * TEXT_BYTES];
    uint8_t code[2][MOST_ROWS];
    double value[4][MOST_ROWS];
    int64_t patients[MOST_ROWS];
    pc_result result;
} table;

static void add_text(table *t, const char *text)
{
    const size_t bytes = strlen(text);
    memcpy(t->bytes + t->offset[t->dict.count], text, bytes);
    t->offset[t->dict.count + 1] = t->offset[t->dict.count] + bytes;
    t->dict.count++;
}

static uint8_t code_of(table *t, const char *text)
{
    for (uint32_t i = 0; i < t->dict.count; i++) {
        if (t->offset[i + 1] - t->offset[i] == strlen(text) &&
            memcmp(t->bytes + t->offset[i], text, strlen(text)) == 0) {
            return (uint8_t)i;
        }
    }
    add_text(t, text);
    return (uint8_t)(t->dict.count - 1);
}

static void open_table(table *t)
{
    *t = (table){0};
    t->dict.offset = t->offset;
    t->dict.bytes = t->bytes;
    t->result = (pc_result){.schema = {.field = t->field},
                            .is_cell = t->is_cell,
                            .column = t->column,
                            .patients = t->patients};
}

static void add_key(table *t, const char *name, int which)
{
    const int at = t->result.schema.field_count++;
    t->field[at] = (pc_field){.name = name, .type = PC_CODE};
    t->column[at] =
        (pc_column){.type = PC_CODE, .width = 1, .data = t->code[which], .dict = &t->dict};
}

static void add_number(table *t, const char *name, int which)
{
    const int at = t->result.schema.field_count++;
    t->field[at] = (pc_field){.name = name, .type = PC_FLOAT};
    t->column[at] = (pc_column){.type = PC_FLOAT, .width = 8, .data = t->value[which]};
    t->is_cell[at] = true;
}

static void open_prevalence(table *t)
{
    open_table(t);
    add_key(t, "sex", 0);
    add_key(t, "band", 1);
    add_number(t, "patients", 0);
    add_number(t, "share", 1);
    add_number(t, "lower", 2);
    add_number(t, "upper", 3);
}

static void add_row(table *t, const char *sex, const char *band, double patients, double share)
{
    const int64_t row = t->result.row_count++;
    t->code[0][row] = code_of(t, sex);
    t->code[1][row] = code_of(t, band);
    t->value[0][row] = patients;
    t->value[1][row] = share;
    t->value[2][row] = share / 2;
    t->value[3][row] = share * 2;
    t->patients[row] = (int64_t)patients;
}

static const pc_statistic prevalence = {
    .kind = PC_STAT_PREVALENCE, .name = "p", .title = "<A> & \"B\""};

/** The figure as text; NULL: none. The text is in `out`. */
static const char *draw(const table *t, const pc_statistic *statistic, bool protect, pc_buffer *out)
{
    pc_arena arena = {.budget = out->budget};
    const pc_shown shown = {.statistic = statistic, .result = &t->result, .protect = protect};
    out->bytes = 0;
    CU_ASSERT_EQUAL(pc_figure_print(&shown, &arena, out, NULL), PC_OK);
    const bool is_empty = out->bytes == 0;
    CU_ASSERT_EQUAL(pc_buffer_append(out, "", 1, NULL), PC_OK);
    pc_arena_reset(&arena);
    return is_empty ? NULL : out->data;
}

static int count(const char *text, const char *piece)
{
    int found = 0;
    for (; text != NULL && (text = strstr(text, piece)) != NULL; text++)
        found++;
    return found;
}

static void test_points(void)
{
    table t;
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    open_prevalence(&t);
    add_row(&t, "F", "10-14", 40, 0.1);
    add_row(&t, "F", "20-24", 3, 0.3); // small
    add_row(&t, "M", "5-9", 50, 0.2);
    add_row(&t, "M", "10-14", 60, 0.25);
    add_row(&t, "all", "all", 153, 0.9);
    const char *svg = draw(&t, &prevalence, true, &out);
    CU_ASSERT_PTR_NOT_NULL_FATAL(svg);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 3);
    CU_ASSERT_EQUAL(count(svg, "<path"), 3);
    CU_ASSERT_EQUAL(count(svg, ">F</text>"), 1);
    CU_ASSERT_EQUAL(count(svg, ">M</text>"), 1);
    CU_ASSERT_EQUAL(count(svg, ">all</text>"), 0);
    CU_ASSERT_EQUAL(count(svg, "&lt;A&gt; &amp; &quot;B&quot;"), 1);
    // A reader's order, though women have no 5-9; the upper end is that of what is shown: 0.5.
    const char *five = strstr(svg, ">5-9<"), *ten = strstr(svg, ">10-14<");
    CU_ASSERT_TRUE(five != NULL && ten != NULL && five < ten);
    CU_ASSERT_EQUAL(count(svg, ">0.5<"), 1);
    CU_ASSERT_EQUAL(count(svg, ">0.6<"), 0);
    svg = draw(&t, &prevalence, false, &out);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 4);
    CU_ASSERT_EQUAL(count(svg, ">0.6<"), 1);
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_counts_are_bars(void)
{
    static const pc_statistic counts = {.kind = PC_STAT_COUNT, .name = "c"};
    table t;
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    open_table(&t);
    add_key(&t, "sex", 0);
    add_number(&t, "records", 0);
    add_number(&t, "patients", 1);
    add_row(&t, "F", "x", 20, 20);
    add_row(&t, "M", "x", 9, 9);
    const char *svg = draw(&t, &counts, true, &out);
    CU_ASSERT_EQUAL(count(svg, "<rect"), 1);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 0);
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_what_has_no_figure(void)
{
    static const pc_statistic overlap = {.kind = PC_STAT_OVERLAP, .name = "o"};
    table t;
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    open_prevalence(&t);
    CU_ASSERT_PTR_NULL(draw(&t, &prevalence, true, &out));
    add_row(&t, "all", "all", 100, 0.5);
    CU_ASSERT_PTR_NULL(draw(&t, &prevalence, true, &out)); // nothing to set side by side
    add_row(&t, "F", "0-4", 5, 0.5);
    CU_ASSERT_PTR_NULL(draw(&t, &prevalence, true, &out)); // all is suppressed
    CU_ASSERT_PTR_NOT_NULL(draw(&t, &prevalence, false, &out));
    CU_ASSERT_PTR_NULL(draw(&t, &overlap, false, &out));
    open_prevalence(&t);
    for (int i = 0; i <= PC_FIGURE_CATEGORIES; i++) {
        char name[TEXT_BYTES];
        (void)snprintf(name, sizeof name, "%d", i);
        add_row(&t, "F", name, 50, 0.1);
        CU_ASSERT_EQUAL(draw(&t, &prevalence, true, &out) == NULL, i == PC_FIGURE_CATEGORIES);
    }
    open_prevalence(&t);
    for (int i = 0; i <= PC_FIGURE_SERIES; i++) {
        char name[TEXT_BYTES];
        (void)snprintf(name, sizeof name, "%d", i);
        add_row(&t, name, "x", 50, 0.1);
        CU_ASSERT_EQUAL(draw(&t, &prevalence, true, &out) == NULL, i == PC_FIGURE_SERIES);
    }
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void open_survival(table *t, const char *value)
{
    open_table(t);
    add_key(t, "sex", 0);
    add_number(t, "day", 0);
    t->is_cell[1] = false;
    add_number(t, value, 1);
    add_number(t, "lower", 2);
    add_number(t, "upper", 3);
}

static void add_day(table *t, const char *sex, double day, double value, int64_t patients)
{
    add_row(t, sex, "x", day, value);
    t->value[2][t->result.row_count - 1] = value * 0.9;
    t->value[3][t->result.row_count - 1] = value * 1.1;
    t->patients[t->result.row_count - 1] = patients;
}

static void test_curves(void)
{
    static const pc_statistic survival = {.kind = PC_STAT_SURVIVAL, .name = "s"};
    table t;
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    open_survival(&t, "survival");
    add_day(&t, "F", 100, 0.9, 50);
    add_day(&t, "F", 200, 0.8, 4); // a gap
    add_day(&t, "F", 300, 0.7, 20);
    add_day(&t, "F", 400, 0.6, 20);
    add_day(&t, "M", 100, 0.5, 20);
    add_day(&t, "all", 100, 0.7, 70);
    const char *svg = draw(&t, &survival, true, &out);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 4);
    CU_ASSERT_EQUAL(count(svg, ">F</text>"), 1);
    CU_ASSERT_EQUAL(count(svg, ">all</text>"), 0);
    // From day 0 at 1 to day 100; again from day 300 to 400. The plane is 540 by 300 at (64, 28).
    CU_ASSERT_EQUAL(count(svg, "d=\"M64.00 28.00L199.00 58.00M469.00 118.00L604.00 148.00\""), 1);
    svg = draw(&t, &survival, false, &out);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 5);
    open_survival(&t, "incidence");
    add_day(&t, "all", 100, 0.05, 50); // nobody but all together: then that is shown
    svg = draw(&t, &survival, true, &out);
    CU_ASSERT_EQUAL(count(svg, "<circle"), 1);
    CU_ASSERT_EQUAL(count(svg, "d=\"M64.00 328.00L"), 1); // from 0
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_flow(void)
{
    static const pc_statistic attrition = {.kind = PC_STAT_ATTRITION, .name = "f"};
    table t;
    pc_budget budget = {0};
    pc_buffer out = {.budget = &budget};
    open_table(&t);
    add_key(&t, "title", 0);
    add_number(&t, "records", 0);
    add_number(&t, "patients", 1);
    add_number(&t, "patients_lost", 2);
    add_row(&t, "entry", "x", 345, 300);
    add_row(&t, "a<b & c", "x", 7, 7);
    const char *svg = draw(&t, &attrition, true, &out);
    CU_ASSERT_EQUAL(count(svg, "<rect"), 2);
    CU_ASSERT_EQUAL(count(svg, "300 patients, 345 records"), 1);
    CU_ASSERT_EQUAL(count(svg, "s patients, s records"), 1);
    CU_ASSERT_EQUAL(count(svg, "s patients left out"), 1);
    CU_ASSERT_EQUAL(count(svg, "a&lt;b &amp; c"), 1);
    pc_buffer_release(&out);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

static void test_any_request_may_be_refused(void)
{
    table t;
    open_prevalence(&t);
    add_row(&t, "F", "10-14", 40, 0.1);
    add_row(&t, "M", "5-9", 50, 0.2);
    const pc_shown shown = {.statistic = &prevalence, .result = &t.result, .protect = true};
    int refused = 0;
    for (size_t limit = 1;; limit += 512) {
        pc_budget budget = {.limit_bytes = limit};
        pc_arena arena = {.budget = &budget};
        pc_buffer out = {.budget = &budget};
        pc_error err;
        const pc_status status = pc_figure_print(&shown, &arena, &out, &err);
        pc_buffer_release(&out);
        pc_arena_reset(&arena);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        if (status == PC_OK) break;
        CU_ASSERT_EQUAL_FATAL(status, PC_NO_MEMORY);
        refused++;
    }
    CU_ASSERT(refused > 3);
}

static void test_round_marks(void)
{
    double step = 0;
    CU_ASSERT_EQUAL(pc_figure_round(1, &step), 1);
    CU_ASSERT_DOUBLE_EQUAL(step, 0.2, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(pc_figure_round(0.031, &step), 0.04, 1e-12);
    CU_ASSERT_EQUAL(pc_figure_round(171, &step), 200);
    CU_ASSERT_EQUAL(step, 50);
    CU_ASSERT_EQUAL(pc_figure_round(1.1e12, &step), 1.5e12);
}

PC_TEST_MAIN("figure", {"shares of groups are points with intervals", test_points},
             {"counts are bars", test_counts_are_bars},
             {"what has no figure", test_what_has_no_figure},
             {"survival and incidence are curves with gaps", test_curves},
             {"an attrition is a flowchart", test_flow},
             {"marks of axes are round", test_round_marks},
             {"any request may be refused", test_any_request_may_be_refused});
