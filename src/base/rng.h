/* Randomness as a function (DESIGN law 6): Philox4x32-10, a counter-based generator.
 *
 * A draw depends on (seed, domain, coordinates) and on nothing else: not on how many draws came
 * before, which thread asks, or how examples are grouped into batches. That is what makes
 * dropout masks recomputable in backward and runs resumable without stored generator state.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef BC_BASE_RNG_H
#define BC_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The top byte of the first counter word separates uses of one seed. */
enum {
    BC_RNG_DROPOUT = 0,  /* plus the dropout site, see nn/ops/dropout.h; sites are 1..15 */
    BC_RNG_SHUFFLE = 16,
    BC_RNG_NORMAL = 17,
    BC_RNG_SAMPLE = 18,  /* the sample-data writer */
    BC_RNG_UNIFORM = 19,
    BC_RNG_TASK = 20,    /* which of several tasks a step trains */
    BC_RNG_SYNTHETIC = 21  /* texts in place of those that are not there */
};

typedef struct bc_rng_block {
    uint32_t word[4];
} bc_rng_block;

/* Four 32-bit words for key `seed` and counter (c0,c1,c2,c3). Inline, so that loops over counters
 * become vector code. */
static inline bc_rng_block bc_rng(uint64_t seed, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (bc_rng_block){{c0, c1, c2, c3}};
}

/* BC_RNG_LANES counters on their way to random words: word w of lane l. */
enum { BC_RNG_LANES = 16 };
typedef struct bc_rng_lanes {
    uint32_t word[4][BC_RNG_LANES];
} bc_rng_lanes;

/* The counters become what bc_rng gives for each of them. Compilers make poor code of the widening
 * products, so there is a version for AVX-512 by hand beside the portable one. */
void bc_rng_many(bc_rng_lanes *lanes, uint64_t seed);
void bc_rng_many_portable(bc_rng_lanes *lanes, uint64_t seed);

/* Write a permutation of 0..count-1 for `epoch` into order: ascending by a 64-bit key that is a
 * function of (seed, epoch, index), ties by index. scratch holds 2 * count 64-bit words. */
void bc_rng_shuffle(uint64_t seed, uint32_t epoch, uint32_t *order, uint64_t *scratch, size_t count);

/* Fill values[0..count-1] with normal(0, deviation), Box-Muller in double precision, as a function
 * of (seed, name, index). With truncated nonzero a value beyond two deviations is drawn again. */
void bc_rng_normal(uint64_t seed, const char *name, double deviation, int truncated, float *values, size_t count);

/* The same with values spread evenly over (-bound, bound). */
void bc_rng_uniform(uint64_t seed, const char *name, double bound, float *values, size_t count);

#endif
