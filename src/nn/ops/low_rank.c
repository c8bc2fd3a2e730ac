/* The products of an adapter. M stands for A or B^T, both (R,width):
 *
 *   project  p (N,R) = x M^T          dot products of a row of x and the rows of M
 *   expand   y (N,width) += p M       sums of the rows of M, added to a row of y
 *   gather   dM (R,width) (+)= p^T x  sums over the rows of x, in row order
 *
 * Threads share rows or blocks of columns. The order of each sum does not depend on the number of threads. */
#include "nn/ops/low_rank.h"

#include <assert.h>
#include <string.h>

#include "nn/gemm/simd.h"
#include "nn/ops/ops.h"

enum { LANE = 16, BLOCK = 64, GROUP = 8 };

BC_INLINE size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The elements at .. at + count - 1 in f32: a pointer into x.f32, or converted into `spare`. */
BC_INLINE const float *fetch(float spare[BLOCK], bc_matrix x, size_t at, size_t count)
{
    if (x.f32) return x.f32 + at;
    for (size_t j = 0; j < count; j++) spare[j] = bc_from_bf16(x.bf16[at + j]);
    return spare;
}

BC_INLINE float sum_lanes(float x[LANE])
{
    for (size_t half = LANE / 2; half > 0; half /= 2)
        for (size_t l = 0; l < half; l++) x[l] += x[l + half];
    return x[0];
}

BC_INLINE void add_products(float sum[LANE], const float *x, const float *m, size_t count)
{
    size_t whole = count / LANE * LANE;
    for (size_t j = 0; j < whole; j += LANE)
        for (size_t l = 0; l < LANE; l++) sum[l] += x[j + l] * m[j + l];
    for (size_t j = whole; j < count; j++) sum[j - whole] += x[j] * m[j];
}

BC_CLONES static void project_row(float *p, bc_matrix x, size_t at, const float *m, size_t rank,
                                  size_t width, float scale)
{
    float spare[BLOCK];
    for (size_t first = 0; first < rank; first += GROUP) {
        float sum[GROUP][LANE] = {{0}};
        size_t rows = min(rank - first, GROUP);
        for (size_t c = 0; c < width; c += BLOCK) {
            size_t count = min(width - c, BLOCK);
            const float *v = fetch(spare, x, at + c, count);
            for (size_t r = 0; r < rows; r++) add_products(sum[r], v, m + (first + r) * width + c, count);
        }
        for (size_t r = 0; r < rows; r++) p[first + r] = scale * sum_lanes(sum[r]);
    }
}

static void project(float *p, bc_column_view x, const float *m, const bc_low_rank *l, size_t width, size_t n)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) project_row(p + i * l->rank, x.m, i * x.stride, m, l->rank, width, l->scale);
}

/* factor: dropout factors; null: all are 1. */
BC_CLONES static void expand_row(bc_matrix y, size_t at, const float *p, const float *m, size_t rank,
                                 size_t width, const float *factor)
{
    for (size_t c = 0; c < width; c += BLOCK) {
        float sum[BLOCK] = {0};
        size_t count = min(width - c, BLOCK), to = at + c;
        for (size_t r = 0; r < rank; r++)
            for (size_t j = 0; j < count; j++) sum[j] += p[r] * m[r * width + c + j];
        for (size_t j = 0; factor && j < count; j++) sum[j] *= factor[c + j];
        for (size_t j = 0; y.f32 && j < count; j++) y.f32[to + j] += sum[j];
        for (size_t j = 0; !y.f32 && j < count; j++) y.bf16[to + j] = bc_to_bf16(bc_from_bf16(y.bf16[to + j]) + sum[j]);
    }
}

static void expand(bc_column_view y, const float *p, const float *m, size_t rank, size_t width, size_t n)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) expand_row(y.m, i * y.stride, p + i * rank, m, rank, width, NULL);
}

/* expand through dropout. */
static void expand_dropped(bc_matrix y, const float *p, const float *m, const bc_low_rank *l,
                           const bertc_batch *batch, size_t n)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        float factor[BC_MAX_HIDDEN];
        bc_token_factors(factor, &l->dropout, batch, i, l->in);
        expand_row(y, i * l->in, p + i * l->rank, m, l->rank, l->in, factor);
    }
}

BC_CLONES static void gather_block(float *dm, const float *p, bc_column_view x, size_t rank, size_t width,
                                   size_t n, size_t c, bool accumulate)
{
    float spare[BLOCK];
    size_t count = min(width - c, BLOCK);
    for (size_t first = 0; first < rank; first += GROUP) {
        float sum[GROUP][BLOCK] = {{0}};
        size_t rows = min(rank - first, GROUP);
        for (size_t i = 0; i < n; i++) {
            const float *v = fetch(spare, x.m, i * x.stride + c, count);
            for (size_t r = 0; r < rows; r++)
                for (size_t j = 0; j < count; j++) sum[r][j] += p[i * rank + first + r] * v[j];
        }
        for (size_t r = 0; r < rows; r++)
            for (size_t j = 0; j < count; j++) {
                float *to = dm + (first + r) * width + c + j;
                *to = accumulate ? *to + sum[r][j] : sum[r][j];
            }
    }
}

static void gather(float *dm, const float *p, bc_column_view x, size_t rank, size_t width, size_t n, bool accumulate)
{
#pragma omp parallel for schedule(static)
    for (size_t c = 0; c < width; c += BLOCK) gather_block(dm, p, x, rank, width, n, c, accumulate);
}

/* y (columns,rows) (+)= transpose of x (rows,columns). */
static void transpose(float *y, const float *x, size_t rows, size_t columns, bool accumulate)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
            float *to = y + j * rows + i;
            *to = x[i * columns + j] + (accumulate ? *to : 0.0f);
        }
}

/* The adapter's input: x, or x after dropout in l->x_dropped. */
static bc_column_view input_of(bc_matrix x, const bc_low_rank *l, const bertc_batch *batch, size_t n)
{
    bc_matrix in = x.bf16 ? (bc_matrix){.bf16 = x.bf16} : x;
    if (l->dropout.threshold == 0) return (bc_column_view){in, l->in};
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        float factor[BC_MAX_HIDDEN], *to = l->x_dropped + i * l->in;
        bc_token_factors(factor, &l->dropout, batch, i, l->in);
        for (size_t j = 0; j < l->in; j++) {
            size_t at = i * l->in + j;
            to[j] = factor[j] * (in.f32 ? in.f32[at] : bc_from_bf16(in.bf16[at]));
        }
    }
    return (bc_column_view){{.f32 = l->x_dropped}, l->in};
}

void bc_low_rank_fwd(bc_column_view y, bc_matrix x, const bc_low_rank *l, const bertc_batch *batch, size_t n)
{
    assert(l->dropout.threshold == 0 || l->in <= BC_MAX_HIDDEN);
    project(l->projected, input_of(x, l, batch, n), l->a, l, l->in, n);
    transpose(l->transposed, l->b, l->out, l->rank, false);
    expand(y, l->projected, l->transposed, l->rank, l->out, n);
}

void bc_low_rank_bwd(bc_matrix dx, bc_matrix x, bc_column_view dy, const bc_low_rank *l,
                     const bertc_batch *batch, size_t n, bool accumulate)
{
    transpose(l->transposed, l->b, l->out, l->rank, false);
    project(l->dprojected, dy, l->transposed, l, l->out, n);
    if (bc_matrix_is_given(dx) && l->dropout.threshold > 0)
        expand_dropped(dx, l->dprojected, l->a, l, batch, n);
    else if (bc_matrix_is_given(dx))
        expand((bc_column_view){dx, l->in}, l->dprojected, l->a, l->rank, l->in, n);
    if (!bc_matrix_is_given(x) || !l->da) return;
    bc_column_view in = input_of(x, l, batch, n);
    gather(l->da, l->dprojected, in, l->rank, l->in, n, accumulate);
    project(l->projected, in, l->a, l, l->in, n);
    gather(l->transposed, l->projected, dy, l->rank, l->out, n, false);
    transpose(l->db, l->transposed, l->rank, l->out, accumulate);
}

void bc_low_rank_merge(float *y, const float *w, const float *a, const float *b, size_t out, size_t in,
                       size_t rank, double scale)
{
#pragma omp parallel for schedule(static)
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++) {
            double sum = 0;
            for (size_t r = 0; r < rank; r++) sum += (double)b[o * rank + r] * (double)a[r * in + i];
            y[o * in + i] = (float)((double)w[o * in + i] + scale * sum);
        }
}
