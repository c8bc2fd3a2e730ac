/* The memory that a run needs, by part: computed before the memory is allocated, and compared with the available
 * memory.
 *
 * The sizes come from the plans by which the run allocates: the parameter table, the plan of the workspace and the
 * tokenised data. They are upper bounds: pages of the workspace that no batch uses take no memory. */
#ifndef BC_RUN_MEMORY_H
#define BC_RUN_MEMORY_H

#include "run/run.h"

/* Compute the parts of a run that has read its data, for passes of these limits. Returns the sum; SIZE_MAX on
 * overflow. */
size_t bc_memory_parts(const bc_run *run, const bertc_limits *limits, bertc_memory_part parts[BERTC_MEMORY_PARTS]);

/* Find options with which the run fits into `capacity` bytes, as text for the command line: smaller passes, else
 * checkpointing, else both. Empty if the run does not fit at all. */
void bc_memory_advise(const bc_run *run, size_t capacity, char *out, size_t size);

/* Check that a run that has read its data fits into memory. Errors: BERTC_NOMEM with the memory needed, the memory
 * available and the options that help. */
bertc_status bc_memory_check(const bc_run *run, bertc_error *err);

/* Report the error `why` of allocating the memory of a pass. If it is BERTC_NOMEM, append the options that help.
 * Returns `status`. */
bertc_status bc_memory_explain(bertc_status status, const bertc_error *why, bertc_error *err);

/* Check that the weights of an open model, inference passes of these limits and `results` bytes fit into memory in
 * addition to the memory that the process already uses. Errors: BERTC_NOMEM with the memory needed and the memory
 * available. */
bertc_status bc_memory_check_inference(const bertc_model *model, const char *backend, const bertc_limits *limits,
                                       size_t results, bertc_error *err);

#endif
