/* Signs that a run did not learn, for its summary and for run.json. */
#ifndef BC_RUN_WARNINGS_H
#define BC_RUN_WARNINGS_H

#include "base/json.h"
#include "base/text.h"
#include "run/run.h"

/* A step trained on these examples, at this loss before its update; call it before the step is counted. */
void bc_warnings_add_step(bc_run *run, const bc_examples *examples, double loss);

/* The signs of so many lanes from `lane` on as a JSON array. */
void bc_warnings_record(bc_text *out, const bc_run *run, int task, int count);

/* Say each of them to the run's caller; how many there are. */
int bc_warnings_notify(const bc_run *run);

/* The same from the array that a finished run left. */
int bc_warnings_notify_recorded(const cJSON *array, const bertc_notify *notify);

#endif
