/** Parents' keys that do not fit in memory: what parts give is what one list of all keys gives, for
 *  any number of parts, whether they lie in memory or in the scratch folder; each request for
 * memory may be refused. */
#include <string.h>
#include "engine/ingest/resolver.h"
#include "test_main.h"
#include "test_random.h"

enum {
    KEY_BYTES = 8,
    PARENT_BYTES = PC_ROW_FIELDS + KEY_BYTES,
    PARENTS = 600,
    CHILDREN = 1500,
    KNOWN = 900, // keys that a parent may have; children ask for 300 more
    ROUND = 400
};

static pc_comm *open_comm(void)
{
    int argc = 0;
    char *words[] = {NULL};
    char **argv = words;
    static pc_comm *comm; // MPI can be started once in a process
    if (comm == NULL) comm = pc_comm_open(&argc, &argv);
    return comm;
}

typedef unsigned char parent_row[PARENT_BYTES];

/** Row i of parents, or of children with `known` more keys; the tag is 0. */
static void make_row(int64_t key, parent_row row)
{
    memset(row, 0, PARENT_BYTES);
    memcpy(row + PC_ROW_FIELDS, &key, sizeof key);
}

typedef struct answers {
    bool found[CHILDREN];
    unsigned char tag[CHILDREN][PC_TAG_BYTES];
} answers;

typedef struct family {
    parent_row parent[PARENTS], child[CHILDREN];
    answers wanted;
} family;

/** The slow twin: every child looks at every parent; the smallest tag of a key counts. */
static void make_family(family *f, uint64_t seed)
{
    memset(f, 0, sizeof *f);
    uint64_t random = seed;
    for (int i = 0; i < PARENTS; i++) {
        make_row(pc_test_below(&random, KNOWN), f->parent[i]);
        f->parent[i][PC_ROW_TAG] = (unsigned char)(1 + pc_test_below(&random, 200));
    }
    for (int c = 0; c < CHILDREN; c++) {
        make_row(pc_test_below(&random, KNOWN + 300), f->child[c]);
        for (int i = 0; i < PARENTS; i++) {
            const unsigned char *tag = f->parent[i] + PC_ROW_TAG;
            if (memcmp(f->parent[i] + PC_ROW_FIELDS, f->child[c] + PC_ROW_FIELDS, KEY_BYTES) != 0 ||
                (f->wanted.found[c] && memcmp(tag, f->wanted.tag[c], PC_TAG_BYTES) >= 0)) {
                continue;
            }
            f->wanted.found[c] = true;
            memcpy(f->wanted.tag[c], tag, PC_TAG_BYTES);
        }
    }
}

static pc_status put_in_spool(ingest_job *job, const family *f, pc_error *err)
{
    pc_spool **rows = &job->table[1].rows;
    PC_TRY(pc_spool_open(job->read_pool, PARENT_BYTES, 4096, rows, err));
    PC_TRY(pc_spool_append(*rows, f->child[0], CHILDREN, err));
    return pc_spool_seal(*rows, err);
}

/** The keys of all parents, in two rounds. */
static pc_status keep_parents(resolver *r, key_parts *parts, const family *f, pc_error *err)
{
    for (int half = 0; half < 2; half++) {
        r->rows.bytes = 0;
        PC_TRY(
            pc_buffer_append(&r->rows, f->parent[half * PARENTS / 2], sizeof f->parent / 2, err));
        PC_TRY(parts_keep_keys(parts, 0, PARENTS / 2, err));
    }
    return PC_OK;
}

static pc_status look_up(resolver *r, key_parts *parts, int count, pc_error *err)
{
    for (int part = 0; part < count; part++) {
        keymap map = {0};
        const int64_t key_count = parts_key_count(parts, part);
        pc_status status = open_print_map(r->job, key_count, &map, err);
        if (status == PC_OK) status = parts_put(parts, part, &map, err);
        if (status == PC_OK) status = parts_answer(parts, 0, part, &map, err);
        keymap_release(&map);
        PC_TRY(status);
    }
    return PC_OK;
}

static pc_status take_answers(resolver *r, key_parts *parts, const family *f, answers *out,
                              pc_error *err)
{
    parts_rewind(parts);
    for (int from = 0; from < CHILDREN; from += ROUND) {
        const int count = CHILDREN - from < ROUND ? CHILDREN - from : ROUND;
        r->ask[0].bytes = 0;
        for (int i = 0; i < count; i++) {
            const key_print print = print_of(f->child[from + i] + PC_ROW_FIELDS, KEY_BYTES);
            PC_TRY(pc_buffer_append(&r->ask[0], &print, sizeof print, err));
        }
        PC_TRY(pc_buffer_reserve(&r->tag[0], (size_t)count * PC_TAG_BYTES, err));
        PC_TRY(pc_buffer_reserve(&r->found[0], (size_t)count, err));
        PC_TRY(parts_take(parts, 0, count, err));
        memcpy(out->found + from, r->found[0].data, (size_t)count);
        memcpy(out->tag[from], r->tag[0].data, (size_t)count * PC_TAG_BYTES);
    }
    return PC_OK;
}

/** @param room  bytes that the pool may keep in memory */
static pc_status run(const family *f, int parts_count, size_t room, pc_budget *budget, answers *out,
                     int64_t *spilled)
{
    const pc_row_layout layout[2] = {
        {.table = 0, .key_bytes = KEY_BYTES, .row_bytes = PARENT_BYTES},
        {.table = 1, .parent_bytes = KEY_BYTES, .row_bytes = PARENT_BYTES}};
    ingest_table table[2] = {{.layout = &layout[0]}, {.layout = &layout[1]}};
    ingest_job job = {
        .comm = open_comm(), .ranks = 1, .budget = budget, .arena.budget = budget, .table = table};
    resolver r = {.job = &job, .rows.budget = budget};
    for (int i = 0; i < MAP_COUNT; i++) {
        r.ask[i].budget = budget;
        r.tag[i].budget = budget;
        r.found[i].budget = budget;
    }
    const key_passes passes = {.count = parts_count};
    key_parts *parts = NULL;
    pc_error err = {0};
    pc_status status = pc_spool_pool_open("/tmp", room, budget, &job.read_pool, &err);
    if (status == PC_OK) status = put_in_spool(&job, f, &err);
    if (status == PC_OK) status = parts_open(&r, &passes, 1, &parts, &err);
    if (status == PC_OK) status = keep_parents(&r, parts, f, &err);
    if (status == PC_OK) status = parts_ask(parts, 0, 1, parts_ask_parents, &err);
    if (status == PC_OK) status = look_up(&r, parts, parts_count, &err);
    for (int twice = 0; status == PC_OK && twice < 2; twice++)
        status = take_answers(&r, parts, f, out, &err);
    if (spilled != NULL) *spilled = pc_spool_pool_spilled(job.read_pool);
    parts_close(parts);
    resolver_release(&r);
    pc_spool_pool_close(job.read_pool);
    pc_arena_reset(&job.arena);
    return status;
}

static void check(const family *f, const answers *got)
{
    int wrong = 0;
    for (int c = 0; c < CHILDREN; c++) {
        wrong += got->found[c] != f->wanted.found[c];
        wrong += got->found[c] && memcmp(got->tag[c], f->wanted.tag[c], PC_TAG_BYTES) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_any_number_of_parts(void)
{
    static family f;
    static answers got;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make_family(&f, seed);
        for (int parts = 1; parts <= 37; parts += 9) {
            for (size_t room = 0; room <= 1 << 20; room += 1 << 20) {
                pc_budget budget = {0};
                int64_t spilled = 0;
                memset(&got, 0, sizeof got);
                CU_ASSERT_EQUAL(run(&f, parts, room, &budget, &got, &spilled), PC_OK);
                CU_ASSERT_EQUAL(spilled > 0, room == 0);
                CU_ASSERT_EQUAL(budget.used_bytes, 0);
                check(&f, &got);
            }
        }
    }
}

static void test_any_request_may_be_refused(void)
{
    static family f;
    static answers got;
    make_family(&f, 9);
    pc_status status = PC_NO_MEMORY;
    int refused = 0;
    for (size_t limit = 0; status != PC_OK && limit < 8 << 20; limit += 8192) {
        pc_budget budget = {.limit_bytes = limit + 1};
        status = run(&f, 5, 1 << 16, &budget, &got, NULL);
        CU_ASSERT(status == PC_OK || status == PC_NO_MEMORY);
        CU_ASSERT_EQUAL(budget.used_bytes, 0);
        refused += status == PC_NO_MEMORY;
    }
    CU_ASSERT_EQUAL(status, PC_OK);
    CU_ASSERT(refused > 10);
    check(&f, &got);
}

PC_TEST_MAIN("ingest: parents' keys in parts", {"any number of parts", test_any_number_of_parts},
             {"any request may be refused", test_any_request_may_be_refused});
