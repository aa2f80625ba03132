/** The delivery report, counting: nulls, months, rules, values that no nomenclature lists. Each
 * rank counts the blocks that it writes; sums do not depend on who wrote what. */
#include <stdlib.h>
#include <string.h>
#include "old.h"
#include "parcours/text.h"
#include "report.h"

enum { MOST_MARKS = 1 << 20 }; // numbers of a nomenclature that are marked in an array

// ---- nomenclatures ----------------------------------------------------------------------------

static int compare_values(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a;
    const int64_t y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static pc_status list_codes(ingest_job *job, const pc_column *from, int64_t rows, report_list *list,
                            pc_error *err)
{
    const pc_dict *dict = job->dict[list->dict];
    bool *is_known = pc_arena_array(&job->arena, (size_t)dict->count + 1, sizeof *is_known, err);
    if (is_known == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < rows; i++) {
        if (pc_column_is_null(from, i)) continue;
        const uint32_t code = pc_dict_find(dict, pc_column_span(from, i));
        if (code != PC_DICT_NONE) is_known[code] = true;
    }
    list->is_known = is_known;
    list->count = dict->count;
    return PC_OK;
}

static pc_status list_numbers(ingest_job *job, const pc_column *from, int64_t rows,
                              report_list *list, pc_error *err)
{
    int64_t *value = pc_arena_array(&job->arena, (size_t)rows + 1, sizeof *value, err);
    if (value == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < rows; i++) {
        if (!pc_column_is_null(from, i)) value[list->count++] = pc_column_int(from, i);
    }
    qsort(value, (size_t)list->count, sizeof *value, compare_values);
    list->value = value;
    if (list->count == 0) return PC_OK;
    const int64_t low = value[0];
    const int64_t high = value[list->count - 1];
    if (high - low >= MOST_MARKS) return PC_OK;
    bool *is_known = pc_arena_array(&job->arena, (size_t)(high - low) + 1, sizeof *is_known, err);
    if (is_known == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < list->count; i++)
        is_known[value[i] - low] = true;
    list->is_known = is_known;
    list->low = low;
    list->count = high - low + 1;
    return PC_OK;
}

// The list that a column is compared with; NULL where the nomenclature was not delivered.
static pc_status find_list(ingest_job *job, const pc_model_column *c, const report_list **out,
                           pc_error *err)
{
    ingest_report *report = job->report;
    *out = NULL;
    const int64_t rows = c->codes == NULL ? 0 : job->reference_rows[c->codes_table];
    if (rows == 0 || job->column[c->codes_table][c->codes_column].data == NULL) return PC_OK;
    for (const report_list *list = report->lists; list != NULL; list = list->next) {
        *out = list;
        if (list->table == c->codes_table && list->column == c->codes_column &&
            list->dict == c->dict) {
            return PC_OK;
        }
    }
    report_list *list = pc_arena_take(&job->arena, sizeof *list, err);
    if (list == NULL) return PC_NO_MEMORY;
    *list = (report_list){
        .table = c->codes_table, .column = c->codes_column, .dict = c->dict, .next = report->lists};
    report->lists = list;
    *out = list;
    const pc_column *from = &job->column[c->codes_table][c->codes_column];
    return c->dict >= 0 ? list_codes(job, from, rows, list, err)
                        : list_numbers(job, from, rows, list, err);
}

static bool is_listed(const report_list *list, int64_t value)
{
    if (list->is_known != NULL) {
        const uint64_t at = (uint64_t)value - (uint64_t)list->low;
        return at < (uint64_t)list->count && list->is_known[at];
    }
    return bsearch(&value, list->value, (size_t)list->count, sizeof value, compare_values) != NULL;
}

// ---- opening ----------------------------------------------------------------------------------

static pc_status open_months(ingest_job *job, pc_error *err)
{
    ingest_report *report = job->report;
    const int32_t first = pc_day_of(REPORT_FIRST_YEAR, 1, 1);
    report->day_count = pc_day_of(REPORT_FIRST_YEAR + REPORT_YEARS, 1, 1) - first;
    report->month_of_day =
        pc_arena_array(&job->arena, (size_t)report->day_count, sizeof *report->month_of_day, err);
    if (report->month_of_day == NULL) return PC_NO_MEMORY;
    for (int32_t day = 0; day < report->day_count; day++) {
        int year, month, day_of_month;
        pc_day_split(first + day, &year, &month, &day_of_month);
        report->month_of_day[day] = (uint16_t)((year - REPORT_FIRST_YEAR) * 12 + month - 1);
    }
    return PC_OK;
}

static pc_status open_table(ingest_job *job, int table, pc_error *err)
{
    const pc_model_table *t = &job->model->table[table];
    report_table *r = &job->report->table[table];
    r->column = pc_arena_array(&job->arena, (size_t)t->column_count, sizeof *r->column, err);
    if (r->column == NULL) return PC_NO_MEMORY;
    for (int c = 0; c < t->column_count; c++) {
        PC_TRY(find_list(job, &t->column[c], &r->column[c].list, err));
    }
    if (t->path == PC_PATH_NONE) return PC_OK;
    r->care = pc_arena_array(&job->arena, REPORT_MONTHS, sizeof *r->care, err);
    if (t->flow >= 0) r->flow = pc_arena_array(&job->arena, REPORT_MONTHS, sizeof *r->flow, err);
    return r->care == NULL || (t->flow >= 0 && r->flow == NULL) ? PC_NO_MEMORY : PC_OK;
}

pc_status report_open(ingest_job *job, pc_error *err)
{
    job->report = pc_arena_take(&job->arena, sizeof *job->report, err);
    if (job->report == NULL) return PC_NO_MEMORY;
    job->report->table = pc_arena_array(&job->arena, (size_t)job->model->table_count,
                                        sizeof *job->report->table, err);
    if (job->report->table == NULL) return PC_NO_MEMORY;
    job->report->first_file = job->old == NULL ? 0 : job->old->file_count;
    PC_TRY(open_months(job, err));
    for (int f = 0; f < job->file_count; f++) {
        const int table = job->file[f].table;
        if (job->report->table[table].column == NULL) PC_TRY(open_table(job, table, err));
    }
    return PC_OK;
}

/** Counters on their way to or from a plain array. */
typedef struct counter_copy {
    int64_t count;
    int64_t *out;
    const int64_t *from;
} counter_copy;

static void copy_counters(counter_copy *copy, int64_t *counter, int64_t count)
{
    const size_t bytes = (size_t)count * sizeof *counter;
    if (counter == NULL) return;
    if (copy->out != NULL) memcpy(copy->out + copy->count, counter, bytes);
    if (copy->from != NULL) memcpy(counter, copy->from + copy->count, bytes);
    copy->count += count;
}

int64_t report_counters(ingest_job *job, int64_t *out, const int64_t *from)
{
    counter_copy copy = {.out = out, .from = from};
    for (int t = 0; t < job->model->table_count; t++) {
        report_table *r = &job->report->table[t];
        if (r->column == NULL) continue;
        copy_counters(&copy, &r->rows, 1);
        copy_counters(&copy, &r->orphans, 1);
        copy_counters(&copy, r->status, STATUS_COUNT);
        for (int c = 0; c < job->model->table[t].column_count; c++) {
            copy_counters(&copy, &r->column[c].null_count, 1);
            copy_counters(&copy, &r->column[c].outside, 1);
            copy_counters(&copy, &r->column[c].refused, 1);
        }
        copy_counters(&copy, r->care, REPORT_MONTHS);
        copy_counters(&copy, r->flow, REPORT_MONTHS);
    }
    return copy.count;
}

// ---- blocks -----------------------------------------------------------------------------------

/** Rows of a table of a block. */
typedef struct rows_of {
    const ingest_report *report;
    int64_t count;
    const uint16_t *file; // NULL: all rows are of this delivery
} rows_of;

static bool is_new(const rows_of *rows, int64_t row)
{
    return rows->file == NULL || rows->file[row] >= rows->report->first_file;
}

static int64_t count_nulls(const rows_of *rows, const pc_column *c)
{
    if (c->data != NULL && c->valid == NULL) return 0;
    int64_t count = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        count += is_new(rows, i) && (c->data == NULL || pc_column_is_null(c, i));
    }
    return count;
}

static int64_t count_outside(const rows_of *rows, const pc_column *c, const report_list *list)
{
    int64_t count = 0;
    int64_t last = 0;
    bool last_is_listed = false;
    bool has_last = false;
    for (int64_t i = 0; c->data != NULL && i < rows->count; i++) {
        if (pc_column_is_null(c, i) || !is_new(rows, i)) continue;
        const int64_t value = pc_column_int(c, i);
        if (!has_last || value != last) last_is_listed = is_listed(list, value);
        last = value;
        has_last = true;
        count += !last_is_listed;
    }
    return count;
}

static int64_t count_refused(const rows_of *rows, const pc_column *c)
{
    int64_t count = 0;
    for (int64_t i = 0; c->data != NULL && i < rows->count; i++) {
        count += is_new(rows, i) && !pc_column_is_null(c, i) && pc_column_int(c, i) == 0;
    }
    return count;
}

static void count_day(const ingest_report *report, int64_t day, int64_t *out)
{
    // Day 0 is the first one of REPORT_FIRST_YEAR.
    const int month = day < 0                    ? REPORT_BEFORE
                      : day >= report->day_count ? REPORT_AFTER
                                                 : report->month_of_day[day];
    out[month]++;
}

// Rows by month of a day of their own.
static void count_months(const rows_of *rows, const pc_column *c, int64_t *out)
{
    for (int64_t i = 0; c->data != NULL && i < rows->count; i++) {
        if (pc_column_is_null(c, i) || !is_new(rows, i)) continue;
        count_day(rows->report, pc_column_int(c, i), out);
    }
}

// Rows by month of a day that is their parent row's, of orphans their own.
static void count_linked(const rows_of *rows, const pc_column *own, const pc_column *linked,
                         const int32_t *parent, int64_t *out)
{
    for (int64_t i = 0; i < rows->count; i++) {
        const pc_column *c = parent[i] < 0 ? own : linked;
        const int64_t row = parent[i] < 0 ? i : parent[i];
        if (c->data == NULL || pc_column_is_null(c, row) || !is_new(rows, i)) continue;
        count_day(rows->report, pc_column_int(c, row), out);
    }
}

static bool is_rule(const pc_model_column *c)
{
    return c->origin == PC_FROM_RULE && c->type == PC_BOOL && strncmp(c->name, "rule_", 5) == 0;
}

static void add_columns(const rows_of *rows, const pc_model_table *t, const pc_block_table *block,
                        report_table *r)
{
    for (int c = 0; c < t->column_count; c++) {
        const pc_model_column *column = &t->column[c];
        const pc_column *values = &block->column[c];
        report_column *out = &r->column[c];
        if (is_rule(column)) out->refused += count_refused(rows, values);
        // Key columns of a child are its parent's: they were given up.
        if (column->origin != PC_FROM_CSV || column->parent_column >= 0) continue;
        out->null_count += count_nulls(rows, values);
        if (out->list != NULL) out->outside += count_outside(rows, values, out->list);
    }
}

static void add_flow(const rows_of *rows, const pc_block *block, int table, report_table *r)
{
    const pc_model *model = block->model;
    const pc_model_table *t = &model->table[table];
    const pc_block_table *own = &block->table[table];
    const int parent_column = t->column[t->flow].parent_column;
    const pc_block_table *parent =
        t->parent_key < 0 ? NULL : &block->table[model->key[t->parent_key].table];
    if (parent == NULL || parent->column == NULL || own->parent == NULL || parent_column < 0) {
        count_months(rows, &own->column[t->flow], r->flow);
    } else {
        count_linked(rows, &own->column[t->flow], &parent->column[parent_column], own->parent,
                     r->flow);
    }
}

static void add_rows(const rows_of *rows, const pc_block *block, const pc_block_table *own,
                     bool by_key, report_table *r)
{
    for (int slot = 0; slot < block->slot_count; slot++) {
        const char *at = strchr(STATUS_KINDS, block->slot_key[slot].byte[0]);
        for (int64_t i = own->offset[slot]; i < own->offset[slot + 1]; i++) {
            if (!is_new(rows, i)) continue;
            r->rows++;
            r->status[at - STATUS_KINDS]++;
            r->orphans += by_key && own->parent != NULL && own->parent[i] < 0;
        }
    }
}

void report_add(const ingest_job *job, const pc_block *block)
{
    const ingest_report *report = job->report;
    for (int t = 0; t < job->model->table_count; t++) {
        const pc_model_table *table = &job->model->table[t];
        const pc_block_table *own = &block->table[t];
        report_table *r = &report->table[t];
        if (r->column == NULL || own->offset == NULL || own->row_count == 0) continue;
        const bool has_old = report->first_file > 0 && own->file != NULL;
        const rows_of rows = {report, own->row_count, has_old ? own->file : NULL};
        add_rows(&rows, block, own, table->path == PC_PATH_KEY, r);
        add_columns(&rows, table, own, r);
        count_months(&rows, &own->column[table->event_date], r->care);
        if (table->flow >= 0) add_flow(&rows, block, t, r);
    }
}
