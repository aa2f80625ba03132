/** Files and folders of a store. */
#include "files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/part.h"

enum { COPY_BYTES = 1 << 20, FOLDER_MODE = 0700 };

static pc_status fail_errno(pc_error *err, const char *what, const char *path)
{
    return PC_FAIL(err, PC_IO, "cannot %s '%s': %s", what, path, strerror(errno));
}

static pc_status check_length(int bytes, pc_error *err)
{
    if (bytes >= 0 && bytes < PC_PATH_BYTES) return PC_OK;
    return PC_FAIL(err, PC_BAD_INPUT, "a path of the store is longer than %d bytes", PC_PATH_BYTES);
}

pc_status pc_part_path(const char *store, uint32_t shard, uint32_t number, char out[PC_PATH_BYTES],
                       pc_error *err)
{
    return check_length(snprintf(out, PC_PATH_BYTES, "%s/shards/%02x/%04x/part-%06u.h5", store,
                                 (unsigned)(shard >> 8), (unsigned)shard, (unsigned)number),
                        err);
}

void pc_store_file_name(const char *base, uint32_t edition, char out[64])
{
    if (edition == 0) {
        snprintf(out, 64, "%s.h5", base);
    } else {
        snprintf(out, 64, "%s-%06u.h5", base, edition);
    }
}

pc_status pc_path_join(const char *folder, const char *name, char out[PC_PATH_BYTES], pc_error *err)
{
    return check_length(snprintf(out, PC_PATH_BYTES, "%s/%s", folder, name), err);
}

static pc_status sync_path(const char *path, int flags, pc_error *err)
{
    const int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) return fail_errno(err, "open", path);
    const bool is_synced = fsync(fd) == 0;
    const pc_status status = is_synced ? PC_OK : fail_errno(err, "write out", path);
    close(fd);
    return status;
}

// fsync of the folder that holds `path`: its name there survives a power cut.
static pc_status sync_folder_of(const char *path, pc_error *err)
{
    char folder[PC_PATH_BYTES];
    PC_TRY(check_length(snprintf(folder, sizeof folder, "%s", path), err));
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder ? 1 : 0] = '\0';
    }
    return sync_path(folder, O_RDONLY | O_DIRECTORY, err);
}

pc_status pc_make_folders(const char *path, pc_error *err)
{
    char folder[PC_PATH_BYTES];
    PC_TRY(check_length(snprintf(folder, sizeof folder, "%s", path), err));
    for (char *at = folder + 1; *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        const bool is_made = mkdir(folder, FOLDER_MODE) == 0;
        if (!is_made && errno != EEXIST) return fail_errno(err, "make the folder", folder);
        if (is_made) PC_TRY(sync_folder_of(folder, err));
        *at = '/';
    }
    return PC_OK;
}

pc_status pc_publish(const char *from, const char *to, pc_error *err)
{
    PC_TRY(sync_path(from, O_RDWR, err));
    if (rename(from, to) != 0) return fail_errno(err, "rename to", to);
    return sync_folder_of(to, err);
}

pc_status pc_write_all(int fd, const void *data, size_t bytes, const char *path, pc_error *err)
{
    const char *from = data;
    while (bytes > 0) {
        const ssize_t done = write(fd, from, bytes);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_errno(err, "write", path);
        from += done;
        bytes -= (size_t)done;
    }
    return PC_OK;
}

pc_status pc_write_file(const char *path, const void *data, size_t bytes, pc_error *err)
{
    const int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) return fail_errno(err, "make", path);
    pc_status status = pc_write_all(fd, data, bytes, path, err);
    if (close(fd) != 0 && status == PC_OK) status = fail_errno(err, "write", path);
    return status;
}

pc_status pc_read_at(int fd, uint64_t offset, void *out, size_t bytes, const char *path,
                     pc_error *err)
{
    char *to = out;
    while (bytes > 0) {
        const ssize_t done = pread(fd, to, bytes, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_errno(err, "read", path);
        if (done == 0) return PC_FAIL(err, PC_BAD_INPUT, "'%s' is cut short", path);
        to += done;
        offset += (uint64_t)done;
        bytes -= (size_t)done;
    }
    return PC_OK;
}

pc_status pc_file_digest(const char *path, pc_budget *budget, pc_digest *digest, int64_t *bytes,
                         pc_error *err)
{
    pc_digest_state state;
    pc_buffer buffer = {.budget = budget};
    PC_TRY(pc_buffer_reserve(&buffer, COPY_BYTES, err));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    pc_status status = fd < 0 ? fail_errno(err, "open", path) : PC_OK;
    pc_digest_begin(&state);
    *bytes = 0;
    while (status == PC_OK) {
        const ssize_t got = read(fd, buffer.data, COPY_BYTES);
        if (got == 0) break;
        if (got > 0) {
            pc_digest_add(&state, buffer.data, (size_t)got);
            *bytes += got;
        } else if (errno != EINTR) {
            status = fail_errno(err, "read", path);
        }
    }
    if (status == PC_OK) *digest = pc_digest_end(&state);
    if (fd >= 0) close(fd);
    pc_buffer_release(&buffer);
    return status;
}

pc_status pc_file_read(const char *path, size_t most, pc_buffer *out, pc_error *err)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(err, "open", path);
    pc_status status = PC_OK;
    if (fstat(fd, &about) != 0) {
        status = fail_errno(err, "look at", path);
    } else if (!S_ISREG(about.st_mode) || about.st_size < 0 || (size_t)about.st_size > most) {
        status = PC_FAIL(err, PC_BAD_INPUT, "'%s' is not a file of at most %zu bytes", path, most);
    }
    const size_t bytes = status == PC_OK ? (size_t)about.st_size : 0;
    out->bytes = 0;
    if (status == PC_OK) status = pc_buffer_reserve(out, bytes + 1, err);
    if (status == PC_OK) status = pc_read_at(fd, 0, out->data, bytes, path, err);
    if (status == PC_OK) {
        out->data[bytes] = '\0';
        out->bytes = bytes;
    }
    close(fd);
    return status;
}
