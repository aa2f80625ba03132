/** @file omop.h
 *  Tables of the OMOP CDM from another store: a query a table, codes looked up in a mapping.
 *  Private to engine/.
 */
#ifndef PC_ENGINE_OMOP_H
#define PC_ENGINE_OMOP_H
#include "parcours/exec.h"
#include "parcours/json.h"

/** A code of a source vocabulary and a concept that it maps to. */
typedef struct pc_omop_map {
    pc_span vocabulary, code;
    int64_t source_concept, target;
} pc_omop_map;

/** A mapping in the form of the CDM's SOURCE_TO_CONCEPT_MAP. */
typedef struct pc_omop_mapping {
    int64_t count;
    pc_omop_map *map; ///< [count] by vocabulary, code, target
} pc_omop_mapping;

/** The text of a mapping's file. Local. @return PC_IO, PC_NO_MEMORY */
pc_status pc_omop_mapping_text(const char *path, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Reads a mapping from its text (CSV by commas or tabs with a header): lines with an
 *  invalid_reason are left out. The spans are of `text`. Local.
 *  @return PC_BAD_INPUT with the line, PC_NO_MEMORY */
pc_status pc_omop_mapping_read(pc_span text, const char *name, pc_arena *arena,
                               pc_omop_mapping *out, pc_error *err) PC_MUST_CHECK;
/** The maps of a code: *count of them, ascending by target. */
const pc_omop_map *pc_omop_mapping_find(const pc_omop_mapping *mapping, pc_span vocabulary,
                                        pc_span code, int64_t *count);

/** The id of a row: its number among the rows of its person comes first, then the table's place in
 *  the list, then 9 digits that number the person in the table. So ids of one person compare in the
 *  same way whoever else is in the store, also those of two tables, and a definition's ties by row
 *  id fall alike with and without a conversion. */
enum { PC_OMOP_MOST_TABLES = 32, PC_OMOP_MOST_PERSONS = 1000000000 };
static inline int64_t pc_omop_row_id(int64_t row_of_person, int place, int64_t person)
{
    return (row_of_person * PC_OMOP_MOST_TABLES + place) * PC_OMOP_MOST_PERSONS + person;
}

/** How a table of the CDM is made of another store: a query, and a code that is looked up in the
 *  mapping. What `parcours omop` writes, and what definitions look at without it. */
enum { PC_OMOP_MOST_COLUMNS = 64 };
typedef struct pc_omop_table {
    const char *name;
    const char *id;         ///< column of pc_omop_row_id; NULL: none. Then the first column of the
                            ///< query is the person
    int place;              ///< in the list
    const char *vocabulary; ///< of the code, in the mapping; NULL: no codes
    const char *concept, *source_concept; ///< columns of what the code maps to
    const pc_query *query;
    pc_schema schema;                     ///< of its visible columns
    int code_column;                      ///< of the query, -1: no codes
    bool is_number[PC_OMOP_MOST_COLUMNS]; ///< of the query: the text becomes pc_omop_number
} pc_omop_table;

/** Reads a list of tables. Local. @return PC_BAD_JOB, PC_IO */
pc_status pc_omop_list_read(const char *path, pc_json **out, pc_error *err) PC_MUST_CHECK;
/** A table of the list, its query bound to a store. Names are borrowed from `list`, the rest is of
 *  `arena`. Local.
 *  @param place  which of its tables
 *  @param path  what errors call the list
 *  @return PC_BAD_JOB, PC_UNSUPPORTED: its query */
pc_status pc_omop_table_plan(const pc_json *list, int place, const char *path, pc_store *store,
                             const pc_catalog *catalog, pc_arena *arena, pc_omop_table *out,
                             pc_error *err) PC_MUST_CHECK;
/** A value as it is written, and as a code is looked up: not null. @param digits
 * [PC_OMOP_CELL_BYTES] where it is made when it is a number */
enum { PC_OMOP_CELL_BYTES = 64 };
pc_span pc_omop_cell(const pc_column *column, int64_t row, char *digits);
/** A person or stay as a number of at most 18 digits: a hash of its text, from 1 on. */
int64_t pc_omop_number(pc_span text);

/** What `parcours omop` needs. */
typedef struct pc_omop_options {
    const char *store, *out, *scratch;
    const char *tables;  ///< path of the list of tables
    const char *mapping; ///< path of the mapping; NULL: every concept is 0
    pc_budget *budget;
} pc_omop_options;

/** Writes OUT/<table>.csv for each table of the list. Collective over comm. Files are the same
 *  bytes for any number of ranks. After a failure none of them stays.
 *  @return PC_BAD_INPUT: two persons have one person_id; PC_BAD_JOB, PC_IO, PC_NO_MEMORY */
pc_status pc_omop_write(pc_comm *comm, const pc_omop_options *options, const pc_log *log,
                        pc_error *err) PC_MUST_CHECK;

/** The first number of each line of a CSV file is there once, its header left out. Collective over
 *  comm: each rank reads the file and looks at its share of the numbers, as often as a quarter of
 *  the budget asks for.
 *  @param lines  behind the header, on rank 0
 *  @return PC_BAD_INPUT: one is there twice; PC_IO, PC_NO_MEMORY */
pc_status pc_omop_check_ids(pc_comm *comm, const char *path, int64_t lines, pc_budget *budget,
                            pc_error *err) PC_MUST_CHECK;

/** What becomes a store in one step. */
typedef struct pc_omop_store_options {
    pc_omop_options omop;   ///< its `out` is the folder of the store
    const char *folder;     ///< where files are until the store has them; made, and removed
    const char *vocabulary; ///< folder of files that the store gets as well; NULL: none
    const char *share;      ///< folder of shipped data (models)
    const char *scratch;    ///< of the ingest; NULL: of the store
    int64_t shards;         ///< 0: by the size of the files
} pc_omop_store_options;

/** Writes the tables into `folder`, and makes of it a store of model omop: the same as
 *  pc_omop_write and pc_ingest_run. Collective over comm.
 *  @return what they return; PC_BAD_JOB: the store or the folder is there, or the vocabulary has a
 *          file of the name of a table. After a failure nothing stays, but a plan after PC_STOPPED:
 *          the same call goes on with it */
pc_status pc_omop_store(pc_comm *comm, const pc_omop_store_options *options, const pc_log *log,
                        pc_error *err) PC_MUST_CHECK;

#endif
