/** A call to a file system that hangs does not come back and cannot be asked: only another thread
 *  sees it. What tells such a rank from one that works or waits for others is that its processor
 *  time stands still. */
#include "patience.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int64_t used_ns(clockid_t clock)
{
    struct timespec at = {0};
    if (clock_gettime(clock, &at) != 0) return -1;
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

// Not fprintf: the thread that sleeps may hold the lock of the stream.
static void give_up(const pc_patience *p)
{
    char host[64] = "?";
    (void)gethostname(host, sizeof host - 1);
    char text[512];
    const int bytes =
        snprintf(text, sizeof text,
                 "parcours: rank %d on %s has slept for %lld seconds in a call to the "
                 "system: a file system does not answer (--patience says how long a "
                 "rank waits)\n",
                 p->rank, host, (long long)p->limit_s);
    if (write(STDERR_FILENO, text, (size_t)bytes) < 0) _exit(pc_exit_code(PC_IO)); // nobody hears
    _exit(pc_exit_code(PC_IO));
}

/** Sleeps a second. False: the watch is over. */
static bool sleep_second(pc_patience *p)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    (void)pthread_mutex_lock(&p->lock);
    int slept = 0;
    while (!p->is_over && slept != ETIMEDOUT) {
        slept = pthread_cond_timedwait(&p->wake, &p->lock, &until);
    }
    const bool goes_on = !p->is_over;
    (void)pthread_mutex_unlock(&p->lock);
    return goes_on;
}

// Seconds are counted, not taken from a clock: while a process is stopped none is.
static void *watch(void *context)
{
    pc_patience *p = context;
    int64_t used = used_ns(p->clock), still_s = 0;
    while (sleep_second(p)) {
        const int64_t now = used_ns(p->clock);
        still_s = now == used ? still_s + 1 : 0;
        used = now;
        if (still_s >= p->limit_s) give_up(p);
    }
    return NULL;
}

pc_status pc_patience_begin(pc_patience *p, int rank, int64_t limit_s, pc_error *err)
{
    *p = (pc_patience){.rank = rank, .limit_s = limit_s};
    if (limit_s == 0) return PC_OK;
    (void)pthread_mutex_init(&p->lock, NULL); // cannot fail with these defaults
    (void)pthread_cond_init(&p->wake, NULL);
    int failed = pthread_getcpuclockid(pthread_self(), &p->clock);
    // Signals go to the thread that polls them.
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failed == 0) failed = pthread_create(&p->thread, NULL, watch, p);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    p->is_on = failed == 0;
    if (failed == 0) return PC_OK;
    return PC_FAIL(err, PC_IO, "no thread to watch the file system with (%s): --patience 0",
                   strerror(failed));
}

void pc_patience_end(pc_patience *p)
{
    if (!p->is_on) return;
    (void)pthread_mutex_lock(&p->lock);
    p->is_over = true;
    (void)pthread_cond_signal(&p->wake);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    (void)pthread_cond_destroy(&p->wake);
    (void)pthread_mutex_destroy(&p->lock);
    p->is_on = false;
}
