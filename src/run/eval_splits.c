#include "run/eval_splits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

/* ---- Splits -------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Return the labels of a task, sorted; null if memory runs out. */
static const char **sort_labels(const bertc_task *task)
{
    const char **labels = bc_alloc((size_t)task->num_labels, sizeof *labels);
    if (!labels) return NULL;
    memcpy(labels, task->labels, (size_t)task->num_labels * sizeof *labels);
    qsort(labels, (size_t)task->num_labels, sizeof *labels, by_bytes);
    return labels;
}

/* Find out whether two tasks have the same labels in any order, or are regressions of the same range. */
static bertc_status compare_labels(const bertc_task *a, const bertc_task *b, bool *same, bertc_error *err)
{
    *same = a->kind == b->kind && a->num_labels == b->num_labels;
    if (!*same) return BERTC_OK;
    if (a->kind == BERTC_REGRESSION) {
        *same = a->low == b->low && a->high == b->high;
        return BERTC_OK;
    }
    const char **of_a = sort_labels(a), **of_b = sort_labels(b);
    bertc_status status = of_a && of_b ? BERTC_OK : bc_fail_memory(err);
    for (int i = 0; i < a->num_labels && status == BERTC_OK && *same; i++) *same = strcmp(of_a[i], of_b[i]) == 0;
    bc_free(of_a);
    bc_free(of_b);
    return status;
}

/* Open the task of an entry, which stands for its dev split. */
static bertc_status open_other(const char *entry, size_t length, const bertc_task **other, bertc_error *err)
{
    bertc_error why = {0};
    char *name = bc_strndup(entry, length);
    bertc_status status = name ? bertc_task_open(name, NULL, NULL, false, NULL, other, &why) : bc_fail_memory(&why);
    if (status == BERTC_USAGE && name && !bertc_task_is_own(name))
        bc_fail(err, status, "--eval-splits: '%s' is not train, dev, test or a task", name);
    else if (status != BERTC_OK) bc_fail(err, status, "%s", why.message);
    bc_free(name);
    return status;
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
    const bertc_task *other;
    bool same = false;
    bertc_status status = open_other(name, length, &other, err);
    if (status == BERTC_OK) status = compare_labels(task, other, &same, err);
    if (status == BERTC_OK && !same)
        status = bc_fail(err, BERTC_USAGE, "--eval-splits: task %s has other labels than %s", other->name, task->name);
    if (status == BERTC_OK) split->task = other;
    else bertc_task_close(other);
    return status;
}

bertc_status bc_eval_splits_parse(const char *list, const bertc_task *task,
                                  bc_eval_split splits[BERTC_MAX_EVALS], size_t *count, bertc_error *err)
{
    *count = 0;
    if (strcmp(list, "dev") == 0 && task->own && !task->splits[BERTC_DEV].file) return BERTC_OK;
    for (const char *p = list, *next = p; next; p = next, ++*count) {
        size_t length = strcspn(p, ",");
        bc_eval_split split;
        bertc_status status = parse_split(p, length, task, &split, err);
        if (status != BERTC_OK) return status;
        for (size_t i = 0; i < *count && status == BERTC_OK; i++)
            if (strcmp(splits[i].task->name, split.task->name) == 0 && splits[i].split == split.split)
                status = bc_fail(err, BERTC_USAGE, "--eval-splits: '%.*s' is listed twice", (int)length, p);
        if (status == BERTC_OK && *count == BERTC_MAX_EVALS)
            status = bc_fail(err, BERTC_USAGE, "--eval-splits: more than %d splits", BERTC_MAX_EVALS);
        if (status != BERTC_OK) {
            if (split.task != task) bertc_task_close(split.task);
            return status;
        }
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
    uint32_t needed = count > 0 ? (uint32_t)1 << metric_of(o, splits[0].task) : 0;
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
    static const char *const sets[] = {"no label", "the same set of labels"};
    const char *what = task->kind == BERTC_REGRESSION   ? "about the same value"
                       : task->kind == BERTC_MULTILABEL ? sets[scores->same_prediction - 1]
                                                        : task->labels[scores->same_prediction - 1];
    snprintf(text, BC_CONSTANT_TEXT, "%.*s %s: %.*s is predicted for all %zu examples", shown(task->name), task->name,
             bertc_split_name(split.split), shown(what), what, scores->examples);
    return true;
}
