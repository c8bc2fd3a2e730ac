/* OpenBLAS: cblas_sgemm.
 *
 * 1. The OpenMP build is required, so that both libraries share one pool of threads; another build fights it and
 *    is refused.
 * 2. The library is loaded when it is first asked for, and then stays: as it is loaded it takes large buffers, and
 *    where it cannot have them (ulimit -v) it asks for them again without end. So it is loaded only where there
 *    is room for them, and programs that multiply by other means never meet it.
 * 3. It keeps the number of threads, and buffers for so many, once for the whole process, and sets them by the
 *    caller's: two callers with different numbers get wrong sums. So products in several threads come one after
 *    another. A product in one thread touches none of that. */
#include "nn/gemm/gemm.h"

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

/* The library's threads. */
static pthread_mutex_t threads = PTHREAD_MUTEX_INITIALIZER;

typedef void sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k,
                   float alpha, const float *a, blasint lda, const float *b, blasint ldb, float beta, float *c,
                   blasint ldc);

/* What is used of it. */
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

/* Is there address space for the library, and for a buffer for each thread and one more? 0.3.21 takes 37 MB and
 * buffers of 128 MB. */
static bertc_status check_room(bertc_error *err)
{
    enum { LIBRARY = 64 << 20, BUFFER = 136 << 20 };
    size_t bytes = LIBRARY + (size_t)(omp_get_max_threads() + 1) * BUFFER;
    if (bc_can_map(bytes)) return BERTC_OK;
    return bc_fail(err, BERTC_NOMEM, "out of memory: OpenBLAS needs %zu MB of address space", bytes >> 20);
}

static bertc_status load(openblas *library, bertc_error *err)
{
    enum { HOW = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
    static const char name[] = "libopenblas.so.0";
    void *handle = dlopen(name, HOW | RTLD_NOLOAD);
    bertc_status status = handle ? BERTC_OK : check_room(err);
    if (status != BERTC_OK) return status;
    if (!handle) handle = dlopen(name, HOW);
    if (!handle) return bc_fail(err, BERTC_USAGE, "%s", dlerror());
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols && status == BERTC_OK; i++) {
        void *symbol = dlsym(handle, symbols[i].name);
        memcpy((char *)library + symbols[i].offset, &symbol, sizeof symbol);
        if (!symbol) status = bc_fail(err, BERTC_USAGE, "%s: no %s", name, symbols[i].name);
    }
    dlclose(handle); /* what is loaded stays */
    return status;
}

static bertc_status open_openblas(bc_gemm *gemm, bertc_error *err)
{
    openblas library;
    bertc_status status = load(&library, err);
    if (status != BERTC_OK) return status;
    if (library.parallel() != OPENMP_BUILD)
        return bc_fail(err, BERTC_USAGE, "OpenBLAS is not its OpenMP build (libopenblas0-openmp)");
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

/* C (m,n) = op(A) op(B) + beta C, all dense row-major in memory. */
static void multiply(bc_gemm *gemm, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n,
                     size_t k, const float *a, const float *b, float beta, float *c)
{
    if (m > INT_MAX || n > INT_MAX || k > INT_MAX) {
        bc_fail(&gemm->error, BERTC_INPUT, "a matrix of %zu x %zu x %zu is too large", m, n, k);
        return;
    }
    int lda = (int)(ta == CblasNoTrans ? k : m), ldb = (int)(tb == CblasNoTrans ? n : k);
    const openblas *library = gemm->state;
    bool several = omp_get_max_threads() > 1;
    if (several) pthread_mutex_lock(&threads);
    library->multiply(CblasRowMajor, ta, tb, (int)m, (int)n, (int)k, 1.0f, a, lda, b, ldb, beta, c, (int)n);
    if (several) pthread_mutex_unlock(&threads);
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
    multiply(gemm, CblasNoTrans, CblasNoTrans, d.n, d.in, d.out, dy, w, accumulate ? 1.0f : 0.0f, dx);
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    multiply(gemm, CblasTrans, CblasNoTrans, d.out, d.in, d.n, dy, x, accumulate ? 1.0f : 0.0f, dw);
}

static void describe(char *out, size_t size)
{
    openblas library;
    bertc_error why = {0};
    if (load(&library, &why) == BERTC_OK)
        snprintf(out, size, "openblas: %s, %s kernels", library.config(), library.core());
    else
        snprintf(out, size, "openblas: not here: %s", why.message);
}

const bc_gemm_backend bc_gemm_openblas = {
    "openblas", open_openblas, close_openblas, fwd, bwd_x, bwd_w, describe, NULL, NULL, NULL,
};
