/* The trainer: a model and everything that a training step changes or needs. A step is
 *
 *   examples -> batch -> forward -> loss -> backward -> (sum over processes) -> norm -> clip -> AdamW
 *
 * and bc_trainer_step makes these calls in this order. The trainer knows neither task definitions nor folders nor
 * options: runs, the benchmark and the golden tests pass it examples, loss options and a learning rate.
 *
 * 1. A pass is one forward and backward computation over examples of a batch. A batch that exceeds the limits of a pass
 *    takes several passes. Each pass divides its loss by the divisor of the whole batch, so the gradients of the passes
 *    add up to the gradient of the batch.
 * 2. A step that ends with an error has updated nothing. A step allocates nothing.
 * 3. Updates of rows of the word embedding table that no batch needs are postponed (optim/lazy.h). bc_trainer_model and
 *    bc_trainer_state_of flush them, and nothing else gives access to the weights. The weights and moments that they
 *    return are up to date until the next step. */
#ifndef BC_TRAIN_TRAINER_H
#define BC_TRAIN_TRAINER_H

#include "data/examples.h"
#include "data/packing.h"
#include "nn/model.h"
#include "train/cache.h"
#include "train/meter.h"

typedef struct bc_trainer bc_trainer;

typedef struct bc_trainer_options {
    bertc_recipe recipe;
    double weight_decay;
    double max_grad_norm;  /* the gradient is clipped to this norm; 0: no limit */
    bc_dropout_rates dropout;
    uint64_t seed;         /* seed of dropout */
    bc_pack pack;          /* limits of a pass */
    int32_t max_labels;    /* labels of the largest batch; 0: one for each sequence */
    const bc_meter *meter; /* asked between two passes of a step whether to stop; may be null */
} bc_trainer_options;

/* Create a trainer of a model, which may still lack its weights (bc_model_open). The model then belongs to the trainer;
 * it is freed if this fails. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_create(bertc_model *model, bc_trainer **trainer, bertc_error *err);
void bc_trainer_free(bc_trainer *trainer);

/* Store only the sparse rows of the word embedding table's gradient: the rows of the batch's words, at most `max`. Call
 * it before the weights of an opened model are read. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_use_sparse_rows(bc_trainer *trainer, size_t max, bertc_error *err);

/* Bytes of the index of sparse rows; SIZE_MAX on overflow. */
size_t bc_trainer_sparse_row_bytes(const bc_trainer *trainer);

/* Create the workspace, the batch and the optimiser. Call it after the weights are read. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_open(bc_trainer *trainer, const bertc_limits *limits, const bc_trainer_options *options,
                             bertc_error *err);

/* Flush pending updates and return the model. */
bertc_model *bc_trainer_model(bc_trainer *trainer);

/* The trainer's buffers, for other passes of its model between two steps. */
bertc_workspace *bc_trainer_workspace(bc_trainer *trainer);
bertc_batch *bc_trainer_batch(bc_trainer *trainer);

/* The part of a checkpoint that belongs to the trainer. */
typedef struct bc_trainer_state {
    float *values; /* (scalars) the weights */
    size_t scalars;
    float *m, *v;  /* (trained) first and second moment of the trained weights */
    size_t trained;
} bc_trainer_state;

/* Flush pending updates and return the state. */
bc_trainer_state bc_trainer_state_of(bc_trainer *trainer);

/* Update what is derived from the weights (their bf16 copies), after the weights of the state were overwritten. */
void bc_trainer_refresh_weights(bc_trainer *trainer);

/* The inputs of a step. */
typedef struct bc_step {
    int64_t number;                /* counted from 0 */
    bc_examples examples;          /* examples.task selects the model's head */
    const bc_objective *objective; /* null: the default options, {0} */
    double divisor;                /* divides the sum of the examples' losses, e.g. their number; positive */
    bc_cache *cache;               /* cached outputs of the frozen stages for these examples; may be null */
    double lr;                     /* learning rate */
} bc_step;

/* The results of a step. */
typedef struct bc_step_result {
    double loss;           /* mean over the examples */
    double norm;           /* norm of the gradient before clipping */
    int64_t tokens;
    double seconds;        /* time of the whole step */
    double norm_seconds;   /* time of the gradient norm alone */
    double update_seconds; /* time of AdamW alone */
} bc_step_result;

/* Make one training step. Errors: BERTC_DIVERGED if loss or norm is not finite; the status that
 * bc_meter_stop returns, without a message; BERTC_IO of the cache; the backend's errors. */
bertc_status bc_trainer_step(bc_trainer *trainer, const bc_step *step, bc_step_result *result, bertc_error *err);

/* The number of stages that are frozen in a step (bertc_model_options.frozen). */
int bc_trainer_frozen(const bc_trainer *trainer, int64_t step);

/* The first parameter with a value that is not finite in a block of weights; null: all are finite. */
const bc_param *bc_find_not_finite(const bertc_model *model, const float *values);

#endif
