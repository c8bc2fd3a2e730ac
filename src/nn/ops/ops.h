/* Element-wise and row-wise operations between the matrix products, forward and backward.
 *
 * Legend: N tokens, S sequences, H hidden, F intermediate, V vocabulary, P positions, T token types. Arguments are
 * outputs first, then inputs, parameters, dimensions. The operations return nothing, and assert that their arguments
 * are valid. Threads share out rows or blocks of columns. Every sum over rows has a fixed order that does not depend on
 * the number of threads. */
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

/* The maximum width of a row: the dropout factors of a row lie on a thread's stack. */
enum { BC_MAX_HIDDEN = 16384 };

/* A LayerNorm of H features: its parameters and their gradients. */
typedef struct bc_norm {
    const float *gain, *bias; /* (H) */
    float *dgain, *dbias;     /* (H) gradients; null: not wanted */
    double eps;               /* added to the biased variance */
    size_t h;
} bc_norm;

/* Values that a LayerNorm's forward pass keeps for its backward pass. */
typedef struct bc_norm_cache {
    float *sum;         /* (N,H) the LayerNorm's input */
    float *mean, *rstd; /* (N) mean and 1 / standard deviation of each row of `sum` */
} bc_norm_cache;

typedef struct bc_embed_tables {
    const float *word, *position, *type; /* (V,H), (P,H), (T,H) */
} bc_embed_tables;

/* Gradients of the embedding tables; each may be null. */
typedef struct bc_embed_grads {
    float *word;                 /* (V,H), or (words->count,H) if `words` is given */
    float *position, *type;      /* (P,H), (T,H) */
    const bc_sparse_rows *words; /* contains all ids of the batch; null: `word` is dense */
} bc_embed_grads;

/* y = dropout(LayerNorm(sum)) with sum = word[id] + position[pos] + type[type].
 *
 * y     (N,H) out
 * cache out  kept for bc_embed_norm_bwd */
void bc_embed_fwd(bc_matrix y, bc_norm_cache cache, bc_embed_tables tables, const bertc_batch *batch, bc_norm norm,
                  const bc_dropout *dropout);

/* Compute the gradient of the sum of the three embeddings, and the LayerNorm's dgain and dbias.
 *
 * dsum (N,H) out  may alias dy
 * dy   (N,H) in   gradient of y
 * With accumulate dgain and dbias are added to, else overwritten. */
void bc_embed_norm_bwd(float *dsum, const float *dy, bc_norm_cache cache, const bertc_batch *batch, bc_norm norm,
                       const bc_dropout *dropout, bool accumulate);

/* Scatter dsum (N,H) into the gradients of the three tables. A row that several tokens use is summed in token order.
 * Without accumulate the gradients are cleared first. */
void bc_embed_scatter(bc_embed_grads grads, const float *dsum, const bertc_batch *batch, const bertc_config *config,
                      bool accumulate);

/* y = LayerNorm(sum) with sum = residual + dropout(x).
 *
 * y           (N,H) out
 * cache       out  kept for bc_add_norm_bwd; its sum may alias x
 * x, residual (N,H) in
 * Source: Ba et al. 2016, section 3 */
void bc_add_norm_fwd(bc_matrix y, bc_norm_cache cache, const float *x, const float *residual, const bertc_batch *batch,
                     bc_norm norm, const bc_dropout *dropout);

/* Compute n rows of y = LayerNorm(sum) again from the cache, with the same bits as bc_add_norm_fwd. */
void bc_norm_recompute(bc_matrix y, bc_norm_cache cache, bc_norm norm, size_t n);

/* Compute the gradients of `residual` and `x`, and the LayerNorm's dgain and dbias.
 *
 * dsum (N,H) out  gradient of `residual`; may alias dy
 * dx   (N,H) out  gradient of `x`; dx.f32 is not null
 * dy   (N,H) in   gradient of y
 * With accumulate dgain and dbias are added to, else overwritten. */
void bc_add_norm_bwd(float *dsum, bc_matrix dx, const float *dy, bc_norm_cache cache, const bertc_batch *batch,
                     bc_norm norm, const bc_dropout *dropout, bool accumulate);

/* y = act(x), n rows of `width`, both in f32 or both in bf16; y may alias x. */
void bc_activation_fwd(bertc_activation kind, bc_matrix y, bc_matrix x, size_t n, size_t width);

/* Recompute y = act(x), and compute dx = dy * act'(x). All four are in the same precision; y or dx may alias x or
 * dy. */
void bc_activation_bwd(bertc_activation kind, bc_matrix y, bc_matrix dx, bc_matrix dy, bc_matrix x, size_t n,
                       size_t width);

/* Copy the first row of every sequence: y (S,H) out, x (N,H) in. */
void bc_gather_first(float *y, const float *x, const bertc_batch *batch, size_t h);

/* Add to the first row of every sequence, the backward of bc_gather_first: dx (N,H) += dy (S,H). */
void bc_add_first(float *dx, const float *dy, const bertc_batch *batch, size_t h);

/* y = tanh(x); dx = dy * (1 - y^2). */
void bc_tanh_fwd(float *y, const float *x, size_t count);
void bc_tanh_bwd(float *dx, const float *dy, const float *y, size_t count);

/* y = x * dropout factors, a row of H for each token. Its backward is the same function. y may alias x. */
void bc_dropout_tokens(float *y, const float *x, const bertc_batch *batch, const bc_dropout *dropout, size_t h);

/* Compute the dropout factors of row i of a batch, a row of n elements. factor: bc_dropout_width(n) floats, out. */
void bc_token_factors(float *factor, const bc_dropout *dropout, const bertc_batch *batch, size_t i, size_t n);

/* y = x in bf16, count elements, by one thread. */
void bc_round(uint16_t *y, const float *x, size_t count);

/* y = x in bf16, n rows of `width`; the rows from n to bc_rows(n) are cleared. */
void bc_round_rows(uint16_t *y, const float *x, size_t n, size_t width);

/* y = 0 in the rows from n to bc_rows(n). */
void bc_clear_tail(uint16_t *y, size_t n, size_t width);

/* sums (columns) (+)= column sums of x (n,columns), in row order. Reads x.f32 unless it is null, else x.bf16. */
void bc_column_sums(float *sums, bc_matrix x, size_t n, size_t columns, bool accumulate);

#endif
