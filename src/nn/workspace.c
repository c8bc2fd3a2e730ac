/* The workspace: every buffer that depends on a batch, planned once and taken from one block.
 *
 * The plan is a function that takes buffers from an arena. It runs twice: over a measuring arena to
 * learn the size, then over the block itself. */
#include "nn/workspace.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/ops/attention.h"
#include "nn/products.h"

enum { ALIGNMENT = 64 };

/* Rows of a buffer for n; the products of settled stages may go on for nearly a block. */
static size_t rows_for(const bertc_model *model, int32_t n)
{
    size_t rows = bc_rows((size_t)n);
    return model->batch_invariant > 1 ? rows + BC_INVARIANT_ROWS_MAX : rows;
}

static size_t max_labels(const bertc_model *model)
{
    int32_t max = 0;
    for (int i = 0; i < model->num_heads; i++)
        if (model->heads[i].config.num_labels > max) max = model->heads[i].config.num_labels;
    return (size_t)max;
}

static bc_dims measure(const bertc_model *model, const bertc_limits *limits)
{
    const bertc_config *config = &model->config;
    int32_t trained = limits->trained > 0 ? limits->trained : limits->tokens;
    return (bc_dims){.n = rows_for(model, limits->tokens),
                  .kept = rows_for(model, trained),
                  .s = rows_for(model, limits->sequences),
                  .layers = (size_t)config->num_hidden_layers,
                  .lowest_trained = (size_t)(limits->training ? bc_lowest_trained(model)
                                                      : config->num_hidden_layers),
                  .h = (size_t)config->hidden_size,
                  .heads = (size_t)config->num_attention_heads,
                  .f = (size_t)config->intermediate_size,
                  .r = rows_for(model, model->all_rows ? limits->tokens : limits->sequences),
                  .c = max_labels(model),
                  .threads = (size_t)model->threads,
                  .longest = (size_t)limits->longest,
                  .bf16 = model->use_bf16};
}

/* Sizes are products of two numbers that each fit 31 bits times a small factor. */
static float *take(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(float));
}

static uint16_t *take_bf16(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(uint16_t));
}

/* In the precision of the products. */
static bc_matrix take_operand(bc_arena *arena, const bc_dims *d, size_t rows, size_t columns)
{
    if (d->bf16) return (bc_matrix){.bf16 = take_bf16(arena, rows, columns)};
    return (bc_matrix){.f32 = take(arena, rows, columns)};
}

/* In f32, and in bf16 too where the products are. */
static bc_matrix take_both(bc_arena *arena, const bc_dims *d, size_t rows, size_t columns)
{
    bc_matrix x = {.f32 = take(arena, rows, columns)};
    if (d->bf16) x.bf16 = take_bf16(arena, rows, columns);
    return x;
}

/* The second LayerNorm, of which a layer's output is made. */
static void plan_out(bc_layer_cache *k, bc_arena *arena, const bc_dims *d, size_t rows)
{
    k->out_sum = take(arena, rows, d->h);
    k->out_mean = take(arena, rows, 1);
    k->out_rstd = take(arena, rows, 1);
}

/* n: rows in all; rows: those that go on from the queries. */
static void plan_layer(bc_layer_cache *k, bc_arena *arena, const bc_dims *d, size_t n, size_t rows)
{
    k->qkv = take(arena, n, 3 * d->h);
    k->context = take_operand(arena, d, rows, d->h);
    k->attn_sum = take(arena, rows, d->h);
    k->attn_mean = take(arena, rows, 1);
    k->attn_rstd = take(arena, rows, 1);
    k->up = take_operand(arena, d, rows, d->f);
    plan_out(k, arena, d, rows);
}

/* Of the layers with a backward pass those of the first group get a cache each, later ones that of
 * the layer N before them; the output of a group's last layer outlives its group. */
static void plan_trained(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    size_t group = bc_layer_group(&w->limits, d->layers);
    for (size_t l = d->lowest_trained; l < d->layers; l++) {
        bc_layer_cache cache = {0};
        size_t n = l > d->lowest_trained ? d->kept : d->n, above = l - d->lowest_trained;
        bool last = l + 1 == d->layers && above > 0 && !w->all_rows;
        if (above < group) plan_layer(&cache, arena, d, n, last ? d->s : n);
        else if (w->layers) cache = w->layers[l - group];
        if (above >= group && (above + 1) % group == 0) plan_out(&cache, arena, d, d->kept);
        if (w->layers) w->layers[l] = cache;
    }
}

/* Layers without a backward pass share a cache, which is also all that a pass needs that forgets: that
 * of the lowest layer with one, which comes after them, or one of their own. But the lowest one's
 * input must last. */
static void plan_layers(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    bool none = d->lowest_trained == d->layers;
    plan_trained(w, arena, d);
    if (none) plan_layer(&w->shared, arena, d, d->n, d->n);
    else if (w->layers) w->shared = w->layers[d->lowest_trained];
    for (size_t l = 0; l < d->lowest_trained; l++) {
        bc_layer_cache cache = w->shared;
        if (l + 1 == d->lowest_trained && !none) plan_out(&cache, arena, d, d->kept);
        if (w->layers) w->layers[l] = cache;
    }
}

/* Rows of the last layer that the heads read. */
static void plan_heads(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    if (!w->all_rows) w->last_in = take_both(arena, d, d->s, d->h);
    w->first_out = take(arena, d->s, d->h);
    w->first_rows.starts = bc_arena_take(arena, d->s + 1, sizeof *w->first_rows.starts);
    w->first_rows.positions = bc_arena_take(arena, d->s, sizeof *w->first_rows.positions);
}

/* A pass that is not trained on has no dropout. */
static void plan_adapters(bertc_workspace *w, bc_arena *arena, const bc_dims *d, const bertc_lora *lora)
{
    size_t rank = (size_t)lora->rank, widest = d->f > d->h ? d->f : d->h;
    if (rank == 0) return;
    w->transposed = take(arena, rank, widest);
    w->low = take(arena, d->n, rank);
    if (!w->limits.training) return;
    w->dlow = take(arena, d->kept, rank);
    if (lora->dropout > 0) w->low_in = take(arena, d->kept, widest);
}

static void plan_gradients(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    size_t wide = 3 * d->h > d->f ? 3 * d->h : d->f;
    w->dfirst = take(arena, d->s, d->h);
    w->dpooled = take(arena, d->s, d->h);
    if (d->lowest_trained == d->layers) return;
    w->dx = take_both(arena, d, d->kept, d->h);
    w->dy = take(arena, d->kept, d->h);
    w->dz = take(arena, d->kept, d->h);
    w->dwide.f32 = take(arena, d->kept, d->bf16 ? 3 * d->h : wide);
    if (d->bf16) w->dwide.bf16 = take_bf16(arena, d->kept, wide);
}

static void plan(bertc_workspace *w, bc_arena *arena, const bc_dims *d, const bertc_lora *lora)
{
    w->embed_sum = take(arena, d->n, d->h);
    w->embed_mean = take(arena, d->n, 1);
    w->embed_rstd = take(arena, d->n, 1);
    w->embed_out = take_both(arena, d, d->n, d->h);
    plan_layers(w, arena, d);
    for (int i = 0; i < 2; i++) w->layer_in[i] = take_both(arena, d, d->n, d->h);
    w->attn_out = take_both(arena, d, d->n, d->h);
    w->act = take_operand(arena, d, d->n, d->f);
    plan_heads(w, arena, d);
    w->pooled = take(arena, d->s, d->h);
    w->dropped = take(arena, d->r, d->h);
    w->logits = take(arena, d->r, d->c);
    w->dlogits = take(arena, d->r, d->c);
    if (w->limits.training) plan_gradients(w, arena, d);
    plan_adapters(w, arena, d, lora);
    w->attention_stride = bc_attention_scratch(d->longest, d->h / d->heads, d->bf16);
    if (w->attention_stride < SIZE_MAX / sizeof(float))
        w->attention = take(arena, d->threads, w->attention_stride);
    else
        arena->used = SIZE_MAX;
}

size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits)
{
    bc_dims d = measure(model, limits);
    bertc_workspace w = {.limits = *limits, .all_rows = limits->all_rows || model->all_rows};
    bc_arena arena;
    bc_arena_init(&arena, NULL, 0);
    plan(&w, &arena, &d, &model->lora);
    return arena.used;
}

bool bc_workspace_is_of(const bertc_workspace *w, const bertc_model *model)
{
    if (w->model != model || w->gemm.backend != model->gemm.backend) return false;
    bc_dims now = measure(model, &w->limits);
    now.lowest_trained = w->dims.lowest_trained; /* a model may thaw */
    return memcmp(&now, &w->dims, sizeof now) == 0;
}

static bertc_status check_limits(const bertc_limits *l, bertc_error *err)
{
    if (l->tokens > 0 && l->sequences > 0 && l->longest > 0 && l->checkpointing >= 0 && l->trained >= 0 &&
        l->trained <= l->tokens)
        return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "limits of %d tokens, %d sequences, longest %d, checkpointing %d, trained %d: "
                   "one is out of range", (int)l->tokens, (int)l->sequences, (int)l->longest, (int)l->checkpointing,
                   (int)l->trained);
}

/* The block, all zero: the rows past a batch's end are read by the backends before anything was
 * written there. calloc leaves pages that no batch reaches out of memory. */
static bool take_block(bertc_workspace *w)
{
    size_t room;
    w->memory = bc_size_add(w->bytes, ALIGNMENT, &room) ? bc_calloc(1, room) : NULL;
    if (w->memory) bc_prefer_large(w->memory, room);
    w->block = bc_align(w->memory);
    return w->memory != NULL;
}

bertc_status bertc_workspace_create(const bertc_model *model, const bertc_limits *limits,
                                    bertc_workspace **workspace, bertc_error *err)
{
    if (!model || !limits || !workspace) return bc_fail_null(err, __func__, "model, limits and workspace");
    *workspace = NULL;
    bertc_status status = check_limits(limits, err);
    if (status != BERTC_OK) return status;
    bc_dims d = measure(model, limits);
    bertc_workspace *w = bc_calloc(1, sizeof *w);
    if (!w) return bc_fail_memory(err);
    w->model = model;
    w->dims = d;
    w->limits = *limits;
    w->all_rows = limits->all_rows || model->all_rows;
    w->bytes = bc_workspace_plan(model, limits);
    w->layers = bc_calloc(d.layers, sizeof *w->layers);
    if (!w->layers || !take_block(w)) {
        size_t megabytes = w->bytes >> 20;
        bertc_workspace_free(w);
        return bc_fail(err, BERTC_NOMEM,
                       "out of memory: %zu MB for a pass of %d tokens", megabytes, (int)limits->tokens);
    }
    bc_arena arena;
    bc_arena_init(&arena, w->block, w->bytes);
    plan(w, &arena, &d, &model->lora);
    w->lowest_trained = (int)d.lowest_trained;
    status = bc_gemm_open_like(&w->gemm, &model->gemm, err);
    if (status == BERTC_OK) *workspace = w;
    else bertc_workspace_free(w);
    return status;
}

void bertc_workspace_free(bertc_workspace *workspace)
{
    if (!workspace) return;
    bc_gemm_close(&workspace->gemm);
    bc_free(workspace->layers);
    bc_free(workspace->memory);
    bc_free(workspace);
}

bertc_status bc_workspace_status(const bertc_workspace *workspace, bertc_error *err)
{
    return bc_gemm_status(&workspace->gemm, err);
}

size_t bertc_workspace_bytes(const bertc_workspace *workspace)
{
    return workspace ? workspace->bytes : 0;
}

void bc_workspace_take_first(bertc_workspace *workspace, const bertc_batch *batch)
{
    bertc_batch *rows = &workspace->first_rows;
    rows->sequences = rows->tokens = batch->sequences;
    rows->examples = batch->examples;
    for (int32_t s = 0; s < batch->sequences; s++) {
        rows->starts[s] = s;
        rows->positions[s] = 0;
    }
    rows->starts[batch->sequences] = batch->sequences;
}
