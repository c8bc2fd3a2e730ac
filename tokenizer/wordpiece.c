/* Greedy longest match of one word, and of the words of a normalised stretch. A byte is read at most twice: once for
 * the first piece, once by the matcher. */
#include "tokenizer/wordpiece.h"

#include <string.h>

#include "tokenizer/pieces.h"
#include "tokenizer/tokenizer.h"

/* Return the id of the longest word of the vocabulary at the beginning of bytes[begin..end), and set *stop to its end.
 * -1 if there is no word. */
static int32_t match_first(const bc_trie *trie, const unsigned char *bytes, size_t begin, size_t end,
                           const unsigned char map[256], size_t *stop)
{
    int32_t id = -1, node = 0;
    for (size_t i = begin; i < end && (node = bc_trie_step(trie, node, map[bytes[i]])) >= 0; i++)
        if (trie->nodes[node].id >= 0) {
            id = trie->nodes[node].id;
            *stop = i + 1;
        }
    return id;
}

void bc_wordpiece(const bertc_tokenizer *tokenizer, const unsigned char *bytes, size_t begin,
                  size_t end, const unsigned char map[256], bertc_encoding *out)
{
    const bc_trie *trie = &tokenizer->trie;
    size_t kept = out->count, stop;
    int32_t id = match_first(trie, bytes, begin, end, map, &stop);
    if (id >= 0) bc_encoding_put(out, id, begin, stop);
    if (id >= 0 && (stop == end || bc_matcher_run(&tokenizer->continuation, trie, bytes, stop, end, map, out))) return;
    out->count = kept;
    bc_encoding_put(out, tokenizer->specials.unk, begin, end);
}

/* Append the pieces of one normalised word: write it as UTF-8, match it, and convert offsets in the word to offsets in
 * the text. Returns false if out of memory. */
static bool match_word(const bertc_tokenizer *tokenizer, bc_scratch *scratch, const bc_char *chars,
                       size_t count, bertc_encoding *out)
{
    static const unsigned char same[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
#define ROWS(n) ROW(n), ROW(n + 8), ROW(n + 16), ROW(n + 24)
        ROWS(0), ROWS(32), ROWS(64), ROWS(96), ROWS(128), ROWS(160), ROWS(192), ROWS(224)};
#undef ROWS
#undef ROW
    if (count > tokenizer->rules.word_limit) {
        if (!bc_encoding_reserve(out, 1)) return false;
        bc_encoding_put(out, tokenizer->specials.unk, chars[0].begin, chars[count - 1].end);
        return true;
    }
    bc_utf8_text *word = &scratch->word;
    size_t kept = out->count;
    if (!bc_utf8_text_set(word, chars, count) || !bc_encoding_reserve(out, word->count)) return false;
    bc_wordpiece(tokenizer, word->bytes, 0, word->count, same, out);
    for (size_t i = kept; i < out->count; i++) {
        out->begin[i] = chars[word->chars[out->begin[i]]].begin;
        out->end[i] = chars[word->chars[out->end[i] - 1]].end;
    }
    return true;
}

/* Whether the whole stretch equals one of the raw literals. */
static bool is_literal(const bertc_tokenizer *tokenizer, const bc_char *chars, size_t count)
{
    for (size_t k = 0; k < tokenizer->raw.count; k++) {
        const bc_literal *literal = &tokenizer->raw.at[k];
        size_t at = 0, i = 0;
        while (i < count && at < literal->length) {
            unsigned char bytes[BC_UTF8_MAX];
            size_t used = bc_utf8_encode(chars[i].code, bytes);
            if (used > literal->length - at || memcmp(literal->text + at, bytes, used) != 0) break;
            at += used;
            i++;
        }
        if (i == count && at == literal->length) return true;
    }
    return false;
}

bool bc_match_stretch(const bertc_tokenizer *tokenizer, bc_scratch *scratch, const bc_char *chars,
                      size_t count, bertc_encoding *out)
{
    if (tokenizer->rules.keep_added && is_literal(tokenizer, chars, count))
        return match_word(tokenizer, scratch, chars, count, out);
    size_t first = 0;
    for (size_t i = 0; i <= count; i++) {
        bool punct = i < count && (bc_unicode_get(&tokenizer->unicode, chars[i].code)
                                       ->flags[tokenizer->rules.column] & BC_PUNCT);
        if (i < count && !punct) continue;
        if (first < i && !match_word(tokenizer, scratch, chars + first, i - first, out)) return false;
        if (punct && !match_word(tokenizer, scratch, chars + i, 1, out)) return false;
        first = i + 1;
    }
    return true;
}
