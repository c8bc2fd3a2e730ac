/* How the batches of a run are split into passes, and the size of the largest pass. */
#ifndef BC_RUN_PASSES_H
#define BC_RUN_PASSES_H

#include "run/run.h"

/* Plan the passes of a run that has its data: the largest batch, and the limits of training and evaluation passes.
 * Errors: BERTC_NOMEM. */
bertc_status bc_passes_plan(bc_run *run, bertc_error *err);

/* Set the numbers of tokens of the largest training pass and of the largest pass of all, for passes of at most `tokens`
 * tokens. To be called after bc_passes_plan. */
void bc_passes_limit(const bc_run *run, size_t tokens, bertc_limits *limits);

#endif
