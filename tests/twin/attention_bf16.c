/* Attention of one head of one sequence on bf16 operands: the textbook formula in double precision. Probabilities and
 * gradients of scores are rounded to bf16 in the same places as in src/nn.
 *
 * src/nn rounds numbers that were computed in f32. If such a number is near the middle between two bf16 numbers, f32
 * may round it to the other one. The result then differs by the distance of the two, times the weight of the number.
 * That is the slack of the result. It is zero for nearly all results. */
#include "twin/ops.h"

#include <math.h>
#include <stdlib.h>

#include "nn/gemm/simd.h"

/* Bound of f32 errors, relative to a probability, or to the two terms whose difference is its gradient. */
static const double f32_error = 4e-6;

typedef struct head {
    const double *q, *k, *v, *o; /* first elements; o: gradient of the context, null in forward */
    size_t h, n, width;
    double *p, *factor;  /* (n) one row of probabilities; of dropout factors */
    double *pd, *pslack; /* (n) rounded probabilities after dropout; their slack */
    double *ds, *dslack; /* (n) rounded gradient of the scores; its slack */
} head;

static double round_to_bf16(double x)
{
    return bc_from_bf16(bc_to_bf16((float)x));
}

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void round_with_slack(double *rounded, double *slack, double x, double error)
{
    *rounded = round_to_bf16(x);
    *slack = fabs(round_to_bf16(x + error) - round_to_bf16(x - error));
}

static void row_probabilities(const head *x, const bc_dropout *dropout, uint32_t example, size_t a, size_t i)
{
    float *factor = malloc(bc_dropout_width(x->n) * sizeof *factor);
    double max = -INFINITY, sum = 0.0;
    bc_dropout_row(dropout, example, (uint32_t)i, (uint32_t)a, factor, x->n);
    for (size_t j = 0; j < x->n; j++) {
        x->p[j] = dot(x->q + i * 3 * x->h, x->k + j * 3 * x->h, x->width) / sqrt((double)x->width);
        max = fmax(max, x->p[j]);
    }
    for (size_t j = 0; j < x->n; j++) sum += exp(x->p[j] - max);
    for (size_t j = 0; j < x->n; j++) {
        double p = exp(x->p[j] - max) / sum, dropped = p * (double)factor[j];
        x->p[j] = p;
        x->factor[j] = (double)factor[j];
        round_with_slack(&x->pd[j], &x->pslack[j], dropped, f32_error * dropped);
    }
    free(factor);
}

static void score_gradient(const head *x, size_t i)
{
    double weighted = 0.0, size = 0.0;
    for (size_t j = 0; j < x->n; j++) {
        x->ds[j] = x->factor[j] * dot(x->o + i * x->h, x->v + j * 3 * x->h, x->width);
        weighted += x->ds[j] * x->p[j];
        size = fmax(size, fabs(x->ds[j]));
    }
    for (size_t j = 0; j < x->n; j++) {
        double scaled = x->p[j] / sqrt((double)x->width);
        round_with_slack(&x->ds[j], &x->dslack[j], scaled * (x->ds[j] - weighted), f32_error * scaled * size);
    }
}

static void add_row(const head *x, double *dqkv, double *slack, size_t i)
{
    for (size_t j = 0; j < x->n; j++)
        for (size_t d = 0; d < x->width; d++) {
            size_t q = i * 3 * x->h + d, o = i * x->h + d;
            size_t k = (j * 3 + 1) * x->h + d, v = k + x->h;
            dqkv[q] += x->ds[j] * x->k[j * 3 * x->h + d];
            slack[q] += x->dslack[j] * fabs(x->k[j * 3 * x->h + d]);
            dqkv[k] += x->ds[j] * x->q[q];
            slack[k] += x->dslack[j] * fabs(x->q[q]);
            dqkv[v] += x->pd[j] * x->o[o];
            slack[v] += x->pslack[j] * fabs(x->o[o]);
        }
}

static void add_context(const head *x, double *context, double *slack, size_t i)
{
    for (size_t j = 0; j < x->n; j++)
        for (size_t d = 0; d < x->width; d++) {
            context[i * x->h + d] += x->pd[j] * x->v[j * 3 * x->h + d];
            slack[i * x->h + d] += x->pslack[j] * fabs(x->v[j * 3 * x->h + d]);
        }
}

static void do_head(head x, double *out, double *slack, const bc_dropout *dropout, uint32_t example, size_t a)
{
    double *scratch = malloc(6 * x.n * sizeof *scratch);
    x.p = scratch;
    x.factor = x.p + x.n;
    x.pd = x.factor + x.n;
    x.pslack = x.pd + x.n;
    x.ds = x.pslack + x.n;
    x.dslack = x.ds + x.n;
    for (size_t i = 0; i < x.n; i++) {
        row_probabilities(&x, dropout, example, a, i);
        if (x.o) {
            score_gradient(&x, i);
            add_row(&x, out, slack, i);
        } else {
            add_context(&x, out, slack, i);
        }
    }
    free(scratch);
}

void twin_attention_bf16(double *out, double *slack, const double *dcontext, const double *qkv,
                         const bertc_batch *batch, const bc_dropout *dropout, size_t heads, size_t width)
{
    size_t h = heads * width, columns = dcontext ? 3 * h : h;
    for (size_t i = 0; i < (size_t)batch->tokens * columns; i++) out[i] = slack[i] = 0.0;
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t a = 0; a < heads; a++) {
            size_t row = (size_t)batch->starts[s], at = row * columns + a * width;
            const double *q = qkv + row * 3 * h + a * width;
            head x = {.q = q, .k = q + h, .v = q + 2 * h, .h = h, .width = width};
            x.o = dcontext ? dcontext + row * h + a * width : NULL;
            x.n = (size_t)batch->starts[s + 1] - row;
            do_head(x, out + at, slack + at, dropout, batch->examples[s], a);
        }
}
