/* Truncating a model to its first layers. Everything else is copied byte for byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/model_path.h"
#include "base/text.h"
#include "base/writer.h"
#include "formats/adapter_config.h"
#include "formats/model_dir.h"
#include "formats/readers.h"
#include "formats/safetensors.h"
#include "formats/tensor_names.h"
#include "nn/model_load.h"

/* Write config.json with another number of layers; all other members stay as they are spelled. */
static bertc_status write_config(const char *from, const bc_dir *to, int layers, bertc_error *err)
{
    char *json = NULL, number[16];
    cJSON *tree = NULL;
    bc_text out = {0};
    size_t length = 0;
    bertc_status status = bc_json_read_text(from, BC_FILE_SETTINGS, &json, &length, &tree, err);
    snprintf(number, sizeof number, "%d", layers);
    if (status == BERTC_OK) bc_json_put_with(&out, json, length, tree, "num_hidden_layers", number);
    if (status == BERTC_OK)
        status = out.failed ? bc_fail_memory(err)
                            : bc_file_write_in(to, "config.json", out.bytes, out.length, NULL, err);
    bc_text_clear(&out);
    cJSON_Delete(tree);
    bc_free(json);
    return status;
}

/* A bc_tensor_generator whose context is the list of the tensors to copy. */
static bertc_status copy_bytes(const void *context, size_t index, size_t from, size_t length, void *to,
                               bertc_error *err)
{
    const bc_tensor *const *tensors = context, *t = tensors[index];
    bertc_status status = bc_tensor_bytes(t, from, length, to, err);
    return status == BERTC_OK ? bc_weights_check(t->weights, err) : status;
}

static bertc_status write_tensors(const bc_weights *weights, const bc_dir *to, int layers, bertc_error *err)
{
    const char *const metadata[] = {"format", weights->framework ? weights->framework : "pt", NULL};
    bc_tensor_out *kept = bc_alloc(weights->count, sizeof *kept);
    const bc_tensor **from = bc_alloc(weights->count, sizeof *from);
    bertc_status status = kept && from ? BERTC_OK : bc_fail_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < weights->count && status == BERTC_OK; i++) {
        const bc_tensor *t = &weights->tensors[i];
        if (bc_name_layer(t->name) >= layers) continue;
        bc_tensor_out *out = &kept[count];
        *out = (bc_tensor_out){.name = t->name, .dtype = t->dtype, .rank = t->rank};
        memcpy(out->shape, t->shape, sizeof out->shape);
        from[count++] = t;
    }
    if (status == BERTC_OK)
        status = bc_safetensors_write_generated(to, BC_MODEL_WEIGHTS, kept, count, metadata,
                                                &(bc_tensor_generator){copy_bytes, from}, NULL, err);
    bc_free(from);
    bc_free(kept);
    return status;
}

/* Write all files, config.json last: without it the folder is not a model directory. */
static bertc_status write_all(const char *dir, const bc_weights *weights, int layers, const char *out, bertc_error *err)
{
    bc_dir to = {.fd = -1};
    char *from = bc_path_join(dir, "config.json");
    bertc_status status = from ? bc_dir_open(&to, out, false, err) : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_model_dir_copy_tokenizer(dir, &to, false, NULL, err);
    if (status == BERTC_OK) status = write_tensors(weights, &to, layers, err);
    if (status == BERTC_OK) status = write_config(from, &to, layers, err);
    bc_dir_close(&to);
    bc_free(from);
    return status;
}

static bertc_status check_layers(const char *dir, int layers, bertc_error *err)
{
    bertc_config config = {0};
    char *path = bc_path_join(dir, "config.json");
    bertc_status status = path ? bertc_config_load(path, &config, err) : bc_fail_memory(err);
    if (status == BERTC_OK && (layers < 1 || layers > config.num_hidden_layers))
        status = bc_fail(err, BERTC_USAGE, "--keep-layers %d: %s allows 1 to %d", layers,
                         path, (int)config.num_hidden_layers);
    bertc_config_clear(&config);
    bc_free(path);
    return status;
}

bertc_status bertc_model_truncate(const char *dir, int32_t layers, const char *out, bertc_error *err)
{
    static const char *const names[] = {"config.json", BC_ADAPTER_CONFIG};
    const bertc_model_options options = {.threads = 1, .keep_layers = layers, .encoder_only = true};
    bertc_model *model = NULL;
    bc_weights weights = {0};
    bool adapter = false;
    if (!dir || !out) return bc_fail_null(err, __func__, "dir and out");
    bertc_status status = bc_model_dir_check_finished(dir, err);
    if (status == BERTC_OK) status = bc_model_path_check(dir, names, sizeof names / sizeof *names, err);
    if (status == BERTC_OK) status = bc_adapter_config_exists(dir, &adapter, err);
    if (status == BERTC_OK && adapter)
        status = bc_fail(err, BERTC_INPUT, "%s: this is an adapter; truncate its base model", dir);
    if (status == BERTC_OK) status = check_layers(dir, layers, err);
    /* This checks that these layers have all tensors, with the shapes in config.json. It reads no values. */
    if (status == BERTC_OK) status = bc_model_open(dir, &options, &model, err);
    bertc_model_free(model);
    if (status == BERTC_OK) status = bc_weights_open_in(dir, BC_ROLE_MODEL, &weights, err);
    if (status == BERTC_OK) status = write_all(dir, &weights, layers, out, err);
    bc_weights_close(&weights);
    return status;
}
