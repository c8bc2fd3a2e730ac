/* The parameter table: one entry for each parameter of BertForSequenceClassification. The model's memory, loading,
 * saving, initial values, weight decay and `inspect` derive from it.
 *
 * 1. The order of entries is the order in memory. Query, key and value are adjacent, weights first and biases after
 *    them, so that the three are one (3H,H) matrix and one (3H) bias. The bias of a LayerNorm follows its gain.
 * 2. Linear weights are (out,in), row-major, as in the checkpoint. */
#ifndef BC_NN_PARAMS_H
#define BC_NN_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/config.h"
#include "nn/ops/sparse_rows.h"
#include "nn/stage.h"

typedef enum bc_param_id {
    BC_WORD,
    BC_POSITION,
    BC_TYPE,
    BC_EMBED_GAIN,
    BC_EMBED_BIAS,
    BC_QUERY_W, /* the first entry of a layer */
    BC_KEY_W,
    BC_VALUE_W,
    BC_QUERY_B,
    BC_KEY_B,
    BC_VALUE_B,
    BC_ATTN_W,
    BC_ATTN_B,
    BC_ATTN_GAIN,
    BC_ATTN_BIAS,
    BC_UP_W, /* intermediate.dense */
    BC_UP_B,
    BC_DOWN_W, /* output.dense */
    BC_DOWN_B,
    BC_OUT_GAIN,
    BC_OUT_BIAS, /* the last entry of a layer */
    BC_POOL_W,
    BC_POOL_B,
    BC_CLASS_W, /* the first entry of heads (nn/head.h) */
    BC_CLASS_B,
    BC_PARAM_IDS
} bc_param_id;

typedef enum bc_param_scope {
    BC_SCOPE_EMBEDDINGS,
    BC_SCOPE_LAYER,
    BC_SCOPE_POOLER,
    BC_SCOPE_HEAD,
    BC_SCOPE_ADAPTER /* adapter of a layer's matrix (nn/lora.h) */
} bc_param_scope;

typedef enum bc_param_init {
    BC_PARAM_NORMAL,
    BC_PARAM_ONE,
    BC_PARAM_ZERO,
    BC_PARAM_UNIFORM /* uniform from -1 / sqrt(columns) to 1 / sqrt(columns): kaiming_uniform with a = sqrt(5) */
} bc_param_init;

typedef struct bc_param_row {
    const char *name;   /* name in the checkpoint; %d stands for the layer */
    bc_param_scope scope;
    char dims[2];       /* the two dimensions as letters: 'V' 'P' 'T' 'H' 'F' 'C'. For adapters: 'R' is the rank, 'O'
                           and 'I' are the dimensions (out,in) of the matrix. A vector has 0 as its second dimension */
    bc_param_init init; /* initial values if no file holds the parameter */
    bool decays;        /* subject to weight decay */
} bc_param_row;

extern const bc_param_row bc_param_table[BC_PARAM_IDS];

enum { BC_PARAM_NAME = 96 };

typedef struct bc_param {
    char name[BC_PARAM_NAME]; /* "bert.encoder.layer.3.attention.self.query.weight" */
    const bc_param_row *row;
    int layer;                /* -1 outside the layers */
    int head;                 /* index of the parameter's head; -1: none */
    int rank;
    size_t shape[2];
    size_t count;             /* scalars */
    size_t offset;            /* index of the first scalar in the block */
    float *value;
    float *grad;              /* null: not trained */
    const bc_sparse_rows *sparse_rows; /* the rows of an embedding table that grad contains; null: all rows */
    bool frozen;              /* never trained */
    double lr_scale;          /* factor of the learning rate */
    int64_t first_step;       /* the first step that trains it */
    uint16_t *bf16;           /* bf16 copy that products read; null: products read value */
    struct bc_packed *packed; /* packed copy of this matrix and the following ones that are part of the same product;
                                 null: not packed */
} bc_param;

/* The number of parameters of an encoder, with or without a pooler. */
size_t bc_param_count(const bertc_config *config, bool pooler);

/* Describe these parameters in order. params: (bc_param_count) out, with value and grad null. *total receives the
 * number of scalars. Returns false if the sizes overflow. */
bool bc_param_plan(const bertc_config *config, bool pooler, bc_param *params, size_t *total);

/* Describe a head's parameters, the entries first .. end - 1 of the table, and add their scalars to *total. config:
 * with the head's labels. Returns false if the sizes overflow. */
bool bc_param_plan_head(const bertc_config *config, bc_param_id first, bc_param_id end, bc_param *params,
                        size_t *total);

/* The stage (nn/stage.h) of a parameter. */
int bc_param_stage(const bertc_config *config, const bc_param *param);

/* Whether a parameter is the bias of a linear layer or a LayerNorm. */
bool bc_param_is_bias(const bc_param *param);

/* Whether a parameter is a matrix of a layer, which may have a bf16 copy and a packed copy. */
static inline bool bc_param_is_matrix(const bc_param *param)
{
    return param->row->scope == BC_SCOPE_LAYER && param->rank == 2;
}

/* The number of scalars allocated for a parameter's gradient; 0 if it is frozen. */
size_t bc_param_grad_capacity(const bc_param *param);

/* The number of scalars of a parameter's gradient in this step. If it has sparse rows, only these count. */
size_t bc_param_grad_count(const bc_param *param);

/* The index of a parameter of the encoder or the pooler among all parameters. layer: ignored outside the layers. */
size_t bc_param_index(const bertc_config *config, bc_param_id id, int layer);

#endif
