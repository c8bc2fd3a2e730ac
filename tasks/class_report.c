/* Predictions by class: the confusion matrix as a list of its cells, so that 10,000 classes need no 10,000 x 10,000
 * counts. */
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "tasks/metrics.h"
#include "tasks/tasks.h"

static int by_class(const void *a, const void *b)
{
    const bertc_confusion *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    return (x->predicted > y->predicted) - (x->predicted < y->predicted);
}

static int by_count(const void *a, const void *b)
{
    const bertc_confusion *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return by_class(a, b);
}

size_t bc_count_confusions(const bertc_dataset *dataset, const float *logits, bertc_confusion *cells)
{
    size_t n = dataset->count, count = 0;
    int classes = dataset->task->num_labels;
    for (size_t i = 0; i < n; i++)
        cells[i] = (bertc_confusion){.label = bc_example_class(&dataset->examples[i]),
                                     .predicted = bc_argmax(logits + i * (size_t)classes, classes)};
    qsort(cells, n, sizeof *cells, by_class);
    for (size_t i = 0; i < n; i++) {
        if (count == 0 || by_class(&cells[count - 1], &cells[i]) != 0) cells[count++] = cells[i];
        cells[count - 1].count++;
    }
    for (size_t from = 0, to; from < count; from = to) {
        size_t examples = 0;
        for (to = from; to < count && cells[to].label == cells[from].label; to++) examples += cells[to].count;
        for (size_t i = from; i < to; i++) cells[i].share = (double)cells[i].count / (double)examples;
    }
    return count;
}

/* Compute the scores of each class from its counts (num_classes). */
static void score_classes(bertc_class_report *report, const bc_class_counts *counts)
{
    for (int c = 0; c < report->num_classes; c++)
        report->classes[c] = (bertc_class_scores){.examples = counts[c].labels, .precision = bc_precision(&counts[c]),
                                                  .recall = bc_recall(&counts[c]), .f1 = bc_f1(&counts[c])};
}

static bertc_status report_sets(const bertc_dataset *dataset, const float *logits, bertc_class_report *report,
                                bertc_error *err)
{
    size_t labels = (size_t)dataset->task->num_labels;
    bertc_status status = BERTC_OK;
    bc_class_counts *counts = bc_calloc(labels, sizeof *counts);
    int32_t *predicted = bc_alloc(labels, sizeof *predicted);
    report->num_classes = dataset->task->num_labels;
    report->classes = bc_alloc(labels, sizeof *report->classes);
    if (counts && predicted && report->classes) {
        for (size_t i = 0; i < dataset->count; i++) {
            size_t count = (size_t)bertc_dataset_decide(dataset, logits + i * labels, predicted);
            bc_count_set(&dataset->examples[i], predicted, count, counts);
        }
        score_classes(report, counts);
    } else status = bc_fail_memory(err);
    bc_free(counts);
    bc_free(predicted);
    return status;
}

bertc_status bertc_task_report_classes(const bertc_dataset *dataset, const float *logits, bertc_class_report *report,
                                       bertc_error *err)
{
    if (!report || !logits) return bc_fail_null(err, __func__, "logits and report");
    *report = (bertc_class_report){0};
    bertc_status status = bc_scores_check(dataset, logits, err);
    if (status != BERTC_OK) return status;
    if (dataset->task->kind == BERTC_MULTILABEL) return report_sets(dataset, logits, report, err);
    if (dataset->task->kind != BERTC_CLASSIFICATION)
        return bc_fail(err, BERTC_USAGE, "task %s is a regression, it has no classes", dataset->task->name);
    size_t classes = (size_t)dataset->task->num_labels;
    bc_class_counts *counts = bc_calloc(classes, sizeof *counts);
    report->num_classes = dataset->task->num_labels;
    report->classes = bc_alloc(classes, sizeof *report->classes);
    report->confusions = bc_alloc(dataset->count, sizeof *report->confusions);
    if (counts && report->classes && report->confusions) {
        report->num_confusions = bc_count_confusions(dataset, logits, report->confusions);
        for (const bertc_confusion *c = report->confusions; c < report->confusions + report->num_confusions; c++) {
            counts[c->label].labels += c->count;
            counts[c->predicted].predictions += c->count;
            if (c->label == c->predicted) counts[c->label].correct = c->count;
        }
        score_classes(report, counts);
        qsort(report->confusions, report->num_confusions, sizeof *report->confusions, by_count);
    } else status = bc_fail_memory(err);
    bc_free(counts);
    return status;
}

void bertc_class_report_clear(bertc_class_report *report)
{
    if (!report) return;
    bc_free(report->classes);
    bc_free(report->confusions);
    *report = (bertc_class_report){0};
}
