/** Tags of rows that find their person by themselves. */
#include <string.h>
#include "resolver.h"

enum { MOST_DUMMIES = 8 }; // columns of a table with values that stand for nobody

enum { TAGGED = MAP_COUNT }; // in place of the map that a row asks: its tag is set already

typedef struct row_want {
    int32_t question; // index among the keys that are asked of the map
    uint8_t map;
} row_want;

static pc_status settle(unsigned char *row, const pc_slot_entry *entry, row_want *want, route *out,
                        pc_error *err)
{
    memcpy(row + PC_ROW_TAG, entry->tag, PC_TAG_BYTES);
    want->map = TAGGED;
    return out == NULL ? PC_OK : route_slot(out, entry, err);
}

static pc_status ask(resolver *r, int map, const void *key, int bytes, row_want *want,
                     pc_error *err)
{
    want->map = (uint8_t)map;
    want->question = (int32_t)(r->ask[map].bytes / (size_t)bytes);
    return pc_buffer_append(&r->ask[map], key, (size_t)bytes, err);
}

static pc_status ask_identity(resolver *r, int kind, const unsigned char *id,
                              const unsigned char *rank, row_want *want, pc_error *err)
{
    const key_print print = identity_print(kind, id, rank);
    return ask(r, ASK_PRINT, &print, sizeof print, want, err);
}

static pc_status want_identity(resolver *r, int table, unsigned char *row, row_want *want,
                               route *out, pc_error *err)
{
    const ingest_job *job = r->job;
    const pc_model_table *t = &job->model->table[table];
    unsigned char id[MOST_ID_BYTES];
    pc_slot_entry entry;
    if (identity_id(job, table, t->person, row, id, MOST_ID_BYTES)) {
        slot_of_person(id, MOST_ID_BYTES, &entry);
    } else if (identity_id(job, table, t->pseudonym, row, id, MOST_ID_BYTES)) {
        slot_of_pair(job, table, row, &entry);
    } else {
        slot_of_nobody(job, table, row, PC_SLOT_DUMMY, &entry);
    }
    return settle(row, &entry, want, out, err);
}

static pc_status want_direct(resolver *r, int table, unsigned char *row, row_want *want, route *out,
                             pc_error *err)
{
    const ingest_job *job = r->job;
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    unsigned char id[MOST_ID_BYTES];
    bool counts = true;
    if (t->person_flag >= 0) {
        const int at = layout->field_of_column[t->person_flag];
        counts = at >= 0 && !pc_row_is_null(&layout->field[at], row) &&
                 pc_row_int(&layout->field[at], row) == t->person_flag_value;
    }
    if (counts && identity_id(job, table, t->person, row, id, MOST_ID_BYTES)) {
        return ask_identity(r, PRINT_PERSON, id, NULL, want, err);
    }
    pc_slot_entry entry;
    slot_of_nobody(job, table, row, PC_SLOT_DUMMY, &entry);
    return settle(row, &entry, want, out, err);
}

static pc_status want_same(resolver *r, int table, unsigned char *row, row_want *want, route *out,
                           pc_error *err)
{
    unsigned char key[MOST_SAME_BYTES];
    if (same_key(r->job, table, row, key)) {
        return ask(r, ASK_SAME, key, r->same.key_bytes, want, err);
    }
    pc_slot_entry entry;
    slot_of_nobody(r->job, table, row, PC_SLOT_ORPHAN, &entry);
    return settle(row, &entry, want, out, err);
}

/** @param out  NULL: what settles a row by itself is of no interest now */
static pc_status want_of_row(resolver *r, int table, unsigned char *row, row_want *want, route *out,
                             pc_error *err)
{
    const ingest_job *job = r->job;
    const pc_model_table *t = &job->model->table[table];
    if (t->path == PC_PATH_SAME) return want_same(r, table, row, want, out, err);
    if (t->path == PC_PATH_IDENTITY) return want_identity(r, table, row, want, out, err);
    unsigned char id[MOST_ID_BYTES], rank[RANK_BYTES];
    int64_t number;
    const bool is_dummy = slot_is_dummy(job, table, row);
    if (!is_dummy && t->path == PC_PATH_DIRECT) return want_direct(r, table, row, want, out, err);
    if (is_dummy || !identity_id(job, table, t->pseudonym, row, id, MOST_ID_BYTES)) {
        pc_slot_entry entry;
        slot_of_nobody(job, table, row, PC_SLOT_DUMMY, &entry);
        return settle(row, &entry, want, out, err);
    }
    const bool has_rank = identity_rank(job, table, row, rank, &number);
    const bool by_pair = has_rank || (t->path == PC_PATH_PAIR && t->rank >= 0);
    return by_pair ? ask_identity(r, PRINT_PAIR, id, rank, want, err)
                   : ask_identity(r, PRINT_PSEUDONYM, id, NULL, want, err);
}

/** What a row becomes when the map gave its answer. */
static pc_status take_answer(resolver *r, int table, unsigned char *row, row_want *want, route *out,
                             pc_error *err)
{
    const ingest_job *job = r->job;
    const unsigned char *tag =
        (const unsigned char *)r->tag[want->map].data + (size_t)want->question * PC_TAG_BYTES;
    const bool found = ((const bool *)(const void *)r->found[want->map].data)[want->question];
    pc_slot_entry entry;
    if (found && memcmp(tag, NO_PERSON, PC_TAG_BYTES) != 0) {
        memcpy(row + PC_ROW_TAG, tag, PC_TAG_BYTES); // the person's identity row brings the key
        return PC_OK;
    }
    if (found) {
        slot_of_nobody(job, table, row, PC_SLOT_AMBIGUOUS, &entry);
    } else if (want->map == ASK_SAME) {
        slot_of_nobody(job, table, row, PC_SLOT_ORPHAN, &entry);
    } else if (job->model->table[table].path == PC_PATH_DIRECT) {
        unsigned char id[MOST_ID_BYTES + 1] = {0};
        (void)identity_id(job, table, job->model->table[table].person, row, id, MOST_ID_BYTES);
        slot_entry_make(PC_SLOT_UNRESOLVED, pc_span_of((const char *)id), &entry);
    } else {
        slot_of_pair(job, table, row, &entry);
    }
    return settle(row, &entry, want, out, err);
}

static pc_status ask_map(resolver *r, int table, int map, pc_status status, pc_error *err)
{
    keymap *of = map == ASK_SAME ? &r->same : &r->identity.map;
    const int bytes = map == ASK_SAME ? of->key_bytes : (int)sizeof(key_print);
    const int64_t count = (int64_t)r->ask[map].bytes / bytes;
    if (status == PC_OK) {
        status = pc_buffer_reserve(&r->tag[map], (size_t)count * PC_TAG_BYTES + 1, err);
    }
    if (status == PC_OK) status = pc_buffer_reserve(&r->found[map], (size_t)count + 1, err);
    if (map == ASK_PRINT && r->identity.parts != NULL) {
        if (status == PC_OK) {
            status = parts_take(r->identity.parts, r->asker[table], count, err);
        }
        return pc_comm_agree(r->job->comm, status, err);
    }
    return keymap_get(of, status, (const unsigned char *)r->ask[map].data, count,
                      (unsigned char *)r->tag[map].data, (bool *)(void *)r->found[map].data, err);
}

bool tag_asks_identity(const pc_model_table *table)
{
    return table->path == PC_PATH_DIRECT || table->path == PC_PATH_PAIR ||
           table->path == PC_PATH_PSEUDONYM;
}

static bool path_asks(const pc_model_table *t, int map)
{
    return map == ASK_SAME ? t->path == PC_PATH_SAME : tag_asks_identity(t);
}

/** Columns by which a row asks for its person. Neighbours often hold the same. */
typedef struct asker {
    const pc_row_field *field[2 + MOST_DUMMIES];
    int field_count;
    bool is_used; // the path asks by these alone
} asker;

static void add_column(asker *a, const pc_row_layout *layout, int column)
{
    const int at = column < 0 ? -1 : layout->field_of_column[column];
    if (at >= 0) a->field[a->field_count++] = &layout->field[at];
}

static asker make_asker(const ingest_job *job, int table)
{
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    asker a = {.is_used = (t->path == PC_PATH_PAIR || t->path == PC_PATH_PSEUDONYM) &&
                          t->dummy_count <= MOST_DUMMIES};
    if (!a.is_used) return a;
    add_column(&a, layout, t->pseudonym);
    add_column(&a, layout, t->rank);
    for (int i = 0; i < t->dummy_count; i++)
        add_column(&a, layout, t->dummy[i].column);
    return a;
}

static bool asks_the_same(const asker *a, const unsigned char *row, const unsigned char *other)
{
    for (int i = 0; i < a->field_count; i++) {
        const pc_row_field *field = a->field[i];
        if (memcmp(row + field->offset, other + field->offset, field->bytes) != 0) return false;
    }
    return a->is_used;
}

/** What each row asks. Local. */
static pc_status want_all(resolver *r, int table, int64_t row_count, route *out, pc_error *err)
{
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    const asker by = make_asker(r->job, table);
    unsigned char *row = (unsigned char *)r->rows.data;
    row_want *want = (row_want *)(void *)r->want.data;
    for (int64_t i = 0; i < row_count; i++, row += row_bytes) {
        if (i > 0 && want[i - 1].map != TAGGED && asks_the_same(&by, row, row - row_bytes)) {
            want[i] = want[i - 1];
        } else {
            PC_TRY(want_of_row(r, table, row, &want[i], out, err));
        }
    }
    return PC_OK;
}

/** Whether the slot follows from what was asked: it does not when it is the row's own claim. */
static bool answer_is_shared(const resolver *r, const row_want *want)
{
    const bool found = ((const bool *)(const void *)r->found[want->map].data)[want->question];
    const char *tag = r->tag[want->map].data + (size_t)want->question * PC_TAG_BYTES;
    if (found) return memcmp(tag, NO_PERSON, PC_TAG_BYTES) != 0;
    return want->map != ASK_SAME;
}

/** The tags of the rows that asked. Local. */
static pc_status take_all(resolver *r, int table, int64_t row_count, route *out, pc_error *err)
{
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    unsigned char *row = (unsigned char *)r->rows.data;
    row_want *want = (row_want *)(void *)r->want.data;
    row_want last = {.map = TAGGED};
    int64_t last_row = -1;
    for (int64_t i = 0; i < row_count; i++, row += row_bytes) {
        const row_want asked = want[i];
        if (asked.map == TAGGED) continue;
        if (asked.map == last.map && asked.question == last.question && i == last_row + 1 &&
            answer_is_shared(r, &asked)) {
            memcpy(row + PC_ROW_TAG, row - row_bytes + PC_ROW_TAG, PC_TAG_BYTES);
        } else {
            PC_TRY(take_answer(r, table, row, &want[i], out, err));
        }
        last = asked;
        last_row = i;
    }
    return PC_OK;
}

pc_status tag_questions(resolver *r, int table, int64_t row_count, pc_error *err)
{
    PC_TRY(pc_buffer_reserve(&r->want, (size_t)row_count * sizeof(row_want), err));
    return want_all(r, table, row_count, NULL, err);
}

pc_status tag_roots(resolver *r, int table, int64_t row_count, route *out, pc_error *err)
{
    pc_status status = pc_buffer_reserve(&r->want, (size_t)row_count * sizeof(row_want), err);
    for (int m = 0; m < MAP_COUNT; m++)
        r->ask[m].bytes = 0;
    if (status == PC_OK) status = want_all(r, table, row_count, out, err);
    for (int m = 0; m < MAP_COUNT; m++) {
        if (!path_asks(&r->job->model->table[table], m)) continue;
        status = ask_map(r, table, m, status, err);
        if (status != PC_OK) return status; // agreed
    }
    if (status == PC_OK) status = take_all(r, table, row_count, out, err);
    return pc_comm_agree(r->job->comm, status, err);
}
