/** Groups of criteria, judged from an index event. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "person.h"

/** Days from `low` to `high`, both included; nothing lies in it when a bound is null. */
typedef struct span {
    int64_t low, high;
} span;

/** Cuts a span by one window. False: a bound is null, so nothing lies in it. */
static bool cut_span(span *s, const pc_circe_window *window, bool ignores_period,
                     const pc_circe_index *index)
{
    const int32_t from = window->from_index_end ? index->end : index->start;
    const pc_circe_bound *bound[] = {&window->start, &window->end};
    for (int i = 0; i < 2; i++) {
        int64_t day;
        if (!bound[i]->is_open) {
            if (from == PC_CIRCE_NO_DAY) return false;
            day = (int64_t)from + bound[i]->days;
        } else if (!ignores_period) {
            day = bound[i]->at_period_start ? index->period.start : index->period.end;
        } else {
            continue;
        }
        if (i == 0 && day > s->low) s->low = day;
        if (i == 1 && day < s->high) s->high = day;
    }
    return true;
}

static const span everywhere = {INT64_MIN, INT64_MAX};

static bool holds_day(const span *s, int32_t day)
{
    if (s->low == INT64_MIN && s->high == INT64_MAX) return true; // null is not looked at
    return day != PC_CIRCE_NO_DAY && day >= s->low && day <= s->high;
}

/** What a distinct count counts of an event. False: null. */
static bool counted(const pc_circe_person *person, const pc_circe_correlated *c,
                    const pc_circe_event *event, int64_t *out)
{
    const pc_circe_rows *rows = &person->block->rows[c->criterion.leaf->domain];
    double number;
    switch (c->count_of) {
        case PC_CIRCE_COUNT_START:
            *out = event->start;
            return true;
        case PC_CIRCE_COUNT_END:
            *out = event->end;
            return event->end != PC_CIRCE_NO_DAY;
        case PC_CIRCE_COUNT_VISIT:
            *out = event->visit;
            return event->visit != PC_CIRCE_NULL;
        case PC_CIRCE_COUNT_EVENT:
            *out = event->id;
            return true;
        case PC_CIRCE_COUNT_DURATION:
            *out = (int64_t)event->end - event->start;
            return event->end != PC_CIRCE_NO_DAY;
        case PC_CIRCE_COUNT_ONE:
            *out = 1;
            return true;
        default:
            break;
    }
    const int column = c->count_of - PC_CIRCE_COUNT_COLUMN;
    if (rows->number[column] != NULL) {
        number = rows->number[column][event->row];
        if (isnan(number)) return false;
        number += 0.0; // -0 becomes 0
        memcpy(out, &number, sizeof *out);
        return true;
    }
    *out = rows->integer[column] == NULL ? PC_CIRCE_NULL : rows->integer[column][event->row];
    return *out != PC_CIRCE_NULL;
}

static int compare_values(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t count_distinct(int64_t *value, int64_t count)
{
    int64_t distinct = 0;
    qsort(value, (size_t)count, sizeof *value, compare_values);
    for (int64_t i = 0; i < count; i++)
        distinct += i == 0 || value[i] != value[i - 1];
    return distinct;
}

/** How many events lie as asked, distinct ones when that is asked; rows are counted up to one more
 *  than the criterion asks for. */
static int64_t count_events(pc_circe_person *person, const pc_circe_correlated *c,
                            const pc_circe_index *index)
{
    const pc_circe_events *events = pc_circe_events_of(person, &c->criterion);
    span start = everywhere, end = everywhere;
    if (!c->ignores_period) start = (span){index->period.start, index->period.end};
    const pc_circe_window *window[] = {&c->start_window, &c->end_window};
    for (int i = 0; i < 2; i++) {
        if (!window[i]->is_given) continue;
        span *which = window[i]->of_event_end ? &end : &start;
        if (!cut_span(which, window[i], c->ignores_period, index)) return 0;
    }
    int64_t count = 0;
    const bool is_distinct = c->count_of != PC_CIRCE_COUNT_ROWS;
    const pc_arena_mark mark = pc_arena_now(&person->arena);
    int64_t *value = NULL;
    if (is_distinct) {
        value =
            pc_arena_raw(&person->arena, ((size_t)events->count + 1) * sizeof *value, person->err);
        if (value == NULL) {
            person->status = PC_NO_MEMORY;
            return 0;
        }
    }
    for (int i = pc_circe_first_from(events, start.low); i < events->count; i++) {
        const pc_circe_event *event = &events->event[i];
        if (event->start > start.high) break;
        if (!holds_day(&end, event->end)) continue;
        if (c->same_visit && (event->visit == PC_CIRCE_NULL || event->visit != index->visit)) {
            continue;
        }
        if (!is_distinct) {
            if (++count > c->count) break; // one more than asked for decides already
        } else if (counted(person, c, event, &value[count])) {
            count++;
        }
    }
    if (is_distinct) {
        count = count_distinct(value, count);
        pc_arena_rewind(&person->arena, mark);
    }
    return count;
}

static bool correlated_holds(pc_circe_person *person, const pc_circe_correlated *c,
                             const pc_circe_index *index)
{
    const int64_t count = count_events(person, c, index);
    switch (c->occurrence) {
        case PC_CIRCE_EXACTLY:
            return count == c->count;
        case PC_CIRCE_AT_MOST:
            return count <= c->count;
        default:
            return count >= c->count;
    }
}

static bool demographic_holds(const pc_circe_person *person, const pc_circe_demographic *d,
                              const pc_circe_index *index)
{
    if (person->person_row < 0) return false;
    for (int i = 0; i < d->filter_count; i++) {
        if (!pc_circe_passes(person, PC_CIRCE_PERIOD, &d->filter[i], index->start, index->end, 0)) {
            return false;
        }
    }
    return true;
}

// As deep as the document, which has at most 64 levels.
bool pc_circe_group_holds(pc_circe_person *person, const pc_circe_group *group,
                          const pc_circe_index *index)
{
    const int members = group->correlated_count + group->demographic_count + group->group_count;
    if (members == 0) return true;
    int met = 0;
    for (int i = 0; i < members; i++) {
        const int second = i - group->correlated_count;
        const int third = second - group->demographic_count;
        const bool holds = second < 0 ? correlated_holds(person, &group->correlated[i], index)
                           : third < 0
                               ? demographic_holds(person, &group->demographic[second], index)
                               : pc_circe_group_holds(person, &group->group[third], index);
        met += holds;
        if (group->type == PC_CIRCE_ALL && !holds) return false;
        if (group->type == PC_CIRCE_ANY && holds) return true;
    }
    switch (group->type) {
        case PC_CIRCE_ALL:
            return true;
        case PC_CIRCE_ANY:
            return false;
        case PC_CIRCE_GROUP_AT_LEAST:
            return met >= group->count;
        default:
            return met <= group->count;
    }
}
