/* oneDNN: every product is a `matmul` primitive, the one that runs at full speed in all three
 * directions (inner product's backward is slower on some processors).
 *
 *   fwd    y  (N,out) = x (N,in)    * W^T        W^T read in place as an (in,out) matrix, tag ba
 *   bwd_x  dx (N,in)  = dy (N,out)  * W (out,in)
 *   bwd_w  dW (out,in) = dy^T       * x (N,in)   dy^T read in place, tag ba
 *
 * 1. Creating a primitive takes about a millisecond, so primitives are kept in a table by shape and N
 *    is rounded up to BC_ROW_ROUND. The rows past N are scratch: forward and bwd_x compute them for
 *    nothing, bwd_w sums over them and therefore clears them first.
 * 2. accumulate is a `sum` post-op; without it the output is not read.
 * 3. When the table is full it is emptied: shapes that are still in use come back from oneDNN's own
 *    cache in microseconds.
 * 4. Compiles against oneDNN 2.6 (operation descriptors) and 3.x (primitive descriptors only). */
#include "nn/gemm.h"

#include <dnnl.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

typedef enum { FWD, FWD_BIAS, BWD_X, BWD_W } operation;

typedef struct key {
    operation op;
    bool accumulate;
    size_t n, in, out;
} key;

typedef struct entry {
    key key;
    dnnl_primitive_t primitive; /* null: a free slot */
    dnnl_memory_t memory[4];    /* source, weights, bias, destination */
} entry;

enum { SLOTS = 1024, FULL = 768 };
static const int arguments[4] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST};

typedef struct state {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    size_t used;
    entry table[SLOTS];
} state;

/* ---- the two programming interfaces --------------------------------------------------------- */

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t descriptor;
#define DESCRIPTOR(d) (d)

static dnnl_status_t make_descriptor(descriptor *d, dnnl_dim_t rows, dnnl_dim_t columns,
                                     bool transposed)
{
    dnnl_dims_t dims = {rows, columns};
    return dnnl_memory_desc_create_with_tag(d, 2, dims, dnnl_f32, transposed ? dnnl_ba : dnnl_ab);
}

static void drop_descriptor(descriptor *d)
{
    if (*d) dnnl_memory_desc_destroy(*d);
}

static dnnl_status_t make_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, descriptor d[4],
                                 dnnl_primitive_attr_t attributes)
{
    return dnnl_matmul_primitive_desc_create(out, engine, d[0], d[1], d[2], d[3], attributes);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}
#else
typedef dnnl_memory_desc_t descriptor;
#define DESCRIPTOR(d) (&(d))

static dnnl_status_t make_descriptor(descriptor *d, dnnl_dim_t rows, dnnl_dim_t columns,
                                     bool transposed)
{
    dnnl_dims_t dims = {rows, columns};
    return dnnl_memory_desc_init_by_tag(d, 2, dims, dnnl_f32, transposed ? dnnl_ba : dnnl_ab);
}

static void drop_descriptor(descriptor *d)
{
    (void)d;
}

static dnnl_status_t make_matmul(dnnl_primitive_desc_t *out, dnnl_engine_t engine, descriptor d[4],
                                 dnnl_primitive_attr_t attributes)
{
    dnnl_matmul_desc_t matmul;
    const descriptor *bias = d[2].ndims ? &d[2] : NULL;
    dnnl_status_t status = dnnl_matmul_desc_init(&matmul, &d[0], &d[1], bias, &d[3]);
    if (status != dnnl_success) return status;
    return dnnl_primitive_desc_create(out, &matmul, attributes, engine, NULL);
}

static dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}
#endif

/* ---- primitives by shape -------------------------------------------------------------------- */

/* Source, weights, bias and destination of an operation. */
static dnnl_status_t describe_operands(key k, descriptor d[4])
{
    dnnl_dim_t n = (dnnl_dim_t)bc_rows(k.n), in = (dnnl_dim_t)k.in, out = (dnnl_dim_t)k.out;
    const struct { dnnl_dim_t m, k, n; bool source_t, weights_t; } shapes[] = {
        [FWD] = {n, in, out, false, true},
        [FWD_BIAS] = {n, in, out, false, true},
        [BWD_X] = {n, out, in, false, false},
        [BWD_W] = {out, n, in, true, false},
    };
    dnnl_status_t status = make_descriptor(&d[0], shapes[k.op].m, shapes[k.op].k,
                                           shapes[k.op].source_t);
    if (status == dnnl_success)
        status = make_descriptor(&d[1], shapes[k.op].k, shapes[k.op].n, shapes[k.op].weights_t);
    if (status == dnnl_success && k.op == FWD_BIAS)
        status = make_descriptor(&d[2], 1, shapes[k.op].n, false);
    if (status == dnnl_success)
        status = make_descriptor(&d[3], shapes[k.op].m, shapes[k.op].n, false);
    return status;
}

static dnnl_status_t make_attributes(bool accumulate, dnnl_primitive_attr_t *attributes)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attributes);
    if (status != dnnl_success || !accumulate) return status;
    status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success) status = append_sum(ops);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return status;
}

static void drop_entry(entry *e)
{
    if (e->primitive) dnnl_primitive_destroy(e->primitive);
    for (int i = 0; i < 4; i++)
        if (e->memory[i]) dnnl_memory_destroy(e->memory[i]);
    memset(e, 0, sizeof *e);
}

static dnnl_status_t create_primitive(state *s, key k, descriptor d[4], entry *e)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_primitive_desc_t description = NULL;
    dnnl_status_t status = make_attributes(k.accumulate, &attributes);
    if (status == dnnl_success) status = make_matmul(&description, s->engine, d, attributes);
    if (status == dnnl_success) status = dnnl_primitive_create(&e->primitive, description);
    if (description) dnnl_primitive_desc_destroy(description);
    if (attributes) dnnl_primitive_attr_destroy(attributes);
    return status;
}

static dnnl_status_t make_entry(state *s, key k, entry *e)
{
    descriptor d[4];
    memset(d, 0, sizeof d);
    memset(e, 0, sizeof *e);
    dnnl_status_t status = describe_operands(k, d);
    if (status == dnnl_success) status = create_primitive(s, k, d, e);
    for (int i = 0; i < 4 && status == dnnl_success; i++)
        if (i != 2 || k.op == FWD_BIAS)
            status = dnnl_memory_create(&e->memory[i], DESCRIPTOR(d[i]), s->engine,
                                        DNNL_MEMORY_NONE);
    for (int i = 0; i < 4; i++) drop_descriptor(&d[i]);
    if (status != dnnl_success) drop_entry(e);
    e->key = k;
    return status;
}

static bool same_key(key a, key b)
{
    return a.op == b.op && a.accumulate == b.accumulate && a.n == b.n && a.in == b.in &&
           a.out == b.out;
}

static size_t slot_of(key k)
{
    size_t hash = (size_t)k.op * 2 + k.accumulate;
    hash = hash * 1000003u + k.n / BC_ROW_ROUND;
    hash = hash * 1000003u + k.in;
    hash = hash * 1000003u + k.out;
    return (hash ^ hash >> 17) % SLOTS;
}

static void empty_table(state *s)
{
    for (size_t i = 0; i < SLOTS; i++) drop_entry(&s->table[i]);
    s->used = 0;
}

/* The primitive of a shape, made when it is first asked for; null after a failure. */
static entry *find_entry(bc_gemm *gemm, key k)
{
    state *s = gemm->state;
    k.n = bc_rows(k.n);
    if (s->used >= FULL) empty_table(s);
    size_t slot = slot_of(k);
    for (; s->table[slot].primitive; slot = (slot + 1) % SLOTS)
        if (same_key(s->table[slot].key, k)) return &s->table[slot];
    dnnl_status_t status = make_entry(s, k, &s->table[slot]);
    if (status == dnnl_success) {
        s->used++;
        return &s->table[slot];
    }
    bc_fail(&gemm->error, status == dnnl_out_of_memory ? BERTC_NOMEM : BERTC_IO,
            "oneDNN: no product for %zu x %zu x %zu (status %d)", k.n, k.in, k.out, (int)status);
    return NULL;
}

static void run(bc_gemm *gemm, key k, float *source, const float *weights, const float *bias,
                float *destination)
{
    state *s = gemm->state;
    entry *e = find_entry(gemm, k);
    if (!e) return;
    void *handles[4] = {source, (void *)(size_t)weights, (void *)(size_t)bias, destination};
    dnnl_exec_arg_t args[4];
    int count = 0;
    dnnl_status_t status = dnnl_success;
    for (int i = 0; i < 4 && status == dnnl_success; i++) {
        if (!e->memory[i]) continue;
        status = dnnl_memory_set_data_handle(e->memory[i], handles[i]);
        args[count].arg = arguments[i];
        args[count++].memory = e->memory[i];
    }
    if (status == dnnl_success) status = dnnl_primitive_execute(e->primitive, s->stream, count, args);
    if (status == dnnl_success) status = dnnl_stream_wait(s->stream);
    if (status != dnnl_success)
        bc_fail(&gemm->error, BERTC_IO, "oneDNN: a product failed (status %d)", (int)status);
}

/* ---- the seam ------------------------------------------------------------------------------- */

static void close_onednn(bc_gemm *gemm)
{
    state *s = gemm->state;
    if (!s) return;
    empty_table(s);
    if (s->stream) dnnl_stream_destroy(s->stream);
    if (s->engine) dnnl_engine_destroy(s->engine);
    bc_free(s);
    gemm->state = NULL;
}

static bertc_status open_onednn(bc_gemm *gemm, bertc_error *err)
{
    state *s = bc_calloc(1, sizeof *s);
    if (!s) return bc_fail_memory(err);
    gemm->state = s;
    if (dnnl_engine_create(&s->engine, dnnl_cpu, 0) == dnnl_success &&
        dnnl_stream_create(&s->stream, s->engine, dnnl_stream_default_flags) == dnnl_success)
        return BERTC_OK;
    close_onednn(gemm);
    return bc_fail(err, BERTC_IO, "oneDNN: no CPU engine");
}

static void fwd(bc_gemm *gemm, float *y, float *x, const float *w, const float *b, bc_linear d)
{
    run(gemm, (key){b ? FWD_BIAS : FWD, false, d.n, d.in, d.out}, x, w, b, y);
}

static void bwd_x(bc_gemm *gemm, float *dx, float *dy, const float *w, bc_linear d, bool accumulate)
{
    run(gemm, (key){BWD_X, accumulate, d.n, d.in, d.out}, dy, w, NULL, dx);
}

static void bwd_w(bc_gemm *gemm, float *dw, float *dy, float *x, bc_linear d, bool accumulate)
{
    size_t spare = bc_rows(d.n) - d.n;
    memset(dy + d.n * d.out, 0, spare * d.out * sizeof *dy);
    memset(x + d.n * d.in, 0, spare * d.in * sizeof *x);
    run(gemm, (key){BWD_W, accumulate, d.n, d.in, d.out}, dy, x, NULL, dw);
}

static const char *isa_name(dnnl_cpu_isa_t isa)
{
    static const struct { unsigned isa; const char *name; } names[] = {
        {dnnl_cpu_isa_sse41, "SSE4.1"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX-512 VNNI"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512 BF16"},
        {dnnl_cpu_isa_avx512_core_amx, "AMX"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].isa == (unsigned)isa) return names[i].name;
    return "other";
}

static void describe(char *out, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(out, size, "onednn: %d.%d.%d, instruction set %s (0x%x)", v->major, v->minor, v->patch,
             isa_name(dnnl_get_effective_cpu_isa()), (unsigned)dnnl_get_effective_cpu_isa());
}

const bc_gemm_backend bc_gemm_onednn = {
    "onednn", open_onednn, close_onednn, fwd, bwd_x, bwd_w, describe,
};
