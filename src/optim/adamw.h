/* AdamW on an array of scalars: the only place that defines its floating-point operations and their order. optim.c
 * applies it to all parameters, lazy.c to rows that missed steps, with the same bits.
 *
 *   g = scale * grad;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *   p = decay p - lr (m / (sqrt(v) / v_root + eps))
 *
 * Tiny moments are set to zero: m below 2^-100, v below the smallest normal number. Otherwise the first moment of a
 * scalar without a gradient becomes a denormal number after about 800 steps and remains one. It changes no parameter,
 * since eps is 2^70 times as large, but a processor takes ten times as long to compute with it, and with its product
 * with lr, which becomes denormal earlier. The comparison is part of the arithmetic, not a mode of the processor, so
 * results are the same on every instruction set and architecture. NaN stays NaN. */
#ifndef BC_OPTIM_ADAMW_H
#define BC_OPTIM_ADAMW_H

#include <stddef.h>
#include <stdint.h>

/* The constants of one step, which all scalars of a parameter share. */
typedef struct bc_update {
    float scale;  /* factor of the gradient */
    float decay;  /* factor of the value: 1 - learning rate * weight decay */
    float lr;     /* learning rate, not negative, with the first moment's bias correction */
    float v_root; /* root of the second moment's bias correction */
    float eps;
} bc_update;

/* b1 and b2 */
#define BC_BETA1 0.9
#define BC_BETA2 0.999

/* Make one step. p, m, v (count) in and out; grad (count) in; bf16 (count) out: the new value in bf16, may be null. */
void bc_adamw(float *p, float *m, float *v, const float *grad, uint16_t *bf16, size_t count, bc_update update);

/* Make the steps `updates` (steps), in order, with gradient zero. */
void bc_adamw_idle(float *p, float *m, float *v, size_t count, const bc_update *updates, size_t steps);

#endif
