/* An open folder. Names are looked up below its descriptor, so moving the folder does not matter.
 *
 * 1. A looked-up name means the entry itself: links are never followed.
 * 2. Only folders and regular files are opened; a pipe or a device is an error, without waiting for it.
 * 3. bc_dir_place never replaces a file. */
#ifndef BC_BASE_DIR_H
#define BC_BASE_DIR_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

typedef struct bc_dir {
    int fd;           /* -1: not open */
    const char *path; /* the path for messages; owned by the caller */
} bc_dir;

/* The working folder. With it, the argument `name` of the functions below may be a whole path. */
extern const bc_dir bc_working_dir;

/* Open the folder `path`; `path` may be a link to a folder. With `create`, first make the folder and all missing
 * folders above it. Errors: BERTC_IO. */
bertc_status bc_dir_open(bc_dir *dir, const char *path, bool create, bertc_error *err);

/* Open the folder `name` of the folder `in`. With `create`, make it if it is absent. Errors: BERTC_IO, also if `name`
 * is a link or a file. */
bertc_status bc_dir_enter(bc_dir *dir, const bc_dir *in, const char *name, bool create, bertc_error *err);

void bc_dir_close(bc_dir *dir); /* may be called twice */

/* Find out what kind of entry `name` is; an absent name is no error. Errors: BERTC_IO. */
typedef enum bc_entry { BC_ENTRY_NONE, BC_ENTRY_FILE, BC_ENTRY_FOLDER, BC_ENTRY_OTHER } bc_entry;
bertc_status bc_dir_entry(const bc_dir *dir, const char *name, bc_entry *kind, bertc_error *err);

/* Open a regular file. `flags` are open's; O_NOFOLLOW is added. Errors: BERTC_IO. */
bertc_status bc_dir_file(const bc_dir *dir, const char *name, int flags, int *fd, bertc_error *err);

/* Read the first bytes of a regular file, at most `max`. Errors: BERTC_IO. */
bertc_status bc_dir_peek(const bc_dir *dir, const char *name, char *bytes, size_t max, size_t *count, bertc_error *err);

/* Hard-link the file `name` into another folder of the same file system. A file system without hard links moves the
 * file instead. Errors: BERTC_IO, also if `to` already has that name. */
bertc_status bc_dir_place(const bc_dir *from, const bc_dir *to, const char *name, bertc_error *err);

/* Remove a file, or an empty folder. An absent name is no error. Errors: BERTC_IO. */
bertc_status bc_dir_remove(const bc_dir *dir, const char *name, bertc_error *err);
bertc_status bc_dir_remove_folder(const bc_dir *dir, const char *name, bertc_error *err);

/* List the names in a folder, in no particular order, without "." and "..". bc_dir_names_next returns one name per
 * call, and null after the last name or after an error; bc_dir_names_end returns that error. Errors: BERTC_IO. */
typedef struct bc_dir_names {
    DIR *stream;
    int code; /* errno of the first failure */
} bc_dir_names;
void bc_dir_names_begin(bc_dir_names *names, const bc_dir *dir);
const char *bc_dir_names_next(bc_dir_names *names);
bertc_status bc_dir_names_end(bc_dir_names *names, const bc_dir *dir, bertc_error *err);

/* Flush the folder (fsync), so that its names survive a power cut. */
bertc_status bc_dir_sync(const bc_dir *dir, bertc_error *err);

/* Flush the folder that holds `name`. A folder that may be written but not read cannot be flushed; it is skipped. */
bertc_status bc_dir_sync_parent(const bc_dir *dir, const char *name, bertc_error *err);

/* Make a folder and all missing folders above it (mkdir -p). Each new folder's parent is flushed. */
bertc_status bc_folder_create(const char *path, bertc_error *err);

/* Record "DIR/NAME: WHAT: strerror(errno)" as BERTC_IO or BERTC_NOMEM. errno does not change. */
bertc_status bc_dir_fail(const bc_dir *dir, const char *name, const char *what, bertc_error *err);

#endif
