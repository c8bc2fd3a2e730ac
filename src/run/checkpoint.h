/* The files in checkpoint/ and their names. See docs/run-folder.md. */
#ifndef BC_RUN_CHECKPOINT_H
#define BC_RUN_CHECKPOINT_H

#include "nn/values.h"
#include "run/run.h"

/* Save a checkpoint, or the weights that are now the best of a task. Errors: BERTC_DIVERGED where the weights are not
 * finite; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_checkpoint_save(bc_run *run, bertc_error *err);
bertc_status bc_checkpoint_save_best(bc_run *run, bertc_error *err);

/* Open a lane's best weights, a block in table order; `file` is to be closed, also after an error. */
bertc_status bc_checkpoint_open_best(const bc_run *run, int task, bc_weights *file, bc_values *values,
                                     bertc_error *err);

/* Open checkpoint/PREFIX-STEP.safetensors and verify it, as bc_hashed_file_open does; close it after an error too. */
bertc_status bc_checkpoint_open(const bc_run *run, const char *prefix, int64_t step, bc_weights *file,
                                bertc_error *err);

/* Note a checkpoint of this state that stays: 0 the newest, 1 the one before. */
void bc_checkpoint_remember(bc_run *run, int at, const bc_state *state);

#endif
