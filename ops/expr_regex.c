/** Regular expressions: those of PostgreSQL (its "advanced" ones) written as PCRE2 patterns with
 * the same meaning, or refused. Only whether a text matches is asked, so which of several matches
 * is found, in which the two differ, cannot be seen. Memory of PCRE2 comes from arenas. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>
#include "expr_private.h"

enum {
    MOST_REPEATS = 255,      // of {m,n} in PostgreSQL
    MOST_STEPS = 1000000,    // of one match: patterns that backtrack without end stop there
    MOST_HEAP_KIB = 16 << 10 // of one match
};

struct pc_regex {
    pc_span pattern; // as written
    bool ignore_case;
    bool negate;
    bool is_similar;
    const pcre2_code *code;
};

pc_span pc_regex_pattern(const pc_regex *regex)
{
    return regex->pattern;
}

const char *pc_regex_operator(const pc_regex *regex)
{
    if (regex->is_similar) return regex->negate ? "NOT SIMILAR TO" : "SIMILAR TO";
    if (regex->negate) return regex->ignore_case ? "!~*" : "!~";
    return regex->ignore_case ? "~*" : "~";
}

bool pc_regex_equal(const pc_regex *a, const pc_regex *b)
{
    return a->ignore_case == b->ignore_case && a->negate == b->negate &&
           a->is_similar == b->is_similar && pc_span_equal(a->pattern, b->pattern);
}

/** A pattern being rewritten. */
typedef struct rewriting {
    pc_span in;
    size_t at;
    pc_buffer *to;
    bool is_atom; // what stands before may be repeated
    int depth;    // open brackets
    pc_error *err;
} rewriting;

static pc_status bad(rewriting *r, const char *what)
{
    return PC_FAIL(r->err, PC_BAD_JOB, "not a regular expression: %s at its byte %zu", what,
                   r->at + 1);
}

static pc_status not_offered(rewriting *r, const char *what)
{
    return PC_FAIL(r->err, PC_UNSUPPORTED, "regular expressions with %s (byte %zu) are not offered",
                   what, r->at + 1);
}

static pc_status emit(rewriting *r, const char *text)
{
    return pc_buffer_append(r->to, text, strlen(text), r->err);
}

static char peek(const rewriting *r, size_t ahead)
{
    return r->at + ahead < r->in.bytes ? r->in.data[r->at + ahead] : '\0';
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// One character as itself.
static pc_status emit_literal(rewriting *r, char c)
{
    const bool plain = is_alphanumeric(c) || ((unsigned char)c & 0x80) != 0;
    if (!plain) PC_TRY(emit(r, "\\"));
    return pc_buffer_append(r->to, &c, 1, r->err);
}

// What a backslash and a letter mean in both worlds; NULL: something else. `is_atom`: a character.
static const char *escape_of(char c, bool *is_atom)
{
    static const struct {
        char c;
        bool is_atom;
        const char *text;
    } known[] = {{'d', true, "\\d"},         {'D', true, "\\D"},   {'s', true, "\\s"},
                 {'S', true, "\\S"},         {'w', true, "\\w"},   {'W', true, "\\W"},
                 {'n', true, "\\n"},         {'t', true, "\\t"},   {'r', true, "\\r"},
                 {'f', true, "\\f"},         {'v', true, "\\x0b"}, {'a', true, "\\a"},
                 {'e', true, "\\e"},         {'b', true, "\\x08"}, {'B', true, "\\\\"},
                 {'y', false, "\\b"},        {'Y', false, "\\B"},  {'A', false, "\\A"},
                 {'m', false, "\\b(?=\\w)"}, {'Z', false, "\\z"},  {'M', false, "\\b(?<=\\w)"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].c != c) continue;
        *is_atom = known[i].is_atom;
        return known[i].text;
    }
    return NULL;
}

static pc_status rewrite_escape(rewriting *r, bool in_set)
{
    const char c = peek(r, 1);
    if (r->at + 1 == r->in.bytes) return bad(r, "a backslash with nothing behind it");
    bool is_atom = true;
    const char *text = escape_of(c, &is_atom);
    if (text == NULL && c >= '1' && c <= '9') return not_offered(r, "back references");
    if (text == NULL && is_alphanumeric(c)) return not_offered(r, "this escape");
    if (in_set && !is_atom) return bad(r, "an escape that is no character in [...]");
    if (in_set && (c == 'D' || c == 'S' || c == 'W')) return bad(r, "\\D, \\S or \\W in [...]");
    r->at += 2;
    r->is_atom = is_atom;
    return text == NULL ? emit_literal(r, c) : emit(r, text);
}

static pc_status rewrite_class(rewriting *r)
{
    static const char *const known[] = {"alnum", "alpha",  "blank", "cntrl", "digit",
                                        "graph", "lower",  "print", "punct", "space",
                                        "upper", "xdigit", "word"};
    const pc_span rest = {r->in.data + r->at, r->in.bytes - r->at};
    if (peek(r, 1) != ':') return not_offered(r, "collating elements in [...]");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const size_t bytes = strlen(known[i]);
        const bool same = rest.bytes >= bytes + 4 && memcmp(rest.data + 2, known[i], bytes) == 0 &&
                          rest.data[2 + bytes] == ':' && rest.data[3 + bytes] == ']';
        if (!same) continue;
        PC_TRY(pc_buffer_append(r->to, rest.data, bytes + 4, r->err));
        r->at += bytes + 4;
        return PC_OK;
    }
    return bad(r, "an unknown class of characters in [...]");
}

static pc_status rewrite_set(rewriting *r)
{
    r->at++;
    PC_TRY(emit(r, "["));
    if (peek(r, 0) == '^') {
        r->at++;
        PC_TRY(emit(r, "^"));
    }
    for (bool first = true; peek(r, 0) != ']' || first; first = false) {
        const char c = peek(r, 0);
        const bool is_special =
            c == '[' && (peek(r, 1) == ':' || peek(r, 1) == '.' || peek(r, 1) == '=');
        const bool is_range = c == '-' && !first && peek(r, 1) != ']';
        if (r->at >= r->in.bytes) return bad(r, "[ without ]");
        if (is_special) {
            PC_TRY(rewrite_class(r));
        } else if (c == '\\') {
            PC_TRY(rewrite_escape(r, true));
        } else {
            PC_TRY(is_range ? emit(r, "-") : emit_literal(r, c));
            r->at++;
        }
    }
    r->at++;
    r->is_atom = true;
    return emit(r, "]");
}

static pc_status rewrite_bracket(rewriting *r)
{
    static const char *const look[] = {"(?=", "(?!", "(?<=", "(?<!", "(?:"};
    r->is_atom = false;
    r->depth++;
    if (peek(r, 1) != '?') {
        r->at++;
        return emit(r, "(?:"); // without back references no group need be remembered
    }
    for (size_t i = 0; i < sizeof look / sizeof look[0]; i++) {
        const size_t bytes = strlen(look[i]);
        if (r->in.bytes - r->at < bytes || memcmp(r->in.data + r->at, look[i], bytes) != 0) {
            continue;
        }
        r->at += bytes;
        return emit(r, look[i]);
    }
    return bad(r, "(? of no known kind");
}

static bool read_count(rewriting *r, int *out)
{
    int value = 0;
    if (peek(r, 0) < '0' || peek(r, 0) > '9') return false;
    while (peek(r, 0) >= '0' && peek(r, 0) <= '9' && value <= MOST_REPEATS) {
        value = value * 10 + (peek(r, 0) - '0');
        r->at++;
    }
    *out = value;
    return value <= MOST_REPEATS;
}

// {m}, {m,} or {m,n}.
static pc_status rewrite_counts(rewriting *r)
{
    int low = 0;
    int high = 0;
    const size_t from = r->at++;
    bool good = read_count(r, &low);
    if (good && peek(r, 0) == ',') {
        r->at++;
        good = peek(r, 0) == '}' || (read_count(r, &high) && high >= low);
    }
    if (!good || peek(r, 0) != '}') return bad(r, "wrong counts in {m,n} (0 to 255)");
    r->at++;
    return pc_buffer_append(r->to, r->in.data + from, r->at - from, r->err);
}

static pc_status rewrite_repeat(rewriting *r)
{
    const char c = peek(r, 0);
    if (!r->is_atom) return bad(r, "nothing that can be repeated");
    if (c == '{') {
        PC_TRY(rewrite_counts(r));
    } else {
        PC_TRY(pc_buffer_append(r->to, &c, 1, r->err));
        r->at++;
    }
    r->is_atom = false;
    if (peek(r, 0) != '?') return PC_OK;
    r->at++;
    return emit(r, "?");
}

static pc_status rewrite_one(rewriting *r)
{
    const char c = peek(r, 0);
    switch (c) {
        case '\\':
            return rewrite_escape(r, false);
        case '[':
            return rewrite_set(r);
        case '(':
            return rewrite_bracket(r);
        case ')':
            if (r->depth-- == 0) return bad(r, ") without (");
            r->is_atom = true;
            break;
        case '*':
        case '+':
        case '?':
            return rewrite_repeat(r);
        case '{':
            if (peek(r, 1) >= '0' && peek(r, 1) <= '9') return rewrite_repeat(r);
            r->is_atom = true;
            r->at++;
            return emit(r, "\\{");
        case '|':
        case '^':
        case '$':
            r->is_atom = false;
            break;
        case '.':
            r->is_atom = true;
            break;
        default:
            r->is_atom = true;
            r->at++;
            return emit_literal(r, c);
    }
    r->at++;
    return pc_buffer_append(r->to, &c, 1, r->err);
}

static pc_status rewrite(rewriting *r)
{
    if (r->in.bytes >= 3 && memcmp(r->in.data, "***", 3) == 0) return not_offered(r, "***");
    while (r->at < r->in.bytes) {
        PC_TRY(rewrite_one(r));
    }
    return r->depth == 0 ? PC_OK : bad(r, "( without )");
}

static void *take(size_t bytes, void *arena)
{
    return pc_arena_raw(arena, bytes, NULL);
}

static void give_nothing(void *memory, void *arena)
{
    (void)memory;
    (void)arena;
}

static pc_status compile(pc_regex *regex, const pc_buffer *pattern, pc_arena *arena, pc_error *err)
{
    pcre2_general_context *general = pcre2_general_context_create(take, give_nothing, arena);
    pcre2_compile_context *context = general == NULL ? NULL : pcre2_compile_context_create(general);
    int code = 0;
    size_t at = 0;
    const uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_NO_AUTO_CAPTURE | (regex->ignore_case ? PCRE2_CASELESS : 0);
    if (context == NULL) return PC_FAIL(err, PC_NO_MEMORY, "no memory for a regular expression");
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern->data, pattern->bytes, options, &code, &at, context);
    if (regex->code != NULL) return PC_OK;
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return PC_FAIL(err, PC_NO_MEMORY, "no memory for a regular expression");
    }
    char said[128] = "";
    (void)pcre2_get_error_message(code, (PCRE2_UCHAR *)said, sizeof said);
    return PC_FAIL(err, PC_BAD_JOB, "not a regular expression: %s", said);
}

static pc_status make(pc_regex *regex, pc_span advanced, pc_arena *arena, pc_error *err)
{
    pc_buffer to = {.budget = arena->budget};
    rewriting r = {.in = advanced, .to = &to, .err = err};
    const bool folds = advanced.bytes >= 4 && memcmp(advanced.data, "(?i)", 4) == 0;
    if (folds) {
        regex->ignore_case = true;
        r.at = 4;
    }
    pc_status status = rewrite(&r);
    if (status == PC_OK) status = pc_buffer_reserve(&to, to.bytes + 1, err);
    if (status == PC_OK) status = compile(regex, &to, arena, err);
    pc_buffer_release(&to);
    return status;
}

static pc_regex *new_regex(pc_span pattern, bool negate, pc_arena *arena, pc_error *err)
{
    pc_regex *regex = pc_arena_take(arena, sizeof *regex, err);
    if (regex == NULL) return NULL;
    const char *text = pc_arena_text(arena, pattern.data, pattern.bytes, err);
    if (text == NULL) return NULL;
    *regex = (pc_regex){.pattern = {text, pattern.bytes}, .negate = negate};
    return regex;
}

pc_status pc_regex_make(pc_span pattern, bool ignore_case, bool negate, pc_arena *arena,
                        const pc_regex **out, pc_error *err)
{
    pc_regex *regex = new_regex(pattern, negate, arena, err);
    if (regex == NULL) return PC_NO_MEMORY;
    regex->ignore_case = ignore_case;
    *out = regex;
    return make(regex, pattern, arena, err);
}

// SIMILAR TO as an advanced expression, as PostgreSQL's similar_escape does it.
static pc_status unfold_similar(pc_span pattern, char escape, pc_buffer *to, pc_error *err)
{
    bool after_escape = false;
    bool in_set = false;
    PC_TRY(pc_buffer_print(to, err, "^(?:"));
    for (size_t i = 0; i < pattern.bytes; i++) {
        const char c = pattern.data[i];
        const bool is_meta = c == '\\' || c == '.' || c == '^' || c == '$';
        if (after_escape) {
            if (c == '"') {
                return PC_FAIL(err, PC_UNSUPPORTED, "SIMILAR TO with an escaped \" is not offered");
            }
            PC_TRY(pc_buffer_print(to, err, "\\%c", c));
            after_escape = false;
        } else if (escape != '\0' && c == escape) {
            after_escape = true;
        } else if (in_set) {
            PC_TRY(pc_buffer_print(to, err, c == '\\' ? "\\%c" : "%c", c));
            in_set = c != ']';
        } else if (c == '%') {
            PC_TRY(pc_buffer_print(to, err, ".*"));
        } else if (c == '_') {
            PC_TRY(pc_buffer_print(to, err, "."));
        } else if (c == '(') {
            PC_TRY(pc_buffer_print(to, err, "(?:"));
        } else {
            in_set = c == '[';
            PC_TRY(pc_buffer_print(to, err, is_meta ? "\\%c" : "%c", c));
        }
    }
    return pc_buffer_print(to, err, ")$");
}

pc_status pc_similar_make(pc_span pattern, char escape, bool negate, pc_arena *arena,
                          const pc_regex **out, pc_error *err)
{
    pc_regex *regex = new_regex(pattern, negate, arena, err);
    if (regex == NULL) return PC_NO_MEMORY;
    regex->is_similar = true;
    *out = regex;
    pc_buffer advanced = {.budget = arena->budget};
    pc_status status = unfold_similar(pattern, escape, &advanced, err);
    if (status == PC_OK) {
        status = make(regex, (pc_span){advanced.data, advanced.bytes}, arena, err);
    }
    pc_buffer_release(&advanced);
    return status;
}

static int match(const pc_regex *regex, pc_span text, pc_arena *scratch)
{
    pcre2_general_context *general = pcre2_general_context_create(take, give_nothing, scratch);
    if (general == NULL) return PCRE2_ERROR_NOMEMORY;
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    if (context == NULL || data == NULL) return PCRE2_ERROR_NOMEMORY;
    pcre2_set_match_limit(context, MOST_STEPS);
    pcre2_set_heap_limit(context, MOST_HEAP_KIB);
    const int code =
        pcre2_match(regex->code, (PCRE2_SPTR)text.data, text.bytes, 0, 0, data, context);
    return code;
}

pc_status pc_cell_regex(pc_eval *e, const pc_expr *x, const pc_cell *arg, pc_cell *out)
{
    const pc_regex *regex = x->extra;
    const pc_arena_mark mark = pc_arena_now(e->scratch);
    const pc_span text = {arg[0].text.bytes == 0 ? "" : arg[0].text.data, arg[0].text.bytes};
    const int code = match(regex, text, e->scratch);
    pc_arena_rewind(e->scratch, mark);
    if (code == PCRE2_ERROR_NOMEMORY) {
        return PC_FAIL(e->err, PC_NO_MEMORY, "no memory to match a regular expression");
    }
    if (code < PCRE2_ERROR_PARTIAL) {
        return pc_eval_fail(e, x,
                            code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_HEAPLIMIT
                                ? "a match that takes more than 1,000,000 steps"
                                : "a text that is not UTF-8");
    }
    out->integer = (code >= 0) != regex->negate;
    return PC_OK;
}
