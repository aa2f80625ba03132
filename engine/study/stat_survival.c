// `survival`: how long until the first record of a timeline, counted by days and reasons.
#include "sheet.h"

// Entries of the tally: a day and why; EVERYONE has all records, whatever their day.
enum { WHY_CENSORED, WHY_EVENT, WHY_COMPETING, EVERYONE = -1 };

/** The first day of `there` in [start, end]; PC_OPEN: none. */
static int64_t first_day(const pc_records *there, int32_t slot, int64_t start, int64_t end)
{
    for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
        const int64_t day = there->column[PC_START][row];
        if (day > end) return PC_OPEN;
        if (day >= start) return day;
    }
    return PC_OPEN;
}

static pc_status count_row(pc_results *results, pc_statistic_state *state,
                           const pc_records *records, int64_t row, const int64_t *by,
                           const void *context, pc_error *err)
{
    (void)context;
    const int32_t slot = records->slot[row];
    const int64_t start = records->column[PC_START][row];
    int64_t end = records->column[PC_END][row];
    // A record without end is seen as long as the store goes.
    if (end == PC_OPEN) end = results->eval->last_day;
    if (end < start) end = start;
    int64_t day = first_day(&state->other->records, slot, start, end);
    int64_t why = day == PC_OPEN ? WHY_CENSORED : WHY_EVENT;
    for (int i = 0; i < state->statistic->of_count; i++) {
        const int64_t other = first_day(&state->of[i]->records, slot, start, end);
        if (other >= day) continue; // of a draw the outcome counts
        day = other;
        why = WHY_COMPETING;
    }
    const int64_t extra[][2] = {{(day == PC_OPEN ? end : day) - start, why}, {EVERYONE, EVERYONE}};
    for (int k = 0; k < 2; k++) {
        pc_tally_counts *counts[2];
        PC_TRY(pc_statistic_find(state, false, by, extra[k], counts, err));
        for (int i = 0; i < 2; i++)
            pc_tally_count(counts[i], results->slot_base + slot, 1, true, 0);
    }
    return PC_OK;
}

pc_status pc_survival_add(pc_results *results, pc_statistic_state *state, pc_error *err)
{
    return pc_statistic_each(results, state, &state->subject->records, count_row, NULL, err);
}

/** The counts of a group by days. `*again`: records of patients that have one already. */
static pc_status count_days(const pc_group *group, pc_arena *arena, pc_survival_count **out,
                            int *count, int64_t *again, pc_error *err)
{
    *again = 0;
    pc_survival_count *at = pc_arena_array(arena, (size_t)group->count + 1, sizeof *at, err);
    if (at == NULL) return PC_NO_MEMORY;
    int days = 0;
    for (int64_t i = 0; i < group->count; i++) {
        const int64_t *extra = pc_group_extra(group, i);
        const pc_tally_counts *counts = pc_group_counts(group, i);
        const int64_t records = counts->records;
        if (extra[0] == EVERYONE) {
            *again = records - counts->patients;
            continue;
        }
        if (days == 0 || at[days - 1].day != extra[0]) at[days++].day = extra[0];
        pc_survival_count *here = &at[days - 1];
        if (extra[1] == WHY_EVENT) here->events += records;
        if (extra[1] == WHY_COMPETING) here->competing += records;
        if (extra[1] == WHY_CENSORED) here->censored += records;
    }
    *out = at;
    *count = days;
    return PC_OK;
}

/** The days of the table: those that are asked for, else every 365 days of the longest follow-up.
 */
static pc_status find_days(const pc_statistic_state *state, const pc_group *all, pc_arena *arena,
                           int64_t **out, int64_t *count, pc_error *err)
{
    const pc_statistic *statistic = state->statistic;
    if (statistic->at_count > 0) {
        *out = statistic->at;
        *count = statistic->at_count;
        return PC_OK;
    }
    const int64_t longest = all->count == 0 ? 0 : pc_group_extra(all, all->count - 1)[0];
    *count = longest / 365 + (longest < 365);
    *out = pc_arena_array(arena, (size_t)*count, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < *count; i++)
        (*out)[i] = 365 * (i + 1);
    return PC_OK;
}

enum {
    DAY,
    AT_RISK,
    EVENTS,
    COMPETING,
    VALUE,
    LOWER,
    UPPER,
    BEHIND_AT_RISK,
    BEHIND_EVENTS,
    BEHIND_COMPETING,
    BEHIND_VALUE,
    COLUMNS
};

/** At least so many patients have `records` of a group in which `again` are second ones. */
static int64_t least_patients(int64_t records, int64_t again)
{
    if (records == 0) return 0;
    return records > again ? records - again : 1;
}

static void fill_row(const pc_statistic_state *state, const pc_survival *known, int64_t again,
                     int64_t day, int64_t row, int64_t *const *number)
{
    const bool has_competing = state->statistic->of_count > 0;
    const pc_interval interval =
        has_competing ? known->incidence_interval : known->survival_interval;
    number[DAY][row] = day;
    number[AT_RISK][row] = known->at_risk;
    number[EVENTS][row] = known->events;
    number[COMPETING][row] = known->competing;
    number[VALUE][row] = pc_real_bits(has_competing ? known->incidence : known->survival);
    number[LOWER][row] = pc_real_bits(interval.low);
    number[UPPER][row] = pc_real_bits(interval.high);
    number[BEHIND_AT_RISK][row] = least_patients(known->at_risk, again);
    number[BEHIND_EVENTS][row] = least_patients(known->events, again);
    number[BEHIND_COMPETING][row] = least_patients(known->competing, again);
    // The estimate stands for those who had the event, or are left when they are few.
    const int64_t left = number[BEHIND_AT_RISK][row];
    number[BEHIND_VALUE][row] =
        left > 0 && left < PC_MIN_PATIENTS ? left : number[BEHIND_EVENTS][row];
}

pc_status pc_survival_result(const pc_results *results, const pc_statistic_state *state,
                             pc_arena *arena, pc_result *out, pc_error *err)
{
    const bool has_competing = state->statistic->of_count > 0;
    pc_group *group = NULL;
    int64_t group_count = 0, day_count = 0, *days = NULL, *number[COLUMNS];
    PC_TRY(pc_statistic_groups(state, false, arena, &group, &group_count, err));
    PC_TRY(find_days(state, &group[group_count - 1], arena, &days, &day_count, err));
    pc_sheet s;
    PC_TRY(pc_sheet_open(&s, arena, state->statistic->by_count + COLUMNS, group_count * day_count,
                         err));
    const pc_group **of_row = pc_arena_array(arena, (size_t)s.row_count, sizeof *of_row, err);
    if (of_row == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < COLUMNS; i++) {
        number[i] = pc_sheet_numbers(&s, err);
        if (number[i] == NULL) return PC_NO_MEMORY;
    }
    for (int64_t g = 0; g < group_count; g++) {
        pc_survival_count *at = NULL;
        int count = 0;
        int64_t again = 0;
        PC_TRY(count_days(&group[g], arena, &at, &count, &again, err));
        for (int64_t d = 0; d < day_count; d++) {
            pc_survival known;
            pc_survival_at(at, count, days[d], &known);
            of_row[g * day_count + d] = &group[g];
            fill_row(state, &known, again, days[d], g * day_count + d, number);
        }
    }
    PC_TRY(pc_sheet_add_by(&s, results, state, of_row, err));
    PC_TRY(pc_sheet_add(&s, "day", PC_INT, 0, number[DAY], NULL, err));
    static const struct {
        const char *name;
        int behind;
    } column[] = {[AT_RISK] = {"at_risk", BEHIND_AT_RISK},
                  [EVENTS] = {"events", BEHIND_EVENTS},
                  [COMPETING] = {"competing", BEHIND_COMPETING},
                  [VALUE] = {"survival", BEHIND_VALUE},
                  [LOWER] = {"lower", BEHIND_VALUE},
                  [UPPER] = {"upper", BEHIND_VALUE}};
    for (int i = AT_RISK; i <= UPPER; i++) {
        if (i == COMPETING && !has_competing) continue;
        const char *name = i == VALUE && has_competing ? "incidence" : column[i].name;
        PC_TRY(pc_sheet_add(&s, name, i < VALUE ? PC_INT : PC_FLOAT, 0, number[i],
                            number[column[i].behind], err));
    }
    pc_sheet_close(&s, out);
    return PC_OK;
}
