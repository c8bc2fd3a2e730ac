#include "formats/adapter_config.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "base/text.h"
#include "base/writer.h"
#include "formats/config.h"
#include "formats/readers.h"

/* ---- Reading ------------------------------------------------------------------------------- */

/* Keys that make an adapter compute something other than alpha / R * B A. Each must be absent or off. */
static const char *const unsupported[] = {
    "alora_invocation_tokens", "alpha_pattern",     "arrow_config", "bias",
    "exclude_modules",         "fan_in_fan_out",    "kasa_config",  "layer_replication",
    "lora_bias",               "monteclora_config", "target_parameters", "trainable_token_indices",
    "use_bdlora",              "use_dora",          "use_qalora",   "velora_config",
};

static bool is_off(const cJSON *item)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsFalse(item)) return true;
    if (cJSON_IsObject(item) || cJSON_IsArray(item)) return cJSON_GetArraySize(item) == 0;
    return cJSON_IsString(item) && strcmp(item->valuestring, "none") == 0;
}

/* Whether this value of init_lora_weights leaves the base weights unchanged. Other values move a part of the base
 * weights into A and B. */
static bool keeps_base(const cJSON *item)
{
    if (!item || cJSON_IsNull(item) || cJSON_IsBool(item)) return true;
    return cJSON_IsString(item) && strcmp(item->valuestring, "gaussian") == 0;
}

static bertc_status check_settings(const cJSON *tree, const char *path, bertc_error *err)
{
    const char *type = cJSON_GetStringValue(bc_json_get(tree, "peft_type"));
    if (!type || strcmp(type, "LORA") != 0)
        return bc_fail(err, BERTC_INPUT, "%s: \"peft_type\" is \"%.64s\", bertc supports only \"LORA\"", path,
                       type ? type : "");
    for (size_t i = 0; i < sizeof unsupported / sizeof *unsupported; i++)
        if (!is_off(bc_json_get(tree, unsupported[i])))
            return bc_fail(err, BERTC_INPUT, "%s: \"%s\" is set, bertc does not support it", path, unsupported[i]);
    if (!keeps_base(bc_json_get(tree, "init_lora_weights")))
        return bc_fail(err, BERTC_INPUT,
                       "%s: \"init_lora_weights\" is a method that changes the base weights, bertc does not support it",
                       path);
    const cJSON *alpha = bc_json_get(tree, "lora_alpha");
    if (!cJSON_IsNumber(alpha) || !isfinite(alpha->valuedouble))
        return bc_fail(err, BERTC_INPUT, "%s: \"lora_alpha\" is not a number", path);
    return BERTC_OK;
}

bertc_status bc_adapter_config_exists(const char *dir, bool *adapter, bertc_error *err)
{
    return bc_file_find_in(dir, BC_ADAPTER_CONFIG, adapter, err);
}

/* If `path` is a model or adapter directory, make it the adapter's base. Takes ownership of `path`. */
static bertc_status try_base(char *path, bc_adapter_config *adapter, bertc_error *err)
{
    bool found = false;
    bertc_status status = path ? bc_file_find_in(path, "config.json", &found, err) : bc_fail_memory(err);
    if (status == BERTC_OK && !found) status = bc_adapter_config_exists(path, &found, err);
    if (found) adapter->base = path;
    else bc_free(path);
    return status;
}

static bertc_status find_base(const cJSON *tree, const char *path, const char *dir, bc_adapter_config *adapter,
                              bertc_error *err)
{
    const char *name = cJSON_GetStringValue(bc_json_get(tree, "base_model_name_or_path"));
    if (!name || !*name) return bc_fail(err, BERTC_INPUT, "%s: \"base_model_name_or_path\" is missing", path);
    bertc_status status = try_base(bc_strndup(name, strlen(name)), adapter, err);
    if (status == BERTC_OK && !adapter->base && name[0] != '/')
        status = try_base(bc_path_join(dir, name), adapter, err);
    if (status != BERTC_OK || adapter->base) return status;
    return bc_fail(err, BERTC_INPUT,
                   "%s: the base model \"%.300s\" is not a folder with a config.json, neither in the current folder "
                   "nor in %s",
                   path, name, dir);
}

static bertc_status read_adapter(const char *dir, const char *path, bc_adapter_config *adapter, bertc_error *err)
{
    bool adapted = false;
    bertc_status status = bc_json_read(path, BC_FILE_SETTINGS, &adapter->tree, err);
    if (status == BERTC_OK) status = check_settings(adapter->tree, path, err);
    if (status == BERTC_OK) {
        adapter->alpha = bc_json_get(adapter->tree, "lora_alpha")->valuedouble;
        adapter->rslora = cJSON_IsTrue(bc_json_get(adapter->tree, "use_rslora"));
        status = find_base(adapter->tree, path, dir, adapter, err);
    }
    if (status == BERTC_OK) status = bc_adapter_config_exists(adapter->base, &adapted, err);
    if (status != BERTC_OK || !adapted) return status;
    return bc_fail(err, BERTC_INPUT, "%s: the base model \"%.300s\" is itself an adapter", path, adapter->base);
}

bertc_status bc_adapter_config_read(const char *dir, bc_adapter_config *adapter, bertc_error *err)
{
    static const char *const names[] = {"config.json", BC_ADAPTER_CONFIG};
    bool adapted = false;
    char *path = bc_path_join(dir, BC_ADAPTER_CONFIG);
    bertc_status status = path ? bc_model_path_check(dir, names, sizeof names / sizeof *names, err)
                               : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_adapter_config_exists(dir, &adapted, err);
    if (adapted) status = read_adapter(dir, path, adapter, err);
    bc_free(path);
    return status;
}

void bc_adapter_config_clear(bc_adapter_config *adapter)
{
    bc_free(adapter->base);
    cJSON_Delete(adapter->tree);
    *adapter = (bc_adapter_config){0};
}

/* Whether the list has the module's name or an end of it. A pattern (a string) is not evaluated: it matches all. */
static bool is_target(const cJSON *targets, const char *module)
{
    const cJSON *item;
    size_t length = strlen(module);
    if (!cJSON_IsArray(targets)) return true;
    cJSON_ArrayForEach(item, targets)
    {
        const char *name = cJSON_GetStringValue(item);
        size_t n = name ? strlen(name) : length + 1;
        if (n <= length && strcmp(module + length - n, name) == 0 && (n == length || module[length - n - 1] == '.'))
            return true;
    }
    return false;
}

/* Whether layers_to_transform, a number or a list, includes a layer. An empty list or null includes every layer. */
static bool includes_layer(const cJSON *layers, int layer)
{
    const cJSON *item;
    if (!cJSON_IsArray(layers)) return !cJSON_IsNumber(layers) || layers->valuedouble == layer;
    cJSON_ArrayForEach(item, layers) if (cJSON_IsNumber(item) && item->valuedouble == layer) return true;
    return cJSON_GetArraySize(layers) == 0;
}

const char *bc_adapter_config_excludes(const bc_adapter_config *adapter, const char *module, int layer, size_t rank)
{
    const cJSON *tree = adapter->tree, *r = bc_json_get(tree, "r");
    if (!is_target(bc_json_get(tree, "target_modules"), module)) return "target_modules";
    if (!includes_layer(bc_json_get(tree, "layers_to_transform"), layer)) return "layers_to_transform";
    bool given = cJSON_IsNumber(r) && is_off(bc_json_get(tree, "rank_pattern"));
    return given && r->valuedouble != (double)rank ? "r" : NULL;
}

double bc_adapter_config_scale(const bc_adapter_config *adapter, size_t rank)
{
    return adapter->alpha / (adapter->rslora ? sqrt((double)rank) : (double)rank);
}

/* ---- The configuration --------------------------------------------------------------------- */

/* The number of rows of the classifier in an adapter's weights; 0 if they hold no classifier. */
static int32_t count_rows(const bc_weights *weights)
{
    const bc_tensor *w = bc_weights_find(weights, BC_ADAPTER_PREFIX "classifier.weight");
    return w && w->rank == 2 && w->shape[0] < INT32_MAX ? (int32_t)w->shape[0] : 0;
}

/* Set the labels of the adapter's classifier, one for each row of its weight: the labels in BC_ADAPTER_LABELS; without
 * that file the base model's labels if their number fits, else unnamed labels. */
static bertc_status read_labels(const char *dir, const bc_weights *weights, bertc_config *config, bertc_error *err)
{
    cJSON *tree = NULL;
    int32_t rows = count_rows(weights);
    const char *slash = strrchr(weights->path, '/'), *file = slash ? slash + 1 : weights->path;
    char *path = bc_path_join(dir, BC_ADAPTER_LABELS);
    bool named = false;
    bertc_status status = path ? bc_file_find(path, &named, err) : bc_fail_memory(err);
    if (named && status == BERTC_OK) status = bc_json_read(path, BC_FILE_SETTINGS, &tree, err);
    if (named && status == BERTC_OK) status = bc_config_read_head(tree, path, config, err);
    if (status == BERTC_OK && rows > 0 && rows != config->num_labels)
        status = named ? bc_fail(err, BERTC_INPUT, "%s: %d labels, but the classifier in %s has %d rows", path,
                                 (int)config->num_labels, file, (int)rows)
                       : bc_config_default_labels(config, rows, err);
    cJSON_Delete(tree);
    bc_free(path);
    return status;
}

/* Load the base model's configuration. If the adapter has a classifier, it replaces the base model's head, whatever
 * class that head has. peft's task_type states whether the adapter's classifier classifies sentences. */
static bertc_status load_from_base(const char *dir, const bc_adapter_config *adapter, bertc_config *config,
                                   bertc_error *err)
{
    bc_weights weights = {0};
    char *path = bc_path_join(adapter->base, "config.json"), *own = bc_path_join(dir, BC_ADAPTER_CONFIG);
    bertc_status status = path && own ? bc_weights_open_in(dir, BC_ROLE_ADAPTER, &weights, err) : bc_fail_memory(err);
    if (status == BERTC_OK)
        status = count_rows(&weights) > 0 ? bc_config_load_encoder(path, config, err)
                                          : bertc_config_load(path, config, err);
    if (status == BERTC_OK) status = read_labels(dir, &weights, config, err);
    if (status == BERTC_OK) status = bc_config_check_task_type(adapter->tree, own, config, err);
    bc_weights_close(&weights);
    bc_free(path);
    bc_free(own);
    return status;
}

bertc_status bc_config_load_dir(const char *dir, bertc_config *config, bertc_error *err)
{
    bc_adapter_config adapter = {0};
    char *path = bc_path_join(dir, "config.json");
    bool own = true;
    bertc_status status = path ? bc_adapter_config_read(dir, &adapter, err) : bc_fail_memory(err);
    if (status == BERTC_OK && adapter.base) status = bc_file_find(path, &own, err);
    if (status == BERTC_OK)
        status = own ? bertc_config_load(path, config, err) : load_from_base(dir, &adapter, config, err);
    bc_adapter_config_clear(&adapter);
    bc_free(path);
    return status;
}

/* ---- Writing ------------------------------------------------------------------------------- */

static void put_settings(bc_text *text, const bc_adapter_settings *s)
{
    char alpha[BC_JSON_DOUBLE], dropout[BC_JSON_DOUBLE];
    bc_json_double(alpha, s->alpha);
    bc_json_double(dropout, s->dropout);
    bc_text_printf(text, "{\n  \"alpha_pattern\": {},\n  \"auto_mapping\": null,\n"
                         "  \"base_model_name_or_path\": ");
    bc_text_quote(text, s->base);
    bc_text_printf(text, ",\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n"
                         "  \"inference_mode\": true,\n  \"init_lora_weights\": true,\n"
                         "  \"layers_pattern\": null,\n  \"layers_to_transform\": ");
    for (int32_t l = s->first; s->first > 0 && l < s->layers; l++)
        bc_text_printf(text, "%s%d", l == s->first ? "[" : ", ", (int)l);
    bc_text_printf(text, "%s,\n  \"lora_alpha\": %s,\n  \"lora_dropout\": %s,\n"
                         "  \"modules_to_save\": [\n    \"classifier\"\n  ],\n"
                         "  \"peft_type\": \"LORA\",\n  \"r\": %d,\n  \"rank_pattern\": {},\n"
                         "  \"revision\": null,\n  \"target_modules\": ",
                   s->first > 0 ? "]" : "null", alpha, dropout, (int)s->rank);
    for (size_t i = 0; i < s->count; i++) {
        bc_text_printf(text, "%s", i ? ", " : "[");
        bc_text_quote(text, s->targets[i]);
    }
    bc_text_printf(text, "],\n  \"task_type\": \"SEQ_CLS\",\n  \"use_rslora\": false\n}\n");
}

bertc_status bc_adapter_config_write(const bc_adapter_settings *settings, const bertc_config *config, const bc_dir *dir,
                                     bc_file_hashes *hashes, bertc_error *err)
{
    bc_text text = {0};
    bc_config_put_head(&text, config);
    bertc_status status = bc_text_write(&text, dir, BC_ADAPTER_LABELS, hashes, err);
    if (status != BERTC_OK) return status;
    put_settings(&text, settings);
    return bc_text_write(&text, dir, BC_ADAPTER_CONFIG, hashes, err);
}
