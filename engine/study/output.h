/** @file output.h
 *  The folder of a run: release/, control/, cohorts/, manifest.json. Rank 0 writes, but for the
 *  files of cohorts.
 */
#ifndef PC_OUTPUT_H
#define PC_OUTPUT_H
#include "lost.h"
#include "parcours/exec.h"
#include "results.h"
#include "session.h"

/** What a run is, for the manifest. */
typedef struct pc_output {
    const pc_study_options *options;
    const pc_session *session;
    const pc_lost *lost;                   ///< borrowed: what the results lack
    char study_hash[PC_DIGEST_TEXT_BYTES]; ///< of the documents and settings
    int ranks;
    pc_run_counts counts; ///< summed over ranks, seconds of the slowest
    double open_s, scan_s, reduce_s, write_s;
    pc_buffer files;      ///< members of "files" in the manifest
    pc_buffer protection; ///< members of "tables" in protection.json
    pc_buffer page;       ///< sections of report.html
} pc_output;

/** Looks whether the folder may be written. `*is_complete`: it holds the results of this very
 *  study and store already. Local.
 *  @return PC_BAD_JOB: it holds something else */
pc_status pc_output_look(const pc_output *output, bool *is_complete, pc_error *err) PC_MUST_CHECK;
/** Makes one folder, unless it is there. Local. */
pc_status pc_output_make(const char *path, pc_error *err) PC_MUST_CHECK;
/** Makes the folders. */
pc_status pc_output_begin(const pc_output *output, pc_error *err) PC_MUST_CHECK;
/** DIR/<folder>/<name><ending>, owned by `arena`. */
pc_status pc_output_path(const pc_output *output, const char *folder, const char *name,
                         const char *ending, pc_arena *arena, const char **out,
                         pc_error *err) PC_MUST_CHECK;
/** The ending of a result's name: `ending`, or what tells that shards are missing. Local. */
const char *pc_output_ending(const pc_output *output, const char *ending, const char *incomplete);
/** Notes a file that was written, with its hash. */
pc_status pc_output_note(pc_output *output, const char *folder, const char *name,
                         const char *ending, const char *hash, pc_error *err) PC_MUST_CHECK;
/** Writes a text to DIR/<folder>/<name><ending> and notes it. `mode`: 0600 or 0644. */
pc_status pc_output_text(pc_output *output, const char *folder, const char *name,
                         const char *ending, pc_span text, unsigned mode, pc_arena *arena,
                         pc_error *err) PC_MUST_CHECK;
/** Writes a statistic to release/ (unprotected: with the counts of `control`) and control/. */
pc_status pc_output_table(pc_output *output, const char *name, const pc_result *release,
                          const pc_result *control, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
// page.c
/** Draws a statistic that was written by pc_output_table: its figure to release/<name>.svg if it
 * has one, both to the page. Cells are those of the file in release/. */
pc_status pc_page_add(pc_output *output, const pc_statistic *statistic, const pc_result *release,
                      const pc_result *control, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
/** Writes release/report.html. */
pc_status pc_page_end(pc_output *output, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
// output.c
/** Writes protection.json: what the gate did. */
pc_status pc_output_protection(pc_output *output, pc_arena *arena, pc_error *err) PC_MUST_CHECK;
/** The same, then the manifest, last. */
pc_status pc_output_end(pc_output *output, const pc_nodes *nodes, pc_error *err) PC_MUST_CHECK;

#endif
