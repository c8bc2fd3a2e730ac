/* Making a model's input from pieces: truncation, windows and special tokens. */
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

static void move(bertc_encoding *encoding, size_t to, size_t from, size_t count)
{
    if (to == from) return;
    memmove(encoding->ids + to, encoding->ids + from, count * sizeof *encoding->ids);
    memmove(encoding->begin + to, encoding->begin + from, count * sizeof *encoding->begin);
    memmove(encoding->end + to, encoding->end + from, count * sizeof *encoding->end);
}

/* The numbers of pieces of both texts, and where they are cut. */
typedef struct cut {
    size_t a, b;
    bool pair, tail; /* tail: the last pieces are kept, else the first */
    size_t max_length;
} cut;

/* Finish an encoding that holds [CLS] a or [CLS] a [SEP] b. Cut both texts to the maximum length, append the last [SEP]
 * and set the types. */
static bool finish(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, cut how)
{
    size_t a = how.a, b = how.b, max_length = how.max_length;
    if (max_length && !how.pair && a > max_length - 2) a = max_length - 2;
    if (max_length && how.pair) truncate_pair(&tokenizer->rules, max_length - 3, &a, &b);
    size_t skipped_a = how.tail ? how.a - a : 0, skipped_b = how.tail ? how.b - b : 0;
    move(encoding, 1, 1 + skipped_a, a);
    if (how.pair) move(encoding, a + 1, how.a + 1, 1); /* [SEP] */
    if (how.pair) move(encoding, a + 2, how.a + 2 + skipped_b, b);
    encoding->count = how.pair ? a + b + 2 : a + 1;
    encoding->truncated = how.a + how.b - a - b;
    if (!put_special(encoding, tokenizer->specials.sep)) return false;
    for (size_t i = 0; i < a + 2; i++) encoding->types[i] = 0;
    for (size_t i = a + 2; i < encoding->count; i++) encoding->types[i] = 1;
    return true;
}

static bertc_status encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a, size_t na,
                           const char *b, size_t nb, cut how, bertc_error *err)
{
    if (!put_special(encoding, tokenizer->specials.cls)) return bc_fail_memory(err);
    bertc_status status = bc_split_text(tokenizer, (const unsigned char *)a, na, encoding, err);
    if (status) return status;
    how.a = encoding->count - 1;
    if (b) {
        if (!put_special(encoding, tokenizer->specials.sep)) return bc_fail_memory(err);
        status = bc_split_text(tokenizer, (const unsigned char *)b, nb, encoding, err);
        if (status) return status;
        how.b = encoding->count - how.a - 2;
    }
    return finish(tokenizer, encoding, how) ? BERTC_OK : bc_fail_memory(err);
}

static bertc_status check_and_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                     size_t na, const char *b, size_t nb, cut how, bertc_error *err)
{
    size_t max_length = how.max_length;
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
    how.pair = b != NULL;
    bertc_status status = encode(tokenizer, encoding, a, na, b, nb, how, err);
    if (status) encoding->count = 0;
    return status;
}

bertc_status bertc_tokenizer_encode(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                    size_t na, const char *b, size_t nb, size_t max_length, bertc_error *err)
{
    if (!tokenizer || !encoding || (!a && na > 0)) return bc_fail_null(err, __func__, "tokenizer, encoding and a");
    return check_and_encode(tokenizer, encoding, a, na, b, nb, (cut){.max_length = max_length}, err);
}

bertc_status bertc_tokenizer_encode_tail(const bertc_tokenizer *tokenizer, bertc_encoding *encoding, const char *a,
                                         size_t na, const char *b, size_t nb, size_t max_length, bertc_error *err)
{
    if (!tokenizer || !encoding || (!a && na > 0)) return bc_fail_null(err, __func__, "tokenizer, encoding and a");
    return check_and_encode(tokenizer, encoding, a, na, b, nb, (cut){.tail = true, .max_length = max_length}, err);
}

/* ---- Windows ------------------------------------------------------------------------------- */

bertc_status bertc_encoding_windows(const bertc_encoding *encoding, size_t max_length, size_t overlap,
                                    bertc_windows *windows, bertc_error *err)
{
    if (!encoding || !windows) return bc_fail_null(err, __func__, "encoding and windows");
    size_t count = encoding->count, first = 0;
    if (count < 2) return bc_fail(err, BERTC_USAGE, "an encoding of %zu tokens has no windows", count);
    bool pair = encoding->types[count - 1] == 1;
    while (pair && encoding->types[first] == 0) first++;
    size_t a = pair ? first - 2 : count - 2, b = pair ? count - first - 1 : 0; /* pieces of both texts */
    bool cuts_a = a > b;
    *windows = (bertc_windows){.count = 1, .overlap = overlap, .pieces = cuts_a || !pair ? a : b};
    windows->before = cuts_a || !pair ? 1 : a + 2;
    windows->after = count - windows->before - windows->pieces;
    windows->capacity = windows->pieces;
    if (max_length == 0 || count <= max_length) return BERTC_OK;
    size_t fixed = windows->before + windows->after;
    if (max_length <= fixed || max_length - fixed <= overlap)
        return bc_fail(err, BERTC_INPUT, "%sthe special tokens need %zu of %zu tokens, the rest is too short for windows "
                       "that overlap by %zu tokens", pair ? "the shorter text and " : "", fixed, max_length, overlap);
    windows->capacity = max_length - fixed;
    size_t step = windows->capacity - overlap, rest = windows->pieces - windows->capacity;
    windows->count = 1 + rest / step + (rest % step != 0);
    return BERTC_OK;
}

size_t bertc_windows_at(const bertc_windows *windows, size_t index, size_t *first)
{
    size_t begin = index * (windows->capacity - windows->overlap), left = windows->pieces - begin;
    *first = windows->before + begin;
    return left < windows->capacity ? left : windows->capacity;
}
