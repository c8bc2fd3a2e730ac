/* Dropout without a stateful random generator.
 *
 * Whether an element is kept is a function of (seed, step, site, layer, example, position, head, element). So backward
 * recomputes the factors in place of storing them, and they do not depend on batching, packing, the number of threads
 * or the MPI rank.
 *
 * A row of n elements takes ceil(n/8) Philox blocks of eight 16-bit random numbers. Random number d of block k belongs
 * to element d*ceil(n/8) + k: blocks are computed in the lanes of a vector and stored without a shuffle. An element is
 * dropped if its random number is below p * 65536. */
#ifndef BC_NN_OPS_DROPOUT_H
#define BC_NN_OPS_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "bertc/config.h"

typedef enum bc_site {
    BC_SITE_EMBEDDING = 1,
    BC_SITE_ATTENTION = 2, /* attention probabilities */
    BC_SITE_ATTN_OUT = 3,
    BC_SITE_FFN_OUT = 4,
    BC_SITE_HEAD = 5,      /* the input of a head */
    BC_SITE_LORA = 6       /* plus the target of an adapter: 6..11 */
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

/* Compute the factors of one row of n elements: factor[j] is 0 or scale; 1 if threshold is 0. bc_dropout_width(n)
 * floats are written. position: the row's position in its sequence. head: 0 outside attention. */
void bc_dropout_row(const bc_dropout *dropout, uint32_t example, uint32_t position, uint32_t head,
                    float *factor, size_t n);

/* Compute the factors of at most BC_RNG_LANES rows, at position, position + 1, .., stored `stride` floats apart. Short
 * rows are computed in the lanes of a vector. */
void bc_dropout_rows(const bc_dropout *dropout, uint32_t example, uint32_t position, size_t rows,
                     uint32_t head, float *factor, size_t n, size_t stride);

/* Dropout rates of a pass. Adapters have their own rate (bertc_lora). */
typedef struct bc_dropout_rates {
    double hidden;    /* after the embeddings and after both halves of a layer */
    double attention; /* for attention probabilities */
    double head;      /* for the input of a head */
} bc_dropout_rates;

/* The rates of a configuration. If `dropout` is not negative, it replaces all of them. */
bc_dropout_rates bc_dropout_rates_of(const bertc_config *config, double dropout);

#endif
