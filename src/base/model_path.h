/* Checks that a path is a model folder, and explains what it is if it is not. Every reader of model files uses this. */
#ifndef BC_BASE_MODEL_PATH_H
#define BC_BASE_MODEL_PATH_H

#include <stddef.h>

#include "bertc/status.h"

/* Check that `path` is a folder that has at least one of the files `names` (count). The files' contents are not read.
 *
 * Errors: BERTC_INPUT with a message that explains the path:
 *   - no such folder, and what to do if the path looks like a model on the Hugging Face hub;
 *   - a file instead of a folder;
 *   - a folder above a model folder, whose path is given;
 *   - a model in a format that bertc does not read;
 *   - a folder without any of the files.
 * The errors of bc_folder_find and bc_file_find; BERTC_NOMEM. */
bertc_status bc_model_path_check(const char *path, const char *const *names, size_t count, bertc_error *err);

/* Check the path and set *which to the index of the first of `names` that exists. Errors: the errors of
 * bc_model_path_check. */
bertc_status bc_model_path_find(const char *path, const char *const *names, size_t count, size_t *which,
                                bertc_error *err);

#endif
