/** Patterns: LIKE, regular expressions, SIMILAR TO. */
#include <string.h>
#include "sql_call.h"

/** An operator that matches a text against a pattern. */
typedef struct pattern_operator {
    const char *name;
    bool is_regex;
    bool ignore_case;
    bool negate;
} pattern_operator;

static const pattern_operator operators[] = {
    {"~~", false, false, false}, {"!~~", false, false, true}, {"~~*", false, true, false},
    {"!~~*", false, true, true}, {"~", true, false, false},   {"!~", true, false, true},
    {"~*", true, true, false},   {"!~*", true, true, true},
};

static const pattern_operator *find_operator(const char *name)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i].name, name) == 0) return &operators[i];
    }
    return NULL;
}

bool pc_is_pattern_operator(const char *name)
{
    return find_operator(name) != NULL || strcmp(name, "^@") == 0;
}

static pc_status need_texts(pc_binder *b, const char *name, const pc_expr **x, const pc_expr **y,
                            int location)
{
    if ((*x)->type == PC_NONE) PC_TRY(pc_bring_to(b, *x, PC_CODE, 0, x));
    if ((*y)->type == PC_NONE) PC_TRY(pc_bring_to(b, *y, PC_CODE, 0, y));
    if (pc_type_is_text((*x)->type) && pc_type_is_text((*y)->type)) return PC_OK;
    return pc_bind_fail(b, location, PC_BAD_JOB, "%s of types %s and %s does not exist", name,
                        pc_type_name((*x)->type), pc_type_name((*y)->type));
}

static pc_status null_of_bool(pc_binder *b, const pc_expr **out)
{
    const pc_value null = {.type = PC_BOOL, .is_null = true};
    return pc_expr_constant(&null, 0, b->arena, out, b->err);
}

// A sentence of the pattern's compiler with its place in the text in front.
static pc_status prefixed(pc_binder *b, pc_status status, int location)
{
    if (status != PC_OK && status != PC_NO_MEMORY) {
        pc_error_prefix(b->err, "%s: character %d", b->text->what,
                        pc_sql_position(b->text, location));
    }
    return status;
}

static pc_status make_like(pc_binder *b, const pattern_operator *op, const pc_expr *x,
                           const pc_expr *pattern, char escape, int location, const pc_expr **out)
{
    const pc_like *like;
    const int position = pc_sql_position(b->text, location);
    if (pattern->kind != PC_EXPR_CONSTANT) {
        const pc_expr *arg[2] = {x, pattern};
        PC_TRY(pc_like_make((pc_span){"", 0}, escape, op->ignore_case, op->negate, b->arena, &like,
                            b->err));
        return pc_make_call(b, PC_FN_LIKE_TEXT, PC_BOOL, 0, position, arg, 2, like, out);
    }
    if (pattern->constant.is_null) return null_of_bool(b, out);
    PC_TRY(prefixed(b,
                    pc_like_make(pattern->constant.text, escape, op->ignore_case, op->negate,
                                 b->arena, &like, b->err),
                    location));
    return pc_make_call(b, PC_FN_LIKE, PC_BOOL, 0, 0, &x, 1, like, out);
}

static pc_status make_regex(pc_binder *b, const pattern_operator *op, const pc_expr *x,
                            const pc_expr *pattern, int location, const pc_expr **out)
{
    const pc_regex *regex;
    if (pattern->kind != PC_EXPR_CONSTANT) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "%s takes a constant pattern", op->name);
    }
    if (pattern->constant.is_null) return null_of_bool(b, out);
    PC_TRY(prefixed(b,
                    pc_regex_make(pattern->constant.text, op->ignore_case, op->negate, b->arena,
                                  &regex, b->err),
                    location));
    return pc_make_call(b, PC_FN_REGEX, PC_BOOL, 0, pc_sql_position(b->text, location), &x, 1,
                        regex, out);
}

pc_status pc_make_match(pc_binder *b, const char *name, const pc_expr *x, const pc_expr *pattern,
                        int location, const pc_expr **out)
{
    const pattern_operator *op = find_operator(name);
    PC_TRY(need_texts(b, name, &x, &pattern, location));
    if (op == NULL) { // ^@
        const pc_expr *arg[2] = {x, pattern};
        return pc_make_call(b, PC_FN_STARTS_WITH, PC_BOOL, 0, 0, arg, 2, NULL, out);
    }
    if (op->is_regex) return make_regex(b, op, x, pattern, location, out);
    return make_like(b, op, x, pattern, '\\', location, out);
}

// pattern ESCAPE 'c' is a call in the parse tree: the pattern, and the character ('\0': none).
static pc_status read_escape(pc_binder *b, const cJSON *node, const char *function, int location,
                             const cJSON **pattern, char *escape)
{
    const cJSON *call = pc_node_body(node);
    const char *called =
        pc_node_is(node, "FuncCall") ? pc_node_name(pc_node_get(call, "funcname")) : NULL;
    *escape = '\\';
    *pattern = node;
    if (called == NULL || strcmp(called, function) != 0) return PC_OK;
    const cJSON *args = pc_node_get(call, "args");
    *pattern = cJSON_GetArrayItem(args, 0);
    if (cJSON_GetArraySize(args) < 2) return PC_OK;
    const pc_expr *by;
    PC_TRY(pc_bind_node(b, cJSON_GetArrayItem(args, 1), &by));
    if (!pc_is_literal(by) || by->constant.text.bytes > 1) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "ESCAPE takes one ASCII character");
    }
    *escape = by->constant.text.bytes == 0 ? '\0' : by->constant.text.data[0];
    return PC_OK;
}

pc_status pc_bind_like(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const char *name = pc_node_name(pc_node_get(body, "name"));
    const cJSON *node;
    char escape;
    const pc_expr *x;
    const pc_expr *pattern;
    PC_TRY(read_escape(b, pc_node_get(body, "rexpr"), "like_escape", location, &node, &escape));
    PC_TRY(pc_bind_node(b, pc_node_get(body, "lexpr"), &x));
    PC_TRY(pc_bind_node(b, node, &pattern));
    PC_TRY(need_texts(b, "LIKE", &x, &pattern, location));
    return make_like(b, find_operator(name), x, pattern, escape, location, out);
}

pc_status pc_bind_similar(pc_binder *b, const cJSON *body, const pc_expr **out)
{
    const int location = pc_node_int(body, "location");
    const bool negate = pc_node_name(pc_node_get(body, "name"))[0] == '!';
    const cJSON *node;
    char escape;
    const pc_expr *x;
    const pc_expr *pattern;
    const pc_regex *regex;
    PC_TRY(
        read_escape(b, pc_node_get(body, "rexpr"), "similar_to_escape", location, &node, &escape));
    PC_TRY(pc_bind_node(b, pc_node_get(body, "lexpr"), &x));
    PC_TRY(pc_bind_node(b, node, &pattern));
    PC_TRY(need_texts(b, "SIMILAR TO", &x, &pattern, location));
    if (pattern->kind != PC_EXPR_CONSTANT) {
        return pc_bind_fail(b, location, PC_UNSUPPORTED, "SIMILAR TO takes a constant pattern");
    }
    if (pattern->constant.is_null) return null_of_bool(b, out);
    PC_TRY(prefixed(
        b, pc_similar_make(pattern->constant.text, escape, negate, b->arena, &regex, b->err),
        location));
    return pc_make_call(b, PC_FN_REGEX, PC_BOOL, 0, pc_sql_position(b->text, location), &x, 1,
                        regex, out);
}

// regexp_like(text, pattern[, flags]): flags i and c.
pc_status pc_bind_regexp_like(pc_sql_call *c, const pc_expr **out)
{
    if (c->count != 2 && c->count != 3) return pc_call_wrong(c, "a text, a pattern and flags");
    bool ignore_case = false;
    if (c->count == 3) {
        const pc_span flags =
            pc_is_literal(c->arg[2]) ? c->arg[2]->constant.text : (pc_span){"?", 1};
        for (size_t i = 0; i < flags.bytes; i++) {
            ignore_case = flags.data[i] == 'i';
            if (flags.data[i] == 'i' || flags.data[i] == 'c') continue;
            return pc_bind_fail(c->b, c->location, PC_UNSUPPORTED,
                                "regexp_like: the flags i and c are offered");
        }
    }
    return pc_make_match(c->b, ignore_case ? "~*" : "~", c->arg[0], c->arg[1], c->location, out);
}
