/* Words into pieces. */
#ifndef BC_TOKENIZER_WORDPIECE_H
#define BC_TOKENIZER_WORDPIECE_H

#include "tokenizer/normalize.h"

/* Append the pieces of the word bytes[begin..end), mapped byte by byte, with offsets from
 * `bytes`; a word with any unmatched rest is [UNK] whole. `out` has room for end - begin. */
void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out);

/* The pieces of `count` normalised characters without white space; false where memory is out. */
bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, const bc_char *chars,
                      size_t count, bertc_encoding *out);

#endif
