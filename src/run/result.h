/* The result of a run: model, tokenizer, scores, predictions and run.json, in the run folder. */
#ifndef BC_RUN_RESULT_H
#define BC_RUN_RESULT_H

#include "run/run.h"

/* Write the result and remove the checkpoints. Call bc_run_take_result_logits first. If the result cannot be written,
 * save the state as a checkpoint if possible. Errors: BERTC_DIVERGED, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_finish(bc_run *run, bertc_error *err);

/* Remove files of a result that an earlier process moved into the run folder. Errors: BERTC_USAGE naming a file that is
 * in the way of the result; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_remove_result(bc_run *run, bertc_error *err);

/* Remove the files of a finished run in checkpoint/. */
void bc_run_clear_work(bc_run *run);

#endif
