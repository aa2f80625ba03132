/** Events of one person, criterion by criterion, made once and only when asked for. */
#include "person.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

pc_status pc_circe_person_open(pc_circe_person *person, const pc_circe_source *source,
                               pc_arena *arena, pc_error *err)
{
    const pc_circe_program *program = source->program;
    const size_t leaves = (size_t)program->leaf_count + 1;
    const size_t nested = (size_t)program->nested_total + 1;
    *person = (pc_circe_person){
        .source = source, .program = program, .arena = {.budget = arena->budget}, .err = err};
    person->leaf = pc_arena_array(arena, leaves, sizeof *person->leaf, err);
    person->nested = pc_arena_array(arena, nested, sizeof *person->nested, err);
    person->touched = pc_arena_array(arena, leaves, sizeof *person->touched, err);
    person->touched_nested = pc_arena_array(arena, nested, sizeof *person->touched_nested, err);
    const bool is_whole = person->leaf != NULL && person->nested != NULL &&
                          person->touched != NULL && person->touched_nested != NULL;
    return is_whole ? PC_OK : PC_NO_MEMORY;
}

void pc_circe_person_close(pc_circe_person *person)
{
    pc_arena_reset(&person->arena);
}

static void forget(pc_circe_person *person)
{
    for (int i = 0; i < person->touched_count; i++)
        person->leaf[person->touched[i]] = (pc_circe_leaf_state){0};
    for (int i = 0; i < person->touched_nested_count; i++)
        person->nested[person->touched_nested[i]] = (pc_circe_events){0};
    person->touched_count = person->touched_nested_count = 0;
    pc_arena_empty(&person->arena);
}

static pc_status add_hit(pc_circe_person *person, int leaf, int32_t row, pc_error *err)
{
    pc_circe_hits *hits = &person->leaf[leaf].hits;
    if (hits->count == 0) person->touched[person->touched_count++] = leaf;
    if (hits->count == hits->capacity) {
        const int capacity = hits->capacity == 0 ? 4 : hits->capacity * 2;
        int32_t *grown = pc_arena_raw(&person->arena, (size_t)capacity * sizeof *grown, err);
        if (grown == NULL) return PC_NO_MEMORY;
        if (hits->count > 0) memcpy(grown, hits->row, (size_t)hits->count * sizeof *grown);
        hits->row = grown;
        hits->capacity = capacity;
    }
    hits->row[hits->count++] = row;
    return PC_OK;
}

/** Gives a row to the leaves that wait for its code. */
static pc_status add_row(pc_circe_person *person, const pc_circe_waiting *waiting, int32_t list,
                         bool is_standard, int64_t source, int32_t row, pc_error *err)
{
    const pc_circe_program *program = person->program;
    int count = 0;
    const int *leaf = pc_circe_list(waiting, list, &count);
    for (int i = 0; i < count; i++) {
        const int source_set = is_standard ? program->leaf[leaf[i]]->source_set : PC_CIRCE_NO_SET;
        const bool is_other = source_set != PC_CIRCE_NO_SET &&
                              (source == PC_CIRCE_NULL || source_set < 0 ||
                               !circe_set_has(program->concepts, source_set, source));
        if (!is_other) PC_TRY(add_hit(person, leaf[i], row, err));
    }
    return PC_OK;
}

static pc_status add_domain(pc_circe_person *person, pc_circe_domain domain, pc_error *err)
{
    const pc_circe_reads_of *reads = &person->program->domain[domain];
    const pc_circe_rows *rows = &person->block->rows[domain];
    if (!reads->is_used || rows->first == NULL) return PC_OK;
    const pc_circe_waiting *by_concept = &person->source->by_concept[domain];
    const pc_circe_waiting *by_source = &person->source->by_source[domain];
    const int64_t *source = rows->integer[PC_CIRCE_SOURCE];
    const int64_t *start = rows->integer[PC_CIRCE_START_DATE];
    for (int32_t row = rows->first[person->slot]; row < rows->first[person->slot + 1]; row++) {
        if (start == NULL || start[row] == PC_CIRCE_NULL) continue; // an event has a day
        const int64_t code = source == NULL ? PC_CIRCE_NULL : source[row];
        for (int i = 0; i < reads->any_count; i++)
            PC_TRY(add_hit(person, reads->any[i], row, err));
        if (rows->by_concept != NULL && rows->by_concept[row] != 0) {
            PC_TRY(add_row(person, by_concept, rows->by_concept[row], true, code, row, err));
        }
        if (rows->by_source != NULL && rows->by_source[row] != 0) {
            PC_TRY(add_row(person, by_source, rows->by_source[row], false, code, row, err));
        }
    }
    return PC_OK;
}

static int compare_periods(const void *a, const void *b)
{
    const pc_circe_period *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static pc_status set_periods(pc_circe_person *person, pc_error *err)
{
    const pc_circe_rows *rows = &person->block->rows[PC_CIRCE_PERIOD];
    const int64_t *start = rows->integer[PC_CIRCE_START_DATE];
    const int64_t *end = rows->integer[PC_CIRCE_END_DATE];
    person->period_count = 0;
    if (rows->first == NULL || start == NULL || end == NULL) return PC_OK;
    const int32_t from = rows->first[person->slot], to = rows->first[person->slot + 1];
    person->period =
        pc_arena_raw(&person->arena, ((size_t)(to - from) + 1) * sizeof *person->period, err);
    if (person->period == NULL) return PC_NO_MEMORY;
    for (int32_t row = from; row < to; row++) {
        if (start[row] == PC_CIRCE_NULL || end[row] == PC_CIRCE_NULL) continue;
        person->period[person->period_count++] =
            (pc_circe_period){(int32_t)start[row], (int32_t)end[row]};
    }
    qsort(person->period, (size_t)person->period_count, sizeof *person->period, compare_periods);
    return PC_OK;
}

/** The number that the person is told by; PC_CIRCE_NULL: the slot is no person. */
static pc_status find_subject(const pc_circe_block *block, int slot, int64_t *out, pc_error *err)
{
    if (block->subject != NULL) {
        *out = block->subject[slot];
        return PC_OK;
    }
    const char *text = block->block->slot_key[slot].byte + 1;
    const pc_span key = {text, strnlen(text, PC_SLOT_TEXT_BYTES)};
    if (pc_int_parse(key, out)) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT,
                   "the store has a person whose person_id is not a whole number: is it of "
                   "the OMOP CDM?");
}

pc_status pc_circe_person_set(pc_circe_person *person, const pc_circe_block *block, int slot,
                              pc_error *err)
{
    forget(person);
    person->block = block;
    person->slot = slot;
    person->status = PC_OK;
    person->err = err;
    PC_TRY(set_periods(person, err));
    if (person->period_count == 0) return PC_OK; // nothing can begin
    PC_TRY(find_subject(block, slot, &person->subject, err));
    if (person->subject == PC_CIRCE_NULL) {
        person->period_count = 0;
        return PC_OK;
    }
    const int64_t *row = block->person_offset + slot;
    person->person_row = row[0] < row[1] ? row[0] : -1;
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++)
        PC_TRY(add_domain(person, (pc_circe_domain)d, err));
    return PC_OK;
}

const pc_circe_period *pc_circe_period_at(const pc_circe_person *person, int32_t day)
{
    for (int i = 0; i < person->period_count && person->period[i].start <= day; i++) {
        if (day <= person->period[i].end) return &person->period[i];
    }
    return NULL;
}

static int compare_events(const void *a, const void *b)
{
    const pc_circe_event *x = a, *y = b;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    if (x->id != y->id) return x->id < y->id ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

void pc_circe_sort(pc_circe_event *event, int count)
{
    int at = 1; // rows come sorted by day and key, so mostly nothing is to do
    while (at < count && compare_events(&event[at - 1], &event[at]) <= 0)
        at++;
    if (at < count) qsort(event, (size_t)count, sizeof *event, compare_events);
}

int pc_circe_first_from(const pc_circe_events *events, int64_t day)
{
    int low = 0, high = events->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (events->event[middle].start < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/** A day moved; far beyond the calendar it stays at the bound of what is moved anywhere. */
static int32_t move_day(int64_t day, int64_t days)
{
    const int64_t bound = INT64_C(4) * PC_CIRCE_DAYS_MAX, sum = day + days;
    return (int32_t)(sum > bound ? bound : sum < -bound ? -bound : sum);
}

/** The end of a row by the rule of its domain. */
static int32_t end_of(const pc_circe_domain_info *info, const pc_circe_rows *rows, int32_t row)
{
    const int64_t *ends = rows->integer[PC_CIRCE_END_DATE];
    const int64_t *supplies = rows->integer[PC_CIRCE_OWN_COLUMNS];
    const int64_t start = rows->integer[PC_CIRCE_START_DATE][row];
    const int64_t end = ends == NULL ? PC_CIRCE_NULL : ends[row];
    if (info->end == PC_CIRCE_END_ALWAYS_NEXT_DAY) return (int32_t)start + 1;
    if (end != PC_CIRCE_NULL) return (int32_t)end;
    if (info->end == PC_CIRCE_END_AS_IS) return PC_CIRCE_NO_DAY;
    if (info->end == PC_CIRCE_END_SUPPLY && supplies != NULL && supplies[row] != PC_CIRCE_NULL) {
        const int64_t supply = supplies[row];
        if (supply > PC_CIRCE_DAYS_MAX || supply < -PC_CIRCE_DAYS_MAX) {
            return move_day(start, supply > 0 ? PC_CIRCE_DAYS_MAX : -PC_CIRCE_DAYS_MAX);
        }
        return move_day(start, supply);
    }
    return (int32_t)start + 1;
}

/** Makes the event of a row. False: it is none. */
static bool make_event(const pc_circe_person *person, const pc_circe_leaf *leaf, int32_t row,
                       pc_circe_event *out)
{
    const pc_circe_rows *rows = &person->block->rows[leaf->domain];
    const int64_t *id = rows->integer[PC_CIRCE_ID], *visit = rows->integer[PC_CIRCE_VISIT_ID];
    const int32_t raw = (int32_t)rows->integer[PC_CIRCE_START_DATE][row];
    const int32_t raw_end = end_of(pc_circe_domain_of(leaf->domain), rows, row);
    int32_t start = raw, end = raw_end;
    if (leaf->is_adjusted) {
        start = leaf->start_from_end ? raw_end : raw;
        end = leaf->end_from_end ? raw_end : raw;
        if (start == PC_CIRCE_NO_DAY || end == PC_CIRCE_NO_DAY) return false;
        start = move_day(start, leaf->start_offset);
        end = move_day(end, leaf->end_offset);
        if (end < start) return false;
    }
    for (int i = 0; i < leaf->filter_count; i++) {
        if (!pc_circe_passes(person, leaf->domain, &leaf->filter[i], start, end, row)) return false;
    }
    *out =
        (pc_circe_event){.start = leaf->user_start == PC_CIRCE_NO_DAY ? start : leaf->user_start,
                         .end = leaf->user_end == PC_CIRCE_NO_DAY ? end : leaf->user_end,
                         .sort = start,
                         .row = row,
                         .id = id == NULL || id[row] == PC_CIRCE_NULL ? person->subject : id[row],
                         .visit = visit == NULL ? PC_CIRCE_NULL : visit[row]};
    return true;
}

/** The earliest of the rows, by the day as recorded, then by row id. */
static int32_t first_row(const pc_circe_rows *rows, const pc_circe_hits *hits)
{
    const int64_t *start = rows->integer[PC_CIRCE_START_DATE], *id = rows->integer[PC_CIRCE_ID];
    int32_t first = hits->row[0];
    for (int i = 1; i < hits->count; i++) {
        const int32_t row = hits->row[i];
        const bool is_earlier = start[row] < start[first] ||
                                (start[row] == start[first] && id != NULL && id[row] < id[first]);
        if (is_earlier) first = row;
    }
    return first;
}

static const pc_circe_events no_events = {.is_made = true};

static const pc_circe_events *make_events(pc_circe_person *person, int leaf)
{
    const pc_circe_hits *hits = &person->leaf[leaf].hits;
    pc_circe_events *events = &person->leaf[leaf].events;
    const pc_circe_leaf *about = person->program->leaf[leaf];
    const int32_t first =
        about->is_first ? first_row(&person->block->rows[about->domain], hits) : 0;
    const int count = about->is_first ? 1 : hits->count;
    const int32_t *row = about->is_first ? &first : hits->row;
    events->event =
        pc_arena_raw(&person->arena, (size_t)count * sizeof *events->event, person->err);
    if (events->event == NULL) {
        person->status = PC_NO_MEMORY;
        return &no_events;
    }
    for (int i = 0; i < count; i++)
        events->count += make_event(person, about, row[i], &events->event[events->count]);
    pc_circe_sort(events->event, events->count);
    events->is_made = true;
    return events;
}

const pc_circe_events *pc_circe_leaf_events(pc_circe_person *person, int leaf)
{
    const pc_circe_leaf_state *state = &person->leaf[leaf];
    if (state->events.is_made) return &state->events;
    return state->hits.count == 0 ? &no_events : make_events(person, leaf);
}

const pc_circe_events *pc_circe_events_of(pc_circe_person *person,
                                          const pc_circe_criterion *criterion)
{
    const pc_circe_events *all = pc_circe_leaf_events(person, criterion->leaf_index);
    if (criterion->group == NULL || all->count == 0) return all;
    pc_circe_events *kept = &person->nested[criterion->nested_index];
    if (kept->is_made) return kept;
    person->touched_nested[person->touched_nested_count++] = criterion->nested_index;
    kept->event =
        pc_arena_raw(&person->arena, (size_t)all->count * sizeof *kept->event, person->err);
    kept->is_made = true;
    if (kept->event == NULL) {
        person->status = PC_NO_MEMORY;
        return kept;
    }
    for (int i = 0; i < all->count; i++) {
        const pc_circe_event *event = &all->event[i];
        const pc_circe_period *period = pc_circe_period_at(person, event->start);
        if (period == NULL) continue;
        const pc_circe_index index = {event->start, event->end, event->visit, *period};
        if (pc_circe_group_holds(person, criterion->group, &index)) {
            kept->event[kept->count++] = *event;
        }
    }
    return kept;
}
