/* Setting errors: the first one wins. */
#ifndef BC_BASE_ERROR_H
#define BC_BASE_ERROR_H

#include <stdbool.h>

#include "bertc/status.h"

/* Record `status` and a formatted one-line message in `err` (which may be null) unless it already
 * holds an error. Control characters from the data are shown as '?'. Returns `status`. */
bertc_status bc_fail(bertc_error *err, bertc_status status, const char *format, ...) BERTC_PRINTF(3, 4);

/* The same for a failed system call on `path`: "path: what: strerror(errno)", BERTC_IO, but
 * BERTC_INPUT where a file to be read does not exist (ENOENT, ENOTDIR, EISDIR). */
bertc_status bc_fail_errno(bertc_error *err, const char *path, const char *what);

/* Is this what a job ends with because its caller asked it to stop? These are the numbers from that of a hangup on. */
static inline bool bc_is_stop(bertc_status status)
{
    return status >= BERTC_HUNG_UP;
}

/* "FUNCTION: ARGUMENTS must not be null", BERTC_USAGE: for the arguments of a public function. */
bertc_status bc_fail_null(bertc_error *err, const char *function, const char *arguments);

/* "out of memory", BERTC_NOMEM. */
bertc_status bc_fail_memory(bertc_error *err);

/* Send one formatted line to `notify` (which may be null). */
void bc_notify(const bertc_notify *notify, const char *format, ...) BERTC_PRINTF(2, 3);

#endif
