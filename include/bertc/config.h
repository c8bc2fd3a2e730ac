/* BertConfig: the shape and the constants of a BERT encoder, as in a model's config.json.
 *
 * 1. Fields have the names and defaults of transformers' BertConfig.
 * 2. Loading checks the configuration: every size is positive and bounded, the number of heads divides the hidden size,
 *    and a key that asks for something this encoder does not compute is an error that states the key. A wrong value
 *    that only the head or only training uses is reported when it is used: see head_refusal and bertc_config_check.
 * 3. Unknown keys are kept and written back unchanged.
 *
 * Threads: a configuration is plain data. Several threads may read it at once while no thread changes or clears it.
 * Null pointers: BERTC_USAGE. */
#ifndef BERTC_CONFIG_H
#define BERTC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bertc/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum bertc_activation {
    BERTC_GELU,       /* 0.5 x (1 + erf(x / sqrt 2)): "gelu", "gelu_python" */
    BERTC_GELU_TANH,  /* tanh form: "gelu_new", "gelu_pytorch_tanh", "gelu_fast" */
    BERTC_QUICK_GELU, /* x sigmoid(1.702 x): "quick_gelu" */
    BERTC_RELU,       /* "relu" */
    BERTC_SILU,       /* x sigmoid(x): "silu", "swish" */
    BERTC_TANH        /* "tanh" */
} bertc_activation;

typedef struct bertc_config {
    int32_t vocab_size;
    int32_t hidden_size;
    int32_t num_hidden_layers;
    int32_t num_attention_heads;
    int32_t intermediate_size;
    int32_t max_position_embeddings;
    int32_t type_vocab_size;
    int32_t pad_token_id;
    bertc_activation hidden_act;
    double hidden_dropout_prob;
    double attention_probs_dropout_prob;
    double classifier_dropout; /* -1: null in the file; hidden_dropout_prob is used */
    double initializer_range;
    double layer_norm_eps;
    int32_t num_labels;    /* C >= 1 */
    bool multi_label; /* true: each label applies or not (problem_type "multi_label_classification"); false: 1 label
                         is a regression, more labels are the classes of a classification */
    char **labels;         /* id2label: num_labels owned strings; LABEL_0, ... if the file has no id2label */
    char *head_refusal;    /* why bertc does not support the head that the file describes; null: supported; owned.
                              bertc_config_set_labels makes it null */
    char *hidden_act_name; /* as spelled in the file; owned */
    char *json;            /* text of the file, for its unknown keys; null if not loaded from a file; owned */
} bertc_config;

/* Set BertConfig's defaults (bert-base-uncased) and two labels. */
BERTC_API bertc_status bertc_config_init(bertc_config *config, bertc_error *err);

/* Load a config.json and check the values that the encoder uses. Errors: BERTC_INPUT, BERTC_IO, BERTC_NOMEM. */
BERTC_API bertc_status bertc_config_load(const char *path, bertc_config *config, bertc_error *err);

/* Replace the labels by copies of `count` strings; multi_label stays. */
BERTC_API bertc_status bertc_config_set_labels(bertc_config *config, const char *const *labels,
                                               int32_t count, bertc_error *err);

/* The problem_type of the head as transformers names it: "regression", "single_label_classification" or
 * "multi_label_classification". Null for a null config. */
BERTC_API const char *bertc_config_problem_type(const bertc_config *config);

/* Check sizes and ranges, including values that only training uses (dropout, initializer_range). Messages begin with
 * `source`. Errors: BERTC_INPUT. */
BERTC_API bertc_status bertc_config_check(const bertc_config *config, const char *source, bertc_error *err);

/* Deep copy. */
BERTC_API bertc_status bertc_config_copy(bertc_config *to, const bertc_config *from, bertc_error *err);

/* Release what the configuration owns; the struct itself belongs to the caller. */
BERTC_API void bertc_config_clear(bertc_config *config);

#ifdef __cplusplus
}
#endif
#endif
