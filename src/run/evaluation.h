/* Evaluation during a run. */
#ifndef BC_RUN_EVALUATION_H
#define BC_RUN_EVALUATION_H

#include "run/run.h"

/* Score all evaluation splits of all tasks and log the scores. With --keep best, save the weights if a task has a new
 * best score. Errors: those of bc_eval_run; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_evaluate(bc_run *run, bertc_error *err);

#endif
