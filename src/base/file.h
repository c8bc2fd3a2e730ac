/* Reading files, whole or by pieces, and wrappers of pread and pwrite.
 *
 * 1. A file that shrinks or changes while it is read is an error, never a signal.
 * 2. EINTR is retried and short reads are continued. */
#ifndef BC_BASE_FILE_H
#define BC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "bertc/status.h"

/* Kinds of files that are read whole. Each kind has a maximum size, far above any useful file. */
typedef enum bc_file_kind {
    BC_FILE_SETTINGS,  /* config.json and similar files */
    BC_FILE_TOKENIZER, /* tokenizer.json */
    BC_FILE_WORDS,     /* a vocabulary, or a list of data set rows */
    BC_FILE_KINDS
} bc_file_kind;

/* Read a whole file. *text ends with a NUL after `length` bytes and is released by bc_free. Errors: BERTC_INPUT, also
 * if the file is longer than its kind may be; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_file_read(const char *path, bc_file_kind kind, char **text, size_t *length, bertc_error *err);

/* Find out whether a regular file exists. *found is false only if nothing has that name. Errors: BERTC_INPUT for a
 * dangling link or anything but a regular file; BERTC_IO if stat fails; BERTC_NOMEM. */
bertc_status bc_file_find(const char *path, bool *found, bertc_error *err);
bertc_status bc_file_find_in(const char *folder, const char *name, bool *found, bertc_error *err);

/* Find out whether a folder exists. *found is false if the path is anything but a folder. Errors: BERTC_INPUT for a
 * dangling link; BERTC_IO if stat fails; BERTC_NOMEM. */
bertc_status bc_folder_find(const char *path, bool *found, bertc_error *err);

bool bc_folder_exists(const char *path); /* false also if stat fails */

/* A file that is read piece by piece, at any offset and by several threads at once. */
typedef struct bc_input {
    const char *path; /* owned by the caller, must outlive this */
    int fd;           /* -1: not open */
    size_t size;
    struct timespec changed;
} bc_input;

bertc_status bc_input_open(const char *path, bc_input *input, bertc_error *err);
void bc_input_close(bc_input *input); /* safe after a failed open */

/* Read bytes offset .. offset + length - 1. Errors: BERTC_IO naming the file, also if it has shrunk. */
bertc_status bc_input_read(const bc_input *input, void *to, size_t length, size_t offset, bertc_error *err);

/* Check that size and modification time are those of the opened file. Errors: BERTC_IO. */
bertc_status bc_input_check(const bc_input *input, bertc_error *err);

/* Call pread or pwrite until all bytes are transferred; EINTR is retried. bc_read_at returns the number of bytes, which
 * is less than `length` at the end of the file, or -1 with errno. bc_write_at returns false with errno; a call that
 * writes nothing is EIO. */
ssize_t bc_read_at(int fd, void *to, size_t length, off_t offset);
bool bc_write_at(int fd, const void *bytes, size_t length, off_t offset);

/* Return "folder/name", released by bc_free; null if memory runs out. */
char *bc_path_join(const char *folder, const char *name);

#endif
