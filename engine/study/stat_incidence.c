// `incidence`: days at risk and the outcomes that start on them, in pieces on which all is the
// same.
#include <string.h>
#include "cuts.h"
#include "sheet.h"

/** Days at risk of one record on which calendar year and split timelines are the same. */
typedef struct piece {
    int64_t record; ///< of the cohort
    pc_days days;
    int64_t outcomes;
    uint32_t splits; ///< bit i: split timeline i covers the days
} piece;

/** One patient's days being worked out. */
typedef struct risk {
    pc_results *results;
    pc_statistic_state *state;
    pc_days *blocked;     ///< days after outcomes, joined
    pc_days *done;        ///< days of earlier records, joined
    pc_days *left, *free; ///< of one record
    pc_days **split;      ///< [split_count] runs of days of the split timelines
    int64_t *split_runs;  ///< [split_count]
    int64_t blocked_count, done_count;
    pc_buffer pieces; ///< piece: of all patients of the block
    pc_buffer cuts;   ///< int64_t: first days of pieces
} risk;

static int64_t longest_of(const pc_records *records, int slot_count)
{
    int64_t longest = 0;
    for (int slot = 0; slot < slot_count; slot++) {
        const int64_t length = records->offset[slot + 1] - records->offset[slot];
        if (length > longest) longest = length;
    }
    return longest;
}

static pc_status open_risk(risk *r, pc_error *err)
{
    pc_block_eval *eval = r->results->eval;
    pc_arena *scratch = &eval->scratch;
    const pc_statistic_state *state = r->state;
    const size_t records = (size_t)longest_of(&state->subject->records, eval->slot_count);
    const size_t outcomes = (size_t)longest_of(&state->other->records, eval->slot_count);
    const size_t splits = (size_t)state->statistic->split_count;
    r->blocked = pc_arena_array(scratch, outcomes + 1, sizeof *r->blocked, err);
    r->done = pc_arena_array(scratch, records + 1, sizeof *r->done, err);
    r->left = pc_arena_array(scratch, records + 2, sizeof *r->left, err);
    r->free = pc_arena_array(scratch, records + outcomes + 3, sizeof *r->free, err);
    r->split = pc_arena_array(scratch, splits + 1, sizeof *r->split, err);
    r->split_runs = pc_arena_array(scratch, splits + 1, sizeof *r->split_runs, err);
    if (r->blocked == NULL || r->done == NULL || r->left == NULL || r->free == NULL ||
        r->split == NULL || r->split_runs == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t i = 0; i < splits; i++) {
        const size_t runs = (size_t)longest_of(&state->split[i]->records, eval->slot_count);
        r->split[i] = pc_arena_array(scratch, runs + 1, sizeof *r->split[i], err);
        if (r->split[i] == NULL) return PC_NO_MEMORY;
    }
    r->pieces.budget = r->cuts.budget = eval->budget;
    return PC_OK;
}

/** Days after outcomes, on which nobody is at risk. */
static int64_t find_blocked(const pc_records *outcome, int32_t slot, int64_t clean, pc_days *out)
{
    int64_t count = 0;
    for (int64_t row = outcome->offset[slot]; row < outcome->offset[slot + 1]; row++) {
        const int64_t first = outcome->column[PC_START][row] + 1;
        const int64_t end = outcome->column[PC_END][row];
        const int64_t last = clean < 0 || end == PC_OPEN ? PC_OPEN : end + clean;
        if (last >= first) out[count++] = (pc_days){first, last};
    }
    pc_days_sort(out, count);
    return pc_days_join(out, count, 0, NULL);
}

static int64_t collect(const pc_records *records, int32_t slot, pc_days *out)
{
    int64_t count = 0;
    for (int64_t row = records->offset[slot]; row < records->offset[slot + 1]; row++) {
        out[count++] = (pc_days){records->column[PC_START][row], records->column[PC_END][row]};
    }
    return pc_days_join(out, count, 0, NULL);
}

static void start_patient(risk *r, int32_t slot)
{
    const pc_statistic_state *state = r->state;
    r->done_count = 0;
    r->blocked_count =
        find_blocked(&state->other->records, slot, state->statistic->clean, r->blocked);
    for (int i = 0; i < state->statistic->split_count; i++) {
        r->split_runs[i] = collect(&state->split[i]->records, slot, r->split[i]);
    }
}

/** The days of a record that its window leaves. False: none. */
static bool window_of(const risk *r, int64_t record, pc_days *out)
{
    const pc_records *records = &r->state->subject->records;
    const pc_pair *window = &r->state->statistic->at_risk;
    const int64_t start = records->column[PC_START][record];
    *out = (pc_days){start, records->column[PC_END][record]};
    // A record without end is seen as long as the store goes.
    if (out->last == PC_OPEN) out->last = r->results->eval->last_day;
    if (window->has_low && start + window->low > out->first) out->first = start + window->low;
    if (window->has_high && start + window->high < out->last) out->last = start + window->high;
    return out->first <= out->last;
}

/** The days on which a new piece of `run` begins, in order. */
static pc_status find_cuts(risk *r, const pc_days *run, pc_error *err)
{
    const pc_statistic *statistic = r->state->statistic;
    r->cuts.bytes = 0;
    if (statistic->by_year) PC_TRY(pc_cut_years(r->results->eval, run, &r->cuts, err));
    for (int i = 0; i < statistic->split_count; i++) {
        PC_TRY(pc_cut_runs(run, r->split[i], r->split_runs[i], &r->cuts, err));
    }
    return pc_cut_sort(run, &r->cuts, err);
}

static int64_t count_outcomes(const pc_records *outcome, int32_t slot, const pc_days *days)
{
    int64_t count = 0;
    for (int64_t row = outcome->offset[slot]; row < outcome->offset[slot + 1]; row++) {
        const int64_t start = outcome->column[PC_START][row];
        count += start >= days->first && start <= days->last;
    }
    return count;
}

/** Cuts a run of days at risk into pieces. */
static pc_status add_run(risk *r, int64_t record, int32_t slot, const pc_days *run, pc_error *err)
{
    PC_TRY(find_cuts(r, run, err));
    const int64_t *cut = (const int64_t *)(const void *)r->cuts.data;
    const int64_t count = (int64_t)(r->cuts.bytes / sizeof *cut);
    for (int64_t i = 0; i < count; i++) {
        piece one = {.record = record,
                     .days = {cut[i], i + 1 < count ? cut[i + 1] - 1 : run->last}};
        one.outcomes = count_outcomes(&r->state->other->records, slot, &one.days);
        for (int k = 0; k < r->state->statistic->split_count; k++) {
            one.splits |= (uint32_t)pc_days_hold(r->split[k], r->split_runs[k], cut[i]) << k;
        }
        PC_TRY(pc_buffer_append(&r->pieces, &one, sizeof one, err));
    }
    return PC_OK;
}

/** The days of one record at risk: in its window, not of an earlier record, not after an outcome.
 */
static pc_status add_record(risk *r, int64_t record, int32_t slot, pc_error *err)
{
    pc_days days;
    if (!window_of(r, record, &days)) return PC_OK;
    const int64_t left = pc_days_without(&days, 1, r->done, r->done_count, r->left);
    const int64_t runs = pc_days_without(r->left, left, r->blocked, r->blocked_count, r->free);
    for (int64_t i = 0; i < runs; i++) {
        PC_TRY(add_run(r, record, slot, &r->free[i], err));
    }
    r->done[r->done_count++] = days;
    pc_days_sort(r->done, r->done_count);
    r->done_count = pc_days_join(r->done, r->done_count, 0, NULL);
    return PC_OK;
}

/** The columns that `split` adds to a piece. */
static pc_status fill_split(const risk *r, const piece *one, pc_records *out, int64_t at,
                            pc_error *err)
{
    const pc_statistic *statistic = r->state->statistic;
    int column = r->state->subject->def->typed->out.count;
    if (statistic->by_year) {
        pc_block_eval *eval = r->results->eval;
        const pc_column *birth = NULL;
        PC_TRY(pc_timeline_person(eval, "birth_year", &birth, err));
        const int32_t person = eval->person_row[out->slot[at]];
        const int year = pc_timeline_year(eval, one->days.first);
        const bool is_known =
            person >= 0 && birth->data != NULL && !pc_column_is_null(birth, person);
        out->column[column++][at] = year;
        out->column[column++][at] = is_known ? year - pc_column_int(birth, person) : PC_NULL;
    }
    for (int i = 0; i < statistic->split_count; i++)
        out->column[column++][at] = one->splits >> i & 1;
    return PC_OK;
}

/** The pieces as records: the columns of their cohort record that are there, then those of `split`.
 */
static pc_status make_records(const risk *r, pc_records *out, pc_error *err)
{
    pc_block_eval *eval = r->results->eval;
    const pc_record_schema *schema = r->state->statistic->piece;
    const pc_records *cohort = &r->state->subject->records;
    const piece *one = (const piece *)(const void *)r->pieces.data;
    const int64_t count = (int64_t)(r->pieces.bytes / sizeof *one);
    bool *needed = pc_arena_array(&eval->scratch, (size_t)schema->count, sizeof *needed, err);
    if (needed == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < schema->count; i++) {
        needed[i] = i >= cohort->column_count || cohort->column[i] != NULL;
    }
    PC_TRY(pc_records_open(out, schema->count, needed, &eval->scratch, err));
    PC_TRY(pc_records_reserve(out, count, &eval->scratch, err));
    out->count = count;
    for (int64_t at = 0; at < count; at++) {
        out->slot[at] = cohort->slot[one[at].record];
        for (int i = 0; i < cohort->column_count; i++) {
            if (needed[i]) out->column[i][at] = cohort->column[i][one[at].record];
        }
        PC_TRY(fill_split(r, &one[at], out, at, err));
    }
    return PC_OK;
}

static pc_status count_piece(pc_results *results, pc_statistic_state *state,
                             const pc_records *records, int64_t row, const int64_t *by,
                             const void *context, pc_error *err)
{
    const piece *one = (const piece *)context + row;
    const int64_t days = one->days.last - one->days.first + 1;
    const int32_t slot = records->slot[row];
    pc_tally_counts *counts[2];
    PC_TRY(pc_statistic_find(state, false, by, NULL, counts, err));
    for (int i = 0; i < 2; i++) {
        pc_tally_count(counts[i], results->slot_base + slot, one->outcomes, one->outcomes > 0,
                       days);
    }
    if (state->statistic->population == NULL) return PC_OK;
    // Ages are those at the record's start, or follow the day.
    const int64_t day =
        state->statistic->by_year ? one->days.first : records->column[PC_START][row];
    return pc_statistic_class(results, state, slot, pc_timeline_year(results->eval, day), by,
                              one->outcomes, one->outcomes > 0, days, err);
}

static pc_status add_block(risk *r, pc_error *err)
{
    const pc_records *cohort = &r->state->subject->records;
    PC_TRY(open_risk(r, err));
    for (int64_t record = 0; record < cohort->count; record++) {
        const int32_t slot = cohort->slot[record];
        if (record == 0 || cohort->slot[record - 1] != slot) start_patient(r, slot);
        PC_TRY(add_record(r, record, slot, err));
    }
    pc_records pieces;
    PC_TRY(make_records(r, &pieces, err));
    return pc_statistic_each(r->results, r->state, &pieces, count_piece, r->pieces.data, err);
}

pc_status pc_incidence_add(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    risk r = {.results = results, .state = state};
    const pc_arena_mark mark = pc_arena_now(&results->eval->scratch);
    const pc_status status = add_block(&r, err);
    pc_buffer_release(&r.pieces);
    pc_buffer_release(&r.cuts);
    pc_arena_rewind(&results->eval->scratch, mark);
    return status;
}

enum {
    OUTCOMES,
    PATIENTS,
    POPULATION,
    PERSON_DAYS,
    RATE,
    LOWER,
    UPPER,
    STANDARD,
    STANDARD_LOWER,
    STANDARD_UPPER,
    BEHIND,
    COLUMNS
};

static pc_status fill_row(const pc_statistic *statistic, const pc_tally_counts *counts, int64_t row,
                          int64_t *const *number, pc_error *err)
{
    const double days_a_year = 365.25;
    if (counts->total > INT64_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "%s: person-days are beyond 64 bits", statistic->path);
    }
    const double years = (double)counts->total / days_a_year / statistic->rate_per;
    const pc_interval interval = pc_poisson_interval(counts->records);
    const bool has_rate = counts->total > 0;
    number[OUTCOMES][row] = counts->records;
    number[PATIENTS][row] = counts->patients;
    number[POPULATION][row] = counts->population;
    number[PERSON_DAYS][row] = (int64_t)counts->total;
    number[RATE][row] = has_rate ? pc_real_bits((double)counts->records / years) : PC_NULL;
    number[LOWER][row] = has_rate ? pc_real_bits(interval.low / years) : PC_NULL;
    number[UPPER][row] = has_rate ? pc_real_bits(interval.high / years) : PC_NULL;
    // A rate with its person-days tells the outcomes, and the population when that is small.
    number[BEHIND][row] =
        counts->population < PC_MIN_PATIENTS ? counts->population : counts->patients;
    return PC_OK;
}

static void fill_standard(const pc_statistic *statistic, const pc_standardised *rate, int64_t row,
                          int64_t *const *number)
{
    const double scale = 365.25 * statistic->rate_per;
    const double value[] = {rate == NULL ? 0 : rate->rate * scale,
                            rate == NULL ? 0 : rate->interval.low * scale,
                            rate == NULL ? 0 : rate->interval.high * scale};
    for (int i = 0; i < 3; i++) {
        number[STANDARD + i][row] = rate == NULL ? PC_NULL : pc_real_bits(value[i]);
    }
}

pc_status pc_incidence_result(const pc_results *results, const pc_statistic_state *state,
                              pc_arena *arena, pc_result *out, pc_error *err)
{
    static const char *const name[] = {
        "outcomes", "patients", "population",   "person_days",        "rate",
        "lower",    "upper",    "standardised", "standardised_lower", "standardised_upper"};
    static const int behind[] = {PATIENTS, PATIENTS, POPULATION, POPULATION, BEHIND,
                                 BEHIND,   BEHIND,   BEHIND,     BEHIND,     BEHIND};
    const pc_statistic *statistic = state->statistic;
    pc_sheet s;
    pc_group *group = NULL, *classes = NULL;
    int64_t class_groups = 0;
    PC_TRY(pc_sheet_open_groups(&s, results, state, BEHIND, arena, &group, err));
    PC_TRY(pc_statistic_groups(state, true, arena, &classes, &class_groups, err));
    int64_t *number[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_sheet_numbers(&s, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t row = 0; row < s.row_count; row++) {
        PC_TRY(fill_row(statistic, pc_group_counts(&group[row], 0), row, number, err));
        pc_standardised rate;
        const bool has_rate =
            pc_statistic_standardise(classes, class_groups, &group[row], statistic, true, &rate);
        fill_standard(statistic, has_rate ? &rate : NULL, row, number);
    }
    for (int i = 0; i < (statistic->population != NULL ? BEHIND : STANDARD); i++) {
        PC_TRY(pc_sheet_add(&s, name[i], i < RATE ? PC_INT : PC_FLOAT, 0, number[i],
                            number[behind[i]], err));
    }
    pc_sheet_close(&s, out);
    return PC_OK;
}
