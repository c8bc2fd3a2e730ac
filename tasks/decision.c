/* Probabilities, and the labels that are predicted from them.
 *
 * The threshold t of a multi-label task is compared as log-odds: a label is predicted if its logit is at least
 * log(t / (1 - t)). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

int bc_argmax(const float *logits, int count)
{
    int best = 0;
    for (int c = 1; c < count; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

void bertc_task_probabilities(const bertc_task *task, const float *logits, double *probabilities)
{
    if (!task || !logits || !probabilities || task->kind == BERTC_REGRESSION) return;
    double max = -(double)INFINITY, sum = 0;
    bool sets = task->kind == BERTC_MULTILABEL;
    for (int c = 0; c < task->num_labels; c++) max = fmax(max, (double)logits[c]);
    for (int c = 0; c < task->num_labels; c++) {
        double x = (double)logits[c];
        probabilities[c] = sets ? 1 / (1 + exp(-x)) : exp(x - max);
        sum += probabilities[c];
    }
    for (int c = 0; c < task->num_labels && !sets; c++) probabilities[c] /= sum;
}

static double cutoff_of(const double *thresholds, int label)
{
    return thresholds ? log(thresholds[label] / (1 - thresholds[label])) : 0;
}

size_t bertc_task_decide(const bertc_task *task, const float *logits, const double *thresholds, int32_t *labels)
{
    if (!task || !logits || !labels || task->kind == BERTC_REGRESSION) return 0;
    size_t count = 0;
    if (task->kind == BERTC_MULTILABEL) {
        for (int32_t c = 0; c < task->num_labels; c++)
            if ((double)logits[c] >= cutoff_of(thresholds, c)) labels[count++] = c;
        return count;
    }
    int32_t best = bc_argmax(logits, task->num_labels);
    double sum = 0; /* 1 / the probability of the best class */
    for (int c = 0; c < task->num_labels; c++) sum += exp((double)logits[c] - (double)logits[best]);
    labels[0] = best;
    return !thresholds || 1 / sum >= thresholds[best];
}

int bertc_dataset_decide(const bertc_dataset *dataset, const float *logits, int32_t *labels)
{
    if (!dataset || !dataset->task || dataset->task->kind != BERTC_MULTILABEL) return 0;
    return (int)bertc_task_decide(dataset->task, logits, dataset->thresholds, labels);
}

bertc_status bertc_dataset_set_thresholds(bertc_dataset *dataset, const double *thresholds, bertc_error *err)
{
    if (!dataset) return bc_fail_null(err, __func__, "dataset");
    const bertc_task *task = dataset->task;
    if (task->kind != BERTC_MULTILABEL)
        return bc_fail(err, BERTC_USAGE, "task %s is not multi-label, it has no thresholds", task->name);
    size_t count = (size_t)task->num_labels;
    for (size_t c = 0; thresholds && c < count; c++)
        if (!(thresholds[c] > 0 && thresholds[c] < 1))
            return bc_fail(err, BERTC_USAGE, "the threshold of label %s is %g, expected a number between 0 and 1",
                           task->labels[c], thresholds[c]);
    double *copy = thresholds ? bc_alloc(count, sizeof *copy) : NULL;
    if (thresholds && !copy) return bc_fail_memory(err);
    if (copy) memcpy(copy, thresholds, count * sizeof *copy);
    bc_free(dataset->thresholds);
    dataset->thresholds = copy;
    return BERTC_OK;
}

/* A logit and its label. */
typedef struct ranked {
    float logit;
    int32_t label;
} ranked;

static int by_logit(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->logit > y->logit || x->logit < y->logit) return x->logit > y->logit ? -1 : 1;
    return (x->label > y->label) - (x->label < y->label);
}

bertc_status bertc_task_rank(const bertc_task *task, const float *logits, int32_t *labels, bertc_error *err)
{
    if (!logits || !labels) return bc_fail_null(err, __func__, "logits and labels");
    bertc_status status = bc_task_check(task, err);
    if (status != BERTC_OK) return status;
    if (task->kind == BERTC_REGRESSION)
        return bc_fail(err, BERTC_USAGE, "task %s is a regression, it has no labels to rank", task->name);
    size_t count = (size_t)task->num_labels;
    ranked *all = bc_alloc(count, sizeof *all);
    if (!all) return bc_fail_memory(err);
    for (size_t c = 0; c < count; c++) all[c] = (ranked){logits[c], (int32_t)c};
    qsort(all, count, sizeof *all, by_logit);
    for (size_t c = 0; c < count; c++) labels[c] = all[c].label;
    bc_free(all);
    return BERTC_OK;
}
