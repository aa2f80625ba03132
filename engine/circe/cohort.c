/** The twelve steps from criteria to cohort. Numbers in comments are those of docs/ohdsi.md. */
#include "cohort.h"
#include <stdlib.h>
#include <string.h>

/** A primary event on its way. */
typedef struct entry {
    pc_circe_event event;
    pc_circe_period period;
    int criterion, rank;
    uint64_t mask;
} entry;

typedef struct entries {
    int count;
    entry *entry;
} entries;

static int compare_rest(const entry *x, const entry *y)
{
    if (x->event.id != y->event.id) return x->event.id < y->event.id ? -1 : 1;
    if (x->event.start != y->event.start) return x->event.start < y->event.start ? -1 : 1;
    if (x->event.end != y->event.end) return x->event.end < y->event.end ? -1 : 1;
    return x->criterion - y->criterion;
}

static int compare_first(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->event.sort != y->event.sort) return x->event.sort < y->event.sort ? -1 : 1;
    return compare_rest(x, y);
}

static int compare_last(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->event.sort != y->event.sort) return x->event.sort > y->event.sort ? -1 : 1;
    return compare_rest(x, y);
}

/** Steps 3 and 4. Events of one criterion come in order, so mostly nothing is to be sorted. */
static void rank_entries(pc_circe_limit limit, entries *list)
{
    int (*const compare)(const void *, const void *) =
        limit == PC_CIRCE_KEEP_LAST ? compare_last : compare_first;
    if (limit != PC_CIRCE_KEEP_ALL && list->count > 1) {
        int best = 0;
        for (int i = 1; i < list->count; i++) {
            if (compare(&list->entry[i], &list->entry[best]) < 0) best = i;
        }
        if (best > 0) list->entry[0] = list->entry[best];
        list->count = 1;
    }
    int at = 1;
    while (at < list->count && compare(&list->entry[at - 1], &list->entry[at]) <= 0)
        at++;
    if (at < list->count) qsort(list->entry, (size_t)list->count, sizeof *list->entry, compare);
    for (int i = 0; i < list->count; i++)
        list->entry[i].rank = i;
}

/** Steps 1 to 4. */
static pc_status find_primary(pc_circe_person *person, const pc_circe_definition *d, entries *out,
                              pc_error *err)
{
    size_t most = 0;
    for (int i = 0; i < d->primary_count; i++)
        most += (size_t)pc_circe_events_of(person, &d->primary[i])->count;
    out->count = 0;
    out->entry = pc_arena_raw(&person->arena, (most + 1) * sizeof *out->entry, err);
    if (out->entry == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < d->primary_count; i++) {
        const pc_circe_events *events = pc_circe_events_of(person, &d->primary[i]);
        for (int k = 0; k < events->count; k++) {
            const pc_circe_event *event = &events->event[k];
            const pc_circe_period *period = pc_circe_period_at(person, event->start);
            if (period == NULL || period->start + d->prior_days > event->start ||
                event->start + d->post_days > period->end) {
                continue;
            }
            out->entry[out->count++] = (entry){.event = *event, .period = *period, .criterion = i};
        }
    }
    rank_entries(d->primary_limit, out);
    return PC_OK;
}

/** Keeps the first or last by start; of equal ones the first in rank. */
static void limit(entries *list, pc_circe_limit which)
{
    if (which == PC_CIRCE_KEEP_ALL || list->count == 0) return;
    int best = 0;
    for (int i = 1; i < list->count; i++) {
        const int32_t start = list->entry[i].event.start, kept = list->entry[best].event.start;
        if (which == PC_CIRCE_KEEP_LAST ? start > kept : start < kept) best = i;
    }
    list->entry[0] = list->entry[best];
    list->count = 1;
}

static pc_circe_index index_of(const entry *e)
{
    return (pc_circe_index){e->event.start, e->event.end, e->event.visit, e->period};
}

/** Step 5. */
static void qualify(pc_circe_person *person, const pc_circe_definition *d, entries *list)
{
    if (!d->has_additional) return;
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        const pc_circe_index index = index_of(&list->entry[i]);
        if (pc_circe_group_holds(person, d->additional, &index)) {
            list->entry[kept++] = list->entry[i];
        }
    }
    list->count = kept;
    limit(list, d->qualified_limit);
}

static int bit_count(uint64_t mask)
{
    int count = 0;
    for (; mask != 0; mask &= mask - 1)
        count++;
    return count;
}

/** Whether x is the better event: more rules, then the lower first rule, the earlier start. */
static bool is_better(const entry *x, const entry *y)
{
    const int rules = bit_count(x->mask), other = bit_count(y->mask);
    if (rules != other) return rules > other;
    const uint64_t lowest = x->mask & (~x->mask + 1), theirs = y->mask & (~y->mask + 1);
    if (lowest != theirs) return lowest < theirs;
    if (x->event.start != y->event.start) return x->event.start < y->event.start;
    return x->rank < y->rank;
}

/** Counts what the statistics of rules need. */
static pc_status count_rules(const pc_circe_program *program, int definition, const entries *list,
                             pc_circe_counts *counts, pc_error *err)
{
    const pc_circe_definition *d = &program->definition[definition];
    int64_t *of = counts->of_definition + (size_t)definition * PC_CIRCE_COUNTS;
    of[PC_CIRCE_QUALIFIED] += list->count;
    of[PC_CIRCE_QUALIFIED_PERSONS]++;
    if (d->rule_count == 0) return PC_OK;
    const entry *best = &list->entry[0];
    uint64_t any = 0;
    for (int i = 0; i < list->count; i++) {
        const entry *e = &list->entry[i];
        pc_circe_mask *mask = NULL;
        PC_TRY(pc_circe_counts_mask(counts, definition, e->mask, &mask, err));
        mask->events++;
        bool is_new = true;
        for (int k = 0; k < i && is_new; k++)
            is_new = list->entry[k].mask != e->mask;
        mask->persons += is_new;
        if (is_better(e, best)) best = e;
        any |= e->mask;
    }
    pc_circe_mask *mask = NULL;
    PC_TRY(pc_circe_counts_mask(counts, definition, best->mask, &mask, err));
    mask->best++;
    int64_t *rule =
        counts->of_rule + (size_t)program->first_rule[definition] * PC_CIRCE_RULE_COUNTS;
    for (int r = 0; r < d->rule_count; r++, rule += PC_CIRCE_RULE_COUNTS) {
        const uint64_t bit = UINT64_C(1) << r;
        for (int i = 0; i < list->count; i++)
            rule[PC_CIRCE_RULE_EVENTS] += (list->entry[i].mask & bit) != 0;
        rule[PC_CIRCE_RULE_PERSONS] += (any & bit) != 0;
        rule[PC_CIRCE_RULE_BEST] += (best->mask & bit) != 0;
    }
    return PC_OK;
}

/** Steps 6 and 7. */
static pc_status include(pc_circe_person *person, int definition, entries *list,
                         pc_circe_counts *counts, pc_error *err)
{
    const pc_circe_definition *d = &person->program->definition[definition];
    for (int i = 0; i < list->count; i++) {
        const pc_circe_index index = index_of(&list->entry[i]);
        list->entry[i].mask = 0;
        for (int r = 0; r < d->rule_count; r++) {
            const bool holds = pc_circe_group_holds(person, d->rule[r].group, &index);
            list->entry[i].mask |= (uint64_t)holds << r;
        }
    }
    if (list->count > 0) {
        PC_TRY(count_rules(person->program, definition, list, counts, err));
    }
    const uint64_t full = (UINT64_C(1) << d->rule_count) - 1;
    int kept = 0;
    for (int i = 0; i < list->count; i++) {
        if (list->entry[i].mask != full) continue;
        if (kept < i) list->entry[kept] = list->entry[i];
        kept++;
    }
    list->count = kept;
    limit(list, d->expression_limit);
    return PC_OK;
}

static int compare_spans(const void *a, const void *b)
{
    const pc_circe_period *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

int pc_circe_merge(pc_circe_period *span, int count, int32_t pad)
{
    int at = 1; // mostly they come in order
    while (at < count && compare_spans(&span[at - 1], &span[at]) <= 0)
        at++;
    if (at < count) qsort(span, (size_t)count, sizeof *span, compare_spans);
    int last = -1;
    for (int i = 0; i < count; i++) {
        const int64_t padded = last < 0 ? 0 : (int64_t)span[last].end + pad;
        if (last < 0 || padded < span[i].start) {
            span[++last] = span[i];
        } else if (span[i].end > span[last].end) {
            span[last].end = span[i].end;
        }
    }
    return last + 1;
}

/** Step 9: the eras of the drugs that the exit follows. */
static pc_status find_eras(pc_circe_person *person, const pc_circe_definition *d,
                           pc_circe_period **out, int *count, pc_error *err)
{
    const pc_circe_events *exposure[2];
    size_t most = 0;
    for (int i = 0; i < 2; i++) {
        exposure[i] = pc_circe_leaf_events(person, d->era_leaf[i]);
        most += (size_t)exposure[i]->count;
    }
    pc_circe_period *era = pc_arena_raw(&person->arena, (most + 1) * sizeof *era, err);
    if (era == NULL) return PC_NO_MEMORY;
    *count = 0;
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < exposure[i]->count; k++) {
            const pc_circe_event *event = &exposure[i]->event[k];
            const int32_t end = d->era_supply >= 0 ? event->start + d->era_supply : event->end;
            // The offset stays in the era's end, the gap is taken out again.
            era[(*count)++] = (pc_circe_period){event->start, end + d->exit_offset};
        }
    }
    *count = pc_circe_merge(era, *count, d->era_gap);
    *out = era;
    return PC_OK;
}

static void take_end(int64_t *end, int64_t candidate, int32_t start)
{
    if (candidate >= start && candidate < *end) *end = candidate;
}

/** Step 8: the earliest end on or after the start. INT64_MAX: there is none. */
static int64_t exit_of(pc_circe_person *person, const pc_circe_definition *d, const entry *e,
                       const pc_circe_period *era, int era_count)
{
    const int32_t start = e->event.start;
    int64_t end = INT64_MAX;
    if (d->exit == PC_CIRCE_EXIT_OFFSET) {
        const int32_t from = d->offset_from_end ? e->event.end : start;
        if (from != PC_CIRCE_NO_DAY) {
            const int64_t day = (int64_t)from + d->exit_offset;
            take_end(&end, day < e->period.end ? day : e->period.end, start);
        }
    } else {
        take_end(&end, e->period.end, start);
    }
    for (int i = 0; i < era_count; i++) {
        if (era[i].start <= start && start <= era[i].end) take_end(&end, era[i].end, start);
    }
    for (int i = 0; i < d->censoring_count; i++) {
        const pc_circe_events *events = pc_circe_events_of(person, &d->censoring[i]);
        const int first = pc_circe_first_from(events, start);
        if (first < events->count && events->event[first].start <= e->period.end) {
            take_end(&end, events->event[first].start, start);
        }
    }
    return end;
}

/** Steps 8 to 11. */
static pc_status make_episodes(pc_circe_person *person, int definition, const entries *list,
                               pc_circe_counts *counts, pc_buffer *out, pc_error *err)
{
    const pc_circe_definition *d = &person->program->definition[definition];
    pc_circe_period *era = NULL;
    int era_count = 0, count = 0;
    if (d->exit == PC_CIRCE_EXIT_ERA) PC_TRY(find_eras(person, d, &era, &era_count, err));
    pc_circe_period *episode =
        pc_arena_raw(&person->arena, ((size_t)list->count + 1) * sizeof *episode, err);
    if (episode == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < list->count; i++) {
        const int64_t end = exit_of(person, d, &list->entry[i], era, era_count);
        if (end == INT64_MAX) continue;
        episode[count++] = (pc_circe_period){list->entry[i].event.start, (int32_t)end};
    }
    count = pc_circe_merge(episode, count, d->collapse_pad);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        pc_circe_period cut = episode[i];
        if (d->window_start != PC_CIRCE_NO_DAY && cut.start < d->window_start) {
            cut.start = d->window_start;
        }
        if (d->window_end != PC_CIRCE_NO_DAY && cut.end > d->window_end) cut.end = d->window_end;
        if (cut.start <= cut.end) episode[kept++] = cut;
    }
    int64_t *of = counts->of_definition + (size_t)definition * PC_CIRCE_COUNTS;
    of[PC_CIRCE_UNCUT] += count > 0;
    of[PC_CIRCE_SUBJECTS] += kept > 0;
    of[PC_CIRCE_ENTRIES] += kept;
    return pc_buffer_append(out, episode, (size_t)kept * sizeof *episode, err);
}

pc_status pc_circe_cohort(pc_circe_person *person, int definition, pc_circe_counts *counts,
                          pc_buffer *out, pc_error *err)
{
    entries list;
    PC_TRY(find_primary(person, &person->program->definition[definition], &list, err));
    qualify(person, &person->program->definition[definition], &list);
    PC_TRY(person->status);
    PC_TRY(include(person, definition, &list, counts, err));
    PC_TRY(person->status);
    if (list.count == 0) return PC_OK;
    PC_TRY(make_episodes(person, definition, &list, counts, out, err));
    return person->status;
}
