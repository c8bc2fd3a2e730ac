/* Where results go: standard output, files that appear whole, folders.
 *
 * 1. A regular file is written beside its name and renamed at the end; a device or a pipe is
 *    written as it is.
 * 2. Nothing but the file that was named is touched: the name beside it is taken by nobody else.
 * 3. Every write is checked; a failure is BERTC_IO naming the file. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "bertc.h"

/* Make sure that descriptors 0 to 2 are open, so that no file of ours takes their place, and give
 * standard output a large buffer. Call before anything else. */
void cli_stdout_open(void);

/* Flush standard output and report the first failure of any write to it. */
bertc_status cli_stdout_close(bertc_error *err);

typedef struct cli_file {
    FILE *stream;     /* write here */
    const char *path; /* as given; null for standard output */
    char *real;       /* the path without symbolic links: what is written, not the link to it */
    char *temporary;  /* what is renamed to it; null where it is written directly */
} cli_file;

/* Open `path` for writing; null or "-" means standard output. */
bertc_status cli_file_open(cli_file *file, const char *path, bertc_error *err);
bertc_status cli_file_commit(cli_file *file, bertc_error *err);

/* What can fail of a commit but the rename: call it for each of several files first, so that all
 * appear or none. */
bertc_status cli_file_settle(cli_file *file, bertc_error *err);
void cli_file_abandon(cli_file *file); /* safe on {0} and after commit */

/* Whether two open files are one. */
bool cli_file_same(const cli_file *a, const cli_file *b);

/* Fill a new or empty folder by `fill`: all of it, or where that fails or a signal came meanwhile nothing.
 * The signal waits for the end of the writing. */
typedef bertc_status cli_fill(const void *values, bertc_error *err);
bertc_status cli_folder_fill(const char *path, cli_fill *fill, const void *values, bertc_error *err);

/* mkdir -p; an existing folder is fine. *created tells whether the last part is new. */
bertc_status cli_folder_create(const char *path, bool *created, bertc_error *err);

/* "folder/name", owned by the caller (free); null where memory is out. */
char *cli_path_join(const char *folder, const char *name);

#endif
