/** UNION, INTERSECT and EXCEPT, VALUES, and their ORDER BY. A row of the same patient on both sides
 *  is found within its slot; other rows are put together over all ranks, and then each side is
 *  protected by itself first, as if it had been asked alone. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "parcours/release.h"
#include "plan_private.h"

static const pc_field PATIENTS = {.name = "patients", .type = PC_INT};
static const pc_field COUNTED = {.name = "count", .type = PC_INT};

/** The queries that are put together, and the columns that all of them get. */
typedef struct branches {
    pc_sql_job *job;
    pc_binder binder; ///< for casts
    int count;
    pc_sql_relation rel[PC_MAX_PLAN_INPUTS];
    int visible_count;
    int column_count; ///< visible ones, numbers of patients, which side, patients behind
    pc_field *field;
    pc_sql_info *info;
    int number_count; ///< columns that are numbers of patients, behind the visible ones
    int *number_of;   ///< [number_count] the visible column
    int side;         ///< column that says which side, or -1
    int patients;     ///< column of the patients behind a row, or -1
} branches;

static pc_status fail(branches *b, const char *sentence)
{
    return pc_bind_fail(&b->binder, -1, PC_BAD_JOB, "%s", sentence);
}

static const cJSON *arm_of(const cJSON *select, const char *name)
{
    const cJSON *arm = pc_node_get(select, name);
    const cJSON *wrapped = pc_node_get(arm, "SelectStmt");
    return wrapped != NULL ? wrapped : arm;
}

static bool has_order(const cJSON *select)
{
    return pc_node_get(select, "sortClause") != NULL || pc_node_get(select, "limitCount") != NULL ||
           pc_node_get(select, "limitOffset") != NULL || pc_node_get(select, "withClause") != NULL;
}

static bool same_operation(const cJSON *a, const cJSON *b)
{
    const char *op = pc_node_text(a, "op");
    const char *other = pc_node_text(b, "op");
    return other != NULL && strcmp(op, other) == 0 &&
           pc_node_bool(a, "all") == pc_node_bool(b, "all");
}

// The arms of a chain of UNIONs of one kind are one union. As deep as the chain, which is bounded.
static pc_status plan_arms(branches *b, const cJSON *select, const cJSON *arm,
                           const pc_sql_with *with)
{
    const bool is_union = strcmp(pc_node_text(select, "op"), "SETOP_UNION") == 0;
    if (is_union && same_operation(select, arm) && !has_order(arm) &&
        b->count + 2 <= PC_MAX_PLAN_INPUTS - 1) {
        PC_TRY(plan_arms(b, select, arm_of(arm, "larg"), with));
        return plan_arms(b, select, arm_of(arm, "rarg"), with);
    }
    if (b->count == PC_MAX_PLAN_INPUTS) {
        return pc_bind_fail(&b->binder, -1, PC_UNSUPPORTED, "a union has at most %d parts",
                            PC_MAX_PLAN_INPUTS);
    }
    pc_sql_relation *r = &b->rel[b->count++];
    *r = (pc_sql_relation){.patients = -1};
    return pc_sql_plan_query(b->job, arm, NULL, with, r);
}

static const pc_field *field_of(const pc_sql_relation *r, int column)
{
    return &r->plan->schema.field[column];
}

// A constant of the branch's own projection, such as NULL or a text in quotes.
static const pc_expr *constant_of(const pc_sql_relation *r, int column)
{
    if (r->plan->kind != PC_PLAN_PROJECT) return NULL;
    const pc_expr *x = r->plan->of.project.expr[column];
    return x->kind == PC_EXPR_CONSTANT ? x : NULL;
}

// The type that column `at` of all branches is brought to.
static pc_status find_type(branches *b, int at)
{
    const pc_expr *x[PC_MAX_PLAN_INPUTS];
    int count = 0;
    uint8_t width = 0;
    for (int i = 0; i < b->count; i++) {
        const pc_expr *constant = constant_of(&b->rel[i], at);
        if (field_of(&b->rel[i], at)->width > width) width = field_of(&b->rel[i], at)->width;
        if (constant != NULL && constant->constant.is_null) continue;
        PC_TRY(pc_expr_column(at, field_of(&b->rel[i], at), 0, b->job->arena, &x[count++],
                              b->job->err));
    }
    b->field[at] = *field_of(&b->rel[0], at);
    bool all_ids = count > 0;
    for (int i = 0; i < count; i++) {
        all_ids = all_ids && x[i]->type == PC_ID;
    }
    if (all_ids) { // stay what they are: no dictionary
        b->field[at].type = PC_ID;
        b->field[at].width = width;
        return PC_OK;
    }
    if (count == 0) return PC_OK;
    PC_TRY(pc_common_type(&b->binder, x, count, -1, "a set operation", &b->field[at].type,
                          &b->field[at].scale));
    b->field[at].width = b->field[at].type == PC_ID ? width : 0;
    return PC_OK;
}

static void merge_info(branches *b, int at)
{
    pc_sql_info *info = &b->info[at];
    *info = b->rel[0].info[at];
    info->patient_key = -1;
    for (int i = 1; i < b->count; i++) {
        const pc_sql_info *other = &b->rel[i].info[at];
        info->is_identifier = info->is_identifier || other->is_identifier;
        info->names_patient = info->names_patient || other->names_patient;
        info->is_cell = info->is_cell || other->is_cell;
        if (info->system != other->system) info->system = -1;
    }
}

static bool all_have_number(const branches *b, int at)
{
    for (int i = 0; i < b->count; i++) {
        if (b->rel[i].people != PC_SQL_ONE || b->rel[i].info[at].patient_key < 0) return false;
    }
    return true;
}

static pc_status lay_out(branches *b, bool needs_side)
{
    b->visible_count = b->rel[0].visible_count;
    const size_t room = 2 * (size_t)b->visible_count + 3;
    b->field = pc_arena_array(b->job->arena, room, sizeof *b->field, b->job->err);
    b->info = pc_arena_array(b->job->arena, room, sizeof *b->info, b->job->err);
    b->number_of = pc_arena_array(b->job->arena, room, sizeof *b->number_of, b->job->err);
    if (b->field == NULL || b->info == NULL || b->number_of == NULL) return PC_NO_MEMORY;
    b->column_count = b->visible_count;
    for (int i = 0; i < b->visible_count; i++) {
        PC_TRY(find_type(b, i));
        merge_info(b, i);
        if (!all_have_number(b, i)) continue;
        b->info[i].patient_key = b->column_count;
        b->number_of[b->number_count++] = i;
        b->info[b->column_count] = (pc_sql_info){.system = -1, .patient_key = -1};
        b->field[b->column_count++] = (pc_field){.name = "patient", .type = PC_KEY};
    }
    const pc_sql_info plain = {.system = -1, .patient_key = -1};
    b->side = -1;
    if (needs_side) {
        b->side = b->column_count;
        b->info[b->column_count] = plain;
        b->field[b->column_count++] = (pc_field){.name = "side", .type = PC_INT};
    }
    b->patients = -1;
    for (int i = 0; i < b->count; i++) {
        if (b->rel[i].patients >= 0) b->patients = b->column_count;
    }
    if (b->patients < 0) return PC_OK;
    b->info[b->column_count] = plain;
    b->field[b->column_count++] = PATIENTS;
    return PC_OK;
}

static pc_status cast_column(branches *b, const pc_sql_relation *r, int at, const pc_expr **out)
{
    const pc_expr *constant = constant_of(r, at);
    if (constant != NULL && constant->constant.is_null) {
        const pc_value null = {
            .type = b->field[at].type, .scale = b->field[at].scale, .is_null = true};
        PC_TRY(pc_expr_constant(&null, 0, b->job->arena, out, b->job->err));
        ((pc_expr *)*out)->width = b->field[at].width;
        return PC_OK;
    }
    PC_TRY(pc_expr_column(at, field_of(r, at), 0, b->job->arena, out, b->job->err));
    if (b->field[at].type == PC_ID) return PC_OK;
    if (field_of(r, at)->type ==
        PC_ID) { // fixed bytes beside texts: its texts, as numbers of words
        const pc_expr *id = *out;
        return pc_make_call(&b->binder, PC_FN_COALESCE, b->field[at].type, 0, 0, &id, 1, NULL, out);
    }
    return pc_bring_to(&b->binder, *out, b->field[at].type, b->field[at].scale, out);
}

// A branch with the columns of all.
static pc_status project_branch(branches *b, int branch, const pc_plan **out)
{
    const pc_sql_relation *r = &b->rel[branch];
    const pc_expr **expr =
        pc_arena_array(b->job->arena, (size_t)b->column_count + 1, sizeof *expr, b->job->err);
    if (expr == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < b->visible_count; i++) {
        PC_TRY(cast_column(b, r, i, &expr[i]));
    }
    for (int i = 0; i < b->number_count; i++) {
        const int number = r->info[b->number_of[i]].patient_key;
        PC_TRY(pc_expr_column(number, field_of(r, number), 0, b->job->arena,
                              &expr[b->visible_count + i], b->job->err));
    }
    if (b->side >= 0) PC_TRY(pc_make_int(&b->binder, branch, &expr[b->side]));
    if (b->patients >= 0 && r->patients >= 0) {
        PC_TRY(pc_expr_column(r->patients, field_of(r, r->patients), 0, b->job->arena,
                              &expr[b->patients], b->job->err));
    } else if (b->patients >= 0) {
        PC_TRY(pc_make_int(&b->binder, 0, &expr[b->patients]));
    }
    const pc_plan made = {.kind = PC_PLAN_PROJECT,
                          .schema = {b->column_count, b->field},
                          .of.project = {b->column_count, expr}};
    *out = r->plan;
    return pc_sql_add_node(b->job, &made, out);
}

static pc_status column(branches *b, int at, const pc_schema *schema, const pc_expr **out)
{
    return pc_expr_column(at, &schema->field[at], 0, b->job->arena, out, b->job->err);
}

// Rows of patients as groups of equal rows, those of few patients left out.
static pc_status protect_branch(branches *b, pc_sql_relation *r)
{
    const int count = r->visible_count;
    pc_sql_job *job = b->job;
    pc_field *field = pc_arena_array(job->arena, (size_t)count + 2, sizeof *field, job->err);
    const pc_expr **key = pc_arena_array(job->arena, (size_t)count + 1, sizeof *key, job->err);
    pc_aggregate *counted = pc_arena_take(job->arena, sizeof *counted, job->err);
    if (field == NULL || key == NULL || counted == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = *field_of(r, i);
        PC_TRY(column(b, i, &r->plan->schema, &key[i]));
        if (!r->info[i].is_identifier) continue;
        job->traits.returns_identifier = true;
        if (job->traits.why == NULL) job->traits.why = field[i].name;
    }
    field[count] = PATIENTS;
    *counted =
        (pc_aggregate){.function = PC_COUNT_PATIENTS, .field = PATIENTS, .separator = {"", 0}};
    const pc_plan group = {
        .kind = PC_PLAN_AGGREGATE,
        .schema = {count + 1, field},
        .of.aggregate = {
            .key_count = count, .key = key, .aggregate_count = 1, .aggregate = counted}};
    PC_TRY(pc_sql_add_node(job, &group, &r->plan));
    const pc_expr *both[2];
    const pc_expr *many;
    PC_TRY(column(b, count, &r->plan->schema, &both[0]));
    PC_TRY(pc_make_int(&b->binder, PC_MIN_PATIENTS, &both[1]));
    PC_TRY(pc_make_compare(&b->binder, PC_FN_GREATER_EQUAL, both[0], both[1], 0, -1, &many));
    const pc_plan filter = {.kind = PC_PLAN_FILTER, .of.filter = {many}};
    r->people = PC_SQL_GROUPS;
    r->patients = count;
    return pc_sql_add_node(job, &filter, &r->plan);
}

static bool all_of_one(const branches *b)
{
    for (int i = 0; i < b->count; i++) {
        if (b->rel[i].people != PC_SQL_ONE || b->rel[i].plan->spread != PC_SPREAD_SLOTS) {
            return false;
        }
    }
    return true;
}

// Each side is protected by itself where rows of several patients are put together.
static pc_status protect_branches(branches *b, bool keeps_all)
{
    bool has_number = false;
    for (int i = 0; i < b->visible_count && all_of_one(b); i++) {
        has_number = has_number || all_have_number(b, i);
    }
    const bool stays_in_slots = all_of_one(b) && (keeps_all || has_number);
    if (!b->job->protect || stays_in_slots) return PC_OK;
    for (int i = 0; i < b->count; i++) {
        if (b->rel[i].people != PC_SQL_ONE) continue;
        if (keeps_all) {
            b->job->traits.returns_rows = true; // rows of patients among others
        } else {
            PC_TRY(protect_branch(b, &b->rel[i]));
        }
    }
    return PC_OK;
}

static pc_status make_union(branches *b, const pc_plan **out)
{
    const pc_plan **input =
        pc_arena_array(b->job->arena, PC_MAX_PLAN_INPUTS, sizeof *input, b->job->err);
    if (input == NULL) return PC_NO_MEMORY;
    const bool in_slots = all_of_one(b);
    for (int i = 0; i < b->count; i++) {
        PC_TRY(project_branch(b, i, &input[i]));
        if (!in_slots && input[i]->spread != PC_SPREAD_WHOLE) {
            PC_TRY(pc_sql_share(b->job, &input[i]));
        }
    }
    const pc_plan made = {.kind = PC_PLAN_UNION,
                          .schema = {b->column_count, b->field},
                          .of.all = {b->count - 1, input + 1}};
    *out = input[0];
    return pc_sql_add_node(b->job, &made, out);
}

// Rows of one side, or the least patients behind a row that has some.
static pc_status make_aggregate(branches *b, const pc_schema *in, int side, pc_aggregate *out)
{
    const pc_expr *both[2];
    *out = (pc_aggregate){.function = PC_COUNT_ROWS, .field = COUNTED, .separator = {"", 0}};
    if (side >= 0) {
        PC_TRY(column(b, b->side, in, &both[0]));
        PC_TRY(pc_make_int(&b->binder, side, &both[1]));
        return pc_make_compare(&b->binder, PC_FN_EQUAL, both[0], both[1], 0, -1, &out->filter);
    }
    *out = (pc_aggregate){.function = PC_MIN, .field = PATIENTS, .separator = {"", 0}};
    PC_TRY(column(b, b->patients, in, &out->arg));
    both[0] = out->arg;
    PC_TRY(pc_make_int(&b->binder, 0, &both[1]));
    return pc_make_compare(&b->binder, PC_FN_GREATER, both[0], both[1], 0, -1, &out->filter);
}

// Groups of equal rows: the keys, rows of each side if sides are asked for, the patients behind.
static pc_status group_rows(branches *b, const pc_plan **root)
{
    const pc_schema *in = &(*root)->schema;
    const int keys = b->visible_count + b->number_count;
    pc_aggregate *aggregate = pc_arena_array(b->job->arena, 3, sizeof *aggregate, b->job->err);
    const pc_expr **key = pc_arena_array(b->job->arena, (size_t)keys + 1, sizeof *key, b->job->err);
    pc_field *field = pc_arena_array(b->job->arena, (size_t)keys + 3, sizeof *field, b->job->err);
    if (aggregate == NULL || key == NULL || field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < keys; i++) {
        field[i] = b->field[i];
        PC_TRY(column(b, i, in, &key[i]));
    }
    int count = 0;
    for (int side = 0; side < 2 && b->side >= 0; side++) {
        PC_TRY(make_aggregate(b, in, side, &aggregate[count++]));
    }
    if (b->patients >= 0) PC_TRY(make_aggregate(b, in, -1, &aggregate[count++]));
    for (int i = 0; i < count; i++) {
        field[keys + i] = aggregate[i].field;
    }
    const pc_plan made = {.kind = PC_PLAN_AGGREGATE,
                          .schema = {keys + count, field},
                          .by_slot = b->number_count > 0 && (*root)->spread == PC_SPREAD_SLOTS,
                          .patient = b->visible_count,
                          .of.aggregate = {keys, key, count, aggregate, false, 0, false}};
    return pc_sql_add_node(b->job, &made, root);
}

// How often a row of INTERSECT or EXCEPT comes, from the rows of both sides.
static pc_status times_of(branches *b, const char *op, bool all, const pc_schema *in,
                          const pc_expr **out)
{
    const int first = b->visible_count + b->number_count;
    const bool intersects = strcmp(op, "SETOP_INTERSECT") == 0;
    const pc_expr *side[2];
    const pc_expr *zero;
    PC_TRY(column(b, first, in, &side[0]));
    PC_TRY(column(b, first + 1, in, &side[1]));
    if (all && intersects) {
        return pc_make_call(&b->binder, PC_FN_LEAST, PC_INT, 0, 0, side, 2, NULL, out);
    }
    if (all) return pc_make_binary(&b->binder, "-", side[0], side[1], -1, out);
    const pc_expr *both[2];
    PC_TRY(pc_make_int(&b->binder, 0, &zero));
    PC_TRY(pc_make_compare(&b->binder, PC_FN_GREATER, side[0], zero, 0, -1, &both[0]));
    PC_TRY(pc_make_compare(&b->binder, intersects ? PC_FN_GREATER : PC_FN_EQUAL, side[1], zero, 0,
                           -1, &both[1]));
    return pc_make_call(&b->binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, out);
}

// The columns of all branches again (without the side), and how often where rows repeat.
static pc_status settle_columns(branches *b, const pc_expr *times, const pc_plan **root)
{
    const pc_schema *in = &(*root)->schema;
    const int keys = b->visible_count + b->number_count;
    const size_t room = (size_t)keys + 3;
    const pc_expr **expr = pc_arena_array(b->job->arena, room, sizeof *expr, b->job->err);
    pc_field *field = pc_arena_array(b->job->arena, room, sizeof *field, b->job->err);
    if (expr == NULL || field == NULL) return PC_NO_MEMORY;
    int count = 0;
    for (; count < keys; count++) {
        field[count] = in->field[count];
        PC_TRY(column(b, count, in, &expr[count]));
    }
    if (b->patients >= 0) {
        const pc_expr *both[2];
        PC_TRY(column(b, in->field_count - 1, in, &both[0]));
        PC_TRY(pc_make_int(&b->binder, 0, &both[1]));
        PC_TRY(pc_make_call(&b->binder, PC_FN_COALESCE, PC_INT, 0, 0, both, 2, NULL, &expr[count]));
        b->patients = count;
        field[count++] = PATIENTS;
    }
    if (times != NULL) {
        expr[count] = times;
        field[count++] = COUNTED;
    }
    const pc_plan made = {
        .kind = PC_PLAN_PROJECT, .schema = {count, field}, .of.project = {count, expr}};
    PC_TRY(pc_sql_add_node(b->job, &made, root));
    if (times == NULL) return PC_OK;
    const pc_plan repeat = {.kind = PC_PLAN_REPEAT, .of.repeat = {count - 1}};
    return pc_sql_add_node(b->job, &repeat, root);
}

static pc_status combine(branches *b, const char *op, bool all, const pc_plan **root)
{
    const bool is_union = strcmp(op, "SETOP_UNION") == 0;
    PC_TRY(make_union(b, root));
    if (is_union && all) return PC_OK;
    PC_TRY(group_rows(b, root));
    if (is_union) return b->patients >= 0 ? settle_columns(b, NULL, root) : PC_OK;
    const pc_expr *times;
    PC_TRY(times_of(b, op, all, &(*root)->schema, &times));
    if (all) return settle_columns(b, times, root);
    const pc_plan filter = {.kind = PC_PLAN_FILTER, .of.filter = {times}};
    PC_TRY(pc_sql_add_node(b->job, &filter, root));
    return settle_columns(b, NULL, root);
}

static pc_sql_people people_of(const branches *b, const pc_plan *root)
{
    if (root->spread == PC_SPREAD_SLOTS) return PC_SQL_ONE;
    pc_sql_people most = PC_SQL_NOBODY;
    for (int i = 0; i < b->count; i++) {
        pc_sql_people people = b->rel[i].people;
        if (people == PC_SQL_ONE) people = PC_SQL_LOOSE;
        if (people > most) most = people;
    }
    return most;
}

// ORDER BY of a union: a number or name of an output.
static pc_status bind_item(pc_binder *b, const pc_sql_relation *r, const cJSON *body,
                           pc_sort_key *out)
{
    const cJSON *node = pc_node_get(body, "node");
    const char *direction = pc_node_text(body, "sortby_dir");
    const char *nulls = pc_node_text(body, "sortby_nulls");
    const cJSON *whole =
        pc_node_is(node, "A_Const") ? pc_node_get(pc_node_body(node), "ival") : NULL;
    const char *name = pc_node_is(node, "ColumnRef")
                           ? pc_node_name(pc_node_get(pc_node_body(node), "fields"))
                           : NULL;
    int at = whole == NULL ? -1 : pc_node_int(whole, "ival") - 1;
    for (int i = 0; i < r->visible_count && name != NULL && at < 0; i++) {
        if (strcasecmp(field_of(r, i)->name, name) == 0) at = i;
    }
    if (at < 0 || at >= r->visible_count) {
        return pc_bind_fail(b, pc_node_location(node), PC_BAD_JOB,
                            "ORDER BY of a set operation takes names and numbers of its columns");
    }
    const bool descending = strcmp(direction, "SORTBY_DESC") == 0;
    const bool first = strcmp(nulls, "SORTBY_NULLS_FIRST") == 0 ||
                       (descending && strcmp(nulls, "SORTBY_NULLS_DEFAULT") == 0);
    *out = (pc_sort_key){at, descending, first};
    return PC_OK;
}

// A column that is true for rows of hidden cells: they come last where cells decide.
static pc_status add_hidden(pc_sql_job *job, pc_binder *binder, pc_sql_relation *r, int *at)
{
    branches b = {.job = job, .binder = *binder};
    const pc_schema *in = &r->plan->schema;
    const int count = in->field_count;
    const pc_expr **expr = pc_arena_array(job->arena, (size_t)count + 2, sizeof *expr, job->err);
    pc_field *field = pc_arena_array(job->arena, (size_t)count + 2, sizeof *field, job->err);
    if (expr == NULL || field == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        field[i] = in->field[i];
        PC_TRY(column(&b, i, in, &expr[i]));
    }
    const pc_expr *bound[2];
    const pc_expr *both[2];
    PC_TRY(pc_make_int(binder, 0, &bound[0]));
    PC_TRY(pc_make_int(binder, PC_MIN_PATIENTS, &bound[1]));
    PC_TRY(pc_make_compare(binder, PC_FN_LESS, bound[0], expr[r->patients], 0, -1, &both[0]));
    PC_TRY(pc_make_compare(binder, PC_FN_LESS, expr[r->patients], bound[1], 0, -1, &both[1]));
    PC_TRY(pc_make_call(binder, PC_FN_AND, PC_BOOL, 0, 0, both, 2, NULL, &expr[count]));
    field[count] = (pc_field){.name = "?hidden?", .type = PC_BOOL};
    *at = count;
    const pc_plan made = {
        .kind = PC_PLAN_PROJECT, .schema = {count + 1, field}, .of.project = {count + 1, expr}};
    return pc_sql_add_node(job, &made, &r->plan);
}

// ORDER BY, LIMIT and OFFSET over the columns of a relation.
static pc_status order_rows(pc_sql_job *job, pc_binder *binder, const cJSON *select,
                            pc_sql_relation *r)
{
    const cJSON *list = pc_node_get(select, "sortClause");
    pc_plan sort = {.kind = PC_PLAN_SORT};
    pc_sort_key *key =
        pc_arena_array(job->arena, (size_t)cJSON_GetArraySize(list) + 2, sizeof *key, job->err);
    if (key == NULL) return PC_NO_MEMORY;
    int count = 0;
    int hidden = -1;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        PC_TRY(bind_item(binder, r, pc_node_body(item), &key[count]));
        if (hidden < 0 && r->patients >= 0 && r->info[key[count].column].is_cell) {
            PC_TRY(add_hidden(job, binder, r, &hidden));
            key[count + 1] = key[count];
            key[count++] = (pc_sort_key){.column = hidden};
        }
        count++;
    }
    PC_TRY(pc_sql_bind_count(binder, pc_node_get(select, "limitCount"), "LIMIT", -1,
                             &sort.of.sort.limit));
    PC_TRY(pc_sql_bind_count(binder, pc_node_get(select, "limitOffset"), "OFFSET", 0,
                             &sort.of.sort.offset));
    sort.of.sort.key_count = count;
    sort.of.sort.key = key;
    const bool cuts = sort.of.sort.limit >= 0 || sort.of.sort.offset > 0;
    if (job->depth > 1 && !cuts) return PC_OK;
    if (r->people == PC_SQL_ONE) r->people = PC_SQL_LOOSE;
    return pc_sql_add_node(job, &sort, &r->plan);
}

static pc_status finish(branches *b, const cJSON *select, const pc_plan *root, pc_sql_relation *out)
{
    bool *is_cell =
        pc_arena_array(b->job->arena, (size_t)b->column_count + 2, sizeof *is_cell, b->job->err);
    if (is_cell == NULL) return PC_NO_MEMORY;
    for (int i = 0; i < b->visible_count; i++) {
        is_cell[i] = b->info[i].is_cell;
    }
    *out = (pc_sql_relation){.plan = root,
                             .people = people_of(b, root),
                             .visible_count = b->visible_count,
                             .info = b->info,
                             .is_cell = is_cell,
                             .patients = b->patients};
    PC_TRY(order_rows(b->job, &b->binder, select, out));
    const bool leaves = b->job->depth == 1 && out->people != PC_SQL_NOBODY;
    if (out->people == PC_SQL_LOOSE || (leaves && out->people == PC_SQL_ONE)) {
        b->job->traits.returns_rows = true;
    }
    return PC_OK;
}

pc_status pc_sql_plan_union(pc_sql_job *job, const cJSON *select, const pc_sql_with *with,
                            pc_sql_relation *out)
{
    branches *b = pc_arena_take(job->arena, sizeof *b, job->err);
    if (b == NULL) return PC_NO_MEMORY;
    b->job = job;
    b->binder =
        (pc_binder){.text = job->text, .arena = job->arena, .err = job->err, .select = select};
    const char *op = pc_node_text(select, "op");
    const bool all = pc_node_bool(select, "all");
    const bool is_union = strcmp(op, "SETOP_UNION") == 0;
    PC_TRY(plan_arms(b, select, arm_of(select, "larg"), with));
    PC_TRY(plan_arms(b, select, arm_of(select, "rarg"), with));
    for (int i = 0; i < b->count; i++) {
        if (b->rel[i].visible_count == b->rel[0].visible_count) continue;
        return fail(b, "the parts of a set operation must have as many columns");
    }
    b->visible_count = b->rel[0].visible_count;
    PC_TRY(protect_branches(b, all));
    PC_TRY(lay_out(b, !is_union));
    const pc_plan *root;
    PC_TRY(combine(b, op, all, &root));
    return finish(b, select, root, out);
}

static pc_status bind_rows(pc_sql_planner *p, const cJSON *lists, int column_count,
                           const pc_expr **value)
{
    int at = 0;
    const cJSON *list;
    cJSON_ArrayForEach(list, lists)
    {
        const cJSON *items = pc_node_get(pc_node_body(list), "items");
        if (cJSON_GetArraySize(items) != column_count) {
            return pc_bind_fail(&p->binder, pc_node_location(items), PC_BAD_JOB,
                                "the rows of VALUES must have as many columns");
        }
        const cJSON *node;
        cJSON_ArrayForEach(node, items)
        {
            PC_TRY(pc_bind_node(&p->binder, node, &value[at++]));
        }
    }
    return PC_OK;
}

static pc_status type_column(pc_sql_planner *p, const pc_expr **value, int row_count,
                             int column_count, int at, pc_field *field)
{
    char name[32];
    const pc_expr **x = pc_arena_array(p->arena, (size_t)row_count, sizeof *x, p->err);
    if (x == NULL) return PC_NO_MEMORY;
    for (int row = 0; row < row_count; row++) {
        x[row] = value[row * column_count + at];
    }
    *field = (pc_field){0};
    PC_TRY(pc_common_type(&p->binder, x, row_count, -1, "VALUES", &field->type, &field->scale));
    if (field->type == PC_NONE || field->type == PC_ID) field->type = PC_CODE;
    for (int row = 0; row < row_count; row++) {
        PC_TRY(pc_bring_to(&p->binder, x[row], field->type, field->scale,
                           &value[row * column_count + at]));
    }
    (void)snprintf(name, sizeof name, "column%d", at + 1);
    field->name = pc_arena_text(p->arena, name, strlen(name), p->err);
    return field->name == NULL ? PC_NO_MEMORY : PC_OK;
}

pc_status pc_sql_plan_values(pc_sql_job *job, const cJSON *select, const pc_sql_with *with,
                             pc_sql_relation *out)
{
    pc_sql_planner *p = pc_arena_take(job->arena, sizeof *p, job->err);
    if (p == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_sql_open_planner(p, job, NULL, with));
    const cJSON *lists = pc_node_get(select, "valuesLists");
    const int rows = cJSON_GetArraySize(lists);
    const int columns =
        cJSON_GetArraySize(pc_node_get(pc_node_body(cJSON_GetArrayItem(lists, 0)), "items"));
    const size_t cells = (size_t)rows * (size_t)columns + 1;
    const pc_expr **value = pc_arena_array(job->arena, cells, sizeof *value, job->err);
    pc_field *field = pc_arena_array(job->arena, (size_t)columns + 1, sizeof *field, job->err);
    pc_sql_info *info = pc_arena_array(job->arena, (size_t)columns + 1, sizeof *info, job->err);
    bool *is_cell = pc_arena_array(job->arena, (size_t)columns + 2, sizeof *is_cell, job->err);
    if (value == NULL || field == NULL || info == NULL || is_cell == NULL) return PC_NO_MEMORY;
    PC_TRY(bind_rows(p, lists, columns, value));
    for (int i = 0; i < columns; i++) {
        info[i] = (pc_sql_info){.system = -1, .patient_key = -1};
        PC_TRY(type_column(p, value, rows, columns, i, &field[i]));
    }
    const pc_plan made = {.kind = PC_PLAN_VALUES,
                          .schema = {columns, field},
                          .spread = PC_SPREAD_WHOLE,
                          .of.values = {rows, value}};
    *out = (pc_sql_relation){
        .visible_count = columns, .info = info, .is_cell = is_cell, .patients = -1};
    PC_TRY(pc_sql_add_node(job, &made, &out->plan));
    return order_rows(job, &p->binder, select, out);
}
