#include "run/task_list.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "run/options.h"

const char *bc_task_data(const bertc_train_options *options, const bertc_task *task)
{
    return bertc_task_has_files(task) ? NULL : options->data;
}

/* Open the task of a name in the list. */
static bertc_status open_task(const bertc_train_options *o, const char *name, const bertc_notify *notify,
                              const bertc_task **task, bertc_error *err)
{
    bool custom = strcmp(name, BERTC_CUSTOM_TASK) == 0;
    bertc_error why = {0};
    if (custom && !o->data && !o->own.train)
        return bc_fail(err, BERTC_USAGE, "--task " BERTC_CUSTOM_TASK " needs --train or --data");
    bertc_status status = bertc_task_open(name, o->data, custom ? &o->own : NULL, true, notify, task, &why);
    if (status == BERTC_OK) return status;
    bool described = custom && strncmp(why.message, BERTC_CUSTOM_TASK ":", sizeof BERTC_CUSTOM_TASK) == 0;
    return bc_fail(err, status, "%s%s", described ? "--task " : "", why.message);
}

/* Check a task, and that the list does not have it yet. */
static bertc_status check_task(const bc_task_list *list, const bertc_task *task, bool several, bertc_error *err)
{
    if (!task->splits[BERTC_TRAIN].file) return bc_fail(err, BERTC_USAGE, "task %s has no training data", task->name);
    if (several && task->trained_as)
        return bc_fail(err, BERTC_USAGE, "--task: %s is trained on the data of %s; list only one of them", task->name,
                       task->trained_as);
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->tasks[i]->name, task->name) == 0)
            return bc_fail(err, BERTC_USAGE, "--task: %s is listed twice", task->name);
    return BERTC_OK;
}

/* Whether the list has a name. */
static bool has_name(const char *list, const char *name)
{
    for (const char *p = list; *p; p += *p == ',') {
        size_t length = strcspn(p, ",");
        if (length == strlen(name) && memcmp(p, name, length) == 0) return true;
        p += length;
    }
    return false;
}

/* Check that --data is used, and given if it is needed. */
static bertc_status check_data(const bertc_train_options *o, const bc_task_list *list, bool no_data, bertc_error *err)
{
    bool used = false;
    for (int i = 0; i < list->count; i++) {
        const bertc_task *task = list->tasks[i];
        used = used || !bertc_task_states_files(task);
        if (!o->data && !no_data && !bertc_task_has_files(task)) return bc_fail(err, BERTC_USAGE, "--data is missing");
    }
    if (o->data && !used)
        return bc_fail(err, BERTC_USAGE, "--data has no effect: task %s has its own files", list->tasks[0]->name);
    return BERTC_OK;
}

bertc_status bc_task_list_open(const bertc_train_options *o, bool no_data, const bertc_notify *notify,
                               bc_task_list *list, bertc_error *err)
{
    bool several = strchr(o->task, ',') != NULL;
    const char *given = bc_options_of_own_task(o);
    bertc_status status = BERTC_OK;
    *list = (bc_task_list){.count = 0};
    if (given && !has_name(o->task, BERTC_CUSTOM_TASK))
        return bc_fail(err, BERTC_USAGE, "--%s has no effect without --task " BERTC_CUSTOM_TASK, given);
    for (const char *p = o->task, *next = p; next && status == BERTC_OK; p = next) {
        size_t length = strcspn(p, ",");
        next = p[length] == ',' ? p + length + 1 : NULL;
        if (list->count == BERTC_MAX_TASKS)
            return bc_fail(err, BERTC_USAGE, "--task: more than %d tasks", BERTC_MAX_TASKS);
        char *name = bc_strndup(p, length);
        const bertc_task *task = NULL;
        status = name ? open_task(o, name, notify, &task, err) : bc_fail_memory(err);
        if (status == BERTC_OK) status = check_task(list, task, several, err);
        if (status == BERTC_OK) list->tasks[list->count++] = task;
        else bertc_task_close(task);
        bc_free(name);
    }
    return status == BERTC_OK ? check_data(o, list, no_data, err) : status;
}
