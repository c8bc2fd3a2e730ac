/* Normalised characters, and the scratch memory of normalisation. */
#ifndef BC_TOKENIZER_NORMALIZE_H
#define BC_TOKENIZER_NORMALIZE_H

#include "bertc/tokenizer.h"

/* One normalised character and its source, the bytes [begin, end) of the text. */
typedef struct bc_char {
    uint32_t code, begin, end;
} bc_char;

typedef struct bc_chars {
    bc_char *at;
    size_t count, capacity;
} bc_chars;

/* Characters as UTF-8, and for each byte the index of its character. */
typedef struct bc_utf8_text {
    unsigned char *bytes;
    uint32_t *chars;
    size_t count, capacity;
} bc_utf8_text;

typedef struct bc_scratch {
    bc_chars chars, other; /* a stretch of text after the last step, and memory for the next step */
    bc_char space;         /* the white space after the stretch; begin equals end if no white space follows */
    bool ideograph;        /* the stretch is a CJK ideograph with space around it */
    bc_chars whole;        /* a normalised text, white space included */
    bc_utf8_text word;     /* one word */
    bc_utf8_text text;     /* `whole` as UTF-8 */
} bc_scratch;

void bc_scratch_clear(bc_scratch *scratch);
void bc_scratch_free(bc_scratch *scratch);

/* Normalise a stretch of text[at..end) into scratch->chars: the text up to the next white space, or one CJK ideograph.
 * Returns the place where the next stretch begins; BC_FAILED if out of memory. */
#define BC_FAILED SIZE_MAX
size_t bc_normalize(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                    const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* Normalise text[at..end) into scratch->whole, with white space and with spaces around ideographs, as hf-fast does
 * before it finds words. Returns false if out of memory. */
bool bc_normalize_whole(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                        const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* Write characters as UTF-8. Returns false if out of memory. */
bool bc_utf8_text_set(bc_utf8_text *out, const bc_char *chars, size_t count);

#endif
