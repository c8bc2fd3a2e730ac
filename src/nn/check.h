/* What a model can be asked for. */
#ifndef BC_NN_CHECK_H
#define BC_NN_CHECK_H

#include "nn/workspace.h"

/* Is every option in its range; are there so many stages and layers? Errors: BERTC_USAGE. */
bertc_status bc_model_check_options(const bertc_model_options *options, bertc_error *err);
bertc_status bc_model_check_stages(const bertc_model_options *options, const bertc_config *config, bertc_error *err);

/* Was the workspace made for this model? Does a batch fit both: ids, types, positions, lengths?
 * Errors: BERTC_USAGE, BERTC_INPUT. */
bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err);

#endif
