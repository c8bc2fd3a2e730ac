/* Resuming a run: its journal, and its newest valid checkpoint. */
#ifndef BC_RUN_RESTORE_H
#define BC_RUN_RESTORE_H

#include "run/run.h"

/* Begin the journal of the run's folder. If the folder has a journal, compare it with this run, and remove files of a
 * result that an earlier process moved into the folder. Call it before any other file is written. Errors: BERTC_USAGE
 * naming what differs, or a file that is in the way of the result; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_claim_folder(bc_run *run, bertc_error *err);

/* Read the newest valid checkpoint, if any, into an allocated run. Errors: BERTC_USAGE if the checkpoint belongs to
 * another run; BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_restore(bc_run *run, bertc_error *err);

#endif
