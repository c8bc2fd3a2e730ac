/* What attention is of: queries, keys and values, and heads. */
#ifndef BC_NN_OPS_QKV_H
#define BC_NN_OPS_QKV_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/gemm/tiles.h"

typedef struct bc_attention {
    size_t heads;   /* A */
    size_t width;   /* D = H / A */
    float *scratch; /* bc_attention_scratch floats for each thread */
    size_t scratch_stride;
    const bc_tiles *tiles; /* products on bf16 operands; null: f32 */
} bc_attention;

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

#endif
