/* BertConfig as a table, and writing it. */
#ifndef BC_FORMATS_CONFIG_H
#define BC_FORMATS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "base/text.h"
#include "base/writer.h"
#include "bertc/config.h"

enum { BC_MAX_LABELS = 1 << 20 }; /* far above use */

/* The numbers of a configuration. `nullable` ones are -1 where the file has null. */
typedef struct bc_config_field {
    const char *key; /* in config.json */
    size_t offset;   /* in bertc_config */
    bool whole;      /* int32_t, else double */
    bool nullable;
    bool training; /* nothing but training, or a parameter that is drawn, needs it */
    double min, max; /* inclusive */
} bc_config_field;

extern const bc_config_field bc_config_fields[];
extern const size_t bc_config_field_count;

double bc_config_get(const bertc_config *config, const bc_config_field *field);

/* The two parts of bertc_config_check: what the encoder computes with, which bertc_config_load checks, and
 * what only training needs. */
bertc_status bc_config_check_encoder(const bertc_config *config, const char *place, bertc_error *err);
bertc_status bc_config_check_training(const bertc_config *config, const char *place, bertc_error *err);

/* bertc_config_load of a model whose head is not the file's: whatever class it names. */
bertc_status bc_config_load_encoder(const char *path, bertc_config *config, bertc_error *err);

/* What the tree of a config.json says of the head: the labels, and whether problem_type goes with them; whether
 * its class has a head for sentences; the same of the task_type in an adapter_config.json. `place` names the
 * source. Faults are kept in config->head_refusal, the first one. Errors: BERTC_NOMEM. */
bertc_status bc_config_read_head(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err);
bertc_status bc_config_check_class(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err);
bertc_status bc_config_check_task(const cJSON *tree, const char *place, bertc_config *config, bertc_error *err);

/* LABEL_0 and so on, `count` of them. Errors: BERTC_NOMEM. */
bertc_status bc_config_default_labels(bertc_config *config, int32_t count, bertc_error *err);

/* Leave the configuration without labels and head_refusal. */
void bc_config_free_labels(bertc_config *config);

typedef struct bc_named_label {
    const char *name; /* the configuration's */
    int32_t index;
} bc_named_label;

/* The labels by name, equal ones by index; released by bc_free; null where memory is out. */
bc_named_label *bc_config_sorted_labels(const bertc_config *config);

/* Write the config.json of a BertForSequenceClassification: every key of bertc_config with its
 * value, architectures, labels, problem_type and dtype float32, and all other keys of
 * config->json as they are spelled there, sorted by key. Noted in `ledger` unless that is null.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_config_write(const bertc_config *config, const bc_dir *dir, const char *name, bc_file_hashes *hashes,
                             bertc_error *err);

/* Append an object of what such a file says of the head: id2label, label2id, problem_type. */
void bc_config_put_head(bc_text *text, const bertc_config *config);

#endif
