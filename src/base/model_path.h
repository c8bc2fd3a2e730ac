/* What a path is that was given as a model's folder and is none: the one place that says so, for every reader of a
 * model's files. */
#ifndef BC_BASE_MODEL_PATH_H
#define BC_BASE_MODEL_PATH_H

#include <stddef.h>

#include "bertc/status.h"

/* Is `path` a folder that holds one of the files `names` (count)? What is in that is for its reader to say. Errors:
 * those of bc_folder_find and bc_file_find, for links to nothing and what cannot be told; BERTC_INPUT: no such folder,
 * and what to do where it looks like a name on the Hugging Face hub; a file; a folder above that of a model, which is
 * named; a model in a format that is not read; none of these. BERTC_NOMEM. */
bertc_status bc_model_path_check(const char *path, const char *const *names, size_t count, bertc_error *err);

/* The same; *which: the first of the names that is there. */
bertc_status bc_model_path_find(const char *path, const char *const *names, size_t count, size_t *which,
                                 bertc_error *err);

#endif
