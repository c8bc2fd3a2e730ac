/* The start of a run: what can be refused without reading data. */
#ifndef BC_RUN_OPEN_H
#define BC_RUN_OPEN_H

#include "run/run.h"

/* Check the options and the model directory, and fill in what was left to bertc. Errors: BERTC_USAGE, BERTC_INPUT,
 * BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_open(bc_run *run, bertc_error *err);

#endif
