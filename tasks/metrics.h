/* What metrics are computed from. A metric is a row of the table in metrics.c: a function of these numbers. */
#ifndef BC_TASKS_METRICS_H
#define BC_TASKS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/task.h"

/* Examples of one class: with it as a label, with it as a prediction, with both. */
typedef struct bc_class_counts {
    size_t labels, predictions, correct;
} bc_class_counts;

/* Scores of a class. A quotient 0/0 is 0. */
double bc_precision(const bc_class_counts *counts);
double bc_recall(const bc_class_counts *counts);
double bc_f1(const bc_class_counts *counts);

/* The labels and predictions of all examples. */
typedef struct bc_outcome {
    size_t examples;
    double loss; /* mean over the examples */

    /* Classes, or labels of sets */
    int classes;
    bool sets;                     /* an example has any number of labels */
    const bc_class_counts *counts; /* (classes) */
    size_t exact;                  /* examples whose predicted labels are exactly their labels */
    double auc, average_precision; /* see tasks/ranking.h */

    /* Values */
    const double *targets, *values;            /* (examples) */
    const double *target_ranks, *value_ranks;  /* (examples) ranks from 1, ties share the mean of theirs */
} bc_outcome;

/* Count the labels of an example and the labels that are predicted for it, both rising. counts (C) in and out. */
void bc_count_set(const bertc_example *example, const int32_t *predicted, size_t num_predicted,
                  bc_class_counts *counts);

#endif
