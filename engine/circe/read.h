/** @file read.h
 *  Reading values of a definition: each failure names the place in the document. Private to
 *  engine/circe.
 */
#ifndef PC_CIRCE_READ_H
#define PC_CIRCE_READ_H
#include "definition.h"

/** Where a value stands, from the inside out. */
typedef struct pc_circe_place {
    const struct pc_circe_place *up;
    const char *key; ///< member; NULL: element `index`
    int index;
} pc_circe_place;

#define PC_CIRCE_KEY(parent, name) (&(const pc_circe_place){.up = (parent), .key = (name)})
#define PC_CIRCE_NTH(parent, nth)  (&(const pc_circe_place){.up = (parent), .index = (nth)})

typedef struct pc_circe_reader {
    pc_circe_definition *out;
    const pc_circe_options *options;
    circe_concepts *concepts;
    pc_arena *arena;
    pc_error *err;
} pc_circe_reader;

/** Fails with "definition 'path': place: sentence". */
pc_status pc_circe_fail(pc_circe_reader *reader, const pc_circe_place *place, pc_status status,
                        const char *format, ...) PC_PRINTF(4, 5);
/** The member of an object; NULL when it is absent or null. */
const pc_json *pc_circe_member(const pc_json *object, const char *key);
/** The value must be of that kind. */
pc_status pc_circe_expect(pc_circe_reader *reader, const pc_json *value,
                          const pc_circe_place *place, pc_json_kind kind) PC_MUST_CHECK;
/** A member that is an array (absent: empty; null is refused where Circe fails on it).
 *  @param out  NULL: it has no elements */
pc_status pc_circe_array(pc_circe_reader *reader, const pc_json *object, const char *key,
                         const pc_circe_place *up, bool may_be_null, const pc_json **out,
                         int *count) PC_MUST_CHECK;
/** A whole number: fractions are cut off, texts of digits are numbers, as Circe's parser does.
 *  `*out` stays when it is absent. */
pc_status pc_circe_whole(pc_circe_reader *reader, const pc_json *object, const char *key,
                         const pc_circe_place *up, int64_t low, int64_t high,
                         int64_t *out) PC_MUST_CHECK;
/** The same for days, at most PC_CIRCE_DAYS_MAX either way. */
pc_status pc_circe_days(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, int32_t *out) PC_MUST_CHECK;
pc_status pc_circe_flag(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, bool *out) PC_MUST_CHECK;
/** `*out` NULL: absent. Owned by the arena. */
pc_status pc_circe_text(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, const char **out) PC_MUST_CHECK;
/** A date YYYY-MM-DD; absent, null or "": PC_CIRCE_NO_DAY. */
pc_status pc_circe_date(pc_circe_reader *reader, const pc_json *object, const char *key,
                        const pc_circe_place *up, int32_t *out) PC_MUST_CHECK;
/** {"Value", "Op", "Extent"} of numbers or dates. `decimals` 0: whole numbers, -1: dates. */
pc_status pc_circe_range(pc_circe_reader *reader, const pc_json *value, const pc_circe_place *place,
                         int decimals, pc_circe_filter *out) PC_MUST_CHECK;
/** [{"CONCEPT_ID"}]: their ids ascending. */
pc_status pc_circe_concepts(pc_circe_reader *reader, const pc_json *value,
                            const pc_circe_place *place, pc_circe_filter *out) PC_MUST_CHECK;
/** {"Text", "Op"} as a pattern of LIKE. */
pc_status pc_circe_pattern(pc_circe_reader *reader, const pc_json *value,
                           const pc_circe_place *place, pc_circe_filter *out) PC_MUST_CHECK;
/** A member that is the id of a concept set: its index, PC_CIRCE_EMPTY_SET when the definition has
 *  none of that id; `*out` stays when it is absent. */
pc_status pc_circe_set_index(pc_circe_reader *reader, const pc_json *object, const char *key,
                             const pc_circe_place *up, int *out) PC_MUST_CHECK;
/** A number as Circe prints it in SQL: four decimals, halves away from zero. */
double pc_circe_round(double value);

// read_criteria.c
/** A list of criteria, one object with one key each. */
pc_status pc_circe_criteria(pc_circe_reader *reader, const pc_json *object, const char *key,
                            const pc_circe_place *up, bool may_be_null, int *count,
                            pc_circe_criterion **out) PC_MUST_CHECK;
/** A group of criteria. */
pc_status pc_circe_read_group(pc_circe_reader *reader, const pc_json *value,
                              const pc_circe_place *place, pc_circe_group *out) PC_MUST_CHECK;

#endif
