/** Values to stored chunks. A packed chunk is what HDF5's scale-offset filter writes: the number of
 *  bits (4 bytes), 8, the minimum (8 bytes), 8 zeros, then value - minimum in that many bits; all
 *  ones mean null. Where the bits are those of the whole width, values stand as they are. */
#include <assert.h>
#include <string.h>
#include <zstd.h>
#include "bits.h"
#include "chunk.h"
#include "codec.h"

enum {
    STEP_ROWS = 512, // rows widened at once: stays in L1
    // Bytes are read more often than they are written. Two bytes wide are days and links mostly:
    // a long search takes 5 to 10 percent off them. Wider values would take zstd twice the memory
    // at that level (codec.c counts it); numbers that come again whole gain 5 percent by one more.
    HASTY_SHUFFLED_LEVEL = 1,
    HASTY_WHOLE_LEVEL = 3,
    TWO_BYTES_LEVEL = 7,
    SHUFFLED_LEVEL = 3,
    WHOLE_LEVEL = 5
};

#define WIDEN(type)                                                                                \
    do {                                                                                           \
        const type *from = (const type *)values->data + first;                                     \
        for (int i = 0; i < count; i++)                                                            \
            out[i] = (int64_t)from[i];                                                             \
    } while (0)

// Rows first .. first + count - 1 as 64-bit integers.
static void widen(const pc_chunk_values *values, bool is_unsigned, int64_t first, int count,
                  int64_t *out)
{
    switch (values->width) {
        case 1:
            if (is_unsigned) {
                WIDEN(uint8_t);
            } else {
                WIDEN(int8_t);
            }
            break;
        case 2:
            if (is_unsigned) {
                WIDEN(uint16_t);
            } else {
                WIDEN(int16_t);
            }
            break;
        case 4:
            if (is_unsigned) {
                WIDEN(uint32_t);
            } else {
                WIDEN(int32_t);
            }
            break;
        default:
            WIDEN(int64_t);
            break;
    }
}

// The bits of rows first .. first + count - 1 (at most 64; first is a multiple of 64).
static uint64_t valid_word(const uint64_t *valid, int64_t first, int count)
{
    const uint64_t mask = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    return valid == NULL ? mask : valid[first / 64] & mask;
}

static pc_status seal(pc_buffer *out, pc_error *err)
{
    const uint32_t check = pc_fletcher32((const unsigned char *)out->data, out->bytes);
    return pc_buffer_append(out, &check, sizeof check, err);
}

// Writes `null` where a bit is off.
static void put_nulls(const uint64_t *valid, int64_t first, int count, uint64_t null,
                      uint64_t *value)
{
    for (int at = 0; valid != NULL && at < count; at += 64) {
        const int left = count - at < 64 ? count - at : 64;
        const uint64_t all = valid_word(NULL, 0, left);
        for (uint64_t off = valid_word(valid, first + at, left) ^ all; off != 0; off &= off - 1) {
            value[at + __builtin_ctzll(off)] = null;
        }
    }
}

// `out` need not be aligned: behind the header of a packed chunk it is not.
#define NARROW_TO(type)                                                                            \
    do {                                                                                           \
        for (int i = 0; i < count; i++) {                                                          \
            const type narrow = (type)value[i];                                                    \
            memcpy(out + (size_t)i * sizeof narrow, &narrow, sizeof narrow);                       \
        }                                                                                          \
    } while (0)

static void narrow_step(const int64_t *value, int count, int width, char *out)
{
    switch (width) {
        case 1:
            NARROW_TO(int8_t);
            break;
        case 2:
            NARROW_TO(int16_t);
            break;
        case 4:
            NARROW_TO(int32_t);
            break;
        default:
            NARROW_TO(int64_t);
            break;
    }
}

// Values in the form's width, nulls as its null, `chunk_rows` of them.
static void narrow(const pc_chunk_form *form, const pc_chunk_values *values, int64_t chunk_rows,
                   char *out)
{
    const size_t width = form->width;
    memset(out, 0, (size_t)chunk_rows * width);
    if (form->type == PC_ID || form->type == PC_FLOAT) {
        const char *from = values->data;
        const uint64_t null = pc_form_null_float();
        for (int64_t row = 0; row < values->row_count; row++) {
            char *to = out + (size_t)row * width;
            if (pc_is_valid(values->valid, row)) {
                memcpy(to, from + (size_t)row * width, width);
            } else if (form->type == PC_FLOAT) {
                memcpy(to, &null, sizeof null);
            }
        }
        return;
    }
    const bool is_unsigned = pc_form_is_unsigned(form->type);
    const int64_t null = pc_form_null(form->type, form->width);
    int64_t wide[STEP_ROWS];
    for (int64_t first = 0; first < values->row_count; first += STEP_ROWS) {
        const int64_t left = values->row_count - first;
        const int count = left < STEP_ROWS ? (int)left : STEP_ROWS;
        widen(values, is_unsigned, first, count, wide);
        put_nulls(values->valid, first, count, (uint64_t)null, (uint64_t *)wide);
        narrow_step(wide, count, form->width, out + (size_t)first * width);
    }
}

// Bits that the values of a chunk need, with one code left for null where the dataset has nulls.
static int packed_bits(const pc_chunk_form *form, const pc_chunk_values *values,
                       const pc_chunk_range *range)
{
    if (range->null_count == values->row_count) return 0;
    const uint64_t span = (uint64_t)range->max - (uint64_t)range->min;
    if (form->has_null && span >= UINT64_MAX - 1) return 64;
    const uint64_t most = span + (form->has_null ? 1 : 0);
    const int bits = most == 0 ? 0 : 64 - __builtin_clzll(most);
    return bits > 8 * form->width ? 8 * form->width : bits;
}

static void pack(const pc_chunk_values *values, bool is_unsigned, int64_t min, int bits,
                 unsigned char *out)
{
    const uint64_t null = UINT64_MAX >> (64 - bits);
    int64_t wide[STEP_ROWS];
    uint64_t code[STEP_ROWS];
    for (int64_t first = 0; first < values->row_count; first += STEP_ROWS) {
        const int64_t left = values->row_count - first;
        const int count = left < STEP_ROWS ? (int)left : STEP_ROWS;
        widen(values, is_unsigned, first, count, wide);
        for (int i = 0; i < count; i++)
            code[i] = (uint64_t)wide[i] - (uint64_t)min;
        put_nulls(values->valid, first, count, null, code);
        pc_bits_pack(code, (size_t)count, bits, out);
        out += (size_t)count * (size_t)bits / 8; // whole but for the last step
    }
}

static pc_status encode_packed(const pc_chunk_form *form, const pc_chunk_values *values,
                               const pc_chunk_range *range, int64_t chunk_rows, pc_buffer *out,
                               pc_error *err)
{
    const int bits = packed_bits(form, values, range);
    const int64_t min = range->null_count == values->row_count ? 0 : range->min;
    // HDF5's own filter leaves one byte more than the bits need: some readers count on it.
    const size_t bytes = PC_CHUNK_HEADER + pc_bits_bytes((size_t)chunk_rows, bits) + 1;
    out->bytes = 0;
    PC_TRY(pc_buffer_reserve(out, bytes + PC_CHUNK_CHECK, err));
    memset(out->data, 0, bytes);
    const uint32_t stored_bits = (uint32_t)bits;
    memcpy(out->data, &stored_bits, sizeof stored_bits);
    out->data[4] = 8;
    memcpy(out->data + 5, &min, sizeof min);
    out->bytes = bytes;
    if (bits == 8 * form->width) {
        narrow(form, values, chunk_rows, out->data + PC_CHUNK_HEADER);
    } else if (bits > 0) {
        pack(values, pc_form_is_unsigned(form->type), min, bits,
             (unsigned char *)out->data + PC_CHUNK_HEADER);
    }
    return seal(out, err);
}

// Byte j of every value, then byte j + 1: HDF5's shuffle.
static void shuffle(const char *in, size_t count, size_t width, char *out)
{
    for (size_t byte = 0; byte < width; byte++) {
        for (size_t i = 0; i < count; i++)
            out[byte * count + i] = in[i * width + byte];
    }
}

static int zstd_level(const pc_chunk_form *form, bool is_hasty)
{
    const bool is_shuffled = form->encoding == PC_ENCODING_ZSTD;
    if (is_hasty) return is_shuffled ? HASTY_SHUFFLED_LEVEL : HASTY_WHOLE_LEVEL;
    if (is_shuffled) return form->width == 2 ? TWO_BYTES_LEVEL : SHUFFLED_LEVEL;
    return WHOLE_LEVEL;
}

static pc_status encode_zstd(pc_codec *codec, const pc_chunk_form *form,
                             const pc_chunk_values *values, int64_t chunk_rows, pc_buffer *out,
                             pc_error *err)
{
    const size_t bytes = (size_t)chunk_rows * form->width;
    const size_t bound = ZSTD_compressBound(bytes);
    PC_TRY(pc_codec_need(codec, true, err));
    PC_TRY(pc_buffer_reserve(&codec->scratch, bytes, err));
    out->bytes = 0;
    PC_TRY(pc_buffer_reserve(out, bound + PC_CHUNK_CHECK, err));
    narrow(form, values, chunk_rows, codec->scratch.data);
    const char *in = codec->scratch.data;
    if (form->encoding == PC_ENCODING_ZSTD && form->width > 1) {
        PC_TRY(pc_buffer_reserve(&codec->scratch2, bytes, err));
        shuffle(in, (size_t)chunk_rows, form->width, codec->scratch2.data);
        in = codec->scratch2.data;
    }
    const int level = zstd_level(form, codec->is_hasty);
    const size_t stored = ZSTD_compressCCtx(codec->compress, out->data, bound, in, bytes, level);
    if (ZSTD_isError(stored)) {
        return PC_FAIL(err, PC_IO, "zstd cannot compress: %s", ZSTD_getErrorName(stored));
    }
    out->bytes = stored;
    return seal(out, err);
}

pc_status pc_chunk_encode(pc_codec *codec, const pc_chunk_form *form, const pc_chunk_values *values,
                          const pc_chunk_range *range, int64_t chunk_rows, pc_buffer *out,
                          pc_error *err)
{
    assert(values->row_count > 0 && values->row_count <= chunk_rows);
    if (form->encoding == PC_ENCODING_PACKED) {
        return encode_packed(form, values, range, chunk_rows, out, err);
    }
    return encode_zstd(codec, form, values, chunk_rows, out, err);
}
