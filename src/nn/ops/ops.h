/* Element-wise and row-wise operations between the matrix products, forward and backward.
 *
 * Legend: N tokens, S sequences, H hidden, F intermediate, C classes. Outputs first, then inputs,
 * parameters, dimensions. All return nothing and assert; rows are shared out to threads and every
 * sum over rows has a fixed order that does not depend on the number of threads (law 7). */
#ifndef BC_NN_OPS_OPS_H
#define BC_NN_OPS_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "nn/gemm/matrix.h"
#include "nn/ops/dropout.h"
#include "nn/ops/sparse_rows.h"

/* The widest row: the dropout factors of one lie on a thread's stack. */
enum { BC_MAX_HIDDEN = 16384 };

/* LayerNorm's parameters or their gradients, and eps. */
typedef struct bc_norm {
    const float *gain, *bias; /* (H) */
    double eps;
} bc_norm;

/* y = LayerNorm(word[id] + position[pos] + type[type]), then dropout.
 *
 * y (N,H) out; sum (N,H) out, mean and rstd (N) out: kept for backward
 * word (V,H), position (P,H), type (T,H) in */
void bc_embed_fwd(bc_matrix y, float *sum, float *mean, float *rstd, const bertc_batch *batch, const float *word,
                  const float *position, const float *type, bc_norm norm, const bc_dropout *dropout, size_t h);

/* dsum (N,H) out: gradient of the embedding sum; may be dy itself. dgain, dbias (H) out (+= with
 * accumulate, null: not wanted). */
void bc_embed_norm_bwd(float *dsum, float *dgain, float *dbias, const float *dy, const float *sum,
                       const float *mean, const float *rstd, const bertc_batch *batch, bc_norm norm,
                       const bc_dropout *dropout, size_t h, bool accumulate);

/* Scatter dsum into the three tables' gradients (each may be null); rows that occur more than once
 * are summed in token order. Without accumulate the tables are cleared first.
 *
 * dword (V,H) out, or with `words`, which has all of the batch's ids, (words->count,H) */
void bc_embed_scatter(float *dword, const bc_sparse_rows *words, float *dposition, float *dtype, const float *dsum,
                      const bertc_batch *batch, const bertc_config *config, bool accumulate);

/* sum = residual + dropout(x); y = LayerNorm(sum).
 *
 * y (N,H) out; sum (N,H) out, may alias x; mean, rstd (N) out; x, residual (N,H) in
 * Source: Ba et al. 2016, section 3 */
void bc_add_norm_fwd(bc_matrix y, float *sum, float *mean, float *rstd, const float *x, const float *residual,
                     const bertc_batch *batch, bc_norm norm, const bc_dropout *dropout, size_t h);

/* y = LayerNorm(sum) once more, n rows, to the bit what bc_add_norm_fwd made of them. */
void bc_norm_recompute(bc_matrix y, const float *sum, const float *mean, const float *rstd, bc_norm norm,
                   size_t n, size_t h);

/* dsum (N,H) out: gradient of `residual`; dx (N,H) out, dx.full always: of `x`; dsum may alias dy. */
void bc_add_norm_bwd(float *dsum, bc_matrix dx, float *dgain, float *dbias, const float *dy, const float *sum,
                     const float *mean, const float *rstd, const bertc_batch *batch, bc_norm norm,
                     const bc_dropout *dropout, size_t h, bool accumulate);

/* y = act(x), n rows of `width`, both in f32 or both in bf16; y may alias x. */
void bc_activation_fwd(bertc_activation kind, bc_matrix y, bc_matrix x, size_t n, size_t width);

/* y = act(x) again and dx = dy * act'(x), all in the same precision; y or dx may alias x or dy. */
void bc_activation_bwd(bertc_activation kind, bc_matrix y, bc_matrix dx, bc_matrix dy, bc_matrix x,
                       size_t n, size_t width);

/* The first row of every sequence: y (S,H) out, x (N,H) in. */
void bc_gather_first(float *y, const float *x, const bertc_batch *batch, size_t h);

/* Its backward: the first row of every sequence in dx (N,H) += dy (S,H). */
void bc_add_first(float *dx, const float *dy, const bertc_batch *batch, size_t h);

/* y = tanh(x); dx = dy * (1 - y^2). */
void bc_tanh_fwd(float *y, const float *x, size_t count);
void bc_tanh_bwd(float *dx, const float *dy, const float *y, size_t count);

/* y = x * mask and its backward, the same function: a row of H for each token. y may be x. */
void bc_dropout_tokens(float *y, const float *x, const bertc_batch *batch, const bc_dropout *dropout, size_t h);

/* The dropout factors of row i of a batch, of width n: bc_dropout_width(n) floats. */
void bc_token_factors(float *factor, const bc_dropout *dropout, const bertc_batch *batch, size_t i, size_t n);

/* y = x in bf16, count elements, by one thread. */
void bc_round(uint16_t *y, const float *x, size_t count);

/* y = x in bf16, n rows of `width`; rows up to bc_rows(n) are cleared. */
void bc_round_rows(uint16_t *y, const float *x, size_t n, size_t width);

/* y = 0 in the rows from n to bc_rows(n). */
void bc_clear_tail(uint16_t *y, size_t n, size_t width);

/* sums (columns) (+)= column sums of x (n,columns), each in row order; of x.full where it is there. */
void bc_column_sums(float *sums, bc_matrix x, size_t n, size_t columns, bool accumulate);

#endif
