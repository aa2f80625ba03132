/** Rows of a block for the criteria. */
#include "rows.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int find_column(const pc_model_table *table, const char *name)
{
    return name == NULL ? -1 : pc_model_find_column(table, pc_span_of(name));
}

typedef struct id_pair {
    int64_t id, concept;
} id_pair;

static int compare_pairs(const void *a, const void *b)
{
    const id_pair *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int64_t value_at(const pc_column *column, int64_t row)
{
    const bool is_null = column->data == NULL || pc_column_is_null(column, row);
    return is_null ? PC_CIRCE_NULL : pc_column_int(column, row);
}

/** The column `concept` of a reference table by its column `id`. */
static pc_status read_reference(pc_store *store, const char *name, const char *id,
                                const char *concept, pc_arena *arena, pc_circe_concept_of *out,
                                pc_error *err)
{
    const pc_model *model = pc_store_model(store);
    const int table = pc_model_find_table(model, pc_span_of(name));
    const int id_at = table < 0 ? -1 : find_column(&model->table[table], id);
    const int concept_at = table < 0 ? -1 : find_column(&model->table[table], concept);
    if (id_at < 0 || concept_at < 0) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "a definition asks for %s.%s, which the store's model does not have", name,
                       concept);
    }
    const pc_column *column = NULL;
    int64_t rows = 0;
    PC_TRY(pc_store_reference(store, table, &column, &rows, err));
    id_pair *pair = pc_arena_array(arena, (size_t)rows + 1, sizeof *pair, err);
    out->id = pc_arena_array(arena, (size_t)rows + 1, sizeof *out->id, err);
    out->concept = pc_arena_array(arena, (size_t)rows + 1, sizeof *out->concept, err);
    if (pair == NULL || out->id == NULL || out->concept == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < rows; row++) {
        const id_pair found = {value_at(&column[id_at], row), value_at(&column[concept_at], row)};
        if (found.id != PC_CIRCE_NULL) pair[out->count++] = found;
    }
    qsort(pair, (size_t)out->count, sizeof *pair, compare_pairs);
    for (int64_t i = 0; i < out->count; i++) {
        out->id[i] = pair[i].id;
        out->concept[i] = pair[i].concept;
    }
    return PC_OK;
}

/** Where an id stands, -1: nowhere. */
static int64_t find_id(const pc_circe_concept_of *reference, int64_t id)
{
    int64_t low = 0, high = reference->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (reference->id[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < reference->count && reference->id[low] == id ? low : -1;
}

bool pc_circe_has_id(const pc_circe_concept_of *reference, int64_t id)
{
    return find_id(reference, id) >= 0;
}

int64_t pc_circe_concept_at(const pc_circe_concept_of *reference, int64_t id)
{
    const int64_t at = find_id(reference, id);
    return at < 0 ? PC_CIRCE_NULL : reference->concept[at];
}

static pc_status find_domain(pc_circe_source *out, pc_circe_domain domain, pc_error *err)
{
    const pc_circe_domain_info *info = pc_circe_domain_of(domain);
    const int table = pc_model_find_table(out->model, pc_span_of(info->table));
    out->table[domain] = table;
    for (int c = 0; c < PC_CIRCE_COLUMNS_MAX; c++)
        out->column[domain][c] = -1;
    // Every definition asks for observation periods.
    if (!out->program->domain[domain].is_used && domain != PC_CIRCE_PERIOD) return PC_OK;
    if (table < 0) {
        return PC_FAIL(err, PC_BAD_INPUT,
                       "the store's model '%s' has no table %s: definitions of OHDSI run on a "
                       "store of the OMOP CDM",
                       out->model->name, info->table);
    }
    out->tables[table] = true;
    for (int c = 0; c < info->column_count; c++)
        out->column[domain][c] = find_column(&out->model->table[table], info->column[c].name);
    if (out->column[domain][PC_CIRCE_START_DATE] >= 0) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "the store's model has no column %s.%s", info->table,
                   info->column[PC_CIRCE_START_DATE].name);
}

pc_status pc_circe_source_open(const pc_circe_program *program, pc_store *store, pc_arena *arena,
                               pc_circe_source *out, pc_error *err)
{
    *out = (pc_circe_source){.program = program, .model = pc_store_model(store)};
    out->tables = pc_arena_array(arena, (size_t)out->model->table_count, sizeof *out->tables, err);
    if (out->tables == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_circe_waiting_open(arena, &out->by_concept, err));
    PC_TRY(pc_circe_waiting_open(arena, &out->by_source, err));
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++)
        PC_TRY(find_domain(out, (pc_circe_domain)d, err));
    const pc_model_table *person = &out->model->table[out->model->person_table];
    out->tables[out->model->person_table] = true;
    out->birth = find_column(person, "year_of_birth");
    out->gender = find_column(person, "gender_concept_id");
    out->race = find_column(person, "race_concept_id");
    out->ethnicity = find_column(person, "ethnicity_concept_id");
    if (program->uses_visit_concept) {
        const int visits = out->table[PC_CIRCE_VISIT];
        if (visits < 0) {
            return PC_FAIL(err, PC_BAD_INPUT, "the store's model has no table VISIT_OCCURRENCE");
        }
        out->tables[visits] = true;
        out->visit_id = find_column(&out->model->table[visits], "visit_occurrence_id");
        out->visit_concept = find_column(&out->model->table[visits], "visit_concept_id");
    }
    if (program->uses_specialty) {
        PC_TRY(read_reference(store, "PROVIDER", "provider_id", "specialty_concept_id", arena,
                              &out->specialty, err));
    }
    if (!program->uses_place) return PC_OK;
    return read_reference(store, "CARE_SITE", "care_site_id", "place_of_service_concept_id", arena,
                          &out->place, err);
}

/** All values of a column, NULL: all null. */
static pc_status read_whole(pc_block *block, int table, int column, pc_arena *arena,
                            const int64_t **out, pc_error *err)
{
    *out = NULL;
    const int64_t rows = block->table[table].row_count;
    if (column < 0 || rows == 0) return PC_OK;
    const pc_column *values = NULL;
    PC_TRY(pc_block_column(block, table, column, &values, err));
    if (values->data == NULL) return PC_OK;
    int64_t *whole = pc_arena_raw(arena, (size_t)rows * sizeof *whole, err);
    if (whole == NULL) return PC_NO_MEMORY;
    for (int64_t row = 0; row < rows; row++)
        whole[row] = value_at(values, row);
    *out = whole;
    return PC_OK;
}

void pc_circe_source_close(pc_circe_source *source)
{
    pc_circe_waiting_close(source->by_concept);
    pc_circe_waiting_close(source->by_source);
}

/** A column of codes that some leaf waits for; NULL: no leaf of the domain does. */
static pc_status read_codes(const pc_circe_source *source, pc_circe_domain domain, int which,
                            bool is_awaited, pc_block *block, pc_arena *arena, const int64_t **out,
                            pc_error *err)
{
    *out = NULL;
    if (!is_awaited) return PC_OK;
    return read_whole(block, source->table[domain], source->column[domain][which], arena, out, err);
}

/** The rows of a domain that may be events: `*chosen` [count] rows of the table, `out->first`, and
 *  who waits for each. */
static pc_status choose_rows(const pc_circe_source *source, pc_circe_domain domain, pc_block *block,
                             pc_arena *arena, int32_t **chosen, pc_circe_rows *out, pc_error *err)
{
    const pc_circe_program *program = source->program;
    const pc_circe_reads_of *reads = &program->domain[domain];
    const pc_block_table *rows = &block->table[source->table[domain]];
    const bool all = reads->any_count > 0 || domain == PC_CIRCE_PERIOD;
    const int64_t *concept = NULL, *code = NULL;
    PC_TRY(
        read_codes(source, domain, PC_CIRCE_CONCEPT, reads->has_sets, block, arena, &concept, err));
    PC_TRY(
        read_codes(source, domain, PC_CIRCE_SOURCE, reads->has_sources, block, arena, &code, err));
    const size_t bytes = ((size_t)rows->row_count + 1) * sizeof **chosen;
    int32_t *first = pc_arena_raw(arena, ((size_t)block->slot_count + 1) * sizeof *first, err);
    int32_t *by_concept = pc_arena_raw(arena, concept == NULL ? 1 : bytes, err);
    int32_t *by_source = pc_arena_raw(arena, code == NULL ? 1 : bytes, err);
    *chosen = pc_arena_raw(arena, bytes, err);
    if (first == NULL || by_concept == NULL || by_source == NULL || *chosen == NULL) {
        return PC_NO_MEMORY;
    }
    int32_t count = 0;
    for (int slot = 0; slot < block->slot_count; slot++) {
        first[slot] = count;
        for (int64_t row = rows->offset[slot]; row < rows->offset[slot + 1]; row++) {
            int32_t standard = 0, own = 0;
            if (concept != NULL) {
                PC_TRY(pc_circe_waiting_find(&source->by_concept[domain], program, &reads->by_set,
                                             concept[row], &standard, err));
                by_concept[count] = standard;
            }
            if (code != NULL) {
                PC_TRY(pc_circe_waiting_find(&source->by_source[domain], program, &reads->by_source,
                                             code[row], &own, err));
                by_source[count] = own;
            }
            if (all || standard != 0 || own != 0) (*chosen)[count++] = (int32_t)row;
        }
    }
    first[block->slot_count] = count;
    out->count = count;
    out->first = first;
    out->by_concept = concept == NULL ? NULL : by_concept;
    out->by_source = code == NULL ? NULL : by_source;
    return PC_OK;
}

static double power_of_ten(int exponent)
{
    double power = 1;
    for (; exponent > 0; exponent--)
        power *= 10;
    return power;
}

/** Values of a column at the chosen rows. */
static pc_status take_column(pc_block *block, int table, int column, pc_circe_kind kind,
                             const int32_t *row, int64_t count, pc_arena *arena, pc_circe_rows *out,
                             int at, pc_error *err)
{
    int64_t *integer = NULL;
    double *number = NULL;
    const size_t bytes = ((size_t)count + 1) * sizeof *integer;
    if (kind == PC_CIRCE_NUMBER) {
        number = pc_arena_raw(arena, bytes, err);
    } else {
        integer = pc_arena_raw(arena, bytes, err);
    }
    if (integer == NULL && number == NULL) return PC_NO_MEMORY;
    for (int64_t done = 0; done < count; done += PC_BATCH_ROWS) {
        const int some = count - done < PC_BATCH_ROWS ? (int)(count - done) : PC_BATCH_ROWS;
        const pc_arena_mark mark = pc_arena_now(arena);
        pc_column values;
        PC_TRY(pc_block_take(block, table, column, row + done, some, arena, &values, err));
        const double scale = values.type == PC_DECIMAL ? power_of_ten(values.scale) : 1;
        if (values.dict != NULL) out->dict[at] = values.dict;
        for (int i = 0; i < some; i++) {
            const bool is_null = values.data == NULL || pc_column_is_null(&values, i);
            if (number == NULL) {
                integer[done + i] = is_null ? PC_CIRCE_NULL : pc_column_int(&values, i);
            } else if (is_null) {
                number[done + i] = NAN;
            } else {
                number[done + i] = values.type == PC_FLOAT
                                       ? ((const double *)values.data)[i]
                                       : (double)pc_column_int(&values, i) / scale;
            }
        }
        pc_arena_rewind(arena, mark);
    }
    out->integer[at] = integer;
    out->number[at] = number;
    return PC_OK;
}

static pc_status read_domain(const pc_circe_source *source, pc_circe_domain domain, pc_block *block,
                             pc_arena *arena, pc_circe_rows *out, pc_error *err)
{
    const pc_circe_domain_info *info = pc_circe_domain_of(domain);
    const pc_circe_reads_of *reads = &source->program->domain[domain];
    const int table = source->table[domain];
    *out = (pc_circe_rows){.count = 0};
    if ((!reads->is_used && domain != PC_CIRCE_PERIOD) || block->table[table].row_count == 0) {
        return PC_OK;
    }
    int32_t *row = NULL;
    PC_TRY(choose_rows(source, domain, block, arena, &row, out, err));
    for (int c = 0; c < info->column_count && out->count > 0; c++) {
        const bool is_read =
            reads->column[c] ||
            (domain == PC_CIRCE_PERIOD &&
             (c == PC_CIRCE_ID || c == PC_CIRCE_START_DATE || c == PC_CIRCE_END_DATE));
        const int column = source->column[domain][c];
        if (!is_read || column < 0) continue;
        PC_TRY(take_column(block, table, column, info->column[c].kind, row, out->count, arena, out,
                           c, err));
    }
    return PC_OK;
}

pc_status pc_circe_block_read(const pc_circe_source *source, pc_block *block, pc_arena *arena,
                              pc_circe_block *out, pc_error *err)
{
    *out = (pc_circe_block){.block = block};
    for (int d = 0; d < PC_CIRCE_DOMAINS; d++)
        PC_TRY(read_domain(source, (pc_circe_domain)d, block, arena, &out->rows[d], err));
    const int person = source->model->person_table;
    out->person_offset = block->table[person].offset;
    PC_TRY(read_whole(block, person, source->birth, arena, &out->birth, err));
    PC_TRY(read_whole(block, person, source->gender, arena, &out->gender, err));
    PC_TRY(read_whole(block, person, source->race, arena, &out->race, err));
    PC_TRY(read_whole(block, person, source->ethnicity, arena, &out->ethnicity, err));
    if (!source->program->uses_visit_concept) return PC_OK;
    const int visits = source->table[PC_CIRCE_VISIT];
    out->visit_offset = block->table[visits].offset;
    PC_TRY(read_whole(block, visits, source->visit_id, arena, &out->visit_id, err));
    return read_whole(block, visits, source->visit_concept, arena, &out->visit_concept, err);
}
