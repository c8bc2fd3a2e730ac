/* Batch invariance: a row of a batch-invariant stage has the same bits in every batch, at every position in the batch.
 *
 * Libraries choose the order of a product's sums by its number of rows. Even in one product rows may differ: the rows
 * at the end of a thread's part go through another kernel. So bc_model_probe_invariance tries products of a few sizes,
 * on this machine and with this number of threads, with an operand whose rows are all equal. If all rows of the result
 * are equal, every row of a product of that size is summed in the same way. If no size has this property, each sequence
 * gets products of its own. */
#include "nn/invariance.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "nn/ops/ops.h"
#include "nn/products.h"

static const size_t sizes[] = {64, 96, 128, BC_INVARIANT_ROWS_MAX};

enum { SIZES = sizeof sizes / sizeof *sizes };

/* Buffers of a trial, for the largest product: operand and result. */
typedef struct trial {
    bc_matrix x;
    float *y;
} trial;

static bool rows_are_equal(bc_gemm *gemm, const bc_product *product, size_t rows, trial *t)
{
    size_t in = product->in, out = product->out;
    bc_rng_uniform(0, "invariance", 1.0, t->x.f32, in);
    for (size_t row = 1; row < rows; row++) memcpy(t->x.f32 + row * in, t->x.f32, in * sizeof *t->x.f32);
    bc_round_rows(t->x.bf16, t->x.f32, rows, in);
    bc_product_fwd(gemm, (bc_matrix){.f32 = t->y}, t->x, product->w, NULL, (bc_linear){rows, in, out});
    for (size_t row = 1; row < rows; row++)
        if (memcmp(t->y + row * out, t->y, out * sizeof *t->y) != 0) return false;
    return true;
}

/* Whether the products of batch-invariant stages have equal rows at this size. Only those of the first layer, the last
 * layer and the pooler are tried, because all layers but the last have products of the same shapes. */
static bool size_is_invariant(bertc_model *model, bc_gemm *gemm, size_t rows, trial *t)
{
    int layers = (int)model->config.num_hidden_layers;
    bc_product products[BC_MAX_PRODUCTS];
    for (int layer = 0; bc_stage_layer(layer) < model->batch_invariant; layer++) {
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
    if (model->batch_invariant <= BC_STAGE_LAYERS) return BERTC_OK;
    trial t = {.x = {bc_alloc(scalars, sizeof(float)), bc_alloc(scalars, sizeof(uint16_t))},
               .y = bc_alloc(scalars, sizeof(float))};
    bc_gemm gemm = {0};
    bertc_status status = t.x.f32 && t.x.bf16 && t.y ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_gemm_open_like(&gemm, &model->gemm, err);
    size_t i = 0;
    while (status == BERTC_OK && i < SIZES && !size_is_invariant(model, &gemm, sizes[i], &t)) i++;
    model->invariant_rows = i < SIZES ? sizes[i] : 0;
    if (status == BERTC_OK) status = bc_gemm_status(&gemm, err);
    bc_gemm_close(&gemm);
    bc_free(t.x.f32);
    bc_free(t.x.bf16);
    bc_free(t.y);
    return status;
}
