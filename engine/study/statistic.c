// What the statistics of a study share: classing records by SQL, counting them, putting groups in
// order.
#include "results.h"

pc_status pc_statistic_batches(pc_results *results, pc_statistic_state *state,
                               const pc_records *records, pc_statistic_batch each,
                               const void *context, pc_error *err)
{
    static const bool needed[PC_STUDY_BY_MAX] = {true, true, true, true, true, true, true, true,
                                                 true, true, true, true, true, true, true, true};
    const pc_statistic *statistic = state->statistic;
    pc_block_eval *eval = results->eval;
    for (int64_t from = 0; from < records->count; from += PC_BATCH_ROWS) {
        const int64_t left = records->count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_records key;
        PC_TRY(pc_records_open(&key, statistic->by_count, needed, &eval->scratch, err));
        PC_TRY(pc_records_reserve(&key, count, &eval->scratch, err));
        for (int k = 0; k < statistic->by_count; k++) {
            pc_column value;
            PC_TRY(pc_timeline_sql(eval, records, statistic->piece, &statistic->bound[k], from,
                                   count, &value, err));
            PC_TRY(pc_records_fill(&key, k, 0, &value, count, &eval->words, err));
        }
        const pc_statistic_rows rows = {records, from, count, key.column};
        PC_TRY(each(results, state, &rows, context, err));
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

/** What is done row by row. */
typedef struct row_by_row {
    pc_statistic_row each;
    const void *context;
} row_by_row;

static pc_status each_row(pc_results *results, pc_statistic_state *state,
                          const pc_statistic_rows *rows, const void *context, pc_error *err)
{
    const row_by_row *work = context;
    for (int i = 0; i < rows->count; i++) {
        int64_t by[PC_STUDY_BY_MAX];
        for (int k = 0; k < state->statistic->by_count; k++)
            by[k] = rows->by[k][i];
        PC_TRY(work->each(results, state, rows->records, rows->from + i, by, work->context, err));
    }
    return PC_OK;
}

pc_status pc_statistic_each(pc_results *results, pc_statistic_state *state,
                            const pc_records *records, pc_statistic_row each, const void *context,
                            pc_error *err)
{
    const row_by_row work = {each, context};
    return pc_statistic_batches(results, state, records, each_row, &work, err);
}

pc_status pc_statistic_find(pc_statistic_state *state, bool classes, const int64_t *by,
                            const int64_t *extra, pc_tally_counts *out[2], pc_error *err)
{
    pc_tally *groups = &state->tally[classes ? PC_CLASSES : PC_GROUPS];
    int64_t key[PC_TALLY_KEYS_MAX];
    const int by_count = state->statistic->by_count;
    for (int i = 0; i < groups->key_count; i++)
        key[i] = i < by_count ? by[i] : extra[i - by_count];
    PC_TRY(pc_tally_find(groups, key, &out[0], err));
    return pc_tally_find(&state->tally[classes ? PC_ALL_CLASSES : PC_ALL], extra, &out[1], err);
}

/** The class of a standard population, or -1. */
static int find_class(const pc_model_population *population, char sex, int64_t age)
{
    for (int i = 0; i < population->class_count; i++) {
        const pc_model_class *one = &population->classes[i];
        if ((one->sex == 0 || one->sex == sex) && age >= one->low && age <= one->high) return i;
    }
    return -1;
}

pc_status pc_statistic_class(pc_results *results, pc_statistic_state *state, int32_t slot,
                             int64_t year, const int64_t *by, int64_t records, bool has_event,
                             int64_t total, pc_error *err)
{
    pc_block_eval *eval = results->eval;
    const pc_column *birth = NULL, *sex = NULL;
    PC_TRY(pc_timeline_person(eval, "birth_year", &birth, err));
    PC_TRY(pc_timeline_person(eval, "sex", &sex, err));
    const int32_t row = eval->person_row[slot];
    if (row < 0 || birth->data == NULL || pc_column_is_null(birth, row)) return PC_OK;
    if (sex->data == NULL || pc_column_is_null(sex, row)) return PC_OK;
    const pc_span text = pc_column_span(sex, row);
    if (text.bytes == 0) return PC_OK;
    const int found =
        find_class(state->statistic->population, text.data[0], year - pc_column_int(birth, row));
    if (found < 0) return PC_OK;
    const int64_t extra[] = {text.data[0], found};
    pc_tally_counts *counts[2];
    PC_TRY(pc_statistic_find(state, true, by, extra, counts, err));
    for (int i = 0; i < 2; i++)
        pc_tally_count(counts[i], results->slot_base + slot, records, has_event, total);
    return PC_OK;
}

static bool same_by(const pc_tally *tally, int by_count, int64_t a, int64_t b)
{
    for (int i = 0; i < by_count; i++) {
        if (pc_tally_key(tally, a)[i] != pc_tally_key(tally, b)[i]) return false;
    }
    return true;
}

pc_status pc_statistic_groups(const pc_statistic_state *state, bool classes, pc_arena *arena,
                              pc_group **out, int64_t *count, pc_error *err)
{
    const pc_tally *groups = &state->tally[classes ? PC_CLASSES : PC_GROUPS];
    const pc_tally *all = &state->tally[classes ? PC_ALL_CLASSES : PC_ALL];
    const int by_count = state->statistic->by_count;
    int64_t *order = NULL, *order_of_all = NULL, made = 0;
    PC_TRY(pc_tally_order(groups, arena, &order, err));
    PC_TRY(pc_tally_order(all, arena, &order_of_all, err));
    pc_group *group = pc_arena_array(arena, (size_t)groups->count + 1, sizeof *group, err);
    if (group == NULL) return PC_NO_MEMORY;
    // Without `by` there is one row, the total.
    for (int64_t first = 0; by_count > 0 && first < groups->count;) {
        int64_t next = first + 1;
        while (next < groups->count && same_by(groups, by_count, order[first], order[next]))
            next++;
        group[made++] = (pc_group){.tally = groups,
                                   .by = pc_tally_key(groups, order[first]),
                                   .order = order + first,
                                   .count = next - first};
        first = next;
    }
    group[made++] = (pc_group){.tally = all, .order = order_of_all, .count = all->count};
    *out = group;
    *count = made;
    return PC_OK;
}

const int64_t *pc_group_extra(const pc_group *group, int64_t index)
{
    const int64_t *key = pc_tally_key(group->tally, group->order[index]);
    // A group's `by` stands before its further keys; the tally of all has none.
    return group->by == NULL ? key : key + group->tally->key_count - group->tally->extra_count;
}

const pc_tally_counts *pc_group_counts(const pc_group *group, int64_t index)
{
    return pc_tally_counts_at(group->tally, group->order[index]);
}

static bool is_same_group(const pc_group *a, const pc_group *b, int by_count)
{
    if (a->by == NULL || b->by == NULL) return a->by == b->by;
    for (int i = 0; i < by_count; i++) {
        if (a->by[i] != b->by[i]) return false;
    }
    return true;
}

bool pc_statistic_standardise(const pc_group *classes, int64_t class_groups, const pc_group *group,
                              const pc_statistic *statistic, bool by_total, pc_standardised *out)
{
    enum { MOST = 512 }; // classes of both sexes
    for (int64_t i = 0; i < class_groups; i++) {
        if (!is_same_group(&classes[i], group, statistic->by_count)) continue;
        pc_standard_count count[MOST];
        int used = 0;
        for (int64_t k = 0; k < classes[i].count && used < MOST; k++) {
            const pc_tally_counts *counts = pc_group_counts(&classes[i], k);
            const int64_t which = pc_group_extra(&classes[i], k)[1];
            count[used++] = (pc_standard_count){
                .weight = (double)statistic->population->classes[which].weight,
                .events = (double)(by_total ? counts->records : counts->patients),
                .population = by_total ? (double)counts->total : (double)counts->population};
        }
        pc_standardise(count, used, out);
        return used > 0;
    }
    return false;
}
