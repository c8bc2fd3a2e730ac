/* Saving models. Adapters are merged into their matrices while those are written, one at a time. */
#include "nn/model.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/config.h"
#include "formats/safetensors.h"

static const char weights_name[] = "model.safetensors";

/* The id of a parameter of a layer. */
static bc_param_id id_of(const bc_param *param)
{
    return (bc_param_id)(param->row - bc_param_table);
}

static const bc_param *adapter_of(const bertc_model *model, const bc_param *param)
{
    size_t index = bc_lora_index(&model->lora, model->adapted, id_of(param), param->layer);
    return index == SIZE_MAX ? NULL : &model->params[bc_model_table_count(model) + index];
}

size_t bc_model_merge_scalars(const bertc_model *model)
{
    size_t most = 0, count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++)
        if (adapter_of(model, &model->params[i]) && model->params[i].count > most)
            most = model->params[i].count;
    return most;
}

/* Matrices with adapters are made when they are written, in a buffer that all of them share. Up to the
 * heads, of which one is written, a tensor has its parameter's index. */
typedef struct merger {
    const bertc_model *model;
    const float *values;
    float *into;
} merger;

static const void *merge(const void *maker, size_t index)
{
    const merger *m = maker;
    const bertc_lora *lora = &m->model->lora;
    const bc_param *w = &m->model->params[index], *a = adapter_of(m->model, w);
    if (!a) return NULL;
    bc_low_rank_merge(m->into, m->values + w->offset, m->values + a[0].offset, m->values + a[1].offset,
                      w->shape[0], w->shape[1], (size_t)lora->rank, lora->alpha / lora->rank);
    return m->into;
}

static bertc_status write_weights(const bertc_model *model, const float *values, const char *path,
                                  bertc_error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    size_t count = bc_model_table_count(model), written = 0;
    bc_tensor_out *tensors = bc_alloc(count, sizeof *tensors);
    const merger m = {model, values, bc_alloc(bc_model_merge_scalars(model), sizeof(float))};
    bertc_status status = tensors && m.into ? BERTC_OK : bc_fail_memory(err);
    for (size_t i = 0; status == BERTC_OK && i < count; i++) {
        const bc_param *p = &model->params[i];
        bool head = p->row->scope == BC_SCOPE_HEAD;
        if (head && p->head != model->head) continue;
        tensors[written++] = (bc_tensor_out){.name = head ? p->row->name : p->name,
                                             .dtype = BC_F32,
                                             .rank = p->rank,
                                             .shape = {p->shape[0], p->shape[1]},
                                             .data = values + p->offset};
    }
    if (status == BERTC_OK)
        status = bc_safetensors_write_made(path, tensors, written, metadata, merge, &m, err);
    bc_free(tensors);
    bc_free(m.into);
    return status;
}

bertc_status bc_model_save_values(const bertc_model *model, const float *values, const char *dir,
                                  bertc_error *err)
{
    char *weights = bc_path_join(dir, weights_name), *config = bc_path_join(dir, "config.json");
    bertc_status status = weights && config ? bc_config_write(&model->config, config, err)
                                            : bc_fail_memory(err);
    if (status == BERTC_OK) status = write_weights(model, values, weights, err);
    bc_free(weights);
    bc_free(config);
    return status;
}

bertc_status bertc_model_save(const bertc_model *model, const char *dir, bertc_error *err)
{
    return bc_model_save_values(model, model->values, dir, err);
}
