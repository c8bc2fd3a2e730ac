/* BertConfig as a table, and writing it. */
#ifndef BC_FORMATS_CONFIG_H
#define BC_FORMATS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file.h"
#include "bertc/config.h"

/* The numbers of a configuration. `nullable` ones are null in the file where they are negative. */
typedef struct bc_config_field {
    const char *key; /* in config.json */
    size_t offset;   /* in bertc_config */
    bool whole;      /* int32_t, else double */
    bool nullable;
    double least, most; /* inclusive */
} bc_config_field;

extern const bc_config_field bc_config_fields[];
extern const size_t bc_config_field_count;

double bc_config_get(const bertc_config *config, const bc_config_field *field);

typedef struct bc_label {
    const char *name; /* the configuration's */
    int32_t index;
} bc_label;

/* The labels by name, equal ones by index; released by bc_free; null where memory is out. */
bc_label *bc_config_sorted_labels(const bertc_config *config);

/* Write the config.json of a BertForSequenceClassification: every key of bertc_config with its
 * value, architectures, labels, problem_type and dtype float32, and all other keys of
 * config->json as they are spelled there, sorted by key. Noted in `ledger` unless that is null.
 * Errors: BERTC_IO, BERTC_NOMEM. */
bertc_status bc_config_write(const bertc_config *config, const bc_dir *dir, const char *name, bc_ledger *ledger,
                             bertc_error *err);

#endif
