#include "nn/view.h"

#include <assert.h>
#include <omp.h>

#include "nn/ops/low_rank.h"
#include "nn/products.h"

bc_rates bc_rates_of(const bertc_config *config, double dropout)
{
    double hidden = config->hidden_dropout_prob, head = config->classifier_dropout;
    if (dropout >= 0) return (bc_rates){dropout, dropout, dropout};
    return (bc_rates){hidden, config->attention_probs_dropout_prob, head >= 0 ? head : hidden};
}

bc_view bc_view_of(const bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass)
{
    const bertc_config *config = &model->config;
    size_t h = (size_t)config->hidden_size, heads = (size_t)config->num_attention_heads;
    assert(pass.head >= 0 && pass.head < model->num_heads);
    omp_set_num_threads(model->threads);
    return (bc_view){
        .model = model,
        .w = w,
        .batch = batch,
        .pass = pass,
        .head = &model->heads[pass.head],
        .gemm = &w->gemm,
        .n = (size_t)batch->tokens,
        .s = (size_t)batch->sequences,
        .h = h,
        .f = (size_t)config->intermediate_size,
        .attention = {heads, h / heads, w->attention, w->attention_stride,
                      w->gemm.tiles},
    };
}

bc_dropout bc_view_dropout(const bc_view *v, bc_site site, int layer)
{
    const bc_rates *rates = v->pass.dropout;
    int stage = site == BC_SITE_EMBEDDING ? 0 : 1 + layer;
    double p = 0;
    if (rates && site == BC_SITE_HEAD) p = rates->head;
    else if (rates && stage >= v->model->frozen) p = site == BC_SITE_ATTENTION ? rates->attention : rates->hidden;
    return bc_dropout_make(p, v->pass.seed, v->pass.step, site, layer);
}

bc_norm bc_view_norm(const bc_view *v, bc_param_id gain, bc_param_id bias, int layer)
{
    return (bc_norm){bc_value_of(v->model, gain, layer), bc_value_of(v->model, bias, layer),
                     v->model->config.layer_norm_eps};
}

void bc_view_round(const bc_view *v, bc_matrix x, size_t n, size_t width)
{
    if (!v->model->half) return;
    bc_round_rows(x.half, x.full, n, width);
    bc_view_lap(v, BC_WORK_ROUNDING);
}

static bc_matrix from(bc_matrix x, size_t at)
{
    return (bc_matrix){x.full ? x.full + at : NULL, x.half ? x.half + at : NULL};
}

/* The adapter of a matrix, ready for this pass; false where it has none. */
static bool take_adapter(const bc_view *v, bc_param_id weight, int layer, bc_low_rank *l)
{
    const bertc_model *m = v->model;
    const bertc_lora *lora = &m->lora;
    size_t index = bc_lora_index(lora, m->adapted, weight, layer);
    if (index == SIZE_MAX) return false;
    const bc_param *a = &m->params[bc_model_table_count(m) + index], *b = a + 1;
    bc_site site = (bc_site)(BC_SITE_LORA + bc_lora_target_of(weight));
    *l = (bc_low_rank){.in = a->shape[1], .out = b->shape[0], .rank = a->shape[0],
                       .scale = (float)(lora->alpha / lora->rank),
                       .a = a->value, .b = b->value, .da = a->grad, .db = b->grad,
                       .turned = v->w->turned, .low = v->w->low, .dlow = v->w->dlow,
                       .dropped = v->w->low_in};
    l->dropout = bc_dropout_make(v->pass.dropout ? lora->dropout : 0.0, v->pass.seed, v->pass.step,
                                 site, layer);
    return true;
}

/* Of which batch n rows are: all of this view's, or the first ones of its sequences. */
static const bertc_batch *batch_of(const bc_view *v, size_t n)
{
    return n == v->n ? v->batch : &v->w->first_rows;
}

/* The adapters of a product, which may be that of several matrices one after another. */
static void adapters_fwd(const bc_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, int layer,
                         bc_linear d)
{
    bc_low_rank l;
    for (size_t at = 0; v->model->lora.rank > 0 && at < d.out; weight++) {
        if (take_adapter(v, weight, layer, &l))
            bc_low_rank_fwd((bc_columns){from(y, at), d.out}, x, &l, batch_of(v, d.n), d.n);
        at += bc_model_param(v->model, weight, layer)->shape[0];
    }
}

/* In a settled stage: how many of n rows are a product, from sequence s or block s on. */
static size_t rows_of_product(const bc_view *v, size_t n, size_t s)
{
    if (v->model->block > 0) return v->model->block;
    return n == v->n ? (size_t)(v->batch->starts[s + 1] - v->batch->starts[s]) : 1;
}

/* Products of settled stages may end past the last row, and in rows that the next one sets. */
void bc_view_linear_fwd(const bc_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d)
{
    const bc_param *w = bc_model_param(v->model, weight, layer);
    const float *b = bc_value_of(v->model, bias, layer);
    bool settled = bc_param_stage(&v->model->config, w) < v->model->settled;
    bc_linear part = d;
    for (size_t at = 0, s = 0; at < d.n; at += part.n, s++) {
        if (settled) part.n = rows_of_product(v, d.n, s);
        bc_product_fwd(v->gemm, from(y, at * d.out), from(x, at * d.in), w, b, part);
    }
    adapters_fwd(v, y, x, weight, layer, d);
    bc_view_lap(v, BC_WORK_PRODUCTS);
}

static void adapters_bwd(const bc_view *v, bc_wanted to, bc_matrix dy, bc_param_id weight, int layer,
                         bc_linear d)
{
    bc_low_rank l;
    for (size_t at = 0; v->model->lora.rank > 0 && at < d.out; weight++) {
        if (take_adapter(v, weight, layer, &l))
            bc_low_rank_bwd(to.dx, to.x, (bc_columns){from(dy, at), d.out}, &l, batch_of(v, d.n), d.n,
                            to.accumulate);
        at += bc_model_param(v->model, weight, layer)->shape[0];
    }
}

void bc_view_linear_bwd(const bc_view *v, bc_wanted to, bc_matrix dy, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d)
{
    const bc_param *w = bc_model_param(v->model, weight, layer);
    bool weights = bc_matrix_is_there(to.x), inputs = bc_matrix_is_there(to.dx);
    float *db = weights ? bc_grad_of(v->model, bias, layer) : NULL;
    if (db) bc_column_sums(db, dy, d.n, d.out, to.accumulate);
    bc_view_lap(v, BC_WORK_BIASES);
    if (w->half) {
        if (weights) bc_half_bwd_w(v->gemm, w->grad, dy.half, to.x.half, d, to.accumulate);
        if (inputs) bc_half_bwd_x(v->gemm, to.dx, dy.half, w->half, d, to.add);
    } else {
        if (weights) bc_linear_bwd_w(v->gemm, w->grad, dy.full, to.x.full, d, to.accumulate);
        if (inputs) bc_linear_bwd_x(v->gemm, to.dx.full, dy.full, w->value, d, to.add);
    }
    adapters_bwd(v, to, dy, weight, layer, d);
    bc_view_lap(v, BC_WORK_PRODUCTS);
}
