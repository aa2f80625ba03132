// Rows of cohorts, packed on each rank as they are found.
#include <string.h>
#include "results.h"

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

/** A patient's rows are packed behind each other: this, then so many rows. */
typedef struct packed_patient {
    char text[PC_SLOT_TEXT_BYTES];
    char zero; ///< no byte between text and number is left undefined
    uint32_t row_count;
} packed_patient;

/** A row, its attributes behind it. */
typedef struct packed_row {
    int32_t start;
    int32_t end; ///< INT32_MIN: open
} packed_row;

enum { NO_ANSWER = 255 }; ///< a null among yes and no

/** A text goes as its length and bytes, null as length -1. Keeps room for `behind` bytes. */
static pc_status pack_text(const pc_results *results, int64_t value, size_t behind, pc_buffer *out,
                           pc_error *err)
{
    const pc_span text = value == PC_NULL
                             ? (pc_span){"", 0}
                             : pc_dict_text(results->eval->words.dict, (uint32_t)value);
    const int64_t bytes = value == PC_NULL ? -1 : (int64_t)text.bytes;
    PC_TRY(pc_buffer_reserve(out, out->bytes + sizeof bytes + text.bytes + behind, err));
    PC_TRY(pc_buffer_append(out, &bytes, sizeof bytes, err));
    return pc_buffer_append(out, text.data, text.bytes, err);
}

/** The attributes of a row. There is room for eight bytes each. */
static pc_status pack_attributes(const pc_results *results, pc_cohort_rows_of_rank *cohort,
                                 int64_t row, pc_error *err)
{
    const pc_records *records = &cohort->node->records;
    pc_buffer *out = &cohort->rows;
    for (int i = 0; i < cohort->attribute_count; i++) {
        const int64_t value = records->column[cohort->attribute[i]][row];
        if (cohort->type[i] == PC_BOOL) {
            out->data[out->bytes++] = (char)(value == PC_NULL ? NO_ANSWER : value);
        } else if (!is_text(cohort->type[i])) {
            memcpy(out->data + out->bytes, &value, sizeof value);
            out->bytes += sizeof value;
        } else {
            const size_t behind = (size_t)(cohort->attribute_count - i) * sizeof value;
            PC_TRY(pack_text(results, value, behind, out, err));
        }
    }
    return PC_OK;
}

/** Rows `from` .. `end` - 1, which are of one patient. */
static pc_status pack_patient(const pc_results *results, pc_cohort_rows_of_rank *cohort,
                              int64_t from, int64_t end, pc_error *err)
{
    const pc_records *records = &cohort->node->records;
    pc_buffer *out = &cohort->rows;
    packed_patient patient = {.row_count = (uint32_t)(end - from)};
    memcpy(patient.text, results->eval->block->slot_key[records->slot[from]].byte + 1,
           PC_SLOT_TEXT_BYTES);
    PC_TRY(pc_buffer_reserve(
        out, out->bytes + sizeof patient + (size_t)(end - from) * sizeof(packed_row), err));
    memcpy(out->data + out->bytes, &patient, sizeof patient);
    out->bytes += sizeof patient;
    for (int64_t row = from; row < end; row++) {
        const int64_t last = records->column[PC_END][row];
        const packed_row packed = {(int32_t)records->column[PC_START][row],
                                   last == PC_OPEN ? INT32_MIN : (int32_t)last};
        if (cohort->attribute_count > 0) {
            const size_t most = (size_t)cohort->attribute_count * sizeof(int64_t);
            PC_TRY(pc_buffer_reserve(out, out->bytes + sizeof packed + most, err));
        }
        memcpy(out->data + out->bytes, &packed, sizeof packed);
        out->bytes += sizeof packed;
        if (cohort->attribute_count > 0) PC_TRY(pack_attributes(results, cohort, row, err));
    }
    return PC_OK;
}

/** Room for what the shards so far promise, once there are some: a large buffer that grows by
 * halves is copied, and its memory touched for the first time, three times over. */
static pc_status make_room(const pc_results *results, pc_cohort_rows_of_rank *cohort, size_t pieces,
                           pc_error *err)
{
    enum { SOME_PIECES = 2 };
    const size_t shards = (size_t)results->shards_here;
    if (pieces < SOME_PIECES || pieces >= shards) return PC_OK;
    const size_t mean = cohort->rows.bytes / pieces, bytes = mean * (shards + 1);
    if (bytes <= cohort->rows.capacity_bytes || bytes > pc_budget_left(results->budget) / 4) {
        return PC_OK;
    }
    return pc_buffer_reserve(&cohort->rows, bytes, err);
}

pc_status pc_cohort_rows_add(pc_results *results, pc_cohort_rows_of_rank *cohort, int shard,
                             pc_error *err)
{
    const pc_records *records = &cohort->node->records;
    const size_t count = cohort->pieces.bytes / sizeof(pc_cohort_piece);
    pc_cohort_piece *piece = (pc_cohort_piece *)(void *)cohort->pieces.data;
    if (count == 0 || piece[count - 1].shard != shard) {
        PC_TRY(make_room(results, cohort, count, err));
        const pc_cohort_piece fresh = {.shard = shard, .first_byte = (int64_t)cohort->rows.bytes};
        PC_TRY(pc_buffer_append(&cohort->pieces, &fresh, sizeof fresh, err));
        piece = (pc_cohort_piece *)(void *)cohort->pieces.data +
                cohort->pieces.bytes / sizeof(pc_cohort_piece) - 1;
    } else {
        piece += count - 1;
    }
    for (int64_t row = 0; row < records->count;) {
        const int64_t from = row;
        while (row < records->count && records->slot[row] == records->slot[from])
            row++;
        PC_TRY(pack_patient(results, cohort, from, row, err));
    }
    piece->rows += records->count;
    piece->bytes = (int64_t)cohort->rows.bytes - piece->first_byte;
    return PC_OK;
}

/** Takes `bytes` bytes of packed rows. */
static pc_status take(pc_cohort_reader *reader, void *out, size_t bytes, pc_error *err)
{
    if (reader->in.bytes - reader->at < bytes) {
        return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort are cut short");
    }
    memcpy(out, reader->in.data + reader->at, bytes);
    reader->at += bytes;
    return PC_OK;
}

/** Goes over `bytes` bytes of packed rows. */
static pc_status pass(pc_cohort_reader *reader, size_t bytes, pc_error *err)
{
    if (reader->in.bytes - reader->at < bytes) {
        return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort are cut short");
    }
    reader->at += bytes;
    return PC_OK;
}

/** Goes over the attributes of a row. */
static pc_status pass_attributes(pc_cohort_reader *reader, pc_error *err)
{
    const pc_cohort_rows_of_rank *cohort = reader->cohort;
    if (!cohort->has_texts) return pass(reader, cohort->row_bytes, err);
    for (int i = 0; i < cohort->attribute_count; i++) {
        int64_t value = 0;
        if (cohort->type[i] == PC_BOOL) {
            PC_TRY(pass(reader, 1, err));
            continue;
        }
        PC_TRY(take(reader, &value, sizeof value, err));
        if (is_text(cohort->type[i]) && value > 0) PC_TRY(pass(reader, (size_t)value, err));
    }
    return PC_OK;
}

pc_status pc_cohort_next(pc_cohort_reader *reader, pc_cohort_packed *out, pc_error *err)
{
    if (reader->rows_left == 0) {
        packed_patient patient;
        PC_TRY(take(reader, &patient, sizeof patient, err));
        if (patient.row_count == 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort make no sense");
        }
        memcpy(reader->patient, patient.text, sizeof reader->patient);
        reader->rows_left = patient.row_count;
    }
    packed_row row;
    PC_TRY(take(reader, &row, sizeof row, err));
    memcpy(out->patient, reader->patient, sizeof out->patient);
    out->start = row.start;
    out->end = row.end;
    out->attributes = reader->in.data + reader->at;
    reader->rows_left--;
    return pass_attributes(reader, err);
}

void pc_cohort_attribute_next(pc_type type, const char **at, int64_t *value, pc_span *text)
{
    if (type == PC_BOOL) {
        const uint8_t answer = *(const uint8_t *)*at;
        *value = answer == NO_ANSWER ? PC_NULL : answer;
        ++*at;
        return;
    }
    memcpy(value, *at, sizeof *value);
    *at += sizeof *value;
    if (!is_text(type)) return;
    *text = *value < 0 ? (pc_span){NULL, 0} : (pc_span){*at, (size_t)*value};
    *at += text->bytes;
}
