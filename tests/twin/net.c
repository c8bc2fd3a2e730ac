#include "twin/net.h"

#include <math.h>
#include <string.h>

#include "twin/support.h"

/* ---- creation ------------------------------------------------------------------------------ */

static twin_norm_cache make_norm_cache(size_t n, size_t h)
{
    return (twin_norm_cache){twin_doubles(n * h), twin_doubles(n), twin_doubles(n)};
}

static twin_layer make_layer(const twin_net *net, size_t n)
{
    size_t h = net->h;
    return (twin_layer){.qkv = twin_doubles(n * 3 * h),
                        .context = twin_doubles(n * h),
                        .attn_out = twin_doubles(n * h),
                        .up = twin_doubles(n * net->f),
                        .activated = twin_doubles(n * net->f),
                        .out = twin_doubles(n * h),
                        .attn_norm = make_norm_cache(n, h),
                        .out_norm = make_norm_cache(n, h)};
}

static void make_activations(twin_net *net, size_t n, size_t s)
{
    size_t layers = (size_t)net->config->num_hidden_layers;
    net->embed_norm = make_norm_cache(n, net->h);
    net->embed_out = twin_doubles(n * net->h);
    net->layers = twin_take(layers, sizeof *net->layers);
    for (size_t l = 0; l < layers; l++) {
        net->layers[l] = make_layer(net, n);
        net->layers[l].in = l ? net->layers[l - 1].out : net->embed_out;
    }
    net->first = twin_doubles(s * net->h);
    net->pooled = twin_doubles(s * net->h);
    net->head_input = twin_doubles(s * net->h);
    net->logits = twin_doubles(s * net->c);
    net->dlogits = twin_doubles(s * net->c);
}

twin_net *twin_net_create(const bertc_config *config, const bertc_batch *batch)
{
    twin_net *net = twin_take(1, sizeof *net);
    net->config = config;
    net->h = (size_t)config->hidden_size;
    net->f = (size_t)config->intermediate_size;
    net->heads = (size_t)config->num_attention_heads;
    net->c = (size_t)config->num_labels;
    size_t encoder = bc_param_count(config, true);
    net->count = encoder + 2;
    net->params = twin_take(net->count, sizeof *net->params);
    bc_param_plan(config, true, net->params, &net->scalars);
    bc_param_plan_head(config, BC_CLASS_W, BC_CLASS_B + 1, net->params + encoder, &net->scalars);
    net->values = twin_doubles(net->scalars);
    net->grads = twin_doubles(net->scalars);
    make_activations(net, (size_t)batch->tokens, (size_t)batch->sequences);
    return net;
}

void twin_net_randomise(twin_net *net, uint64_t seed)
{
    for (size_t p = 0; p < net->count; p++) {
        const bc_param *param = &net->params[p];
        bool matrix = param->rank == 2, table = param->row->scope == BC_SCOPE_EMBEDDINGS;
        double deviation = matrix && !table ? 1.0 / sqrt((double)param->shape[1]) : 0.3;
        double *noise = twin_random(param->count, deviation, seed * 1000 + p);
        double base = param->row->init == BC_PARAM_ONE ? 1.0 : 0.0;
        for (size_t i = 0; i < param->count; i++) net->values[param->offset + i] = (float)(base + noise[i]);
    }
}

static size_t offset_of(const twin_net *net, bc_param_id id, int layer)
{
    bool head = id >= BC_CLASS_W;
    size_t index = head ? net->count - 2 + (size_t)(id - BC_CLASS_W) : bc_param_index(net->config, id, layer);
    return net->params[index].offset;
}

double *twin_net_value(const twin_net *net, bc_param_id id, int layer)
{
    return net->values + offset_of(net, id, layer);
}

double *twin_net_grad(const twin_net *net, bc_param_id id, int layer)
{
    return net->grads + offset_of(net, id, layer);
}

/* ---- dropout ------------------------------------------------------------------------------- */

static bc_dropout dropout_at(const bc_pass *pass, bc_site site, int layer)
{
    const bc_dropout_rates *rates = pass->dropout;
    double p = site == BC_SITE_ATTENTION ? rates->attention : site == BC_SITE_HEAD ? rates->head : rates->hidden;
    return bc_dropout_make(p, pass->seed, pass->step, site, layer);
}

/* The LayerNorm of this gain; its bias follows the gain in the parameter table. */
static twin_norm norm_of(const twin_net *net, bc_param_id gain, int layer)
{
    return (twin_norm){.gain = twin_net_value(net, gain, layer),
                       .bias = twin_net_value(net, gain + 1, layer),
                       .dgain = twin_net_grad(net, gain, layer),
                       .dbias = twin_net_grad(net, gain + 1, layer),
                       .eps = net->config->layer_norm_eps,
                       .h = net->h};
}

/* ---- forward ------------------------------------------------------------------------------- */

static const bc_param_id qkv_w[3] = {BC_QUERY_W, BC_KEY_W, BC_VALUE_W};
static const bc_param_id qkv_b[3] = {BC_QUERY_B, BC_KEY_B, BC_VALUE_B};

/* Copy an (n,h) matrix to or from the columns [part h, part h + h) of an (n,3h) matrix. */
static void put_part(double *qkv, const double *x, size_t part, size_t n, size_t h)
{
    for (size_t i = 0; i < n; i++) memcpy(qkv + i * 3 * h + part * h, x + i * h, h * sizeof *x);
}

static void get_part(double *x, const double *qkv, size_t part, size_t n, size_t h)
{
    for (size_t i = 0; i < n; i++) memcpy(x + i * h, qkv + i * 3 * h + part * h, h * sizeof *x);
}

static void attention_fwd(twin_net *net, twin_layer *k, int layer, const bertc_batch *batch, bc_pass pass)
{
    size_t n = (size_t)batch->tokens, h = net->h;
    double *part = twin_doubles(n * h);
    for (size_t i = 0; i < 3; i++) {
        twin_linear_fwd(part, k->in, twin_net_value(net, qkv_w[i], layer),
                        twin_net_value(net, qkv_b[i], layer), n, h, h);
        put_part(k->qkv, part, i, n, h);
    }
    bc_dropout inner = dropout_at(&pass, BC_SITE_ATTENTION, layer);
    bc_dropout outer = dropout_at(&pass, BC_SITE_ATTN_OUT, layer);
    twin_attention_fwd(k->context, k->qkv, batch, &inner, net->heads, h / net->heads);
    twin_linear_fwd(part, k->context, twin_net_value(net, BC_ATTN_W, layer),
                    twin_net_value(net, BC_ATTN_B, layer), n, h, h);
    twin_add_norm_fwd(k->attn_out, k->attn_norm, part, k->in, batch, norm_of(net, BC_ATTN_GAIN, layer), &outer);
}

static void ffn_fwd(twin_net *net, twin_layer *k, int layer, const bertc_batch *batch, bc_pass pass)
{
    size_t n = (size_t)batch->tokens, h = net->h, f = net->f;
    double *down = twin_doubles(n * h);
    twin_linear_fwd(k->up, k->attn_out, twin_net_value(net, BC_UP_W, layer),
                    twin_net_value(net, BC_UP_B, layer), n, h, f);
    twin_activation_fwd(net->config->hidden_act, k->activated, k->up, n * f);
    twin_linear_fwd(down, k->activated, twin_net_value(net, BC_DOWN_W, layer),
                    twin_net_value(net, BC_DOWN_B, layer), n, f, h);
    bc_dropout drop = dropout_at(&pass, BC_SITE_FFN_OUT, layer);
    twin_add_norm_fwd(k->out, k->out_norm, down, k->attn_out, batch, norm_of(net, BC_OUT_GAIN, layer), &drop);
}

static void head_fwd(twin_net *net, const bertc_batch *batch, bc_pass pass)
{
    size_t s = (size_t)batch->sequences, h = net->h;
    twin_gather_first(net->first, net->layers[net->config->num_hidden_layers - 1].out, batch, h);
    twin_linear_fwd(net->pooled, net->first, twin_net_value(net, BC_POOL_W, 0),
                    twin_net_value(net, BC_POOL_B, 0), s, h, h);
    twin_tanh_fwd(net->pooled, net->pooled, s * h);
    bc_dropout drop = dropout_at(&pass, BC_SITE_HEAD, 0);
    twin_dropout_pooled(net->head_input, net->pooled, batch, &drop, h);
    twin_linear_fwd(net->logits, net->head_input, twin_net_value(net, BC_CLASS_W, 0),
                    twin_net_value(net, BC_CLASS_B, 0), s, h, net->c);
}

double twin_net_fwd(twin_net *net, const bertc_batch *batch, bc_pass pass, double divisor)
{
    bc_dropout drop = dropout_at(&pass, BC_SITE_EMBEDDING, 0);
    twin_embed_tables tables = {twin_net_value(net, BC_WORD, 0), twin_net_value(net, BC_POSITION, 0),
                                twin_net_value(net, BC_TYPE, 0)};
    twin_embed_fwd(net->embed_out, net->embed_norm, tables, batch, norm_of(net, BC_EMBED_GAIN, 0), &drop);
    for (int layer = 0; layer < net->config->num_hidden_layers; layer++) {
        attention_fwd(net, &net->layers[layer], layer, batch, pass);
        ffn_fwd(net, &net->layers[layer], layer, batch, pass);
    }
    head_fwd(net, batch, pass);
    if (net->config->multi_label)
        return twin_multilabel_loss(net->dlogits, net->logits, batch, net->c, NULL, divisor);
    return twin_loss(net->dlogits, net->logits, batch, net->c, divisor);
}

/* ---- backward ------------------------------------------------------------------------------ */

static double *add(double *x, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) x[i] += y[i];
    return x;
}

/* Backward through head and pooler. Returns the gradient of the last layer's output. */
static double *head_bwd(twin_net *net, const bertc_batch *batch, bc_pass pass)
{
    size_t s = (size_t)batch->sequences, h = net->h;
    double *dpooled = twin_doubles(s * h), *dfirst = twin_doubles(s * h);
    double *dout = twin_doubles((size_t)batch->tokens * h);
    twin_linear_bwd_w(twin_net_grad(net, BC_CLASS_W, 0), twin_net_grad(net, BC_CLASS_B, 0),
                      net->dlogits, net->head_input, s, h, net->c);
    twin_linear_bwd_x(dpooled, net->dlogits, twin_net_value(net, BC_CLASS_W, 0), s, h, net->c);
    bc_dropout drop = dropout_at(&pass, BC_SITE_HEAD, 0);
    twin_dropout_pooled(dpooled, dpooled, batch, &drop, h);
    twin_tanh_bwd(dpooled, dpooled, net->pooled, s * h);
    twin_linear_bwd_w(twin_net_grad(net, BC_POOL_W, 0), twin_net_grad(net, BC_POOL_B, 0), dpooled, net->first, s, h, h);
    twin_linear_bwd_x(dfirst, dpooled, twin_net_value(net, BC_POOL_W, 0), s, h, h);
    twin_scatter_first(dout, dfirst, batch, h);
    return dout;
}

/* Backward through the feed-forward half: from the gradient of the layer's output to the gradient of attn_out. */
static double *ffn_bwd(twin_net *net, const twin_layer *k, int layer, const double *dout,
                       const bertc_batch *batch, bc_pass pass)
{
    size_t n = (size_t)batch->tokens, h = net->h, f = net->f;
    double *dsum = twin_doubles(n * h), *ddown = twin_doubles(n * h), *dx = twin_doubles(n * h);
    double *dact = twin_doubles(n * f), *dup = twin_doubles(n * f);
    bc_dropout drop = dropout_at(&pass, BC_SITE_FFN_OUT, layer);
    twin_add_norm_bwd(dsum, ddown, dout, k->out_norm, batch, norm_of(net, BC_OUT_GAIN, layer), &drop);
    twin_linear_bwd_w(twin_net_grad(net, BC_DOWN_W, layer), twin_net_grad(net, BC_DOWN_B, layer), ddown, k->activated,
                      n, f, h);
    twin_linear_bwd_x(dact, ddown, twin_net_value(net, BC_DOWN_W, layer), n, f, h);
    twin_activation_bwd(net->config->hidden_act, dup, dact, k->up, n * f);
    twin_linear_bwd_w(twin_net_grad(net, BC_UP_W, layer), twin_net_grad(net, BC_UP_B, layer), dup,
                      k->attn_out, n, h, f);
    twin_linear_bwd_x(dx, dup, twin_net_value(net, BC_UP_W, layer), n, h, f);
    return add(dsum, dx, n * h);
}

/* Backward through the attention half: from the gradient of attn_out to the gradient of the layer's input. */
static double *attention_bwd(twin_net *net, const twin_layer *k, int layer, const double *dout,
                             const bertc_batch *batch, bc_pass pass)
{
    size_t n = (size_t)batch->tokens, h = net->h;
    double *dsum = twin_doubles(n * h), *part = twin_doubles(n * h), *dx = twin_doubles(n * h);
    double *dcontext = twin_doubles(n * h), *dqkv = twin_doubles(n * 3 * h);
    bc_dropout outer = dropout_at(&pass, BC_SITE_ATTN_OUT, layer);
    bc_dropout inner = dropout_at(&pass, BC_SITE_ATTENTION, layer);
    twin_add_norm_bwd(dsum, part, dout, k->attn_norm, batch, norm_of(net, BC_ATTN_GAIN, layer), &outer);
    twin_linear_bwd_w(twin_net_grad(net, BC_ATTN_W, layer), twin_net_grad(net, BC_ATTN_B, layer), part, k->context, n,
                      h, h);
    twin_linear_bwd_x(dcontext, part, twin_net_value(net, BC_ATTN_W, layer), n, h, h);
    twin_attention_bwd(dqkv, dcontext, k->qkv, batch, &inner, net->heads, h / net->heads);
    for (size_t i = 0; i < 3; i++) {
        get_part(part, dqkv, i, n, h);
        twin_linear_bwd_w(twin_net_grad(net, qkv_w[i], layer), twin_net_grad(net, qkv_b[i], layer),
                          part, k->in, n, h, h);
        twin_linear_bwd_x(dx, part, twin_net_value(net, qkv_w[i], layer), n, h, h);
        add(dsum, dx, n * h);
    }
    return dsum;
}

void twin_net_bwd(twin_net *net, const bertc_batch *batch, bc_pass pass)
{
    double *d = head_bwd(net, batch, pass);
    for (int layer = net->config->num_hidden_layers - 1; layer >= 0; layer--) {
        d = ffn_bwd(net, &net->layers[layer], layer, d, batch, pass);
        d = attention_bwd(net, &net->layers[layer], layer, d, batch, pass);
    }
    double *dsum = twin_doubles((size_t)batch->tokens * net->h);
    bc_dropout drop = dropout_at(&pass, BC_SITE_EMBEDDING, 0);
    twin_embed_norm_bwd(dsum, d, net->embed_norm, batch, norm_of(net, BC_EMBED_GAIN, 0), &drop);
    twin_embed_scatter(twin_net_grad(net, BC_WORD, 0), twin_net_grad(net, BC_POSITION, 0),
                       twin_net_grad(net, BC_TYPE, 0), dsum, batch, net->config);
}
