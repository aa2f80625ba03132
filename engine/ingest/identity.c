/** The identity tables as maps: a pair's person, a pseudonym's only person, persons that exist. */
#include <stdlib.h>
#include <string.h>
#include "resolver.h"

const unsigned char NO_PERSON[PC_TAG_BYTES] = {0};

enum { STORE_BLOCK_ROWS = 16384 }; // of the store's rows that are read at once

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

/** A record with the tag of its person, for keymap_put. */
typedef struct tagged_pair {
    unsigned char key[MOST_ID_BYTES + RANK_BYTES];
    unsigned char tag[PC_TAG_BYTES];
} tagged_pair;

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

/** What the maps get, and what changed. */
typedef struct decision {
    resolver *r;
    pc_buffer pairs, pseudonyms; // tagged_pair
    int64_t conflict_count;      // as they are now, less those of the store
} decision;

static pc_status put_meaning(pc_buffer *out, const unsigned char *key, size_t key_bytes,
                             const meaning *of, pc_error *err)
{
    if (of->person == NULL) return PC_OK;
    tagged_pair pair = {0};
    memcpy(pair.key, key, key_bytes);
    if (!of->is_several) {
        pc_slot_entry entry;
        slot_of_person(of->person, MOST_ID_BYTES, &entry);
        memcpy(pair.tag, entry.tag, PC_TAG_BYTES);
    }
    return pc_buffer_append(out, &pair, sizeof pair, err);
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

/** The winning record of each pair, and each pseudonym with its person or NO_PERSON. Records of a
 *  pseudonym are all on this rank. Local. */
static pc_status decide(decision *d, const identity_record *record, size_t count, pc_error *err)
{
    static const unsigned char no_rank[RANK_BYTES] = {0xff, 0xff, 0xff, 0xff};
    const size_t width = (size_t)d->r->pseudonym_bytes;
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
            unsigned char key[MOST_ID_BYTES + RANK_BYTES];
            memcpy(key, record[from].pseudonym, width);
            memcpy(key + width, record[from].rank, RANK_BYTES);
            PC_TRY(put_meaning(&d->pairs, key, width + RANK_BYTES, &pair, err));
            PC_TRY(note_change(d, &record[from], record[from].rank, &pair_before, &pair, err));
            add_meaning(&before, &pair_before);
            add_meaning(&now, &pair);
        }
        PC_TRY(put_meaning(&d->pseudonyms, record[first].pseudonym, width, &now, err));
        PC_TRY(note_change(d, &record[first], no_rank, &before, &now, err));
        PC_TRY(note_persons(d, record, first, end, err));
    }
    return PC_OK;
}

static pc_status put_tagged(keymap *map, pc_status status, const pc_buffer *from, pc_error *err)
{
    const tagged_pair *pair = (const tagged_pair *)(const void *)from->data;
    const int64_t count = (int64_t)(from->bytes / sizeof *pair);
    const unsigned char *key = count == 0 ? NULL : pair->key;
    const unsigned char *tag = count == 0 ? NULL : pair->tag;
    return keymap_put(map, status, key, tag, sizeof *pair, count, err);
}

static pc_status build_maps(resolver *r, pc_buffer *records, pc_error *err)
{
    ingest_job *job = r->job;
    decision d = {.r = r, .pairs.budget = job->budget, .pseudonyms.budget = job->budget};
    identity_record *record = (identity_record *)(void *)records->data;
    const size_t count = records->bytes / sizeof *record;
    if (count > 0) qsort(record, count, sizeof *record, compare_records);
    pc_status status = decide(&d, record, count, err);
    pc_buffer_release(records);
    status = put_tagged(&r->pair, status, &d.pairs, err);
    if (status == PC_OK) status = put_tagged(&r->pseudonym, PC_OK, &d.pseudonyms, err);
    job->table[job->model->person.identity[0]].count[COUNT_CONFLICT] += d.conflict_count;
    pc_buffer_release(&d.pairs);
    pc_buffer_release(&d.pseudonyms);
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

static pc_status add_person(const resolver *r, const identity_record *record, pc_buffer *persons,
                            pc_error *err)
{
    tagged_pair person = {0};
    pc_slot_entry entry;
    slot_of_person(record->person, MOST_ID_BYTES, &entry);
    memcpy(person.key, record->person, (size_t)r->person_bytes);
    memcpy(person.tag, entry.tag, PC_TAG_BYTES);
    return pc_buffer_append(persons, &person, sizeof person, err);
}

/** One round: records to the ranks of their pseudonyms, persons to theirs. */
static pc_status add_round(resolver *r, int order, const row_rounds *rounds, int64_t row_count,
                           scatter *out, pc_buffer *persons, pc_buffer *records, pc_error *err)
{
    const int table = rounds->table;
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    const unsigned char *row = (const unsigned char *)r->rows.data;
    pc_status status = PC_OK;
    persons->bytes = 0;
    for (int64_t i = 0; status == PC_OK && i < row_count; i++, row += row_bytes) {
        identity_record record;
        make_record(r, order, table, row, &record);
        if (record.person[0] == 0) continue; // names no person: an unresolved pair
        record.state = state_of(r->job, rounds, row);
        if (record.state != RECORD_GONE) status = add_person(r, &record, persons, err);
        if (status == PC_OK && record.pseudonym[0] == 0 && r->job->old != NULL &&
            record.state == RECORD_NEW) {
            status = note_person(r->job->old, record.person, err);
        }
        if (status != PC_OK || record.pseudonym[0] == 0) continue;
        const uint64_t high = keymap_hash(&r->pseudonym, record.pseudonym) >> 32;
        const int owner = (int)((high * (uint64_t)out->ranks) >> 32);
        unsigned char *copy = scatter_add(out, owner, err);
        if (copy == NULL) {
            status = PC_NO_MEMORY;
        } else {
            memcpy(copy, &record, sizeof record);
        }
    }
    status = pc_comm_agree(r->job->comm, status, err);
    if (status == PC_OK) status = scatter_send(out, err);
    if (status == PC_OK) {
        const pc_buffer *own = &out->to[out->rank];
        status = pc_buffer_append(records, own->data, own->bytes, err);
        if (status == PC_OK) status = pc_buffer_append(records, out->in.data, out->in.bytes, err);
    }
    scatter_clear(out);
    return put_tagged(&r->person, status, persons, err);
}

/** All records of an identity table: those of the delivery, or those of the store. */
static pc_status add_records(resolver *r, int order, bool of_store, scatter *out,
                             pc_buffer *persons, pc_buffer *records, pc_error *err)
{
    ingest_job *job = r->job;
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
        status = resolver_next(r, &rounds, &row_count, &is_done, err);
        if (status != PC_OK || is_done) break;
        status = add_round(r, order, &rounds, row_count, out, persons, records, err);
    }
    old_scan_close(&store);
    return status;
}

pc_status identity_build(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    scatter out;
    pc_buffer records = {.budget = job->budget}, persons = {.budget = job->budget};
    pc_status status =
        scatter_init(&out, job->comm, sizeof(identity_record), &job->arena, job->budget, err);
    status = pc_comm_agree(job->comm, status, err);
    for (int i = 0; status == PC_OK && i < job->model->person.identity_count; i++) {
        status = add_records(r, i, false, &out, &persons, &records, err);
        if (status == PC_OK && job->old != NULL) {
            status = add_records(r, i, true, &out, &persons, &records, err);
        }
    }
    scatter_release(&out);
    pc_buffer_release(&persons);
    if (status == PC_OK) status = build_maps(r, &records, err);
    pc_buffer_release(&records);
    return status;
}
