/** @file parcours/ingest.h
 *  `parcours ingest`: a delivery of CSV files to a store.
 */
#ifndef PC_INGEST_H
#define PC_INGEST_H
#include "parcours/comm.h"
#include "parcours/log.h"

enum { PC_INGEST_PHASES = 16 };

/** What an ingest took on this rank, phase by phase. */
typedef struct pc_ingest_profile {
    int phase_count;
    struct {
        const char *name;
        double seconds, cpu_s;
        int64_t sent_bytes;     ///< to other ranks
        int64_t resident_bytes; ///< most that the system has seen of this rank until its end
    } phase[PC_INGEST_PHASES];
    int64_t packed_bytes;  ///< of rows put aside, twice each: as read, and by shard
    int64_t spilled_bytes; ///< of these, what memory did not hold
} pc_ingest_profile;

typedef struct pc_ingest_options {
    const char *model;   ///< name of a shipped model or path of a model file; NULL: the store's
    const char *in;      ///< folder of the delivery; NULL with `compact`
    const char *store;   ///< folder of the store; made if it is not there
    int64_t shards;      ///< a power of two, 1 .. 65536; 0: input bytes / 512 MiB, 16 .. 16384
    bool resume;         ///< a complete store of the same plan: nothing to do; an unfinished one is
                         ///< completed
    bool append;         ///< the delivery is added to a store that is there
    bool replace;        ///< the same; rows of files of the same name are taken out before
    bool compact;        ///< no delivery: parts of each shard are written as one
    double max_rejects;  ///< percent of the rows read, per table; negative: no limit
    const char *scratch; ///< folder for what does not fit in memory; NULL: STORE/scratch
    const char *share;   ///< folder of shipped data (models)
    pc_budget *budget;   ///< of this rank
    pc_ingest_profile *profile; ///< filled when all went well; NULL: nobody asks
} pc_ingest_options;

/** Makes the store, or changes it. Collective over comm.
 *  @return PC_OK; PC_BAD_JOB (wrong options, a store that is there, another delivery, a file that
 *          is loaded already); PC_TOO_MANY_REJECTS; PC_STOPPED (signal); PC_BAD_INPUT,
 *          PC_NO_MEMORY, PC_IO. On failure nothing of a new store stays, but after PC_STOPPED the
 *          plan, which --resume asks for; a store that is changed is as it was */
pc_status pc_ingest_run(pc_comm *comm, const pc_ingest_options *options, const pc_log *log,
                        pc_error *err) PC_MUST_CHECK;

#endif
