#include "cli/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "cli/error.h"

static atomic_int received; /* the number of the first signal */

/* Programs that end others may signal a process and then its group: what comes within a second is the same
 * wish. */
static void pass_over_repeats(const sigset_t *set)
{
    const struct timespec second = {.tv_sec = 1}, none = {0};
    nanosleep(&second, NULL);
    while (sigtimedwait(set, NULL, &none) > 0) continue;
}

static void *wait_for_signals(void *set)
{
    for (;;) {
        int number = 0, none = 0;
        if (sigwait(set, &number) != 0) continue;
        if (!atomic_compare_exchange_strong(&received, &none, number)) _exit(128 + number);
        pass_over_repeats(set);
    }
    return NULL;
}

bertc_status cli_signals_watch(bertc_error *err)
{
    static sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_DFL); /* an ignored signal, as in a background job, would never arrive */
    signal(SIGTERM, SIG_DFL);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_t thread;
    errno = pthread_create(&thread, NULL, wait_for_signals, &set);
    if (errno != 0) return cli_fail_errno(err, "signals", "cannot start a thread");
    pthread_detach(thread);
    return BERTC_OK;
}

bertc_status cli_signals_status(void)
{
    int number = atomic_load(&received);
    return number == 0 ? BERTC_OK : (bertc_status)(128 + number);
}
