/* Errors of the command line itself, in the library's form: the first one wins, one line. */
#ifndef CLI_ERROR_H
#define CLI_ERROR_H

#include "bertc.h"

bertc_status cli_fail(bertc_error *err, bertc_status status, const char *format, ...) BERTC_PRINTF(3, 4);

/* "place: what: strerror(errno)", BERTC_IO; BERTC_NOMEM where memory is out. */
bertc_status cli_fail_errno(bertc_error *err, const char *place, const char *what);

/* The same behind the message of an error that there is: what could not be put right after it. */
void cli_fail_also(bertc_error *err, const char *place, const char *what);

bertc_status cli_fail_memory(bertc_error *err);

/* bertc_model_check_finished, and how to finish it. */
bertc_status cli_check_finished(const char *dir, bertc_error *err);

/* "Did you mean": the candidate nearest to `word` in edit distance, or null where none is near. `next` gives the
 * candidates by index, null past the end. */
const char *cli_nearest(const char *word, const char *(*next)(const void *context, size_t index), const void *context);

#endif
