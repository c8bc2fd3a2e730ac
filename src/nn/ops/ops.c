#include "nn/ops/ops.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "nn/gemm/gemm.h"
#include "nn/gemm/simd.h"

/* Width of the blocks of columns that sums over rows are split into. One thread sums a block, in row order, so the
 * order of each sum does not depend on the number of threads. */
enum { COLUMNS = 64 };

/* ---- LayerNorm ----------------------------------------------------------------------------- */

/* Compute mean and 1 / standard deviation of one row. */
BC_CLONES static void measure_row(float *mean, float *rstd, const float *x, double eps, size_t h)
{
    float sum = 0.0f, square = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < h; j++) sum += x[j];
    float m = sum / (float)h;
#pragma omp simd reduction(+ : square)
    for (size_t j = 0; j < h; j++) square += (x[j] - m) * (x[j] - m);
    *mean = m;
    *rstd = (float)(1.0 / sqrt((double)square / (double)h + eps));
}

/* y = LayerNorm(x) of one row. */
BC_CLONES static void norm_row(float *y, const float *x, float mean, float rstd, const bc_norm *norm)
{
    const float *gain = norm->gain, *bias = norm->bias;
    size_t h = norm->h;
    for (size_t j = 0; j < h; j++) y[j] = (x[j] - mean) * rstd * gain[j] + bias[j];
}

/* dx of one row of LayerNorm; dx may alias dy. */
BC_CLONES static void norm_row_bwd(float *dx, const float *dy, const float *x, float mean,
                                   float rstd, const float *gain, size_t h)
{
    float sum = 0.0f, dot = 0.0f;
#pragma omp simd reduction(+ : sum, dot)
    for (size_t j = 0; j < h; j++) {
        float g = dy[j] * gain[j];
        sum += g;
        dot += g * (x[j] - mean) * rstd;
    }
    sum /= (float)h;
    dot /= (float)h;
    for (size_t j = 0; j < h; j++) dx[j] = (dy[j] * gain[j] - sum - (x[j] - mean) * rstd * dot) * rstd;
}

/* dgain and dbias for the columns [begin,end). */
BC_CLONES static void norm_columns_bwd(const bc_norm *norm, const float *dy, const bc_norm_cache *cache, size_t n,
                                       size_t begin, size_t end, bool accumulate)
{
    const float *sum = cache->sum, *mean = cache->mean, *rstd = cache->rstd;
    float gain[COLUMNS] = {0}, bias[COLUMNS] = {0}, *dgain = norm->dgain, *dbias = norm->dbias;
    size_t width = end - begin, h = norm->h;
    for (size_t i = 0; i < n; i++) {
        const float *d = dy + i * h + begin, *row = sum + i * h + begin;
        float m = mean[i], r = rstd[i];
        for (size_t j = 0; j < width; j++) {
            gain[j] += d[j] * (row[j] - m) * r;
            bias[j] += d[j];
        }
    }
    for (size_t j = 0; dgain && j < width; j++) dgain[begin + j] = gain[j] + (accumulate ? dgain[begin + j] : 0.0f);
    for (size_t j = 0; dbias && j < width; j++) dbias[begin + j] = bias[j] + (accumulate ? dbias[begin + j] : 0.0f);
}

static void norm_params_bwd(const bc_norm *norm, const float *dy, const bc_norm_cache *cache, size_t n, bool accumulate)
{
    size_t h = norm->h;
    if (!norm->dgain && !norm->dbias) return;
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < h; begin += COLUMNS)
        norm_columns_bwd(norm, dy, cache, n, begin, h - begin < COLUMNS ? h : begin + COLUMNS, accumulate);
}

BC_CLONES static void sum_columns(float *sums, bc_matrix x, size_t n, size_t stride, size_t begin, size_t end,
                                  bool accumulate)
{
    float sum[COLUMNS] = {0};
    size_t width = end - begin;
    for (size_t i = 0; i < n && x.f32; i++)
        for (size_t j = 0; j < width; j++) sum[j] += x.f32[i * stride + begin + j];
    for (size_t i = 0; i < n && !x.f32; i++)
        for (size_t j = 0; j < width; j++) sum[j] += bc_from_bf16(x.bf16[i * stride + begin + j]);
    for (size_t j = 0; j < width; j++) sums[begin + j] = sum[j] + (accumulate ? sums[begin + j] : 0.0f);
}

void bc_column_sums(float *sums, bc_matrix x, size_t n, size_t width, bool accumulate)
{
#pragma omp parallel for schedule(static)
    for (size_t begin = 0; begin < width; begin += COLUMNS)
        sum_columns(sums, x, n, width, begin, width - begin < COLUMNS ? width : begin + COLUMNS, accumulate);
}

/* ---- bf16 ---------------------------------------------------------------------------------- */

BC_CLONES static void round_floats(uint16_t *restrict y, const float *restrict x, size_t count)
{
    for (size_t i = 0; i < count; i++) y[i] = bc_to_bf16(x[i]);
}

/* The cloned function is static: the linker exports clones of non-static functions, whatever their visibility. */
void bc_round(uint16_t *y, const float *x, size_t count)
{
    round_floats(y, x, count);
}

void bc_round_rows(uint16_t *y, const float *x, size_t n, size_t width)
{
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) bc_round(y + i * width, x + i * width, width);
    bc_clear_tail(y, n, width);
}

void bc_clear_tail(uint16_t *y, size_t n, size_t width)
{
    memset(y + n * width, 0, (bc_rows(n) - n) * width * sizeof *y);
}

/* The buffer in which row i of y is computed: y.f32, or `spare` if only y.bf16 is wanted. */
static float *row_of(bc_matrix y, size_t i, float *spare, size_t h)
{
    return y.f32 ? y.f32 + i * h : spare;
}

static void round_row(bc_matrix y, size_t i, const float *row, size_t h)
{
    if (y.bf16) bc_round(y.bf16 + i * h, row, h);
}

/* ---- rows with dropout --------------------------------------------------------------------- */

BC_CLONES static void add_dropped(float *sum, const float *x, const float *residual, const float *factor, size_t h)
{
    for (size_t j = 0; j < h; j++) sum[j] = residual[j] + x[j] * factor[j];
}

BC_CLONES static void scale_row(float *y, const float *x, const float *factor, size_t h)
{
    for (size_t j = 0; j < h; j++) y[j] = x[j] * factor[j];
}

/* The example that row i belongs to, by binary search in the starts of the sequences. */
static uint32_t example_of(const bertc_batch *batch, size_t i)
{
    int32_t low = 0, high = batch->sequences;
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if ((size_t)batch->starts[middle] <= i) low = middle;
        else high = middle;
    }
    return batch->examples[low];
}

void bc_token_factors(float *factor, const bc_dropout *dropout, const bertc_batch *batch, size_t i, size_t n)
{
    bc_dropout_row(dropout, example_of(batch, i), (uint32_t)batch->positions[i], 0, factor, n);
}

/* y = x * dropout factors for row i of the batch. */
static void drop_token(float *y, const float *x, const bc_dropout *dropout, const bertc_batch *batch, size_t i,
                       size_t h)
{
    float factor[BC_MAX_HIDDEN];
    if (dropout->threshold == 0) {
        if (y != x) memcpy(y, x, h * sizeof *y);
        return;
    }
    bc_token_factors(factor, dropout, batch, i, h);
    scale_row(y, x, factor, h);
}

/* ---- embeddings ---------------------------------------------------------------------------- */

BC_CLONES static void add_three(float *sum, const float *a, const float *b, const float *c, size_t h)
{
    for (size_t j = 0; j < h; j++) sum[j] = a[j] + c[j] + b[j];
}

void bc_embed_fwd(bc_matrix y, bc_norm_cache cache, bc_embed_tables tables, const bertc_batch *batch, bc_norm norm,
                  const bc_dropout *dropout)
{
    size_t h = norm.h;
    assert(h <= BC_MAX_HIDDEN);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < (size_t)batch->tokens; i++) {
        float spare[BC_MAX_HIDDEN], *row = row_of(y, i, spare, h), *sum = cache.sum + i * h;
        add_three(sum, tables.word + (size_t)batch->ids[i] * h, tables.position + (size_t)batch->positions[i] * h,
                  tables.type + batch->types[i] * h, h);
        measure_row(&cache.mean[i], &cache.rstd[i], sum, norm.eps, h);
        norm_row(row, sum, cache.mean[i], cache.rstd[i], &norm);
        drop_token(row, row, dropout, batch, i, h);
        round_row(y, i, row, h);
    }
    if (y.bf16) bc_clear_tail(y.bf16, (size_t)batch->tokens, h);
}

void bc_embed_norm_bwd(float *dsum, const float *dy, bc_norm_cache cache, const bertc_batch *batch, bc_norm norm,
                       const bc_dropout *dropout, bool accumulate)
{
    size_t n = (size_t)batch->tokens, h = norm.h;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) drop_token(dsum + i * h, dy + i * h, dropout, batch, i, h);
    norm_params_bwd(&norm, dsum, &cache, n, accumulate);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        norm_row_bwd(dsum + i * h, dsum + i * h, cache.sum + i * h, cache.mean[i], cache.rstd[i], norm.gain, h);
}

enum { WORD, POSITION, TYPE, TABLES };

/* The row of a table's gradient that belongs to token i. */
static size_t row_of_token(int table, const bertc_batch *batch, const bc_sparse_rows *words, size_t i)
{
    if (table == POSITION) return (size_t)batch->positions[i];
    if (table == TYPE) return batch->types[i];
    size_t id = (size_t)batch->ids[i];
    if (!words) return id;
    assert(words->slot[id] >= 0);
    return (size_t)words->slot[id];
}

/* Add the columns [begin,end) of dsum to a table's gradient, in token order. */
static void scatter_columns(float *grad, int table, const float *dsum, const bertc_batch *batch,
                            const bc_sparse_rows *words, size_t h, size_t begin, size_t end)
{
    for (size_t i = 0; i < (size_t)batch->tokens; i++) {
        float *to = grad + row_of_token(table, batch, words, i) * h;
        const float *from = dsum + i * h;
        for (size_t j = begin; j < end; j++) to[j] += from[j];
    }
}

void bc_embed_scatter(bc_embed_grads grads, const float *dsum, const bertc_batch *batch, const bertc_config *config,
                      bool accumulate)
{
    float *const all[TABLES] = {[WORD] = grads.word, [POSITION] = grads.position, [TYPE] = grads.type};
    const size_t rows[TABLES] = {[WORD] = grads.words ? grads.words->count : (size_t)config->vocab_size,
                                 [POSITION] = (size_t)config->max_position_embeddings,
                                 [TYPE] = (size_t)config->type_vocab_size};
    size_t h = (size_t)config->hidden_size;
    for (int t = 0; t < TABLES; t++) {
        if (!all[t]) continue;
        if (!accumulate) memset(all[t], 0, rows[t] * h * sizeof *all[t]);
#pragma omp parallel for schedule(static)
        for (size_t begin = 0; begin < h; begin += COLUMNS)
            scatter_columns(all[t], t, dsum, batch, grads.words, h, begin, h - begin < COLUMNS ? h : begin + COLUMNS);
    }
}

/* ---- residual and LayerNorm ---------------------------------------------------------------- */

void bc_add_norm_fwd(bc_matrix y, bc_norm_cache cache, const float *x, const float *residual, const bertc_batch *batch,
                     bc_norm norm, const bc_dropout *dropout)
{
    size_t h = norm.h;
    assert(h <= BC_MAX_HIDDEN);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < (size_t)batch->tokens; i++) {
        float spare[BC_MAX_HIDDEN], *row = row_of(y, i, spare, h), *sum = cache.sum + i * h;
        bc_token_factors(spare, dropout, batch, i, h);
        add_dropped(sum, x + i * h, residual + i * h, spare, h);
        measure_row(&cache.mean[i], &cache.rstd[i], sum, norm.eps, h);
        norm_row(row, sum, cache.mean[i], cache.rstd[i], &norm);
        round_row(y, i, row, h);
    }
    if (y.bf16) bc_clear_tail(y.bf16, (size_t)batch->tokens, h);
}

void bc_norm_recompute(bc_matrix y, bc_norm_cache cache, bc_norm norm, size_t n)
{
    size_t h = norm.h;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        float spare[BC_MAX_HIDDEN], *row = row_of(y, i, spare, h);
        norm_row(row, cache.sum + i * h, cache.mean[i], cache.rstd[i], &norm);
        round_row(y, i, row, h);
    }
    if (y.bf16) bc_clear_tail(y.bf16, n, h);
}

void bc_add_norm_bwd(float *dsum, bc_matrix dx, const float *dy, bc_norm_cache cache, const bertc_batch *batch,
                     bc_norm norm, const bc_dropout *dropout, bool accumulate)
{
    size_t n = (size_t)batch->tokens, h = norm.h;
    norm_params_bwd(&norm, dy, &cache, n, accumulate);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++) {
        norm_row_bwd(dsum + i * h, dy + i * h, cache.sum + i * h, cache.mean[i], cache.rstd[i], norm.gain, h);
        drop_token(dx.f32 + i * h, dsum + i * h, dropout, batch, i, h);
        round_row(dx, i, dx.f32 + i * h, h);
    }
    if (dx.bf16) bc_clear_tail(dx.bf16, n, h);
}

/* ---- head ---------------------------------------------------------------------------------- */

void bc_gather_first(float *y, const float *x, const bertc_batch *batch, size_t h)
{
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        memcpy(y + s * h, x + (size_t)batch->starts[s] * h, h * sizeof *y);
}

void bc_add_first(float *dx, const float *dy, const bertc_batch *batch, size_t h)
{
    for (size_t s = 0; s < (size_t)batch->sequences; s++)
        for (size_t j = 0; j < h; j++) dx[(size_t)batch->starts[s] * h + j] += dy[s * h + j];
}

void bc_tanh_fwd(float *y, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) y[i] = tanhf(x[i]);
}

void bc_tanh_bwd(float *dx, const float *dy, const float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

void bc_dropout_tokens(float *y, const float *x, const bertc_batch *batch, const bc_dropout *dropout, size_t h)
{
    assert(h <= BC_MAX_HIDDEN);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < (size_t)batch->tokens; i++) drop_token(y + i * h, x + i * h, dropout, batch, i, h);
}
