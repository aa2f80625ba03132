/** @file report.h
 *  The delivery report: what came, counted while blocks are written. Private to engine/ingest/.
 */
#ifndef PC_INGEST_REPORT_H
#define PC_INGEST_REPORT_H
#include "ingest_job.h"

enum {
    REPORT_FIRST_YEAR = 1970,
    REPORT_YEARS = 80,
    REPORT_BEFORE = REPORT_YEARS * 12, // index of the days before these months
    REPORT_AFTER,                      // and after them
    REPORT_MONTHS,                     // counters in all
    STATUS_COUNT = COUNT_REASON - COUNT_STATUS
};

/** The values of a nomenclature, in the form of the columns that it is compared with. */
typedef struct report_list {
    int table, column; // of the nomenclature
    int dict;          // of the columns; -1: numbers
    int64_t low, count;
    const bool *is_known; // [count] of value low + i, or code i; NULL: `value` is searched
    const int64_t *value; // [count] ascending
    struct report_list *next;
} report_list;

typedef struct report_column {
    int64_t null_count;
    int64_t outside;         // values that the nomenclature lacks
    int64_t refused;         // rows that a rule leaves out
    const report_list *list; // NULL: no nomenclature, or it was not delivered
} report_column;

typedef struct report_table {
    int64_t rows, orphans;
    int64_t status[STATUS_COUNT]; // rows by kind of slot, in the order of STATUS_KINDS
    report_column *column;        // [column_count]; NULL: not delivered
    int64_t *care, *flow;         // [REPORT_MONTHS] rows by month; flow NULL: the table names none
} report_table;

struct ingest_report {
    report_table *table;    // [table_count]
    uint16_t *month_of_day; // [days of REPORT_YEARS]
    int day_count;
    int first_file; // rows of earlier files are not of this delivery
    report_list *lists;
};

/** Local. Counters for the delivered tables; dictionaries and reference tables are there. */
pc_status report_open(ingest_job *job, pc_error *err) PC_MUST_CHECK;
/** Local. All counters, one behind the other: to `out`, or with `from` not NULL set from there.
 *  @return how many there are (with both NULL nothing is copied) */
int64_t report_counters(ingest_job *job, int64_t *out, const int64_t *from);
/** Local. Counts the rows of a block that this delivery brought. */
void report_add(const ingest_job *job, const pc_block *block);
/** Collective. Sums the counts (those of job->table are sums already) and writes
 *  STORE/reports/NNNN.json and NNNN.html. */
pc_status report_write(ingest_job *job, pc_error *err) PC_MUST_CHECK;

#endif
