/** @file parcours/json.h
 *  Reading JSON with errors a person can use: every value knows its path ("cohorts.a.require[1]").
 *  A thin layer over cJSON, which no header shows. Strict: UTF-8, no key twice, nothing after the
 *  value, at most 64 levels.
 */
#ifndef PC_JSON_H
#define PC_JSON_H
#include <stdbool.h>
#include "parcours/arena.h"
#include "parcours/text.h"

typedef struct pc_json pc_json; ///< a value of a document (struct cJSON)

/** Reads a document. `name` is what errors call it. Free with pc_json_free.
 *  @return PC_BAD_JOB with line and column, PC_IO, PC_NO_MEMORY */
pc_status pc_json_parse(pc_span text, const char *name, pc_json **out, pc_error *err) PC_MUST_CHECK;
pc_status pc_json_read(const char *path, pc_json **out, pc_error *err) PC_MUST_CHECK;
void pc_json_free(pc_json *document);

typedef enum pc_json_kind {
    PC_JSON_NULL,
    PC_JSON_BOOL,
    PC_JSON_NUMBER,
    PC_JSON_TEXT,
    PC_JSON_ARRAY,
    PC_JSON_OBJECT
} pc_json_kind;
pc_json_kind pc_json_kind_of(const pc_json *value);
const char *pc_json_kind_name(pc_json_kind kind);

/** The member of an object, NULL if absent. Case-sensitive. */
const pc_json *pc_json_get(const pc_json *object, const char *key);
/** Loop over members or elements: `for (v = pc_json_first(x); v != NULL; v = pc_json_next(v))`. */
const pc_json *pc_json_first(const pc_json *value);
const pc_json *pc_json_next(const pc_json *value);
const char *pc_json_key(const pc_json *member); ///< its key in its object; NULL in an array
int pc_json_count(const pc_json *value);        ///< members or elements
const char *pc_json_text(const pc_json *value); ///< of a text; else NULL. Borrowed
double pc_json_number(const pc_json *value);
bool pc_json_bool(const pc_json *value);
/** True and the value if it is a whole number within +-2^53. */
bool pc_json_int(const pc_json *value, int64_t *out);

/** Writes a text as a JSON string with quotes; bytes that are not UTF-8 become U+FFFD. */
pc_status pc_json_write_text(pc_buffer *out, pc_span text, pc_error *err) PC_MUST_CHECK;

#endif
