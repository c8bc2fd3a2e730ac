/* The parameter table: everything that is known of a parameter of BertForSequenceClassification
 * stands in one row. Model memory, loader, saver, initialiser, optimiser mask and `inspect` derive
 * from it.
 *
 * 1. The order of rows is the order in memory. Query, key and value stand together, weights first
 *    and biases after, so that the three are one (3H,H) matrix and one (3H) bias.
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
    BC_QUERY_W, /* the first row that every layer has */
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
    BC_OUT_BIAS, /* the last row that every layer has */
    BC_POOL_W,
    BC_POOL_B,
    BC_CLASS_W, /* from here on rows of heads (nn/head.h) */
    BC_CLASS_B,
    BC_PARAM_IDS
} bc_param_id;

typedef enum bc_param_scope {
    BC_SCOPE_EMBEDDINGS,
    BC_SCOPE_LAYER,
    BC_SCOPE_POOLER,
    BC_SCOPE_HEAD,
    BC_SCOPE_ADAPTER /* of a matrix of a layer, after all others (nn/lora.h) */
} bc_param_scope;
typedef enum bc_param_init {
    BC_PARAM_NORMAL,
    BC_PARAM_ONE,
    BC_PARAM_ZERO,
    BC_PARAM_UNIFORM /* within 1 / sqrt(columns): kaiming_uniform with a = sqrt(5) */
} bc_param_init;

typedef struct bc_param_row {
    const char *name; /* in the checkpoint; %d is the layer */
    bc_param_scope scope;
    char dims[2];     /* 'V' 'P' 'T' 'H' 'F' 'C', or 0: a vector has one; of adapters 'R', and 'O' 'I'
                         of the matrix */
    bc_param_init init; /* initial values of a parameter that is not in a file */
    bool decays;      /* subject to weight decay */
} bc_param_row;

extern const bc_param_row bc_param_table[BC_PARAM_IDS];

enum { BC_PARAM_NAME = 96 };

typedef struct bc_param {
    char name[BC_PARAM_NAME]; /* "bert.encoder.layer.3.attention.self.query.weight" */
    const bc_param_row *row;
    int layer;                /* -1 outside the layers */
    int head;                 /* which of the model's it belongs to; -1: none */
    int rank;
    size_t shape[2];
    size_t count;             /* scalars */
    size_t offset;            /* of the first scalar in the block */
    float *value;
    float *grad;              /* null: not trained */
    const bc_sparse_rows *sparse_rows; /* of a table: the rows that grad has; null: all of them */
    bool frozen;              /* it is not trained, whatever else is */
    double lr_scale;              /* of the learning rate */
    int64_t first_step;            /* the first step that trains it */
    uint16_t *bf16;           /* bf16 copy that products read; null: they read value */
    struct bc_packed *packed; /* weights of this and the parameters after it that are multiplied with
                                 it, for forward; null: not packed */
} bc_param;

/* Number of parameters of an encoder of this shape, with a pooler or without one. */
size_t bc_param_count(const bertc_config *config, bool pooler);

/* Describe all of them in order (params has room for bc_param_count); value and grad are null.
 * Returns false where the sizes overflow. *total receives the number of scalars. */
bool bc_param_plan(const bertc_config *config, bool pooler, bc_param *params, size_t *total);

/* Describe a head, the rows first .. end - 1, after all that was planned, and move *total. `config` has its labels. */
bool bc_param_plan_head(const bertc_config *config, bc_param_id first, bc_param_id end, bc_param *params,
                        size_t *total);

/* The stage (nn/stage.h) of a parameter. */
int bc_param_stage(const bertc_config *config, const bc_param *param);

/* Of a linear layer or a LayerNorm. */
bool bc_param_is_bias(const bc_param *param);

/* Is it a matrix that the products of a layer read? Those have bf16 copies and packed ones. */
static inline bool bc_param_is_matrix(const bc_param *param)
{
    return param->row->scope == BC_SCOPE_LAYER && param->rank == 2;
}

/* Scalars of its gradient, were it trained: those that there is room for (none where it is frozen),
 * and those that the rows touched now have. */
size_t bc_param_grad_capacity(const bc_param *param);
size_t bc_param_grad_count(const bc_param *param);

/* Index of an encoder's or pooler's parameter in that order; `layer` is ignored outside the layers. */
size_t bc_param_index(const bertc_config *config, bc_param_id id, int layer);

#endif
