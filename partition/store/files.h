/** @file partition/store/files.h
 *  Files and folders of a store: names, durable renames, whole-file digests.
 */
#ifndef PC_STORE_FILES_H
#define PC_STORE_FILES_H
#include <stdbool.h>
#include "parcours/arena.h"
#include "parcours/hash.h"

enum { PC_PATH_BYTES = 4096 };

/** "<store>/shards/xx/xxxx/part-nnnnnn.h5"; PC_BAD_INPUT when too long. */
pc_status pc_part_path(const char *store, uint32_t shard, uint32_t number, char out[PC_PATH_BYTES],
                       pc_error *err) PC_MUST_CHECK;
/** "<folder>/<name>". */
pc_status pc_path_join(const char *folder, const char *name, char out[PC_PATH_BYTES],
                       pc_error *err) PC_MUST_CHECK;
/** Makes the folders above the file, for their owner only. */
pc_status pc_make_folders(const char *path, pc_error *err) PC_MUST_CHECK;
/** fsync of the file, rename to `to`, fsync of the folder: after it, `to` survives a power cut. */
pc_status pc_publish(const char *from, const char *to, pc_error *err) PC_MUST_CHECK;
/** Writes all bytes. */
pc_status pc_write_all(int fd, const void *data, size_t bytes, const char *path,
                       pc_error *err) PC_MUST_CHECK;
/** Makes a file of these bytes, for its owner only. */
pc_status pc_write_file(const char *path, const void *data, size_t bytes,
                        pc_error *err) PC_MUST_CHECK;
/** Reads exactly `bytes` at `offset`: PC_BAD_INPUT when the file is shorter. */
pc_status pc_read_at(int fd, uint64_t offset, void *out, size_t bytes, const char *path,
                     pc_error *err) PC_MUST_CHECK;
/** Digest and size of a whole file. Memory: 1 MiB of the budget. */
pc_status pc_file_digest(const char *path, pc_budget *budget, pc_digest *digest, int64_t *bytes,
                         pc_error *err) PC_MUST_CHECK;
/** The whole file, NUL-terminated; at most `most` bytes. */
pc_status pc_file_read(const char *path, size_t most, pc_buffer *out, pc_error *err) PC_MUST_CHECK;

#endif
