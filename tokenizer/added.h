/* Added tokens: what a text is searched for. */
#ifndef BC_TOKENIZER_ADDED_H
#define BC_TOKENIZER_ADDED_H

#include "tokenizer/tokenizer.h"

/* Where a literal was found: bytes [begin, end), with the white space that it takes along; `next` is
 * where the search goes on. */
typedef struct bc_found {
    const bc_literal *literal;
    size_t begin, end, next;
} bc_found;

/* Number the added tokens and make ready what is looked for. */
bertc_status bc_added_build(bertc_tokenizer *tokenizer, bertc_error *err);
void bc_added_free(bertc_tokenizer *tokenizer);

/* The next literal in text[found->next, end), where text[0, from) is taken already; *found starts as
 * {0}. False where there is none. */
bool bc_added_find(const bertc_tokenizer *tokenizer, const bc_literals *literals,
                   const unsigned char *text, size_t from, size_t end, bc_found *found);

#endif
