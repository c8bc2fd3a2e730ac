/* Evaluation during a run. */
#ifndef BC_RUN_EVALUATION_H
#define BC_RUN_EVALUATION_H

#include "run/run.h"

/* Score all splits of all tasks, keep the weights where those of one are the best so far, and log it. Errors: those
 * of bc_eval_run; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_evaluate(bc_run *run, bertc_error *err);

#endif
