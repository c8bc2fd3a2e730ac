/* Random numbers as a function: Philox4x32-10, a counter-based generator.
 *
 * A number depends on (seed, domain, coordinates) only. It does not depend on the numbers drawn before, on the thread
 * or on the batching of examples. Therefore backward can recompute dropout masks, and a run can resume without a stored
 * generator state.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef BC_BASE_RNG_H
#define BC_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Domains: the top byte of the first counter word, which separates the uses of one seed. */
enum {
    BC_RNG_DROPOUT = 0, /* plus the dropout site 1..15, see nn/ops/dropout.h */
    BC_RNG_SHUFFLE = 16,
    BC_RNG_NORMAL = 17,
    BC_RNG_SAMPLE = 18, /* the sample-data writer */
    BC_RNG_UNIFORM = 19,
    BC_RNG_TASK = 20,     /* which of several tasks a step trains */
    BC_RNG_SYNTHETIC = 21 /* synthetic texts for a plan without data */
};

typedef struct bc_rng_block {
    uint32_t word[4];
} bc_rng_block;

/* Return four 32-bit words for key `seed` and counter (c0,c1,c2,c3). Inline, so that loops over counters vectorise. */
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

/* BC_RNG_LANES counters, which bc_rng_many turns into random words; word[w][l] is word w of lane l. */
enum { BC_RNG_LANES = 16 };
typedef struct bc_rng_lanes {
    uint32_t word[4][BC_RNG_LANES];
} bc_rng_lanes;

/* Replace each counter by the words that bc_rng returns for it. Compilers vectorise the widening products poorly, so
 * there is a hand-written version for AVX-512 as well as the portable one. */
void bc_rng_many(bc_rng_lanes *lanes, uint64_t seed);
void bc_rng_many_portable(bc_rng_lanes *lanes, uint64_t seed);

/* Write the permutation of 0..count-1 for `epoch` into `order`: ascending by a 64-bit key that is a function of (seed,
 * epoch, index), ties by index. `scratch` has 2 * count words. */
void bc_rng_shuffle(uint64_t seed, uint32_t epoch, uint32_t *order, uint64_t *scratch, size_t count);

/* Fill values[0..count-1] with normal(0, deviation) as a function of (seed, name, index), by Box-Muller in double
 * precision. If `truncated` is nonzero, values beyond two deviations are drawn again. */
void bc_rng_normal(uint64_t seed, const char *name, double deviation, int truncated, float *values, size_t count);

/* Fill values[0..count-1] with uniform(-bound, bound) as a function of (seed, name, index). */
void bc_rng_uniform(uint64_t seed, const char *name, double bound, float *values, size_t count);

#endif
