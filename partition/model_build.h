/** @file model_build.h
 *  The parts that a model is read with: what model.c, model_column.c, model_table.c and
 *  model_rule.c share. Private to partition/.
 */
#ifndef PC_MODEL_BUILD_H
#define PC_MODEL_BUILD_H
#include "parcours/model.h"

enum {
    MODEL_NAME_BYTES = 63,  // of tables, columns, keys, systems: PostgreSQL's limit
    MODEL_PATH_BYTES = 256, // of the JSON path in an error
    MODEL_MAX_TABLES = 1024,
    MODEL_MAX_COLUMNS = 4096, // of one table
    MODEL_MAX_TAG = 23        // bytes of a person key: what a slot key holds
};

/** A model while it is read: the arrays that the finished model shows as constant. */
typedef struct model_builder {
    pc_arena *arena;
    pc_error *err;
    const char *name; // what errors call the model
    pc_model *model;
    pc_system *system;        // [model->system_count]
    pc_model_key *key;        // [model->key_count]
    pc_model_table *table;    // [model->table_count]
    pc_model_column **column; // [model->table_count] the columns of each table
    uint32_t **column_hash;   // [model->table_count] of the name of each column
    const pc_json **json;     // [model->table_count] NULL for PERSON
    const char **dict;        // [dict_room]
    uint32_t *dict_hash;      // [dict_room] of each name
    int dict_room;
    int first_table;  // of the document being read: 0 of the base, then that of each extension
    int first_system; // of the document being read
    const char *delimiters; // of the document being read
} model_builder;

/** What a column line says. */
typedef struct model_line {
    char *text; // in the arena, cut at blanks
    pc_model_column column;
    const char *dict; // a dictionary's name, or NULL
} model_line;

/** A larger array: the `used` elements of `old`, then room for `more` zeroed ones. NULL: no memory.
 */
void *model_grow(const model_builder *b, const void *old, int used, int more, size_t size);

/** `path`: "parent.member", cut when too long (it is only shown). */
void model_path(char path[MODEL_PATH_BYTES], const char *parent, const char *member);

/** Fails with "model 'name': path: sentence". Returns PC_BAD_JOB. */
pc_status model_fail(const model_builder *b, const char *path, const char *format, ...)
    PC_PRINTF(3, 4);
/** "expected X" when the value is absent or of another kind. */
pc_status model_expect(const model_builder *b, const char *path, const pc_json *value,
                       pc_json_kind kind, const char *what) PC_MUST_CHECK;
/** Every member of `object` is one of `known` [count]. */
pc_status model_members(const model_builder *b, const char *path, const pc_json *object,
                        const char *const *known, int count) PC_MUST_CHECK;
/** A text member as a copy in the arena; NULL when absent and not required. */
pc_status model_text(const model_builder *b, const char *path, const pc_json *object,
                     const char *member, bool required, const char **out) PC_MUST_CHECK;
/** A true/false member; `fallback` when absent. */
pc_status model_bool(const model_builder *b, const char *path, const pc_json *object,
                     const char *member, bool fallback, bool *out) PC_MUST_CHECK;
/** A member that is a list of texts; count 0 when absent and not required. */
pc_status model_texts(const model_builder *b, const char *path, const pc_json *object,
                      const char *member, bool required, const char *const **out,
                      int *count) PC_MUST_CHECK;
/** A letter, then letters, digits and _, at most MODEL_NAME_BYTES. */
pc_status model_check_name(const model_builder *b, const char *path,
                           const char *name) PC_MUST_CHECK;
/** Index of the table / column / key called `name`; the error has the nearest name. */
pc_status model_table_named(const model_builder *b, const char *path, const char *name,
                            int *out) PC_MUST_CHECK;
pc_status model_column_named(const model_builder *b, const char *path, int table, const char *name,
                             int *out) PC_MUST_CHECK;
pc_status model_key_named(const model_builder *b, const char *path, const char *name,
                          int *out) PC_MUST_CHECK;
/** Room for the columns of a table. */
pc_status model_take_columns(model_builder *b, int table, int count) PC_MUST_CHECK;
/** Index of the dictionary of that name, a new one when it is not there yet. */
int model_dict(model_builder *b, const char *name);

/** Reads "NAME type attributes : label" (docs/model.md). */
pc_status model_read_line(model_builder *b, const char *path, const char *text,
                          model_line *out) PC_MUST_CHECK;
/** Puts a column behind those of a table: its name is new there, its dictionary is found. */
pc_status model_add_column(model_builder *b, const char *path, int table,
                           const pc_model_column *column, const char *dict) PC_MUST_CHECK;

/** First look: names, file patterns and columns of every table; PERSON has none yet. */
pc_status model_read_tables(model_builder *b, const pc_json *document) PC_MUST_CHECK;
/** Second look, when all columns are known: keys, patients, dates, references. */
pc_status model_link_tables(model_builder *b) PC_MUST_CHECK;
/** The person section and the columns of PERSON. */
pc_status model_read_person(model_builder *b, const pc_json *document) PC_MUST_CHECK;
/** The derived columns, in order. */
pc_status model_read_rules(model_builder *b, const pc_json *document) PC_MUST_CHECK;

/** What studies ask of a model: how signed lines cancel, standard populations. */
pc_status model_read_nets(model_builder *b) PC_MUST_CHECK;
pc_status model_read_populations(model_builder *b, const pc_json *document) PC_MUST_CHECK;

#endif
