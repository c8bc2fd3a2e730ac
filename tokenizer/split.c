/* A text into stretches, and plain ones straight into pieces.
 *
 * Almost all text is words of ASCII letters and digits, white space and common marks. They need no
 * normalisation: a word is read as a key and looked up whole, a mark has its id in a table. The
 * first byte of another kind in a stretch (no white space inside) throws away what the stretch has
 * given and sends it through bc_normalize, which knows everything. */
#include <string.h>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

/* The pieces of a word of ASCII that is too long for a key or not in the vocabulary whole; `first`
 * bytes of it are known. Returns its end, or BC_FAILED where memory is out. */
static size_t put_pieces(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                         size_t end, size_t first, bertc_encoding *out)
{
    size_t stop = at + first;
    bc_key key;
    while (first == BC_RUN && stop < end) {
        first = bc_run(text, stop, end, 0, &key);
        stop += first;
    }
    if (!bc_encoding_reserve(out, stop - at)) return BC_FAILED;
    if (stop - at > tokenizer->recipe.word_limit)
        bc_put(out, tokenizer->specials.unk, at, stop);
    else
        bc_wordpiece(tokenizer, text, at, stop, tokenizer->lower, out);
    return stop;
}

/* Put the plain mark at text[at] and return its bytes, or 0 where none stands there. */
static size_t put_mark(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                       size_t end, bertc_encoding *out)
{
    int32_t id = -1;
    size_t bytes = 1;
    if (text[at] < 0x80) {
        id = tokenizer->marks[text[at]];
    } else if (end - at >= 3 && text[at] == 0xE2 && text[at + 1] == 0x80 &&
               (text[at + 2] & 0xC0) == 0x80) {
        id = tokenizer->quotes[text[at + 2] & 0x3F]; /* U+2000 to U+203F */
        bytes = 3;
    }
    if (id < 0) return 0;
    bc_put(out, id, at, at + bytes);
    return bytes;
}

/* All stretches from text[at] on that are plain. Returns where the first other one starts, or
 * `end`; BC_FAILED where memory is out. */
static size_t split_plain(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                          size_t end, bertc_encoding *out)
{
    size_t start = at, kept = out->count;
    while (at < end) {
        if (tokenizer->space[text[at]]) {
            start = ++at;
            kept = out->count;
            continue;
        }
        if (!bc_encoding_reserve(out, 1)) return BC_FAILED;
        bc_key key;
        size_t bytes = bc_run(text, at, end, tokenizer->fold, &key);
        int32_t id = bytes - 1 < BC_RUN - 1 ? bc_words_find(&tokenizer->words, key) : -1;
        if (id >= 0) {
            bc_put(out, id, at, at + bytes);
            at += bytes;
        } else if (bytes > 0) {
            at = put_pieces(tokenizer, text, at, end, bytes, out);
            if (at == BC_FAILED) return BC_FAILED;
        } else {
            bytes = put_mark(tokenizer, text, at, end, out);
            if (bytes == 0) break;
            at += bytes;
        }
    }
    if (at < end) {
        out->count = kept;
        return start;
    }
    return end;
}

static bool split_segment(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                          size_t end, bertc_encoding *out)
{
    for (;;) {
        at = split_plain(tokenizer, text, at, end, out);
        if (at == end) return true;
        if (at == BC_FAILED) return false;
        at = bc_normalize(tokenizer, out->scratch, text, at, end, &out->invalid);
        if (at == BC_FAILED || !bc_match_stretch(tokenizer, out->scratch, out)) return false;
    }
}

/* The longest literal at text[at], or null. */
static const bc_literal *literal_at(const bertc_tokenizer *tokenizer, const unsigned char *text,
                                    size_t at, size_t end)
{
    const bc_literal *best = NULL;
    for (size_t i = 0; i < tokenizer->literal_count; i++) {
        const bc_literal *literal = &tokenizer->literals[i];
        if (literal->length <= end - at && (!best || literal->length > best->length) &&
            memcmp(text + at, literal->text, literal->length) == 0)
            best = literal;
    }
    return best;
}

/* The next place from `at` on where a literal stands; `end` where none does. */
static size_t find_literal(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                           size_t end, const bc_literal **found)
{
    for (*found = NULL; at < end; at++) {
        if (tokenizer->literal_start >= 0) {
            const unsigned char *start = memchr(text + at, tokenizer->literal_start, end - at);
            if (!start) return end;
            at = (size_t)(start - text);
        }
        if (!tokenizer->literal_starts[text[at]]) continue;
        *found = literal_at(tokenizer, text, at, end);
        if (*found) return at;
    }
    return end;
}

bertc_status bc_split(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                      bertc_encoding *out, bertc_error *err)
{
    bool search = tokenizer->recipe.find_added && tokenizer->literal_count > 0;
    for (size_t at = 0; at < length;) {
        const bc_literal *literal = NULL;
        size_t stop = search ? find_literal(tokenizer, text, at, length, &literal) : length;
        if (!split_segment(tokenizer, text, at, stop, out)) return bc_fail_memory(err);
        at = stop;
        if (!literal) continue;
        if (!bc_encoding_reserve(out, 1)) return bc_fail_memory(err);
        bc_put(out, literal->id, at, at + literal->length);
        at += literal->length;
    }
    return BERTC_OK;
}
