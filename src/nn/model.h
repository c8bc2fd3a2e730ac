/* Inside a model: parameters, workspace, and the passes that training is made of.
 *
 *   bc_model_fwd   embeddings -> L layers -> pooler -> head, logits in the workspace
 *   bc_model_loss  loss of the logits and their gradient
 *   bc_model_bwd   the same way in reverse, gradients into the parameters' grad buffers
 *
 * 1. None of the three allocates, prints or fails; bc_workspace_status tells afterwards whether a
 *    backend did.
 * 2. A workspace that was planned for training keeps per layer what backward needs; one for
 *    inference uses the same buffers for every layer.
 * 3. Where the heads read the first row of each sequence and no other, only keys and values are computed
 *    for all rows in the last layer; everything else, and its backward pass, for the S first rows, unless
 *    the workspace was planned for the whole. The result is the same. */
#ifndef BC_NN_MODEL_H
#define BC_NN_MODEL_H

#include "base/text.h"
#include "base/writer.h"
#include "bertc/model.h"
#include "nn/gemm/gemm.h"
#include "nn/head.h"
#include "nn/laps.h"
#include "nn/lora.h"
#include "nn/ops/ops.h"
#include "nn/params.h"
#include "nn/values.h"

/* A head that a model is to have. */
typedef struct bc_head {
    const bc_head_row *row;
    const char *name; /* before those of its parameters; null where it is the only one */
    const char *const *labels;
    int32_t num_labels;
} bc_head;

/* A head that a model has. */
typedef struct bc_model_head {
    const bc_head_row *row;
    bertc_config config; /* the model's with the head's labels: what saving it writes */
    size_t first;        /* of its parameters */
} bc_model_head;

struct bertc_model {
    bertc_config config; /* without labels: those are the heads' */
    bc_model_head *heads; /* (num_heads) */
    int num_heads;
    bc_gemm gemm;     /* with which its weights are packed; passes have that of their workspace */
    int threads;
    bc_param *params; /* (count) in table order */
    size_t count;     /* with those of adapters, which come last */
    size_t scalars;
    float *values;    /* the parameter block (scalars) */
    float *grads;     /* the gradient block (bc_model_grad_scalars), or null */
    int frozen;       /* stages that are not trained now (bertc_model_options); may become fewer and
                         again as many as when the workspace was planned */
    int settled;      /* stages that are frozen for good, and in which a sequence's rows are the same, to
                         the bit, whatever batch it is in: */
    size_t block;     /* their products are of so many rows each; 0: of one sequence each */
    bertc_lora lora;  /* rank 0: no adapters */
    int adapted;      /* the first layer that has some */
    bool headless;    /* pooler and head are not set */
    bool half;        /* products read bf16 copies of the layers' matrices: */
    uint16_t *halves; /* those, or null */
    struct bc_match *from; /* between bc_model_open and bc_model_read: the source of its weights */
};

/* The two halves of bertc_model_load, with the same options, but a number of threads that is settled. Opening checks the files and lays out
 * the parameters: what the workspace's plan needs is there, but no memory for weights. Reading
 * fails only where memory or the backend does; the model can then only be freed. */
bertc_status bc_model_open(const char *dir, const bertc_model_options *options,
                           bertc_model **model, bertc_error *err);
bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options,
                           bertc_error *err);

/* Is every option in its range; are there so many stages and layers? Errors: BERTC_USAGE. */
bertc_status bc_model_check_options(const bertc_model_options *options, bertc_error *err);
bertc_status bc_model_check_stages(const bertc_model_options *options, const bertc_config *config,
                                   bertc_error *err);

/* The same with the heads (count) that are wanted in place of the options' labels. The file's head is
 * kept for the first of them whose labels it has. */
bertc_status bc_model_open_heads(const char *dir, const bertc_model_options *options,
                                 const bc_head *heads, int count, bertc_model **model,
                                 bertc_error *err);

/* The kind that so many labels of sequences name in a configuration: one stands for a value. */
const bc_head_row *bc_head_of(int32_t num_labels);

/* The first of the heads (count) whose labels a configuration has, in any order, or unnamed ones of the
 * same number; -1: none. */
int bc_head_find(const bertc_config *config, const bc_head *heads, int count);

/* What became of a file's head, into `line`: kept, for which of several, or replaced (`kept` < 0), and why.
 * refusal: why nobody can keep it, or null. fits: its weights have the shape that its configuration asks for. */
void bc_head_describe(bc_text *line, const bertc_config *config, const char *refusal, bool fits, int kept,
                      const bc_head *heads, int count);

/* Give the model its heads. One that is kept gets the labels of the configuration; where none is wanted (count
 * 0), the only one does. */
bertc_status bc_model_take_heads(bertc_model *model, const bc_head *heads, int count, int kept,
                                 bertc_error *err);

/* The most labels that a head has; whether one reads all rows. */
size_t bc_model_most_labels(const bertc_model *model);
bool bc_model_reads_all(const bertc_model *model);

/* The first parameter of the encoder of an opened model that no file holds; null: none. */
const bc_param *bc_model_drawn(const bertc_model *model);

/* How many scalars the gradient block has. It is smaller than that of the values where a table's
 * `touched` was set before the weights were read. */
size_t bc_model_grad_scalars(const bertc_model *model);

/* How many scalars are trained. */
size_t bc_model_trained_scalars(const bertc_model *model);

/* How many parameters a model's files hold: all but those of adapters. */
static inline size_t bc_model_table_count(const bertc_model *model)
{
    return bc_param_count(&model->config) + (size_t)(model->num_heads - 1) * BC_HEAD_PARAMS;
}

/* How many scalars the layers' matrices have, and how many of them a bf16 copy. */
size_t bc_model_matrix_scalars(const bertc_model *model);
size_t bc_model_half_scalars(const bertc_model *model);

/* A product of a layer's weights, or the pooler's: several matrices that lie one after another are one. */
typedef struct bc_product {
    bc_param *w; /* the first */
    size_t in, out;
} bc_product;

/* Those of a layer in the order of a pass, or with layer = num_hidden_layers that of the pooler; how many. */
enum { BC_MOST_PRODUCTS = 5 };
int bc_model_products(bertc_model *model, int layer, bc_product products[BC_MOST_PRODUCTS]);

/* x (N,in) through it into y (N,out), by the weights' packed or bf16 copy where there is one. */
void bc_product_fwd(bc_gemm *gemm, bc_matrix y, bc_matrix x, const bc_param *w, const float *b, bc_linear d);

/* Choose model->block, once all copies of the weights are made. Errors: BERTC_NOMEM, or the backend's. */
enum { BC_BLOCK_MOST = 192 };
bertc_status bc_model_settle(bertc_model *model, bertc_error *err);

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

/* The numbers that a plan is made of. */
typedef struct bc_dims {
    size_t n, kept, s, layers, lowest, h, heads, f, r, c, threads, longest, half;
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
    int lowest;          /* bc_lowest_trained when it was planned */
    int given;           /* the layer whose input was given to the last pass: layer given - 1 keeps it in
                            out_sum; 0: none */
    bc_layer_cache *layers; /* (L); with checkpointing layers l and l + N share buffers, layers
                               without a backward pass do */
    bc_layer_cache shared;  /* of every layer in a pass that forgets */
    bc_matrix flow[2];   /* (N,H) input of layers > 0 of even and of odd number, in forward */
    bc_matrix attn_out;  /* (N,H) after a layer's first LayerNorm */
    bc_matrix act;       /* (N,F) activation; in one precision, as layers' `up` */
    bool whole;          /* all rows of the last layer are computed */
    bc_matrix last_in;   /* (S,H) first rows of the last layer's input; null where it is whole */
    float *first;        /* (S,H) first rows of its output */
    bertc_batch first_rows; /* as S sequences of one token, set by bc_model_fwd */
    float *pooled;       /* (S,H) after tanh */
    float *dropped;      /* (R,H) what the head reads, after dropout */
    float *logits;       /* (R,C) */
    float *dlogits;      /* (R,C) */
    float *dy, *dz;      /* (N,H) gradients on their way down; training only */
    bc_matrix dx;        /* (N,H) the same */
    bc_matrix dwide;     /* (N,max(3H,F)), of which f32 only (N,3H) beside bf16; training only */
    float *dfirst, *dpooled; /* (S,H) training only */
    float *turned;       /* (R,max out) of adapters, as all four (nn/lora.h) */
    float *low, *dlow;   /* (N,R) */
    float *low_in;       /* (N,max in) */
    float *attention;    /* scratch for every thread */
    size_t attention_stride;
    bc_laps *laps;       /* null: the passes are not timed */
};

/* The first stage of which anything is trained; with adapters the embeddings are not, whether they are
 * frozen or not. */
static inline int bc_first_trained(const bertc_model *model)
{
    return model->lora.rank > 0 && model->frozen < 1 ? 1 : model->frozen;
}

/* The lowest layer that has a backward pass; L: none has. */
static inline int bc_lowest_trained(const bertc_model *model)
{
    int layers = (int)model->config.num_hidden_layers, low = bc_first_trained(model) - 1;
    return low < 0 ? 0 : low < layers ? low : layers;
}

/* How many layers share their input's keeping; all of them without checkpointing. */
static inline size_t bc_layer_group(const bertc_limits *limits, size_t layers)
{
    return limits->checkpointing > 0 ? (size_t)limits->checkpointing : layers;
}

/* Rates of dropout. Those of adapters are the model's own (bertc_lora). */
typedef struct bc_rates {
    double hidden, attention; /* after embeddings and the halves of layers; of the attention's probabilities */
    double head;              /* of what a head reads */
} bc_rates;

/* Those of a configuration, or `dropout` everywhere where that is not negative. */
bc_rates bc_rates_of(const bertc_config *config, double dropout);

/* One forward/backward pass. */
typedef struct bc_pass {
    int head;                /* which of the model's */
    const bc_rates *dropout; /* of a pass that is trained on, all 0 where that has none; null: it is not, and
                                bc_model_bwd must not follow */
    bool forgets;            /* no backward follows: all layers use one's buffers */
    uint64_t seed;           /* of dropout, as the step: */
    uint32_t step;
} bc_pass;

/* Is the workspace this model's? A model that lies where another did, and asks for the same plan, takes its
 * workspaces for its own. */
bool bc_workspace_is_of(const bertc_workspace *workspace, const bertc_model *model);

/* Bytes of a workspace, planned and not allocated; SIZE_MAX where they overflow. */
size_t bc_workspace_plan(const bertc_model *model, const bertc_limits *limits);

/* out (count,N,H): bertc_model_hidden without its checks. */
void bc_model_hidden(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     const int32_t *layers, size_t count, float *out);

/* Was the workspace made for this model? Does a batch fit both: ids, types, positions, lengths?
 * Errors: BERTC_USAGE, BERTC_INPUT. */
bertc_status bc_model_check_batch(const bertc_model *model, const bertc_workspace *workspace,
                                  const bertc_batch *batch, bertc_error *err);

void bc_model_fwd(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass);

/* The pass in two: the stages (bc_param_stage) before `stage`, without dropout, and those from it on. Between
 * them lie, at bc_model_entry, the rows that `stage` reads: (N,H) for a layer or a head that reads all rows, of the
 * batch's S first tokens (S,H) for the pooler and a head that reads it. They may have been computed in other batches,
 * some at a time, or kept.
 *
 * stage   1 .. layers + 2. Where bc_model_bwd follows: none below it is trained
 *
 * bc_model_fwd_to returns bc_model_entry. */
float *bc_model_fwd_to(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch, int head,
                       int stage);
float *bc_model_entry(const bertc_model *model, bertc_workspace *workspace, int head, int stage);
bool bc_model_enters_by_token(const bertc_model *model, int head, int stage); /* are they (N,H)? */
void bc_model_fwd_from(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                       bc_pass pass, int stage);

/* y (N,H) = output of a layer after a bc_model_fwd that keeps it; of the last layer
 * the rows that were computed. With checkpointing only of a layer that is still kept. */
void bc_model_output(const bertc_model *model, bertc_workspace *workspace,
                     const bertc_batch *batch, int layer, float *y);

/* Sum over the batch of the per-example loss of the pass's head; the gradient is that of sum /
 * divisor. */
double bc_model_loss(const bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                     bc_pass pass, const bc_objective *objective, double divisor);

/* Gradients of sum / divisor (see bc_model_loss) with respect to every parameter that has a grad
 * buffer: overwritten, or added to with accumulate. */
void bc_model_bwd(bertc_model *model, bertc_workspace *workspace, const bertc_batch *batch,
                  bc_pass pass, bool accumulate);

/* Scalars of the largest matrix that has an adapter, with that: saving makes it in a buffer of its own. */
size_t bc_model_merge_scalars(const bertc_model *model);

/* The first failure of a backend in passes with this workspace, or BERTC_OK. */
bertc_status bc_workspace_status(const bertc_workspace *workspace, bertc_error *err);

/* Write a block of values (the model's own, or the best weights of a run) in the model's format, with one of its
 * heads. Adapters are merged into their matrices. What is written is noted in `ledger` unless that is null. */
bertc_status bc_model_save_values(const bertc_model *model, int head, const bc_values *values, const bc_dir *dir,
                                  bc_ledger *ledger, bertc_error *err);

#endif
