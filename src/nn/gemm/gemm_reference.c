/* The reference backend: textbook loops that sum in double precision. It is slow; tests compare the other backends with
 * it. */
#include "nn/gemm/gemm.h"

#include <stdio.h>

#include "nn/gemm/simd.h"

static bertc_status open_reference(bc_gemm *gemm, bertc_error *err)
{
    (void)gemm;
    (void)err;
    return BERTC_OK;
}

static void close_reference(bc_gemm *gemm)
{
    (void)gemm;
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < d.n; n++)
        for (size_t o = 0; o < d.out; o++) {
            double sum = b ? b[o] : 0.0;
            for (size_t i = 0; i < d.in; i++) sum += (double)x[n * d.in + i] * w[o * d.in + i];
            y[n * d.out + o] = (float)sum;
        }
}

static void bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < d.n; n++)
        for (size_t i = 0; i < d.in; i++) {
            double sum = accumulate ? dx[n * d.in + i] : 0.0;
            for (size_t o = 0; o < d.out; o++) sum += (double)dy[n * d.out + o] * w[o * d.in + i];
            dx[n * d.in + i] = (float)sum;
        }
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t o = 0; o < d.out; o++)
        for (size_t i = 0; i < d.in; i++) {
            double sum = accumulate ? dw[o * d.in + i] : 0.0;
            for (size_t n = 0; n < d.n; n++) sum += (double)dy[n * d.out + o] * x[n * d.in + i];
            dw[o * d.in + i] = (float)sum;
        }
}

/* Store a result in the precision of y. */
static void put(bc_matrix y, size_t at, double sum)
{
    if (y.f32) y.f32[at] = (float)sum;
    else y.bf16[at] = bc_to_bf16((float)sum);
}

static void bf16_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < d.n; n++)
        for (size_t o = 0; o < d.out; o++) {
            double sum = b ? b[o] : 0.0;
            for (size_t i = 0; i < d.in; i++)
                sum += (double)bc_from_bf16(x[n * d.in + i]) * bc_from_bf16(w[o * d.in + i]);
            put(y, n * d.out + o, sum);
        }
}

static void bf16_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t n = 0; n < d.n; n++)
        for (size_t i = 0; i < d.in; i++) {
            double sum = accumulate ? dx.f32[n * d.in + i] : 0.0;
            for (size_t o = 0; o < d.out; o++)
                sum += (double)bc_from_bf16(dy[n * d.out + o]) * bc_from_bf16(w[o * d.in + i]);
            put(dx, n * d.in + i, sum);
        }
}

static void bf16_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate)
{
    (void)gemm;
#pragma omp parallel for schedule(static)
    for (size_t o = 0; o < d.out; o++)
        for (size_t i = 0; i < d.in; i++) {
            double sum = accumulate ? dw[o * d.in + i] : 0.0;
            for (size_t n = 0; n < d.n; n++)
                sum += (double)bc_from_bf16(dy[n * d.out + o]) * bc_from_bf16(x[n * d.in + i]);
            dw[o * d.in + i] = (float)sum;
        }
}

static const bc_gemm_bf16 bf16 = {bf16_fwd, bf16_bwd_x, bf16_bwd_w};

static void describe(char *out, size_t size)
{
    snprintf(out, size, "reference: plain loops, double accumulation");
}

const bc_gemm_backend bc_gemm_reference = {
    "reference", open_reference, close_reference, fwd, bwd_x, bwd_w, describe, &bf16, NULL, NULL,
};
