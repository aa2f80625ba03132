/** @file report.h
 *  The report of a delivery, as it is read: STORE/reports/NNNN.json to text and to a page. Private
 *  to engine/.
 */
#ifndef PC_ENGINE_REPORT_H
#define PC_ENGINE_REPORT_H
#include "parcours/json.h"

enum { REPORT_SMALL = 10 }; // counts up to here are not told where they may be of few persons
#define REPORT_FEW "1-10"   // what stands in their place

/** A few lines a table: rows, rejects, what to look at. Local. */
pc_status pc_report_text(const pc_json *report, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** One HTML page without anything from elsewhere. Local. */
pc_status pc_report_page(const pc_json *report, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Reads the report of a delivery (-1: the newest) of a store and prints its text, or with
 *  `as_json` what the file holds. Local.
 *  @return PC_BAD_JOB: no store, no such delivery; PC_IO, PC_BAD_INPUT */
pc_status pc_report_read(const char *store, int64_t delivery, bool as_json, pc_buffer *out,
                         pc_error *err) PC_MUST_CHECK;

/** Appends "warning: TABLE: ..." for columns that no file has and values outside their
 * nomenclature, of each delivery of a store; nothing for deliveries without a report. Local. */
pc_status pc_report_warnings(const char *store, pc_buffer *out, pc_error *err) PC_MUST_CHECK;

#endif
