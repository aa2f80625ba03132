/** @file athena.h
 *  The vocabulary from the files that Athena delivers (or a folder of the CDM's vocabulary tables
 * as CSV): only what the concept sets of a run ask for. Private to engine/.
 */
#ifndef PC_CIRCE_ATHENA_H
#define PC_CIRCE_ATHENA_H
#include "concepts.h"

/** Reads CONCEPT, CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP of a folder: of the second the pairs
 *  with a listed concept, of the third valid 'Maps to'. The files are read as an ingest reads them;
 *  a record that an ingest would reject is an error here. Local. `out` is of `arena`.
 *  @param share     folder of shipped data: the model says what the files are
 *  @param concepts  whose items are listed; not expanded yet
 *  @return PC_BAD_INPUT with file and line, PC_IO, PC_NO_MEMORY */
pc_status circe_athena_read(const char *folder, const char *share, const circe_concepts *concepts,
                            pc_arena *arena, circe_vocabulary *out, pc_error *err) PC_MUST_CHECK;
/** A hash of these files. @param out  [PC_DIGEST_TEXT_BYTES] */
pc_status circe_athena_hash(const char *folder, const char *share, pc_budget *budget, char *out,
                            pc_error *err) PC_MUST_CHECK;

#endif
