/* The checkpoints of a run: files in checkpoint/ (docs/run-folder.md). */
#ifndef BC_RUN_CHECKPOINT_H
#define BC_RUN_CHECKPOINT_H

#include "nn/values.h"
#include "run/run.h"

/* Save a checkpoint. Errors: BERTC_DIVERGED if the weights are not finite; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_checkpoint_save(bc_run *run, bertc_error *err);

/* Save the current weights as the best weights of a task so far, and the logits that they gave for all evaluation
 * splits. Errors: those of bc_checkpoint_save. */
bertc_status bc_checkpoint_save_best(bc_run *run, bertc_error *err);

/* Verify the file of the best weights of a step. Errors: those of bc_hashed_file_open. */
bertc_status bc_checkpoint_check_best(const bc_run *run, int64_t step, bertc_error *err);

/* Read the logits of the best weights of a task into the task's evaluation splits. Errors: those of
 * bc_hashed_file_open. */
bertc_status bc_checkpoint_read_best_logits(bc_run *run, int task, bertc_error *err);

/* Open the file of the best weights of a task. Sets *values to all weights, in the order of the parameter table. Close
 * `file` also after an error. Errors: those of bc_hashed_file_open. */
bertc_status bc_checkpoint_open_best(const bc_run *run, int task, bc_weights *file, bc_values *values,
                                     bertc_error *err);

/* Open and verify checkpoint/PREFIX-STEP.safetensors. Close `file` also after an error. Errors: those of
 * bc_hashed_file_open. */
bertc_status bc_checkpoint_open(const bc_run *run, const char *prefix, int64_t step, bc_weights *file,
                                bertc_error *err);

/* Record in run->saving that the checkpoint of `state` is kept: as the newest (index 0) or the second newest (index
 * 1). */
void bc_checkpoint_remember(bc_run *run, int index, const bc_state *state);

#endif
