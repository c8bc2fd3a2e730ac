/* What a run will hold in memory, by part, before it holds it; and whether that can be had.
 *
 * The figures are those of the plans that the run allocates by: the parameter table, the workspace's
 * arena over no memory, the tokenised data. They are the most that the run can come to: pages of
 * the workspace that no batch reaches are not in memory. */
#ifndef BC_RUN_MEMORY_H
#define BC_RUN_MEMORY_H

#include "run/run.h"

/* The parts of a run that was surveyed, with these limits. Returns their sum; SIZE_MAX on
 * overflow. */
size_t bc_memory_parts(const bc_run *run, const bertc_limits *limits, bertc_memory_part parts[BERTC_MEMORY_PARTS]);

/* The first change of options with which the run fits into `room` bytes, as text for the command
 * line: smaller passes, checkpointing, both. Empty where nothing is enough. */
void bc_memory_advise(const bc_run *run, size_t capacity, char *out, size_t size);

/* Does a run that was surveyed fit? Errors: BERTC_NOMEM saying what it needs, what there is and
 * what would help. */
bertc_status bc_memory_check(const bc_run *run, bertc_error *err);

/* Say after memory for passes was refused (BERTC_NOMEM), which options make them smaller; other errors stay as they
 * are. Returns `status`. */
bertc_status bc_memory_explain(bertc_status status, const bertc_error *why, bertc_error *err);

/* Can a model that was opened be read and applied in passes of these limits, beside what is in memory now and so
 * many bytes of results? Errors: BERTC_NOMEM saying what is needed and what there is. */
bertc_status bc_memory_check_inference(const bertc_model *model, const char *backend, const bertc_limits *limits,
                                     size_t results, bertc_error *err);

#endif
