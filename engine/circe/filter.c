/** Conditions on one event. Null never passes, as in SQL. */
#include <math.h>
#include <string.h>
#include "person.h"

/** Iterative: a '%' is tried again one character later when what follows it fails. */
bool pc_circe_like(pc_span text, const char *pattern)
{
    size_t at = 0, star_at = 0;
    const char *star = NULL;
    while (at < text.bytes) {
        if (*pattern == '%') {
            star = pattern++;
            star_at = at;
            continue;
        }
        const size_t step = pc_utf8_character((pc_span){text.data + at, text.bytes - at});
        const size_t bytes = step == 0 ? 1 : step;
        if (*pattern == '_') {
            at += bytes;
            pattern++;
        } else if (*pattern != '\0' && *pattern == text.data[at]) {
            at++;
            pattern++;
        } else if (star != NULL) {
            const size_t skip =
                pc_utf8_character((pc_span){text.data + star_at, text.bytes - star_at});
            star_at += skip == 0 ? 1 : skip;
            at = star_at;
            pattern = star + 1;
        } else {
            return false;
        }
    }
    while (*pattern == '%')
        pattern++;
    return *pattern == '\0';
}

static int year_of(int32_t day)
{
    int year, month, day_of_month;
    pc_day_split(day, &year, &month, &day_of_month);
    return year;
}

static int64_t of_person(const pc_circe_person *person, const int64_t *column)
{
    return column == NULL || person->person_row < 0 ? PC_CIRCE_NULL : column[person->person_row];
}

static int64_t age_on(const pc_circe_person *person, int32_t day)
{
    const int64_t birth = of_person(person, person->block->birth);
    return birth == PC_CIRCE_NULL || day == PC_CIRCE_NO_DAY ? PC_CIRCE_NULL : year_of(day) - birth;
}

static int64_t integer_at(const pc_circe_rows *rows, int column, int32_t row)
{
    return rows->integer[column] == NULL ? PC_CIRCE_NULL : rows->integer[column][row];
}

static double number_at(const pc_circe_rows *rows, int column, int32_t row)
{
    if (rows->number[column] != NULL) return rows->number[column][row];
    const int64_t value = integer_at(rows, column, row);
    return value == PC_CIRCE_NULL ? NAN : (double)value;
}

/** The concept of the person's visit with this id. */
static int64_t visit_concept(const pc_circe_person *person, int64_t id)
{
    const pc_circe_block *block = person->block;
    if (id == PC_CIRCE_NULL || block->visit_id == NULL || block->visit_concept == NULL) {
        return PC_CIRCE_NULL;
    }
    const int64_t *offset = block->visit_offset + person->slot;
    for (int64_t row = offset[0]; row < offset[1]; row++) {
        if (block->visit_id[row] == id) return block->visit_concept[row];
    }
    return PC_CIRCE_NULL;
}

/** A concept, a date or a number that is whole; PC_CIRCE_NULL: null. */
static int64_t integer_of(const pc_circe_person *person, pc_circe_domain domain, int field,
                          int32_t start, int32_t end, int32_t row)
{
    const pc_circe_rows *rows = &person->block->rows[domain];
    switch (field) {
        case PC_CIRCE_START:
            return start;
        case PC_CIRCE_END:
            return end == PC_CIRCE_NO_DAY ? PC_CIRCE_NULL : end;
        case PC_CIRCE_LENGTH:
            return end == PC_CIRCE_NO_DAY ? PC_CIRCE_NULL : (int64_t)end - start;
        case PC_CIRCE_AGE:
            return age_on(person, start);
        case PC_CIRCE_AGE_AT_END:
            return age_on(person, end);
        case PC_CIRCE_GENDER:
            return of_person(person, person->block->gender);
        case PC_CIRCE_RACE:
            return of_person(person, person->block->race);
        case PC_CIRCE_ETHNICITY:
            return of_person(person, person->block->ethnicity);
        case PC_CIRCE_SPECIALTY:
            return pc_circe_concept_at(&person->source->specialty,
                                       integer_at(rows, PC_CIRCE_PROVIDER, row));
        case PC_CIRCE_PLACE:
            return pc_circe_concept_at(&person->source->place,
                                       integer_at(rows, PC_CIRCE_CARE_SITE, row));
        case PC_CIRCE_VISIT_CONCEPT:
            return visit_concept(person, integer_at(rows, PC_CIRCE_VISIT_ID, row));
        default:
            return integer_at(rows, field - PC_CIRCE_COLUMN, row);
    }
}

enum { VALUE = PC_CIRCE_OWN_COLUMNS, RANGE_LOW, RANGE_HIGH, VALUE_CONCEPT }; // of a measurement

static double number_of(const pc_circe_person *person, pc_circe_domain domain, int field,
                        int32_t start, int32_t end, int32_t row)
{
    const pc_circe_rows *rows = &person->block->rows[domain];
    if (field == PC_CIRCE_LOW_RATIO || field == PC_CIRCE_HIGH_RATIO) {
        const double bound =
            number_at(rows, field == PC_CIRCE_LOW_RATIO ? RANGE_LOW : RANGE_HIGH, row);
        return bound == 0 ? NAN : number_at(rows, VALUE, row) / bound;
    }
    if (field >= PC_CIRCE_COLUMN) return number_at(rows, field - PC_CIRCE_COLUMN, row);
    const int64_t value = integer_of(person, domain, field, start, end, row);
    return value == PC_CIRCE_NULL ? NAN : (double)value;
}

static bool is_abnormal(const pc_circe_rows *rows, int32_t row)
{
    const double value = number_at(rows, VALUE, row);
    const int64_t concept = integer_at(rows, VALUE_CONCEPT, row);
    return value < number_at(rows, RANGE_LOW, row) || value > number_at(rows, RANGE_HIGH, row) ||
           concept == 4155142 || concept == 4155143; // "abnormal", "abnormally high"
}

static bool is_listed(const pc_circe_filter *filter, int64_t value)
{
    int low = 0, high = filter->id_count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (filter->id[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < filter->id_count && filter->id[low] == value;
}

/** A comparison with NaN is false, so null fails; it must also fail where the answer is turned
 *  round. */
static bool in_range(const pc_circe_filter *f, double value)
{
    if (isnan(value)) return false;
    switch (f->op) {
        case PC_CIRCE_LT:
            return value < f->low;
        case PC_CIRCE_LTE:
            return value <= f->low;
        case PC_CIRCE_EQ:
            return value == f->low;
        case PC_CIRCE_NE:
            return value != f->low;
        case PC_CIRCE_GT:
            return value > f->low;
        case PC_CIRCE_GTE:
            return value >= f->low;
        case PC_CIRCE_BETWEEN:
            return value >= f->low && value <= f->high;
        default:
            return !(value >= f->low && value <= f->high);
    }
}

static bool text_passes(const pc_circe_rows *rows, const pc_circe_filter *f, int32_t row)
{
    const int column = f->field - PC_CIRCE_COLUMN;
    const int64_t value = integer_at(rows, column, row);
    if (value == PC_CIRCE_NULL || rows->dict[column] == NULL) return false;
    const pc_span text = pc_dict_text(rows->dict[column], (uint32_t)value);
    return pc_circe_like(text, f->text) == (f->op == PC_CIRCE_LIKE);
}

/** A visit that is not there takes the event away, whatever is asked of it. */
static bool has_visit(const pc_circe_person *person, pc_circe_domain domain, int32_t row)
{
    const int64_t id = integer_at(&person->block->rows[domain], PC_CIRCE_VISIT_ID, row);
    if (id == PC_CIRCE_NULL || person->block->visit_id == NULL) return false;
    const int64_t *offset = person->block->visit_offset + person->slot;
    for (int64_t visit = offset[0]; visit < offset[1]; visit++) {
        if (person->block->visit_id[visit] == id) return true;
    }
    return false;
}

static bool is_null_as_asked(const pc_circe_person *person, pc_circe_domain domain,
                             const pc_circe_filter *f, int64_t value, int32_t row)
{
    if (f->op == PC_CIRCE_IS_NOT_NULL) return value != PC_CIRCE_NULL;
    if (value != PC_CIRCE_NULL) return false;
    if (f->field == PC_CIRCE_VISIT_CONCEPT) return has_visit(person, domain, row);
    if (f->field == PC_CIRCE_PLACE) { // so does a care site
        const pc_circe_rows *rows = &person->block->rows[domain];
        return pc_circe_has_id(&person->source->place, integer_at(rows, PC_CIRCE_CARE_SITE, row));
    }
    return true;
}

bool pc_circe_passes(const pc_circe_person *person, pc_circe_domain domain,
                     const pc_circe_filter *f, int32_t start, int32_t end, int32_t row)
{
    if (f->op <= PC_CIRCE_NOT_BETWEEN) {
        return in_range(f, number_of(person, domain, f->field, start, end, row));
    }
    const pc_circe_rows *rows = &person->block->rows[domain];
    if (f->op == PC_CIRCE_LIKE || f->op == PC_CIRCE_NOT_LIKE) return text_passes(rows, f, row);
    if (f->op == PC_CIRCE_ABNORMAL) return is_abnormal(rows, row);
    if (f->op == PC_CIRCE_HOLDS_DAY) {
        return end != PC_CIRCE_NO_DAY && start <= f->low && f->low <= end;
    }
    const int64_t value = integer_of(person, domain, f->field, start, end, row);
    if (f->op == PC_CIRCE_IS_NULL || f->op == PC_CIRCE_IS_NOT_NULL) {
        return is_null_as_asked(person, domain, f, value, row);
    }
    if (value == PC_CIRCE_NULL) return false;
    if (f->op == PC_CIRCE_IN || f->op == PC_CIRCE_NOT_IN) {
        return is_listed(f, value) == (f->op == PC_CIRCE_IN);
    }
    const bool is_in = f->set >= 0 && circe_set_has(person->program->concepts, f->set, value);
    return is_in == (f->op == PC_CIRCE_IN_SET);
}
