/* Setting errors: the first one wins. */
#ifndef BC_BASE_ERROR_H
#define BC_BASE_ERROR_H

#include <stdbool.h>

#include "bertc/status.h"

/* Record `status` and a formatted one-line message in `err`, unless `err` is null or already holds an error. Control
 * characters in the message become '?'. Returns `status`. */
bertc_status bc_fail(bertc_error *err, bertc_status status, const char *format, ...) BERTC_PRINTF(3, 4);

/* Record a failed system call on `path` as "PATH: WHAT: strerror(errno)". Errors: BERTC_INPUT if the file to be read
 * does not exist (ENOENT, ENOTDIR, EISDIR), BERTC_NOMEM if errno is ENOMEM, else BERTC_IO. */
bertc_status bc_fail_errno(bertc_error *err, const char *path, const char *what);

/* Whether a job ended with `status` because its caller or a signal asked it to stop. */
static inline bool bc_is_stop(bertc_status status)
{
    return status >= BERTC_HUNG_UP;
}

/* Record "FUNCTION: ARGUMENTS must not be null", BERTC_USAGE, for a public function. */
bertc_status bc_fail_null(bertc_error *err, const char *function, const char *arguments);

/* Record "out of memory", BERTC_NOMEM. */
bertc_status bc_fail_memory(bertc_error *err);

/* Send one formatted line to `notify`, which may be null. */
void bc_notify(const bertc_notify *notify, const char *format, ...) BERTC_PRINTF(2, 3);

#endif
