/* Streams that are checked: what is handed to one is counted and compared with what is there.
 *
 * 1. A short write goes on, EINTR is tried again, a write of nothing is an error: no call waits for
 *    ever. The reason of the first failure is kept.
 * 2. What goes to a regular file is checked at the end: a system that reports more than it wrote is
 *    found out. Of a pipe or a device nothing can be known. */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <stdio.h>
#include <sys/types.h>

#include "bertc.h"

typedef struct cli_stream {
    FILE *file; /* write here */
    int fd;
    size_t produced;       /* bytes handed in */
    off_t start;           /* where the first belongs in a regular file; -1: not a regular file */
    int code;              /* errno of the first failure, 0: none */
    char buffer[1 << 16];  /* of `file` */
} cli_stream;

/* A stream on `fd`, which stays the caller's; `buffering` as setvbuf takes it. `stream` must not move
 * while it is open. False with errno where memory is out. */
bool cli_stream_open(cli_stream *stream, int fd, int buffering);

/* Hand everything over and compare. `name` stands in the message. Errors: BERTC_IO. */
bertc_status cli_stream_finish(cli_stream *stream, const char *name, bertc_error *err);

/* Whether a write has failed by now: a long job need not go on. */
bertc_status cli_stream_check(const cli_stream *stream, const char *name, bertc_error *err);

/* Release `file`; what has not been written is dropped. */
void cli_stream_drop(cli_stream *stream);

/* Make sure that descriptors 0 to 2 are open, so that no file of ours takes their place, and that
 * standard output is such a stream and standard error one that waits for ever as little. Call before
 * anything else. Errors: BERTC_NOMEM. */
bertc_status cli_stdout_open(bertc_error *err);

/* That of standard output. */
cli_stream *cli_stdout(void);

/* The end of standard output: settle, and close it where something was written. */
bertc_status cli_stdout_close(bertc_error *err);

#endif
