/* The evaluation splits of a run (--eval-splits), their reported metrics (--metrics) and the metric
 * of the best evaluation (--best-metric). */
#ifndef BC_RUN_EVAL_SPLITS_H
#define BC_RUN_EVAL_SPLITS_H

#include <stdint.h>

#include "bertc/train.h"

/* A split of a task, and the metrics that are reported of it. */
typedef struct bc_eval_split {
    const bertc_task *task;
    bertc_split split;
    bertc_metric_list metrics;
} bc_eval_split;

/* Parse a list of evaluation splits. An entry is a split of `task`, or the name of a task with the same labels, whose
 * dev split is used; the caller closes such a task. The list "dev" gives no split if a user's own task
 * has no dev split. Errors: BERTC_USAGE; those of bertc_task_open. */
bertc_status bc_eval_splits_parse(const char *list, const bertc_task *task, bc_eval_split splits[BERTC_MAX_EVALS],
                                  size_t *count, bertc_error *err);

/* Set the metrics of `count` splits to those of --metrics. Errors: BERTC_USAGE. */
bertc_status bc_reported_metrics_parse(const bertc_train_options *options, bc_eval_split *splits, size_t count,
                                       bertc_error *err);

/* Return the set of metrics whose values a resumed run needs: the metrics that `count` splits report, and that of
 * --best-metric. Bit m stands for metric m. */
uint32_t bc_needed_metrics(const bertc_train_options *options, const bc_eval_split *splits, size_t count);

/* Return the value of --best-metric in the scores of `task`, negated if a smaller value is better. */
double bc_best_metric_value(const bertc_train_options *options, const bertc_task *task, const bertc_scores *scores);

/* Check that the metric of --best-metric fits `task`, and that --keep best or --patience uses it. Errors:
 * BERTC_USAGE. */
bertc_status bc_best_metric_check(const bertc_train_options *options, const bertc_task *task, bertc_error *err);

/* Return the name of the metric of --best-metric: "accuracy". */
const char *bc_best_metric_name(const bertc_train_options *options, const bertc_task *task);

/* Describe constant predictions: "cola dev: acceptable is predicted for all 600 examples". Returns false if the
 * predictions are not constant. */
enum { BC_CONSTANT_TEXT = 160 };
bool bc_scores_describe_constant(bc_eval_split split, const bertc_scores *scores, char text[BC_CONSTANT_TEXT]);

#endif
