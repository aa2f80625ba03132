/** @file program.h
 *  All definitions of a run as one: equal criteria once, and for a concept the criteria that wait
 *  for it.
 */
#ifndef PC_CIRCE_PROGRAM_H
#define PC_CIRCE_PROGRAM_H
#include "definition.h"

/** Lists of numbers behind each other: list i is item[first[i]] .. item[first[i + 1] - 1]. */
typedef struct pc_circe_lists {
    const int *first; ///< [lists + 1]
    const int *item;
} pc_circe_lists;

/** What is read of a domain's table, and what its rows may begin. */
typedef struct pc_circe_reads_of {
    bool is_used;
    bool column[PC_CIRCE_COLUMNS_MAX]; ///< columns that some criterion looks at
    int any_count;
    const int *any;           ///< [any_count] leaves without a set: every row is an event of theirs
    pc_circe_lists by_set;    ///< [sets] leaves by the set of their standard concept
    pc_circe_lists by_source; ///< [sets] leaves with a set of source concepts alone
    bool has_sets, has_sources;
} pc_circe_reads_of;

typedef struct pc_circe_program {
    const circe_concepts *concepts;
    int definition_count;
    pc_circe_definition *definition; ///< [definition_count]
    int leaf_count;
    const pc_circe_leaf *const *leaf; ///< [leaf_count] no two equal
    pc_circe_reads_of domain[PC_CIRCE_DOMAINS];
    pc_circe_lists begins; ///< [leaf_count] definitions that an event of the leaf may begin
    bool uses_visit_concept, uses_specialty, uses_place;
    int rule_total;
    const int *first_rule; ///< [definition_count + 1] rules are numbered through all definitions
    int nested_total;      ///< criteria with a group, numbered likewise
} pc_circe_program;

/** Numbers the criteria of definitions that were read with one circe_concepts. Everything is owned
 *  by `arena`. Local. Cost: one look-up a criterion.
 *  @param definition  [count] its criteria get their numbers */
pc_status pc_circe_compile(pc_circe_definition *definition, int count,
                           const circe_concepts *concepts, pc_arena *arena, pc_circe_program *out,
                           pc_error *err) PC_MUST_CHECK;

#endif
