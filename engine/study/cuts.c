// Where runs of days are cut.
#include "cuts.h"

pc_status pc_cut_day(const pc_days *run, int64_t day, pc_buffer *cuts, pc_error *err)
{
    if (day <= run->first || day > run->last) return PC_OK;
    return pc_buffer_append(cuts, &day, sizeof day, err);
}

pc_status pc_cut_years(pc_block_eval *eval, const pc_days *run, pc_buffer *cuts, pc_error *err)
{
    int year = pc_timeline_year(eval, run->first);
    for (int64_t day = pc_day_of(++year, 1, 1); day <= run->last; day = pc_day_of(++year, 1, 1)) {
        PC_TRY(pc_cut_day(run, day, cuts, err));
    }
    return PC_OK;
}

pc_status pc_cut_runs(const pc_days *run, const pc_days *other, int64_t count, pc_buffer *cuts,
                      pc_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        PC_TRY(pc_cut_day(run, other[i].first, cuts, err));
        if (other[i].last == PC_OPEN) continue;
        PC_TRY(pc_cut_day(run, other[i].last + 1, cuts, err));
    }
    return PC_OK;
}

pc_status pc_cut_sort(const pc_days *run, pc_buffer *cuts, pc_error *err)
{
    PC_TRY(pc_buffer_append(cuts, &run->first, sizeof run->first, err));
    int64_t *cut = (int64_t *)(void *)cuts->data;
    const int64_t count = (int64_t)(cuts->bytes / sizeof *cut);
    for (int64_t gap = count / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < count; i++) {
            const int64_t moved = cut[i];
            int64_t at = i;
            for (; at >= gap && cut[at - gap] > moved; at -= gap)
                cut[at] = cut[at - gap];
            cut[at] = moved;
        }
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (kept == 0 || cut[kept - 1] != cut[i]) cut[kept++] = cut[i];
    }
    cuts->bytes = (size_t)kept * sizeof *cut;
    return PC_OK;
}

bool pc_days_hold(const pc_days *run, int64_t count, int64_t day)
{
    for (int64_t i = 0; i < count && run[i].first <= day; i++) {
        if (run[i].last >= day) return true;
    }
    return false;
}
