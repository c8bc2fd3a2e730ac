/* The run folder: its content, its lock, and which files belong to the run.
 *
 * 1. A run holds a lock (flock on checkpoint/lock) from before its first check to its end. The system releases the lock
 *    with the process, however the process ends.
 * 2. checkpoint/journal.jsonl is on disk before any other file of the run. Its first line identifies the run, with a
 *    hash. Each further line is the name of a file that the run is about to write. Files that are not listed there do
 *    not belong to the run: they are neither changed nor removed.
 * 3. A folder that is not empty and has no valid journal is foreign, even if it looks like a run.
 * 4. All files are opened relative to the descriptors of the run folder and of checkpoint/. Links are not followed.
 * 5. A run that ends before it wrote anything removes the folders that were created for it. */
#ifndef BC_RUN_FOLDER_H
#define BC_RUN_FOLDER_H

#include "run/journal.h"

/* Open and lock the folder `path` for a run. With `resume`, sets *finished if the folder holds a finished run: nothing
 * in the folder is changed, and the lock is held only if checkpoints are left to remove. Close the folder also after an
 * error. Errors: BERTC_USAGE if the folder holds something that must not be overwritten; BERTC_LOCKED naming the
 * process that holds it; BERTC_IO. */
bertc_status bc_folder_open(bc_folder *folder, const char *path, bool resume, bool *finished, bertc_error *err);

/* Release the lock. Remove empty folders, and the journal if the run wrote no other file. */
void bc_folder_close(bc_folder *folder);

/* Remove all files of the run in checkpoint/ except the lock, the journal last. */
void bc_folder_clear_work(bc_folder *folder);

/* Remove a file of the run. If that fails, give a warning and return false. */
bool bc_folder_remove(const bc_folder *folder, const bc_dir *dir, const char *name);

/* Whether a name is "PREFIX-N.safetensors", as in checkpoint/. Sets *step to N. */
bool bc_folder_parse_name(const char *name, const char *prefix, long long *step);

/* Check that the disk has space for `bytes` more. Errors: BERTC_IO with both numbers. */
bertc_status bc_folder_check_space(const bc_folder *folder, double bytes, bertc_error *err);

/* Check that the process may write a file of `bytes` (ulimit -f). Errors: BERTC_IO with both numbers. */
bertc_status bc_folder_check_limit(const bc_folder *folder, double bytes, bertc_error *err);

#endif
