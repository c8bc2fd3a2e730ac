/* The special and added tokens that the files of a model directory declare. */
#ifndef BC_TOKENIZER_DECLARED_TOKENS_H
#define BC_TOKENIZER_DECLARED_TOKENS_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "bertc/tokenizer.h"

/* A file of the directory; `tree` is null if the file is absent. */
typedef struct bc_document {
    char *path;
    cJSON *tree;
} bc_document;

typedef struct bc_tokenizer_files {
    bc_document config, model, json; /* tokenizer_config.json, config.json, tokenizer.json */
    bc_document map, added;          /* special_tokens_map.json, added_tokens.json */
} bc_tokenizer_files;

/* Read a member that is true or false. If the member is absent or null, *value is unchanged. Errors: BERTC_INPUT. */
bertc_status bc_read_bool(const cJSON *object, const char *key, const char *place, bool *value, bertc_error *err);

/* Overlay the names of the special tokens and the added tokens on `options`, as AutoTokenizer does. generic: the
 * tokenizer class takes everything from tokenizer.json. Errors: BERTC_INPUT, BERTC_NOMEM. */
bertc_status bc_declared_tokens_read(const bc_tokenizer_files *files, bool generic,
                                     bertc_tokenizer_options *options, bertc_error *err);

#endif
