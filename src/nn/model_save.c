#include "nn/model_save.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/writer.h"
#include "formats/config.h"
#include "formats/safetensors.h"
#include "nn/ops/low_rank.h"

static const bc_param *adapter_of(const bertc_model *model, const bc_param *param)
{
    bc_param_id id = (bc_param_id)(param->row - bc_param_table);
    size_t index = bc_lora_index(&model->lora, model->first_adapted, id, param->layer);
    return index == SIZE_MAX ? NULL : &model->params[bc_model_table_count(model) + index];
}

size_t bc_model_merge_scalars(const bertc_model *model)
{
    size_t max = 0, count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++) {
        const bc_param *w = &model->params[i], *a = adapter_of(model, w);
        size_t scalars = a ? w->count + a[0].count + a[1].count : 0;
        if (scalars > max) max = scalars;
    }
    return max;
}

/* A source of tensors that merges adapters when a matrix is written. */
typedef struct merger {
    const bertc_model *model;
    bc_value_maker plain;
    float *buffer; /* (bc_model_merge_scalars) the merged matrix, then A and B */
} merger;

static bertc_status merge(const merger *m, const bc_param *w, const bc_param *a, bertc_error *err)
{
    const bertc_lora *lora = &m->model->lora;
    const bc_values *values = m->plain.values;
    float *a_values = m->buffer + w->count, *b_values = a_values + a[0].count;
    bertc_status status = bc_values_read(values, w->offset, w->count, m->buffer, err);
    if (status == BERTC_OK) status = bc_values_read(values, a[0].offset, a[0].count, a_values, err);
    if (status == BERTC_OK) status = bc_values_read(values, a[1].offset, a[1].count, b_values, err);
    if (status == BERTC_OK)
        bc_low_rank_merge(m->buffer, m->buffer, a_values, b_values, w->shape[0], w->shape[1], (size_t)lora->rank,
                          lora->alpha / lora->rank);
    return status;
}

static bertc_status make(const void *maker, size_t index, size_t from, size_t length, void *to, bertc_error *err)
{
    const merger *m = maker;
    const bc_param *w = m->plain.params[index], *a = adapter_of(m->model, w);
    if (!a) return bc_values_make(&m->plain, index, from, length, to, err);
    bertc_status status = from == 0 ? merge(m, w, a, err) : BERTC_OK;
    if (status == BERTC_OK) memcpy(to, (const char *)m->buffer + from, length);
    return status;
}

static bertc_status write_weights(const bertc_model *model, int number, const bc_values *values, const bc_dir *dir,
                                  bc_file_hashes *hashes, bertc_error *err)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    size_t count = bc_model_table_count(model), written = 0;
    bc_tensor_out *tensors = bc_alloc(count, sizeof *tensors);
    const bc_param **params = bc_alloc(count, sizeof *params);
    const merger m = {model, {values, params}, bc_alloc(bc_model_merge_scalars(model), sizeof(float))};
    bertc_status status = tensors && params && m.buffer ? BERTC_OK : bc_fail_memory(err);
    for (size_t i = 0; status == BERTC_OK && i < count; i++) {
        const bc_param *p = &model->params[i];
        bool head = p->row->scope == BC_SCOPE_HEAD;
        if (head && p->head != number) continue;
        tensors[written] = (bc_tensor_out){.name = head ? p->row->name : p->name,
                                           .dtype = BC_F32,
                                           .rank = p->rank,
                                           .shape = {p->shape[0], p->shape[1]},
                                           .data = adapter_of(model, p) ? NULL : bc_values_at(values, p)};
        params[written++] = p;
    }
    if (status == BERTC_OK)
        status = bc_safetensors_write_generated(dir, BC_MODEL_WEIGHTS, tensors, written, metadata,
                                                &(bc_tensor_generator){make, &m}, hashes, err);
    bc_free(tensors);
    bc_free(params);
    bc_free(m.buffer);
    return status;
}

bertc_status bc_model_save_values(const bertc_model *model, int head, const bc_values *values, const bc_dir *dir,
                                  bc_file_hashes *hashes, bertc_error *err)
{
    bertc_status status = bc_config_write(&model->heads[head].config, dir, "config.json", hashes, err);
    return status == BERTC_OK ? write_weights(model, head, values, dir, hashes, err) : status;
}

bertc_status bertc_model_save(const bertc_model *model, const char *dir, bertc_error *err)
{
    if (!model || !dir) return bc_fail_null(err, __func__, "model and dir");
    if (model->encoder_only) return bc_fail(err, BERTC_USAGE, "%s: the model was loaded without its head", dir);
    const bc_values values = {.memory = model->values};
    bc_dir folder;
    bertc_status status = bc_dir_open(&folder, dir, false, err);
    if (status == BERTC_OK) status = bc_model_save_values(model, 0, &values, &folder, NULL, err);
    bc_dir_close(&folder);
    return status;
}
