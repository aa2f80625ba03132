/** Keys of slots: persons, pairs, and nobody's claims and stays. */
#include <stdio.h>
#include <string.h>
#include "resolver.h"

enum { HASHED_DIGITS = 22 }; // of a BLAKE2b, in place of a text that is too long

void slot_entry_make(char kind, pc_span text, pc_slot_entry *out)
{
    char digits[PC_DIGEST_TEXT_BYTES];
    if (text.bytes > PC_SLOT_TEXT_BYTES) {
        const pc_digest digest = pc_digest_of(text.data, text.bytes);
        pc_digest_format(&digest, digits);
        text = (pc_span){digits, HASHED_DIGITS};
    }
    memset(out, 0, sizeof *out);
    out->key.byte[0] = kind;
    if (text.bytes > 0) memcpy(out->key.byte + 1, text.data, text.bytes);
    pc_slot_tag(&out->key, out->tag);
}

void slot_of_person(const unsigned char *person, int bytes, pc_slot_entry *out)
{
    while (bytes > 0 && person[bytes - 1] == 0)
        bytes--;
    slot_entry_make(PC_SLOT_RESOLVED, (pc_span){(const char *)person, (size_t)bytes}, out);
}

void slot_of_known_pair(const unsigned char *pseudonym, const unsigned char rank[RANK_BYTES],
                        pc_slot_entry *out)
{
    char text[MOST_ID_BYTES + 32];
    uint32_t flipped = 0;
    for (int i = 0; i < RANK_BYTES; i++)
        flipped = flipped << 8 | rank[i];
    int bytes = snprintf(text, sizeof text, "%.*s/", MOST_ID_BYTES, (const char *)pseudonym);
    if (flipped != UINT32_MAX) { // all ones: no rank
        const int32_t number = (int32_t)(flipped ^ (UINT32_C(1) << 31));
        bytes += snprintf(text + bytes, sizeof text - (size_t)bytes, "%ld", (long)number);
    }
    slot_entry_make(PC_SLOT_UNRESOLVED, (pc_span){text, (size_t)bytes}, out);
}

void slot_of_pair(const ingest_job *job, int table, const unsigned char *row, pc_slot_entry *out)
{
    unsigned char id[MOST_ID_BYTES + 1] = {0}, key[RANK_BYTES];
    char text[MOST_ID_BYTES + 32];
    int64_t rank = 0;
    const int column = job->model->table[table].pseudonym;
    (void)identity_id(job, table, column, row, id, MOST_ID_BYTES);
    int bytes;
    if (identity_rank(job, table, row, key, &rank)) {
        bytes = snprintf(text, sizeof text, "%s/%lld", (const char *)id, (long long)rank);
    } else {
        bytes = snprintf(text, sizeof text, "%s/", (const char *)id);
    }
    slot_entry_make(PC_SLOT_UNRESOLVED, (pc_span){text, (size_t)bytes}, out);
}

/** Adds a field in a form that does not depend on dictionaries' numbers or widths. */
static void add_field(const ingest_job *job, pc_digest_state *state, const pc_row_field *field,
                      const unsigned char *row)
{
    char text[32];
    if (pc_row_is_null(field, row)) {
        pc_digest_add(state, "\1", 1);
    } else if (field->type == PC_ID) {
        const pc_span id = pc_row_id(field, row);
        pc_digest_add(state, id.data, id.bytes);
    } else if (field->dict >= 0) {
        const pc_span code = pc_dict_text(job->dict[field->dict], (uint32_t)pc_row_int(field, row));
        pc_digest_add(state, code.data, code.bytes);
    } else if (field->type == PC_FLOAT) {
        pc_digest_add(state, row + field->offset, field->bytes);
    } else {
        const int bytes = snprintf(text, sizeof text, "%lld", (long long)pc_row_int(field, row));
        pc_digest_add(state, text, (size_t)bytes);
    }
    pc_digest_add(state, "", 1);
}

void slot_of_nobody(const ingest_job *job, int table, const unsigned char *row, char kind,
                    pc_slot_entry *out)
{
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    const int key = t->own_key >= 0 ? t->own_key : t->parent_key;
    const char *name = key >= 0 ? job->model->key[key].name : t->name;
    // Parent and child hold the key's columns first, in the same order and form.
    int end = t->own_key >= 0 ? layout->key_bytes : layout->parent_bytes;
    if (key >= 0 && t->own_key < 0 && pc_row_parent_key(layout, row) == NULL)
        end = layout->row_bytes;
    if (key < 0) end = layout->key_bytes > 0 ? layout->key_bytes : layout->row_bytes;
    const int only = key < 0 && t->nobody_key >= 0 ? layout->field_of_column[t->nobody_key] : -1;
    pc_digest_state state;
    pc_digest_begin(&state);
    pc_digest_add(&state, name, strlen(name) + 1);
    if (only >= 0) {
        add_field(job, &state, &layout->field[only], row);
    } else {
        for (int i = 0; i < layout->field_count; i++) {
            if (layout->field[i].offset >= PC_ROW_FIELDS + end) break;
            add_field(job, &state, &layout->field[i], row);
        }
    }
    char digits[PC_DIGEST_TEXT_BYTES];
    const pc_digest digest = pc_digest_end(&state);
    pc_digest_format(&digest, digits);
    slot_entry_make(kind, (pc_span){digits, HASHED_DIGITS}, out);
}

static bool field_is(const ingest_job *job, const pc_row_field *field, const unsigned char *row,
                     pc_span text)
{
    if (field->type == PC_ID) return pc_span_equal(pc_row_id(field, row), text);
    if (field->dict >= 0) {
        const uint32_t index = (uint32_t)pc_row_int(field, row);
        return pc_span_equal(pc_dict_text(job->dict[field->dict], index), text);
    }
    int64_t value;
    return field->type == PC_INT && pc_int_parse(text, &value) && pc_row_int(field, row) == value;
}

bool slot_is_dummy(const ingest_job *job, int table, const unsigned char *row)
{
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    for (int i = 0; i < t->dummy_count; i++) {
        const int at = layout->field_of_column[t->dummy[i].column];
        if (at < 0 || pc_row_is_null(&layout->field[at], row)) continue;
        for (int v = 0; v < t->dummy[i].value_count; v++) {
            if (field_is(job, &layout->field[at], row, pc_span_of(t->dummy[i].value[v]))) {
                return true;
            }
        }
    }
    return false;
}
