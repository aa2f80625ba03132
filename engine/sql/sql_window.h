/** @file sql_window.h
 *  Calls with OVER, bound.
 */
#ifndef PC_SQL_WINDOW_H
#define PC_SQL_WINDOW_H
#include "parcours/plan.h"
#include "sql_private.h"

/** Function, arguments, FILTER and type of a call with OVER; not its frame. */
pc_status pc_bind_window_function(pc_binder *b, const cJSON *call, const char *name,
                                  pc_window_call *out) PC_MUST_CHECK;
/** The frame of a window definition.
 *  @param key  the first key of the window's order; of no use when key_count is 0 */
pc_status pc_bind_frame(pc_binder *b, const cJSON *over, const pc_expr *key, int key_count,
                        pc_frame *out) PC_MUST_CHECK;

#endif
