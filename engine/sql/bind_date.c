/** Functions of dates. */
#include <string.h>
#include "sql_call.h"

static const struct {
    const char *name;
    pc_date_part part;
} date_parts[] = {
    {"year", PC_PART_YEAR},
    {"years", PC_PART_YEAR},
    {"quarter", PC_PART_QUARTER},
    {"month", PC_PART_MONTH},
    {"week", PC_PART_WEEK},
    {"day", PC_PART_DAY},
    {"doy", PC_PART_DAY_OF_YEAR},
    {"dow", PC_PART_DAY_OF_WEEK},
    {"isodow", PC_PART_ISO_DAY_OF_WEEK},
    {"isoyear", PC_PART_ISO_YEAR},
    {"decade", PC_PART_DECADE},
    {"century", PC_PART_CENTURY},
    {"millennium", PC_PART_MILLENNIUM},
    {"epoch", PC_PART_EPOCH},
    {"julian", PC_PART_JULIAN},
};

static const pc_date_part *find_part(pc_span name)
{
    for (size_t i = 0; i < sizeof date_parts / sizeof date_parts[0]; i++) {
        if (pc_span_equal_nocase(name, pc_span_of(date_parts[i].name))) return &date_parts[i].part;
    }
    return NULL;
}

/** What a part is asked by, which decides its type as in PostgreSQL. */
typedef enum asking { AS_INT, AS_DECIMAL, AS_FLOAT, TRUNCATED } asking;

static bool truncates_to(pc_date_part part)
{
    switch (part) {
        case PC_PART_YEAR:
        case PC_PART_QUARTER:
        case PC_PART_MONTH:
        case PC_PART_WEEK:
        case PC_PART_DAY:
        case PC_PART_DECADE:
        case PC_PART_CENTURY:
        case PC_PART_MILLENNIUM:
            return true;
        default:
            return false;
    }
}

// Whole numbers as the type that they are asked by.
static pc_status as_asked(pc_sql_call *c, pc_function_id id, const pc_date_part *part, asking how,
                          const pc_expr **out)
{
    PC_TRY(pc_call_make(c, id, how == AS_DECIMAL ? PC_DECIMAL : PC_INT, 0, part, out));
    return how == AS_FLOAT ? pc_cast_to(c->b, *out, PC_FLOAT, 0, c->position, out) : PC_OK;
}

// extract(year FROM age(a, b)): years, months and days of the age, without an interval in between.
static pc_status bind_part_of_age(pc_sql_call *c, const cJSON *age, const pc_date_part *part,
                                  asking how, const pc_expr **out)
{
    const cJSON *args = pc_node_get(pc_node_body(age), "args");
    if (cJSON_GetArraySize(args) != 2) {
        return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                            "age of two days is offered: results must not depend on today");
    }
    if (*part != PC_PART_YEAR && *part != PC_PART_MONTH && *part != PC_PART_DAY) {
        return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                            "%s of age: expected year, month or day", c->name);
    }
    for (c->count = 0; c->count < 2; c->count++) {
        PC_TRY(pc_bind_node(c->b, cJSON_GetArrayItem(args, c->count), &c->arg[c->count]));
        PC_TRY(pc_call_bring(c, c->count, 'd'));
    }
    return as_asked(c, PC_FN_AGE_PART, part, how, out);
}

static bool is_age(const cJSON *node)
{
    if (!pc_node_is(node, "FuncCall")) return false;
    const char *name = pc_node_name(pc_node_get(pc_node_body(node), "funcname"));
    return name != NULL && strcmp(name, "age") == 0;
}

static pc_status bind_part(pc_sql_call *c, const pc_date_part *part, const cJSON *date, asking how,
                           const pc_expr **out)
{
    if (how != TRUNCATED && is_age(date)) return bind_part_of_age(c, date, part, how, out);
    PC_TRY(pc_bind_node(c->b, date, &c->arg[0]));
    c->count = 1;
    PC_TRY(pc_call_bring(c, 0, 'd'));
    if (how != TRUNCATED) return as_asked(c, PC_FN_DATE_PART, part, how, out);
    if (!truncates_to(*part)) {
        return pc_call_wrong(c, "millennium, century, decade, year, quarter, month, week or day");
    }
    return pc_call_make(c, PC_FN_DATE_TRUNC, PC_DATE, 0, part, out);
}

// extract(part FROM d), date_part('part', d), date_trunc('part', d).
static pc_status bind_named_part(pc_sql_call *c, asking how, const pc_expr **out)
{
    const cJSON *args = pc_node_get(c->body, "args");
    const pc_expr *name = NULL;
    if (cJSON_GetArraySize(args) == 2) {
        PC_TRY(pc_bind_node(c->b, cJSON_GetArrayItem(args, 0), &name));
    }
    if (name == NULL || !pc_is_literal(name)) return pc_call_wrong(c, "a part and a date");
    const pc_date_part *part = find_part(name->constant.text);
    if (part == NULL) {
        return pc_bind_fail(
            c->b, c->location, PC_UNSUPPORTED,
            "%s: expected one of year, quarter, month, week, day, doy, dow, isodow, "
            "isoyear, decade, century, millennium, epoch, julian",
            c->name);
    }
    return bind_part(c, part, cJSON_GetArrayItem(args, 1), how, out);
}

static pc_status bind_to_char(pc_sql_call *c, const pc_expr **out)
{
    if (c->count != 2) return pc_call_wrong(c, "a date and a format");
    if (c->arg[0]->type != PC_DATE) {
        return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                            "to_char is offered of dates; of numbers use a cast to text");
    }
    PC_TRY(pc_call_bring(c, 1, 't'));
    return pc_call_make(c, PC_FN_TO_CHAR, PC_CODE, 0, NULL, out);
}

// (start, end) OVERLAPS (start, end).
static pc_status bind_overlaps(pc_sql_call *c, const pc_expr **out)
{
    if (c->count != 4) return pc_call_wrong(c, "two periods");
    for (int i = 0; i < 4; i++) {
        PC_TRY(pc_call_bring(c, i, 'd'));
    }
    return pc_call_make(c, PC_FN_OVERLAPS, PC_BOOL, 0, NULL, out);
}

static pc_status bind_age(pc_sql_call *c, const pc_expr **out)
{
    pc_scope *scope = c->b->scope;
    if (c->count != 1) return pc_call_wrong(c, "one date");
    PC_TRY(pc_call_bring(c, 0, 'd'));
    const pc_expr *day = c->arg[0];
    c->arg[0] = NULL;
    PC_TRY(scope->column(scope, NULL, "birth_date", c->position, &c->arg[0], c->b->err));
    if (c->arg[0] == NULL) return pc_call_wrong(c, "a person with a birth_date here");
    c->arg[1] = day;
    c->count = 2;
    return pc_call_make(c, PC_FN_AGE_ON, PC_INT, 0, NULL, out);
}

pc_status pc_bind_date_part(pc_sql_call *c, bool *found, const pc_expr **out)
{
    static const struct {
        const char *name;
        asking how;
    } named[] = {{"extract", AS_DECIMAL}, {"date_part", AS_FLOAT}, {"date_trunc", TRUNCATED}};
    static const char *const single[] = {"year", "month", "week", "day", "quarter"};
    *found = true;
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (strcmp(c->name, named[i].name) == 0) return bind_named_part(c, named[i].how, out);
    }
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++) {
        if (strcmp(c->name, single[i]) != 0) continue;
        const cJSON *args = pc_node_get(c->body, "args");
        if (cJSON_GetArraySize(args) != 1) return pc_call_wrong(c, "one date");
        return bind_part(c, find_part(pc_span_of(c->name)), cJSON_GetArrayItem(args, 0), AS_INT,
                         out);
    }
    *found = false;
    return PC_OK;
}

pc_status pc_bind_date_function(pc_sql_call *c, bool *found, const pc_expr **out)
{
    static const struct {
        const char *name;
        pc_status (*bind)(pc_sql_call *c, const pc_expr **out);
    } known[] = {{"to_char", bind_to_char}, {"overlaps", bind_overlaps}, {"age_on", bind_age}};
    *found = true;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, c->name) == 0) return known[i].bind(c, out);
    }
    if (strcmp(c->name, "age") == 0) {
        return pc_bind_fail(
            c->b, c->location, PC_UNSUPPORTED,
            "age(a, b) is offered as extract(year FROM age(a, b)), of month and day "
            "too; a - b counts days");
    }
    *found = false;
    return PC_OK;
}
