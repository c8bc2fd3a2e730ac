/* The head of regression: one value for each sequence, squared error. */
#include <assert.h>

#include "nn/heads/linear.h"

static double loss(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                   const bc_objective *objective, double divisor)
{
    double total = 0.0;
    (void)objective;
    assert(c == 1);
    for (size_t s = 0; s < (size_t)batch->sequences; s++) {
        double difference = (double)logits[s] - batch->values[s];
        if (dlogits) dlogits[s] = (float)(2.0 * difference / divisor);
        total += difference * difference;
    }
    return total;
}

const bc_head_row bc_head_regression = {
    .first = BC_CLASS_W,
    .end = BC_CLASS_B + 1,
    .input = BC_INPUT_POOLED,
    .output = BC_OUTPUT_VALUE,
    .fwd = bc_linear_head_fwd,
    .loss = loss,
    .bwd = bc_linear_head_bwd,
};
