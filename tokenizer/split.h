/* A text into pieces. */
#ifndef BC_TOKENIZER_SPLIT_H
#define BC_TOKENIZER_SPLIT_H

#include "bertc/tokenizer.h"

/* All pieces of a text, appended to `out`. */
bertc_status bc_split_text(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                      bertc_encoding *out, bertc_error *err);

#endif
