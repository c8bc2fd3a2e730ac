/* Checks and helpers for any task, and the names of splits. */
#include "base/error.h"
#include "tasks/tasks.h"

static bool has_labels(const bertc_task *task, int min)
{
    if (task->num_labels == 0) return true;
    if (task->num_labels < min || !task->labels || !task->file_labels) return false;
    for (int i = 0; i < task->num_labels; i++)
        if (!task->labels[i] || !task->file_labels[i]) return false;
    return true;
}

const char *bertc_kind_name(bertc_kind kind)
{
    static const char *const names[BERTC_KINDS] = {[BERTC_CLASSIFICATION] = "classification",
                                                   [BERTC_MULTILABEL] = "multilabel",
                                                   [BERTC_REGRESSION] = "regression"};
    return (unsigned)kind < BERTC_KINDS ? names[kind] : NULL;
}

bertc_status bc_task_check(const bertc_task *task, bertc_error *err)
{
    if (!task) return bc_fail(err, BERTC_USAGE, "null task");
    if (!task->name) return bc_fail(err, BERTC_USAGE, "a task without a name");
    if ((unsigned)task->kind >= BERTC_KINDS)
        return bc_fail(err, BERTC_USAGE, "task %s: kind %d is not valid", task->name, (int)task->kind);
    if (task->kind == BERTC_CLASSIFICATION && !has_labels(task, 2))
        return bc_fail(err, BERTC_USAGE, "task %s: a classification needs at least 2 labels, each with a name and its "
                       "spelling in the files", task->name);
    if (task->kind == BERTC_MULTILABEL && !has_labels(task, 1))
        return bc_fail(err, BERTC_USAGE,
                       "task %s: a multi-label task needs labels, each with a name and its spelling in "
                       "the files",
                       task->name);
    if (task->kind == BERTC_REGRESSION && !(task->num_labels == 1 && task->low < task->high))
        return bc_fail(err, BERTC_USAGE, "task %s: a regression needs one value and low < high", task->name);
    if (task->num_metrics < 0 || task->num_metrics > BERTC_MAX_TASK_METRICS)
        return bc_fail(err, BERTC_USAGE, "task %s: %d metrics, expected at most %d", task->name, task->num_metrics,
                       (int)BERTC_MAX_TASK_METRICS);
    for (int i = 0; i < task->num_metrics; i++)
        if ((unsigned)task->metrics[i] >= BERTC_METRICS)
            return bc_fail(err, BERTC_USAGE, "task %s: metric %d is not valid", task->name, (int)task->metrics[i]);
    return BERTC_OK;
}

int32_t bc_example_class(const bertc_example *example)
{
    return example->num_labels == 1 && example->labels ? example->labels[0] : -1;
}

void bc_list_names(bc_text *out, const char *const *names, int count)
{
    enum { LISTED = 8 };
    for (int i = 0; i < count && i < LISTED; i++) bc_text_printf(out, "%s%s", i ? ", " : "", names[i]);
    if (count > LISTED) bc_text_printf(out, ", ...");
}

double bc_task_length(const bertc_task *task, double quantile)
{
    double at = quantile * (BERTC_LENGTH_QUANTILES - 1);
    int below = at < BERTC_LENGTH_QUANTILES - 1 ? (int)at : BERTC_LENGTH_QUANTILES - 2;
    const int *lengths = task->length_quantiles + below; /* the two quantiles to interpolate between */
    return lengths[0] + (at - below) * (lengths[1] - lengths[0]);
}

const char *bertc_split_name(bertc_split split)
{
    static const char *const names[BERTC_SPLITS] = {"train", "dev", "test"};
    return (unsigned)split < BERTC_SPLITS ? names[split] : NULL;
}
