#include "nn/model_load.h"

#include <stdint.h>

#include "base/error.h"
#include "base/memory.h"
#include "bertc/threads.h"
#include "formats/adapter_config.h"
#include "formats/model_dir.h"
#include "nn/check.h"
#include "nn/model_heads.h"
#include "nn/match.h"
#include "nn/model_create.h"

/* Read and check a tensor piece by piece, so that the check reads values that are still in the processor's cache. */
static bertc_status read_values(const bc_tensor *tensor, float *to, bertc_error *err)
{
    enum { PIECE = 1 << 16 };
    bertc_status status = BERTC_OK;
    for (size_t at = 0, n; at < tensor->count && status == BERTC_OK; at += n) {
        n = tensor->count - at < PIECE ? tensor->count - at : PIECE;
        status = bc_tensor_floats(tensor, at, n, to + at, err);
        if (status == BERTC_OK) status = bc_tensor_check_finite(tensor, to + at, n, err);
    }
    return status;
}

/* Read all tensors with several threads, because the first touch of the memory's pages takes most of the time. If
 * several tensors fail, the first of them determines the error. */
static bertc_status read_params(const bertc_model *m, bertc_error *err)
{
    const bc_tensor **tensors = m->match->tensors;
    bertc_error first = {0};
    size_t bad = SIZE_MAX;
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < m->count; i++) {
        bertc_error why = {0};
        if (!tensors[i] || read_values(tensors[i], m->params[i].value, &why) == BERTC_OK) continue;
#pragma omp critical
        if (i < bad) {
            bad = i;
            first = why;
        }
    }
    return bad == SIZE_MAX ? BERTC_OK : bc_fail(err, first.status, "%s", first.message);
}

static bertc_status keep_layers(bertc_model *m, int32_t layers, const char *dir, bertc_error *err)
{
    if (layers > m->config.num_hidden_layers)
        return bc_fail(err, BERTC_USAGE, "bertc_model_options.keep_layers: %d: %s/config.json has %d layers",
                       (int)layers, dir, (int)m->config.num_hidden_layers);
    if (layers > 0) m->config.num_hidden_layers = layers;
    return BERTC_OK;
}

bertc_status bc_model_open(const char *dir, const bertc_model_options *options, bertc_model **model, bertc_error *err)
{
    const bc_head head = {.row = bc_head_of(options->num_labels, options->multi_label),
                          .labels = options->labels, .num_labels = options->num_labels};
    return bc_model_open_heads(dir, options, &head, options->labels != NULL, model, err);
}

bertc_status bc_model_open_heads(const char *dir, const bertc_model_options *options, const bc_head *heads, int count,
                                 bertc_model **model, bertc_error *err)
{
    bertc_status status = bc_model_check_options(options, err);
    if (status != BERTC_OK) return status;
    bertc_model *m = bc_calloc(1, sizeof *m);
    status = m ? bc_model_dir_check_finished(dir, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_config_load_dir(dir, &m->config, err);
    if (status == BERTC_OK) status = keep_layers(m, options->keep_layers, dir, err);
    if (status == BERTC_OK) status = bc_match_open(dir, &m->match, err);
    if (status == BERTC_OK) status = bc_match_heads(m, options, heads, count, err);
    if (status == BERTC_OK) status = bc_model_plan(m, options, heads, err);
    if (status == BERTC_OK) status = bc_match_params(m, options, count > 0, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}

const bc_param *bc_model_first_initialized(const bertc_model *model)
{
    size_t count = bc_model_table_count(model);
    for (size_t i = 0; i < count; i++)
        if (!model->match->tensors[i] && model->params[i].row->scope != BC_SCOPE_HEAD) return &model->params[i];
    return NULL;
}

bertc_status bc_model_read(bertc_model *model, const bertc_model_options *options, bertc_error *err)
{
    bertc_status status = bc_model_allocate(model, options, err);
    if (status == BERTC_OK) status = read_params(model, err);
    if (status != BERTC_OK) return status;
    for (size_t i = 0; i < model->count; i++)
        if (!model->match->tensors[i]) bc_param_initialize(&model->params[i], &model->config, options);
    status = bc_adapter_weights_merge(&model->match->adapter, model, err);
    if (status == BERTC_OK) status = bc_weights_check(&model->match->weights, err);
    if (status != BERTC_OK) return status;
    bc_match_notify(model, &options->notify);
    bc_match_free(model->match);
    model->match = NULL;
    return bc_model_copy_weights(model, err);
}

bertc_status bertc_model_check_finished(const char *dir, bertc_error *err)
{
    return dir ? bc_model_dir_check_finished(dir, err) : bc_fail_null(err, __func__, "dir");
}

bertc_status bertc_model_load(const char *dir, const bertc_model_options *options,
                              bertc_model **model, bertc_error *err)
{
    bertc_model *m = NULL;
    if (model) *model = NULL;
    if (!dir || !options || !model) return bc_fail_null(err, __func__, "dir, options and model");
    bertc_model_options resolved = *options;
    bertc_status status = bertc_threads_resolve(options->threads, &options->notify, &resolved.threads, err);
    if (status == BERTC_OK) status = bc_model_open(dir, &resolved, &m, err);
    if (status == BERTC_OK) status = bc_model_read(m, &resolved, err);
    if (status == BERTC_OK) *model = m;
    else bertc_model_free(m);
    return status;
}
