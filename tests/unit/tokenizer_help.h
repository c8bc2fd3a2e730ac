/* Helpers of the tests of the tokenizer: a tokenizer of a few words, and its pieces as text. */
#ifndef BC_TEST_TOKENIZER_HELP_H
#define BC_TEST_TOKENIZER_HELP_H

#include <stdio.h>

#include "bertc/tokenizer.h"

typedef struct tokens {
    bertc_vocab *vocab;
    bertc_tokenizer *tokenizer;
    bertc_encoding encoding;
} tokens;

/* Open a tokenizer; null options: the defaults. */
static inline tokens tokens_open(const char *words, size_t length, const bertc_tokenizer_options *options)
{
    tokens t = {0};
    bertc_error err = {0};
    bertc_tokenizer_options defaults = bertc_tokenizer_defaults();
    if (bertc_vocab_parse(words, length, "words", &t.vocab, &err) ||
        bertc_tokenizer_create(t.vocab, options ? options : &defaults, &t.tokenizer, &err))
        fail_msg("%s", err.message);
    return t;
}

static inline void tokens_close(tokens *t)
{
    bertc_encoding_clear(&t->encoding);
    bertc_tokenizer_free(t->tokenizer);
    bertc_vocab_free(t->vocab);
}

/* Encode texts copied to blocks of exactly their lengths, so that a sanitizer sees any read beyond the end. */
static inline bertc_status tokens_encode(tokens *t, const char *a, size_t na, const char *b, size_t nb, size_t max)
{
    char *first = malloc(na ? na : 1), *second = malloc(nb ? nb : 1);
    assert_non_null(first);
    assert_non_null(second);
    memcpy(first, a, na);
    if (b) memcpy(second, b, nb);
    bertc_status status = bertc_tokenizer_encode(t->tokenizer, &t->encoding, first, na,
                                                 b ? second : NULL, nb, max, NULL);
    free(first);
    free(second);
    return status;
}

/* Check the pieces between [CLS] and [SEP]; `pieces` are words separated by spaces. */
static inline void tokens_expect(tokens *t, const char *text, size_t length, const char *pieces)
{
    char made[4096] = "";
    size_t used = 0;
    assert_int_equal(tokens_encode(t, text, length, NULL, 0, 0), BERTC_OK);
    for (size_t i = 1; i + 1 < t->encoding.count; i++) {
        size_t bytes;
        const char *word = bertc_vocab_word(t->vocab, t->encoding.ids[i], &bytes);
        assert_true(used + bytes + 2 < sizeof made);
        if (used > 0) made[used++] = ' ';
        memcpy(made + used, word, bytes);
        made[used += bytes] = '\0';
    }
    assert_string_equal(made, pieces);
}

#endif
