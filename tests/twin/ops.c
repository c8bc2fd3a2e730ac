#include "twin/ops.h"

#include <math.h>
#include <stdlib.h>

/* ---- dropout ------------------------------------------------------------------------------- */

static size_t sequence_of(const bertc_batch *batch, size_t row)
{
    size_t s = 0;
    while ((size_t)batch->starts[s + 1] <= row) s++;
    return s;
}

/* Compute the dropout factors of a token's h features. The caller frees them. */
static float *token_factors(const bc_dropout *dropout, const bertc_batch *batch, size_t row, size_t h)
{
    size_t s = sequence_of(batch, row);
    float *factor = malloc(bc_dropout_width(h) * sizeof *factor);
    size_t place = row - (size_t)batch->starts[s];
    bc_dropout_row(dropout, batch->examples[s], (uint32_t)place, 0, factor, h);
    return factor;
}

static void drop_token(double *y, const double *x, const bc_dropout *dropout,
                       const bertc_batch *batch, size_t row, size_t h)
{
    float *factor = token_factors(dropout, batch, row, h);
    for (size_t j = 0; j < h; j++) y[row * h + j] = x[row * h + j] * factor[j];
    free(factor);
}

static void drop_tokens(double *y, const double *x, const bc_dropout *dropout, const bertc_batch *batch, size_t h)
{
    for (size_t n = 0; n < (size_t)batch->tokens; n++) drop_token(y, x, dropout, batch, n, h);
}

/* ---- LayerNorm ----------------------------------------------------------------------------- */

static void norm_fwd(double *y, double *mean, double *rstd, const double *x, size_t n, twin_norm norm)
{
    size_t h = norm.h;
    for (size_t i = 0; i < n; i++) {
        double sum = 0.0, squares = 0.0;
        for (size_t j = 0; j < h; j++) sum += x[i * h + j];
        mean[i] = sum / (double)h;
        for (size_t j = 0; j < h; j++) squares += pow(x[i * h + j] - mean[i], 2.0);
        rstd[i] = 1.0 / sqrt(squares / (double)h + norm.eps);
        for (size_t j = 0; j < h; j++) y[i * h + j] = norm.gain[j] * (x[i * h + j] - mean[i]) * rstd[i] + norm.bias[j];
    }
}

/* Compute the gradient of one row from the Jacobian: with u = (x - mean) rstd and g = dy gain, dx[j] = sum over k of
 * g[k] rstd ((j == k) - 1/H - u[j] u[k] / H). */
static void norm_bwd_row(double *dx, const double *dy, const double *u, double rstd, twin_norm norm)
{
    size_t h = norm.h;
    for (size_t j = 0; j < h; j++) {
        dx[j] = 0.0;
        for (size_t k = 0; k < h; k++) {
            double slope = (j == k ? 1.0 : 0.0) - (1.0 + u[j] * u[k]) / (double)h;
            dx[j] += dy[k] * norm.gain[k] * rstd * slope;
        }
    }
}

static void norm_bwd(double *dx, const double *dy, const double *x, size_t n, twin_norm norm)
{
    size_t h = norm.h;
    double *u = malloc(h * sizeof *u), *row = malloc(h * sizeof *row);
    double *ones = malloc(h * sizeof *ones), *zeros = calloc(h, sizeof *zeros);
    for (size_t j = 0; j < h; j++) {
        ones[j] = 1.0;
        norm.dgain[j] = norm.dbias[j] = 0.0;
    }
    for (size_t i = 0; i < n; i++) {
        double mean, rstd;
        norm_fwd(u, &mean, &rstd, x + i * h, 1, (twin_norm){.gain = ones, .bias = zeros, .eps = norm.eps, .h = h});
        for (size_t j = 0; j < h; j++) {
            row[j] = dy[i * h + j];
            norm.dgain[j] += row[j] * u[j];
            norm.dbias[j] += row[j];
        }
        norm_bwd_row(dx + i * h, row, u, rstd, norm);
    }
    free(u);
    free(row);
    free(ones);
    free(zeros);
}

/* ---- embeddings ---------------------------------------------------------------------------- */

void twin_embed_fwd(double *y, twin_norm_cache cache, twin_embed_tables tables, const bertc_batch *batch,
                    twin_norm norm, const bc_dropout *dropout)
{
    size_t n = (size_t)batch->tokens, h = norm.h;
    for (size_t i = 0; i < n; i++) {
        size_t place = i - (size_t)batch->starts[sequence_of(batch, i)];
        for (size_t j = 0; j < h; j++)
            cache.sum[i * h + j] = tables.word[(size_t)batch->ids[i] * h + j] + tables.position[place * h + j] +
                                   tables.type[(size_t)batch->types[i] * h + j];
    }
    norm_fwd(y, cache.mean, cache.rstd, cache.sum, n, norm);
    drop_tokens(y, y, dropout, batch, h);
}

void twin_embed_norm_bwd(double *dsum, const double *dy, twin_norm_cache cache, const bertc_batch *batch,
                         twin_norm norm, const bc_dropout *dropout)
{
    size_t n = (size_t)batch->tokens, h = norm.h;
    double *dropped = malloc(n * h * sizeof *dropped);
    drop_tokens(dropped, dy, dropout, batch, h);
    norm_bwd(dsum, dropped, cache.sum, n, norm);
    free(dropped);
}

void twin_embed_scatter(double *dword, double *dposition, double *dtype, const double *dsum,
                        const bertc_batch *batch, const bertc_config *config)
{
    size_t h = (size_t)config->hidden_size;
    for (size_t j = 0; j < (size_t)config->vocab_size * h; j++) dword[j] = 0.0;
    for (size_t j = 0; j < (size_t)config->max_position_embeddings * h; j++) dposition[j] = 0.0;
    for (size_t j = 0; j < (size_t)config->type_vocab_size * h; j++) dtype[j] = 0.0;
    for (size_t i = 0; i < (size_t)batch->tokens; i++) {
        size_t place = i - (size_t)batch->starts[sequence_of(batch, i)];
        for (size_t j = 0; j < h; j++) {
            dword[(size_t)batch->ids[i] * h + j] += dsum[i * h + j];
            dposition[place * h + j] += dsum[i * h + j];
            dtype[(size_t)batch->types[i] * h + j] += dsum[i * h + j];
        }
    }
}

/* ---- residual and LayerNorm ---------------------------------------------------------------- */

void twin_add_norm_fwd(double *y, twin_norm_cache cache, const double *x, const double *residual,
                       const bertc_batch *batch, twin_norm norm, const bc_dropout *dropout)
{
    size_t n = (size_t)batch->tokens, h = norm.h;
    drop_tokens(cache.sum, x, dropout, batch, h);
    for (size_t i = 0; i < n * h; i++) cache.sum[i] += residual[i];
    norm_fwd(y, cache.mean, cache.rstd, cache.sum, n, norm);
}

void twin_add_norm_bwd(double *dsum, double *dx, const double *dy, twin_norm_cache cache, const bertc_batch *batch,
                       twin_norm norm, const bc_dropout *dropout)
{
    norm_bwd(dsum, dy, cache.sum, (size_t)batch->tokens, norm);
    drop_tokens(dx, dsum, dropout, batch, norm.h);
}

/* ---- activations --------------------------------------------------------------------------- */

static const double root_half = 0.70710678118654752440;   /* sqrt(1/2) */
static const double gauss = 0.39894228040143267794;       /* 1 / sqrt(2 pi) */
static const double tanh_factor = 0.79788456080286535588; /* sqrt(2/pi) */
static const double tanh_cubic = 0.044715;

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

double twin_act(bertc_activation kind, double x)
{
    switch (kind) {
    case BERTC_GELU:
        return 0.5 * x * erfc(-x * root_half);
    case BERTC_GELU_TANH:
        return 0.5 * x * (1.0 + tanh(tanh_factor * (x + tanh_cubic * x * x * x)));
    case BERTC_QUICK_GELU:
        return x * sigmoid(1.702 * x);
    case BERTC_RELU:
        return x > 0.0 ? x : 0.0;
    case BERTC_SILU:
        return x * sigmoid(x);
    case BERTC_TANH:
        return tanh(x);
    }
    return NAN;
}

static double gelu_tanh_slope(double x)
{
    double t = tanh(tanh_factor * (x + tanh_cubic * x * x * x));
    double inner = tanh_factor * (1.0 + 3.0 * tanh_cubic * x * x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
}

static double swish_slope(double x, double beta)
{
    double s = sigmoid(beta * x);
    return s + beta * x * s * (1.0 - s);
}

double twin_act_slope(bertc_activation kind, double x)
{
    switch (kind) {
    case BERTC_GELU:
        return 0.5 * erfc(-x * root_half) + x * gauss * exp(-0.5 * x * x);
    case BERTC_GELU_TANH:
        return gelu_tanh_slope(x);
    case BERTC_QUICK_GELU:
        return swish_slope(x, 1.702);
    case BERTC_RELU:
        return x > 0.0 ? 1.0 : 0.0;
    case BERTC_SILU:
        return swish_slope(x, 1.0);
    case BERTC_TANH:
        return 1.0 - tanh(x) * tanh(x);
    }
    return NAN;
}

void twin_activation_fwd(bertc_activation kind, double *y, const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++) y[i] = twin_act(kind, x[i]);
}

void twin_activation_bwd(bertc_activation kind, double *dx, const double *dy, const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++) dx[i] = dy[i] * twin_act_slope(kind, x[i]);
}

/* ---- head ---------------------------------------------------------------------------------- */

void twin_gather_first(double *y, const double *x, const bertc_batch *batch, size_t h)
{
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t j = 0; j < h; j++) y[s * h + j] = x[(size_t)batch->starts[s] * h + j];
}

void twin_scatter_first(double *dx, const double *dy, const bertc_batch *batch, size_t h)
{
    for (size_t i = 0; i < (size_t)batch->tokens * h; i++) dx[i] = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t j = 0; j < h; j++) dx[(size_t)batch->starts[s] * h + j] = dy[s * h + j];
}

void twin_tanh_fwd(double *y, const double *x, size_t count)
{
    for (size_t i = 0; i < count; i++) y[i] = tanh(x[i]);
}

void twin_tanh_bwd(double *dx, const double *dy, const double *y, size_t count)
{
    for (size_t i = 0; i < count; i++) dx[i] = dy[i] * (1.0 - y[i] * y[i]);
}

void twin_dropout_pooled(double *y, const double *x, const bertc_batch *batch, const bc_dropout *dropout, size_t h)
{
    float *factor = malloc(bc_dropout_width(h) * sizeof *factor);
    for (size_t s = 0; s < (size_t)batch->sequences; s++) {
        bc_dropout_row(dropout, batch->examples[s], 0, 0, factor, h);
        for (size_t j = 0; j < h; j++) y[s * h + j] = x[s * h + j] * factor[j];
    }
    free(factor);
}

/* Compute -log softmax(logits)[label] and its gradient. */
static double cross_entropy(double *dlogits, const double *logits, size_t label, size_t c, double divisor)
{
    double max = logits[0], sum = 0.0;
    for (size_t k = 1; k < c; k++) max = fmax(max, logits[k]);
    for (size_t k = 0; k < c; k++) sum += exp(logits[k] - max);
    for (size_t k = 0; k < c; k++) dlogits[k] = (exp(logits[k] - max) / sum - (k == label ? 1.0 : 0.0)) / divisor;
    return log(sum) + max - logits[label];
}

double twin_loss(double *dlogits, const double *logits, const bertc_batch *batch, size_t c, double divisor)
{
    double loss = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++) {
        if (c > 1) {
            loss += cross_entropy(dlogits + s * c, logits + s * c, (size_t)batch->labels[s], c, divisor);
        } else {
            double error = logits[s] - batch->values[s];
            dlogits[s] = 2.0 * error / divisor;
            loss += error * error;
        }
    }
    return loss;
}

double twin_multilabel_loss(double *dlogits, const double *logits, const bertc_batch *batch, size_t c,
                            const double *weights, double divisor)
{
    double loss = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t k = 0; k < c; k++) {
            bool has = false;
            for (int32_t i = batch->label_starts[s]; i < batch->label_starts[s + 1]; i++)
                has = has || batch->labels[i] == (int32_t)k;
            double z = logits[s * c + k], weight = has && weights ? weights[k] : 1.0, p = 1.0 / (1.0 + exp(-z));
            loss -= weight * (has ? log(p) : log1p(-p)) / (double)c;
            dlogits[s * c + k] = weight * (p - has) / ((double)c * divisor);
        }
    return loss;
}

/* ---- linear layer -------------------------------------------------------------------------- */

void twin_linear_fwd(double *y, const double *x, const double *w, const double *b, size_t n, size_t in, size_t out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            y[i * out + o] = b[o];
            for (size_t k = 0; k < in; k++) y[i * out + o] += x[i * in + k] * w[o * in + k];
        }
}

void twin_linear_bwd_x(double *dx, const double *dy, const double *w, size_t n, size_t in, size_t out)
{
    for (size_t i = 0; i < n * in; i++) dx[i] = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++)
            for (size_t k = 0; k < in; k++) dx[i * in + k] += dy[i * out + o] * w[o * in + k];
}

void twin_linear_bwd_w(double *dw, double *db, const double *dy, const double *x, size_t n, size_t in, size_t out)
{
    for (size_t i = 0; i < out * in; i++) dw[i] = 0.0;
    for (size_t o = 0; o < out; o++) db[o] = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t o = 0; o < out; o++) {
            db[o] += dy[i * out + o];
            for (size_t k = 0; k < in; k++) dw[o * in + k] += dy[i * out + o] * x[i * in + k];
        }
}
