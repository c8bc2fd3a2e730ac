/* Which special and added tokens the files of a model directory declare. */
#ifndef BC_TOKENIZER_DECLARED_H
#define BC_TOKENIZER_DECLARED_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "bertc/tokenizer.h"

/* One file of the directory; tree is null where it is absent. */
typedef struct bc_document {
    char *path;
    cJSON *tree;
} bc_document;

typedef struct bc_tokenizer_files {
    bc_document config, model, json; /* tokenizer_config.json, config.json, tokenizer.json */
    bc_document map, added;          /* special_tokens_map.json, added_tokens.json */
} bc_tokenizer_files;

/* A member that must be true or false; absent or null leaves *value alone. */
bertc_status bc_read_bool(const cJSON *object, const char *key, const char *place, bool *value, bertc_error *err);

/* The names of the special tokens and the added tokens, overlaid on `options` as AutoTokenizer has
 * them. generic: a class that takes everything from tokenizer.json. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_declared_read(const bc_tokenizer_files *files, bool generic,
                              bertc_tokenizer_options *options, bertc_error *err);

#endif
