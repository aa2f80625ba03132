// A look: from an anchor, through windows, at the records of a timeline.
#include <string.h>
#include "look_index.h"

// Bounds of a window that has no limit. Smaller than PC_OPEN below, so that an open end is later.
#define NO_LOW  INT64_MIN
#define NO_HIGH INT64_MAX

enum {
    FEW_RECORDS = 16, // are gone through one by one
    KEYS_MAX = 8      // of `same` that an index has; with more it is not made
};

typedef struct bounds {
    int64_t low, high;
    pc_window_part part;
    bool is_empty;
} bounds;

/** One look of one timeline at another, while it runs over a block. */
typedef struct look {
    pc_block_eval *eval;
    const pc_condition *condition;
    const pc_bound *bound;
    const pc_records *anchors;
    const pc_records *there;  ///< those of the block, or of a patient with many
    const pc_records *during; ///< NULL: none
    bool during_self;         ///< `during` is the anchor's own record
    int window_count;
    bounds window[PC_STUDY_WINDOW_MAX];
    bool is_run;     ///< windows are on first days, nothing else: candidates are a run of records
    int64_t *values; ///< scratch of `distinct`
    int64_t anchor_day;                 ///< of the first window
    const pc_records *records;          ///< those of the block
    pc_look_index index, during_index;  ///< of the patient, where it has many records
    bool is_indexed, is_during_indexed; ///< for this patient
    bool is_grouped;                    ///< rows that are looked at agree in all of `same`
    int64_t value[KEYS_MAX];            ///< scratch: the anchor's keys
} look;

static void month_bounds(int64_t day, const pc_pair *pair, bounds *out)
{
    if (pair->has_low) out->low = pc_day_add_months((int32_t)day, (int)pair->low);
    if (pair->has_high) out->high = pc_day_add_months((int32_t)day, (int)pair->high);
}

static void year_bounds(pc_block_eval *eval, int64_t day, const pc_pair *pair, bounds *out)
{
    const int year = pc_timeline_year(eval, day);
    if (pair->has_low) out->low = pc_day_of(year + (int)pair->low, 1, 1);
    if (pair->has_high) out->high = pc_day_of(year + (int)pair->high, 12, 31);
}

static void find_bounds(pc_block_eval *eval, const pc_window *window, int64_t start, int64_t end,
                        bounds *out)
{
    const int64_t day = window->from_end ? end : start;
    const pc_pair *pair = &window->pair;
    *out = (bounds){.low = NO_LOW, .high = NO_HIGH, .part = window->part};
    out->is_empty = day == PC_OPEN && window->unit != PC_WINDOW_DATES;
    if (out->is_empty) return;
    switch (window->unit) {
        case PC_WINDOW_DAYS:
            if (pair->has_low) out->low = day + pair->low;
            if (pair->has_high) out->high = day + pair->high;
            return;
        case PC_WINDOW_MONTHS:
            month_bounds(day, pair, out);
            return;
        case PC_WINDOW_YEARS:
            year_bounds(eval, day, pair, out);
            return;
        case PC_WINDOW_DATES:
            if (pair->has_low) out->low = pair->low;
            if (pair->has_high) out->high = pair->high;
            return;
        default:
            return;
    }
}

/** The record of `during` that holds a day: the first of them. */
static bool find_during(const look *l, int64_t anchor, int64_t *low, int64_t *high)
{
    const int64_t day = l->anchors->column[PC_START][anchor];
    if (l->during_self) {
        *low = day;
        *high = l->anchors->column[PC_END][anchor];
        return true;
    }
    const int32_t slot = l->anchors->slot[anchor];
    if (l->is_during_indexed) {
        const pc_look_index *index = &l->during_index;
        const int64_t row = pc_look_index_ends(index, 0, index->rows.count, day);
        if (row == index->rows.count || index->column[PC_START][row] > day) return false;
        *low = index->column[PC_START][row];
        *high = index->column[PC_END][row];
        return true;
    }
    const int64_t *start = l->during->column[PC_START], *end = l->during->column[PC_END];
    for (int64_t row = l->during->offset[slot]; row < l->during->offset[slot + 1]; row++) {
        if (start[row] > day) return false;
        if (end[row] < day) continue;
        *low = start[row];
        *high = end[row];
        return true;
    }
    return false;
}

/** The windows of one anchor. False: one of them is empty. */
static bool set_windows(look *l, int64_t anchor)
{
    const pc_condition *c = l->condition;
    const int64_t start = l->anchors->column[PC_START][anchor];
    const int64_t end =
        l->anchors->column[PC_END] == NULL ? start : l->anchors->column[PC_END][anchor];
    l->window_count = c->window_count;
    l->anchor_day = c->window_count > 0 && c->window[0].from_end ? end : start;
    bool has_days = true;
    for (int i = 0; i < c->window_count; i++) {
        find_bounds(l->eval, &c->window[i], start, end, &l->window[i]);
        has_days = has_days && !l->window[i].is_empty && l->window[i].low <= l->window[i].high;
    }
    if (!has_days || c->during == NULL) return has_days;
    bounds *extra = &l->window[l->window_count];
    *extra = (bounds){.part = c->window_count > 0 ? c->window[0].part : PC_PART_START};
    if (!find_during(l, anchor, &extra->low, &extra->high)) return false;
    for (int i = 0; i < c->window_count; i++) {
        if (l->window[i].low == NO_LOW) l->window[i].low = extra->low;
        if (l->window[i].high == NO_HIGH) l->window[i].high = extra->high;
        has_days = has_days && l->window[i].low <= l->window[i].high;
    }
    l->window_count++;
    return has_days;
}

static bool lies_in(const bounds *window, int64_t start, int64_t end)
{
    switch (window->part) {
        case PC_PART_END:
            return end >= window->low && end <= window->high &&
                   (end != PC_OPEN || window->high == NO_HIGH);
        case PC_PART_OVERLAP:
            return start <= window->high && end >= window->low;
        case PC_PART_WITHIN:
            return start >= window->low && end <= window->high;
        default:
            return start >= window->low && start <= window->high;
    }
}

static bool same_and_different(const look *l, int64_t anchor, int64_t row)
{
    const pc_bound *b = l->bound;
    for (int i = 0; i < l->condition->same.count && !l->is_grouped; i++) {
        const int64_t *here = l->anchors->column[b->same_here[i]];
        const int64_t *there = l->there->column[b->same_there[i]];
        if (here[anchor] == PC_NULL || here[anchor] != there[row]) return false;
    }
    for (int i = 0; i < l->condition->different.count; i++) {
        const int64_t *here = l->anchors->column[b->different_here[i]];
        const int64_t *there = l->there->column[b->different_there[i]];
        if (here[anchor] == PC_NULL || there[row] == PC_NULL || here[anchor] == there[row]) {
            return false;
        }
    }
    return true;
}

static bool is_candidate(const look *l, int64_t anchor, int64_t row)
{
    const int64_t start = l->there->column[PC_START][row];
    const int64_t end = l->there->column[PC_END] == NULL ? start : l->there->column[PC_END][row];
    for (int i = 0; i < l->window_count; i++) {
        if (!lies_in(&l->window[i], start, end)) return false;
    }
    return same_and_different(l, anchor, row);
}

/** The first of the rows `from` .. `end - 1` that starts on `day` or later. */
static int64_t first_from(const int64_t *start, int64_t from, int64_t end, int64_t day)
{
    while (end - from > FEW_RECORDS) {
        const int64_t middle = from + (end - from) / 2;
        if (start[middle] < day) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    while (from < end && start[from] < day)
        from++;
    return from;
}

/** Narrows a patient's records to those whose first days may lie in the windows. */
static void narrow(const look *l, int64_t *from, int64_t *end)
{
    int64_t low = NO_LOW, high = NO_HIGH;
    for (int i = 0; i < l->window_count; i++) {
        const bounds *window = &l->window[i];
        const bool has_low = window->part == PC_PART_START || window->part == PC_PART_WITHIN;
        if (has_low && window->low > low) low = window->low;
        if (window->high < high) high = window->high; // a record starts before it ends
    }
    const int64_t *start = l->there->column[PC_START];
    if (low != NO_LOW) *from = first_from(start, *from, *end, low);
    if (high != NO_HIGH) *end = first_from(start, *from, *end, high + 1);
    for (int i = 0; l->is_indexed && i < l->window_count; i++) { // it ends where the window begins
        if (l->window[i].low == NO_LOW) continue;
        *from = pc_look_index_ends(&l->index, *from, *end, l->window[i].low);
    }
}

/** The next candidate at or after `row`, below `end`; `end` when there is none. The rows are
 *  narrowed. */
static int64_t next_candidate(const look *l, int64_t anchor, int64_t row, int64_t end)
{
    while (!l->is_run && row < end && !is_candidate(l, anchor, row))
        row++;
    return row;
}

static int64_t look_some(const look *l, int64_t anchor, int64_t from, int64_t end)
{
    return next_candidate(l, anchor, from, end) < end;
}

static void sort_values(int64_t *value, int64_t count)
{
    // Shell sort: counts of one patient are small and mostly in order already.
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const int64_t moved = value[i];
            int64_t at = i;
            for (; at >= gap && value[at - gap] > moved; at -= gap)
                value[at] = value[at - gap];
            value[at] = moved;
        }
    }
}

static int64_t look_count(const look *l, int64_t anchor, int64_t from, int64_t end)
{
    const int64_t *distinct = l->bound->distinct < 0 ? NULL : l->there->column[l->bound->distinct];
    if (l->is_run && distinct == NULL) return end - from;
    if (l->is_run && l->is_indexed && l->bound->distinct == PC_START && from < end) {
        return l->index.different_days[end - 1] - l->index.different_days[from] + 1;
    }
    int64_t count = 0;
    for (int64_t row = next_candidate(l, anchor, from, end); row < end;
         row = next_candidate(l, anchor, row + 1, end)) {
        if (distinct == NULL) {
            count++;
        } else if (distinct[row] != PC_NULL) {
            l->values[count++] = distinct[row];
        }
    }
    if (distinct == NULL || count < 2) return count;
    sort_values(l->values, count);
    int64_t different = 1;
    for (int64_t i = 1; i < count; i++)
        different += l->values[i] != l->values[i - 1];
    return different;
}

static bool look_sum(const look *l, int64_t anchor, int64_t from, int64_t end, int64_t *out)
{
    const int64_t *value = l->there->column[PC_VALUE_COLUMN];
    const bool is_real = l->bound->type == PC_FLOAT;
    int64_t sum = 0;
    double real = 0;
    for (int64_t row = next_candidate(l, anchor, from, end); row < end;
         row = next_candidate(l, anchor, row + 1, end)) {
        if (value[row] == PC_NULL) continue;
        if (is_real) {
            double term = 0;
            memcpy(&term, &value[row], sizeof term);
            real += term;
        } else if (__builtin_add_overflow(sum, value[row], &sum)) {
            return false;
        }
    }
    if (is_real) memcpy(&sum, &real, sizeof sum);
    *out = sum;
    return true;
}

static int64_t look_edge(const look *l, int64_t anchor, int64_t from, int64_t end)
{
    const int64_t *start = l->there->column[PC_START];
    int64_t found = next_candidate(l, anchor, from, end);
    if (found == end) return PC_NULL;
    if (l->condition->verb == PC_VERB_LAST && l->is_run) {
        found = first_from(start, from, end, start[end - 1]);
    } else if (l->condition->verb == PC_VERB_LAST) {
        for (int64_t row = next_candidate(l, anchor, found + 1, end); row < end;
             row = next_candidate(l, anchor, row + 1, end)) {
            if (start[row] > start[found]) found = row; // on one day the first in order stays
        }
    }
    if (l->bound->take >= 0) {
        const int64_t *taken = l->there->column[l->bound->take];
        return taken[found];
    }
    return l->anchor_day == PC_OPEN ? PC_NULL : start[found] - l->anchor_day;
}

/** The days that all windows have in common. */
static bool common_days(const look *l, int64_t *low, int64_t *high)
{
    *low = NO_LOW;
    *high = NO_HIGH;
    for (int i = 0; i < l->window_count; i++) {
        if (l->window[i].low > *low) *low = l->window[i].low;
        if (l->window[i].high < *high) *high = l->window[i].high;
    }
    return *low != NO_LOW && *high != NO_HIGH && *low <= *high;
}

/** True where the rows of a look are all that is to be looked at, and their days are indexed. */
static bool has_index(const look *l)
{
    return l->is_indexed && l->condition->different.count == 0 &&
           (l->condition->same.count == 0 || l->is_grouped);
}

static int64_t look_covered(const look *l, int64_t anchor, int64_t from, int64_t end)
{
    int64_t low = 0, high = 0;
    if (!common_days(l, &low, &high)) return 0;
    const int64_t *start = l->there->column[PC_START], *last = l->there->column[PC_END];
    if (has_index(l)) {
        const int64_t row = pc_look_index_ends(&l->index, from, end, high);
        return row < end && start[row] <= low;
    }
    for (int64_t row = from; row < end && start[row] <= low; row++) {
        if (last[row] >= high && same_and_different(l, anchor, row)) return 1;
    }
    return 0;
}

static int64_t look_days(const look *l, int64_t anchor, int64_t from, int64_t end)
{
    int64_t low = 0, high = 0;
    const bool is_share = l->condition->verb == PC_VERB_SHARE_OF;
    if (!common_days(l, &low, &high)) return is_share ? PC_NULL : 0;
    const int64_t *start = l->there->column[PC_START], *last = l->there->column[PC_END];
    int64_t days = 0, next = low; // days before `next` are counted already
    if (has_index(l)) {
        days = pc_look_index_days(&l->index, from, end, low, high);
        from = end;
    }
    for (int64_t row = from; row < end && start[row] <= high; row++) {
        if (last[row] < next || !same_and_different(l, anchor, row)) continue;
        const int64_t first = start[row] > next ? start[row] : next;
        const int64_t until = last[row] < high ? last[row] : high;
        if (until < first) continue;
        days += until - first + 1;
        next = until + 1;
    }
    if (!is_share) return days;
    const double share = (double)days / (double)(high - low + 1);
    int64_t bits = 0;
    memcpy(&bits, &share, sizeof bits);
    return bits;
}

static bool counts_candidates(pc_verb verb)
{
    return verb == PC_VERB_SOME || verb == PC_VERB_NONE || verb == PC_VERB_COUNT ||
           verb == PC_VERB_SUM || verb == PC_VERB_FIRST || verb == PC_VERB_LAST;
}

static pc_status look_at(const look *l, int64_t anchor, int64_t from, int64_t end, int64_t *out,
                         pc_error *err)
{
    if (counts_candidates(l->condition->verb)) narrow(l, &from, &end);
    switch (l->condition->verb) {
        case PC_VERB_SOME:
            *out = look_some(l, anchor, from, end);
            return PC_OK;
        case PC_VERB_NONE:
            *out = !look_some(l, anchor, from, end);
            return PC_OK;
        case PC_VERB_COUNT:
            *out = look_count(l, anchor, from, end);
            return PC_OK;
        case PC_VERB_SUM:
            if (look_sum(l, anchor, from, end, out)) return PC_OK;
            return PC_FAIL(err, PC_BAD_INPUT, "%s: a sum is beyond 64 bits", l->condition->path);
        case PC_VERB_FIRST:
        case PC_VERB_LAST:
            *out = look_edge(l, anchor, from, end);
            return PC_OK;
        case PC_VERB_COVERED_BY:
            *out = look_covered(l, anchor, from, end);
            return PC_OK;
        default:
            *out = look_days(l, anchor, from, end);
            return PC_OK;
    }
}

int64_t pc_timeline_nothing(pc_verb verb)
{
    switch (verb) {
        case PC_VERB_NONE:
            return 1;
        case PC_VERB_FIRST:
        case PC_VERB_LAST:
        case PC_VERB_SHARE_OF:
            return PC_NULL;
        default:
            return 0;
    }
}

/** True where candidates are a run of the rows: windows are on first days, nothing else. */
static bool looks_at_run(const look *l)
{
    const pc_condition *c = l->condition;
    if (c->different.count > 0 || (c->same.count > 0 && !l->is_grouped)) return false;
    for (int i = 0; i < c->window_count; i++) { // that of `during` is like the first
        if (c->window[i].part != PC_PART_START) return false;
    }
    return true;
}

static bool can_group(const look *l)
{
    return l->condition->same.count > 0 && l->condition->same.count <= KEYS_MAX;
}

static pc_status open_look(pc_block_eval *eval, const pc_condition *condition,
                           const pc_records *anchors, const pc_def *anchor_def, look *l,
                           pc_error *err)
{
    *l =
        (look){.eval = eval, .condition = condition, .bound = condition->bound, .anchors = anchors};
    const pc_node *there = pc_node_of(eval->nodes, condition->timeline->def);
    l->records = l->there = &there->records;
    if (condition->during != NULL) {
        l->during_self = condition->during->def == anchor_def;
        if (!l->during_self) {
            l->during = &pc_node_of(eval->nodes, condition->during->def)->records;
            PC_TRY(pc_look_index_open(&l->during_index, l->during, eval->slot_count, false,
                                      &eval->scratch, err));
        }
    }
    PC_TRY(pc_look_index_open(&l->index, l->there, eval->slot_count, can_group(l), &eval->scratch,
                              err));
    l->is_run = looks_at_run(l);
    if (l->bound->distinct < 0) return PC_OK;
    int64_t longest = 0;
    for (int slot = 0; slot < eval->slot_count; slot++) {
        const int64_t length = l->there->offset[slot + 1] - l->there->offset[slot];
        if (length > longest) longest = length;
    }
    l->values = pc_arena_array(&eval->scratch, (size_t)longest, sizeof *l->values, err);
    return l->values == NULL ? PC_NO_MEMORY : PC_OK;
}

/** The first row from `from` on of slot `slot` or a later one. Steps double: it is mostly near. */
static int64_t first_of_slot(const pc_records *records, int64_t from, int32_t slot)
{
    int64_t low = from, step = 1;
    while (low + step < records->count && records->slot[low + step] < slot) {
        low += step;
        step *= 2;
    }
    int64_t high = low + step < records->count ? low + step : records->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (records->slot[middle] < slot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/** Moves both on to the next slot that has rows in both. */
static bool next_common(const pc_records *a, const pc_records *b, int64_t *at_a, int64_t *at_b)
{
    while (*at_a < a->count && *at_b < b->count) {
        const int32_t slot_a = a->slot[*at_a], slot_b = b->slot[*at_b];
        if (slot_a == slot_b) return true;
        if (slot_a < slot_b) {
            *at_a = first_of_slot(a, *at_a, slot_b);
        } else {
            *at_b = first_of_slot(b, *at_b, slot_a);
        }
    }
    return false;
}

/** Takes up the records of the patient of `anchor`: rows `from` .. `end - 1`. Where it has many,
 * and many anchors, they are put in order first. */
static void open_patient(look *l, int64_t anchor, int64_t *from, int64_t *end)
{
    const int32_t slot = l->anchors->slot[anchor];
    const int64_t later = anchor + PC_LOOK_FEW;
    const bool has_many = later < l->anchors->count && l->anchors->slot[later] == slot;
    *from = l->records->offset[slot];
    *end = l->records->offset[slot + 1];
    l->there = l->records;
    l->is_indexed = has_many && *end - *from > PC_LOOK_FEW;
    l->is_grouped = l->is_indexed && can_group(l);
    l->is_run = looks_at_run(l);
    if (l->is_indexed) {
        pc_look_index_build(&l->index, l->records, *from, *end, l->bound->same_there,
                            l->is_grouped ? l->condition->same.count : 0);
        l->there = &l->index.rows;
        *end -= *from;
        *from = 0;
    }
    if (l->during == NULL) return;
    const int64_t first = l->during->offset[slot], last = l->during->offset[slot + 1];
    l->is_during_indexed = has_many && last - first > PC_LOOK_FEW;
    if (l->is_during_indexed) {
        pc_look_index_build(&l->during_index, l->during, first, last, NULL, 0);
    }
}

/** Narrows the rows to those that agree with the anchor in all of `same`. Null is like nothing. */
static void find_group(look *l, int64_t anchor, int64_t *from, int64_t *end)
{
    const int count = l->condition->same.count;
    for (int i = 0; i < count; i++) {
        l->value[i] = l->anchors->column[l->bound->same_here[i]][anchor];
        if (l->value[i] != PC_NULL) continue;
        *end = *from;
        return;
    }
    pc_look_index_group(&l->index, l->bound->same_there, count, l->value, from, end);
}

pc_status pc_timeline_look_each(pc_block_eval *eval, const pc_condition *condition,
                                const pc_records *anchors, const pc_def *anchor_def,
                                const uint8_t *active,
                                void (*each)(void *context, int64_t anchor, int64_t value),
                                void *context, pc_error *err)
{
    look l;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    PC_TRY(open_look(eval, condition, anchors, anchor_def, &l, err));
    // `share_of` of nothing is 0, but null when the window has no day.
    const bool sees_nothing = condition->verb == PC_VERB_SHARE_OF;
    int64_t anchor = 0, seen = 0;
    while (anchor < anchors->count) {
        // Most patients have no record there: anchors and records are walked together.
        if (!sees_nothing && !next_common(anchors, l.records, &anchor, &seen)) break;
        const int32_t slot = anchors->slot[anchor];
        int64_t first = 0, last = 0;
        open_patient(&l, anchor, &first, &last);
        for (; anchor < anchors->count && anchors->slot[anchor] == slot; anchor++) {
            if (!active[anchor] || !set_windows(&l, anchor)) continue;
            int64_t value = 0, from = first, end = last;
            if (l.is_grouped) find_group(&l, anchor, &from, &end);
            PC_TRY(look_at(&l, anchor, from, end, &value, err));
            each(context, anchor, value);
        }
        seen = l.records->offset[slot + 1];
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

static void put_value(void *context, int64_t anchor, int64_t value)
{
    ((int64_t *)context)[anchor] = value;
}

pc_status pc_timeline_look(pc_block_eval *eval, const pc_condition *condition,
                           const pc_records *anchors, const pc_def *anchor_def,
                           const uint8_t *active, int64_t *result, pc_error *err)
{
    const int64_t nothing = pc_timeline_nothing(condition->verb);
    for (int64_t anchor = 0; anchor < anchors->count; anchor++)
        result[anchor] = nothing;
    return pc_timeline_look_each(eval, condition, anchors, anchor_def, active, put_value, result,
                                 err);
}
