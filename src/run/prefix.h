/* The stages of a run that are frozen for good, computed once (--cache-memory, --cache-disk, --cache-dir).
 *
 * 1. What is kept are the outputs of those stages for all splits, each where it is read more than once. The
 *    embeddings alone are computed as fast as they are read.
 * 2. A cache that is found in --cache-dir is checked whole before the run writes anything.
 * 3. It rests on bertc_model_options.settled: what is kept is what any batch would have. */
#ifndef BC_RUN_PREFIX_H
#define BC_RUN_PREFIX_H

#include "train/cache.h"

struct bc_run;

typedef struct bc_prefix {
    int stage;            /* the first that is not in it; 0: nothing is kept */
    bertc_batch *missing; /* of any cache, while they are computed */
    uint32_t *order;
} bc_prefix;

/* What is kept and where, in what the run's other parts leave of memory and of the disk. */
void bc_prefix_plan(struct bc_run *run);

/* Bytes of memory that it will take. */
size_t bc_prefix_memory(const struct bc_run *run);

/* With weights, workspace and data in place. A run without a folder writes no file. Errors: BERTC_INPUT where
 * a file in --cache-dir is damaged; BERTC_IO where none can be made there; BERTC_NOMEM. */
bertc_status bc_prefix_open(struct bc_run *run, bertc_error *err);

/* Between two steps: what has become whole is kept for later runs. */
void bc_prefix_keep(struct bc_run *run);

void bc_prefix_close(bc_prefix *prefix);

#endif
