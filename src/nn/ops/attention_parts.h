/* What the attention of one head of one sequence is of, in f32 and on bf16 operands alike. */
#ifndef BC_NN_OPS_ATTENTION_PARTS_H
#define BC_NN_OPS_ATTENTION_PARTS_H

#include <math.h>
#include <omp.h>
#include <string.h>

#include "bertc/batch.h"
#include "nn/gemm/simd.h"
#include "nn/ops/dropout.h"
#include "nn/ops/qkv.h"

/* What both passes need of one (sequence, head). */
typedef struct bc_attention_span {
    size_t begin, n; /* rows of the sequence */
    size_t ask, m;   /* rows of Q and of the context */
    uint32_t example;
    size_t head, h, d; /* H and D */
    float scale;       /* 1 / sqrt D */
} bc_attention_span;

static inline bc_attention_span bc_locate(const bertc_batch *batch, const bc_attention *dims, bool first, size_t index)
{
    size_t s = index / dims->heads, begin = (size_t)batch->starts[s];
    size_t n = (size_t)batch->starts[s + 1] - begin;
    return (bc_attention_span){.begin = begin,
                      .n = n,
                      .ask = first ? s : begin,
                      .m = first ? 1 : n,
                      .example = batch->examples[s],
                      .head = index % dims->heads,
                      .h = dims->heads * dims->width,
                      .d = dims->width,
                      .scale = 1.0f / sqrtf((float)dims->width)};
}

/* The same with every pointer at this head's part of this sequence's rows. */
static inline bc_qkv bc_qkv_span(bc_qkv x, bc_attention_span at)
{
    x.q += at.ask * x.q_stride + at.head * at.d;
    x.k += at.begin * x.kv_stride + at.head * at.d;
    x.v += at.begin * x.kv_stride + at.head * at.d;
    return x;
}

/* The largest and the sum of lanes, halved and halved again. */
enum { BC_LANE = 16 };
#define BC_FOLD(x, bf16, fold)                                                                     \
    for (size_t l = 0; l < (bf16); l++) (x)[l] = fold((x)[l], (x)[l + (bf16)])
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

/* A row of n scores becomes e^((s - most) scale); beyond n zeros, to a multiple of BC_LANE. Lane by
 * lane, so that short rows take whole vectors too. Returns the sum. */
BC_INLINE float bc_exponentials(float *s, size_t n, size_t padded, float scale)
{
    float max[BC_LANE], sum[BC_LANE] = {0};
    for (size_t j = n; j < padded; j++) s[j] = -INFINITY;
    memcpy(max, s, sizeof max);
    for (size_t j = BC_LANE; j < padded; j += BC_LANE)
#pragma omp simd /* without it GCC makes scalar code */
        for (size_t l = 0; l < BC_LANE; l++) max[l] = s[j + l] > max[l] ? s[j + l] : max[l];
    float m = bc_lane_max(max);
    for (size_t j = 0; j < padded; j += BC_LANE)
        for (size_t l = 0; l < BC_LANE; l++) {
            s[j + l] = bc_exp_down((s[j + l] - m) * scale);
            sum[l] += s[j + l];
        }
    return bc_lane_sum(sum);
}

/* Heads that a thread takes at a time: many parts for each thread, since lengths differ. */
static inline size_t bc_heads_at_once(size_t count)
{
    size_t parts = 32 * (size_t)omp_get_max_threads();
    return count > parts ? count / parts : 1;
}

/* attention_bf16.c: as bc_attention_scratch, bc_attention_fwd and bc_attention_bwd. */
size_t bc_attention_bf16_scratch(size_t longest, size_t width);
void bc_attention_bf16_fwd(float *context, bc_qkv in, const bertc_batch *batch,
                           const bc_dropout *dropout, bc_attention dims);
void bc_attention_bf16_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                           const bc_dropout *dropout, bc_attention dims);

#endif
