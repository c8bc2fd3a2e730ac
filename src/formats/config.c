/* Reading and checking config.json.
 *
 * 1. Every key of BertConfig that changes the encoder's outputs is supported, or an unsupported value is an error that
 *    states the key.
 * 2. Values that only training uses (dropout, initializer_range) are read unchecked; bertc_config_check checks them.
 *    formats/config_head.c reads the description of the head. Faults in either do not prevent use of the encoder.
 * 3. A key that is absent or null has BertConfig's default.
 * 4. Keys that change how a result is computed but not the result (chunk_size_feed_forward, use_cache,
 *    gradient_checkpointing, tie_word_embeddings), and unknown keys, are ignored and written back. */
#include "formats/config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define LARGEST_DROPOUT 0.999999 /* values that are not dropped are scaled by 1 / (1 - p) */

#define INTEGER(key, min, max) {#key, offsetof(bertc_config, key), true, false, false, min, max}
#define REAL(key, min, max) {#key, offsetof(bertc_config, key), false, false, false, min, max}
#define TRAINING(key, null, min, max) {#key, offsetof(bertc_config, key), false, null, true, min, max}

const bc_config_field bc_config_fields[] = {
    INTEGER(vocab_size, 1, INT32_MAX),
    INTEGER(hidden_size, 1, 1 << 20),
    INTEGER(num_hidden_layers, 1, 4096),
    INTEGER(num_attention_heads, 1, 1 << 20),
    INTEGER(intermediate_size, 1, 1 << 24),
    INTEGER(max_position_embeddings, 1, 1 << 24),
    INTEGER(type_vocab_size, 1, 1 << 16),
    {"pad_token_id", offsetof(bertc_config, pad_token_id), true, true, false, 0, INT32_MAX},
    TRAINING(hidden_dropout_prob, false, 0, LARGEST_DROPOUT),
    TRAINING(attention_probs_dropout_prob, false, 0, LARGEST_DROPOUT),
    TRAINING(classifier_dropout, true, 0, LARGEST_DROPOUT),
    TRAINING(initializer_range, false, 0, 1000),
    REAL(layer_norm_eps, 0, 1),
};
const size_t bc_config_field_count = sizeof bc_config_fields / sizeof *bc_config_fields;

static const struct {
    const char *name;
    bertc_activation activation;
} activations[] = {
    {"gelu", BERTC_GELU},
    {"gelu_python", BERTC_GELU},
    {"gelu_new", BERTC_GELU_TANH},
    {"gelu_pytorch_tanh", BERTC_GELU_TANH},
    {"gelu_python_tanh", BERTC_GELU_TANH},
    {"gelu_accurate", BERTC_GELU_TANH},
    {"gelu_fast", BERTC_GELU_TANH},
    {"quick_gelu", BERTC_QUICK_GELU},
    {"relu", BERTC_RELU},
    {"silu", BERTC_SILU},
    {"swish", BERTC_SILU},
    {"tanh", BERTC_TANH},
};
enum { ACTIVATIONS = sizeof activations / sizeof *activations };

/* Keys for which bertc supports a single value. */
static const struct {
    const char *key;
    const char *supported; /* the allowed value as JSON; null and an absent key are always allowed */
} restrictions[] = {
    {"model_type", "\"bert\""},       {"position_embedding_type", "\"absolute\""},
    {"is_decoder", "false"},          {"is_encoder_decoder", "false"},
    {"add_cross_attention", "false"}, {"pruned_heads", "{}"},
    {"quantization_config", NULL},
};
enum { RESTRICTIONS = sizeof restrictions / sizeof *restrictions };

/* Fields */

double bc_config_get(const bertc_config *config, const bc_config_field *field)
{
    const char *at = (const char *)config + field->offset;
    int32_t integer;
    double real;
    memcpy(&integer, at, sizeof integer);
    if (field->integer) return integer;
    memcpy(&real, at, sizeof real);
    return real;
}

static void set_field(bertc_config *config, const bc_config_field *field, double real)
{
    char *at = (char *)config + field->offset;
    if (field->integer) {
        int32_t integer = (int32_t)real;
        memcpy(at, &integer, sizeof integer);
    } else {
        memcpy(at, &real, sizeof real);
    }
}

static bertc_status fail_field(const bc_config_field *field, const char *found, const char *source, bertc_error *err)
{
    char min[BC_JSON_DOUBLE], max[BC_JSON_DOUBLE];
    bc_json_double(min, field->min);
    bc_json_double(max, field->max);
    return bc_fail(err, BERTC_INPUT, "%s: \"%s\" is %.80s, expected a %snumber from %s to %s%s", source, field->key,
                   found, field->integer ? "whole " : "", min, max, field->nullable ? " or null" : "");
}

static bool in_range(const bc_config_field *field, double value)
{
    if (field->nullable && value == -1) return true;
    if (field->integer && floor(value) != value) return false;
    return value >= field->min && value <= field->max;
}

static bertc_status read_field(const cJSON *tree, const bc_config_field *field, const char *source,
                               bertc_config *config, bertc_error *err)
{
    const cJSON *item = bc_json_get(tree, field->key);
    if (!item) return BERTC_OK;
    if (cJSON_IsNull(item)) {
        if (field->nullable) set_field(config, field, -1);
        return BERTC_OK;
    }
    double value = item->valuedouble;
    if (cJSON_IsNumber(item) && (field->training_only || in_range(field, value))) {
        set_field(config, field, value);
        return BERTC_OK;
    }
    char *shown = cJSON_PrintUnformatted(item);
    bertc_status status = shown ? fail_field(field, shown, source, err) : bc_fail_memory(err);
    cJSON_free(shown);
    return status;
}

static bertc_status check_restriction(const cJSON *tree, size_t row, const char *source, bertc_error *err)
{
    const cJSON *item = bc_json_get(tree, restrictions[row].key);
    if (!item || cJSON_IsNull(item)) return BERTC_OK;
    char *shown = cJSON_PrintUnformatted(item);
    if (!shown) return bc_fail_memory(err);
    const char *supported = restrictions[row].supported;
    bertc_status status = BERTC_OK;
    if (!supported || strcmp(shown, supported) != 0)
        status = bc_fail(err, BERTC_INPUT, "%s: \"%s\" is %.80s, bertc supports only %s", source,
                         restrictions[row].key, shown, supported ? supported : "null");
    cJSON_free(shown);
    return status;
}

/* Activation */

static int find_activation(const char *name)
{
    for (int i = 0; i < ACTIVATIONS; i++)
        if (strcmp(name, activations[i].name) == 0) return i;
    return -1;
}

static bertc_status fail_activation(const char *source, const char *name, bertc_error *err)
{
    bc_text known = {0};
    for (int i = 0; i < ACTIVATIONS; i++) bc_text_printf(&known, "%s%s", i ? " " : "", activations[i].name);
    bertc_status status = known.failed
                              ? bc_fail_memory(err)
                              : bc_fail(err, BERTC_INPUT, "%s: \"hidden_act\" is \"%.80s\", expected one of: %s",
                                        source, name, known.bytes);
    bc_text_clear(&known);
    return status;
}

static bertc_status read_activation(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err)
{
    const cJSON *item = bc_json_get(tree, "hidden_act");
    if (!item || cJSON_IsNull(item)) return BERTC_OK;
    const char *name = cJSON_GetStringValue(item);
    if (!name) return bc_fail(err, BERTC_INPUT, "%s: \"hidden_act\" is not a string", source);
    int row = find_activation(name);
    if (row < 0) return fail_activation(source, name, err);
    char *copy = bc_strndup(name, strlen(name));
    if (!copy) return bc_fail_memory(err);
    bc_free(config->hidden_act_name);
    config->hidden_act_name = copy;
    config->hidden_act = activations[row].activation;
    return BERTC_OK;
}

/* Public */

bertc_status bertc_config_init(bertc_config *config, bertc_error *err)
{
    if (!config) return bc_fail_null(err, __func__, "config");
    *config = (bertc_config){
        .vocab_size = 30522,
        .hidden_size = 768,
        .num_hidden_layers = 12,
        .num_attention_heads = 12,
        .intermediate_size = 3072,
        .max_position_embeddings = 512,
        .type_vocab_size = 2,
        .hidden_act = BERTC_GELU,
        .hidden_dropout_prob = 0.1,
        .attention_probs_dropout_prob = 0.1,
        .classifier_dropout = -1,
        .initializer_range = 0.02,
        .layer_norm_eps = 1e-12,
        .hidden_act_name = bc_strndup("gelu", 4),
    };
    bertc_status status = config->hidden_act_name ? BERTC_OK : bc_fail_memory(err);
    if (status == BERTC_OK) status = bc_config_default_labels(config, 2, err);
    if (status != BERTC_OK) bertc_config_clear(config);
    return status;
}

static bertc_status read_tree(const cJSON *tree, const char *source, bool with_head, bertc_config *config,
                              bertc_error *err)
{
    bertc_status status = BERTC_OK;
    if (!cJSON_IsObject(tree)) return bc_fail(err, BERTC_INPUT, "%s: not a JSON object", source);
    for (size_t i = 0; status == BERTC_OK && i < RESTRICTIONS; i++) status = check_restriction(tree, i, source, err);
    for (size_t i = 0; status == BERTC_OK && i < bc_config_field_count; i++)
        status = read_field(tree, &bc_config_fields[i], source, config, err);
    if (status == BERTC_OK) status = read_activation(tree, source, config, err);
    if (status == BERTC_OK) status = bc_config_read_head(tree, source, config, err);
    if (status == BERTC_OK && with_head) status = bc_config_check_architecture(tree, source, config, err);
    if (status == BERTC_OK) status = bc_config_check_encoder(config, source, err);
    return status;
}

static bertc_status load(const char *path, bool with_head, bertc_config *config, bertc_error *err)
{
    size_t length = 0;
    cJSON *tree = NULL;
    if (config) *config = (bertc_config){0};
    if (!path || !config) return bc_fail_null(err, __func__, "path and config");
    bertc_status status = bertc_config_init(config, err);
    if (status != BERTC_OK) return status;
    status = bc_json_read_text(path, BC_FILE_SETTINGS, &config->json, &length, &tree, err);
    if (status == BERTC_OK) status = read_tree(tree, path, with_head, config, err);
    cJSON_Delete(tree);
    if (status != BERTC_OK) bertc_config_clear(config);
    return status;
}

bertc_status bertc_config_load(const char *path, bertc_config *config, bertc_error *err)
{
    return load(path, true, config, err);
}

bertc_status bc_config_load_encoder(const char *path, bertc_config *config, bertc_error *err)
{
    return load(path, false, config, err);
}

static bertc_status check_fields(const bertc_config *config, bool training, const char *source, bertc_error *err)
{
    for (size_t i = 0; i < bc_config_field_count; i++) {
        const bc_config_field *field = &bc_config_fields[i];
        double value = bc_config_get(config, field);
        char shown[BC_JSON_DOUBLE];
        if (field->training_only != training || in_range(field, value)) continue;
        bc_json_double(shown, value);
        return fail_field(field, isnan(value) ? "not a number" : shown, source, err);
    }
    return BERTC_OK;
}

bertc_status bertc_config_check(const bertc_config *config, const char *source, bertc_error *err)
{
    if (!config || !source) return bc_fail_null(err, __func__, "config and source");
    bertc_status status = bc_config_check_encoder(config, source, err);
    return status == BERTC_OK ? bc_config_check_training(config, source, err) : status;
}

bertc_status bc_config_check_training(const bertc_config *config, const char *source, bertc_error *err)
{
    return check_fields(config, true, source, err);
}

bertc_status bc_config_check_encoder(const bertc_config *config, const char *source, bertc_error *err)
{
    bertc_status status = check_fields(config, false, source, err);
    if (status != BERTC_OK) return status;
    if (config->hidden_size % config->num_attention_heads != 0)
        return bc_fail(err, BERTC_INPUT, "%s: \"hidden_size\" %d is not a multiple of \"num_attention_heads\" %d",
                       source, (int)config->hidden_size, (int)config->num_attention_heads);
    if (config->pad_token_id >= config->vocab_size)
        return bc_fail(err, BERTC_INPUT, "%s: \"pad_token_id\" %d is not below \"vocab_size\" %d",
                       source, (int)config->pad_token_id, (int)config->vocab_size);
    int row = config->hidden_act_name ? find_activation(config->hidden_act_name) : -1;
    if (row < 0 || activations[row].activation != config->hidden_act)
        return fail_activation(source, config->hidden_act_name ? config->hidden_act_name : "", err);
    if (config->num_labels < 1 || config->num_labels > BC_MAX_LABELS || !config->labels)
        return bc_fail(err, BERTC_INPUT, "%s: no labels", source);
    for (int32_t i = 0; i < config->num_labels; i++)
        if (!config->labels[i]) return bc_fail(err, BERTC_INPUT, "%s: label %d is null", source, (int)i);
    return BERTC_OK;
}

bertc_status bertc_config_copy(bertc_config *to, const bertc_config *from, bertc_error *err)
{
    if (to && to == from) return BERTC_OK;
    if (to) *to = (bertc_config){0};
    if (!to || !from || !from->hidden_act_name || !from->labels)
        return bc_fail_null(err, __func__, "to, from, and the labels and hidden_act_name of from");
    *to = *from;
    to->labels = NULL;
    to->num_labels = 0;
    to->head_refusal = NULL;
    to->hidden_act_name = bc_strndup(from->hidden_act_name, strlen(from->hidden_act_name));
    to->json = from->json ? bc_strndup(from->json, strlen(from->json)) : NULL;
    bertc_status status = BERTC_OK;
    if (!to->hidden_act_name || (from->json && !to->json)) status = bc_fail_memory(err);
    if (status == BERTC_OK)
        status = bertc_config_set_labels(to, (const char *const *)from->labels, from->num_labels, err);
    if (status == BERTC_OK && from->head_refusal &&
        !(to->head_refusal = bc_strndup(from->head_refusal, strlen(from->head_refusal))))
        status = bc_fail_memory(err);
    if (status != BERTC_OK) bertc_config_clear(to);
    return status;
}

void bertc_config_clear(bertc_config *config)
{
    if (!config) return;
    bc_config_free_labels(config);
    bc_free(config->hidden_act_name);
    bc_free(config->json);
    *config = (bertc_config){0};
}
