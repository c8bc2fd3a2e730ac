/* An adapter directory of Hugging Face peft (LoRA): adapter_config.json and adapter_model.safetensors hold the trained
 * tensors, their settings and the path of the base model directory.
 *
 * 1. A directory with an adapter_config.json is an adapter, whatever else it holds, as for transformers.
 * 2. A setting that bertc does not compute as peft does (DoRA, an alpha for each layer, trained biases) is an error
 *    that states its key.
 * 3. bertc writes no config.json, as peft writes none: transformers would take the directory for a model. The label
 *    names are in a file of bertc's own, BC_ADAPTER_LABELS. Earlier versions wrote a config.json; it is read if
 *    present. */
#ifndef BC_FORMATS_ADAPTER_CONFIG_H
#define BC_FORMATS_ADAPTER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/writer.h"
#include "bertc/config.h"
#include "bertc/status.h"

#define BC_ADAPTER_CONFIG "adapter_config.json"
#define BC_ADAPTER_LABELS "bertc_labels.json"
#define BC_ADAPTER_PREFIX "base_model.model." /* prefix of every tensor name in an adapter */

typedef struct bc_adapter_config {
    char *base;  /* path of the base model directory; null: the directory is not an adapter */
    double alpha;
    bool rslora; /* use_rslora: the scale is alpha / sqrt(R), not alpha / R */
    cJSON *tree; /* parsed adapter_config.json */
} bc_adapter_config;

/* Whether `dir` holds an adapter_config.json. Errors: BERTC_NOMEM. */
bertc_status bc_adapter_config_exists(const char *dir, bool *adapter, bertc_error *err);

/* Read the adapter_config.json in `dir`. A relative base_model_name_or_path is searched first from the current folder,
 * then from `dir`. *adapter is {0} at first; call bc_adapter_config_clear also after an error. Errors: BERTC_INPUT if
 * the file is not supported, or `dir` is neither a model directory nor an adapter (bc_model_path_check); BERTC_IO;
 * BERTC_NOMEM. */
bertc_status bc_adapter_config_read(const char *dir, bc_adapter_config *adapter, bertc_error *err);
void bc_adapter_config_clear(bc_adapter_config *adapter);

/* Find the setting that contradicts an adapter of this rank on a module of a layer
 * ("bert.encoder.layer.0.attention.self.query", 0). Returns the setting's key, or null if no setting contradicts it. */
const char *bc_adapter_config_excludes(const bc_adapter_config *adapter, const char *module, int layer, size_t rank);

double bc_adapter_config_scale(const bc_adapter_config *adapter, size_t rank);

/* Load the configuration of a model or adapter directory from its config.json. For an adapter without a config.json,
 * take the base model's configuration with the labels of the adapter's classifier. Errors: those of bertc_config_load
 * and bc_adapter_config_read. */
bertc_status bc_config_load_dir(const char *dir, bertc_config *config, bertc_error *err);

/* The values to write into an adapter_config.json. */
typedef struct bc_adapter_settings {
    const char *base;           /* base_model_name_or_path */
    int32_t rank;
    double alpha, dropout;
    const char *const *targets; /* (count) module names as peft spells them */
    size_t count;
    int32_t first, layers;      /* the layers first .. layers - 1 have adapters */
} bc_adapter_settings;

/* Write into `dir` an adapter_config.json with the keys of peft 0.7 and later, and a bertc_labels.json with id2label,
 * label2id and problem_type of `config`. Add both to `hashes` unless that is null. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_adapter_config_write(const bc_adapter_settings *settings, const bertc_config *config,
                                     const bc_dir *dir, bc_file_hashes *hashes, bertc_error *err);

#endif
