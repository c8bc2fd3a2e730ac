#include "optim/optim.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/gemm/simd.h"

enum { CHUNK = 16384, LANES = 16, WAYS = 4 };

/* Cut every trained parameter. */
static void cut(bc_optim *optim, const bc_param *params, size_t count)
{
    bc_chunk *whole = optim->chunks, *sparse_rows = whole + optim->dense;
    size_t place = 0;
    for (size_t i = 0; i < count; i++) {
        const bc_param *p = &params[i];
        for (size_t at = 0; p->grad && at < p->count; at += CHUNK) {
            size_t left = p->count - at, size = left < CHUNK ? left : CHUNK;
            bc_chunk **to = p->sparse_rows ? &sparse_rows : &whole;
            *(*to)++ = (bc_chunk){p, at, size, optim->scalars + at, place++};
        }
        if (p->grad) optim->scalars += p->count;
    }
}

/* Both moments, zero. Their pages are touched here but for those of the touched table: most of its rows
 * are named by no batch, or late. */
static bool take_moments(bc_optim *optim)
{
    size_t line = 64 / sizeof(float), bytes;
    size_t room = (optim->scalars / line + 1) * line; /* each begins in a line of the cache */
    if (!bc_size_mul(room, 2 * sizeof(float), &bytes) || !bc_size_add(bytes, 64, &bytes)) return false;
    optim->moments = bc_calloc(1, bytes);
    if (!optim->moments) return false;
    optim->m = bc_align(optim->moments);
    optim->v = optim->m + room;
    for (size_t i = 0; i < optim->dense; i++) {
        size_t begin = optim->chunks[i].moment, end = begin + optim->chunks[i].count;
        for (; i + 1 < optim->dense && optim->chunks[i + 1].moment == end; i++) end += optim->chunks[i + 1].count;
        bc_prefault(optim->m + begin, (end - begin) * sizeof *optim->m, optim->threads);
        bc_prefault(optim->v + begin, (end - begin) * sizeof *optim->v, optim->threads);
    }
    return true;
}

static bertc_status allocate(bc_optim *optim, const bc_param *params, size_t count, bertc_error *err)
{
    optim->chunks = bc_alloc(optim->count, sizeof *optim->chunks);
    optim->sums = bc_alloc(optim->count, sizeof *optim->sums);
    if (!optim->chunks || !optim->sums) return bc_fail_memory(err);
    cut(optim, params, count);
    if (!take_moments(optim)) return bc_fail_memory(err);
    if (optim->dense == optim->count) return BERTC_OK;
    const bc_chunk *first = &optim->chunks[optim->dense], *last = &optim->chunks[optim->count - 1];
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
        if (!params[i].sparse_rows) optim->dense += chunks;
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

/* Parameters of the encoder that start later stand earlier in the order, the table first of all. Heads, at the end,
 * come and go. */
void bc_optim_unfreeze(bc_optim *optim, int64_t step)
{
    optim->step = step;
    optim->first = 0;
    for (const bc_chunk *c = optim->chunks; optim->first < optim->dense; optim->first++, c++)
        if (c->param->head >= 0 || c->param->first_step <= step) break;
    optim->table_frozen = optim->lazy.param && optim->lazy.param->first_step > step;
}

/* ---- Norm ---------------------------------------------------------------------------------- */

static double square(float x)
{
    return (double)x * (double)x;
}

/* Add squares to LANES partial sums in turn; `count` is a multiple of LANES. */
BC_CLONES static void add_groups(double sums[LANES], const float *x, size_t count)
{
    double lane[LANES];
    for (size_t k = 0; k < LANES; k++) lane[k] = sums[k];
    for (size_t i = 0; i < count; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t k = 0; k < LANES; k++) sums[k] = lane[k];
}

/* The same from sum `first` on, any count. Which sum a scalar goes to depends on its place in its
 * chunk alone, so the order is the same on every instruction set, and rows of zeros may as well be
 * left out: they add +0. */
static void add_squares(double sums[LANES], size_t first, const float *x, size_t count)
{
    for (; first % LANES != 0 && count > 0; first++, x++, count--) sums[first % LANES] += square(*x);
    size_t groups = count / LANES * LANES;
    add_groups(sums, x, groups);
    for (size_t k = groups; k < count; k++) sums[k - groups] += square(x[k]);
}

/* The squares of those rows, or parts of rows, of a chunk that were touched. */
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

/* The squares of WAYS whole chunks side by side, to the same bits: a core that reads in one place alone
 * does not keep the memory busy. */
BC_CLONES static void add_side_by_side(double sums[WAYS][LANES], const float *const x[WAYS])
{
    double lane[WAYS][LANES] = {{0}};
    for (size_t i = 0; i < CHUNK; i += LANES)
        for (size_t w = 0; w < WAYS; w++)
            for (size_t k = 0; k < LANES; k++) lane[w][k] += (double)x[w][i + k] * (double)x[w][i + k];
    memcpy(sums, lane, sizeof lane);
}

/* Pairwise sum: halves of halves, down to eight terms. */
static double tree_sum(const double *x, size_t count)
{
    if (count > 8) return tree_sum(x, count / 2) + tree_sum(x + count / 2, count - count / 2);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum;
}

/* The sums of the next WAYS chunks at most, whose gradients are whole. */
static void sum_some(bc_optim *optim, const bc_chunk *c, size_t count)
{
    double lane[WAYS][LANES] = {{0}};
    const float *from[WAYS];
    bool full = count == WAYS;
    for (size_t w = 0; w < count; w++) {
        from[w] = c[w].param->grad + c[w].start;
        full = full && c[w].count == CHUNK && c[w].param->first_step <= optim->step;
    }
    if (full) add_side_by_side(lane, from);
    for (size_t w = 0; w < count; w++) {
        if (!full && c[w].param->first_step <= optim->step) add_squares(lane[w], 0, from[w], c[w].count);
        optim->sums[c[w].index] = add_lanes(lane[w]);
    }
}

/* What takes no part yet has the first places and none in the tree: the norm is, to the bit, that of an
 * optimiser that has only the rest. */
double bc_optim_norm(bc_optim *optim)
{
    size_t whole = optim->dense, end = optim->table_frozen ? whole : optim->count;
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = optim->first; i < whole; i += WAYS) {
        size_t left = whole - i;
        sum_some(optim, &optim->chunks[i], left < WAYS ? left : WAYS);
    }
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = whole; i < end; i++) {
        double lane[LANES] = {0};
        add_sparse_rows(lane, &optim->chunks[i]);
        optim->sums[optim->chunks[i].index] = add_lanes(lane);
    }
    size_t out = optim->first < whole ? optim->chunks[optim->first].index : optim->count;
    if (optim->lazy.param && !optim->table_frozen) out = 0;
    return sqrt(tree_sum(optim->sums + out, optim->count - out));
}

double bc_clip_scale(bertc_recipe recipe, double norm, double max)
{
    double floor = recipe == BERTC_RECIPE_HF ? 1e-6 : 0;
    if (max <= 0 || norm + floor <= max) return 1;
    return max / (norm + floor);
}

/* ---- Update -------------------------------------------------------------------------------- */

/* What all parameters have in common in a step. */
typedef struct step_plan {
    bertc_recipe recipe;
    int64_t step;
    double lr, scale, decay;
} step_plan;

static bc_update update_of(const step_plan *plan, const bc_param *param)
{
    bc_update u = {.scale = (float)plan->scale, .decay = 1, .v_root = 1, .eps = 1e-6f};
    double rate = plan->lr;
    if (plan->recipe == BERTC_RECIPE_HF) {
        double t = (double)(plan->step - param->first_step + 1);
        rate /= 1 - pow(BC_BETA1, t);
        u.v_root = (float)sqrt(1 - pow(BC_BETA2, t));
        u.eps = 1e-8f;
    }
    u.lr = (float)(rate * param->lr_scale);
    if (param->row->decays) u.decay = (float)(1 - plan->lr * param->lr_scale * plan->decay);
    return u;
}

void bc_optim_step(bc_optim *optim, int64_t step, double lr, double scale)
{
    const step_plan plan = {optim->recipe, step, lr, scale, optim->weight_decay};
    const bc_param *table = optim->table_frozen ? NULL : optim->lazy.param;
#pragma omp parallel num_threads(optim->threads)
    {
        const bc_param *of = NULL;
        bc_update update;
#pragma omp for schedule(static)
        for (size_t i = optim->first; i < optim->dense; i++) {
            const bc_chunk *c = &optim->chunks[i];
            const bc_param *param = c->param;
            if (param->first_step > optim->step) continue;
            if (param != of) update = update_of(&plan, of = param);
            bc_adamw(param->value + c->start, optim->m + c->moment, optim->v + c->moment,
                     param->grad + c->start, param->bf16 ? param->bf16 + c->start : NULL, c->count, update);
        }
    }
    if (table) bc_lazy_step(&optim->lazy, update_of(&plan, table));
}

void bc_optim_catch_up(bc_optim *optim)
{
    bc_lazy_catch_up(&optim->lazy);
}

void bc_optim_flush(bc_optim *optim)
{
    bc_lazy_flush(&optim->lazy);
}
