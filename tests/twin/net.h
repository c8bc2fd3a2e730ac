/* The whole network in double precision, over the same parameter table as src/nn. */
#ifndef TWIN_NET_H
#define TWIN_NET_H

#include <stddef.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "nn/params.h"
#include "nn/pass.h"

/* What forward leaves for backward, for one layer. */
typedef struct twin_layer {
    double *in;                            /* (N,H) the layer before's output */
    double *qkv;                           /* (N,3H) */
    double *context, *attn_sum, *attn_out; /* (N,H) */
    double *up, *act;                      /* (N,F) */
    double *out_sum, *out;                 /* (N,H) */
} twin_layer;

typedef struct twin_net {
    const bertc_config *config;
    size_t h, f, heads, c; /* H, F, A, C */
    bc_param *params;      /* encoder, pooler and a classifier; value and grad stay null */
    size_t count, scalars;
    double *values, *grads; /* (scalars) */
    double *embed_sum, *embed_out;
    twin_layer *layers;
    double *first, *pooled, *dropped; /* (S,H) */
    double *logits, *dlogits;         /* (S,C) */
} twin_net;

/* A network with room for `batch`; its memory belongs to twin_release. Values are all zero. */
twin_net *twin_net_create(const bertc_config *config, const bertc_batch *batch);

/* Random values such that every parameter matters: gains around one, biases not zero. */
void twin_net_randomise(twin_net *net, uint64_t seed);

/* The sum of losses; logits and the gradient of sum / divisor stay in the network. */
double twin_net_fwd(twin_net *net, const bertc_batch *batch, bc_pass pass, double divisor);
void twin_net_bwd(twin_net *net, const bertc_batch *batch, bc_pass pass);

double *twin_net_value(const twin_net *net, bc_param_id id, int layer);
double *twin_net_grad(const twin_net *net, bc_param_id id, int layer);

#endif
