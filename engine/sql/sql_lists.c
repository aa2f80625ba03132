/** Long lists of IN, cut out of the text before PostgreSQL's parser sees it: a million codes would
 * be a million nodes of its tree. Where a list stood the parser finds $1; what stood there is read
 * from the text when the condition is bound. Comments, quotes and dollar quotes are told apart as
 *  PostgreSQL does (4.1). */
#include <string.h>
#include "sql_private.h"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80) != 0;
}

// Behind a quoted text or name that begins at `at`.
static size_t skip_quoted(pc_span text, size_t at, bool has_escapes)
{
    const char quote = text.data[at++];
    for (; at < text.bytes; at++) {
        if (has_escapes && text.data[at] == '\\') {
            at++;
        } else if (text.data[at] == quote) {
            if (at + 1 == text.bytes || text.data[at + 1] != quote) return at + 1;
            at++;
        }
    }
    return text.bytes;
}

static size_t skip_comment(pc_span text, size_t at)
{
    if (text.data[at] == '-') {
        const char *end = memchr(text.data + at, '\n', text.bytes - at);
        return end == NULL ? text.bytes : (size_t)(end - text.data);
    }
    int depth = 0; // they nest
    for (; at + 1 < text.bytes; at++) {
        const bool opens = text.data[at] == '/' && text.data[at + 1] == '*';
        const bool closes = text.data[at] == '*' && text.data[at + 1] == '/';
        depth += opens ? 1 : closes ? -1 : 0;
        if (opens || closes) at++;
        if (depth == 0) return at + 1;
    }
    return text.bytes;
}

static bool begins_comment(pc_span text, size_t at)
{
    if (at + 1 >= text.bytes) return false;
    const char *c = text.data + at;
    return (c[0] == '-' && c[1] == '-') || (c[0] == '/' && c[1] == '*');
}

// Behind blanks and comments.
static size_t skip_blanks(pc_span text, size_t at)
{
    while (at < text.bytes) {
        if (begins_comment(text, at)) {
            at = skip_comment(text, at);
        } else if (strchr(" \t\r\n\f", text.data[at]) != NULL) {
            at++;
        } else {
            break;
        }
    }
    return at;
}

// Behind $tag$ ... $tag$, or behind the dollar when it is none.
static size_t skip_dollars(pc_span text, size_t at)
{
    size_t end = at + 1;
    while (end < text.bytes && is_word(text.data[end])) {
        end++;
    }
    if (end == text.bytes || text.data[end] != '$') return at + 1;
    const size_t mark_bytes = end + 1 - at;
    for (size_t i = end + 1; i + mark_bytes <= text.bytes; i++) {
        if (memcmp(text.data + i, text.data + at, mark_bytes) == 0) return i + mark_bytes;
    }
    return text.bytes;
}

// Behind a number, or `at`.
static size_t skip_number(pc_span text, size_t at)
{
    size_t i = at + (text.data[at] == '-' || text.data[at] == '+');
    size_t digits = 0, points = 0;
    for (; i < text.bytes && (text.data[i] == '.' || (text.data[i] >= '0' && text.data[i] <= '9'));
         i++) {
        points += text.data[i] == '.';
        digits += text.data[i] != '.';
    }
    return digits > 0 && points < 2 && (i == text.bytes || !is_word(text.data[i])) ? i : at;
}

bool pc_sql_next_item(pc_span text, size_t *at, pc_span *item, bool *more)
{
    const size_t from = skip_blanks(text, *at);
    if (from == text.bytes) return false;
    const bool is_text = text.data[from] == '\'';
    const size_t to = is_text ? skip_quoted(text, from, false) : skip_number(text, from);
    if (to == from) return false;
    *item = (pc_span){text.data + from, to - from};
    *at = skip_blanks(text, to);
    *more = *at < text.bytes && text.data[*at] == ',';
    if (*more) *at += 1;
    return true;
}

// A list of so many texts, or of numbers, from behind its bracket. 0: something else stands there.
static int64_t measure_list(pc_span text, size_t at, size_t *end)
{
    int64_t count = 0;
    bool is_text = false;
    bool more;
    for (pc_span item; pc_sql_next_item(text, &at, &item, &more); count++) {
        const bool quoted = item.data[0] == '\'';
        if (count > 0 && quoted != is_text) return 0;
        is_text = quoted;
        if (more) continue;
        *end = at;
        return at < text.bytes && text.data[at] == ')' ? count + 1 : 0;
    }
    return 0;
}

// The list of IN (...) whose word ends at `at`; true: it is long.
static bool find_list(pc_span text, size_t at, pc_sql_list *out)
{
    at = skip_blanks(text, at);
    if (at == text.bytes || text.data[at] != '(') return false;
    size_t end = 0;
    out->count = measure_list(text, at + 1, &end);
    out->text = (pc_span){text.data + at + 1, end - at - 1};
    return out->count >= PC_SQL_LONG_LIST;
}

// Behind what begins at `at`: a quoted thing, a comment, a word, or one character.
static size_t skip_token(pc_span text, size_t at)
{
    const char c = text.data[at];
    const char next = at + 1 < text.bytes ? text.data[at + 1] : '\0';
    if (c == '\'' || c == '"') return skip_quoted(text, at, false);
    if ((c == 'e' || c == 'E') && next == '\'') return skip_quoted(text, at + 1, true);
    if (begins_comment(text, at)) return skip_comment(text, at);
    if (c == '$') return skip_dollars(text, at);
    if (!is_word(c)) return at + 1;
    while (at < text.bytes && (is_word(text.data[at]) || text.data[at] == '$')) {
        at++;
    }
    return at;
}

pc_status pc_sql_cut_lists(pc_span text, pc_sql_text *out, pc_buffer *cut, pc_error *err)
{
    size_t kept = 0; // up to here it is in `cut`
    for (size_t at = 0; at < text.bytes;) {
        const size_t end = skip_token(text, at);
        const bool is_in =
            end - at == 2 && (text.data[at] | 0x20) == 'i' && (text.data[at + 1] | 0x20) == 'n';
        at = end;
        pc_sql_list list = {0};
        if (!is_in || out->list_count == PC_SQL_LISTS || !find_list(text, at, &list)) continue;
        const size_t from = (size_t)(list.text.data - text.data);
        PC_TRY(pc_buffer_append(cut, text.data + kept, from - kept, err));
        list.location = (int)cut->bytes;
        PC_TRY(pc_buffer_append(cut, "$1", 2, err));
        out->list[out->list_count++] = list;
        at = kept = from + list.text.bytes;
    }
    return pc_buffer_append(cut, text.data + kept, text.bytes - kept, err);
}

int pc_sql_byte(const pc_sql_text *text, int location)
{
    size_t byte = location < text->prefix_bytes ? 0 : (size_t)(location - text->prefix_bytes);
    for (int i = 0; i < text->list_count; i++) {
        const pc_sql_list *list = &text->list[i];
        if (location > list->location) byte += list->text.bytes - 2; // $1
    }
    return (int)byte;
}

const pc_sql_list *pc_sql_find_list(const pc_sql_text *text, const cJSON *items)
{
    const cJSON *item = cJSON_GetArrayItem(items, 0);
    if (cJSON_GetArraySize(items) != 1 || !pc_node_is(item, "ParamRef")) return NULL;
    for (int i = 0; i < text->list_count; i++) {
        if (text->list[i].location == pc_node_location(item)) return &text->list[i];
    }
    return NULL;
}
