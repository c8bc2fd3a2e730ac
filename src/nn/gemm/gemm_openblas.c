/* OpenBLAS: every product is a cblas_sgemm.
 *
 * 1. Only the OpenMP build is accepted. It uses the same threads as the program; threads of another build would compete
 *    with them.
 * 2. The library is loaded when the backend is first opened, and stays loaded. When it is loaded, it allocates large
 *    buffers; if that fails (ulimit -v), it retries without end. So the backend loads it only if the address space
 *    suffices, and programs that use another backend do not load it.
 * 3. The library has one number of threads for the whole process, and buffers for these threads. A product sets that
 *    number to its caller's number of threads, so two simultaneous products with different numbers get wrong sums. A
 *    mutex therefore lets only one product with several threads run at a time. A product with one thread does not use
 *    that state. */
#include "nn/gemm/sgemm.h"

#include <cblas.h>
#include <dlfcn.h>
#include <limits.h>
#include <omp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { OPENMP_BUILD = 2 };

/* Guards the library's threads. */
static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

typedef void sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k,
                   float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta, float *c,
                   blasint ldc);

/* The functions of the library that are used. */
typedef struct openblas {
    sgemm *multiply;
    int (*parallel)(void);
    char *(*config)(void), *(*core)(void);
} openblas;

static const struct {
    const char *name;
    size_t offset;
} symbols[] = {
    {"cblas_sgemm", offsetof(openblas, multiply)},
    {"openblas_get_parallel", offsetof(openblas, parallel)},
    {"openblas_get_config", offsetof(openblas, config)},
    {"openblas_get_corename", offsetof(openblas, core)},
};

/* Load the library, if there is address space for it and for one buffer more than there are threads. Version 0.3.21 has
 * 37 MB and buffers of 128 MB. */
static bertc_status load(openblas *library, bertc_error *err)
{
    enum { HOW = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE, LIBRARY = 64 << 20, BUFFER = 136 << 20 };
    static const char name[] = "libopenblas.so.0";
    void *handle = dlopen(name, HOW | RTLD_NOLOAD);
    size_t bytes = LIBRARY + (size_t)(omp_get_max_threads() + 1) * BUFFER;
    bertc_status status = BERTC_OK;
    if (!handle && !bc_can_map(bytes))
        return bc_fail(err, BERTC_NOMEM, "out of memory: OpenBLAS needs %zu MB of address space", bytes >> 20);
    if (!handle) handle = dlopen(name, HOW);
    if (!handle) return bc_fail(err, BERTC_USAGE, "%s", dlerror());
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols && status == BERTC_OK; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        memcpy((char *)library + symbols[i].offset, &symbol, sizeof symbol);
        if (!symbol) status = bc_fail(err, BERTC_USAGE, "%s: function %s is missing", name, symbols[i].name);
    }
    dlclose(handle); /* RTLD_NODELETE keeps it loaded */
    return status;
}

static bertc_status open_openblas(bc_gemm *gemm, bertc_error *err)
{
    openblas library;
    bertc_status status = load(&library, err);
    if (status != BERTC_OK) return status;
    if (library.parallel() != OPENMP_BUILD)
        return bc_fail(err, BERTC_USAGE, "this OpenBLAS is not the OpenMP build (libopenblas0-openmp)");
    openblas *kept = bc_alloc(1, sizeof *kept);
    if (!kept) return bc_fail_memory(err);
    *kept = library;
    gemm->state = kept;
    return BERTC_OK;
}

static void close_openblas(bc_gemm *gemm)
{
    bc_free(gemm->state);
}

static void multiply(bc_gemm *gemm, bc_sgemm x)
{
    if (x.m > INT_MAX || x.n > INT_MAX || x.k > INT_MAX) {
        bc_fail(&gemm->error, BERTC_INPUT, "a matrix product of %zu x %zu x %zu is too large for OpenBLAS", x.m, x.n,
                x.k);
        return;
    }
    CBLAS_TRANSPOSE ta = x.a_transposed ? CblasTrans : CblasNoTrans, tb = x.b_transposed ? CblasTrans : CblasNoTrans;
    int m = (int)x.m, n = (int)x.n, k = (int)x.k, lda = x.a_transposed ? m : k, ldb = x.b_transposed ? k : n;
    const openblas *library = gemm->state;
    bool several = omp_get_max_threads() > 1;
    if (several) pthread_mutex_lock(&threads);
    library->multiply(CblasRowMajor, ta, tb, m, n, k, 1.0f, x.a, lda, x.b, ldb, x.beta, x.c, n);
    if (several) pthread_mutex_unlock(&threads);
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
    if (b)
        for (size_t n = 0; n < d.n; n++)
            for (size_t o = 0; o < d.out; o++) y[n * d.out + o] = b[o];
    multiply(gemm, bc_sgemm_fwd(y, x, w, d, b != NULL));
}

static void bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    multiply(gemm, bc_sgemm_bwd_x(dx, dy, w, d, accumulate));
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    multiply(gemm, bc_sgemm_bwd_w(dw, dy, x, d, accumulate));
}

static void describe(char *out, size_t size)
{
    openblas library;
    bertc_error why = {0};
    if (load(&library, &why) == BERTC_OK)
        snprintf(out, size, "openblas: %s, %s kernels", library.config(), library.core());
    else
        snprintf(out, size, "openblas: not available: %s", why.message);
}

const bc_gemm_backend bc_gemm_openblas = {
    "openblas", open_openblas, close_openblas, fwd, bwd_x, bwd_w, describe, NULL, NULL, NULL,
};
