/* SIGHUP, SIGINT, SIGUSR1 and SIGTERM. The first signal asks the job to save and end; signals within a second of it
 * count as one. A later signal ends the program at once. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "bertc.h"

/* Block these signals in all threads and start a thread that waits for them.
 *
 * A signal handler would run on the stack of any thread, and the generated code of math libraries uses the stack
 * pointer as a plain register. An alternate stack would have to be set up in every thread of a pool that others create.
 * Blocked signals are inherited by the pool's threads, and one thread takes the signals with sigwait.
 *
 * Call this before the first file is created and the first thread started; later calls do nothing. SIGHUP stays ignored
 * if it was ignored. SIGPIPE is ignored too: a progress line that nobody reads must not end a run.
 * Errors: BERTC_NOMEM if no thread can be started. */
bertc_status cli_signals_watch(bertc_error *err);

/* Return BERTC_OK, or the status of the received signal, with which the program ends. */
bertc_status cli_signals_status(void);

#endif
