/** The identity tables as maps: a pair's person, a pseudonym's only person, persons that exist. */
#include <stdlib.h>
#include <string.h>
#include "resolver.h"

const unsigned char NO_PERSON[PC_TAG_BYTES] = {0};

/** A row of an identity table. Sorted by its bytes, the first of a pair is the one that counts. */
typedef struct identity_record {
    unsigned char pseudonym[MOST_ID_BYTES];
    unsigned char rank[RANK_BYTES];
    unsigned char order;                  // of the table among the identity tables
    unsigned char latest[MOST_LATEST][8]; // inverted: the newest comes first
    unsigned char person[MOST_ID_BYTES];
} identity_record;

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

static bool same_pseudonym(const identity_record *a, const identity_record *b)
{
    return memcmp(a->pseudonym, b->pseudonym, sizeof a->pseudonym) == 0;
}

/** A record with the tag of its person, for keymap_put. */
typedef struct tagged_pair {
    unsigned char key[MOST_ID_BYTES + RANK_BYTES];
    unsigned char tag[PC_TAG_BYTES];
} tagged_pair;

/** The winning record of each pair, and each pseudonym with its person or NO_PERSON. Records of a
 *  pseudonym are all on this rank. Local. */
static pc_status decide(resolver *r, const identity_record *record, size_t count, pc_buffer *pairs,
                        pc_buffer *pseudonyms, int64_t *conflict_count, pc_error *err)
{
    const size_t width = (size_t)r->pseudonym_bytes;
    tagged_pair pair = {0}, pseudonym = {0};
    for (size_t i = 0; i < count; i++) {
        const bool is_new = i == 0 || !same_pseudonym(&record[i], &record[i - 1]);
        if (!is_new && memcmp(record[i].rank, record[i - 1].rank, RANK_BYTES) == 0) {
            pc_slot_entry entry;
            slot_of_person(record[i].person, MOST_ID_BYTES, &entry);
            *conflict_count += memcmp(entry.tag, pair.tag, PC_TAG_BYTES) != 0;
            continue;
        }
        pc_slot_entry entry;
        slot_of_person(record[i].person, MOST_ID_BYTES, &entry);
        memcpy(pair.key, record[i].pseudonym, width);
        memcpy(pair.key + width, record[i].rank, RANK_BYTES);
        memcpy(pair.tag, entry.tag, PC_TAG_BYTES);
        PC_TRY(pc_buffer_append(pairs, &pair, sizeof pair, err));
        if (is_new) {
            if (i > 0) PC_TRY(pc_buffer_append(pseudonyms, &pseudonym, sizeof pseudonym, err));
            memcpy(pseudonym.key, record[i].pseudonym, width);
            memcpy(pseudonym.tag, entry.tag, PC_TAG_BYTES);
        } else if (memcmp(pseudonym.tag, entry.tag, PC_TAG_BYTES) != 0) {
            memcpy(pseudonym.tag, NO_PERSON, PC_TAG_BYTES);
        }
    }
    if (count == 0) return PC_OK;
    return pc_buffer_append(pseudonyms, &pseudonym, sizeof pseudonym, err);
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
    pc_buffer pairs = {.budget = job->budget}, pseudonyms = {.budget = job->budget};
    identity_record *record = (identity_record *)(void *)records->data;
    const size_t count = records->bytes / sizeof *record;
    if (count > 0) qsort(record, count, sizeof *record, compare_records);
    int64_t conflict_count = 0;
    pc_status status = decide(r, record, count, &pairs, &pseudonyms, &conflict_count, err);
    pc_buffer_release(records);
    status = put_tagged(&r->pair, status, &pairs, err);
    if (status == PC_OK) status = put_tagged(&r->pseudonym, PC_OK, &pseudonyms, err);
    job->table[job->model->person.identity[0]].count[COUNT_CONFLICT] += conflict_count;
    pc_buffer_release(&pairs);
    pc_buffer_release(&pseudonyms);
    return status;
}

/** One round: records to the ranks of their pseudonyms, persons to theirs. */
static pc_status add_round(resolver *r, int order, int table, int64_t row_count, scatter *out,
                           pc_buffer *persons, pc_buffer *records, pc_error *err)
{
    const size_t row_bytes = (size_t)r->job->table[table].layout->row_bytes;
    const unsigned char *row = (const unsigned char *)r->rows.data;
    pc_status status = PC_OK;
    persons->bytes = 0;
    for (int64_t i = 0; status == PC_OK && i < row_count; i++, row += row_bytes) {
        identity_record record;
        make_record(r, order, table, row, &record);
        if (record.person[0] == 0) continue; // names no person: an unresolved pair
        tagged_pair person = {0};
        pc_slot_entry entry;
        slot_of_person(record.person, MOST_ID_BYTES, &entry);
        memcpy(person.key, record.person, (size_t)r->person_bytes);
        memcpy(person.tag, entry.tag, PC_TAG_BYTES);
        status = pc_buffer_append(persons, &person, sizeof person, err);
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

pc_status identity_build(resolver *r, pc_error *err)
{
    ingest_job *job = r->job;
    scatter out;
    pc_buffer records = {.budget = job->budget}, persons = {.budget = job->budget};
    pc_status status =
        scatter_init(&out, job->comm, sizeof(identity_record), &job->arena, job->budget, err);
    status = pc_comm_agree(job->comm, status, err);
    for (int i = 0; status == PC_OK && i < job->model->person.identity_count; i++) {
        row_rounds rounds = {.table = job->model->person.identity[i]};
        for (bool is_done = false; status == PC_OK && !is_done;) {
            int64_t row_count = 0;
            status = resolver_next(r, &rounds, &row_count, &is_done, err);
            if (status != PC_OK || is_done) break;
            status = add_round(r, i, rounds.table, row_count, &out, &persons, &records, err);
        }
    }
    scatter_release(&out);
    pc_buffer_release(&persons);
    if (status == PC_OK) status = build_maps(r, &records, err);
    pc_buffer_release(&records);
    return status;
}
