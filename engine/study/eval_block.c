// The nodes of a block, one after the other.
#include <string.h>
#include "match.h"

pc_status pc_block_eval_open(pc_block_eval *eval, pc_nodes *nodes, pc_budget *budget,
                             int32_t first_day, int32_t last_day, pc_error *err)
{
    *eval = (pc_block_eval){.nodes = nodes,
                            .budget = budget,
                            .run_arena = {.budget = budget},
                            .arena = {.budget = budget},
                            .scratch = {.budget = budget},
                            .first_day = first_day,
                            .last_day = last_day};
    // A first piece that stays, however often the scratch arena is emptied.
    if (pc_arena_raw(&eval->scratch, 1 << 18, err) == NULL) return PC_NO_MEMORY;
    pc_arena_rewind(&eval->scratch, (pc_arena_mark){eval->scratch.newest, 0});
    PC_TRY(pc_words_open(&eval->words, &eval->run_arena, err));
    PC_TRY(pc_expr_state_new(&eval->run_arena, budget, &eval->state, err));
    pc_expr_state_trust_dicts(eval->state); // the catalogue's, and the one of the run
    return PC_OK;
}

void pc_block_eval_close(pc_block_eval *eval)
{
    pc_expr_state_free(eval->state);
    eval->state = NULL;
    pc_words_close(&eval->words);
    pc_arena_reset(&eval->scratch);
    pc_arena_reset(&eval->arena);
    pc_arena_reset(&eval->run_arena);
}

/** Which slots are patients, and where their PERSON rows are. */
static pc_status find_persons(pc_block_eval *eval, pc_error *err)
{
    const pc_model *model = eval->nodes->catalog->model;
    const pc_block_table *person = &eval->block->table[model->person_table];
    eval->slot_count = eval->block->slot_count;
    const size_t count = (size_t)eval->slot_count;
    eval->is_person = pc_arena_array(&eval->arena, count, 1, err);
    eval->person_row = pc_arena_array(&eval->arena, count, sizeof *eval->person_row, err);
    if (eval->is_person == NULL || eval->person_row == NULL) return PC_NO_MEMORY;
    for (int slot = 0; slot < eval->slot_count; slot++) {
        const pc_slot_kind kind = (pc_slot_kind)(unsigned char)eval->block->slot_key[slot].byte[0];
        eval->person_row[slot] = -1;
        if (!pc_slot_is_patient(kind) || person->offset == NULL) continue;
        if (person->offset[slot] == person->offset[slot + 1]) continue;
        eval->person_row[slot] = (int32_t)person->offset[slot];
        eval->is_person[slot] = 1;
    }
    return PC_OK;
}

/** Appends one column of a batch of rows: all of them, before those that make no record go. */
static pc_status take_column(pc_block_eval *eval, pc_node *node, const pc_expr *expr, int column,
                             const pc_batch *batch, int64_t at, pc_error *err)
{
    if (!node->needed[column]) return PC_OK;
    pc_column values = {.type = PC_NONE};
    if (expr != NULL) {
        PC_TRY(pc_expr_eval(expr, batch, eval->state, &eval->scratch, &values, err));
    }
    return pc_records_fill(&node->records, column, at, &values, batch->row_count, &eval->words,
                           err);
}

/** Ends that are not given are those of the first day; nulls of a definition that has ends are
 *  open. Rows without a first day, that end before it, or of nobody, make no record. */
static pc_status keep_rows(pc_block_eval *eval, pc_node *node, const pc_batch *batch, int64_t at,
                           pc_error *err)
{
    pc_records *records = &node->records;
    const pc_def *def = node->def;
    const int64_t *start = records->column[PC_START];
    int64_t *end = records->column[PC_END];
    const bool has_end = node->parts.end != NULL;
    (void)err;
    int64_t to = at;
    for (int row = 0; row < batch->row_count; row++) {
        const int64_t from = at + row;
        const int slot = (int)(batch->slot[row] - eval->block->first_slot);
        if (!eval->is_person[slot]) continue;
        if (start[from] == PC_NULL) {
            node->rows_without_day++;
            continue;
        }
        if (end != NULL) {
            if (def->end_is_open || (has_end && end[from] == PC_NULL)) end[from] = PC_OPEN;
            if (!def->end_is_open && !has_end) end[from] = start[from];
            if (end[from] < start[from]) {
                node->rows_backwards++;
                continue;
            }
        }
        records->slot[to] = slot;
        for (int i = 0; i < records->column_count && to != from; i++) {
            if (records->needed[i]) records->column[i][to] = records->column[i][from];
        }
        to++;
    }
    records->count = to;
    return PC_OK;
}

static pc_status take_batch(pc_block_eval *eval, pc_node *node, const pc_batch *batch,
                            pc_error *err)
{
    const pc_def *def = node->def;
    const pc_table_parts *parts = &node->parts;
    const int64_t at = node->records.count;
    PC_TRY(pc_records_reserve(&node->records, batch->row_count, &eval->arena, err));
    PC_TRY(take_column(eval, node, parts->start, PC_START, batch, at, err));
    PC_TRY(take_column(eval, node, parts->end, PC_END, batch, at, err));
    PC_TRY(take_column(eval, node, parts->code, PC_CODE_COLUMN, batch, at, err));
    PC_TRY(take_column(eval, node, parts->value, PC_VALUE_COLUMN, batch, at, err));
    for (int i = 0; i < def->keep_count; i++) {
        PC_TRY(take_column(eval, node, parts->keep[i], def->typed->keep_column[i], batch, at, err));
    }
    if (node->needed[PC_STAY_COLUMN]) {
        const pc_column none = {.type = PC_NONE};
        const pc_column *stay = node->stay_at >= 0 ? &batch->column[node->stay_at] : &none;
        PC_TRY(pc_records_fill(&node->records, PC_STAY_COLUMN, at, stay, batch->row_count,
                               &eval->words, err));
    }
    return keep_rows(eval, node, batch, at, err);
}

static pc_status scan_table(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    PC_TRY(pc_records_open(&node->records, node->def->typed->out.count, node->needed, &eval->arena,
                           err));
    if (node->scan == NULL) return PC_OK;
    PC_TRY(pc_scan_begin(node->scan, eval->block, eval->reader, err));
    for (;;) {
        pc_batch batch = {0};
        PC_TRY(pc_scan_next(node->scan, &batch, err));
        if (batch.row_count == 0) return PC_OK;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        PC_TRY(take_batch(eval, node, &batch, err));
        pc_arena_rewind(&eval->scratch, mark);
    }
}

/** Values of one column in the type of another, in place: a whole number or decimal at a finer
 *  scale, or as a float. */
static pc_status convert_values(const pc_record_column *from, const pc_record_column *to,
                                int64_t *value, int64_t count, pc_error *err)
{
    int64_t factor = 1;
    double divisor = 1;
    for (int i = from->scale; i < to->scale; i++)
        factor *= 10;
    for (int i = 0; i < from->scale; i++)
        divisor *= 10;
    for (int64_t row = 0; row < count; row++) {
        if (value[row] == PC_NULL) continue;
        if (to->type == PC_FLOAT) {
            const double real = (double)value[row] / divisor;
            memcpy(&value[row], &real, sizeof real);
        } else if (__builtin_mul_overflow(value[row], factor, &value[row])) {
            return PC_FAIL(err, PC_BAD_INPUT, "a value of '%s' is beyond 64 bits at scale %d",
                           to->name, (int)to->scale);
        }
    }
    return PC_OK;
}

/** Copies `count` values of a column, or those of them with `keep`. */
static void copy_values(const int64_t *in, int64_t count, const uint8_t *keep, int64_t *out)
{
    if (keep == NULL) {
        memcpy(out, in, (size_t)count * sizeof *out);
        return;
    }
    int64_t to = 0;
    for (int64_t row = 0; row < count; row++) {
        out[to] = in[row]; // there is room for one more than are kept
        to += keep[row];
    }
}

/** Appends the records of one input (those with `keep`, or all) to `out`; `added` of them. */
static pc_status append_input(const pc_node *input, const pc_record_schema *schema,
                              const bool *needed, const uint8_t *keep, int64_t added,
                              pc_records *out, pc_error *err)
{
    const pc_records *in = &input->records;
    const pc_record_schema *from = &input->def->typed->out;
    int32_t *slot = out->slot + out->count;
    for (int64_t row = 0, to = 0; row < in->count; row++) {
        slot[to] = in->slot[row];
        to += keep == NULL || keep[row];
    }
    for (int i = 0; i < schema->count; i++) {
        if (!needed[i]) continue;
        const int column = pc_record_find(from, schema->column[i].name);
        int64_t *to = out->column[i] + out->count;
        const bool is_there = column >= 0 && in->column[column] != NULL;
        const pc_record_column *have = is_there ? &from->column[column] : NULL;
        const bool is_number = is_there && (have->type == PC_INT || have->type == PC_DECIMAL);
        if (!is_there) {
            for (int64_t row = 0; row < added; row++)
                to[row] = PC_NULL;
            continue;
        }
        copy_values(in->column[column], in->count, keep, to);
        if (is_number &&
            (have->type != schema->column[i].type || have->scale != schema->column[i].scale)) {
            PC_TRY(convert_values(have, &schema->column[i], to, added, err));
        }
    }
    out->count += added;
    return PC_OK;
}

pc_status pc_timeline_gather(pc_block_eval *eval, const pc_node *node,
                             const pc_record_schema *schema, const bool *needed, pc_records *out,
                             pc_error *err)
{
    int64_t total = 0;
    for (int k = 0; k < node->input_count; k++)
        total += node->input[k]->records.count;
    PC_TRY(pc_records_open(out, schema->count, needed, &eval->arena, err));
    PC_TRY(pc_records_reserve(out, total + 1, &eval->arena, err));
    for (int k = 0; k < node->input_count; k++) {
        const int64_t count = node->input[k]->records.count;
        if (count == 0) continue;
        PC_TRY(append_input(node->input[k], schema, needed, NULL, count, out, err));
    }
    return PC_OK;
}

/** Columns of the input that the node's SQL or its own columns need. */
static pc_status needed_of_input(pc_block_eval *eval, const pc_node *node, bool **out,
                                 pc_error *err)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    bool *needed = pc_arena_array(&eval->arena, (size_t)typed->in.count, sizeof *needed, err);
    if (needed == NULL) return PC_NO_MEMORY;
    needed[PC_START] = true;
    for (int i = 0; i < typed->out.count; i++) {
        if (node->needed[i] && typed->from_in[i] >= 0) needed[typed->from_in[i]] = true;
    }
    const pc_record_sql *sql[] = {node->where_is_pushed ? NULL : &typed->where, &typed->code,
                                  &typed->value, &typed->start, &typed->end};
    for (int s = 0; s < 5 + def->keep_count; s++) {
        const pc_record_sql *one = s < 5 ? sql[s] : &typed->keep[s - 5];
        for (int i = 0; one != NULL && one->expr != NULL && i < typed->in.count; i++) {
            needed[i] = needed[i] || one->used[i];
        }
    }
    *out = needed;
    return PC_OK;
}

/** SQL of stage 1 that makes a column of the record from the input record. */
static pc_status rewrite_column(pc_block_eval *eval, pc_node *node, const pc_records *in,
                                const pc_record_sql *sql, int column, pc_error *err)
{
    if (sql->expr == NULL || !node->needed[column]) return PC_OK;
    for (int64_t from = 0; from < in->count; from += PC_BATCH_ROWS) {
        const int64_t left = in->count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_column values;
        PC_TRY(pc_timeline_sql(eval, in, &node->def->typed->in, sql, from, count, &values, err));
        PC_TRY(pc_records_fill(&node->records, column, from, &values, count, &eval->words, err));
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

/** The days of a rewritten record, and which records have none. */
static void rewrite_days(pc_node *node, uint8_t *keep)
{
    const pc_def *def = node->def;
    const int64_t *start = node->records.column[PC_START];
    int64_t *end = node->records.column[PC_END];
    for (int64_t row = 0; row < node->records.count; row++) {
        if (start[row] == PC_NULL) {
            keep[row] = 0;
            node->rows_without_day++;
            continue;
        }
        if (end == NULL) continue;
        if (def->end_is_open || (def->end.text != NULL && end[row] == PC_NULL)) {
            end[row] = PC_OPEN;
        } else if (def->end.text == NULL && def->start.text != NULL) {
            end[row] = start[row];
        }
        if (end[row] < start[row]) {
            keep[row] = 0;
            node->rows_backwards++;
        }
    }
}

bool pc_timeline_is_copy(const pc_node *node)
{
    const pc_def *def = node->def;
    const bool has_where = def->where.text != NULL && !node->where_is_pushed;
    return node->input_count == 1 && !has_where && def->code.text == NULL &&
           def->value.text == NULL && def->start.text == NULL && def->end.text == NULL &&
           !def->end_is_open && def->keep_count == 0;
}

pc_status pc_timeline_copy(pc_block_eval *eval, pc_node *node, const uint8_t *keep, pc_error *err)
{
    const pc_record_schema *schema = &node->def->typed->out;
    const int64_t count = node->input[0]->records.count;
    int64_t kept = 0;
    for (int64_t row = 0; row < count; row++)
        kept += keep[row];
    PC_TRY(pc_records_open(&node->records, schema->count, node->needed, &eval->arena, err));
    PC_TRY(pc_records_reserve(&node->records, kept + 1, &eval->arena, err));
    return append_input(node->input[0], schema, node->needed, keep, kept, &node->records, err);
}

/** Stage 1 of an event on timelines. */
pc_status pc_timeline_merge(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    bool *needed = NULL;
    pc_records in;
    if (pc_timeline_is_copy(node)) {
        return pc_timeline_gather(eval, node, &typed->out, node->needed, &node->records, err);
    }
    PC_TRY(needed_of_input(eval, node, &needed, err));
    PC_TRY(pc_timeline_gather(eval, node, &typed->in, needed, &in, err));
    uint8_t *keep = pc_arena_array(&eval->arena, (size_t)in.count, 1, err);
    if (keep == NULL) return PC_NO_MEMORY;
    if (in.count > 0) memset(keep, 1, (size_t)in.count);
    if (!node->where_is_pushed && typed->where.expr != NULL) {
        PC_TRY(pc_timeline_where(eval, &in, &typed->in, &typed->where, keep, err));
        pc_records_keep(&in, keep);
        if (in.count > 0) memset(keep, 1, (size_t)in.count);
    }
    pc_records *out = &node->records;
    PC_TRY(pc_records_open(out, typed->out.count, node->needed, &eval->arena, err));
    PC_TRY(pc_records_reserve(out, in.count, &eval->arena, err));
    out->count = in.count;
    if (in.count > 0) memcpy(out->slot, in.slot, (size_t)in.count * sizeof *in.slot);
    for (int i = 0; i < typed->out.count; i++) {
        if (!node->needed[i] || typed->from_in[i] < 0 || in.count == 0) continue;
        memcpy(out->column[i], in.column[typed->from_in[i]],
               (size_t)in.count * sizeof *out->column[i]);
    }
    PC_TRY(rewrite_column(eval, node, &in, &typed->code, PC_CODE_COLUMN, err));
    PC_TRY(rewrite_column(eval, node, &in, &typed->value, PC_VALUE_COLUMN, err));
    PC_TRY(rewrite_column(eval, node, &in, &typed->start, PC_START, err));
    PC_TRY(rewrite_column(eval, node, &in, &typed->end, PC_END, err));
    for (int i = 0; i < def->keep_count; i++) {
        PC_TRY(rewrite_column(eval, node, &in, &typed->keep[i], typed->keep_column[i], err));
    }
    if (def->start.text != NULL || def->end.text != NULL || def->end_is_open) {
        rewrite_days(node, keep);
        pc_records_keep(out, keep);
    }
    // Before grouping the day is enough: groups sort their members by their keys. A sum of floats
    // depends on the order, so that all columns count then.
    const bool by_day = def->is_grouped && typed->out.column[PC_VALUE_COLUMN].type != PC_FLOAT;
    return pc_records_sort(out, by_day ? PC_START + 1 : out->column_count, &typed->out,
                           &eval->words, &eval->scratch, err);
}

/** Is a word in one of the sets of `by`: 0, or 1 + the first set that holds it. Remembered by word
 *  in `state`. */
static pc_status word_set(pc_block_eval *eval, const pc_def *by, int system, pc_buffer *state,
                          int64_t word, uint8_t *out, pc_error *err)
{
    const size_t at = (size_t)word;
    if (at >= state->bytes) {
        const size_t bytes = eval->words.dict->count;
        PC_TRY(pc_buffer_reserve(state, bytes, err));
        memset(state->data + state->bytes, 0xff, bytes - state->bytes);
        state->bytes = bytes;
    }
    unsigned char *known = (unsigned char *)state->data + at;
    if (*known == 0xff) {
        *known = 0;
        const pc_span code = pc_dict_text(eval->words.dict, (uint32_t)word);
        for (int i = 0; i < by->codes_count && *known == 0; i++) {
            if (pc_code_set_has(by->codes[i]->set, system, code)) {
                *known = (unsigned char)(1 + (i < 250 ? i : 250));
            }
        }
    }
    *out = *known;
    return PC_OK;
}

/** Filters by code, and fills `family` with the name of the set when `family` is a column. */
static pc_status filter_codes(pc_block_eval *eval, pc_node *node, const pc_def *by, int system,
                              pc_buffer *state, int family, uint8_t *keep, pc_error *err)
{
    const int64_t *code = node->records.column[PC_CODE_COLUMN];
    for (int64_t row = 0; row < node->records.count; row++) {
        uint8_t set = 0;
        if (code[row] != PC_NULL) {
            PC_TRY(word_set(eval, by, system, state, code[row], &set, err));
        }
        if (set == 0) {
            keep[row] = 0;
        } else if (family >= 0) {
            PC_TRY(pc_words_add(&eval->words, pc_span_of(by->codes_name[set - 1]),
                                &node->records.column[family][row], err));
        }
    }
    return PC_OK;
}

/** Stage 2, and the predicates of users that could not go further down. */
static pc_status filter_records(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_typed *typed = def->typed;
    pc_records *records = &node->records;
    const int system = typed->out.column[PC_CODE_COLUMN].system;
    const int family = typed->family >= 0 && node->needed[typed->family] ? typed->family : -1;
    const bool pushed = node->codes_are_pushed || def->table >= 0;
    const bool by_codes = def->codes_count > 0 && (!pushed || family >= 0);
    const bool by_dates = def->dates.is_given && def->kind == PC_DEF_EVENT && def->table < 0;
    if (!by_codes && !by_dates && node->here_count == 0) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_array(&eval->scratch, (size_t)records->count, 1, err);
    if (keep == NULL) return PC_NO_MEMORY;
    if (records->count > 0) memset(keep, 1, (size_t)records->count);
    if (by_codes) {
        PC_TRY(filter_codes(eval, node, def, system, &node->word_state[0], family, keep, err));
    }
    const int64_t *start = records->column[PC_START];
    for (int64_t row = 0; by_dates && row < records->count; row++) {
        if (def->dates.has_low && start[row] < def->dates.low) keep[row] = 0;
        if (def->dates.has_high && start[row] > def->dates.high) keep[row] = 0;
    }
    for (int i = 0; i < node->here_count; i++) {
        const pc_node_filter *here = &node->here[i];
        if (here->filter.is_codes) {
            PC_TRY(filter_codes(eval, node, here->filter.by, system, &node->word_state[1 + i], -1,
                                keep, err));
        } else {
            PC_TRY(pc_timeline_where(eval, records, &typed->out, &here->sql, keep, err));
        }
    }
    pc_records_keep(records, keep);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** Keeps the records for which `having` and all conditions hold. */
static pc_status require_all(pc_block_eval *eval, pc_node *node, bool is_having, pc_error *err)
{
    const pc_def *def = node->def;
    pc_records *records = &node->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_array(&eval->scratch, (size_t)records->count, 1, err);
    if (keep == NULL) return PC_NO_MEMORY;
    if (records->count > 0) memset(keep, 1, (size_t)records->count);
    if (is_having) {
        PC_TRY(pc_timeline_where(eval, records, &def->typed->out, &def->typed->having, keep, err));
    }
    for (int i = 0; i < def->require_count && !is_having; i++) {
        PC_TRY(pc_timeline_condition(eval, def->require[i], records, def, keep, err));
    }
    pc_records_keep(records, keep);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

static pc_status finish_event(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    pc_records *records = &node->records;
    PC_TRY(filter_records(eval, node, err));
    if (def->is_grouped) {
        // Rows come in order of the table's days: those of SQL may differ.
        if (def->table >= 0 && def->start.text != NULL) {
            PC_TRY(pc_records_sort(records, PC_START + 1, &def->typed->out, &eval->words,
                                   &eval->scratch, err));
        }
        PC_TRY(pc_timeline_group(eval, node, err));
    }
    if (def->having.text != NULL) PC_TRY(require_all(eval, node, true, err));
    pc_records_narrow(records, node->needed_later);
    // Grouping and days of SQL may have changed the order.
    if (node->has_order && (def->is_grouped || def->start.text != NULL || def->table >= 0)) {
        PC_TRY(pc_records_sort(records, records->column_count, &def->typed->out, &eval->words,
                               &eval->scratch, err));
    }
    if (def->measure_count > 0) PC_TRY(pc_timeline_measures(eval, node, err));
    if (def->require_count > 0) PC_TRY(require_all(eval, node, false, err));
    if (def->apart < 0 && def->pick == PC_PICK_ALL) return PC_OK;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    uint8_t *keep = pc_arena_array(&eval->scratch, (size_t)records->count, 1, err);
    if (keep == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_timeline_pick(eval, records, def->pick, def->apart, def->typed->per, def->per.count,
                            keep, err));
    pc_records_keep(records, keep);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}

/** Empties the block's arena but keeps its memory, so that the system does not have to clear the
 *  same pages for every block. */
static pc_status empty_arena(pc_block_eval *eval, pc_error *err)
{
    const bool has_grown = eval->arena.newest != eval->arena_base;
    if (eval->arena_base != NULL && !has_grown) {
        pc_arena_rewind(&eval->arena, (pc_arena_mark){eval->arena_base, 0});
        return PC_OK;
    }
    pc_arena_reset(&eval->arena);
    eval->arena_base = NULL;
    if (!has_grown) return PC_OK; // the first block shows how much is needed
    const size_t bytes = eval->arena_bytes == 0 ? 1 << 20 : 2 * eval->arena_bytes;
    if (bytes > pc_budget_left(eval->budget) / 4) return PC_OK;
    if (pc_arena_raw(&eval->arena, bytes, err) == NULL) return PC_NO_MEMORY;
    eval->arena_bytes = bytes;
    eval->arena_base = eval->arena.newest;
    pc_arena_rewind(&eval->arena, (pc_arena_mark){eval->arena_base, 0});
    return PC_OK;
}

pc_status pc_block_eval_run(pc_block_eval *eval, pc_block *block, const pc_reader *reader,
                            pc_error *err)
{
    PC_TRY(empty_arena(eval, err));
    eval->block = block;
    eval->reader = reader;
    PC_TRY(find_persons(eval, err));
    const bool is_last = eval->pass == eval->nodes->passes;
    for (int i = 0; i < eval->nodes->count; i++) {
        pc_node *node = eval->nodes->node[i];
        if (!is_last && (node->phase > eval->pass || !node->serves_match)) continue;
        switch (node->def->kind) {
            case PC_DEF_EVENT:
                if (node->def->table >= 0) {
                    PC_TRY(scan_table(eval, node, err));
                } else {
                    PC_TRY(pc_timeline_merge(eval, node, err));
                }
                PC_TRY(finish_event(eval, node, err));
                break;
            case PC_DEF_COHORT:
                PC_TRY(pc_timeline_cohort(eval, node, err));
                break;
            case PC_DEF_JOIN:
            case PC_DEF_INTERSECT:
            case PC_DEF_SUBTRACT:
                PC_TRY(pc_timeline_period(eval, node, err));
                break;
            case PC_DEF_EXPOSURE:
                PC_TRY(pc_timeline_exposure(eval, node, err));
                break;
            case PC_DEF_MATCH:
                PC_TRY(pc_timeline_match(eval, node, err));
                break;
            default:
                PC_TRY(pc_timeline_given(eval, node, err));
                break;
        }
        PC_TRY(pc_records_index(&node->records, eval->slot_count, &eval->arena, err));
    }
    return PC_OK;
}
