/** @file explain_estimate.h
 *  What a scan is likely to read, before it is run. Private to engine/explain*.c.
 */
#ifndef PC_ENGINE_EXPLAIN_ESTIMATE_H
#define PC_ENGINE_EXPLAIN_ESTIMATE_H
#include "parcours/scan.h"

typedef struct pc_scan_estimate {
    int64_t chunks, bytes; ///< encoded, of the columns that it reads
} pc_scan_estimate;

/** Looks at the chunk directories of a few shards: the blocks that zone maps leave, times the
 * chunks of the columns. Reads no chunk. Rows that a first column leaves out may save more. Local.
 *  @param with_zones  false: as if zone maps left all, since what they leave tells single values
 *  @return as pc_reader_open */
pc_status pc_estimate_scan(pc_store *store, const pc_catalog *catalog, const pc_scan_plan *plan,
                           bool with_zones, pc_budget *budget, pc_scan_estimate *out,
                           pc_error *err) PC_MUST_CHECK;

#endif
