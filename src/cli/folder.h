/* Folders that appear whole. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include "bertc.h"

/* Write into `folder`, which is there and empty. */
typedef bertc_status cli_fill(const void *values, const char *folder, bertc_error *err);

/* Make a new folder, or replace an empty one, by what `fill` writes: all of it, or where that fails or a
 * signal came meanwhile nothing. It is filled beside its name and renamed, so one that is there is whole;
 * folders above it are made. The signal waits for the end of the writing.
 * Errors: BERTC_USAGE where there is a folder that holds something, is a mount point or the working
 * folder; BERTC_IO, BERTC_NOMEM; what `fill` gives. */
bertc_status cli_folder_fill(const char *path, cli_fill *fill, const void *values, bertc_error *err);

#endif
