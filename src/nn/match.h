/* Which tensor of a source holds which parameter: what a model has between its opening and its reading.
 *
 * 1. A parameter is found by its name of today (formats/tensor_names.h), so old spellings and a missing "bert." prefix
 *    make no difference.
 * 2. Only the pooler and the head may be missing; they are then drawn and named in the notice. */
#ifndef BC_NN_MATCH_H
#define BC_NN_MATCH_H

#include "base/text.h"
#include "formats/weights.h"
#include "nn/adapter_weights.h"
#include "nn/model.h"

typedef struct bc_match {
    bc_weights weights;
    bc_adapter_weights adapter;              /* what lies over its tensors, of an adapter */
    char (*names)[BC_PARAM_NAME]; /* of its tensors, as they are called today */
    bool *used;                   /* is a tensor a parameter's? */
    int kept_head;                     /* the model's head that is the source's; -1: none, all are drawn */
    bc_text head;                 /* what became of the source's */
    const bc_tensor **tensors;    /* of the model's parameters, null for those that are drawn */
} bc_match;

/* Open the weights of the model that `dir` stands for. *match is released by bc_match_free in any case, which takes
 * null. Errors: those of bc_adapter_weights_open and bc_weights_open_in. */
bertc_status bc_match_open(const char *dir, bc_match **match, bertc_error *err);
void bc_match_free(bc_match *match);

/* Decide on the heads of a model that is not laid out: which is the source's, which are drawn. None wanted: the
 * source's it is. Errors: BERTC_INPUT where it has none that can be used; BERTC_NOMEM. */
bertc_status bc_match_heads(bertc_model *m, const bertc_model_options *options, const bc_head *heads, int count,
                            bertc_error *err);

/* Find the tensors of all parameters of a model that is laid out, and check that they fit. `wanted`: heads were asked
 * for. Errors: BERTC_INPUT naming path and tensor; BERTC_NOMEM. */
bertc_status bc_match_params(const bertc_model *m, const bertc_model_options *options, bool wanted, bertc_error *err);

/* Say what was loaded, what is new, what was ignored. */
void bc_match_notify(const bertc_model *m, const bertc_notify *notify);

#endif
