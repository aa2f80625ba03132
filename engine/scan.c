/** Scans: rows of a block as batches. See scan_private.h for the idea. */
#include "parcours/scan.h"
#include <string.h>
#include "parcours/kernel.h"
#include "scan_private.h"

bool pc_scan_multiplies(const pc_scan *scan, int relation)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    if (r->attach == PC_ATTACH_REFERENCE) return !scan->lookup[relation].is_unique;
    return r->attach == PC_ATTACH_PATIENT || r->attach == PC_ATTACH_CHILDREN;
}

// All relations that an expression reads are attached.
static bool is_ready(const pc_scan *scan, const pc_expr *expr, const bool *attached, bool *used)
{
    memset(used, 0, (size_t)scan->plan->column_count * sizeof *used);
    if (expr != NULL) pc_expr_columns(expr, used);
    for (int i = 0; i < scan->plan->column_count; i++) {
        if (used[i] && !attached[scan->plan->column[i].relation]) return false;
    }
    return true;
}

/** What is being laid out. */
typedef struct layout {
    pc_scan *scan;
    bool *attached; ///< [relation_count]
    bool *placed;   ///< [filter_count]
    bool *used;     ///< [column_count] scratch
} layout;

static void place_filters(layout *l, pc_stage *stage)
{
    const pc_scan_plan *plan = l->scan->plan;
    for (int i = 0; i < plan->filter_count; i++) {
        if (l->placed[i] || !is_ready(l->scan, plan->filter[i], l->attached, l->used)) continue;
        l->placed[i] = true;
        stage->step[stage->step_count++] =
            (pc_step){.kind = PC_STEP_FILTER, .filter = plan->filter[i]};
    }
}

// Relations that find at most one row come before those that multiply, wherever that is possible.
static int next_relation(const layout *l, bool multiplies)
{
    const pc_scan_plan *plan = l->scan->plan;
    for (int i = 1; i < plan->relation_count; i++) {
        const pc_scan_relation *r = &plan->relation[i];
        if (l->attached[i] || !l->attached[r->from] || !l->attached[r->instead_of]) continue;
        if (!multiplies && pc_scan_multiplies(l->scan, i)) continue;
        l->attached[i] = true;
        const bool ready = is_ready(l->scan, r->on, l->attached, l->used);
        l->attached[i] = false;
        if (ready) return i;
    }
    return -1;
}

static pc_status open_rows(pc_scan *scan, pc_rows *rows, pc_error *err)
{
    const size_t relations = (size_t)scan->plan->relation_count;
    const size_t columns = (size_t)scan->plan->column_count + 1;
    rows->row = pc_arena_array(&scan->self, relations, sizeof *rows->row, err);
    rows->slot = pc_arena_array(&scan->self, PC_BATCH_ROWS, sizeof *rows->slot, err);
    rows->is_attached = pc_arena_array(&scan->self, relations, sizeof *rows->is_attached, err);
    rows->column = pc_arena_array(&scan->self, columns, sizeof *rows->column, err);
    rows->is_gathered = pc_arena_array(&scan->self, columns, sizeof *rows->is_gathered, err);
    if (rows->row == NULL || rows->slot == NULL || rows->is_attached == NULL ||
        rows->column == NULL || rows->is_gathered == NULL) {
        return PC_NO_MEMORY;
    }
    for (size_t i = 0; i < relations; i++) {
        rows->row[i] = pc_arena_array(&scan->self, PC_BATCH_ROWS, sizeof **rows->row, err);
        if (rows->row[i] == NULL) return PC_NO_MEMORY;
    }
    return PC_OK;
}

static pc_status open_stage(layout *l, int relation, pc_stage **out, pc_error *err)
{
    pc_scan *scan = l->scan;
    pc_stage *stage = &scan->stage[scan->stage_count++];
    stage->relation = relation;
    const size_t steps = (size_t)(scan->plan->relation_count + scan->plan->filter_count);
    stage->step = pc_arena_array(&scan->self, steps, sizeof *stage->step, err);
    if (stage->step == NULL) return PC_NO_MEMORY;
    PC_TRY(open_rows(scan, &stage->rows, err));
    l->attached[relation] = true;
    place_filters(l, stage);
    *out = stage;
    return PC_OK;
}

// The first filter over the driving table alone selects rows while they are slices.
static pc_status open_first_filter(layout *l, pc_stage *stage, pc_error *err)
{
    const pc_scan_plan *plan = l->scan->plan;
    if (stage->step_count == 0) return PC_OK;
    stage->first = stage->step[0].filter;
    stage->step++;
    stage->step_count--;
    stage->pending = pc_arena_array(&l->scan->self, 2 * PC_BATCH_ROWS, sizeof *stage->pending, err);
    if (stage->pending == NULL) return PC_NO_MEMORY;
    memset(l->used, 0, (size_t)plan->column_count * sizeof *l->used);
    pc_expr_columns(stage->first, l->used);
    for (int i = 0; i < plan->column_count; i++) {
        stage->first_sees_rows =
            stage->first_sees_rows || (l->used[i] && plan->column[i].column < 0);
    }
    return PC_OK;
}

pc_status pc_scan_make_stages(pc_scan *scan, pc_error *err)
{
    const pc_scan_plan *plan = scan->plan;
    const size_t relations = (size_t)plan->relation_count;
    layout l = {.scan = scan};
    l.attached = pc_arena_array(&scan->self, relations, sizeof *l.attached, err);
    l.placed = pc_arena_array(&scan->self, (size_t)plan->filter_count + 1, sizeof *l.placed, err);
    l.used = pc_arena_array(&scan->self, (size_t)plan->column_count + 1, sizeof *l.used, err);
    scan->stage = pc_arena_array(&scan->self, relations, sizeof *scan->stage, err);
    if (l.attached == NULL || l.placed == NULL || l.used == NULL || scan->stage == NULL) {
        return PC_NO_MEMORY;
    }
    pc_stage *stage;
    PC_TRY(open_stage(&l, 0, &stage, err));
    PC_TRY(open_first_filter(&l, stage, err));
    for (int done = 1; done < plan->relation_count; done++) {
        int next = next_relation(&l, false);
        if (next >= 0) {
            stage->step[stage->step_count++] = (pc_step){.kind = PC_STEP_ATTACH, .relation = next};
            l.attached[next] = true;
            place_filters(&l, stage);
            continue;
        }
        next = next_relation(&l, true);
        if (next < 0) {
            return PC_FAIL(err, PC_UNSUPPORTED,
                           "the conditions of the joins refer to each other in a ring");
        }
        PC_TRY(open_stage(&l, next, &stage, err));
    }
    return PC_OK;
}

// Ranges of stored values without which no row passes: what the chunk directory is asked.
static pc_status find_zones(pc_scan *scan, pc_error *err)
{
    const pc_scan_plan *plan = scan->plan;
    const size_t columns = (size_t)plan->column_count;
    scan->zone = pc_arena_array(&scan->self, columns + 1, sizeof *scan->zone, err);
    pc_column *like = pc_arena_array(&scan->self, columns + 1, sizeof *like, err);
    if (scan->zone == NULL || like == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < plan->column_count; i++) {
        const pc_scan_column *c = &plan->column[i];
        const pc_model_table *t = pc_scan_table(scan, c->relation);
        like[i] = (pc_column){.type = plan->field[i].type};
        if (c->column >= 0 && t->column[c->column].dict >= 0) {
            like[i].dict = scan->catalog->dict[t->column[c->column].dict];
        }
    }
    const pc_batch batch = {.column_count = plan->column_count, .column = like};
    for (int i = 0; i < plan->column_count; i++) {
        const pc_scan_column *c = &plan->column[i];
        if (c->column < 0 || pc_scan_is_reference(scan, c->relation)) continue;
        // A key column that a child dropped stands with its parent.
        if (pc_scan_table(scan, c->relation)->column[c->column].parent_column >= 0) continue;
        pc_zone zone = {plan->relation[c->relation].table, c->column, INT64_MIN, INT64_MAX};
        bool known = false;
        for (int f = 0; f < plan->filter_count; f++) {
            int64_t low;
            int64_t high;
            if (!pc_expr_range(plan->filter[f], &batch, i, &low, &high)) continue;
            known = true;
            if (low > zone.low) zone.low = low;
            if (high < zone.high) zone.high = high;
        }
        if (known) scan->zone[scan->zone_count++] = zone;
    }
    return PC_OK;
}

static pc_status open_scan(pc_scan *scan, pc_error *err)
{
    const pc_scan_plan *plan = scan->plan;
    const size_t relations = (size_t)plan->relation_count;
    if (relations > PC_SCAN_RELATIONS || scan->catalog->model->key_count >= 1 << PC_SCAN_KEY_BITS) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a query joins at most %d tables of at most %d keys",
                       PC_SCAN_RELATIONS, (1 << PC_SCAN_KEY_BITS) - 1);
    }
    for (size_t i = 0; i < relations; i++) {
        const pc_column *column;
        int64_t rows;
        if (!pc_scan_is_reference(scan, (int)i)) continue;
        PC_TRY(pc_catalog_reference(scan->catalog, plan->relation[i].table, &column, &rows, err));
    }
    scan->lookup = pc_arena_array(&scan->self, relations, sizeof *scan->lookup, err);
    scan->by_code = pc_arena_array(&scan->self, relations, sizeof *scan->by_code, err);
    scan->link = pc_arena_array(&scan->self, relations, sizeof *scan->link, err);
    scan->child_first = pc_arena_array(&scan->self, relations, sizeof *scan->child_first, err);
    scan->child_row = pc_arena_array(&scan->self, relations, sizeof *scan->child_row, err);
    if (scan->lookup == NULL || scan->by_code == NULL || scan->link == NULL ||
        scan->child_first == NULL || scan->child_row == NULL) {
        return PC_NO_MEMORY;
    }
    PC_TRY(pc_expr_state_new(&scan->self, scan->budget, &scan->state, err));
    pc_expr_state_trust_dicts(scan->state); // they are the catalogue's
    for (int i = 1; i < plan->relation_count; i++) {
        if (plan->relation[i].attach != PC_ATTACH_REFERENCE) continue;
        PC_TRY(pc_scan_make_lookup(scan, i, err));
    }
    PC_TRY(pc_scan_make_stages(scan, err));
    return find_zones(scan, err);
}

pc_status pc_scan_open(const pc_catalog *catalog, const pc_scan_plan *plan, pc_budget *budget,
                       pc_scan **out, pc_error *err)
{
    pc_arena self = {.budget = budget};
    pc_scan *scan = pc_arena_take(&self, sizeof *scan, err);
    if (scan == NULL) return PC_NO_MEMORY;
    *scan = (pc_scan){
        .self = self, .catalog = catalog, .plan = plan, .budget = budget, .is_done = true};
    scan->scratch.budget = budget;
    scan->block_arena.budget = budget;
    const pc_status status = open_scan(scan, err);
    if (status != PC_OK) {
        pc_scan_close(scan);
        return status;
    }
    *out = scan;
    return PC_OK;
}

void pc_scan_close(pc_scan *scan)
{
    if (scan == NULL) return;
    pc_expr_state_free(scan->state);
    pc_arena_reset(&scan->scratch);
    pc_arena_reset(&scan->block_arena);
    pc_arena self = scan->self; // a copy: the struct lies in it
    pc_arena_reset(&self);
}

void pc_scan_tables(const pc_scan *scan, bool *needed)
{
    const pc_scan_plan *plan = scan->plan;
    const pc_model *model = scan->catalog->model;
    for (int i = 0; i < plan->relation_count; i++) {
        if (pc_scan_is_reference(scan, i)) continue;
        const pc_scan_relation *r = &plan->relation[i];
        const pc_model_table *t = &model->table[r->table];
        needed[r->table] = true;
        // Links and keys are rows of the parent: its offsets are needed to know them.
        if (r->attach == PC_ATTACH_CHILDREN && t->parent_key >= 0) {
            needed[model->key[t->parent_key].table] = true;
        }
    }
    for (int i = 0; i < plan->column_count; i++) {
        const pc_scan_column *c = &plan->column[i];
        if (pc_scan_is_reference(scan, c->relation)) continue;
        const pc_model_table *t = pc_scan_table(scan, c->relation);
        const bool by_parent = c->column == PC_SCAN_PARENT_KEY ||
                               (c->column >= 0 && t->column[c->column].parent_column >= 0);
        if (by_parent && t->parent_key >= 0) needed[model->key[t->parent_key].table] = true;
    }
}

pc_status pc_scan_begin(pc_scan *scan, pc_block *block, const pc_reader *reader, pc_error *err)
{
    (void)err;
    const size_t relations = (size_t)scan->plan->relation_count;
    pc_arena_reset(&scan->block_arena);
    memset(scan->link, 0, relations * sizeof *scan->link);
    memset(scan->child_first, 0, relations * sizeof *scan->child_first);
    scan->block = block;
    scan->is_done = false;
    for (int i = 0; i < scan->stage_count; i++) {
        pc_stage *stage = &scan->stage[i];
        stage->at = 0;
        stage->candidate = 0;
        stage->matched = false;
        stage->slot = 0;
        stage->pending_count = 0;
        stage->rows.count = 0;
    }
    for (int i = 0; reader != NULL && i < scan->zone_count && !scan->is_done; i++) {
        const pc_zone *zone = &scan->zone[i];
        scan->is_done = zone->low > zone->high || pc_reader_zone_is_empty(reader, zone);
    }
    return PC_OK;
}

void pc_scan_plan_used(const pc_scan_plan *plan, bool *used)
{
    for (int i = 0; i < plan->column_count; i++) {
        used[i] = plan->is_read == NULL || plan->is_read[i];
    }
    for (int i = 0; i < plan->filter_count; i++) {
        pc_expr_columns(plan->filter[i], used);
    }
    for (int i = 0; i < plan->relation_count; i++) {
        if (plan->relation[i].on != NULL) pc_expr_columns(plan->relation[i].on, used);
    }
}

bool pc_scan_skips(const pc_scan *scan)
{
    return scan->is_done;
}

static int64_t driving_rows(const pc_scan *scan)
{
    const int table = scan->plan->relation[0].table;
    if (pc_scan_is_reference(scan, 0)) return scan->catalog->reference_count[table];
    return scan->block->table[table].row_count;
}

// The end of the rows below `limit` in ascending `row` [from .. end - 1].
static int rows_below(const int32_t *row, int from, int end, int64_t limit)
{
    while (from < end) {
        const int middle = from + (end - from) / 2;
        if (row[middle] < limit) {
            from = middle + 1;
        } else {
            end = middle;
        }
    }
    return from;
}

// Slots of ascending rows `row` [count] of the driving table, from slot `stage->slot` on. Rows of a
// slot stand together, so that they are written in runs.
static void find_slots(const pc_scan *scan, pc_stage *stage, const int32_t *row, int count)
{
    if (pc_scan_is_reference(scan, 0)) return;
    const int64_t *offset = scan->block->table[scan->plan->relation[0].table].offset;
    int32_t *slot = stage->rows.slot;
    int32_t here = stage->slot;
    for (int i = 0; i < count;) {
        while (offset[here + 1] <= row[i])
            here++;
        const int64_t most = i + offset[here + 1] - row[i]; // if none of them is left out
        int end = most < count ? (int)most : count;
        if (row[end - 1] >= offset[here + 1]) end = rows_below(row, i, end, offset[here + 1]);
        for (; i < end; i++)
            slot[i] = here;
    }
    stage->slot = here;
}

// The next rows of the driving table, as a slice that starts at a multiple of 64.
static void take_slice(pc_scan *scan, pc_stage *stage)
{
    pc_rows *rows = &stage->rows;
    const int64_t left = driving_rows(scan) - stage->at;
    rows->count = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
    rows->first = stage->at;
    rows->is_slice = true;
    memset(rows->is_attached, 0, (size_t)scan->plan->relation_count * sizeof *rows->is_attached);
    rows->is_attached[0] = true;
    pc_rows_changed(scan, rows);
    stage->at += rows->count;
    scan->rows_in += rows->count;
}

// Row numbers and slots of a slice, written down when somebody looks at them.
static void number_slice(const pc_scan *scan, pc_stage *stage)
{
    const int32_t first = (int32_t)stage->rows.first;
    const int count = stage->rows.count;
    int32_t *row = stage->rows.row[0];
    for (int i = 0; i < count; i++)
        row[i] = first + i;
    find_slots(scan, stage, row, count);
}

// Rows of slices that pass the first filter, until a batch is full: the other columns are only
// looked at for these. A slice all of whose rows pass stays one.
static pc_status select_rows(pc_scan *scan, pc_stage *stage, pc_error *err)
{
    pc_rows *rows = &stage->rows;
    const int64_t row_count = driving_rows(scan);
    const int slot = stage->slot;
    int *picked = pc_arena_raw(&scan->scratch, PC_BATCH_ROWS * sizeof *picked, err);
    if (picked == NULL) return PC_NO_MEMORY;
    while (stage->pending_count < PC_BATCH_ROWS && stage->at < row_count) {
        const pc_arena_mark mark = pc_arena_now(&scan->scratch);
        int count = 0;
        take_slice(scan, stage);
        if (stage->first_sees_rows) number_slice(scan, stage);
        PC_TRY(pc_scan_gather(scan, rows, stage->first, err));
        const pc_batch batch = {.column_count = scan->plan->column_count,
                                .row_count = rows->count,
                                .column = rows->column};
        PC_TRY(
            pc_expr_filter(stage->first, &batch, scan->state, &scan->scratch, picked, &count, err));
        if (count == rows->count && stage->pending_count == 0) {
            if (!stage->first_sees_rows) number_slice(scan, stage);
            return PC_OK;
        }
        const int32_t first = (int32_t)rows->first;
        int32_t *to = stage->pending + stage->pending_count;
        for (int i = 0; i < count; i++)
            to[i] = first + picked[i];
        stage->pending_count += count;
        pc_arena_rewind(&scan->scratch, mark);
    }
    rows->count = stage->pending_count < PC_BATCH_ROWS ? stage->pending_count : PC_BATCH_ROWS;
    rows->is_slice = false;
    pc_rows_changed(scan, rows);
    memcpy(rows->row[0], stage->pending, (size_t)rows->count * sizeof *stage->pending);
    stage->pending_count -= rows->count;
    memmove(stage->pending, stage->pending + rows->count,
            (size_t)stage->pending_count * sizeof *stage->pending);
    stage->slot = slot; // slices that were looked at may be ahead of the rows
    find_slots(scan, stage, rows->row[0], rows->count);
    return PC_OK;
}

// The next rows of the driving table.
static pc_status drive(pc_scan *scan, pc_stage *stage, pc_error *err)
{
    if (stage->first != NULL) return select_rows(scan, stage, err);
    take_slice(scan, stage);
    number_slice(scan, stage);
    return PC_OK;
}

static pc_status filter_rows(pc_scan *scan, pc_rows *rows, const pc_expr *filter, pc_error *err)
{
    int *row = pc_arena_raw(&scan->scratch, PC_BATCH_ROWS * sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_scan_gather(scan, rows, filter, err));
    const pc_batch batch = {
        .column_count = scan->plan->column_count, .row_count = rows->count, .column = rows->column};
    int count;
    PC_TRY(pc_expr_filter(filter, &batch, scan->state, &scan->scratch, row, &count, err));
    pc_rows_keep(scan, rows, row, count);
    return PC_OK;
}

static pc_status run_steps(pc_scan *scan, pc_stage *stage, pc_error *err)
{
    for (int i = 0; i < stage->step_count && stage->rows.count > 0; i++) {
        const pc_step *step = &stage->step[i];
        if (step->kind == PC_STEP_FILTER) {
            PC_TRY(filter_rows(scan, &stage->rows, step->filter, err));
        } else {
            PC_TRY(pc_scan_attach(scan, &stage->rows, step->relation, err));
        }
    }
    return PC_OK;
}

// Rows of stage `at`, from the driving table upwards; none: the block is done.
static pc_status pull(pc_scan *scan, int last, pc_error *err)
{
    int at = last;
    while (at <= last) {
        pc_stage *stage = &scan->stage[at];
        const pc_arena_mark mark = pc_arena_now(&scan->scratch);
        if (at == 0) {
            if (stage->at >= driving_rows(scan) && stage->pending_count == 0) {
                scan->is_done = true;
                return PC_OK;
            }
            // No row of an earlier batch is in use here: its columns can go.
            pc_arena_empty(&scan->scratch);
            PC_TRY(drive(scan, stage, err));
        } else {
            pc_rows *in = &scan->stage[at - 1].rows;
            if (stage->at >= in->count) {
                at--; // the stage before is used up: it makes new rows first
                scan->stage[at + 1].at = 0;
                scan->stage[at + 1].candidate = 0;
                scan->stage[at].rows.count = 0;
                continue;
            }
            pc_rows_changed(scan, in);
            PC_TRY(pc_scan_multiply(scan, stage, in, err));
        }
        PC_TRY(run_steps(scan, stage, err));
        if (stage->rows.count > 0) {
            at++;
            if (at <= last) scan->stage[at].at = 0;
        } else if (at > 0) {
            // A long walk that finds nothing takes no more memory than one step of it.
            pc_arena_rewind(&scan->scratch, mark);
            pc_rows_changed(scan, &scan->stage[at - 1].rows);
        }
    }
    return PC_OK;
}

PC_KERNEL static void number_slots(const int32_t *slot, int count, int64_t first, int64_t *to)
{
    for (int i = 0; i < count; i++)
        to[i] = first + slot[i];
}

static pc_status make_batch(pc_scan *scan, pc_rows *rows, pc_batch *batch, pc_error *err)
{
    PC_TRY(pc_scan_gather(scan, rows, NULL, err));
    *batch = (pc_batch){
        .column_count = scan->plan->column_count, .row_count = rows->count, .column = rows->column};
    // Columns of relations that only test (SEMI, ANTI) are there too: null for ANTI.
    if (pc_scan_is_reference(scan, 0)) return PC_OK;
    batch->slot =
        pc_arena_raw(&scan->scratch, ((size_t)rows->count + 1) * sizeof *batch->slot, err);
    if (batch->slot == NULL) return PC_NO_MEMORY;
    number_slots(rows->slot, rows->count, scan->block->first_slot, batch->slot);
    return PC_OK;
}

pc_status pc_scan_next(pc_scan *scan, pc_batch *batch, pc_error *err)
{
    const int last = scan->stage_count - 1;
    *batch = (pc_batch){.column_count = scan->plan->column_count,
                        .column = scan->stage[last].rows.column};
    if (scan->is_done) return PC_OK;
    pc_arena_empty(&scan->scratch);
    for (int i = 0; i <= last; i++) {
        pc_rows_changed(scan, &scan->stage[i].rows);
    }
    PC_TRY(pull(scan, last, err));
    if (scan->is_done) return PC_OK;
    scan->rows_out += scan->stage[last].rows.count;
    return make_batch(scan, &scan->stage[last].rows, batch, err);
}

void pc_scan_counts(const pc_scan *scan, int64_t *rows_in, int64_t *rows_out)
{
    *rows_in = scan->rows_in;
    *rows_out = scan->rows_out;
}

pc_status pc_catalog_reference(const pc_catalog *catalog, int table, const pc_column **column,
                               int64_t *row_count, pc_error *err)
{
    *column = catalog->reference[table];
    *row_count = catalog->reference_count[table];
    return catalog->store == NULL
               ? PC_OK
               : pc_store_reference(catalog->store, table, column, row_count, err);
}

pc_status pc_catalog_of_store(pc_store *store, pc_arena *arena, const pc_catalog **out,
                              pc_error *err)
{
    const pc_model *model = pc_store_model(store);
    const size_t tables = (size_t)model->table_count;
    pc_catalog *catalog = pc_arena_take(arena, sizeof *catalog, err);
    const pc_dict **dict = pc_arena_array(arena, (size_t)model->dict_count + 1, sizeof *dict, err);
    const pc_column **reference = pc_arena_array(arena, tables, sizeof *reference, err);
    int64_t *count = pc_arena_array(arena, tables, sizeof *count, err);
    int64_t *rows = pc_arena_array(arena, tables, sizeof *rows, err);
    if (catalog == NULL || dict == NULL || reference == NULL || count == NULL || rows == NULL) {
        return PC_NO_MEMORY;
    }
    for (int i = 0; i < model->dict_count; i++) {
        dict[i] = pc_store_dict(store, i);
    }
    for (int i = 0; i < model->table_count; i++) {
        rows[i] = pc_store_table_rows(store, i);
        if (model->table[i].path != PC_PATH_NONE) continue;
        reference[i] = pc_store_reference_columns(store, i);
        count[i] = rows[i];
    }
    *catalog = (pc_catalog){model, dict, reference, count, rows, store};
    *out = catalog;
    return PC_OK;
}
