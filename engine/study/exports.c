// What exports take from each block: rows, pieces of time, buckets of time.
#include <stdio.h>
#include <string.h>
#include "cuts.h"
#include "exports.h"
#include "sheet.h"

// Columns of every export, before those of the timeline.
enum { PATIENT, FIRST_DAY, LAST_DAY, OF_TIMELINE };
// Those of buckets: two a record, then one value a row or entry of the matrix.
enum { BUCKETS, EXIT_BUCKET, INDPTR, INDICES, DATA, FEATURE, OF_BUCKETS };

static pc_status find_nodes(pc_exports *exports, pc_ref *const *ref, int count,
                            const pc_node ***out, pc_error *err)
{
    *out = pc_arena_array(&exports->eval->run_arena, (size_t)count + 1, sizeof **out, err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++)
        (*out)[i] = pc_node_of(exports->eval->nodes, ref[i]->def);
    return PC_OK;
}

static void add_column(pc_exports *exports, pc_export_state *s, const char *name, pc_type type,
                       uint8_t scale)
{
    s->column[s->column_count++] = (pc_export_values){
        .name = name, .type = type, .scale = scale, .value = {.budget = exports->eval->budget}};
}

/** The columns that the kind adds. */
static void add_own(pc_exports *exports, pc_export_state *s)
{
    static const char *const bucket[OF_BUCKETS] = {"buckets", "exit_bucket", "indptr",
                                                   "indices", "data",        "feature"};
    const pc_export *one = s->export;
    s->of_kind = s->column_count;
    if (one->kind == PC_EXPORT_INTERVALS) {
        add_column(exports, s, "start", PC_INT, 0);
        add_column(exports, s, "stop", PC_INT, 0);
        if (one->by_year) add_column(exports, s, "year", PC_INT, 0);
        for (int i = 0; i < one->split_count; i++)
            add_column(exports, s, one->split[i]->name, PC_BOOL, 0);
    }
    for (int i = 0; one->kind == PC_EXPORT_BUCKETS && i < OF_BUCKETS; i++)
        add_column(exports, s, bucket[i], i == FEATURE ? PC_TEXT : PC_INT, 0);
    for (int i = 0; i < one->outcome_count; i++)
        add_column(exports, s, one->outcome[i]->name, PC_INT, 0);
}

static pc_status open_export(pc_exports *exports, const pc_export *one, pc_export_state *s,
                             pc_error *err)
{
    const pc_record_schema *schema = &one->timeline->def->typed->out;
    s->export = one;
    s->node = pc_node_of(exports->eval->nodes, one->timeline->def);
    PC_TRY(find_nodes(exports, one->split, one->split_count, &s->split, err));
    PC_TRY(find_nodes(exports, one->outcome, one->outcome_count, &s->outcome, err));
    PC_TRY(find_nodes(exports, one->feature, one->feature_count, &s->feature, err));
    const size_t room = (size_t)(OF_TIMELINE + one->column_count + OF_BUCKETS + 3 +
                                 one->split_count + one->outcome_count);
    s->column = pc_arena_array(&exports->eval->run_arena, room, sizeof *s->column, err);
    if (s->column == NULL) return PC_NO_MEMORY;
    add_column(exports, s, "patient", PC_ID, 0);
    add_column(exports, s, "start_date", PC_DATE, 0);
    add_column(exports, s, "end_date", PC_DATE, 0);
    for (int i = 0; i < one->column_count; i++) {
        const pc_record_column *column = &schema->column[one->column[i]];
        add_column(exports, s, column->name, column->type, column->scale);
    }
    add_own(exports, s);
    if (one->kind != PC_EXPORT_BUCKETS) return PC_OK;
    return pc_dict_builder_new(exports->eval->budget, &s->features, err);
}

pc_status pc_exports_open(pc_exports *exports, pc_block_eval *eval, const pc_output *output,
                          pc_error *err)
{
    const pc_study *study = eval->nodes->study;
    *exports = (pc_exports){.eval = eval, .output = output};
    exports->state = pc_arena_array(&eval->run_arena, (size_t)study->export_count + 1,
                                    sizeof *exports->state, err);
    if (exports->state == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < study->export_count; i++) {
        exports->count++;
        PC_TRY(open_export(exports, &study->exports[i], &exports->state[i], err));
    }
    return PC_OK;
}

void pc_exports_close(pc_exports *exports)
{
    for (int i = 0; i < exports->count; i++) {
        pc_export_state *s = &exports->state[i];
        for (int k = 0; k < s->column_count; k++)
            pc_buffer_release(&s->column[k].value);
        pc_dict_builder_free(s->features);
    }
    *exports = (pc_exports){0};
}

static pc_status put(pc_export_state *s, int column, int64_t value, pc_error *err)
{
    return pc_buffer_append(&s->column[column].value, &value, sizeof value, err);
}

/** Patient, days and columns of a record. */
static pc_status put_record(pc_exports *exports, pc_export_state *s, int64_t row, pc_error *err)
{
    const pc_records *records = &s->node->records;
    const pc_slot_key *key = &exports->eval->block->slot_key[records->slot[row]];
    PC_TRY(pc_buffer_append(&s->column[PATIENT].value, key->byte + 1, PC_SLOT_TEXT_BYTES, err));
    PC_TRY(put(s, FIRST_DAY, records->column[PC_START][row], err));
    PC_TRY(put(s, LAST_DAY, records->column[PC_END][row], err));
    for (int i = 0; i < s->export->column_count; i++) {
        PC_TRY(put(s, OF_TIMELINE + i, records->column[s->export->column[i]][row], err));
    }
    return PC_OK;
}

/** A record's days; one without end is seen as long as the store goes. */
static pc_days days_of(const pc_exports *exports, const pc_records *records, int64_t row)
{
    pc_days days = {records->column[PC_START][row], records->column[PC_END][row]};
    if (days.last == PC_OPEN) days.last = exports->eval->last_day;
    if (days.last < days.first) days.last = days.first;
    return days;
}

static int64_t count_starts(const pc_records *there, int32_t slot, const pc_days *days)
{
    int64_t count = 0;
    for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
        const int64_t start = there->column[PC_START][row];
        count += start >= days->first && start <= days->last;
    }
    return count;
}

static bool holds_day(const pc_records *there, int32_t slot, int64_t day)
{
    for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
        if (there->column[PC_START][row] > day) return false;
        if (there->column[PC_END][row] >= day) return true;
    }
    return false;
}

/** Where a record is cut: years, splits, and after each day with an outcome. */
static pc_status cut_record(pc_exports *exports, const pc_export_state *s, int32_t slot,
                            const pc_days *run, pc_buffer *cuts, pc_error *err)
{
    const pc_export *one = s->export;
    cuts->bytes = 0;
    if (one->by_year) PC_TRY(pc_cut_years(exports->eval, run, cuts, err));
    for (int i = 0; i < one->split_count; i++) {
        const pc_records *there = &s->split[i]->records;
        for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
            const pc_days days = {there->column[PC_START][row], there->column[PC_END][row]};
            PC_TRY(pc_cut_runs(run, &days, 1, cuts, err));
        }
    }
    for (int i = 0; i < one->outcome_count; i++) {
        const pc_records *there = &s->outcome[i]->records;
        for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
            PC_TRY(pc_cut_day(run, there->column[PC_START][row] + 1, cuts, err));
        }
    }
    return pc_cut_sort(run, cuts, err);
}

static pc_status put_interval(pc_exports *exports, pc_export_state *s, int64_t row, int32_t slot,
                              int64_t base, const pc_days *days, pc_error *err)
{
    const pc_export *one = s->export;
    int at = s->of_kind;
    PC_TRY(put_record(exports, s, row, err));
    PC_TRY(put(s, at++, days->first - base, err));
    PC_TRY(put(s, at++, days->last - base + 1, err));
    if (one->by_year) PC_TRY(put(s, at++, pc_timeline_year(exports->eval, days->first), err));
    for (int i = 0; i < one->split_count; i++) {
        PC_TRY(put(s, at++, holds_day(&s->split[i]->records, slot, days->first), err));
    }
    const pc_days last = {days->last, days->last};
    for (int i = 0; i < one->outcome_count; i++) {
        PC_TRY(put(s, at++, count_starts(&s->outcome[i]->records, slot, &last), err));
    }
    return PC_OK;
}

static pc_status add_intervals(pc_exports *exports, pc_export_state *s, pc_error *err)
{
    const pc_records *records = &s->node->records;
    pc_buffer cuts = {.budget = exports->eval->budget};
    pc_status status = PC_OK;
    for (int64_t row = 0; row < records->count && status == PC_OK; row++) {
        const pc_days run = days_of(exports, records, row);
        const int32_t slot = records->slot[row];
        status = cut_record(exports, s, slot, &run, &cuts, err);
        const int64_t *cut = (const int64_t *)(const void *)cuts.data;
        const int64_t count = (int64_t)(cuts.bytes / sizeof *cut);
        for (int64_t i = 0; i < count && status == PC_OK; i++) {
            const pc_days days = {cut[i], i + 1 < count ? cut[i + 1] - 1 : run.last};
            status = put_interval(exports, s, row, slot, run.first, &days, err);
        }
    }
    pc_buffer_release(&cuts);
    return status;
}

/** Days that a record covers in a bucket, or 1 when it starts there. */
static int64_t weight_of(const pc_export *one, const pc_records *there, int64_t row,
                         const pc_days *bucket)
{
    const int64_t start = there->column[PC_START][row], end = there->column[PC_END][row];
    if (one->marks_start) return start >= bucket->first && start <= bucket->last;
    const int64_t first = start > bucket->first ? start : bucket->first;
    const int64_t last = end < bucket->last ? end : bucket->last;
    return last >= first ? last - first + 1 : 0;
}

/** The number of a feature in this shard: the timeline, with `per` and the value's text. */
static pc_status number_feature(pc_exports *exports, pc_export_state *s, int which, int64_t row,
                                uint32_t *out, pc_error *err)
{
    const pc_export *one = s->export;
    const int column = one->per_column[which];
    pc_buffer name = {.budget = exports->eval->budget};
    pc_status status = pc_buffer_print(&name, err, "%s", one->feature[which]->name);
    if (status == PC_OK && column >= 0) {
        const pc_record_column *per = &one->feature[which]->def->typed->out.column[column];
        uint32_t word = PC_DICT_NONE;
        pc_words *words = &exports->eval->words;
        status =
            pc_value_word(per, s->feature[which]->records.column[column][row], words, &word, err);
        const pc_span text =
            word == PC_DICT_NONE ? (pc_span){"", 0} : pc_dict_text(words->dict, word);
        if (status == PC_OK) status = pc_buffer_append(&name, "=", 1, err);
        if (status == PC_OK) status = pc_buffer_append(&name, text.data, text.bytes, err);
    }
    if (status == PC_OK) {
        status = pc_dict_builder_add(s->features, (pc_span){name.data, name.bytes}, out, err);
    }
    pc_buffer_release(&name);
    return status;
}

/** Adds a weight to the entry of a feature in the row that begins at entry `from`. */
static pc_status add_entry(pc_export_state *s, size_t from, int64_t feature, int64_t weight,
                           pc_error *err)
{
    pc_buffer *indices = &s->column[s->of_kind + INDICES].value;
    const size_t count = indices->bytes / sizeof(int64_t);
    const int64_t *index = (const int64_t *)(const void *)indices->data;
    for (size_t i = from; i < count; i++) {
        if (index[i] != feature) continue;
        ((int64_t *)(void *)s->column[s->of_kind + DATA].value.data)[i] += weight;
        return PC_OK;
    }
    PC_TRY(put(s, s->of_kind + INDICES, feature, err));
    return put(s, s->of_kind + DATA, weight, err);
}

/** One row of the matrix: what happens in a bucket. */
static pc_status put_bucket(pc_exports *exports, pc_export_state *s, int32_t slot,
                            const pc_days *bucket, pc_error *err)
{
    const pc_export *one = s->export;
    const size_t from = s->column[s->of_kind + INDICES].value.bytes / sizeof(int64_t);
    for (int i = 0; i < one->feature_count; i++) {
        const pc_records *there = &s->feature[i]->records;
        for (int64_t row = there->offset[slot]; row < there->offset[slot + 1]; row++) {
            if (there->column[PC_START][row] > bucket->last) break;
            const int64_t weight = weight_of(one, there, row, bucket);
            uint32_t feature = 0;
            if (weight == 0) continue;
            PC_TRY(number_feature(exports, s, i, row, &feature, err));
            PC_TRY(add_entry(s, from, feature, weight, err));
        }
    }
    const size_t end = s->column[s->of_kind + INDICES].value.bytes / sizeof(int64_t);
    PC_TRY(put(s, s->of_kind + INDPTR, (int64_t)end, err));
    for (int i = 0; i < one->outcome_count; i++) {
        PC_TRY(put(s, s->of_kind + OF_BUCKETS + i,
                   count_starts(&s->outcome[i]->records, slot, bucket), err));
    }
    return PC_OK;
}

static pc_status add_buckets(pc_exports *exports, pc_export_state *s, pc_error *err)
{
    const pc_records *records = &s->node->records;
    for (int64_t row = 0; row < records->count; row++) {
        const pc_days run = days_of(exports, records, row);
        const int64_t buckets = (run.last - run.first) / s->export->days + 1;
        PC_TRY(put_record(exports, s, row, err));
        PC_TRY(put(s, s->of_kind + BUCKETS, buckets, err));
        PC_TRY(put(s, s->of_kind + EXIT_BUCKET, buckets - 1, err));
        for (int64_t i = 0; i < buckets; i++) {
            pc_days bucket = {run.first + i * s->export->days, 0};
            bucket.last = bucket.first + s->export->days - 1;
            if (bucket.last > run.last) bucket.last = run.last;
            PC_TRY(put_bucket(exports, s, records->slot[row], &bucket, err));
        }
    }
    return PC_OK;
}

pc_status pc_exports_add(pc_exports *exports, pc_error *err)
{
    for (int i = 0; i < exports->count; i++) {
        pc_export_state *s = &exports->state[i];
        if (s->export->kind == PC_EXPORT_INTERVALS) {
            PC_TRY(add_intervals(exports, s, err));
        } else if (s->export->kind == PC_EXPORT_BUCKETS) {
            PC_TRY(add_buckets(exports, s, err));
        }
        for (int64_t row = 0; s->export->kind == PC_EXPORT_ROWS && row < s->node->records.count;
             row++) {
            PC_TRY(put_record(exports, s, row, err));
        }
    }
    return PC_OK;
}
