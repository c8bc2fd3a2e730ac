/* Inside a model: parameters, workspace, and the passes that training is made of.
 *
 *   bc_model_fwd   embeddings -> L layers -> pooler -> head, logits in the workspace
 *   bc_model_loss  loss of the logits and their gradient
 *   bc_model_bwd   the same way in reverse, gradients into the parameters' grad buffers
 *
 * 1. None of the three allocates, prints or fails; bc_model_status tells afterwards whether a
 *    backend did.
 * 2. A workspace that was planned for training keeps per layer what backward needs; one for
 *    inference uses the same buffers for every layer.
 * 3. The heads read the first row of each sequence and no other. In the last layer only keys and
 *    values are computed for all rows; everything else, and its backward pass, for the S first
 *    rows, unless the workspace was planned for the whole. The result is the same. */
#ifndef BC_NN_MODEL_H
#define BC_NN_MODEL_H

#include "bertc/model.h"
#include "nn/gemm.h"
#include "nn/laps.h"
#include "nn/params.h"

struct bertc_model {
    bertc_config config;
    bc_gemm gemm;
    int threads;
    bc_param *params; /* (count) in table order */
    size_t count;
    size_t scalars;
    float *values;    /* the parameter block (scalars) */
    float *grads;     /* the gradient block (bc_model_grad_scalars), or null */
    int frozen;       /* stages that are not trained now (bertc_model_options); may become fewer and
                         again as many as when the workspace was planned */
    int settled;      /* stages that are frozen for good, and in which a sequence's rows are the same, to
                         the bit, whatever batch it is in */
    bool headless;    /* pooler and head are not set */
    bool half;        /* products read bf16 copies of the layers' matrices: */
    uint16_t *halves; /* those, or null */
    struct bc_weights *from; /* between bc_model_open and bc_model_read: the file */
};

/* The two halves of bertc_model_load, with the same options. Opening checks the files and lays out
 * the parameters: what the workspace's plan needs is there, but no memory for weights. Reading
 * fails only where memory or the backend does; the model can then only be freed. */
bertc_status bc_model_open(const char *dir, const bertc_model_options *options,
                           bertc_model **model, bertc_error *err);
bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options,
                           bertc_error *err);

/* How many scalars the gradient block has. It is smaller than that of the values where a table's
 * `touched` was set before the weights were read. */
size_t bc_model_grad_scalars(const bertc_model *model);

/* How many scalars are trained. */
size_t bc_model_trained_scalars(const bertc_model *model);

/* How many scalars have a bf16 copy. */
size_t bc_model_half_scalars(const bertc_model *model);

/* How many scalars the products of settled layers multiply with. */
size_t bc_model_settled_scalars(const bertc_model *model);

/* Renew the bf16 copies of all weights, after they were changed by anything but bc_optim_step. */
void bc_model_round(bertc_model *model);

/* A parameter by its row; `layer` is ignored outside the layers. */
bc_param *bc_model_param(const bertc_model *model, bc_param_id id, int layer);

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

/* A bc_matrix below, but for act, is in f32, and in bf16 too where the products are. */
struct bertc_workspace {
    bertc_limits limits;
    void *memory;        /* one allocation, and its first aligned byte: */
    void *block;         /* everything below points into it */
    size_t bytes;
    float *embed_sum;    /* (N,H) */
    float *embed_mean, *embed_rstd; /* (N) */
    bc_matrix embed_out; /* (N,H) */
    int lowest;          /* bc_lowest_trained when it was planned */
    int given;           /* the layer whose input was given to the last pass: layer given - 1 keeps it in
                            out_sum; 0: none */
    bc_layer_cache *layers; /* (L); with checkpointing layers l and l + N share buffers, layers
                               without a backward pass do */
    bc_layer_cache shared;  /* of every layer in a pass that forgets */
    bc_matrix flow[2];   /* (N,H) input of layers > 0 of even and of odd number, in forward */
    bc_matrix attn_out;  /* (N,H) after a layer's first LayerNorm */
    bc_matrix act;       /* (N,F) activation; in one precision, as layers' `up` */
    bc_matrix last_in;   /* (S,H) first rows of the last layer's input; null with `whole` */
    float *first;        /* (S,H) first rows of its output */
    bertc_batch heads;   /* the first rows as S sequences of one token, set by bc_model_fwd */
    float *pooled;       /* (S,H) after tanh */
    float *dropped;      /* (S,H) after the classifier's dropout */
    float *logits;       /* (S,C) */
    float *dlogits;      /* (S,C) */
    float *dy, *dz;      /* (N,H) gradients on their way down; training only */
    bc_matrix dx;        /* (N,H) the same */
    bc_matrix dwide;     /* (N,max(3H,F)), of which f32 only (N,3H) beside bf16; training only */
    float *dfirst, *dpooled; /* (S,H) training only */
    float *attention;    /* scratch for every thread */
    size_t attention_stride;
    bc_laps *laps;       /* null: the passes are not timed */
};

/* The lowest layer that has a backward pass; L: none has. */
static inline int bc_lowest_trained(const bertc_model *model)
{
    int layers = (int)model->config.num_hidden_layers, low = model->frozen - 1;
    return low < 0 ? 0 : low < layers ? low : layers;
}

/* How many layers share their input's keeping; all of them without checkpointing. */
static inline size_t bc_layer_group(const bertc_limits *limits, size_t layers)
{
    return limits->checkpointing > 0 ? (size_t)limits->checkpointing : layers;
}

/* One forward/backward pass: where its dropout comes from. `training` false: no dropout. */
typedef struct bc_pass {
    bool training;
    bool forgets; /* no backward follows: all layers use one's buffers */
    uint64_t seed;
    uint32_t step;
} bc_pass;

/* Bytes of a workspace, planned and not allocated; SIZE_MAX where they overflow. */
size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits);

/* out (count,N,H): bertc_model_hidden without its checks. */
void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out);

/* Does a batch fit the model (ids, types, lengths) and the workspace? */
bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err);

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass);

/* The pass in two: the stages (bc_param_stage) before `stage`, without dropout, and those from it on. Between
 * them lie, at bc_model_entry, the rows that `stage` reads: (N,H) for a layer, of the batch's S first tokens
 * (S,H) for pooler and head. They may have been computed in other batches, some at a time, or kept.
 *
 * stage   1 .. layers + 2. Where bc_model_bwd follows: none below it is trained
 *
 * bc_model_fwd_to returns bc_model_entry. */
float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       int stage);
float *bc_model_entry(const bertc_model *model, bertc_workspace *workspace, int stage);
void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       bc_pass pass, int stage);

/* y (N,H) = output of a layer after a bc_model_fwd that keeps it; of the last layer
 * the rows that were computed. With checkpointing only of a layer that is still kept. */
void bc_model_output(const bertc_model *model, const bertc_workspace *workspace,
                     const bertc_batch *batch, int layer, float *y);

/* Sum over the batch of the per-example loss; the gradient is that of sum / divisor. */
double bc_model_loss(const bertc_model *model, bertc_workspace *workspace,
                     const bertc_batch *batch, double divisor);

/* Gradients of sum / divisor (see bc_model_loss) with respect to every parameter that has a grad
 * buffer: overwritten, or added to with accumulate. */
void bc_model_bwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate);

/* The first failure of the model's backend, or BERTC_OK. */
bertc_status bc_model_status(const bertc_model *model, bertc_error *err);

/* Write parameters other than the model's own (the best weights of a run) in the model's format:
 * `values` is a block in table order. */
bertc_status bc_model_save_values(const bertc_model *model, const float *values, const char *dir,
                                  bertc_error *err);

#endif
