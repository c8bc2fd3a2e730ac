/* The result of a run: model, tokenizer, scores and record, in the run folder. */
#ifndef BC_RUN_RESULT_H
#define BC_RUN_RESULT_H

#include "run/run.h"

/* Write the result and take the checkpoints away. Where that fails the training is saved as a checkpoint if that
 * can be. Errors: BERTC_DIVERGED, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_finish(bc_run *run, bertc_error *err);

/* Take back what an earlier process put there of a result. Errors: BERTC_USAGE naming a file that is in the way of
 * the result; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_remove_result(bc_run *run, bertc_error *err);

/* A finished run needs nothing in checkpoint/. */
void bc_run_clear(bc_run *run);

#endif
