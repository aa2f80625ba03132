/** @file capacity.h
 *  What a machine needs for a population: constants that are measured (calibrate) and the model
 * that puts them together (plan). docs/scaling.md has the formulas.
 */
#ifndef PC_CAPACITY_H
#define PC_CAPACITY_H
#include "parcours/ingest.h"
#include "parcours/study.h"

enum { PC_CAPACITY_STUDIES = 16, PC_CAPACITY_NAME_BYTES = 64 };

/** Processor seconds of one rank: fixed + full parts x part + bytes x byte. */
typedef struct pc_cost {
    char name[PC_CAPACITY_NAME_BYTES];
    double fixed_s, part_s, byte_s;
} pc_cost;

/** A study: its pass in processor seconds by bytes of the store, the rest by people. */
typedef struct pc_study_cost {
    pc_cost scan;      ///< part: of the store; byte: of the store
    double read_share; ///< bytes that it reads, of the bytes of the store
    double open_s;     ///< before the first shard, on each rank
    double write_s;    ///< after the last one: fixed,
    double person_s;   ///< and for each person (a cohort's file is one rank's work)
} pc_study_cost;

/** The constants. Volumes are of the synthetic population that was loaded. */
typedef struct pc_calibration {
    int ranks; ///< that worked side by side
    /** Per person and year. moved: rows and keys that go to another rank; packed: rows put aside,
     *  as read and by shard, as they lie in memory or on the scratch disk. */
    double delivery_bytes, store_bytes, moved_bytes, packed_bytes;
    double part_bytes;   ///< of a full part beside its rows: its columns' headers
    double part_half;    ///< person-years at which a part has half of its columns
    double shared_bytes; ///< dictionaries and reference tables: read by each rank
    int phase_count;
    pc_cost phase[PC_INGEST_PHASES]; ///< of an ingest; byte: of the delivery
    int study_count;
    pc_study_cost study[PC_CAPACITY_STUDIES];
    double agree_s;                     ///< an agreement of all ranks
    double message_s, exchange_bytes_s; ///< 0: measured on one rank alone
    double open_s, sync_s;              ///< of a file
    double read_bytes_s, write_bytes_s; ///< of one rank
} pc_calibration;

/** How to calibrate. */
typedef struct pc_calibration_options {
    const char *const *study; ///< [study_count] files
    int study_count;
    int64_t people;      ///< of the small population; the large one has four times as many
    const char *scratch; ///< folder in which everything is made and removed
    const char *share;
    pc_budget *budget;
} pc_calibration_options;

// calibrate.c
/** Measures: each rank loads and studies populations of its own, all at the same time; then they
 *  talk. Collective. @return PC_IO, PC_BAD_JOB (a study), PC_NO_MEMORY, PC_STOPPED */
pc_status pc_calibrate(pc_comm *comm, const pc_calibration_options *options, pc_calibration *out,
                       pc_error *err) PC_MUST_CHECK;

// probe.c
/** Files in `folder` and messages of all ranks. Collective. */
pc_status pc_probe_machine(pc_comm *comm, const char *folder, pc_budget *budget,
                           pc_calibration *out, pc_error *err) PC_MUST_CHECK;

// calibration_file.c
/** Appends the constants as JSON. Local. */
pc_status pc_calibration_print(const pc_calibration *calibration, pc_buffer *out,
                               pc_error *err) PC_MUST_CHECK;
/** Reads what pc_calibration_print wrote. Local. @return PC_BAD_JOB: not such a file; PC_IO */
pc_status pc_calibration_read(const char *path, pc_calibration *out, pc_error *err) PC_MUST_CHECK;

/** A part of few people lacks the columns that none of them has anything in, and their cost with
 *  them: how many full parts `parts` of so many person-years (all together) are worth. Local. */
double pc_capacity_full_parts(double parts, double person_years, double part_half);

/** What is to be done, and on what. */
typedef struct pc_forecast_request {
    double people, years;
    double delivery_bytes; ///< 0: as many as the synthetic population has
    double nodes, cores;   ///< cores of a node: one rank each
    double memory_bytes;   ///< of a rank
    double read_bytes_s,
        write_bytes_s;   ///< of the file system, over all nodes; 0: as measured, each rank
    double message_s;    ///< of a small message between nodes; 0: as measured between ranks
    double node_bytes_s; ///< of a node's network; 0: as measured between ranks
    double shards;       ///< 0: what ingest chooses
    const char *study;   ///< name of a calibrated study; NULL: none
} pc_forecast_request;

/** One phase: seconds of each kind, on the rank that ends last. */
typedef struct pc_forecast_row {
    char name[PC_CAPACITY_NAME_BYTES];
    double latency_s, processor_s, storage_s, network_s, serial_s;
} pc_forecast_row;

enum { PC_FORECAST_ROWS = PC_INGEST_PHASES + 8 };

typedef struct pc_forecast {
    double ranks, shards;
    double delivery_bytes, store_bytes, shared_bytes;
    double row_bytes;     ///< of the store, without what its parts have beside rows
    double moved_bytes;   ///< rows and keys on their way to the rank of their shard
    double spilled_bytes; ///< rows put aside, packed, on the scratch disk; 0: memory holds them
    int ingest_count;     ///< the first rows are of the ingest, the others of the study
    int row_count;
    pc_forecast_row row[PC_FORECAST_ROWS];
} pc_forecast;

// forecast.c
/** Puts constants and request together. Local.
 *  @return PC_BAD_JOB: an unknown study, or no figure for the network */
pc_status pc_forecast_make(const pc_calibration *calibration, const pc_forecast_request *request,
                           pc_forecast *out, pc_error *err) PC_MUST_CHECK;
double pc_forecast_seconds(const pc_forecast_row *row);
/** Which kind of seconds a phase has most of. */
const char *pc_forecast_most(const pc_forecast_row *row);
/** Appends a table for people, or JSON. Local. */
pc_status pc_forecast_print(const pc_forecast *forecast, bool json, pc_buffer *out,
                            pc_error *err) PC_MUST_CHECK;

#endif
