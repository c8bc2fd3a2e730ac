/* Files that are read, whole or by pieces; and the system's calls for a piece at its place, read or written.
 *
 * 1. A file that becomes shorter or changes while it is read is an error, never a signal.
 * 2. EINTR is retried and short reads are continued. */
#ifndef BC_BASE_FILE_H
#define BC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "bertc/status.h"

/* Kinds of file that are read whole: each has a most of bytes, far above any that is of use. */
typedef enum bc_file_kind {
    BC_FILE_SETTINGS,  /* config.json and its like */
    BC_FILE_TOKENIZER, /* tokenizer.json */
    BC_FILE_WORDS,     /* a vocabulary, or a list of a data set's rows */
    BC_FILE_KINDS
} bc_file_kind;

/* The whole file, NUL-terminated one past its length, released by bc_free. Errors: BERTC_INPUT, also where it is
 * longer than its kind may be; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_file_read(const char *path, bc_file_kind kind, char **text, size_t *length, bertc_error *err);

/* Is there a file to be read? Only a name that nothing stands for is absent. Errors: BERTC_INPUT for a link to
 * nothing, or what is no regular file; BERTC_IO where it cannot be told; BERTC_NOMEM. */
bertc_status bc_file_find(const char *path, bool *found, bertc_error *err);
bertc_status bc_file_find_in(const char *folder, const char *name, bool *found, bertc_error *err);

/* Is there a folder? Errors: as those of bc_file_find, but anything else is none. */
bertc_status bc_folder_find(const char *path, bool *found, bertc_error *err);

bool bc_folder_exists(const char *path); /* one that can be seen */

/* A file that is read piece by piece, at any place and by many threads: what is shortened meanwhile, or lies on a
 * disk that fails, is an error. */
typedef struct bc_input {
    const char *path; /* the opener's, which stays */
    int fd;           /* -1: not open */
    size_t size;
    struct timespec changed;
} bc_input;

bertc_status bc_input_open(const char *path, bc_input *input, bertc_error *err);
void bc_input_close(bc_input *input); /* safe after a failed open */

/* bytes offset .. offset + length - 1. Errors: BERTC_IO naming the file. */
bertc_status bc_input_read(const bc_input *input, void *to, size_t length, size_t offset, bertc_error *err);

/* Is the file the one that was opened, as far as size and time of change tell? Errors: BERTC_IO. */
bertc_status bc_input_check(const bc_input *input, bertc_error *err);

/* pread and pwrite of everything: interrupted ones are retried, short ones continued, and one that does nothing
 * is EIO. How many bytes were read: fewer at the end of the file, and -1 with errno for an error. */
ssize_t bc_read_at(int fd, void *to, size_t length, off_t offset);
bool bc_write_at(int fd, const void *bytes, size_t length, off_t offset); /* false with errno */

/* "folder/name" as an owned string (bc_free); null where memory is out. */
char *bc_path_join(const char *folder, const char *name);

#endif
