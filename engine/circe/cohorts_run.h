/** @file cohorts_run.h
 *  What a run of definitions holds on a rank. Private to engine/circe.
 */
#ifndef PC_CIRCE_COHORTS_RUN_H
#define PC_CIRCE_COHORTS_RUN_H
#include "../study/output.h"
#include "cohort.h"
#include "cohorts.h"
#include "native.h"
#include "parcours/exec.h"
#include "parcours/spool.h"

/** A definition of the run, in order of ids: computed in this run, or kept from the last one. */
typedef struct pc_cohorts_entry {
    const char *path, *name;
    int64_t id;
    char key[PC_DIGEST_TEXT_BYTES]; ///< of its file, the store, the engine and how it is read
    int computed;                   ///< its number in the program; -1: kept
    int rule_count;
    int64_t first_byte, bytes;    ///< its rows in cohort.csv
    const int64_t *of_definition; ///< [PC_CIRCE_COUNTS]
    const int64_t *of_rule;       ///< [rule_count][PC_CIRCE_RULE_COUNTS]
    int mask_count;
    const pc_circe_mask *mask; ///< [mask_count] by mask
    bool has_window;           ///< a CensorWindow
    bool is_kept;
    const char *portability; ///< lines of portability.csv; NULL: none, or not known on this rank
} pc_cohorts_entry;

/** What a store that is not of the CDM is seen through. */
typedef struct pc_cohorts_lens {
    bool is_used, is_store;          ///< is_store: the vocabulary is that of a store
    char hash[PC_DIGEST_TEXT_BYTES]; ///< of vocabulary, mapping and list
    pc_json *list;
    pc_buffer mapping_text;
    pc_omop_mapping mapping;
    int64_t *met;               ///< [mapping.count] codes that some row has
    const pc_catalog *catalog;  ///< of the store
    pc_store *vocabulary_store; ///< rank 0
    pc_circe_native *views;
} pc_cohorts_lens;

typedef struct pc_cohorts {
    pc_comm *comm;
    const pc_log *log;
    const pc_cohorts_options *options;
    pc_arena arena;
    pc_store *store;
    pc_cohorts_lens lens;
    circe_vocabulary vocabulary; ///< rank 0
    circe_concepts *concepts;
    int entry_count;
    pc_cohorts_entry *entry; ///< [entry_count] ids ascending
    pc_circe_program program;
    pc_circe_definition *definition; ///< of the computed entries
    int computed_count;
    pc_circe_source source;
    pc_circe_person person;
    pc_circe_counts counts;
    pc_circe_block block;
    pc_arena block_arena;
    pc_buffer episodes; ///< of one person and definition
    pc_spool_pool *pool;
    pc_spool **spool; ///< [computed_count] rows of each
    int64_t serial;   ///< persons seen
    int64_t *seen;    ///< [computed_count] the last person that a definition was looked at for
    int64_t evaluations;
    char csv_hash[PC_DIGEST_TEXT_BYTES];
    pc_session session; ///< the store alone, for `output`
    pc_study_options study_options;
    pc_lost lost; ///< nothing: a shard that cannot be read fails the run
    pc_output output;
} pc_cohorts;

/** A row of a cohort as it is put aside: big-endian, so that spools pack it well. */
enum { PC_COHORTS_ROW_BYTES = 16 };
void pc_cohorts_row_put(unsigned char *row, int64_t subject, pc_circe_period episode);
int64_t pc_cohorts_row_subject(const unsigned char *row);
pc_circe_period pc_cohorts_row_episode(const unsigned char *row);

// cohorts_read.c
/** Lists the files, reads those that have to be computed. Local. */
pc_status pc_cohorts_read(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
// cohorts_kept.c
/** PC_BAD_JOB: the folder holds something else. Local, rank 0. */
pc_status pc_cohorts_look(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Marks the entries whose rows and counts the last run left. Local. */
pc_status pc_cohorts_take_kept(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Appends the lines of a kept entry, as they stand in the last cohort.csv. Local. */
pc_status pc_cohorts_kept_text(pc_cohorts *run, const pc_cohorts_entry *entry, pc_buffer *out,
                               pc_error *err) PC_MUST_CHECK;
/** Gives each computed entry its counts. Rank 0, after the reduction. */
pc_status pc_cohorts_collect(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Writes what the next run may keep. Rank 0. */
pc_status pc_cohorts_keep(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Takes away files of definitions that are no longer asked for. Rank 0. */
pc_status pc_cohorts_tidy(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
// cohorts_native.c
/** Looks whether the store is of the CDM; if not, reads what it is seen through. Collective. */
pc_status pc_cohorts_lens_open(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** The vocabulary that sets are expanded with. Rank 0. */
pc_status pc_cohorts_vocabulary(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Binds the tables that the program asks for. Local. */
pc_status pc_cohorts_lens_bind(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Which listed concepts the store's codes reach, after the pass. Collective. */
pc_status pc_cohorts_lens_report(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
/** Writes it. Rank 0. */
pc_status pc_cohorts_lens_write(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
void pc_cohorts_lens_close(pc_cohorts *run);
// cohorts_write.c
/** Collective. cohort.csv, an HDF5 file a cohort, statistics, manifest. */
pc_status pc_cohorts_write_all(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;
// cohorts_tables.c
/** The statistics through the release gate. Rank 0. */
pc_status pc_cohorts_tables(pc_cohorts *run, pc_error *err) PC_MUST_CHECK;

#endif
