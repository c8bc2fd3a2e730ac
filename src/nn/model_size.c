/* How many scalars of a model are trained, copied, packed: what memory is planned by. */
#include "nn/model.h"

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
    for (size_t i = 0; i < model->count; i++) scalars += bc_param_grad_room(&model->params[i]);
    return scalars;
}

size_t bc_model_matrix_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++)
        if (bc_param_is_matrix(&model->params[i])) scalars += model->params[i].count;
    return scalars;
}

size_t bc_model_half_scalars(const bertc_model *model)
{
    return model->half ? bc_model_matrix_scalars(model) : 0;
}

size_t bc_model_settled_scalars(const bertc_model *model)
{
    size_t scalars = 0;
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *p = &model->params[i];
        if (bc_param_is_matrix(p) && bc_param_stage(&model->config, p) < model->settled) scalars += p->count;
    }
    return scalars;
}
