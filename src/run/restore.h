/* A run that goes on: its mark, and its newest whole checkpoint. */
#ifndef BC_RUN_RESTORE_H
#define BC_RUN_RESTORE_H

#include "run/run.h"

/* Mark the run's folder, or compare the mark that it bears with this run and take back what an earlier process
 * put there of a result. Before any other file. Errors: BERTC_USAGE naming what differs, or a file that is in the
 * way of the result; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_claim_folder(bc_run *run, bertc_error *err);

/* Take the newest whole checkpoint of a run that was furnished, where there is one. Errors: BERTC_USAGE where it is
 * another run's; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_restore(bc_run *run, bertc_error *err);

#endif
