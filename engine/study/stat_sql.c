// Statistics `sql`: the timelines that a query names, as relations whose rows come block by block.
#include "stat_sql.h"
#include "typing.h"
#include <string.h>

/** Which record columns a query sees: all but the number of the stay, and those that hold nothing.
 */
static bool is_shown(const pc_record_schema *schema, int column)
{
    return column != PC_STAY_COLUMN &&
           (column < PC_ATTRIBUTE || schema->column[column].type != PC_NONE);
}

/** The type of a column in a query: texts are one kind; what nothing is known of is null. */
static pc_type type_of(const pc_record_schema *schema, int column)
{
    const pc_type type = schema->column[column].type;
    if (type == PC_NONE) return column == PC_CODE_COLUMN ? PC_TEXT : PC_INT;
    return type == PC_CODE || type == PC_ID ? PC_TEXT : type;
}

static pc_status describe(pc_loader *loader, const pc_ref *ref, pc_row_source *out)
{
    const pc_record_schema *schema = &ref->def->typed->out;
    pc_arena *arena = loader->study->arena;
    const size_t room = (size_t)schema->count + 1;
    pc_field *field = pc_arena_array(arena, room, sizeof *field, loader->err);
    bool *is_identifier = pc_arena_array(arena, room, sizeof *is_identifier, loader->err);
    int *system = pc_arena_array(arena, room, sizeof *system, loader->err);
    if (field == NULL || is_identifier == NULL || system == NULL) return PC_NO_MEMORY;
    field[0] = (pc_field){.name = "patient", .type = PC_ID, .width = PC_SLOT_TEXT_BYTES};
    is_identifier[0] = true;
    system[0] = -1;
    int count = 1;
    for (int i = 0; i < schema->count; i++) {
        const pc_record_column *column = &schema->column[i];
        if (!is_shown(schema, i)) continue;
        const pc_type type = type_of(schema, i);
        field[count] = (pc_field){
            .name = column->name, .type = type, .scale = type == PC_DECIMAL ? column->scale : 0};
        is_identifier[count] =
            column->class_of >= PC_CLASS_PROFESSIONAL_ID || column->type == PC_ID;
        system[count++] = column->system;
    }
    *out = (pc_row_source){.name = ref->name,
                           .column_count = count,
                           .field = field,
                           .is_identifier = is_identifier,
                           .system = system};
    return PC_OK;
}

/** What may not leave whatever the numbers are; NULL: all may. */
static const char *refusal(const pc_query *query)
{
    const pc_plan_traits *traits = &query->traits;
    if (traits->returns_rows) return "the query returns rows of patients: count or sum them";
    if (traits->returns_identifier) return "a statistic cannot show an identifier";
    if (traits->chooses_patients) return "a condition chooses persons by their identifier";
    if (traits->returns_extremes) return "a minimum or maximum is the value of one patient";
    if (traits->reads_patients && query->patients_column < 0) {
        return "the number of patients behind each row is not known";
    }
    return NULL;
}

pc_status pc_type_query(pc_typing *typing, pc_statistic *statistic)
{
    pc_loader *loader = &typing->loader;
    pc_study *study = loader->study;
    pc_row_source *rows =
        pc_arena_array(study->arena, (size_t)statistic->of_count + 1, sizeof *rows, loader->err);
    if (rows == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < statistic->of_count; i++)
        PC_TRY(describe(loader, statistic->of[i], &rows[i]));
    statistic->rows = rows;
    for (int i = 0; i < 2; i++) {
        pc_error why = {0};
        const pc_status status =
            pc_sql_plan_with(statistic->sql.text, typing->catalog, rows, statistic->of_count,
                             i == 0, study->arena, &statistic->query[i], &why);
        if (status == PC_BAD_JOB || status == PC_UNSUPPORTED) {
            return pc_problem_at(loader, statistic->sql.path, "sql", "%s", why.text);
        }
        if (status != PC_OK) return pc_fail(loader->err, status, "%s", why.text);
        const char *why_not = i == 0 ? refusal(statistic->query[0]) : NULL;
        if (why_not != NULL) {
            return pc_problem_at(loader, statistic->sql.path, "private", "%s", why_not);
        }
    }
    return PC_OK;
}

/** A query being run over the timelines of a study. */
typedef struct asked {
    pc_block_eval *eval;
    const pc_statistic *statistic;
} asked;

static void mark_tables(void *context, bool *needed)
{
    const pc_nodes *nodes = ((const asked *)context)->eval->nodes;
    for (int t = 0; t < nodes->catalog->model->table_count; t++)
        needed[t] = needed[t] || nodes->tables[t];
}

static pc_status take_block(void *context, pc_block *block, const pc_reader *reader, pc_error *err)
{
    return pc_block_eval_run(((const asked *)context)->eval, block, reader, err);
}

/** The patient of each record, as text and as number. */
static pc_status take_patients(const pc_block *block, const int32_t *slot, int count,
                               pc_arena *arena, pc_column *text, pc_column *key, pc_error *err)
{
    char *byte = pc_arena_array(arena, (size_t)count, PC_SLOT_TEXT_BYTES, err);
    uint64_t *number = pc_arena_array(arena, (size_t)count, sizeof *number, err);
    if (byte == NULL || number == NULL) return PC_NO_MEMORY;
    const int bits = PC_SCAN_ROW_BITS + PC_SCAN_KEY_BITS;
    for (int row = 0; row < count; row++) {
        memcpy(byte + (size_t)row * PC_SLOT_TEXT_BYTES, block->slot_key[slot[row]].byte + 1,
               PC_SLOT_TEXT_BYTES);
        number[row] = ((uint64_t)(block->first_slot + slot[row]) << bits) |
                      ((UINT64_C(1) << bits) - 1); // as a scan numbers the patient
    }
    *text = (pc_column){.type = PC_ID, .width = PC_SLOT_TEXT_BYTES, .data = byte};
    *key = (pc_column){.type = PC_KEY, .width = 8, .data = number};
    return PC_OK;
}

static pc_status take_column(const pc_block_eval *eval, const pc_records *records, int column,
                             const pc_field *field, int64_t first, int count, pc_arena *arena,
                             pc_column *out, pc_error *err)
{
    if (records->column[column] != NULL) {
        return pc_timeline_column(eval, records->column[column] + first, field->type, field->scale,
                                  count, arena, out, err);
    }
    int64_t *nothing = pc_arena_array(arena, (size_t)count, sizeof *nothing, err);
    if (nothing == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < count; row++)
        nothing[row] = PC_NULL;
    return pc_timeline_column(eval, nothing, field->type, field->scale, count, arena, out, err);
}

static pc_status give_rows(void *context, int source, int64_t first, pc_arena *arena,
                           pc_batch *batch, pc_error *err)
{
    const asked *a = context;
    const pc_node *node = pc_node_of(a->eval->nodes, a->statistic->of[source]->def);
    const pc_records *records = &node->records;
    const pc_record_schema *schema = &node->def->typed->out;
    const pc_row_source *rows = &a->statistic->rows[source];
    const int64_t left = records->count - first;
    const int count = left > PC_BATCH_ROWS ? PC_BATCH_ROWS : (int)left;
    *batch = (pc_batch){.column_count = rows->column_count + 1, .row_count = count};
    if (count == 0) return PC_OK;
    const pc_block *block = a->eval->block;
    const int32_t *slot = records->slot + first;
    batch->column = pc_arena_array(arena, (size_t)batch->column_count, sizeof *batch->column, err);
    batch->slot = pc_arena_array(arena, (size_t)count, sizeof *batch->slot, err);
    if (batch->column == NULL || batch->slot == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < count; row++)
        batch->slot[row] = block->first_slot + slot[row];
    PC_TRY(take_patients(block, slot, count, arena, &batch->column[0],
                         &batch->column[rows->column_count], err));
    int at = 1;
    for (int i = 0; i < schema->count; i++) {
        if (!is_shown(schema, i)) continue;
        PC_TRY(take_column(a->eval, records, i, &rows->field[at], first, count, arena,
                           &batch->column[at], err));
        at++;
    }
    return PC_OK;
}

pc_status pc_sql_statistics_run(pc_comm *comm, pc_block_eval *eval, const pc_query_run *query,
                                pc_arena *arena, pc_sql_answer **out, pc_error *err)
{
    const pc_study *study = eval->nodes->study;
    *out = pc_arena_array(arena, (size_t)study->statistic_count + 1, sizeof **out, err);
    PC_TRY(pc_comm_agree(comm, *out == NULL ? PC_NO_MEMORY : PC_OK, err));
    for (int i = 0; i < study->statistic_count; i++) {
        const pc_statistic *statistic = &study->statistic[i];
        if (statistic->kind != PC_STAT_SQL) continue;
        asked a = {.eval = eval, .statistic = statistic};
        const pc_block_rows rows = {
            .context = &a, .tables = mark_tables, .block = take_block, .rows = give_rows};
        for (int k = 0; k < 2; k++) {
            pc_query_run run = *query;
            pc_query_profile profile;
            run.query = statistic->query[k];
            run.rows = &rows;
            PC_TRY(pc_query_execute(comm, &run, arena, &(*out)[i].result[k], &profile, err));
        }
    }
    return PC_OK;
}
