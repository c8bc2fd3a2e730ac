/* The vocabulary inside a tokenizer.json: for directories that carry no vocab.txt, and beside one. */
#ifndef BC_VOCAB_JSON_H
#define BC_VOCAB_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "bertc/vocab.h"

/* Whether the parsed tokenizer.json at `path` is of WordPiece. Errors: BERTC_INPUT naming what it is. */
bertc_status bc_vocab_check_model(const cJSON *tree, const char *path, bertc_error *err);

/* The vocabulary of a tokenizer.json, "model.vocab", as the lines of a vocab.txt: an owned string
 * (bc_free). added: added tokens with ids behind it become words too. Ids without a word become blank
 * lines. *distinct: how many words "model.vocab" has. Errors: BERTC_INPUT; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_read_json(const char *path, bool added, char **text, size_t *length,
                                int32_t *distinct, bertc_error *err);

/* Whether the lines of a vocab.txt are the words of the tokenizer.json beside it; words of the latter's
 * added tokens may follow them. *lines: how many lines there are without these; *distinct as above.
 * Errors: BERTC_INPUT naming the first that differs; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_compare_json(const bertc_vocab *vocab, const char *path, int32_t *lines,
                                   int32_t *distinct, bertc_error *err);

#endif
