/** PERSON: one row a patient, from the rows of the identity tables in the patient's slot.
 *
 *  The newest row speaks: the latest `latest` columns (nulls are oldest), then the table that comes
 *  first in the model's identity list, then the smallest content. The death date is the earliest
 *  over all rows. */
#include "bucket_person.h"
#include <stdlib.h>
#include <string.h>
#include "bucket_columns.h"
#include "bucket_sort.h"

enum { MOST_COPIES = 32, BIRTH_YEAR_LEAST = 1850, BIRTH_YEAR_MOST = 2200 };

/** Where an identity table holds what PERSON needs; NULL: it has no such field. */
typedef struct identity_fields {
    int table;
    const pc_row_field **latest; // [latest_count]
    const pc_row_field *sex, *birth_year, *birth_month, *death_date;
    const pc_row_field *copy[MOST_COPIES];
} identity_fields;

struct pc_person_plan {
    const pc_model *model;
    const pc_dict *const *dict;
    const pc_model_table *person;
    int identity_count;
    identity_fields *identity;
    const pc_row_field *death; // of the table of deaths; NULL: the identity tables tell them
    int patient, sex, birth_date, birth_year, death_date, resolved; // columns of PERSON, or -1
    int copy[MOST_COPIES];
    uint32_t female, male; // indices in the dictionary of PERSON.sex
};

static const pc_row_field *find_field(const pc_model *model, const pc_row_layout *layout,
                                      const char *name)
{
    if (name == NULL) return NULL;
    const int column = pc_model_find_column(&model->table[layout->table], pc_span_of(name));
    const int field = column < 0 ? -1 : layout->field_of_column[column];
    return field < 0 ? NULL : &layout->field[field];
}

static pc_status plan_identity(const pc_model *model, const pc_row_layout *layout, pc_arena *arena,
                               identity_fields *out, pc_error *err)
{
    const pc_model_person *rule = &model->person;
    out->table = layout->table;
    out->latest = pc_arena_array(arena, (size_t)rule->latest_count, sizeof *out->latest, err);
    if (out->latest == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < rule->latest_count; i++) {
        out->latest[i] = find_field(model, layout, rule->latest[i]);
    }
    out->sex = find_field(model, layout, rule->sex_column);
    out->birth_year = find_field(model, layout, rule->birth_year);
    out->birth_month = find_field(model, layout, rule->birth_month);
    if (rule->death_table < 0) out->death_date = find_field(model, layout, rule->death_date);
    for (int i = 0; i < rule->copy_count; i++) {
        out->copy[i] = find_field(model, layout, rule->copy[i]);
    }
    return PC_OK;
}

/** A copied column must mean the same in PERSON as in the identity table. */
static pc_status check_copies(const pc_model *model, const pc_person_plan *plan, pc_error *err)
{
    for (int i = 0; i < model->person.copy_count; i++) {
        for (int k = 0; k < plan->identity_count; k++) {
            const pc_row_field *from = plan->identity[k].copy[i];
            if (from == NULL || plan->copy[i] < 0) continue;
            const pc_model_column *to = &plan->person->column[plan->copy[i]];
            if (from->type != to->type || from->dict != to->dict) {
                return PC_FAIL(err, PC_BAD_JOB,
                               "model '%s': column '%s' of %s has another type than in %s",
                               model->name, to->name, plan->person->name,
                               model->table[plan->identity[k].table].name);
            }
        }
    }
    return PC_OK;
}

pc_status pc_person_plan_make(const pc_model *model, const pc_row_layout *const *layout,
                              const pc_dict *const *dict, pc_arena *arena,
                              const pc_person_plan **out, pc_error *err)
{
    pc_person_plan *plan = pc_arena_take(arena, sizeof *plan, err);
    if (plan == NULL) return PC_NO_MEMORY;
    plan->model = model;
    plan->dict = dict;
    plan->person = &model->table[model->person_table];
    if (model->person.copy_count > MOST_COPIES) {
        return PC_FAIL(err, PC_BAD_JOB, "model '%s': more than %d columns are copied to %s",
                       model->name, MOST_COPIES, plan->person->name);
    }
    plan->identity =
        pc_arena_array(arena, (size_t)model->person.identity_count, sizeof *plan->identity, err);
    if (plan->identity == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < model->person.identity_count; i++) {
        const pc_row_layout *of = layout[model->person.identity[i]];
        if (of == NULL) continue;
        PC_TRY(plan_identity(model, of, arena, &plan->identity[plan->identity_count++], err));
    }
    const int deaths = model->person.death_table;
    if (deaths >= 0 && layout[deaths] != NULL) {
        plan->death = find_field(model, layout[deaths], model->person.death_date);
    }
    const char *const name[] = {"patient",    "sex",        "birth_date",
                                "birth_year", "death_date", "resolved"};
    int *const column[] = {&plan->patient,    &plan->sex,        &plan->birth_date,
                           &plan->birth_year, &plan->death_date, &plan->resolved};
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        *column[i] = pc_model_find_column(plan->person, pc_span_of(name[i]));
    }
    for (int i = 0; i < model->person.copy_count; i++) {
        plan->copy[i] = pc_model_find_column(plan->person, pc_span_of(model->person.copy[i]));
    }
    if (plan->sex >= 0) {
        const pc_dict *sex = dict[plan->person->column[plan->sex].dict];
        plan->female = pc_dict_find(sex, pc_span_of("F"));
        plan->male = pc_dict_find(sex, pc_span_of("M"));
    }
    *out = plan;
    return check_copies(model, plan, err);
}

// ---- values of one person ---------------------------------------------------------------------

/** A text or number as a number; false when it is null or neither. */
static bool number_of(const pc_person_plan *plan, const pc_row_field *field,
                      const unsigned char *row, int64_t *value)
{
    if (field == NULL || pc_row_is_null(field, row)) return false;
    const int64_t raw = field->type == PC_ID ? 0 : pc_row_int(field, row);
    if (field->type == PC_INT) {
        *value = raw;
        return true;
    }
    return field->type == PC_CODE &&
           pc_int_parse(pc_dict_text(plan->dict[field->dict], (uint32_t)raw), value);
}

/** Whether a field holds what the model writes as `text`. */
static bool means(const pc_person_plan *plan, const pc_row_field *field, const unsigned char *row,
                  const char *text)
{
    if (text == NULL || field == NULL || pc_row_is_null(field, row)) return false;
    if (field->type == PC_CODE) {
        const uint32_t index = (uint32_t)pc_row_int(field, row);
        return pc_span_equal(pc_dict_text(plan->dict[field->dict], index), pc_span_of(text));
    }
    int64_t wanted = 0, value = 0;
    return number_of(plan, field, row, &value) && pc_int_parse(pc_span_of(text), &wanted) &&
           value == wanted;
}

typedef struct candidate {
    const identity_fields *identity;
    const unsigned char *row;
} candidate;

/** Whether `a` is newer than `b`. */
static bool is_newer(const pc_person_plan *plan, const candidate *a, const candidate *b)
{
    for (int i = 0; i < plan->model->person.latest_count; i++) {
        const pc_row_field *fa = a->identity->latest[i], *fb = b->identity->latest[i];
        const bool a_is_null = fa == NULL || pc_row_is_null(fa, a->row);
        const bool b_is_null = fb == NULL || pc_row_is_null(fb, b->row);
        if (a_is_null != b_is_null) return b_is_null;
        if (a_is_null) continue;
        const int64_t va = pc_row_int(fa, a->row), vb = pc_row_int(fb, b->row);
        if (va != vb) return va > vb;
    }
    // Rows of one table stand in order of content, tables in order of precedence: the first wins.
    return false;
}

typedef struct person_columns {
    pc_fill fill[64]; // by column of PERSON
} person_columns;

static void set_birth(const pc_person_plan *plan, person_columns *to, int64_t row,
                      const candidate *from)
{
    int64_t year = 0, month = 0;
    if (!number_of(plan, from->identity->birth_year, from->row, &year)) return;
    if (year < BIRTH_YEAR_LEAST || year > BIRTH_YEAR_MOST) return;
    if (plan->birth_year >= 0) pc_fill_set32(&to->fill[plan->birth_year], row, (int32_t)year);
    if (plan->birth_date < 0) return;
    if (!number_of(plan, from->identity->birth_month, from->row, &month)) return;
    if (month < 1 || month > 12) return;
    pc_fill_set32(&to->fill[plan->birth_date], row, pc_day_of((int)year, (int)month, 1));
}

/** Writes a number of any width; codes are unsigned, and fit too. */
static void set_number(void *data, int64_t row, int width, int64_t value)
{
    switch (width) {
        case 1:
            ((int8_t *)data)[row] = (int8_t)value;
            break;
        case 2:
            ((int16_t *)data)[row] = (int16_t)value;
            break;
        case 4:
            ((int32_t *)data)[row] = (int32_t)value;
            break;
        default:
            ((int64_t *)data)[row] = value;
    }
}

static void set_copies(const pc_person_plan *plan, person_columns *to, int64_t row,
                       const candidate *from)
{
    for (int i = 0; i < plan->model->person.copy_count; i++) {
        if (plan->copy[i] < 0 || from->identity->copy[i] == NULL) continue;
        pc_fill *fill = &to->fill[plan->copy[i]];
        const pc_row_field *field = from->identity->copy[i];
        if (pc_row_is_null(field, from->row)) continue;
        if (field->type == PC_ID) {
            memcpy(fill->data + (size_t)row * field->bytes, from->row + field->offset,
                   field->bytes);
        } else { // rows hold numbers in an order of bytes of their own
            const pc_model_column *column = &plan->person->column[plan->copy[i]];
            set_number(fill->data, row, pc_column_width(column, NULL),
                       pc_row_int(field, from->row));
        }
        fill->valid[row / 64] |= UINT64_C(1) << (row % 64);
        fill->null_count--;
    }
}

/** The earliest day of death that is known so far. */
static void add_death(const pc_row_field *field, const unsigned char *row, int64_t *death)
{
    if (field == NULL || pc_row_is_null(field, row)) return;
    const int64_t day = pc_row_int(field, row);
    if (day < *death) *death = day;
}

/** Everything that identity rows say about the person of `slot`. */
static void set_person(const pc_person_plan *plan, const pc_bucket *bucket, int slot,
                       person_columns *to, int64_t row)
{
    candidate newest = {0};
    int64_t death = INT64_MAX;
    for (int k = 0; k < plan->identity_count; k++) {
        const identity_fields *identity = &plan->identity[k];
        const pc_bucket_table *table = &bucket->table[identity->table];
        for (int64_t i = table->offset[slot]; i < table->offset[slot + 1]; i++) {
            const candidate c = {identity, table->sorted[i]};
            if (newest.row == NULL || is_newer(plan, &c, &newest)) newest = c;
            add_death(identity->death_date, c.row, &death);
        }
    }
    if (plan->death != NULL) {
        const pc_bucket_table *table = &bucket->table[plan->model->person.death_table];
        for (int64_t i = table->offset[slot]; i < table->offset[slot + 1]; i++)
            add_death(plan->death, table->sorted[i], &death);
    }
    if (newest.row == NULL) return;
    if (death != INT64_MAX && plan->death_date >= 0) {
        pc_fill_set32(&to->fill[plan->death_date], row, (int32_t)death);
    }
    set_birth(plan, to, row, &newest);
    set_copies(plan, to, row, &newest);
    if (plan->sex < 0) return;
    const pc_model_person *rule = &plan->model->person;
    if (means(plan, newest.identity->sex, newest.row, rule->female)) {
        pc_fill_set32(&to->fill[plan->sex], row, (int32_t)plan->female);
    } else if (means(plan, newest.identity->sex, newest.row, rule->male)) {
        pc_fill_set32(&to->fill[plan->sex], row, (int32_t)plan->male);
    }
}

static void set_byte(pc_fill *fill, int64_t row, size_t width, const void *value, size_t bytes)
{
    memcpy(fill->data + (size_t)row * width, value, bytes < width ? bytes : width);
    fill->valid[row / 64] |= UINT64_C(1) << (row % 64);
    fill->null_count--;
}

pc_status pc_person_fill(const pc_person_plan *plan, const pc_bucket *bucket, int from, int to,
                         pc_arena *arena, pc_block_table *out, pc_error *err)
{
    const pc_model_table *person = plan->person;
    int64_t *offset = pc_arena_array(arena, (size_t)(to - from) + 1, sizeof *offset, err);
    pc_column *column = pc_arena_array(arena, (size_t)person->column_count, sizeof *column, err);
    person_columns *columns = pc_arena_take(arena, sizeof *columns, err);
    if (offset == NULL || column == NULL || columns == NULL) return PC_NO_MEMORY;
    for (int slot = from; slot < to; slot++) {
        const pc_slot_kind kind = (pc_slot_kind)bucket->slot_key[slot].byte[0];
        const bool has_row = bucket->is_continued != NULL && bucket->is_continued[slot];
        offset[slot - from + 1] =
            offset[slot - from] + (pc_slot_is_patient(kind) && !has_row ? 1 : 0);
    }
    const int64_t row_count = offset[to - from];
    if (person->column_count > (int)(sizeof columns->fill / sizeof columns->fill[0])) {
        return PC_FAIL(err, PC_BAD_JOB, "table %s has too many columns", person->name);
    }
    for (int c = 0; c < person->column_count; c++) {
        PC_TRY(pc_fill_make(NULL, pc_column_width(&person->column[c], NULL), row_count, arena,
                            &columns->fill[c], err));
    }
    for (int slot = from; slot < to; slot++) {
        const int64_t row = offset[slot - from];
        if (row == offset[slot - from + 1]) continue;
        const pc_slot_key *key = &bucket->slot_key[slot];
        const uint8_t resolved = key->byte[0] == PC_SLOT_RESOLVED;
        if (plan->patient >= 0) {
            set_byte(&columns->fill[plan->patient], row, person->column[plan->patient].width,
                     key->byte + 1, PC_SLOT_TEXT_BYTES);
        }
        if (plan->resolved >= 0) set_byte(&columns->fill[plan->resolved], row, 1, &resolved, 1);
        set_person(plan, bucket, slot, columns, row);
    }
    for (int c = 0; c < person->column_count; c++) {
        if (person->column[c].origin == PC_FROM_RULE) continue;
        column[c] =
            pc_fill_column(&columns->fill[c], &person->column[c],
                           pc_column_width(&person->column[c], NULL), row_count, plan->dict);
    }
    *out = (pc_block_table){.row_count = row_count, .offset = offset, .column = column};
    return PC_OK;
}
