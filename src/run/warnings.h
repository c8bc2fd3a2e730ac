/* Warnings for the summary and run.json of a run. Each warning states a sign that the run did not learn. */
#ifndef BC_RUN_WARNINGS_H
#define BC_RUN_WARNINGS_H

#include "base/json.h"
#include "base/text.h"
#include "run/run.h"

/* Add the loss of a step on `examples` to the running mean of its task. `loss` is the loss before the update. Call it
 * before the step is counted. */
void bc_warnings_add_step(bc_run *run, const bc_examples *examples, double loss);

/* Append the warnings of `count` tasks from `task` on as a JSON array. */
void bc_warnings_record(bc_text *out, const bc_run *run, int task, int count);

/* Report every warning to the caller of the run; return their number. */
int bc_warnings_notify(const bc_run *run);

/* Report the warnings that a finished run recorded; return their number. */
int bc_warnings_notify_recorded(const cJSON *array, const bertc_notify *notify);

#endif
