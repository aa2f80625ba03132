/** @file parcours/plan.h
 *  The one logical plan: a tree of nodes over scans. SQL makes it, exec runs it, explain prints it.
 */
#ifndef PC_PLAN_H
#define PC_PLAN_H
#include "parcours/scan.h"

typedef enum pc_plan_kind {
    PC_PLAN_SCAN,      ///< rows of the shards (or of a reference table)
    PC_PLAN_FILTER,    ///< rows for which a predicate is true
    PC_PLAN_PROJECT,   ///< computed columns
    PC_PLAN_AGGREGATE, ///< one row a group
    PC_PLAN_HIDE,      ///< aggregates of few patients become null
    PC_PLAN_DISTINCT,  ///< each row once
    PC_PLAN_SORT,      ///< in order, at most `limit` rows after `offset`
    PC_PLAN_JOIN,      ///< rows of the input with those of `build` that match
    PC_PLAN_UNION,     ///< the rows of all inputs
    PC_PLAN_EXPAND,    ///< each row once a grouping set
    PC_PLAN_REPEAT,    ///< each row as often as a column says
    PC_PLAN_VALUES,    ///< rows written in the query
    PC_PLAN_ROWS,      ///< rows of a relation that comes beside the tables
    PC_PLAN_SHARE,     ///< rows of rank 0, from here on every rank has them all
    PC_PLAN_WINDOW,    ///< window functions: columns beside the input's
    PC_PLAN_SPLIT,     ///< rows by the hash of some columns, in parts
    PC_PLAN_EXCHANGE,  ///< the rows of a split, from here on each part with one rank
    PC_PLAN_KIND_COUNT
} pc_plan_kind;

typedef enum pc_aggregate_function {
    PC_COUNT_ROWS,     ///< count(*)
    PC_COUNT,          ///< count(x)
    PC_COUNT_DISTINCT, ///< count(DISTINCT x)
    PC_COUNT_PATIENTS, ///< count(DISTINCT patient): slots among the rows; with `arg` those where it
                       ///< is not null
    PC_SUM,
    PC_AVG,
    PC_MIN, ///< of booleans: bool_and
    PC_MAX, ///< of booleans: bool_or
    PC_VAR_POP,
    PC_VAR_SAMP,
    PC_STDDEV_POP,
    PC_STDDEV_SAMP,
    PC_PERCENTILE_CONT,   ///< between the two nearest values
    PC_PERCENTILE_DISC,   ///< the first value that has the fraction of rows up to it
    PC_MODE,              ///< the most frequent value, of equally frequent ones the first
    PC_STRING_AGG,        ///< the texts in order, with a separator
    PC_APPROX_DISTINCT,   ///< HyperLogLog of 4,096 registers: standard error 1.6 %
    PC_APPROX_PERCENTILE, ///< DDSketch: within 0.4 % of the value that PERCENTILE_DISC gives
} pc_aggregate_function;

typedef struct pc_aggregate {
    pc_aggregate_function function;
    const pc_expr *arg;    ///< over the input; NULL for COUNT_ROWS and COUNT_PATIENTS
    const pc_expr *filter; ///< FILTER (WHERE ...), or NULL
    pc_field field;        ///< of its result
    bool is_distinct;      ///< SUM, AVG, variances, STRING_AGG: equal values are taken once
    bool is_descending;    ///< PERCENTILE_..., MODE, STRING_AGG: the order of values
    double fraction;       ///< of percentiles
    pc_span separator;     ///< of STRING_AGG
} pc_aggregate;

typedef struct pc_sort_key {
    int column; ///< of the input
    bool descending;
    bool nulls_first;
} pc_sort_key;

/** Where a window's frame begins and ends, from the current row. */
typedef enum pc_frame_end {
    PC_END_UNBOUNDED, ///< first row of the partition, or last
    PC_END_OFFSET,    ///< `offset` rows (ROWS), peers (GROUPS), days or units (RANGE) away
    PC_END_CURRENT    ///< this row; of RANGE and GROUPS: its peers
} pc_frame_end;
typedef enum pc_frame_mode { PC_FRAME_RANGE, PC_FRAME_ROWS, PC_FRAME_GROUPS } pc_frame_mode;
typedef struct pc_frame {
    pc_frame_mode mode;
    pc_frame_end start, end;
    int64_t start_offset, end_offset; ///< of OFFSET: negative means preceding
} pc_frame;

typedef enum pc_window_function {
    PC_WINDOW_ROW_NUMBER,
    PC_WINDOW_RANK,
    PC_WINDOW_DENSE_RANK,
    PC_WINDOW_PERCENT_RANK,
    PC_WINDOW_CUME_DIST,
    PC_WINDOW_NTILE,
    PC_WINDOW_LAG,
    PC_WINDOW_LEAD,
    PC_WINDOW_FIRST_VALUE,
    PC_WINDOW_LAST_VALUE,
    PC_WINDOW_NTH_VALUE,
    PC_WINDOW_AGGREGATE ///< `aggregate` over the frame
} pc_window_function;

typedef struct pc_window_call {
    pc_window_function function;
    const pc_expr *arg;     ///< over the input, or NULL
    const pc_expr *second;  ///< offset of lag and lead, n of ntile and nth_value; NULL: 1
    const pc_expr *missing; ///< third argument of lag and lead, or NULL
    pc_aggregate aggregate; ///< of AGGREGATE
    pc_frame frame;
    pc_field field; ///< of its result
} pc_window_call;

/** Where the rows of a node are. */
typedef enum pc_spread {
    PC_SPREAD_SLOTS, ///< each row on the rank that reads its shard; batches have slots in order
    PC_SPREAD_WHOLE, ///< every rank has all rows
    PC_SPREAD_PARTS, ///< each row on some rank, with the others of its part; they have no slots
    PC_SPREAD_ROOT   ///< rank 0 has them
} pc_spread;

enum {
    PC_MAX_PLAN_NODES = 256, ///< nodes of a stage; a query of one level makes about six
    PC_MAX_PLAN_INPUTS = 16  ///< of a union
};

typedef struct pc_plan pc_plan;
struct pc_plan {
    pc_plan_kind kind;
    const pc_plan *input; ///< NULL for a scan
    pc_schema schema;     ///< of its output
    pc_spread spread;     ///< of its output
    /** AGGREGATE, DISTINCT and WINDOW over SLOTS: what they put together lies within a slot, so
     *  that they work block by block (push the block's rows, finish, clear) and their rows keep
     *  their slots. Rows of nobody, whose patient is null, lie in many slots: a second state of the
     *  same operator takes them, is reduced to rank 0 (pack, merge) and gives its rows last. */
    bool by_slot;
    int patient; ///< by_slot: the input column (PC_KEY, null for nobody) that tells them apart
    union {
        struct {
            const pc_scan_plan *plan;
            int reference; ///< a reference table in place of shards (model table), or -1
        } scan;
        struct {
            int source; ///< which; behind its columns stands the patient's PC_KEY
        } rows;
        struct {
            const pc_expr *predicate;
        } filter;
        struct {
            int expr_count;
            const pc_expr *const *expr; ///< [expr_count] over the input
        } project;
        struct {
            int key_count;
            const pc_expr *const *key; ///< over the input; first columns of the output
            int aggregate_count;
            const pc_aggregate *aggregate; ///< the columns after them
            bool has_empty_set; ///< GROUPING SETS with (): a group even of no rows, all keys null
            int64_t empty_set;  ///< but the last, which is this
            bool of_slot;       ///< by_slot: keys are columns whose rows of a slot are all equal
        } aggregate;
        struct {
            int first;               ///< of the input: this column and those after it are hidden
            const pc_expr *patients; ///< over the input, never null; the column after all others
            int64_t most;            ///< where 1 to `most` patients stand behind a row
        } hide;
        struct {
            int key_count;
            const pc_sort_key *key; ///< then all columns ascending, nulls last
            int64_t limit;          ///< -1: none
            int64_t offset;
            int first_of; ///< DISTINCT ON: of rows equal in the first so many keys only the first
                          ///< one; 0: all rows
        } sort;
        struct {
            pc_join join;
            const pc_plan *build; ///< kept in memory: all of it, or those of a block
            bool within_slot;     ///< both are SLOTS and only rows of one slot meet
            bool within_part;     ///< both are EXCHANGE by these keys: only rows of one part meet
            int key_count;
            const int *key;       ///< [key_count] columns of the input
            const int *build_key; ///< [key_count] columns of `build`, equal to them; null matches
                                  ///< nothing
            const pc_expr *on;    ///< over the input's columns, then those of `build`; or NULL
            bool null_aware;      ///< MARK of IN and ANY: without a match it is null where `on` was
                             ///< null for some row; or, with one key and no `on`, where the key is
                             ///< null on either side and there is a row to compare with
        } join; ///< output: the input's columns, then those of `build` (INNER, LEFT) or whether a
                ///< row matched (MARK: PC_BOOL)
        struct {
            int more_count;
            const pc_plan *const *more; ///< [more_count] inputs beside `input`, of one schema
        } all;
        struct {
            int key_count;        ///< the first columns
            int set_count;        ///< output: the input's columns, then which set (PC_INT from 0)
            const uint64_t *kept; ///< [set_count] bit i: column i keeps its value, else null
        } expand;
        struct {
            int key_count;
            const int *key; ///< [key_count] columns
        } split;
        struct {
            int column; ///< PC_INT; not positive: not at all
        } repeat;
        struct {
            int row_count;
            const pc_expr *const *value; ///< [row_count * field_count] without columns
        } values;
        struct {
            int partition_count;
            const int *partition; ///< columns of the input
            int order_count;
            const pc_sort_key *order; ///< then all columns ascending, nulls last
            int call_count;
            const pc_window_call *call; ///< [call_count] output: the input's columns, then these
        } window;
    } of;
};

/** What disclosure control must know of a plan, found when it is made. */
typedef struct pc_plan_traits {
    bool reads_patients;     ///< some patient table is scanned
    bool returns_rows;       ///< rows of patients leave without aggregation
    bool returns_extremes;   ///< a min or max over patients' rows leaves
    bool returns_identifier; ///< a column of class patient, direct_id or professional_id, or a free
                             ///< text, leaves or is grouped by
    bool chooses_patients;   ///< a condition compares a column of class patient or direct_id with a
                             ///< constant: the answer would be about somebody chosen
    const char *why;         ///< the name that made one of them true, or NULL
} pc_plan_traits;

/** The inputs of a node; none of leaves, of which SHARE and EXCHANGE are two. */
int pc_plan_inputs(const pc_plan *plan, const pc_plan *input[PC_MAX_PLAN_INPUTS]);

/** A subquery used as a value: run before all else; its one row's first column becomes `value`. */
typedef struct pc_scalar {
    const pc_plan *plan;
    pc_expr *value;      ///< PC_EXPR_LATER until then, a constant from then on; null: no row
    int first_inner;     ///< scalars from here up to itself are used by its own plan
    pc_expr *patients;   ///< the patients behind the value, as another such value; or NULL
    int patients_column; ///< of the plan
} pc_scalar;

/** A whole query. */
typedef struct pc_query {
    const pc_plan *root;
    int scalar_count;
    const pc_scalar *scalar; ///< [scalar_count] in the order in which they can be run
    const bool *is_cell;     ///< [root schema] true: an aggregate (suppressed when small); false: a
                             ///< group's own value
    int visible_count;       ///< columns of the root that are shown: the first ones
    int patients_column; ///< hidden column of the root: patients behind a row; -1: not of patients,
                         ///< or rows of patients
    pc_plan_traits traits;
} pc_query;

/** A relation that comes with each block beside the tables: a timeline of a study. Each row is of
 *  one patient. */
typedef struct pc_row_source {
    const char *name; ///< as FROM writes it: "a" or "a.b"
    int column_count;
    const pc_field *field; ///< [column_count] the first is `patient`, PC_ID of PC_SLOT_TEXT_BYTES
    const bool *is_identifier; ///< [column_count] never leaves
    const int *system;         ///< [column_count] code system, or -1
} pc_row_source;

/** The names of the relations in FROM, wherever in the text, some perhaps several times.
 *  @return as pc_sql_plan for what is no query */
pc_status pc_sql_from_names(const char *sql, pc_arena *arena, const char *const **name, int *count,
                            pc_error *err) PC_MUST_CHECK;
/** As pc_sql_plan; FROM may name the relations of `source` too, which hide tables of that name. */
pc_status pc_sql_plan_with(const char *sql, const pc_catalog *catalog, const pc_row_source *source,
                           int source_count, bool protect, pc_arena *arena, const pc_query **out,
                           pc_error *err) PC_MUST_CHECK;
/** SQL text to a query. Owned by `arena`. Local.
 *  @param protect  cells of fewer than PC_MIN_PATIENTS patients are null for all that is asked of
 *                  them, and rows with such cells come last where cells decide the order
 *  @return PC_BAD_JOB or PC_UNSUPPORTED with position and name */
pc_status pc_sql_plan(const char *sql, const pc_catalog *catalog, bool protect, pc_arena *arena,
                      const pc_query **out, pc_error *err) PC_MUST_CHECK;
/** Rows that a plan is likely to give: an estimate, for choices and for explain. Local. */
double pc_plan_rows(const pc_plan *plan, const pc_catalog *catalog);
/** The plan as indented text, for explain. */
pc_status pc_plan_print(const pc_plan *plan, const pc_catalog *catalog, pc_buffer *out,
                        pc_error *err) PC_MUST_CHECK;

#endif
