/** @file ingest_job.h
 *  What the files of engine/ingest/ share: the job, and the phases in the order in which they run.
 *  Every function with a `job` is collective (the job holds the comm) unless it says Local.
 */
#ifndef PC_INGEST_JOB_H
#define PC_INGEST_JOB_H
#include "parcours/bucket.h"
#include "parcours/ingest.h"
#include "parcours/part.h"
#include "parcours/spool.h"

/** What is counted for each table. */
enum {
    COUNT_READ,
    COUNT_STORED,
    COUNT_REJECTED,
    COUNT_ORPHAN,   // stored rows without a parent row
    COUNT_CONFLICT, // rows of a primary key that other content has too
    COUNT_STATUS,   // stored rows by kind of slot, in the order of STATUS_KINDS
    COUNT_REASON = COUNT_STATUS + 5,
    COUNT_END = COUNT_REASON + PC_REJECT_COUNT
};
#define STATUS_KINDS "PUADO"

enum {
    BATCH_BYTES = 16 * 1024 * 1024,          // rows of a round: large enough to fill an exchange
    BLOCK_ROWS = 65536,                      // rows of the largest table in a block
    LEAST_BLOCK_ROWS = 1024,                 // below it calls cost more than rows
    BUCKET_BYTES = 192 * 1024 * 1024,        // rows of a bucket, when memory allows
    LEAST_KEYMAP_BYTES = 1024 * 1024,        // of a pass: below it there is no end of passes
    LEAST_SPOOL_BLOCK_BYTES = 16 * 1024,     // below it packing gets poor
    DEFAULT_SHARD_BYTES = 512 * 1024 * 1024, // of input
    LEAST_SHARDS = 16,
    MOST_SHARDS = 65536,
    TEXT_SHARE = 4,    // one part in so many of the memory: sorting texts takes as much again
    MOST_FILES = 65535 // a row's source keeps the file in 16 bits
};

typedef struct ingest_table {
    const pc_row_layout *layout; // of the delivered columns, and the primary key in any case
    bool is_delivered;
    pc_spool *rows;           // those that this rank read; NULL: none
    pc_spool *gone;           // parent rows of the store that are replaced; NULL: none
    pc_spool *moved;          // those of the store that are resolved again; NULL: none
    pc_buffer rejected;       // pc_rejected structs of this rank
    int64_t count[COUNT_END]; // of this rank, until they are summed
    int64_t all_rows;         // good rows of both, over ranks
} ingest_table;

/** What is counted for each file. */
typedef struct ingest_file {
    int64_t rows_read;
    int64_t reject[PC_REJECT_COUNT];
} ingest_file;

typedef struct ingest_old ingest_old;
typedef struct ingest_report ingest_report; // report.h

typedef struct ingest_job {
    pc_comm *comm;
    int rank, ranks;
    const pc_ingest_options *options;
    const pc_log *log;
    pc_budget *budget;
    pc_arena arena; // lives as long as the job
    const pc_model *model;
    ingest_table *table; // [model->table_count]
    ingest_old *old;     // what is added to (old.h); NULL: the store is new

    // The delivery.
    int file_count;
    pc_csv_file *file;
    int ignored_count;
    const char **ignored;       // names of files that match no pattern
    int file_base;              // files of earlier deliveries: file i has the number file_base + i
    ingest_file *file_count_of; // [file_count] of this rank, until they are summed
    int64_t *first_unit;        // [file_count + 1] units before each file
    int64_t *unit_lines;        // [all units], summed over ranks after reading
    pc_digest *unit_digest;     // [all units], of this rank's units until gathered
    pc_digest plan_digest;      // of model, shards, names and sizes of files

    // The store.
    uint32_t shard_count;
    pc_digest content_digest; // of the plan and all bytes of the delivery
    pc_buffer written_report; // counter_change of finished shards, until the report is open
    int64_t *is_written;      // [shard_count] 1: an interrupted ingest has written it
    const char *scratch;
    int lock_file; // -1: not held (rank 0 holds it)
    bool made_store, made_scratch, made_files;

    // Dictionaries.
    pc_dict_builder **builder; // [dict_count] of this rank, until they are sorted
    const pc_dict **dict;      // [dict_count] sorted, the same on every rank
    uint32_t **renumber;       // [dict_count] index of this rank's reader to that of `dict`
    uint32_t *renumber_count;  // [dict_count]

    // Reference tables: rows of national codes, the same on every rank.
    pc_buffer *reference;     // [table_count] as read by rank 0, then everywhere
    const pc_column **column; // [table_count] of reference tables, else NULL
    int64_t *reference_rows;  // [table_count]

    pc_spool_pool *read_pool, *bucket_pool;
    int64_t spilled_bytes;     // that this rank wrote to its scratch folder
    int bucket_bits;           // buckets = 1 << bucket_bits, over all ranks
    int64_t first_bucket;      // of this rank
    int64_t bucket_count;      // of this rank
    pc_spool **bucket_rows;    // [bucket_count x (table_count + 1)], NULL: none; last: slot keys
    size_t bucket_block_bytes; // of those spools
    size_t bucket_open_bytes;  // rows of theirs that are not packed yet take at most this

    pc_buffer part;        // pc_part_info structs of this rank
    ingest_report *report; // counts of the delivery report
    int64_t fields_read;   // of this rank: rows times columns of their files
    pc_ingest_profile profile;
    double phase_started_s, phase_started_cpu_s;
    int64_t sent_before; // this phase
} ingest_job;

/** Local. Ends a phase of the table of times and bytes. */
void ingest_phase_end(ingest_job *job, const char *name);
/** PC_STOPPED once a signal came. Local. */
pc_status ingest_check_stop(pc_error *err) PC_MUST_CHECK;
/** Whether rows of the table belong to slots. Local. */
bool ingest_is_patient_table(const pc_model_table *table);

// files.c
/** Lists the delivery, opens its files, makes the layouts. */
pc_status ingest_plan(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** A model or a folder that nodes see differently would give each rank another plan: refuses what
 * is not the same on every rank. */
pc_status ingest_compare(ingest_job *job, pc_digest mine, pc_error *err) PC_MUST_CHECK;
// place.c
/** Rank 0, local. Takes the lock of a store that is there. */
pc_status ingest_place_lock(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Takes the store's lock, looks at what is there. `*is_done`: nothing is left to do. */
pc_status ingest_place_open(ingest_job *job, bool *is_done, pc_error *err) PC_MUST_CHECK;
/** Removes what a finished, failed or stopped job must not leave. */
void ingest_place_close(ingest_job *job, pc_status status);
// read.c
/** Reads all units: patient tables to spools, reference tables to rank 0's memory. Every rank knows
 *  the digests of all units then. */
pc_status ingest_read(ingest_job *job, pc_error *err) PC_MUST_CHECK;
// dictionary.c
/** PC_NO_MEMORY, with the column that has most texts, when the dictionaries that this rank learns
 *  take more than their share of the memory. Local. */
pc_status ingest_check_texts(const ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Makes the sorted dictionaries of all ranks, and the reference tables. */
pc_status ingest_dictionaries(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Renumbers the codes of rows. Local. */
void ingest_renumber(const ingest_job *job, const pc_row_layout *layout, unsigned char *row,
                     int64_t row_count);
// checkpoint.c
/** What a shard adds to the job while it is written. */
typedef struct checkpoint {
    int64_t *count;         // [table_count x COUNT_END] before
    size_t *rejected_bytes; // [table_count] before
    size_t hidden_bytes;    // before
    int64_t *report;        // [report_counters] before
    int64_t *report_now;    // [report_counters] scratch
    int64_t report_count;
} checkpoint;
/** Finds the shards that an interrupted ingest of the same bytes has written, and takes over what
 *  it noted of them. After reading, before rows are sent. */
pc_status checkpoint_open(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local. The delivery report takes over what was counted of finished shards, once it is open. */
pc_status checkpoint_report(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local. Before a shard is written; `mark` is zeroed at first. */
pc_status checkpoint_begin(ingest_job *job, checkpoint *mark, pc_error *err) PC_MUST_CHECK;
/** Local. The shard is written: notes it on disk. @param part  NULL: it has no new part */
pc_status checkpoint_end(ingest_job *job, const checkpoint *mark, uint32_t shard,
                         const pc_part_info *part, pc_error *err) PC_MUST_CHECK;
// resolve.c
/** Gives every row its slot and sends it to the rank that owns its shard. */
pc_status ingest_resolve(ingest_job *job, pc_error *err) PC_MUST_CHECK;
// shards.c
/** Arranges the buckets of this rank and writes their parts. */
pc_status ingest_write_shards(ingest_job *job, pc_error *err) PC_MUST_CHECK;
// rejects.c
/** Refuses when a table has more rejects than --max-rejects. Counts are local sums before. */
pc_status ingest_check_rejects(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Writes STORE/rejects/0000/TABLE.csv. */
pc_status ingest_write_rejects(ingest_job *job, pc_error *err) PC_MUST_CHECK;
// deliveries.c
/** The digest of a file of this delivery, by those of its units. Local. */
pc_digest ingest_file_digest(const ingest_job *job, int file);
/** Appends the deliveries of the manifest, with this one, as JSON. Local, rank 0. */
pc_status ingest_print_deliveries(const ingest_job *job, pc_buffer *out,
                                  pc_error *err) PC_MUST_CHECK;
// finish.c
/** Sums the counts and writes everything that makes the store visible. */
pc_status ingest_finish(ingest_job *job, pc_error *err) PC_MUST_CHECK;

#endif
