/** What the identity tables say: a pair's person, a pseudonym's only person, persons that exist.
 * Rows are put aside by parts of their pseudonyms' hashes and sorted part by part; keys and tags
 * are put aside by parts of theirs. If all keys fit, they go into one map; else rows ask part by
 * part. */
#include <stdlib.h>
#include <string.h>
#include "parcours/hash.h"
#include "resolver.h"

const unsigned char NO_PERSON[PC_TAG_BYTES] = {0};

enum {
    STORE_BLOCK_ROWS = 16384, // of the store's rows that are read at once
    KEYS_OF_ROW = 3,          // its pair, its pseudonym and its person, at most
    LEAST_RECORD_BLOCK_BYTES = 4096
};

/** A row of an identity table. Sorted by its bytes, the first of a pair is the one that counts. */
typedef struct identity_record {
    unsigned char pseudonym[MOST_ID_BYTES];
    unsigned char rank[RANK_BYTES];
    unsigned char order;                  // of the table among the identity tables
    unsigned char latest[MOST_LATEST][8]; // inverted: the newest comes first
    unsigned char person[MOST_ID_BYTES];
    unsigned char state; // last, so that it orders twins only
} identity_record;

enum {
    RECORD_KEPT, // of the store
    RECORD_GONE, // of a file of the store that is replaced
    RECORD_NEW   // of the delivery
};

bool identity_id(const ingest_job *job, int table, int column, const unsigned char *row,
                 unsigned char *key, int bytes)
{
    const pc_row_layout *layout = job->table[table].layout;
    const int at = column < 0 ? -1 : layout->field_of_column[column];
    memset(key, 0, (size_t)bytes);
    if (at < 0 || pc_row_is_null(&layout->field[at], row)) return false;
    const pc_row_field *field = &layout->field[at];
    memcpy(key, row + field->offset, field->bytes < bytes ? field->bytes : (size_t)bytes);
    return true;
}

bool identity_rank(const ingest_job *job, int table, const unsigned char *row,
                   unsigned char key[RANK_BYTES], int64_t *rank)
{
    const pc_row_layout *layout = job->table[table].layout;
    const int column = job->model->table[table].rank;
    const int at = column < 0 ? -1 : layout->field_of_column[column];
    memset(key, 0xff, RANK_BYTES);
    if (at < 0 || pc_row_is_null(&layout->field[at], row)) return false;
    const pc_row_field *field = &layout->field[at];
    if (field->type == PC_ID) {
        if (!pc_int_parse(pc_row_id(field, row), rank)) return false;
    } else if (field->dict >= 0) {
        const uint32_t index = (uint32_t)pc_row_int(field, row);
        if (!pc_int_parse(pc_dict_text(job->dict[field->dict], index), rank)) return false;
    } else {
        *rank = pc_row_int(field, row);
    }
    const uint32_t flipped = (uint32_t)*rank ^ (UINT32_C(1) << 31);
    for (int i = 0; i < RANK_BYTES; i++)
        key[i] = (unsigned char)(flipped >> (24 - 8 * i));
    return true;
}

static void make_record(const resolver *r, int order, int table, const unsigned char *row,
                        identity_record *out)
{
    const ingest_job *job = r->job;
    const pc_model_table *t = &job->model->table[table];
    const pc_row_layout *layout = job->table[table].layout;
    memset(out, 0, sizeof *out);
    int64_t rank;
    (void)identity_id(job, table, t->pseudonym, row, out->pseudonym, MOST_ID_BYTES);
    (void)identity_rank(job, table, row, out->rank, &rank);
    (void)identity_id(job, table, t->person, row, out->person, MOST_ID_BYTES);
    out->order = (unsigned char)order;
    for (int i = 0; i < job->model->person.latest_count; i++) {
        const int column = pc_model_find_column(t, pc_span_of(job->model->person.latest[i]));
        const int at = column < 0 ? -1 : layout->field_of_column[column];
        memset(out->latest[i], 0xff, 8);
        if (at < 0 || pc_row_is_null(&layout->field[at], row)) continue;
        const uint64_t flipped =
            ~((uint64_t)pc_row_int(&layout->field[at], row) ^ (UINT64_C(1) << 63));
        for (int b = 0; b < 8; b++)
            out->latest[i][b] = (unsigned char)(flipped >> (56 - 8 * b));
    }
}

static int compare_records(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(identity_record));
}

/** The slot of rows that name this person while no identity table has it. */
static pc_status note_person(ingest_old *old, const unsigned char *person, pc_error *err)
{
    unsigned char id[MOST_ID_BYTES + 1] = {0};
    memcpy(id, person, MOST_ID_BYTES);
    pc_slot_entry entry;
    slot_entry_make(PC_SLOT_UNRESOLVED, pc_span_of((const char *)id), &entry);
    return pc_buffer_append(&old->affected, &entry, sizeof entry, err);
}

static bool same_pseudonym(const identity_record *a, const identity_record *b)
{
    return memcmp(a->pseudonym, b->pseudonym, sizeof a->pseudonym) == 0;
}

key_print identity_print(int kind, const unsigned char *id, const unsigned char *rank)
{
    unsigned char key[1 + MOST_ID_BYTES + RANK_BYTES] = {0};
    key[0] = (unsigned char)kind;
    memcpy(key + 1, id, MOST_ID_BYTES);
    if (rank != NULL) memcpy(key + 1 + MOST_ID_BYTES, rank, RANK_BYTES);
    return print_of(key, sizeof key);
}

/** What a pair or a pseudonym means: nobody, one person, or several (of a pseudonym only). */
typedef struct meaning {
    const unsigned char *person; // NULL: nobody
    bool is_several;
} meaning;

static bool same_person(const unsigned char *a, const unsigned char *b)
{
    return memcmp(a, b, MOST_ID_BYTES) == 0;
}

static bool same_meaning(const meaning *a, const meaning *b)
{
    if (a->is_several || b->is_several) return a->is_several == b->is_several;
    if (a->person == NULL || b->person == NULL) return a->person == b->person;
    return same_person(a->person, b->person);
}

static void add_meaning(meaning *pseudonym, const meaning *pair)
{
    if (pair->person == NULL) return;
    if (pseudonym->person == NULL) {
        pseudonym->person = pair->person;
    } else if (!same_person(pseudonym->person, pair->person)) {
        pseudonym->is_several = true;
    }
}

/** The records of one pair, first .. end - 1, as the store had them or as they are now. */
static meaning mean_pair(const identity_record *record, size_t first, size_t end, bool in_store,
                         int64_t *conflict_count)
{
    meaning out = {0};
    for (size_t i = first; i < end; i++) {
        if (record[i].state == (in_store ? RECORD_NEW : RECORD_GONE)) continue;
        if (out.person == NULL) out.person = record[i].person;
        *conflict_count += !same_person(record[i].person, out.person);
    }
    return out;
}

/** Records on their way to what is asked, and what changed. */
typedef struct decision {
    resolver *r;
    scatter out;            // identity_record
    pc_spool **record;      // [parts] of this rank's pseudonyms; NULL: none yet
    size_t block_bytes;     // of these
    pc_buffer sorted;       // the records of a part
    int64_t conflict_count; // as they are now, less those of the store
} decision;

static pc_status put_meaning(const decision *d, key_print print, const meaning *of, pc_error *err)
{
    if (of->person == NULL) return PC_OK;
    tagged_print key = {.print = print};
    if (!of->is_several) {
        pc_slot_entry entry;
        slot_of_person(of->person, MOST_ID_BYTES, &entry);
        memcpy(key.tag, entry.tag, PC_TAG_BYTES);
    }
    return parts_keep_key(d->r->identity.parts, &key, err);
}

/** Notes the slot whose rows a change of meaning concerns. */
static pc_status note_change(const decision *d, const identity_record *record,
                             const unsigned char *rank, const meaning *before, const meaning *now,
                             pc_error *err)
{
    ingest_old *old = d->r->job->old;
    if (old == NULL || same_meaning(before, now)) return PC_OK;
    pc_slot_entry entry;
    if (before->is_several) {
        old->moves_ambiguous = true;
        return PC_OK;
    }
    if (before->person != NULL) {
        slot_of_person(before->person, MOST_ID_BYTES, &entry);
    } else {
        slot_of_known_pair(record->pseudonym, rank, &entry);
    }
    return pc_buffer_append(&old->affected, &entry, sizeof entry, err);
}

/** A person that this pseudonym brings for the first time may have rows by the person key. */
static pc_status note_persons(const decision *d, const identity_record *record, size_t first,
                              size_t end, pc_error *err)
{
    ingest_old *old = d->r->job->old;
    for (size_t i = first; old != NULL && i < end; i++) {
        bool is_known = record[i].state != RECORD_NEW;
        for (size_t k = first; !is_known && k < end; k++) {
            is_known =
                record[k].state != RECORD_NEW && same_person(record[k].person, record[i].person);
        }
        if (!is_known) PC_TRY(note_person(old, record[i].person, err));
    }
    return PC_OK;
}

/** The person of each pair, and each pseudonym with its person or NO_PERSON. Records of a pseudonym
 *  stand side by side. Local. */
static pc_status decide(decision *d, const identity_record *record, size_t count, pc_error *err)
{
    static const unsigned char no_rank[RANK_BYTES] = {0xff, 0xff, 0xff, 0xff};
    for (size_t first = 0, end; first < count; first = end) {
        meaning before = {0}, now = {0};
        for (end = first; end < count && same_pseudonym(&record[end], &record[first]);) {
            const size_t from = end;
            while (end < count && same_pseudonym(&record[end], &record[from]) &&
                   memcmp(record[end].rank, record[from].rank, RANK_BYTES) == 0) {
                end++;
            }
            int64_t old_conflicts = 0;
            const meaning pair_before = mean_pair(record, from, end, true, &old_conflicts);
            const meaning pair = mean_pair(record, from, end, false, &d->conflict_count);
            d->conflict_count -= old_conflicts;
            const key_print print =
                identity_print(PRINT_PAIR, record[from].pseudonym, record[from].rank);
            PC_TRY(put_meaning(d, print, &pair, err));
            PC_TRY(note_change(d, &record[from], record[from].rank, &pair_before, &pair, err));
            add_meaning(&before, &pair_before);
            add_meaning(&now, &pair);
        }
        const key_print print = identity_print(PRINT_PSEUDONYM, record[first].pseudonym, NULL);
        PC_TRY(put_meaning(d, print, &now, err));
        PC_TRY(note_change(d, &record[first], no_rank, &before, &now, err));
        PC_TRY(note_persons(d, record, first, end, err));
    }
    return PC_OK;
}

/** The records of a part, sorted, and what they say. Local. */
static pc_status decide_part(decision *d, int part, pc_error *err)
{
    pc_spool *spool = d->record[part];
    pc_budget *budget = d->r->job->budget;
    if (spool == NULL) return PC_OK;
    PC_TRY(ingest_check_stop(err));
    PC_TRY(pc_spool_seal(spool, err));
    const size_t count = (size_t)pc_spool_row_count(spool);
    const size_t sorting = 2 * count * sizeof(void *); // of the C library
    d->sorted.bytes = 0;
    pc_status status = pc_buffer_reserve(&d->sorted, count * sizeof(identity_record), err);
    if (status == PC_OK) status = pc_budget_take(budget, sorting, err);
    if (status != PC_OK) {
        pc_error_prefix(err, "%zu identity rows, one part of %d by pseudonym, are sorted in memory",
                        count, d->r->identity.count);
        return status;
    }
    for (int b = 0; status == PC_OK && b < pc_spool_block_count(spool); b++)
        status = pc_spool_read(spool, b, &d->sorted, err);
    pc_spool_drop(spool);
    identity_record *record = (identity_record *)(void *)d->sorted.data;
    if (status == PC_OK) qsort(record, count, sizeof *record, compare_records);
    pc_budget_give(budget, sorting);
    return status == PC_OK ? decide(d, record, count, err) : status;
}

/** What pairs and pseudonyms mean goes to the persons, in the parts of the keys. */
static pc_status decide_all(decision *d, pc_error *err)
{
    ingest_job *job = d->r->job;
    pc_status status = PC_OK;
    for (int part = 0; status == PC_OK && part < d->r->identity.count; part++)
        status = decide_part(d, part, err);
    pc_buffer_release(&d->sorted);
    job->table[job->model->person.identity[0]].count[COUNT_CONFLICT] += d->conflict_count;
    status = pc_comm_agree(job->comm, status, err);
    if (status == PC_OK && job->old != NULL) {
        int64_t moves = job->old->moves_ambiguous;
        pc_comm_max_int64(job->comm, &moves, 1);
        job->old->moves_ambiguous = moves > 0;
    }
    return status;
}

static unsigned char state_of(const ingest_job *job, const row_rounds *rounds,
                              const unsigned char *row)
{
    if (rounds->store == NULL) return RECORD_NEW;
    return old_row_is_gone(job->old, old_row_source(row)) ? RECORD_GONE : RECORD_KEPT;
}

static pc_status keep_person(const resolver *r, const identity_record *record, pc_error *err)
{
    tagged_print person = {.print = identity_print(PRINT_PERSON, record->person, NULL)};
    pc_slot_entry entry;
    slot_of_person(record->person, MOST_ID_BYTES, &entry);
    memcpy(person.tag, entry.tag, PC_TAG_BYTES);
    return parts_keep_key(r->identity.parts, &person, err);
}

/** Records that came, each into its part. */
static pc_status keep_records(decision *d, const pc_buffer *records, pc_error *err)
{
    const resolver *r = d->r;
    const identity_record *record = (const identity_record *)(const void *)records->data;
    for (size_t i = 0; i < records->bytes / sizeof *record; i++) {
        // Other bits than those that choose the rank.
        const uint64_t hash = pc_hash64(record[i].pseudonym, MOST_ID_BYTES);
        pc_spool **spool = &d->record[(uint32_t)hash % (uint32_t)r->identity.count];
        if (*spool == NULL) {
            PC_TRY(pc_spool_open(r->job->read_pool, sizeof *record, d->block_bytes, spool, err));
        }
        PC_TRY(pc_spool_append(*spool, (const unsigned char *)&record[i], 1, err));
    }
    return PC_OK;
}

/** The records of a round's rows, on their way to the ranks of their pseudonyms. Local. */
static pc_status make_records(decision *d, int order, const row_rounds *rounds, int64_t row_count,
                              pc_error *err)
{
    const resolver *r = d->r;
    const int table = rounds->table;
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    const unsigned char *row = (const unsigned char *)r->rows.data;
    for (int64_t i = 0; i < row_count; i++, row += row_bytes) {
        identity_record record;
        make_record(r, order, table, row, &record);
        if (record.person[0] == 0) continue; // names no person: an unresolved pair
        record.state = state_of(r->job, rounds, row);
        if (record.state != RECORD_GONE) PC_TRY(keep_person(r, &record, err));
        if (record.pseudonym[0] == 0) {
            if (r->job->old == NULL || record.state != RECORD_NEW) continue;
            PC_TRY(note_person(r->job->old, record.person, err));
            continue;
        }
        const uint64_t high = pc_hash64(record.pseudonym, MOST_ID_BYTES) >> 32;
        const int owner = (int)((high * (uint64_t)d->out.ranks) >> 32);
        unsigned char *copy = scatter_add(&d->out, owner, err);
        if (copy == NULL) return PC_NO_MEMORY;
        memcpy(copy, &record, sizeof record);
    }
    return PC_OK;
}

static pc_status add_round(decision *d, int order, const row_rounds *rounds, int64_t row_count,
                           pc_error *err)
{
    scatter *out = &d->out;
    pc_status status = make_records(d, order, rounds, row_count, err);
    status = pc_comm_agree(out->comm, status, err);
    if (status == PC_OK) status = scatter_send(out, err);
    if (status == PC_OK) status = keep_records(d, &out->to[out->rank], err);
    if (status == PC_OK) status = keep_records(d, &out->in, err);
    scatter_clear(out);
    return pc_comm_agree(out->comm, status, err);
}

/** All records of an identity table: those of the delivery, or those of the store. */
static pc_status add_records(decision *d, int order, bool of_store, pc_error *err)
{
    ingest_job *job = d->r->job;
    old_scan store = {0};
    row_rounds rounds = {.table = job->model->person.identity[order]};
    pc_status status = PC_OK;
    if (of_store) {
        rounds.store = &store;
        status = old_scan_open(&store, job, rounds.table, STORE_BLOCK_ROWS, err);
        status = pc_comm_agree(job->comm, status, err);
    }
    while (status == PC_OK) {
        bool is_done = false;
        int64_t row_count = 0;
        status = resolver_next(d->r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = add_round(d, order, &rounds, row_count, err);
    }
    old_scan_close(&store);
    return status;
}

/** Parts of the keys and of the records. The map of one part stays while all tables are resolved:
 *  it may have a quarter of what is left, half of what others may. */
static pc_status choose_parts(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    int64_t rows = 0;
    for (int i = 0; i < job->model->person.identity_count; i++) {
        const int table = job->model->person.identity[i];
        rows += job->table[table].all_rows;
        if (job->old != NULL) rows += pc_store_table_rows(job->old->store, table);
    }
    const int64_t keys = 2 * KEYS_OF_ROW * rows;
    r->identity.count = choose_passes(job, keys);
    if (r->identity.count == 1) return PC_OK;
    PC_TRY(resolver_make_room(job, err));
    r->identity.count = choose_passes(job, keys);
    pc_log_line(job->log, PC_INFO, "identity_in_parts", "rows=%lld parts=%d left_bytes=%zu",
                (long long)rows, r->identity.count, pc_budget_left(job->budget));
    return PC_OK;
}

/** Numbers the tables that ask for persons. Local. */
static pc_status open_parts(decision *d, pc_error *err)
{
    resolver *r = d->r;
    ingest_job *job = r->job;
    const int tables = job->model->table_count;
    int askers = 0;
    r->asker = pc_arena_array(&job->arena, (size_t)tables, sizeof *r->asker, err);
    d->record = pc_arena_array(&job->arena, (size_t)r->identity.count, sizeof(void *), err);
    if (r->asker == NULL || d->record == NULL) return PC_NO_MEMORY;
    for (int t = 0; t < tables; t++) {
        const pc_model_table *table = &job->model->table[t];
        const bool asks = ingest_is_patient_table(table) && tag_asks_identity(table);
        r->asker[t] = asks ? askers++ : -1;
    }
    const size_t block = pc_budget_left(job->budget) / 16 / (size_t)r->identity.count;
    d->block_bytes = block > PC_SPOOL_BLOCK_BYTES ? PC_SPOOL_BLOCK_BYTES : block;
    if (d->block_bytes < LEAST_RECORD_BLOCK_BYTES) d->block_bytes = LEAST_RECORD_BLOCK_BYTES;
    PC_TRY(parts_open(r, &r->identity, askers, &r->identity.parts, err));
    return scatter_init(&d->out, job->comm, sizeof(identity_record), &job->arena, job->budget, err);
}

/** The keys of a part into the map. */
static pc_status fill_map(resolver *r, int part, pc_error *err)
{
    const int64_t count = parts_key_count(r->identity.parts, part);
    PC_TRY(open_print_map(r->job, count, &r->identity.map, err));
    return parts_put(r->identity.parts, part, &r->identity.map, err);
}

static void close_parts(resolver *r)
{
    parts_close(r->identity.parts);
    r->identity.parts = NULL;
}

pc_status identity_build(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    decision d = {.r = r, .sorted.budget = job->budget};
    pc_status status = choose_parts(r, err); // agreed
    if (status == PC_OK) status = pc_comm_agree(job->comm, open_parts(&d, err), err);
    for (int i = 0; status == PC_OK && i < job->model->person.identity_count; i++) {
        status = add_records(&d, i, false, err);
        if (status == PC_OK && job->old != NULL) status = add_records(&d, i, true, err);
    }
    scatter_release(&d.out);
    if (status == PC_OK) status = decide_all(&d, err);
    if (status != PC_OK || r->identity.count > 1) return status;
    status = fill_map(r, 0, err);
    close_parts(r);
    return status;
}

pc_status identity_answer(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    key_parts *parts = r->identity.parts;
    pc_status status = PC_OK;
    for (int t = 0; parts != NULL && status == PC_OK && t < job->model->table_count; t++) {
        if (r->asker[t] < 0 || job->table[t].all_rows == 0) continue;
        status = parts_ask(parts, r->asker[t], t, tag_questions, err);
    }
    for (int part = 0; parts != NULL && status == PC_OK && part < r->identity.count; part++) {
        const pc_arena_mark mark = pc_arena_now(&job->arena);
        status = pc_comm_agree(job->comm, ingest_check_stop(err), err);
        if (status == PC_OK) status = fill_map(r, part, err);
        for (int t = 0; status == PC_OK && t < job->model->table_count; t++) {
            if (r->asker[t] < 0 || job->table[t].all_rows == 0) continue;
            status = parts_answer(parts, r->asker[t], part, &r->identity.map, err);
        }
        keymap_release(&r->identity.map);
        r->identity.map = (keymap){0};
        pc_arena_rewind(&job->arena, mark);
    }
    return status;
}

void identity_close(resolver *r)
{
    close_parts(r);
    keymap_release(&r->identity.map);
}
