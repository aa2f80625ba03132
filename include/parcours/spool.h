/** @file parcours/spool.h
 *  Rows of a fixed width put aside and read again: compressed in memory first, then on disk.
 *
 *  Bytes of a block are transposed (first bytes of all rows, second bytes, ...) before zstd sees
 *  them: rows are columns of small big-endian numbers, so this makes long runs.
 */
#ifndef PC_SPOOL_H
#define PC_SPOOL_H
#include "parcours/arena.h"

enum { PC_SPOOL_BLOCK_BYTES = 256 * 1024 }; // block and its transposed copy fit in L2

/** What spools of one rank share: memory, one scratch file, one compressor. */
typedef struct pc_spool_pool pc_spool_pool;
typedef struct pc_spool pc_spool;

/** A pool whose packed blocks take at most `memory_bytes`; what is more goes to a file in the
 *  folder `scratch`, which has no name (unlinked at once), so that nothing stays after a kill.
 *  Local. @return PC_OK, PC_NO_MEMORY */
pc_status pc_spool_pool_open(const char *scratch, size_t memory_bytes, pc_budget *budget,
                             pc_spool_pool **out, pc_error *err) PC_MUST_CHECK;
/** Closes the pool and all its spools. Accepts NULL. */
void pc_spool_pool_close(pc_spool_pool *pool);
/** Bytes of all blocks so far, packed, in memory or not. Local. */
int64_t pc_spool_pool_packed(const pc_spool_pool *pool);
/** Bytes of blocks that it may still keep in memory. */
size_t pc_spool_pool_room(const pc_spool_pool *pool);
/** Writes all that is in memory to the scratch file, and all that comes later: the memory is for
 *  something else. @return PC_IO: what was written is in the file, the rest still in memory */
pc_status pc_spool_pool_evict(pc_spool_pool *pool, pc_error *err) PC_MUST_CHECK;
/** Bytes that were written to the scratch file so far. */
int64_t pc_spool_pool_spilled(const pc_spool_pool *pool);

/** A new, empty spool; owned by the pool.
 *  @param block_bytes  bytes of rows in a block: at most PC_SPOOL_BLOCK_BYTES, at least a row */
pc_status pc_spool_open(pc_spool_pool *pool, int row_bytes, size_t block_bytes, pc_spool **out,
                        pc_error *err) PC_MUST_CHECK;
/** Appends rows. @param row  [row_count] x row_bytes
 *  @return PC_OK, PC_NO_MEMORY, PC_IO (with the scratch folder's name) */
pc_status pc_spool_append(pc_spool *spool, const unsigned char *row, int64_t row_count,
                          pc_error *err) PC_MUST_CHECK;
/** Packs what is still open and gives its memory back: rows can be read from now on. When more is
 *  appended, it is sealed again. */
pc_status pc_spool_seal(pc_spool *spool, pc_error *err) PC_MUST_CHECK;
int64_t pc_spool_row_count(const pc_spool *spool);
/** Blocks of a sealed spool. */
int pc_spool_block_count(const pc_spool *spool);
/** Appends the rows of block `block` to `out`. Any block, any number of times. */
pc_status pc_spool_read(pc_spool *spool, int block, pc_buffer *out, pc_error *err) PC_MUST_CHECK;
/** Gives back the memory of its blocks; the spool is empty then. */
void pc_spool_drop(pc_spool *spool);

/** out[c][r] = in[r][c] for a matrix of bytes. `in` and `out` do not overlap. */
void pc_transpose_bytes(const unsigned char *in, size_t row_count, size_t column_count,
                        unsigned char *out);

#endif
