#include "nn/dropout.h"

#include <math.h>

#include "base/rng.h"
#include "nn/simd.h"

bc_dropout bc_dropout_make(double p, uint64_t seed, uint32_t step, bc_site site, int layer)
{
    uint32_t threshold = (uint32_t)lround(p * 65536.0);
    return (bc_dropout){.threshold = threshold,
                        .scale = (float)(65536.0 / (65536.0 - threshold)),
                        .seed = seed,
                        .step = step,
                        .site = site,
                        .layer = (uint32_t)layer};
}

/* Draws 2w and 2w+1 of blocks [0,blocks) become factors. */
BC_CLONES static void draw(const bc_dropout *d, uint32_t c1, uint32_t c2, float *factor,
                           size_t blocks)
{
    uint32_t base = ((uint32_t)BC_RNG_DROPOUT + (uint32_t)d->site) << 24 | d->layer << 16;
    uint32_t threshold = d->threshold;
    float scale = d->scale;
    for (size_t k = 0; k < blocks; k += BC_RNG_LANES) {
        bc_rng_lanes b = bc_rng_many(d->seed, base | (uint32_t)k, c1, c2, d->step);
        size_t lanes = blocks - k < BC_RNG_LANES ? blocks - k : BC_RNG_LANES;
        for (size_t w = 0; w < 4; w++)
            for (size_t l = 0; l < lanes; l++) {
                factor[2 * w * blocks + k + l] = (b.word[w][l] & 0xffff) < threshold ? 0.0f : scale;
                factor[(2 * w + 1) * blocks + k + l] = b.word[w][l] >> 16 < threshold ? 0.0f : scale;
            }
    }
}

void bc_dropout_row(const bc_dropout *dropout, uint32_t example, uint32_t position, uint32_t head,
                    float *factor, size_t n)
{
    size_t width = bc_dropout_width(n);
    if (dropout->threshold == 0)
        for (size_t j = 0; j < width; j++) factor[j] = 1.0f;
    else
        draw(dropout, position | head << 16, example, factor, width / 8);
}
