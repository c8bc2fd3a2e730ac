/* Where results go: standard output, devices, files that appear whole.
 *
 * 1. A regular file is written beside its name (temporary.h), checked against what was handed in and
 *    renamed at the end; a device, a pipe or what a descriptor's own name says (/dev/stdout,
 *    /dev/fd/3) is written as it is.
 * 2. Of two files both appear or none. What cannot be taken back comes last: standard output and
 *    devices are flushed once the files have their names.
 * 3. Every write is checked; a failure is BERTC_IO naming the file. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli/temporary.h"
#include "cli/stream.h"

typedef struct cli_file {
    FILE *stream;      /* write here; null: not open */
    const char *path;  /* as given, for messages */
    cli_stream *bytes; /* of `stream` */
    cli_temporary temporary; /* none where it is written directly */
} cli_file;

/* Open `path` for writing; null or "-" means standard output. */
bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err);

/* Open one file or two; `second` may be null. From now on signals wait for the end of what is written.
 * `option` is the name of that of the second, for the message that both name one file (BERTC_USAGE). */
bertc_status cli_files_open(cli_file files[2], const char *first, const char *second, const char *option,
                            bertc_error *err);

/* Give both their names, or neither. Those that are not open do not count. */
bertc_status cli_files_commit(cli_file files[2], bertc_error *err);

/* Release; what was not committed goes. Safe on {0} and after commit. */
void cli_files_close(cli_file files[2], bertc_error *err);

/* A whole small file, `name` in `folder`. */
bertc_status cli_file_write(const char *folder, const char *name, const char *bytes, size_t length, bertc_error *err);

/* "folder/name", owned by the caller (free); null where memory is out. */
char *cli_path_join(const char *folder, const char *name);

#endif
