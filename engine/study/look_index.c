// Records of a patient with many: who ends when, and what is covered until then.
#include "look_index.h"
#include <assert.h>
#include <string.h>

// Open ends lie here: later than every day, and sums with days stay inside 64 bits.
static const int64_t far_away = INT64_C(1) << 60;

pc_status pc_look_index_open(pc_look_index *index, const pc_records *records, int slot_count,
                             bool has_keys, pc_arena *arena, pc_error *err)
{
    *index = (pc_look_index){.column = NULL};
    int64_t longest = 0, last = 0;
    for (int slot = 0; slot < slot_count; slot++) {
        const int64_t length = records->offset[slot + 1] - records->offset[slot];
        if (length > longest) longest = length;
        if (length > PC_LOOK_FEW) last = records->offset[slot + 1];
    }
    if (longest <= PC_LOOK_FEW) return PC_OK;
    const size_t count = (size_t)longest;
    int64_t **column = pc_arena_array(arena, (size_t)records->column_count, sizeof *column, err);
    index->latest = pc_arena_raw(arena, count * sizeof *index->latest, err);
    index->covered = pc_arena_raw(arena, count * sizeof *index->covered, err);
    index->different_days = pc_arena_raw(arena, count * sizeof *index->different_days, err);
    if (column == NULL || index->latest == NULL || index->covered == NULL ||
        index->different_days == NULL) {
        return PC_NO_MEMORY;
    }
    if (has_keys) {
        index->order = pc_arena_raw(arena, (size_t)last * sizeof *index->order, err);
        index->other = pc_arena_raw(arena, (size_t)last * sizeof *index->other, err);
        if (index->order == NULL || index->other == NULL) return PC_NO_MEMORY;
        for (int c = 0; c < records->column_count; c++) {
            if (records->column[c] == NULL) continue;
            column[c] = pc_arena_raw(arena, count * sizeof **column, err);
            if (column[c] == NULL) return PC_NO_MEMORY;
        }
    }
    index->column = column;
    index->rows.column_count = records->column_count;
    index->rows.column = column;
    return PC_OK;
}

/** The columns of the patient: in place, or by the order of keys. */
static void place_rows(pc_look_index *index, const pc_records *records, int64_t from, int64_t end,
                       const int *key, int key_count)
{
    if (key_count > 0) {
        pc_records_order_by(records, key, key_count, from, end, index->order, index->other);
    }
    for (int c = 0; c < records->column_count; c++) {
        if (records->column[c] == NULL) continue;
        if (key_count == 0) {
            index->column[c] = records->column[c] + from;
            continue;
        }
        for (int64_t row = from; row < end; row++)
            index->column[c][row - from] = records->column[c][index->order[row]];
    }
    index->rows.count = end - from;
}

void pc_look_index_build(pc_look_index *index, const pc_records *records, int64_t from, int64_t end,
                         const int *key, int key_count)
{
    assert(index->column != NULL);
    place_rows(index, records, from, end, key, key_count);
    const int64_t *start = index->column[PC_START], *stop = index->column[PC_END];
    for (int64_t row = 0; row < index->rows.count; row++) {
        const int64_t ends = stop == NULL ? start[row] : stop[row];
        const int64_t last = ends < far_away ? ends : far_away;
        const bool goes_on = row > 0 && pc_records_same(&index->rows, key, key_count, row - 1, row);
        if (!goes_on) {
            index->latest[row] = last;
            index->covered[row] = last - start[row] + 1;
            index->different_days[row] = 1;
            continue;
        }
        const int64_t before = index->latest[row - 1];
        const int64_t first = start[row] > before ? start[row] : before + 1;
        index->latest[row] = last > before ? last : before;
        index->covered[row] = index->covered[row - 1] + (last >= first ? last - first + 1 : 0);
        index->different_days[row] =
            index->different_days[row - 1] + (start[row] != start[row - 1]);
    }
}

/** Below 0, 0, above 0: the keys of a row beside `value`, in the order of pc_records_order_by. */
static int compare_to(const pc_look_index *index, const int *key, int key_count,
                      const int64_t *value, int64_t row)
{
    for (int i = 0; i < key_count; i++) {
        const int64_t there = index->column[key[i]][row];
        if (there != value[i]) return there < value[i] ? -1 : 1;
    }
    return 0;
}

void pc_look_index_group(const pc_look_index *index, const int *key, int key_count,
                         const int64_t *value, int64_t *from, int64_t *end)
{
    int64_t edge[2]; // the first row that is not below, that is above
    for (int side = 0; side < 2; side++) {
        int64_t low = 0, high = index->rows.count;
        while (low < high) {
            const int64_t middle = low + (high - low) / 2;
            if (compare_to(index, key, key_count, value, middle) < side) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        edge[side] = low;
    }
    *from = edge[0];
    *end = edge[1];
}

/** The first of the rows `from` .. `end - 1` whose `value`, which never falls, is `least` or more.
 */
static int64_t bisect(const int64_t *value, int64_t from, int64_t end, int64_t least)
{
    while (from < end) {
        const int64_t middle = from + (end - from) / 2;
        if (value[middle] < least) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

int64_t pc_look_index_ends(const pc_look_index *index, int64_t from, int64_t end, int64_t day)
{
    // Where the last day so far reaches `day` first, it is by that row.
    return bisect(index->latest, from, end, day < far_away ? day : far_away);
}

/** How many days until `day` the rows of a group cover. */
static int64_t days_until(const pc_look_index *index, int64_t from, int64_t end, int64_t day)
{
    const int64_t row = bisect(index->column[PC_START], from, end, day + 1) - 1;
    if (row < from) return 0;
    // These rows started by then, so the one that ends last covers all days from there to its end.
    const int64_t later = index->latest[row] - day;
    return index->covered[row] - (later > 0 ? later : 0);
}

int64_t pc_look_index_days(const pc_look_index *index, int64_t from, int64_t end, int64_t low,
                           int64_t high)
{
    return days_until(index, from, end, high) - days_until(index, from, end, low - 1);
}
