/* The WordPiece tokenizer of BERT: text -> ids, token types, offsets.
 *
 * 1. A tokenizer is immutable after creation and may be used by many threads, each with its own
 *    bertc_encoding.
 * 2. `parity` names the reference implementation whose ids are matched exactly, for every input.
 * 3. Invalid UTF-8 never stops a run: each bad sequence acts as U+FFFD and is counted.
 *
 * Threads: any number of them may use one tokenizer, and its vocabulary, at once; an encoding belongs to one
 * thread at a time. Null pointers: BERTC_USAGE, but `b`, and `a` of no bytes. */
#ifndef BERTC_TOKENIZER_H
#define BERTC_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bertc/status.h"
#include "bertc/vocab.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bertc_tokenizer bertc_tokenizer;

typedef enum bertc_parity {
    BERTC_HF_FAST, /* the Rust tokenizers behind AutoTokenizer */
    BERTC_HF_SLOW, /* transformers' Python BertTokenizer */
    BERTC_GOOGLE   /* tokenization.py of google-research/bert */
} bertc_parity;

/* The tokens that a model has a use for, whatever it calls them. */
typedef enum bertc_special { BERTC_UNK, BERTC_SEP, BERTC_PAD, BERTC_CLS, BERTC_MASK, BERTC_SPECIALS } bertc_special;

/* A token that is looked for in the text itself, before it is split into words. */
enum { BERTC_MAX_ADDED_TOKENS = 40, BERTC_MAX_ADDED_BYTES = 60, BERTC_MAX_PREFIX_BYTES = 16 };
typedef struct bertc_added_token {
    char text[BERTC_MAX_ADDED_BYTES]; /* NUL-terminated */
    int32_t id;       /* -1: that of the word in the vocabulary, or the next one behind it */
    bool normalized;  /* its normalised form is looked for in the normalised text, else both as they are */
    bool single_word; /* found only where no letter, digit, mark or underscore stands beside it */
    bool lstrip;      /* takes the white space before it along */
    bool rstrip;      /* takes the white space behind it along */
} bertc_added_token;

typedef struct bertc_tokenizer_options {
    bertc_parity parity;
    bool do_lower_case;
    int strip_accents; /* 0 no, 1 yes, -1 follows do_lower_case */
    bool tokenize_chinese_chars;
    bool clean_text;          /* drop control characters; only hf-fast can do without */
    int32_t model_max_length; /* from tokenizer_config.json; 0 where it states none */
    bool no_types;            /* a model's second text is not told from its first: all types 0 */
    int32_t max_word_chars;   /* longer words are [UNK]; 0: as the parity does, 100 or 200 */
    char prefix[BERTC_MAX_PREFIX_BYTES]; /* of pieces that continue a word: "##" */
    char special[BERTC_SPECIALS][BERTC_MAX_ADDED_BYTES]; /* their names: "[UNK]", "[SEP]", ...; "": none */
    int32_t added_count;
    bertc_added_token added[BERTC_MAX_ADDED_TOKENS]; /* those of `special` that a text may hold are among them */
} bertc_tokenizer_options;

/* The defaults: hf-fast, lower case, accents follow, Chinese characters split, no length, BERT's
 * names of special tokens, which are the added tokens. */
BERTC_API bertc_tokenizer_options bertc_tokenizer_defaults(void);

/* Overlay what a model directory says (tokenizer_config.json, tokenizer.json, and where the first
 * does not list the added tokens special_tokens_map.json and added_tokens.json) on `options`, with
 * the precedence of AutoTokenizer: a BERT class in tokenizer_config.json (or a config.json of a
 * model and no class) takes case, accents and Chinese characters from tokenizer_config.json and
 * only the added tokens from tokenizer.json; a generic class takes everything from tokenizer.json.
 * The names of special tokens (cls_token, ...) are those of tokenizer_config.json, or of
 * special_tokens_map.json where that counts. Files that are absent change nothing. Where there is
 * any, the added tokens are those that the files declare, with their flags, and for a BERT class the
 * special tokens; they replace those of `options`.
 * Errors: BERTC_INPUT for a file that is present and bad, that asks for something that is not BERT's
 * WordPiece, by name, or that gives an added token another id than another file. */
BERTC_API bertc_status bertc_tokenizer_read_options(const char *model_dir, bertc_tokenizer_options *options,
                                                    bertc_error *err);

/* Create over `vocab`, which must outlive the tokenizer. An added token that is no word of the
 * vocabulary has the next id behind it, in the order of the options. Errors: BERTC_USAGE for options out
 * of their range, or texts in them that do not end within their arrays; BERTC_INPUT where the vocabulary
 * lacks the unknown, the first or the separating token, an added token has another id than the options
 * say, two added tokens are the same once they are normalised, or one is normalised or a single word
 * under another parity than hf-fast; BERTC_NOMEM. */
BERTC_API bertc_status bertc_tokenizer_create(const bertc_vocab *vocab, const bertc_tokenizer_options *options,
                                              bertc_tokenizer **tokenizer, bertc_error *err);

BERTC_API void bertc_tokenizer_free(bertc_tokenizer *tokenizer);

BERTC_API const bertc_vocab *bertc_tokenizer_vocab(const bertc_tokenizer *tokenizer);

BERTC_API bertc_tokenizer_options bertc_tokenizer_options_of(const bertc_tokenizer *tokenizer);

/* One past the largest id: words of the vocabulary and added tokens. */
BERTC_API int32_t bertc_tokenizer_size(const bertc_tokenizer *tokenizer);

/* The word or added token of an id in [0, size): not NUL-terminated, `*length` bytes, owned by the
 * tokenizer or its vocabulary; "" for an id that has none. */
BERTC_API const char *bertc_tokenizer_word(const bertc_tokenizer *tokenizer, int32_t id, size_t *length);

/* One encoded text or pair, and the scratch that encoding it needs. Zero-initialise before the
 * first use, reuse as often as wanted (the arrays grow and stay), clear at the end. */
typedef struct bertc_encoding {
    size_t count;      /* tokens, special tokens included */
    int32_t *ids;      /* (count) */
    int32_t *types;    /* (count) token_type_ids: 0 for [CLS] a [SEP], 1 for b [SEP] */
    uint32_t *begin;   /* (count) first byte in a (type 0) or b (type 1); 0 for special tokens */
    uint32_t *end;     /* (count) one past the last byte; equal to begin for special tokens */
    size_t invalid;    /* bad UTF-8 sequences met in this text */
    size_t truncated;  /* word pieces that did not fit max_length */
    size_t capacity;   /* private */
    void *scratch;     /* private */
} bertc_encoding;

BERTC_API void bertc_encoding_clear(bertc_encoding *encoding);

/* Encode `a` (na bytes) or the pair `a`, `b` (b null: single) as [CLS] a [SEP] (b [SEP]).
 *
 * max_length  most tokens in the result, special tokens included; 0: no limit. Longer texts are
 *             truncated "longest_first" as the parity does it.
 * Errors: BERTC_NOMEM; BERTC_USAGE where max_length cannot hold the special tokens. */
BERTC_API bertc_status bertc_tokenizer_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                              size_t na, const char *b, size_t nb, size_t max_length, bertc_error *err);

#ifdef __cplusplus
}
#endif
#endif
