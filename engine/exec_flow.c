/** The flow of batches through a tree of operators: who gives rows when, and where they go. */
#include <string.h>
#include "exec_private.h"

static const int64_t NO_SLOT = INT64_MAX; // of rows that nobody's rows were put together to

enum {
    SPILL_SHARE = 3,    // of the memory that is left at rest: buffers double while they grow
    SPILL_BATCHES = 16, // between two times, so that small pieces are not written
    SAMPLE_ROWS = 1024  // of each time: parts are ranges between them
};

static bool has_state(const pc_op *op)
{
    return pc_op_has_state(op->type);
}

static pc_status check(const pc_batch *batch, const pc_plan *plan, pc_error *err)
{
#ifndef __OPTIMIZE__ // every value of every batch: not where time counts
    return batch->row_count == 0 ? PC_OK : pc_batch_check(batch, &plan->schema, err);
#else
    (void)batch;
    (void)plan;
    (void)err;
    return PC_OK;
#endif
}

static pc_status push(pc_flow *f, int at, pc_op *op, pc_batch *batch, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    const double started_s = pc_clock_s();
    n->batches++;
    n->rows_in += batch->row_count;
    pc_status status = op->type->push(op, batch, &f->scratch, err);
    n->since_spill++;
    // Rows of a slot must stay together: patients are counted by it. Those of a block may.
    if (status == PC_OK && f->pass != PC_PASS_BLOCK && batch->slot == NULL &&
        pc_flow_is_full(f, at)) {
        status = pc_flow_spill(f, at, err);
    }
    n->seconds += pc_clock_s() - started_s;
    return status;
}

size_t pc_flow_room(const pc_flow *flow)
{
    const size_t limit = flow->budget->limit_bytes;
    if (flow->parts.scratch == NULL) return SIZE_MAX;
    if (flow->parts.state_bytes > 0) return flow->parts.state_bytes;
    if (limit == 0) return SIZE_MAX;
    return flow->at_rest < limit ? (limit - flow->at_rest) / SPILL_SHARE : 0;
}

size_t pc_flow_used(const pc_flow *flow)
{
    const size_t used = flow->budget->used_bytes;
    return used > flow->at_rest ? used - flow->at_rest : 0;
}

bool pc_flow_is_full(const pc_flow *flow, int node)
{
    const pc_flow_node *n = &flow->node[node];
    const bool may = n->since_spill >= SPILL_BATCHES && pc_op_can_part(n->plan);
    return may && pc_flow_used(flow) > pc_flow_room(flow);
}

static pc_status keep_piece(void *context, int part, pc_span piece, pc_error *err)
{
    return pc_aside_add(context, part, piece, err);
}

pc_status pc_flow_spill(pc_flow *flow, int node, pc_error *err)
{
    pc_flow_node *n = &flow->node[node];
    if (n->parts == NULL) PC_TRY(pc_aside_open(&flow->parts, &n->parts, err));
    if (n->op.type->sample != NULL) {
        n->sample.budget = flow->budget;
        PC_TRY(n->op.type->sample(&n->op, SAMPLE_ROWS, false, &n->sample, err));
    }
    const pc_op_parts parts = {
        .count = flow->parts.count, .context = n->parts, .write = keep_piece};
    PC_TRY(n->op.type->pack_parts(&n->op, &parts, err));
    n->since_spill = 0;
    flow->at_rest = flow->budget->used_bytes;
    return PC_OK;
}

static bool has_null(const pc_column *c, int row_count)
{
    uint64_t all = UINT64_MAX;
    for (int i = 0; c->valid != NULL && i < row_count / 64; i++)
        all &= c->valid[i];
    if (c->valid != NULL && row_count % 64 != 0) {
        all &= c->valid[row_count / 64] | UINT64_MAX << (row_count % 64);
    }
    return all != UINT64_MAX;
}

// Rows of patients to the operator, rows of nobody to its twin.
static pc_status push_by_slot(pc_flow *f, int at, pc_batch *batch, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    const pc_column *key = &batch->column[n->plan->patient];
    if (key->data != NULL && !has_null(key, batch->row_count)) {
        return push(f, at, &n->op, batch, err);
    }
    int known[PC_BATCH_ROWS], nobody[PC_BATCH_ROWS];
    int known_count = 0, nobody_count = 0;
    for (int row = 0; row < batch->row_count; row++) {
        const bool is_null = pc_column_is_null(key, row);
        known[known_count] = row;
        nobody[nobody_count] = row;
        known_count += !is_null;
        nobody_count += is_null;
    }
    if (nobody_count == 0) return push(f, at, &n->op, batch, err);
    n->has_nobody = true;
    pc_batch part = *batch;
    PC_TRY(pc_batch_keep(&part, nobody, nobody_count, &f->scratch, err));
    PC_TRY(push(f, at, &n->nobody, &part, err));
    if (known_count == 0) return PC_OK;
    part = *batch;
    PC_TRY(pc_batch_keep(&part, known, known_count, &f->scratch, err));
    return push(f, at, &n->op, &part, err);
}

// The batches that an operator makes of the one it was given.
static pc_status emit_more(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    for (;;) {
        const pc_arena_mark mark = pc_arena_now(&f->scratch);
        const double started_s = pc_clock_s();
        pc_batch out;
        PC_TRY(n->op.type->more(&n->op, &out, &f->scratch, err));
        n->seconds += pc_clock_s() - started_s;
        if (out.row_count == 0) return PC_OK;
        n->rows_out += out.row_count;
        PC_TRY(check(&out, n->plan, err));
        PC_TRY(pc_flow_emit(f, at, &out, err));
        pc_arena_rewind(&f->scratch, mark);
    }
}

// A union of slots keeps the rows of a block, to give them in the order of slots.
static bool gathers(const pc_flow *f, const pc_flow_node *n)
{
    return n->own_rows != NULL && n->plan->kind == PC_PLAN_UNION && f->pass == PC_PASS_BLOCK;
}

static pc_status build(pc_flow *f, int at, const pc_batch *batch, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    // Rows that belong to no slot match nothing there.
    if (n->plan->of.join.within_slot && f->pass == PC_PASS_LAST) return PC_OK;
    const double started_s = pc_clock_s();
    const pc_status status = n->op.type->build(&n->op, batch, err);
    n->seconds += pc_clock_s() - started_s;
    return status;
}

pc_status pc_flow_emit(pc_flow *flow, int from, pc_batch *batch, pc_error *err)
{
    if (batch->row_count == 0) return PC_OK;
    const int at = flow->node[from].parent;
    if (at < 0) return pc_table_add(flow->result, batch, err);
    pc_flow_node *n = &flow->node[at];
    if (n->plan->kind == PC_PLAN_UNION) {
        n->rows_in += batch->row_count;
        if (gathers(flow, n)) return pc_table_add(n->own_rows, batch, err);
        n->rows_out += batch->row_count;
        return pc_flow_emit(flow, at, batch, err);
    }
    if (n->plan->kind == PC_PLAN_JOIN && from == n->child[1]) return build(flow, at, batch, err);
    if (n->plan->by_slot) return push_by_slot(flow, at, batch, err);
    PC_TRY(push(flow, at, &n->op, batch, err));
    if (has_state(&n->op)) return PC_OK;
    if (n->op.type->more != NULL) return emit_more(flow, at, err);
    n->rows_out += batch->row_count;
    PC_TRY(check(batch, n->plan, err));
    return pc_flow_emit(flow, at, batch, err);
}

// The slot of a row that was put together within one: its key holds it.
static pc_status give_slots(const pc_flow *f, const pc_flow_node *n, pc_batch *batch,
                            pc_arena *scratch, pc_error *err)
{
    if (!n->plan->by_slot || batch->row_count == 0) return PC_OK;
    batch->slot = pc_arena_array(scratch, (size_t)batch->row_count, sizeof *batch->slot, err);
    if (batch->slot == NULL) return PC_NO_MEMORY;
    const pc_column *key = &batch->column[n->key];
    for (int row = 0; row < batch->row_count; row++) {
        batch->slot[row] =
            f->pass == PC_PASS_LAST ? NO_SLOT : pc_scan_key_slot(pc_column_int(key, row));
    }
    return PC_OK;
}

// Empties an operator with state into what is behind it.
static pc_status drain(pc_flow *f, int at, pc_op *op, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    for (bool more = true; more;) {
        const pc_arena_mark mark = pc_arena_now(&f->scratch);
        const double started_s = pc_clock_s();
        pc_batch batch;
        PC_TRY(op->type->finish(op, &batch, &f->scratch, err));
        n->seconds += pc_clock_s() - started_s;
        more = batch.row_count > 0;
        n->rows_out += batch.row_count;
        PC_TRY(give_slots(f, n, &batch, &f->scratch, err));
        PC_TRY(check(&batch, n->plan, err));
        PC_TRY(pc_flow_emit(f, at, &batch, err));
        pc_arena_rewind(&f->scratch, mark);
    }
    return PC_OK;
}

static pc_status run_table(pc_flow *f, int at, const pc_table *rows, pc_error *err)
{
    for (int64_t first = 0; first < pc_table_rows(rows); first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(&f->scratch);
        pc_batch batch;
        PC_TRY(pc_table_slice(rows, first, &f->scratch, &batch, err));
        f->node[at].rows_out += batch.row_count;
        PC_TRY(pc_flow_emit(f, at, &batch, err));
        pc_arena_rewind(&f->scratch, mark);
    }
    return PC_OK;
}

static pc_status run_scan(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    const bool is_reference = n->plan->of.scan.reference >= 0;
    const bool is_counted = !is_reference && f->reader != NULL;
    const pc_read_counts before = is_counted ? *pc_reader_counts(f->reader) : (pc_read_counts){0};
    PC_TRY(pc_scan_begin(n->scan, is_reference ? NULL : f->block, is_reference ? NULL : f->reader,
                         err));
    for (;;) {
        const pc_arena_mark mark = pc_arena_now(&f->scratch);
        const double started_s = pc_clock_s();
        pc_batch batch;
        PC_TRY(pc_scan_next(n->scan, &batch, err));
        n->seconds += pc_clock_s() - started_s;
        if (batch.row_count == 0) break;
        n->batches++;
        PC_TRY(pc_flow_emit(f, at, &batch, err));
        pc_arena_rewind(&f->scratch, mark);
    }
    pc_scan_counts(n->scan, &n->rows_in, &n->rows_out);
    if (!is_counted) return PC_OK;
    // Nobody else read in between: what is behind a scan computes.
    const pc_read_counts *now = pc_reader_counts(f->reader);
    n->chunks_read += now->chunks_read - before.chunks_read;
    n->bytes_read += now->bytes_read - before.bytes_read;
    return PC_OK;
}

// Rows of a relation beside the tables, of the block that it was given.
static pc_status run_rows(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    const int source = n->plan->of.rows.source;
    for (int64_t first = 0;;) {
        const pc_arena_mark mark = pc_arena_now(&f->scratch);
        pc_batch batch;
        PC_TRY(f->rows->rows(f->rows->context, source, first, &f->scratch, &batch, err));
        if (batch.row_count == 0) return PC_OK;
        first += batch.row_count;
        n->rows_out += batch.row_count;
        PC_TRY(check(&batch, n->plan, err));
        PC_TRY(pc_flow_emit(f, at, &batch, err));
        pc_arena_rewind(&f->scratch, mark);
    }
}

/** Where pieces of a part go. */
typedef struct part_leaf {
    pc_flow *flow;
    int at;
} part_leaf;

static pc_status emit_piece(void *context, pc_span piece, pc_error *err)
{
    const part_leaf *leaf = context;
    pc_flow *f = leaf->flow;
    pc_flow_node *n = &f->node[leaf->at];
    pc_schema packed;
    pc_batch batch;
    size_t at = 0;
    const pc_arena_mark mark = pc_arena_now(&f->scratch);
    PC_TRY(pc_schema_packed(&n->plan->schema, &f->scratch, &packed, err));
    PC_TRY(pc_batch_unpack(piece, &at, &packed, &f->scratch, &batch, err));
    n->rows_out += batch.row_count;
    PC_TRY(pc_flow_emit(f, leaf->at, &batch, err));
    pc_arena_rewind(&f->scratch, mark);
    return PC_OK;
}

static pc_status run_leaf(pc_flow *f, int at, pc_error *err)
{
    const pc_plan *plan = f->node[at].plan;
    if (plan->kind == PC_PLAN_EXCHANGE) {
        if (f->pass != PC_PASS_PART) return PC_OK;
        part_leaf leaf = {f, at};
        return pc_aside_read(f->node[at].taken, f->part, emit_piece, &leaf, err);
    }
    if (f->pass == PC_PASS_PART) return PC_OK;
    const bool of_shards =
        plan->kind == PC_PLAN_ROWS || (plan->kind == PC_PLAN_SCAN && plan->of.scan.reference < 0);
    if (of_shards != (f->pass == PC_PASS_BLOCK)) return PC_OK;
    if (plan->kind == PC_PLAN_SCAN) return run_scan(f, at, err);
    if (plan->kind == PC_PLAN_ROWS) return run_rows(f, at, err);
    return run_table(f, at, f->node[at].rows, err);
}

static pc_status run_node(pc_flow *f, int at, pc_error *err);

static pc_status run_union(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    for (int i = 0; i < n->child_count; i++) {
        PC_TRY(run_node(f, n->child[i], err));
    }
    if (!gathers(f, n)) return PC_OK;
    PC_TRY(pc_table_sort_slots(n->own_rows, err));
    return run_table(f, at, n->own_rows, err);
}

// A join whose second input is complete in each block, or in each part.
static bool is_whole(const pc_flow *f, const pc_flow_node *n)
{
    if (n->plan->kind != PC_PLAN_JOIN) return false;
    return (n->plan->of.join.within_slot && f->pass == PC_PASS_BLOCK) ||
           (n->plan->of.join.within_part && f->pass == PC_PASS_PART);
}

static pc_status run_join(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    if (is_whole(f, n)) PC_TRY(run_node(f, n->child[1], err));
    return run_node(f, n->child[0], err);
}

// All rows that a node has in this pass go to its parent. As deep as the plan, which is bounded.
static pc_status run_node(pc_flow *f, int at, pc_error *err)
{
    pc_flow_node *n = &f->node[at];
    if (n->child_count == 0) return run_leaf(f, at, err);
    if (n->plan->kind == PC_PLAN_UNION) return run_union(f, at, err);
    if (n->plan->kind == PC_PLAN_JOIN) return run_join(f, at, err);
    PC_TRY(run_node(f, n->child[0], err));
    if (!n->plan->by_slot || f->pass != PC_PASS_BLOCK) return PC_OK;
    return drain(f, at, &n->op, err);
}

// What nodes kept of a block or part. Not before its end: what one node gave is borrowed by others,
// which keep codes of its texts.
static pc_status forget(pc_flow *f, pc_error *err)
{
    for (int at = 0; at < f->count; at++) {
        pc_flow_node *n = &f->node[at];
        const bool is_of_block = n->plan->by_slot && f->pass == PC_PASS_BLOCK;
        if (is_of_block || is_whole(f, n)) PC_TRY(n->op.type->clear(&n->op, err));
        if (gathers(f, n)) pc_table_clear(n->own_rows);
    }
    return PC_OK;
}

static pc_status run(pc_flow *f, pc_error *err)
{
    pc_status status = run_node(f, f->reduce_at, err);
    if (status == PC_OK) status = forget(f, err);
    pc_arena_empty(&f->scratch);
    return status;
}

pc_status pc_flow_block(pc_flow *flow, pc_block *block, const pc_reader *reader, pc_error *err)
{
    flow->pass = PC_PASS_BLOCK;
    flow->block = block;
    flow->reader = reader;
    PC_TRY(run(flow, err));
    return pc_flow_is_full(flow, flow->reduce_at) ? pc_flow_spill(flow, flow->reduce_at, err)
                                                  : PC_OK;
}

pc_status pc_flow_last(pc_flow *flow, pc_error *err)
{
    flow->pass = PC_PASS_LAST;
    return run(flow, err);
}

pc_status pc_flow_part(pc_flow *flow, int part, pc_error *err)
{
    flow->pass = PC_PASS_PART;
    flow->part = part;
    return run(flow, err);
}

pc_status pc_flow_nobody(pc_flow *flow, int node, pc_error *err)
{
    flow->pass = PC_PASS_LAST;
    return drain(flow, node, &flow->node[node].nobody, err);
}

int pc_flow_behind(const pc_flow *flow, int node)
{
    int at = flow->node[node].parent;
    while (at >= 0 && !has_state(&flow->node[at].op)) {
        at = flow->node[at].parent;
    }
    return at;
}

pc_status pc_flow_drain(pc_flow *flow, int node, pc_error *err)
{
    flow->pass = PC_PASS_LAST;
    const pc_status status = drain(flow, node, &flow->node[node].op, err);
    pc_arena_empty(&flow->scratch);
    return status;
}

// Joins whose second input every rank has keep it from the start: the inner ones first.
pc_status pc_flow_fill(pc_flow *flow, pc_error *err)
{
    flow->pass = PC_PASS_BUILD;
    for (int at = flow->count - 1; at > 0; at--) {
        const int parent = flow->node[at].parent;
        const pc_flow_node *n = &flow->node[parent];
        const bool is_kept = n->plan->kind == PC_PLAN_JOIN && n->child[1] == at &&
                             !n->plan->of.join.within_slot && !n->plan->of.join.within_part;
        if (is_kept) PC_TRY(run_node(flow, at, err));
    }
    pc_arena_empty(&flow->scratch);
    return PC_OK;
}
