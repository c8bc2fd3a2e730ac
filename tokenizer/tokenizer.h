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

/* An added token: `text` is the bytes that are looked for, in the options or, normalised, owned. */
typedef struct bc_literal {
    const char *text;
    size_t length;
    int32_t id;
    bool single_word, lstrip, rstrip;
} bc_literal;

/* What one text is searched for: the leftmost one, and of those the longest. */
typedef struct bc_literals {
    bc_literal at[BERTC_ADDED_MOST];
    size_t count;
    bool starts[256]; /* by byte: some literal begins with it */
    int start;        /* the only first byte of all literals, or -1 */
} bc_literals;

/* Where a literal was found: bytes [begin, end), with the white space that it takes along; `next` is
 * where the search goes on. */
typedef struct bc_found {
    const bc_literal *literal;
    size_t begin, end, next;
} bc_found;

enum { BC_QUOTES = 64 };

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
    bc_literals raw;        /* looked for in the text */
    bc_literals normalized; /* looked for in the normalised text, where their own texts are owned */
    int32_t added[BERTC_ADDED_MOST]; /* the ids of the options' added tokens */
    int32_t size;
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

/* Characters spelled in UTF-8, and by byte which character it is of. */
typedef struct bc_spelling {
    unsigned char *bytes;
    uint32_t *chars;
    size_t count, room;
} bc_spelling;

typedef struct bc_scratch {
    bc_chars chars, other; /* a stretch of text under normalisation, and the step before */
    bc_char space;         /* the white space behind the stretch; begin equals end where there is none */
    bool ideograph;        /* the stretch is a CJK ideograph with space around it */
    bc_chars whole;        /* a normalised text, white space included */
    bc_spelling word;      /* one word */
    bc_spelling text;      /* `whole` */
} bc_scratch;

void bc_scratch_clear(bc_scratch *scratch);
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

/* Normalise text[at..end) into scratch->whole, with white space and the spaces around ideographs, as
 * hf-fast has it before it looks for words. False where memory is out. */
bool bc_normalize_whole(const bertc_tokenizer *tokenizer, bc_scratch *scratch,
                        const unsigned char *text, size_t at, size_t end, size_t *invalid);

/* False where memory is out. */
bool bc_spell(bc_spelling *out, const bc_char *chars, size_t count);

/* Append the pieces of the word bytes[begin..end), mapped byte by byte, with offsets from
 * `bytes`; a word with any unmatched rest is [UNK] whole. `out` has room for end - begin. */
void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out);

/* The pieces of `count` normalised characters without white space; false where memory is out. */
bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, const bc_char *chars,
                      size_t count, bertc_encoding *out);

/* Number the added tokens and make ready what is looked for. */
bertc_status bc_added_build(bertc_tokenizer *tokenizer, bertc_error *err);
void bc_added_free(bertc_tokenizer *tokenizer);

/* The next literal in text[found->next, end), where text[0, from) is taken already; *found starts as
 * {0}. False where there is none. */
bool bc_added_find(const bertc_tokenizer *tokenizer, const bc_literals *literals,
                   const unsigned char *text, size_t from, size_t end, bc_found *found);

/* All pieces of a text, appended to `out`. */
bertc_status bc_split(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                      bertc_encoding *out, bertc_error *err);

#endif
