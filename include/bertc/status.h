/* Status codes, error messages and notices.
 *
 * 1. A fallible function returns a bertc_status and takes a nullable bertc_error last.
 * 2. The first error wins: a function never overwrites an error that is already set.
 * 3. A message is one line that names the datum, the place and the reason ("train.tsv:417: 3 columns, expected 4"),
 *    without a trailing newline or full stop.
 *
 * Threads: the library keeps no state between calls. Each header states what threads may share. A bertc_error belongs
 * to one call at a time. A bertc_notify is called only by the thread that called the library. */
#ifndef BERTC_STATUS_H
#define BERTC_STATUS_H

#include <stdarg.h>
#include <stddef.h>

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
    BERTC_USAGE = 2,         /* an option or argument is invalid */
    BERTC_INPUT = 3,         /* a file is missing or its content is invalid */
    BERTC_IO = 4,            /* the system refused to read or write */
    BERTC_NOMEM = 5,         /* an allocation failed */
    BERTC_DIVERGED = 6,      /* a loss, gradient norm or output is not finite */
    BERTC_NETWORK = 7,       /* a download or its checksum failed */
    BERTC_LOCKED = 8,        /* another run has locked the folder */
    BERTC_HUNG_UP = 129,     /* SIGHUP; the state was saved */
    BERTC_INTERRUPTED = 130, /* SIGINT; the state was saved */
    BERTC_USER_SIGNAL = 138, /* SIGUSR1, which schedulers send before a job's time ends; the state was saved */
    BERTC_TERMINATED = 143   /* SIGTERM; the state was saved */
} bertc_status;

typedef struct bertc_error {
    bertc_status status; /* BERTC_OK while nothing has failed */
    char message[1024];  /* NUL-terminated; empty while nothing has failed */
} bertc_error;

/* Record a program's own error in the library's form. If `err`, which may be null, already holds an error, it does not
 * change. The message becomes one printable line; if it is too long, its middle is cut out. Returns `status`. */
BERTC_API bertc_status bertc_error_set(bertc_error *err, bertc_status status, const char *format, va_list args);

/* Receives the library's one-line notices (what was loaded, skipped, ignored). If the function is null, notices are
 * dropped. `line` has no newline and is valid only during the call. */
typedef struct bertc_notify {
    void (*line)(void *user, const char *line);
    void *user;
} bertc_notify;

/* Return the version of the library, "MAJOR.MINOR.PATCH". */
BERTC_API const char *bertc_version(void);

/* Find a "did you mean" suggestion: the candidate with the smallest edit distance to `word`; null if no candidate is
 * near. A candidate that begins with `word` has the distance 1. `next` returns the candidate of an index, or null after
 * the last. */
BERTC_API const char *bertc_nearest(const char *word, const char *(*next)(const void *context, size_t index),
                                    const void *context);

#ifdef __cplusplus
}
#endif
#endif
