/* The metrics of the task table, in double precision.
 *
 * 1. They equal scikit-learn's accuracy_score, f1_score and matthews_corrcoef and scipy's pearsonr and spearmanr, also
 *    in degenerate cases: F1 and Matthews are 0 if their quotient is 0/0, a correlation with a constant is NaN.
 * 2. The loss is the training loss: mean cross-entropy, or mean squared error.
 * 3. All predictions count as the same (bertc_scores.same_prediction) only on clear evidence, so that neither a few
 *    examples nor a split of one class causes a warning. For classes: every example has the same prediction, and at
 *    least 20 examples have another label. For values: there are at least 20 examples, and the standard deviation of
 *    the predictions is less than a thousandth of the standard deviation of the targets. Such differences are too small
 *    for the three decimals of a submission.
 * 4. Sums run in the order of the examples: the result depends only on the logits and the labels. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

enum { ENOUGH = 20 }; /* number of examples that is enough evidence that predictions should vary */

/* Numbers of examples for one class: labelled as the class, predicted as the class, and both. */
typedef struct class_counts {
    size_t labels, predictions, correct;
} class_counts;

int bc_argmax(const float *logits, int count)
{
    int best = 0;
    for (int c = 1; c < count; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

bertc_status bc_dataset_check(const bertc_dataset *dataset, bertc_error *err)
{
    if (!dataset || !dataset->path || (!dataset->examples && dataset->count > 0))
        return bc_fail(err, BERTC_USAGE, "no data set");
    bertc_status status = bc_task_check(dataset->task, err);
    if (status != BERTC_OK) return status;
    bool classes = dataset->task->kind == BERTC_CLASSIFICATION;
    for (size_t i = 0; dataset->labelled && classes && i < dataset->count; i++) {
        int32_t label = bc_example_class(&dataset->examples[i]);
        if (label < 0 || label >= dataset->task->num_labels)
            return bc_fail(err, BERTC_USAGE, "%s:%zu: label %d is out of range, the task has %d labels", dataset->path,
                           dataset->examples[i].line, (int)label, dataset->task->num_labels);
    }
    return BERTC_OK;
}

bertc_status bc_check_finite(const bertc_dataset *dataset, const float *logits, bertc_error *err)
{
    size_t classes = (size_t)dataset->task->num_labels;
    for (size_t i = 0; i < dataset->count * classes; i++)
        if (!isfinite(logits[i]))
            return bc_fail(err, BERTC_DIVERGED, "%s:%zu: the model's output is not finite",
                           dataset->path, dataset->examples[i / classes].line);
    return BERTC_OK;
}

/* Compute the F1 of class 1: 2 TP / (2 TP + FP + FN). */
static double f1(const class_counts *counts)
{
    double both = 2 * (double)counts[1].correct, all = (double)counts[1].labels + (double)counts[1].predictions;
    return all > 0 ? both / all : 0;
}

/* Compute the correlation of two class variables as indicator vectors, for any number of classes. Source: Gorodkin,
 * "Comparing two K-category assignments by a K-category correlation coefficient", 2004. */
static double matthews(const class_counts *counts, int classes, size_t total)
{
    double n = (double)total, correct = 0, cross = 0, labels = 0, predictions = 0;
    for (int c = 0; c < classes; c++) {
        double label = (double)counts[c].labels, prediction = (double)counts[c].predictions;
        correct += (double)counts[c].correct;
        cross += label * prediction;
        labels += label * label;
        predictions += prediction * prediction;
    }
    double spread = (n * n - labels) * (n * n - predictions);
    return spread > 0 ? (correct * n - cross) / sqrt(spread) : 0;
}

/* Return 1 + the class that is predicted for all examples although enough have another label; else 0. */
static size_t same_class(const class_counts *counts, int classes, size_t total)
{
    for (int c = 0; c < classes; c++)
        if (counts[c].predictions == total && total - counts[c].correct >= ENOUGH) return (size_t)c + 1;
    return 0;
}

static bool is_constant(const double *x, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (x[i] != x[0]) return false;
    return true;
}

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

/* Compute the sum of squared distances from the mean. */
static double spread_of(const double *x, size_t n)
{
    double m = mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - m) * (x[i] - m);
    return sum;
}

/* Whether the predictions are nearly one value although the targets vary. */
static bool is_same_value(const double *predictions, const double *targets, size_t n)
{
    double spread = spread_of(targets, n);
    return n >= ENOUGH && spread > 0 && spread_of(predictions, n) < 1e-6 * spread;
}

static double pearson(const double *x, const double *y, size_t n)
{
    if (is_constant(x, n) || is_constant(y, n)) return NAN;
    double mx = mean(x, n), my = mean(y, n), xx = 0, yy = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        double dx = x[i] - mx, dy = y[i] - my;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return fmax(-1, fmin(1, xy / (sqrt(xx) * sqrt(yy))));
}

typedef struct ranked {
    double value;
    size_t index;
} ranked;

static int by_value(const void *a, const void *b)
{
    double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return (x > y) - (x < y);
}

/* Replace values by their ranks from 1; equal values get the mean of their ranks. */
static void rank(double *x, size_t n, ranked *scratch)
{
    for (size_t i = 0; i < n; i++) scratch[i] = (ranked){x[i], i};
    qsort(scratch, n, sizeof *scratch, by_value);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && scratch[to].value == scratch[from].value; to++) continue;
        double shared = (double)(from + 1 + to) / 2;
        for (size_t i = from; i < to; i++) x[scratch[i].index] = shared;
    }
}

/* -log softmax(logits)[label], without overflow. */
static double cross_entropy(const float *logits, int classes, int32_t label)
{
    double top = logits[bc_argmax(logits, classes)], sum = 0;
    for (int c = 0; c < classes; c++) sum += exp((double)logits[c] - top);
    return log(sum) + top - (double)logits[label];
}

static bertc_status score_classes(const bertc_dataset *dataset, const float *logits, bertc_scores *scores,
                                  bertc_error *err)
{
    int classes = dataset->task->num_labels;
    size_t n = dataset->count, correct = 0;
    double loss = 0;
    class_counts *counts = bc_calloc((size_t)classes, sizeof *counts);
    if (!counts) return bc_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * (size_t)classes;
        int32_t label = bc_example_class(&dataset->examples[i]);
        int prediction = bc_argmax(row, classes);
        assert(label >= 0 && label < classes);
        counts[label].labels++;
        counts[prediction].predictions++;
        counts[label].correct += prediction == label;
        correct += prediction == label;
        loss += cross_entropy(row, classes, label);
    }
    scores->value[BERTC_ACCURACY] = (double)correct / (double)n;
    scores->value[BERTC_F1] = f1(counts);
    scores->value[BERTC_MATTHEWS] = matthews(counts, classes, n);
    scores->same_prediction = same_class(counts, classes, n);
    scores->loss = loss / (double)n;
    bc_free(counts);
    return BERTC_OK;
}

static bertc_status score_values(const bertc_dataset *dataset, const float *logits,
                                 bertc_scores *scores, bertc_error *err)
{
    size_t n = dataset->count;
    double *x = bc_alloc(n, sizeof *x), *y = bc_alloc(n, sizeof *y);
    ranked *scratch = bc_alloc(n, sizeof *scratch);
    double sum = 0;
    if (x && y && scratch) {
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)logits[i];
            y[i] = (double)dataset->examples[i].value;
            sum += (x[i] - y[i]) * (x[i] - y[i]);
        }
        scores->loss = sum / (double)n;
        scores->value[BERTC_PEARSON] = pearson(x, y, n);
        scores->same_prediction = is_same_value(x, y, n);
        rank(x, n, scratch);
        rank(y, n, scratch);
        scores->value[BERTC_SPEARMAN] = pearson(x, y, n);
    }
    bertc_status status = x && y && scratch ? BERTC_OK : bc_fail_memory(err);
    bc_free(x);
    bc_free(y);
    bc_free(scratch);
    return status;
}

bertc_status bertc_task_score(const bertc_dataset *dataset, const float *logits, bertc_scores *scores, bertc_error *err)
{
    if (!scores || !logits) return bc_fail_null(err, __func__, "logits and scores");
    bertc_status status = bc_dataset_check(dataset, err);
    if (status != BERTC_OK) return status;
    *scores = (bertc_scores){.loss = NAN, .examples = dataset->count};
    for (int m = 0; m < BERTC_METRICS; m++) scores->value[m] = NAN;
    if (!dataset->labelled || dataset->count == 0)
        return bc_fail(err, BERTC_INPUT, "%s: the split has no labels to score", dataset->path);
    status = bc_check_finite(dataset, logits, err);
    if (status != BERTC_OK) return status;
    return dataset->task->kind == BERTC_REGRESSION ? score_values(dataset, logits, scores, err)
                                                   : score_classes(dataset, logits, scores, err);
}
