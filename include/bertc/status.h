/* Status codes, error messages and notices.
 *
 * 1. A fallible function returns a bertc_status and takes a nullable bertc_error last.
 * 2. The first error wins: a function never overwrites an error that is already set.
 * 3. A message is one line that names the datum, the place and the reason
 *    ("train.tsv:417: 3 columns, expected 4"), without a trailing newline or full stop.
 *
 * Threads: the library keeps no state of its own between calls. What has a header of its own says there what
 * threads may share; a bertc_error belongs to one call at a time, and a bertc_notify is called by the thread
 * that called the library, and by no other. */
#ifndef BERTC_STATUS_H
#define BERTC_STATUS_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BERTC_API __attribute__((visibility("default")))
#define BERTC_PRINTF(string, first) __attribute__((__format__(__printf__, string, first)))
#else
#define BERTC_API
#define BERTC_PRINTF(string, first)
#endif

/* The value of a status is also the exit code of the command-line program. */
typedef enum bertc_status {
    BERTC_OK = 0,
    BERTC_USAGE = 2,       /* an option or argument that makes no sense */
    BERTC_INPUT = 3,       /* a file whose content is wrong, or that is missing */
    BERTC_IO = 4,          /* the system refused to read or write */
    BERTC_NOMEM = 5,       /* an allocation failed */
    BERTC_DIVERGED = 6,    /* a loss or gradient norm is not finite */
    BERTC_NETWORK = 7,     /* a download or its checksum failed */
    BERTC_LOCKED = 8,      /* another run holds the folder */
    BERTC_HUNG_UP = 129,     /* SIGHUP; the state was saved */
    BERTC_INTERRUPTED = 130, /* SIGINT; the state was saved */
    BERTC_USER_SIGNAL = 138,      /* SIGUSR1, as schedulers send it before a job's time is over; the state was saved */
    BERTC_TERMINATED = 143   /* SIGTERM; the state was saved */
} bertc_status;

typedef struct bertc_error {
    bertc_status status; /* BERTC_OK while nothing has failed */
    char message[1024];  /* NUL-terminated; empty while nothing has failed */
} bertc_error;

/* Record an error as the library does, for a program's own: the first one wins; one printable line,
 * whose middle gives way where it is too long. `err` may be null. Returns `status`. */
BERTC_API bertc_status bertc_error_set(bertc_error *err, bertc_status status, const char *format, va_list args);

/* Where the library sends one-line notices (what was loaded, skipped, ignored). A null function
 * drops them. `line` has no newline and lives only during the call. */
typedef struct bertc_notify {
    void (*line)(void *user, const char *line);
    void *user;
} bertc_notify;

/* The version of the library, "MAJOR.MINOR.PATCH". */
BERTC_API const char *bertc_version(void);

#ifdef __cplusplus
}
#endif
#endif
