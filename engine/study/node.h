/** @file node.h
 *  What a run does for each block: one node a timeline, in order of dependency.
 *
 *  A node is a definition, plus the predicates that its users pushed down into it: a filter on the
 *  code of `snds.delivery` becomes a second delivery node whose scans read only those codes. Nodes
 *  without pushed predicates are shared by all users.
 */
#ifndef PC_NODE_H
#define PC_NODE_H
#include "typing.h"

/** A predicate of an event, evaluated in what the event is made from. */
typedef struct pc_filter {
    const pc_def *by; ///< the event whose `where` or `codes` it is
    bool is_codes;
} pc_filter;

enum { PC_NODE_FILTER_MAX = 16 }; // predicates pushed into one node; more are evaluated above it

/** A filter that a node evaluates over its own records. */
typedef struct pc_node_filter {
    pc_filter filter;
    pc_record_sql sql; ///< of a `where`
} pc_node_filter;

typedef struct pc_flow_step {
    const char *title;
    int64_t records, patients;
    int64_t touched; ///< patients that lost a record here
} pc_flow_step;

typedef struct pc_node {
    const pc_def *def;
    int number;
    int filter_count;
    pc_filter filter[PC_NODE_FILTER_MAX]; ///< pushed by its users
    int input_count;
    struct pc_node **input;
    struct pc_node *clip; ///< of an exposure, or NULL
    bool *needed;         ///< [out.count] columns that someone reads
    bool *needed_later;   ///< [out.count] those of them that are read after `having`
    bool has_order;       ///< its records must stand in order: they are not only merged into others
    int here_count;
    pc_node_filter *here; ///< [here_count] filters that are evaluated after stage 1
    bool where_is_pushed, codes_are_pushed, dates_are_pushed;
    bool is_never; ///< its predicates are false for every row
    // A table.
    pc_row_scope *row;
    pc_table_parts parts;
    int stay_at; ///< column of the scan, or -1
    pc_scan *scan;
    int64_t rows_without_day, rows_backwards, rows_without_supply;
    // Whether a word is in the code sets: of `def->codes`, then of each filter of `here`.
    pc_buffer *word_state; ///< [1 + here_count]
    int phase;             ///< passes of matching that must be done before it can be made
    bool serves_match;     ///< cases or controls depend on it
    // Sets of cases and controls.
    pc_buffer match_items;   ///< pc_match_item: of this rank, while they are collected
    pc_buffer match_members; ///< pc_match_member: of all ranks, once they are chosen
    // A cohort.
    int step_count;
    pc_flow_step *step;
    pc_records records; ///< of the current block
} pc_node;

/** Everything a run evaluates. */
typedef struct pc_nodes {
    const pc_study *study;
    const pc_catalog *catalog;
    pc_arena *arena;
    pc_loader *loader;
    int count, capacity;
    pc_node **node; ///< [count] each after those that it reads
    bool *tables;   ///< [model->table_count] tables that the reader must give
    int passes;     ///< of matching, before the last one
} pc_nodes;

/** Makes the nodes that the study's cohorts and statistics reach, with predicates pushed down and
 *  unneeded columns left out, and opens their scans. Local. */
pc_status pc_nodes_open(pc_nodes *nodes, pc_loader *loader, const pc_catalog *catalog,
                        pc_budget *budget, pc_error *err) PC_MUST_CHECK;
void pc_nodes_close(pc_nodes *nodes);
/** The shared node of a timeline (no pushed predicates), or NULL. */
pc_node *pc_node_of(const pc_nodes *nodes, const pc_def *def);

// nodes_need.c
/** Marks the columns that statistics, cohort files and other nodes read. */
void pc_nodes_need(pc_nodes *nodes);

// nodes_phase.c
/** Which pass over the store each node can be made in. */
void pc_nodes_phase(pc_nodes *nodes);

// nodes_table.c
pc_status pc_node_open_table(pc_nodes *nodes, pc_node *node, pc_budget *budget, pc_error *err);

#endif
