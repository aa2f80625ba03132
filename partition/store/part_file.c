/** Reading parts: pread at the addresses of the directory. */
#include "part_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bits.h"

enum { MOST_DIRECTORY_BYTES = 1 << 28 }; // 6 million chunks: far beyond a part

static pc_status read_directory(pc_part_file *part, const pc_part_info *info, pc_arena *arena,
                                pc_error *err)
{
    struct stat about;
    if (fstat(part->fd, &about) != 0) {
        return PC_FAIL(err, PC_IO, "cannot look at '%s': %s", part->path, strerror(errno));
    }
    if (info->directory_offset < 0 || info->directory_bytes < 0 ||
        info->directory_bytes > MOST_DIRECTORY_BYTES ||
        info->directory_offset > about.st_size - info->directory_bytes) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s' is cut short", part->path);
    }
    const size_t bytes = (size_t)info->directory_bytes;
    char *text = pc_arena_take(arena, bytes + 1, err);
    if (text == NULL) return PC_NO_MEMORY;
    PC_TRY(pc_read_at(part->fd, (uint64_t)info->directory_offset, text, bytes, part->path, err));
    const pc_digest digest = pc_digest_of(text, bytes);
    if (memcmp(&digest, &info->directory_digest, sizeof digest) != 0) {
        return PC_FAIL(err, PC_BAD_INPUT, "part '%s' is damaged: its chunk directory has changed",
                       part->path);
    }
    pc_status status = pc_directory_read((pc_span){text, bytes}, part->model, about.st_size, arena,
                                         &part->directory, err);
    const pc_directory *d = &part->directory;
    if (status == PC_OK &&
        (d->shard != info->shard || d->number != info->number ||
         d->generation != info->generation || d->slot_count != info->slot_count)) {
        status = PC_FAIL(err, PC_BAD_INPUT, "it is another part than parts.h5 says");
    }
    if (status != PC_OK) pc_error_prefix(err, "part '%s'", part->path);
    return status;
}

pc_status pc_part_file_open(const char *path, const pc_model *model, const pc_part_info *info,
                            pc_arena *arena, pc_part_file *out, pc_error *err)
{
    out->model = model;
    snprintf(out->path, sizeof out->path, "%s", path);
    out->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (out->fd < 0) {
        const pc_status status = errno == ENOENT ? PC_BAD_INPUT : PC_IO;
        return PC_FAIL(err, status, "cannot open part '%s': %s", path, strerror(errno));
    }
    const pc_status status = read_directory(out, info, arena, err);
    if (status != PC_OK) pc_part_file_close(out);
    return status;
}

void pc_part_file_close(pc_part_file *part)
{
    if (part == NULL || part->fd < 0) return;
    close(part->fd);
    part->fd = -1;
}

void pc_part_file_prefix(const pc_part_file *part, const pc_data_entry *data, int chunk,
                         pc_error *err)
{
    char name[512];
    pc_data_name(part->model, data->table, data->column, name, sizeof name);
    pc_error_prefix(err, "part '%s': '%s', chunk %d", part->path, name, chunk);
}

pc_status pc_part_file_chunk(const pc_part_file *part, const pc_data_entry *data, int chunk,
                             pc_buffer *stored, pc_error *err)
{
    const pc_chunk_entry *entry = &data->chunk[chunk];
    stored->bytes = 0;
    PC_TRY(pc_buffer_reserve(stored, entry->bytes + PC_BITS_SLACK, err));
    if (chunk + 1 < data->chunk_count) {
        const pc_chunk_entry *next = entry + 1;
        (void)posix_fadvise(part->fd, (off_t)next->address, (off_t)next->bytes,
                            POSIX_FADV_WILLNEED);
    }
    PC_TRY(pc_read_at(part->fd, entry->address, stored->data, entry->bytes, part->path, err));
    memset(stored->data + entry->bytes, 0, PC_BITS_SLACK);
    stored->bytes = entry->bytes;
    if (pc_hash64(stored->data, stored->bytes) == entry->hash) return PC_OK;
    pc_fail(err, PC_BAD_INPUT, "its bytes have changed since it was written");
    pc_part_file_prefix(part, data, chunk, err);
    return PC_BAD_INPUT;
}

pc_status pc_part_file_check(const pc_part_file *part, pc_budget *budget, pc_part_info *info,
                             pc_error *err)
{
    pc_buffer stored = {.budget = budget};
    pc_status status = PC_OK;
    for (int i = 0; i < part->directory.data_count && status == PC_OK; i++) {
        const pc_data_entry *data = &part->directory.data[i];
        for (int chunk = 0; chunk < data->chunk_count && status == PC_OK; chunk++) {
            status = pc_part_file_chunk(part, data, chunk, &stored, err);
        }
    }
    pc_buffer_release(&stored);
    if (status != PC_OK) return status;
    return pc_file_digest(part->path, budget, &info->file_digest, &info->bytes, err);
}
