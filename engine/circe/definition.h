/** @file definition.h
 *  A cohort definition of OHDSI's language (Circe) as it is read: concept sets, criteria, groups.
 *  docs/ohdsi.md says what each part means.
 */
#ifndef PC_CIRCE_DEFINITION_H
#define PC_CIRCE_DEFINITION_H
#include "concepts.h"
#include "parcours/json.h"

enum {
    PC_CIRCE_RULES_MAX = 62,     ///< a mask of rules is a signed number of 64 bits
    PC_CIRCE_DAYS_MAX = 3652425, ///< ten thousand years: sums of two fit 32 bits
    PC_CIRCE_NO_DAY = INT32_MIN  ///< a date that is null
};
#define PC_CIRCE_NULL INT64_MIN ///< an integer that is null

/** The criteria types: each reads one table. */
typedef enum pc_circe_domain {
    PC_CIRCE_CONDITION,
    PC_CIRCE_DRUG,
    PC_CIRCE_PROCEDURE,
    PC_CIRCE_MEASUREMENT,
    PC_CIRCE_OBSERVATION,
    PC_CIRCE_VISIT,
    PC_CIRCE_VISIT_DETAIL,
    PC_CIRCE_DEVICE,
    PC_CIRCE_SPECIMEN,
    PC_CIRCE_DEATH,
    PC_CIRCE_CONDITION_ERA,
    PC_CIRCE_DRUG_ERA,
    PC_CIRCE_DOSE_ERA,
    PC_CIRCE_PERIOD,
    PC_CIRCE_PAYER,
    PC_CIRCE_DOMAINS
} pc_circe_domain;

/** What a filter looks at: something of the event or its person, or a column of the table
 *  (PC_CIRCE_COLUMN + its index in the domain). */
typedef enum pc_circe_field {
    PC_CIRCE_START,
    PC_CIRCE_END,
    PC_CIRCE_LENGTH, ///< days from start to end
    PC_CIRCE_AGE,    ///< year of start less year of birth
    PC_CIRCE_AGE_AT_END,
    PC_CIRCE_GENDER,
    PC_CIRCE_RACE,
    PC_CIRCE_ETHNICITY,
    PC_CIRCE_SPECIALTY,     ///< of the provider
    PC_CIRCE_PLACE,         ///< place of service of the care site
    PC_CIRCE_VISIT_CONCEPT, ///< of the visit that the event belongs to
    PC_CIRCE_LOW_RATIO,     ///< value / low end of its range
    PC_CIRCE_HIGH_RATIO,
    PC_CIRCE_COLUMN
} pc_circe_field;

typedef enum pc_circe_op {
    PC_CIRCE_LT,
    PC_CIRCE_LTE,
    PC_CIRCE_EQ,
    PC_CIRCE_NE,
    PC_CIRCE_GT,
    PC_CIRCE_GTE,
    PC_CIRCE_BETWEEN,
    PC_CIRCE_NOT_BETWEEN,
    PC_CIRCE_IN, ///< one of the listed ids
    PC_CIRCE_NOT_IN,
    PC_CIRCE_IN_SET, ///< in a concept set
    PC_CIRCE_NOT_IN_SET,
    PC_CIRCE_IS_NULL,
    PC_CIRCE_IS_NOT_NULL,
    PC_CIRCE_LIKE, ///< SQL's LIKE
    PC_CIRCE_NOT_LIKE,
    PC_CIRCE_ABNORMAL,  ///< of a measurement, no field
    PC_CIRCE_HOLDS_DAY, ///< start <= low <= end
} pc_circe_op;

/** A condition on one event. A null value never passes, but for PC_CIRCE_IS_NULL. */
typedef struct pc_circe_filter {
    pc_circe_op op;
    int field;
    double low, high; ///< of ranges; days are numbers too
    int id_count;
    const int64_t *id; ///< [id_count] ascending
    int set;           ///< of *_SET: a set of circe_concepts; PC_CIRCE_EMPTY_SET: one that the
                       ///< definition does not have
    const char *text;  ///< of *_LIKE: the pattern
} pc_circe_filter;
enum { PC_CIRCE_NO_SET = -1, PC_CIRCE_EMPTY_SET = -2 };

/** A criterion without what hangs on it: which rows of a table are events, and their dates. Equal
 *  ones are evaluated once for all definitions. */
typedef struct pc_circe_leaf {
    pc_circe_domain domain;
    int set, source_set; ///< of the standard and the source concept; see pc_circe_filter.set
    bool is_first;       ///< the earliest of the person, taken before all filters
    bool is_adjusted;    ///< dates are replaced:
    bool start_from_end, end_from_end;
    int32_t start_offset, end_offset;
    int32_t user_start, user_end; ///< of periods: dates put in place; PC_CIRCE_NO_DAY: none
    int filter_count;
    const pc_circe_filter *filter; ///< [filter_count]
} pc_circe_leaf;

typedef struct pc_circe_group pc_circe_group;

typedef struct pc_circe_criterion {
    const pc_circe_leaf *leaf;
    pc_circe_group *group; ///< nested CorrelatedCriteria: each event becomes an index event
    int leaf_index;        ///< in the program, once compiled
    int nested_index;      ///< among its criteria with a group; -1: it has none
} pc_circe_criterion;

/** An end of a window. */
typedef struct pc_circe_bound {
    bool is_open;         ///< no number of days: the observation period's end ...
    bool at_period_start; ///< ... or start
    int32_t days;         ///< signed
} pc_circe_bound;

typedef struct pc_circe_window {
    bool is_given;
    bool from_index_end; ///< days count from the index event's end
    bool of_event_end;   ///< the event's end lies in the window
    pc_circe_bound start, end;
} pc_circe_window;

typedef enum pc_circe_occurrence {
    PC_CIRCE_EXACTLY,
    PC_CIRCE_AT_MOST,
    PC_CIRCE_AT_LEAST
} pc_circe_occurrence;

/** What distinct counts count. */
typedef enum pc_circe_count_of {
    PC_CIRCE_COUNT_ROWS,
    PC_CIRCE_COUNT_START,
    PC_CIRCE_COUNT_END,
    PC_CIRCE_COUNT_VISIT,
    PC_CIRCE_COUNT_EVENT,    ///< VISIT_DETAIL_ID
    PC_CIRCE_COUNT_DURATION, ///< end - start
    PC_CIRCE_COUNT_ONE,      ///< DURATION of what lasts a day: the same for all
    PC_CIRCE_COUNT_COLUMN    ///< + a column of the domain
} pc_circe_count_of;

/** A criterion in windows around the index event. */
typedef struct pc_circe_correlated {
    pc_circe_criterion criterion;
    pc_circe_window start_window, end_window;
    bool same_visit, ignores_period;
    pc_circe_occurrence occurrence;
    int32_t count;
    int count_of;
} pc_circe_correlated;

typedef enum pc_circe_group_type {
    PC_CIRCE_ALL,
    PC_CIRCE_ANY,
    PC_CIRCE_GROUP_AT_LEAST,
    PC_CIRCE_GROUP_AT_MOST
} pc_circe_group_type;

/** Filters on the index event and its person. */
typedef struct pc_circe_demographic {
    int filter_count;
    const pc_circe_filter *filter;
} pc_circe_demographic;

struct pc_circe_group {
    pc_circe_group_type type;
    int32_t count;
    int correlated_count, demographic_count, group_count;
    pc_circe_correlated *correlated;
    const pc_circe_demographic *demographic;
    pc_circe_group *group;
};

typedef enum pc_circe_limit {
    PC_CIRCE_KEEP_ALL,
    PC_CIRCE_KEEP_FIRST,
    PC_CIRCE_KEEP_LAST
} pc_circe_limit;

typedef enum pc_circe_exit {
    PC_CIRCE_EXIT_PERIOD,
    PC_CIRCE_EXIT_OFFSET,
    PC_CIRCE_EXIT_ERA
} pc_circe_exit;

typedef struct pc_circe_rule {
    const char *name;
    pc_circe_group *group;
} pc_circe_rule;

typedef struct pc_circe_definition {
    const char *path; ///< of its file
    const char *name; ///< the file's name without folder and .json
    int64_t id;       ///< cohort_definition_id
    circe_sets sets;
    int primary_count;
    pc_circe_criterion *primary; ///< [primary_count]
    int32_t prior_days, post_days;
    pc_circe_limit primary_limit, qualified_limit, expression_limit;
    bool has_additional;        ///< the key is there: the qualified limit counts
    pc_circe_group *additional; ///< NULL: none
    int rule_count;
    const pc_circe_rule *rule; ///< [rule_count]
    pc_circe_exit exit;
    bool offset_from_end; ///< of PC_CIRCE_EXIT_OFFSET
    int32_t exit_offset;
    int era_set;                 ///< of PC_CIRCE_EXIT_ERA, as pc_circe_filter.set
    int32_t era_gap, era_supply; ///< era_supply: -1: as recorded
    int era_leaf[2];             ///< in the program: by standard, by source concept
    int censoring_count;
    pc_circe_criterion *censoring;
    int32_t collapse_pad;
    int32_t window_start, window_end; ///< CensorWindow; PC_CIRCE_NO_DAY: none
    int nested_count;
    bool uses_person; ///< some filter looks at the person
} pc_circe_definition;

/** How a column of a domain's table is kept. */
typedef enum pc_circe_kind { PC_CIRCE_INTEGER, PC_CIRCE_NUMBER, PC_CIRCE_TEXT } pc_circe_kind;

typedef struct pc_circe_column {
    const char *name; ///< NULL: the table has none
    pc_circe_kind kind;
} pc_circe_column;

/** Columns that every domain has at the same place. */
enum {
    PC_CIRCE_ID,
    PC_CIRCE_CONCEPT,
    PC_CIRCE_SOURCE,
    PC_CIRCE_START_DATE,
    PC_CIRCE_END_DATE,
    PC_CIRCE_VISIT_ID,
    PC_CIRCE_PROVIDER,
    PC_CIRCE_CARE_SITE,
    PC_CIRCE_OWN_COLUMNS,
    PC_CIRCE_COLUMNS_MAX = 24
};

/** When the table has no end date. */
typedef enum pc_circe_end {
    PC_CIRCE_END_AS_IS,
    PC_CIRCE_END_NEXT_DAY,
    PC_CIRCE_END_SUPPLY,
    PC_CIRCE_END_ALWAYS_NEXT_DAY
} pc_circe_end;

typedef struct pc_circe_attribute pc_circe_attribute;
typedef struct pc_circe_distinct pc_circe_distinct;

/** What there is to know of a criteria type. */
typedef struct pc_circe_domain_info {
    const char *type;  ///< "ConditionOccurrence"
    const char *table; ///< "CONDITION_OCCURRENCE"
    pc_circe_end end;
    int column_count;
    const pc_circe_column *column;
    const pc_circe_attribute *attribute; ///< ends with key NULL
    const char *const *distinct;         ///< CountColumn, column name or "@..."; ends with NULL
} pc_circe_domain_info;

const pc_circe_domain_info *pc_circe_domain_of(pc_circe_domain domain);
/** The field of a name ("@start" or a column of the domain); -1: none. */
int pc_circe_field_of(const pc_circe_domain_info *info, const char *name);

/** How an attribute of a criterion is read. */
typedef enum pc_circe_reads {
    PC_CIRCE_READS_SET, ///< CodesetId
    PC_CIRCE_READS_SOURCE,
    PC_CIRCE_READS_FIRST,
    PC_CIRCE_READS_DATES,
    PC_CIRCE_READS_INTEGERS,
    PC_CIRCE_READS_NUMBERS,
    PC_CIRCE_READS_CONCEPTS,
    PC_CIRCE_READS_SELECTION,
    PC_CIRCE_READS_SET_FILTER,
    PC_CIRCE_READS_TEXT,
    PC_CIRCE_READS_ABNORMAL,
    PC_CIRCE_READS_USER_PERIOD,
    PC_CIRCE_READS_START_IF_COMPATIBLE, ///< what Circe tests on another date than its name says
    PC_CIRCE_READS_NEVER                ///< refused: `field` is why
} pc_circe_reads;

struct pc_circe_attribute {
    const char *key;
    pc_circe_reads reads;
    const char *field;   ///< as pc_circe_field_of
    const char *exclude; ///< of concepts: the flag that turns the list round, or NULL
};

/** How definitions are read. */
typedef struct pc_circe_options {
    bool compatible; ///< --circe-compat: reproduces faults of Circe that are refused otherwise
} pc_circe_options;

/** Reads a definition. Everything is owned by `arena`. Local.
 *  @param id        cohort_definition_id when the file's name is no number
 *  @param concepts  takes up its concept sets
 *  @return PC_BAD_JOB: not a definition, PC_UNSUPPORTED: what is refused; both with the JSON path.
 *          PC_IO, PC_NO_MEMORY */
pc_status pc_circe_read(const char *path, int64_t id, const pc_circe_options *options,
                        circe_concepts *concepts, pc_arena *arena, pc_circe_definition *out,
                        pc_error *err) PC_MUST_CHECK;

#endif
