/* Splitting a text into pieces. */
#ifndef BC_TOKENIZER_SPLIT_H
#define BC_TOKENIZER_SPLIT_H

#include "bertc/tokenizer.h"

/* Append the pieces of a text to `out`. Errors: BERTC_NOMEM. */
bertc_status bc_split_text(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                           bertc_encoding *out, bertc_error *err);

#endif
