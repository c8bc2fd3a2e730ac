#include "bertc/inspect.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "formats/adapter_config.h"
#include "formats/model_dir.h"
#include "formats/readers.h"
#include "formats/tensor_names.h"
#include "nn/model_heads.h"

_Static_assert((int)BERTC_TENSOR_RANK == (int)BC_MAX_RANK, "bertc_tensor_info can hold every shape");

static const char *const fit_names[BERTC_FITS] = {
    [BERTC_FIT_MATCHES] = "matches",         [BERTC_FIT_RENAMED] = "renamed",       [BERTC_FIT_IGNORED] = "ignored",
    [BERTC_FIT_WRONG_SHAPE] = "wrong shape", [BERTC_FIT_WRONG_TYPE] = "wrong type", [BERTC_FIT_MISSING] = "missing",
    [BERTC_FIT_UNKNOWN] = "not compared",
};

const char *bertc_fit_name(bertc_fit fit)
{
    return (unsigned)fit < BERTC_FITS ? fit_names[fit] : NULL;
}

/* The parameters of the model by its configuration. */
typedef struct parameters {
    bc_param *list;             /* (count) in the order of the parameter table */
    bc_param **by_name;         /* (count) sorted */
    const bc_tensor **tensors;  /* (count) in the same order: the parameter's tensor, or null */
    size_t count;
} parameters;

static int compare_params(const void *a, const void *b)
{
    return strcmp((*(bc_param *const *)a)->name, (*(bc_param *const *)b)->name);
}

static int compare_name(const void *key, const void *param)
{
    return strcmp(key, (*(bc_param *const *)param)->name);
}

static bertc_status list_parameters(const bertc_config *config, parameters *wanted, bertc_error *err)
{
    const bc_head_row *head = bc_head_of(config->num_labels, config->multi_label);
    size_t encoder = bc_param_count(config, true), count = encoder + bc_head_params(head), total;
    wanted->list = bc_alloc(count, sizeof *wanted->list);
    wanted->by_name = bc_alloc(count, sizeof *wanted->by_name);
    wanted->tensors = bc_calloc(count, sizeof *wanted->tensors);
    if (!wanted->list || !wanted->by_name || !wanted->tensors) return bc_fail_memory(err);
    if (!bc_param_plan(config, true, wanted->list, &total) ||
        !bc_param_plan_head(config, head->first, head->end, wanted->list + encoder, &total))
        return bc_fail(err, BERTC_INPUT, "the configuration's sizes overflow");
    for (size_t i = 0; i < count; i++) wanted->by_name[i] = &wanted->list[i];
    qsort(wanted->by_name, count, sizeof *wanted->by_name, compare_params);
    wanted->count = count;
    return BERTC_OK;
}

/* The parameter of this name, or null. */
static const bc_param *find_parameter(const parameters *wanted, const char *name)
{
    if (wanted->count == 0) return NULL;
    bc_param **found = bsearch(name, wanted->by_name, wanted->count, sizeof *wanted->by_name, compare_name);
    return found ? *found : NULL;
}

/* Find the tensor of each parameter: the tensor with its current name, else the first tensor with an older name. */
static void assign_tensors(parameters *wanted, const bc_weights *weights)
{
    for (int old = 0; old < 2; old++)
        for (size_t i = 0; i < weights->count; i++) {
            char current[BC_PARAM_NAME];
            const char *name = weights->tensors[i].name;
            if (old) bc_name_current(name, current, sizeof current);
            const bc_param *param = find_parameter(wanted, old ? current : name);
            const bc_tensor **tensor = param ? &wanted->tensors[param - wanted->list] : NULL;
            if (tensor && !*tensor) *tensor = &weights->tensors[i];
        }
}

static bertc_fit compare(const bc_tensor *tensor, const bc_param *param)
{
    bool same = tensor->rank == param->rank;
    for (int i = 0; same && i < param->rank; i++) same = tensor->shape[i] == param->shape[i];
    if (!same) return BERTC_FIT_WRONG_SHAPE;
    if (!bc_dtype_is_float(tensor->dtype)) return BERTC_FIT_WRONG_TYPE;
    return strcmp(tensor->name, param->name) == 0 ? BERTC_FIT_MATCHES : BERTC_FIT_RENAMED;
}

/* Append a line for a tensor and its parameter; either may be null, but not both. */
static bertc_status add(bertc_inspection *to, const bc_tensor *tensor, const bc_param *param,
                        bertc_fit fit, bertc_error *err)
{
    bertc_tensor_info *info = &to->tensors[to->count++];
    const char *name = tensor ? tensor->name : param->name;
    *info = (bertc_tensor_info){.fit = fit, .dtype = ""};
    info->name = bc_strndup(name, strlen(name));
    if (tensor) {
        info->dtype = bc_dtype_name(tensor->dtype);
        info->rank = tensor->rank;
        info->bytes = tensor->bytes;
        memcpy(info->shape, tensor->shape, sizeof info->shape);
        to->bytes += tensor->bytes;
    }
    if (param) {
        info->parameter = bc_strndup(param->name, strlen(param->name));
        info->wanted_rank = param->rank;
        memcpy(info->wanted_shape, param->shape, sizeof info->wanted_shape);
    }
    to->tally[fit]++;
    return info->name && (!param || info->parameter) ? BERTC_OK : bc_fail_memory(err);
}

static bertc_status add_tensor(bertc_inspection *to, const bc_tensor *tensor, const parameters *wanted,
                               bertc_error *err)
{
    char current[BC_PARAM_NAME];
    bc_name_current(tensor->name, current, sizeof current);
    const bc_param *param = find_parameter(wanted, current);
    if (param && wanted->tensors[param - wanted->list] != tensor) param = NULL;
    bertc_fit fit = param ? compare(tensor, param) : to->has_config ? BERTC_FIT_IGNORED : BERTC_FIT_UNKNOWN;
    return add(to, tensor, param, fit, err);
}

static bertc_status add_all(bertc_inspection *to, const bc_weights *weights, parameters *wanted, bertc_error *err)
{
    bertc_status status = BERTC_OK;
    to->tensors = bc_alloc(weights->count + wanted->count, sizeof *to->tensors);
    if (!to->tensors) return bc_fail_memory(err);
    assign_tensors(wanted, weights);
    for (size_t i = 0; status == BERTC_OK && i < weights->count; i++)
        status = add_tensor(to, &weights->tensors[i], wanted, err);
    for (size_t i = 0; status == BERTC_OK && i < wanted->count; i++)
        if (!wanted->tensors[i]) status = add(to, NULL, &wanted->list[i], BERTC_FIT_MISSING, err);
    return status;
}

/* The path of the config.json in the folder of a file. */
static char *config_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? bc_strndup(path, (size_t)(slash - path) + 1) : bc_strndup(".", 1);
    char *config = folder ? bc_path_join(folder, "config.json") : NULL;
    bc_free(folder);
    return config;
}

/* Check that a folder is a model directory or an adapter directory, and find out which of the two. */
static bertc_status check_folder(const char *path, bool *adapter, bertc_error *err)
{
    const char *names[BC_READERS + 2] = {[BC_READERS] = "config.json", BC_ADAPTER_CONFIG};
    for (size_t i = 0; i < BC_READERS; i++) names[i] = bc_readers[i].names[BC_ROLE_MODEL];
    bertc_status status = bc_model_path_check(path, names, sizeof names / sizeof *names, err);
    return status == BERTC_OK ? bc_adapter_config_exists(path, adapter, err) : status;
}

/* Open the weights of a folder or file. Sets *config to the path of the config.json to compare with, or to null for an
 * adapter. */
static bertc_status open_weights(const char *path, bc_weights *weights, char **config, bertc_error *err)
{
    bool adapter = false, folder, file = false;
    bertc_status status = bc_folder_find(path, &folder, err);
    if (status == BERTC_OK && !folder) status = bc_file_find(path, &file, err);
    if (status == BERTC_OK && !file) status = check_folder(path, &adapter, err);
    if (status != BERTC_OK) return status;
    if (adapter) return bc_weights_open_in(path, BC_ROLE_ADAPTER, weights, err);
    *config = file ? config_path(path) : bc_path_join(path, "config.json");
    if (!*config) return bc_fail_memory(err);
    return file ? bc_weights_open(path, weights, err) : bc_weights_open_in(path, BC_ROLE_MODEL, weights, err);
}

/* Read the configuration and list its parameters. The reason why a configuration is not supported is part of the
 * result, not an error. */
static bertc_status read_config(const char *path, bertc_inspection *to, parameters *wanted, bertc_error *err)
{
    bertc_error why = {.status = BERTC_OK};
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, &why) : BERTC_OK;
    if (status == BERTC_OK && !found) return BERTC_OK;
    if (status == BERTC_OK) status = bertc_config_load(path, &to->config, &why);
    to->has_config = status == BERTC_OK;
    if (status == BERTC_OK) return list_parameters(&to->config, wanted, err);
    if (status != BERTC_INPUT) return bc_fail(err, status, "%s", why.message);
    to->refusal = why;
    return BERTC_OK;
}

static bertc_status inspect(const char *path, bertc_inspection *to, bertc_error *err)
{
    char *config = NULL;
    bc_weights weights = {0};
    parameters wanted = {0};
    bertc_status status = open_weights(path, &weights, &config, err);
    if (status == BERTC_OK && !(to->weights = bc_strndup(weights.path, strlen(weights.path))))
        status = bc_fail_memory(err);
    if (status == BERTC_OK) status = read_config(config, to, &wanted, err);
    if (status == BERTC_OK) status = add_all(to, &weights, &wanted, err);
    bc_free(wanted.list);
    bc_free(wanted.by_name);
    bc_free(wanted.tensors);
    bc_weights_close(&weights);
    bc_free(config);
    return status;
}

bertc_status bertc_inspect(const char *path, bertc_inspection *inspection, bertc_error *err)
{
    bertc_error unfinished = {0};
    if (inspection) *inspection = (bertc_inspection){0};
    if (!path || !inspection) return bc_fail_null(err, __func__, "path and inspection");
    bertc_status status = bc_model_dir_check_finished(path, &unfinished);
    status = inspect(path, inspection, status == BERTC_OK ? err : NULL);
    if (unfinished.status != BERTC_OK && status == BERTC_OK) inspection->refusal = unfinished;
    if (unfinished.status != BERTC_OK && status != BERTC_OK)
        status = bc_fail(err, unfinished.status, "%s", unfinished.message);
    if (status != BERTC_OK) bertc_inspection_clear(inspection);
    return status;
}

void bertc_inspection_clear(bertc_inspection *inspection)
{
    if (!inspection) return;
    for (size_t i = 0; i < inspection->count; i++) {
        bc_free(inspection->tensors[i].name);
        bc_free(inspection->tensors[i].parameter);
    }
    bc_free(inspection->tensors);
    bc_free(inspection->weights);
    if (inspection->has_config) bertc_config_clear(&inspection->config);
    *inspection = (bertc_inspection){0};
}
