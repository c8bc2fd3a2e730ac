/* Find the table of a split in a folder by its name. */
#ifndef BC_TASKS_TABLE_FILES_H
#define BC_TASKS_TABLE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/status.h"

/* Look in `folder` for a file named STEM with an ending of tables (.csv, .tsv, .jsonl, .json, each maybe followed by
 * .gz) or, if `refused`, with an ending of files that are not read (.parquet, .arrow, .xlsx, .zip, .txt), of which only
 * the first is found. *path is null if there is none; bc_free releases it. Errors: BERTC_INPUT if there are two;
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_table_file_find(const char *folder, const char *const *stems, size_t count, bool refused, char **path,
                                bertc_error *err);

#endif
