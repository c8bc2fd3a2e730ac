/* An adapter directory as a model's weights: over those of its base lie whole tensors (the classifier),
 * and beside matrices of it lie pairs A, B, which are added in once the base is read. */
#ifndef BC_NN_ADAPTER_WEIGHTS_H
#define BC_NN_ADAPTER_WEIGHTS_H

#include "formats/adapter_config.h"
#include "formats/weights.h"
#include "nn/model.h"
#include "nn/values.h"

typedef struct bc_adapter_weights {
    bc_adapter_config config; /* base null: the directory was no adapter, and the rest is empty */
    bc_weights weights;
    char (*names)[BC_PARAM_NAME]; /* of its tensors: the parameter's, or with "lora_A.weight" at its end */
} bc_adapter_weights;

/* Open what `dir` holds of an adapter. Starts as {0}, closed by bc_adapter_weights_close in any case. Errors:
 * BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
bertc_status bc_adapter_weights_open(const char *dir, bc_adapter_weights *adapter, bertc_error *err);
void bc_adapter_weights_close(bc_adapter_weights *adapter);

/* The tensor that stands for a parameter as a whole, or null. */
const bc_tensor *bc_adapter_weights_find(const bc_adapter_weights *adapter, const char *name);

/* Is every tensor understood, and does it fit? Those of layers above the model's are passed over where
 * it is `cut` from a larger one. Errors: BERTC_INPUT naming file and tensor. */
bertc_status bc_adapter_weights_check(const bc_adapter_weights *adapter, const bertc_model *model, bool cut,
                              bertc_error *err);

/* W += scale B A in the model's values. Errors: BERTC_INPUT where the result is not finite;
 * BERTC_NOMEM. */
bertc_status bc_adapter_weights_merge(const bc_adapter_weights *adapter, const bertc_model *model, bertc_error *err);

/* Write values (as bc_model_save_values) as an adapter of the model directory `base`:
 * bertc_labels.json, adapter_config.json, adapter_model.safetensors. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_model_save_adapter(const bertc_model *model, int head, const bc_values *values, const char *base,
                                   const bc_dir *dir, bc_file_hashes *ledger, bertc_error *err);

#endif
