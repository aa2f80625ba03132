/** Finding the rows of further relations: one at most, or as many as there are. */
#include <string.h>
#include "scan_private.h"

// Children of each parent row, by counting.
static pc_status index_children(pc_scan *scan, int relation, int parent_table, pc_error *err)
{
    const int table = scan->plan->relation[relation].table;
    const int32_t *parent;
    PC_TRY(pc_block_parent(scan->block, table, &parent, err));
    const int64_t parents = scan->block->table[parent_table].row_count;
    const int64_t children = scan->block->table[table].row_count;
    int32_t *first = pc_arena_array(&scan->block_arena, (size_t)parents + 2, sizeof *first, err);
    int32_t *child = pc_arena_array(&scan->block_arena, (size_t)children + 1, sizeof *child, err);
    if (first == NULL || child == NULL) return PC_NO_MEMORY;
    for (int64_t i = 0; i < children; i++) {
        if (parent[i] >= 0) first[parent[i] + 2]++;
    }
    for (int64_t i = 0; i < parents; i++) {
        first[i + 2] += first[i + 1];
    }
    // first[p + 1] is now where the next child of p goes; in the end, where those of p + 1 begin.
    for (int64_t i = 0; i < children; i++) {
        if (parent[i] >= 0) child[first[parent[i] + 1]++] = (int32_t)i;
    }
    scan->child_first[relation] = first;
    scan->child_row[relation] = child;
    return PC_OK;
}

pc_status pc_scan_link(pc_scan *scan, int relation, pc_error *err)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    const pc_model *model = scan->catalog->model;
    if (r->attach == PC_ATTACH_COMPANION && scan->link[relation] == NULL) {
        return pc_block_companion(scan->block, r->table, &scan->link[relation], err);
    }
    if (r->attach == PC_ATTACH_CHILDREN && scan->child_first[relation] == NULL) {
        const int key = model->table[r->table].parent_key;
        const int from = scan->plan->relation[r->from].table;
        // Between two children of one key the way goes over the parent row.
        if (model->table[from].own_key != key) {
            PC_TRY(pc_block_parent(scan->block, from, &scan->link[relation], err));
        }
        return index_children(scan, relation, model->key[key].table, err);
    }
    return PC_OK;
}

static void attach_person(const pc_scan *scan, pc_rows *rows, int relation)
{
    const int64_t *offset = scan->block->table[scan->plan->relation[relation].table].offset;
    int32_t *to = rows->row[relation];
    int32_t row = -1;
    for (int i = 0; i < rows->count; i++) {
        const int slot = rows->slot[i];
        if (i == 0 || slot != rows->slot[i - 1]) {
            row = offset[slot] < offset[slot + 1] ? (int32_t)offset[slot] : -1;
        }
        to[i] = row;
    }
}

static void attach_link(const int32_t *link, const int32_t *from, int count, int32_t *to)
{
    for (int i = 0; i < count; i++) {
        to[i] = from[i] < 0 ? -1 : link[from[i]];
    }
}

// Places in the look-up for each row: from[i] .. to[i] - 1. Rows that a relation asked before found
// are not looked up.
static pc_status look_up(pc_scan *scan, pc_rows *rows, int relation, int64_t **from_out,
                         int64_t **to_out, pc_error *err)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    const pc_lookup *l = &scan->lookup[relation];
    const int32_t *map = scan->by_code[relation];
    const size_t count = (size_t)rows->count + 1;
    int64_t *from = pc_arena_array(&scan->scratch, count, sizeof *from, err);
    int64_t *to = pc_arena_array(&scan->scratch, count, sizeof *to, err);
    pc_column c;
    if (from == NULL || to == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_scan_take(scan, rows, r->from, r->column, &c, err));
    const int32_t *before = r->instead_of > 0 ? rows->row[r->instead_of] : NULL;
    for (int i = 0; i < rows->count && l->count > 0; i++) {
        if (pc_column_is_null(&c, i) || (before != NULL && before[i] >= 0)) continue;
        if (l->text != NULL) {
            pc_lookup_find_text(l, pc_column_span(&c, i), &from[i], &to[i]);
            continue;
        }
        int64_t value = pc_column_int(&c, i);
        if (map != NULL) value = map[value];
        if (map == NULL || value >= 0) pc_lookup_find(l, value, &from[i], &to[i]);
    }
    *from_out = from;
    *to_out = to;
    return PC_OK;
}

#define FIND_CODES(type)                                                                           \
    do {                                                                                           \
        const type *code = c->data;                                                                \
        for (int i = 0; i < count; i++)                                                            \
            to[i] = pc_is_valid(c->valid, i) ? row_of_code[code[i]] : -1;                          \
    } while (0)

static void find_codes(const int32_t *row_of_code, const pc_column *c, int count, int32_t *to)
{
    switch (c->width) {
        case 1:
            FIND_CODES(uint8_t);
            break;
        case 2:
            FIND_CODES(uint16_t);
            break;
        default:
            FIND_CODES(uint32_t);
            break;
    }
}

#define FIND_VALUES(type)                                                                          \
    do {                                                                                           \
        const type *value = c->data;                                                               \
        for (int i = 0; i < count; i++) {                                                          \
            const uint64_t at = (uint64_t)(int64_t)value[i] - (uint64_t)l->low;                    \
            const bool is_there = at < (uint64_t)l->dense_count && pc_is_valid(c->valid, i);       \
            to[i] = is_there ? l->row_of_value[at] : -1;                                           \
        }                                                                                          \
    } while (0)

static void find_values(const pc_lookup *l, const pc_column *c, int count, int32_t *to)
{
    switch (c->width) {
        case 1:
            FIND_VALUES(int8_t);
            break;
        case 2:
            FIND_VALUES(int16_t);
            break;
        case 4:
            FIND_VALUES(int32_t);
            break;
        default:
            FIND_VALUES(int64_t);
            break;
    }
}

static pc_status attach_reference(pc_scan *scan, pc_rows *rows, int relation, pc_error *err)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    const pc_lookup *l = &scan->lookup[relation];
    if ((l->row_of_code != NULL || l->row_of_value != NULL) && r->instead_of <= 0) {
        pc_column c;
        PC_TRY(pc_scan_take(scan, rows, r->from, r->column, &c, err));
        if (l->row_of_code != NULL) {
            find_codes(l->row_of_code, &c, rows->count, rows->row[relation]);
        } else {
            find_values(l, &c, rows->count, rows->row[relation]);
        }
        return PC_OK;
    }
    int64_t *from;
    int64_t *to;
    PC_TRY(look_up(scan, rows, relation, &from, &to, err));
    for (int i = 0; i < rows->count; i++) {
        rows->row[relation][i] = from[i] < to[i] ? scan->lookup[relation].row[from[i]] : -1;
    }
    const int before = scan->plan->relation[relation].instead_of;
    for (int i = 0; before > 0 && i < rows->count; i++) {
        if (rows->row[before][i] >= 0) rows->row[relation][i] = rows->row[before][i];
    }
    return PC_OK;
}

// Rows for which `on` is not true lose what was attached.
static pc_status test_condition(pc_scan *scan, pc_rows *rows, int relation, pc_error *err)
{
    const pc_expr *on = scan->plan->relation[relation].on;
    if (on == NULL) return PC_OK;
    int *row = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_scan_gather(scan, rows, on, err));
    const pc_batch batch = {
        .column_count = scan->plan->column_count, .row_count = rows->count, .column = rows->column};
    int count;
    PC_TRY(pc_expr_filter(on, &batch, scan->state, &scan->scratch, row, &count, err));
    int at = 0;
    for (int i = 0; i < rows->count; i++) {
        const bool passes = at < count && row[at] == i;
        if (passes) at++;
        if (!passes) rows->row[relation][i] = -1;
    }
    pc_rows_changed(scan, rows);
    return PC_OK;
}

static pc_status keep_by_join(pc_scan *scan, pc_rows *rows, int relation, pc_error *err)
{
    const pc_join join = scan->plan->relation[relation].join;
    if (join == PC_JOIN_LEFT) return PC_OK;
    int32_t any = 0;
    for (int i = 0; i < rows->count; i++)
        any |= rows->row[relation][i];
    if (any >= 0 && (join == PC_JOIN_INNER || join == PC_JOIN_SEMI)) return PC_OK; // all found one
    int *row = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    int count = 0;
    const bool wants_none = join == PC_JOIN_ANTI;
    for (int i = 0; i < rows->count; i++) {
        row[count] = i;
        count += (rows->row[relation][i] < 0) == wants_none;
    }
    pc_rows_keep(scan, rows, row, count);
    return PC_OK;
}

pc_status pc_scan_attach(pc_scan *scan, pc_rows *rows, int relation, pc_error *err)
{
    const pc_scan_relation *r = &scan->plan->relation[relation];
    rows->is_attached[relation] = true;
    if (r->attach == PC_ATTACH_PARENT) {
        PC_TRY(pc_block_parents_of(scan->block, scan->plan->relation[r->from].table,
                                   rows->row[r->from], rows->slot, rows->count, &scan->scratch,
                                   rows->row[relation], err));
    } else if (r->attach == PC_ATTACH_PERSON) {
        attach_person(scan, rows, relation);
    } else if (r->attach == PC_ATTACH_REFERENCE) {
        PC_TRY(attach_reference(scan, rows, relation, err));
    } else {
        PC_TRY(pc_scan_link(scan, relation, err));
        attach_link(scan->link[relation], rows->row[r->from], rows->count, rows->row[relation]);
    }
    PC_TRY(test_condition(scan, rows, relation, err));
    return keep_by_join(scan, rows, relation, err);
}

/** Candidates of one input row: rows or places from .. to - 1. */
typedef struct candidates {
    int64_t from, to;
    const int32_t *row; ///< NULL: the numbers themselves are rows
} candidates;

typedef struct finder {
    pc_scan *scan;
    int relation;
    const pc_rows *in;
    int64_t *from, *to; ///< REFERENCE: places by input row
} finder;

static candidates find(const finder *f, int i)
{
    const pc_scan *scan = f->scan;
    const pc_scan_relation *r = &scan->plan->relation[f->relation];
    const candidates none = {0, 0, NULL};
    int32_t row = f->in->row[r->from][i];
    if (r->attach == PC_ATTACH_PATIENT) {
        const int slot = f->in->slot[i];
        // Nobody's rows have no patient: they join nothing. Nor does a row that is not there.
        const char kind = scan->block->slot_key[slot].byte[0];
        if (row < 0 || !pc_slot_is_patient((pc_slot_kind)kind)) return none;
        const int64_t *offset = scan->block->table[r->table].offset;
        return (candidates){offset[slot], offset[slot + 1], NULL};
    }
    if (r->attach == PC_ATTACH_REFERENCE) {
        return (candidates){f->from[i], f->to[i], scan->lookup[f->relation].row};
    }
    if (r->attach == PC_ATTACH_CHILDREN) {
        if (row >= 0 && scan->link[f->relation] != NULL) row = scan->link[f->relation][row];
        if (row < 0) return none;
        const int32_t *first = scan->child_first[f->relation];
        return (candidates){first[row], first[row + 1], scan->child_row[f->relation]};
    }
    // A relation with one row at most that stands in a stage of its own.
    return none;
}

/** Pairs of an input row and a candidate, tested together. */
typedef struct pairs {
    int count;
    int *input;     ///< [PC_BATCH_ROWS]
    int32_t *found; ///< [PC_BATCH_ROWS] -1: no candidate at all
    bool *is_last;  ///< [PC_BATCH_ROWS] the input row's last candidate
    bool *passes;   ///< [PC_BATCH_ROWS]
} pairs;

static pc_status take_pairs(pc_scan *scan, pairs *p, pc_error *err)
{
    p->input = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *p->input, err);
    p->found = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *p->found, err);
    p->is_last = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *p->is_last, err);
    p->passes = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *p->passes, err);
    const bool got =
        p->input != NULL && p->found != NULL && p->is_last != NULL && p->passes != NULL;
    return got ? PC_OK : PC_NO_MEMORY;
}

// Fills pairs from where the stage stands. A row without candidates is a pair with none.
static void collect_pairs(const finder *f, pc_stage *stage, pairs *p)
{
    const pc_scan_relation *r = &f->scan->plan->relation[f->relation];
    const bool keeps_unmatched = r->join == PC_JOIN_LEFT || r->join == PC_JOIN_ANTI;
    const bool first_is_enough =
        r->on == NULL && (r->join == PC_JOIN_SEMI || r->join == PC_JOIN_ANTI);
    p->count = 0;
    while (stage->at < f->in->count && p->count < PC_BATCH_ROWS) {
        const int i = (int)stage->at;
        const candidates c = find(f, i);
        int64_t count = c.to - c.from;
        if (first_is_enough && count > 1) count = 1;
        if (count == 0 && keeps_unmatched) {
            p->input[p->count] = i;
            p->found[p->count] = -1;
            p->is_last[p->count++] = true;
        }
        while (stage->candidate < count && p->count < PC_BATCH_ROWS) {
            const int64_t at = c.from + stage->candidate++;
            p->input[p->count] = i;
            p->found[p->count] = c.row == NULL ? (int32_t)at : c.row[at];
            p->is_last[p->count++] = stage->candidate == count;
        }
        if (stage->candidate < count) break;
        stage->at++;
        stage->candidate = 0;
    }
}

// The rows of the stage as copies of input rows, with the candidate attached.
static void copy_rows(const pc_scan *scan, const pc_stage *stage, const pc_rows *in,
                      const int *input, const int32_t *found, int count)
{
    pc_rows *out = (pc_rows *)&stage->rows;
    for (int r = 0; r < scan->plan->relation_count; r++) {
        out->is_attached[r] = in->is_attached[r];
        for (int i = 0; in->is_attached[r] && i < count; i++) {
            out->row[r][i] = in->row[r][input[i]];
        }
    }
    for (int i = 0; i < count; i++) {
        out->slot[i] = in->slot[input[i]];
        out->row[stage->relation][i] = found[i];
    }
    out->is_attached[stage->relation] = true;
    out->is_slice = false;
    out->count = count;
    pc_rows_changed(scan, out);
}

static pc_status test_pairs(pc_scan *scan, pc_stage *stage, pairs *p, pc_error *err)
{
    const pc_expr *on = scan->plan->relation[stage->relation].on;
    for (int i = 0; i < p->count; i++) {
        p->passes[i] = p->found[i] >= 0;
    }
    if (on == NULL || p->count == 0) return PC_OK;
    int *row = pc_arena_array(&scan->scratch, PC_BATCH_ROWS, sizeof *row, err);
    if (row == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_scan_gather(scan, &stage->rows, on, err));
    const pc_batch batch = {.column_count = scan->plan->column_count,
                            .row_count = p->count,
                            .column = stage->rows.column};
    int count;
    PC_TRY(pc_expr_filter(on, &batch, scan->state, &scan->scratch, row, &count, err));
    int at = 0;
    for (int i = 0; i < p->count; i++) {
        const bool is_true = at < count && row[at] == i;
        if (is_true) at++;
        p->passes[i] = p->passes[i] && is_true;
    }
    return PC_OK;
}

// What the join makes of the tested pairs, in place: input rows and what they found.
static int join_pairs(pc_join join, pc_stage *stage, pairs *p)
{
    int count = 0;
    for (int i = 0; i < p->count; i++) {
        bool emit = p->passes[i];
        int32_t found = p->found[i];
        if (join == PC_JOIN_SEMI) emit = emit && !stage->matched;
        if (join == PC_JOIN_ANTI) emit = false;
        stage->matched = stage->matched || p->passes[i];
        if (p->is_last[i]) {
            if (!stage->matched && (join == PC_JOIN_LEFT || join == PC_JOIN_ANTI)) {
                emit = true;
                found = -1;
            }
            stage->matched = false;
        }
        p->input[count] = p->input[i];
        p->found[count] = found;
        count += emit ? 1 : 0;
    }
    return count;
}

pc_status pc_scan_multiply(pc_scan *scan, pc_stage *stage, pc_rows *in, pc_error *err)
{
    finder f = {.scan = scan, .relation = stage->relation, .in = in};
    const pc_scan_relation *r = &scan->plan->relation[stage->relation];
    PC_TRY(pc_scan_link(scan, stage->relation, err));
    if (r->attach == PC_ATTACH_REFERENCE) {
        PC_TRY(look_up(scan, in, stage->relation, &f.from, &f.to, err));
    }
    pairs p = {0};
    PC_TRY(take_pairs(scan, &p, err));
    collect_pairs(&f, stage, &p);
    copy_rows(scan, stage, in, p.input, p.found, p.count);
    PC_TRY(test_pairs(scan, stage, &p, err));
    const int count = join_pairs(r->join, stage, &p);
    copy_rows(scan, stage, in, p.input, p.found, count);
    return PC_OK;
}
