/** @file person.h
 *  One person's events: for each criterion those that it yields, made when somebody asks. Plain
 *  arrays in, no store and no rank.
 */
#ifndef PC_CIRCE_PERSON_H
#define PC_CIRCE_PERSON_H
#include "rows.h"

/** An event of a criterion. */
typedef struct pc_circe_event {
    int32_t start, end; ///< end: PC_CIRCE_NO_DAY when the table has none
    int32_t sort;       ///< the day that primary events are ranked by
    int32_t row;        ///< of its domain's rows in the block
    int64_t id, visit;  ///< visit: PC_CIRCE_NULL: none
} pc_circe_event;

typedef struct pc_circe_events {
    int count;
    pc_circe_event *event; ///< [count] by start, then id
    bool is_made;
} pc_circe_events;

/** Rows of a leaf with a matching code, before all filters. */
typedef struct pc_circe_hits {
    int count, capacity;
    int32_t *row; ///< [count] of the domain's rows
} pc_circe_hits;

/** Of a leaf, side by side since they are asked for together. */
typedef struct pc_circe_leaf_state {
    pc_circe_hits hits;
    pc_circe_events events;
} pc_circe_leaf_state;

typedef struct pc_circe_period {
    int32_t start, end;
} pc_circe_period;

/** An event that others are judged from. */
typedef struct pc_circe_index {
    int32_t start, end;
    int64_t visit;
    pc_circe_period period;
} pc_circe_index;

/** The person at hand. Start with pc_circe_person_open. */
typedef struct pc_circe_person {
    const pc_circe_source *source;
    const pc_circe_program *program;
    const pc_circe_block *block;
    int slot;
    int64_t subject;    ///< person_id
    int64_t person_row; ///< of PERSON; -1: none
    int period_count;
    pc_circe_period *period;   ///< [period_count] by start
    pc_circe_leaf_state *leaf; ///< [leaves]
    pc_circe_events *nested;   ///< [nested criteria]
    int touched_count, touched_nested_count;
    int *touched, *touched_nested; ///< which of them are not empty
    pc_arena arena;                ///< of this person
    pc_status status; ///< what went wrong while events were made; looked at once a definition
    pc_error *err;
} pc_circe_person;

pc_status pc_circe_person_open(pc_circe_person *person, const pc_circe_source *source,
                               pc_arena *arena, pc_error *err) PC_MUST_CHECK;
void pc_circe_person_close(pc_circe_person *person);
/** Takes up the rows of a slot. Local. @return PC_BAD_INPUT: a person_id that is no number */
pc_status pc_circe_person_set(pc_circe_person *person, const pc_circe_block *block, int slot,
                              pc_error *err) PC_MUST_CHECK;

/** The events of a criterion. Of a failure `person->status` tells. */
const pc_circe_events *pc_circe_events_of(pc_circe_person *person,
                                          const pc_circe_criterion *criterion);
/** The events of a leaf. */
const pc_circe_events *pc_circe_leaf_events(pc_circe_person *person, int leaf);
/** Whether the group holds for an index event. */
bool pc_circe_group_holds(pc_circe_person *person, const pc_circe_group *group,
                          const pc_circe_index *index);
/** The period that holds a day, or NULL. */
const pc_circe_period *pc_circe_period_at(const pc_circe_person *person, int32_t day);
/** Whether an event passes. `row` -1: the index event of a demographic criterion. */
bool pc_circe_passes(const pc_circe_person *person, pc_circe_domain domain,
                     const pc_circe_filter *filter, int32_t start, int32_t end, int32_t row);
/** SQL's LIKE: % is any text, _ any one character. */
bool pc_circe_like(pc_span text, const char *pattern);
/** First event that starts on or after a day. */
int pc_circe_first_from(const pc_circe_events *events, int64_t day);
/** Puts events in order of start, then id, then end. */
void pc_circe_sort(pc_circe_event *event, int count);

#endif
