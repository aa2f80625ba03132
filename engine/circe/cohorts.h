/** @file cohorts.h
 *  `parcours cohorts`: definitions of OHDSI over a store of the OMOP CDM, all in one pass.
 */
#ifndef PC_CIRCE_COHORTS_H
#define PC_CIRCE_COHORTS_H
#include "definition.h"
#include "parcours/comm.h"
#include "parcours/log.h"

typedef struct pc_cohorts_options {
    const char *store;
    const char *out;
    const char *scratch; ///< NULL: `out`
    int path_count;
    const char *const *path; ///< [path_count] files, or folders of *.json
    const char *share;       ///< folder of shipped data
    const char *vocabulary;  ///< of a store that is not of the CDM: a folder or store with the
                             ///< vocabulary tables; NULL: the store's own
    const char *mapping;     ///< its codes to concepts
    const char *tables;      ///< the list of tables, as `parcours omop` takes it
    bool compatible;         ///< --circe-compat
    bool unprotected;
    pc_budget *budget;
} pc_cohorts_options;

/** Collective over comm. Writes the cohorts and their statistics (docs/ohdsi.md).
 *  @return PC_BAD_JOB, PC_UNSUPPORTED: a definition; PC_BAD_INPUT: the store; PC_IO, PC_STOPPED */
pc_status pc_cohorts_run(pc_comm *comm, const pc_cohorts_options *options, const pc_log *log,
                         pc_error *err) PC_MUST_CHECK;

#endif
