/* The tasks of a run (--task). */
#ifndef BC_RUN_TASK_LIST_H
#define BC_RUN_TASK_LIST_H

#include "bertc/train.h"

/* Read "a,b,c" into tasks. Errors: BERTC_USAGE naming a task that is unknown, has no training data, of
 * several none of its own, or stands there twice. */
bertc_status bc_task_list_read(const char *list, const bertc_task *tasks[BERTC_MAX_TASKS], int *count,
                               bertc_error *err);

#endif
