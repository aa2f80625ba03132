/** Calls with OVER: which window function it is, its arguments, its frame. What rows a window has
 *  (PARTITION BY, ORDER BY) is the planner's: plan_window.c. */
#include <string.h>
#include "sql_aggregate.h"
#include "sql_window.h"

/** Window functions that are no aggregates. */
static const struct {
    const char *name;
    pc_window_function function;
    int least, most; ///< arguments
} known[] = {{"row_number", PC_WINDOW_ROW_NUMBER, 0, 0},
             {"rank", PC_WINDOW_RANK, 0, 0},
             {"dense_rank", PC_WINDOW_DENSE_RANK, 0, 0},
             {"percent_rank", PC_WINDOW_PERCENT_RANK, 0, 0},
             {"cume_dist", PC_WINDOW_CUME_DIST, 0, 0},
             {"ntile", PC_WINDOW_NTILE, 1, 1},
             {"lag", PC_WINDOW_LAG, 1, 3},
             {"lead", PC_WINDOW_LEAD, 1, 3},
             {"first_value", PC_WINDOW_FIRST_VALUE, 1, 1},
             {"last_value", PC_WINDOW_LAST_VALUE, 1, 1},
             {"nth_value", PC_WINDOW_NTH_VALUE, 2, 2}};

/** A call being bound. */
typedef struct window_call {
    pc_binder *b;
    const cJSON *call;
    const char *name;
    int location;
    pc_window_call *out;
} window_call;

static pc_status wrong(const window_call *w, const char *expected)
{
    return pc_bind_fail(w->b, w->location, PC_BAD_JOB, "%s: expected %s", w->name, expected);
}

static const cJSON *argument(const window_call *w, int i)
{
    return cJSON_GetArrayItem(pc_node_get(w->call, "args"), i);
}

static pc_status bind_whole_number(const window_call *w, int i, const pc_expr **out)
{
    PC_TRY(pc_bind_node(w->b, argument(w, i), out));
    if ((*out)->type == PC_NONE) PC_TRY(pc_bring_to(w->b, *out, PC_INT, 0, out));
    return (*out)->type == PC_INT ? PC_OK : wrong(w, "a whole number");
}

static void take_type(pc_window_call *c, const pc_expr *x)
{
    c->field.type = x->type;
    c->field.scale = x->scale;
    c->field.width = x->type == PC_ID ? x->width : 0;
}

// lag(x, n, other): x and other of one type.
static pc_status bind_missing(const window_call *w)
{
    const pc_expr *both[2] = {w->out->arg, NULL};
    pc_type type;
    uint8_t scale;
    PC_TRY(pc_bind_node(w->b, argument(w, 2), &both[1]));
    PC_TRY(pc_common_type(w->b, both, 2, w->location, w->name, &type, &scale));
    PC_TRY(pc_bring_to(w->b, both[0], type, scale, &w->out->arg));
    return pc_bring_to(w->b, both[1], type, scale, &w->out->missing);
}

static pc_status bind_plain(const window_call *w, pc_window_function function, int count)
{
    const bool is_share = function == PC_WINDOW_PERCENT_RANK || function == PC_WINDOW_CUME_DIST;
    const bool is_count_of = function == PC_WINDOW_NTILE;
    w->out->function = function;
    w->out->field.type = is_share ? PC_FLOAT : PC_INT;
    if (pc_node_get(w->call, "agg_filter") != NULL || pc_node_bool(w->call, "agg_distinct")) {
        return pc_bind_fail(w->b, w->location, PC_BAD_JOB,
                            "%s is no aggregate: FILTER and DISTINCT are not allowed in it",
                            w->name);
    }
    if (is_count_of) return bind_whole_number(w, 0, &w->out->second);
    if (count == 0) return PC_OK;
    PC_TRY(pc_bind_typed(w->b, argument(w, 0), &w->out->arg));
    if (w->out->arg->type == PC_KEY) return wrong(w, "a value, not a key");
    if (count > 1) PC_TRY(bind_whole_number(w, 1, &w->out->second));
    if (count > 2) PC_TRY(bind_missing(w));
    take_type(w->out, w->out->arg);
    return PC_OK;
}

static pc_status bind_sum(const window_call *w, pc_aggregate *a)
{
    const bool is_sum = strcmp(w->name, "sum") == 0;
    const bool is_mean = strcmp(w->name, "avg") == 0;
    const pc_type type = a->arg->type;
    if (!is_sum && !is_mean) { // min, max
        a->function = strcmp(w->name, "min") == 0 ? PC_MIN : PC_MAX;
        if (type == PC_KEY || type == PC_BOOL) return wrong(w, "a value that has an order");
        take_type(w->out, a->arg);
        return PC_OK;
    }
    if (type != PC_INT && type != PC_DECIMAL && type != PC_FLOAT) {
        return pc_bind_fail(w->b, w->location, PC_BAD_JOB, "%s of type %s does not exist", w->name,
                            pc_type_name(type));
    }
    a->function = is_sum ? PC_SUM : PC_AVG;
    take_type(w->out, a->arg);
    if (is_mean) w->out->field = (pc_field){.name = w->out->field.name, .type = PC_FLOAT};
    return PC_OK;
}

static pc_status bind_aggregate(const window_call *w, int count)
{
    pc_aggregate *a = &w->out->aggregate;
    const cJSON *filter = pc_node_get(w->call, "agg_filter");
    const bool is_count = strcmp(w->name, "count") == 0;
    w->out->function = PC_WINDOW_AGGREGATE;
    w->out->field.type = PC_INT;
    a->separator = (pc_span){"", 0};
    if (pc_node_bool(w->call, "agg_distinct") || pc_node_get(w->call, "agg_order") != NULL) {
        return pc_bind_fail(w->b, w->location, PC_UNSUPPORTED,
                            "%s: DISTINCT and ORDER BY are not offered in a window function",
                            w->name);
    }
    if (filter != NULL) PC_TRY(pc_bind_bool(w->b, filter, &a->filter));
    if (pc_is_statistic(w->name)) {
        a->field.name = w->name;
        PC_TRY(pc_bind_statistic(w->b, w->call, w->name, a));
        w->out->field = a->field;
        const bool slides = a->function == PC_MIN || a->function == PC_MAX ||
                            (a->function >= PC_VAR_POP && a->function <= PC_STDDEV_SAMP);
        if (slides) return PC_OK;
        return pc_bind_fail(w->b, w->location, PC_UNSUPPORTED, "%s is no window function", w->name);
    }
    if (is_count && pc_node_bool(w->call, "agg_star")) {
        a->function = PC_COUNT_ROWS;
    } else {
        if (count != 1) return wrong(w, "one argument");
        PC_TRY(pc_bind_typed(w->b, argument(w, 0), &a->arg));
        a->function = PC_COUNT;
        if (!is_count) PC_TRY(bind_sum(w, a));
    }
    a->field = w->out->field;
    return PC_OK;
}

pc_status pc_bind_window_function(pc_binder *b, const cJSON *call, const char *name,
                                  pc_window_call *out)
{
    static const char *const aggregates[] = {"count", "sum", "avg", "min", "max"};
    const window_call w = {b, call, name, pc_node_int(call, "location"), out};
    const int count = cJSON_GetArraySize(pc_node_get(call, "args"));
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(known[i].name, name) != 0) continue;
        if (count < known[i].least || count > known[i].most) {
            return pc_bind_fail(b, w.location, PC_BAD_JOB, "%s: expected %d arguments, found %d",
                                name, count < known[i].least ? known[i].least : known[i].most,
                                count);
        }
        return bind_plain(&w, known[i].function, count);
    }
    bool is_aggregate = pc_is_statistic(name);
    for (size_t i = 0; i < sizeof aggregates / sizeof aggregates[0]; i++) {
        is_aggregate = is_aggregate || strcmp(aggregates[i], name) == 0;
    }
    if (is_aggregate) return bind_aggregate(&w, count);
    const char *nearest = pc_nearest_function(name);
    return pc_bind_fail(b, w.location, PC_UNSUPPORTED,
                        "the window function %s is not offered%s%s%s", name,
                        nearest == NULL ? "" : "; did you mean ", nearest == NULL ? "" : nearest,
                        nearest == NULL ? "" : "?");
}

/** Bits of PostgreSQL's frame options (nodes/parsenodes.h). */
enum {
    FRAME_ROWS = 0x4,
    FRAME_GROUPS = 0x8,
    START_UNBOUNDED_PRECEDING = 0x20,
    END_UNBOUNDED_FOLLOWING = 0x100,
    START_CURRENT = 0x200,
    END_CURRENT = 0x400,
    START_PRECEDING = 0x800,
    END_PRECEDING = 0x1000,
    START_FOLLOWING = 0x2000,
    END_FOLLOWING = 0x4000,
    ANY_EXCLUSION = 0x38000
};

// The distance of an end of a frame: rows, groups, or what is added to the order key.
static pc_status read_offset(pc_binder *b, const cJSON *node, pc_frame_mode mode,
                             const pc_expr *key, int64_t *out)
{
    const int location = pc_node_location(node);
    if (pc_is_interval(node)) {
        int months;
        int days;
        PC_TRY(pc_read_interval(b, node, &months, &days));
        *out = days;
        if (mode == PC_FRAME_RANGE && key->type == PC_DATE && months == 0 && days >= 0)
            return PC_OK;
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "a RANGE of days takes an INTERVAL of days from 0 on");
    }
    const pc_expr *x;
    PC_TRY(pc_bind_node(b, node, &x));
    const bool by_key = mode == PC_FRAME_RANGE;
    if (by_key && key->type == PC_DATE) {
        return pc_bind_fail(b, location, PC_BAD_JOB,
                            "RANGE over a date takes an INTERVAL, as in INTERVAL '30 days'");
    }
    if (by_key && key->type == PC_DECIMAL) PC_TRY(pc_bring_to(b, x, PC_DECIMAL, key->scale, &x));
    const bool fits = x->type == PC_INT || (by_key && x->type == PC_DECIMAL);
    if (x->kind != PC_EXPR_CONSTANT || !fits || x->constant.is_null || x->constant.integer < 0) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED,
                            "the distance of a frame is a constant whole number from 0");
    }
    *out = x->constant.integer;
    return PC_OK;
}

static bool has_offset(pc_type type)
{
    return type == PC_INT || type == PC_DECIMAL || type == PC_FLOAT || type == PC_DATE;
}

pc_status pc_bind_frame(pc_binder *b, const cJSON *over, const pc_expr *key, int key_count,
                        pc_frame *out)
{
    const int bits = pc_node_int(over, "frameOptions");
    const int location = pc_node_int(over, "location");
    const bool by_offset =
        (bits & (START_PRECEDING | START_FOLLOWING | END_PRECEDING | END_FOLLOWING)) != 0;
    if ((bits & ANY_EXCLUSION) != 0) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "EXCLUDE is not offered");
    }
    *out = (pc_frame){.mode = (bits & FRAME_ROWS) != 0     ? PC_FRAME_ROWS
                              : (bits & FRAME_GROUPS) != 0 ? PC_FRAME_GROUPS
                                                           : PC_FRAME_RANGE};
    out->start = (bits & START_UNBOUNDED_PRECEDING) != 0 ? PC_END_UNBOUNDED
                 : (bits & START_CURRENT) != 0           ? PC_END_CURRENT
                                                         : PC_END_OFFSET;
    out->end = (bits & END_UNBOUNDED_FOLLOWING) != 0 ? PC_END_UNBOUNDED
               : (bits & END_CURRENT) != 0           ? PC_END_CURRENT
                                                     : PC_END_OFFSET;
    if (out->mode == PC_FRAME_GROUPS && key_count == 0) {
        return pc_bind_fail(b, location, PC_BAD_JOB, "GROUPS needs ORDER BY in the window");
    }
    if (by_offset && out->mode == PC_FRAME_RANGE && (key_count != 1 || !has_offset(key->type))) {
        return pc_bind_fail(b, location, PC_BAD_JOB,
                            "RANGE with a distance needs ORDER BY one number or date");
    }
    const cJSON *start = pc_node_get(over, "startOffset");
    const cJSON *end = pc_node_get(over, "endOffset");
    if (out->start == PC_END_OFFSET) {
        PC_TRY(read_offset(b, start, out->mode, key, &out->start_offset));
    }
    if (out->end == PC_END_OFFSET) PC_TRY(read_offset(b, end, out->mode, key, &out->end_offset));
    if ((bits & START_PRECEDING) != 0) out->start_offset = -out->start_offset;
    if ((bits & END_PRECEDING) != 0) out->end_offset = -out->end_offset;
    return PC_OK;
}
