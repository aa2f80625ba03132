/** split: rows by the hash of some columns, so that rows that are equal in them come to one part,
 *  and so to one rank (a hash join between ranks: Graefe, "Query evaluation techniques for large
 *  databases", ACM Computing Surveys 25, 1993). In: any columns. Out: the same, in parts only.
 * Keeps the rows. A null key is of any part. */
#include "keys.h"
#include "parcours/op.h"
#include "parcours/table.h"
#include "part_lists.h"

typedef struct split {
    const pc_plan *node;
    pc_schema packed; // the columns of a packed batch
    pc_keys keys;
    pc_table *rows; // owned
} split;

static pc_status split_open(pc_op *op, const pc_plan *node, pc_error *err)
{
    split *s = pc_arena_take(op->arena, sizeof *s, err);
    if (s == NULL) return PC_NO_MEMORY;
    op->state = s;
    op->out = node->schema;
    s->node = node;
    PC_TRY(pc_schema_packed(&node->schema, op->arena, &s->packed, err));
    PC_TRY(pc_keys_open(&s->keys, node->of.split.key, node->of.split.key_count, op->arena, err));
    return pc_table_new(&s->packed, PC_TABLE_COPIES, op->arena->budget, &s->rows, err);
}

static void split_close(pc_op *op)
{
    split *s = op->state;
    if (s == NULL) return;
    pc_keys_close(&s->keys);
    pc_table_free(s->rows);
    s->rows = NULL;
}

static pc_status split_push(pc_op *op, pc_batch *batch, pc_arena *scratch, pc_error *err)
{
    (void)scratch;
    split *s = op->state;
    pc_batch rows = *batch;
    rows.slot = NULL; // on another rank they mean nothing
    batch->row_count = 0;
    if (pc_table_rows(s->rows) + rows.row_count >= UINT32_MAX) {
        return PC_FAIL(err, PC_UNSUPPORTED, "a rank keeps at most %u rows to exchange",
                       UINT32_MAX - 1);
    }
    return pc_table_add(s->rows, &rows, err);
}

static pc_status find_parts(split *s, int part_count, pc_arena *arena, uint16_t *part,
                            pc_error *err)
{
    for (int64_t first = 0; first < pc_table_rows(s->rows); first += PC_BATCH_ROWS) {
        const pc_arena_mark mark = pc_arena_now(arena);
        uint64_t hash[PC_BATCH_ROWS];
        bool is_null[PC_BATCH_ROWS];
        pc_batch batch;
        PC_TRY(pc_table_slice(s->rows, first, arena, &batch, err));
        PC_TRY(pc_keys_hash(&s->keys, &batch, hash, is_null, err));
        for (int i = 0; i < batch.row_count; i++) {
            part[first + i] = (uint16_t)pc_part_of_hash(hash[i], part_count);
        }
        pc_arena_rewind(arena, mark);
    }
    return PC_OK;
}

static pc_status write_rows(const split *s, const uint32_t *row, int count, pc_arena *arena,
                            pc_buffer *out, pc_error *err)
{
    int64_t at[PC_BATCH_ROWS];
    for (int i = 0; i < count; i++) {
        at[i] = row[i];
    }
    pc_batch batch = {.column_count = s->packed.field_count, .row_count = count};
    batch.column = pc_arena_array(arena, (size_t)batch.column_count + 1, sizeof *batch.column, err);
    if (batch.column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < batch.column_count; i++) {
        PC_TRY(pc_table_take(s->rows, i, at, count, arena, &batch.column[i], err));
    }
    return pc_batch_pack(&batch, &s->packed, out, err);
}

static pc_status write_parts(split *s, const pc_op_parts *parts, pc_arena *arena, pc_buffer *piece,
                             pc_error *err)
{
    const uint32_t count = (uint32_t)pc_table_rows(s->rows);
    uint16_t *part = pc_arena_array(arena, (size_t)count + 1, sizeof *part, err);
    if (part == NULL) return PC_NO_MEMORY;
    PC_TRY(find_parts(s, parts->count, arena, part, err));
    pc_part_lists lists;
    PC_TRY(pc_part_lists_make(part, count, parts->count, arena, &lists, err));
    for (int p = 0; p < parts->count; p++) {
        for (uint32_t at = lists.start[p]; at < lists.start[p + 1]; at += PC_BATCH_ROWS) {
            const pc_arena_mark mark = pc_arena_now(arena);
            const uint32_t left = lists.start[p + 1] - at;
            const int rows = left < PC_BATCH_ROWS ? (int)left : PC_BATCH_ROWS;
            piece->bytes = 0;
            PC_TRY(write_rows(s, lists.row + at, rows, arena, piece, err));
            PC_TRY(parts->write(parts->context, p, (pc_span){piece->data, piece->bytes}, err));
            pc_arena_rewind(arena, mark);
        }
    }
    return PC_OK;
}

static pc_status split_pack_parts(pc_op *op, const pc_op_parts *parts, pc_error *err)
{
    split *s = op->state;
    pc_arena arena = {.budget = op->arena->budget};
    pc_buffer piece = {.budget = op->arena->budget};
    pc_status status = write_parts(s, parts, &arena, &piece, err);
    pc_buffer_release(&piece);
    pc_arena_reset(&arena);
    if (status != PC_OK) return status;
    pc_keys_forget(&s->keys);
    pc_table_free(s->rows);
    s->rows = NULL;
    return pc_table_new(&s->packed, PC_TABLE_COPIES, op->arena->budget, &s->rows, err);
}

const pc_op_type pc_op_split = {.name = "split",
                                .kind = PC_PLAN_SPLIT,
                                .open = split_open,
                                .push = split_push,
                                .pack_parts = split_pack_parts,
                                .close = split_close};
