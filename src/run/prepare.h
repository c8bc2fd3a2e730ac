/* Prepare a run, from its options to its first step, by three functions. Each makes its cheap checks first.
 *
 * Errors of all three: BERTC_USAGE, BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
#ifndef BC_RUN_PREPARE_H
#define BC_RUN_PREPARE_H

#include "run/run.h"

/* Check the options, open the model directory and resolve defaults, without reading data. */
bertc_status bc_run_open(bc_run *run, bertc_error *err);

/* Read and tokenise the data, open the model and match its labels. Plan steps, passes and the cache of frozen layers.
 * No weights are read. */
bertc_status bc_run_read_data(bc_run *run, bertc_error *err);

/* Read the weights and allocate the planned memory. Then, if the run has a folder, claim the folder: the journal is the
 * first file that is written. */
bertc_status bc_run_allocate(bc_run *run, bertc_error *err);

#endif
