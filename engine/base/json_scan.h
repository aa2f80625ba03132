/** @file json_scan.h
 *  The strict half of pc_json_parse: where a document breaks the rules of RFC 8259, or ours.
 */
#ifndef PC_JSON_SCAN_H
#define PC_JSON_SCAN_H
#include "parcours/arena.h"
#include "parcours/text.h"

enum { PC_JSON_MAX_DEPTH = 64 }; // deeper than any study; bounds the stacks below

/** Reads `text` to its end. Local.
 *  @param name        what errors call the document
 *  @param key_offset  filled with a size_t for each key, in order: where its quote stands
 *  @return PC_BAD_JOB with line and column, PC_NO_MEMORY */
pc_status pc_json_scan(pc_span text, const char *name, pc_buffer *key_offset,
                       pc_error *err) PC_MUST_CHECK;

/** PC_BAD_JOB: "<name>: line <n>, column <n>: <what>" for a place in `text`. Columns count
 *  characters. Local. */
pc_status pc_json_fail_at(pc_span text, const char *name, size_t offset, const char *what,
                          pc_error *err);

#endif
