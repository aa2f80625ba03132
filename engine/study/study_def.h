/** @file study_def.h
 *  A study as it was read: documents, code sets, timelines, statistics. Made by load.c and
 * parse_*.c, names resolved by link.c, turned into nodes by compile.c. Everything is owned by one
 * arena.
 */
#ifndef PC_STUDY_DEF_H
#define PC_STUDY_DEF_H
#include "parcours/expr.h"
#include "parcours/hash.h"
#include "parcours/json.h"
#include "parcours/model.h"
#include "parcours/study.h"

enum {
    PC_STUDY_DOC_MAX = 32,          // documents of one study, libraries included
    PC_STUDY_NAME_BYTES = 63,       // longest name
    PC_STUDY_PROBLEM_MAX = 200,     // errors that are listed; more are only counted
    PC_STUDY_FILE_BYTES = 16 << 20, // largest study or library
    PC_STUDY_DEPTH_MAX = 64,        // conditions inside conditions, sets inside sets
    PC_STUDY_BY_MAX = 16,           // expressions that a statistic is broken down by
    PC_STUDY_WINDOW_MAX = 17,       // windows of one look, `during` included
    PC_STUDY_COMBINE_MAX = 5        // values in a set of `combine`
};

#define PC_GAP_NONE  INT64_C(-2) ///< records of a cohort are not joined
#define PC_GAP_ALL   INT64_MAX   ///< "gap": null, all records become one
#define PC_CARRY_ALL INT64_MAX   ///< "carry": "all"

typedef struct pc_doc pc_doc;
typedef struct pc_def pc_def;
typedef struct pc_codes pc_codes;
typedef struct pc_condition pc_condition;

/** Where in a document a value stands; a chain on the stack, from the value to the root. */
typedef struct pc_place {
    const struct pc_place *up;
    const char *key; ///< member; NULL: element `index`
    int index;
} pc_place;

/** An SQL text of a study, parameters put in. `text` NULL: not given. */
typedef struct pc_sql_text {
    const char *text;
    const char *path;
} pc_sql_text;

/** A bound or window: both ends included; an end that is not there is no limit. */
typedef struct pc_pair {
    bool is_given, has_low, has_high;
    int64_t low, high;
} pc_pair;

typedef enum pc_window_unit {
    PC_WINDOW_ALL,
    PC_WINDOW_DAYS,
    PC_WINDOW_MONTHS,
    PC_WINDOW_YEARS,
    PC_WINDOW_DATES
} pc_window_unit;

/** What of a candidate must lie in a window. */
typedef enum pc_window_part {
    PC_PART_START,
    PC_PART_END,
    PC_PART_OVERLAP,
    PC_PART_WITHIN
} pc_window_part;

typedef struct pc_window {
    pc_window_unit unit;
    pc_pair pair;
    bool from_end; ///< counted from the anchor's last day
    pc_window_part part;
} pc_window;

/** A name that stands for a timeline, resolved by link.c. */
typedef struct pc_ref {
    const char *name;
    const char *path;
    pc_doc *doc;
    pc_def *def;
    struct pc_ref *next; ///< all refs of the study
} pc_ref;

typedef enum pc_verb {
    PC_VERB_SOME,
    PC_VERB_NONE,
    PC_VERB_COUNT,
    PC_VERB_SUM,
    PC_VERB_FIRST,
    PC_VERB_LAST,
    PC_VERB_DAYS_OF,
    PC_VERB_SHARE_OF,
    PC_VERB_COVERED_BY,
    PC_VERB_AGE,
    PC_VERB_AGE_IN_YEAR,
    PC_VERB_SEX,
    PC_VERB_WHERE,
    PC_VERB_ALL,
    PC_VERB_ANY,
    PC_VERB_NOT,
    PC_VERB_OF,
    PC_VERB_TAKE,
    PC_VERB_COUNT_OF_VERBS
} pc_verb;

/** Names of record columns, as written. */
typedef struct pc_names {
    int count;
    const char *const *name;
} pc_names;

/** A condition, or a measure when `name` is given. */
struct pc_condition {
    const char *path;
    const char *name;  ///< of a measure
    const char *title; ///< of a step; NULL: none given
    pc_verb verb;
    pc_ref *timeline; ///< what is looked at, or NULL
    pc_ref *during;   ///< or NULL
    int window_count;
    pc_window *window; ///< [window_count]
    pc_names same, different;
    const char *distinct; ///< column of `count`, or NULL
    const char *take;     ///< attribute of `first` and `last`, or NULL: days
    bool has_least, has_most;
    double least, most; ///< bound of `count`, `sum` ...; of ages both are whole numbers
    char sex;           ///< 'F' or 'M'
    pc_sql_text sql;    ///< of `where` and `take`
    int child_count;
    pc_condition **child;
    struct pc_bound *bound; ///< typing.c
};

/** `match` of an entry: whom controls are like. */
typedef struct pc_match {
    const char *path;
    int on_count, near_count;
    pc_sql_text *on;   ///< [on_count] SQL on the person
    pc_sql_text *near; ///< [near_count] columns of the person
    int64_t *apart;    ///< [near_count] how far the values may lie apart
    int64_t ratio;     ///< controls of a case
    bool reuse;        ///< a control may serve several cases
    int64_t seed;
    struct pc_record_sql *bound; ///< [on_count + near_count] typing_match.c
} pc_match;

/** One way in which a cohort's record ends. */
typedef struct pc_exit {
    const char *path;
    const char *reason;
    pc_condition *look;   ///< finds the day in a timeline; NULL: a day of the record itself
    bool from_end;        ///< the record's last day, not its first
    int64_t plus, months; ///< added to the day
} pc_exit;

typedef struct pc_keep {
    const char *name;
    pc_sql_text sql;
} pc_keep;

typedef enum pc_pick { PC_PICK_ALL, PC_PICK_FIRST, PC_PICK_LAST } pc_pick;

typedef enum pc_def_kind {
    PC_DEF_EVENT,
    PC_DEF_EVERY, ///< a period of calendar units
    PC_DEF_DATES, ///< a period of fixed days
    PC_DEF_JOIN,  ///< a period of joined records
    PC_DEF_INTERSECT,
    PC_DEF_SUBTRACT,
    PC_DEF_EXPOSURE,
    PC_DEF_MATCH, ///< sets of cases and controls: what a cohort's `entry` with `match` is made from
    PC_DEF_COHORT,
    PC_DEF_STUDY,
    PC_DEF_OBSERVATION,
    PC_DEF_DEATH
} pc_def_kind;

typedef enum pc_every { PC_EVERY_DAY, PC_EVERY_MONTH, PC_EVERY_QUARTER, PC_EVERY_YEAR } pc_every;

/** A timeline as defined. */
struct pc_def {
    pc_def_kind kind;
    const char *name;  ///< with its prefix
    const char *title; ///< or NULL
    const char *path;
    pc_doc *doc;
    pc_def *next;           ///< of its document
    int mark;               ///< link.c: 0 not seen, 1 being followed, 2 done
    bool is_anonymous;      ///< an event object inside a `from` list
    const char *table_name; ///< `from` as written, when it may be a table
    int table;              ///< of the model, or -1
    int from_count;
    pc_ref **from;
    pc_sql_text where, code, value, start, end, having;
    bool end_is_open;
    int keep_count;
    pc_keep *keep;
    int codes_count;
    pc_codes **codes; ///< [codes_count] resolved by link.c
    const char **codes_name;
    pc_doc *codes_doc; ///< from which the names are seen
    pc_pair dates;
    bool is_grouped;
    pc_names group;
    int measure_count;
    pc_condition **measure;
    int require_count;
    pc_condition **require;
    int64_t apart; ///< -1: not given
    pc_pick pick;
    pc_names per;
    pc_every every;
    pc_pair entry_dates; ///< of a cohort
    pc_pick entry_pick;
    pc_match *match; ///< of a timeline of sets; `from` are its cases and its controls
    int exit_count;
    pc_exit *exit;
    int64_t gap;        ///< of a period, exposure or cohort
    pc_sql_text supply; ///< these five of an exposure
    int64_t carry;
    pc_ref *clip;     ///< or NULL
    int combine_most; ///< 0: not given
    int64_t combine_shortest;
    struct pc_typed *typed; ///< typing.c; NULL: has problems
    bool is_typed;          ///< typing.c was here
};

/** A code set. */
struct pc_codes {
    const char *name;
    const char *path;
    pc_doc *doc;
    pc_codes *next;
    int pattern_count, pattern_room;
    pc_code_pattern *pattern; ///< own ones
    bool has_except;
    int set_count;
    const char **set_name;
    const pc_code_set *set; ///< made by link.c
    uint64_t systems;       ///< bit s: has codes of system s
    int mark;
};

typedef enum pc_statistic_kind {
    PC_STAT_ATTRITION,
    PC_STAT_COUNT,
    PC_STAT_PREVALENCE,
    PC_STAT_INCIDENCE,
    PC_STAT_SURVIVAL,
    PC_STAT_SUMMARY,
    PC_STAT_OVERLAP,
    PC_STAT_SQL,
    PC_STAT_COUNT_OF_KINDS
} pc_statistic_kind;

typedef struct pc_statistic {
    pc_statistic_kind kind;
    const char *name, *title, *path;
    pc_ref *timeline; ///< NULL: summary, overlap
    pc_ref *in;       ///< or NULL
    int by_count;
    pc_sql_text *by;
    const char *total; ///< attribute of `count`, or NULL
    bool is_exact;     ///< interval of `prevalence`
    pc_names measures; ///< of `summary`: columns of the cohort
    int of_count;
    pc_ref **of; ///< [of_count] of `overlap`: its timelines; of `survival`: those of `competing`;
                 ///< of `sql`: those that FROM names
    pc_sql_text sql;                  ///< of `sql`
    const struct pc_row_source *rows; ///< [of_count] of `sql`: its timelines as relations
    const struct pc_query *query[2];  ///< of `sql`: for release, and with all counts
    int at_count;
    int64_t *at;  ///< [at_count] of `survival`: days, ascending
    bool by_year; ///< incidence splits by calendar year
    int split_count;
    pc_ref **split;                        ///< [split_count] incidence splits by timelines
    pc_pair at_risk;                       ///< days from the record's start
    int64_t clean;                         ///< -1: nobody is at risk again after an outcome
    double rate_per;                       ///< person-years
    const pc_model_population *population; ///< of `standardise`, or NULL
    struct pc_record_sql *bound;           ///< [by_count] typing_statistic.c
    int total_column;                      ///< of `total`, or -1
    int *measure_column;                   ///< [measures.count] columns of the cohort
    struct pc_record_schema
        *piece; ///< what `by` sees: the subject's columns, then those of `split`
} pc_statistic;

/** The timeline whose records are classed by `by`; NULL: that of nobody (overlap without `in`). */
static inline const pc_ref *pc_statistic_subject(const pc_statistic *statistic)
{
    const bool is_own = statistic->kind == PC_STAT_ATTRITION || statistic->kind == PC_STAT_COUNT;
    return is_own ? statistic->timeline : statistic->in;
}

typedef enum pc_export_kind {
    PC_EXPORT_ROWS,
    PC_EXPORT_INTERVALS,
    PC_EXPORT_BUCKETS,
    PC_EXPORT_COUNT_OF_KINDS
} pc_export_kind;

/** What an analysis outside is fed with: a file of patients that stays inside. */
typedef struct pc_export {
    pc_export_kind kind;
    const char *name, *title, *path;
    pc_ref *timeline;
    pc_names columns; ///< of the timeline that are written; none given: all
    bool is_csv;
    bool by_year; ///< `split` of intervals
    int split_count, outcome_count, feature_count;
    pc_ref **split, **outcome, **feature;
    int64_t days;     ///< of a bucket
    const char *per;  ///< column of features, or NULL
    bool marks_start; ///< buckets count starts, not covered days
    int column_count; ///< these three typing_export.c
    int *column;      ///< [column_count] of the timeline
    int *per_column;  ///< [feature_count] of `per`, or -1
} pc_export;

typedef struct pc_parameter {
    const char *name;
    const pc_json *value;
    pc_doc *doc; ///< where the value was written: a timeline's name in it is seen from there
} pc_parameter;

typedef struct pc_use {
    const char *prefix;
    pc_doc *doc;
} pc_use;

/** A study or library file. */
struct pc_doc {
    const char *file;   ///< as opened
    const char *shown;  ///< in front of paths: "" for the study itself, "snds.json: " for a library
    const char *prefix; ///< in front of names: "" or "snds."
    pc_json *json;
    pc_json *settings;  ///< values of --set, or NULL
    const pc_doc *user; ///< the document whose `use` named this one first
    bool is_set;        ///< its `use` gives it parameters
    int parameter_count;
    pc_parameter *parameter;
    int use_count;
    pc_use *use;
    pc_def *defs, *last_def;
    pc_codes *codes;
};

/** A study. Start with zero and an arena. */
typedef struct pc_study {
    pc_arena *arena;
    const pc_model *model;
    struct pc_store *store;   ///< whose vocabulary expands trees of codes; NULL: a model alone
    const char *name, *title; ///< NULL: a library has none
    bool is_library;          ///< doc[0] is one, looked at by itself
    pc_pair dates;
    int doc_count;
    pc_doc *doc[PC_STUDY_DOC_MAX]; ///< doc[0] is the study
    pc_def given_study, given_observation, given_death;
    pc_ref *refs;
    int statistic_count;
    pc_statistic *statistic;
    int export_count;
    pc_export *exports;
    int level;
    int problem_count;
    pc_buffer problems; ///< lines
    pc_digest_state digest;
} pc_study;

/** Reads the study, its libraries and parameters, and resolves all names. Problems are collected:
 *  ask `study->problem_count`. Local.
 *  @param study  zeroed but for `arena` and `model`
 *  @return PC_OK also with problems; PC_NO_MEMORY */
pc_status pc_study_load(pc_study *study, const pc_study_options *options,
                        pc_error *err) PC_MUST_CHECK;
/** Frees the JSON documents and the problem lines. The arena is the caller's. */
void pc_study_release(pc_study *study);

#endif
