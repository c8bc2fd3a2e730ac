/* What the files of this room share. */
#ifndef BC_TOKENIZER_TOKENIZER_H
#define BC_TOKENIZER_TOKENIZER_H

#include "bertc/tokenizer.h"
#include "tokenizer/matcher.h"
#include "tokenizer/trie.h"
#include "tokenizer/unicode.h"
#include "tokenizer/words.h"

/* One parity and one set of options, resolved into what each step does. */
typedef struct bc_recipe {
    bc_column column;
    uint16_t drop;     /* flags of characters that vanish */
    bool space_cjk;    /* CJK ideographs are words of their own */
    bool lower_first;  /* each character before anything else (hf-slow) */
    bool compose;      /* NFC (hf-slow) */
    bool lower_words;  /* whole words, with the final sigma (google) */
    bool strip;        /* NFD without Mn */
    bool lower_last;   /* each character after that (hf-fast) */
    bool find_added;   /* literal special tokens in the text become their ids */
    bool keep_added;   /* a cleaned word that equals one is not split at punctuation (hf-slow) */
    bool odd_to_first; /* truncation of an even pair to an odd length: a gets the odd place */
    size_t word_limit; /* longest word in code points */
} bc_recipe;

/* A literal in the text that is a token by itself. */
typedef struct bc_literal {
    const char *text; /* in the vocabulary or in the options */
    size_t length;
    int32_t id;
} bc_literal;

enum { BC_LITERALS = 5 + BERTC_ADDED_MOST, BC_QUOTES = 64 };

struct bertc_tokenizer {
    const bertc_vocab *vocab;
    bertc_tokenizer_options options;
    bc_recipe recipe;
    bertc_special_ids specials;
    bc_trie trie;
    bc_words words;
    bc_matcher rest;             /* of a word after its first piece */
    bool space[256];             /* white space of ASCII that is not dropped */
    unsigned char lower[256];    /* ASCII, lowered or as it is */
    unsigned char fold;          /* 0x20 where letters are lowered, else 0 */
    int32_t marks[128];          /* by character: the id of a plain mark, see bc_mark, or -1 */
    int32_t quotes[BC_QUOTES];   /* the same from U+2000 on: quotation marks, dashes, ... */
    bc_literal literals[BC_LITERALS];
    size_t literal_count;
    bool literal_starts[256];
    int literal_start; /* the only first byte of all literals, or -1 */
    bc_unicode unicode;
};

/* One normalised character and the bytes of the text that it stands for. */
typedef struct bc_char {
    uint32_t code, begin, end;
} bc_char;

typedef struct bc_chars {
    bc_char *at;
    size_t count, room;
} bc_chars;

typedef struct bc_scratch {
    bc_chars chars, other; /* a stretch of text under normalisation, and the step before */
    unsigned char *word;   /* one word in UTF-8 */
    uint32_t *word_char;   /* by byte of the word: which character */
    size_t word_room;
} bc_scratch;

void bc_scratch_free(bc_scratch *scratch);

/* Pieces are appended to the encoding itself: ids, begin and end; types follow at the end. */

/* Grow to at least count + more; false where memory is out. */
bool bc_encoding_grow(bertc_encoding *encoding, size_t more);

static inline bool bc_encoding_reserve(bertc_encoding *encoding, size_t more)
{
    return encoding->capacity - encoding->count >= more || bc_encoding_grow(encoding, more);
}

static inline void bc_put(bertc_encoding *encoding, int32_t id, size_t begin, size_t end)
{
    size_t i = encoding->count++;
    encoding->ids[i] = id;
    encoding->begin[i] = (uint32_t)begin;
    encoding->end[i] = (uint32_t)end;
}

/* Normalise the stretch of text[at..end) up to the next white space, or one CJK ideograph, into
 * scratch->chars. Returns where the next one starts, or BC_FAILED where memory is out. */
#define BC_FAILED SIZE_MAX
size_t bc_normalize(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                    const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* Append the pieces of the word bytes[begin..end), mapped byte by byte, with offsets from
 * `bytes`; a word with any unmatched rest is [UNK] whole. `out` has room for end - begin. */
void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out);

/* The pieces of scratch->chars, a normalised stretch; false where memory is out. */
bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, bertc_encoding *out);

/* All pieces of a text, appended to `out`. */
bertc_status bc_split(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                      bertc_encoding *out, bertc_error *err);

#endif
