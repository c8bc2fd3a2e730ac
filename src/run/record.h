/* Write and read the JSON files of a result: eval.json and run.json. */
#ifndef BC_RUN_RECORD_H
#define BC_RUN_RECORD_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "run/run.h"

/* Append eval.json for `count` tasks from `task` on: the scores of the weights that are the result, as one object or,
 * for several splits, as an array. */
void bc_record_evals(bc_text *out, const bc_run *run, int task, int count);

/* Append run.json. The other files of the result are in `folder`. The content does not depend on when or how often the
 * run was interrupted. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_record_run(bc_text *out, const bc_run *run, const char *folder, bertc_error *err);

/* Append the run.json of one task of several, for its own folder; it does not list files. */
void bc_record_task(bc_text *out, const bc_run *run, int task);

/* Read the result of the finished run in the run's folder. Its options must be those of this run, and its files those
 * that run.json lists. Errors: BERTC_USAGE naming the option that differs; BERTC_INPUT naming the damaged file. */
bertc_status bc_record_read(const bc_run *run, bertc_train_result *result, bertc_error *err);

#endif
