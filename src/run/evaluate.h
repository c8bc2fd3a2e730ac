/* A model applied to a whole split.
 *
 * Examples are computed by falling length, so that the sequences of a pass are alike and the
 * largest pass comes first; logits come back in the order of the data. */
#ifndef BC_RUN_EVALUATE_H
#define BC_RUN_EVALUATE_H

#include "bertc/train.h"
#include "train/cache.h"
#include "train/meter.h"
#include "data/packing.h"
#include "run/source.h"

typedef struct bc_eval {
    bertc_dataset *dataset; /* owned */
    bertc_inputs *inputs;
    uint32_t *order;        /* by falling length */
    float *logits;          /* (count,C) in the task's label order */
    int32_t map[BERTC_MAX_LABELS]; /* the task's label -> the model's */
    bc_cache cache;         /* of its inputs, where they have one */
    bc_pack pack;
    int64_t passes;
    size_t most_tokens;     /* in one pass */
} bc_eval;

/* Tokenise `dataset` (taken over in any case) and plan the passes. Starts as {0}; close in any
 * case. */
bertc_status bc_eval_open(bc_eval *eval, bertc_dataset *dataset, const bc_source *source,
                          const int32_t map[BERTC_MAX_LABELS], bc_pack pack, bertc_error *err);
void bc_eval_close(bc_eval *eval);

/* Fill eval->logits, by a head of the model. Errors: those of bertc_model_forward; what the observer's `stop` says, then
 * without a message. */
bertc_status bc_eval_run(bc_eval *eval, const bertc_model *model, int head, bertc_workspace *workspace,
                         bertc_batch *batch, bc_meter *meter, bertc_error *err);

/* All of a data set's ids and types fit the model? Errors: BERTC_INPUT. */
bertc_status bc_check_inputs(const bertc_inputs *inputs, const bertc_config *config,
                             const char *path, bertc_error *err);

#endif
