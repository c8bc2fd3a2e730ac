/* A model: its parameters, its heads, and what is settled of it.
 *
 * 1. All parameters lie in one block in table order, those of heads after the encoder's, those of adapters last.
 * 2. Nothing in it depends on a batch; passes only read it, but for gradients and what an optimiser updates. */
#ifndef BC_NN_MODEL_H
#define BC_NN_MODEL_H

#include "bertc/model.h"
#include "nn/gemm/gemm.h"
#include "nn/head.h"
#include "nn/lora.h"
#include "nn/params.h"

/* A head that a model has. */
typedef struct bc_model_head {
    const bc_head_row *row;
    bertc_config config; /* the model's with the head's labels: what saving it writes */
    size_t first;        /* of its parameters */
} bc_model_head;

struct bertc_model {
    bertc_config config; /* without labels: those are the heads' */
    bc_model_head *heads; /* (num_heads) what they read decides: */
    int num_heads;
    bool pooler;      /* there is one */
    bool all_rows;       /* all rows of the last layer's output are read, not only the first of each sequence */
    bool dense_words; /* every row of the word table has a gradient, not only those that a batch names */
    bc_gemm gemm;     /* with which its weights are packed; passes have that of their workspace */
    int threads;
    bc_param *params; /* (count) in table order */
    size_t count;     /* with those of adapters, which come last */
    size_t scalars;
    float *values;    /* the parameter block (scalars) */
    float *grads;     /* the gradient block (bc_model_grad_scalars), or null */
    int frozen;       /* stages that are not trained now (bertc_model_options); may become fewer and
                         again as many as when the workspace was planned */
    int batch_invariant;      /* stages that are frozen for good, and in which a sequence's rows are the same, to
                         the bit, whatever batch it is in: */
    size_t invariant_rows;     /* their products are of so many rows each; 0: of one sequence each */
    bertc_lora lora;  /* rank 0: no adapters */
    int first_adapted;      /* the first layer that has some */
    bool encoder_only;    /* pooler and head are not set */
    bool use_bf16;        /* products read bf16 copies of the layers' matrices: */
    uint16_t *bf16_values; /* those, or null */
    struct bc_match *match; /* between bc_model_open and bc_model_read: the source of its weights */
};

/* How many scalars the gradient block has. It is smaller than that of the values where a table's
 * `touched` was set before the weights were read. */
size_t bc_model_grad_scalars(const bertc_model *model);

/* How many scalars are trained. */
size_t bc_model_trained_scalars(const bertc_model *model);

/* How many parameters a model's files hold: all but those of adapters. */
static inline size_t bc_model_table_count(const bertc_model *model)
{
    const bc_model_head *last = &model->heads[model->num_heads - 1];
    return last->first + bc_head_params(last->row);
}

/* How many scalars the layers' matrices have, and how many of them a bf16 copy. */
size_t bc_model_matrix_scalars(const bertc_model *model);
size_t bc_model_bf16_scalars(const bertc_model *model);

/* How many scalars the products of settled layers multiply with. */
size_t bc_model_invariant_scalars(const bertc_model *model);

/* A parameter by its row; `layer` is ignored outside the layers. */
bc_param *bc_model_param(const bertc_model *model, bc_param_id id, int layer);

/* The first stage of which anything is trained; with adapters the embeddings are not, whether they are
 * frozen or not. */
static inline int bc_first_trained(const bertc_model *model)
{
    return model->lora.rank > 0 && model->frozen < BC_STAGE_LAYERS ? BC_STAGE_LAYERS : model->frozen;
}

/* The lowest layer that has a backward pass; L: none has. */
static inline int bc_lowest_trained(const bertc_model *model)
{
    return bc_layers_below(bc_first_trained(model), (int)model->config.num_hidden_layers);
}

#endif
