/* Thresholds of multi-label predictions in a run and beside a model: thresholds.json, {"thresholds":{"joy":0.31,...}},
 * which has a probability for each of the model's labels. */
#ifndef BC_RUN_THRESHOLDS_H
#define BC_RUN_THRESHOLDS_H

#include "run/run.h"

#define BC_THRESHOLDS_FILE "thresholds.json"

/* Check that a task of the run has thresholds if --tune-thresholds is given. Errors: BERTC_USAGE. */
bertc_status bc_thresholds_check(const bc_run *run, bertc_error *err);

/* With --tune-thresholds, choose the thresholds of each multi-label task on its first evaluation split, and score all
 * of its splits with them. The logits are those of the result. Errors: BERTC_NOMEM; those of bertc_task_score. */
bertc_status bc_thresholds_tune(bc_run *run, bertc_error *err);

/* Write the tuned thresholds of a task, if it has any, to `dir`. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_thresholds_write(bc_run *run, int task, const bc_dir *dir, bertc_error *err);

/* Read the thresholds beside the model in `dir`. *thresholds (num_labels) receives them in the order of the config's
 * labels, null if there is no such file; bc_free releases it. Errors: BERTC_INPUT if the file is damaged or does not
 * have exactly the config's labels; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_thresholds_read(const char *dir, const bertc_config *config, double **thresholds, bertc_error *err);

#endif
