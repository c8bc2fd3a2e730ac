/* The weights of an adapter directory. A whole tensor, such as the classifier, replaces the base's tensor. A pair A, B
 * is added to a matrix of the base after the base is read. */
#ifndef BC_NN_ADAPTER_WEIGHTS_H
#define BC_NN_ADAPTER_WEIGHTS_H

#include "formats/adapter_config.h"
#include "formats/weights.h"
#include "nn/model.h"
#include "nn/values.h"

typedef struct bc_adapter_weights {
    bc_adapter_config config;     /* base null: the directory is not an adapter, and the other members are empty */
    bc_weights weights;
    char (*names)[BC_PARAM_NAME]; /* (tensors) the name of each tensor's parameter; the names of A and B end in
                                     "lora_A.weight" and "lora_B.weight" in place of "weight" */
} bc_adapter_weights;

/* Open the adapter in `dir`, if there is one. *adapter is {0} before; whatever the result, bc_adapter_weights_close
 * closes it. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_adapter_weights_open(const char *dir, bc_adapter_weights *adapter, bertc_error *err);
void bc_adapter_weights_close(bc_adapter_weights *adapter);

/* Find the whole tensor of a parameter, or null. */
const bc_tensor *bc_adapter_weights_find(const bc_adapter_weights *adapter, const char *name);

/* Check that every tensor belongs to the model and has the right shape. cut: the model has only the first layers of its
 * source, and tensors of the layers above them are not checked. Errors: BERTC_INPUT, with file and tensor. */
bertc_status bc_adapter_weights_check(const bc_adapter_weights *adapter, const bertc_model *model, bool cut,
                              bertc_error *err);

/* Add all pairs to the model's values: W += scale B A. Errors: BERTC_INPUT if a result is not finite, BERTC_IO,
 * BERTC_NOMEM. */
bertc_status bc_adapter_weights_merge(const bc_adapter_weights *adapter, const bertc_model *model, bertc_error *err);

/* Write values (see bc_model_save_values) as an adapter of the model directory `base`: bertc_labels.json,
 * adapter_config.json, adapter_model.safetensors. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_save_adapter(const bertc_model *model, int head, const bc_values *values, const char *base,
                                   const bc_dir *dir, bc_file_hashes *hashes, bertc_error *err);

#endif
