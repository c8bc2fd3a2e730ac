/* Dropout as a function (DESIGN law 6).
 *
 * Whether an element is kept depends on (seed, step, site, layer, example, position, head, element)
 * only. Backward therefore draws the same mask again instead of storing it, and a mask does not
 * change with batching, packing, thread count or rank.
 *
 * A row of n elements takes ceil(n/8) Philox blocks of eight 16-bit draws. Draw d of block k belongs
 * to element d*ceil(n/8) + k: blocks are computed side by side in vector lanes and stored without a
 * shuffle. An element is dropped where its draw is below p * 65536. */
#ifndef BC_NN_OPS_DROPOUT_H
#define BC_NN_OPS_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "bertc/config.h"

typedef enum bc_site {
    BC_SITE_EMBEDDING = 1,
    BC_SITE_ATTENTION = 2, /* probabilities */
    BC_SITE_ATTN_OUT = 3,
    BC_SITE_FFN_OUT = 4,
    BC_SITE_HEAD = 5, /* what a head reads */
    BC_SITE_LORA = 6 /* plus the target: 6..11 */
} bc_site;

/* A dropout layer: which elements of the tensor at (site, layer) of this step are kept. */
typedef struct bc_dropout {
    uint32_t threshold; /* p * 65536, rounded; 0: off */
    float scale;        /* 1 / (1 - threshold/65536) */
    uint64_t seed;
    uint32_t step;
    bc_site site;
    uint32_t layer;
} bc_dropout;

bc_dropout bc_dropout_make(double p, uint64_t seed, uint32_t step, bc_site site, int layer);

/* Number of floats that bc_dropout_row writes for a row of n elements: n rounded up to 8. */
static inline size_t bc_dropout_width(size_t n)
{
    return (n + 7) / 8 * 8;
}

/* The factors of one row: factor[j] is 0 or scale. width(n) floats are written. `position` is the
 * row's place in its sequence, `head` is 0 outside attention. With threshold 0 all are 1. */
void bc_dropout_row(const bc_dropout *dropout, uint32_t example, uint32_t position, uint32_t head,
                    float *factor, size_t n);

/* Up to BC_RNG_LANES rows, at position, position + 1, ..: rows of factors lie `stride` floats apart.
 * Short rows are drawn side by side. */
void bc_dropout_rows(const bc_dropout *dropout, uint32_t example, uint32_t position, size_t rows,
                     uint32_t head, float *factor, size_t n, size_t stride);

/* Rates of dropout. Those of adapters are the model's own (bertc_lora). */
typedef struct bc_dropout_rates {
    double hidden, attention; /* after embeddings and the halves of layers; of the attention's probabilities */
    double head;              /* of what a head reads */
} bc_dropout_rates;

/* Those of a configuration, or `dropout` everywhere where that is not negative. */
bc_dropout_rates bc_dropout_rates_of(const bertc_config *config, double dropout);

#endif
