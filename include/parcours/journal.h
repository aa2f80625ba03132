/** @file parcours/journal.h
 *  The audit journal: JSON lines, each with the hash of the one before it, so that a line that was
 *  changed or taken out shows. It holds who asked what of which store, never a value of a row.
 */
#ifndef PC_JOURNAL_H
#define PC_JOURNAL_H
#include "parcours/hash.h"
#include <stdbool.h>
#include "parcours/text.h"

/** A record to be. Texts are borrowed; NULL: left out. */
typedef struct pc_journal_record {
    const char *event;   ///< "begin" or "end"
    const char *command; ///< "query", "run"
    const char *store;   ///< its path
    const char *store_id;
    const char *version; ///< of the engine
    const char *subject; ///< the SQL text or the path of the study
    const char *subject_digest;
    const char *const *set; ///< [set_count] parameters of a study, "name=value"
    int set_count;
    const char *output;        ///< path of what was written
    const char *output_digest; ///< hash of it
    const char *outcome;       ///< of "end": "done", or the name of the failure
    bool unprotected;
    int ranks;
} pc_journal_record;

/** Appends one record to the file at `path` (made with mode 0600 when missing), with time, user and
 *  batch job; waits for other writers; on disk when it returns. Local: rank 0 calls it.
 *  @return PC_IO, or PC_BAD_INPUT when the file does not end with a whole record */
pc_status pc_journal_append(const char *path, const pc_journal_record *record,
                            pc_error *err) PC_MUST_CHECK;
/** Checks the chain of a journal. Local.
 *  @param lines  how many records it holds
 *  @return PC_BAD_INPUT names the first line that does not follow from the one before */
pc_status pc_journal_verify(const char *path, int64_t *lines, pc_error *err) PC_MUST_CHECK;

#endif
