/* The parts of a tokenizer. */
#ifndef BC_TOKENIZER_TOKENIZER_H
#define BC_TOKENIZER_TOKENIZER_H

#include "bertc/tokenizer.h"
#include "tokenizer/matcher.h"
#include "tokenizer/trie.h"
#include "tokenizer/unicode.h"
#include "tokenizer/short_words.h"

/* The rules that follow from the options. The option `parity` states whose ids are matched (bertc/tokenizer.h). */
typedef struct bc_tokenizer_rules {
    bc_unicode_column column;
    uint16_t drop;     /* flags of characters that are removed */
    bool space_cjk;    /* each CJK ideograph is a word */
    bool lower_first;  /* lower each character before the other steps (hf-slow) */
    bool compose;      /* NFC (hf-slow) */
    bool lower_words;  /* lower whole words, with the final sigma (google) */
    bool strip;        /* NFD without nonspacing marks */
    bool lower_last;   /* lower each character after the other steps (hf-fast) */
    bool find_added;   /* added tokens are found in the text */
    bool keep_added;   /* a cleaned word that equals an added token is not split at punctuation (hf-slow) */
    bool odd_to_first; /* truncation of two equally long texts to an odd length keeps the last token of a */
    size_t word_limit; /* longest word in code points; longer words become [UNK] */
} bc_tokenizer_rules;

/* A literal: the text of an added token that is searched for. `text` points into the options, or to the normalised form
 * `owned`. */
typedef struct bc_literal {
    const char *text;
    char *owned; /* or null */
    size_t length;
    int32_t id;
    bool single_word, lstrip, rstrip;
} bc_literal;

/* The literals that are searched for in a text. The leftmost match is taken; if several begin there, the longest. */
typedef struct bc_literals {
    bc_literal at[BERTC_MAX_ADDED_TOKENS];
    size_t count;
    bool starts[256]; /* whether a literal begins with this byte */
    int start;        /* the first byte of all literals; -1: they differ */
} bc_literals;

enum { BC_UNICODE_PUNCT = 64 };

struct bertc_tokenizer {
    const bertc_vocab *vocab;
    bertc_tokenizer_options options;
    bc_tokenizer_rules rules;
    bertc_special_ids specials;
    bc_trie trie;
    bc_short_words words;
    bc_matcher continuation;     /* matches a word after its first piece */
    bool space[256];             /* whether a byte is ASCII white space that is not dropped */
    unsigned char lower[256];    /* a byte in lower case, or unchanged if the tokenizer is cased */
    unsigned char fold;          /* 0x20 if letters are lowered, else 0 */
    int32_t ascii_punct[128];    /* ids of plain punctuation, or -1, see punctuation_id in create.c */
    int32_t unicode_punct[BC_UNICODE_PUNCT]; /* ids from U+2000 on: quotation marks, dashes, ... */
    bc_literals raw;             /* literals for the raw text */
    bc_literals normalized;      /* literals for the normalised text; each owns its text */
    int32_t added[BERTC_MAX_ADDED_TOKENS]; /* ids of the options' added tokens */
    int32_t size;                /* 1 + the largest id */
    bc_unicode unicode;
};

#endif
