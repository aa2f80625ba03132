/** Reading and filling the vectors of an evaluation, and functions that work cell by cell. */
#include <assert.h>
#include <string.h>
#include "expr_private.h"
#include "parcours/kernel.h"

bool pc_type_is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

bool pc_vector_is_null(const pc_vector *v, int row)
{
    return v->is_constant ? v->constant->is_null : !pc_is_valid(v->column.valid, row);
}

pc_cell pc_vector_cell(const pc_vector *v, int row)
{
    if (v->is_constant) {
        const pc_value *c = v->constant;
        return (pc_cell){c->is_null, c->integer, c->real, c->text};
    }
    if (!pc_is_valid(v->column.valid, row)) return (pc_cell){.is_null = true};
    if (v->column.type == PC_FLOAT) {
        return (pc_cell){.real = ((const double *)v->column.data)[row]};
    }
    if (pc_type_is_text(v->column.type)) {
        return (pc_cell){.text = pc_column_span(&v->column, row)};
    }
    return (pc_cell){.integer = pc_column_int(&v->column, row)};
}

void *pc_eval_array(pc_eval *e, size_t element_bytes)
{
    return pc_arena_array(e->scratch, (size_t)e->batch->row_count + 8, element_bytes, e->err);
}

uint64_t *pc_eval_bits(pc_eval *e)
{
    return pc_arena_array(e->scratch, (size_t)e->batch->row_count / 64 + 1, sizeof(uint64_t),
                          e->err);
}

#define WIDEN(name, type)                                                                          \
    PC_KERNEL static void widen_##name(const type *from, int count, int64_t *to)                   \
    {                                                                                              \
        for (int i = 0; i < count; i++) {                                                          \
            to[i] = (int64_t)from[i];                                                              \
        }                                                                                          \
    }
WIDEN(i8, int8_t)
WIDEN(u8, uint8_t)
WIDEN(i16, int16_t)
WIDEN(u16, uint16_t)
WIDEN(i32, int32_t)
WIDEN(u32, uint32_t)

static void widen(const pc_column *c, int count, int64_t *to)
{
    const bool is_unsigned = pc_type_is_unsigned(c->type);
    if (c->width == 1 && is_unsigned) widen_u8(c->data, count, to);
    if (c->width == 1 && !is_unsigned) widen_i8(c->data, count, to);
    if (c->width == 2 && is_unsigned) widen_u16(c->data, count, to);
    if (c->width == 2 && !is_unsigned) widen_i16(c->data, count, to);
    if (c->width == 4 && is_unsigned) widen_u32(c->data, count, to);
    if (c->width == 4 && !is_unsigned) widen_i32(c->data, count, to);
}

pc_status pc_vector_int64(pc_eval *e, const pc_vector *v, const int64_t **out)
{
    const int count = e->batch->row_count;
    if (!v->is_constant && v->column.width == 8) {
        *out = v->column.data;
        return PC_OK;
    }
    int64_t *value = pc_eval_array(e, sizeof *value);
    if (value == NULL) return PC_NO_MEMORY;
    if (v->is_constant) {
        for (int i = 0; i < count; i++) {
            value[i] = v->constant->integer;
        }
    } else {
        widen(&v->column, count, value);
    }
    *out = value;
    return PC_OK;
}

pc_status pc_vector_double(pc_eval *e, const pc_vector *v, const double **out)
{
    if (!v->is_constant) {
        *out = v->column.data;
        return PC_OK;
    }
    double *value = pc_eval_array(e, sizeof *value);
    if (value == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < e->batch->row_count; i++) {
        value[i] = v->constant->real;
    }
    *out = value;
    return PC_OK;
}

pc_status pc_vector_both(pc_eval *e, const pc_vector *a, const pc_vector *b, const uint64_t **out)
{
    const bool a_null = a->is_constant && a->constant->is_null;
    const bool b_null = b->is_constant && b->constant->is_null;
    if (a_null || b_null) {
        *out = pc_eval_bits(e);
        return *out == NULL ? PC_NO_MEMORY : PC_OK;
    }
    const uint64_t *x = a->is_constant ? NULL : a->column.valid;
    const uint64_t *y = b->is_constant ? NULL : b->column.valid;
    *out = x == NULL ? y : x;
    if (x == NULL || y == NULL || x == y) return PC_OK;
    uint64_t *both = pc_eval_bits(e);
    if (both == NULL) return PC_NO_MEMORY;
    const int words = (e->batch->row_count + 63) / 64;
    for (int i = 0; i < words; i++) {
        both[i] = x[i] & y[i];
    }
    *out = both;
    return PC_OK;
}

pc_status pc_filler_begin(pc_eval *e, const pc_expr *x, pc_filler *out)
{
    *out = (pc_filler){.type = x->type};
    out->valid = pc_eval_bits(e);
    if (out->valid == NULL) return PC_NO_MEMORY;
    void *data = NULL;
    if (x->type == PC_BOOL) {
        data = out->bits8 = pc_eval_array(e, sizeof *out->bits8);
    } else if (x->type == PC_FLOAT) {
        data = out->real = pc_eval_array(e, sizeof *out->real);
    } else if (pc_type_is_text(x->type) || x->type == PC_NONE) {
        PC_TRY(pc_state_node(e->state, x, &out->node, e->err));
        if (out->node->words == NULL) {
            PC_TRY(pc_dict_builder_new(e->state->budget, &out->node->words, e->err));
        }
        data = out->word = pc_eval_array(e, sizeof *out->word);
    } else {
        data = out->bits64 = pc_eval_array(e, sizeof *out->bits64);
    }
    return data == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status pc_filler_put(pc_eval *e, pc_filler *f, int row, const pc_cell *cell)
{
    if (cell->is_null) return PC_OK;
    f->valid[row >> 6] |= 1ULL << (row & 63);
    if (f->bits8 != NULL) {
        f->bits8[row] = cell->integer != 0;
    } else if (f->real != NULL) {
        f->real[row] = cell->real;
    } else if (f->bits64 != NULL) {
        f->bits64[row] = cell->integer;
    } else {
        PC_TRY(pc_dict_builder_add(f->node->words, cell->text, &f->word[row], e->err));
    }
    return PC_OK;
}

// Rows that ascend become known: a word of 64 bits is written once.
static void know_rows(const int *row, int count, uint64_t *valid)
{
    int at = row[0] >> 6;
    uint64_t bits = 0;
    for (int i = 0; i < count; i++) {
        if (row[i] >> 6 != at) {
            valid[at] |= bits;
            at = row[i] >> 6;
            bits = 0;
        }
        bits |= 1ULL << (row[i] & 63);
    }
    valid[at] |= bits;
}

// One value, which is not null, at rows that ascend.
static pc_status repeat(pc_eval *e, pc_filler *f, const int *row, int count, const pc_cell *cell)
{
    PC_TRY(pc_filler_put(e, f, row[0], cell));
    know_rows(row, count, f->valid);
    const int first = row[0];
    for (int i = 1; f->bits8 != NULL && i < count; i++)
        f->bits8[row[i]] = f->bits8[first];
    for (int i = 1; f->real != NULL && i < count; i++)
        f->real[row[i]] = f->real[first];
    for (int i = 1; f->bits64 != NULL && i < count; i++)
        f->bits64[row[i]] = f->bits64[first];
    for (int i = 1; f->word != NULL && i < count; i++)
        f->word[row[i]] = f->word[first];
    return PC_OK;
}

pc_status pc_filler_scatter(pc_eval *e, pc_filler *f, const int *row, int count, const pc_vector *v)
{
    if (count == 0) return PC_OK;
    if (v->is_constant) {
        const pc_cell cell = pc_vector_cell(v, 0);
        return cell.is_null ? PC_OK : repeat(e, f, row, count, &cell);
    }
    if (v->column.valid == NULL && f->bits64 != NULL) {
        for (int i = 0; i < count; i++)
            f->bits64[row[i]] = pc_column_int(&v->column, i);
        know_rows(row, count, f->valid);
        return PC_OK;
    }
    for (int i = 0; i < count; i++) {
        const pc_cell cell = pc_vector_cell(v, i);
        PC_TRY(pc_filler_put(e, f, row[i], &cell));
    }
    return PC_OK;
}

// Whether no row is null.
static bool knows_all(const uint64_t *valid, int count)
{
    const int words = count / 64;
    uint64_t all = UINT64_MAX;
    for (int i = 0; i < words; i++)
        all &= valid[i];
    const uint64_t rest = ((uint64_t)1 << (count & 63)) - 1;
    return all == UINT64_MAX && (valid[words] & rest) == rest;
}

void pc_filler_end(pc_eval *e, const pc_filler *f, const pc_expr *x, pc_vector *out)
{
    uint64_t *valid = knows_all(f->valid, e->batch->row_count) ? NULL : f->valid;
    *out = (pc_vector){.column = {.type = x->type, .scale = x->scale, .valid = valid}};
    pc_column *c = &out->column;
    if (f->bits8 != NULL) {
        c->data = f->bits8;
        c->width = 1;
    } else if (f->real != NULL) {
        c->data = f->real;
        c->width = 8;
    } else if (f->bits64 != NULL) {
        c->data = f->bits64;
        c->width = 8;
    } else {
        c->data = f->word;
        c->width = 4;
        c->type = x->type == PC_TEXT ? PC_TEXT : PC_CODE;
        c->dict = pc_dict_builder_view(f->node->words);
    }
}

pc_status pc_eval_cells(pc_eval *e, const pc_expr *x, pc_vector *out)
{
    pc_vector *v = pc_arena_array(e->scratch, (size_t)x->arg_count + 1, sizeof *v, e->err);
    pc_cell *cell = pc_arena_array(e->scratch, (size_t)x->arg_count + 1, sizeof *cell, e->err);
    if (v == NULL || cell == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < x->arg_count; i++) {
        PC_TRY(pc_eval_node(e, x->arg[i], &v[i]));
    }
    pc_filler filler;
    PC_TRY(pc_filler_begin(e, x, &filler));
    for (int row = 0; row < e->batch->row_count; row++) {
        bool has_null = false;
        for (int i = 0; i < x->arg_count; i++) {
            cell[i] = pc_vector_cell(&v[i], row);
            has_null = has_null || cell[i].is_null;
        }
        if (has_null && !x->function->sees_nulls) continue;
        pc_cell result = {.is_null = false};
        PC_TRY(x->function->cell(e, x, cell, &result));
        PC_TRY(pc_filler_put(e, &filler, row, &result));
    }
    pc_filler_end(e, &filler, x, out);
    return PC_OK;
}
