/* A file or a folder under way: made beside the name that it gets once it is whole.
 *
 * 1. It is called `.NAME.bertc-PID-N`, is made under a name that nothing had, and its owner holds a
 *    lock (flock) on it. What bears such a name without a lock was left by a process that was killed;
 *    the next that makes one for the same NAME removes it. Nothing else is ever removed. On a file
 *    system without locks leftovers stay.
 * 2. Placing it is one rename. The file that had the name keeps another, the same with `.old`, until
 *    all is done: undoing brings it back. (A file system without hard links cannot; then the new one
 *    stays and the message says so.) A kill between may leave that name; the next that succeeds for
 *    NAME removes it.
 * 3. Links in the place of NAME are resolved first; none is followed after that.
 * 4. Removing allocates nothing: it works when memory is out. */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include "bertc.h"

typedef struct cli_temporary {
    const char *path; /* as given; the caller's */
    char *target;       /* the name it gets, symbolic links resolved; null: there is none under way */
    char *temporary_path;  /* its path until then */
    char *old;        /* name of the file that was replaced */
    int folder;       /* the folder of all of them, open */
    int fd;           /* what is under way, open (a file for writing) and locked */
    bool is_folder;
    bool placed;
    bool is_new;       /* nothing had the name */
    bool has_old;      /* a file had it and keeps `old` */
    unsigned old_mode; /* of the empty folder that had it */
} cli_temporary;

/* Make it, for `path`, empty. `path` must live as long. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status cli_temporary_create(cli_temporary *temporary, const char *path, bool is_folder, bertc_error *err);

/* Flush all to the device, give each its name, flush the folders that hold them. A folder may replace an
 * empty one, whose mode and owner it takes. Where it fails nothing has changed.
 * Errors: BERTC_IO; BERTC_USAGE where the folder that is there is not empty. */
bertc_status cli_temporary_commit(cli_temporary *const all[], size_t count, bertc_error *err);

/* Take back what was placed. */
void cli_temporary_undo(cli_temporary *const all[], size_t count, bertc_error *err);

/* Release it: what was not placed is removed. What cannot be removed is said behind the error. Safe on
 * {0} and a second time. */
void cli_temporary_release(cli_temporary *temporary, bertc_error *err);

/* Whether both get one name. */
bool cli_temporary_same(const cli_temporary *a, const cli_temporary *b);

/* Whether the open folder holds nothing. False with errno: ENOTEMPTY, or why it cannot be read. */
bool cli_folder_is_empty(int folder);

/* The error of a folder that is not empty. */
bertc_status cli_folder_taken(const char *path, bertc_error *err);

#endif
