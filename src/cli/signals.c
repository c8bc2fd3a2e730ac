#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli/error.h"

static const int numbers[] = {SIGHUP, SIGINT, SIGUSR1, SIGTERM};
enum { SIGNALS = sizeof numbers / sizeof *numbers };

static atomic_int received; /* the number of the first signal */

/* Programs that end others may signal a process and then its group, or a job and each of its steps: what comes
 * within a second is the same wish. */
static void pass_over_repeats(const sigset_t *set)
{
    const struct timespec second = {.tv_sec = 1}, none = {0};
    nanosleep(&second, NULL);
    while (sigtimedwait(set, NULL, &none) > 0) continue;
}

/* From the thread that waits, beside what others print: one write. */
static void say(const char *line)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", line);
    if (n > 0) (void)!write(STDERR_FILENO, text, (size_t)n);
}

static void *wait_for_signals(void *set)
{
    for (;;) {
        int number = 0, none = 0;
        if (sigwait(set, &number) != 0) continue;
        if (!atomic_compare_exchange_strong(&received, &none, number)) {
            say("ended by another signal, without saving");
            _exit(128 + number);
        }
        say("stopping; another signal ends at once, without saving");
        pass_over_repeats(set);
    }
    return NULL;
}

/* A hangup that is ignored from the start, as under nohup, stays so. Any other ignored signal, as SIGINT in a job in
 * the background, would never arrive. */
static void take_signals(sigset_t *set)
{
    struct sigaction hangup;
    bool ignored = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    sigemptyset(set);
    for (int i = 0; i < SIGNALS; i++) {
        if (numbers[i] == SIGHUP && ignored) continue;
        sigaddset(set, numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* A small stack, which takes little of a limited address space. */
static bool start_thread(sigset_t *set)
{
    pthread_t thread;
    pthread_attr_t how;
    if (pthread_attr_init(&how) != 0) return false;
    pthread_attr_setstacksize(&how, BERTC_STACK);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &how, wait_for_signals, set) == 0;
    pthread_attr_destroy(&how);
    return started;
}

bertc_status cli_signals_watch(bertc_error *err)
{
    static bool watching;
    static sigset_t set;
    if (watching) return BERTC_OK;
    signal(SIGPIPE, SIG_IGN);
    take_signals(&set);
    watching = start_thread(&set);
    if (watching) return BERTC_OK;
    return cli_fail(err, BERTC_NOMEM,
                    "out of memory: there can be no thread that waits for signals (ulimit -u, ulimit -v, pids.max)");
}

bertc_status cli_signals_status(void)
{
    int number = atomic_load(&received);
    return number == 0 ? BERTC_OK : (bertc_status)(128 + number);
}
