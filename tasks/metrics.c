/* The metrics of the task table, in double precision.
 *
 * 1. They equal scikit-learn's accuracy_score, f1_score and matthews_corrcoef and scipy's
 *    pearsonr and spearmanr, also where those are degenerate: F1 and Matthews are 0 where their
 *    quotient is 0/0, a correlation with a constant is NaN.
 * 2. The loss is the one that is trained: mean cross-entropy, or mean squared error.
 * 3. Predictions are called alike where at least 20 examples speak against it, so that neither a few
 *    examples nor a split of one class do: one class is predicted for all, and 20 are of others; or
 *    the values that are predicted for 20 or more spread (standard deviation) less than a
 *    thousandth as far as the targets, which is beyond the places of a submission.
 * 4. Sums run in the order of the examples: the result depends on nothing but the logits. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/tasks.h"

enum { ENOUGH = 20 }; /* examples that speak against predictions which are all alike */

/* Of one class: how many examples have it as their label, are called it, and both. */
typedef struct tally {
    size_t labels, called, right;
} tally;

int bc_argmax(const float *logits, int count)
{
    int best = 0;
    for (int c = 1; c < count; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

static void count_classes(const bertc_dataset *dataset, const float *logits, tally *of)
{
    int classes = dataset->task->num_labels;
    for (size_t i = 0; i < dataset->count; i++) {
        int32_t label = bc_example_class(&dataset->examples[i]);
        int called = bc_argmax(logits + i * (size_t)classes, classes);
        assert(label >= 0 && label < classes);
        of[label].labels++;
        of[called].called++;
        of[label].right += called == label;
    }
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
            return bc_fail(err, BERTC_USAGE, "%s:%zu: label %d, the task has %d", dataset->path,
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

static double accuracy(const tally *of, int classes, size_t total)
{
    size_t right = 0;
    for (int c = 0; c < classes; c++) right += of[c].right;
    return (double)right / (double)total;
}

/* 2 TP / (2 TP + FP + FN) of class 1. */
static double f1(const tally *of)
{
    double hit = 2 * (double)of[1].right, all = (double)of[1].labels + (double)of[1].called;
    return all > 0 ? hit / all : 0;
}

/* The correlation of two class variables as indicator vectors, for any number of classes.
 * Source: Gorodkin, "Comparing two K-category assignments by a K-category correlation
 * coefficient", 2004. */
static double matthews(const tally *of, int classes, size_t total)
{
    double n = (double)total, right = 0, cross = 0, labels = 0, predictions = 0;
    for (int c = 0; c < classes; c++) {
        double label = (double)of[c].labels, prediction = (double)of[c].called;
        right += (double)of[c].right;
        cross += label * prediction;
        labels += label * label;
        predictions += prediction * prediction;
    }
    double spread = (n * n - labels) * (n * n - predictions);
    return spread > 0 ? (right * n - cross) / sqrt(spread) : 0;
}

/* 1 + the class that all examples are called though enough are of others; else 0. */
static size_t only_class(const tally *of, int classes, size_t total)
{
    for (int c = 0; c < classes; c++)
        if (of[c].called == total && total - of[c].right >= ENOUGH) return (size_t)c + 1;
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

/* Squared distances from the mean, summed. */
static double spread_of(const double *x, size_t n)
{
    double m = mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - m) * (x[i] - m);
    return sum;
}

static bool is_flat(const double *predictions, const double *targets, size_t n)
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

/* Replace values by their ranks from 1; equal values share the average of theirs. */
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

static double squared_error(const double *x, const double *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - y[i]) * (x[i] - y[i]);
    return sum / (double)n;
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
    size_t n = dataset->count;
    tally *of = bc_calloc((size_t)classes, sizeof *of);
    if (!of) return bc_fail_memory(err);
    count_classes(dataset, logits, of);
    scores->value[BERTC_ACCURACY] = accuracy(of, classes, n);
    scores->value[BERTC_F1] = f1(of);
    scores->value[BERTC_MATTHEWS] = matthews(of, classes, n);
    scores->same_prediction = only_class(of, classes, n);
    bc_free(of);
    double loss = 0;
    for (size_t i = 0; i < n; i++)
        loss += cross_entropy(logits + i * (size_t)classes, classes, bc_example_class(&dataset->examples[i]));
    scores->loss = loss / (double)n;
    return BERTC_OK;
}

static bertc_status score_values(const bertc_dataset *dataset, const float *logits,
                                 bertc_scores *scores, bertc_error *err)
{
    size_t n = dataset->count;
    double *x = bc_alloc(n, sizeof *x), *y = bc_alloc(n, sizeof *y);
    ranked *scratch = bc_alloc(n, sizeof *scratch);
    if (x && y && scratch) {
        for (size_t i = 0; i < n; i++) {
            x[i] = (double)logits[i];
            y[i] = (double)dataset->examples[i].value;
        }
        scores->loss = squared_error(x, y, n);
        scores->value[BERTC_PEARSON] = pearson(x, y, n);
        scores->same_prediction = is_flat(x, y, n);
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
        return bc_fail(err, BERTC_INPUT, "%s: split has no labels to score", dataset->path);
    status = bc_check_finite(dataset, logits, err);
    if (status != BERTC_OK) return status;
    return dataset->task->kind == BERTC_REGRESSION ? score_values(dataset, logits, scores, err)
                                                   : score_classes(dataset, logits, scores, err);
}
