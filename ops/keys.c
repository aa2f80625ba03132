/** Keys of rows: hashes and equality. */
#include "keys.h"
#include <string.h>
#include "parcours/hash.h"

pc_status pc_keys_open(pc_keys *keys, const int *column, int count, pc_arena *arena, pc_error *err)
{
    *keys = (pc_keys){.column = column};
    keys->texts = pc_arena_array(arena, (size_t)count + 1, sizeof *keys->texts, err);
    if (keys->texts == NULL) return PC_NO_MEMORY;
    keys->count = count;
    for (int i = 0; i < count; i++) {
        keys->texts[i].hash.budget = arena->budget;
    }
    return PC_OK;
}

void pc_keys_close(pc_keys *keys)
{
    for (int i = 0; i < keys->count; i++) {
        pc_buffer_release(&keys->texts[i].hash);
    }
    keys->count = 0;
}

void pc_keys_forget(pc_keys *keys)
{
    for (int i = 0; i < keys->count; i++) {
        keys->texts[i].dict = (pc_dict_mark){0};
    }
}

// The finalizer of MurmurHash3: every bit of a key reaches every bit of its hash.
static uint64_t mix(uint64_t word)
{
    word ^= word >> 33;
    word *= UINT64_C(0xff51afd7ed558ccd);
    word ^= word >> 33;
    word *= UINT64_C(0xc4ceb9fe1a85ec53);
    return word ^ (word >> 33);
}

static uint64_t float_word(const pc_column *c, int64_t row)
{
    const double value = ((const double *)c->data)[row] + 0.0; // -0 becomes 0
    uint64_t word = UINT64_C(0x7ff8000000000000);
    if (value == value) memcpy(&word, &value, sizeof word);
    return word;
}

static uint64_t span_hash(pc_span text)
{
    return pc_hash64(text.data, text.bytes);
}

// Hashes of texts are made once a dictionary.
static pc_status know_texts(pc_key_texts *texts, const pc_dict *dict, pc_error *err)
{
    uint32_t known = (uint32_t)(texts->hash.bytes / sizeof(uint64_t));
    if (!pc_dict_is_marked(texts->dict, dict)) known = 0;
    if (pc_dict_is_marked(texts->dict, dict) && known == dict->count) return PC_OK;
    PC_TRY(pc_buffer_reserve(&texts->hash, (size_t)dict->count * sizeof(uint64_t) + 1, err));
    uint64_t *hash = (uint64_t *)(void *)texts->hash.data;
    for (uint32_t i = known; i < dict->count; i++) {
        hash[i] = span_hash(pc_dict_text(dict, i));
    }
    texts->hash.bytes = (size_t)dict->count * sizeof(uint64_t);
    texts->dict = pc_dict_mark_of(dict);
    return PC_OK;
}

static pc_status hash_column(pc_key_texts *texts, const pc_column *c, int row_count, uint64_t *hash,
                             bool *is_null, pc_error *err)
{
    const bool is_dict = c->type == PC_CODE || c->type == PC_TEXT;
    // A large dictionary for a small batch: only the texts that are there.
    const bool by_dict = is_dict && c->dict->count <= 4 * (uint32_t)PC_BATCH_ROWS;
    if (by_dict) PC_TRY(know_texts(texts, c->dict, err));
    const uint64_t *known = (const uint64_t *)(const void *)texts->hash.data;
    for (int row = 0; row < row_count; row++) {
        if (pc_column_is_null(c, row)) {
            is_null[row] = true;
            continue;
        }
        uint64_t word;
        if (by_dict) {
            word = known[pc_column_int(c, row)];
        } else if (is_dict || c->type == PC_ID) {
            word = span_hash(pc_column_span(c, row));
        } else {
            word = c->type == PC_FLOAT ? float_word(c, row) : (uint64_t)pc_column_int(c, row);
        }
        hash[row] = mix(hash[row] * 31 + word);
    }
    return PC_OK;
}

pc_status pc_keys_hash(pc_keys *keys, const pc_batch *batch, uint64_t *hash, bool *is_null,
                       pc_error *err)
{
    const int count = batch->row_count;
    memset(hash, 0, (size_t)count * sizeof *hash);
    memset(is_null, 0, (size_t)count * sizeof *is_null);
    for (int i = 0; i < keys->count; i++) {
        PC_TRY(hash_column(&keys->texts[i], &batch->column[keys->column[i]], count, hash, is_null,
                           err));
    }
    return PC_OK;
}

static bool equal_values(const pc_column *a, int64_t a_row, const pc_column *b, int64_t b_row)
{
    const bool is_text = a->type == PC_CODE || a->type == PC_TEXT || a->type == PC_ID;
    if (a->type == PC_FLOAT) return float_word(a, a_row) == float_word(b, b_row);
    if (!is_text || (a->type != PC_ID && b->type != PC_ID && a->dict == b->dict)) {
        return pc_column_int(a, a_row) == pc_column_int(b, b_row);
    }
    return pc_span_equal(pc_column_span(a, a_row), pc_column_span(b, b_row));
}

bool pc_keys_equal(const pc_keys *a, const pc_column *a_column, int64_t a_row, const pc_keys *b,
                   const pc_column *b_column, int64_t b_row)
{
    for (int i = 0; i < a->count; i++) {
        if (!equal_values(&a_column[a->column[i]], a_row, &b_column[b->column[i]], b_row)) {
            return false;
        }
    }
    return true;
}

int pc_part_of_hash(uint64_t hash, int count)
{
    return (int)(((hash >> 32) * (uint64_t)count) >> 32); // hash tables use the low bits
}
