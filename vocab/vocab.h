/* Internal interface of the vocabulary, for its own files and the tokenizer. */
#ifndef BC_VOCAB_VOCAB_H
#define BC_VOCAB_VOCAB_H

#include <stddef.h>

#include "bertc/vocab.h"

/* Return the number of different words. Ids of a tokenizer.json that have no word are not counted. */
int32_t bc_vocab_distinct(const bertc_vocab *vocab);
void bc_vocab_set_distinct(bertc_vocab *vocab, int32_t distinct);

/* Return the length in bytes of the white space character (Unicode White_Space) that ends at text[end]; 0 if there is
 * none. */
size_t bc_vocab_space_before(const char *text, size_t end);

#endif
