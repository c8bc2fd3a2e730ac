/* The vocabulary in a tokenizer.json: read if there is no vocab.txt, else compared with it. */
#ifndef BC_VOCAB_JSON_H
#define BC_VOCAB_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "bertc/vocab.h"

/* Check that the parsed tokenizer.json of the file `path` is a WordPiece tokenizer. Errors: BERTC_INPUT with its
 * type. */
bertc_status bc_vocab_check_model(const cJSON *tree, const char *path, bertc_error *err);

/* Read the vocabulary of a tokenizer.json, "model.vocab", as the lines of a vocab.txt: a string that the caller
 * releases by bc_free. Ids without a word become blank lines. added: the added tokens become words too. Sets *distinct
 * to the number of words in "model.vocab". Errors: BERTC_INPUT; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_read_json(const char *path, bool added, char **text, size_t *length,
                                int32_t *distinct, bertc_error *err);

/* Check that the lines of a vocab.txt are the words of the tokenizer.json `path`. Lines with added tokens of the
 * tokenizer.json may follow; *lines does not count them. *distinct is set as above. Errors: BERTC_INPUT with the first
 * difference; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_compare_json(const bertc_vocab *vocab, const char *path, int32_t *lines,
                                   int32_t *distinct, bertc_error *err);

#endif
