/* The table of metrics, and the metrics, in double precision.
 *
 * 1. The metrics equal functions of scikit-learn and scipy (tests/parity/metrics_parity.py lists them), also in
 *    degenerate cases (bertc/task.h).
 * 2. The loss is the training loss without weights: mean cross-entropy of classes or of each label, or mean squared
 *    error.
 * 3. All predictions count as the same (bertc_scores.same_prediction) only on clear evidence, so that neither a few
 *    examples nor a split of one class causes a warning. For classes: every example has the same prediction, and at
 *    least 20 examples have another label. The same holds for sets of labels. For values: there are at least 20
 *    examples, and the standard deviation of the predictions is less than a thousandth of the standard deviation of the
 *    targets. Such differences are too small for the three decimals of a submission.
 * 4. Sums run in the order of the examples: the result depends only on the logits and the labels. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/metrics.h"
#include "tasks/ranking.h"
#include "tasks/tasks.h"

enum { ENOUGH = 20 }; /* number of examples that is enough evidence that predictions should vary */

/* Check that the labels of all examples are rising and in range. */
static bertc_status check_sets(const bertc_dataset *dataset, bertc_error *err)
{
    for (size_t i = 0; dataset->labelled && i < dataset->count; i++) {
        const bertc_example *e = &dataset->examples[i];
        bool valid = e->labels != NULL;
        for (size_t k = 0; valid && k < e->num_labels; k++)
            valid = e->labels[k] > (k > 0 ? e->labels[k - 1] : -1) && e->labels[k] < dataset->task->num_labels;
        if (!valid)
            return bc_fail(err, BERTC_USAGE, "%s:%zu: the labels are not rising numbers from 0 to %d", dataset->path,
                           e->line, dataset->task->num_labels - 1);
    }
    return BERTC_OK;
}

bertc_status bc_dataset_check(const bertc_dataset *dataset, bertc_error *err)
{
    if (!dataset || !dataset->path || (!dataset->examples && dataset->count > 0))
        return bc_fail(err, BERTC_USAGE, "no data set");
    bertc_status status = bc_task_check(dataset->task, err);
    if (status != BERTC_OK) return status;
    if (dataset->task->kind == BERTC_MULTILABEL) return check_sets(dataset, err);
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

/* ---- Classes ------------------------------------------------------------------------------- */

static double ratio(size_t part, size_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

double bc_precision(const bc_class_counts *c)
{
    return ratio(c->correct, c->predictions);
}

double bc_recall(const bc_class_counts *c)
{
    return ratio(c->correct, c->labels);
}

double bc_f1(const bc_class_counts *c)
{
    return ratio(2 * c->correct, c->labels + c->predictions);
}

typedef double class_score(const bc_class_counts *counts);

/* Average over the classes that are a label or a prediction, as scikit-learn does; for sets over all labels. */
static double macro(const bc_outcome *o, class_score *score)
{
    double sum = 0;
    size_t present = 0;
    for (int c = 0; c < o->classes; c++) {
        if (!o->sets && o->counts[c].labels + o->counts[c].predictions == 0) continue;
        sum += score(&o->counts[c]);
        present++;
    }
    return sum / (double)present;
}

static double micro(const bc_outcome *o, class_score *score)
{
    bc_class_counts all = {0};
    for (int c = 0; c < o->classes; c++) {
        all.labels += o->counts[c].labels;
        all.predictions += o->counts[c].predictions;
        all.correct += o->counts[c].correct;
    }
    return score(&all);
}

/* Define NAME of class 1, NAME_macro and NAME_micro. */
#define CLASS_METRICS(name)                                                                                          \
    static double name(const bc_outcome *o)                                                                          \
    {                                                                                                                \
        return bc_##name(&o->counts[1]);                                                                             \
    }                                                                                                                \
    static double name##_macro(const bc_outcome *o)                                                                  \
    {                                                                                                                \
        return macro(o, bc_##name);                                                                                  \
    }                                                                                                                \
    static double name##_micro(const bc_outcome *o)                                                                  \
    {                                                                                                                \
        return micro(o, bc_##name);                                                                                  \
    }
CLASS_METRICS(f1)
CLASS_METRICS(precision)
CLASS_METRICS(recall)

static double f1_weighted(const bc_outcome *o)
{
    double sum = 0, labels = 0;
    for (int c = 0; c < o->classes; c++) {
        sum += (double)o->counts[c].labels * bc_f1(&o->counts[c]);
        labels += (double)o->counts[c].labels;
    }
    return labels > 0 ? sum / labels : 0;
}

static double exact_matches(const bc_outcome *o)
{
    return ratio(o->exact, o->examples);
}

static double auc(const bc_outcome *o)
{
    return o->auc;
}

static double average_precision(const bc_outcome *o)
{
    return o->average_precision;
}

/* Compute the correlation of two class variables as indicator vectors, for any number of classes. Source: Gorodkin,
 * "Comparing two K-category assignments by a K-category correlation coefficient", 2004. */
static double matthews(const bc_outcome *o)
{
    double n = (double)o->examples, correct = 0, cross = 0, labels = 0, predictions = 0;
    for (int c = 0; c < o->classes; c++) {
        double label = (double)o->counts[c].labels, prediction = (double)o->counts[c].predictions;
        correct += (double)o->counts[c].correct;
        cross += label * prediction;
        labels += label * label;
        predictions += prediction * prediction;
    }
    double spread = (n * n - labels) * (n * n - predictions);
    return spread > 0 ? (correct * n - cross) / sqrt(spread) : 0;
}

/* Return 1 + the class that is predicted for all examples although enough have another label; else 0. */
static size_t same_class(const bc_class_counts *counts, int classes, size_t total)
{
    for (int c = 0; c < classes; c++)
        if (counts[c].predictions == total && total - counts[c].correct >= ENOUGH) return (size_t)c + 1;
    return 0;
}

/* ---- Values -------------------------------------------------------------------------------- */

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

static double correlation(const double *x, const double *y, size_t n)
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

static double pearson(const bc_outcome *o)
{
    return correlation(o->values, o->targets, o->examples);
}

static double spearman(const bc_outcome *o)
{
    return correlation(o->value_ranks, o->target_ranks, o->examples);
}

static double mean_absolute_error(const bc_outcome *o)
{
    double sum = 0;
    for (size_t i = 0; i < o->examples; i++) sum += fabs(o->values[i] - o->targets[i]);
    return sum / (double)o->examples;
}

/* Compute the share of the targets' variance that the values explain. */
static double r2(const bc_outcome *o)
{
    if (o->examples < 2) return NAN;
    if (is_constant(o->targets, o->examples)) return o->loss > 0 ? 0 : 1;
    return 1 - o->loss * (double)o->examples / spread_of(o->targets, o->examples);
}

/* ---- The table ----------------------------------------------------------------------------- */

static double loss(const bc_outcome *o)
{
    return o->loss;
}

/* Kinds of tasks that a metric can fit: two classes, more than two classes, values, sets of labels. */
enum { TWO = 1, MORE = 2, VALUES = 4, SETS = 8, CLASSES = TWO | MORE, LABELS = CLASSES | SETS };

/* mse has the function of the loss, because the loss of a regression is the squared error. */
static const struct {
    const char *name;
    unsigned fits;
    bool smaller_is_better;
    double (*compute)(const bc_outcome *o);
} table[BERTC_METRICS] = {
    [BERTC_ACCURACY] = {"accuracy", CLASSES, false, exact_matches},
    [BERTC_F1] = {"f1", TWO, false, f1},
    [BERTC_F1_MACRO] = {"f1_macro", LABELS, false, f1_macro},
    [BERTC_F1_MICRO] = {"f1_micro", LABELS, false, f1_micro},
    [BERTC_F1_WEIGHTED] = {"f1_weighted", LABELS, false, f1_weighted},
    [BERTC_PRECISION] = {"precision", TWO, false, precision},
    [BERTC_PRECISION_MACRO] = {"precision_macro", LABELS, false, precision_macro},
    [BERTC_PRECISION_MICRO] = {"precision_micro", LABELS, false, precision_micro},
    [BERTC_RECALL] = {"recall", TWO, false, recall},
    [BERTC_RECALL_MACRO] = {"recall_macro", LABELS, false, recall_macro},
    [BERTC_RECALL_MICRO] = {"recall_micro", LABELS, false, recall_micro},
    [BERTC_MATTHEWS] = {"matthews", CLASSES, false, matthews},
    [BERTC_AUC] = {"auc", LABELS, false, auc},
    [BERTC_AVERAGE_PRECISION] = {"average_precision", LABELS, false, average_precision},
    [BERTC_SUBSET_ACCURACY] = {"subset_accuracy", LABELS, false, exact_matches},
    [BERTC_MSE] = {"mse", VALUES, true, loss},
    [BERTC_MAE] = {"mae", VALUES, true, mean_absolute_error},
    [BERTC_R2] = {"r2", VALUES, false, r2},
    [BERTC_PEARSON] = {"pearson", VALUES, false, pearson},
    [BERTC_SPEARMAN] = {"spearman", VALUES, false, spearman},
    [BERTC_LOSS] = {"loss", LABELS | VALUES, true, loss},
};

const char *bertc_metric_name(bertc_metric metric)
{
    return (unsigned)metric < BERTC_METRICS ? table[metric].name : NULL;
}

bool bertc_metric_smaller_is_better(bertc_metric metric)
{
    return (unsigned)metric < BERTC_METRICS && table[metric].smaller_is_better;
}

bool bertc_metric_fits(bertc_metric metric, const bertc_task *task)
{
    if ((unsigned)metric >= BERTC_METRICS || !task) return false;
    unsigned kind = task->num_labels == 2 ? TWO : task->num_labels > 2 ? MORE : 0;
    if (task->kind == BERTC_REGRESSION) kind = VALUES;
    if (task->kind == BERTC_MULTILABEL) kind = SETS;
    return (table[metric].fits & kind) != 0;
}

/* Compute every metric of the kinds in `fits`. */
static void compute(const bc_outcome *outcome, unsigned fits, bertc_scores *scores)
{
    for (int m = 0; m < BERTC_METRICS; m++)
        if (table[m].fits & fits) scores->value[m] = table[m].compute(outcome);
}

/* ---- Scores -------------------------------------------------------------------------------- */

/* The largest logit of an example, and the sum of exp(logit - top). */
typedef struct softmax {
    double top, sum;
} softmax;

static softmax softmax_of(const float *logits, int classes)
{
    softmax s = {.top = logits[bc_argmax(logits, classes)]};
    for (int c = 0; c < classes; c++) s.sum += exp((double)logits[c] - s.top);
    return s;
}

/* Compute the score that ranks an example for class c: of two classes the log-odds of class 1, else the probability. */
static double class_score_of(const float *logits, int classes, softmax s, int c)
{
    return classes == 2 ? (double)logits[1] - (double)logits[0] : exp((double)logits[c] - s.top) / s.sum;
}

/* Rank the examples for class 1 of two classes, for each of more classes, or for each label of sets, whose score is the
 * logit. softmaxes (count); null for sets. */
static bertc_status rank_classes(const bertc_dataset *dataset, const float *logits, const softmax *softmaxes,
                                 bc_outcome *o, bertc_error *err)
{
    size_t width = (size_t)o->classes, columns = o->classes == 2 && !o->sets ? 1 : width, first = width - columns;
    bc_ranking ranking = {0};
    size_t *counts = bc_alloc(columns, sizeof *counts);
    double *scores = bc_alloc(columns, sizeof *scores);
    bertc_status status = counts && scores ? BERTC_OK : bc_fail_memory(err);
    for (size_t c = 0; c < columns && status == BERTC_OK; c++) counts[c] = o->counts[first + c].labels;
    if (status == BERTC_OK) status = bc_ranking_create(&ranking, o->examples, counts, columns, err);
    for (size_t i = 0; i < o->examples && status == BERTC_OK; i++) {
        const bertc_example *e = &dataset->examples[i];
        const float *row = logits + i * width;
        for (size_t k = 0; k < e->num_labels; k++) {
            int32_t label = e->labels[k];
            if ((size_t)label < first) continue;
            bc_ranking_add_positive(&ranking, (size_t)label - first,
                                    o->sets ? (double)row[label]
                                            : class_score_of(row, o->classes, softmaxes[i], label));
        }
    }
    if (status == BERTC_OK) bc_ranking_sort(&ranking);
    for (size_t i = 0; i < o->examples && status == BERTC_OK; i++) {
        const bertc_example *e = &dataset->examples[i];
        const float *row = logits + i * width;
        int32_t class = o->sets ? 0 : e->labels[0] - (int32_t)first; /* -1: class 0 of two */
        for (size_t c = 0; c < columns; c++)
            scores[c] = o->sets ? (double)row[c] : class_score_of(row, o->classes, softmaxes[i], (int)(first + c));
        if (o->sets) bc_ranking_add_negatives(&ranking, scores, e->labels, e->num_labels);
        else bc_ranking_add_negatives(&ranking, scores, &class, class >= 0);
    }
    if (status == BERTC_OK) bc_ranking_measure(&ranking, &o->auc, &o->average_precision);
    bc_ranking_clear(&ranking);
    bc_free(counts);
    bc_free(scores);
    return status;
}

static bertc_status score_classes(const bertc_dataset *dataset, const float *logits, bertc_scores *scores,
                                  bertc_error *err)
{
    int classes = dataset->task->num_labels;
    size_t n = dataset->count;
    bc_class_counts *counts = bc_calloc((size_t)classes, sizeof *counts);
    softmax *softmaxes = bc_alloc(n, sizeof *softmaxes);
    bc_outcome outcome = {.examples = n, .classes = classes, .counts = counts};
    bertc_status status = counts && softmaxes ? BERTC_OK : bc_fail_memory(err);
    for (size_t i = 0; i < n && status == BERTC_OK; i++) {
        const float *row = logits + i * (size_t)classes;
        int32_t label = bc_example_class(&dataset->examples[i]);
        int prediction = bc_argmax(row, classes);
        assert(label >= 0 && label < classes);
        counts[label].labels++;
        counts[prediction].predictions++;
        counts[label].correct += prediction == label;
        outcome.exact += prediction == label;
        softmaxes[i] = softmax_of(row, classes);
        outcome.loss += log(softmaxes[i].sum) + softmaxes[i].top - (double)row[label]; /* cross-entropy */
    }
    outcome.loss /= (double)n;
    if (status == BERTC_OK) status = rank_classes(dataset, logits, softmaxes, &outcome, err);
    if (status == BERTC_OK) {
        compute(&outcome, CLASSES, scores);
        scores->same_prediction = same_class(counts, classes, n);
    }
    bc_free(counts);
    bc_free(softmaxes);
    return status;
}

void bc_count_set(const bertc_example *e, const int32_t *predicted, size_t num_predicted, bc_class_counts *counts)
{
    size_t next = 0;
    for (size_t k = 0; k < e->num_labels; k++) counts[e->labels[k]].labels++;
    for (size_t k = 0; k < num_predicted; k++) {
        while (next < e->num_labels && e->labels[next] < predicted[k]) next++;
        counts[predicted[k]].predictions++;
        counts[predicted[k]].correct += next < e->num_labels && e->labels[next] == predicted[k];
    }
}

static bool is_same_set(const int32_t *a, size_t na, const int32_t *b, size_t nb)
{
    return na == nb && (na == 0 || memcmp(a, b, na * sizeof *a) == 0);
}

/* The cross-entropy of all labels of an example. */
static double set_loss(const bertc_example *e, const float *logits, int classes)
{
    double sum = 0;
    size_t next = 0;
    for (int32_t c = 0; c < classes; c++) {
        bool has = next < e->num_labels && e->labels[next] == c;
        double z = has ? -(double)logits[c] : (double)logits[c];
        sum += fmax(z, 0) + log1p(exp(-fabs(z)));
        next += has;
    }
    return sum / classes;
}

static bertc_status score_sets(const bertc_dataset *dataset, const float *logits, bertc_scores *scores,
                               bertc_error *err)
{
    int classes = dataset->task->num_labels;
    size_t width = (size_t)classes, n = dataset->count, first_count = 0, same = 0;
    bc_class_counts *counts = bc_calloc(width, sizeof *counts);
    int32_t *predicted = bc_alloc(width, sizeof *predicted), *first = bc_alloc(width, sizeof *first);
    bc_outcome outcome = {.examples = n, .classes = classes, .sets = true, .counts = counts};
    bertc_status status = counts && predicted && first ? BERTC_OK : bc_fail_memory(err);
    for (size_t i = 0; i < n && status == BERTC_OK; i++) {
        const bertc_example *e = &dataset->examples[i];
        const float *row = logits + i * width;
        size_t count = (size_t)bertc_dataset_decide(dataset, row, predicted);
        if (i == 0) {
            memcpy(first, predicted, count * sizeof *first);
            first_count = count;
        }
        bc_count_set(e, predicted, count, counts);
        outcome.exact += is_same_set(e->labels, e->num_labels, predicted, count);
        outcome.loss += set_loss(e, row, classes);
        same += is_same_set(first, first_count, predicted, count);
    }
    outcome.loss /= (double)n;
    if (status == BERTC_OK) status = rank_classes(dataset, logits, NULL, &outcome, err);
    if (status == BERTC_OK) {
        compute(&outcome, SETS, scores);
        if (same == n && n - outcome.exact >= ENOUGH) scores->same_prediction = first_count > 0 ? 2 : 1;
    }
    bc_free(counts);
    bc_free(predicted);
    bc_free(first);
    return status;
}

static bertc_status score_values(const bertc_dataset *dataset, const float *logits,
                                 bertc_scores *scores, bertc_error *err)
{
    enum { VALUE, TARGET, VALUE_RANK, TARGET_RANK, ARRAYS };
    size_t n = dataset->count;
    double *x[ARRAYS];
    bool allocated = true;
    ranked *scratch = bc_alloc(n, sizeof *scratch);
    for (int a = 0; a < ARRAYS; a++) allocated = (x[a] = bc_alloc(n, sizeof *x[a])) != NULL && allocated;
    bertc_status status = scratch && allocated ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            double value = (double)logits[i], target = (double)dataset->examples[i].value;
            x[VALUE][i] = x[VALUE_RANK][i] = value;
            x[TARGET][i] = x[TARGET_RANK][i] = target;
            sum += (value - target) * (value - target);
        }
        rank(x[VALUE_RANK], n, scratch);
        rank(x[TARGET_RANK], n, scratch);
        const bc_outcome outcome = {.examples = n, .loss = sum / (double)n, .values = x[VALUE], .targets = x[TARGET],
                                    .value_ranks = x[VALUE_RANK], .target_ranks = x[TARGET_RANK]};
        compute(&outcome, VALUES, scores);
        scores->same_prediction = is_same_value(x[VALUE], x[TARGET], n);
    }
    for (int a = 0; a < ARRAYS; a++) bc_free(x[a]);
    bc_free(scratch);
    return status;
}

bertc_status bc_scores_check(const bertc_dataset *dataset, const float *logits, bertc_error *err)
{
    bertc_status status = bc_dataset_check(dataset, err);
    if (status != BERTC_OK) return status;
    if (!dataset->labelled || dataset->count == 0)
        return bc_fail(err, BERTC_INPUT, "%s: the split has no labels to score", dataset->path);
    return bc_check_finite(dataset, logits, err);
}

bertc_status bertc_task_score(const bertc_dataset *dataset, const float *logits, bertc_scores *scores, bertc_error *err)
{
    if (!scores || !logits) return bc_fail_null(err, __func__, "logits and scores");
    *scores = (bertc_scores){.examples = dataset ? dataset->count : 0};
    for (int m = 0; m < BERTC_METRICS; m++) scores->value[m] = NAN;
    bertc_status status = bc_scores_check(dataset, logits, err);
    if (status != BERTC_OK) return status;
    switch (dataset->task->kind) {
    case BERTC_MULTILABEL: return score_sets(dataset, logits, scores, err);
    case BERTC_REGRESSION: return score_values(dataset, logits, scores, err);
    case BERTC_CLASSIFICATION:
    case BERTC_KINDS: break;
    }
    return score_classes(dataset, logits, scores, err);
}
