/* AdamW in both recipes, and the global gradient norm.
 *
 * 1. A parameter whose grad is null is not trained: it has no moments and is never written.
 * 2. The parameters' sizes alone determine how the work is cut into chunks. One thread computes a chunk in a fixed
 *    order, and the sums of chunks form a fixed tree, so nothing depends on the number of threads.
 * 3. A step reads each parameter, its gradient and both its moments once, and writes the parameter, both moments and
 *    the bf16 copy, if any, once. Nothing is allocated after bc_optim_create.
 * 4. If the gradient of a table contains only sparse rows (nn/ops/sparse_rows.h), the table's other rows are updated
 *    later (lazy.h). All results are the same as with a dense gradient whose other rows are zero. */
#ifndef BC_OPTIM_OPTIM_H
#define BC_OPTIM_OPTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/train.h"
#include "nn/params.h"
#include "optim/lazy.h"

/* Consecutive scalars of one parameter. */
typedef struct bc_chunk {
    const bc_param *param;
    size_t start, count; /* first scalar in the parameter, number of scalars */
    size_t moment;       /* index of the first scalar in m and v */
    size_t index;        /* index among all chunks in the order of the parameters */
} bc_chunk;

typedef struct bc_optim {
    bertc_recipe recipe;
    double weight_decay;
    int threads;
    size_t scalars;      /* number of trained scalars */
    void *moments;       /* the allocation that contains m and v */
    float *m, *v;        /* (scalars) first and second moment, initially zero */
    bc_chunk *chunks;    /* (count) dense chunks first, then the chunks of the table with sparse rows */
    double *sums;        /* (count) sum of the squared gradients of each chunk, by bc_chunk.index */
    size_t count;        /* number of chunks */
    size_t dense_count;  /* number of chunks with a dense gradient */
    size_t first_dense;  /* index of the first dense chunk that is not frozen in this step */
    int64_t step;        /* the step of the last bc_optim_unfreeze; INT64_MAX: not called yet, nothing is frozen */
    bool table_frozen;   /* whether the table with sparse rows is frozen in this step */
    bc_lazy lazy;        /* updates of the table with sparse rows */
} bc_optim;

/* params (count) must outlive the optimiser; at most one of them may have sparse rows. Errors: BERTC_NOMEM. */
bertc_status bc_optim_create(bc_optim *optim, const bc_param *params, size_t count, bertc_recipe recipe,
                             double weight_decay, int threads, bertc_error *err);
void bc_optim_clear(bc_optim *optim);

/* Exclude parameters whose first_step is after `step` from norm and update, until the next call. Before the first call
 * nothing is excluded. */
void bc_optim_unfreeze(bc_optim *optim, int64_t step);

/* The Euclidean norm of all gradients together. */
double bc_optim_norm(bc_optim *optim);

/* The factor that reduces a gradient of this norm to the norm `max` (0: no limit). As in torch, the hf recipe divides
 * by norm + 1e-6; as in TensorFlow, the google recipe divides by the norm. */
double bc_clip_scale(bertc_recipe recipe, double norm, double max);

/* Update the parameters with the gradients times `scale`. `step` counts from 0.
 *
 *   g = scale * grad;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   hf:      p = (1 - lr wd) p - lr/(1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + 1e-8)
 *           t = step + 1 - first_step
 *   google:  p = p - lr (m / (sqrt(v) + 1e-6) + wd p)
 *
 * wd is 0 for biases and LayerNorm; lr is multiplied by the parameter's lr_scale. Source: Loshchilov and Hutter 2019
 * (torch.optim.AdamW); AdamWeightDecayOptimizer in google-research/bert, optimization.py. */
void bc_optim_step(bc_optim *optim, int64_t step, double lr, double scale);

/* Make the pending updates of the sparse rows. Call it before a training pass reads them. */
void bc_optim_catch_up(bc_optim *optim);

/* Make all pending updates. Call it before anything but a training pass reads parameters or moments. */
void bc_optim_flush(bc_optim *optim);

#endif
