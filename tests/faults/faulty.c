/* Loaded before a program (LD_PRELOAD): a file system that fails. The environment says how; only
 * the rank PC_FAULT_RANK (default: every rank) is hurt, and only in files whose path contains
 * PC_FAULT_PATH. PC_FAULT_CALL  read, write, sync or rename     what is hurt PC_FAULT_AT    n the
 * n-th such call; 0: each PC_FAULT_DOES  an errno such as EIO or ENOSPC  it fails (each call from
 * the n-th on for ENOSPC and ESTALE) half                            it moves half of what was
 * asked for interrupted                     it fails with EINTR, then works slow it takes
 * PC_FAULT_US microseconds more hang                            it sleeps for an hour die, stop the
 * process is killed, or stopped PC_FAULT_READ_US: each read of a part of a store takes so long
 * besides, so that a run lasts. PC_FAULT_TOLD: a file that is made when the fault has happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls;

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value == NULL ? "" : value;
}

static int is_hurt(const char *call, const char *path)
{
    const char *rank = setting("PC_FAULT_RANK"), *mine = setting("OMPI_COMM_WORLD_RANK");
    if (rank[0] != '\0' && strcmp(rank, mine[0] == '\0' ? "0" : mine) != 0) return 0;
    if (strcmp(setting("PC_FAULT_CALL"), call) != 0) return 0;
    if (path == NULL || strstr(path, setting("PC_FAULT_PATH")) == NULL) return 0;
    const long at = atol(setting("PC_FAULT_AT"));
    const char *does = setting("PC_FAULT_DOES");
    const int lasts = strcmp(does, "ENOSPC") == 0 || strcmp(does, "ESTALE") == 0;
    calls++;
    return at == 0 || calls == at || (lasts && calls > at);
}

static int is_hurt_file(const char *call, int file)
{
    char link[64], path[4096];
    if (strcmp(setting("PC_FAULT_CALL"), call) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t bytes = readlink(link, path, sizeof path - 1);
    if (bytes <= 0) return 0;
    path[bytes] = '\0';
    return is_hurt(call, path);
}

static void tell(void)
{
    const char *path = setting("PC_FAULT_TOLD");
    const int file = path[0] == '\0' ? -1 : open(path, O_WRONLY | O_CREAT, 0600);
    if (file >= 0) close(file);
}

/* 0: the call goes on as it was; 1: with half; -1: it fails, errno is set. */
static int hurt(void)
{
    const char *does = setting("PC_FAULT_DOES");
    static int was_interrupted;
    tell();
    if (strcmp(does, "half") == 0) return 1;
    if (strcmp(does, "slow") == 0) usleep((useconds_t)atol(setting("PC_FAULT_US")));
    if (strcmp(does, "hang") == 0) sleep(3600);
    if (strcmp(does, "die") == 0) kill(getpid(), SIGKILL);
    if (strcmp(does, "stop") == 0) kill(getpid(), SIGSTOP);
    errno = 0;
    if (strcmp(does, "interrupted") == 0 && (was_interrupted = !was_interrupted)) errno = EINTR;
    if (strcmp(does, "EIO") == 0) errno = EIO;
    if (strcmp(does, "ENOSPC") == 0) errno = ENOSPC;
    if (strcmp(does, "ESTALE") == 0) errno = ESTALE;
    return errno == 0 ? 0 : -1;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void be_slow(const char *call, int file)
{
    const long us = atol(setting("PC_FAULT_READ_US"));
    char link[64], path[4096] = {0};
    if (us == 0 || strcmp(call, "read") != 0) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, sizeof path - 1) > 0 && strstr(path, "/part-") != NULL)
        usleep((useconds_t)us);
}

/* The bytes to move, or -1: the call fails. */
static ssize_t bytes_left(const char *call, int file, size_t bytes)
{
    be_slow(call, file);
    if (!is_hurt_file(call, file)) return (ssize_t)bytes;
    const int how = hurt();
    return how < 0 ? -1 : how > 0 && bytes > 1 ? (ssize_t)(bytes / 2) : (ssize_t)bytes;
}

ssize_t read(int file, void *data, size_t bytes)
{
    const ssize_t left = bytes_left("read", file, bytes);
    return left < 0 ? -1
                    : ((ssize_t(*)(int, void *, size_t))real("read"))(file, data, (size_t)left);
}

ssize_t pread(int file, void *data, size_t bytes, off_t at)
{
    const ssize_t left = bytes_left("read", file, bytes);
    return left < 0 ? -1
                    : ((ssize_t(*)(int, void *, size_t, off_t))real("pread"))(file, data,
                                                                              (size_t)left, at);
}

ssize_t pread64(int file, void *data, size_t bytes, off_t at)
{
    return pread(file, data, bytes, at);
}

ssize_t write(int file, const void *data, size_t bytes)
{
    const ssize_t left = bytes_left("write", file, bytes);
    return left < 0
               ? -1
               : ((ssize_t(*)(int, const void *, size_t))real("write"))(file, data, (size_t)left);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t at)
{
    const ssize_t left = bytes_left("write", file, bytes);
    return left < 0 ? -1
                    : ((ssize_t(*)(int, const void *, size_t, off_t))real("pwrite"))(
                          file, data, (size_t)left, at);
}

ssize_t pwrite64(int file, const void *data, size_t bytes, off_t at)
{
    return pwrite(file, data, bytes, at);
}

int fsync(int file)
{
    if (is_hurt_file("sync", file) && hurt() < 0) return -1;
    return ((int (*)(int))real("fsync"))(file);
}

int rename(const char *from, const char *to)
{
    if (is_hurt("rename", to) && hurt() < 0) return -1;
    return ((int (*)(const char *, const char *))real("rename"))(from, to);
}
