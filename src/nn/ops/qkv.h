/* Inputs of attention: queries, keys and values, and the sizes of heads. */
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
    const bc_tiles *tiles; /* for products on bf16 operands; null: products are in f32 */
} bc_attention;

/* Queries, keys and values, or their gradients. */
typedef struct bc_qkv {
    float *q, *k, *v;           /* first elements */
    size_t q_stride, kv_stride; /* floats between rows */
    bool first_rows;            /* q has only the first row of each sequence: (S,H) in place of (N,H) */
} bc_qkv;

/* Q, K and V as the columns of a matrix (N,3H). */
static inline bc_qkv bc_qkv_all(float *qkv, size_t h)
{
    return (bc_qkv){qkv, qkv + h, qkv + 2 * h, 3 * h, 3 * h, false};
}

/* Q of first tokens as a matrix (S,H), K and V as the columns of a matrix (N,2H). */
static inline bc_qkv bc_qkv_first(float *q, float *kv, size_t h)
{
    return (bc_qkv){q, kv, kv + h, h, 2 * h, true};
}

#endif
