// `group`: one record for each combination of columns.
#include <string.h>
#include "eval.h"

/** Records of one patient being grouped. */
typedef struct grouping {
    pc_block_eval *eval;
    const pc_def *def;
    const pc_records *in;
    pc_records *out;
    const pc_record_schema *schema;
    bool code_is_key;
    int64_t *order, *other; ///< scratch [in->count]
} grouping;

static int compare_keys(const pc_records *in, const int *key, int key_count, int64_t a, int64_t b)
{
    for (int i = 0; i < key_count; i++) {
        const int64_t *column = in->column[key[i]];
        if (column[a] != column[b]) return column[a] < column[b] ? -1 : 1;
    }
    return 0;
}

void pc_records_order_by(const pc_records *in, const int *key, int key_count, int64_t from,
                         int64_t end, int64_t *order, int64_t *other)
{
    for (int64_t i = from; i < end; i++)
        order[i] = i;
    for (int64_t width = 1; width < end - from; width *= 2) {
        for (int64_t left = from; left < end; left += 2 * width) {
            const int64_t middle = left + width < end ? left + width : end;
            const int64_t right = left + 2 * width < end ? left + 2 * width : end;
            int64_t a = left, b = middle;
            for (int64_t at = left; at < right; at++) {
                const bool takes_a =
                    b == right ||
                    (a < middle && compare_keys(in, key, key_count, order[a], order[b]) <= 0);
                other[at] = takes_a ? order[a++] : order[b++];
            }
        }
        memcpy(order + from, other + from, (size_t)(end - from) * sizeof *order);
    }
}

bool pc_records_same(const pc_records *in, const int *key, int key_count, int64_t a, int64_t b)
{
    return compare_keys(in, key, key_count, a, b) == 0;
}

static pc_status sum_values(const grouping *g, int64_t from, int64_t end, int64_t *out,
                            pc_error *err)
{
    const int64_t *value = g->in->column[PC_VALUE_COLUMN];
    const bool is_real = g->schema->column[PC_VALUE_COLUMN].type == PC_FLOAT;
    bool has_value = false;
    int64_t sum = 0;
    double real = 0;
    for (int64_t i = from; i < end; i++) {
        const int64_t term = value[g->order[i]];
        if (term == PC_NULL) continue;
        has_value = true;
        double part = 0;
        if (is_real) {
            memcpy(&part, &term, sizeof part);
            real += part;
        } else if (__builtin_add_overflow(sum, term, &sum)) {
            return PC_FAIL(err, PC_BAD_INPUT, "%s: a sum is beyond 64 bits", g->def->path);
        }
    }
    if (is_real) memcpy(&sum, &real, sizeof sum);
    *out = has_value ? sum : PC_NULL;
    return PC_OK;
}

/** The distinct codes in order, joined by '+'. Members that are one code give it as it is. */
static pc_status join_codes(const grouping *g, int64_t from, int64_t end, int64_t *out,
                            pc_error *err)
{
    const int64_t *code = g->in->column[PC_CODE_COLUMN];
    const pc_record_column *column = &g->schema->column[PC_CODE_COLUMN];
    pc_words *words = &g->eval->words;
    pc_buffer text = {.budget = g->eval->budget};
    pc_status status = PC_OK;
    int64_t last = PC_NULL, distinct = 0;
    for (;;) {
        // The smallest code above the last one; groups are small.
        int64_t next = PC_NULL;
        for (int64_t i = from; i < end; i++) {
            const int64_t one = code[g->order[i]];
            if (one == PC_NULL) continue;
            if (last != PC_NULL && pc_record_compare(column, words, one, last) <= 0) continue;
            if (next == PC_NULL || pc_record_compare(column, words, one, next) < 0) next = one;
        }
        if (next == PC_NULL) break;
        const pc_span span = pc_dict_text(words->dict, (uint32_t)next);
        if (distinct > 0) status = pc_buffer_append(&text, "+", 1, err);
        if (status == PC_OK) status = pc_buffer_append(&text, span.data, span.bytes, err);
        if (status != PC_OK) break;
        distinct++;
        last = next;
    }
    *out = last;
    if (status == PC_OK && distinct > 1) {
        status = pc_words_add(words, (pc_span){text.data, text.bytes}, out, err);
    }
    pc_buffer_release(&text);
    return status;
}

static int64_t common_value(const grouping *g, int column, int64_t from, int64_t end)
{
    const int64_t *value = g->in->column[column];
    for (int64_t i = from + 1; i < end; i++) {
        if (value[g->order[i]] != value[g->order[from]]) return PC_NULL;
    }
    return value[g->order[from]];
}

static pc_status emit_group(const grouping *g, int64_t from, int64_t end, pc_error *err)
{
    pc_records *out = g->out;
    const int64_t at = out->count++;
    out->slot[at] = g->in->slot[g->order[from]];
    for (int i = 0; i < g->schema->count; i++) {
        if (!out->needed[i]) continue;
        int64_t *value = &out->column[i][at];
        const int64_t *in = g->in->column[i];
        if (i == PC_START || i == PC_END) {
            *value = in[g->order[from]];
            for (int64_t k = from + 1; k < end; k++) {
                const int64_t day = in[g->order[k]];
                if (i == PC_START ? day < *value : day > *value) *value = day;
            }
        } else if (i == PC_VALUE_COLUMN) {
            PC_TRY(sum_values(g, from, end, value, err));
        } else if (i == g->def->typed->records) {
            *value = end - from;
        } else if (i == PC_CODE_COLUMN && !g->code_is_key) {
            PC_TRY(join_codes(g, from, end, value, err));
        } else {
            *value = common_value(g, i, from, end);
        }
    }
    return PC_OK;
}

/** Records that are groups of their own, as most are: they stay what they are. */
static void emit_singles(const grouping *g, int64_t from, int64_t end)
{
    pc_records *out = g->out;
    const size_t count = (size_t)(end - from);
    const int64_t at = out->count;
    if (count == 0) return;
    memcpy(out->slot + at, g->in->slot + from, count * sizeof *out->slot);
    for (int i = 0; i < g->schema->count; i++) {
        if (!out->needed[i]) continue;
        int64_t *to = out->column[i] + at;
        if (i != g->def->typed->records) {
            memcpy(to, g->in->column[i] + from, count * sizeof *to);
        }
        for (size_t k = 0; i == g->def->typed->records && k < count; k++)
            to[k] = 1;
    }
    out->count += (int64_t)count;
}

/** Groups the records `from .. end-1`, which hold every member of their groups. */
static pc_status group_run(const grouping *g, int64_t from, int64_t end, pc_error *err)
{
    const int *key = g->def->typed->group;
    const int key_count = g->def->group.count;
    pc_records_order_by(g->in, key, key_count, from, end, g->order, g->other);
    for (int64_t first = from; first < end;) {
        int64_t next = first + 1;
        while (next < end &&
               pc_records_same(g->in, key, key_count, g->order[first], g->order[next])) {
            next++;
        }
        PC_TRY(emit_group(g, first, next, err));
        first = next;
    }
    return PC_OK;
}

pc_status pc_timeline_group(pc_block_eval *eval, pc_node *node, pc_error *err)
{
    const pc_def *def = node->def;
    const pc_records in = node->records;
    const pc_arena_mark mark = pc_arena_now(&eval->scratch);
    grouping g = {
        .eval = eval, .def = def, .in = &in, .out = &node->records, .schema = &def->typed->out};
    g.order = pc_arena_raw(&eval->scratch, (size_t)in.count * sizeof *g.order, err);
    g.other = pc_arena_raw(&eval->scratch, (size_t)in.count * sizeof *g.other, err);
    if (g.order == NULL || g.other == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_records_open(&node->records, in.column_count, node->needed, &eval->arena, err));
    PC_TRY(pc_records_reserve(&node->records, in.count, &eval->arena, err));
    bool by_day = false;
    for (int i = 0; i < def->group.count; i++) {
        by_day = by_day || def->typed->group[i] == PC_START;
        g.code_is_key = g.code_is_key || def->typed->group[i] == PC_CODE_COLUMN;
    }
    const int64_t *start = in.column[PC_START];
    int64_t singles = 0; // records from here on are groups of their own
    for (int64_t first = 0; first < in.count;) {
        int64_t next = first + 1;
        // Records are in order of days: with the day among the keys a group lies within one.
        while (next < in.count && in.slot[next] == in.slot[first] &&
               (!by_day || start[next] == start[first])) {
            next++;
        }
        if (next - first > 1) {
            emit_singles(&g, singles, first);
            PC_TRY(group_run(&g, first, next, err));
            singles = next;
        }
        first = next;
    }
    emit_singles(&g, singles, in.count);
    pc_arena_rewind(&eval->scratch, mark);
    return PC_OK;
}
