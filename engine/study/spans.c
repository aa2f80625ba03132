// Runs of days of one patient.
#include "spans.h"
#include <assert.h>

static bool is_before(const pc_days *a, const pc_days *b)
{
    return a->first != b->first ? a->first < b->first : a->last < b->last;
}

void pc_days_sort(pc_days *days, int64_t count)
{
    // Shell sort: timelines come in order, so that mostly nothing moves.
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const pc_days moved = days[i];
            int64_t at = i;
            for (; at >= gap && is_before(&moved, &days[at - gap]); at -= gap)
                days[at] = days[at - gap];
            days[at] = moved;
        }
    }
}

/** Does a run that starts on `first` go on from one whose latest day so far is `last`. */
static bool goes_on(int64_t last, int64_t first, int64_t gap)
{
    return last == PC_OPEN || gap == PC_GAP_ALL || first <= last + gap + 1;
}

int64_t pc_days_join(pc_days *days, int64_t count, int64_t gap, int64_t *run_of)
{
    int64_t runs = 0;
    for (int64_t i = 0; i < count; i++) {
        if (runs > 0 && goes_on(days[runs - 1].last, days[i].first, gap)) {
            if (days[i].last > days[runs - 1].last) days[runs - 1].last = days[i].last;
        } else {
            days[runs++] = days[i];
        }
        if (run_of != NULL) run_of[i] = runs - 1;
    }
    return runs;
}

int64_t pc_days_both(const pc_days *a, int64_t a_count, const pc_days *b, int64_t b_count,
                     pc_days *out)
{
    int64_t count = 0;
    for (int64_t i = 0, k = 0; i < a_count && k < b_count;) {
        const int64_t first = a[i].first > b[k].first ? a[i].first : b[k].first;
        const int64_t last = a[i].last < b[k].last ? a[i].last : b[k].last;
        if (first <= last) out[count++] = (pc_days){first, last};
        if (a[i].last < b[k].last) {
            i++;
        } else {
            k++;
        }
    }
    return count;
}

int64_t pc_days_without(const pc_days *a, int64_t a_count, const pc_days *b, int64_t b_count,
                        pc_days *out)
{
    int64_t count = 0, k = 0;
    for (int64_t i = 0; i < a_count; i++) {
        int64_t next = a[i].first; // days of a[i] before it are done
        while (k < b_count && b[k].last < next)
            k++;
        int64_t at = k;
        bool is_left = true;
        for (; at < b_count && b[at].first <= a[i].last && is_left; at++) {
            if (b[at].first > next) out[count++] = (pc_days){next, b[at].first - 1};
            is_left = b[at].last < a[i].last;
            if (is_left) next = b[at].last + 1;
        }
        if (is_left) out[count++] = (pc_days){next, a[i].last};
    }
    return count;
}

void pc_days_cover(pc_days *days, const int64_t *supply, int64_t count, int64_t carry)
{
    int64_t end = INT64_MIN; // the last day that is covered so far
    for (int64_t i = 0; i < count; i++) {
        assert(supply[i] > 0);
        if (end >= days[i].first && end != PC_OPEN) {
            const int64_t left = end - days[i].first + 1;
            days[i].first += left < carry ? left : carry;
        }
        days[i].last = supply[i] == PC_OPEN ? PC_OPEN : days[i].first + supply[i] - 1;
        if (days[i].last > end) end = days[i].last;
    }
}
