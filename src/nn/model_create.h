/* The steps in which a model is made, for creating and for loading: laid out, furnished, its weights set, copied. */
#ifndef BC_NN_MODEL_CREATE_H
#define BC_NN_MODEL_CREATE_H

#include "nn/model.h"

/* Settle everything that follows from m->config, m->num_heads and the options: the parameters, without memory. `heads`
 * (num_heads) may be null for one. Errors: BERTC_USAGE, BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_model_lay_out(bertc_model *m, const bertc_model_options *options, const bc_head *heads,
                              bertc_error *err);

/* Memory and a backend for a model that is laid out; its weights are not yet set. Errors: BERTC_NOMEM, the
 * backend's. */
bertc_status bc_model_allocate(bertc_model *m, const bertc_model_options *options, bertc_error *err);

/* Set a parameter's values as its row says. */
void bc_param_initialize(const bc_param *param, const bertc_config *config, const bertc_model_options *options);

/* The copies that products read, once the weights are set. Errors: BERTC_NOMEM, the backend's. */
bertc_status bc_model_copy_weights(bertc_model *model, bertc_error *err);

/* Renew the bf16 copies of all weights, after they were changed by anything but bc_optim_step. */
void bc_model_round(bertc_model *model);

#endif
