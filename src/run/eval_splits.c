#include "run/eval_splits.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "tasks/tasks.h"

/* ---- Tasks --------------------------------------------------------------------------------- */

/* The task of this name, or null. */
static const bertc_task *find_task(const char *name, size_t length)
{
    const bertc_task *task;
    for (size_t i = 0; (task = bertc_task_at(i)) != NULL; i++)
        if (strlen(task->name) == length && memcmp(task->name, name, length) == 0) return task;
    return NULL;
}

bertc_status bc_task_list_parse(const char *list, const bertc_task *tasks[BERTC_MAX_TASKS], int *count,
                                bertc_error *err)
{
    bool several = strchr(list, ',') != NULL;
    *count = 0;
    for (const char *p = list, *next = p; next;) {
        size_t length = strcspn(p, ",");
        const bertc_task *task = find_task(p, length);
        if (*count == BERTC_MAX_TASKS) return bc_fail(err, BERTC_USAGE, "--task: more than %d tasks", BERTC_MAX_TASKS);
        if (!task) return bc_fail(err, BERTC_USAGE, "unknown task '%.*s'", (int)(length < 63 ? length : 63), p);
        if (!task->splits[BERTC_TRAIN].file)
            return bc_fail(err, BERTC_USAGE, "task %s has no training data", task->name);
        if (several && task->trained_as)
            return bc_fail(err, BERTC_USAGE, "--task: %s is trained on the data of %s; list only one of them",
                           task->name, task->trained_as);
        for (int i = 0; i < *count; i++)
            if (tasks[i] == task) return bc_fail(err, BERTC_USAGE, "--task: %s is listed twice", task->name);
        tasks[(*count)++] = task;
        next = p[length] == ',' ? p + length + 1 : NULL;
        p = next;
    }
    return BERTC_OK;
}

/* ---- Splits -------------------------------------------------------------------------------- */

/* Whether two tasks have the same labels in any order, or are regressions of the same range. */
static bool have_same_labels(const bertc_task *a, const bertc_task *b)
{
    if (a->kind != b->kind || a->num_labels != b->num_labels) return false;
    if (a->kind == BERTC_REGRESSION) return a->low == b->low && a->high == b->high;
    for (int i = 0, k = 0; i < a->num_labels; i++, k = 0) {
        while (k < b->num_labels && strcmp(b->labels[k], a->labels[i]) != 0) k++;
        if (k == b->num_labels) return false;
    }
    return true;
}

static bertc_status parse_split(const char *name, size_t length, const bertc_task *task,
                              bc_eval_split *split, bertc_error *err)
{
    *split = (bc_eval_split){.task = task, .split = BERTC_DEV};
    for (int s = 0; s < BERTC_SPLITS; s++) {
        const char *known = bertc_split_name((bertc_split)s);
        if (strlen(known) != length || memcmp(known, name, length) != 0) continue;
        split->split = (bertc_split)s;
        return BERTC_OK;
    }
    const bertc_task *other = find_task(name, length);
    if (!other)
        return bc_fail(err, BERTC_USAGE, "--eval-splits: '%.*s' is not train, dev, test or a task", (int)length, name);
    if (!have_same_labels(task, other))
        return bc_fail(err, BERTC_USAGE, "--eval-splits: task %s has other labels than %s", other->name, task->name);
    split->task = other;
    return BERTC_OK;
}

bertc_status bc_eval_splits_parse(const char *list, const bertc_task *task,
                                  bc_eval_split splits[BERTC_MAX_EVALS], size_t *count, bertc_error *err)
{
    *count = 0;
    for (const char *p = list, *next = p; next; p = next, ++*count) {
        size_t length = strcspn(p, ",");
        bc_eval_split split;
        bertc_status status = parse_split(p, length, task, &split, err);
        if (status != BERTC_OK) return status;
        for (size_t i = 0; i < *count; i++)
            if (strcmp(splits[i].task->name, split.task->name) == 0 && splits[i].split == split.split)
                return bc_fail(err, BERTC_USAGE, "--eval-splits: '%.*s' is listed twice", (int)length, p);
        if (*count == BERTC_MAX_EVALS)
            return bc_fail(err, BERTC_USAGE, "--eval-splits: more than %d splits", BERTC_MAX_EVALS);
        splits[*count] = split;
        next = p[length] == ',' ? p + length + 1 : NULL;
    }
    return BERTC_OK;
}

/* ---- Metrics ------------------------------------------------------------------------------- */

bertc_status bc_reported_metrics_parse(const bertc_train_options *o, bc_eval_split *splits, size_t count,
                                       bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < count && status == BERTC_OK; i++) {
        bertc_error why = {0};
        status = bertc_metric_list_parse(o->metrics, splits[i].task, &splits[i].metrics, &why);
        if (status != BERTC_OK) bc_fail(err, status, "--metrics: %s", why.message);
    }
    return status;
}

static bertc_metric metric_of(const bertc_train_options *o, const bertc_task *task)
{
    return o->best_metric == BERTC_BEST_PRIMARY ? task->metrics[0]
                                                : (bertc_metric)(o->best_metric - BERTC_BEST_METRIC);
}

uint32_t bc_needed_metrics(const bertc_train_options *o, const bc_eval_split *splits, size_t count)
{
    uint32_t needed = (uint32_t)1 << metric_of(o, splits[0].task);
    for (size_t i = 0; i < count; i++)
        for (int m = 0; m < splits[i].metrics.count; m++) needed |= (uint32_t)1 << splits[i].metrics.metrics[m];
    return needed;
}

double bc_best_metric_value(const bertc_train_options *o, const bertc_task *task, const bertc_scores *scores)
{
    bertc_metric metric = metric_of(o, task);
    return bertc_metric_smaller_is_better(metric) ? -scores->value[metric] : scores->value[metric];
}

const char *bc_best_metric_name(const bertc_train_options *o, const bertc_task *task)
{
    return bertc_metric_name(metric_of(o, task));
}

bertc_status bc_best_metric_check(const bertc_train_options *o, const bertc_task *task, bertc_error *err)
{
    const char *name = bc_best_metric_name(o, task);
    bertc_error why = {0};
    if (!bertc_metric_fits(metric_of(o, task), task)) {
        bertc_status status = bc_fail_metric(task, name, strlen(name), &why);
        return bc_fail(err, status, "--best-metric: %s", why.message);
    }
    if (o->best_metric != BERTC_BEST_PRIMARY && o->keep != BERTC_KEEP_BEST && o->patience == 0)
        return bc_fail(err, BERTC_USAGE, "--best-metric has no effect without --keep best or --patience");
    return BERTC_OK;
}

/* Return the number of bytes of a name that a message shows: at most MAX, and no part of a UTF-8 sequence. */
static int shown(const char *name)
{
    enum { MAX = 48 };
    size_t n = strlen(name) < MAX ? strlen(name) : MAX;
    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) n--;
    return (int)n;
}

bool bc_scores_describe_constant(bc_eval_split split, const bertc_scores *scores, char text[BC_CONSTANT_TEXT])
{
    const bertc_task *task = split.task;
    if (scores->same_prediction == 0) return false;
    const char *what =
        task->kind == BERTC_REGRESSION ? "about the same value" : task->labels[scores->same_prediction - 1];
    snprintf(text, BC_CONSTANT_TEXT, "%.*s %s: %.*s is predicted for all %zu examples", shown(task->name), task->name,
             bertc_split_name(split.split), shown(what), what, scores->examples);
    return true;
}
