/* Parts shared by attention in f32 and attention on bf16 operands. */
#ifndef BC_NN_OPS_ATTENTION_PARTS_H
#define BC_NN_OPS_ATTENTION_PARTS_H

#include <math.h>
#include <omp.h>
#include <string.h>

#include "bertc/batch.h"
#include "nn/gemm/simd.h"
#include "nn/ops/dropout.h"
#include "nn/ops/qkv.h"

/* One head of one sequence. */
typedef struct bc_attention_head {
    size_t begin, n; /* first row of the sequence in K and V, and number of rows */
    size_t query, m; /* first row of the sequence in Q and in the context, and number of rows */
    uint32_t example;
    size_t head;     /* index of the head */
    size_t h, d;     /* H, D */
    float scale;     /* 1 / sqrt D */
} bc_attention_head;

/* Head `index` of a batch: index = sequence * A + head. */
static inline bc_attention_head bc_attention_head_at(const bertc_batch *batch, const bc_attention *dims,
                                                     bool first_rows, size_t index)
{
    size_t s = index / dims->heads, begin = (size_t)batch->starts[s];
    size_t n = (size_t)batch->starts[s + 1] - begin;
    return (bc_attention_head){.begin = begin,
                               .n = n,
                               .query = first_rows ? s : begin,
                               .m = first_rows ? 1 : n,
                               .example = batch->examples[s],
                               .head = index % dims->heads,
                               .h = dims->heads * dims->width,
                               .d = dims->width,
                               .scale = 1.0f / sqrtf((float)dims->width)};
}

/* The slice of queries, keys and values that belongs to a head. */
static inline bc_qkv bc_qkv_of_head(bc_qkv x, bc_attention_head at)
{
    x.q += at.query * x.q_stride + at.head * at.d;
    x.k += at.begin * x.kv_stride + at.head * at.d;
    x.v += at.begin * x.kv_stride + at.head * at.d;
    return x;
}

/* Maximum and sum of lanes, by folding the vector in half until two lanes are left. */
enum { BC_LANE = 16 };
#define BC_FOLD(x, half, fold)                                                                     \
    for (size_t l = 0; l < (half); l++) (x)[l] = fold((x)[l], (x)[l + (half)])
#define BC_LARGER(a, b) ((b) > (a) ? (b) : (a))
#define BC_SUM(a, b) ((a) + (b))

BC_INLINE float bc_lane_max(float x[BC_LANE])
{
    BC_FOLD(x, 8, BC_LARGER);
    BC_FOLD(x, 4, BC_LARGER);
    BC_FOLD(x, 2, BC_LARGER);
    return BC_LARGER(x[0], x[1]);
}

BC_INLINE float bc_lane_sum(float x[BC_LANE])
{
    BC_FOLD(x, 8, BC_SUM);
    BC_FOLD(x, 4, BC_SUM);
    BC_FOLD(x, 2, BC_SUM);
    return x[0] + x[1];
}

/* Replace a row of n scores by e^((s - max) scale), and set the rest of the row, up to `padded`, to zero. `padded` is a
 * multiple of BC_LANE, so that short rows are computed in whole vectors too. Returns the sum of the row. */
BC_INLINE float bc_exponentials(float *s, size_t n, size_t padded, float scale)
{
    float max[BC_LANE], sum[BC_LANE] = {0};
    for (size_t j = n; j < padded; j++) s[j] = -INFINITY;
    memcpy(max, s, sizeof max);
    for (size_t j = BC_LANE; j < padded; j += BC_LANE)
#pragma omp simd /* without this GCC does not vectorise the loop */
        for (size_t l = 0; l < BC_LANE; l++) max[l] = s[j + l] > max[l] ? s[j + l] : max[l];
    float m = bc_lane_max(max);
    for (size_t j = 0; j < padded; j += BC_LANE)
        for (size_t l = 0; l < BC_LANE; l++) {
            s[j + l] = bc_exp_down((s[j + l] - m) * scale);
            sum[l] += s[j + l];
        }
    return bc_lane_sum(sum);
}

/* Heads that a thread takes at a time. There are many chunks for each thread, because lengths differ. */
static inline size_t bc_heads_per_chunk(size_t count)
{
    size_t parts = 32 * (size_t)omp_get_max_threads();
    return count > parts ? count / parts : 1;
}

/* bc_attention_scratch, bc_attention_fwd and bc_attention_bwd on bf16 operands. */
size_t bc_attention_bf16_scratch(size_t longest, size_t width);
void bc_attention_bf16_fwd(float *context, bc_qkv in, const bertc_batch *batch,
                           const bc_dropout *dropout, bc_attention dims);
void bc_attention_bf16_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                           const bc_dropout *dropout, bc_attention dims);

#endif
