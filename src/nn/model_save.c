/* Saving models. Adapters are merged into their matrices while those are written, one at a time. */
#include "nn/model.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "formats/config.h"
#include "formats/safetensors.h"

static const char weights_name[] = "model.safetensors";

/* A matrix that is made when it is written, in a buffer that all of them share. */
typedef struct merged {
    const bertc_lora *lora;
    const float *w, *a, *b;
    size_t out, in;
    float *into;
} merged;

static const void *make(const void *maker)
{
    const merged *m = maker;
    bc_low_rank_merge(m->into, m->w, m->a, m->b, m->out, m->in, (size_t)m->lora->rank,
                      m->lora->alpha / m->lora->rank);
    return m->into;
}

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

static void list_tensors(const bertc_model *model, const float *values, bc_tensor_out *tensors,
                         merged *jobs, float *into)
{
    size_t count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++) {
        const bc_param *p = &model->params[i], *a = adapter_of(model, p);
        tensors[i] = (bc_tensor_out){.name = p->name,
                                     .dtype = BC_F32,
                                     .rank = p->rank,
                                     .shape = {p->shape[0], p->shape[1]},
                                     .data = values + p->offset};
        if (!a) continue;
        jobs[i] = (merged){&model->lora, values + p->offset, values + a[0].offset,
                           values + a[1].offset, p->shape[0], p->shape[1], into};
        tensors[i].make = make;
        tensors[i].data = &jobs[i];
    }
}

static bertc_status write_weights(const bertc_model *model, const float *values, const char *path,
                                  bertc_error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    size_t count = bc_model_table_count(model), room = bc_model_merge_scalars(model);
    bc_tensor_out *tensors = bc_alloc(count, sizeof *tensors);
    merged *jobs = bc_alloc(count, sizeof *jobs);
    float *into = bc_alloc(room, sizeof *into);
    bertc_status status = tensors && jobs && into ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) {
        list_tensors(model, values, tensors, jobs, into);
        status = bc_safetensors_write(path, tensors, count, metadata, err);
    }
    bc_free(tensors);
    bc_free(jobs);
    bc_free(into);
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
