/* A model: its parameters and its heads.
 *
 * 1. All values are one block in the order of the parameter table: the encoder's values first, then the heads', then
 *    the adapters'.
 * 2. Nothing in a model depends on a batch. Passes only read it, except for gradients, which they write. The optimizer
 *    updates values. */
#ifndef BC_NN_MODEL_H
#define BC_NN_MODEL_H

#include "bertc/model.h"
#include "nn/gemm/gemm.h"
#include "nn/head.h"
#include "nn/lora.h"
#include "nn/params.h"

/* A head of a model. */
typedef struct bc_model_head {
    const bc_head_row *row;
    bertc_config config; /* the model's config with the head's labels; it is saved with the head */
    size_t first;        /* index of the head's first parameter */
} bc_model_head;

struct bertc_model {
    bertc_config config;     /* without labels, which belong to the heads */
    bc_model_head *heads;    /* (num_heads) */
    int num_heads;
    bool pooler;             /* a head reads the pooler's output */
    bool all_rows;           /* a head reads all rows of the last layer's output, not only each sequence's first row */
    bool dense_words;        /* a head has a gradient for every row of the word embedding table, not only for ids in a
                                batch */
    bc_gemm gemm;            /* packs the weights; passes use the bc_gemm of their workspace */
    int threads;
    bc_param *params;        /* (count) in the order of the parameter table, the adapters' last */
    size_t count, scalars;
    float *values;           /* the parameter block (scalars) */
    float *grads;            /* the gradient block (bc_model_grad_scalars), or null */
    int frozen;              /* number of stages that are frozen now. It falls when stages are unfrozen. It may rise
                                again, but not above its value when the workspace was planned */
    int batch_invariant;     /* number of batch-invariant stages: they are frozen for the whole run, and give a sequence
                                the same rows, to the bit, in every batch */
    size_t invariant_rows;   /* rows of each product in these stages; 0: each sequence has products of its own */
    bertc_lora lora;         /* rank 0: no adapters */
    int first_adapted;       /* the first layer with adapters */
    bool encoder_only;       /* pooler and head have no values */
    bool use_bf16;           /* products read bf16 copies of the layers' matrices */
    uint16_t *bf16_values;   /* these copies, or null */
    struct bc_match *match;  /* the model source, between bc_model_open and bc_model_read */
};

/* The number of scalars of the gradient block. Sparse rows that are set before the weights are read make it smaller
 * than the parameter block. */
size_t bc_model_grad_scalars(const bertc_model *model);

/* The number of scalars that are trained. */
size_t bc_model_trained_scalars(const bertc_model *model);

/* The number of parameters in the files of a model: all except the adapters' parameters. */
static inline size_t bc_model_table_count(const bertc_model *model)
{
    const bc_model_head *last = &model->heads[model->num_heads - 1];
    return last->first + bc_head_params(last->row);
}

/* The number of scalars of the layers' matrices. */
size_t bc_model_matrix_scalars(const bertc_model *model);

/* The number of scalars of the bf16 copies; 0 for f32 models. */
size_t bc_model_bf16_scalars(const bertc_model *model);

/* The number of scalars of the matrices of batch-invariant layers. */
size_t bc_model_invariant_scalars(const bertc_model *model);

/* Find a parameter by its id. layer: ignored outside the layers. */
bc_param *bc_model_param(const bertc_model *model, bc_param_id id, int layer);

/* The first stage with a trained parameter. With adapters the embeddings are never trained. */
static inline int bc_first_trained(const bertc_model *model)
{
    return model->lora.rank > 0 && model->frozen < BC_STAGE_LAYERS ? BC_STAGE_LAYERS : model->frozen;
}

/* The lowest layer that has a backward pass; L: none. */
static inline int bc_lowest_trained(const bertc_model *model)
{
    return bc_layers_below(bc_first_trained(model), (int)model->config.num_hidden_layers);
}

#endif
