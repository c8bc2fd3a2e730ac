/* AdamW in both recipes, and the global gradient norm.
 *
 * 1. A parameter whose grad is null is not trained: it has no moments and is never written.
 * 2. The work is cut into chunks that are fixed by the parameters' sizes. A chunk is computed by
 *    one thread in a fixed order and sums of chunks form a fixed tree, so nothing depends on the
 *    number of threads.
 * 3. One pass over memory per step: parameter, gradient and both moments are read once, three of
 *    them written once, and the bf16 copy where there is one. No allocation after bc_optim_create.
 * 4. Of a table whose gradient is kept for touched rows alone (nn/ops/sparse_rows.h) the other rows are
 *    left behind (lazy.h). All numbers are those that a whole gradient with zeros would give. */
#ifndef BC_OPTIM_OPTIM_H
#define BC_OPTIM_OPTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/train.h"
#include "nn/params.h"
#include "optim/lazy.h"

/* A run of scalars of one parameter. */
typedef struct bc_chunk {
    const bc_param *param;
    size_t start, count; /* in the parameter */
    size_t moment;       /* of the first scalar, in m and v */
    size_t index;        /* among all chunks, in the order of the parameters */
} bc_chunk;

typedef struct bc_optim {
    bertc_recipe recipe;
    double weight_decay;
    int threads;
    size_t scalars;   /* that are trained */
    void *moments;    /* one allocation, which holds both: */
    float *m, *v;     /* (scalars) first and second moment, zero at the start */
    bc_chunk *chunks; /* (count) those of the touched table after all others */
    double *sums;     /* (count) squares of a chunk's gradient, by place */
    size_t count, dense; /* chunks; those that have all of their gradient */
    size_t first;     /* of them that may take part now */
    int64_t step;     /* of bc_optim_unfreeze; before: past all */
    bool table_frozen;      /* the touched table takes no part now */
    bc_lazy lazy;     /* of the touched table */
} bc_optim;

/* params (count) must outlive the optimiser; no more than one has `touched`. Errors:
 * BERTC_NOMEM. */
bertc_status bc_optim_create(bc_optim *optim, const bc_param *params, size_t count, bertc_recipe recipe,
                             double weight_decay, int threads, bertc_error *err);
void bc_optim_clear(bc_optim *optim);

/* Let parameters whose `since` is after `step` out of norm and update until the next call; without
 * one all take part. */
void bc_optim_unfreeze(bc_optim *optim, int64_t step);

/* Euclidean norm of all gradients together. */
double bc_optim_norm(bc_optim *optim);

/* The factor that brings a gradient of this norm down to `most` (0: no limit): torch divides by
 * norm + 1e-6, TensorFlow by the norm. */
double bc_clip_scale(bertc_recipe recipe, double norm, double max);

/* One update with the gradients times `scale`. `step` counts from 0.
 *
 *   g = scale * grad;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   hf:      p = (1 - lr wd) p - lr/(1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + 1e-8)
 *           t = step + 1 - since
 *   google:  p = p - lr (m / (sqrt(v) + 1e-6) + wd p)
 *
 * wd is 0 for biases and LayerNorm; lr is times the parameter's own rate. Source: Loshchilov and
 * Hutter 2019 (torch.optim.AdamW); AdamWeightDecayOptimizer in google-research/bert,
 * optimization.py. */
void bc_optim_step(bc_optim *optim, int64_t step, double lr, double scale);

/* Bring the touched rows up to date, before they are read; all rows, before anything but a training
 * pass reads parameters or moments. */
void bc_optim_catch_up(bc_optim *optim);
void bc_optim_flush(bc_optim *optim);

#endif
