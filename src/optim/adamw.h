/* AdamW of a run of scalars: the one place where its floating-point operations and their order
 * stand. optim.c applies it to all parameters, lazy.c to rows that missed steps, to the same bits.
 *
 *   g = scale * grad;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   p = keep p - rate (m / (sqrt(v) / root + eps))
 *
 * Moments that are next to nothing are zero: m below 2^-100, v where it would be denormal. Without
 * that the momentum of what has no gradient for some 800 steps is a denormal number for ever. It
 * moves no parameter, eps being 2^70 times as large, but a processor takes ten times as long over
 * it, and over its product with the rate, which is denormal earlier. The comparison is part of the
 * arithmetic and no mode of the processor, so it is the same in every clone and on every
 * architecture. NaN stays. */
#ifndef BC_OPTIM_ADAMW_H
#define BC_OPTIM_ADAMW_H

#include <stddef.h>
#include <stdint.h>

/* What is the same for all scalars of a parameter in one step; rate is not negative. */
typedef struct bc_update {
    float scale, decay, lr, v_root, eps;
} bc_update;

/* b1 and b2. */
#define BC_BETA1 0.9
#define BC_BETA2 0.999

/* One step. p, m, v (count) in and out, grad (count) in; half (count) out: the value in bf16, null:
 * not wanted. */
void bc_adamw(float *p, float *m, float *v, const float *grad, uint16_t *bf16, size_t count, bc_update update);

/* So many steps, one after another, with gradient zero. */
void bc_adamw_idle(float *p, float *m, float *v, size_t count, const bc_update *updates, size_t steps);

#endif
