/** @file resolver.h
 *  Whose row is it: pseudonyms to persons, and the slots of rows that have none. The rules are in
 *  docs/patients.md. Private to engine/ingest/.
 */
#ifndef PC_RESOLVER_H
#define PC_RESOLVER_H
#include "keymap.h"
#include "old.h"
#include "route.h"

enum {
    MOST_ID_BYTES = 32, // of pseudonyms and person keys
    MOST_LATEST = 4,    // columns that say which identity row is the newest
    RANK_BYTES = 4,
    MOST_SAME_BYTES = 128 // of the columns of a table of path SAME
};

typedef struct key_parts key_parts;

/** The map of a key (by its key_print) while those who ask for it are read. With several passes,
 * each holds the keys of one part of the hashes, so that a small memory does as well. */
typedef struct key_passes {
    keymap map;
    int count, at;
    key_parts *parts; // where keys and questions wait for their pass; NULL: the map has all
} key_passes;

/** What rows ask: identity_print -> tag of the person, or the columns of a table of path SAME ->
 * tag of their slot; NO_PERSON when there are several. Prints of parents' keys are the first too.
 */
enum { ASK_PRINT, ASK_SAME, MAP_COUNT };

typedef struct resolver {
    ingest_job *job;
    key_passes identity;
    int *asker; // [tables] number among those that ask for persons when these are in parts, or -1
    keymap same;
    pc_buffer rows;           // a round's rows of this rank
    pc_buffer ask[MAP_COUNT]; // keys
    pc_buffer tag[MAP_COUNT], found[MAP_COUNT];
    bool *is_asked;  // [tables] rows of it are noted
    pc_spool **note; // [tables x tables] of a table of path SAME and one that it asks: same_record
    pc_buffer want;  // row_want [rows]
} resolver;

/** Reads rows of a table in rounds: every rank calls it until it gives 0 rows everywhere. */
typedef struct row_rounds {
    int table;
    int block;       // the next of this rank's spool
    int moved_block; // the next of its rows that were taken out of the store
    bool of_gone;    // parent rows of the store that are replaced, in place of both
    old_scan *store; // not NULL: all rows of the table that the store has, in place of both
} row_rounds;

/** Local; resolver_release accepts what a failed open left. */
pc_status resolver_open(resolver *r, ingest_job *job, pc_error *err) PC_MUST_CHECK;
void resolver_release(resolver *r);
/** Collective. The next rows into r->rows, codes renumbered; `*row_count` is this rank's;
 *  `*is_done` when no rank has more. */
pc_status resolver_next(resolver *r, row_rounds *rounds, int64_t *row_count, bool *is_done,
                        pc_error *err) PC_MUST_CHECK;

/** A key as it travels and is looked up: 128 bits of hash. That two keys have one is less likely
 *  than a wrong bit in memory, and a child that it leads astray finds no parent in the slot that it
 *  came to, where keys are compared in full. */
typedef struct key_print {
    unsigned char byte[PC_HASH128_BYTES];
} key_print;
/** A key with the tag of its row. */
typedef struct tagged_print {
    key_print print;
    unsigned char tag[PC_TAG_BYTES];
} tagged_print;
/** Local. */
key_print print_of(const unsigned char *key, int key_bytes);
/** The pass that a key belongs to. Local. */
int pass_of(const key_passes *passes, const key_print *print);
/** Parts of the hashes that `key_count` keys over all ranks are split into, so that a map fits in
 *  half of the memory that buckets will leave on the fullest rank. Collective. */
int choose_passes(ingest_job *job, int64_t key_count);
/** Collective. Rows that wait in memory for their turn go to the scratch files: keys need it more.
 */
pc_status resolver_make_room(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Collective. An empty map of prints, with room for `key_count` keys over all ranks. Structs are
 * of the job's arena. */
pc_status open_print_map(ingest_job *job, int64_t key_count, keymap *map,
                         pc_error *err) PC_MUST_CHECK;
/** Collective. The keys and tags of r->rows that belong to the pass go into its map. */
pc_status put_keys(resolver *r, key_passes *passes, int table, int64_t row_count,
                   pc_error *err) PC_MUST_CHECK;

// parts.c
/** Local. Parts of passes->count, for a key that `child_count` tables ask for; structs are of the
 *  job's arena. parts_close releases the rest; it accepts what a failed open left. */
pc_status parts_open(resolver *r, const key_passes *passes, int child_count, key_parts **out,
                     pc_error *err) PC_MUST_CHECK;
void parts_close(key_parts *parts);
/** Local. Puts a key and its tag aside. */
pc_status parts_keep_key(key_parts *parts, const tagged_print *key, pc_error *err) PC_MUST_CHECK;
/** Local. The same with the keys and tags of r->rows. */
pc_status parts_keep_keys(key_parts *parts, int table, int64_t row_count,
                          pc_error *err) PC_MUST_CHECK;
/** What rows of a table ask: appends to r->ask[ASK_PRINT] the prints for r->rows. Local. */
typedef pc_status (*parts_question)(resolver *r, int table, int64_t row_count, pc_error *err);
/** Asks for parents' keys. */
pc_status parts_ask_parents(resolver *r, int table, int64_t row_count, pc_error *err) PC_MUST_CHECK;
/** Collective. Puts what all rows of a table ask aside; neighbours that ask the same, once. */
pc_status parts_ask(key_parts *parts, int child, int table, parts_question question,
                    pc_error *err) PC_MUST_CHECK;
/** Collective. Keys of a part that were put aside, over all ranks. */
int64_t parts_key_count(const key_parts *parts, int part);
/** Collective. The keys of a part into a map; what was asked of the part gets its answers. */
pc_status parts_put(key_parts *parts, int part, keymap *map, pc_error *err) PC_MUST_CHECK;
pc_status parts_answer(key_parts *parts, int child, int part, keymap *map,
                       pc_error *err) PC_MUST_CHECK;
/** Local. The next answers are those of the first rows of a child; until then they take no memory.
 */
void parts_rewind(key_parts *parts);
/** Local. The answers to the `count` prints of r->ask[0], the next of the child's rows: into
 *  r->tag[0] and r->found[0], which have room. */
pc_status parts_take(key_parts *parts, int child, int64_t count, pc_error *err) PC_MUST_CHECK;

// movers.c
/** Collective. Takes out of the store what must be resolved again, after identity_build. */
pc_status movers_take(resolver *r, pc_error *err) PC_MUST_CHECK;

// identity.c
/** Collective. The keys of the identity tables: into the map, or into parts when it does not fit.
 */
pc_status identity_build(resolver *r, pc_error *err) PC_MUST_CHECK;
/** Collective. When they are in parts: what all rows ask for gets its answers. After movers_take.
 */
pc_status identity_answer(resolver *r, pc_error *err) PC_MUST_CHECK;
/** Local. */
void identity_close(resolver *r);
/** What a pseudonym with its rank, one without, and a person key are known by. */
enum { PRINT_PAIR = 1, PRINT_PSEUDONYM, PRINT_PERSON };
/** @param id  [MOST_ID_BYTES]; `rank` [RANK_BYTES], of a pair only. Local. */
key_print identity_print(int kind, const unsigned char *id, const unsigned char *rank);
/** The rank of a row as key bytes (all ones: null), and as a number. Local. */
bool identity_rank(const ingest_job *job, int table, const unsigned char *row,
                   unsigned char key[RANK_BYTES], int64_t *rank);
/** The bytes of an id column, padded with NUL to `bytes`; false: null. Local. */
bool identity_id(const ingest_job *job, int table, int column, const unsigned char *row,
                 unsigned char *key, int bytes);

// slots.c: all local.
/** The entry of a slot: kind and text (22 hexadecimal digits of its hash when it is too long). */
void slot_entry_make(char kind, pc_span text, pc_slot_entry *out);
/** The slot of a person. */
void slot_of_person(const unsigned char *person, int bytes, pc_slot_entry *out);
/** The slot of a pair that no identity table knows: of its key bytes, or of a row. */
void slot_of_known_pair(const unsigned char *pseudonym, const unsigned char rank[RANK_BYTES],
                        pc_slot_entry *out);
void slot_of_pair(const ingest_job *job, int table, const unsigned char *row, pc_slot_entry *out);
/** The nobody slot of a row: keyed by its claim or stay, which its children name too. */
void slot_of_nobody(const ingest_job *job, int table, const unsigned char *row, char kind,
                    pc_slot_entry *out);
/** Whether the row holds one of the values that stand for no person. */
bool slot_is_dummy(const ingest_job *job, int table, const unsigned char *row);

// same.c
/** Local. Prepares the notes that tables of path SAME need of others. */
pc_status same_open(resolver *r, pc_error *err) PC_MUST_CHECK;
/** Local. Notes whose row it is, for the tables that ask for it; the row has its tag. */
pc_status same_note(resolver *r, int table, const unsigned char *row, pc_error *err) PC_MUST_CHECK;
/** Collective. Fills r->same with what was noted for `table`. */
pc_status same_build(resolver *r, int table, pc_error *err) PC_MUST_CHECK;
/** The key of a row of `table`, a table of path SAME: `key` [MOST_SAME_BYTES]; false: a value is
 *  null. Local. */
bool same_key(const ingest_job *job, int table, const unsigned char *row, unsigned char *key);

/** Bytes of the values by which rows of `table` find their patient; 0: no row has them. Local. */
int same_bytes(const ingest_job *job, int table);
/** The same of the i-th table that it asks. Local. */
int same_asked_bytes(const ingest_job *job, int table, int i);
/** Collective. Puts the values of all rows that are resolved now, of `table` (asked -1) or of the
 *  table that it asks as number `asked`, into a map, without tags. */
pc_status same_put_rows(resolver *r, keymap *map, int table, int asked,
                        pc_error *err) PC_MUST_CHECK;
/** Collective. Which keys of a round of the store the map has: r->found[0] [keys->count]. */
pc_status same_ask_store(resolver *r, keymap *map, old_keys *keys, pc_error *err) PC_MUST_CHECK;

// tags.c
/** What rows of such a table ask of the identity tables: a parts_question. */
bool tag_asks_identity(const pc_model_table *table);
pc_status tag_questions(resolver *r, int table, int64_t row_count, pc_error *err) PC_MUST_CHECK;
/** Collective. Gives the rows of r->rows, of a table that is not resolved by a parent, their tags;
 *  slot keys go to `out`. */
pc_status tag_roots(resolver *r, int table, int64_t row_count, route *out,
                    pc_error *err) PC_MUST_CHECK;

extern const unsigned char NO_PERSON[PC_TAG_BYTES]; // all zero: no hash gives it in practice

#endif
