/* New folders that are never half-written. */
#ifndef CLI_FOLDER_H
#define CLI_FOLDER_H

#include "bertc.h"

/* Callback of cli_folder_fill: write files into `folder`, which exists and is empty. */
typedef bertc_status cli_fill(const void *values, const char *folder, bertc_error *err);

/* Make the folder `path`, or replace an empty folder, with what `fill` writes. After a failure or a signal nothing is
 * left; a signal takes effect when `fill` returns. `fill` writes into a temporary folder, which is then renamed.
 * Missing folders above `path` are made.
 * Errors: BERTC_USAGE if `path` is a folder that is not empty, a mount point or the working folder; BERTC_IO,
 * BERTC_NOMEM; the errors of `fill`. */
bertc_status cli_folder_fill(const char *path, cli_fill *fill, const void *values, bertc_error *err);

#endif
