/** What stands in a chunk: forms, nulls, ranges, checks. */
#include "chunk.h"
#include <assert.h>
#include <string.h>

enum { FLETCHER_STEP = 360 }; // 16-bit words before sums must be folded, as in HDF5

bool pc_form_is_integer(pc_type type)
{
    return type == PC_NONE || pc_type_is_integer(type);
}

bool pc_form_is_unsigned(pc_type type)
{
    return type == PC_NONE || pc_type_is_unsigned(type);
}

int64_t pc_form_null(pc_type type, int width)
{
    if (pc_form_is_unsigned(type)) {
        return width == 8 ? -1 : (int64_t)((UINT64_C(1) << (8 * width)) - 1);
    }
    return width == 8 ? INT64_MIN : -(INT64_C(1) << (8 * width - 1));
}

int pc_form_width(pc_type type, int64_t min, int64_t max)
{
    const bool is_unsigned = pc_form_is_unsigned(type);
    if (is_unsigned && min < 0) return 0;
    for (int width = 1; width <= 4; width *= 2) {
        const int64_t null = pc_form_null(type, width);
        if (is_unsigned ? max < null : min > null && max <= -(null + 1)) return width;
    }
    return is_unsigned || min > INT64_MIN ? 8 : 0;
}

uint64_t pc_form_null_float(void)
{
    return UINT64_C(0x7FF8504152430001);
}

void pc_form_null_bytes(const pc_chunk_form *form, char *out)
{
    memset(out, 0, PC_FORM_NULL_BYTES);
    if (form->type == PC_ID) return;
    const uint64_t null = form->type == PC_FLOAT ? pc_form_null_float()
                                                 : (uint64_t)pc_form_null(form->type, form->width);
    memcpy(out, &null, form->width);
}

int64_t pc_values_int(const pc_chunk_values *values, bool is_unsigned, int64_t row)
{
    const pc_column column = {
        .type = is_unsigned ? PC_CODE : PC_INT, .width = values->width, .data = values->data};
    return pc_column_int(&column, row);
}

static int64_t count_nulls(const uint64_t *valid, int64_t row_count)
{
    if (valid == NULL) return 0;
    int64_t valid_count = 0;
    for (int64_t word = 0; word < row_count / 64; word++) {
        valid_count += __builtin_popcountll(valid[word]);
    }
    if (row_count % 64 != 0) {
        const uint64_t mask = (UINT64_C(1) << (row_count % 64)) - 1;
        valid_count += __builtin_popcountll(valid[row_count / 64] & mask);
    }
    return row_count - valid_count;
}

// The bits of rows first .. first + count - 1 (at most 64; first is a multiple of 64).
static uint64_t valid_word(const uint64_t *valid, int64_t first, int count)
{
    const uint64_t mask = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    return valid == NULL ? mask : valid[first / 64] & mask;
}

// Whole words of valid rows in a loop that compilers turn into vector code, others bit by bit.
#define MEASURE(type)                                                                              \
    do {                                                                                           \
        type low = 0, high = 0;                                                                    \
        bool is_first = true;                                                                      \
        for (int64_t first = 0; first < values->row_count; first += 64) {                          \
            const type *value = (const type *)values->data + first;                                \
            const int64_t left = values->row_count - first;                                        \
            uint64_t bits = valid_word(values->valid, first, left < 64 ? (int)left : 64);          \
            if (bits == 0) continue;                                                               \
            if (is_first) low = high = value[__builtin_ctzll(bits)];                               \
            is_first = false;                                                                      \
            if (bits == UINT64_MAX) {                                                              \
                for (int i = 0; i < 64; i++)                                                       \
                    low = value[i] < low ? value[i] : low;                                         \
                for (int i = 0; i < 64; i++)                                                       \
                    high = value[i] > high ? value[i] : high;                                      \
                continue;                                                                          \
            }                                                                                      \
            for (; bits != 0; bits &= bits - 1) {                                                  \
                const type one = value[__builtin_ctzll(bits)];                                     \
                low = one < low ? one : low;                                                       \
                high = one > high ? one : high;                                                    \
            }                                                                                      \
        }                                                                                          \
        *min = (int64_t)low;                                                                       \
        *max = (int64_t)high;                                                                      \
    } while (0)

// Of integers, some of which are not null.
static void measure_integers(const pc_chunk_values *values, bool is_unsigned, int64_t *min,
                             int64_t *max)
{
    switch (values->width) {
        case 1:
            if (is_unsigned) {
                MEASURE(uint8_t);
            } else {
                MEASURE(int8_t);
            }
            break;
        case 2:
            if (is_unsigned) {
                MEASURE(uint16_t);
            } else {
                MEASURE(int16_t);
            }
            break;
        case 4:
            if (is_unsigned) {
                MEASURE(uint32_t);
            } else {
                MEASURE(int32_t);
            }
            break;
        default:
            MEASURE(int64_t);
            break;
    }
}

pc_chunk_range pc_chunk_measure(pc_type type, const pc_chunk_values *values)
{
    pc_chunk_range range = {.min = INT64_MIN, .max = INT64_MAX};
    range.null_count = count_nulls(values->valid, values->row_count);
    if (!pc_form_is_integer(type) || range.null_count == values->row_count) return range;
    measure_integers(values, pc_form_is_unsigned(type), &range.min, &range.max);
    return range;
}

uint32_t pc_fletcher32(const unsigned char *data, size_t bytes)
{
    uint32_t sum1 = 0, sum2 = 0;
    for (size_t words = bytes / 2; words > 0;) {
        const size_t step = words < FLETCHER_STEP ? words : FLETCHER_STEP;
        words -= step;
        for (size_t i = 0; i < step; i++, data += 2) {
            sum1 += ((uint32_t)data[0] << 8) | data[1];
            sum2 += sum1;
        }
        sum1 = (sum1 & 0xFFFF) + (sum1 >> 16);
        sum2 = (sum2 & 0xFFFF) + (sum2 >> 16);
    }
    if (bytes % 2 != 0) {
        sum1 += (uint32_t)data[0] << 8;
        sum2 += sum1;
        sum1 = (sum1 & 0xFFFF) + (sum1 >> 16);
        sum2 = (sum2 & 0xFFFF) + (sum2 >> 16);
    }
    sum1 = (sum1 & 0xFFFF) + (sum1 >> 16);
    sum2 = (sum2 & 0xFFFF) + (sum2 >> 16);
    return (sum2 << 16) | sum1;
}

bool pc_chunk_check_is_right(pc_span stored)
{
    if (stored.bytes < PC_CHUNK_CHECK) return false;
    const size_t bytes = stored.bytes - PC_CHUNK_CHECK;
    uint32_t check;
    memcpy(&check, stored.data + bytes, sizeof check);
    return check == pc_fletcher32((const unsigned char *)stored.data, bytes);
}
