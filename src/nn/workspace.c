/* Workspaces: every buffer that depends on a batch, planned once and taken from one block.
 *
 * The plan is a function that takes buffers from an arena. It runs twice: first with an arena that only counts the
 * bytes, then with one over the block itself. */
#include "nn/workspace.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/ops/attention.h"
#include "nn/invariance.h"

enum { ALIGNMENT = 64 };

/* Rows of a buffer for n rows. Products of batch-invariant stages may write up to BC_INVARIANT_ROWS_MAX rows more. */
static size_t rows_for(const bertc_model *model, int32_t n)
{
    size_t rows = bc_rows((size_t)n);
    return model->batch_invariant > BC_STAGE_LAYERS ? rows + BC_INVARIANT_ROWS_MAX : rows;
}

static bc_dims dims_for(const bertc_model *model, const bertc_limits *limits)
{
    const bertc_config *config = &model->config;
    int32_t labels = 0;
    for (int i = 0; i < model->num_heads; i++)
        if (model->heads[i].config.num_labels > labels) labels = model->heads[i].config.num_labels;
    return (bc_dims){
        .n = rows_for(model, limits->tokens),
        .trained_n = rows_for(model, limits->trained > 0 ? limits->trained : limits->tokens),
        .s = rows_for(model, limits->sequences),
        .r = rows_for(model, model->all_rows ? limits->tokens : limits->sequences),
        .layers = (size_t)config->num_hidden_layers,
        .heads = (size_t)config->num_attention_heads,
        .lowest_trained = (size_t)(limits->training ? bc_lowest_trained(model) : config->num_hidden_layers),
        .h = (size_t)config->hidden_size,
        .f = (size_t)config->intermediate_size,
        .c = (size_t)labels,
        .threads = (size_t)model->threads,
        .longest = (size_t)limits->longest,
        .bf16 = model->use_bf16,
    };
}

/* columns * sizeof(float) does not overflow: columns is a number of 31 bits times at most 3. */
static float *take(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(float));
}

static uint16_t *take_bf16(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(uint16_t));
}

/* Take a matrix in bf16 for a bf16 model, else in f32. */
static bc_matrix take_operand(bc_arena *arena, const bc_dims *d, size_t rows, size_t columns)
{
    if (d->bf16) return (bc_matrix){.bf16 = take_bf16(arena, rows, columns)};
    return (bc_matrix){.f32 = take(arena, rows, columns)};
}

/* Take a matrix in f32, for a bf16 model in bf16 too. */
static bc_matrix take_both(bc_arena *arena, const bc_dims *d, size_t rows, size_t columns)
{
    bc_matrix x = {.f32 = take(arena, rows, columns)};
    if (d->bf16) x.bf16 = take_bf16(arena, rows, columns);
    return x;
}

static bc_norm_cache take_norm(bc_arena *arena, const bc_dims *d, size_t rows)
{
    bc_norm_cache cache = {.sum = take(arena, rows, d->h)};
    cache.mean = take(arena, rows, 1);
    cache.rstd = take(arena, rows, 1);
    return cache;
}

/* n: rows of the layer's input; rows: rows of its output. */
static bc_layer_cache take_layer(bc_arena *arena, const bc_dims *d, size_t n, size_t rows)
{
    bc_layer_cache cache = {.qkv = take(arena, n, 3 * d->h)};
    cache.context = take_operand(arena, d, rows, d->h);
    cache.attn_norm = take_norm(arena, d, rows);
    cache.up = take_operand(arena, d, rows, d->f);
    cache.out_norm = take_norm(arena, d, rows);
    return cache;
}

/* Plan the caches of trained layers, which are the layers that have a backward pass. Each layer of the first group has
 * its own cache. A later layer l uses the cache of layer l - group. The last layer of a later group has a
 * separate out_norm, because the next group's backward pass reads that out_norm after the group's caches are
 * overwritten. */
static void plan_trained_layers(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    size_t group = bc_layer_group(&w->limits, d->layers);
    for (size_t l = d->lowest_trained; l < d->layers; l++) {
        bc_layer_cache cache = {0};
        size_t n = l > d->lowest_trained ? d->trained_n : d->n, above = l - d->lowest_trained;
        bool first_rows = l + 1 == d->layers && above > 0 && !w->all_rows;
        if (above < group) cache = take_layer(arena, d, n, first_rows ? d->s : n);
        else if (w->layers) cache = w->layers[l - group];
        if (above >= group && (above + 1) % group == 0) cache.out_norm = take_norm(arena, d, d->trained_n);
        if (w->layers) w->layers[l] = cache;
    }
}

/* Plan the caches of all layers. Layers without a backward pass share one cache: the cache of the lowest trained layer,
 * which runs after them, or a separate cache if no layer is trained. The layer below the lowest trained layer has a
 * separate out_norm, because the backward pass recomputes that layer's output from its out_norm. */
static void plan_layers(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    bool none = d->lowest_trained == d->layers;
    plan_trained_layers(w, arena, d);
    if (none) w->shared = take_layer(arena, d, d->n, d->n);
    else if (w->layers) w->shared = w->layers[d->lowest_trained];
    for (size_t l = 0; l < d->lowest_trained; l++) {
        bc_layer_cache cache = w->shared;
        if (l + 1 == d->lowest_trained && !none) cache.out_norm = take_norm(arena, d, d->trained_n);
        if (w->layers) w->layers[l] = cache;
    }
}

static void plan_gradients(bertc_workspace *w, bc_arena *arena, const bc_dims *d)
{
    size_t wide = 3 * d->h > d->f ? 3 * d->h : d->f;
    w->dfirst = take(arena, d->s, d->h);
    w->dpooled = take(arena, d->s, d->h);
    if (d->lowest_trained == d->layers) return;
    w->dx = take_both(arena, d, d->trained_n, d->h);
    w->dy = take(arena, d->trained_n, d->h);
    w->dz = take(arena, d->trained_n, d->h);
    w->dwide.f32 = take(arena, d->trained_n, d->bf16 ? 3 * d->h : wide);
    if (d->bf16) w->dwide.bf16 = take_bf16(arena, d->trained_n, wide);
}

static void plan_adapters(bertc_workspace *w, bc_arena *arena, const bc_dims *d, const bertc_lora *lora)
{
    size_t rank = (size_t)lora->rank, widest = d->f > d->h ? d->f : d->h;
    if (rank == 0) return;
    w->lora_transposed = take(arena, rank, widest);
    w->lora_projected = take(arena, d->n, rank);
    if (!w->limits.training) return;
    w->lora_dprojected = take(arena, d->trained_n, rank);
    if (lora->dropout > 0) w->lora_input = take(arena, d->trained_n, widest);
}

static void plan(bertc_workspace *w, bc_arena *arena, const bc_dims *d, const bertc_lora *lora)
{
    w->embed_norm = take_norm(arena, d, d->n);
    w->embed_out = take_both(arena, d, d->n, d->h);
    plan_layers(w, arena, d);
    for (int i = 0; i < 2; i++) w->layer_input[i] = take_both(arena, d, d->n, d->h);
    w->attn_out = take_both(arena, d, d->n, d->h);
    w->activated = take_operand(arena, d, d->n, d->f);
    if (!w->all_rows) w->first_input = take_both(arena, d, d->s, d->h);
    w->first_output = take(arena, d->s, d->h);
    w->first_rows.starts = bc_arena_take(arena, d->s + 1, sizeof *w->first_rows.starts);
    w->first_rows.positions = bc_arena_take(arena, d->s, sizeof *w->first_rows.positions);
    w->pooled = take(arena, d->s, d->h);
    w->head_input = take(arena, d->r, d->h);
    w->logits = take(arena, d->r, d->c);
    w->dlogits = take(arena, d->r, d->c);
    if (w->limits.training) plan_gradients(w, arena, d);
    plan_adapters(w, arena, d, lora);
    w->attention_scratch_stride = bc_attention_scratch(d->longest, d->h / d->heads, d->bf16);
    if (w->attention_scratch_stride < SIZE_MAX / sizeof(float))
        w->attention_scratch = take(arena, d->threads, w->attention_scratch_stride);
    else
        arena->used = SIZE_MAX;
}

size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits)
{
    bc_dims d = dims_for(model, limits);
    bertc_workspace w = {.limits = *limits, .all_rows = limits->all_rows || model->all_rows};
    bc_arena arena;
    bc_arena_init(&arena, NULL, 0);
    plan(&w, &arena, &d, &model->lora);
    return arena.used;
}

bool bc_workspace_is_for(const bertc_workspace *w, const bertc_model *model)
{
    if (w->model != model || w->gemm.backend != model->gemm.backend) return false;
    bc_dims now = dims_for(model, &w->limits);
    now.lowest_trained = w->dims.lowest_trained; /* it changes when a model's stages are unfrozen */
    return memcmp(&now, &w->dims, sizeof now) == 0;
}

static bertc_status check_limits(const bertc_limits *l, bertc_error *err)
{
    if (l->tokens > 0 && l->sequences > 0 && l->longest > 0 && l->checkpointing >= 0 && l->trained >= 0 &&
        l->trained <= l->tokens)
        return BERTC_OK;
    return bc_fail(err, BERTC_USAGE, "a workspace's limits are out of range: tokens %d, sequences %d, longest %d, "
                   "checkpointing %d, trained %d", (int)l->tokens, (int)l->sequences, (int)l->longest,
                   (int)l->checkpointing, (int)l->trained);
}

/* Allocate the block, cleared: backends read rows past a batch's end before anything was written there. calloc does not
 * take memory for pages that no batch reaches. */
static bool allocate_block(bertc_workspace *w)
{
    size_t bytes;
    w->memory = bc_size_add(w->bytes, ALIGNMENT, &bytes) ? bc_calloc(1, bytes) : NULL;
    if (w->memory) bc_prefer_large(w->memory, bytes);
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
    bc_dims d = dims_for(model, limits);
    bertc_workspace *w = bc_calloc(1, sizeof *w);
    if (!w) return bc_fail_memory(err);
    w->model = model;
    w->dims = d;
    w->limits = *limits;
    w->all_rows = limits->all_rows || model->all_rows;
    w->bytes = bc_workspace_plan(model, limits);
    w->layers = bc_calloc(d.layers, sizeof *w->layers);
    if (!w->layers || !allocate_block(w)) {
        size_t megabytes = w->bytes >> 20;
        bertc_workspace_free(w);
        return bc_fail(err, BERTC_NOMEM, "out of memory: %zu MB for a pass of %d tokens", megabytes,
                       (int)limits->tokens);
    }
    bc_arena arena;
    bc_arena_init(&arena, w->block, w->bytes);
    plan(w, &arena, &d, &model->lora);
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

void bc_workspace_set_first_rows(bertc_workspace *workspace, const bertc_batch *batch)
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
