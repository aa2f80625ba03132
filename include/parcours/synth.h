/** @file parcours/synth.h
 *  A synthetic delivery in the SNDS's own CSV form, whose truth is known. Nobody in it exists.
 *
 *  The generator (partition/synth) makes one patient at a time from a counter-based random
 *  generator: any rank makes any patient, and the bytes depend on the options alone. The driver
 *  (engine/synth.c) shares the patients among ranks and puts their rows at their places.
 */
#ifndef PC_SYNTH_H
#define PC_SYNTH_H
#include <stdbool.h>
#include <stdint.h>
#include "parcours/arena.h"
#include "parcours/comm.h"
#include "parcours/log.h"
#include "parcours/status.h"
#include "parcours/text.h"

enum {
    PC_SYNTH_MAX_YEARS = 30,          ///< flow months and years are counted in fixed arrays
    PC_SYNTH_DEFECTS = 60,            ///< T01 to T60 of the list of traps
    PC_SYNTH_FIRST_YEAR = 2006,       ///< the first year of the SNDS's tables
    PC_SYNTH_LAST_YEAR = 2035,        ///< dates are formatted from a table that ends soon after
    PC_SYNTH_MAX_PATIENTS = 150000000 ///< the nine-column key and RSA_NUM stay unique up to here
};

/** What to make. All texts are borrowed until the run returns. */
typedef struct pc_synth_options {
    int64_t patients; ///< persons, 1 .. PC_SYNTH_MAX_PATIENTS
    int64_t from, to; ///< only patients from .. to - 1 of them are made; both 0: all
    int first_year;   ///< years of care, both included
    int last_year;
    uint64_t seed;
    bool all_columns;      ///< every table and column valid in the file's year; false: the core
    bool messy;            ///< plants the defects of the list of traps
    const char *out_dir;   ///< must be missing or empty
    const char *share_dir; ///< <build>/share/parcours; its synth/data is read
    pc_budget *budget;     ///< of this rank
} pc_synth_options;

/** Makes the delivery and its truth.json in `options->out_dir`.
 *
 *  Collective over comm. Bytes do not depend on the number of ranks. Each patient is made twice:
 *  first to size, then to write (no scratch space). On failure the files made are removed.
 *  @return PC_BAD_JOB (options, directory not empty), PC_BAD_INPUT (data files), PC_NO_MEMORY,
 *          PC_IO, PC_STOPPED (a signal; nothing is left). */
pc_status pc_synth_run(pc_comm *comm, const pc_synth_options *options, const pc_log *log,
                       pc_error *err) PC_MUST_CHECK;

/** What is known of the people made so far: persons who satisfy CNAM's rule `diabete` in each year
 *  (index: year - first_year), and cases planted. Sums over patients. */
typedef struct pc_synth_truth {
    int64_t diabetes[PC_SYNTH_MAX_YEARS];
    int64_t defect[PC_SYNTH_DEFECTS + 1]; ///< [n] counts Tn
    int64_t rows;                         ///< rows of patients' tables
} pc_synth_truth;

/** The generator: plan, tables and layouts, which do not change once made, and one patient's state.
 */
typedef struct pc_synth pc_synth;

/** Reads the data files and plans the files of the delivery. Local.
 *  @param arena  owns the generator; it must live as long
 *  @return PC_BAD_JOB, PC_BAD_INPUT, PC_IO, PC_NO_MEMORY */
pc_status pc_synth_open(const pc_synth_options *options, pc_arena *arena, pc_synth **out,
                        pc_error *err) PC_MUST_CHECK;
/** Gives back what grew while patients were made. Accepts NULL. */
void pc_synth_close(pc_synth *synth);

/** Files of patients' rows. A file is its header, then its segments in order (months of flow of
 *  an ER_ file, one for others), each with its patients in order. */
int pc_synth_file_count(const pc_synth *synth);
const char *pc_synth_file_name(const pc_synth *synth, int file);
pc_span pc_synth_file_header(const pc_synth *synth, int file);
/** Segments of all files, numbered through; `pc_synth_segment_file` ascends with the segment. */
int pc_synth_segment_count(const pc_synth *synth);
int pc_synth_segment_file(const pc_synth *synth, int segment);

/** Appends the rows of one patient to the segments' buffers and adds to `truth`. Local.
 *  @param patient  0 .. patients - 1
 *  @param segment  [segment count] buffers, owned by the caller
 *  @return PC_NO_MEMORY */
pc_status pc_synth_make(pc_synth *synth, int64_t patient, pc_buffer *segment, pc_synth_truth *truth,
                        pc_error *err) PC_MUST_CHECK;

/** Reference files (nomenclatures, IR_PHA_R, establishments ...), whole. Local. */
int pc_synth_reference_count(const pc_synth *synth);
/** The name of its file. */
const char *pc_synth_reference_name(const pc_synth *synth, int reference);
pc_status pc_synth_reference(pc_synth *synth, int reference, pc_buffer *out, pc_synth_truth *truth,
                             pc_error *err) PC_MUST_CHECK;
/** The text of truth.json. Local. */
pc_status pc_synth_truth_write(const pc_synth_options *options, const pc_synth_truth *truth,
                               pc_buffer *out, pc_error *err) PC_MUST_CHECK;

#endif
