/* What the vocabulary tells its own files and the tokenizer beside what it tells all. */
#ifndef BC_VOCAB_VOCAB_H
#define BC_VOCAB_VOCAB_H

#include <stddef.h>

#include "bertc/vocab.h"

/* How many different words there are; of a tokenizer.json's ids without a word none. */
int32_t bc_vocab_distinct(const bertc_vocab *vocab);
void bc_vocab_set_distinct(bertc_vocab *vocab, int32_t distinct); /* as the tokenizer.json says */

/* The bytes of white space (Unicode White_Space) that end at text[end], 0 where there are none. */
size_t bc_vocab_space_before(const char *text, size_t end);

#endif
