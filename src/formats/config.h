/* The table of BertConfig's numbers; parts of reading, checking and writing a config.json. */
#ifndef BC_FORMATS_CONFIG_H
#define BC_FORMATS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/text.h"
#include "base/writer.h"
#include "bertc/config.h"

enum { BC_MAX_LABELS = 1 << 20 }; /* far above use */

/* A number of the configuration. */
typedef struct bc_config_field {
    const char *key;    /* key in config.json */
    size_t offset;      /* offset in bertc_config */
    bool integer;       /* int32_t; false: double */
    bool nullable;      /* null in the file is -1 here */
    bool training_only; /* only training and newly initialized parameters use it */
    double min, max;    /* inclusive */
} bc_config_field;

extern const bc_config_field bc_config_fields[];
extern const size_t bc_config_field_count;

double bc_config_get(const bertc_config *config, const bc_config_field *field);

/* The two parts of bertc_config_check: values that the encoder uses, which bertc_config_load checks too, and values
 * that only training uses. */
bertc_status bc_config_check_encoder(const bertc_config *config, const char *source, bertc_error *err);
bertc_status bc_config_check_training(const bertc_config *config, const char *source, bertc_error *err);

/* Do as bertc_config_load, but accept any class in "architectures": the model gets another head. */
bertc_status bc_config_load_encoder(const char *path, bertc_config *config, bertc_error *err);

/* Each of these reads a part of a parsed JSON file that describes the head, and sets config->head_refusal if bertc does
 * not compute that head. The first refusal stays. `source` is the file's name in messages. Errors: BERTC_NOMEM.
 *
 *   read_head           the labels and "problem_type", which must fit their number
 *   check_architecture  whether the class in "architectures" classifies sentences
 *   check_task_type     whether "task_type" in an adapter_config.json is one of sentence classification */
bertc_status bc_config_read_head(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err);
bertc_status bc_config_check_architecture(const cJSON *tree, const char *source, bertc_config *config,
                                          bertc_error *err);
bertc_status bc_config_check_task_type(const cJSON *tree, const char *source, bertc_config *config, bertc_error *err);

/* Set `count` labels named LABEL_0, LABEL_1, ... Errors: BERTC_NOMEM. */
bertc_status bc_config_default_labels(bertc_config *config, int32_t count, bertc_error *err);

/* Release the labels and head_refusal. */
void bc_config_free_labels(bertc_config *config);

typedef struct bc_named_label {
    const char *name; /* owned by the configuration */
    int32_t index;
} bc_named_label;

/* The labels sorted by name, equal names by index. Released by bc_free; null if memory is exhausted. */
bc_named_label *bc_config_sorted_labels(const bertc_config *config);

/* Write the config.json of a BertForSequenceClassification, sorted by key: the values of bertc_config, architectures,
 * labels, problem_type, dtype float32, and every other key of config->json as it is spelled there. Add the file to
 * `hashes` unless that is null. Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_config_write(const bertc_config *config, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                             bertc_error *err);

/* Append a JSON object with the members of config.json that describe the head: id2label, label2id, problem_type. */
void bc_config_put_head(bc_text *text, const bertc_config *config);

#endif
