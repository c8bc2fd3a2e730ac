#include "optim/optim.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/gemm/simd.h"

enum { CHUNK = 16384, LANES = 16, WAYS = 4 };

/* Allocate both moments, set to zero. All memory pages are written here, in parallel, except the pages of the table
 * with sparse rows: most of that table's rows appear in no batch, or late. */
static bool allocate_moments(bc_optim *optim)
{
    size_t line = 64 / sizeof(float), bytes;
    size_t capacity = (optim->scalars / line + 1) * line; /* m and v each start at a cache line */
    if (!bc_size_mul(capacity, 2 * sizeof(float), &bytes) || !bc_size_add(bytes, 64, &bytes)) return false;
    optim->moments = bc_calloc(1, bytes);
    if (!optim->moments) return false;
    optim->m = bc_align(optim->moments);
    optim->v = optim->m + capacity;
    for (size_t i = 0; i < optim->dense_count; i++) {
        size_t begin = optim->chunks[i].moment, end = begin + optim->chunks[i].count;
        for (; i + 1 < optim->dense_count && optim->chunks[i + 1].moment == end; i++) end += optim->chunks[i + 1].count;
        bc_prefault(optim->m + begin, (end - begin) * sizeof *optim->m, optim->threads);
        bc_prefault(optim->v + begin, (end - begin) * sizeof *optim->v, optim->threads);
    }
    return true;
}

/* Cut every trained parameter into chunks, and allocate the moments. */
static bertc_status allocate(bc_optim *optim, const bc_param *params, size_t count, bertc_error *err)
{
    optim->chunks = bc_alloc(optim->count, sizeof *optim->chunks);
    optim->sums = bc_alloc(optim->count, sizeof *optim->sums);
    if (!optim->chunks || !optim->sums) return bc_fail_memory(err);
    bc_chunk *dense = optim->chunks, *sparse = dense + optim->dense_count;
    size_t index = 0;
    for (size_t i = 0; i < count; i++) {
        const bc_param *p = &params[i];
        for (size_t at = 0; p->grad && at < p->count; at += CHUNK) {
            size_t left = p->count - at, size = left < CHUNK ? left : CHUNK;
            bc_chunk **to = p->sparse_rows ? &sparse : &dense;
            *(*to)++ = (bc_chunk){p, at, size, optim->scalars + at, index++};
        }
        if (p->grad) optim->scalars += p->count;
    }
    if (!allocate_moments(optim)) return bc_fail_memory(err);
    if (optim->dense_count == optim->count) return BERTC_OK;
    const bc_chunk *first = &optim->chunks[optim->dense_count], *last = &optim->chunks[optim->count - 1];
    assert(first->param == last->param);
    return bc_lazy_create(&optim->lazy, first->param, optim->m + first->moment,
                          optim->v + first->moment, optim->threads, err);
}

bertc_status bc_optim_create(bc_optim *optim, const bc_param *params, size_t count, bertc_recipe recipe,
                             double weight_decay, int threads, bertc_error *err)
{
    *optim = (bc_optim){.recipe = recipe, .weight_decay = weight_decay,
                        .threads = threads > 0 ? threads : 1, .step = INT64_MAX};
    for (size_t i = 0; i < count; i++) {
        size_t chunks = params[i].grad ? params[i].count / CHUNK + (params[i].count % CHUNK != 0) : 0;
        optim->count += chunks;
        if (!params[i].sparse_rows) optim->dense_count += chunks;
    }
    bertc_status status = allocate(optim, params, count, err);
    if (status != BERTC_OK) bc_optim_clear(optim);
    return status;
}

void bc_optim_clear(bc_optim *optim)
{
    bc_lazy_clear(&optim->lazy);
    bc_free(optim->moments);
    bc_free(optim->chunks);
    bc_free(optim->sums);
    *optim = (bc_optim){0};
}

/* The encoder's parameters come first, from the embeddings up, and are unfrozen from the last stage down. So the frozen
 * parameters of the encoder are always the first parameters. Heads come last, and each is frozen on its own. */
void bc_optim_unfreeze(bc_optim *optim, int64_t step)
{
    optim->step = step;
    optim->first_dense = 0;
    for (const bc_chunk *c = optim->chunks; optim->first_dense < optim->dense_count; optim->first_dense++, c++)
        if (c->param->head >= 0 || c->param->first_step <= step) break;
    optim->table_frozen = optim->lazy.param && optim->lazy.param->first_step > step;
}

/* ---- Norm ---------------------------------------------------------------------------------- */

/* Add the squares of x to the LANES partial sums in turn. `count` is a multiple of LANES. */
BC_CLONES static void add_groups(double sums[LANES], const float *x, size_t count)
{
    double lane[LANES];
    for (size_t k = 0; k < LANES; k++) lane[k] = sums[k];
    for (size_t i = 0; i < count; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t k = 0; k < LANES; k++) sums[k] = lane[k];
}

/* Add the squares of any number of scalars, starting with partial sum `first`. A scalar's partial sum depends only on
 * its index in the chunk, so the order of additions is the same on every instruction set. Rows of zeros can be left
 * out: they would add +0. */
static void add_squares(double sums[LANES], size_t first, const float *x, size_t count)
{
    for (; first % LANES != 0 && count > 0; first++, x++, count--) sums[first % LANES] += (double)*x * (double)*x;
    size_t groups = count / LANES * LANES;
    add_groups(sums, x, groups);
    for (size_t k = groups; k < count; k++) sums[k - groups] += (double)x[k] * (double)x[k];
}

/* Add the squares of the sparse rows, or parts of rows, that lie in a chunk. */
static void add_sparse_rows(double lane[LANES], const bc_chunk *c)
{
    const bc_param *param = c->param;
    size_t h = param->shape[1], end = c->start + c->count;
    for (size_t row = c->start / h; row * h < end; row++) {
        int32_t slot = param->sparse_rows->slot[row];
        if (slot < 0) continue;
        size_t from = row * h > c->start ? row * h : c->start;
        size_t to = row * h + h < end ? row * h + h : end;
        add_squares(lane, from - c->start, param->grad + (size_t)slot * h + (from - row * h), to - from);
    }
}

static double add_lanes(const double lane[LANES])
{
    double sum = 0;
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* Sum the squares of WAYS chunks of full size in parallel streams, with the same bits as one after another: a core that
 * reads a single stream does not use the memory's full bandwidth. */
BC_CLONES static void add_streams(double sums[WAYS][LANES], const float *const x[WAYS])
{
    double lane[WAYS][LANES] = {{0}};
    for (size_t i = 0; i < CHUNK; i += LANES)
        for (size_t w = 0; w < WAYS; w++)
            for (size_t k = 0; k < LANES; k++) lane[w][k] += (double)x[w][i + k] * (double)x[w][i + k];
    memcpy(sums, lane, sizeof lane);
}

/* Pairwise summation, recursive down to eight terms. */
static double tree_sum(const double *x, size_t count)
{
    if (count > 8) return tree_sum(x, count / 2) + tree_sum(x + count / 2, count - count / 2);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum;
}

/* Compute the sums of at most WAYS dense chunks; the sum of a frozen chunk is 0. */
static void sum_chunks(bc_optim *optim, const bc_chunk *c, size_t count)
{
    double lane[WAYS][LANES] = {{0}};
    const float *from[WAYS];
    bool full = count == WAYS;
    for (size_t w = 0; w < count; w++) {
        from[w] = c[w].param->grad + c[w].start;
        full = full && c[w].count == CHUNK && c[w].param->first_step <= optim->step;
    }
    if (full) add_streams(lane, from);
    for (size_t w = 0; w < count; w++) {
        if (!full && c[w].param->first_step <= optim->step) add_squares(lane[w], 0, from[w], c[w].count);
        optim->sums[c[w].index] = add_lanes(lane[w]);
    }
}

/* Frozen chunks of the encoder have the lowest indices and are left out of the tree of sums, so the norm has the same
 * bits as with an optimiser that has only the other parameters. */
double bc_optim_norm(bc_optim *optim)
{
    size_t dense = optim->dense_count, end = optim->table_frozen ? dense : optim->count;
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = optim->first_dense; i < dense; i += WAYS) {
        size_t left = dense - i;
        sum_chunks(optim, &optim->chunks[i], left < WAYS ? left : WAYS);
    }
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = dense; i < end; i++) {
        double lane[LANES] = {0};
        add_sparse_rows(lane, &optim->chunks[i]);
        optim->sums[optim->chunks[i].index] = add_lanes(lane);
    }
    size_t frozen = optim->first_dense < dense ? optim->chunks[optim->first_dense].index : optim->count;
    if (optim->lazy.param && !optim->table_frozen) frozen = 0;
    return sqrt(tree_sum(optim->sums + frozen, optim->count - frozen));
}

double bc_clip_scale(bertc_recipe recipe, double norm, double max)
{
    double floor = recipe == BERTC_RECIPE_HF ? 1e-6 : 0;
    if (max <= 0 || norm + floor <= max) return 1;
    return max / (norm + floor);
}

/* ---- Update -------------------------------------------------------------------------------- */

/* The constants of a step for one parameter. */
static bc_update update_of(const bc_optim *optim, const bc_param *param, int64_t step, double lr, double scale)
{
    bc_update u = {.scale = (float)scale, .decay = 1, .v_root = 1, .eps = 1e-6f};
    if (param->row->decays) u.decay = (float)(1 - lr * param->lr_scale * optim->weight_decay);
    if (optim->recipe == BERTC_RECIPE_HF) {
        double t = (double)(step - param->first_step + 1);
        lr /= 1 - pow(BC_BETA1, t);
        u.v_root = (float)sqrt(1 - pow(BC_BETA2, t));
        u.eps = 1e-8f;
    }
    u.lr = (float)(lr * param->lr_scale);
    return u;
}

void bc_optim_step(bc_optim *optim, int64_t step, double lr, double scale)
{
    const bc_param *table = optim->table_frozen ? NULL : optim->lazy.param;
#pragma omp parallel num_threads(optim->threads)
    {
        const bc_param *of = NULL;
        bc_update update;
#pragma omp for schedule(static)
        for (size_t i = optim->first_dense; i < optim->dense_count; i++) {
            const bc_chunk *c = &optim->chunks[i];
            const bc_param *param = c->param;
            if (param->first_step > optim->step) continue;
            if (param != of) update = update_of(optim, of = param, step, lr, scale);
            bc_adamw(param->value + c->start, optim->m + c->moment, optim->v + c->moment,
                     param->grad + c->start, param->bf16 ? param->bf16 + c->start : NULL, c->count, update);
        }
    }
    if (table) bc_lazy_step(&optim->lazy, update_of(optim, table, step, lr, scale));
}

void bc_optim_catch_up(bc_optim *optim)
{
    bc_lazy_catch_up(&optim->lazy);
}

void bc_optim_flush(bc_optim *optim)
{
    bc_lazy_flush(&optim->lazy);
}
