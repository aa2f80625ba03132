/** @file route.h
 *  Rows with tags on their way to the bucket that holds their slot. Private to engine/ingest/.
 */
#ifndef PC_ROUTE_H
#define PC_ROUTE_H
#include "ingest_job.h"
#include "scatter.h"

typedef struct route {
    ingest_job *job;
    int table;
    scatter rows;       // of the table
    scatter slots;      // pc_slot_entry
    pc_slot_entry last; // the entry that was added last: neighbours are often alike
} route;

/** Local. Chooses the number of buckets by the bytes of all rows and opens their pool. */
pc_status route_open_buckets(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** The number of a tag's bucket over all ranks. Local. */
int64_t route_bucket(const ingest_job *job, const unsigned char *tag);
/** The same of a slot's hash. Local. */
int64_t route_bucket_of_hash(const ingest_job *job, uint64_t hash);
/** The rank that owns a shard. Local. */
int route_owner(const ingest_job *job, int64_t shard);
/** The first shard of a rank: ranks own shards in runs. Local. */
int64_t route_first_shard(const ingest_job *job, int rank);

/** Local. Rows of `table` follow. */
pc_status route_begin(route *r, ingest_job *job, int table, pc_error *err) PC_MUST_CHECK;
/** Collective. Gives back what rows of the table still hold open in their buckets: only one table
 *  is under way at a time. */
pc_status route_end(route *r, pc_status status, pc_error *err) PC_MUST_CHECK;
/** Local. Adds rows with their tags, which stand side by side; those of this rank go to their
 *  buckets at once. Neighbours of one slot go together. */
pc_status route_rows(route *r, const unsigned char *row, int64_t row_count,
                     pc_error *err) PC_MUST_CHECK;
/** Local. Adds the key of a slot. */
pc_status route_slot(route *r, const pc_slot_entry *entry, pc_error *err) PC_MUST_CHECK;
/** Collective. Sends what was added; puts what came into buckets. */
pc_status route_flush(route *r, pc_status status, pc_error *err) PC_MUST_CHECK;

#endif
