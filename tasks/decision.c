/* Probabilities, and the labels that are predicted from them. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

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

size_t bertc_task_decide(const bertc_task *task, const float *logits, const double *thresholds, int32_t *labels)
{
    if (!task || !logits || !labels || task->kind == BERTC_REGRESSION) return 0;
    size_t count = 0;
    if (task->kind == BERTC_MULTILABEL) {
        for (int32_t c = 0; c < task->num_labels; c++)
            if ((double)logits[c] >= bc_cutoff(thresholds, c)) labels[count++] = c;
        return count;
    }
    int32_t best = bc_argmax(logits, task->num_labels);
    double sum = 0; /* 1 / the probability of the best class */
    for (int c = 0; c < task->num_labels; c++) sum += exp((double)logits[c] - (double)logits[best]);
    labels[0] = best;
    return !thresholds || 1 / sum >= thresholds[best];
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
