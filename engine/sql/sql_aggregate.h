/** @file sql_aggregate.h
 *  Aggregates beside count, sum, avg, min and max, for groups and windows.
 */
#ifndef PC_SQL_AGGREGATE_H
#define PC_SQL_AGGREGATE_H
#include "parcours/plan.h"
#include "sql_private.h"

/** A percentile nearer to an end than this is refused like a minimum or maximum. */
#define PC_LEAST_FRACTION 0.01

/** stddev, percentile_cont, bool_and ...: a name that pc_bind_statistic knows. */
bool pc_is_statistic(const char *name);
/** Binds such a call but for its FILTER: function, argument, type of the result. */
pc_status pc_bind_statistic(pc_binder *b, const cJSON *call, const char *name,
                            pc_aggregate *out) PC_MUST_CHECK;
/** The result can be the value of one patient, or tells of one. */
bool pc_shows_one_patient(const pc_aggregate *a);
bool pc_is_percentile(const pc_aggregate *a);

#endif
