/* oneDNN: every product is dnnl_sgemm on row-major matrices.
 *
 * 1. dnnl_sgemm is chosen over the `matmul` primitive because it was measured: on an AVX-512 core with
 *    oneDNN 2.6 it runs all three products of 512 x 768 x 3072 at 106 to 116 GFLOP/s, where matmul
 *    runs two of them (dx, and dW for the wide input) at 45 to 50. It takes any N without a primitive
 *    to create, and the same call exists in 2.6 and 3.x.
 * 2. beta = 0 does not read the output.
 * 3. The bias is laid into the output first and the product added to it.
 * 4. Products on bf16 operands are `matmul` primitives: there is no public bf16 gemm. N is rounded up to
 *    BC_ROW_ROUND rows so that few shapes occur, and each shape's primitive is kept: the library frees
 *    its scratch memory with the last primitive, and touching new pages in every product costs more
 *    than the product. Sums into what is there are a post-op; without one the output is not read.
 * 5. dnnl_memory_desc is a struct in 2.x and a handle in 3.x: `layout` hides the difference. */
#include "nn/gemm.h"

#include <dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* A dense matrix in memory, as its transpose where asked for. */
typedef struct matrix {
    const void *data;
    dnnl_data_type_t type;
    size_t rows, columns;
    bool transposed; /* stored (columns,rows) */
} matrix;

enum { OPERANDS = 4, PRODUCTS = 1024 };

/* A product on bf16 operands, ready to be executed: source, weights, bias, output. Without a
 * primitive the place is free. */
typedef struct product {
    matrix shape[OPERANDS]; /* of what it was made for; their data is that of the first time */
    bool accumulate;
    dnnl_memory_t memory[OPERANDS]; /* null: no bias */
    dnnl_primitive_t primitive;
} product;

typedef struct engine {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    product products[PRODUCTS]; /* by a hash of their shape; a newcomer takes the place */
} engine;

static void clear_product(product *p)
{
    for (int i = 0; i < OPERANDS; i++)
        if (p->memory[i]) dnnl_memory_destroy(p->memory[i]);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    memset(p, 0, sizeof *p);
}

static void close_onednn(bc_gemm *gemm)
{
    engine *e = gemm->state;
    for (size_t i = 0; e && i < PRODUCTS; i++) clear_product(&e->products[i]);
    if (e && e->stream) dnnl_stream_destroy(e->stream);
    if (e && e->engine) dnnl_engine_destroy(e->engine);
    bc_free(e);
}

static bertc_status open_onednn(bc_gemm *gemm, bertc_error *err)
{
    engine *e = bc_calloc(1, sizeof *e);
    gemm->state = e;
    if (!e) return bc_fail_memory(err);
    if (dnnl_engine_create(&e->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&e->stream, e->engine, dnnl_stream_default_flags) != dnnl_success)
        return bc_fail(err, BERTC_IO, "oneDNN: cannot create an engine for the processor");
    return BERTC_OK;
}

static void fail_product(bc_gemm *gemm, dnnl_status_t status, size_t m, size_t n, size_t k)
{
    bc_fail(&gemm->error, status == dnnl_out_of_memory ? BERTC_NOMEM : BERTC_IO,
            "oneDNN: a product of %zu x %zu x %zu failed (status %d)", m, n, k, (int)status);
}

/* C (m,n) = op(A) op(B) + beta C, all dense row-major in memory; 'T' transposes. */
static void multiply(bc_gemm *gemm, char ta, char tb, size_t m, size_t n, size_t k, const float *a,
                     const float *b, float beta, float *c)
{
    dnnl_dim_t lda = (dnnl_dim_t)(ta == 'N' ? k : m), ldb = (dnnl_dim_t)(tb == 'N' ? n : k);
    dnnl_status_t status = dnnl_sgemm(ta, tb, (dnnl_dim_t)m, (dnnl_dim_t)n, (dnnl_dim_t)k, 1.0f, a,
                                      lda, b, ldb, beta, c, (dnnl_dim_t)n);
    if (status != dnnl_success) fail_product(gemm, status, m, n, k);
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

/* ---- bf16 ----------------------------------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t layout;

static dnnl_status_t lay_out(layout *to, const matrix *x)
{
    dnnl_dims_t dims = {(dnnl_dim_t)x->rows, (dnnl_dim_t)x->columns};
    return dnnl_memory_desc_create_with_tag(to, 2, dims, x->type,
                                            x->transposed ? dnnl_ba : dnnl_ab);
}

static void forget(layout *of)
{
    if (*of) dnnl_memory_desc_destroy(*of);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *to, dnnl_engine_t on, layout l[OPERANDS],
                                     bool bias, const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(to, on, l[0], l[1], bias ? l[2] : NULL, l[3], attr);
}

static dnnl_status_t hold(dnnl_memory_t *to, layout *of, dnnl_engine_t on)
{
    return dnnl_memory_create(to, *of, on, DNNL_MEMORY_NONE);
}
#else
typedef dnnl_memory_desc_t layout;

static dnnl_status_t lay_out(layout *to, const matrix *x)
{
    dnnl_dims_t dims = {(dnnl_dim_t)x->rows, (dnnl_dim_t)x->columns};
    return dnnl_memory_desc_init_by_tag(to, 2, dims, x->type, x->transposed ? dnnl_ba : dnnl_ab);
}

static void forget(layout *of)
{
    (void)of;
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *to, dnnl_engine_t on, layout l[OPERANDS],
                                     bool bias, const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t status =
        dnnl_matmul_desc_init(&matmul, &l[0], &l[1], bias ? &l[2] : NULL, &l[3]);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(to, &matmul, attr, on, NULL);
}

static dnnl_status_t hold(dnnl_memory_t *to, layout *of, dnnl_engine_t on)
{
    return dnnl_memory_create(to, of, on, DNNL_MEMORY_NONE);
}
#endif

/* Add the product to what is in the output. */
static dnnl_status_t make_sum(dnnl_primitive_attr_t *attr)
{
    dnnl_post_ops_t sum = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success) status = dnnl_post_ops_create(&sum);
    if (status == dnnl_success)
#if DNNL_VERSION_MAJOR >= 3
        status = dnnl_post_ops_append_sum(sum, 1.0f, 0, dnnl_data_type_undef);
#else
        status = dnnl_post_ops_append_sum(sum, 1.0f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, sum);
    if (sum) dnnl_post_ops_destroy(sum);
    return status;
}

/* Make the primitive; what was made up to a failure is released by clear_product. */
static dnnl_status_t make_primitive(product *p, const engine *e, layout layouts[OPERANDS])
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = p->accumulate ? make_sum(&attr) : dnnl_success;
    if (status == dnnl_success)
        status = describe_matmul(&description, e->engine, layouts, p->shape[2].data != NULL, attr);
    if (status == dnnl_success) status = dnnl_primitive_create(&p->primitive, description);
    if (description) dnnl_primitive_desc_destroy(description);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t make_product(product *p, const engine *e, const matrix x[OPERANDS],
                                  bool accumulate)
{
    layout layouts[OPERANDS];
    dnnl_status_t status = dnnl_success;
    memset(layouts, 0, sizeof layouts);
    memcpy(p->shape, x, sizeof p->shape);
    p->accumulate = accumulate;
    for (int i = 0; i < OPERANDS && status == dnnl_success; i++) {
        if (!x[i].data) continue;
        status = lay_out(&layouts[i], &x[i]);
        if (status == dnnl_success) status = hold(&p->memory[i], &layouts[i], e->engine);
    }
    if (status == dnnl_success) status = make_primitive(p, e, layouts);
    for (int i = 0; i < OPERANDS; i++) forget(&layouts[i]);
    return status;
}

static bool is_for(const product *p, const matrix x[OPERANDS], bool accumulate)
{
    if (!p->primitive || p->accumulate != accumulate) return false;
    for (int i = 0; i < OPERANDS; i++) {
        const matrix *a = &p->shape[i], *b = &x[i];
        if (!a->data != !b->data || a->type != b->type || a->rows != b->rows ||
            a->columns != b->columns || a->transposed != b->transposed)
            return false;
    }
    return true;
}

/* The product of this shape, made where it is not there yet. */
static dnnl_status_t find_product(engine *e, const matrix x[OPERANDS], bool accumulate,
                                  product **found)
{
    size_t hash = accumulate;
    for (int i = 0; i < OPERANDS; i++)
        hash = (hash * 31 + x[i].rows / BC_ROW_ROUND) * 31 + x[i].columns / BC_ROW_ROUND;
    product *p = &e->products[hash % PRODUCTS];
    *found = p;
    if (is_for(p, x, accumulate)) return dnnl_success;
    clear_product(p);
    dnnl_status_t status = make_product(p, e, x, accumulate);
    if (status != dnnl_success) clear_product(p);
    return status;
}

static dnnl_status_t execute(const product *p, const engine *e, const matrix x[OPERANDS])
{
    static const int roles[OPERANDS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                                        DNNL_ARG_DST};
    dnnl_exec_arg_t args[OPERANDS];
    int count = 0;
    for (int i = 0; i < OPERANDS; i++) {
        if (!p->memory[i]) continue;
        dnnl_status_t status =
            dnnl_memory_set_data_handle(p->memory[i], (void *)(uintptr_t)x[i].data);
        if (status != dnnl_success) return status;
        args[count++] = (dnnl_exec_arg_t){roles[i], p->memory[i]};
    }
    dnnl_status_t status = dnnl_primitive_execute(p->primitive, e->stream, count, args);
    return status == dnnl_success ? dnnl_stream_wait(e->stream) : status;
}

/* Output (+)= source weights + bias, bias a row vector or of null data. */
static void multiply_half(bc_gemm *gemm, const matrix x[OPERANDS], bool accumulate)
{
    product *p;
    dnnl_status_t status = find_product(gemm->state, x, accumulate, &p);
    if (status == dnnl_success) status = execute(p, gemm->state, x);
    if (status != dnnl_success)
        fail_product(gemm, status, x[3].rows, x[3].columns, x[0].columns);
}

/* A result of `rows` x `columns` in the precision that it has. */
static matrix result(bc_matrix y, size_t rows, size_t columns)
{
    if (y.full) return (matrix){y.full, dnnl_f32, rows, columns, false};
    return (matrix){y.half, dnnl_bf16, rows, columns, false};
}

static void half_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b,
                     bc_linear d)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {{x, dnnl_bf16, n, d.in, false},
                           {w, dnnl_bf16, d.in, d.out, true},
                           {b, dnnl_f32, 1, d.out, false},
                           result(y, n, d.out)};
    multiply_half(gemm, all, false);
}

static void half_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d,
                       bool accumulate)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {{dy, dnnl_bf16, n, d.out, false},
                           {w, dnnl_bf16, d.out, d.in, false},
                           {0},
                           result(dx, n, d.in)};
    multiply_half(gemm, all, accumulate);
}

static void half_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d,
                       bool accumulate)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {{dy, dnnl_bf16, d.out, n, true},
                           {x, dnnl_bf16, n, d.in, false},
                           {0},
                           {dw, dnnl_f32, d.out, d.in, false}};
    multiply_half(gemm, all, accumulate);
}

/* Below this instruction set the library would emulate bf16, slower than f32. */
static bool half_is_native(void)
{
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

static const bc_gemm_half half = {half_fwd, half_bwd_x, half_bwd_w};

/* ---- description ---------------------------------------------------------------------------- */

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
    &half, half_is_native,
};
