/* Evaluation: apply a model to all examples of a data set.
 *
 * Examples are computed from longest to shortest, so that the sequences of a pass have similar lengths and the largest
 * pass comes first. Logits are stored in the order of the data. The logits of a text that is cut into windows are the
 * means over its windows, added up in the order of the windows. */
#ifndef BC_TRAIN_EVALUATE_H
#define BC_TRAIN_EVALUATE_H

#include "data/packing.h"
#include "train/cache.h"
#include "train/meter.h"

typedef struct bc_eval {
    bertc_inputs *inputs; /* owned */
    uint32_t *order;      /* (count) the examples from longest to shortest */
    size_t classes;
    int32_t *columns;     /* (classes) owned; column c of `logits` is the model's logit columns[c] */
    size_t texts;         /* number of texts */
    float *logits;        /* (texts,classes) */
    float *windows;       /* (count,classes) logits of each window; null: no text is cut into windows */
    bc_cache cache;       /* outputs of frozen stages for the inputs; may be closed */
    bc_pack pack;         /* limits of a pass */
    int64_t passes;       /* number of passes */
    size_t max_tokens;    /* tokens of the largest pass */
    bool predicts;        /* report progress in texts of a prediction, not in passes of an evaluation */
    size_t texts_before;  /* if it predicts: number of texts predicted before */
    bool open_ended;      /* if it predicts: more texts may come, their number is not known */
} bc_eval;

/* Plan the passes over `inputs`. `inputs` and `columns` (from bc_alloc) then belong to `eval`, even after an error;
 * call bc_eval_close in any case. Errors: BERTC_NOMEM. */
bertc_status bc_eval_open(bc_eval *eval, bertc_inputs *inputs, int32_t *columns, size_t classes, bc_pack pack,
                          bertc_error *err);
void bc_eval_close(bc_eval *eval);

/* Compute eval->logits with head `head` of the model. Errors: those of bertc_model_forward; the status that the
 * observer's `stop` returns, without a message. */
bertc_status bc_eval_run(bc_eval *eval, const bertc_model *model, int head, bertc_workspace *workspace,
                         bertc_batch *batch, bc_meter *meter, bertc_error *err);

#endif
