// The columns of eras.
#include "typing.h"

/** The columns that eras are made per: of the deliveries, and of the eras. */
static pc_status type_per(pc_loader *loader, const pc_def *def)
{
    pc_typed *typed = def->typed;
    PC_TRY(pc_type_columns(loader, &typed->in, &def->per, def->path, "per", &typed->per_in));
    PC_TRY(pc_type_columns(loader, &typed->out, &def->per, def->path, "per", &typed->per));
    for (int i = 0; i < def->per.count; i++) {
        const int column = typed->per[i];
        if (column == PC_START || column == PC_END || column == typed->records ||
            column == typed->supplied) {
            PC_TRY(pc_problem_at(loader, def->path, "name", "'per': not by '%.80s'",
                                 def->per.name[i]));
            continue;
        }
        const char *name = typed->out.column[column].name;
        typed->out.column[column] = typed->in.column[typed->per_in[i]];
        typed->out.column[column].name = name;
    }
    return PC_OK;
}

pc_status pc_type_exposure(pc_loader *loader, pc_def *def)
{
    pc_typed *typed = def->typed;
    typed->supplied = pc_record_find(&typed->out, "supplied");
    const pc_record_column number = {.type = PC_INT, .system = -1};
    const int counts[] = {typed->records, typed->supplied};
    for (int i = 0; i < 2; i++) {
        const char *name = typed->out.column[counts[i]].name;
        typed->out.column[counts[i]] = number;
        typed->out.column[counts[i]].name = name;
    }
    PC_TRY(type_per(loader, def));
    PC_TRY(pc_type_sql(loader, def->doc, &typed->in, &def->supply, PC_NONE, &typed->supply));
    const pc_expr *supply = typed->supply.expr;
    if (supply != NULL && supply->type != PC_NONE && !pc_record_is_number(supply->type)) {
        PC_TRY(pc_problem_at(loader, def->supply.path, "type", "expected days, a number, not %s",
                             pc_type_name(supply->type)));
    }
    if (def->combine_most == 0 || def->per.count != 1) return PC_OK;
    typed->out.column[PC_VALUE_COLUMN].type = PC_INT;
    pc_record_column *per = &typed->out.column[typed->per[0]];
    per->system = -1;
    if (per->type == PC_NONE || pc_record_is_text(per->type)) {
        per->type = PC_TEXT;
        return PC_OK;
    }
    return pc_problem_at(loader, def->path, "type", "'combine' joins texts: '%s' is %s, use CAST",
                         per->name, pc_type_name(per->type));
}
