/* Outputs of stages that stay frozen for the whole run are computed once and cached (--cache-memory, --cache-disk,
 * --cache-dir).
 *
 * 1. A split is cached if the run reads it more than once, or for later runs with --cache-dir. If only the embeddings
 *    are frozen, nothing is cached: computing them is as fast as reading them.
 * 2. A cache in --cache-dir is checked completely before the run writes anything.
 * 3. bertc_model_options.batch_invariant makes cached outputs the same as those of any batch. */
#ifndef BC_RUN_FROZEN_CACHE_H
#define BC_RUN_FROZEN_CACHE_H

#include "run/run.h"

/* Plan which outputs are cached in memory and on disk, within what the other parts of the run leave. */
void bc_frozen_cache_plan(bc_run *run);

/* Open the planned caches, when weights, workspace and data are ready. A run without a folder writes no file. Errors:
 * BERTC_INPUT if a file in --cache-dir is damaged; BERTC_IO if a file cannot be created there; BERTC_NOMEM. */
bertc_status bc_frozen_cache_open(bc_run *run, bertc_error *err);

/* Give the caches in --cache-dir that are complete their final names, so that later runs find them. To be called
 * between two steps. */
void bc_frozen_cache_publish(bc_run *run);

#endif
