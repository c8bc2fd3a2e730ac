#include "nn/ops/attention.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "nn/gemm/simd.h"
#include "nn/ops/attention_parts.h"

enum {
    LANE = BC_LANE,      /* rows are padded with zeros to a multiple of this */
    ROWS = 6,            /* rows of C at a time; their sums and a row of B fit the registers of AVX2 and AVX-512 */
    STRIP = BC_RNG_LANES /* rows of probabilities whose dropout factors are computed together */
};
#ifdef BC_WIDE
typedef float wide __attribute__((vector_size(LANE * sizeof(float))));
#endif
typedef float narrow __attribute__((vector_size(LANE / 2 * sizeof(float))));

static size_t pad(size_t n)
{
    return (n + LANE - 1) / LANE * LANE;
}

/* One head of one sequence in a thread's scratch. */
typedef struct tile {
    size_t m;      /* query rows */
    size_t n, np;  /* length of the sequence; padded */
    size_t d, dp;  /* width of the head; padded */
    float *q, *o;  /* (m,dp) queries; context or its gradient */
    float *k, *v;  /* (n,dp) keys, values */
    float *t;      /* (d,np) K^T, then V^T */
    float *p, *g;  /* (m,np) probabilities, their gradient */
    float *factor; /* (STRIP,np) dropout factors */
} tile;

size_t bc_attention_scratch(size_t longest, size_t width, bool bf16)
{
    if (bf16) return bc_attention_bf16_scratch(longest, width);
    size_t np = pad(longest), dp = pad(width), square, side, flat, total;
    if (!bc_size_mul(longest, 2 * np, &square) || !bc_size_mul(longest, 4 * dp, &side) ||
        !bc_size_mul(width + STRIP, np, &flat) || !bc_size_add(square, side, &total) ||
        !bc_size_add(total, flat, &total))
        return SIZE_MAX;
    return total;
}

static tile lay_out(float *scratch, size_t m, size_t n, size_t d)
{
    tile t = {.m = m, .n = n, .d = d, .np = pad(n), .dp = pad(d)};
    t.q = scratch;
    t.k = t.q + n * t.dp;
    t.v = t.k + n * t.dp;
    t.o = t.v + n * t.dp;
    t.t = t.o + n * t.dp;
    t.p = t.t + d * t.np;
    t.g = t.p + n * t.np;
    t.factor = t.g + n * t.np;
    return t;
}

/* C (m,n) = sum over k of A[i*ra + k*ca] * B[k*ldb + j]; n is a multiple of LANE. */
typedef struct product {
    float *c;
    const float *a, *b;
    size_t m, n, k, ldc, ra, ca, ldb;
} product;

/* Compute C block by block: rows i .. i+ROWS-1, columns j .. j+LANE-1, summed in registers over all k. Rows past the
 * end repeat the last row and are not stored. A vector must not be wider than a register, because compilers keep wider
 * vectors in memory. */
#define MULTIPLY_BY(vector)                                                                         \
    BC_INLINE void multiply_block_by_##vector(const product *x, size_t i, size_t j)                 \
    {                                                                                               \
        enum { PARTS = LANE * sizeof(float) / sizeof(vector), WIDTH = LANE / PARTS };               \
        vector sum[ROWS][PARTS] = {0};                                                              \
        const float *a[ROWS], *b = x->b + j;                                                        \
        for (size_t r = 0; r < ROWS; r++) a[r] = x->a + (i + r < x->m ? i + r : x->m - 1) * x->ra;  \
        for (size_t k = 0; k < x->k; k++) {                                                         \
            vector row[PARTS];                                                                      \
            memcpy(row, b + k * x->ldb, sizeof row);                                                \
            for (size_t r = 0; r < ROWS; r++)                                                       \
                for (size_t p = 0; p < PARTS; p++) sum[r][p] += a[r][k * x->ca] * row[p];           \
        }                                                                                           \
        for (size_t r = 0; r < ROWS; r++)                                                           \
            for (size_t p = 0; p < PARTS; p++)                                                      \
                if (i + r < x->m)                                                                   \
                    memcpy(x->c + (i + r) * x->ldc + j + p * WIDTH, &sum[r][p], sizeof(vector));    \
    }                                                                                               \
    BC_INLINE void multiply_by_##vector(const product *x)                                           \
    {                                                                                               \
        for (size_t i = 0; i < x->m; i += ROWS)                                                     \
            for (size_t j = 0; j < x->n; j += LANE) multiply_block_by_##vector(x, i, j);            \
    }

MULTIPLY_BY(narrow)

BC_CLONES static void multiply_narrow(product x)
{
    multiply_by_narrow(&x);
}

#ifdef BC_WIDE
MULTIPLY_BY(wide)

BC_WIDE static void multiply_wide(product x)
{
    multiply_by_wide(&x);
}
#endif

static void multiply(product x)
{
#ifdef BC_WIDE
    if (__builtin_cpu_supports("x86-64-v4")) {
        multiply_wide(x);
        return;
    }
#endif
    multiply_narrow(x);
}

/* Copy rows of d floats, `stride` floats apart, into rows of dp floats that are zero after d. */
static void load(float *to, const float *from, size_t stride, size_t rows, const tile *t)
{
    for (size_t i = 0; i < rows; i++) {
        memcpy(to + i * t->dp, from + i * stride, t->d * sizeof *to);
        memset(to + i * t->dp + t->d, 0, (t->dp - t->d) * sizeof *to);
    }
}

/* Copy rows back as load copied them, without the padding. */
static void store(float *to, size_t stride, const float *from, size_t rows, const tile *t)
{
    for (size_t i = 0; i < rows; i++) memcpy(to + i * stride, from + i * t->dp, t->d * sizeof *to);
}

/* t->t (d,np) = transpose of x (n,dp), zero after column n. */
static void transpose(const tile *t, const float *x)
{
    for (size_t j = 0; j < t->d; j++) {
        for (size_t i = 0; i < t->n; i++) t->t[j * t->np + i] = x[i * t->dp + j];
        for (size_t i = t->n; i < t->np; i++) t->t[j * t->np + i] = 0.0f;
    }
}

/* t->p = Q K^T, not scaled. */
static void scores(const tile *t)
{
    transpose(t, t->k);
    multiply((product){t->p, t->q, t->t, t->m, t->np, t->d, t->np, t->dp, 1, t->np});
}

/* Replace a row of n scores by probabilities, zero from n to np. */
BC_CLONES static void softmax(float *p, size_t n, size_t np, float scale)
{
    float inverse = 1.0f / bc_exponentials(p, n, np, scale);
    for (size_t j = 0; j < np; j++) p[j] *= inverse;
}

BC_CLONES static void apply(float *x, const float *factor, size_t np)
{
    for (size_t j = 0; j < np; j += LANE)
        for (size_t l = 0; l < LANE; l++) x[j + l] *= factor[j + l];
}

/* Backward through softmax and dropout, for one row.
 *
 * p  in   probabilities
 *    out  probabilities after dropout
 * g  in   gradient of the probabilities after dropout, dO V^T
 *    out  gradient of the scores before they are scaled */
BC_CLONES static void softmax_bwd(float *p, float *g, const float *factor, size_t np, float scale)
{
    float sum[LANE] = {0};
    for (size_t j = 0; j < np; j += LANE)
        for (size_t l = 0; l < LANE; l++) {
            g[j + l] *= factor[j + l];
            sum[l] += g[j + l] * p[j + l];
        }
    float dot = bc_lane_sum(sum);
    for (size_t j = 0; j < np; j += LANE)
        for (size_t l = 0; l < LANE; l++) {
            g[j + l] = p[j + l] * (g[j + l] - dot) * scale;
            p[j + l] *= factor[j + l];
        }
}

static void load_qkv(const tile *t, bc_qkv from)
{
    load(t->q, from.q, from.q_stride, t->m, t);
    load(t->k, from.k, from.kv_stride, t->n, t);
    load(t->v, from.v, from.kv_stride, t->n, t);
}

/* Compute the dropout factors of at most STRIP rows of probabilities from row i on, zero after column n. Returns the
 * number of rows. */
static size_t compute_factors(const tile *t, const bc_dropout *dropout, bc_attention_head at, size_t i)
{
    size_t rows = t->m - i < STRIP ? t->m - i : STRIP, width = bc_dropout_width(t->n);
    bc_dropout_rows(dropout, at.example, (uint32_t)i, rows, (uint32_t)at.head, t->factor, t->n, t->np);
    for (size_t r = 0; r < rows; r++) memset(t->factor + r * t->np + width, 0, (t->np - width) * sizeof *t->factor);
    return rows;
}

static void head_fwd(float *context, bc_qkv in, const bc_dropout *dropout, bc_attention_head at, float *scratch)
{
    tile t = lay_out(scratch, at.m, at.n, at.d);
    load_qkv(&t, bc_qkv_of_head(in, at));
    scores(&t);
    for (size_t i = 0; i < t.m; i++) softmax(t.p + i * t.np, t.n, t.np, at.scale);
    for (size_t i = 0; dropout->threshold > 0 && i < t.m; i += STRIP)
        apply(t.p + i * t.np, t.factor, compute_factors(&t, dropout, at, i) * t.np);
    multiply((product){t.o, t.p, t.v, t.m, t.dp, t.n, t.dp, t.np, 1, t.dp});
    store(context + at.query * at.h + at.head * at.d, at.h, t.o, t.m, &t);
}

void bc_attention_fwd(float *context, bc_qkv in, const bertc_batch *batch, const bc_dropout *dropout, bc_attention dims)
{
    if (dims.tiles) {
        bc_attention_bf16_fwd(context, in, batch, dropout, dims);
        return;
    }
    size_t count = (size_t)batch->sequences * dims.heads, chunk = bc_heads_per_chunk(count);
#pragma omp parallel for schedule(dynamic, chunk)
    for (size_t index = 0; index < count; index++)
        head_fwd(context, in, dropout, bc_attention_head_at(batch, &dims, in.first_rows, index),
                 dims.scratch + (size_t)omp_get_thread_num() * dims.scratch_stride);
}

static void head_bwd(bc_qkv to, const float *dcontext, bc_qkv in, const bc_dropout *dropout,
                     bc_attention_head at, float *scratch)
{
    tile t = lay_out(scratch, at.m, at.n, at.d);
    load_qkv(&t, bc_qkv_of_head(in, at));
    load(t.o, dcontext + at.query * at.h + at.head * at.d, at.h, t.m, &t);
    scores(&t);
    transpose(&t, t.v);
    multiply((product){t.g, t.o, t.t, t.m, t.np, t.d, t.np, t.dp, 1, t.np});
    for (size_t i = 0; i < t.m; i += STRIP) {
        size_t rows = compute_factors(&t, dropout, at, i);
        for (size_t r = 0; r < rows; r++) {
            float *p = t.p + (i + r) * t.np;
            softmax(p, t.n, t.np, at.scale);
            softmax_bwd(p, t.g + (i + r) * t.np, t.factor + r * t.np, t.np, at.scale);
        }
    }
    to = bc_qkv_of_head(to, at);
    /* dV = P^T dO, then dQ = dS K and dK = dS^T Q. The buffer of V, which is not needed any more, takes the results. */
    multiply((product){t.v, t.p, t.o, t.n, t.dp, t.m, t.dp, 1, t.np, t.dp});
    store(to.v, to.kv_stride, t.v, t.n, &t);
    multiply((product){t.v, t.g, t.k, t.m, t.dp, t.n, t.dp, t.np, 1, t.dp});
    store(to.q, to.q_stride, t.v, t.m, &t);
    multiply((product){t.v, t.g, t.q, t.n, t.dp, t.m, t.dp, 1, t.np, t.dp});
    store(to.k, to.kv_stride, t.v, t.n, &t);
}

void bc_attention_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims)
{
    if (dims.tiles) {
        bc_attention_bf16_bwd(d, dcontext, in, batch, dropout, dims);
        return;
    }
    size_t count = (size_t)batch->sequences * dims.heads, chunk = bc_heads_per_chunk(count);
#pragma omp parallel for schedule(dynamic, chunk)
    for (size_t index = 0; index < count; index++)
        head_bwd(d, dcontext, in, dropout, bc_attention_head_at(batch, &dims, in.first_rows, index),
                 dims.scratch + (size_t)omp_get_thread_num() * dims.scratch_stride);
}
