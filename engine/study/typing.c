// What columns every timeline has, and the SQL of every definition bound to them.
#include "typing.h"
#include <string.h>

bool pc_record_is_text(pc_type type)
{
    return type == PC_CODE || type == PC_TEXT || type == PC_ID;
}

bool pc_record_is_number(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT;
}

void pc_type_add_name(pc_record_schema *schema, const char *name)
{
    int at = PC_ATTRIBUTE;
    while (at < schema->count && strcmp(schema->column[at].name, name) < 0)
        at++;
    if (at < schema->count && strcmp(schema->column[at].name, name) == 0) return;
    if (pc_record_find(schema, name) >= 0) return;
    memmove(&schema->column[at + 1], &schema->column[at],
            (size_t)(schema->count - at) * sizeof *schema->column);
    schema->column[at] = (pc_record_column){.name = name, .system = -1};
    schema->count++;
}

static pc_status open_schema(pc_loader *loader, int attribute_count, pc_record_schema *out)
{
    static const char *const name[PC_ATTRIBUTE] = {"start_date", "end_date", "code", "value",
                                                   "stay"};
    out->column = pc_arena_array(loader->study->arena, (size_t)(PC_ATTRIBUTE + attribute_count),
                                 sizeof *out->column, loader->err);
    if (out->column == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < PC_ATTRIBUTE; i++) {
        out->column[i] = (pc_record_column){.name = name[i], .system = -1};
    }
    out->column[PC_START].type = out->column[PC_END].type = PC_DATE;
    out->column[PC_START].class_of = out->column[PC_END].class_of = PC_CLASS_QUASI;
    out->column[PC_STAY_COLUMN].class_of = PC_CLASS_PATIENT;
    out->count = PC_ATTRIBUTE;
    return PC_OK;
}

/** Makes `into` a column that also holds values of `from`. False: they do not go together. */
static bool unite(pc_record_column *into, const pc_record_column *from, bool is_first)
{
    if (from->type == PC_NONE) return true;
    into->system =
        is_first || into->type == PC_NONE || into->system == from->system ? from->system : -1;
    if (from->class_of > into->class_of) into->class_of = from->class_of;
    if (into->type == PC_NONE) {
        into->type = from->type;
        into->scale = from->scale;
        return true;
    }
    if (pc_record_is_text(into->type) && pc_record_is_text(from->type)) {
        into->type = PC_TEXT;
        return true;
    }
    if (pc_record_is_number(into->type) && pc_record_is_number(from->type)) {
        // Whole numbers and decimals meet in the finest scale, with a float in floats.
        if (into->type == PC_FLOAT || from->type == PC_FLOAT) {
            into->type = PC_FLOAT;
            into->scale = 0;
        } else if (into->type == PC_DECIMAL || from->type == PC_DECIMAL) {
            into->type = PC_DECIMAL;
            if (from->scale > into->scale) into->scale = from->scale;
        }
        return true;
    }
    return into->type == from->type;
}

/** The columns of what `from` gives: those of all its timelines together. */
static pc_status type_input(pc_loader *loader, const pc_def *def, pc_record_schema *in)
{
    int attributes = 0;
    for (int i = 0; i < def->from_count; i++) {
        attributes += def->from[i]->def->typed->out.count - PC_ATTRIBUTE;
    }
    PC_TRY(open_schema(loader, attributes, in));
    for (int i = 0; i < def->from_count; i++) {
        const pc_record_schema *from = &def->from[i]->def->typed->out;
        for (int k = PC_ATTRIBUTE; k < from->count; k++)
            pc_type_add_name(in, from->column[k].name);
    }
    for (int i = 0; i < def->from_count; i++) {
        const pc_record_schema *from = &def->from[i]->def->typed->out;
        for (int k = PC_CODE_COLUMN; k < from->count; k++) {
            pc_record_column *into = &in->column[pc_record_find(in, from->column[k].name)];
            if (unite(into, &from->column[k], i == 0)) continue;
            PC_TRY(pc_problem_at(loader, def->from[i]->path, "type",
                                 "'%s' is %s here and %s in the timelines before",
                                 from->column[k].name, pc_type_name(from->column[k].type),
                                 pc_type_name(into->type)));
        }
    }
    return PC_OK;
}

pc_status pc_type_sql(pc_loader *loader, const pc_doc *doc, const pc_record_schema *schema,
                      const pc_sql_text *text, pc_type wanted, pc_record_sql *out)
{
    *out = (pc_record_sql){0};
    if (text->text == NULL) return PC_OK;
    pc_record_scope scope;
    pc_record_scope_open(&scope, loader->study, doc, schema, loader->study->arena);
    PC_TRY(pc_bind_or_tell(loader, &scope.scope, text, wanted, &out->expr));
    if (out->expr == NULL) return PC_OK;
    const int count = pc_record_scope_count(schema, scope.person);
    out->used = pc_arena_array(loader->study->arena, (size_t)count, sizeof *out->used, loader->err);
    if (out->used == NULL) return PC_NO_MEMORY;
    pc_expr_columns(out->expr, out->used);
    return PC_OK;
}

pc_class pc_type_class(const pc_study *study, const pc_record_schema *schema,
                       const pc_record_sql *sql)
{
    const pc_model_table *person = &study->model->table[study->model->person_table];
    pc_class highest = PC_CLASS_PLAIN;
    for (int i = 0; sql->expr != NULL && i < schema->count + 2 + person->column_count; i++) {
        if (!sql->used[i] || i == schema->count || i == schema->count + 1) continue;
        const pc_class here = i < schema->count ? schema->column[i].class_of
                                                : person->column[i - schema->count - 2].class_of;
        if (here > highest) highest = here;
    }
    return highest;
}

static void set_column(pc_record_schema *schema, int column, const pc_expr *expr, int system,
                       pc_class class_of)
{
    pc_record_column *out = &schema->column[column];
    if (expr == NULL) return;
    out->type = pc_record_is_text(expr->type) ? PC_TEXT : expr->type;
    out->scale = expr->scale;
    out->system = system;
    out->class_of = class_of;
}

/** Refuses types that a record cannot carry. */
static pc_status check_type(pc_loader *loader, const pc_sql_text *text, const pc_expr *expr,
                            bool is_value)
{
    if (expr == NULL) return PC_OK;
    if (is_value && expr->type != PC_NONE && !pc_record_is_number(expr->type)) {
        return pc_problem_at(loader, text->path, "type", "expected a number, not %s",
                             pc_type_name(expr->type));
    }
    if (expr->type != PC_KEY) return PC_OK;
    return pc_problem_at(loader, text->path, "type", "a key of the model cannot be kept");
}

pc_status pc_type_columns(pc_loader *loader, const pc_record_schema *schema, const pc_names *names,
                          const char *path, const char *key, int **out)
{
    *out =
        pc_arena_array(loader->study->arena, (size_t)names->count + 1, sizeof **out, loader->err);
    if (*out == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < names->count; i++) {
        (*out)[i] = pc_record_find(schema, names->name[i]);
        if ((*out)[i] >= 0) continue;
        (*out)[i] = PC_START;
        const char **known =
            pc_arena_array(loader->study->arena, (size_t)schema->count, sizeof *known, loader->err);
        if (known == NULL) return PC_NO_MEMORY;
        for (int k = 0; k < schema->count; k++)
            known[k] = schema->column[k].name;
        PC_TRY(pc_problem_at(loader, path, "name", "'%s': the record has no column '%.80s'%s", key,
                             names->name[i],
                             pc_did_you_mean(loader->study, names->name[i], known, schema->count)));
    }
    return PC_OK;
}

/** `same` and `different`: both records have the column, of types that compare. */
static pc_status bind_pairs(pc_loader *loader, const pc_condition *condition,
                            const pc_record_schema *anchor, const pc_record_schema *other,
                            const pc_names *names, const char *key, int **here, int **there)
{
    PC_TRY(pc_type_columns(loader, anchor, names, condition->path, key, here));
    PC_TRY(pc_type_columns(loader, other, names, condition->path, key, there));
    for (int i = 0; i < names->count; i++) {
        const pc_record_column *a = &anchor->column[(*here)[i]], *b = &other->column[(*there)[i]];
        const bool fits = a->type == PC_NONE || b->type == PC_NONE ||
                          (pc_record_is_text(a->type) && pc_record_is_text(b->type)) ||
                          (a->type == b->type && a->scale == b->scale);
        if (fits) continue;
        PC_TRY(pc_problem_at(loader, condition->path, "type", "'%s' is %s here and %s there",
                             names->name[i], pc_type_name(a->type), pc_type_name(b->type)));
    }
    return PC_OK;
}

/** The type of what a measure gives. */
static void type_of_measure(const pc_condition *measure, pc_bound *bound)
{
    const pc_record_schema *there =
        measure->timeline == NULL ? NULL : &measure->timeline->def->typed->out;
    switch (measure->verb) {
        case PC_VERB_SOME:
        case PC_VERB_NONE:
        case PC_VERB_COVERED_BY:
            bound->type = PC_BOOL;
            return;
        case PC_VERB_SUM:
            bound->type = there->column[PC_VALUE_COLUMN].type;
            bound->scale = there->column[PC_VALUE_COLUMN].scale;
            if (bound->type == PC_NONE) bound->type = PC_INT;
            return;
        case PC_VERB_SHARE_OF:
            bound->type = PC_FLOAT;
            return;
        case PC_VERB_FIRST:
        case PC_VERB_LAST:
            bound->type = bound->take < 0 ? PC_INT : there->column[bound->take].type;
            bound->scale = bound->take < 0 ? 0 : there->column[bound->take].scale;
            return;
        case PC_VERB_TAKE:
            bound->type = bound->sql.expr == NULL ? PC_NONE : bound->sql.expr->type;
            bound->scale = bound->sql.expr == NULL ? 0 : bound->sql.expr->scale;
            if (pc_record_is_text(bound->type)) bound->type = PC_TEXT;
            return;
        default:
            bound->type = PC_INT;
            return;
    }
}

/** A bound on a number: what a condition on `sum`, `first`, `last` compares must be one. */
static pc_status check_bound_type(pc_loader *loader, const pc_condition *condition,
                                  const pc_bound *bound)
{
    if (condition->name != NULL || (!condition->has_least && !condition->has_most)) return PC_OK;
    if (pc_record_is_number(bound->type) || bound->type == PC_NONE) return PC_OK;
    return pc_problem_at(loader, condition->path, "type", "a bound needs a number, not %s",
                         pc_type_name(bound->type));
}

static pc_status bind_condition(pc_typing *typing, pc_condition *condition,
                                const pc_record_schema *anchor, const pc_doc *doc)
{
    pc_loader *loader = &typing->loader;
    pc_bound *bound = pc_arena_take(loader->study->arena, sizeof *bound, loader->err);
    if (bound == NULL) return PC_NO_MEMORY;
    *bound = (pc_bound){.distinct = -1, .take = -1, .result = -1};
    condition->bound = bound;
    for (int i = 0; i < condition->child_count; i++) {
        PC_TRY(bind_condition(typing, condition->child[i], anchor, doc));
    }
    if (condition->sql.text != NULL) {
        PC_TRY(pc_type_sql(loader, doc, anchor, &condition->sql,
                           condition->verb == PC_VERB_WHERE ? PC_BOOL : PC_NONE, &bound->sql));
    }
    if (condition->during != NULL && condition->during->def != NULL) {
        PC_TRY(pc_type_def(typing, condition->during->def));
    }
    if (condition->timeline == NULL) {
        type_of_measure(condition, bound);
        return PC_OK;
    }
    if (condition->timeline->def == NULL) return PC_OK;
    PC_TRY(pc_type_def(typing, condition->timeline->def));
    if (condition->timeline->def->typed == NULL) return PC_OK;
    const pc_record_schema *there = &condition->timeline->def->typed->out;
    PC_TRY(bind_pairs(loader, condition, anchor, there, &condition->same, "same", &bound->same_here,
                      &bound->same_there));
    PC_TRY(bind_pairs(loader, condition, anchor, there, &condition->different, "different",
                      &bound->different_here, &bound->different_there));
    const char *named[] = {condition->distinct, condition->take};
    int *const column[] = {&bound->distinct, &bound->take};
    for (int i = 0; i < 2; i++) {
        if (named[i] == NULL) continue;
        const pc_names names = {1, &named[i]};
        int *found = NULL;
        PC_TRY(pc_type_columns(loader, there, &names, condition->path, i == 0 ? "distinct" : "take",
                               &found));
        *column[i] = found[0];
    }
    type_of_measure(condition, bound);
    return check_bound_type(loader, condition, bound);
}

/** Binds measures in the order of the file (looks first, then what is computed from them) and then
 *  the conditions. */
static pc_status bind_conditions(pc_typing *typing, pc_def *def)
{
    pc_record_schema *out = &def->typed->out;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < def->measure_count; i++) {
            pc_condition *measure = def->measure[i];
            if ((measure->verb == PC_VERB_TAKE) != (pass == 1)) continue;
            PC_TRY(bind_condition(typing, measure, out, def->doc));
            measure->bound->result = pc_record_find(out, measure->name);
            pc_record_column *column = &out->column[measure->bound->result];
            column->type = measure->bound->type;
            column->scale = measure->bound->scale;
            if (measure->verb == PC_VERB_TAKE) {
                column->class_of = pc_type_class(typing->loader.study, out, &measure->bound->sql);
            } else if (measure->bound->take >= 0) {
                column->class_of =
                    measure->timeline->def->typed->out.column[measure->bound->take].class_of;
            }
        }
    }
    for (int i = 0; i < def->require_count; i++) {
        PC_TRY(bind_condition(typing, def->require[i], out, def->doc));
    }
    return PC_OK;
}

/** The looks of a cohort's exits see what its conditions see. */
static pc_status bind_exits(pc_typing *typing, pc_def *def)
{
    for (int i = 0; i < def->exit_count; i++) {
        pc_condition *look = def->exit[i].look;
        if (look == NULL || look->timeline == NULL) continue;
        PC_TRY(bind_condition(typing, look, &def->typed->out, def->doc));
    }
    return PC_OK;
}

/** All names of the finished record, so that later stages do not move columns. */
static pc_status open_output(pc_loader *loader, pc_def *def, pc_typed *typed)
{
    const int extra = typed->in.count + def->keep_count + def->measure_count + def->per.count + 3;
    PC_TRY(open_schema(loader, extra, &typed->out));
    const bool is_kept = def->kind == PC_DEF_EVENT || def->kind == PC_DEF_COHORT;
    for (int i = PC_ATTRIBUTE; is_kept && i < typed->in.count; i++) {
        pc_type_add_name(&typed->out, typed->in.column[i].name);
    }
    for (int i = 0; i < def->keep_count; i++)
        pc_type_add_name(&typed->out, def->keep[i].name);
    if (def->codes_count > 0) pc_type_add_name(&typed->out, "family");
    const bool is_exposure = def->kind == PC_DEF_EXPOSURE;
    if (def->is_grouped || is_exposure) pc_type_add_name(&typed->out, "records");
    if (is_exposure) pc_type_add_name(&typed->out, "supplied");
    for (int i = 0; is_exposure && i < def->per.count; i++) {
        pc_type_add_name(&typed->out, def->per.name[i]);
    }
    if (def->exit_count > 0) pc_type_add_name(&typed->out, "exit_reason");
    if (def->kind == PC_DEF_MATCH) {
        pc_type_add_name(&typed->out, "role");
        pc_type_add_name(&typed->out, "set_id");
    }
    for (int i = 0; i < def->measure_count; i++) {
        const int before = typed->out.count;
        pc_type_add_name(&typed->out, def->measure[i]->name);
        if (typed->out.count != before) continue;
        PC_TRY(pc_problem_at(loader, def->measure[i]->path, "name",
                             "the record has a column '%s' already", def->measure[i]->name));
    }
    typed->family = def->codes_count > 0 ? pc_record_find(&typed->out, "family") : -1;
    typed->records = def->is_grouped || is_exposure ? pc_record_find(&typed->out, "records") : -1;
    typed->exit_reason = def->exit_count > 0 ? pc_record_find(&typed->out, "exit_reason") : -1;
    typed->from_in = pc_arena_array(loader->study->arena, (size_t)typed->out.count,
                                    sizeof *typed->from_in, loader->err);
    typed->keep = pc_arena_array(loader->study->arena, (size_t)def->keep_count + 1,
                                 sizeof *typed->keep, loader->err);
    typed->keep_column = pc_arena_array(loader->study->arena, (size_t)def->keep_count + 1,
                                        sizeof *typed->keep_column, loader->err);
    if (typed->from_in == NULL || typed->keep == NULL || typed->keep_column == NULL) {
        return PC_NO_MEMORY;
    }
    for (int i = 0; i < def->keep_count; i++) {
        typed->keep_column[i] = pc_record_find(&typed->out, def->keep[i].name);
    }
    for (int i = 0; i < typed->out.count; i++) {
        typed->from_in[i] = typed->in.count == 0 || !is_kept
                                ? -1
                                : pc_record_find(&typed->in, typed->out.column[i].name);
        if (typed->from_in[i] >= 0) typed->out.column[i] = typed->in.column[typed->from_in[i]];
    }
    if (typed->exit_reason >= 0) {
        typed->out.column[typed->exit_reason] =
            (pc_record_column){.name = "exit_reason", .type = PC_TEXT, .system = -1};
        typed->from_in[typed->exit_reason] = -1;
    }
    return PC_OK;
}

static pc_status type_table_event(pc_typing *typing, pc_def *def)
{
    pc_loader *loader = &typing->loader;
    pc_typed *typed = def->typed;
    pc_row_scope *row = NULL;
    PC_TRY(pc_row_scope_open(typing->catalog, def->table, loader->study->arena, &row, loader->err));
    pc_table_parts parts;
    PC_TRY(pc_table_bind(loader, def, row, NULL, &parts));
    set_column(&typed->out, PC_CODE_COLUMN, parts.code, parts.code_system, parts.class_of[0]);
    PC_TRY(check_type(loader, &def->value, parts.value, true));
    set_column(&typed->out, PC_VALUE_COLUMN, parts.value, -1, parts.class_of[1]);
    for (int i = 0; i < def->keep_count; i++) {
        PC_TRY(check_type(loader, &def->keep[i].sql, parts.keep[i], false));
        set_column(&typed->out, typed->keep_column[i], parts.keep[i], -1, parts.keep_class[i]);
    }
    int relation = -1, column = -1;
    PC_TRY(pc_row_scope_episode(row, &relation, &column, loader->err));
    if (relation >= 0) typed->out.column[PC_STAY_COLUMN].type = PC_KEY;
    return PC_OK;
}

/** Stage 1 of an event on timelines: SQL over the input record. */
static pc_status type_timeline_event(pc_typing *typing, pc_def *def)
{
    pc_loader *loader = &typing->loader;
    pc_typed *typed = def->typed;
    const pc_record_schema *in = &typed->in;
    PC_TRY(pc_type_sql(loader, def->doc, in, &def->where, PC_BOOL, &typed->where));
    PC_TRY(pc_type_sql(loader, def->doc, in, &def->code, PC_NONE, &typed->code));
    PC_TRY(pc_type_sql(loader, def->doc, in, &def->value, PC_NONE, &typed->value));
    PC_TRY(pc_type_sql(loader, def->doc, in, &def->start, PC_DATE, &typed->start));
    PC_TRY(pc_type_sql(loader, def->doc, in, &def->end, PC_DATE, &typed->end));
    if (typed->code.expr != NULL) {
        const pc_expr *expr = typed->code.expr;
        const int system = expr->kind == PC_EXPR_COLUMN && expr->column < in->count
                               ? in->column[expr->column].system
                               : -1;
        set_column(&typed->out, PC_CODE_COLUMN, expr, system,
                   pc_type_class(loader->study, in, &typed->code));
        if (!pc_record_is_text(expr->type)) {
            PC_TRY(pc_problem_at(loader, def->code.path, "type", "a code is a text: use CAST"));
        }
    }
    PC_TRY(check_type(loader, &def->value, typed->value.expr, true));
    set_column(&typed->out, PC_VALUE_COLUMN, typed->value.expr, -1,
               pc_type_class(loader->study, in, &typed->value));
    for (int i = 0; i < def->keep_count; i++) {
        PC_TRY(pc_type_sql(loader, def->doc, in, &def->keep[i].sql, PC_NONE, &typed->keep[i]));
        PC_TRY(check_type(loader, &def->keep[i].sql, typed->keep[i].expr, false));
        typed->from_in[typed->keep_column[i]] = -1;
        set_column(&typed->out, typed->keep_column[i], typed->keep[i].expr, -1,
                   pc_type_class(loader->study, in, &typed->keep[i]));
    }
    if (def->code.text != NULL) typed->from_in[PC_CODE_COLUMN] = -1;
    if (def->value.text != NULL) typed->from_in[PC_VALUE_COLUMN] = -1;
    return PC_OK;
}

static pc_status check_codes(pc_loader *loader, const pc_def *def)
{
    const pc_record_column *code = &def->typed->out.column[PC_CODE_COLUMN];
    if (def->codes_count == 0) return PC_OK;
    if (code->system < 0) {
        // A code whose own SQL is wrong has been told already.
        if (code->type == PC_NONE && def->code.text != NULL) return PC_OK;
        return pc_problem_at(loader, def->path, "codes",
                             "'codes' filters the code, which is of no one code system here");
    }
    for (int i = 0; i < def->codes_count; i++) {
        const pc_codes *codes = def->codes[i];
        if (codes->pattern_count == 0 ||
            ((codes->systems >> (code->system & 63)) & UINT64_C(1)) != 0) {
            continue;
        }
        PC_TRY(pc_problem_at(loader, def->path, "codes",
                             "the set '%s' has no code of %s, which the "
                             "code is of",
                             codes->name, loader->study->model->system[code->system].name));
    }
    return PC_OK;
}

static pc_status type_event(pc_typing *typing, pc_def *def)
{
    pc_loader *loader = &typing->loader;
    pc_typed *typed = def->typed;
    if (def->table >= 0) {
        PC_TRY(type_table_event(typing, def));
    } else {
        PC_TRY(type_timeline_event(typing, def));
    }
    if (typed->family >= 0) {
        typed->out.column[typed->family] =
            (pc_record_column){.name = "family", .type = PC_TEXT, .system = -1};
        typed->from_in[typed->family] = -1;
    }
    PC_TRY(check_codes(loader, def));
    PC_TRY(pc_type_columns(loader, &typed->out, &def->group, def->path, "group", &typed->group));
    if (typed->records >= 0) {
        typed->out.column[typed->records] =
            (pc_record_column){.name = "records", .type = PC_INT, .system = -1};
        typed->from_in[typed->records] = -1;
    }
    PC_TRY(pc_type_sql(loader, def->doc, &typed->out, &def->having, PC_BOOL, &typed->having));
    return pc_type_columns(loader, &typed->out, &def->per, def->path, "per", &typed->per);
}

/** True when all that `def` is made from has columns. */
static pc_status type_sources(pc_typing *typing, pc_def *def, bool *is_good)
{
    *is_good = true;
    for (int i = 0; i < def->from_count; i++) {
        pc_def *from = def->from[i]->def;
        if (from != NULL) PC_TRY(pc_type_def(typing, from));
        *is_good = *is_good && from != NULL && from->typed != NULL;
    }
    const bool is_given = def->kind == PC_DEF_EVERY || def->kind == PC_DEF_DATES ||
                          def->kind == PC_DEF_STUDY || def->kind == PC_DEF_OBSERVATION ||
                          def->kind == PC_DEF_DEATH;
    if (!is_given) *is_good = *is_good && (def->table >= 0 || def->from_count > 0);
    if (def->clip != NULL) {
        if (def->clip->def != NULL) PC_TRY(pc_type_def(typing, def->clip->def));
        *is_good = *is_good && def->clip->def != NULL && def->clip->def->typed != NULL;
    }
    return PC_OK;
}

pc_status pc_type_def(pc_typing *typing, pc_def *def)
{
    pc_loader *loader = &typing->loader;
    if (def->is_typed) return PC_OK;
    def->is_typed = true;
    bool is_good = false;
    PC_TRY(type_sources(typing, def, &is_good));
    if (!is_good) return PC_OK;
    pc_typed *typed = pc_arena_take(loader->study->arena, sizeof *typed, loader->err);
    if (typed == NULL) return PC_NO_MEMORY;
    // Of a period only the days count: columns that do not go together do no harm.
    const bool has_input =
        def->kind == PC_DEF_EVENT || def->kind == PC_DEF_COHORT || def->kind == PC_DEF_EXPOSURE;
    if (def->from_count > 0 && has_input) PC_TRY(type_input(loader, def, &typed->in));
    PC_TRY(open_output(loader, def, typed));
    def->typed = typed;
    if (def->kind == PC_DEF_EVENT) PC_TRY(type_event(typing, def));
    if (def->kind == PC_DEF_EXPOSURE) PC_TRY(pc_type_exposure(loader, def));
    if (def->kind == PC_DEF_MATCH) PC_TRY(pc_type_match(loader, def));
    PC_TRY(bind_exits(typing, def));
    return bind_conditions(typing, def);
}

pc_status pc_study_type(pc_typing *typing, pc_error *err)
{
    pc_study *study = typing->loader.study;
    typing->loader.err = err;
    pc_def *const given[] = {&study->given_study, &study->given_observation, &study->given_death};
    for (int i = 0; i < 3; i++)
        PC_TRY(pc_type_def(typing, given[i]));
    for (pc_def *def = study->doc[0]->defs; def != NULL; def = def->next) {
        PC_TRY(pc_type_def(typing, def));
    }
    for (int i = 0; i < study->statistic_count; i++) {
        PC_TRY(pc_type_statistic(typing, &study->statistic[i]));
    }
    for (int i = 0; i < study->export_count; i++) {
        PC_TRY(pc_type_export(typing, &study->exports[i]));
    }
    return PC_OK;
}
