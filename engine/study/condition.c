// Conditions, measures and pick: over all records of a block at once.
#include <string.h>
#include "eval.h"

/** The bound of a condition on a number that a look gave. Null fails. */
static bool within_bound(const pc_condition *c, int64_t value)
{
    if (value == PC_NULL) return false;
    double number = (double)value;
    if (c->bound->type == PC_FLOAT) memcpy(&number, &value, sizeof number);
    double least = c->least, most = c->most;
    if (c->bound->type == PC_DECIMAL) {
        for (int i = 0; i < c->bound->scale; i++) {
            least *= 10;
            most *= 10;
        }
    }
    return (!c->has_least || number >= least) && (!c->has_most || number <= most);
}

/** Is the condition true when a look gives `value`. */
static bool holds(const pc_condition *c, int64_t value)
{
    const bool is_truth =
        c->verb == PC_VERB_SOME || c->verb == PC_VERB_NONE || c->verb == PC_VERB_COVERED_BY;
    return is_truth ? value == 1 : within_bound(c, value);
}

/** What is tested of what looks give. */
typedef struct test {
    const pc_condition *condition;
    uint8_t *keep;
} test;

static void keep_one(void *context, int64_t anchor, int64_t value)
{
    const test *t = context;
    t->keep[anchor] = holds(t->condition, value);
}

/** Anchors that have nothing to look at, the most, are all kept or all dropped. */
static pc_status keep_looked(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                             const pc_def *anchor_def, uint8_t *keep, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    const size_t count = (size_t)anchors->count;
    uint8_t *active = pc_arena_raw(&eval->scratch, count, err);
    if (active == NULL) return PC_NO_MEMORY;
    if (count > 0) memcpy(active, keep, count);
    if (count > 0 && !holds(c, pc_timeline_nothing(c->verb))) memset(keep, 0, count);
    test t = {.condition = c, .keep = keep};
    PC_TRY(pc_timeline_look_each(eval, c, anchors, anchor_def, active, keep_one, &t, err));
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** Keeps records whose age is within the bound. */
static pc_status keep_age(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                          uint8_t *keep, pc_error *err)
{
    const bool in_year = c->verb == PC_VERB_AGE_IN_YEAR;
    const pc_column *birth = NULL;
    PC_TRY(pc_timeline_person(eval, in_year ? "birth_year" : "birth_date", &birth, err));
    for (int64_t row = 0; row < anchors->count; row++) {
        const int32_t person = eval->person_row[anchors->slot[row]];
        if (!keep[row]) continue;
        keep[row] = 0;
        if (person < 0 || birth->data == NULL || pc_column_is_null(birth, person)) continue;
        const int32_t day = (int32_t)anchors->column[PC_START][row];
        const int64_t born = pc_column_int(birth, person);
        int64_t age = 0;
        if (in_year) {
            age = pc_timeline_year(eval, day) - born;
        } else {
            age = pc_age_on((int32_t)born, day);
        }
        keep[row] =
            (!c->has_least || (double)age >= c->least) && (!c->has_most || (double)age <= c->most);
    }
    return PC_OK;
}

static pc_status keep_sex(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                          uint8_t *keep, pc_error *err)
{
    const pc_column *sex = NULL;
    PC_TRY(pc_timeline_person(eval, "sex", &sex, err));
    for (int64_t row = 0; row < anchors->count; row++) {
        const int32_t person = eval->person_row[anchors->slot[row]];
        if (!keep[row]) continue;
        keep[row] = 0;
        if (person < 0 || sex->data == NULL || pc_column_is_null(sex, person)) continue;
        const pc_span text = pc_column_span(sex, person);
        keep[row] = text.bytes == 1 && text.data[0] == c->sex;
    }
    return PC_OK;
}

/** Keeps the records for which a child holds; what holds is not looked at again. */
static pc_status keep_any(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                          const pc_def *anchor_def, uint8_t *keep, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    const size_t count = (size_t)anchors->count;
    uint8_t *holds = pc_arena_array(&eval->scratch, count, 1, err);
    uint8_t *held = pc_arena_array(&eval->scratch, count, 1, err);
    if (holds == NULL || held == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < c->child_count; i++) {
        for (size_t row = 0; row < count; row++)
            holds[row] = keep[row] & !held[row];
        PC_TRY(pc_timeline_condition(eval, c->child[i], anchors, anchor_def, holds, err));
        for (size_t row = 0; row < count; row++)
            held[row] |= holds[row];
    }
    if (count > 0) memcpy(keep, held, count);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** `of`: counts the children that hold. */
static pc_status keep_several(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                              const pc_def *anchor_def, uint8_t *keep, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    const size_t count = (size_t)anchors->count;
    uint8_t *holds = pc_arena_array(&eval->scratch, count, 1, err);
    int32_t *held = pc_arena_array(&eval->scratch, count, sizeof *held, err);
    if (holds == NULL || held == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < c->child_count; i++) {
        if (count > 0) memcpy(holds, keep, count);
        PC_TRY(pc_timeline_condition(eval, c->child[i], anchors, anchor_def, holds, err));
        for (size_t row = 0; row < count; row++)
            held[row] += holds[row];
    }
    for (size_t row = 0; row < count; row++) {
        const bool passes = (!c->has_least || (double)held[row] >= c->least) &&
                            (!c->has_most || (double)held[row] <= c->most);
        keep[row] = keep[row] && passes;
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

static pc_status keep_not(pc_block_eval *eval, const pc_condition *c, const pc_records *anchors,
                          const pc_def *anchor_def, uint8_t *keep, pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    const size_t count = (size_t)anchors->count;
    uint8_t *holds = pc_arena_array(&eval->scratch, count, 1, err);
    if (holds == NULL) return PC_NO_MEMORY;
    if (count > 0) memcpy(holds, keep, count);
    for (int i = 0; i < c->child_count; i++) {
        PC_TRY(pc_timeline_condition(eval, c->child[i], anchors, anchor_def, holds, err));
    }
    for (size_t row = 0; row < count; row++)
        keep[row] = keep[row] && !holds[row];
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

pc_status pc_timeline_condition(pc_block_eval *eval, const pc_condition *condition,
                                const pc_records *anchors, const pc_def *anchor_def, uint8_t *keep,
                                pc_error *err)
{
    switch (condition->verb) {
        case PC_VERB_AGE:
        case PC_VERB_AGE_IN_YEAR:
            return keep_age(eval, condition, anchors, keep, err);
        case PC_VERB_SEX:
            return keep_sex(eval, condition, anchors, keep, err);
        case PC_VERB_WHERE:
            return pc_timeline_where(eval, anchors, &anchor_def->typed->out, &condition->bound->sql,
                                     keep, err);
        case PC_VERB_ALL:
            for (int i = 0; i < condition->child_count; i++) {
                PC_TRY(pc_timeline_condition(eval, condition->child[i], anchors, anchor_def, keep,
                                             err));
            }
            return PC_OK;
        case PC_VERB_ANY:
            return keep_any(eval, condition, anchors, anchor_def, keep, err);
        case PC_VERB_OF:
            return keep_several(eval, condition, anchors, anchor_def, keep, err);
        case PC_VERB_NOT:
            return keep_not(eval, condition, anchors, anchor_def, keep, err);
        default:
            return keep_looked(eval, condition, anchors, anchor_def, keep, err);
    }
}

static pc_status take_measure(pc_block_eval *eval, pc_node *node, const pc_bound *bound,
                              pc_error *err)
{
    pc_records *records = &node->records;
    for (int64_t from = 0; from < records->count; from += PC_BATCH_ROWS) {
        const int64_t left = records->count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_column value;
        PC_TRY(pc_timeline_sql(eval, records, &node->def->typed->out, &bound->sql, from, count,
                               &value, err));
        PC_TRY(pc_records_fill(records, bound->result, from, &value, count, &eval->words, err));
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

pc_status pc_timeline_measures(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    pc_records *records = &node->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *active = pc_arena_array(&eval->scratch, (size_t)records->count, 1, err);
    if (active == NULL) return PC_NO_MEMORY;
    if (records->count > 0) memset(active, 1, (size_t)records->count);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < def->measure_count; i++) {
            const pc_condition *measure = def->measure[i];
            const pc_bound *bound = measure->bound;
            const bool is_take = measure->verb == PC_VERB_TAKE;
            if (is_take != (pass == 1) || !node->needed[bound->result]) continue;
            if (is_take) {
                PC_TRY(take_measure(eval, node, bound, err));
            } else {
                PC_TRY(pc_timeline_look(eval, measure, records, def, active,
                                        records->column[bound->result], err));
            }
        }
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

static bool same_group(const pc_records *records, const int *per, int per_count, int64_t a,
                       int64_t b)
{
    for (int i = 0; i < per_count; i++) {
        const int64_t *column = records->column[per[i]];
        if (column[a] != column[b]) return false;
    }
    return true;
}

/** One group of one patient: rows `row[0 .. count-1]` in order. */
static void pick_in_group(const pc_records *records, pc_pick pick, int64_t apart,
                          const int64_t *row, int64_t count, uint8_t *keep)
{
    const int64_t *start = records->column[PC_START];
    int64_t kept = -1; // the last record that `apart` kept
    int64_t chosen = -1;
    for (int64_t i = 0; i < count; i++) {
        keep[row[i]] = 0;
        if (apart >= 0 && kept >= 0 && start[row[i]] - start[kept] < apart) continue;
        kept = row[i];
        if (pick == PC_PICK_ALL) {
            keep[row[i]] = 1;
        } else if (chosen < 0 || (pick == PC_PICK_LAST && start[row[i]] > start[chosen])) {
            chosen = row[i];
        }
    }
    if (chosen >= 0) keep[chosen] = 1;
}

pc_status pc_timeline_pick(pc_block_eval *eval, const pc_records *records, pc_pick pick,
                           int64_t apart, const int *per, int per_count, uint8_t *keep,
                           pc_error *err)
{
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    const size_t count = (size_t)records->count;
    int64_t *row = pc_arena_array(&eval->scratch, count, sizeof *row, err);
    uint8_t *done = pc_arena_array(&eval->scratch, count, 1, err);
    if (row == NULL || done == NULL) return PC_NO_MEMORY;
    for (int64_t first = 0; first < records->count; first++) {
        if (done[first]) continue;
        int64_t members = 0;
        for (int64_t at = first; at < records->count && records->slot[at] == records->slot[first];
             at++) {
            if (done[at] || !same_group(records, per, per_count, first, at)) continue;
            done[at] = 1;
            row[members++] = at;
        }
        pick_in_group(records, pick, apart, row, members, keep);
    }
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}
