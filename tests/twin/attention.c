/* Attention, one head of one sequence at a time, with all intermediate matrices in memory. */
#include "twin/ops.h"

#include <math.h>
#include <stdlib.h>

typedef struct head {
    const bertc_batch *batch;
    const bc_dropout *dropout;
    size_t s, a, heads, width, n; /* sequence, head, A, D, length */
    double *probability;          /* (n,n) softmax of the scores */
    double *factor;               /* (n,n) dropout factors */
} head;

/* Element d of token i of part 0 (query), 1 (key) or 2 (value). */
static size_t at(const head *x, size_t part, size_t i, size_t d)
{
    size_t h = x->heads * x->width, row = (size_t)x->batch->starts[x->s] + i;
    return row * 3 * h + part * h + x->a * x->width + d;
}

static size_t at_context(const head *x, size_t i, size_t d)
{
    size_t row = (size_t)x->batch->starts[x->s] + i;
    return row * x->heads * x->width + x->a * x->width + d;
}

/* Compute the probabilities of row i. */
static void row_probabilities(const head *x, const double *qkv, size_t i)
{
    double *p = x->probability + i * x->n, max = -INFINITY, sum = 0.0;
    for (size_t j = 0; j < x->n; j++) {
        p[j] = 0.0;
        for (size_t d = 0; d < x->width; d++) p[j] += qkv[at(x, 0, i, d)] * qkv[at(x, 1, j, d)];
        p[j] /= sqrt((double)x->width);
        max = fmax(max, p[j]);
    }
    for (size_t j = 0; j < x->n; j++) sum += exp(p[j] - max);
    for (size_t j = 0; j < x->n; j++) p[j] = exp(p[j] - max) / sum;
}

static void row_factors(const head *x, size_t i)
{
    float *row = malloc(bc_dropout_width(x->n) * sizeof *row);
    bc_dropout_row(x->dropout, x->batch->examples[x->s], (uint32_t)i, (uint32_t)x->a, row, x->n);
    for (size_t j = 0; j < x->n; j++) x->factor[i * x->n + j] = row[j];
    free(row);
}

static head open_head(const bertc_batch *batch, const bc_dropout *dropout, size_t s, size_t a,
                      size_t heads, size_t width)
{
    size_t n = (size_t)(batch->starts[s + 1] - batch->starts[s]);
    return (head){.batch = batch,
                  .dropout = dropout,
                  .s = s,
                  .a = a,
                  .heads = heads,
                  .width = width,
                  .n = n,
                  .probability = malloc(n * n * sizeof(double)),
                  .factor = malloc(n * n * sizeof(double))};
}

static void close_head(head *x)
{
    free(x->probability);
    free(x->factor);
}

static void head_fwd(const head *x, double *context, const double *qkv)
{
    for (size_t i = 0; i < x->n; i++) {
        row_probabilities(x, qkv, i);
        row_factors(x, i);
        for (size_t d = 0; d < x->width; d++) {
            double sum = 0.0;
            for (size_t j = 0; j < x->n; j++)
                sum += x->probability[i * x->n + j] * x->factor[i * x->n + j] * qkv[at(x, 2, j, d)];
            context[at_context(x, i, d)] = sum;
        }
    }
}

/* Compute the gradient of the scores of row i, before scaling. */
static void score_gradient(const head *x, double *ds, const double *dcontext, const double *qkv, size_t i)
{
    const double *p = x->probability + i * x->n;
    double weighted = 0.0;
    for (size_t j = 0; j < x->n; j++) {
        ds[j] = 0.0;
        for (size_t d = 0; d < x->width; d++) ds[j] += dcontext[at_context(x, i, d)] * qkv[at(x, 2, j, d)];
        ds[j] *= x->factor[i * x->n + j];
        weighted += ds[j] * p[j];
    }
    for (size_t j = 0; j < x->n; j++) ds[j] = p[j] * (ds[j] - weighted) / sqrt((double)x->width);
}

static void head_bwd(const head *x, double *dqkv, const double *dcontext, const double *qkv)
{
    double *ds = malloc(x->n * sizeof *ds);
    for (size_t i = 0; i < x->n; i++) {
        row_probabilities(x, qkv, i);
        row_factors(x, i);
        score_gradient(x, ds, dcontext, qkv, i);
        for (size_t j = 0; j < x->n; j++)
            for (size_t d = 0; d < x->width; d++) {
                dqkv[at(x, 0, i, d)] += ds[j] * qkv[at(x, 1, j, d)];
                dqkv[at(x, 1, j, d)] += ds[j] * qkv[at(x, 0, i, d)];
                dqkv[at(x, 2, j, d)] += x->probability[i * x->n + j] * x->factor[i * x->n + j] *
                                        dcontext[at_context(x, i, d)];
            }
    }
    free(ds);
}

void twin_attention_fwd(double *context, const double *qkv, const bertc_batch *batch,
                        const bc_dropout *dropout, size_t heads, size_t width)
{
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t a = 0; a < heads; a++) {
            head x = open_head(batch, dropout, s, a, heads, width);
            head_fwd(&x, context, qkv);
            close_head(&x);
        }
}

void twin_attention_bwd(double *dqkv, const double *dcontext, const double *qkv, const bertc_batch *batch,
                        const bc_dropout *dropout, size_t heads, size_t width)
{
    for (size_t i = 0; i < (size_t)batch->tokens * 3 * heads * width; i++) dqkv[i] = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t a = 0; a < heads; a++) {
            head x = open_head(batch, dropout, s, a, heads, width);
            head_bwd(&x, dqkv, dcontext, qkv);
            close_head(&x);
        }
}
