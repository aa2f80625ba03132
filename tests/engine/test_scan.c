/** Scans over hand-made blocks, against nested loops over the same rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parcours/bind.h"
#include "parcours/scan.h"
#include "test_main.h"

enum { PERSON, CLAIM, DRUG, DETAIL, STAY, DRUGS, TABLES, MOST_ROWS = 20000, COLUMNS = 3 };

// Column 0: event_date, 1: code (or number), 2: amount.
static const pc_model_column columns[TABLES][COLUMNS] =
    {[PERSON] =
         {{.name = "birth_date", .type = PC_DATE, .dict = -1, .system = -1, .parent_column = -1},
          {.name = "sex", .type = PC_CODE, .dict = 1, .system = -1, .parent_column = -1},
          {.name = "birth_year", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}},
     [CLAIM] =
         {{.name = "event_date", .type = PC_DATE, .dict = -1, .system = -1, .parent_column = -1},
          {.name = "nature", .type = PC_INT, .dict = -1, .system = 1, .parent_column = -1},
          {.name = "paid",
           .type = PC_DECIMAL,
           .scale = 2,
           .dict = -1,
           .system = -1,
           .parent_column = -1}},
     [DRUG] =
         {{.name = "event_date", .type = PC_DATE, .dict = -1, .system = -1, .parent_column = -1},
          {.name = "cip", .type = PC_CODE, .dict = 0, .system = 0, .parent_column = -1},
          {.name = "boxes", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}},
     [DETAIL] =
         {{.name = "event_date", .type = PC_DATE, .dict = -1, .system = -1, .parent_column = -1},
          {.name = "hospital", .type = PC_CODE, .dict = 0, .system = -1, .parent_column = -1},
          {.name = "kind", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}},
     [STAY] =
         {{.name = "event_date", .type = PC_DATE, .dict = -1, .system = -1, .parent_column = -1},
          {.name = "ghm", .type = PC_CODE, .dict = 0, .system = -1, .parent_column = -1},
          {.name = "nights", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}},
     [DRUGS] = {{.name = "weight", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1},
                {.name = "drug", .type = PC_CODE, .dict = 0, .system = -1, .parent_column = -1},
                {.name = "large", .type = PC_INT, .dict = -1, .system = -1, .parent_column = -1}}};
static const pc_model_reference drug_reference[] = {{DRUGS, 1, 1}};
#define TABLE(n, p, own, up)                                                                       \
    .name = n, .path = p, .column_count = COLUMNS, .event_date = 0, .event_end = -1,               \
    .own_key = own, .parent_key = up
static const pc_model_table tables[TABLES] = {
    [PERSON] = {TABLE("PERSON", PC_PATH_PERSON, -1, -1), .column = columns[PERSON]},
    [CLAIM] = {TABLE("CLAIM", PC_PATH_PAIR, 0, -1), .column = columns[CLAIM]},
    [DRUG] = {TABLE("DRUG", PC_PATH_KEY, -1, 0), .column = columns[DRUG], .reference_count = 1,
              .reference = drug_reference},
    [DETAIL] = {TABLE("DETAIL", PC_PATH_KEY, -1, 0), .column = columns[DETAIL], .companion = true},
    [STAY] = {TABLE("STAY", PC_PATH_PAIR, 1, -1), .column = columns[STAY]},
    [DRUGS] = {TABLE("DRUGS", PC_PATH_NONE, -1, -1), .column = columns[DRUGS]}};
static const pc_model_key keys[] = {{"claim", CLAIM, true}, {"stay", STAY, true}};
static const pc_model model = {
    .table_count = TABLES, .table = tables, .key_count = 2, .key = keys, .person_table = PERSON};

/** Rows of a table as plain numbers; NONE: null. */
enum { NONE = -1000000 };
typedef struct plain_table {
    int count;
    int64_t *offset;
    int32_t *parent;
    int *slot;
    int *value[COLUMNS];
} plain_table;

typedef struct world {
    pc_budget budget;
    pc_arena arena;
    int slot_count;
    pc_slot_key *slot_key;
    plain_table table[TABLES];
    pc_block_table block_table[TABLES];
    pc_block block;
    pc_dict dict[2];
    const pc_dict *dicts[2];
    const pc_column *reference[TABLES];
    int64_t reference_count[TABLES];
    pc_catalog catalog;
    uint32_t seed;
} world;

static uint32_t random_of(world *w, uint32_t below)
{
    w->seed = w->seed * 1664525U + 1013904223U;
    return (w->seed >> 8) % below;
}

static void *take(world *w, size_t count, size_t bytes)
{
    return pc_arena_array(&w->arena, count + 8, bytes, NULL);
}

static void make_column(world *w, const plain_table *t, int table, int column)
{
    const pc_model_column *m = &columns[table][column];
    pc_column *c = &w->block_table[table].column[column];
    int32_t *data = take(w, (size_t)t->count, sizeof *data);
    uint64_t *valid = take(w, (size_t)t->count / 64 + 1, sizeof *valid);
    bool any = false;
    for (int i = 0; i < t->count; i++) {
        if (t->value[column][i] == NONE) continue;
        data[i] = t->value[column][i];
        valid[i / 64] |= 1ULL << (i % 64);
        any = true;
    }
    *c = (pc_column){m->type,           m->scale, 4,
                     any ? data : NULL, valid,    m->dict < 0 ? NULL : &w->dict[m->dict]};
}

static void make_rows(world *w, int table, int most_per_slot)
{
    plain_table *t = &w->table[table];
    t->offset = take(w, (size_t)w->slot_count + 1, sizeof *t->offset);
    t->slot = take(w, MOST_ROWS, sizeof *t->slot);
    t->parent = take(w, MOST_ROWS, sizeof *t->parent);
    for (int c = 0; c < COLUMNS; c++) {
        t->value[c] = take(w, MOST_ROWS, sizeof *t->value[c]);
    }
    for (int s = 0; s < w->slot_count; s++) {
        t->offset[s] = t->count;
        const bool nobody = w->slot_key[s].byte[0] != PC_SLOT_RESOLVED;
        uint32_t rows = random_of(w, (uint32_t)most_per_slot + 1);
        if (table == PERSON) rows = nobody ? 0 : 1;
        for (uint32_t i = 0; i < rows && t->count < MOST_ROWS; i++) {
            const int at = t->count++;
            t->slot[at] = s;
            for (int c = 0; c < COLUMNS; c++) {
                t->value[c][at] = random_of(w, 10) == 0 ? NONE : (int)random_of(w, c == 0 ? 50 : 4);
            }
            if (columns[table][1].type == PC_CODE && t->value[1][at] == 3) t->value[1][at] = 1;
            const plain_table *claim = &w->table[CLAIM];
            const int64_t claims = table == CLAIM ? 0
                                   : claim->offset == NULL
                                       ? 0
                                       : claim->offset[s + 1] - claim->offset[s];
            t->parent[at] = claims == 0 || random_of(w, 8) == 0
                                ? -1
                                : (int32_t)(claim->offset[s] + random_of(w, (uint32_t)claims));
        }
    }
    t->offset[w->slot_count] = t->count;
    w->block_table[table].row_count = t->count;
    w->block_table[table].offset = t->offset;
    w->block_table[table].parent = tables[table].parent_key < 0 ? NULL : t->parent;
    for (int c = 0; c < COLUMNS; c++) {
        make_column(w, t, table, c);
    }
}

static void make_reference(world *w, bool unique)
{
    plain_table *t = &w->table[DRUGS];
    t->count = unique ? 2 : 5;
    pc_column *c = take(w, COLUMNS, sizeof *c);
    for (int i = 0; i < COLUMNS; i++) {
        t->value[i] = take(w, 8, sizeof *t->value[i]);
        for (int row = 0; row < t->count; row++) {
            t->value[i][row] = i == 1 ? (row + 1) % 3 : row * 10 + i;
        }
    }
    if (unique) t->value[2][1] = NONE;
    w->block_table[DRUGS].column = c;
    for (int i = 0; i < COLUMNS; i++) {
        make_column(w, t, DRUGS, i);
    }
    w->reference[DRUGS] = c;
    w->reference_count[DRUGS] = t->count;
}

static void open_world(world *w, uint32_t seed, int slots, int most, bool unique)
{
    static const uint64_t offset[] = {0, 1, 2, 3};
    *w = (world){.seed = seed, .slot_count = slots};
    w->arena.budget = &w->budget;
    w->dict[0] = (pc_dict){.count = 3, .sorted = true, .offset = offset, .bytes = "ABC"};
    w->dict[1] = (pc_dict){.count = 2, .sorted = true, .offset = offset, .bytes = "FM"};
    w->dicts[0] = &w->dict[0];
    w->dicts[1] = &w->dict[1];
    w->slot_key = take(w, (size_t)slots, sizeof *w->slot_key);
    for (int s = 0; s < slots; s++) {
        (void)snprintf(w->slot_key[s].byte, PC_SLOT_KEY_BYTES, "%c%07d",
                       random_of(w, 5) == 0 ? PC_SLOT_ORPHAN : PC_SLOT_RESOLVED, s);
    }
    for (int t = 0; t < DRUGS; t++) {
        w->block_table[t].column = take(w, COLUMNS, sizeof(pc_column));
        make_rows(w, t, most);
        if (t == PERSON) { // two codes only
            for (int i = 0; i < w->table[t].count; i++) {
                if (w->table[t].value[1][i] > 1) w->table[t].value[1][i] = 1;
            }
            make_column(w, &w->table[t], t, 1);
        }
    }
    make_reference(w, unique);
    w->catalog = (pc_catalog){.model = &model,
                              .dict = w->dicts,
                              .reference = w->reference,
                              .reference_count = w->reference_count};
    w->block = (pc_block){.model = &model,
                          .first_slot = 100,
                          .slot_count = slots,
                          .slot_key = w->slot_key,
                          .table = w->block_table,
                          .arena = &w->arena};
}

static void close_world(world *w)
{
    pc_arena_reset(&w->arena);
    CU_ASSERT_EQUAL(w->budget.used_bytes, 0);
}

/** A plan under test: up to four relations, all of their three columns, filters and conditions. */
typedef struct test_plan {
    pc_scan_relation relation[4];
    pc_scan_column column[12];
    pc_field field[12];
    const pc_expr *filter[2];
    pc_scan_plan plan;
} test_plan;

static void add_relation(test_plan *p, pc_scan_relation relation)
{
    const int at = p->plan.relation_count++;
    p->relation[at] = relation;
    for (int c = 0; c < COLUMNS; c++) {
        const pc_model_column *m = &columns[relation.table][c];
        p->column[p->plan.column_count] = (pc_scan_column){at, c};
        char *name = malloc(16);
        (void)snprintf(name, 16, "%c%d", 'a' + at, c);
        p->field[p->plan.column_count++] = (pc_field){name, m->type, m->scale, m->width};
    }
}

static void free_plan(test_plan *p)
{
    for (int i = 0; i < p->plan.column_count; i++) {
        free((char *)p->field[i].name);
    }
}

static const pc_expr *bind(world *w, test_plan *p, const char *sql)
{
    pc_error err = {0};
    const pc_schema schema = {p->plan.column_count, p->field};
    pc_schema *kept = take(w, 1, sizeof *kept);
    *kept = schema;
    const pc_expr *x = NULL;
    pc_scope *scope = pc_schema_scope(kept, &w->catalog, &w->arena, NULL);
    const pc_status status = pc_bind_expr(scope, sql, "test", PC_BOOL, &w->arena, &x, &err);
    if (status != PC_OK) (void)fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(status, PC_OK);
    return x;
}

/** One result row: a row (or -1) of each relation. */
typedef struct combination {
    int row[4];
} combination;

/** The twin: expands relation by relation by the definition. */
typedef struct twin {
    world *w;
    const test_plan *p;
    combination *found;
    int count, room;
    bool (*passes_on)(const struct twin *t, const combination *c, int relation);
    bool (*passes)(const struct twin *t, const combination *c);
} twin;

static int value(const twin *t, const combination *c, int relation, int column)
{
    const int table = t->p->relation[relation].table;
    return c->row[relation] < 0 ? NONE : t->w->table[table].value[column][c->row[relation]];
}

static int slot_of(const twin *t, const combination *c)
{
    return t->w->table[t->p->relation[0].table].slot[c->row[0]];
}

static bool is_candidate(const twin *t, const combination *c, int relation, int row)
{
    const pc_scan_relation *r = &t->p->relation[relation];
    const plain_table *their = &t->w->table[r->table];
    const int from = c->row[r->from];
    const int from_table = t->p->relation[r->from].table;
    const plain_table *our = &t->w->table[from_table];
    if (from < 0) return false;
    switch (r->attach) {
        case PC_ATTACH_PERSON:
            return their->slot[row] == slot_of(t, c);
        case PC_ATTACH_PARENT:
            return our->parent[from] == row;
        case PC_ATTACH_COMPANION: {
            if (their->parent[row] != from) return false;
            for (int i = 0; i < row; i++) {
                if (their->parent[i] == from) return false;
            }
            return true;
        }
        case PC_ATTACH_REFERENCE: {
            if (our->value[r->column][from] != their->value[r->their_column][row]) return false;
            for (int i = 0; r->first_only && i < row; i++) {
                if (their->value[r->their_column][i] == their->value[r->their_column][row])
                    return false;
            }
            return our->value[r->column][from] != NONE;
        }
        case PC_ATTACH_PATIENT:
            return their->slot[row] == slot_of(t, c) &&
                   t->w->slot_key[slot_of(t, c)].byte[0] == PC_SLOT_RESOLVED;
        case PC_ATTACH_CHILDREN: {
            const int parent = tables[from_table].own_key == 0 ? from : our->parent[from];
            return parent >= 0 && their->parent[row] == parent;
        }
        default:
            return false;
    }
}

static void emit(twin *t, const combination *c)
{
    if (t->passes != NULL && !t->passes(t, c)) return;
    if (t->count == t->room) {
        t->room = t->room * 2 + 1024;
        t->found = realloc(t->found, (size_t)t->room * sizeof *t->found);
    }
    t->found[t->count++] = *c;
}

static void expand(twin *t, combination c, int relation)
{
    if (relation == t->p->plan.relation_count) {
        emit(t, &c);
        return;
    }
    const pc_scan_relation *r = &t->p->relation[relation];
    bool matched = false;
    const int count = t->w->table[r->table].count;
    const int slot = slot_of(t, &c);
    const bool in_slot = r->table != DRUGS;
    const int from = in_slot ? (int)t->w->table[r->table].offset[slot] : 0;
    const int to = in_slot ? (int)t->w->table[r->table].offset[slot + 1] : count;
    for (int row = from; row < to; row++) {
        if (!is_candidate(t, &c, relation, row)) continue;
        c.row[relation] = row;
        if (r->on != NULL && !t->passes_on(t, &c, relation)) continue;
        const bool again = matched;
        matched = true;
        if (r->join == PC_JOIN_ANTI || (r->join == PC_JOIN_SEMI && again)) continue;
        expand(t, c, relation + 1);
    }
    c.row[relation] = -1;
    if (!matched && (r->join == PC_JOIN_LEFT || r->join == PC_JOIN_ANTI)) {
        expand(t, c, relation + 1);
    }
}

static bool same_row(const twin *t, const pc_batch *batch, int i, const combination *c)
{
    for (int k = 0; k < t->p->plan.column_count; k++) {
        const int expected = value(t, c, k / COLUMNS, k % COLUMNS);
        const pc_column *column = &batch->column[k];
        if (pc_column_is_null(column, i) != (expected == NONE)) return false;
        if (expected != NONE && pc_column_int(column, i) != expected) return false;
    }
    return batch->slot[i] == 100 + slot_of(t, c);
}

static void check_plan(world *w, test_plan *p, twin *t)
{
    p->plan.relation = p->relation;
    p->plan.column = p->column;
    p->plan.field = p->field;
    p->plan.filter = p->filter;
    t->w = w;
    t->p = p;
    const int driving = w->table[p->relation[0].table].count;
    for (int row = 0; row < driving; row++) {
        expand(t, (combination){{row, -1, -1, -1}}, 1);
    }
    pc_scan *scan;
    pc_error err = {0};
    const pc_status opened = pc_scan_open(&w->catalog, &p->plan, &w->budget, &scan, &err);
    if (opened != PC_OK) (void)fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(opened, PC_OK);
    for (int round = 0; round < 2; round++) {
        CU_ASSERT_EQUAL(pc_scan_begin(scan, &w->block, NULL, NULL), PC_OK);
        int at = 0;
        int wrong = 0;
        pc_batch batch;
        for (;;) {
            CU_ASSERT_EQUAL_FATAL(pc_scan_next(scan, &batch, &err), PC_OK);
            if (batch.row_count == 0) break;
            CU_ASSERT(batch.row_count <= PC_BATCH_ROWS);
            for (int i = 0; i < batch.row_count; i++, at++) {
                if (at >= t->count || !same_row(t, &batch, i, &t->found[at])) wrong++;
            }
        }
        CU_ASSERT_EQUAL(wrong, 0);
        CU_ASSERT_EQUAL(at, t->count);
    }
    int64_t in;
    int64_t out;
    pc_scan_counts(scan, &in, &out);
    CU_ASSERT_EQUAL(in, 2 * driving);
    CU_ASSERT_EQUAL(out, 2 * (int64_t)t->count);
    pc_scan_close(scan);
    free(t->found);
    free_plan(p);
}

static bool boxes_above_one(const twin *t, const combination *c)
{
    const int boxes = value(t, c, 0, 2);
    return boxes != NONE && boxes > 1;
}

static void test_one_table(void)
{
    for (uint32_t seed = 1; seed < 4; seed++) {
        world w;
        open_world(&w, seed, 500, 12, true);
        test_plan p = {0};
        twin t = {.passes = seed == 1 ? NULL : boxes_above_one};
        add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = DRUG, .from = -1});
        if (seed > 1) p.filter[p.plan.filter_count++] = bind(&w, &p, "a2 > 1");
        check_plan(&w, &p, &t);
        close_world(&w);
    }
}

static bool of_women_or_unknown(const twin *t, const combination *c)
{
    const int sex = value(t, c, 1, 1);
    const int drug = value(t, c, 3, 1);
    return (sex == 0 || sex == NONE) && (drug == NONE || drug == 1 || drug == 2);
}

// Person, parent, companion and reference: one row at most, inner and left.
static void test_single_rows(void)
{
    for (uint32_t seed = 10; seed < 14; seed++) {
        const pc_join join = seed % 2 == 0 ? PC_JOIN_LEFT : PC_JOIN_INNER;
        world w;
        open_world(&w, seed, 400, 9, seed < 12);
        test_plan p = {0};
        twin t = {.passes = of_women_or_unknown};
        add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = DRUG, .from = -1});
        add_relation(&p,
                     (pc_scan_relation){.attach = PC_ATTACH_PERSON, .join = join, .table = PERSON});
        add_relation(&p,
                     (pc_scan_relation){.attach = PC_ATTACH_PARENT, .join = join, .table = CLAIM});
        add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_REFERENCE,
                                            .join = PC_JOIN_LEFT,
                                            .table = DRUGS,
                                            .column = 1,
                                            .their_column = 1,
                                            .first_only = true});
        p.filter[p.plan.filter_count++] = bind(&w, &p, "b1 = 'F' OR b1 IS NULL");
        p.filter[p.plan.filter_count++] = bind(&w, &p, "COALESCE(d1 IN ('B', 'C'), true)");
        check_plan(&w, &p, &t);
        close_world(&w);
    }
}

static void test_companion(void)
{
    world w;
    open_world(&w, 77, 300, 7, true);
    test_plan p = {0};
    twin t = {0};
    add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = DRUG, .from = -1});
    add_relation(
        &p, (pc_scan_relation){.attach = PC_ATTACH_PARENT, .join = PC_JOIN_LEFT, .table = CLAIM});
    add_relation(
        &p, (pc_scan_relation){
                .attach = PC_ATTACH_COMPANION, .join = PC_JOIN_LEFT, .table = DETAIL, .from = 1});
    check_plan(&w, &p, &t);
    close_world(&w);
}

static bool same_amount(const twin *t, const combination *c, int relation)
{
    const int x = value(t, c, 0, 2);
    const int y = value(t, c, relation, 2);
    return x != NONE && y != NONE && x == y;
}

// Rows of the patient and of the claim, and references that are not unique: every join.
static void test_many_rows(void)
{
    static const pc_attach attach[] = {PC_ATTACH_PATIENT, PC_ATTACH_CHILDREN, PC_ATTACH_REFERENCE};
    for (int kind = 0; kind < 3; kind++) {
        for (int join = PC_JOIN_INNER; join <= PC_JOIN_ANTI; join++) {
            for (int with_on = 0; with_on < 2; with_on++) {
                world w;
                open_world(&w, (uint32_t)(100 + kind * 10 + join), 150, 25, false);
                test_plan p = {0};
                twin t = {.passes_on = same_amount};
                const int from = kind == 1 ? DETAIL : DRUG;
                const int to = kind == 2 ? DRUGS : kind == 1 ? DRUG : STAY;
                add_relation(
                    &p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = from, .from = -1});
                add_relation(&p, (pc_scan_relation){.attach = attach[kind],
                                                    .join = (pc_join)join,
                                                    .table = to,
                                                    .column = 1,
                                                    .their_column = 1});
                if (with_on == 1) p.relation[1].on = bind(&w, &p, "a2 = b2");
                check_plan(&w, &p, &t);
                close_world(&w);
            }
        }
    }
}

static bool long_stay_in_time(const twin *t, const combination *c)
{
    const int nights = value(t, c, 2, 2);
    return nights != NONE && nights >= 2;
}

// Two multiplying joins in a row, with a test between and a filter behind.
static void test_two_stages(void)
{
    world w;
    open_world(&w, 5, 60, 20, false);
    test_plan p = {0};
    twin t = {.passes_on = same_amount, .passes = long_stay_in_time};
    add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = CLAIM, .from = -1});
    add_relation(
        &p, (pc_scan_relation){.attach = PC_ATTACH_CHILDREN, .join = PC_JOIN_LEFT, .table = DRUG});
    add_relation(
        &p, (pc_scan_relation){.attach = PC_ATTACH_PATIENT, .join = PC_JOIN_INNER, .table = STAY});
    add_relation(
        &p, (pc_scan_relation){.attach = PC_ATTACH_PATIENT, .join = PC_JOIN_ANTI, .table = DRUG});
    p.relation[3].on = bind(&w, &p, "a2 * 100 = d2");
    p.filter[p.plan.filter_count++] = bind(&w, &p, "c2 >= 2");
    check_plan(&w, &p, &t);
    close_world(&w);
}

// One patient with more pairs than a batch holds.
static void test_large_slot(void)
{
    world w;
    open_world(&w, 9, 2, 6000, true);
    w.slot_key[0].byte[0] = PC_SLOT_RESOLVED;
    test_plan p = {0};
    twin t = {0};
    add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = CLAIM, .from = -1});
    add_relation(
        &p, (pc_scan_relation){.attach = PC_ATTACH_PATIENT, .join = PC_JOIN_SEMI, .table = STAY});
    add_relation(&p,
                 (pc_scan_relation){
                     .attach = PC_ATTACH_PARENT, .join = PC_JOIN_LEFT, .table = CLAIM, .from = 1});
    p.plan.relation_count = 2;
    p.plan.column_count = 6;
    check_plan(&w, &p, &t);
    for (int i = 6; i < 9; i++) {
        free((char *)p.field[i].name);
    }
    close_world(&w);
}

static void test_row_scope(void)
{
    static const struct {
        const char *sql, *error;
    } list[] = {{"large + nights", "test: character 9: unknown column nights"},
                {"nature = 1 AND sex = 'F' AND large > 1 AND kind IS NULL", NULL},
                {"event_date > birth_date AND CLAIM.event_date = event_date", NULL},
                {"age > 40 AND age_in_year BETWEEN 40 AND 50", NULL},
                {"patient_status = 'resolved' AND patient IS NOT NULL", NULL}};
    world w;
    open_world(&w, 3, 100, 5, true);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        pc_row_scope *scope;
        const pc_expr *x;
        pc_error err = {0};
        CU_ASSERT_EQUAL(pc_row_scope_open(&w.catalog, DRUG, &w.arena, &scope, NULL), PC_OK);
        const pc_status status = pc_bind_expr(pc_row_scope_scope(scope), list[i].sql, "test",
                                              PC_NONE, &w.arena, &x, &err);
        CU_ASSERT_EQUAL(status, list[i].error == NULL ? PC_OK : PC_BAD_JOB);
        if (status != PC_OK) {
            CU_ASSERT_STRING_EQUAL(err.text, list[i].error);
            continue;
        }
        CU_ASSERT_EQUAL(pc_row_scope_filter(scope, x, NULL), PC_OK);
        int relation;
        int column;
        CU_ASSERT_EQUAL(pc_row_scope_episode(scope, &relation, &column, NULL), PC_OK);
        CU_ASSERT_EQUAL(relation, 0);
        CU_ASSERT_EQUAL(column, PC_SCAN_PARENT_KEY);
        int at;
        CU_ASSERT_EQUAL(pc_row_scope_add(scope, relation, column, &at, NULL), PC_OK);
        pc_scan *scan;
        CU_ASSERT_EQUAL_FATAL(
            pc_scan_open(&w.catalog, pc_row_scope_plan(scope), &w.budget, &scan, &err), PC_OK);
        CU_ASSERT_EQUAL(pc_scan_begin(scan, &w.block, NULL, NULL), PC_OK);
        pc_batch batch;
        do {
            CU_ASSERT_EQUAL_FATAL(pc_scan_next(scan, &batch, &err), PC_OK);
        } while (batch.row_count > 0);
        pc_scan_close(scan);
    }
    close_world(&w);
}

static void test_any_request_may_be_refused(void)
{
    pc_status status = PC_NO_MEMORY;
    for (size_t limit = 1; status != PC_OK && limit < 1 << 24; limit += limit / 3 + 512) {
        world w;
        open_world(&w, 3, 40, 5, true);
        test_plan p = {0};
        add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_DRIVE, .table = CLAIM, .from = -1});
        add_relation(&p, (pc_scan_relation){
                             .attach = PC_ATTACH_CHILDREN, .join = PC_JOIN_LEFT, .table = DRUG});
        add_relation(&p, (pc_scan_relation){.attach = PC_ATTACH_REFERENCE,
                                            .join = PC_JOIN_LEFT,
                                            .from = 1,
                                            .table = DRUGS,
                                            .column = 1,
                                            .their_column = 1});
        p.relation[1].on = bind(&w, &p, "a2 = b2");
        p.plan.relation = p.relation;
        p.plan.column = p.column;
        p.plan.field = p.field;
        w.budget.limit_bytes = w.budget.used_bytes + limit;
        pc_scan *scan = NULL;
        pc_batch batch = {.row_count = 1};
        status = pc_scan_open(&w.catalog, &p.plan, &w.budget, &scan, NULL);
        if (status == PC_OK) status = pc_scan_begin(scan, &w.block, NULL, NULL);
        while (status == PC_OK && batch.row_count > 0) {
            status = pc_scan_next(scan, &batch, NULL);
        }
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        pc_scan_close(scan);
        free_plan(&p);
        close_world(&w);
    }
    CU_ASSERT_EQUAL(status, PC_OK);
}

PC_TEST_MAIN("scan", {"one table", test_one_table}, {"single rows", test_single_rows},
             {"companion", test_companion}, {"many rows", test_many_rows},
             {"two stages", test_two_stages}, {"large slot", test_large_slot},
             {"row scope", test_row_scope},
             {"any request may be refused", test_any_request_may_be_refused});
