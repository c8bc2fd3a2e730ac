#include "run/task_list.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

static bertc_status add(const char *name, bool several, const bertc_task **tasks, int *count,
                        bertc_error *err)
{
    const bertc_task *task = bertc_task_find(name);
    if (!task) return bc_fail(err, BERTC_USAGE, "unknown task '%s'", name);
    if (!task->splits[BERTC_TRAIN].file)
        return bc_fail(err, BERTC_USAGE, "task %s has no training data", name);
    if (several && task->trained_as)
        return bc_fail(err, BERTC_USAGE, "--task: %s has the training data of %s", name, task->trained_as);
    for (int i = 0; i < *count; i++)
        if (strcmp(tasks[i]->name, name) == 0) return bc_fail(err, BERTC_USAGE, "--task: %s stands there twice", name);
    tasks[(*count)++] = task;
    return BERTC_OK;
}

bertc_status bc_task_list_read(const char *list, const bertc_task *tasks[BERTC_MAX_TASKS], int *count,
                               bertc_error *err)
{
    bool several = strchr(list, ',') != NULL;
    *count = 0;
    for (bertc_status status;; list++) {
        char name[64];
        size_t length = strcspn(list, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), list);
        if (*count == BERTC_MAX_TASKS)
            return bc_fail(err, BERTC_USAGE, "--task: more than %d tasks", BERTC_MAX_TASKS);
        if ((status = add(name, several, tasks, count, err)) != BERTC_OK) return status;
        list += length;
        if (*list == '\0') return BERTC_OK;
    }
}
