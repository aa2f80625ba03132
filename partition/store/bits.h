/** @file partition/store/bits.h
 *  The bit stream of HDF5's scale-offset filter: each value takes `bits` bits, most significant
 *  first, one behind the other. Eight values take `bits` bytes, so groups of eight are aligned.
 */
#ifndef PC_STORE_BITS_H
#define PC_STORE_BITS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PC_BITS_SLACK = 16 }; ///< bytes behind a stream that `pc_bits_unpack` may read (any content)

/** Bytes of `count` values of `bits` bits. */
size_t pc_bits_bytes(size_t count, int bits);

/** Packs the low `bits` (1 .. 64) bits of each code. `out` has pc_bits_bytes(count, bits) bytes.
 *  Calls can follow each other when `count` is a multiple of 8. Local. Cannot fail. */
void pc_bits_pack(const uint64_t *code, size_t count, int bits, unsigned char *out);

/** Unpacks `count` codes of `bits` bits (1 .. 8 * width), adds `base` to each, modulo 2^(8 *
 * width). Local. Cannot fail. Cost: over 1,000 million values a second and core.
 *  @param in     the stream, and PC_BITS_SLACK readable bytes behind it
 *  @param width  bytes of an element of `out`: 1, 2, 4 or 8 */
void pc_bits_unpack(const unsigned char *in, size_t count, int bits, uint64_t base, int width,
                    void *out);

/** Code `index` of a stream alone. Same rules for `in` and `bits`. */
static inline __attribute__((always_inline)) uint64_t pc_bits_at(const unsigned char *in,
                                                                 size_t index, int bits)
{
    const size_t at = index * (size_t)bits;
    const int shift = (int)(at & 7);
    uint64_t word;
    memcpy(&word, in + (at >> 3), sizeof word);
    word = __builtin_bswap64(word) << shift;
    if (shift + bits > 64) word |= (uint64_t)in[(at >> 3) + 8] >> (8 - shift);
    return word >> (64 - bits);
}

#endif
