/* Activation functions and their derivatives, element by element. */
#include "nn/ops.h"

#include "nn/simd.h"

/* Elements that one call handles: long enough for vectors, short enough to share out evenly. */
enum { CHUNK = 4096 };

#define INV_SQRT_2 0.70710678f
#define INV_SQRT_2PI 0.39894228f
#define SQRT_2_OVER_PI 0.79788456f
#define CUBIC 0.044715f
#define QUICK 1.702f

/* For every kind: value v and derivative d at x. Where s is the sigmoid 1 / (1 + a), a s is 1 - s
 * without its cancellation; (1 + tanh u) / 2 is the sigmoid of 2u. */
#define KINDS(X)                                                                                   \
    X(gelu, {                                                                                      \
        float half = 0.5f * (1.0f + bc_erff(x * INV_SQRT_2));                                      \
        v = x * half;                                                                              \
        d = half + x * INV_SQRT_2PI * bc_expf(-0.5f * x * x);                                      \
    })                                                                                             \
    X(gelu_tanh, {                                                                                 \
        float a = bc_expf(-2.0f * SQRT_2_OVER_PI * (x + CUBIC * x * x * x));                       \
        float s = 1.0f / (1.0f + a);                                                               \
        v = x * s;                                                                                 \
        d = s + v * (a * s) * (2.0f * SQRT_2_OVER_PI) * (1.0f + 3.0f * CUBIC * x * x);             \
    })                                                                                             \
    X(quick_gelu, {                                                                                \
        float a = bc_expf(-QUICK * x);                                                             \
        float s = 1.0f / (1.0f + a);                                                               \
        v = x * s;                                                                                 \
        d = s + QUICK * v * (a * s);                                                               \
    })                                                                                             \
    X(relu, {                                                                                      \
        v = x > 0.0f ? x : x != x ? x : 0.0f;                                                      \
        d = x > 0.0f ? 1.0f : x != x ? x : 0.0f;                                                   \
    })                                                                                             \
    X(silu, {                                                                                      \
        float a = bc_expf(-x);                                                                     \
        float s = 1.0f / (1.0f + a);                                                               \
        v = x * s;                                                                                 \
        d = s + v * (a * s);                                                                       \
    })                                                                                             \
    X(tanh, {                                                                                      \
        v = bc_tanhf_fast(x);                                                                      \
        d = 1.0f - v * v;                                                                          \
    })

#define DEFINE(name, formula)                                                                      \
    BC_CLONES static void name##_fwd(float *y, const float *from, size_t n)                        \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = from[i], v, d;                                                               \
            formula;                                                                               \
            (void)d;                                                                               \
            y[i] = v;                                                                              \
        }                                                                                          \
    }                                                                                              \
    BC_CLONES static void name##_bwd(float *y, float *dx, const float *dy, const float *from,      \
                                     size_t n)                                                     \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = from[i], v, d;                                                               \
            formula;                                                                               \
            dx[i] = dy[i] * d;                                                                     \
            y[i] = v;                                                                              \
        }                                                                                          \
    }

KINDS(DEFINE)

static const struct {
    void (*fwd)(float *, const float *, size_t);
    void (*bwd)(float *, float *, const float *, const float *, size_t);
} kinds[] = {
    [BERTC_GELU] = {gelu_fwd, gelu_bwd},
    [BERTC_GELU_TANH] = {gelu_tanh_fwd, gelu_tanh_bwd},
    [BERTC_QUICK_GELU] = {quick_gelu_fwd, quick_gelu_bwd},
    [BERTC_RELU] = {relu_fwd, relu_bwd},
    [BERTC_SILU] = {silu_fwd, silu_bwd},
    [BERTC_TANH] = {tanh_fwd, tanh_bwd},
};

void bc_activation_fwd(bertc_activation kind, float *y, const float *x, size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < count; begin += CHUNK)
        kinds[kind].fwd(y + begin, x + begin, count - begin < CHUNK ? count - begin : CHUNK);
}

void bc_activation_bwd(bertc_activation kind, float *y, float *dx, const float *dy, const float *x,
                       size_t count)
{
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < count; begin += CHUNK)
        kinds[kind].bwd(y + begin, dx + begin, dy + begin, x + begin,
                        count - begin < CHUNK ? count - begin : CHUNK);
}
