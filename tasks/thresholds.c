/* Tuning the thresholds of a multi-label task (tasks/decision.c), as log-odds log(t / (1 - t)).
 *
 * Between two neighbouring logits a < b of a label, all thresholds above a and up to b give the same predictions.
 * Among these intervals the one with the largest F1 on the data set is chosen; among equal ones, the one that is
 * nearest to 0. Within it the threshold is 0, that is a probability of 0.5, if the interval contains 0, else the
 * middle. Log-odds beyond -16 and 16 are not considered: probabilities near 1 are too coarse to tell them apart. A
 * label without a positive example has the threshold 0.5. Takes time n log n for each label. */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/metrics.h"
#include "tasks/tasks.h"

/* The logit of an example for one label. */
typedef struct scored {
    double logit;
    bool positive;
} scored;

static int falling(const void *a, const void *b)
{
    double x = ((const scored *)a)->logit, y = ((const scored *)b)->logit;
    return (x < y) - (x > y);
}

/* Return the log-odds of the best threshold for the examples of one label. */
static double best_cutoff(scored *all, size_t count)
{
    enum { LIMIT = 16 };
    double best = -1, chosen = 0;
    bc_class_counts counts = {0};
    for (size_t i = 0; i < count; i++) counts.labels += all[i].positive;
    if (counts.labels == 0) return 0;
    qsort(all, count, sizeof *all, falling);
    for (size_t i = 0; i < count; i++) {
        counts.predictions++;
        counts.correct += all[i].positive;
        double above = i + 1 < count ? all[i + 1].logit : -INFINITY; /* the cutoff is above this logit ... */
        double upto = fmin(all[i].logit, LIMIT), f1 = bc_f1(&counts); /* ... and not above this one */
        if (above == all[i].logit) continue;
        above = fmax(above, -LIMIT);
        if (above >= upto) continue;
        double cutoff = above < 0 && upto >= 0 ? 0 : above + (upto - above) / 2;
        if (f1 < best || (f1 == best && fabs(cutoff) >= fabs(chosen))) continue;
        best = f1;
        chosen = cutoff;
    }
    return chosen;
}

bertc_status bertc_task_tune_thresholds(const bertc_dataset *dataset, const float *logits, double *thresholds,
                                        bertc_error *err)
{
    if (!logits || !thresholds) return bc_fail_null(err, __func__, "logits and thresholds");
    bertc_status status = bc_scores_check(dataset, logits, err);
    if (status != BERTC_OK) return status;
    if (dataset->task->kind != BERTC_MULTILABEL)
        return bc_fail(err, BERTC_USAGE, "task %s is not multi-label, it has no thresholds", dataset->task->name);
    size_t labels = (size_t)dataset->task->num_labels, *next = bc_calloc(dataset->count, sizeof *next);
    scored *all = bc_alloc(dataset->count, sizeof *all);
    if (!next || !all) status = bc_fail_memory(err);
    for (size_t c = 0; c < labels && status == BERTC_OK; c++) {
        for (size_t i = 0; i < dataset->count; i++) { /* next[i]: the example's first label that is at least c */
            const bertc_example *e = &dataset->examples[i];
            bool positive = next[i] < e->num_labels && e->labels[next[i]] == (int32_t)c;
            all[i] = (scored){(double)logits[i * labels + c], positive};
            next[i] += positive;
        }
        thresholds[c] = 1 / (1 + exp(-best_cutoff(all, dataset->count)));
    }
    bc_free(all);
    bc_free(next);
    return status;
}
