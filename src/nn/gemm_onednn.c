/* oneDNN: every product is dnnl_sgemm on row-major matrices.
 *
 * 1. dnnl_sgemm is chosen over the `matmul` primitive because it was measured: on an AVX-512 core with
 *    oneDNN 2.6 it runs all three products of 512 x 768 x 3072 at 106 to 116 GFLOP/s, where matmul
 *    runs two of them (dx, and dW for the wide input) at 45 to 50. It takes any N without a primitive
 *    to create, and the same call exists in 2.6 and 3.x.
 * 2. beta = 0 does not read the output.
 * 3. The bias is laid into the output first and the product added to it. */
#include "nn/gemm.h"

#include <dnnl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static bertc_status open_onednn(bc_gemm *gemm, bertc_error *err)
{
    (void)gemm;
    (void)err;
    return BERTC_OK;
}

static void close_onednn(bc_gemm *gemm)
{
    (void)gemm;
}

/* C (m,n) = op(A) op(B) + beta C, all dense row-major in memory; 'T' transposes. */
static void multiply(bc_gemm *gemm, char ta, char tb, size_t m, size_t n, size_t k, const float *a,
                     const float *b, float beta, float *c)
{
    dnnl_dim_t lda = (dnnl_dim_t)(ta == 'N' ? k : m), ldb = (dnnl_dim_t)(tb == 'N' ? n : k);
    dnnl_status_t status = dnnl_sgemm(ta, tb, (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1.0f, a,
                                      lda, b, ldb, beta, c, (dnnl_dim_t)n);
    if (status != dnnl_success)
        bc_fail(&gemm->error, status == dnnl_out_of_memory ? BERTC_NOMEM : BERTC_IO,
                "oneDNN: a product of %zu x %zu x %zu failed (status %d)", m, n, k, (int)status);
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
#pragma omp parallel for schedule(static) if (b)
    for (size_t n = 0; n < (b ? d.n : 0); n++) memcpy(y + n * d.out, b, d.out * sizeof *y);
    multiply(gemm, 'N', 'T', d.n, d.out, d.in, x, w, b ? 1.0f : 0.0f, y);
}

static void bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    multiply(gemm, 'N', 'N', d.n, d.in, d.out, dy, w, accumulate ? 1.0f : 0.0f, dx);
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    multiply(gemm, 'T', 'N', d.out, d.in, d.n, dy, x, accumulate ? 1.0f : 0.0f, dw);
}

static const char *isa_name(unsigned isa)
{
    static const struct {
        unsigned isa;
        const char *name;
    } names[] = {
        {dnnl_cpu_isa_sse41, "SSE4.1"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX-512 VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512 BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AMX"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].isa == isa) return names[i].name;
    return "other";
}

static void describe(char *out, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    snprintf(out, size, "onednn: %d.%d.%d, instruction set %s (0x%x)", v->major, v->minor, v->patch,
             isa_name(isa), isa);
}

const bc_gemm_backend bc_gemm_onednn = {
    "onednn", open_onednn, close_onednn, fwd, bwd_x, bwd_w, describe,
};
