/* The operations of a linear layer as calls of an sgemm, for backends that have an sgemm. */
#ifndef BC_NN_GEMM_SGEMM_H
#define BC_NN_GEMM_SGEMM_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/gemm/gemm.h"

/* C (m,n) = op(A) op(B) + beta C, dense row-major. op(X) is X, or the transpose of X if X is stored transposed. */
typedef struct bc_sgemm {
    float *c;
    const float *a, *b;
    size_t m, n, k;
    bool a_transposed, b_transposed; /* A is stored as (k,m), B as (n,k) */
    float beta;
} bc_sgemm;

/* y = x W^T + y if `add`, for a bias that was copied into y, else y = x W^T. */
static inline bc_sgemm bc_sgemm_fwd(float *y, const float *x, const float *w, bc_linear d, bool add)
{
    return (bc_sgemm){y, x, w, d.n, d.out, d.in, false, true, add ? 1.0f : 0.0f};
}

static inline bc_sgemm bc_sgemm_bwd_x(float *dx, const float *dy, const float *w, bc_linear d, bool accumulate)
{
    return (bc_sgemm){dx, dy, w, d.n, d.in, d.out, false, false, accumulate ? 1.0f : 0.0f};
}

static inline bc_sgemm bc_sgemm_bwd_w(float *dw, const float *dy, const float *x, bc_linear d, bool accumulate)
{
    return (bc_sgemm){dw, dy, x, d.out, d.in, d.n, true, false, accumulate ? 1.0f : 0.0f};
}

#endif
