/* The head of multi-label classification: a sigmoid and its cross-entropy for each label. */
#include <assert.h>
#include <math.h>

#include "nn/heads/linear.h"

/* log(1 + exp(z)) without overflow. */
static double softplus(double z)
{
    return fmax(z, 0.0) + log1p(exp(-fabs(z)));
}

static double sigmoid(double z)
{
    double e = exp(-fabs(z));
    return (z >= 0 ? 1.0 : e) / (1.0 + e);
}

/* Loss of one example with `count` rising labels. d, unless it is null, receives the gradient of loss / divisor. */
static double cross_entropy(float *d, const float *z, size_t c, const int32_t *labels, size_t count,
                            const double *weights, double divisor)
{
    double sum = 0.0;
    size_t next = 0;
    for (size_t j = 0; j < c; j++) {
        bool has = next < count && labels[next] == (int32_t)j;
        double weight = has && weights ? weights[j] : 1.0, sign = has ? -1.0 : 1.0;
        next += has;
        if (weight > 0.0) sum += weight * softplus(sign * (double)z[j]);
        if (d) d[j] = (float)(sign * weight * sigmoid(sign * (double)z[j]) / ((double)c * divisor));
    }
    assert(next == count);
    return sum / (double)c;
}

static double loss(float *dlogits, const float *logits, const bertc_batch *batch, size_t c,
                   const bc_objective *objective, double divisor)
{
    double total = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++) {
        int32_t from = batch->label_starts[s], end = batch->label_starts[s + 1];
        total += cross_entropy(dlogits ? dlogits + s * c : NULL, logits + s * c, c, batch->labels + from,
                               (size_t)(end - from), objective ? objective->weights : NULL, divisor);
    }
    return total;
}

const bc_head_row bc_head_multilabel = {
    .first = BC_CLASS_W,
    .end = BC_CLASS_B + 1,
    .input = BC_INPUT_POOLED,
    .output = BC_OUTPUT_LABELS,
    .fwd = bc_linear_head_fwd,
    .loss = loss,
    .bwd = bc_linear_head_bwd,
};
