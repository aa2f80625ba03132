/** @file parcours/study.h
 *  Studies: a JSON file that says what to find, whom to keep and what to count (docs/study.md).
 */
#ifndef PC_STUDY_H
#define PC_STUDY_H
#include "parcours/comm.h"
#include "parcours/log.h"

/** What a study is checked, explained or run with. Texts are borrowed. */
typedef struct pc_study_options {
    const char *study;      ///< path of the study file
    const char *store;      ///< path of the store; NULL (check only): the model alone
    const char *model;      ///< without a store: name or path of the model; NULL: "snds"
    const char *out;        ///< run: folder of the results
    const char *const *set; ///< [set_count] "name=value", as given to --set
    int set_count;
    const char *const *grid; ///< [grid_count] run: "name=a,b,c": the study with each value, in one
                             ///< pass; results in `out`/name=a ...
    int grid_count;
    const char *scratch; ///< run: folder for rows that joins exchange; made and removed
    const char *share;   ///< folder of shipped data (models/, library/)
    bool allows_library; ///< check: the file may be a library, which has no statistics
    bool unprotected;    ///< run: release/ without disclosure control
    bool resume;         ///< run: goes on with what `out` holds; nothing is done when complete
    bool keep_going;     ///< run: goes on without shards that cannot be read
    pc_budget *budget;   ///< borrowed
    const struct pc_store_shared *shared; ///< of the store, what its node holds once; NULL: nothing
} pc_study_options;

/** Validates a study. Local. Appends to `out` one line an error, `path: id: sentence`, all of them;
 *  without errors one line that says the study's level.
 *  @return PC_OK; PC_BAD_JOB when there are errors (`err` says how many); PC_IO, PC_NO_MEMORY,
 *          PC_BAD_INPUT (store) */
pc_status pc_study_check(const pc_study_options *options, pc_buffer *out,
                         pc_error *err) PC_MUST_CHECK;

/** Appends what a run would do: timelines in the order in which they are made, the scans with
 *  their columns and pushed predicates, the statistics and how they are reduced. Local. */
pc_status pc_study_explain(const pc_study_options *options, pc_buffer *out,
                           pc_error *err) PC_MUST_CHECK;

/** What a run came to. Times are those of the last start; of a grid those of its last study. */
typedef struct pc_study_outcome {
    int lost;                                 ///< shards that the results lack (`keep_going`)
    int64_t rows, bytes;                      ///< read, over all ranks
    double open_s, scan_s, reduce_s, write_s; ///< on this rank
    double scan_cpu_s;                        ///< over all ranks, without waiting
} pc_study_outcome;

/** Runs a study and writes `options->out`: release/, control/, cohorts/, manifest.json. Collective
 *  over comm: every rank passes the same options (but its own budget).
 *  @return PC_OK; PC_BAD_JOB: study (all errors are logged), options, or `out` holds other results;
 *          PC_BAD_INPUT, PC_NO_MEMORY, PC_IO, PC_STOPPED. Every rank the same */
pc_status pc_study_run(pc_comm *comm, const pc_study_options *options, const pc_log *log,
                       pc_study_outcome *outcome, pc_error *err) PC_MUST_CHECK;

#endif
