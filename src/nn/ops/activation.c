/* Activation functions and their derivatives, element by element. */
#include "nn/ops/ops.h"

#include "nn/gemm/simd.h"

/* Elements of one call: many enough for vectors, few enough to share them evenly among threads. */
enum { CHUNK = 4096 };

#define INV_SQRT_2PI 0.39894228f
#define SQRT_2_OVER_PI 0.79788456f
#define CUBIC 0.044715f
#define QUICK 1.702f

/* Value v and derivative d at x, for every kind. s is the sigmoid 1 / (1 + a); a * s is 1 - s without cancellation. The
 * sigmoid of 2u is (1 + tanh u) / 2. */
#define KINDS(X)                                                                                   \
    X(gelu, {                                                                                      \
        float bell;                                                                                \
        float below = bc_normalf(x, &bell);                                                        \
        v = x * below;                                                                             \
        d = below + x * INV_SQRT_2PI * bell;                                                       \
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
        v = bc_tanhf(x);                                                                           \
        d = 1.0f - v * v;                                                                          \
    })

/* The functions for elements in f32 and in bf16. */
#define SAME(x) (x)
#define DEFINE(name, formula, type, load, store)                                                   \
    BC_CLONES static void name##_fwd(type *y, const type *from, size_t n)                          \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = load(from[i]), v, d;                                                         \
            formula;                                                                               \
            (void)d;                                                                               \
            y[i] = store(v);                                                                       \
        }                                                                                          \
    }                                                                                              \
    BC_CLONES static void name##_bwd(type *y, type *dx, const type *dy, const type *from, size_t n) \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float x = load(from[i]), v, d;                                                         \
            formula;                                                                               \
            dx[i] = store(load(dy[i]) * d);                                                        \
            y[i] = store(v);                                                                       \
        }                                                                                          \
    }
#define DEFINE_FULL(name, formula) DEFINE(name, formula, float, SAME, SAME)
#define DEFINE_BF16(name, formula) DEFINE(name##_bf16, formula, uint16_t, bc_from_bf16, bc_to_bf16)

KINDS(DEFINE_FULL)
KINDS(DEFINE_BF16)

static const struct {
    void (*fwd)(float *, const float *, size_t);
    void (*bwd)(float *, float *, const float *, const float *, size_t);
    void (*bf16_fwd)(uint16_t *, const uint16_t *, size_t);
    void (*bf16_bwd)(uint16_t *, uint16_t *, const uint16_t *, const uint16_t *, size_t);
} kinds[] = {
#define ROW(name) {name##_fwd, name##_bwd, name##_bf16_fwd, name##_bf16_bwd}
    [BERTC_GELU] = ROW(gelu),
    [BERTC_GELU_TANH] = ROW(gelu_tanh),
    [BERTC_QUICK_GELU] = ROW(quick_gelu),
    [BERTC_RELU] = ROW(relu),
    [BERTC_SILU] = ROW(silu),
    [BERTC_TANH] = ROW(tanh),
};

void bc_activation_fwd(bertc_activation kind, bc_matrix y, bc_matrix x, size_t n, size_t width)
{
    size_t count = n * width;
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        size_t part = count - begin < CHUNK ? count - begin : CHUNK;
        if (x.bf16) kinds[kind].bf16_fwd(y.bf16 + begin, x.bf16 + begin, part);
        else kinds[kind].fwd(y.f32 + begin, x.f32 + begin, part);
    }
    if (x.bf16) bc_clear_tail(y.bf16, n, width);
}

void bc_activation_bwd(bertc_activation kind, bc_matrix y, bc_matrix dx, bc_matrix dy, bc_matrix x,
                       size_t n, size_t width)
{
    size_t count = n * width;
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < count; begin += CHUNK) {
        size_t part = count - begin < CHUNK ? count - begin : CHUNK;
        if (x.bf16)
            kinds[kind].bf16_bwd(y.bf16 + begin, dx.bf16 + begin, dy.bf16 + begin, x.bf16 + begin, part);
        else
            kinds[kind].bwd(y.f32 + begin, dx.f32 + begin, dy.f32 + begin, x.f32 + begin, part);
    }
    if (!x.bf16) return;
    bc_clear_tail(y.bf16, n, width);
    bc_clear_tail(dx.bf16, n, width);
}
