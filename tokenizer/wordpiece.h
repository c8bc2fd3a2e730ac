/* Splitting words into pieces. */
#ifndef BC_TOKENIZER_WORDPIECE_H
#define BC_TOKENIZER_WORDPIECE_H

#include "tokenizer/normalize.h"

/* Append the pieces of the word bytes[begin..end), each byte mapped by `map`; offsets count from `bytes`. A word that
 * cannot be split into pieces becomes [UNK]. `out` must have space for end - begin pieces. */
void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out);

/* Append the pieces of `count` normalised characters without white space; false if out of memory. */
bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, const bc_char *chars,
                      size_t count, bertc_encoding *out);

#endif
