/** Single values of a chunk. A packed chunk gives any of its values alone; one of zstd has to be
 *  expanded whole, but only the values that are asked for are put together from its bytes. */
#include <assert.h>
#include <string.h>
#include <zstd.h>
#include "bits.h"
#include "chunk.h"
#include "codec.h"

pc_status pc_chunk_ready(pc_codec *codec, const pc_chunk_form *form, int64_t chunk_rows,
                         pc_buffer *stored, pc_buffer *out, pc_error *err)
{
    if (form->encoding == PC_ENCODING_PACKED) {
        const pc_buffer swap = *out;
        *out = *stored;
        *stored = swap;
        pc_packed packed;
        return pc_chunk_packed(form, (pc_span){out->data, out->bytes}, chunk_rows, &packed, err);
    }
    const size_t bytes = (size_t)chunk_rows * form->width;
    out->bytes = 0;
    PC_TRY(pc_buffer_reserve(out, bytes, err));
    PC_TRY(pc_chunk_expand(codec, (pc_span){stored->data, stored->bytes}, bytes, out->data, err));
    out->bytes = bytes;
    return PC_OK;
}

/** Values that are asked for, and where they go. */
typedef struct request {
    const int32_t *index; ///< [count] rows of the chunk
    int count;
    int at;          ///< first element of `out` and bit of `valid`
    void *out;       ///< of the form's width
    uint64_t *valid; ///< NULL: no row of the chunk is null
} request;

static inline void mark(const request *r, int i, bool is_null)
{
    const int bit = r->at + i;
    if (r->valid != NULL) r->valid[bit >> 6] |= (uint64_t)!is_null << (bit & 63);
}

#define TAKE_BITS(type)                                                                            \
    do {                                                                                           \
        type *to = (type *)r->out + r->at;                                                         \
        for (int i = 0; i < r->count; i++) {                                                       \
            const uint64_t code = pc_bits_at(p->in, (size_t)r->index[i], p->bits);                 \
            const bool is_null = has_null && code == null;                                         \
            to[i] = is_null ? 0 : (type)(code + p->min);                                           \
            mark(r, i, is_null);                                                                   \
        }                                                                                          \
    } while (0)

static void take_bits(const pc_packed *p, int width, const request *r)
{
    const bool has_null = r->valid != NULL;
    const uint64_t null = UINT64_MAX >> (64 - p->bits);
    switch (width) {
        case 1:
            TAKE_BITS(uint8_t);
            break;
        case 2:
            TAKE_BITS(uint16_t);
            break;
        case 4:
            TAKE_BITS(uint32_t);
            break;
        default:
            TAKE_BITS(uint64_t);
            break;
    }
}

#define TAKE_BYTES(type)                                                                           \
    do {                                                                                           \
        type *to = (type *)r->out + r->at;                                                         \
        for (int i = 0; i < r->count; i++) {                                                       \
            const unsigned char *from = in + (size_t)r->index[i] * row_step;                       \
            type value = 0;                                                                        \
            for (size_t byte = 0; byte < sizeof(type); byte++) {                                   \
                value = (type)(value | (type)((type)from[byte * byte_step] << (8 * byte)));        \
            }                                                                                      \
            const bool is_null = has_null && value == (type)null;                                  \
            to[i] = is_null ? 0 : value;                                                           \
            mark(r, i, is_null);                                                                   \
        }                                                                                          \
    } while (0)

static void take_id(const unsigned char *in, size_t row_step, size_t byte_step, size_t width,
                    const request *r)
{
    char *to = (char *)r->out + (size_t)r->at * width;
    for (int i = 0; i < r->count; i++, to += width) {
        const unsigned char *from = in + (size_t)r->index[i] * row_step;
        char any = 0;
        for (size_t byte = 0; byte < width; byte++) {
            to[byte] = (char)from[byte * byte_step];
            any |= to[byte];
        }
        mark(r, i, any == 0);
    }
}

// Bytes of a value stand `byte_step` apart, values `row_step`: shuffled or not.
static void take_bytes(const pc_chunk_form *form, const unsigned char *in, size_t row_step,
                       size_t byte_step, const request *r)
{
    const bool has_null = r->valid != NULL;
    const uint64_t null = form->type == PC_ID ? 0
                          : form->type == PC_FLOAT
                              ? pc_form_null_float()
                              : (uint64_t)pc_form_null(form->type, form->width);
    if (form->type == PC_ID) {
        take_id(in, row_step, byte_step, form->width, r);
        return;
    }
    switch (form->width) {
        case 1:
            TAKE_BYTES(uint8_t);
            break;
        case 2:
            TAKE_BYTES(uint16_t);
            break;
        case 4:
            TAKE_BYTES(uint32_t);
            break;
        default:
            TAKE_BYTES(uint64_t);
            break;
    }
}

void pc_chunk_take(const pc_chunk_form *form, pc_span ready, int64_t chunk_rows,
                   const int32_t *index, int count, int at, void *out, uint64_t *valid)
{
    const request r = {.index = index, .count = count, .at = at, .out = out, .valid = valid};
    if (form->encoding != PC_ENCODING_PACKED) {
        const bool is_whole = form->encoding == PC_ENCODING_WHOLE;
        take_bytes(form, (const unsigned char *)ready.data, is_whole ? form->width : 1,
                   is_whole ? 1 : (size_t)chunk_rows, &r);
        return;
    }
    pc_packed p = {0};
    const pc_status status = pc_chunk_packed(form, ready, chunk_rows, &p, NULL);
    assert(status == PC_OK); // pc_chunk_ready looked
    (void)status;
    if (p.bits == 8 * form->width) {
        take_bytes(form, p.in, form->width, 1, &r);
    } else if (p.bits == 0) {
        pc_chunk_take_constant(form, form->has_null ? 0 : (int64_t)p.min, form->has_null, count, at,
                               out, valid);
    } else {
        take_bits(&p, form->width, &r);
    }
}

void pc_chunk_take_constant(const pc_chunk_form *form, int64_t value, bool is_null, int count,
                            int at, void *out, uint64_t *valid)
{
    char *to = (char *)out + (size_t)at * form->width;
    const request r = {.count = count, .at = at, .valid = valid};
    const size_t width = form->width;
    for (int i = 0; i < count; i++, to += width) {
        memset(to, 0, width);
        if (!is_null) memcpy(to, &value, width < sizeof value ? width : sizeof value);
        mark(&r, i, is_null);
    }
}
