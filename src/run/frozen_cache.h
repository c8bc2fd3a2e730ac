/* The stages of a run that are frozen for good, computed once (--cache-memory, --cache-disk, --cache-dir).
 *
 * 1. What is kept are the outputs of those stages for all splits, each where it is read more than once. The
 *    embeddings alone are computed as fast as they are read.
 * 2. A cache that is found in --cache-dir is checked whole before the run writes anything.
 * 3. It rests on bertc_model_options.settled: what is kept is what any batch would have. */
#ifndef BC_RUN_FROZEN_CACHE_H
#define BC_RUN_FROZEN_CACHE_H

#include "run/run.h"

/* What is kept and where, in what the run's other parts leave of memory and of the disk. */
void bc_frozen_cache_plan(bc_run *run);

/* With weights, workspace and data in place. A run without a folder writes no file. Errors: BERTC_INPUT where
 * a file in --cache-dir is damaged; BERTC_IO where none can be made there; BERTC_NOMEM. */
bertc_status bc_frozen_cache_open(bc_run *run, bertc_error *err);

/* Between two steps: what has become whole is kept for later runs. */
void bc_frozen_cache_publish(bc_run *run);

#endif
