/** Relations of FROM beside the tables: rows that come with each block, such as timelines. To the
 *  planner they are names of WITH whose plan is a leaf. */
#include <string.h>
#include "plan_private.h"

const char *pc_sql_range_name(const cJSON *body, pc_arena *arena, pc_error *err)
{
    const char *schema = pc_node_text(body, "schemaname"), *name = pc_node_text(body, "relname");
    if (schema == NULL) return name;
    const size_t schema_bytes = strlen(schema), name_bytes = strlen(name);
    char *both = pc_arena_array(arena, schema_bytes + name_bytes + 2, 1, err);
    if (both == NULL) return NULL;
    memcpy(both, schema, schema_bytes);
    both[schema_bytes] = '.';
    memcpy(both + schema_bytes + 1, name, name_bytes);
    return both;
}

/** Names found so far. */
typedef struct names {
    pc_arena *arena;
    pc_error *err;
    const char **name; // [PC_SQL_NAMES]
    int count;
} names;
enum { PC_SQL_NAMES = 1024 };

// As deep as the parse tree, whose depth the parser bounds.
static pc_status collect(names *n, const cJSON *node)
{
    for (const cJSON *at = node; at != NULL; at = at->next) {
        const bool is_name = at->string != NULL && strcmp(at->string, "RangeVar") == 0;
        if (is_name && n->count == PC_SQL_NAMES) {
            return PC_FAIL(n->err, PC_UNSUPPORTED, "query: FROM names more than %d relations",
                           (int)PC_SQL_NAMES);
        }
        if (is_name) {
            const char *name = pc_sql_range_name(at, n->arena, n->err);
            if (name == NULL) return PC_NO_MEMORY;
            // The parse tree goes; what it holds is kept.
            name = pc_arena_text(n->arena, name, strlen(name), n->err);
            if (name == NULL) return PC_NO_MEMORY;
            n->name[n->count++] = name;
        }
        if (at->child != NULL) PC_TRY(collect(n, at->child));
    }
    return PC_OK;
}

pc_status pc_sql_from_names(const char *sql, pc_arena *arena, const char *const **name, int *count,
                            pc_error *err)
{
    pc_sql_text text;
    PC_TRY(pc_sql_text_parse(sql, "query", false, &text, err));
    names n = {.arena = arena, .err = err};
    n.name = pc_arena_array(arena, PC_SQL_NAMES, sizeof *n.name, err);
    const pc_status status = n.name == NULL ? PC_NO_MEMORY : collect(&n, text.select);
    pc_sql_text_free(&text);
    *name = n.name;
    *count = n.count;
    return status;
}

static pc_status describe(pc_sql_job *job, const pc_row_source *source, pc_sql_relation *out)
{
    const int count = source->column_count;
    out->info = pc_arena_array(job->arena, (size_t)count + 1, sizeof *out->info, job->err);
    bool *is_cell = pc_arena_array(job->arena, (size_t)count + 1, sizeof *is_cell, job->err);
    if (out->info == NULL || is_cell == NULL) return PC_NO_MEMORY;
    for (int i = 0; i <= count; i++) {
        const bool is_patient = i == 0, is_key = i == count; // a number names nobody
        out->info[i] =
            (pc_sql_info){.is_identifier = is_patient || (!is_key && source->is_identifier[i]),
                          .names_patient = is_patient,
                          .system = is_patient || is_key ? -1 : source->system[i],
                          .patient_key = is_patient ? count : -1};
    }
    out->is_cell = is_cell;
    return PC_OK;
}

pc_status pc_sql_name_sources(pc_sql_job *job, const pc_row_source *source, int source_count,
                              const pc_sql_with **with)
{
    for (int i = 0; i < source_count; i++) {
        const int count = source[i].column_count;
        pc_sql_with *made = pc_arena_take(job->arena, sizeof *made, job->err);
        pc_sql_relation *relation = pc_arena_take(job->arena, sizeof *relation, job->err);
        pc_field *field = pc_arena_array(job->arena, (size_t)count + 1, sizeof *field, job->err);
        if (made == NULL || relation == NULL || field == NULL) return PC_NO_MEMORY;
        memcpy(field, source[i].field, (size_t)count * sizeof *field);
        field[count] = (pc_field){.name = "patient", .type = PC_KEY};
        const pc_plan leaf = {.kind = PC_PLAN_ROWS,
                              .schema = {.field_count = count + 1, .field = field},
                              .spread = PC_SPREAD_SLOTS,
                              .of.rows.source = i};
        *relation = (pc_sql_relation){.people = PC_SQL_ONE, .visible_count = count, .patients = -1};
        PC_TRY(pc_sql_add_node(job, &leaf, &relation->plan));
        PC_TRY(describe(job, &source[i], relation));
        *made = (pc_sql_with){.name = source[i].name, .relation = relation, .before = *with};
        *with = made;
    }
    return PC_OK;
}
