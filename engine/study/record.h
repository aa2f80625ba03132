/** @file record.h
 *  Records of timelines in memory, and how SQL of a study sees them.
 *
 *  A block's timeline is a set of flat arrays of 64-bit integers, one a column: days, scaled
 *  integers, the bits of doubles, numbers of texts in the one dictionary of the run. Null is
 *  PC_NULL, an open end PC_OPEN. So rows compare, sort and group without looking at types.
 */
#ifndef PC_RECORD_H
#define PC_RECORD_H
#include "parcours/bind.h"
#include "study_def.h"

#define PC_NULL INT64_MIN
#define PC_OPEN INT64_MAX ///< last day of a record without end

/** Columns that every record has, in the order in which ties are broken; attributes follow by name.
 */
enum { PC_START, PC_END, PC_CODE_COLUMN, PC_VALUE_COLUMN, PC_STAY_COLUMN, PC_ATTRIBUTE };

typedef struct pc_record_column {
    const char *name;
    pc_type type;      ///< PC_NONE: null in every record
    uint8_t scale;     ///< of PC_DECIMAL
    int system;        ///< code system, or -1
    pc_class class_of; ///< highest of the columns that it is made from
} pc_record_column;

typedef struct pc_record_schema {
    int count;                ///< at least PC_ATTRIBUTE
    pc_record_column *column; ///< [count]
} pc_record_schema;

/** Index of a column, or -1. */
int pc_record_find(const pc_record_schema *schema, const char *name);

/** Records of a block, in order of slots, inside a slot in the order of docs/study.md. */
typedef struct pc_records {
    int column_count;
    int64_t count;
    int64_t capacity;
    const bool *needed; ///< [column_count] columns that are kept
    int32_t *slot;      ///< [count] within the block
    int64_t **column;   ///< [column_count] of [count]; NULL: not needed by anyone
    uint32_t *offset; ///< [slot_count + 1], once finished; in 32 bits, as there are many timelines
} pc_records;

/** The texts of a run: every text column of every timeline is numbered by it. */
typedef struct pc_words {
    pc_dict_builder *builder;
    const pc_dict *dict;
    pc_arena *arena; ///< of the maps
    int map_count;
    struct pc_word_map *map; ///< [map_count] from dictionaries of the store and of expressions
    int map_capacity;
} pc_words;
typedef struct pc_word_map {
    const pc_dict *dict;
    uint32_t count;
    uint32_t *word; ///< [count] number + 1, 0: not met yet
} pc_word_map;

pc_status pc_words_open(pc_words *words, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
void pc_words_close(pc_words *words);
pc_status pc_words_add(pc_words *words, pc_span text, int64_t *word, pc_error *err) PC_MUST_CHECK;

/** No records yet. `needed` is borrowed. */
pc_status pc_records_open(pc_records *records, int column_count, const bool *needed,
                          pc_arena *arena, pc_error *err) PC_MUST_CHECK;
/** Makes room for `more` records. Memory of `arena`. */
pc_status pc_records_reserve(pc_records *records, int64_t more, pc_arena *arena,
                             pc_error *err) PC_MUST_CHECK;
/** Appends `count` values of a batch column to record column `column`, from record `at` on. */
pc_status pc_records_fill(pc_records *records, int column, int64_t at, const pc_column *values,
                          int count, pc_words *words, pc_error *err) PC_MUST_CHECK;
/** Drops the records whose `keep` is 0. */
void pc_records_keep(pc_records *records, const uint8_t *keep);
/** Drops columns that `needed` (borrowed) does not name. */
void pc_records_narrow(pc_records *records, const bool *needed);
/** Orders records by slot, then as docs/study.md says, by the first `column_count` columns that are
 *  there. `scratch` is used and left as it was. */
pc_status pc_records_sort(pc_records *records, int column_count, const pc_record_schema *schema,
                          const pc_words *words, pc_arena *scratch, pc_error *err) PC_MUST_CHECK;
/** Fills `offset`. The records are in order of slots. */
pc_status pc_records_index(pc_records *records, int slot_count, pc_arena *arena,
                           pc_error *err) PC_MUST_CHECK;
/** Order of two values of a column, nulls last, open ends before them. */
int pc_record_compare(const pc_record_column *column, const pc_words *words, int64_t a, int64_t b);

/** Where SQL over records finds its columns in a batch: first those of the record, then age and
 *  age_in_year at its start, then those of PERSON. */
typedef struct pc_record_scope {
    pc_scope scope;
    const pc_study *study;
    const pc_doc *doc; ///< whose code sets in_codes sees
    const pc_record_schema *schema;
    const pc_model_table *person;
    pc_arena *arena;
    bool uses_other; ///< something besides columns of the record was asked for
} pc_record_scope;
void pc_record_scope_open(pc_record_scope *scope, const pc_study *study, const pc_doc *doc,
                          const pc_record_schema *schema, pc_arena *arena);
/** Columns of the scope's batches. */
int pc_record_scope_count(const pc_record_schema *schema, const pc_model_table *person);

/** A study's expression over records, ready to run. */
typedef struct pc_record_sql {
    const pc_expr *expr;
    bool *used; ///< [columns of the scope's batches]
} pc_record_sql;
/** Binds `text` over `scope`. */
pc_status pc_record_bind(pc_record_scope *scope, const pc_sql_text *text, pc_type wanted,
                         pc_record_sql *out, pc_error *err) PC_MUST_CHECK;

#endif
