#include "nn/pass.h"

#include <assert.h>
#include <string.h>

#include "nn/ops/attention.h"
#include "nn/ops/ops.h"

/* The first rows of a batch as a batch. */
static void point_at_first(bertc_batch *rows, const bertc_batch *batch)
{
    rows->sequences = rows->tokens = batch->sequences;
    rows->examples = batch->examples;
    for (int32_t s = 0; s < batch->sequences; s++) {
        rows->starts[s] = s;
        rows->positions[s] = 0;
    }
    rows->starts[batch->sequences] = batch->sequences;
}

/* The view of the rows that go on from a layer's queries: in the last layer, where it is not whole, the first ones,
 * as if each were a sequence of its own. */
static bc_view asking(const bc_view *v, int layer)
{
    bc_view asking = *v;
    if (v->w->whole || layer + 1 < v->model->config.num_hidden_layers) return asking;
    asking.batch = &v->w->first_rows;
    asking.n = v->s;
    asking.first = true;
    return asking;
}

/* Is this stage of the forward pass (bc_param_stage) trained, or anything below it? */
static bool is_trained(const bc_view *v, int stage)
{
    return stage >= bc_first_trained(v->model);
}

/* Where a layer keeps what it computes. */
static bc_layer_cache *cache_of(const bc_view *v, int layer)
{
    return v->pass.forgets ? &v->w->shared : &v->w->layers[layer];
}

/* ---- forward -------------------------------------------------------------------------------- */

static void embed_fwd(const bc_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bc_dropout drop = bc_view_dropout(v, BC_SITE_EMBEDDING, 0);
    bc_embed_fwd(w->embed_out, w->embed_sum, w->embed_mean, w->embed_rstd, v->batch,
                 bc_value_of(m, BC_WORD, 0), bc_value_of(m, BC_POSITION, 0), bc_value_of(m, BC_TYPE, 0),
                 bc_view_norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h);
    bc_view_lap(v, BC_WORK_EMBEDDINGS);
}

/* Where a layer's queries, keys and values, or their gradients, lie in a buffer. */
static bc_qkv qkv_in(const bc_view *asking, float *buffer)
{
    if (!asking->first) return bc_qkv_all(buffer, asking->h);
    return bc_qkv_first(buffer, buffer + bc_rows(asking->n) * asking->h, asking->h);
}

/* Context of the rows that ask from a layer's input; returns those rows of the input. */
static bc_matrix attend_fwd(const bc_view *v, const bc_view *asking, bc_matrix x, int l)
{
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout probabilities = bc_view_dropout(v, BC_SITE_ATTENTION, l);
    bc_qkv qkv = qkv_in(asking, k->qkv);
    bc_linear all = {v->n, v->h, 3 * v->h}, one = {v->s, v->h, v->h}, two = {v->n, v->h, 2 * v->h};
    bc_matrix rows = asking->first ? w->last_in : x;
    if (asking->first) {
        bc_gather_first(rows.full, x.full, v->batch, v->h);
        bc_view_round(v, rows, v->s, v->h);
        bc_view_linear_fwd(v, bc_full(qkv.q), rows, BC_QUERY_W, BC_QUERY_B, l, one);
        bc_view_linear_fwd(v, bc_full(qkv.k), x, BC_KEY_W, BC_KEY_B, l, two);
    } else {
        bc_view_linear_fwd(v, bc_full(qkv.q), x, BC_QUERY_W, BC_QUERY_B, l, all);
    }
    float *context = k->context.full ? k->context.full : w->attn_out.full;
    bc_attention_fwd(context, qkv, v->batch, &probabilities, v->attention);
    bc_view_lap(v, BC_WORK_ATTENTION);
    bc_view_round(v, (bc_matrix){context, k->context.half}, asking->n, v->h);
    return rows;
}

static void layer_fwd(const bc_view *all, bc_matrix out, bc_matrix x, int l)
{
    const bc_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    bc_dropout attn = bc_view_dropout(v, BC_SITE_ATTN_OUT, l), ffn = bc_view_dropout(v, BC_SITE_FFN_OUT, l);
    bc_matrix residual = attend_fwd(all, v, x, l);
    bc_view_linear_fwd(v, bc_full(k->attn_sum), k->context, BC_ATTN_W, BC_ATTN_B, l, (bc_linear){v->n, v->h, v->h});
    bc_add_norm_fwd(w->attn_out, k->attn_sum, k->attn_mean, k->attn_rstd, k->attn_sum,
                    residual.full, v->batch, bc_view_norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &attn, v->h);
    bc_view_lap(v, BC_WORK_NORMS);
    bc_view_linear_fwd(v, k->up, w->attn_out, BC_UP_W, BC_UP_B, l, (bc_linear){v->n, v->h, v->f});
    bc_activation_fwd(v->model->config.hidden_act, w->act, k->up, v->n, v->f);
    bc_view_lap(v, BC_WORK_ACTIVATION);
    bc_view_linear_fwd(v, bc_full(k->out_sum), w->act, BC_DOWN_W, BC_DOWN_B, l, (bc_linear){v->n, v->f, v->h});
    bc_add_norm_fwd(out, k->out_sum, k->out_mean, k->out_rstd, k->out_sum, w->attn_out.full,
                    v->batch, bc_view_norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &ffn, v->h);
    bc_view_lap(v, BC_WORK_NORMS);
}

/* In forward, where the output of layer l - 1 goes and the input of layer l comes from. */
static bc_matrix flow(const bertc_workspace *w, int l)
{
    return l > 0 ? w->flow[l % 2] : w->embed_out;
}

/* Is there nothing between the encoder's output and the head? */
static bool reads_all(const bc_model_head *head)
{
    return head->row->reads == BC_READS_ALL;
}

/* What the pooler reads. */
static void take_first(const bc_view *v, const float *x)
{
    bertc_workspace *w = v->w;
    if (w->whole) bc_gather_first(w->first, x, v->batch, v->h);
    else memcpy(w->first, x, v->s * v->h * sizeof *x);
}

static void pooler_fwd(const bc_view *v)
{
    bertc_workspace *w = v->w;
    bc_view_linear_fwd(v, bc_full(w->pooled), bc_full(w->first), BC_POOL_W, BC_POOL_B, 0,
                       (bc_linear){v->s, v->h, v->h});
    bc_tanh_fwd(w->pooled, w->pooled, v->s * v->h);
}

/* What the head works on. */
static bc_head_pass head_pass(const bc_view *v)
{
    const bertc_model *m = v->model;
    bertc_workspace *w = v->w;
    bool all = reads_all(v->head);
    return (bc_head_pass){
        .rows = all ? v->batch : &w->first_rows,
        .gemm = v->gemm,
        .laps = w->laps,
        .dropout = bc_view_dropout(v, BC_SITE_HEAD, 0),
        .params = m->params + v->head->first,
        .words = bc_model_param(m, BC_WORD, 0),
        .h = v->h,
        .c = (size_t)v->head->config.num_labels,
        .x = all ? flow(w, m->config.num_hidden_layers).full : w->pooled,
        .dropped = w->dropped,
        .logits = w->logits,
        .dlogits = w->dlogits,
    };
}

/* The output of a layer again, n rows, from what it keeps: from its sums, or whole where it was given. */
static void output_again(const bc_view *v, bc_matrix y, int l)
{
    const bc_layer_cache *k = cache_of(v, l);
    if (l + 1 == v->w->given) {
        if (y.full) memcpy(y.full, k->out_sum, v->n * v->h * sizeof *y.full);
        if (y.half) bc_round_rows(y.half, k->out_sum, v->n, v->h);
        bc_view_lap(v, BC_WORK_NORMS);
        return;
    }
    bc_norm_again(y, k->out_sum, k->out_mean, k->out_rstd, bc_view_norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l),
                  v->n, v->h);
    bc_view_lap(v, BC_WORK_NORMS);
}

static void layers_fwd(const bc_view *v, int first, int end)
{
    for (int l = first; l < end; l++) layer_fwd(v, flow(v->w, l + 1), flow(v->w, l), l);
}

/* Stages from `first` on, before `end`, on rows that are in their places. */
static void stages_fwd(const bc_view *v, int first, int end)
{
    int layers = v->model->config.num_hidden_layers, above = end - 1 < layers ? end - 1 : layers;
    bool pooled = !reads_all(v->head);
    point_at_first(&v->w->first_rows, v->batch);
    if (first == 0) embed_fwd(v);
    layers_fwd(v, first > 0 ? first - 1 : 0, above);
    if (pooled && first <= layers && end > layers) take_first(v, flow(v->w, layers).full);
    if (pooled && first <= layers + 1 && end > layers + 1) pooler_fwd(v);
    if (end <= layers + 2) return;
    bc_head_pass p = head_pass(v);
    v->head->row->fwd(&p);
}

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass)
{
    bc_view v = bc_view_of(model, workspace, batch, pass);
    workspace->given = 0;
    stages_fwd(&v, 0, model->config.num_hidden_layers + 3);
}

float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int head,
                       int stage)
{
    bc_view v = bc_view_of(model, workspace, batch, (bc_pass){.head = head, .forgets = true});
    stages_fwd(&v, 0, stage);
    return bc_model_entry(model, workspace, head, stage);
}

bool bc_model_enters_by_token(const bertc_model *model, int head, int stage)
{
    return stage <= model->config.num_hidden_layers || reads_all(&model->heads[head]);
}

float *bc_model_entry(const bertc_model *model, bertc_workspace *workspace, int head, int stage)
{
    int layers = model->config.num_hidden_layers;
    if (bc_model_enters_by_token(model, head, stage)) return flow(workspace, stage <= layers ? stage - 1 : layers).full;
    return stage == layers + 1 ? workspace->first : workspace->pooled;
}

void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       bc_pass pass, int stage)
{
    bc_view v = bc_view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers;
    workspace->given = stage <= layers ? stage - 1 : 0;
    if (stage <= layers) bc_view_round(&v, flow(workspace, stage - 1), v.n, v.h);
    if (stage > 1 && stage <= layers && !pass.forgets)
        memcpy(workspace->layers[stage - 2].out_sum, flow(workspace, stage - 1).full,
               v.n * v.h * sizeof(float));
    stages_fwd(&v, stage, layers + 3);
}

/* The layers that ask for the output of layer l take it. */
static void take_hidden(const bc_view *v, int l, const int32_t *layers, size_t count, float *out)
{
    size_t size = v->n * v->h;
    for (size_t i = 0; i < count; i++)
        if (layers[i] == l) memcpy(out + i * size, flow(v->w, l).full, size * sizeof *out);
}

void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out)
{
    assert(workspace->limits.whole);
    bc_view v = bc_view_of(model, workspace, batch, (bc_pass){.forgets = true});
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
    bc_view all = bc_view_of(model, workspace, batch, (bc_pass){0});
    bc_view rows = asking(&all, layer);
    output_again(&rows, bc_full(y), layer);
}

double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     bc_pass pass, const bc_objective *objective, double divisor)
{
    const bc_model_head *head = &model->heads[pass.head];
    double loss = head->row->loss(workspace->dlogits, workspace->logits, batch, (size_t)head->config.num_labels,
                                  objective, divisor);
    bc_lap(workspace->laps, BC_WORK_HEAD);
    return loss;
}

/* ---- backward ------------------------------------------------------------------------------- */

/* From w->dpooled the gradient of the pooler's rows into dfirst, or nowhere. */
static void pooler_bwd(const bc_view *v, float *dfirst, bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_tanh_bwd(w->dpooled, w->dpooled, w->pooled, v->s * v->h);
    bc_view_lap(v, BC_WORK_HEAD);
    bc_view_linear_bwd(v, (bc_wanted){bc_full(dfirst), false, bc_full(w->first), accumulate}, bc_full(w->dpooled),
                       BC_POOL_W, BC_POOL_B, 0, (bc_linear){v->s, v->h, v->h});
}

/* Gradient of the last layer's output, of those rows that it has, into w->dy. */
static void head_bwd(const bc_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    int layers = v->model->config.num_hidden_layers;
    bool all = reads_all(v->head), below = is_trained(v, layers), read = is_trained(v, all ? layers : layers + 1);
    bc_head_pass p = head_pass(v);
    float *dfirst = w->whole ? w->dfirst : w->dy;
    v->head->row->bwd(!read ? NULL : all ? w->dy : w->dpooled, &p, accumulate);
    if (all || !read) return;
    pooler_bwd(v, below ? dfirst : NULL, accumulate);
    if (!below || !w->whole) return;
    memset(w->dy, 0, v->n * v->h * sizeof *w->dy);
    bc_add_first(w->dy, dfirst, v->batch, v->h);
}

/* A matrix in the precision of the products alone. */
static bc_matrix operand(const bc_view *v, bc_matrix x)
{
    return v->model->half ? (bc_matrix){.half = x.half} : bc_full(x.full);
}

/* The feed-forward half: w->dy, gradient of the layer's output, becomes that of its attention half's
 * output. */
static void ffn_bwd(const bc_view *all, int l, bool accumulate)
{
    const bc_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    const bertc_model *m = v->model;
    bc_dropout drop = bc_view_dropout(v, BC_SITE_FFN_OUT, l);
    bc_linear up = {v->n, v->h, v->f}, down = {v->n, v->f, v->h};
    bc_matrix dwide = operand(v, w->dwide), x = operand(v, w->attn_out);
    bc_add_norm_bwd(w->dy, w->dx, bc_grad_of(m, BC_OUT_GAIN, l), bc_grad_of(m, BC_OUT_BIAS, l), w->dy,
                    k->out_sum, k->out_mean, k->out_rstd, v->batch,
                    bc_view_norm(v, BC_OUT_GAIN, BC_OUT_BIAS, l), &drop, v->h, accumulate);
    bc_norm_again(x, k->attn_sum, k->attn_mean, k->attn_rstd,
                  bc_view_norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), v->n, v->h);
    bc_view_lap(v, BC_WORK_NORMS);
    bc_view_linear_bwd(v, (bc_wanted){.dx = dwide}, w->dx, BC_DOWN_W, BC_DOWN_B, l, down);
    bc_activation_bwd(m->config.hidden_act, w->act, dwide, dwide, k->up, v->n, v->f);
    bc_view_lap(v, BC_WORK_ACTIVATION);
    bc_view_linear_bwd(v, (bc_wanted){.x = w->act, .accumulate = accumulate}, w->dx, BC_DOWN_W, BC_DOWN_B, l,
                       down);
    bc_view_linear_bwd(v, (bc_wanted){bc_full(w->dy), true, x, accumulate}, dwide, BC_UP_W, BC_UP_B, l, up);
}

/* Gradients by way of queries, keys or values, of which d.out columns a row are in dwide.full. */
static void qkv_bwd(const bc_view *v, bc_wanted to, float *from, bc_param_id weight, bc_param_id bias,
                    int l, bc_linear d)
{
    bc_matrix dy = {from, v->w->dwide.half};
    bc_view_round(v, dy, d.n, d.out);
    bc_view_linear_bwd(v, to, dy, weight, bias, l, d);
}

/* From w->dz, gradient of the context, and w->dy, that of the rows that asked, the gradient of the
 * layer's input x into w->dy, where anything below is trained. */
static void attend_bwd(const bc_view *v, const bc_view *asking, bc_matrix x, int l,
                       bool accumulate)
{
    bertc_workspace *w = v->w;
    bc_dropout probabilities = bc_view_dropout(v, BC_SITE_ATTENTION, l);
    bc_linear all = {v->n, v->h, 3 * v->h}, one = {v->s, v->h, v->h}, two = {v->n, v->h, 2 * v->h};
    bc_qkv d = qkv_in(asking, w->dwide.full);
    bc_attention_bwd(d, w->dz, qkv_in(asking, cache_of(v, l)->qkv), v->batch, &probabilities,
                     v->attention);
    bc_view_lap(v, BC_WORK_ATTENTION);
    bool below = is_trained(v, l);
    bc_matrix dx = bc_full(below ? w->dy : NULL), dfirst = bc_full(below ? w->dfirst : NULL);
    if (!asking->first) {
        qkv_bwd(v, (bc_wanted){dx, true, x, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l, all);
        return;
    }
    memcpy(w->dfirst, w->dy, v->s * v->h * sizeof *w->dy);
    qkv_bwd(v, (bc_wanted){dfirst, true, w->last_in, accumulate}, d.q, BC_QUERY_W, BC_QUERY_B, l, one);
    qkv_bwd(v, (bc_wanted){dx, false, x, accumulate}, d.k, BC_KEY_W, BC_KEY_B, l, two);
    if (below) bc_add_first(w->dy, w->dfirst, v->batch, v->h);
}

/* The attention half: w->dy, gradient of its output, becomes that of the layer's input. */
static void attention_bwd(const bc_view *all, int l, bool accumulate)
{
    const bc_view rows = asking(all, l), *v = &rows;
    bertc_workspace *w = v->w;
    bc_layer_cache *k = cache_of(v, l);
    const bertc_model *m = v->model;
    bc_dropout drop = bc_view_dropout(v, BC_SITE_ATTN_OUT, l);
    bc_linear out = {v->n, v->h, v->h};
    bc_matrix x = operand(v, flow(w, l));
    if (l > 0) output_again(all, x, l - 1);
    bc_add_norm_bwd(w->dy, w->dx, bc_grad_of(m, BC_ATTN_GAIN, l), bc_grad_of(m, BC_ATTN_BIAS, l), w->dy,
                    k->attn_sum, k->attn_mean, k->attn_rstd, v->batch,
                    bc_view_norm(v, BC_ATTN_GAIN, BC_ATTN_BIAS, l), &drop, v->h, accumulate);
    bc_view_lap(v, BC_WORK_NORMS);
    bc_view_linear_bwd(v, (bc_wanted){bc_full(w->dz), false, k->context, accumulate}, w->dx, BC_ATTN_W,
                       BC_ATTN_B, l, out);
    attend_bwd(all, v, x, l, accumulate);
}

/* Forward through a group of layers whose keeping is gone. */
static void layers_again(const bc_view *v, int first, int end)
{
    if (first > 0) output_again(v, flow(v->w, first), first - 1);
    layers_fwd(v, first, end);
}

static void embed_bwd(const bc_view *v, bool accumulate)
{
    bertc_workspace *w = v->w;
    const bertc_model *m = v->model;
    const bc_param *word = bc_model_param(m, BC_WORD, 0);
    bc_dropout drop = bc_view_dropout(v, BC_SITE_EMBEDDING, 0);
    bc_embed_norm_bwd(w->dy, bc_grad_of(m, BC_EMBED_GAIN, 0), bc_grad_of(m, BC_EMBED_BIAS, 0), w->dy,
                      w->embed_sum, w->embed_mean, w->embed_rstd, v->batch,
                      bc_view_norm(v, BC_EMBED_GAIN, BC_EMBED_BIAS, 0), &drop, v->h, accumulate);
    float *words = v->head->row->dense_words ? NULL : word->grad;
    bc_embed_scatter(words, word->touched, bc_grad_of(m, BC_POSITION, 0), bc_grad_of(m, BC_TYPE, 0), w->dy,
                     v->batch, &m->config, accumulate);
    if (!words) bc_embed_scatter(word->grad, NULL, NULL, NULL, w->dy, v->batch, &m->config, true);
    bc_view_lap(v, BC_WORK_EMBEDDINGS);
}

void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate)
{
    assert(workspace->limits.training && model->grads && pass.dropout);
    bc_view v = bc_view_of(model, workspace, batch, pass);
    int layers = model->config.num_hidden_layers, lowest = bc_lowest_trained(model);
    int group = (int)bc_layer_group(&workspace->limits, (size_t)layers);
    head_bwd(&v, accumulate);
    for (int l = layers - 1; l >= lowest; l--) {
        bool gone = l + 1 < layers && (l + 1 - workspace->lowest) % group == 0;
        if (gone) layers_again(&v, l + 1 - group, l + 1);
        ffn_bwd(&v, l, accumulate);
        attention_bwd(&v, l, accumulate);
    }
    if (is_trained(&v, 0)) embed_bwd(&v, accumulate);
}
