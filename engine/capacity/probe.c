// What files and messages cost on this machine.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "capacity.h"
#include "parcours/log.h"

enum {
    PATH_BYTES = 4096,
    PIECE_BYTES = 1 << 20,
    PIECES = 64,
    SMALL_FILES = 16,
    AGREEMENTS = 200,
    TALKS = 50,
    TALK_BYTES = 2 << 20
};

static pc_status fail_io(const char *path, const char *what, pc_error *err)
{
    return PC_FAIL(err, PC_IO, "probe '%s': cannot %s: %s", path, what, strerror(errno));
}

static pc_status write_pieces(int file, const char *path, const char *piece, int count,
                              pc_error *err)
{
    for (int i = 0; i < count; i++) {
        if (write(file, piece, PIECE_BYTES) != PIECE_BYTES) return fail_io(path, "write", err);
    }
    if (fsync(file) != 0) return fail_io(path, "sync", err);
    // What was just written is read from the disk, not from memory, where the system allows.
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    return PC_OK;
}

static pc_status read_pieces(int file, const char *path, char *piece, int count, pc_error *err)
{
    for (int i = 0; i < count; i++) {
        if (pread(file, piece, PIECE_BYTES, (off_t)i * PIECE_BYTES) != PIECE_BYTES) {
            return fail_io(path, "read", err);
        }
    }
    return PC_OK;
}

static pc_status probe_large(const char *folder, char *piece, pc_calibration *out, pc_error *err)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/probe", folder);
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return fail_io(path, "make the file", err);
    double at = pc_clock_s();
    pc_status status = write_pieces(file, path, piece, PIECES, err);
    out->write_bytes_s = (double)PIECES * PIECE_BYTES / (pc_clock_s() - at);
    at = pc_clock_s();
    if (status == PC_OK) status = read_pieces(file, path, piece, PIECES, err);
    out->read_bytes_s = (double)PIECES * PIECE_BYTES / (pc_clock_s() - at);
    (void)close(file);
    (void)unlink(path);
    return status;
}

// A small file written, synced and named as a part is, then opened and its first bytes read.
static pc_status probe_small(const char *folder, const char *piece, pc_calibration *out,
                             pc_error *err)
{
    char path[PATH_BYTES], name[PATH_BYTES], byte;
    for (int i = 0; i < SMALL_FILES; i++) {
        (void)snprintf(path, sizeof path, "%s/small.tmp", folder);
        (void)snprintf(name, sizeof name, "%s/small", folder);
        double at = pc_clock_s();
        const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (file < 0) return fail_io(path, "make the file", err);
        const bool is_good =
            write(file, piece, 4096) == 4096 && fsync(file) == 0 && rename(path, name) == 0;
        (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
        (void)close(file);
        if (!is_good) return fail_io(path, "write", err);
        out->sync_s += (pc_clock_s() - at) / SMALL_FILES;
        at = pc_clock_s();
        const int again = open(name, O_RDONLY | O_CLOEXEC);
        const bool was_read = again >= 0 && pread(again, &byte, 1, 0) == 1;
        if (again >= 0) (void)close(again);
        if (!was_read) return fail_io(name, "read", err);
        out->open_s += (pc_clock_s() - at) / SMALL_FILES;
        (void)unlink(name);
    }
    return PC_OK;
}

static pc_status exchange_times(pc_comm *comm, const char *piece, size_t bytes, int times,
                                pc_budget *budget, double *seconds, pc_error *err)
{
    const int size = pc_comm_size(comm);
    pc_arena arena = {.budget = budget};
    pc_buffer in = {.budget = budget};
    pc_span *out = pc_arena_array(&arena, (size_t)size, sizeof *out, err);
    int64_t *in_bytes = pc_arena_array(&arena, (size_t)size, sizeof *in_bytes, err);
    pc_status status = out == NULL || in_bytes == NULL ? PC_NO_MEMORY : PC_OK;
    status = pc_comm_agree(comm, status, err);
    for (int i = 0; i < size && status == PC_OK; i++)
        out[i] = (pc_span){piece, bytes};
    // The first one connects the ranks.
    if (status == PC_OK) status = pc_comm_exchange(comm, out, &in, in_bytes, err);
    for (int i = 0; i < times && status == PC_OK; i++) {
        const double at = pc_clock_s();
        status = pc_comm_exchange(comm, out, &in, in_bytes, err);
        const double took = pc_clock_s() - at;
        // The least: others use this machine too, and what they take is not the network's.
        if (i == 0 || took < *seconds) *seconds = took;
    }
    pc_buffer_release(&in);
    pc_arena_reset(&arena);
    return status;
}

static pc_status probe_messages(pc_comm *comm, const char *piece, pc_budget *budget,
                                pc_calibration *out, pc_error *err)
{
    const int others = pc_comm_size(comm) - 1;
    double small_s = 0, large_s = 0;
    out->agree_s = 1;
    for (int i = 0; i < AGREEMENTS; i++) {
        const double at = pc_clock_s();
        PC_TRY(pc_comm_agree(comm, PC_OK, err));
        const double took = pc_clock_s() - at;
        if (took < out->agree_s) out->agree_s = took;
    }
    if (others == 0) return PC_OK;
    const size_t bytes = TALK_BYTES / (size_t)(others + 1) + 1;
    PC_TRY(exchange_times(comm, piece, 8, TALKS, budget, &small_s, err));
    PC_TRY(exchange_times(comm, piece, bytes, TALKS, budget, &large_s, err));
    out->message_s = small_s / others;
    const double beyond_s = large_s > small_s ? large_s - small_s : large_s;
    out->exchange_bytes_s = (double)bytes * others / beyond_s;
    return PC_OK;
}

pc_status pc_probe_machine(pc_comm *comm, const char *folder, pc_budget *budget,
                           pc_calibration *out, pc_error *err)
{
    pc_arena arena = {.budget = budget};
    char *piece = pc_arena_array(&arena, TALK_BYTES, 1, err);
    pc_status status = pc_comm_agree(comm, piece == NULL ? PC_NO_MEMORY : PC_OK, err);
    if (status == PC_OK) status = pc_comm_agree(comm, probe_large(folder, piece, out, err), err);
    if (status == PC_OK) status = pc_comm_agree(comm, probe_small(folder, piece, out, err), err);
    if (status == PC_OK) status = probe_messages(comm, piece, budget, out, err);
    pc_arena_reset(&arena);
    return status;
}
