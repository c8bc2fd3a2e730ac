#include "train/optim.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/size.h"
#include "nn/simd.h"
#include "train/adamw.h"

enum { CHUNK = 16384, LANES = 16 };

static size_t chunks_of(const bc_param *param)
{
    return param->grad ? param->count / CHUNK + (param->count % CHUNK != 0) : 0;
}

/* Cut every trained parameter; returns the number of scalars in all. */
static size_t cut(bc_chunk *chunks, const bc_param *params, size_t count)
{
    size_t scalars = 0;
    for (size_t i = 0; i < count; i++) {
        const bc_param *p = &params[i];
        for (size_t at = 0; p->grad && at < p->count; at += CHUNK) {
            size_t left = p->count - at;
            *chunks++ = (bc_chunk){p, at, left < CHUNK ? left : CHUNK, scalars + at};
        }
        if (p->grad) scalars += p->count;
    }
    return scalars;
}

/* Zero moments, written by the threads that will use them. Pages that came zero would be touched
 * twice in the first step: read, then copied for writing. */
static void clear_moments(bc_optim *optim)
{
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = 0; i < optim->count; i++) {
        const bc_chunk *c = &optim->chunks[i];
        memset(optim->m + c->moment, 0, c->count * sizeof *optim->m);
        memset(optim->v + c->moment, 0, c->count * sizeof *optim->v);
    }
}

bertc_status bc_optim_create(bc_optim *optim, const bc_param *params, size_t count,
                             bertc_recipe recipe, double weight_decay, int threads,
                             bertc_error *err)
{
    *optim = (bc_optim){.recipe = recipe, .weight_decay = weight_decay,
                        .threads = threads > 0 ? threads : 1};
    for (size_t i = 0; i < count; i++) optim->count += chunks_of(&params[i]);
    optim->chunks = bc_alloc(optim->count, sizeof *optim->chunks);
    optim->sums = bc_alloc(optim->count, sizeof *optim->sums);
    if (optim->chunks && optim->sums) {
        optim->scalars = cut(optim->chunks, params, count);
        optim->m = bc_alloc(optim->scalars, sizeof *optim->m);
        optim->v = bc_alloc(optim->scalars, sizeof *optim->v);
    }
    if (optim->m && optim->v) {
        clear_moments(optim);
        return BERTC_OK;
    }
    bc_optim_clear(optim);
    return bc_fail_memory(err);
}

void bc_optim_clear(bc_optim *optim)
{
    bc_free(optim->m);
    bc_free(optim->v);
    bc_free(optim->chunks);
    bc_free(optim->sums);
    *optim = (bc_optim){0};
}

/* ---- Norm ---------------------------------------------------------------------------------- */

/* Sum of squares in double, in LANES partial sums, so that the order is the same on every
 * instruction set. */
BC_CLONES static double squares(const float *x, size_t count)
{
    double lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t k = 0; i + k < count; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

/* Pairwise sum: halves of halves, down to eight terms. */
static double tree_sum(const double *x, size_t count)
{
    if (count > 8) return tree_sum(x, count / 2) + tree_sum(x + count / 2, count - count / 2);
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i];
    return sum;
}

double bc_optim_norm(bc_optim *optim)
{
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = 0; i < optim->count; i++) {
        const bc_chunk *c = &optim->chunks[i];
        optim->sums[i] = squares(c->param->grad + c->start, c->count);
    }
    return sqrt(tree_sum(optim->sums, optim->count));
}

double bc_clip_scale(bertc_recipe recipe, double norm, double most)
{
    double floor = recipe == BERTC_RECIPE_HF ? 1e-6 : 0;
    if (most <= 0 || norm + floor <= most) return 1;
    return most / (norm + floor);
}

/* ---- Update -------------------------------------------------------------------------------- */

static bc_update plan_update(bertc_recipe recipe, int64_t step, double lr, double scale)
{
    bc_update u = {.scale = (float)scale, .keep = 1, .rate = (float)lr, .root = 1, .eps = 1e-6f};
    if (recipe == BERTC_RECIPE_GOOGLE) return u;
    double t = (double)(step + 1);
    u.rate = (float)(lr / (1 - pow(BC_BETA1, t)));
    u.root = (float)sqrt(1 - pow(BC_BETA2, t));
    u.eps = 1e-8f;
    return u;
}

static void update_chunk(bc_optim *optim, const bc_chunk *c, bc_update u)
{
    const bc_param *param = c->param;
    bc_adamw(param->value + c->start, optim->m + c->moment, optim->v + c->moment,
             param->grad + c->start, param->half ? param->half + c->start : NULL, c->count, u);
}

void bc_optim_step(bc_optim *optim, int64_t step, double lr, double scale)
{
    bc_update plain = plan_update(optim->recipe, step, lr, scale), decaying = plain;
    decaying.keep = (float)(1 - lr * optim->weight_decay);
#pragma omp parallel for schedule(static) num_threads(optim->threads)
    for (size_t i = 0; i < optim->count; i++) {
        const bc_chunk *c = &optim->chunks[i];
        update_chunk(optim, c, c->param->row->decays ? decaying : plain);
    }
}

/* ---- Schedules ----------------------------------------------------------------------------- */

double bc_schedule_rate(bertc_recipe recipe, double lr, int64_t step, int64_t warmup,
                        int64_t total)
{
    if (step < warmup) return lr * ((double)step / (double)warmup);
    if (recipe == BERTC_RECIPE_GOOGLE) return lr * (1 - (double)step / (double)total);
    double falling = (double)(total > warmup ? total - warmup : 1);
    return lr * ((double)(total - step) / falling);
}

int64_t bc_schedule_warmup(bertc_recipe recipe, double ratio, int64_t total)
{
    double steps = ratio * (double)total;
    return (int64_t)(recipe == BERTC_RECIPE_HF ? ceil(steps) : floor(steps));
}
