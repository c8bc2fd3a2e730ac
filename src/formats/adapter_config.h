/* An adapter directory of Hugging Face peft (LoRA): adapter_config.json beside adapter_model.safetensors,
 * which hold what was trained, and the name of the model directory that it was trained on.
 *
 * 1. A directory with an adapter_config.json is an adapter, whatever else it holds, as for transformers.
 * 2. What bertc does not compute as peft does (DoRA, other alphas by layer, trained biases) is refused by name.
 * 3. There is no config.json, as peft writes none: transformers would take it for a model's. The names of the
 *    labels are in a file of bertc's own, BC_ADAPTER_LABELS. Earlier versions wrote a config.json, which is read
 *    where it is. */
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
#define BC_ADAPTER_PREFIX "base_model.model." /* of every tensor's name */

typedef struct bc_adapter_config {
    char *base;   /* the model directory, found; null: this is no adapter */
    double alpha;
    bool rslora;    /* alpha / sqrt(R) in place of alpha / R (use_rslora) */
    cJSON *tree;  /* of adapter_config.json */
} bc_adapter_config;

/* Is it one, by rule 1? Errors: BERTC_NOMEM. */
bertc_status bc_adapter_config_exists(const char *dir, bool *adapter, bertc_error *err);

/* Read what `dir` says of itself. Where base_model_name_or_path is not absolute it is looked for from the
 * current folder, then from `dir`. Starts as {0}, cleared by bc_adapter_config_clear in any case. Errors:
 * BERTC_INPUT naming the file and what is wrong, or that `dir` is neither a model's folder nor an adapter's
 * (bc_model_path_check); BERTC_IO; BERTC_NOMEM. */
bertc_status bc_adapter_config_read(const char *dir, bc_adapter_config *adapter, bertc_error *err);
void bc_adapter_config_clear(bc_adapter_config *adapter);

/* Do its settings give the module of a layer ("bert.encoder.layer.0.attention.self.query", 0) an adapter of this rank?
 * Null, or the setting that says otherwise: peft would leave the tensors out, or not read them. */
const char *bc_adapter_config_excludes(const bc_adapter_config *adapter, const char *module, int layer, size_t rank);

double bc_adapter_config_scale(const bc_adapter_config *adapter, size_t rank);

/* The configuration of the model that a directory stands for: its own config.json, or for an adapter
 * without one its base's, with the adapter's labels and as many as its classifier has. Errors: those of
 * bertc_config_load and bc_adapter_config_read. */
bertc_status bc_adapter_load_config(const char *dir, bertc_config *config, bertc_error *err);

/* What an adapter_config.json says. */
typedef struct bc_adapter_settings {
    const char *base;           /* base_model_name_or_path */
    int32_t rank;
    double alpha, dropout;
    const char *const *targets; /* (count) as peft names them */
    size_t count;
    int32_t first, layers;      /* only the layers first .. layers - 1 have adapters */
} bc_adapter_settings;

/* Write adapter_config.json into `dir`, with the keys of peft 0.7 and later, and bertc_labels.json: id2label, label2id
 * and problem_type of `config` as a config.json has them; noted in `ledger` unless that is null.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_adapter_config_write(const bc_adapter_settings *record, const bertc_config *config, const bc_dir *dir,
                              bc_file_hashes *hashes, bertc_error *err);

#endif
