/* The workspace: every buffer that depends on a batch, planned once and taken from one block.
 *
 * The plan is a function that takes buffers from an arena. It runs twice: over a measuring arena to
 * learn the size, then over the block itself. */
#include "nn/model.h"

#include <assert.h>
#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/attention.h"

enum { ALIGNMENT = 64 };

typedef struct dims {
    size_t n, s, layers, h, heads, f, c, threads, longest;
    bool half;
} dims;

static dims measure(const bertc_model *model, const bertc_limits *limits)
{
    const bertc_config *config = &model->config;
    return (dims){.n = bc_rows((size_t)limits->tokens),
                  .s = bc_rows((size_t)limits->sequences),
                  .layers = (size_t)config->num_hidden_layers,
                  .h = (size_t)config->hidden_size,
                  .heads = (size_t)config->num_attention_heads,
                  .f = (size_t)config->intermediate_size,
                  .c = (size_t)config->num_labels,
                  .threads = (size_t)model->threads,
                  .longest = (size_t)limits->longest,
                  .half = model->half};
}

/* Sizes are products of two numbers that each fit 31 bits times a small factor. */
static float *take(bc_arena *arena, size_t rows, size_t columns)
{
    return bc_arena_take(arena, rows, columns * sizeof(float));
}

/* rows: those that go on from the queries. */
static void plan_layer(bc_layer_cache *k, bc_arena *arena, const dims *d, size_t rows)
{
    k->qkv = take(arena, d->n, 3 * d->h);
    k->context = take(arena, rows, d->h);
    k->attn_sum = take(arena, rows, d->h);
    k->attn_mean = take(arena, rows, 1);
    k->attn_rstd = take(arena, rows, 1);
    k->attn_out = take(arena, rows, d->h);
    k->up = take(arena, rows, d->f);
    k->out_sum = take(arena, rows, d->h);
    k->out_mean = take(arena, rows, 1);
    k->out_rstd = take(arena, rows, 1);
    k->out = take(arena, rows, d->h);
}

/* Inference keeps nothing: all layers write the same buffers, but a layer's input and its output
 * must differ, so outputs alternate between two. */
static void plan_inference(bertc_workspace *w, bc_arena *arena, const dims *d)
{
    bc_layer_cache shared[2];
    plan_layer(&shared[0], arena, d, d->n);
    shared[1] = shared[0];
    shared[1].out = take(arena, d->n, d->h);
    for (size_t l = 0; w->layers && l < d->layers; l++) w->layers[l] = shared[l % 2];
}

/* The layers of the first group get a cache each, later ones that of the layer N before them. The
 * output of a group's last layer outlives its group. */
static void plan_training(bertc_workspace *w, bc_arena *arena, const dims *d)
{
    size_t group = bc_layer_group(&w->limits, d->layers);
    for (size_t l = 0; l < d->layers; l++) {
        bc_layer_cache cache = {0};
        bool last = l + 1 == d->layers && !w->limits.whole;
        if (l < group) plan_layer(&cache, arena, d, last ? d->s : d->n);
        else if (w->layers) cache = w->layers[l - group];
        if (l >= group && (l + 1) % group == 0) cache.out = take(arena, d->n, d->h);
        if (w->layers) w->layers[l] = cache;
    }
}

/* Rows of the last layer that the heads read. */
static void plan_heads(bertc_workspace *w, bc_arena *arena, const dims *d)
{
    if (!w->limits.whole) w->last_in = take(arena, d->s, d->h);
    w->first = take(arena, d->s, d->h);
    w->heads.starts = bc_arena_take(arena, d->s + 1, sizeof *w->heads.starts);
    w->heads.positions = bc_arena_take(arena, d->s, sizeof *w->heads.positions);
}

static void plan(bertc_workspace *w, bc_arena *arena, const dims *d)
{
    size_t wide = 3 * d->h > d->f ? 3 * d->h : d->f;
    w->embed_sum = take(arena, d->n, d->h);
    w->embed_mean = take(arena, d->n, 1);
    w->embed_rstd = take(arena, d->n, 1);
    w->embed_out = take(arena, d->n, d->h);
    if (w->limits.training) plan_training(w, arena, d);
    else plan_inference(w, arena, d);
    plan_heads(w, arena, d);
    w->pooled = take(arena, d->s, d->h);
    w->dropped = take(arena, d->s, d->h);
    w->logits = take(arena, d->s, d->c);
    w->dlogits = take(arena, d->s, d->c);
    w->act = take(arena, d->n, d->f);
    if (w->limits.training) {
        w->dx = take(arena, d->n, d->h);
        w->dy = take(arena, d->n, d->h);
        w->dz = take(arena, d->n, d->h);
        w->dwide = take(arena, d->n, wide);
        w->dfirst = take(arena, d->s, d->h);
        w->dpooled = take(arena, d->s, d->h);
    }
    if (d->half) {
        w->half_x = bc_arena_take(arena, d->n, (d->h > d->f ? d->h : d->f) * sizeof *w->half_x);
        if (w->limits.training)
            w->half_dy = bc_arena_take(arena, d->n, wide * sizeof *w->half_dy);
    }
    w->attention_stride = bc_attention_scratch(d->longest, d->h / d->heads, d->half);
    if (w->attention_stride < SIZE_MAX / sizeof(float))
        w->attention = take(arena, d->threads, w->attention_stride);
    else
        arena->used = SIZE_MAX;
}

size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits)
{
    assert(limits->tokens > 0 && limits->sequences > 0 && limits->longest > 0);
    dims d = measure(model, limits);
    bertc_workspace w = {.limits = *limits};
    bc_arena arena;
    bc_arena_init(&arena, NULL, 0);
    plan(&w, &arena, &d);
    return arena.used;
}

/* The block, all zero: the rows past a batch's end are read by the backends before anything was
 * written there. calloc leaves pages that no batch reaches out of memory. */
static bool take_block(bertc_workspace *w)
{
    size_t room;
    w->memory = bc_size_add(w->bytes, ALIGNMENT, &room) ? bc_calloc(1, room) : NULL;
    w->block = (void *)(((uintptr_t)w->memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    return w->memory != NULL;
}

bertc_status bertc_workspace_create(const bertc_model *model, const bertc_limits *limits,
                                    bertc_workspace **workspace, bertc_error *err)
{
    dims d = measure(model, limits);
    bertc_workspace *w = bc_calloc(1, sizeof *w);
    if (!w) return bc_fail_memory(err);
    w->limits = *limits;
    w->bytes = bc_workspace_plan(model, limits);
    w->layers = bc_calloc(d.layers, sizeof *w->layers);
    if (!w->layers || !take_block(w)) {
        size_t megabytes = w->bytes >> 20;
        bertc_workspace_free(w);
        return bc_fail(err, BERTC_NOMEM,
                       "out of memory: %zu MB for a pass of %d tokens; try a smaller "
                       "--micro-batch-tokens or --batch-size",
                       megabytes, (int)limits->tokens);
    }
    bc_arena arena;
    bc_arena_init(&arena, w->block, w->bytes);
    plan(w, &arena, &d);
    *workspace = w;
    return BERTC_OK;
}

void bertc_workspace_free(bertc_workspace *workspace)
{
    if (!workspace) return;
    bc_free(workspace->layers);
    bc_free(workspace->memory);
    bc_free(workspace);
}

size_t bertc_workspace_bytes(const bertc_workspace *workspace)
{
    return workspace->bytes;
}
