/* Evaluation during a run. */
#ifndef BC_RUN_EVALUATION_H
#define BC_RUN_EVALUATION_H

#include "run/run.h"

/* Score all evaluation splits of all tasks and log the scores. With --keep best, save the weights if a task has a new
 * best score. Errors: those of bc_eval_run; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_evaluate(bc_run *run, bertc_error *err);

/* Make the logits of all evaluation splits those of the weights that are the result: compute them again if the run was
 * resumed after its last evaluation, and read those of earlier best weights. Errors: those of bc_eval_run and of
 * bc_checkpoint_read_best_logits. */
bertc_status bc_run_take_result_logits(bc_run *run, bertc_error *err);

#endif
