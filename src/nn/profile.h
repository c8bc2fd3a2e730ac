/* The time that each part of a pass takes, for benchmarks.
 *
 * bc_profile_mark adds the time since the previous mark to a part. A mark follows every piece of a pass's work, so the
 * parts sum to the time of the pass. */
#ifndef BC_NN_PROFILE_H
#define BC_NN_PROFILE_H

#include "base/clock.h"

typedef enum bc_profile_part {
    BC_PROFILE_EMBEDDINGS, /* sums, LayerNorm, and the scatter of their gradient */
    BC_PROFILE_PRODUCTS,   /* matrix products of linear layers, in forward with the bias */
    BC_PROFILE_BIASES,     /* gradients of biases: sums of columns */
    BC_PROFILE_ROUNDING,   /* rounding of operands to bf16 */
    BC_PROFILE_ATTENTION,  /* scores, softmax, context */
    BC_PROFILE_NORMS,      /* residual, dropout and LayerNorm */
    BC_PROFILE_ACTIVATION,
    BC_PROFILE_HEAD,       /* the pooler's tanh, the head's dropout and loss, gathering first rows */
    BC_PROFILE_PARTS
} bc_profile_part;

typedef struct bc_profile {
    double last; /* time of the previous mark */
    double seconds[BC_PROFILE_PARTS];
} bc_profile;

/* profile: null does nothing. */
static inline void bc_profile_mark(bc_profile *profile, bc_profile_part part)
{
    if (!profile) return;
    double now = bc_clock();
    profile->seconds[part] += now - profile->last;
    profile->last = now;
}

#endif
