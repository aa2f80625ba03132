/** Chunks: packing against a slow twin and against libhdf5's own filter, both ways. */
#include <hdf5.h>
#include "partition/store/bits.h"
#include "partition/store/chunk.h"
#include "partition/store/h5.h"
#include "tests/test_main.h"
#include "tests/test_random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_VALUES = 200 };

// Bit by bit.
static uint64_t slow_code(const unsigned char *in, size_t index, int bits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < (size_t)bits; i++) {
        const size_t at = index * (size_t)bits + i;
        value = (value << 1) | ((in[at / 8] >> (7 - at % 8)) & 1);
    }
    return value;
}

static void test_bits_against_twin(void)
{
    uint64_t seed = 7, code[MOST_VALUES];
    unsigned char stream[MOST_VALUES * 8 + PC_BITS_SLACK];
    uint64_t out[MOST_VALUES];
    int64_t wrong = 0;
    printf("seed 7 ");
    for (int bits = 1; bits <= 64; bits++) {
        for (int round = 0; round < 6; round++) {
            const size_t count = (size_t)pc_test_below(&seed, MOST_VALUES + 1);
            const uint64_t mask = UINT64_MAX >> (64 - bits);
            for (size_t i = 0; i < count; i++)
                code[i] = pc_test_random(&seed);
            if (round == 0) memset(code, 0xFF, sizeof code);
            memset(stream, 0xA5, sizeof stream);
            pc_bits_pack(code, count, bits, stream);
            wrong += stream[pc_bits_bytes(count, bits)] != 0xA5;
            for (size_t i = 0; i < count; i++) {
                wrong += slow_code(stream, i, bits) != (code[i] & mask);
            }
            for (int width = 1; width <= 8; width *= 2) {
                if (bits > 8 * width) continue;
                const uint64_t base = pc_test_random(&seed);
                const uint64_t wide = UINT64_MAX >> (64 - 8 * width);
                pc_bits_unpack(stream, count, bits, base, width, out);
                for (size_t i = 0; i < count; i++) {
                    uint64_t value = 0;
                    memcpy(&value, (char *)out + i * (size_t)width, (size_t)width);
                    wrong += value != (((code[i] & mask) + base) & wide);
                }
            }
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_widths(void)
{
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, -127, 127), 1);
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, -128, 0), 2);
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, 0, 128), 2);
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, INT32_MIN, 0), 8);
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, INT64_MIN, 0), 0);
    CU_ASSERT_EQUAL(pc_form_width(PC_INT, INT64_MIN + 1, INT64_MAX), 8);
    CU_ASSERT_EQUAL(pc_form_width(PC_CODE, 0, 254), 1);
    CU_ASSERT_EQUAL(pc_form_width(PC_CODE, 0, 255), 2);
    CU_ASSERT_EQUAL(pc_form_width(PC_CODE, 0, 65535), 4);
    CU_ASSERT_EQUAL(pc_form_width(PC_CODE, -1, 0), 0);
}

/** Random values of a form, and how they are made. */
typedef struct values_case {
    pc_chunk_form form;
    int64_t low, high;
    int null_in; // one in so many is null; 0: none
} values_case;

static pc_chunk_values make_values(const values_case *c, int64_t count, char *data, uint64_t *valid,
                                   uint64_t *seed)
{
    memset(valid, 0, MOST_VALUES / 8 + 8);
    const uint64_t span = (uint64_t)c->high - (uint64_t)c->low + 1;
    for (int64_t row = 0; row < count; row++) {
        const uint64_t r = pc_test_random(seed);
        int64_t value = (int64_t)((uint64_t)c->low + (span == 0 ? r : r % span));
        if (row < 2 && span != 0) value = row == 0 ? c->low : c->high;
        if (c->null_in == 0 || r % (uint64_t)c->null_in != 0) {
            valid[row / 64] |= UINT64_C(1) << (row % 64);
        } else {
            value = 0;
        }
        char *to = data + row * c->form.width;
        if (c->form.type == PC_ID) {
            memset(to, 0, c->form.width);
            const bool is_null = ((valid[row / 64] >> (row % 64)) & 1) == 0;
            if (!is_null) snprintf(to, c->form.width, "x%d", (int)(r >> 40) % 999);
        } else {
            memcpy(to, &value, c->form.width);
        }
    }
    return (pc_chunk_values){.data = data,
                             .width = c->form.width,
                             .valid = c->null_in > 0 ? valid : NULL,
                             .row_count = count};
}

static const values_case CASES[] = {
    {{.type = PC_INT, .width = 1}, -127, 127, 0},
    {{.type = PC_INT, .width = 1, .has_null = true}, -127, 127, 5},
    {{.type = PC_INT, .width = 1, .has_null = true}, 3, 3, 5},
    {{.type = PC_INT, .width = 1}, 3, 3, 0},
    {{.type = PC_INT, .width = 2, .has_null = true}, -3000, 12000, 1},
    {{.type = PC_DATE, .width = 2, .has_null = true}, 17000, 18100, 9},
    {{.type = PC_DECIMAL, .width = 4, .has_null = true}, -70000, 4000000, 3},
    {{.type = PC_INT, .width = 4}, -2147483647, 2147483647, 0},
    {{.type = PC_INT, .width = 4, .has_null = true}, -2147483647, 2147483647, 4},
    {{.type = PC_INT, .width = 8, .has_null = true}, -5000000000, 1000000000000000, 4},
    {{.type = PC_INT, .width = 8, .has_null = true}, INT64_MIN + 1, INT64_MAX, 4},
    {{.type = PC_CODE, .width = 1, .has_null = true}, 0, 254, 4},
    {{.type = PC_CODE, .width = 1, .has_null = true}, 0, 5, 4},
    {{.type = PC_CODE, .width = 2, .has_null = true}, 0, 65534, 4},
    {{.type = PC_CODE, .width = 2}, 300, 600, 0},
    {{.type = PC_CODE, .width = 4, .has_null = true}, 0, 20000000, 4},
    {{.type = PC_BOOL, .width = 1, .has_null = true}, 0, 1, 4},
    {{.type = PC_BOOL, .width = 1}, 0, 1, 0},
    {{.type = PC_NONE, .width = 2}, 0, 1000, 0},
    {{.type = PC_FLOAT, .width = 8, .has_null = true}, 0, 4000000000000000000, 4},
    {{.type = PC_ID, .width = 17, .has_null = true}, 0, 1, 4},
    {{.type = PC_ID, .width = 8}, 0, 1, 0},
    {{.type = PC_ID, .width = 24}, 0, 1, 0},
};
enum { CASE_COUNT = sizeof CASES / sizeof CASES[0] };

// Values that differ between what was encoded and what came out.
static int64_t compare(const pc_chunk_form *form, const pc_chunk_values *values, const char *out,
                       const uint64_t *valid)
{
    int64_t wrong = 0;
    for (int64_t row = 0; row < values->row_count; row++) {
        const bool is_valid = pc_is_valid(values->valid, row);
        const char *from = (const char *)values->data + row * form->width;
        if (valid != NULL) wrong += pc_is_valid(valid, row) != is_valid;
        if (is_valid) wrong += memcmp(from, out + row * form->width, form->width) != 0;
    }
    return wrong;
}

// Single values of the chunk in `stored`, which changes, that differ from those decoded.
static int64_t compare_taken(pc_codec *codec, const pc_chunk_form *form, int64_t chunk_rows,
                             int64_t count, pc_buffer *stored, const char *out,
                             const uint64_t *valid, uint64_t *seed)
{
    enum { TAKEN = 50 };
    pc_buffer ready = {.budget = codec->budget};
    pc_error err = {0};
    int32_t index[TAKEN];
    char one[(TAKEN + 3) * 64] = {0};
    uint64_t one_valid[2] = {0};
    const int at = pc_test_below(seed, 3);
    for (int i = 0; i < TAKEN; i++)
        index[i] = pc_test_below(seed, (int)count);
    int64_t wrong = pc_chunk_ready(codec, form, chunk_rows, stored, &ready, &err) != PC_OK ? 1 : 0;
    if (wrong == 0) {
        pc_chunk_take(form, (pc_span){ready.data, ready.bytes}, chunk_rows, index, TAKEN, at, one,
                      valid == NULL ? NULL : one_valid);
    }
    for (int i = 0; i < TAKEN; i++) {
        const bool is_valid = valid == NULL || pc_is_valid(valid, index[i]);
        if (valid != NULL) wrong += pc_is_valid(one_valid, at + i) != is_valid;
        wrong +=
            memcmp(one + (at + i) * form->width, out + index[i] * form->width, form->width) != 0;
    }
    pc_buffer_release(&ready);
    return wrong;
}

static void test_round_trip(void)
{
    pc_budget budget = {0};
    pc_codec codec = {
        .budget = &budget, .scratch = {.budget = &budget}, .scratch2 = {.budget = &budget}};
    pc_buffer stored = {.budget = &budget};
    pc_error err = {0};
    char data[MOST_VALUES * 64], out[MOST_VALUES * 64 + 64];
    uint64_t valid[MOST_VALUES / 64 + 2], out_valid[MOST_VALUES / 64 + 2];
    uint64_t seed = 11;
    printf("seed 11 ");
    for (int c = 0; c < CASE_COUNT; c++) {
        for (int encoding = PC_ENCODING_PACKED; encoding <= PC_ENCODING_WHOLE; encoding++) {
            pc_chunk_form form = CASES[c].form;
            form.encoding = (uint8_t)encoding;
            if (!pc_form_is_integer(form.type) && encoding == PC_ENCODING_PACKED) continue;
            for (int64_t count = 1; count <= MOST_VALUES; count += 1 + count / 3) {
                const pc_chunk_values values = make_values(&CASES[c], count, data, valid, &seed);
                const pc_chunk_range range = pc_chunk_measure(form.type, &values);
                const int64_t rows = count + pc_test_below(&seed, 20);
                pc_status status =
                    pc_chunk_encode(&codec, &form, &values, &range, rows, &stored, &err);
                CU_ASSERT_EQUAL(status, PC_OK);
                CU_ASSERT(pc_chunk_check_is_right((pc_span){stored.data, stored.bytes}));
                const size_t bytes = stored.bytes;
                status = pc_buffer_reserve(&stored, bytes + PC_BITS_SLACK, &err);
                CU_ASSERT_EQUAL(status, PC_OK);
                status = pc_chunk_decode(&codec, &form, (pc_span){stored.data, bytes}, rows, count,
                                         out, form.has_null ? out_valid : NULL, &err);
                CU_ASSERT_EQUAL(status, PC_OK);
                CU_ASSERT_EQUAL(compare(&form, &values, out, form.has_null ? out_valid : NULL), 0);
                stored.bytes = bytes;
                CU_ASSERT_EQUAL(compare_taken(&codec, &form, rows, count, &stored, out,
                                              form.has_null ? out_valid : NULL, &seed),
                                0);
            }
        }
    }
    CU_ASSERT_STRING_EQUAL(err.text, "");
    pc_codec_release(&codec);
    pc_buffer_release(&stored);
    CU_ASSERT_EQUAL(budget.used_bytes, 0);
}

// Our chunk in a file, read by libhdf5 with its own filters.
static int64_t read_by_hdf5(const char *path, const pc_chunk_form *form,
                            const pc_chunk_values *values, const pc_buffer *stored, char *out)
{
    const int64_t count = values->row_count;
    const hid_t file = pc_h5_create(path);
    hid_t dataset = pc_h5_dataset(file, "/x", form, count, count);
    bool is_done = pc_h5_write_chunk(dataset, 0, (pc_span){stored->data, stored->bytes});
    H5Dclose(dataset);
    is_done = pc_h5_close(file) && is_done;
    const hid_t again = pc_h5_open(path);
    is_done = is_done && pc_h5_read_plain(again, "/x", form->type, form->width, out);
    (void)pc_h5_close(again);
    unlink(path);
    if (!is_done) return -1;
    char null[PC_FORM_NULL_BYTES];
    pc_form_null_bytes(form, null);
    int64_t wrong = compare(form, values, out, NULL);
    for (int64_t row = 0; row < count; row++) {
        const bool is_null = memcmp(out + row * form->width, null, form->width) == 0;
        if (form->has_null) wrong += is_null == pc_is_valid(values->valid, row);
    }
    return wrong;
}

// A chunk that libhdf5's own filters wrote, decoded by us.
static int64_t read_of_hdf5(const char *path, pc_codec *codec, const pc_chunk_form *form,
                            const pc_chunk_values *values, char *out)
{
    const hsize_t count = (hsize_t)values->row_count, zero = 0;
    char null[PC_FORM_NULL_BYTES], whole[MOST_VALUES * 8], chunk[MOST_VALUES * 16 + 64];
    uint64_t valid[MOST_VALUES / 64 + 2];
    pc_form_null_bytes(form, null);
    memcpy(whole, values->data, (size_t)count * form->width);
    for (hsize_t row = 0; row < count; row++) {
        if (pc_is_valid(values->valid, (int64_t)row)) continue;
        memcpy(whole + row * form->width, null, form->width);
    }
    const hid_t file = pc_h5_create(path);
    const hid_t type = pc_h5_type(form->type, form->width);
    const hid_t dataset = pc_h5_dataset(file, "/x", form, (int64_t)count, (int64_t)count);
    bool is_done = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, whole) >= 0;
    hsize_t bytes = 0;
    uint32_t mask = 0;
    H5Fflush(file, H5F_SCOPE_LOCAL);
    is_done = is_done && H5Dget_chunk_storage_size(dataset, &zero, &bytes) >= 0 &&
              bytes <= sizeof chunk - PC_BITS_SLACK &&
              H5Dread_chunk(dataset, H5P_DEFAULT, &zero, &mask, chunk) >= 0;
    H5Tclose(type);
    H5Dclose(dataset);
    (void)pc_h5_close(file);
    unlink(path);
    const pc_span stored = {chunk, bytes};
    if (!is_done || !pc_chunk_check_is_right(stored)) return -1;
    if (pc_chunk_decode(codec, form, stored, (int64_t)count, (int64_t)count, out,
                        form->has_null ? valid : NULL, NULL) != PC_OK) {
        return -2;
    }
    return compare(form, values, out, form->has_null ? valid : NULL);
}

static void test_against_hdf5(void)
{
    pc_codec codec = {0};
    pc_buffer stored = {0};
    char data[MOST_VALUES * 64], out[MOST_VALUES * 64 + 64], path[64];
    uint64_t valid[MOST_VALUES / 64 + 2];
    uint64_t seed = 13;
    printf("seed 13 ");
    snprintf(path, sizeof path, "/tmp/parcours_encoding_%d.h5", (int)getpid());
    for (int c = 0; c < CASE_COUNT; c++) {
        pc_chunk_form form = CASES[c].form;
        form.encoding = PC_ENCODING_PACKED;
        if (!pc_form_is_integer(form.type)) continue;
        for (int64_t count = 1; count <= MOST_VALUES; count = count * 3 + 1) {
            const pc_chunk_values values = make_values(&CASES[c], count, data, valid, &seed);
            const pc_chunk_range range = pc_chunk_measure(form.type, &values);
            CU_ASSERT_EQUAL(pc_chunk_encode(&codec, &form, &values, &range, count, &stored, NULL),
                            PC_OK);
            CU_ASSERT_EQUAL(read_by_hdf5(path, &form, &values, &stored, out), 0);
            CU_ASSERT_EQUAL(read_of_hdf5(path, &codec, &form, &values, out), 0);
        }
    }
    pc_codec_release(&codec);
    pc_buffer_release(&stored);
}

// Any bytes at all: an error or values, never a crash.
static void test_hostile_bytes(void)
{
    pc_codec codec = {0};
    pc_buffer stored = {0};
    char data[MOST_VALUES * 64], out[MOST_VALUES * 64 + 64];
    uint64_t valid[MOST_VALUES / 64 + 2], out_valid[MOST_VALUES / 64 + 2];
    uint64_t seed = 17;
    printf("seed 17 ");
    for (int round = 0; round < 3000; round++) {
        const values_case *c = &CASES[pc_test_below(&seed, CASE_COUNT)];
        pc_chunk_form form = c->form;
        form.encoding = (uint8_t)(PC_ENCODING_PACKED + round % 3);
        if (form.encoding == PC_ENCODING_PACKED && !pc_form_is_integer(form.type)) {
            form.encoding = PC_ENCODING_ZSTD;
        }
        const int64_t count = 1 + pc_test_below(&seed, MOST_VALUES);
        const pc_chunk_values values = make_values(c, count, data, valid, &seed);
        const pc_chunk_range range = pc_chunk_measure(form.type, &values);
        CU_ASSERT_EQUAL(pc_chunk_encode(&codec, &form, &values, &range, count, &stored, NULL),
                        PC_OK);
        size_t bytes = stored.bytes;
        const int flip_count = 1 + pc_test_below(&seed, 4);
        for (int i = 0; i < flip_count; i++) {
            stored.data[pc_test_below(&seed, (int)bytes)] ^= (char)(1 << pc_test_below(&seed, 8));
        }
        if (round % 5 == 0) bytes = (size_t)pc_test_below(&seed, (int)bytes);
        char *exact = malloc(bytes + PC_BITS_SLACK); // so that a read beyond it is seen
        memcpy(exact, stored.data, bytes);
        memset(exact + bytes, 0, PC_BITS_SLACK);
        const pc_status status =
            pc_chunk_decode(&codec, &form, (pc_span){exact, bytes}, count, count, out,
                            form.has_null ? out_valid : NULL, NULL);
        CU_ASSERT(status == PC_OK || status == PC_BAD_INPUT);
        CU_ASSERT_FALSE(flip_count == 1 && pc_chunk_check_is_right((pc_span){exact, bytes}));
        free(exact);
    }
    pc_codec_release(&codec);
    pc_buffer_release(&stored);
}

PC_TEST_MAIN("encoding", {"bits against a slow twin", test_bits_against_twin},
             {"the narrowest width leaves room for null", test_widths},
             {"chunks there and back", test_round_trip},
             {"libhdf5 reads ours, we read libhdf5's", test_against_hdf5},
             {"hostile bytes", test_hostile_bytes});
