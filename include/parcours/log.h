/** @file parcours/log.h
 *  Lines on stderr and the progress bar. Only engine/ logs. Never a cell value.
 */
#ifndef PC_LOG_H
#define PC_LOG_H
#include <stdbool.h>
#include <stdint.h>
#include "parcours/status.h"

typedef enum pc_log_level { PC_DEBUG, PC_INFO, PC_WARNING, PC_ERROR } pc_log_level;
typedef enum pc_progress_mode {
    PC_PROGRESS_AUTO,
    PC_PROGRESS_ALWAYS,
    PC_PROGRESS_NEVER
} pc_progress_mode;

typedef struct pc_log {
    int rank;
    bool quiet; ///< only warnings and errors
    bool json;  ///< JSON lines in place of text
    pc_progress_mode progress;
} pc_log;

/** One line: time, rank, level, event, then `format` (write "key=value key=value"). Debug shows in
 *  JSON logs only; debug and info come from rank 0 only; warnings and errors from whoever calls.
 * Local. */
void pc_log_line(const pc_log *log, pc_log_level level, const char *event, const char *format, ...)
    PC_PRINTF(4, 5);

/** A phase with a bar on a terminal, plain lines in a batch log (at most one in ten seconds).
 *  Only rank 0 shows it. */
typedef struct pc_progress {
    const pc_log *log;
    const char *phase;
    const char *unit; ///< what is counted: "rows", "bytes", "shards"
    int64_t total;    ///< 0: unknown
    int64_t done;
    double started_s, shown_s;
} pc_progress;

void pc_progress_begin(pc_progress *progress, const pc_log *log, const char *phase,
                       const char *unit, int64_t total);
void pc_progress_set(pc_progress *progress, int64_t done);
void pc_progress_end(pc_progress *progress);

/** Seconds of a clock that never goes back. */
double pc_clock_s(void);
/** Seconds of processor that this process has used. */
double pc_cpu_s(void);

#endif
