/* The trainer: a model and all that a training step changes or needs. One step is
 *
 *   examples -> batch -> forward -> loss -> backward -> (sum over processes) -> norm -> clip -> AdamW
 *
 * and bc_trainer_step reads as that. It knows of no task, folder or option: runs, the benchmark and the golden
 * tests give it examples, an objective and a rate.
 *
 * 1. A batch whose tokens exceed the limits of a pass is computed in several: each divides its loss by what the
 *    whole batch's is divided by, so the gradients add up to those of the batch.
 * 2. A step that ends with an error has updated nothing. Nothing is allocated in a step.
 * 3. The trainer puts off updates of word rows that no batch names (optim/lazy.h). They are made whenever the model
 *    or the state is asked for; nothing else leads to the weights, so nobody has to think of it. What was asked
 *    for is valid until the next step. */
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
    double weight_decay, max_grad_norm; /* of the norm 0: no limit */
    bc_dropout_rates dropout;
    uint64_t seed;                      /* of dropout */
    bc_pack pack;                       /* limits of a pass */
    const bc_meter *meter;              /* asked between two passes whether to stop; or null */
} bc_trainer_options;

/* A trainer of a model that was opened (bc_model_open) or is there already. It takes the model over, also where it
 * fails. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_create(bertc_model *model, bc_trainer **trainer, bertc_error *err);
void bc_trainer_free(bc_trainer *trainer);

/* Of the word table's gradient keep the rows of a batch alone, of which there are `most`. Before the weights of an
 * opened model are read. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_use_sparse_rows(bc_trainer *trainer, size_t max, bertc_error *err);

/* Bytes that the sets of those rows take; SIZE_MAX on overflow. */
size_t bc_trainer_sparse_row_bytes(const bc_trainer *trainer);

/* Once the weights are there: make the workspace, the batch and the optimiser. Errors: BERTC_NOMEM. */
bertc_status bc_trainer_open(bc_trainer *trainer, const bertc_limits *limits, const bc_trainer_options *options,
                             bertc_error *err);

/* The model, with all updates made. */
bertc_model *bc_trainer_model(bc_trainer *trainer);

/* Buffers for passes of that model beside the steps. */
bertc_workspace *bc_trainer_workspace(bc_trainer *trainer);
bertc_batch *bc_trainer_batch(bc_trainer *trainer);

/* What a checkpoint holds of a trainer, with all updates made: the weights, and both moments of those that are
 * trained. bc_trainer_weights_changed: they were overwritten by a checkpoint's. */
typedef struct bc_trainer_state {
    float *values; /* (scalars) */
    size_t scalars;
    float *m, *v;  /* (trained) */
    size_t trained;
} bc_trainer_state;

bc_trainer_state bc_trainer_state_of(bc_trainer *trainer);
void bc_trainer_weights_changed(bc_trainer *trainer);

/* What a step is made of. */
typedef struct bc_step {
    int64_t number;       /* from 0 */
    bc_examples examples; /* their part is the model's head */
    const bc_objective *objective; /* null: {0} */
    double divisor;       /* of the sum of the examples' losses, such as their number; more than 0 */
    bc_cache *cache;      /* of what the frozen stages give for them; null: nothing is kept */
    double lr;          /* the learning rate */
} bc_step;

/* What it came to: the mean loss, the gradient's norm before clipping, and seconds, also those of its ends. */
typedef struct bc_step_result {
    double loss, norm;
    int64_t tokens;
    double seconds, norm_seconds, update_seconds;
} bc_step_result;

/* Errors: BERTC_DIVERGED where loss or norm is not finite; what the meter's caller wants, then without a message;
 * BERTC_IO of the cache; those of a backend. */
bertc_status bc_trainer_step(bc_trainer *trainer, const bc_step *step, bc_step_result *result, bertc_error *err);

/* How many stages (bertc_model_options.frozen) a step does not train. */
int bc_trainer_frozen(const bc_trainer *trainer, int64_t step);

/* The first parameter of a block of weights that is not finite; null: all are. */
const bc_param *bc_find_not_finite(const bertc_model *model, const float *values);

#endif
