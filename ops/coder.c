/** Numbering the values of a column. Integers near the first one and indices of a dictionary are
 *  looked up in a plain table, others in a hash table. */
#include <assert.h>
#include <string.h>
#include "coder.h"
#include "parcours/kernel.h"

enum {
    WINDOW = 8192, // integers that are looked up plainly: 32 KiB, which stays in the first cache
    MOST_BASE = 1 << 30,
    WORD_ID_BYTES = 8 // an id up to this width is kept as a word
};

static const uint64_t FLOAT_NAN = UINT64_C(0x7ff8000000000000);

pc_status pc_coder_open(pc_coder *coder, const pc_field *field, pc_budget *budget, pc_error *err)
{
    *coder = (pc_coder){
        .field = *field, .budget = budget, .value = {.budget = budget}, .map = {.budget = budget}};
    const pc_type type = field->type;
    coder->is_text = type == PC_CODE || type == PC_TEXT ||
                     (type == PC_ID && (field->width == 0 || field->width > WORD_ID_BYTES));
    return coder->is_text ? pc_dict_builder_new(budget, &coder->text, err) : PC_OK;
}

void pc_coder_close(pc_coder *coder)
{
    pc_intern_release(&coder->value);
    pc_dict_builder_free(coder->text);
    coder->text = NULL;
    pc_buffer_release(&coder->map);
}

uint32_t pc_coder_count(const pc_coder *coder)
{
    if (coder->is_text) return pc_dict_builder_view(coder->text)->count + 1;
    return coder->value.count + 1;
}

void pc_coder_forget(pc_coder *coder)
{
    coder->dict = (pc_dict_mark){0};
}

// `map` gets `count` entries; those beyond the `keep` first ones are 0.
static pc_status size_map(pc_coder *coder, size_t count, size_t keep, pc_error *err)
{
    const size_t bytes = count * sizeof(uint32_t);
    PC_TRY(pc_buffer_reserve(&coder->map, bytes, err));
    memset(coder->map.data + keep * sizeof(uint32_t), 0, bytes - keep * sizeof(uint32_t));
    coder->map.bytes = bytes;
    return PC_OK;
}

static pc_status fit_dict(pc_coder *coder, const pc_dict *dict, pc_error *err)
{
    const size_t known = coder->map.bytes / sizeof(uint32_t);
    const size_t wanted = dict->count == 0 ? 1 : dict->count; // index 0 may stand for null
    if (pc_dict_is_marked(coder->dict, dict) && known >= wanted) return PC_OK;
    const size_t keep = pc_dict_is_marked(coder->dict, dict) ? known : 0;
    coder->dict = (pc_dict_mark){0};
    PC_TRY(size_map(coder, wanted, keep, err));
    coder->dict = pc_dict_mark_of(dict);
    return PC_OK;
}

static pc_status add_text(pc_coder *coder, pc_span text, uint32_t *number, pc_error *err)
{
    uint32_t index = 0;
    PC_TRY(pc_dict_builder_add(coder->text, text, &index, err));
    if (index >= PC_INTERN_MAX) {
        return PC_FAIL(err, PC_BAD_INPUT, "more than %d distinct texts", (int)PC_INTERN_MAX);
    }
    *number = index + 1;
    return PC_OK;
}

// Numbers of codes without nulls. False: one has none yet.
#define ALL_CODES(name, type)                                                                      \
    PC_KERNEL static bool name(const uint32_t *map, const type *index, int row_count,              \
                               uint32_t *number)                                                   \
    {                                                                                              \
        uint32_t unknown = 0;                                                                      \
        for (int row = 0; row < row_count; row++) {                                                \
            number[row] = map[index[row]];                                                         \
            unknown |= number[row] == 0;                                                           \
        }                                                                                          \
        return unknown == 0;                                                                       \
    }
ALL_CODES(all_codes_1, uint8_t)
ALL_CODES(all_codes_2, uint16_t)
ALL_CODES(all_codes_4, uint32_t)

// Bits beyond the last row may be anything.
static bool has_no_null(const pc_column *c, int row_count)
{
    uint64_t all = UINT64_MAX;
    for (int i = 0; c->valid != NULL && i < row_count / 64; i++)
        all &= c->valid[i];
    if (c->valid != NULL && row_count % 64 != 0) {
        all &= c->valid[row_count / 64] | UINT64_MAX << (row_count % 64);
    }
    return all == UINT64_MAX;
}

// Columns that nobody reads are of nulls.
static bool has_no_value(const pc_column *c, int row_count)
{
    uint64_t any = c->valid == NULL ? 1 : 0;
    for (int i = 0; c->valid != NULL && i < row_count / 64; i++)
        any |= c->valid[i];
    if (c->valid != NULL && row_count % 64 != 0) {
        any |= c->valid[row_count / 64] & ~(UINT64_MAX << (row_count % 64));
    }
    return any == 0;
}

static bool number_all_codes(const pc_coder *coder, const pc_column *c, int row_count,
                             uint32_t *number)
{
    const uint32_t *map = (const uint32_t *)(const void *)coder->map.data;
    if (!has_no_null(c, row_count)) return false;
    if (c->width == 1) return all_codes_1(map, c->data, row_count, number);
    if (c->width == 2) return all_codes_2(map, c->data, row_count, number);
    return all_codes_4(map, c->data, row_count, number);
}

// Rows whose index has no number yet get it: as many calls as there are new texts.
#define NUMBER_CODES(name, type)                                                                   \
    static pc_status name(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number,    \
                          pc_error *err)                                                           \
    {                                                                                              \
        const type *index = c->data;                                                               \
        uint32_t *map = (uint32_t *)(void *)coder->map.data;                                       \
        for (int row = 0; row < row_count; row++) {                                                \
            if (!pc_is_valid(c->valid, row)) {                                                     \
                number[row] = 0;                                                                   \
                continue;                                                                          \
            }                                                                                      \
            uint32_t *known = &map[index[row]];                                                    \
            if (*known == 0)                                                                       \
                PC_TRY(add_text(coder, pc_dict_text(c->dict, index[row]), known, err));            \
            number[row] = *known;                                                                  \
        }                                                                                          \
        return PC_OK;                                                                              \
    }
NUMBER_CODES(number_codes_1, uint8_t)
NUMBER_CODES(number_codes_2, uint16_t)
NUMBER_CODES(number_codes_4, uint32_t)

static pc_status number_codes(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number,
                              pc_error *err)
{
    PC_TRY(fit_dict(coder, c->dict, err));
    if (number_all_codes(coder, c, row_count, number)) return PC_OK;
    switch (c->width) {
        case 1:
            return number_codes_1(coder, c, row_count, number, err);
        case 2:
            return number_codes_2(coder, c, row_count, number, err);
        default:
            return number_codes_4(coder, c, row_count, number, err);
    }
}

static pc_status number_ids(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number,
                            pc_error *err)
{
    for (int row = 0; row < row_count; row++) {
        const char *id = (const char *)c->data + (size_t)row * c->width;
        number[row] = 0;
        if (pc_column_is_null(c, row)) continue;
        // Rows of a patient stand together.
        if (row > 0 && number[row - 1] > 0 && memcmp(id, id - c->width, c->width) == 0) {
            number[row] = number[row - 1];
            continue;
        }
        PC_TRY(add_text(coder, pc_column_span(c, row), &number[row], err));
    }
    return PC_OK;
}

static uint64_t id_word(const pc_column *c, int row)
{
    uint64_t word = 0;
    const size_t bytes = c->width < WORD_ID_BYTES ? c->width : WORD_ID_BYTES;
    memcpy(&word, (const char *)c->data + (size_t)row * c->width, bytes);
    return word;
}

// -0 equals 0 and every nan equals every other, as PostgreSQL groups them.
static uint64_t float_word(const pc_column *c, int row)
{
    const double value = ((const double *)c->data)[row] + 0.0; // -0 becomes 0
    uint64_t word = FLOAT_NAN;
    if (value == value) memcpy(&word, &value, sizeof word);
    return word;
}

static void number_words(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number)
{
    for (int row = 0; row < row_count; row++) {
        number[row] = 0;
        if (pc_column_is_null(c, row)) continue;
        const uint64_t word = c->type == PC_ID ? id_word(c, row) : float_word(c, row);
        number[row] = pc_intern_add(&coder->value, word) + 1;
    }
}

#define NUMBER_INTS(name, type)                                                                    \
    static void name(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number)         \
    {                                                                                              \
        const type *value = c->data;                                                               \
        uint32_t *map = (uint32_t *)(void *)coder->map.data;                                       \
        const uint64_t base = (uint64_t)coder->base;                                               \
        for (int row = 0; row < row_count; row++) {                                                \
            if (!pc_is_valid(c->valid, row)) {                                                     \
                number[row] = 0;                                                                   \
                continue;                                                                          \
            }                                                                                      \
            const uint64_t word = (uint64_t)(int64_t)value[row];                                   \
            if (word - base >= WINDOW) {                                                           \
                const bool again = row > 0 && number[row - 1] > 0 && value[row] == value[row - 1]; \
                number[row] = again ? number[row - 1] : pc_intern_add(&coder->value, word) + 1;    \
                continue;                                                                          \
            }                                                                                      \
            uint32_t *known = &map[word - base];                                                   \
            if (*known == 0) *known = pc_intern_add(&coder->value, word) + 1;                      \
            number[row] = *known;                                                                  \
        }                                                                                          \
    }
NUMBER_INTS(number_bool, uint8_t)
NUMBER_INTS(number_int_1, int8_t)
NUMBER_INTS(number_int_2, int16_t)
NUMBER_INTS(number_int_4, int32_t)
NUMBER_INTS(number_int_8, int64_t)

// Numbers of integers without nulls. False: one lies outside of the window or has none yet.
#define ALL_INTS(name, type, word)                                                                 \
    PC_KERNEL static bool name(const uint32_t *map, const type *value, word base, int row_count,   \
                               uint32_t *number)                                                   \
    {                                                                                              \
        word outside = 0;                                                                          \
        uint32_t unknown = 0;                                                                      \
        for (int row = 0; row < row_count; row++) {                                                \
            const word at = (word)value[row] - base;                                               \
            outside |= at >= WINDOW;                                                               \
            number[row] = map[at % WINDOW];                                                        \
            unknown |= number[row] == 0;                                                           \
        }                                                                                          \
        return outside == 0 && unknown == 0;                                                       \
    }
ALL_INTS(all_bools, uint8_t, uint32_t)
ALL_INTS(all_ints_1, int8_t, uint32_t)
ALL_INTS(all_ints_2, int16_t, uint32_t)
ALL_INTS(all_ints_4, int32_t, uint32_t)
ALL_INTS(all_ints_8, int64_t, uint64_t)

static bool number_all_ints(const pc_coder *coder, const pc_column *c, int row_count,
                            uint32_t *number)
{
    const uint32_t *map = (const uint32_t *)(const void *)coder->map.data;
    const uint32_t base = (uint32_t)coder->base;
    // Differences of 32 bits mean what they say where the window is far from both ends.
    if (coder->base > MOST_BASE || coder->base < -MOST_BASE || !has_no_null(c, row_count)) {
        return false;
    }
    if (c->type == PC_BOOL) return all_bools(map, c->data, base, row_count, number);
    if (c->width == 1) return all_ints_1(map, c->data, base, row_count, number);
    if (c->width == 2) return all_ints_2(map, c->data, base, row_count, number);
    if (c->width == 4) return all_ints_4(map, c->data, base, row_count, number);
    return all_ints_8(map, c->data, (uint64_t)coder->base, row_count, number);
}

static pc_status open_window(pc_coder *coder, const pc_column *c, int row_count, pc_error *err)
{
    int row = 0;
    while (row < row_count && pc_column_is_null(c, row)) {
        row++;
    }
    const int64_t first = row < row_count ? pc_column_int(c, row) : 0;
    PC_TRY(size_map(coder, WINDOW, 0, err));
    coder->base = first < INT64_MIN + WINDOW / 2 ? INT64_MIN : first - WINDOW / 2;
    coder->has_base = row < row_count;
    return PC_OK;
}

static pc_status number_ints(pc_coder *coder, const pc_column *c, int row_count, uint32_t *number,
                             pc_error *err)
{
    if (!coder->has_base) PC_TRY(open_window(coder, c, row_count, err));
    if (number_all_ints(coder, c, row_count, number)) return PC_OK;
    if (c->type == PC_BOOL) {
        number_bool(coder, c, row_count, number);
    } else if (c->width == 1) {
        number_int_1(coder, c, row_count, number);
    } else if (c->width == 2) {
        number_int_2(coder, c, row_count, number);
    } else if (c->width == 4) {
        number_int_4(coder, c, row_count, number);
    } else {
        number_int_8(coder, c, row_count, number);
    }
    return PC_OK;
}

pc_status pc_coder_number(pc_coder *coder, const pc_column *column, int row_count, uint32_t *number,
                          pc_error *err)
{
    assert(row_count <= PC_BATCH_ROWS);
    if (row_count == 0) return PC_OK;
    const bool is_dict = column->type == PC_CODE || column->type == PC_TEXT;
    const bool wants_dict = coder->field.type == PC_CODE || coder->field.type == PC_TEXT;
    const bool fits = is_dict ? wants_dict : column->type == coder->field.type;
    const bool too_wide =
        column->type == PC_ID && coder->field.width != 0 && column->width > coder->field.width;
    if (!fits || column->scale != coder->field.scale || too_wide) {
        return PC_FAIL(err, PC_BAD_INPUT, "column '%s' is not the %s that was planned",
                       coder->field.name, pc_type_name(coder->field.type));
    }
    if (has_no_value(column, row_count)) {
        memset(number, 0, (size_t)row_count * sizeof *number);
        return PC_OK;
    }
    if (column->type == PC_ID) {
        if (coder->is_text) return number_ids(coder, column, row_count, number, err);
        PC_TRY(pc_intern_reserve(&coder->value, row_count, err));
        number_words(coder, column, row_count, number);
        return PC_OK;
    }
    if (coder->is_text) return number_codes(coder, column, row_count, number, err);
    PC_TRY(pc_intern_reserve(&coder->value, row_count, err));
    if (column->type != PC_FLOAT) return number_ints(coder, column, row_count, number, err);
    number_words(coder, column, row_count, number);
    return PC_OK;
}

static double word_float(uint64_t word)
{
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static int compare_floats(double a, double b)
{
    if (a != a || b != b) return (a != a) - (b != b); // nan is the largest
    return (a > b) - (a < b);
}

int pc_coder_compare(const pc_coder *coder, uint32_t a, uint32_t b)
{
    assert(a > 0 && b > 0);
    if (a == b) return 0;
    if (coder->is_text) {
        const pc_dict *dict = pc_dict_builder_view(coder->text);
        return pc_span_compare(pc_dict_text(dict, a - 1), pc_dict_text(dict, b - 1));
    }
    const uint64_t x = pc_intern_word(&coder->value, a - 1);
    const uint64_t y = pc_intern_word(&coder->value, b - 1);
    if (coder->field.type == PC_FLOAT) return compare_floats(word_float(x), word_float(y));
    if (coder->field.type == PC_ID) return memcmp(&x, &y, sizeof x);
    return ((int64_t)x > (int64_t)y) - ((int64_t)x < (int64_t)y);
}

// A word of a value as one whose unsigned order is that of values.
static uint64_t ordered_word(const pc_coder *coder, uint64_t word)
{
    const uint64_t sign = UINT64_C(1) << 63;
    if (coder->field.type == PC_ID) return __builtin_bswap64(word); // little-endian
    if (coder->field.type != PC_FLOAT) return word ^ sign;
    if (word_float(word) != word_float(word)) return UINT64_MAX; // nan is the largest
    return (word & sign) != 0 ? ~word : word | sign;
}

pc_status pc_coder_keys(const pc_coder *coder, pc_arena *arena, uint64_t **key, pc_error *err)
{
    const uint32_t count = pc_coder_count(coder);
    uint64_t *of = pc_arena_array(arena, (size_t)count + 1, sizeof *of, err);
    if (of == NULL) return PC_NO_MEMORY;
    *key = of;
    if (!coder->is_text) {
        for (uint32_t number = 1; number < count; number++) {
            of[number] = ordered_word(coder, pc_intern_word(&coder->value, number - 1));
        }
        return PC_OK;
    }
    pc_dict sorted;
    uint32_t *new_index = NULL;
    PC_TRY(pc_dict_builder_sort(coder->text, arena, &sorted, &new_index, err));
    for (uint32_t number = 1; number < count; number++) {
        of[number] = new_index[number - 1];
    }
    return PC_OK;
}

static uint8_t column_width(const pc_coder *coder)
{
    switch (coder->field.type) {
        case PC_BOOL:
            return 1;
        case PC_CODE:
        case PC_TEXT:
            return sizeof(uint32_t);
        case PC_ID:
            return coder->field.width == 0 ? PC_ID_MAX_BYTES : coder->field.width;
        default:
            return sizeof(int64_t);
    }
}

static void put_value(const pc_coder *coder, uint32_t number, const pc_column *c, int row,
                      char *data)
{
    char *to = data + (size_t)row * c->width;
    if (coder->is_text && c->type != PC_ID) {
        const uint32_t index = number - 1;
        memcpy(to, &index, sizeof index);
    } else if (coder->is_text) {
        const pc_span text = pc_dict_text(pc_dict_builder_view(coder->text), number - 1);
        memcpy(to, text.data, text.bytes < c->width ? text.bytes : c->width);
    } else {
        const uint64_t word = pc_intern_word(&coder->value, number - 1);
        memcpy(to, &word, c->width < sizeof word ? c->width : sizeof word); // little-endian
    }
}

pc_status pc_coder_column(const pc_coder *coder, const uint32_t *number, int row_count,
                          pc_arena *arena, pc_column *out, pc_error *err)
{
    *out = (pc_column){
        .type = coder->field.type, .scale = coder->field.scale, .width = column_width(coder)};
    char *data = pc_arena_array(arena, (size_t)row_count + 1, out->width, err);
    uint64_t *valid = pc_arena_array(arena, (size_t)row_count / 64 + 1, sizeof *valid, err);
    if (data == NULL || valid == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < row_count; row++) {
        if (number[row] == 0) continue;
        valid[row >> 6] |= UINT64_C(1) << (row & 63);
        put_value(coder, number[row], out, row, data);
    }
    out->data = data;
    out->valid = valid;
    if (out->type == PC_CODE || out->type == PC_TEXT) {
        out->dict = pc_dict_builder_view(coder->text);
    }
    return PC_OK;
}
