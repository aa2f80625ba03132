// What cases and controls are compared by: SQL on the person alone.
#include "typing.h"

static pc_status bind_person(pc_loader *loader, const pc_def *def, const pc_sql_text *text,
                             pc_record_sql *out)
{
    const pc_record_schema nobody = {0};
    PC_TRY(pc_type_sql(loader, def->doc, &nobody, text, PC_NONE, out));
    // Columns 0 and 1 are ages, which need a day.
    if (out->expr == NULL || (!out->used[0] && !out->used[1])) return PC_OK;
    return pc_problem_at(loader, text->path, "sql",
                         "cases and controls are compared by what does not change: use birth_year");
}

pc_status pc_type_match(pc_loader *loader, pc_def *def)
{
    pc_match *match = def->match;
    pc_typed *typed = def->typed;
    typed->role = pc_record_find(&typed->out, "role");
    typed->set_id = pc_record_find(&typed->out, "set_id");
    typed->out.column[typed->role].type = PC_TEXT;
    typed->out.column[typed->set_id].type = PC_INT;
    match->bound =
        pc_arena_array(loader->study->arena, (size_t)(match->on_count + match->near_count) + 1,
                       sizeof *match->bound, loader->err);
    if (match->bound == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < match->on_count; i++) {
        PC_TRY(bind_person(loader, def, &match->on[i], &match->bound[i]));
    }
    for (int i = 0; i < match->near_count; i++) {
        pc_record_sql *sql = &match->bound[match->on_count + i];
        PC_TRY(bind_person(loader, def, &match->near[i], sql));
        if (sql->expr == NULL || sql->expr->type == PC_INT || sql->expr->type == PC_DATE) continue;
        PC_TRY(pc_problem_at(loader, match->near[i].path, "type",
                             "'near' needs a whole number or a date, not %s",
                             pc_type_name(sql->expr->type)));
    }
    return PC_OK;
}
