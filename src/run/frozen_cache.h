/* Outputs of stages that stay frozen for the whole run are computed once and cached (--cache-memory, --cache-disk,
 * --cache-dir).
 *
 * 1. A split is cached if the run reads it more than once. With --cache-dir every split is cached, for later runs. If
 *    only the embeddings are frozen, nothing is cached: computing them is as fast as reading them.
 * 2. A cache in --cache-dir is checked completely before the run writes anything.
 * 3. bertc_model_options.batch_invariant makes cached outputs the same as the outputs in any batch. */
#ifndef BC_RUN_FROZEN_CACHE_H
#define BC_RUN_FROZEN_CACHE_H

#include "run/run.h"

/* Plan which outputs are cached in memory and which on disk, within the memory and disk space that the other parts of
 * the run leave. */
void bc_frozen_cache_plan(bc_run *run);

/* Open the planned caches. Weights, workspace and data must be ready. A run without a folder writes no file. Errors:
 * BERTC_INPUT if a file in --cache-dir is damaged; BERTC_IO if a file cannot be created there; BERTC_NOMEM. */
bertc_status bc_frozen_cache_open(bc_run *run, bertc_error *err);

/* Give each complete cache in --cache-dir its final name, so that later runs find it. To be called between two
 * steps. */
void bc_frozen_cache_publish(bc_run *run);

#endif
