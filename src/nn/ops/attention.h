/* Scaled dot-product attention over packed sequences.
 *
 * For every sequence and head, with Q, K, V the head's columns of the sequence's rows:
 *   P = softmax(Q K^T / sqrt D),  context = dropout(P) V
 *
 * If only the first token of each sequence has a query, Q and context have one row for each sequence.
 *
 * No matrix of size length x length is kept: backward recomputes P (from Q and K, to the same bits) and the dropout
 * factors. A thread works on one head of one sequence at a time in its own scratch, so results do not depend on the
 * number of threads.
 *
 * With bf16 operands (attention_bf16.c) the products read Q, K, V, P and gradients rounded to bf16, and sum in f32. The
 * rest of the computation and the dropout factors are the same as in f32.
 *
 * Source: Vaswani et al. 2017, section 3.2; recomputation after Dao et al. 2022, section 3.1. */
#ifndef BC_NN_OPS_ATTENTION_H
#define BC_NN_OPS_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "bertc/batch.h"
#include "nn/ops/dropout.h"
#include "nn/ops/qkv.h"

/* Floats of scratch that one thread needs for sequences of at most `longest` tokens; SIZE_MAX if they overflow. */
size_t bc_attention_scratch(size_t longest, size_t width, bool bf16);

/* context: out, (N,H), or (S,H) if in.first_rows. */
void bc_attention_fwd(float *context, bc_qkv in, const bertc_batch *batch, const bc_dropout *dropout,
                      bc_attention dims);

/* d: out, gradients in the layout of `in`. dcontext: gradient of the context. */
void bc_attention_bwd(bc_qkv d, const float *dcontext, bc_qkv in, const bertc_batch *batch, const bc_dropout *dropout,
                      bc_attention dims);

#endif
