/* The tensors of a model source that hold a model's parameters: the state of a model between bc_model_open and
 * bc_model_read.
 *
 * 1. A tensor belongs to a parameter by its current name (formats/tensor_names.h), so old spellings and a missing
 *    "bert." prefix make no difference.
 * 2. Only the pooler and the head may be missing. They are then newly initialized, and listed in the notice. */
#ifndef BC_NN_MATCH_H
#define BC_NN_MATCH_H

#include "base/text.h"
#include "formats/weights.h"
#include "nn/adapter_weights.h"
#include "nn/model.h"

typedef struct bc_match {
    bc_weights weights;
    bc_adapter_weights adapter;           /* tensors of an adapter, which replace or change tensors of `weights` */
    char (*current_names)[BC_PARAM_NAME]; /* (weights.count) */
    bool *used;                           /* (weights.count) used, or excluded by the options */
    int kept_head;                        /* index of the head that is loaded from the source; -1: none */
    bc_text head_notice;                  /* whether the source's head is kept, and why */
    const bc_tensor **tensors;            /* (count) the tensor of each parameter; null: newly initialized */
} bc_match;

/* Open the weights of the model in `dir`, or of an adapter in `dir` and its base. Whatever the result, call
 * bc_match_free for *match, which may be null. Errors: those of bc_adapter_weights_open and bc_weights_open_in. */
bertc_status bc_match_open(const char *dir, bc_match **match, bertc_error *err);
void bc_match_free(bc_match *match);

/* Give a model its heads, before its parameters are planned, and decide which of them is loaded from the source. With
 * count 0 the model gets the source's head. Errors: BERTC_INPUT if that head is missing or cannot be used;
 * BERTC_NOMEM. */
bertc_status bc_match_heads(bertc_model *m, const bertc_model_options *options, const bc_head *heads, int count,
                            bertc_error *err);

/* Find the tensors of all parameters, after they are planned, and check their shapes. heads_given: the pooler may be
 * missing, because the caller gave heads. Errors: BERTC_INPUT, with path and tensor; BERTC_NOMEM. */
bertc_status bc_match_params(const bertc_model *m, const bertc_model_options *options, bool heads_given,
                             bertc_error *err);

/* Report the tensors that were loaded, newly initialized and not used. */
void bc_match_notify(const bertc_model *m, const bertc_notify *notify);

#endif
