#include "nn/params.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"

#define LAYER "bert.encoder.layer.%d."

const bc_param_row bc_param_table[BC_PARAM_IDS] = {
    [BC_WORD] = {"bert.embeddings.word_embeddings.weight", BC_SCOPE_EMBEDDINGS, "VH", BC_PARAM_NORMAL, true},
    [BC_POSITION] = {"bert.embeddings.position_embeddings.weight", BC_SCOPE_EMBEDDINGS, "PH", BC_PARAM_NORMAL, true},
    [BC_TYPE] = {"bert.embeddings.token_type_embeddings.weight", BC_SCOPE_EMBEDDINGS, "TH", BC_PARAM_NORMAL, true},
    [BC_EMBED_GAIN] = {"bert.embeddings.LayerNorm.weight", BC_SCOPE_EMBEDDINGS, "H", BC_PARAM_ONE, false},
    [BC_EMBED_BIAS] = {"bert.embeddings.LayerNorm.bias", BC_SCOPE_EMBEDDINGS, "H", BC_PARAM_ZERO, false},
    [BC_QUERY_W] = {LAYER "attention.self.query.weight", BC_SCOPE_LAYER, "HH", BC_PARAM_NORMAL, true},
    [BC_KEY_W] = {LAYER "attention.self.key.weight", BC_SCOPE_LAYER, "HH", BC_PARAM_NORMAL, true},
    [BC_VALUE_W] = {LAYER "attention.self.value.weight", BC_SCOPE_LAYER, "HH", BC_PARAM_NORMAL, true},
    [BC_QUERY_B] = {LAYER "attention.self.query.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_KEY_B] = {LAYER "attention.self.key.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_VALUE_B] = {LAYER "attention.self.value.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_ATTN_W] = {LAYER "attention.output.dense.weight", BC_SCOPE_LAYER, "HH", BC_PARAM_NORMAL, true},
    [BC_ATTN_B] = {LAYER "attention.output.dense.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_ATTN_GAIN] = {LAYER "attention.output.LayerNorm.weight", BC_SCOPE_LAYER, "H", BC_PARAM_ONE, false},
    [BC_ATTN_BIAS] = {LAYER "attention.output.LayerNorm.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_UP_W] = {LAYER "intermediate.dense.weight", BC_SCOPE_LAYER, "FH", BC_PARAM_NORMAL, true},
    [BC_UP_B] = {LAYER "intermediate.dense.bias", BC_SCOPE_LAYER, "F", BC_PARAM_ZERO, false},
    [BC_DOWN_W] = {LAYER "output.dense.weight", BC_SCOPE_LAYER, "HF", BC_PARAM_NORMAL, true},
    [BC_DOWN_B] = {LAYER "output.dense.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_OUT_GAIN] = {LAYER "output.LayerNorm.weight", BC_SCOPE_LAYER, "H", BC_PARAM_ONE, false},
    [BC_OUT_BIAS] = {LAYER "output.LayerNorm.bias", BC_SCOPE_LAYER, "H", BC_PARAM_ZERO, false},
    [BC_POOL_W] = {"bert.pooler.dense.weight", BC_SCOPE_POOLER, "HH", BC_PARAM_NORMAL, true},
    [BC_POOL_B] = {"bert.pooler.dense.bias", BC_SCOPE_POOLER, "H", BC_PARAM_ZERO, false},
    [BC_CLASS_W] = {"classifier.weight", BC_SCOPE_HEAD, "CH", BC_PARAM_NORMAL, true},
    [BC_CLASS_B] = {"classifier.bias", BC_SCOPE_HEAD, "C", BC_PARAM_ZERO, false},
};

enum {
    FIRST_OF_LAYER = BC_QUERY_W,
    AFTER_LAYER = BC_OUT_BIAS + 1,
    AFTER_POOLER = BC_POOL_B + 1,
    ROWS_OF_LAYER = AFTER_LAYER - FIRST_OF_LAYER
};

size_t bc_param_count(const bertc_config *config, bool pooler)
{
    size_t rows = pooler ? AFTER_POOLER : AFTER_LAYER;
    return rows - ROWS_OF_LAYER + (size_t)config->num_hidden_layers * ROWS_OF_LAYER;
}

size_t bc_param_index(const bertc_config *config, bc_param_id id, int layer)
{
    size_t row = (size_t)id, layers = (size_t)config->num_hidden_layers;
    assert(row < AFTER_POOLER);
    if (row < FIRST_OF_LAYER) return row;
    if (row < AFTER_LAYER) return row + (size_t)layer * ROWS_OF_LAYER;
    return row + (layers - 1) * ROWS_OF_LAYER;
}

int bc_param_stage(const bertc_config *config, const bc_param *param)
{
    int layers = (int)config->num_hidden_layers;
    switch (param->row->scope) {
    case BC_SCOPE_EMBEDDINGS: return BC_STAGE_EMBEDDINGS;
    case BC_SCOPE_LAYER:
    case BC_SCOPE_ADAPTER: return bc_stage_layer(param->layer);
    case BC_SCOPE_POOLER: return bc_stage_pooler(layers);
    default: return bc_stage_head(layers);
    }
}

bool bc_param_is_bias(const bc_param *param)
{
    const char *dot = strrchr(param->row->name, '.');
    return strcmp(dot, ".bias") == 0;
}

size_t bc_param_grad_capacity(const bc_param *param)
{
    if (param->frozen) return 0;
    return param->sparse_rows ? param->sparse_rows->max * param->shape[1] : param->count;
}

size_t bc_param_grad_count(const bc_param *param)
{
    return param->sparse_rows ? param->sparse_rows->count * param->shape[1] : param->count;
}

static size_t dimension(const bertc_config *config, char symbol)
{
    switch (symbol) {
    case 'V': return (size_t)config->vocab_size;
    case 'P': return (size_t)config->max_position_embeddings;
    case 'T': return (size_t)config->type_vocab_size;
    case 'F': return (size_t)config->intermediate_size;
    case 'C': return (size_t)config->num_labels;
    default: return (size_t)config->hidden_size;
    }
}

/* Describe one parameter that begins at *total, and add its scalars to *total. */
static bool describe(const bertc_config *config, bc_param_id id, int layer, bc_param *param, size_t *total)
{
    const bc_param_row *row = &bc_param_table[id];
    *param = (bc_param){.row = row, .layer = layer, .offset = *total, .count = 1, .lr_scale = 1};
    param->head = row->scope == BC_SCOPE_HEAD ? 0 : -1;
    /* "%d" in the name stands for the layer. */
    const char *number = strstr(row->name, "%d");
    if (number)
        snprintf(param->name, sizeof param->name, "%.*s%d%s", (int)(number - row->name), row->name, layer, number + 2);
    else
        snprintf(param->name, sizeof param->name, "%s", row->name);
    for (int i = 0; i < 2 && row->dims[i]; i++) {
        param->shape[param->rank] = dimension(config, row->dims[i]);
        if (!bc_size_mul(param->count, param->shape[param->rank], &param->count)) return false;
        param->rank++;
    }
    return bc_size_add(*total, param->count, total);
}

static bool describe_rows(const bertc_config *config, int first, int end, int layer, bc_param **params, size_t *total)
{
    for (int id = first; id < end; id++)
        if (!describe(config, (bc_param_id)id, layer, (*params)++, total)) return false;
    return true;
}

bool bc_param_plan(const bertc_config *config, bool pooler, bc_param *params, size_t *total)
{
    *total = 0;
    bool fits = describe_rows(config, 0, FIRST_OF_LAYER, -1, &params, total);
    for (int layer = 0; fits && layer < config->num_hidden_layers; layer++)
        fits = describe_rows(config, FIRST_OF_LAYER, AFTER_LAYER, layer, &params, total);
    return fits && (!pooler || describe_rows(config, AFTER_LAYER, AFTER_POOLER, -1, &params, total));
}

bool bc_param_plan_head(const bertc_config *config, bc_param_id first, bc_param_id end, bc_param *params, size_t *total)
{
    return describe_rows(config, (int)first, (int)end, -1, &params, total);
}
