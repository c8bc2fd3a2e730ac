#include "base/rng.h"

#include <math.h>
#include <stdlib.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_X86_VERSIONS 1
#endif

#if defined(__GNUC__)
#define FORCE_INLINE static inline __attribute__((always_inline))
#else
#define FORCE_INLINE static inline
#endif

/* ---- Philox in lanes ----------------------------------------------------------------------- */

/* Run the ten rounds on all lanes. The loop over lanes is inside a round, so that compilers vectorise it. */
FORCE_INLINE void do_lanes(bc_rng_lanes *c, uint64_t seed)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
#pragma omp simd
        for (int l = 0; l < BC_RNG_LANES; l++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c->word[0][l];
            uint64_t p1 = (uint64_t)0xCD9E8D57u * c->word[2][l];
            c->word[0][l] = (uint32_t)(p1 >> 32) ^ c->word[1][l] ^ k0;
            c->word[1][l] = (uint32_t)p1;
            c->word[2][l] = (uint32_t)(p0 >> 32) ^ c->word[3][l] ^ k1;
            c->word[3][l] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

void bc_rng_many_portable(bc_rng_lanes *lanes, uint64_t seed)
{
    do_lanes(lanes, seed);
}

#ifdef HAVE_X86_VERSIONS
__attribute__((target("avx2"))) static void many_avx2(bc_rng_lanes *lanes, uint64_t seed)
{
    do_lanes(lanes, seed);
}

/* Each 64-bit lane holds a 32-bit word in its lower half, where _mm512_mul_epu32 reads it and where the low part of the
 * product ends up. The upper halves are ignored. */
typedef struct wide_lanes {
    __m512i word[4];
} wide_lanes;

__attribute__((target("avx512f"))) static inline void do_round(wide_lanes *c, __m512i k0, __m512i k1)
{
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
    enum { XOR_OF_THREE = 0x96 };
    __m512i p0 = _mm512_mul_epu32(c->word[0], m0), p1 = _mm512_mul_epu32(c->word[2], m1);
    __m512i high0 = _mm512_srli_epi64(p0, 32), high1 = _mm512_srli_epi64(p1, 32);
    c->word[0] = _mm512_ternarylogic_epi64(high1, c->word[1], k0, XOR_OF_THREE);
    c->word[1] = p1;
    c->word[2] = _mm512_ternarylogic_epi64(high0, c->word[3], k1, XOR_OF_THREE);
    c->word[3] = p0;
}

__attribute__((target("avx512f"))) static void many_avx512(bc_rng_lanes *lanes, uint64_t seed)
{
    wide_lanes half0, half1;
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int w = 0; w < 4; w++) {
        const __m256i *from = (const __m256i *)(const void *)lanes->word[w];
        half0.word[w] = _mm512_cvtepu32_epi64(_mm256_loadu_si256(from));
        half1.word[w] = _mm512_cvtepu32_epi64(_mm256_loadu_si256(from + 1));
    }
    for (int round = 0; round < 10; round++) {
        do_round(&half0, _mm512_set1_epi64(k0), _mm512_set1_epi64(k1));
        do_round(&half1, _mm512_set1_epi64(k0), _mm512_set1_epi64(k1));
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int w = 0; w < 4; w++) {
        __m256i *to = (__m256i *)(void *)lanes->word[w];
        _mm256_storeu_si256(to, _mm512_cvtepi64_epi32(half0.word[w]));
        _mm256_storeu_si256(to + 1, _mm512_cvtepi64_epi32(half1.word[w]));
    }
}
#endif

void bc_rng_many(bc_rng_lanes *lanes, uint64_t seed)
{
#ifdef HAVE_X86_VERSIONS
    if (__builtin_cpu_supports("avx512f")) many_avx512(lanes, seed);
    else if (__builtin_cpu_supports("avx2")) many_avx2(lanes, seed);
    else
#endif
        bc_rng_many_portable(lanes, seed);
}

/* ---- Shuffles and normal numbers ----------------------------------------------------------- */

/* Merge-sort indices by key. The sort is stable: equal keys stay in index order. */
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

void bc_rng_shuffle(uint64_t seed, uint32_t epoch, uint32_t *order, uint64_t *scratch, size_t count)
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
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) hash = (hash ^ *p) * 16777619u;
    return hash;
}

static double normal_draw(uint64_t seed, uint32_t tensor, size_t index, uint32_t attempt)
{
    bc_rng_block b = bc_rng(seed, (uint32_t)BC_RNG_NORMAL << 24, (uint32_t)(index / 2), tensor, attempt);
    double u1 = (b.word[0] + 0.5) * 0x1p-32;
    double u2 = b.word[1] * 0x1p-32;
    double angle = 6.283185307179586476925 * u2;
    return sqrt(-2.0 * log(u1)) * (index % 2 ? sin(angle) : cos(angle));
}

void bc_rng_normal(uint64_t seed, const char *name, double deviation, int truncated, float *values, size_t count)
{
    uint32_t tensor = fnv1a(name);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        double z = normal_draw(seed, tensor, i, 0);
        for (uint32_t attempt = 1; truncated && fabs(z) > 2.0; attempt++) z = normal_draw(seed, tensor, i, attempt);
        values[i] = (float)(deviation * z);
    }
}

void bc_rng_uniform(uint64_t seed, const char *name, double bound, float *values, size_t count)
{
    uint32_t tensor = fnv1a(name);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < count; i++) {
        bc_rng_block b = bc_rng(seed, (uint32_t)BC_RNG_UNIFORM << 24, (uint32_t)i, tensor, 0);
        values[i] = (float)(bound * ((b.word[0] + 0.5) * 0x1p-31 - 1.0));
    }
}
