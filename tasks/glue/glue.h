/* The files of the tasks of the table. */
#ifndef BC_TASKS_GLUE_GLUE_H
#define BC_TASKS_GLUE_GLUE_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/task.h"

/* Find the file of a split, which the task has. *missing: the error is that there is no such file. Errors: as
 * bertc_task_path. */
bertc_status bc_glue_path(const bertc_task *task, const char *data, bertc_split split, char **path, bool *missing,
                          bertc_error *err);

/* Read a split, which the task has; if `texts`, without its labels. Errors: as bertc_dataset_read and
 * bertc_dataset_read_texts. */
bertc_status bc_glue_read(const bertc_task *task, const char *data, bertc_split split, bool texts, size_t limit,
                          bertc_dataset **dataset, bertc_error *err);

#endif
