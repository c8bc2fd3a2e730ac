/* Making a model's input from pieces: truncation and special tokens. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "tokenizer/normalize.h"
#include "tokenizer/pieces.h"
#include "tokenizer/split.h"
#include "tokenizer/tokenizer.h"

void bertc_encoding_clear(bertc_encoding *encoding)
{
    if (!encoding) return;
    bc_free(encoding->ids);
    bc_free(encoding->types);
    bc_free(encoding->begin);
    bc_free(encoding->end);
    bc_scratch_free(encoding->scratch);
    *encoding = (bertc_encoding){0};
}

/* Truncate "longest_first": shorten the longer text to the length of the shorter text, then both equally. If one token
 * is left over, the Python references give it to a. The Rust package gives it to the longer text, or to b if both are
 * equally long. */
static void truncate_pair(const bc_tokenizer_rules *rules, size_t capacity, size_t *a, size_t *b)
{
    if (*a + *b <= capacity) return;
    size_t shorter = *a < *b ? *a : *b;
    if (shorter <= capacity / 2) {
        *(*a < *b ? b : a) = capacity - shorter;
        return;
    }
    bool odd_to_a = rules->odd_to_first || *a > *b;
    *a = capacity / 2 + (odd_to_a ? capacity % 2 : 0);
    *b = capacity - *a;
}

static bool put_special(bertc_encoding *encoding, int32_t id)
{
    if (!bc_encoding_reserve(encoding, 1)) return false;
    bc_encoding_put(encoding, id, 0, 0);
    return true;
}

/* Finish an encoding that holds [CLS] a or [CLS] a [SEP] b; `a` and `b` are the numbers of pieces. Cut both texts to
 * the maximum length, append the last [SEP] and set the types. */
static bool finish(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, size_t a, size_t b,
                   bool pair, size_t max_length)
{
    size_t whole_a = a, all = a + b;
    if (max_length && !pair && a > max_length - 2) a = max_length - 2;
    if (max_length && pair) truncate_pair(&tokenizer->rules, max_length - 3, &a, &b);
    if (pair && a < whole_a) { /* move [SEP] b down */
        memmove(encoding->ids + a + 1, encoding->ids + whole_a + 1, (b + 1) * sizeof *encoding->ids);
        memmove(encoding->begin + a + 1, encoding->begin + whole_a + 1, (b + 1) * sizeof *encoding->begin);
        memmove(encoding->end + a + 1, encoding->end + whole_a + 1, (b + 1) * sizeof *encoding->end);
    }
    encoding->count = pair ? a + b + 2 : a + 1;
    encoding->truncated = all - a - b;
    if (!put_special(encoding, tokenizer->specials.sep)) return false;
    for (size_t i = 0; i < a + 2; i++) encoding->types[i] = 0;
    for (size_t i = a + 2; i < encoding->count; i++) encoding->types[i] = 1;
    return true;
}

static bertc_status encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a, size_t na,
                           const char *b, size_t nb, size_t max_length, bertc_error *err)
{
    if (!put_special(encoding, tokenizer->specials.cls)) return bc_fail_memory(err);
    bertc_status status = bc_split_text(tokenizer, (const unsigned char *)a, na, encoding, err);
    if (status) return status;
    size_t pieces_a = encoding->count - 1, pieces_b = 0;
    if (b) {
        if (!put_special(encoding, tokenizer->specials.sep)) return bc_fail_memory(err);
        status = bc_split_text(tokenizer, (const unsigned char *)b, nb, encoding, err);
        if (status) return status;
        pieces_b = encoding->count - pieces_a - 2;
    }
    bool done = finish(tokenizer, encoding, pieces_a, pieces_b, b != NULL, max_length);
    return done ? BERTC_OK : bc_fail_memory(err);
}

bertc_status bertc_tokenizer_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                    size_t na, const char *b, size_t nb, size_t max_length, bertc_error *err)
{
    if (!tokenizer || !encoding || (!a && na > 0)) return bc_fail_null(err, __func__, "tokenizer, encoding and a");
    encoding->count = 0;
    encoding->invalid = 0;
    encoding->truncated = 0;
    if (!a) a = "";
    if (!b) nb = 0;
    size_t specials = b ? 3 : 2;
    if (max_length && max_length < specials)
        return bc_fail(err, BERTC_USAGE, "a maximum length of %zu is too small for %zu special tokens", max_length,
                       specials);
    if (na > INT32_MAX || nb > INT32_MAX) return bc_fail(err, BERTC_USAGE, "a text of more than 2 GiB");
    if (!encoding->scratch) encoding->scratch = bc_calloc(1, sizeof(bc_scratch));
    if (!encoding->scratch) return bc_fail_memory(err);
    bertc_status status = encode(tokenizer, encoding, a, na, b, nb, max_length, err);
    if (status) encoding->count = 0;
    return status;
}
