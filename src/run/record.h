/* Write and read the JSON files of a result: eval.json and run.json. */
#ifndef BC_RUN_RECORD_H
#define BC_RUN_RECORD_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "run/run.h"

/* Append eval.json for `count` tasks from `task` on: the scores of the resulting weights, as one object, or as an array
 * if there are several splits. */
void bc_record_evals(bc_text *out, const bc_run *run, int task, int count);

/* Append run.json. `folder` contains the other files of the result. The content does not depend on interruptions of the
 * run. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_record_run(bc_text *out, const bc_run *run, const char *folder, bertc_error *err);

/* Append the run.json of one of several tasks, for the folder of the task; it has no command and lists no files. */
void bc_record_task(bc_text *out, const bc_run *run, int task);

/* Read the result of the finished run in the run's folder. Its options must be equal to this run's, and its files must
 * match run.json. Errors: BERTC_USAGE naming the option that differs; BERTC_INPUT naming the damaged file. */
bertc_status bc_record_read(const bc_run *run, bertc_train_result *result, bertc_error *err);

#endif
