/* How the batches of a run are split into passes, and the size of the largest pass. A pass is a forward and backward
 * computation of some examples of a batch (a micro-batch), or the forward computation of some examples of an
 * evaluation. */
#ifndef BC_RUN_PASSES_H
#define BC_RUN_PASSES_H

#include "run/run.h"

/* Compute the size of the largest batch and the limits of training and evaluation passes. The data must have been read.
 * Errors: BERTC_NOMEM. */
bertc_status bc_passes_plan(bc_run *run, bertc_error *err);

/* Set in *limits the numbers of tokens of the largest training pass and of the largest pass of any kind, if a pass has
 * at most `tokens` tokens. Call it after bc_passes_plan. */
void bc_passes_limit(const bc_run *run, size_t tokens, bertc_limits *limits);

#endif
