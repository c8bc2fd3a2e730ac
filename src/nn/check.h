/* Checks of the arguments of public functions. */
#ifndef BC_NN_CHECK_H
#define BC_NN_CHECK_H

#include "nn/workspace.h"

/* Check that every option is in its range. Errors: BERTC_USAGE. */
bertc_status bc_model_check_options(const bertc_model_options *options, bertc_error *err);

/* Check that the model has the stages and layers that the options select. Errors: BERTC_USAGE. */
bertc_status bc_model_check_stages(const bertc_model_options *options, const bertc_config *config, bertc_error *err);

/* Check that the workspace was made for this model, and that the batch's ids, types, positions and lengths fit both.
 * Errors: BERTC_USAGE, BERTC_INPUT. */
bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err);

#endif
