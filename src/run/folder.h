/* The run folder: what it holds, who may write in it, and which of its files are the run's.
 *
 * 1. A run holds a lock (flock on checkpoint/lock) from before its first check to its end; the
 *    system drops it with the process, however that ends.
 * 2. checkpoint/journal.jsonl is the mark of a run of ours. It is on the disk before any other file: its first
 *    line says which run it is, with a hash; every further line is a name that the run is about to write
 *    under. What has no line there is not the run's, and is neither changed nor removed.
 * 3. A folder that holds anything and bears no whole mark is foreign, also where it looks like a run.
 * 4. All is opened below the descriptors of the folder and of its checkpoint/, and no link is followed there.
 * 5. Opening leaves no trace where the run ends before it wrote anything: folders that were made
 *    for it are removed again. */
#ifndef BC_RUN_FOLDER_H
#define BC_RUN_FOLDER_H

#include "run/journal.h"

/* Take the folder `path` for a run. Where `resume` is set and the folder holds a finished run,
 * *finished is set and nothing is changed; the lock is held where there are checkpoints that a
 * killed run did not come to remove.
 * Errors: BERTC_USAGE where it holds something that must not be overwritten; BERTC_LOCKED naming
 * the process that holds it; BERTC_IO. Close in any case. */
bertc_status bc_folder_open(bc_folder *folder, const char *path, bool resume, bool *finished, bertc_error *err);

/* Release the lock and remove what is empty; the mark too where it stands for nothing. */
void bc_folder_close(bc_folder *folder);

/* Remove everything in checkpoint/ that is the run's, except the lock; the mark last. */
void bc_folder_clear_work(bc_folder *folder);

/* Remove a file that is the run's; where that fails a warning is given. */
bool bc_folder_remove(const bc_folder *folder, const bc_dir *dir, const char *name);

/* Is this the name of a file in checkpoint/: "PREFIX-N.safetensors"? *step receives N. */
bool bc_folder_parse_name(const char *name, const char *prefix, long long *step);

/* Does the disk have room for `bytes` more? Errors: BERTC_IO naming both numbers. */
bertc_status bc_folder_check_space(const bc_folder *folder, double bytes, bertc_error *err);

/* May the process write a file of `bytes` (ulimit -f)? Errors: BERTC_IO naming both numbers. */
bertc_status bc_folder_check_limit(const bc_folder *folder, double bytes, bertc_error *err);

#endif
