/* A step of a run. */
#ifndef BC_RUN_STEP_H
#define BC_RUN_STEP_H

#include "run/run.h"

/* What a step did, for the log and the progress line. */
typedef struct bc_step_report {
    const char *task; /* name of the task if the run has several; else null */
    double loss, lr, norm, seconds;
    int64_t tokens;
} bc_step_report;

/* Do the next step without logging it. Errors: those of bc_trainer_step; after an error the run's state is
 * unchanged. */
bertc_status bc_run_update(bc_run *run, bc_step_report *report, bertc_error *err);

/* Do the next step and log it. Errors: those of bc_run_update; BERTC_IO. */
bertc_status bc_run_step(bc_run *run, bc_step_report *report, bertc_error *err);

#endif
