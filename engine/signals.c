/** Signals that ask to stop. */
#include <signal.h>
#include <stddef.h>
#include "parcours/signals.h"

// A handler can reach nothing but globals: the two variables of the engine.
static volatile sig_atomic_t stop_requested, stop_is_urgent;

static void request_stop(int signal_number)
{
    if (signal_number != SIGUSR1 || stop_requested != 0) stop_is_urgent = 1;
    stop_requested = 1;
}

void pc_stop_listen(void)
{
    static const int asked[] = {SIGTERM, SIGINT, SIGUSR1};
    struct sigaction action = {.sa_handler = request_stop};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        // A second Ctrl-C ends at once what does not come to look, such as a read of a terminal.
        action.sa_flags = SA_RESTART | (asked[i] == SIGINT ? (int)SA_RESETHAND : 0);
        (void)sigaction(asked[i], &action, NULL); // fails only for signals that do not exist
    }
    // A file beyond the batch system's limit: the write fails, which is told.
    action = (struct sigaction){.sa_handler = SIG_IGN};
    (void)sigaction(SIGXFSZ, &action, NULL);
}

bool pc_stop_requested(void)
{
    return stop_requested != 0;
}

bool pc_stop_is_urgent(void)
{
    return stop_is_urgent != 0;
}
