// SQL over records: the columns that it reads, as a batch.
#include <string.h>
#include "eval.h"

static bool is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

pc_status pc_timeline_column(const pc_block_eval *eval, const int64_t *value, pc_type type,
                             uint8_t scale, int count, pc_arena *arena, pc_column *out,
                             pc_error *err)
{
    uint64_t *valid = pc_arena_array(arena, (size_t)(count + 63) / 64 + 1, sizeof *valid, err);
    if (valid == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < count; row++) {
        const uint64_t is_valid =
            value[row] != PC_NULL && (type != PC_DATE || value[row] != PC_OPEN);
        valid[row >> 6] |= is_valid << (row & 63);
    }
    *out = (pc_column){.type = type, .scale = scale, .width = 8, .data = value, .valid = valid};
    if (type == PC_BOOL) {
        uint8_t *narrow = pc_arena_array(arena, (size_t)count, sizeof *narrow, err);
        if (narrow == NULL) return PC_NO_MEMORY;
        for (int row = 0; row < count; row++)
            narrow[row] = value[row] == 1;
        out->data = narrow;
        out->width = 1;
    } else if (is_text(type)) {
        uint32_t *narrow = pc_arena_array(arena, (size_t)count, sizeof *narrow, err);
        if (narrow == NULL) return PC_NO_MEMORY;
        for (int row = 0; row < count; row++) {
            narrow[row] = value[row] == PC_NULL ? 0 : (uint32_t)value[row];
        }
        *out = (pc_column){
            .type = PC_TEXT, .width = 4, .data = narrow, .valid = valid, .dict = eval->words.dict};
    }
    return PC_OK;
}

pc_status pc_timeline_person(pc_block_eval *eval, const char *name, const pc_column **out,
                             pc_error *err)
{
    const pc_model *model = eval->nodes->catalog->model;
    const int column = pc_model_find_column(&model->table[model->person_table], pc_span_of(name));
    if (column < 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "the model's PERSON table has no column '%s'", name);
    }
    return pc_block_column(eval->block, model->person_table, column, out, err);
}

/** A column of PERSON for the patients of some records. */
static pc_status person_column(pc_block_eval *eval, int column, const int32_t *slot, int count,
                               pc_column *out, pc_error *err)
{
    const pc_model *model = eval->nodes->catalog->model;
    const pc_column *person = NULL;
    PC_TRY(pc_block_column(eval->block, model->person_table, column, &person, err));
    *out = *person;
    if (person->data == NULL) return PC_OK; // all null
    int32_t *row = pc_arena_raw(&eval->scratch, (size_t)count * sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++)
        row[i] = eval->person_row[slot[i]];
    return pc_column_take(person, row, count, &eval->scratch, out, err);
}

int pc_timeline_year(pc_block_eval *eval, int64_t day)
{
    // First days of years, of which calendars are full, fall on different places.
    const size_t at = (size_t)(day >> 8) & 15;
    if (eval->year_of[at].year == 0 || eval->year_of[at].day != day) {
        int month = 0, day_of_month = 0;
        pc_day_split((int32_t)day, &eval->year_of[at].year, &month, &day_of_month);
        eval->year_of[at].day = day;
    }
    return eval->year_of[at].year;
}

/** Age in completed years, or calendar year less year of birth, at the first day of records. */
static pc_status age_column(pc_block_eval *eval, bool in_year, const int32_t *slot,
                            const int64_t *start, int count, pc_column *out, pc_error *err)
{
    const pc_column *birth = NULL;
    PC_TRY(pc_timeline_person(eval, in_year ? "birth_year" : "birth_date", &birth, err));
    uint64_t *valid =
        pc_arena_array(&eval->scratch, (size_t)(count + 63) / 64 + 1, sizeof *valid, err);
    int64_t *age = pc_arena_array(&eval->scratch, (size_t)count, sizeof *age, err);
    if (valid == NULL || age == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < count && birth->data != NULL; row++) {
        const int32_t from = eval->person_row[slot[row]];
        if (from < 0 || pc_column_is_null(birth, from)) continue;
        valid[row >> 6] |= UINT64_C(1) << (row & 63);
        const int64_t born = pc_column_int(birth, from);
        if (in_year) {
            age[row] = pc_timeline_year(eval, start[row]) - born;
        } else {
            age[row] = pc_age_on((int32_t)born, (int32_t)start[row]);
        }
    }
    *out = (pc_column){.type = PC_INT, .width = 8, .data = age, .valid = valid};
    return PC_OK;
}

pc_status pc_timeline_sql(pc_block_eval *eval, const pc_records *records,
                          const pc_record_schema *schema, const pc_record_sql *sql, int64_t from,
                          int count, pc_column *out, pc_error *err)
{
    const pc_model *model = eval->nodes->catalog->model;
    const pc_model_table *person = &model->table[model->person_table];
    const int column_count = pc_record_scope_count(schema, person);
    pc_column *column = pc_arena_array(&eval->scratch, (size_t)column_count, sizeof *column, err);
    if (column == NULL) return PC_NO_MEMORY;
    const int32_t *slot = records->slot + from;
    for (int i = 0; i < column_count; i++) {
        if (!sql->used[i]) continue;
        if (i < schema->count) {
            PC_TRY(pc_timeline_column(eval, records->column[i] + from, schema->column[i].type,
                                      schema->column[i].scale, count, &eval->scratch, &column[i],
                                      err));
        } else if (i < schema->count + 2) {
            PC_TRY(age_column(eval, i == schema->count + 1, slot, records->column[PC_START] + from,
                              count, &column[i], err));
        } else {
            PC_TRY(person_column(eval, i - schema->count - 2, slot, count, &column[i], err));
        }
    }
    const pc_batch batch = {.column_count = column_count, .row_count = count, .column = column};
    return pc_expr_eval(sql->expr, &batch, eval->state, &eval->scratch, out, err);
}

static bool is_true(const pc_column *truth, int row)
{
    return truth->data != NULL && !pc_column_is_null(truth, row) && pc_column_int(truth, row) == 1;
}

/** True if the SQL reads columns of PERSON alone: it says the same of all records of a patient. */
static bool is_of_person(const pc_block_eval *eval, const pc_record_schema *schema,
                         const pc_record_sql *sql)
{
    const pc_model *model = eval->nodes->catalog->model;
    const int count = pc_record_scope_count(schema, &model->table[model->person_table]);
    for (int i = 0; i < schema->count + 2; i++) {
        if (sql->used[i]) return false;
    }
    return count > schema->count + 2;
}

/** The predicate once a patient: records of a patient stand together. */
static pc_status where_person(pc_block_eval *eval, const pc_records *records,
                              const pc_record_schema *schema, const pc_record_sql *sql,
                              uint8_t *keep, pc_error *err)
{
    int32_t slot[PC_BATCH_ROWS];
    int64_t first[PC_BATCH_ROWS + 1];
    for (int64_t row = 0; row < records->count;) {
        int count = 0;
        while (row < records->count && count < PC_BATCH_ROWS) {
            slot[count] = records->slot[row];
            first[count++] = row;
            while (row < records->count && records->slot[row] == slot[count - 1])
                row++;
        }
        first[count] = row;
        const pc_records patients = {.slot = slot, .count = count};
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_column truth;
        PC_TRY(pc_timeline_sql(eval, &patients, schema, sql, 0, count, &truth, err));
        for (int i = 0; i < count; i++) {
            if (is_true(&truth, i)) continue;
            for (int64_t at = first[i]; at < first[i + 1]; at++)
                keep[at] = 0;
        }
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}

pc_status pc_timeline_where(pc_block_eval *eval, const pc_records *records,
                            const pc_record_schema *schema, const pc_record_sql *sql, uint8_t *keep,
                            pc_error *err)
{
    if (sql->expr == NULL) return PC_OK;
    if (is_of_person(eval, schema, sql)) {
        return where_person(eval, records, schema, sql, keep, err);
    }
    for (int64_t from = 0; from < records->count; from += PC_BATCH_ROWS) {
        const int64_t left = records->count - from;
        const int count = left < PC_BATCH_ROWS ? (int)left : (int)PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(&eval->scratch);
        pc_column truth;
        PC_TRY(pc_timeline_sql(eval, records, schema, sql, from, count, &truth, err));
        for (int row = 0; row < count; row++) {
            if (!is_true(&truth, row)) keep[from + row] = 0;
        }
        pc_arena_rewind(&eval->scratch, mark);
    }
    return PC_OK;
}
