/* What a tokenizer holds. */
#ifndef BC_TOKENIZER_TOKENIZER_H
#define BC_TOKENIZER_TOKENIZER_H

#include "bertc/tokenizer.h"
#include "tokenizer/matcher.h"
#include "tokenizer/trie.h"
#include "tokenizer/unicode.h"
#include "tokenizer/words.h"

/* One parity and one set of options, resolved into what each step does. */
typedef struct bc_tokenize_steps {
    bc_unicode_column column;
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
} bc_tokenize_steps;

/* An added token: `text` is the bytes that are looked for, in the options or, normalised, in `owned`. */
typedef struct bc_literal {
    const char *text;
    char *owned; /* null: none */
    size_t length;
    int32_t id;
    bool single_word, lstrip, rstrip;
} bc_literal;

/* What one text is searched for: the leftmost one, and of those the longest. */
typedef struct bc_literals {
    bc_literal at[BERTC_MAX_ADDED_TOKENS];
    size_t count;
    bool starts[256]; /* by byte: some literal begins with it */
    int start;        /* the only first byte of all literals, or -1 */
} bc_literals;

enum { BC_QUOTES = 64 };

struct bertc_tokenizer {
    const bertc_vocab *vocab;
    bertc_tokenizer_options options;
    bc_tokenize_steps steps;
    bertc_special_ids specials;
    bc_trie trie;
    bc_words words;
    bc_matcher rest;             /* of a word after its first piece */
    bool space[256];             /* white space of ASCII that is not dropped */
    unsigned char lower[256];    /* ASCII, lowered or as it is */
    unsigned char fold;          /* 0x20 where letters are lowered, else 0 */
    int32_t marks[128];          /* by character: the id of a plain mark, see bc_meter_mark, or -1 */
    int32_t quotes[BC_QUOTES];   /* the same from U+2000 on: quotation marks, dashes, ... */
    bc_literals raw;        /* looked for in the text */
    bc_literals normalized; /* looked for in the normalised text, where their own texts are owned */
    int32_t added[BERTC_MAX_ADDED_TOKENS]; /* the ids of the options' added tokens */
    int32_t size;
    bc_unicode unicode;
};

#endif
