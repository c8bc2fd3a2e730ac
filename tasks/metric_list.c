/* Lists of metrics to report. */
#include <string.h>

#include "base/error.h"
#include "tasks/tasks.h"

_Static_assert(BERTC_METRICS <= 32, "a set of metrics is a uint32_t");

bertc_metric_list bc_own_metrics(const bertc_task *task)
{
    bertc_metric_list list = {.count = task->num_metrics};
    for (int i = 0; i < task->num_metrics; i++) list.metrics[i] = task->metrics[i];
    return list;
}

bertc_status bc_fail_metric(const bertc_task *task, const char *name, size_t length, bertc_error *err)
{
    bc_text names = {0};
    for (int m = 0; m < BERTC_METRICS; m++)
        if (bertc_metric_fits((bertc_metric)m, task))
            bc_text_printf(&names, "%s%s", names.length ? ", " : "", bertc_metric_name((bertc_metric)m));
    bertc_status status = names.failed ? bc_fail_memory(err)
                                       : bc_fail(err, BERTC_USAGE, "task %s has no metric %.*s, its metrics are %s",
                                                 task->name, (int)(length < 63 ? length : 63), name, names.bytes);
    bc_text_clear(&names);
    return status;
}

static bool is_name(const char *name, size_t length, const char *other)
{
    return strlen(other) == length && memcmp(name, other, length) == 0;
}

/* The metric of this name; BERTC_METRICS if there is none. */
static bertc_metric find_metric(const char *name, size_t length)
{
    int m = 0;
    while (m < BERTC_METRICS && !is_name(name, length, bertc_metric_name((bertc_metric)m))) m++;
    return (bertc_metric)m;
}

/* Add a metric unless the list has it. Errors: BERTC_USAGE if it does not fit. */
static bertc_status add(bertc_metric_list *list, const bertc_task *task, bertc_metric metric, bertc_error *err)
{
    const char *name = bertc_metric_name(metric);
    if (!bertc_metric_fits(metric, task)) return bc_fail_metric(task, name, strlen(name), err);
    for (int i = 0; i < list->count; i++)
        if (list->metrics[i] == metric) return BERTC_OK;
    list->metrics[list->count++] = metric;
    return BERTC_OK;
}

/* Add what one name stands for. Bit m of *named: metric m was listed by its name. */
static bertc_status add_name(bertc_metric_list *list, const bertc_task *task, const char *name, size_t length,
                             uint32_t *named, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    if (length == 0) return bc_fail(err, BERTC_USAGE, "the name of a metric is empty");
    if (is_name(name, length, "own")) {
        for (int i = 0; i < task->num_metrics && status == BERTC_OK; i++)
            status = add(list, task, task->metrics[i], err);
        return status;
    }
    if (is_name(name, length, "all")) {
        for (int m = 0; m < BERTC_METRICS && status == BERTC_OK; m++)
            if (bertc_metric_fits((bertc_metric)m, task)) status = add(list, task, (bertc_metric)m, err);
        return status;
    }
    bertc_metric metric = find_metric(name, length);
    if (metric == BERTC_METRICS) return bc_fail_metric(task, name, length, err);
    if (*named >> metric & 1) return bc_fail(err, BERTC_USAGE, "%s is listed twice", bertc_metric_name(metric));
    *named |= (uint32_t)1 << metric;
    return add(list, task, metric, err);
}

bertc_status bertc_metric_list_parse(const char *names, const bertc_task *task, bertc_metric_list *list,
                                     bertc_error *err)
{
    uint32_t named = 0;
    if (!names || !list) return bc_fail_null(err, __func__, "names and list");
    *list = (bertc_metric_list){0};
    bertc_status status = bc_task_check(task, err);
    for (const char *p = names, *next = p; next && status == BERTC_OK; p = next) {
        size_t length = strcspn(p, ",");
        status = add_name(list, task, p, length, &named, err);
        next = p[length] == ',' ? p + length + 1 : NULL;
    }
    return status;
}
