/* A lower bound: the matrix products of a training step or of a forward pass, each with the fastest kernel.
 *
 * 1. The bound covers all layers over all rows, in the precision of the step. A step computes fewer products, because
 *    the last layer continues with the first row of each sequence only, so the ratio of the bound to the step can
 *    exceed one. Products that a step with frozen stages does not compute are left out.
 * 2. Kernels of a training step read unpacked weights, because weights change in every step. Kernels of a forward pass
 *    may also read packed weights. */
#include <omp.h>
#include <stdio.h>

#include "base/memory.h"
#include "harness/harness.h"
#include "nn/products.h"

static const char *const kind_names[KINDS] = {"fwd", "dx", "dw"};

enum { QKV, ATTN, UP, DOWN };

static const struct {
    const char *name;
    bc_param_id weight;
    int in, out; /* multiples of the hidden size */
} linears[LINEARS] = {
    [QKV] = {"qkv", BC_QUERY_W, 1, 3},
    [ATTN] = {"attn", BC_ATTN_W, 1, 1},
    [UP] = {"up", BC_UP_W, 1, 4},
    [DOWN] = {"down", BC_DOWN_W, 4, 1},
};

/* The output of a product. With bf16, the products write wide activations and their gradients in bf16. */
static bc_matrix output(const gemm_bound *f, int linear, int kind)
{
    bool bf16 = f->model->use_bf16 && linear == (kind == 0 ? UP : DOWN);
    if (kind == 0) return bf16 ? (bc_matrix){.bf16 = f->bf16_y} : (bc_matrix){.f32 = f->y};
    return bf16 ? (bc_matrix){.bf16 = f->bf16_x} : (bc_matrix){.f32 = f->x};
}

/* Multiply by packed weights. The last layer's query weights are packed separately from its key and value weights. */
static void multiply_packed(gemm_bound *f, bc_gemm *gemm, int linear, int layer)
{
    bc_product products[BC_MAX_PRODUCTS];
    int count = bc_model_products(f->model, layer, products);
    const bc_param *weight = bc_model_param(f->model, linears[linear].weight, layer);
    const bc_param *rest = linear == QKV ? bc_model_param(f->model, BC_KEY_W, layer) : NULL;
    for (int i = 0; i < count; i++) {
        if (products[i].w != weight && products[i].w != rest) continue;
        bc_linear d = {f->n, products[i].in, products[i].out};
        bc_packed_fwd(gemm, output(f, linear, 0), (bc_matrix){f->x, f->bf16_x}, products[i].w->packed, NULL, d);
    }
}

static void multiply_bf16(gemm_bound *f, bc_gemm *gemm, const bc_param *w, int linear, int kind, bc_linear d)
{
    if (kind == 0) bc_bf16_fwd(gemm, output(f, linear, kind), f->bf16_x, w->bf16, NULL, d);
    else if (kind == 1) bc_bf16_bwd_x(gemm, output(f, linear, kind), f->bf16_y, w->bf16, d, false);
    else bc_bf16_bwd_w(gemm, w->grad, f->bf16_y, f->bf16_x, d, false);
}

static void multiply(gemm_bound *f, const bound_kernel *kernel, int linear, int kind, int layer)
{
    size_t h = (size_t)f->settings->hidden;
    bc_linear d = {f->n, (size_t)linears[linear].in * h, (size_t)linears[linear].out * h};
    const bc_param *w = bc_model_param(f->model, linears[linear].weight, layer);
    if (kernel->packed) multiply_packed(f, kernel->gemm, linear, layer);
    else if (w->bf16) multiply_bf16(f, kernel->gemm, w, linear, kind, d);
    else if (kind == 0) bc_linear_fwd(kernel->gemm, f->y, f->x, w->value, NULL, d);
    else if (kind == 1) bc_linear_bwd_x(kernel->gemm, f->x, f->y, w->value, d, false);
    else bc_linear_bwd_w(kernel->gemm, w->grad, f->y, f->x, d, false);
}

/* Whether a training step computes this product with the model's frozen stages. Stage 0 is the embeddings. */
static bool is_needed(const gemm_bound *f, int linear, int kind, int layer)
{
    int stage = layer + 1, frozen = f->model->frozen;
    if (kind == 0) return true;
    if (stage < frozen) return false;
    return kind == 2 || linear != QKV || stage > frozen;
}

static double time_layers(gemm_bound *f, const bound_kernel *kernel, int linear, int kind)
{
    double began = bc_clock();
    for (int l = 0; l < f->settings->layers; l++)
        if (is_needed(f, linear, kind, l)) multiply(f, kernel, linear, kind, l);
    return bc_clock() - began;
}

/* Choose the kernel with the shortest time for each product. Of four runs of a kernel the first one is not counted. */
static void choose_kernels(gemm_bound *f)
{
    for (int i = 0; i < LINEARS; i++)
        for (int kind = 0; kind < f->kinds; kind++) {
            double min = 1e30;
            for (int c = 0; c < f->count; c++)
                for (int round = 0; round < 4; round++) {
                    double seconds = time_layers(f, &f->kernels[c], i, kind);
                    if (round == 0 || seconds >= min) continue;
                    min = seconds;
                    f->best[i][kind] = &f->kernels[c];
                }
        }
}

static void add_kernel(gemm_bound *f, const char *backend, bool packed)
{
    bertc_error err = {0};
    bc_gemm *gemm = &f->backends[f->count];
    check(bc_gemm_open(gemm, backend, &err), &err);
    if (use_bf16(f->settings)) check(bc_gemm_use_bf16(gemm, &err), &err);
    f->kernels[f->count++] = (bound_kernel){backend, gemm, packed};
}

void open_bound(gemm_bound *f, const bench_settings *s, bertc_model *model, const bertc_batch *batch)
{
    size_t n = (size_t)batch->tokens, size = bc_rows(n) * 4 * (size_t)s->hidden;
    *f = (gemm_bound){.settings = s, .model = model, .n = n, .work = work_of(s, batch),
                      .kinds = model->grads ? KINDS : 1};
    f->x = allocate(size, sizeof *f->x);
    f->y = allocate(size, sizeof *f->y);
    f->bf16_x = allocate(size, sizeof *f->bf16_x);
    f->bf16_y = allocate(size, sizeof *f->bf16_y);
    for (size_t i = 0; i < size; i++) f->x[i] = f->y[i] = (float)((double)(i % 257) / 257 - 0.5);
    for (size_t i = 0; i < size; i++) f->bf16_x[i] = f->bf16_y[i] = (uint16_t)(0x3e00 + i % 257);
    omp_set_num_threads((int)s->threads);
    add_kernel(f, "onednn", false);
    if (!use_bf16(s)) add_kernel(f, "openblas", false);
    if (bc_model_param(model, BC_UP_W, 0)->packed) add_kernel(f, s->backend, true);
    choose_kernels(f);
}

void close_bound(gemm_bound *f)
{
    for (int c = 0; c < f->count; c++) bc_gemm_close(f->kernels[c].gemm);
    bc_free(f->x);
    bc_free(f->y);
    bc_free(f->bf16_x);
    bc_free(f->bf16_y);
}

double time_bound(gemm_bound *f)
{
    double began = bc_clock();
    for (int l = 0; l < f->settings->layers; l++)
        for (int i = 0; i < LINEARS; i++) multiply(f, f->best[i][0], i, 0, l);
    for (int l = (int)f->settings->layers - 1; l >= 0 && f->kinds > 1; l--)
        for (int i = LINEARS - 1; i >= 0; i--)
            for (int kind = 1; kind < f->kinds; kind++)
                if (is_needed(f, i, kind, l)) multiply(f, f->best[i][kind], i, kind, l);
    return bc_clock() - began;
}

void print_bound(const gemm_bound *f, sample milliseconds)
{
    const char *what = f->kinds > 1 ? "gemm floor of a step" : "gemm floor of forward";
    print_result_by(f->settings, "best of each", what, "ms", milliseconds, f->work);
}

/* Measure one product over all layers together. */
static void print_rate(gemm_bound *f, int linear, int kind)
{
    const bench_settings *s = f->settings;
    char what[NAME];
    sample rate = {0};
    const bound_kernel *kernel = f->best[linear][kind];
    double h = (double)s->hidden, n = (double)f->n, l = (double)s->layers;
    double work = 2 * n * h * h * linears[linear].in * linears[linear].out * l;
    for (int r = 0; r < s->rounds; r++) add(&rate, work / time_layers(f, kernel, linear, kind) * 1e-9);
    snprintf(what, sizeof what, "gemm %s %s %s%s", linears[linear].name, kind_names[kind], kernel->name,
             kernel->packed ? " packed" : "");
    print_result_by(s, kernel->name, what, "GFLOP/s", rate, f->work);
}

/* Measure the products of a training step, then those of a forward pass. */
void bench_gemm(const bench_settings *s)
{
    for (int trained = 1; trained >= 0; trained--) {
        bertc_model *model = make_model(s, trained);
        bertc_batch *batch = make_batch(s, 0, (int)s->batch_size);
        gemm_bound f;
        open_bound(&f, s, model, batch);
        for (int i = 0; i < LINEARS; i++)
            for (int kind = 0; kind < f.kinds; kind++) print_rate(&f, i, kind);
        sample bound = {0};
        for (int r = 0; r < s->rounds; r++) add(&bound, 1e3 * time_bound(&f));
        print_bound(&f, bound);
        close_bound(&f);
        bertc_batch_free(batch);
        bertc_model_free(model);
    }
}
