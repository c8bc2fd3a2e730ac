/* From the data to a plan: all that can be known without the weights. */
#ifndef BC_RUN_SURVEY_H
#define BC_RUN_SURVEY_H

#include "run/run.h"

/* Read data, open the model, match labels, tokenise, plan steps, passes and what is kept of frozen stages. Errors:
 * BERTC_USAGE, BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_run_survey(bc_run *run, bertc_error *err);

/* How the model of a run is opened and read. */
bertc_model_options bc_run_model_options(const bc_run *run);

#endif
