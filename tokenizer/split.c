/* Splitting a text into stretches. Plain stretches are split directly into pieces.
 *
 * Almost all text is words of ASCII letters and digits, white space and common punctuation. It needs no normalisation:
 * a word is read as a key and looked up whole, and a table holds the id of each punctuation character. At the first
 * other byte in a stretch (text without white space) the pieces of the stretch are discarded, and bc_normalize handles
 * the whole stretch. */
#include "tokenizer/split.h"

#include "base/error.h"
#include "tokenizer/added.h"
#include "tokenizer/normalize.h"
#include "tokenizer/pieces.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/wordpiece.h"

/* Append the pieces of an ASCII word that is too long for a key or not a word of the vocabulary. Its first `first`
 * bytes are known to be letters and digits. Returns the end of the word; BC_FAILED if out of memory. */
static size_t put_pieces(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                         size_t end, size_t first, bertc_encoding *out)
{
    size_t stop = at + first;
    bc_word_key key;
    while (first == BC_ASCII_RUN && stop < end) {
        first = bc_ascii_run(text, stop, end, 0, &key);
        stop += first;
    }
    if (!bc_encoding_reserve(out, stop - at)) return BC_FAILED;
    if (stop - at > tokenizer->rules.word_limit)
        bc_encoding_put(out, tokenizer->specials.unk, at, stop);
    else
        bc_wordpiece(tokenizer, text, at, stop, tokenizer->lower, out);
    return stop;
}

/* Append the plain punctuation character at text[at]. Returns its length in bytes; 0 for any other character. */
static size_t put_punctuation(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                       size_t end, bertc_encoding *out)
{
    int32_t id = -1;
    size_t bytes = 1;
    if (text[at] < 0x80) {
        id = tokenizer->ascii_punct[text[at]];
    } else if (end - at >= 3 && text[at] == 0xE2 && text[at + 1] == 0x80 &&
               (text[at + 2] & 0xC0) == 0x80) {
        id = tokenizer->unicode_punct[text[at + 2] & 0x3F]; /* U+2000 to U+203F */
        bytes = 3;
    }
    if (id < 0) return 0;
    bc_encoding_put(out, id, at, at + bytes);
    return bytes;
}

/* Append the pieces of plain stretches from text[at] on. Returns the place where the first other stretch begins; `end`
 * if all stretches are plain; BC_FAILED if out of memory. */
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
        bc_word_key key;
        size_t bytes = bc_ascii_run(text, at, end, tokenizer->fold, &key);
        int32_t id = bytes - 1 < BC_ASCII_RUN - 1 ? bc_short_words_find(&tokenizer->words, key) : -1;
        if (id >= 0) {
            bc_encoding_put(out, id, at, at + bytes);
            at += bytes;
        } else if (bytes > 0) {
            at = put_pieces(tokenizer, text, at, end, bytes, out);
            if (at == BC_FAILED) return BC_FAILED;
        } else {
            bytes = put_punctuation(tokenizer, text, at, end, out);
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

/* Append the pieces of text[at, end), which contains no added tokens. Returns false if out of memory. */
static bool split_segment(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                          size_t end, bertc_encoding *out)
{
    for (;;) {
        at = split_plain(tokenizer, text, at, end, out);
        if (at == end) return true;
        if (at == BC_FAILED) return false;
        at = bc_normalize(tokenizer, out->scratch, text, at, end, &out->invalid);
        const bc_scratch *scratch = out->scratch;
        if (at == BC_FAILED || !bc_match_stretch(tokenizer, out->scratch, scratch->chars.at, scratch->chars.count, out))
            return false;
    }
}

/* Append the pieces of normalised characters, split at white space. Returns false if out of memory. */
static bool split_normalized(const bertc_tokenizer *tokenizer, const bc_char *chars, size_t count, bertc_encoding *out)
{
    size_t first = 0;
    for (size_t i = 0; i <= count; i++) {
        if (i < count && !(bc_unicode_get(&tokenizer->unicode, chars[i].code)
                               ->flags[tokenizer->rules.column] & BC_SPACE))
            continue;
        if (first < i && !bc_match_stretch(tokenizer, out->scratch, chars + first, i - first, out)) return false;
        first = i + 1;
    }
    return true;
}

/* Append the pieces of text[at, end), which contains no raw added tokens: normalise the text and find the normalised
 * added tokens. Returns false if out of memory. */
static bool search_segment(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t at,
                           size_t end, bertc_encoding *out)
{
    bc_scratch *scratch = out->scratch;
    const bc_utf8_text *utf8 = &scratch->text;
    if (!bc_normalize_whole(tokenizer, scratch, text, at, end, &out->invalid) ||
        !bc_utf8_text_set(&scratch->text, scratch->whole.at, scratch->whole.count))
        return false;
    if (scratch->whole.count == 0) return true;
    const bc_char *chars = scratch->whole.at;
    size_t from = 0, place = 0; /* the first character and byte that are not yet split */
    for (bc_found found = {0};
         bc_added_find(tokenizer, &tokenizer->normalized, utf8->bytes, place, utf8->count, &found);) {
        size_t first = utf8->chars[found.begin], last = utf8->chars[found.end - 1];
        if (from < first && !split_normalized(tokenizer, chars + from, first - from, out)) return false;
        if (!bc_encoding_reserve(out, 1)) return false;
        bc_encoding_put(out, found.literal->id, chars[first].begin, chars[last].end);
        from = last + 1;
        place = found.end;
    }
    return split_normalized(tokenizer, chars + from, scratch->whole.count - from, out);
}

bertc_status bc_split_text(const bertc_tokenizer *tokenizer, const unsigned char *text, size_t length,
                           bertc_encoding *out, bertc_error *err)
{
    bool search = tokenizer->rules.find_added && tokenizer->raw.count > 0;
    bool normalized = tokenizer->rules.find_added && tokenizer->normalized.count > 0;
    bool (*segment)(const bertc_tokenizer *, const unsigned char *, size_t, size_t,
                    bertc_encoding *) = normalized ? search_segment : split_segment;
    size_t from = 0;
    for (bc_found found = {0}; search && bc_added_find(tokenizer, &tokenizer->raw, text, from, length, &found);) {
        if (from < found.begin && !segment(tokenizer, text, from, found.begin, out)) return bc_fail_memory(err);
        if (!bc_encoding_reserve(out, 1)) return bc_fail_memory(err);
        bc_encoding_put(out, found.literal->id, found.begin, found.end);
        from = found.end;
    }
    bool done = from == length || segment(tokenizer, text, from, length, out);
    return done ? BERTC_OK : bc_fail_memory(err);
}
