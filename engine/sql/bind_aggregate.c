/** Aggregates beside count, sum, avg, min and max: which one a call is, its argument and its type.
 *  Shared by groups and windows. */
#include <string.h>
#include "sql_aggregate.h"

/** What a call looks like. */
typedef enum aggregate_form {
    OF_NUMBER,           ///< f(number), a float; DISTINCT is allowed
    OF_TRUTH,            ///< f(bool)
    OF_FRACTION,         ///< f(fraction) WITHIN GROUP (ORDER BY x)
    OF_ORDER,            ///< f() WITHIN GROUP (ORDER BY x)
    NUMBER_AND_FRACTION, ///< f(number, fraction)
    OF_ANY,              ///< f(x), an int
    OF_TEXTS             ///< f(text, separator ORDER BY text)
} aggregate_form;

static const struct {
    const char *name;
    pc_aggregate_function function;
    aggregate_form form;
} known[] = {{"stddev", PC_STDDEV_SAMP, OF_NUMBER},
             {"stddev_samp", PC_STDDEV_SAMP, OF_NUMBER},
             {"stddev_pop", PC_STDDEV_POP, OF_NUMBER},
             {"variance", PC_VAR_SAMP, OF_NUMBER},
             {"var_samp", PC_VAR_SAMP, OF_NUMBER},
             {"var_pop", PC_VAR_POP, OF_NUMBER},
             {"bool_and", PC_MIN, OF_TRUTH},
             {"every", PC_MIN, OF_TRUTH},
             {"bool_or", PC_MAX, OF_TRUTH},
             {"percentile_cont", PC_PERCENTILE_CONT, OF_FRACTION},
             {"percentile_disc", PC_PERCENTILE_DISC, OF_FRACTION},
             {"mode", PC_MODE, OF_ORDER},
             {"approx_percentile", PC_APPROX_PERCENTILE, NUMBER_AND_FRACTION},
             {"approx_count_distinct", PC_APPROX_DISTINCT, OF_ANY},
             {"string_agg", PC_STRING_AGG, OF_TEXTS}};
enum { KNOWN = sizeof known / sizeof known[0] };

bool pc_is_statistic(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (strcmp(known[i].name, name) == 0) return true;
    }
    return false;
}

/** A call being bound. */
typedef struct statistic {
    pc_binder *b;
    const cJSON *call;
    const char *name;
    int location;
    pc_aggregate *out;
} statistic;

static pc_status wrong(const statistic *s, const char *expected)
{
    return pc_bind_fail(s->b, s->location, PC_BAD_JOB, "%s: expected %s", s->name, expected);
}

static const cJSON *argument(const statistic *s, int i)
{
    return cJSON_GetArrayItem(pc_node_get(s->call, "args"), i);
}

static pc_status bind_number(const statistic *s, const cJSON *node)
{
    PC_TRY(pc_bind_typed(s->b, node, &s->out->arg));
    const pc_type type = s->out->arg->type;
    if (type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT) return PC_OK;
    return pc_bind_fail(s->b, s->location, PC_BAD_JOB, "%s of type %s does not exist", s->name,
                        pc_type_name(type));
}

static pc_status bind_fraction(const statistic *s, const cJSON *node)
{
    const pc_expr *x;
    PC_TRY(pc_bind_node(s->b, node, &x));
    PC_TRY(pc_bring_to(s->b, x, PC_FLOAT, 0, &x));
    if (x->kind != PC_EXPR_CONSTANT || x->constant.is_null || !(x->constant.real >= 0) ||
        !(x->constant.real <= 1)) {
        return wrong(s, "a constant fraction from 0 to 1");
    }
    s->out->fraction = x->constant.real;
    return PC_OK;
}

// ORDER BY of one value, in WITHIN GROUP or behind the arguments. Nulls are left out anyway.
static pc_status bind_order(const statistic *s, const cJSON **value)
{
    const cJSON *order = pc_node_get(s->call, "agg_order");
    if (cJSON_GetArraySize(order) != 1) return wrong(s, "ORDER BY one value");
    const cJSON *sort = pc_node_body(cJSON_GetArrayItem(order, 0));
    s->out->is_descending = strcmp(pc_node_text(sort, "sortby_dir"), "SORTBY_DESC") == 0;
    *value = pc_node_get(sort, "node");
    return PC_OK;
}

static void take_type_of_argument(const statistic *s)
{
    const pc_expr *arg = s->out->arg;
    s->out->field.type = arg->type;
    s->out->field.scale = arg->scale;
    s->out->field.width = arg->width;
}

static pc_status bind_within_group(const statistic *s, aggregate_form form)
{
    const cJSON *value;
    if (!pc_node_bool(s->call, "agg_within_group")) return wrong(s, "WITHIN GROUP (ORDER BY x)");
    PC_TRY(bind_order(s, &value));
    if (form == OF_FRACTION) PC_TRY(bind_fraction(s, argument(s, 0)));
    if (s->out->function == PC_PERCENTILE_CONT) {
        s->out->field.type = PC_FLOAT;
        return bind_number(s, value);
    }
    PC_TRY(pc_bind_typed(s->b, value, &s->out->arg));
    if (s->out->arg->type == PC_KEY) return wrong(s, "a value that has an order");
    take_type_of_argument(s);
    return PC_OK;
}

// The order of the texts must be that of what is joined: any other would not be known.
static pc_status bind_texts(const statistic *s)
{
    const pc_expr *by;
    const cJSON *value;
    if (pc_node_get(s->call, "agg_order") == NULL) {
        return pc_bind_fail(s->b, s->location, PC_UNSUPPORTED,
                            "string_agg needs ORDER BY the text that it joins: without it the "
                            "order of rows would show");
    }
    PC_TRY(bind_order(s, &value));
    PC_TRY(pc_bind_typed(s->b, argument(s, 0), &s->out->arg));
    PC_TRY(pc_bind_typed(s->b, value, &by));
    if (!pc_expr_equal(by, s->out->arg)) return wrong(s, "ORDER BY the text that is joined");
    if (!pc_type_is_text(by->type)) return wrong(s, "a text and a separator");
    PC_TRY(pc_bind_typed(s->b, argument(s, 1), &by));
    if (by->kind != PC_EXPR_CONSTANT || by->constant.is_null || !pc_type_is_text(by->type)) {
        return wrong(s, "a constant text as separator");
    }
    s->out->separator = by->constant.text;
    s->out->field.type = s->out->arg->type == PC_TEXT ? PC_TEXT : PC_CODE;
    return PC_OK;
}

static pc_status bind_form(const statistic *s, aggregate_form form)
{
    s->out->field.type = PC_FLOAT;
    switch (form) {
        case OF_NUMBER:
            return bind_number(s, argument(s, 0));
        case OF_TRUTH:
            s->out->field.type = PC_BOOL;
            return pc_bind_bool(s->b, argument(s, 0), &s->out->arg);
        case NUMBER_AND_FRACTION:
            PC_TRY(bind_number(s, argument(s, 0)));
            return bind_fraction(s, argument(s, 1));
        case OF_ANY:
            s->out->field.type = PC_INT;
            PC_TRY(pc_bind_typed(s->b, argument(s, 0), &s->out->arg));
            return s->out->arg->type == PC_KEY ? wrong(s, "a value, not a key") : PC_OK;
        case OF_TEXTS:
            return bind_texts(s);
        case OF_FRACTION:
        case OF_ORDER:
            break;
    }
    return bind_within_group(s, form);
}

pc_status pc_bind_statistic(pc_binder *b, const cJSON *call, const char *name, pc_aggregate *out)
{
    static const int arguments[] = {1, 1, 1, 0, 2, 1, 2}; // by form
    size_t at = 0;
    while (at + 1 < KNOWN && strcmp(known[at].name, name) != 0) {
        at++;
    }
    const aggregate_form form = known[at].form;
    const statistic s = {
        .b = b, .call = call, .name = name, .location = pc_node_int(call, "location"), .out = out};
    out->function = known[at].function;
    out->is_distinct = pc_node_bool(call, "agg_distinct");
    const int count = cJSON_GetArraySize(pc_node_get(call, "args"));
    if (count != arguments[form] || pc_node_bool(call, "agg_star")) {
        return pc_bind_fail(b, s.location, PC_BAD_JOB, "%s: expected %d arguments, found %d", name,
                            arguments[form], count);
    }
    if (out->is_distinct && form != OF_NUMBER && form != OF_TEXTS && form != OF_TRUTH) {
        return pc_bind_fail(b, s.location, PC_UNSUPPORTED, "%s(DISTINCT ...) is not offered", name);
    }
    const bool ordered = form == OF_FRACTION || form == OF_ORDER || form == OF_TEXTS;
    if (!ordered && pc_node_get(call, "agg_order") != NULL) {
        return pc_bind_fail(b, s.location, PC_UNSUPPORTED, "%s: ORDER BY inside is not offered",
                            name);
    }
    if (form == OF_TRUTH) out->is_distinct = false; // the same with it and without
    return bind_form(&s, form);
}

bool pc_shows_one_patient(const pc_aggregate *a)
{
    switch (a->function) {
        case PC_MIN:
        case PC_MAX:
        case PC_MODE:
        case PC_STRING_AGG:
            return true;
        case PC_PERCENTILE_CONT:
        case PC_PERCENTILE_DISC:
        case PC_APPROX_PERCENTILE:
            return a->fraction < PC_LEAST_FRACTION || a->fraction > 1 - PC_LEAST_FRACTION;
        default:
            return false;
    }
}

bool pc_is_percentile(const pc_aggregate *a)
{
    return a->function == PC_PERCENTILE_CONT || a->function == PC_PERCENTILE_DISC ||
           a->function == PC_APPROX_PERCENTILE;
}
