/* The network in double precision, with the parameter table of src/nn. */
#ifndef TWIN_NET_H
#define TWIN_NET_H

#include <stddef.h>

#include "bertc/batch.h"
#include "bertc/config.h"
#include "nn/params.h"
#include "nn/pass.h"
#include "twin/ops.h"

/* Values that a layer's forward pass keeps for its backward pass. */
typedef struct twin_layer {
    double *in;                 /* (N,H) output of the previous layer */
    double *qkv;                /* (N,3H) */
    double *context, *attn_out; /* (N,H) */
    double *up, *activated;     /* (N,F) */
    double *out;                /* (N,H) */
    twin_norm_cache attn_norm, out_norm;
} twin_layer;

typedef struct twin_net {
    const bertc_config *config;
    size_t h, f, heads, c; /* H, F, A, C */
    bc_param *params;      /* of encoder, pooler and a classifier; their value and grad are null */
    size_t count, scalars;
    double *values, *grads; /* (scalars) */
    twin_norm_cache embed_norm;
    double *embed_out;                   /* (N,H) */
    twin_layer *layers;
    double *first, *pooled, *head_input; /* (S,H) */
    double *logits, *dlogits;            /* (S,C) */
} twin_net;

/* Create a network for batches of at most the size of `batch`. All values are zero; twin_release frees the network. */
twin_net *twin_net_create(const bertc_config *config, const bertc_batch *batch);

/* Set random values such that every parameter affects the loss: gains around 1, biases not zero. */
void twin_net_randomise(twin_net *net, uint64_t seed);

/* Compute the sum of the losses. Logits and their gradient, of sum / divisor, are kept in the network. */
double twin_net_fwd(twin_net *net, const bertc_batch *batch, bc_pass pass, double divisor);
void twin_net_bwd(twin_net *net, const bertc_batch *batch, bc_pass pass);

double *twin_net_value(const twin_net *net, bc_param_id id, int layer);
double *twin_net_grad(const twin_net *net, bc_param_id id, int layer);

#endif
