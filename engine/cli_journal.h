/** @file cli_journal.h
 *  The two records of a command in the audit journal. Private to the command line.
 */
#ifndef PC_ENGINE_CLI_JOURNAL_H
#define PC_ENGINE_CLI_JOURNAL_H
#include "parcours/cli.h"
#include "parcours/journal.h"

/** What a command says of itself in the journal. */
typedef struct pc_audit {
    const char *path; ///< of the journal
    pc_journal_record record;
} pc_audit;

/** Collective. Writes the begin record, before the first data byte is read: without a journal
 *  nothing runs. `audit->record` has store (whose journal it is unless --journal names a file) and
 *  subject; the rest is filled here. */
pc_status pc_audit_begin(pc_cli *cli, pc_audit *audit, pc_error *err) PC_MUST_CHECK;
/** Collective. Writes the end record with the outcome `status`, and returns `status`, or the
 *  failure to write the record when all else went well. */
pc_status pc_audit_end(pc_cli *cli, pc_audit *audit, pc_status status, pc_error *err);

#endif
