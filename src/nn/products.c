/* The products of the layers' weights, and their size in settled stages: a row must be the same there, to the
 * bit, wherever it lies in a batch.
 *
 * Libraries choose how to sum by a product's number of rows; its rows may then still differ, as those at the
 * end of a thread's part go through another kernel. So rows that are all alike are tried in products of a few
 * sizes, on this machine and with this many threads: where they come out alike, every row of such a product is
 * summed in the same way. Where no size does that, each sequence gets its own products. */
#include "nn/products.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "nn/ops/ops.h"

static const size_t sizes[] = {64, 96, 128, BC_INVARIANT_ROWS_MAX};

enum { SIZES = sizeof sizes / sizeof *sizes };

int bc_model_products(bertc_model *model, int layer, bc_product products[BC_MAX_PRODUCTS])
{
    int layers = (int)model->config.num_hidden_layers, count = 0;
    /* Before heads that read first rows the last layer multiplies with its queries' weights apart (see attend_fwd). */
    bool apart = !model->encoder_only && !model->all_rows && layer + 1 == layers, pooler = layer == layers;
    if (pooler && !model->pooler) return 0;
    const struct {
        bc_param_id id;
        size_t matrices;
    } all[] = {
        {BC_QUERY_W, pooler ? 0 : apart ? 1 : 3}, {BC_KEY_W, apart ? 2 : 0}, {BC_ATTN_W, !pooler},
        {BC_UP_W, !pooler}, {BC_DOWN_W, !pooler}, {BC_POOL_W, pooler},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].matrices == 0) continue;
        bc_param *w = bc_model_param(model, all[i].id, pooler ? 0 : layer);
        products[count++] = (bc_product){w, w->shape[1], all[i].matrices * w->shape[0]};
    }
    return count;
}

void bc_product_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_param *w, const float *b, bc_linear d)
{
    if (w->packed && w->packed->out == d.out) bc_packed_fwd(gemm, y, x, w->packed, b, d);
    else if (w->bf16) bc_bf16_fwd(gemm, y, x.bf16, w->bf16, b, d);
    else bc_linear_fwd(gemm, y.f32, x.f32, w->value, b, d);
}

/* Operands of a trial, with room for the largest. */
typedef struct trial {
    bc_matrix x;
    float *y;
} trial;

static bool rows_are_equal(bc_gemm *gemm, const bc_product *product, size_t rows, trial *t)
{
    size_t in = product->in, out = product->out;
    bc_rng_uniform(0, "settle", 1.0, t->x.f32, in);
    for (size_t row = 1; row < rows; row++) memcpy(t->x.f32 + row * in, t->x.f32, in * sizeof *t->x.f32);
    bc_round_rows(t->x.bf16, t->x.f32, rows, in);
    bc_product_fwd(gemm, (bc_matrix){.f32 = t->y}, t->x, product->w, NULL, (bc_linear){rows, in, out});
    for (size_t row = 1; row < rows; row++)
        if (memcmp(t->y + row * out, t->y, out * sizeof *t->y) != 0) return false;
    return true;
}

/* Products of the same shape are the same in all layers; the last one may have other shapes. */
static bool size_suits(bertc_model *model, bc_gemm *gemm, size_t rows, trial *t)
{
    int layers = (int)model->config.num_hidden_layers, invariant = model->batch_invariant - 1;
    bc_product products[BC_MAX_PRODUCTS];
    for (int layer = 0; layer < invariant; layer++) {
        if (layer > 0 && layer < layers - 1) continue;
        int count = bc_model_products(model, layer, products);
        for (int i = 0; i < count; i++)
            if (!rows_are_equal(gemm, &products[i], rows, t)) return false;
    }
    return true;
}

bertc_status bc_model_probe_invariance(bertc_model *model, bertc_error *err)
{
    const bertc_config *config = &model->config;
    size_t h = (size_t)config->hidden_size, f = (size_t)config->intermediate_size;
    size_t widest = 3 * h > f ? 3 * h : f, scalars = BC_INVARIANT_ROWS_MAX * widest;
    model->invariant_rows = sizes[0];
    if (model->batch_invariant < 2) return BERTC_OK;
    trial t = {.x = {bc_alloc(scalars, sizeof(float)), bc_alloc(scalars, sizeof(uint16_t))},
               .y = bc_alloc(scalars, sizeof(float))};
    bc_gemm gemm = {0};
    bertc_status status = t.x.f32 && t.x.bf16 && t.y ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_gemm_open_like(&gemm, &model->gemm, err);
    size_t i = 0;
    while (status == BERTC_OK && i < SIZES && !size_suits(model, &gemm, sizes[i], &t)) i++;
    model->invariant_rows = i < SIZES ? sizes[i] : 0;
    if (status == BERTC_OK) status = bc_gemm_status(&gemm, err);
    bc_gemm_close(&gemm);
    bc_free(t.x.f32);
    bc_free(t.x.bf16);
    bc_free(t.y);
    return status;
}
