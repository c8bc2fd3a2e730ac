/* The head of sequence classification: softmax cross-entropy. */
#include <assert.h>
#include <math.h>

#include "nn/heads/linear.h"

/* The target of class j for an example (bc_objective). */
static double target(const bc_objective *o, size_t c, size_t j, size_t label)
{
    double spread = o->smoothing / (double)c * (o->weights ? o->weights[j] : 1.0);
    if (j != label) return spread;
    return spread + (1.0 - o->smoothing) * (o->weights ? o->weights[j] : 1.0);
}

/* Cross-entropy of one row. p, unless it is null, receives the gradient of loss / divisor. */
static double cross_entropy(float *p, const float *z, size_t c, int32_t label,
                            const bc_objective *objective, double divisor)
{
    double max = z[0], sum = 0.0, whole = 0.0, loss = 0.0;
    for (size_t j = 1; j < c; j++) max = z[j] > max ? z[j] : max;
    for (size_t j = 0; j < c; j++) sum += exp(z[j] - max);
    double lse = max + log(sum);
    for (size_t j = 0; j < c; j++) {
        double part = target(objective, c, j, (size_t)label);
        whole += part;
        if (part != 0.0) loss += part * (lse - z[j]);
    }
    for (size_t j = 0; p && j < c; j++)
        p[j] = (float)((whole * exp(z[j] - lse) - target(objective, c, j, (size_t)label)) / divisor);
    return loss;
}

static double loss(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                   const bc_objective *objective, double divisor)
{
    static const bc_objective plain = {0};
    double total = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++) {
        assert(batch->label_starts[s + 1] == batch->label_starts[s] + 1);
        total += cross_entropy(dlogits ? dlogits + s * c : NULL, logits + s * c, c,
                               batch->labels[batch->label_starts[s]], objective ? objective : &plain, divisor);
    }
    return total;
}

const bc_head_row bc_head_classification = {
    .first = BC_CLASS_W,
    .end = BC_CLASS_B + 1,
    .input = BC_INPUT_POOLED,
    .output = BC_OUTPUT_CLASS,
    .fwd = bc_linear_head_fwd,
    .loss = loss,
    .bwd = bc_linear_head_bwd,
};
