/* How the batches of a run are cut into passes, and the largest of them. */
#ifndef BC_RUN_PASSES_H
#define BC_RUN_PASSES_H

#include "run/run.h"

/* With the data in place: the examples of each step, the limits of passes, and what the workspace must hold. Errors:
 * BERTC_NOMEM. */
bertc_status bc_passes_plan(bc_run *run, bertc_error *err);

/* Set the most tokens of a pass, trained on or not, where passes are limited to so many; after the plan. */
void bc_passes_limit(const bc_run *run, size_t tokens, bertc_limits *limits);

#endif
