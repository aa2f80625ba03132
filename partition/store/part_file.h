/** @file partition/store/part_file.h
 *  A part, opened to read: its directory, and its chunks by pread. libhdf5 takes no part in it.
 */
#ifndef PC_STORE_PART_FILE_H
#define PC_STORE_PART_FILE_H
#include "parcours/part.h"
#include "directory.h"
#include "files.h"

typedef struct pc_part_file {
    int fd; ///< -1: not open
    char path[PC_PATH_BYTES];
    const pc_model *model; ///< borrowed
    pc_directory directory;
} pc_part_file;

/** Opens a part and reads its directory, which must have the digest of `info`. The directory is
 *  owned by `arena`. Start with fd -1.
 *  @return PC_BAD_INPUT: damaged, cut short, of another shard; PC_IO */
pc_status pc_part_file_open(const char *path, const pc_model *model, const pc_part_info *info,
                            pc_arena *arena, pc_part_file *out, pc_error *err) PC_MUST_CHECK;
void pc_part_file_close(pc_part_file *part);

/** Reads a chunk into `stored` (replaced; slack for decoding behind it) and checks its hash. Asks
 *  the kernel for the next one. */
pc_status pc_part_file_chunk(const pc_part_file *part, const pc_data_entry *data, int chunk,
                             pc_buffer *stored, pc_error *err) PC_MUST_CHECK;

/** Puts "part '<path>': '<table>/<column>', chunk n" in front of a sentence. */
void pc_part_file_prefix(const pc_part_file *part, const pc_data_entry *data, int chunk,
                         pc_error *err);

/** Reads all of a part and checks the hash of each chunk; fills bytes and file_digest of `info`. */
pc_status pc_part_file_check(const pc_part_file *part, pc_budget *budget, pc_part_info *info,
                             pc_error *err) PC_MUST_CHECK;

#endif
