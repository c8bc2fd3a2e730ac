/* A step of a run. */
#ifndef BC_RUN_STEP_H
#define BC_RUN_STEP_H

#include "run/run.h"

/* What a step did, for the log. */
typedef struct bc_step_report {
    const char *task; /* where there are several */
    double loss, lr, norm, seconds;
    int64_t tokens;
} bc_step_report;

/* Do the next step. Errors: those of bc_trainer_step; after one the run stands where it stood. */
bertc_status bc_run_update(bc_run *run, bc_step_report *report, bertc_error *err);

/* And log it. Errors: BERTC_IO too. */
bertc_status bc_run_step(bc_run *run, bc_step_report *report, bertc_error *err);

#endif
