/* From options to a run that can step. What can be refused is refused in this order, the cheap checks first.
 *
 * All three: BERTC_USAGE, BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
#ifndef BC_RUN_PREPARE_H
#define BC_RUN_PREPARE_H

#include "run/run.h"

/* Without reading data: check the options and the model directory, and fill in what was left to bertc. */
bertc_status bc_run_open(bc_run *run, bertc_error *err);

/* Without the weights: read data, open the model, match labels, tokenise, plan steps, passes and what is kept of
 * frozen stages. */
bertc_status bc_run_read_data(bc_run *run, bertc_error *err);

/* The weights and everything that was planned. Where the run has a folder it is marked, which is the first that is
 * written. */
bertc_status bc_run_allocate(bc_run *run, bertc_error *err);

#endif
