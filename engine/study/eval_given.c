// Timelines that come from no table: calendar units, fixed days, the study, observation, death; and
// cohorts with their flow.
#include <string.h>
#include "eval.h"

pc_status pc_timeline_add(pc_block_eval *eval, pc_node *node, int32_t slot, int64_t start,
                          int64_t end, pc_error *err)
{
    pc_records *records = &node->records;
    PC_TRY(pc_records_reserve(records, 1, &eval->arena, err));
    const int64_t at = records->count++;
    records->slot[at] = slot;
    records->column[PC_START][at] = start;
    if (records->needed[PC_END]) records->column[PC_END][at] = end;
    for (int i = PC_CODE_COLUMN; i < records->column_count; i++) {
        if (records->needed[i]) records->column[i][at] = PC_NULL;
    }
    return PC_OK;
}

/** First and last day of the calendar unit that holds `day`. */
static void find_unit(pc_every every, int32_t day, int32_t *first, int32_t *last)
{
    int year = 0, month = 0, day_of_month = 0;
    pc_day_split(day, &year, &month, &day_of_month);
    switch (every) {
        case PC_EVERY_DAY:
            *first = *last = day;
            return;
        case PC_EVERY_MONTH:
            *first = pc_day_of(year, month, 1);
            *last = pc_day_add_months(*first, 1) - 1;
            return;
        case PC_EVERY_QUARTER:
            *first = pc_day_of(year, (month - 1) / 3 * 3 + 1, 1);
            *last = pc_day_add_months(*first, 3) - 1;
            return;
        default:
            *first = pc_day_of(year, 1, 1);
            *last = pc_day_of(year, 12, 31);
            return;
    }
}

/** Calendar units: first and last days. */
typedef struct units {
    int64_t count;
    int32_t *first, *last; ///< [count] in the scratch arena
} units;

/** The calendar units that touch the store's period. */
static pc_status find_units(pc_block_eval *eval, pc_every every, units *out, pc_error *err)
{
    int32_t from = 0, until = 0;
    *out = (units){.count = 0};
    for (int32_t day = eval->first_day; day <= eval->last_day; day = until + 1, out->count++) {
        find_unit(every, day, &from, &until);
    }
    out->first = pc_arena_array(&eval->scratch, (size_t)out->count, sizeof *out->first, err);
    out->last = pc_arena_array(&eval->scratch, (size_t)out->count, sizeof *out->last, err);
    if (out->first == NULL || out->last == NULL) return PC_NO_MEMORY;
    int64_t at = 0;
    for (int32_t day = eval->first_day; day <= eval->last_day; day = out->last[at++] + 1) {
        find_unit(every, day, &out->first[at], &out->last[at]);
    }
    return PC_OK;
}

/** A record for each person and unit. */
static pc_status make_units(pc_block_eval *eval, pc_node *node, const units *u, pc_error *err)
{
    pc_records *records = &node->records;
    int64_t at = 0;
    PC_TRY(pc_records_reserve(records, u->count * eval->slot_count, &eval->arena, err));
    int64_t *start = records->column[PC_START], *end = records->column[PC_END];
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        if (!eval->is_person[slot]) continue;
        for (int64_t unit = 0; unit < u->count; unit++, at++) {
            records->slot[at] = slot;
            start[at] = u->first[unit];
            if (end != NULL) end[at] = u->last[unit];
        }
    }
    records->count = at;
    for (int i = PC_CODE_COLUMN; i < records->column_count; i++) {
        for (int64_t row = 0; records->needed[i] && row < at; row++) {
            records->column[i][row] = PC_NULL;
        }
    }
    return PC_OK;
}

/** A record for each person and calendar unit that touches the store's period. */
static pc_status make_calendar(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    units u;
    PC_TRY(find_units(eval, node->def->every, &u, err));
    PC_TRY(make_units(eval, node, &u, err));
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** A record for each person with the same days. */
static pc_status make_fixed(pc_block_eval *eval, pc_node *node, int64_t start, int64_t end,
                            pc_error *err)
{
    PC_TRY(pc_records_reserve(&node->records, eval->slot_count, &eval->arena, err));
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        if (eval->is_person[slot]) PC_TRY(pc_timeline_add(eval, node, slot, start, end, err));
    }
    return PC_OK;
}

static bool person_day(const pc_block_eval *eval, const pc_column *column, int32_t slot,
                       int64_t *day)
{
    const int32_t row = eval->person_row[slot];
    if (row < 0 || column->data == NULL || pc_column_is_null(column, row)) return false;
    *day = pc_column_int(column, row);
    return true;
}

/** observation where the model has a table of it: the days of its rows, which are in order. */
static pc_status make_observed(pc_block_eval *eval, pc_node *node, int table, pc_error *err)
{
    const pc_model_table *about = &eval->nodes->catalog->model->table[table];
    const pc_block_table *rows = &eval->block->table[table];
    const pc_column *first = NULL, *last = NULL;
    PC_TRY(pc_block_column(eval->block, table, about->event_date, &first, err));
    PC_TRY(pc_block_column(eval->block, table, about->event_end, &last, err));
    if (first->data == NULL || last->data == NULL) return PC_OK;
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        if (!eval->is_person[slot]) continue;
        for (int64_t row = rows->offset[slot]; row < rows->offset[slot + 1]; row++) {
            if (pc_column_is_null(first, row) || pc_column_is_null(last, row)) continue;
            PC_TRY(pc_timeline_add(eval, node, slot, pc_column_int(first, row),
                                   pc_column_int(last, row), err));
        }
    }
    return PC_OK;
}

/** observation: the store's period, from birth on and until death. death: that day. */
static pc_status make_of_person(pc_block_eval *eval, pc_node *node, bool is_death, pc_error *err)
{
    const pc_column *birth = NULL, *death = NULL;
    PC_TRY(pc_timeline_person(eval, "birth_date", &birth, err));
    PC_TRY(pc_timeline_person(eval, "death_date", &death, err));
    for (int32_t slot = 0; slot < eval->slot_count; slot++) {
        int64_t born = INT64_MIN, died = INT64_MAX;
        if (!eval->is_person[slot]) continue;
        const bool is_dead = person_day(eval, death, slot, &died);
        (void)person_day(eval, birth, slot, &born);
        if (is_death) {
            if (is_dead) PC_TRY(pc_timeline_add(eval, node, slot, died, died, err));
            continue;
        }
        const int64_t first = born > eval->first_day ? born : eval->first_day;
        const int64_t last = died < eval->last_day ? died : eval->last_day;
        if (first <= last) PC_TRY(pc_timeline_add(eval, node, slot, first, last, err));
    }
    return PC_OK;
}

pc_status pc_timeline_given(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_pair *dates = &eval->nodes->study->dates;
    const int observed = eval->nodes->catalog->model->person.observation_table;
    PC_TRY(pc_records_open(&node->records, def->typed->out.count, node->needed, &eval->arena, err));
    switch (def->kind) {
        case PC_DEF_EVERY:
            return make_calendar(eval, node, err);
        case PC_DEF_DATES:
            return make_fixed(eval, node, def->dates.low,
                              def->dates.has_high ? def->dates.high : PC_OPEN, err);
        case PC_DEF_STUDY:
            return make_fixed(
                eval, node, dates->is_given && dates->has_low ? dates->low : eval->first_day,
                dates->is_given && dates->has_high ? dates->high : eval->last_day, err);
        default:
            if (def->kind == PC_DEF_OBSERVATION && observed >= 0) {
                return make_observed(eval, node, observed, err);
            }
            return make_of_person(eval, node, def->kind == PC_DEF_DEATH, err);
    }
}

/** Notes what a step leaves of records: those with `keep`, or all (NULL). */
static void note_step(pc_flow_step *step, const pc_records *records, const uint8_t *keep)
{
    const int32_t *slot = records->slot;
    const int64_t count = records->count;
    int64_t kept = 0, patients = 0, touched = 0;
    for (int64_t row = 0; row < count;) {
        const int32_t here = slot[row];
        int64_t left = keep == NULL ? 1 : keep[row], rows = 1;
        while (++row < count && slot[row] == here) {
            left += keep == NULL ? 1 : keep[row];
            rows++;
        }
        kept += left;
        patients += left > 0;
        touched += left < rows;
    }
    step->records += kept;
    step->patients += patients;
    step->touched += touched;
}

/** Drops records and notes the step. */
static void apply_step(pc_node *node, int step, const uint8_t *keep)
{
    note_step(&node->step[step], &node->records, keep);
    pc_records_keep(&node->records, keep);
}

static pc_status pick_step(pc_block_eval *eval, pc_node *node, int step, pc_pick pick,
                           uint8_t *keep, pc_error *err)
{
    PC_TRY(pc_timeline_pick(eval, &node->records, pick, -1, NULL, 0, keep, err));
    apply_step(node, step, keep);
    return PC_OK;
}

/** The first days that an entry allows: its dates, and not after the study's last day. */
typedef struct first_days {
    int64_t low, high;
} first_days;

static first_days find_first_days(const pc_pair *dates, const pc_pair *study)
{
    first_days out = {.low = dates->has_low ? dates->low : INT64_MIN,
                      .high = dates->has_high ? dates->high : INT64_MAX};
    if (study->has_high && study->high < out.high) out.high = study->high;
    return out;
}

/** No record goes beyond the study's last day. */
static void end_with_study(pc_records *records, const pc_pair *dates)
{
    int64_t *end = records->column[PC_END];
    if (!dates->is_given || !dates->has_high || end == NULL) return;
    for (int64_t row = 0; row < records->count; row++) {
        if (end[row] > dates->high) end[row] = dates->high;
    }
}

static void mark_days(first_days days, const pc_records *records, uint8_t *keep)
{
    const int64_t *start = records->column[PC_START];
    for (int64_t row = 0; row < records->count; row++)
        keep[row] = (start[row] >= days.low) & (start[row] <= days.high);
}

/** An entry from a calendar, whose records are the same for everybody: only those within the dates
 *  are made. */
static pc_status enter_calendar(pc_block_eval *eval, pc_node *node, first_days days, int *step,
                                pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    int64_t persons = 0;
    for (int slot = 0; slot < eval->slot_count; slot++)
        persons += eval->is_person[slot];
    units u;
    PC_TRY(find_units(eval, node->input[0]->def->every, &u, err));
    pc_flow_step *all = &node->step[(*step)++], *within = &node->step[(*step)++];
    all->records += u.count * persons;
    all->patients += u.count > 0 ? persons : 0;
    units kept = {.first = u.first, .last = u.last};
    for (int64_t unit = 0; unit < u.count; unit++) {
        if (u.first[unit] < days.low || u.first[unit] > days.high) continue;
        kept.first[kept.count] = u.first[unit];
        kept.last[kept.count++] = u.last[unit];
    }
    within->records += kept.count * persons;
    within->patients += kept.count > 0 ? persons : 0;
    within->touched += kept.count < u.count ? persons : 0;
    PC_TRY(pc_records_open(&node->records, node->def->typed->out.count, node->needed, &eval->arena,
                           err));
    PC_TRY(make_units(eval, node, &kept, err));
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** An entry from a timeline: only the records within the dates are copied. */
static pc_status enter_copy(pc_block_eval *eval, pc_node *node, first_days days, int *step,
                            pc_error *err)
{
    const pc_records *entry = &node->input[0]->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_raw(&eval->scratch, (size_t)entry->count, err);
    if (keep == NULL) return PC_NO_MEMORY;
    mark_days(days, entry, keep);
    note_step(&node->step[(*step)++], entry, NULL);
    note_step(&node->step[(*step)++], entry, keep);
    PC_TRY(pc_timeline_copy(eval, node, keep, err));
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** The entry, and what of it lies within its dates. */
static pc_status enter(pc_block_eval *eval, pc_node *node, int *step, pc_error *err)
{
    const pc_pair *dates = &node->def->entry_dates;
    const first_days days = find_first_days(dates, &eval->nodes->study->dates);
    if (dates->is_given && pc_timeline_is_copy(node)) {
        return node->input[0]->def->kind == PC_DEF_EVERY
                   ? enter_calendar(eval, node, days, step, err)
                   : enter_copy(eval, node, days, step, err);
    }
    PC_TRY(pc_timeline_merge(eval, node, err));
    pc_records *records = &node->records;
    note_step(&node->step[(*step)++], records, NULL);
    if (!dates->is_given) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_raw(&eval->scratch, (size_t)records->count, err);
    if (keep == NULL) return PC_NO_MEMORY;
    mark_days(days, records, keep);
    apply_step(node, (*step)++, keep);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

pc_status pc_timeline_cohort(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    int step = 0;
    PC_TRY(enter(eval, node, &step, err));
    pc_records *records = &node->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_raw(&eval->scratch, (size_t)records->count, err);
    if (keep == NULL) return PC_NO_MEMORY;
    if (def->entry_pick != PC_PICK_ALL) {
        PC_TRY(pick_step(eval, node, step++, def->entry_pick, keep, err));
    }
    for (int i = 0; i < def->require_count; i++) {
        if (records->count > 0) memset(keep, 1, (size_t)records->count);
        PC_TRY(pc_timeline_condition(eval, def->require[i], records, def, keep, err));
        apply_step(node, step++, keep);
    }
    if (def->pick != PC_PICK_ALL) {
        PC_TRY(pick_step(eval, node, step++, def->pick, keep, err));
    }
    if (def->exit_count == 0) {
        end_with_study(records, &eval->nodes->study->dates);
    } else {
        PC_TRY(pc_timeline_exit(eval, node, keep, err));
        apply_step(node, step++, keep);
    }
    // Records that start on one day stand in order of their ends, which are others now.
    PC_TRY(pc_records_sort(records, records->column_count, &def->typed->out, &eval->words,
                           &eval->scratch, err));
    if (def->gap != PC_GAP_NONE) {
        pc_timeline_join(node, keep);
        apply_step(node, step++, keep);
    }
    pc_arena_rewind(&eval->scratch, mark);
    return pc_timeline_measures(eval, node, err);
}
