#include "nn/model.h"

#include <assert.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/attention.h"
#include "nn/ops.h"

bc_param *bc_model_param(const bertc_model *model, bc_param_id id, int layer)
{
    return &model->params[bc_param_index(&model->config, id, layer)];
}

static float *value(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->value;
}

static float *grad(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->grad;
}

/* What every step of a pass needs, read off the configuration once. */
typedef struct pass_view {
    const bertc_model *model;
    bertc_workspace *w;
    const bertc_batch *batch;
    bc_pass pass;
    bc_gemm *gemm;
    size_t n, s, h, f, c;
    bc_attention attention;
} pass_view;

static pass_view view(const bertc_model *model, bertc_workspace *w, const bertc_batch *batch,
                      bc_pass pass)
{
    const bertc_config *config = &model->config;
    size_t h = (size_t)config->hidden_size, heads = (size_t)config->num_attention_heads;
    omp_set_num_threads(model->threads);
    return (pass_view){
        .model = model,
        .w = w,
        .batch = batch,
        .pass = pass,
        .gemm = (bc_gemm *)&model->gemm,
        .n = (size_t)batch->tokens,
        .s = (size_t)batch->sequences,
        .h = h,
        .f = (size_t)config->intermediate_size,
        .c = (size_t)config->num_labels,
        .attention = {heads, h / heads, w->attention, w->attention_stride},
    };
}

/* Dropout at a site of this pass; off outside training. */
static bc_dropout dropout(const pass_view *v, bc_site site, int layer)
{
    const bertc_config *config = &v->model->config;
    double p = config->hidden_dropout_prob;
    if (site == BC_SITE_ATTENTION) p = config->attention_probs_dropout_prob;
    if (site == BC_SITE_POOLED && config->classifier_dropout >= 0) p = config->classifier_dropout;
    return bc_dropout_make(v->pass.training ? p : 0.0, v->pass.seed, v->pass.step, site, layer);
}

static bc_norm norm(const pass_view *v, bc_param_id gain, bc_param_id bias, int layer)
{
    return (bc_norm){value(v->model, gain, layer), value(v->model, bias, layer),
                     v->model->config.layer_norm_eps};
}

static void linear_fwd(const pass_view *v, float *y, float *x, bc_param_id weight, bc_param_id bias,
                       int layer, bc_linear d)
{
    bc_linear_fwd(v->gemm, y, x, value(v->model, weight, layer), value(v->model, bias, layer), d);
}

/* Gradients of a linear layer; dx null: not wanted. */
static void linear_bwd(const pass_view *v, float *dx, float *dy, float *x, bc_param_id weight,
                       bc_param_id bias, int layer, bc_linear d, bool accumulate)
{
    bc_linear_bwd_w(v->gemm, grad(v->model, weight, layer), grad(v->model, bias, layer), dy, x, d,
                    accumulate);
    if (dx) bc_linear_bwd_x(v->gemm, dx, dy, value(v->model, weight, layer), d, false);
}

/* ---- forward -------------------------------------------------------------------------------- */

static void embed_fwd(const pass_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bc_dropout drop = dropout(v, BC_SITE_EMBEDDING, 0);
    bc_embed_fwd(w->embed_out, w->embed_sum, w->embed_mean, w->embed_rstd, v->batch,
                 value(m, BC_WORD, 0), value(m, BC_POSITION, 0), value(m, BC_TYPE, 0),
                 norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h);
}

static void layer_fwd(const pass_view *v, float *x, int l)
{
    bc_layer_cache *k = &v->w->layers[l];
    bc_dropout probabilities = dropout(v, BC_SITE_ATTENTION, l);
    bc_dropout attn = dropout(v, BC_SITE_ATTN_OUT, l), ffn = dropout(v, BC_SITE_FFN_OUT, l);
    linear_fwd(v, k->qkv, x, BC_QUERY_W, BC_QUERY_B, l, (bc_linear){v->n, v->h, 3 * v->h});
    bc_attention_fwd(k->context, k->qkv, v->batch, &probabilities, v->attention);
    linear_fwd(v, k->attn_sum, k->context, BC_ATTN_W, BC_ATTN_B, l, (bc_linear){v->n, v->h, v->h});
    bc_add_norm_fwd(k->attn_out, k->attn_sum, k->attn_mean, k->attn_rstd, k->attn_sum, x, v->batch,
                    norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &attn, v->h);
    linear_fwd(v, k->up, k->attn_out, BC_UP_W, BC_UP_B, l, (bc_linear){v->n, v->h, v->f});
    bc_activation_fwd(v->model->config.hidden_act, v->w->act, k->up, v->n * v->f);
    linear_fwd(v, k->out_sum, v->w->act, BC_DOWN_W, BC_DOWN_B, l, (bc_linear){v->n, v->f, v->h});
    bc_add_norm_fwd(k->out, k->out_sum, k->out_mean, k->out_rstd, k->out_sum, k->attn_out, v->batch,
                    norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &ffn, v->h);
}

static void head_fwd(const pass_view *v, const float *x)
{
    bertc_workspace *w = v->w;
    bc_dropout drop = dropout(v, BC_SITE_POOLED, 0);
    bc_gather_first(w->first, x, v->batch, v->h);
    linear_fwd(v, w->pooled, w->first, BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
    bc_tanh_fwd(w->pooled, w->pooled, v->s * v->h);
    bc_dropout_pooled(w->dropped, w->pooled, v->batch, &drop, v->h);
    linear_fwd(v, w->logits, w->dropped, BC_CLASS_W, BC_CLASS_B, 0, (bc_linear){v->s, v->h, v->c});
}

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass)
{
    pass_view v = view(model, workspace, batch, pass);
    embed_fwd(&v);
    float *x = workspace->embed_out;
    for (int l = 0; l < model->config.num_hidden_layers; l++) {
        layer_fwd(&v, x, l);
        x = workspace->layers[l].out;
    }
    head_fwd(&v, x);
}

double bc_model_loss(const bertc_model *model, bertc_workspace *workspace,
                     const bertc_batch *batch, double divisor)
{
    return bc_loss(workspace->dlogits, workspace->logits, batch, (size_t)model->config.num_labels,
                   divisor);
}

/* ---- backward ------------------------------------------------------------------------------- */

/* Gradient of the last layer's output into w->dy. */
static void head_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_dropout drop = dropout(v, BC_SITE_POOLED, 0);
    linear_bwd(v, w->dpooled, w->dlogits, w->dropped, BC_CLASS_W, BC_CLASS_B, 0,
               (bc_linear){v->s, v->h, v->c}, accumulate);
    bc_dropout_pooled(w->dpooled, w->dpooled, v->batch, &drop, v->h);
    bc_tanh_bwd(w->dpooled, w->dpooled, w->pooled, v->s * v->h);
    linear_bwd(v, w->dfirst, w->dpooled, w->first, BC_POOL_W, BC_POOL_B, 0,
               (bc_linear){v->s, v->h, v->h}, accumulate);
    bc_scatter_first(w->dy, w->dfirst, v->batch, v->h);
}

/* The feed-forward half: w->dy, gradient of the layer's output, becomes that of attn_out. */
static void ffn_bwd(const pass_view *v, int l, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_layer_cache *k = &w->layers[l];
    const bertc_model *m = v->model;
    bc_dropout drop = dropout(v, BC_SITE_FFN_OUT, l);
    bc_linear up = {v->n, v->h, v->f}, down = {v->n, v->f, v->h};
    bc_add_norm_bwd(w->dy, w->dx, grad(m, BC_OUT_GAIN, l), grad(m, BC_OUT_BIAS, l), w->dy,
                    k->out_sum, k->out_mean, k->out_rstd, v->batch,
                    norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &drop, v->h, accumulate);
    bc_linear_bwd_x(v->gemm, w->dwide, w->dx, value(m, BC_DOWN_W, l), down, false);
    bc_activation_bwd(m->config.hidden_act, w->act, w->dwide, w->dwide, k->up, v->n * v->f);
    linear_bwd(v, NULL, w->dx, w->act, BC_DOWN_W, BC_DOWN_B, l, down, accumulate);
    bc_linear_bwd_w(v->gemm, grad(m, BC_UP_W, l), grad(m, BC_UP_B, l), w->dwide, k->attn_out, up,
                    accumulate);
    bc_linear_bwd_x(v->gemm, w->dy, w->dwide, value(m, BC_UP_W, l), up, true);
}

/* The attention half: w->dy, gradient of attn_out, becomes that of the layer's input x. */
static void attention_bwd(const pass_view *v, float *x, int l, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_layer_cache *k = &w->layers[l];
    const bertc_model *m = v->model;
    bc_dropout drop = dropout(v, BC_SITE_ATTN_OUT, l);
    bc_dropout probabilities = dropout(v, BC_SITE_ATTENTION, l);
    bc_linear out = {v->n, v->h, v->h}, qkv = {v->n, v->h, 3 * v->h};
    bc_add_norm_bwd(w->dy, w->dx, grad(m, BC_ATTN_GAIN, l), grad(m, BC_ATTN_BIAS, l), w->dy,
                    k->attn_sum, k->attn_mean, k->attn_rstd, v->batch,
                    norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &drop, v->h, accumulate);
    linear_bwd(v, w->dz, w->dx, k->context, BC_ATTN_W, BC_ATTN_B, l, out, accumulate);
    bc_attention_bwd(w->dwide, w->dz, k->qkv, v->batch, &probabilities, v->attention);
    bc_linear_bwd_w(v->gemm, grad(m, BC_QUERY_W, l), grad(m, BC_QUERY_B, l), w->dwide, x, qkv,
                    accumulate);
    bc_linear_bwd_x(v->gemm, w->dy, w->dwide, value(m, BC_QUERY_W, l), qkv, true);
}

static void embed_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    const bertc_model *m = v->model;
    bc_dropout drop = dropout(v, BC_SITE_EMBEDDING, 0);
    bc_embed_norm_bwd(w->dy, grad(m, BC_EMBED_GAIN, 0), grad(m, BC_EMBED_BIAS, 0), w->dy,
                      w->embed_sum, w->embed_mean, w->embed_rstd, v->batch,
                      norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h, accumulate);
    bc_embed_scatter(grad(m, BC_WORD, 0), grad(m, BC_POSITION, 0), grad(m, BC_TYPE, 0), w->dy,
                     v->batch, &m->config, accumulate);
}

void bc_model_bwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate)
{
    assert(workspace->limits.training && model->grads);
    pass_view v = view(model, workspace, batch, pass);
    head_bwd(&v, accumulate);
    for (int l = model->config.num_hidden_layers - 1; l >= 0; l--) {
        ffn_bwd(&v, l, accumulate);
        attention_bwd(&v, l ? workspace->layers[l - 1].out : workspace->embed_out, l, accumulate);
    }
    embed_bwd(&v, accumulate);
}

bertc_status bc_model_status(const bertc_model *model, bertc_error *err)
{
    return bc_gemm_status(&model->gemm, err);
}
