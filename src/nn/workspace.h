/* The workspace: every buffer that depends on a batch. */
#ifndef BC_NN_WORKSPACE_H
#define BC_NN_WORKSPACE_H

#include "nn/profile.h"
#include "nn/model.h"

/* What a layer keeps for backward. Of its LayerNorms the sums are kept; their outputs are made again.
 * In a last layer that is not computed whole, N is S but for qkv, which then holds queries (S,H) and
 * after them keys and values (N,2H). Matrices are bf16 where the products are, else f32. */
typedef struct bc_layer_cache {
    float *qkv;        /* (N,3H) */
    bc_matrix context; /* (N,H) */
    float *attn_sum;   /* (N,H) before the first LayerNorm */
    float *attn_mean, *attn_rstd; /* (N) */
    bc_matrix up;      /* (N,F) before the activation */
    float *out_sum;    /* (N,H) before the second LayerNorm */
    float *out_mean, *out_rstd;   /* (N) */
} bc_layer_cache;

/* The numbers that a plan is made of. */
typedef struct bc_dims {
    size_t n, kept, s, layers, lowest_trained, h, heads, f, r, c, threads, longest, bf16;
} bc_dims;

/* A bc_matrix below, but for act, is in f32, and in bf16 too where the products are. */
struct bertc_workspace {
    const bertc_model *model; /* whose it is, and what was planned by: */
    bc_dims dims;
    bertc_limits limits;
    bc_gemm gemm;        /* the products of passes, with what the backend keeps for them */
    void *memory;        /* one allocation, and its first aligned byte: */
    void *block;         /* everything below points into it */
    size_t bytes;
    float *embed_sum;    /* (N,H) */
    float *embed_mean, *embed_rstd; /* (N) */
    bc_matrix embed_out; /* (N,H) */
    int lowest_trained;          /* bc_lowest_trained when it was planned */
    int entry_layer;           /* the layer whose input was given to the last pass: layer given - 1 keeps it in
                            out_sum; 0: none */
    bc_layer_cache *layers; /* (L); with checkpointing layers l and l + N share buffers, layers
                               without a backward pass do */
    bc_layer_cache shared;  /* of every layer in a pass that forgets */
    bc_matrix layer_in[2];   /* (N,H) input of layers > 0 of even and of odd number, in forward */
    bc_matrix attn_out;  /* (N,H) after a layer's first LayerNorm */
    bc_matrix act;       /* (N,F) activation; in one precision, as layers' `up` */
    bool all_rows;          /* all rows of the last layer are computed */
    bc_matrix last_in;   /* (S,H) first rows of the last layer's input; null where it is whole */
    float *first_out;        /* (S,H) first rows of its output */
    bertc_batch first_rows; /* as S sequences of one token, set by bc_model_fwd */
    float *pooled;       /* (S,H) after tanh */
    float *dropped;      /* (R,H) what the head reads, after dropout */
    float *logits;       /* (R,C) */
    float *dlogits;      /* (R,C) */
    float *dy, *dz;      /* (N,H) gradients on their way down; training only */
    bc_matrix dx;        /* (N,H) the same */
    bc_matrix dwide;     /* (N,max(3H,F)), of which f32 only (N,3H) beside bf16; training only */
    float *dfirst, *dpooled; /* (S,H) training only */
    float *transposed;       /* (R,max out) of adapters, as all four (nn/lora.h) */
    float *low, *dlow;   /* (N,R) */
    float *low_in;       /* (N,max in) */
    float *attention;    /* scratch for every thread */
    size_t attention_stride;
    bc_profile *profile;       /* null: the passes are not timed */
};

/* How many layers share their input's keeping; all of them without checkpointing. */
static inline size_t bc_layer_group(const bertc_limits *limits, size_t layers)
{
    return limits->checkpointing > 0 ? (size_t)limits->checkpointing : layers;
}

/* Is the workspace this model's? A model that lies where another did, and asks for the same plan, takes its
 * workspaces for its own. */
bool bc_workspace_is_of(const bertc_workspace *workspace, const bertc_model *model);

/* Bytes of a workspace, planned and not allocated; SIZE_MAX where they overflow. */
size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits);

/* The first failure of a backend in passes with this workspace, or BERTC_OK. */
bertc_status bc_workspace_status(const bertc_workspace *workspace, bertc_error *err);

/* Make workspace->first_rows those of this batch. */
void bc_workspace_take_first(bertc_workspace *workspace, const bertc_batch *batch);

#endif
