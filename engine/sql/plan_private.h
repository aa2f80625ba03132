/** @file plan_private.h
 *  Between the files of the planner: a SELECT to a tree of plan nodes.
 *
 *  plan.c            a query: WITH, one SELECT or a set operation, order, the whole
 *  plan_from.c       the tables of FROM and the conditions between them
 *  plan_net.c        net('TABLE') in FROM
 *  plan_rows.c       relations beside the tables
 *  plan_link.c       which tables are read in one scan, by links of the model
 *  plan_join.c       scans and subqueries joined to one tree
 *  plan_scope.c      what names mean
 *  plan_subquery.c   EXISTS, IN, subqueries as values, LATERAL
 *  plan_group.c      aggregates; grouping sets in plan_sets.c
 *  plan_output.c     outputs, items of GROUP BY and ORDER BY
 *  plan_window.c     window functions
 *  plan_select.c     the nodes above the tree
 *  plan_union.c      UNION, INTERSECT, EXCEPT, VALUES
 *  plan_push.c       conditions go down to the scans
 *  plan_prune.c      what nobody asks for is not computed and not read
 */
#ifndef PC_PLAN_PRIVATE_H
#define PC_PLAN_PRIVATE_H
#include "parcours/plan.h"
#include "sql_private.h"

enum {
    PC_SQL_SOURCES = 32,    // tables and subqueries of one SELECT
    PC_SQL_CONJUNCTS = 256, // conditions joined by AND
    PC_SQL_OUTPUTS = 1024,  // columns of a result, hidden ones included
    PC_SQL_SCALARS = 64,    // subqueries used as values
    PC_SQL_DEPTH = 32,      // subqueries in each other
    PC_SQL_SHARED = 128,    // parts of a plan that every rank sees, or that are exchanged
    PC_SQL_SETS = 64,       // grouping sets; their keys are bits of a word
    PC_SQL_AGGREGATE =
        1 << 20,         // column numbers from here on mean aggregates, until the group is made
    PC_SQL_WINDOWS = 16, // different windows of one SELECT
    PC_SQL_WINDOW_CALLS = 256, // functions over them
    PC_SQL_WINDOW = 1 << 23,   // column numbers from here on mean window functions
    PC_SQL_SET = 1 << 22,  // this column number means which grouping set a row is of, those behind
                           // it mean calls of GROUPING
    PC_SQL_OUTER = 1 << 24 // column numbers from here on are columns of the query around
};

/** Whose rows a relation has. */
typedef enum pc_sql_people {
    PC_SQL_NOBODY, ///< of no patient: nomenclatures, constants
    PC_SQL_ONE,    ///< each row is of one slot
    PC_SQL_GROUPS, ///< put together over slots, and protected where that was done
    PC_SQL_LOOSE   ///< rows of patients that have lost their slots: never leave protected
} pc_sql_people;

/** What is known of a column beside its field. */
typedef struct pc_sql_info {
    bool is_identifier;      ///< says who a person or professional is, or is free text
    bool names_patient;      ///< the person key, a pseudonym, another identifier of a person
    bool is_cell;            ///< made of aggregates: hidden where few patients stand behind it
    int system;              ///< code system, or -1
    const pc_model_key *key; ///< of PC_KEY: which; NULL: the patient's
    int patient_key; ///< the patient's text: column of the same relation that is its PC_KEY; -1
} pc_sql_info;

/** A planned query inside another one. */
typedef struct pc_sql_relation {
    const pc_plan *plan;
    pc_sql_people people;
    int visible_count;   ///< first columns of the plan; hidden ones behind them
    pc_sql_info *info;   ///< [plan columns]
    int patients;        ///< GROUPS: column with the patients behind a row's cells, 0: none; or -1
    const bool *is_cell; ///< [plan columns] of the query that leaves
    bool is_one_row;     ///< correlated: aggregates without GROUP BY, one row for each of the outer
    bool is_person;      ///< correlated: the one row of PERSON
    const pc_expr *const *missing; ///< [plan columns] value where a row of the outer query finds
                                   ///< none (count: 0); NULL: null
    int key_count;                 ///< correlated: columns that are equal to
    const pc_expr *const *outer;   ///< [key_count] these expressions of the outer query
    const int *key;                ///< [key_count]
    const pc_expr *on; ///< correlated: other conditions; columns of this relation stand as
                       ///< themselves, outer ones from PC_SQL_OUTER on; or NULL
} pc_sql_relation;

/** A name of WITH. */
typedef struct pc_sql_with pc_sql_with;
struct pc_sql_with {
    const char *name;
    const pc_sql_relation *relation;
    const pc_sql_with *before;
};

/** A table or subquery of FROM, or a subquery of an expression. */
typedef struct pc_sql_source {
    const char *alias; ///< or the table's name; NULL: no name (a subquery of an expression)
    int table;         ///< of the model; -1: a subquery
    const pc_sql_relation *relation_of; ///< a subquery
    const char **column_name;           ///< [visible columns] of a subquery
    int location;
    pc_join join; ///< INNER; LEFT: its rows may be missing; MARK: only whether there is one
    bool null_aware;
    int scan;     ///< the scan that reads the table, or -1
    int relation; ///< of that scan; -1: not attached yet
} pc_sql_source;

/** A column of a source: of the model or the subquery (>= 0), or PC_SCAN_..., or PC_SQL_MARKED */
typedef struct pc_sql_place {
    int source; ///< -1: none
    int column;
} pc_sql_place;
enum { PC_SQL_MARKED = -100 }; // whether a MARK source has a row

/** A condition of WHERE, ON or USING. */
typedef struct pc_sql_conjunct {
    const cJSON *node;    ///< NULL: of USING, or bound
    const pc_expr *bound; ///< once it is
    int owner;            ///< source whose LEFT or MARK join it belongs to; -1: none
    bool is_equality;     ///< of two columns: left and right
    pc_sql_place left, right;
    int lateral;  ///< of a LATERAL subquery: its source + 1
    bool is_used; ///< the join itself stands for it
    int location;
} pc_sql_conjunct;

/** What is common to all SELECTs of a query. */
typedef struct pc_sql_job {
    const pc_catalog *catalog;
    bool protect; ///< small cells are hidden from what is behind the aggregation
    const pc_sql_text *text;
    pc_arena *arena;
    pc_error *err;
    pc_plan_traits traits;
    int scalar_count;
    pc_scalar *scalar; ///< [PC_SQL_SCALARS]
    int depth;         ///< 1: the query itself
    bool is_exists;    ///< the SELECT that is planned next stands in EXISTS
} pc_sql_job;

/** A tree being built, and which column of the planner each of its columns is. */
typedef struct pc_sql_tree {
    const pc_plan *plan;
    int column_count;
    int *column; ///< [column_count]
    bool *has;   ///< [PC_SQL_SOURCES] sources that are in it
} pc_sql_tree;

/** ORDER BY, as places of outputs. */
typedef struct pc_sql_order {
    int count;
    pc_sort_key *key; ///< [count], with room for more
    int first_of;     ///< DISTINCT ON: the first so many keys; 0: none
} pc_sql_order;

typedef struct pc_sql_planner pc_sql_planner;
typedef struct pc_sql_window pc_sql_window; ///< PARTITION BY and ORDER BY, with its functions
struct pc_sql_planner {
    pc_binder binder;
    pc_scope scope;
    pc_sql_job *job;
    const pc_catalog *catalog;
    pc_arena *arena;
    pc_error *err;
    pc_sql_planner *outer; ///< the SELECT around, whose names are known too; or NULL
    const pc_sql_with *with;
    int first_source; ///< names are looked up from here on
    int source_count;
    pc_sql_source source[PC_SQL_SOURCES];
    int conjunct_count;
    pc_sql_conjunct *conjunct; ///< [PC_SQL_CONJUNCTS]
    int using_count;
    const char *using_name[PC_SQL_CONJUNCTS]; ///< columns that USING made one
    int scan_count;
    pc_scan_plan *scan[PC_SQL_SOURCES];
    int building;     ///< the scan that tables are being attached to
    int column_count; ///< columns that are asked of sources, in the order of asking
    int column_room;
    pc_sql_place *column;     ///< [column_count] source -1: computed
    pc_field *field;          ///< [column_count]
    const pc_expr **computed; ///< [column_count] of computed ones
    pc_sql_people people;     ///< of the rows of FROM
    // Conditions that name the query around.
    int outer_count;
    const pc_expr **outer_condition; ///< [PC_SQL_CONJUNCTS]
    bool may_be_outer;               ///< a condition is being bound that may name it
    bool is_exists;                  ///< only whether there are rows is asked
    // Subqueries as values whose own cells may be hidden: how many patients stand behind each.
    int value_count;
    const pc_expr *value_patients[PC_SQL_SCALARS];
    // Aggregates.
    bool is_grouped;   ///< GROUP BY, HAVING, DISTINCT or an aggregate somewhere
    bool in_aggregate; ///< an argument is being bound
    int aggregate_count;
    pc_aggregate *aggregate; ///< [PC_SQL_OUTPUTS]
    int key_count;
    const pc_expr **key;     ///< [PC_SQL_OUTPUTS]
    const pc_expr *slot_key; ///< the key that lies within a slot, or NULL
    int set_count;           ///< grouping sets; 0: none
    uint64_t *set;           ///< [set_count] bit i: key i is kept
    int grouping_count;
    const cJSON *grouping[PC_SQL_SETS]; ///< [grouping_count] calls of GROUPING
    const pc_expr **placed_key;         ///< [key_count + 1] over the input of the aggregation
    // Window functions.
    const cJSON *window_clause; ///< WINDOW w AS ..., or NULL
    int window_count;
    pc_sql_window *window[PC_SQL_WINDOWS];
    int window_call_count;
    pc_sql_info window_info[PC_SQL_WINDOW_CALLS]; ///< of their results
    int window_column[PC_SQL_WINDOW_CALLS];       ///< once the nodes are there
    // Outputs: the visible ones, then those that ORDER BY and the gate need.
    int output_count;
    const pc_expr **output; ///< [PC_SQL_OUTPUTS] over `column` (before grouping)
    pc_field *output_field; ///< [PC_SQL_OUTPUTS]
    bool *is_cell;          ///< [PC_SQL_OUTPUTS]
    int visible_count;
};

// plan.c
/** Plans a SELECT or set operation with what is around it. A subquery's plan. */
pc_status pc_sql_plan_query(pc_sql_job *job, const cJSON *select, pc_sql_planner *outer,
                            const pc_sql_with *with, pc_sql_relation *out) PC_MUST_CHECK;
/** Adds a node; input, spread and schema (when empty) come from `*root`. */
pc_status pc_sql_add_node(pc_sql_job *job, const pc_plan *made, const pc_plan **root) PC_MUST_CHECK;
/** The relation's rows with every rank, where they are on rank 0 only. */
pc_status pc_sql_share(pc_sql_job *job, const pc_plan **plan) PC_MUST_CHECK;
/** Rows that are equal in these columns with one rank. */
pc_status pc_sql_exchange(pc_sql_job *job, const int *key, int key_count,
                          const pc_plan **plan) PC_MUST_CHECK;
pc_status pc_sql_open_planner(pc_sql_planner *p, pc_sql_job *job, pc_sql_planner *outer,
                              const pc_sql_with *with) PC_MUST_CHECK;

// plan_from.c
/** Reads FROM and WHERE: sources, scans, conditions. */
pc_status pc_sql_plan_from(pc_sql_planner *p, const cJSON *select) PC_MUST_CHECK;
/** Adds a subquery as a source. @param alias  NULL: it has no name */
pc_status pc_sql_add_subquery(pc_sql_planner *p, const pc_sql_relation *relation, const char *alias,
                              int location, pc_join join, int *out) PC_MUST_CHECK;
/** Adds a condition that is bound, split at its ANDs. */
pc_status pc_sql_add_bound(pc_sql_planner *p, const pc_expr *x, int owner) PC_MUST_CHECK;
/** Adds the comparison of IN or ANY, whole: before the source's other conditions. */
pc_status pc_sql_add_test(pc_sql_planner *p, const pc_expr *x, int owner) PC_MUST_CHECK;

// plan_net.c
/** net('TABLE'[, DATE]) as a source. */
pc_status pc_sql_add_net(pc_sql_planner *p, const cJSON *body, int location) PC_MUST_CHECK;

// plan_rows.c
/** The relations beside the tables, as names of WITH. */
pc_status pc_sql_name_sources(pc_sql_job *job, const pc_row_source *source, int source_count,
                              const pc_sql_with **with) PC_MUST_CHECK;
/** The name of a RangeVar as it was written, "a" or "a.b". NULL: no memory. */
const char *pc_sql_range_name(const cJSON *body, pc_arena *arena, pc_error *err);

// plan_link.c
/** Attaches tables to each other where the model links them: scans. */
pc_status pc_sql_link(pc_sql_planner *p) PC_MUST_CHECK;
/** Conditions that links do not stand for, bound. */
pc_status pc_sql_bind_rest(pc_sql_planner *p) PC_MUST_CHECK;

// plan_join.c
/** True where the rows of a source are of other patients than those of the row it is joined to. */
bool pc_sql_is_guest(const pc_sql_planner *p, int source);
/** The tree of all sources; every column that is asked of them is known by now. */
pc_status pc_sql_build(pc_sql_planner *p, pc_sql_tree *out) PC_MUST_CHECK;
/** An expression over the planner's columns as one over the tree's. */
pc_status pc_sql_place_expr(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x,
                            const pc_expr **out) PC_MUST_CHECK;
/** A copy with each column replaced. @param to  called for each column */
typedef pc_status (*pc_sql_replace)(void *context, const pc_expr *column, const pc_expr **out);
pc_status pc_sql_rewrite(pc_sql_job *job, const pc_expr *x, pc_sql_replace to, void *context,
                         const pc_expr **out) PC_MUST_CHECK;

// plan_scope.c
/** Finds a name: `out->source` -1: not known. */
pc_status pc_sql_resolve(pc_sql_planner *p, const char *qualifier, const char *name,
                         pc_sql_place *out, pc_error *err) PC_MUST_CHECK;
void pc_sql_open_scope(pc_sql_planner *p);
/** A source's column as an expression. */
pc_status pc_sql_column(pc_sql_planner *p, pc_sql_place place, int position,
                        const pc_expr **out) PC_MUST_CHECK;
/** A column for a place, as asked of the source (without what stands for a missing row). */
pc_status pc_sql_raw_column(pc_sql_planner *p, pc_sql_place place, int position,
                            const pc_expr **out) PC_MUST_CHECK;
/** A computed column. */
pc_status pc_sql_add_computed(pc_sql_planner *p, const pc_expr *x, const pc_expr **out,
                              int *column) PC_MUST_CHECK;
/** The place of the PC_KEY of a place that is a patient's text; source -1: it is none. */
pc_sql_place pc_sql_patient_key(const pc_sql_planner *p, pc_sql_place place);
pc_sql_info pc_sql_info_of(const pc_sql_planner *p, int column);
/** What is known of an expression over the planner's columns. */
pc_sql_info pc_sql_info_of_expr(const pc_sql_planner *p, const pc_expr *x);
/** Notes in the traits when an expression reads a column that says who somebody is. */
void pc_sql_note_identifiers(pc_sql_planner *p, const pc_expr *x);
/** Notes in the traits that a condition chooses patients by an identifier (patient = '...'). */
void pc_sql_note_chosen(pc_sql_planner *p, const pc_expr *x);
const pc_model_table *pc_sql_table(const pc_sql_planner *p, int source);
bool pc_sql_is_patient_table(const pc_sql_planner *p, int source);

// plan_subquery.c
/** A SubLink of an expression. Of pc_binder. */
pc_status pc_sql_bind_subquery(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
/** A subquery of FROM. */
pc_status pc_sql_add_range_subquery(pc_sql_planner *p, const cJSON *body, pc_join join,
                                    int location) PC_MUST_CHECK;
/** Turns the conditions that name the query around into keys and `on` of the relation; adds the
 *  outputs (and group keys) that they need. */
pc_status pc_sql_correlate(pc_sql_planner *p, pc_sql_relation *out) PC_MUST_CHECK;
bool pc_sql_names_outer(const pc_expr *x);

// plan_group.c, plan_sets.c
/** What an aggregate call becomes while outputs are bound. Of pc_binder. */
pc_status pc_sql_bind_aggregate(pc_binder *b, const cJSON *call, const char *name,
                                const pc_expr **out) PC_MUST_CHECK;
/** An aggregate's column, made new when there is no equal one. */
pc_status pc_sql_add_aggregate(pc_sql_planner *p, const pc_aggregate *made,
                               const pc_expr **out) PC_MUST_CHECK;
/** An expression over the scan as one over keys and aggregates. */
pc_status pc_sql_after_group(pc_sql_planner *p, const pc_expr *x,
                             const pc_expr **out) PC_MUST_CHECK;
bool pc_sql_has_aggregate(const pc_expr *x);
/** The patients behind a group's cells, as a hidden aggregate expression. */
pc_status pc_sql_patients(pc_sql_planner *p, const pc_expr **out) PC_MUST_CHECK;
/** The patients behind a row of other queries' rows: the least that any of them has (people GROUPS,
 *  and values of subqueries). NULL: none is counted. Of a grouped SELECT, of a group. */
pc_status pc_sql_patients_of_rows(pc_sql_planner *p, const pc_expr **out) PC_MUST_CHECK;
/** GROUP BY with grouping sets: keys by `bind`, one for each item, and the sets. */
pc_status pc_sql_bind_sets(pc_sql_planner *p, const cJSON *list,
                           pc_status (*bind)(pc_sql_planner *p, const cJSON *node,
                                             const pc_expr **out)) PC_MUST_CHECK;
bool pc_sql_has_sets(const cJSON *list);
/** GROUPING(a, b). Of pc_binder: a column that stands for it. */
pc_status pc_sql_bind_grouping(pc_binder *b, const cJSON *body, const pc_expr **out) PC_MUST_CHECK;
/** What stands behind it once the sets are known. */
pc_status pc_sql_grouping(pc_sql_planner *p, int at, const pc_expr **out) PC_MUST_CHECK;

// plan_output.c
pc_status pc_sql_add_output(pc_sql_planner *p, const pc_expr *x, const char *name,
                            int *at) PC_MUST_CHECK;
pc_status pc_sql_bind_target(pc_sql_planner *p, const cJSON *target) PC_MUST_CHECK;
/** GROUP BY. */
pc_status pc_sql_bind_keys(pc_sql_planner *p, const cJSON *list) PC_MUST_CHECK;
/** A key of the group, once. */
pc_status pc_sql_add_key(pc_sql_planner *p, const pc_expr *x, int location) PC_MUST_CHECK;
/** Finds the key that makes groups lie within a slot, once all keys are known. */
pc_status pc_sql_find_slot_key(pc_sql_planner *p) PC_MUST_CHECK;
pc_status pc_sql_bind_order(pc_sql_planner *p, const cJSON *list, pc_sql_order *out) PC_MUST_CHECK;
/** DISTINCT ON: its expressions are the first keys of the order. */
pc_status pc_sql_bind_distinct_on(pc_sql_planner *p, const cJSON *list,
                                  pc_sql_order *out) PC_MUST_CHECK;
/** The node that keeps the first row of each; within slots where a key is the patient. */
pc_status pc_sql_add_first_of(pc_sql_planner *p, const pc_sql_order *order,
                              const pc_plan **root) PC_MUST_CHECK;
/** LIMIT and OFFSET. */
pc_status pc_sql_bind_count(pc_binder *b, const cJSON *node, const char *what, int64_t none,
                            int64_t *out) PC_MUST_CHECK;

// plan_window.c
/** What a call with OVER becomes while outputs are bound. Of pc_binder. */
pc_status pc_sql_bind_window(pc_binder *b, const cJSON *call, const char *name,
                             const pc_expr **out) PC_MUST_CHECK;
/** Refuses window functions beside what they do not go with. */
pc_status pc_sql_check_windows(pc_sql_planner *p, bool is_distinct) PC_MUST_CHECK;
/** The nodes that compute them. */
pc_status pc_sql_add_windows(pc_sql_planner *p, const pc_sql_tree *tree,
                             const pc_plan **root) PC_MUST_CHECK;
/** As pc_sql_place_expr, with their results. */
pc_status pc_sql_place_windows(pc_sql_planner *p, const pc_sql_tree *tree, const pc_expr *x,
                               const pc_expr **out) PC_MUST_CHECK;

// plan_select.c
/** Outputs, GROUP BY, HAVING, ORDER BY, LIMIT: the nodes above the tree. */
pc_status pc_sql_plan_select(pc_sql_planner *p, const cJSON *select,
                             pc_sql_relation *out) PC_MUST_CHECK;

// plan_push.c
/** What was rewritten and may stand in the plan again. */
typedef struct pc_sql_pushed {
    pc_sql_job *job;
    int count;
    const pc_plan *before[PC_SQL_SHARED], *after[PC_SQL_SHARED]; ///< SHARE and EXCHANGE nodes
} pc_sql_pushed;
/** Moves conditions down, as far as they may go. */
pc_status pc_sql_push(pc_sql_pushed *pushed, const pc_plan **plan) PC_MUST_CHECK;

// plan_prune.c
/** Makes a plan compute and read only what it needs, in place: after pc_sql_push. */
pc_status pc_sql_prune(pc_sql_job *job, const pc_plan *plan) PC_MUST_CHECK;

// plan_union.c
pc_status pc_sql_plan_union(pc_sql_job *job, const cJSON *select, const pc_sql_with *with,
                            pc_sql_relation *out) PC_MUST_CHECK;
pc_status pc_sql_plan_values(pc_sql_job *job, const cJSON *select, const pc_sql_with *with,
                             pc_sql_relation *out) PC_MUST_CHECK;

#endif
