/* Added tokens: their ids, and finding them in a text. */
#ifndef BC_TOKENIZER_ADDED_H
#define BC_TOKENIZER_ADDED_H

#include "tokenizer/tokenizer.h"

/* An added token that was found at the bytes [begin, end), which include its white space. The search continues at
 * `next`. */
typedef struct bc_found {
    const bc_literal *literal;
    size_t begin, end, next;
} bc_found;

/* Assign ids to the added tokens and collect the literals, the texts to search for. Errors: BERTC_INPUT;
 * BERTC_NOMEM. */
bertc_status bc_added_build(bertc_tokenizer *tokenizer, bertc_error *err);
void bc_added_free(bertc_tokenizer *tokenizer);

/* Find the next added token in text[found->next, end). Its white space does not extend before `from`. *found is {0} at
 * first. Returns false if there is no further token. */
bool bc_added_find(const bertc_tokenizer *tokenizer, const bc_literals *literals,
                   const unsigned char *text, size_t from, size_t end, bc_found *found);

#endif
