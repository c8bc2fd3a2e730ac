#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

/* Merge sort of indices by key: stable, so equal keys stay in index order. */
static void merge_sort(uint32_t *order, const uint64_t *key, uint32_t *spare, size_t count)
{
    if (count < 2) return;
    size_t half = count / 2;
    merge_sort(order, key, spare, half);
    merge_sort(order + half, key, spare, count - half);
    size_t a = 0, b = half;
    for (size_t i = 0; i < count; i++) {
        int from_a = b == count || (a < half && key[order[a]] <= key[order[b]]);
        spare[i] = from_a ? order[a++] : order[b++];
    }
    for (size_t i = 0; i < count; i++) order[i] = spare[i];
}

void bc_rng_shuffle(uint64_t seed, uint32_t epoch, uint32_t *order, uint64_t *scratch,
                    size_t count)
{
    uint64_t *key = scratch;
    uint32_t *spare = (uint32_t *)(scratch + count);
    for (size_t i = 0; i < count; i++) {
        bc_rng_block b = bc_rng(seed, (uint32_t)BC_RNG_SHUFFLE << 24, (uint32_t)i, epoch, 0);
        key[i] = (uint64_t)b.word[0] << 32 | b.word[1];
        order[i] = (uint32_t)i;
    }
    merge_sort(order, key, spare, count);
}

static uint32_t fnv1a(const char *text)
{
    uint32_t hash = 2166136261u;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        hash = (hash ^ *p) * 16777619u;
    return hash;
}

static double normal_draw(uint64_t seed, uint32_t tensor, size_t index, uint32_t attempt)
{
    bc_rng_block b = bc_rng(seed, (uint32_t)BC_RNG_NORMAL << 24, (uint32_t)(index / 2), tensor,
                            attempt);
    double u1 = (b.word[0] + 0.5) * 0x1p-32;
    double u2 = b.word[1] * 0x1p-32;
    double angle = 6.283185307179586476925 * u2;
    return sqrt(-2.0 * log(u1)) * (index % 2 ? sin(angle) : cos(angle));
}

void bc_rng_normal(uint64_t seed, const char *name, double deviation, int truncated,
                   float *values, size_t count)
{
    uint32_t tensor = fnv1a(name);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        double z = normal_draw(seed, tensor, i, 0);
        for (uint32_t attempt = 1; truncated && fabs(z) > 2.0; attempt++)
            z = normal_draw(seed, tensor, i, attempt);
        values[i] = (float)(deviation * z);
    }
}
