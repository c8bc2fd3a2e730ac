/* What a run's loss asks for: class weights and label smoothing, from options to bc_objective. */
#ifndef BC_RUN_OBJECTIVE_H
#define BC_RUN_OBJECTIVE_H

#include "run/run.h"

/* Check --class-weights and --label-smoothing against the task, and take the weights that are given.
 * Errors: BERTC_USAGE. */
bertc_status bc_objective_parse(const bertc_train_options *options, bc_run_task *task, bertc_error *err);

/* Bring the weights, or the balanced ones n / (C * n[c]) of the n training examples, into the model's
 * order: map[i] is its class of the task's label i. Errors: BERTC_INPUT naming a class without an
 * example to balance. */
bertc_status bc_objective_resolve(const bc_run *run, bc_run_task *task, const bertc_dataset *train,
                                 const int32_t *map, bertc_error *err);

/* What a batch's loss is divided by: its examples, or the sum of their labels' weights. */
double bc_objective_divisor(const bc_run_task *task, const bc_examples *examples);

#endif
