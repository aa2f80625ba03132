/** @file native.h
 *  The tables of the OMOP CDM as views over a store of another model: what `parcours omop` would
 *  write of a block of persons, without writing it. Private to engine/circe.
 */
#ifndef PC_CIRCE_NATIVE_H
#define PC_CIRCE_NATIVE_H
#include "../omop.h"
#include "rows.h"

typedef struct pc_circe_native pc_circe_native; ///< opaque

/** What a store is seen through. */
typedef struct pc_circe_lens {
    pc_store *store;
    const pc_catalog *catalog;
    const char *path;    ///< of the list of tables
    const pc_json *list; ///< as `parcours omop` takes it
    const pc_omop_mapping *mapping;
    int64_t *met; ///< [mapping->count] becomes 1 where a row has the code
} pc_circe_lens;

/** Binds the tables that a program asks for; tables that the list does not have are empty.
 *  Local. Everything in `lens` must live as long.
 *  @param arena  owns what `source` points to
 *  @return PC_BAD_JOB, PC_UNSUPPORTED: a table of the list, or what a definition asks of providers
 */
pc_status pc_circe_native_open(const pc_circe_program *program, const pc_circe_lens *lens,
                               pc_arena *arena, pc_circe_source *source, pc_circe_native **out,
                               pc_error *err) PC_MUST_CHECK;
/** Accepts NULL. */
void pc_circe_native_close(pc_circe_native *native);
/** The rows of a block, as pc_circe_block_read gives them of a store of the CDM: row ids count
 *  the rows of a person in the order in which `parcours omop` numbers them. Memory of `arena`,
 *  until the next block. Local. Cost: the queries over the block, a sort of each person's rows. */
pc_status pc_circe_native_block(pc_circe_native *native, pc_block *block, const pc_reader *reader,
                                pc_arena *arena, pc_circe_block *out, pc_error *err) PC_MUST_CHECK;
/** The tables that some definition asks for and the list does not have: bit of a domain. */
uint32_t pc_circe_native_missing(const pc_circe_native *native);

#endif
