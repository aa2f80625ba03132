/** @file rows.h
 *  The rows of a block that some criterion may want, column by column: the code column decides,
 *  the others are read at those rows only.
 */
#ifndef PC_CIRCE_ROWS_H
#define PC_CIRCE_ROWS_H
#include "waiting.h"

/** Rows of one domain in a block, in the order of slots. */
typedef struct pc_circe_rows {
    int64_t count;
    const int32_t *first;                         ///< [slots + 1]; NULL: no rows
    const int64_t *integer[PC_CIRCE_COLUMNS_MAX]; ///< [count] PC_CIRCE_NULL: null; NULL: all null
    const double *number[PC_CIRCE_COLUMNS_MAX];   ///< [count] NaN: null
    const pc_dict *dict[PC_CIRCE_COLUMNS_MAX];    ///< of texts; `integer` has their numbers
    const int32_t *by_concept, *by_source; ///< [count] lists of pc_circe_waiting: leaves that wait
                                           ///< for the row's code; NULL: none does
} pc_circe_rows;

/** A reference table as ids and the concept of each, by id. */
typedef struct pc_circe_concept_of {
    int64_t count;
    int64_t *id, *concept;
} pc_circe_concept_of;

/** Where the columns of the domains stand in the model, and the references that filters ask. */
typedef struct pc_circe_source {
    const pc_circe_program *program;
    const pc_model *model;
    int table[PC_CIRCE_DOMAINS];
    int column[PC_CIRCE_DOMAINS][PC_CIRCE_COLUMNS_MAX]; ///< -1: the model has none
    int birth, gender, race, ethnicity;                 ///< columns of PERSON, -1
    int visit_id, visit_concept;                        ///< of the visits' table
    pc_circe_concept_of specialty, place;
    bool *tables;                             ///< [model->table_count] that a run reads
    pc_circe_waiting *by_concept, *by_source; ///< [PC_CIRCE_DOMAINS]
} pc_circe_source;

/** What is read of a block. */
typedef struct pc_circe_block {
    pc_block *block;
    pc_circe_rows rows[PC_CIRCE_DOMAINS];
    const int64_t *subject;       ///< [slots] PC_CIRCE_NULL: no person; NULL: the slots' own keys
    const int64_t *person_offset; ///< [slots + 1] the persons of a slot: at most one
    const int64_t *birth, *gender, *race, *ethnicity; ///< [persons] NULL: all null
    const int64_t *visit_offset;                      ///< [slots + 1]
    const int64_t *visit_id, *visit_concept;          ///< [visits] all of them; NULL: not asked for
} pc_circe_block;

/** Finds tables and columns. Memory of `arena`. Local.
 *  @return PC_BAD_INPUT: the store's model is not that of the OMOP CDM */
pc_status pc_circe_source_open(const pc_circe_program *program, pc_store *store, pc_arena *arena,
                               pc_circe_source *out, pc_error *err) PC_MUST_CHECK;
void pc_circe_source_close(pc_circe_source *source);
/** Reads what the criteria need of a block. Memory of `arena`, until the next block. Local. */
pc_status pc_circe_block_read(const pc_circe_source *source, pc_block *block, pc_arena *arena,
                              pc_circe_block *out, pc_error *err) PC_MUST_CHECK;
/** The concept of an id in a reference table; PC_CIRCE_NULL: no such row, or no concept. */
int64_t pc_circe_concept_at(const pc_circe_concept_of *reference, int64_t id);
bool pc_circe_has_id(const pc_circe_concept_of *reference, int64_t id);

#endif
