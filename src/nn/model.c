#include "nn/model.h"

#include <assert.h>

bc_param *bc_model_param(const bertc_model *model, bc_param_id id, int layer)
{
    assert(bc_param_table[id].scope != BC_SCOPE_HEAD);
    return &model->params[bc_param_index(&model->config, id, layer)];
}

const bertc_config *bertc_model_config(const bertc_model *model)
{
    return model ? &model->heads->config : NULL;
}

size_t bertc_model_parameters(const bertc_model *model)
{
    return model ? model->scalars : 0;
}

/* ---- Sizes for the memory plan ------------------------------------------------------------- */

size_t bc_model_trained_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++)
        if (!model->params[i].frozen) scalars += model->params[i].count;
    return scalars;
}

size_t bc_model_grad_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++) scalars += bc_param_grad_capacity(&model->params[i]);
    return scalars;
}

size_t bc_model_matrix_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++)
        if (bc_param_is_matrix(&model->params[i])) scalars += model->params[i].count;
    return scalars;
}

size_t bc_model_bf16_scalars(const bertc_model *model)
{
    return model->use_bf16 ? bc_model_matrix_scalars(model) : 0;
}

size_t bc_model_invariant_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *p = &model->params[i];
        if (bc_param_is_matrix(p) && bc_param_stage(&model->config, p) < model->batch_invariant) scalars += p->count;
    }
    return scalars;
}
