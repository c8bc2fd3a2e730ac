/* The tasks of a run: --task, and the options that describe a user's own task. */
#ifndef BC_RUN_TASK_LIST_H
#define BC_RUN_TASK_LIST_H

#include "bertc/train.h"

/* The tasks of a run. Each is closed by bertc_task_close. */
typedef struct bc_task_list {
    const bertc_task *tasks[BERTC_MAX_TASKS];
    int count;
} bc_task_list;

/* Open the tasks of --task for training. The caller closes those in the list, also after an error. `no_data`: the run
 * needs no data of a table's task.
 * Errors: BERTC_USAGE naming a task that is unknown, has no training data or is listed twice, and an option that has no
 * effect; in a list of several tasks, also a task that is trained on the data of another task. Those of
 * bertc_task_open. */
bertc_status bc_task_list_open(const bertc_train_options *options, bool no_data, const bertc_notify *notify,
                               bc_task_list *list, bertc_error *err);

/* Return the folder to read a task from: --data, or null if the task has its own files. */
const char *bc_task_data(const bertc_train_options *options, const bertc_task *task);

#endif
