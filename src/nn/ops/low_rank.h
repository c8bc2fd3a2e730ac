/* What an adapter computes (nn/lora.h): products that are too thin for a library, in plain loops, f32 but for an x in
 * bf16. */
#ifndef BC_NN_OPS_LOW_RANK_H
#define BC_NN_OPS_LOW_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/gemm/matrix.h"
#include "nn/ops/dropout.h"

/* One adapted matrix and the scratch for it. */
typedef struct bc_low_rank {
    size_t in, out, rank;
    float scale;        /* alpha / R */
    const float *a, *b; /* (R,in), (out,R) */
    float *da, *db;     /* null: not wanted */
    bc_dropout dropout;
    /* scratch: */
    float *transposed;  /* (R,out) B^T, then its gradient */
    float *projected;   /* (N,R) x A^T, scaled */
    float *dprojected;  /* (N,R) its gradient; only for training */
    float *x_dropped;   /* (N,in) x after dropout; only with dropout */
} bc_low_rank;

/* Columns of a wider matrix: where row 0 begins, and how far apart rows are. */
typedef struct bc_column_view {
    bc_matrix m;
    size_t stride;
} bc_column_view;

/* y (n,out) += scale dropout(x) A^T B^T; x (n,in), in bf16 where that is there. */
void bc_low_rank_fwd(bc_column_view y, bc_matrix x, const bc_low_rank *l, const bertc_batch *batch, size_t n);

/* dx (n,in) += mask (scale dy B A), where dx is there; dA and dB (+)= theirs, where x is. dy in f32 where
 * that is there. */
void bc_low_rank_bwd(bc_matrix dx, bc_matrix x, bc_column_view dy, const bc_low_rank *l,
                     const bertc_batch *batch, size_t n, bool accumulate);

/* y (out,in) = w + scale B A; y may be w. Each sum in double precision. */
void bc_low_rank_merge(float *y, const float *w, const float *a, const float *b, size_t out, size_t in,
                       size_t rank, double scale);

#endif
