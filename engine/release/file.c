/** Whole files: written under another name, on disk before they get their own; and their hash. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "parcours/release.h"

enum { PATH_BYTES = PC_FILE_PATH_BYTES, READ_BYTES = 64 * 1024 };

static pc_status fail_io(const char *path, const char *what, pc_error *err)
{
    return PC_FAIL(err, PC_IO, "'%s': cannot %s: %s", path, what, strerror(errno));
}

static pc_status write_all(int file, const char *path, pc_span text, pc_error *err)
{
    for (size_t done = 0; done < text.bytes;) {
        const ssize_t bytes = write(file, text.data + done, text.bytes - done);
        if (bytes < 0 && errno == EINTR) continue;
        if (bytes <= 0) return fail_io(path, "write", err);
        done += (size_t)bytes;
    }
    return PC_OK;
}

// The name of a file is in its folder: that must be on disk too.
static pc_status sync_folder_of(const char *path, pc_error *err)
{
    char folder[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    const size_t bytes = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL) {
        (void)snprintf(folder, sizeof folder, ".");
    } else {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(bytes == 0 ? 1 : bytes), path);
    }
    const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return fail_io(folder, "open", err);
    // Some network file systems cannot sync a folder and need not.
    const bool good = fsync(file) == 0 || errno == EINVAL;
    const pc_status status = good ? PC_OK : fail_io(folder, "sync", err);
    (void)close(file);
    return status;
}

pc_status pc_file_begin(const char *path, unsigned mode, pc_file_writer *out, pc_error *err)
{
    *out = (pc_file_writer){.file = -1, .mode = mode};
    const int bytes =
        snprintf(out->temporary, sizeof out->temporary, "%s.tmp.%lld", path, (long long)getpid());
    if (bytes < 0 || (size_t)bytes >= sizeof out->temporary) {
        return PC_FAIL(err, PC_IO, "the path '%.64s...' is too long", path);
    }
    memcpy(out->path, path, strlen(path) + 1);
    out->file = open(out->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return out->file < 0 ? fail_io(path, "make the file", err) : PC_OK;
}

pc_status pc_file_add(pc_file_writer *writer, pc_span text, pc_error *err)
{
    return write_all(writer->file, writer->path, text, err);
}

pc_status pc_file_end(pc_file_writer *writer, bool syncs, pc_error *err)
{
    const char *path = writer->path;
    pc_status status = PC_OK;
    if (fchmod(writer->file, (mode_t)writer->mode) != 0) {
        status = fail_io(path, "set the mode", err);
    }
    if (status == PC_OK && syncs && fsync(writer->file) != 0) status = fail_io(path, "sync", err);
    if (close(writer->file) != 0 && status == PC_OK) status = fail_io(path, "close", err);
    writer->file = -1;
    if (status == PC_OK && rename(writer->temporary, path) != 0) {
        status = fail_io(path, "rename the finished file to it", err);
    }
    if (status != PC_OK) (void)unlink(writer->temporary);
    return status == PC_OK && syncs ? sync_folder_of(path, err) : status;
}

void pc_file_abandon(pc_file_writer *writer)
{
    if (writer->file < 0) return;
    (void)close(writer->file); // it goes
    (void)unlink(writer->temporary);
    writer->file = -1;
}

static pc_status put(const char *path, pc_span text, unsigned mode, bool syncs, pc_error *err)
{
    pc_file_writer writer;
    PC_TRY(pc_file_begin(path, mode, &writer, err));
    pc_status status = pc_file_add(&writer, text, err);
    if (status == PC_OK) status = pc_file_end(&writer, syncs, err);
    pc_file_abandon(&writer);
    return status;
}

pc_status pc_file_put(const char *path, pc_span text, unsigned mode, pc_error *err)
{
    return put(path, text, mode, false, err);
}

pc_status pc_file_write(const char *path, pc_span text, unsigned mode, pc_error *err)
{
    return put(path, text, mode, true, err);
}

pc_status pc_file_hash(const char *path, char out[PC_DIGEST_TEXT_BYTES], pc_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return fail_io(path, "open", err);
    char buffer[READ_BYTES];
    pc_digest_state state;
    pc_digest_begin(&state);
    for (size_t bytes = 1; bytes > 0;) {
        bytes = fread(buffer, 1, sizeof buffer, file);
        pc_digest_add(&state, buffer, bytes);
    }
    const pc_digest digest = pc_digest_end(&state);
    pc_digest_format(&digest, out);
    const pc_status status = ferror(file) ? fail_io(path, "read", err) : PC_OK;
    (void)fclose(file); // only read
    return status;
}
