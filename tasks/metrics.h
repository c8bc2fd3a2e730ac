/* What metrics are computed from. A metric is a row of the table in metrics.c: a function of these numbers. */
#ifndef BC_TASKS_METRICS_H
#define BC_TASKS_METRICS_H

#include <stddef.h>

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

    /* Classes */
    int classes;
    const bc_class_counts *counts; /* (classes) */
    size_t exact;                  /* examples whose predicted labels are exactly their labels */
    double auc, average_precision; /* see tasks/ranking.h */

    /* Values */
    const double *targets, *values;            /* (examples) */
    const double *target_ranks, *value_ranks;  /* (examples) ranks from 1, ties share the mean of theirs */
} bc_outcome;

#endif
