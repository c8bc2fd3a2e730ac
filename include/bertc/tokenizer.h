/* The WordPiece tokenizer of BERT: text -> ids, token types, offsets.
 *
 * 1. A tokenizer is immutable after creation and may be used by many threads, each with its own bertc_encoding.
 * 2. `parity` selects the reference implementation; the ids equal its ids for every input.
 * 3. Invalid UTF-8 never stops a run: each bad sequence acts as U+FFFD and is counted.
 *
 * Threads: any number of threads may use one tokenizer, and its vocabulary, at once; an encoding belongs to one thread
 * at a time. Null pointers: BERTC_USAGE, except for b, and for a if na is 0. */
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

/* The reference implementations. */
typedef enum bertc_parity {
    BERTC_HF_FAST, /* the Rust package tokenizers, which AutoTokenizer uses */
    BERTC_HF_SLOW, /* transformers' Python BertTokenizer */
    BERTC_GOOGLE   /* tokenization.py of google-research/bert */
} bertc_parity;

/* The special tokens of BERT, whatever the model's names for them. */
typedef enum bertc_special { BERTC_UNK, BERTC_SEP, BERTC_PAD, BERTC_CLS, BERTC_MASK, BERTC_SPECIALS } bertc_special;

/* An added token: found in the text before the text is split into words. */
enum { BERTC_MAX_ADDED_TOKENS = 40, BERTC_MAX_ADDED_BYTES = 60, BERTC_MAX_PREFIX_BYTES = 16 };
typedef struct bertc_added_token {
    char text[BERTC_MAX_ADDED_BYTES]; /* NUL-terminated */
    int32_t id;       /* -1: the id of the same word in the vocabulary, else the next free id after the vocabulary */
    bool normalized;  /* true: its normalised form is found in the normalised text; false: its text in the raw text */
    bool single_word; /* not found next to a letter, digit, mark or underscore */
    bool lstrip;      /* includes the white space before it */
    bool rstrip;      /* includes the white space after it */
} bertc_added_token;

typedef struct bertc_tokenizer_options {
    bertc_parity parity;
    bool do_lower_case;
    int strip_accents; /* 0 no, 1 yes, -1 follows do_lower_case */
    bool tokenize_chinese_chars;
    bool clean_text;          /* drop control characters; false only with hf-fast */
    int32_t model_max_length; /* from tokenizer_config.json; 0: not stated */
    bool no_types;            /* the model takes no token types: all types are 0 */
    int32_t max_word_chars;   /* maximum length of a word; longer words become [UNK]; 0: as the reference, 100 or 200 */
    char prefix[BERTC_MAX_PREFIX_BYTES]; /* prefix of pieces that continue a word: "##" */
    char special[BERTC_SPECIALS][BERTC_MAX_ADDED_BYTES]; /* names: "[UNK]", ...; "": no such token */
    int32_t added_count;
    bertc_added_token added[BERTC_MAX_ADDED_TOKENS]; /* includes each special token that is to be found in texts */
} bertc_tokenizer_options;

/* Return the default options: hf-fast, lower case, accents that follow do_lower_case, Chinese characters split, no
 * maximum length, and BERT's special tokens as the added tokens. */
BERTC_API bertc_tokenizer_options bertc_tokenizer_defaults(void);

/* Overlay the settings of a model directory on `options`, with the precedence of AutoTokenizer:
 *
 *   class         tokenizer_class of tokenizer_config.json, else of config.json; without one it is a BERT class if
 *                 config.json states a model_type, else a generic class
 *   BERT class    case, accents and Chinese characters from tokenizer_config.json; tokenizer.json adds tokens only
 *   generic class everything from tokenizer.json
 *   special names (cls_token, ...) from tokenizer_config.json; special_tokens_map.json overrides them if the former has
 *                 no added_tokens_decoder
 *   added tokens  added_tokens_decoder of tokenizer_config.json, else added_tokens.json; and tokenizer.json
 *
 * An absent file changes nothing. If any of the files exists, the added tokens that the files declare and, for a
 * BERT class, the special tokens replace the added tokens of `options`.
 * Errors: BERTC_INPUT if a file is malformed, if it requests a feature beyond BERT's WordPiece (the message names it),
 * or if two files give an added token different ids. */
BERTC_API bertc_status bertc_tokenizer_read_options(const char *model_dir, bertc_tokenizer_options *options,
                                                    bertc_error *err);

/* Create a tokenizer for `vocab`, which must outlive it. An added token that is not in the vocabulary and has no id
 * gets the next free id, in the order of the options.
 * Errors: BERTC_USAGE for a value out of range or a string that is not NUL-terminated in its array; BERTC_NOMEM;
 * BERTC_INPUT if
 *   the vocabulary lacks [UNK], [CLS] or [SEP] (whatever their names),
 *   an added token has another id than its option states,
 *   two added tokens have the same normalised form, or
 *   an added token is `normalized` or `single_word` but the parity is not hf-fast. */
BERTC_API bertc_status bertc_tokenizer_create(const bertc_vocab *vocab, const bertc_tokenizer_options *options,
                                              bertc_tokenizer **tokenizer, bertc_error *err);

BERTC_API void bertc_tokenizer_free(bertc_tokenizer *tokenizer);

BERTC_API const bertc_vocab *bertc_tokenizer_vocab(const bertc_tokenizer *tokenizer);

BERTC_API bertc_tokenizer_options bertc_tokenizer_options_of(const bertc_tokenizer *tokenizer);

/* Return 1 + the largest id of the vocabulary's words and the added tokens. */
BERTC_API int32_t bertc_tokenizer_size(const bertc_tokenizer *tokenizer);

/* Return the word or added token of an id in [0, size): not NUL-terminated, `*length` bytes, owned by the tokenizer or
 * its vocabulary; "" for an unused id. */
BERTC_API const char *bertc_tokenizer_word(const bertc_tokenizer *tokenizer, int32_t id, size_t *length);

/* One encoded text or pair, and the scratch memory of encoding. Zero-initialise it before the first use, reuse it for
 * further texts (the arrays grow and are kept), clear it at the end. */
typedef struct bertc_encoding {
    size_t count;      /* tokens, special tokens included */
    int32_t *ids;      /* (count) */
    int32_t *types;    /* (count) token_type_ids: 0 for [CLS] a [SEP], 1 for b [SEP] */
    uint32_t *begin;   /* (count) first byte in a (type 0) or b (type 1); 0 for special tokens */
    uint32_t *end;     /* (count) one past the last byte; equal to begin for special tokens */
    size_t invalid;    /* bad UTF-8 sequences in the text */
    size_t truncated;  /* word pieces cut off by max_length */
    size_t capacity;   /* private */
    void *scratch;     /* private */
} bertc_encoding;

BERTC_API void bertc_encoding_clear(bertc_encoding *encoding);

/* Encode `a` (na bytes) as [CLS] a [SEP], or the pair `a`, `b` as [CLS] a [SEP] b [SEP] if b is not null.
 *
 * max_length  maximum number of tokens, special tokens included; 0: no limit. Longer texts are truncated
 *             "longest_first" as in the reference.
 * Errors: BERTC_NOMEM; BERTC_USAGE if max_length is too small for the special tokens. */
BERTC_API bertc_status bertc_tokenizer_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                              size_t na, const char *b, size_t nb, size_t max_length, bertc_error *err);

/* The same, but a text that is too long loses its first word pieces and keeps its last, as with truncation_side="left"
 * of the reference. The texts of a pair keep the same numbers of word pieces as in bertc_tokenizer_encode. */
BERTC_API bertc_status bertc_tokenizer_encode_tail(const bertc_tokenizer *tokenizer, bertc_encoding *encoding,
                                                   const char *a, size_t na, const char *b, size_t nb,
                                                   size_t max_length, bertc_error *err);

/* Windows of an encoding. Each window is a model input: special tokens, the complete shorter text of a pair, and
 * consecutive word pieces of the longer text (of b if both are equally long) or of the only text. Neighbouring windows
 * share word pieces, and every word piece is in a window. */
typedef struct bertc_windows {
    size_t count;    /* number of windows, at least 1 */
    size_t before;   /* tokens of the encoding with which each window begins */
    size_t after;    /* tokens of the encoding with which each window ends */
    size_t pieces;   /* word pieces of the text that is cut */
    size_t capacity; /* maximum number of these word pieces in a window; only the last window may have fewer */
    size_t overlap;  /* number of word pieces that a window shares with the next one */
} bertc_windows;

/* Cut an encoding, which was made with a max_length of 0, into windows of at most max_length tokens; 0: no limit. An
 * encoding that fits is one window. The windows equal the reference's with return_overflowing_tokens, stride = overlap
 * and, for a pair, truncation "only_second" or "only_first". Errors: BERTC_INPUT if the shorter text of the pair and
 * the special tokens leave no more than `overlap` tokens. */
BERTC_API bertc_status bertc_encoding_windows(const bertc_encoding *encoding, size_t max_length, size_t overlap,
                                              bertc_windows *windows, bertc_error *err);

/* Return the number of word pieces of a window's part of the text that is cut. They are the tokens from *first on of
 * the encoding. index < windows->count. */
BERTC_API size_t bertc_windows_at(const bertc_windows *windows, size_t index, size_t *first);

#ifdef __cplusplus
}
#endif
#endif
