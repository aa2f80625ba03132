/** @file info.h
 *  What is told of a store. Private to engine/info*.c.
 */
#ifndef PC_ENGINE_INFO_H
#define PC_ENGINE_INFO_H
#include "parcours/cli.h"
#include "parcours/json.h"
#include "parcours/store.h"

/** A table that was delivered, or derived. */
typedef struct pc_info_table {
    const pc_model_table *table;
    int64_t rows_read, rows_stored, rows_rejected, rows_orphan;
    int64_t delivered_bytes;       ///< of its files
    const pc_json *patient_status; ///< counts by status, or NULL
    const pc_json *rejects;        ///< counts by reason, or NULL
} pc_info_table;

typedef struct pc_info {
    const char *path;
    const pc_store *store;
    const pc_model *model;
    const pc_json *deliveries; ///< array
    int table_count;
    pc_info_table *table; ///< [table_count] in the model's order
    int64_t patients;     ///< rows of PERSON
    int64_t stored_bytes, delivered_bytes;
    int32_t first_day, last_day; ///< of care; last before first: none
} pc_info;

/** Reads it all from an open store. Owned by `arena`. Local.
 *  @return PC_NO_MEMORY, PC_BAD_INPUT (a manifest without tables or deliveries) */
pc_status pc_info_gather(const pc_store *store, const char *path, pc_arena *arena, pc_info *out,
                         pc_error *err) PC_MUST_CHECK;
/** Appends it as JSON. Local. */
pc_status pc_info_json(const pc_info *info, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** "decimal(2)", "id(17)", "code". */
void pc_info_type(const pc_model_column *column, char out[32]);

#endif
