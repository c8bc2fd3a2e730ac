/* The run folder: what it holds, and who may write in it.
 *
 * 1. A run holds a lock (flock on checkpoint/lock) from before its first check to its end; the
 *    system drops it with the process, however that ends.
 * 2. Opening leaves no trace where the run ends before it wrote anything: folders that were made
 *    for it are removed again. */
#ifndef BC_TRAIN_FOLDER_H
#define BC_TRAIN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

typedef struct bc_folder {
    char *path;   /* the run folder, without a slash at the end */
    char *work;   /* path/checkpoint */
    char *lock;   /* path/checkpoint/lock */
    size_t found; /* length of the part of `path` that existed before */
    int fd;       /* of the lock; -1: not held */
} bc_folder;

/* Take the folder `path` for a run. Where `resume` is set and the folder holds a finished run,
 * *finished is set and nothing is changed; the lock is held where there are checkpoints that a
 * killed run did not come to remove.
 * Errors: BERTC_USAGE where it holds something that must not be overwritten; BERTC_LOCKED naming
 * the process that holds it; BERTC_IO. Close in any case. */
bertc_status bc_folder_open(bc_folder *folder, const char *path, bool resume, bool *finished,
                            bertc_error *err);

/* Release the lock and remove what is empty. */
void bc_folder_close(bc_folder *folder);

/* Remove everything in checkpoint/ that a run writes there, except the lock. */
void bc_folder_clear_work(const bc_folder *folder);

/* Is this the name of a file in checkpoint/: "PREFIX-N.safetensors"? *step receives N. */
bool bc_folder_parse_name(const char *name, const char *prefix, long long *step);

/* Does the disk have room for `bytes` more? Errors: BERTC_IO naming both numbers. */
bertc_status bc_folder_check_space(const bc_folder *folder, double bytes, bertc_error *err);

/* May the process write a file of `bytes` (ulimit -f)? Errors: BERTC_IO naming both numbers. */
bertc_status bc_folder_check_limit(const bc_folder *folder, double bytes, bertc_error *err);

#endif
