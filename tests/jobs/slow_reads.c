/* Loaded before a program (LD_PRELOAD): each read at an offset of a shard's part takes longer by
 * PC_SLOW_READS_US microseconds; with PC_SLOW_READS_FAIL=n the n-th such read fails (EIO). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_part(int file)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t bytes = readlink(link, path, sizeof path - 1);
    if (bytes <= 0) return 0;
    path[bytes] = '\0';
    return strstr(path, "/part-") != NULL;
}

ssize_t pread(int file, void *data, size_t bytes, off_t offset)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    static long reads;
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pread");
    if (is_part(file)) {
        const char *slow = getenv("PC_SLOW_READS_US"), *fail = getenv("PC_SLOW_READS_FAIL");
        if (slow != NULL) usleep((useconds_t)atoi(slow));
        if (fail != NULL && ++reads == atol(fail)) {
            errno = EIO;
            return -1;
        }
    }
    return real(file, data, bytes, offset);
}

ssize_t pread64(int file, void *data, size_t bytes, off_t offset)
{
    return pread(file, data, bytes, offset);
}
