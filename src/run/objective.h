/* The loss of a run: class weights and label smoothing, from options to bc_objective. */
#ifndef BC_RUN_OBJECTIVE_H
#define BC_RUN_OBJECTIVE_H

#include "run/run.h"

/* Parse --class-weights and --label-smoothing, and check them against the task. Errors: BERTC_USAGE. */
bertc_status bc_objective_parse(const bertc_train_options *options, bc_run_task *task, bertc_error *err);

/* With --class-weights balanced, compute the weights from the n training examples, of which n[c] have label c:
 *
 *   classification  n / (C * n[c])
 *   multi-label     (n - n[c]) / n[c], at most 100; 1 if no example has the label
 *
 * Put the weights into the order of the model's labels: map[i] is the model's index of the task's label i. Errors:
 * BERTC_INPUT naming a class without an example. */
bertc_status bc_objective_resolve(const bc_run *run, bc_run_task *task, const bertc_dataset *train,
                                  const int32_t *map, bertc_error *err);

/* Return the divisor of a batch's loss: the number of its examples, or with the weights of a classification the sum of
 * the weights of their classes. */
double bc_objective_divisor(const bc_run_task *task, const bc_examples *examples);

#endif
