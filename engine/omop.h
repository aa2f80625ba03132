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

/** What `parcours omop` needs. */
typedef struct pc_omop_options {
    const char *store, *out, *scratch;
    const char *tables;  ///< path of the list of tables
    const char *mapping; ///< path of the mapping; NULL: every concept is 0
    pc_budget *budget;
} pc_omop_options;

/** Writes OUT/<table>.csv for each table of the list. Collective over comm. Files are the same
 *  bytes for any number of ranks. */
pc_status pc_omop_write(pc_comm *comm, const pc_omop_options *options, const pc_log *log,
                        pc_error *err) PC_MUST_CHECK;

#endif
