/* oneDNN: every f32 product is a dnnl_sgemm on row-major matrices.
 *
 * 1. dnnl_sgemm was measured against the `matmul` primitive: on an AVX-512 core with oneDNN 2.6 it runs all three
 *    products of 512 x 768 x 3072 at 106 to 116 GFLOP/s, and matmul runs two of them (dx, and dW for the wide input) at
 *    45 to 50. It takes any N without creating a primitive, and the same call exists in 2.6 and 3.x.
 * 2. beta = 0 does not read the output.
 * 3. The bias is copied into the output first, and the product is added to it.
 * 4. Products on bf16 operands are `matmul` primitives, because there is no public bf16 gemm. N is rounded up to
 *    BC_ROW_ROUND rows so that few shapes occur, and the primitive of each shape is kept. A sum into the output is a
 *    post-op; without it the output is not read.
 * 5. A gemm owns its primitives and one block of scratch memory. The primitives run one at a time and share that block,
 *    because touching new pages in every product costs more than the product. The library's own scratch memory would
 *    belong to the thread that made the primitive: in another thread it is missing or too small.
 * 6. dnnl_memory_desc is a struct in 2.x and a handle in 3.x: the type `layout` hides the difference. */
#include "nn/gemm/sgemm.h"

#include <dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

enum { OPERANDS = 4, SCRATCH = OPERANDS, ARGUMENTS, PRODUCTS = 1024 };

/* ---- What differs between oneDNN 2.x and 3.x ----------------------------------------------- */

typedef dnnl_memory_desc_t layout;

#if DNNL_VERSION_MAJOR >= 3
#define PASS(l) (*(l)) /* a layout as an argument of the library: its handle */
#define lay_out_by_tag dnnl_memory_desc_create_with_tag

static dnnl_status_t copy_layout(layout *to, const_dnnl_memory_desc_t from)
{
    return dnnl_memory_desc_clone(to, from);
}

static void free_layout(layout *of)
{
    if (*of) dnnl_memory_desc_destroy(*of);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *to, dnnl_engine_t on, layout l[OPERANDS],
                                     bool bias, const_dnnl_primitive_attr_t attr)
{
    return dnnl_matmul_primitive_desc_create(to, on, l[0], l[1], bias ? l[2] : NULL, l[3], attr);
}
#else
#define PASS(l) (l) /* a layout as an argument of the library: its address */
#define lay_out_by_tag dnnl_memory_desc_init_by_tag

static dnnl_status_t copy_layout(layout *to, const layout *from)
{
    *to = *from;
    return dnnl_success;
}

static void free_layout(layout *of)
{
    (void)of;
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *to, dnnl_engine_t on, layout l[OPERANDS],
                                     bool bias, const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t status = dnnl_matmul_desc_init(&matmul, &l[0], &l[1], bias ? &l[2] : NULL, &l[3]);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(to, &matmul, attr, on, NULL);
}
#endif

static dnnl_status_t lay_out_as(layout *to, size_t rows, size_t columns, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_dims_t dims = {(dnnl_dim_t)rows, (dnnl_dim_t)columns};
    return lay_out_by_tag(to, 2, dims, type, tag);
}

static dnnl_status_t hold(dnnl_memory_t *to, layout *of, dnnl_engine_t on, void *data)
{
    return dnnl_memory_create(to, PASS(of), on, data);
}

/* Cast const away: the library takes inputs as void * too. */
static void *handle_of(const void *data)
{
    const union {
        const void *given;
        void *taken;
    } handle = {data};
    return handle.taken;
}

/* ---- The library's objects ----------------------------------------------------------------- */

/* A matrix in memory: dense, or in a layout that the library chose. */
typedef struct matrix {
    const void *data;
    dnnl_data_type_t type;
    size_t rows, columns;
    bool transposed;       /* stored as (columns,rows) */
    const layout *chosen;  /* layout chosen by the library; null: dense */
} matrix;

/* The weights of a linear layer in the library's preferred layout. */
typedef struct packed {
    bc_packed shape;
    dnnl_data_type_t type;
    layout layout;
    void *values;
} packed;

/* A primitive for products of one shape. Its arguments are source, weights, bias, output and scratch memory. */
typedef struct product {
    matrix shape[OPERANDS];          /* the matrices of the first call; later calls may have other data */
    bool accumulate;
    dnnl_memory_t memory[ARGUMENTS]; /* handle of each argument; null: no bias, or no scratch memory */
    dnnl_primitive_t primitive;      /* null: this entry of the table is free */
} product;

typedef struct engine {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_memory_t scratch;      /* large enough for every product; null: no product needs it */
    size_t scratch_bytes;
    product products[PRODUCTS]; /* a hash table by shape; a new product replaces the entry with the same hash */
} engine;

static void clear_product(product *p)
{
    for (int i = 0; i < ARGUMENTS; i++)
        if (p->memory[i]) dnnl_memory_destroy(p->memory[i]);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    memset(p, 0, sizeof *p);
}

static void close_onednn(bc_gemm *gemm)
{
    engine *e = gemm->state;
    for (size_t i = 0; e && i < PRODUCTS; i++) clear_product(&e->products[i]);
    if (e && e->scratch) dnnl_memory_destroy(e->scratch);
    if (e && e->stream) dnnl_stream_destroy(e->stream);
    if (e && e->engine) dnnl_engine_destroy(e->engine);
    bc_free(e);
}

static bertc_status open_onednn(bc_gemm *gemm, bertc_error *err)
{
    /* Address space for generated code and packed operands. The library crashes if it cannot allocate it. */
    enum { NEEDED = 32 << 20 };
    if (!bc_can_map(NEEDED))
        return bc_fail(err, BERTC_NOMEM, "out of memory: oneDNN needs %d MB of address space", NEEDED >> 20);
    engine *e = bc_calloc(1, sizeof *e);
    gemm->state = e;
    if (!e) return bc_fail_memory(err);
    dnnl_status_t status = dnnl_engine_create(&e->engine, dnnl_cpu, 0);
    if (status == dnnl_success) status = dnnl_stream_create(&e->stream, e->engine, dnnl_stream_default_flags);
    if (status == dnnl_success) return BERTC_OK;
    return bc_fail(err, status == dnnl_out_of_memory ? BERTC_NOMEM : BERTC_IO,
                   "oneDNN: cannot create an engine for the processor (status %d)", (int)status);
}

static void fail_product(bc_gemm *gemm, dnnl_status_t status, size_t m, size_t n, size_t k)
{
    bc_fail(&gemm->error, status == dnnl_out_of_memory ? BERTC_NOMEM : BERTC_IO,
            "oneDNN: a matrix product of %zu x %zu x %zu failed (status %d)", m, n, k, (int)status);
}

static void multiply(bc_gemm *gemm, bc_sgemm x)
{
    char ta = x.a_transposed ? 'T' : 'N', tb = x.b_transposed ? 'T' : 'N';
    dnnl_dim_t m = (dnnl_dim_t)x.m, n = (dnnl_dim_t)x.n, k = (dnnl_dim_t)x.k;
    dnnl_dim_t lda = x.a_transposed ? m : k, ldb = x.b_transposed ? k : n;
    dnnl_status_t status = dnnl_sgemm(ta, tb, m, n, k, 1.0f, x.a, lda, x.b, ldb, x.beta, x.c, n);
    if (status != dnnl_success) fail_product(gemm, status, x.m, x.n, x.k);
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
#pragma omp parallel for schedule(static) if (b)
    for (size_t n = 0; n < (b ? d.n : 0); n++) memcpy(y + n * d.out, b, d.out * sizeof *y);
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

/* ---- bf16 ---------------------------------------------------------------------------------- */

/* Have the primitive add its product to the output. */
static dnnl_status_t add_to_output(dnnl_primitive_attr_t attr)
{
    dnnl_post_ops_t sum = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&sum);
    if (status == dnnl_success)
#if DNNL_VERSION_MAJOR >= 3
        status = dnnl_post_ops_append_sum(sum, 1.0f, 0, dnnl_data_type_undef);
#else
        status = dnnl_post_ops_append_sum(sum, 1.0f);
#endif
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attr, sum);
    if (sum) dnnl_post_ops_destroy(sum);
    return status;
}

/* Grow the shared scratch memory to what the primitive needs, and create the primitive's handle of it. */
static dnnl_status_t provide_scratch(product *p, engine *e, const_dnnl_primitive_desc_t description)
{
    layout scratch;
    memset(&scratch, 0, sizeof scratch);
    dnnl_status_t status =
        copy_layout(&scratch, dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0));
    size_t bytes = status == dnnl_success ? dnnl_memory_desc_get_size(PASS(&scratch)) : 0;
    if (bytes > e->scratch_bytes) {
        if (e->scratch) dnnl_memory_destroy(e->scratch);
        e->scratch = NULL;
        e->scratch_bytes = 0;
        status = hold(&e->scratch, &scratch, e->engine, DNNL_MEMORY_ALLOCATE);
        if (status == dnnl_success) e->scratch_bytes = bytes;
    }
    if (status == dnnl_success && bytes > 0) status = hold(&p->memory[SCRATCH], &scratch, e->engine, DNNL_MEMORY_NONE);
    free_layout(&scratch);
    return status;
}

/* Create the primitive. After an error clear_product releases what was created. */
static dnnl_status_t make_primitive(product *p, engine *e, layout layouts[OPERANDS])
{
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success && p->accumulate) status = add_to_output(attr);
    if (status == dnnl_success)
        status = describe_matmul(&description, e->engine, layouts, p->shape[2].data != NULL, attr);
    if (status == dnnl_success) status = provide_scratch(p, e, description);
    if (status == dnnl_success) status = dnnl_primitive_create(&p->primitive, description);
    if (description) dnnl_primitive_desc_destroy(description);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t make_product(product *p, engine *e, const matrix x[OPERANDS], bool accumulate)
{
    layout layouts[OPERANDS];
    dnnl_status_t status = dnnl_success;
    memset(layouts, 0, sizeof layouts);
    memcpy(p->shape, x, sizeof p->shape);
    p->accumulate = accumulate;
    for (int i = 0; i < OPERANDS && status == dnnl_success; i++) {
        if (!x[i].data) continue;
        if (x[i].chosen) status = copy_layout(&layouts[i], PASS(x[i].chosen));
        else status = lay_out_as(&layouts[i], x[i].rows, x[i].columns, x[i].type, x[i].transposed ? dnnl_ba : dnnl_ab);
        if (status == dnnl_success) status = hold(&p->memory[i], &layouts[i], e->engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success) status = make_primitive(p, e, layouts);
    for (int i = 0; i < OPERANDS; i++) free_layout(&layouts[i]);
    return status;
}

static bool is_for(const product *p, const matrix x[OPERANDS], bool accumulate)
{
    if (!p->primitive || p->accumulate != accumulate) return false;
    for (int i = 0; i < OPERANDS; i++) {
        const matrix *a = &p->shape[i], *b = &x[i];
        if (!a->data != !b->data || a->type != b->type || a->rows != b->rows ||
            a->columns != b->columns || a->transposed != b->transposed || !a->chosen != !b->chosen)
            return false;
    }
    return true;
}

/* Find the product of this shape, or create it. */
static dnnl_status_t find_product(engine *e, const matrix x[OPERANDS], bool accumulate, product **found)
{
    size_t hash = accumulate;
    for (int i = 0; i < OPERANDS; i++) hash = (hash * 31 + x[i].rows / 4) * 31 + x[i].columns / BC_ROW_ROUND;
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
    static const int roles[ARGUMENTS] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST,
                                         DNNL_ARG_SCRATCHPAD};
    dnnl_exec_arg_t args[ARGUMENTS];
    int count = 0;
    for (int i = 0; i < ARGUMENTS; i++) {
        void *data = i < OPERANDS ? handle_of(x[i].data) : NULL;
        if (!p->memory[i]) continue;
        dnnl_status_t status = i == SCRATCH ? dnnl_memory_get_data_handle(e->scratch, &data) : dnnl_success;
        if (status == dnnl_success) status = dnnl_memory_set_data_handle(p->memory[i], data);
        if (status != dnnl_success) return status;
        args[count++] = (dnnl_exec_arg_t){roles[i], p->memory[i]};
    }
    dnnl_status_t status = dnnl_primitive_execute(p->primitive, e->stream, count, args);
    return status == dnnl_success ? dnnl_stream_wait(e->stream) : status;
}

/* Output (+)= source weights + bias. The bias is a row vector, or its data is null. */
static void run_product(bc_gemm *gemm, const matrix x[OPERANDS], bool accumulate)
{
    product *p;
    dnnl_status_t status = find_product(gemm->state, x, accumulate, &p);
    if (status == dnnl_success) status = execute(p, gemm->state, x);
    if (status != dnnl_success) fail_product(gemm, status, x[3].rows, x[3].columns, x[0].columns);
}

/* The output of a product, (rows,columns), in f32 if y.f32 is given, else in bf16. */
static matrix result(bc_matrix y, size_t rows, size_t columns)
{
    if (y.f32) return (matrix){y.f32, dnnl_f32, rows, columns, false, NULL};
    return (matrix){y.bf16, dnnl_bf16, rows, columns, false, NULL};
}

static void bf16_fwd(bc_gemm *gemm, bc_matrix y, const uint16_t *x, const uint16_t *w, const float *b, bc_linear d)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {{x, dnnl_bf16, n, d.in, false, NULL},
                           {w, dnnl_bf16, d.in, d.out, true, NULL},
                           {b, dnnl_f32, 1, d.out, false, NULL},
                           result(y, n, d.out)};
    run_product(gemm, all, false);
}

static void bf16_bwd_x(bc_gemm *gemm, bc_matrix dx, const uint16_t *dy, const uint16_t *w, bc_linear d, bool accumulate)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {
        {dy, dnnl_bf16, n, d.out, false, NULL}, {w, dnnl_bf16, d.out, d.in, false, NULL}, {0}, result(dx, n, d.in)};
    run_product(gemm, all, accumulate);
}

static void bf16_bwd_w(bc_gemm *gemm, float *dw, const uint16_t *dy, const uint16_t *x, bc_linear d, bool accumulate)
{
    size_t n = bc_rows(d.n);
    const matrix all[OPERANDS] = {{dy, dnnl_bf16, d.out, n, true, NULL},
                           {x, dnnl_bf16, n, d.in, false, NULL},
                           {0},
                           {dw, dnnl_f32, d.out, d.in, false, NULL}};
    run_product(gemm, all, accumulate);
}

/* ---- packed weights ------------------------------------------------------------------------ */

/* Choose the layout that the library prefers for a product of 64 rows. */
static dnnl_status_t choose_layout(packed *p, const engine *e)
{
    enum { ROWS = 64 };
    dnnl_primitive_desc_t description = NULL;
    layout l[OPERANDS];
    size_t in = p->shape.in, out = p->shape.out;
    memset(l, 0, sizeof l);
    dnnl_status_t status = lay_out_as(&l[0], ROWS, in, p->type, dnnl_ab);
    if (status == dnnl_success) status = lay_out_as(&l[1], in, out, p->type, dnnl_format_tag_any);
    if (status == dnnl_success) status = lay_out_as(&l[3], ROWS, out, dnnl_f32, dnnl_ab);
    if (status == dnnl_success) status = describe_matmul(&description, e->engine, l, false, NULL);
    if (status == dnnl_success)
        status = copy_layout(&p->layout, dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0));
    if (description) dnnl_primitive_desc_destroy(description);
    for (int i = 0; i < OPERANDS; i++) free_layout(&l[i]);
    return status;
}

/* Packing is faster if the library chooses a layout of its own. With AVX2 it chooses the plain transpose, and products
 * of few rows then take up to 1.3 times as long as dnnl_sgemm with the unpacked weights. */
static bool packing_is_faster(const bc_gemm *gemm)
{
    enum { WIDTH = 768 };
    packed p = {.shape = {WIDTH, WIDTH}, .type = dnnl_f32};
    layout plain;
    memset(&plain, 0, sizeof plain);
    dnnl_status_t status = lay_out_as(&plain, WIDTH, WIDTH, p.type, dnnl_ab);
    if (status == dnnl_success) status = choose_layout(&p, gemm->state);
    bool differs = status == dnnl_success && !dnnl_memory_desc_equal(PASS(&p.layout), PASS(&plain));
    free_layout(&p.layout);
    free_layout(&plain);
    return differs;
}

/* Fill p->values from dense weights (out,in). */
static dnnl_status_t reorder(packed *p, const engine *e, const void *w)
{
    dnnl_primitive_desc_t description = NULL;
    dnnl_primitive_t primitive = NULL;
    dnnl_memory_t source = NULL, to = NULL;
    layout dense;
    memset(&dense, 0, sizeof dense);
    dnnl_status_t status = lay_out_as(&dense, p->shape.in, p->shape.out, p->type, dnnl_ba);
    if (status == dnnl_success) status = hold(&source, &dense, e->engine, handle_of(w));
    if (status == dnnl_success) status = hold(&to, &p->layout, e->engine, p->values);
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&description, PASS(&dense), e->engine, PASS(&p->layout), e->engine,
                                                    NULL);
    if (status == dnnl_success) status = dnnl_primitive_create(&primitive, description);
    if (status == dnnl_success) {
        const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, to}};
        status = dnnl_primitive_execute(primitive, e->stream, 2, args);
    }
    if (status == dnnl_success) status = dnnl_stream_wait(e->stream);
    if (primitive) dnnl_primitive_destroy(primitive);
    if (description) dnnl_primitive_desc_destroy(description);
    if (source) dnnl_memory_destroy(source);
    if (to) dnnl_memory_destroy(to);
    free_layout(&dense);
    return status;
}

static void unpack(bc_packed *w)
{
    packed *p = (packed *)w;
    free_layout(&p->layout);
    bc_free(p->values);
    bc_free(p);
}

static bc_packed *pack(bc_gemm *gemm, bc_matrix w, size_t in, size_t out)
{
    const engine *e = gemm->state;
    packed *p = bc_calloc(1, sizeof *p);
    if (!p) return NULL;
    p->shape = (bc_packed){in, out};
    p->type = w.f32 ? dnnl_f32 : dnnl_bf16;
    dnnl_status_t status = choose_layout(p, e);
    if (status == dnnl_success) {
        p->values = bc_alloc(dnnl_memory_desc_get_size(PASS(&p->layout)), 1);
        if (!p->values) status = dnnl_out_of_memory;
    }
    if (status == dnnl_success) status = reorder(p, e, w.f32 ? (void *)w.f32 : (void *)w.bf16);
    if (status == dnnl_success) return &p->shape;
    fail_product(gemm, status, 0, out, in);
    unpack(&p->shape);
    return NULL;
}

static void packed_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_packed *w, const float *b, bc_linear d)
{
    const packed *p = (const packed *)w;
    const void *from = p->type == dnnl_f32 ? (const void *)x.f32 : x.bf16;
    /* Round a number of rows up, so that few shapes occur. Short f32 products are rounded up less, so that a single
     * short text does not cost many more rows. */
    enum { SHORT = 64, STEP = 4 };
    size_t n = p->type == dnnl_f32 && d.n < SHORT ? (d.n + STEP - 1) / STEP * STEP : bc_rows(d.n);
    const matrix all[OPERANDS] = {{from, p->type, n, d.in, false, NULL},
                                  {p->values, p->type, d.in, d.out, false, &p->layout},
                                  {b, dnnl_f32, 1, d.out, false, NULL},
                                  result(y, n, d.out)};
    run_product(gemm, all, false);
}

static const bc_gemm_pack_ops packing = {packing_is_faster, pack, packed_fwd, unpack};

/* ---- bf16 instructions --------------------------------------------------------------------- */

/* With older instruction sets the library emulates bf16, which is slower than f32. */
static bool bf16_is_native(void)
{
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

static const bc_gemm_bf16 bf16 = {bf16_fwd, bf16_bwd_x, bf16_bwd_w};

/* ---- description --------------------------------------------------------------------------- */

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
    "onednn", open_onednn, close_onednn, fwd, bwd_x, bwd_w, describe, &bf16, bf16_is_native, &packing,
};
