/* Checked output streams, which count the written bytes and compare the count with the size of the file.
 *
 * 1. Short writes are continued, EINTR is retried, and a write of nothing is an error, so no call loops forever. The
 *    reason of the first failure is kept.
 * 2. A regular file's size is checked at the end: this detects a system that reports more than it wrote. A pipe or a
 *    device cannot be checked. */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <stdio.h>
#include <sys/types.h>

#include "bertc.h"

typedef struct cli_stream {
    FILE *file; /* write here */
    int fd;
    size_t produced;      /* number of bytes written to `file` */
    off_t start;          /* offset of the first byte in a regular file; -1: not a regular file */
    int code;             /* errno of the first failure; 0: no failure */
    char buffer[1 << 16]; /* buffer of `file` */
} cli_stream;

/* Open a stream on `fd`, which the caller still owns. `buffering` is setvbuf's mode. `stream` must not move in memory
 * while it is open. False with errno if memory runs out. */
bool cli_stream_open(cli_stream *stream, int fd, int buffering);

/* Write all buffered bytes and check the file's size. `name` is for the message. Errors: BERTC_IO. */
bertc_status cli_stream_finish(cli_stream *stream, const char *name, bertc_error *err);

/* Report the first failed write so far, so that a long job can stop early. Errors: BERTC_IO. */
bertc_status cli_stream_check(const cli_stream *stream, const char *name, bertc_error *err);

/* Release `file` and drop buffered bytes. */
void cli_stream_drop(cli_stream *stream);

/* Set up the standard streams; call this before anything else. Descriptors 0 to 2 are opened if they are closed, so
 * that no other file gets their numbers. Standard output becomes a checked stream. Writes to standard error cannot loop
 * forever either. Errors: BERTC_NOMEM. */
bertc_status cli_stdout_open(bertc_error *err);

/* Return the stream of standard output. */
cli_stream *cli_stdout(void);

/* Finish standard output, and close it if anything was written. Errors: BERTC_IO. */
bertc_status cli_stdout_close(bertc_error *err);

#endif
