/** Stored chunks to values: see chunk_encode.c for what they hold. */
#include <assert.h>
#include <string.h>
#include <zstd.h>
#include "bits.h"
#include "chunk.h"
#include "codec.h"
#include "parcours/kernel.h"

// 64 flags of 0 or 1 to 64 bits: eight bytes at a time, each multiplied to its place.
static uint64_t pack_flags(const unsigned char flag[64])
{
    uint64_t word = 0;
    for (int byte = 0; byte < 8; byte++) {
        uint64_t eight;
        memcpy(&eight, flag + 8 * byte, sizeof eight);
        word |= ((eight * UINT64_C(0x0102040810204080)) >> 56) << (8 * byte);
    }
    return word;
}

// Loops without branches over 64 values, which compilers turn into vector code.
#define MARK_NULLS(type)                                                                           \
    do {                                                                                           \
        type *value = out;                                                                         \
        for (int64_t first = 0; first < row_count; first += 64, value += 64) {                     \
            const int count = row_count - first < 64 ? (int)(row_count - first) : 64;              \
            unsigned char flag[64] = {0};                                                          \
            if (count == 64) {                                                                     \
                for (int i = 0; i < 64; i++)                                                       \
                    flag[i] = value[i] != (type)null;                                              \
                for (int i = 0; i < 64; i++)                                                       \
                    value[i] = value[i] == (type)null ? 0 : value[i];                              \
            } else {                                                                               \
                for (int i = 0; i < count; i++)                                                    \
                    flag[i] = value[i] != (type)null;                                              \
                for (int i = 0; i < count; i++)                                                    \
                    value[i] = flag[i] ? value[i] : 0;                                             \
            }                                                                                      \
            valid[first / 64] = pack_flags(flag);                                                  \
        }                                                                                          \
    } while (0)

// Values equal to `null` become 0 with their bit off.
PC_KERNEL static void mark_nulls(void *out, int width, int64_t row_count, uint64_t null,
                                 uint64_t *valid)
{
    switch (width) {
        case 1:
            MARK_NULLS(uint8_t);
            break;
        case 2:
            MARK_NULLS(uint16_t);
            break;
        case 4:
            MARK_NULLS(uint32_t);
            break;
        default:
            MARK_NULLS(uint64_t);
            break;
    }
}

// An id of NULs only is null.
static void mark_null_ids(const char *id, size_t width, int64_t row_count, uint64_t *valid)
{
    memset(valid, 0, (size_t)(row_count + 63) / 64 * sizeof *valid);
    for (int64_t row = 0; row < row_count; row++, id += width) {
        char any = 0;
        for (size_t i = 0; i < width; i++)
            any |= id[i];
        valid[row / 64] |= (uint64_t)(any != 0) << (row % 64);
    }
}

static void mark_stored_nulls(const pc_chunk_form *form, int64_t row_count, void *out,
                              uint64_t *valid)
{
    if (valid == NULL) return;
    if (form->type == PC_ID) {
        mark_null_ids(out, form->width, row_count, valid);
    } else if (form->type == PC_FLOAT) {
        mark_nulls(out, 8, row_count, pc_form_null_float(), valid);
    } else {
        const uint64_t null = (uint64_t)pc_form_null(form->type, form->width);
        mark_nulls(out, form->width, row_count, null, valid);
    }
}

// A packed chunk without bits: all rows null, or all one value.
static void fill_constant(const pc_chunk_form *form, int64_t row_count, uint64_t min, void *out,
                          uint64_t *valid)
{
    const uint64_t value = form->has_null ? 0 : min;
    for (int64_t row = 0; row < row_count; row++) {
        memcpy((char *)out + (size_t)row * form->width, &value, form->width);
    }
    if (valid == NULL) return;
    memset(valid, form->has_null ? 0 : 0xFF, (size_t)(row_count + 63) / 64 * sizeof *valid);
}

pc_status pc_chunk_packed(const pc_chunk_form *form, pc_span stored, int64_t chunk_rows,
                          pc_packed *out, pc_error *err)
{
    uint32_t bits;
    if (stored.bytes < PC_CHUNK_HEADER + PC_CHUNK_CHECK) {
        return PC_FAIL(err, PC_BAD_INPUT, "a packed chunk is cut short");
    }
    memcpy(&bits, stored.data, sizeof bits);
    memcpy(&out->min, stored.data + 5, sizeof out->min);
    out->in = (const unsigned char *)stored.data + PC_CHUNK_HEADER;
    const size_t in_bytes = stored.bytes - PC_CHUNK_HEADER - PC_CHUNK_CHECK;
    if (bits > 8U * form->width || stored.data[4] != 8 ||
        in_bytes < pc_bits_bytes((size_t)chunk_rows, (int)bits)) {
        return PC_FAIL(err, PC_BAD_INPUT, "the header of a packed chunk makes no sense");
    }
    out->bits = (int)bits;
    return PC_OK;
}

static pc_status decode_packed(const pc_chunk_form *form, pc_span stored, int64_t chunk_rows,
                               int64_t row_count, void *out, uint64_t *valid, pc_error *err)
{
    pc_packed p = {0};
    PC_TRY(pc_chunk_packed(form, stored, chunk_rows, &p, err));
    if (p.bits == 0) {
        fill_constant(form, row_count, p.min, out, valid);
        return PC_OK;
    }
    if (p.bits == 8 * form->width) {
        memcpy(out, p.in, (size_t)row_count * form->width);
        mark_stored_nulls(form, row_count, out, valid);
        return PC_OK;
    }
    pc_bits_unpack(p.in, (size_t)row_count, p.bits, p.min, form->width, out);
    const uint64_t null = (UINT64_MAX >> (64 - p.bits)) + p.min;
    if (valid != NULL) mark_nulls(out, form->width, row_count, null, valid);
    return PC_OK;
}

pc_status pc_chunk_expand(pc_codec *codec, pc_span stored, size_t bytes, void *out, pc_error *err)
{
    if (stored.bytes < PC_CHUNK_CHECK) {
        return PC_FAIL(err, PC_BAD_INPUT, "a compressed chunk is cut short");
    }
    PC_TRY(pc_codec_need(codec, false, err));
    const size_t got = ZSTD_decompressDCtx(codec->decompress, out, bytes, stored.data,
                                           stored.bytes - PC_CHUNK_CHECK);
    if (!ZSTD_isError(got) && got == bytes) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "a compressed chunk does not expand to its rows");
}

// Swaps what the mask chooses of `low` with what stands `shift` bits higher in `high`.
static inline void swap_bits(uint64_t *low, uint64_t *high, int shift, uint64_t mask)
{
    const uint64_t both = ((*low >> shift) ^ *high) & mask;
    *high ^= both;
    *low ^= both << shift;
}

// Eight words of eight bytes: byte i of word j becomes byte j of word i.
static inline void transpose_bytes(uint64_t word[8])
{
    for (int i = 0; i < 4; i++)
        swap_bits(&word[i], &word[i + 4], 32, UINT64_C(0x00000000ffffffff));
    for (int i = 0; i < 8; i += i % 4 == 1 ? 3 : 1)
        swap_bits(&word[i], &word[i + 2], 16, UINT64_C(0x0000ffff0000ffff));
    for (int i = 0; i < 8; i += 2)
        swap_bits(&word[i], &word[i + 1], 8, UINT64_C(0x00ff00ff00ff00ff));
}

// Values of many bytes, ids: eight bytes of eight values at a time.
static void unshuffle_wide(const unsigned char *in, size_t count, size_t row_count, size_t width,
                           unsigned char *out)
{
    const size_t rows = row_count / 8 * 8, bytes = width / 8 * 8;
    for (size_t byte = 0; byte < bytes; byte += 8) {
        for (size_t row = 0; row < rows; row += 8) {
            uint64_t word[8];
            for (size_t i = 0; i < 8; i++)
                memcpy(&word[i], in + (byte + i) * count + row, sizeof word[i]);
            transpose_bytes(word);
            for (size_t i = 0; i < 8; i++)
                memcpy(out + (row + i) * width + byte, &word[i], sizeof word[i]);
        }
    }
    for (size_t byte = 0; byte < width; byte++) {
        for (size_t row = byte < bytes ? rows : 0; row < row_count; row++)
            out[row * width + byte] = in[byte * count + row];
    }
}

#define UNSHUFFLE(type)                                                                            \
    do {                                                                                           \
        type *to = out;                                                                            \
        for (size_t i = 0; i < row_count; i++) {                                                   \
            type value = 0;                                                                        \
            for (size_t byte = 0; byte < sizeof(type); byte++) {                                   \
                value = (type)(value | ((type)in[byte * count + i] << (8 * byte)));                \
            }                                                                                      \
            to[i] = value;                                                                         \
        }                                                                                          \
    } while (0)

PC_KERNEL static void unshuffle(const unsigned char *in, size_t count, size_t row_count,
                                size_t width, void *out)
{
    switch (width) {
        case 1:
            memcpy(out, in, row_count);
            break;
        case 2:
            UNSHUFFLE(uint16_t);
            break;
        case 4:
            UNSHUFFLE(uint32_t);
            break;
        case 8:
            UNSHUFFLE(uint64_t);
            break;
        default:
            unshuffle_wide(in, count, row_count, width, out);
            break;
    }
}

static pc_status decode_zstd(pc_codec *codec, const pc_chunk_form *form, pc_span stored,
                             int64_t chunk_rows, int64_t row_count, void *out, uint64_t *valid,
                             pc_error *err)
{
    const size_t bytes = (size_t)chunk_rows * form->width;
    // Single bytes and whole values go where they belong.
    const bool is_whole = form->width == 1 || form->encoding == PC_ENCODING_WHOLE;
    const bool is_direct = is_whole && row_count == chunk_rows;
    if (!is_direct) PC_TRY(pc_buffer_reserve(&codec->scratch, bytes, err));
    char *to = is_direct ? out : codec->scratch.data;
    PC_TRY(pc_chunk_expand(codec, stored, bytes, to, err));
    if (!is_direct && is_whole) {
        memcpy(out, to, (size_t)row_count * form->width);
    } else if (!is_direct) {
        unshuffle((const unsigned char *)to, (size_t)chunk_rows, (size_t)row_count, form->width,
                  out);
    }
    mark_stored_nulls(form, row_count, out, valid);
    return PC_OK;
}

pc_status pc_chunk_decode(pc_codec *codec, const pc_chunk_form *form, pc_span stored,
                          int64_t chunk_rows, int64_t row_count, void *out, uint64_t *valid,
                          pc_error *err)
{
    assert(row_count >= 0 && row_count <= chunk_rows);
    if (form->encoding == PC_ENCODING_PACKED) {
        return decode_packed(form, stored, chunk_rows, row_count, out, valid, err);
    }
    return decode_zstd(codec, form, stored, chunk_rows, row_count, out, valid, err);
}
