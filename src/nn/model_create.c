/* Making models: memory, a backend, random weights, and the copies of weights that products read. */
#include "nn/model_create.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/rng.h"
#include "bertc/threads.h"
#include "nn/check.h"
#include "nn/invariance.h"
#include "nn/match.h"
#include "nn/model_heads.h"
#include "nn/ops/ops.h"
#include "nn/products.h"

void bc_param_initialize(const bc_param *param, const bertc_config *config, const bertc_model_options *options)
{
    switch (param->row->init) {
    case BC_PARAM_NORMAL:
        bc_rng_normal(options->seed, param->name, config->initializer_range,
                      options->init == BERTC_INIT_TRUNCATED, param->value, param->count);
        break;
    case BC_PARAM_ONE:
        for (size_t i = 0; i < param->count; i++) param->value[i] = 1.0f;
        break;
    case BC_PARAM_UNIFORM:
        bc_rng_uniform(options->seed, param->name, 1.0 / sqrt((double)param->shape[1]), param->value, param->count);
        break;
    case BC_PARAM_ZERO: memset(param->value, 0, param->count * sizeof(float)); break;
    }
}

/* Allocate the bf16 copies in the order of the parameters, so that a layer's query, key and value are one matrix. */
static bertc_status allocate_bf16_values(bertc_model *m, bertc_error *err)
{
    size_t scalars = bc_model_bf16_scalars(m), at = 0;
    bertc_status status = bc_gemm_use_bf16(&m->gemm, err);
    if (status != BERTC_OK) return status;
    m->bf16_values = bc_alloc(scalars, sizeof *m->bf16_values);
    if (!m->bf16_values)
        return bc_fail(err, BERTC_NOMEM, "out of memory: %zu MB for the weights in bf16",
                       scalars * sizeof *m->bf16_values >> 20);
    for (size_t i = 0; i < m->count; i++) {
        if (!bc_param_is_matrix(&m->params[i])) continue;
        m->params[i].bf16 = m->bf16_values + at;
        at += m->params[i].count;
    }
    return BERTC_OK;
}

void bc_model_round(bertc_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const bc_param *param = &model->params[i];
        if (!param->bf16) continue;
#pragma omp parallel for schedule(static)
        for (size_t row = 0; row < param->shape[0]; row++) {
            size_t at = row * param->shape[1];
            bc_round(param->bf16 + at, param->value + at, param->shape[1]);
        }
    }
}

/* Whether a parameter is not trained even if its stage is not frozen. */
static bool is_excluded(const bc_param *param, const bertc_model_options *options)
{
    bc_param_scope scope = param->row->scope;
    if (scope == BC_SCOPE_HEAD) return false;
    if (options->lora.rank > 0) return scope != BC_SCOPE_ADAPTER;
    return options->biases_only && !bc_param_is_bias(param);
}

/* Describe all parameters: the encoder's, the heads' and the adapters'. */
static bertc_status plan_params(bertc_model *m, const bc_head *heads, bertc_error *err)
{
    size_t table = bc_model_table_count(m);
    m->count = table + bc_lora_count(&m->lora, (size_t)(m->config.num_hidden_layers - m->first_adapted));
    m->params = bc_alloc(m->count, sizeof *m->params);
    if (!m->params) return bc_fail_memory(err);
    bool fits = bc_param_plan(&m->config, m->pooler, m->params, &m->scalars) && bc_model_plan_heads(m, heads);
    if (!fits || !bc_lora_plan(&m->config, &m->lora, m->first_adapted, m->params, m->params + table, &m->scalars))
        return bc_fail(err, BERTC_INPUT, "config.json: the model's sizes overflow");
    return BERTC_OK;
}

bertc_status bc_model_plan(bertc_model *m, const bertc_model_options *options, const bc_head *heads, bertc_error *err)
{
    if (m->config.hidden_size > BC_MAX_HIDDEN)
        return bc_fail(err, BERTC_INPUT, "config.json: hidden_size %d, the maximum is %d", (int)m->config.hidden_size,
                       BC_MAX_HIDDEN);
    bertc_status status = bc_model_check_stages(options, &m->config, err);
    if (status != BERTC_OK) return status;
    m->threads = options->threads;
    m->use_bf16 = options->precision == BERTC_BF16;
    m->encoder_only = options->encoder_only;
    m->lora = options->lora;
    m->first_adapted = bc_layers_below(options->frozen, m->config.num_hidden_layers);
    status = bc_lora_check(&m->lora, &m->config, m->first_adapted, err);
    if (status == BERTC_OK) status = plan_params(m, heads, err);
    if (status != BERTC_OK) return status;
    m->frozen = options->frozen;
    m->batch_invariant = options->batch_invariant ? m->frozen : 0;
    for (size_t i = 0; i < m->count; i++) {
        bc_param *p = &m->params[i];
        p->frozen = is_excluded(p, options) || bc_param_stage(&m->config, p) < m->frozen;
    }
    return BERTC_OK;
}

bertc_status bc_model_allocate(bertc_model *m, const bertc_model_options *options, bertc_error *err)
{
    bool trainable = options->trainable;
    size_t scalars = trainable ? bc_model_grad_scalars(m) : 0;
    omp_set_num_threads(m->threads);
    m->values = bc_alloc(m->scalars, sizeof(float));
    if (trainable) m->grads = bc_alloc(scalars, sizeof(float));
    if (!m->values || (trainable && !m->grads))
        return bc_fail(err, BERTC_NOMEM, "out of memory: %zu MB for the weights",
                       (m->scalars + scalars) * sizeof(float) >> 20);
    bc_prefault(m->values, m->scalars * sizeof(float), m->threads);
    if (trainable) bc_prefault(m->grads, scalars * sizeof(float), m->threads);
    float *grad = m->grads;
    for (size_t i = 0; i < m->count; i++) {
        m->params[i].value = m->values + m->params[i].offset;
        if (!trainable || m->params[i].frozen) continue;
        m->params[i].grad = grad;
        grad += bc_param_grad_capacity(&m->params[i]);
    }
    bertc_status status = bc_gemm_open(&m->gemm, options->backend, err);
    return status == BERTC_OK && m->use_bf16 ? allocate_bf16_values(m, err) : status;
}

static bertc_status pack_layer(bertc_model *model, int layer, bertc_error *err)
{
    bc_product products[BC_MAX_PRODUCTS];
    int count = bc_model_products(model, layer, products);
    bertc_status status = BERTC_OK;
    for (int i = 0; i < count && status == BERTC_OK; i++) {
        bc_param *p = products[i].w;
        bc_matrix w = p->bf16 ? (bc_matrix){.bf16 = p->bf16} : (bc_matrix){.f32 = p->value};
        status = bc_gemm_pack(&model->gemm, w, products[i].in, products[i].out, &p->packed, err);
    }
    return status;
}

bertc_status bc_model_copy_weights(bertc_model *model, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    bc_model_round(model);
    omp_set_num_threads(model->threads);
    int layers = (int)model->config.num_hidden_layers, packed = 0;
    /* Only weights that never change are packed: in a trainable model only those of batch-invariant layers. */
    if (bc_gemm_packs(model->gemm.backend->name))
        packed = model->grads ? bc_layers_below(model->batch_invariant, layers) : layers;
    for (int layer = 0; layer < packed && status == BERTC_OK; layer++) status = pack_layer(model, layer, err);
    return status == BERTC_OK ? bc_model_probe_invariance(model, err) : status;
}

bertc_status bertc_model_create(const bertc_config *config, const bertc_model_options *options,
                                bertc_model **model, bertc_error *err)
{
    if (model) *model = NULL;
    if (!config || !options || !model) return bc_fail_null(err, __func__, "config, options and model");
    bertc_status status = bc_model_check_options(options, err);
    if (status == BERTC_OK) status = bertc_config_check(config, "config", err);
    if (status != BERTC_OK) return status;
    bertc_model *m = bc_calloc(1, sizeof *m);
    if (!m) return bc_fail_memory(err);
    if (config->head_refusal) status = bc_fail(err, BERTC_INPUT, "%s", config->head_refusal);
    if (status == BERTC_OK) status = bertc_config_copy(&m->config, config, err);
    bertc_model_options resolved = *options;
    if (status == BERTC_OK) status = bc_model_take_heads(m, NULL, 0, -1, err);
    if (status == BERTC_OK) status = bertc_threads_resolve(options->threads, &options->notify, &resolved.threads, err);
    if (status == BERTC_OK) status = bc_model_plan(m, &resolved, NULL, err);
    if (status == BERTC_OK) status = bc_model_allocate(m, &resolved, err);
    for (size_t i = 0; status == BERTC_OK && i < m->count; i++) bc_param_initialize(&m->params[i], &m->config, options);
    if (status == BERTC_OK) status = bc_model_copy_weights(m, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}

void bertc_model_free(bertc_model *model)
{
    if (!model) return;
    bc_match_free(model->match);
    for (size_t i = 0; model->params && i < model->count; i++) bc_gemm_unpack(&model->gemm, model->params[i].packed);
    bc_gemm_close(&model->gemm);
    bertc_config_clear(&model->config);
    for (int i = 0; i < model->num_heads; i++) bertc_config_clear(&model->heads[i].config);
    bc_free(model->heads);
    bc_free(model->params);
    bc_free(model->values);
    bc_free(model->grads);
    bc_free(model->bf16_values);
    bc_free(model);
}
