/* Scaled dot-product attention over packed sequences.
 *
 * For every sequence s and head a, with Q, K, V the head's slices of the sequence's rows:
 *   P = softmax(Q K^T / sqrt D),  context = dropout(P) V
 *
 * Nothing of size length x length is kept: backward computes P again from Q and K, to the same bits,
 * and draws the dropout mask again. A thread works on one (s, a) at a time in its own
 * scratch, so results do not depend on the number of threads.
 *
 * Source: Vaswani et al. 2017, section 3.2; recomputation after Dao et al. 2022, section 3.1. */
#ifndef BC_NN_ATTENTION_H
#define BC_NN_ATTENTION_H

#include <stddef.h>

#include "bertc/batch.h"
#include "nn/dropout.h"

typedef struct bc_attention {
    size_t heads;   /* A */
    size_t width;   /* D = H / A */
    float *scratch; /* bc_attention_scratch floats for each thread */
    size_t scratch_stride;
} bc_attention;

/* Floats of scratch that one thread needs for sequences of up to `longest` tokens; SIZE_MAX on
 * overflow. */
size_t bc_attention_scratch(size_t longest, size_t width);

/* context (N,H) out; qkv (N,3H) in: query, key, value. */
void bc_attention_fwd(float *context, const float *qkv, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims);

/* dqkv (N,3H) out; dcontext (N,H) in; qkv as in forward. */
void bc_attention_bwd(float *dqkv, const float *dcontext, const float *qkv,
                      const bertc_batch *batch, const bc_dropout *dropout, bc_attention dims);

#endif
