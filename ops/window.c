/** window: columns beside the input's, each computed for a row from rows of its partition. Keeps
 * all rows until it has seen the last one (of a block, where partitions lie within slots). In: any
 *  columns. Out: the input's columns, then one a call; rows, their order and slots as they came.
 *  Nulls: equal to each other in a partition, placed in the order by the plan; aggregates leave
 *  them out. Rows with equal order keys are numbered in the order of all their columns. Source:
 *  PostgreSQL, 4.2.8 and 9.22. */
#include <assert.h>
#include <string.h>
#include "window.h"

typedef struct window {
    const pc_plan *node;
    int in_count;    // columns of the input
    pc_field *field; // [kept columns] of the rows that are kept
    int kept_count;
    const pc_expr **expr; // [kept columns - in_count] what the columns behind the input's hold
    pc_expr_state *exprs; // owned
    pc_table *table;      // owned; rows without their slots
    pc_buffer slot;       // int64 [rows] by_slot; empty once rows of other ranks have come
    int call_count;
    pc_window_state *call; // [call_count]
    pc_arena results;      // of the rows that are kept
    bool is_ready;
    int64_t next;
} window;

static void keep_expr(window *s, const pc_expr *x, int *column)
{
    *column = -1;
    if (x == NULL) return;
    s->field[s->kept_count] =
        (pc_field){.name = "argument", .type = x->type, .scale = x->scale, .width = x->width};
    s->expr[s->kept_count - s->in_count] = x;
    *column = s->kept_count++;
}

static bool slides(pc_aggregate_function function)
{
    return function == PC_COUNT || function == PC_COUNT_ROWS || function == PC_SUM ||
           function == PC_AVG || function == PC_MIN || function == PC_MAX ||
           (function >= PC_VAR_POP && function <= PC_STDDEV_SAMP);
}

// CASE WHEN missed THEN missing ELSE value END, over a batch of these three.
static pc_status make_choice(pc_window_state *c, pc_arena *arena, pc_error *err)
{
    const pc_field *field = &c->call->field;
    const pc_field flag = {.name = "missed", .type = PC_BOOL};
    const pc_expr *arg[3];
    PC_TRY(pc_expr_column(0, &flag, 0, arena, &arg[0], err));
    PC_TRY(pc_expr_column(1, field, 0, arena, &arg[1], err));
    PC_TRY(pc_expr_column(2, field, 0, arena, &arg[2], err));
    const pc_call choice = {.id = PC_FN_CASE,
                            .type = field->type == PC_ID ? PC_CODE : field->type,
                            .scale = field->scale,
                            .arg_count = 3,
                            .arg = arg};
    return pc_expr_call(&choice, arena, &c->choose, err);
}

static pc_status open_call(window *s, pc_window_state *c, pc_arena *arena, pc_error *err)
{
    const pc_window_call *call = c->call;
    const bool is_aggregate = call->function == PC_WINDOW_AGGREGATE;
    if (is_aggregate && (!slides(call->aggregate.function) || call->aggregate.is_distinct)) {
        return PC_FAIL(err, PC_UNSUPPORTED, "column '%s': this aggregate has no frames",
                       call->field.name);
    }
    keep_expr(s, is_aggregate ? call->aggregate.arg : call->arg, &c->arg);
    keep_expr(s, call->second, &c->second);
    keep_expr(s, call->missing, &c->missing);
    keep_expr(s, is_aggregate ? call->aggregate.filter : NULL, &c->filter);
    return call->missing == NULL ? PC_OK : make_choice(c, arena, err);
}

static pc_status window_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    enum { COLUMNS_OF_A_CALL = 4 };
    window *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    s->in_count = op->in->field_count;
    s->call_count = node->of.window.call_count;
    s->results.budget = op->arena->budget;
    s->slot.budget = op->arena->budget;
    assert(node->schema.field_count == s->in_count + s->call_count);
    const size_t most = (size_t)(s->in_count + COLUMNS_OF_A_CALL * s->call_count) + 1;
    s->field = pc_arena_array(op->arena, most, sizeof *s->field, err);
    s->expr = pc_arena_array(op->arena, most, sizeof *s->expr, err);
    s->call = pc_arena_array(op->arena, (size_t)s->call_count + 1, sizeof *s->call, err);
    if (s->field == NULL || s->expr == NULL || s->call == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < s->in_count; i++) {
        s->field[i] = op->in->field[i];
    }
    s->kept_count = s->in_count;
    for (int i = 0; i < s->call_count; i++) {
        s->call[i].call = &node->of.window.call[i];
        PC_TRY(open_call(s, &s->call[i], op->arena, err));
    }
    PC_TRY(pc_expr_state_new(op->arena, op->arena->budget, &s->exprs, err));
    const pc_schema kept = {s->kept_count, s->field};
    // The dictionaries of one block outlive its windows; others may go.
    const pc_table_texts texts = node->by_slot ? PC_TABLE_BORROWS : PC_TABLE_COPIES;
    return pc_table_new(&kept, texts, op->arena->budget, &s->table, err);
}

static void window_close(pc_op *op)
{
    window *s = op->state;
    if (s == NULL) return;
    pc_table_free(s->table);
    s->table = NULL;
    pc_arena_reset(&s->results);
    pc_buffer_release(&s->slot);
    pc_expr_state_free(s->exprs);
    s->exprs = NULL;
}

static pc_status window_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    window *s = op->state;
    pc_batch wide = *batch;
    wide.column_count = s->kept_count;
    wide.column = pc_arena_array(scratch, (size_t)wide.column_count + 1, sizeof *wide.column, err);
    if (wide.column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < wide.column_count; i++) {
        if (i < s->in_count) {
            wide.column[i] = batch->column[i];
        } else {
            PC_TRY(pc_expr_eval(s->expr[i - s->in_count], batch, s->exprs, scratch, &wide.column[i],
                                err));
        }
    }
    wide.slot = NULL;
    PC_TRY(pc_table_add(s->table, &wide, err));
    // Partitions of nobody's rows, which come apart from the others, do not lie within slots.
    const bool of_patients = s->node->by_slot && wide.row_count > 0 &&
                             !pc_column_is_null(&batch->column[s->node->patient], 0);
    if (of_patients) {
        assert(batch->slot != NULL);
        PC_TRY(pc_buffer_append(&s->slot, batch->slot,
                                (size_t)batch->row_count * sizeof *batch->slot, err));
    }
    batch->row_count = 0;
    return PC_OK;
}

static pc_status window_clear(pc_op *op, pc_error *err)
{
    (void)err;
    window *s = op->state;
    pc_table_clear(s->table);
    s->slot.bytes = 0;
    pc_arena_empty(&s->results);
    s->is_ready = false;
    s->next = 0;
    return PC_OK;
}

static bool gives_row(const pc_window_call *call)
{
    switch (call->function) {
        case PC_WINDOW_LAG:
        case PC_WINDOW_LEAD:
        case PC_WINDOW_FIRST_VALUE:
        case PC_WINDOW_LAST_VALUE:
        case PC_WINDOW_NTH_VALUE:
            return true;
        case PC_WINDOW_AGGREGATE:
            return call->aggregate.function == PC_MIN || call->aggregate.function == PC_MAX;
        default:
            return false;
    }
}

static pc_status take_results(window *s, pc_window_state *c, size_t rows, pc_error *err)
{
    c->word = NULL;
    c->valid = NULL;
    c->source = NULL;
    c->missed = NULL;
    if (gives_row(c->call)) {
        c->source = pc_arena_array(&s->results, rows + 1, sizeof *c->source, err);
        if (c->choose != NULL) c->missed = pc_arena_array(&s->results, rows + 1, 1, err);
        return c->source == NULL || (c->choose != NULL && c->missed == NULL) ? PC_NO_MEMORY : PC_OK;
    }
    c->word = pc_arena_array(&s->results, rows + 1, sizeof *c->word, err);
    c->valid = pc_arena_array(&s->results, rows / 64 + 1, sizeof *c->valid, err);
    return c->word == NULL || c->valid == NULL ? PC_NO_MEMORY : PC_OK;
}

static pc_status compute(window *s, pc_error *err)
{
    pc_window_rows rows = {.row_count = pc_table_rows(s->table)};
    if (s->slot.bytes > 0) rows.slot = (const int64_t *)(const void *)s->slot.data;
    pc_column *column = pc_arena_array(&s->results, (size_t)s->kept_count + 1, sizeof *column, err);
    uint32_t *queue = pc_arena_array(&s->results, (size_t)rows.row_count + 1, sizeof *queue, err);
    if (column == NULL || queue == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < s->kept_count; i++) {
        pc_table_view(s->table, i, &column[i]);
    }
    rows.column = column;
    PC_TRY(pc_window_sort(s->node, &rows, &s->results, err));
    for (int i = 0; i < s->call_count; i++) {
        PC_TRY(take_results(s, &s->call[i], (size_t)rows.row_count, err));
    }
    for (int64_t at = 0; at < rows.row_count;) {
        const pc_window_part part = pc_window_part_at(s->node, &rows, at);
        for (int i = 0; i < s->call_count; i++) {
            PC_TRY(pc_window_values(s->node, &rows, &part, &s->call[i], queue, err));
        }
        at = part.end;
    }
    s->is_ready = true;
    return PC_OK;
}

// A result that is another row's value.
static pc_status write_values(window *s, const pc_window_state *c, int64_t first, int count,
                              pc_arena *scratch, pc_column *out, pc_error *err)
{
    PC_TRY(pc_table_take(s->table, c->arg, c->source + first, count, scratch, out, err));
    if (c->choose == NULL) return PC_OK;
    pc_batch slice;
    pc_column three[3] = {
        {.type = PC_BOOL, .width = 1, .data = c->missed + first}, {.type = PC_NONE}, *out};
    PC_TRY(pc_table_slice(s->table, first, scratch, &slice, err));
    three[1] = slice.column[c->missing];
    const pc_batch batch = {.column_count = 3, .row_count = count, .column = three};
    return pc_expr_eval(c->choose, &batch, s->exprs, scratch, out, err);
}

static pc_status write_words(const pc_window_state *c, int64_t first, int count, pc_arena *scratch,
                             pc_column *out, pc_error *err)
{
    const pc_field *field = &c->call->field;
    *out = (pc_column){.type = field->type,
                       .scale = field->type == PC_DECIMAL ? field->scale : 0,
                       .width = sizeof c->word[0],
                       .data = c->word + first,
                       .valid = c->valid + first / 64}; // first is a multiple of 64
    (void)count;
    (void)scratch;
    (void)err;
    return PC_OK;
}

static pc_status window_finish(pc_op *op, pc_batch *out, pc_arena *scratch, pc_error *err)
{
    window *s = op->state;
    if (!s->is_ready) PC_TRY(compute(s, err));
    const int64_t first = s->next;
    pc_batch slice = {.row_count = 0};
    if (first < pc_table_rows(s->table)) {
        PC_TRY(pc_table_slice(s->table, first, scratch, &slice, err));
    }
    *out = slice;
    if (s->slot.bytes > 0) out->slot = (int64_t *)(void *)s->slot.data + first;
    out->column_count = s->in_count + s->call_count;
    out->column = pc_arena_array(scratch, (size_t)out->column_count + 1, sizeof *out->column, err);
    if (out->column == NULL) return PC_NO_MEMORY;
    if (out->row_count == 0) return PC_OK;
    memcpy(out->column, slice.column, (size_t)s->in_count * sizeof *out->column);
    for (int i = 0; i < s->call_count; i++) {
        const pc_window_state *c = &s->call[i];
        pc_column *to = &out->column[s->in_count + i];
        PC_TRY(c->source != NULL ? write_values(s, c, first, out->row_count, scratch, to, err)
                                 : write_words(c, first, out->row_count, scratch, to, err));
    }
    s->next += out->row_count;
    return PC_OK;
}

static pc_status window_pack(pc_op *op, pc_buffer *out, pc_error *err)
{
    window *s = op->state;
    PC_TRY(pc_table_pack(s->table, out, err));
    return window_clear(op, err);
}

static pc_status window_merge(pc_op *op, pc_span state, pc_error *err)
{
    window *s = op->state;
    s->slot.bytes = 0;
    return pc_table_unpack(s->table, state, err);
}

const pc_op_type pc_op_window = {.name = "window",
                                 .kind = PC_PLAN_WINDOW,
                                 .open = window_open,
                                 .push = window_push,
                                 .clear = window_clear,
                                 .pack = window_pack,
                                 .merge = window_merge,
                                 .finish = window_finish,
                                 .close = window_close};
