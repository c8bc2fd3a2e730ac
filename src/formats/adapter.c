#include "formats/adapter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "formats/config.h"
#include "formats/safetensors.h"

/* ---- Reading ------------------------------------------------------------------------------- */

/* Keys that change what an adapter computes, beyond A, B and alpha; each must be off. */
static const char *const foreign[] = {
    "alpha_pattern",  "arrow_config",            "bias",           "fan_in_fan_out",
    "kasa_config",    "layer_replication",       "lora_bias",      "monteclora_config",
    "target_parameters", "trainable_token_indices", "use_bdlora",  "use_dora",
    "use_qalora",     "velora_config",
};

static bool is_off(const cJSON *item)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsFalse(item)) return true;
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) return cJSON_GetArraySize(item) == 0;
    return cJSON_IsString(item) && strcmp(item->valuestring, "none") == 0;
}

/* Ways of drawing A and B that leave the base as it is; others move a part of it into them. */
static bool is_plain_start(const cJSON *item)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsBool(item)) return true;
    return cJSON_IsString(item) && strcmp(item->valuestring, "gaussian") == 0;
}

static bertc_status check_kind(const cJSON *tree, const char *path, bertc_error *err)
{
    const char *type = cJSON_GetStringValue(bc_json_get(tree, "peft_type"));
    if (!type || strcmp(type, "LORA") != 0)
        return bc_fail(err, BERTC_INPUT, "%s: peft_type is \"%.64s\", only LORA is read", path,
                       type ? type : "");
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (!is_off(bc_json_get(tree, foreign[i])))
            return bc_fail(err, BERTC_INPUT, "%s: %s is set, bertc does not compute that", path,
                           foreign[i]);
    if (!is_plain_start(bc_json_get(tree, "init_lora_weights")))
        return bc_fail(err, BERTC_INPUT, "%s: init_lora_weights changes the base, bertc does not", path);
    return BERTC_OK;
}

static bertc_status read_scale(const cJSON *tree, const char *path, bc_adapter *adapter,
                               bertc_error *err)
{
    const cJSON *alpha = bc_json_get(tree, "lora_alpha");
    if (!cJSON_IsNumber(alpha) || !isfinite(alpha->valuedouble))
        return bc_fail(err, BERTC_INPUT, "%s: lora_alpha is not a number", path);
    adapter->alpha = alpha->valuedouble;
    adapter->root = cJSON_IsTrue(bc_json_get(tree, "use_rslora"));
    return BERTC_OK;
}

/* Take `path`, which becomes the adapter's, as its base where it is a folder with a configuration. */
static bertc_status try_base(char *path, bc_adapter *adapter, bertc_error *err)
{
    char *config = path ? bc_path_join(path, "config.json") : NULL;
    bool found = false;
    bertc_status status = config ? bc_file_find(config, &found, err) : bc_fail_memory(err);
    bc_free(config);
    if (found) adapter->base = path;
    else bc_free(path);
    return status;
}

static bertc_status find_base(const cJSON *tree, const char *path, const char *dir, bc_adapter *adapter,
                              bertc_error *err)
{
    const char *name = cJSON_GetStringValue(bc_json_get(tree, "base_model_name_or_path"));
    if (!name || !*name)
        return bc_fail(err, BERTC_INPUT, "%s: no base_model_name_or_path", path);
    bertc_status status = try_base(bc_strndup(name, strlen(name)), adapter, err);
    if (status == BERTC_OK && !adapter->base && name[0] != '/')
        status = try_base(bc_path_join(dir, name), adapter, err);
    if (status != BERTC_OK || adapter->base) return status;
    return bc_fail(err, BERTC_INPUT,
                   "%s: the base model \"%.300s\" is no folder with a config.json, neither from here nor "
                   "from %s",
                   path, name, dir);
}

bertc_status bc_adapter_is(const char *dir, bool *adapter, bertc_error *err)
{
    char *path = bc_path_join(dir, BC_ADAPTER_CONFIG);
    *adapter = false;
    bertc_status status = path ? bc_file_find(path, adapter, err) : bc_fail_memory(err);
    bc_free(path);
    return status;
}

static bertc_status check_base(const bc_adapter *adapter, const char *path, bertc_error *err)
{
    bool adapted;
    bertc_status status = bc_adapter_is(adapter->base, &adapted, err);
    if (status != BERTC_OK || !adapted) return status;
    return bc_fail(err, BERTC_INPUT, "%s: the base model \"%.300s\" is an adapter itself", path,
                   adapter->base);
}

bertc_status bc_adapter_read(const char *dir, bc_adapter *adapter, bertc_error *err)
{
    cJSON *tree = NULL;
    char *path = bc_path_join(dir, BC_ADAPTER_CONFIG);
    bool found = false;
    bertc_status status = path ? bc_file_find(path, &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && found) {
        status = bc_json_read(path, BC_KIND_SETTINGS, &tree, err);
        if (status == BERTC_OK) status = check_kind(tree, path, err);
        if (status == BERTC_OK) status = read_scale(tree, path, adapter, err);
        if (status == BERTC_OK) status = find_base(tree, path, dir, adapter, err);
        if (status == BERTC_OK) status = check_base(adapter, path, err);
    }
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

void bc_adapter_clear(bc_adapter *adapter)
{
    bc_free(adapter->base);
    *adapter = (bc_adapter){0};
}

double bc_adapter_scale(const bc_adapter *adapter, size_t rank)
{
    return adapter->alpha / (adapter->root ? sqrt((double)rank) : (double)rank);
}

/* ---- The configuration --------------------------------------------------------------------- */

/* As many labels as rows of the classifier in `file`, without names where the base has another number. */
static bertc_status fit_labels(const bc_safetensors *file, bertc_config *config, bertc_error *err)
{
    const bc_tensor *weight = bc_safetensors_find(file, BC_ADAPTER_PREFIX "classifier.weight");
    size_t rows = weight && weight->rank == 2 ? weight->shape[0] : 0;
    if (rows == 0 || rows == (size_t)config->num_labels) return BERTC_OK;
    char (*names)[32] = rows < INT32_MAX ? bc_alloc(rows, sizeof *names) : NULL;
    const char **labels = names ? bc_alloc(rows, sizeof *labels) : NULL;
    bertc_status status = labels ? BERTC_OK : bc_fail_memory(err);
    for (size_t i = 0; status == BERTC_OK && i < rows; i++) {
        snprintf(names[i], sizeof *names, "LABEL_%zu", i);
        labels[i] = names[i];
    }
    if (status == BERTC_OK) status = bertc_config_set_labels(config, labels, (int32_t)rows, err);
    bc_free(names);
    bc_free(labels);
    return status;
}

static bertc_status load_from_base(const char *dir, const char *base, bertc_config *config,
                                   bertc_error *err)
{
    bc_safetensors file = {0};
    char *path = bc_path_join(base, "config.json"), *weights = bc_path_join(dir, BC_ADAPTER_WEIGHTS);
    bertc_status status = path && weights ? bertc_config_load(path, config, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_safetensors_open(weights, &file, err);
    if (status == BERTC_OK) status = fit_labels(&file, config, err);
    bc_safetensors_close(&file);
    bc_free(path);
    bc_free(weights);
    return status;
}

bertc_status bc_adapter_load_config(const char *dir, bertc_config *config, bertc_error *err)
{
    bc_adapter adapter = {0};
    char *path = bc_path_join(dir, "config.json");
    bool own = true;
    bertc_status status = path ? bc_adapter_read(dir, &adapter, err) : bc_fail_memory(err);
    if (status == BERTC_OK && adapter.base) status = bc_file_find(path, &own, err);
    if (status == BERTC_OK)
        status = own ? bertc_config_load(path, config, err) : load_from_base(dir, adapter.base, config, err);
    bc_adapter_clear(&adapter);
    bc_free(path);
    return status;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void put_layers(bc_text *text, const bc_adapter_record *r)
{
    if (r->first == 0) {
        bc_text_printf(text, "null");
        return;
    }
    for (int32_t l = r->first; l < r->layers; l++)
        bc_text_printf(text, "%s%d", l == r->first ? "[" : ", ", (int)l);
    bc_text_printf(text, "]");
}

static void put_targets(bc_text *text, const bc_adapter_record *r)
{
    for (size_t i = 0; i < r->count; i++) {
        bc_text_printf(text, "%s", i ? ", " : "[");
        bc_text_quote(text, r->targets[i]);
    }
    bc_text_printf(text, "]");
}

static void put_record(bc_text *text, const bc_adapter_record *r)
{
    char alpha[BC_JSON_DOUBLE], dropout[BC_JSON_DOUBLE];
    bc_json_double(alpha, r->alpha);
    bc_json_double(dropout, r->dropout);
    bc_text_printf(text, "{\n  \"alpha_pattern\": {},\n  \"auto_mapping\": null,\n"
                         "  \"base_model_name_or_path\": ");
    bc_text_quote(text, r->base);
    bc_text_printf(text, ",\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n"
                         "  \"inference_mode\": true,\n  \"init_lora_weights\": true,\n"
                         "  \"layers_pattern\": null,\n  \"layers_to_transform\": ");
    put_layers(text, r);
    bc_text_printf(text, ",\n  \"lora_alpha\": %s,\n  \"lora_dropout\": %s,\n"
                         "  \"modules_to_save\": [\n    \"classifier\"\n  ],\n"
                         "  \"peft_type\": \"LORA\",\n  \"r\": %d,\n  \"rank_pattern\": {},\n"
                         "  \"revision\": null,\n  \"target_modules\": ",
                   alpha, dropout, (int)r->rank);
    put_targets(text, r);
    bc_text_printf(text, ",\n  \"task_type\": \"SEQ_CLS\",\n  \"use_rslora\": false\n}\n");
}

bertc_status bc_adapter_write(const bc_adapter_record *record, const bc_dir *dir, bc_ledger *ledger,
                              bertc_error *err)
{
    bc_text text = {0};
    put_record(&text, record);
    bertc_status status =
        text.failed ? bc_fail_memory(err)
                    : bc_file_write_in(dir, BC_ADAPTER_CONFIG, text.bytes, text.length, ledger, err);
    bc_text_clear(&text);
    return status;
}
