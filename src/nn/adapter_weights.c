#include "nn/adapter_weights.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/writer.h"
#include "formats/tensor_names.h"
#include "formats/readers.h"
#include "formats/safetensors.h"
#include "nn/lora.h"
#include "nn/ops/low_rank.h"

/* The ends of tensors' names. */
static const char end_a[] = "lora_A.weight", end_b[] = "lora_B.weight", end_plain[] = "weight";

/* ---- Opening ------------------------------------------------------------------------------- */

bertc_status bc_adapter_weights_open(const char *dir, bc_adapter_weights *adapter, bertc_error *err)
{
    bertc_status status = bc_adapter_config_read(dir, &adapter->config, err);
    if (status != BERTC_OK || !adapter->config.base) return status;
    status = bc_weights_open_in(dir, BC_ROLE_ADAPTER, &adapter->weights, err);
    if (status != BERTC_OK) return status;
    adapter->names = bc_alloc(adapter->weights.count, sizeof *adapter->names);
    if (!adapter->names) return bc_fail_memory(err);
    for (size_t i = 0; i < adapter->weights.count; i++) {
        const char *stored = adapter->weights.tensors[i].name;
        size_t prefix = strlen(BC_ADAPTER_PREFIX);
        if (strncmp(stored, BC_ADAPTER_PREFIX, prefix) == 0) stored += prefix;
        bc_name_current(stored, adapter->names[i], BC_PARAM_NAME);
    }
    return BERTC_OK;
}

void bc_adapter_weights_close(bc_adapter_weights *adapter)
{
    bc_adapter_config_clear(&adapter->config);
    bc_weights_close(&adapter->weights);
    bc_free(adapter->names);
    *adapter = (bc_adapter_weights){0};
}

const bc_tensor *bc_adapter_weights_find(const bc_adapter_weights *adapter, const char *name)
{
    for (size_t i = 0; i < adapter->weights.count; i++)
        if (strcmp(adapter->names[i], name) == 0) return &adapter->weights.tensors[i];
    return NULL;
}

/* ---- Pairs --------------------------------------------------------------------------------- */

/* Replace the end of a name, which follows a dot. Returns false if the name has another end, or if the new name is too
 * long. */
static bool rename_end(char out[BC_PARAM_NAME], const char *name, const char *from, const char *to)
{
    size_t all = strlen(name), end = strlen(from);
    if (all <= end || name[all - end - 1] != '.' || strcmp(name + all - end, from) != 0) return false;
    return snprintf(out, BC_PARAM_NAME, "%.*s%s", (int)(all - end), name, to) < BC_PARAM_NAME;
}

typedef struct pair {
    const bc_tensor *a, *b;
} pair;

/* Find A and B of a parameter. In a checked file both are given or both are null. */
static pair pair_of(const bc_adapter_weights *adapter, const bc_param *param)
{
    char a[BC_PARAM_NAME], b[BC_PARAM_NAME];
    if (param->rank != 2 || !rename_end(a, param->name, end_plain, end_a) ||
        !rename_end(b, param->name, end_plain, end_b))
        return (pair){NULL, NULL};
    return (pair){bc_adapter_weights_find(adapter, a), bc_adapter_weights_find(adapter, b)};
}

static const bc_param *find_param(const bertc_model *model, const char *name)
{
    size_t count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++) {
        const bc_param *p = &model->params[i];
        if (strcmp(p->head >= 0 ? p->row->name : p->name, name) == 0) return p;
    }
    return NULL;
}

/* Check that the adapter config does not exclude the module of tensor t, which is an A or a B. */
static bertc_status check_settings(const bc_adapter_weights *adapter, const bc_tensor *t, const bc_param *param,
                                   bertc_error *err)
{
    char module[BC_PARAM_NAME];
    snprintf(module, sizeof module, "%.*s", (int)(strlen(param->name) - sizeof end_plain), param->name);
    const char *setting = bc_adapter_config_excludes(&adapter->config, module, (int)param->layer,
                                            pair_of(adapter, param).a->shape[0]);
    if (!setting) return BERTC_OK;
    return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\" contradicts %s in " BC_ADAPTER_CONFIG, t->weights->path,
                   t->name, setting);
}

static bertc_status check_tensor(const bc_adapter_weights *adapter, const bertc_model *model, size_t index,
                                 bertc_error *err)
{
    const bc_tensor *t = &adapter->weights.tensors[index];
    const char *name = adapter->names[index], *path = t->weights->path;
    char stem[BC_PARAM_NAME];
    if (!bc_dtype_is_float(t->dtype)) return bc_tensor_check_float(t, err);
    bool is_pair = rename_end(stem, name, end_a, end_plain) || rename_end(stem, name, end_b, end_plain);
    const bc_param *param = find_param(model, is_pair ? stem : name);
    if (!param || (is_pair && param->row->scope == BC_SCOPE_EMBEDDINGS))
        return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\" belongs to no parameter of the model", path, t->name);
    pair p = is_pair ? pair_of(adapter, param) : (pair){NULL, NULL};
    bool fits = p.a && p.b && p.a->rank == 2 && p.b->rank == 2 && p.a->shape[0] > 0 && p.a->shape[0] == p.b->shape[1] &&
                p.a->shape[1] == param->shape[1] && p.b->shape[0] == param->shape[0];
    if (is_pair && !fits)
        return bc_fail(err, BERTC_INPUT, "%s: tensor \"%.200s\": the product of B and A is not a matrix of %zu x %zu",
                       path, t->name, param->shape[0], param->shape[1]);
    return is_pair ? check_settings(adapter, t, param, err) : BERTC_OK;
}

bertc_status bc_adapter_weights_check(const bc_adapter_weights *adapter, const bertc_model *model, bool cut,
                              bertc_error *err)
{
    bertc_status status = BERTC_OK;
    for (size_t i = 0; i < adapter->weights.count && status == BERTC_OK; i++)
        if (!cut || bc_name_layer(adapter->names[i]) < model->config.num_hidden_layers)
            status = check_tensor(adapter, model, i, err);
    return status;
}

/* Add a pair to its matrix. The check of the result also finds values of A and B that are not finite. */
static bertc_status merge_pair(const bc_adapter_weights *adapter, const bc_param *param, pair p, bertc_error *err)
{
    size_t rank = p.a->shape[0], out = param->shape[0], in = param->shape[1];
    float *a = bc_alloc(p.a->count, sizeof *a), *b = bc_alloc(p.b->count, sizeof *b);
    bertc_status status = a && b ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_tensor_floats(p.a, 0, p.a->count, a, err);
    if (status == BERTC_OK) status = bc_tensor_floats(p.b, 0, p.b->count, b, err);
    if (status == BERTC_OK) {
        bc_low_rank_merge(param->value, param->value, a, b, out, in, rank,
                          bc_adapter_config_scale(&adapter->config, rank));
        status = bc_tensor_check_finite(p.a, param->value, param->count, err);
    }
    bc_free(a);
    bc_free(b);
    return status;
}

bertc_status bc_adapter_weights_merge(const bc_adapter_weights *adapter, const bertc_model *model, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    size_t count = adapter->config.base ? bc_model_table_count(model) : 0;
    for (size_t i = 0; i < count && status == BERTC_OK; i++) {
        pair p = pair_of(adapter, &model->params[i]);
        if (p.a) status = merge_pair(adapter, &model->params[i], p, err);
    }
    if (status == BERTC_OK && adapter->config.base) status = bc_weights_check(&adapter->weights, err);
    return status;
}

/* ---- Saving -------------------------------------------------------------------------------- */

static bertc_status write_tensors(const bertc_model *model, int number, const bc_values *values, const bc_dir *dir,
                                  bc_file_hashes *hashes, bertc_error *err)
{
    enum { NAME = BC_PARAM_NAME + 32 };
    static const char *const metadata[] = {"format", "pt", NULL};
    char (*names)[NAME] = bc_alloc(model->count, sizeof *names);
    bc_tensor_out *tensors = bc_alloc(model->count, sizeof *tensors);
    const bc_param **params = bc_alloc(model->count, sizeof *params);
    const bc_value_maker maker = {.values = values, .params = params};
    const bc_tensor_generator generator = {bc_values_make, &maker};
    bertc_status status = names && tensors && params ? BERTC_OK : bc_fail_memory(err);
    size_t count = 0;
    for (size_t i = 0; status == BERTC_OK && i < model->count; i++) {
        const bc_param *p = &model->params[i];
        bool head = p->head == number;
        if (p->row->scope != BC_SCOPE_ADAPTER && !head) continue;
        snprintf(names[count], NAME, "%s%s", BC_ADAPTER_PREFIX, head ? p->row->name : p->name);
        tensors[count] = (bc_tensor_out){.name = names[count], .dtype = BC_F32, .rank = p->rank,
                                         .shape = {p->shape[0], p->shape[1]},
                                         .data = bc_values_at(values, p)};
        params[count++] = p;
    }
    if (status == BERTC_OK)
        status = bc_safetensors_write_generated(dir, BC_ADAPTER_WEIGHTS, tensors, count, metadata, &generator, hashes,
                                                err);
    bc_free(params);
    bc_free(names);
    bc_free(tensors);
    return status;
}

bertc_status bc_model_save_adapter(const bertc_model *model, int head, const bc_values *values, const char *base,
                                   const bc_dir *dir, bc_file_hashes *hashes, bertc_error *err)
{
    const bertc_lora *lora = &model->lora;
    const char *targets[BC_LORA_TARGETS];
    bc_adapter_settings settings = {.base = base, .rank = lora->rank, .alpha = lora->alpha, .dropout = lora->dropout,
                                    .targets = targets, .first = model->first_adapted,
                                    .layers = model->config.num_hidden_layers};
    for (int t = 0; t < BC_LORA_TARGETS; t++) {
        static const char self[] = "attention.self."; /* peft's name of "attention.self.query" is "query" */
        const char *module = bc_lora_targets[t].module;
        if (strncmp(module, self, strlen(self)) == 0) module += strlen(self);
        if (lora->targets >> t & 1) targets[settings.count++] = module;
    }
    bertc_status status = bc_adapter_config_write(&settings, &model->heads[head].config, dir, hashes, err);
    return status == BERTC_OK ? write_tensors(model, head, values, dir, hashes, err) : status;
}
