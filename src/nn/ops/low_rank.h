/* The computation of an adapter (nn/lora.h): products that are too thin for a GEMM library, in plain loops. All is in
 * f32, except for inputs in bf16. */
#ifndef BC_NN_OPS_LOW_RANK_H
#define BC_NN_OPS_LOW_RANK_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/gemm/matrix.h"
#include "nn/ops/dropout.h"

/* The adapter of one matrix, and scratch memory. */
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

/* A slice of columns of a matrix. */
typedef struct bc_column_view {
    bc_matrix m;   /* first element of the slice */
    size_t stride; /* elements between rows */
} bc_column_view;

/* y (n,out) += scale dropout(x) A^T B^T, with x (n,in). Reads x.bf16 unless it is null, else x.f32. */
void bc_low_rank_fwd(bc_column_view y, bc_matrix x, const bc_low_rank *l, const bertc_batch *batch, size_t n);

/* dx (n,in) += dropout factors * (scale dy B A), if dx is given. If x is given, the gradients of A and B are computed,
 * and added to da and db with accumulate. Reads dy.f32 unless it is null, else dy.bf16. */
void bc_low_rank_bwd(bc_matrix dx, bc_matrix x, bc_column_view dy, const bc_low_rank *l, const bertc_batch *batch,
                     size_t n, bool accumulate);

/* y (out,in) = w + scale B A, with sums in double precision. y may alias w. */
void bc_low_rank_merge(float *y, const float *w, const float *a, const float *b, size_t out, size_t in,
                       size_t rank, double scale);

#endif
