/* Errors of the command line itself, in the library's form: the first one wins, and a message is one line. */
#ifndef CLI_ERROR_H
#define CLI_ERROR_H

#include "bertc.h"

bertc_status cli_fail(bertc_error *err, bertc_status status, const char *format, ...) BERTC_PRINTF(3, 4);

/* Record "PLACE: WHAT: strerror(errno)" as BERTC_IO, or as BERTC_NOMEM if errno is ENOMEM. */
bertc_status cli_fail_errno(bertc_error *err, const char *place, const char *what);

/* Report a failed cleanup: append "PLACE: WHAT: strerror(errno)" to the message of `err`, or record it if `err` holds
 * no error. */
void cli_fail_also(bertc_error *err, const char *place, const char *what);

bertc_status cli_fail_memory(bertc_error *err);

/* Call bertc_model_check_finished; its error also gives the option that finishes the run. */
bertc_status cli_check_finished(const char *dir, bertc_error *err);

#endif
