/* Outputs of a command: standard output, devices, and files that are never half-written.
 *
 * 1. A regular file is written as a temporary file (temporary.h), and at the end its size is compared with the number
 *    of written bytes, and it is renamed. A device, a pipe or the path of a descriptor (/dev/stdout, /dev/fd/3) is
 *    written directly.
 * 2. Of two files either both are committed or neither. What cannot be undone comes last: standard output and devices
 *    are flushed after the files have their names.
 * 3. Every write is checked; a failure is BERTC_IO naming the file. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/temporary.h"
#include "cli/stream.h"

typedef struct cli_file {
    FILE *stream;            /* write here; null: not open */
    const char *path;        /* the given path, for messages */
    cli_stream *bytes;       /* the checked stream that `stream` writes to */
    cli_temporary temporary; /* unused if the output is written directly */
} cli_file;

/* Open `path` for writing; null or "-" means standard output. */
bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err);

/* Open one file or two; `second` may be null. From now on signals wait until the files are written. `option` is the
 * name of the second file's option, for the message that both are the same file (BERTC_USAGE). */
bertc_status cli_files_open(cli_file files[2], const char *first, const char *second, const char *option,
                            bertc_error *err);

/* Give both files their names, or neither. Files that are not open are ignored. */
bertc_status cli_files_commit(cli_file files[2], bertc_error *err);

/* Release both files; what was not committed is removed. Safe on {0} and after commit. */
void cli_files_close(cli_file files[2], bertc_error *err);

/* Write a small file, `name` in `folder`. */
bertc_status cli_file_write(const char *folder, const char *name, const char *bytes, size_t length, bertc_error *err);

/* Return "folder/name", owned by the caller (free); null if memory runs out. */
char *cli_path_join(const char *folder, const char *name);

#endif
