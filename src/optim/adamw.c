#include "optim/adamw.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "nn/gemm/simd.h"

static const float b1 = (float)BC_BETA1, c1 = (float)(1 - BC_BETA1);
static const float b2 = (float)BC_BETA2, c2 = (float)(1 - BC_BETA2);

BC_INLINE float zero_below(float x, float min)
{
    return fabsf(x) < min ? 0.0f : x;
}

BC_INLINE float next_v(float v, float g)
{
    return zero_below(b2 * v + c2 * g * g, FLT_MIN);
}

/* Update the moments of a scalar and return its next value. */
BC_INLINE float adamw(float p, float *m, float *v, float grad, const bc_update *u)
{
    float g = grad * u->scale;
    *m = zero_below(b1 * *m + c1 * g, 0x1p-100f);
    *v = next_v(*v, g);
    return u->decay * p - u->lr * (*m / (sqrtf(*v) / u->v_root + u->eps));
}

BC_CLONES static void move(float *restrict p, float *restrict m, float *restrict v,
                           const float *restrict grad, size_t count, bc_update u)
{
    for (size_t i = 0; i < count; i++) p[i] = adamw(p[i], &m[i], &v[i], grad[i], &u);
}

/* Move the values and write their bf16 copies in the same loop, so that memory is read once. */
BC_CLONES static void move_rounded(float *restrict p, float *restrict m, float *restrict v, const float *restrict grad,
                                   uint16_t *restrict bf16, size_t count, bc_update u)
{
    for (size_t i = 0; i < count; i++) {
        float value = adamw(p[i], &m[i], &v[i], grad[i], &u);
        p[i] = value;
        bf16[i] = bc_to_bf16(value);
    }
}

void bc_adamw(float *p, float *m, float *v, const float *grad, uint16_t *bf16, size_t count, bc_update update)
{
    if (bf16) move_rounded(p, m, v, grad, bf16, count, update);
    else move(p, m, v, grad, count, update);
}

/* ---- Without a gradient -------------------------------------------------------------------- */

BC_CLONES static void coast(float *restrict p, float *restrict m, float *restrict v, size_t count,
                            const bc_update *updates, size_t steps)
{
    for (const bc_update *u = updates; u < updates + steps; u++)
        for (size_t i = 0; i < count; i++) p[i] = adamw(p[i], &m[i], &v[i], 0.0f, u);
}

BC_CLONES static void decay_v(float *v, size_t count, size_t steps)
{
    for (size_t s = 0; s < steps; s++)
        for (size_t i = 0; i < count; i++) v[i] = next_v(v[i], 0.0f);
}

BC_CLONES static void decay_p(float *p, size_t count, float keep)
{
    for (size_t i = 0; i < count; i++) p[i] = keep * p[i];
}

/* Whether every element is +0. */
BC_CLONES static bool is_zero(const float *x, size_t count)
{
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        any |= bits;
    }
    return any == 0;
}

/* An m of zero stays zero and subtracts +0 from p, which changes nothing. */
void bc_adamw_idle(float *p, float *m, float *v, size_t count, const bc_update *updates, size_t steps)
{
    if (steps == 0) return;
    if (!is_zero(m, count)) {
        coast(p, m, v, count, updates, steps);
        return;
    }
    if (!is_zero(v, count)) decay_v(v, count, steps);
    for (size_t s = 0; s < steps; s++)
        if (updates[s].decay != 1.0f) decay_p(p, count, updates[s].decay);
}
