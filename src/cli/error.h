/* Errors of the command line itself, in the library's form: the first one wins, one line. */
#ifndef CLI_ERROR_H
#define CLI_ERROR_H

#include "bertc.h"

bertc_status cli_fail(bertc_error *err, bertc_status status, const char *format, ...)
    BERTC_PRINTF(3, 4);

/* "place: what: strerror(errno)", BERTC_IO; BERTC_NOMEM where memory is out. */
bertc_status cli_fail_errno(bertc_error *err, const char *place, const char *what);

bertc_status cli_fail_memory(bertc_error *err);

/* bertc_model_check_finished, and how to finish it. */
bertc_status cli_check_finished(const char *dir, bertc_error *err);

#endif
