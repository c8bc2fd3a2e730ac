/* Reference twins of src/nn in double precision: the textbook formula, one loop for each sum.
 *
 * A twin takes the arguments of its kernel, with double in place of float. It overwrites its outputs, and none of them
 * may be null. Dropout factors come from bc_dropout_row, the only function shared with src/nn. */
#ifndef TWIN_OPS_H
#define TWIN_OPS_H

#include <stddef.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "nn/ops/dropout.h"

typedef struct twin_norm {
    const double *gain, *bias; /* (H) */
    double *dgain, *dbias;     /* (H); null if no backward follows */
    double eps;
    size_t h;
} twin_norm;

typedef struct twin_norm_cache {
    double *sum;         /* (N,H) */
    double *mean, *rstd; /* (N) */
} twin_norm_cache;

typedef struct twin_embed_tables {
    const double *word, *position, *type;
} twin_embed_tables;

void twin_embed_fwd(double *y, twin_norm_cache cache, twin_embed_tables tables, const bertc_batch *batch,
                    twin_norm norm, const bc_dropout *dropout);
void twin_embed_norm_bwd(double *dsum, const double *dy, twin_norm_cache cache, const bertc_batch *batch,
                         twin_norm norm, const bc_dropout *dropout);
void twin_embed_scatter(double *dword, double *dposition, double *dtype, const double *dsum, const bertc_batch *batch,
                        const bertc_config *config);

void twin_add_norm_fwd(double *y, twin_norm_cache cache, const double *x, const double *residual,
                       const bertc_batch *batch, twin_norm norm, const bc_dropout *dropout);
void twin_add_norm_bwd(double *dsum, double *dx, const double *dy, twin_norm_cache cache, const bertc_batch *batch,
                       twin_norm norm, const bc_dropout *dropout);

double twin_act(bertc_activation kind, double x);
double twin_act_slope(bertc_activation kind, double x);
void twin_activation_fwd(bertc_activation kind, double *y, const double *x, size_t count);
void twin_activation_bwd(bertc_activation kind, double *dx, const double *dy, const double *x, size_t count);

void twin_gather_first(double *y, const double *x, const bertc_batch *batch, size_t h);
void twin_scatter_first(double *dx, const double *dy, const bertc_batch *batch, size_t h);
void twin_tanh_fwd(double *y, const double *x, size_t count);
void twin_tanh_bwd(double *dx, const double *dy, const double *y, size_t count);
void twin_dropout_pooled(double *y, const double *x, const bertc_batch *batch, const bc_dropout *dropout, size_t h);
double twin_loss(double *dlogits, const double *logits, const bertc_batch *batch, size_t c, double divisor);

/* The loss of a multi-label head. weights (C); null: all are 1. */
double twin_multilabel_loss(double *dlogits, const double *logits, const bertc_batch *batch, size_t c,
                            const double *weights, double divisor);

/* x (N,in), w (out,in), b (out), y (N,out) */
void twin_linear_fwd(double *y, const double *x, const double *w, const double *b, size_t n, size_t in, size_t out);
void twin_linear_bwd_x(double *dx, const double *dy, const double *w, size_t n, size_t in, size_t out);
void twin_linear_bwd_w(double *dw, double *db, const double *dy, const double *x, size_t n, size_t in, size_t out);

/* context (N,H) out; qkv (N,3H) in */
void twin_attention_fwd(double *context, const double *qkv, const bertc_batch *batch,
                        const bc_dropout *dropout, size_t heads, size_t width);
void twin_attention_bwd(double *dqkv, const double *dcontext, const double *qkv,
                        const bertc_batch *batch, const bc_dropout *dropout, size_t heads,
                        size_t width);

/* Attention on bf16 operands: the inputs are exact in bf16; probabilities and the gradients of scores are rounded.
 *
 * out    the context (N,H) if dcontext is null, else dqkv (N,3H)
 * slack  out, same shape  largest error of each element of a kernel that sums in f32, which may round differently */
void twin_attention_bf16(double *out, double *slack, const double *dcontext, const double *qkv,
                         const bertc_batch *batch, const bc_dropout *dropout, size_t heads, size_t width);

#endif
