#ifndef BC_VOCAB_INTERNAL_H
#define BC_VOCAB_INTERNAL_H

#include <stddef.h>

#include "bertc/vocab.h"

/* The file that the vocabulary came from, or what it was called when it was parsed. */
const char *bc_vocab_place(const bertc_vocab *vocab);

/* The bytes of white space (Unicode White_Space) that end at text[end], 0 where there are none. */
size_t bc_vocab_space_before(const char *text, size_t end);

/* The vocabulary of a tokenizer.json, "model.vocab", as the lines of a vocab.txt: an owned string
 * (bc_free). Added tokens with ids behind it become words too. Ids without a word become blank
 * lines. Errors: BERTC_INPUT; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_read_json(const char *path, char **text, size_t *length, bertc_error *err);

/* Whether a tokenizer.json gives its words the ids of a vocab.txt. Errors: BERTC_INPUT naming the first
 * that differs; BERTC_IO; BERTC_NOMEM. */
bertc_status bc_vocab_compare_json(const bertc_vocab *vocab, const char *path, bertc_error *err);

#endif
