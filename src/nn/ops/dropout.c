#include "nn/ops/dropout.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "nn/gemm/simd.h"

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

/* Compute the random words of BC_RNG_LANES counters. Lane l has block `block` + l * block_step of the row at position
 * `place` + l * place_step. */
static inline void draw(bc_rng_lanes *b, const bc_dropout *d, size_t block, uint32_t block_step,
                        uint32_t place, uint32_t place_step, uint32_t example)
{
    uint32_t c0 = ((uint32_t)BC_RNG_DROPOUT + (uint32_t)d->site) << 24 | d->layer << 16 | (uint32_t)block;
    for (uint32_t l = 0; l < BC_RNG_LANES; l++) {
        b->word[0][l] = c0 + l * block_step;
        b->word[1][l] = place + l * place_step;
        b->word[2][l] = example;
        b->word[3][l] = d->step;
    }
    bc_rng_many(b, d->seed);
}

/* Turn the eight 16-bit numbers of each lane into factors. Numbers 2w and 2w+1 are the low and high half of word w. */
enum { DRAWS = 8 };
BC_INLINE void to_factors(float factor[DRAWS][BC_RNG_LANES], const bc_rng_lanes *b, uint32_t threshold, float scale)
{
    for (size_t w = 0; w < DRAWS / 2; w++)
        for (size_t l = 0; l < BC_RNG_LANES; l++) {
            factor[2 * w][l] = (b->word[w][l] & 0xffff) < threshold ? 0.0f : scale;
            factor[2 * w + 1][l] = b->word[w][l] >> 16 < threshold ? 0.0f : scale;
        }
}

/* Compute one row, with a block in each lane. */
BC_CLONES static void draw_row(const bc_dropout *d, uint32_t place, uint32_t example, float *factor, size_t blocks)
{
    float f[DRAWS][BC_RNG_LANES];
    bc_rng_lanes b;
    for (size_t k = 0; k < blocks; k += BC_RNG_LANES) {
        size_t left = blocks - k;
        draw(&b, d, k, 1, place, 0, example);
        to_factors(f, &b, d->threshold, d->scale);
        for (size_t e = 0; e < DRAWS; e++)
            if (left >= BC_RNG_LANES) memcpy(factor + e * blocks + k, f[e], sizeof f[e]);
            else memcpy(factor + e * blocks + k, f[e], left * sizeof **f);
    }
}

/* Compute at most BC_RNG_LANES rows, with a row in each lane. */
BC_CLONES static void draw_rows(const bc_dropout *d, uint32_t place, uint32_t example, float *factor,
                                size_t stride, size_t rows, size_t blocks)
{
    float f[DRAWS][BC_RNG_LANES];
    bc_rng_lanes b;
    for (size_t k = 0; k < blocks; k++) {
        draw(&b, d, k, 0, place, 1, example);
        to_factors(f, &b, d->threshold, d->scale);
        for (size_t l = 0; l < rows; l++)
            for (size_t e = 0; e < DRAWS; e++) factor[l * stride + e * blocks + k] = f[e][l];
    }
}

void bc_dropout_row(const bc_dropout *dropout, uint32_t example, uint32_t position, uint32_t head,
                    float *factor, size_t n)
{
    bc_dropout_rows(dropout, example, position, 1, head, factor, n, 0);
}

void bc_dropout_rows(const bc_dropout *dropout, uint32_t example, uint32_t position, size_t rows,
                     uint32_t head, float *factor, size_t n, size_t stride)
{
    size_t width = bc_dropout_width(n), blocks = width / 8;
    uint32_t place = position | head << 16;
    assert(rows <= BC_RNG_LANES);
    if (dropout->threshold == 0) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < width; j++) factor[i * stride + j] = 1.0f;
    } else if (blocks < rows * ((blocks + BC_RNG_LANES - 1) / BC_RNG_LANES)) {
        draw_rows(dropout, place, example, factor, stride, rows, blocks);
    } else {
        for (size_t i = 0; i < rows; i++) draw_row(dropout, place + (uint32_t)i, example, factor + i * stride, blocks);
    }
}

bc_dropout_rates bc_dropout_rates_of(const bertc_config *config, double dropout)
{
    double hidden = config->hidden_dropout_prob, head = config->classifier_dropout;
    if (dropout >= 0) return (bc_dropout_rates){dropout, dropout, dropout};
    return (bc_dropout_rates){hidden, config->attention_probs_dropout_prob, head >= 0 ? head : hidden};
}
