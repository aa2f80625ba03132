// Exposures: eras from deliveries, by patient and by the values of `per`.
#include <math.h>
#include <string.h>
#include "eval.h"
#include "spans.h"

/** An era before it is a record. */
typedef struct era {
    pc_days days;
    int64_t from;  ///< a delivery of it: its `per` columns
    int64_t group; ///< number of its values of `per` among the patient's
    int64_t records, supplied;
} era;

/** One exposure of one block. */
typedef struct exposing {
    pc_block_eval *eval;
    pc_node *node;
    const pc_def *def;
    const pc_typed *typed;
    pc_records in;     ///< deliveries, in order
    int64_t *supply;   ///< [in.count] PC_NULL: skipped, PC_OPEN: for ever
    int64_t *order;    ///< [in.count] rows by `per`
    int64_t *other;    ///< [in.count]
    pc_days *days;     ///< [in.count] of one group
    int64_t *last_for; ///< [in.count] supplies of one group
    int64_t *run_of;   ///< [in.count]
    era *eras;         ///< [in.count] of one patient
    int64_t era_count, group_count;
    int64_t *rank;      ///< [in.count] of a group's value among the patient's
    int64_t *word;      ///< [in.count] the value of a rank
    pc_days *clip;      ///< [longest patient of `clip`]
    pc_buffer combined; ///< pc_era: what `combine` is made from
    pc_buffer held;     ///< pc_held: what it gives
} exposing;

/** Deliveries of all inputs in order. Of a single input they are its own records. */
static pc_status gather(exposing *e, pc_error *err)
{
    pc_block_eval *eval = e->eval;
    const pc_typed *typed = e->typed;
    if (e->node->input_count == 1) {
        e->in = e->node->input[0]->records;
        return PC_OK;
    }
    const pc_record_schema *schema = &typed->in;
    bool *needed = pc_arena_array(&eval->arena, (size_t)schema->count, sizeof *needed, err);
    if (needed == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < schema->count; i++) {
        for (int k = 0; k < e->node->input_count; k++) {
            const pc_node *input = e->node->input[k];
            const int at = pc_record_find(&input->def->typed->out, schema->column[i].name);
            needed[i] = needed[i] || (at >= 0 && input->records.column[at] != NULL);
        }
    }
    PC_TRY(pc_timeline_gather(eval, e->node, schema, needed, &e->in, err));
    PC_TRY(pc_records_sort(&e->in, e->in.column_count, schema, &eval->words, &eval->scratch, err));
    return pc_records_index(&e->in, eval->slot_count, &eval->arena, err);
}

/** Days of a supply, rounded down; nothing for less than one. */
static int64_t whole_days(const pc_column *values, int row, int64_t divisor)
{
    if (values->data == NULL || pc_column_is_null(values, row)) return PC_NULL;
    int64_t days = 0;
    if (values->type == PC_FLOAT) {
        const double real = floor(((const double *)values->data)[row]);
        if (!(real >= 1)) return PC_NULL;
        days = real > PC_SUPPLY_MAX ? PC_SUPPLY_MAX : (int64_t)real;
    } else {
        days = pc_column_int(values, row) / divisor;
    }
    if (days < 1) return PC_NULL;
    return days > PC_SUPPLY_MAX ? PC_SUPPLY_MAX : days;
}

static pc_status find_supply(exposing *e, pc_error *err)
{
    pc_block_eval *eval = e->eval;
    const pc_record_sql *sql = &e->typed->supply;
    const int64_t *start = e->in.column[PC_START], *end = e->in.column[PC_END];
    for (int64_t row = 0; sql->expr == NULL && row < e->in.count; row++) {
        e->supply[row] = end[row] == PC_OPEN ? PC_OPEN : end[row] - start[row] + 1;
    }
    int64_t divisor = 1;
    for (int i = 0; sql->expr != NULL && i < sql->expr->scale; i++)
        divisor *= 10;
    for (int64_t from = 0; sql->expr != NULL && from < e->in.count; from += PC_BATCH_ROWS) {
        const int64_t left = e->in.count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_column values;
        PC_TRY(pc_timeline_sql(eval, &e->in, &e->typed->in, sql, from, count, &values, err));
        for (int i = 0; i < count; i++) {
            e->supply[from + i] = whole_days(&values, i, divisor);
            e->node->rows_without_supply += e->supply[from + i] == PC_NULL;
        }
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

static pc_status open_exposing(exposing *e, pc_error *err)
{
    pc_arena *scratch = &e->eval->scratch;
    const size_t count = (size_t)e->in.count;
    e->supply = pc_arena_array(scratch, count, sizeof *e->supply, err);
    e->order = pc_arena_array(scratch, count, sizeof *e->order, err);
    e->other = pc_arena_array(scratch, count, sizeof *e->other, err);
    e->days = pc_arena_array(scratch, count, sizeof *e->days, err);
    e->last_for = pc_arena_array(scratch, count, sizeof *e->last_for, err);
    e->run_of = pc_arena_array(scratch, count, sizeof *e->run_of, err);
    e->eras = pc_arena_array(scratch, count, sizeof *e->eras, err);
    e->rank = pc_arena_array(scratch, count, sizeof *e->rank, err);
    e->word = pc_arena_array(scratch, count, sizeof *e->word, err);
    int64_t longest = 0;
    for (int slot = 0; e->node->clip != NULL && slot < e->eval->slot_count; slot++) {
        const uint32_t *offset = e->node->clip->records.offset;
        if (offset[slot + 1] - offset[slot] > longest) longest = offset[slot + 1] - offset[slot];
    }
    e->clip = pc_arena_array(scratch, (size_t)longest + 1, sizeof *e->clip, err);
    const bool is_good = e->supply != NULL && e->order != NULL && e->other != NULL &&
                         e->days != NULL && e->last_for != NULL && e->run_of != NULL &&
                         e->eras != NULL && e->rank != NULL && e->word != NULL && e->clip != NULL;
    e->combined.budget = e->held.budget = e->eval->budget;
    return is_good ? PC_OK : PC_NO_MEMORY;
}

/** The eras of one group: deliveries `row[0 .. count-1]` in order. */
static void make_eras(exposing *e, const int64_t *row, int64_t count)
{
    const int64_t *start = e->in.column[PC_START];
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (e->supply[row[i]] == PC_NULL) continue;
        e->days[kept].first = start[row[i]];
        e->last_for[kept++] = e->supply[row[i]];
    }
    pc_days_cover(e->days, e->last_for, kept, e->def->carry);
    const int64_t eras = pc_days_join(e->days, kept, e->def->gap, e->run_of);
    era *out = e->eras + e->era_count;
    for (int64_t i = 0; i < eras; i++)
        out[i] = (era){.days = e->days[i], .from = row[0], .group = e->group_count};
    for (int64_t i = 0; i < kept; i++) {
        era *one = &out[e->run_of[i]];
        one->records++;
        const bool is_endless = e->last_for[i] == PC_OPEN || one->supplied == PC_NULL;
        one->supplied = is_endless ? PC_NULL : one->supplied + e->last_for[i];
    }
    e->era_count += eras;
    e->group_count++;
}

/** The eras of one patient, by `per`. */
static void make_eras_of(exposing *e, int64_t from, int64_t end)
{
    const int *per = e->typed->per_in;
    const int per_count = e->def->per.count;
    e->era_count = e->group_count = 0;
    if (per_count == 0) {
        for (int64_t i = from; i < end; i++)
            e->order[i] = i;
        if (from < end) make_eras(e, e->order + from, end - from);
        return;
    }
    pc_records_order_by(&e->in, per, per_count, from, end, e->order, e->other);
    for (int64_t first = from; first < end;) {
        int64_t next = first + 1;
        while (next < end &&
               pc_records_same(&e->in, per, per_count, e->order[first], e->order[next])) {
            next++;
        }
        make_eras(e, e->order + first, next - first);
        first = next;
    }
}

static void set_value(pc_records *records, int column, int64_t value)
{
    if (records->column[column] != NULL) records->column[column][records->count - 1] = value;
}

static pc_status emit_era(exposing *e, int32_t slot, const era *one, pc_days days, pc_error *err)
{
    const pc_typed *typed = e->typed;
    pc_records *out = &e->node->records;
    PC_TRY(pc_timeline_add(e->eval, e->node, slot, days.first, days.last, err));
    set_value(out, typed->records, one->records);
    set_value(out, typed->supplied, one->supplied);
    for (int i = 0; i < e->def->per.count; i++) {
        if (out->column[typed->per[i]] == NULL) continue;
        set_value(out, typed->per[i], e->in.column[typed->per_in[i]][one->from]);
    }
    return PC_OK;
}

/** Numbers the values of a patient's groups in the order of their texts. */
static void rank_groups(exposing *e)
{
    const pc_record_column *column = &e->typed->in.column[e->typed->per_in[0]];
    const int64_t *value = e->in.column[e->typed->per_in[0]];
    // `word` holds the groups' values until they are put in their places.
    for (int64_t i = 0; i < e->era_count; i++)
        e->word[e->eras[i].group] = value[e->eras[i].from];
    for (int64_t group = 0; group < e->group_count; group++) {
        e->rank[group] = 0;
        for (int64_t k = 0; k < e->group_count; k++) {
            const int order =
                pc_record_compare(column, &e->eval->words, e->word[k], e->word[group]);
            e->rank[group] += order < 0;
        }
    }
    for (int64_t i = 0; i < e->era_count; i++)
        e->word[e->rank[e->eras[i].group]] = value[e->eras[i].from];
}

/** A set's values joined by '+'; a set of one is its value. */
static pc_status join_values(const exposing *e, const pc_held *set, int64_t *out, pc_error *err)
{
    pc_words *words = &e->eval->words;
    *out = e->word[set->value[0]];
    if (set->count == 1) return PC_OK;
    pc_buffer text = {.budget = e->eval->budget};
    pc_status status = PC_OK;
    for (int i = 0; i < set->count && status == PC_OK; i++) {
        const pc_span one = pc_dict_text(words->dict, (uint32_t)e->word[set->value[i]]);
        if (i > 0) status = pc_buffer_append(&text, "+", 1, err);
        if (status == PC_OK) status = pc_buffer_append(&text, one.data, one.bytes, err);
    }
    if (status == PC_OK) {
        status = pc_words_add(words, (pc_span){text.data, text.bytes}, out, err);
    }
    pc_buffer_release(&text);
    return status;
}

/** Emits the sets that a patient's eras, gathered in `combined`, make. */
static pc_status emit_sets(exposing *e, int32_t slot, pc_error *err)
{
    const pc_era *piece = (const pc_era *)(const void *)e->combined.data;
    const int64_t count = (int64_t)(e->combined.bytes / sizeof *piece);
    if (count == 0) return PC_OK;
    PC_TRY(pc_eras_combine(piece, count, e->def->combine_most, e->def->combine_shortest, &e->held,
                           err));
    const pc_held *set = (const pc_held *)(const void *)e->held.data;
    const int64_t sets = (int64_t)(e->held.bytes / sizeof *set);
    pc_records *out = &e->node->records;
    for (int64_t i = 0; i < sets; i++) {
        int64_t joined = 0;
        PC_TRY(join_values(e, &set[i], &joined, err));
        PC_TRY(pc_timeline_add(e->eval, e->node, slot, set[i].days.first, set[i].days.last, err));
        set_value(out, e->typed->per[0], joined);
        set_value(out, PC_VALUE_COLUMN, set[i].count);
    }
    return PC_OK;
}

/** A piece of an era that is left of `clip`: a record, or kept for `combine`. */
static pc_status take_piece(exposing *e, int32_t slot, const era *one, pc_days days, pc_error *err)
{
    if (e->def->combine_most == 0) return emit_era(e, slot, one, days, err);
    const pc_era piece = {.value = e->rank[one->group], .days = days};
    const bool is_null = e->in.column[e->typed->per_in[0]][one->from] == PC_NULL;
    return is_null ? PC_OK : pc_buffer_append(&e->combined, &piece, sizeof piece, err);
}

static pc_status emit_patient(exposing *e, int32_t slot, pc_error *err)
{
    int64_t clips = 0;
    if (e->node->clip != NULL) {
        const pc_records *clip = &e->node->clip->records;
        for (int64_t row = clip->offset[slot]; row < clip->offset[slot + 1]; row++) {
            e->clip[clips++] = (pc_days){clip->column[PC_START][row], clip->column[PC_END][row]};
        }
        pc_days_sort(e->clip, clips);
        clips = pc_days_join(e->clip, clips, 0, NULL);
    }
    if (e->def->combine_most > 0) rank_groups(e);
    e->combined.bytes = 0;
    for (int64_t i = 0; i < e->era_count; i++) {
        const era *one = &e->eras[i];
        if (e->node->clip == NULL) PC_TRY(take_piece(e, slot, one, one->days, err));
        for (int64_t k = 0; k < clips && e->clip[k].first <= one->days.last; k++) {
            pc_days cut;
            if (pc_days_both(&one->days, 1, &e->clip[k], 1, &cut) == 0) continue;
            PC_TRY(take_piece(e, slot, one, cut, err));
        }
    }
    return e->def->combine_most > 0 ? emit_sets(e, slot, err) : PC_OK;
}

static pc_status emit_all(exposing *e, pc_error *err)
{
    for (int32_t slot = 0; slot < e->eval->slot_count; slot++) {
        if (e->in.offset[slot] == e->in.offset[slot + 1]) continue;
        make_eras_of(e, e->in.offset[slot], e->in.offset[slot + 1]);
        PC_TRY(emit_patient(e, slot, err));
    }
    return PC_OK;
}

pc_status pc_timeline_exposure(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    exposing e = {.eval = eval, .node = node, .def = def, .typed = def->typed};
    pc_records *out = &node->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    PC_TRY(pc_records_open(out, def->typed->out.count, node->needed, &eval->arena, err));
    PC_TRY(gather(&e, err));
    PC_TRY(open_exposing(&e, err));
    PC_TRY(find_supply(&e, err));
    const pc_status status = emit_all(&e, err);
    pc_buffer_release(&e.combined);
    pc_buffer_release(&e.held);
    PC_TRY(status);
    pc_arena_rewind(&eval->scratch, mark);
    return pc_records_sort(out, out->column_count, &def->typed->out, &eval->words, &eval->scratch,
                           err);
}
