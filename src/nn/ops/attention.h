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
 * With bf16 operands (attention_bf16.c) the products take Q, K, V, P and gradients rounded to bf16
 * and sum in f32; everything else, and the masks, are as in f32.
 *
 * Source: Vaswani et al. 2017, section 3.2; recomputation after Dao et al. 2022, section 3.1. */
#ifndef BC_NN_OPS_ATTENTION_H
#define BC_NN_OPS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/ops/dropout.h"
#include "nn/ops/qkv.h"

/* Floats of scratch that one thread needs for sequences of up to `longest` tokens, in f32 or on
 * bf16 operands; SIZE_MAX on overflow. */
size_t bc_attention_scratch(size_t longest, size_t width, bool bf16);

/* context (N,H), or (S,H) of the first tokens, out. */
void bc_attention_fwd(float *context, bc_qkv in, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims);

/* d out: gradients laid out as `in`; dcontext as context in forward. */
void bc_attention_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch,
                      const bc_dropout *dropout, bc_attention dims);

#endif
