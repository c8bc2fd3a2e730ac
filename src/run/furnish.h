/* From the plan to a run that can step: the weights and everything that was planned. */
#ifndef BC_RUN_FURNISH_H
#define BC_RUN_FURNISH_H

#include "run/run.h"

/* Where the run has a folder it is marked, which is the first that is written. Errors: BERTC_USAGE, BERTC_INPUT,
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_furnish(bc_run *run, bertc_error *err);

#endif
