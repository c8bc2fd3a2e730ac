/* The tasks of a run (--task), and the splits that it scores (--eval-splits): the first decides what is best. */
#ifndef BC_RUN_EVAL_SPLITS_H
#define BC_RUN_EVAL_SPLITS_H

#include "bertc/train.h"

/* Read "a,b,c" into tasks. Errors: BERTC_USAGE naming a task that is unknown, has no training data, of
 * several none of its own, or stands there twice. */
bertc_status bc_task_list_parse(const char *list, const bertc_task *tasks[BERTC_MAX_TASKS], int *count,
                               bertc_error *err);

/* A split of a task. */
typedef struct bc_eval_split {
    const bertc_task *task;
    bertc_split split;
} bc_eval_split;

/* Read a list: names of splits of `task`, or of other tasks with the same labels, whose dev split is
 * meant. Errors: BERTC_USAGE. */
bertc_status bc_eval_splits_parse(const char *list, const bertc_task *task,
                            bc_eval_split eval_split[BERTC_MAX_EVALS], size_t *count, bertc_error *err);

/* The value of --best-metric in scores of `task`, the larger the better. */
double bc_best_metric_value(const bertc_train_options *options, const bertc_task *task, const bertc_scores *scores);

/* Whether `task` has the metric of --best-metric, and whether there is something to choose or to wait
 * for by it. Errors: BERTC_USAGE. */
bertc_status bc_best_metric_check(const bertc_train_options *options, const bertc_task *task, bertc_error *err);

/* "accuracy": what is best by --best-metric. */
const char *bc_best_metric_name(const bertc_train_options *options, const bertc_task *task);

/* "cola dev: acceptable is predicted for all 600 examples", where predictions are alike; false: they are not. */
enum { BC_CONSTANT_TEXT = 160 };
bool bc_scores_describe_constant(bc_eval_split eval_split, const bertc_scores *scores, char text[BC_CONSTANT_TEXT]);

#endif
