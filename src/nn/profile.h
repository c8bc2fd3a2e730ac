/* Where the time of a pass goes, for benchmarks.
 *
 * A lap is the time since the last one. All of a pass's work ends in some lap, so the parts sum to
 * the whole. A workspace without laps (null) is not timed. */
#ifndef BC_NN_PROFILE_H
#define BC_NN_PROFILE_H

#include "base/clock.h"

typedef enum bc_profile_part {
    BC_PROFILE_EMBEDDINGS, /* sums, LayerNorm, and the scatter of their gradient */
    BC_PROFILE_PRODUCTS,   /* of linear layers, with the bias in forward */
    BC_PROFILE_BIASES,     /* gradients of biases: sums of columns */
    BC_PROFILE_ROUNDING,   /* operands to bf16 */
    BC_PROFILE_ATTENTION,  /* scores, softmax, context */
    BC_PROFILE_NORMS,      /* residual, dropout and LayerNorm */
    BC_PROFILE_ACTIVATION,
    BC_PROFILE_HEAD,       /* pooler's tanh, dropout, loss, first rows */
    BC_PROFILE_PARTS
} bc_profile_part;

typedef struct bc_profile {
    double last; /* when the last lap ended */
    double seconds[BC_PROFILE_PARTS];
} bc_profile;

static inline void bc_profile_mark(bc_profile *profile, bc_profile_part work)
{
    if (!profile) return;
    double now = bc_clock();
    profile->seconds[work] += now - profile->last;
    profile->last = now;
}

#endif
