/** @file row_bytes.h
 *  Big-endian numbers in rows, whose bytes compare as the numbers do. Private to partition/.
 */
#ifndef PC_ROW_BYTES_H
#define PC_ROW_BYTES_H
#include <stdint.h>
#include <string.h>

static inline uint32_t swap32(uint32_t value)
{
    return (value >> 24) | ((value >> 8) & 0xff00U) | ((value << 8) & 0xff0000U) | (value << 24);
}

static inline uint64_t swap64(uint64_t value)
{
    return ((uint64_t)swap32((uint32_t)value) << 32) | swap32((uint32_t)(value >> 32));
}

// The machines that we know are little-endian; the others need no swap.
static inline uint32_t big32(uint32_t value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return value;
#else
    return swap32(value);
#endif
}

static inline uint64_t big64(uint64_t value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return value;
#else
    return swap64(value);
#endif
}

static inline void put32(unsigned char *at, uint32_t value)
{
    const uint32_t bytes = big32(value);
    memcpy(at, &bytes, sizeof bytes);
}

static inline void put64(unsigned char *at, uint64_t value)
{
    const uint64_t bytes = big64(value);
    memcpy(at, &bytes, sizeof bytes);
}

static inline uint32_t get32(const unsigned char *at)
{
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return big32(bytes);
}

static inline uint64_t get64(const unsigned char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return big64(bytes);
}

// Signed numbers with the sign bit flipped are in unsigned order.
static inline void put_int32(unsigned char *at, int32_t value)
{
    put32(at, (uint32_t)value ^ UINT32_C(0x80000000));
}

static inline void put_int64(unsigned char *at, int64_t value)
{
    put64(at, (uint64_t)value ^ UINT64_C(0x8000000000000000));
}

#endif
