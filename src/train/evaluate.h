/* A model applied to a whole split.
 *
 * Examples are computed by falling length, so that the sequences of a pass are alike and the
 * largest pass comes first; logits come back in the order of the data. */
#ifndef BC_TRAIN_EVALUATE_H
#define BC_TRAIN_EVALUATE_H

#include "data/packing.h"
#include "train/cache.h"
#include "train/meter.h"

typedef struct bc_eval {
    bertc_inputs *inputs; /* owned */
    uint32_t *order;      /* by falling length */
    size_t classes;
    int32_t *columns;     /* (classes) owned; which of the model's logits is column c of: */
    float *logits;        /* (count,classes) */
    bc_cache cache;       /* of the inputs, where they have one */
    bc_pack pack;
    int64_t passes;
    size_t max_tokens;   /* in one pass */
} bc_eval;

/* Plan the passes over `inputs`. They and `columns` (bc_alloc) are taken over in any case. Starts as {0}; close in
 * any case. Errors: BERTC_NOMEM. */
bertc_status bc_eval_open(bc_eval *eval, bertc_inputs *inputs, int32_t *columns, size_t classes, bc_pack pack,
                          bertc_error *err);
void bc_eval_close(bc_eval *eval);

/* Fill eval->logits by a head of the model. Errors: those of bertc_model_forward; what the observer's `stop` says, then
 * without a message. */
bertc_status bc_eval_run(bc_eval *eval, const bertc_model *model, int head, bertc_workspace *workspace,
                         bertc_batch *batch, bc_meter *meter, bertc_error *err);

#endif
