/* The workspace: every buffer that depends on a batch, in one block of memory. */
#ifndef BC_NN_WORKSPACE_H
#define BC_NN_WORKSPACE_H

#include "nn/model.h"
#include "nn/ops/ops.h"
#include "nn/profile.h"

/* Values that a layer's forward pass keeps for its backward pass. Outputs of LayerNorms are not kept: they are
 * recomputed from the norms' caches. If only the first row of each sequence is computed in the last layer, its buffers
 * have S rows in place of N, except for qkv: that holds queries (S,H), then keys and values (N,2H). Matrices are bf16
 * in bf16 models, else f32. */
typedef struct bc_layer_cache {
    float *qkv;              /* (N,3H) */
    bc_matrix context;       /* (N,H) output of attention */
    bc_norm_cache attn_norm; /* the LayerNorm after attention */
    bc_matrix up;            /* (N,F) input of the activation */
    bc_norm_cache out_norm;  /* the LayerNorm at the end of the layer */
} bc_layer_cache;

/* Sizes that a workspace is planned from. Numbers of rows include the rows past the end that products may touch. */
typedef struct bc_dims {
    size_t n, trained_n;    /* rows of tokens: in any batch, in a batch that is trained on */
    size_t s, r;            /* rows of sequences; rows that a head reads */
    size_t layers, heads;
    size_t lowest_trained;  /* the lowest layer that has a backward pass, when planned; L: none */
    size_t h, f, c;
    size_t threads, longest, bf16;
} bc_dims;

/* The buffers stand in the order in which they lie in memory. A bc_matrix is in f32, in bf16 models in bf16 too, unless
 * its comment states otherwise. */
struct bertc_workspace {
    const bertc_model *model;
    bc_dims dims;
    bertc_limits limits;
    bc_gemm gemm;        /* for the products of passes */
    bool all_rows;       /* all rows of the last layer are computed, not only the first of each sequence */
    int entry_layer;     /* the first layer that the last pass ran (bc_model_fwd_from). That layer's input is in
                            out_norm.sum of the layer below. 0: the pass began at the embeddings */
    bc_profile *profile; /* null: passes are not timed */
    void *memory;        /* the allocation */
    void *block;         /* its first aligned byte; all buffers point into the block */
    size_t bytes;        /* size of the block */

    bc_norm_cache embed_norm;
    bc_matrix embed_out;      /* (N,H) */
    bc_layer_cache *layers;   /* (L) an array outside the block. With checkpointing layer l uses the buffers of layer
                                 l - limits.checkpointing. Layers without a backward pass use `shared` */
    bc_layer_cache shared;    /* used by all layers in an inference pass; if a layer is trained, the cache of the lowest
                                 trained layer */
    bc_matrix layer_input[2]; /* (N,H) inputs of layers > 0: [0] of even layers, [1] of odd layers */
    bc_matrix attn_out;       /* (N,H) output of a layer's first LayerNorm */
    bc_matrix activated;      /* (N,F) output of the activation; bf16 in bf16 models, else f32 */
    bc_matrix first_input;    /* (S,H) first row of each sequence in the last layer's input; null with all_rows */
    float *first_output;      /* (S,H) the same rows of the last layer's output */
    bertc_batch first_rows;   /* these rows as S sequences of one token; see bc_workspace_set_first_rows */
    float *pooled;            /* (S,H) output of the pooler */
    float *head_input;        /* (R,H) the rows that a head reads, after dropout */
    float *logits, *dlogits;  /* (R,C) */
    /* only in workspaces for training: gradients */
    float *dfirst, *dpooled;  /* (S,H) */
    bc_matrix dx;             /* (N,H) */
    float *dy, *dz;           /* (N,H) */
    bc_matrix dwide;          /* f32 (N,max(3H,F)); in bf16 models f32 (N,3H) and bf16 (N,max(3H,F)) */
    /* only in models with adapters of rank r (nn/ops/low_rank.h) */
    float *lora_transposed;   /* (r,max(H,F)) */
    float *lora_projected;    /* (N,r) */
    float *lora_dprojected;   /* (N,r) only for training */
    float *lora_input;        /* (N,max(H,F)) only for training with dropout */
    float *attention_scratch; /* (threads,attention_scratch_stride) */
    size_t attention_scratch_stride;
};

/* Layers in a checkpointing group. The backward pass recomputes the layers of a group from the group's input. Without
 * checkpointing all layers are one group. */
static inline size_t bc_layer_group(const bertc_limits *limits, size_t layers)
{
    return limits->checkpointing > 0 ? (size_t)limits->checkpointing : layers;
}

/* Whether the workspace was made for this model. A new model with the same sizes at the address of a freed model is
 * taken for that model. */
bool bc_workspace_is_for(const bertc_workspace *workspace, const bertc_model *model);

/* Bytes of the block of a workspace, without allocating it; SIZE_MAX if they overflow. */
size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits);

/* The first error of the GEMM backend in passes with this workspace, or BERTC_OK. */
bertc_status bc_workspace_status(const bertc_workspace *workspace, bertc_error *err);

/* Set workspace->first_rows to the first rows of this batch's sequences. */
void bc_workspace_set_first_rows(bertc_workspace *workspace, const bertc_batch *batch);

#endif
