// What statistics read, bound to the columns of their timelines.
#include <string.h>
#include "typing.h"

/** What a statistic shows must not be a patient. */
static pc_status check_private(pc_loader *loader, const char *path, pc_class highest, pc_type type)
{
    const bool is_identity = highest >= PC_CLASS_PROFESSIONAL_ID || type == PC_ID;
    if (!is_identity) return PC_OK;
    return pc_problem_at(loader, path, "private",
                         "a statistic cannot show an identifier (class %s)",
                         pc_class_name(highest));
}

/** Types the timelines that a statistic names. False: one of them has problems. */
static pc_status type_refs(pc_typing *typing, const pc_statistic *statistic, bool *is_good)
{
    pc_ref *const single[] = {statistic->timeline, statistic->in};
    *is_good = true;
    for (int i = 0; i < 2 + statistic->of_count + statistic->split_count; i++) {
        pc_ref *ref = i < 2                         ? single[i]
                      : i < 2 + statistic->of_count ? statistic->of[i - 2]
                                                    : statistic->split[i - 2 - statistic->of_count];
        if (ref == NULL) continue;
        if (ref->def != NULL) PC_TRY(pc_type_def(typing, ref->def));
        *is_good = *is_good && ref->def != NULL && ref->def->typed != NULL;
    }
    return PC_OK;
}

/** Adds a column that follows the day. */
static pc_status add_column(pc_loader *loader, const pc_statistic *statistic, const char *name,
                            pc_type type, pc_record_schema *schema)
{
    if (pc_record_find(schema, name) >= 0) {
        return pc_problem_at(loader, statistic->path, "name",
                             "'split': the cohort has a column '%.80s' already", name);
    }
    schema->column[schema->count++] =
        (pc_record_column){.name = name, .type = type, .system = -1, .class_of = PC_CLASS_QUASI};
    return PC_OK;
}

/** What `by` sees: the columns of the subject, and those that `split` adds. */
static pc_status make_piece(pc_loader *loader, pc_statistic *statistic,
                            const pc_record_schema *subject)
{
    pc_arena *arena = loader->study->arena;
    pc_record_schema *piece = pc_arena_take(arena, sizeof *piece, loader->err);
    if (piece == NULL) return PC_NO_MEMORY;
    const size_t capacity = (size_t)(subject->count + 2 + statistic->split_count);
    piece->column = pc_arena_array(arena, capacity, sizeof *piece->column, loader->err);
    if (piece->column == NULL) return PC_NO_MEMORY;
    memcpy(piece->column, subject->column, (size_t)subject->count * sizeof *piece->column);
    piece->count = subject->count;
    if (statistic->by_year) {
        PC_TRY(add_column(loader, statistic, "year", PC_INT, piece));
        PC_TRY(add_column(loader, statistic, "age_in_year", PC_INT, piece));
    }
    for (int i = 0; i < statistic->split_count; i++) {
        const pc_ref *ref = statistic->split[i];
        PC_TRY(add_column(loader, statistic, ref->name, PC_BOOL, piece));
    }
    statistic->piece = piece;
    return PC_OK;
}

static pc_status type_by(pc_loader *loader, pc_statistic *statistic)
{
    const pc_record_schema *schema = statistic->piece;
    statistic->bound = pc_arena_array(loader->study->arena, (size_t)statistic->by_count + 1,
                                      sizeof *statistic->bound, loader->err);
    if (statistic->bound == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < statistic->by_count; i++) {
        pc_record_sql *sql = &statistic->bound[i];
        PC_TRY(pc_type_sql(loader, loader->study->doc[0], schema, &statistic->by[i], PC_NONE, sql));
        if (sql->expr == NULL) continue;
        PC_TRY(check_private(loader, statistic->by[i].path,
                             pc_type_class(loader->study, schema, sql), sql->expr->type));
    }
    return PC_OK;
}

static pc_status type_total(pc_loader *loader, pc_statistic *statistic,
                            const pc_record_schema *schema)
{
    if (statistic->total == NULL) return PC_OK;
    const pc_names total = {1, &statistic->total};
    int *found = NULL;
    PC_TRY(pc_type_columns(loader, schema, &total, statistic->path, "total", &found));
    const pc_type type = schema->column[found[0]].type;
    if (type == PC_INT || type == PC_DECIMAL || type == PC_NONE) {
        statistic->total_column = found[0];
        return PC_OK;
    }
    return pc_problem_at(loader, statistic->path, "type",
                         "'total' needs a whole number or decimal");
}

static pc_status type_measures(pc_loader *loader, pc_statistic *statistic,
                               const pc_record_schema *schema)
{
    PC_TRY(pc_type_columns(loader, schema, &statistic->measures, statistic->path, "summary",
                           &statistic->measure_column));
    for (int i = 0; i < statistic->measures.count; i++) {
        const pc_record_column *column = &schema->column[statistic->measure_column[i]];
        PC_TRY(check_private(loader, statistic->path, column->class_of, column->type));
        if (column->type != PC_DATE && column->type != PC_KEY) continue;
        PC_TRY(pc_problem_at(loader, statistic->path, "type",
                             "'summary' takes truths, numbers and texts: '%.80s' is %s",
                             column->name, pc_type_name(column->type)));
    }
    return PC_OK;
}

pc_status pc_type_statistic(pc_typing *typing, pc_statistic *statistic)
{
    pc_loader *loader = &typing->loader;
    bool is_good = false;
    PC_TRY(type_refs(typing, statistic, &is_good));
    const pc_ref *subject = pc_statistic_subject(statistic);
    if (is_good && statistic->sql.text != NULL) return pc_type_query(typing, statistic);
    if (!is_good || subject == NULL) return PC_OK;
    const pc_record_schema *schema = &subject->def->typed->out;
    PC_TRY(make_piece(loader, statistic, schema));
    PC_TRY(type_by(loader, statistic));
    PC_TRY(type_total(loader, statistic, schema));
    return type_measures(loader, statistic, schema);
}
