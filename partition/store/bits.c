/** Bit packing as HDF5's scale-offset filter does it. The unpacking loops are made once for each
 *  number of bits, so that every shift is a constant. */
#include "bits.h"
#include <assert.h>
#include <string.h>
#include "parcours/kernel.h"

size_t pc_bits_bytes(size_t count, int bits)
{
    return (count * (size_t)bits + 7) / 8;
}

static inline void store_big_endian(unsigned char *out, uint64_t word)
{
    word = __builtin_bswap64(word);
    memcpy(out, &word, sizeof word);
}

void pc_bits_pack(const uint64_t *code, size_t count, int bits, unsigned char *out)
{
    assert(bits >= 1 && bits <= 64);
    const uint64_t mask = UINT64_MAX >> (64 - bits);
    uint64_t word = 0;
    int filled = 0; // bits of `word` in use, from the top; always below 64
    for (size_t i = 0; i < count; i++) {
        const uint64_t value = code[i] & mask;
        const int room = 64 - filled;
        if (bits < room) {
            word |= value << (room - bits);
            filled += bits;
            continue;
        }
        const int rest = bits - room;
        store_big_endian(out, word | (value >> rest));
        out += 8;
        word = rest == 0 ? 0 : value << (64 - rest);
        filled = rest;
    }
    for (; filled > 0; filled -= 8, word <<= 8)
        *out++ = (unsigned char)(word >> 56);
}

// Index and bits are constants in the loops below.
static inline __attribute__((always_inline)) uint64_t code_at(const unsigned char *in, size_t index,
                                                              int bits)
{
    return pc_bits_at(in, index, bits);
}

#define UNPACK_BITS(type, bits)                                                                    \
    case bits:                                                                                     \
        for (size_t group = 0; group < group_count; group++, in += (bits), out += 8) {             \
            out[0] = (type)(code_at(in, 0, bits) + base);                                          \
            out[1] = (type)(code_at(in, 1, bits) + base);                                          \
            out[2] = (type)(code_at(in, 2, bits) + base);                                          \
            out[3] = (type)(code_at(in, 3, bits) + base);                                          \
            out[4] = (type)(code_at(in, 4, bits) + base);                                          \
            out[5] = (type)(code_at(in, 5, bits) + base);                                          \
            out[6] = (type)(code_at(in, 6, bits) + base);                                          \
            out[7] = (type)(code_at(in, 7, bits) + base);                                          \
        }                                                                                          \
        break;

#define UNPACK_4(type, b)                                                                          \
    UNPACK_BITS(type, b)                                                                           \
    UNPACK_BITS(type, b + 1) UNPACK_BITS(type, b + 2) UNPACK_BITS(type, b + 3)
#define UNPACK_TO_8(type)  UNPACK_4(type, 1) UNPACK_4(type, 5)
#define UNPACK_TO_16(type) UNPACK_TO_8(type) UNPACK_4(type, 9) UNPACK_4(type, 13)
#define UNPACK_TO_32(type)                                                                         \
    UNPACK_TO_16(type)                                                                             \
    UNPACK_4(type, 17) UNPACK_4(type, 21) UNPACK_4(type, 25) UNPACK_4(type, 29)
#define UNPACK_TO_64(type)                                                                         \
    UNPACK_TO_32(type)                                                                             \
    UNPACK_4(type, 33)                                                                             \
    UNPACK_4(type, 37)                                                                             \
    UNPACK_4(type, 41)                                                                             \
    UNPACK_4(type, 45) UNPACK_4(type, 49) UNPACK_4(type, 53) UNPACK_4(type, 57) UNPACK_4(type, 61)

// The whole groups of eight; the caller does what is left.
#define UNPACK_GROUPS(name, type, cases)                                                           \
    PC_KERNEL static void name(const unsigned char *in, size_t group_count, int bits,              \
                               uint64_t base, type *out)                                           \
    {                                                                                              \
        switch (bits) {                                                                            \
            cases(type) default : assert(bits == 0);                                               \
        }                                                                                          \
    }

UNPACK_GROUPS(unpack_u8, uint8_t, UNPACK_TO_8)
UNPACK_GROUPS(unpack_u16, uint16_t, UNPACK_TO_16)
UNPACK_GROUPS(unpack_u32, uint32_t, UNPACK_TO_32)
UNPACK_GROUPS(unpack_u64, uint64_t, UNPACK_TO_64)

void pc_bits_unpack(const unsigned char *in, size_t count, int bits, uint64_t base, int width,
                    void *out)
{
    assert(bits >= 1 && bits <= 8 * width);
    const size_t group_count = count / 8;
    switch (width) {
        case 1:
            unpack_u8(in, group_count, bits, base, out);
            break;
        case 2:
            unpack_u16(in, group_count, bits, base, out);
            break;
        case 4:
            unpack_u32(in, group_count, bits, base, out);
            break;
        default:
            unpack_u64(in, group_count, bits, base, out);
            break;
    }
    for (size_t i = group_count * 8; i < count; i++) {
        const uint64_t value = code_at(in, i, bits) + base;
        memcpy((char *)out + i * (size_t)width, &value, (size_t)width); // little-endian
    }
}
