// What exports read.
#include <string.h>
#include "typing.h"

static pc_status type_refs(pc_typing *typing, pc_ref *const *ref, int count, bool *is_good)
{
    for (int i = 0; i < count; i++) {
        if (ref[i]->def != NULL) PC_TRY(pc_type_def(typing, ref[i]->def));
        *is_good = *is_good && ref[i]->def != NULL && ref[i]->def->typed != NULL;
    }
    return PC_OK;
}

/** Names that an export gives itself. */
static bool is_taken(const pc_export *one, const char *name)
{
    static const char *const own[] = {"patient", "start_date", "end_date", "start",
                                      "stop",    "year",       "indptr",   "indices",
                                      "data",    "feature",    "buckets",  "exit_bucket"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strcmp(own[i], name) == 0) return true;
    }
    for (int i = 0; i < one->split_count + one->outcome_count; i++) {
        const pc_ref *ref =
            i < one->split_count ? one->split[i] : one->outcome[i - one->split_count];
        if (strcmp(ref->name, name) == 0) return true;
    }
    return false;
}

/** The columns that are written: those that are named, else all but the number of the stay. */
static pc_status type_columns(pc_loader *loader, pc_export *one, const pc_record_schema *schema)
{
    if (one->columns.count > 0) {
        PC_TRY(pc_type_columns(loader, schema, &one->columns, one->path, "columns", &one->column));
        one->column_count = one->columns.count;
    } else {
        one->column = pc_arena_array(loader->study->arena, (size_t)schema->count,
                                     sizeof *one->column, loader->err);
        if (one->column == NULL) return PC_NO_MEMORY;
        for (int i = PC_CODE_COLUMN; i < schema->count; i++) {
            if (i != PC_STAY_COLUMN && schema->column[i].type != PC_NONE) {
                one->column[one->column_count++] = i;
            }
        }
    }
    int kept = 0;
    for (int i = 0; i < one->column_count; i++) {
        const pc_record_column *column = &schema->column[one->column[i]];
        // Patient and days are always written.
        if (one->column[i] == PC_START || one->column[i] == PC_END) continue;
        one->column[kept++] = one->column[i];
        if (!is_taken(one, column->name)) continue;
        PC_TRY(pc_problem_at(loader, one->path, "name",
                             "the export has a column '%.80s' of its own: name others in 'columns'",
                             column->name));
    }
    one->column_count = kept;
    return PC_OK;
}

static pc_status type_features(pc_loader *loader, pc_export *one)
{
    one->per_column = pc_arena_array(loader->study->arena, (size_t)one->feature_count + 1,
                                     sizeof *one->per_column, loader->err);
    if (one->per_column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < one->feature_count; i++) {
        const pc_record_schema *schema = &one->feature[i]->def->typed->out;
        one->per_column[i] = -1;
        if (one->per == NULL) continue;
        const pc_names per = {1, &one->per};
        int *found = NULL;
        PC_TRY(pc_type_columns(loader, schema, &per, one->path, "per", &found));
        one->per_column[i] = found[0];
    }
    return PC_OK;
}

pc_status pc_type_export(pc_typing *typing, pc_export *one)
{
    pc_loader *loader = &typing->loader;
    if (one->timeline == NULL) return PC_OK;
    bool is_good = true;
    PC_TRY(type_refs(typing, &one->timeline, 1, &is_good));
    PC_TRY(type_refs(typing, one->split, one->split_count, &is_good));
    PC_TRY(type_refs(typing, one->outcome, one->outcome_count, &is_good));
    PC_TRY(type_refs(typing, one->feature, one->feature_count, &is_good));
    if (!is_good) return PC_OK;
    PC_TRY(type_columns(loader, one, &one->timeline->def->typed->out));
    return type_features(loader, one);
}
