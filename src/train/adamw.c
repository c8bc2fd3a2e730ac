#include "train/adamw.h"

#include <float.h>
#include <math.h>

#include "nn/simd.h"

static const float b1 = (float)BC_BETA1, c1 = (float)(1 - BC_BETA1);
static const float b2 = (float)BC_BETA2, c2 = (float)(1 - BC_BETA2);

BC_INLINE float flush(float x, float least)
{
    return fabsf(x) < least ? 0.0f : x;
}

BC_INLINE float next_m(float m, float g)
{
    return flush(b1 * m + c1 * g, 0x1p-100f);
}

BC_INLINE float next_v(float v, float g)
{
    return flush(b2 * v + c2 * g * g, FLT_MIN);
}

/* One scalar: its next value. */
BC_INLINE float adamw(float p, float *m, float *v, float grad, const bc_update *u)
{
    float g = grad * u->scale;
    *m = next_m(*m, g);
    *v = next_v(*v, g);
    return u->keep * p - u->rate * (*m / (sqrtf(*v) / u->root + u->eps));
}

BC_CLONES static void move(float *restrict p, float *restrict m, float *restrict v,
                           const float *restrict grad, size_t count, bc_update u)
{
    for (size_t i = 0; i < count; i++) p[i] = adamw(p[i], &m[i], &v[i], grad[i], &u);
}

/* The same, and the bf16 copy while the value is at hand. */
BC_CLONES static void move_rounded(float *restrict p, float *restrict m, float *restrict v,
                                   const float *restrict grad, uint16_t *restrict half,
                                   size_t count, bc_update u)
{
    for (size_t i = 0; i < count; i++) {
        float value = adamw(p[i], &m[i], &v[i], grad[i], &u);
        p[i] = value;
        half[i] = bc_to_half(value);
    }
}

void bc_adamw(float *p, float *m, float *v, const float *grad, uint16_t *half, size_t count,
              bc_update update)
{
    if (half) move_rounded(p, m, v, grad, half, count, update);
    else move(p, m, v, grad, count, update);
}
