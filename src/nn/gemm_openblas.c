/* OpenBLAS: cblas_sgemm. The OpenMP build is required, so that both libraries share one pool of
 * threads; another build fights it and is refused. */
#include "nn/gemm.h"

#include <cblas.h>
#include <limits.h>
#include <stdio.h>

#include "base/error.h"

enum { OPENMP_BUILD = 2 };

static bertc_status open_openblas(bc_gemm *gemm, bertc_error *err)
{
    (void)gemm;
    if (openblas_get_parallel() != OPENMP_BUILD)
        return bc_fail(err, BERTC_USAGE,
                       "OpenBLAS is not its OpenMP build; install libopenblas0-openmp, or choose "
                       "another --backend");
    return BERTC_OK;
}

static void close_openblas(bc_gemm *gemm)
{
    (void)gemm;
}

/* C (m,n) = op(A) op(B) + beta C, all dense row-major in memory. */
static void multiply(bc_gemm *gemm, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n,
                     size_t k, const float *a, const float *b, float beta, float *c)
{
    if (m > INT_MAX || n > INT_MAX || k > INT_MAX) {
        bc_fail(&gemm->error, BERTC_INPUT, "a matrix of %zu x %zu x %zu is too large", m, n, k);
        return;
    }
    int lda = (int)(ta == CblasNoTrans ? k : m), ldb = (int)(tb == CblasNoTrans ? n : k);
    cblas_sgemm(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1.0f, a, lda, b, ldb, beta, c,
                (int)n);
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
    if (b)
        for (size_t n = 0; n < d.n; n++)
            for (size_t o = 0; o < d.out; o++) y[n * d.out + o] = b[o];
    multiply(gemm, CblasNoTrans, CblasTrans, d.n, d.out, d.in, x, w, b ? 1.0f : 0.0f, y);
}

static void bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    multiply(gemm, CblasNoTrans, CblasNoTrans, d.n, d.in, d.out, dy, w, accumulate ? 1.0f : 0.0f,
             dx);
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    multiply(gemm, CblasTrans, CblasNoTrans, d.out, d.in, d.n, dy, x, accumulate ? 1.0f : 0.0f, dw);
}

static void describe(char *out, size_t size)
{
    snprintf(out, size, "openblas: %s, %s kernels", openblas_get_config(),
             openblas_get_corename());
}

const bc_gemm_backend bc_gemm_openblas = {
    "openblas", open_openblas, close_openblas, fwd, bwd_x, bwd_w, describe, NULL, NULL, NULL,
};
