/* SIGHUP, SIGINT, SIGUSR1 and SIGTERM: the first asks a job to save and end, as do others within a second; one that
 * comes later ends the program. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include "bertc.h"

/* From now on these signals no longer end the program; a thread of our own waits for them.
 *
 * Not a handler: a handler runs on the stack of whichever thread the signal meets, and the
 * generated code of math libraries uses the stack pointer as a plain register; an alternate stack
 * would have to be set up in every thread of a pool that is not ours. So every thread blocks the
 * signals, the pool's too, which inherit that, and one thread takes them with sigwait.
 *
 * Call before the first file is made and the first thread started; again it does nothing. SIGHUP stays ignored where it
 * was. Also ignores SIGPIPE: a progress line that nobody reads must not end a run.
 * Errors: BERTC_NOMEM where there can be no thread. */
bertc_status cli_signals_watch(bertc_error *err);

/* BERTC_OK, or the status to end with. */
bertc_status cli_signals_status(void);

#endif
