/* An open folder: names in it are found below its descriptor, whatever becomes of its path.
 *
 * 1. A name that is looked up here is the entry itself: a link by that name is never followed.
 * 2. What is opened is a folder or a regular file; a pipe or a device is refused and not waited for.
 * 3. What is placed here replaces nothing. */
#ifndef BC_BASE_DIR_H
#define BC_BASE_DIR_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

typedef struct bc_dir {
    int fd;           /* -1: not open */
    const char *path; /* for messages; the owner's */
} bc_dir;

/* The working folder; names below it are paths. */
extern const bc_dir bc_working_dir;

/* Open the folder `path`, which may be a link to one, or be created with all above it. Errors: BERTC_IO. */
bertc_status bc_dir_open(bc_dir *dir, const char *path, bool create, bertc_error *err);

/* Open the folder `name` of another, where it may be created. Errors: BERTC_IO, also for a link or a file of
 * that name. */
bertc_status bc_dir_enter(bc_dir *dir, const bc_dir *in, const char *name, bool create, bertc_error *err);

void bc_dir_close(bc_dir *dir); /* safe on one that is not open */

/* What there is of that name. Errors, but for ENOENT: BERTC_IO. */
typedef enum bc_entry { BC_ENTRY_NONE, BC_ENTRY_FILE, BC_ENTRY_FOLDER, BC_ENTRY_OTHER } bc_entry;
bertc_status bc_dir_entry(const bc_dir *dir, const char *name, bc_entry *kind, bertc_error *err);

/* Open a regular file with open's flags, O_NOFOLLOW among them. Errors: BERTC_IO. */
bertc_status bc_dir_file(const bc_dir *dir, const char *name, int flags, int *fd, bertc_error *err);

/* The first bytes of a regular file, `most` at most. Errors: BERTC_IO. */
bertc_status bc_dir_peek(const bc_dir *dir, const char *name, char *bytes, size_t max, size_t *count, bertc_error *err);

/* Give a file its name in another folder of the file system too; where there are no such links it is moved.
 * Errors: BERTC_IO, also where there is something of that name, which stays. */
bertc_status bc_dir_place(const bc_dir *from, const bc_dir *to, const char *name, bertc_error *err);

/* Remove a file, or an empty folder. Errors: BERTC_IO; a name that is not there is none. */
bertc_status bc_dir_remove(const bc_dir *dir, const char *name, bertc_error *err);
bertc_status bc_dir_remove_folder(const bc_dir *dir, const char *name, bertc_error *err);

/* Its names, in no order, "." and ".." aside: next gives one after another and null at the end or after an
 * error, which end gives. */
typedef struct bc_dir_names {
    DIR *stream;
    int code; /* errno of the first failure */
} bc_dir_names;
void bc_dir_names_begin(bc_dir_names *names, const bc_dir *dir);
const char *bc_dir_names_next(bc_dir_names *names);
bertc_status bc_dir_names_end(bc_dir_names *names, const bc_dir *dir, bertc_error *err);

/* fsync, so that names in it survive a power loss. */
bertc_status bc_dir_sync(const bc_dir *dir, bertc_error *err);

/* The same of the folder that dir/name lies in. One that may be written in but not read cannot be flushed. */
bertc_status bc_dir_sync_parent(const bc_dir *dir, const char *name, bertc_error *err);

/* mkdir -p; an existing folder is fine. Each that is made is flushed into the one above it. */
bertc_status bc_folder_create(const char *path, bertc_error *err);

/* "DIR/NAME: WHAT: errno's reason", BERTC_IO or BERTC_NOMEM; errno stays. */
bertc_status bc_dir_fail(const bc_dir *dir, const char *name, const char *what, bertc_error *err);

#endif
