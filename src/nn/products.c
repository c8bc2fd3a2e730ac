#include "nn/products.h"

int bc_model_products(bertc_model *model, int layer, bc_product products[BC_MAX_PRODUCTS])
{
    int layers = (int)model->config.num_hidden_layers, count = 0;
    /* If the heads read first rows only, the last layer computes queries for those rows alone (see attention_fwd). */
    bool split = !model->encoder_only && !model->all_rows && layer + 1 == layers, pooler = layer == layers;
    if (pooler && !model->pooler) return 0;
    const struct {
        bc_param_id id;
        size_t matrices;
    } all[] = {
        {BC_QUERY_W, pooler ? 0 : split ? 1 : 3}, {BC_KEY_W, split ? 2 : 0}, {BC_ATTN_W, !pooler},
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
