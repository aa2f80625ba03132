/** @file study_read.h
 *  Reading values of a study document: parameters put in, problems collected with their place.
 */
#ifndef PC_STUDY_READ_H
#define PC_STUDY_READ_H
#include "study_def.h"

/** What a function that reads needs. */
typedef struct pc_loader {
    pc_study *study;
    pc_doc *doc;
    const pc_study_options *options;
    pc_error *err;
} pc_loader;

#define PC_PLACE_KEY(parent, name)  (&(const pc_place){.up = (parent), .key = (name)})
#define PC_PLACE_INDEX(parent, nth) (&(const pc_place){.up = (parent), .index = (nth)})

/** Notes a problem: one line `path: id: sentence`. PC_OK unless memory runs out. */
pc_status pc_problem_at(pc_loader *loader, const char *path, const char *id, const char *format,
                        ...) PC_PRINTF(4, 5) PC_MUST_CHECK;
pc_status pc_problem(pc_loader *loader, const pc_place *place, const char *id, const char *format,
                     ...) PC_PRINTF(4, 5) PC_MUST_CHECK;
/** The path of a place as text ("cohorts.a.require[1]"), with the document's name in front. */
pc_status pc_place_text(pc_loader *loader, const pc_place *place, const char **out);

/** A member of `object` whose keys are known; a value "${name}" is replaced by the parameter's. */
const pc_json *pc_value_of(pc_loader *loader, const pc_json *value);
/** Where that value was written: this document, or for "${name}" the one that gave the parameter.
 */
pc_doc *pc_doc_of(pc_loader *loader, const pc_json *value);

/** Notes each key of `object` that is not in `known` (NULL-terminated); those in `above` are named
 *  as keys that this version does not offer. PC_OK unless memory runs out. */
pc_status pc_check_keys(pc_loader *loader, const pc_json *object, const pc_place *place,
                        const char *const *known, const char *const *above);
/** True if the value has that kind; else a problem is noted (`*status` PC_NO_MEMORY if not even
 *  that). */
bool pc_expect(pc_loader *loader, const pc_json *value, pc_json_kind kind, const pc_place *place,
               pc_status *status);

/** A text with its parameters put in; `*out` NULL after a problem. */
pc_status pc_read_text(pc_loader *loader, const pc_json *value, const pc_place *place,
                       const char **out);
/** An SQL text: parameters are put in as literals. A JSON number or boolean is its own text. */
pc_status pc_read_sql(pc_loader *loader, const pc_json *value, const pc_place *place,
                      pc_sql_text *out);
pc_status pc_read_int(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t *out,
                      bool *is_good);
/** [low, high]; null is no limit. */
pc_status pc_read_pair(pc_loader *loader, const pc_json *value, const pc_place *place, bool is_date,
                       pc_pair *out);
/** One text or an array of texts. */
pc_status pc_read_names(pc_loader *loader, const pc_json *value, const pc_place *place,
                        pc_names *out);
pc_status pc_read_title(pc_loader *loader, const pc_json *object, const pc_place *place,
                        const char **out);
/** Days between records that are joined: -1 or more, null is PC_GAP_ALL. */
pc_status pc_read_gap(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t *out);
/** A whole number from `low` to `high`; `*out` stays after a problem. */
pc_status pc_read_range(pc_loader *loader, const pc_json *value, const pc_place *place, int64_t low,
                        int64_t high, int64_t *out);
/** One of `choice` (NULL-terminated): its index, or -1 after a problem. */
pc_status pc_read_choice(pc_loader *loader, const pc_json *value, const pc_place *place,
                         const char *const *choice, int *out);
/** Is a name well formed; else a problem. */
bool pc_name_is_plain(pc_loader *loader, const char *name, const pc_place *place,
                      pc_status *status);
/** Is it also a name that SQL can use (not a reserved word). */
bool pc_name_is_good(pc_loader *loader, const char *name, const pc_place *place, pc_status *status);
/** A reference to a timeline, resolved later. */
pc_status pc_read_ref(pc_loader *loader, const pc_json *value, const pc_place *place, pc_ref **out);

/** Where a file is that this document names: by path from the document, else the shipped one. */
pc_status pc_study_find_file(pc_loader *loader, const char *name, const char **path) PC_MUST_CHECK;
/** Reads such a file; its bytes are part of what identifies the study. @return PC_IO, PC_NO_MEMORY
 */
pc_status pc_study_read_file(pc_loader *loader, const char *path, pc_buffer *out,
                             pc_error *err) PC_MUST_CHECK;

// Parts of documents; each appends to loader->doc or loader->study.
pc_status pc_parse_codes(pc_loader *loader, const pc_json *section);

/** trees.c. Whether a code of a tree, without its marks, is one. */
bool pc_tree_code_is_good(const char *code);
/** Puts the codes that a store's vocabulary knows for codes of trees in their place; nothing
 * without a store. */
pc_status pc_tree_expand(pc_loader *loader, const pc_codes *codes, const pc_code_pattern **all,
                         int *count);
pc_status pc_parse_events(pc_loader *loader, const pc_json *section);
pc_status pc_parse_periods(pc_loader *loader, const pc_json *section);
pc_status pc_parse_exposures(pc_loader *loader, const pc_json *section);
pc_status pc_parse_cohorts(pc_loader *loader, const pc_json *section);
pc_status pc_parse_statistics(pc_loader *loader, const pc_json *section);
pc_status pc_parse_exports(pc_loader *loader, const pc_json *section);
/** An array of timelines; with `year` not NULL the word "year" may be among them. */
pc_status pc_read_refs(pc_loader *loader, const pc_json *value, const pc_place *place, bool *year,
                       int *count, pc_ref ***out);
pc_status pc_parse_conditions(pc_loader *loader, const pc_json *value, const pc_place *place,
                              int depth, int *count, pc_condition ***out);
pc_status pc_parse_measures(pc_loader *loader, const pc_json *value, const pc_place *place,
                            int *count, pc_condition ***out);
/** Windows, `during`, `same`, `different` of a look at the timeline that `key` names. */
pc_status pc_parse_look(pc_loader *loader, const pc_json *object, const char *key,
                        const pc_place *place, pc_condition *out);
/** `match` of a cohort's entry: makes the timeline of sets, the cohort's only input. */
pc_status pc_parse_match(pc_loader *loader, const pc_json *value, const pc_place *place,
                         pc_def *cohort);
pc_status pc_parse_exits(pc_loader *loader, const pc_json *value, const pc_place *place,
                         pc_def *def);
/** Timelines in `from` (one or a list), `intersect`, `subtract`. With `may_be_table` a single name
 *  may be a table and members of a list may be event objects. */
pc_status pc_parse_from(pc_loader *loader, const pc_json *value, const pc_place *place,
                        bool may_be_table, int depth, pc_def *def);
pc_status pc_parse_optional_sql(pc_loader *loader, const pc_json *object, const pc_place *place,
                                const char *key, pc_sql_text *out);
/** Calls `parse` for each well-named member of a section. */
pc_status pc_each_member(pc_loader *loader, const pc_json *section, const char *key,
                         pc_status (*parse)(pc_loader *, const pc_json *, const char *,
                                            const pc_place *));
/** A new timeline of this document. */
pc_status pc_def_add(pc_loader *loader, pc_def_kind kind, const char *name, const pc_place *place,
                     pc_def **out);
/** Resolves names, makes code sets, finds cycles. */
pc_status pc_study_link(pc_loader *loader);
/** ", did you mean 'x'?" or "". Owned by the arena. */
const char *pc_did_you_mean(pc_study *study, const char *wanted, const char *const *name,
                            int count);

#endif
