// `summary`: a "table 1". Every distinct value of a measure is counted, so that quartiles are exact
// and means do not depend on order.
#include <math.h>
#include <string.h>
#include "parcours/exact_sum.h"
#include "sheet.h"

// Entries of the tally, three for a measure: of one value, of all values, of none.
enum { OF_VALUE, OF_ALL_VALUES, OF_MISSING, ENTRIES };

static bool is_text(const pc_record_column *column)
{
    return column->type == PC_TEXT || column->type == PC_CODE || column->type == PC_ID;
}

static pc_status count_entry(pc_results *results, pc_statistic_state *state, int32_t slot,
                             const int64_t *by, const int64_t *extra, pc_error *err)
{
    pc_tally_counts *counts[2];
    PC_TRY(pc_statistic_find(state, false, by, extra, counts, err));
    for (int i = 0; i < 2; i++)
        pc_tally_count(counts[i], results->slot_base + slot, 1, true, 0);
    return PC_OK;
}

/** Measures that are no truths: each value has its own entry. */
static pc_status count_row(pc_results *results, pc_statistic_state *state,
                           const pc_records *records, int64_t row, const int64_t *by, pc_error *err)
{
    const pc_statistic *statistic = state->statistic;
    for (int i = 0; i < statistic->measures.count; i++) {
        const int column = statistic->measure_column[i];
        if (statistic->piece->column[column].type == PC_BOOL) continue;
        const bool is_word = is_text(&statistic->piece->column[column]);
        const int64_t value =
            records->column[column] == NULL ? PC_NULL : records->column[column][row];
        const bool is_null = value == PC_NULL;
        const int64_t which = (int64_t)i * ENTRIES;
        const int64_t extra[] = {which + (is_null ? OF_MISSING : OF_ALL_VALUES), PC_NULL, PC_NULL};
        PC_TRY(count_entry(results, state, records->slot[row], by, extra, err));
        if (is_null) continue;
        const int64_t one[] = {which + OF_VALUE, is_word ? PC_NULL : value,
                               is_word ? value : PC_NULL};
        PC_TRY(count_entry(results, state, records->slot[row], by, one, err));
    }
    return PC_OK;
}

// Truths have few entries a group: a batch is counted first, then added to the tallies.
enum { OF_FALSE, OF_TRUE, OF_KNOWN, OF_NULL, CELLS };

/** One entry, as far as a batch goes. Slots come one after the other. */
typedef struct cell {
    int64_t records, patients, first, last; ///< slots that were counted first and last
} cell;

static void note(cell *c, int64_t slot)
{
    if (c->records++ == 0) c->first = slot;
    c->patients += c->records == 1 || c->last != slot;
    c->last = slot;
}

/** Adds an entry to its tally. A patient may have been counted at the end of the batch before. */
static pc_status add_cell(pc_tally *tally, const int64_t *by, int by_count, int measure, int which,
                          const cell *c, pc_error *err)
{
    static const int entry[CELLS] = {OF_VALUE, OF_VALUE, OF_ALL_VALUES, OF_MISSING};
    int64_t key[PC_TALLY_KEYS_MAX];
    pc_tally_counts *counts = NULL;
    for (int i = 0; i < by_count; i++)
        key[i] = by[i];
    key[by_count] = (int64_t)measure * ENTRIES + entry[which];
    key[by_count + 1] = entry[which] == OF_VALUE ? which == OF_TRUE : PC_NULL;
    key[by_count + 2] = PC_NULL;
    PC_TRY(pc_tally_find(tally, key, &counts, err));
    const int64_t patients = c->patients - (counts->last_patient == c->first);
    counts->records += c->records;
    counts->patients += patients;
    counts->population += patients;
    counts->last_patient = counts->last_member = c->last;
    return PC_OK;
}

/** A batch whose records are in groups. The last of `groups->count + 1` stands for all of them. */
typedef struct batch_groups {
    const pc_statistic_rows *rows;
    const pc_tally *groups; ///< the different groups of the batch
    const int64_t *group;   ///< [rows->count] of each row
    cell *whole;            ///< [groups + 1] whatever the values are
    cell *cells;            ///< [groups + 1][CELLS] scratch
} batch_groups;

static void count_whole(const pc_results *results, const batch_groups *b)
{
    const int32_t *slot = b->rows->records->slot + b->rows->from;
    memset(b->whole, 0, (size_t)(b->groups->count + 1) * sizeof *b->whole);
    for (int row = 0; row < b->rows->count; row++) {
        note(&b->whole[b->group[row]], results->slot_base + slot[row]);
        note(&b->whole[b->groups->count], results->slot_base + slot[row]);
    }
}

/** Counts the cells of values that are truths or, some of them, null. */
static void count_values(const pc_results *results, const batch_groups *b, const int64_t *value,
                         bool has_null)
{
    const int32_t *slot = b->rows->records->slot + b->rows->from;
    cell *all = b->cells + b->groups->count * CELLS;
    for (int row = 0; row < b->rows->count; row++) {
        const int64_t at = results->slot_base + slot[row];
        const int64_t truth = value[b->rows->from + row];
        const bool is_null = truth == PC_NULL;
        const int which = is_null ? OF_NULL : truth != 0 ? OF_TRUE : OF_FALSE;
        cell *here = b->cells + b->group[row] * CELLS;
        note(&here[which], at);
        note(&all[which], at);
        if (!has_null || is_null) continue; // without nulls all are known
        note(&here[OF_KNOWN], at);
        note(&all[OF_KNOWN], at);
    }
}

/** A measure of a batch. Most hold for few: where one holds for nobody nothing is counted again. */
static pc_status count_truth(const pc_results *results, pc_statistic_state *state, int measure,
                             const batch_groups *b, pc_error *err)
{
    const int64_t *value = b->rows->records->column[state->statistic->measure_column[measure]];
    const pc_tally *groups = b->groups;
    cell *cells = b->cells;
    bool has_null = value == NULL;
    int64_t any = 0;
    for (int row = 0; value != NULL && row < b->rows->count; row++) {
        any |= value[b->rows->from + row];
        has_null |= value[b->rows->from + row] == PC_NULL;
    }
    memset(cells, 0, (size_t)(groups->count + 1) * CELLS * sizeof *cells);
    if (value != NULL && any != 0) count_values(results, b, value, has_null);
    for (int64_t g = 0; g <= groups->count; g++) {
        if (value == NULL) cells[g * CELLS + OF_NULL] = b->whole[g];
        if (!has_null) cells[g * CELLS + OF_KNOWN] = b->whole[g];
        if (value != NULL && any == 0) cells[g * CELLS + OF_FALSE] = b->whole[g];
    }
    for (int64_t g = 0; g <= groups->count; g++) {
        const bool is_all = g == groups->count;
        pc_tally *tally = &state->tally[is_all ? PC_ALL : PC_GROUPS];
        const int64_t *by = is_all ? NULL : pc_tally_key(groups, g);
        const int by_count = is_all ? 0 : state->statistic->by_count;
        for (int i = 0; i < CELLS; i++) {
            const cell *c = &cells[g * CELLS + i];
            if (c->records > 0) PC_TRY(add_cell(tally, by, by_count, measure, i, c, err));
        }
    }
    return PC_OK;
}

/** The truths of a batch whose groups are numbered by `groups`, measure by measure. */
static pc_status count_truths(pc_results *results, pc_statistic_state *state,
                              const pc_statistic_rows *rows, pc_tally *groups, pc_error *err)
{
    pc_arena *scratch = &results->eval->scratch;
    const pc_statistic *statistic = state->statistic;
    bool *wanted = pc_arena_raw(scratch, PC_BATCH_ROWS * sizeof *wanted, err);
    int64_t *group = pc_arena_raw(scratch, PC_BATCH_ROWS * sizeof *group, err);
    if (wanted == NULL || group == NULL) return PC_NO_MEMORY;
    memset(wanted, 1, PC_BATCH_ROWS * sizeof *wanted);
    PC_TRY(pc_tally_find_rows(groups, rows->by, wanted, rows->count, group, err));
    const size_t count = (size_t)groups->count + 1;
    const batch_groups b = {.rows = rows,
                            .groups = groups,
                            .group = group,
                            .whole = pc_arena_raw(scratch, count * sizeof *b.whole, err),
                            .cells = pc_arena_raw(scratch, count * CELLS * sizeof *b.cells, err)};
    if (b.whole == NULL || b.cells == NULL) return PC_NO_MEMORY;
    count_whole(results, &b);
    for (int i = 0; i < statistic->measures.count; i++) {
        if (statistic->piece->column[statistic->measure_column[i]].type != PC_BOOL) continue;
        PC_TRY(count_truth(results, state, i, &b, err));
    }
    return PC_OK;
}

static pc_status count_batch(pc_results *results, pc_statistic_state *state,
                             const pc_statistic_rows *rows, const void *context, pc_error *err)
{
    const bool *has_others = context;
    for (int i = 0; *has_others && i < rows->count; i++) {
        int64_t by[PC_STUDY_BY_MAX];
        for (int k = 0; k < state->statistic->by_count; k++)
            by[k] = rows->by[k][i];
        PC_TRY(count_row(results, state, rows->records, rows->from + i, by, err));
    }
    pc_tally groups;
    pc_tally_open(&groups, state->key, state->statistic->by_count, &results->eval->words,
                  results->budget);
    const pc_status status = count_truths(results, state, rows, &groups, err);
    pc_tally_close(&groups);
    return status;
}

pc_status pc_summary_add(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    const pc_statistic *statistic = state->statistic;
    bool has_others = false; // measures that are no truths
    for (int i = 0; i < statistic->measures.count; i++) {
        const int column = statistic->measure_column[i];
        has_others = has_others || statistic->piece->column[column].type != PC_BOOL;
    }
    return pc_statistic_batches(results, state, &state->subject->records, count_batch, &has_others,
                                err);
}

/** Distinct numbers of a measure in a group, ascending, with how many records have them. */
typedef struct numbers {
    int64_t count, records;
    double *value;
    int64_t *times;
} numbers;

static double real_of(const pc_record_column *column, int64_t value)
{
    if (column->type == PC_FLOAT) {
        double real = 0;
        memcpy(&real, &value, sizeof real);
        return real;
    }
    double divisor = 1;
    for (int i = 0; i < column->scale; i++)
        divisor *= 10;
    return (double)value / divisor;
}

static void sort_numbers(numbers *n)
{
    for (int64_t gap = n->count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < n->count; i++) {
            const double value = n->value[i];
            const int64_t times = n->times[i];
            int64_t at = i;
            for (; at >= gap && n->value[at - gap] > value; at -= gap) {
                n->value[at] = n->value[at - gap];
                n->times[at] = n->times[at - gap];
            }
            n->value[at] = value;
            n->times[at] = times;
        }
    }
}

/** Entries `from .. until - 1` of the group are the values. */
static pc_status take_numbers(const pc_group *group, int64_t from, int64_t until,
                              const pc_record_column *column, pc_arena *arena, numbers *out,
                              pc_error *err)
{
    *out = (numbers){.count = until - from};
    out->value = pc_arena_array(arena, (size_t)out->count + 1, sizeof *out->value, err);
    out->times = pc_arena_array(arena, (size_t)out->count + 1, sizeof *out->times, err);
    if (out->value == NULL || out->times == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < out->count; i++) {
        out->value[i] = real_of(column, pc_group_extra(group, from + i)[1]);
        out->times[i] = pc_group_counts(group, from + i)->records;
        out->records += out->times[i];
    }
    sort_numbers(out);
    return PC_OK;
}

/** The value at `rank` (from 0) of all records in order. */
static double at_rank(const numbers *n, int64_t rank)
{
    int64_t seen = 0;
    for (int64_t i = 0; i < n->count; i++) {
        seen += n->times[i];
        if (seen > rank) return n->value[i];
    }
    return NAN;
}

/** As PostgreSQL's percentile_cont and R's default: between two values in proportion. */
static double quantile(const numbers *n, double p)
{
    if (n->records == 0) return NAN;
    const double place = p * (double)(n->records - 1);
    const int64_t rank = (int64_t)floor(place);
    const double low = at_rank(n, rank), part = place - floor(place);
    return part > 0 ? low + part * (at_rank(n, rank + 1) - low) : low;
}

static double mean_of(const numbers *n)
{
    pc_exact_sum sum = {0};
    for (int64_t i = 0; i < n->count; i++) {
        pc_exact_sum_add(&sum, n->value[i] * (double)n->times[i]);
    }
    return n->records == 0 ? NAN : pc_exact_sum_round(&sum) / (double)n->records;
}

/** Of a sample: divided by n - 1. */
static double deviation(const numbers *n, double mean)
{
    pc_exact_sum sum = {0};
    for (int64_t i = 0; i < n->count; i++) {
        const double off = n->value[i] - mean;
        pc_exact_sum_add(&sum, off * off * (double)n->times[i]);
    }
    return n->records < 2 ? NAN : sqrt(pc_exact_sum_round(&sum) / (double)(n->records - 1));
}

enum {
    MEASURE,
    VALUE,
    RECORDS,
    SHARE,
    MISSING,
    MEAN,
    SD,
    Q1,
    MEDIAN,
    Q3,
    BEHIND,
    BEHIND_MISSING,
    COLUMNS
};

/** The table while it is filled. */
typedef struct summary {
    const pc_results *results;
    const pc_statistic_state *state;
    pc_arena *arena;
    int64_t row;
    int64_t *number[COLUMNS];
    uint32_t *text[2]; ///< measure, value
    const pc_group **of_row;
} summary;

/** Entries of one measure in a group: its values, and its two totals. */
typedef struct entries {
    int64_t from, until;
    int64_t records, patients, missing, missing_patients;
} entries;

static void find_entries(const pc_group *group, int measure, entries *out)
{
    *out = (entries){.from = group->count, .until = group->count};
    for (int64_t i = 0; i < group->count; i++) {
        const int64_t which = pc_group_extra(group, i)[0] - (int64_t)measure * ENTRIES;
        const pc_tally_counts *counts = pc_group_counts(group, i);
        if (which == OF_VALUE) {
            if (out->from == group->count) out->from = i;
            out->until = i + 1;
        } else if (which == OF_ALL_VALUES) {
            out->records = counts->records;
            out->patients = counts->patients;
        } else if (which == OF_MISSING) {
            out->missing = counts->records;
            out->missing_patients = counts->patients;
        }
    }
}

/** Rows that a measure takes in a group: one, or one a text. */
static int64_t rows_of(const pc_record_column *column, const entries *e)
{
    return is_text(column) && e->until > e->from ? e->until - e->from : 1;
}

static pc_status begin_row(summary *s, const pc_group *group, int measure, const entries *e,
                           pc_error *err)
{
    int64_t word = 0;
    const char *name = s->state->statistic->measures.name[measure];
    PC_TRY(pc_words_add(&s->results->eval->words, pc_span_of(name), &word, err));
    s->text[0][s->row] = (uint32_t)word;
    s->text[1][s->row] = PC_DICT_NONE;
    s->of_row[s->row] = group;
    for (int i = RECORDS; i < COLUMNS; i++)
        s->number[i][s->row] = PC_NULL;
    s->number[RECORDS][s->row] = e->records;
    s->number[MISSING][s->row] = e->missing;
    s->number[BEHIND][s->row] = e->patients;
    s->number[BEHIND_MISSING][s->row] = e->missing_patients;
    return PC_OK;
}

/** A count and its share of the known ones. */
static void set_share(summary *s, int64_t records, int64_t patients, int64_t known)
{
    s->number[RECORDS][s->row] = records;
    s->number[BEHIND][s->row] = patients;
    s->number[SHARE][s->row] = known == 0 ? PC_NULL : pc_real_bits((double)records / (double)known);
}

static pc_status add_texts(summary *s, const pc_group *group, int measure, const entries *e,
                           pc_error *err)
{
    if (e->from == e->until) {
        PC_TRY(begin_row(s, group, measure, e, err));
        s->row++;
    }
    for (int64_t i = e->from; i < e->until; i++, s->row++) {
        const pc_tally_counts *counts = pc_group_counts(group, i);
        PC_TRY(begin_row(s, group, measure, e, err));
        s->text[1][s->row] = (uint32_t)pc_group_extra(group, i)[2];
        set_share(s, counts->records, counts->patients, e->records);
    }
    return PC_OK;
}

static pc_status add_truth(summary *s, const pc_group *group, int measure, const entries *e,
                           pc_error *err)
{
    int64_t word = 0, records = 0, patients = 0;
    PC_TRY(begin_row(s, group, measure, e, err));
    PC_TRY(pc_words_add(&s->results->eval->words, pc_span_of("true"), &word, err));
    for (int64_t i = e->from; i < e->until; i++) {
        if (pc_group_extra(group, i)[1] != 1) continue;
        records = pc_group_counts(group, i)->records;
        patients = pc_group_counts(group, i)->patients;
    }
    s->text[1][s->row] = (uint32_t)word;
    set_share(s, records, patients, e->records);
    s->row++;
    return PC_OK;
}

static pc_status add_number(summary *s, const pc_group *group, int measure, const entries *e,
                            const pc_record_column *column, pc_error *err)
{
    numbers n;
    PC_TRY(take_numbers(group, e->from, e->until, column, s->arena, &n, err));
    PC_TRY(begin_row(s, group, measure, e, err));
    const double mean = mean_of(&n);
    s->number[MEAN][s->row] = pc_real_bits(mean);
    s->number[SD][s->row] = pc_real_bits(deviation(&n, mean));
    s->number[Q1][s->row] = pc_real_bits(quantile(&n, 0.25));
    s->number[MEDIAN][s->row] = pc_real_bits(quantile(&n, 0.5));
    s->number[Q3][s->row] = pc_real_bits(quantile(&n, 0.75));
    s->row++;
    return PC_OK;
}

static pc_status add_measure(summary *s, const pc_group *group, int measure, pc_error *err)
{
    const pc_statistic *statistic = s->state->statistic;
    const pc_record_column *column = &statistic->piece->column[statistic->measure_column[measure]];
    entries e;
    find_entries(group, measure, &e);
    if (is_text(column)) return add_texts(s, group, measure, &e, err);
    if (column->type == PC_BOOL) return add_truth(s, group, measure, &e, err);
    return add_number(s, group, measure, &e, column, err);
}

static int64_t count_rows(const pc_statistic *statistic, const pc_group *group, int64_t groups)
{
    int64_t rows = 0;
    for (int64_t g = 0; g < groups; g++) {
        for (int i = 0; i < statistic->measures.count; i++) {
            entries e;
            find_entries(&group[g], i, &e);
            rows += rows_of(&statistic->piece->column[statistic->measure_column[i]], &e);
        }
    }
    return rows;
}

pc_status pc_summary_result(const pc_results *results, const pc_statistic_state *state,
                            pc_arena *arena, pc_result *out, pc_error *err)
{
    static const char *const name[] = {"",     "",   "records", "share",  "missing",
                                       "mean", "sd", "q1",      "median", "q3"};
    const pc_statistic *statistic = state->statistic;
    pc_group *group = NULL;
    int64_t groups = 0;
    PC_TRY(pc_statistic_groups(state, false, arena, &group, &groups, err));
    summary s = {.results = results, .state = state, .arena = arena};
    pc_sheet sheet;
    PC_TRY(pc_sheet_open(&sheet, arena, statistic->by_count + BEHIND,
                         count_rows(statistic, group, groups), err));
    const size_t rows = (size_t)sheet.row_count;
    for (int i = 0; i < COLUMNS; i++) {
        s.number[i] = pc_sheet_numbers(&sheet, err);
        if (s.number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int i = 0; i < 2; i++) {
        s.text[i] = pc_arena_array(arena, rows, sizeof *s.text[i], err);
        if (s.text[i] == NULL) return PC_NO_MEMORY;
    }
    s.of_row = pc_arena_array(arena, rows, sizeof *s.of_row, err);
    if (s.of_row == NULL) return PC_NO_MEMORY;
    for (int64_t g = 0; g < groups; g++) {
        for (int i = 0; i < statistic->measures.count; i++) {
            PC_TRY(add_measure(&s, &group[g], i, err));
        }
    }
    const pc_dict *dict = results->eval->words.dict;
    PC_TRY(pc_sheet_add_by(&sheet, results, state, s.of_row, err));
    PC_TRY(pc_sheet_add_texts(&sheet, "measure", s.text[0], dict, err));
    PC_TRY(pc_sheet_add_texts(&sheet, "value", s.text[1], dict, err));
    for (int i = RECORDS; i < BEHIND; i++) {
        PC_TRY(pc_sheet_add(&sheet, name[i], i == RECORDS || i == MISSING ? PC_INT : PC_FLOAT, 0,
                            s.number[i], s.number[i == MISSING ? BEHIND_MISSING : BEHIND], err));
    }
    pc_sheet_close(&sheet, out);
    return PC_OK;
}
