/* Portable vector code.
 *
 * BC_CLONES compiles a function for AVX-512, AVX2 and the baseline; one of them is chosen when the program starts.
 * Functions that it calls must be inline to be compiled with it. Loops are written so that the compiler vectorises
 * them. Sums over a row are marked `omp simd reduction`: their order depends on the instruction set alone.
 *
 * The exponential and the normal distribution are polynomials fitted at Chebyshev nodes in double precision
 * (tests/unit/nn_activation.c bounds their errors). NaN stays NaN. */
#ifndef BC_NN_GEMM_SIMD_H
#define BC_NN_GEMM_SIMD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define BC_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define BC_WIDE __attribute__((target("arch=x86-64-v4"))) /* for vectors of 64 bytes */
#else
#define BC_CLONES
#endif

/* For functions that BC_CLONES functions call and that the compiler would not inline, because of their size. */
#if defined(__GNUC__)
#define BC_INLINE static inline __attribute__((always_inline))
#else
#define BC_INLINE static inline
#endif

static inline float bc_bits_to_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* bf16 is the upper half of a float. Rounded to nearest, ties to even; NaN stays NaN. */
static inline uint16_t bc_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? bits >> 16 | 0x40 : rounded);
}

static inline float bc_from_bf16(uint16_t bf16)
{
    return bc_bits_to_float((uint32_t)bf16 << 16);
}

/* e^x for -88 <= x <= 88.3, relative error below 2e-7. It is 0 below -87.7, where the exponent has no bits left. */
static inline float bc_exp_within(float x)
{
    const float shift = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    float shifted = x * 1.44269504f + shift, k = shifted - shift;
    float r = x - k * 0.693145752f - k * 1.42860677e-6f;
    float p = 1.39485900e-3f;
    p = p * r + 8.37513527e-3f;
    p = p * r + 4.16662181e-2f;
    p = p * r + 1.66664154e-1f;
    p = p * r + 5.00000011e-1f;
    p = p * r + 1.00000004f;
    p = p * r + 1.0f;
    uint32_t bits; /* the low bits of `bits` are the integer k */
    memcpy(&bits, &shifted, sizeof bits);
    return p * bc_bits_to_float((bits + 127) << 23);
}

/* e^x. It is 0 below -87.3, and never infinite, because x is clamped to 88.3. */
static inline float bc_expf(float x)
{
    float clamped = x < -87.3f ? -87.3f : x;
    clamped = clamped > 88.3f ? 88.3f : clamped;
    float result = bc_exp_within(clamped);
    result = x < -87.3f ? 0.0f : result;
    return x != x ? x : result;
}

/* e^x for x <= 0 or NaN, with a third fewer instructions. It is 0 below -87.7. The comparison in this order is one
 * instruction, and lets a NaN through to the polynomial. */
static inline float bc_exp_down(float x)
{
    return bc_exp_within(-88.0f > x ? -88.0f : x);
}

/* The standard normal distribution function at x, with an absolute error below 1e-7; *bell = e^(-x^2/2).
 *
 * At -|x| the function is e^(-x^2/2) times a smooth function. A polynomial approximates the smooth function for |x| up
 * to 5.5. */
static inline float bc_normalf(float x, float *bell)
{
    float t = x < 0.0f ? -x : x, u = t > 5.5f ? 5.5f : t;
    float tail = -3.15548895e-7f;
    tail = tail * u + 7.70887876e-6f;
    tail = tail * u - 8.47717088e-5f;
    tail = tail * u + 5.63655545e-4f;
    tail = tail * u - 2.59009699e-3f;
    tail = tail * u + 9.00385709e-3f;
    tail = tail * u - 2.54718259e-2f;
    tail = tail * u + 6.19239364e-2f;
    tail = tail * u - 1.32805787e-1f;
    tail = tail * u + 2.49972573e-1f;
    tail = tail * u - 3.98940602e-1f;
    tail = tail * u + 4.99999983e-1f;
    *bell = bc_exp_down(-0.5f * x * x);
    tail *= *bell;
    return x > 0.0f ? 1.0f - tail : tail;
}

static inline float bc_tanhf(float x)
{
    return 1.0f - 2.0f / (1.0f + bc_expf(2.0f * x));
}

#endif
