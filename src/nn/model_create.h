/* The steps of making a model, for creating and for loading: plan the parameters, allocate memory, set the weights,
 * make the copies of weights that products read. */
#ifndef BC_NN_MODEL_CREATE_H
#define BC_NN_MODEL_CREATE_H

#include "nn/model.h"

/* Plan the parameters from m->config, m->heads and the options, without memory for values. heads: (num_heads) may be
 * null for one head. Errors: BERTC_USAGE, BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_model_plan(bertc_model *m, const bertc_model_options *options, const bc_head *heads, bertc_error *err);

/* Allocate the memory of a planned model and open its backend. Its weights are not set yet. Errors: BERTC_NOMEM; the
 * backend's errors. */
bertc_status bc_model_allocate(bertc_model *m, const bertc_model_options *options, bertc_error *err);

/* Set a parameter to its initial values (bc_param_row.init). */
void bc_param_initialize(const bc_param *param, const bertc_config *config, const bertc_model_options *options);

/* Make the copies of weights that products read, after the weights are set. Errors: BERTC_NOMEM; the backend's
 * errors. */
bertc_status bc_model_copy_weights(bertc_model *model, bertc_error *err);

/* Update the bf16 copies of all weights, after anything but bc_optim_step changed the weights. */
void bc_model_round(bertc_model *model);

#endif
