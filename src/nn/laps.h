/* Where the time of a pass goes, for benchmarks.
 *
 * A lap is the time since the last one. All of a pass's work ends in some lap, so the parts sum to
 * the whole. A workspace without laps (null) is not timed. */
#ifndef BC_NN_LAPS_H
#define BC_NN_LAPS_H

#include "base/clock.h"

typedef enum bc_work {
    BC_WORK_EMBEDDINGS, /* sums, LayerNorm, and the scatter of their gradient */
    BC_WORK_PRODUCTS,   /* of linear layers, with the bias in forward */
    BC_WORK_BIASES,     /* gradients of biases: sums of columns */
    BC_WORK_ROUNDING,   /* operands to bf16 */
    BC_WORK_ATTENTION,  /* scores, softmax, context */
    BC_WORK_NORMS,      /* residual, dropout and LayerNorm */
    BC_WORK_ACTIVATION,
    BC_WORK_HEAD,       /* pooler's tanh, dropout, loss, first rows */
    BC_WORKS
} bc_work;

typedef struct bc_laps {
    double last; /* when the last lap ended */
    double seconds[BC_WORKS];
} bc_laps;

static inline void bc_lap(bc_laps *laps, bc_work work)
{
    if (!laps) return;
    double now = bc_clock();
    laps->seconds[work] += now - laps->last;
    laps->last = now;
}

#endif
