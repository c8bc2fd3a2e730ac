#include "nn/pass.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

#include "nn/ops/attention.h"
#include "nn/ops/low_rank.h"
#include "nn/ops/ops.h"
#include "nn/products.h"

/* ---- A pass under way, and its linear layers ----------------------------------------------- */

/* Read off the configuration once. */
typedef struct pass_view {
    const bertc_model *model;
    bertc_workspace *w;
    const bertc_batch *batch;
    bc_pass pass;
    bc_gemm *gemm;
    const bc_model_head *head;
    size_t n, s, h, f;
    bc_attention attention;
    bool first; /* the rows are the first ones of the sequences */
} pass_view;

static float *value(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->value;
}

static float *grad(const bertc_model *model, bc_param_id id, int layer)
{
    return bc_model_param(model, id, layer)->grad;
}

static bc_matrix full(float *x)
{
    return (bc_matrix){.f32 = x};
}

static void profile_mark(const pass_view *v, bc_profile_part work)
{
    bc_profile_mark(v->w->profile, work);
}

static pass_view view_of(const bertc_model *model, bertc_workspace *w, const bertc_batch *batch, bc_pass pass)
{
    const bertc_config *config = &model->config;
    size_t h = (size_t)config->hidden_size, heads = (size_t)config->num_attention_heads;
    assert(pass.head >= 0 && pass.head < model->num_heads);
    omp_set_num_threads(model->threads);
    return (pass_view){
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
        .attention = {heads, h / heads, w->attention, w->attention_stride, w->gemm.tiles},
    };
}

/* Dropout at a site of this pass; off outside training and in what is frozen, so that a batch finds
 * there what it found before. */
static bc_dropout dropout_at(const pass_view *v, bc_site site, int layer)
{
    const bc_dropout_rates *rates = v->pass.dropout;
    int stage = site == BC_SITE_EMBEDDING ? BC_STAGE_EMBEDDINGS : bc_stage_layer(layer);
    double p = 0;
    if (rates && site == BC_SITE_HEAD) p = rates->head;
    else if (rates && stage >= v->model->frozen) p = site == BC_SITE_ATTENTION ? rates->attention : rates->hidden;
    return bc_dropout_make(p, v->pass.seed, v->pass.step, site, layer);
}

static bc_norm norm(const pass_view *v, bc_param_id gain, bc_param_id bias, int layer)
{
    return (bc_norm){value(v->model, gain, layer), value(v->model, bias, layer), v->model->config.layer_norm_eps};
}

/* x in the precision of the products: rounded where they are in bf16. */
static void round_operand(const pass_view *v, bc_matrix x, size_t n, size_t width)
{
    if (!v->model->use_bf16) return;
    bc_round_rows(x.bf16, x.f32, n, width);
    profile_mark(v, BC_PROFILE_ROUNDING);
}

static bc_matrix from(bc_matrix x, size_t at)
{
    return (bc_matrix){x.f32 ? x.f32 + at : NULL, x.bf16 ? x.bf16 + at : NULL};
}

/* The adapter of a matrix, ready for this pass; false where it has none. */
static bool take_adapter(const pass_view *v, bc_param_id weight, int layer, bc_low_rank *l)
{
    const bertc_model *m = v->model;
    const bertc_lora *lora = &m->lora;
    size_t index = bc_lora_index(lora, m->first_adapted, weight, layer);
    if (index == SIZE_MAX) return false;
    const bc_param *a = &m->params[bc_model_table_count(m) + index], *b = a + 1;
    bc_site site = (bc_site)(BC_SITE_LORA + bc_lora_target_of(weight));
    *l = (bc_low_rank){.in = a->shape[1], .out = b->shape[0], .rank = a->shape[0],
                       .scale = (float)(lora->alpha / lora->rank),
                       .a = a->value, .b = b->value, .da = a->grad, .db = b->grad,
                       .turned = v->w->transposed, .low = v->w->low, .dlow = v->w->dlow,
                       .dropped = v->w->low_in};
    l->dropout = bc_dropout_make(v->pass.dropout ? lora->dropout : 0.0, v->pass.seed, v->pass.step, site, layer);
    return true;
}

/* Of which batch n rows are: all of this view's, or the first ones of its sequences. */
static const bertc_batch *batch_of(const pass_view *v, size_t n)
{
    return n == v->n ? v->batch : &v->w->first_rows;
}

/* The adapters of a product, which may be that of several matrices one after another. */
static void adapters_fwd(const pass_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, int layer, bc_linear d)
{
    bc_low_rank l;
    for (size_t at = 0; v->model->lora.rank > 0 && at < d.out; weight++) {
        if (take_adapter(v, weight, layer, &l))
            bc_low_rank_fwd((bc_column_view){from(y, at), d.out}, x, &l, batch_of(v, d.n), d.n);
        at += bc_model_param(v->model, weight, layer)->shape[0];
    }
}

/* In a settled stage: how many of n rows are a product, from sequence s or block s on. */
static size_t rows_of_product(const pass_view *v, size_t n, size_t s)
{
    if (v->model->invariant_rows > 0) return v->model->invariant_rows;
    return n == v->n ? (size_t)(v->batch->starts[s + 1] - v->batch->starts[s]) : 1;
}

/* A linear layer, with its adapters. y in f32 where y.full is there. A weight without a bf16 copy takes x and y in
 * f32. Products of settled stages may end past the last row, and in rows that the next one sets. */
static void linear_fwd(const pass_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d)
{
    const bc_param *w = bc_model_param(v->model, weight, layer);
    const float *b = value(v->model, bias, layer);
    bool invariant = bc_param_stage(&v->model->config, w) < v->model->batch_invariant;
    bc_linear part = d;
    for (size_t at = 0, s = 0; at < d.n; at += part.n, s++) {
        if (invariant) part.n = rows_of_product(v, d.n, s);
        bc_product_fwd(v->gemm, from(y, at * d.out), from(x, at * d.in), w, b, part);
    }
    adapters_fwd(v, y, x, weight, layer, d);
    profile_mark(v, BC_PROFILE_PRODUCTS);
}

/* What the gradients of a linear layer are wanted for, and where they go. */
typedef struct wanted {
    bc_matrix dx;    /* not there: not wanted */
    bool add;        /* to what is in dx */
    bc_matrix x;     /* the layer's input, for the weight's; not there: not wanted */
    bool accumulate; /* the weight's */
} wanted;

static void adapters_bwd(const pass_view *v, wanted to, bc_matrix dy, bc_param_id weight, int layer, bc_linear d)
{
    bc_low_rank l;
    for (size_t at = 0; v->model->lora.rank > 0 && at < d.out; weight++) {
        if (take_adapter(v, weight, layer, &l))
            bc_low_rank_bwd(to.dx, to.x, (bc_column_view){from(dy, at), d.out}, &l, batch_of(v, d.n), d.n,
                            to.accumulate);
        at += bc_model_param(v->model, weight, layer)->shape[0];
    }
}

static void linear_bwd(const pass_view *v, wanted to, bc_matrix dy, bc_param_id weight, bc_param_id bias, int layer,
                        bc_linear d)
{
    const bc_param *w = bc_model_param(v->model, weight, layer);
    bool weights = bc_matrix_is_there(to.x), inputs = bc_matrix_is_there(to.dx);
    float *db = weights ? grad(v->model, bias, layer) : NULL;
    if (db) bc_column_sums(db, dy, d.n, d.out, to.accumulate);
    profile_mark(v, BC_PROFILE_BIASES);
    if (w->bf16) {
        if (weights) bc_bf16_bwd_w(v->gemm, w->grad, dy.bf16, to.x.bf16, d, to.accumulate);
        if (inputs) bc_bf16_bwd_x(v->gemm, to.dx, dy.bf16, w->bf16, d, to.add);
    } else {
        if (weights) bc_linear_bwd_w(v->gemm, w->grad, dy.f32, to.x.f32, d, to.accumulate);
        if (inputs) bc_linear_bwd_x(v->gemm, to.dx.f32, dy.f32, w->value, d, to.add);
    }
    adapters_bwd(v, to, dy, weight, layer, d);
    profile_mark(v, BC_PROFILE_PRODUCTS);
}

/* The view of the rows that go on from a layer's queries: in the last layer, where it is not whole, the first ones,
 * as if each were a sequence of its own. */
static pass_view asking(const pass_view *v, int layer)
{
    pass_view asking = *v;
    if (v->w->all_rows || layer + 1 < v->model->config.num_hidden_layers) return asking;
    asking.batch = &v->w->first_rows;
    asking.n = v->s;
    asking.first = true;
    return asking;
}

/* Is this stage of the forward pass (bc_param_stage) trained, or anything below it? */
static bool is_trained(const pass_view *v, int stage)
{
    return stage >= bc_first_trained(v->model);
}

/* Where a layer keeps what it computes. */
static bc_layer_cache *cache_of(const pass_view *v, int layer)
{
    return v->pass.inference ? &v->w->shared : &v->w->layers[layer];
}

/* ---- forward ------------------------------------------------------------------------------- */

static void embed_fwd(const pass_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bc_dropout drop = dropout_at(v, BC_SITE_EMBEDDING, 0);
    bc_embed_fwd(w->embed_out, w->embed_sum, w->embed_mean, w->embed_rstd, v->batch, value(m, BC_WORD, 0),
                 value(m, BC_POSITION, 0), value(m, BC_TYPE, 0), norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h);
    profile_mark(v, BC_PROFILE_EMBEDDINGS);
}

/* Where a layer's queries, keys and values, or their gradients, lie in a buffer. */
static bc_qkv qkv_in(const pass_view *asking, float *buffer)
{
    if (!asking->first) return bc_qkv_all(buffer, asking->h);
    return bc_qkv_first(buffer, buffer + bc_rows(asking->n) * asking->h, asking->h);
}

/* Context of the rows that ask from a layer's input; returns those rows of the input. */
static bc_matrix attend_fwd(const pass_view *v, const pass_view *asking, bc_matrix x, int l)
{
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout probabilities = dropout_at(v, BC_SITE_ATTENTION, l);
    bc_qkv qkv = qkv_in(asking, k->qkv);
    bc_linear all = {v->n, v->h, 3 * v->h}, one = {v->s, v->h, v->h}, two = {v->n, v->h, 2 * v->h};
    bc_matrix rows = asking->first ? w->last_in : x;
    if (asking->first) {
        bc_gather_first(rows.f32, x.f32, v->batch, v->h);
        round_operand(v, rows, v->s, v->h);
        linear_fwd(v, full(qkv.q), rows, BC_QUERY_W, BC_QUERY_B, l, one);
        linear_fwd(v, full(qkv.k), x, BC_KEY_W, BC_KEY_B, l, two);
    } else {
        linear_fwd(v, full(qkv.q), x, BC_QUERY_W, BC_QUERY_B, l, all);
    }
    float *context = k->context.f32 ? k->context.f32 : w->attn_out.f32;
    bc_attention_fwd(context, qkv, v->batch, &probabilities, v->attention);
    profile_mark(v, BC_PROFILE_ATTENTION);
    round_operand(v, (bc_matrix){context, k->context.bf16}, asking->n, v->h);
    return rows;
}

static void layer_fwd(const pass_view *all, bc_matrix out, bc_matrix x, int l)
{
    const pass_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout attn = dropout_at(v, BC_SITE_ATTN_OUT, l), ffn = dropout_at(v, BC_SITE_FFN_OUT, l);
    bc_matrix residual = attend_fwd(all, v, x, l);
    linear_fwd(v, full(k->attn_sum), k->context, BC_ATTN_W, BC_ATTN_B, l, (bc_linear){v->n, v->h, v->h});
    bc_add_norm_fwd(w->attn_out, k->attn_sum, k->attn_mean, k->attn_rstd, k->attn_sum,
                    residual.f32, v->batch, norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &attn, v->h);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_fwd(v, k->up, w->attn_out, BC_UP_W, BC_UP_B, l, (bc_linear){v->n, v->h, v->f});
    bc_activation_fwd(v->model->config.hidden_act, w->act, k->up, v->n, v->f);
    profile_mark(v, BC_PROFILE_ACTIVATION);
    linear_fwd(v, full(k->out_sum), w->act, BC_DOWN_W, BC_DOWN_B, l, (bc_linear){v->n, v->f, v->h});
    bc_add_norm_fwd(out, k->out_sum, k->out_mean, k->out_rstd, k->out_sum, w->attn_out.f32,
                    v->batch, norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &ffn, v->h);
    profile_mark(v, BC_PROFILE_NORMS);
}

/* In forward, where the output of layer l - 1 goes and the input of layer l comes from. */
static bc_matrix flow(const bertc_workspace *w, int l)
{
    return l > 0 ? w->layer_in[l % 2] : w->embed_out;
}

/* Is there nothing between the encoder's output and the head? */
static bool reads_all(const bc_model_head *head)
{
    return head->row->input == BC_INPUT_ALL_ROWS;
}

/* What the pooler reads. */
static void take_first(const pass_view *v, const float *x)
{
    bertc_workspace *w = v->w;
    if (w->all_rows) bc_gather_first(w->first_out, x, v->batch, v->h);
    else memcpy(w->first_out, x, v->s * v->h * sizeof *x);
}

static void pooler_fwd(const pass_view *v)
{
    bertc_workspace *w = v->w;
    linear_fwd(v, full(w->pooled), full(w->first_out), BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
    bc_tanh_fwd(w->pooled, w->pooled, v->s * v->h);
}

/* What the head works on. */
static bc_head_pass head_pass(const pass_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bool all = reads_all(v->head);
    return (bc_head_pass){
        .rows = all ? v->batch : &w->first_rows,
        .gemm = v->gemm,
        .profile = w->profile,
        .dropout = dropout_at(v, BC_SITE_HEAD, 0),
        .params = m->params + v->head->first,
        .words = bc_model_param(m, BC_WORD, 0),
        .h = v->h,
        .c = (size_t)v->head->config.num_labels,
        .x = all ? flow(w, m->config.num_hidden_layers).f32 : w->pooled,
        .dropped = w->dropped,
        .logits = w->logits,
        .dlogits = w->dlogits,
    };
}

/* The output of a layer again, n rows, from what it keeps: from its sums, or whole where it was given. */
static void output_again(const pass_view *v, bc_matrix y, int l)
{
    const bc_layer_cache *k = cache_of(v, l);
    if (l + 1 == v->w->entry_layer) {
        if (y.f32) memcpy(y.f32, k->out_sum, v->n * v->h * sizeof *y.f32);
        if (y.bf16) bc_round_rows(y.bf16, k->out_sum, v->n, v->h);
        profile_mark(v, BC_PROFILE_NORMS);
        return;
    }
    bc_norm_recompute(y, k->out_sum, k->out_mean, k->out_rstd, norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), v->n, v->h);
    profile_mark(v, BC_PROFILE_NORMS);
}

static void layers_fwd(const pass_view *v, int first, int end)
{
    for (int l = first; l < end; l++) layer_fwd(v, flow(v->w, l + 1), flow(v->w, l), l);
}

/* Stages from `first` on, before `end`, on rows that are in their places. */
static void stages_fwd(const pass_view *v, int first, int end)
{
    int layers = v->model->config.num_hidden_layers, pooler = bc_stage_pooler(layers);
    bool pooled = !reads_all(v->head);
    bc_workspace_take_first(v->w, v->batch);
    if (first == BC_STAGE_EMBEDDINGS) embed_fwd(v);
    layers_fwd(v, bc_layers_below(first, layers), bc_layers_below(end, layers));
    if (pooled && first < pooler && end >= pooler) take_first(v, flow(v->w, layers).f32);
    if (pooled && first <= pooler && end > pooler) pooler_fwd(v);
    if (end <= bc_stage_head(layers)) return;
    bc_head_pass p = head_pass(v);
    v->head->row->fwd(&p);
}

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass)
{
    pass_view v = view_of(model, workspace, batch, pass);
    workspace->entry_layer = 0;
    stages_fwd(&v, BC_STAGE_EMBEDDINGS, bc_stage_head(model->config.num_hidden_layers) + 1);
}

float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int head,
                       int stage)
{
    pass_view v = view_of(model, workspace, batch, (bc_pass){.head = head, .inference = true});
    stages_fwd(&v, BC_STAGE_EMBEDDINGS, stage);
    return bc_model_stage_input(model, workspace, head, stage);
}

bool bc_model_stage_input_is_by_token(const bertc_model *model, int head, int stage)
{
    return stage < bc_stage_pooler(model->config.num_hidden_layers) || reads_all(&model->heads[head]);
}

float *bc_model_stage_input(const bertc_model *model, bertc_workspace *workspace, int head, int stage)
{
    int layers = model->config.num_hidden_layers;
    if (bc_model_stage_input_is_by_token(model, head, stage))
        return flow(workspace, bc_layers_below(stage, layers)).f32;
    return stage == bc_stage_pooler(layers) ? workspace->first_out : workspace->pooled;
}

void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       bc_pass pass, int stage)
{
    pass_view v = view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers;
    int layer = bc_layers_below(stage, layers);
    workspace->entry_layer = layer < layers ? layer : 0;
    if (layer < layers) round_operand(&v, flow(workspace, layer), v.n, v.h);
    if (workspace->entry_layer > 0 && !pass.inference)
        memcpy(workspace->layers[layer - 1].out_sum, flow(workspace, layer).f32, v.n * v.h * sizeof(float));
    stages_fwd(&v, stage, bc_stage_head(layers) + 1);
}

/* The layers that ask for the output of layer l take it. */
static void take_hidden(const pass_view *v, int l, const int32_t *layers, size_t count, float *out)
{
    size_t size = v->n * v->h;
    for (size_t i = 0; i < count; i++)
        if (layers[i] == l) memcpy(out + i * size, flow(v->w, l).f32, size * sizeof *out);
}

void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out)
{
    assert(workspace->limits.all_rows);
    pass_view v = view_of(model, workspace, batch, (bc_pass){.inference = true});
    int last = 0;
    for (size_t i = 0; i < count; i++) last = layers[i] > last ? layers[i] : last;
    embed_fwd(&v);
    for (int l = 0; l <= last; l++) {
        if (l > 0) layers_fwd(&v, l - 1, l);
        take_hidden(&v, l, layers, count, out);
    }
}

void bc_model_output(const bertc_model *model, bertc_workspace *workspace,
                     const bertc_batch *batch, int layer, float *y)
{
    pass_view all = view_of(model, workspace, batch, (bc_pass){0});
    pass_view rows = asking(&all, layer);
    output_again(&rows, full(y), layer);
}

double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     bc_pass pass, const bc_objective *objective, double divisor)
{
    const bc_model_head *head = &model->heads[pass.head];
    double loss = head->row->loss(workspace->dlogits, workspace->logits, batch, (size_t)head->config.num_labels,
                                  objective, divisor);
    bc_profile_mark(workspace->profile, BC_PROFILE_HEAD);
    return loss;
}

/* ---- backward ------------------------------------------------------------------------------ */

/* From w->dpooled the gradient of the pooler's rows into dfirst, or nowhere. */
static void pooler_bwd(const pass_view *v, float *dfirst, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_tanh_bwd(w->dpooled, w->dpooled, w->pooled, v->s * v->h);
    profile_mark(v, BC_PROFILE_HEAD);
    linear_bwd(v, (wanted){full(dfirst), false, full(w->first_out), accumulate}, full(w->dpooled),
                       BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
}

/* Gradient of the last layer's output, of those rows that it has, into w->dy. */
static void head_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    int layers = v->model->config.num_hidden_layers;
    bool all = reads_all(v->head), below = is_trained(v, layers), read = is_trained(v, all ? layers : layers + 1);
    bc_head_pass p = head_pass(v);
    float *dfirst = w->all_rows ? w->dfirst : w->dy;
    v->head->row->bwd(!read ? NULL : all ? w->dy : w->dpooled, &p, accumulate);
    if (all || !read) return;
    pooler_bwd(v, below ? dfirst : NULL, accumulate);
    if (!below || !w->all_rows) return;
    memset(w->dy, 0, v->n * v->h * sizeof *w->dy);
    bc_add_first(w->dy, dfirst, v->batch, v->h);
}

/* A matrix in the precision of the products alone. */
static bc_matrix operand(const pass_view *v, bc_matrix x)
{
    return v->model->use_bf16 ? (bc_matrix){.bf16 = x.bf16} : full(x.f32);
}

/* The feed-forward half: w->dy, gradient of the layer's output, becomes that of its attention half's
 * output. */
static void ffn_bwd(const pass_view *all, int l, bool accumulate)
{
    const pass_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    const bertc_model *m = v->model;
    bc_dropout drop = dropout_at(v, BC_SITE_FFN_OUT, l);
    bc_linear up = {v->n, v->h, v->f}, down = {v->n, v->f, v->h};
    bc_matrix dwide = operand(v, w->dwide), x = operand(v, w->attn_out);
    bc_add_norm_bwd(w->dy, w->dx, grad(m, BC_OUT_GAIN, l), grad(m, BC_OUT_BIAS, l), w->dy, k->out_sum, k->out_mean,
                    k->out_rstd, v->batch, norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &drop, v->h, accumulate);
    bc_norm_recompute(x, k->attn_sum, k->attn_mean, k->attn_rstd, norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), v->n, v->h);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_bwd(v, (wanted){.dx = dwide}, w->dx, BC_DOWN_W, BC_DOWN_B, l, down);
    bc_activation_bwd(m->config.hidden_act, w->act, dwide, dwide, k->up, v->n, v->f);
    profile_mark(v, BC_PROFILE_ACTIVATION);
    linear_bwd(v, (wanted){.x = w->act, .accumulate = accumulate}, w->dx, BC_DOWN_W, BC_DOWN_B, l, down);
    linear_bwd(v, (wanted){full(w->dy), true, x, accumulate}, dwide, BC_UP_W, BC_UP_B, l, up);
}

/* Gradients by way of queries, keys or values, of which d.out columns a row are in dwide.full. */
static void qkv_bwd(const pass_view *v, wanted to, float *from, bc_param_id weight, bc_param_id bias,
                    int l, bc_linear d)
{
    bc_matrix dy = {from, v->w->dwide.bf16};
    round_operand(v, dy, d.n, d.out);
    linear_bwd(v, to, dy, weight, bias, l, d);
}

/* From w->dz, gradient of the context, and w->dy, that of the rows that asked, the gradient of the
 * layer's input x into w->dy, where anything below is trained. */
static void attend_bwd(const pass_view *v, const pass_view *asking, bc_matrix x, int l, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_dropout probabilities = dropout_at(v, BC_SITE_ATTENTION, l);
    bc_linear all = {v->n, v->h, 3 * v->h}, one = {v->s, v->h, v->h}, two = {v->n, v->h, 2 * v->h};
    bc_qkv d = qkv_in(asking, w->dwide.f32);
    bc_attention_bwd(d, w->dz, qkv_in(asking, cache_of(v, l)->qkv), v->batch, &probabilities, v->attention);
    profile_mark(v, BC_PROFILE_ATTENTION);
    bool below = is_trained(v, l);
    bc_matrix dx = full(below ? w->dy : NULL), dfirst = full(below ? w->dfirst : NULL);
    if (!asking->first) {
        qkv_bwd(v, (wanted){dx, true, x, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l, all);
        return;
    }
    memcpy(w->dfirst, w->dy, v->s * v->h * sizeof *w->dy);
    qkv_bwd(v, (wanted){dfirst, true, w->last_in, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l, one);
    qkv_bwd(v, (wanted){dx, false, x, accumulate}, d.k, BC_KEY_W, BC_KEY_B, l, two);
    if (below) bc_add_first(w->dy, w->dfirst, v->batch, v->h);
}

/* The attention half: w->dy, gradient of its output, becomes that of the layer's input. */
static void attention_bwd(const pass_view *all, int l, bool accumulate)
{
    const pass_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    const bertc_model *m = v->model;
    bc_dropout drop = dropout_at(v, BC_SITE_ATTN_OUT, l);
    bc_linear out = {v->n, v->h, v->h};
    bc_matrix x = operand(v, flow(w, l));
    if (l > 0) output_again(all, x, l - 1);
    bc_add_norm_bwd(w->dy, w->dx, grad(m, BC_ATTN_GAIN, l), grad(m, BC_ATTN_BIAS, l), w->dy, k->attn_sum, k->attn_mean,
                    k->attn_rstd, v->batch, norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &drop, v->h, accumulate);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_bwd(v, (wanted){full(w->dz), false, k->context, accumulate}, w->dx, BC_ATTN_W, BC_ATTN_B, l, out);
    attend_bwd(all, v, x, l, accumulate);
}

/* Forward through a group of layers whose keeping is gone. */
static void layers_again(const pass_view *v, int first, int end)
{
    if (first > 0) output_again(v, flow(v->w, first), first - 1);
    layers_fwd(v, first, end);
}

static void embed_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    const bertc_model *m = v->model;
    const bc_param *word = bc_model_param(m, BC_WORD, 0);
    bc_dropout drop = dropout_at(v, BC_SITE_EMBEDDING, 0);
    bc_embed_norm_bwd(w->dy, grad(m, BC_EMBED_GAIN, 0), grad(m, BC_EMBED_BIAS, 0), w->dy, w->embed_sum, w->embed_mean,
                      w->embed_rstd, v->batch, norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h, accumulate);
    float *words = v->head->row->dense_words ? NULL : word->grad;
    bc_embed_scatter(words, word->sparse_rows, grad(m, BC_POSITION, 0), grad(m, BC_TYPE, 0), w->dy,
                     v->batch, &m->config, accumulate);
    if (!words) bc_embed_scatter(word->grad, NULL, NULL, NULL, w->dy, v->batch, &m->config, true);
    profile_mark(v, BC_PROFILE_EMBEDDINGS);
}

void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate)
{
    assert(workspace->limits.training && model->grads && pass.dropout);
    pass_view v = view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers, lowest = bc_lowest_trained(model);
    int group = (int)bc_layer_group(&workspace->limits, (size_t)layers);
    head_bwd(&v, accumulate);
    for (int l = layers - 1; l >= lowest; l--) {
        bool gone = l + 1 < layers && (l + 1 - workspace->lowest_trained) % group == 0;
        if (gone) layers_again(&v, l + 1 - group, l + 1);
        ffn_bwd(&v, l, accumulate);
        attention_bwd(&v, l, accumulate);
    }
    if (is_trained(&v, 0)) embed_bwd(&v, accumulate);
}
