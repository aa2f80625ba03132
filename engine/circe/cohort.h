/** @file cohort.h
 *  From one person's events to her episodes in a cohort: the twelve steps of docs/ohdsi.md.
 */
#ifndef PC_CIRCE_COHORT_H
#define PC_CIRCE_COHORT_H
#include "person.h"

/** What is counted over persons; ranks add theirs up. Everything is of the budget. */
typedef struct pc_circe_counts {
    int definition_count, rule_total;
    int64_t *of_definition;            ///< [definition_count][PC_CIRCE_COUNTS]
    int64_t *of_rule;                  ///< [rule_total][PC_CIRCE_RULE_COUNTS]
    int64_t mask_count, mask_capacity; ///< an open hash by definition and mask
    struct pc_circe_mask *mask;        ///< [mask_capacity]
    pc_buffer room;                    ///< of `mask`
} pc_circe_counts;

enum {
    PC_CIRCE_ENTRIES,   ///< rows of the cohort
    PC_CIRCE_SUBJECTS,  ///< persons in it
    PC_CIRCE_UNCUT,     ///< persons before the censor window
    PC_CIRCE_QUALIFIED, ///< qualified events
    PC_CIRCE_QUALIFIED_PERSONS,
    PC_CIRCE_COUNTS
};
/** Of a rule: events that meet it, their persons, best events that do. */
enum { PC_CIRCE_RULE_EVENTS, PC_CIRCE_RULE_PERSONS, PC_CIRCE_RULE_BEST, PC_CIRCE_RULE_COUNTS };

/** Events with exactly these rules met. */
typedef struct pc_circe_mask {
    int64_t definition; ///< + 1; 0: an empty place
    uint64_t mask;
    int64_t events, persons, best;
} pc_circe_mask;

pc_status pc_circe_counts_open(pc_circe_counts *counts, const pc_circe_program *program,
                               pc_arena *arena, pc_error *err) PC_MUST_CHECK;
void pc_circe_counts_close(pc_circe_counts *counts);
/** The counts of a mask, made when it is new. */
pc_status pc_circe_counts_mask(pc_circe_counts *counts, int definition, uint64_t mask,
                               pc_circe_mask **out, pc_error *err) PC_MUST_CHECK;
/** The counts of a mask, NULL: none. */
const pc_circe_mask *pc_circe_counts_find(const pc_circe_counts *counts, int definition,
                                          uint64_t mask);
/** pc_pack and pc_merge. */
pc_status pc_circe_counts_pack(void *context, pc_buffer *out, pc_error *err);
pc_status pc_circe_counts_merge(void *context, pc_span other, pc_error *err);

/** The person's episodes in a definition's cohort, and what is counted. Local.
 *  @param out  appended to: pc_circe_period of each episode, by start */
pc_status pc_circe_cohort(pc_circe_person *person, int definition, pc_circe_counts *counts,
                          pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Joins spans that touch when their ends are moved by `pad`: sorted, in place. Returns how many
 *  are left. */
int pc_circe_merge(pc_circe_period *span, int count, int32_t pad);

#endif
