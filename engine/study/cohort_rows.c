// Rows of cohorts: packed on each rank, brought together in order of shards on rank 0.
#include <string.h>
#include "parcours/cohort_file.h"
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

/** The attributes of a row: a text goes as its length and bytes, null as length -1. */
static pc_status pack_attributes(const pc_results *results, pc_cohort_rows_of_rank *cohort,
                                 int64_t row, pc_error *err)
{
    const pc_records *records = &cohort->node->records;
    const pc_record_schema *schema = &cohort->node->def->typed->out;
    for (int i = 0; i < cohort->attribute_count; i++) {
        const int column = cohort->attribute[i];
        const int64_t value = records->column[column][row];
        if (!is_text(schema->column[column].type)) {
            PC_TRY(pc_buffer_append(&cohort->rows, &value, sizeof value, err));
            continue;
        }
        const pc_span text = value == PC_NULL
                                 ? (pc_span){"", 0}
                                 : pc_dict_text(results->eval->words.dict, (uint32_t)value);
        const int64_t bytes = value == PC_NULL ? -1 : (int64_t)text.bytes;
        PC_TRY(pc_buffer_append(&cohort->rows, &bytes, sizeof bytes, err));
        PC_TRY(pc_buffer_append(&cohort->rows, text.data, text.bytes, err));
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
        if (cohort->attribute_count > 0)
            PC_TRY(pc_buffer_reserve(out, out->bytes + sizeof packed, err));
        memcpy(out->data + out->bytes, &packed, sizeof packed);
        out->bytes += sizeof packed;
        if (cohort->attribute_count > 0) PC_TRY(pack_attributes(results, cohort, row, err));
    }
    return PC_OK;
}

pc_status pc_cohort_rows_add(pc_results *results, pc_cohort_rows_of_rank *cohort, int shard,
                             pc_error *err)
{
    const pc_records *records = &cohort->node->records;
    const size_t count = cohort->pieces.bytes / sizeof(pc_cohort_piece);
    pc_cohort_piece *piece = (pc_cohort_piece *)(void *)cohort->pieces.data;
    if (count == 0 || piece[count - 1].shard != shard) {
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

/** The columns of a cohort's file, being filled. */
typedef struct columns {
    int64_t row_count;
    char *patient;
    int32_t *start, *end;
    pc_records value; ///< one column an attribute, in the words of rank 0
} columns;

/** Takes `bytes` bytes of packed rows. */
static pc_status take(pc_span in, size_t *at, void *out, size_t bytes, pc_error *err)
{
    if (in.bytes - *at < bytes) {
        return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort are cut short");
    }
    memcpy(out, in.data + *at, bytes);
    *at += bytes;
    return PC_OK;
}

static pc_status read_row(pc_results *results, const pc_cohort_rows_of_rank *cohort, pc_span in,
                          const packed_patient *patient, size_t *at, columns *out, pc_error *err)
{
    const pc_record_schema *schema = &cohort->node->def->typed->out;
    const int64_t row = out->row_count++;
    packed_row packed;
    PC_TRY(take(in, at, &packed, sizeof packed, err));
    memcpy(out->patient + row * PC_SLOT_TEXT_BYTES, patient->text, PC_SLOT_TEXT_BYTES);
    out->start[row] = packed.start;
    out->end[row] = packed.end;
    for (int i = 0; i < cohort->attribute_count; i++) {
        int64_t value = 0;
        PC_TRY(take(in, at, &value, sizeof value, err));
        if (is_text(schema->column[cohort->attribute[i]].type)) {
            const int64_t bytes = value;
            value = PC_NULL;
            if (bytes >= 0 && in.bytes - *at < (size_t)bytes) {
                return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort are cut short");
            }
            if (bytes >= 0) {
                PC_TRY(pc_words_add(&results->eval->words, (pc_span){in.data + *at, (size_t)bytes},
                                    &value, err));
                *at += (size_t)bytes;
            }
        }
        out->value.column[i][row] = value;
    }
    return PC_OK;
}

static pc_status read_piece(pc_results *results, const pc_cohort_rows_of_rank *cohort, pc_span in,
                            int64_t rows, columns *out, pc_error *err)
{
    size_t at = 0;
    for (int64_t row = 0; row < rows;) {
        packed_patient patient;
        PC_TRY(take(in, &at, &patient, sizeof patient, err));
        if (patient.row_count == 0 || patient.row_count > rows - row) {
            return PC_FAIL(err, PC_BAD_INPUT, "packed rows of a cohort make no sense");
        }
        for (uint32_t i = 0; i < patient.row_count; i++, row++) {
            PC_TRY(read_row(results, cohort, in, &patient, &at, out, err));
        }
    }
    return PC_OK;
}

static pc_status open_columns(pc_arena *arena, const bool *needed, int attribute_count,
                              int64_t row_count, columns *out, pc_error *err)
{
    *out = (columns){0};
    const size_t rows = (size_t)row_count;
    out->patient = pc_arena_raw(arena, rows * PC_SLOT_TEXT_BYTES, err);
    out->start = pc_arena_raw(arena, rows * sizeof *out->start, err);
    out->end = pc_arena_raw(arena, rows * sizeof *out->end, err);
    if (out->patient == NULL || out->start == NULL || out->end == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_records_open(&out->value, attribute_count, needed, arena, err));
    return pc_records_reserve(&out->value, row_count, arena, err);
}

/** One attribute of the file: nulls as a bitmap, texts by the words of the rank that writes. */
static pc_status make_attribute(const pc_results *results, const pc_record_column *column,
                                const int64_t *value, int64_t count, pc_arena *arena,
                                pc_cohort_attribute *out, pc_error *err)
{
    uint64_t *valid = pc_arena_array(arena, (size_t)(count + 63) / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < count; row++) {
        const bool is_null =
            value[row] == PC_NULL || (column->type == PC_DATE && value[row] == PC_OPEN);
        valid[row >> 6] |= (uint64_t)!is_null << (row & 63);
    }
    *out = (pc_cohort_attribute){.name = column->name,
                                 .column = {.type = column->type,
                                            .scale = column->scale,
                                            .width = 8,
                                            .data = value,
                                            .valid = valid}};
    if (column->type == PC_BOOL || is_text(column->type)) {
        const bool is_bool = column->type == PC_BOOL;
        uint8_t *yes = pc_arena_array(arena, (size_t)count, is_bool ? 1 : 4, err);
        if (yes == NULL) return PC_NO_MEMORY;
        uint32_t *word = (uint32_t *)(void *)yes;
        for (int64_t row = 0; row < count; row++) {
            const int64_t known = value[row] == PC_NULL ? 0 : value[row];
            if (is_bool) {
                yes[row] = (uint8_t)known;
            } else {
                word[row] = (uint32_t)known;
            }
        }
        out->column.data = yes;
        out->column.width = is_bool ? 1 : 4;
        out->column.type = is_bool ? PC_BOOL : PC_TEXT;
        out->column.dict = is_bool ? NULL : results->eval->words.dict;
    }
    return PC_OK;
}

/** Pieces of all ranks, with their bytes found in the gathered rows, in order of shards. */
static void order_pieces(pc_buffer *pieces, const int64_t *pieces_of_rank,
                         const int64_t *bytes_of_rank, int ranks)
{
    pc_cohort_piece *piece = (pc_cohort_piece *)(void *)pieces->data;
    int64_t at = 0, base = 0;
    for (int rank = 0; rank < ranks; rank++) {
        const int64_t count = pieces_of_rank[rank] / (int64_t)sizeof *piece;
        for (int64_t i = 0; i < count; i++)
            piece[at++].first_byte += base;
        base += bytes_of_rank[rank];
    }
    // Pieces of a rank come in the order in which it drew shards: insertion sort by shard would be
    // quadratic for many, so they are sorted by gaps.
    for (int64_t gap = at / 2; gap > 0; gap /= 2) {
        for (int64_t i = gap; i < at; i++) {
            const pc_cohort_piece moved = piece[i];
            int64_t to = i;
            for (; to >= gap && piece[to - gap].shard > moved.shard; to -= gap) {
                piece[to] = piece[to - gap];
            }
            piece[to] = moved;
        }
    }
}

static pc_status write_rows(pc_results *results, const pc_cohort_rows_of_rank *cohort,
                            const pc_buffer *rows, const pc_buffer *pieces, const char *path,
                            pc_error *err)
{
    const pc_record_schema *schema = &cohort->node->def->typed->out;
    pc_arena *arena = &results->eval->arena;
    const size_t piece_count = pieces->bytes / sizeof(pc_cohort_piece);
    const pc_cohort_piece *piece = (const pc_cohort_piece *)(const void *)pieces->data;
    int64_t row_count = 0;
    for (size_t i = 0; i < piece_count; i++)
        row_count += piece[i].rows;
    bool *needed = pc_arena_array(arena, (size_t)cohort->attribute_count + 1, sizeof *needed, err);
    pc_cohort_attribute *attribute =
        pc_arena_array(arena, (size_t)cohort->attribute_count + 1, sizeof *attribute, err);
    if (needed == NULL || attribute == NULL) return PC_NO_MEMORY;
    memset(needed, 1, (size_t)cohort->attribute_count);
    columns c;
    PC_TRY(open_columns(arena, needed, cohort->attribute_count, row_count, &c, err));
    for (size_t i = 0; i < piece_count; i++) {
        const pc_span in = {rows->data + piece[i].first_byte, (size_t)piece[i].bytes};
        PC_TRY(read_piece(results, cohort, in, piece[i].rows, &c, err));
    }
    for (int i = 0; i < cohort->attribute_count; i++) {
        PC_TRY(make_attribute(results, &schema->column[cohort->attribute[i]], c.value.column[i],
                              row_count, arena, &attribute[i], err));
    }
    const pc_cohort_rows file = {.row_count = row_count,
                                 .patient_bytes = PC_SLOT_TEXT_BYTES,
                                 .patient = c.patient,
                                 .start_date = c.start,
                                 .end_date = c.end,
                                 .attribute_count = cohort->attribute_count,
                                 .attribute = attribute};
    return pc_cohort_file_write(path, &file, results->budget, err);
}

/** What every rank has of the cohorts from `first` on: that of cohort `first` + r goes to rank r.
 */
static pc_status exchange_rows(pc_comm *comm, pc_results *results, int first, pc_buffer *pieces,
                               pc_buffer *rows, int64_t *sizes, pc_error *err)
{
    const int ranks = pc_comm_size(comm);
    pc_arena arena = {.budget = results->budget};
    pc_span *out = pc_arena_array(&arena, (size_t)ranks * 2, sizeof *out, err);
    pc_status status = pc_comm_agree(comm, out == NULL ? PC_NO_MEMORY : PC_OK, err);
    for (int r = 0; r < ranks && status == PC_OK; r++) {
        if (first + r >= results->cohort_count) continue;
        const pc_cohort_rows_of_rank *cohort = &results->cohort[first + r];
        out[r] = (pc_span){cohort->pieces.data, cohort->pieces.bytes};
        out[ranks + r] = (pc_span){cohort->rows.data, cohort->rows.bytes};
    }
    if (status == PC_OK) status = pc_comm_exchange(comm, out, pieces, sizes, err);
    if (status == PC_OK) status = pc_comm_exchange(comm, out + ranks, rows, sizes + ranks, err);
    for (int r = 0; r < ranks && first + r < results->cohort_count; r++) {
        pc_buffer_release(&results->cohort[first + r].rows);
        pc_buffer_release(&results->cohort[first + r].pieces);
    }
    pc_arena_reset(&arena);
    return status;
}

pc_status pc_cohorts_write(pc_comm *comm, pc_results *results, int first, const char *path,
                           pc_error *err)
{
    const int ranks = pc_comm_size(comm), mine = first + pc_comm_rank(comm);
    pc_arena arena = {.budget = results->budget};
    int64_t *sizes = pc_arena_array(&arena, (size_t)ranks * 2, sizeof *sizes, err);
    pc_buffer pieces = {.budget = results->budget}, rows = {.budget = results->budget};
    pc_status status = pc_comm_agree(comm, sizes == NULL ? PC_NO_MEMORY : PC_OK, err);
    if (status == PC_OK) {
        status = exchange_rows(comm, results, first, &pieces, &rows, sizes, err);
    }
    if (status == PC_OK) {
        if (mine < results->cohort_count) {
            pc_arena_reset(&results->eval->arena);
            order_pieces(&pieces, sizes, sizes + ranks, ranks);
            status = write_rows(results, &results->cohort[mine], &rows, &pieces, path, err);
            pc_arena_reset(&results->eval->arena);
        }
        status = pc_comm_agree(comm, status, err);
    }
    pc_buffer_release(&rows);
    pc_buffer_release(&pieces);
    pc_arena_reset(&arena);
    return status;
}
