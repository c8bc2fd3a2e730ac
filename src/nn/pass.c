#include "nn/pass.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

#include "nn/ops/attention.h"
#include "nn/ops/low_rank.h"
#include "nn/ops/ops.h"
#include "nn/products.h"

/* ---- A pass and its linear layers ---------------------------------------------------------- */

/* The arguments of a pass and the sizes of its rows: all tokens of the batch, or the first token of each sequence. */
typedef struct pass_view {
    const bertc_model *model;
    bertc_workspace *w;
    const bertc_batch *batch;
    bc_pass pass;
    bc_gemm *gemm;
    const bc_model_head *head;
    size_t n, s, h, f;
    bc_attention attention;
    bool first_rows; /* the rows are the first tokens, as S sequences of one token */
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

static void profile_mark(const pass_view *v, bc_profile_part part)
{
    bc_profile_mark(v->w->profile, part);
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
        .attention = {heads, h / heads, w->attention_scratch, w->attention_scratch_stride, w->gemm.tiles},
    };
}

/* The rows that a layer computes queries for: in the last layer the first row of each sequence unless a head reads all
 * rows, in other layers all rows. */
static pass_view query_rows(const pass_view *v, int layer)
{
    pass_view rows = *v;
    if (v->w->all_rows || layer + 1 < v->model->config.num_hidden_layers) return rows;
    rows.batch = &v->w->first_rows;
    rows.n = v->s;
    rows.first_rows = true;
    return rows;
}

/* Dropout at a site of this pass. Frozen stages have none, so that they give the same outputs in every step. */
static bc_dropout dropout_at(const pass_view *v, bc_site site, int layer)
{
    const bc_dropout_rates *rates = v->pass.dropout;
    int stage = site == BC_SITE_EMBEDDING ? BC_STAGE_EMBEDDINGS : bc_stage_layer(layer);
    double p = 0;
    if (rates && site == BC_SITE_HEAD) p = rates->head;
    else if (rates && stage >= v->model->frozen) p = site == BC_SITE_ATTENTION ? rates->attention : rates->hidden;
    return bc_dropout_make(p, v->pass.seed, v->pass.step, site, layer);
}

/* The LayerNorm of this gain; its bias follows the gain in the parameter table. */
static bc_norm norm_of(const pass_view *v, bc_param_id gain, int layer)
{
    const bc_param *g = bc_model_param(v->model, gain, layer), *b = bc_model_param(v->model, gain + 1, layer);
    return (bc_norm){g->value, b->value, g->grad, b->grad, v->model->config.layer_norm_eps, v->h};
}

/* Set x.bf16 to x.f32 rounded, in bf16 models only. */
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

/* Describe the adapter of a matrix for this pass. Returns false if the matrix has none. */
static bool adapter_of(const pass_view *v, bc_param_id weight, int layer, bc_low_rank *l)
{
    const bertc_model *m = v->model;
    const bertc_workspace *w = v->w;
    const bertc_lora *lora = &m->lora;
    size_t index = bc_lora_index(lora, m->first_adapted, weight, layer);
    if (index == SIZE_MAX) return false;
    const bc_param *a = &m->params[bc_model_table_count(m) + index], *b = a + 1;
    bc_site site = (bc_site)(BC_SITE_LORA + bc_lora_target_of(weight));
    *l = (bc_low_rank){.in = a->shape[1], .out = b->shape[0], .rank = a->shape[0],
                       .scale = (float)(lora->alpha / lora->rank),
                       .a = a->value, .b = b->value, .da = a->grad, .db = b->grad,
                       .transposed = w->lora_transposed, .projected = w->lora_projected,
                       .dprojected = w->lora_dprojected, .x_dropped = w->lora_input};
    l->dropout = bc_dropout_make(v->pass.dropout ? lora->dropout : 0.0, v->pass.seed, v->pass.step, site, layer);
    return true;
}

/* The batch that a product's n rows belong to: all rows of this pass, or the first rows of its sequences. */
static const bertc_batch *batch_of(const pass_view *v, size_t n)
{
    return n == v->n ? v->batch : &v->w->first_rows;
}

/* Compute a linear layer with its adapters. The weights may be several matrices one after another. y is in f32 if y.f32
 * is not null, else in bf16. A weight without a bf16 copy takes x and y in f32.
 *
 * In a batch-invariant stage the layer is split into products of invariant_rows rows, or of one sequence each. A
 * product may write past its last row. What it writes there lies in the rows of the next product, which overwrites it,
 * or past the end of the batch. */
static void linear_fwd(const pass_view *v, bc_matrix y, bc_matrix x, bc_param_id weight, bc_param_id bias, int layer,
                       bc_linear d)
{
    const bertc_model *m = v->model;
    const bc_param *w = bc_model_param(m, weight, layer);
    const float *b = value(m, bias, layer);
    bool invariant = bc_param_stage(&m->config, w) < m->batch_invariant;
    bc_linear part = d;
    for (size_t at = 0, s = 0; at < d.n; at += part.n, s++) {
        if (invariant && m->invariant_rows > 0) part.n = m->invariant_rows;
        else if (invariant) part.n = d.n == v->n ? (size_t)(v->batch->starts[s + 1] - v->batch->starts[s]) : 1;
        bc_product_fwd(v->gemm, from(y, at * d.out), from(x, at * d.in), w, b, part);
    }
    bc_low_rank l;
    for (size_t at = 0; m->lora.rank > 0 && at < d.out; weight++) {
        if (adapter_of(v, weight, layer, &l))
            bc_low_rank_fwd((bc_column_view){from(y, at), d.out}, x, &l, batch_of(v, d.n), d.n);
        at += bc_model_param(m, weight, layer)->shape[0];
    }
    profile_mark(v, BC_PROFILE_PRODUCTS);
}

/* The gradients to compute in a linear layer's backward pass. */
typedef struct linear_grads {
    bc_matrix dx;    /* gradient of the input; no pointers: not wanted */
    bool add_dx;     /* add to dx, else overwrite it */
    bc_matrix x;     /* the input, for the gradients of weight and bias; no pointers: these are not wanted */
    bool accumulate; /* add to the gradients of weight and bias, else overwrite them */
} linear_grads;

static void linear_bwd(const pass_view *v, linear_grads g, bc_matrix dy, bc_param_id weight, bc_param_id bias,
                       int layer, bc_linear d)
{
    const bc_param *w = bc_model_param(v->model, weight, layer);
    bool weights = bc_matrix_is_given(g.x), inputs = bc_matrix_is_given(g.dx);
    float *db = weights ? grad(v->model, bias, layer) : NULL;
    if (db) bc_column_sums(db, dy, d.n, d.out, g.accumulate);
    profile_mark(v, BC_PROFILE_BIASES);
    if (w->bf16) {
        if (weights) bc_bf16_bwd_w(v->gemm, w->grad, dy.bf16, g.x.bf16, d, g.accumulate);
        if (inputs) bc_bf16_bwd_x(v->gemm, g.dx, dy.bf16, w->bf16, d, g.add_dx);
    } else {
        if (weights) bc_linear_bwd_w(v->gemm, w->grad, dy.f32, g.x.f32, d, g.accumulate);
        if (inputs) bc_linear_bwd_x(v->gemm, g.dx.f32, dy.f32, w->value, d, g.add_dx);
    }
    bc_low_rank l;
    for (size_t at = 0; v->model->lora.rank > 0 && at < d.out; weight++) {
        if (adapter_of(v, weight, layer, &l))
            bc_low_rank_bwd(g.dx, g.x, (bc_column_view){from(dy, at), d.out}, &l, batch_of(v, d.n), d.n, g.accumulate);
        at += bc_model_param(v->model, weight, layer)->shape[0];
    }
    profile_mark(v, BC_PROFILE_PRODUCTS);
}

/* Whether backward needs the gradient of a stage's output: the stage or a stage below it is trained. */
static bool needs_gradient(const pass_view *v, int stage)
{
    return stage >= bc_first_trained(v->model);
}

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
    bc_embed_tables tables = {value(m, BC_WORD, 0), value(m, BC_POSITION, 0), value(m, BC_TYPE, 0)};
    bc_embed_fwd(w->embed_out, w->embed_norm, tables, v->batch, norm_of(v, BC_EMBED_GAIN, 0), &drop);
    profile_mark(v, BC_PROFILE_EMBEDDINGS);
}

/* A layer's queries, keys and values, or their gradients, in a buffer (N,3H) of the workspace. */
static bc_qkv qkv_in(const pass_view *rows, float *buffer)
{
    if (!rows->first_rows) return bc_qkv_all(buffer, rows->h);
    return bc_qkv_first(buffer, buffer + bc_rows(rows->n) * rows->h, rows->h);
}

/* Compute the context of layer l from its input x. Returns the rows of x that have a query, for the residual. */
static bc_matrix attention_fwd(const pass_view *v, const pass_view *rows, bc_matrix x, int l)
{
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout probabilities = dropout_at(v, BC_SITE_ATTENTION, l);
    bc_qkv qkv = qkv_in(rows, k->qkv);
    bc_matrix residual = rows->first_rows ? w->first_input : x;
    if (rows->first_rows) {
        bc_gather_first(residual.f32, x.f32, v->batch, v->h);
        round_operand(v, residual, v->s, v->h);
        linear_fwd(v, full(qkv.q), residual, BC_QUERY_W, BC_QUERY_B, l, (bc_linear){v->s, v->h, v->h});
        linear_fwd(v, full(qkv.k), x, BC_KEY_W, BC_KEY_B, l, (bc_linear){v->n, v->h, 2 * v->h});
    } else {
        linear_fwd(v, full(qkv.q), x, BC_QUERY_W, BC_QUERY_B, l, (bc_linear){v->n, v->h, 3 * v->h});
    }
    float *context = k->context.f32 ? k->context.f32 : w->attn_out.f32;
    bc_attention_fwd(context, qkv, v->batch, &probabilities, v->attention);
    profile_mark(v, BC_PROFILE_ATTENTION);
    round_operand(v, (bc_matrix){context, k->context.bf16}, rows->n, v->h);
    return residual;
}

static void layer_fwd(const pass_view *all, bc_matrix out, bc_matrix x, int l)
{
    const pass_view rows = query_rows(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout attn = dropout_at(v, BC_SITE_ATTN_OUT, l), ffn = dropout_at(v, BC_SITE_FFN_OUT, l);
    bc_matrix residual = attention_fwd(all, v, x, l);
    linear_fwd(v, full(k->attn_norm.sum), k->context, BC_ATTN_W, BC_ATTN_B, l, (bc_linear){v->n, v->h, v->h});
    bc_add_norm_fwd(w->attn_out, k->attn_norm, k->attn_norm.sum, residual.f32, v->batch, norm_of(v, BC_ATTN_GAIN, l),
                    &attn);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_fwd(v, k->up, w->attn_out, BC_UP_W, BC_UP_B, l, (bc_linear){v->n, v->h, v->f});
    bc_activation_fwd(v->model->config.hidden_act, w->activated, k->up, v->n, v->f);
    profile_mark(v, BC_PROFILE_ACTIVATION);
    linear_fwd(v, full(k->out_norm.sum), w->activated, BC_DOWN_W, BC_DOWN_B, l, (bc_linear){v->n, v->f, v->h});
    bc_add_norm_fwd(out, k->out_norm, k->out_norm.sum, w->attn_out.f32, v->batch, norm_of(v, BC_OUT_GAIN, l), &ffn);
    profile_mark(v, BC_PROFILE_NORMS);
}

/* The buffer of the input of layer l, which is the output of layer l - 1. */
static bc_matrix layer_input(const bertc_workspace *w, int l)
{
    return l > 0 ? w->layer_input[l % 2] : w->embed_out;
}

static void layers_fwd(const pass_view *v, int first, int end)
{
    for (int l = first; l < end; l++) layer_fwd(v, layer_input(v->w, l + 1), layer_input(v->w, l), l);
}

/* Recompute the output of layer l, n rows: from its sums, or by copying it if it was the input of bc_model_fwd_from. */
static void recompute_output(const pass_view *v, bc_matrix y, int l)
{
    const bc_layer_cache *k = cache_of(v, l);
    const float *given = k->out_norm.sum;
    if (l + 1 == v->w->entry_layer) {
        if (y.f32) memcpy(y.f32, given, v->n * v->h * sizeof *y.f32);
        if (y.bf16) bc_round_rows(y.bf16, given, v->n, v->h);
    } else {
        bc_norm_recompute(y, k->out_norm, norm_of(v, BC_OUT_GAIN, l), v->n);
    }
    profile_mark(v, BC_PROFILE_NORMS);
}

/* Whether a head reads the last layer's output itself, not the pooler's. */
static bool reads_all_rows(const bc_model_head *head)
{
    return head->row->input == BC_INPUT_ALL_ROWS;
}

static bc_head_pass head_pass(const pass_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bool all = reads_all_rows(v->head);
    return (bc_head_pass){
        .rows = all ? v->batch : &w->first_rows,
        .gemm = v->gemm,
        .profile = w->profile,
        .dropout = dropout_at(v, BC_SITE_HEAD, 0),
        .params = m->params + v->head->first,
        .words = bc_model_param(m, BC_WORD, 0),
        .by_row = !m->grads && m->batch_invariant > bc_stage_pooler(m->config.num_hidden_layers),
        .h = v->h,
        .c = (size_t)v->head->config.num_labels,
        .x = all ? layer_input(w, m->config.num_hidden_layers).f32 : w->pooled,
        .x_dropped = w->head_input,
        .logits = w->logits,
        .dlogits = w->dlogits,
    };
}

/* Run the stages first .. end - 1. The input of stage `first` lies in its buffer. */
static void stages_fwd(const pass_view *v, int first, int end)
{
    bertc_workspace *w = v->w;
    int layers = v->model->config.num_hidden_layers, pooler = bc_stage_pooler(layers);
    bool pooled = !reads_all_rows(v->head);
    bc_workspace_set_first_rows(w, v->batch);
    if (first == BC_STAGE_EMBEDDINGS) embed_fwd(v);
    layers_fwd(v, bc_layers_below(first, layers), bc_layers_below(end, layers));
    if (pooled && first < pooler && end >= pooler) {
        const float *x = layer_input(w, layers).f32;
        if (w->all_rows) bc_gather_first(w->first_output, x, v->batch, v->h);
        else memcpy(w->first_output, x, v->s * v->h * sizeof *x);
    }
    if (pooled && first <= pooler && end > pooler) {
        linear_fwd(v, full(w->pooled), full(w->first_output), BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
        bc_tanh_fwd(w->pooled, w->pooled, v->s * v->h);
    }
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

bool bc_model_stage_reads_all_rows(const bertc_model *model, int head, int stage)
{
    return stage < bc_stage_pooler(model->config.num_hidden_layers) || reads_all_rows(&model->heads[head]);
}

float *bc_model_stage_input(const bertc_model *model, bertc_workspace *workspace, int head, int stage)
{
    int layers = model->config.num_hidden_layers;
    if (bc_model_stage_reads_all_rows(model, head, stage))
        return layer_input(workspace, bc_layers_below(stage, layers)).f32;
    return stage == bc_stage_pooler(layers) ? workspace->first_output : workspace->pooled;
}

void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                       int stage)
{
    pass_view v = view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers, layer = bc_layers_below(stage, layers);
    bc_matrix x = layer_input(workspace, layer);
    workspace->entry_layer = layer < layers ? layer : 0;
    if (layer < layers) round_operand(&v, x, v.n, v.h);
    if (workspace->entry_layer > 0 && !pass.inference)
        memcpy(workspace->layers[layer - 1].out_norm.sum, x.f32, v.n * v.h * sizeof(float));
    stages_fwd(&v, stage, bc_stage_head(layers) + 1);
}

void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out)
{
    assert(workspace->limits.all_rows);
    pass_view v = view_of(model, workspace, batch, (bc_pass){.inference = true});
    size_t size = v.n * v.h;
    int last = 0;
    for (size_t i = 0; i < count; i++) last = layers[i] > last ? layers[i] : last;
    embed_fwd(&v);
    for (int l = 0; l <= last; l++) {
        if (l > 0) layers_fwd(&v, l - 1, l);
        for (size_t i = 0; i < count; i++)
            if (layers[i] == l) memcpy(out + i * size, layer_input(workspace, l).f32, size * sizeof *out);
    }
}

void bc_model_output(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int layer,
                     float *y)
{
    pass_view all = view_of(model, workspace, batch, (bc_pass){0});
    pass_view rows = query_rows(&all, layer);
    recompute_output(&rows, full(y), layer);
}

double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                     const bc_objective *objective, double divisor)
{
    const bc_model_head *head = &model->heads[pass.head];
    double loss = head->row->loss(workspace->dlogits, workspace->logits, batch, (size_t)head->config.num_labels,
                                  objective, divisor);
    bc_profile_mark(workspace->profile, BC_PROFILE_HEAD);
    return loss;
}

/* ---- backward ------------------------------------------------------------------------------ */

/* Run backward through head and pooler. w->dy receives the gradient of the last layer's output, for the rows that the
 * last layer computes. */
static void head_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    int layers = v->model->config.num_hidden_layers;
    bool all = reads_all_rows(v->head), below = needs_gradient(v, bc_stage_layer(layers - 1));
    bool read = all ? below : needs_gradient(v, bc_stage_pooler(layers));
    bc_head_pass p = head_pass(v);
    v->head->row->bwd(!read ? NULL : all ? w->dy : w->dpooled, &p, accumulate);
    if (all || !read) return;
    float *dfirst = w->all_rows ? w->dfirst : w->dy;
    bc_tanh_bwd(w->dpooled, w->dpooled, w->pooled, v->s * v->h);
    profile_mark(v, BC_PROFILE_HEAD);
    linear_bwd(v, (linear_grads){full(below ? dfirst : NULL), false, full(w->first_output), accumulate},
               full(w->dpooled), BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
    if (!below || !w->all_rows) return;
    memset(w->dy, 0, v->n * v->h * sizeof *w->dy);
    bc_add_first(w->dy, dfirst, v->batch, v->h);
}

/* x with only the number type that products read: bf16 in bf16 models, else f32. */
static bc_matrix operand(const pass_view *v, bc_matrix x)
{
    return v->model->use_bf16 ? (bc_matrix){.bf16 = x.bf16} : full(x.f32);
}

/* Run backward through the feed-forward half of layer l. w->dy: in, gradient of the layer's output; out, gradient of
 * the first LayerNorm's output. */
static void ffn_bwd(const pass_view *all, int l, bool accumulate)
{
    const pass_view rows = query_rows(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout drop = dropout_at(v, BC_SITE_FFN_OUT, l);
    bc_linear up = {v->n, v->h, v->f}, down = {v->n, v->f, v->h};
    bc_matrix dwide = operand(v, w->dwide), x = operand(v, w->attn_out);
    bc_add_norm_bwd(w->dy, w->dx, w->dy, k->out_norm, v->batch, norm_of(v, BC_OUT_GAIN, l), &drop, accumulate);
    bc_norm_recompute(x, k->attn_norm, norm_of(v, BC_ATTN_GAIN, l), v->n);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_bwd(v, (linear_grads){.dx = dwide}, w->dx, BC_DOWN_W, BC_DOWN_B, l, down);
    bc_activation_bwd(v->model->config.hidden_act, w->activated, dwide, dwide, k->up, v->n, v->f);
    profile_mark(v, BC_PROFILE_ACTIVATION);
    linear_bwd(v, (linear_grads){.x = w->activated, .accumulate = accumulate}, w->dx, BC_DOWN_W, BC_DOWN_B, l, down);
    linear_bwd(v, (linear_grads){full(w->dy), true, x, accumulate}, dwide, BC_UP_W, BC_UP_B, l, up);
}

/* Run backward through the linear layer of queries, of keys and values, or of all three. dy: their gradients, d.out
 * columns, in f32. In bf16 models they are rounded into w->dwide.bf16. */
static void qkv_bwd(const pass_view *v, linear_grads g, float *dy, bc_param_id weight, bc_param_id bias, int l,
                    bc_linear d)
{
    bc_matrix both = {dy, v->w->dwide.bf16};
    round_operand(v, both, d.n, d.out);
    linear_bwd(v, g, both, weight, bias, l, d);
}

/* Run backward through attention and its queries, keys and values, in layer l with input x.
 *
 * w->dz  in   gradient of the context
 * w->dy  in   gradient of the residual's rows
 *        out  gradient of x, if a stage below is trained */
static void attention_bwd(const pass_view *v, const pass_view *rows, bc_matrix x, int l, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_dropout probabilities = dropout_at(v, BC_SITE_ATTENTION, l);
    bc_qkv d = qkv_in(rows, w->dwide.f32);
    bc_attention_bwd(d, w->dz, qkv_in(rows, cache_of(v, l)->qkv), v->batch, &probabilities, v->attention);
    profile_mark(v, BC_PROFILE_ATTENTION);
    bool below = needs_gradient(v, bc_stage_layer(l - 1));
    bc_matrix dx = full(below ? w->dy : NULL), dfirst = full(below ? w->dfirst : NULL);
    if (!rows->first_rows) {
        qkv_bwd(v, (linear_grads){dx, true, x, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l,
                (bc_linear){v->n, v->h, 3 * v->h});
        return;
    }
    memcpy(w->dfirst, w->dy, v->s * v->h * sizeof *w->dy);
    qkv_bwd(v, (linear_grads){dfirst, true, w->first_input, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l,
            (bc_linear){v->s, v->h, v->h});
    qkv_bwd(v, (linear_grads){dx, false, x, accumulate}, d.k, BC_KEY_W, BC_KEY_B, l, (bc_linear){v->n, v->h, 2 * v->h});
    if (below) bc_add_first(w->dy, w->dfirst, v->batch, v->h);
}

/* Run backward through the attention half of layer l. w->dy: in, gradient of the first LayerNorm's output; out,
 * gradient of the layer's input. */
static void attention_half_bwd(const pass_view *all, int l, bool accumulate)
{
    const pass_view rows = query_rows(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout drop = dropout_at(v, BC_SITE_ATTN_OUT, l);
    bc_matrix x = operand(v, layer_input(w, l));
    if (l > 0) recompute_output(all, x, l - 1);
    bc_add_norm_bwd(w->dy, w->dx, w->dy, k->attn_norm, v->batch, norm_of(v, BC_ATTN_GAIN, l), &drop, accumulate);
    profile_mark(v, BC_PROFILE_NORMS);
    linear_bwd(v, (linear_grads){full(w->dz), false, k->context, accumulate}, w->dx, BC_ATTN_W, BC_ATTN_B, l,
               (bc_linear){v->n, v->h, v->h});
    attention_bwd(all, v, x, l, accumulate);
}

static void embed_bwd(const pass_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    const bertc_model *m = v->model;
    const bc_param *word = bc_model_param(m, BC_WORD, 0);
    bc_dropout drop = dropout_at(v, BC_SITE_EMBEDDING, 0);
    bc_embed_norm_bwd(w->dy, w->dy, w->embed_norm, v->batch, norm_of(v, BC_EMBED_GAIN, 0), &drop, accumulate);
    bool dense = v->head->row->dense_words; /* the head has already set the gradient of the word embedding table */
    bc_embed_grads grads = {dense ? NULL : word->grad, grad(m, BC_POSITION, 0), grad(m, BC_TYPE, 0), word->sparse_rows};
    bc_embed_scatter(grads, w->dy, v->batch, &m->config, accumulate);
    if (!grads.word) bc_embed_scatter((bc_embed_grads){.word = word->grad}, w->dy, v->batch, &m->config, true);
    profile_mark(v, BC_PROFILE_EMBEDDINGS);
}

void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, bc_pass pass,
                  bool accumulate)
{
    assert(workspace->limits.training && model->grads && pass.dropout);
    pass_view v = view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers, lowest = bc_lowest_trained(model);
    int group = (int)bc_layer_group(&workspace->limits, (size_t)layers);
    head_bwd(&v, accumulate);
    for (int l = layers - 1; l >= lowest; l--) {
        int first = l + 1 - group; /* first layer of the checkpointing group that ends with layer l, if there is one */
        if (l + 1 < layers && (l + 1 - (int)workspace->dims.lowest_trained) % group == 0) {
            if (first > 0) recompute_output(&v, layer_input(workspace, first), first - 1);
            layers_fwd(&v, first, l + 1);
        }
        ffn_bwd(&v, l, accumulate);
        attention_half_bwd(&v, l, accumulate);
    }
    if (needs_gradient(&v, BC_STAGE_EMBEDDINGS)) embed_bwd(&v, accumulate);
}
