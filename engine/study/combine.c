// Which values are held together, day by day: over the days between two changes the eras that run
// are the same, and each set of them either holds or does not.
#include <string.h>
#include "spans.h"

/** The eras that run on some days, in order of values. */
typedef struct running {
    int count;
    const pc_era *era[PC_HELD_AT_ONCE];
    int most;
    int64_t shortest;
} running;

static void sort_days(int64_t *day, int64_t count)
{
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const int64_t moved = day[i];
            int64_t at = i;
            for (; at >= gap && day[at - gap] > moved; at -= gap)
                day[at] = day[at - gap];
            day[at] = moved;
        }
    }
}

/** The days on which the running eras change, each once. */
static pc_status find_changes(const pc_era *era, int64_t count, pc_buffer *out, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(out, (size_t)count * 2 * sizeof(int64_t), err));
    int64_t *day = (int64_t *)(void *)out->data, changes = 0;
    for (int64_t i = 0; i < count; i++) {
        day[changes++] = era[i].days.first;
        if (era[i].days.last != PC_OPEN) day[changes++] = era[i].days.last + 1;
    }
    sort_days(day, changes);
    int64_t distinct = 0;
    for (int64_t i = 0; i < changes; i++) {
        if (distinct == 0 || day[distinct - 1] != day[i]) day[distinct++] = day[i];
    }
    out->bytes = (size_t)distinct * sizeof *day;
    return PC_OK;
}

/** The eras that run on `day`. False: too many. */
static bool find_running(const pc_era *era, int64_t count, int64_t day, running *out)
{
    out->count = 0;
    for (int64_t i = 0; i < count; i++) {
        if (era[i].days.first > day || era[i].days.last < day) continue;
        if (out->count == PC_HELD_AT_ONCE) return false;
        int at = out->count++;
        for (; at > 0 && out->era[at - 1]->value > era[i].value; at--)
            out->era[at] = out->era[at - 1];
        out->era[at] = &era[i];
    }
    return true;
}

/** Does the set of the running eras `member[0 .. count-1]`, and `extra` unless it is -1, hold. */
static bool holds(const running *r, const int *member, int count, int extra)
{
    int64_t first = INT64_MIN, last = PC_OPEN;
    for (int i = 0; i < count + (extra >= 0); i++) {
        const pc_days *days = &r->era[i < count ? member[i] : extra]->days;
        if (days->first > first) first = days->first;
        if (days->last < last) last = days->last;
    }
    return count + (extra >= 0) == 1 || last == PC_OPEN || last - first + 1 >= r->shortest;
}

/** Is there a larger set that holds. A set that holds does so with each of its members left out, so
 *  one more is enough to ask for. */
static bool is_inside_larger(const running *r, const int *member, int count)
{
    if (count == r->most) return false;
    for (int extra = 0; extra < r->count; extra++) {
        bool is_member = false;
        for (int i = 0; i < count; i++)
            is_member = is_member || member[i] == extra;
        if (!is_member && holds(r, member, count, extra)) return true;
    }
    return false;
}

/** The next set of `count` of `total`, in order; false after the last. */
static bool next_set(int *member, int count, int total)
{
    int at = count - 1;
    while (at >= 0 && member[at] == total - count + at)
        at--;
    if (at < 0) return false;
    member[at]++;
    for (int i = at + 1; i < count; i++)
        member[i] = member[i - 1] + 1;
    return true;
}

/** Appends the largest sets that hold on some days. */
static pc_status add_sets(const running *r, pc_days days, pc_buffer *held, pc_error *err)
{
    for (int count = 1; count <= r->most && count <= r->count; count++) {
        int member[PC_STUDY_COMBINE_MAX];
        for (int i = 0; i < count; i++)
            member[i] = i;
        do {
            if (!holds(r, member, count, -1) || is_inside_larger(r, member, count)) continue;
            pc_held set = {.count = count, .days = days};
            for (int i = 0; i < count; i++)
                set.value[i] = r->era[member[i]]->value;
            PC_TRY(pc_buffer_append(held, &set, sizeof set, err));
        } while (next_set(member, count, r->count));
    }
    return PC_OK;
}

static int compare_sets(const pc_held *a, const pc_held *b)
{
    for (int i = 0; i < PC_STUDY_COMBINE_MAX; i++) {
        if (i == a->count || i == b->count) return a->count - b->count;
        if (a->value[i] != b->value[i]) return a->value[i] < b->value[i] ? -1 : 1;
    }
    return 0;
}

static bool is_before(const pc_held *a, const pc_held *b)
{
    const int order = compare_sets(a, b);
    return order != 0 ? order < 0 : a->days.first < b->days.first;
}

/** Puts sets in order and joins days of one set that go on. */
static void join_sets(pc_buffer *held)
{
    pc_held *set = (pc_held *)(void *)held->data;
    const int64_t count = (int64_t)(held->bytes / sizeof *set);
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const pc_held moved = set[i];
            int64_t at = i;
            for (; at >= gap && is_before(&moved, &set[at - gap]); at -= gap)
                set[at] = set[at - gap];
            set[at] = moved;
        }
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        pc_held *last = kept == 0 ? NULL : &set[kept - 1];
        if (last != NULL && compare_sets(last, &set[i]) == 0 &&
            last->days.last + 1 == set[i].days.first) {
            last->days.last = set[i].days.last;
        } else {
            set[kept++] = set[i];
        }
    }
    held->bytes = (size_t)kept * sizeof *set;
}

pc_status pc_eras_combine(const pc_era *era, int64_t count, int most, int64_t shortest,
                          pc_buffer *held, pc_error *err)
{
    pc_buffer changes = {.budget = held->budget};
    running r = {.most = most, .shortest = shortest};
    held->bytes = 0;
    pc_status status = find_changes(era, count, &changes, err);
    const int64_t *day = (const int64_t *)(const void *)changes.data;
    const int64_t total = (int64_t)(changes.bytes / sizeof *day);
    for (int64_t i = 0; i < total && status == PC_OK; i++) {
        if (!find_running(era, count, day[i], &r)) {
            status = PC_FAIL(err, PC_BAD_INPUT, "combine: more than %d values on one day",
                             PC_HELD_AT_ONCE);
            break;
        }
        const pc_days days = {day[i], i + 1 < total ? day[i + 1] - 1 : PC_OPEN};
        status = add_sets(&r, days, held, err);
    }
    pc_buffer_release(&changes);
    PC_TRY(status);
    if (held->bytes > 0) join_sets(held);
    return PC_OK;
}
