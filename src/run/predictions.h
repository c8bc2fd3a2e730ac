/* The predictions of a result: predictions.dev.jsonl, predictions.mnli-mm.dev.jsonl, ..., a file for each evaluation
 * split. A line is an example (bc_put_prediction), in the order of the data. */
#ifndef BC_RUN_PREDICTIONS_H
#define BC_RUN_PREDICTIONS_H

#include "run/run.h"

/* The name of the file of a task's evaluation split: "predictions.SPLIT.jsonl", or "predictions.TASK.SPLIT.jsonl" for a
 * split of another task. The names of a task's splits are different. */
enum { BC_PREDICTIONS_NAME = 256 };
void bc_predictions_name(const bc_run_task *task, size_t split, char out[BC_PREDICTIONS_NAME]);

/* The size of the predictions of a split, rounded up: an estimate before they are known. */
double bc_predictions_bytes(const bc_run_task *task, size_t split);

/* Write the predictions of all evaluation splits of a task, whose logits are those of the result, to `dir`.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_predictions_write(bc_run *run, int task, const bc_dir *dir, bertc_error *err);

#endif
