/* Temporary files and folders, which are renamed to their final name when they are complete.
 *
 * 1. A temporary for NAME is called `.NAME.bertc-PID-N` and lies in the same folder. Its owner holds a lock (flock) on
 *    it. A temporary without a lock was left by a killed process; the next process that creates one for NAME removes
 *    it. Nothing else is ever removed. A file system without locks keeps leftovers.
 * 2. Committing is one rename for each file. A replaced file keeps a second name with the suffix `.old` until all
 *    renames are done, so that undoing can restore it. Without hard links it cannot be restored: then the new file
 *    stays, and the message reports it. If the process is killed in between, the next commit for NAME removes `.old`.
 * 3. If NAME is a link, it is resolved first; no link is followed after that.
 * 4. Removing allocates no memory, so it works when memory has run out. */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include "bertc.h"

typedef struct cli_temporary {
    const char *path;     /* the given path; owned by the caller */
    char *target;         /* the final path, links resolved; null: nothing was created */
    char *temporary_path; /* the path until commit */
    char *old;            /* second name of the replaced file */
    int folder;           /* descriptor of the folder that contains all of them */
    int fd;               /* descriptor of the temporary, locked; a file is open for writing */
    bool is_folder;
    bool placed;       /* it has its final name */
    bool is_new;       /* the final name was free before */
    bool has_old;      /* a file was replaced and still has the name `old` */
    unsigned old_mode; /* mode of the replaced empty folder */
} cli_temporary;

/* Create an empty temporary file or folder for `path`, which must outlive it. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status cli_temporary_create(cli_temporary *temporary, const char *path, bool is_folder, bertc_error *err);

/* Flush all temporaries, rename them to their final names, and flush their folders. A folder may replace an empty
 * folder, whose mode and owner it takes over. After a failure nothing has changed.
 * Errors: BERTC_IO; BERTC_USAGE if the folder to replace is not empty. */
bertc_status cli_temporary_commit(cli_temporary *const all[], size_t count, bertc_error *err);

/* Undo the renames of a commit. */
void cli_temporary_undo(cli_temporary *const all[], size_t count, bertc_error *err);

/* Release a temporary and remove it unless it was committed. A failed removal is appended to the message of `err`. Safe
 * on {0} and a second time. */
void cli_temporary_release(cli_temporary *temporary, bertc_error *err);

/* Whether both have the same final name. */
bool cli_temporary_same(const cli_temporary *a, const cli_temporary *b);

/* Whether the open folder is empty. False with errno: ENOTEMPTY, or why it cannot be read. */
bool cli_folder_is_empty(int folder);

/* Record the error of a folder that is not empty. */
bertc_status cli_folder_taken(const char *path, bertc_error *err);

#endif
