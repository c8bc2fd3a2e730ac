/* Characters as they are once normalised, and what normalising them takes. */
#ifndef BC_TOKENIZER_NORMALIZE_H
#define BC_TOKENIZER_NORMALIZE_H

#include "bertc/tokenizer.h"

/* One normalised character and the bytes of the text that it stands for. */
typedef struct bc_char {
    uint32_t code, begin, end;
} bc_char;

typedef struct bc_chars {
    bc_char *at;
    size_t count, capacity;
} bc_chars;

/* Characters spelled in UTF-8, and by byte which character it is of. */
typedef struct bc_word_bytes {
    unsigned char *bytes;
    uint32_t *chars;
    size_t count, capacity;
} bc_word_bytes;

typedef struct bc_scratch {
    bc_chars chars, other; /* a stretch of text under normalisation, and the step before */
    bc_char space;         /* the white space behind the stretch; begin equals end where there is none */
    bool ideograph;        /* the stretch is a CJK ideograph with space around it */
    bc_chars whole;        /* a normalised text, white space included */
    bc_word_bytes word;      /* one word */
    bc_word_bytes text;      /* `whole` */
} bc_scratch;

void bc_scratch_clear(bc_scratch *scratch);
void bc_scratch_free(bc_scratch *scratch);

/* Normalise the stretch of text[at..end) up to the next white space, or one CJK ideograph, into
 * scratch->chars. Returns where the next one starts, or BC_FAILED where memory is out. */
#define BC_FAILED SIZE_MAX
size_t bc_normalize(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                    const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* Normalise text[at..end) into scratch->whole, with white space and the spaces around ideographs, as
 * hf-fast has it before it looks for words. False where memory is out. */
bool bc_normalize_whole(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                        const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* False where memory is out. */
bool bc_spell(bc_word_bytes *out, const bc_char *chars, size_t count);

#endif
