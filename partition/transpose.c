/** A matrix of bytes, transposed in tiles of 16 x 16. */
#include <string.h>
#include "parcours/spool.h"
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { TILE = 16 };

static void transpose_plain(const unsigned char *in, size_t row_count, size_t column_count,
                            unsigned char *out)
{
    for (size_t r = 0; r < row_count; r++) {
        for (size_t c = 0; c < column_count; c++) {
            out[c * row_count + r] = in[r * column_count + c];
        }
    }
}

#if defined(__SSE2__)
/** One round rotates the 8 bits of (row, column) left by one; after four rounds they changed
 *  places. */
static void transpose_round(const __m128i *in, __m128i *out)
{
    for (int i = 0; i < TILE / 2; i++) {
        out[2 * i] = _mm_unpacklo_epi8(in[i], in[i + TILE / 2]);
        out[2 * i + 1] = _mm_unpackhi_epi8(in[i], in[i + TILE / 2]);
    }
}

static void transpose_tile(const unsigned char *in, size_t in_stride, unsigned char *out,
                           size_t out_stride)
{
    __m128i a[TILE], b[TILE];
    for (int i = 0; i < TILE; i++) {
        a[i] = _mm_loadu_si128((const __m128i *)(const void *)(in + (size_t)i * in_stride));
    }
    transpose_round(a, b);
    transpose_round(b, a);
    transpose_round(a, b);
    transpose_round(b, a);
    for (int i = 0; i < TILE; i++) {
        _mm_storeu_si128((__m128i *)(void *)(out + (size_t)i * out_stride), a[i]);
    }
}
#else
static void transpose_tile(const unsigned char *in, size_t in_stride, unsigned char *out,
                           size_t out_stride)
{
    for (size_t r = 0; r < TILE; r++) {
        for (size_t c = 0; c < TILE; c++)
            out[c * out_stride + r] = in[r * in_stride + c];
    }
}
#endif

void pc_transpose_bytes(const unsigned char *in, size_t row_count, size_t column_count,
                        unsigned char *out)
{
    if (row_count < TILE || column_count < TILE) {
        transpose_plain(in, row_count, column_count, out);
        return;
    }
    // The last tile of a line overlaps the one before it: it writes the same bytes again.
    for (size_t c0 = 0; c0 < column_count; c0 += TILE) {
        const size_t c = c0 + TILE <= column_count ? c0 : column_count - TILE;
        for (size_t r0 = 0; r0 < row_count; r0 += TILE) {
            const size_t r = r0 + TILE <= row_count ? r0 : row_count - TILE;
            transpose_tile(in + r * column_count + c, column_count, out + c * row_count + r,
                           row_count);
        }
    }
}
