/* Scaled dot-product attention over packed sequences.
 *
 * For every sequence s and head a, with Q, K, V the head's slices of the sequence's rows:
 *   P = softmax(Q K^T / sqrt D),  context = dropout(P) V
 *
 * Where only the first token of each sequence asks, Q and context have one row a sequence.
 *
 * Nothing of size length x length is kept: backward computes P again from Q and K, to the same
 * bits, and draws the dropout mask again. A thread works on one (s, a) at a time in its own
 * scratch, so results do not depend on the number of threads.
 *
 * With bf16 operands (attention_half.c) the products take Q, K, V, P and gradients rounded to bf16
 * and sum in f32; everything else, and the masks, are as in f32.
 *
 * Source: Vaswani et al. 2017, section 3.2; recomputation after Dao et al. 2022, section 3.1. */
#ifndef BC_NN_OPS_ATTENTION_H
#define BC_NN_OPS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/ops/dropout.h"
#include "nn/gemm/tiles.h"

typedef struct bc_attention {
    size_t heads;   /* A */
    size_t width;   /* D = H / A */
    float *scratch; /* bc_attention_scratch floats for each thread */
    size_t scratch_stride;
    const bc_tiles *tiles; /* products on bf16 operands; null: f32 */
} bc_attention;

/* Floats of scratch that one thread needs for sequences of up to `longest` tokens, in f32 or on
 * bf16 operands; SIZE_MAX on overflow. */
size_t bc_attention_scratch(size_t longest, size_t width, bool half);

/* Queries, keys and values, or their gradients: where the first row of each begins, and how far
 * apart rows are. */
typedef struct bc_qkv {
    float *q, *k, *v;
    size_t q_stride, kv_stride;
    bool first; /* q (S,H) instead of (N,H) */
} bc_qkv;

/* Q, K and V side by side in (N,3H). */
static inline bc_qkv bc_qkv_all(float *qkv, size_t h)
{
    return (bc_qkv){qkv, qkv + h, qkv + 2 * h, 3 * h, 3 * h, false};
}

/* Q of the first tokens in (S,H), K and V side by side in (N,2H). */
static inline bc_qkv bc_qkv_first(float *q, float *kv, size_t h)
{
    return (bc_qkv){q, kv, kv + h, h, 2 * h, true};
}

/* context (N,H), or (S,H) of the first tokens, out. */
void bc_attention_fwd(float *context, bc_qkv in, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims);

/* d out: gradients laid out as `in`; dcontext as context in forward. */
void bc_attention_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims);

#endif
