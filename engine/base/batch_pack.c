/** Batches as bytes. One packed batch, all numbers little-endian, nothing padded:
 *
 *      u32 magic, u32 columns, u32 rows, u32 has slots (0 or 1)
 *      i64 slot [rows]                               if it has slots
 *      per column: u8 type, u8 scale, u8 width, u8 flags (1: has nulls, 2: sorted dictionary)
 *          CODE and TEXT: u32 texts, u32 bytes of each [texts], their bytes
 *          u64 validity [(rows + 63) / 64]           if it has nulls; bits beyond the rows are 0
 *          values [rows x width]                     of null rows: 0
 *
 *  The same rows give the same bytes, whatever dictionary they came with. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/batch.h"

#if defined(__BYTE_ORDER__)
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "packed batches are little-endian");
#endif

enum {
    MAGIC = 0x31424350, // "PCB1"
    HAS_NULLS = 1,
    IS_SORTED = 2,
    WORDS = PC_BATCH_ROWS / 64
};

static bool has_dict(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT;
}

static bool has_null(const pc_column *c, int row_count)
{
    for (int row = 0; row < row_count; row++) {
        if (pc_column_is_null(c, row)) return true;
    }
    return false;
}

static int compare_uint32(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// The indices in use, ascending and each once. Returns how many.
static uint32_t used_indices(const pc_column *c, int row_count, uint32_t used[PC_BATCH_ROWS])
{
    uint32_t count = 0;
    for (int row = 0; row < row_count; row++) {
        if (!pc_column_is_null(c, row)) used[count++] = (uint32_t)pc_column_int(c, row);
    }
    qsort(used, count, sizeof used[0], compare_uint32);
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (distinct == 0 || used[distinct - 1] != used[i]) used[distinct++] = used[i];
    }
    return distinct;
}

static pc_status put_u32(pc_buffer *out, size_t value, pc_error *err)
{
    if (value > UINT32_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "a text of a batch is larger than 4 GiB");
    }
    const uint32_t narrow = (uint32_t)value;
    return pc_buffer_append(out, &narrow, sizeof narrow, err);
}

static pc_status put_head(pc_buffer *out, const pc_column *c, uint8_t width, bool nulls,
                          pc_error *err)
{
    int flags = nulls ? HAS_NULLS : 0;
    if (has_dict(c->type) && c->dict->sorted) flags |= IS_SORTED;
    const uint8_t head[4] = {(uint8_t)c->type, c->scale, width, (uint8_t)flags};
    return pc_buffer_append(out, head, sizeof head, err);
}

static pc_status put_validity(pc_buffer *out, const pc_column *c, int row_count, pc_error *err)
{
    uint64_t word[WORDS] = {0};
    for (int row = 0; row < row_count; row++) {
        word[row >> 6] |= (uint64_t)pc_is_valid(c->valid, row) << (row & 63);
    }
    return pc_buffer_append(out, word, (size_t)(row_count + 63) / 64 * sizeof word[0], err);
}

static pc_status pack_dict_column(pc_buffer *out, const pc_column *c, int row_count, bool nulls,
                                  pc_error *err)
{
    uint32_t used[PC_BATCH_ROWS];
    const uint32_t used_count = used_indices(c, row_count, used);
    const uint8_t width = used_count <= 256 ? 1 : 2;
    PC_TRY(put_head(out, c, width, nulls, err));
    PC_TRY(put_u32(out, used_count, err));
    for (uint32_t i = 0; i < used_count; i++) {
        PC_TRY(put_u32(out, pc_dict_text(c->dict, used[i]).bytes, err));
    }
    for (uint32_t i = 0; i < used_count; i++) {
        const pc_span text = pc_dict_text(c->dict, used[i]);
        PC_TRY(pc_buffer_append(out, text.data, text.bytes, err));
    }
    if (nulls) PC_TRY(put_validity(out, c, row_count, err));
    uint16_t index[PC_BATCH_ROWS] = {0};
    for (int row = 0; row < row_count; row++) {
        if (pc_column_is_null(c, row)) continue;
        const uint32_t old = (uint32_t)pc_column_int(c, row);
        const uint32_t *at = bsearch(&old, used, used_count, sizeof used[0], compare_uint32);
        assert(at != NULL);
        index[row] = (uint16_t)(at - used);
    }
    if (width == 2) return pc_buffer_append(out, index, (size_t)row_count * 2, err);
    uint8_t narrow[PC_BATCH_ROWS];
    for (int row = 0; row < row_count; row++) {
        narrow[row] = (uint8_t)index[row];
    }
    return pc_buffer_append(out, narrow, (size_t)row_count, err);
}

static pc_status pack_column(pc_buffer *out, const pc_column *c, int row_count, pc_error *err)
{
    const bool nulls = has_null(c, row_count);
    if (has_dict(c->type)) return pack_dict_column(out, c, row_count, nulls, err);
    PC_TRY(put_head(out, c, c->width, nulls, err));
    if (nulls) PC_TRY(put_validity(out, c, row_count, err));
    const size_t start = out->bytes;
    PC_TRY(pc_buffer_append(out, c->data, (size_t)row_count * c->width, err));
    for (int row = 0; nulls && row < row_count; row++) {
        if (!pc_column_is_null(c, row)) continue;
        memset(out->data + start + (size_t)row * c->width, 0, c->width);
    }
    return PC_OK;
}

pc_status pc_batch_pack(const pc_batch *batch, const pc_schema *schema, pc_buffer *out,
                        pc_error *err)
{
    assert(batch->column_count == schema->field_count);
    assert(batch->row_count >= 0 && batch->row_count <= PC_BATCH_ROWS);
    const uint32_t head[4] = {MAGIC, (uint32_t)batch->column_count, (uint32_t)batch->row_count,
                              batch->slot != NULL};
    const size_t start = out->bytes;
    pc_status status = pc_buffer_append(out, head, sizeof head, err);
    if (status == PC_OK && batch->slot != NULL) {
        status = pc_buffer_append(out, batch->slot, (size_t)batch->row_count * 8, err);
    }
    for (int i = 0; i < batch->column_count && status == PC_OK; i++) {
        status = pack_column(out, &batch->column[i], batch->row_count, err);
        if (status != PC_OK) pc_error_prefix(err, "column '%s'", schema->field[i].name);
    }
    if (status != PC_OK) out->bytes = start; // nothing half-written
    return status;
}

typedef struct reader {
    pc_span in;
    size_t at;
    pc_arena *arena;
    int row_count;
    pc_error *err;
} reader;

static pc_status cut_short(const reader *r)
{
    return PC_FAIL(r->err, PC_BAD_INPUT, "a packed batch is cut short at byte %zu", r->at);
}

// Copies `bytes` of the input to `to`.
static pc_status take(reader *r, void *to, size_t bytes)
{
    if (bytes > r->in.bytes - r->at) return cut_short(r);
    if (bytes > 0) memcpy(to, r->in.data + r->at, bytes);
    r->at += bytes;
    return PC_OK;
}

// Copies `count` elements of `width` bytes into new memory: its own, so that they are aligned. The
// input has that many bytes before memory is taken.
static pc_status take_array(reader *r, size_t count, size_t width, void **out)
{
    if (count > (r->in.bytes - r->at) / width) return cut_short(r);
    *out = pc_arena_array(r->arena, count, width, r->err);
    if (*out == NULL) return PC_NO_MEMORY;
    return take(r, *out, count * width);
}

static pc_status take_dict(reader *r, bool sorted, const pc_dict **out)
{
    uint32_t count = 0;
    PC_TRY(take(r, &count, sizeof count));
    if (count > (uint32_t)r->row_count) {
        return PC_FAIL(r->err, PC_BAD_INPUT, "a packed batch has more texts than rows");
    }
    void *memory;
    PC_TRY(take_array(r, count, sizeof(uint32_t), &memory));
    const uint32_t *text_bytes = memory;
    uint64_t *offset = pc_arena_array(r->arena, (size_t)count + 1, sizeof *offset, r->err);
    pc_dict *dict = pc_arena_take(r->arena, sizeof *dict, r->err);
    if (offset == NULL || dict == NULL) return PC_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        offset[i + 1] = offset[i] + text_bytes[i];
    }
    PC_TRY(take_array(r, offset[count], 1, &memory));
    *dict = (pc_dict){.count = count,
                      .sorted = sorted,
                      .offset = offset,
                      .bytes = memory,
                      .serial = pc_budget_serial(r->arena->budget)};
    for (uint32_t i = 1; sorted && i < count; i++) {
        if (pc_span_compare(pc_dict_text(dict, i - 1), pc_dict_text(dict, i)) >= 0) {
            return PC_FAIL(r->err, PC_BAD_INPUT, "a packed batch has texts out of order");
        }
    }
    *out = dict;
    return PC_OK;
}

static pc_status take_validity(reader *r, const uint64_t **out)
{
    const size_t words = (size_t)(r->row_count + 63) / 64;
    void *memory;
    PC_TRY(take_array(r, words, sizeof(uint64_t), &memory));
    const uint64_t *word = memory;
    const int rest = r->row_count % 64;
    if (rest != 0 && word[words - 1] >> rest != 0) {
        return PC_FAIL(r->err, PC_BAD_INPUT, "a packed batch has validity beyond its rows");
    }
    *out = word;
    return PC_OK;
}

static pc_status take_column(reader *r, pc_column *c)
{
    uint8_t head[4];
    PC_TRY(take(r, head, sizeof head));
    const int flags = head[3];
    *c = (pc_column){.type = (pc_type)head[0], .scale = head[1], .width = head[2]};
    const bool bad_flags =
        (flags & ~(HAS_NULLS | IS_SORTED)) != 0 || ((flags & IS_SORTED) != 0 && !has_dict(c->type));
    if (head[0] > PC_KEY || c->width == 0 || c->width > PC_ID_MAX_BYTES || bad_flags) {
        return PC_FAIL(r->err, PC_BAD_INPUT, "a packed batch has an unknown kind of column");
    }
    if (has_dict(c->type)) PC_TRY(take_dict(r, (flags & IS_SORTED) != 0, &c->dict));
    if ((flags & HAS_NULLS) != 0) PC_TRY(take_validity(r, &c->valid));
    void *memory;
    PC_TRY(take_array(r, (size_t)r->row_count, c->width, &memory));
    c->data = memory;
    return PC_OK;
}

static pc_status unpack(reader *r, const pc_schema *schema, pc_batch *out)
{
    uint32_t head[4];
    PC_TRY(take(r, head, sizeof head));
    if (head[0] != MAGIC || head[1] != (uint32_t)schema->field_count || head[2] > PC_BATCH_ROWS ||
        head[3] > 1) {
        return PC_FAIL(r->err, PC_BAD_INPUT, "no packed batch of %d columns at byte %zu",
                       schema->field_count, r->at - sizeof head);
    }
    r->row_count = (int)head[2];
    *out = (pc_batch){.column_count = schema->field_count, .row_count = r->row_count};
    if (head[3] == 1) {
        void *memory;
        PC_TRY(take_array(r, head[2], sizeof *out->slot, &memory));
        out->slot = memory;
    }
    out->column = pc_arena_array(r->arena, (size_t)out->column_count, sizeof *out->column, r->err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < out->column_count; i++) {
        const pc_status status = take_column(r, &out->column[i]);
        if (status != PC_OK) {
            pc_error_prefix(r->err, "column '%s'", schema->field[i].name);
            return status;
        }
    }
    return pc_batch_check(out, schema, r->err);
}

pc_status pc_batch_unpack(pc_span in, size_t *at, const pc_schema *schema, pc_arena *arena,
                          pc_batch *out, pc_error *err)
{
    if (*at > in.bytes) return PC_FAIL(err, PC_BAD_INPUT, "no packed batch beyond the last byte");
    reader r = {.in = in, .at = *at, .arena = arena, .err = err};
    const pc_arena_mark mark = pc_arena_now(arena);
    const pc_status status = unpack(&r, schema, out);
    if (status != PC_OK) {
        pc_arena_rewind(arena, mark);
        return status;
    }
    *at = r.at;
    return PC_OK;
}
