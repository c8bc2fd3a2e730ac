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

static atomic_int received; /* number of the first signal; 0: none yet */

/* Print a line from the signal thread, with one write so that it does not mix with other output. */
static void print_line(const char *line)
{
    char text[128];
    int n = snprintf(text, sizeof text, "%s%s\n", isatty(STDERR_FILENO) ? "\r\033[K" : "", line);
    if (n > 0) (void)!write(STDERR_FILENO, text, (size_t)n);
}

static void *wait_for_signals(void *set)
{
    const struct timespec second = {.tv_sec = 1}, none = {0};
    for (;;) {
        int number = 0, first = 0;
        if (sigwait(set, &number) != 0) continue;
        if (!atomic_compare_exchange_strong(&received, &first, number)) {
            print_line("ended by another signal, without saving");
            _exit(128 + number);
        }
        print_line("stopping; another signal ends at once, without saving");
        /* A program may signal a process and then its group, or a job and then each of its steps: signals within a
         * second count as one. */
        nanosleep(&second, NULL);
        while (sigtimedwait(set, NULL, &none) > 0) continue;
    }
    return NULL;
}

bertc_status cli_signals_watch(bertc_error *err)
{
    static bool watching;
    static sigset_t set;
    struct sigaction hangup;
    pthread_t thread;
    pthread_attr_t attributes;
    if (watching) return BERTC_OK;
    signal(SIGPIPE, SIG_IGN);
    /* SIGHUP stays ignored if it was ignored at the start, as under nohup. Other ignored signals, such as SIGINT of a
     * background job, are enabled, because sigwait would never get them. */
    bool ignored = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;
    sigemptyset(&set);
    for (int i = 0; i < SIGNALS; i++) {
        if (numbers[i] == SIGHUP && ignored) continue;
        sigaddset(&set, numbers[i]);
        signal(numbers[i], SIG_DFL);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, BERTC_STACK); /* small, as the address space may be limited */
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        watching = pthread_create(&thread, &attributes, wait_for_signals, &set) == 0;
        pthread_attr_destroy(&attributes);
    }
    if (watching) return BERTC_OK;
    return cli_fail(err, BERTC_NOMEM,
                    "out of memory: the system allows no thread to wait for signals (ulimit -u, ulimit -v, pids.max)");
}

bertc_status cli_signals_status(void)
{
    int number = atomic_load(&received);
    return number == 0 ? BERTC_OK : (bertc_status)(128 + number);
}
