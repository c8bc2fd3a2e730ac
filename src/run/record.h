/* The JSON that a run leaves: scores, run.json; and reading them back. */
#ifndef BC_RUN_RECORD_H
#define BC_RUN_RECORD_H

#include <cjson/cJSON.h>

#include "base/text.h"
#include "run/run.h"

/* eval.json of so many lanes: the scores of the weights that are kept; of several splits an array. */
void bc_record_evals(bc_text *out, const bc_run *run, int task, int count);

/* The whole of run.json, when everything else lies in `folder`. Nothing in it depends on when or how often
 * the run was interrupted. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_record_run(bc_text *out, const bc_run *run, const char *folder, bertc_error *err);

/* The same of one task of several, for its folder, without the files. */
void bc_record_task(bc_text *out, const bc_run *run, int task);

/* The result of a finished run in the run's folder, after its options were compared with the run's and
 * its files with what run.json says of them. Errors: BERTC_USAGE; BERTC_INPUT naming what is damaged. */
bertc_status bc_record_read(const bc_run *run, bertc_train_result *result, bertc_error *err);

#endif
