/** @file lint.h
 *  What is odd in a cohort definition though Circe reads it, and what it says in English. Private
 *  to engine/.
 */
#ifndef PC_CIRCE_LINT_H
#define PC_CIRCE_LINT_H
#include "definition.h"

/** Appends a line "FILE: PATH: sentence" for each thing that has no effect or can never hold: keys
 *  that are ignored, concept sets that are unused, empty or missing, windows and groups that no
 *  event fits. Local. The definition has been read without an error.
 *  @param warnings  counts them */
pc_status pc_circe_lint(const pc_json *definition, const char *file, pc_buffer *out, int *warnings,
                        pc_error *err) PC_MUST_CHECK;
/** With a vocabulary: sets that expand to nothing, listed concepts that it does not have, those
 *  that are invalid. Local.
 *  @param sets  of the definition, expanded */
pc_status pc_circe_lint_sets(const circe_concepts *concepts, const circe_sets *sets,
                             const circe_vocabulary *vocabulary, const char *file, pc_buffer *out,
                             int *warnings, pc_error *err) PC_MUST_CHECK;
/** Appends the definition in English. Local. */
pc_status pc_circe_describe(const pc_json *definition, const char *file, pc_buffer *out,
                            pc_error *err) PC_MUST_CHECK;

/** A number of a definition as Circe takes it: fractions are cut off. `fallback`: absent. */
int64_t pc_circe_number_of(const pc_json *object, const char *key, int64_t fallback);
/** A member that is an object; NULL when there is none. */
const pc_json *pc_circe_object_of(const pc_json *object, const char *key);
/** What a criterion reads; NULL: nothing that is known. `*body` is its attributes. */
const pc_circe_domain_info *pc_circe_type_of(const pc_json *criterion, const pc_json **body);
/** The attribute of a criteria type that has this key; NULL: none. */
const pc_circe_attribute *pc_circe_attribute_of(const pc_circe_domain_info *info, const char *key);

#endif
